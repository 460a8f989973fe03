#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/holder.h"

enum { MOST = 3, THREADS = 4, ROUNDS = 2000 };

struct thing {
    struct holding holding;
    int number;
    size_t bytes;
};

static int freed[16];

static void free_thing(struct holding *thing)
{
    struct thing *t = (struct thing *)thing;
    __atomic_add_fetch(&freed[t->number], 1, __ATOMIC_RELAXED);
    free(t);
}

static size_t bytes_of(const struct holding *thing)
{
    return ((const struct thing *)thing)->bytes;
}

static struct thing *thing_of(int number, size_t bytes)
{
    struct thing *t = mem_new(sizeof(*t));
    *t = (struct thing){.number = number, .bytes = bytes};
    return t;
}

static int begin(void **state)
{
    for (int i = 0; i < 16; i++) {
        freed[i] = 0;
    }
    *state = holder_new(&(struct holder_options){
        .most = MOST, .free_thing = free_thing, .bytes = bytes_of, .bytes_max = 100});
    return 0;
}

static int end(void **state)
{
    struct holder *h = *state;
    holder_free(&h);
    return 0;
}

static struct holding *keep(struct holder *h, const char *key, int number, size_t bytes)
{
    return holder_keep(h, str_of(key), &thing_of(number, bytes)->holding);
}

static void test_the_faster_one_counts(void **state)
{
    struct holder *h = *state;
    struct holding *first = keep(h, "a", 1, 1), *second = keep(h, "a", 2, 1);
    assert_ptr_equal(first, second);
    assert_int_equal(freed[2], 1);
    assert_ptr_equal(holder_take(h, STR("a")), first);
    assert_null(holder_take(h, STR("b")));
    for (int i = 0; i < 3; i++) {
        holder_give_back(first);
    }
    assert_int_equal(freed[1], 0);
}

static void test_who_holds_one_goes_on_with_it(void **state)
{
    struct holder *h = *state;
    struct holding *k = keep(h, "org/a", 1, 1);
    holder_give_back(keep(h, "org/b", 2, 1));
    holder_give_back(keep(h, "other/a", 3, 1));
    holder_forget(h, STR("org/"));
    assert_int_equal(freed[1], 0);
    assert_int_equal(freed[2], 1);
    assert_int_equal(freed[3], 0);
    assert_null(holder_take(h, STR("org/a")));
    assert_int_equal(((struct thing *)k)->number, 1);
    holder_give_back(k);
    assert_int_equal(freed[1], 1);
}

static void test_makes_room(void **state)
{
    struct holder *h = *state;
    struct holding *held = keep(h, "a", 1, 1);
    holder_give_back(keep(h, "b", 2, 1));
    holder_give_back(keep(h, "c", 3, 1));
    holder_give_back(keep(h, "d", 4, 1)); /* one of those that nobody holds goes */
    assert_int_equal(freed[1], 0);
    assert_int_equal(freed[2] + freed[3], 1);
    holder_give_back(keep(h, "e", 5, 200)); /* larger than all there may be: kept till the next */
    holder_give_back(keep(h, "f", 6, 1));
    assert_int_equal(freed[5], 1);
    assert_int_equal(freed[1], 0);
    holder_give_back(held);
}

static void test_when_all_are_held_the_next_is_its_tasks_own(void **state)
{
    struct holder *h = *state;
    struct holding *held[] = {keep(h, "a", 1, 1), keep(h, "b", 2, 1), keep(h, "c", 3, 1)};
    struct holding *own = keep(h, "d", 4, 1);
    assert_null(holder_take(h, STR("d")));
    holder_give_back(own);
    assert_int_equal(freed[4], 1);
    for (int i = 0; i < 3; i++) {
        holder_give_back(held[i]);
    }
}

static void *work(void *arg)
{
    struct holder *h = arg;
    char key[8];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(key, sizeof(key), "k%d", i % 5);
        struct holding *k = holder_take(h, str_of(key));
        k = k ? k : keep(h, key, i % 5, 1);
        assert_int_equal(((struct thing *)k)->number, i % 5);
        if (i % 97 == 0) {
            holder_forget(h, STR("k"));
        }
        holder_give_back(k);
    }
    return NULL;
}

static void test_many_tasks(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, *state), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        T(test_the_faster_one_counts),
        T(test_who_holds_one_goes_on_with_it),
        T(test_makes_room),
        T(test_when_all_are_held_the_next_is_its_tasks_own),
        T(test_many_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
