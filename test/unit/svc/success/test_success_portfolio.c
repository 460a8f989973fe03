/* Questions across customers: what of them is read as a condition, a total or a time, and that what
 * is not read is told. Each row says what the answer tells back. */
#include "unit/codec/sample.h"

#include "support/installation.h"
#include "svc/success/success_portfolio.h"

#define NOW INSTALLATION_NOW_MS /* 18 November 2026, noon */

static const char words[] =
    "{\"stages\":[\"active\",\"at_risk\",\"renewal_approaching\",\"trial\"],"
    "\"plans\":[\"growth\",\"scale\",\"starter\"],"
    "\"owners\":[\"marek@brightwell.example\",\"s.almeida@brightwell.example\"],"
    "\"countries\":[\"DE\",\"NL\",\"SE\"],"
    "\"industries\":[\"Outdoor retail\",\"Third-party logistics\"],"
    "\"names\":{\"s.almeida@brightwell.example\":\"Sofia Almeida\","
    "\"marek@brightwell.example\":\"Marek Vondra\"}}";

static const struct row {
    const char *text;
    const char *told; /* parted by "; " */
    const char *rest; /* what no reader took */
    const char *sum;  /* "count", "average score"; "": a list */
} rows[] = {
#include "unit/svc/success/portfolio_questions.h"
};

static struct str joined(struct arena *a, const struct json *texts)
{
    struct str all = STR("");
    for (size_t i = 0; i < json_count(texts); i++) {
        struct str one = json_text(json_at(texts, i), STR(""));
        all = str_fmt(a, "%.*s%s%.*s", STR_ARG(all), i ? "; " : "", STR_ARG(one));
    }
    return all;
}

static struct str sum_of(struct arena *a, const struct success_portfolio *q)
{
    return str_fmt(a, "%s%s%s%s%s", q->counts ? "count" : "", q->counts && q->sum ? ", " : "",
                   !q->sum      ? ""
                   : q->average ? "average"
                                : "total",
                   q->sum ? " " : "", q->sum ? q->sum : "");
}

static void test_questions(void **state)
{
    struct arena *a = *state;
    const struct json *known = sample_json(a, str_of(words));
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct success_portfolio q = success_portfolio_parse(a, str_of(r->text), NOW);
        success_portfolio_match(&q, known, STR("marek@brightwell.example"));
        struct str told = joined(a, success_portfolio_told(a, &q));
        struct str rest = joined(a, success_portfolio_rest(a, &q)), sum = sum_of(a, &q);
        if (q.as_of_ms) {
            struct str day = wording_date(a, WORDING_EN, q.as_of_ms);
            told = str_fmt(a, "as of %.*s; %.*s", STR_ARG(day), STR_ARG(told));
        }
        if (q.impossible.n) {
            told = str_fmt(a, "no day %.*s; %.*s", STR_ARG(q.impossible), STR_ARG(told));
        }
        if (!str_eqz(told, r->told) || !str_eqz(rest, r->rest) || !str_eqz(sum, r->sum)) {
            print_message("    {\"%s\", \"%.*s\", \"%.*s\", \"%.*s\"},\n", r->text, STR_ARG(told),
                          STR_ARG(rest), STR_ARG(sum));
            wrong++;
        }
    }
    assert_true(sizeof rows / sizeof *rows >= 60);
    assert_int_equal(wrong, 0);
}

/* The most that somebody may send, in one word and in very many. */
static void test_long(void **state)
{
    struct arena *a = *state;
    char text[2001];
    static const char *const fillers[] = {"9",    "<",         "3 tickets ",
                                          "not ", "in March ", "\xe2\x82\xac"};
    for (size_t f = 0; f < sizeof fillers / sizeof *fillers; f++) {
        size_t n = strlen(fillers[f]), at = 0;
        for (; at + n < sizeof text; at += n) {
            memcpy(text + at, fillers[f], n);
        }
        struct success_portfolio q = success_portfolio_parse(a, str_make(text, at), NOW);
        success_portfolio_match(&q, sample_json(a, str_of(words)), STR(""));
        assert_true(q.words->n <= QUESTION_WORDS_MAX);
        assert_true(json_count(success_portfolio_rest(a, &q)) <= 12);
    }
}

/* What is asked of the portfolio is what is told. */
static void test_bounds(void **state)
{
    static const struct {
        struct question_bound bound;
        int has_least, has_most;
        int64_t least, most;
    } bounds[] = {
        {{QUESTION_OVER, 3, 0}, 1, 0, 4, 0},  {{QUESTION_LEAST, 3, 0}, 1, 0, 3, 0},
        {{QUESTION_UNDER, 3, 0}, 0, 1, 0, 2}, {{QUESTION_MOST, 3, 0}, 0, 1, 0, 3},
        {{QUESTION_EXACT, 0, 0}, 1, 1, 0, 0}, {{QUESTION_BETWEEN, 3, 5}, 1, 1, 3, 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        bool has_least, has_most;
        int64_t least, most;
        question_bound_ends(&bounds[i].bound, &has_least, &least, &has_most, &most);
        assert_int_equal(has_least, bounds[i].has_least);
        assert_int_equal(has_most, bounds[i].has_most);
        assert_true(!has_least || least == bounds[i].least);
        assert_true(!has_most || most == bounds[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_questions),
        SAMPLE_TEST(test_long),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
