#include "host/org.h"

#include <stdlib.h>

#include "base/log.h"
#include "bus/bus.h"
#include "host/host.h"
#include "host/memo.h"
#include "host/service.h"
#include "store/store.h"
#include "store/vault.h"

enum {
    IDENTITY_SECRET_BYTES = 32,
    PATCH_TRIES = 5,
    SETTINGS_PARSE_BYTES = 4 << 20,
    ORG_ENTRY_MAX_BYTES = 4096
};

#define ORG_ENTRY "id, slug, name, kind, status, created_at"
/* as many letters as ORG_SETTINGS_MAX_BYTES has bytes: more is not even fetched */
#define ORG_COLUMNS ORG_ENTRY ", CASE WHEN length(settings) <= 65536 THEN settings END"

void org_enter(struct ctx *c, const struct id *org, struct org_visit *out_before)
{
    *out_before = (struct org_visit){c->org, c->actor, c->actor_kind, c->roles, c->store};
    c->org = *org;
    c->actor_kind = ACTOR_SYSTEM;
    c->actor = (struct id){0};
    c->store = NULL;
}

void org_leave(struct ctx *c, const struct org_visit *before)
{
    c->org = before->org;
    c->actor = before->actor;
    c->actor_kind = before->actor_kind;
    c->roles = before->roles;
    c->store = before->store;
}

static enum err system_store(struct ctx *c, struct store **out)
{
    struct id system = id_system();
    return store_of_org(c, &system, out);
}

static struct org read_entry(const struct store_rows *r, int row)
{
    return (struct org){
        .id = row_id(r, row, 0),
        .slug = row_str(r, row, 1),
        .name = row_str(r, row, 2),
        .kind = row_str(r, row, 3),
        .status = row_str(r, row, 4),
        .settings = &json_empty_object,
        .settings_text = STR("{}"),
        .created_at_ms = row_int(r, row, 5),
    };
}

static void tell_unreadable(struct ctx *c, const struct org *org, const char *why)
{
    log_at(c, LOG_ERROR, "the settings of an organisation cannot be read and count as empty",
           LOG_STR("org", org->slug), LOG_Z("why", why));
}

static struct org read_org(struct ctx *c, const struct store_rows *r)
{
    struct org org = read_entry(r, 0);
    struct json_fault fault = {.text = "too large"};
    const struct json *settings = NULL;
    if (row_is_null(r, 0, 6) || json_parse(c->arena, row_str(r, 0, 6), &settings, &fault) != E_OK) {
        tell_unreadable(c, &org, fault.text);
        return org;
    }
    org.settings = settings;
    org.settings_text = row_str(r, 0, 6);
    return org;
}

/* Whether the text is JSON: parsed when it is seen for the first time, and not at every list. */
static bool is_readable(struct ctx *c, const struct org *org, struct str text,
                        struct json_fault *fault)
{
    struct memo *known = c->at->host->answers;
    struct str found, key = str_fmt(c->arena, "settings of %s", org->id.text);
    int64_t stamp = (int64_t)str_hash(text);
    if (memo_find(known, key, stamp, c->arena, &found)) {
        return true;
    }
    struct arena *a = arena_new(SETTINGS_PARSE_BYTES);
    const struct json *value;
    bool fine = json_parse(a, text, &value, fault) == E_OK;
    arena_free(&a);
    if (fine) {
        memo_keep(known, key, stamp, STR("1"));
    }
    return fine;
}

static bool is_slug(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0))) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 63;
}

static enum err make_identity_secret(struct ctx *c)
{
    char secret[2 * IDENTITY_SECRET_BYTES + 1];
    struct store *s;
    struct str before;
    TRY(store_of(c, &s));
    enum err e = vault_get(c, s, STR("chat_identity"), &before);
    if (e != E_NOT_FOUND) {
        return e;
    }
    ctx_forgive(c);
    id_random_hex(secret, IDENTITY_SECRET_BYTES);
    return vault_put(c, s, STR("chat_identity"), str_of(secret));
}

enum err org_complete(struct ctx *c, const struct id *org)
{
    struct org_visit before;
    if (!stores_exists(c, org)) {
        TRY(stores_create(c, org));
    }
    if (c->at->bus) {
        bus_org_made(c->at->bus, org);
    }
    org_enter(c, org, &before);
    enum err e = make_identity_secret(c);
    org_leave(c, &before);
    return e;
}

