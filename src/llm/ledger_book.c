#include "llm/ledger_book.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { BATCH_MAX = 512, TASK_BYTES = 8 << 20, DAY_MS = 86400000, NAME_MAX_BYTES = 512 };

/* ---- finding; all locked */

struct book *ledger_book_of(struct ledger *l, const struct id *org)
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

struct purse *ledger_book_purse(struct ledger *l, const struct id *org, struct str agent)
{
    char text[NAME_MAX_BYTES];
    struct str name = name_of(text, sizeof(text), org, agent);
    struct purse *p = map_get(l->by_name, name);
    if (!p) {
        p = mem_new(sizeof(*p));
        p->agent = mem_new(agent.n + 1);
        memcpy(p->agent, agent.p ? agent.p : "", agent.n);
        p->lease.agent = str_make(p->agent, agent.n);
        p->book = ledger_book_of(l, org);
        if (!map_set(l->by_name, name, p)) {
            free(p->agent);
            free(p);
            return NULL;
        }
        p->next = p->book->purses;
        if (p->next) {
            p->next->before = p;
        }
        p->book->purses = p;
    }
    return p;
}

void ledger_book_drop(struct purse *p)
{
    free(p->agent);
    free(p);
}

/* ---- who is idle; all locked ----------------------------------------------- */

static void unlink_idle(struct ledger *l, struct purse *p)
{
    *(p->idler ? &p->idler->less_idle : &l->idlest) = p->less_idle;
    *(p->less_idle ? &p->less_idle->idler : &l->last_idle) = p->idler;
    p->idle = false;
}

void ledger_book_used(struct ledger *l, struct purse *p)
{
    p->used_at_ms = clock_steady_ms();
    if (p->idle) {
        unlink_idle(l, p);
    }
    if (p->open == 0) {
        p->idle = true;
        p->less_idle = NULL;
        p->idler = l->last_idle;
        *(l->last_idle ? &l->last_idle->less_idle : &l->idlest) = p;
        l->last_idle = p;
    }
}

void ledger_book_hold(struct ledger *l, struct purse *p)
{
    p->open++;
    ledger_book_used(l, p);
}

void ledger_book_release(struct ledger *l, struct purse *p)
{
    p->open--;
    ledger_book_used(l, p);
}

struct purse *ledger_book_idle(struct ledger *l, int64_t before_ms)
{
    while (l->idlest && l->idlest->used_at_ms < before_ms) {
        if (l->idlest->book->rows == 0) {
            return l->idlest;
        }
        ledger_book_used(l, l->idlest); /* what waits is written first */
    }
    return NULL;
}

void ledger_book_remove(struct ledger *l, struct purse *p)
{
    char text[NAME_MAX_BYTES];
    *(p->before ? &p->before->next : &p->book->purses) = p->next;
    if (p->next) {
        p->next->before = p->before;
    }
    if (p->idle) {
        unlink_idle(l, p);
    }
    map_remove(l->by_name, name_of(text, sizeof(text), &p->book->org, p->lease.agent));
    ledger_book_drop(p);
}

/* ---- rows ------------------------------------------------------------------ */

static struct str moved(char **to, struct str s)
{
    char *p = *to;
    memcpy(p, s.p ? s.p : "", s.n);
    *to += s.n;
    return str_make(p, s.n);
}

struct spend_row *ledger_book_row(const struct spend_usage *u, int64_t at_ms, struct purse *p)
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

void ledger_book_free_rows(struct spend_row *r)
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
    b->retry_at_ms = clock_steady_ms() + LEDGER_BOOK_RETRY_MS;
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

enum err ledger_book_write(struct ledger *l, struct book *b)
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
            ledger_book_free_rows(rows);
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
