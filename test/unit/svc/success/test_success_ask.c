/* Questions to the success copilot from beginning to end, over customers of the test: the events,
 * the answer, and both when tools fail one by one, several and all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mishap.h"
#include "codec/date.h"
#include "host/org.h"
#include "store/cache.h"
#include "support/customers.h"
#include "support/shop.h"
#include "svc/success/eval_session.h"
#include "svc/success/success_ask.h"

#define NOW INSTALLATION_NOW_MS
enum { EVENTS_MAX = 100, TOOL_MS = 150 };

extern const struct service success_service;
static const struct service *const services[] = {&customers_service, &success_service, NULL};

static const struct customer customers[] = {
    {"acme-001", "Acme Corp", "up", 82, 2, NOW + 100 * DATE_DAY_MS, 25000000, "Dana Poe", NULL,
     NULL},
    {"globex-001", "Globex Corporation", "flat", 120, 7, NOW + 20 * DATE_DAY_MS, 40000000, NULL,
     NULL, NULL},
    {"initech-001", "Initech", "down", 35, 0, NOW - 5 * DATE_DAY_MS, 9500000, NULL, NULL, NULL},
    {"blank-001", "Blank", NULL, 0, -1, 0, -1, NULL, NULL, NULL},
    {"today-001", "Todaya", "up", 10, 0, NOW - NOW % DATE_DAY_MS, 1000000, NULL, NULL, NULL},
    {"morrow-001", "Morrowa", "up", 10, 0, NOW - NOW % DATE_DAY_MS + DATE_DAY_MS, 1000000, NULL,
     NULL, NULL},
    {"users-001", "Usersless", "up", -1, 0, NOW + 400 * DATE_DAY_MS, 1000000, NULL, NULL, NULL},
    {"dup-001", "Dup Name", "up", 10, 0, NOW + 400 * DATE_DAY_MS, 1000000, NULL, NULL, NULL},
    {"dup-002", "Dup Name", "down", 20, 1, NOW + 400 * DATE_DAY_MS, 2000000, NULL, NULL, NULL},
    {0},
};

struct world {
    struct shop shop;
    struct mishap mishap;
    enum mishap_fate fates[SUCCESS_TOOL_COUNT];
    int times;  /* how often it happens; 0: always */
    int events; /* heard */
    char names[EVENTS_MAX][24];
    char tools[EVENTS_MAX][32];
};

static enum mishap_fate befalls(void *arg, const char *step)
{
    struct world *w = arg;
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (strcmp(success_tool_at(i)->name, step) == 0) {
            enum mishap_fate fate = w->fates[i];
            if (fate && w->times && --w->times == 0) {
                w->fates[i] = MISHAP_NONE;
            }
            return fate;
        }
    }
    return MISHAP_NONE;
}

static void hear(struct ctx *c, const char *event, const struct json *data, void *arg)
{
    struct world *w = arg;
    assert_true(w->events < EVENTS_MAX);
    assert_true(str_eqz(json_str(data, "request_id", STR("")), c->request_id));
    snprintf(w->names[w->events], sizeof(w->names[0]), "%s", event);
    struct str tool = json_str(data, "name", STR(""));
    snprintf(w->tools[w->events++], sizeof(w->tools[0]), "%.*s", STR_ARG(tool));
}

static int make_world(void **state)
{
    static struct world w;
    w = (struct world){.mishap = {.befalls = befalls, .arg = &w}};
    customers_set(customers);
    shop_open(&w.shop, &(struct shop_setup){.services = services, .mishap = &w.mishap});
    w.shop.c->roles = ROLE_SUCCESS;
    *state = &w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    shop_close(&w->shop);
    return 0;
}

static int heard(const struct world *w, const char *event, const char *tool)
{
    int n = 0;
    for (int i = 0; i < w->events; i++) {
        n += strcmp(w->names[i], event) == 0 && (!tool || strcmp(w->tools[i], tool) == 0);
    }
    return n;
}

static struct brief ask(struct world *w, const char *text, const char *selected)
{
    const struct success_sink sink = {.tell = hear, .arg = w};
    const struct success_ask q = {.text = str_of(text),
                                  .selected = str_of(selected ? selected : ""),
                                  .tool_ms = TOOL_MS,
                                  .sink = &sink};
    struct brief b;
    w->events = 0;
    assert_int_equal(success_ask(w->shop.c, &q, &b), E_OK);
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        const char *tool = success_tool_at(i)->name;
        assert_int_equal(heard(w, "tool:start", tool), heard(w, "tool:end", tool));
        assert_int_equal(heard(w, "tool:start", tool), heard(w, "tool:complete", tool));
    }
    assert_int_equal(heard(w, "final", NULL), 0); /* is for whoever keeps the brief to tell */
    assert_int_equal(heard(w, "plan", NULL), 1);
    return b;
}

