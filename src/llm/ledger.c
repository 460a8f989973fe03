#include "llm/ledger.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/map.h"

enum {
    PURSES_MAX = 1 << 16,
    ROWS_MAX = 8192, /* waiting, of all orgs: who makes more waits for the disk, or is refused */
    BATCH_MAX = 512,
    TASK_BYTES = 8 << 20,
    RETRY_MS = 1000,
    UNLIMITED_TRUST_MS = 1000,           /* another process may set a budget */
    LEASE_TRUST_MS = 2000,               /* or lower it */
    RENEW_MS = SPEND_RESERVATION_MS / 2, /* before the lease expires */
    IDLE_MS = 10000,                     /* unused for so long: its lease is given back */
    DAY_MS = 86400000
};

/* An org's rows that wait, oldest first. */
struct book {
    struct book *next;
    struct id org;
    pthread_mutex_t store; /* held while its leases and rows are written; before `lock` */
    struct purse *purses;  /* made under `lock`, removed under both */
    struct spend_row *first, *last;
    int rows;
    int64_t retry_at_ms; /* steady */
};

/* What requests of one agent hold and owe. */
struct purse {
    struct purse *next; /* in its book */
    struct book *book;
    char *agent;
    bool limited, busy;       /* busy: its lease is being changed */
    int64_t trusted_until_ms; /* steady: `limited` and the lease stand until then */
    int64_t day;              /* the lease is for, and when it ends */
    int64_t ends_at_ms;
    int64_t used_at_ms; /* steady */
    int64_t open;       /* requests under way */
    int64_t held_microcents, held_tokens;
    int64_t due_microcents, due_tokens;
    struct spend_lease lease; /* as written */
};

struct alert {
    struct alert *next;
    struct id org;
    char agent[];
};

struct ledger {
    const struct facilities *at;
    const struct models_config *config;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t news;
    pthread_t thread;
    bool running, stop;
    struct map *by_name;  /* purses */
    struct alert *alerts; /* not told yet */
    struct book *books;   /* kept until the end */
    int rows;
};

/* ---- finding; all locked */

static struct book *book_of(struct ledger *l, const struct id *org)
{
    struct book *b = l->books;
    while (b && !id_eq(&b->org, org)) {
        b = b->next;
    }
    if (!b) {
        b = mem_new(sizeof(*b));
        b->org = *org;
        pthread_mutex_init(&b->store, NULL);
        b->next = l->books;
        l->books = b;
    }
    return b;
}

static struct str name_of(char *out, size_t size_bytes, const struct id *org, struct str agent)
{
    size_t n = ID_TEXT_BYTES + agent.n < size_bytes ? agent.n : size_bytes - ID_TEXT_BYTES;
    memcpy(out, org->text, ID_TEXT_BYTES);
    memcpy(out + ID_TEXT_BYTES, agent.p ? agent.p : "", n);
    return str_make(out, ID_TEXT_BYTES + n);
}

/* NULL: there are too many. */
static struct purse *purse_of(struct ledger *l, const struct id *org, struct str agent)
{
    char text[512];
    struct str name = name_of(text, sizeof(text), org, agent);
    struct purse *p = map_get(l->by_name, name);
    if (!p) {
        p = mem_new(sizeof(*p));
        p->agent = mem_new(agent.n + 1);
        memcpy(p->agent, agent.p ? agent.p : "", agent.n);
        p->lease.agent = str_make(p->agent, agent.n);
        p->book = book_of(l, org);
        if (!map_set(l->by_name, name, p)) {
            free(p->agent);
            free(p);
            return NULL;
        }
        p->next = p->book->purses;
        p->book->purses = p;
    }
    return p;
}

static void purse_free(struct purse *p)
{
    free(p->agent);
    free(p);
}

/* ---- rows ------------------------------------------------------------------ */

static struct str moved(char **to, struct str s)
{
    char *p = *to;
    memcpy(p, s.p ? s.p : "", s.n);
    *to += s.n;
    return str_make(p, s.n);
}

static struct spend_row *row_new(const struct spend_usage *u, int64_t at_ms, struct purse *p)
{
    const struct chat_origin *o = u->origin;
    size_t n = u->provider.n + u->model.n + o->agent.n + o->agent_version.n + o->purpose.n +
               o->conversation.n + o->run.n;
    struct spend_row *r = mem_new(sizeof(*r) + n);
    char *to = (char *)(r + 1);
    r->owner = p;
    r->at_ms = at_ms;
    r->u = *u;
    r->u.provider = moved(&to, u->provider);
    r->u.model = moved(&to, u->model);
    r->origin = (struct chat_origin){.agent = moved(&to, o->agent),
                                     .agent_version = moved(&to, o->agent_version),
                                     .purpose = moved(&to, o->purpose),
                                     .conversation = moved(&to, o->conversation),
                                     .run = moved(&to, o->run)};
    r->u.origin = &r->origin;
    return r;
}

