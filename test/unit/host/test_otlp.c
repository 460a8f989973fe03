#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/metric.h"
#include "codec/json.h"
#include "host/otlp.h"
#include "io/client.h"
#include "io/server.h"
#include "io/workers.h"

enum { BODIES_MAX = 16, WAIT_MS = 10000, ARENA_BYTES = 64 << 20 };

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define SPAN   "b7ad6b7169203331"
#define PARENT "00f067aa0ba902b7"

/* A collector in process that answers from a script. */
struct world {
    struct facilities at;
    struct ctx *c;
    struct server *server;
    struct otlp *otlp;
    pthread_mutex_t lock;
    int statuses[BODIES_MAX]; /* 0: 200 */
    char *bodies[BODIES_MAX];
    char path[64], type[64];
    int count;
};

static void collect(struct ctx *c, const struct request_in *in, struct response_out *out, void *arg)
{
    struct world *w = arg;
    (void)c;
    pthread_mutex_lock(&w->lock);
    assert_true(w->count < BODIES_MAX);
    snprintf(w->path, sizeof(w->path), "%.*s %.*s", STR_ARG(in->method), STR_ARG(in->path));
    snprintf(w->type, sizeof(w->type), "%.*s", STR_ARG(request_header(in, "Content-Type")));
    w->bodies[w->count] = strndup(in->body.p, in->body.n);
    out->status = w->statuses[w->count] ? w->statuses[w->count] : 200;
    w->count++;
    pthread_mutex_unlock(&w->lock);
    response_header(out, "Retry-After", STR("0"));
    out->body = STR("{}");
}

static void start_otlp(struct world *w, int port)
{
    struct str url = str_fmt(w->c->arena, "http://127.0.0.1:%d/", port);
    w->otlp = otlp_new(&w->at, url);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    w->at.clock = clock_new();
    w->at.metrics = metrics_new();
    w->at.workers = workers_new(&w->at, NULL, 0);
    w->at.client = client_new(&w->at, 4);
    w->c = ctx_new(&w->at, ARENA_BYTES);
    struct server_config config = {.address = "127.0.0.1"};
    struct server_handler handler = {.arg = w, .on_request = collect};
    assert_int_equal(server_start(w->c, &config, &handler, &w->server), E_OK);
    start_otlp(w, server_port(w->server));
    *state = w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    server_stop(&w->server, 1000);
    otlp_stop(w->otlp);
    workers_free(&w->at.workers, 1000);
    otlp_free(&w->otlp);
    client_free(&w->at.client);
    ctx_free(&w->c);
    metrics_free(&w->at.metrics);
    clock_free(&w->at.clock);
    for (int i = 0; i < w->count; i++) {
        free(w->bodies[i]);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

static int received(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    int n = w->count;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void wait_for(struct world *w, int n)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;
    while (received(w) < n) {
        if (clock_steady_ms() > until_ms) {
            fail_msg("%d exports, not %d", received(w), n);
        }
        usleep(1000);
    }
}

static int64_t counted(struct world *w, const char *outcome)
{
    struct buf b = buf_make(1 << 20);
    char mark[80];
    snprintf(mark, sizeof(mark), "rapport_trace_spans_total{outcome=\"%s\"} ", outcome);
    metrics_write(w->at.metrics, &b);
    ptrdiff_t at = str_find(buf_str(&b), str_of(mark));
    int64_t n = at < 0 ? 0 : atoll(b.p + at + strlen(mark));
    buf_free(&b);
    return n;
}

static void wait_counted(struct world *w, const char *outcome, int64_t n)
{
    int64_t until_ms = clock_steady_ms() + WAIT_MS;
    while (counted(w, outcome) != n) {
        if (clock_steady_ms() > until_ms) {
            fail_msg("%lld %s", (long long)counted(w, outcome), outcome);
        }
        usleep(1000);
    }
}

static struct otlp_span span_of(const char *parent)
{
    int64_t now_us = clock_steady_us();
    return (struct otlp_span){.trace = TRACE,
                              .span = SPAN,
                              .parent = parent,
                              .name = STR("GET /api/v1/agents"),
                              .kind = OTLP_SERVER,
                              .started_us = now_us - 1500,
                              .ended_us = now_us};
}

static const struct json *spans_in(struct world *w, int export)
{
    const struct json *body = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse(w->c->arena, str_of(w->bodies[export]), &body, &fault), E_OK);
    const struct json *resource = json_at(json_get(body, "resourceSpans"), 0);
    const struct json *attributes = json_get(json_get(resource, "resource"), "attributes");
    const struct json *name = json_get(json_at(attributes, 0), "value");
    assert_true(str_eqz(json_str(json_at(attributes, 0), "key", STR("")), "service.name"));
    assert_true(str_eqz(json_str(name, "stringValue", STR("")), "rapport"));
    return json_get(json_at(json_get(resource, "scopeSpans"), 0), "spans");
}

static int64_t nanos(const struct json *span, const char *name)
{
    int64_t value = 0;
    assert_true(str_to_i64(json_str(span, name, STR("")), &value)); /* a text, not a number */
    return value;
}

static struct str attribute(const struct json *span, const char *key, const char *kind)
{
    const struct json *all = json_get(span, "attributes");
    for (size_t i = 0; i < json_count(all); i++) {
        if (str_eqz(json_str(json_at(all, i), "key", STR("")), key)) {
            return json_str(json_get(json_at(all, i), "value"), kind, STR(""));
        }
    }
    return STR("");
}

static void test_shape(void **state)
{
    struct world *w = *state;
    int64_t before_ms = clock_now_ms(w->at.clock);
    struct otlp_span one = span_of(""), two = span_of(PARENT);
    one.attributes[0] = (struct otlp_attribute){"http.response.status_code", {NULL, 0}, 503};
    one.attributes[1] = (struct otlp_attribute){"error.text", STR("ann@buyer.example says no"), 0};
    one.failed = true;
    otlp_add(w->otlp, &one);
    otlp_add(w->otlp, &two);
    wait_for(w, 1);
    assert_string_equal(w->path, "POST /v1/traces");
    assert_string_equal(w->type, "application/json");
    const struct json *spans = spans_in(w, 0);
    assert_int_equal(json_count(spans), 2);
    const struct json *s = json_at(spans, 0), *child = json_at(spans, 1);
    assert_true(str_eqz(json_str(s, "traceId", STR("")), TRACE));
    assert_true(str_eqz(json_str(s, "spanId", STR("")), SPAN));
    assert_null(json_get(s, "parentSpanId"));
    assert_true(str_eqz(json_str(child, "parentSpanId", STR("")), PARENT));
    assert_true(str_eqz(json_str(s, "name", STR("")), "GET /api/v1/agents"));
    assert_int_equal(json_int(s, "kind", 0), 2);
    assert_int_equal(json_int(json_get(s, "status"), "code", -1), 2);
    assert_int_equal(json_int(json_get(child, "status"), "code", -1), 0);
    int64_t start = nanos(s, "startTimeUnixNano"), end = nanos(s, "endTimeUnixNano");
    assert_int_equal(end - start, 1500 * 1000);
    assert_in_range(end / 1000000, before_ms - 1000, before_ms + WAIT_MS);
    assert_true(str_eqz(attribute(s, "http.response.status_code", "intValue"), "503"));
    struct str masked = attribute(s, "error.text", "stringValue");
    assert_true(masked.n > 0 && str_find(masked, STR("ann@")) < 0);
    wait_counted(w, "sent", 2);
}

static void test_full_batches_do_not_wait(void **state)
{
    struct world *w = *state;
    struct otlp_span span = span_of(PARENT);
    int64_t started_ms = clock_steady_ms();
    for (int i = 0; i < OTLP_BATCH_MAX + 10; i++) {
        otlp_add(w->otlp, &span);
    }
    wait_for(w, 1);
    assert_true(clock_steady_ms() - started_ms < OTLP_EVERY_MS);
    assert_in_range(json_count(spans_in(w, 0)), OTLP_BATCH_MAX - 1, OTLP_BATCH_MAX);
    wait_counted(w, "sent", OTLP_BATCH_MAX + 10);
    assert_int_equal(received(w), 2);
}

struct answer_row {
    int status;
    bool again;
    const char *reason;
};

static const struct answer_row answers[] = {
    {429, true, "asked to slow down"},
    {502, true, "a gateway"},
    {503, true, "not now"},
    {504, true, "a slow gateway"},
    {400, false, "it will not like it"},
    {401, false, "not allowed"},
    {413, false, "too large"},
    {500, false, "not among those to repeat"},
};

static void test_retries(void **state)
{
    struct world *w = *state;
    struct otlp_span span = span_of(PARENT);
    int64_t sent = 0, refused = 0;
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        int first = received(w);
        w->statuses[first] = answers[i].status;
        for (int k = 0; k < OTLP_BATCH_MAX; k++) { /* a full batch goes at once */
            otlp_add(w->otlp, &span);
        }
        *(answers[i].again ? &sent : &refused) += OTLP_BATCH_MAX;
        wait_counted(w, "sent", sent);
        wait_counted(w, "refused", refused);
        int exports = received(w) - first;
        if (exports != (answers[i].again ? 2 : 1)) {
            fail_msg("%d, %s: %d exports", answers[i].status, answers[i].reason, exports);
        }
        if (answers[i].again) {
            assert_string_equal(w->bodies[first], w->bodies[first + 1]);
        }
    }
    assert_int_equal(counted(w, "dropped"), 0);
}

