/* Of what models write, that which the data bear out stays and that which they do not goes. */
#include "unit/codec/sample.h"

#include "svc/success/speech.h"
#include "svc/success/success_claim.h"
#include "svc/success/success_ground.h"
#include "svc/success/success_number.h"
#include "unit/svc/success/model_sentences.h"

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
static const char NAMES[] = "[\"Acme Corp\",\"T-901\",\"T-902\",\"Nora Lind\"]";
static const char CONTACTS[] = "[{\"name\":\"Nora Lind\",\"champion\":true}]";
static const char QUOTES[] = "[\"\\\"Label printer drops off\\\"\"]";

static const struct json *tree(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    struct json_fault fault;
    assert_int_equal(json_parse(a, str_of(text), &v, &fault), E_OK);
    return v;
}

struct data {
    struct success_claim_truth truth;
    struct success_ground ground;
};

static void data_of(struct arena *a, const char *figures, const char *trend, const char *risk,
                    struct data *out)
{
    out->truth = (struct success_claim_truth){tree(a, figures), str_of(trend), str_of(risk), NOW};
    out->ground = (struct success_ground){.truth = &out->truth,
                                          .names = tree(a, NAMES),
                                          .quotes = tree(a, QUOTES),
                                          .contacts = tree(a, CONTACTS)};
}

/* Whether the whole of it is told: as it is in an answer, where numbers and claims come first. */
static bool is_told(struct arena *a, const struct data *d, struct str text)
{
    struct success_number_sheet sheet = {d->truth.figures, d->ground.names};
    struct str bound, culprit, dropped;
    if (!success_number_bind(a, &sheet, text, &bound, &culprit)) {
        return false;
    }
    struct str left = success_number_without(a, bound, d->ground.quotes);
    left = success_number_without(a, left, d->ground.names);
    if (success_claim_false(a, &d->truth, left).n) {
        return false;
    }
    success_ground_keep(a, &d->ground, bound, &dropped);
    return !dropped.n;
}

/* How many of `list` are told; those for which that is not `wanted` are named. */
static size_t told_of(struct arena *a, const struct data *d, const char *const *list, size_t n,
                      bool wanted)
{
    size_t told = 0;
    for (size_t i = 0; i < n; i++) {
        bool one = is_told(a, d, str_of(list[i]));
        told += one;
        if (one != wanted) {
            print_message("%s: %s\n", wanted ? "left out" : "told", list[i]);
        }
    }
    return told;
}

static void test_sentences(void **state)
{
    struct arena *a = *state;
    struct data d;
    int wrong = 0;
    data_of(a, FIGURES, "up", "low", &d);
    static const struct {
        const char *section;
        const char *const *list;
        size_t count;
    } HONEST[] = {{"summary", HONEST_SUMMARY, SAMPLE_COUNT(HONEST_SUMMARY)},
                  {"e-mail", HONEST_EMAIL, SAMPLE_COUNT(HONEST_EMAIL)},
                  {"actions", HONEST_ACTIONS, SAMPLE_COUNT(HONEST_ACTIONS)},
                  {"review", HONEST_QBR, SAMPLE_COUNT(HONEST_QBR)}};
    for (size_t i = 0; i < SAMPLE_COUNT(HONEST); i++) {
        size_t told = told_of(a, &d, HONEST[i].list, HONEST[i].count, true);
        print_message("%s: %zu of %zu stay\n", HONEST[i].section, told, HONEST[i].count);
        assert_true(HONEST[i].count >= 60);
        wrong += told * 100 < HONEST[i].count * 90;
    }
    size_t told = told_of(a, &d, MADE_UP, SAMPLE_COUNT(MADE_UP), false);
    print_message("made up: %zu of %zu go\n", SAMPLE_COUNT(MADE_UP) - told, SAMPLE_COUNT(MADE_UP));
    assert_true(SAMPLE_COUNT(MADE_UP) >= 80);
    wrong += told * 100 > SAMPLE_COUNT(MADE_UP) * 3;
    told = told_of(a, &d, HONEST_LATER, SAMPLE_COUNT(HONEST_LATER), true);
    print_message("later: %zu of %zu stay\n", told, SAMPLE_COUNT(HONEST_LATER));
    wrong += told * 100 < SAMPLE_COUNT(HONEST_LATER) * 90;
    wrong += told_of(a, &d, MADE_UP_LATER, SAMPLE_COUNT(MADE_UP_LATER), false) > 0;
    told = told_of(a, &d, DEVISED, SAMPLE_COUNT(DEVISED), false);
    print_message("devised: %zu of %zu go\n", SAMPLE_COUNT(DEVISED) - told, SAMPLE_COUNT(DEVISED));
    wrong += told > 0;
    assert_int_equal(wrong, 0);
}

