#include "svc/identity/org_routes.h"

#include "codec/hmac.h"
#include "host/erasure.h"
#include "host/org.h"
#include "host/org_settings.h"
#include "svc/identity/member.h"

static const struct field org_fields[] = {
    FIELD(struct org_routes_body, name, FIELD_STR, .max = 200),
    FIELD(struct org_routes_body, slug, FIELD_STR, .max = 63),
    FIELD(struct org_routes_body, status, FIELD_STR, .max = 20),
    FIELD(struct org_routes_body, settings, FIELD_OBJECT),
};
const struct field_table org_routes_table = FIELD_TABLE("Org", org_fields);

/* How far back a change is looked for that was told, and whose answer was lost. */
enum { TOLD_ENTRIES_MAX = 1000 };

static void write_org(struct json_out *o, const struct org *org)
{
    json_open_object(o);
    json_field_str(o, "id", id_str(&org->id));
    json_field_str(o, "name", org->name);
    json_field_str(o, "slug", org->slug);
    json_field_str(o, "kind", org->kind);
    json_field_str(o, "status", org->status);
    json_name(o, "settings");
    json_put_raw(o, org->settings_text);
    json_field_int(o, "created_at", org->created_at_ms);
    json_close_object(o);
}

enum err org_routes_write(struct ctx *c, struct json_out *o, const struct id *id)
{
    struct org org;
    TRY(org_get(c, id, &org));
    write_org(o, &org);
    return E_OK;
}

enum err org_routes_list(struct ctx *c, struct call *call)
{
    const struct org *orgs;
    int limit, count;
    TRY(call_limit(c, call, &limit));
    TRY(org_list_whole(c, call_query(c, call, "cursor"), limit, &orgs, &count));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        write_org(o, &orgs[i]);
    }
    call_list_end(call, count == limit ? orgs[count - 1].slug : STR(""));
    return E_OK;
}

/* ---- making one ---------------------------------------------------------- */

struct making {
    struct org org;
    bool was_there; /* by an attempt that was not answered, it seems */
};

static enum err has_members(struct ctx *c, const struct id *org, bool *out)
{
    struct org_visit before;
    struct store *s;
    struct store_rows rows;
    org_enter(c, org, &before);
    enum err e = store_of(c, &s);
    e = e == E_OK ? store_query(c, s, &rows, "SELECT id FROM member LIMIT 1") : e;
    org_leave(c, &before);
    *out = e == E_OK && rows.count > 0;
    return e;
}

/* The directory, the org's store and the operator's audit log lie in three stores, and an attempt
 * may have ended between them. Asked for again in the same words it goes on, as long as nobody
 * works there. */
static enum err go_on(struct ctx *c, struct making *m)
{
    const struct json *settings = m->org.settings ? m->org.settings : &json_empty_object;
    struct org there;
    bool used = true;
    TRY(org_by_slug(c, m->org.slug, &there));
    if (str_eqz(there.status, "active") && str_eq(there.name, m->org.name) &&
        json_equal(there.settings, settings)) {
        TRY(org_complete(c, &there.id));
        TRY(has_members(c, &there.id, &used));
    }
    m->org = there;
    m->was_there = !used;
    return used ? E_CONFLICT : E_OK;
}

static enum err fail_taken(struct ctx *c, struct str slug)
{
    return ctx_fail_field(c, E_CONFLICT, "slug", "an organisation %.*s exists already",
                          STR_ARG(slug));
}

static enum err prepare_post(struct ctx *c, struct call *call, void *arg)
{
    const struct org_routes_body *in = call->input;
    struct making *m = arg;
    *m = (struct making){.org = {.slug = in->slug, .name = in->name, .settings = in->settings}};
    TRY(org_settings_check(c, host_services(c), in->settings));
    enum err e = org_create(c, &m->org);
    if (e == E_CONFLICT) {
        ctx_forgive(c);
        e = go_on(c, m);
        return e == E_CONFLICT ? fail_taken(c, in->slug) : e;
    }
    return e;
}

static enum err is_told(struct ctx *c, struct store *s, const struct id *org, bool *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT seq FROM audit_entry WHERE action = 'org_created' AND resource = ?1"
                    " LIMIT 1",
                    S_ID(org)));
    *out = rows.count > 0;
    return E_OK;
}

static enum err write_post(struct ctx *c, struct call *call, void *arg)
{
    const struct making *m = arg;
    bool told = false;
    if (m->was_there) {
        TRY(is_told(c, call->store, &m->org.id, &told));
    }
    if (told) {
        return fail_taken(c, m->org.slug);
    }
    TRY(audit_add(c, call->store, "org_created", id_str(&m->org.id), NULL));
    return org_routes_write(c, call_json(call), &m->org.id);
}

enum err org_routes_post(struct ctx *c, struct call *call)
{
    struct making m;
    struct once once = {.store = call->store,
                        .actor = id_str(&c->actor),
                        .prepare = prepare_post,
                        .handler = write_post,
                        .arg = &m};
    return call_once(c, call, &once);
}

/* ---- one that is there --------------------------------------------------- */

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

static bool same_org(const struct org *a, const struct org *b)
{
    return str_eq(a->name, b->name) && str_eq(a->status, b->status) &&
           str_eq(a->settings_text, b->settings_text);
}

/* What the org is now, in the audit log. */
static const struct json *org_state(struct ctx *c, const struct org *org)
{
    struct arena *a = c->arena;
    return json_object(
        a, {"name", json_new_str(a, org->name)}, {"status", json_new_str(a, org->status)},
        {"settings_sha256", json_new_str(a, hmac_sha256_hex(a, org->settings_text))});
}

