#include "svc/account/account_file.h"

#include "store/blob.h"
#include "svc/account/account_import_cell.h"
#include "svc/account/account_import_row.h"

#define FOLDER "accounts/"
/* Before the digest of what was taken over, where a file too long lies in the folder now. */
#define LONG "long:"

enum {
    PAGE = 200,
    NAME_MAX_BYTES = 120,
    ADOPTED_MAX_BYTES = 1 << 20, /* longer ones are told of, and not read */
    LONG_FILES_MAX = 1000        /* of them */
};

static const struct {
    const char *folder;
    enum account_import_kind kind;
} folders[] = {{"usage", ACCOUNT_IMPORT_USAGE},
               {"tickets", ACCOUNT_IMPORT_TICKETS},
               {"contract", ACCOUNT_IMPORT_CONTRACTS}};

/* "accounts/usage/acme-001.json"; false: not one of ours. */
static bool read_key(struct str key, enum account_import_kind *out_kind, struct str *out_account)
{
    struct str rest = str_sub(key, sizeof FOLDER - 1, key.n), folder;
    if (!str_starts(key, STR(FOLDER)) || !str_ends(key, STR(".json")) ||
        !str_split(&rest, '/', &folder) || str_find_char(rest, '/') >= 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (str_eqz(folder, folders[i].folder)) {
            *out_kind = folders[i].kind;
            *out_account = str_sub(rest, 0, rest.n - (sizeof ".json" - 1));
            return out_account->n > 0;
        }
    }
    return false;
}

/* The names that such files have, as ours; what they say beside it is left out. */
static const struct json *body_of(struct arena *a, const struct json *file, struct str account)
{
    static const char *const names[][2] = {
        {"trend", "trend"},
        {"sparkline", "sparkline"},
        {"avgDailyUsers", "avg_daily_users"},
        {"avg_daily_users", "avg_daily_users"},
        {"openTickets", "open_tickets"},
        {"open_tickets", "open_tickets"},
        {"recentTickets", "recent_tickets"},
        {"recent_tickets", "recent_tickets"},
        {"renewalDate", "renewal_date"},
        {"renewal_date", "renewal_date"},
        {"currency", "currency"},
        {"arr_cents", "arr_cents"},
        {"arr", "arr"},
    };
    const struct json *body = json_object(a, {"account", json_new_str(a, account)});
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json *value = json_get(file, names[i][0]);
        body = value ? json_with(a, body, str_of(names[i][1]), value) : body;
    }
    return body;
}

/* ---- taking one over ---------------------------------------------------------------- */

struct file {
    struct store *store;
    struct str key, account;
    const char *sha256;
    enum account_import_kind kind;
    const struct json *body;
    struct str error; /* empty: it was taken over */
};

static enum err keep_state(struct ctx *c, const struct file *f)
{
    return store_exec(c, f->store, NULL,
                      "INSERT INTO account_file (key, sha256, error, at) VALUES (?1, ?2, ?3, ?4)"
                      " ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256,"
                      " error = excluded.error, at = excluded.at",
                      S_STR(f->key), S_Z(f->sha256), S_STR(f->error), S_INT(ctx_now_ms(c)));
}

static enum err take_in(struct ctx *c, void *arg)
{
    struct file *f = arg;
    struct account_import_row row = {.line = 1, .body = f->body};
    struct account_import_how how = {.kind = f->kind, .source = "file", .apply = true};
    enum account_import_effect effect;
    TRY(account_import_row_take(c, f->store, &how, &row, &effect));
    return keep_state(c, f);
}

static enum err read_object(struct ctx *c, struct str bytes, const struct json **out)
{
    struct json_fault fault = {0};
    if (json_parse(c->arena, bytes, out, &fault) != E_OK || !json_is(*out, JSON_OBJECT)) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column,
                              "the file is no JSON object%s%s", fault.text[0] ? ": " : "",
                              fault.text);
    }
    return E_OK;
}

static enum err read_file(struct ctx *c, struct file *f)
{
    struct str bytes;
    const struct json *file;
    TRY(blob_get(c, f->key, &bytes));
    if (bytes.n > ACCOUNT_FILE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a file has at most %d bytes", ACCOUNT_FILE_MAX_BYTES);
    }
    TRY(read_object(c, bytes, &file));
    return account_import_cell_arr(c, f->kind, body_of(c->arena, file, f->account), &f->body);
}

/* Of a file that went away with its account meanwhile, nothing is kept. It is looked for after the
 * row is written: who removes an account writes too, and one of the two is first. */
static enum err keep_error(struct ctx *c, void *arg)
{
    const struct file *f = arg;
    struct blob_info blob;
    TRY(keep_state(c, f));
    enum err e = blob_stat(c, f->key, &blob);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return store_exec(c, f->store, NULL, "DELETE FROM account_file WHERE key = ?1",
                          S_STR(f->key));
    }
    return e;
}

