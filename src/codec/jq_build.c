/* The nodes of a jq program that build values, and calls. */
#include <string.h>

#include "codec/jq_run.h"

struct object_sink {
    struct jq_sink sink;
    struct jq_sink value_sink;
    const struct jq_node *node;
    const struct jq_env *env;
    struct jq_value in;
    struct jq_sink *out;
    size_t at; /* the part being evaluated */
    const struct json *object, *key;
};

static enum jq_flow build_members(struct jq_run *r, struct object_sink *o);

static enum jq_flow take_member_value(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct object_sink *o =
        (struct object_sink *)(void *)((char *)s - offsetof(struct object_sink, value_sink));
    struct object_sink next = *o;
    if (!jq_room(r, (o->object->count + 1) * sizeof(struct json_member))) {
        return JQ_SPENT;
    }
    next.object = json_with(r->arena, o->object, o->key->string, value.v);
    next.at += 2;
    return build_members(r, &next);
}

static enum jq_flow take_member_key(struct jq_run *r, struct jq_sink *s, struct jq_value key)
{
    struct object_sink *o = (struct object_sink *)s;
    if (key.v->kind != JSON_STRING) {
        jq_fail(r, "Object keys must be strings, not %s", jq_shown(r, key.v));
        return jq_failed(r, o->node);
    }
    o->key = key.v;
    return jq_eval_value(r, o->node->parts[o->at + 1], o->env, o->in.v, &o->value_sink);
}

static enum jq_flow build_members(struct jq_run *r, struct object_sink *o)
{
    if (o->at == o->node->n_parts) {
        return jq_give(r, o->out, o->in, o->object);
    }
    return jq_eval_value(r, o->node->parts[o->at], o->env, o->in.v, &o->sink);
}

/* An object whose keys are fixed and whose values are single: the usual mapping, built at once. */
enum jq_flow jq_build_object(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                             struct jq_value in, struct jq_sink *out)
{
    struct object_sink o = {
        {take_member_key}, {take_member_value}, n, env, in, out, 0, &json_empty_object, NULL};
    return build_members(r, &o);
}

struct text_sink {
    struct jq_sink sink;
    const struct jq_node *node;
    const struct jq_env *env;
    struct jq_value in;
    struct jq_sink *out;
    size_t at;
    struct str tail; /* the text from part `at` on is made from the end to the start */
};

static enum jq_flow build_text(struct jq_run *r, struct text_sink *t);

static enum jq_flow take_text_part(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct text_sink *t = (struct text_sink *)s, next = *t;
    bool literal = t->at % 2 == 1; /* parts: text, value, text ...; `at` counts what is left */
    struct str text = literal           ? value.v->string
                      : t->node->format ? t->node->format->apply(r, value.v)
                                        : jq_text(r, value.v);
    if (!text.p || !jq_room(r, text.n + t->tail.n + 1)) {
        return jq_failed(r, t->node);
    }
    char *p = arena_alloc(r->arena, text.n + t->tail.n + 1);
    memcpy(p, text.p, text.n);
    memcpy(p + text.n, t->tail.p, t->tail.n);
    next.tail = str_make(p, text.n + t->tail.n);
    next.at--;
    return build_text(r, &next);
}

static enum jq_flow build_text(struct jq_run *r, struct text_sink *t)
{
    if (t->at == 0) {
        return jq_give(r, t->out, t->in, jq_string(r, t->tail));
    }
    return jq_eval_value(r, t->node->parts[t->at - 1], t->env, t->in.v, &t->sink);
}

enum jq_flow jq_build_text(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           struct jq_value in, struct jq_sink *out)
{
    struct text_sink t = {{take_text_part}, n, env, in, out, n->n_parts, STR("")};
    return build_text(r, &t);
}

enum jq_flow jq_build_array(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                            struct jq_value in, struct jq_sink *out)
{
    struct jq_list list = jq_list_make();
    enum jq_flow flow = n->a ? jq_collect(r, n->a, env, in.v, &list) : JQ_ON;
    if (flow != JQ_ON) {
        return flow;
    }
    const struct json *array = jq_list_array(r, &list);
    return array ? jq_give(r, out, in, array) : JQ_SPENT;
}

