#include "agent/guard.h"

#include <stdio.h>
#include <string.h>

#include "codec/date.h"
#include "codec/numeral.h"
#include "nlu/pii.h"

enum { LEAK_MIN_BYTES = 80, LEAK_MANY_BYTES = 160, TREE_DEPTH_MAX = 64 };

struct str guard_input(struct arena *a, struct str text)
{
    struct buf b = buf_make(text.n * 2 + 1024);
    struct str masked = text;
    if (pii_mask(text, PII_CARD | PII_SECRET | PII_IBAN | PII_NATIONAL_ID, &b)) {
        masked = str_dup(a, buf_str(&b));
    }
    buf_free(&b);
    return masked;
}

static bool contains_folded(struct str text, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = 0; n <= text.n && i <= text.n - n; i++) {
        if (str_eq_nocase(str_sub(text, i, n), str_of(what))) {
            return true;
        }
    }
    return false;
}

bool guard_is_injection(struct str text)
{
    static const char *const verbs[] = {"ignore", "disregard", "forget", "override", "bypass"};
    static const char *const things[] = {"instruction", "previous",  "prompt",
                                         "your rules",  "guideline", "system message"};
    static const char *const plain[] = {"system prompt",    "reveal your prompt", "you are now",
                                        "developer mode",   "jailbreak",          "act as if you",
                                        "print your rules", "<|im_start|>",       "[system]"};
    bool verb = false, thing = false;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        verb = verb || contains_folded(text, verbs[i]);
    }
    for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++) {
        thing = thing || contains_folded(text, things[i]);
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        if (contains_folded(text, plain[i])) {
            return true;
        }
    }
    return verb && thing;
}

/* ---- facts ---------------------------------------------------------------------------------
 * A fact is a word that holds a digit, without its separators (codec/numeral.h). Money in minor
 * units and formatted money thereby meet. */

/* A fact that the answer states and that needs a source. */
struct claim {
    struct str token, bare; /* bare: without a unit */
    bool found;
};

struct claims {
    struct arena *a;
    struct claim *items;
    int count, open;  /* open: not found so far */
    uint64_t lengths; /* of what is looked for, a bit each */
};

static void add_fact(struct claims *c, struct str fact)
{
    if (fact.n < NUMERAL_WORD_MAX_BYTES && !(c->lengths >> fact.n & 1)) {
        return;
    }
    for (int i = 0; i < c->count; i++) {
        struct claim *one = &c->items[i];
        if (!one->found && (str_eq(fact, one->token) || str_eq(fact, one->bare))) {
            one->found = true;
            c->open--;
        }
    }
}

/* Digits from `at` on as a number; how many they are, at most `most`. */
static int digits_at(struct str text, size_t at, int most, int *out_value)
{
    int n = 0;
    *out_value = 0;
    while (n < most && at + (size_t)n < text.n && numeral_is_digit(text.p[at + (size_t)n])) {
        *out_value = *out_value * 10 + (text.p[at + (size_t)n] - '0');
        n++;
    }
    return n;
}

static bool has_sign(struct str text, size_t at, char sign)
{
    return at < text.n && text.p[at] == sign;
}

/* "18:00:00" is also said as 18:00, 6:00, 6:00pm and 6pm. */
static void add_clock_facts(struct claims *facts, struct str text, size_t at)
{
    int hour, minute;
    char form[16];
    int n = digits_at(text, at, 2, &hour);
    if (n == 0 || !has_sign(text, at + (size_t)n, ':') ||
        digits_at(text, at + (size_t)n + 1, 2, &minute) != 2 || hour > 24 || minute > 59) {
        return;
    }
    const char *half = hour % 24 < 12 ? "am" : "pm";
    int twelve = hour % 12 ? hour % 12 : 12;
    const int hours[] = {hour, twelve};
    for (size_t i = 0; i < 2; i++) {
        snprintf(form, sizeof(form), "%02d%02d", hours[i], minute);
        add_fact(facts, str_of(form));
        snprintf(form, sizeof(form), "%d%02d", hours[i], minute);
        add_fact(facts, str_of(form));
    }
    snprintf(form, sizeof(form), "%d%02d%s", twelve, minute, half);
    add_fact(facts, str_of(form));
    snprintf(form, sizeof(form), "%d%s", twelve, half);
    add_fact(facts, str_of(form));
}

