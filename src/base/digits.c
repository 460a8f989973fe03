#include "base/digits.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    CARD_MIN = 12,
    CARD_MAX = 19,
    IBAN_MIN = 15,
    IBAN_MAX = 34,
    PHONE_MIN = 8,
    PHONE_MIN_LOCAL = 9, /* behind a 0 or a parenthesis */
    PHONE_MAX = 15,
    GROUPS_MAX = 8
};

static unsigned char at_or_zero(struct str s, size_t i)
{
    return i < s.n ? (unsigned char)s.p[i] : 0;
}

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 128;
}

static bool luhn(const char *digits, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digits[n - 1 - i] - '0';
        if (i % 2) {
            d = 2 * d > 9 ? 2 * d - 9 : 2 * d;
        }
        sum += d;
    }
    return sum % 10 == 0;
}

size_t digits_card(struct str s, size_t at)
{
    unsigned char before = at ? (unsigned char)s.p[at - 1] : ' ';
    if (!isdigit(at_or_zero(s, at)) || is_word(before) || before == '-' || before == '.') {
        return 0;
    }
    char digits[CARD_MAX + 1];
    size_t n = 0, i = at;
    for (; i < s.n; i++) {
        if (isdigit((unsigned char)s.p[i])) {
            if (n == CARD_MAX) {
                return 0;
            }
            digits[n++] = s.p[i];
        } else if (!((s.p[i] == ' ' || s.p[i] == '-') && isdigit(at_or_zero(s, i + 1)))) {
            break;
        }
    }
    /* Issuers' ranges begin with 1 (old JCB) to 6; mostly 3 to 6. */
    bool issuer = digits[0] >= '1' && digits[0] <= '6';
    bool whole = n >= CARD_MIN && issuer && !is_word(at_or_zero(s, i)) && luhn(digits, n);
    return whole ? i : 0;
}

/* What is left of the number by 97 when its first four characters are moved behind. */
static unsigned iban_rest(const char *text, size_t n)
{
    unsigned rest = 0;
    for (size_t j = 0; j < n; j++) {
        char d = text[(j + 4) % n];
        rest = isdigit((unsigned char)d) ? (rest * 10 + (unsigned)(d - '0')) % 97
                                         : (rest * 100 + (unsigned)(d - 'A' + 10)) % 97;
    }
    return rest;
}

size_t digits_iban(struct str s, size_t at)
{
    if ((at && is_word((unsigned char)s.p[at - 1])) || !isalpha(at_or_zero(s, at)) ||
        !isalpha(at_or_zero(s, at + 1)) || !isdigit(at_or_zero(s, at + 2)) ||
        !isdigit(at_or_zero(s, at + 3))) {
        return 0;
    }
    char text[IBAN_MAX + 1];
    size_t n = 0, best = 0;
    for (size_t i = at; i < s.n && n < IBAN_MAX; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (isalnum(c)) {
            text[n++] = (char)toupper(c);
        } else if (!((c == ' ' || c == '-') && isalnum(at_or_zero(s, i + 1)))) {
            break;
        }
        /* Words may follow after a blank, so every word's end is tried. */
        if (n >= IBAN_MIN && !is_word(at_or_zero(s, i + 1)) && iban_rest(text, n) == 1) {
            best = i + 1;
        }
    }
    return best;
}

/* Digits in groups: how many in each, and where the last ends. */
struct groups {
    size_t lengths[GROUPS_MAX], count, digits, end;
};

static bool read_groups(struct str s, size_t at, struct groups *out)
{
    struct groups g = {.end = at};
    for (size_t i = at; i < s.n;) {
        size_t n = 0;
        while (isdigit(at_or_zero(s, i + n))) {
            n++;
        }
        if (!n || g.count == GROUPS_MAX) {
            break;
        }
        g.lengths[g.count++] = n;
        g.digits += n;
        g.end = i += n;
        /* At most two signs stand between groups: ") ", " (". */
        for (int signs = 0; signs < 2 && at_or_zero(s, i) && strchr(" -./()", s.p[i]); signs++) {
            i++;
        }
    }
    *out = g;
    return g.count > 0 && !is_word(at_or_zero(s, g.end));
}

size_t digits_phone(struct str s, size_t at)
{
    struct groups g;
    unsigned char first = at_or_zero(s, at), before = at ? (unsigned char)s.p[at - 1] : ' ';
    bool sign = first == '+' || first == '(';
    if (is_word(before) || before == '-' || before == '.' || (!sign && !isdigit(first)) ||
        !read_groups(s, at + sign, &g) || g.digits > PHONE_MAX) {
        return 0;
    }
    bool american = g.count == 3 && g.lengths[0] == 3 && g.lengths[1] == 3 && g.lengths[2] == 4;
    bool is_phone = first == '+'                   ? g.digits >= PHONE_MIN
                    : first == '(' || first == '0' ? g.digits >= PHONE_MIN_LOCAL
                                                   : american;
    return is_phone ? g.end : 0;
}
