#include "unit/codec/sample.h"

#include "find/situation.h"

static const struct {
    const char *title, *text;
    float vector[2];
} PASSAGES[] = {
    {"Refunds", "A refund is paid within five working days after the inspection.", {1, 0}},
    {"Shipping", "Parcels leave the warehouse at noon and travel overnight.", {0, 1}},
    {"Warranty", "Printers carry a warranty of two years from delivery.", {0.6F, 0.8F}},
    {"Credit notes", "Money goes back to the card that was used.", {0.98F, 0.199F}},
};

static struct index *build(void)
{
    struct index_options o = {.dimensions = 2};
    struct index *ix = index_new(&o);
    for (size_t i = 0; i < SAMPLE_COUNT(PASSAGES); i++) {
        struct index_passage p = {.document = id_from_name(str_of(PASSAGES[i].title)),
                                  .title = str_of(PASSAGES[i].title),
                                  .heading = STR(""),
                                  .text = str_of(PASSAGES[i].text),
                                  .vector = PASSAGES[i].vector};
        assert_true(index_add(ix, &p));
    }
    return ix;
}

static bool found(const struct index_hit *hits, size_t n, uint32_t passage)
{
    for (size_t i = 0; i < n; i++) {
        if (hits[i].passage == passage) {
            return true;
        }
    }
    return false;
}

static void test_parts_and_alike(void **state)
{
    (void)state;
    struct index *ix = build();
    struct index_hit hits[16];
    float vector[2] = {0.9F, 0.436F}, stored[2];
    struct situation s = {
        .text =
            STR("The refund for the printer that we sent back in May has not been paid. The new "
                "parcels have not left your warehouse since Monday at noon, as far as we know."),
        .vector = vector};
    size_t n = situation_search(ix, &s, 16, hits);
    assert_true(found(hits, n, 0) && found(hits, n, 1));
    assert_true(found(hits, n, 3)); /* shares no word, but is told like the refund */
    for (size_t i = 1; i < n; i++) {
        assert_true(hits[i - 1].score >= hits[i].score);
    }
    struct id skip = id_from_name(STR("Refunds"));
    s.skip = &skip;
    n = situation_search(ix, &s, 16, hits);
    assert_false(found(hits, n, 0));
    assert_int_equal(situation_search(ix, &s, 1, hits), 1);
    assert_true(index_vector(ix, 0, stored) && stored[0] > 0.99F && stored[1] == 0);
    index_free(&ix);
}

static void test_nothing(void **state)
{
    (void)state;
    struct index *ix = build();
    struct index_hit hits[4];
    static const char *const TEXTS[] = {"", "?", "\n\n", "zzz qqq. xxx yyy. www vvv."};
    for (size_t i = 0; i < SAMPLE_COUNT(TEXTS); i++) {
        struct situation s = {.text = str_of(TEXTS[i])};
        assert_int_equal(situation_search(ix, &s, 4, hits), 0);
    }
    index_free(&ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_parts_and_alike),
                                       SAMPLE_TEST(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