static void rows_free(struct spend_row *r)
{
    while (r) {
        struct spend_row *next = r->next;
        free(r);
        r = next;
    }
}

/* NULL: the batch has as many agents as it may. */
static struct spend_sum *sum_of(struct spend_batch *batch, const struct spend_row *r)
{
    struct purse *p = r->owner;
    for (int i = 0; i < batch->sum_count; i++) {
        if (batch->sums[i].lease == &p->lease) {
            return &batch->sums[i];
        }
    }
    if (batch->sum_count == SPEND_AGENTS_MAX) {
        return NULL;
    }
    struct spend_sum *sum = &batch->sums[batch->sum_count++];
    *sum = (struct spend_sum){.agent = p->lease.agent, .lease = &p->lease};
    return sum;
}

/* Takes the oldest rows off the book that may be written together. Locked. */
static int cut(struct book *b, struct spend_batch *batch)
{
    struct spend_row *last = NULL;
    int n = 0;
    *batch = (struct spend_batch){.rows = b->first};
    for (struct spend_row *r = b->first; r && n < BATCH_MAX; r = r->next) {
        struct spend_sum *sum =
            r->at_ms / DAY_MS == b->first->at_ms / DAY_MS ? sum_of(batch, r) : NULL;
        if (!sum) {
            break;
        }
        sum->microcents += r->u.cost_microcents;
        sum->tokens += r->u.usage.tokens_in + r->u.usage.tokens_out;
        sum->requests++;
        last = r;
        n++;
    }
    if (last) {
        b->first = last->next;
        b->last = b->first ? b->last : NULL;
        b->rows -= n;
        last->next = NULL;
    }
    return n;
}

/* Locked. */
static void put_back(struct book *b, struct spend_row *rows, int n)
{
    struct spend_row *last = rows;
    while (last->next) {
        last = last->next;
    }
    last->next = b->first;
    b->first = rows;
    b->last = b->last ? b->last : last;
    b->rows += n;
    b->retry_at_ms = clock_steady_ms() + RETRY_MS;
}

static void add_alert(struct ledger *l, const struct id *org, struct str agent)
{
    struct alert *a = mem_new(sizeof(*a) + agent.n + 1);
    a->org = *org;
    memcpy(a->agent, agent.p, agent.n);
    a->next = l->alerts;
    l->alerts = a;
}

/* What the batch was is no longer due. Locked. */
static void written(struct ledger *l, const struct book *b, const struct spend_batch *batch)
{
    for (int i = 0; i < batch->sum_count; i++) {
        const struct spend_sum *sum = &batch->sums[i];
        struct purse *p = (struct purse *)((char *)sum->lease - offsetof(struct purse, lease));
        p->due_microcents -= sum->microcents;
        p->due_tokens -= sum->tokens;
        if (id_is_set(&p->lease.id)) {
            int64_t money = p->lease.microcents - sum->microcents;
            int64_t tokens = p->lease.tokens - sum->tokens;
            p->lease.microcents = money > 0 ? money : 0;
            p->lease.tokens = tokens > 0 ? tokens : 0;
        }
        if (sum->crossed) {
            add_alert(l, &b->org, sum->agent);
        }
    }
    if (batch->crossed) {
        add_alert(l, &b->org, STR(""));
    }
}

/* Those that wait now; who comes meanwhile waits for company. With the book's `store`. An org that
 * is gone takes its rows with it. */
