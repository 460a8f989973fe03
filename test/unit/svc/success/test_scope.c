/* The error rates of scope: how many questions of the job are refused, how many others pass. */
#include "unit/codec/sample.h"
#include "unit/svc/success/scope_prompts.h"

enum {
    PROMPT_COUNT = sizeof PROMPTS / sizeof *PROMPTS,
    SELECTED_COUNT = sizeof SELECTED_PROMPTS / sizeof *SELECTED_PROMPTS
};

static struct scope_verdict verdict(const struct classifier *k, struct arena *a,
                                    const struct scope_prompt *p, bool selected)
{
    struct str names[3];
    struct scope_question q = {.text = str_of(p->text), .names = names, .selected = selected};
    while (q.name_count < 3 && p->names[q.name_count]) {
        names[q.name_count] = str_of(p->names[q.name_count]);
        q.name_count++;
    }
    return scope_of(k, a, &q);
}

struct rates {
    int in, out, refused, passed, mistaken;
};

static void count(struct rates *r, const struct scope_prompt *p, struct scope_verdict v)
{
    bool is_out = p->kind == SCOPE_OUT;
    r->out += is_out;
    r->in += !is_out;
    r->refused += !is_out && v.kind == SCOPE_OUT;
    r->passed += is_out && v.kind != SCOPE_OUT;
    r->mistaken += !is_out && v.kind != SCOPE_OUT && v.kind != p->kind;
    if (v.kind != p->kind) {
        print_message("  %-9s taken for %-9s (%s): %s\n", scope_kind_name(p->kind),
                      scope_kind_name(v.kind), v.reason, p->text);
    }
}

static void hold(const char *which, const struct rates *r)
{
    print_message("scope, %s: %d of %d questions of the job refused (%.1f %%), %d of %d others let "
                  "through (%.1f %%), %d taken for another kind\n",
                  which, r->refused, r->in, 100.0 * r->refused / r->in, r->passed, r->out,
                  100.0 * r->passed / r->out, r->mistaken);
    assert_true(r->refused * 100 <= r->in * 4);
    assert_true(r->passed * 100 <= r->out * 4);
    assert_true(r->mistaken * 100 <= r->in * 6);
}

static void test_rates(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct classifier *k = scope_teach();
    struct rates rates = {0}, selected = {0};
    (void)state;
    assert_true(PROMPT_COUNT >= 300);
    for (size_t i = 0; i < PROMPT_COUNT; i++) {
        count(&rates, &PROMPTS[i], verdict(k, a, &PROMPTS[i], false));
    }
    for (size_t i = 0; i < SELECTED_COUNT; i++) {
        const struct scope_prompt *p = &SELECTED_PROMPTS[i];
        count(&selected, p, verdict(k, a, p, true));
    }
    hold("nothing selected", &rates);
    hold("an account selected", &selected);
    classify_free(&k);
    arena_free(&a);
}

/* The prompts that name nobody, asked beside an account: it excuses little, and what speaks of
 * several still does. */
static void test_beside_an_account(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct classifier *k = scope_teach();
    struct rates rates = {0};
    (void)state;
    for (size_t i = 0; i < PROMPT_COUNT; i++) {
        if (PROMPTS[i].kind != SCOPE_HELP && !PROMPTS[i].names[0]) {
            count(&rates, &PROMPTS[i], verdict(k, a, &PROMPTS[i], true));
        }
    }
    hold("the others beside an account", &rates);
    classify_free(&k);
    arena_free(&a);
}

/* What must hold for every one of them, not on the average. */
static void test_certain(void **state)
{
    struct arena *a = arena_new(16 << 20);
    struct classifier *k = scope_teach();
    static const struct scope_prompt ROWS[] = {
        {SCOPE_ACCOUNT, "Prepare a renewal brief for Acme Corp", {"Acme Corp"}},
        {SCOPE_PORTFOLIO, "Which customers are most at risk before March?", {0}},
        {SCOPE_ACCOUNT, "Who is the champion at Acme?", {"Acme"}},
        {SCOPE_ACCOUNT, "What's the story with Initech?", {"Initech"}},
        {SCOPE_OUT, "hack the customer portal", {0}},
        {SCOPE_OUT, "show me the credit card of the customer", {0}},
        {SCOPE_OUT, "How do I bake bread?", {0}},
        {SCOPE_OUT, "", {0}},
        {SCOPE_OUT, "...", {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct scope_verdict v = verdict(k, a, &ROWS[i], false);
        if (v.kind != ROWS[i].kind) {
            fail_msg("\"%s\" is taken for %s (%s)", ROWS[i].text, scope_kind_name(v.kind),
                     v.reason);
        }
    }
    classify_free(&k);
    arena_free(&a);
}

/* A set that shares sentences with what was taught measures nothing. */
static void test_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROMPT_COUNT; i++) {
        const struct scope_example *e;
        for (size_t j = 0; (e = scope_example_at(j)); j++) {
            if (str_eq_nocase(str_of(e->text), str_of(PROMPTS[i].text)) &&
                PROMPTS[i].names[0] == 0 && PROMPTS[i].kind != SCOPE_HELP) {
                fail_msg("\"%s\" was taught", e->text);
            }
        }
    }
}

/* After somebody, who need not be known, and after nothing else. */
static void test_asks_after(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool after;
    } rows[] = {
        {"How is Northwind doing?", "Northwind", true},
        {"how's Northwind doing lately", "Northwind", true},
        {"How is Northwind doing compared to last month?", "Northwind", true},
        {"What about Northwind?", "Northwind", true},
        {"What's new at Blue Harbour Ltd?", "Blue Harbour Ltd", true},
        {"What happened at Northwind last week?", "Northwind", true},
        {"Tell me about Northwind", "Northwind", true},
        {"How is Northwind built?", "Northwind", false},
        {"What is the capital of Northwind?", "Northwind", false},
        {"Tell me about the weather in Northwind", "Northwind", false},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str name = str_of(rows[i].name);
        const struct scope_question q = {str_of(rows[i].text), &name, 1, false};
        if (scope_asks_after(a, &q) != rows[i].after) {
            fail_msg("\"%s\"", rows[i].text);
        }
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_beside_an_account),
        cmocka_unit_test(test_certain),    cmocka_unit_test(test_apart),
        cmocka_unit_test(test_asks_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
