#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/shop.h"
#include "svc/chat/view.h"

enum { DEVICES = 8 };

static const struct service *const services[] = {&chat_service, NULL};

static int begin(void **state)
{
    struct shop *w = calloc(1, sizeof(*w));
    shop_open(w, &(struct shop_setup){.services = services});
    *state = w;
    return 0;
}

static void add_session(struct shop *w, const struct id *id, int64_t expires_at_ms)
{
    assert_int_equal(store_exec(w->c, w->store, NULL,
                                "INSERT INTO chat_session (id, hash, contact_id, conversation_id,"
                                " agent_id, created_at, expires_at)"
                                " VALUES (?1, 'x', ?1, ?1, ?1, 0, ?2)",
                                S_ID(id), S_INT(expires_at_ms)),
                     E_OK);
}

static int64_t sessions(struct shop *w)
{
    struct store_rows rows;
    assert_int_equal(store_query(w->c, w->store, &rows, "SELECT count(*) FROM chat_session"), E_OK);
    return row_int(&rows, 0, 0);
}

static void test_expired_sessions_go(void **state)
{
    struct shop *w = *state;
    for (int i = -1500; i < 3; i++) { /* more than one chunk of them */
        struct id id = id_new(INSTALLATION_NOW_MS);
        add_session(w, &id, INSTALLATION_NOW_MS + i);
    }
    assert_int_equal(sessions(w), 1503);
    assert_int_equal(session_expire(w->c), E_OK);
    assert_int_equal(sessions(w), 2); /* the third ends in this very millisecond */
}

struct device {
    struct shop *w;
    struct str code;
    pthread_barrier_t *start;
    enum err outcome;
};

static void *pair(void *arg)
{
    struct device *d = arg;
    struct ctx *c = lifecycle_ctx(d->w->installation.life);
    struct chat_session session;
    struct str token;
    pthread_barrier_wait(d->start);
    d->outcome = session_pair(c, d->code, &session, &token);
    ctx_free(&c);
    return NULL;
}

static void test_one_code_lets_one_device_in(void **state)
{
    struct shop *w = *state;
    struct chat_session session = {.id = id_new(INSTALLATION_NOW_MS)};
    struct str code;
    int64_t expires_at_ms;
    add_session(w, &session.id, INSTALLATION_NOW_MS + 1000);
    assert_int_equal(session_pairing_code(w->c, &session, &code, &expires_at_ms), E_OK);
    pthread_barrier_t start;
    pthread_t threads[DEVICES];
    struct device devices[DEVICES];
    pthread_barrier_init(&start, NULL, DEVICES);
    for (int i = 0; i < DEVICES; i++) {
        devices[i] = (struct device){w, code, &start, E_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, pair, &devices[i]), 0);
    }
    int in = 0;
    for (int i = 0; i < DEVICES; i++) {
        pthread_join(threads[i], NULL);
        in += devices[i].outcome == E_OK;
        assert_true(devices[i].outcome == E_OK || devices[i].outcome == E_GONE);
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(in, 1);
}

static void test_a_code_of_an_ended_session_is_worth_nothing(void **state)
{
    struct shop *w = *state;
    struct chat_session session = {.id = id_new(INSTALLATION_NOW_MS)}, out;
    struct str code, token;
    int64_t expires_at_ms;
    add_session(w, &session.id, INSTALLATION_NOW_MS + 1000);
    assert_int_equal(session_pairing_code(w->c, &session, &code, &expires_at_ms), E_OK);
    clock_advance_ms(w->installation.clock, 1000);
    assert_int_equal(session_pair(w->c, code, &out, &token), E_GONE);
    assert_string_equal(w->c->fault.field, "pairing_code");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, shop_end)
        T(test_expired_sessions_go),
        T(test_one_code_lets_one_device_in),
        T(test_a_code_of_an_ended_session_is_worth_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
