#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/host.h"

enum { ARENA_BYTES = 1 << 20 };

static int make_ctx(void **state)
{
    static const struct facilities none;
    *state = ctx_new(&none, ARENA_BYTES);
    return 0;
}

static int free_ctx(void **state)
{
    struct ctx *c = *state;
    ctx_free(&c);
    return 0;
}

static enum err handler(struct ctx *c, struct call *call)
{
    (void)c;
    (void)call;
    return E_OK;
}

#define ROUTE(method, path)                                                                        \
    {                                                                                              \
        method, path, ROLE_ANY, "agents:read", handler, path, NULL, 0, 0                           \
    }

static const struct route routes[] = {
    ROUTE("GET", "/agents/{id}"),      ROUTE("GET", "/agents/validate"),
    ROUTE("POST", "/agents/validate"), ROUTE("GET", "/agents/{id}/versions/{n}"),
    ROUTE("GET", "/assets/{rest*}"),   ROUTE("GET", "/assets/logo"),
    ROUTE("DELETE", "/agents/{id}"),   {0},
};
static const struct service good = {.name = "good", .purpose = "Routes.", .routes = routes};

struct visit_row {
    const char *method, *path, *route; /* route NULL: none */
    const char *first, *second;        /* parameters */
    bool other;
    const char *reason;
};

static const struct visit_row visits[] = {
    {"GET", "/agents/7", "/agents/{id}", "7", NULL, false, "a pattern"},
    {"GET", "/agents/validate", "/agents/validate", NULL, NULL, false,
     "fixed before pattern, though declared after it"},
    {"DELETE", "/agents/validate", "/agents/{id}", "validate", NULL, false,
     "a pattern of another method is found behind the fixed path"},
    {"HEAD", "/agents/7", "/agents/{id}", "7", NULL, false, "HEAD is a GET"},
    {"GET", "/agents/7/versions/3", "/agents/{id}/versions/{n}", "7", "3", false,
     "parameters in order"},
    {"GET", "/assets/a/b/c.js", "/assets/{rest*}", "a/b/c.js", NULL, false, "the rest of the path"},
    {"GET", "/assets/logo", "/assets/logo", NULL, NULL, false, "fixed before rest"},
    {"POST", "/agents/7", NULL, NULL, NULL, true, "another method has it"},
    {"PUT", "/assets/a/b", NULL, NULL, NULL, true, "another method has the rest"},
    {"GET", "/agents/", NULL, NULL, NULL, false, "an empty parameter is none"},
    {"GET", "/agents", NULL, NULL, NULL, false, "too short"},
    {"GET", "/agents/7/versions", NULL, NULL, NULL, false, "between two routes"},
    {"GET", "agents/7", NULL, NULL, NULL, false, "no slash at the start"},
    {"GET", "", NULL, NULL, NULL, false, "no path"},
    {"GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n", NULL, NULL, NULL, false, "deeper than any route"},
};

static void expect_param(struct str have, const char *want, const char *reason)
{
    if (!str_eqz(have, want ? want : "")) {
        fail_msg("%s: parameter is \"%.*s\"", reason, STR_ARG(have));
    }
}

static void test_find(void **state)
{
    struct ctx *c = *state;
    const struct service *const services[] = {&good, NULL};
    struct router *r = NULL;
    assert_int_equal(router_new(c, services, &r), E_OK);
    for (size_t i = 0; i < sizeof(visits) / sizeof(*visits); i++) {
        const struct visit_row *v = &visits[i];
        struct str params[ROUTE_PARAMS_MAX] = {{0}};
        const struct service *service = NULL;
        bool other = false;
        const struct route *found =
            router_find(r, str_of(v->method), str_of(v->path), params, &service, &other);
        if ((found != NULL) != (v->route != NULL) ||
            (found && strcmp(found->path, v->route) != 0)) {
            fail_msg("%s: found %s", v->reason, found ? found->path : "nothing");
        }
        if (other != v->other && !found) {
            fail_msg("%s: another method %d", v->reason, other);
        }
        if (found) {
            assert_ptr_equal(service, &good);
            expect_param(params[0], v->first, v->reason);
            expect_param(params[1], v->second, v->reason);
        }
    }
    router_free(&r);
    assert_null(r);
}

struct refused_row {
    struct route routes[3];
    const char *text, *reason;
};

static const struct refused_row refused[] = {
    {{ROUTE("GET", "/a"), ROUTE("GET", "/a")}, "declared by", "declared twice"},
    {{{"GET", "/a", 0, "a:read", handler, "A", NULL, 0, 0}}, "lacks roles", "no roles"},
    {{{"GET", "/a", ROLE_ANY, "a:read", NULL, "A", NULL, 0, 0}}, "lacks", "no handler"},
    {{{"GET", "/a", ROLE_ANY, "a:read", handler, NULL, NULL, 0, 0}}, "lacks", "no summary"},
    {{{"GET", "/a", ROLE_ANY, NULL, handler, "A", NULL, 0, 0}}, "lacks", "no scope at all"},
    {{{"GET", "/a", ROLE_ANY, "", handler, "A", NULL, 0, 0}},
     "needs a scope",
     "signed in without a scope"},
    {{{"GET", "a", ROLE_ANY, "a:read", handler, "A", NULL, 0, 0}}, "lacks", "no slash"},
    {{ROUTE("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13")}, "too deep", "too many segments"},
};

static void test_refused(void **state)
{
    struct ctx *c = *state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct service bad = {.name = "bad", .purpose = "Bad.", .routes = refused[i].routes};
        const struct service *const services[] = {&bad, NULL};
        struct router *r = NULL;
        ctx_forgive(c);
        if (router_new(c, services, &r) != E_INVALID || !strstr(c->fault.text, refused[i].text)) {
            fail_msg("%s: %s", refused[i].reason, c->fault.text);
        }
        assert_null(r);
    }
}

static void test_two_services(void **state)
{
    struct ctx *c = *state;
    static const struct service twin = {.name = "twin", .purpose = "The same.", .routes = routes};
    const struct service *const services[] = {&good, &twin, NULL};
    struct router *r = NULL;
    assert_int_equal(router_new(c, services, &r), E_INVALID);
    assert_non_null(strstr(c->fault.text, "declared by good and by twin"));
}

static void test_public_needs_no_scope(void **state)
{
    struct ctx *c = *state;
    static const struct route open[] = {
        {"GET", "/a", ROLE_PUBLIC, "", handler, "A", NULL, 0, 0},
        {0},
    };
    static const struct service svc = {.name = "open", .purpose = "Open.", .routes = open};
    const struct service *const services[] = {&svc, NULL};
    struct router *r = NULL;
    assert_int_equal(router_new(c, services, &r), E_OK);
    router_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, make_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(test_refused, make_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(test_two_services, make_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(test_public_needs_no_scope, make_ctx, free_ctx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
