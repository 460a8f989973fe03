#include "unit/codec/sample.h"

#include "nlu/sentiment.h"
#include "nlu/valence.h"

static void test_ranges(void **state)
{
    static const struct {
        const char *text;
        double least, most;
        const char *why;
    } ROWS[] = {
        {"I hate this, it is awful and horrible and the worst", -1, -0.8, "length does not dilute"},
        {"bad service", -0.49, -0.3, "one plain bad word is not urgent"},
        {"whatever", 0, 0, "\"hate\" inside a word is no hate"},
        {"Scunthorpe classic assessment", -0.01, 0.3, "no words inside words"},
        {"thanks", 0.2, 0.6, "counted once"},
        {"thank you", 0.2, 0.6, "a phrase, counted once"},
        {"This is terrible", -0.7, -0.5, "strong word"},
        {"not good", -0.6, -0.15, "negated positive"},
        {"not very good", -0.6, -0.15, "negated through an intensifier"},
        {"isn't good", -0.6, -0.15, "negated by n't"},
        {"isn\xe2\x80\x99t good", -0.6, -0.15, "typographic apostrophe"},
        {"not bad", 0.1, 0.5, "negated negative"},
        {"I can't wait", 0.3, 0.7, "phrase that only looks negated"},
        {"no problem at all", 0.1, 0.5, "phrase"},
        {"all right", 0.1, 0.3, "the first phrase of the table"},
        {"without a doubt", 0.15, 0.3, "the last one"},
        {"no good", -0.5, -0.3, "a phrase that begins another"},
        {"no good reason", -0.4, -0.2, "the longest phrase counts"},
        {"not. happy", 0.3, 0.7, "a phrase stands in one clause"},
        {"no problem. terrible", -0.7, -0.2, "the negation ends with its clause"},
        {"great but it still does not work", -0.8, -0.1, "what follows \"but\" counts more"},
        {"where is my order", 0, 0, "a question is neutral"},
        {"cancel my order", -0.3, 0, "nearly neutral"},
        {"\xf0\x9f\x98\xa1\xf0\x9f\x98\xa1\xf0\x9f\x98\xa1", -0.7, -0.4,
         "a row of one emoji is one"},
        {"ok \xf0\x9f\x91\x8d", 0.3, 0.8, "emoji"},
        {":(", -0.6, -0.2, "emoticon"},
        {"http://example.com/:(", -0.1, 0.1, "no emoticon inside an address"},
        {"Ihr Service ist gut", -0.1, 0.1, "other languages: about 0"},
        {"", 0, 0, "nothing"},
        {"\xff\xfe\x80", 0, 0, "no UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        double score = sentiment_of(str_of(ROWS[i].text)).score;
        if (score < ROWS[i].least || score > ROWS[i].most) {
            fail_msg("\"%s\" (%s): %.2f is not in %.2f..%.2f", ROWS[i].text, ROWS[i].why, score,
                     ROWS[i].least, ROWS[i].most);
        }
    }
}

/* The first text is the more positive of the two. */
static void test_order(void **state)
{
    static const char *const ROWS[][2] = {
        {"very good", "good"},       {"GOOD", "good"},
        {"Goooood", "good"},         {"good!!!", "good"},
        {"good", "slightly good"},   {"bad", "very bad"},
        {"bad", "BAD service here"}, {"bad, but great", "great, but bad"},
        {"not so bad", "bad"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        double a = sentiment_of(str_of(ROWS[i][0])).score;
        double b = sentiment_of(str_of(ROWS[i][1])).score;
        if (!(a > b) && !(strcmp(ROWS[i][0], "GOOD") == 0 && a >= b)) {
            fail_msg("\"%s\" %.2f is not above \"%s\" %.2f", ROWS[i][0], a, ROWS[i][1], b);
        }
    }
}

static void test_labels_and_hits(void **state)
{
    (void)state;
    assert_string_equal(sentiment_label(0.3), "positive");
    assert_string_equal(sentiment_label(-0.25), "negative");
    assert_string_equal(sentiment_label(0.1), "neutral");
    assert_int_equal(sentiment_of(STR("good and bad and ugly")).hits, 3);
    assert_int_equal(sentiment_of(STR("the table")).hits, 0);
    assert_true(valence_of_word(STR("zzz")) == 0 && valence_of_word(STR("")) == 0);
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    char *text = arena_alloc(a, 1 << 20);
    memset(text, 'g', (1 << 20) - 1);
    assert_true(sentiment_of(str_make(text, (1 << 20) - 1)).score == 0);
    for (size_t i = 0; i + 6 < 1 << 20; i += 6) {
        memcpy(text + i, "great ", 6);
    }
    double score = sentiment_of(str_make(text, (1 << 20) - 1)).score;
    assert_true(score > 0.9 && score <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_ranges),
        SAMPLE_TEST(test_order),
        SAMPLE_TEST(test_labels_and_hits),
        SAMPLE_TEST(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
