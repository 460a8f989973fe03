#include "unit/codec/sample.h"

#include "find/answer.h"
#include "find/reading.h"

/* What each sentence says by itself and what it adds behind another one. */
static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        size_t line;
        int says, says_after, count, count_after;
    } ROWS[] = {
        {"We ship on 4 days.", 0, READING_NUMBER | READING_UNIT, READING_NUMBER | READING_UNIT, 4,
         4},
        {"Wait. You can not do it.", 1, READING_VERDICT, READING_VERDICT, 4, 4},
        /* the mark of an item belongs to a run that goes on over it, not to one that begins */
        {"1. Open it now.\n2. Then close.", 1, 0, READING_NUMBER, 2, 3},
        {"It is here.\n no way out of it.", 1, 0, READING_AMOUNT | READING_VERDICT, 4, 4},
        {"Click Orders > Return in it.", 0, READING_MENU, READING_MENU, 4, 4},
        {"It costs 4.50 EUR.", 0, READING_NUMBER | READING_MONEY, READING_NUMBER | READING_MONEY, 4,
         4},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct reading *r = reading_new(STR(""), STR(""), str_of(ROWS[i].text), true);
        assert_true(ROWS[i].line < r->line_count);
        const struct reading_line *line = &r->lines[ROWS[i].line];
        assert_int_equal(line->says, ROWS[i].says);
        assert_int_equal(line->says_after, ROWS[i].says_after);
        assert_int_equal(line->count, ROWS[i].count);
        assert_int_equal(line->count_after, ROWS[i].count_after);
        reading_free(&r);
    }
}

static void test_words(void **state)
{
    (void)state;
    struct reading *r = reading_new(STR("The set-up"), STR("Hubs"),
                                    STR("Reset: hold the hub. It resets. The hub is set up."), 0);
    assert_int_equal(r->title.count, 3);
    struct reading_word up = r->words[r->title.from + 2];
    sample_is(reading_term(r, up.joined), "setup", "joined");
    assert_true(r->terms[r->words[r->title.from].term].stop);
    assert_int_equal(r->line_count, 3);
    assert_int_equal(r->lines[0].label.count, 1);
    sample_is(reading_term(r, r->words[r->lines[0].label.from].term), "reset", "label");
    assert_int_equal(r->lines[1].leaning_bytes, 3);
    assert_true(r->lines[2].leaning_bytes > r->text_bytes);
    /* a word is known once, wherever it stands */
    uint32_t hub = r->words[r->heading.from].term;
    assert_int_equal(r->words[r->lines[0].words.from + 3].term, hub);
    assert_true(reading_memory_bytes(r) > sizeof *r);
    reading_free(&r);
    reading_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_kinds),
        SAMPLE_TEST(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
