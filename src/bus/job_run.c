/* Runs jobs that are due: claim under a lease, hand to a worker, book the outcome. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum { PAGE = 64, PAGES = 16, SET_BACK_MAX_MS = 86400000 };

/* A claimed job on its way to a worker and back, as it was when it was claimed: while it runs
 * nobody changes it, new orders wait beside it. */
struct errand {
    struct bus *bus;
    struct id org;
    const struct kind_entry *kind;
    struct id id;
    char what[BUS_NAME_BYTES];
    int64_t claimed_steady_ms;
    bool had_slot;
    int64_t run_at_ms;
    int attempt;
    struct str payload, unique_key, request_id; /* of `texts` */
    char texts[];
};

static const struct kind_entry *kind_of(const struct bus *b, struct str kind)
{
    for (int i = 0; i < b->kind_count; i++) {
        if (str_eqz(kind, b->kinds[i].row->kind)) {
            return &b->kinds[i];
        }
    }
    return NULL;
}

/* ---- how it ends, in a transaction */

static enum err delete_row(struct ctx *c, struct store *s, const struct job *job, bool *out_done)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "DELETE FROM job WHERE id = ?1 AND lease_owner = ?2 AND again_at IS NULL",
                   S_ID(&job->id), S_Z(c->at->bus->owner)));
    *out_done = changed > 0;
    return E_OK;
}

/* It was ordered again while it ran. */
static enum err bring_back(struct ctx *c, struct store *s, const struct job *job, bool *out_done)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE job SET status = 'pending', run_at = again_at, payload = again_payload,"
                   " again_at = NULL, again_payload = NULL, attempts = 0, error = '',"
                   " lease_owner = '', lease_until = 0 WHERE id = ?1 AND lease_owner = ?2"
                   " AND again_at IS NOT NULL",
                   S_ID(&job->id), S_Z(c->at->bus->owner)));
    *out_done = changed > 0;
    return E_OK;
}

static enum err next_occurrence(struct ctx *c, struct store *s, const struct job *job,
                                const struct job_schedule *schedule, struct str error,
                                bool *out_done)
{
    int64_t changed, now = ctx_now_ms(c), ahead = job->run_at_ms - now;
    if (ahead > 0 && ahead <= SET_BACK_MAX_MS) {
        now = job->run_at_ms; /* the clock was set back: that occurrence was this one */
    }
    TRY(store_exec(c, s, &changed,
                   "UPDATE job SET status = 'pending', run_at = ?3, attempts = 0, error = ?4,"
                   " lease_owner = '', lease_until = 0 WHERE id = ?1 AND lease_owner = ?2",
                   S_ID(&job->id), S_Z(c->at->bus->owner), S_INT(schedule_next_ms(schedule, now)),
                   S_STR(error)));
    *out_done = changed > 0;
    return E_OK;
}

static const struct job_schedule *schedule_of(const struct ctx *c, const struct job *job)
{
    return str_eqz(job->unique_key, SCHEDULE_KEY) ? schedule_find(c->at->bus, str_of(job->kind))
                                                  : NULL;
}

enum err job_run_over(struct ctx *c, struct store *s, const struct job *job, bool *out_was_ours)
{
    const struct job_schedule *schedule = schedule_of(c, job);
    if (schedule) {
        return next_occurrence(c, s, job, schedule, (struct str){"", 0}, out_was_ours);
    }
    bool done;
    TRY(delete_row(c, s, job, &done));
    if (!done) {
        TRY(bring_back(c, s, job, &done));
    }
    *out_was_ours = done;
    return E_OK;
}

enum err job_run_renew(struct ctx *c, struct store *s, const struct id *job, int timeout_ms,
                       bool *out_was_ours)
{
    int64_t changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE job SET lease_until = ?3 WHERE id = ?1 AND lease_owner = ?2"
                   " AND status = 'running'",
                   S_ID(job), S_Z(c->at->bus->owner),
                   S_INT(ctx_now_ms(c) + timeout_ms + BUS_GRACE_MS)));
    *out_was_ours = changed > 0;
    return E_OK;
}

struct ending {
    const struct errand *errand;
    const struct job *job;
    struct store *s;
    enum err outcome;
    struct str error;
    bool dead;
};

static enum err put_back(struct ctx *c, const struct ending *end)
{
    /* The program stops: the try does not count. */
    return store_exec(c, end->s, NULL,
                      "UPDATE job SET status = 'pending', attempts = attempts - 1,"
                      " lease_owner = '', lease_until = 0 WHERE id = ?1 AND lease_owner = ?2",
                      S_ID(&end->job->id), S_Z(c->at->bus->owner));
}