static enum err settings_text(struct ctx *c, const struct json *settings, struct str *out)
{
    struct str text = json_write(c->arena, settings);
    if (text.n > ORG_SETTINGS_MAX_BYTES) {
        return ctx_fail_field(c, E_TOO_LARGE, "settings",
                              "the settings of an organisation have at most %d bytes; these %zu",
                              ORG_SETTINGS_MAX_BYTES, text.n);
    }
    *out = text;
    return E_OK;
}

enum err org_create(struct ctx *c, struct org *org)
{
    struct store *s;
    struct str settings;
    if (!is_slug(org->slug)) {
        return ctx_fail_field(c, E_INVALID, "slug", "slug may hold a-z, 0-9 and -, at most 63");
    }
    if (str_trim(org->name).n == 0 || org->name.n > 200) {
        return ctx_fail_field(c, E_INVALID, "name", "name has 1 to 200 bytes");
    }
    TRY(settings_text(c, org->settings ? org->settings : &json_empty_object, &settings));
    if (!id_is_set(&org->id)) {
        org->id = id_new(ctx_now_ms(c));
    }
    org->status = org->status.n ? org->status : STR("active");
    org->kind = org->kind.n ? org->kind : STR("client");
    org->created_at_ms = ctx_now_ms(c);
    TRY(system_store(c, &s));
    enum err e = store_exec(c, s, NULL,
                            "INSERT INTO org (id, slug, name, kind, status, settings, created_at)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                            S_ID(&org->id), S_STR(org->slug), S_STR(org->name), S_STR(org->kind),
                            S_STR(org->status), S_STR(settings), S_INT(org->created_at_ms));
    if (e == E_CONFLICT) {
        return ctx_fail_field(c, E_CONFLICT, "slug", "an organisation %.*s exists already",
                              STR_ARG(org->slug));
    }
    TRY(e);
    return org_complete(c, &org->id);
}

enum err org_get(struct ctx *c, const struct id *id, struct org *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " ORG_COLUMNS " FROM org WHERE id = ?1", S_ID(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    *out = read_org(c, &rows);
    return E_OK;
}

/* An entry's texts, each with a NUL behind it, which no stored text holds. */
static struct str pack_entry(struct arena *a, const struct org *org)
{
    struct str created = str_fmt(a, "%lld", (long long)org->created_at_ms);
    const struct str texts[] = {org->slug, org->name, org->kind, org->status, created};
    struct buf b = buf_make(ORG_ENTRY_MAX_BYTES);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        buf_add_str(&b, texts[i]);
        buf_add_char(&b, 0);
    }
    struct str packed = b.overflow ? STR("") : str_dup(a, buf_str(&b));
    buf_free(&b);
    return packed;
}

static bool unpack_entry(struct str packed, const struct id *id, struct org *out)
{
    struct str created;
    struct org org = {.id = *id, .settings = &json_empty_object, .settings_text = STR("{}")};
    if (!str_split(&packed, 0, &org.slug) || !str_split(&packed, 0, &org.name) ||
        !str_split(&packed, 0, &org.kind) || !str_split(&packed, 0, &org.status) ||
        !str_split(&packed, 0, &created)) {
        return false;
    }
    org.created_at_ms = strtoll(created.p, NULL, 10);
    *out = org;
    return true;
}

enum err org_entry(struct ctx *c, const struct id *id, struct org *out)
{
    struct store *s;
    struct store_rows rows;
    struct str packed, key = str_fmt(c->arena, "org %s", id->text);
    struct memo *answers = c->at->host->answers;
    TRY(system_store(c, &s));
    int64_t version = store_version(s);
    if (version && memo_find(answers, key, version, c->arena, &packed) &&
        unpack_entry(packed, id, out)) {
        return E_OK;
    }
    TRY(store_query(c, s, &rows, "SELECT " ORG_ENTRY " FROM org WHERE id = ?1", S_ID(id)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such organisation");
    }
    *out = read_entry(&rows, 0);
    packed = version ? pack_entry(c->arena, out) : STR("");
    if (packed.n) {
        memo_keep(answers, key, version, packed);
    }
    return E_OK;
}

enum err org_by_slug(struct ctx *c, struct str slug, struct org *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " ORG_COLUMNS " FROM org WHERE slug = ?1", S_STR(slug)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no organisation %.*s", STR_ARG(slug));
    }
    *out = read_org(c, &rows);
    return E_OK;
}

enum err org_operator(struct ctx *c, struct org *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " ORG_COLUMNS " FROM org WHERE kind = 'operator'"
                    " ORDER BY slug LIMIT 1"));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "there is no operator's organisation");
    }
    *out = read_org(c, &rows);
    return E_OK;
}

