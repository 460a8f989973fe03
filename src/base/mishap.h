/* The seam of the torture tests. Every call to the outside (SQL, blobs, HTTP, models) asks, before
 * it begins and after it has ended, whether it is to fail. A served process has nobody to ask: then
 * it is one look at a pointer. Any thread. */
#ifndef BASE_MISHAP_H
#define BASE_MISHAP_H

#include "base/ctx.h"

/* _LOST: the call was done, and its answer is lost on the way. */
enum mishap_place {
    MISHAP_SQL, /* a statement, or opening a store */
    MISHAP_SQL_LOST,
    MISHAP_BEGIN,
    MISHAP_COMMIT,
    MISHAP_COMMIT_LOST,
    MISHAP_BLOB,
    MISHAP_BLOB_LOST,
    MISHAP_HTTP,
    MISHAP_HTTP_LOST,
    MISHAP_MODEL,
    MISHAP_PLACES
};

/* What becomes of a step that is known by its name, such as one of several tools. */
enum mishap_fate {
    MISHAP_NONE,
    MISHAP_FAILS,  /* at once, with a defect of ours */
    MISHAP_LATE,   /* at once, as if its time were up */
    MISHAP_STALLS, /* it takes all its time */
    MISHAP_GARBLES /* it answers something that makes no sense */
};

struct mishap {
    bool (*strikes)(void *arg, enum mishap_place place);
    void *arg;
    void (*hears)(void *arg, const char *statement); /* which one `strikes` is asked of next; NULL:
                                                        it need not know */
    enum mishap_fate (*befalls)(void *arg, const char *step); /* NULL: nothing happens to steps */
};

/* E_OK, or E_UNAVAILABLE where a test wants it. */
static inline enum err mishap_at(struct ctx *c, enum mishap_place place)
{
    const struct mishap *m = c->at->mishap;
    return m && m->strikes && m->strikes(m->arg, place)
               ? ctx_fail(c, E_UNAVAILABLE, "a test made this call fail")
               : E_OK;
}

/* The same, of a statement. */
static inline enum err mishap_at_statement(struct ctx *c, enum mishap_place place,
                                           const char *statement)
{
    const struct mishap *m = c->at->mishap;
    if (m && m->hears) {
        m->hears(m->arg, statement);
    }
    return mishap_at(c, place);
}

static inline enum mishap_fate mishap_of(const struct ctx *c, const char *step)
{
    const struct mishap *m = c->at->mishap;
    return m && m->befalls ? m->befalls(m->arg, step) : MISHAP_NONE;
}

#endif
