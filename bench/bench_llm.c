/* What a call through src/llm costs on top of the HTTP call that it is: routing, budget, exact
 * cache (every question is a new one), usage rows and totals on disk, the answer read and checked -
 * beside bare libcurl sending the same bytes to the same local server with as many threads. CPU is
 * of this process, the writer of the usage rows included; the server is another one. Then what the
 * cache answers, exactly and by meaning among 10,000 questions, and the openai SDK of npm where it
 * is installed (bench/peers/llm).
 *
 * Usage: bench_llm [calls] [alone] [many] [cache] [peer] */
#include <curl/curl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"
#include "figure.h"
#include "io/client.h"
#include "llm/models.h"
#include "model_server.h"
#include "nlu/embed.h"
#include "store/cache.h"

enum {
    IN_FLIGHT_MAX = 256,
    ROUNDS = 5,
    WARM_CALLS = 200,
    CALLS = 4000, /* a round */
    ARENA_BYTES = 16 << 20,
    BODY_BYTES = 8192,
    SIMILAR = 10000,
    SIMILAR_ASKED = 300,
    HITS = 2000,
};

static const double OWN_CPU_US = 30, MEDIAN_FACTOR = 1.3, SIMILAR_MS = .5;

static struct facilities at;
static struct id org;
static int port;
static atomic_int asked; /* numbers the questions: no two are the same */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_llm: %s: %s\n", what, why);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[n / 2];
}

/* ---- what is asked -------------------------------------------------------- */

static const char system_text[] =
    "You are the support assistant of Brightwell, a maker of lamps. Answer in the language of the "
    "customer, in at most three sentences. Use only what the passages say; where they say nothing, "
    "say so and offer to hand over to a colleague. Never promise refunds or dates of delivery that "
    "no passage names. Orders have numbers like BW-10421. Passages: [1] Orders leave the warehouse "
    "within two working days. [2] A lamp may be sent back within thirty days if it was not wired. "
    "[3] The warranty of the dimmers is five years and needs the invoice.";
static const char first_text[] = "Hello, I have bought two of your lamps last week.";
static const char reply_text[] = "Thank you for choosing Brightwell! What can I do for you?";

static void question(char out[160])
{
    int n = atomic_fetch_add(&asked, 1);
    snprintf(out, 160, "One of them flickers when it is dimmed below a third. Is case %d known?",
             n);
}

/* ---- the two ways --------------------------------------------------------- */

struct way {
    const char *vendor; /* "openai" or "anthropic" */
    bool streamed;
    bool bare;
};

struct bare {
    CURL *easy;
    struct curl_slist *headers;
    char url[128];
    char body[BODY_BYTES];
};

static size_t count_bytes(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    *(size_t *)arg += size * n;
    return size * n;
}

static void bare_open(struct bare *b, const struct way *w)
{
    bool openai = strcmp(w->vendor, "openai") == 0;
    b->easy = curl_easy_init();
    snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d/v1/%s", port,
             openai ? "chat/completions" : "messages");
    b->headers = curl_slist_append(NULL, "content-type: application/json");
    b->headers = curl_slist_append(b->headers, "accept: text/event-stream, application/json");
    b->headers =
        curl_slist_append(b->headers, openai ? "authorization: Bearer sk-bench" : "x-api-key: sk");
    b->headers = curl_slist_append(b->headers, "Expect:");
    curl_easy_setopt(b->easy, CURLOPT_URL, b->url);
    curl_easy_setopt(b->easy, CURLOPT_HTTPHEADER, b->headers);
    curl_easy_setopt(b->easy, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(b->easy, CURLOPT_NOSIGNAL, 1L);
}

static void bare_call(struct bare *b, const struct way *w)
{
    char text[160];
    size_t got = 0;
    question(text);
    int n = snprintf(b->body, sizeof(b->body),
                     "{\"model\":\"bench-1\",\"stream\":%s,\"messages\":[{\"role\":\"system\","
                     "\"content\":\"%s\"},{\"role\":\"user\",\"content\":\"%s\"},{\"role\":"
                     "\"assistant\",\"content\":\"%s\"},{\"role\":\"user\",\"content\":\"%s\"}],"
                     "\"temperature\":0.2,\"max_tokens\":300}",
                     w->streamed ? "true" : "false", system_text, first_text, reply_text, text);
    curl_easy_setopt(b->easy, CURLOPT_POSTFIELDS, b->body);
    curl_easy_setopt(b->easy, CURLOPT_POSTFIELDSIZE, (long)n);
    curl_easy_setopt(b->easy, CURLOPT_WRITEDATA, &got);
    CURLcode code = curl_easy_perform(b->easy);
    if (code != CURLE_OK || got < 300) {
        die("libcurl", curl_easy_strerror(code));
    }
}

