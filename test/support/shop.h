/* What the unit tests of host and services begin with: an installation with one org, Shop, and a
 * task that works there for a member of it. For cmocka: what goes wrong fails the test. */
#ifndef SUPPORT_SHOP_H
#define SUPPORT_SHOP_H

#include "codec/json.h"
#include "support/installation.h"

struct shop {
    struct installation installation;
    struct ctx *c;       /* in the org */
    struct store *store; /* the org's */
    struct id org, member;
};

struct shop_setup {
    const struct service *const *services; /* ended by NULL; NULL: none */
    const char *kind;                      /* of the org; NULL: client */
    const struct mishap *mishap;           /* NULL: nothing fails */
    const char *postgres_url;              /* NULL: SQLite */
};
void shop_open(struct shop *s, const struct shop_setup *setup);
void shop_close(struct shop *s);

/* The same as cmocka wants it: *state is a struct shop without services. */
int shop_begin(void **state);
int shop_end(void **state);

/* A request as the server would hand it on; `token` and `key` (Idempotency-Key) may be empty. The
 * answer lies in s->c's arena; `json` is null when it is none. */
struct shop_request {
    const char *method, *path;
    struct str body, token, key;
};
struct shop_answer {
    int status;
    const struct json *json;
};
struct shop_answer shop_send(struct shop *s, const struct shop_request *r);

#endif
