/* How much personal data is found, and how much of what is found is personal. Pure. */
#ifndef NLU_PII_EVAL_H
#define NLU_PII_EVAL_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "nlu/pii.h"

struct pii_eval_kind {
    enum pii_kind kind;
    size_t there, found;      /* in the texts, and of them covered whole by a find of the kind */
    size_t finds, right;      /* of ours, and of them those that touch one that is there */
    double recall, precision; /* 0 when there is nothing to divide by */
};

enum { PII_EVAL_KINDS = 7 };

struct pii_eval_report {
    size_t count; /* texts */
    struct pii_eval_kind kinds[PII_EVAL_KINDS];
};

/* JSONL: {"text", "spans":[{"type","start","end"}]}, offsets in Unicode characters. Types:
 * EMAIL_ADDRESS, PHONE_NUMBER, CREDIT_CARD, IBAN_CODE, IP_ADDRESS, US_SSN, or pii_kind_name; others
 * are left aside. E_INVALID names the line in out_why (at least 160 bytes). */
enum err pii_eval_run(struct arena *a, struct str bytes, char *out_why,
                      struct pii_eval_report *out_report);

void pii_eval_text(const struct pii_eval_report *r, struct buf *out);
void pii_eval_json(const struct pii_eval_report *r, struct buf *out);

#endif
