#include "unit/codec/sample.h"

#include <math.h>

#include "find/index.h"
#include "find/term.h"
#include "find/vector.h"

enum { DIMENSIONS = 32 };

static struct id doc(int n)
{
    char name[16];
    snprintf(name, sizeof name, "doc %d", n);
    return id_from_name(str_of(name));
}

static void add(struct index *ix, int n, const char *title, const char *text, const float *vector)
{
    struct index_passage p = {
        .document = doc(n), .title = str_of(title), .text = str_of(text), .vector = vector};
    assert_true(index_add(ix, &p));
}

/* The number of the document that is found first; -1: none. */
static int first(const struct index *ix, const char *query)
{
    struct index_hit hits[4];
    size_t n = index_search(ix, str_of(query), 4, NULL, hits);
    for (int i = 0; n && i < 100; i++) {
        struct id id = doc(i);
        if (id_eq(&id, index_document(ix, hits[0].passage))) {
            return i;
        }
    }
    return -1;
}

static void test_ranking(void **state)
{
    (void)state;
    static const char *const TEXTS[][2] = {
        {"Refunds", "A refund is paid within five working days."},
        {"Shipping", "Orders are shipped on the same day. Parcels travel overnight."},
        {"Passwords", "Reset the password with the link in the mail."},
        {"Returns", "Send the order back and the money is refunded. Returned goods are checked."},
        {"Caf\xc3\xa9", "Opening hours of the caf\xc3\xa9 in M\xc3\xbcnchen."},
    };
    static const struct {
        const char *query;
        int want;
        const char *why;
    } ROWS[] = {
        {"refund", 0, "the title weighs more than the text"},
        {"how do I reset my password?", 2, "stop words do not count"},
        {"parcel", 1, "plural and singular"},
        {"returning goods", 3, "endings"},
        {"CAFE munchen", 4, "case and accents"},
        {"the", 0, "a stop word alone counts, when it is all there is"},
        {"xylophone", -1, "nothing has it"},
        {"", -1, "nothing asked"},
        {"???", -1, "no words"},
        {"refund refund refund password", 0, "what is said more often weighs more"},
    };
    struct index *ix = index_new(NULL);
    assert_int_equal(first(ix, "refund"), -1);
    for (int i = 0; i < 5; i++) {
        add(ix, i, TEXTS[i][0], TEXTS[i][1], NULL);
    }
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        int got = first(ix, ROWS[i].query);
        if (got != ROWS[i].want && !(strcmp(ROWS[i].query, "the") == 0 && got >= 0)) {
            fail_msg("\"%s\" (%s): got %d, want %d", ROWS[i].query, ROWS[i].why, got, ROWS[i].want);
        }
    }
    struct index_hit hits[8];
    struct id skip = doc(0);
    size_t n = index_search(ix, STR("refund"), 8, &skip, hits);
    assert_int_equal(n, 1);
    for (size_t i = 0; i < n; i++) {
        assert_true(hits[i].score > 0 && hits[i].score <= 1);
    }
    index_free(&ix);
    assert_null(ix);
}

/* The order is that of a plain full sort, for any k. */
static void test_best_k(void **state)
{
    (void)state;
    struct index *ix = index_new(NULL);
    uint32_t seed = 5;
    for (int i = 0; i < 300; i++) {
        struct buf b = buf_make(4096);
        for (int w = 0; w < 20; w++) {
            seed = seed * 1664525 + 1013904223;
            buf_addf(&b, "word%u ", (seed >> 16) % 40);
        }
        struct index_passage p = {
            .document = doc(i % 90), .ordinal = (uint32_t)i, .text = buf_str(&b)};
        assert_true(index_add(ix, &p));
        buf_free(&b);
    }
    static struct index_hit all[INDEX_HITS_MAX], some[INDEX_HITS_MAX];
    size_t total = index_search(ix, STR("word1 word7 word13"), INDEX_HITS_MAX, NULL, all);
    for (size_t i = 1; i < total; i++) {
        assert_true(all[i].score <= all[i - 1].score);
    }
    for (size_t k = 0; k < 40; k++) {
        size_t n = index_search(ix, STR("word1 word7 word13"), k, NULL, some);
        assert_int_equal(n, k < total ? k : total);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(some[i].passage, all[i].passage);
        }
    }
    index_free(&ix);
}

