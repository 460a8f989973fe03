#include "unit/io/wire.h"

#include "io/client.h"

/* A server that does what its path says, well or badly. One thread per connection. */
struct fake {
    int listen_fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open; /* stalling connections go on */
    int connections, ended;
    int fds[256];    /* of connections, -1 when closed */
    char seen[8192]; /* the last request */
    char redirect[256];
};

static bool fake_stalls(struct fake *f)
{
    pthread_mutex_lock(&f->lock);
    while (!f->open) {
        pthread_cond_wait(&f->moved, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return true;
}

/* Reads a head and its body; false at the end. */
static bool fake_read(int fd, char *out, size_t size)
{
    size_t n = 0;
    char *end = NULL;
    out[0] = 0;
    while (!end || n < (size_t)(end - out) + 4 +
                           (strstr(out, "Content-Length: ")
                                ? strtoul(strstr(out, "Content-Length: ") + 16, NULL, 10)
                                : 0)) {
        ssize_t got = recv(fd, out + n, size - 1 - n, 0);
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        out[n] = 0;
        end = strstr(out, "\r\n\r\n");
    }
    return true;
}

struct page {
    const char *path;
    const char *answer;
    bool ends;   /* the connection, after it */
    bool stalls; /* before it ends */
};

static const struct page pages[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\nx-two:  spaced \r\n\r\nhello",
     false, false},
    {"/error", "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nsorry", false, false},
    {"/chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
     false, false},
    {"/old", "HTTP/1.0 200 OK\r\n\r\nuntil the end", true, false},
    {"/interim",
     "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
     false, false},
    {"/bare", "HTTP/1.1 204 No Content\r\n\r\n", false, false},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true, false},
    {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n wo",
     true, false},
    {"/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", true, false},
    {"/nothing", "", true, false},
    {"/garbage", "\x16\x03\x01 this is not HTTP\r\n\r\n", true, false},
    {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", true,
     false},
    {"/stall", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true, true},
    {"/silent", "", true, true},
};

static void fake_flood(int fd, const char *head, const char *line)
{
    wire_say(fd, head);
    size_t n = strlen(line);
    for (int i = 0; i < 200000 && send(fd, line, n, MSG_NOSIGNAL) == (ssize_t)n; i++) {}
}

/* False when the connection ends. */
static bool fake_answer(struct fake *f, int fd, const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        size_t n = strlen(pages[i].path);
        if (strncmp(path, pages[i].path, n) == 0 && strchr(" ?", path[n])) {
            wire_say(fd, pages[i].answer);
            return !(pages[i].stalls && fake_stalls(f)) && !pages[i].ends;
        }
    }
    if (strncmp(path, "/huge", 5) == 0) {
        fake_flood(fd, "HTTP/1.1 200 OK\r\n\r\n", "0123456789012345678901234567890123456789\r\n");
        return false;
    }
    if (strncmp(path, "/headers", 8) == 0) {
        fake_flood(fd, "HTTP/1.1 200 OK\r\n", "X-Some: header\r\n");
        return false;
    }
    char text[512];
    int status = atoi(path + 1);
    snprintf(text, sizeof(text),
             "HTTP/1.1 %d Redirected\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             status ? status : 404, f->redirect);
    wire_say(fd, text);
    return true;
}

struct fake_conn {
    struct fake *fake;
    int fd, index;
};

static void *fake_serve(void *arg)
{
    struct fake_conn *conn = arg;
    struct fake *f = conn->fake;
    static _Thread_local char request[8192];
    bool more = true;
    while (more && fake_read(conn->fd, request, sizeof(request))) {
        pthread_mutex_lock(&f->lock);
        memcpy(f->seen, request, sizeof(request));
        pthread_mutex_unlock(&f->lock);
        more = fake_answer(f, conn->fd, request);
    }
    pthread_mutex_lock(&f->lock);
    close(conn->fd);
    f->fds[conn->index] = -1;
    f->ended++;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->lock);
    free(conn);
    return NULL;
}

