/* Values known by their form: e-mail addresses, telephone numbers, addresses of pages, and whatever
 * the schema's pattern describes, in the ways people write such ids. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "codec/pattern.h"
#include "nlu/phone.h"
#include "nlu/pii.h"
#include "nlu/slot_scan.h"

enum { WINDOW_WORDS = 4, ID_MAX_BYTES = 64, PREFIX_MAX_BYTES = 16, URL_MAX_BYTES = 2048 };

static void put(struct slot_scan *s, size_t start, size_t end, struct str value, double confidence)
{
    slot_scan_put(s, (struct slot){.start = start,
                                   .end = end,
                                   .confidence = confidence,
                                   .text = str_dup(s->arena, value)});
}

static void find_emails(struct slot_scan *s)
{
    struct pii_span spans[SLOT_FOUND_MAX];
    size_t n = pii_find(s->text, PII_EMAIL, spans, SLOT_FOUND_MAX);
    for (size_t i = 0; i < n; i++) {
        struct str value = str_sub(s->text, spans[i].start, spans[i].end - spans[i].start);
        put(s, spans[i].start, spans[i].end, value, 1);
    }
}

static void find_phones(struct slot_scan *s)
{
    for (size_t at = 0; at < s->text.n; at++) {
        struct phone phone;
        if (!strchr("+(0123456789", s->text.p[at])) {
            continue;
        }
        if (phone_at(s->text, at, s->scene->answers, &phone) ||
            (phone_at(s->text, at, true, &phone) && phone_is_announced(s->text, at))) {
            put(s, phone.start, phone.end, str_of(phone.text), phone.confidence);
            at = phone.end;
        }
    }
}

static bool is_address_char(char c)
{
    return (unsigned char)c > ' ' && !strchr("<>\"'`{}|\\^", c);
}

static void find_urls(struct slot_scan *s)
{
    for (size_t at = 0; at < s->text.n; at++) {
        struct str rest = str_sub(s->text, at, s->text.n);
        bool scheme = str_starts(rest, STR("http://")) || str_starts(rest, STR("https://"));
        bool fresh = at == 0 || !isalnum((unsigned char)s->text.p[at - 1]);
        bool www = fresh && str_eq_nocase(str_sub(rest, 0, 4), STR("www."));
        bool bare = s->scene->answers && fresh && isalpha((unsigned char)rest.p[0]);
        if (!scheme && !www && !bare) {
            continue;
        }
        size_t n = 0, points = 0;
        while (n < rest.n && n < URL_MAX_BYTES && is_address_char(rest.p[n])) {
            points += rest.p[n] == '.' && n + 1 < rest.n && isalnum((unsigned char)rest.p[n + 1]);
            n++;
        }
        while (n && strchr(".,;:!?)]", rest.p[n - 1])) {
            n--;
        }
        if (n < 4 || !points || (!scheme && !www && memchr(rest.p, '@', n))) {
            continue;
        }
        struct str value = str_sub(rest, 0, n);
        value = scheme ? value : str_fmt(s->arena, "https://%.*s", STR_ARG(value));
        put(s, at, at + n, value, scheme ? 1 : www ? 0.95 : 0.8);
        at += n;
    }
}

/* A schema's pattern at work. */
struct form {
    struct pattern *pattern;       /* made to fill the whole candidate */
    char prefix[PREFIX_MAX_BYTES]; /* what every value begins with: "BW-" */
    size_t prefix_n;
    bool wants_digits;
};

/* The letters that `source` asks for before its first operator. */
static void read_prefix(struct str source, struct form *f)
{
    size_t i = source.n && source.p[0] == '^';
    while (i < source.n && f->prefix_n < PREFIX_MAX_BYTES - 1) {
        char c = source.p[i];
        bool escaped = c == '\\' && i + 1 < source.n && ispunct((unsigned char)source.p[i + 1]);
        if (!escaped && strchr("\\[](){}.*+?|^$", c)) {
            break;
        }
        f->prefix[f->prefix_n++] = escaped ? source.p[i + 1] : c;
        i += escaped ? 2 : 1;
    }
    /* A quantifier takes back the letter that it counts; an alternative takes back all. */
    if (i < source.n && strchr("*+?{", source.p[i]) && f->prefix_n) {
        f->prefix_n--;
    }
    if (memchr(source.p, '|', source.n)) {
        f->prefix_n = 0;
    }
}

static bool form_open(struct slot_scan *s, struct form *f)
{
    struct str source = json_str(s->want->schema, "pattern", STR(""));
    char why[120];
    struct str whole = str_fmt(s->arena, "^(?:%.*s)$", STR_ARG(source));
    if (!source.n || pattern_new(whole, (struct pattern_flags){0}, &f->pattern, why) != E_OK) {
        return false;
    }
    f->wants_digits = str_find(source, STR("\\d")) >= 0 || str_find(source, STR("0-9")) >= 0;
    read_prefix(source, f);
    return true;
}

