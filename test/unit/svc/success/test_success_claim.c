/* A number counts only beside what it is the number of, and words claim only what the data say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "svc/success/success_claim.h"

#define NOW INT64_C(1795219200000) /* 21 November 2026 */

static const char FIGURES[] =
    "[{\"key\":\"score\",\"value\":87,\"unit\":\"points\"},"
    "{\"key\":\"previous_score\",\"value\":96,\"unit\":\"points\"},"
    "{\"key\":\"score_delta\",\"value\":-9,\"unit\":\"points\"},"
    "{\"key\":\"avg_daily_users\",\"value\":82,\"unit\":\"users\"},"
    "{\"key\":\"open_tickets\",\"value\":2,\"unit\":\"tickets\"},"
    "{\"key\":\"renewal_date\",\"value\":\"2027-02-04\",\"unit\":\"date\"},"
    "{\"key\":\"days_to_renewal\",\"value\":74,\"unit\":\"days\"},"
    "{\"key\":\"months_to_renewal\",\"value\":3,\"unit\":\"months\"},"
    "{\"key\":\"seats\",\"value\":120,\"unit\":\"seats\"},"
    "{\"key\":\"call_minutes\",\"value\":30,\"unit\":\"minutes\"},"
    "{\"key\":\"arr\",\"value\":250000,\"unit\":\"EUR\"}]";

