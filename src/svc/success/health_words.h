/* The reasons of a health score in the language of an answer. The service that keeps accounts tells
 * them in English, with the values that they are made of; here they are said again from those.
 * English is left as it was told, and so is what has no values. Pure. */
#ifndef SVC_SUCCESS_HEALTH_WORDS_H
#define SVC_SUCCESS_HEALTH_WORDS_H

#include "codec/json.h"
#include "svc/success/wording.h"

/* `health` as account.health tells it: the texts of `factors` and of `previous.attribution`. NULL
 * stays NULL. */
const struct json *health_words_in(struct arena *a, enum wording_language l,
                                   const struct json *health);
/* Rows of a history: the texts of their `attribution`. */
const struct json *health_words_history(struct arena *a, enum wording_language l,
                                        const struct json *rows);

#endif
