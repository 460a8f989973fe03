/* The demo workspace: loads every org folder under a samples folder into an empty installation,
 * exactly as samples/README.md describes the files. Task code of the program itself (system actor).
 *
 * Loading again what was loaded half changes nothing twice, so an interrupted first start is
 * finished by the next. */
#ifndef MAIN_DEMO_H
#define MAIN_DEMO_H

#include "base/ctx.h"
#include "codec/json.h"
#include "store/store.h"

/* E_INVALID names file and line; what the store gives. */
enum err demo_import(struct ctx *c, const char *samples);

/* One org being loaded; what the parts of the loader share. */
struct demo_load {
    const char *folder;     /* of the org */
    const struct json *org; /* org.yaml */
    struct store *store;
    int64_t delta_ms;
};
const char *demo_path(struct ctx *c, const struct demo_load *load, const char *name,
                      const char *file); /* folder/name/file */

/* demo_records.c */
enum err demo_records_load(struct ctx *c, const struct demo_load *load);
/* demo_talks.c: help centre and past conversations */
enum err demo_talks_load(struct ctx *c, const struct demo_load *load);

#endif