static bool says(const struct brief *b, const char *part)
{
    return str_find(json_str(b->final, "summary", STR("")), str_of(part)) >= 0;
}

static bool notes(const struct brief *b, const char *code)
{
    const struct json *list = json_get(b->final, "notes");
    for (size_t i = 0; i < json_count(list); i++) {
        if (str_eqz(json_str(json_at(list, i), "code", STR("")), code)) {
            return true;
        }
    }
    return false;
}

static void expect(const struct brief *b, const char *scope, const char *task)
{
    struct str was = json_str(b->final, "scope", STR("")),
               did = json_str(b->final, "task", STR(""));
    if (!str_eqz(was, scope) || !str_eqz(did, task)) {
        fail_msg("%.*s: %.*s, %.*s", STR_ARG(json_str(b->final, "question", STR(""))), STR_ARG(was),
                 STR_ARG(did));
    }
}

static void test_renewal_brief(void **state)
{
    struct world *w = *state;
    struct brief b = ask(w, "Prepare a renewal brief for Acme Corp", NULL);
    expect(&b, "account", "renewal");
    assert_int_equal(json_count(json_get(b.final, "used_tools")), 5);
    assert_int_equal(json_count(json_get(b.final, "decision_log")), 5);
    assert_int_equal(json_int(json_get(b.final, "health"), "score", 0), 87);
    assert_true(says(&b, "Acme Corp has a health score of 87, which is low risk."));
    assert_true(says(&b, "Usage is increasing, with 82 users"));
    assert_true(says(&b, "2 tickets are open."));
    assert_true(says(&b, "renews on 26 February 2027. It is worth €250,000 a year."));
    struct str subject = json_str(json_get(b.final, "email_draft"), "subject", STR(""));
    assert_true(str_eqz(subject, "Renewal alignment for Acme Corp"));
    assert_true(json_count(json_get(b.final, "actions")) >= 5);
    assert_int_equal(json_count(json_get(b.final, "notes")), 0);
    assert_int_equal(heard(w, "patch", NULL), 4); /* health, e-mail, actions, summary */
    assert_string_equal(w->names[0], "plan");
    assert_string_equal(w->names[1], "phase:complete");
}

struct question {
    const char *text, *selected, *scope, *task, *part, *note;
};

