/* The builtins that take expressions, or give any number of values. */
#include <math.h>
#include <string.h>

#include "codec/jq_run.h"

#define CALL struct jq_run *r, struct jq_call call, struct jq_value in, struct jq_sink *out

static enum jq_flow arg(struct jq_run *r, struct jq_call call, int i, struct jq_value in,
                        struct jq_sink *out)
{
    return jq_eval(r, call.node->parts[i], call.env, in, out);
}

/* All values of an argument, for the ones that are values. */
static enum jq_flow arg_list(struct jq_run *r, struct jq_call call, int i, struct jq_value in,
                             struct jq_list *out_list)
{
    return jq_collect(r, call.node->parts[i], call.env, in.v, out_list);
}

/* A sink that keeps what the builtin needs. */
struct with {
    struct jq_sink sink;
    struct jq_call call;
    struct jq_value in;
    struct jq_sink *out;
    double left;
    bool found;
    struct jq_value kept;
};

static enum jq_flow do_empty(CALL)
{
    (void)r, (void)call, (void)in, (void)out;
    return JQ_ON;
}

/* select(f): once for every true value of f */

static enum jq_flow take_selected(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct with *w = (struct with *)s;
    return jq_is_true(value.v) ? w->out->take(r, w->out, w->in) : JQ_ON;
}

static enum jq_flow do_select(CALL)
{
    struct with w = {.sink = {take_selected}, .in = in, .out = out};
    return arg(r, call, 0, (struct jq_value){in.v, NULL}, &w.sink);
}

/* Paths */

static enum jq_flow take_path(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct with *w = (struct with *)s;
    if (value.path == &jq_path_lost) {
        jq_fail(r, "Invalid path expression with result %s", jq_shown(r, value.v));
        return jq_failed(r, w->call.node);
    }
    const struct json *path = jq_path_array(r, value.path);
    return path ? jq_give(r, w->out, w->in, path) : JQ_SPENT;
}

static enum jq_flow do_path(CALL)
{
    struct with w = {.sink = {take_path}, .call = call, .in = in, .out = out};
    return arg(r, call, 0, (struct jq_value){in.v, &jq_path_root}, &w.sink);
}

static enum jq_flow give_path(struct jq_run *r, struct jq_call call, struct jq_value in,
                              const struct json *path, struct jq_sink *out)
{
    if (path->kind != JSON_ARRAY || in.path == &jq_path_lost) {
        jq_fail(r, "Path must be specified as an array");
        return jq_failed(r, call.node);
    }
    const struct json *v = jq_path_get(r, in.v, path);
    const struct jq_path *p = in.path;
    for (uint32_t i = 0; p && i < path->count; i++) {
        p = jq_path_add(r, p, &path->items[i]);
    }
    return v ? out->take(r, out, (struct jq_value){v, p}) : jq_failed(r, call.node);
}

static enum jq_flow do_getpath(CALL)
{
    struct jq_list paths = jq_list_make();
    enum jq_flow flow = arg_list(r, call, 0, in, &paths);
    for (size_t i = 0; flow == JQ_ON && i < paths.count; i++) {
        flow = give_path(r, call, in, paths.items[i], out);
    }
    return flow;
}

static enum jq_flow do_del(CALL)
{
    struct jq_list paths = jq_list_make();
    enum jq_flow flow = jq_path_collect(r, call.node->parts[0], call.env, in.v, &paths);
    if (flow != JQ_ON) {
        return flow == JQ_ERROR ? jq_failed(r, call.node) : flow;
    }
    const struct json *list = jq_list_array(r, &paths);
    const struct json *v = list ? jq_path_delete(r, in.v, list) : NULL;
    return v ? jq_give(r, out, in, v) : jq_failed(r, call.node);
}

/* recurse: the value, and then the same for every value of f */

static enum jq_flow recurse(struct jq_run *r, struct with *w, struct jq_value value);

static enum jq_flow take_recursed(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    return recurse(r, (struct with *)s, value);
}