static void *fake_accept(void *arg)
{
    struct fake *f = arg;
    int fd;
    while ((fd = accept(f->listen_fd, NULL, NULL)) >= 0) {
        struct fake_conn *conn = malloc(sizeof(*conn));
        pthread_mutex_lock(&f->lock);
        assert_in_range(f->connections, 0, 255);
        *conn = (struct fake_conn){f, fd, f->connections};
        f->fds[f->connections++] = fd;
        pthread_mutex_unlock(&f->lock);
        pthread_t thread;
        pthread_create(&thread, NULL, fake_serve, conn);
        pthread_detach(thread);
    }
    return NULL;
}

static struct fake *fake_start(void)
{
    struct fake *f = calloc(1, sizeof(*f));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->moved, NULL);
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->listen_fd, 64), 0);
    getsockname(f->listen_fd, (struct sockaddr *)&at, &size);
    f->port = ntohs(at.sin_port);
    pthread_create(&f->thread, NULL, fake_accept, f);
    return f;
}

static void fake_stop(struct fake *f)
{
    shutdown(f->listen_fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listen_fd);
    pthread_mutex_lock(&f->lock);
    f->open = true;
    pthread_cond_broadcast(&f->moved);
    for (int i = 0; i < f->connections; i++) {
        shutdown(f->fds[i], SHUT_RDWR); /* the client may keep it open */
    }
    while (f->ended < f->connections) {
        pthread_cond_wait(&f->moved, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    free(f);
}

static bool fake_saw(struct fake *f, const char *text)
{
    pthread_mutex_lock(&f->lock);
    bool saw = strstr(f->seen, text) != NULL;
    pthread_mutex_unlock(&f->lock);
    return saw;
}

/* A client with its ctx, and the fake it talks to. */
struct desk {
    struct facilities at;
    struct ctx *c;
    struct fake *fake;
    struct response_in answer;
};

static struct desk *desk_open(int connections_max)
{
    struct desk *d = calloc(1, sizeof(*d));
    d->at.clock = clock_new();
    d->at.client = client_new(&d->at, connections_max);
    d->c = ctx_new(&d->at, 64 << 20);
    d->fake = fake_start();
    return d;
}

static void desk_close(struct desk *d)
{
    client_free(&d->at.client);
    fake_stop(d->fake);
    ctx_free(&d->c);
    clock_free(&d->at.clock);
    free(d);
}

static struct str desk_url(struct desk *d, const char *path)
{
    return str_fmt(d->c->arena, "http://127.0.0.1:%d%s", d->fake->port, path);
}

static struct request_out desk_get(struct desk *d, const char *path)
{
    return (struct request_out){.method = "GET", .url = desk_url(d, path), .allow_private = true};
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
        int status;
    } rows[] = {
        {"/ok", "hello", 200},          {"/error", "sorry", 500}, {"/chunked", "hello world", 200},
        {"/old", "until the end", 200}, {"/interim", "ok", 200},  {"/bare", "", 204},
        {"/elsewhere", "", 404},        {"/302", "", 302}, /* not followed unless asked for */
    };
    struct desk *d = desk_open(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct request_out get = desk_get(d, rows[i].path);
        assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
        assert_int_equal(d->answer.status, rows[i].status);
        assert_true(str_eqz(d->answer.body, rows[i].body));
        assert_true(d->answer.first_byte_ms >= 0);
        assert_true(d->answer.total_ms >= d->answer.first_byte_ms);
        assert_true(str_is_empty(client_header(&d->answer, "x-early")));
    }
    struct request_out get = desk_get(d, "/ok");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    assert_int_equal(d->answer.header_count, 3);
    assert_true(str_eqz(client_header(&d->answer, "x-one"), "1"));
    assert_true(str_eqz(client_header(&d->answer, "X-TWO"), "spaced"));
    assert_true(str_is_empty(client_header(&d->answer, "absent")));
    desk_close(d);
}

static void test_request_as_sent(void **state)
{
    (void)state;
    static const struct header headers[] = {
        {{"Authorization", 13}, {"Bearer secret", 13}},
        {{"X-Empty", 7}, {"", 0}},
        {{"Content-Type", 12}, {"application/json", 16}},
    };
    struct desk *d = desk_open(0);
    struct request_out post = desk_get(d, "/ok?a=b%20c");
    post.method = "POST";
    post.body = STR("{\"a\":1}");
    post.headers = headers;
    post.header_count = 3;
    assert_int_equal(client_send(d->c, &post, &d->answer), E_OK);
    assert_true(fake_saw(d->fake, "POST /ok?a=b%20c HTTP/1.1\r\n"));
    assert_true(fake_saw(d->fake, "\r\nAuthorization: Bearer secret\r\n"));
    assert_true(fake_saw(d->fake, "\r\nX-Empty:\r\n"));
    assert_true(fake_saw(d->fake, "\r\nContent-Type: application/json\r\n"));
    assert_true(fake_saw(d->fake, "\r\nUser-Agent: rapport/"));
    assert_true(fake_saw(d->fake, "\r\n\r\n{\"a\":1}"));
    assert_false(fake_saw(d->fake, "Expect"));
    post.header_count = 0;
    post.body = STR("");
    assert_int_equal(client_send(d->c, &post, &d->answer), E_OK);
    assert_true(fake_saw(d->fake, "\r\nContent-Length: 0\r\n"));
    assert_false(fake_saw(d->fake, "urlencoded"));
    struct request_out delete = desk_get(d, "/ok");
    delete.method = "DELETE";
    assert_int_equal(client_send(d->c, &delete, &d->answer), E_OK);
    assert_true(fake_saw(d->fake, "DELETE /ok "));
    struct request_out head = desk_get(d, "/bare");
    head.method = "HEAD";
    assert_int_equal(client_send(d->c, &head, &d->answer), E_OK);
    assert_true(fake_saw(d->fake, "HEAD /bare "));
    desk_close(d);
}

static void test_large_body_is_sent_at_once(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    char *big = arena_alloc(d->c->arena, 7000);
    memset(big, 'x', 7000);
    struct request_out put = desk_get(d, "/ok");
    put.method = "PUT";
    put.body = str_make(big, 7000);
    assert_int_equal(client_send(d->c, &put, &d->answer), E_OK);
    assert_true(fake_saw(d->fake, "\r\nContent-Length: 7000\r\n"));
    assert_false(fake_saw(d->fake, "Expect"));
    desk_close(d);
}

struct failure {
    const char *path;
    enum err err;
    const char *text; /* part of what is said */
};

static void test_failures(void **state)
{
    (void)state;
    static const struct failure rows[] = {
        {"/cut", E_UNAVAILABLE, "127.0.0.1"},
        {"/cut-chunk", E_UNAVAILABLE, "127.0.0.1"},
        {"/cut-head", E_UNAVAILABLE, "127.0.0.1"},
        {"/nothing", E_UNAVAILABLE, "127.0.0.1"},
        {"/garbage", E_UNAVAILABLE, "127.0.0.1"},
        {"/bad-chunk", E_UNAVAILABLE, "127.0.0.1"},
        {"/huge", E_TOO_LARGE, "more than 100000 bytes"},
        {"/headers", E_TOO_LARGE, "too many headers"},
    };
    struct desk *d = desk_open(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct request_out get = desk_get(d, rows[i].path);
        get.response_max_bytes = 100000;
        get.timeout_ms = WIRE_MS;
        d->answer.status = 12345;
        enum err e = client_send(d->c, &get, &d->answer);
        if (e != rows[i].err || !strstr(d->c->fault.text, rows[i].text)) {
            fail_msg("%s: %s: %s", rows[i].path, err_name(e), d->c->fault.text);
        }
        assert_int_equal(d->answer.status, 12345); /* untouched */
    }
    struct request_out get = desk_get(d, "/ok"); /* and the client is fine */
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    desk_close(d);
}

static void test_refused_connection(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    struct fake *gone = fake_start();
    int port = gone->port;
    fake_stop(gone);
    struct request_out get = desk_get(d, "/");
    get.url = str_fmt(d->c->arena, "http://127.0.0.1:%d/", port);
    assert_int_equal(client_send(d->c, &get, &d->answer), E_UNAVAILABLE);
    assert_non_null(strstr(d->c->fault.text, "refuses connections"));
    get.url = STR("http://does-not-exist.invalid/");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_UNAVAILABLE);
    desk_close(d);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ok",
        "/ok",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://",
        "http://user:secret@127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1:99999/",
        "javascript:alert(1)",
    };
    struct desk *d = desk_open(0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct request_out get = desk_get(d, "/");
        get.url = str_of(bad[i]);
        if (client_send(d->c, &get, &d->answer) != E_INVALID) {
            fail_msg("%s: %s", bad[i], d->c->fault.text);
        }
        assert_string_equal(d->c->fault.field, "url");
        assert_null(strstr(d->c->fault.text, "secret"));
    }
    char *longest = arena_alloc(d->c->arena, 9000);
    memset(longest, 'a', 8999);
    memcpy(longest, "http://127.0.0.1/", 17);
    struct request_out get = desk_get(d, "/");
    get.url = str_of(longest);
    assert_int_equal(client_send(d->c, &get, &d->answer), E_INVALID);
    desk_close(d);
}

