/* What a question to the success copilot is about, before anything is planned: one account, the
 * accounts of the org together, the copilot itself, or something that is not its job. Rules for
 * what is certain (orders to the program, attacks, secrets, what only a portfolio answers), a
 * classifier taught with scope_examples.c for the rest. A refusal costs no model call. Words
 * of an account's name say nothing about the question and are not looked at. */
#ifndef SVC_SUCCESS_SCOPE_H
#define SVC_SUCCESS_SCOPE_H

#include "base/arena.h"
#include "base/ctx.h"
#include "base/str.h"
#include "nlu/classify.h"

enum scope_kind {
    SCOPE_ACCOUNT,   /* about one account, named or not */
    SCOPE_PORTFOLIO, /* about several: ranking, comparing, counting, listing */
    SCOPE_HELP,      /* a greeting, or what the copilot can do */
    SCOPE_OUT        /* refuse, in a friendly way and without a model */
};

struct scope_verdict {
    enum scope_kind kind;
    const char *reason; /* "not_the_job", "orders_to_the_program", "attack", "secrets", "harm",
                           "personal_data", "empty"; "" where kind is not SCOPE_OUT */
};

/* The accounts that the question names, as they are written in it (account.match, `quote`): their
 * words are taken out. */
struct scope_question {
    struct str text;
    const struct str *names;
    size_t name_count;
    bool selected; /* an account is chosen beside the question, and the text names none */
};

/* Pure. `k`: of scope_teach. */
struct scope_verdict scope_of(const struct classifier *k, struct arena *a,
                              const struct scope_question *question);
/* The classifier, from the examples of scope_examples.c; always the same. Some 30 ms. */
struct classifier *scope_teach(void);
/* Task code: the same with the process's own classifier, taught when first asked. */
struct scope_verdict scope_check(struct ctx *c, const struct scope_question *question);

/* Whether it asks after somebody and after nothing else, as one asks after a customer: "How is Acme
 * doing?", "What's new at Acme?". names[0] is who; it need not be an account's. Pure. */
bool scope_asks_after(struct arena *a, const struct scope_question *question);

/* One row of what it is taught with. "Acme" stands for an account. */
struct scope_example {
    enum scope_kind kind;
    const char *text;
};
/* NULL past the last. */
const struct scope_example *scope_example_at(size_t index);
const char *scope_kind_name(enum scope_kind kind);

#endif
