#include "svc/account/account_import_row.h"

#include "codec/text.h"
#include "svc/account/account_change.h"
#include "svc/account/account_history.h"
#include "svc/account/account_input.h"

enum { NAME_CHARS = 40 };

const char *const account_import_row_kinds[ACCOUNT_IMPORT_KINDS] = {"accounts", "contracts",
                                                                    "usage", "tickets"};

/* What a row is about, and what it says of it. */
struct import_target {
    struct record r; /* without data: it is to be made */
    const struct json *changes;
    const struct json *says; /* NULL: as changes */
};

static enum err fail_field(struct ctx *c, const struct field_fault *wrong)
{
    return ctx_fail_field(c, E_INVALID, wrong->path, "%s: %s", wrong->path, wrong->text);
}

const struct json *account_import_row_part(struct arena *a, const struct json *body)
{
    return json_with(a, json_with(a, body, STR("account"), NULL), STR("at"), NULL);
}

/* The record as the rows before it in a trial would leave it. */
static const struct json *tried(struct ctx *c, const struct account_import_how *how,
                                const struct record *r)
{
    const struct json *changes = how->trial ? map_get(how->trial, r->key) : NULL;
    return changes ? json_merge(c->arena, r->data, changes) : r->data;
}

/* Kept are the changes alone, which are no larger than the file. */
static void keep_trial(const struct account_import_how *how, const struct import_target *to)
{
    if (how->trial && !how->apply && !how->doubt) {
        const struct json *before = map_get(how->trial, to->r.key);
        const struct json *after = json_merge(how->arena, before, to->changes);
        map_set(how->trial, to->r.key, (void *)(uintptr_t)json_copy(how->arena, after));
    }
}

/* ---- the same account twice ---------------------------------------------------- */

/* What the rows before said of an account, and the line of each of it. */
struct told {
    const struct json *said, *lines;
};

static void keep_told(const struct account_import_how *how, struct str key, struct told *t,
                      const struct json *says)
{
    struct arena *a = how->arena;
    struct told *kept = t;
    if (!kept) {
        kept = ARENA_ARRAY(a, struct told, 1);
        *kept = (struct told){&json_empty_object, &json_empty_object};
        map_set(how->told, str_dup(a, key), kept);
    }
    for (size_t i = 0; i < json_count(says); i++) {
        const struct json_member *m = &says->members[i];
        if (!json_find(kept->said, m->name)) {
            struct str name = str_dup(a, m->name);
            kept->said = json_with(a, kept->said, name, json_copy(a, &m->value));
            kept->lines = json_with(a, kept->lines, name, json_new_int(a, how->line));
        }
    }
}

/* A file says one thing of an account: which of two would be true, nobody knows. */
static enum err check_told(struct ctx *c, const struct account_import_how *how, struct str key,
                           const struct json *says)
{
    struct told *t = how->told ? map_get(how->told, key) : NULL;
    if (!how->told || how->apply) {
        return E_OK;
    }
    for (size_t i = 0; i < json_count(says); i++) {
        const struct json_member *m = &says->members[i];
        const struct json *before = t ? json_find(t->said, m->name) : NULL;
        if (before && !json_equal(before, &m->value)) {
            char *name = str_dupz(c->arena, m->name);
            const struct json *line = json_find(t->lines, m->name);
            return ctx_fail_field(c, E_CONFLICT, name,
                                  "%ss %lld and %lld are about the same account and differ in %s",
                                  how->unit, (long long)json_number(line, 0), (long long)how->line,
                                  name);
        }
    }
    if (!how->doubt) {
        keep_told(how, key, t, says);
    }
    return E_OK;
}

/* Where tickets are records, those count, whatever a file says. */
static enum err leave_counted(struct ctx *c, struct store *s, const struct record *r,
                              const struct json **inout_changes)
{
    static const char *const members[] = {"open_tickets", "recent_tickets"};
    const struct json *counted;
    bool any = false;
    if (json_get(*inout_changes, members[0]) || json_get(*inout_changes, members[1])) {
        TRY(account_tickets_count(c, s, r->key, &any, &counted));
    }
    for (size_t i = 0; any && i < 2; i++) {
        *inout_changes = json_with(c->arena, *inout_changes, str_of(members[i]), NULL);
    }
    return E_OK;
}

