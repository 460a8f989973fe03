/* Search over 20,000 and 100,000 passages with whole sentences as queries: words, vectors and both
 * fused, beside bare FTS5 of SQLite over the same passages in the same run, and the exact scan of
 * all vectors. Times are CPU time of the asking thread. Passages are made of words as frequent as
 * in English (Zipf). Usage: bench_search */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "figure.h"
#include "find/fuse.h"
#include "find/index.h"
#include "nlu/embed.h"

enum {
    VOCABULARY = 40000,
    PASSAGE_WORDS = 90,
    TOPICS = 400,
    TOPIC_WORDS = 60,
    QUERIES = 400,
    FTS_QUERIES = 20,
    TEXT_BYTES = 2048
};

static const double FUSED_P50_MS = 1, FUSED_P99_MS = 10, SCAN_MS = 1;

static uint64_t state = 42;

static uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(void)
{
    return (double)(next() >> 11) / 9007199254740992.0;
}

/* Rank r as often as 1 / r. */
static uint32_t any_word(void)
{
    return (uint32_t)(pow(VOCABULARY, uniform()) - 1);
}

/* Pronounceable, and the same for the same number. The most frequent are short. */
static size_t spell(uint32_t word, char *out)
{
    static const char consonants[] = "bcdfghklmnprstvz", vowels[] = "aeiou";
    size_t n = 0;
    uint32_t left = word + 3;
    do {
        out[n++] = consonants[left % 16];
        out[n++] = vowels[left / 16 % 5];
        left /= 80;
    } while (left);
    return n;
}

/* A topic's own words are mixed with those that stand everywhere. */
static size_t compose(uint32_t topic, size_t words, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < words; i++) {
        uint32_t own = (topic * 7919 + (uint32_t)(next() % TOPIC_WORDS) * 104729) % VOCABULARY;
        n += spell(next() % 3 ? any_word() : own, out + n);
        out[n++] = (i + 1) % 12 ? ' ' : '.';
    }
    return n - 1;
}

struct bench {
    struct index *ix;
    sqlite3 *db;
    struct str queries[QUERIES];
    float *vectors; /* of the queries */
    double times[QUERIES];
};

static void check(struct bench *b, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        fprintf(stderr, "bench_search: %s\n", sqlite3_errmsg(b->db));
        exit(1);
    }
}

static void fill(struct bench *b, size_t passages)
{
    struct index_options o = {.dimensions = EMBED_DIMENSIONS};
    char text[TEXT_BYTES], title[200];
    float vector[EMBED_DIMENSIONS];
    sqlite3_stmt *insert;
    b->ix = index_new(&o);
    check(b, sqlite3_open(":memory:", &b->db));
    check(b, sqlite3_exec(b->db, "CREATE VIRTUAL TABLE p USING fts5(title, text); BEGIN", NULL,
                          NULL, NULL));
    check(b, sqlite3_prepare_v2(b->db, "INSERT INTO p VALUES (?1, ?2)", -1, &insert, NULL));
    for (size_t i = 0; i < passages; i++) {
        uint32_t topic = (uint32_t)(next() % TOPICS);
        size_t title_n = compose(topic, 5, title);
        size_t n = compose(topic, PASSAGE_WORDS / 2 + next() % PASSAGE_WORDS, text);
        char name[32];
        snprintf(name, sizeof(name), "document %zu", i);
        embed_text(str_make(text, n < 240 ? n : 240), vector);
        struct index_passage p = {.document = id_from_name(str_of(name)),
                                  .title = str_make(title, title_n),
                                  .heading = STR(""),
                                  .text = str_make(text, n),
                                  .vector = vector};
        index_add(b->ix, &p);
        sqlite3_bind_text(insert, 1, title, (int)title_n, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, text, (int)n, SQLITE_STATIC);
        sqlite3_step(insert);
        check(b, sqlite3_reset(insert));
    }
    sqlite3_finalize(insert);
    check(b, sqlite3_exec(b->db, "COMMIT", NULL, NULL, NULL));
}

static void make_queries(struct bench *b)
{
    b->vectors = mem_new(sizeof(float) * QUERIES * EMBED_DIMENSIONS);
    for (size_t i = 0; i < QUERIES; i++) {
        char *text = mem_new(TEXT_BYTES);
        size_t n = compose((uint32_t)(next() % TOPICS), 8 + next() % 14, text);
        b->queries[i] = str_make(text, n);
        embed_text(b->queries[i], b->vectors + i * EMBED_DIMENSIONS);
    }
}

/* ---- what is measured ---------------------------------------------------- */

