#include "unit/codec/sample.h"

#include "find/find_eval.h"
#include "nlu/embed.h"

static const struct embedder EMBEDDER = {EMBED_NAME, EMBED_DIMENSIONS, embed_texts, NULL};

static struct find_eval_report measure(struct arena *a, const char *folder, bool skip_self)
{
    struct find_eval_input input = {.skip_self = skip_self};
    input.corpus = sample_data(a, str_fmt(a, "retrieval/%s/corpus.jsonl", folder).p);
    input.queries = sample_data(a, str_fmt(a, "retrieval/%s/queries.jsonl", folder).p);
    input.qrels = sample_data(a, str_fmt(a, "retrieval/%s/qrels.tsv", folder).p);
    struct facilities at = {0};
    struct ctx *c = ctx_new(&at, (size_t)1 << 30);
    struct str why = STR("");
    struct find_eval_report r;
    if (find_eval_run(c, &input, &EMBEDDER, &why, &r) != E_OK) {
        fail_msg("%s: %.*s", folder, STR_ARG(why));
    }
    ctx_free(&c);
    struct buf b = buf_make(1 << 16);
    find_eval_text(&r, &b);
    print_message("%s\n%s", folder, b.p);
    buf_free(&b);
    return r;
}

static void fused_is_better(const struct find_eval_report *r)
{
    assert_true(r->fused.reciprocal_rank > r->words.reciprocal_rank);
    assert_true(r->fused.ndcg_10 > r->words.ndcg_10);
    assert_true(r->fused.recall_50 >= r->words.recall_50);
}

static void test_duplicates(void **state)
{
    struct find_eval_report r = measure(*state, "hadoop_duplicates", true);
    assert_int_equal(r.documents, 2503);
    assert_int_equal(r.judged, 80);
    assert_true(r.words.reciprocal_rank >= 0.605);
    fused_is_better(&r);
}

static void test_articles(void **state)
{
    struct find_eval_report r = measure(*state, "tau_bank_kb", false);
    assert_true(r.passages > r.documents); /* long articles are cut */
    assert_true(r.words.ndcg_10 >= 0.4);
    fused_is_better(&r);
    /* situations that take ten articles each */
    assert_true(r.steps.recall_50 >= r.fused.recall_50 + 0.03);
    assert_true(r.steps.ndcg_10 > r.fused.ndcg_10);
}

static void test_dialogues(void **state)
{
    struct find_eval_report r = measure(*state, "dstc11_faq_reviews", false);
    assert_true(r.words.recall_50 >= 0.82);
    fused_is_better(&r);
}

static const char CORPUS[] = "{\"id\":\"a\",\"title\":\"Refunds\",\"text\":\"Paid in five days\"}\n"
                             "{\"id\":\"b\",\"title\":\"Shipping\",\"text\":\"Sent at noon\"}\n";
static const char QUERIES[] =
    "{\"id\":\"1\",\"text\":\"refund\"}\n{\"id\":\"2\",\"text\":\"noon\"}\n";
static const char QRELS[] = "query\tdoc\trel\n1\ta\t1\n2\tb\t1\n";

static void test_small_and_bad(void **state)
{
    (void)state;
    static const struct {
        const char *corpus, *queries, *qrels, *why;
    } ROWS[] = {
        {CORPUS, QUERIES, QRELS, NULL},
        {"{\"id\":", QUERIES, QRELS, "corpus.jsonl, line 1"},
        {CORPUS, "\n{]", QRELS, "queries.jsonl, line 2"},
        {CORPUS, QUERIES, "query\tdoc\trel\n1\ta\n", "qrels.tsv, line 2"},
        {CORPUS, QUERIES, "", "no query"},
    };
    struct facilities at = {0};
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct ctx *c = ctx_new(&at, 64 << 20);
        struct find_eval_input in = {.corpus = str_of(ROWS[i].corpus),
                                     .queries = str_of(ROWS[i].queries),
                                     .qrels = str_of(ROWS[i].qrels)};
        struct find_eval_report r;
        struct str why = STR("");
        enum err e = find_eval_run(c, &in, NULL, &why, &r);
        assert_int_equal(e, ROWS[i].why ? E_INVALID : E_OK);
        if (ROWS[i].why && str_find(why, str_of(ROWS[i].why)) < 0) {
            fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(why), ROWS[i].why);
        }
        if (!ROWS[i].why) {
            assert_true(r.words.reciprocal_rank == 1 && r.documents == 2 && r.judged == 2);
            struct buf b = buf_make(1 << 16);
            find_eval_json(&r, &b);
            const struct json *v = sample_json(c->arena, buf_str(&b));
            assert_true(json_real(json_get(v, "words"), "mrr", 0) == 1);
            buf_free(&b);
        }
        ctx_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_duplicates),
        SAMPLE_TEST(test_articles),
        SAMPLE_TEST(test_dialogues),
        SAMPLE_TEST(test_small_and_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
