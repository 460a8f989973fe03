/* Evaluating the nodes of a jq program. */
#include <string.h>

#include "codec/jq_run.h"

/* Lists */

void jq_list_add(struct jq_run *r, struct jq_list *list, const struct json *v)
{
    if (!v) {
        return;
    }
    if (list->count == list->size) {
        size_t size = list->size ? list->size * 2 : 8;
        if (!jq_room(r, size * sizeof(*list->items))) {
            return;
        }
        const struct json **grown = arena_array(r->arena, size, sizeof(*grown));
        if (list->count) {
            memcpy(grown, list->items, list->count * sizeof(*grown));
        }
        list->items = grown;
        list->size = size;
    }
    list->items[list->count++] = v;
}

static enum jq_flow take_into_list(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    jq_list_add(r, (struct jq_list *)s, value.v);
    return r->spent ? JQ_SPENT : JQ_ON;
}

struct jq_list jq_list_make(void)
{
    return (struct jq_list){.sink = {take_into_list}};
}

const struct json *jq_list_array(struct jq_run *r, const struct jq_list *list)
{
    if (!jq_room(r, list->count * sizeof(struct json))) {
        return NULL;
    }
    return json_new_array(r->arena, list->items, list->count);
}

enum jq_flow jq_collect(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                        const struct json *in, struct jq_list *out_list)
{
    return jq_eval_value(r, n, env, in, &out_list->sink);
}

enum jq_flow jq_eval_value(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           const struct json *in, struct jq_sink *out)
{
    return jq_eval(r, n, env, (struct jq_value){in, NULL}, out);
}

enum jq_flow jq_give(struct jq_run *r, struct jq_sink *out, struct jq_value in,
                     const struct json *v)
{
    return out->take(r, out, (struct jq_value){v, in.path ? &jq_path_lost : NULL});
}

/* Environments */

struct jq_env *jq_env_extend(struct jq_run *r, const struct jq_env *outer, int id)
{
    struct jq_env *e = ARENA_NEW(r->arena, struct jq_env);
    e->outer = outer;
    e->id = id;
    return e;
}

const struct jq_env *jq_env_find(const struct jq_env *e, int id)
{
    while (e && e->id != id) {
        e = e->outer;
    }
    return e;
}

/* A sink that evaluates another node with each value: most nodes need no more. */
struct stage {
    struct jq_sink sink;
    const struct jq_node *node;
    const struct jq_env *env;
    struct jq_value in;
    struct jq_sink *out;
    const struct json *other; /* a value that is already there */
};

static enum jq_flow take_piped(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct stage *st = (struct stage *)s;
    return jq_eval(r, st->node->b, st->env, value, st->out);
}

/* a[b]: the keys are the outer loop */

static enum jq_flow give_member(struct jq_run *r, const struct jq_node *n, struct jq_value of,
                                const struct json *key, struct jq_sink *out)
{
    if (of.path == &jq_path_lost) {
        jq_fail(r, "Invalid path expression near attempt to access an element of %s",
                jq_shown(r, of.v));
        return jq_failed(r, n);
    }
    const struct json *v = jq_member(r, of.v, key);
    if (!v) {
        return jq_failed(r, n);
    }
    return out->take(r, out, (struct jq_value){v, jq_path_add(r, of.path, key)});
}

static enum jq_flow take_indexed(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct stage *st = (struct stage *)s;
    return give_member(r, st->node, value, st->other, st->out);
}

static enum jq_flow take_key(struct jq_run *r, struct jq_sink *s, struct jq_value key)
{
    struct stage *st = (struct stage *)s;
    struct stage next = {{take_indexed}, st->node, st->env, st->in, st->out, key.v};
    if (st->node->a->kind == JQ_IDENTITY) {
        return give_member(r, st->node, st->in, key.v, st->out);
    }
    return jq_eval(r, st->node->a, st->env, st->in, &next.sink);
}

static enum jq_flow eval_index(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                               struct jq_value in, struct jq_sink *out)
{
    struct stage st = {{take_key}, n, env, in, out, NULL};
    if (n->b->kind == JQ_LITERAL) {
        return take_key(r, &st.sink, (struct jq_value){n->b->literal, NULL});
    }
    return jq_eval_value(r, n->b, env, in.v, &st.sink);
}

/* a[b:c] */

