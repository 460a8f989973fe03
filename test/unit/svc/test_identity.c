/* Organisations and members over HTTP when something fails on the way: asked for again, what was
 * meant is there, and told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mishap.h"
#include "host/access.h"
#include "host/org.h"
#include "store/vault.h"
#include "support/shop.h"

enum { CALLS_MAX = 400 };

extern const struct service identity_service;
static const struct service *const services[] = {&identity_service, NULL};

struct world {
    struct shop shop;
    struct str operator_token;
    int64_t seen[MISHAP_PLACES], calls, fails_at; /* 0: none */
    struct mishap mishap;
};

static bool strikes(void *arg, enum mishap_place place)
{
    struct world *w = arg;
    w->seen[place]++;
    return ++w->calls == w->fails_at;
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    w->mishap = (struct mishap){.strikes = strikes, .arg = w};
    shop_open(&w->shop,
              &(struct shop_setup){.services = services, .kind = "operator", .mishap = &w->mishap});
    assert_int_equal(access_issue(w->shop.c, &w->shop.member, STR("Olive"),
                                  ROLE_OPERATOR | ROLE_ADMIN, &w->operator_token),
                     E_OK);
    *state = w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    shop_close(&w->shop);
    free(w);
    return 0;
}

static struct shop_answer ask(struct world *w, const char *method, const char *path,
                              struct str body, struct str key)
{
    struct shop_request r = {method, path, body, w->operator_token, key};
    memset(w->seen, 0, sizeof(w->seen));
    return shop_send(&w->shop, &r);
}

/* With its n-th call outside failing; sent again as long as it is answered with an error. False:
 * it makes fewer calls. */
static bool ask_failing(struct world *w, int64_t n, const struct shop_request *r,
                        struct shop_answer *out)
{
    w->calls = 0;
    w->fails_at = n;
    *out = ask(w, r->method, r->path, r->body, r->key);
    bool struck = w->calls >= n;
    w->fails_at = 0;
    if (out->status >= 500) {
        assert_true(struck);
        *out = ask(w, r->method, r->path, r->body, r->key);
    }
    return struck;
}

static int64_t entries(struct world *w, const char *action, struct str resource)
{
    struct store_rows rows;
    assert_int_equal(store_query(w->shop.c, w->shop.store, &rows,
                                 "SELECT count(*) FROM audit_entry WHERE action = ?1"
                                 " AND resource = ?2",
                                 S_Z(action), S_STR(resource)),
                     E_OK);
    return row_int(&rows, 0, 0);
}

static struct str org_id(struct world *w, const char *slug)
{
    struct org org;
    bool there = org_by_slug(w->shop.c, str_of(slug), &org) == E_OK;
    return there ? str_dup(w->shop.c->arena, id_str(&org.id)) : STR("");
}

/* An org of its own for every call that fails, with and without a key. */
static void make_failing(struct world *w, const char *name, bool keyed)
{
    struct arena *a = w->shop.c->arena;
    for (int64_t n = 1; n < CALLS_MAX; n++) {
        struct str slug = str_fmt(a, "%s-%d", name, (int)n), key = keyed ? slug : STR("");
        struct str body = str_fmt(a, "{\"name\":\"%s\",\"slug\":\"%.*s\",\"settings\":{\"x\":1}}",
                                  name, STR_ARG(slug));
        struct shop_answer answer;
        bool struck = ask_failing(
            w, n, &(struct shop_request){"POST", "/api/v1/orgs", body, STR(""), key}, &answer);
        struct str id = org_id(w, str_dupz(a, slug));
        /* without a key, who did not hear the answer hears that it is there */
        if (answer.status != 201 && (keyed || answer.status != 409)) {
            fail_msg("call %d, %s: %d", (int)n, name, answer.status);
        }
        if (!id.n || entries(w, "org_created", id) != 1) {
            fail_msg("call %d, %s: told %d times", (int)n, name,
                     (int)entries(w, "org_created", id));
        }
        if (!struck) {
            return;
        }
    }
    fail_msg("more calls than expected");
}

static void test_making_an_org_again_goes_on(void **state)
{
    make_failing(*state, "keyed", true);
    make_failing(*state, "plain", false);
}

static void test_what_is_there_is_taken(void **state)
{
    struct world *w = *state;
    struct str body = STR("{\"name\":\"One\",\"slug\":\"one\"}");
    assert_int_equal(ask(w, "POST", "/api/v1/orgs", body, STR("")).status, 201);
    assert_int_equal(ask(w, "POST", "/api/v1/orgs", body, STR("")).status, 409);
    assert_int_equal(ask(w, "POST", "/api/v1/orgs", body, STR("another")).status, 409);
    body = STR("{\"name\":\"Two\",\"slug\":\"one\"}");
    assert_int_equal(ask(w, "POST", "/api/v1/orgs", body, STR("")).status, 409);
    assert_int_equal(entries(w, "org_created", org_id(w, "one")), 1);
}

