#include "unit/io/wire.h"

#include <dirent.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: test\r\n\r\n"

static const struct server_config quick = {
    .header_timeout_ms = 150, .body_timeout_ms = 150, .idle_timeout_ms = 150};

static void test_request_arrives_whole(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int status = 0;
    char *text = wire_ask(w,
                          "PUT /./echo?a=%20b HTTP/1.1\r\nHost: test\r\nX-Odd: 1\r\nx-odd: 2\r\n"
                          "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
                          "Content-Length: 5\r\n\r\nhello",
                          &status);
    assert_int_equal(status, 200);
    assert_non_null(strstr(text, "PUT /echo ? a=%20b from 127.0.0.1\n"));
    assert_non_null(strstr(text, "[X-Odd]=[1]\n[x-odd]=[2]\n"));
    assert_non_null(strstr(text, "id 4bf92f3577b34da6a3ce929d0e0e4736\n\nhello"));
    assert_non_null(strstr(text, "\r\nDate: "));
    assert_null(strstr(text, "\r\nServer: "));
    assert_null(strstr(text, "Connection:"));
    free(text);
    wire_stop(w);
}

static void test_body_is_any_bytes(void **state)
{
    (void)state;
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 8\r\n\r\n"
                                  "a\0b\r\n\r\n\xff";
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_send(fd, request, sizeof(request) - 1);
    size_t head = wire_until(fd, &b, "\n\n");
    while (b.n < head + 10) {
        assert_true(wire_more(fd, &b));
    }
    assert_memory_equal(b.p + head + 2, "a\0b\r\n\r\n\xff", 8);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_bad_traceparents_are_not_adopted(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "",
    };
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char request[300];
        snprintf(request, sizeof(request),
                 "GET /echo HTTP/1.1\r\nHost: t\r\ntraceparent: %s\r\n\r\n", bad[i]);
        int status;
        char *text = wire_ask(w, request, &status);
        char *id = strstr(text, "\nid ");
        assert_non_null(id);
        assert_int_equal(strspn(id + 4, "0123456789abcdef"), 32);
        assert_true(strncmp(id + 4, "00000000", 8) != 0);
        assert_true(strncasecmp(id + 4, "4bf92f35", 8) != 0);
        free(text);
    }
    wire_stop(w);
}

/* Every way of cutting two pipelined requests in two gives the same two answers. */
static void test_pipelined_and_split_anywhere(void **state)
{
    (void)state;
    static const char two[] = "POST /echo?1 HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
                              "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n\r\n"
                              "POST /echo?2 HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nxyz";
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    for (size_t cut = 1; cut < sizeof(two) - 1; cut++) {
        int fd = wire_connect(w);
        struct buf b = wire_buf();
        int status;
        wire_send(fd, two, cut);
        usleep(cut % 8 == 0 ? 500 : 0); /* sometimes apart, sometimes together */
        wire_send(fd, two + cut, sizeof(two) - 1 - cut);
        char *first = wire_answer(fd, &b, &status);
        char *second = wire_answer(fd, &b, &status);
        assert_non_null(strstr(first, "? 1 "));
        assert_non_null(strstr(first, "\n\nabcde"));
        assert_non_null(strstr(second, "? 2 "));
        assert_non_null(strstr(second, "\n\nxyz"));
        free(first);
        free(second);
        buf_free(&b);
        close(fd);
    }
    wire_stop(w);
}

