#include "svc/success/redact.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "nlu/pii.h"

enum {
    PII = PII_EMAIL | PII_CARD | PII_IBAN | PII_NATIONAL_ID | PII_SECRET,
    HEX_MIN = 40,
    PER_ROUND = PII_SPANS_MAX
};

/* Where nothing is found `end` is `start`. */
struct cut {
    size_t start, end;
};

static unsigned char at(struct str s, size_t i)
{
    return i < s.n ? (unsigned char)s.p[i] : 0;
}

static bool is_token(unsigned char c)
{
    return isalnum(c) || (c && strchr("_-.~+/=", c));
}

static size_t token_end(struct str s, size_t from)
{
    size_t end = from;
    while (is_token(at(s, end))) {
        end++;
    }
    while (end > from && s.p[end - 1] == '.') {
        end--;
    }
    return end;
}

/* Keys that tell by their first letters whose they are, and how long they are at least. */
static struct cut vendor_key(struct str s, size_t i)
{
    static const struct {
        const char *prefix;
        size_t least;
    } KEYS[] = {
        {"sk-", 20},  {"ghp_", 20},  {"gho_", 20},   {"ghu_", 20},
        {"ghs_", 20}, {"ghr_", 20},  {"AKIA", 16},   {"ASIA", 16},
        {"npm_", 20}, {"hf_", 20},   {"glpat-", 20}, {"github_pat_", 20},
        {"rk_", 20},  {"xoxb-", 16}, {"SG.", 30},    {"eyJ", 24},
    };
    for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS; k++) {
        if (s.p[i] == KEYS[k].prefix[0] && str_starts(str_sub(s, i, s.n), str_of(KEYS[k].prefix))) {
            size_t end = token_end(s, i);
            if (end - i >= KEYS[k].least) {
                return (struct cut){i, end};
            }
        }
    }
    return (struct cut){i, i};
}

/* A header that carries a credential, however short that is: its value goes. */
static struct cut header_value(struct str s, size_t i)
{
    static const char *const NAMES[] = {
        "authorization", "proxy-authorization", "x-signature", "x-api-key", "cookie", "set-cookie"};
    for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++) {
        if (tolower((unsigned char)s.p[i]) != NAMES[k][0]) {
            continue;
        }
        size_t n = strlen(NAMES[k]), from = i + n;
        if (!str_eq_nocase(str_sub(s, i, n), str_of(NAMES[k]))) {
            continue;
        }
        while (at(s, from) == ' ' || at(s, from) == '"') {
            from++;
        }
        if (at(s, from) != ':' && at(s, from) != '=') {
            continue;
        }
        from++;
        while (at(s, from) && strchr(" \"'", s.p[from])) {
            from++;
        }
        size_t end = from;
        while (at(s, end) && !strchr("\r\n\"'`<>", s.p[end])) {
            end++;
        }
        while (end > from && strchr(" .,;)", s.p[end - 1])) {
            end--;
        }
        return (struct cut){from, end};
    }
    return (struct cut){i, i};
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (isdigit((unsigned char)s.p[i])) {
            return true;
        }
    }
    return false;
}

/* "Bearer x": a word behind it is only prose when it is made of small letters. */
static struct cut bearer(struct str s, size_t i)
{
    size_t n = sizeof "bearer " - 1;
    if (!str_eq_nocase(str_sub(s, i, n), STR("bearer "))) {
        return (struct cut){i, i};
    }
    size_t end = token_end(s, i + n);
    bool secret = end - i - n >= 4 && has_digit(str_sub(s, i + n, end - i - n));
    return (struct cut){i + n, secret ? end : i + n};
}

static struct cut hex_run(struct str s, size_t i)
{
    size_t end = i;
    while (isxdigit(at(s, end))) {
        end++;
    }
    bool whole = end - i >= HEX_MIN && !isalnum(at(s, end));
    return (struct cut){i, whole ? end : i};
}

/* scheme://user:password@host: what stands between : and @. */
static struct cut password_in_address(struct str s, size_t i)
{
    struct str mark = STR("://");
    if (!str_starts(str_sub(s, i, s.n), mark)) {
        return (struct cut){i, i};
    }
    size_t colon = 0, j = i + mark.n;
    for (; at(s, j) > ' ' && !strchr("/?#\"'<>", s.p[j]); j++) {
        if (s.p[j] == ':' && !colon) {
            colon = j;
        } else if (s.p[j] == '@' && colon) {
            return (struct cut){colon + 1, j};
        }
    }
    return (struct cut){i, i};
}

static struct cut private_key(struct str s, size_t i)
{
    struct str rest = str_sub(s, i, s.n);
    ptrdiff_t named = str_find(str_sub(rest, 0, 64), STR("PRIVATE KEY-----"));
    if (!str_starts(rest, STR("-----BEGIN ")) || named < 0) {
        return (struct cut){i, i};
    }
    ptrdiff_t last = str_find(rest, STR("-----END "));
    ptrdiff_t done = last < 0 ? -1 : str_find(str_sub(rest, (size_t)last + 9, 64), STR("-----"));
    return (struct cut){i, done < 0 ? s.n : i + (size_t)last + 9 + (size_t)done + 5};
}