struct change {
    struct store *store; /* the installation's own */
    const struct org *org;
    struct str settings; /* empty: as they are */
    struct str before;   /* only over these settings; empty: over any */
    int64_t changed;
};

/* Every process hears of it: host/org_watch.h. */
static enum err change_in(struct ctx *c, void *arg)
{
    struct change *w = arg;
    const struct org *org = w->org;
    TRY(store_exec(c, w->store, &w->changed,
                   "UPDATE org SET name = COALESCE(?2, name), status = COALESCE(?3, status),"
                   " settings = COALESCE(?4, settings)"
                   " WHERE id = ?1 AND settings = COALESCE(?5, settings)"
                   " AND status <> 'erasing'",
                   S_ID(&org->id), S_OPT(org->name), S_OPT(org->status), S_OPT(w->settings),
                   S_OPT(w->before)));
    if (!w->changed) {
        return E_OK;
    }
    const struct json *status = org->status.n ? json_new_str(c->arena, org->status) : NULL;
    return topic_emit(c, w->store, .topic = "org_events", .type = "organization_updated",
                      .key = id_str(&org->id),
                      .payload = json_object(c->arena, {"status", status}));
}

static enum err write_org(struct ctx *c, const struct org *org, struct str before,
                          int64_t *out_changed)
{
    struct change w = {.org = org, .settings = STR(""), .before = before};
    TRY(system_store(c, &w.store));
    if (org->settings) {
        TRY(settings_text(c, org->settings, &w.settings));
    }
    TRY(store_transact(c, w.store, change_in, &w));
    *out_changed = w.changed;
    return E_OK;
}

/* What was worked out of it may not hold any more. */
static enum err doubt(struct ctx *c)
{
    struct store *s;
    TRY(system_store(c, &s));
    host_forget(c, s);
    return E_OK;
}

enum err org_update(struct ctx *c, const struct org *org)
{
    int64_t changed = 0;
    TRY(write_org(c, org, STR(""), &changed));
    TRY(doubt(c));
    return changed ? E_OK : ctx_fail(c, E_NOT_FOUND, "no such organisation");
}

/* Settings are read outside the transaction that writes them: a route that is done once holds one
 * of the org's own store already. */
enum err org_patch(struct ctx *c, const struct org *change)
{
    struct store *s;
    struct store_rows rows;
    struct org org = *change;
    int64_t changed = 0;
    if (!change->settings) {
        return org_update(c, change);
    }
    TRY(system_store(c, &s));
    for (int i = 0; i < PATCH_TRIES && !changed; i++) {
        TRY(store_query(c, s, &rows, "SELECT " ORG_COLUMNS " FROM org WHERE id = ?1",
                        S_ID(&change->id)));
        if (rows.count == 0) {
            return ctx_fail(c, E_NOT_FOUND, "no such organisation");
        }
        struct org before = read_org(c, &rows);
        org.settings = json_merge(c->arena, before.settings, change->settings);
        TRY(write_org(c, &org, row_str(&rows, 0, 6), &changed));
    }
    TRY(doubt(c));
    return changed ? E_OK : ctx_fail(c, E_CONFLICT, "others change these settings too: try again");
}

enum err org_list(struct ctx *c, struct str after, int limit, const struct org **out_orgs,
                  int *out_count)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " ORG_ENTRY " FROM org WHERE slug > ?1 ORDER BY slug LIMIT ?2",
                    S_STR(after), S_INT(limit)));
    struct org *all = ARENA_ARRAY(c->arena, struct org, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        all[i] = read_entry(&rows, i);
    }
    *out_orgs = all;
    *out_count = rows.count;
    return E_OK;
}

enum err org_list_whole(struct ctx *c, struct str after, int limit, const struct org **out_orgs,
                        int *out_count)
{
    struct store *s;
    struct store_rows rows;
    TRY(system_store(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " ORG_COLUMNS " FROM org WHERE slug > ?1 ORDER BY slug LIMIT ?2",
                    S_STR(after), S_INT(limit)));
    struct org *all = ARENA_ARRAY(c->arena, struct org, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        struct json_fault fault = {.text = "too large"};
        all[i] = read_entry(&rows, i);
        if (!row_is_null(&rows, i, 6) && is_readable(c, &all[i], row_str(&rows, i, 6), &fault)) {
            all[i].settings_text = row_str(&rows, i, 6);
        } else {
            tell_unreadable(c, &all[i], fault.text);
        }
    }
    *out_orgs = all;
    *out_count = rows.count;
    return E_OK;
}
