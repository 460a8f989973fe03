/* Numbers in running text: where they begin and end, and what they are worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/numeral.h"

static const struct {
    const char *text;
    const char *found; /* start-end=value/digits of each, blanks between */
    const char *why;
} numbers[] = {
    {"", "", "nothing"},
    {"no number", "", "none"},
    {"82 users", "0-2=82/82", "plain"},
    {"250,000 a year", "0-7=250000/250000", "a comma groups"},
    {"250.000 a year", "0-7=250000/250000", "a point groups"},
    {"1'250'000", "0-9=1250000/1250000", "apostrophes group"},
    {"12\u00a0345 or 12\u202f345", "0-7=12345/12345 11-19=12345/12345", "no-break blanks group"},
    {"12 345", "0-2=12/12 3-6=345/345", "a blank that breaks does not"},
    {"1,234.50", "0-8=1234.5/123450", "grouped, then decimals"},
    {"1.234,50", "0-8=1234.5/123450", "the other way round"},
    {"8.5 and 8,5", "0-3=8.5/85 8-11=8.5/85", "decimals"},
    {"87.", "0-2=87/87", "the end of a sentence"},
    {"87, 88", "0-2=87/87 4-6=88/88", "a list"},
    {"12.34.56", "0-5=12.34/1234 6-8=56/56", "one decimal point only"},
    {"0.1234", "0-6=0.1234/01234", "four digits are no group"},
    {"1,2345", "0-6=1.2345/12345", "nor here"},
    {"0.5,000", "0-3=0.5/05 4-7=0/000", "no groups behind the decimal point"},
    {"T-901x", "2-5=901/901", "inside a word"},
    {"-9", "1-2=9/9", "a sign is the reader's"},
    {"2026-06-01", "0-4=2026/2026 5-7=6/06 8-10=1/01", "a date"},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char found[200] = "";
        struct numeral n;
        size_t cursor = 0;
        while (numeral_next(str_of(numbers[i].text), &cursor, &n)) {
            size_t at = strlen(found);
            snprintf(found + at, sizeof(found) - at, "%s%zu-%zu=%.10g/%.*s", at ? " " : "", n.start,
                     n.end, n.value, (int)n.digit_count, n.digits);
        }
        if (strcmp(found, numbers[i].found) != 0) {
            fail_msg("%s (%s): %s", numbers[i].text, numbers[i].why, found);
        }
    }
}

static void test_long(void **state)
{
    char text[200];
    struct numeral n;
    size_t cursor = 0, digits = 0;
    (void)state;
    memset(text, '7', sizeof(text));
    while (numeral_next(str_make(text, sizeof(text)), &cursor, &n)) {
        assert_in_range(n.digit_count, 1, NUMERAL_DIGITS_MAX);
        assert_int_equal(n.end - n.start, n.digit_count);
        digits += n.digit_count;
    }
    assert_int_equal(digits, sizeof(text));
}

static const struct {
    const char *text, *found, *why;
} words[] = {
    {"no digit", "", "none"},
    {"BW-10421 is here", "bw10421", "an identifier"},
    {"\u20ac1,234.50", "123450", "an amount"},
    {"at 6:00pm or 18:00", "600pm 1800", "times"},
    {"x/y-7.", "xy7", "what joins, and what ends a sentence"},
    {"A1 b2", "a1 b2", "two"},
    {"-5-", "5", "no joint at the edges"},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        char found[200] = "", word[NUMERAL_WORD_MAX_BYTES];
        size_t cursor = 0, n;
        while (numeral_next_word(str_of(words[i].text), &cursor, word, &n)) {
            size_t at = strlen(found);
            snprintf(found + at, sizeof(found) - at, "%s%.*s", at ? " " : "", (int)n, word);
        }
        if (strcmp(found, words[i].found) != 0) {
            fail_msg("%s (%s): %s", words[i].text, words[i].why, found);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
