#include "unit/io/wire.h"

#include "io/ws.h"

#define UPGRADE(path)                                                                              \
    "GET " path " HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define SSE "GET /sse HTTP/1.1\r\nHost: t\r\nAccept: text/event-stream\r\n\r\n"

/* A client's frame: first byte, length, a mask, payload. */
static void add_frame(struct buf *b, int first_byte, const void *payload, size_t n)
{
    static const unsigned char mask[4] = {1, 2, 3, 4};
    char head[WS_HEAD_MAX_BYTES];
    size_t head_bytes = ws_head_write(head, 0, n);
    head[0] = (char)first_byte;
    head[1] = (char)(head[1] | 0x80);
    buf_add(b, head, head_bytes);
    buf_add(b, mask, 4);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(b, (char)(((const char *)payload)[i] ^ mask[i & 3]));
    }
}

static void send_frame(int fd, int first_byte, const void *payload, size_t n)
{
    struct buf b = wire_buf();
    add_frame(&b, first_byte, payload, n);
    wire_send(fd, b.p, b.n);
    buf_free(&b);
}

static void send_text(int fd, const char *text)
{
    send_frame(fd, 0x81, text, strlen(text));
}

/* The next frame of the server: its first byte, or -1 at the end. The payload is cut off b. */
static int next_frame(int fd, struct buf *b, struct buf *payload)
{
    for (;;) {
        const unsigned char *p = (const unsigned char *)b->p;
        size_t head = b->n < 2 ? 0 : p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
        if (head && b->n >= head) {
            size_t n = p[1] < 126 ? p[1] : 0;
            for (size_t i = 2; i < head; i++) {
                n = n << 8 | p[i];
            }
            if (b->n >= head + n) {
                int first = p[0];
                buf_clear(payload);
                buf_add(payload, p + head, n);
                buf_drop(b, head + n);
                return first;
            }
        }
        if (!wire_more(fd, b)) {
            return -1;
        }
    }
}

struct peer {
    int fd;
    struct buf in, payload;
};

static struct peer peer_open(struct wire *w)
{
    struct peer p = {wire_connect(w), wire_buf(), wire_buf()};
    int status;
    wire_say(p.fd, UPGRADE("/ws"));
    free(wire_answer(p.fd, &p.in, &status));
    assert_int_equal(status, 101);
    return p;
}

static void peer_close(struct peer *p)
{
    close(p->fd);
    buf_free(&p->in);
    buf_free(&p->payload);
}

static void expect_text(struct peer *p, const char *text)
{
    assert_int_equal(next_frame(p->fd, &p->in, &p->payload), 0x81);
    assert_string_equal(p->payload.p, text);
}

static void expect_close(struct peer *p, int code)
{
    int first = next_frame(p->fd, &p->in, &p->payload);
    assert_int_equal(first, 0x88);
    if (code == WS_NO_CODE) {
        assert_int_equal(p->payload.n, 0);
        return;
    }
    int got = (unsigned char)p->payload.p[0] << 8 | (unsigned char)p->payload.p[1];
    assert_int_equal(got, code);
}

static void expect_end(struct peer *p)
{
    assert_int_equal(next_frame(p->fd, &p->in, &p->payload), -1);
}