static void test_deep_pipeline_is_answered_in_order(void **state)
{
    (void)state;
    enum { REQUESTS = 3000 };
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct buf all = wire_buf();
    for (int i = 0; i < REQUESTS; i++) {
        buf_addf(&all, "GET /echo?n=%d. HTTP/1.1\r\nHost: t\r\n\r\n", i);
    }
    int fd = wire_connect(w);
    wire_send(fd, all.p, all.n);
    struct buf b = wire_buf();
    for (int i = 0; i < REQUESTS; i++) {
        char mark[32];
        int status;
        char *text = wire_answer(fd, &b, &status);
        snprintf(mark, sizeof(mark), "n=%d. ", i);
        assert_non_null(strstr(text, mark));
        free(text);
    }
    buf_free(&all);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_keep_alive_and_close(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    int status;
    wire_say(fd, GET("/"));
    free(wire_answer(fd, &b, &status));
    wire_say(fd, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n" GET("/never"));
    wire_to_end(fd, &b);
    assert_non_null(strstr(b.p, "\r\nConnection: close\r\n"));
    assert_null(strstr(b.p + 10, "HTTP/1.1")); /* one answer */
    close(fd);

    buf_clear(&b);
    fd = wire_connect(w);
    wire_say(fd, "GET / HTTP/1.0\r\n\r\n");
    wire_to_end(fd, &b);
    assert_non_null(strstr(b.p, "\r\nConnection: close\r\n"));
    close(fd);

    buf_clear(&b);
    fd = wire_connect(w);
    wire_say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    char *text = wire_answer(fd, &b, &status);
    assert_non_null(strstr(text, "\r\nConnection: keep-alive\r\n"));
    free(text);
    wire_say(fd, "GET / HTTP/1.0\r\n\r\n");
    wire_to_end(fd, &b);
    assert_non_null(strstr(b.p, "\r\nConnection: close\r\n"));
    close(fd);
    buf_free(&b);
    wire_stop(w);
}

static void test_half_closed_peer_is_answered(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, GET("/wait"));
    shutdown(fd, SHUT_WR);
    wire_wait(w, &w->arrived, 1);
    wire_open_gate(w);
    wire_to_end(fd, &b);
    assert_true(str_starts(buf_str(&b), STR("HTTP/1.1 200 ")));
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_head_and_bare_statuses(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct buf b = wire_buf();
    int fd = wire_connect(w);
    wire_say(fd, "HEAD / HTTP/1.1\r\nHost: t\r\n\r\n"
                 "GET /status?n=204 HTTP/1.1\r\nHost: t\r\n\r\n"
                 "GET /status?n=304 HTTP/1.1\r\nHost: t\r\n\r\n"
                 "HEAD /a%zz HTTP/1.1\r\nHost: t\r\n\r\n");
    wire_to_end(fd, &b);
    assert_null(strstr(b.p, "hello"));
    assert_null(strstr(b.p, "body"));
    assert_null(strstr(b.p, "{"));
    assert_non_null(strstr(b.p, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(b.p, "\r\nContent-Length: 5\r\n")); /* what GET would have had */
    char *bare = strstr(b.p, "HTTP/1.1 204 ");
    assert_non_null(bare);
    assert_non_null(strstr(b.p, "HTTP/1.1 304 "));
    char *refused = strstr(b.p, "HTTP/1.1 400 ");
    assert_non_null(refused);
    char *length = strstr(bare, "Content-Length");
    assert_true(length == NULL || length > refused); /* 204 and 304 have none */
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_large_answers(void **state)
{
    (void)state;
    static const char *const requests[] = {GET("/static"), GET("/copied")};
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    for (int i = 0; i < 2; i++) {
        int status;
        char *text = wire_ask(w, requests[i], &status);
        char *body = strstr(text, "\r\n\r\n") + 4;
        assert_memory_equal(body, w->big, WIRE_STATIC_BYTES);
        free(text);
    }
    wire_stop(w);
}

static void test_answers_cannot_be_split(void **state)
{
    (void)state;
    static const char *const requests[] = {
        GET("/inject?v=a%0d%0aX-Evil:%20b"),
        GET("/inject?v=a%0aX-Evil:%20b"),
        GET("/inject?v=a%00"),
        GET("/inject-name"),
        GET("/status?n=99"),
        GET("/status?n=0"),
        GET("/status?n=600"),
    };
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        int status;
        char *text = wire_ask(w, requests[i], &status);
        assert_int_equal(status, 500);
        assert_null(strstr(text, "X-"));
        assert_non_null(strstr(text, "\"code\":\"internal\""));
        free(text);
    }
    int status;
    char *text = wire_ask(w, GET("/inject?v=fine%20value"), &status);
    assert_int_equal(status, 200);
    assert_non_null(strstr(text, "\r\nX-Given: fine value\r\n"));
    free(text);
    text = wire_ask(w, GET("/framing"), &status);
    assert_non_null(strstr(text, "\r\nContent-Length: 20\r\n"));
    assert_null(strstr(text, "999"));
    assert_null(strstr(text, "chunked"));
    assert_null(strstr(text, "close"));
    free(text);
    wire_stop(w);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .body_max_bytes = 100});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    int status;
    wire_say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                 "Content-Length: 4\r\n\r\n");
    free(wire_answer(fd, &b, &status));
    assert_int_equal(status, 100);
    wire_say(fd, "body");
    char *text = wire_answer(fd, &b, &status);
    assert_int_equal(status, 200);
    assert_non_null(strstr(text, "\n\nbody"));
    free(text);
    /* with the body already there, nobody waits for a 100 */
    wire_say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                 "Content-Length: 4\r\n\r\nbody");
    free(wire_answer(fd, &b, &status));
    assert_int_equal(status, 200);
    /* a body that is too large is refused before it is sent */
    wire_say(fd, "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                 "Content-Length: 101\r\n\r\n");
    free(wire_answer(fd, &b, &status));
    assert_int_equal(status, 413);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

struct refusal_row {
    const char *why;
    const char *request;
    int status;
};

static void test_refusals_name_the_reason(void **state)
{
    (void)state;
    static const struct refusal_row rows[] = {
        {"a path that climbs", GET("/a/../b"), 400},
        {"a path that climbs in disguise", GET("/a/%2e%2e/b"), 400},
        {"NUL in the path", GET("/a%00b"), 400},
        {"a path that is not UTF-8", GET("/%ff"), 400},
        {"a request inside a request",
         "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n",
         400},
        {"bare line feeds", "GET / HTTP/1.1\nHost: t\n\n", 400},
        {"TLS", "\x16\x03\x01\x02", 400},
        {"a bad chunk", "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
         400},
        {"a body too large", "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 101\r\n\r\n", 413},
        {"chunks too large",
         "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 200},
        {"an unknown expectation", "GET / HTTP/1.1\r\nHost: t\r\nExpect: x\r\n\r\n", 417},
        {"an unknown coding", "GET / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: x\r\n\r\n", 501},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    };
    struct wire *w = wire_start(&(struct server_config){.port = 0, .body_max_bytes = 100});
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].status == 200) {
            continue; /* see test_chunked_body_has_a_maximum */
        }
        int fd = wire_connect(w);
        struct buf b = wire_buf();
        wire_say(fd, rows[i].request);
        wire_to_end(fd, &b); /* and the connection ends: what follows is not to be trusted */
        char *again = strstr(strstr(b.p, "\r\nDate: ") + 1, "\r\nDate: ");
        if (atoi(b.p + 9) != rows[i].status || again) {
            fail_msg("%s: %s", rows[i].why, b.p);
        }
        assert_non_null(strstr(b.p, "\r\nContent-Type: application/problem+json\r\n"));
        assert_non_null(strstr(b.p, "\r\nConnection: close\r\n"));
        assert_non_null(strstr(b.p, "\"request_id\":\""));
        buf_free(&b);
        close(fd);
    }
    wire_stop(w);
}

