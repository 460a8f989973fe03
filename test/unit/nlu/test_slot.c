#include "unit/codec/sample.h"

#include "codec/date.h"
#include "nlu/slot.h"

/* Wednesday, 4 March 2026, 10:00 UTC. */
static const int64_t NOW_MS = 1772618400000;

struct row {
    const char *name, *schema, *text;
    const char *want; /* the best value with a confidence of .5 and more, as JSON; NULL: none */
};

static const char *best_value(struct arena *a, const struct row *row, struct slot_scene scene)
{
    struct slot found[SLOT_FOUND_MAX];
    const struct json *schema = sample_json(a, str_of(row->schema));
    struct slot_want want = slot_want_of(str_of(row->name), schema);
    struct str text = str_of(row->text);
    size_t n = slot_find(a, &want, text, &scene, found);
    for (size_t i = 0; i < n; i++) {
        assert_true(found[i].start <= found[i].end && found[i].end <= text.n);
        assert_true(found[i].confidence > 0 && found[i].confidence <= 1);
        assert_true(i == 0 || found[i].confidence <= found[i - 1].confidence);
    }
    if (!n || found[0].confidence < 0.5) {
        return NULL;
    }
    struct str why = STR("");
    const struct json *value = slot_value(a, &want, &found[0], &why);
    return value ? json_write(a, value).p : str_fmt(a, "! %.*s", STR_ARG(why)).p;
}

static void run(struct arena *a, const struct row *rows, size_t n, struct slot_scene scene)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const char *got = best_value(a, &rows[i], scene);
        bool same = got && rows[i].want ? strcmp(got, rows[i].want) == 0 : got == rows[i].want;
        if (!same) {
            print_message("%s \"%s\": got %s, want %s\n", rows[i].name, rows[i].text,
                          got ? got : "nothing", rows[i].want ? rows[i].want : "nothing");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

#define RUN(rows, ...)                                                                             \
    run(*state, rows, SAMPLE_COUNT(rows), (struct slot_scene){.now_ms = NOW_MS, __VA_ARGS__})

#define INT   "{\"type\":\"integer\"}"
#define NUM   "{\"type\":\"number\"}"
#define DATE  "{\"type\":\"string\",\"format\":\"date\"}"
#define TIME  "{\"type\":\"string\",\"format\":\"time\"}"
#define STAMP "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TEXT  "{\"type\":\"string\"}"
#define ORDER "{\"type\":\"string\",\"pattern\":\"^BW-[0-9]{5}$\"}"

static void test_numbers(void **state)
{
    static const struct row ROWS[] = {
        {"count", INT, "I need 12 of them", "12"},
        {"count", INT, "twelve please", "12"},
        {"count", INT, "twenty-three boxes", "23"},
        {"count", INT, "one hundred and five", "105"},
        {"count", INT, "a hundred and ten", "110"},
        {"count", INT, "two hundred fifty thousand", "250000"},
        {"count", INT, "a dozen", "12"},
        {"count", INT, "half a dozen", "6"},
        {"count", INT, "a couple of seats", "2"},
        {"count", INT, "1,200 units", "1200"},
        {"count", INT, "about 12k rows", "12000"},
        {"count", INT, "-5", "-5"},
        {"count", INT, "this one is broken", NULL},
        {"count", INT, "order BW-10421", NULL},
        {"count", INT, "on 3 March", NULL},
        {"count", INT, "it costs $40", NULL},
        {"count", INT, "2.5", NULL},
        {"count", INT, "no number here", NULL},
        {"seats", INT, "cancel order 10421 and add 5 seats", "5"},
        {"seat_count", INT, "on 3 March we need 7 more seats", "7"},
        {"ratio", NUM, "2.5", "2.5"},
        {"ratio", NUM, "1,5", "1.5"},
        {"ratio", NUM, "two and a half", "2.5"},
        {"ratio", NUM, "12.5 percent", "12.5"},
        {"count", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10}", "50",
         "! must be at most 10"},
    };
    RUN(ROWS);
    static const struct row EUROPE[] = {
        {"count", INT, "1.200", "1200"},
        {"ratio", NUM, "1.200,50", "1200.5"},
        {"ratio", NUM, "1,200.50", "1200.5"},
    };
    RUN(EUROPE, .day_first = true);
    static const struct row ANSWERS[] = {
        {"count", INT, "one", "1"},
        {"count", INT, "none", "0"},
        {"count", INT, "just 3", "3"},
    };
    RUN(ANSWERS, .answers = true);
}

