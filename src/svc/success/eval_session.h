/* Evaluations of the success copilot: some accounts times some tasks, each asked as a member would
 * ask (eval_run.h), judged by eval_check.h and kept. Task code; the org of `c`. */
#ifndef SVC_SUCCESS_EVAL_SESSION_H
#define SVC_SUCCESS_EVAL_SESSION_H

#include "host/service.h"

enum { EVAL_ACCOUNTS_MAX = 100, EVAL_RESULTS_MAX = 1000, EVAL_SESSIONS_MAX = 200 };
enum { EVAL_SESSIONS_WHOLE = 20 }; /* the newest: of older ones the answers are dropped */

extern const struct field_table eval_session_table;
struct eval_session_input {
    const struct json *accounts, *tasks;
    struct str falsify;
};

enum err eval_session_tasks(struct ctx *c, struct call *call);
enum err eval_session_post(struct ctx *c, struct call *call);
enum err eval_session_list(struct ctx *c, struct call *call);
enum err eval_session_get(struct ctx *c, struct call *call);
enum err eval_session_stop(struct ctx *c, struct call *call);
enum err eval_session_delete(struct ctx *c, struct call *call);
enum err eval_session_export(struct ctx *c, struct call *call);

/* Nothing of an account stays in them: its results, rows that name it, its name in plans, where
 * null keeps its place. In the transaction that removes it; a session under way goes on without it.
 */
enum err eval_session_forget(struct ctx *c, struct store *s, struct str account);

/* Drops the answers, and not the verdicts, of sessions beyond the newest EVAL_SESSIONS_WHOLE; some
 * at a time. */
enum err eval_session_trim(struct ctx *c, struct store *s);

#endif