/* Adding and removing leaves what building anew would give. */
static void test_incremental(void **state)
{
    (void)state;
    struct index *changed = index_new(NULL), *fresh = index_new(NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) {
            char text[64];
            struct id id = doc(i);
            index_remove(changed, &id);
            snprintf(text, sizeof text, "round%d apple pear%d", round, i % 5);
            add(changed, i, "", text, NULL);
        }
    }
    for (int i = 0; i < 40; i++) {
        struct id id = doc(i);
        if (i % 3 == 0) {
            assert_int_equal(index_remove(changed, &id), 1);
            assert_int_equal(index_remove(changed, &id), 0);
            continue;
        }
        char text[64];
        snprintf(text, sizeof text, "round2 apple pear%d", i % 5);
        add(fresh, i, "", text, NULL);
    }
    assert_int_equal(index_count(changed), index_count(fresh));
    assert_int_equal(first(changed, "round0"), -1);
    assert_int_equal(first(changed, "round1"), -1);
    struct index_hit a[50], b[50];
    size_t n = index_search(changed, STR("pear3 apple"), 50, NULL, a);
    assert_int_equal(n, index_search(fresh, STR("pear3 apple"), 50, NULL, b));
    for (size_t i = 0; i < n; i++) {
        assert_true(
            id_eq(index_document(changed, a[i].passage), index_document(fresh, b[i].passage)));
    }
    assert_true(index_memory_bytes(changed) > 0);
    index_free(&changed);
    index_free(&fresh);
}

static void unit(uint32_t seed, float *out)
{
    double sum = 0;
    for (int i = 0; i < DIMENSIONS; i++) {
        seed = seed * 1664525 + 1013904223;
        out[i] = (float)((double)(seed >> 8) / (1 << 24) - 0.5);
        sum += (double)out[i] * (double)out[i];
    }
    for (int i = 0; i < DIMENSIONS; i++) {
        out[i] = (float)((double)out[i] / sqrt(sum));
    }
}

static void test_vectors(void **state)
{
    (void)state;
    struct index_options o = {.dimensions = DIMENSIONS};
    struct index *ix = index_new(&o);
    float v[DIMENSIONS];
    for (int i = 0; i < 60; i++) {
        unit((uint32_t)i * 77 + 1, v);
        add(ix, i, "", "x", i == 50 ? NULL : v);
    }
    struct index_hit hits[10];
    for (int i = 0; i < 50; i++) {
        unit((uint32_t)i * 77 + 1, v);
        assert_true(index_nearest(ix, v, 10, NULL, hits) >= 1);
        struct id id = doc(i);
        assert_true(id_eq(index_document(ix, hits[0].passage), &id));
        assert_true(fabsf(hits[0].score - 1) < 0.02F); /* what signed bytes lose */
        const struct index_probe *probe = index_probe(*state, ix, STR(""), v);
        assert_true(fabs(index_similarity(probe, hits[0].passage) - 1) < 0.02);
    }
    memset(v, 0, sizeof v);
    assert_int_equal(index_nearest(ix, v, 10, NULL, hits), 0);
    index_free(&ix);
    float loaded[DIMENSIONS];
    uint8_t stored[4 + DIMENSIONS];
    unit(9, v);
    assert_int_equal(vector_stored_bytes(DIMENSIONS), sizeof stored);
    vector_store(v, DIMENSIONS, stored);
    vector_load(stored, DIMENSIONS, loaded);
    for (int i = 0; i < DIMENSIONS; i++) {
        assert_true(fabsf(loaded[i] - v[i]) < 0.005F);
    }
    memset(stored, 0xff, sizeof stored); /* a scale that is no number */
    vector_load(stored, DIMENSIONS, loaded);
    assert_true(loaded[0] == 0);
}

static double coverage(struct arena *a, const struct index *ix, struct str query, uint32_t passage)
{
    return index_coverage(index_probe(a, ix, query, NULL), passage);
}

static void test_coverage(void **state)
{
    struct index *ix = index_new(NULL);
    add(ix, 1, "", "red apple", NULL);
    add(ix, 2, "", "green pear", NULL);
    struct index_hit hit;
    index_search(ix, STR("red apple"), 1, NULL, &hit);
    assert_true(fabs(coverage(*state, ix, STR("the red apple"), hit.passage) - 1) < 1e-9);
    assert_true(coverage(*state, ix, STR("green pear"), hit.passage) < 1e-9);
    double half = coverage(*state, ix, STR("apple pear"), hit.passage);
    assert_true(half > 0.3 && half < 0.7);
    assert_true(coverage(*state, ix, STR(""), hit.passage) < 1e-9);
    index_free(&ix);
}