static void test_handshake(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w), status;
    struct buf b = wire_buf();
    wire_say(fd, UPGRADE("/ws"));
    char *text = wire_answer(fd, &b, &status);
    assert_int_equal(status, 101);
    assert_non_null(strstr(text, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(text, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_non_null(strstr(text, "\r\nSec-WebSocket-Protocol: chat\r\n"));
    free(text);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_handshake_refused(void **state)
{
    (void)state;
#define WS_START "GET /ws HTTP/1.1\r\nHost: t\r\n"
#define WS_KEY   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    static const char *const requests[] = {
        "GET /ws HTTP/1.1\r\nHost: t\r\n\r\n",
        WS_START "Upgrade: websocket\r\nConnection: Upgrade\r\n" WS_KEY "\r\n",
        WS_START "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" WS_KEY
                 "\r\n",
        WS_START "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        WS_START "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: short==\r\n\r\n",
        WS_START "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" WS_KEY "\r\n",
        "POST /ws HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n" WS_KEY "\r\n",
    };
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        assert_int_equal(wire_status(w, requests[i]), 400);
    }
    /* asking to upgrade where nobody does is a request like any other */
    assert_int_equal(wire_status(w, UPGRADE("/")), 200);
    wire_stop(w);
}

static void test_echo(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    send_text(p.fd, "hello");
    expect_text(&p, "hello");
    send_frame(p.fd, 0x01, "frag", 4);
    send_frame(p.fd, 0x89, "still there?", 12);
    send_frame(p.fd, 0x80, "ments", 5);
    assert_int_equal(next_frame(p.fd, &p.in, &p.payload), 0x8a);
    assert_string_equal(p.payload.p, "still there?");
    expect_text(&p, "fragments");
    char *big = calloc(1, 60001);
    memset(big, 'x', 60000);
    send_text(p.fd, big);
    expect_text(&p, big);
    free(big);
    peer_close(&p);
    wire_wait(w, &w->closed, 1);
    wire_stop(w);
}

static void test_messages_right_behind_the_handshake(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = {wire_connect(w), wire_buf(), wire_buf()};
    struct buf b = wire_buf();
    int status;
    buf_add_str(&b, STR(UPGRADE("/ws")));
    add_frame(&b, 0x81, "early", 5);
    add_frame(&b, 0x81, "bird", 4);
    wire_send(p.fd, b.p, b.n);
    free(wire_answer(p.fd, &p.in, &status));
    assert_int_equal(status, 101);
    expect_text(&p, "early");
    expect_text(&p, "bird");
    buf_free(&b);
    peer_close(&p);
    wire_stop(w);
}

/* One byte at a time, as a hostile network might. */
static void test_frames_in_single_bytes(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    struct buf b = wire_buf();
    add_frame(&b, 0x01, "by", 2);
    add_frame(&b, 0x80, "tes", 3);
    for (size_t i = 0; i < b.n; i++) {
        wire_send(p.fd, b.p + i, 1);
    }
    expect_text(&p, "bytes");
    buf_free(&b);
    peer_close(&p);
    wire_stop(w);
}

struct breach {
    const char *why;
    const char *bytes;
    size_t n;
    int code;
};

#define BREACH(why, bytes, code)                                                                   \
    {                                                                                              \
        why, bytes, sizeof(bytes) - 1, code                                                        \
    }
#define M "\0\0\0\0"

static void test_breaches_close_with_a_code(void **state)
{
    (void)state;
    static const struct breach rows[] = {
        BREACH("binary", "\x82\x82" M "hi", 1003),
        BREACH("not UTF-8", "\x81\x82" M "\xff\xfe", 1007),
        BREACH("too big", "\x81\xfe\x01\x01" M, 1009),
        BREACH("not masked", "\x81\x02hi", 1002),
        BREACH("reserved bit", "\xc1\x80" M, 1002),
        BREACH("bad close code", "\x88\x82" M "\x03\xed", 1002),
        BREACH("close", "\x88\x82" M "\x03\xe8", 1000),
        BREACH("close without code", "\x88\x80" M, WS_NO_CODE),
        BREACH("close of the application", "\x88\x84" M "\x0f\xa0ok", 4000),
    };
    struct wire *w = wire_start(&(struct server_config){.port = 0, .frame_max_bytes = 256});
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct peer p = peer_open(w);
        send_text(p.fd, "before");
        expect_text(&p, "before");
        wire_send(p.fd, rows[i].bytes, rows[i].n);
        send_text(p.fd, "after"); /* is not understood any more */
        expect_close(&p, rows[i].code);
        expect_end(&p);
        peer_close(&p);
        wire_wait(w, &w->closed, (int)i + 1);
    }
    assert_int_equal(wire_count(w, &w->messages), (int)(sizeof(rows) / sizeof(*rows)));
    wire_stop(w);
}

static void test_server_closes(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    send_text(p.fd, "last words");
    send_text(p.fd, "bye");
    expect_text(&p, "last words"); /* what was queued goes out first */
    expect_close(&p, 4001);
    assert_string_equal(p.payload.p + 2, "as you wish");
    assert_int_equal(wire_count(w, &w->closed), 0); /* the peer's turn */
    send_frame(p.fd, 0x88, "\x0f\xa1", 2);
    expect_end(&p);
    wire_wait(w, &w->closed, 1);
    peer_close(&p);
    /* a peer that does not answer is cut in the end */
    p = peer_open(w);
    send_text(p.fd, "bye");
    expect_close(&p, 4001);
    expect_end(&p);
    wire_wait(w, &w->closed, 2);
    peer_close(&p);
    wire_stop(w);
}

