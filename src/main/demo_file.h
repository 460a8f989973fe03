/* Reading the files of a demo workspace, with faults that name file and line. Task code. */
#ifndef MAIN_DEMO_FILE_H
#define MAIN_DEMO_FILE_H

#include "base/ctx.h"
#include "codec/json.h"

enum { DEMO_FILE_MAX_BYTES = 8 << 20, DEMO_FILES_MAX = 2000 };

struct demo_names {
    int count;
    const char **items; /* file names without the folder, sorted */
};

/* Entries of a folder that end with `suffix` ("" all); a missing folder has none. Hidden ones are
 * left out. */
enum err demo_file_list(struct ctx *c, const char *folder, const char *suffix,
                        struct demo_names *out);
/* E_NOT_FOUND, E_DENIED, E_TOO_LARGE. */
enum err demo_file_read(struct ctx *c, const char *path, struct str *out_bytes);
/* E_INVALID names path, line and column. */
enum err demo_file_json(struct ctx *c, const char *path, const struct json **out);
enum err demo_file_yaml(struct ctx *c, const char *path, const struct json **out);

/* Puts the path, and the line where element `index` of the file's array begins (-1: the file has
 * only one), before the text of the fault in c. */
enum err demo_file_fault(struct ctx *c, const char *path, int index);

#endif
