/* `rapport restore FOLDER`: a back-up becomes a data folder, or an org of it goes back into one. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "host/lifecycle.h"
#include "main/backup.h"
#include "main/file.h"
#include "main/services.h"
#include "main/terminal.h"
#include "store/blob.h"
#include "store/snapshot.h"

struct restore {
    struct invocation *in;
    struct settings settings;
    const char *folder; /* the back-up */
    const char *data;
    const struct json *list; /* backup.json */
    struct backup_blobs blob_counts;
};

/* ---- is it whole, and the right one -------------------------------------- */

/* Paths come from a file someone may have written: only those a back-up has. */
static bool is_named_by_id(struct str path, struct str folder, struct str ending)
{
    struct id id;
    return str_starts(path, folder) && str_ends(path, ending) && path.n > folder.n + ending.n &&
           id_parse(str_sub(path, folder.n, path.n - folder.n - ending.n), &id);
}

static bool is_ours(struct str path)
{
    return str_eqz(path, "store/system.db") || str_eqz(path, "rapport.yaml") ||
           is_named_by_id(path, STR("store/org/"), STR(".db")) ||
           is_named_by_id(path, STR("directory/"), STR(".json"));
}

static enum err check_file(struct ctx *c, const struct restore *r, const struct json *file)
{
    struct str path = json_str(file, "path", STR("")), hex;
    int64_t bytes;
    if (!is_ours(path)) {
        return ctx_fail(c, E_INVALID, "%s/backup.json names %.*s, which no back-up holds",
                        r->folder, STR_ARG(path));
    }
    TRY(backup_digest(c, backup_path(c, r->folder, str_dupz(c->arena, path)), &hex, &bytes));
    if (!str_eq(hex, json_str(file, "sha256", STR("")))) {
        return ctx_fail(c, E_INVALID, "%s/%.*s is damaged: its SHA-256 is not that of backup.json",
                        r->folder, STR_ARG(path));
    }
    return E_OK;
}

static enum err read_directory(struct ctx *c, const struct restore *r, const struct id *id,
                               const struct json **out)
{
    const char *name = str_dupz(c->arena, str_fmt(c->arena, "directory/%s.json", id->text));
    return file_json(c, backup_path(c, r->folder, name), out);
}

static enum err check_blobs(struct ctx *c, const struct restore *r)
{
    const struct json *orgs = json_get(r->list, "orgs"), *directory;
    struct id id;
    for (size_t i = 0; i < json_count(orgs); i++) {
        if (!id_parse(json_str(json_at(orgs, i), "id", STR("")), &id)) {
            return ctx_fail(c, E_INVALID, "%s/backup.json: orgs[%zu].id is none", r->folder, i);
        }
        TRY(read_directory(c, r, &id, &directory));
        TRY(backup_blobs_check(c, backup_path(c, r->folder, "blobs"), &id,
                               json_get(directory, "blobs")));
    }
    return E_OK;
}

static enum err read_list(struct ctx *c, struct restore *r)
{
    enum err e = file_json(c, backup_path(c, r->folder, "backup.json"), &r->list);
    if (e == E_NOT_FOUND) {
        return ctx_fail(c, E_NOT_FOUND, "%s holds no whole back-up: there is no backup.json",
                        r->folder);
    }
    TRY(e);
    if (json_int(r->list, "format", 0) != BACKUP_FORMAT) {
        return ctx_fail(c, E_INVALID, "%s was made by a program of another format", r->folder);
    }
    const struct json *files = json_get(r->list, "files");
    for (size_t i = 0; i < json_count(files); i++) {
        TRY(check_file(c, r, json_at(files, i)));
    }
    return check_blobs(c, r);
}

/* The keys that sealed the secrets must be among those that will open them. */
static enum err check_key(struct ctx *c, const struct restore *r, const char *key_file)
{
    const struct json *have, *want = json_get(r->list, "key_marks");
    TRY(backup_key_marks(c, key_file, &have));
    for (size_t i = 0; i < json_count(want); i++) {
        bool found = false;
        for (size_t k = 0; k < json_count(have); k++) {
            found = found || json_equal(json_at(want, i), json_at(have, k));
        }
        if (!found) {
            return ctx_fail(c, E_CONFLICT,
                            "%s is another master key than the one this back-up was sealed with",
                            key_file);
        }
    }
    return E_OK;
}

/* ---- a whole installation ------------------------------------------------ */

