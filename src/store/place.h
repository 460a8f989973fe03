/* Private to store/: where the files of the SQLite driver lie: <folder>/system.db for
 * id_system() and <folder>/org/<id>.db. Knows names, permissions and times of files, nothing of
 * what is in them. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "base/ctx.h"

struct place;

enum { PLACE_ORGS_MAX = 1 << 20, PLACE_NEWS_EVERY_MS = 1000 };

/* Makes the folders, mode 0700. E_UNAVAILABLE, E_FULL. */
enum err place_open(struct ctx *c, const char *folder, struct place **out_place);
void place_close(struct place **p);

/* The caller frees it; NULL when the id is none. Any thread, like the next seven. */
char *place_path(const struct place *p, const struct id *org);
bool place_has(const struct place *p, const struct id *org);
/* Makes an empty file, mode 0600, whose name survives a power cut. */
enum err place_make(struct ctx *c, const struct place *p, const struct id *org);
enum err place_remove(struct ctx *c, const struct place *p, const struct id *org);
enum err place_list(struct ctx *c, const struct place *p, const struct id **out_orgs,
                    int *out_count);
/* A name beside the org's file, on the same disk, and putting that file in its place. E_CONFLICT
 * while another process has the org's file open. */
char *place_beside(const struct place *p, const struct id *org);
enum err place_swap(struct ctx *c, const struct place *p, const struct id *org);
enum err place_make_file(struct ctx *c, const char *path, bool must_be_new);
void place_remove_file(const char *path);

/* Calls fn for each org whose files changed (or appeared) since the last call; looks at most
 * once per PLACE_NEWS_EVERY_MS. One thread. */
void place_news(struct place *p, void (*fn)(void *arg, const struct id *org), void *arg);

#endif
