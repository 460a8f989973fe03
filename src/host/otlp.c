#include "host/otlp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "codec/json.h"
#include "io/client.h"
#include "io/workers.h"

enum {
    SPAN_MAX_BYTES = 8 << 10,
    BATCH_MAX_BYTES = 8 << 20,
    TEXT_MAX_BYTES = 256,
    SEND_TIMEOUT_MS = 10000,
    BACKOFF_FIRST_MS = 500
};

struct otlp {
    const struct facilities *at;
    char *url;
    int64_t unix_minus_steady_us; /* taken once, so that spans of one trace fit together */
    pthread_mutex_t lock;
    char *spans[OTLP_QUEUE_MAX]; /* JSON texts; a ring */
    int first, count;
    bool task;      /* an export is queued, waits for its time or runs */
    bool retry;     /* it waits to send a batch again: not to be hurried */
    uint64_t timer; /* of the export that waits for its time; 0: none */
    bool stopped;
    struct buf batch; /* the request being sent, kept across retries; the task's own */
    int batch_spans, tries;
};

struct otlp *otlp_new(const struct facilities *at, struct str url)
{
    if (!url.n) {
        return NULL;
    }
    while (str_ends(url, STR("/"))) {
        url.n--;
    }
    struct otlp *o = mem_new(sizeof(*o));
    struct buf b = buf_make(url.n + 32);
    buf_addf(&b, "%.*s/v1/traces", STR_ARG(url));
    buf_add_char(&b, 0);
    o->url = mem_dupz(buf_str(&b).p);
    buf_free(&b);
    o->at = at;
    o->unix_minus_steady_us = clock_now_ms(at->clock) * 1000 - clock_steady_us();
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

void otlp_free(struct otlp **o)
{
    if (!*o) {
        return;
    }
    for (int i = 0; i < (*o)->count; i++) {
        free((*o)->spans[((*o)->first + i) % OTLP_QUEUE_MAX]);
    }
    buf_free(&(*o)->batch);
    pthread_mutex_destroy(&(*o)->lock);
    free((*o)->url);
    free(*o);
    *o = NULL;
}

static void count(const struct otlp *o, const char *labels, int64_t n)
{
    metric_add(metric_series(o->at->metrics, METRIC_COUNTER, "rapport_trace_spans_total",
                             "Spans for the collector, by what became of them.", labels),
               n);
}

/* ---- a span as JSON ------------------------------------------------------ */

/* 64-bit integers are decimal strings in the JSON mapping. */
static void field_int64(struct json_out *o, const char *name, int64_t value, const char *tail)
{
    char text[40];
    snprintf(text, sizeof(text), "%lld%s", (long long)value, tail);
    json_field_str(o, name, str_of(text));
}

static void write_attribute(struct json_out *o, const struct otlp_attribute *a)
{
    json_open_object(o);
    json_field_str(o, "key", str_of(a->key));
    json_name(o, "value");
    json_open_object(o);
    if (a->text.p) {
        struct buf masked = buf_make(4 * TEXT_MAX_BYTES);
        log_mask(&masked, str_sub(a->text, 0, TEXT_MAX_BYTES));
        json_field_str(o, "stringValue", buf_str(&masked));
        buf_free(&masked);
    } else {
        field_int64(o, "intValue", a->number, "");
    }
    json_close_object(o);
    json_close_object(o);
}

static char *span_json(const struct otlp *o, const struct otlp_span *s)
{
    struct buf b = buf_make(SPAN_MAX_BYTES);
    struct json_out j = json_out_to(&b);
    json_open_object(&j);
    json_field_str(&j, "traceId", str_of(s->trace));
    json_field_str(&j, "spanId", str_of(s->span));
    if (s->parent && s->parent[0]) {
        json_field_str(&j, "parentSpanId", str_of(s->parent));
    }
    json_field_str(&j, "name", s->name);
    json_field_int(&j, "kind", s->kind);
    field_int64(&j, "startTimeUnixNano", s->started_us + o->unix_minus_steady_us, "000");
    field_int64(&j, "endTimeUnixNano", s->ended_us + o->unix_minus_steady_us, "000");
    json_name(&j, "attributes");
    json_open_array(&j);
    for (int i = 0; i < OTLP_ATTRIBUTES_MAX && s->attributes[i].key; i++) {
        write_attribute(&j, &s->attributes[i]);
    }
    json_close_array(&j);
    json_name(&j, "status");
    json_open_object(&j);
    json_field_int(&j, "code", s->failed ? 2 : 0);
    json_close_object(&j);
    json_close_object(&j);
    buf_add_char(&b, 0);
    char *text = b.overflow ? NULL : mem_dupz(buf_str(&b).p);
    buf_free(&b);
    return text;
}

static void open_batch(struct json_out *j)
{
    json_open_object(j);
    json_name(j, "resourceSpans");
    json_open_array(j);
    json_open_object(j);
    json_name(j, "resource");
    json_open_object(j);
    json_name(j, "attributes");
    json_open_array(j);
    write_attribute(j, &(struct otlp_attribute){"service.name", STR("rapport"), 0});
    write_attribute(j, &(struct otlp_attribute){"service.version", str_of(RAPPORT_VERSION), 0});
    json_close_array(j);
    json_close_object(j);
    json_name(j, "scopeSpans");
    json_open_array(j);
    json_open_object(j);
    json_name(j, "scope");
    json_open_object(j);
    json_field_str(j, "name", STR("rapport"));
    json_close_object(j);
    json_name(j, "spans");
    json_open_array(j);
}

static void close_batch(struct json_out *j)
{
    json_close_array(j);
    json_close_object(j);
    json_close_array(j);
    json_close_object(j);
    json_close_array(j);
    json_close_object(j);
}

/* ---- sending ------------------------------------------------------------- */

static void export(struct ctx *c, void *arg);

/* Under the lock. One export at a time: it looks at the queue again when it is through. */
static void order_export(struct otlp *o, int64_t delay_ms)
{
    o->timer = 0;
    if (delay_ms > 0 && !o->stopped) {
        o->timer = workers_post_later(o->at->workers, LANE_BACKGROUND, delay_ms, export, o);
        o->task = o->timer != 0;
    } else {
        o->task = workers_post(o->at->workers, LANE_BACKGROUND, export, o);
    }
}

static void take_batch(struct otlp *o)
{
    o->batch = buf_make(BATCH_MAX_BYTES);
    o->batch_spans = 0;
    o->tries = 0;
    struct json_out j = json_out_to(&o->batch);
    open_batch(&j);
    pthread_mutex_lock(&o->lock);
    while (o->count > 0 && o->batch_spans < OTLP_BATCH_MAX) {
        char *text = o->spans[o->first];
        json_put_raw(&j, str_of(text));
        free(text);
        o->first = (o->first + 1) % OTLP_QUEUE_MAX;
        o->count--;
        o->batch_spans++;
    }
    pthread_mutex_unlock(&o->lock);
    close_batch(&j);
}

/* True when it must be sent again, after *out_wait_ms. */
static bool send_batch(struct ctx *c, struct otlp *o, int64_t *out_wait_ms)
{
    const struct header headers[] = {{STR("Content-Type"), STR("application/json")}};
    struct request_out request = {
        .method = "POST",
        .url = str_of(o->url),
        .headers = headers,
        .header_count = 1,
        .body = buf_str(&o->batch),
        .timeout_ms = SEND_TIMEOUT_MS,
        .response_max_bytes = 64 << 10,
        .allow_private = true, /* the address is the installation's own setting */
    };
    struct response_in in = {0};
    enum err e = client_send(c, &request, &in);
    bool again = e == E_UNAVAILABLE || e == E_TIMEOUT ||
                 (e == E_OK && (in.status == 429 || (in.status >= 502 && in.status <= 504)));
    o->tries++;
    if (again && o->tries < OTLP_TRIES_MAX) {
        int64_t seconds = -1;
        str_to_i64(e == E_OK ? client_header(&in, "Retry-After") : STR(""), &seconds);
        int64_t wait_ms = seconds >= 0 && seconds < OTLP_RETRY_MAX_MS
                              ? seconds * 1000
                              : (int64_t)BACKOFF_FIRST_MS << (o->tries - 1);
        *out_wait_ms = wait_ms < OTLP_RETRY_MAX_MS ? wait_ms : OTLP_RETRY_MAX_MS;
        return true;
    }
    bool sent = e == E_OK && in.status / 100 == 2;
    count(o, sent ? "outcome=\"sent\"" : "outcome=\"refused\"", o->batch_spans);
    if (!sent) {
        log_at(c, LOG_WARN, "the trace collector took no spans", LOG_INT("status", in.status),
               LOG_Z("code", err_name(e)), LOG_INT("spans", o->batch_spans));
    }
    buf_free(&o->batch);
    o->batch_spans = 0;
    return false;
}

static void export(struct ctx *c, void *arg)
{
    struct otlp *o = arg;
    int64_t wait_ms = OTLP_EVERY_MS;
    if (!o->batch_spans) {
        take_batch(o);
    }
    bool again = o->batch_spans > 0 && send_batch(c, o, &wait_ms);
    if (!o->batch_spans) {
        buf_free(&o->batch);
    }
    pthread_mutex_lock(&o->lock);
    o->task = false;
    o->retry = again;
    o->timer = 0;
    if (!o->stopped && (again || o->count > 0)) {
        order_export(o, !again && o->count >= OTLP_BATCH_MAX ? 0 : wait_ms);
    }
    pthread_mutex_unlock(&o->lock);
}

void otlp_add(struct otlp *o, const struct otlp_span *span)
{
    if (!o) {
        return;
    }
    char *text = span_json(o, span);
    pthread_mutex_lock(&o->lock);
    bool room = text && o->count < OTLP_QUEUE_MAX && !o->stopped;
    if (room) {
        o->spans[(o->first + o->count++) % OTLP_QUEUE_MAX] = text;
        bool full = o->count == OTLP_BATCH_MAX;
        if (full && o->timer && !o->retry && workers_cancel(o->at->workers, o->timer)) {
            o->task = false;
        }
        if (!o->task) {
            order_export(o, full ? 0 : OTLP_EVERY_MS);
        }
    }
    pthread_mutex_unlock(&o->lock);
    if (!room) {
        free(text);
        count(o, "outcome=\"dropped\"", 1);
    }
}

void otlp_stop(struct otlp *o)
{
    if (!o) {
        return;
    }
    pthread_mutex_lock(&o->lock);
    bool waits = o->timer && workers_cancel(o->at->workers, o->timer);
    o->stopped = true;
    if (waits) {
        order_export(o, 0);
    }
    pthread_mutex_unlock(&o->lock);
}