static enum jq_flow take_to(struct jq_run *r, struct jq_sink *s, struct jq_value to)
{
    struct stage *st = (struct stage *)s;
    const struct json *key = json_with(r->arena, st->other, STR("end"), to.v);
    struct stage next = {{take_indexed}, st->node, st->env, st->in, st->out, key};
    return jq_eval(r, st->node->a, st->env, st->in, &next.sink);
}

static enum jq_flow take_from(struct jq_run *r, struct jq_sink *s, struct jq_value from)
{
    struct stage *st = (struct stage *)s;
    const struct json *key = json_with(r->arena, &json_empty_object, STR("start"), from.v);
    struct stage next = {{take_to}, st->node, st->env, st->in, st->out, key};
    if (!st->node->c) {
        return take_to(r, &next.sink, (struct jq_value){&json_null_value, NULL});
    }
    return jq_eval_value(r, st->node->c, st->env, st->in.v, &next.sink);
}

static enum jq_flow eval_slice(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                               struct jq_value in, struct jq_sink *out)
{
    struct stage st = {{take_from}, n, env, in, out, NULL};
    if (!n->b) {
        return take_from(r, &st.sink, (struct jq_value){&json_null_value, NULL});
    }
    return jq_eval_value(r, n->b, env, in.v, &st.sink);
}

/* a[] */

static enum jq_flow take_iterated(struct jq_run *r, struct jq_sink *s, struct jq_value of)
{
    struct stage *st = (struct stage *)s;
    bool object = of.v->kind == JSON_OBJECT;
    if (of.path == &jq_path_lost || (of.v->kind != JSON_ARRAY && !object)) {
        jq_fail(r,
                of.path == &jq_path_lost ? "Invalid path expression near attempt to iterate %s"
                                         : "Cannot iterate over %s",
                jq_shown(r, of.v));
        return jq_failed(r, st->node);
    }
    for (uint32_t i = 0; i < of.v->count; i++) {
        struct jq_value part = {object ? &of.v->members[i].value : &of.v->items[i], NULL};
        if (of.path) {
            const struct json *key =
                object ? jq_string(r, of.v->members[i].name) : json_new_int(r->arena, i);
            part.path = jq_path_add(r, of.path, key);
        }
        if (!jq_step(r)) {
            return JQ_SPENT;
        }
        enum jq_flow flow = st->out->take(r, st->out, part);
        if (flow != JQ_ON) {
            return flow;
        }
    }
    return JQ_ON;
}

/* Operators: the right side is the outer loop */

static const struct json *compare(struct jq_run *r, enum jq_op op, const struct json *a,
                                  const struct json *b)
{
    int order = jq_order(r, a, b);
    bool holds = op == JQ_OP_EQUAL        ? order == 0
                 : op == JQ_OP_UNEQUAL    ? order != 0
                 : op == JQ_OP_LESS       ? order < 0
                 : op == JQ_OP_LESS_EQUAL ? order <= 0
                 : op == JQ_OP_GREATER    ? order > 0
                                          : order >= 0;
    return r->spent ? NULL : json_new_bool(holds);
}

static enum jq_flow take_left(struct jq_run *r, struct jq_sink *s, struct jq_value left)
{
    struct stage *st = (struct stage *)s;
    const struct json *v = st->node->kind == JQ_COMPARE
                               ? compare(r, st->node->op, left.v, st->other)
                               : jq_calculate(r, st->node->op, left.v, st->other);
    return v ? jq_give(r, st->out, st->in, v) : jq_failed(r, st->node);
}

static enum jq_flow take_right(struct jq_run *r, struct jq_sink *s, struct jq_value right)
{
    struct stage *st = (struct stage *)s;
    struct stage next = {{take_left}, st->node, st->env, st->in, st->out, right.v};
    return jq_eval_value(r, st->node->a, st->env, st->in.v, &next.sink);
}

static enum jq_flow take_negated(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct stage *st = (struct stage *)s;
    static const struct json ZERO = {.kind = JSON_INT};
    bool number = value.v->kind == JSON_INT || value.v->kind == JSON_REAL;
    const struct json *v = number ? jq_calculate(r, JQ_OP_SUBTRACT, &ZERO, value.v)
                                  : jq_fail(r, "%s cannot be negated", jq_shown(r, value.v));
    return v ? jq_give(r, st->out, st->in, v) : jq_failed(r, st->node);
}

