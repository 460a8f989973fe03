/* What to do next about an account, by fixed rules over what is known: what is not known causes no
 * action but that of finding it out. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_ACTION_H
#define SVC_SUCCESS_SUCCESS_ACTION_H

#include "svc/success/success_figure.h"
#include "svc/success/success_plan.h"

enum { SUCCESS_ACTIONS_MAX = 10 };

/* [{text, reason, priority: high|medium|low}], the most pressing first, none twice. */
const struct json *success_actions(struct arena *a, const struct success_known *k,
                                   enum success_task task);

#endif
