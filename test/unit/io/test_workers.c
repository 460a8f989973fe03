#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/ctx.h"
#include "io/workers.h"

/* A gate that tasks wait at, so that no test sleeps. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    int arrived;
    int done;
    int order[64];
};

static void gate_init(struct gate *g)
{
    *g = (struct gate){.open = false};
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
}

static void gate_open(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

static void gate_wait_arrived(struct gate *g, int n)
{
    pthread_mutex_lock(&g->lock);
    while (g->arrived < n) {
        pthread_cond_wait(&g->moved, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

static void gate_wait_done(struct gate *g, int n)
{
    pthread_mutex_lock(&g->lock);
    while (g->done < n) {
        pthread_cond_wait(&g->moved, &g->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

static void pass_gate(struct ctx *c, void *arg)
{
    struct gate *g = arg;
    assert_non_null(c->arena);
    pthread_mutex_lock(&g->lock);
    g->arrived++;
    pthread_cond_broadcast(&g->moved);
    while (!g->open) {
        pthread_cond_wait(&g->moved, &g->lock);
    }
    g->done++;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

/* Waits until the task is told to give up. */
static void until_cancelled(struct ctx *c, void *arg)
{
    struct gate *g = arg;
    pthread_mutex_lock(&g->lock);
    g->arrived++;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
    while (ctx_check(c) == E_OK) {
        sched_yield();
    }
    assert_int_equal(c->fault.err, E_CANCELLED);
    pthread_mutex_lock(&g->lock);
    g->done++;
    pthread_mutex_unlock(&g->lock);
}

struct numbered {
    struct gate *gate;
    int n;
};

static void note_number(struct ctx *c, void *arg)
{
    (void)c;
    struct numbered *me = arg;
    pthread_mutex_lock(&me->gate->lock);
    me->gate->order[me->gate->done++] = me->n;
    pthread_cond_broadcast(&me->gate->moved);
    pthread_mutex_unlock(&me->gate->lock);
}

static void count_up(struct ctx *c, void *arg)
{
    (void)c;
    atomic_fetch_add((atomic_int *)arg, 1);
}

static struct facilities facilities_of_test(struct clock *clock)
{
    return (struct facilities){.clock = clock};
}

static void test_queue_is_bounded(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct gate g;
    gate_init(&g);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 2);
    assert_true(workers_post(w, LANE_REQUEST, pass_gate, &g));
    gate_wait_arrived(&g, 1); /* the only thread is busy: from here on things queue */
    assert_true(workers_post(w, LANE_REQUEST, pass_gate, &g));
    assert_true(workers_post(w, LANE_REQUEST, pass_gate, &g));
    assert_int_equal(workers_queued(w, LANE_REQUEST), 2);
    assert_false(workers_post(w, LANE_REQUEST, pass_gate, &g));
    /* the other lane has room and a thread of its own */
    struct gate other;
    gate_init(&other);
    gate_open(&other);
    assert_true(workers_post(w, LANE_BACKGROUND, pass_gate, &other));
    gate_wait_done(&other, 1);
    gate_open(&g);
    gate_wait_done(&g, 3);
    workers_free(&w, 1000);
    assert_null(w);
    clock_free(&clock);
}

static void check_fresh(struct ctx *c, void *arg)
{
    atomic_int *bad = arg;
    int64_t left_ms = ctx_left_ms(c, INT64_MAX);
    if (left_ms > WORKERS_REQUEST_MS || left_ms < WORKERS_REQUEST_MS - 5000 || !c->cancel ||
        arena_used_bytes(c->arena) > sizeof(*c) + 16 || c->fault.err != E_OK || c->exchange) {
        atomic_fetch_add(bad, 1);
    }
    arena_alloc(c->arena, 5000);
}

static void test_each_task_gets_a_fresh_ctx(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){2, 1, 2}, 0);
    atomic_int bad;
    atomic_init(&bad, 0);
    for (int i = 0; i < 100; i++) {
        assert_true(workers_post(w, LANE_REQUEST, check_fresh, &bad));
    }
    workers_free(&w, 10000);
    assert_int_equal(atomic_load(&bad), 0);
    clock_free(&clock);
}

static void test_free_runs_what_is_queued_and_cancels_what_lasts(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct gate g;
    gate_init(&g);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 0);
    atomic_int count;
    atomic_init(&count, 0);
    assert_true(workers_post(w, LANE_REQUEST, until_cancelled, &g));
    gate_wait_arrived(&g, 1);
    for (int i = 0; i < 10; i++) {
        assert_true(workers_post(w, LANE_REQUEST, count_up, &count));
    }
    workers_free(&w, 20); /* the first never ends by itself: it is cancelled, the rest still run */
    assert_int_equal(g.done, 1);
    assert_int_equal(atomic_load(&count), 10);
    clock_free(&clock);
}