static enum jq_flow recurse_parts(struct jq_run *r, struct with *w, struct jq_value value)
{
    bool object = value.v->kind == JSON_OBJECT;
    for (uint32_t i = 0; i < json_count(value.v); i++) {
        struct jq_value part = {object ? &value.v->members[i].value : &value.v->items[i], NULL};
        if (value.path) {
            part.path = jq_path_add(r, value.path,
                                    object ? jq_string(r, value.v->members[i].name)
                                           : json_new_int(r->arena, i));
        }
        enum jq_flow flow = recurse(r, w, part);
        if (flow != JQ_ON) {
            return flow;
        }
    }
    return JQ_ON;
}

/* Where f gives one value and paths do not matter, a loop does instead of nesting. */
static enum jq_flow recurse_loop(struct jq_run *r, struct with *w, struct jq_value value)
{
    for (;;) {
        enum jq_flow flow = w->out->take(r, w->out, value);
        struct jq_list next = jq_list_make();
        flow = flow == JQ_ON ? arg_list(r, w->call, 0, value, &next) : flow;
        for (size_t i = 0; flow == JQ_ON && next.count > 1 && i < next.count; i++) {
            flow = recurse(r, w, (struct jq_value){next.items[i], NULL});
        }
        if (flow != JQ_ON || next.count != 1) {
            return flow;
        }
        value.v = next.items[0];
    }
}

static enum jq_flow recurse(struct jq_run *r, struct with *w, struct jq_value value)
{
    if (!jq_step(r)) {
        return JQ_SPENT;
    }
    if (r->depth >= JQ_DEPTH_MAX) {
        return jq_spend(r, "the program is nested too deep");
    }
    enum jq_flow flow = JQ_ON;
    r->depth++;
    if (w->call.node->n_parts && !value.path) {
        flow = recurse_loop(r, w, value);
    } else {
        flow = w->out->take(r, w->out, value);
        if (flow == JQ_ON) {
            flow = w->call.node->n_parts ? arg(r, w->call, 0, value, &w->sink)
                                         : recurse_parts(r, w, value);
        }
    }
    r->depth--;
    return flow;
}

static enum jq_flow do_recurse(CALL)
{
    struct with w = {.sink = {take_recursed}, .call = call, .in = in, .out = out};
    return recurse(r, &w, in);
}

/* while(cond; update), until(cond; update), repeat(update) */

enum loop { LOOP_WHILE, LOOP_UNTIL, LOOP_REPEAT };

static enum jq_flow first_is_true(struct jq_run *r, struct jq_call call, const struct json *v,
                                  bool *out_truth)
{
    struct jq_list list = jq_list_make();
    enum jq_flow flow = arg_list(r, call, 0, (struct jq_value){v, NULL}, &list);
    *out_truth = list.count && jq_is_true(list.items[0]);
    return flow;
}

static enum jq_flow loop(struct jq_run *r, struct with *w, const struct json *v, enum loop kind)
{
    if (r->depth >= JQ_DEPTH_MAX) {
        return jq_spend(r, "the program is nested too deep");
    }
    r->depth++;
    enum jq_flow flow = JQ_ON;
    while (flow == JQ_ON && jq_step(r)) {
        bool holds = true;
        flow = kind == LOOP_REPEAT ? JQ_ON : first_is_true(r, w->call, v, &holds);
        bool ends = holds == (kind == LOOP_UNTIL), gives = kind == LOOP_UNTIL ? ends : !ends;
        if (flow == JQ_ON && gives) {
            flow = jq_give(r, w->out, w->in, v);
        }
        struct jq_list next = jq_list_make();
        if (flow != JQ_ON || ends) {
            break;
        }
        flow = arg_list(r, w->call, kind == LOOP_REPEAT ? 0 : 1, (struct jq_value){v, NULL}, &next);
        for (size_t i = 0; flow == JQ_ON && next.count > 1 && i < next.count; i++) {
            flow = loop(r, w, next.items[i], kind);
        }
        if (next.count != 1) {
            break;
        }
        v = next.items[0];
    }
    r->depth--;
    return r->spent ? JQ_SPENT : flow;
}

