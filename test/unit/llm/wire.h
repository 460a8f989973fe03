/* A web client that answers from a script, in place of the real one: what a provider sends is kept,
 * what it gets is cut into pieces of any size. */
#ifndef UNIT_LLM_WIRE_H
#define UNIT_LLM_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "io/client.h"
#include "llm/provider.h"

struct wire {
    /* script */
    int status;         /* 0: 200 */
    const char *header; /* "name: value" of the response; NULL: none */
    struct str body;
    size_t piece_bytes; /* 0: at once */
    enum err ends;      /* what client_send returns after the body */
    /* what came */
    char url[256];
    char sent_headers[1024]; /* "name: value\n" each */
    char *sent;              /* body, terminated */
    int64_t idle_timeout_ms;
    bool allow_private;
    bool stopped; /* on_piece refused to go on */
};

static struct wire wire;

static inline enum err wire_deliver(struct ctx *c, const struct request_out *r)
{
    size_t step = wire.piece_bytes ? wire.piece_bytes : wire.body.n;
    for (size_t i = 0; i < wire.body.n; i += step) {
        enum err e = r->on_piece(c, str_sub(wire.body, i, step), r->on_piece_arg);
        if (e != E_OK) {
            wire.stopped = true;
            return e;
        }
    }
    return wire.ends == E_OK ? E_OK : ctx_fail(c, wire.ends, "the connection ended");
}

enum err client_send(struct ctx *c, const struct request_out *r, struct response_in *out)
{
    snprintf(wire.url, sizeof(wire.url), "%.*s", STR_ARG(r->url));
    wire.sent_headers[0] = 0;
    for (int i = 0; i < r->header_count; i++) {
        size_t n = strlen(wire.sent_headers);
        snprintf(wire.sent_headers + n, sizeof(wire.sent_headers) - n, "%.*s: %.*s\n",
                 STR_ARG(r->headers[i].name), STR_ARG(r->headers[i].value));
    }
    wire.sent = str_dupz(c->arena, r->body);
    wire.idle_timeout_ms = r->idle_timeout_ms;
    wire.allow_private = r->allow_private;
    bool fine = wire.status == 0 || (wire.status >= 200 && wire.status <= 299);
    *out = (struct response_in){.status = wire.status ? wire.status : 200};
    if (fine) {
        return wire_deliver(c, r);
    }
    out->body = wire.body;
    return wire.ends;
}

struct str client_header(const struct response_in *r, const char *name)
{
    (void)r;
    const char *colon = wire.header ? strchr(wire.header, ':') : NULL;
    if (!colon ||
        !str_eq_nocase(str_make(wire.header, (size_t)(colon - wire.header)), str_of(name))) {
        return STR("");
    }
    return str_trim(str_of(colon + 1));
}

/* ---- the task ----------------------------------------------------------------------------- */

static struct facilities wire_at;

static inline int wire_setup(void **state)
{
    wire_at.clock = clock_new();
    *state = ctx_new(&wire_at, 256 << 20);
    wire = (struct wire){0};
    return 0;
}

static inline int wire_teardown(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    clock_free(&wire_at.clock);
    return 0;
}

static struct buf wire_heard;

static inline enum err wire_on_text(struct ctx *c, struct str piece, void *arg)
{
    (void)arg;
    buf_add_str(&wire_heard, piece);
    return c->fault.err == E_OK ? E_OK : E_INTERNAL;
}

static inline enum err wire_ask(struct ctx *c, const struct provider *p,
                                const struct provider_account *account,
                                const struct chat_request *request, struct provider_answer *out)
{
    struct provider_call call = {.request = request,
                                 .account = account,
                                 .model = STR("model-1"),
                                 .timeout_ms = 1000,
                                 .idle_timeout_ms = 500};
    *out = (struct provider_answer){0};
    ctx_forgive(c);
    return p->send(c, &call, NULL, out);
}

/* "text|stop|in/cached/out|name(id){arguments}" and what is wrong with a call. */
static inline struct str wire_drawn(struct ctx *c, const struct provider_answer *a)
{
    static const char *const faults[] = {"", "!unknown", "!nojson", "!bad", "!cut"};
    struct str s = str_fmt(c->arena, "%.*s|%s|%d/%d/%d", STR_ARG(str_sub(a->text, 0, 60)),
                           chat_stop_name(a->stop), (int)a->usage.tokens_in,
                           (int)a->usage.tokens_in_cached, (int)a->usage.tokens_out);
    for (int i = 0; i < a->call_count; i++) {
        s = str_fmt(c->arena, "%.*s|%.*s(%.*s)%.*s%s", STR_ARG(s), STR_ARG(a->calls[i].name),
                    STR_ARG(str_sub(a->calls[i].id, 0, 8)),
                    STR_ARG(json_write(c->arena, a->calls[i].arguments)),
                    faults[a->calls[i].fault]);
    }
    return s;
}

static inline const struct json *wire_json(struct ctx *c, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    if (json_parse(c->arena, str_of(text), &v, &fault) != E_OK) {
        fail_msg("%s: %s", fault.text, text);
    }
    return v;
}

/* The same stream in pieces of every size must give the same answer. */
static inline void wire_check_cuts(struct ctx *c, const struct provider *p,
                                   const struct provider_account *account, const char *drawn)
{
    struct chat_message m = {.role = CHAT_USER, .text = STR("hi")};
    struct chat_stream stream = {.on_text = wire_on_text};
    struct chat_request r = {
        .messages = &m, .message_count = 1, .temperature = -1, .stream = &stream};
    for (size_t n = 1; n < wire.body.n && n < 200; n++) {
        struct provider_answer a;
        wire_heard = buf_make(1 << 20);
        wire.piece_bytes = n;
        enum err e = wire_ask(c, p, account, &r, &a);
        if (e != E_OK || !str_eqz(wire_drawn(c, &a), drawn) ||
            !str_eq(buf_str(&wire_heard), a.text) || a.handed_out != (a.text.n > 0)) {
            fail_msg("pieces of %zu: %s %.*s", n, c->fault.text, STR_ARG(wire_drawn(c, &a)));
        }
        buf_free(&wire_heard);
    }
}

/* A message of the user's. */
#define WIRE_SAY(z)                                                                                \
    {                                                                                              \
        .role = CHAT_USER, .text = { z, sizeof(z) - 1 }                                            \
    }

struct wire_stream {
    const char *why;
    const char *body;
    const char *drawn; /* NULL: fails */
    enum err err;
};

/* Each is read for what it says, whole and in pieces of every size. */
static inline void wire_check_streams(struct ctx *c, const struct provider *p,
                                      const struct provider_account *account,
                                      const struct wire_stream *streams, size_t n)
{
    struct chat_message m = WIRE_SAY("hi");
    struct chat_request r = {.messages = &m, .message_count = 1, .temperature = -1};
    for (size_t i = 0; i < n; i++) {
        struct provider_answer a;
        wire = (struct wire){.body = str_of(streams[i].body)};
        enum err e = wire_ask(c, p, account, &r, &a);
        if (e != streams[i].err ||
            (streams[i].drawn && !str_eqz(wire_drawn(c, &a), streams[i].drawn))) {
            fail_msg("%s: %s %s %.*s", streams[i].why, err_name(e), c->fault.text,
                     STR_ARG(wire_drawn(c, &a)));
        }
        if (streams[i].drawn) {
            wire_check_cuts(c, p, account, streams[i].drawn);
        }
    }
}

#endif