static enum jq_flow take_second(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct stage *st = (struct stage *)s;
    return jq_give(r, st->out, st->in, json_new_bool(jq_is_true(value.v)));
}

static enum jq_flow take_condition(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct stage *st = (struct stage *)s;
    const struct jq_node *n = st->node;
    bool holds = jq_is_true(value.v);
    if (n->kind == JQ_IF) {
        const struct jq_node *branch = holds ? n->b : n->c;
        return branch ? jq_eval(r, branch, st->env, st->in, st->out)
                      : st->out->take(r, st->out, st->in);
    }
    if (holds == (n->kind == JQ_OR)) { /* decided */
        return jq_give(r, st->out, st->in, json_new_bool(holds));
    }
    struct stage next = {{take_second}, n, st->env, st->in, st->out, NULL};
    return jq_eval_value(r, n->b, st->env, st->in.v, &next.sink);
}

/* a // b: the true values of a, or else b */

struct guard {
    struct jq_sink sink;
    struct jq_sink *out;
    bool found;      /* something was handed on */
    bool downstream; /* an error came back from there: not for this try to handle */
};

static enum jq_flow take_true(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct guard *g = (struct guard *)s;
    g->found = g->found || jq_is_true(value.v);
    return jq_is_true(value.v) ? g->out->take(r, g->out, value) : JQ_ON;
}

static enum jq_flow eval_alternative(struct jq_run *r, const struct jq_node *n,
                                     const struct jq_env *env, struct jq_value in,
                                     struct jq_sink *out)
{
    struct guard g = {{take_true}, out, false, false};
    enum jq_flow flow = jq_eval(r, n->a, env, in, &g.sink);
    return flow == JQ_ON && !g.found ? jq_eval(r, n->b, env, in, out) : flow;
}

static enum jq_flow take_guarded(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct guard *g = (struct guard *)s;
    enum jq_flow flow = g->out->take(r, g->out, value);
    g->downstream = flow == JQ_ERROR;
    return flow;
}

static enum jq_flow eval_try(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                             struct jq_value in, struct jq_sink *out)
{
    struct guard g = {{take_guarded}, out, false, false};
    enum jq_flow flow = jq_eval(r, n->a, env, in, &g.sink);
    if (flow != JQ_ERROR || g.downstream) {
        return flow;
    }
    const struct json *error = r->error;
    r->error = NULL;
    r->error_offset = SIZE_MAX;
    struct jq_value caught = {error, in.path ? &jq_path_lost : NULL};
    return n->b ? jq_eval(r, n->b, env, caught, out) : JQ_ON;
}

/* Binding: what is to happen once all variables of a pattern have their values */

struct bound {
    enum jq_flow (*then)(struct jq_run *r, struct bound *b, const struct jq_env *env);
};

/* The value being taken apart, and where the expressions in the pattern look. */
struct subject {
    const struct json *value;
    const struct json *dot;
};

static enum jq_flow bind(struct jq_run *r, const struct jq_pattern *p, struct subject of,
                         const struct jq_env *env, struct bound *b);

/* The members of an array or object pattern, from `p` on. */
struct bind_rest {
    struct bound bound;
    const struct jq_pattern *p;
    struct subject of;
    int index;
    struct bound *b;
};

static enum jq_flow bind_parts(struct jq_run *r, const struct bind_rest *rest,
                               const struct jq_env *env);

static enum jq_flow then_rest(struct jq_run *r, struct bound *b, const struct jq_env *env)
{
    return bind_parts(r, (struct bind_rest *)b, env);
}

/* One member under `key`, then the rest. */
static enum jq_flow bind_part(struct jq_run *r, const struct bind_rest *rest,
                              const struct json *key, const struct jq_env *env)
{
    const struct jq_pattern *p = rest->p;
    if (p->kind == JQ_PATTERN_OBJECT && key->kind != JSON_STRING) {
        jq_fail(r, "Cannot index %s with %s", jq_type(rest->of.value), jq_type(key));
        return JQ_ERROR;
    }
    const struct json *v = jq_member(r, rest->of.value, key);
    if (!v) {
        return r->spent ? JQ_SPENT : JQ_ERROR;
    }
    struct bind_rest next = {{then_rest}, p->next, rest->of, rest->index + 1, rest->b};
    if (p->kind == JQ_PATTERN_OBJECT && p->id >= 0) {
        struct jq_env *e = jq_env_extend(r, env, p->id);
        e->value = v;
        env = e;
    }
    struct subject inner = {v, rest->of.dot};
    return p->inner ? bind(r, p->inner, inner, env, &next.bound) : bind_parts(r, &next, env);
}

