#include "bus/job.h"

#include <string.h>

#include "bus/dispatch.h"

static const struct kind_entry *find_kind(const struct bus *b, struct str kind)
{
    for (int i = 0; b && i < b->kind_count; i++) {
        if (str_eqz(kind, b->kinds[i].row->kind)) {
            return &b->kinds[i];
        }
    }
    return NULL;
}

static enum err check_order(struct ctx *c, const struct job_order *o, struct str *out_payload)
{
    if (!o->kind || (c->at->bus && !find_kind(c->at->bus, str_of(o->kind)))) {
        return ctx_fail_field(c, E_INVALID, "kind", "there is no kind of job %.64s",
                              o->kind ? o->kind : "");
    }
    if (o->unique_key.n > JOB_KEY_MAX_BYTES || !str_is_utf8(o->unique_key)) {
        return ctx_fail_field(c, E_INVALID, "unique_key", "a job's key is text of at most %d bytes",
                              JOB_KEY_MAX_BYTES);
    }
    if (o->payload && o->payload->kind != JSON_OBJECT) {
        return ctx_fail_field(c, E_INVALID, "payload", "a job's payload is an object");
    }
    *out_payload = o->payload ? json_write(c->arena, o->payload) : STR("{}");
    if (out_payload->n > JOB_PAYLOAD_MAX_BYTES) {
        return ctx_fail_field(c, E_TOO_LARGE, "payload", "a job's payload is at most %d bytes",
                              JOB_PAYLOAD_MAX_BYTES);
    }
    return E_OK;
}

/* One row per (kind, unique_key). While it runs, a new order waits in again_at and
 * again_payload; else it replaces payload and tries, and the earlier time wins (KEEP) or the new
 * one does (MOVE). */
#define ADD_SQL(again_at, run_at)                                                                  \
    "INSERT INTO job (id, kind, unique_key, run_at, payload, status, attempts, lease_owner,"       \
    " lease_until, again_at, again_payload, error, request_id, created_at)"                        \
    " VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, '', 0, NULL, NULL, '', ?6, ?7)"                    \
    " ON CONFLICT (kind, unique_key) DO UPDATE SET"                                                \
    " again_at = CASE WHEN job.status = 'running' THEN " again_at " ELSE NULL END,"                \
    " again_payload = CASE WHEN job.status = 'running' THEN excluded.payload ELSE NULL END,"       \
    " payload = CASE WHEN job.status = 'running' THEN job.payload ELSE excluded.payload END,"      \
    " run_at = CASE WHEN job.status = 'running' THEN job.run_at ELSE " run_at " END,"              \
    " request_id = CASE WHEN job.status = 'running' THEN job.request_id"                           \
    " ELSE excluded.request_id END,"                                                               \
    " attempts = CASE WHEN job.status = 'running' THEN job.attempts ELSE 0 END,"                   \
    " status = CASE WHEN job.status = 'running' THEN 'running' ELSE 'pending' END RETURNING id"

static const char keep_sql[] =
    ADD_SQL("CASE WHEN job.again_at < excluded.run_at THEN job.again_at ELSE excluded.run_at END",
            "CASE WHEN job.status = 'pending' AND job.run_at < excluded.run_at THEN job.run_at"
            " ELSE excluded.run_at END");
static const char move_sql[] = ADD_SQL("excluded.run_at", "excluded.run_at");

struct adding {
    struct store *s;
    const struct job_order *order;
    struct str payload;
    struct id id;
};

static enum err add_in(struct ctx *c, void *arg)
{
    struct adding *a = arg;
    const struct job_order *o = a->order;
    struct store_rows rows;
    int64_t now = ctx_now_ms(c);
    struct id id = id_new(now);
    char trace[TRACE_PARENT_BYTES + 1]; /* the job belongs to the trace of who ordered it */
    trace_write(c, trace);
    TRY(store_query(c, a->s, &rows, o->merge == JOB_MOVE ? move_sql : keep_sql, S_ID(&id),
                    S_Z(o->kind), S_OPT(o->unique_key), S_INT(o->run_at_ms ? o->run_at_ms : now),
                    S_STR(a->payload), S_Z(trace), S_INT(now)));
    a->id = row_id(&rows, 0, 0);
    ready_touch(c, a->s);
    return E_OK;
}

