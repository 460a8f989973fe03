/* What a service is: one folder with one descriptor of const tables. The host reads the tables to
 * route, check access, decode, deliver events, run jobs, migrate, and to write the reference pages.
 * A service owns no thread, no socket and no global. */
#ifndef HOST_SERVICE_H
#define HOST_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"
#include "bus/job.h"
#include "bus/subscription.h"
#include "codec/field.h"
#include "codec/json.h"
#include "host/access.h"
#include "io/server.h"
#include "store/store.h"

struct live;
struct made_kind;
struct memo;
struct otlp;
struct settings;
struct share;

enum { ROUTE_PARAMS_MAX = 4, CALL_BODY_VALUES_MAX = 256 << 10 }; /* values of a JSON body */

enum {
    ROUTE_CREATES = 1,       /* honours Idempotency-Key; answers 201 by default */
    ROUTE_RAW = 2,           /* the body is not JSON; the handler reads in->body */
    ROUTE_OPTIONAL_BODY = 4, /* an empty body is {} */
    ROUTE_NO_STORE = 8,      /* needs no org */
    ROUTE_HTML = 16,         /* serves pages: left out of the API description */
    ROUTE_SLOW = 32,         /* busy for long: runs on LANE_SLOW, where it keeps nobody waiting */
    /* Honours Idempotency-Key though it makes nothing, and is handled in one transaction of the
     * org's store, key or not: what it changes, tells and audits is there together or not at all.
     * For handlers that are quick and call nobody outside. */
    ROUTE_ONCE = 64,
    /* Honours Idempotency-Key: the handler calls call_once itself, with what needs no write turn as
     * its `prepare`. */
    ROUTE_PREPARES = 256,
    ROUTE_SIGNED = 512, /* public, but the handler proves who sends: it counts those it refuses
                         * (call_refuse), and the door does not count the address */
    ROUTE_STEADY = 128, /* GET whose answer follows from the address and the org's store alone:
                              * kept until the store changes */
};

/* One request on its way through the door. Lives in the task's arena. */
struct call {
    const struct request_in *in;
    struct response_out *out;
    const struct route *route;
    struct str params[ROUTE_PARAMS_MAX]; /* the {names} of the path, in order, percent-decoded */
    const struct json *body;             /* parsed; NULL without a body */
    const void *input;                   /* decoded through route->body, or NULL */
    struct store *store;                 /* the org's, unless ROUTE_NO_STORE */
    struct buf text;                     /* what `json` writes into */
    struct json_out json;
    int status;              /* 0: 200, or 201 for ROUTE_CREATES */
    bool waits;              /* by call_park: there is no answer yet */
    struct batch_work *work; /* by call_batch */
};

struct route {
    const char *method;
    const char *path;  /* "/api/v1/agents/{id}" */
    uint32_t roles;    /* ROLE_ bits; never 0 */
    const char *scope; /* what an API key must carry: "agents:read"; "" for public routes */
    enum err (*handler)(struct ctx *c, struct call *call);
    const char *summary;            /* one line for the API description */
    const struct field_table *body; /* of the body, or NULL */
    size_t input_bytes;             /* size of the struct it fills */
    uint32_t flags;
};

/* A parameter of a route's query, for the API description. */
struct query_key {
    const char *path; /* of a GET route; NULL ends a table */
    const char *name;
    const char *type; /* integer, string */
    const char *summary;
};

/* A declared read: how one service answers another without being included by it. */
struct ask {
    const char *name; /* "identity.member" */
    enum err (*answer)(struct ctx *c, const struct json *question, const struct json **out_answer);
    const char *summary;
};

/* A whole number among an org's settings (host/org_settings.h). */
struct config_key {
    const char *name; /* "briefs.keep_days": at most one point */
    const char *summary;
    int64_t fallback, min, max;
};

/* Rows of the system store that belong to one org, so that they can be kept and put back with it.
 * SYSTEM_ROWS("sign_in", "member_org", "email, member_org", "?1, ?2"): columns are text or integer.
 */
