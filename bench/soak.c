/* Half of the maximum load for a long time: turns over WebSockets, reads over HTTP, members' live
 * sockets that hear of all of it. The maximum is measured first, in the same run. A line per
 * minute, then a verdict: memory flat, no descriptor more, answers as quick at the end as at the
 * beginning. bench/soak MINUTES builds and runs it. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "talk.h"

enum {
    TALKERS =
        640, /* conversations; new ones every minute, for one takes 100 messages in that time */
    ASKING_MAX = 128, /* of them at one time */
    VIEWERS = 50,
    READERS = 16, /* connections */
    MAX_MS = 12000,
    PATH_BYTES = 512,
    TOOK_MAX = 1 << 20, /* turns a minute */
    MINUTES_MAX = 1440,
    SLICE_MS = 100,
    ANSWER_US = 30000000,
    WARM_SHARE = 4 /* a quarter is left out of the verdict: page caches and arenas fill */
};

static const char *const questions[] = {
    "How many days do I have to return a scanner?",
    "Which payment methods do you accept?",
    "Where is order BW-10421?",
    "Hello there",
    "Can I export all my data as CSV?",
};
enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

struct talking {
    const struct talk_server *server;
    struct talk_sockets all, viewers;
    char *paths[TALKERS];
    double asked_us[TALKERS];
    bool waiting[TALKERS];
    double *took_us;
    int took, open;
    int64_t messages; /* ever: a client's id is used once */
    int64_t heard;    /* events, by viewers */
};

struct reading {
    struct load_server server;
    struct load_request request;
    double per_s; /* 0: as fast as they come */
    atomic_bool over;
    int64_t answers;
    double seconds;
    double p99_ms; /* of the worst slice */
};

struct minute {
    double turns, p50_ms, p99_ms, reads, read_p99_ms, heard;
    int64_t memory_kib, whole_kib;
    int descriptors;
};

/* ---- the program from outside */

static int64_t anonymous_kib(pid_t pid)
{
    char path[64], line[256];
    long long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f) && sscanf(line, "RssAnon: %lld", &kib) != 1) {}
    if (f) {
        fclose(f);
    }
    return kib;
}

static int descriptors_of(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    while (d && readdir(d)) {
        n++;
    }
    if (d) {
        closedir(d);
    }
    return n;
}

/* ---- turns */

static bool has(const char *text, size_t n, const char *what)
{
    return memmem(text, n, what, strlen(what)) != NULL;
}

static void on_text(struct talk_socket *socket, const char *text, size_t n, void *arg)
{
    struct talking *t = arg;
    int i = socket->index;
    if (has(text, n, "\"type\":\"error\"")) {
        fprintf(stderr, "the server says %.*s\n", (int)n, text);
        exit(1);
    }
    if (t->waiting[i] && has(text, n, "\"type\":\"message\"") && has(text, n, "\"role\":\"ai\"")) {
        t->waiting[i] = false;
        t->open--;
        if (t->took < TOOK_MAX) {
            t->took_us[t->took++] = talk_now_us() - t->asked_us[i];
        }
    }
}

static const char *path_of(int index, void *arg)
{
    return ((struct talking *)arg)->paths[index];
}

static void open_conversations(struct talking *t)
{
    for (int i = 0; i < TALKERS; i++) {
        char *session = talk_call(t->server, "POST", "/api/v1/chat/sessions", NULL,
                                  "{\"agent\":\"brightwell/support\"}");
        char *token = talk_field(session, "token");
        free(t->paths[i]);
        t->paths[i] = malloc(PATH_BYTES);
        snprintf(t->paths[i], PATH_BYTES, "/api/v1/chat/ws?token=%s&after=0", token);
        free(token);
        free(session);
    }
    t->all = (struct talk_sockets){.on_text = on_text, .arg = t};
    talk_sockets_open(&t->all, t->server, TALKERS, path_of, t);
}

/* `due_us`: when it should have been asked; waiting for a free conversation counts. */
static void ask(struct talking *t, int i, double due_us)
{
    char text[256];
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"message\",\"client_id\":\"s-%lld\",\"text\":\"%s\"}",
                     (long long)t->messages, questions[t->messages % QUESTIONS]);
    t->messages++;
    t->waiting[i] = true;
    t->open++;
    t->asked_us[i] = due_us;
    talk_send(&t->all.items[i], text, (size_t)n);
}

