/* Reading the files that people write, with faults that name file and line. Task code. */
#ifndef MAIN_FILE_H
#define MAIN_FILE_H

#include <stdbool.h>

#include "base/ctx.h"
#include "codec/json.h"

enum { FILE_MAX_BYTES = 8 << 20, FILES_MAX = 2000 };

struct file_names {
    int count;
    const char **items; /* file names without the folder, sorted */
};

/* Entries of a folder that end with `suffix` ("" all); a missing folder has none. Hidden ones are
 * left out. */
enum err file_list(struct ctx *c, const char *folder, const char *suffix, struct file_names *out);
/* E_NOT_FOUND, E_DENIED, E_TOO_LARGE. */
enum err file_read(struct ctx *c, const char *path, struct str *out_bytes);
/* E_INVALID names path, line and column. */
enum err file_json(struct ctx *c, const char *path, const struct json **out);
enum err file_yaml(struct ctx *c, const char *path, const struct json **out);

/* Replaces the file at once; mode 0600 when `secret`. E_DENIED, E_FULL. */
enum err file_write(struct ctx *c, const char *path, struct str bytes, bool secret);
bool file_is_folder(const char *path);

/* Puts the path, and the line where element `index` of the file's array begins (-1: the file has
 * only one), before the text of the fault in c; a full disk and the like stay as they are. */
enum err file_fault(struct ctx *c, const char *path, int index);

#endif
