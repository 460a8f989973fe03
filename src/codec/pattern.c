#include "codec/pattern.h"

#include <oniguruma.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum {
    TRANSLATED_MAX_BYTES = PATTERN_MAX_BYTES * 12,
    PARSE_DEPTH_MAX = 100,
    STACK_MAX = 100000,   /* entries of the matcher's stack */
    RETRIES_MAX = 200000, /* at one place of the text */
    SEARCH_MAX = 1000000  /* over all places */
};

struct pattern {
    regex_t *regex;
    OnigMatchParam *bounds;
    struct str names[PATTERN_GROUPS_MAX];
    char *name_bytes;
};

/* Oniguruma keeps tables of its own, which are to be set up once. */
static void start(void)
{
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    onig_set_parse_depth_limit(PARSE_DEPTH_MAX);
}

/* Translating: ECMAScript's meaning in Oniguruma's notation */

struct translating {
    struct str source;
    size_t at;
    struct buf *out;
    bool in_class;
};

static const char DIGITS[] = "0-9", WORD[] = "A-Za-z0-9_";

/* \d and \w are ASCII in ECMAScript. */
static void put_set(struct translating *t, const char *set, bool negated)
{
    bool bare = t->in_class && !negated;
    buf_addf(t->out, "%s%s%s%s", bare ? "" : "[", negated ? "^" : "", set, bare ? "" : "]");
}

static bool put_unicode(struct translating *t)
{
    struct str hex = str_sub(t->source, t->at, 4);
    if (str_starts(hex, STR("{"))) {
        ptrdiff_t end = str_find_char(str_sub(t->source, t->at, 10), '}');
        if (end < 2) {
            return false;
        }
        hex = str_sub(t->source, t->at + 1, (size_t)end - 1);
        t->at += 2;
    } else if (hex.n < 4) {
        return false;
    }
    for (size_t i = 0; i < hex.n; i++) {
        if (!strchr("0123456789abcdefABCDEF", hex.p[i])) {
            return false;
        }
    }
    t->at += hex.n;
    buf_addf(t->out, "\\x{%.*s}", STR_ARG(hex));
    return true;
}

static bool put_escape(struct translating *t)
{
    if (++t->at >= t->source.n) {
        return false;
    }
    char c = t->source.p[t->at++];
    switch (c) {
    case 'd':
    case 'D':
        put_set(t, DIGITS, c == 'D');
        return true;
    case 'w':
    case 'W':
        put_set(t, WORD, c == 'W');
        return true;
    case 'u':
        return put_unicode(t);
    case 'K': /* would move the start of the match */
    case 'g': /* calls of groups, and so recursion */
        return false;
    default:
        buf_addf(t->out, "\\%c", c);
        return true;
    }
}

static void put_char(struct translating *t)
{
    char c = t->source.p[t->at++];
    if (t->in_class) {
        if (c == ']') {
            t->in_class = false;
        } else if (c == '[' || c == '&') { /* Oniguruma nests and intersects classes */
            buf_add_char(t->out, '\\');
        }
    } else if (c == '[') {
        t->in_class = true;
        buf_add_char(t->out, c);
        if (t->at < t->source.n && t->source.p[t->at] == '^') {
            buf_add_char(t->out, '^');
            t->at++;
        }
        return;
    } else if (c == '$' || c == '^') {
        buf_add_str(t->out, c == '$' ? STR("\\z") : STR("\\A"));
        return;
    }
    buf_add_char(t->out, c);
}

static const char *translate(struct str source, struct buf *out)
{
    struct translating t = {.source = source, .out = out};
    if (!str_is_utf8(source) || str_find_char(source, 0) >= 0) {
        return "the pattern is not valid UTF-8";
    }
    while (t.at < source.n) {
        struct str rest = str_sub(source, t.at, 3);
        if (!t.in_class && (str_starts(rest, STR("(?~")) || str_starts(rest, STR("(*")))) {
            return "this kind of group is not supported";
        }
        if (source.p[t.at] != '\\') {
            put_char(&t);
        } else if (!put_escape(&t)) {
            return "unknown escape";
        }
    }
    return out->overflow ? "the pattern is too long" : NULL;
}

/* Compiling */

struct naming {
    struct pattern *pattern;
    size_t used;
};

static int keep_name(const UChar *name, const UChar *end, int n, int *groups, regex_t *regex,
                     void *arg)
{
    (void)regex;
    struct naming *naming = arg;
    size_t size = (size_t)(end - name);
    char *copy = naming->pattern->name_bytes + naming->used;
    memcpy(copy, name, size);
    naming->used += size;
    for (int i = 0; i < n; i++) {
        if (groups[i] < PATTERN_GROUPS_MAX) {
            naming->pattern->names[groups[i]] = str_make(copy, size);
        }
    }
    return 0;
}

static OnigOptionType options_of(struct pattern_flags flags)
{
    return (flags.ignore_case ? ONIG_OPTION_IGNORECASE : 0) |
           (flags.extended ? ONIG_OPTION_EXTEND : 0) | (flags.dot_all ? ONIG_OPTION_MULTILINE : 0) |
           ONIG_OPTION_CAPTURE_GROUP;
}