static enum err find_key(struct ctx *c, const struct restore *r, const char **out_path)
{
    const char *places[] = {command_option(r->in, "key", NULL),
                            backup_path(c, r->data, "master.key"),
                            backup_path(c, r->folder, "master.key")};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (places[i] && (i == 0 || access(places[i], F_OK) == 0)) {
            *out_path = places[i];
            return check_key(c, r, places[i]);
        }
    }
    return ctx_fail(c, E_NOT_FOUND,
                    "the master key is not in the back-up: name the file with --key FILE");
}

static enum err put_files(struct ctx *c, const struct restore *r, const char *store)
{
    const char *from = backup_path(c, r->folder, "store");
    const struct json *orgs = json_get(r->list, "orgs");
    struct id system = id_system(), id;
    TRY(snapshot_take(c, from, &system, backup_path(c, store, "system.db")));
    for (size_t i = 0; i < json_count(orgs); i++) {
        if (!id_parse(json_str(json_at(orgs, i), "id", STR("")), &id)) {
            return ctx_fail(c, E_INVALID, "%s/backup.json: orgs[%zu].id is none", r->folder, i);
        }
        const char *name = str_dupz(c->arena, str_fmt(c->arena, "org/%s.db", id.text));
        TRY(snapshot_take(c, from, &id, backup_path(c, store, name)));
    }
    return E_OK;
}

static enum err put_blobs(struct ctx *c, struct restore *r)
{
    const char *from = backup_path(c, r->folder, "blobs"), *to = backup_path(c, r->data, "blobs");
    const struct json *orgs = json_get(r->list, "orgs");
    struct id id;
    for (size_t i = 0; i < json_count(orgs); i++) {
        if (id_parse(json_str(json_at(orgs, i), "id", STR("")), &id)) {
            TRY(backup_blobs_copy(c, from, to, &id, &r->blob_counts));
        }
    }
    return E_OK;
}

/* Settings that are there already stay. */
static enum err put_settings(struct ctx *c, const struct restore *r)
{
    struct str text;
    const char *from = backup_path(c, r->folder, "rapport.yaml");
    const char *to = backup_path(c, r->data, "rapport.yaml");
    if (access(from, F_OK) != 0 || access(to, F_OK) == 0) {
        return E_OK;
    }
    TRY(file_read(c, from, &text));
    return file_write(c, to, text, true);
}

/* The store's folder gets its name last: before that, there is no installation. */
static enum err put_whole(struct ctx *c, struct restore *r, const char *key_file)
{
    struct str key;
    const char *partial = backup_path(c, r->data, "store.partial");
    backup_remove_folder(partial);
    TRY(backup_make_folder(c, partial));
    TRY(backup_make_folder(c, backup_path(c, partial, "org")));
    TRY(put_files(c, r, partial));
    TRY(put_blobs(c, r));
    TRY(put_settings(c, r));
    TRY(file_read(c, key_file, &key));
    TRY(file_write(c, backup_path(c, r->data, "master.key"), key, true));
    if (rename(partial, backup_path(c, r->data, "store")) != 0) {
        return ctx_fail(c, E_DENIED, "cannot rename %s: %s", partial, strerror(errno));
    }
    return E_OK;
}

static enum err restore_whole(struct ctx *c, struct restore *r)
{
    const char *key_file = NULL;
    if (!json_bool(r->list, "whole", false)) {
        return ctx_fail(c, E_INVALID,
                        "%s holds single organisations: put them into an installation with --org",
                        r->folder);
    }
    if (access(backup_path(c, r->data, "store"), F_OK) == 0) {
        return ctx_fail(c, E_CONFLICT,
                        "%s holds data already: name an empty folder with --data, or one "
                        "organisation with --org",
                        r->data);
    }
    TRY(find_key(c, r, &key_file));
    TRY(backup_make_folder(c, r->data));
    enum err e = put_whole(c, r, key_file);
    if (e != E_OK) {
        backup_remove_folder(backup_path(c, r->data, "store.partial"));
    }
    return e;
}

/* ---- one org ------------------------------------------------------------- */

static enum err drop_unlisted(struct ctx *c, const struct map *listed)
{
    struct str after = STR("");
    struct blob_page page = {.more = true};
    while (page.more) {
        TRY(blob_list(c, STR(""), after, &page));
        for (int i = 0; i < page.count; i++) {
            after = page.items[i].key;
            if (!map_get(listed, after)) {
                TRY(blob_delete(c, after));
            }
        }
        page.more = page.more && page.count > 0;
    }
    return E_OK;
}

