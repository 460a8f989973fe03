#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "figure.h"
#include "program.h"

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 }; /* RFC 6455 section 11.8 */

enum {
    ANSWER_MAX = 8 << 20,
    REQUEST_MAX = 8 << 10,
    /* without its body */ FRAME_BUFFER = 64 << 10,
    EVENTS = 512
};

double talk_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- the server ---------------------------------------------------------- */

struct talk_server talk_start(void)
{
    struct talk_server s = {0};
    const char *binary = getenv("RAPPORT_BIN");
    program_folder(s.folder, sizeof(s.folder));
    s.pid =
        program_start(binary && binary[0] ? binary : "build/release/rapport", s.folder, &s.port);
    return s;
}

void talk_stop(struct talk_server *s)
{
    program_stop(s->pid, s->folder);
}

double talk_cpu_s(const struct talk_server *s)
{
    return (double)program_cpu_us(s->pid) / 1e6;
}

int64_t talk_pss_kib(const struct talk_server *s)
{
    return program_memory_bytes(s->pid) / 1024;
}

/* ---- figures ------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double talk_quantile(double *values, int n, double share)
{
    if (n == 0) {
        return 0;
    }
    qsort(values, (size_t)n, sizeof(*values), by_value);
    int at = (int)(share * n);
    return values[at < n ? at : n - 1];
}

void talk_row(const char *what, double value, const char *unit, double limit, bool most)
{
    figure_print(&(struct figure){
        .what = what, .value = value, .unit = unit, .limit = limit, .at_least = !most});
}

/* ---- HTTP, one at a time ------------------------------------------------- */

char *talk_call(const struct talk_server *s, const char *method, const char *path,
                const char *token, const char *body)
{
    size_t most = REQUEST_MAX + (body ? strlen(body) : 0);
    char *request = malloc(most), *answer = malloc(ANSWER_MAX);
    int n = snprintf(request, most,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n%s",
                     method, path, body ? strlen(body) : 0, token ? "Authorization: Bearer " : "",
                     token ? token : "", token ? "\r\n" : "", body ? body : "");
    int fd = program_dial(s->port);
    program_say(fd, request, (size_t)n);
    free(request);
    size_t held = 0;
    ssize_t got;
    while (held < ANSWER_MAX - 1 && (got = read(fd, answer + held, ANSWER_MAX - 1 - held)) > 0) {
        held += (size_t)got;
    }
    close(fd);
    answer[held] = '\0';
    char *content = strstr(answer, "\r\n\r\n");
    if (held < 12 || answer[9] != '2' || !content) {
        program_die("%s %s: %.400s", method, path, answer);
    }
    memmove(answer, content + 4, strlen(content + 4) + 1);
    return answer;
}

char *talk_field(const char *json, const char *name)
{
    char key[64];
    snprintf(key, sizeof(key), "\"%s\":\"", name);
    const char *at = strstr(json, key);
    const char *end = at ? strchr(at + strlen(key), '"') : NULL;
    if (!end) {
        program_die("no %s in %.200s", name, json);
    }
    at += strlen(key);
    return strndup(at, (size_t)(end - at));
}

char *talk_sign_in(const struct talk_server *s)
{
    char *answer = talk_call(s, "POST", "/api/v1/auth/login", NULL,
                             "{\"email\":\"ingrid@brightwell.example\","
                             "\"password\":\"rapport-demo\",\"session\":\"token\"}");
    char *token = talk_field(answer, "access_token");
    free(answer);
    return token;
}

/* ---- WebSockets ---------------------------------------------------------- */

static void upgrade(int fd, const char *path)
{
    char text[4096];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     path);
    program_say(fd, text, (size_t)n);
    size_t held = 0;
    /* a byte at a time: what follows the head are frames */
    while (held < sizeof(text) - 1 && read(fd, text + held, 1) == 1) {
        text[++held] = '\0';
        if (held >= 4 && strcmp(text + held - 4, "\r\n\r\n") == 0) {
            break;
        }
    }
    if (strncmp(text, "HTTP/1.1 101", 12) != 0) {
        program_die("no WebSocket at %s: %.300s", path, text);
    }
}