static int free_one(const struct talking *t)
{
    static int next;
    for (int k = 0; k < TALKERS && t->open < ASKING_MAX; k++) {
        next = (next + 1) % TALKERS;
        if (!t->waiting[next]) {
            return next;
        }
    }
    return -1;
}

/* Asks `per_s` questions a second, or (0) as many at one time as may be, and hears all answers out;
 * the seconds until the last question. */
static double talk_for(struct talking *t, double per_s, double ms)
{
    double began = talk_now_us(), until = began + ms * 1000, due = began, now;
    t->took = 0;
    while ((now = talk_now_us()) < until) {
        int i;
        while ((per_s == 0 || due <= now) && (i = free_one(t)) >= 0) {
            ask(t, i, per_s == 0 ? now : due);
            due += per_s == 0 ? 0 : 1e6 / per_s;
        }
        talk_sockets_turn(&t->all, 1);
        talk_sockets_turn(&t->viewers, 0);
    }
    double spent_s = (talk_now_us() - began) / 1e6;
    double gave_up = talk_now_us() + ANSWER_US;
    while (t->open > 0) {
        talk_sockets_turn(&t->all, 10);
        talk_sockets_turn(&t->viewers, 0);
        if (talk_now_us() > gave_up) {
            fprintf(stderr, "%d questions have no answer\n", t->open);
            exit(1);
        }
    }
    return spent_s;
}

/* ---- reads, on a thread of their own */

static void *read_on(void *arg)
{
    struct reading *r = arg;
    double due = talk_now_us();
    while (!r->over) {
        r->request.count = r->per_s > 0 ? (int64_t)(r->per_s * SLICE_MS / 1000) + 1 : 0;
        load_requests(&r->request, SLICE_MS);
        r->answers += r->request.answers;
        r->p99_ms = r->request.p99_ms > r->p99_ms ? r->request.p99_ms : r->p99_ms;
        if (r->per_s > 0) {
            due += (double)r->request.count / r->per_s * 1e6;
            double left_us = due - talk_now_us();
            struct timespec pause = {.tv_sec = (time_t)(left_us / 1e6),
                                     .tv_nsec = (long)left_us % 1000000 * 1000};
            if (left_us > 0) {
                nanosleep(&pause, NULL);
            }
        }
    }
    return NULL;
}

/* Turns and reads at once. */
static void both(struct talking *t, struct reading *r, double turns_per_s, double reads_per_s,
                 double ms)
{
    pthread_t thread;
    r->per_s = reads_per_s;
    r->answers = 0;
    r->p99_ms = 0;
    r->over = false;
    pthread_create(&thread, NULL, read_on, r);
    double spent_s = talk_for(t, turns_per_s, ms);
    r->over = true;
    pthread_join(thread, NULL);
    r->seconds = spent_s;
}

/* ---- setting up */

