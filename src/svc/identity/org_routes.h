/* Organisations and their audit log over HTTP. Task code. */
#ifndef SVC_IDENTITY_ORG_ROUTES_H
#define SVC_IDENTITY_ORG_ROUTES_H

#include "host/service.h"

struct org_routes_body {
    struct str name, slug, status;
    const struct json *settings;
};
extern const struct field_table org_routes_table;

struct org_routes_erase_body {
    struct str slug;
};
extern const struct field_table org_routes_erase_table;

enum err org_routes_list(struct ctx *c, struct call *call);
enum err org_routes_post(struct ctx *c, struct call *call);
enum err org_routes_get(struct ctx *c, struct call *call);
enum err org_routes_patch(struct ctx *c, struct call *call);
/* Orders the job below. */
enum err org_routes_delete(struct ctx *c, struct call *call);
enum err org_routes_erase(struct ctx *c, struct job *job);
enum err org_routes_list_audit(struct ctx *c, struct call *call);
enum err org_routes_check_audit(struct ctx *c, struct call *call);

/* The directory's entry as answers show it. */
enum err org_routes_write(struct ctx *c, struct json_out *o, const struct id *id);

#endif