static void test_long_close_reason_is_cut_between_characters(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    char reason[400] = "";
    for (int i = 0; i < 120; i++) {
        strcat(reason, i == 0 ? "x" : "\xc3\xbc");
    }
    wire_wait(w, &w->opened, 1);
    channel_close(w->last, 1000, reason);
    expect_close(&p, 1000);
    assert_int_equal(p.payload.n, 2 + 119);
    assert_true(str_is_utf8(str_make(p.payload.p + 2, p.payload.n - 2)));
    peer_close(&p);
    wire_stop(w);
}

static void test_messages_come_one_at_a_time_and_in_order(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer a = peer_open(w), b = peer_open(w);
    struct buf all = wire_buf();
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "n:%d", i);
        add_frame(&all, 0x81, text, (size_t)n);
    }
    wire_send(a.fd, all.p, all.n);
    wire_send(b.fd, all.p, all.n);
    wire_wait(w, &w->messages, 2 * COUNT);
    buf_free(&all);
    peer_close(&a);
    peer_close(&b);
    wire_stop(w); /* checks order_broken */
}

/* A handler that is busy makes the peer wait, and loses nothing. */
static void test_busy_handler_pauses_reading(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct wire *w =
        wire_start_with(&(struct server_config){.port = 0}, (const int[LANE_COUNT]){1, 1, 1}, 2);
    struct peer p = peer_open(w);
    char text[512];
    memset(text, 'x', sizeof(text));
    send_text(p.fd, "wait");
    wire_wait(w, &w->arrived, 1);
    struct buf all = wire_buf();
    for (int i = 0; i < COUNT; i++) {
        int n = snprintf(text, sizeof(text), "n:%d", i);
        add_frame(&all, 0x81, text, (size_t)n);
    }
    wire_send(p.fd, all.p, all.n);
    assert_int_equal(wire_count(w, &w->messages), 0);
    wire_open_gate(w);
    wire_wait(w, &w->messages, COUNT + 1);
    buf_free(&all);
    peer_close(&p);
    wire_stop(w);
}

static void test_close_comes_after_the_last_message(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    send_text(p.fd, "wait");
    send_text(p.fd, "n:0");
    wire_wait(w, &w->arrived, 1);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    peer_close(&p);
    wire_wait_connections(w, 0);
    assert_int_equal(wire_count(w, &w->closed), 0);
    assert_false(channel_is_open(w->last));
    assert_false(channel_send(w->last, STR("anyone?")));
    wire_open_gate(w);
    wire_wait(w, &w->closed, 1);
    wire_stop(w);
}

static void test_slow_reader_is_cut(void **state)
{
    (void)state;
    struct wire *w =
        wire_start(&(struct server_config){.port = 0, .channel_queue_max_bytes = 100100});
    struct peer p = peer_open(w);
    wire_wait(w, &w->opened, 1);
    int64_t sent = 0;
    while (channel_send(w->last, str_make(w->big, 50000)) && sent < (1 << 30)) {
        sent += 50000; /* the sockets take some, then the queue some */
    }
    assert_true(sent >= 100000 && sent < (1 << 30));
    assert_false(channel_is_open(w->last));
    wire_wait(w, &w->closed, 1);
    peer_close(&p);
    /* a single message past the maximum */
    p = peer_open(w);
    wire_wait(w, &w->opened, 2);
    assert_false(channel_send(w->last, str_make(w->big, 100101)));
    wire_wait(w, &w->closed, 2);
    expect_end(&p);
    peer_close(&p);
    wire_stop(w);
}

struct shout {
    struct channel *ch;
    char letter;
};

static void *shout(void *arg)
{
    struct shout *s = arg;
    char text[300];
    memset(text, s->letter, sizeof(text));
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)(i * 7 % 290 + 1);
        while (!channel_send(s->ch, str_make(text, n)) && channel_is_open(s->ch)) {}
    }
    return NULL;
}

