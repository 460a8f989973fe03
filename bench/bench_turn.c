/* A turn of the whole program: a WebSocket message goes in, is on disk, is classified, looked up,
 * answered by the built-in engine, checked, on disk again, and comes out. One conversation at a
 * time, then 256 at once. Beside it: what database and disk allow, as raw group commits of the same
 * rows, 256 turns in each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "figure.h"
#include "raw_rows.h"
#include "talk.h"

enum {
    CONVERSATIONS = 256,
    ONE_BY_ONE = 200,
    WARM_UP = 512,
    MEASURED = 8000,
    TEXT_BYTES = 512,
    TIMEOUT_US = 60000000
};

static const char *const questions[] = {
    "How many days do I have to return a scanner?",
    "Which payment methods do you accept?",
    "Where is order BW-10421?",
    "Hello there",
    "Can I export all my data as CSV?",
};
enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

struct turns {
    char **paths; /* of each socket */
    double *asked_us;
    bool *waiting;
    double *took_us;
    int done, sent, limit;
    int messages; /* ever: a client's id is used once */
    bool again;   /* asks on as soon as it is answered */
};

static void ask(struct turns *t, struct talk_socket *socket)
{
    char text[TEXT_BYTES];
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"message\",\"client_id\":\"b-%d-%d\",\"text\":\"%s\"}",
                     socket->index, t->messages, questions[t->messages % QUESTIONS]);
    t->sent++;
    t->messages++;
    t->waiting[socket->index] = true;
    t->asked_us[socket->index] = talk_now_us();
    talk_send(socket, text, (size_t)n);
}

static double own_cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static bool has(const char *text, size_t n, const char *what)
{
    return memmem(text, n, what, strlen(what)) != NULL;
}

static void on_text(struct talk_socket *socket, const char *text, size_t n, void *arg)
{
    struct turns *t = arg;
    if (has(text, n, "\"type\":\"error\"")) {
        fprintf(stderr, "the server says %.*s\n", (int)n, text);
        exit(1);
    }
    if (!t->waiting[socket->index] || !has(text, n, "\"type\":\"message\"") ||
        !has(text, n, "\"role\":\"ai\"")) {
        return;
    }
    t->waiting[socket->index] = false;
    if (t->done < t->limit) {
        t->took_us[t->done] = talk_now_us() - t->asked_us[socket->index];
    }
    t->done++;
    if (t->again && t->sent < t->limit) {
        ask(t, socket);
    }
}

static const char *path_of(int index, void *arg)
{
    return ((struct turns *)arg)->paths[index];
}

static void wait_for(struct talk_sockets *all, struct turns *t, int target)
{
    double began = talk_now_us();
    while (t->done < target) {
        talk_sockets_turn(all, 1000);
        if (talk_now_us() - began > TIMEOUT_US) {
            fprintf(stderr, "%d of %d answers came\n", t->done, target);
            exit(1);
        }
    }
}

static void open_conversations(const struct talk_server *s, struct turns *t)
{
    for (int i = 0; i < CONVERSATIONS; i++) {
        char *session = talk_call(s, "POST", "/api/v1/chat/sessions", NULL,
                                  "{\"agent\":\"brightwell/support\"}");
        char *token = talk_field(session, "token");
        t->paths[i] = malloc(TEXT_BYTES);
        snprintf(t->paths[i], TEXT_BYTES, "/api/v1/chat/ws?token=%s&after=0", token);
        free(token);
        free(session);
    }
}

static void one_by_one(const struct talk_server *s, struct talk_sockets *all, struct turns *t)
{
    t->limit = ONE_BY_ONE;
    double cpu = talk_cpu_s(s);
    for (int i = 0; i < ONE_BY_ONE; i++) {
        ask(t, &all->items[i / 50]); /* a contact may write 100 messages a minute */
        wait_for(all, t, i + 1);
    }
    cpu = talk_cpu_s(s) - cpu;
    printf("one at a time: p99 %.2f ms\n", talk_quantile(t->took_us, ONE_BY_ONE, .99) / 1e3);
    figure_print(&(struct figure){.what = "a turn, one at a time, p50",
                                  .value = talk_quantile(t->took_us, ONE_BY_ONE, .5) / 1e3,
                                  .unit = "ms",
                                  .limit = 3,
                                  .cpu_us = cpu / ONE_BY_ONE * 1e6});
}

static void many(const struct talk_server *s, struct talk_sockets *all, struct turns *t, int count)
{
    t->done = t->sent = 0;
    t->limit = count;
    t->again = true;
    double cpu = talk_cpu_s(s), own = own_cpu_s(), began = talk_now_us();
    for (int i = 0; i < CONVERSATIONS; i++) {
        ask(t, &all->items[i]);
    }
    wait_for(all, t, count);
    double seconds = (talk_now_us() - began) / 1e6;
    cpu = talk_cpu_s(s) - cpu;
    if (count < MEASURED) {
        return;
    }
    printf("%d conversations: %d turns in %.2f s, CPU %.0f us a turn, of the load itself %.0f us\n",
           CONVERSATIONS, count, seconds, cpu / count * 1e6, (own_cpu_s() - own) / count * 1e6);
    figure_print(&(struct figure){.what = "turns a second, 256 conversations",
                                  .value = count / seconds,
                                  .unit = "/s",
                                  .limit = 2000,
                                  .at_least = true,
                                  .cpu_us = cpu / count * 1e6});
    talk_row("a turn among 256, p50", talk_quantile(t->took_us, count, .5) / 1e3, "ms", 100, true);
    talk_row("a turn among 256, p99", talk_quantile(t->took_us, count, .99) / 1e3, "ms", 100, true);
}

/* No turn can be faster than its rows get to the disk. */
static void beside(const struct talk_server *s, int turns)
{
    static const char *const tables[] = {"message",    "event",     "run",
                                         "checkpoint", "tool_call", NULL};
    double commit_us = 0;
    double seconds = raw_rows_seconds(s->folder, tables, turns / CONVERSATIONS, &commit_us);
    printf("one commit of the rows of %d turns: %.2f ms\n", CONVERSATIONS, commit_us / 1e3);
    figure_print(&(struct figure){.what = "the same rows as raw group commits, turns a second",
                                  .value = turns / seconds,
                                  .unit = "/s"});
}

int main(void)
{
    struct talk_server server = talk_start();
    struct turns t = {
        .paths = calloc(CONVERSATIONS, sizeof(char *)),
        .asked_us = calloc(CONVERSATIONS, sizeof(double)),
        .waiting = calloc(CONVERSATIONS, sizeof(bool)),
        .took_us = calloc(MEASURED, sizeof(double)),
    };
    struct talk_sockets all = {.on_text = on_text, .arg = &t};
    open_conversations(&server, &t);
    talk_sockets_open(&all, &server, CONVERSATIONS, path_of, &t);
    one_by_one(&server, &all, &t);
    many(&server, &all, &t, WARM_UP);
    many(&server, &all, &t, MEASURED);
    talk_sockets_close(&all);
    beside(&server, t.messages);
    talk_stop(&server);
    return 0;
}
