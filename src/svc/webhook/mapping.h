/* What an org makes of a request: jq over its body gives the sender's id of the event, typed events
 * of the registered topics, and messages of contacts. $headers has the request's headers by their
 * names in lower case, $now_ms our time. Pure. */
#ifndef SVC_WEBHOOK_MAPPING_H
#define SVC_WEBHOOK_MAPPING_H

#include "codec/jq.h"
#include "svc/webhook/signature.h"

enum {
    MAPPING_VALUES_MAX = 64 << 10, /* of a body */
    MAPPING_OUTPUTS_MAX = 100,
    MAPPING_ID_MAX_BYTES = 200,
    MAPPING_ERROR_BYTES = 240
};

enum err mapping_compile(struct str source, struct jq_program **out_program,
                         struct jq_fault *out_fault);

/* The request's body as a value: JSON, or the fields of a form as an object of their first values.
 * E_INVALID, E_TOO_LARGE: see out_fault. */
enum err mapping_read(struct arena *a, const struct signature_request *r,
                      const struct json **out_value, struct json_fault *out_fault);

/* Runs `source` and gives the objects it makes; null and no output give none, an array gives its
 * elements. E_INVALID and E_LIMIT: out_error says why. */
struct mapping_input {
    const struct json *body;
    const struct signature_request *request;
};
enum err mapping_run(struct arena *a, struct str source, const struct mapping_input *in,
                     const struct json **out_objects, char out_error[MAPPING_ERROR_BYTES]);

/* The sender's id: of `source` (jq; empty: as the scheme tells), else a hash of the body. Too long
 * ones are hashed. */
struct str mapping_event_id(struct arena *a, const struct signature_scheme *s, struct str source,
                            const struct mapping_input *in);

/* Text or number as text; empty for anything else. */
struct str mapping_text(struct arena *a, const struct json *v);

#endif