static const struct question questions[] = {
    {"How is Initech doing?", NULL, "account", "overview", "has passed", NULL},
    {"What is the health score of Blank?", NULL, "account", "health", "cannot be scored",
     "missing_usage"},
    {"Prepare a renewal brief for Blank", NULL, "account", "renewal", "", "missing_data"},
    {"How many tickets does Globex have?", NULL, "account", "tickets", "7 tickets are open.", NULL},
    {"When does Globex renew?", NULL, "account", "contract", "in 20 days", NULL},
    {"QBR outline and an e-mail for Acme", NULL, "account", "qbr", "outline", "tool_left_out"},
    {"Who is the champion at Acme?", NULL, "account", "overview", "Dana Poe", NULL},
    {"Prepare a renewal brief", NULL, "which_account", "renewal", "Which customer", NULL},
    {"Prepare a renewal brief", "globex-001", "account", "renewal", "Globex", NULL},
    {"Draft a check-in for Acme", "globex-001", "account", "email", "Acme", NULL},
    {"Prepare a renewal brief for Zenith Inc", "globex-001", "account", "renewal", "Globex",
     "used_instead"},
    {"Prepare a renewal brief for Zenith Inc", NULL, "which_account", "renewal", "Zenith Inc",
     NULL},
    {"Compare Acme and Globex", NULL, "portfolio", "portfolio", "Acme Corp: score 87", NULL},
    {"Write a renewal e-mail to Acme and Globex", NULL, "which_account", "renewal", "One customer",
     NULL},
    {"Which customers are most at risk before March?", NULL, "portfolio", "portfolio",
     "before 1 March 2027", NULL},
    {"How is Dup Name doing?", NULL, "which_account", "overview",
     "Dup Name (dup-001) or Dup Name (dup-002)", NULL},
    {"Health of Dup Name", NULL, "which_account", "health", "Dup Name (dup-002)", NULL},
    {"How is Dup Name doing?", "dup-002", "account", "overview", "20 users", NULL},
    {"How is Dup Name doing?", "acme-001", "which_account", "overview", "Dup Name (dup-001)", NULL},
    {"Write a renewal e-mail to Acme and Globex", "globex-001", "account", "renewal", "Globex",
     "one_at_a_time"},
    {"Any red flags?", NULL, "portfolio", "portfolio", "", NULL},
    {"What should I do today?", NULL, "portfolio", "portfolio", "", NULL},
    {"What changed since yesterday?", NULL, "portfolio", "portfolio", "", "changes_not_listed"},
    {"Any red flags?", "acme-001", "account", "overview", "Acme Corp", NULL},
    {"When does Todaya renew?", NULL, "account", "contract", "renews today", NULL},
    {"When does Morrowa renew?", NULL, "account", "contract", "renews tomorrow", NULL},
    {"Draft a renewal e-mail for Acme about June 2026", NULL, "account", "renewal", "Acme", NULL},
    {"How was Acme doing in June 2026?", NULL, "account", "overview", "Acme Corp", "as_of"},
    {"Draft an e-mail to Acme on what was wrong in June 2026", NULL, "account", "email", "",
     "speaks_of_today"},
    {"How is the usage of Usersless?", NULL, "account", "usage", "Usage is rising.", NULL},
    {"How is Northwind doing?", NULL, "which_account", "overview", "no customer called Northwind",
     NULL},
    {"What's new at Blue Harbour?", NULL, "which_account", "overview", "called Blue Harbour", NULL},
    {"Tell me about Northwind", NULL, "which_account", "overview", "no customer called Northwind",
     NULL},
    {"Tell me about the weather in Northwind", NULL, "refused", "overview", "outside my job",
     "out_of_scope"},
    {"How do I bake bread?", NULL, "refused", "overview", "outside my job", "out_of_scope"},
};

static void test_questions(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        const struct question *q = &questions[i];
        struct brief b = ask(w, q->text, q->selected);
        expect(&b, q->scope, q->task);
        if (!says(&b, q->part) || (q->note && !notes(&b, q->note))) {
            fail_msg("%s: %.*s", q->text, STR_ARG(json_write(w->shop.c->arena, b.final)));
        }
    }
}

static void test_unseen_account(void **state)
{
    struct world *w = *state;
    const struct success_ask q = {.text = STR("Health of Nowhere"), .selected = STR("nowhere")};
    struct brief b;
    assert_int_equal(success_ask(w->shop.c, &q, &b), E_NOT_FOUND);
    assert_string_equal(w->shop.c->fault.field, "account_id");
    ctx_forgive(w->shop.c);
}

/* Who is asked which account is meant can pick one without words. */
static void test_candidates(void **state)
{
    struct world *w = *state;
    struct brief b = ask(w, "How is Dup Name doing?", NULL);
    const struct json *list = json_get(b.final, "candidates");
    assert_int_equal(json_count(list), 2);
    for (size_t i = 0; i < 2; i++) {
        struct str slug = json_str(json_at(list, i), "slug", STR(""));
        assert_true(str_eqz(slug, i ? "dup-002" : "dup-001"));
        assert_true(str_eqz(json_str(json_at(list, i), "name", STR("")), "Dup Name"));
        b = ask(w, "How is Dup Name doing?", str_dupz(w->shop.c->arena, slug));
        expect(&b, "account", "overview");
    }
    assert_null(json_find(b.final, STR("candidates")));
    b = ask(w, "Write a renewal e-mail to Acme and Globex", NULL);
    assert_int_equal(json_count(json_get(b.final, "candidates")), 2);
}

static struct str draft_of(const struct brief *b)
{
    return json_str(json_get(b->final, "email_draft"), "body", STR(""));
}

