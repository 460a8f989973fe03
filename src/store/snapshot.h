/* Snapshots of orgs' SQLite files: consistent copies taken from a folder that another process may
 * be writing to, each a single file that stores_replace puts back. They open nothing else of the
 * folder and migrate nothing. Task code. */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "base/ctx.h"

/* `folder` is a store's (struct store_config), `path` a new file (E_CONFLICT), mode 0600. The copy
 * is checked page by page before it counts; nothing is left of one that failed. E_NOT_FOUND when
 * the folder has no such org, E_INTERNAL when its file is damaged, E_FULL. */
enum err snapshot_take(struct ctx *c, const char *folder, const struct id *org, const char *path);

#endif