static void test_chunked_body_has_a_maximum(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .body_max_bytes = 100});
    static const char head[] =
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    char text[512];
    snprintf(text, sizeof(text), "%s64\r\n%0100d\r\n0\r\n\r\n", head, 7);
    assert_int_equal(wire_status(w, text), 200);
    snprintf(text, sizeof(text), "%s64\r\n%0100d\r\n1\r\nx\r\n0\r\n\r\n", head, 7);
    assert_int_equal(wire_status(w, text), 413);
    wire_stop(w);
}

static void test_header_limits(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct buf b = wire_buf();
    buf_addf(&b, "GET /%05000d HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    assert_int_equal(wire_status(w, b.p), 414);
    buf_clear(&b);
    buf_addf(&b, "GET /%09000d HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    assert_int_equal(wire_status(w, b.p), 414);
    buf_clear(&b);
    buf_addf(&b, "GET / HTTP/1.1\r\nHost: t\r\nX: %016400d\r\n\r\n", 1);
    assert_int_equal(wire_status(w, b.p), 431);
    buf_clear(&b);
    buf_addf(&b, "GET /?%07000d HTTP/1.1\r\nHost: t\r\nX: %08000d\r\n\r\n", 1, 1);
    assert_int_equal(wire_status(w, b.p), 200);
    buf_clear(&b);
    buf_add_str(&b, STR("GET / HTTP/1.1\r\nHost: t\r\n"));
    for (int i = 0; i < SERVER_HEADERS_MAX; i++) {
        buf_add_str(&b, STR("X: y\r\n"));
    }
    buf_add_str(&b, STR("\r\n"));
    assert_int_equal(wire_status(w, b.p), 431);
    buf_free(&b);
    wire_stop(w);
}

/* A peer that sends its upload to the end still reads why it was refused. */
static void test_refusal_reaches_a_peer_that_keeps_sending(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .body_max_bytes = 1000});
    int fd = wire_connect(w);
    wire_say(fd, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2000000\r\n\r\n");
    wire_send(fd, w->big, 2000000);
    struct buf b = wire_buf();
    wire_to_end(fd, &b);
    assert_true(str_starts(buf_str(&b), STR("HTTP/1.1 413 ")));
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_slow_peers_are_cut(void **state)
{
    (void)state;
    static const struct refusal_row rows[] = {
        {"says nothing", "", 0},
        {"half a head", "GET / HTTP/1.1\r\nHos", 408},
        {"half a body", "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf", 408},
        {"half a chunk", "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         408},
        {"idle after an answer", GET("/"), 200},
        {"empty lines are no life", GET("/") "\r\n\r\n\r\n", 200},
        {"half a head after an answer", GET("/") "GET", 200},
    };
    struct wire *w = wire_start(&quick);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int fd = wire_connect(w);
        struct buf b = wire_buf();
        wire_say(fd, rows[i].request);
        wire_to_end(fd, &b);
        if ((b.n ? atoi(b.p + 9) : 0) != rows[i].status) {
            fail_msg("%s: %s", rows[i].why, b.n ? b.p : "nothing");
        }
        buf_free(&b);
        close(fd);
    }
    wire_stop(w);
}

/* One byte at a time does not keep the clock from running out. */
static void test_dripping_head_is_cut(void **state)
{
    (void)state;
    struct wire *w = wire_start(&quick);
    int fd = wire_connect(w);
    int64_t start_ms = clock_steady_ms();
    char byte;
    wire_say(fd, "GET / HTTP/1.1\r\nX: ");
    while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && clock_steady_ms() - start_ms < WIRE_MS) {
        wire_say(fd, "y");
        usleep(5000);
    }
    assert_true(clock_steady_ms() - start_ms < WIRE_MS);
    close(fd);
    wire_stop(w);
}

static void test_peer_that_does_not_read_is_cut(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .write_timeout_ms = 150});
    int fd = wire_connect(w);
    int small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 20; i++) {
        wire_say(fd, GET("/static")); /* 60 MB in all: more than any socket buffer */
    }
    wire_wait_connections(w, 1);
    wire_wait_connections(w, 0);
    close(fd);
    wire_stop(w);
}

