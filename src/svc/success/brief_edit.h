/* What is done with a brief after it was made: its e-mail written anew or edited. Handlers of
 * routes. */
#ifndef SVC_SUCCESS_BRIEF_EDIT_H
#define SVC_SUCCESS_BRIEF_EDIT_H

#include "host/service.h"

enum { BRIEF_SUBJECT_MAX = 300, BRIEF_BODY_MAX = 10000, BRIEF_INSTRUCTION_MAX = 500 };

struct brief_email_body {
    struct str tone, language, instruction;
};
struct brief_patch_body {
    const struct json *email_draft;
};
extern const struct field_table brief_email_table, brief_patch_table;

/* POST /briefs/{id}/email {tone, language, instruction?}: the whole brief with the new draft. */
enum err brief_edit_email(struct ctx *c, struct call *call);
/* PATCH /briefs/{id} {email_draft: {subject, body}}: as a person wrote it. */
enum err brief_edit_patch(struct ctx *c, struct call *call);

#endif