static void test_senders_on_many_threads(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    wire_wait(w, &w->opened, 1);
    pthread_t threads[4];
    struct shout shouts[4];
    for (int i = 0; i < 4; i++) {
        shouts[i] = (struct shout){w->last, (char)('a' + i)};
        pthread_create(&threads[i], NULL, shout, &shouts[i]);
    }
    int counts[4] = {0};
    for (int i = 0; i < 800; i++) {
        assert_int_equal(next_frame(p.fd, &p.in, &p.payload), 0x81);
        int who = p.payload.p[0] - 'a';
        assert_in_range(who, 0, 3);
        assert_int_equal(p.payload.n, counts[who]++ * 7 % 290 + 1); /* whole, and in its order */
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    peer_close(&p);
    wire_stop(w);
}

static void test_pings(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .ping_interval_ms = 60});
    struct peer alive = peer_open(w), dead = peer_open(w);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(next_frame(alive.fd, &alive.in, &alive.payload), 0x89);
        send_frame(alive.fd, 0x8a, "", 0);
    }
    assert_int_equal(next_frame(dead.fd, &dead.in, &dead.payload), 0x89);
    expect_end(&dead); /* no answer for two intervals */
    wire_wait(w, &w->closed, 1);
    send_text(alive.fd, "here");
    while (next_frame(alive.fd, &alive.in, &alive.payload) == 0x89) {}
    assert_string_equal(alive.payload.p, "here");
    peer_close(&alive);
    peer_close(&dead);
    wire_stop(w);
}

static void test_text_must_be_utf8(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    wire_wait(w, &w->opened, 1);
    assert_false(channel_send(w->last, STR("\xff")));
    assert_true(channel_is_open(w->last)); /* our mistake is not the peer's */
    assert_true(channel_send(w->last, STR("\xc3\xbc")));
    expect_text(&p, "\xc3\xbc");
    assert_int_equal(channel_kind(w->last), SERVER_WEBSOCKET);
    assert_false(channel_event(w->last, STR(""), STR(""), STR("no events here")));
    peer_close(&p);
    wire_stop(w);
}

/* Cuts the chunk framing off an SSE body. */
static void unchunk(struct buf *b, size_t from)
{
    struct buf out = wire_buf();
    char *at = b->p + from;
    for (;;) {
        char *end = NULL;
        size_t n = strtoul(at, &end, 16);
        if (n == 0 || end[0] != '\r') {
            break;
        }
        buf_add(&out, end + 2, n);
        at = end + 2 + n + 2;
    }
    buf_free(b);
    *b = out;
}

static void test_sse(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, SSE);
    wire_wait(w, &w->opened, 1);
    struct channel *ch = w->last;
    assert_int_equal(channel_kind(ch), SERVER_SSE);
    assert_true(channel_send(ch, STR("one")));
    assert_true(channel_event(ch, STR("7"), STR("note"), STR("two\nlines")));
    assert_true(channel_event(ch, STR(""), STR(""), STR("cr\rlf\r\nend\n")));
    assert_true(channel_send(ch, STR("")));
    assert_false(channel_event(ch, STR("a\nb"), STR(""), STR("x")));
    assert_false(channel_event(ch, STR(""), STR("a\rdata: forged"), STR("x")));
    assert_false(channel_send(ch, STR("\xff")));
    channel_close(ch, 1000, "");
    assert_false(channel_send(ch, STR("late")));
    wire_to_end(fd, &b);
    size_t head = wire_until(fd, &b, "\r\n\r\n") + 4;
    assert_non_null(strstr(b.p, "\r\nContent-Type: text/event-stream\r\n"));
    assert_null(strstr(b.p, "text/plain"));
    assert_non_null(strstr(b.p, "\r\nX-Other: kept\r\n"));
    assert_non_null(strstr(b.p, "\r\nCache-Control: no-store\r\n"));
    assert_true(str_ends(buf_str(&b), STR("\r\n0\r\n\r\n"))); /* the stream is whole */
    unchunk(&b, head);
    assert_string_equal(b.p, "data: one\n\n"
                             "id: 7\nevent: note\ndata: two\ndata: lines\n\n"
                             "data: cr\ndata: lf\ndata: end\ndata: \n\n"
                             "data: \n\n");
    buf_free(&b);
    close(fd);
    wire_wait(w, &w->closed, 1);
    wire_stop(w);
}

