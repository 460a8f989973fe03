#include <math.h>
#include <string.h>

#include "nlu/slot_scan.h"

/* Currencies by sign, code and word; `decimals` of ISO 4217. */
static const struct currency {
    const char *code;
    const char *sign; /* UTF-8; NULL: none of its own */
    const char *words;
    int decimals;
} CURRENCIES[] = {
    {"USD", "$", "usd/dollar/dollars/bucks/buck", 2},
    {"EUR", "\xe2\x82\xac", "eur/euro/euros", 2},
    {"GBP", "\xc2\xa3", "gbp/pound/pounds/quid", 2},
    {"JPY", "\xc2\xa5", "jpy/yen", 0},
    {"INR", "\xe2\x82\xb9", "inr/rupee/rupees", 2},
    {"CHF", NULL, "chf/franken/francs", 2},
    {"SEK", NULL, "sek", 2},
    {"NOK", NULL, "nok", 2},
    {"DKK", NULL, "dkk", 2},
    {"PLN", NULL, "pln/zloty/zl", 2},
    {"CZK", NULL, "czk", 2},
    {"CAD", NULL, "cad", 2},
    {"AUD", NULL, "aud", 2},
    {"", NULL, "kr/kronor/kroner", 2},
};

static const struct currency *currency_behind(const struct slot_scan *s, size_t last,
                                              size_t *out_bytes, size_t *out_words)
{
    size_t end = s->words.words[last].end;
    struct str rest = str_sub(s->text, end, 8);
    size_t blanks = rest.n && rest.p[0] == ' ';
    for (size_t i = 0; i < sizeof CURRENCIES / sizeof CURRENCIES[0]; i++) {
        const struct currency *c = &CURRENCIES[i];
        if (c->sign && str_starts(str_sub(rest, blanks, 8), str_of(c->sign))) {
            *out_bytes = blanks + strlen(c->sign);
            *out_words = 0;
            return c;
        }
        if (slot_scan_is(s, last + 1, c->words)) {
            *out_words = 1;
            *out_bytes = s->words.words[last + 1].end - end;
            return c;
        }
    }
    return NULL;
}

static const struct currency *currency_before(const struct slot_scan *s, size_t first,
                                              size_t *out_bytes)
{
    size_t start = s->words.words[first].start;
    size_t blank = start && s->text.p[start - 1] == ' ';
    struct str before = str_sub(s->text, 0, start - blank);
    for (size_t i = 0; i < sizeof CURRENCIES / sizeof CURRENCIES[0]; i++) {
        const struct currency *c = &CURRENCIES[i];
        if (c->sign && str_ends(before, str_of(c->sign))) {
            *out_bytes = blank + strlen(c->sign);
            return c;
        }
        if (first > 0 && strlen(c->code) == 3 &&
            slot_scan_is(s, first, s->words.words[first].text) &&
            str_eq_nocase(str_of(s->words.words[first - 1].text), str_of(c->code))) {
            *out_bytes = start - s->words.words[first - 1].start;
            return c;
        }
    }
    return NULL;
}

/* "and 20 cents", or " 20" behind "5 dollars". */
static double read_cents(const struct slot_scan *s, size_t *last)
{
    size_t at = *last + 1;
    at += slot_scan_is(s, at, "and");
    struct slot_number n;
    if (slot_number_at(s, at, &n) && n.whole && n.value >= 0 && n.value < 100 &&
        slot_scan_is(s, n.last + 1, "cent/cents/pence/penny/p")) {
        *last = n.last + 1;
        return n.value;
    }
    return 0;
}

static void put(struct slot_scan *s, const struct slot_number *n, const struct currency *c,
                size_t start, size_t end, double cents)
{
    double confidence = c ? 0.97 : s->scene->answers ? 0.85 : 0.4;
    if (!c && (n->in_id || n->loose || n->ordinal)) {
        confidence = 0.2;
    }
    double factor = pow(10, c ? c->decimals : 2);
    double minor = n->value * factor + cents;
    if (fabs(minor) > 9e15) {
        return;
    }
    struct slot slot = {.start = start,
                        .end = end,
                        .confidence = confidence,
                        .text = str_sub(s->text, start, end - start),
                        .integer = (int64_t)llround(minor),
                        .real = minor / factor};
    memcpy(slot.currency, c ? c->code : "", c ? strlen(c->code) + 1 : 1);
    slot_scan_put(s, slot);
}

void slot_money_find(struct slot_scan *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        struct slot_number n;
        if (!slot_number_at(s, i, &n)) {
            continue;
        }
        size_t bytes = 0, words = 0, last = n.last;
        const struct currency *c = currency_before(s, n.first, &bytes);
        size_t start = s->words.words[n.first].start - (c ? bytes : 0);
        size_t end = s->words.words[n.last].end;
        if (!c) {
            c = currency_behind(s, n.last, &bytes, &words);
            end += c ? bytes : 0;
            last += words;
        }
        double cents = 0;
        if (!c && slot_scan_is(s, n.last + 1, "cent/cents/pence")) {
            cents = n.value;
            n.value = 0;
            c = &CURRENCIES[0];
            last = n.last + 1;
            end = s->words.words[last].end;
        } else if (c && words) {
            cents = read_cents(s, &last);
            end = s->words.words[last].end;
        }
        put(s, &n, c, start, end, cents);
        i = last;
    }
}
