#include "agent/record.h"
#include "codec/text.h"
#include "host/service.h"

extern const struct service record_service;

static void write_kind(struct json_out *o, const struct record_kind *k, int64_t count)
{
    json_open_object(o);
    json_field_str(o, "name", k->name);
    json_field_str(o, "title", k->title);
    json_field_str(o, "plural", k->plural);
    json_field_str(o, "key", k->key);
    json_field_str(o, "sort", k->sort);
    json_field(o, "list", k->list ? k->list : &json_empty_array);
    json_field(o, "fields", k->fields);
    json_field_int(o, "count", count);
    json_close_object(o);
}

static enum err list_kinds(struct ctx *c, struct call *call)
{
    const struct record_kind *kinds;
    struct store_rows counts;
    int count;
    TRY(record_kinds(c, call->store, &kinds, &count));
    TRY(store_query(c, call->store, &counts,
                    "SELECT kind, count(*) FROM record GROUP BY kind ORDER BY kind LIMIT 200"));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < count; i++) {
        int64_t n = 0;
        for (int j = 0; j < counts.count; j++) {
            n = str_eq(row_str(&counts, j, 0), kinds[i].name) ? row_int(&counts, j, 1) : n;
        }
        write_kind(o, &kinds[i], n);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static enum err list_of(struct ctx *c, struct call *call, struct str kind_name)
{
    struct record_kind kind;
    struct records page;
    int64_t total, offset;
    int limit;
    TRY(record_kind_get(c, call->store, kind_name, &kind));
    TRY(call_limit(c, call, &limit));
    TRY(call_query_int(c, call, "cursor", 0, &offset));
    if (offset < 0 || offset > RECORD_SCAN_MAX) {
        return ctx_fail_field(c, E_INVALID, "cursor", "the cursor is not one of ours");
    }
    struct str sort = call_query(c, call, "sort");
    struct record_query q = {
        .kind = kind.name,
        .account = call_query(c, call, "account"),
        .contact = call_query(c, call, "contact"),
        .text = text_cut_bytes(call_query(c, call, "q"), 200),
        .sort = sort.n ? sort : kind.sort,
        .limit = limit,
        .offset = (int)offset,
    };
    TRY(record_find(c, call->store, &q, &page, &total));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < page.count; i++) {
        json_put(o, record_view(c->arena, &page.items[i]));
    }
    bool more = offset + page.count < total;
    call_list_end(call,
                  more ? str_fmt(c->arena, "%lld", (long long)(offset + page.count)) : STR(""));
    return E_OK;
}

static enum err get_of(struct ctx *c, struct call *call, struct str kind, int index)
{
    struct record r;
    struct id id;
    enum err e = id_parse(call->params[index], &id)
                     ? record_get(c, call->store, &id, &r)
                     : record_by_key(c, call->store, kind, call->params[index], &r);
    TRY(e);
    if (!str_eq(r.kind, kind)) {
        return ctx_fail(c, E_NOT_FOUND, "no such record");
    }
    json_put(call_json(call), record_view(c->arena, &r));
    return E_OK;
}

static enum err list_records(struct ctx *c, struct call *call)
{
    return list_of(c, call, call->params[0]);
}

static enum err get_record(struct ctx *c, struct call *call)
{
    return get_of(c, call, call->params[0], 1);
}

static enum err list_accounts(struct ctx *c, struct call *call)
{
    return list_of(c, call, STR("account"));
}

static enum err get_account(struct ctx *c, struct call *call)
{
    return get_of(c, call, STR("account"), 0);
}

static enum err list_contacts(struct ctx *c, struct call *call)
{
    return list_of(c, call, STR("contact"));
}

static enum err get_contact(struct ctx *c, struct call *call)
{
    return get_of(c, call, STR("contact"), 0);
}

static enum err list_tickets(struct ctx *c, struct call *call)
{
    return list_of(c, call, STR("ticket"));
}

static enum err get_ticket(struct ctx *c, struct call *call)
{
    return get_of(c, call, STR("ticket"), 0);
}

/* Who may not change an account by its own routes may not by these. */
static enum err check_may_write(struct ctx *c, struct str kind)
{
    bool may = !str_eqz(kind, "account") || (c->roles & ROLE_SERVES) != 0;
    return may ? E_OK : ctx_fail(c, E_DENIED, "your roles do not allow changing accounts");
}

