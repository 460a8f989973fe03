#include "unit/codec/sample.h"

#include "find/answer.h"
#include "find/sentence.h"

static const char ARTICLE[] =
    "You may return hardware within 30 days, e.g. a printer at 3.5 kg. Two orders get\n"
    "an extra day.\n\n"
    "What condition we ask for\n\n"
    "Try the device! Is it whole? Keep the box (any box.) It helps us to\n\n"
    "Item | Returnable?\nScanners | Yes. Always.\n\n"
    "A few limits:\n\n"
    "- orders with ten printers, and\n- Part orders can come back. Say which.\n12. Seal it.\n\n"
    "After that\n\n"
    "Ask \"somebody.\" They know.";

static void test_split(void **state)
{
    static const struct {
        const char *text;
        enum sentence_kind kind;
        const char *reason;
    } ROWS[] = {
        {"You may return hardware within 30 days, e.g. a printer at 3.5 kg.", SENTENCE_WHOLE,
         "no end inside e.g. and numbers"},
        {"Two orders get\nan extra day.", SENTENCE_WHOLE, "wrapped text is one sentence"},
        {"What condition we ask for", SENTENCE_HEADING, "a short paragraph without an end"},
        {"Try the device!", SENTENCE_WHOLE, "an exclamation ends"},
        {"Is it whole?", SENTENCE_FRAGMENT, "a question answers nothing"},
        {"Keep the box (any box.)", SENTENCE_WHOLE, "closing brackets belong to it"},
        {"It helps us to", SENTENCE_FRAGMENT, "no end"},
        {"Item | Returnable?", SENTENCE_ROW, "cells"},
        {"Scanners | Yes. Always.", SENTENCE_ROW, "a row is never cut into sentences"},
        {"A few limits:", SENTENCE_FRAGMENT, "leads to a list"},
        {"orders with ten printers, and", SENTENCE_FRAGMENT, "an item that is no sentence"},
        {"Part orders can come back.", SENTENCE_WHOLE, "an item's mark is left out"},
        {"Say which.", SENTENCE_WHOLE, "more sentences of an item"},
        {"Seal it.", SENTENCE_WHOLE, "a numbered item"},
        {"After that", SENTENCE_HEADING, "another heading"},
        {"Ask \"somebody.\"", SENTENCE_WHOLE, "closing quotes belong to it"},
        {"They know.", SENTENCE_WHOLE, "the last one"},
    };
    size_t n;
    struct str text = str_of(ARTICLE);
    const struct sentence *s = sentence_split(*state, text, &n);
    for (size_t i = 0; i < n && i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(str_sub(text, s[i].start, s[i].end - s[i].start), ROWS[i].text, ROWS[i].reason);
        if (s[i].kind != ROWS[i].kind) {
            fail_msg("%s: is of kind %d", ROWS[i].reason, s[i].kind);
        }
    }
    assert_int_equal(n, SAMPLE_COUNT(ROWS));
    assert_true(s[0].head == SENTENCE_NO_HEAD && s[0].opens && !s[1].opens);
    assert_true(s[3].head == 2 && s[3].opens && s[15].head == 14);
    assert_true(s[0].block == s[1].block && s[1].block != s[3].block);
    assert_true(s[10].item == -1 && s[13].item == 12 && !s[12].item && s[11].block == s[13].block);
}

static void test_awkward(void **state)
{
    static const char *const TEXTS[] = {"",
                                        "\n\n\n",
                                        " | ",
                                        "...",
                                        "-",
                                        "1.",
                                        "- \n- ",
                                        "?!?!",
                                        "a\n\nb\n\nc",
                                        "\xc3\xa9. \xc3\x89.",
                                        "x | y\n\n\n\nz."};
    for (size_t i = 0; i < SAMPLE_COUNT(TEXTS); i++) {
        size_t n;
        struct str text = str_of(TEXTS[i]);
        const struct sentence *s = sentence_split(*state, text, &n);
        for (size_t k = 0; k < n; k++) {
            assert_true(s[k].start < s[k].end && s[k].end <= text.n);
            assert_true(k == 0 || s[k].start >= s[k - 1].end);
        }
    }
}

static const char REFUNDS[] =
    "A refund follows a return.\n\nHow long it takes\n\n"
    "1. The parcel arrives in Venlo.\n2. Payment: within 5 working days after inspection.\n\n"
    "What it costs\n\nThe label is free. It is valid for 14 days. A collection costs 4.50 EUR.";

static void test_answers(void **state)
{
    static const struct {
        const char *text, *question, *want;
    } ROWS[] = {
        {REFUNDS, "how long does a refund take?",
         "Payment: within 5 working days after inspection."},
        {REFUNDS, "what does a collection cost?", "A collection costs 4.50 EUR."},
        {REFUNDS, "what follows a return", "A refund follows a return."},
        {"We ship on the same day. A refund takes five days. Call us.", "how long do refunds take",
         "A refund takes five days."},
        {"One line about cats\nAnother line about dogs and birds\nA third", "dog",
         "Another line about dogs and birds"},
        {"Only one sentence here", "unrelated", "Only one sentence here"},
        {"Head | Cell\nRow | Two", "row", "Row | Two"},
        {"", "anything", ""},
        {"Said is said.", "", "Said is said."},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str text = str_of(ROWS[i].text);
        const struct answer_question *q =
            answer_read(a, str_of(ROWS[i].question), (struct answer_weigher){0});
        struct answer_passage passage = {STR("Refunds"), STR(""), text, false};
        struct answer answer = answer_find(q, &passage);
        sample_is(str_sub(text, answer.start, answer.end - answer.start), ROWS[i].want,
                  ROWS[i].question);
        assert_true(answer.share >= 0 && answer.share <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_split),
        SAMPLE_TEST(test_awkward),
        SAMPLE_TEST(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