/* The day of "2024-05-14T09:52:38". */
static void add_day_facts(struct claims *facts, struct str text, size_t at)
{
    int year, month, day;
    char form[8];
    if (digits_at(text, at, 4, &year) == 4 && has_sign(text, at + 4, '-') &&
        digits_at(text, at + 5, 2, &month) == 2 && has_sign(text, at + 7, '-') &&
        digits_at(text, at + 8, 2, &day) == 2) {
        memcpy(form, text.p + at, 4);
        memcpy(form + 4, text.p + at + 5, 2);
        memcpy(form + 6, text.p + at + 8, 2);
        add_fact(facts, str_make(form, sizeof(form)));
    }
}

static void add_text_facts(struct claims *facts, struct str text)
{
    char token[NUMERAL_WORD_MAX_BYTES];
    size_t at = 0, n;
    while (facts->open && numeral_next_word(text, &at, token, &n)) {
        add_fact(facts, str_make(token, n));
    }
    /* "BW-10421" also gives 10421, "10:30" also 10 and 30 */
    for (size_t i = numeral_next_digit(text, 0); facts->open && i < text.n;
         i = numeral_next_digit(text, i)) {
        size_t start = i;
        while (i < text.n && numeral_is_digit(text.p[i])) {
            i++;
        }
        if (i - start < NUMERAL_WORD_MAX_BYTES) {
            add_fact(facts, str_sub(text, start, i - start));
            add_clock_facts(facts, text, start);
            add_day_facts(facts, text, start);
        }
    }
}

static void add_time_facts(struct claims *facts, int64_t ms)
{
    struct arena *a = facts->a;
    add_text_facts(facts, date_words_time(a, ms));
    add_text_facts(facts, date_iso(a, ms));
    add_text_facts(facts, date_iso_day(a, ms));
}

static void add_number_facts(struct claims *facts, double value)
{
    struct arena *a = facts->a;
    int64_t whole = (int64_t)value;
    add_text_facts(facts, str_fmt(a, "%lld", (long long)whole));
    add_text_facts(facts, str_fmt(a, "%.2f", value));
    add_text_facts(facts, str_fmt(a, "%lld", (long long)(whole / 100))); /* 5000 cents: "50" */
    if (whole > 100000000000) {
        add_time_facts(facts, whole);
    }
}

enum value_part { VALUE_TEXTS, VALUE_NUMBERS };

static void add_value_facts(struct claims *facts, const struct json *v, enum value_part part,
                            int depth)
{
    if (!v || depth > TREE_DEPTH_MAX || !facts->open) {
        return;
    }
    switch (v->kind) {
    case JSON_STRING:
        if (part == VALUE_TEXTS) {
            add_text_facts(facts, v->string);
        }
        break;
    case JSON_INT:
    case JSON_REAL:
        if (part == VALUE_NUMBERS) {
            add_number_facts(facts, json_number(v, 0));
        }
        break;
    case JSON_ARRAY:
        if (part == VALUE_NUMBERS) {
            add_number_facts(facts, v->count);
        }
        for (uint32_t i = 0; i < v->count; i++) {
            add_value_facts(facts, &v->items[i], part, depth + 1);
        }
        break;
    case JSON_OBJECT:
        for (uint32_t i = 0; i < v->count; i++) {
            add_value_facts(facts, &v->members[i].value, part, depth + 1);
        }
        break;
    default:
        break;
    }
}

static void add_finding(struct guard_findings *f, struct str text)
{
    if (f->count < GUARD_FINDINGS_MAX) {
        f->items[f->count++] = text;
    }
}

/* Ordinals, citations and list numbers are no facts of their own. */
static bool is_small(const char *token, size_t n)
{
    return n == 1 || (n <= 2 && numeral_is_digit(token[0]) && token[0] == '1' &&
                      numeral_is_digit(token[n - 1]) && n == 2 && token[1] <= '2');
}

/* "20th" and "24-hour" state a number, not a word of their own. */
static size_t without_unit(const char *token, size_t n)
{
    static const char *const units[] = {"st",    "nd",     "rd",   "th",    "hour",   "hours",
                                        "day",   "days",   "week", "weeks", "minute", "minutes",
                                        "month", "months", "year", "years"};
    size_t digits = 0;
    while (digits < n && numeral_is_digit(token[digits])) {
        digits++;
    }
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(*units); i++) {
        if (str_eqz(str_make(token + digits, n - digits), units[i])) {
            return digits;
        }
    }
    return n;
}

