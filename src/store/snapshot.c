#include "store/snapshot.h"

#include <stdlib.h>

#include "store/place.h"
#include "store/sqlite.h"

enum err snapshot_take(struct ctx *c, const char *folder, const struct id *org, const char *path)
{
    struct place *place;
    TRY(place_open(c, folder, &place));
    char *from = place_has(place, org) ? place_path(place, org) : NULL;
    enum err e = from ? sqlite_copy(c, from, path)
                      : ctx_fail(c, E_NOT_FOUND, "%s holds no organisation %s", folder, org->text);
    free(from);
    place_close(&place);
    return e;
}