/* The moment that is named is told, kept for a second run, and counted from. */
static void test_moment(void **state)
{
    struct world *w = *state;
    int64_t day_ms;
    assert_true(date_parse_day(STR("2026-06-30"), &day_ms));
    struct brief b = ask(w, "How was Acme doing in June 2026?", NULL);
    assert_int_equal(json_int(b.final, "as_of", 0), day_ms + DATE_DAY_MS - 1);
    assert_int_equal(json_int(b.params, "as_of_ms", 0), day_ms + DATE_DAY_MS - 1);
    struct str text = json_write(w->shop.c->arena, json_get(b.final, "notes"));
    assert_true(str_find(text, STR("30 June 2026")) >= 0);
    b = ask(w, "How is Acme doing?", NULL);
    assert_true(json_is_null(json_find(b.final, STR("as_of"))) && !notes(&b, "as_of"));
    b = ask(w, "Draft a renewal e-mail to Todaya", NULL);
    assert_true(str_find(draft_of(&b), STR("is due for renewal today")) >= 0);
    b = ask(w, "Draft a renewal e-mail to Initech", NULL);
    assert_true(str_find(draft_of(&b), STR("was due for renewal")) >= 0);
    const struct success_ask then = {.text = STR("Which customers renew next month?"),
                                     .selected = STR(""),
                                     .as_of_ms = day_ms,
                                     .tool_ms = TOOL_MS,
                                     .sink = &(struct success_sink){.tell = hear, .arg = w}};
    w->events = 0;
    assert_int_equal(success_ask(w->shop.c, &then, &b), E_OK);
    expect(&b, "portfolio", "portfolio");
    assert_true(says(&b, "31 July 2026")); /* next month as of then */
}

static struct str arr_of(const struct brief *b, const char *part)
{
    const struct json *figures = json_get(b->final, "figures");
    for (size_t i = 0; i < json_count(figures); i++) {
        if (str_eqz(json_str(json_at(figures, i), "key", STR("")), "arr")) {
            return json_str(json_at(figures, i), part, STR(""));
        }
    }
    return STR("none");
}

/* A currency that nobody said is the organisation's, or none. */
static void test_currency(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    customers_pay_in("");
    struct brief b = ask(w, "What is the contract of Acme?", NULL);
    assert_true(str_eqz(arr_of(&b, "unit"), "money"));
    assert_true(str_eqz(arr_of(&b, "text"), "250,000"));
    struct org org = {.id = c->org,
                      .settings =
                          json_object(c->arena, {"currency", json_new_str(c->arena, STR("SEK"))})};
    assert_int_equal(org_patch(c, &org), E_OK);
    b = ask(w, "What is the contract of Acme?", NULL);
    assert_true(str_eqz(arr_of(&b, "unit"), "SEK"));
    assert_true(says(&b, "It is worth SEK 250,000 a year."));
    customers_pay_in(NULL);
}

/* ---- failures ------------------------------------------------------------ */

static void forget(struct world *w)
{
    memset(w->fates, 0, sizeof(w->fates));
    w->times = 0;
    cache_erase(w->shop.c, &w->shop.c->org);
}

static const struct json *used(const struct brief *b, const char *tool)
{
    const struct json *list = json_get(b->final, "used_tools");
    for (size_t i = 0; i < json_count(list); i++) {
        if (str_eqz(json_str(json_at(list, i), "name", STR("")), tool)) {
            return json_at(list, i);
        }
    }
    return NULL;
}

static const struct failure {
    enum mishap_fate fate;
    const char *code, *note;
} failures[] = {
    {MISHAP_FAILS, "TOOL_FAILURE", "tool_failed"},
    {MISHAP_LATE, "TIMEOUT", "tool_failed"},
    {MISHAP_STALLS, "TIMEOUT", "tool_failed"},
    {MISHAP_GARBLES, "BAD_SHAPE", "bad_shape"},
};

static void test_one_fails(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        forget(w);
        w->fates[SUCCESS_TOOL_TICKETS] = failures[i].fate;
        struct brief b = ask(w, "Prepare a renewal brief for Acme Corp", NULL);
        const struct json *tool = used(&b, "get_recent_tickets");
        expect(&b, "account", "renewal");
        assert_true(str_eqz(json_str(tool, "status", STR("")), "error"));
        assert_true(str_eqz(json_str(tool, "error", STR("")), failures[i].code));
        assert_true(notes(&b, failures[i].note));
        assert_false(says(&b, "tickets are open"));
        assert_true(says(&b, "health score of 87") && says(&b, "Usage is increasing"));
        assert_true(json_is_null(json_get(json_get(b.final, "facts"), "tickets")));
    }
}

