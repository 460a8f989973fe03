/* Evaluations while accounts are removed: whose results are kept, under which numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bus/bus.h"
#include "bus/job.h"
#include "codec/date.h"
#include "support/customers.h"
#include "support/shop.h"
#include "svc/success/eval_session.h"

#define NOW INSTALLATION_NOW_MS

extern const struct service success_service;
static const struct service *const services[] = {&customers_service, &success_service, NULL};

#define ACME                                                                                       \
    {                                                                                              \
        "acme-001", "Acme Corp", "up", 82, 2, NOW + 100 * DATE_DAY_MS, 25000000, "Dana Poe", NULL, \
            NULL                                                                                   \
    }
#define GLOBEX                                                                                     \
    {                                                                                              \
        "globex-001", "Globex Corporation", "flat", 120, 7, NOW + 20 * DATE_DAY_MS, 40000000,      \
            NULL, NULL, NULL                                                                       \
    }
#define INITECH                                                                                    \
    {                                                                                              \
        "initech-001", "Initech", "down", 35, 0, NOW - 5 * DATE_DAY_MS, 9500000, NULL, NULL, NULL  \
    }
static const struct customer everybody[] = {ACME, GLOBEX, INITECH, {0}};
static const struct customer without_globex[] = {ACME, INITECH, {0}};

struct world {
    struct shop shop;
    struct id session;
    const char *at; /* the ask at which Globex is removed */
    int asks;       /* which one of them, from 1; counts down */
    bool lingers;   /* the service still answers for it, as within an ask that began before */
};

static int begin(void **state)
{
    static struct world w;
    w = (struct world){.at = ""};
    customers_set(everybody);
    shop_open(&w.shop, &(struct shop_setup){.services = services});
    w.shop.c->roles = ROLE_SUCCESS;
    *state = &w;
    return 0;
}

static int finish(void **state)
{
    struct world *w = *state;
    customers_watch(NULL, NULL);
    shop_close(&w->shop);
    return 0;
}

#define PLACE(id, name) "{\"id\":\"" id "\",\"slug\":\"" id "\",\"name\":\"" name "\"}"
#define ACCOUNTS                                                                                   \
    PLACE("acme-001", "Acme Corp")                                                                 \
    "," PLACE("globex-001", "Globex Corporation") "," PLACE("initech-001", "Initech")

static void make_session(struct world *w, const char *tasks, int total)
{
    struct ctx *c = w->shop.c;
    struct str plan = str_fmt(c->arena, "{\"accounts\":[" ACCOUNTS "],\"tasks\":[%s]}", tasks);
    w->session = id_new(ctx_now_ms(c));
    assert_int_equal(store_exec(c, w->shop.store, NULL,
                                "INSERT INTO eval_session (id, status, plan, total, created_by,"
                                " created_at, finished_at) VALUES (?1, 'running', ?2, ?3, 'x', 1,"
                                " 0)",
                                S_ID(&w->session), S_STR(plan), S_INT(total)),
                     E_OK);
}

static void keep_result(struct world *w, int n, const char *account)
{
    assert_int_equal(store_exec(w->shop.c, w->shop.store, NULL,
                                "INSERT INTO eval_result (session_id, n, status, account, took_ms,"
                                " result) VALUES (?1, ?2, 'passed', ?3, 1, '{\"kept\":true}')",
                                S_ID(&w->session), S_INT(n), S_Z(account)),
                     E_OK);
}

static void remove_globex(struct ctx *c, struct store *s)
{
    assert_int_equal(eval_session_forget(c, s, STR("globex-001")), E_OK);
}

static void on_ask(struct ctx *c, const char *ask, void *arg)
{
    struct world *w = arg;
    struct store *s;
    if (strcmp(ask, w->at) != 0 || --w->asks != 0) {
        return;
    }
    assert_int_equal(store_of(c, &s), E_OK);
    remove_globex(c, s);
    customers_set(w->lingers ? everybody : without_globex);
}

static void run(struct world *w)
{
    struct ctx *c = w->shop.c;
    customers_watch(on_ask, w);
    assert_int_equal(
        job_add(c, w->shop.store, .kind = "eval_session", .unique_key = id_str(&w->session)), E_OK);
    assert_int_equal(bus_drain(c, c->at->bus), E_OK);
    customers_watch(NULL, NULL);
}

