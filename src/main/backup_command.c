/* `rapport backup FOLDER`: a consistent copy of an installation, or of some of its orgs, while it
 * is in use. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/lifecycle.h"
#include "main/backup.h"
#include "main/file.h"
#include "main/services.h"
#include "main/terminal.h"
#include "store/snapshot.h"

struct backup {
    struct invocation *in;
    struct settings settings;
    const char *folder; /* where it goes */
    const char *data, *store, *blobs;
    bool whole; /* every org, and the system store */
    struct org *orgs;
    int count;
    const struct json **rows; /* of the system store, an org each */
    const struct json *files, *listed;
    struct backup_blobs blob_counts;
    int64_t bytes, made_at_ms;
};

/* ---- which orgs ---------------------------------------------------------- */

static enum err keep_org(struct ctx *own, struct ctx *c, struct backup *b, const struct org *org)
{
    const struct json *rows;
    if (b->count == BACKUP_ORGS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "more than %d organisations", BACKUP_ORGS_MAX);
    }
    TRY(org_rows_get(own, all_services, &org->id, &rows));
    b->rows[b->count] = json_copy(c->arena, rows);
    b->orgs[b->count++] = (struct org){
        .id = org->id, .slug = str_dup(c->arena, org->slug), .name = str_dup(c->arena, org->name)};
    return E_OK;
}

static enum err keep_orgs(struct ctx *own, struct ctx *c, void *arg)
{
    struct backup *b = arg;
    const struct org *page;
    struct str after = STR("");
    int n;
    do {
        TRY(org_list(own, after, ORG_PAGE_MAX, &page, &n));
        for (int i = 0; i < n; i++) {
            after = page[i].slug;
            if (backup_wants(b->in, page[i].slug)) {
                TRY(keep_org(own, c, b, &page[i]));
            }
        }
    } while (n == ORG_PAGE_MAX);
    return E_OK;
}

static enum err check_wanted(struct ctx *c, struct backup *b)
{
    for (int i = 0; i < b->in->option_count; i++) {
        bool found = strcmp(b->in->options[i], "org") != 0;
        for (int k = 0; k < b->count && !found; k++) {
            found = str_eqz(b->orgs[k].slug, b->in->option_values[i]);
        }
        if (!found) {
            return ctx_fail(c, E_NOT_FOUND, "no organisation %s", b->in->option_values[i]);
        }
    }
    return E_OK;
}

/* ---- copying ------------------------------------------------------------- */

static enum err list_file(struct ctx *c, struct backup *b, const char *name)
{
    struct str hex;
    int64_t bytes;
    TRY(backup_digest(c, backup_path(c, b->folder, name), &hex, &bytes));
    b->bytes += bytes;
    b->files = json_push(c->arena, b->files,
                         json_object(c->arena, {"path", json_new_str(c->arena, str_of(name))},
                                     {"bytes", json_new_int(c->arena, bytes)},
                                     {"sha256", json_new_str(c->arena, hex)}));
    return E_OK;
}

static enum err copy_store(struct ctx *c, struct backup *b, const struct id *org, const char *name)
{
    TRY(snapshot_take(c, b->store, org, backup_path(c, b->folder, name)));
    return list_file(c, b, name);
}

static enum err write_directory(struct ctx *c, struct backup *b, int index, const char *name)
{
    const struct json *list;
    TRY(backup_blobs_list(c, backup_path(c, b->folder, "blobs"), &b->orgs[index].id, &list));
    struct str text =
        json_write(c->arena, json_object(c->arena, {"rows", b->rows[index]}, {"blobs", list}));
    if (text.n > FILE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "organisation %.*s has more files than a back-up can list",
                        STR_ARG(b->orgs[index].slug));
    }
    return file_write(c, backup_path(c, b->folder, name), text, true);
}

/* Blobs twice: before the snapshot, so that none it refers to is deleted by then, and after it, for
 * those that came just before. */
static enum err copy_org(struct ctx *c, struct backup *b, int index)
{
    const struct org *org = &b->orgs[index];
    const char *blobs = backup_path(c, b->folder, "blobs");
    const char *name = str_dupz(c->arena, str_fmt(c->arena, "store/org/%s.db", org->id.text));
    const char *rows = str_dupz(c->arena, str_fmt(c->arena, "directory/%s.json", org->id.text));
    TRY(backup_blobs_copy(c, b->blobs, blobs, &org->id, &b->blob_counts));
    TRY(copy_store(c, b, &org->id, name));
    TRY(backup_blobs_copy(c, b->blobs, blobs, &org->id, &b->blob_counts));
    TRY(write_directory(c, b, index, rows));
    b->listed = json_push(c->arena, b->listed,
                          json_object(c->arena, {"id", json_new_str(c->arena, id_str(&org->id))},
                                      {"slug", json_new_str(c->arena, org->slug)},
                                      {"name", json_new_str(c->arena, org->name)}));
    return list_file(c, b, rows);
}

static enum err copy_key(struct ctx *c, struct backup *b)
{
    struct str key;
    if (!command_has(b->in, "with-key")) {
        return E_OK;
    }
    TRY(file_read(c, backup_path(c, b->data, "master.key"), &key));
    return file_write(c, backup_path(c, b->folder, "master.key"), key, true);
}

