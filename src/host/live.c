#include "host/live.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

enum { FEW = 8 };

struct viewer {
    struct viewer *next;
    struct channel *channel;
    bool member;
};

struct room {
    struct id org;
    struct viewer *viewers;
};

struct live {
    pthread_mutex_t lock;
    struct map *rooms; /* conversation -> struct room */
    int count;
};

struct live *live_new(void)
{
    struct live *l = mem_new(sizeof(*l));
    pthread_mutex_init(&l->lock, NULL);
    l->rooms = map_new(LIVE_VIEWERS_MAX);
    return l;
}

void live_free(struct live **l)
{
    if (!*l) {
        return;
    }
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next((*l)->rooms, &cursor, &key, &value)) {
        struct room *r = value;
        while (r->viewers) {
            struct viewer *v = r->viewers;
            r->viewers = v->next;
            channel_release(&v->channel);
            free(v);
        }
        free(r);
    }
    map_free(&(*l)->rooms);
    pthread_mutex_destroy(&(*l)->lock);
    free(*l);
    *l = NULL;
}

bool live_join(struct live *l, const struct id *org, const struct id *conversation,
               struct channel *ch, bool member)
{
    pthread_mutex_lock(&l->lock);
    bool room_left = l->count < LIVE_VIEWERS_MAX;
    if (room_left) {
        struct room *r = map_get(l->rooms, id_str(conversation));
        if (!r) {
            r = mem_new(sizeof(*r));
            r->org = *org;
            map_set(l->rooms, id_str(conversation), r);
        }
        struct viewer *v = mem_new(sizeof(*v));
        *v = (struct viewer){r->viewers, channel_hold(ch), member};
        r->viewers = v;
        l->count++;
    }
    pthread_mutex_unlock(&l->lock);
    return room_left;
}

/* With the lock held: takes the channel out of the room; the list of what to release grows. */
static void leave_room(struct live *l, struct room *r, const struct channel *ch,
                       struct viewer **gone)
{
    struct viewer **at = &r->viewers;
    while (*at) {
        struct viewer *v = *at;
        if (v->channel == ch) {
            *at = v->next;
            v->next = *gone;
            *gone = v;
            l->count--;
        } else {
            at = &v->next;
        }
    }
}

void live_leave(struct live *l, const struct channel *ch)
{
    struct viewer *gone = NULL;
    pthread_mutex_lock(&l->lock);
    bool again = true;
    while (again) {
        again = false;
        size_t cursor = 0;
        struct str key;
        void *value;
        while (!again && map_next(l->rooms, &cursor, &key, &value)) {
            struct room *r = value;
            leave_room(l, r, ch, &gone);
            if (!r->viewers) {
                map_remove(l->rooms, key); /* key dies: start over */
                free(r);
                again = true;
            }
        }
    }
    pthread_mutex_unlock(&l->lock);
    while (gone) { /* outside the lock: the last reference frees the owner's state */
        struct viewer *v = gone;
        gone = v->next;
        channel_release(&v->channel);
        free(v);
    }
}

void live_close_org(struct live *l, const struct id *org, int code, const char *reason)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    pthread_mutex_lock(&l->lock);
    while (map_next(l->rooms, &cursor, &key, &value)) {
        const struct room *r = value;
        for (struct viewer *v = id_eq(&r->org, org) ? r->viewers : NULL; v; v = v->next) {
            if (!v->member) {
                channel_close(v->channel, code, reason);
            }
        }
    }
    pthread_mutex_unlock(&l->lock);
}

static void send_to(struct channel *ch, const char *type, struct str frame)
{
    if (channel_kind(ch) == SERVER_SSE) {
        channel_event(ch, STR(""), str_of(type), frame);
    } else {
        channel_send(ch, frame);
    }
}

void live_send(struct live *l, const struct id *conversation, const char *type, struct str frame,
               bool members_only)
{
    struct channel *few[FEW];
    int n = 0;
    pthread_mutex_lock(&l->lock);
    struct room *r = map_get(l->rooms, id_str(conversation));
    for (struct viewer *v = r ? r->viewers : NULL; v; v = v->next) {
        if (members_only && !v->member) {
            continue;
        }
        if (n < FEW) {
            few[n++] = channel_hold(v->channel);
        } else {
            send_to(v->channel, type, frame);
        }
    }
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < n; i++) { /* waking the loop takes longer than finding them did */
        send_to(few[i], type, frame);
        channel_release(&few[i]);
    }
}

int live_count(struct live *l)
{
    pthread_mutex_lock(&l->lock);
    int n = l->count;
    pthread_mutex_unlock(&l->lock);
    return n;
}
