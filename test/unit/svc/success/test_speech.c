#include "unit/codec/sample.h"

#include "svc/success/health_words.h"
#include "svc/success/speech.h"

/* The next {name} of a text from *at on; false: there is none. */
static bool next_slot(struct str text, size_t *at, struct str *out)
{
    ptrdiff_t open = str_find_char(str_sub(text, *at, text.n), '{');
    if (open < 0) {
        return false;
    }
    size_t from = *at + (size_t)open;
    ptrdiff_t close = str_find_char(str_sub(text, from, text.n), '}');
    assert_true(close > 1);
    *out = str_sub(text, from, (size_t)close + 1);
    *at = from + (size_t)close;
    return true;
}

static void holds_slots_of(struct str text, struct str other, int which)
{
    struct str slot;
    for (size_t at = 0; next_slot(text, &at, &slot);) {
        if (str_find(other, slot) < 0) {
            fail_msg("phrase %d: %.*s stands in \"%.*s\" and not in \"%.*s\"", which, STR_ARG(slot),
                     STR_ARG(text), STR_ARG(other));
        }
    }
}

/* A key that one language lacks, a value that one forgets to show: neither gets past this. */
static void test_tables_are_complete(void **state)
{
    (void)state;
    for (int p = 0; p < SPEECH_COUNT; p++) {
        struct str english = speech_str(WORDING_EN, (enum speech)p);
        for (int l = 0; l < WORDING_LANGUAGES; l++) {
            const char *text = speech_of((enum wording_language)l, (enum speech)p);
            if (!text || !*text) {
                fail_msg("phrase %d is missing in %s", p,
                         wording_language_name((enum wording_language)l));
            }
            assert_true(str_is_utf8(str_of(text)));
            assert_true(str_find(str_of(text), STR("  ")) < 0);
            assert_true(str_find(str_of(text), STR("%")) < 0 || str_find(english, STR("%")) >= 0);
            holds_slots_of(str_of(text), english, p);
            holds_slots_of(english, str_of(text), p);
        }
    }
}

/* What was never translated stays English: no more than a few words are the same in all four. */
static void test_tables_differ(void **state)
{
    (void)state;
    for (int l = WORDING_EN + 1; l < WORDING_LANGUAGES; l++) {
        int same = 0;
        for (int p = 0; p < SPEECH_COUNT; p++) {
            same += str_eq(speech_str(WORDING_EN, (enum speech)p),
                           speech_str((enum wording_language)l, (enum speech)p));
        }
        assert_in_range(same, 1, SPEECH_COUNT / 12);
    }
}

static void test_words(void **state)
{
    struct arena *a = *state;
    sample_is(speech_word(a, WORDING_EN, STR("at_risk")), "at risk", "English");
    sample_is(speech_word(a, WORDING_DE, STR("high")), "hoch", "German");
    sample_is(speech_word(a, WORDING_FR, STR("some_new_word")), "some new word", "unknown");
    sample_is(speech_counted(a, WORDING_DE, SPEECH_DAY, SPEECH_DAYS, 1), "1 Tag", "one");
    sample_is(speech_counted(a, WORDING_DE, SPEECH_DAY, SPEECH_DAYS, 1234), "1.234 Tage", "many");
    const struct json *names = sample_json(a, STR("[\"Acme\",\"Globex\",\"Initech\"]"));
    sample_is(speech_list(a, WORDING_NL, SPEECH_OR, names), "Acme, Globex of Initech", "a list");
    sample_is(speech_list(a, WORDING_NL, SPEECH_OR, NULL), "", "of nothing");
}

static void test_health(void **state)
{
    static const char told[] =
        "{\"score\":61,\"factors\":["
        "{\"name\":\"usage\",\"value\":\"down\",\"text\":\"Usage is falling\",\"missing\":false},"
        "{\"name\":\"tickets\",\"value\":3,\"text\":\"3 open tickets\",\"missing\":false},"
        "{\"name\":\"renewal\",\"value\":null,\"text\":\"The renewal date is not known\","
        "\"missing\":true}],\"previous\":{\"score\":70,\"attribution\":["
        "{\"factor\":\"tickets\",\"delta\":-9,\"from\":1,\"to\":3,\"text\":\"2 more\"},"
        "{\"factor\":\"usage\",\"delta\":-3,\"from\":\"up\",\"to\":\"down\",\"text\":\"x\"},"
        "{\"factor\":\"renewal\",\"delta\":1,\"from\":null,\"to\":20,\"text\":\"y\"},"
        "{\"factor\":\"tickets\",\"delta\":1,\"text\":\"as it was told\"},"
        "{\"factor\":\"usage\",\"delta\":1,\"from\":\"up\",\"to\":\"up\",\"weight_from\":45,"
        "\"weight_to\":60,\"text\":\"z\"}]}}";
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"factors[0].text", "Die Nutzung fällt"},
        {"factors[1].text", "3 offene Tickets"},
        {"factors[2].text", "Das Verlängerungsdatum ist nicht bekannt"},
        {"previous.attribution[0].text", "2 offene Tickets mehr (1, jetzt 3)"},
        {"previous.attribution[1].text", "Nutzung war steigend, ist jetzt fallend"},
        {"previous.attribution[2].text", "Verlängerung: jetzt bekannt"},
        {"previous.attribution[3].text", "as it was told"}, /* without values */
        {"previous.attribution[4].text",
         "das Gewicht von Nutzung ging von 45\u00a0% auf 60\u00a0%"},
    };
    struct arena *a = *state;
    const struct json *health = sample_json(a, str_of(told));
    const struct json *german = health_words_in(a, WORDING_DE, health);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sample_is(json_text(json_path(german, rows[i].path), STR("")), rows[i].text, rows[i].path);
    }
    assert_ptr_equal(health_words_in(a, WORDING_EN, health), health);
    assert_null(health_words_in(a, WORDING_DE, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_complete),
        cmocka_unit_test(test_tables_differ),
        SAMPLE_TEST(test_words),
        SAMPLE_TEST(test_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