static void test_all_fail(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        forget(w);
        for (int t = 0; t < SUCCESS_TOOL_COUNT; t++) {
            w->fates[t] = failures[i].fate;
        }
        struct brief b = ask(w, "Prepare a renewal brief for Acme Corp", NULL);
        expect(&b, "failed", "renewal");
        assert_true(says(&b, "Nothing could be found out about Acme Corp right now."));
        assert_int_equal(heard(w, "tool:end", NULL), 5);
        assert_int_equal(json_count(json_get(b.final, "figures")), 0);
        assert_int_equal(json_count(json_get(b.final, "actions")), 0);
    }
}

static void test_second_try(void **state)
{
    struct world *w = *state;
    forget(w);
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_FAILS;
    w->times = 1;
    struct brief b = ask(w, "How is the usage of Acme?", NULL);
    assert_true(says(&b, "Usage is increasing"));
    assert_int_equal(json_int(used(&b, "get_customer_usage"), "attempts", 0), 2);
    assert_int_equal(json_count(json_get(b.final, "notes")), 0);
}

/* The last good answer stands in, and says how old it is. */
static void test_stale(void **state)
{
    struct world *w = *state;
    forget(w);
    ask(w, "How is the usage of Acme?", NULL);
    clock_advance_ms(w->shop.installation.clock, 3 * 3600 * 1000);
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_LATE;
    struct brief b = ask(w, "How is the usage of Acme?", NULL);
    assert_true(says(&b, "Usage is increasing") && notes(&b, "stale"));
    const struct json *tool = used(&b, "get_customer_usage");
    assert_true(json_bool(tool, "cached", false));
    assert_int_equal(json_int(tool, "stale_since_ms", 0), NOW);
    assert_true(str_eqz(json_str(tool, "status", STR("")), "error"));
    struct str text = json_write(w->shop.c->arena, json_get(b.final, "notes"));
    assert_true(str_find(text, STR("3 hours old")) < 0 && str_find(text, STR("180 min")) < 0
                    ? false
                    : true);
    clock_set_ms(w->shop.installation.clock, NOW);
}

static void test_circuit(void **state)
{
    struct world *w = *state;
    forget(w);
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_FAILS;
    for (int i = 0; i < SUCCESS_RUN_FAILURES_MAX; i++) {
        struct brief b = ask(w, "How is the usage of Acme?", NULL);
        assert_true(
            str_eqz(json_str(used(&b, "get_customer_usage"), "error", STR("")), "TOOL_FAILURE"));
    }
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_NONE;
    struct brief b = ask(w, "How is the usage of Acme?", NULL);
    const struct json *tool = used(&b, "get_customer_usage");
    assert_true(str_eqz(json_str(tool, "error", STR("")), "CIRCUIT_OPEN"));
    assert_int_equal(json_int(tool, "attempts", -1), 0);
    clock_advance_ms(w->shop.installation.clock, SUCCESS_RUN_OPEN_MS + 1);
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_FAILS; /* one failure opens it again */
    ask(w, "How is the usage of Acme?", NULL);
    w->fates[SUCCESS_TOOL_USAGE] = MISHAP_NONE;
    b = ask(w, "How is the usage of Acme?", NULL);
    assert_true(
        str_eqz(json_str(used(&b, "get_customer_usage"), "error", STR("")), "CIRCUIT_OPEN"));
    clock_advance_ms(w->shop.installation.clock, SUCCESS_RUN_OPEN_MS + 1);
    b = ask(w, "How is the usage of Acme?", NULL);
    assert_true(says(&b, "Usage is increasing"));
    clock_set_ms(w->shop.installation.clock, NOW);
}

static void test_again(void **state)
{
    struct world *w = *state;
    struct store *s = w->shop.store;
    struct ctx *c = w->shop.c;
    forget(w);
    w->fates[SUCCESS_TOOL_TICKETS] = w->fates[SUCCESS_TOOL_EMAIL] = MISHAP_LATE;
    struct brief first = ask(w, "Prepare a renewal brief for Acme Corp", NULL), kept, second;
    assert_int_equal(brief_add(c, s, &first), E_OK);
    assert_int_equal(brief_get(c, s, &first.id, &kept), E_OK);
    assert_true(json_equal(kept.final, first.final));
    forget(w);
    const struct success_sink sink = {.tell = hear, .arg = w};
    const struct success_ask q = {.id = first.id,
                                  .text = json_str(kept.final, "question", STR("")),
                                  .tool_ms = TOOL_MS,
                                  .sink = &sink};
    w->events = 0;
    assert_int_equal(success_ask_again(c, &q, &kept, &second), E_OK);
    assert_int_equal(heard(w, "tool:start", NULL), 2);
    assert_int_equal(heard(w, "tool:start", "get_recent_tickets"), 1);
    assert_true(id_eq(&second.id, &first.id));
    assert_true(says(&second, "2 tickets are open.") && says(&second, "health score of 87"));
    assert_int_equal(json_count(json_get(second.final, "used_tools")), 5);
    assert_int_equal(json_count(json_get(second.final, "notes")), 0);
    assert_false(json_is_null(json_get(second.final, "email_draft")));
    assert_int_equal(brief_replace(c, s, &second), E_OK);
    assert_int_equal(brief_get(c, s, &first.id, &kept), E_OK);
    assert_int_equal(success_ask_again(c, &q, &kept, &second), E_CONFLICT); /* nothing failed */
    ctx_forgive(c);
}

