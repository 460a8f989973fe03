#include "unit/codec/sample.h"

#include <math.h>

#include "nlu/labelled.h"
#include "nlu/nlu_eval.h"

static void test_formats(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *bytes, *text, *label;
        size_t n;
        const char *why;
    } ROWS[] = {
        {"{\"text\":\"a b\",\"intent\":\"x\"}\n\n{\"text\":\"c\",\"intent\":\"y\"}\n", "a b", "x",
         2, "JSONL; empty lines are skipped"},
        {"{\"utterance\":\"a\",\"label\":\"x\"}", "a", "x", 1, "other names, no line end"},
        {"{\"id\":1,\"text\":\"a\",\"topic\":\"x\"}\n{\"text\":\"b\",\"topic\":null}\n", "a", "x",
         2, "topic; null is out of scope"},
        {"text,category\n\"a, \"\"b\"\"\",x\nc,y\n", "a, \"b\"", "x", 2, "CSV with quotes"},
        {"sentence,label\r\na,x\r\n", "a", "x", 1, "CSV with CRLF"},
        {"conv\tturn\tutterance\tslots\tintent\n1\t2\tsay \"hi\tO\tx\n1\t3\t \tO\ty\n", "say \"hi",
         "x", 1, "TSV: quotes are letters; a row without text is left out"},
        {"text\tintent\na\t\n", "a", "oos", 1, "an empty label is out of scope"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct classify_example *e = NULL;
        size_t n = 0;
        struct classify_fault fault = {0};
        if (labelled_read(a, str_of(ROWS[i].bytes), &fault, &e, &n) != E_OK) {
            fail_msg("%s: %s", ROWS[i].why, fault.text);
        }
        assert_int_equal(n, ROWS[i].n);
        sample_is(e[0].text, ROWS[i].text, ROWS[i].why);
        sample_is(e[0].label, ROWS[i].label, ROWS[i].why);
    }
}

static void test_bad_formats(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *bytes, *why;
    } ROWS[] = {
        {"", "no examples"},
        {"{\"text\":\"a\",\"intent\":\"x\"}\n{\"text\":\"b\"\n", "line 2"},
        {"{\"intent\":\"x\"}", "line 1: no text"},
        {"{\"text\":\"a\"}", "line 1: no label"},
        {"{\"text\":\"a\",\"intent\":5}", "line 1: no label"},
        {"name,age\na,5\n", "line 1: the header"},
        {"text,label\na,x\nb\n", "line 3: fewer cells"},
        {"text\tlabel\na\n", "line 2: fewer cells"},
        {"text,label\n\"open", "line 2"},
        {"text,label\n", "no examples"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct classify_example *e = NULL;
        size_t n = 0;
        struct classify_fault fault = {0};
        assert_int_equal(labelled_read(a, str_of(ROWS[i].bytes), &fault, &e, &n), E_INVALID);
        if (!strstr(fault.text, ROWS[i].why)) {
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", ROWS[i].bytes, fault.text, ROWS[i].why);
        }
        assert_null(e);
    }
}

static struct classify_example *read_data(struct arena *a, const char *name, size_t *out_n)
{
    struct classify_example *e = NULL;
    struct classify_fault fault = {0};
    if (labelled_read(a, sample_data(a, name), &fault, &e, out_n) != E_OK) {
        fail_msg("%s: %s", name, fault.text);
    }
    return e;
}

/* Parts of the training set that were not taught. Scored are only as many parts as take a few
 * seconds; one part of ten differs from another by one to two points. All ten are scored on demand
 * (RAPPORT_LONG), and by `rapport nlu eval`. */
static const struct {
    const char *name;
    size_t parts;
    double best, kept; /* without abstaining, and with */
    double calibration;
    const char *why;
} FLOORS[] = {
    {"intent/banking77/train.csv", 1, 0.916, 0.914, 0.03, "77 near intents of one bank"},
    {"intent/hint3/curekart_train.csv", 10, 0.85, 0.83, 0.1, "a real shop's chat"},
    {"intent/hint3/powerplay11_train.csv", 10, 0.85, 0.83, 0.1, "59 labels, 8 examples each"},
    {"intent/hint3/sofmattress_train.csv", 10, 0.85, 0.83, 0.1, "few examples"},
    {"tickets/it_service/train.jsonl", 1, 0.822, 0.82, 0.05, "long texts, 8 topics"},
};

static void check_floor(struct arena *a, size_t i, size_t parts)
{
    struct nlu_eval_input input = {.parts = parts};
    input.train = read_data(a, FLOORS[i].name, &input.train_n);
    struct nlu_eval_report r;
    assert_int_equal(nlu_eval_run(a, &input, NULL, &r, NULL), E_OK);
    const struct evaluate_report *e = &r.result;
    print_message("%s, %zu parts: %.2f %% without abstaining, %.2f %% with, ECE %.2f %%, %zu kB\n",
                  FLOORS[i].name, parts, 100 * e->in_scope_accuracy_best,
                  100 * e->in_scope_accuracy, 100 * e->calibration_error, r.model_bytes / 1000);
    assert_int_equal(r.ground, NLU_EVAL_PARTS);
    assert_true(e->in_scope_accuracy_best >= FLOORS[i].best);
    assert_true(e->in_scope_accuracy >= FLOORS[i].kept);
    assert_true(e->calibration_error <= FLOORS[i].calibration);
    assert_true(r.model_bytes < 10 << 20);
}

static void test_floors(void **state)
{
    for (size_t i = 0; i < SAMPLE_COUNT(FLOORS); i++) {
        check_floor(*state, i, FLOORS[i].parts);
    }
}