static void ask_words(struct bench *b, size_t i)
{
    struct index_hit hits[FUSE_DEPTH];
    index_search(b->ix, b->queries[i], FUSE_DEPTH, NULL, hits);
}

static void ask_vectors(struct bench *b, size_t i)
{
    struct index_hit hits[FUSE_DEPTH];
    index_nearest(b->ix, b->vectors + i * EMBED_DIMENSIONS, FUSE_DEPTH, NULL, hits);
}

/* As a query is served, with its own embedding. */
static void ask_fused(struct bench *b, size_t i)
{
    struct index_hit words[FUSE_DEPTH], near[FUSE_DEPTH], out[10];
    float vector[EMBED_DIMENSIONS];
    embed_text(b->queries[i], vector);
    struct fuse_query both = {.words = words, .vectors = near, .depth = FUSE_DEPTH};
    both.n_words = index_search(b->ix, b->queries[i], FUSE_DEPTH, NULL, words);
    both.n_vectors = index_nearest(b->ix, vector, FUSE_DEPTH, NULL, near);
    fuse_query(&both, 10, out);
}

static void ask_fts(struct bench *b, size_t i)
{
    char match[2 * TEXT_BYTES];
    size_t n = 0;
    sqlite3_stmt *s;
    struct str rest = b->queries[i], word;
    while (str_split(&rest, ' ', &word)) {
        n += (size_t)snprintf(match + n, sizeof(match) - n, "%s\"%.*s\"", n ? " OR " : "",
                              STR_ARG(word));
    }
    check(b,
          sqlite3_prepare_v2(b->db, "SELECT rowid FROM p WHERE p MATCH ?1 ORDER BY rank LIMIT 10",
                             -1, &s, NULL));
    sqlite3_bind_text(s, 1, match, (int)n, SQLITE_STATIC);
    while (sqlite3_step(s) == SQLITE_ROW) {}
    check(b, sqlite3_finalize(s));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct spread {
    double p50_ms, p99_ms;
};

/* Of this thread: what others do on the machine is not counted. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct spread measure(struct bench *b, const char *name, size_t n,
                             void (*ask)(struct bench *b, size_t i))
{
    for (size_t i = 0; i < n; i++) {
        double began = cpu_ms();
        ask(b, i);
        b->times[i] = cpu_ms() - began;
    }
    qsort(b->times, n, sizeof(*b->times), compare);
    struct spread f = {b->times[n / 2], b->times[n * 99 / 100]};
    printf("%-34s p50 %8.3f ms   p99 %8.3f ms\n", name, f.p50_ms, f.p99_ms);
    return f;
}

/* Times are CPU times, so each is its operation's CPU as well. */
static void limit(const char *name, double ms, double most_ms, const char *beside)
{
    figure_print(&(struct figure){.what = name,
                                  .value = ms,
                                  .unit = "ms",
                                  .limit = most_ms,
                                  .beside = beside,
                                  .cpu_us = ms * 1e3});
}

static void finish(struct bench *b)
{
    for (size_t i = 0; i < QUERIES; i++) {
        free((void *)(uintptr_t)b->queries[i].p);
    }
    free(b->vectors);
    sqlite3_close(b->db);
    index_free(&b->ix);
    free(b);
}

static void run(size_t passages)
{
    struct bench *b = mem_new(sizeof(*b));
    int64_t began = clock_steady_us();
    fill(b, passages);
    make_queries(b);
    printf("\n%zu passages (%.0f MiB, made in %.1f s)\n", passages,
           (double)index_memory_bytes(b->ix) / (1 << 20),
           (double)(clock_steady_us() - began) / 1e6);
    measure(b, "words", QUERIES, ask_words);
    struct spread scan = measure(b, "vectors", QUERIES, ask_vectors);
    struct spread fused = measure(b, "fused, with the query's embedding", QUERIES, ask_fused);
    struct spread fts = measure(b, "bare FTS5, the words joined by OR", FTS_QUERIES, ask_fts);
    if (passages == 20000) {
        limit("exact scan of 20,000 vectors, p50", scan.p50_ms, SCAN_MS, NULL);
        finish(b);
        return;
    }
    limit("fused of 100,000, p50", fused.p50_ms, FUSED_P50_MS, NULL);
    limit("fused of 100,000, p99", fused.p99_ms, FUSED_P99_MS, NULL);
    limit("fused of 100,000, p50, beside bare FTS5", fused.p50_ms, fts.p50_ms, "bare FTS5, p50");
    finish(b);
}

int main(void)
{
    run(20000);
    run(100000);
    return 0;
}