static void test_money(void **state)
{
    static const struct row ROWS[] = {
        {"amount_cents", INT, "I paid $40", "4000"},
        {"amount_cents", INT, "refund me 73 pounds", "7300"},
        {"amount_cents", INT, "40\xe2\x82\xac", "4000"},
        {"amount_cents", INT, "56.79 EUR", "5679"},
        {"amount_cents", INT, "EUR 1,299.00", "129900"},
        {"amount_cents", INT, "5 dollars and 20 cents", "520"},
        {"amount_cents", INT, "50 cents", "50"},
        {"amount_cents", INT,
         "\xc2\xa3"
         "1.5k",
         "150000"},
        {"amount_cents", INT, "0.1 usd", "10"},
        {"amount", NUM, "$19.99", "19.99"},
        {"amount_cents", INT, "order 10421", NULL},
    };
    RUN(ROWS);
    static const struct row ANSWERS[] = {{"amount_cents", INT, "250", "25000"}};
    RUN(ANSWERS, .answers = true);
    struct arena *a = *state;
    struct slot found[SLOT_FOUND_MAX];
    struct slot_want want = {.kind = SLOT_MONEY, .name = STR("amount")};
    struct slot_scene scene = {.now_ms = NOW_MS};
    assert_int_equal(slot_find(a, &want,
                               STR("from 500 yen to \xe2\x82\xac"
                                   "3"),
                               &scene, found),
                     2);
    assert_string_equal(found[0].currency, "JPY");
    assert_int_equal(found[0].integer, 500);
    assert_string_equal(found[1].currency, "EUR");
    assert_int_equal(found[1].start, 16);
}

static void test_dates(void **state)
{
    static const struct row ROWS[] = {
        {"day", DATE, "2026-05-01", "\"2026-05-01\""},
        {"day", DATE, "on 01.05.2026", "\"2026-05-01\""},
        {"day", DATE, "5/1/2026", "\"2026-05-01\""},
        {"day", DATE, "13/5/2026", "\"2026-05-13\""},
        {"day", DATE, "3 March 2027", "\"2027-03-03\""},
        {"day", DATE, "March 3rd, 2027", "\"2027-03-03\""},
        {"day", DATE, "the 3rd of April", "\"2026-04-03\""},
        {"day", DATE, "Jan the 19th", "\"2027-01-19\""},
        {"day", DATE, "3 March", "\"2027-03-03\""},
        {"day", DATE, "4 March", "\"2026-03-04\""},
        {"day", DATE, "today", "\"2026-03-04\""},
        {"day", DATE, "tomorrow morning", "\"2026-03-05\""},
        {"day", DATE, "the day after tomorrow", "\"2026-03-06\""},
        {"day", DATE, "yesterday", "\"2026-03-03\""},
        {"day", DATE, "Friday", "\"2026-03-06\""},
        {"day", DATE, "on Tuesday", "\"2026-03-10\""},
        {"day", DATE, "Wednesday", "\"2026-03-11\""},
        {"day", DATE, "this Friday", "\"2026-03-06\""},
        {"day", DATE, "next Tuesday", "\"2026-03-10\""},
        {"day", DATE, "next Friday", "\"2026-03-13\""},
        {"day", DATE, "last Friday", "\"2026-02-27\""},
        {"day", DATE, "Tuesday, 17 March", "\"2026-03-17\""},
        {"day", DATE, "in two weeks", "\"2026-03-18\""},
        {"day", DATE, "in a month", "\"2026-04-04\""},
        {"day", DATE, "3 days ago", "\"2026-03-01\""},
        {"day", DATE, "6 months ago", "\"2025-09-04\""},
        {"day", DATE, "a week from Friday", "\"2026-03-13\""},
        {"day", DATE, "in a fortnight", "\"2026-03-18\""},
        {"day", DATE, "end of the month", "\"2026-03-31\""},
        {"day", DATE, "end of this month", "\"2026-03-31\""},
        {"day", DATE, "next week", "\"2026-03-09\""},
        {"day", DATE, "the 15th", "\"2026-03-15\""},
        {"day", DATE, "the 2nd", "\"2026-04-02\""},
        {"day", DATE, "am 3. M\xc3\xa4rz 2027", "\"2027-03-03\""},
        {"day", DATE, "30 February 2027", NULL},
        {"day", DATE, "2026-13-45", NULL},
        {"day", DATE, "order BW-10421", NULL},
        {"day", DATE, "may I ask something", NULL},
        {"day", DATE, "I sat down", NULL},
    };
    RUN(ROWS);
    static const struct row EUROPE[] = {
        {"day", DATE, "3/4/2026", "\"2026-04-03\""},
        {"day", DATE, "3/4", "\"2026-04-03\""},
    };
    RUN(EUROPE, .day_first = true);
    static const struct row PAST[] = {
        {"day", DATE, "Friday", "\"2026-02-27\""},
        {"day", DATE, "10 March", "\"2025-03-10\""},
        {"day", DATE, "the 15th", "\"2026-02-15\""},
    };
    RUN(PAST, .past = true);
    /* 23:30 UTC on the 4th is the 5th in Berlin. */
    static const struct row EAST[] = {{"day", DATE, "today", "\"2026-03-05\""}};
    run(*state, EAST, 1, (struct slot_scene){.now_ms = NOW_MS + 48600000, .utc_offset_min = 60});
}

