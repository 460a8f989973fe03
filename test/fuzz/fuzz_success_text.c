/* What people and models write to the success copilot: tasks, periods, numbers and placeholders. A
 * text that holds must hold again, for all that is left in it are figures; and none holds with a
 * link at its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "codec/numeral.h"
#include "svc/success/success_ground.h"
#include "svc/success/success_number.h"
#include "svc/success/success_plan.h"
#include "svc/success/success_portfolio.h"
#include "svc/success/success_vet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795003200000)

static const char figures_text[] =
    "[{\"key\":\"score\",\"value\":87,\"unit\":\"points\",\"text\":\"87\"},"
    "{\"key\":\"arr\",\"value\":250000,\"unit\":\"EUR\",\"text\":\"€250,000\"},"
    "{\"key\":\"renewal_date\",\"value\":\"2027-02-26\",\"unit\":\"date\","
    "\"text\":\"26 February 2027\"}]";

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Numbers and words come in order, each where it says, and hold what they say. */
static void read_numbers(struct str text)
{
    struct numeral n;
    char word[NUMERAL_WORD_MAX_BYTES];
    size_t cursor = 0, end = 0, length;
    while (numeral_next(text, &cursor, &n)) {
        require(n.start >= end && n.end > n.start && n.end <= text.n && cursor == n.end);
        require(n.digit_count > 0 && n.digit_count <= NUMERAL_DIGITS_MAX && n.value >= 0);
        require(numeral_is_digit(text.p[n.start]) && numeral_is_digit(text.p[n.end - 1]));
        end = n.end;
    }
    for (cursor = end = 0; numeral_next_word(text, &cursor, word, &length); end = cursor) {
        require(cursor > end && cursor <= text.n && length > 0 && length <= sizeof(word));
    }
}

/* What is left of a text is no longer than the text, but for the numbers of its lists. */
static void ground(struct arena *a, const struct json *figures, struct str text)
{
    const struct success_claim_truth truth = {figures, STR("up"), STR("low"), NOW};
    const struct success_ground g = {.truth = &truth, .asked = STR("a fair")};
    struct str dropped, left = success_ground_keep(a, &g, text, &dropped);
    require(left.n <= 2 * text.n && (dropped.n || left.n == text.n));
}

static void vet(struct arena *a, struct str text)
{
    const struct success_vet v = {.names = &json_empty_array,
                                  .quotes = &json_empty_array,
                                  .instructions = STR("Answer with one JSON object."),
                                  .trend = STR("up"),
                                  .risk = STR("low")};
    struct str linked = str_fmt(a, "%.*s http://evil.example", STR_ARG(text));
    success_vet_words(a, &v, text);
    require(success_vet_words(a, &v, linked) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct str text = str_make((const char *)data, size), bound, again, culprit;
    struct success_number_sheet sheet = {NULL, NULL};
    struct json_fault fault;
    struct success_plan plan;
    if (json_parse(a, str_of(figures_text), &sheet.figures, &fault) != E_OK) {
        abort();
    }
    if (success_number_bind(a, &sheet, text, &bound, &culprit) &&
        bound.n <= SUCCESS_NUMBER_TEXT_MAX_BYTES && str_find(bound, STR("{{")) < 0 &&
        !success_number_bind(a, &sheet, bound, &again, &culprit)) {
        abort();
    }
    read_numbers(text);
    vet(a, text);
    ground(a, sheet.figures, text);
    struct success_wish wish = success_wish_of(a, text, NULL);
    success_plan_make(&wish, &plan);
    if (plan.count < 1 || plan.count > SUCCESS_TOOLS_PER_ASK_MAX) {
        abort();
    }
    struct success_portfolio q = success_portfolio_parse(a, text, NOW);
    if (q.limit < 1 || q.limit > SUCCESS_PORTFOLIO_ROWS_MAX) {
        abort();
    }
    arena_free(&a);
    return 0;
}
