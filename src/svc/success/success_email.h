/* The e-mail about a renewal: a draft, never sent by itself, written from templates so that every
 * date and number in it comes from the account. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_EMAIL_H
#define SVC_SUCCESS_SUCCESS_EMAIL_H

#include "svc/success/success_facts.h"
#include "svc/success/wording.h"

/* The call it proposes; a figure like the others. */
enum { SUCCESS_EMAIL_CALL_MINUTES = 30 };

struct success_email_wish {
    enum wording_tone tone;         /* friendly */
    enum wording_language language; /* English */
    int64_t now_ms;
};

/* {tone, language} of `params`, which may be NULL (`email_language` before `language`); `prefix`
 * names its place in faults: "params.". E_INVALID names the field. now_ms is left 0. */
enum err success_email_wish_read(struct ctx *c, const struct json *params, const char *prefix,
                                 struct success_email_wish *out_wish);

/* {subject, body, tone, language}. E_INCOMPLETE: the renewal date is not known. */
enum err success_email_write(struct ctx *c, const struct success_facts *f,
                             const struct success_email_wish *wish, const struct json **out_email);

#endif
