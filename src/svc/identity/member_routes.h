/* Members over HTTP. Task code. */
#ifndef SVC_IDENTITY_MEMBER_ROUTES_H
#define SVC_IDENTITY_MEMBER_ROUTES_H

#include "svc/identity/member.h"

struct member_routes_body {
    uint64_t given;
    struct str email, name, title, password, status;
    const struct json *roles;
};
extern const struct field_table member_routes_table;

enum err member_routes_list(struct ctx *c, struct call *call);
enum err member_routes_post(struct ctx *c, struct call *call);
enum err member_routes_patch(struct ctx *c, struct call *call);
enum err member_routes_delete(struct ctx *c, struct call *call);

/* The member as answers show it: never the hash. */
void member_routes_write(struct ctx *c, struct json_out *o, const struct member *m);
/* Names of roles to bits. E_INVALID for an unknown one; E_DENIED: nobody hands out what they do not
 * hold themselves; an admin who is signed in gives every role but operator. */
enum err member_routes_roles(struct ctx *c, const struct json *list, uint32_t *out_roles);

#endif
