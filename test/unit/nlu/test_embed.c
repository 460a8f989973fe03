#include "unit/codec/sample.h"

#include <math.h>

#include "nlu/embed.h"

static double cosine(const char *x, const char *y)
{
    float a[EMBED_DIMENSIONS], b[EMBED_DIMENSIONS];
    embed_text(str_of(x), a);
    embed_text(str_of(y), b);
    return embed_cosine(a, b, EMBED_DIMENSIONS);
}

static void test_nearness(void **state)
{
    (void)state;
    assert_true(fabs(cosine("Where is my order?", "where is my ORDER") - 1) < 1e-3);
    assert_true(cosine("refund of my order", "refund for the order") > 0.6);
    assert_true(cosine("password reset", "resetting passwords") > 0.3);
    assert_true(cosine("password reset", "resetting passwords") >
                cosine("password reset", "delivery of parcels"));
    assert_true(fabs(cosine("penguins on ice", "quarterly tax report")) < 0.15);
    assert_true(cosine("", "anything") == 0);
    assert_true(cosine("the of and", "the of and") == 0); /* function words only */
}

static void test_length_and_repeat(void **state)
{
    struct arena *a = *state;
    float v[EMBED_DIMENSIONS], w[EMBED_DIMENSIONS];
    char *text = arena_alloc(a, 1 << 20);
    memset(text, 'x', (1 << 20) - 1);
    static const char *const ROWS[] = {"one", "a longer text about invoices and refunds",
                                       "\xff\xfe", "\xe6\xb3\xa8\xe6\x96\x87", NULL};
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str s = ROWS[i] ? str_of(ROWS[i]) : str_make(text, (1 << 20) - 1);
        embed_text(s, v);
        embed_text(s, w);
        double square = 0;
        for (int d = 0; d < EMBED_DIMENSIONS; d++) {
            assert_true(v[d] == w[d]);
            square += (double)v[d] * (double)v[d];
        }
        assert_true(square < 1e-9 || fabs(square - 1) < 1e-4);
    }
    struct str texts[2] = {STR("refund"), STR("parcel")};
    float both[2 * EMBED_DIMENSIONS];
    assert_int_equal(embed_texts(NULL, NULL, texts, 2, false, both), E_OK);
    embed_text(texts[1], v);
    assert_memory_equal(both + EMBED_DIMENSIONS, v, sizeof v);
}

/* The bytes are the same on every machine: a change would make stored vectors useless. */
static void test_packed(void **state)
{
    (void)state;
    float v[EMBED_DIMENSIONS], w[EMBED_DIMENSIONS];
    uint8_t packed[EMBED_PACKED_BYTES];
    embed_text(STR("the quick brown fox jumps over the lazy dog"), v);
    embed_pack(v, EMBED_DIMENSIONS, packed);
    embed_unpack(packed, EMBED_DIMENSIONS, w);
    assert_true(fabs(embed_cosine(v, w, EMBED_DIMENSIONS) - 1) < 0.01);
    uint32_t sum = 0;
    for (size_t i = 4; i < sizeof packed; i++) {
        sum = sum * 31 + packed[i];
    }
    assert_int_equal(sum, 3934338086u);
    memset(v, 0, sizeof v);
    embed_pack(v, EMBED_DIMENSIONS, packed);
    embed_unpack(packed, EMBED_DIMENSIONS, w);
    assert_true(w[0] == 0 && w[EMBED_DIMENSIONS - 1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_nearness),
        SAMPLE_TEST(test_length_and_repeat),
        SAMPLE_TEST(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
