/* What `rapport backup` writes and `rapport restore` reads: a folder with
 *   backup.json           what is in it, written last: without it a back-up is not whole
 *   directory/<id>.json   an org's rows of the system store, and its blobs with their SHA-256
 *   rapport.yaml          the settings, when there are any and all orgs are in it
 *   store/, blobs/        as in the data folder; store/system.db only when all orgs are in it
 *   master.key            only when asked for
 * Both work on the SQLite files of a data folder. Task code. */
#ifndef MAIN_BACKUP_H
#define MAIN_BACKUP_H

#include "host/org.h"
#include "main/command.h"

struct settings;

enum { BACKUP_FORMAT = 1, BACKUP_ORGS_MAX = 10000 };

const char *backup_path(struct ctx *c, const char *folder, const char *name);
enum err backup_make_folder(struct ctx *c, const char *path);
/* A folder and what is in it; a missing one is no error. */
void backup_remove_folder(const char *path);
/* SHA-256 in hex and size of a file of any length. */
enum err backup_digest(struct ctx *c, const char *path, struct str *out_hex, int64_t *out_bytes);
/* Marks of the keys in a master key file: equal for equal keys, and they give nothing away. */
enum err backup_key_marks(struct ctx *c, const char *key_file, const struct json **out_marks);

/* The directory of orgs of a store's folder, read from a copy made in `scratch` (removed again), so
 * that the folder itself is not migrated. fn gets a ctx whose system store is that copy; what it
 * allocates there is gone afterwards, so what it keeps goes into c's arena. */
enum err backup_with_directory(struct ctx *c, const char *store_folder, const char *scratch,
                               enum err (*fn)(struct ctx *own, struct ctx *c, void *arg),
                               void *arg);

/* Copies the blobs of an org that `to` lacks or has otherwise; folders of the files driver. */
struct backup_blobs {
    int64_t count, bytes;
};
enum err backup_blobs_copy(struct ctx *c, const char *from, const char *to, const struct id *org,
                           struct backup_blobs *inout_counts);

/* The blobs of an org that a folder holds, as [{"key", "sha256"}], and whether a folder holds those
 * of such a list (E_INVALID names the first it does not). */
enum err backup_blobs_list(struct ctx *c, const char *folder, const struct id *org,
                           const struct json **out_list);
enum err backup_blobs_check(struct ctx *c, const char *folder, const struct id *org,
                            const struct json *list);

/* Only one data folder on SQLite can be copied file by file. */
enum err backup_settings(struct ctx *c, struct invocation *in, struct settings *out);

/* Is the org wanted by the --org options? Without any, all are. */
bool backup_wants(const struct invocation *in, struct str slug);

extern const struct command backup_commands[];
extern const struct command restore_commands[];

#endif
