#include "svc/identity/key_routes.h"

#include "store/vault.h"
#include "svc/identity/member_routes.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static const struct field key_fields[] = {
    FIELD(struct key_routes_body, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 80),
    FIELD(struct key_routes_body, scopes, FIELD_LIST, .max = 50,
          .title = "such as conversations:read; [\"*\"] for all"),
    FIELD(struct key_routes_body, roles, FIELD_LIST, .max = 16),
    FIELD(struct key_routes_body, expires_at, FIELD_TIME),
};
const struct field_table key_routes_table = FIELD_TABLE("ApiKey", key_fields);

static enum err join_scopes(struct ctx *c, const struct json *list, struct str *out)
{
    struct buf b = buf_make(4000);
    for (size_t i = 0; i < json_count(list); i++) {
        struct str scope = json_text(json_at(list, i), STR(""));
        if (!scope.n || scope.n > 60 || str_find_char(scope, ' ') >= 0) {
            buf_free(&b);
            return ctx_fail_field(c, E_INVALID, "scopes", "a scope looks like conversations:read");
        }
        buf_addf(&b, "%s%.*s", b.n ? " " : "", STR_ARG(scope));
    }
    *out = b.n ? str_dup(c->arena, buf_str(&b)) : STR("*");
    buf_free(&b);
    return E_OK;
}

enum err key_routes_list(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(access_key_list(c, &rows));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        json_field_str(o, "id", row_str(&rows, i, 0));
        json_field_str(o, "name", row_str(&rows, i, 1));
        struct str scopes = row_str(&rows, i, 2), scope;
        json_name(o, "scopes");
        json_open_array(o);
        while (str_split(&scopes, ' ', &scope)) {
            json_put_str(o, scope);
        }
        json_close_array(o);
        json_field(o, "roles", role_names(c->arena, (uint32_t)row_int(&rows, i, 3)));
        if (row_is_null(&rows, i, 4)) {
            json_field_null(o, "expires_at");
        } else {
            json_field_int(o, "expires_at", row_int(&rows, i, 4));
        }
        json_field_int(o, "created_at", row_int(&rows, i, 5));
        json_field_bool(o, "rotating", row_int(&rows, i, 6) > ctx_now_ms(c));
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* Who learns a key's secret can do what the key can. A key itself makes no other keys (its scopes
 * would not bind them) and renews only itself. */
static enum err check_may_hold(struct ctx *c, const struct id *key)
{
    uint32_t roles = 0;
    if (c->actor_kind == ACTOR_KEY && !(key && id_eq(key, &c->actor))) {
        return ctx_fail(c, E_DENIED,
                        "an API key may renew itself, and no more: sign in to do this");
    }
    if (!key) {
        return E_OK;
    }
    TRY(access_key_roles(c, key, &roles));
    if (roles & ~c->roles) {
        return ctx_fail(c, E_DENIED, "this key can do more than you: who has its roles renews it");
    }
    return E_OK;
}

static void write_secret(struct call *call, const struct id *id, struct str secret)
{
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "id", id_str(id));
    json_field_str(o, "key", secret);
    json_close_object(o);
}

enum err key_routes_post(struct ctx *c, struct call *call)
{
    const struct key_routes_body *in = call->input;
    struct api_key key = {.name = in->name, .expires_at_ms = in->expires_at};
    struct str secret;
    TRY(check_may_hold(c, NULL));
    TRY(join_scopes(c, in->scopes, &key.scopes));
    TRY(member_routes_roles(c, in->roles, &key.roles));
    key.roles = json_count(in->roles) ? key.roles : c->roles;
    if (key.roles & ~c->roles) {
        return ctx_fail_field(c, E_DENIED, "roles", "a key cannot do more than who makes it");
    }
    TRY(access_key_create(c, &key, &secret));
    TRY(audit_add(c, call->store, "key_created", id_str(&key.id), NULL));
    write_secret(call, &key.id, secret);
    return E_OK;
}

enum err key_routes_rotate(struct ctx *c, struct call *call)
{
    struct id id;
    struct str secret;
    TRY(call_id(c, call, 0, &id));
    TRY(check_may_hold(c, &id));
    TRY(access_key_rotate(c, &id, DAY_MS, &secret));
    TRY(audit_add(c, call->store, "key_rotated", id_str(&id), NULL));
    write_secret(call, &id, secret);
    return E_OK;
}

enum err key_routes_delete(struct ctx *c, struct call *call)
{
    struct id id;
    uint32_t roles;
    TRY(call_id(c, call, 0, &id));
    TRY(access_key_roles(c, &id, &roles)); /* it exists */
    /* keys lie in another store: rather told twice than not at all */
    TRY(audit_add(c, call->store, "key_revoked", id_str(&id), NULL));
    return access_key_revoke(c, &id);
}

/* ---- secrets: set and forgotten, never shown ---- */

static const struct field secret_fields[] = {
    FIELD(struct key_routes_secret_body, value, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .min = 1, .max = VAULT_SECRET_MAX_BYTES),
};
const struct field_table key_routes_secret_table = FIELD_TABLE("Secret", secret_fields);

enum err key_routes_list_secrets(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(vault_list(c, call->store, &rows));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        json_field_str(o, "name", row_str(&rows, i, 0));
        json_field_int(o, "updated_at", row_int(&rows, i, 1));
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* As many as a list shows: none is out of sight. */
static enum err check_secret_room(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    TRY(vault_list(c, call->store, &rows));
    for (int i = 0; i < rows.count; i++) {
        if (str_eq(row_str(&rows, i, 0), call->params[0])) {
            return E_OK;
        }
    }
    return rows.count < VAULT_LIST_MAX
               ? E_OK
               : ctx_fail(c, E_CONFLICT, "an organisation has at most %d secrets: remove one first",
                          VAULT_LIST_MAX);
}

enum err key_routes_put_secret(struct ctx *c, struct call *call)
{
    const struct key_routes_secret_body *in = call->input;
    TRY(check_secret_room(c, call));
    TRY(vault_put(c, call->store, call->params[0], in->value));
    TRY(audit_add(c, call->store, "secret_set", call->params[0], NULL));
    call->status = 204;
    return E_OK;
}

enum err key_routes_delete_secret(struct ctx *c, struct call *call)
{
    TRY(vault_delete(c, call->store, call->params[0]));
    return audit_add(c, call->store, "secret_removed", call->params[0], NULL);
}
