/* Leases of processes that are gone are given back at once, not when they run out. Gone is who has
 * no session with the database for GRACE_MS; the only process on its files knows without asking.
 * Should it live after all, cut off or stopped for a while, it can no longer book what it did: an
 * outcome is stored only by whoever has the lease, a run's checkpoint only under its fence.
 *
 * Owners are read before the list of processes. A process is on the list before it takes its first
 * lease, so one that is not has lost its session since. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum {
    ABSENT_MAX = 64,
    PROCESSES_MAX = 512,
    GRACE_MS = 3000,
    LOOK_EVERY_MS = 1000,
    LOOK_AGAIN_MS = 500,
    LOOK_AT_ALL_EVERY_MS = 30000
};

struct absent {
    char process[STORE_PROCESS_CHARS + 1];
    int64_t since_ms; /* steady */
};

struct orphans {
    pthread_mutex_t lock;
    int64_t generation; /* an org that has not seen it asks who its leases belong to */
    struct absent absent[ABSENT_MAX];
    int absent_count;
    /* the watch thread's */
    uint64_t present; /* all who are present, in one number */
    int64_t look_ms, look_at_all_ms;
};

struct orphans *orphans_new(void)
{
    struct orphans *o = mem_new(sizeof(*o));
    pthread_mutex_init(&o->lock, NULL);
    o->generation = 1;
    return o;
}

void orphans_free(struct orphans **o)
{
    if (*o) {
        pthread_mutex_destroy(&(*o)->lock);
        free(*o);
        *o = NULL;
    }
}

static void add_up(void *arg, struct str process)
{
    uint64_t *sum = arg;
    char text[STORE_PROCESS_CHARS + 1] = "";
    memcpy(text, process.p, process.n < STORE_PROCESS_CHARS ? process.n : STORE_PROCESS_CHARS);
    *sum ^= strtoull(text, NULL, 16);
}

void orphans_watch(struct bus *b)
{
    struct orphans *o = b->orphans;
    int64_t now = clock_steady_ms();
    uint64_t present = 0;
    if (now - o->look_ms < LOOK_EVERY_MS) {
        return;
    }
    o->look_ms = now;
    if (!stores_processes(b->at->stores, add_up, &present)) {
        return;
    }
    bool changed = present != o->present;
    o->present = present;
    if (changed || now - o->look_at_all_ms >= LOOK_AT_ALL_EVERY_MS) {
        o->look_at_all_ms = now;
        pthread_mutex_lock(&o->lock);
        o->generation++;
        pthread_mutex_unlock(&o->lock);
        bus_clock_moved(b);
    }
}

/* ---- who is gone */

struct roll {
    char names[PROCESSES_MAX][STORE_PROCESS_CHARS + 1];
    int count;
};

static void call_out(void *arg, struct str process)
{
    struct roll *r = arg;
    if (r->count < PROCESSES_MAX && process.n == STORE_PROCESS_CHARS) {
        memcpy(r->names[r->count++], process.p, STORE_PROCESS_CHARS);
    }
}

static bool is_present(const struct roll *r, struct str process)
{
    for (int i = 0; i < r->count; i++) {
        if (str_eqz(process, r->names[i])) {
            return true;
        }
    }
    return r->count == PROCESSES_MAX; /* more than were read */
}

/* How long it has been missed, from the first look that missed it on. */
static int64_t missed_ms(struct orphans *o, struct str process, bool present)
{
    int64_t now = clock_steady_ms(), since = now;
    pthread_mutex_lock(&o->lock);
    int i = 0;
    while (i < o->absent_count && !str_eqz(process, o->absent[i].process)) {
        i++;
    }
    if (i < o->absent_count && present) {
        o->absent[i] = o->absent[--o->absent_count];
    } else if (i < o->absent_count) {
        since = o->absent[i].since_ms;
    } else if (!present) {
        int at = o->absent_count < ABSENT_MAX ? o->absent_count++ : 0;
        o->absent[at] = (struct absent){.since_ms = now};
        memcpy(o->absent[at].process, process.p, process.n);
    }
    pthread_mutex_unlock(&o->lock);
    return now - since;
}

/* ---- an org's leases */

struct freeing {
    struct store *s;
    struct str owner;
    int64_t jobs, events;
};

static enum err give_back(struct ctx *c, void *arg)
{
    struct freeing *f = arg;
    TRY(store_exec(c, f->s, &f->jobs,
                   "UPDATE job SET lease_until = 0 WHERE status = 'running' AND lease_owner = ?1",
                   S_STR(f->owner)));
    return store_exec(c, f->s, &f->events,
                      "UPDATE consumer_wait SET lease_owner = '', lease_until = 0"
                      " WHERE lease_owner = ?1",
                      S_STR(f->owner));
}

/* False in out_settled: it may come back, ask again. */
static enum err settle_owner(struct pump *p, struct str owner, const struct roll *roll,
                             bool *out_settled)
{
    struct str process = str_sub(owner, 0, STORE_PROCESS_CHARS);
    struct freeing f = {.s = p->s, .owner = owner};
    if (!p->bus->at->alone) {
        bool present = is_present(roll, process);
        int64_t missed = missed_ms(p->bus->orphans, process, present);
        if (present || missed < GRACE_MS) {
            *out_settled = present;
            return E_OK;
        }
    }
    TRY(store_transact(p->c, p->s, give_back, &f));
    log_at(p->c, LOG_INFO, "work of a process that is gone is taken over", LOG_INT("jobs", f.jobs),
           LOG_INT("events", f.events));
    *out_settled = true;
    return E_OK;
}

static enum err find_owners(struct pump *p, struct store_rows *out_rows)
{
    return store_query(p->c, p->s, out_rows,
                       "SELECT lease_owner FROM job WHERE status = 'running' AND lease_owner <> ?1"
                       " UNION SELECT lease_owner FROM consumer_wait WHERE lease_owner <> ?1"
                       " AND lease_owner <> ''",
                       S_Z(p->bus->owner));
}

enum err orphans_pump(struct pump *p)
{
    struct orphans *o = p->bus->orphans;
    bool alone = p->bus->at->alone, settled = true;
    struct store_rows rows;
    struct roll *roll = ARENA_NEW(p->c->arena, struct roll);
    pthread_mutex_lock(&o->lock);
    int64_t generation = o->generation;
    pthread_mutex_unlock(&o->lock);
    if (p->org->orphans_seen == generation || (p->inline_work && !alone)) {
        return E_OK;
    }
    TRY(find_owners(p, &rows));
    if (rows.count > 0 && !alone && !stores_processes(p->bus->at->stores, call_out, roll)) {
        rows.count = 0;
        settled = stores_kind(p->bus->at->stores) == STORE_SQLITE; /* there they run out */
    }
    for (int i = 0; i < rows.count; i++) {
        bool this_one = true;
        TRY(settle_owner(p, row_str(&rows, i, 0), roll, &this_one));
        settled = settled && this_one;
    }
    if (settled) {
        p->org->orphans_seen = generation;
    } else {
        pump_due(p, ctx_now_ms(p->c) + LOOK_AGAIN_MS);
    }
    return E_OK;
}