/* Nor does it help to take a byte now and then. */
static void test_peer_that_sips_is_cut(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .write_timeout_ms = 200});
    int fd = wire_connect(w), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 20; i++) {
        wire_say(fd, GET("/static"));
    }
    char sip[64];
    int64_t start_ms = clock_steady_ms();
    wire_wait_connections(w, 1);
    while (recv(fd, sip, sizeof(sip), 0) > 0 && wire_connections(w) > 0) {
        assert_true(clock_steady_ms() - start_ms < WIRE_MS);
        usleep(2000);
    }
    wire_wait_connections(w, 0);
    close(fd);
    wire_stop(w);
}

static void test_too_many_connections(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .connections_max = 3});
    int fds[3];
    struct buf b = wire_buf();
    int status;
    for (int i = 0; i < 3; i++) {
        fds[i] = wire_connect(w);
        wire_say(fds[i], GET("/"));
        free(wire_answer(fds[i], &b, &status)); /* so it is counted */
    }
    char *text = wire_ask(w, GET("/"), &status);
    assert_int_equal(status, 503);
    assert_non_null(strstr(text, "\r\nRetry-After: 1\r\n"));
    free(text);
    close(fds[0]);
    for (int i = 0; i < 1000 && status != 200; i++) { /* until the hang-up has been seen */
        status = wire_status(w, GET("/"));
    }
    assert_int_equal(status, 200);
    close(fds[1]);
    close(fds[2]);
    buf_free(&b);
    wire_stop(w);
}

