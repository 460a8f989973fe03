#include "llm/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "llm/ledger_book.h"

enum {
    ROWS_MAX = 8192, /* waiting, of all orgs: who makes more waits for the disk, or is refused */
    TASK_BYTES = 8 << 20,
    UNLIMITED_TRUST_MS = 1000,           /* another process may set a budget */
    LEASE_TRUST_MS = 2000,               /* or lower it */
    RENEW_MS = SPEND_RESERVATION_MS / 2, /* before the lease expires */
    IDLE_MS = 10000,                     /* unused for so long: its lease is given back */
    DAY_MS = 86400000
};

/* ---- budgets --------------------------------------------------------------- */

/* May be done without looking into the store. Locked. */
static bool may_take(const struct purse *p, const struct spend_estimate *worst, int64_t now_ms)
{
    if (p->busy || clock_steady_ms() >= p->trusted_until_ms) {
        return false;
    }
    int64_t money = p->lease.microcents - p->held_microcents - p->due_microcents;
    int64_t tokens = p->lease.tokens - p->held_tokens - p->due_tokens;
    return !p->limited || (now_ms / DAY_MS == p->day && now_ms < p->ends_at_ms - RENEW_MS &&
                           money >= worst->microcents && tokens >= worst->tokens);
}

/* Locked. */
static void take(struct purse *p, const struct spend_estimate *worst, struct ledger_hold *out)
{
    *out = (struct ledger_hold){.purse = p};
    if (p->limited) {
        out->microcents = worst->microcents;
        out->tokens = worst->tokens;
    }
    p->held_microcents += out->microcents;
    p->held_tokens += out->tokens;
}

static struct spend_lease lease_of(const struct purse *p)
{
    struct spend_lease lease = p->lease;
    lease.used_microcents = p->held_microcents + p->due_microcents;
    lease.used_tokens = p->held_tokens + p->due_tokens;
    return lease;
}

