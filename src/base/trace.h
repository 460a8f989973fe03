/* W3C trace context (Level 1): the header `traceparent` is
 * "00-<trace id, 32 hex>-<span id, 16 hex>-<flags>". The trace id is the request id of a ctx. Pure.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>

#include "base/ctx.h"

enum { TRACE_PARENT_BYTES = 55, TRACE_SPAN_BYTES = 16 };

/* What c hands on to whoever works for it. */
void trace_write(const struct ctx *c, char out_text[TRACE_PARENT_BYTES + 1]);

/* Continues the caller's trace: c's request id becomes the one of the text. *out_parent is the
 * caller's span. False, and nothing changed, when the text is not of this form. */
bool trace_adopt(struct ctx *c, struct str text, char out_parent[TRACE_SPAN_BYTES + 1]);

#endif