static enum err try_later(struct ctx *c, const struct ending *end)
{
    int64_t wait_ms = bus_backoff_ms(end->errand->kind->backoff_ms, end->job->attempt);
    return store_exec(c, end->s, NULL,
                      "UPDATE job SET status = 'pending', run_at = ?3, error = ?4,"
                      " lease_owner = '', lease_until = 0 WHERE id = ?1 AND lease_owner = ?2",
                      S_ID(&end->job->id), S_Z(c->at->bus->owner), S_INT(ctx_now_ms(c) + wait_ms),
                      S_STR(end->error));
}

/* The disk was full: the try does not count, but has a pause after it. */
static enum err wait_for_room(struct ctx *c, const struct ending *end)
{
    return store_exec(c, end->s, NULL,
                      "UPDATE job SET status = 'pending', attempts = attempts - 1, run_at = ?3,"
                      " error = ?4, lease_owner = '', lease_until = 0"
                      " WHERE id = ?1 AND lease_owner = ?2",
                      S_ID(&end->job->id), S_Z(c->at->bus->owner),
                      S_INT(ctx_now_ms(c) + end->errand->kind->backoff_ms), S_STR(end->error));
}

static enum err die(struct ctx *c, const struct ending *end)
{
    const struct job_schedule *schedule = schedule_of(c, end->job);
    bool done;
    if (schedule) {
        return next_occurrence(c, end->s, end->job, schedule, end->error, &done);
    }
    TRY(bring_back(c, end->s, end->job, &done)); /* a new order deserves its own tries */
    if (done) {
        return E_OK;
    }
    return store_exec(c, end->s, NULL,
                      "UPDATE job SET status = 'dead', error = ?3, lease_owner = '',"
                      " lease_until = 0 WHERE id = ?1 AND lease_owner = ?2",
                      S_ID(&end->job->id), S_Z(c->at->bus->owner), S_STR(end->error));
}

static enum err end_in(struct ctx *c, void *arg)
{
    struct ending *end = arg;
    bool ours;
    if (end->outcome == E_OK) {
        return job_run_over(c, end->s, end->job, &ours);
    }
    if (end->outcome == E_CANCELLED && atomic_load(&end->errand->bus->cancel)) {
        return put_back(c, end);
    }
    if (end->outcome == E_FULL) {
        return wait_for_room(c, end);
    }
    return end->dead ? die(c, end) : try_later(c, end);
}

/* A lease of ours may stand from now on that nobody is at. */
static void expect_unbooked(struct bus *b, const struct kind_entry *kind)
{
    atomic_store(&b->unbooked_until_ms, clock_steady_ms() + kind->timeout_ms + BUS_GRACE_MS);
}

/* Books the outcome in a ctx that the handler cannot have used up. */
static void book(const struct errand *errand, const struct job *job, enum err outcome,
                 struct str error)
{
    struct ctx *c = bus_handler_ctx(errand->bus, &errand->org, (struct str){0}, BUS_GRACE_MS);
    struct ending end = {.errand = errand, .job = job, .outcome = outcome, .error = error};
    c->cancel = NULL;
    end.dead = outcome != E_FULL && (bus_is_final(outcome) || job->attempt >= errand->kind->tries);
    enum err e = store_of(c, &end.s);
    if (e == E_OK && !(outcome == E_OK && job->finished)) {
        e = store_transact(c, end.s, end_in, &end);
    }
    if (outcome != E_OK) {
        log_at(c, bus_level(outcome, end.dead ? LOG_ERROR : LOG_WARN), "a job failed",
               LOG_Z("kind", job->kind), LOG_STR("job_id", id_str(&job->id)),
               LOG_INT("attempt", job->attempt), LOG_STR("error", error));
    }
    if (e != E_OK) { /* the job is run again, as soon as the store can be written */
        expect_unbooked(errand->bus, errand->kind);
        log_at(c, bus_level(e, LOG_ERROR), "a job's outcome could not be stored",
               LOG_Z("kind", job->kind), LOG_Z("error", c->fault.text));
    }
    bus_count(errand->bus, true, outcome == E_OK ? BUS_DONE : end.dead ? BUS_DEAD : BUS_RETRY);
    ctx_free(&c);
}

/* ---- running */

