/* No number but a figure's: what a model may write, and what it has invented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "svc/success/success_number.h"

static const char figures_text[] =
    "[{\"key\":\"score\",\"value\":87,\"unit\":\"points\",\"text\":\"87\"},"
    "{\"key\":\"open_tickets\",\"value\":2,\"unit\":\"tickets\",\"text\":\"2\"},"
    "{\"key\":\"arr\",\"value\":250000,\"unit\":\"EUR\",\"text\":\"€250,000\"},"
    "{\"key\":\"avg_daily_users\",\"value\":1234.5,\"unit\":\"users\",\"text\":\"1.234,5\"},"
    "{\"key\":\"logins\",\"value\":12345,\"unit\":\"logins\",\"text\":\"12\u00a0345\"},"
    "{\"key\":\"days_to_renewal\",\"value\":20,\"unit\":\"days\",\"text\":\"20\"},"
    "{\"key\":\"score_delta\",\"value\":-9,\"unit\":\"points\",\"text\":\"-9\"},"
    "{\"key\":\"call_minutes\",\"value\":30,\"unit\":\"minutes\",\"text\":\"30\"},"
    "{\"key\":\"renewal_date\",\"value\":\"2027-02-26\",\"unit\":\"date\","
    "\"text\":\"26 February 2027\"}]";

static const struct row {
    const char *text;
    const char *culprit;  /* NULL: it holds */
    const char *expected; /* NULL: as it was */
    const char *why;
} rows[] = {
    {"A score of {{figure.score}} and {{ open_tickets }} tickets.", NULL,
     "A score of 87 and 2 tickets.", "placeholders, with and without the prefix"},
    {"The score is {{figure.salary}}.", "{{figure.salary}}", NULL, "no such figure"},
    {"The score is {{figure.score", "{{figure.score}}", NULL, "never closed"},
    {"The score is 87.", NULL, NULL, "equals a figure"},
    {"The score is 88.", "88", NULL, "invented"},
    {"The score is 87.5.", "87.5", NULL, "nearly a figure"},
    {"The score is 870.", "870", NULL, "a figure with a digit more"},
    {"The score is 187.", "187", NULL, "a figure behind a digit"},
    {"87% are happy.", "87%", NULL, "a figure, but no percentage is known"},
    {"Worth €250,000, or 250k, or EUR 250000, or 250.000\u00a0€.", NULL, NULL, "one amount"},
    {"Worth €250,001.", "250,001", NULL, "one more"},
    {"Worth 0.25m.", NULL, NULL, "a quarter of a million"},
    {"Worth 2m.", "2m", NULL, "the 2 of tickets is no 2 million"},
    {"1.234,5 Nutzer am Tag, 12.345 Anmeldungen.", NULL, NULL, "as German and Dutch write"},
    {"1\u00a0234,5 utilisateurs, 12\u202f345 connexions.", NULL, NULL, "as French does"},
    {"{{figure.logins}} connexions.", NULL, "12\u00a0345 connexions.",
     "a figure as French writes it"},
    {"1.235,5 Nutzer am Tag.", "1.235,5", NULL, "one more, in German"},
    {"12\u00a0346 connexions.", "12\u00a0346", NULL, "one more, in French"},
    {"12.3456 Anmeldungen.", "12.3456", NULL, "no group of three"},
    {"It renews on 26 February 2027.", NULL, NULL, "the date"},
    {"It renews on February 26, 2027, that is 2027-02-26.", NULL, NULL, "the date, otherwise"},
    {"Es verlängert sich am 26. Februar 2027.", NULL, NULL, "in German"},
    {"Le 26 février 2027.", NULL, NULL, "in French"},
    {"It renews in February 2027.", NULL, NULL, "its month"},
    {"It renews on 27 February 2027.", "27", NULL, "another day"},
    {"It renews in March 2027.", "2027", NULL, "another month"},
    {"Two tickets are open.", NULL, NULL, "a figure as a word"},
    {"Three tickets are open.", "three", NULL, "a word that is no figure"},
    {"Usage doubled.", "doubled", NULL, "a claim about a number"},
    {"A dozen users, one of them new.", "dozen", NULL, "one is a pronoun, a dozen is not"},
    {"1. First this.\n2. Then that.\n  3) And this.", NULL, NULL, "numbers of a list"},
    {"First this, 3. then that.", "3", NULL, "not at the beginning of a line"},
    {"Ticket T-901 of Studio 54 is open.", NULL, NULL, "names that are known"},
    {"Ticket T-902 is open.", "902", NULL, "a ticket that nobody has"},
    {"T-9012 is open.", "9012", NULL, "a known name with a digit more"},
    {"Score \u0667\u0668.", "\u0667", NULL, "digits of another script"},
    {"Zwei Tickets sind offen.", NULL, NULL, "a figure as a German word"},
    {"Fünf Tickets sind offen.", "fünf", NULL, "no figure, in German"},
    {"Zweiundzwanzig Tickets.", "zweiundzwanzig", NULL, "as one word"},
    {"Dreihundert Nutzer.", "dreihundert", NULL, "hundreds inside a word"},
    {"87 Prozent der Nutzer.", "prozent", NULL, "a figure, but no share"},
    {"Die Hälfte der Nutzer.", "hälfte", NULL, "a share in German"},
    {"Twee tickets staan open.", NULL, NULL, "a figure as a Dutch word"},
    {"Zeven tickets staan open.", "zeven", NULL, "no figure, in Dutch"},
    {"Vijfentwintig gebruikers.", "vijfentwintig", NULL, "as one word"},
    {"87 procent van de gebruikers.", "procent", NULL, "a share in Dutch"},
    {"Deux tickets sont ouverts.", NULL, NULL, "a figure as a French word"},
    {"Quatre tickets sont ouverts.", "quatre", NULL, "no figure, in French"},
    {"87 pour cent des utilisateurs.", "cent", NULL, "a share in French"},
    {"La moitié des utilisateurs.", "moitié", NULL, "a half in French"},
    {"87 per cent of the users.", "cent", NULL, "a share as two words"},
    {"Zero tickets are open.", "zero", NULL, "no figure is 0"},
    {"Half of the users.", "half", NULL, "a share"},
    {"Usage tripled.", "tripled", NULL, "three times"},
    {"Hundreds of users.", "hundreds", NULL, "about how many"},
    {"Thousands of users.", "thousands", NULL, "about how many"},
    {"Twenty-two tickets.", "two", NULL, "made of two figures, and none itself"},
    {"The score fell by 9.", NULL, NULL, "the change, and its way"},
    {"The score fell 9 points.", NULL, NULL, "the same"},
    {"The score is down nine points.", NULL, NULL, "as a word"},
    {"The change was -9 points.", NULL, NULL, "with its sign"},
    {"The change was {{score_delta}}.", NULL, "The change was -9.", "as it is given"},
    {"The change was \u22129.", NULL, NULL, "with a typographer's minus"},
    {"The score rose by 9.", "9", NULL, "the other way"},
    {"The score rose by {{score_delta}}.", "9", NULL, "the sign against the verb"},
    {"The score is up nine points.", "nine", NULL, "the other way as a word"},
    {"The score changed by 9.", "9", NULL, "no way is told"},
    {"The change was +9.", "9", NULL, "another sign"},
    {"Der Wert ist um 9 gestiegen.", "9", NULL, "the other way, told behind it"},
    {"Der Wert ist um 9 gesunken.", NULL, NULL, "the way told behind it"},
    {"De score steeg met 9.", "9", NULL, "the other way in Dutch"},
    {"Le score a augmenté de 9.", "9", NULL, "the other way in French"},
    {"Le score a baissé de 9.", NULL, NULL, "its way in French"},
    {"The score fell by 87.", "87", NULL, "where it stands is not how far it fell"},
    {"The score fell to 87.", NULL, NULL, "where it fell to"},
    {"Usage is declining, and 2 tickets are open.", NULL, NULL, "another number of the sentence"},
    {"Nothing to say.", NULL, NULL, "no number at all"},
};

