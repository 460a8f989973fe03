#include "nlu/phone.h"

#include <ctype.h>
#include <string.h>

#include "nlu/phrase.h"

enum { GROUPS_MAX = 8, LOOK_BACK_BYTES = 48, EXTENSION_DIGITS_MAX = 6 };

/* The digits and how they are grouped, as they stand. */
struct shape {
    char digits[PHONE_DIGITS_MAX + 3];
    size_t digit_count;
    size_t groups[GROUPS_MAX];   /* digits in each */
    char separators[GROUPS_MAX]; /* before each group: ' ' '-' '.' '/' or 0 */
    size_t group_count;
    bool plus, brackets;
    size_t end;
};

static char at_or_zero(struct str s, size_t i)
{
    return i < s.n ? s.p[i] : 0;
}

static bool digit_at(struct str s, size_t i)
{
    return isdigit((unsigned char)at_or_zero(s, i)) != 0;
}

/* Steps over what may stand between two groups; 0 when no group follows. */
static size_t skip_separator(struct str s, size_t i, char *out_separator, bool *brackets)
{
    size_t start = i;
    char found = 0;
    while (i < s.n && i - start < 3 && strchr(" -./()", s.p[i])) {
        *brackets |= s.p[i] == '(' || s.p[i] == ')';
        if (s.p[i] != '(' && s.p[i] != ')') {
            if (found && found != ' ' && s.p[i] != ' ') {
                return 0; /* "--", ".." */
            }
            found = found && found != ' ' ? found : s.p[i];
        }
        i++;
    }
    *out_separator = found ? found : ' ';
    return i > start && digit_at(s, i) ? i : 0;
}

static bool read_shape(struct str s, size_t at, struct shape *out)
{
    struct shape shape = {0};
    size_t i = at;
    shape.plus = at_or_zero(s, i) == '+';
    i += shape.plus;
    if (at_or_zero(s, i) == '(') {
        shape.brackets = true;
        i++;
    }
    char separator = 0;
    while (digit_at(s, i) && shape.group_count < GROUPS_MAX) {
        size_t start = i;
        while (digit_at(s, i)) {
            if (shape.digit_count == sizeof shape.digits - 1) {
                return false;
            }
            shape.digits[shape.digit_count++] = s.p[i++];
        }
        shape.separators[shape.group_count] = separator;
        shape.groups[shape.group_count++] = i - start;
        shape.end = i;
        bool brackets = shape.brackets;
        size_t next = skip_separator(s, i, &separator, &brackets);
        if (!next) {
            break;
        }
        shape.brackets = brackets;
        i = next;
    }
    *out = shape;
    return shape.group_count > 0;
}

/* "2026-03-01", "01.03.2026", "1/3/26", "10:30", "12.50": digits with another meaning. */
static bool is_date(const struct shape *s)
{
    if (s->group_count != 3 || s->plus || s->brackets) {
        return false;
    }
    bool same = s->separators[1] == s->separators[2];
    bool year_first = s->groups[0] == 4 && s->groups[1] <= 2 && s->groups[2] <= 2;
    bool year_last =
        s->groups[0] <= 2 && s->groups[1] <= 2 && (s->groups[2] == 4 || s->groups[2] == 2);
    return same && (year_first || year_last);
}

static bool is_ip(const struct shape *s)
{
    return s->group_count == 4 && s->separators[1] == '.' && s->separators[2] == '.' &&
           s->separators[3] == '.' && s->groups[0] <= 3 && s->groups[1] <= 3 && s->groups[2] <= 3 &&
           s->groups[3] <= 3 && s->digits[0] != '0';
}

/* 0: not a number to call. */
static double judge(const struct shape *s, bool expected)
{
    size_t n = s->digit_count, groups = s->group_count;
    bool zero = s->digits[0] == '0';
    bool double_zero = zero && s->digits[1] == '0';
    if (is_date(s) || is_ip(s) || n > PHONE_DIGITS_MAX + (double_zero ? 2 : 0)) {
        return 0;
    }
    if ((s->plus || double_zero) && n >= 8) {
        return 1;
    }
    if (s->brackets && n >= 7) {
        return 0.9;
    }
    bool short_group = false;
    for (size_t i = 0; i < groups; i++) {
        short_group |= s->groups[i] < 2;
    }
    if (groups >= 3 && n >= 9 && n <= 13 && !short_group) {
        return 0.9;
    }
    if (zero && groups >= 2 && n >= 9 && n <= 12) {
        return 0.85;
    }
    bool pairs = groups == 4 && n == 8 && !short_group && s->separators[1] != ' ';
    if (pairs) {
        return 0.8;
    }
    bool local = groups == 2 && s->groups[0] == 3 && s->groups[1] == 4;
    if (local && (s->separators[1] == '-' || expected)) {
        return 0.7;
    }
    if (!expected) {
        return 0;
    }
    if (groups >= 2 && n >= 6) {
        return 0.8;
    }
    return n >= 7 && groups == 1 ? 0.6 : 0;
}

