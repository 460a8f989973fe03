#include "agent/recall.h"

#include "graph/run.h"

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

enum err recall_load(struct ctx *c, struct turn_drive *d)
{
    if (d->recalled || d->history.count == 0) {
        return E_OK;
    }
    struct arena *a = d->c->arena;
    int n = d->history.count;
    const struct json **all = ARENA_ARRAY(a, const struct json *, (size_t)n);
    size_t room = RECALL_MAX_BYTES;
    for (int i = n - 1; i >= 0; i--) {
        const struct message *m = &d->history.items[i];
        struct run run = {0};
        if (!had_tools(m)) {
            continue;
        }
        enum err e = run_get(d->c, turns_runs(d->turns), &m->run, &run);
        if (e == E_NOT_FOUND) { /* no longer kept */
            ctx_forgive(d->c);
            continue;
        }
        if (e != E_OK) {
            c->fault = d->c->fault;
            return e;
        }
        const struct json *calls = json_get(run.state, "calls");
        size_t size = bytes_of(calls);
        if (size > room) {
            break;
        }
        room -= size;
        all[i] = json_count(calls) ? renamed(a, m, calls) : NULL;
    }
    d->recalled = all;
    return E_OK;
}
