#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "codec/jwt.h"
#include "host/org.h"
#include "support/shop.h"

enum { HOUR_MS = 3600 * 1000 };

/* As the door does it: a fresh ctx per request. */
static enum err try_bearer(struct shop *w, struct str bearer, const char *scope,
                           struct ctx *out_who)
{
    struct ctx *c = ctx_new(&w->installation.life->at, 8 << 20);
    enum err e = access_authenticate(c, bearer, scope);
    if (out_who) {
        *out_who = *c;
        out_who->arena = NULL;
    }
    ctx_free(&c);
    return e;
}

/* ---- tokens -------------------------------------------------------------- */

static void test_token(void **state)
{
    struct shop *w = *state;
    struct str token;
    struct ctx who;
    assert_int_equal(access_issue(w->c, &w->member, STR("Ann"), ROLE_SUPPORT | ROLE_VIEWER, &token),
                     E_OK);
    assert_int_equal(try_bearer(w, token, "agents:write", &who), E_OK); /* scopes are for keys */
    assert_true(id_eq(&who.org, &w->org) && id_eq(&who.actor, &w->member));
    assert_int_equal(who.actor_kind, ACTOR_MEMBER);
    assert_int_equal(who.roles, ROLE_SUPPORT | ROLE_VIEWER);
    clock_advance_ms(w->installation.clock, ACCESS_TOKEN_SECONDS * 1000ll - 1000);
    assert_int_equal(try_bearer(w, token, "", NULL), E_OK);
    clock_advance_ms(w->installation.clock, 10000); /* past the leeway */
    assert_int_equal(try_bearer(w, token, "", &who), E_UNAUTHENTICATED);
    assert_false(id_is_set(&who.org) || who.roles);
}

static const struct json *claims_for(struct shop *w, const char *audience, const char *org)
{
    struct arena *a = w->c->arena;
    int64_t now_s = INSTALLATION_NOW_MS / 1000;
    return json_object(a, {"iss", json_new_str(a, STR("rapport"))},
                       {"aud", json_new_str(a, str_of(audience))},
                       {"sub", json_new_str(a, id_str(&w->member))},
                       {"org", json_new_str(a, str_of(org))}, {"roles", role_names(a, ROLE_ADMIN)},
                       {"iat", json_new_int(a, now_s)}, {"exp", json_new_int(a, now_s + 600)});
}

static struct str signed_by(struct shop *w, const struct jwt_key *key, const struct json *claims)
{
    struct str token;
    assert_int_equal(jwt_sign(w->c->arena, key, claims, &token), E_OK);
    return token;
}

static struct str with_header(struct shop *w, const char *header, struct str token)
{
    struct str head, body;
    str_split(&token, '.', &head);
    str_split(&token, '.', &body);
    struct str h = base64_encode_url(w->c->arena, str_of(header));
    return str_fmt(w->c->arena, "%.*s.%.*s.%.*s", STR_ARG(h), STR_ARG(body), STR_ARG(token));
}

static void refuse(struct shop *w, struct str token, const char *reason)
{
    struct ctx who;
    enum err e = try_bearer(w, token, "", &who);
    if (e != E_UNAUTHENTICATED || id_is_set(&who.org) || who.roles) {
        fail_msg("%s: %s", reason, err_name(e));
    }
    /* whoever tries learns nothing about what was wrong */
    if (!strstr(who.fault.text, "sign in first")) {
        fail_msg("%s: %s", reason, who.fault.text);
    }
}

