#include "agent/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/account_rule.h"
#include "base/buf.h"
#include "bus/topic.h"
#include "codec/schema.h"

const struct migration record_migrations[] = {
    {"record", 1, STORE_SCOPE_ORG,
     "CREATE TABLE record_kind (name TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (name));"
     "CREATE TABLE record ("
     " id TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,"
     " account TEXT NOT NULL, contact TEXT NOT NULL, data TEXT NOT NULL,"
     " version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
     " PRIMARY KEY (id), UNIQUE (kind, key));"
     "CREATE INDEX record_by_account ON record (kind, account);"
     "CREATE INDEX record_by_contact ON record (kind, contact);"
     "CREATE TABLE contact_identity ("
     " channel TEXT NOT NULL, external_id TEXT NOT NULL, contact_id TEXT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (channel, external_id));"
     "CREATE INDEX contact_identity_by_contact ON contact_identity (contact_id);"},
    {0},
};

#define RECORD_COLUMNS "id, kind, key, account, contact, data, version, created_at, updated_at"

static const struct record_kind built_in[] = {
    {.name = {"account", 7},
     .title = {"Account", 7},
     .plural = {"Accounts", 8},
     .key = {"slug", 4},
     .sort = {"name", 4}},
    {.name = {"contact", 7},
     .title = {"Contact", 7},
     .plural = {"Contacts", 8},
     .key = {"email", 5},
     .owner_account = {"account", 7},
     .sort = {"name", 4}},
    {.name = {"ticket", 6},
     .title = {"Ticket", 6},
     .plural = {"Tickets", 7},
     .key = {"number", 6},
     .owner_account = {"account", 7},
     .owner_contact = {"contact", 7},
     .sort = {"-created_at", 11}},
};
enum { FIELDS_MAX_BYTES = 64 << 10 };
enum { BUILT_IN_COUNT = sizeof(built_in) / sizeof(*built_in) };

