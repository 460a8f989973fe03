/* The only file that sees libpq-fe.h: connections, batches of statements and their results. */
#include "store/postgres.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/dialect.h"
#include "store/driver.h"

enum { CANCEL_POLL_MS = 50, CANCEL_GRACE_MS = 5000 };

/* ---- outcomes */

struct outcome_row {
    const char *prefix; /* of the SQLSTATE (Appendix A of the PostgreSQL manual) */
    enum err err;
};

static const struct outcome_row outcomes[] = {
    {"08P01", E_INTERNAL}, /* a wrong number of parameters */
    {"23505", E_CONFLICT}, {"23503", E_CONFLICT},    {"23P01", E_CONFLICT}, {"23", E_INVALID},
    {"22", E_INVALID},     {"40", E_CONFLICT},       {"53100", E_FULL},     {"53", E_UNAVAILABLE},
    {"54", E_TOO_LARGE},   {"55P03", E_TIMEOUT},     {"57014", E_TIMEOUT},  {"57", E_UNAVAILABLE},
    {"08", E_UNAVAILABLE}, {"25006", E_UNAVAILABLE}, {"28", E_UNAVAILABLE}, {"3D", E_UNAVAILABLE},
    {"58", E_UNAVAILABLE}, {"", E_INTERNAL},
};

static enum err err_of_state(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (strncmp(sqlstate, outcomes[i].prefix, strlen(outcomes[i].prefix)) == 0) {
            return outcomes[i].err;
        }
    }
    return E_INTERNAL;
}

static enum err fail_connection(struct ctx *c, PGconn *pg)
{
    struct str text = str_trim(str_of(pg ? PQerrorMessage(pg) : "out of memory"));
    return ctx_fail(c, E_UNAVAILABLE, "PostgreSQL: %.*s", STR_ARG(str_sub(text, 0, 300)));
}

static enum err fail_result(struct ctx *c, struct wire *w, const PGresult *r, const char *sql)
{
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (!sqlstate) {
        return fail_connection(c, w->pg);
    }
    enum err e = err_of_state(sqlstate);
    if (strcmp(sqlstate, "57014") == 0) {
        TRY(ctx_check(c));
        return ctx_fail(c, e, "the store was busy for too long");
    }
    if (e == E_INTERNAL) {
        return ctx_fail(c, e, "PostgreSQL: %.200s (%s; %.160s)", text ? text : "", sqlstate, sql);
    }
    return ctx_fail(c, e, "%s%.300s", e == E_FULL ? "the disk is full: " : "", text ? text : "");
}

static bool is_retry(const PGresult *r)
{
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    return sqlstate && (strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0);
}

/* ---- waiting for the server, up to the deadline */

static void cancel_statement(struct wire *w)
{
    char text[128];
    PGcancel *cancel = PQgetCancel(w->pg);
    if (cancel) {
        PQcancel(cancel, text, sizeof(text));
        PQfreeCancel(cancel);
    }
}

static bool gave_up(const struct ctx *c)
{
    return ctx_is_cancelled(c) ||
           (c->deadline_steady_ms && clock_steady_ms() >= c->deadline_steady_ms);
}

/* One poll of the socket; false when the connection is gone. */
static bool wait_socket(struct wire *w, int64_t ms)
{
    int unsent = PQflush(w->pg);
    struct pollfd fd = {.fd = PQsocket(w->pg),
                        .events = (short)(POLLIN | (unsent == 1 ? POLLOUT : 0))};
    if (unsent < 0 || fd.fd < 0 || (poll(&fd, 1, (int)ms) < 0 && errno != EINTR)) {
        return false;
    }
    return !(fd.revents & (POLLIN | POLLERR | POLLHUP)) || PQconsumeInput(w->pg);
}

/* Until a result can be read without blocking. At the deadline the statement is cancelled, and
 * what the server then says is the result; a server that says nothing loses the connection. */
