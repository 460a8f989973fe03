/* Whether an answer of the success copilot is right: judged against the account's facts as the
 * service that keeps them tells them, not against what the copilot says it read. Every check can
 * fail; an apology or a refusal fails a task that should have been done. Pure. */
#ifndef SVC_SUCCESS_EVAL_CHECK_H
#define SVC_SUCCESS_EVAL_CHECK_H

#include "codec/json.h"

enum { EVAL_CHECK_MS_DEFAULT = 30000 };

/* What is asked of an account. `prompt` holds %s once, where its name goes. */
struct eval_task {
    const char *name;   /* "renewal" */
    const char *title;  /* for people */
    const char *prompt; /* "Prepare a renewal brief for %s" */
    bool refused;       /* it is no job of the copilot's: the right answer is a refusal */
    bool table;         /* over all accounts: the account's name is not used */
    unsigned parts;     /* what the answer must have */
};
enum eval_part {
    EVAL_HEALTH = 1,
    EVAL_ACTIONS = 2,
    EVAL_EMAIL = 4,
    EVAL_QBR = 8,
    EVAL_CONTRACT = 16,
    EVAL_USAGE = 32,
    EVAL_TICKETS = 64
};
const struct eval_task *eval_task_at(int index); /* NULL past the last */
const struct eval_task *eval_task_find(struct str name);

/* The truth at the time of asking: account.facts and account.health. NULL for tasks over all
 * accounts. */
struct eval_truth {
    const struct json *facts, *health;
    int64_t renewal_days; /* negative: not known */
    int64_t now_ms;
    struct str currency; /* of the account, else of its organisation */
    const char *name;    /* of the account */
    struct str question;
    int64_t took_ms, limit_ms; /* of the whole ask */
};

/* [{check, ok, detail?}]; `final` is what an ask ends with (NULL: it ended with nothing). */
const struct json *eval_check(struct arena *a, const struct eval_task *task,
                              const struct json *final, const struct eval_truth *truth);
/* All of them hold. */
bool eval_check_passed(const struct json *checks);

#endif
