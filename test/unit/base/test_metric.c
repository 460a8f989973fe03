#include "unit/codec/sample.h"

#include <pthread.h>

#include "base/metric.h"

static void *add_many(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        metric_add(arg, 1);
    }
    return NULL;
}

static struct str written(struct arena *a, struct metrics *m)
{
    struct buf b = buf_make(4 << 20);
    metrics_write(m, &b);
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

static void test_writes(void **state)
{
    struct arena *a = *state;
    struct metrics *m = metrics_new();
    struct series *ok =
        metric_series(m, METRIC_COUNTER, "requests_total", "Requests.", "status=\"200\"");
    struct series *bad =
        metric_series(m, METRIC_COUNTER, "requests_total", "Requests.", "status=\"500\"");
    struct series *open = metric_series(m, METRIC_GAUGE, "open", "Open ones.", "");
    struct series *time = metric_series(m, METRIC_HISTOGRAM, "time_seconds", "Times.", "");
    assert_ptr_equal(metric_series(m, METRIC_COUNTER, "requests_total", "", "status=\"200\""), ok);
    assert_ptr_not_equal(ok, bad);
    metric_add(ok, 2);
    metric_add(bad, 1);
    metric_set(open, -7);
    metric_observe_ms(time, 0.5);
    metric_observe_ms(time, 15);
    metric_observe_ms(time, 1e9);
    struct str text = written(a, m);
    static const char *const PARTS[] = {
        "# HELP requests_total Requests.\n",
        "# TYPE requests_total counter\n",
        "requests_total{status=\"200\"} 2\n",
        "requests_total{status=\"500\"} 1\n",
        "# TYPE open gauge\n",
        "open -7\n",
        "# TYPE time_seconds histogram\n",
        "le=\"0.001\"} 1\n",
        "le=\"0.01\"} 1\n",
        "le=\"0.02\"} 2\n",
        "le=\"+Inf\"} 3\n",
        "time_seconds_count 3\n",
    };
    for (size_t i = 0; i < SAMPLE_COUNT(PARTS); i++) {
        if (str_find(text, str_of(PARTS[i])) < 0) {
            fail_msg("missing: %s in\n%.*s", PARTS[i], STR_ARG(text));
        }
    }
    metrics_free(&m);
    assert_null(m);
}

static void test_threads(void **state)
{
    struct arena *a = *state;
    struct metrics *m = metrics_new();
    struct series *s = metric_series(m, METRIC_COUNTER, "n", "N.", "");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, s), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(str_find(written(a, m), STR("n 40000\n")) >= 0);
    metrics_free(&m);
}

static void test_bounded(void **state)
{
    struct arena *a = *state;
    struct metrics *m = metrics_new();
    for (int i = 0; i < 6000; i++) {
        assert_non_null(
            metric_series(m, METRIC_GAUGE, "many", "Many.", str_fmt(a, "n=\"%d\"", i).p));
    }
    metrics_free(&m);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_writes),
        SAMPLE_TEST(test_threads),
        SAMPLE_TEST(test_bounded),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
