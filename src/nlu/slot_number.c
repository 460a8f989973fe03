#include <ctype.h>
#include <math.h>
#include <string.h>

#include "nlu/slot_scan.h"

enum { DIGITS_MAX = 15 }; /* what a double holds exactly */

static const char *const ONES[] = {"zero",    "one",     "two",       "three",    "four",
                                   "five",    "six",     "seven",     "eight",    "nine",
                                   "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                   "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const TENS[] = {"twenty", "thirty",  "forty",  "fifty",
                                   "sixty",  "seventy", "eighty", "ninety"};
static const char *const ORDINALS[] = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};

static int index_of(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

/* Which of '.' and ',' divides the fraction off; 0 when neither does. */
static char find_decimal_sign(struct str t, bool comma_decimals)
{
    ptrdiff_t point = -1, comma = -1;
    size_t points = 0, commas = 0;
    for (size_t i = 0; i < t.n; i++) {
        points += t.p[i] == '.';
        commas += t.p[i] == ',';
        point = t.p[i] == '.' ? (ptrdiff_t)i : point;
        comma = t.p[i] == ',' ? (ptrdiff_t)i : comma;
    }
    if (points && commas) {
        return point > comma ? '.' : ',';
    }
    if (points == 1) {
        bool thousands = comma_decimals && t.n - (size_t)point == 4 && t.p[0] != '0';
        return thousands ? 0 : '.';
    }
    if (commas == 1) {
        bool thousands = t.n - (size_t)comma == 4 && t.p[0] != '0';
        return thousands ? 0 : ',';
    }
    return 0;
}

bool slot_number_read(struct str text, bool comma_decimals, double *out_value, bool *out_whole)
{
    char sign = find_decimal_sign(text, comma_decimals);
    double value = 0, scale = 1;
    size_t digits = 0, group = 0;
    bool fraction = false, grouped = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (isdigit((unsigned char)c)) {
            value = value * 10 + (c - '0');
            scale *= fraction ? 10 : 1;
            group++;
            digits++;
        } else if (c == sign && !fraction) {
            if (!digits || (grouped && group != 3)) {
                return false;
            }
            fraction = true;
        } else if ((c == '.' || c == ',') && !fraction) {
            if (!group || group > 3 || (grouped && group != 3)) {
                return false;
            }
            grouped = true;
            group = 0;
        } else {
            return false;
        }
    }
    if (!digits || digits > DIGITS_MAX || (grouped && !fraction && group != 3)) {
        return false;
    }
    *out_value = value / scale;
    *out_whole = value / scale == floor(value / scale);
    return true;
}

/* Digits with what may hang on them: "12k", "3rd". */
static bool read_digits(const struct slot_scan *s, size_t i, struct slot_number *out)
{
    struct str word = str_of(s->words.words[i].text);
    size_t n = word.n;
    while (n && isalpha((unsigned char)word.p[n - 1])) {
        n--;
    }
    struct str tail = str_sub(word, n, word.n);
    double value, factor = 1;
    if (!slot_number_read(str_sub(word, 0, n), s->scene->day_first, &value, &out->whole)) {
        return false;
    }
    if (str_eqz(tail, "st") || str_eqz(tail, "nd") || str_eqz(tail, "rd") || str_eqz(tail, "th")) {
        out->ordinal = true;
    } else if (str_eqz(tail, "k")) {
        factor = 1e3;
    } else if (str_eqz(tail, "m") || str_eqz(tail, "mio")) {
        factor = 1e6;
    } else if (tail.n) {
        return false;
    }
    unsigned char before = slot_scan_before(s, i), after = slot_scan_after(s, i);
    size_t start = s->words.words[i].start;
    bool joined = start > 1 && (before == '-' || before == '_' || before == '/') &&
                  !isspace((unsigned char)s->text.p[start - 2]);
    out->in_id = joined || before == '#' || before == '_' || after == '-' || after == '_';
    bool minus = before == '-' && !joined;
    out->value = value * factor * (minus ? -1 : 1);
    out->whole = out->value == floor(out->value);
    out->last = i;
    return true;
}

/* "two hundred and fifty thousand": out->value and out->last; false when word i is no number word.
 */
static bool read_spelled(const struct slot_scan *s, size_t i, struct slot_number *out)
{
    double total = 0, part = 0;
    size_t at = i, end = i;
    bool any = slot_scan_at(s, i, "a/an") && slot_scan_is(s, i + 1, "hundred/thousand/million");
    bool small = false;
    at += any;
    for (; at < s->words.count && at < i + 12; at++) {
        if (at > i && s->words.words[at].clause != s->words.words[at - 1].clause) {
            break;
        }
        const char *word = s->words.words[at].text;
        int one = index_of(ONES, 20, word), ten = index_of(TENS, 8, word);
        int ordinal = index_of(ORDINALS, 20, word);
        if (one >= 0 && !small) {
            part += one;
            small = true;
        } else if (ten >= 0 && !small) {
            part += 20 + 10 * ten;
            small = at + 1 >= s->words.count || index_of(ONES, 10, s->words.words[at + 1].text) < 1;
            small &=
                at + 1 >= s->words.count || index_of(ORDINALS, 10, s->words.words[at + 1].text) < 1;
        } else if (ordinal > 0 && !small) {
            out->value = total + part + ordinal;
            out->ordinal = true;
            out->last = at;
            return true;
        } else if (strcmp(word, "hundred") == 0 && any) {
            part = (part > 0 ? part : 1) * 100;
            small = false;
        } else if ((strcmp(word, "thousand") == 0 || strcmp(word, "million") == 0) && any) {
            total += (part > 0 ? part : 1) * (word[0] == 't' ? 1e3 : 1e6);
            part = 0;
            small = false;
        } else if (strcmp(word, "and") == 0 && any && (part >= 100 || total > 0)) {
            continue;
        } else {
            break;
        }
        any = true;
        end = at;
    }
    out->value = total + part;
    out->last = end;
    return any;
}