/* Applies the changes to the record, unless they say what it says already. */
static enum err settle(struct ctx *c, struct store *s, const struct account_import_how *how,
                       struct import_target *to, enum account_import_effect *out_effect)
{
    struct account_change change = {.source = how->source, .count_tickets = true};
    struct id id = to->r.id;
    TRY(check_told(c, how, to->r.key, to->says ? to->says : to->changes));
    TRY(leave_counted(c, s, &to->r, &to->changes));
    const struct json *data = json_merge(c->arena, to->r.data, to->changes);
    bool same = json_equal(data, to->r.data);
    *out_effect = same ? ACCOUNT_IMPORT_NOTHING : ACCOUNT_IMPORT_CHANGED;
    if (same) {
        return E_OK;
    }
    if (!how->apply) {
        keep_trial(how, to);
        return E_OK;
    }
    TRY(record_update(c, s, &id, to->changes, 0, &to->r));
    return account_recompute(c, s, &to->r, &change);
}

static enum err find_account(struct ctx *c, struct store *s, const struct account_import_how *how,
                             const struct json *body, struct record *out)
{
    struct str key = str_trim(json_str(body, "account", STR("")));
    if (!key.n) {
        return ctx_fail_field(c, E_INVALID, "account", "account must name one, by its slug");
    }
    enum err e = account_find(c, s, key, out);
    if (e == E_OK) {
        out->data = tried(c, how, out);
    }
    return e == E_NOT_FOUND
               ? ctx_fail_field(c, E_NOT_FOUND, "account", "there is no account \"%.*s\"",
                                STR_ARG(text_shorten(c->arena, key, NAME_CHARS)))
               : e;
}

/* The account of the slug, as the rows before would leave it; without data: there is none. */
static enum err look_up(struct ctx *c, struct store *s, const struct account_import_how *how,
                        struct str slug, struct record *out)
{
    struct record r = {0};
    enum err e = record_by_key(c, s, STR("account"), slug, &r);
    if (e != E_OK && e != E_NOT_FOUND) {
        return e;
    }
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        r = (struct record){.key = slug};
    }
    *out = r;
    out->data = tried(c, how, &r);
    return E_OK;
}

/* A row without a slug is about the account that an earlier row of its name made: the first of the
 * slugs which the name gives that is an account of that name, or free. */
static enum err look_up_name(struct ctx *c, struct store *s, const struct account_import_how *how,
                             struct str name, struct record *out)
{
    if (!name.n) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    for (int i = 1; i <= ACCOUNT_SLUG_TRIES; i++) {
        TRY(look_up(c, s, how, account_change_slug(c->arena, name, i), out));
        struct str its = json_str(out->data, "name", STR(""));
        if (!out->data || str_eq(str_trim(its), str_trim(name))) {
            return E_OK;
        }
    }
    return account_change_slugs_taken(c, name);
}

