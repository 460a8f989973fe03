#include "link/mcp_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum {
    FRESH_MS = 60 * 1000, /* a list is believed that long when the server says nothing */
    FRESH_MAX_MS = 10 * 60 * 1000,
    FRESH_MIN_MS = 1000,
    BACKOFF_FIRST_MS = 250,
    BACKOFF_MAX_MS = 60 * 1000,
    FAILURES_MAX = 16,
    STEADY_MS = 10 * 1000, /* a program that lived that long did not fail at starting */
    LISTING_ARENA_BYTES = 64 << 20,
    LIST_SLACK_BYTES = 2 << 20,   /* what blocks of an arena leave over */
    LIST_RESERVE_BYTES = 8 << 20, /* what a task keeps for what it does with lists */
    WAIT_MS = 60 * 1000
};

struct mcp_conn *mcp_conn_new(void)
{
    struct mcp_conn *k = mem_new(sizeof(*k));
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&k->opened, &steady);
    pthread_condattr_destroy(&steady);
    return k;
}

void mcp_conn_free(struct ctx *c, struct mcp_conn *k)
{
    struct mcp_place nowhere = {0};
    mcp_link_release(c, &nowhere, &k->link);
    if (k->listed) {
        arena_free(&k->listed);
    }
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->opened);
    free(k);
}