static void test_head_is_no_stream(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, "HEAD /sse HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    wire_to_end(fd, &b);
    assert_true(str_starts(buf_str(&b), STR("HTTP/1.1 400 ")));
    assert_true(str_ends(buf_str(&b), STR("\r\n\r\n")));
    assert_int_equal(wire_count(w, &w->opened), 0);
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_sse_for_http_1_0(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, "GET /sse HTTP/1.0\r\n\r\n");
    wire_wait(w, &w->opened, 1);
    channel_send(w->last, STR("plain"));
    channel_close(w->last, 1000, "");
    wire_to_end(fd, &b);
    assert_null(strstr(b.p, "chunked"));
    assert_true(str_ends(buf_str(&b), STR("\r\n\r\ndata: plain\n\n")));
    buf_free(&b);
    close(fd);
    wire_stop(w);
}

static void test_sse_shows_life(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .ping_interval_ms = 30});
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(fd, SSE);
    wire_until(fd, &b, "3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
    assert_int_equal(wire_count(w, &w->closed), 0);
    close(fd); /* noticed without anything being sent */
    wire_wait(w, &w->closed, 1);
    buf_free(&b);
    wire_stop(w);
}

static void test_stream_that_was_not_used(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    assert_int_equal(wire_status(w, "GET /changed-mind HTTP/1.1\r\nHost: t\r\n\r\n"), 403);
    wire_wait(w, &w->closed, 1);
    assert_false(channel_is_open(w->last));
    wire_stop(w);
}

static void test_upgrade_needs_a_request(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct response_out out = {.status = 0};
    assert_null(server_upgrade(w->c, &out, SERVER_SSE));
    assert_int_equal(w->c->fault.err, E_UNAVAILABLE);
    wire_stop(w);
}

static void test_stop_says_goodbye(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0});
    struct peer p = peer_open(w);
    int sse = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(sse, SSE);
    wire_until(sse, &b, "\r\n\r\n");
    wire_wait(w, &w->opened, 2);
    struct channel *ch = channel_hold(w->last);
    pthread_t stopper;
    pthread_create(&stopper, NULL, (void *(*)(void *))(void (*)(void))wire_stop, w);
    expect_close(&p, 1001);
    send_frame(p.fd, 0x88, "\x03\xe9", 2);
    expect_end(&p);
    wire_to_end(sse, &b);
    assert_true(str_ends(buf_str(&b), STR("0\r\n\r\n")));
    close(sse);
    /* a channel outlives its server, as long as somebody holds it; so does its state */
    channel_attach(ch, NULL, NULL);
    assert_false(channel_send(ch, STR("anyone?")));
    channel_close(ch, 1000, "");
    channel_release(&ch);
    pthread_join(stopper, NULL);
    buf_free(&b);
    peer_close(&p);
}

/* Peers that come and go while others send to them. */
static void *come_and_go(void *arg)
{
    struct wire *w = arg;
    for (int i = 0; i < 40; i++) {
        struct peer p = peer_open(w);
        send_text(p.fd, "n:0");
        if (i % 3 == 0) {
            send_text(p.fd, "bye");
            expect_close(&p, 4001);
        } else if (i % 3 == 1) {
            send_frame(p.fd, 0x88, "\x03\xe8", 2);
        }
        peer_close(&p);
    }
    return NULL;
}

static void test_storm(void **state)
{
    (void)state;
    struct wire *w = wire_start(&(struct server_config){.port = 0, .loop_threads = 2});
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, come_and_go, w);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    wire_wait(w, &w->closed, 160);
    wire_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_handshake_refused),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_messages_right_behind_the_handshake),
        cmocka_unit_test(test_frames_in_single_bytes),
        cmocka_unit_test(test_breaches_close_with_a_code),
        cmocka_unit_test(test_server_closes),
        cmocka_unit_test(test_long_close_reason_is_cut_between_characters),
        cmocka_unit_test(test_messages_come_one_at_a_time_and_in_order),
        cmocka_unit_test(test_busy_handler_pauses_reading),
        cmocka_unit_test(test_close_comes_after_the_last_message),
        cmocka_unit_test(test_slow_reader_is_cut),
        cmocka_unit_test(test_senders_on_many_threads),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_text_must_be_utf8),
        cmocka_unit_test(test_sse),
        cmocka_unit_test(test_head_is_no_stream),
        cmocka_unit_test(test_sse_for_http_1_0),
        cmocka_unit_test(test_sse_shows_life),
        cmocka_unit_test(test_stream_that_was_not_used),
        cmocka_unit_test(test_upgrade_needs_a_request),
        cmocka_unit_test(test_stop_says_goodbye),
        cmocka_unit_test(test_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