static enum err copy_settings(struct ctx *c, struct backup *b)
{
    struct str text;
    if (!b->whole || access(backup_path(c, b->data, "rapport.yaml"), F_OK) != 0) {
        return E_OK;
    }
    TRY(file_read(c, backup_path(c, b->data, "rapport.yaml"), &text));
    TRY(file_write(c, backup_path(c, b->folder, "rapport.yaml"), text, true));
    return list_file(c, b, "rapport.yaml");
}

static enum err write_list(struct ctx *c, struct backup *b)
{
    const struct json *marks;
    struct arena *a = c->arena;
    TRY(backup_key_marks(c, backup_path(c, b->data, "master.key"), &marks));
    const struct json *list =
        json_object(a, {"format", json_new_int(a, BACKUP_FORMAT)},
                    {"rapport", json_new_str(a, str_of(RAPPORT_VERSION))},
                    {"made_at", json_new_int(a, b->made_at_ms)}, {"whole", json_new_bool(b->whole)},
                    {"key_marks", marks}, {"orgs", b->listed}, {"files", b->files},
                    {"blobs", json_new_int(a, b->blob_counts.count)});
    return file_write(c, backup_path(c, b->folder, "backup.json"), json_write(a, list), true);
}

static enum err copy_all(struct ctx *c, struct backup *b)
{
    struct terminal_progress bar = terminal_progress_start("copying");
    enum err e = E_OK;
    for (int i = 0; i < b->count && e == E_OK; i++) {
        e = copy_org(c, b, i);
        terminal_progress_set(&bar, (double)(i + 1) / b->count);
    }
    terminal_progress_end(&bar);
    TRY(e);
    TRY(copy_key(c, b));
    TRY(copy_settings(c, b));
    return write_list(c, b);
}

/* The system store is first: an org it does not know yet is not missed. */
static enum err read_orgs(struct ctx *c, struct backup *b)
{
    struct id system = id_system();
    const char *from = b->store;
    if (b->whole) {
        TRY(copy_store(c, b, &system, "store/system.db"));
        from = backup_path(c, b->folder, "store");
    }
    TRY(backup_with_directory(c, from, backup_path(c, b->folder, "reading"), keep_orgs, b));
    return check_wanted(c, b);
}

/* ---- the command --------------------------------------------------------- */

static enum err make_folders(struct ctx *c, struct backup *b)
{
    struct file_names there;
    static const char *const folders[] = {"directory", "store", "store/org", "blobs"};
    TRY(file_list(c, b->folder, "", &there));
    if (there.count) {
        return ctx_fail(c, E_CONFLICT, "%s is not empty: a back-up goes into a new folder",
                        b->folder);
    }
    TRY(backup_make_folder(c, b->folder));
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        TRY(backup_make_folder(c, backup_path(c, b->folder, folders[i])));
    }
    return E_OK;
}

static void tell(struct ctx *c, const struct backup *b)
{
    if (b->in->json) {
        struct arena *a = c->arena;
        terminal_json(c, json_object(a, {"folder", json_new_str(a, str_of(b->folder))},
                                     {"made_at", json_new_int(a, b->made_at_ms)},
                                     {"orgs", b->listed}, {"bytes", json_new_int(a, b->bytes)},
                                     {"blobs", json_new_int(a, b->blob_counts.count)},
                                     {"blob_bytes", json_new_int(a, b->blob_counts.bytes)}));
        return;
    }
    printf("%s: %d organisation%s, %.1f MB of data, %lld files\n", b->folder, b->count,
           b->count == 1 ? "" : "s", (double)b->bytes / 1e6, (long long)b->blob_counts.count);
    if (!command_has(b->in, "with-key")) {
        printf("Without %s/master.key its secrets stay sealed: keep a copy of that apart.\n",
               b->data);
    }
}

static enum err run_backup(struct ctx *c, struct invocation *in)
{
    struct backup b = {.in = in, .files = &json_empty_array, .listed = &json_empty_array};
    TRY(backup_settings(c, in, &b.settings));
    b.data = str_dupz(c->arena, b.settings.data_folder);
    b.store = backup_path(c, b.data, "store");
    b.blobs = backup_path(c, b.data, "blobs");
    b.folder = in->args[0];
    b.whole = !command_has(in, "org");
    b.orgs = ARENA_ARRAY(c->arena, struct org, BACKUP_ORGS_MAX);
    b.rows = ARENA_ARRAY(c->arena, const struct json *, BACKUP_ORGS_MAX);
    b.made_at_ms = ctx_now_ms(c);
    if (access(backup_path(c, b.store, "system.db"), F_OK) != 0) {
        return ctx_fail(c, E_NOT_FOUND, "%s holds no data", b.data);
    }
    TRY(make_folders(c, &b));
    enum err e = read_orgs(c, &b);
    e = e == E_OK ? copy_all(c, &b) : e;
    if (e != E_OK) {
        backup_remove_folder(b.folder);
        return e;
    }
    tell(c, &b);
    return E_OK;
}

static const struct option backup_options[] = {
    {"org", 'o', "SLUG", "only this organisation; may be given several times"},
    {"with-key", 0, NULL, "put master.key into it too: who has the back-up then has all secrets"},
    {0},
};

const struct command backup_commands[] = {
    {"backup", "FOLDER", "Copy the data while it is in use, into a new folder.", COMMAND_FOLDER,
     backup_options, 1, 1, run_backup},
    {0},
};