static void bare_close(struct bare *b)
{
    curl_easy_cleanup(b->easy);
    curl_slist_free_all(b->headers);
}

static enum err hear(struct ctx *c, struct str piece, void *arg)
{
    (void)c;
    *(size_t *)arg += piece.n;
    return E_OK;
}

static struct ctx *task(void)
{
    struct ctx *c = ctx_new(&at, ARENA_BYTES);
    c->org = org;
    return c;
}

static enum chat_cache model_call(const struct way *w, const char *text)
{
    struct ctx *c = task();
    char provider[32];
    size_t got = 0;
    snprintf(provider, sizeof(provider), "%s%s", w->vendor, w->streamed ? "" : "-whole");
    struct chat_stream stream = {.on_text = hear, .arg = &got};
    struct chat_message messages[] = {{.role = CHAT_USER, .text = str_of(first_text)},
                                      {.role = CHAT_ASSISTANT, .text = str_of(reply_text)},
                                      {.role = CHAT_USER, .text = str_of(text)}};
    struct chat_request request = {
        .preference = CHAT_BALANCED,
        .provider = str_of(provider),
        .system = str_of(system_text),
        .messages = messages,
        .message_count = 3,
        .temperature = .2,
        .max_tokens = 300,
        .stream = w->streamed ? &stream : NULL,
        .origin = {.agent = STR("support"),
                   .agent_version = STR("3"),
                   .scope = STR("public"),
                   .purpose = STR("turn"),
                   .conversation = STR("01900000-0000-7000-8000-000000000001"),
                   .run = STR("01900000-0000-7000-8000-000000000002")}};
    struct chat_result r;
    if (models_chat(c, &request, &r) != E_OK) {
        die("models_chat", c->fault.text);
    }
    if (r.text.n < 200 || (w->streamed && got != r.text.n)) {
        die("models_chat", "the answer is not the server's");
    }
    ctx_free(&c);
    return r.cache;
}

/* ---- a round -------------------------------------------------------------- */

struct round {
    struct way way;
    int calls;
    atomic_int left;
    atomic_int done;
    double *took_us;
};

static void *work(void *arg)
{
    struct round *r = arg;
    struct bare b;
    if (r->way.bare) {
        bare_open(&b, &r->way);
    }
    while (atomic_fetch_sub(&r->left, 1) > 0) {
        char text[160];
        double began = now_us();
        if (r->way.bare) {
            bare_call(&b, &r->way);
        } else {
            question(text);
            model_call(&r->way, text);
        }
        r->took_us[atomic_fetch_add(&r->done, 1)] = now_us() - began;
    }
    if (r->way.bare) {
        bare_close(&b);
    }
    return NULL;
}

/* Usage rows wait for each other on their way to the disk: who looks at the sums waits for them. */
static void write_out(void)
{
    struct ctx *c = task();
    struct models_spent spent;
    if (models_spent(c, STR(""), &spent) != E_OK) {
        die("models_spent", c->fault.text);
    }
    ctx_free(&c);
}

struct tally {
    double cpu_us, calls;
    double medians[ROUNDS];
    int rounds;
};

static void one_round(struct way way, int in_flight, int calls, struct tally *t)
{
    pthread_t threads[IN_FLIGHT_MAX];
    struct round r = {.way = way, .calls = calls};
    r.took_us = calloc((size_t)calls, sizeof(*r.took_us));
    atomic_store(&r.left, calls);
    double cpu = cpu_us();
    for (int i = 0; i < in_flight; i++) {
        pthread_create(&threads[i], NULL, work, &r);
    }
    for (int i = 0; i < in_flight; i++) {
        pthread_join(threads[i], NULL);
    }
    if (!way.bare) {
        write_out();
    }
    t->cpu_us += cpu_us() - cpu;
    t->calls += calls;
    t->medians[t->rounds++] = median(r.took_us, calls);
    free(r.took_us);
}

