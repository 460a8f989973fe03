/* What people and models write to the success copilot: tasks, periods, numbers and placeholders. A
 * text that holds must hold again, for all that is left in it are figures. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "svc/success/success_number.h"
#include "svc/success/success_plan.h"
#include "svc/success/success_portfolio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795003200000)

static const char figures_text[] =
    "[{\"key\":\"score\",\"value\":87,\"unit\":\"points\",\"text\":\"87\"},"
    "{\"key\":\"arr\",\"value\":250000,\"unit\":\"EUR\",\"text\":\"€250,000\"},"
    "{\"key\":\"renewal_date\",\"value\":\"2027-02-26\",\"unit\":\"date\","
    "\"text\":\"26 February 2027\"}]";

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
