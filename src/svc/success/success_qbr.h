/* The outline of a quarterly business review: three to five sections, in a fixed order. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_QBR_H
#define SVC_SUCCESS_SUCCESS_QBR_H

#include "svc/success/success_facts.h"
#include "svc/success/wording.h"

/* [{title, bullets[]}]: adoption overview; with a rising trend the value gained, with a falling one
 * a plan of recovery; support summary; roadmap alignment; with open tickets those and when they are
 * solved. What is not known is said to be missing. */
const struct json *success_qbr_sections(struct arena *a, const struct success_facts *f,
                                        enum wording_language language);

#endif
