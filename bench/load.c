#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "program.h"

enum {
    EVENTS_MAX = 256,
    ANSWER_MAX_BYTES = 64 << 10,
    LINE_MAX_BYTES = 4096,
    WAIT_MS = 60000,
    SLOTS = 1000000, /* of the latencies, 1 us each */
    SLOT_US = 1,
};

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count, size);
    return p ? p : (program_die("out of memory"), NULL);
}

/* ---- the program --------------------------------------------------------- */

void load_server_start(const char *binary, struct load_server *out)
{
    program_folder(out->folder, sizeof(out->folder));
    out->pid = program_start(binary, out->folder, &out->port);
}

bool load_peer_start(const char *binary, struct load_server *out)
{
    *out = (struct load_server){0};
    bool there = access(binary, X_OK) == 0;
    if (there) {
        out->pid = program_start(binary, out->folder, &out->port);
    }
    return there;
}

void load_server_stop(struct load_server *s)
{
    program_stop(s->pid, s->folder);
}

int64_t load_cpu_us(pid_t pid)
{
    return program_cpu_us(pid);
}

int64_t load_memory_bytes(pid_t pid)
{
    return program_memory_bytes(pid);
}

/* ---- connections --------------------------------------------------------- */

static void be_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* How many bytes the answer at the start of `text` has; 0 while it is not there whole. */
static size_t answer_bytes(const char *text, size_t n)
{
    const char *end = memmem(text, n, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    size_t head = (size_t)(end - text) + 4, body = 0;
    const char *length = memmem(text, head, "\nContent-Length: ", 17);
    length = length ? length : memmem(text, head, "\ncontent-length: ", 17);
    if (length) {
        body = strtoul(length + 17, NULL, 10);
    }
    return n >= head + body ? head + body : 0;
}

static int status_of(const char *text, size_t n)
{
    int status = n > 12 && memcmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
    return status;
}

void load_once(const struct load_server *s, const char *what, const char *token, const char *body,
               struct load_answer *out)
{
    char head[LINE_MAX_BYTES];
    int fd = program_dial(s->port);
    size_t n = 0, whole = 0;
    snprintf(head, sizeof(head),
             "%s HTTP/1.1\r\nHost: bench\r\n%s%s%sContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             what, token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "",
             body ? strlen(body) : 0);
    program_say(fd, head, strlen(head));
    program_say(fd, body ? body : "", body ? strlen(body) : 0);
    while (!whole && n < sizeof(out->body) - 1) {
        ssize_t got = recv(fd, out->body + n, sizeof(out->body) - 1 - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        whole = answer_bytes(out->body, n);
    }
    close(fd);
    out->body[n] = '\0';
    out->status = status_of(out->body, n);
    if (!whole || out->status / 100 != 2) {
        program_die("%s: %.300s", what, out->body);
    }
}

void load_text(const struct load_answer *a, const char *key, char *out, size_t size_bytes)
{
    const char *from = strstr(a->body, key);
    size_t n = from ? strcspn(from + strlen(key), "\"") : 0;
    if (!from || n >= size_bytes) {
        program_die("no %s in %.300s", key, a->body);
    }
    memcpy(out, from + strlen(key), n);
    out[n] = '\0';
}

void load_sign_in(const struct load_server *s, char *out_token, size_t size_bytes)
{
    struct load_answer a;
    load_once(s, "POST /api/v1/auth/login", NULL,
              "{\"email\":\"ingrid@brightwell.example\",\"password\":\"rapport-demo\"}", &a);
    load_text(&a, "\"access_token\":\"", out_token, size_bytes);
}

void load_conversation(const struct load_server *s, const char *token, char *out_id,
                       size_t size_bytes)
{
    struct load_answer a;
    load_once(s, "GET /api/v1/conversations?limit=1", token, NULL, &a);
    load_text(&a, "\"id\":\"", out_id, size_bytes);
}

/* ---- requests ------------------------------------------------------------ */

struct load_conn {
    int fd;
    int64_t sent_us;
    size_t n;
    char in[ANSWER_MAX_BYTES];
};

struct run {
    struct load_request *r;
    struct load_conn *conns;
    int epoll_fd, open;
    int64_t until_us, sent;
    size_t text_bytes;
    uint32_t *slots;
};

static bool may_send(const struct run *run, int64_t now_us)
{
    return run->r->count ? run->sent < run->r->count : now_us < run->until_us;
}

static void ask(struct run *run, struct load_conn *conn, int64_t now_us)
{
    struct load_request *r = run->r;
    size_t n = run->text_bytes;
    const char *text = r->text_of ? r->text_of(r->arg, run->sent, &n) : r->text;
    if (!text) {
        run->until_us = 0;
        return;
    }
    conn->sent_us = now_us;
    run->sent++;
    run->open++;
    program_say(conn->fd, text, n);
}

static void hear(struct run *run, struct load_conn *conn, int64_t now_us)
{
    ssize_t got = recv(conn->fd, conn->in + conn->n, sizeof(conn->in) - conn->n, 0);
    if (got <= 0) {
        program_die("the program hung up: %s", got ? strerror(errno) : "no answer");
    }
    conn->n += (size_t)got;
    size_t whole = answer_bytes(conn->in, conn->n);
    if (!whole) {
        return;
    }
    if (status_of(conn->in, conn->n) / 100 != 2) {
        program_die("%.*s", (int)(conn->n > 600 ? 600 : conn->n), conn->in);
    }
    int64_t slot = (now_us - conn->sent_us) / SLOT_US;
    run->slots[slot < SLOTS ? slot : SLOTS - 1]++;
    run->r->answers++;
    run->open--;
    conn->n = 0;
    if (may_send(run, now_us)) {
        ask(run, conn, now_us);
    }
}

/* What `percent` of the answers took at most. */
static double latency_ms(const struct run *run, int percent)
{
    int64_t left = run->r->answers * (100 - percent) / 100;
    int at = SLOTS - 1;
    while (at > 0 && left >= run->slots[at]) {
        left -= run->slots[at--];
    }
    return (double)at * SLOT_US / 1000;
}

double load_requests(struct load_request *r, int64_t ms)
{
    struct run run = {.r = r, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[EVENTS_MAX];
    run.text_bytes = strlen(r->text);
    run.conns = zeroed((size_t)r->conns, sizeof(*run.conns));
    run.slots = zeroed(SLOTS, sizeof(*run.slots));
    r->answers = 0;
    for (int i = 0; i < r->conns; i++) {
        run.conns[i].fd = program_dial(r->server->port);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &run.conns[i]};
        epoll_ctl(run.epoll_fd, EPOLL_CTL_ADD, run.conns[i].fd, &e);
    }
    int64_t began_us = clock_steady_us(), now_us = began_us;
    run.until_us = began_us + ms * 1000;
    for (int i = 0; i < r->conns && may_send(&run, now_us); i++) {
        ask(&run, &run.conns[i], now_us);
    }
    while (run.open > 0) {
        int n = epoll_wait(run.epoll_fd, events, EVENTS_MAX, (int)ms + WAIT_MS);
        now_us = clock_steady_us();
        if (n <= 0) {
            program_die("the program answers no more");
        }
        for (int i = 0; i < n; i++) {
            hear(&run, events[i].data.ptr, now_us);
        }
    }
    r->p50_ms = latency_ms(&run, 50);
    r->p99_ms = latency_ms(&run, 99);
    for (int i = 0; i < r->conns; i++) {
        close(run.conns[i].fd);
    }
    close(run.epoll_fd);
    free(run.conns);
    free(run.slots);
    return (double)(now_us - began_us) / 1e6;
}

/* ---- WebSockets ---------------------------------------------------------- */

/* Frames are counted as they pass: what is kept of a frame is its head, cut between two reads. */
struct load_socket {
    int fd;
    uint8_t head[4];
    uint8_t have;
    uint32_t left; /* bytes of the frame at hand that are to come */
};

struct load_sockets {
    int epoll_fd, count;
    int64_t frames, bytes;
    struct load_socket *all;
    char in[256 << 10];
};

static void shake_hands(const struct load_server *s, const char *path, const char *hello, int fd)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    char text[LINE_MAX_BYTES + 64];
    size_t n = strlen(hello), at = 0;
    int head = snprintf(text, sizeof(text),
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        path, s->port);
    program_say(fd, text, (size_t)head);
    ssize_t got = 0;
    while (at < 4 || memcmp(text + at - 4, "\r\n\r\n", 4) != 0) { /* not a byte past the head */
        got = recv(fd, text + at, 1, 0);
        at += got > 0;
        if (got <= 0 || at == sizeof(text)) {
            program_die("no WebSocket at %s", path);
        }
    }
    if (status_of(text, at) != 101) {
        program_die("no WebSocket at %s: %.*s", path, (int)at, text);
    }
    uint8_t frame[LINE_MAX_BYTES] = {0x81, 0x80 | 126, (uint8_t)(n >> 8), (uint8_t)n, 1, 2, 3, 4};
    for (size_t i = 0; i < n && 8 + i < sizeof(frame); i++) {
        frame[8 + i] = (uint8_t)hello[i] ^ mask[i % 4];
    }
    program_say(fd, frame, 8 + n);
}

/* The server's frames: not masked, below 64 KiB. Returns how many bytes of `p` were its head. */
static size_t read_head(struct load_socket *one, const uint8_t *p, size_t n)
{
    size_t used = 0;
    while (used < n) {
        one->head[one->have++] = p[used++];
        bool wide = one->have >= 2 && (one->head[1] & 0x7f) == 126;
        if (one->have == 4 || (one->have == 2 && !wide)) {
            one->left = wide ? (uint32_t)(one->head[2] << 8 | one->head[3]) : one->head[1] & 0x7fu;
            one->have = 0;
            return used;
        }
    }
    return used;
}

static void take_frames(struct load_sockets *all, struct load_socket *one, const uint8_t *p,
                        size_t n)
{
    for (size_t at = 0; at < n;) {
        if (one->left == 0) {
            at += read_head(one, p + at, n - at);
            bool text = one->have == 0 && (one->head[0] & 0xf) == 1;
            all->frames += text;
            all->bytes += text ? one->left : 0;
        }
        size_t step = one->left < n - at ? one->left : n - at;
        one->left -= (uint32_t)step;
        at += step;
    }
}

int64_t load_sockets_turn(struct load_sockets *all, int ms)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(all->epoll_fd, events, EVENTS_MAX, ms);
    for (int i = 0; i < n; i++) {
        struct load_socket *one = events[i].data.ptr;
        ssize_t got = recv(one->fd, all->in, sizeof(all->in), 0);
        if (got <= 0 && errno != EAGAIN) {
            program_die("a WebSocket was cut");
        }
        take_frames(all, one, (const uint8_t *)all->in, got > 0 ? (size_t)got : 0);
    }
    return all->frames;
}