struct system_rows {
    const char *table, *columns, *select, *remove, *insert;
};
/* Those that pass soon: not kept, but removed with the org. */
#define SYSTEM_ROWS_PASSING(table_, org_column)                                                    \
    {                                                                                              \
        .table = (table_), .remove = "DELETE FROM " table_ " WHERE " org_column " = ?1"            \
    }
#define SYSTEM_ROWS(table_, org_column, columns_, values)                                          \
    {                                                                                              \
        .table = (table_), .columns = (columns_),                                                  \
        .select = "SELECT " columns_ " FROM " table_ " WHERE " org_column " = ?1",                 \
        .remove = "DELETE FROM " table_ " WHERE " org_column " = ?1",                              \
        .insert = "INSERT INTO " table_ " (" columns_ ") VALUES (" values ")"                      \
    }

struct service {
    const char *name;
    const char *purpose;
    const struct route *routes;           /* ends with method NULL */
    const struct query_key *queries;      /* ends with path NULL; may be NULL */
    const struct ask *asks;               /* ends with name NULL; may be NULL */
    const struct consumer *consumers;     /* ends with service NULL; may be NULL */
    const struct job_kind *jobs;          /* ends with kind NULL; may be NULL */
    const struct job_schedule *schedules; /* ends with kind NULL; may be NULL */
    const struct migration *migrations;   /* ends with owner NULL; may be NULL */
    const struct system_rows *system;     /* ends with table NULL; may be NULL */
    const struct config_key *config;      /* ends with name NULL; may be NULL */
    const char *const *emits;             /* topics; ends with NULL; may be NULL */
    enum err (*ready)(struct ctx *c);     /* part of /health/ready; may be NULL */
    enum err (*on_message)(struct ctx *c, struct channel *ch, struct str text); /* its channels */
    void (*on_close)(struct ctx *c, struct channel *ch);
};

/* First member of what a service attaches to a channel it opens (channel_attach), so that frames
 * find their way back to it. */
struct channel_owner {
    const struct service *service;
    int64_t minute_began_ms; /* steady; the door's, as the next */
    int64_t frames;          /* since then */
};

/* The answer: `struct json_out *o = call_json(call); json_open_object(o); ...`. */
struct json_out *call_json(struct call *call);
/* A list page: {"items":[ ... call_list_end writes next_cursor. */
struct json_out *call_list_begin(struct call *call);
void call_list_end(struct call *call, struct str next_cursor);
/* Query values. call_limit: 1..200, default 50. E_INVALID names the parameter. */
enum err call_limit(struct ctx *c, const struct call *call, int *out_limit);
struct str call_query(struct ctx *c, const struct call *call, const char *name);
enum err call_query_int(struct ctx *c, const struct call *call, const char *name, int64_t fallback,
                        int64_t *out_value);
/* A page of things numbered by seq: after=, or before=, or neither for the newest; limit= as above.
 */
enum { CALL_NEWEST = -1 };
struct call_range {
    int64_t after;  /* CALL_NEWEST: not given */
    int64_t before; /* 0: not given */
    int limit;
};
enum err call_range(struct ctx *c, const struct call *call, struct call_range *out);
/* At most `limit` calls under the key in a window, in the org of `c`; 0: no limit. E_LIMIT says
 * when to come back. */
enum err call_count(struct ctx *c, struct str key, int64_t limit, int64_t window_ms);
/* The same for one that may be taken back since it came to nothing, and that was our fault: of the
 * window it was counted in, while that lasts. c->fault stays. */
enum err call_count_until(struct ctx *c, struct str key, int64_t limit, int64_t window_ms,
                          int64_t *out_until_ms); /* 0: nothing was counted */
