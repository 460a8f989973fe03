/* What a copilot writes, without secrets and personal identifiers: the last thing that happens to
 * a text before it is stored or shown. Masks e-mail addresses, cards, IBANs and national numbers,
 * whatever nlu/pii.h knows as a secret, and what only machines write: authorization and signature
 * headers, keys of vendors by their first letters, JSON web tokens, private key blocks, passwords
 * in addresses, long hexadecimal runs. Pure. */
#ifndef SVC_SUCCESS_REDACT_H
#define SVC_SUCCESS_REDACT_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"

enum { REDACT_DEPTH_MAX = 32 };

/* Every find replaced by [REDACTED]; the same view when there is none. */
struct str redact_text(struct arena *a, struct str text);
/* The same for every string value of a tree, names and numbers untouched; the same tree when there
 * is nothing to mask. Deeper than REDACT_DEPTH_MAX becomes null. */
const struct json *redact_json(struct arena *a, const struct json *value);

#endif
