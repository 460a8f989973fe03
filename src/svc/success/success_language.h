/* Which language an answer is in, and its letter to the customer. What the question says counts
 * first. Else the answer is in the language of the organisation (`briefs.language` of its
 * settings: en, de, nl, fr, or `account`: each account's own), the letter in the account's own
 * where that is known; and what nobody has chosen is English. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_LANGUAGE_H
#define SVC_SUCCESS_SUCCESS_LANGUAGE_H

#include "base/ctx.h"
#include "codec/json.h"
#include "svc/success/wording.h"

struct success_language {
    enum wording_language answer, email;
};

/* `params`: of the question, checked, or NULL; `account` with its `language`, or NULL. Settings
 * that cannot be read or name none of the languages choose none. */
struct success_language success_language_of(struct ctx *c, const struct json *params,
                                            const struct json *account);
/* The account's own; false: not known, or none of ours. Pure. */
bool success_language_own(const struct json *account, enum wording_language *out);
/* Of `params` alone; English when it names none. Pure. */
enum wording_language success_language_asked(const struct json *params);
/* `params` for tools: `language` and `email_language` are set in them. Pure. */
const struct json *success_language_params(struct arena *a, const struct json *params,
                                           const struct success_language *l);

#endif
