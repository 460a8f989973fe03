/* Telling intents apart: one message among 150 intents, the size of the model, and teaching 15,000
 * utterances, each as a ratio to what it may take. On CLINC150 when it is there (RAPPORT_DATA, else
 * ../shared/data), else on sentences made here, of words that the intents share. A second row
 * teaches what one agent has: 1,500 utterances, 55 intents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "figure.h"
#include "nlu/labelled.h"

enum {
    LABELS = 150,
    UTTERANCES = 15000,
    AGENT_LABELS = 55,
    AGENT_UTTERANCES = 1500,
    WORDS = 4000,
    ROUNDS = 5,
    ARENA_BYTES = 512 << 20,
    FILE_MAX_BYTES = 16 << 20
};

static const double CLASSIFY_MAX_US = 50, TRAIN_MAX_S = 10, AGENT_MAX_S = 0.3,
                    MODEL_MAX_BYTES = 10 << 20;

struct examples {
    struct classify_example *items;
    size_t n;
};

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*state * below) >> 32);
}

/* A word of two to four syllables; the same number gives the same word. */
static struct str word(struct arena *a, uint32_t number)
{
    static const char *const SYLLABLES[] = {"ba", "ce", "do", "fi", "gu", "la", "me", "ni",
                                            "po", "ru", "sa", "te", "vo", "wi", "zu", "an"};
    struct buf b = buf_make(64);
    for (uint32_t n = number + 16; n; n /= 16) {
        buf_addf(&b, "%s", SYLLABLES[n % 16]);
    }
    struct str s = str_dup(a, buf_str(&b));
    buf_free(&b);
    return s;
}

/* Half of the words of a sentence are its intent's own forty, the other half anybody's. */
static struct examples made(struct arena *a, size_t n)
{
    struct examples e = {ARENA_ARRAY(a, struct classify_example, n), n};
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t label = (uint32_t)(i % LABELS);
        struct buf text = buf_make(1024);
        for (uint32_t w = 5 + draw(&state, 8); w; w--) {
            uint32_t own = label * 40 + draw(&state, 40), any = draw(&state, WORDS);
            struct str s = word(a, w % 2 ? own % WORDS : any);
            buf_addf(&text, "%.*s ", STR_ARG(s));
        }
        e.items[i].text = str_dup(a, buf_str(&text));
        e.items[i].label = str_fmt(a, "intent_%u", label);
        buf_free(&text);
    }
    return e;
}

static bool read_data(struct arena *a, const char *name, struct examples *out)
{
    const char *folder = getenv("RAPPORT_DATA");
    struct str path = str_fmt(a, "%s/intent/clinc150/%s", folder ? folder : "../shared/data", name);
    FILE *f = fopen(path.p, "rb");
    if (!f) {
        return false;
    }
    struct buf b = buf_make(FILE_MAX_BYTES);
    char *room = buf_reserve(&b, FILE_MAX_BYTES);
    buf_grew(&b, fread(room, 1, FILE_MAX_BYTES, f));
    fclose(f);
    struct classify_fault fault = {0};
    enum err e = labelled_read(a, str_dup(a, buf_str(&b)), &fault, &out->items, &out->n);
    buf_free(&b);
    return e == E_OK;
}

static double cpu_s(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void row(const char *what, double got, double limit, const char *unit, double cpu_us)
{
    figure_print(&(struct figure){
        .what = what, .value = got, .unit = unit, .limit = limit, .cpu_us = cpu_us});
}

static struct classifier *teach(const char *what, struct examples e, double limit_s)
{
    struct classifier *k = NULL;
    int64_t began_us = clock_steady_us();
    double began_cpu_s = cpu_s();
    if (classify_train(e.items, e.n, NULL, NULL, &k) != E_OK) {
        fprintf(stderr, "bench_classify: the training failed\n");
        exit(1);
    }
    double took_s = (double)(clock_steady_us() - began_us) / 1e6;
    row(what, took_s, limit_s, "s", (cpu_s() - began_cpu_s) * 1e6);
    return k;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void classify_all(struct arena *a, const struct classifier *k, struct examples e)
{
    int64_t *spent_ns = ARENA_ARRAY(a, int64_t, ROUNDS * e.n);
    size_t n = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < e.n; i++) {
            struct classify_result r;
            struct timespec from, to;
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
            classify_text(k, e.items[i].text, &r);
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
            spent_ns[n++] = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
        }
    }
    qsort(spent_ns, n, sizeof *spent_ns, by_size);
    double p50_us = (double)spent_ns[n / 2] / 1e3, p99_us = (double)spent_ns[n * 99 / 100] / 1e3;
    row("one message, 150 intents, p50", p50_us, CLASSIFY_MAX_US, "us", p50_us);
    row("one message, 150 intents, p99", p99_us, CLASSIFY_MAX_US, "us", p99_us);
}

int main(void)
{
    struct arena *a = arena_new(ARENA_BYTES);
    struct examples train, asked;
    bool real = read_data(a, "train.jsonl", &train) && read_data(a, "val.jsonl", &asked);
    if (!real) {
        struct examples all = made(a, UTTERANCES + 3000);
        train = (struct examples){all.items, UTTERANCES};
        asked = (struct examples){all.items + UTTERANCES, 3000};
    }
    printf("%zu utterances %s\n", train.n, real ? "of CLINC150" : "made for this");
    struct classifier *k = teach("teaching 15,000 utterances of 150 intents", train, TRAIN_MAX_S);
    struct buf model = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    classify_save(k, &model);
    row("its model", (double)model.n / (1 << 20), MODEL_MAX_BYTES / (1 << 20), "MiB", 0);
    buf_free(&model);
    classify_all(a, k, asked);
    classify_free(&k);
    /* Some utterances of the first intents: as many as an agent's YAML holds. */
    struct examples agent = {ARENA_ARRAY(a, struct classify_example, train.n), 0};
    for (size_t i = 0; i < train.n && agent.n < AGENT_UTTERANCES; i++) {
        size_t label = real ? i / 100 : i % LABELS;
        if (label < AGENT_LABELS && (!real || i % 100 < 28)) {
            agent.items[agent.n++] = train.items[i];
        }
    }
    k = teach("teaching an agent's intents (1,500 of 55)", agent, AGENT_MAX_S);
    classify_free(&k);
    arena_free(&a);
    return 0;
}
