#include "codec/numeral.h"

#include <stdlib.h>
#include <string.h>

static bool digit_at(struct str s, size_t i)
{
    return i < s.n && numeral_is_digit(s.p[i]);
}

size_t numeral_next_digit(struct str text, size_t at)
{
    while (at < text.n && !numeral_is_digit(text.p[at])) {
        at++;
    }
    return at;
}

/* ---- numbers ------------------------------------------------------------- */

/* How many bytes stand between two groups of three digits there: a mark, or a no-break blank,
 * narrow or not; 0: no group follows. */
static size_t between_groups(struct str s, size_t i)
{
    static const char *const marks[] = {",", ".", "'", "\u00a0", "\u202f"};
    for (size_t m = 0; m < sizeof(marks) / sizeof(*marks); m++) {
        size_t n = strlen(marks[m]);
        if (str_starts(str_sub(s, i, n), str_of(marks[m])) && digit_at(s, i + n) &&
            digit_at(s, i + n + 1) && digit_at(s, i + n + 2) && !digit_at(s, i + n + 3)) {
            return n;
        }
    }
    return 0;
}

bool numeral_next(struct str text, size_t *cursor, struct numeral *out)
{
    char plain[NUMERAL_DIGITS_MAX + 2]; /* with the decimal point */
    size_t n = 0, i = numeral_next_digit(text, *cursor);
    bool point = false;
    if (i >= text.n) {
        return false;
    }
    *out = (struct numeral){.start = i};
    while (i < text.n && out->digit_count < NUMERAL_DIGITS_MAX) {
        char c = text.p[i];
        size_t between = point ? 0 : between_groups(text, i);
        if (numeral_is_digit(c)) {
            out->digits[out->digit_count++] = c;
            plain[n++] = c;
        } else if (between) {
            i += between - 1;
        } else if (!point && (c == ',' || c == '.') && digit_at(text, i + 1)) {
            plain[n++] = '.';
            point = true;
        } else {
            break;
        }
        i++;
    }
    plain[n] = 0;
    out->end = i;
    out->value = strtod(plain, NULL);
    *cursor = i;
    return true;
}

/* ---- words --------------------------------------------------------------- */

static bool is_word(char c)
{
    return numeral_is_digit(c) || (unsigned char)((c | 0x20) - 'a') < 26;
}

static bool is_joint(char c)
{
    return c == '-' || c == '.' || c == ',' || c == '/' || c == ':';
}

/* Where the word with the digit at `digit` begins. */
static size_t word_start(struct str text, size_t digit)
{
    size_t at = digit;
    while (at > 0 && (is_word(text.p[at - 1]) ||
                      (is_joint(text.p[at - 1]) && at > 1 && is_word(text.p[at - 2])))) {
        at--;
    }
    return at;
}

bool numeral_next_word(struct str text, size_t *cursor, char out[NUMERAL_WORD_MAX_BYTES],
                       size_t *out_n)
{
    size_t digit = numeral_next_digit(text, *cursor), n = 0;
    if (digit >= text.n) {
        return false;
    }
    size_t i = word_start(text, digit);
    while (i < text.n) {
        char c = text.p[i];
        bool word = is_word(c);
        if (!word && !(is_joint(c) && i + 1 < text.n && is_word(text.p[i + 1]))) {
            break;
        }
        if (word && n < NUMERAL_WORD_MAX_BYTES) {
            out[n++] = numeral_is_digit(c) ? c : (char)(c | 0x20);
        }
        i++;
    }
    *cursor = i;
    *out_n = n;
    return true;
}