/* What people who list the kinds see of an account's rules; an org may keep further members. */
static enum err fields_of_accounts(struct ctx *c, const struct json **out)
{
    struct buf b = buf_make(FIELDS_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    struct json_fault fault;
    const struct json *fields = NULL;
    field_schema(&account_body_table, FIELD_REQUEST, &o);
    enum err e = json_parse(c->arena, str_dup(c->arena, buf_str(&b)), &fields, &fault);
    buf_free(&b);
    if (e != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the fields of accounts: %s", fault.text);
    }
    *out = json_with(c->arena, fields, STR("additionalProperties"), NULL);
    return E_OK;
}

static bool is_account(const struct record_kind *kind)
{
    return str_eqz(kind->name, "account");
}

static void kind_of_json(const struct json *d, struct record_kind *out)
{
    const struct json *owner = json_get(d, "owner");
    *out = (struct record_kind){
        .name = json_str(d, "name", STR("")),
        .title = json_str(d, "title", STR("")),
        .plural = json_str(d, "plural", STR("")),
        .key = json_str(d, "key", STR("")),
        .owner_account = json_str(owner, "account", STR("")),
        .owner_contact = json_str(owner, "contact", STR("")),
        .list = json_get(d, "list"),
        .sort = json_str(d, "sort", STR("")),
        .fields = json_get(d, "fields"),
    };
}

enum err record_kind_put(struct ctx *c, struct store *s, const struct json *d)
{
    struct record_kind kind;
    kind_of_json(d, &kind);
    if (!kind.name.n || kind.name.n > 64) {
        return ctx_fail_field(c, E_INVALID, "name", "a record kind needs a name");
    }
    if (!kind.key.n) {
        return ctx_fail_field(c, E_INVALID, "key", "record kind %.*s needs a key field",
                              STR_ARG(kind.name));
    }
    for (int i = 0; i < BUILT_IN_COUNT; i++) {
        if (str_eq(kind.name, built_in[i].name)) {
            return ctx_fail_field(c, E_INVALID, "name", "%.*s is built in", STR_ARG(kind.name));
        }
    }
    const struct schema *schema;
    struct schema_fault fault = {0};
    if (json_is(kind.fields, JSON_OBJECT) &&
        schema_new(c->arena, kind.fields, &schema, &fault) != E_OK) {
        return ctx_fail_field(c, E_INVALID, "fields", "record kind %.*s: %s: %s",
                              STR_ARG(kind.name), fault.path, fault.text);
    }
    return store_exec(c, s, NULL,
                      "INSERT INTO record_kind (name, definition) VALUES (?1, ?2)"
                      " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition",
                      S_STR(kind.name), S_STR(json_write(c->arena, d)));
}

static enum err read_kind(struct ctx *c, struct str text, struct record_kind *out)
{
    const struct json *d;
    struct json_fault fault;
    if (json_parse(c->arena, text, &d, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a stored record kind is damaged: %s", fault.text);
    }
    kind_of_json(d, out);
    return E_OK;
}

enum err record_kind_get(struct ctx *c, struct store *s, struct str name, struct record_kind *out)
{
    for (int i = 0; i < BUILT_IN_COUNT; i++) {
        if (str_eq(name, built_in[i].name)) {
            *out = built_in[i];
            return E_OK;
        }
    }
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT definition FROM record_kind WHERE name = ?1",
                    S_STR(name)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no record kind %.*s", STR_ARG(name));
    }
    return read_kind(c, row_str(&rows, 0, 0), out);
}

enum err record_kinds(struct ctx *c, struct store *s, const struct record_kind **out_kinds,
                      int *out_count)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT definition FROM record_kind ORDER BY name LIMIT ?1",
                    S_INT(RECORD_KINDS_MAX)));
    int n = BUILT_IN_COUNT + rows.count;
    struct record_kind *all = ARENA_ARRAY(c->arena, struct record_kind, (size_t)n);
    for (int i = 0; i < n; i++) {
        if (i >= BUILT_IN_COUNT) {
            TRY(read_kind(c, row_str(&rows, i - BUILT_IN_COUNT, 0), &all[i]));
            continue;
        }
        all[i] = built_in[i];
        if (is_account(&all[i])) {
            TRY(fields_of_accounts(c, &all[i].fields));
        }
    }
    *out_kinds = all;
    *out_count = n;
    return E_OK;
}

