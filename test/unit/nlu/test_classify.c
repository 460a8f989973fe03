#include "unit/codec/sample.h"

#include "nlu/classify.h"

/* Six ways to say each of four things: what an agent's YAML gives. */
static const struct classify_example SHOP[] = {
#define ROW(label, text)                                                                           \
    {                                                                                              \
        {text, sizeof text - 1},                                                                   \
        {                                                                                          \
            label, sizeof label - 1                                                                \
        }                                                                                          \
    }
    ROW("order_status", "where is my order"),
    ROW("order_status", "track my package"),
    ROW("order_status", "has my order shipped yet"),
    ROW("order_status", "when will my parcel arrive"),
    ROW("order_status", "what is the status of order 10421"),
    ROW("order_status", "my delivery is late"),
    ROW("cancel_order", "cancel my order"),
    ROW("cancel_order", "I want to cancel an order I placed"),
    ROW("cancel_order", "please stop my order, I do not need it any more"),
    ROW("cancel_order", "can I still cancel the purchase"),
    ROW("cancel_order", "call off order 10421"),
    ROW("cancel_order", "cancel it, I ordered by mistake"),
    ROW("invoice_copy", "send me a copy of my invoice"),
    ROW("invoice_copy", "I need the invoice for March"),
    ROW("invoice_copy", "where can I download my bill"),
    ROW("invoice_copy", "my accountant asks for last month's invoice"),
    ROW("invoice_copy", "could you email the receipt again"),
    ROW("invoice_copy", "invoice pdf please"),
    ROW("reset_password", "I forgot my password"),
    ROW("reset_password", "reset my password"),
    ROW("reset_password", "cannot sign in to my account"),
    ROW("reset_password", "the login does not accept my password"),
    ROW("reset_password", "how do I change the password"),
    ROW("reset_password", "locked out of my account"),
};

static struct classifier *train_shop(void)
{
    struct classifier *k = NULL;
    struct classify_fault fault = {0};
    if (classify_train(SHOP, SAMPLE_COUNT(SHOP), NULL, &fault, &k) != E_OK) {
        fail_msg("%s", fault.text);
    }
    return k;
}

static void test_few_examples(void **state)
{
    static const struct {
        const char *text, *label, *why;
    } ROWS[] = {
        {"where's my order?", "order_status", "near an example"},
        {"WHERE IS MY ORDER", "order_status", "case does not matter"},
        {"can you track the parcel for me", "order_status", "words of two examples"},
        {"cancle my oder", "cancel_order", "typing errors: character n-grams"},
        {"cancel order 99999", "cancel_order", "another number"},
        {"resend the invoice", "invoice_copy", "one word tells"},
        {"forgot pasword", "reset_password", "typing error in the telling word"},
        {"Passw\xc3\xb6rd forgot", "reset_password", "accents do not matter"},
    };
    (void)state;
    struct classifier *k = train_shop();
    size_t answered = 0;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct classify_result r;
        classify_text(k, str_of(ROWS[i].text), &r);
        sample_is(r.best[0].label, ROWS[i].label, ROWS[i].why);
        answered += !r.abstain;
        double sum = 0;
        for (int j = 0; j < r.count; j++) {
            sum += r.best[j].confidence;
            assert_true(j == 0 || r.best[j].confidence <= r.best[j - 1].confidence);
        }
        assert_true(r.count == 4 && sum > 0.999 && sum < 1.001);
    }
    assert_true(answered + 1 >= SAMPLE_COUNT(ROWS)); /* two typing errors may be too many */
    classify_free(&k);
    assert_null(k);
}

static void test_abstains(void **state)
{
    static const char *const ROWS[] = {
        "",
        "   ",
        "???",
        "!!",
        "who painted the mona lisa",
        "tell me a joke about penguins",
        "zxcv qwpo jklm",
    };
    (void)state;
    struct classifier *k = train_shop();
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct classify_result r;
        classify_text(k, str_of(ROWS[i]), &r);
        if (!r.abstain) {
            fail_msg("\"%s\" taken for %.*s at %.2f", ROWS[i], STR_ARG(r.best[0].label), r.scope);
        }
        assert_true(r.count >= 1);
    }
    classify_free(&k);
}

