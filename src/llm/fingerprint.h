/* What makes two requests the same: SHA-256 over all that a provider would see, for cache keys and
 * recorded exchanges. Inside the llm row; pure. */
#ifndef LLM_FINGERPRINT_H
#define LLM_FINGERPRINT_H

#include "llm/chat.h"

/* `with_last_text` false leaves the last user message's text out: what is left is the context in
 * which a similar question may have the same answer. 64 hex digits. */
struct str fingerprint_request(struct arena *a, const struct chat_request *request,
                               struct str model, bool with_last_text);

/* The last message, when the user wrote it; else the empty view. */
struct str fingerprint_question(const struct chat_request *request);

#endif