static void test_long_queries(void **state)
{
    struct arena *a = *state;
    struct index *ix = index_new(NULL);
    add(ix, 1, "", "needle", NULL);
    add(ix, 2, "", "hay", NULL);
    struct buf b = buf_make(4 << 20);
    for (int i = 0; i < 200000; i++) {
        buf_addf(&b, "filler%d ", i);
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    assert_int_equal(first(ix, str_fmt(a, "needle %.*s", STR_ARG(text)).p), 1);
    assert_int_equal(first(ix, "\xff\xfe needle \x80"), 1);
    index_free(&ix);
}

static void test_terms(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } ROWS[] = {
        {"refund", "refunds", true},
        {"refund", "refunded", true},
        {"ship", "shipping", true},
        {"ship", "shipped", true},
        {"company", "companies", true},
        {"charge", "charging", true},
        {"customer's", "customer", true},
        {"bus", "bu", false},
        {"news", "new", true},
        {"123", "1234", false},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        char x[TERM_MAX_BYTES], y[TERM_MAX_BYTES];
        struct str p, q;
        size_t cursor = 0;
        assert_true(term_next(str_of(ROWS[i].a), &cursor, x, &p));
        cursor = 0;
        assert_true(term_next(str_of(ROWS[i].b), &cursor, y, &q));
        if (str_eq(p, q) != ROWS[i].same) {
            fail_msg("%s and %s: %.*s and %.*s", ROWS[i].a, ROWS[i].b, STR_ARG(p), STR_ARG(q));
        }
    }
    assert_true(term_is_stop(STR("the")) && !term_is_stop(STR("refund")));
}

/* A large index reads only part of the lists and vectors: what is plainly best comes out first all
 * the same. */
static void test_large(void **state)
{
    (void)state;
    enum { PASSAGES = 34000, SIGNS = 64 };
    struct index_options o = {.dimensions = SIGNS};
    struct index *ix = index_new(&o);
    float vector[SIGNS], wanted[SIGNS];
    struct index_hit hits[100];
    uint32_t random = 7;
    for (uint32_t i = 0; i < PASSAGES; i++) {
        char text[128];
        for (int k = 0; k < SIGNS; k++) {
            random = random * 1664525 + 1013904223;
            vector[k] = random >> 31 ? 0.125F : -0.125F;
        }
        memcpy(wanted, i == 20000 ? vector : wanted, i >= 20000 ? sizeof(wanted) : 0);
        snprintf(text, sizeof(text), "common word rare%u %s", i % 20,
                 i == 20000 ? "common rare3 unique" : "padding here");
        struct id id = id_from_name(str_make((const char *)&i, sizeof(i)));
        struct index_passage p = {.document = id, .text = str_of(text), .vector = vector};
        assert_true(index_add(ix, &p));
    }
    assert_int_equal(index_search(ix, STR("unique common rare3 word"), 100, NULL, hits), 100);
    assert_int_equal(hits[0].passage, 20000);
    assert_true(hits[0].score > hits[1].score && hits[1].score > 0);
    assert_int_equal(index_search(ix, STR("common word"), 100, NULL, hits), 100);
    assert_true(index_nearest(ix, wanted, 100, NULL, hits) > 10);
    assert_int_equal(hits[0].passage, 20000);
    assert_true(hits[0].score > 0.98F);
    const struct id gone = *index_document(ix, 20000);
    assert_int_equal(index_remove(ix, &gone), 1);
    assert_true(index_search(ix, STR("unique common rare3 word"), 100, NULL, hits) > 0);
    assert_true(hits[0].passage != 20000);
    assert_true(index_nearest(ix, wanted, 100, NULL, hits) > 10 && hits[0].passage != 20000);
    index_free(&ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_ranking), SAMPLE_TEST(test_best_k),   SAMPLE_TEST(test_incremental),
        SAMPLE_TEST(test_vectors), SAMPLE_TEST(test_coverage), SAMPLE_TEST(test_long_queries),
        SAMPLE_TEST(test_large),   SAMPLE_TEST(test_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