static enum err read_record(struct ctx *c, const struct store_rows *r, int row, struct record *out)
{
    const struct json *data;
    struct json_fault fault;
    if (json_parse(c->arena, row_str(r, row, 5), &data, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a stored record is damaged: %s", fault.text);
    }
    *out = (struct record){
        .id = row_id(r, row, 0),
        .kind = row_str(r, row, 1),
        .key = row_str(r, row, 2),
        .account = row_str(r, row, 3),
        .contact = row_str(r, row, 4),
        .data = data,
        .version = row_int(r, row, 6),
        .created_at_ms = row_int(r, row, 7),
        .updated_at_ms = row_int(r, row, 8),
    };
    return E_OK;
}

/* Text of a scalar field; empty when absent. */
static struct str field_text(struct ctx *c, const struct json *data, struct str name)
{
    const struct json *v = name.n ? json_find(data, name) : NULL;
    if (json_is(v, JSON_STRING)) {
        return v->string;
    }
    return json_is(v, JSON_INT) ? str_fmt(c->arena, "%lld", (long long)v->integer) : STR("");
}

/* The members of `after` that are not as they were; all of them where nothing was before. */
static const struct json *touched(struct arena *a, const struct json *before,
                                  const struct json *after)
{
    const struct json *members = &json_empty_object;
    for (size_t i = 0; i < json_count(after); i++) {
        const struct json_member *m = &after->members[i];
        const struct json *had = before ? json_find(before, m->name) : NULL;
        members =
            had && json_equal(had, &m->value) ? members : json_with(a, members, m->name, &m->value);
    }
    return members;
}

static enum err check_account(struct ctx *c, const struct json *before, const struct json *data)
{
    const struct json *members = touched(c->arena, before, data);
    const struct json *usage = json_get(members, "usage"), *was = json_get(before, "usage");
    bool had_name = !before || json_get(before, "name");
    if (had_name && !json_get(data, "name")) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    if (json_is(usage, JSON_OBJECT) && json_is(was, JSON_OBJECT)) {
        members = json_with(c->arena, members, STR("usage"), touched(c->arena, was, usage));
    }
    return account_rule_check(c, members);
}

/* Whether a record had this fault before a change that does not touch the member it is in. */
static bool was_there(const struct schema_error *e, const struct schema_error *before, size_t count,
                      const struct json *members)
{
    size_t n = 0;
    while (n < e->path.n && e->path.p[n] != '.' && e->path.p[n] != '[') {
        n++;
    }
    bool had = false;
    for (size_t i = 0; i < count; i++) {
        had = had || (str_eq(before[i].path, e->path) && str_eq(before[i].text, e->text));
    }
    return had && !json_find(members, str_sub(e->path, 0, n));
}

/* A record may have been written under other rules: a change is judged by what it touches, so that
 * one old fault does not keep all the rest from being changed. */
static enum err check_schema(struct ctx *c, const struct record_kind *kind,
                             const struct json *before, const struct json *data)
{
    const struct schema *schema;
    struct schema_fault fault = {0};
    const struct schema_error *errors, *old = NULL;
    if (schema_new(c->arena, kind->fields, &schema, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "the schema of %.*s: %s", STR_ARG(kind->name), fault.text);
    }
    size_t count = schema_check(schema, c->arena, data, &errors), old_count = 0, i = 0;
    if (count && count < SCHEMA_ERRORS_MAX && before) { /* else there may be more than are told */
        const struct json *members = touched(c->arena, before, data);
        old_count = schema_check(schema, c->arena, before, &old);
        while (i < count && was_there(&errors[i], old, old_count, members)) {
            i++;
        }
    }
    if (i == count) {
        return E_OK;
    }
    char *path = str_dupz(c->arena, errors[i].path);
    return ctx_fail_field(c, E_INVALID, path, "%.*s: %s %.*s", STR_ARG(kind->name), path,
                          STR_ARG(errors[i].text));
}

/* `before`: the data that are changed; NULL: a new record. */
static enum err check_data(struct ctx *c, const struct record_kind *kind, const struct json *before,
                           const struct json *data, struct str *out_text)
{
    if (!json_is(data, JSON_OBJECT)) {
        return ctx_fail(c, E_INVALID, "a record is an object");
    }
    if (json_count(data) > RECORD_MEMBERS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "a record has at most %d members", RECORD_MEMBERS_MAX);
    }
    if (is_account(kind)) {
        TRY(check_account(c, before, data));
    } else if (json_is(kind->fields, JSON_OBJECT)) {
        TRY(check_schema(c, kind, before, data));
    }
    *out_text = json_write(c->arena, data);
    if (out_text->n > RECORD_DATA_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a record has at most %d bytes", RECORD_DATA_MAX_BYTES);
    }
    return E_OK;
}

/* The next free key after the newest one, keeping its form: "T-1042" gives "T-1043". */
static enum err next_key(struct ctx *c, struct store *s, struct str kind, struct str *out_key)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT key FROM record WHERE kind = ?1"
                    " ORDER BY length(key) DESC, key DESC LIMIT 1",
                    S_STR(kind)));
    struct str last = rows.count ? row_str(&rows, 0, 0) : STR("");
    size_t digits = 0;
    while (digits < last.n && digits < 15 && last.p[last.n - 1 - digits] >= '0' &&
           last.p[last.n - 1 - digits] <= '9') {
        digits++;
    }
    int64_t number = 0;
    if (digits == 0 || !str_to_i64(str_sub(last, last.n - digits, digits), &number)) {
        *out_key = str_fmt(c->arena, "%.*s-%d", STR_ARG(kind), 1001);
        return E_OK;
    }
    *out_key = str_fmt(c->arena, "%.*s%0*lld", STR_ARG(str_sub(last, 0, last.n - digits)),
                       (int)digits, (long long)number + 1);
    return E_OK;
}

/* ---- what the rest of the house hears of it ------------------------------- */

