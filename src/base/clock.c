#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

struct clock {
    _Atomic int64_t set_ms;          /* 0: real time */
    _Atomic int64_t last_ms;         /* told */
    pthread_mutex_t lock;            /* while the system's clock is behind what was told */
    _Atomic int64_t since_steady_ms; /* since when it is; 0: it is not */
    int64_t since_ms;                /* what was told then */
};

struct clock *clock_new(void)
{
    struct clock *c = mem_new(sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void clock_free(struct clock **c)
{
    if (*c) {
        pthread_mutex_destroy(&(*c)->lock);
    }
    free(*c);
    *c = NULL;
}

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t behind_ms(struct clock *c, int64_t real_ms, int64_t steady_ms)
{
    pthread_mutex_lock(&c->lock);
    int64_t last = atomic_load(&c->last_ms), now = real_ms;
    if (last - real_ms <= CLOCK_SLEW_MAX_MS) {
        if (atomic_load(&c->since_steady_ms) == 0) {
            c->since_ms = last;
            atomic_store(&c->since_steady_ms, steady_ms);
        }
        now = c->since_ms + (steady_ms - atomic_load(&c->since_steady_ms)) / 2;
        now = now > last ? now : last;
    }
    atomic_store(&c->last_ms, now);
    pthread_mutex_unlock(&c->lock);
    return now;
}

int64_t clock_follow_ms(struct clock *c, int64_t real_ms, int64_t steady_ms)
{
    if (real_ms < atomic_load(&c->last_ms)) {
        return behind_ms(c, real_ms, steady_ms);
    }
    atomic_store(&c->last_ms, real_ms);
    if (atomic_load(&c->since_steady_ms)) {
        atomic_store(&c->since_steady_ms, 0);
    }
    return real_ms;
}

int64_t clock_now_ms(struct clock *c)
{
    int64_t set = atomic_load(&c->set_ms);
    return set ? set : clock_follow_ms(c, read_us(CLOCK_REALTIME) / 1000, clock_steady_ms());
}

void clock_set_ms(struct clock *c, int64_t now_ms)
{
    atomic_store(&c->set_ms, now_ms);
}

void clock_advance_ms(struct clock *c, int64_t delta_ms)
{
    clock_set_ms(c, clock_now_ms(c) + delta_ms);
}

bool clock_is_set(const struct clock *c)
{
    return atomic_load(&c->set_ms) != 0;
}

int64_t clock_steady_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_steady_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
