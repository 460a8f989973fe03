/* How positive or negative single words and signs are, in tenths from -40 to 40. English. Pure. */
#ifndef NLU_VALENCE_H
#define NLU_VALENCE_H

#include "base/str.h"

/* Lower case, no apostrophe; 0: neutral or unknown. */
int valence_of_word(struct str word);
/* One code point as UTF-8. */
int valence_of_sign(struct str sign);

#endif
