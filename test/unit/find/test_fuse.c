#include "unit/codec/sample.h"

#include <math.h>

#include "find/fuse.h"
#include "find/ranking.h"

static void near(double got, double want)
{
    if (fabs(got - want) > 1e-6) {
        fail_msg("got %.6f, want %.6f", got, want);
    }
}

static const struct index_hit WORDS[] = {{1, 0.8F}, {2, 0.4F}, {3, 0.2F}};
static const struct index_hit NEAR[] = {{3, 0.9F}, {1, 0.6F}, {4, 0.5F}};

static void test_by_ranks(void **state)
{
    (void)state;
    struct fuse_list lists[2] = {{WORDS, 3, 1, 0}, {NEAR, 3, 1, 0}};
    struct index_hit out[8];
    assert_int_equal(fuse_lists(lists, 2, FUSE_K_USUAL, 8, out), 4);
    assert_int_equal(out[0].passage, 1);
    near((double)out[0].score, 1 / 61.0 + 1 / 62.0);
    assert_int_equal(out[1].passage, 3);
    near((double)out[1].score, 1 / 63.0 + 1 / 61.0);
    assert_int_equal(out[2].passage, 2);
    assert_int_equal(out[3].passage, 4);
    lists[1].weight = 3;
    fuse_lists(lists, 2, FUSE_K_USUAL, 2, out);
    assert_int_equal(out[0].passage, 3);
}

static void test_by_scores(void **state)
{
    (void)state;
    struct fuse_list lists[2] = {{WORDS, 3, 1, 0}, {NEAR, 3, 0.5, 0.5}};
    struct index_hit out[8];
    assert_int_equal(fuse_lists(lists, 2, 0, 8, out), 4);
    assert_int_equal(out[0].passage, 1);
    near((double)out[0].score, 1 + 0.5 * 0.25);
    assert_int_equal(out[1].passage, 3);
    near((double)out[1].score, 0.25 + 0.5);
    assert_int_equal(out[2].passage, 2);
    near((double)out[2].score, 0.5);
    near((double)out[3].score, 0);
    assert_int_equal(fuse_lists(lists, 0, 0, 8, out), 0);
}

static void test_a_query(void **state)
{
    (void)state;
    struct index_hit out[8];
    struct fuse_query q = {
        .words = WORDS, .vectors = NEAR, .n_words = 3, .n_vectors = 3, .depth = 3};
    assert_int_equal(fuse_query(&q, 8, out), 4);
    assert_int_equal(out[0].passage, 1);
    near((double)out[0].score,
         0.8 * (1 + FUSE_VECTORS_WEIGHT * 0.25)); /* as sure as the words are */
    q.n_vectors = 0;
    assert_int_equal(fuse_query(&q, 8, out), 3);
    near((double)out[0].score, 0.8);
    q.n_words = 0;
    assert_int_equal(fuse_query(&q, 8, out), 0);
    q.n_vectors = 1;
    q.depth = 200;
    assert_int_equal(fuse_query(&q, 8, out), 1);
    assert_true(out[0].score < 0.1F); /* nearness alone is weak */
}

static void test_measures(void **state)
{
    (void)state;
    static const double RANKED[] = {0, 1, 0, 2}, ALL[] = {1, 2, 1};
    struct ranking_score s;
    ranking_score(RANKED, 4, ALL, 3, &s);
    near(s.reciprocal_rank, 0.5);
    near(s.recall_10, 2 / 3.0);
    double dcg = 1 / log2(3) + 3 / log2(5), ideal = 3 / log2(2) + 1 / log2(3) + 1 / log2(4);
    near(s.ndcg_10, dcg / ideal);
    ranking_score(RANKED, 0, ALL, 3, &s);
    near(s.reciprocal_rank + s.ndcg_10 + s.recall_50, 0);
    ranking_score(RANKED, 4, ALL, 0, &s);
    near(s.ndcg_10, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_by_ranks),
        SAMPLE_TEST(test_by_scores),
        SAMPLE_TEST(test_a_query),
        SAMPLE_TEST(test_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
