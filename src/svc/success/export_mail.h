/* The draft of an e-mail as a message (RFC 5322) that a mail program opens as unsent. Pure. */
#ifndef SVC_SUCCESS_EXPORT_MAIL_H
#define SVC_SUCCESS_EXPORT_MAIL_H

#include "codec/json.h"

/* Of a brief's `final`; `contacts` as account.facts tells them: the champion is written to, else
 * nobody. Empty: the brief has no draft. Lies in `a`. */
struct str export_mail(struct arena *a, const struct json *final, const struct json *contacts);

#endif