static void test_times(void **state)
{
    static const struct row ROWS[] = {
        {"at", TIME, "at 10:30", "\"10:30:00Z\""},
        {"at", TIME, "3pm", "\"15:00:00Z\""},
        {"at", TIME, "3:15 p.m. please", "\"15:15:00Z\""},
        {"at", TIME, "12 am", "\"00:00:00Z\""},
        {"at", TIME, "12:45 p.m.", "\"12:45:00Z\""},
        {"at", TIME, "half past three", "\"03:30:00Z\""},
        {"at", TIME, "quarter to five in the afternoon", "\"16:45:00Z\""},
        {"at", TIME, "25 to 7 p.m.", "\"18:35:00Z\""},
        {"at", TIME, "9 05 in the morning", "\"09:05:00Z\""},
        {"at", TIME, "5 o'clock", "\"05:00:00Z\""},
        {"at", TIME, "noon", "\"12:00:00Z\""},
        {"at", TIME, "um 15 Uhr 30", "\"15:30:00Z\""},
        {"at", TIME, "15h30", "\"15:30:00Z\""},
        {"at", TIME, "in two hours", "\"12:00:00Z\""},
        {"at", TIME, "in half an hour", "\"10:30:00Z\""},
        {"at", TIME, "25:70", NULL},
        {"at", TIME, "I need 12 of them", NULL},
        {"when", STAMP, "tomorrow at 3pm", "\"2026-03-05T15:00:00Z\""},
        {"when", STAMP, "3pm on Friday", "\"2026-03-06T15:00:00Z\""},
        {"when", STAMP, "next Tuesday at half past nine", "\"2026-03-10T09:30:00Z\""},
        {"when", STAMP, "in 90 minutes", "\"2026-03-04T11:30:00Z\""},
        {"when", STAMP, "2026-05-01T10:00:00+02:00", "\"2026-05-01T08:00:00Z\""},
        {"when", STAMP, "2026-05-01 10:00", "\"2026-05-01T10:00:00Z\""},
        {"how_long", "{\"type\":\"string\",\"format\":\"duration\"}", "two weeks", "\"P14D\""},
        {"how_long", "{\"type\":\"string\",\"format\":\"duration\"}", "an hour and a half",
         "\"PT1H30M\""},
        {"how_long", "{\"type\":\"string\",\"format\":\"duration\"}", "for 3 months", "\"P3M\""},
    };
    RUN(ROWS);
    static const struct row EAST[] = {
        {"when", STAMP, "tomorrow at 3pm", "\"2026-03-05T15:00:00+01:00\""},
        {"at", TIME, "in two hours", "\"13:00:00+01:00\""},
    };
    RUN(EAST, .utc_offset_min = 60);
    static const struct row ANSWERS[] = {{"at", TIME, "9", "\"09:00:00Z\""}};
    RUN(ANSWERS, .answers = true);
}