/* What is wrong with a file is kept with it; only what is wrong with us is a failure. */
static enum err take(struct ctx *c, struct file *f)
{
    enum err e = read_file(c, f);
    e = e == E_OK ? store_transact(c, f->store, take_in, f) : e;
    if (e == E_INVALID || e == E_NOT_FOUND || e == E_TOO_LARGE || e == E_CONFLICT) {
        f->error = str_dup(c->arena, str_of(c->fault.text));
        ctx_forgive(c);
        return store_transact(c, f->store, keep_error, f);
    }
    return e;
}

static enum err is_known(struct ctx *c, const struct file *f, bool *out)
{
    struct store_rows rows;
    TRY(store_query(c, f->store, &rows, "SELECT sha256, error FROM account_file WHERE key = ?1",
                    S_STR(f->key)));
    struct str sha256 = rows.count ? row_str(&rows, 0, 0) : STR("");
    bool covered = str_starts(sha256, STR(LONG)); /* taken over before a longer one lay there */
    sha256 = covered ? str_sub(sha256, sizeof LONG - 1, sha256.n) : sha256;
    *out = str_eqz(sha256, f->sha256) && (covered || !row_str(&rows, 0, 1).n);
    return E_OK;
}

static enum err look_at(struct ctx *c, const struct blob_info *blob)
{
    struct ctx *own = ctx_child(c, WORKERS_ARENA_MAX_BYTES);
    struct file f = {.key = blob->key, .sha256 = blob->sha256};
    bool known = true;
    enum err e = E_OK;
    if (read_key(blob->key, &f.kind, &f.account)) {
        e = store_of(own, &f.store);
        e = e == E_OK ? is_known(own, &f, &known) : e;
        e = e == E_OK && !known ? take(own, &f) : e;
    }
    c->fault = e == E_OK ? c->fault : own->fault;
    ctx_free(&own);
    return e;
}

/* ---- files in a folder -------------------------------------------------------------- */

/* Files too long to be read at all; they have no digest. They stay where they are, and are told of
 * as long as they do. */
struct lain {
    struct store *store;
    struct arena *arena;    /* of the run */
    const struct json *now; /* keys */
    int count;
};

static enum err tell_long(struct ctx *c, void *arg, struct str key, int64_t size_bytes)
{
    struct lain *lain = arg;
    enum account_import_kind kind;
    struct str account;
    if (!read_key(key, &kind, &account) || lain->count == LONG_FILES_MAX ||
        json_find(lain->now, key)) {
        return E_OK;
    }
    lain->now = json_with(lain->arena, lain->now, str_dup(lain->arena, key), &json_true_value);
    lain->count++;
    struct str error = str_fmt(c->arena, "a file has at most %d bytes, and this one %lld",
                               ACCOUNT_FILE_MAX_BYTES, (long long)size_bytes);
    return store_exec(c, lain->store, NULL,
                      "INSERT INTO account_file (key, sha256, error, at)"
                      " VALUES (?1, '" LONG "', ?2, ?3)"
                      " ON CONFLICT (key) DO UPDATE SET error = excluded.error, at = excluded.at,"
                      " sha256 = CASE WHEN account_file.sha256 LIKE '" LONG "%'"
                      " THEN account_file.sha256 WHEN account_file.error = ''"
                      " THEN '" LONG "' || account_file.sha256 ELSE '" LONG "' END"
                      " WHERE account_file.error <> excluded.error",
                      S_STR(key), S_STR(error), S_INT(ctx_now_ms(c)));
}

/* Files that were laid into a folder by hand or by another program. */
static enum err adopt(struct ctx *c, const char *folder, struct lain *lain)
{
    int taken = 1;
    for (int i = 0; i < ACCOUNT_FILES_MAX && taken > 0; i++) {
        struct ctx *own = ctx_child(c, WORKERS_ARENA_MAX_BYTES);
        struct blob_wish wish = {.folder = str_fmt(own->arena, FOLDER "%s", folder),
                                 .suffix = STR(".json"),
                                 .max_bytes = ADOPTED_MAX_BYTES,
                                 .too_long = tell_long,
                                 .arg = lain};
        enum err e = blob_adopt(own, &wish, &taken);
        c->fault = e == E_OK ? c->fault : own->fault;
        ctx_free(&own);
        TRY(e);
        TRY(ctx_check(c));
    }
    return E_OK;
}

/* Of a long file that went away nothing is told any more; what was taken over before is known
 * still: once more it would undo what was written since. */