/* Names of the members that `after` does not have as `before` did. */
static const struct json *changed_names(struct arena *a, const struct json *before,
                                        const struct json *after)
{
    const struct json *names = &json_empty_array;
    for (size_t i = 0; i < json_count(after); i++) {
        const struct json_member *m = &after->members[i];
        const struct json *had = json_find(before, m->name);
        if (!had || !json_equal(had, &m->value)) {
            names = json_push(a, names, json_new_str(a, m->name));
        }
    }
    for (size_t i = 0; i < json_count(before); i++) {
        const struct json_member *m = &before->members[i];
        if (!json_find(after, m->name)) {
            names = json_push(a, names, json_new_str(a, m->name));
        }
    }
    return names;
}

static bool is_done(struct str status)
{
    return str_eqz(status, "resolved") || str_eqz(status, "closed");
}

/* The most telling of the types that a ticket's change could have. */
static const char *ticket_type(const struct json *before, const struct json *after)
{
    struct str was = json_str(before, "status", STR("")), is = json_str(after, "status", STR(""));
    if (!str_eq(was, is)) {
        return str_eqz(is, "escalated")       ? "ticket_escalated"
               : str_eqz(is, "resolved")      ? "ticket_resolved"
               : str_eqz(is, "closed")        ? "ticket_closed"
               : is_done(was) && !is_done(is) ? "ticket_reopened"
                                              : "ticket_updated";
    }
    bool moved =
        !str_eq(json_str(before, "assignee", STR("")), json_str(after, "assignee", STR("")));
    return moved ? "ticket_assigned" : "ticket_updated";
}

static const struct json *with_fields(struct arena *a, const struct json *payload,
                                      const struct json *data, const char *const *names)
{
    for (; *names; names++) {
        const struct json *v = json_get(data, *names);
        payload = v ? json_with(a, payload, str_of(*names), v) : payload;
    }
    return payload;
}

/* Accounts and tickets are watched by others: health, lists, screens. `before` is NULL for a new
 * record; `replaced` says that what was there before is not known. */
static enum err tell(struct ctx *c, struct store *s, const struct record *r,
                     const struct json *before, bool replaced)
{
    static const char *const of_ticket[] = {"account", "contact",   "category", "priority",
                                            "status",  "sentiment", "subject",  NULL};
    static const char *const of_account[] = {"name", "stage", "plan", "owner", NULL};
    struct arena *a = c->arena;
    bool ticket = str_eqz(r->kind, "ticket");
    if (!ticket && !str_eqz(r->kind, "account")) {
        return E_OK;
    }
    const struct json *p =
        json_with(a, &json_empty_object, ticket ? STR("ticket_id") : STR("client_id"),
                  json_new_str(a, r->key));
    p = with_fields(a, p, r->data, ticket ? of_ticket : of_account);
    if (before) {
        const struct json *names = changed_names(a, before, r->data);
        if (json_count(names) == 0) {
            return E_OK;
        }
        p = json_with(a, p, STR("changed"), names);
        struct str owner = json_str(before, "account", STR(""));
        if (ticket && !str_eq(owner, r->account)) {
            p = json_with(a, p, STR("account_before"), json_new_str(a, owner));
        }
    }
    bool created = !before && !replaced;
    return topic_emit(c, s, .topic = ticket ? "support_events" : "client_events",
                      .type = !ticket   ? created ? "client_created" : "client_updated"
                              : created ? "ticket_created"
                              : before  ? ticket_type(before, r->data)
                                        : "ticket_updated",
                      .key = id_str(&r->id), .payload = p);
}

struct write {
    struct store *store;
    struct str kind_name;
    const struct json *data;
    bool replace;
    struct record *out;
};