/* Most bytes of a text begin nothing: the first byte tells what is worth a look. */
static struct cut machine_secret(struct str s, size_t i)
{
    static struct cut (*const at_word[])(struct str, size_t) = {header_value, vendor_key, bearer,
                                                                hex_run};
    if (s.p[i] == ':') {
        return password_in_address(s, i);
    }
    if (s.p[i] == '-') {
        return private_key(s, i);
    }
    if (!isalnum((unsigned char)s.p[i]) || (i && isalnum((unsigned char)s.p[i - 1]))) {
        return (struct cut){i, i};
    }
    for (size_t k = 0; k < sizeof at_word / sizeof *at_word; k++) {
        struct cut cut = at_word[k](s, i);
        if (cut.end > cut.start) {
            return cut;
        }
    }
    return (struct cut){i, i};
}

/* The next thing to mask at `from` or later; false when there is none. */
static bool next_machine(struct str s, size_t from, struct cut *out)
{
    for (size_t i = from; i < s.n; i++) {
        struct cut cut = machine_secret(s, i);
        if (cut.end > cut.start && cut.end > from) {
            *out = cut;
            return true;
        }
    }
    return false;
}

static struct str masked(struct arena *a, struct str s, const struct cut *cuts, size_t count)
{
    struct buf out = buf_make(s.n + count * sizeof "[REDACTED]" + 1);
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        buf_add(&out, s.p + done, cuts[i].start - done);
        buf_add_str(&out, STR("[REDACTED]"));
        done = cuts[i].end;
    }
    buf_add(&out, s.p + done, s.n - done);
    struct str text = str_dup(a, buf_str(&out));
    buf_free(&out);
    return text;
}

static size_t find_machine(struct str text, struct cut *out_cuts)
{
    size_t n = 0, from = 0;
    while (n < PER_ROUND && next_machine(text, from, &out_cuts[n])) {
        struct cut *cut = &out_cuts[n];
        cut->start = cut->start < from ? from : cut->start;
        from = cut->end;
        /* What an earlier round put there is no find. */
        n += !str_starts(str_sub(text, cut->start, cut->end - cut->start), STR("[REDACTED]"));
    }
    return n;
}

static size_t find_personal(struct str text, struct cut *out_cuts)
{
    struct pii_span spans[PER_ROUND];
    size_t n = 0, found = pii_find(text, PII, spans, PER_ROUND);
    for (size_t i = 0; i < found; i++) {
        struct str piece = str_sub(text, spans[i].start, spans[i].end - spans[i].start);
        if (!str_starts(piece, STR("[REDACTED]"))) {
            out_cuts[n++] = (struct cut){spans[i].start, spans[i].end};
        }
    }
    return n;
}

struct str redact_text(struct arena *a, struct str text)
{
    static size_t (*const finds[])(struct str, struct cut *) = {find_machine, find_personal};
    struct cut cuts[PER_ROUND];
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        size_t n;
        do {
            n = finds[i](text, cuts);
            text = n ? masked(a, text, cuts, n) : text;
        } while (n == PER_ROUND);
    }
    return text;
}

static const struct json *redact_at(struct arena *a, const struct json *value, int depth);

static const struct json *redact_items(struct arena *a, const struct json *array, int depth)
{
    struct json *items = NULL;
    for (size_t i = 0; i < array->count; i++) {
        const struct json *now = redact_at(a, &array->items[i], depth + 1);
        if (now != &array->items[i] && !items) {
            items = arena_alloc(a, array->count * sizeof *items);
            memcpy(items, array->items, array->count * sizeof *items);
        }
        if (now != &array->items[i]) {
            items[i] = *now;
        }
    }
    if (!items) {
        return array;
    }
    struct json *copy = arena_alloc(a, sizeof *copy);
    *copy = *array;
    copy->items = items;
    return copy;
}

static const struct json *redact_members(struct arena *a, const struct json *object, int depth)
{
    struct json_member *members = NULL;
    for (size_t i = 0; i < object->count; i++) {
        const struct json *was = &object->members[i].value;
        const struct json *now = redact_at(a, was, depth + 1);
        if (now != was && !members) {
            members = arena_alloc(a, object->count * sizeof *members);
            memcpy(members, object->members, object->count * sizeof *members);
        }
        if (now != was) {
            members[i].value = *now;
        }
    }
    if (!members) {
        return object;
    }
    struct json *copy = arena_alloc(a, sizeof *copy);
    *copy = *object;
    copy->members = members;
    return copy;
}

static const struct json *redact_at(struct arena *a, const struct json *value, int depth)
{
    if (depth > REDACT_DEPTH_MAX) {
        return &json_null_value;
    }
    switch (value->kind) {
    case JSON_STRING: {
        struct str text = redact_text(a, value->string);
        return text.p == value->string.p ? value : json_new_str(a, text);
    }
    case JSON_ARRAY:
        return redact_items(a, value, depth);
    case JSON_OBJECT:
        return redact_members(a, value, depth);
    default:
        return value;
    }
}

const struct json *redact_json(struct arena *a, const struct json *value)
{
    return value ? redact_at(a, value, 0) : NULL;
}
