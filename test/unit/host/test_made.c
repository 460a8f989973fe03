#include "unit/codec/sample.h"

#include <pthread.h>

#include "host/made.h"

enum { THREADS = 8 };

static _Atomic int makings, endings;

static void *make(void)
{
    makings++;
    return calloc(1, 8);
}

static void unmake(void *thing)
{
    endings++;
    free(thing);
}

static const struct made_kind ONE = {make, unmake}, OTHER = {make, unmake};

static void *ask(void *m)
{
    return (void *)(uintptr_t)made_of(m, &ONE);
}

/* However many ask at the same time, each kind is made once and ended once. */
static void test_once(void **state)
{
    struct made *m = made_new();
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, ask, m);
    }
    for (int i = 0; i < THREADS; i++) {
        void *got;
        pthread_join(threads[i], &got);
        assert_ptr_equal(got, made_of(m, &ONE));
    }
    assert_int_equal(makings, 1);
    assert_ptr_not_equal(made_of(m, &ONE), made_of(m, &OTHER));
    assert_int_equal(makings, 2);
    made_free(&m);
    assert_int_equal(endings, 2);
    assert_null(m);
    made_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