void call_uncount(struct ctx *c, struct str key, int64_t window_ms, int64_t until_ms);
/* For ROUTE_SIGNED: hands `e` on, or E_LIMIT when too many of this address were refused. */
enum err call_refuse(struct ctx *c, const struct call *call, enum err e);
/* Idempotency-Key: the handler runs in a transaction of the store that keeps its answer, headers
 * included; the same request under the same key of the same actor gets that answer again. The door
 * does it for routes that create and have a store; public handlers do it when they know whose the
 * request is. Without the header it is a plain call. `prepare` comes first, in no transaction, and
 * not at all when the answer is kept: it may take its time and ask others. E_CONFLICT: the key was
 * used for another request; E_INVALID: no key, or a guessable one. */
struct once {
    struct store *store;
    struct str actor; /* keys of different actors do not meet */
    enum err (*prepare)(struct ctx *c, struct call *call, void *arg); /* NULL: nothing */
    enum err (*handler)(struct ctx *c, struct call *call, void *arg);
    void *arg;
};
enum err call_once(struct ctx *c, struct call *call, const struct once *once);
/* The nth {name} as an id; E_NOT_FOUND when it is none, as if it were another org's. */
enum err call_id(struct ctx *c, const struct call *call, int index, struct id *out_id);
void call_etag(struct call *call, struct str tag);
/* The answer comes later, and no thread waits for it: the handler returns at once (E_OK) and is
 * called again with in->woken set (io/server.h, server_park). NULL: answer now. */
struct parked *call_park(struct ctx *c, struct call *call, const struct server_wait *wait);
/* A write that comes with many requests at once, to be done for all of them in one transaction of
 * the org's store: the handler returns at once (E_OK), and no thread waits for the disk. `write`
 * runs in that transaction, maybe twice and on another thread; what it says is undone and done
 * again alone when another's fails, so it should only fail where the store does. After the commit,
 * or a failure, `done` writes the answer. False: there is nobody to wait for; do it now. */
struct batch_job {
    enum err (*write)(struct ctx *c, struct store *s, void *arg);
    enum err (*done)(struct ctx *c, struct call *call, enum err e, void *arg);
    void *arg; /* in c's arena */
};
bool call_batch(struct ctx *c, struct call *call, const struct batch_job *job);
/* If-Match: E_CONFLICT (as 412 is to 409 here) when given and different from `tag`. */
enum err call_if_match(struct ctx *c, const struct call *call, struct str tag);

/* The conversations' viewers in this process, the trace exporter (NULL: none), and the
 * installation's settings. */
struct live *host_live(const struct ctx *c);
struct otlp *host_otlp(const struct ctx *c);
const struct settings *host_settings(const struct ctx *c);
/* What services worked out of rows that change seldom (host/memo.h); their keys begin with their
 * name. It holds while *out_stamp is the same, as far as this process goes: host_forget changes it
 * when the transaction of `s` that is open has committed, or at once; so do the vault, and whoever
 * changes an org. */
struct memo *host_memo(const struct ctx *c, int64_t *out_stamp);
void host_forget(struct ctx *c, struct store *s);
/* What the kind makes, once for the process (host/made.h). */
const void *host_made(const struct ctx *c, const struct made_kind *kind);
/* What an org may have under way on LANE_SLOW after its request was answered (host/share.h), its
 * guests apart from its members: give back with the ctx's roles of taking. */
struct share *host_streams(const struct ctx *c);
bool host_test_clock(const struct ctx *c);
/* The descriptors in use, ended by NULL. */
const struct service *const *host_services(const struct ctx *c);

/* Asks across services; E_NOT_FOUND when nobody answers to the name. */
enum err host_ask(struct ctx *c, const char *name, const struct json *question,
                  const struct json **out_answer);

/* Audit: one hash-chained entry in the org's store, in the open transaction or its own. `detail`
 * may be NULL and holds no secrets. */
enum err audit_add(struct ctx *c, struct store *s, const char *action, struct str resource,
                   const struct json *detail);
/* Walks the chain: how many entries, and the first that was tampered with (0: none). */
enum err audit_verify(struct ctx *c, struct store *s, int64_t *out_checked, int64_t *out_broken);

#endif