static int64_t pause_ms(int failures)
{
    if (failures <= 1) {
        return 0;
    }
    int64_t ms = (int64_t)BACKOFF_FIRST_MS << (failures < FAILURES_MAX ? failures : FAILURES_MAX);
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* Under lock. */
static void note_failure(struct mcp_conn *k, const char *why)
{
    k->failures += k->failures < FAILURES_MAX;
    k->retry_at_ms = clock_steady_ms() + pause_ms(k->failures);
    snprintf(k->error, sizeof(k->error), "%.*s", MCP_CONN_ERROR_MAX_BYTES, why);
}

void mcp_conn_drop(struct ctx *c, const struct mcp_reach *r, struct mcp_link *bad)
{
    struct mcp_conn *k = r->conn;
    struct mcp_link *old = NULL;
    pthread_mutex_lock(&k->lock);
    if (k->link == bad) {
        old = k->link;
        k->link = NULL;
        k->fresh_until_ms = 0;
        if (mcp_link_age_ms(old) < STEADY_MS) {
            note_failure(k, "it broke soon after it was opened");
        }
    }
    pthread_mutex_unlock(&k->lock);
    mcp_link_release(c, &r->place, &old);
}

struct mcp_link *mcp_conn_link(struct ctx *c, const struct mcp_reach *r)
{
    struct mcp_conn *k = r->conn;
    pthread_mutex_lock(&k->lock);
    struct mcp_link *l = k->link ? mcp_link_hold(k->link) : NULL;
    pthread_mutex_unlock(&k->lock);
    if (l && !mcp_link_is_open(l)) {
        mcp_conn_drop(c, r, l);
        mcp_link_release(c, &r->place, &l);
    }
    return l;
}

static enum err open_link(struct ctx *c, const struct mcp_reach *r, bool patient,
                          struct mcp_link **out)
{
    struct mcp_conn *k = r->conn;
    pthread_mutex_lock(&k->lock);
    int64_t wait_ms = k->retry_at_ms - clock_steady_ms();
    char why[sizeof(k->error)];
    memcpy(why, k->error, sizeof(why));
    pthread_mutex_unlock(&k->lock);
    if (wait_ms > 0 && !patient) {
        return ctx_fail(c, E_UNAVAILABLE,
                        "the tool server failed (%s); it is tried again in %lld s", why,
                        (long long)(wait_ms / 1000 + 1));
    }
    struct mcp_link *fresh = NULL;
    enum err e = mcp_link_open(c, &r->place, &k->list_changed, &fresh);
    pthread_mutex_lock(&k->lock);
    if (e != E_OK) {
        note_failure(k, c->fault.text);
    } else {
        k->link = mcp_link_hold(fresh);
        k->fresh_until_ms = 0;
        k->error[0] = 0;
    }
    pthread_mutex_unlock(&k->lock);
    if (e == E_OK) {
        log_at(c, LOG_INFO, "tool server connected", LOG_Z("revision", mcp_link_revision(fresh)));
        *out = fresh;
    }
    return e;
}

static int64_t fresh_ms(int64_t ttl_ms)
{
    return ttl_ms < 0              ? FRESH_MS
           : ttl_ms < FRESH_MIN_MS ? FRESH_MIN_MS
           : ttl_ms > FRESH_MAX_MS ? FRESH_MAX_MS
                                   : ttl_ms;
}

static struct mcp_tool copy_tool(struct arena *a, const struct mcp_tool *t)
{
    struct mcp_tool copy = *t;
    copy.name = str_dup(a, t->name);
    copy.title = str_dup(a, t->title);
    copy.description = str_dup(a, t->description);
    copy.sha256 = str_dup(a, t->sha256);
    copy.input_schema = json_copy(a, t->input_schema);
    copy.output_schema = t->output_schema ? json_copy(a, t->output_schema) : NULL;
    copy.annotations = t->annotations ? json_copy(a, t->annotations) : NULL;
    return copy;
}

/* What a copy of a list takes at most. */
static size_t list_bytes(const struct mcp_tool *tools, int count)
{
    size_t n = sizeof(*tools);
    for (int i = 0; i < count; i++) {
        n += mcp_tool_copy_bytes(&tools[i]);
    }
    return n;
}

static void keep_list(struct ctx *c, struct mcp_conn *k, const struct mcp_tool *tools, int count,
                      int64_t ttl_ms)
{
    struct arena *a = arena_new(list_bytes(tools, count) + LIST_SLACK_BYTES);
    struct mcp_tool *own = ARENA_ARRAY(a, struct mcp_tool, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        own[i] = copy_tool(a, &tools[i]);
    }
    pthread_mutex_lock(&k->lock);
    struct arena *old = k->listed;
    k->listed = a;
    k->tools = own;
    k->tool_count = count;
    k->listed_ms = ctx_now_ms(c);
    k->fresh_until_ms = clock_steady_ms() + fresh_ms(ttl_ms);
    k->failures = 0;
    k->error[0] = 0;
    pthread_mutex_unlock(&k->lock);
    if (old) {
        arena_free(&old);
    }
}

static bool is_fresh(struct mcp_conn *k)
{
    pthread_mutex_lock(&k->lock);
    bool fresh = k->link && clock_steady_ms() < k->fresh_until_ms;
    pthread_mutex_unlock(&k->lock);
    return fresh && !atomic_load(&k->list_changed);
}

/* In turn: a link whose list of tools is fresh. `anew`: listed in any case, and pauses
 * between tries are not kept, because somebody waits for the outcome. */
static enum err ready_alone(struct ctx *c, const struct mcp_reach *r, bool anew,
                            struct mcp_link **out)
{
    struct mcp_link *l = mcp_conn_link(c, r);
    if (!l) {
        TRY(open_link(c, r, anew, &l));
    }
    if (!anew && is_fresh(r->conn)) {
        *out = l;
        return E_OK;
    }
    const struct mcp_tool *tools;
    int count;
    int64_t ttl_ms;
    atomic_store(&r->conn->list_changed, false); /* a change while listing is listed again */
    struct ctx *own = ctx_child(c, LISTING_ARENA_BYTES);
    enum err e = mcp_link_tools(own, l, &r->place, &tools, &count, &ttl_ms);
    if (e == E_OK) {
        keep_list(c, r->conn, tools, count, ttl_ms);
    } else {
        c->fault = own->fault;
    }
    ctx_free(&own);
    if (e != E_OK) {
        mcp_conn_drop(c, r, l);
        mcp_link_release(c, &r->place, &l);
        return e == E_GONE ? ctx_fail(c, E_UNAVAILABLE, "the server ended the session") : e;
    }
    *out = l;
    return E_OK;
}

/* One at a time connects and lists; who waits sees what came of it. */
static enum err take_turn(struct ctx *c, struct mcp_conn *k)
{
    enum err e = E_OK;
    int64_t until_ms = clock_steady_ms() + ctx_left_ms(c, WAIT_MS);
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_mutex_lock(&k->lock);
    while (k->opening && e == E_OK) {
        bool late = pthread_cond_timedwait(&k->opened, &k->lock, &until) == ETIMEDOUT;
        if (late && k->opening) { /* else the turn came with the last moment, and is taken */
            e = ctx_fail(c, E_TIMEOUT, "the tool server could not be reached in time");
        }
    }
    k->opening = k->opening || e == E_OK;
    pthread_mutex_unlock(&k->lock);
    return e;
}

static void end_turn(struct mcp_conn *k)
{
    pthread_mutex_lock(&k->lock);
    k->opening = false;
    pthread_cond_signal(&k->opened);
    pthread_mutex_unlock(&k->lock);
}

enum err mcp_conn_ready(struct ctx *c, const struct mcp_reach *r, bool anew, struct mcp_link **out)
{
    if (!anew && is_fresh(r->conn)) {
        struct mcp_link *l = mcp_conn_link(c, r);
        if (l) {
            *out = l;
            return E_OK;
        }
    }
    TRY(take_turn(c, r->conn));
    enum err e = ready_alone(c, r, anew, out);
    if (e == E_UNAVAILABLE && anew && ctx_check(c) == E_OK) {
        e = ready_alone(c, r, anew, out); /* what was open may have been stale */
    }
    end_turn(r->conn);
    return e;
}

enum err mcp_conn_list(struct ctx *c, struct mcp_conn *k, const struct mcp_tool **out,
                       int *out_count)
{
    pthread_mutex_lock(&k->lock);
    if (list_bytes(k->tools, k->tool_count) + LIST_RESERVE_BYTES > arena_left_bytes(c->arena)) {
        pthread_mutex_unlock(&k->lock);
        return ctx_fail(c, E_TOO_LARGE, "with those of other servers its tools are too many");
    }
    struct mcp_tool *all = ARENA_ARRAY(c->arena, struct mcp_tool, (size_t)k->tool_count + 1);
    for (int i = 0; i < k->tool_count; i++) {
        all[i] = copy_tool(c->arena, &k->tools[i]);
    }
    *out = all;
    *out_count = k->tool_count;
    pthread_mutex_unlock(&k->lock);
    return E_OK;
}

enum err mcp_conn_check(struct ctx *c, struct mcp_conn *k, const struct mcp_use *use,
                        const struct json **out_schema)
{
    enum err e = E_GONE;
    pthread_mutex_lock(&k->lock);
    for (int i = 0; i < k->tool_count && e == E_GONE; i++) {
        if (str_eq(k->tools[i].name, use->tool)) {
            e = str_eq(k->tools[i].sha256, use->sha256) ? E_OK : E_CONFLICT;
            *out_schema = json_copy(c->arena, k->tools[i].input_schema);
        }
    }
    pthread_mutex_unlock(&k->lock);
    if (e == E_OK) {
        return E_OK;
    }
    return ctx_fail(c, e,
                    e == E_GONE ? "the server no longer offers %.*s"
                                : "the server changed what %.*s is since it was approved; apply "
                                  "the agent's configuration anew to approve it",
                    STR_ARG(use->tool));
}
