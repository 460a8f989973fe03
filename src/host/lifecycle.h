/* Bringing a process up and down: facilities in the order of their rows, then the services' tables
 * are checked, then it serves. What fails ends start-up with one clear line. Called by main and by
 * tests. */
#ifndef HOST_LIFECYCLE_H
#define HOST_LIFECYCLE_H

#include "host/host.h"

struct lifecycle_config {
    const struct service *const *services; /* ends with NULL */
    const char *only;                      /* names, comma separated: a subset; NULL: all */
    struct settings settings;
    int log_fd;
    struct clock *clock;         /* NULL: a real one of its own */
    const struct mishap *mishap; /* tests only; else NULL */
};

/* A process with everything but the server; `at` is complete. */
struct lifecycle {
    struct facilities at;
    struct host host;
    struct settings settings;
    struct arena *arena; /* of settings and tables */
    struct server *server;
    const struct service **services;
    const struct migration *migrations;
    int lock_fd; /* holds the data folder */
    bool own_clock;
    bool bus_started;
};

/* The schema of all rows and services, in `a`, ended by owner NULL. */
const struct migration *lifecycle_migrations(struct arena *a,
                                             const struct service *const *services);

/* Opens store, cache, vault, models, search, bus; checks all tables. `c` is a scratch ctx whose
 * fault tells what went wrong. E_INVALID (settings, tables), E_CONFLICT (the data is of a newer
 * version, or in use), E_DENIED, E_FULL, E_UNAVAILABLE. */
enum err lifecycle_open(struct ctx *c, const struct lifecycle_config *config,
                        struct lifecycle **out);
/* Starts workers' work: bus, jobs, server. */
enum err lifecycle_serve(struct ctx *c, struct lifecycle *l);
/* Server stops listening, running work ends up to drain_ms, everything is closed. */
void lifecycle_close(struct lifecycle **l, int64_t drain_ms);

/* A ctx of the program itself, for the command line: system actor, no org. */
struct ctx *lifecycle_ctx(struct lifecycle *l);

#endif