static int compile(struct pattern *p, struct str text, struct pattern_flags flags, char *out_text)
{
    OnigSyntaxType syntax = OnigSyntaxPerl_NG;
    syntax.op2 &= ~(ONIG_SYN_OP2_QMARK_BRACE_CALLOUT_CONTENTS | ONIG_SYN_OP2_ASTERISK_CALLOUT_NAME |
                    ONIG_SYN_OP2_ESC_G_SUBEXP_CALL | ONIG_SYN_OP2_QMARK_PERL_SUBEXP_CALL);
    syntax.op2 |=
        ONIG_SYN_OP2_CCLASS_SET_OP; /* for the sets inside classes that translate() writes */
    const UChar *start_of = (const UChar *)text.p;
    OnigErrorInfo info = {0};
    int result = onig_new(&p->regex, start_of, start_of + text.n, options_of(flags),
                          ONIG_ENCODING_UTF8, &syntax, &info);
    if (result != ONIG_NORMAL) {
        UChar reason[ONIG_MAX_ERROR_MESSAGE_LEN];
        int n = onig_error_code_to_str(reason, result, &info);
        snprintf(out_text, 120, "%.*s", n, (const char *)reason);
    }
    return result;
}

static struct pattern *make(struct str translated, struct pattern_flags flags, char *out_text)
{
    struct pattern *p = mem_new(sizeof(*p));
    p->name_bytes = mem_new(translated.n);
    if (compile(p, translated, flags, out_text) != ONIG_NORMAL) {
        pattern_free(&p);
        return NULL;
    }
    p->bounds = onig_new_match_param();
    if (!p->bounds) {
        abort();
    }
    onig_initialize_match_param(p->bounds);
    onig_set_match_stack_limit_size_of_match_param(p->bounds, STACK_MAX);
    onig_set_retry_limit_in_match_of_match_param(p->bounds, RETRIES_MAX);
    onig_set_retry_limit_in_search_of_match_param(p->bounds, SEARCH_MAX);
    struct naming naming = {p, 0};
    onig_foreach_name(p->regex, keep_name, &naming);
    return p;
}

enum err pattern_new(struct str source, struct pattern_flags flags, struct pattern **out_pattern,
                     char out_text[120])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    if (source.n > PATTERN_MAX_BYTES) {
        snprintf(out_text, 120, "the pattern is longer than %d bytes", PATTERN_MAX_BYTES);
        return E_TOO_LARGE;
    }
    struct buf translated = buf_make(TRANSLATED_MAX_BYTES);
    const char *problem = translate(source, &translated);
    struct pattern *p = NULL;
    if (problem) {
        snprintf(out_text, 120, "%s", problem);
    } else {
        p = make(buf_str(&translated), flags, out_text);
    }
    buf_free(&translated);
    if (p && onig_number_of_captures(p->regex) >= PATTERN_GROUPS_MAX) {
        snprintf(out_text, 120, "more than %d groups", PATTERN_GROUPS_MAX - 1);
        pattern_free(&p);
    }
    if (!p) {
        return E_INVALID;
    }
    *out_pattern = p;
    return E_OK;
}

void pattern_free(struct pattern **p)
{
    if (*p) {
        if ((*p)->bounds) {
            onig_free_match_param((*p)->bounds);
        }
        onig_free((*p)->regex);
        free((*p)->name_bytes);
        free(*p);
        *p = NULL;
    }
}

/* Matching */

static void take_groups(const OnigRegion *region, struct pattern_match *out_match)
{
    struct pattern_match m = {.count = region->num_regs};
    for (int i = 0; i < region->num_regs && i < PATTERN_GROUPS_MAX; i++) {
        m.start[i] = region->beg[i];
        m.end[i] = region->end[i];
    }
    *out_match = m;
}

enum err pattern_find(const struct pattern *p, struct str text, size_t from, bool *out_found,
                      struct pattern_match *out_match)
{
    if (from > text.n || !str_is_utf8(text)) { /* Oniguruma trusts the text to be UTF-8 */
        *out_found = false;
        return E_OK;
    }
    const UChar *start_of = (const UChar *)(text.n ? text.p : ""), *end = start_of + text.n;
    OnigRegion *region = out_match ? onig_region_new() : NULL;
    int at = onig_search_with_param(p->regex, start_of, end, start_of + from, end, region,
                                    ONIG_OPTION_NONE, p->bounds);
    if (at >= 0 && out_match) {
        take_groups(region, out_match);
    }
    if (region) {
        onig_region_free(region, 1);
    }
    if (at < 0 && at != ONIG_MISMATCH) {
        return E_LIMIT; /* only the bounds make a compiled pattern fail */
    }
    *out_found = at >= 0;
    return E_OK;
}

bool pattern_has(const struct pattern *p, struct str text)
{
    bool found = false;
    return pattern_find(p, text, 0, &found, NULL) == E_OK && found;
}

struct str pattern_group_name(const struct pattern *p, int i)
{
    return i > 0 && i < PATTERN_GROUPS_MAX ? p->names[i] : str_make("", 0);
}