static void test_malformed_requests(void **state)
{
    (void)state;
    static const struct header bad[] = {
        {{"X: y\r\nEvil", 10}, {"1", 1}}, {{"X", 1}, {"a\r\nEvil: 1", 10}}, {{"", 0}, {"1", 1}}};
    struct desk *d = desk_open(0);
    for (int i = 0; i < 3; i++) {
        struct request_out get = desk_get(d, "/ok");
        get.headers = &bad[i];
        get.header_count = 1;
        assert_int_equal(client_send(d->c, &get, &d->answer), E_INVALID);
    }
    struct request_out get = desk_get(d, "/ok");
    get.method = "GET / HTTP/1.1\r\nX:";
    assert_int_equal(client_send(d->c, &get, &d->answer), E_INVALID);
    assert_int_equal(d->fake->connections, 0);
    desk_close(d);
}

static void test_private_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost",  "2130706433",
                                        "0x7f.1",    "0177.0.0.1", "[::ffff:127.0.0.1]",
                                        "0.0.0.0",   "[::1]",      "127.1"};
    struct desk *d = desk_open(0);
    struct request_out get = desk_get(d, "/ok");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK); /* leaves an open connection */
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        get.allow_private = false;
        get.url = str_fmt(d->c->arena, "http://%s:%d/ok", hosts[i], d->fake->port);
        enum err e = client_send(d->c, &get, &d->answer);
        if (e != E_DENIED) {
            fail_msg("%s: %s %s", hosts[i], err_name(e), d->c->fault.text);
        }
    }
    assert_int_equal(d->fake->connections, 1);
    desk_close(d);
}

