#include "svc/identity/org_routes.h"

#include "host/org.h"
#include "svc/identity/member.h"

static const struct field org_fields[] = {
    FIELD(struct org_routes_body, name, FIELD_STR, .max = 200),
    FIELD(struct org_routes_body, slug, FIELD_STR, .max = 63),
    FIELD(struct org_routes_body, status, FIELD_STR, .max = 20),
    FIELD(struct org_routes_body, settings, FIELD_OBJECT),
};
const struct field_table org_routes_table = FIELD_TABLE("Org", org_fields);

enum err org_routes_write(struct ctx *c, struct json_out *o, const struct id *id)
{
    struct org org;
    TRY(org_get(c, id, &org));
    json_open_object(o);
    json_field_str(o, "id", id_str(&org.id));
    json_field_str(o, "name", org.name);
    json_field_str(o, "slug", org.slug);
    json_field_str(o, "kind", org.kind);
    json_field_str(o, "status", org.status);
    json_field(o, "settings", org.settings);
    json_field_int(o, "created_at", org.created_at_ms);
    json_close_object(o);
    return E_OK;
}

enum err org_routes_list(struct ctx *c, struct call *call)
{
    const struct org *orgs;
    int limit, count;
    TRY(call_limit(c, call, &limit));
    TRY(org_list(c, call_query(c, call, "cursor"), limit, &orgs, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        TRY(org_routes_write(c, o, &orgs[i].id));
    }
    call_list_end(call, count == limit ? orgs[count - 1].slug : STR(""));
    return E_OK;
}

enum err org_routes_post(struct ctx *c, struct call *call)
{
    const struct org_routes_body *in = call->input;
    struct org org = {.slug = in->slug, .name = in->name, .settings = in->settings};
    TRY(org_create(c, &org));
    TRY(audit_add(c, call->store, "org_created", id_str(&org.id), NULL));
    return org_routes_write(c, call_json(call), &org.id);
}

/* An operator sees every org's directory entry; everybody else their own. */
static enum err own_org(struct ctx *c, struct call *call, struct id *out)
{
    TRY(call_id(c, call, 0, out));
    if (!id_eq(out, &c->org) && !(c->roles & ROLE_OPERATOR)) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    return E_OK;
}

enum err org_routes_get(struct ctx *c, struct call *call)
{
    struct id id;
    TRY(own_org(c, call, &id));
    return org_routes_write(c, call_json(call), &id);
}

static enum err check_status(struct ctx *c, struct str kind, struct str status)
{
    if (!(c->roles & ROLE_OPERATOR)) {
        return ctx_fail_field(c, E_DENIED, "status", "only an operator suspends organisations");
    }
    if (!str_eqz(status, "active") && !str_eqz(status, "suspended")) {
        return ctx_fail_field(c, E_INVALID, "status", "status is active or suspended");
    }
    if (str_eqz(kind, "operator") && str_eqz(status, "suspended")) {
        return ctx_fail_field(c, E_CONFLICT, "status",
                              "the operator's own organisation stays active: nobody could undo it");
    }
    return E_OK;
}

/* What was not asked for is not written: an admin who renames the org must not undo the operator's
 * suspension. */
enum err org_routes_patch(struct ctx *c, struct call *call)
{
    const struct org_routes_body *in = call->input;
    struct id id;
    struct org org;
    TRY(own_org(c, call, &id));
    TRY(org_entry(c, &id, &org));
    if (in->status.n) {
        TRY(check_status(c, org.kind, in->status));
    }
    TRY(org_patch(
        c,
        &(struct org){.id = id, .name = in->name, .status = in->status, .settings = in->settings}));
    TRY(audit_add(c, call->store, "org_updated", id_str(&id), NULL));
    return org_routes_write(c, call_json(call), &id);
}

enum err org_routes_list_audit(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    int limit;
    int64_t before;
    TRY(call_limit(c, call, &limit));
    TRY(call_query_int(c, call, "cursor", INT64_MAX, &before));
    TRY(store_query(c, call->store, &rows,
                    "SELECT seq, at, actor_kind, actor_id, action, resource, detail, request_id,"
                    " hash FROM audit_entry WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
                    S_INT(before), S_INT(limit)));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        struct id actor = row_id(&rows, i, 3);
        struct member m = {.name = STR("")};
        enum err e = id_is_set(&actor) ? member_get(c, &actor, &m) : E_OK;
        if (err_is_transient(e)) {
            return e;
        }
        ctx_forgive(c);
        json_open_object(o);
        json_field_int(o, "seq", row_int(&rows, i, 0));
        json_field_int(o, "at", row_int(&rows, i, 1));
        json_field_str(o, "actor_kind", row_str(&rows, i, 2));
        json_field_str(o, "actor_id", row_str(&rows, i, 3));
        json_field_str(o, "actor_name", m.name);
        json_field_str(o, "action", row_str(&rows, i, 4));
        json_field_str(o, "resource", row_str(&rows, i, 5));
        json_name(o, "detail");
        struct str detail = row_str(&rows, i, 6);
        json_put_raw(o, detail.n ? detail : STR("null"));
        json_field_str(o, "request_id", row_str(&rows, i, 7));
        json_field_str(o, "hash", row_str(&rows, i, 8));
        json_close_object(o);
    }
    call_list_end(call, rows.count == limit
                            ? str_fmt(c->arena, "%lld", (long long)row_int(&rows, limit - 1, 0))
                            : STR(""));
    return E_OK;
}

/* Recomputes every hash of the chain (domain 004 2.3). */
enum err org_routes_check_audit(struct ctx *c, struct call *call)
{
    int64_t checked = 0, broken = 0;
    TRY(audit_verify(c, call->store, &checked, &broken));
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_bool(o, "intact", broken == 0);
    json_field_int(o, "checked", checked);
    if (broken) {
        json_field_int(o, "broken_at", broken);
    }
    json_close_object(o);
    return E_OK;
}
