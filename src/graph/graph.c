#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "graph/drive.h"

int graph_node_named(const struct graph *g, struct str name)
{
    for (int i = 0; i < g->node_count; i++) {
        if (str_eqz(name, g->table->nodes[i].name)) {
            return i;
        }
    }
    return GRAPH_NOWHERE;
}

static enum err count_rows(struct ctx *c, struct graph *g)
{
    const struct graph_table *t = g->table;
    while (t->nodes[g->node_count].name) {
        if (++g->node_count > GRAPH_NODES_MAX) {
            return ctx_fail(c, E_INVALID, "graph %s: more than %d nodes", t->name, GRAPH_NODES_MAX);
        }
    }
    while (t->edges[g->edge_count].from) {
        if (++g->edge_count > GRAPH_EDGES_MAX) {
            return ctx_fail(c, E_INVALID, "graph %s: more than %d edges", t->name, GRAPH_EDGES_MAX);
        }
    }
    while (t->fields && t->fields[g->field_count].name) {
        if (++g->field_count > GRAPH_FIELDS_MAX) {
            return ctx_fail(c, E_INVALID, "graph %s: more than %d fields", t->name,
                            GRAPH_FIELDS_MAX);
        }
    }
    return E_OK;
}

static enum err check_nodes(struct ctx *c, const struct graph *g)
{
    const struct graph_table *t = g->table;
    for (int i = 0; i < g->node_count; i++) {
        const char *name = t->nodes[i].name;
        if (!name[0] || strcmp(name, GRAPH_END) == 0 || strlen(name) > 64) {
            return ctx_fail(c, E_INVALID, "graph %s: \"%s\" is no name for a node", t->name, name);
        }
        if (!t->nodes[i].fn) {
            return ctx_fail(c, E_INVALID, "graph %s: node %s has no function", t->name, name);
        }
        if (graph_node_named(g, str_of(name)) != i) {
            return ctx_fail(c, E_INVALID, "graph %s: two nodes are called %s", t->name, name);
        }
    }
    for (int i = 0; i < g->field_count; i++) {
        for (int k = 0; k < i; k++) {
            if (strcmp(t->fields[i].name, t->fields[k].name) == 0) {
                return ctx_fail(c, E_INVALID, "graph %s: two fields are called %s", t->name,
                                t->fields[i].name);
            }
        }
    }
    return E_OK;
}

static enum err find_node(struct ctx *c, const struct graph *g, const char *what, const char *name,
                          int *out_node)
{
    int node = name ? graph_node_named(g, str_of(name)) : GRAPH_NOWHERE;
    if (node == GRAPH_NOWHERE) {
        return ctx_fail(c, E_INVALID, "graph %s: %s names the unknown node %s", g->table->name,
                        what, name ? name : "(none)");
    }
    *out_node = node;
    return E_OK;
}

static enum err link_names(struct ctx *c, struct graph *g)
{
    const struct graph_table *t = g->table;
    TRY(find_node(c, g, "start", t->start, &g->start));
    g->on_limit = GRAPH_NOWHERE;
    if (t->on_limit) {
        TRY(find_node(c, g, "on_limit", t->on_limit, &g->on_limit));
    }
    for (int i = 0; i < g->node_count; i++) {
        g->on_failure[i] = GRAPH_NOWHERE;
        if (t->nodes[i].on_failure) {
            TRY(find_node(c, g, t->nodes[i].name, t->nodes[i].on_failure, &g->on_failure[i]));
        }
        if (g->on_failure[i] == i) {
            return ctx_fail(c, E_INVALID, "graph %s: node %s is its own on_failure", t->name,
                            t->nodes[i].name);
        }
    }
    for (int i = 0; i < g->edge_count; i++) {
        TRY(find_node(c, g, "an edge", t->edges[i].from, &g->from[i]));
        g->to[i] = GRAPH_TO_END;
        if (!t->edges[i].to || strcmp(t->edges[i].to, GRAPH_END) != 0) {
            TRY(find_node(c, g, t->edges[i].from, t->edges[i].to, &g->to[i]));
        }
    }
    return E_OK;
}

