/* The work of an evaluation (eval_session.h): a durable job. What a process that ended had done is
 * not done again; an account that is removed meanwhile is left out, and nothing of it is kept. */
#ifndef SVC_SUCCESS_EVAL_RUN_H
#define SVC_SUCCESS_EVAL_RUN_H

#include "bus/job.h"

enum { EVAL_RUN_TRIES = 5 };

/* The job "eval_session"; its key is the session's id. Task code. */
enum err eval_run_work(struct ctx *c, struct job *job);

#endif