/* "1 acme-001, 3 initech-001": the numbers and accounts that are kept; nothing of Globex is. */
static void expect(struct world *w, const char *kept, int total)
{
    struct ctx *c = w->shop.c;
    struct store_rows rows;
    char text[400] = "";
    assert_int_equal(store_query(c, w->shop.store, &rows,
                                 "SELECT n, account, result FROM eval_result WHERE session_id = ?1"
                                 " ORDER BY n",
                                 S_ID(&w->session)),
                     E_OK);
    for (int i = 0; i < rows.count; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at, "%s%d %.*s", i ? ", " : "",
                 (int)row_int(&rows, i, 0), STR_ARG(row_str(&rows, i, 1)));
        assert_true(str_find(row_str(&rows, i, 2), STR("lobex")) < 0);
    }
    assert_string_equal(text, kept);
    assert_int_equal(store_query(c, w->shop.store, &rows,
                                 "SELECT status, total, plan FROM eval_session WHERE id = ?1",
                                 S_ID(&w->session)),
                     E_OK);
    assert_true(str_eqz(row_str(&rows, 0, 0), "done"));
    assert_int_equal(row_int(&rows, 0, 1), total);
    assert_true(str_find(row_str(&rows, 0, 2), STR("lobex")) < 0);
}

/* What was done before the process ended is not done again, and nothing is left out. */
static void test_resumed(void **state)
{
    struct world *w = *state;
    make_session(w, "\"usage\",\"contract\"", 6);
    keep_result(w, 1, "acme-001");
    keep_result(w, 2, "globex-001");
    keep_result(w, 3, "initech-001");
    keep_result(w, 4, "acme-001");
    customers_set(without_globex);
    remove_globex(w->shop.c, w->shop.store);
    run(w);
    expect(w, "1 acme-001, 3 initech-001, 4 acme-001, 6 initech-001", 4);
}

/* Each moment of an ask at which its account may go. */
static const struct moment {
    const char *at;
    int asks;
    bool lingers;
    const char *why;
} moments[] = {
    {"account.match", 1, false, "while the account before it is asked about"},
    {"account.match", 2, false, "as it is asked about"},
    {"account.facts", 4, false, "while its answer is made"},
    {"account.health", 2, true, "after its answer was judged, before it is kept"},
};

static void test_running(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
        const struct moment *m = &moments[i];
        customers_set(everybody);
        make_session(w, "\"usage\",\"contract\"", 6);
        w->at = m->at;
        w->asks = m->asks;
        w->lingers = m->lingers;
        print_message("%s\n", m->why);
        run(w);
        assert_true(w->asks <= 0);
        expect(w, "1 acme-001, 3 initech-001, 4 acme-001, 6 initech-001", 4);
    }
}

/* A ranking that was made before somebody in it went is made again. */
static void test_ranked(void **state)
{
    struct world *w = *state;
    customers_set(everybody);
    make_session(w, "\"at_risk\",\"usage\"", 4);
    w->at = "account.portfolio";
    w->asks = 1;
    w->lingers = false;
    run(w);
    assert_true(w->asks <= 0);
    expect(w, "1 , 2 acme-001, 4 initech-001", 3);
}

/* One that was removed while it runs leaves no results behind. */
static void remove_session(struct ctx *c, const char *ask, void *arg)
{
    struct world *w = arg;
    struct store *s;
    if (strcmp(ask, "account.health") == 0 && --w->asks == 0) {
        assert_int_equal(store_of(c, &s), E_OK);
        assert_int_equal(store_exec(c, s, NULL, "DELETE FROM eval_result WHERE session_id = ?1",
                                    S_ID(&w->session)),
                         E_OK);
        assert_int_equal(
            store_exec(c, s, NULL, "DELETE FROM eval_session WHERE id = ?1", S_ID(&w->session)),
            E_OK);
    }
}

static void test_session_removed(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->shop.c;
    struct store_rows rows;
    customers_set(everybody);
    make_session(w, "\"usage\"", 3);
    w->asks = 2;
    customers_watch(remove_session, w);
    assert_int_equal(
        job_add(c, w->shop.store, .kind = "eval_session", .unique_key = id_str(&w->session)), E_OK);
    assert_int_equal(bus_drain(c, c->at->bus), E_OK);
    assert_int_equal(w->asks, 0);
    assert_int_equal(store_query(c, w->shop.store, &rows,
                                 "SELECT n FROM eval_result WHERE session_id = ?1",
                                 S_ID(&w->session)),
                     E_OK);
    assert_int_equal(rows.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_ranked),
        cmocka_unit_test(test_session_removed),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