static void compare(const char *vendor, bool streamed, int in_flight)
{
    struct way ours = {.vendor = vendor, .streamed = streamed}, bare = ours;
    struct tally own = {0}, peer = {0}, warm = {0};
    char what[100];
    bare.bare = true;
    one_round(ours, in_flight, WARM_CALLS, &warm);
    for (int i = 0; i < ROUNDS; i++) { /* in turns: what else the machine does meets both */
        one_round(bare, in_flight, CALLS, &peer);
        one_round(ours, in_flight, CALLS, &own);
    }
    double all = own.cpu_us / own.calls, libcurl = peer.cpu_us / peer.calls;
    snprintf(what, sizeof(what), "%s, %s, %d in flight: own CPU", vendor,
             streamed ? "streamed" : "whole", in_flight);
    figure_print(&(struct figure){
        .what = what, .value = all - libcurl, .unit = "us", .limit = OWN_CPU_US, .cpu_us = all});
    snprintf(what, sizeof(what), "%s, %s, %d in flight: median", vendor,
             streamed ? "streamed" : "whole", in_flight);
    figure_print(&(struct figure){.what = what,
                                  .value = median(own.medians, ROUNDS),
                                  .unit = "us",
                                  .limit = MEDIAN_FACTOR * median(peer.medians, ROUNDS),
                                  .beside = "1.3 x bare libcurl",
                                  .cpu_us = libcurl});
}

/* ---- the cache ------------------------------------------------------------ */

static void bench_hits(void)
{
    struct way w = {.vendor = "openai"};
    double *took_us = calloc(HITS, sizeof(*took_us)), cpu;
    char text[160];
    question(text);
    model_call(&w, text);
    cpu = cpu_us();
    for (int i = 0; i < HITS; i++) {
        double began = now_us();
        if (model_call(&w, text) != CHAT_CACHE_EXACT) {
            die("the cache", "does not know what was just asked");
        }
        took_us[i] = now_us() - began;
    }
    write_out();
    cpu = (cpu_us() - cpu) / HITS;
    figure_print(&(struct figure){.what = "answered from the exact cache, median",
                                  .value = median(took_us, HITS),
                                  .unit = "us",
                                  .cpu_us = cpu});
    free(took_us);
}

/* ---- a peer -------------------------------------------------------------- */

static void bench_peer(void)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", port);
    if (access("bench/peers/llm/node_modules/openai", R_OK) != 0) {
        printf("the openai SDK of npm: not installed\n");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execlp("node", "node", "bench/peers/llm/calls.js", number, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        die("the peer", "did not finish");
    }
}

/* ---- set-up --------------------------------------------------------------- */

static bool embed_one(struct str text, float *out_vector, void *arg)
{
    (void)arg;
    embed_text(text, out_vector);
    return true;
}

static void must(struct ctx *c, enum err e, const char *what)
{
    if (e != E_OK) {
        die(what, c->fault.text);
    }
}

/* Each vendor twice: as it streams, and as it answers whole. A budget is set and never reached, so
 * every call is checked against it. */
static void configure(struct ctx *c, bool similar)
{
    char url[64];
    struct json_fault fault;
    const struct json *whole = NULL;
    static const struct models_model models[] = {{.name = "bench-1",
                                                  .model_class = MODELS_BALANCED,
                                                  .price_in_millicents = 300000,
                                                  .price_out_millicents = 1500000},
                                                 {0}};
    static const char *const names[] = {"openai", "anthropic", "openai-whole", "anthropic-whole"};
    struct models_provider providers[5] = {{0}};
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    must(c, json_parse(c->arena, STR("{\"stream\":false}"), &whole, &fault), "options");
    for (int i = 0; i < 4; i++) {
        providers[i] = (struct models_provider){.name = names[i],
                                                .kind = names[i % 2],
                                                .base_url = url,
                                                .key = "sk-bench",
                                                .allow_private = true,
                                                .options = i < 2 ? NULL : whole,
                                                .models = models};
    }
    struct models_config config = {.providers = providers,
                                   .embed = similar ? embed_one : NULL,
                                   .embed_dimensions = EMBED_DIMENSIONS};
    models_free(&at.models);
    must(c, models_new(c, &config, &at.models), "models_new");
    struct models_budget budget = {.month_microcents = 1000000000000000};
    must(c, models_budget_set(c, &budget), "models_budget_set");
    budget.agent = STR("support");
    must(c, models_budget_set(c, &budget), "models_budget_set");
}

