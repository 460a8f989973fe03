/* What a service works out once for the whole process and never changes: a classifier taught with
 * examples of its own, a table that is costly to build. Made when somebody first asks, kept until
 * the process ends, used by any number of threads. Any thread. */
#ifndef HOST_MADE_H
#define HOST_MADE_H

#include <stdint.h>

enum { MADE_MAX = 32 };

/* A const row of the service; its address is the key. `make` never fails and asks nobody. */
struct made_kind {
    void *(*make)(void);
    void (*unmake)(void *thing);
};

struct made;

struct made *made_new(void);
/* Nobody may use any of the things any more. */
void made_free(struct made **m);
/* Others who ask for the same wait until it is there. */
const void *made_of(struct made *m, const struct made_kind *kind);

#endif
