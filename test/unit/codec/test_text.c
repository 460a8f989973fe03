#include "unit/codec/sample.h"

#include "codec/text.h"

static void test_code_points(void **state)
{
    (void)state;
    struct str rest = STR("a\xc3\xa9\xff\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80");
    static const uint32_t WANT[] = {'a', 0xe9, 0xfffd, 0x20ac, 0x1f600, 0xfffd, 0xfffd, 0xfffd};
    uint32_t code;
    size_t n = 0;
    while (text_next(&rest, &code)) {
        assert_int_equal(code, WANT[n++]);
    }
    assert_int_equal(n, SAMPLE_COUNT(WANT));
    for (uint32_t c = 1; c < 0x110000; c += 13) {
        char bytes[4];
        struct str one = str_make(bytes, text_put(bytes, c));
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        assert_true(text_next(&one, &code) && one.n == 0 && code == (surrogate ? 0xfffd : c));
    }
    assert_int_equal(text_count(STR("\xc3\xa9t\xc3\xa9")), 3);
}

static void test_forms(void **state)
{
    static const struct {
        struct str (*form)(struct arena *a, struct str s);
        const char *from, *to, *why;
    } ROWS[] = {
        {text_nfc, "e\xcc\x81", "\xc3\xa9", "composed"},
        {text_nfc, "plain", "plain", "ASCII is left alone"},
        {text_nfc, "\xef\xac\x81", "\xef\xac\x81", "compatibility characters stay"},
        {text_nfc, "\xff", "\xef\xbf\xbd", "bad bytes become U+FFFD"},
        {text_fold,
         "STRASSE Stra\xc3\x9f"
         "e",
         "strasse strasse", "sharp s folds"},
        {text_fold, "\xef\xac\x81n\xc2\xadish", "finish", "ligature, soft hyphen"},
        {text_fold, "\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83", "final sigma"},
        {text_plain, "Caf\xc3\xa9 \xc3\x85ngstr\xc3\xb6m", "cafe angstrom", "accents dropped"},
        {text_lower, "\xc3\x89T\xc3\x89", "\xc3\xa9t\xc3\xa9", "lower"},
        {text_upper, "\xc3\xa9t\xc3\xa9 a", "\xc3\x89T\xc3\x89 A", "upper"},
        {text_title, "the o'neil \xc3\xa9tude 3rd", "The O'neil \xc3\x89tude 3rd", "title"},
        {text_clean, "a\r\nb\rc\x01\x7f\td\xc2\x85", "a\nb\nc\td", "controls dropped"},
        {text_clean, "x\xff", "x\xef\xbf\xbd", "bad bytes"},
        {text_fold, "", "", "empty"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(ROWS[i].form(a, str_of(ROWS[i].from)), ROWS[i].to, ROWS[i].why);
    }
}

static void test_words(void **state)
{
    static const struct {
        const char *text, *words, *why;
    } ROWS[] = {
        {"Where's my order, please?", "Where's|my|order|please", "apostrophe inside"},
        {"pay 3.50 or 1,000.25 now.", "pay|3.50#|or|1,000.25#|now", "numbers keep their points"},
        {"BW-10421 at 12:30", "BW|10421#|at|12:30#", "a hyphen joins only digits"},
        {"2026-03-01", "2026-03-01#", "dates stay whole"},
        {"e.g. x.y", "e|g|x|y", "points between letters separate"},
        {"snake_case v2", "snake_case|v2", "identifiers"},
        {"\xe6\x97\xa5\xe6\x9c\xac go", "\xe6\x97\xa5|\xe6\x9c\xac|go",
         "one word per Han character"},
        {"na\xc3\xafve e\xcc\x81t\xc3\xa9", "na\xc3\xafve|e\xcc\x81t\xc3\xa9",
         "marks belong to words"},
        {"'quoted' don\xe2\x80\x99t", "quoted|don\xe2\x80\x99t", "quotes around are no part"},
        {" \t\n--!", "", "nothing"},
        {"abc\xe6\x97\xa5x", "abc|\xe6\x97\xa5|x", "scripts meet"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct buf b = buf_make(4096);
        struct text_word w;
        struct str text = str_of(ROWS[i].text);
        for (size_t at = 0; text_next_word(text, &at, &w);) {
            buf_addf(&b, "%s%.*s%s", b.n ? "|" : "", STR_ARG(w.word), w.is_number ? "#" : "");
            assert_true(str_eq(w.word, str_sub(text, w.start, w.end - w.start)));
        }
        sample_is(str_dup(a, buf_str(&b)), ROWS[i].words, ROWS[i].why);
        buf_free(&b);
    }
}

static void test_counting_words(void **state)
{
    (void)state;
    assert_int_equal(text_count_words(STR(" ... "), SIZE_MAX), 0);
    assert_int_equal(text_count_words(STR("Don't, 3.5 of \xe6\x9d\xb1\xe4\xba\xac"), SIZE_MAX), 5);
    assert_int_equal(text_count_words(STR("one two three"), 2), 2); /* no further */
    assert_int_equal(text_count_words(STR("one"), 0), 0);
}

static void test_cutting(void **state)
{
    struct arena *a = *state;
    struct str family = STR("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9 ok"); /* man ZWJ woman */
    sample_is(text_cut_bytes(STR("h\xc3\xa9llo"), 2), "h", "not inside a character");
    sample_is(text_cut_bytes(STR("h\xc3\xa9llo"), 3), "h\xc3\xa9", "at its end");
    sample_is(text_cut_bytes(STR("e\xcc\x81x"), 2), "", "not before a combining mark");
    sample_is(text_cut(STR("h\xc3\xa9llo"), 2), "h\xc3\xa9", "characters");
    sample_is(text_cut_bytes(family, 8), "", "not inside a joined emoji");
    sample_is(text_cut_bytes(family, 12), "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9 ",
              "whole emoji");
    sample_is(text_cut(STR("short"), 10), "short", "nothing to cut");
    sample_is(text_shorten(a, STR("the quick brown fox"), 12), "the quick\xe2\x80\xa6",
              "at a word");
    sample_is(text_shorten(a, STR("abcdefghijklmnop"), 5), "abcd\xe2\x80\xa6", "no word end near");
    sample_is(text_shorten(a, STR("short"), 5), "short", "fits");
    sample_is(text_shorten(a, STR("short"), 0), "", "no room");
}

static void test_blanking(void **state)
{
    struct arena *a = *state;
    struct str none = STR("nothing of it");
    sample_is(text_blank(a, STR("Acme and Acme Corp"), STR("Acme")), "     and      Corp", "each");
    sample_is(text_blank(a, STR("aaa"), STR("aa")), "  a", "what is left of an overlap");
    sample_is(text_blank(a, STR("a\xc3\xa9z"), STR("\xc3\xa9")), "a  z", "as many bytes");
    assert_ptr_equal(text_blank(a, none, STR("Acme")).p, none.p);
    assert_ptr_equal(text_blank(a, none, STR("")).p, none.p);
    assert_ptr_equal(text_blank(a, none, STR(" ")).p, none.p); /* and it ends */
    sample_is(text_blank(a, STR("a b"), STR(" \t ")), "a b", "a blank part is none");
    sample_is(text_blank(a, STR("aaaa"), STR("aa")), "    ", "one behind the other");
}

static void test_blanking_words(void **state)
{
    static const struct {
        const char *text, *part, *left, *why;
    } ROWS[] = {
        {"T-9 and (T-9).", "T-9", "    and (   ).", "alone"},
        {"T-91, PT-9, T-9.1, 2.T-9", "T-9", "T-91, PT-9, T-9.1, 2.T-9", "a piece of another"},
        {"T-91 T-9", "T-9", "T-91    ", "behind one that is none"},
        {"120 users", "1", "120 users", "of a number"},
        {"\xc3\xa9t t", "t", "\xc3\xa9t  ", "of a word with an accent"},
        {"t\xc3\xa9 t", "t", "t\xc3\xa9  ", "before one"},
        {"\xe2\x80\x9cT-9\xe2\x80\x9d", "T-9", "\xe2\x80\x9c   \xe2\x80\x9d", "in marks"},
        {"a\"b\"c", "\"b\"", "a   c", "marks are no words"},
        {"a a", " ", "a a", "blank"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(text_blank_words(a, str_of(ROWS[i].text), str_of(ROWS[i].part)), ROWS[i].left,
                  ROWS[i].why);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_code_points),    SAMPLE_TEST(test_forms),   SAMPLE_TEST(test_words),
        SAMPLE_TEST(test_counting_words), SAMPLE_TEST(test_cutting), SAMPLE_TEST(test_blanking),
        SAMPLE_TEST(test_blanking_words),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
