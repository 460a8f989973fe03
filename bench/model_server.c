#include "model_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

enum { EVENTS = 256, REQUEST_MAX_BYTES = 64 << 10, ANSWER_MAX_BYTES = 64 << 10 };

static const char piece[] = "about a dozen ";

/* ---- the answers ---------------------------------------------------------- */

static void put_head(struct buf *b, const char *type, size_t length)
{
    buf_addf(b, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n", type);
    if (length) {
        buf_addf(b, "Content-Length: %zu\r\n\r\n", length);
    } else {
        buf_addf(b, "Transfer-Encoding: chunked\r\nCache-Control: no-cache\r\n\r\n");
    }
}

static void put_whole(struct buf *b, const char *before, const char *after)
{
    size_t n = strlen(before) + MODEL_SERVER_PIECES * (sizeof(piece) - 1) + strlen(after);
    put_head(b, "application/json", n);
    buf_addf(b, "%s", before);
    for (int i = 0; i < MODEL_SERVER_PIECES; i++) {
        buf_addf(b, "%s", piece);
    }
    buf_addf(b, "%s", after);
}

/* One event as a chunk of its own, as servers send them that flush after each. */
static void put_event(struct buf *b, const char *name, const char *data)
{
    char text[1024];
    int n = name ? snprintf(text, sizeof(text), "event: %s\ndata: %s\n\n", name, data)
                 : snprintf(text, sizeof(text), "data: %s\n\n", data);
    buf_addf(b, "%x\r\n%s\r\n", (unsigned)n, text);
}

static void put_end(struct buf *b)
{
    buf_addf(b, "0\r\n\r\n");
}

static struct buf openai_whole(void)
{
    struct buf b = buf_make(ANSWER_MAX_BYTES);
    put_whole(&b,
              "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1767225600,"
              "\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
              "\"assistant\",\"content\":\"",
              "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
              "\"prompt_tokens\":210,\"completion_tokens\":60,\"total_tokens\":270}}");
    return b;
}

static struct buf openai_stream(void)
{
    static const char form[] =
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,"
        "\"model\":\"bench-1\",\"choices\":[{\"index\":0,\"delta\":{%s%s%s},\"logprobs\":null,"
        "\"finish_reason\":%s}]}";
    char data[512];
    struct buf b = buf_make(ANSWER_MAX_BYTES);
    put_head(&b, "text/event-stream", 0);
    for (int i = 0; i < MODEL_SERVER_PIECES; i++) {
        snprintf(data, sizeof(data), form, "\"content\":\"", piece, "\"", "null");
        put_event(&b, NULL, data);
    }
    snprintf(data, sizeof(data), form, "", "", "", "\"stop\"");
    put_event(&b, NULL, data);
    put_event(&b, NULL,
              "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,"
              "\"model\":\"bench-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":210,"
              "\"completion_tokens\":60,\"total_tokens\":270}}");
    put_event(&b, NULL, "[DONE]");
    put_end(&b);
    return b;
}

static struct buf anthropic_whole(void)
{
    struct buf b = buf_make(ANSWER_MAX_BYTES);
    put_whole(&b,
              "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench-1\","
              "\"content\":[{\"type\":\"text\",\"text\":\"",
              "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{"
              "\"input_tokens\":210,\"output_tokens\":60}}");
    return b;
}

static struct buf anthropic_stream(void)
{
    char data[512];
    struct buf b = buf_make(ANSWER_MAX_BYTES);
    put_head(&b, "text/event-stream", 0);
    put_event(&b, "message_start",
              "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
              "\"role\":\"assistant\",\"model\":\"bench-1\",\"content\":[],\"stop_reason\":null,"
              "\"usage\":{\"input_tokens\":210,\"output_tokens\":1}}}");
    put_event(&b, "content_block_start",
              "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
              "\"text\":\"\"}}");
    for (int i = 0; i < MODEL_SERVER_PIECES; i++) {
        snprintf(data, sizeof(data),
                 "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                 "\"text\":\"%s\"}}",
                 piece);
        put_event(&b, "content_block_delta", data);
    }
    put_event(&b, "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
    put_event(&b, "message_delta",
              "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
              "\"stop_sequence\":null},\"usage\":{\"output_tokens\":60}}");
    put_event(&b, "message_stop", "{\"type\":\"message_stop\"}");
    put_end(&b);
    return b;
}

/* ---- serving -------------------------------------------------------------- */

struct peer {
    int fd;
    size_t n;
    char in[REQUEST_MAX_BYTES];
};

struct server {
    int epoll_fd, listen_fd;
    struct buf answers[2][2]; /* by vendor and whether streamed */
};

/* The bytes of the request at the start, 0 while it is not there whole. */
static size_t request_bytes(const char *p, size_t n, size_t *out_body)
{
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    size_t head = (size_t)(end - p) + 4, body = 0;
    for (const char *at = p; at && at < end; at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        if (strncasecmp(at, "content-length:", 15) == 0) {
            body = strtoul(at + 15, NULL, 10);
        }
    }
    *out_body = head;
    return n >= head + body ? head + body : 0;
}

static void drop(struct server *s, struct peer *one)
{
    epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, one->fd, NULL);
    close(one->fd);
    free(one);
}

/* False when the peer is gone. */
static bool answer(struct server *s, struct peer *one, size_t whole, size_t body)
{
    bool openai = memmem(one->in, body, "/chat/completions", 17) != NULL;
    bool stream = memmem(one->in + body, whole - body, "\"stream\":true", 13) != NULL;
    const struct buf *b = &s->answers[openai][stream];
    ssize_t sent = send(one->fd, b->p, b->n, MSG_NOSIGNAL);
    one->n -= whole;
    memmove(one->in, one->in + whole, one->n);
    return sent == (ssize_t)b->n;
}

static void hear(struct server *s, struct peer *one)
{
    ssize_t got = recv(one->fd, one->in + one->n, sizeof(one->in) - one->n, 0);
    size_t whole = 0, body = 0;
    bool there = got > 0;
    one->n += there ? (size_t)got : 0;
    while (there && (whole = request_bytes(one->in, one->n, &body)) > 0) {
        there = answer(s, one, whole, body);
    }
    if (!there) {
        drop(s, one);
    }
}

static void welcome(struct server *s)
{
    int fd, on = 1;
    while ((fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct peer *one = calloc(1, sizeof(*one));
        if (!one) {
            exit(1);
        }
        one->fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = one};
        epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static void serve(int listen_fd)
{
    struct server s = {.listen_fd = listen_fd, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    s.answers[0][0] = anthropic_whole();
    s.answers[0][1] = anthropic_stream();
    s.answers[1][0] = openai_whole();
    s.answers[1][1] = openai_stream();
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, listen_fd, &e);
    for (;;) {
        int n = epoll_wait(s.epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                hear(&s, events[i].data.ptr);
            } else {
                welcome(&s);
            }
        }
    }
}

pid_t model_server_start(int *out_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        fprintf(stderr, "bench: no socket for the model server: %s\n", strerror(errno));
        exit(1);
    }
    *out_port = ntohs(at.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return pid;
}

void model_server_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