static void test_forms(void **state)
{
    static const struct row ROWS[] = {
        {"email", TEXT, "it's anna.berg@example.com.", "\"anna.berg@example.com\""},
        {"contact", "{\"type\":\"string\",\"format\":\"email\"}", "nothing here", NULL},
        {"phone", TEXT, "call +1 (206) 555-0100 please", "\"+12065550100\""},
        {"phone", TEXT, "00 46 8 928 571 38", "\"+46892857138\""},
        {"phone", TEXT, "order 10421223", NULL},
        {"website", TEXT, "see https://example.com/a?b=c.", "\"https://example.com/a?b=c\""},
        {"website", TEXT, "www.example.com", "\"https://www.example.com\""},
        {"order_number", ORDER, "where is BW-10421?", "\"BW-10421\""},
        {"order_number", ORDER, "bw-10421", "\"BW-10421\""},
        {"order_number", ORDER, "BW 10421", "\"BW-10421\""},
        {"order_number", ORDER, "bw10421", NULL},
        {"order_number", ORDER, "order #10421", "\"BW-10421\""},
        {"order_number", ORDER, "order 10421", "\"BW-10421\""},
        {"order_number", ORDER, "order 123", NULL},
        {"order_number", ORDER, "BW-104219", NULL},
        {"order_number", ORDER, "we have 10421 customers", "\"BW-10421\""},
        {"code", "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}\\\\d{6,10}$\"}", "#ab123456 is it",
         "\"AB123456\""},
        {"sku", "{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"}", "just words", NULL},
    };
    RUN(ROWS);
    static const struct row ANSWERS[] = {
        {"order_number", ORDER, "10421", "\"BW-10421\""},
        {"order_number", ORDER, "it is 10421 I think", "\"BW-10421\""},
        {"website", TEXT, "example.com", "\"https://example.com\""},
        {"phone", TEXT, "5550100", "\"5550100\""},
    };
    RUN(ANSWERS, .answers = true);
}

#define PLAN                                                                                       \
    "{\"type\":\"string\",\"enum\":[\"starter\",\"professional\",\"enterprise\"],"                 \
    "\"x-synonyms\":{\"professional\":[\"pro\",\"business plan\"]}}"
#define GOODS                                                                                      \
    "{\"enum\":[\"Kestrel 2\",\"Kestrel Pro\",\"Finch Ring\",\"Loom 4\",\"Loom "                   \
    "4X\",\"label_roll\"]}"

static void test_choices(void **state)
{
    static const struct row ROWS[] = {
        {"plan", PLAN, "the Professional plan", "\"professional\""},
        {"plan", PLAN, "I'd like pro", "\"professional\""},
        {"plan", PLAN, "the business plan please", "\"professional\""},
        {"plan", PLAN, "profesional", "\"professional\""},
        {"plan", PLAN, "entreprise", "\"enterprise\""},
        {"plan", PLAN, "not starter but enterprise", "\"enterprise\""},
        {"plan", PLAN, "none of these", NULL},
        {"plan", PLAN, "problem", NULL},
        {"item", GOODS, "my kestrel pro is dead", "\"Kestrel Pro\""},
        {"item", GOODS, "the Kestrel2", "\"Kestrel 2\""},
        {"item", GOODS, "a loom 4x", "\"Loom 4X\""},
        {"item", GOODS, "a loom 4", "\"Loom 4\""},
        {"item", GOODS, "the finch", "\"Finch Ring\""},
        {"item", GOODS, "a kestrel", NULL},
        {"item", GOODS, "two label rolls", "\"label_roll\""},
        {"size", "{\"type\":\"integer\",\"enum\":[4,8,16]}", "16 please", "16"},
    };
    RUN(ROWS);
    static const struct row ANSWERS[] = {
        {"plan", PLAN, "the second one", "\"professional\""},
        {"plan", PLAN, "last", "\"enterprise\""},
    };
    RUN(ANSWERS, .answers = true);
}

