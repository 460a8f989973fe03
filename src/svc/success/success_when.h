/* The moment of the past that a question speaks of: "in June 2026", "on 3 June 2026", "last March".
 * Read in English; a day and a month count to their end, in UTC. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_WHEN_H
#define SVC_SUCCESS_SUCCESS_WHEN_H

#include "codec/json.h"

/* False: it speaks of none, or of one that has not ended. `quotes`: parts of the text that are
 * names (an array of texts, or NULL), whose words tell no time. A month or day without its year is
 * the last one, and counts only where the question asks how things were. */
bool success_when_of(struct arena *a, struct str text, const struct json *quotes, int64_t now_ms,
                     int64_t *out_end_ms);

#endif