static size_t skip_extension(struct str s, size_t end)
{
    size_t i = end;
    while (at_or_zero(s, i) == ' ') {
        i++;
    }
    if (str_starts(str_sub(s, i, 4), STR("ext."))) {
        i += 4;
    } else if (str_starts(str_sub(s, i, 3), STR("ext"))) {
        i += 3;
    } else if (at_or_zero(s, i) == 'x') {
        i += 1;
    } else {
        return end;
    }
    while (at_or_zero(s, i) == ' ') {
        i++;
    }
    size_t start = i;
    while (digit_at(s, i) && i - start <= EXTENSION_DIGITS_MAX) {
        i++;
    }
    return i > start && i - start <= EXTENSION_DIGITS_MAX ? i : end;
}

/* What stands right before and behind must not make it part of something else. */
static bool stands_free(struct str s, size_t at, size_t end)
{
    unsigned char before = at ? (unsigned char)s.p[at - 1] : ' ';
    unsigned char after = (unsigned char)at_or_zero(s, end);
    if (isalnum(before) || before >= 128 || strchr("#$@/\\_-+.,", before)) {
        bool opens = before == '.' || before == ',' || before == '/' || before == '-';
        if (!opens || (at > 1 && !isspace((unsigned char)s.p[at - 2]) &&
                       isalnum((unsigned char)s.p[at - 2]))) {
            return false;
        }
    }
    /* The last groups of a longer row of digits. */
    if (at > 1 && strchr(" -", (int)before) && digit_at(s, at - 2)) {
        return false;
    }
    if (isalnum(after) || (after && strchr("%@$_#\\", after))) {
        return false;
    }
    return !(after && strchr("-.,:/", after) && isalnum((unsigned char)at_or_zero(s, end + 1)));
}

bool phone_at(struct str text, size_t at, bool expected, struct phone *out_phone)
{
    struct shape shape;
    if (!read_shape(text, at, &shape)) {
        return false;
    }
    double confidence = judge(&shape, expected);
    size_t end = skip_extension(text, shape.end);
    if (confidence <= 0 || !stands_free(text, at, end)) {
        return false;
    }
    const char *digits = shape.digits;
    size_t n = shape.digit_count;
    bool international = shape.plus || (digits[0] == '0' && digits[1] == '0');
    if (!shape.plus && international) {
        digits += 2;
        n -= 2;
    }
    struct phone phone = {.start = at, .end = end, .confidence = confidence};
    size_t at_text = 0;
    if (international) {
        phone.text[at_text++] = '+';
    }
    memcpy(phone.text + at_text, digits, n < PHONE_DIGITS_MAX ? n : PHONE_DIGITS_MAX);
    *out_phone = phone;
    return true;
}

/* "781 1704 office" */
static bool is_labelled(struct str text, size_t at)
{
    size_t i = at;
    while (i < text.n && strchr("0123456789 ()-./+", text.p[i])) {
        i++;
    }
    struct phrase_text after;
    phrase_read(str_sub(text, i, 12), &after);
    size_t first, last;
    return phrase_find(&after, "^ office/mobile/cell/fax/home/phone/tel/landline", 0, &first,
                       &last);
}

bool phone_is_announced(struct str text, size_t at)
{
    static const char *const CUES[] = {
        "phone/telephone/tel/mobile/cell/cellphone/fax/whatsapp/handy/telefon/telefono/telefoon/"
        "portable/landline/hotline",
        "call/ring/dial/text/reach/contact/sms me/him/her/us/them/at/on",
        "call/dial/ring/calling/anrufen/appeler/llamar",
        "my/our/his/her number",
        "answering/reachable at/on/under",
        NULL};
    size_t from = at > LOOK_BACK_BYTES ? at - LOOK_BACK_BYTES : 0;
    struct phrase_text before;
    phrase_read(str_sub(text, from, at - from), &before);
    return phrase_has(&before, CUES) || is_labelled(text, at);
}
