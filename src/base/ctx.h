/* What a task carries: its memory, deadline, clock, org, caller and the facilities of the rows
 * above, each behind an incomplete type that only its own row can open. Task code takes a ctx as
 * its first argument; pure code takes none. One thread at a time. */
#ifndef BASE_CTX_H
#define BASE_CTX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

struct log;
struct mishap;   /* base/mishap.h */
struct stores;   /* store/store.h */
struct blobs;    /* store/blob.h */
struct cache;    /* store/cache.h */
struct bus;      /* bus/topic.h */
struct client;   /* io/client.h */
struct workers;  /* io/workers.h */
struct models;   /* llm/models.h */
struct search;   /* find/search.h */
struct mcp;      /* link/mcp.h */
struct metrics;  /* base/metric.h */
struct host;     /* host/service.h */
struct exchange; /* io/exchange.h */

/* The process's facilities, made once at start-up and never changed after. */
struct facilities {
    struct clock *clock;
    struct log *log;
    struct metrics *metrics;
    struct stores *stores;
    struct blobs *blobs;
    struct cache *cache;
    struct vault *vault;
    struct bus *bus;
    struct client *client;
    struct workers *workers;
    struct models *models;
    struct search *search;
    struct mcp *mcp;
    struct agents *agents;
    struct turns *turns;
    struct host *host;
    const struct mishap *mishap; /* tests only: which outside calls fail; else NULL */
    bool alone; /* no other process works on this data: leases of others are of the dead */
};

enum { CTX_REQUEST_ID_BYTES = 32, CTX_FAULT_BYTES = 512 };

/* Why the last call failed: for the log and for the problem document. */
struct fault {
    enum err err;
    char text[CTX_FAULT_BYTES]; /* for the user: specific, names the field; no secrets */
    char field[96];             /* JSON path of the field at fault, or empty */
    int line, column;           /* in a document the user wrote; 0 when not */
    const char *file;           /* origin in our code */
    int code_line;
    int retry_after_ms; /* E_LIMIT, E_UNAVAILABLE: when to come back; 0 unknown */
    bool of_store;      /* E_UNAVAILABLE: it is the store that cannot be reached */
    bool meant;         /* E_UNAVAILABLE: somebody set it up so; nothing is broken */
};

/* Who acts. A member, a contact in a chat session, an API key, or the program itself. */
enum actor_kind { ACTOR_NONE, ACTOR_SYSTEM, ACTOR_MEMBER, ACTOR_KEY, ACTOR_CONTACT };

struct ctx {
    struct arena *arena;
    const struct facilities *at;
    struct id org; /* unset until access is checked */
    enum actor_kind actor_kind;
    struct id actor;
    uint32_t roles;                            /* host/access.h bits */
    char request_id[CTX_REQUEST_ID_BYTES + 1]; /* also the trace id: 32 hex digits */
    char span_id[17];
    int64_t deadline_steady_ms; /* clock_steady_ms() at which blocking calls give up; 0: none */
    const atomic_bool *cancel;  /* set by someone who no longer wants the result; may be NULL */
    const atomic_bool *stop;    /* the same of whoever runs the work this is a step of; or NULL */
    struct store *store;        /* store/store.h: the org's store this task has open */
    struct exchange *exchange;  /* the HTTP request this task answers; NULL elsewhere */
    bool *taken;                /* io/workers.h: raised when the task's ctx outlives it; or NULL */
    struct fault fault;
};

/* A task's context with its own arena of at most max_bytes and a fresh request id. */
struct ctx *ctx_new(const struct facilities *at, size_t max_bytes);
/* A context for a part of c's work: same org, caller, request id, deadline; own arena. */
struct ctx *ctx_child(const struct ctx *c, size_t max_bytes);
void ctx_free(struct ctx **c);

int64_t ctx_now_ms(const struct ctx *c);
struct log *ctx_log(const struct ctx *c);

/* The deadline becomes the earlier of what it was and timeout_ms from now. Returns what it was, to
 * put back. */
int64_t ctx_limit(struct ctx *c, int64_t timeout_ms);
/* What is left, at least 0; `most_ms` where no deadline is set or it is later. */
int64_t ctx_left_ms(const struct ctx *c, int64_t most_ms);
/* Somebody no longer wants the result. */
bool ctx_is_cancelled(const struct ctx *c);
/* Somebody could say so: who waits for long looks now and then. */
bool ctx_is_cancellable(const struct ctx *c);
/* What must still be written when time is up or the result is not wanted: another deadline,
 * timeout_ms from now, and nobody who cancels, until it is put back. */
struct ctx_limits {
    int64_t deadline_steady_ms;
    const atomic_bool *cancel, *stop;
};
struct ctx_limits ctx_grace(struct ctx *c, int64_t timeout_ms);
void ctx_grace_end(struct ctx *c, const struct ctx_limits *before);
/* E_CANCELLED or E_TIMEOUT when there is no point in going on; E_TOO_LARGE when the task's memory
 * is used up. */
enum err ctx_check(struct ctx *c);

/* Remembers why and where, and returns `e`: `return ctx_fail(c, E_NOT_FOUND, "no order %s", n);` */
#define ctx_fail(c, e, ...) ctx_fail_at((c), (e), __FILE__, __LINE__, __VA_ARGS__)
enum err ctx_fail_at(struct ctx *c, enum err e, const char *file, int code_line, const char *fmt,
                     ...) __attribute__((format(printf, 5, 6)));
/* The same with the field at fault, a JSON path such as "contact.email". */
#define ctx_fail_field(c, e, field, ...)                                                           \
    (ctx_fail_at((c), (e), __FILE__, __LINE__, __VA_ARGS__), ctx_name_field((c), (field)))
enum err ctx_name_field(struct ctx *c, const char *field);
/* The same with a place in a document the user wrote (1-based). */
#define ctx_fail_place(c, e, line_, column_, ...)                                                  \
    (ctx_fail_at((c), (e), __FILE__, __LINE__, __VA_ARGS__),                                       \
     ctx_name_place((c), (line_), (column_)))
enum err ctx_name_place(struct ctx *c, int line, int column);
/* Forgets the last failure, where it was expected and handled. */
void ctx_forgive(struct ctx *c);

#endif
