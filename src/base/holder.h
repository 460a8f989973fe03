/* Large things that many tasks read and that are costly to make: kept under a key while there is
 * room, held by whoever uses one, freed by the last user once it was dropped. Any thread. */
#ifndef BASE_HOLDER_H
#define BASE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct holder;

/* First member of what is held; the holder's own. */
struct holding {
    struct holder *owner;
    int64_t last_used_ms;
    int users;
    bool dropped;
};

struct holder_options {
    size_t most; /* things */
    void (*free_thing)(struct holding *thing);
    size_t (*bytes)(const struct holding *thing); /* past bytes_max there is no room; NULL: none */
    size_t bytes_max;
};

struct holder *holder_new(const struct holder_options *options);
/* Nobody may hold anything any more. */
void holder_free(struct holder **h);

/* What is kept under the key, held; NULL: nothing. */
struct holding *holder_take(struct holder *h, struct str key);
/* Keeps and holds `fresh`, which makes room: those nobody holds go, the one unused for longest
 * first. Was another task faster, its thing is held and `fresh` freed. */
struct holding *holder_keep(struct holder *h, struct str key, struct holding *fresh);
/* Ends one hold; for arena_defer too. */
void holder_give_back(void *thing);
/* Drops all whose key begins with the prefix; tasks that hold one go on with it. */
void holder_forget(struct holder *h, struct str prefix);

#endif