/* The directory and the audit log lie in two stores: the change may be there without its entry, or
 * with it and the answer was lost. Asked for again, it is told in the first case only. */
static enum err tell_updated(struct ctx *c, struct store *s, const struct org *org, bool changed)
{
    struct store_rows rows;
    const struct json *state = org_state(c, org);
    if (!changed) {
        TRY(store_query(c, s, &rows,
                        "SELECT detail FROM audit_entry WHERE action = 'org_updated'"
                        " AND resource = ?1 AND seq > (SELECT max(seq) FROM audit_entry) - ?2"
                        " ORDER BY seq DESC LIMIT 1",
                        S_ID(&org->id), S_INT(TOLD_ENTRIES_MAX)));
        if (rows.count && str_eq(row_str(&rows, 0, 0), json_write(c->arena, state))) {
            return E_OK;
        }
    }
    return audit_add(c, s, "org_updated", id_str(&org->id), state);
}

/* What was not asked for is not written: an admin who renames the org must not undo the operator's
 * suspension. */
enum err org_routes_patch(struct ctx *c, struct call *call)
{
    const struct org_routes_body *in = call->input;
    struct id id;
    struct org before, after;
    TRY(own_org(c, call, &id));
    TRY(org_get(c, &id, &before));
    if (str_eqz(before.status, "erasing")) {
        return ctx_fail(c, E_CONFLICT, "this organisation is being erased");
    }
    if (in->status.n) {
        TRY(check_status(c, before.kind, in->status));
    }
    TRY(org_settings_check(c, host_services(c), in->settings));
    TRY(org_patch(
        c,
        &(struct org){.id = id, .name = in->name, .status = in->status, .settings = in->settings}));
    TRY(org_get(c, &id, &after));
    TRY(tell_updated(c, call->store, &after, !same_org(&before, &after)));
    write_org(call_json(call), &after);
    return E_OK;
}

/* ---- erasing ------------------------------------------------------------- */

#define ERASE_JOB "identity_erase_org"

static const struct field erase_fields[] = {
    FIELD(struct org_routes_erase_body, slug, FIELD_STR, .flags = FIELD_REQUIRED, .max = 63,
          .title = "The organisation's own: nothing else is erased by mistake"),
};
const struct field_table org_routes_erase_table = FIELD_TABLE("OrgErasure", erase_fields);

static enum err check_erasable(struct ctx *c, const struct org *org, struct str slug)
{
    if (!str_eq(slug, org->slug)) {
        return ctx_fail_field(c, E_INVALID, "slug", "this organisation's slug is %.*s",
                              STR_ARG(org->slug));
    }
    if (str_eqz(org->kind, "operator")) {
        return ctx_fail(c, E_CONFLICT, "the operator's own organisation is not erased");
    }
    if (str_eqz(org->status, "active")) {
        return ctx_fail(c, E_CONFLICT, "an organisation is suspended (status) before it is erased");
    }
    return E_OK;
}

/* The order and its entry in the audit log commit together, in the operator's org, where both
 * outlive what is erased. */
enum err org_routes_delete(struct ctx *c, struct call *call)
{
    const struct org_routes_erase_body *in = call->input;
    struct arena *a = c->arena;
    struct id id;
    struct org org;
    TRY(call_id(c, call, 0, &id));
    TRY(org_get(c, &id, &org));
    TRY(check_erasable(c, &org, in->slug));
    const struct json *what =
        json_object(a, {"id", json_new_str(a, id_str(&id))}, {"slug", json_new_str(a, org.slug)});
    TRY(audit_add(c, call->store, "org_erasure_ordered", id_str(&id), what));
    TRY(job_add(c, call->store, .kind = ERASE_JOB, .payload = what, .unique_key = id_str(&id)));
    call->status = 202;
    write_org(call_json(call), &org);
    return E_OK;
}

struct erased {
    struct store *store;
    struct job *job;
    struct str org;
    const char *action;
};

static enum err tell_erased(struct ctx *c, void *arg)
{
    const struct erased *w = arg;
    const struct json *slug = json_get(w->job->payload, "slug");
    TRY(audit_add(c, w->store, w->action, w->org, json_object(c->arena, {"slug", slug})));
    return job_finish(c, w->store, w->job);
}

enum err org_routes_erase(struct ctx *c, struct job *job)
{
    struct erased w = {
        .job = job, .org = json_str(job->payload, "id", STR("")), .action = "org_erased"};
    struct id id;
    if (!id_parse(w.org, &id)) {
        return ctx_fail(c, E_INVALID, "the order to erase names no organisation");
    }
    TRY(store_of(c, &w.store));
    enum err e = erasure_carry_out(c, &id);
    if (e == E_CONFLICT) {
        ctx_forgive(c);
        w.action = "org_erasure_dropped"; /* it was made active again, which is nobody's mistake */
        return store_transact(c, w.store, tell_erased, &w);
    }
    TRY(e);
    if (!c->at->alone && !json_bool(job->payload, "again", false)) {
        return job_add(c, w.store, .kind = ERASE_JOB,
                       .run_at_ms = ctx_now_ms(c) + ERASURE_SETTLE_MS, .merge = JOB_MOVE,
                       .payload =
                           json_with(c->arena, job->payload, STR("again"), json_new_bool(true)),
                       .unique_key = job->unique_key);
    }
    TRY(erasure_end(c, &id));
    return store_transact(c, w.store, tell_erased, &w);
}

/* ---- the audit log ------------------------------------------------------- */

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
