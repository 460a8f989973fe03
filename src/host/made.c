#include "host/made.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct made {
    pthread_mutex_t lock;
    int count;
    struct {
        const struct made_kind *kind;
        void *thing;
    } items[MADE_MAX];
};

struct made *made_new(void)
{
    struct made *m = mem_new(sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void made_free(struct made **m)
{
    if (!*m) {
        return;
    }
    for (int i = 0; i < (*m)->count; i++) {
        (*m)->items[i].kind->unmake((*m)->items[i].thing);
    }
    pthread_mutex_destroy(&(*m)->lock);
    free(*m);
    *m = NULL;
}

const void *made_of(struct made *m, const struct made_kind *kind)
{
    void *thing = NULL;
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < m->count && !thing; i++) {
        thing = m->items[i].kind == kind ? m->items[i].thing : NULL;
    }
    if (!thing) {
        assert(m->count < MADE_MAX);
        thing = kind->make();
        m->items[m->count].kind = kind;
        m->items[m->count++].thing = thing;
    }
    pthread_mutex_unlock(&m->lock);
    return thing;
}