static void read_claims(struct arena *a, struct str answer, struct claims *out)
{
    char token[NUMERAL_WORD_MAX_BYTES];
    size_t at = 0, n;
    int size = 0;
    *out = (struct claims){.a = a};
    while (numeral_next_word(answer, &at, token, &n)) {
        size_t bare = without_unit(token, n);
        if (is_small(token, bare)) {
            continue;
        }
        if (out->count == size) {
            struct claim *more = ARENA_ARRAY(a, struct claim, (size_t)size * 2 + 16);
            if (size) {
                memcpy(more, out->items, (size_t)size * sizeof(*more));
            }
            out->items = more;
            size = size * 2 + 16;
        }
        struct str text = str_dup(a, str_make(token, n));
        out->items[out->count++] = (struct claim){text, str_sub(text, 0, bare), false};
        out->lengths |=
            1ULL << (n % NUMERAL_WORD_MAX_BYTES) | 1ULL << (bare % NUMERAL_WORD_MAX_BYTES);
    }
    out->open = out->count;
}

/* Few of the sources are needed: those likeliest to hold the facts come first, and when all are
 * found no more is read. */
static void check_facts(struct arena *a, struct str answer, const struct guard_sources *src,
                        struct guard_findings *out)
{
    struct claims claims;
    read_claims(a, answer, &claims);
    for (int part = VALUE_TEXTS; part <= VALUE_NUMBERS; part++) {
        for (int i = 0; i < src->value_count && claims.open; i++) {
            add_value_facts(&claims, src->values[i], (enum value_part)part, 0);
        }
    }
    if (claims.open) {
        add_time_facts(&claims, src->now_ms);
    }
    for (int i = src->text_count - 1; i >= 0 && claims.open; i--) {
        add_text_facts(&claims, src->texts[i]);
    }
    if (claims.open) {
        add_text_facts(&claims, src->system);
    }
    for (int i = 0; i < claims.count && claims.open; i++) {
        const struct claim *one = &claims.items[i];
        if (!one->found) {
            out->unsupported += out->count < GUARD_FINDINGS_MAX;
            add_finding(out, str_fmt(a, "\"%.*s\" comes from no tool result, article or message",
                                     STR_ARG(one->token)));
        }
    }
}

/* Much of the prompt's own words in the answer. A policy's phrase may be quoted ("the reason for
 * cancellation (change of plan, ...)"); most of an answer, or of the prompt, may not be it. */
static bool leaks(struct str answer, struct str system)
{
    if (answer.n < LEAK_MIN_BYTES) {
        return false;
    }
    const size_t stride = LEAK_MIN_BYTES / 4;
    size_t leaked = 0, end = 0; /* of what is counted in the prompt */
    for (size_t i = 0; i + LEAK_MIN_BYTES <= system.n; i += stride) {
        if (str_find(answer, str_sub(system, i, LEAK_MIN_BYTES)) >= 0) {
            leaked += i + LEAK_MIN_BYTES - (i > end ? i : end);
            end = i + LEAK_MIN_BYTES;
        }
    }
    return leaked >= LEAK_MANY_BYTES || leaked * 4 > answer.n * 3 || leaked * 2 > system.n;
}

void guard_answer(struct arena *a, struct str answer, const struct guard_sources *sources,
                  struct guard_findings *out)
{
    *out = (struct guard_findings){0};
    struct pii_span span;
    if (str_trim(answer).n == 0) {
        add_finding(out, STR("the answer is empty"));
        return;
    }
    if (answer.n > GUARD_ANSWER_MAX_BYTES) {
        add_finding(out, STR("the answer is too long; be brief"));
    }
    if (!str_is_utf8(answer)) {
        add_finding(out, STR("the answer is not valid text"));
        return;
    }
    if (pii_find(answer, PII_CARD | PII_SECRET | PII_NATIONAL_ID, &span, 1)) {
        add_finding(out, STR("the answer holds a card number or a secret"));
    }
    if (leaks(answer, sources->system)) {
        add_finding(out, STR("the answer repeats the instructions"));
    }
    check_facts(a, answer, sources, out);
}