static enum err check_last_edges(struct ctx *c, const struct graph *g)
{
    for (int n = 0; n < g->node_count; n++) {
        const char *name = g->table->nodes[n].name;
        const struct graph_edge *last = NULL;
        for (int i = 0; i < g->edge_count; i++) {
            if (g->from[i] != n) {
                continue;
            }
            if (last && !last->when && last->times_max == 0) {
                return ctx_fail(c, E_INVALID,
                                "graph %s: an edge of node %s follows one that is always taken",
                                g->table->name, name);
            }
            last = &g->table->edges[i];
        }
        if (!last) {
            return ctx_fail(c, E_INVALID, "graph %s: no edge leaves node %s", g->table->name, name);
        }
        if (last->when || last->times_max != 0) {
            return ctx_fail(
                c, E_INVALID,
                "graph %s: the last edge of node %s must be unconditional and unbounded",
                g->table->name, name);
        }
    }
    return E_OK;
}

/* Marks what can be reached from `node`; the depth is bounded by the number of nodes. */
static void mark_reached(const struct graph *g, int node, bool *reached)
{
    if (node < 0 || reached[node]) {
        return;
    }
    reached[node] = true;
    mark_reached(g, g->on_failure[node], reached);
    for (int i = 0; i < g->edge_count; i++) {
        if (g->from[i] == node) {
            mark_reached(g, g->to[i], reached);
        }
    }
}

static enum err check_paths(struct ctx *c, const struct graph *g)
{
    bool reached[GRAPH_NODES_MAX] = {false};
    mark_reached(g, g->start, reached);
    mark_reached(g, g->on_limit, reached);
    bool ends[GRAPH_NODES_MAX] = {false};
    for (int round = 0; round < g->node_count; round++) {
        for (int i = 0; i < g->edge_count; i++) {
            ends[g->from[i]] |= g->to[i] == GRAPH_TO_END || ends[g->to[i]];
        }
    }
    for (int n = 0; n < g->node_count; n++) {
        const char *name = g->table->nodes[n].name;
        if (!reached[n]) {
            return ctx_fail(c, E_INVALID, "graph %s: node %s cannot be reached", g->table->name,
                            name);
        }
        if (!ends[n]) {
            return ctx_fail(c, E_INVALID, "graph %s: no path leads from node %s to END",
                            g->table->name, name);
        }
    }
    return E_OK;
}

static enum err compile(struct ctx *c, struct graph *g)
{
    TRY(count_rows(c, g));
    TRY(check_nodes(c, g));
    TRY(link_names(c, g));
    TRY(check_last_edges(c, g));
    return check_paths(c, g);
}

enum err graph_compile(struct ctx *c, const struct graph_table *table, struct graph **out_graph)
{
    struct graph *g = mem_new(sizeof(*g));
    g->table = table;
    enum err e = compile(c, g);
    if (e != E_OK) {
        graph_free(&g);
        return e;
    }
    *out_graph = g;
    return E_OK;
}

void graph_free(struct graph **g)
{
    free(*g);
    *g = NULL;
}

const struct graph_table *graph_table_of(const struct graph *g)
{
    return g->table;
}

static const struct graph_field *field_named(const struct graph *g, struct str name)
{
    for (int i = 0; i < g->field_count; i++) {
        if (str_eqz(name, g->table->fields[i].name)) {
            return &g->table->fields[i];
        }
    }
    return NULL;
}