static enum err write_rows(struct ledger *l, struct book *b)
{
    struct spend_batch batch;
    enum err e = E_OK;
    pthread_mutex_lock(&l->lock);
    int left = b->rows;
    pthread_mutex_unlock(&l->lock);
    if (left == 0) {
        return E_OK;
    }
    struct ctx *c = ctx_new(l->at, TASK_BYTES);
    c->org = b->org;
    while (left > 0 && e == E_OK) {
        pthread_mutex_lock(&l->lock);
        int n = cut(b, &batch);
        pthread_mutex_unlock(&l->lock);
        e = spend_write(c, &batch);
        struct spend_row *rows = (struct spend_row *)(uintptr_t)batch.rows;
        pthread_mutex_lock(&l->lock);
        if (e == E_OK || e == E_NOT_FOUND) {
            written(l, b, &batch);
            l->rows -= n;
            rows_free(rows);
        } else {
            put_back(b, rows, n);
        }
        pthread_mutex_unlock(&l->lock);
        left -= n;
    }
    if (e != E_OK && e != E_NOT_FOUND) {
        log_at(c, LOG_ERROR, "model usage not recorded yet", LOG_Z("error", c->fault.text));
    }
    ctx_free(&c);
    return e == E_NOT_FOUND ? E_OK : e;
}

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
    p->used_at_ms = clock_steady_ms();
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
    TRY(write_rows(l, p->book));
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
    enum err e = write_rows(l, b);
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
    struct book *b = book_of(l, &c->org);
    bool over = l->rows > ROWS_MAX && b->rows > 0;
    bool failing = b->retry_at_ms > clock_steady_ms();
    pthread_mutex_unlock(&l->lock);
    if (!over || (!failing && flush(l, b) == E_OK)) {
        return E_OK;
    }
    ctx_fail(c, stores_are_full(l->at->stores) ? E_FULL : E_UNAVAILABLE,
             "what models cost cannot be written down now, so none is asked; try again later");
    c->fault.retry_after_ms = RETRY_MS;
    return c->fault.err;
}

enum err ledger_reserve(struct ctx *c, struct ledger *l, struct str agent,
                        const struct spend_estimate *worst, struct ledger_hold *out_hold)
{
    int64_t now_ms = ctx_now_ms(c);
    TRY(wait_for_rows(c, l));
    pthread_mutex_lock(&l->lock);
    struct purse *p = purse_of(l, &c->org, agent);
    bool there = p && may_take(p, worst, now_ms);
    if (there) {
        take(p, worst, out_hold);
    }
    if (p) {
        p->open++;
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
        p->open--;
        pthread_mutex_unlock(&l->lock);
    }
    return e;
}

void ledger_budget_changed(struct ctx *c, struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    for (struct purse *p = book_of(l, &c->org)->purses; p; p = p->next) {
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

/* Takes out of the table a purse that nobody uses. Locked. */
static struct purse *idle_purse(struct ledger *l)
{
    int64_t before = clock_steady_ms() - IDLE_MS;
    for (struct book *b = l->books; b; b = b->next) {
        for (struct purse *p = b->rows ? NULL : b->purses; p; p = p->next) {
            if (p->open == 0 && p->used_at_ms < before) {
                return p;
            }
        }
    }
    return NULL;
}

/* An idle agent gives back what it has ahead; its purse goes. Locked; unlocks meanwhile. */
static bool sweep(struct ledger *l)
{
    struct purse *p = idle_purse(l);
    if (!p) {
        return false;
    }
    char text[512];
    struct book *b = p->book;
    p->open++;
    pthread_mutex_unlock(&l->lock);
    struct ctx *c = ctx_new(l->at, TASK_BYTES);
    c->org = b->org;
    pthread_mutex_lock(&b->store);
    if (id_is_set(&p->lease.id) && shrink(c, l, p) != E_OK) {
        p->lease.id = (struct id){{0}}; /* it expires */
    }
    pthread_mutex_lock(&l->lock);
    p->open--;
    p->used_at_ms = clock_steady_ms();
    if (p->open == 0 && b->rows == 0 && !id_is_set(&p->lease.id)) {
        struct purse **at = &b->purses;
        while (*at != p) {
            at = &(*at)->next;
        }
        *at = p->next;
        map_remove(l->by_name, name_of(text, sizeof(text), &b->org, p->lease.agent));
        purse_free(p);
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
                wait_ms(l, l->rows > 0 ? RETRY_MS : IDLE_MS);
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
    l->by_name = map_new(PURSES_MAX);
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
            purse_free(p);
        }
        rows_free(b->first);
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
    struct purse *p = hold->purse ? hold->purse : purse_of(l, &c->org, u->origin->agent);
    if (!p) {
        pthread_mutex_unlock(&l->lock);
        return ctx_fail(c, E_LIMIT, "too many agents ask models at once");
    }
    p->open -= hold->purse ? 1 : 0;
    p->held_microcents -= hold->microcents;
    p->held_tokens -= hold->tokens;
    p->due_microcents += u->cost_microcents;
    p->due_tokens += u->usage.tokens_in + u->usage.tokens_out;
    p->used_at_ms = clock_steady_ms();
    struct book *b = p->book;
    append(l, b, row_new(u, now_ms, p));
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
    struct book *b = book_of(l, &c->org);
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
    enum err e = write_rows(l, b);
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