static void change_failing(struct world *w, const char *name, bool keyed)
{
    struct arena *a = w->shop.c->arena;
    struct str path = str_fmt(a, "/api/v1/orgs/%s", w->shop.org.text);
    for (int64_t n = 1; n < CALLS_MAX; n++) {
        struct str text = str_fmt(a, "%s %d", name, (int)n), key = keyed ? text : STR("");
        struct str body = str_fmt(a, "{\"name\":\"%.*s\"}", STR_ARG(text));
        int64_t before = entries(w, "org_updated", id_str(&w->shop.org));
        struct shop_answer answer;
        bool struck = ask_failing(
            w, n, &(struct shop_request){"PATCH", str_dupz(a, path), body, STR(""), key}, &answer);
        assert_int_equal(answer.status, 200);
        assert_true(str_eq(json_str(answer.json, "name", STR("")), text));
        int64_t told = entries(w, "org_updated", id_str(&w->shop.org)) - before;
        if (told != 1) {
            fail_msg("call %d, %s: told %d times", (int)n, name, (int)told);
        }
        if (!struck) {
            return;
        }
    }
    fail_msg("more calls than expected");
}

static void test_a_change_is_told_once(void **state)
{
    change_failing(*state, "keyed", true);
    change_failing(*state, "plain", false);
}

/* Going back and forth is several changes. */
static void test_every_change_is_told(void **state)
{
    struct world *w = *state;
    const char *path =
        str_dupz(w->shop.c->arena, str_fmt(w->shop.c->arena, "/api/v1/orgs/%s", w->shop.org.text));
    const char *names[] = {"{\"name\":\"A\"}", "{\"name\":\"B\"}", "{\"name\":\"A\"}"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(w, "PATCH", path, str_of(names[i]), STR("")).status, 200);
    }
    assert_int_equal(entries(w, "org_updated", id_str(&w->shop.org)), 3);
}

/* A page of organisations costs one look, and settings that cannot be read spoil no page. */
static void test_list_is_one_look(void **state)
{
    struct world *w = *state;
    struct id system = id_system();
    struct store *s;
    struct shop_answer all = ask(w, "GET", "/api/v1/orgs", STR(""), STR(""));
    int64_t one = w->seen[MISHAP_SQL];
    assert_int_equal(json_count(json_get(all.json, "items")), 1);
    for (int i = 0; i < 5; i++) {
        struct str body = str_fmt(
            w->shop.c->arena, "{\"name\":\"N\",\"slug\":\"n%d\",\"settings\":{\"n\":%d}}", i, i);
        assert_int_equal(ask(w, "POST", "/api/v1/orgs", body, STR("")).status, 201);
    }
    assert_int_equal(store_of_org(w->shop.c, &system, &s), E_OK);
    assert_int_equal(
        store_exec(w->shop.c, s, NULL, "UPDATE org SET settings = '{\"n\":' WHERE slug = 'n3'"),
        E_OK);
    for (int again = 0; again < 2; again++) {
        all = ask(w, "GET", "/api/v1/orgs", STR(""), STR(""));
        assert_int_equal(all.status, 200);
        assert_true(w->seen[MISHAP_SQL] <= one);
        const struct json *items = json_get(all.json, "items");
        assert_int_equal(json_count(items), 6);
        assert_int_equal(json_int(json_path(json_at(items, 2), "settings"), "n", -1), 2);
        assert_int_equal(json_count(json_get(json_at(items, 3), "settings")), 0);
    }
}

/* What takes its time comes before the write turn: here a password that is refused. */
static void test_a_password_is_read_before_the_write_turn(void **state)
{
    struct world *w = *state;
    struct str body = STR("{\"email\":\"a@shop.example\",\"name\":\"A\",\"roles\":[\"viewer\"],"
                          "\"password\":\"short\"}");
    struct shop_answer answer = ask(w, "POST", "/api/v1/members", body, STR("k"));
    assert_int_equal(answer.status, 400);
    assert_true(str_eqz(json_str(answer.json, "field", STR("")), "password"));
    assert_int_equal(w->seen[MISHAP_BEGIN], 0);
    body = STR("{\"email\":\"a@shop.example\",\"name\":\"A\",\"roles\":[\"viewer\"],"
               "\"password\":\"long enough word\"}");
    answer = ask(w, "POST", "/api/v1/members", body, STR("l"));
    assert_int_equal(answer.status, 201);
    struct str id = json_str(answer.json, "id", STR(""));
    answer = ask(w, "POST", "/api/v1/members", body, STR("l"));
    assert_int_equal(answer.status, 201);
    assert_true(str_eq(json_str(answer.json, "id", STR("")), id));
}

static void test_secrets_have_an_end(void **state)
{
    struct world *w = *state;
    struct str body = STR("{\"value\":\"x\"}");
    char path[64];
    for (int i = 1; i < VAULT_LIST_MAX; i++) { /* the org was made with one */
        snprintf(path, sizeof(path), "/api/v1/secrets/s%d", i);
        assert_int_equal(ask(w, "PUT", path, body, STR("")).status, 204);
    }
    assert_int_equal(ask(w, "PUT", "/api/v1/secrets/more", body, STR("")).status, 409);
    assert_int_equal(ask(w, "PUT", "/api/v1/secrets/s7", body, STR("")).status, 204);
    assert_int_equal(ask(w, "DELETE", "/api/v1/secrets/s7", STR(""), STR("")).status, 204);
    assert_int_equal(ask(w, "PUT", "/api/v1/secrets/more", body, STR("")).status, 204);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, make_world, free_world)
        T(test_making_an_org_again_goes_on),
        T(test_what_is_there_is_taken),
        T(test_a_change_is_told_once),
        T(test_every_change_is_told),
        T(test_secrets_have_an_end),
        T(test_list_is_one_look),
        T(test_a_password_is_read_before_the_write_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
