/* The indexes in memory, one per org and namespace, each brought up to the store's version before
 * it answers. Private to search. */
#ifndef FIND_SHELF_H
#define FIND_SHELF_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/holder.h"
#include "find/index.h"
#include "find/search.h"

struct shelf_passages;

struct shelf {
    struct holding holding;
    struct index *index;
    pthread_rwlock_t lock;           /* readers search; who brings it up to date writes */
    struct shelf_passages *passages; /* shelf_passage.h */
    int64_t version;                 /* of the newest change in it */
    atomic_size_t bytes;
};

/* The shelf of c's org and the namespace, up to date and locked for reading. Give it back. */
enum err shelf_open(struct ctx *c, struct store *s, struct str namespace, struct shelf **out);
void shelf_close(struct shelf *shelf);

const struct embedder *shelf_embedder(const struct search *s);

#endif
