#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    EVENTS_MAX = 256,
    ANSWER_MAX_BYTES = 64 << 10,
    LINE_MAX_BYTES = 4096,
    WAIT_MS = 60000,
    SLOTS = 100000, /* of the latencies, 10 us each */
    SLOT_US = 10,
};

static void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static void *zeroed(size_t count, size_t size)
{
    void *p = calloc(count, size);
    return p ? p : (die("out of memory"), NULL);
}

/* ---- the program --------------------------------------------------------- */

static void become_server(const char *binary, const char *folder, int out_fd)
{
    setenv("RAPPORT_REQUESTS_PER_MINUTE", "0", 1);
    setenv("RAPPORT_REQUESTS_BURST", "0", 1);
    setenv("RAPPORT_PUBLIC_REQUESTS_PER_MINUTE", "0", 1);
    setenv("RAPPORT_LOG_LEVEL", "error", 1);
    const char *samples = getenv("RAPPORT_SAMPLES");
    dup2(out_fd, 1);
    execl(binary, binary, "serve", "--port", "0", "--data", folder, "--demo",
          samples ? samples : "samples", "--json", (char *)NULL);
    die("cannot start %s: %s", binary, strerror(errno));
}

static int read_port(int fd)
{
    FILE *f = fdopen(fd, "r");
    char line[LINE_MAX_BYTES];
    while (f && fgets(line, sizeof(line), f)) {
        const char *port = strstr(line, "\"port\":");
        if (strstr(line, "\"ready\":true") && port) {
            int number = atoi(port + strlen("\"port\":"));
            fclose(f);
            return number;
        }
    }
    die("the program ended before it was ready");
}

static void spawn(const char *binary, struct load_server *s)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        die("cannot make a pipe: %s", strerror(errno));
    }
    s->pid = fork();
    if (s->pid == 0) {
        become_server(binary, s->folder, fds[1]);
    }
    close(fds[1]);
    s->port = read_port(fds[0]);
}

void load_server_start(const char *binary, struct load_server *out)
{
    snprintf(out->folder, sizeof(out->folder), "/tmp/rapport-bench-XXXXXX");
    if (!mkdtemp(out->folder)) {
        die("cannot make a folder: %s", strerror(errno));
    }
    spawn(binary, out);
}

bool load_peer_start(const char *binary, struct load_server *out)
{
    *out = (struct load_server){0};
    bool there = access(binary, X_OK) == 0;
    if (there) {
        spawn(binary, out);
    }
    return there;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void load_server_stop(struct load_server *s)
{
    int status;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    if (s->folder[0]) {
        nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

int64_t load_cpu_us(pid_t pid)
{
    if (pid == 0) {
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll + u.ru_utime.tv_usec +
               u.ru_stime.tv_usec;
    }
    char path[64], line[LINE_MAX_BYTES] = "";
    unsigned long user = 0, sys = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    const char *rest = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    if (!rest ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2) {
        die("cannot read %s", path);
    }
    fclose(f);
    return (int64_t)(user + sys) * 1000000 / sysconf(_SC_CLK_TCK);
}

int64_t load_memory_bytes(pid_t pid)
{
    char path[64], line[LINE_MAX_BYTES];
    long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && kib < 0 && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Pss: %ld kB", &kib) != 1) {
            kib = -1;
        }
    }
    if (kib < 0) {
        die("cannot read %s", path);
    }
    fclose(f);
    return kib * 1024ll;
}

/* ---- connections --------------------------------------------------------- */

static int dial(const struct load_server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        die("cannot connect: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void say(int fd, const void *bytes, size_t n)
{
    if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n) {
        die("the program takes no more: %s", strerror(errno));
    }
}

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
    int fd = dial(s);
    size_t n = 0, whole = 0;
    snprintf(head, sizeof(head),
             "%s HTTP/1.1\r\nHost: bench\r\n%s%s%sContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             what, token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "",
             body ? strlen(body) : 0);
    say(fd, head, strlen(head));
    say(fd, body ? body : "", body ? strlen(body) : 0);
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
        die("%s: %.300s", what, out->body);
    }
}

void load_text(const struct load_answer *a, const char *key, char *out, size_t size_bytes)
{
    const char *from = strstr(a->body, key);
    size_t n = from ? strcspn(from + strlen(key), "\"") : 0;
    if (!from || n >= size_bytes) {
        die("no %s in %.300s", key, a->body);
    }
    memcpy(out, from + strlen(key), n);
    out[n] = '\0';
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
    conn->sent_us = now_us;
    run->sent++;
    run->open++;
    say(conn->fd, run->r->text, run->text_bytes);
}

static void hear(struct run *run, struct load_conn *conn, int64_t now_us)
{
    ssize_t got = recv(conn->fd, conn->in + conn->n, sizeof(conn->in) - conn->n, 0);
    if (got <= 0) {
        die("the program hung up: %s", got ? strerror(errno) : "no answer");
    }
    conn->n += (size_t)got;
    size_t whole = answer_bytes(conn->in, conn->n);
    if (!whole) {
        return;
    }
    if (status_of(conn->in, conn->n) / 100 != 2) {
        die("%.*s", (int)(conn->n > 600 ? 600 : conn->n), conn->in);
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

static double p99_of(const struct run *run)
{
    int64_t left = run->r->answers / 100;
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
        run.conns[i].fd = dial(r->server);
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
            die("the program answers no more");
        }
        for (int i = 0; i < n; i++) {
            hear(&run, events[i].data.ptr, now_us);
        }
    }
    r->p99_ms = p99_of(&run);
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
    say(fd, text, (size_t)head);
    ssize_t got = 0;
    while (at < 4 || memcmp(text + at - 4, "\r\n\r\n", 4) != 0) { /* not a byte past the head */
        got = recv(fd, text + at, 1, 0);
        at += got > 0;
        if (got <= 0 || at == sizeof(text)) {
            die("no WebSocket at %s", path);
        }
    }
    if (status_of(text, at) != 101) {
        die("no WebSocket at %s: %.*s", path, (int)at, text);
    }
    uint8_t frame[LINE_MAX_BYTES] = {0x81, 0x80 | 126, (uint8_t)(n >> 8), (uint8_t)n, 1, 2, 3, 4};
    for (size_t i = 0; i < n && 8 + i < sizeof(frame); i++) {
        frame[8 + i] = (uint8_t)hello[i] ^ mask[i % 4];
    }
    say(fd, frame, 8 + n);
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

int64_t load_sockets_drain(struct load_sockets *all, int64_t frames)
{
    struct epoll_event events[EVENTS_MAX];
    while (all->frames < frames) {
        int n = epoll_wait(all->epoll_fd, events, EVENTS_MAX, WAIT_MS);
        if (n <= 0) {
            die("%lld of %lld frames came", (long long)all->frames, (long long)frames);
        }
        for (int i = 0; i < n; i++) {
            struct load_socket *one = events[i].data.ptr;
            ssize_t got = recv(one->fd, all->in, sizeof(all->in), 0);
            if (got <= 0 && errno != EAGAIN) {
                die("a WebSocket was cut");
            }
            take_frames(all, one, (const uint8_t *)all->in, got > 0 ? (size_t)got : 0);
        }
    }
    return all->frames;
}

struct load_sockets *load_sockets_open(const struct load_server *s, const char *path,
                                       const char *hello, int count)
{
    struct load_sockets *all = zeroed(1, sizeof(*all));
    all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all->all = zeroed((size_t)count, sizeof(*all->all));
    for (int i = 0; i < count; i++) {
        struct load_socket *one = &all->all[all->count++];
        one->fd = dial(s);
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