struct key_sink {
    struct jq_sink sink;
    const struct bind_rest *rest;
    const struct jq_env *env;
};

static enum jq_flow take_pattern_key(struct jq_run *r, struct jq_sink *s, struct jq_value key)
{
    struct key_sink *ks = (struct key_sink *)s;
    return bind_part(r, ks->rest, key.v, ks->env);
}

static enum jq_flow bind_parts(struct jq_run *r, const struct bind_rest *rest,
                               const struct jq_env *env)
{
    const struct jq_pattern *p = rest->p;
    if (!p) {
        return rest->b->then(r, rest->b, env);
    }
    if (p->kind == JQ_PATTERN_ARRAY) {
        return bind_part(r, rest, json_new_int(r->arena, rest->index), env);
    }
    struct key_sink sink = {{take_pattern_key}, rest, env};
    return jq_eval_value(r, p->key, env, rest->of.dot, &sink.sink);
}

static enum jq_flow bind(struct jq_run *r, const struct jq_pattern *p, struct subject of,
                         const struct jq_env *env, struct bound *b)
{
    if (p->kind == JQ_PATTERN_VARIABLE) {
        struct jq_env *e = jq_env_extend(r, env, p->id);
        e->value = of.value;
        return b->then(r, b, e);
    }
    struct bind_rest rest = {{then_rest}, p->first, of, 0, b};
    return bind_parts(r, &rest, env);
}

/* a as pattern | b,   reduce,   foreach */

struct fold {
    struct bound bound;
    struct jq_sink sink;   /* of the source's values */
    struct jq_sink update; /* of the new states */
    const struct jq_node *node;
    const struct jq_env *env;
    const struct jq_env *inner; /* with the pattern's variables */
    struct jq_value in;
    struct jq_sink *out;
    const struct json *state;
};

#define FOLD_OF(pointer, member)                                                                   \
    ((struct fold *)(void *)((char *)(pointer)-offsetof(struct fold, member)))

static enum jq_flow take_source(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct fold *f = FOLD_OF(s, sink);
    struct subject of = {value.v, f->in.v};
    enum jq_flow flow = bind(r, f->node->pattern, of, f->env, &f->bound);
    return flow == JQ_ERROR ? jq_failed(r, f->node) : flow;
}

static enum jq_flow then_body(struct jq_run *r, struct bound *b, const struct jq_env *env)
{
    struct fold *f = FOLD_OF(b, bound);
    return jq_eval(r, f->node->b, env, f->in, f->out);
}

static enum jq_flow take_state(struct jq_run *r, struct jq_sink *s, struct jq_value state)
{
    struct fold *f = FOLD_OF(s, update);
    f->state = state.v;
    if (f->node->kind == JQ_REDUCE) {
        return JQ_ON;
    }
    if (!f->node->d) {
        return jq_give(r, f->out, f->in, state.v);
    }
    struct jq_value at = {state.v, f->in.path ? &jq_path_lost : NULL};
    return jq_eval(r, f->node->d, f->inner, at, f->out);
}

static enum jq_flow then_update(struct jq_run *r, struct bound *b, const struct jq_env *env)
{
    struct fold *f = FOLD_OF(b, bound);
    const struct json *before = f->state;
    f->inner = env;
    f->state = &json_null_value; /* an update without a value leaves null */
    return jq_eval_value(r, f->node->c, env, before, &f->update);
}

static enum jq_flow take_initial(struct jq_run *r, struct jq_sink *s, struct jq_value initial)
{
    struct stage *st = (struct stage *)s;
    struct fold f = {{then_update}, {take_source}, {take_state}, st->node, st->env,
                     NULL,          st->in,        st->out,      initial.v};
    enum jq_flow flow = jq_eval_value(r, st->node->a, st->env, st->in.v, &f.sink);
    if (flow == JQ_ON && st->node->kind == JQ_REDUCE) {
        return jq_give(r, st->out, st->in, f.state);
    }
    return flow;
}

static enum jq_flow eval_bind(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                              struct jq_value in, struct jq_sink *out)
{
    struct fold f = {{then_body}, {take_source}, {take_state}, n, env, NULL, in, out, NULL};
    return jq_eval_value(r, n->a, env, in.v, &f.sink);
}

