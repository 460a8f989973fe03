#include "svc/account/account_change.h"

#include "agent/conversation.h"
#include "base/buf.h"
#include "codec/date.h"
#include "codec/hmac.h"
#include "codec/text.h"
#include "svc/account/account_file.h"
#include "svc/account/account_note.h"

enum { REMOVE_PAGE = 200, SLUG_DIGEST_CHARS = 8 };

/* ---- bodies -------------------------------------------------------------------- */

struct note_body {
    struct str text;
};
static const struct field note_fields[] = {
    FIELD(struct note_body, text, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1,
          .max = ACCOUNT_NOTE_MAX_CHARS),
};
const struct field_table account_note_table = FIELD_TABLE("AccountNote", note_fields);

/* ---- answers -------------------------------------------------------------------- */

static enum err answer(struct ctx *c, struct call *call, const struct record *r)
{
    struct account_facts f;
    const struct json *facts, *health;
    TRY(account_facts_load(c, call->store, r, 0, &f));
    TRY(account_facts_view(c, call->store, r, &f, &facts));
    TRY(account_health_at(c, call->store, r, &f, 0, &health));
    call_etag(call, str_fmt(c->arena, "\"%lld\"", (long long)r->version));
    json_put(call_json(call), json_with(c->arena, facts, STR("health"), health));
    return E_OK;
}

static enum err find(struct ctx *c, struct call *call, struct record *out)
{
    TRY(account_find(c, call->store, call->params[0], out));
    return call_if_match(c, call, str_fmt(c->arena, "\"%lld\"", (long long)out->version));
}

/* Changes the record, scores it and audits which members changed. A body may name tickets: where
 * they are records, those count, so they are looked at each time. */
static enum err apply(struct ctx *c, struct call *call, struct record *r,
                      const struct json *changes)
{
    struct account_change how = {.source = "api", .count_tickets = true};
    const struct json *names = &json_empty_array;
    struct id id = r->id;
    int64_t before = r->version;
    for (size_t i = 0; i < json_count(changes); i++) {
        names = json_push(c->arena, names, json_new_str(c->arena, changes->members[i].name));
    }
    TRY(record_update(c, call->store, &id, changes, 0, r));
    TRY(account_recompute(c, call->store, r, &how));
    if (r->version != before) {
        TRY(audit_add(c, call->store, "account_updated", id_str(&r->id),
                      json_object(c->arena, {"members", names})));
    }
    return answer(c, call, r);
}

/* ---- making one ------------------------------------------------------------------ */

/* A name that has no letter of a slug gives one of its digest, the same each time: else all of
 * them would be called the same. */
static struct str slug_of_digest(struct arena *a, struct str name)
{
    struct str digest = hmac_sha256_hex(a, name);
    return str_fmt(a, "account-%.*s", SLUG_DIGEST_CHARS, digest.p);
}