static enum jq_flow do_while(CALL)
{
    struct with w = {.call = call, .in = in, .out = out};
    return loop(r, &w, in.v, LOOP_WHILE);
}

static enum jq_flow do_until(CALL)
{
    struct with w = {.call = call, .in = in, .out = out};
    return loop(r, &w, in.v, LOOP_UNTIL);
}

static enum jq_flow do_repeat(CALL)
{
    struct with w = {.call = call, .in = in, .out = out};
    return loop(r, &w, in.v, LOOP_REPEAT);
}

/* range */

static enum jq_flow range(struct jq_run *r, struct with *w, const struct json *const *bounds)
{
    double at = json_number(bounds[0], NAN), to = json_number(bounds[1], NAN);
    double by = json_number(bounds[2], NAN);
    if (isnan(at) || isnan(to) || isnan(by)) {
        jq_fail(r, "Range bounds must be numeric");
        return jq_failed(r, w->call.node);
    }
    enum jq_flow flow = JQ_ON;
    while (flow == JQ_ON && ((by > 0 && at < to) || (by < 0 && at > to) || (by == 0 && at < to))) {
        const struct json *v = jq_step(r) ? jq_number(r, at) : NULL;
        flow = v ? jq_give(r, w->out, w->in, v) : jq_failed(r, w->call.node);
        at += by;
    }
    return flow;
}

/* Every combination of the arguments' values, the first being the outer loop. */
static enum jq_flow do_range(CALL)
{
    static const struct json ZERO = {.kind = JSON_INT}, ONE = {.kind = JSON_INT, .integer = 1};
    struct with w = {.call = call, .in = in, .out = out};
    struct jq_list lists[3];
    size_t n = call.node->n_parts, total = 1;
    for (size_t i = 0; i < n; i++) {
        lists[i] = jq_list_make();
        enum jq_flow flow = arg_list(r, call, (int)i, in, &lists[i]);
        if (flow != JQ_ON) {
            return flow;
        }
        total = lists[i].count > JQ_STEPS_MAX / (total ? total : 1) ? JQ_STEPS_MAX + 1
                                                                    : total * lists[i].count;
    }
    for (size_t k = 0; k < total; k++) {
        const struct json *values[3], *bounds[3] = {&ZERO, NULL, &ONE};
        size_t rest = k;
        for (size_t i = n; i > 0; i--) {
            values[i - 1] = lists[i - 1].items[rest % lists[i - 1].count];
            rest /= lists[i - 1].count;
        }
        for (size_t i = 0; i < n; i++) {
            bounds[n == 1 ? 1 : i] = values[i];
        }
        enum jq_flow flow = range(r, &w, bounds);
        if (flow != JQ_ON) {
            return flow;
        }
    }
    return JQ_ON;
}

/* limit(n; f), first(f), last(f), isempty(f) */

static enum jq_flow take_limited(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct with *w = (struct with *)s;
    w->left--;
    enum jq_flow flow = w->out->take(r, w->out, value);
    if (flow == JQ_ON && w->left <= 0) {
        r->leave = s;
        return JQ_LEAVE;
    }
    return flow;
}

static enum jq_flow limited(struct jq_run *r, struct jq_call call, int i, double n, struct with *w)
{
    w->sink.take = take_limited;
    w->left = n;
    if (n <= 0) {
        return JQ_ON;
    }
    enum jq_flow flow = arg(r, call, i, w->in, &w->sink);
    return flow == JQ_LEAVE && r->leave == w ? JQ_ON : flow;
}

