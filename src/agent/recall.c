#include "agent/recall.h"

#include "graph/run.h"

enum { RUN_ARENA_BYTES = 256 << 20 };

/* Providers want every id of a request only once; runs number theirs anew each time. */
static const struct json *call_id(struct arena *a, const struct message *m, struct str id)
{
    return json_new_str(a, str_fmt(a, "m%lld_%.*s", (long long)m->seq, STR_ARG(id)));
}

static const struct json *renamed_calls(struct arena *a, const struct message *m,
                                        const struct json *calls)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(calls); i++) {
        const struct json *call = json_at(calls, i);
        list = json_push(
            a, list, json_with(a, call, STR("id"), call_id(a, m, json_str(call, "id", STR("")))));
    }
    return list;
}

static const struct json *renamed(struct arena *a, const struct message *m, const struct json *all)
{
    const struct json *list = &json_empty_array;
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *one = json_at(all, i);
        if (str_eqz(json_str(one, "role", STR("")), "assistant")) {
            one = json_with(a, one, STR("calls"), renamed_calls(a, m, json_get(one, "calls")));
        } else {
            one =
                json_with(a, one, STR("call_id"), call_id(a, m, json_str(one, "call_id", STR(""))));
        }
        list = json_push(a, list, one);
    }
    return list;
}

static size_t bytes_of(const struct json *calls)
{
    size_t n = 0;
    for (size_t i = 0; i < json_count(calls); i++) {
        n += json_str(json_at(calls, i), "content", STR("")).n;
    }
    return n;
}

/* Only answers that tools led to are worth reading a run for. */
static bool had_tools(const struct message *m)
{
    return id_is_set(&m->run) && json_count(json_get(m->meta, "tools")) > 0;
}

/* The tool calls of the run that led to `m`, copied out of a state that may be much larger. NULL:
 * there are none, they are no longer kept, or (*out_full) they do not fit what room is left. */
static enum err load_one(struct turn_drive *d, const struct message *m, size_t *room,
                         bool *out_full, const struct json **out_calls)
{
    struct ctx *own = ctx_child(d->c, RUN_ARENA_BYTES);
    struct run run = {0};
    own->store = d->c->store;
    enum err e = run_get(own, turns_runs(d->turns), &m->run, &run);
    if (e == E_OK) {
        const struct json *calls = json_get(run.state, "calls");
        size_t size = bytes_of(calls);
        *out_full = size > *room;
        *room -= *out_full ? 0 : size;
        if (!*out_full && json_count(calls)) {
            *out_calls = json_copy(d->c->arena, renamed(own->arena, m, calls));
        }
    } else if (e == E_NOT_FOUND) {
        e = E_OK;
    } else {
        d->c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

enum err recall_load(struct ctx *c, struct turn_drive *d)
{
    if (d->recalled || d->history.count == 0) {
        return E_OK;
    }
    struct arena *a = d->c->arena;
    int n = d->history.count;
    const struct json **all = ARENA_ARRAY(a, const struct json *, (size_t)n);
    size_t room = RECALL_MAX_BYTES;
    bool full = false;
    for (int i = n - 1; i >= 0 && !full; i--) {
        const struct message *m = &d->history.items[i];
        enum err e = had_tools(m) ? load_one(d, m, &room, &full, &all[i]) : E_OK;
        if (e != E_OK) {
            c->fault = d->c->fault;
            return e;
        }
    }
    d->recalled = all;
    return E_OK;
}