static enum err forget_long(struct ctx *c, const struct lain *lain)
{
    struct store_rows rows;
    TRY(store_query(c, lain->store, &rows,
                    "SELECT key FROM account_file WHERE sha256 LIKE '" LONG "%' ORDER BY key"
                    " LIMIT ?1",
                    S_INT(LONG_FILES_MAX)));
    for (int i = 0; i < rows.count; i++) {
        if (!json_find(lain->now, row_str(&rows, i, 0))) {
            TRY(store_exec(c, lain->store, NULL,
                           "DELETE FROM account_file WHERE key = ?1 AND sha256 = '" LONG "'",
                           S_STR(row_str(&rows, i, 0))));
            TRY(store_exec(c, lain->store, NULL,
                           "UPDATE account_file SET sha256 = replace(sha256, '" LONG
                           "', ''), error = ''"
                           " WHERE key = ?1 AND sha256 LIKE '" LONG "%'",
                           S_STR(row_str(&rows, i, 0))));
        }
    }
    return E_OK;
}

enum err account_file_watch(struct ctx *c, struct job *job)
{
    struct blob_page page;
    struct store *s;
    struct str after = STR("");
    int seen = 0;
    TRY(store_of(c, &s));
    struct lain lain = {.store = s, .arena = c->arena, .now = &json_empty_object};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        TRY(adopt(c, folders[i].folder, &lain));
    }
    TRY(forget_long(c, &lain));
    do {
        TRY(blob_list(c, STR(FOLDER), after, &page));
        for (int i = 0; i < page.count; i++) {
            TRY(look_at(c, &page.items[i]));
            TRY(ctx_check(c));
        }
        after = page.count ? page.items[page.count - 1].key : after;
        seen += page.count;
        TRY(job_beat(c, s, job));
    } while (page.more && seen < ACCOUNT_FILES_MAX);
    return E_OK;
}

enum err account_file_forget(struct ctx *c, struct store *s, struct str slug)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct str key = str_fmt(c->arena, FOLDER "%s/%.*s.json", folders[i].folder, STR_ARG(slug));
        TRY(store_exec(c, s, NULL, "DELETE FROM account_file WHERE key = ?1", S_STR(key)));
        TRY(blob_delete(c, key));
    }
    return E_OK;
}

/* ---- over HTTP ------------------------------------------------------------------------ */

enum err account_file_put(struct ctx *c, struct call *call)
{
    enum account_import_kind kind;
    struct str account, name = call->params[1];
    struct blob_info blob;
    if (str_ends(name, STR(".json"))) {
        name = str_sub(name, 0, name.n - (sizeof ".json" - 1));
    }
    struct str key =
        str_fmt(c->arena, FOLDER "%.*s/%.*s.json", STR_ARG(call->params[0]), STR_ARG(name));
    if (name.n > NAME_MAX_BYTES || !read_key(key, &kind, &account)) {
        return ctx_fail(c, E_NOT_FOUND, "files are usage, tickets or contract of an account");
    }
    if (call->in->body.n > ACCOUNT_FILE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a file has at most %d bytes", ACCOUNT_FILE_MAX_BYTES);
    }
    const struct json *file;
    TRY(read_object(c, call->in->body, &file));
    TRY(blob_put(c, key, call->in->body, &blob));
    TRY(job_add(c, call->store, .kind = "account_files", .unique_key = STR("account_files")));
    call->status = 202;
    struct json_out *o = call_json(call);
    json_open_object(o);
    json_field_str(o, "key", blob.key);
    json_field_str(o, "sha256", str_of(blob.sha256));
    json_close_object(o);
    return E_OK;
}

enum err account_file_list(struct ctx *c, struct call *call)
{
    struct store_rows rows;
    int limit;
    struct str cursor = call_query(c, call, "cursor");
    TRY(call_limit(c, call, &limit));
    TRY(store_query(c, call->store, &rows,
                    "SELECT key, sha256, error, at FROM account_file WHERE key > ?1 ORDER BY key"
                    " LIMIT ?2",
                    S_STR(cursor), S_INT(limit)));
    struct json_out *o = call_list_begin(call);
    for (int i = 0; i < rows.count; i++) {
        json_open_object(o);
        json_field_str(o, "key", row_str(&rows, i, 0));
        struct str sha256 = row_str(&rows, i, 1);
        json_field_str(o, "sha256", str_starts(sha256, STR(LONG)) ? STR("") : sha256);
        json_field_str(o, "status", row_str(&rows, i, 2).n ? STR("failed") : STR("done"));
        if (row_str(&rows, i, 2).n) {
            json_field_str(o, "error", row_str(&rows, i, 2));
        }
        json_field_int(o, "at", row_int(&rows, i, 3));
        json_close_object(o);
    }
    call_list_end(call, rows.count == limit ? row_str(&rows, rows.count - 1, 0) : STR(""));
    return E_OK;
}
