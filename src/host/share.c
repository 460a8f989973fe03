#include "host/share.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/map.h"

enum {
    ORGS_MAX = 4096, /* that hold something, or wait, at the same time */
    DUE_MS = 2000    /* who was called and has left takes what was kept within that time */
};

struct share_place {
    struct share *share;
    struct holding *of;
    struct share_place *next;
    void (*wake)(void *arg); /* NULL: not yet, or called already */
    void *arg;
    bool called; /* it has left the line, and room is kept for it */
};

/* An org's; there as long as any of it is. */
struct holding {
    struct id org;
    int held;
    int kept;             /* for those who were called, until they take it */
    int due;              /* of them: who have left the line and are on their way */
    int64_t due_until_ms; /* steady */
    int places;
    struct share_place *first, **end;
};

struct share {
    pthread_mutex_t lock;
    struct map *orgs;
    int each;
};

struct share *share_new(int each)
{
    struct share *s = mem_new(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->orgs = map_new(ORGS_MAX);
    s->each = each;
    return s;
}

void share_free(struct share **s)
{
    size_t cursor = 0;
    struct str key;
    void *holding;
    while (*s && map_next((*s)->orgs, &cursor, &key, &holding)) {
        free(holding);
    }
    if (*s) {
        map_free(&(*s)->orgs);
        pthread_mutex_destroy(&(*s)->lock);
    }
    free(*s);
    *s = NULL;
}

/* The rest under lock. NULL: too many orgs. */
static struct holding *holding_of(struct share *s, const struct id *org)
{
    struct holding *h = map_get(s->orgs, id_str(org));
    if (!h) {
        h = mem_new(sizeof(*h));
        h->org = *org;
        h->end = &h->first;
        if (!map_set(s->orgs, id_str(org), h)) {
            free(h);
            h = NULL;
        }
    }
    return h;
}

/* Who did not come for what was kept, does not want it any more. */
static void forget_late(struct holding *h)
{
    if (h->due && clock_steady_ms() > h->due_until_ms) {
        h->kept -= h->due;
        h->due = 0;
    }
}

static void drop_if_empty(struct share *s, struct holding *h)
{
    forget_late(h);
    if (h->held == 0 && h->places == 0 && h->due == 0) {
        map_remove(s->orgs, id_str(&h->org));
        free(h);
    }
}

static void call_next(const struct share *s, struct holding *h)
{
    forget_late(h);
    struct share_place *p = h->first;
    while (p && p->wake && h->held + h->kept < s->each) {
        h->first = p->next;
        h->end = h->first ? h->end : &h->first;
        h->kept++;
        p->called = true;
        p->wake(p->arg);
        p = h->first;
    }
}

static bool take(struct share *s, const struct id *org, bool waited)
{
    pthread_mutex_lock(&s->lock);
    struct holding *h = holding_of(s, org);
    if (h) {
        forget_late(h);
    }
    bool own = h && waited && h->due > 0; /* one of those it was kept for */
    bool taken =
        h && (own || (h->held + (waited ? 0 : h->kept) < s->each && (waited || !h->first)));
    if (own) {
        h->due--;
        h->kept--;
    }
    if (taken) {
        h->held++;
    } else if (h) {
        drop_if_empty(s, h);
    }
    pthread_mutex_unlock(&s->lock);
    return taken;
}

bool share_take(struct share *s, const struct id *org)
{
    return take(s, org, false);
}

bool share_take_waited(struct share *s, const struct id *org)
{
    return take(s, org, true);
}

void share_give(struct share *s, const struct id *org)
{
    pthread_mutex_lock(&s->lock);
    struct holding *h = map_get(s->orgs, id_str(org));
    if (h) {
        h->held--;
        call_next(s, h);
        drop_if_empty(s, h);
    }
    pthread_mutex_unlock(&s->lock);
}

struct share_place *share_line(struct share *s, const struct id *org)
{
    struct share_place *p = NULL;
    pthread_mutex_lock(&s->lock);
    struct holding *h = holding_of(s, org);
    if (h && h->places < SHARE_LINE_MAX) {
        p = mem_new(sizeof(*p));
        *p = (struct share_place){.share = s, .of = h};
        h->places++;
        *h->end = p;
        h->end = &p->next;
    }
    pthread_mutex_unlock(&s->lock);
    return p;
}

void share_wait(struct share_place *p, void (*wake)(void *arg), void *arg)
{
    pthread_mutex_lock(&p->share->lock);
    p->wake = wake;
    p->arg = arg;
    call_next(p->share, p->of);
    pthread_mutex_unlock(&p->share->lock);
}

static void unlink_place(struct holding *h, const struct share_place *p)
{
    struct share_place **at = &h->first;
    while (*at && *at != p) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = p->next;
        h->end = *at ? h->end : at;
    }
}

void share_leave(struct share_place **place)
{
    struct share_place *p = *place;
    struct share *s = p->share;
    struct holding *h = p->of;
    pthread_mutex_lock(&s->lock);
    if (p->called) {
        h->due++;
        h->due_until_ms = clock_steady_ms() + DUE_MS;
    } else {
        unlink_place(h, p);
        call_next(s, h); /* it may have stood before one who could go */
    }
    h->places--;
    drop_if_empty(s, h);
    pthread_mutex_unlock(&s->lock);
    free(p);
    *place = NULL;
}
