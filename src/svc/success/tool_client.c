#include "svc/success/tool_client.h"

#include <string.h>

#include "base/id.h"
#include "codec/hmac.h"
#include "store/vault.h"
#include "svc/success/success_tool.h"

enum { SECRET_BYTES = 32, PER_MINUTE_MAX = 100000, DAY_S = 86400, WEEK_S = 7 * DAY_S };

static const struct field fields[] = {
    FIELD(struct tool_client_input, client, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 60,
          .form = FIELD_SLUG, .title = "what it sends as X-Client"),
    FIELD(struct tool_client_input, name, FIELD_STR, .max = 80, .form = FIELD_LINE),
    FIELD(struct tool_client_input, tools, FIELD_LIST, .max = SUCCESS_TOOL_COUNT,
          .title = "the tools it may use; default all"),
    FIELD(struct tool_client_input, demo_only, FIELD_BOOL,
          .title = "sees the accounts that guests see, and no others"),
    FIELD(struct tool_client_input, per_minute, FIELD_INT, .min = 1, .max = PER_MINUTE_MAX,
          .title = "at most as many requests in a minute; default 600"),
};
const struct field_table tool_client_table = FIELD_TABLE("ToolClient", fields);

static const struct field rotation_fields[] = {
    FIELD(struct tool_client_rotation, old_lives_s, FIELD_INT, .min = 0, .max = WEEK_S,
          .title = "seconds that the old secret still works; default a day"),
};
const struct field_table tool_client_rotation_table =
    FIELD_TABLE("ToolClientRotation", rotation_fields);

struct str tool_client_sign(struct arena *a, struct str secret, struct str timestamp,
                            struct str client, struct str body)
{
    struct str text = str_fmt(a, "%.*s.%.*s.", STR_ARG(timestamp), STR_ARG(client));
    char *all = arena_alloc(a, text.n + body.n + 1);
    memcpy(all, text.p, text.n);
    if (body.n) {
        memcpy(all + text.n, body.p, body.n);
    }
    return hmac_hex(a, secret, str_make(all, text.n + body.n));
}

/* ---- rows ---------------------------------------------------------------- */

#define COLUMNS                                                                                    \
    "id, client, name, tools, demo_only, per_minute, secret, old_secret, old_until, created_at,"   \
    " rotated_at"

static void read_row(const struct store_rows *r, int row, struct tool_client *out)
{
    *out = (struct tool_client){
        .id = row_id(r, row, 0),
        .client = row_str(r, row, 1),
        .name = row_str(r, row, 2),
        .tools = row_str(r, row, 3),
        .demo_only = row_int(r, row, 4) != 0,
        .per_minute = row_int(r, row, 5),
        .old_until_ms = row_int(r, row, 8),
        .created_at_ms = row_int(r, row, 9),
        .rotated_at_ms = row_int(r, row, 10),
    };
}

static enum err read_secrets(struct ctx *c, const struct store_rows *r, struct tool_client *out)
{
    struct str about = id_str(&out->id);
    TRY(vault_unseal(c, row_str(r, 0, 6), about, &out->secrets[0]));
    out->secret_count = 1;
    if (out->old_until_ms > ctx_now_ms(c) && !row_is_null(r, 0, 7)) {
        TRY(vault_unseal(c, row_str(r, 0, 7), about, &out->secrets[1]));
        out->secret_count = 2;
    }
    return E_OK;
}

enum err tool_client_find(struct ctx *c, struct store *s, struct str client,
                          struct tool_client *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " COLUMNS " FROM tool_client WHERE client = ?1",
                    S_STR(client)));
    if (!rows.count) {
        return ctx_fail(c, E_NOT_FOUND, "not found");
    }
    read_row(&rows, 0, out);
    return read_secrets(c, &rows, out);
}

enum err tool_client_get(struct ctx *c, struct store *s, const struct id *id,
                         struct tool_client *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " COLUMNS " FROM tool_client WHERE id = ?1", S_ID(id)));
    if (!rows.count) {
        return ctx_fail(c, E_NOT_FOUND, "not found");
    }
    read_row(&rows, 0, out);
    return E_OK;
}

enum err tool_client_list(struct ctx *c, struct store *s, const struct tool_client **out,
                          int *out_count)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT " COLUMNS " FROM tool_client ORDER BY client LIMIT ?1",
                    S_INT(TOOL_CLIENTS_MAX)));
    struct tool_client *all = ARENA_ARRAY(c->arena, struct tool_client, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        read_row(&rows, i, &all[i]);
    }
    *out = all;
    *out_count = rows.count;
    return E_OK;
}

bool tool_client_may(const struct tool_client *client, struct str tool)
{
    struct str rest = client->tools, one;
    bool may = client->tools.n == 0;
    while (str_split(&rest, ' ', &one)) {
        may = may || str_eq(one, tool);
    }
    return may;
}

static struct str new_secret(struct ctx *c)
{
    char hex[2 * SECRET_BYTES + 1];
    id_random_hex(hex, SECRET_BYTES);
    return str_dup(c->arena, str_of(hex));
}

/* The list as one text; E_INVALID names what is no tool. */
static enum err read_tools(struct ctx *c, const struct json *list, struct str *out)
{
    struct str all = STR("");
    if (json_is(list, JSON_ARRAY) && !json_count(list)) {
        return ctx_fail_field(c, E_INVALID, "tools",
                              "tools: a client that may use no tool is of no use; without the list "
                              "it may use all");
    }
    for (size_t i = 0; i < json_count(list); i++) {
        struct str name = json_text(json_at(list, i), STR(""));
        if (!success_tool_find(name)) {
            return ctx_fail_field(c, E_INVALID, "tools", "tools: there is no tool \"%.*s\"",
                                  STR_ARG(name));
        }
        all = str_fmt(c->arena, "%.*s%s%.*s", STR_ARG(all), all.n ? " " : "", STR_ARG(name));
    }
    *out = all;
    return E_OK;
}