static void test_full_worker_queue_answers_503(void **state)
{
    (void)state;
    struct wire *w =
        wire_start_with(&(struct server_config){.port = 0}, (const int[LANE_COUNT]){1, 1, 1}, 1);
    int one = wire_connect(w), two = wire_connect(w);
    wire_say(one, GET("/wait"));
    wire_wait(w, &w->arrived, 1);
    wire_say(two, GET("/wait"));
    while (workers_queued(w->at.workers, LANE_REQUEST) < 1) {
        usleep(500);
    }
    assert_int_equal(wire_status(w, GET("/")), 503);
    wire_open_gate(w);
    struct buf b = wire_buf();
    int status;
    free(wire_answer(one, &b, &status));
    assert_int_equal(status, 200);
    free(wire_answer(two, &b, &status));
    assert_int_equal(status, 200);
    buf_free(&b);
    close(one);
    close(two);
    wire_stop(w);
}

static void test_bodies_together_have_a_maximum(void **state)
{
    (void)state;
    struct wire *w = wire_start(
        &(struct server_config){.port = 0, .body_max_bytes = 1000, .bodies_max_bytes = 1500});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    int status;
    wire_say(fd, "POST /wait HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n");
    wire_send(fd, w->big, 1000);
    wire_wait(w, &w->arrived, 1);
    char text[1200];
    snprintf(text, sizeof(text),
             "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 600\r\n\r\n%0600d", 1);
    assert_int_equal(wire_status(w, text), 503);
    wire_open_gate(w);
    free(wire_answer(fd, &b, &status));
    assert_int_equal(status, 200);
    assert_int_equal(wire_status(w, text), 200);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_peer_that_resets_cancels_its_task(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    wire_say(fd, GET("/wait"));
    wire_wait(w, &w->arrived, 1);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    wire_wait(w, &w->cancelled, 1);
    wire_stop(w);
}

static void test_request_timeout_header(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int status = wire_status(w, "GET /wait HTTP/1.1\r\nHost: t\r\nRequest-Timeout: 1\r\n\r\n");
    assert_int_equal(status, 499); /* ctx_check said so: see the route */
    wire_stop(w);
}

static void test_stop_drains(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int running = wire_connect(w), idle = wire_connect(w), half = wire_connect(w);
    int port = server_port(w->server);
    struct buf b = wire_buf();
    int status;
    wire_say(idle, GET("/"));
    free(wire_answer(idle, &b, &status));
    wire_say(half, "GET / HTTP/1.1\r\n");
    wire_say(running, GET("/wait"));
    wire_wait(w, &w->arrived, 1);
    pthread_t stopper;
    pthread_create(&stopper, NULL, (void *(*)(void *))(void (*)(void))wire_stop, w);
    wire_to_end(idle, &b); /* nothing to wait for there */
    assert_int_equal(b.n, 0);
    free(wire_answer(running, &b, &status)); /* wire_stop opens the gate */
    assert_int_equal(status, 200);
    wire_to_end(running, &b);
    wire_say(half, "Host: t\r\n\r\n");
    wire_to_end(half, &b);
    assert_true(b.n == 0 || str_starts(buf_str(&b), STR("HTTP/1.1 503 ")));
    pthread_join(stopper, NULL);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_not_equal(connect(late, (struct sockaddr *)&to, sizeof(to)), 0);
    close(late);
    close(running);
    close(idle);
    close(half);
    buf_free(&b);
}

static void test_stop_cancels_what_outlasts_the_drain(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    wire_say(fd, GET("/wait"));
    wire_wait(w, &w->arrived, 1);
    server_stop(&w->server, 50);
    assert_int_equal(wire_count(w, &w->cancelled), 1);
    struct buf b = wire_buf();
    wire_to_end(fd, &b);
    assert_int_equal(b.n, 0);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_start_refusals(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct server_handler handler = {.on_request = wire_on_request};
    struct server *other = NULL;
    struct server_config config = {.port = server_port(w->server)};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_CONFLICT);
    assert_non_null(strstr(w->c->fault.text, "is taken"));
    config = (struct server_config){.address = "example.org"};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_INVALID);
    config = (struct server_config){.address = "192.0.2.1"}; /* not ours: RFC 5737 */
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_INVALID);
    config = (struct server_config){.port = 65536};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_INVALID);
    config = (struct server_config){.tls_cert = "/nonexistent.pem"};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_INVALID);
    config = (struct server_config){.tls_cert = "/nonexistent.pem", .tls_key = "/nonexistent.key"};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_INVALID);
    assert_non_null(strstr(w->c->fault.text, "/nonexistent.pem"));
    assert_null(other);
    config = (struct server_config){.address = "localhost"};
    assert_int_equal(server_start(w->c, &config, &handler, &other), E_OK);
    server_stop(&other, 0);
    assert_null(other);
    wire_stop(w);
}

