/* Webhooks when something fails on the way: what could not be stored is asked for again, and counts
 * once among those of its minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mishap.h"
#include "codec/hmac.h"
#include "host/access.h"
#include "host/host.h"
#include "store/vault.h"
#include "support/shop.h"

enum { CALLS_MAX = 100, REQUEST_BYTES = 16 << 20 };

extern const struct service webhook_service;
static const struct service *const services[] = {&webhook_service, NULL};

struct world {
    struct shop shop;
    int64_t calls, fails_at; /* 0: none */
    struct mishap mishap;
};

static bool strikes(void *arg, enum mishap_place place)
{
    struct world *w = arg;
    (void)place;
    return ++w->calls == w->fails_at;
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct str token;
    w->mishap = (struct mishap){.strikes = strikes, .arg = w};
    shop_open(&w->shop, &(struct shop_setup){.services = services, .mishap = &w->mishap});
    assert_int_equal(access_issue(w->shop.c, &w->shop.member, STR("Ingrid"), ROLE_ADMIN, &token),
                     E_OK);
    assert_int_equal(vault_put(w->shop.c, w->shop.store, STR("hook"), STR("secret")), E_OK);
    struct shop_request r = {
        "POST", "/api/v1/webhook-sources",
        STR("{\"slug\":\"in\",\"scheme\":\"github\",\"secrets\":[\"hook\"],\"per_minute\":1}"),
        token, STR("")};
    assert_int_equal(shop_send(&w->shop, &r).status, 201);
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

static int deliver(struct world *w, int64_t number)
{
    struct ctx *c = ctx_new(&w->shop.installation.life->at, REQUEST_BYTES);
    struct str body = str_fmt(c->arena, "{\"number\":%lld}", (long long)number);
    struct str signature =
        str_fmt(c->arena, "sha256=%.*s", STR_ARG(hmac_hex(c->arena, STR("secret"), body)));
    struct header headers[] = {{STR("X-Hub-Signature-256"), signature}};
    struct request_in in = {.method = STR("POST"),
                            .path = STR("/hooks/shop/in"),
                            .query = STR(""),
                            .peer = STR("192.0.2.1"),
                            .body = body,
                            .headers = headers,
                            .header_count = 1};
    struct response_out out = {0};
    door_request(c, &in, &out, NULL);
    ctx_free(&c);
    return out.status;
}

static void test_what_was_not_stored_does_not_count(void **state)
{
    struct world *w = *state;
    int64_t n = 0;
    bool struck = true;
    for (; struck && n < CALLS_MAX; n++) {
        clock_advance_ms(w->shop.installation.clock, 61000);
        w->calls = 0;
        w->fails_at = n + 1;
        int status = deliver(w, n);
        struck = w->calls >= w->fails_at;
        w->fails_at = 0;
        if (status != 200) { /* an error that a sender tries again after, and may */
            assert_true(struck);
            assert_int_equal(status, 503);
            assert_int_equal(deliver(w, n), 200);
        }
        assert_int_equal(deliver(w, n + CALLS_MAX), 429); /* and this was all of the minute */
    }
    assert_true(n > 3 && n < CALLS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_not_stored_does_not_count, make_world,
                                        free_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
