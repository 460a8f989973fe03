/* The builtins over regular expressions. Positions count characters. */
#include <string.h>

#include "codec/jq_run.h"
#include "codec/pattern.h"
#include "codec/text.h"

enum { MATCHES_MAX = 10000 };

#define CALL struct jq_run *r, struct jq_call call, struct jq_value in, struct jq_sink *out

struct search {
    struct pattern *pattern;
    bool all;      /* flag g */
    bool no_empty; /* flag n */
};

static void drop(void *p)
{
    struct pattern *pattern = p;
    pattern_free(&pattern);
}

static bool read_flags(const struct json *flags, struct pattern_flags *out_flags, struct search *s)
{
    struct str letters = json_text(flags, STR(""));
    if (flags->kind != JSON_STRING && flags->kind != JSON_NULL) {
        return false;
    }
    for (size_t i = 0; i < letters.n; i++) {
        char c = letters.p[i];
        s->all = s->all || c == 'g';
        s->no_empty = s->no_empty || c == 'n';
        out_flags->ignore_case = out_flags->ignore_case || c == 'i';
        out_flags->extended = out_flags->extended || c == 'x';
        out_flags->dot_all = out_flags->dot_all || c == 's' || c == 'p';
        if (!strchr("gnixspl", c)) {
            return false;
        }
    }
    return true;
}

/* False: r->error is set. */
static bool make_search(struct jq_run *r, const struct json *in, const struct json *regex,
                        const struct json *flags, struct search *out_search)
{
    struct search s = {.all = out_search->all};
    struct pattern_flags options = {0};
    char problem[120] = "";
    if (in->kind != JSON_STRING) {
        jq_fail(r, "%s cannot be matched, as it is not a string", jq_shown(r, in));
        return false;
    }
    if (regex->kind != JSON_STRING || !read_flags(flags, &options, &s)) {
        jq_fail(r, "%s is not a regular expression with flags", jq_shown(r, regex));
        return false;
    }
    if (pattern_new(regex->string, options, &s.pattern, problem) != E_OK) {
        jq_fail(r, "%s (at offset 0) is not a valid regex: %s", jq_shown(r, regex), problem);
        return false;
    }
    arena_defer(r->arena, drop, s.pattern);
    *out_search = s;
    return true;
}

/* Calls `each` with every match; false from it ends. */
struct visit {
    bool (*each)(struct jq_run *r, struct visit *v, const struct pattern_match *m);
    struct str text;
    struct search search;
    struct jq_list list;
};

static bool visit_matches(struct jq_run *r, struct visit *v)
{
    size_t from = 0;
    for (int count = 0; from <= v->text.n; count++) {
        struct pattern_match m;
        bool found = false;
        enum err e = pattern_find(v->search.pattern, v->text, from, &found, &m);
        if (e != E_OK || count > MATCHES_MAX || !jq_step(r)) {
            jq_spend(r, "a regular expression takes too long");
            return false;
        }
        r->steps += 20;
        if (!found) {
            break;
        }
        bool empty = m.start[0] == m.end[0];
        if ((!empty || !v->search.no_empty) && !v->each(r, v, &m)) {
            return false;
        }
        if (!v->search.all) {
            break;
        }
        from = (size_t)m.end[0];
        if (empty) { /* step over one character */
            struct str rest = str_sub(v->text, from, v->text.n);
            uint32_t code;
            from = text_next(&rest, &code) ? v->text.n - rest.n : v->text.n + 1;
        }
    }
    return true;
}

static struct str group_text(const struct visit *v, const struct pattern_match *m, int i)
{
    return str_sub(v->text, (size_t)m->start[i], (size_t)(m->end[i] - m->start[i]));
}

/* {offset, length, string} of a group, and its name. */
static struct json describe(struct jq_run *r, const struct visit *v, const struct pattern_match *m,
                            int i)
{
    bool found = m->start[i] >= 0;
    struct json offset = {.kind = JSON_INT, .integer = -1}, length = {.kind = JSON_INT};
    struct json string = {.kind = JSON_NULL}, name = {.kind = JSON_NULL};
    if (found) {
        struct str text = group_text(v, m, i);
        offset.integer = (int64_t)text_count(str_sub(v->text, 0, (size_t)m->start[i]));
        length.integer = (int64_t)text_count(text);
        string = (struct json){.kind = JSON_STRING, .string = text};
    }
    struct str known = pattern_group_name(v->search.pattern, i);
    if (known.n) {
        name = (struct json){.kind = JSON_STRING, .string = str_dup(r->arena, known)};
    }
    struct json_member members[] = {
        {.name = STR("offset"), .value = offset},
        {.name = STR("length"), .value = length},
        {.name = STR("string"), .value = string},
        {.name = i ? STR("name") : STR("captures"), .value = name},
    };
    return (struct json){.kind = JSON_OBJECT,
                         .count = 4,
                         .members = arena_memdup(r->arena, members, sizeof(members))};
}

static bool each_match(struct jq_run *r, struct visit *v, const struct pattern_match *m)
{
    if (!jq_room(r, v->text.n / 8 + 1024)) {
        return false;
    }
    r->steps += (int64_t)(v->text.n / 64);
    struct json whole = describe(r, v, m, 0);
    int n = m->count - 1;
    struct json *captures = ARENA_ARRAY(r->arena, struct json, (size_t)n);
    for (int i = 0; i < n; i++) {
        captures[i] = describe(r, v, m, i + 1);
    }
    struct json list = {.kind = JSON_ARRAY, .count = (uint32_t)n, .items = captures};
    struct json_member *members = arena_memdup(r->arena, whole.members, 4 * sizeof(*members));
    members[3].value = list;
    whole.members = members;
    jq_list_add(r, &v->list, arena_memdup(r->arena, &whole, sizeof(whole)));
    return !r->spent;
}