struct storm {
    struct wire *w;
    int seed;
};

static void *storm_client(void *arg)
{
    struct storm *s = arg;
    for (int i = 0; i < 60; i++) {
        int fd = wire_connect(s->w);
        struct buf b = wire_buf();
        int status, kind = (i + s->seed) % 5;
        if (kind == 0) {
            wire_say(fd, GET("/copied")); /* and gone */
        } else if (kind == 1) {
            wire_say(fd, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf");
        } else {
            wire_say(fd, GET("/echo") GET("/echo?x"));
            free(wire_answer(fd, &b, &status));
            free(wire_answer(fd, &b, &status));
        }
        buf_free(&b);
        close(fd);
    }
    return NULL;
}

static void test_many_clients_on_two_loops(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .loop_threads = 2});
    pthread_t threads[6];
    struct storm storms[6];
    for (int i = 0; i < 6; i++) {
        storms[i] = (struct storm){w, i};
        pthread_create(&threads[i], NULL, storm_client, &storms[i]);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
    }
    wire_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_arrives_whole),
        cmocka_unit_test(test_body_is_any_bytes),
        cmocka_unit_test(test_bad_traceparents_are_not_adopted),
        cmocka_unit_test(test_pipelined_and_split_anywhere),
        cmocka_unit_test(test_deep_pipeline_is_answered_in_order),
        cmocka_unit_test(test_keep_alive_and_close),
        cmocka_unit_test(test_half_closed_peer_is_answered),
        cmocka_unit_test(test_head_and_bare_statuses),
        cmocka_unit_test(test_large_answers),
        cmocka_unit_test(test_answers_cannot_be_split),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_refusals_name_the_reason),
        cmocka_unit_test(test_chunked_body_has_a_maximum),
        cmocka_unit_test(test_header_limits),
        cmocka_unit_test(test_refusal_reaches_a_peer_that_keeps_sending),
        cmocka_unit_test(test_slow_peers_are_cut),
        cmocka_unit_test(test_dripping_head_is_cut),
        cmocka_unit_test(test_peer_that_does_not_read_is_cut),
        cmocka_unit_test(test_peer_that_sips_is_cut),
        cmocka_unit_test(test_too_many_connections),
        cmocka_unit_test(test_full_worker_queue_answers_503),
        cmocka_unit_test(test_bodies_together_have_a_maximum),
        cmocka_unit_test(test_peer_that_resets_cancels_its_task),
        cmocka_unit_test(test_request_timeout_header),
        cmocka_unit_test(test_stop_drains),
        cmocka_unit_test(test_stop_cancels_what_outlasts_the_drain),
        cmocka_unit_test(test_start_refusals),
        cmocka_unit_test(test_many_clients_on_two_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