static void test_numbers(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct success_number_sheet sheet;
    struct json_fault fault;
    (void)state;
    assert_int_equal(json_parse(a, str_of(figures_text), &sheet.figures, &fault), E_OK);
    assert_int_equal(json_parse(a, STR("[\"T-901\",\"Studio 54\"]"), &sheet.names, &fault), E_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str text = STR(""), culprit = STR("");
        bool holds = success_number_bind(a, &sheet, str_of(rows[i].text), &text, &culprit);
        if (holds != !rows[i].culprit) {
            fail_msg("%s (%s): %.*s", rows[i].text, rows[i].why, STR_ARG(culprit));
        }
        if (!holds && !str_eqz(culprit, rows[i].culprit)) {
            fail_msg("%s (%s): culprit %.*s", rows[i].text, rows[i].why, STR_ARG(culprit));
        }
        const char *expected = rows[i].expected ? rows[i].expected : rows[i].text;
        if (holds && !str_eqz(text, expected)) {
            fail_msg("%s (%s): %.*s", rows[i].text, rows[i].why, STR_ARG(text));
        }
    }
    arena_free(&a);
}

static void test_too_long(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct success_number_sheet sheet = {&json_empty_array, NULL};
    struct str out, culprit;
    (void)state;
    struct str text = str_make(arena_alloc(a, SUCCESS_NUMBER_TEXT_MAX_BYTES + 1),
                               SUCCESS_NUMBER_TEXT_MAX_BYTES + 1);
    assert_false(success_number_bind(a, &sheet, text, &out, &culprit));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_too_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