/* A question of words that nobody else uses, and no number: it is compared with all others. */
static void sentence(uint32_t number, bool again, char out[160])
{
    static const char *const syllables[] = {"ba", "ce", "do", "fi", "gu", "la", "me", "ni",
                                            "po", "ru", "sa", "te", "vo", "wi", "zu", "an"};
    uint32_t state = number * 2654435761u + 1;
    size_t n = 0;
    for (int word = 0; word < 12; word++) {
        for (int i = 0; i < 3; i++) {
            state = state * 1664525u + 1013904223u;
            n += (size_t)snprintf(out + n, 160 - n, "%s", syllables[state >> 28]);
        }
        out[n++] = again && word % 4 == 3 ? ',' : ' ';
        out[n++] = ' ';
    }
    snprintf(out + n, 160 - n, again ? "?" : "");
}

static void bench_similar(struct ctx *c)
{
    struct way w = {.vendor = "openai"};
    double *took_us = calloc(SIMILAR_ASKED, sizeof(*took_us)), cpu;
    char text[160];
    struct cache_config room = {.kind = CACHE_MEMORY, .max_bytes = 32 << 20};
    cache_close(&at.cache);
    must(c, cache_open(c, &room, &at.cache), "cache_open");
    configure(c, true);
    for (uint32_t i = 0; i < SIMILAR; i++) {
        sentence(i, false, text);
        if (model_call(&w, text) != CHAT_CACHE_NONE) {
            die("the cache", "takes different questions for one");
        }
    }
    write_out();
    cpu = cpu_us();
    for (uint32_t i = 0; i < SIMILAR_ASKED; i++) {
        sentence(i * (SIMILAR / SIMILAR_ASKED), true, text);
        double began = now_us();
        if (model_call(&w, text) != CHAT_CACHE_SEMANTIC) {
            die("the cache", "does not know a question asked with other punctuation");
        }
        took_us[i] = now_us() - began;
    }
    write_out();
    cpu = (cpu_us() - cpu) / SIMILAR_ASKED;
    figure_print(&(struct figure){.what = "answered by meaning, among 10,000 questions, median",
                                  .value = median(took_us, SIMILAR_ASKED) / 1e3,
                                  .unit = "ms",
                                  .limit = SIMILAR_MS,
                                  .cpu_us = cpu});
    free(took_us);
}

static struct ctx *set_up(const char *folder)
{
    org = id_new(1767225600000);
    at.clock = clock_new();
    at.log = log_new(2, LOG_WARN);
    at.metrics = metrics_new();
    at.alone = true;
    at.client = client_new(&at, IN_FLIGHT_MAX);
    struct ctx *c = task();
    struct store_config config = {.kind = STORE_SQLITE, .folder = folder};
    struct cache_config room = {.kind = CACHE_MEMORY}; /* as large as it is by itself */
    must(c, stores_open(c, &config, models_migrations, &at.stores), "stores_open");
    must(c, stores_create(c, &org), "stores_create");
    must(c, cache_open(c, &room, &at.cache), "cache_open");
    configure(c, false);
    return c;
}

static void tear_down(struct ctx **c)
{
    models_free(&at.models);
    ctx_free(c);
    cache_close(&at.cache);
    stores_close(&at.stores);
    client_free(&at.client);
    metrics_free(&at.metrics);
    log_free(&at.log);
    clock_free(&at.clock);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    static const int in_flight[] = {1, 32, 256};
    char folder[] = "/var/tmp/rapport-bench-XXXXXX";
    if (!mkdtemp(folder)) {
        die("mkdtemp", folder);
    }
    pid_t server = model_server_start(&port);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct ctx *c = set_up(folder);
    for (int i = 0; i < 3 && figure_wanted(argc, argv, "calls"); i++) {
        compare("openai", false, in_flight[i]);
        compare("openai", true, in_flight[i]);
    }
    if (figure_wanted(argc, argv, "alone") && argc > 1) {
        compare("openai", false, 1);
        compare("openai", true, 1);
    }
    if (figure_wanted(argc, argv, "many") && argc > 1) {
        compare("openai", false, 32);
        compare("openai", true, 256);
    }
    if (figure_wanted(argc, argv, "calls")) {
        compare("anthropic", false, 32);
        compare("anthropic", true, 32);
    }
    if (figure_wanted(argc, argv, "cache")) {
        bench_hits();
        bench_similar(c);
    }
    if (figure_wanted(argc, argv, "peer")) {
        bench_peer();
    }
    tear_down(&c);
    curl_global_cleanup();
    model_server_stop(server);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