static enum jq_flow do_limit(CALL)
{
    struct jq_list counts = jq_list_make();
    enum jq_flow flow = arg_list(r, call, 0, in, &counts);
    for (size_t i = 0; flow == JQ_ON && i < counts.count; i++) {
        struct with w = {.call = call, .in = in, .out = out};
        double n = json_number(counts.items[i], NAN);
        if (isnan(n)) {
            jq_fail(r, "Invalid arguments to limit");
            return jq_failed(r, call.node);
        }
        flow = limited(r, call, 1, n, &w);
    }
    return flow;
}

static enum jq_flow do_first(CALL)
{
    struct with w = {.call = call, .in = in, .out = out};
    return limited(r, call, 0, 1, &w);
}

static enum jq_flow take_last(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    (void)r;
    struct with *w = (struct with *)s;
    w->kept = value;
    w->found = true;
    return JQ_ON;
}

static enum jq_flow do_last(CALL)
{
    struct with w = {.sink = {take_last}, .call = call, .in = in, .out = out};
    enum jq_flow flow = arg(r, call, 0, in, &w.sink);
    return flow == JQ_ON && w.found ? out->take(r, out, w.kept) : flow;
}

static enum jq_flow take_any(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    (void)value;
    struct with *w = (struct with *)s;
    w->found = true;
    r->leave = s;
    return JQ_LEAVE;
}

static enum jq_flow do_isempty(CALL)
{
    struct with w = {.sink = {take_any}, .call = call};
    enum jq_flow flow = arg(r, call, 0, (struct jq_value){in.v, NULL}, &w.sink);
    flow = flow == JQ_LEAVE && r->leave == &w ? JQ_ON : flow;
    return flow == JQ_ON ? jq_give(r, out, in, json_new_bool(!w.found)) : flow;
}

/* sort_by, group_by, unique_by, min_by, max_by: elements beside their keys, [[f], element] */

static const struct json *with_keys(struct jq_run *r, struct jq_call call, struct jq_value in,
                                    enum jq_flow *out_flow)
{
    struct jq_list pairs = jq_list_make();
    *out_flow = JQ_ON;
    if (in.v->kind != JSON_ARRAY) {
        jq_fail(r, "Cannot iterate over %s", jq_shown(r, in.v));
        *out_flow = jq_failed(r, call.node);
        return NULL;
    }
    for (uint32_t i = 0; i < in.v->count && *out_flow == JQ_ON; i++) {
        struct jq_list keys = jq_list_make();
        *out_flow = arg_list(r, call, 0, (struct jq_value){&in.v->items[i], NULL}, &keys);
        const struct json *key = *out_flow == JQ_ON ? jq_list_array(r, &keys) : NULL;
        const struct json *pair[] = {key, &in.v->items[i]};
        jq_list_add(r, &pairs, key ? json_new_array(r->arena, pair, 2) : NULL);
    }
    const struct json *array = *out_flow == JQ_ON ? jq_list_array(r, &pairs) : NULL;
    *out_flow = r->spent ? JQ_SPENT : *out_flow;
    return array;
}

static const struct json *key_of(const struct json *pairs, uint32_t i)
{
    return &pairs->items[i].items[0];
}

static const struct json *element_of(const struct json *pairs, uint32_t i)
{
    return &pairs->items[i].items[1];
}

/* Sorts the pairs by key alone: equal keys keep the order of their elements. */
static const struct json *sorted_pairs(struct jq_run *r, const struct json *pairs)
{
    if (!jq_room(r, pairs->count * 3 * sizeof(struct json))) {
        return NULL;
    }
    struct json *items = ARENA_ARRAY(r->arena, struct json, pairs->count);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct json *place[] = {key_of(pairs, i), json_new_int(r->arena, i)};
        items[i] = *json_new_array(r->arena, place, 2);
    }
    struct json keyed = {.kind = JSON_ARRAY, .count = pairs->count, .items = items};
    const struct json *sorted = jq_sorted(r, &keyed);
    struct json *result = ARENA_ARRAY(r->arena, struct json, pairs->count);
    for (uint32_t i = 0; sorted && i < pairs->count; i++) {
        result[i] = pairs->items[sorted->items[i].items[1].integer];
    }
    struct json array = {.kind = JSON_ARRAY, .count = pairs->count, .items = result};
    return sorted ? arena_memdup(r->arena, &array, sizeof(array)) : NULL;
}