void talk_sockets_open(struct talk_sockets *all, const struct talk_server *s, int count,
                       const char *(*path_of)(int index, void *arg), void *arg)
{
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    all->count = count;
    all->items = calloc((size_t)count, sizeof(*all->items));
    for (int i = 0; i < count; i++) {
        struct talk_socket *socket = &all->items[i];
        socket->index = i;
        socket->fd = program_dial(s->port);
        upgrade(socket->fd, path_of(i, arg));
        fcntl(socket->fd, F_SETFL, fcntl(socket->fd, F_GETFL) | O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
        epoll_ctl(all->epoll, EPOLL_CTL_ADD, socket->fd, &event);
    }
}

void talk_sockets_close(struct talk_sockets *all)
{
    for (int i = 0; i < all->count; i++) {
        close(all->items[i].fd);
        free(all->items[i].buffer);
    }
    close(all->epoll);
    free(all->items);
    *all = (struct talk_sockets){0};
}

static void send_frame(struct talk_socket *socket, unsigned char kind, const char *text, size_t n)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    char frame[8192];
    size_t head = 0;
    if (n > sizeof(frame) - 16) {
        program_die("a frame of %zu bytes", n);
    }
    frame[head++] = (char)(0x80 | kind);
    if (n < 126) {
        frame[head++] = (char)(0x80 | n);
    } else {
        frame[head++] = (char)(0x80 | 126);
        frame[head++] = (char)(n >> 8);
        frame[head++] = (char)n;
    }
    memcpy(frame + head, mask, 4);
    head += 4;
    for (size_t i = 0; i < n; i++) {
        frame[head + i] = (char)((unsigned char)text[i] ^ mask[i & 3]);
    }
    program_say(socket->fd, frame, head + n);
}

void talk_send(struct talk_socket *socket, const char *text, size_t n)
{
    send_frame(socket, TEXT, text, n);
}

/* The whole length of the frame at p, and where its content begins; 0 when more is needed. */
static size_t frame_length(const unsigned char *p, size_t n, size_t *out_content)
{
    if (n < 2) {
        return 0;
    }
    size_t length = p[1] & 0x7f, head = 2;
    if (length == 126) {
        head = 4;
        length = n < 4 ? 0 : (size_t)p[2] << 8 | p[3];
    } else if (length == 127) {
        head = 10;
        length = n < 10 ? 0 : (size_t)p[6] << 24 | (size_t)p[7] << 16 | (size_t)p[8] << 8 | p[9];
    }
    *out_content = head;
    return n >= head && n - head >= length ? head + length : 0;
}

static void read_frames(struct talk_sockets *all, struct talk_socket *socket, char *bytes, size_t n)
{
    size_t at = 0, whole, content;
    while ((whole = frame_length((unsigned char *)bytes + at, n - at, &content)) > 0) {
        int kind = bytes[at] & 0x0f;
        if (kind == TEXT) {
            all->frames++;
            all->on_text(socket, bytes + at + content, whole - content, all->arg);
        } else if (kind == PING) {
            send_frame(socket, PONG, bytes + at + content, whole - content);
        } else if (kind == CLOSE) {
            program_die("the server closed a socket: %.*s", (int)(whole - content),
                        bytes + at + content);
        }
        at += whole;
    }
    if (n - at > FRAME_BUFFER) {
        program_die("a frame is larger than %d bytes", FRAME_BUFFER);
    }
    if (n > at) { /* the rest waits in a buffer of the socket's own */
        socket->buffer = socket->buffer ? socket->buffer : malloc(FRAME_BUFFER);
        memcpy(socket->buffer, bytes + at, n - at);
    }
    socket->held = n - at;
}

static void read_socket(struct talk_sockets *all, struct talk_socket *socket)
{
    static char bytes[2 * FRAME_BUFFER];
    if (socket->held) {
        memcpy(bytes, socket->buffer, socket->held);
    }
    ssize_t got = read(socket->fd, bytes + socket->held, FRAME_BUFFER);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        program_die("the server cut socket %d", socket->index);
    }
    if (got > 0) {
        all->bytes += got;
        read_frames(all, socket, bytes, socket->held + (size_t)got);
    }
}

void talk_sockets_turn(struct talk_sockets *all, int ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(all->epoll, events, EVENTS, ms);
    for (int i = 0; i < n; i++) {
        read_socket(all, events[i].data.ptr);
    }
}
