/* Versions of agents ready to run: parsed, their classifiers trained, shared by all tasks of the
 * process and dropped when unused. The registry fills it. Task code. */
#ifndef AGENT_AGENTS_H
#define AGENT_AGENTS_H

#include "agent/config.h"
#include "base/ctx.h"
#include "nlu/classify.h"

enum { AGENTS_KEPT_MAX = 256 };

/* Immutable. */
struct agent {
    struct id id;
    int64_t version;
    const struct config *config;
    const struct classifier *classifier; /* NULL: fewer than two intents */
};

struct agents *agents_new(void);
void agents_free(struct agents **a);
/* Forgets what is kept of an org (erased, restored). */
void agents_forget(struct agents *a, const struct id *org);

/* A version of the org of `c`, held until c's arena ends; NULL: it is not here. */
const struct agent *agents_take(struct ctx *c, const struct id *agent, int64_t version);
/* Puts one here and holds it as well; what it is made of becomes the table's. */
const struct agent *agents_keep(struct ctx *c, const struct id *agent, int64_t version,
                                struct config *config, struct classifier *classifier);

/* Whether two configurations teach the same. Pure. */
bool agents_teach_alike(const struct config *a, const struct config *b);
/* The classifier of the configuration's intents; NULL with fewer than two. E_INVALID. */
enum err agents_train(struct ctx *c, const struct config *cfg, struct classifier **out);

#endif
