#include "main/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/format.h"
#include "codec/hmac.h"
#include "host/lifecycle.h"
#include "main/file.h"
#include "main/serve.h"
#include "main/services.h"
#include "store/blob.h"
#include "store/snapshot.h"

enum { PIECE_BYTES = 1 << 16, TREE_HANDLES = 16, WORK_MAX_BYTES = 256 << 20, MARK_DIGITS = 16 };

const char *backup_path(struct ctx *c, const char *folder, const char *name)
{
    return str_dupz(c->arena, str_fmt(c->arena, "%s/%s", folder, name));
}

enum err backup_make_folder(struct ctx *c, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return ctx_fail(c, errno == ENOSPC || errno == EDQUOT ? E_FULL : E_DENIED,
                        "cannot make the folder %s: %s", path, strerror(errno));
    }
    return E_OK;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void backup_remove_folder(const char *path)
{
    nftw(path, remove_entry, TREE_HANDLES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- digests ------------------------------------------------------------- */

static struct str hex_of(struct ctx *c, const unsigned char digest[HMAC_SHA256_BYTES])
{
    struct str hex = STR("");
    for (int i = 0; i < HMAC_SHA256_BYTES; i += 8) {
        hex = str_fmt(c->arena, "%.*s%02x%02x%02x%02x%02x%02x%02x%02x", STR_ARG(hex), digest[i],
                      digest[i + 1], digest[i + 2], digest[i + 3], digest[i + 4], digest[i + 5],
                      digest[i + 6], digest[i + 7]);
    }
    return hex;
}

enum err backup_digest(struct ctx *c, const char *path, struct str *out_hex, int64_t *out_bytes)
{
    unsigned char digest[HMAC_SHA256_BYTES];
    char piece[PIECE_BYTES];
    int64_t bytes = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ctx_fail(c, errno == ENOENT ? E_NOT_FOUND : E_DENIED, "cannot read %s: %s", path,
                        strerror(errno));
    }
    struct hmac_digest *d = hmac_digest_new();
    while ((n = read(fd, piece, sizeof(piece))) > 0) {
        hmac_digest_add(d, str_make(piece, (size_t)n));
        bytes += n;
    }
    hmac_digest_end(&d, digest);
    close(fd);
    if (n < 0) {
        return ctx_fail(c, E_DENIED, "cannot read %s: %s", path, strerror(errno));
    }
    *out_hex = hex_of(c, digest);
    *out_bytes = bytes;
    return E_OK;
}

enum err backup_key_marks(struct ctx *c, const char *key_file, const struct json **out_marks)
{
    struct str text, line;
    const struct json *marks = &json_empty_array;
    TRY(file_read(c, key_file, &text));
    while (str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (line.n) {
            struct str bound = str_fmt(c->arena, "rapport back-up key mark %.*s", STR_ARG(line));
            struct str hex = hmac_sha256_hex(c->arena, bound);
            marks =
                json_push(c->arena, marks, json_new_str(c->arena, str_sub(hex, 0, MARK_DIGITS)));
        }
    }
    *out_marks = marks;
    return E_OK;
}

/* ---- the directory ------------------------------------------------------- */

static enum err read_directory(struct ctx *c, const struct store_config *config,
                               enum err (*fn)(struct ctx *own, struct ctx *c, void *arg), void *arg)
{
    struct facilities at = {.clock = c->at->clock, .log = c->at->log};
    struct ctx *own = ctx_new(&at, WORK_MAX_BYTES);
    own->actor_kind = ACTOR_SYSTEM;
    enum err e = stores_open(own, config, lifecycle_migrations(c->arena, all_services), &at.stores);
    e = e == E_OK ? fn(own, c, arg) : e;
    if (e != E_OK && c->fault.err != e) {
        c->fault = own->fault;
    }
    ctx_free(&own);
    if (at.stores) {
        stores_close(&at.stores);
    }
    return e;
}

enum err backup_with_directory(struct ctx *c, const char *store_folder, const char *scratch,
                               enum err (*fn)(struct ctx *own, struct ctx *c, void *arg), void *arg)
{
    struct store_config config = {.kind = STORE_SQLITE, .folder = scratch};
    struct id system = id_system();
    backup_remove_folder(scratch);
    TRY(backup_make_folder(c, scratch));
    enum err e = snapshot_take(c, store_folder, &system, backup_path(c, scratch, "system.db"));
    e = e == E_OK ? read_directory(c, &config, fn, arg) : e;
    backup_remove_folder(scratch);
    return e;
}

/* ---- blobs --------------------------------------------------------------- */

struct blob_pair {
    struct facilities from, to;
    const struct id *org;
    struct backup_blobs *counts;
};

static enum err copy_blob(struct blob_pair *pair, const struct blob_info *blob, struct ctx *c)
{
    struct ctx *in = ctx_new(&pair->from, 2 * (size_t)BLOB_MAX_BYTES);
    struct ctx *out = ctx_new(&pair->to, 2 * (size_t)BLOB_MAX_BYTES);
    struct blob_info there;
    struct str bytes;
    in->org = out->org = *pair->org;
    enum err e = E_OK;
    bool same =
        blob_stat(out, blob->key, &there) == E_OK && strcmp(there.sha256, blob->sha256) == 0;
    if (!same) {
        e = blob_get(in, blob->key, &bytes);
        c->fault = in->fault;
        if (e == E_OK) {
            e = blob_put(out, blob->key, bytes, NULL);
            c->fault = out->fault;
            pair->counts->count++;
            pair->counts->bytes += (int64_t)bytes.n;
        }
    }
    ctx_free(&in);
    ctx_free(&out);
    return e == E_NOT_FOUND ? E_OK : e; /* deleted while we looked: nothing refers to it */
}

static enum err copy_blobs(struct ctx *c, struct blob_pair *pair)
{
    struct str after = STR("");
    struct blob_page page = {.more = true};
    while (page.more) {
        struct ctx *own = ctx_new(&pair->from, WORK_MAX_BYTES);
        own->org = *pair->org;
        enum err e = blob_list(own, STR(""), after, &page);
        c->fault = own->fault;
        for (int i = 0; e == E_OK && i < page.count; i++) {
            e = copy_blob(pair, &page.items[i], c);
            after = str_dup(c->arena, page.items[i].key);
        }
        page.more = page.more && page.count > 0;
        ctx_free(&own);
        TRY(e);
    }
    ctx_forgive(c);
    return E_OK;
}

enum err backup_blobs_copy(struct ctx *c, const char *from, const char *to, const struct id *org,
                           struct backup_blobs *inout_counts)
{
    struct blob_config source = {BLOB_FILES, from}, target = {BLOB_FILES, to};
    struct facilities at = {.clock = c->at->clock, .log = c->at->log};
    struct blob_pair pair = {at, at, org, inout_counts};
    TRY(blobs_open(c, &source, &pair.from.blobs));
    enum err e = blobs_open(c, &target, &pair.to.blobs);
    if (e == E_OK) {
        e = copy_blobs(c, &pair);
        blobs_close(&pair.to.blobs);
    }
    blobs_close(&pair.from.blobs);
    return e;
}

/* Runs fn for every blob of an org in a folder, with a ctx that reaches it. */
static enum err each_blob(struct ctx *c, struct ctx *own,
                          enum err (*fn)(struct ctx *c, const struct blob_info *blob, void *arg),
                          void *arg)
{
    struct str after = STR("");
    struct blob_page page = {.more = true};
    while (page.more) {
        enum err e = blob_list(own, STR(""), after, &page);
        c->fault = own->fault;
        TRY(e);
        for (int i = 0; i < page.count; i++) {
            after = page.items[i].key;
            TRY(fn(c, &page.items[i], arg));
        }
        page.more = page.more && page.count > 0;
    }
    return E_OK;
}

static enum err list_blob(struct ctx *c, const struct blob_info *blob, void *arg)
{
    const struct json **list = arg;
    struct arena *a = c->arena;
    *list = json_push(a, *list,
                      json_object(a, {"key", json_new_str(a, str_dup(a, blob->key))},
                                  {"sha256", json_new_str(a, str_dup(a, str_of(blob->sha256)))}));
    return E_OK;
}

struct blob_folder {
    struct facilities at;
    struct ctx *own;
};

static enum err folder_open(struct ctx *c, const char *folder, const struct id *org,
                            struct blob_folder *out)
{
    struct blob_config config = {BLOB_FILES, folder};
    out->at = (struct facilities){.clock = c->at->clock, .log = c->at->log};
    TRY(blobs_open(c, &config, &out->at.blobs));
    out->own = ctx_new(&out->at, WORK_MAX_BYTES);
    out->own->org = *org;
    return E_OK;
}

static void folder_close(struct blob_folder *f)
{
    ctx_free(&f->own);
    blobs_close(&f->at.blobs);
}

enum err backup_blobs_list(struct ctx *c, const char *folder, const struct id *org,
                           const struct json **out_list)
{
    struct blob_folder f;
    const struct json *list = &json_empty_array;
    TRY(folder_open(c, folder, org, &f));
    enum err e = each_blob(c, f.own, list_blob, &list);
    folder_close(&f);
    if (e == E_OK) {
        *out_list = list;
    }
    return e;
}

enum err backup_blobs_check(struct ctx *c, const char *folder, const struct id *org,
                            const struct json *list)
{
    struct blob_folder f;
    enum err e = E_OK;
    TRY(folder_open(c, folder, org, &f));
    for (size_t i = 0; i < json_count(list) && e == E_OK; i++) {
        struct str key = json_str(json_at(list, i), "key", STR(""));
        struct str sum = json_str(json_at(list, i), "sha256", STR(""));
        struct blob_info there;
        if (blob_stat(f.own, key, &there) != E_OK || !str_eqz(sum, there.sha256)) {
            e = ctx_fail(c, E_INVALID, "%s lacks the file %.*s of organisation %s, or has another",
                         folder, STR_ARG(key), org->text);
        }
    }
    folder_close(&f);
    return e;
}

/* ---- what both ask ------------------------------------------------------- */

enum err backup_settings(struct ctx *c, struct invocation *in, struct settings *out)
{
    TRY(serve_settings(c, in, out));
    if (out->store_kind != STORE_SQLITE) {
        return ctx_fail(
            c, E_INVALID,
            "with PostgreSQL the database makes its own back-ups: pg_dump --format=custom, "
            "as a role with BYPASSRLS; copy blobs and master.key beside it");
    }
    return E_OK;
}

bool backup_wants(const struct invocation *in, struct str slug)
{
    bool any = false;
    for (int i = 0; i < in->option_count; i++) {
        if (strcmp(in->options[i], "org") == 0) {
            any = true;
            if (str_eqz(slug, in->option_values[i])) {
                return true;
            }
        }
    }
    return !any;
}