/* An account is what its own routes let it be, whichever route it comes by: one service knows the
 * rules. `before` is NULL for a new one. */
static enum err check_account(struct ctx *c, struct call *call, const struct json *before,
                              const struct json **out_data)
{
    const struct json *answer = NULL;
    *out_data = call->body;
    if (!str_eqz(call->params[0], "account") || !json_is(call->body, JSON_OBJECT)) {
        return E_OK;
    }
    enum err e =
        host_ask(c, "account.check",
                 json_object(c->arena, {"members", call->body}, {"before", before}), &answer);
    if (e == E_NOT_FOUND) { /* nobody keeps accounts here but as records */
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    *out_data = json_get(answer, "members");
    return E_OK;
}

static enum err post_record(struct ctx *c, struct call *call)
{
    struct record r;
    const struct json *data;
    TRY(check_may_write(c, call->params[0]));
    TRY(check_account(c, call, NULL, &data));
    TRY(record_create(c, call->store, call->params[0], data, &r));
    TRY(audit_add(c, call->store, "record_created", id_str(&r.id), NULL));
    json_put(call_json(call), record_view(c->arena, &r));
    return E_OK;
}

static enum err patch_record(struct ctx *c, struct call *call)
{
    struct record r;
    const struct json *changes;
    struct id id;
    TRY(check_may_write(c, call->params[0]));
    TRY(call_id(c, call, 1, &id));
    TRY(record_get(c, call->store, &id, &r));
    if (!str_eq(r.kind, call->params[0])) {
        return ctx_fail(c, E_NOT_FOUND, "no such record");
    }
    struct str tag = str_fmt(c->arena, "\"%lld\"", (long long)r.version);
    TRY(call_if_match(c, call, tag));
    int64_t before = r.version, wanted = request_header(call->in, "If-Match").n ? before : 0;
    TRY(check_account(c, call, r.data, &changes));
    TRY(record_update(c, call->store, &id, changes, wanted, &r));
    if (r.version != before) {
        TRY(audit_add(c, call->store, "record_updated", id_str(&r.id), NULL));
    }
    json_put(call_json(call), record_view(c->arena, &r));
    return E_OK;
}

static const struct route routes[] = {
    {"GET", "/api/v1/records", ROLE_ANY, "records:read", list_kinds, "Kinds of records", NULL, 0,
     0},
    {"GET", "/api/v1/records/{kind}", ROLE_ANY, "records:read", list_records, "Records of a kind",
     NULL, 0, 0},
    {"GET", "/api/v1/records/{kind}/{id}", ROLE_ANY, "records:read", get_record,
     "A record, by id or key", NULL, 0, 0},
    {"POST", "/api/v1/records/{kind}", ROLE_SERVES | ROLE_BUILDS, "records:write", post_record,
     "Make a record", NULL, 0, ROUTE_CREATES | ROUTE_ONCE},
    {"PATCH", "/api/v1/records/{kind}/{id}", ROLE_SERVES | ROLE_BUILDS, "records:write",
     patch_record, "Change a record (RFC 7396)", NULL, 0, ROUTE_ONCE},
    {"GET", "/api/v1/accounts", ROLE_ANY, "records:read", list_accounts, "Accounts", NULL, 0, 0},
    {"GET", "/api/v1/accounts/{id}", ROLE_ANY, "records:read", get_account, "An account", NULL, 0,
     0},
    {"GET", "/api/v1/contacts", ROLE_ANY, "records:read", list_contacts, "Contacts", NULL, 0, 0},
    {"GET", "/api/v1/contacts/{id}", ROLE_ANY, "records:read", get_contact, "A contact", NULL, 0,
     0},
    {"GET", "/api/v1/tickets", ROLE_ANY, "records:read", list_tickets, "Tickets", NULL, 0, 0},
    {"GET", "/api/v1/tickets/{id}", ROLE_ANY, "records:read", get_ticket, "A ticket", NULL, 0, 0},
    {0},
};

const struct service record_service = {
    .name = "record",
    .purpose = "Accounts, contacts, tickets and the kinds of records an org defines for itself.",
    .routes = routes,
};