static void test_same_bytes_every_time(void **state)
{
    (void)state;
    struct buf saved[2];
    for (int i = 0; i < 2; i++) {
        struct classifier *k = train_shop();
        saved[i] = buf_make(CLASSIFY_MODEL_MAX_BYTES);
        assert_true(classify_save(k, &saved[i]));
        classify_free(&k);
        (void)rand(); /* whatever the program draws in between */
    }
    assert_true(str_eq(buf_str(&saved[0]), buf_str(&saved[1])));
    buf_free(&saved[0]);
    buf_free(&saved[1]);
}

static void test_loaded_is_saved(void **state)
{
    (void)state;
    struct classifier *k = train_shop(), *copy = NULL;
    classify_set_threshold(k, 0.375);
    struct buf saved = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    assert_true(classify_save(k, &saved));
    assert_int_equal(classify_load(buf_str(&saved), &copy), E_OK);
    assert_true(classify_threshold(copy) == 0.375);
    assert_int_equal(classify_label_count(copy), 4);
    assert_true(classify_has_label(copy, STR("invoice_copy")));
    assert_false(classify_has_label(copy, STR("oos")));
    sample_is(classify_label(copy, 3), "reset_password", "labels in order of appearance");
    for (size_t i = 0; i < SAMPLE_COUNT(SHOP); i++) {
        struct classify_result a, b;
        classify_text(k, SHOP[i].text, &a);
        classify_text(copy, SHOP[i].text, &b);
        assert_true(a.scope == b.scope && str_eq(a.best[0].label, b.best[0].label));
        assert_true(a.best[0].confidence == b.best[0].confidence);
    }
    struct buf small = buf_make(100);
    assert_false(classify_save(k, &small));
    buf_free(&small);
    buf_free(&saved);
    classify_free(&k);
    classify_free(&copy);
}

/* Any changed, missing or added byte is noticed. */
static void test_damaged_is_refused(void **state)
{
    (void)state;
    struct classifier *k = train_shop(), *copy = NULL;
    struct buf saved = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    assert_true(classify_save(k, &saved));
    for (size_t i = 0; i < saved.n; i += i < 400 ? 1 : 97) {
        saved.p[i] ^= 0x10;
        assert_int_equal(classify_load(buf_str(&saved), &copy), E_INVALID);
        saved.p[i] ^= 0x10;
    }
    for (size_t n = 0; n < saved.n; n += n < 64 ? 1 : 101) {
        assert_int_equal(classify_load(str_make(saved.p, n), &copy), E_INVALID);
    }
    buf_add_char(&saved, 0);
    assert_int_equal(classify_load(buf_str(&saved), &copy), E_INVALID);
    assert_null(copy);
    buf_free(&saved);
    classify_free(&k);
}

