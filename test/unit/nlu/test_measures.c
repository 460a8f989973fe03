#include "unit/codec/sample.h"

#include "nlu/pii_eval.h"
#include "nlu/sentiment_eval.h"

enum { WHY_BYTES = 160 };

static const struct pii_eval_kind *kind_of(const struct pii_eval_report *r, enum pii_kind kind)
{
    for (int i = 0; i < PII_EVAL_KINDS; i++) {
        if (r->kinds[i].kind == kind) {
            return &r->kinds[i];
        }
    }
    fail_msg("no such kind");
    return NULL;
}

static void test_pii_counts(void **state)
{
    struct arena *a = *state;
    struct str rows =
        STR("{\"text\":\"\xc3\xa9 a@b.de x\",\"spans\":[{\"type\":\"EMAIL_ADDRESS\",\"start\":2,"
            "\"end\":8}]}\n\n"
            "{\"text\":\"a@b.de\",\"spans\":[]}\n"
            "{\"text\":\"nobody at home\",\"spans\":[{\"type\":\"email\",\"start\":0,\"end\":6},"
            "{\"type\":\"PERSON\",\"start\":0,\"end\":6}]}\n");
    struct pii_eval_report r;
    char why[WHY_BYTES];
    assert_int_equal(pii_eval_run(a, rows, why, &r), E_OK);
    const struct pii_eval_kind *k = kind_of(&r, PII_EMAIL);
    assert_true(r.count == 3 && k->there == 2 && k->found == 1); /* offsets are characters */
    assert_true(k->finds == 2 && k->right == 1 && k->recall == 0.5 && k->precision == 0.5);
    assert_true(kind_of(&r, PII_CARD)->finds == 0 && kind_of(&r, PII_CARD)->recall == 0);
    struct buf text = buf_make(4096), json = buf_make(4096);
    pii_eval_text(&r, &text);
    assert_true(str_find(buf_str(&text), STR("email")) > 0);
    assert_true(str_find(buf_str(&text), STR("card")) < 0);
    pii_eval_json(&r, &json);
    assert_int_equal(json_count(json_get(sample_json(a, buf_str(&json)), "kinds")), PII_EVAL_KINDS);
    buf_free(&text);
    buf_free(&json);
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *bytes;
        bool pii;
        const char *why;
    } ROWS[] = {
        {"", true, "no texts"},
        {"{\"text\":\"a\"}\n{\"text\":5}\n", true, "line 2: no text"},
        {"{\"text\":\"a\"}\n{", true, "line 2"},
        {"", false, "line 1: the header"},
        {"id\ttext\n1\ta\n", false, "line 1: the header"},
        {"mean_valence\ttext\n1.5\tgood\n1,5\tgood\n", false, "line 3: a rating"},
        {"mean_valence\ttext\n1.5\n", false, "line 2: a rating"},
        {"mean_valence\ttext\n1.5\tgood\n", false, "two texts"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        char why[WHY_BYTES] = "";
        struct pii_eval_report p;
        struct sentiment_eval_report s;
        struct str bytes = str_of(ROWS[i].bytes);
        enum err e =
            ROWS[i].pii ? pii_eval_run(a, bytes, why, &p) : sentiment_eval_run(bytes, why, &s);
        assert_int_equal(e, E_INVALID);
        if (!strstr(why, ROWS[i].why)) {
            fail_msg("\"%s\" does not say \"%s\"", why, ROWS[i].why);
        }
    }
}

static void test_sentiment_sums(void **state)
{
    struct arena *a = *state;
    struct sentiment_eval_report r;
    char why[WHY_BYTES];
    struct str rows = STR("id\tmean_valence\ttext\n1\t2\tgreat\n2\t-2\tawful\n3\t0.01\tchair\n");
    assert_int_equal(sentiment_eval_run(rows, why, &r), E_OK);
    assert_true(r.count == 3 && r.r > 0.98 && r.r <= 1.0001 && r.same_sign == 1);
    struct buf text = buf_make(4096), json = buf_make(4096);
    sentiment_eval_text(&r, &text);
    assert_true(str_find(buf_str(&text), STR("correlation")) > 0);
    sentiment_eval_json(&r, &json);
    assert_true(json_real(sample_json(a, buf_str(&json)), "r", 0) == r.r);
    buf_free(&text);
    buf_free(&json);
}

/* What the product promises on texts nobody here wrote. */
static void test_pii_floors(void **state)
{
    static const enum pii_kind PROMISED[] = {PII_EMAIL, PII_PHONE, PII_CARD, PII_IBAN, PII_IP};
    struct arena *a = *state;
    struct pii_eval_report r;
    char why[WHY_BYTES];
    struct str bytes = sample_data(a, "pii/presidio_synth/dev.jsonl");
    assert_int_equal(pii_eval_run(a, bytes, why, &r), E_OK);
    for (size_t i = 0; i < SAMPLE_COUNT(PROMISED); i++) {
        const struct pii_eval_kind *k = kind_of(&r, PROMISED[i]);
        print_message("%s: recall %.3f of %zu, precision %.3f of %zu\n", pii_kind_name(k->kind),
                      k->recall, k->there, k->precision, k->finds);
        assert_true(k->there > 0 && k->recall >= 0.95 && k->precision >= 0.95);
    }
}

static void test_sentiment_floors(void **state)
{
    static const struct {
        const char *name;
        double r;
    } ROWS[] = {
        {"sentiment/vader_tweets/dev.tsv", 0.86},
        {"sentiment/vader_amazon_reviews/dev.tsv", 0.64},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct sentiment_eval_report r;
        char why[WHY_BYTES];
        struct str bytes = sample_data(*state, ROWS[i].name);
        assert_int_equal(sentiment_eval_run(bytes, why, &r), E_OK);
        print_message("%s: r = %.3f\n", ROWS[i].name, r.r);
        assert_true(r.r >= ROWS[i].r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_pii_counts),       SAMPLE_TEST(test_bad_files),
        SAMPLE_TEST(test_sentiment_sums),   SAMPLE_TEST(test_pii_floors),
        SAMPLE_TEST(test_sentiment_floors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
