#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ctx *ctx_blank(const struct facilities *at, size_t max_bytes)
{
    struct arena *a = arena_new(max_bytes);
    struct ctx *c = ARENA_NEW(a, struct ctx);
    c->arena = a;
    c->at = at;
    return c;
}

struct ctx *ctx_new(const struct facilities *at, size_t max_bytes)
{
    struct ctx *c = ctx_blank(at, max_bytes);
    id_random_hex(c->request_id, CTX_REQUEST_ID_BYTES / 2);
    id_random_hex(c->span_id, 8);
    return c;
}

struct ctx *ctx_child(const struct ctx *c, size_t max_bytes)
{
    struct ctx *child = ctx_blank(c->at, max_bytes);
    child->org = c->org;
    child->actor_kind = c->actor_kind;
    child->actor = c->actor;
    child->roles = c->roles;
    memcpy(child->request_id, c->request_id, sizeof(child->request_id));
    memcpy(child->span_id, c->span_id, sizeof(child->span_id));
    child->deadline_steady_ms = c->deadline_steady_ms;
    child->cancel = c->cancel;
    child->stop = c->stop;
    return child;
}

void ctx_free(struct ctx **c)
{
    if (*c) {
        struct arena *a = (*c)->arena;
        *c = NULL;
        arena_free(&a); /* the ctx lies in it */
    }
}

int64_t ctx_now_ms(const struct ctx *c)
{
    return clock_now_ms(c->at->clock);
}

struct log *ctx_log(const struct ctx *c)
{
    return c ? c->at->log : NULL;
}

int64_t ctx_limit(struct ctx *c, int64_t timeout_ms)
{
    int64_t before = c->deadline_steady_ms;
    int64_t limit = clock_steady_ms() + timeout_ms;
    if (before == 0 || limit < before) {
        c->deadline_steady_ms = limit;
    }
    return before;
}

int64_t ctx_left_ms(const struct ctx *c, int64_t most_ms)
{
    if (c->deadline_steady_ms == 0) {
        return most_ms;
    }
    int64_t left = c->deadline_steady_ms - clock_steady_ms();
    left = left < 0 ? 0 : left;
    return left < most_ms ? left : most_ms;
}

bool ctx_is_cancelled(const struct ctx *c)
{
    return (c->cancel && atomic_load(c->cancel)) || (c->stop && atomic_load(c->stop));
}

bool ctx_is_cancellable(const struct ctx *c)
{
    return c->cancel || c->stop;
}

struct ctx_limits ctx_grace(struct ctx *c, int64_t timeout_ms)
{
    struct ctx_limits before = {c->deadline_steady_ms, c->cancel, c->stop};
    c->deadline_steady_ms = clock_steady_ms() + timeout_ms;
    c->cancel = c->stop = NULL;
    return before;
}

void ctx_grace_end(struct ctx *c, const struct ctx_limits *before)
{
    c->deadline_steady_ms = before->deadline_steady_ms;
    c->cancel = before->cancel;
    c->stop = before->stop;
}

enum err ctx_check(struct ctx *c)
{
    if (ctx_is_cancelled(c)) {
        return ctx_fail(c, E_CANCELLED, "cancelled");
    }
    if (c->deadline_steady_ms && clock_steady_ms() >= c->deadline_steady_ms) {
        return ctx_fail(c, E_TIMEOUT, "the time for this request is used up");
    }
    if (arena_is_full(c->arena)) {
        return ctx_fail(c, E_TOO_LARGE, "this needs more memory than one piece of work may take");
    }
    return E_OK;
}

/* A text that was cut may end inside a character; stores refuse such text. */
static void drop_last_character(char *text, size_t n)
{
    while (n > 0 && ((unsigned char)text[n - 1] & 0xC0) == 0x80) {
        n--;
    }
    text[n > 0 ? n - 1 : 0] = 0;
}

enum err ctx_fail_at(struct ctx *c, enum err e, const char *file, int code_line, const char *fmt,
                     ...)
{
    struct fault *f = &c->fault;
    *f = (struct fault){.err = e, .file = file, .code_line = code_line};
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(f->text, sizeof(f->text), fmt, args);
    va_end(args);
    if (n >= (int)sizeof(f->text)) {
        drop_last_character(f->text, sizeof(f->text) - 1);
    }
    return e;
}

enum err ctx_name_field(struct ctx *c, const char *field)
{
    snprintf(c->fault.field, sizeof(c->fault.field), "%s", field);
    return c->fault.err;
}

enum err ctx_name_place(struct ctx *c, int line, int column)
{
    c->fault.line = line;
    c->fault.column = column;
    return c->fault.err;
}

void ctx_forgive(struct ctx *c)
{
    c->fault = (struct fault){.err = E_OK};
}