static void test_timers_fire_in_order_of_time(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct gate g;
    gate_init(&g);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 0);
    static const int delays_ms[] = {60, 20, 100, 40, 80, 0};
    static const int expect[] = {0, 20, 40, 60, 80, 100};
    struct numbered tasks[6];
    for (int i = 0; i < 6; i++) {
        tasks[i] = (struct numbered){&g, delays_ms[i]};
        assert_int_not_equal(
            workers_post_later(w, LANE_BACKGROUND, delays_ms[i], note_number, &tasks[i]), 0);
    }
    int64_t start_ms = clock_steady_ms();
    gate_wait_done(&g, 6);
    assert_true(clock_steady_ms() - start_ms >= 95); /* none came early */
    assert_memory_equal(g.order, expect, sizeof(expect));
    workers_free(&w, 1000);
    clock_free(&clock);
}

static void test_cancelled_timers_never_run(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct gate g;
    gate_init(&g);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 0);
    struct numbered never = {&g, -1}, last = {&g, 1};
    uint64_t handles[50];
    for (int i = 0; i < 50; i++) {
        handles[i] = workers_post_later(w, LANE_REQUEST, 30 + i % 7, note_number, &never);
    }
    for (int i = 0; i < 50; i++) {
        assert_true(workers_cancel(w, handles[(i * 17) % 50])); /* in an order unlike the heap's */
    }
    assert_false(workers_cancel(w, handles[3])); /* twice */
    assert_false(workers_cancel(w, 0));
    assert_false(workers_cancel(w, 0xffffffffffffu));
    uint64_t reused = workers_post_later(w, LANE_REQUEST, 60, note_number, &last);
    for (int i = 0; i < 50; i++) {
        assert_false(workers_cancel(w, handles[i])); /* old handles do not reach the reused slot */
    }
    gate_wait_done(&g, 1);
    assert_int_equal(g.order[0], 1);
    assert_false(workers_cancel(w, reused)); /* it ran */
    workers_free(&w, 1000);
    clock_free(&clock);
}

static void test_timers_are_bounded(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 0);
    atomic_int count;
    atomic_init(&count, 0);
    uint64_t one = 0;
    for (int i = 0; i < WORKERS_TIMERS_MAX; i++) {
        one = workers_post_later(w, LANE_REQUEST, 3600 * 1000 + i, count_up, &count);
        assert_int_not_equal(one, 0);
    }
    assert_int_equal(workers_post_later(w, LANE_REQUEST, 1, count_up, &count), 0);
    assert_true(workers_cancel(w, one));
    assert_int_not_equal(workers_post_later(w, LANE_REQUEST, 3600 * 1000, count_up, &count), 0);
    workers_free(&w, 1000); /* what is not due is dropped */
    assert_int_equal(atomic_load(&count), 0);
    clock_free(&clock);
}

static void test_timer_outlasts_a_full_lane(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    struct gate g;
    gate_init(&g);
    struct gate late;
    gate_init(&late);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){1, 1, 1}, 1);
    assert_true(workers_post(w, LANE_REQUEST, pass_gate, &g));
    gate_wait_arrived(&g, 1);
    assert_true(workers_post(w, LANE_REQUEST, pass_gate, &g)); /* the queue of one is full */
    struct numbered last = {&late, 7};
    assert_int_not_equal(workers_post_later(w, LANE_REQUEST, 0, note_number, &last), 0);
    gate_open(&g);
    gate_wait_done(&late, 1);
    assert_int_equal(late.order[0], 7);
    workers_free(&w, 1000);
    clock_free(&clock);
}

struct poster {
    struct workers *w;
    atomic_int *count;
};

static void *post_many(void *arg)
{
    struct poster *p = arg;
    for (int i = 0; i < 500; i++) {
        while (!workers_post(p->w, (enum worker_lane)(i % 2), count_up, p->count)) {
            sched_yield();
        }
        uint64_t h = workers_post_later(p->w, LANE_REQUEST, i % 5, count_up, p->count);
        if (i % 3 == 0 && workers_cancel(p->w, h)) {
            atomic_fetch_add(p->count, 1);
        }
    }
    return NULL;
}

static void test_many_posters_lose_nothing(void **state)
{
    (void)state;
    struct clock *clock = clock_new();
    struct facilities at = facilities_of_test(clock);
    atomic_int count;
    atomic_init(&count, 0);
    struct workers *w = workers_new(&at, (const int[LANE_COUNT]){3, 3, 3}, 16);
    struct poster p = {w, &count};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, post_many, &p);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    int64_t until_ms = clock_steady_ms() + 20000;
    while (atomic_load(&count) < 4000 && clock_steady_ms() < until_ms) {
        sched_yield();
    }
    workers_free(&w, 10000);
    assert_int_equal(atomic_load(&count), 4000);
    clock_free(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_each_task_gets_a_fresh_ctx),
        cmocka_unit_test(test_free_runs_what_is_queued_and_cancels_what_lasts),
        cmocka_unit_test(test_timers_fire_in_order_of_time),
        cmocka_unit_test(test_cancelled_timers_never_run),
        cmocka_unit_test(test_timers_are_bounded),
        cmocka_unit_test(test_timer_outlasts_a_full_lane),
        cmocka_unit_test(test_many_posters_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
