/* Numbers that do not look like numbers to who reads digits and words. Pure. */
#ifndef SVC_SUCCESS_CLAIM_DISGUISE_H
#define SVC_SUCCESS_CLAIM_DISGUISE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* One of the numbers that Unicode has besides digits (circled, raised, fractions), a letter that
 * only looks like a Latin one, or a character that nobody sees. */
bool claim_disguise_signs(struct str text);
/* "LXXIV": in capitals from two letters on, in small ones from three ("mix" is a word). */
bool claim_disguise_roman(struct arena *a, struct str text);

#endif
