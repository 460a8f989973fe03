/* How soon a changed agent is used: from the answer that says a version is applied to the greeting
 * of a new conversation, with nothing else to do and under a load of turns from a process of its
 * own. Applying includes teaching the classifier anew.
 *
 * Usage: bench_reload [versions]; RAPPORT_BIN names the program. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/json.h"
#include "figure.h"
#include "talk.h"

enum {
    VERSIONS = 40,
    CONVERSATIONS = 400,
    TURNS_PER_S = 400, /* a contact may write 100 messages a minute */
    TEXT_BYTES = 4096,
    WARM_MS = 1500,
    ARENA_BYTES = 512 << 20
};

static const char *const questions[] = {"Where is my order BW-10421?", "How do I return a scanner?",
                                        "What does the warranty cover?",
                                        "Can I export all my data as CSV?"};

/* ---- the load -------------------------------------------------------------- */

struct load {
    char *paths[CONVERSATIONS];
    bool waiting[CONVERSATIONS];
    int64_t answered;
};

static void on_text(struct talk_socket *socket, const char *text, size_t n, void *arg)
{
    struct load *l = arg;
    if (memmem(text, n, "\"type\":\"message\"", 16) && memmem(text, n, "\"role\":\"ai\"", 11)) {
        l->answered += l->waiting[socket->index];
        l->waiting[socket->index] = false;
    }
}

static const char *path_of(int index, void *arg)
{
    return ((struct load *)arg)->paths[index];
}

static void ask(struct load *l, struct talk_socket *socket, int number)
{
    char text[TEXT_BYTES];
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"message\",\"client_id\":\"r-%d\",\"text\":\"%s\"}", number,
                     questions[number % 4]);
    l->waiting[socket->index] = true;
    talk_send(socket, text, (size_t)n);
}

static volatile sig_atomic_t over;

static void stop(int number)
{
    (void)number;
    over = 1;
}

/* At a steady pace, whatever the answers do; a conversation that waits is left out. Tells its rate
 * through `out_fd` in the end. */
static void drive(const struct talk_server *s, struct load *l, int out_fd)
{
    struct talk_sockets all = {.on_text = on_text, .arg = l};
    struct sigaction act = {.sa_handler = stop};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &act, NULL);
    talk_sockets_open(&all, s, CONVERSATIONS, path_of, l);
    double began_us = talk_now_us();
    for (int sent = 0; !over;) {
        talk_sockets_turn(&all, 1);
        int due = (int)((talk_now_us() - began_us) * TURNS_PER_S / 1e6);
        for (; sent < due; sent++) {
            struct talk_socket *next = &all.items[sent % CONVERSATIONS];
            if (!l->waiting[next->index]) {
                ask(l, next, sent);
            }
        }
    }
    double rate = (double)l->answered * 1e6 / (talk_now_us() - began_us);
    _exit(write(out_fd, &rate, sizeof(rate)) == sizeof(rate) ? 0 : 1);
}

static pid_t load_start(const struct talk_server *s, int *out_fd)
{
    static struct load l;
    int fds[2];
    for (int i = 0; i < CONVERSATIONS; i++) {
        char *session = talk_call(s, "POST", "/api/v1/chat/sessions", NULL,
                                  "{\"agent\":\"brightwell/support\"}");
        char *token = talk_field(session, "token");
        l.paths[i] = malloc(TEXT_BYTES);
        snprintf(l.paths[i], TEXT_BYTES, "/api/v1/chat/ws?token=%s&after=0", token);
        free(token);
        free(session);
    }
    if (pipe(fds) != 0) {
        perror("pipe");
        exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        drive(s, &l, fds[1]);
    }
    close(fds[1]);
    *out_fd = fds[0];
    usleep(WARM_MS * 1000);
    return pid;
}

static double load_stop(pid_t pid, int fd)
{
    double rate = 0;
    kill(pid, SIGTERM);
    if (read(fd, &rate, sizeof(rate)) != sizeof(rate)) {
        fprintf(stderr, "bench_reload: the load broke off\n");
        exit(1);
    }
    waitpid(pid, NULL, 0);
    close(fd);
    return rate;
}

/* ---- the versions ---------------------------------------------------------- */

struct agent {
    struct arena *arena;
    struct str before, after; /* its YAML around the greeting's line */
};

