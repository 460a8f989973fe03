#include "unit/codec/sample.h"

#include "nlu/urgency.h"

enum {
    TIME = URGENCY_TIME,
    ANGER = URGENCY_ANGER,
    LEGAL = URGENCY_LEGAL,
    MONEY = URGENCY_MONEY,
    SAFETY = URGENCY_SAFETY,
    OUTAGE = URGENCY_OUTAGE,
    PERSON = URGENCY_PERSON,
    SHOUT = URGENCY_SHOUTING,
    MOOD = URGENCY_SENTIMENT
};

static void test_grounds(void **state)
{
    static const struct {
        unsigned grounds;
        const char *text, *why;
    } ROWS[] = {
        {0, "Where is my order?", "an everyday question"},
        {0, "", "nothing"},
        {0, "bad service", "mild"},
        {0, "thanks!!", "two exclamation marks"},
        {SHOUT, "hello!!!", "three exclamation marks"},
        {SHOUT, "WHERE IS MY ORDER", "capitals"},
        {0, "OK THANKS", "too few letters"},
        {0, "AB1234567 CD7654321 is the order", "letters of order numbers do not count"},
        {TIME, "This is urgent", "word"},
        {TIME, "I need it ASAP", "word in capitals"},
        {0, "it is not urgent", "negated"},
        {0, "this isn't urgent, take your time", "negated by n't"},
        {0, "no need to do it immediately", "negated at a distance"},
        {TIME, "It does not work, urgent", "the negation is in another clause"},
        {0, "insurgent detergent resurgently", "parts of words"},
        {ANGER, "This is ridiculous", "word"},
        {ANGER, "I want to make a complaint", "word"},
        {0, "I am not complaining", "negated"},
        {LEGAL, "you will hear from my lawyer", "word"},
        {LEGAL, "I am going to sue you", "verb with its object"},
        {0, "Sue Miller placed the order", "a name"},
        {0, "the issue ensues", "part of a word"},
        {LEGAL, "we are considering legal action", "phrase"},
        {MONEY, "I was charged twice", "phrase"},
        {MONEY, "you charged my card twice", "phrase with a gap"},
        {MONEY, "there is an unauthorized payment on my account", "word"},
        {MONEY, "I did not authorize this", "the negation is the point"},
        {MONEY, "my card was stolen", "phrase with a gap"},
        {0, "how does your fraud detection work", "a product"},
        {SAFETY, "this is an emergency", "word"},
        {0, "how do I change my emergency contact", "an entry in a form"},
        {SAFETY, "smoke is coming out of the router", "phrase"},
        {0, "does the smoke detector come with batteries", "a product"},
        {SAFETY, "the battery caught fire", "phrase"},
        {0, "fire tv stick, firewall, campfire", "other fires"},
        {OUTAGE, "our production is down", "phrase"},
        {OUTAGE, "nobody can access the dashboard", "phrase that begins with its negation"},
        {0, "I live down the road", "another down"},
        {0, "how do I scroll down on the page", "another down"},
        {PERSON, "I want to talk to a human", "request"},
        {PERSON, "can I speak with a real person please", "request"},
        {PERSON, "agent", "one word"},
        {PERSON, "Human please", "two words"},
        {PERSON, "connect me to your support team", "request"},
        {0, "are you a human?", "a question, not a request"},
        {0, "which user agent do you need", "a technical word"},
        {0, "I don't want to talk to a person", "negated"},
        {0, "am I speaking with a real person", "a question, not a request"},
        {0, "what is the traffic like right now", "now, but nothing is asked to happen"},
        {TIME, "fix it right now", "now, and something is asked to happen"},
        {PERSON | ANGER, "let me talk to your manager", "manager behind a verb"},
        {PERSON | ANGER, "I want a supervisor", "request"},
        {0, "I am the project manager of the team", "a profession"},
        {0, "does the password manager sync", "a product"},
        {0, "the manager's special pizza", "a name of a thing"},
        {PERSON,
         "Ich m\xc3\xb6"
         "chte mit einem Menschen sprechen",
         "German"},
        {PERSON, "je veux parler \xc3\xa0 un conseiller", "French"},
        {PERSON, "quiero hablar con una persona", "Spanish"},
        {PERSON, "kan ik een medewerker spreken", "Dutch"},
        {MOOD, "terrible", "sentiment below -0.5"},
    };
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct urgency u = urgency_of(str_of(ROWS[i].text));
        /* Angry words weigh on the mood too: where a row is about another ground, ignore it. */
        unsigned got = ROWS[i].grounds & ~(unsigned)MOOD ? u.grounds & ~(unsigned)MOOD : u.grounds;
        if (got != ROWS[i].grounds) {
            fail_msg("\"%s\" (%s): grounds 0x%x, want 0x%x (sentiment %.2f)", ROWS[i].text,
                     ROWS[i].why, u.grounds, ROWS[i].grounds, u.sentiment);
        }
        assert_int_equal(u.urgent, (u.grounds & ~(unsigned)PERSON) != 0);
        assert_int_equal(u.wants_person, (u.grounds & PERSON) != 0);
    }
}

static void test_hits(void **state)
{
    (void)state;
    struct str text = STR("URGENT: charged my card twice, I want my lawyer");
    struct urgency u = urgency_of(text);
    assert_true(u.urgent && u.emergency && !u.wants_person);
    assert_int_equal(u.hit_count, 3);
    sample_is(u.hits[0], "URGENT", "as written");
    sample_is(u.hits[1], "lawyer", "rules in order");
    sample_is(u.hits[2], "charged my card twice", "the whole phrase");
    assert_true(u.hits[0].p == text.p);
}

static void test_many_words(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(1 << 20);
    for (int i = 0; i < 5000; i++) {
        buf_addf(&b, "urgent lawyer %d ", i);
    }
    struct urgency u = urgency_of(str_dup(a, buf_str(&b)));
    buf_free(&b);
    assert_int_equal(u.hit_count, URGENCY_HITS_MAX);
    assert_true(u.grounds & LEGAL);
    assert_false(urgency_of(STR("\xff\xc0\x80 \xf0\x9f")).urgent);
    assert_string_equal(urgency_ground_name(URGENCY_LEGAL), "legal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_grounds),
        SAMPLE_TEST(test_hits),
        SAMPLE_TEST(test_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