static bool wait_result(struct ctx *c, struct wire *w)
{
    int64_t cancelled_ms = 0;
    if (PQflush(w->pg) < 0) {
        return false;
    }
    while (PQisBusy(w->pg)) {
        if (c && cancelled_ms == 0 && gave_up(c)) {
            cancel_statement(w);
            cancelled_ms = clock_steady_ms();
        }
        if (cancelled_ms && clock_steady_ms() - cancelled_ms > CANCEL_GRACE_MS) {
            return false;
        }
        int64_t most = c && ctx_is_cancellable(c) ? CANCEL_POLL_MS : STORE_WAIT_MAX_MS;
        int64_t ms = cancelled_ms || !c ? CANCEL_GRACE_MS : ctx_left_ms(c, most);
        if (!wait_socket(w, ms)) {
            return false;
        }
    }
    return true;
}

/* ---- connections */

static void ignore_notice(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static void drop_prepared(void *owner, void *made)
{
    struct wire *w = owner;
    if (w->drop_count < POSTGRES_DROPS_MAX) {
        w->drops[w->drop_count++] = (intptr_t)made;
    } else {
        w->worn = true;
    }
}

void postgres_disconnect(struct wire *w)
{
    prepared_free(&w->cache);
    PQfinish(w->pg);
    free(w);
}

enum err postgres_exec(struct ctx *c, struct wire *w, const char *sql)
{
    PGresult *r = PQexec(w->pg, sql);
    ExecStatusType status = PQresultStatus(r);
    enum err e =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? E_OK : fail_result(c, w, r, sql);
    PQclear(r);
    return e;
}

enum err postgres_connect(struct ctx *c, const char *url, struct wire **out_wire)
{
    /* what stands before dbname may be set otherwise by the URL */
    const char *names[] = {"connect_timeout",
                           "keepalives_idle",
                           "tcp_user_timeout",
                           "dbname",
                           "application_name",
                           "client_encoding",
                           NULL};
    const char *values[] = {"5", "30", "20000", url, "rapport", "UTF8", NULL};
    struct wire *w = mem_new(sizeof(*w));
    w->pg = PQconnectdbParams(names, values, 1);
    w->cache = prepared_new(drop_prepared, w);
    if (PQstatus(w->pg) != CONNECTION_OK) {
        enum err e = fail_connection(c, w->pg);
        postgres_disconnect(w);
        return e;
    }
    PQsetNoticeProcessor(w->pg, ignore_notice, NULL);
    *out_wire = w;
    return E_OK;
}

/* A process that stands still between two statements holds the locks of its transaction, and others
 * of the organisation wait for them. No work of ours is done there that takes seconds. */
#define IDLE_IN_TRANSACTION "10s"

enum err postgres_become_app(struct ctx *c, struct wire *w)
{
    return postgres_exec(c, w,
                         "SET ROLE " POSTGRES_APP_ROLE "; SET client_min_messages = warning;"
                         " SET statement_timeout = '60s';"
                         " SET idle_in_transaction_session_timeout = '" IDLE_IN_TRANSACTION "';"
                         " SET client_connection_check_interval = '2s';"
                         " SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2;"
                         " SET tcp_keepalives_count = 3; SET tcp_user_timeout = 10000");
}

int postgres_version(const struct wire *w)
{
    return PQserverVersion(w->pg);
}

bool postgres_is_reusable(struct wire *w)
{
    return !w->worn && PQstatus(w->pg) == CONNECTION_OK &&
           PQtransactionStatus(w->pg) == PQTRANS_IDLE;
}

bool postgres_ask(struct wire *w, const char *sql, const char *param,
                  void (*fn)(void *arg, struct str cell), void *arg)
{
    const char *values[] = {param};
    PGresult *r = PQexecParams(w->pg, sql, param ? 1 : 0, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(r);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    for (int i = 0; ok && fn && i < PQntuples(r); i++) {
        fn(arg, str_of(PQgetvalue(r, i, 0)));
    }
    PQclear(r);
    return ok;
}

void postgres_notices(struct wire *w, void (*fn)(void *arg, struct str text), void *arg)
{
    PGnotify *notice;
    PQconsumeInput(w->pg);
    while ((notice = PQnotifies(w->pg))) {
        fn(arg, str_of(notice->extra));
        PQfreemem(notice);
    }
}

/* An idle connection has nothing to say but that the server goes away. */
bool postgres_is_alive(struct wire *w)
{
    struct pollfd fd = {.fd = PQsocket(w->pg), .events = POLLIN};
    return PQstatus(w->pg) == CONNECTION_OK && poll(&fd, 1, 0) == 0;
}

bool postgres_is_listening(struct wire *w)
{
    return PQconsumeInput(w->pg) == 1 && PQstatus(w->pg) == CONNECTION_OK;
}

/* ---- a batch: what is sent in one round trip */

struct batch postgres_batch(struct wire *w)
{
    struct batch b = {.wire = w, .sent = PQenterPipelineMode(w->pg) == 1};
    return b;
}

static void batch_add(struct batch *b, enum part_kind kind, const char *sql, intptr_t number,
                      int sent)
{
    b->sent = b->sent && sent == 1;
    b->parts[b->count++] = (struct part){kind, sql, number};
}

void postgres_plain(struct batch *b, const char *sql, int count, const char *const *values)
{
    batch_add(b, PART_PLAIN, sql, 0,
              PQsendQueryParams(b->wire->pg, sql, count, NULL, values, NULL, NULL, 0));
}

void postgres_drops(struct batch *b)
{
    struct wire *w = b->wire;
    for (int i = 0; i < w->drop_count; i++) {
        char sql[48];
        snprintf(sql, sizeof(sql), "DEALLOCATE s%ld", (long)w->drops[i]);
        batch_add(b, PART_PLAIN, "DEALLOCATE", 0,
                  PQsendQueryParams(w->pg, sql, 0, NULL, NULL, NULL, NULL, 0));
    }
    w->drop_count = 0;
}

/* Types are named where a bare parameter would be taken for something narrower. */
static Oid type_oid(const struct store_value *v)
{
    switch (v->type) {
    case STORE_INT:
        return 20; /* int8 */
    case STORE_REAL:
        return 701; /* float8 */
    case STORE_BLOB:
        return 17; /* bytea */
    default:
        return 0; /* as the place needs it */
    }
}

struct bound {
    const char *values[STORE_PARAMS_MAX];
    int lengths[STORE_PARAMS_MAX];
    int formats[STORE_PARAMS_MAX];
    Oid types[STORE_PARAMS_MAX];
};

static void bind_values(struct arena *a, const struct statement *st, struct bound *out)
{
    for (int i = 0; i < st->count; i++) {
        const struct store_value *v = &st->params[i];
        out->types[i] = type_oid(v);
        out->formats[i] = v->type == STORE_BLOB;
        out->lengths[i] = (int)v->bytes.n;
        switch (v->type) {
        case STORE_INT:
            out->values[i] = str_fmt(a, "%lld", (long long)v->integer).p;
            break;
        case STORE_REAL:
            out->values[i] = str_fmt(a, "%.17g", v->real).p;
            break;
        case STORE_TEXT:
            out->values[i] = str_dupz(a, v->bytes);
            break;
        case STORE_BLOB:
            out->values[i] = v->bytes.n ? v->bytes.p : "";
            break;
        default:
            out->values[i] = NULL;
        }
    }
}

enum err postgres_statement(struct ctx *c, struct batch *b, const struct statement *st)
{
    struct wire *w = b->wire;
    struct bound *bound = ARENA_NEW(c->arena, struct bound);
    char name[32];
    bind_values(c->arena, st, bound);
    intptr_t number = (intptr_t)prepared_find(w->cache, st->sql);
    if (number == 0) {
        struct str sql = {0};
        char fault[DIALECT_FAULT_BYTES];
        if (dialect_statement(c->arena, str_of(st->sql), &sql, fault) != E_OK) {
            return ctx_fail(c, E_INTERNAL, "%s: %.300s", fault, st->sql);
        }
        number = ++w->last_number;
        snprintf(name, sizeof(name), "s%ld", (long)number);
        batch_add(b, PART_PREPARE, st->sql, number,
                  PQsendPrepare(w->pg, name, sql.p, st->count, bound->types));
    }
    snprintf(name, sizeof(name), "s%ld", (long)number);
    batch_add(b, PART_STATEMENT, st->sql, number,
              PQsendQueryPrepared(w->pg, name, st->count, bound->values, bound->lengths,
                                  bound->formats, 0));
    return E_OK;
}

/* ---- results */

static struct store_value cell_of(struct arena *a, const PGresult *r, int row, int column)
{
    struct str text = str_make(PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
    int64_t integer;
    double real;
    size_t n;
    if (PQgetisnull(r, row, column)) {
        return S_NULL;
    }
    switch (PQftype(r, column)) {
    case 20: /* int8, int2, int4 */
    case 21:
    case 23:
        return str_to_i64(text, &integer) ? S_INT(integer) : S_STR(text);
    case 1700: /* numeric: sums of int8 */
        if (str_to_i64(text, &integer)) {
            return S_INT(integer);
        }
        return str_to_double(text, &real) ? S_REAL(real) : S_STR(text);
    case 700: /* float4, float8 */
    case 701:
        return str_to_double(text, &real) ? S_REAL(real) : S_STR(text);
    case 16: /* bool */
        return S_INT(text.n > 0 && text.p[0] == 't');
    case 17: { /* bytea */
        unsigned char *bytes = PQunescapeBytea((const unsigned char *)text.p, &n);
        struct store_value v = S_BLOB(str_make(arena_memdup(a, bytes, n), n));
        PQfreemem(bytes);
        return v;
    }
    default:
        return S_STR(text);
    }
}

static void add_rows(struct row_sink *sink, const PGresult *r)
{
    sink->columns = PQnfields(r);
    for (int row = 0; row < PQntuples(r) && sink->wanted && !sink->too_large; row++) {
        for (int i = 0; i < sink->columns; i++) {
            struct store_value v = cell_of(sink->arena, r, row, i);
            if (!row_add(sink, &v)) {
                break;
            }
        }
    }
}

static void read_one(struct ctx *c, struct batch *b, const struct part *part, const PGresult *r,
                     struct reading *out)
{
    switch (PQresultStatus(r)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_COMMAND_OK:
        if (part->kind == PART_PREPARE) {
            prepared_keep(b->wire->cache, part->sql, (void *)part->number);
        } else if (part->kind == PART_STATEMENT) {
            int64_t n;
            if (out->sink) {
                add_rows(out->sink, r);
            }
            struct str changed = str_of(PQcmdTuples((PGresult *)(uintptr_t)r));
            out->changed = str_to_i64(changed, &n) ? n : out->changed;
        }
        return;
    case PGRES_PIPELINE_ABORTED:
        return; /* after the part that failed */
    default:
        if (out->err == E_OK) {
            out->again = is_retry(r);
            out->err = fail_result(c, b->wire, r, part->sql);
        }
    }
}

/* Reads one part's results up to the NULL that ends them. */
static void read_part(struct ctx *c, struct batch *b, const struct part *part, struct reading *out)
{
    if (part->kind == PART_STATEMENT && out->sink) {
        PQsetSingleRowMode(b->wire->pg); /* a result too large is not gathered in memory first */
    }
    for (;;) {
        if (!wait_result(c, b->wire)) {
            out->lost = true;
            return;
        }
        PGresult *r = PQgetResult(b->wire->pg);
        if (!r) {
            return;
        }
        bool was_large = out->sink && out->sink->too_large;
        read_one(c, b, part, r, out);
        if (!was_large && out->sink && out->sink->too_large) {
            cancel_statement(b->wire);
        }
        PQclear(r);
        if (PQstatus(b->wire->pg) == CONNECTION_BAD) {
            out->lost = true;
            return;
        }
    }
}

/* Sends the batch and reads everything that comes back. */
enum err postgres_end(struct ctx *c, struct batch *b, struct reading *out_reading)
{
    struct reading *out = out_reading;
    PGconn *pg = b->wire->pg;
    out->lost = !b->sent || PQpipelineSync(pg) != 1;
    for (int i = 0; i < b->count && !out->lost; i++) {
        read_part(c, b, &b->parts[i], out);
    }
    if (!out->lost && wait_result(c, b->wire)) {
        PGresult *sync = PQgetResult(pg);
        out->lost = PQresultStatus(sync) != PGRES_PIPELINE_SYNC;
        PQclear(sync);
    } else {
        out->lost = true;
    }
    if (out->lost) {
        b->wire->worn = true;
        out->err = out->err != E_OK ? out->err : fail_connection(c, pg);
    } else {
        PQexitPipelineMode(pg);
    }
    if (out->sink && out->sink->too_large && out->err == E_TIMEOUT) {
        out->err = E_OK; /* our own cancel; the sink tells */
    }
    return out->err;
}