static enum err create_in(struct ctx *c, void *arg)
{
    struct write *w = arg;
    struct store *s = w->store;
    struct record_kind kind;
    TRY(record_kind_get(c, s, w->kind_name, &kind));
    if (!json_is(w->data, JSON_OBJECT)) {
        return ctx_fail(c, E_INVALID, "a record is a JSON object");
    }
    const struct json *data = json_merge(c->arena, &json_empty_object, w->data); /* no nulls */
    struct str key = field_text(c, data, kind.key);
    if (!key.n) {
        TRY(next_key(c, s, kind.name, &key));
        data = json_with(c->arena, data, kind.key, json_new_str(c->arena, key));
    }
    if (key.n > RECORD_KEY_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, str_dupz(c->arena, kind.key), "the key is too long");
    }
    struct str text;
    TRY(check_data(c, &kind, NULL, data, &text));
    struct id id = id_new(ctx_now_ms(c));
    struct store_rows rows;
    struct store_value values[] = {
        S_ID(&id),
        S_STR(kind.name),
        S_STR(key),
        S_STR(field_text(c, data, kind.owner_account)),
        S_STR(field_text(c, data, kind.owner_contact)),
        S_STR(text),
        S_INT(ctx_now_ms(c)),
        S_END_,
    };
    static const char insert[] = "INSERT INTO record (id, kind, key, account, contact, data,"
                                 " version, created_at, updated_at)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)"
                                 " RETURNING " RECORD_COLUMNS;
    static const char upsert[] = "INSERT INTO record (id, kind, key, account, contact, data,"
                                 " version, created_at, updated_at)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)"
                                 " ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data,"
                                 " account = excluded.account, contact = excluded.contact,"
                                 " version = record.version + 1, updated_at = excluded.updated_at"
                                 " RETURNING " RECORD_COLUMNS;
    enum err e = store_run(c, s, w->replace ? upsert : insert, values, &rows, NULL);
    if (e == E_CONFLICT) {
        return ctx_fail(c, E_CONFLICT, "%.*s %.*s exists already", STR_ARG(kind.name),
                        STR_ARG(key));
    }
    TRY(e);
    TRY(read_record(c, &rows, 0, w->out));
    return tell(c, s, w->out, NULL, w->out->version > 1);
}

enum err record_create(struct ctx *c, struct store *s, struct str kind, const struct json *data,
                       struct record *out)
{
    struct write w = {s, kind, data, false, out};
    return store_transact(c, s, create_in, &w);
}

enum err record_put(struct ctx *c, struct store *s, struct str kind, const struct json *data,
                    struct record *out)
{
    struct write w = {s, kind, data, true, out};
    return store_transact(c, s, create_in, &w);
}

struct update {
    struct store *store;
    const struct id *id;
    const struct json *changes;
    int64_t version;
    struct record *out;
};

static enum err update_in(struct ctx *c, void *arg)
{
    struct update *u = arg;
    struct store *s = u->store;
    struct record r;
    TRY(record_get(c, s, u->id, &r));
    if (u->version > 0 && u->version != r.version) {
        return ctx_fail(c, E_CONFLICT, "%.*s %.*s was changed by somebody else meanwhile",
                        STR_ARG(r.kind), STR_ARG(r.key));
    }
    struct record_kind kind;
    TRY(record_kind_get(c, s, r.kind, &kind));
    const struct json *data = json_merge(c->arena, r.data, u->changes);
    if (!str_eq(field_text(c, data, kind.key), r.key)) {
        return ctx_fail_field(c, E_INVALID, str_dupz(c->arena, kind.key),
                              "the key of a record does not change");
    }
    struct str text;
    TRY(check_data(c, &kind, r.data, data, &text));
    if (json_equal(data, r.data)) { /* asked again, since the first answer was lost */
        *u->out = r;
        return E_OK;
    }
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "UPDATE record SET data = ?2, account = ?3, contact = ?4,"
                    " version = version + 1, updated_at = ?5 WHERE id = ?1"
                    " RETURNING " RECORD_COLUMNS,
                    S_ID(&r.id), S_STR(text), S_STR(field_text(c, data, kind.owner_account)),
                    S_STR(field_text(c, data, kind.owner_contact)), S_INT(ctx_now_ms(c))));
    const struct json *before = r.data;
    TRY(read_record(c, &rows, 0, u->out));
    return tell(c, s, u->out, before, false);
}

enum err record_update(struct ctx *c, struct store *s, const struct id *id,
                       const struct json *changes, int64_t version, struct record *out)
{
    struct update u = {s, id, changes, version, out};
    return store_transact(c, s, update_in, &u);
}

