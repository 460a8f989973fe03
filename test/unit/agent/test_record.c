/* A record may be older than the rules of its kind: a change is judged by what it touches. And an
 * account keeps its rules whoever writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/record.h"
#include "support/shop.h"

extern const struct service account_service, identity_service;

static const struct service *const services[] = {&identity_service, &account_service, NULL};

static int begin(void **state)
{
    struct shop *w = calloc(1, sizeof(*w));
    shop_open(w, &(struct shop_setup){.services = services});
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct shop *w = *state;
    shop_close(w);
    free(w);
    return 0;
}

static const struct json *parsed(struct shop *w, const char *text)
{
    const struct json *v;
    struct json_fault fault;
    assert_int_equal(json_parse(w->c->arena, str_of(text), &v, &fault), E_OK);
    return v;
}

struct row {
    const char *changes, *field; /* NULL: it is taken */
    const char *why;
};

/* Stores `data` as if it had been written when there were no rules. */
static void store_old(struct shop *w, const char *kind, const char *first, const char *data,
                      struct record *out)
{
    assert_int_equal(record_create(w->c, w->store, str_of(kind), parsed(w, first), out), E_OK);
    assert_int_equal(store_exec(w->c, w->store, NULL, "UPDATE record SET data = ?2 WHERE id = ?1",
                                S_ID(&out->id), S_STR(str_of(data))),
                     E_OK);
}

static void change_each(struct shop *w, struct record *r, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct record after;
        enum err e = record_update(w->c, w->store, &r->id, parsed(w, rows[i].changes), 0, &after);
        if (e != (rows[i].field ? E_INVALID : E_OK)) {
            fail_msg("%s: %s: %s", rows[i].changes, rows[i].why, w->c->fault.text);
        }
        if (rows[i].field) {
            assert_string_equal(w->c->fault.field, rows[i].field);
            ctx_forgive(w->c);
        }
    }
}

static void test_a_change_of_an_account_is_judged_by_what_it_touches(void **state)
{
    struct shop *w = *state;
    struct record r;
    static const struct row rows[] = {
        {"{\"plan\": \"scale\"}", NULL, "old faults elsewhere are not this change's"},
        {"{\"usage\": {\"trend\": \"up\"}}", NULL, "the old line beside it is not touched"},
        {"{\"website\": \"javascript:b()\"}", "website", "it stays what may not be"},
        {"{\"name\": \"Ac\\u200bme\"}", "name", "a space that is not seen"},
        {"{\"name\": null}", "name", "an account has a name"},
        {"{\"usage\": {\"trend\": \"sideways\"}}", "usage.trend", "a part is named by its path"},
        {"{\"usage\": {\"sparkline\": [1, -1]}}", "usage.sparkline[1]", "no number below 0"},
        {"{\"slug\": \"other\"}", "slug", "its key stays"},
        {"{\"country\": \"Germany\"}", "country", "two letters"},
        {"{\"website\": null, \"name\": \"Acme\", \"vat\": \"DE1\"}", NULL, "mended, and more"},
    };
    store_old(w, "account", "{\"slug\": \"acme\", \"name\": \"Acme\"}",
              "{\"slug\": \"acme\", \"name\": \"A\\u202ecme\", \"website\": \"javascript:a()\","
              " \"usage\": {\"sparkline\": [\"x\"]}}",
              &r);
    change_each(w, &r, rows, sizeof(rows) / sizeof(*rows));
}

static void test_so_is_that_of_a_kind_whose_rules_became_others(void **state)
{
    struct shop *w = *state;
    struct record r;
    static const struct row rows[] = {
        {"{\"note\": \"x\"}", NULL, "the rest may be changed"},
        {"{\"size\": \"gross\"}", "size", "touched, so judged"},
        {"{\"count\": -1}", "count", "a new fault beside an old one"},
        {"{\"size\": \"large\", \"count\": 2}", NULL, "mended"},
        {"{\"size\": null}", "size", "a new fault by leaving out"},
    };
    assert_int_equal(
        record_kind_put(w->c, w->store,
                        parsed(w, "{\"name\": \"box\", \"key\": \"n\", \"fields\": {\"type\": "
                                  "\"object\", \"required\": [\"size\", \"weight\"], "
                                  "\"properties\": {\"size\": {\"enum\": [\"small\", \"large\"]}, "
                                  "\"count\": {\"type\": \"integer\", \"minimum\": 0}}}}")),
        E_OK);
    store_old(w, "box", "{\"n\": \"b1\", \"size\": \"small\", \"weight\": 1}",
              "{\"n\": \"b1\", \"size\": \"groß\"}", &r); /* and nobody asked for a weight */
    change_each(w, &r, rows, sizeof(rows) / sizeof(*rows));
}

static void test_a_new_account_keeps_every_rule(void **state)
{
    struct shop *w = *state;
    static const struct row rows[] = {
        {"{\"slug\": \"x1\"}", "name", "no name"},
        {"{\"slug\": \"X 1\", \"name\": \"X\"}", "slug", "a slug has its letters"},
        {"{\"slug\": \"x1\", \"name\": \"X\", \"currency\": \"EUX\"}", "currency", "no such code"},
        {"{\"slug\": \"x1\", \"name\": \"X\", \"website\": \"https:\"}", "website", "no address"},
        {"{\"slug\": \"x1\", \"name\": \"X\", \"since\": \"soon\"}", "since", "no day"},
        {"{\"slug\": \"x1\", \"name\": \"X\\u000ay\"}", "name", "two lines"},
        {"{\"slug\": \"x1\", \"name\": \"X\\udb40\\udc41\"}", "name", "a tag is not seen"},
        {"{\"slug\": \"x1\", \"name\": \"\\u0646\\u200c\\u0647\"}", NULL, "letters joined so"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct record r;
        enum err e = record_create(w->c, w->store, STR("account"), parsed(w, rows[i].changes), &r);
        if (e != (rows[i].field ? E_INVALID : E_OK)) {
            fail_msg("%s: %s: %s", rows[i].changes, rows[i].why, w->c->fault.text);
        }
        if (rows[i].field) {
            assert_string_equal(w->c->fault.field, rows[i].field);
            ctx_forgive(w->c);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_change_of_an_account_is_judged_by_what_it_touches,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_so_is_that_of_a_kind_whose_rules_became_others, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_new_account_keeps_every_rule, begin, end),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
