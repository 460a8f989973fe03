#include "unit/codec/sample.h"

#include "agent/turn_reply.h"

struct row {
    const char *messages[4], *name, *rest;
    bool asks;
};

static void test_replies(void **state)
{
    static const struct row ROWS[] = {
        {{"yes"}, "confirm", "", false},
        {{"yes", "and how long does the refund take?"},
         "confirm",
         "and how long does the refund take?",
         true},
        {{"yes, and how long does the refund take?"},
         "confirm",
         "how long does the refund take?",
         true},
        {{"Yes please. How will I get the money back, is it by card or by bank transfer these "
          "days?"},
         "confirm",
         "How will I get the money back, is it by card or by bank transfer these days?",
         true},
        {{"how long does the refund take?", "ok go ahead"},
         "confirm",
         "how long does the refund take?",
         true},
        {{"How long does the refund take? Yes, do it."},
         "confirm",
         "How long does the refund take?",
         true},
        {{"no", "where is my other order BW-10421?"},
         "deny",
         "where is my other order BW-10421?",
         true},
        {{"yes", "no wait"}, "deny", "", false},
        {{"yes", "no, leave it"}, "deny", "", false},
        {{"no, I meant BW-10421"}, "correct", "", false},
        {{"yes but change the address first"}, "correct", "", false},
        {{"yes please go ahead and cancel it now thanks"}, "confirm", "", false},
        {{"what happens then?"}, "unclear", "", false},
        {{"hm", "what happens to my refund?"}, "unclear", "", false},
        {{"never mind"}, "deny", "", false},
        {{"\xf0\x9f\x91\x8d", "when will it be paid"}, "confirm", "when will it be paid", true},
        {{""}, "unclear", "", false},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str messages[4];
        int n = 0;
        while (n < 4 && ROWS[i].messages[n]) {
            messages[n] = str_of(ROWS[i].messages[n]);
            n++;
        }
        struct turn_reply r = turn_reply_of(*state, messages, n);
        sample_is(str_of(r.name), ROWS[i].name, ROWS[i].messages[0]);
        if (ROWS[i].asks || r.asks) {
            sample_is(r.rest, ROWS[i].rest, ROWS[i].messages[0]);
        }
        assert_int_equal(r.asks, ROWS[i].asks);
    }
}

static void test_subjects(void **state)
{
    static const struct row ROWS[] = {
        {{"yes", "how many days do I have to return a scanner?"},
         "how many days do I have to return a scanner?",
         NULL,
         false},
        {{"ok thanks", "Where is BW-10421?"}, "Where is BW-10421?", NULL, false},
        {{"yes"}, "yes", NULL, false},
        {{"yes", "ok"}, "yes\nok", NULL, false},
        {{"No signal on scanner", "what can I do?"},
         "No signal on scanner\nwhat can I do?",
         NULL,
         false},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str messages[4];
        int n = 0;
        while (n < 4 && ROWS[i].messages[n]) {
            messages[n] = str_of(ROWS[i].messages[n]);
            n++;
        }
        sample_is(turn_reply_subject(*state, messages, n), ROWS[i].name, ROWS[i].messages[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {SAMPLE_TEST(test_replies), SAMPLE_TEST(test_subjects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