static enum err import_account(struct ctx *c, struct store *s, const struct account_import_how *how,
                               const struct json *body, enum account_import_effect *out_effect)
{
    struct account_body in = {.stage = -1};
    struct field_fault wrong = {0};
    struct account_input input = {body, &in, NULL};
    struct import_target to = {.changes = NULL};
    if (field_read(&account_body_table, c->arena, body, &in, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    if (in.slug.n) {
        TRY(account_rule_slug(c, in.slug));
    }
    TRY(account_input_account(c, &input, &to.changes)); /* what is wrong with any account, first */
    if (in.slug.n) {
        TRY(look_up(c, s, how, in.slug, &to.r));
    } else {
        TRY(look_up_name(c, s, how, in.name, &to.r));
    }
    input.before = to.r.data;
    TRY(account_input_account(c, &input, &to.changes));
    if (to.r.data) {
        return settle(c, s, how, &to, out_effect);
    }
    if (!in.name.n) {
        return ctx_fail_field(c, E_INVALID, "name", "an account needs a name");
    }
    *out_effect = ACCOUNT_IMPORT_NEW;
    TRY(check_told(c, how, to.r.key, to.changes));
    to.changes = json_with(c->arena, to.changes, STR("slug"), json_new_str(c->arena, to.r.key));
    if (!how->apply) {
        keep_trial(how, &to);
        return E_OK;
    }
    struct account_change change = {.source = how->source, .count_tickets = true};
    TRY(record_create(c, s, STR("account"), to.changes, &to.r));
    return account_recompute(c, s, &to.r, &change);
}

static enum err import_contract(struct ctx *c, struct store *s,
                                const struct account_import_how *how, const struct json *body,
                                enum account_import_effect *out_effect)
{
    union {
        char bytes[ACCOUNT_PART_BYTES];
        max_align_t align;
    } part = {{0}};
    struct field_fault wrong = {0};
    const struct json *date;
    struct import_target to = {.changes = account_import_row_part(c->arena, body)};
    if (field_read(&account_contract_table, c->arena, to.changes, &part, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    if (json_get(to.changes, "renewal_date")) {
        TRY(account_rule_time(c, "renewal_date", json_get(to.changes, "renewal_date"), &date));
        to.changes = json_with(c->arena, to.changes, STR("renewal_date"), date);
    }
    TRY(account_rule_currency(c, json_str(to.changes, "currency", STR(""))));
    TRY(find_account(c, s, how, body, &to.r));
    return settle(c, s, how, &to, out_effect);
}

/* Usage of a day that has passed becomes history, and scores follow from it: once for all rows of
 * an account, where the caller gathers them. */
static enum err import_past(struct ctx *c, struct store *s, const struct account_import_how *how,
                            const struct record *r, const struct account_fact *fact,
                            enum account_import_effect *out_effect)
{
    bool added = false;
    if (fact->at_ms <= 0 || fact->at_ms > ctx_now_ms(c)) {
        return ctx_fail_field(c, E_INVALID, "at", "at must be a day that has passed");
    }
    struct str key =
        str_fmt(c->arena, "%.*s %lld", STR_ARG(id_str(&r->id)), (long long)fact->at_ms);
    TRY(check_told(c, how, key, fact->data));
    TRY(how->apply ? account_fact_add(c, s, &r->id, fact, &added)
                   : account_fact_is_new(c, s, &r->id, fact, &added));
    *out_effect = added ? ACCOUNT_IMPORT_CHANGED : ACCOUNT_IMPORT_NOTHING;
    if (!added || !how->apply) {
        return E_OK;
    }
    if (!how->past) {
        return account_history_replay(c, s, r);
    }
    struct record *kept = ARENA_ARRAY(c->arena, struct record, 1);
    *kept = *r;
    return map_set(how->past, id_str(&r->id), kept)
               ? E_OK
               : ctx_fail(c, E_TOO_LARGE, "too many accounts have a past in one transaction");
}

static enum err import_usage(struct ctx *c, struct store *s, const struct account_import_how *how,
                             const struct json *body, enum account_import_effect *out_effect)
{
    const struct json *usage, *at = json_get(body, "at");
    const struct json *part = account_import_row_part(c->arena, body);
    struct import_target to = {.says = part};
    if (at) {
        TRY(account_rule_time(c, "at", at, &at));
    }
    TRY(account_input_usage(c, NULL, part, &usage));
    TRY(find_account(c, s, how, body, &to.r));
    if (!at) {
        TRY(account_input_usage(c, json_get(to.r.data, "usage"), part, &usage));
        to.changes = json_object(c->arena, {"usage", usage});
        return settle(c, s, how, &to, out_effect);
    }
    to.changes = json_object(c->arena, {"usage", usage});
    struct account_fact fact = {.kind = ACCOUNT_USAGE,
                                .data = account_fact_of(c->arena, ACCOUNT_USAGE, to.changes),
                                .source = how->source,
                                .at_ms = (int64_t)json_number(at, 0)};
    return import_past(c, s, how, &to.r, &fact, out_effect);
}

static enum err import_tickets(struct ctx *c, struct store *s, const struct account_import_how *how,
                               const struct json *body, enum account_import_effect *out_effect)
{
    const struct json *part = account_import_row_part(c->arena, body);
    union {
        char bytes[ACCOUNT_PART_BYTES];
        max_align_t align;
    } read = {{0}};
    struct field_fault wrong = {0};
    struct import_target to = {.changes = NULL};
    if (field_read(&account_tickets_table, c->arena, part, &read, &wrong) != E_OK) {
        return fail_field(c, &wrong);
    }
    TRY(account_input_tickets(c, part, &to.changes));
    TRY(find_account(c, s, how, body, &to.r));
    return settle(c, s, how, &to, out_effect);
}

enum err account_import_row_take(struct ctx *c, struct store *s,
                                 const struct account_import_how *how,
                                 const struct account_import_row *row,
                                 enum account_import_effect *out_effect)
{
    static enum err (*const imports[ACCOUNT_IMPORT_KINDS])(
        struct ctx *, struct store *, const struct account_import_how *, const struct json *,
        enum account_import_effect *) = {import_account, import_contract, import_usage,
                                         import_tickets};
    if (!json_is(row->body, JSON_OBJECT)) {
        return ctx_fail(c, E_INVALID, "an item must be an object");
    }
    struct account_import_how of_row = *how;
    of_row.line = row->line;
    return imports[how->kind](c, s, &of_row, row->body, out_effect);
}