struct creation {
    struct store *store;
    struct tool_client *client;
    struct str secret;
};

static enum err create_in(struct ctx *c, void *arg)
{
    struct creation *m = arg;
    const struct tool_client *n = m->client;
    struct store_rows rows;
    TRY(store_query(c, m->store, &rows, "SELECT count(*) FROM tool_client"));
    if (row_int(&rows, 0, 0) >= TOOL_CLIENTS_MAX) {
        return ctx_fail(c, E_CONFLICT, "an organisation has at most %d tool clients",
                        TOOL_CLIENTS_MAX);
    }
    enum err e =
        store_exec(c, m->store, NULL,
                   "INSERT INTO tool_client (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                   " ?7, NULL, 0, ?8, ?8)",
                   S_ID(&n->id), S_STR(n->client), S_STR(n->name), S_STR(n->tools),
                   S_INT(n->demo_only), S_INT(n->per_minute),
                   S_STR(vault_seal(c, m->secret, id_str(&n->id))), S_INT(n->created_at_ms));
    return e == E_CONFLICT
               ? ctx_fail_field(c, E_CONFLICT, "client", "there is a tool client %.*s already",
                                STR_ARG(n->client))
               : e;
}

enum err tool_client_create(struct ctx *c, struct store *s, const struct tool_client_input *in,
                            struct tool_client *out, struct str *out_secret)
{
    int64_t now = ctx_now_ms(c);
    struct tool_client n = {
        .id = id_new(now),
        .client = in->client,
        .name = in->name,
        .demo_only = in->demo_only,
        .per_minute = in->per_minute ? in->per_minute : TOOL_CLIENT_PER_MINUTE,
        .created_at_ms = now,
        .rotated_at_ms = now,
    };
    struct creation m = {s, &n, new_secret(c)};
    TRY(read_tools(c, in->tools, &n.tools));
    TRY(store_transact(c, s, create_in, &m));
    *out = n;
    *out_secret = m.secret;
    return E_OK;
}

enum err tool_client_rotate(struct ctx *c, struct store *s, const struct id *id,
                            int64_t old_lives_s, struct tool_client *out, struct str *out_secret)
{
    struct str secret = new_secret(c);
    int64_t now = ctx_now_ms(c), changed;
    TRY(store_exec(c, s, &changed,
                   "UPDATE tool_client SET old_secret = secret, old_until = ?3, secret = ?2,"
                   " rotated_at = ?4 WHERE id = ?1",
                   S_ID(id), S_STR(vault_seal(c, secret, id_str(id))),
                   S_INT(old_lives_s ? now + old_lives_s * 1000 : 0), S_INT(now)));
    if (!changed) {
        return ctx_fail(c, E_NOT_FOUND, "not found");
    }
    TRY(tool_client_get(c, s, id, out));
    *out_secret = secret;
    return E_OK;
}

static enum err delete_in(struct ctx *c, void *arg)
{
    const struct creation *m = arg;
    const struct id *id = &m->client->id;
    int64_t changed;
    TRY(store_exec(c, m->store, NULL, "DELETE FROM tool_use WHERE client_id = ?1", S_ID(id)));
    TRY(store_exec(c, m->store, NULL, "DELETE FROM tool_order WHERE client_id = ?1", S_ID(id)));
    TRY(store_exec(c, m->store, &changed, "DELETE FROM tool_client WHERE id = ?1", S_ID(id)));
    return changed ? E_OK : ctx_fail(c, E_NOT_FOUND, "not found");
}

enum err tool_client_delete(struct ctx *c, struct store *s, const struct id *id)
{
    struct tool_client client = {.id = *id};
    struct creation m = {.store = s, .client = &client};
    return store_transact(c, s, delete_in, &m);
}

/* ---- used once ----------------------------------------------------------- */

struct use {
    struct store *store;
    const struct tool_client *client;
    struct str signature;
    int64_t stored;
};

static enum err use_in(struct ctx *c, void *arg)
{
    struct use *u = arg;
    return store_exec(c, u->store, &u->stored,
                      "INSERT INTO tool_use (client_id, signature, at) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT (client_id, signature) DO NOTHING",
                      S_ID(&u->client->id), S_STR(u->signature), S_INT(ctx_now_ms(c)));
}

enum err tool_client_use(struct ctx *c, struct store *s, const struct tool_client *client,
                         struct str signature)
{
    struct use u = {s, client, signature, 0};
    /* What a power cut takes from here was read-only, and is stale within minutes. */
    TRY(store_transact_late(c, s, use_in, &u));
    return u.stored ? E_OK : ctx_fail(c, E_CONFLICT, "this request was sent before");
}

enum err tool_client_expire(struct ctx *c, struct store *s)
{
    int64_t now = ctx_now_ms(c);
    TRY(store_exec(c, s, NULL, "DELETE FROM tool_use WHERE at < ?1",
                   S_INT(now - TOOL_CLIENT_KEEP_MS)));
    return store_exec(c, s, NULL, "DELETE FROM tool_order WHERE created_at < ?1",
                      S_INT(now - (int64_t)DAY_S * 1000));
}