static void test_connections_are_kept(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    for (int i = 0; i < 10; i++) {
        struct request_out get = desk_get(d, "/ok");
        assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    }
    assert_int_equal(d->fake->connections, 1);
    desk_close(d);
}

static void test_time_limits(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    struct request_out get = desk_get(d, "/silent");
    get.timeout_ms = 60;
    assert_int_equal(client_send(d->c, &get, &d->answer), E_TIMEOUT);
    get = desk_get(d, "/stall");
    get.idle_timeout_ms = 60;
    int64_t start_ms = clock_steady_ms();
    assert_int_equal(client_send(d->c, &get, &d->answer), E_TIMEOUT);
    assert_non_null(strstr(d->c->fault.text, "sent nothing for 60 ms"));
    assert_true(clock_steady_ms() - start_ms >= 60);
    get = desk_get(d, "/stall");
    struct ctx *soon = ctx_child(d->c, 1 << 20);
    ctx_limit(soon, 60);
    assert_int_equal(client_send(soon, &get, &d->answer), E_TIMEOUT);
    assert_int_equal(client_send(soon, &get, &d->answer), E_TIMEOUT); /* at once */
    ctx_free(&soon);
    assert_true(clock_steady_ms() - start_ms < WIRE_MS);
    desk_close(d);
}