/* The same customer before and after somebody filled in what was missing. */
static const struct customer unsigned_customers[] = {
    {"acme-001", "Acme Corp", "up", 82, 2, 0, -1, NULL, NULL, NULL}, {0}};
static const struct customer signed_customers[] = {
    {"acme-001", "Acme Corp", "down", 41, 7, NOW + 20 * DATE_DAY_MS, 25000000, NULL, NULL, NULL},
    {0}};

static void run_again(struct world *w, const struct brief *before, struct brief *out)
{
    const struct success_sink sink = {.tell = hear, .arg = w};
    const struct success_ask q = {.id = before->id,
                                  .text = json_str(before->final, "question", STR("")),
                                  .tool_ms = TOOL_MS,
                                  .sink = &sink};
    w->events = 0;
    assert_int_equal(success_ask_again(w->shop.c, &q, before, out), E_OK);
}

/* What lacked data runs again, and where facts have changed all of it does: no answer of two
 * states. */
static void test_again_with_other_facts(void **state)
{
    struct world *w = *state;
    struct brief first, second;
    forget(w);
    customers_set(unsigned_customers);
    first = ask(w, "Prepare a renewal brief for Acme Corp", NULL);
    assert_true(notes(&first, "missing_renewal_date"));
    run_again(w, &first, &second); /* nothing has changed: what lacks data is asked for once more */
    assert_int_equal(heard(w, "tool:start", NULL), 3);
    assert_int_equal(heard(w, "tool:start", "get_customer_usage"), 0);
    assert_true(notes(&second, "missing_renewal_date"));
    customers_set(signed_customers);
    run_again(w, &second, &first);
    assert_int_equal(heard(w, "tool:start", NULL), 5);
    assert_false(notes(&first, "missing_renewal_date") || notes(&first, "missing_data"));
    assert_true(says(&first, "in 20 days") && says(&first, "7 tickets are open."));
    assert_true(says(&first, "has a health score of") && says(&first, "Usage is declining"));
    assert_false(json_is_null(json_get(first.final, "email_draft")));
    customers_set(customers);
}

/* Where not even the facts of an account can be read, the plan, its tools and what they told last
 * are there all the same, and the answer is kept to run again. */
static void test_no_facts(void **state)
{
    struct world *w = *state;
    struct store *s = w->shop.store;
    struct brief kept, second;
    forget(w);
    customers_break("account.facts");
    struct brief b = ask(w, "How is the usage of Acme?", NULL);
    expect(&b, "failed", "usage");
    assert_true(notes(&b, "tool_failed"));
    assert_true(
        str_eqz(json_str(used(&b, "get_customer_usage"), "error", STR("")), "TOOL_FAILURE"));
    assert_true(str_eqz(json_str(json_get(b.final, "account"), "name", STR("")), "Acme Corp"));
    assert_int_equal(brief_add(w->shop.c, s, &b), E_OK);
    assert_int_equal(brief_get(w->shop.c, s, &b.id, &kept), E_OK);
    customers_break(NULL);
    forget(w);
    run_again(w, &kept, &second);
    assert_true(says(&second, "Usage is increasing"));
    customers_break("account.facts"); /* now there is an answer that may stand in */
    b = ask(w, "How is the usage of Acme?", NULL);
    expect(&b, "account", "usage");
    assert_true(notes(&b, "stale") && says(&b, "Usage is increasing"));
    run_again(w, &b, &second); /* while it still fails */
    assert_true(notes(&second, "stale"));
    customers_break(NULL);
    forget(w);
}