static enum err load_job(struct ctx *c, const struct errand *errand, struct job *out_job,
                         struct observed *span)
{
    struct store *s;
    struct json_fault fault;
    struct job job = {.id = errand->id,
                      .kind = errand->kind->row->kind,
                      .unique_key = errand->unique_key,
                      .run_at_ms = errand->run_at_ms,
                      .attempt = errand->attempt};
    bool ours = true;
    TRY(store_of(c, &s));
    if (clock_steady_ms() - errand->claimed_steady_ms > BUS_QUEUED_MS) {
        TRY(job_run_renew(c, s, &errand->id, errand->kind->timeout_ms, &ours));
    }
    if (!ours) {
        return ctx_fail(c, E_GONE, "the job's lease ran out while it waited for a worker");
    }
    if (!trace_adopt(c, errand->request_id, span->parent)) {
        bus_continue_request(c, errand->request_id); /* ordered by an earlier version */
    }
    if (json_parse(c->arena, errand->payload, &job.payload, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the payload of a stored job is damaged: %s", fault.text);
    }
    *out_job = job;
    return E_OK;
}

static void run_errand(const struct errand *errand)
{
    struct ctx *c =
        bus_handler_ctx(errand->bus, &errand->org, (struct str){0}, errand->kind->timeout_ms);
    struct job job = {0};
    struct observed span = {.is_job = true, .name = errand->kind->row->kind};
    enum err outcome = load_job(c, errand, &job, &span);
    if (outcome == E_OK) {
        span.attempt = job.attempt;
        observe_begin(c, &span);
        outcome = errand->kind->row->run(c, &job);
        observe_end(c, &span, outcome);
        book(errand, &job, outcome, bus_error_text(c, outcome));
    } else if (outcome != E_GONE) {
        log_at(c, bus_level(outcome, LOG_ERROR), "a job could not be read",
               LOG_Z("error", c->fault.text));
    }
    ctx_free(&c);
}

static void on_worker(struct ctx *c, void *arg)
{
    struct errand *errand = arg;
    (void)c;
    run_errand(errand);
    claim_drop(errand->bus, &errand->org, str_of(errand->what));
    claim_over(errand->bus, &errand->org, errand->had_slot);
    free(errand);
}

/* ---- claiming */

/* Ours are free to be taken when their outcome could not be stored and nobody here is at them
 * (claim_take): '' when there are none, which no owner is. */
static struct str unbooked_owner(const struct pump *p)
{
    bool any = clock_steady_ms() < atomic_load(&p->bus->unbooked_until_ms);
    return any ? str_of(p->bus->owner) : STR("");
}

/* What a claim is made of and what comes of it. */
struct claim {
    const struct kind_entry *kind;
    struct id id;
    char what[BUS_NAME_BYTES];
    struct errand *errand; /* NULL: another process was first */
};

struct claims {
    struct pump *p;
    int count;
    struct claim items[PAGE];
};

static struct str take_text(char **at, struct str text)
{
    struct str copy = {*at, text.n};
    memcpy(*at, text.n ? text.p : "", text.n);
    *at += text.n;
    return copy;
}

static struct errand *errand_new(const struct pump *p, const struct claim *claim,
                                 const struct store_rows *rows)
{
    struct str payload = row_str(rows, 0, 1), key = row_str(rows, 0, 2),
               request = row_str(rows, 0, 4);
    struct errand *errand = mem_new(sizeof(*errand) + payload.n + key.n + request.n);
    char *at = errand->texts;
    errand->bus = p->bus;
    errand->org = p->org->id;
    errand->kind = claim->kind;
    errand->id = claim->id;
    memcpy(errand->what, claim->what, sizeof(errand->what));
    errand->claimed_steady_ms = clock_steady_ms();
    errand->had_slot = !p->inline_work;
    errand->run_at_ms = row_int(rows, 0, 0);
    errand->payload = take_text(&at, payload);
    errand->unique_key = take_text(&at, key);
    errand->attempt = (int)row_int(rows, 0, 3);
    errand->request_id = take_text(&at, request);
    return errand;
}

/* One of ours that nobody is at was tried already under the number it has. */
static enum err claim_row(struct ctx *c, struct pump *p, struct claim *claim)
{
    struct store_rows rows;
    int64_t now = ctx_now_ms(c);
    TRY(store_query(
        c, p->s, &rows,
        "UPDATE job SET status = 'running', lease_owner = ?2, lease_until = ?3,"
        " attempts = attempts + CASE WHEN ?5 <> '' AND lease_owner = ?5 THEN 0 ELSE 1 END"
        " WHERE id = ?1 AND ((status = 'pending' AND run_at <= ?4) OR"
        " (status = 'running' AND (lease_until <= ?4 OR"
        " (?5 <> '' AND lease_owner = ?5))))"
        " RETURNING run_at, payload, unique_key, attempts, request_id",
        S_ID(&claim->id), S_Z(p->bus->owner), S_INT(now + claim->kind->timeout_ms + BUS_GRACE_MS),
        S_INT(now), S_STR(unbooked_owner(p))));
    free(claim->errand); /* of a try that was undone */
    claim->errand = rows.count ? errand_new(p, claim, &rows) : NULL;
    return E_OK;
}

static enum err claim_in(struct ctx *c, void *arg)
{
    struct claims *all = arg;
    for (int i = 0; i < all->count; i++) {
        TRY(claim_row(c, all->p, &all->items[i]));
    }
    return E_OK;
}

static enum err unclaim_row(struct pump *p, const struct claim *claim)
{
    return store_exec(p->c, p->s, NULL,
                      "UPDATE job SET status = 'pending', attempts = attempts - 1,"
                      " lease_owner = '', lease_until = 0 WHERE id = ?1 AND lease_owner = ?2",
                      S_ID(&claim->id), S_Z(p->bus->owner));
}

static enum err hand_over(struct pump *p, struct claim *claim)
{
    struct errand *errand = claim->errand;
    enum err e = E_OK;
    if (errand && claim_work(p, claim->kind->row->lane, on_worker, errand)) {
        p->steps++;
        return E_OK;
    }
    if (errand) {
        free(errand);
        e = unclaim_row(p, claim);
    }
    claim_drop(p->bus, &p->org->id, str_of(claim->what));
    return e;
}

/* Claims them in one transaction, which need not wait for the disk: a job whose claim a power cut
 * takes back is due again. */
static enum err start_claims(struct pump *p, struct claims *all)
{
    enum err claimed = all->count ? store_transact_late(p->c, p->s, claim_in, all) : E_OK;
    enum err first = claimed;
    for (int i = 0; i < all->count; i++) {
        struct claim *claim = &all->items[i];
        if (claimed == E_OK) {
            enum err e = hand_over(p, claim);
            first = first == E_OK ? e : first;
        } else { /* or claimed after all, and only the answer of the commit was lost */
            expect_unbooked(p->bus, claim->kind);
            free(claim->errand);
            claim_drop(p->bus, &p->org->id, str_of(claim->what));
        }
    }
    all->count = 0;
    return first;
}

/* Unless this process is at it, whatever the clock says. */
static void add_claim(struct claims *all, const struct kind_entry *kind, struct id id)
{
    struct claim *claim = &all->items[all->count];
    *claim = (struct claim){.kind = kind, .id = id};
    snprintf(claim->what, sizeof(claim->what), "job %s", id.text);
    all->count += claim_take(all->p->bus, &all->p->org->id, str_of(claim->what));
}

/* A page of jobs that are due, after the cursor. A running one whose lease ran out is due too:
 * the process that had it is gone. */
static enum err start_page(struct pump *p, int64_t *run_at, struct str *id, int *out_count)
{
    struct store_rows rows;
    TRY(store_query(p->c, p->s, &rows,
                    "SELECT id, kind, run_at FROM job WHERE (run_at > ?2 OR (run_at = ?2"
                    " AND id > ?3)) AND ((status = 'pending' AND run_at <= ?1)"
                    " OR (status = 'running' AND (lease_until <= ?1 OR"
                    " (?5 <> '' AND lease_owner = ?5))))"
                    " ORDER BY run_at, id LIMIT ?4",
                    S_INT(ctx_now_ms(p->c)), S_INT(*run_at), S_STR(*id), S_INT(PAGE),
                    S_STR(unbooked_owner(p))));
    struct claims *all = ARENA_NEW(p->c->arena, struct claims);
    all->p = p;
    int room = claim_room(p), i = 0;
    for (; i < rows.count && room > 0; i++) {
        const struct kind_entry *kind = kind_of(p->bus, row_str(&rows, i, 1));
        if (kind) { /* else another process's, or of a service that is gone */
            add_claim(all, kind, row_id(&rows, i, 0));
        }
        if (all->count == room) {
            TRY(start_claims(p, all));
            room = claim_room(p);
        }
        *id = row_str(&rows, i, 0);
        *run_at = row_int(&rows, i, 2);
    }
    *out_count = room > 0 ? rows.count : 0;
    return start_claims(p, all);
}

static enum err look_ahead(struct pump *p)
{
    struct store_rows rows;
    int64_t now = ctx_now_ms(p->c);
    TRY(store_query(p->c, p->s, &rows,
                    "SELECT (SELECT min(run_at) FROM job WHERE status = 'pending' AND run_at > ?1),"
                    " (SELECT min(lease_until) FROM job WHERE status = 'running'"
                    " AND lease_until > ?1)",
                    S_INT(now)));
    for (int i = 0; i < 2; i++) {
        if (!row_is_null(&rows, 0, i)) {
            pump_due(p, row_int(&rows, 0, i));
        }
    }
    return E_OK;
}

enum err job_run_pump(struct pump *p)
{
    int64_t run_at = INT64_MIN;
    struct str id = {"", 0};
    int count = PAGE;
    for (int page = 0; page < PAGES && count == PAGE; page++) {
        TRY(start_page(p, &run_at, &id, &count));
    }
    return look_ahead(p);
}
