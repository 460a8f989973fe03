/* Numbers in running text, as people write them: what checks an answer against its sources reads
 * both with this, so that "250,000", "250.000" and 250000 meet. ASCII digits; pure. */
#ifndef CODEC_NUMERAL_H
#define CODEC_NUMERAL_H

#include <stdbool.h>

#include "base/str.h"

enum { NUMERAL_DIGITS_MAX = 63, NUMERAL_WORD_MAX_BYTES = 64 };

/* No locale is asked: sources are long, and every byte of them is looked at. */
static inline bool numeral_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* A comma, point, apostrophe or no-break blank before exactly three digits groups them; a comma or
 * point before other digits is the decimal one, and what follows it is no group any more. */
struct numeral {
    size_t start, end; /* bytes in the text */
    double value;
    char digits[NUMERAL_DIGITS_MAX + 1]; /* without separators and decimal point */
    size_t digit_count;
};
/* Walks: start with *cursor = 0; false at the end. A number of more digits comes in parts. */
bool numeral_next(struct str text, size_t *cursor, struct numeral *out);

/* Walks words that hold a digit, whatever else they are made of: "BW-10421" is bw10421, "18:00pm"
 * 1800pm, "€1,234.50" 123450. Small letters, no joints, cut at NUMERAL_WORD_MAX_BYTES. */
bool numeral_next_word(struct str text, size_t *cursor, char out[NUMERAL_WORD_MAX_BYTES],
                       size_t *out_n);
/* The next digit at `at` or later; the text's length when there is none. */
size_t numeral_next_digit(struct str text, size_t at);

#endif