enum err record_derive(struct ctx *c, struct store *s, struct record *r, const struct json *changes)
{
    const struct json *data = json_merge(c->arena, r->data, changes);
    struct str text = json_write(c->arena, data);
    if (text.n > RECORD_DATA_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a record has at most %d bytes", RECORD_DATA_MAX_BYTES);
    }
    TRY(store_exec(c, s, NULL, "UPDATE record SET data = ?2 WHERE id = ?1", S_ID(&r->id),
                   S_STR(text)));
    r->data = data;
    return E_OK;
}

struct removal {
    struct store *store;
    const struct id *id;
};

static enum err remove_in(struct ctx *c, void *arg)
{
    const struct removal *w = arg;
    struct record r;
    TRY(record_get(c, w->store, w->id, &r));
    TRY(store_exec(c, w->store, NULL, "DELETE FROM contact_identity WHERE contact_id = ?1",
                   S_ID(&r.id)));
    TRY(store_exec(c, w->store, NULL, "DELETE FROM record WHERE id = ?1", S_ID(&r.id)));
    if (!str_eqz(r.kind, "account")) {
        return E_OK;
    }
    const struct json *p =
        json_object(c->arena, {"client_id", json_new_str(c->arena, r.key)},
                    {"account_id", json_new_str(c->arena, str_dup(c->arena, id_str(&r.id)))},
                    {"name", json_get(r.data, "name")});
    return topic_emit(c, w->store, .topic = "crm_events", .type = "account_deleted",
                      .key = id_str(&r.id), .payload = p);
}

enum err record_remove(struct ctx *c, struct store *s, const struct id *id)
{
    struct removal w = {s, id};
    return store_transact(c, s, remove_in, &w);
}

enum err record_get(struct ctx *c, struct store *s, const struct id *id, struct record *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " RECORD_COLUMNS " FROM record WHERE id = ?1", S_ID(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such record");
    }
    return read_record(c, &rows, 0, out);
}

enum err record_by_key(struct ctx *c, struct store *s, struct str kind, struct str key,
                       struct record *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = ?1 AND key = ?2",
                    S_STR(kind), S_STR(key)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no %.*s %.*s", STR_ARG(kind), STR_ARG(key));
    }
    return read_record(c, &rows, 0, out);
}

static bool same_value(const struct json *a, const struct json *b)
{
    if (json_is(a, JSON_STRING) && json_is(b, JSON_STRING)) {
        return str_eq_nocase(str_trim(a->string), str_trim(b->string));
    }
    return json_equal(a, b);
}

static bool matches(const struct record *r, const struct json *match)
{
    for (size_t i = 0; i < json_count(match); i++) {
        const struct json_member *m = &match->members[i];
        const struct json *have = json_find(r->data, m->name);
        if (json_is_null(have) || !same_value(have, &m->value)) {
            return false;
        }
    }
    return true;
}

struct sortable {
    struct record record;
    const struct json *by;
    bool descending;
};

static int compare(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    int order = 0;
    bool none_a = json_is_null(a->by), none_b = json_is_null(b->by);
    if (none_a || none_b) {
        return none_a - none_b; /* records without the field come last, whatever the direction */
    }
    if (json_is(a->by, JSON_STRING) && json_is(b->by, JSON_STRING)) {
        order = str_cmp(a->by->string, b->by->string);
    } else {
        double x = json_number(a->by, 0), y = json_number(b->by, 0);
        order = x < y ? -1 : x > y;
    }
    order = order ? order : str_cmp(a->record.key, b->record.key);
    return a->descending ? -order : order;
}

static enum err collect(struct ctx *c, const struct store_rows *rows, const struct record_query *q,
                        struct sortable *all, int *out_count)
{
    struct str sort = q->sort;
    bool descending = str_starts(sort, STR("-"));
    sort = descending ? str_sub(sort, 1, sort.n) : sort;
    int n = 0;
    for (int i = 0; i < rows->count; i++) {
        struct record r;
        TRY(read_record(c, rows, i, &r));
        if (matches(&r, q->match)) {
            all[n++] = (struct sortable){r, json_find(r.data, sort), descending};
        }
    }
    *out_count = n;
    return E_OK;
}