/* Each is made of numbers that are figures, or of none. */
static const char *const LIES[] = {
    "120 users work with it.",
    "120 tickets are open.",
    "All seats are in use.",
    "82 tickets are open.",
    "There are 82 open tickets.",
    "There are 74 open tickets.",
    "Open tickets: 82.",
    "2 users are active, 82 tickets.",
    "2 users and 82 tickets.",
    "82 tickets are open, the score is 250,000.",
    "The score is 250,000.",
    "The score is 82.",
    "Health: 2 of 100.",
    "They pay $87 a year.",
    "They pay €87 a year.",
    "They pay 82 a year.",
    "The ARR is $250,000.",
    "The ARR is 250,000 USD.",
    "The contract is worth €250,000 a month.",
    "They owe us €250,000.",
    "A discount of 250k is due.",
    "There are no open tickets.",
    "There aren't any open tickets.",
    "They do not have open tickets.",
    "They have zero tickets.",
    "nil tickets",
    "Tickets: none.",
    "None of the tickets is open.",
    "Nobody uses it: no users are left.",
    "All users have churned.",
    "Every user has left.",
    "Most users left.",
    "Half of the users are gone.",
    "A majority of users left.",
    "Many users are unhappy.",
    "Several tickets are open.",
    "A few tickets are critical.",
    "All tickets are resolved.",
    "2 tickets were resolved.",
    "2 critical tickets are open.",
    "82 users have churned.",
    "82 new users joined.",
    "82 users complained.",
    "82 seats are in use.",
    "82 employees use it.",
    "87 users a day.",
    "One ticket is open.",
    "A single ticket is open.",
    "The contract expired last year.",
    "The contract has expired.",
    "Their agreement lapsed.",
    "The renewal is overdue.",
    "The subscription was cancelled.",
    "The contract expired on 4 February 2027.",
    "They churned on 4 February 2027.",
    "The customer has churned.",
    "The customer is about to cancel.",
    "They want to leave.",
    "They will churn.",
    "The champion has resigned.",
    "The champion has left.",
    "They owe us an invoice.",
    "The renewal is next Tuesday.",
    "The renewal is next month.",
    "The renewal is this year.",
    "The contract renews tomorrow.",
    "The contract renews today.",
    "The renewal is in spring.",
    "The contract renews in March.",
    "The renewal is on the fourth of February.",
    "The contract ended 74 days ago.",
    "A ticket is open for 74 days.",
    "They were 74 days without an answer.",
    "It was down for 30 minutes.",
    "Score is \u246f.",
    "Score is \u2472\u2472.",
    "Score: LXXIV.",
    "Score: lxxiv.",
    "Score: \u2166.",
    "\u00bc of the users left.",
    "8\u200b2 users.",
    "\u0430ll users have churned.",
    "Adoption is up by a fifth.",
    "Usage is up by a quarter.",
    "By a third fewer people use it.",
    "Usage quadrupled.",
    "Growth is in the double digits.",
    "They have a couple of open points.",
    "Usage is declining.",
    "Usage is declining sharply.",
    "Active users fell.",
    "Usage is flat.",
    "Risk is high.",
    "They are at high churn risk.",
    "Risk level: medium.",
    "The account is at risk.",
    "The score improved.",
    "The health score rose to 87.",
    "The renewal is in Q3.",
    "Renewal in 2 days.",
    "Renewal in 82 months.",
    "Someone said 82.",
    "82 Tickets sind offen.",
    "82. tickets are open",
    "82) tickets are open",
    "They are well.\n82. tickets are open",
    "They are well. 82. tickets are open",
    "Tickets are open:\n82",
    "1. tickets are open",
    "1. Look at usage\n82. tickets are open",
    "1. Look at usage\n3. tickets are open",
    "Es sind keine Tickets offen.",
    "Alle Nutzer sind abgesprungen.",
    "Der Vertrag ist abgelaufen.",
    "Ein Fünftel der Nutzer ist weg.",
    "Der Wert liegt bei 82.",
    "Das Risiko ist hoch.",
    "Die Nutzung sinkt.",
    "Der Vertrag ist 82 € wert.",
    "Er zahlt 87 € im Jahr.",
    "Er verlängert sich in 2 Tagen.",
    "Er läuft nächsten Monat aus, der Vertrag.",
    "Er staan 82 tickets open.",
    "Er staan geen tickets open.",
    "Alle gebruikers zijn vertrokken.",
    "Het contract is verlopen.",
    "Het risico is hoog.",
    "Het gebruik daalt.",
    "De healthscore is 2.",
    "82 tickets sont ouverts.",
    "Aucun ticket n'est ouvert.",
    "Ils n'ont pas de tickets ouverts.",
    "Tous les utilisateurs sont partis.",
    "Le contrat est expiré.",
    "Un cinquième des utilisateurs.",
    "Le risque est élevé.",
    "L'utilisation recule.",
    "Le score est de 2.",
    "82 open issues are waiting.",
    "Nearly all their seats are used.",
    "They have only 2 users left.",
    "82 is the number of open tickets.",
    "The number of tickets is 82.",
    "The number of daily users is 2.",
    "As many as 82 tickets wait in the queue.",
    "Their score, 82, is fine.",
    "Score 2.",
    "Health has hit 82.",
    "They renewed early.",
    "They already renewed.",
    "They signed the renewal.",
    "The renewal was signed.",
    "They will not renew.",
    "They refuse to renew.",
    "The customer decided not to renew.",
    "The contract has run out.",
    "The contract is void.",
    "The customer left us.",
    "Everyone left.",
    "Nobody logs in anymore.",
    "Nobody uses the product.",
    "Usage collapsed.",
    "Usage has stopped.",
    "Usage vanished.",
    "No one uses it.",
    "Their usage is down.",
    "Usage is on the decline.",
    "Usage is trending down.",
    "Adoption is poor.",
    "Adoption is weak.",
    "The champion is gone.",
    "They pay nothing.",
    "They do not pay.",
    "The contract is worth nothing.",
    "The contract is free.",
    "The deal is worth 250k per month.",
    "Monthly revenue is €250,000.",
    "They pay €250,000 monthly.",
    "The tickets are all closed.",
    "All issues are fixed.",
    "Every ticket is solved.",
    "Support has no work with them: the queue is empty.",
    "There is nothing open.",
    "The ticket queue is empty.",
    "No tickets.",
    "Open tickets - none.",
    "Tickets? None.",
    "They have an enormous number of tickets.",
    "They have tons of tickets.",
    "The health score is critical.",
    "Health is poor.",
    "They are in bad health.",
    "The account is unhealthy.",
    "It is very likely that they churn.",
    "They are at serious risk.",
    "It is a high-risk account.",
    "Churn is imminent.",
    "They are leaving.",
};