static struct agent agent_read(const struct talk_server *s, const char *token)
{
    struct agent g = {.arena = arena_new(ARENA_BYTES)};
    struct json_fault fault;
    const struct json *v = NULL;
    char *text = talk_call(s, "GET", "/api/v1/agents/support", token, NULL);
    if (json_parse(g.arena, str_of(text), &v, &fault) != E_OK) {
        fprintf(stderr, "bench_reload: the agent cannot be read\n");
        exit(1);
    }
    struct str yaml = json_str(v, "yaml", STR(""));
    ptrdiff_t at = str_find(yaml, STR("\ngreeting:"));
    struct str rest = str_sub(yaml, (size_t)at + 1, yaml.n);
    g.before = str_sub(yaml, 0, (size_t)at + 1);
    g.after = str_sub(rest, (size_t)str_find_char(rest, '\n'), rest.n);
    free(text);
    return g;
}

/* The old greeting's text stays where it was, under another name. */
static char *version_of(const struct agent *g, int number)
{
    struct str yaml = str_fmt(g->arena, "%.*sgreeting: \"Hello %d\"\nx-old-greeting: >-%.*s",
                              STR_ARG(g->before), number, STR_ARG(g->after));
    struct str body =
        json_write(g->arena, json_object(g->arena, {"yaml", json_new_str(g->arena, yaml)},
                                         {"message", json_new_str(g->arena, STR("bench"))}));
    return str_dupz(g->arena, body);
}

struct times {
    double applied_ms[VERSIONS * 4], used_ms[VERSIONS * 4];
    int count;
};

struct bench {
    struct talk_server server;
    char *token;
    struct agent agent;
};

static void one_version(const struct bench *b, int number, struct times *t)
{
    const struct talk_server *s = &b->server;
    char expected[64], *body = version_of(&b->agent, number);
    snprintf(expected, sizeof(expected), "Hello %d", number);
    double began_us = talk_now_us();
    free(talk_call(s, "PUT", "/api/v1/agents/support", b->token, body));
    double applied_us = talk_now_us();
    char *session =
        talk_call(s, "POST", "/api/v1/chat/sessions", NULL, "{\"agent\":\"brightwell/support\"}");
    double used_us = talk_now_us();
    char *greeting = talk_field(session, "greeting");
    if (strcmp(greeting, expected) != 0) {
        fprintf(stderr, "bench_reload: an old version answered: %s\n", greeting);
        exit(1);
    }
    t->applied_ms[t->count] = (applied_us - began_us) / 1e3;
    t->used_ms[t->count++] = (used_us - applied_us) / 1e3;
    free(greeting);
    free(session);
}

int main(int argc, char **argv)
{
    static struct times idle, loaded;
    char what[100];
    int versions = argc > 1 ? atoi(argv[1]) : VERSIONS, fd = -1;
    versions = versions < 1 ? 1 : versions > 4 * VERSIONS ? 4 * VERSIONS : versions;
    struct bench b = {.server = talk_start()};
    const struct talk_server *s = &b.server;
    b.token = talk_sign_in(s);
    b.agent = agent_read(s, b.token);
    for (int i = 0; i < (versions + 3) / 4; i++) {
        one_version(&b, i, &idle);
    }
    pid_t load = load_start(s, &fd);
    double cpu_s = talk_cpu_s(s), began_us = talk_now_us();
    for (int i = 0; i < versions; i++) {
        one_version(&b, 1000 + i, &loaded);
    }
    cpu_s = talk_cpu_s(s) - cpu_s;
    double seconds = (talk_now_us() - began_us) / 1e6, rate = load_stop(load, fd);
    printf("%d versions in %.1f s beside %.0f turns a second; %.0f %% of a core in use\n", versions,
           seconds, rate, cpu_s / seconds * 100);
    figure_print(&(struct figure){.what = "version applied -> used, idle, p50",
                                  .value = talk_quantile(idle.used_ms, idle.count, .5),
                                  .unit = "ms"});
    snprintf(what, sizeof(what), "version applied -> used, beside %.0f turns/s, p50", rate);
    figure_print(&(struct figure){
        .what = what, .value = talk_quantile(loaded.used_ms, loaded.count, .5), .unit = "ms"});
    snprintf(what, sizeof(what), "version applied -> used, beside %.0f turns/s, p99", rate);
    figure_print(&(struct figure){.what = what,
                                  .value = talk_quantile(loaded.used_ms, loaded.count, .99),
                                  .unit = "ms",
                                  .limit = 50});
    figure_print(&(struct figure){.what = "applying it, beside those turns, p50",
                                  .value = talk_quantile(loaded.applied_ms, loaded.count, .5),
                                  .unit = "ms"});
    free(b.token);
    arena_free(&b.agent.arena);
    talk_stop(&b.server);
    return 0;
}
