#include "svc/identity/member_routes.h"

#include "codec/seal.h"

static const struct field member_fields[] = {
    FIELD(struct member_routes_body, email, FIELD_STR, .flags = FIELD_PERSONAL, .max = 254,
          .form = FIELD_EMAIL),
    FIELD(struct member_routes_body, name, FIELD_STR, .flags = FIELD_PERSONAL, .max = 120),
    FIELD(struct member_routes_body, title, FIELD_STR, .max = 120),
    FIELD(struct member_routes_body, password, FIELD_STR, .flags = FIELD_SECRET,
          .max = SEAL_PASSWORD_MAX_BYTES),
    FIELD(struct member_routes_body, status, FIELD_STR, .max = 20),
    FIELD(struct member_routes_body, roles, FIELD_LIST, .min = 0, .max = 16),
};
const struct field_table member_routes_table =
    FIELD_TABLE_GIVEN("Member", member_fields, struct member_routes_body, given);

void member_routes_write(struct ctx *c, struct json_out *o, const struct member *m)
{
    json_open_object(o);
    json_field_str(o, "id", id_str(&m->id));
    json_field_str(o, "name", m->name);
    json_field_str(o, "email", m->email);
    json_field_str(o, "title", m->title);
    json_field(o, "roles", role_names(c->arena, m->roles));
    json_field_str(o, "status", m->status);
    json_field_int(o, "created_at", m->created_at_ms);
    if (m->last_sign_in_at_ms) {
        json_field_int(o, "last_login_at", m->last_sign_in_at_ms);
    }
    json_close_object(o);
}

/* Nobody hands out what they do not hold themselves. Admins stand for every role of their org, when
 * they are there themselves: a key has its own roles and no more. */
static uint32_t may_hand_out(const struct ctx *c)
{
    if (c->actor_kind == ACTOR_KEY) {
        return c->roles;
    }
    if (c->roles & ROLE_OPERATOR) {
        return ROLE_ANY;
    }
    return c->roles & ROLE_ADMIN ? ROLE_ANY & ~(uint32_t)ROLE_OPERATOR : c->roles;
}

enum err member_routes_roles(struct ctx *c, const struct json *list, uint32_t *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct str name = json_text(json_at(list, i), STR(""));
        uint32_t bit = role_parse(name);
        if (!bit) {
            return ctx_fail_field(c, E_INVALID, "roles", "there is no role \"%.*s\"",
                                  STR_ARG(name));
        }
        bits |= bit;
    }
    uint32_t beyond = bits & ~may_hand_out(c);
    if (beyond) {
        return ctx_fail_field(c, E_DENIED, "roles",
                              "you do not hold these and cannot give them: %.*s",
                              STR_ARG(json_write(c->arena, role_names(c->arena, beyond))));
    }
    *out = bits;
    return E_OK;
}

enum err member_routes_list(struct ctx *c, struct call *call)
{
    const struct member *all;
    int limit, count;
    TRY(call_limit(c, call, &limit));
    TRY(member_list(c, call_query(c, call, "cursor"), limit, &all, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        member_routes_write(c, o, &all[i]);
    }
    call_list_end(call, count == limit ? all[count - 1].email : STR(""));
    return E_OK;
}

/* With a password one signs in, and no scope binds who is signed in. */
static enum err check_may_set_password(struct ctx *c, struct str password)
{
    if (password.n && c->actor_kind == ACTOR_KEY) {
        return ctx_fail_field(c, E_DENIED, "password",
                              "an API key sets no passwords: sign in to do this");
    }
    return E_OK;
}

/* A password takes its time to be hashed: not while all others wait to write. */
static enum err prepare_post(struct ctx *c, struct call *call, void *arg)
{
    const struct member_routes_body *in = call->input;
    struct member *m = arg;
    *m = (struct member){.email = in->email, .name = in->name, .title = in->title};
    TRY(check_may_set_password(c, in->password));
    TRY(member_routes_roles(c, in->roles, &m->roles));
    TRY(access_key_covers(c, m->roles));
    return member_prepare(c, m, in->password);
}

static enum err write_post(struct ctx *c, struct call *call, void *arg)
{
    const struct member *m = arg;
    TRY(member_put(c, m));
    member_routes_write(c, call_json(call), m);
    return E_OK;
}

enum err member_routes_post(struct ctx *c, struct call *call)
{
    struct member m;
    struct once once = {.store = call->store,
                        .actor = id_str(&c->actor),
                        .prepare = prepare_post,
                        .handler = write_post,
                        .arg = &m};
    return call_once(c, call, &once);
}

/* An operator's password, roles and entry are for operators to change: else an admin beside them
 * could become one. */
static enum err check_may_change(struct ctx *c, const struct member *m)
{
    if ((m->roles & ROLE_OPERATOR) && !(c->roles & ROLE_OPERATOR)) {
        return ctx_fail(c, E_DENIED, "only an operator changes an operator");
    }
    return E_OK;
}

/* Roles that the member did not have, or could not use. */
static enum err check_may_grant(struct ctx *c, const struct member *before, const struct member *m)
{
    bool out = !str_eqz(before->status, "active");
    if (!str_eqz(m->status, "active")) {
        return E_OK;
    }
    return access_key_covers(c, out ? m->roles : m->roles & ~before->roles);
}

enum err member_routes_patch(struct ctx *c, struct call *call)
{
    const struct member_routes_body *in = call->input;
    struct member before, m;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(member_get(c, &id, &m));
    before = m;
    TRY(check_may_change(c, &m));
    TRY(check_may_set_password(c, in->password));
    if (in->email.n && !str_eq_nocase(in->email, m.email)) {
        return ctx_fail_field(c, E_INVALID, "email",
                              "the e-mail address of a member does not "
                              "change; add a new member");
    }
    m.name = in->name.n ? in->name : m.name;
    m.title = field_given(in->given, &member_routes_table, "title") ? in->title : m.title;
    m.status = in->status.n ? in->status : m.status;
    if (in->roles) {
        TRY(member_routes_roles(c, in->roles, &m.roles));
    }
    TRY(check_may_grant(c, &before, &m));
    TRY(member_update(c, &m, in->password));
    member_routes_write(c, call_json(call), &m);
    return E_OK;
}

enum err member_routes_delete(struct ctx *c, struct call *call)
{
    struct id id;
    struct member m;
    TRY(call_id(c, call, 0, &id));
    TRY(member_get(c, &id, &m));
    TRY(check_may_change(c, &m));
    return member_remove(c, &id);
}
