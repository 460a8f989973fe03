#include <string.h>

#include "agent/record.h"
#include "base/map.h"
#include "main/demo.h"
#include "main/demo_date.h"
#include "main/file.h"
#include "svc/account/account_history.h"
#include "svc/account/account_score.h"

enum { REFS_MAX = 200000 };

/* Every "kind key" that can be referred to. */
struct known {
    struct map *keys;
};

static struct str reference(struct ctx *c, struct str kind, struct str key)
{
    return str_fmt(c->arena, "%.*s %.*s", STR_ARG(kind), STR_ARG(key));
}

static enum err load_kinds(struct ctx *c, void *arg)
{
    const struct demo_load *load = arg;
    const char *path = demo_path(c, load, "kinds.yaml", "");
    const struct json *document;
    enum err e = file_yaml(c, path, &document);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    const struct json *kinds = json_get(document, "kinds");
    for (size_t i = 0; i < json_count(kinds); i++) {
        const struct json *kind = json_at(kinds, i);
        if (record_kind_put(c, load->store, kind) != E_OK) {
            ctx_name_place(c, (int)kind->line, (int)kind->column);
            return file_fault(c, path, -1);
        }
    }
    return E_OK;
}

/* "orders.json" holds records of the kind "order". */
static struct str kind_of_file(const char *name)
{
    struct str stem = str_sub(str_of(name), 0, strlen(name) - strlen(".json"));
    return str_ends(stem, STR("s")) ? str_sub(stem, 0, stem.n - 1) : stem;
}

static enum err identify(struct ctx *c, const struct demo_load *load, const struct record *contact)
{
    const struct json *list = json_get(contact->data, "identities");
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *it = json_at(list, i);
        TRY(record_identify(c, load->store, &contact->id, json_str(it, "channel", STR("")),
                            json_str(it, "external_id", STR(""))));
    }
    return E_OK;
}

static enum err load_file(struct ctx *c, const struct demo_load *load, const char *name,
                          struct known *known)
{
    const char *path = demo_path(c, load, "records", name);
    const struct json *items;
    struct str kind = kind_of_file(name);
    TRY(file_json(c, path, &items));
    if (!json_is(items, JSON_ARRAY)) {
        return ctx_fail(c, E_INVALID, "%s must hold an array of records", path);
    }
    for (size_t i = 0; i < json_count(items); i++) {
        struct record r;
        const struct json *data = demo_date_shift(c->arena, json_at(items, i), load->delta_ms);
        enum err e = record_put(c, load->store, kind, data, &r);
        if (e == E_OK && str_eqz(kind, "contact")) {
            e = identify(c, load, &r);
        }
        if (e != E_OK) {
            return file_fault(c, path, (int)i);
        }
        map_set(known->keys, reference(c, kind, r.key), known);
    }
    return E_OK;
}

static int rank(const char *name)
{
    return strncmp(name, "account", 7) == 0 ? 0 : strncmp(name, "contact", 7) == 0 ? 1 : 2;
}

/* ---- references: checked when all are there, since orders, invoices and parcels name each other
 */

static enum err check_record(struct ctx *c, const struct json *properties, const struct json *item,
                             const struct known *known)
{
    for (size_t i = 0; i < json_count(properties); i++) {
        const struct json_member *p = &properties->members[i];
        struct str kind = json_str(&p->value, "x-ref", STR(""));
        struct str key = json_text(json_find(item, p->name), STR(""));
        if (kind.n && key.n && !map_get(known->keys, reference(c, kind, key))) {
            return ctx_fail(c, E_INVALID, "%.*s: there is no %.*s %.*s", STR_ARG(p->name),
                            STR_ARG(kind), STR_ARG(key));
        }
    }
    return E_OK;
}

static enum err check_file(struct ctx *c, const struct demo_load *load, const char *name,
                           const struct known *known)
{
    const char *path = demo_path(c, load, "records", name);
    const struct json *items;
    struct record_kind kind;
    TRY(record_kind_get(c, load->store, kind_of_file(name), &kind));
    const struct json *properties = json_get(kind.fields, "properties");
    if (json_count(properties) == 0) {
        return E_OK;
    }
    TRY(file_json(c, path, &items));
    for (size_t i = 0; i < json_count(items); i++) {
        if (check_record(c, properties, json_at(items, i), known) != E_OK) {
            return file_fault(c, path, (int)i);
        }
    }
    return E_OK;
}

static void know_members(struct ctx *c, const struct demo_load *load, struct known *known)
{
    const struct json *members = json_get(load->org, "members");
    for (size_t i = 0; i < json_count(members); i++) {
        struct str email = json_str(json_at(members, i), "email", STR(""));
        map_set(known->keys, reference(c, STR("member"), email), known);
    }
}

static enum err load_files(struct ctx *c, const struct demo_load *load, struct known *known)
{
    struct file_names files;
    TRY(file_list(c, demo_path(c, load, "records", ""), ".json", &files));
    know_members(c, load, known);
    for (int wanted = 0; wanted < 3; wanted++) { /* accounts, contacts, all others */
        for (int i = 0; i < files.count; i++) {
            if (rank(files.items[i]) == wanted) {
                TRY(load_file(c, load, files.items[i], known));
            }
        }
    }
    for (int i = 0; i < files.count; i++) {
        TRY(check_file(c, load, files.items[i], known));
    }
    return E_OK;
}

static enum err load_records(struct ctx *c, void *arg)
{
    struct known known = {map_new(REFS_MAX)};
    enum err e = load_files(c, arg, &known);
    map_free(&known.keys);
    return e;
}

/* ---- the past of accounts ------------------------------------------------------ */

static enum err load_fact(struct ctx *c, const struct demo_load *load, const struct json *in)
{
    struct record account;
    const struct json *fact = demo_date_shift(c->arena, in, load->delta_ms);
    struct account_past_fact past = {.kind = json_str(fact, "kind", STR("")),
                                     .at_ms = json_int(fact, "at", 0),
                                     .data = json_get(fact, "data"),
                                     .source = "record"};
    TRY(record_by_key(c, load->store, STR("account"), json_str(fact, "account", STR("")),
                      &account));
    return account_history_add(c, load->store, &account, &past);
}

static enum err load_history(struct ctx *c, void *arg)
{
    const struct demo_load *load = arg;
    const char *path = demo_path(c, load, "history", "accounts.json");
    const struct json *facts;
    enum err e = file_json(c, path, &facts);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    for (size_t i = 0; i < json_count(facts); i++) {
        if (load_fact(c, load, json_at(facts, i)) != E_OK) {
            return file_fault(c, path, (int)i);
        }
    }
    return E_OK;
}

/* Here and not by the consumers of the records' events: who asks for an account in the first moment
 * finds it. */
static enum err score_accounts(struct ctx *c, void *arg)
{
    const struct demo_load *load = arg;
    struct records accounts;
    struct record_query q = {.kind = STR("account"), .limit = 500};
    struct account_change how = {.source = "record", .count_tickets = true};
    TRY(record_find(c, load->store, &q, &accounts, NULL));
    for (int i = 0; i < accounts.count; i++) {
        struct record r = accounts.items[i];
        TRY(account_history_replay(c, load->store, &r));
        TRY(account_recompute(c, load->store, &r, &how));
    }
    return E_OK;
}

enum err demo_records_load(struct ctx *c, const struct demo_load *load)
{
    struct demo_load copy = *load;
    TRY(store_transact(c, load->store, load_kinds, &copy));
    TRY(store_transact(c, load->store, load_records, &copy));
    TRY(store_transact(c, load->store, load_history, &copy));
    return store_transact(c, load->store, score_accounts, &copy);
}