static bool try_form(struct slot_scan *s, const struct form *f, const char *text, size_t n,
                     size_t start, size_t end, double confidence)
{
    struct str value = str_make(text, n);
    if (!n || !pattern_has(f->pattern, value)) {
        return false;
    }
    bool digit = false;
    for (size_t i = 0; i < n; i++) {
        digit |= isdigit((unsigned char)text[i]) != 0;
    }
    /* Plain words fit many patterns; they are meant when they were asked for. */
    put(s, start, end, value, digit ? confidence : s->scene->answers ? 0.8 * confidence : 0.35);
    return true;
}

/* As written, and in capitals, and in small letters. */
static bool try_cases(struct slot_scan *s, const struct form *f, const char *text, size_t n,
                      size_t start, size_t end, double confidence)
{
    char other[ID_MAX_BYTES];
    if (try_form(s, f, text, n, start, end, confidence)) {
        return true;
    }
    for (int upper = 1; upper >= 0; upper--) {
        for (size_t i = 0; i < n; i++) {
            unsigned char c = (unsigned char)text[i];
            other[i] = (char)(upper ? toupper(c) : tolower(c));
        }
        if (try_form(s, f, other, n, start, end, confidence * 0.97)) {
            return true;
        }
    }
    return false;
}

/* The words first..last with another sign between them: "BW 10421" for BW-10421. */
static bool try_joined(struct slot_scan *s, const struct form *f, size_t first, size_t last)
{
    static const char *const SIGNS[] = {"-", "", "_", "/", ".", " "};
    size_t start = s->words.words[first].start, end = s->words.words[last].end;
    for (size_t k = 0; k < sizeof SIGNS / sizeof SIGNS[0]; k++) {
        char text[ID_MAX_BYTES];
        size_t n = 0;
        for (size_t i = first; i <= last; i++) {
            struct str word = slot_scan_span(s, i, i);
            size_t sign = i > first ? strlen(SIGNS[k]) : 0;
            if (n + sign + word.n > sizeof text) {
                return false;
            }
            memcpy(text + n, SIGNS[k], sign);
            memcpy(text + n + sign, word.p, word.n);
            n += sign + word.n;
        }
        if (try_cases(s, f, text, n, start, end, 0.92)) {
            return true;
        }
    }
    return false;
}

/* "order 10421" where every value begins with "BW-". */
static void try_prefixed(struct slot_scan *s, const struct form *f, size_t i)
{
    struct str word = slot_scan_span(s, i, i);
    char text[ID_MAX_BYTES];
    if (!f->prefix_n || f->prefix_n + word.n > sizeof text || !isdigit((unsigned char)word.p[0])) {
        return;
    }
    memcpy(text, f->prefix, f->prefix_n);
    memcpy(text + f->prefix_n, word.p, word.n);
    bool cue = slot_scan_before(s, i) == '#' ||
               (i > 0 && slot_scan_at(s, i - 1, "order/number/no/nr/id/ticket/invoice/is/code"));
    double confidence = s->scene->answers ? 0.9 : cue ? 0.8 : 0.5;
    try_form(s, f, text, f->prefix_n + word.n, s->words.words[i].start, s->words.words[i].end,
             confidence);
}

static void find_pattern(struct slot_scan *s)
{
    struct form f = {0};
    if (!form_open(s, &f)) {
        return;
    }
    for (size_t first = 0; first < s->words.count; first++) {
        for (size_t last = first; last < s->words.count && last < first + WINDOW_WORDS; last++) {
            struct str span = slot_scan_span(s, first, last);
            bool digits = false;
            for (size_t i = 0; i < span.n && !digits; i++) {
                digits = isdigit((unsigned char)span.p[i]) != 0;
            }
            if (span.n > ID_MAX_BYTES || (f.wants_digits && !digits)) {
                continue;
            }
            size_t start = (size_t)(span.p - s->text.p);
            bool hash = start && s->text.p[start - 1] == '#' && span.n < ID_MAX_BYTES;
            if (!(hash && try_cases(s, &f, span.p - 1, span.n + 1, start - 1, start + span.n, 1)) &&
                !try_cases(s, &f, span.p, span.n, start, start + span.n, 1) && last > first) {
                try_joined(s, &f, first, last);
            }
        }
        try_prefixed(s, &f, first);
    }
    pattern_free(&f.pattern);
}

void slot_form_find(struct slot_scan *s)
{
    switch (s->want->kind) {
    case SLOT_EMAIL:
        find_emails(s);
        break;
    case SLOT_PHONE:
        find_phones(s);
        break;
    case SLOT_URL:
        find_urls(s);
        break;
    default:
        find_pattern(s);
        break;
    }
}