int64_t load_sockets_drain(struct load_sockets *all, int64_t frames)
{
    while (all->frames < frames) {
        int64_t before_us = clock_steady_us();
        load_sockets_turn(all, WAIT_MS);
        if (clock_steady_us() - before_us >= WAIT_MS * 1000ll) {
            program_die("%lld of %lld frames came", (long long)all->frames, (long long)frames);
        }
    }
    return all->frames;
}

int load_sockets_fd(const struct load_sockets *all, int n)
{
    return all->all[n].fd;
}

struct load_sockets *load_sockets_open(const struct load_server *s, const char *path,
                                       const char *hello, int count)
{
    struct load_sockets *all = zeroed(1, sizeof(*all));
    all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all->all = zeroed((size_t)count, sizeof(*all->all));
    for (int i = 0; i < count; i++) {
        struct load_socket *one = &all->all[all->count++];
        one->fd = program_dial(s->port);
        shake_hands(s, path, hello, one->fd);
        be_nonblocking(one->fd);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = one};
        epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, one->fd, &e);
    }
    load_sockets_drain(all, count);
    return all;
}

void load_sockets_reset(struct load_sockets *all)
{
    all->frames = all->bytes = 0;
}

int64_t load_sockets_bytes(const struct load_sockets *all)
{
    return all->bytes;
}

void load_sockets_close(struct load_sockets **all)
{
    for (int i = 0; i < (*all)->count; i++) {
        close((*all)->all[i].fd);
    }
    close((*all)->epoll_fd);
    free((*all)->all);
    free(*all);
    *all = NULL;
}