/* Both lists one after the other, without the oldest where they are too many. */
static const struct json *append(struct arena *a, const struct json *old, const struct json *more,
                                 int items_max)
{
    size_t most = items_max > 0 ? (size_t)items_max : GRAPH_APPEND_MAX;
    size_t n_old = json_is(old, JSON_ARRAY) ? old->count : 0;
    bool list = json_is(more, JSON_ARRAY);
    size_t n_more = list ? more->count : 1;
    const struct json *from = list ? more->items : more;
    if (n_more > most) {
        from += n_more - most;
        n_more = most;
    }
    size_t drop = n_old + n_more > most ? n_old + n_more - most : 0;
    struct json *items = ARENA_ARRAY(a, struct json, n_old - drop + n_more);
    if (n_old > drop) {
        memcpy(items, old->items + drop, (n_old - drop) * sizeof(*items));
    }
    if (n_more) {
        memcpy(items + (n_old - drop), from, n_more * sizeof(*items));
    }
    struct json *joined = ARENA_NEW(a, struct json);
    *joined = (struct json){.kind = JSON_ARRAY, .count = (uint32_t)(n_old - drop + n_more)};
    joined->items = items;
    return joined;
}

static bool is_number(const struct json *v)
{
    return json_is(v, JSON_INT) || json_is(v, JSON_REAL);
}

static const struct json *add(struct arena *a, const struct json *old, const struct json *more)
{
    int64_t sum;
    if (json_is(old, JSON_INT) && json_is(more, JSON_INT) &&
        !__builtin_add_overflow(old->integer, more->integer, &sum)) {
        return json_new_int(a, sum);
    }
    return json_new_real(a, json_number(old, 0) + json_number(more, 0));
}

static const struct json *joined(struct arena *a, const struct graph_field *f,
                                 const struct json *old, const struct json *value)
{
    switch (f->rule) {
    case GRAPH_REPLACE:
        return value;
    case GRAPH_APPEND:
        return append(a, old, value, f->items_max);
    case GRAPH_MERGE:
        if (!json_is(value, JSON_OBJECT)) {
            return NULL;
        }
        return json_merge(a, json_is(old, JSON_OBJECT) ? old : &json_empty_object, value);
    case GRAPH_ADD:
        if (!is_number(value)) {
            return NULL;
        }
        return is_number(old) ? add(a, old, value) : value;
    case GRAPH_KEEP_MAX:
        if (!is_number(value)) {
            return NULL;
        }
        return is_number(old) && json_number(old, 0) > json_number(value, 0) ? old : value;
    }
    return NULL;
}

enum err graph_merge_into(struct ctx *c, struct arena *a, const struct graph *g,
                          const struct json *state, const struct json *delta,
                          const struct json **out_state)
{
    const struct json *next = json_is(state, JSON_OBJECT) ? state : &json_empty_object;
    if (json_is_null(delta)) {
        *out_state = next;
        return E_OK;
    }
    if (!json_is(delta, JSON_OBJECT)) {
        return ctx_fail(c, E_INTERNAL, "graph %s: a delta must be an object", g->table->name);
    }
    for (uint32_t i = 0; i < delta->count; i++) {
        struct str name = delta->members[i].name;
        const struct json *value = &delta->members[i].value;
        const struct graph_field *f = field_named(g, name);
        if (!f) {
            return ctx_fail(c, E_INTERNAL, "graph %s: the state has no field %.*s", g->table->name,
                            STR_ARG(str_sub(name, 0, 64)));
        }
        if (!json_is_null(value)) {
            value = joined(a, f, json_find(next, name), value);
            if (!value) {
                return ctx_fail(c, E_INTERNAL, "graph %s: field %s cannot take this value",
                                g->table->name, f->name);
            }
        } else {
            value = NULL;
        }
        next = json_with(a, next, str_of(f->name), value);
    }
    *out_state = next;
    return E_OK;
}

enum err graph_merge(struct ctx *c, const struct graph *g, const struct json *state,
                     const struct json *delta, const struct json **out_state)
{
    return graph_merge_into(c, c->arena, g, state, delta, out_state);
}
