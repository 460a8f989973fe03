#include "base/metric.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"

enum { SERIES_MAX = 4096, BUCKET_COUNT = 16 };

static const int bucket_ms[BUCKET_COUNT] = {1,   2,    5,    10,   20,    50,    100,   200,
                                            500, 1000, 2000, 5000, 10000, 20000, 30000, 60000};

struct family {
    enum metric_kind kind;
    const char *name;
    const char *help;
    struct series *first;
    struct series *last;
};

struct series {
    struct series *next;
    char *labels;
    enum metric_kind kind;
    _Atomic int64_t value; /* counter, gauge; histogram: number of observations */
    _Atomic int64_t sum_us;
    _Atomic int64_t buckets[BUCKET_COUNT];
};

struct metrics {
    pthread_mutex_t lock;
    struct map *families;
    size_t count;
    struct series overflow;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = mem_new(sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    m->families = map_new(SERIES_MAX);
    return m;
}

void metrics_free(struct metrics **m)
{
    if (!*m) {
        return;
    }
    size_t cursor = 0;
    struct str name;
    void *value;
    while (map_next((*m)->families, &cursor, &name, &value)) {
        struct family *f = value;
        while (f->first) {
            struct series *s = f->first;
            f->first = s->next;
            free(s->labels);
            free(s);
        }
        free(f);
    }
    map_free(&(*m)->families);
    pthread_mutex_destroy(&(*m)->lock);
    free(*m);
    *m = NULL;
}

static struct family *family_of(struct metrics *m, enum metric_kind kind, const char *name,
                                const char *help)
{
    struct family *f = map_get(m->families, str_of(name));
    if (!f) {
        f = mem_new(sizeof(*f));
        *f = (struct family){kind, name, help, NULL, NULL};
        map_set(m->families, str_of(name), f);
    }
    return f;
}

struct series *metric_series(struct metrics *m, enum metric_kind kind, const char *name,
                             const char *help, const char *labels)
{
    pthread_mutex_lock(&m->lock);
    struct family *f = m->count < SERIES_MAX || map_get(m->families, str_of(name))
                           ? family_of(m, kind, name, help)
                           : NULL;
    struct series *s = f ? f->first : NULL;
    while (s && strcmp(s->labels, labels) != 0) {
        s = s->next;
    }
    if (f && !s && m->count < SERIES_MAX) {
        s = mem_new(sizeof(*s));
        s->labels = mem_dupz(labels);
        s->kind = kind;
        *(f->first ? &f->last->next : &f->first) = s;
        f->last = s;
        m->count++;
    }
    pthread_mutex_unlock(&m->lock);
    return s ? s : &m->overflow;
}

void metric_add(struct series *s, int64_t n)
{
    atomic_fetch_add_explicit(&s->value, n, memory_order_relaxed);
}

void metric_set(struct series *s, int64_t value)
{
    atomic_store_explicit(&s->value, value, memory_order_relaxed);
}

void metric_observe_ms(struct series *s, double ms)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        if (ms <= bucket_ms[i]) {
            atomic_fetch_add_explicit(&s->buckets[i], 1, memory_order_relaxed);
            break;
        }
    }
    atomic_fetch_add_explicit(&s->sum_us, (int64_t)llround(ms * 1000), memory_order_relaxed);
    metric_add(s, 1);
}

static void write_histogram(struct buf *out, const struct family *f, struct series *s)
{
    const char *comma = s->labels[0] ? "," : "";
    int64_t total = 0;
    for (int i = 0; i < BUCKET_COUNT; i++) {
        total += atomic_load(&s->buckets[i]);
        buf_addf(out, "%s_bucket{%s%sle=\"%g\"} %lld\n", f->name, s->labels, comma,
                 bucket_ms[i] / 1000.0, (long long)total);
    }
    int64_t count = atomic_load(&s->value);
    count = count < total ? total : count; /* read while another thread counts */
    const char *open = s->labels[0] ? "{" : "", *close = s->labels[0] ? "}" : "";
    buf_addf(out, "%s_bucket{%s%sle=\"+Inf\"} %lld\n", f->name, s->labels, comma, (long long)count);
    buf_addf(out, "%s_sum%s%s%s %.6f\n", f->name, open, s->labels, close,
             (double)atomic_load(&s->sum_us) / 1e6);
    buf_addf(out, "%s_count%s%s%s %lld\n", f->name, open, s->labels, close, (long long)count);
}

static void write_family(struct buf *out, const struct family *f)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, kinds[f->kind]);
    for (struct series *s = f->first; s; s = s->next) {
        if (f->kind == METRIC_HISTOGRAM) {
            write_histogram(out, f, s);
        } else {
            const char *open = s->labels[0] ? "{" : "", *close = s->labels[0] ? "}" : "";
            buf_addf(out, "%s%s%s%s %lld\n", f->name, open, s->labels, close,
                     (long long)atomic_load(&s->value));
        }
    }
}

void metrics_write(struct metrics *m, struct buf *out)
{
    pthread_mutex_lock(&m->lock);
    size_t cursor = 0;
    struct str name;
    void *value;
    while (map_next(m->families, &cursor, &name, &value)) {
        write_family(out, value);
    }
    pthread_mutex_unlock(&m->lock);
}