enum by { BY_SORT, BY_GROUP, BY_UNIQUE };

static enum jq_flow by_key(struct jq_run *r, struct jq_call call, struct jq_value in,
                           struct jq_sink *out, enum by by)
{
    enum jq_flow flow;
    const struct json *pairs = with_keys(r, call, in, &flow);
    pairs = pairs ? sorted_pairs(r, pairs) : NULL;
    if (!pairs) {
        return flow == JQ_ON ? JQ_SPENT : flow;
    }
    struct jq_list result = jq_list_make(), group = jq_list_make();
    for (uint32_t i = 0; i < pairs->count && jq_step(r); i++) {
        bool new_key = i == 0 || jq_order(r, key_of(pairs, i - 1), key_of(pairs, i)) != 0;
        if (by == BY_GROUP && new_key && i) {
            jq_list_add(r, &result, jq_list_array(r, &group));
            group = jq_list_make();
        }
        if (by == BY_GROUP) {
            jq_list_add(r, &group, element_of(pairs, i));
        } else if (by == BY_SORT || new_key) {
            jq_list_add(r, &result, element_of(pairs, i));
        }
    }
    if (by == BY_GROUP && group.count) {
        jq_list_add(r, &result, jq_list_array(r, &group));
    }
    const struct json *array = r->spent ? NULL : jq_list_array(r, &result);
    return array ? jq_give(r, out, in, array) : JQ_SPENT;
}

static enum jq_flow do_sort_by(CALL)
{
    return by_key(r, call, in, out, BY_SORT);
}

static enum jq_flow do_group_by(CALL)
{
    return by_key(r, call, in, out, BY_GROUP);
}

static enum jq_flow do_unique_by(CALL)
{
    return by_key(r, call, in, out, BY_UNIQUE);
}

static enum jq_flow extreme_by(struct jq_run *r, struct jq_call call, struct jq_value in,
                               struct jq_sink *out, int sign)
{
    enum jq_flow flow;
    const struct json *pairs = with_keys(r, call, in, &flow);
    if (!pairs) {
        return flow;
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < pairs->count; i++) {
        int order = jq_order(r, key_of(pairs, i), key_of(pairs, best)) * sign;
        best = order > 0 || (order == 0 && sign > 0) ? i : best;
    }
    if (r->spent) {
        return JQ_SPENT;
    }
    return jq_give(r, out, in, pairs->count ? element_of(pairs, best) : &json_null_value);
}

static enum jq_flow do_min_by(CALL)
{
    return extreme_by(r, call, in, out, -1);
}

static enum jq_flow do_max_by(CALL)
{
    return extreme_by(r, call, in, out, 1);
}

const struct jq_builtin jq_special_table[] = {
    {"empty", 0, NULL, do_empty},
    {"select", 1, NULL, do_select},
    {"path", 1, NULL, do_path},
    {"getpath", 1, NULL, do_getpath},
    {"del", 1, NULL, do_del},
    {"recurse", 0, NULL, do_recurse},
    {"recurse", 1, NULL, do_recurse},
    {"while", 2, NULL, do_while},
    {"until", 2, NULL, do_until},
    {"repeat", 1, NULL, do_repeat},
    {"range", 1, NULL, do_range},
    {"range", 2, NULL, do_range},
    {"range", 3, NULL, do_range},
    {"limit", 2, NULL, do_limit},
    {"first", 1, NULL, do_first},
    {"last", 1, NULL, do_last},
    {"isempty", 1, NULL, do_isempty},
    {"sort_by", 1, NULL, do_sort_by},
    {"group_by", 1, NULL, do_group_by},
    {"unique_by", 1, NULL, do_unique_by},
    {"min_by", 1, NULL, do_min_by},
    {"max_by", 1, NULL, do_max_by},
    {NULL, 0, NULL, NULL},
};