/* The same words of an account that is in a bad way, and of one of which nothing is known. */
static void test_other_data(void **state)
{
    static const char BAD[] = "[{\"key\":\"score\",\"value\":21,\"unit\":\"points\"},"
                              "{\"key\":\"open_tickets\",\"value\":0,\"unit\":\"tickets\"},"
                              "{\"key\":\"renewal_date\",\"value\":\"2027-11-04\"}]";
    static const struct {
        const char *text;
        bool up, bad, none; /* whether it is told of each of the three */
    } ROWS[] = {
        {"Usage is growing.", true, false, false},
        {"Usage is declining.", false, true, false},
        {"Celebrate usage growth.", true, false, false},
        {"Find out why usage is falling.", false, true, false},
        {"The risk is low.", true, false, false},
        {"The risk is high.", false, true, false},
        {"The account is at risk.", false, true, false},
        {"The account is not at risk.", true, false, false},
        {"The account is healthy.", true, false, false},
        {"The account is in poor health.", false, true, false},
        {"The renewal is coming up.", true, false, false},
        {"The renewal approaches.", true, false, false},
        {"No tickets are open.", false, true, false},
        {"Support load is light.", true, true, false},
        {"The score has dropped.", true, false, false},
        {"The usage data are missing.", false, true, true},
        {"The renewal date is unknown.", false, false, true},
        {"The champion is Nora Lind.", true, true, true},
        {"The sponsor is Nora Lind.", false, false, false},
        {"The ticket \"Label printer drops off\" is open.", true, true, true},
        {"The ticket \"Label printer explodes\" is open.", false, false, false},
        {"Schedule a call.", true, true, true},
    };
    struct arena *a = *state;
    struct data up, bad, none;
    data_of(a, FIGURES, "up", "low", &up);
    data_of(a, BAD, "down", "high", &bad);
    data_of(a, "[]", "", "", &none);
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str text = str_of(ROWS[i].text);
        if (is_told(a, &up, text) != ROWS[i].up || is_told(a, &bad, text) != ROWS[i].bad ||
            is_told(a, &none, text) != ROWS[i].none) {
            fail_msg("%s: %d %d %d", ROWS[i].text, is_told(a, &up, text), is_told(a, &bad, text),
                     is_told(a, &none, text));
        }
    }
}

/* What is left of a text when something of it goes. */
/* What the rules say of an account of which nothing is known stands before the same rule. */
static void test_nothing_known(void **state)
{
    static const enum speech said[] = {SPEECH_SAY_NO_USAGE,   SPEECH_SAY_TICKETS_UNKNOWN,
                                       SPEECH_SAY_NO_RENEWAL, SPEECH_QBR_NO_USAGE,
                                       SPEECH_QBR_NO_TICKETS, SPEECH_QBR_NO_RENEWAL};
    struct arena *a = *state;
    struct data d;
    data_of(a, "[]", "", "", &d);
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
        struct str text = speech_str(WORDING_EN, said[i]);
        if (!is_told(a, &d, text)) {
            fail_msg("%.*s", STR_ARG(text));
        }
    }
}

static void test_what_is_left(void **state)
{
    static const struct {
        const char *text, *left, *why;
    } ROWS[] = {
        {"The score is 87. They love us. 2 tickets are open.",
         "The score is 87. 2 tickets are open.", "a sentence in the middle"},
        {"They love us.", "", "all of it"},
        {"Hi Nora,\n\nThey love us.\n\nThe score is 87.\n\nBest regards,\nMarek",
         "Hi Nora,\n\n\nThe score is 87.\n\nBest regards,\nMarek", "a paragraph; who signs"},
        {"1. Confirm the goals\n2. They love us\n3. Discuss the renewal",
         "1. Confirm the goals\n2. Discuss the renewal", "one of a list, which is counted anew"},
        {"- They love us\n- Open tickets: 2", "- Open tickets: 2", "its mark goes too"},
        {"The score is 87! Why? They love us...", "The score is 87! Why?", "marks at the end"},
        {"Budget freeze, says the rule.", "Budget freeze, says the rule.", "the rules' own"},
        {"Budget freeze", "", "a piece of the rules' own"},
        {"Please include the trade fair.", "Please include the trade fair.", "the asker's words"},
        {"They visit the trade fair.", "", "the asker's words, said of the customer"},
    };
    struct arena *a = *state;
    struct data d;
    struct str dropped;
    data_of(a, FIGURES, "up", "low", &d);
    d.ground.own =
        tree(a, "{\"body\":\"Hi.\\n\\nBudget freeze, says the rule.\\n\\nBest,\\nMarek\"}");
    d.ground.asked = STR("Mention that they visit the trade fair");
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        sample_is(success_ground_keep(a, &d.ground, str_of(ROWS[i].text), &dropped), ROWS[i].left,
                  ROWS[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_sentences), SAMPLE_TEST(test_other_data),
                                       SAMPLE_TEST(test_nothing_known),
                                       SAMPLE_TEST(test_what_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
