/* API keys and secrets over HTTP: set or made, then never shown again. Task code. */
#ifndef SVC_IDENTITY_KEY_ROUTES_H
#define SVC_IDENTITY_KEY_ROUTES_H

#include "host/service.h"

struct key_routes_body {
    struct str name;
    const struct json *scopes, *roles;
    int64_t expires_at;
};
struct key_routes_secret_body {
    struct str value;
};
extern const struct field_table key_routes_table, key_routes_secret_table;

enum err key_routes_list(struct ctx *c, struct call *call);
enum err key_routes_post(struct ctx *c, struct call *call);
enum err key_routes_rotate(struct ctx *c, struct call *call);
enum err key_routes_delete(struct ctx *c, struct call *call);

enum err key_routes_list_secrets(struct ctx *c, struct call *call);
enum err key_routes_put_secret(struct ctx *c, struct call *call);
enum err key_routes_delete_secret(struct ctx *c, struct call *call);

#endif
