#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

struct clock {
    _Atomic int64_t set_ms; /* 0: real time */
};

struct clock *clock_new(void)
{
    return mem_new(sizeof(struct clock));
}

void clock_free(struct clock **c)
{
    free(*c);
    *c = NULL;
}

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_ms(const struct clock *c)
{
    int64_t set = atomic_load(&c->set_ms);
    return set ? set : read_us(CLOCK_REALTIME) / 1000;
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