static void test_dropped_when_nobody_listens(void **state)
{
    struct world *w = *state;
    struct otlp_span span = span_of(PARENT);
    otlp_stop(w->otlp);
    struct otlp *idle = w->otlp;
    start_otlp(w, 1); /* refused at once */
    enum { MORE = 100 };
    int64_t started_ms = clock_steady_ms();
    for (int i = 0; i < OTLP_QUEUE_MAX + OTLP_BATCH_MAX + MORE; i++) {
        otlp_add(w->otlp, &span);
    }
    assert_true(clock_steady_ms() - started_ms < WAIT_MS);
    assert_in_range(counted(w, "dropped"), MORE, MORE + OTLP_BATCH_MAX);
    otlp_free(&idle);
}

static void test_stop_sends_what_waits(void **state)
{
    struct world *w = *state;
    struct otlp_span span = span_of(PARENT);
    otlp_add(w->otlp, &span);
    int64_t started_ms = clock_steady_ms();
    otlp_stop(w->otlp);
    wait_for(w, 1);
    assert_true(clock_steady_ms() - started_ms < OTLP_EVERY_MS);
    otlp_add(w->otlp, &span);
    assert_int_equal(counted(w, "dropped"), 1);
}

static void test_off(void **state)
{
    struct world *w = *state;
    struct otlp_span span = span_of("");
    struct otlp *none = otlp_new(&w->at, STR(""));
    assert_null(none);
    otlp_add(none, &span);
    otlp_stop(none);
    otlp_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shape, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_full_batches_do_not_wait, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_retries, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_dropped_when_nobody_listens, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_stop_sends_what_waits, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_off, make_world, free_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
