/* Private to store/: one connection to PostgreSQL, and what travels over it in one round trip
 * (libpq's pipeline mode). Knows nothing of orgs and pools but carries their marks. One thread
 * at a time per connection. Waiting ends at the ctx's deadline or cancel flag, by cancelling the
 * statement. */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include "store/prepared.h"
#include "store/row.h"

struct pg_conn;   /* libpq's */
struct statement; /* driver.h */

enum { POSTGRES_DROPS_MAX = 32, POSTGRES_PARTS_MAX = 8 + POSTGRES_DROPS_MAX };

struct wire {
    struct pg_conn *pg;
    struct prepared *cache; /* sql -> number of the prepared statement */
    intptr_t last_number;
    intptr_t drops[POSTGRES_DROPS_MAX]; /* evicted statements the server still has */
    int drop_count;
    bool worn;         /* not to be used again */
    struct id org;     /* the pool's: what the session is set to; unset: unknown */
    struct wire *next; /* the pool's */
};

/* E_UNAVAILABLE with the server's words. */
enum err postgres_connect(struct ctx *c, const char *url, struct wire **out_wire);
void postgres_disconnect(struct wire *w);
bool postgres_is_alive(struct wire *w);     /* an idle one; asks the socket, not the server */
bool postgres_is_listening(struct wire *w); /* one that LISTENs */
bool postgres_is_reusable(struct wire *w);  /* healthy and in no transaction */
int postgres_version(const struct wire *w); /* 150003 */

/* The role that row-level security binds. From here on the connection works as it, and the server
 * notices within seconds when this machine is gone. */
#define POSTGRES_APP_ROLE "rapport_app"
enum err postgres_become_app(struct ctx *c, struct wire *w);

/* Text of one or more statements, without results; blocking. */
enum err postgres_exec(struct ctx *c, struct wire *w, const char *sql);
/* A small query (`param` may be NULL): fn gets the first column of each row; blocking. False
 * when it failed. */
bool postgres_ask(struct wire *w, const char *sql, const char *param,
                  void (*fn)(void *arg, struct str cell), void *arg);
/* What NOTIFY brought since the last call. */
void postgres_notices(struct wire *w, void (*fn)(void *arg, struct str text), void *arg);

enum part_kind { PART_PLAIN, PART_PREPARE, PART_STATEMENT };

struct part {
    enum part_kind kind;
    const char *sql; /* for fault texts */
    intptr_t number; /* PART_PREPARE: of the statement, kept when it worked */
};

/* Parts are sent as they are added; they run in one implicit transaction unless they open one. */
struct batch {
    struct wire *wire;
    struct part parts[POSTGRES_PARTS_MAX];
    int count;
    bool sent; /* false: libpq refused a part, the connection is bad */
};

/* What a batch came to. */
struct reading {
    struct row_sink *sink; /* of its statement; NULL: rows are not wanted */
    int64_t changed;
    enum err err; /* of the first part that failed */
    bool again;   /* a serialisation failure or deadlock */
    bool lost;    /* the connection */
};

struct batch postgres_batch(struct wire *w);
void postgres_plain(struct batch *b, const char *sql, int count, const char *const *values);
/* Tells the server which statements the cache has dropped. */
void postgres_drops(struct batch *b);
/* Prepares when this connection has not yet. E_INTERNAL when the dialect refuses the text. */
enum err postgres_statement(struct ctx *c, struct batch *b, const struct statement *st);
/* Reads everything that comes back. */
enum err postgres_end(struct ctx *c, struct batch *b, struct reading *out_reading);

#endif
