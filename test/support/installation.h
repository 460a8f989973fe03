/* A whole installation in a temporary folder, in process and without threads of its own work: what
 * the server would call is called by the test. The clock stands at 2026-11-18T12:00:00Z. */
#ifndef SUPPORT_INSTALLATION_H
#define SUPPORT_INSTALLATION_H

#include "host/lifecycle.h"

struct installation {
    struct lifecycle *life;
    struct clock *clock;
    char folder[128]; /* in TMPDIR */
};

#define INSTALLATION_NOW_MS 1795003200000

struct installation_setup {
    const struct service *const *services;
    const char *postgres_url;         /* NULL: SQLite */
    const struct installation *model; /* stopped: begins as a copy of its folder; NULL: empty */
    const struct mishap *mishap;      /* NULL: nothing fails */
};

/* No limits on requests, only errors are logged. False, after a line on standard output that tells
 * why. */
bool installation_open(struct installation *w, const struct installation_setup *setup);
/* Ends the process's part; what it has stored stays. */
void installation_stop(struct installation *w);
/* And removes the folder. Also of one that did not open, or was stopped. */
void installation_close(struct installation *w);

#endif