static struct str slug_of(struct arena *a, struct str name)
{
    struct str folded = text_plain(a, name);
    struct buf b = buf_make(ACCOUNT_SLUG_MAX_BYTES);
    bool gap = false;
    for (size_t i = 0; i < folded.n && buf_str(&b).n + 4 < ACCOUNT_SLUG_MAX_BYTES; i++) {
        char l = folded.p[i];
        bool good = (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9');
        if (good && gap && buf_str(&b).n) {
            buf_add_char(&b, '-');
        }
        gap = !good;
        if (good) {
            buf_add_char(&b, l);
        }
    }
    struct str slug = buf_str(&b).n ? str_dup(a, buf_str(&b)) : slug_of_digest(a, folded);
    buf_free(&b);
    return slug;
}

struct str account_change_slug(struct arena *a, struct str name, int nth)
{
    struct str base = slug_of(a, name);
    return nth > 1 ? str_fmt(a, "%.*s-%d", STR_ARG(base), nth) : base;
}

enum err account_change_slugs_taken(struct ctx *c, struct str name)
{
    return ctx_fail_field(c, E_CONFLICT, "slug", "%.*s and its next four are taken: name a slug",
                          STR_ARG(slug_of(c->arena, name)));
}

/* The slug of the name, or that with -2 to -5 where it is taken. */
static enum err free_slug(struct ctx *c, struct store *s, struct str name, struct str *out)
{
    for (int i = 1; i <= ACCOUNT_SLUG_TRIES; i++) {
        struct record r;
        struct str slug = account_change_slug(c->arena, name, i);
        enum err e = record_by_key(c, s, STR("account"), slug, &r);
        if (e == E_NOT_FOUND) {
            ctx_forgive(c);
            *out = slug;
            return E_OK;
        }
        TRY(e);
    }
    return account_change_slugs_taken(c, name);
}

enum err account_change_post(struct ctx *c, struct call *call)
{
    const struct account_body *in = call->input;
    struct account_change how = {.source = "api", .count_tickets = true};
    const struct json *data;
    struct str slug = in->slug;
    struct record r;
    struct account_input input = {call->body, in, NULL};
    TRY(account_input_account(c, &input, &data));
    if (!in->name.n) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    TRY(slug.n ? account_rule_slug(c, slug) : free_slug(c, call->store, in->name, &slug));
    data = json_with(c->arena, data, STR("slug"), json_new_str(c->arena, slug));
    enum err e = record_create(c, call->store, STR("account"), data, &r);
    if (e == E_CONFLICT) {
        return ctx_name_field(c, "slug"), e;
    }
    TRY(e);
    TRY(account_recompute(c, call->store, &r, &how));
    TRY(audit_add(c, call->store, "account_created", id_str(&r.id), NULL));
    return answer(c, call, &r);
}

enum err account_change_patch(struct ctx *c, struct call *call)
{
    const struct account_body *in = call->input;
    const struct json *changes;
    struct record r;
    TRY(find(c, call, &r));
    if (in->slug.n && !str_eq(in->slug, r.key)) {
        return ctx_fail_field(c, E_INVALID, "slug", "the slug of an account does not change");
    }
    struct account_input input = {call->body, in, r.data};
    TRY(account_input_account(c, &input, &changes));
    return apply(c, call, &r, changes);
}

/* ---- what others know of it -------------------------------------------------------- */

enum err account_change_contract(struct ctx *c, struct call *call)
{
    const struct json *changes = call->body, *v;
    struct record r;
    TRY(find(c, call, &r));
    if (json_count(changes) == 0) {
        return ctx_fail_field(c, E_INVALID, "renewal_date", "give a renewal_date or arr_cents");
    }
    if (json_get(changes, "renewal_date")) {
        TRY(account_rule_time(c, "renewal_date", json_get(changes, "renewal_date"), &v));
        changes = json_with(c->arena, changes, STR("renewal_date"), v);
    }
    TRY(account_rule_currency(c, json_str(changes, "currency", STR(""))));
    return apply(c, call, &r, changes);
}

enum err account_change_usage(struct ctx *c, struct call *call)
{
    const struct json *usage;
    struct record r;
    TRY(find(c, call, &r));
    TRY(account_input_usage(c, json_get(r.data, "usage"), call->body, &usage));
    return apply(c, call, &r, json_object(c->arena, {"usage", usage}));
}

enum err account_change_tickets(struct ctx *c, struct call *call)
{
    const struct json *tickets;
    struct record r;
    TRY(find(c, call, &r));
    TRY(account_input_tickets(c, call->body, &tickets));
    return apply(c, call, &r, tickets);
}

/* ---- the end of one ------------------------------------------------------------------ */

/* People who talked with us stay as people, without the company. */
static enum err remove_contact(struct ctx *c, struct store *s, const struct record *contact)
{
    struct conversations talks;
    struct conversation_filter f = {.contact = contact->id, .limit = 1};
    struct record r;
    TRY(conversation_list(c, s, &f, &talks));
    if (talks.count == 0) {
        return record_remove(c, s, &contact->id);
    }
    const struct json *no_account = json_object(c->arena, {"account", &json_null_value});
    return record_update(c, s, &contact->id, no_account, 0, &r);
}

static enum err remove_kind(struct ctx *c, struct store *s, struct str kind, struct str account,
                            int64_t *inout_count)
{
    struct record_query q = {.kind = kind, .account = account, .limit = REMOVE_PAGE};
    struct records page;
    do {
        TRY(record_find(c, s, &q, &page, NULL));
        for (int i = 0; i < page.count; i++) {
            TRY(str_eqz(kind, "contact") ? remove_contact(c, s, &page.items[i])
                                         : record_remove(c, s, &page.items[i].id));
            ++*inout_count;
        }
    } while (page.count == REMOVE_PAGE);
    return E_OK;
}

/* What the copilot wrote about it; nothing where there is no copilot. */
static enum err forget_briefs(struct ctx *c, const struct id *account)
{
    const struct json *answer;
    const struct json *question =
        json_object(c->arena, {"account", json_new_str(c->arena, id_str(account))});
    enum err e = host_ask(c, "success.forget", question, &answer);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    return e;
}

enum err account_change_delete(struct ctx *c, struct call *call)
{
    const struct record_kind *kinds;
    struct record r;
    int count;
    int64_t removed = 0;
    TRY(find(c, call, &r));
    TRY(record_kinds(c, call->store, &kinds, &count));
    for (int i = 0; i < count; i++) {
        if (kinds[i].owner_account.n) {
            TRY(remove_kind(c, call->store, kinds[i].name, r.key, &removed));
        }
    }
    TRY(account_file_forget(c, call->store, r.key));
    TRY(account_file_forget(c, call->store, id_str(&r.id)));
    TRY(account_forget(c, call->store, &r.id));
    TRY(forget_briefs(c, &r.id));
    TRY(record_remove(c, call->store, &r.id));
    return audit_add(c, call->store, "account_deleted", id_str(&r.id),
                     json_object(c->arena, {"slug", json_new_str(c->arena, r.key)},
                                 {"records", json_new_int(c->arena, removed)}));
}

/* ---- notes --------------------------------------------------------------------------- */

enum err account_change_notes(struct ctx *c, struct call *call)
{
    struct record r;
    struct account_notes notes;
    struct account_note_page page = {.before = call_query(c, call, "cursor")};
    int limit;
    TRY(call_limit(c, call, &limit));
    TRY(account_find(c, call->store, call->params[0], &r));
    page.limit = limit + 1;
    TRY(account_note_list(c, call->store, &r.id, &page, &notes));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < notes.count && i < limit; i++) {
        json_put(o, notes.items[i]);
    }
    bool more = notes.count > limit;
    call_list_end(call, more ? json_str(notes.items[limit - 1], "id", STR("")) : STR(""));
    return E_OK;
}

enum err account_change_note(struct ctx *c, struct call *call)
{
    const struct note_body *in = call->input;
    const struct json *note;
    struct record r;
    TRY(account_find(c, call->store, call->params[0], &r));
    TRY(account_note_add(c, call->store, &r.id, in->text, &note));
    json_put(call_json(call), note);
    return E_OK;
}

enum err account_change_note_remove(struct ctx *c, struct call *call)
{
    struct record r;
    struct id note;
    TRY(account_find(c, call->store, call->params[0], &r));
    TRY(call_id(c, call, 1, &note));
    TRY(account_note_remove(c, call->store, &r.id, &note));
    return audit_add(c, call->store, "account_note_removed", id_str(&r.id), NULL);
}