/* What came after the back-up: nothing refers to it any more. */
static enum err drop_new_blobs(struct ctx *c, const struct json *list)
{
    static char present;
    struct map *listed = map_new(json_count(list) + 1);
    for (size_t i = 0; i < json_count(list); i++) {
        map_set(listed, json_str(json_at(list, i), "key", STR("")), &present);
    }
    enum err e = drop_unlisted(c, listed);
    map_free(&listed);
    return e;
}

/* Blobs first, so that whatever the rows refer to is there at any moment. */
static enum err put_org(struct ctx *c, struct restore *r, const struct id *id)
{
    const struct json *directory;
    struct store *s;
    const char *from = backup_path(c, r->folder, "blobs"), *to = backup_path(c, r->data, "blobs");
    TRY(read_directory(c, r, id, &directory));
    const char *name = str_dupz(c->arena, str_fmt(c->arena, "store/org/%s.db", id->text));
    TRY(org_rows_put(c, all_services, id, json_get(directory, "rows")));
    TRY(backup_blobs_copy(c, from, to, id, &r->blob_counts));
    TRY(stores_replace(c, id, backup_path(c, r->folder, name)));
    struct org_visit before;
    org_enter(c, id, &before);
    enum err e = drop_new_blobs(c, json_get(directory, "blobs"));
    e = e == E_OK ? store_of(c, &s) : e;
    e = e == E_OK ? audit_add(c, s, "org.restored", id_str(id),
                              json_object(c->arena, {"made_at", json_get(r->list, "made_at")}))
                  : e;
    org_leave(c, &before);
    return e;
}

static enum err put_orgs(struct ctx *c, struct restore *r)
{
    const struct json *orgs = json_get(r->list, "orgs");
    int found = 0;
    for (size_t i = 0; i < json_count(orgs); i++) {
        struct id id;
        const struct json *org = json_at(orgs, i);
        if (backup_wants(r->in, json_str(org, "slug", STR(""))) &&
            id_parse(json_str(org, "id", STR("")), &id)) {
            TRY(put_org(c, r, &id));
            found++;
        }
    }
    return found ? E_OK
                 : ctx_fail(c, E_NOT_FOUND, "%s holds no organisation %s", r->folder,
                            command_option(r->in, "org", ""));
}

static enum err restore_orgs(struct ctx *c, struct restore *r)
{
    struct lifecycle_config config = {
        .services = all_services, .settings = r->settings, .log_fd = STDERR_FILENO};
    struct lifecycle *l;
    if (access(backup_path(c, r->data, "store/system.db"), F_OK) != 0) {
        return ctx_fail(c, E_NOT_FOUND,
                        "%s holds no installation; without --org a whole one is restored", r->data);
    }
    TRY(check_key(c, r, backup_path(c, r->data, "master.key")));
    TRY(lifecycle_open(c, &config, &l));
    struct ctx *own = lifecycle_ctx(l);
    enum err e = put_orgs(own, r);
    c->fault = own->fault;
    ctx_free(&own);
    lifecycle_close(&l, 0);
    return e;
}

/* ---- the command --------------------------------------------------------- */

static enum err run_restore(struct ctx *c, struct invocation *in)
{
    struct restore r = {.in = in, .folder = in->args[0]};
    TRY(backup_settings(c, in, &r.settings));
    r.data = str_dupz(c->arena, r.settings.data_folder);
    TRY(read_list(c, &r));
    TRY(command_has(in, "org") ? restore_orgs(c, &r) : restore_whole(c, &r));
    if (in->json) {
        terminal_json(c, json_object(c->arena, {"data", json_new_str(c->arena, str_of(r.data))},
                                     {"blobs", json_new_int(c->arena, r.blob_counts.count)}));
    } else {
        printf(
            "%s is as it was when the back-up was made; start it with: rapport serve --data %s\n",
            command_has(in, "org") ? command_option(in, "org", "") : r.data, r.data);
    }
    return E_OK;
}

static const struct option restore_options[] = {
    {"org", 'o', "SLUG", "put only this organisation back, into an installation that is stopped"},
    {"key", 0, "FILE", "the master key, where it is not in the back-up"},
    {0},
};

const struct command restore_commands[] = {
    {"restore", "FOLDER", "Make a data folder from a back-up, or put an organisation back.",
     COMMAND_FOLDER, restore_options, 1, 1, run_restore},
    {0},
};