static void *raise_flag(void *flag)
{
    usleep(30000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void test_cancel(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    atomic_bool cancel;
    atomic_init(&cancel, false);
    d->c->cancel = &cancel;
    pthread_t thread;
    pthread_create(&thread, NULL, raise_flag, &cancel);
    struct request_out get = desk_get(d, "/silent");
    int64_t start_ms = clock_steady_ms();
    assert_int_equal(client_send(d->c, &get, &d->answer), E_CANCELLED);
    assert_true(clock_steady_ms() - start_ms < 5000);
    pthread_join(thread, NULL);
    desk_close(d);
}

struct pieces {
    struct buf all;
    int count;
    enum err give_back;
};

static enum err take_piece(struct ctx *c, struct str piece, void *arg)
{
    struct pieces *p = arg;
    buf_add_str(&p->all, piece);
    p->count++;
    return p->give_back == E_OK ? E_OK : ctx_fail(c, p->give_back, "enough");
}

static void test_streaming(void **state)
{
    (void)state;
    struct desk *d = desk_open(0);
    struct pieces p = {.all = wire_buf()};
    struct request_out get = desk_get(d, "/chunked");
    get.on_piece = take_piece;
    get.on_piece_arg = &p;
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    assert_string_equal(p.all.p, "hello world");
    assert_int_equal(d->answer.body.n, 0);
    /* an error's body is no stream */
    buf_clear(&p.all);
    get.url = desk_url(d, "/error");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    assert_int_equal(p.all.n, 0);
    assert_true(str_eqz(d->answer.body, "sorry"));
    /* what came before the cut was delivered */
    get.url = desk_url(d, "/cut");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_UNAVAILABLE);
    assert_string_equal(p.all.p, "hello");
    /* the receiver may end it, with its own reason */
    buf_clear(&p.all);
    p.give_back = E_LIMIT;
    p.count = 0;
    get.url = desk_url(d, "/huge");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_LIMIT);
    assert_string_equal(d->c->fault.text, "enough");
    assert_int_equal(p.count, 1);
    /* a stream has a maximum too */
    p.give_back = E_OK;
    get.response_max_bytes = 50000;
    buf_clear(&p.all);
    assert_int_equal(client_send(d->c, &get, &d->answer), E_TOO_LARGE);
    assert_true(p.all.n <= 50000);
    buf_free(&p.all);
    desk_close(d);
}

static void test_redirects_in_one_origin(void **state)
{
    (void)state;
    static const struct {
        const char *path, *method, *expect;
        bool body;
    } rows[] = {
        {"/301", "GET", "GET /ok?moved ", false},    {"/302", "POST", "GET /ok?moved ", false},
        {"/303", "PUT", "GET /ok?moved ", false},    {"/307", "POST", "POST /ok?moved ", true},
        {"/308", "PATCH", "PATCH /ok?moved ", true}, {"/301", "PUT", "PUT /ok?moved ", true},
    };
    static const struct header secret = {{"X-Api-Key", 9}, {"secret", 6}};
    struct desk *d = desk_open(0);
    strcpy(d->fake->redirect, "/ok?moved");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct request_out out = desk_get(d, rows[i].path);
        out.method = rows[i].method;
        out.body = rows[i].method[0] == 'P' ? STR("the body") : STR("");
        out.redirects_max = 1;
        out.headers = &secret;
        out.header_count = 1;
        assert_int_equal(client_send(d->c, &out, &d->answer), E_OK);
        assert_int_equal(d->answer.status, 200);
        assert_true(str_eqz(d->answer.body, "hello"));
        assert_true(fake_saw(d->fake, rows[i].expect));
        assert_true(fake_saw(d->fake, "X-Api-Key: secret"));
        assert_int_equal(fake_saw(d->fake, "the body"), rows[i].body);
    }
    desk_close(d);
}

static void test_redirects_to_other_origins(void **state)
{
    (void)state;
    static const struct header headers[] = {{{"X-Api-Key", 9}, {"secret", 6}},
                                            {{"Authorization", 13}, {"Bearer secret", 13}},
                                            {{"Accept", 6}, {"text/plain", 10}}};
    struct desk *d = desk_open(0);
    struct fake *other = fake_start();
    snprintf(d->fake->redirect, sizeof(d->fake->redirect), "http://127.0.0.1:%d/ok", other->port);
    struct request_out get = desk_get(d, "/302");
    get.redirects_max = 3;
    get.headers = headers;
    get.header_count = 3;
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    assert_int_equal(d->answer.status, 200);
    assert_true(fake_saw(d->fake, "secret"));
    assert_true(fake_saw(other, "Accept: text/plain"));
    assert_false(fake_saw(other, "secret"));
    fake_stop(other);
    desk_close(d);
}

