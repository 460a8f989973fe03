/* `rapport record`: conversations that were held, as recordings for `rapport replay`. */
#include "codec/url.h"
#include "main/command.h"
#include "main/playback.h"
#include "main/recording.h"
#include "main/terminal.h"

enum { PAGE = 200 };

/* One conversation being written down. */
struct writing {
    struct ctx *c;
    struct remote *remote;
    struct str id;
    const struct json *turns;
    struct str said; /* by the contact since the last answer */
    bool over;       /* a person answered: what follows is not the agent's */
};

/* A result as the agent was told it; what a tool refused or failed with is its text. */
static const struct json *recorded_call(struct arena *a, const struct json *call)
{
    bool done = str_eqz(json_str(call, "status", STR("")), "done");
    return json_object(a, {"name", json_get(call, "name")},
                       {"arguments", json_get(call, "arguments")},
                       {"result", json_get(call, done ? "result" : "error")});
}

static enum err recorded_calls(struct writing *w, const struct json *message,
                               const struct json **out)
{
    struct arena *a = w->c->arena;
    const struct json *run, *list = &json_empty_array;
    struct str id = json_str(message, "run_id", STR(""));
    *out = NULL;
    if (!id.n) {
        return E_OK;
    }
    TRY(remote_get(w->remote, str_fmt(a, "/api/v1/runs/%.*s", STR_ARG(id)), &run));
    const struct json *calls = playback_calls(a, run);
    for (size_t i = 0; i < json_count(calls); i++) {
        list = json_push(a, list, recorded_call(a, json_at(calls, i)));
    }
    *out = list;
    return E_OK;
}

static enum err add_answer(struct writing *w, const struct json *message)
{
    struct arena *a = w->c->arena;
    const struct json *calls;
    if (!w->said.n || json_count(w->turns) == RECORDING_TURNS_MAX) {
        return E_OK; /* the agent spoke first */
    }
    TRY(recorded_calls(w, message, &calls));
    w->turns = json_push(a, w->turns,
                         json_object(a, {"contact", json_new_str(a, w->said)}, {"calls", calls},
                                     {"answer", json_get(message, "text")}));
    w->said = STR("");
    return E_OK;
}

static enum err add_message(struct writing *w, const struct json *m)
{
    struct str role = json_str(m, "role", STR("")), text = json_str(m, "text", STR(""));
    if (str_eqz(role, "contact")) { /* a burst is answered once, so it is one turn */
        w->said =
            w->said.n ? str_fmt(w->c->arena, "%.*s\n%.*s", STR_ARG(w->said), STR_ARG(text)) : text;
        return E_OK;
    }
    w->over = str_eqz(role, "member");
    return str_eqz(role, "ai") ? add_answer(w, m) : E_OK;
}

static enum err add_messages(struct writing *w)
{
    int64_t after = 0;
    size_t n;
    do {
        const struct json *page;
        TRY(remote_get(w->remote,
                       str_fmt(w->c->arena,
                               "/api/v1/conversations/%.*s/messages?after=%lld&limit=%d",
                               STR_ARG(w->id), (long long)after, PAGE),
                       &page));
        const struct json *items = json_get(page, "items");
        n = json_count(items);
        for (size_t i = 0; i < n && !w->over; i++) {
            TRY(add_message(w, json_at(items, i)));
            after = json_int(json_at(items, i), "seq", after);
        }
    } while (n == PAGE && !w->over);
    return E_OK;
}

static enum err write_down(struct ctx *c, struct remote *remote, const char *id)
{
    struct arena *a = c->arena;
    struct writing w = {.c = c, .remote = remote, .turns = &json_empty_array};
    const struct json *conversation;
    w.id = url_encode(a, str_of(id), false);
    TRY(remote_get(remote, str_fmt(a, "/api/v1/conversations/%.*s", STR_ARG(w.id)), &conversation));
    TRY(add_messages(&w));
    if (json_count(w.turns) == 0) {
        return ctx_fail(c, E_INCOMPLETE, "the agent answered nothing in conversation %s", id);
    }
    const struct json *name = json_path(conversation, "contact.name");
    terminal_json(c, json_object(a, {"name", json_get(conversation, "id")},
                                 {"contact", name ? json_object(a, {"name", name}) : NULL},
                                 {"turns", w.turns}));
    return E_OK;
}

static enum err record(struct ctx *c, struct invocation *in)
{
    struct remote *remote;
    TRY(remote_open(c, in, &remote));
    enum err e = remote_enter(remote);
    for (int i = 0; i < in->arg_count && e == E_OK; i++) {
        e = write_down(c, remote, in->args[i]);
    }
    remote_close(&remote);
    return e;
}

extern const struct command record_commands[];
const struct command record_commands[] = {
    {"record", "CONVERSATION...", "Write conversations down as recordings for replay.",
     COMMAND_REMOTE, NULL, 1, -1, record},
    {0},
};