/* "a dozen", "half a dozen", "a couple of", "a hundred", "a single": numbers that begin with an
 * article. */
static bool read_set(const struct slot_scan *s, size_t i, struct slot_number *out)
{
    size_t at = i;
    double factor = 1;
    if (slot_scan_at(s, at, "half") && slot_scan_is(s, at + 1, "a/an")) {
        factor = 0.5;
        at++;
    }
    if (!slot_scan_at(s, at, "a/an/one")) {
        return false;
    }
    static const struct {
        const char *word;
        double value;
    } SETS[] = {{"dozen", 12}, {"couple", 2}, {"pair", 2}, {"few", 3}, {"single", 1}};
    for (size_t k = 0; k < sizeof SETS / sizeof SETS[0]; k++) {
        if (slot_scan_is(s, at + 1, SETS[k].word)) {
            out->value = factor * SETS[k].value;
            out->last = at + 1;
            out->last += slot_scan_is(s, at + 2, "of");
            out->loose = strcmp(SETS[k].word, "few") == 0;
            return true;
        }
    }
    return false;
}

bool slot_number_at(const struct slot_scan *s, size_t i, struct slot_number *out)
{
    struct slot_number n = {.first = i, .last = i, .whole = true};
    if (i >= s->words.count) {
        return false;
    }
    if (isdigit((unsigned char)s->words.words[i].text[0])) {
        if (!read_digits(s, i, &n)) {
            return false;
        }
    } else if (read_set(s, i, &n)) {
        n.spelled = true;
    } else if (read_spelled(s, i, &n)) {
        n.spelled = true;
        n.loose = n.value == 1 && n.first == n.last && !n.ordinal;
    } else {
        return false;
    }
    if (!n.ordinal && slot_scan_is(s, n.last + 1, "and") && slot_scan_is(s, n.last + 2, "a") &&
        slot_scan_is(s, n.last + 3, "half")) {
        n.value += 0.5;
        n.whole = false;
        n.last += 3;
        n.loose = false;
    }
    *out = n;
    return true;
}

/* What stands behind or before tells that the number counts something else. */
static bool belongs_elsewhere(const struct slot_scan *s, const struct slot_number *n)
{
    unsigned char before = slot_scan_before(s, n->first), after = slot_scan_after(s, n->last);
    if (before == '$' || before == '#' || after == '/' || before == '/' || after == ':') {
        return true;
    }
    if (before >= 128 || after == 0xe2 || after == 0xc2) {
        return true; /* a currency sign */
    }
    return slot_scan_is(s, n->last + 1,
                        "am/pm/oclock/dollars/dollar/euros/euro/pounds/usd/eur/gbp/cents/january/"
                        "february/march/april/june/july/august/september/october/november/december/"
                        "uhr") ||
           (n->first && slot_scan_is(s, n->first, s->words.words[n->first].text) &&
            slot_scan_is(s, n->first - 1,
                         "january/february/march/april/june/july/august/september/october/"
                         "november/december/order/invoice/ticket/number/no/nr"));
}

/* "5 seats" for the parameter "seats": the neighbour names the parameter. */
static bool is_called_for(const struct slot_scan *s, const struct slot_number *n)
{
    for (size_t i = n->first > 2 ? n->first - 2 : 0; i <= n->last + 2 && i < s->words.count; i++) {
        const char *word = s->words.words[i].text;
        char stem[PHRASE_WORD_MAX_BYTES + 1];
        size_t length = strlen(word);
        memcpy(stem, word, length + 1);
        if (length > 3 && stem[length - 1] == 's') {
            stem[length - 1] = 0;
        }
        if (length >= 3 && (slot_scan_named(s->want, word) || slot_scan_named(s->want, stem))) {
            return true;
        }
        if (length >= 3 && length < PHRASE_WORD_MAX_BYTES && word[length - 1] != 's') {
            stem[length] = 's';
            stem[length + 1] = 0;
            if (slot_scan_named(s->want, stem)) {
                return true;
            }
        }
    }
    return false;
}

void slot_number_find(struct slot_scan *s)
{
    bool asked = s->scene->answers;
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_number n;
        if (!slot_number_at(s, i, &n)) {
            if (asked && s->words.count <= 3 && slot_scan_at(s, i, "none/nothing/zero")) {
                n = (struct slot_number){.first = i, .last = i, .whole = true};
            } else {
                continue;
            }
        }
        double confidence = n.spelled ? 0.9 : 0.95;
        bool called = is_called_for(s, &n);
        if (n.loose) {
            confidence = asked || called ? 0.8 : 0.3;
        } else if (n.in_id) {
            confidence = 0.3;
        } else if (!called && belongs_elsewhere(s, &n)) {
            confidence = 0.4;
        } else if (n.ordinal) {
            confidence = asked ? 0.7 : 0.4;
        }
        confidence += called ? 0.04 : 0;
        if (s->want->kind == SLOT_INTEGER && !n.whole) {
            i = n.last;
            continue;
        }
        struct str span = slot_scan_span(s, n.first, n.last);
        bool minus = n.value < 0;
        size_t start = (size_t)(span.p - s->text.p) - minus;
        slot_scan_put(s, (struct slot){.start = start,
                                       .end = start + span.n + minus,
                                       .confidence = confidence,
                                       .text = span,
                                       .integer = (int64_t)llround(n.value),
                                       .real = n.value});
        i = n.last;
    }
}