enum err job_add_order(struct ctx *c, struct store *s, const struct job_order *order,
                       struct id *out_id)
{
    struct adding a = {.s = s, .order = order};
    TRY(check_order(c, order, &a.payload));
    TRY(store_transact(c, s, add_in, &a));
    if (out_id) {
        *out_id = a.id;
    }
    return E_OK;
}

enum err job_cancel(struct ctx *c, struct store *s, const char *kind, struct str unique_key,
                    bool *out_removed)
{
    int64_t removed, kept;
    TRY(store_exec(c, s, &removed,
                   "DELETE FROM job WHERE kind = ?1 AND unique_key = ?2 AND status <> 'running'",
                   S_Z(kind), S_STR(unique_key)));
    TRY(store_exec(c, s, &kept,
                   "UPDATE job SET again_at = NULL, again_payload = NULL WHERE kind = ?1"
                   " AND unique_key = ?2 AND status = 'running' AND again_at IS NOT NULL",
                   S_Z(kind), S_STR(unique_key)));
    if (out_removed) {
        *out_removed = removed + kept > 0;
    }
    return E_OK;
}

enum err job_finish(struct ctx *c, struct store *s, struct job *job)
{
    bool ours;
    if (!store_in_transaction(s)) {
        return ctx_fail(c, E_INTERNAL, "a job is finished in the transaction of its effects");
    }
    TRY(job_run_over(c, s, job, &ours));
    if (!ours) {
        return ctx_fail(c, E_CONFLICT, "the job's lease ran out; another process has it");
    }
    job->finished = true;
    ready_touch(c, s);
    return E_OK;
}

enum err job_beat(struct ctx *c, struct store *s, struct job *job)
{
    const struct kind_entry *kind = find_kind(c->at->bus, str_of(job->kind));
    bool ours;
    if (!kind) {
        return ctx_fail(c, E_INTERNAL, "there is no kind of job %s", job->kind);
    }
    TRY(job_run_renew(c, s, &job->id, kind->timeout_ms, &ours));
    if (!ours) {
        return ctx_fail(c, E_CONFLICT, "the job's lease ran out; another process has it");
    }
    c->deadline_steady_ms = clock_steady_ms() + kind->timeout_ms;
    return E_OK;
}

/* ---- for people */

enum err job_list(struct ctx *c, struct store *s, const struct job_filter *filter,
                  struct job_rows *out_rows)
{
    struct store_rows rows;
    int limit = filter->limit <= 0 ? 50 : filter->limit;
    limit = limit > JOB_PAGE_MAX ? JOB_PAGE_MAX : limit;
    TRY(store_query(c, s, &rows,
                    "SELECT id, kind, unique_key, status, run_at, created_at, attempts, error"
                    " FROM job WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR status = ?2)"
                    " ORDER BY run_at, id LIMIT ?3",
                    S_Z(filter->kind), S_Z(filter->status), S_INT(limit)));
    struct job_row *items = ARENA_ARRAY(c->arena, struct job_row, (size_t)rows.count);
    for (int i = 0; i < rows.count; i++) {
        items[i] = (struct job_row){.id = row_id(&rows, i, 0),
                                    .kind = row_str(&rows, i, 1),
                                    .unique_key = row_str(&rows, i, 2),
                                    .status = row_str(&rows, i, 3),
                                    .run_at_ms = row_int(&rows, i, 4),
                                    .created_ms = row_int(&rows, i, 5),
                                    .attempts = (int)row_int(&rows, i, 6),
                                    .error = row_str(&rows, i, 7)};
    }
    *out_rows = (struct job_rows){rows.count, items};
    return E_OK;
}

enum err job_revive(struct ctx *c, struct store *s, const struct id *id)
{
    struct store_rows rows;
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE job SET status = 'pending', attempts = 0, run_at = ?2, lease_owner = '',"
                   " lease_until = 0 WHERE id = ?1 AND status = 'dead'",
                   S_ID(id), S_INT(ctx_now_ms(c))));
    if (changed) {
        ready_touch(c, s);
        return E_OK;
    }
    TRY(store_query(c, s, &rows, "SELECT status FROM job WHERE id = ?1", S_ID(id)));
    return rows.count
               ? ctx_fail(c, E_CONFLICT, "the job is %.*s, not dead", STR_ARG(row_str(&rows, 0, 0)))
               : ctx_fail(c, E_NOT_FOUND, "no such job");
}