static void prepare_reads(struct reading *r, const struct talk_server *s, const char *token)
{
    r->server = (struct load_server){.pid = s->pid, .port = s->port};
    char *page = talk_call(s, "GET", "/api/v1/conversations?limit=1", token, NULL);
    char *id = talk_field(page, "id");
    r->request = (struct load_request){.server = &r->server, .conns = READERS};
    snprintf(r->request.text, sizeof(r->request.text),
             "GET /api/v1/conversations/%s HTTP/1.1\r\nHost: localhost\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             id, token);
    free(id);
    free(page);
}

static const char *live_path(int index, void *arg)
{
    (void)index;
    (void)arg;
    return "/api/v1/live";
}

static void on_event(struct talk_socket *socket, const char *text, size_t n, void *arg)
{
    (void)socket;
    (void)n;
    *(int64_t *)arg += has(text, n, "\"type\":\"event\"");
}

static void open_viewers(struct talking *t, const char *key)
{
    char hello[1024];
    int n = snprintf(hello, sizeof(hello), "{\"type\":\"auth\",\"token\":\"%s\"}", key);
    t->viewers = (struct talk_sockets){.on_text = on_event, .arg = &t->heard};
    talk_sockets_open(&t->viewers, t->server, VIEWERS, live_path, t);
    for (int i = 0; i < VIEWERS; i++) {
        talk_send(&t->viewers.items[i], hello, (size_t)n);
    }
}

/* An API key: it outlives the access tokens. */
static char *lasting_key(const struct talk_server *s)
{
    char *token = talk_sign_in(s);
    char *made =
        talk_call(s, "POST", "/api/v1/keys", token, "{\"name\":\"soak\",\"scopes\":[\"*\"]}");
    char *key = talk_field(made, "key");
    free(token);
    free(made);
    return key;
}

/* ---- the minutes */

static struct minute one_minute(struct talking *t, struct reading *r, double turns, double reads)
{
    double began = talk_now_us();
    int64_t heard = t->heard;
    open_conversations(t);
    both(t, r, turns, reads, 60000 - (talk_now_us() - began) / 1000);
    struct minute m = {.turns = t->took / r->seconds, .reads = (double)r->answers / r->seconds};
    m.p50_ms = talk_quantile(t->took_us, t->took, .5) / 1e3;
    m.p99_ms = talk_quantile(t->took_us, t->took, .99) / 1e3;
    m.read_p99_ms = r->p99_ms;
    m.heard = (double)(t->heard - heard) / 60;
    talk_sockets_close(&t->all);
    struct timespec pause = {.tv_sec = 1}; /* the program notices that they are closed */
    nanosleep(&pause, NULL);
    m.descriptors = descriptors_of(t->server->pid);
    m.memory_kib = anonymous_kib(t->server->pid);
    m.whole_kib = talk_pss_kib(t->server);
    return m;
}

static double mean(const struct minute *all, int from, int to, double (*of)(const struct minute *m))
{
    double sum = 0;
    for (int i = from; i < to; i++) {
        sum += of(&all[i]);
    }
    return sum / (to - from);
}

static double memory_of(const struct minute *m)
{
    return (double)m->memory_kib;
}

static double descriptors_in(const struct minute *m)
{
    return m->descriptors;
}

static double p99_of(const struct minute *m)
{
    return m->p99_ms;
}

static bool judge(const char *what, double first, double last, double most)
{
    bool fine = last <= most;
    printf("%-34s %10.1f -> %10.1f   at most %10.1f  %s\n", what, first, last, most,
           fine ? "ok" : "FAILED");
    return fine;
}

/* The first and the last third of the minutes after the warm-up. */
static bool verdict(const struct minute *all, int count)
{
    int from = count > 2 ? (count + WARM_SHARE - 1) / WARM_SHARE : 0;
    int third = (count - from) / 3 > 0 ? (count - from) / 3 : 1;
    int late = count - third;
    double memory = mean(all, from, from + third, memory_of);
    double open = mean(all, from, from + third, descriptors_in);
    double p99 = mean(all, from, from + third, p99_of);
    bool fine = judge("memory, KiB", memory, mean(all, late, count, memory_of), memory * 1.02);
    fine = judge("descriptors", open, mean(all, late, count, descriptors_in), open + 2) && fine;
    return judge("p99 of a turn, ms", p99, mean(all, late, count, p99_of), p99 * 1.5 + 5) && fine;
}

int main(int argc, char **argv)
{
    int minutes = argc > 1 ? atoi(argv[1]) : 0;
    if (minutes < 1 || minutes > MINUTES_MAX) {
        fprintf(stderr, "usage: soak MINUTES\n");
        return 2;
    }
    struct talk_server server = talk_start();
    struct talking *t = calloc(1, sizeof(*t));
    struct reading r = {.over = false};
    struct minute *all = calloc((size_t)minutes, sizeof(*all));
    t->server = &server;
    t->took_us = calloc(TOOK_MAX, sizeof(double));
    char *key = lasting_key(&server);
    prepare_reads(&r, &server, key);
    open_viewers(t, key);
    free(key);

    open_conversations(t);
    both(t, &r, 0, 0, MAX_MS);
    double turns = t->took / r.seconds, reads = (double)r.answers / r.seconds;
    talk_sockets_close(&t->all);
    printf("maximum: %.0f turns/s and %.0f reads/s at once, heard by %d members; half of it for"
           " %d minutes\n",
           turns, reads, VIEWERS, minutes);
    for (int i = 0; i < minutes; i++) {
        all[i] = one_minute(t, &r, turns / 2, reads / 2);
        printf("minute %3d: %6.0f turns/s p50 %6.2f p99 %7.2f ms, %6.0f reads/s worst p99 %6.2f ms,"
               " %6.0f events/s heard, memory %lld KiB (with files %lld), %d descriptors\n",
               i + 1, all[i].turns, all[i].p50_ms, all[i].p99_ms, all[i].reads, all[i].read_p99_ms,
               all[i].heard, (long long)all[i].memory_kib, (long long)all[i].whole_kib,
               all[i].descriptors);
        fflush(stdout);
    }
    bool fine = verdict(all, minutes);
    talk_stop(&server);
    return fine ? 0 : 1;
}
