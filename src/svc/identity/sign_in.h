/* Sign-in and what follows from it: access tokens, refresh tokens, who I am. Task code. */
#ifndef SVC_IDENTITY_SIGN_IN_H
#define SVC_IDENTITY_SIGN_IN_H

#include "host/service.h"

struct sign_in_body {
    struct str email, password, org;
    int session;
};
struct sign_in_refresh_body {
    struct str refresh_token;
};
struct sign_in_local_body {
    struct str secret, org;
};
struct sign_in_guest_body {
    struct str org;
};
extern const struct field_table sign_in_table, sign_in_refresh_table, sign_in_local_table,
    sign_in_guest_table;

enum err sign_in_password(struct ctx *c, struct call *call);
enum err sign_in_local(struct ctx *c, struct call *call);
enum err sign_in_guest(struct ctx *c, struct call *call);
enum err sign_in_refresh(struct ctx *c, struct call *call);
enum err sign_in_end(struct ctx *c, struct call *call);
enum err sign_in_me(struct ctx *c, struct call *call);
enum err sign_in_jwks(struct ctx *c, struct call *call);

#endif
