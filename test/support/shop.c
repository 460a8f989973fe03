#include "support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/org.h"

enum { REQUEST_BYTES = 16 << 20 };

static const struct service *const no_services[] = {NULL};

void shop_open(struct shop *s, const struct shop_setup *setup)
{
    struct installation_setup how = {.services = setup->services ? setup->services : no_services,
                                     .mishap = setup->mishap,
                                     .postgres_url = setup->postgres_url};
    struct org org = {.slug = STR("shop"),
                      .name = STR("Shop"),
                      .kind = str_of(setup->kind ? setup->kind : "client")};
    assert_true(installation_open(&s->installation, &how));
    s->c = lifecycle_ctx(s->installation.life);
    s->member = id_new(INSTALLATION_NOW_MS);
    assert_int_equal(org_create(s->c, &org), E_OK);
    s->org = org.id;
    s->c->org = org.id;
    s->c->actor_kind = ACTOR_MEMBER;
    s->c->actor = s->member;
    assert_int_equal(store_of(s->c, &s->store), E_OK);
}

void shop_close(struct shop *s)
{
    ctx_free(&s->c);
    installation_close(&s->installation);
}

int shop_begin(void **state)
{
    struct shop *s = calloc(1, sizeof(*s));
    shop_open(s, &(struct shop_setup){0});
    *state = s;
    return 0;
}

int shop_end(void **state)
{
    shop_close(*state);
    free(*state);
    return 0;
}

struct shop_answer shop_send(struct shop *s, const struct shop_request *r)
{
    struct ctx *c = ctx_new(&s->installation.life->at, REQUEST_BYTES);
    struct header headers[3] = {{STR("content-type"), STR("application/json")}};
    struct request_in in = {.method = str_of(r->method),
                            .path = str_of(r->path),
                            .query = STR(""),
                            .peer = STR("192.0.2.1"),
                            .body = r->body,
                            .headers = headers,
                            .header_count = 1};
    struct response_out out = {0};
    struct json_fault fault;
    if (r->token.n) {
        headers[in.header_count++] = (struct header){
            STR("authorization"), str_fmt(c->arena, "Bearer %.*s", STR_ARG(r->token))};
    }
    if (r->key.n) {
        headers[in.header_count++] = (struct header){STR("idempotency-key"), r->key};
    }
    door_request(c, &in, &out, NULL);
    struct shop_answer answer = {.status = out.status};
    struct str body = str_dup(s->c->arena, out.body);
    if (json_parse(s->c->arena, body, &answer.json, &fault) != E_OK) {
        answer.json = &json_null_value;
    }
    ctx_free(&c);
    return answer;
}
