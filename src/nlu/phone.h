/* Telephone numbers by their form, in the ways people of many countries write them. Pure. */
#ifndef NLU_PHONE_H
#define NLU_PHONE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { PHONE_DIGITS_MAX = 15, PHONE_TEXT_MAX_BYTES = PHONE_DIGITS_MAX + 2 };

struct phone {
    size_t start, end;                   /* bytes of the text, an extension ("x459") included */
    char text[PHONE_TEXT_MAX_BYTES + 1]; /* "+" and digits, or digits */
    double confidence;                   /* 1: international form; .5 and less: digits in a row */
};

/* The number that begins at `at` (a digit, "+" or "("). expected: the text around says that a
 * number comes, so loose forms (7 digits in a row) count too. False for dates, prices, times and
 * parts of longer ids. */
bool phone_at(struct str text, size_t at, bool expected, struct phone *out_phone);

/* Whether words say that the number at `at` is one to call: before it phone, call, mobile, reach me
 * at; behind it office, mobile, fax. */
bool phone_is_announced(struct str text, size_t at);

#endif