/* _match(regex; flags): all matches as a list */
static const struct json *do_match(struct jq_run *r, const struct json *in,
                                   const struct json *const *args)
{
    struct visit v = {.each = each_match, .list = jq_list_make()};
    if (!make_search(r, in, args[0], args[1], &v.search)) {
        return NULL;
    }
    v.text = in->string;
    return visit_matches(r, &v) ? jq_list_array(r, &v.list) : NULL;
}

static bool each_test(struct jq_run *r, struct visit *v, const struct pattern_match *m)
{
    (void)m;
    jq_list_add(r, &v->list, &json_true_value);
    return true;
}

static const struct json *do_test(struct jq_run *r, const struct json *in,
                                  const struct json *const *args)
{
    struct visit v = {.each = each_test, .list = jq_list_make()};
    if (!make_search(r, in, args[0], args[1], &v.search)) {
        return NULL;
    }
    v.text = in->string;
    v.search.all = false;
    return visit_matches(r, &v) ? json_new_bool(v.list.count > 0) : NULL;
}

/* sub(regex; replacement; flags): the replacement sees the named captures, and may give several
 * values */

struct replacing {
    struct jq_sink sink;
    struct jq_call call;
    struct jq_value in;
    struct jq_sink *out;
    const struct json *matches; /* of _match */
    uint32_t at;                /* the match being replaced */
    size_t from;                /* bytes of the text that are done */
    struct str made;
};

static enum jq_flow replace_next(struct jq_run *r, const struct replacing *p);

static const struct json *captures_of(struct jq_run *r, const struct json *match)
{
    const struct json *captures = json_get(match, "captures"), *object = &json_empty_object;
    for (uint32_t i = 0; i < json_count(captures); i++) {
        const struct json *name = json_get(&captures->items[i], "name");
        if (json_is(name, JSON_STRING)) {
            object =
                json_with(r->arena, object, name->string, json_get(&captures->items[i], "string"));
        }
    }
    return object;
}

static struct str joined(struct jq_run *r, struct str a, struct str b, struct str c)
{
    size_t n = a.n + b.n + c.n;
    if (!jq_room(r, n + 1)) {
        return STR("");
    }
    char *p = arena_alloc(r->arena, n + 1);
    memcpy(p, a.p, a.n);
    memcpy(p + a.n, b.p, b.n);
    memcpy(p + a.n + b.n, c.p, c.n);
    return str_make(p, n);
}

static enum jq_flow take_replacement(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct replacing *p = (struct replacing *)s, next = *p;
    if (value.v->kind != JSON_STRING) {
        jq_fail(r, "%s cannot be added to a string", jq_shown(r, value.v));
        return jq_failed(r, p->call.node);
    }
    struct str text = p->in.v->string;
    struct str found = json_str(&p->matches->items[p->at], "string", STR(""));
    size_t start = (size_t)(found.p - text.p);
    next.made = joined(r, p->made, str_sub(text, p->from, start - p->from), value.v->string);
    next.from = start + found.n;
    next.at++;
    return r->spent ? JQ_SPENT : replace_next(r, &next);
}

static enum jq_flow replace_next(struct jq_run *r, const struct replacing *p)
{
    struct replacing next = *p;
    if (p->at < p->matches->count) {
        const struct json *captures = captures_of(r, &p->matches->items[p->at]);
        return jq_eval_value(r, p->call.node->parts[1], p->call.env, captures, &next.sink);
    }
    struct str tail = str_sub(p->in.v->string, p->from, p->in.v->string.n);
    struct str whole = joined(r, p->made, tail, STR(""));
    return r->spent ? JQ_SPENT : jq_give(r, p->out, p->in, jq_string(r, whole));
}

static enum jq_flow substitute(CALL, bool all)
{
    struct jq_list regexes = jq_list_make(), flag_list = jq_list_make();
    enum jq_flow flow = jq_collect(r, call.node->parts[0], call.env, in.v, &regexes);
    if (flow == JQ_ON && call.node->n_parts > 2) {
        flow = jq_collect(r, call.node->parts[2], call.env, in.v, &flag_list);
    } else {
        jq_list_add(r, &flag_list, &json_null_value);
    }
    for (size_t i = 0; flow == JQ_ON && i < regexes.count * flag_list.count; i++) {
        struct visit v = {.each = each_match, .list = jq_list_make(), .search = {.all = all}};
        if (!make_search(r, in.v, regexes.items[i % regexes.count],
                         flag_list.items[i / regexes.count], &v.search)) {
            return jq_failed(r, call.node);
        }
        v.text = in.v->string;
        const struct json *matches = visit_matches(r, &v) ? jq_list_array(r, &v.list) : NULL;
        struct replacing p = {{take_replacement}, call, in, out, matches, 0, 0, STR("")};
        flow = matches ? replace_next(r, &p) : jq_failed(r, call.node);
    }
    return flow;
}

static enum jq_flow do_sub(CALL)
{
    return substitute(r, call, in, out, false);
}

static enum jq_flow do_gsub(CALL)
{
    return substitute(r, call, in, out, true);
}

const struct jq_builtin jq_regex_table[] = {
    {"_match", 2, do_match, NULL}, {"_test", 2, do_test, NULL}, {"sub", 2, NULL, do_sub},
    {"sub", 3, NULL, do_sub},      {"gsub", 2, NULL, do_gsub},  {"gsub", 3, NULL, do_gsub},
    {NULL, 0, NULL, NULL},
};