/* What was removed while an answer was made stays removed, what was changed stays changed. */
static void test_meanwhile(void **state)
{
    struct world *w = *state;
    struct store *s = w->shop.store;
    struct ctx *c = w->shop.c;
    forget(w);
    struct brief made = ask(w, "How is Acme doing?", NULL), early, late, gone = made;
    assert_int_equal(brief_replace(c, s, &made), E_NOT_FOUND); /* nothing there to replace */
    gone.account = STR("erased-001");
    assert_int_equal(brief_add(c, s, &gone), E_NOT_FOUND);
    assert_int_equal(brief_get(c, s, &made.id, &early), E_NOT_FOUND);
    assert_int_equal(brief_add(c, s, &made), E_OK);
    assert_int_equal(brief_get(c, s, &made.id, &early), E_OK);
    late = early;
    early.final =
        json_with(c->arena, early.final, STR("summary"), json_new_str(c->arena, STR("Mine.")));
    assert_int_equal(brief_replace(c, s, &early), E_OK);
    assert_int_equal(brief_replace(c, s, &late), E_CONFLICT);
    assert_int_equal(brief_get(c, s, &made.id, &late), E_OK);
    assert_true(says(&late, "Mine."));
    assert_int_equal(brief_delete(c, s, &made.id), E_OK);
    assert_int_equal(brief_replace(c, s, &late), E_NOT_FOUND);
    assert_int_equal(brief_get(c, s, &made.id, &late), E_NOT_FOUND);
    ctx_forgive(c);
}

/* What a guest asked is the guest's, for a day. */
static void test_guest(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    struct store *s = w->shop.store;
    struct brief_filter all = {.account = STR(""), .limit = 50};
    const struct json *items;
    struct brief got;
    bool more;
    forget(w);
    c->roles = ROLE_GUEST;
    struct brief b = ask(w, "How is Acme doing?", NULL);
    struct brief across = ask(w, "Compare Acme and Globex", NULL);
    assert_int_equal(brief_add(c, s, &b), E_OK);
    assert_int_equal(brief_add(c, s, &across), E_OK);
    assert_int_equal(brief_get(c, s, &b.id, &got), E_OK);
    assert_int_equal(brief_list(c, s, &all, &items, &more), E_OK);
    assert_int_equal(json_count(items), 2);
    customers_hide("acme-001"); /* no demo any more */
    assert_int_equal(brief_get(c, s, &b.id, &got), E_NOT_FOUND);
    assert_int_equal(brief_get(c, s, &across.id, &got), E_NOT_FOUND);
    assert_int_equal(brief_list(c, s, &all, &items, &more), E_OK);
    assert_int_equal(json_count(items), 0);
    customers_hide(NULL);
    c->roles = ROLE_SUCCESS;
    assert_int_equal(brief_get(c, s, &b.id, &got), E_NOT_FOUND);
    assert_int_equal(brief_list(c, s, &all, &items, &more), E_OK);
    for (size_t i = 0; i < json_count(items); i++) {
        struct str id = json_str(json_at(items, i), "id", STR(""));
        assert_false(str_eq(id, id_str(&b.id)));
    }
    clock_advance_ms(w->shop.installation.clock, BRIEF_GUEST_MS + 1);
    c->roles = ROLE_GUEST;
    assert_int_equal(brief_get(c, s, &b.id, &got), E_NOT_FOUND);
    assert_int_equal(brief_expire(c, s, BRIEF_KEEP_DAYS), E_OK);
    c->roles = ROLE_SUCCESS;
    clock_set_ms(w->shop.installation.clock, NOW);
    ctx_forgive(c);
}