static void test_persons(void **state)
{
    static const struct row ROWS[] = {
        {"name", TEXT, "Hi, I'm Anna Berg from Nordvik", "\"Anna Berg\""},
        {"name", TEXT, "my name is anna berg", "\"Anna Berg\""},
        {"name", TEXT, "this is Jean-Pierre Dubois, I need help", "\"Jean-Pierre Dubois\""},
        {"name", TEXT, "I'm Ludwig van der Berg", "\"Ludwig van der Berg\""},
        {"name", TEXT, "I'm waiting for my order", NULL},
        {"name", TEXT, "I am very angry", NULL},
        {"name", TEXT, "it's broken", NULL},
        {"reason", TEXT, "cancel it because I ordered the wrong size",
         "\"I ordered the wrong size\""},
        {"reason", TEXT, "cancel my order", NULL},
    };
    RUN(ROWS);
    static const struct row ANSWERS[] = {
        {"name", TEXT, "anna berg", "\"Anna Berg\""},
        {"name", TEXT, "It's Anna", "\"Anna\""},
        {"reason", TEXT, "well, because it came too late", "\"it came too late\""},
        {"reason", TEXT, "changed my mind", "\"changed my mind\""},
        {"note", "{\"type\":\"string\",\"minLength\":20}", "short",
         "! must have at least 20 characters, has 5"},
        {"gift", "{\"type\":\"boolean\"}", "yes please", "true"},
        {"gift", "{\"type\":\"boolean\"}", "no thanks", "false"},
        {"gift", "{\"type\":\"boolean\"}", "what does that cost?", NULL},
    };
    RUN(ANSWERS, .answers = true);
}

static void test_replies(void **state)
{
    enum {
        Y = SLOT_REPLY_CONFIRM,
        N = SLOT_REPLY_DENY,
        C = SLOT_REPLY_CORRECT,
        L = SLOT_REPLY_LATER,
        U = SLOT_REPLY_UNCLEAR
    };
    static const struct {
        int want;
        const char *text;
    } ROWS[] = {
        {Y, "yes"},
        {Y, "Yes!"},
        {Y, "yeah sure"},
        {Y, "ok"},
        {Y, "go ahead"},
        {Y, "please do"},
        {Y, "that's right"},
        {Y, "correct"},
        {Y, "sounds good"},
        {Y, "of course"},
        {Y, "y"},
        {Y, "\xf0\x9f\x91\x8d"},
        {Y, "no problem, go ahead"},
        {Y, "ja"},
        {Y, "oui"},
        {Y, "s\xc3\xad"},
        {Y, "yes, cancel it please"},
        {Y, "why not"},
        {Y, "sure, no rush"},
        {N, "no"},
        {N, "nope"},
        {N, "No, thanks"},
        {N, "don't"},
        {N, "please don't cancel it"},
        {N, "never mind"},
        {N, "leave it"},
        {N, "I changed my mind"},
        {N, "nein"},
        {N, "no way"},
        {N, "that's not right"},
        {N, "absolutely not"},
        {C, "no, I meant BW-10422"},
        {C, "no, BW-10422"},
        {C, "actually it's 7 seats"},
        {C, "make it 5"},
        {C, "wrong order"},
        {C, "yes but to another address"},
        {L, "not now"},
        {L, "wait"},
        {L, "ok wait"},
        {L, "let me check"},
        {L, "hold on a second"},
        {U, ""},
        {U, "not sure"},
        {U, "why?"},
        {U, "what happens if I say yes"},
        {U, "are you sure?"},
        {U, "where is my invoice"},
        {U, "the weather is nice"},
        {U, "yes and by the way the other day when I tried to sign in with my phone the page never "
            "loaded and I had to start again"},
    };
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        double confidence = -1;
        int got = slot_reply_of(str_of(ROWS[i].text), &confidence);
        if (got != ROWS[i].want) {
            print_message("\"%s\": got %d, want %d\n", ROWS[i].text, got, ROWS[i].want);
            wrong++;
        }
        assert_true(confidence >= 0 && confidence <= 1);
        assert_int_equal(confidence > 0, got != U);
    }
    assert_int_equal(wrong, 0);
    assert_true(slot_is_abort(STR("never mind")) && slot_is_abort(STR("Stop")) &&
                slot_is_abort(STR("forget it, thanks")) && slot_is_abort(STR("vergiss es")));
    assert_false(slot_is_abort(STR("cancel my order")) || slot_is_abort(STR("my app stopped")) ||
                 slot_is_abort(STR("")) || slot_is_abort(STR("how do I stop the subscription")));
}

/* Slots of real utterances (NLU++): the share whose value is found first when its words are the
 * answer. */
