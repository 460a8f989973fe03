#include "svc/success/brief.h"

#include "codec/date.h"
#include "codec/text.h"
#include "host/access.h"
#include "host/org_settings.h"
#include "host/service.h"

enum { LISTED_SUMMARY_MAX = 300 };

static bool is_guest(const struct ctx *c)
{
    return (c->roles & ROLE_GUEST) != 0;
}

/* A brief as it stands in its row. */
struct row {
    struct store *store;
    const struct brief *brief;
    struct str summary, final, results, params;
};

static enum err write_row(struct ctx *c, struct store *s, const struct brief *b, struct row *out)
{
    struct arena *a = c->arena;
    struct str summary = json_str(b->final, "summary", STR(""));
    *out = (struct row){
        .store = s,
        .brief = b,
        .summary = text_shorten(a, summary, LISTED_SUMMARY_MAX),
        .final = json_write(a, b->final),
        .results = json_write(a, b->results ? b->results : &json_empty_object),
        .params = json_write(a, b->params ? b->params : &json_empty_object),
    };
    return out->final.n + out->results.n <= BRIEF_MAX_BYTES
               ? E_OK
               : ctx_fail(c, E_TOO_LARGE, "the answer is too long to be kept");
}

/* E_NOT_FOUND: the caller sees no such account. Asks for no facts of it: a brief is kept, and read,
 * also while those cannot be. */
static enum err see_account(struct ctx *c, struct str account)
{
    struct arena *a = c->arena;
    const struct json *found;
    const struct json *question =
        json_object(a, {"text", json_new_str(a, STR(""))}, {"selected", json_new_str(a, account)});
    return account.n ? host_ask(c, "account.match", question, &found) : E_OK;
}

/* An answer takes long: what was erased meanwhile does not come back with it. */
static enum err check_account(struct ctx *c, struct str account)
{
    enum err e = see_account(c, account);
    return e == E_NOT_FOUND ? ctx_fail(c, e, "the account was removed meanwhile") : e;
}

static enum err add_in(struct ctx *c, void *arg)
{
    const struct row *row = arg;
    const struct brief *b = row->brief;
    const struct json *account = json_get(b->final, "account");
    int64_t expires = is_guest(c) ? b->created_at_ms + BRIEF_GUEST_MS : 0;
    TRY(check_account(c, b->account));
    return store_exec(
        c, row->store, NULL,
        "INSERT INTO success_brief (id, account, slug, actor, expires_at, question, scope, task,"
        " summary, account_name, final, results, params, created_at, version)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 1)",
        S_ID(&b->id), S_STR(b->account), S_STR(b->slug), S_ID(&c->actor), S_INT(expires),
        S_STR(json_str(b->final, "question", STR(""))), S_STR(json_str(b->final, "scope", STR(""))),
        S_STR(json_str(b->final, "task", STR(""))), S_STR(row->summary),
        S_STR(json_str(account, "name", STR(""))), S_STR(row->final), S_STR(row->results),
        S_STR(row->params), S_INT(b->created_at_ms));
}

enum err brief_add(struct ctx *c, struct store *s, const struct brief *b)
{
    struct row row;
    TRY(write_row(c, s, b, &row));
    return store_transact(c, s, add_in, &row);
}

static enum err replace_in(struct ctx *c, void *arg)
{
    const struct row *row = arg;
    const struct brief *b = row->brief;
    struct store_rows rows;
    TRY(store_query(c, row->store, &rows, "SELECT version FROM success_brief WHERE id = ?1",
                    S_ID(&b->id)));
    if (!rows.count) {
        return ctx_fail(c, E_NOT_FOUND, "the brief was removed meanwhile");
    }
    if (row_int(&rows, 0, 0) != b->version) {
        return ctx_fail(c, E_CONFLICT, "the brief was changed meanwhile; read it and try again");
    }
    return store_exec(c, row->store, NULL,
                      "UPDATE success_brief SET scope = ?2, summary = ?3, final = ?4, results = ?5,"
                      " params = ?6, version = version + 1 WHERE id = ?1",
                      S_ID(&b->id), S_STR(json_str(b->final, "scope", STR(""))),
                      S_STR(row->summary), S_STR(row->final), S_STR(row->results),
                      S_STR(row->params));
}

enum err brief_replace(struct ctx *c, struct store *s, const struct brief *b)
{
    struct row row;
    TRY(write_row(c, s, b, &row));
    return store_transact(c, s, replace_in, &row);
}

static enum err parse(struct ctx *c, struct str text, const struct json **out)
{
    struct json_fault fault;
    return json_parse(c->arena, text, out, &fault) == E_OK
               ? E_OK
               : ctx_fail(c, E_INTERNAL, "a brief in the store cannot be read");
}

static enum err see_all(struct ctx *c, const struct json *accounts)
{
    for (size_t i = 0; i < json_count(accounts); i++) {
        TRY(see_account(c, json_str(json_at(accounts, i), "id", STR(""))));
    }
    return E_OK;
}

/* What a guest was told of an account ends when the account is shown to guests no more. */
static enum err see_told(struct ctx *c, struct str account, const struct json *final)
{
    TRY(see_account(c, account));
    TRY(see_all(c, json_get(json_get(final, "table"), "rows")));
    return see_all(c, json_get(final, "candidates"));
}

static enum err check_guest(struct ctx *c, const struct brief *b)
{
    enum err e = see_told(c, b->account, b->final);
    return e == E_NOT_FOUND ? ctx_fail(c, e, "no such brief") : e;
}