static void test_refused_tokens(void **state)
{
    struct shop *w = *state;
    const struct jwt_key *own = w->installation.life->host.keys.keys[0];
    struct jwt_key *foreign = jwt_key_new(JWT_EDDSA);
    const struct json *claims = claims_for(w, "rapport", w->org.text);
    struct str good = signed_by(w, own, claims);
    assert_int_equal(try_bearer(w, good, "", NULL), E_OK); /* so the rest fails for its reason */
    refuse(w, signed_by(w, foreign, claims), "another's key");
    refuse(w, signed_by(w, own, claims_for(w, "billing", w->org.text)), "another audience");
    refuse(w, signed_by(w, own, claims_for(w, "rapport", "x")), "an org that is no id");
    refuse(w, with_header(w, "{\"alg\":\"none\"}", good), "alg none with a signature");
    struct str cut = str_sub(good, 0, good.n - 86);
    refuse(w, with_header(w, "{\"alg\":\"none\"}", cut), "alg none without a signature");
    refuse(w, with_header(w, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", good), "alg HS256");
    refuse(w, cut, "no signature");
    char *bent = str_dupz(w->c->arena, good);
    bent[good.n / 2] = bent[good.n / 2] == 'A' ? 'B' : 'A';
    refuse(w, str_of(bent), "a changed claim");
    refuse(w, STR(""), "nothing");
    refuse(w, STR("a.b.c"), "no token");
    char *huge = arena_alloc(w->c->arena, JWT_TOKEN_MAX_BYTES + 2);
    memset(huge, 'a', JWT_TOKEN_MAX_BYTES + 1);
    refuse(w, str_make(huge, JWT_TOKEN_MAX_BYTES + 1), "too long");
    jwt_key_free(&foreign);
}

/* ---- API keys ------------------------------------------------------------ */

static struct api_key new_key(struct shop *w, const char *scopes, int64_t expires_at_ms,
                              struct str *out_secret)
{
    struct api_key key = {.name = STR("a key"),
                          .scopes = str_of(scopes),
                          .roles = ROLE_ENGINEER,
                          .expires_at_ms = expires_at_ms};
    assert_int_equal(access_key_create(w->c, &key, out_secret), E_OK);
    return key;
}

static void test_key(void **state)
{
    struct shop *w = *state;
    struct str secret, all;
    struct ctx who;
    struct api_key key = new_key(w, "conversations:read agents:read", 0, &secret);
    new_key(w, "*", 0, &all);
    assert_int_equal(try_bearer(w, secret, "agents:read", &who), E_OK);
    assert_true(id_eq(&who.org, &w->org) && id_eq(&who.actor, &key.id));
    assert_int_equal(who.actor_kind, ACTOR_KEY);
    assert_int_equal(who.roles, ROLE_ENGINEER);
    assert_int_equal(try_bearer(w, secret, "agents:write", NULL), E_DENIED);
    assert_int_equal(try_bearer(w, secret, "agents", NULL), E_DENIED);
    assert_int_equal(try_bearer(w, all, "agents:write", NULL), E_OK);
}

/* None is out of sight of the list, and so of who wants to revoke it. */
static void test_keys_have_an_end(void **state)
{
    struct shop *w = *state;
    struct str secret;
    struct store_rows rows;
    struct api_key key = {.name = STR("one more"), .scopes = STR("*"), .roles = ROLE_ENGINEER};
    for (int i = 0; i < ACCESS_KEYS_MAX; i++) {
        new_key(w, "*", 0, &secret);
    }
    assert_int_equal(access_key_create(w->c, &key, &secret), E_CONFLICT);
    assert_int_equal(access_key_list(w->c, &rows), E_OK);
    assert_int_equal(rows.count, ACCESS_KEYS_MAX);
    struct id last = row_id(&rows, 0, 0);
    assert_int_equal(access_key_revoke(w->c, &last), E_OK);
    assert_int_equal(access_key_create(w->c, &key, &secret), E_OK);
}

static void test_refused_keys(void **state)
{
    struct shop *w = *state;
    struct str one, two, short_lived;
    new_key(w, "*", 0, &one);
    new_key(w, "*", 0, &two);
    new_key(w, "*", INSTALLATION_NOW_MS + HOUR_MS, &short_lived);
    char *mixed = str_dupz(w->c->arena, one);
    memcpy(mixed + one.n - 48, two.p + two.n - 48, 48);
    refuse(w, str_of(mixed), "the secret of another key");
    char *unknown = str_dupz(w->c->arena, one);
    memcpy(unknown + 3, "00000000000070008000000000000000", 32);
    refuse(w, str_of(unknown), "a key that is not there");
    refuse(w, str_sub(one, 0, one.n - 1), "a secret that is cut");
    refuse(w, STR("rk_"), "only the prefix");
    assert_int_equal(try_bearer(w, short_lived, "", NULL), E_OK);
    clock_advance_ms(w->installation.clock, HOUR_MS);
    refuse(w, short_lived, "an expired key");
    assert_int_equal(try_bearer(w, one, "", NULL), E_OK);
}

static void test_rotation(void **state)
{
    struct shop *w = *state;
    struct str first, second, third;
    struct api_key key = new_key(w, "*", 0, &first);
    assert_int_equal(access_key_rotate(w->c, &key.id, HOUR_MS, &second), E_OK);
    assert_false(str_eq(first, second));
    assert_int_equal(try_bearer(w, first, "", NULL), E_OK);
    assert_int_equal(try_bearer(w, second, "", NULL), E_OK);
    clock_advance_ms(w->installation.clock, HOUR_MS);
    refuse(w, first, "a rotated secret after its time");
    assert_int_equal(try_bearer(w, second, "", NULL), E_OK);
    assert_int_equal(access_key_rotate(w->c, &key.id, 0, &third), E_OK);
    refuse(w, second, "a secret rotated at once");
    assert_int_equal(access_key_revoke(w->c, &key.id), E_OK);
    refuse(w, third, "a revoked key");
    assert_int_equal(access_key_revoke(w->c, &key.id), E_NOT_FOUND);
}

/* A rotation asked for twice (its first answer was lost, say) leaves what is in use working. */
static void test_rotation_twice(void **state)
{
    struct shop *w = *state;
    struct str first, second, third, fourth;
    struct api_key key = new_key(w, "*", 0, &first);
    assert_int_equal(access_key_rotate(w->c, &key.id, HOUR_MS, &second), E_OK);
    clock_advance_ms(w->installation.clock, HOUR_MS / 2);
    assert_int_equal(access_key_rotate(w->c, &key.id, HOUR_MS, &third), E_OK);
    assert_int_equal(try_bearer(w, first, "", NULL), E_OK);
    refuse(w, second, "a secret that was replaced while the one before it lived");
    assert_int_equal(try_bearer(w, third, "", NULL), E_OK);
    clock_advance_ms(w->installation.clock, HOUR_MS / 2);
    refuse(w, first, "an old secret lives no longer because of the second rotation");
    assert_int_equal(try_bearer(w, third, "", NULL), E_OK);
    assert_int_equal(access_key_rotate(w->c, &key.id, HOUR_MS, &fourth), E_OK);
    assert_int_equal(try_bearer(w, third, "", NULL), E_OK);
    assert_int_equal(access_key_rotate(w->c, &key.id, 0, &second), E_OK);
    refuse(w, third, "no old secret lives when none shall");
}

static void test_key_of_a_suspended_org(void **state)
{
    struct shop *w = *state;
    struct str secret;
    struct org org;
    new_key(w, "*", 0, &secret);
    assert_int_equal(org_get(w->c, &w->org, &org), E_OK);
    org.status = STR("suspended");
    assert_int_equal(org_update(w->c, &org), E_OK);
    refuse(w, secret, "an organisation that is suspended");
}

static void test_keys_of_another_org(void **state)
{
    struct shop *w = *state;
    struct str secret, other;
    struct store_rows rows;
    struct api_key key = new_key(w, "*", 0, &secret);
    w->c->org = id_new(INSTALLATION_NOW_MS);
    assert_int_equal(access_key_rotate(w->c, &key.id, 0, &other), E_NOT_FOUND);
    assert_int_equal(access_key_revoke(w->c, &key.id), E_NOT_FOUND);
    assert_int_equal(access_key_list(w->c, &rows), E_OK);
    assert_int_equal(rows.count, 0);
    w->c->org = w->org;
    assert_int_equal(access_key_list(w->c, &rows), E_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(try_bearer(w, secret, "", NULL), E_OK);
}

static void test_roles(void **state)
{
    struct shop *w = *state;
    struct arena *a = w->c->arena;
    assert_int_equal(role_parse(STR("support")), ROLE_SUPPORT);
    assert_int_equal(role_parse(STR("Support")), 0);
    assert_int_equal(role_parse(STR("root")), 0);
    struct str names = json_write(a, role_names(a, ROLE_ADMIN | ROLE_OPERATOR));
    assert_true(str_eqz(names, "[\"admin\",\"operator\"]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_token, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_refused_tokens, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_key, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_keys_have_an_end, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_refused_keys, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_rotation, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_rotation_twice, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_key_of_a_suspended_org, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_keys_of_another_org, shop_begin, shop_end),
        cmocka_unit_test_setup_teardown(test_roles, shop_begin, shop_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
