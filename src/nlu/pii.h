/* Personal data in text: where it is, and the text without it. By form and checksum, so that order
 * numbers and prices stay: cards pass Luhn (ISO/IEC 7812), IBANs their check digits (ISO 13616).
 * Pure. */
#ifndef NLU_PII_H
#define NLU_PII_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum pii_kind {
    PII_EMAIL = 1 << 0,
    PII_PHONE = 1 << 1,
    PII_CARD = 1 << 2,
    PII_IBAN = 1 << 3,
    PII_IP = 1 << 4,
    PII_NATIONAL_ID = 1 << 5, /* US social security number, 123-45-6789 */
    PII_SECRET = 1 << 6,      /* bearer tokens, API keys, passwords behind "password:" */
    PII_ALL = (1 << 7) - 1
};

enum { PII_SPANS_MAX = 256 };

struct pii_span {
    enum pii_kind kind;
    size_t start, end; /* bytes */
};

/* In order of place, never overlapping. Stops after `max` (then the return value is max). */
size_t pii_find(struct str text, unsigned kinds, struct pii_span *out_spans, size_t max);

/* Appends the text with every find replaced by its name: [email], [phone], [card 1111] (last four
 * digits), [iban], [ip], [national_id], [secret]. No limit on the number of finds. False when `out`
 * is full. */
bool pii_mask(struct str text, unsigned kinds, struct buf *out);

const char *pii_kind_name(enum pii_kind kind); /* "email" ... */

#endif
