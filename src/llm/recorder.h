/* Recorded exchanges: a provider that asks another one and keeps what it said in files, or answers
 * from those files alone. For tests that should see what a real model once answered, without a
 * network. A file is named after the request's fingerprint and holds it in readable form; the same
 * request asked again takes the next number. */
#ifndef LLM_RECORDER_H
#define LLM_RECORDER_H

#include "llm/provider.h"

enum recorder_mode {
    RECORDER_REPLAY, /* E_NOT_FOUND names the file that is missing */
    RECORDER_RECORD
};

struct recorder;

/* folder: must exist. inner: asked while recording; NULL when replaying. Register it with
 * models_register(c, m, &provider_recorder, recorder, entry). Any thread. */
struct recorder *recorder_new(const char *folder, enum recorder_mode mode,
                              const struct provider *inner, void *inner_arg);
void recorder_free(struct recorder **r);

extern const struct provider provider_recorder;

#endif