enum err record_find(struct ctx *c, struct store *s, const struct record_query *q,
                     struct records *out, int64_t *out_total)
{
    struct store_rows rows;
    struct str like =
        q->text.n ? str_fmt(c->arena, "%%%.*s%%", STR_ARG(str_lower(c->arena, q->text))) : STR("");
    TRY(store_query(c, s, &rows,
                    "SELECT " RECORD_COLUMNS " FROM record WHERE kind = ?1"
                    " AND (?2 = '' OR account = ?2) AND (?3 = '' OR contact = ?3)"
                    " AND (?4 = '' OR lower(data) LIKE ?4) ORDER BY key LIMIT ?5",
                    S_STR(q->kind), S_STR(q->account), S_STR(q->contact), S_STR(like),
                    S_INT(RECORD_SCAN_MAX)));
    struct sortable *all = ARENA_ARRAY(c->arena, struct sortable, (size_t)rows.count + 1);
    int n = 0;
    TRY(collect(c, &rows, q, all, &n));
    qsort(all, (size_t)n, sizeof(*all), compare);
    int from = q->offset < n ? q->offset : n;
    int count = n - from < q->limit ? n - from : q->limit;
    struct record *items = ARENA_ARRAY(c->arena, struct record, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        items[i] = all[from + i].record;
    }
    *out = (struct records){count, items};
    if (out_total) {
        *out_total = n;
    }
    return E_OK;
}

enum err record_identify(struct ctx *c, struct store *s, const struct id *contact,
                         struct str channel, struct str external_id)
{
    return store_exec(c, s, NULL,
                      "INSERT INTO contact_identity (channel, external_id, contact_id, created_at)"
                      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (channel, external_id) DO NOTHING",
                      S_STR(channel), S_STR(external_id), S_ID(contact), S_INT(ctx_now_ms(c)));
}

struct meet {
    struct store *store;
    struct str channel, external_id, name;
    struct record *out;
};

static enum err meet_in(struct ctx *c, void *arg)
{
    struct meet *m = arg;
    struct store_rows rows;
    TRY(store_query(c, m->store, &rows,
                    "SELECT contact_id FROM contact_identity"
                    " WHERE channel = ?1 AND external_id = ?2",
                    S_STR(m->channel), S_STR(m->external_id)));
    if (rows.count) {
        struct id id = row_id(&rows, 0, 0);
        return record_get(c, m->store, &id, m->out);
    }
    struct arena *a = c->arena;
    struct id key = id_new(ctx_now_ms(c));
    const struct json *data =
        json_with(a, &json_empty_object, STR("email"),
                  json_new_str(a, str_fmt(a, "%.*s:%s", STR_ARG(m->channel), key.text)));
    data = json_with(a, data, STR("name"), json_new_str(a, m->name.n ? m->name : STR("Visitor")));
    TRY(record_create(c, m->store, STR("contact"), data, m->out));
    return record_identify(c, m->store, &m->out->id, m->channel, m->external_id);
}

enum err record_contact_of(struct ctx *c, struct store *s, struct str channel,
                           struct str external_id, struct str name, struct record *out)
{
    struct meet m = {s, channel, external_id, name, out};
    return store_transact(c, s, meet_in, &m);
}

const struct json *record_view(struct arena *a, const struct record *r)
{
    const struct json *v = json_with(a, r->data, STR("id"), json_new_str(a, id_str(&r->id)));
    v = json_with(a, v, STR("kind"), json_new_str(a, r->kind));
    v = json_with(a, v, STR("version"), json_new_int(a, r->version));
    if (!json_find(r->data, STR("created_at"))) {
        v = json_with(a, v, STR("created_at"), json_new_int(a, r->created_at_ms));
    }
    return json_find(r->data, STR("updated_at"))
               ? v
               : json_with(a, v, STR("updated_at"), json_new_int(a, r->updated_at_ms));
}