static void test_redirects_that_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        enum err err;
    } rows[] = {
        {"/302", E_UNAVAILABLE}, /* in circles */
        {"file:///etc/passwd", E_INVALID},
        {"ftp://127.0.0.1/", E_INVALID},
        {"http://user:secret@127.0.0.1/", E_UNAVAILABLE},
        {"http://", E_UNAVAILABLE},
    };
    struct desk *d = desk_open(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        strcpy(d->fake->redirect, rows[i].location);
        struct request_out get = desk_get(d, "/302");
        get.redirects_max = 3;
        enum err e = client_send(d->c, &get, &d->answer);
        if (e != rows[i].err) {
            fail_msg("%s: %s %s", rows[i].location, err_name(e), d->c->fault.text);
        }
    }
    desk_close(d);
}

struct caller {
    struct desk *desk;
    const char *path;
    int64_t timeout_ms;
    enum err err;
};

static void *call_it(void *arg)
{
    struct caller *me = arg;
    struct ctx *c = ctx_new(&me->desk->at, 16 << 20);
    struct response_in answer;
    struct request_out get = {
        .method = "GET",
        .url = str_fmt(c->arena, "http://127.0.0.1:%d%s", me->desk->fake->port, me->path),
        .allow_private = true,
        .timeout_ms = me->timeout_ms};
    me->err = client_send(c, &get, &answer);
    for (int i = 0; i < 30 && me->err == E_OK; i++) {
        me->err = client_send(c, &get, &answer);
    }
    ctx_free(&c);
    return NULL;
}

static void test_threads_share_the_connections(void **state)
{
    (void)state;
    struct desk *d = desk_open(3);
    struct caller callers[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        callers[i] = (struct caller){d, i % 2 ? "/ok" : "/chunked", WIRE_MS, E_OK};
        pthread_create(&threads[i], NULL, call_it, &callers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].err, E_OK);
    }
    assert_in_range(d->fake->connections, 1, 3);
    desk_close(d);
}

static void test_waiting_for_a_connection_is_bounded(void **state)
{
    (void)state;
    struct desk *d = desk_open(1);
    struct caller slow = {d, "/silent", 1000, E_OK};
    pthread_t thread;
    pthread_create(&thread, NULL, call_it, &slow);
    while (!fake_saw(d->fake, "/silent")) {
        usleep(500);
    }
    struct request_out get = desk_get(d, "/ok");
    get.timeout_ms = 60;
    assert_int_equal(client_send(d->c, &get, &d->answer), E_TIMEOUT);
    assert_non_null(strstr(d->c->fault.text, "in use"));
    get.timeout_ms = WIRE_MS; /* long enough to get its turn */
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    pthread_join(thread, NULL);
    assert_int_equal(slow.err, E_TIMEOUT);
    desk_close(d);
}

static void test_environment_gives_no_proxy(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct desk *d = desk_open(0);
    struct request_out get = desk_get(d, "/ok");
    assert_int_equal(client_send(d->c, &get, &d->answer), E_OK);
    desk_close(d);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_request_as_sent),
        cmocka_unit_test(test_large_body_is_sent_at_once),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_refused_connection),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_malformed_requests),
        cmocka_unit_test(test_private_addresses_are_refused),
        cmocka_unit_test(test_connections_are_kept),
        cmocka_unit_test(test_time_limits),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_streaming),
        cmocka_unit_test(test_redirects_in_one_origin),
        cmocka_unit_test(test_redirects_to_other_origins),
        cmocka_unit_test(test_redirects_that_lead_nowhere),
        cmocka_unit_test(test_threads_share_the_connections),
        cmocka_unit_test(test_waiting_for_a_connection_is_bounded),
        cmocka_unit_test(test_environment_gives_no_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