static const char *const TRUTHS[] = {
    "They have 120 seats.",
    "The health score is 87, which is low risk.",
    "The score is 87. It was 96 before.",
    "It fell by 9 points, from 96 to 87, the score.",
    "The score is down 9 points.",
    "82 users on an average day, and 2 tickets are open.",
    "2 open tickets, 82 people a day, a score of 87.",
    "Open tickets: 2. Users on an average day: 82. Score: 87.",
    "Two tickets are open.",
    "2 open support tickets stand in the way.",
    "Usage is increasing, with 82 users on an average day.",
    "Usage is growing and the contract renews on 4 February 2027.",
    "The contract renews in 74 days, on 4 February 2027.",
    "The contract renews in about 3 months, on 4 February 2027. It is worth €250,000 a year.",
    "The contract renews in February 2027.",
    "The contract of 250,000 renews on 2027-02-04.",
    "The renewal is next year.",
    "Renewal is in February.",
    "ARR is 250k.",
    "EUR 250,000 of ARR.",
    "It is worth €250,000 a year.",
    "Would you have time for a 30-minute call next week?",
    "Shall we speak before 4 February 2027?",
    "How many users are there, and which tickets?",
    "Close all open tickets with support.",
    "An owner and a date for each open ticket.",
    "Have all open points on the table before the review.",
    "If the contract expires, all users lose access.",
    "Is the champion about to leave?",
    "Prepare the renewal proposal next month.",
    "They are likely to stay.",
    "They do not seem likely to churn.",
    "The risk is low: time to grow.",
    "They are healthy.",
    "What puts them at risk if nothing is done?",
    "Confirm the goals for the coming quarter.",
    "The third step is a training.",
    "First this, then that; all the best.",
    "No action is needed.",
    "Nothing is missing.",
    "1. Confirm the goals\n2. Go through usage\n3. Agree on dates",
    "Next steps:\n\n  1) Confirm the goals\n     with everyone\n  2) Go through usage\n\nAnd:\n"
    "1. Agree on dates\n2. Write them down",
    "Best wishes,\nNora",
    "Der Health Score ist 87; das Risiko ist niedrig.",
    "Die Nutzung steigt; an einem durchschnittlichen Tag sind es 82 Personen.",
    "Es sind 2 Tickets offen.",
    "Der Vertrag verlängert sich in 74 Tagen, am 4. Februar 2027.",
    "Er ist 250.000 € im Jahr wert.",
    "Haben Sie nächste Woche 30 Minuten Zeit für ein Gespräch?",
    "Warum die Nutzung gefallen ist: Menschen, Abläufe oder Produkt.",
    "De healthscore is 87; het risico is laag.",
    "Het gebruik stijgt, met 82 gebruikers op een gemiddelde dag.",
    "Er staan 2 supporttickets open.",
    "Het contract wordt over ongeveer 3 maanden verlengd, op 4 februari 2027.",
    "Het is € 250.000 per jaar waard.",
    "Le score de santé est de 87 ; le risque est faible.",
    "L'utilisation progresse, avec 82 utilisateurs un jour moyen.",
    "2 tickets sont ouverts.",
    "Le contrat se renouvelle dans 74 jours, le 4 février 2027.",
    "Il vaut 250\u00a0000 € par an.",
    "Auriez-vous 30 minutes pour un appel la semaine prochaine ?",
    "Acme Corp is a healthy, low-risk account with a score of 87 and growing usage.",
    "Acme Corp has a health score of 87 (low risk), down 9 points from 96.",
    "Usage is trending up with an average of 82 daily users, and there are only 2 open tickets.",
    "Usage is trending upward, averaging 82 users per day.",
    "The account pays €250,000 per year and renews on 4 February 2027, in 74 days.",
    "With 74 days to go until renewal, now is a good time to start the conversation.",
    "With about 3 months left until the renewal, there is time to act.",
    "There are 2 open support tickets that should be resolved before the renewal.",
    "Resolve the 2 open tickets before the renewal conversation.",
    "Two tickets remain open, both of low severity.",
    "The main concern is the drop in the health score from 96 to 87.",
    "The health score dropped from 96 to 87, so keep an eye on it.",
    "The score has fallen by 9 points since the last measurement.",
    "Overall, Acme Corp is in good shape ahead of its renewal.",
    "ARR stands at €250,000.",
    "Annual recurring revenue: €250,000",
    "Renewal date: 4 February 2027 (74 days away)",
    "- Average daily users: 82",
    "- Open tickets: 2",
    "Daily active users average 82.",
    "On average, 82 people use the product every day.",
    "I hope this email finds you well.",
    "I wanted to reach out ahead of your renewal on 4 February 2027.",
    "Your team's usage has been growing, with an average of 82 users per day.",
    "We noticed you have 2 open support tickets, and our team is working on them.",
    "Would you be open to a 30-minute call next week to discuss your goals?",
    "Would you be available for a short call in the coming days?",
    "I would love to schedule 30 minutes to walk through your goals for the coming year.",
    "Please let me know what time works best for you.",
    "Thank you for being a great customer!",
    "Let's review the two open tickets together.",
    "Schedule a renewal call with the champion this week.",
    "Confirm the renewal terms before 4 February 2027.",
    "Ask the champion about expansion opportunities.",
    "Escalate the open tickets to support so that they are closed before the renewal.",
    "The renewal is 74 days away and nothing suggests that it is at risk.",
    "No immediate risk was found.",
    "There is no sign of churn risk.",
    "No data on contacts is available.",
    "Contract value is missing.",
    "The sponsor is unknown, so the next step is to find one.",
    "Growth in adoption opens the door to an expansion.",
    "Prepare a business case for more teams.",
    "Celebrate the increase in usage with the customer.",
    "Share a few best practices with the team.",
    "Review the last quarter's adoption and set goals for the next quarter.",
    "Next steps: confirm goals, resolve tickets, agree on scope.",
    "Follow up on open tickets with the support team.",
    "Usage growth supports the renewal.",
    "At 87, the health score is strong.",
    "The account's health is strong at 87.",
    "Adoption is increasing; 82 users are active on an average day.",
    "Key facts: score 87, 82 daily users, 2 open tickets, ARR €250,000, renewal on 4 February "
    "2027.",
    "Your contract worth €250,000 annually renews on 4 February 2027.",
    "The agreement ends on 4 February 2027.",
    "The contract expires on 4 February 2027.",
    "Customer since the beginning.",
    "Both sides should agree on a date.",
    "One thing to watch is the open tickets.",
    "First, thank them for the growth.",
    "They scored 87.",
    "Der Vertrag über 250.000 € verlängert sich am 4. Februar 2027.",
    "Acme hat einen Health Score von 87 bei niedrigem Risiko und steigender Nutzung.",
    "Derzeit sind 2 Tickets offen, und 82 Personen nutzen das Produkt täglich.",
};

