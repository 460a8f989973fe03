#include "host/share.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"

enum { ORGS_MAX = 4096 }; /* that hold something at the same time */

struct share {
    pthread_mutex_t lock;
    struct map *held; /* org -> how many, as a pointer */
    int each;
};

struct share *share_new(int each)
{
    struct share *s = mem_new(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    s->held = map_new(ORGS_MAX);
    s->each = each;
    return s;
}

void share_free(struct share **s)
{
    if (*s) {
        map_free(&(*s)->held);
        pthread_mutex_destroy(&(*s)->lock);
    }
    free(*s);
    *s = NULL;
}

bool share_take(struct share *s, const struct id *org)
{
    pthread_mutex_lock(&s->lock);
    intptr_t n = (intptr_t)map_get(s->held, id_str(org));
    bool taken = n < s->each && map_set(s->held, id_str(org), (void *)(n + 1));
    pthread_mutex_unlock(&s->lock);
    return taken;
}

void share_give(struct share *s, const struct id *org)
{
    pthread_mutex_lock(&s->lock);
    intptr_t n = (intptr_t)map_get(s->held, id_str(org));
    if (n > 1) {
        map_set(s->held, id_str(org), (void *)(n - 1));
    } else {
        map_remove(s->held, id_str(org));
    }
    pthread_mutex_unlock(&s->lock);
}