enum err brief_get(struct ctx *c, struct store *s, const struct id *id, struct brief *out)
{
    struct store_rows rows;
    bool guest = is_guest(c);
    TRY(store_query(c, s, &rows,
                    "SELECT account, slug, final, results, params, created_at, expires_at, actor,"
                    " version"
                    " FROM success_brief WHERE id = ?1",
                    S_ID(id)));
    bool seen = rows.count > 0;
    if (seen) {
        int64_t expires = row_int(&rows, 0, 6);
        struct id actor = row_id(&rows, 0, 7);
        bool own = id_eq(&actor, &c->actor);
        seen = guest ? own && expires > ctx_now_ms(c) : expires == 0;
    }
    if (!seen) {
        return ctx_fail(c, E_NOT_FOUND, "no such brief");
    }
    struct brief b = {.id = *id,
                      .account = row_str(&rows, 0, 0),
                      .slug = row_str(&rows, 0, 1),
                      .created_at_ms = row_int(&rows, 0, 5),
                      .version = row_int(&rows, 0, 8)};
    TRY(parse(c, row_str(&rows, 0, 2), &b.final));
    TRY(parse(c, row_str(&rows, 0, 3), &b.results));
    TRY(parse(c, row_str(&rows, 0, 4), &b.params));
    TRY(guest ? check_guest(c, &b) : E_OK);
    *out = b;
    return E_OK;
}

enum err brief_delete(struct ctx *c, struct store *s, const struct id *id)
{
    return store_exec(c, s, NULL, "DELETE FROM success_brief WHERE id = ?1", S_ID(id));
}

static const struct json *row_view(struct arena *a, const struct store_rows *rows, int i)
{
    struct str account = row_str(rows, i, 1);
    const struct json *of = account.n ? json_object(a, {"id", json_new_str(a, account)},
                                                    {"slug", json_new_str(a, row_str(rows, i, 2))},
                                                    {"name", json_new_str(a, row_str(rows, i, 7))})
                                      : &json_null_value;
    return json_object(a, {"id", json_new_str(a, row_str(rows, i, 0))},
                       {"question", json_new_str(a, row_str(rows, i, 3))},
                       {"scope", json_new_str(a, row_str(rows, i, 4))},
                       {"task", json_new_str(a, row_str(rows, i, 5))},
                       {"summary", json_new_str(a, row_str(rows, i, 6))}, {"account", of},
                       {"created_at", json_new_int(a, row_int(rows, i, 8))});
}

/* In a list, too, a guest sees only what is shown to guests. */
static enum err is_listed(struct ctx *c, struct str account, struct str final, bool *out)
{
    const struct json *told = NULL;
    bool guest = is_guest(c);
    TRY(guest ? parse(c, final, &told) : E_OK);
    enum err e = guest ? see_told(c, account, told) : E_OK;
    *out = e == E_OK;
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    return e;
}

enum err brief_list(struct ctx *c, struct store *s, const struct brief_filter *filter,
                    const struct json **out_items, bool *out_more)
{
    struct store_rows rows;
    struct str before = id_is_set(&filter->before) ? id_str(&filter->before) : STR("g");
    TRY(store_query(c, s, &rows,
                    "SELECT id, account, slug, question, scope, task, summary, account_name,"
                    " created_at, CASE WHEN ?3 = 1 THEN final ELSE '' END FROM success_brief"
                    " WHERE id < ?1 AND (?2 = '' OR account = ?2 OR slug = ?2)"
                    " AND ((?3 = 0 AND expires_at = 0)"
                    " OR (?3 = 1 AND actor = ?4 AND expires_at > ?5))"
                    " AND (?7 = 0 OR created_at <= ?7) ORDER BY id DESC LIMIT ?6",
                    S_STR(before), S_STR(filter->account), S_INT(is_guest(c)), S_ID(&c->actor),
                    S_INT(ctx_now_ms(c)), S_INT(filter->limit + 1), S_INT(filter->as_of_ms)));
    const struct json *items = &json_empty_array;
    for (int i = 0; i < rows.count && i < filter->limit; i++) {
        bool listed;
        TRY(is_listed(c, row_str(&rows, i, 1), row_str(&rows, i, 9), &listed));
        items = listed ? json_push(c->arena, items, row_view(c->arena, &rows, i)) : items;
    }
    *out_items = items;
    *out_more = rows.count > filter->limit;
    return E_OK;
}

const struct config_key brief_config[] = {
    {"briefs.keep_days", "Days that members' briefs of the success copilot are kept.",
     BRIEF_KEEP_DAYS, 1, BRIEF_KEEP_DAYS_MAX},
    {0},
};

int64_t brief_keep_days(const struct json *settings)
{
    return org_settings_int(settings, &brief_config[0]);
}

enum err brief_expire(struct ctx *c, struct store *s, int64_t keep_days)
{
    int64_t now_ms = ctx_now_ms(c);
    TRY(store_exec(c, s, NULL, "DELETE FROM success_brief WHERE expires_at > 0 AND expires_at < ?1",
                   S_INT(now_ms)));
    return store_exec(c, s, NULL,
                      "DELETE FROM success_brief WHERE expires_at = 0 AND created_at < ?1",
                      S_INT(now_ms - keep_days * DATE_DAY_MS));
}

enum err brief_forget(struct ctx *c, struct store *s, struct str account)
{
    return store_exec(c, s, NULL, "DELETE FROM success_brief WHERE account = ?1", S_STR(account));
}
