/* Blobs: named bytes of an org (documents, images, recordings) outside the SQL store. Task code.
 *
 * Every call works on c->org (id_system() for the installation's own) and on c->at->blobs;
 * another org's key cannot be named. Keys are 1 to BLOB_KEY_MAX_BYTES bytes: at most 16 segments
 * of 1 to 200 [A-Za-z0-9._-] separated by '/', none of them "." or "..", such as
 * "documents/0190.../source.pdf"; anything else is E_INVALID. A put replaces the whole blob at
 * once and returns when it is on disk; a reader sees the old or the new bytes, never a mix.
 *
 * Drivers: files (one file per blob under <folder>/<org>/). */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"

enum {
    BLOB_MAX_BYTES = 64 << 20,
    BLOB_KEY_MAX_BYTES = 512,
    BLOB_PAGE_MAX = 1000,
    BLOB_ADOPT_MAX = 50
};

enum blob_kind { BLOB_FILES };

struct blob_config {
    enum blob_kind kind;
    const char *folder; /* files: created when missing, mode 0700 */
};

struct blob_info {
    struct str key; /* in c's arena */
    int64_t size_bytes;
    int64_t changed_ms; /* by the driver's own clock, not ctx's */
    char sha256[65];    /* hex of the content */
};

struct blob_page {
    int count;
    const struct blob_info *items; /* ordered by key, bytewise */
    bool more;
};

/* `c` carries the log only. E_UNAVAILABLE when the place cannot be used. */
enum err blobs_open(struct ctx *c, const struct blob_config *config, struct blobs **out_blobs);
void blobs_close(struct blobs **b);
/* Removes every blob of the org. */
enum err blobs_erase(struct ctx *c, const struct id *org);

/* E_TOO_LARGE past BLOB_MAX_BYTES, E_FULL on a full disk. out_info may be NULL. */
enum err blob_put(struct ctx *c, struct str key, struct str bytes, struct blob_info *out_info);
/* The bytes in c's arena, checked against their SHA-256. E_NOT_FOUND; E_INTERNAL when damaged. */
enum err blob_get(struct ctx *c, struct str key, struct str *out_bytes);
enum err blob_stat(struct ctx *c, struct str key, struct blob_info *out_info);
/* A missing blob is no error. */
enum err blob_delete(struct ctx *c, struct str key);
/* Makes blobs of files that somebody laid into a folder of keys by other means than ours ("inbox":
 * with the files driver a plain file <folder>/<org>/inbox/a.json becomes the blob "inbox/a.json").
 * Only names that end with `suffix` and are a segment of a key. A file that was changed within the
 * last two seconds may yet be written: it is left for the next time. One that is longer than
 * max_bytes is left and told (too_long may be NULL), one that is no regular file is left. At most
 * BLOB_ADOPT_MAX at a time. */
struct blob_wish {
    struct str folder, suffix;
    size_t max_bytes;
    enum err (*too_long)(struct ctx *c, void *arg, struct str key, int64_t size_bytes);
    void *arg; /* of too_long */
};
enum err blob_adopt(struct ctx *c, const struct blob_wish *wish, int *out_count);
/* Keys that start with `prefix` and come after `after` (empty: from the start), at most
 * BLOB_PAGE_MAX. */
enum err blob_list(struct ctx *c, struct str prefix, struct str after, struct blob_page *out_page);

#endif
