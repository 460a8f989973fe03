/* How commands reach an installation: one way to call its HTTP API, whether a server answers
 * (the one that left run.json in the data folder, or --url), or none runs and the data folder is
 * opened in this process. Signs in by itself. One thread at a time. */
#ifndef MAIN_REMOTE_H
#define MAIN_REMOTE_H

#include <stdbool.h>

#include "codec/json.h"
#include "main/command.h"

struct remote;

/* E_NOT_FOUND: no data there; E_UNAVAILABLE; what lifecycle_open gives. The ctx must outlive it. */
enum err remote_open(struct ctx *c, struct invocation *in, struct remote **out);
void remote_close(struct remote **r);
/* No server: this process has opened the data. */
bool remote_is_here(const struct remote *r);
struct str remote_url(const struct remote *r);

/* Signs in to the org of --org or RAPPORT_ORG; without it to the only client org there is.
 * E_INVALID (usage) when there are several. An API key brings its own org. */
enum err remote_enter(struct remote *r);
/* The same for a command that only asks: on a demo installation it is the org of the start page,
 * unless told otherwise, and standard error says which. */
enum err remote_enter_shown(struct remote *r);
/* Signs in to the org that runs the installation. */
enum err remote_enter_operator(struct remote *r);
enum err remote_enter_slug(struct remote *r, struct str slug);

struct remote_call {
    const char *method;
    struct str path;         /* "/api/v1/agents?limit=5" */
    const struct json *body; /* or NULL */
    struct str bytes;        /* instead of `body`, with its type */
    struct str type;
    struct str if_match; /* empty: none */
};
/* *out_answer: the JSON answer, NULL when there is none. Waits and tries again when told to slow
 * down (429). A problem document becomes the fault in c: its code, text, field and place. */
enum err remote_send(struct remote *r, const struct remote_call *call,
                     const struct json **out_answer);
enum err remote_get(struct remote *r, struct str path, const struct json **out_answer);
enum err remote_post(struct remote *r, struct str path, const struct json *body,
                     const struct json **out_answer);
/* All items of a list, page by page, at most `max`. */
enum err remote_list(struct remote *r, struct str path, size_t max, const struct json **out_items);

/* Reads server-sent events until on_event gives something else than E_OK (E_GONE ends it as E_OK),
 * or the server ends the stream (E_UNAVAILABLE). Only with a server. Safe on a thread of its own
 * with a ctx of its own, made by remote_thread_ctx. */
struct remote_stream {
    struct str path;
    int64_t after; /* Last-Event-ID; -1: none */
    enum err (*on_event)(struct str type, struct str id, struct str data, void *arg);
    void *arg;
};
enum err remote_stream(struct ctx *c, const struct remote *r, const struct remote_stream *stream);
struct ctx *remote_thread_ctx(const struct remote *r);

/* Here only: takes the conversation's turn on this thread, telling pieces of the answer. */
struct remote_turn {
    struct str org_slug;
    struct id conversation;
    void (*on_text)(struct str piece, void *arg);
    void *arg;
};
enum err remote_turn(struct remote *r, const struct remote_turn *turn);

#endif