/* Control */

static enum jq_flow eval_parameter(struct jq_run *r, const struct jq_node *n,
                                   const struct jq_env *env, struct jq_value in,
                                   struct jq_sink *out)
{
    const struct jq_env *e = jq_env_find(env, n->id);
    return jq_eval(r, e->closure, e->closure_env, in, out);
}

static enum jq_flow eval_label(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                               struct jq_value in, struct jq_sink *out)
{
    struct jq_env *e = jq_env_extend(r, env, n->id);
    enum jq_flow flow = jq_eval(r, n->a, e, in, out);
    return flow == JQ_LEAVE && r->leave == e ? JQ_ON : flow;
}

static enum jq_flow eval_comma(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                               struct jq_value in, struct jq_sink *out)
{
    enum jq_flow flow = jq_eval(r, n->a, env, in, out);
    return flow == JQ_ON ? jq_eval(r, n->b, env, in, out) : flow;
}

static enum jq_flow eval_stage(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                               struct jq_value in, struct jq_sink *out)
{
    struct stage st = {{NULL}, n, env, in, out, NULL};
    switch (n->kind) {
    case JQ_PIPE:
        st.sink.take = take_piped;
        return jq_eval(r, n->a, env, in, &st.sink);
    case JQ_ITERATE:
        st.sink.take = take_iterated;
        return jq_eval(r, n->a, env, in, &st.sink);
    case JQ_NEGATE:
        st.sink.take = take_negated;
        break;
    case JQ_REDUCE:
    case JQ_FOREACH:
        st.sink.take = take_initial;
        return jq_eval_value(r, n->b, env, in.v, &st.sink);
    case JQ_ARITHMETIC:
    case JQ_COMPARE:
        st.sink.take = take_right;
        return jq_eval_value(r, n->b, env, in.v, &st.sink);
    default:
        st.sink.take = take_condition;
        break;
    }
    return jq_eval_value(r, n->a, env, in.v, &st.sink);
}

static enum jq_flow eval_node(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                              struct jq_value in, struct jq_sink *out)
{
    switch (n->kind) {
    case JQ_IDENTITY:
        return out->take(r, out, in);
    case JQ_LITERAL:
        return jq_give(r, out, in, n->literal);
    case JQ_VARIABLE:
        return jq_give(r, out, in, jq_env_find(env, n->id)->value);
    case JQ_INDEX:
        return eval_index(r, n, env, in, out);
    case JQ_SLICE:
        return eval_slice(r, n, env, in, out);
    case JQ_COMMA:
        return eval_comma(r, n, env, in, out);
    case JQ_ALTERNATIVE:
        return eval_alternative(r, n, env, in, out);
    case JQ_TRY:
        return eval_try(r, n, env, in, out);
    case JQ_BIND:
        return eval_bind(r, n, env, in, out);
    case JQ_ASSIGN:
    case JQ_UPDATE:
    case JQ_COMBINE:
        return jq_path_assign(r, n, env, in, out);
    case JQ_ARRAY:
        return jq_build_array(r, n, env, in, out);
    case JQ_OBJECT:
        return jq_build_object(r, n, env, in, out);
    case JQ_TEXT:
        return jq_build_text(r, n, env, in, out);
    case JQ_FORMAT:
        return jq_build_format(r, n, in, out);
    case JQ_LABEL:
        return eval_label(r, n, env, in, out);
    case JQ_BREAK:
        r->leave = jq_env_find(env, n->id);
        return JQ_LEAVE;
    case JQ_CALL:
        return jq_build_call(r, n, env, in, out);
    case JQ_BUILTIN:
        return jq_build_builtin(r, n, env, in, out);
    case JQ_PARAMETER:
        return eval_parameter(r, n, env, in, out);
    default:
        return eval_stage(r, n, env, in, out);
    }
}

enum jq_flow jq_eval(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                     struct jq_value in, struct jq_sink *out)
{
    if (!jq_step(r)) {
        return JQ_SPENT;
    }
    if (r->depth >= JQ_DEPTH_MAX) {
        return jq_spend(r, "the program is nested too deep");
    }
    r->depth++;
    enum jq_flow flow = eval_node(r, n, env, in, out);
    r->depth--;
    return flow;
}