enum jq_flow jq_build_format(struct jq_run *r, const struct jq_node *n, struct jq_value in,
                             struct jq_sink *out)
{
    struct str text = n->format->apply(r, in.v);
    return text.p ? jq_give(r, out, in, jq_string(r, text)) : jq_failed(r, n);
}

/* Calls */

struct call_sink {
    struct jq_sink sink;
    const struct jq_node *node;
    const struct jq_env *caller; /* where the arguments are evaluated */
    const struct jq_env *env;    /* what the body will see */
    struct jq_value in;
    struct jq_sink *out;
    size_t at;
};

static enum jq_flow bind_arguments(struct jq_run *r, const struct call_sink *c);

static enum jq_flow take_argument(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct call_sink *c = (struct call_sink *)s, next = *c;
    const struct jq_param *p = &c->node->function->params[c->at];
    struct jq_env *variable = jq_env_extend(r, c->env, p->variable_id);
    variable->value = value.v;
    struct jq_env *closure = jq_env_extend(r, variable, p->closure_id);
    closure->closure = p->as_variable;
    closure->closure_env = variable;
    next.env = closure;
    next.at++;
    return bind_arguments(r, &next);
}

static enum jq_flow bind_arguments(struct jq_run *r, const struct call_sink *c)
{
    struct call_sink next = *c;
    for (; next.at < c->node->n_parts; next.at++) {
        const struct jq_param *p = &c->node->function->params[next.at];
        const struct jq_node *arg = c->node->parts[next.at];
        if (p->variable_id >= 0) {
            return jq_eval_value(r, arg, c->caller, c->in.v, &next.sink);
        }
        struct jq_env *e = jq_env_extend(r, next.env, p->closure_id);
        e->closure = arg;
        e->closure_env = c->caller;
        if (arg->kind == JQ_PARAMETER) { /* handed through: no chain of closures */
            const struct jq_env *given = jq_env_find(c->caller, arg->id);
            e->closure = given->closure;
            e->closure_env = given->closure_env;
        }
        next.env = e;
    }
    return jq_eval(r, c->node->function->body, next.env, c->in, c->out);
}

enum jq_flow jq_build_call(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                           struct jq_value in, struct jq_sink *out)
{
    struct call_sink c = {{take_argument}, n, env, env, in, out, 0};
    return bind_arguments(r, &c);
}

/* Plain builtins: every combination of their arguments' values; the last argument is the outer
 * loop. */
struct plain_sink {
    struct jq_sink sink;
    const struct jq_node *node;
    const struct jq_env *env;
    struct jq_value in;
    struct jq_sink *out;
    size_t left;
    const struct json *args[JQ_ARGS_MAX];
};

static enum jq_flow call_plain(struct jq_run *r, struct plain_sink *p)
{
    if (p->left > 0) {
        return jq_eval_value(r, p->node->parts[p->left - 1], p->env, p->in.v, &p->sink);
    }
    const struct json *v = p->node->builtin->plain(r, p->in.v, p->args);
    return v && !r->spent ? jq_give(r, p->out, p->in, v) : jq_failed(r, p->node);
}

static enum jq_flow take_plain(struct jq_run *r, struct jq_sink *s, struct jq_value value)
{
    struct plain_sink *p = (struct plain_sink *)s, next = *p;
    next.args[--next.left] = value.v;
    return call_plain(r, &next);
}

enum jq_flow jq_build_builtin(struct jq_run *r, const struct jq_node *n, const struct jq_env *env,
                              struct jq_value in, struct jq_sink *out)
{
    if (n->builtin->special) {
        return n->builtin->special(r, (struct jq_call){n, env}, in, out);
    }
    struct plain_sink p = {{take_plain}, n, env, in, out, n->n_parts, {NULL}};
    return call_plain(r, &p);
}
