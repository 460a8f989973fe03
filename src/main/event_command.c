/* `rapport events ...`: the event log of an organisation. */
#include <string.h>

#include "codec/date.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { LIST_MAX = 10000, SHOWN_MAX = 200 };

struct work {
    struct ctx *c;
    struct invocation *in;
    struct remote *remote;
    int64_t after;
};

/* "?topic=conversation_events&type=..." */
static struct str filter(struct ctx *c, const struct invocation *in, const char *path)
{
    struct buf b = buf_make(1024);
    static const char *const names[] = {"topic", "type", "key"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = command_option(in, names[i], NULL);
        if (value) {
            url_form_add(&b, str_of(names[i]), str_of(value));
        }
    }
    struct str text = str_fmt(c->arena, "%s?%.*s", path, STR_ARG(buf_str(&b)));
    buf_free(&b);
    return text;
}

static void print_event(struct ctx *c, const struct json *e)
{
    struct str at = date_iso(c->arena, json_int(e, "at", 0));
    struct str payload = json_write(c->arena, json_get(e, "payload"));
    printf("%6lld  %.*s  %-22.*s %-28.*s %.*s\n", (long long)json_int(e, "seq", 0),
           STR_ARG(str_sub(at, 11, 12)), STR_ARG(json_str(e, "topic", STR(""))),
           STR_ARG(json_str(e, "event_type", STR(""))), STR_ARG(str_sub(payload, 0, SHOWN_MAX)));
}

/* ---- list ---------------------------------------------------------------- */

static enum err list_connected(struct ctx *c, struct work *w)
{
    const struct json *items;
    int64_t after = 0, limit = 200, any[2] = {0, INT64_MAX}, some[2] = {1, LIST_MAX};
    TRY(command_number(c, w->in, "after", any, &after));
    TRY(command_number(c, w->in, "limit", some, &limit));
    TRY(remote_enter(w->remote));
    struct str path = filter(c, w->in, "/api/v1/events");
    path = str_fmt(c->arena, "%.*s&after_seq=%lld", STR_ARG(path), (long long)after);
    TRY(remote_list(w->remote, path, (size_t)limit, &items));
    if (w->in->json) {
        terminal_json(c, json_object(c->arena, {"items", items}));
        return E_OK;
    }
    for (size_t i = 0; i < json_count(items); i++) {
        print_event(c, json_at(items, i));
    }
    return E_OK;
}

static enum err list(struct ctx *c, struct invocation *in)
{
    struct work w = {.c = c, .in = in};
    TRY(remote_open(c, in, &w.remote));
    enum err e = list_connected(c, &w);
    remote_close(&w.remote);
    return e;
}

/* ---- tail ---------------------------------------------------------------- */

static enum err on_event(struct str type, struct str id, struct str data, void *arg)
{
    struct work *w = arg;
    const struct json *e;
    struct json_fault fault;
    (void)id;
    if (!str_eqz(type, "event")) {
        return E_OK;
    }
    if (w->in->json) {
        printf("%.*s\n", STR_ARG(data));
        return fflush(stdout) == 0 ? E_OK : E_GONE;
    }
    struct ctx *own = remote_thread_ctx(w->remote);
    if (json_parse(own->arena, data, &e, &fault) == E_OK) {
        w->after = json_int(e, "seq", w->after);
        print_event(own, e);
    }
    ctx_free(&own);
    return fflush(stdout) == 0 ? E_OK : E_GONE;
}

static enum err tail_connected(struct ctx *c, struct work *w)
{
    int64_t any[2] = {0, INT64_MAX};
    w->after = -1;
    TRY(command_number(c, w->in, "after", any, &w->after));
    TRY(remote_enter(w->remote));
    if (remote_is_here(w->remote)) {
        return ctx_fail(c, E_UNAVAILABLE,
                        "nothing happens while no server runs; start `rapport serve`, or see "
                        "`rapport events list`");
    }
    struct remote_stream stream = {.path = filter(c, w->in, "/api/v1/events/tail"),
                                   .after = w->after,
                                   .on_event = on_event,
                                   .arg = w};
    return remote_stream(c, w->remote, &stream);
}

static enum err tail(struct ctx *c, struct invocation *in)
{
    struct work w = {.c = c, .in = in};
    TRY(remote_open(c, in, &w.remote));
    enum err e = tail_connected(c, &w);
    remote_close(&w.remote);
    return e;
}

static const struct option list_options[] = {
    {"topic", 't', "NAME", "only this topic, such as conversation_events"},
    {"type", 0, "NAME", "only events of this type"},
    {"key", 0, "KEY", "only of this conversation, account ..."},
    {"after", 0, "SEQ", "only later ones"},
    {"limit", 'n', "N", "at most so many (200)"},
    {0},
};
static const struct option tail_options[] = {
    {"topic", 't', "NAME", "only this topic, such as conversation_events"},
    {"type", 0, "NAME", "only events of this type"},
    {"key", 0, "KEY", "only of this conversation, account ..."},
    {"after", 0, "SEQ", "from there on, instead of from now"},
    {0},
};

extern const struct command event_commands[];
const struct command event_commands[] = {
    {"events tail", "", "Events as they happen, until Ctrl-C.", COMMAND_REMOTE, tail_options, 0, 0,
     tail},
    {"events list", "", "Events of the log, oldest first.", COMMAND_REMOTE, list_options, 0, 0,
     list},
    {0},
};
