#include "base/trace.h"

#include <stdio.h>
#include <string.h>

enum { TRACE_AT = 3, SPAN_AT = 36 };

static bool is_lower_hex(struct str s)
{
    bool zero = true;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) {
            return false;
        }
        zero = zero && ch == '0';
    }
    return !zero;
}

void trace_write(const struct ctx *c, char out_text[TRACE_PARENT_BYTES + 1])
{
    snprintf(out_text, TRACE_PARENT_BYTES + 1, "00-%.32s-%.16s-01", c->request_id, c->span_id);
}

/* Later versions may append fields after the flags, so more than 55 bytes are fine. */
bool trace_adopt(struct ctx *c, struct str text, char out_parent[TRACE_SPAN_BYTES + 1])
{
    struct str trace = str_sub(text, TRACE_AT, CTX_REQUEST_ID_BYTES);
    struct str span = str_sub(text, SPAN_AT, TRACE_SPAN_BYTES);
    bool shaped = text.n >= TRACE_PARENT_BYTES && text.p[2] == '-' && text.p[SPAN_AT - 1] == '-' &&
                  text.p[SPAN_AT + TRACE_SPAN_BYTES] == '-' && !str_starts(text, STR("ff"));
    if (!shaped || !is_lower_hex(trace) || !is_lower_hex(span)) {
        return false;
    }
    memcpy(c->request_id, trace.p, CTX_REQUEST_ID_BYTES);
    memcpy(out_parent, span.p, TRACE_SPAN_BYTES);
    out_parent[TRACE_SPAN_BYTES] = 0;
    return true;
}
