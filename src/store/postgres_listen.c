#include "store/postgres_listen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define WAKE_CHANNEL "rapport_wake"

enum { RECONNECT_EVERY_MS = 1000, LOOK_AT_ALL_EVERY_MS = 30000 };

struct listener {
    const char *url;
    const char *process;
    pthread_mutex_t lock;
    struct wire *conn;
    int64_t try_ms, look_at_all_ms;
};

struct listener *listener_new(const char *url, const char *process)
{
    struct listener *l = mem_new(sizeof(*l));
    *l = (struct listener){.url = url,
                           .process = process,
                           .try_ms = -RECONNECT_EVERY_MS,
                           .look_at_all_ms = clock_steady_ms()};
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void hang_up(struct listener *l)
{
    if (l->conn) {
        postgres_disconnect(l->conn);
        l->conn = NULL;
    }
}

void listener_free(struct listener **l)
{
    if (*l) {
        hang_up(*l);
        pthread_mutex_destroy(&(*l)->lock);
        free(*l);
        *l = NULL;
    }
}

static void is_yes(void *arg, struct str cell)
{
    *(bool *)arg = str_eqz(cell, "t");
}

/* The two halves of the name as the lock's two numbers; write turns are locks of one number. False
 * as long as the server has not noticed that an earlier connection of ours is gone. */
static bool take_name(struct wire *conn, const char *process)
{
    bool taken = false;
    return postgres_ask(conn,
                        "SELECT pg_try_advisory_lock(('x' || substr($1, 1, 8))::bit(32)::int,"
                        " ('x' || substr($1, 9, 8))::bit(32)::int)",
                        process, is_yes, &taken) &&
           taken;
}

static enum err connect(struct ctx *c, struct listener *l)
{
    struct wire *conn = NULL;
    TRY(postgres_connect(c, l->url, &conn));
    enum err e = postgres_become_app(c, conn);
    if (e == E_OK && !take_name(conn, l->process)) {
        e = ctx_fail(c, E_UNAVAILABLE,
                     "PostgreSQL gives no advisory lock for a session; a pooler"
                     " between must keep sessions apart");
    }
    if (e == E_OK) {
        e = postgres_exec(c, conn, "LISTEN " WAKE_CHANNEL);
    }
    if (e != E_OK) {
        postgres_disconnect(conn);
        return e;
    }
    l->conn = conn;
    return E_OK;
}

enum err listener_open(struct ctx *c, struct listener *l)
{
    pthread_mutex_lock(&l->lock);
    l->try_ms = clock_steady_ms();
    enum err e = connect(c, l);
    pthread_mutex_unlock(&l->lock);
    return e;
}

/* Locked. */
static bool listening(struct listener *l)
{
    if (l->conn && postgres_is_listening(l->conn)) {
        return true;
    }
    if (clock_steady_ms() - l->try_ms < RECONNECT_EVERY_MS) {
        return false;
    }
    hang_up(l);
    l->try_ms = clock_steady_ms();
    struct facilities none = {0};
    struct ctx *c = ctx_new(&none, 1 << 20);
    enum err e = connect(c, l);
    ctx_free(&c);
    return e == E_OK;
}

void listener_signal(struct listener *l, const struct id *org)
{
    char text[64];
    snprintf(text, sizeof(text), "%s %s", l->process, org->text);
    pthread_mutex_lock(&l->lock);
    if (listening(l)) {
        postgres_ask(l->conn, "SELECT pg_notify('" WAKE_CHANNEL "', $1)", text, NULL, NULL);
    }
    pthread_mutex_unlock(&l->lock);
}

struct heard {
    const char *process; /* our own notifications begin with it */
    struct id *orgs;
    int count, size;
};

static void hear(void *arg, struct str id_text)
{
    struct heard *h = arg;
    struct id org;
    if (!id_parse(id_text, &org)) {
        return;
    }
    if (h->count == h->size) {
        h->size = h->size ? h->size * 2 : 16;
        h->orgs = mem_grow(h->orgs, (size_t)h->size * sizeof(*h->orgs));
    }
    h->orgs[h->count++] = org;
}

static void hear_notice(void *arg, struct str text)
{
    struct heard *h = arg;
    size_t name_bytes = strlen(h->process) + 1;
    if (!str_starts(text, str_of(h->process)) && text.n > name_bytes) {
        hear(h, str_sub(text, name_bytes, text.n));
    }
}

/* A notification can be lost with a connection: now and then every org is news. */
static void hear_all(struct listener *l, struct heard *h)
{
    struct id system = id_system();
    l->look_at_all_ms = clock_steady_ms();
    postgres_ask(l->conn, "SELECT set_config('rapport.org', $1, false)", system.text, NULL, NULL);
    postgres_ask(l->conn, "SELECT id FROM store_org", NULL, hear, h);
    hear(h, id_str(&system));
}

void listener_news(struct listener *l, void (*fn)(void *arg, const struct id *org), void *arg)
{
    struct heard h = {.process = l->process};
    pthread_mutex_lock(&l->lock);
    if (listening(l)) {
        postgres_notices(l->conn, hear_notice, &h);
        if (clock_steady_ms() - l->look_at_all_ms >= LOOK_AT_ALL_EVERY_MS) {
            hear_all(l, &h);
        }
    }
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < h.count; i++) {
        fn(arg, &h.orgs[i]);
    }
    free(h.orgs);
}

bool listener_processes(struct listener *l, void (*fn)(void *arg, struct str process), void *arg)
{
    pthread_mutex_lock(&l->lock);
    bool known = listening(l) &&
                 postgres_ask(l->conn,
                              "SELECT lpad(to_hex(classid::bigint), 8, '0') ||"
                              " lpad(to_hex(objid::bigint), 8, '0') FROM pg_locks"
                              " WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
                              " AND database ="
                              " (SELECT oid FROM pg_database WHERE datname = current_database())",
                              NULL, fn, arg);
    pthread_mutex_unlock(&l->lock);
    return known;
}