/* With the book's `store`: nobody takes of the purse meanwhile. */
static enum err shrink(struct ctx *c, struct ledger *l, struct purse *p)
{
    pthread_mutex_lock(&l->lock);
    p->busy = true;
    struct spend_lease lease = lease_of(p);
    pthread_mutex_unlock(&l->lock);
    enum err e = spend_shrink(c, &lease);
    pthread_mutex_lock(&l->lock);
    p->busy = false;
    if (e == E_OK) {
        p->lease = lease;
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

/* What other agents of the org have ahead is given back. With the book's `store`. */
static enum err shrink_others(struct ctx *c, struct ledger *l, const struct purse *but)
{
    enum err e = E_OK;
    pthread_mutex_lock(&l->lock);
    struct purse *p = but->book->purses; /* who comes now is put before it; none goes */
    pthread_mutex_unlock(&l->lock);
    for (; p && e == E_OK; p = p->next) {
        if (p != but && id_is_set(&p->lease.id)) {
            e = shrink(c, l, p);
        }
    }
    return e;
}

/* With the book's `store`; the purse is busy. */
static enum err renew(struct ctx *c, struct ledger *l, struct purse *p,
                      const struct spend_estimate *worst, bool *out_limited,
                      struct spend_lease *out_lease)
{
    bool limited = false;
    TRY(spend_limited(c, p->lease.agent, &limited));
    if (!limited) {
        *out_limited = false;
        *out_lease = p->lease;
        return E_OK;
    }
    TRY(ledger_book_write(l, p->book));
    pthread_mutex_lock(&l->lock);
    struct spend_lease lease = lease_of(p);
    pthread_mutex_unlock(&l->lock);
    enum err e = spend_grow(c, &lease, worst);
    if (e == E_LIMIT && shrink_others(c, l, p) == E_OK) {
        ctx_forgive(c);
        e = spend_grow(c, &lease, worst);
    }
    *out_limited = true;
    *out_lease = lease;
    return e;
}

/* The slow way: into the store. With the book's `store`. */
static enum err take_anew(struct ctx *c, struct ledger *l, struct purse *p,
                          const struct spend_estimate *worst, struct ledger_hold *out)
{
    int64_t now_ms = ctx_now_ms(c);
    bool limited = false;
    struct spend_lease lease;
    pthread_mutex_lock(&l->lock);
    bool there = may_take(p, worst, now_ms); /* another has renewed it meanwhile */
    p->busy = !there;
    if (there) {
        take(p, worst, out);
    }
    pthread_mutex_unlock(&l->lock);
    enum err e = there ? E_OK : renew(c, l, p, worst, &limited, &lease);
    pthread_mutex_lock(&l->lock);
    p->busy = false;
    if (!there && e == E_OK) {
        p->limited = limited;
        p->lease = lease;
        p->day = now_ms / DAY_MS;
        p->ends_at_ms = now_ms + SPEND_RESERVATION_MS;
        p->trusted_until_ms = clock_steady_ms() + (limited ? LEASE_TRUST_MS : UNLIMITED_TRUST_MS);
        take(p, worst, out);
    }
    pthread_mutex_unlock(&l->lock);
    return e;
}

/* ---- telling who is told of budgets ------------------------------------------- */

static void tell(struct ledger *l, const struct alert *a)
{
    struct models_spent spent;
    struct ctx *c = ctx_new(l->at, TASK_BYTES);
    c->org = a->org;
    if (l->config->on_budget && ledger_spent(c, l, str_of(a->agent), &spent) == E_OK &&
        spent.used_percent >= 80) {
        l->config->on_budget(c, str_of(a->agent), &spent, l->config->on_budget_arg);
    }
    ctx_free(&c);
}

static void tell_all(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct alert *a = l->alerts;
    l->alerts = NULL;
    pthread_mutex_unlock(&l->lock);
    while (a) {
        struct alert *next = a->next;
        tell(l, a);
        free(a);
        a = next;
    }
}

static enum err flush(struct ledger *l, struct book *b)
{
    pthread_mutex_lock(&b->store);
    enum err e = ledger_book_write(l, b);
    pthread_mutex_unlock(&b->store);
    tell_all(l);
    return e;
}

/* ---- reserving --------------------------------------------------------------- */

/* Nothing is asked that could not be written down: what waits must not grow for as long as the disk
 * is full. */
static enum err wait_for_rows(struct ctx *c, struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct book *b = ledger_book_of(l, &c->org);
    bool over = l->rows > ROWS_MAX && b->rows > 0;
    bool failing = b->retry_at_ms > clock_steady_ms();
    pthread_mutex_unlock(&l->lock);
    if (!over || (!failing && flush(l, b) == E_OK)) {
        return E_OK;
    }
    ctx_fail(c, stores_are_full(l->at->stores) ? E_FULL : E_UNAVAILABLE,
             "what models cost cannot be written down now, so none is asked; try again later");
    c->fault.retry_after_ms = LEDGER_BOOK_RETRY_MS;
    return c->fault.err;
}

enum err ledger_reserve(struct ctx *c, struct ledger *l, struct str agent,
                        const struct spend_estimate *worst, struct ledger_hold *out_hold)
{
    int64_t now_ms = ctx_now_ms(c);
    TRY(wait_for_rows(c, l));
    pthread_mutex_lock(&l->lock);
    struct purse *p = ledger_book_purse(l, &c->org, agent);
    bool there = p && may_take(p, worst, now_ms);
    if (there) {
        take(p, worst, out_hold);
    }
    if (p) {
        ledger_book_hold(l, p);
    }
    pthread_mutex_unlock(&l->lock);
    if (!p) {
        return ctx_fail(c, E_LIMIT, "too many agents ask models at once");
    }
    if (there) {
        return E_OK;
    }
    pthread_mutex_lock(&p->book->store);
    enum err e = take_anew(c, l, p, worst, out_hold);
    pthread_mutex_unlock(&p->book->store);
    if (e != E_OK) {
        pthread_mutex_lock(&l->lock);
        ledger_book_release(l, p);
        pthread_mutex_unlock(&l->lock);
    }
    return e;
}

void ledger_budget_changed(struct ctx *c, struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    for (struct purse *p = ledger_book_of(l, &c->org)->purses; p; p = p->next) {
        p->trusted_until_ms = 0;
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- the writer -------------------------------------------------------------- */

static void wait_ms(struct ledger *l, int64_t ms)
{
    int64_t until_ms = clock_steady_ms() + ms;
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&l->news, &l->lock, &until);
}

/* Locked. */
static struct book *book_with_rows(struct ledger *l)
{
    int64_t now = clock_steady_ms();
    struct book *b = l->books;
    while (b && (b->rows == 0 || b->retry_at_ms > now)) {
        b = b->next;
    }
    return b;
}

/* An idle agent gives back what it has ahead; its purse goes. Locked; unlocks meanwhile. */
static bool sweep(struct ledger *l)
{
    struct purse *p = ledger_book_idle(l, clock_steady_ms() - IDLE_MS);
    if (!p) {
        return false;
    }
    struct book *b = p->book;
    ledger_book_hold(l, p);
    pthread_mutex_unlock(&l->lock);
    struct ctx *c = ctx_new(l->at, TASK_BYTES);
    c->org = b->org;
    pthread_mutex_lock(&b->store);
    if (id_is_set(&p->lease.id) && shrink(c, l, p) != E_OK) {
        p->lease.id = (struct id){{0}}; /* it expires */
    }
    pthread_mutex_lock(&l->lock);
    ledger_book_release(l, p);
    if (p->open == 0 && b->rows == 0 && !id_is_set(&p->lease.id)) {
        ledger_book_remove(l, p);
    }
    pthread_mutex_unlock(&l->lock);
    pthread_mutex_unlock(&b->store);
    ctx_free(&c);
    pthread_mutex_lock(&l->lock);
    return true;
}

static void *run(void *arg)
{
    struct ledger *l = arg;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        struct book *b = book_with_rows(l);
        if (!b) {
            if (!sweep(l)) {
                wait_ms(l, l->rows > 0 ? LEDGER_BOOK_RETRY_MS : IDLE_MS);
            }
            continue;
        }
        int64_t until = clock_steady_ms() + LEDGER_HOLD_MS, now;
        while (!l->stop && l->rows < LEDGER_GROUP_MAX && (now = clock_steady_ms()) < until) {
            wait_ms(l, until - now);
        }
        pthread_mutex_unlock(&l->lock);
        flush(l, b);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- its life ----------------------------------------------------------------- */

struct ledger *ledger_new(const struct facilities *at, const struct models_config *config)
{
    struct ledger *l = mem_new(sizeof(*l));
    pthread_condattr_t steady;
    l->at = at;
    l->config = config;
    l->by_name = map_new(LEDGER_BOOK_PURSES_MAX);
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&l->news, &steady);
    pthread_condattr_destroy(&steady);
    return l;
}

static void close_books(struct ledger *l)
{
    for (struct book *b = l->books; b; b = b->next) {
        struct ctx *c = ctx_new(l->at, TASK_BYTES);
        c->org = b->org;
        flush(l, b);
        for (struct purse *p = b->purses; p; p = p->next) {
            if (id_is_set(&p->lease.id)) {
                shrink(c, l, p); /* else it expires */
            }
        }
        ctx_free(&c);
    }
}

void ledger_free(struct ledger **l)
{
    struct ledger *old = *l;
    if (!old) {
        return;
    }
    if (old->running) {
        pthread_mutex_lock(&old->lock);
        old->stop = true;
        pthread_cond_signal(&old->news);
        pthread_mutex_unlock(&old->lock);
        pthread_join(old->thread, NULL);
    }
    close_books(old);
    while (old->books) {
        struct book *b = old->books;
        old->books = b->next;
        while (b->purses) {
            struct purse *p = b->purses;
            b->purses = p->next;
            ledger_book_drop(p);
        }
        ledger_book_free_rows(b->first);
        pthread_mutex_destroy(&b->store);
        free(b);
    }
    map_free(&old->by_name);
    pthread_cond_destroy(&old->news);
    pthread_mutex_destroy(&old->lock);
    free(old);
    *l = NULL;
}

/* ---- settling ------------------------------------------------------------------ */

/* Locked. */
static void append(struct ledger *l, struct book *b, struct spend_row *r)
{
    *(b->last ? &b->last->next : &b->first) = r;
    b->last = r;
    b->rows++;
    l->rows++;
    if (!l->running) { /* with the first row: who asks no models has no thread for it */
        l->running = pthread_create(&l->thread, NULL, run, l) == 0;
    } else if (l->rows == 1 || l->rows == LEDGER_GROUP_MAX) {
        pthread_cond_signal(&l->news);
    }
}

enum err ledger_settle(struct ctx *c, struct ledger *l, const struct spend_usage *u,
                       const struct ledger_hold *hold)
{
    int64_t now_ms = ctx_now_ms(c);
    pthread_mutex_lock(&l->lock);
    struct purse *p = hold->purse ? hold->purse : ledger_book_purse(l, &c->org, u->origin->agent);
    if (!p) {
        pthread_mutex_unlock(&l->lock);
        return ctx_fail(c, E_LIMIT, "too many agents ask models at once");
    }
    p->held_microcents -= hold->microcents;
    p->held_tokens -= hold->tokens;
    p->due_microcents += u->cost_microcents;
    p->due_tokens += u->usage.tokens_in + u->usage.tokens_out;
    if (hold->purse) {
        ledger_book_release(l, p);
    } else {
        ledger_book_used(l, p);
    }
    struct book *b = p->book;
    append(l, b, ledger_book_row(u, now_ms, p));
    bool late = (l->rows > ROWS_MAX || !l->running) && b->retry_at_ms <= clock_steady_ms();
    pthread_mutex_unlock(&l->lock);
    if (late) {
        flush(l, b); /* what fails now is kept, and the next request is not asked */
    }
    return E_OK;
}

/* ---- looking ---------------------------------------------------------------- */

static struct book *book_find(struct ctx *c, struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct book *b = ledger_book_of(l, &c->org);
    pthread_mutex_unlock(&l->lock);
    return b;
}

enum err ledger_flush(struct ctx *c, struct ledger *l)
{
    return flush(l, book_find(c, l));
}

enum err ledger_spent(struct ctx *c, struct ledger *l, struct str agent, struct models_spent *out)
{
    int64_t now_ms = ctx_now_ms(c);
    struct book *b = book_find(c, l);
    pthread_mutex_lock(&b->store);
    enum err e = ledger_book_write(l, b);
    e = e == E_OK ? spend_read(c, agent, out) : e;
    pthread_mutex_lock(&l->lock);
    for (struct purse *p = b->purses; p && e == E_OK; p = p->next) {
        if (agent.n == 0 || str_eq(agent, p->lease.agent)) {
            struct spend_lease lease = lease_of(p);
            bool counted = id_is_set(&lease.id) && now_ms < p->ends_at_ms;
            spend_add(out, lease.used_microcents - (counted ? lease.microcents : 0),
                      lease.used_tokens - (counted ? lease.tokens : 0));
        }
    }
    pthread_mutex_unlock(&l->lock);
    pthread_mutex_unlock(&b->store);
    tell_all(l);
    return e;
}
