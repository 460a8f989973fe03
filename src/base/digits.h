/* Numbers that belong to a person, told from other digits by their check digits, so that what
 * masks personal data leaves order numbers alone. Pure. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stddef.h>

#include "base/str.h"

/* Both: the byte behind the number that begins at `at`, 0 when none begins there. Blanks and dashes
 * between groups belong to it; a number within a longer word or number is none. */

/* A payment card: 12 to 19 digits that pass Luhn, by an issuer (ISO/IEC 7812-1). */
size_t digits_card(struct str text, size_t at);
/* An account: 15 to 34 letters and digits whose check digits hold (ISO 13616). */
size_t digits_iban(struct str text, size_t at);
/* A telephone number that shows itself by its form: "+" and 8 digits or more; a "(" or a 0 and 9
 * or more; groups of 3, 3 and 4. For masking where too much is better than too little; numbers
 * for calling are read by nlu/phone.h. */
size_t digits_phone(struct str text, size_t at);

#endif