static void test_data(void **state)
{
    struct arena *a = *state;
    static const char *const FILES[] = {"intent/nlupp/banking.jsonl", "intent/nlupp/hotels.jsonl"};
    /* The set was written on Tuesday, 15 March 2022, 9:00. */
    struct slot_scene scene = {.now_ms = 1647334800000, .answers = true, .day_first = true};
    double days = 0, days_right = 0, times = 0, times_right = 0, sums = 0, sums_right = 0;
    for (size_t f = 0; f < SAMPLE_COUNT(FILES); f++) {
        struct str rest = sample_data(a, FILES[f]);
        const struct json *row;
        while ((row = sample_line(a, &rest))) {
            const struct json *slots = json_get(row, "slots");
            for (size_t i = 0; i < json_count(slots); i++) {
                struct str name = slots->members[i].name;
                const struct json *s = &slots->members[i].value, *value = json_get(s, "value");
                struct str text = json_str(s, "text", STR(""));
                struct slot found[SLOT_FOUND_MAX];
                if (str_starts(name, STR("date")) && json_get(value, "day")) {
                    struct slot_want want = {.kind = SLOT_DATE};
                    size_t n = slot_find(a, &want, text, &scene, found);
                    struct str right =
                        str_fmt(a, "%04d-%02d-%02d", (int)json_int(value, "year", 0),
                                (int)json_int(value, "month", 0), (int)json_int(value, "day", 0));
                    days++;
                    days_right += n && str_eq(found[0].text, right);
                } else if (str_starts(name, STR("time")) && json_get(value, "hour")) {
                    struct slot_want want = {.kind = SLOT_TIME};
                    size_t n = slot_find(a, &want, text, &scene, found);
                    int64_t right = json_int(value, "hour", 0) * 60 + json_int(value, "minute", 0);
                    times++;
                    times_right += n && found[0].integer == right;
                } else if (str_eqz(name, "amount_of_money")) {
                    struct slot_want want = {.kind = SLOT_MONEY};
                    size_t n = slot_find(a, &want, text, &scene, found);
                    double right = json_real(value, "amount", -1);
                    sums++;
                    sums_right +=
                        n && found[0].real > right - 0.001 && found[0].real < right + 0.001;
                }
            }
        }
    }
    print_message("dates %.3f of %.0f, times %.3f of %.0f, money %.3f of %.0f\n", days_right / days,
                  days, times_right / times, times, sums_right / sums, sums);
    assert_true(days_right / days > 0.8 && times_right / times > 0.8 && sums_right / sums > 0.95);
}

static void test_any_bytes(void **state)
{
    struct arena *a = *state;
    static const char *const PARTS[] = {
        "12",   "-",    "march", "the",     "3rd", ":",    "pm", "in",   "a",
        "half", "week", "$",     ".",       ",",   "next", "to", "\xff", "\xe2\x82\xac",
        "of",   "BW",   "and",   "hundred", " ",   " ",    "/",  "ago",  "from"};
    uint32_t seed = 11;
    for (int round = 0; round < 1500; round++) {
        struct buf b = buf_make(4096);
        for (int i = 0; i < 24; i++) {
            seed = seed * 1664525 + 1013904223;
            buf_add_str(&b, str_of(PARTS[(seed >> 16) % SAMPLE_COUNT(PARTS)]));
            buf_add_str(&b, seed & 0x40000000 ? STR(" ") : STR(""));
        }
        for (int kind = SLOT_INTEGER; kind <= SLOT_TEXT; kind++) {
            struct slot found[SLOT_FOUND_MAX];
            struct slot_want want = {.kind = (enum slot_kind)kind,
                                     .schema = sample_json(a, STR(ORDER))};
            struct slot_scene scene = {.now_ms = NOW_MS, .answers = round % 2};
            struct str text = str_dup(a, buf_str(&b));
            size_t n = slot_find(a, &want, text, &scene, found);
            for (size_t i = 0; i < n; i++) {
                assert_true(found[i].start <= found[i].end && found[i].end <= text.n);
            }
        }
        buf_free(&b);
        arena_reset(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_numbers),   SAMPLE_TEST(test_money),   SAMPLE_TEST(test_dates),
        SAMPLE_TEST(test_times),     SAMPLE_TEST(test_forms),   SAMPLE_TEST(test_choices),
        SAMPLE_TEST(test_persons),   SAMPLE_TEST(test_replies), SAMPLE_TEST(test_data),
        SAMPLE_TEST(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