static void test_floors_of_all_parts(void **state)
{
    if (!getenv("RAPPORT_LONG")) {
        skip();
    }
    for (size_t i = 0; i < SAMPLE_COUNT(FLOORS); i++) {
        check_floor(*state, i, 10);
    }
}

/* Official development splits. */
static void test_dialogues(void **state)
{
    static const struct {
        const char *train, *dev;
        double floor;
    } ROWS[] = {
        {"intent/multidogo/finance_train.tsv", "intent/multidogo/finance_dev.tsv", 0.93},
        {"intent/multidogo/software_train.tsv", "intent/multidogo/software_dev.tsv", 0.9},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct nlu_eval_input input = {0};
        input.train = read_data(a, ROWS[i].train, &input.train_n);
        input.validation = read_data(a, ROWS[i].dev, &input.validation_n);
        struct nlu_eval_report r;
        assert_int_equal(nlu_eval_run(a, &input, NULL, &r, NULL), E_OK);
        print_message("%s: %.2f %%\n", ROWS[i].dev, 100 * r.result.in_scope_accuracy);
        assert_int_equal(r.ground, NLU_EVAL_VALIDATION);
        assert_true(r.result.in_scope_accuracy >= ROWS[i].floor);
    }
}

/* Thirty of CLINC's labels: in-scope accuracy and out-of-scope recall with a threshold from
 * validation. The whole set is measured by bench_classify. */
static void test_out_of_scope(void **state)
{
    struct arena *a = *state;
    size_t train_n, val_n, oos_n, n[2] = {0, 0};
    struct classify_example *train = read_data(a, "intent/clinc150/train.jsonl", &train_n);
    struct classify_example *val = read_data(a, "intent/clinc150/val.jsonl", &val_n);
    struct classify_example *oos = read_data(a, "intent/clinc150/oos_val.jsonl", &oos_n);
    struct classify_example *kept[2] = {train, ARENA_ARRAY(a, struct classify_example, 4000)};
    for (size_t i = 0; i < train_n && i < 3000; i++) {
        kept[0][n[0]++] = train[i]; /* labels stand together: 100 examples each */
    }
    for (size_t i = 0; i < val_n; i++) {
        for (size_t j = 0; j < n[0]; j += 100) {
            if (str_eq(kept[0][j].label, val[i].label)) {
                kept[1][n[1]++] = val[i];
            }
        }
    }
    memcpy(kept[1] + n[1], oos, oos_n * sizeof *oos);
    struct nlu_eval_input input = {.train = kept[0],
                                   .train_n = n[0],
                                   .validation = kept[1],
                                   .validation_n = n[1] + oos_n,
                                   .test = kept[1],
                                   .test_n = n[1] + oos_n};
    struct nlu_eval_report r;
    struct classifier *k = NULL;
    assert_int_equal(nlu_eval_run(a, &input, NULL, &r, &k), E_OK);
    print_message("clinc150, 30 labels: in scope %.2f %%, out of scope %.2f %%\n",
                  100 * r.result.in_scope_accuracy, 100 * r.result.out_of_scope_recall);
    assert_int_equal(r.label_count, 30);
    assert_true(r.result.in_scope_accuracy > 0.93 && r.result.out_of_scope_recall > 0.5);
    struct buf text = buf_make(1 << 20), json = buf_make(1 << 20);
    nlu_eval_text(&r, &text);
    nlu_eval_json(&r, &json);
    assert_true(str_find(buf_str(&text), STR("out-of-scope recall")) > 0);
    const struct json *v = sample_json(a, buf_str(&json));
    assert_true(fabs(json_real(v, "in_scope_accuracy", 0) - r.result.in_scope_accuracy) < 1e-9);
    assert_int_equal(json_count(json_get(v, "labels")), 30);
    buf_free(&text);
    buf_free(&json);
    classify_free(&k);
}

/* All 150 labels: too long for every run under sanitizers, so on demand. */
static void test_whole_clinc(void **state)
{
    struct arena *a = *state;
    if (!getenv("RAPPORT_LONG")) {
        skip();
    }
    static const char *const NAMES[] = {
        "intent/clinc150/train.jsonl", "intent/clinc150/oos_train.jsonl",
        "intent/clinc150/val.jsonl", "intent/clinc150/oos_val.jsonl"};
    struct classify_example *all[2] = {ARENA_ARRAY(a, struct classify_example, 20000),
                                       ARENA_ARRAY(a, struct classify_example, 20000)};
    size_t n[2] = {0, 0}, more;
    for (size_t i = 0; i < SAMPLE_COUNT(NAMES); i++) {
        struct classify_example *e = read_data(a, NAMES[i], &more);
        memcpy(all[i / 2] + n[i / 2], e, more * sizeof *e);
        n[i / 2] += more;
    }
    struct nlu_eval_input input = {
        .train = all[0], .train_n = n[0], .validation = all[1], .validation_n = n[1]};
    struct nlu_eval_report r;
    assert_int_equal(nlu_eval_run(a, &input, NULL, &r, NULL), E_OK);
    print_message("clinc150: in scope %.2f %%, out of scope %.2f %%, %.1f s\n",
                  100 * r.result.in_scope_accuracy, 100 * r.result.out_of_scope_recall,
                  r.train_ms / 1000);
    assert_true(r.result.in_scope_accuracy >= 0.933 && r.result.out_of_scope_recall >= 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_formats),     SAMPLE_TEST(test_bad_formats),
        SAMPLE_TEST(test_floors),      SAMPLE_TEST(test_floors_of_all_parts),
        SAMPLE_TEST(test_dialogues),   SAMPLE_TEST(test_out_of_scope),
        SAMPLE_TEST(test_whole_clinc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