/* How long members' briefs are kept is said in days, and ends them. */
static void test_kept(void **state)
{
    static const struct {
        const char *settings;
        int64_t days;
        const char *why;
    } cases[] = {
        {"{}", 730, "nothing said"},
        {"{\"briefs\":{\"keep_days\":30}}", 30, "said"},
        {"{\"briefs\":{\"keep_days\":36500}}", 36500, "the most"},
        {"{\"briefs\":{\"keep_days\":0}}", 730, "what no check lets in any more removes nothing"},
        {"{\"briefs\":{\"keep_days\":99999999999}}", 730, "too many"},
        {"{\"briefs\":{\"keep_days\":\"long\"}}", 730, "no number"},
        {"{\"briefs\":7}", 730, "no object"},
    };
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    struct store *s = w->shop.store;
    struct brief got;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct json *settings;
        struct json_fault fault;
        assert_int_equal(json_parse(c->arena, str_of(cases[i].settings), &settings, &fault), E_OK);
        if (brief_keep_days(settings) != cases[i].days) {
            fail_msg("%s", cases[i].why);
        }
    }
    forget(w);
    struct brief b = ask(w, "How is Acme doing?", NULL);
    assert_int_equal(brief_add(c, s, &b), E_OK);
    clock_advance_ms(w->shop.installation.clock, 29 * DATE_DAY_MS);
    assert_int_equal(brief_expire(c, s, 30), E_OK);
    assert_int_equal(brief_get(c, s, &b.id, &got), E_OK);
    clock_advance_ms(w->shop.installation.clock, 2 * DATE_DAY_MS);
    assert_int_equal(brief_expire(c, s, 30), E_OK);
    assert_int_equal(brief_get(c, s, &b.id, &got), E_NOT_FOUND);
    clock_set_ms(w->shop.installation.clock, NOW);
    ctx_forgive(c);
}

static bool whole(struct ctx *c, struct store *s, const struct id *session, int64_t n)
{
    struct store_rows rows;
    assert_int_equal(store_query(c, s, &rows,
                                 "SELECT result FROM eval_result WHERE session_id = ?1 AND n = ?2",
                                 S_ID(session), S_INT(n)),
                     E_OK);
    assert_int_equal(rows.count, 1);
    assert_true(str_find(row_str(&rows, 0, 0), STR("passed")) >= 0);
    return str_find(row_str(&rows, 0, 0), STR("final")) >= 0;
}

/* Of old evaluations the verdicts are kept, and not the answers. */
static void test_old_evaluations(void **state)
{
    enum { COUNT = EVAL_SESSIONS_WHOLE + 2 };
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    struct store *s = w->shop.store;
    struct id ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        ids[i] = id_new(NOW + i);
        assert_int_equal(store_exec(c, s, NULL,
                                    "INSERT INTO eval_session (id, status, plan, total, created_by,"
                                    " created_at, finished_at) VALUES (?1, 'done', '{}', 2, 'x',"
                                    " 1, 1)",
                                    S_ID(&ids[i])),
                         E_OK);
        for (int64_t n = 1; n <= 2; n++) {
            assert_int_equal(
                store_exec(
                    c, s, NULL,
                    "INSERT INTO eval_result (session_id, n, status, account, took_ms, result)"
                    " VALUES (?1, ?2, 'passed', '', 1,"
                    " '{\"status\":\"passed\",\"final\":{\"id\":\"x\"}}')",
                    S_ID(&ids[i]), S_INT(n)),
                E_OK);
        }
    }
    assert_int_equal(eval_session_trim(c, s), E_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(whole(c, s, &ids[i], 1), i >= 2);
        assert_int_equal(whole(c, s, &ids[i], 2), i >= 2);
    }
}

static void test_limits(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    char *much = arena_alloc(c->arena, SUCCESS_ASK_MAX_CHARS + 2);
    memset(much, 'a', SUCCESS_ASK_MAX_CHARS + 1);
    const struct json *tone = json_object(c->arena, {"tone", json_new_str(c->arena, STR("loud"))});
    const struct {
        struct str text;
        const struct json *params;
        const char *field;
    } cases[] = {{STR(""), NULL, "message"},
                 {STR("  \n"), NULL, "message"},
                 {str_make(much, SUCCESS_ASK_MAX_CHARS + 1), NULL, "message"},
                 {STR("\xff"), NULL, "message"},
                 {str_make("a\0b", 3), NULL, "message"},
                 {STR("hi"), tone, "tone"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct success_ask q = {.text = cases[i].text, .params = cases[i].params};
        assert_int_equal(success_ask_check(c, &q, "message"), E_INVALID);
        assert_string_equal(c->fault.field, cases[i].field);
    }
    const struct success_ask longest = {.text = str_make(much, SUCCESS_ASK_MAX_CHARS)};
    assert_int_equal(success_ask_check(c, &longest, "message"), E_OK);
    ctx_forgive(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renewal_brief),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_unseen_account),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_moment),
        cmocka_unit_test(test_currency),
        cmocka_unit_test(test_again_with_other_facts),
        cmocka_unit_test(test_no_facts),
        cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_all_fail),
        cmocka_unit_test(test_second_try),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_circuit),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_meanwhile),
        cmocka_unit_test(test_guest),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_old_evaluations),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