static void test_refused_examples(void **state)
{
    struct arena *a = *state;
    char *longest = arena_alloc(a, CLASSIFY_LABEL_MAX_BYTES + 2);
    memset(longest, 'x', CLASSIFY_LABEL_MAX_BYTES + 1);
    struct {
        struct classify_example rows[3];
        size_t n;
        size_t at;
        const char *why;
    } cases[] = {
        {{{STR(""), STR("")}}, 0, 0, "at least two labels"},
        {{{STR("a"), STR("x")}, {STR("b"), STR("x")}}, 2, 1, "at least two labels"},
        {{{STR("a"), STR("x")}, {STR("b"), STR("oos")}}, 2, 1, "at least two labels"},
        {{{STR("a"), STR("x")}, {STR(" \n"), STR("y")}}, 2, 1, "the text is empty"},
        {{{STR("a"), STR("x")}, {STR("b"), STR("")}, {STR("c"), STR("y")}}, 3, 1, "1 to 128"},
        {{{STR("a"), STR("x")}, {STR("b"), str_of(longest)}}, 2, 1, "1 to 128"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(cases); i++) {
        struct classifier *k = NULL;
        struct classify_fault fault = {0};
        assert_int_equal(classify_train(cases[i].rows, cases[i].n, NULL, &fault, &k), E_INVALID);
        assert_null(k);
        assert_int_equal(fault.example, cases[i].at);
        if (!strstr(fault.text, cases[i].why)) {
            fail_msg("\"%s\" does not say \"%s\"", fault.text, cases[i].why);
        }
    }
}

static void test_smallest(void **state)
{
    (void)state;
    static const struct classify_example TWO[] = {ROW("yes", "yes please"), ROW("no", "no thanks")};
    struct classifier *k = NULL;
    assert_int_equal(classify_train(TWO, 2, NULL, NULL, &k), E_OK);
    struct classify_result r;
    classify_text(k, STR("yes"), &r);
    sample_is(r.best[0].label, "yes", "one example each is enough to begin with");
    assert_int_equal(r.count, 2);
    classify_free(&k);
}

static bool stop_soon(void *arg, double done)
{
    double *seen = arg;
    assert_true(done > *seen && done <= 1);
    *seen = done;
    return done < 0.4;
}

static void test_progress_stops(void **state)
{
    (void)state;
    double seen = 0;
    struct classify_options options = {.progress = stop_soon, .progress_arg = &seen};
    struct classifier *k = NULL;
    assert_int_equal(classify_train(SHOP, SAMPLE_COUNT(SHOP), &options, NULL, &k), E_CANCELLED);
    assert_null(k);
    assert_true(seen >= 0.4 && seen < 0.6);
}

static void test_size_limit(void **state)
{
    (void)state;
    struct classify_options options = {.model_max_bytes = 4000};
    struct classifier *k = NULL;
    assert_int_equal(classify_train(SHOP, SAMPLE_COUNT(SHOP), &options, NULL, &k), E_OK);
    struct buf saved = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    assert_true(classify_save(k, &saved));
    assert_true(saved.n < 4400);
    struct classify_result r;
    classify_text(k, STR("where is my order"), &r);
    sample_is(r.best[0].label, "order_status", "the strongest features are kept");
    buf_free(&saved);
    classify_free(&k);
}

static void test_tune(void **state)
{
    (void)state;
    static const struct classify_example JUDGED[] = {
        ROW("order_status", "where is my order"),
        ROW("cancel_order", "cancel my order"),
        ROW("invoice_copy", "the invoice please"),
        ROW("reset_password", "reset password"),
        ROW("oos", "sing me a song"),
        ROW("oos", "how tall is the eiffel tower"),
        ROW("other", "what is your favourite food"),
    };
    struct classifier *k = train_shop();
    double threshold = classify_tune(k, JUDGED, SAMPLE_COUNT(JUDGED), 0);
    assert_true(threshold == classify_threshold(k) && threshold > 0 && threshold < 1);
    for (size_t i = 0; i < SAMPLE_COUNT(JUDGED); i++) {
        struct classify_result r;
        classify_text(k, JUDGED[i].text, &r);
        assert_int_equal(r.abstain, i >= 4);
    }
    /* With no out-of-scope examples it only comes down as far as the loss asks for. */
    classify_set_threshold(k, 0.9999);
    assert_true(classify_tune(k, JUDGED, 4, 0) < 0.9999);
    classify_set_threshold(k, 0.01);
    assert_true(classify_tune(k, JUDGED, 4, 0) == 0.01);
    classify_free(&k);
}

static void test_long_and_foreign(void **state)
{
    struct arena *a = *state;
    char *text = arena_alloc(a, 1 << 20);
    memset(text, 'a', (1 << 20) - 1);
    struct classifier *k = train_shop();
    struct classify_result r;
    classify_text(k, str_make(text, (1 << 20) - 1), &r);
    assert_true(r.abstain);
    for (size_t i = 0; i < (1 << 20) - 1; i += 2) {
        text[i] = '?';
    }
    classify_text(k, str_make(text, (1 << 20) - 1), &r);
    classify_text(k, STR("\xff\xfe\x00\x80 order \xf0\x9f\x98"), &r);
    classify_text(k, STR("\xe6\xb3\xa8\xe6\x96\x87\xe3\x81\xaf\xe3\x81\xa9\xe3\x81\x93"), &r);
    assert_true(r.abstain);
    classify_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_few_examples),
        SAMPLE_TEST(test_abstains),
        SAMPLE_TEST(test_same_bytes_every_time),
        SAMPLE_TEST(test_loaded_is_saved),
        SAMPLE_TEST(test_damaged_is_refused),
        SAMPLE_TEST(test_refused_examples),
        SAMPLE_TEST(test_smallest),
        SAMPLE_TEST(test_progress_stops),
        SAMPLE_TEST(test_size_limit),
        SAMPLE_TEST(test_tune),
        SAMPLE_TEST(test_long_and_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
