/* Requests that wait for news: without a thread, once, and never for ever. */
#include "unit/io/wire.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: test\r\n\r\n"

static const int two_threads[LANE_COUNT] = {2, 1};

static void expect_answer(int fd, struct buf *b, const char *body)
{
    int status;
    char *text = wire_answer(fd, b, &status);
    assert_int_equal(status, 200);
    const char *head_end = strstr(text, "\r\n\r\n");
    assert_non_null(head_end);
    assert_string_equal(head_end + 4, body);
    free(text);
}

static void test_woken_requests_are_answered_and_hold_no_thread(void **state)
{
    (void)state;
    enum { N = 24 };
    struct wire *w = wire_start_with(&(struct server_config){.port = 0}, two_threads, 0);
    int fds[N], status;
    struct buf bufs[N];
    for (int i = 0; i < N; i++) {
        fds[i] = wire_connect(w);
        bufs[i] = wire_buf();
        wire_say(fds[i], GET("/park"));
    }
    wire_wait(w, &w->parked_count, N);
    free(wire_ask(w, GET("/echo"), &status)); /* two threads, none of them held */
    assert_int_equal(status, 200);
    assert_int_equal(wire_count(w, &w->again), 0);
    for (int i = 0; i < N; i++) {
        server_wake(w->parked[i]);
        server_wake(w->parked[i]); /* twice is as once */
    }
    for (int i = 0; i < N; i++) {
        expect_answer(fds[i], &bufs[i], "again");
        wire_say(fds[i], GET("/else")); /* the connection lives on */
        expect_answer(fds[i], &bufs[i], "hello");
        buf_free(&bufs[i]);
        close(fds[i]);
    }
    assert_int_equal(wire_count(w, &w->again), N);
    server_wake(w->parked[0]); /* long over */
    wire_stop(w);
}

static void test_time_ends_the_wait(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int status;
    int64_t began_ms = clock_steady_ms();
    char *text = wire_ask(w, GET("/park?ms=60"), &status);
    assert_non_null(strstr(text, "\r\n\r\nagain"));
    assert_in_range(clock_steady_ms() - began_ms, 60, WIRE_MS / 2);
    free(text);
    wire_stop(w);
}

static void test_news_that_come_before_the_wait_end_it(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int status;
    char *text = wire_ask(w, GET("/park?early"), &status);
    assert_non_null(strstr(text, "\r\n\r\nagain"));
    free(text);
    wire_stop(w);
}

static void test_a_handler_may_answer_after_all(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int status;
    char *text = wire_ask(w, GET("/park?mind"), &status);
    assert_non_null(strstr(text, "\r\n\r\nchanged my mind"));
    free(text);
    assert_int_equal(wire_count(w, &w->again), 0);
    wire_stop(w);
}

static void test_a_peer_that_goes_ends_the_wait(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    wire_say(fd, GET("/park"));
    wire_wait(w, &w->parked_count, 1);
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    wire_wait(w, &w->again, 1);
    wire_stop(w);
}

static void test_a_stop_ends_the_wait_with_an_answer(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, GET("/park"));
    wire_wait(w, &w->parked_count, 1);
    int64_t began_ms = clock_steady_ms();
    wire_stop(w);
    assert_true(clock_steady_ms() - began_ms < 5000);
    expect_answer(fd, &b, "again");
    buf_free(&b);
    close(fd);
}

/* The end of the wait, the news and the peer's leaving meet in every order. */
static void test_all_ends_at_once(void **state)
{
    (void)state;
    enum { ROUNDS = 20, N = 3 };
    struct wire *w = wire_start_with(&(struct server_config){.port = 0}, two_threads, 0);
    for (int round = 0; round < ROUNDS; round++) {
        int fds[N];
        for (int i = 0; i < N; i++) {
            fds[i] = wire_connect(w);
            wire_say(fds[i], GET("/park?ms=3"));
        }
        wire_wait(w, &w->parked_count, N * (round + 1));
        usleep(2500);
        for (int i = 0; i < N; i++) {
            server_wake(w->parked[N * round + i]);
            close(fds[i]);
        }
        wire_wait(w, &w->again, N * (round + 1));
    }
    wire_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_woken_requests_are_answered_and_hold_no_thread),
        cmocka_unit_test(test_time_ends_the_wait),
        cmocka_unit_test(test_news_that_come_before_the_wait_end_it),
        cmocka_unit_test(test_a_handler_may_answer_after_all),
        cmocka_unit_test(test_a_peer_that_goes_ends_the_wait),
        cmocka_unit_test(test_a_stop_ends_the_wait_with_an_answer),
        cmocka_unit_test(test_all_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
