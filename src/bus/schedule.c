/* Recurring jobs: each is one row of `job` with a key of its own, which comes back for its next
 * time. */
#include <string.h>

#include "bus/dispatch.h"

enum { MINUTE_MS = 60000, DAY_MS = 24 * 60 * MINUTE_MS };

const struct job_schedule *schedule_find(const struct bus *b, struct str kind)
{
    for (int i = 0; i < b->schedule_count; i++) {
        if (str_eqz(kind, b->schedules[i]->kind)) {
            return b->schedules[i];
        }
    }
    return NULL;
}

int64_t schedule_next_ms(const struct job_schedule *s, int64_t now_ms)
{
    if (s->every_ms > 0) {
        return now_ms + s->every_ms;
    }
    int64_t today = now_ms - now_ms % DAY_MS + (int64_t)s->daily_at_min * MINUTE_MS;
    return today > now_ms ? today : today + DAY_MS;
}

static bool belongs(const struct job_schedule *s, const struct id *org)
{
    struct id system = id_system();
    bool in_system = id_eq(org, &system);
    return s->scope == STORE_SCOPE_BOTH || in_system == (s->scope == STORE_SCOPE_SYSTEM);
}

/* A row that is there keeps its time, unless the period has become shorter than what it waits
 * for. */
static enum err ensure_in(struct ctx *c, void *arg)
{
    struct pump *p = arg;
    int64_t now = ctx_now_ms(c);
    for (int i = 0; i < p->bus->schedule_count; i++) {
        const struct job_schedule *s = p->bus->schedules[i];
        if (!belongs(s, &p->org->id)) {
            continue;
        }
        struct id id = id_new(now);
        TRY(store_exec(c, p->s, NULL,
                       "INSERT INTO job (id, kind, unique_key, run_at, payload, status, attempts,"
                       " lease_owner, lease_until, again_at, again_payload, error, request_id,"
                       " created_at) VALUES (?1, ?2, ?3, ?4, '{}', 'pending', 0, '', 0, NULL,"
                       " NULL, '', '', ?5) ON CONFLICT (kind, unique_key) DO UPDATE SET"
                       " run_at = excluded.run_at WHERE job.status = 'pending'"
                       " AND job.run_at > excluded.run_at",
                       S_ID(&id), S_Z(s->kind), S_Z(SCHEDULE_KEY),
                       S_INT(s->at_start ? now : schedule_next_ms(s, now)), S_INT(now)));
    }
    return E_OK;
}

enum err schedule_ensure(struct pump *p)
{
    if (!p->org->scheduled) {
        TRY(store_transact(p->c, p->s, ensure_in, p));
        p->org->scheduled = true;
    }
    return E_OK;
}

struct set_back {
    struct pump *p;
    int64_t now_ms, before_ms;
};

static enum err keep_due(struct ctx *c, void *arg)
{
    const struct set_back *b = arg;
    TRY(store_exec(c, b->p->s, NULL,
                   "UPDATE job SET run_at = ?1 WHERE status = 'pending' AND run_at > ?1"
                   " AND run_at <= ?2",
                   S_INT(b->now_ms), S_INT(b->before_ms)));
    return store_exec(c, b->p->s, NULL,
                      "UPDATE consumer_wait SET next_at = ?1 WHERE next_at > ?1 AND next_at <= ?2",
                      S_INT(b->now_ms), S_INT(b->before_ms));
}

enum err schedule_set_back(struct pump *p)
{
    struct set_back b = {p, ctx_now_ms(p->c), p->org->seen_ms};
    if (b.now_ms < b.before_ms) {
        TRY(store_transact(p->c, p->s, keep_due, &b));
    }
    p->org->seen_ms = b.now_ms;
    return E_OK;
}
