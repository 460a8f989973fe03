#include "store/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mishap.h"
#include "codec/hmac.h"
#include "store/blob_driver.h"

enum { SEGMENTS_MAX = 16, SEGMENT_MAX_BYTES = 200 };

static const struct blob_driver *const drivers[] = {[BLOB_FILES] = &blob_files_driver};

enum err blobs_open(struct ctx *c, const struct blob_config *config, struct blobs **out_blobs)
{
    struct blobs *b = mem_new(sizeof(*b));
    b->driver = drivers[config->kind];
    enum err e = b->driver->open(c, config, &b->state);
    if (e != E_OK) {
        free(b);
        return e;
    }
    *out_blobs = b;
    return E_OK;
}

void blobs_close(struct blobs **b)
{
    if (*b) {
        (*b)->driver->close((*b)->state);
        free(*b);
        *b = NULL;
    }
}

static bool is_segment(struct str s)
{
    if (s.n == 0 || s.n > SEGMENT_MAX_BYTES || str_eqz(s, ".") || str_eqz(s, "..")) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        bool fine = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '.' || ch == '_' || ch == '-';
        if (!fine) {
            return false;
        }
    }
    return true;
}

static enum err check_org(struct ctx *c)
{
    struct id parsed;
    return id_parse(id_str(&c->org), &parsed)
               ? E_OK
               : ctx_fail(c, E_INTERNAL, "no org is set for this task");
}

static enum err check(struct ctx *c, struct str key)
{
    struct str rest = key, segment;
    int segments = 0;
    bool fine = key.n > 0 && key.n <= BLOB_KEY_MAX_BYTES && key.p[key.n - 1] != '/';
    TRY(check_org(c));
    while (fine && str_split(&rest, '/', &segment)) {
        fine = is_segment(segment) && ++segments <= SEGMENTS_MAX;
    }
    if (!fine) {
        return ctx_fail_field(c, E_INVALID, "key",
                              "a blob's key is 1 to %d segments of letters, digits, '.', '_' and"
                              " '-', separated by '/'",
                              SEGMENTS_MAX);
    }
    return E_OK;
}

static void hash_into(struct ctx *c, struct str bytes, char out_hex[65])
{
    struct str hex = hmac_sha256_hex(c->arena, bytes);
    snprintf(out_hex, 65, "%.*s", STR_ARG(hex));
}

enum err blobs_erase(struct ctx *c, const struct id *org)
{
    struct id parsed;
    if (!id_parse(id_str(org), &parsed)) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    return c->at->blobs->driver->erase(c, c->at->blobs->state, &parsed);
}

enum err blob_put(struct ctx *c, struct str key, struct str bytes, struct blob_info *out_info)
{
    struct blob_info info = {.key = key};
    TRY(check(c, key));
    if (bytes.n > BLOB_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a blob is at most %d MiB", BLOB_MAX_BYTES >> 20);
    }
    info.key = str_dup(c->arena, key);
    info.size_bytes = (int64_t)bytes.n;
    hash_into(c, bytes, info.sha256);
    TRY(mishap_at(c, MISHAP_BLOB));
    TRY(c->at->blobs->driver->put(c, c->at->blobs->state, bytes, &info));
    TRY(mishap_at(c, MISHAP_BLOB_LOST));
    if (out_info) {
        *out_info = info;
    }
    return E_OK;
}

enum err blob_get(struct ctx *c, struct str key, struct str *out_bytes)
{
    struct blob_info info = {.key = key};
    struct str bytes;
    char sha256[65];
    TRY(check(c, key));
    TRY(mishap_at(c, MISHAP_BLOB));
    TRY(c->at->blobs->driver->get(c, c->at->blobs->state, &info, &bytes));
    hash_into(c, bytes, sha256);
    if ((int64_t)bytes.n != info.size_bytes || strcmp(sha256, info.sha256) != 0) {
        return ctx_fail(c, E_INTERNAL, "the blob %.*s is damaged", STR_ARG(key));
    }
    *out_bytes = bytes;
    return E_OK;
}

enum err blob_stat(struct ctx *c, struct str key, struct blob_info *out_info)
{
    struct blob_info info = {.key = key};
    TRY(check(c, key));
    TRY(c->at->blobs->driver->stat(c, c->at->blobs->state, &info));
    info.key = str_dup(c->arena, key);
    *out_info = info;
    return E_OK;
}

enum err blob_delete(struct ctx *c, struct str key)
{
    TRY(check(c, key));
    TRY(mishap_at(c, MISHAP_BLOB));
    TRY(c->at->blobs->driver->remove(c, c->at->blobs->state, key));
    return mishap_at(c, MISHAP_BLOB_LOST);
}

static enum err put_adopted(struct ctx *c, struct str key, struct str bytes)
{
    return blob_put(c, key, bytes, NULL);
}

enum err blob_adopt(struct ctx *c, const struct blob_wish *wish, int *out_count)
{
    struct blob_adoption how = {wish, is_segment, put_adopted, 0};
    TRY(check(c, wish->folder));
    TRY(c->at->blobs->driver->adopt(c, c->at->blobs->state, &how));
    *out_count = how.count;
    return E_OK;
}

/* A prefix need not end at a segment: "doc" lists documents/... too. */
enum err blob_list(struct ctx *c, struct str prefix, struct str after, struct blob_page *out_page)
{
    TRY(check_org(c));
    if (prefix.n > BLOB_KEY_MAX_BYTES || after.n > BLOB_KEY_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "prefix", "a prefix is at most %d bytes",
                              BLOB_KEY_MAX_BYTES);
    }
    return c->at->blobs->driver->list(c, c->at->blobs->state, prefix, after, out_page);
}