static const struct json *figures(struct arena *a, const char *text)
{
    const struct json *v;
    struct json_fault fault;
    assert_int_equal(json_parse(a, str_of(text), &v, &fault), E_OK);
    return v;
}

static void test_claims(void **state)
{
    struct arena *a = arena_new(64 << 20);
    struct success_claim_truth t = {figures(a, FIGURES), STR("up"), STR("low"), NOW};
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(LIES) / sizeof(*LIES); i++) {
        if (!success_claim_false(a, &t, str_of(LIES[i])).n) {
            print_error("let through: %s\n", LIES[i]);
            wrong++;
        }
    }
    for (size_t i = 0; i < sizeof(TRUTHS) / sizeof(*TRUTHS); i++) {
        struct str bad = success_claim_false(a, &t, str_of(TRUTHS[i]));
        if (bad.n) {
            print_error("refused: %s (%.*s)\n", TRUTHS[i], STR_ARG(bad));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    arena_free(&a);
}

/* The same words where the data bear them out, or tell nothing. */
static void test_other_data(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct success_claim_truth none = {&json_empty_array, STR(""), STR(""), NOW};
    struct success_claim_truth over = {
        figures(a, "[{\"key\":\"open_tickets\",\"value\":0,\"unit\":\"tickets\"},"
                   "{\"key\":\"score\",\"value\":12,\"unit\":\"points\"},"
                   "{\"key\":\"renewal_date\",\"value\":\"2026-11-01\",\"unit\":\"date\"}]"),
        STR("down"), STR("high"), NOW};
    (void)state;
    static const char *const over_true[] = {"There are no open tickets.",
                                            "The contract has expired.",
                                            "No tickets are open.",
                                            "The contract expired this month.",
                                            "Risk is high.",
                                            "Usage is declining.",
                                            "The renewal date, 1 November 2026, has passed."};
    static const char *const over_false[] = {"They are healthy.", "Two tickets are open.",
                                             "The contract expired last year.", "Risk is low."};
    static const char *const none_true[] = {"No data on tickets are known.", "Usage is not known.",
                                            "The health cannot be scored."};
    static const char *const none_false[] = {"No tickets are open.", "Usage is stable.",
                                             "The contract has expired.", "They are at low risk."};
    for (size_t i = 0; i < 7; i++) {
        struct str bad = success_claim_false(a, &over, str_of(over_true[i]));
        assert_string_equal(str_dupz(a, bad), "");
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(success_claim_false(a, &over, str_of(over_false[i])).n > 0);
        assert_true(success_claim_false(a, &none, str_of(none_false[i])).n > 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(str_dupz(a, success_claim_false(a, &none, str_of(none_true[i]))), "");
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_claims),
                                       cmocka_unit_test(test_other_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
