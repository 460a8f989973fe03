#include "bus/tail.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/dispatch.h"

enum { BATCH = 128, ROUNDS = 64, SETUP_MS = 10000 };

struct tail {
    struct tail *next;
    uint64_t handle;
    struct id org;
    char *topic, *type, *key;    /* empty: all */
    uint64_t org_hash, key_hash; /* most events are not for it: told by these */
    int64_t position;
    bool ended;                                   /* fn said so, or tail_close() */
    bool (*fn)(void *arg, const struct event *e); /* or: */
    const struct tail_text *text;
    void *arg;
};

/* `lock` is held while fn runs: that is how tail_close() knows it is not. fn must not block, so
 * nobody waits long. */
struct tails {
    pthread_mutex_t lock;
    struct tail *first;
    int count;
    uint64_t last_handle;
};

struct tails *tails_new(void)
{
    struct tails *t = mem_new(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

static void tail_free(struct tail *t)
{
    free(t->topic);
    free(t->type);
    free(t->key);
    free(t);
}

void tails_free(struct tails **t)
{
    while ((*t)->first) {
        struct tail *tail = (*t)->first;
        (*t)->first = tail->next;
        tail_free(tail);
    }
    pthread_mutex_destroy(&(*t)->lock);
    free(*t);
    *t = NULL;
}

static char *copy_str(struct str s)
{
    char *copy = mem_new(s.n + 1);
    memcpy(copy, s.n ? s.p : "", s.n);
    return copy;
}

/* Names as they are stored; false for a topic or type there is not. */
static bool set_names(struct tail *t, const struct event_filter *f)
{
    struct str topic = str_of(f->topic), type = str_of(f->type);
    const struct topic *known = topic.n ? topic_find(topic) : NULL;
    const struct topic_type *known_type = known && type.n ? topic_find_type(known, type) : NULL;
    if ((topic.n && !known) || (known && type.n && !known_type)) {
        return false;
    }
    t->topic = mem_dupz(known ? known->name : "");
    t->type = known_type ? mem_dupz(known_type->name) : copy_str(type);
    t->key = copy_str(f->key);
    t->key_hash = str_hash(f->key);
    t->org_hash = str_hash(id_str(&t->org));
    return true;
}

static bool find_end(struct bus *b, const struct id *org, int64_t *out_seq)
{
    struct ctx *c = bus_handler_ctx(b, org, (struct str){0}, SETUP_MS);
    struct store *s;
    bool found = store_of(c, &s) == E_OK && topic_last_seq(c, s, out_seq) == E_OK;
    ctx_free(&c);
    return found;
}

static void note_tails(struct bus *b, const struct id *org, int change)
{
    struct bus_org *o = ready_org(b, org);
    pthread_mutex_lock(&b->lock);
    o->tails += change;
    o->tail_dirty = o->tails > 0;
    pthread_cond_signal(&b->watch);
    pthread_mutex_unlock(&b->lock);
}

static uint64_t add(struct bus *b, const struct event_filter *filter, const struct tail *like)
{
    const struct id *org = &like->org;
    struct tail *t = mem_new(sizeof(*t));
    *t = *like;
    if (!set_names(t, filter) || (t->position < 0 && !find_end(b, org, &t->position))) {
        tail_free(t);
        return 0;
    }
    pthread_mutex_lock(&b->tails->lock);
    uint64_t handle = b->tails->count < TAIL_MAX ? ++b->tails->last_handle : 0;
    if (handle) {
        t->handle = handle;
        t->next = b->tails->first;
        b->tails->first = t;
        b->tails->count++;
    }
    pthread_mutex_unlock(&b->tails->lock);
    if (!handle) {
        tail_free(t);
        return 0;
    }
    note_tails(b, org, 1);
    return handle;
}

uint64_t tail_open(struct bus *b, const struct id *org, const struct event_filter *filter,
                   bool (*fn)(void *arg, const struct event *e), void *arg)
{
    struct tail t = {.org = *org, .position = filter->after_seq, .fn = fn, .arg = arg};
    return add(b, filter, &t);
}

uint64_t tail_open_text(struct bus *b, const struct id *org, const struct event_filter *filter,
                        const struct tail_text *text, void *arg)
{
    struct tail t = {.org = *org, .position = filter->after_seq, .text = text, .arg = arg};
    return add(b, filter, &t);
}

void tail_close(struct bus *b, uint64_t handle)
{
    struct tail *found = NULL;
    pthread_mutex_lock(&b->tails->lock);
    for (struct tail **at = &b->tails->first; *at; at = &(*at)->next) {
        if ((*at)->handle == handle) {
            found = *at;
            *at = found->next;
            b->tails->count--;
            break;
        }
    }
    pthread_mutex_unlock(&b->tails->lock);
    if (found) {
        note_tails(b, &found->org, -1);
        tail_free(found);
    }
}

static bool wants(const struct tail *t, const struct event *e)
{
    return (!t->topic[0] || strcmp(t->topic, e->topic) == 0) &&
           (!t->type[0] || str_eqz(e->type, t->type)) && (!t->key[0] || str_eqz(e->key, t->key));
}

/* Where the tail that is furthest behind stands; false when none is open. */
static bool least_position(struct tails *tails, const struct id *org, int64_t *out_position)
{
    int64_t least = INT64_MAX;
    pthread_mutex_lock(&tails->lock);
    for (struct tail *t = tails->first; t; t = t->next) {
        if (!t->ended && id_eq(&t->org, org) && t->position < least) {
            least = t->position;
        }
    }
    pthread_mutex_unlock(&tails->lock);
    *out_position = least;
    return least < INT64_MAX;
}

/* The text that was made last of the event at hand. */
struct shown {
    const struct tail_text *text;
    struct buf made;
};

/* False: the tail has had enough. */
static bool show(const struct tail *t, const struct event *e, struct shown *s)
{
    if (!t->text) {
        return t->fn(t->arg, e);
    }
    if (s->text != t->text) {
        s->text = t->text;
        buf_clear(&s->made);
        t->text->write(e, &s->made);
    }
    return s->made.overflow || t->text->fn(t->arg, e, buf_str(&s->made));
}

static int deliver(struct tails *tails, const struct event *e)
{
    int delivered = 0;
    uint64_t org_hash = str_hash(id_str(&e->org)), key_hash = str_hash(e->key);
    struct shown shown = {.made = buf_make(TAIL_TEXT_MAX_BYTES)};
    pthread_mutex_lock(&tails->lock);
    for (struct tail *t = tails->first; t; t = t->next) {
        if (t->ended || t->position >= e->seq || t->org_hash != org_hash ||
            !id_eq(&t->org, &e->org)) {
            continue;
        }
        t->position = e->seq;
        if ((!t->key[0] || t->key_hash == key_hash) && wants(t, e)) {
            delivered++;
            t->ended = !show(t, e, &shown);
        }
    }
    pthread_mutex_unlock(&tails->lock);
    buf_free(&shown.made);
    return delivered;
}

enum err tails_pump(struct pump *p)
{
    struct events events = {.count = BATCH};
    for (int round = 0; round < ROUNDS && events.count == BATCH; round++) {
        struct event_filter filter = {.limit = BATCH};
        if (!least_position(p->bus->tails, &p->org->id, &filter.after_seq)) {
            return E_OK;
        }
        TRY(topic_list(p->c, p->s, &filter, &events));
        for (int i = 0; i < events.count; i++) {
            p->steps += deliver(p->bus->tails, &events.items[i]);
        }
    }
    p->full = p->full || events.count == BATCH;
    return E_OK;
}
