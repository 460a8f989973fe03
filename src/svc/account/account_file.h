/* Files that tell of accounts, in the layout usage/<id>.json, tickets/<id>.json, contract/<id>.json
 * (seed 000), under accounts/ among the org's blobs: whoever can put one there needs no other
 * access. They are looked at every minute, and at once when they come over HTTP; what is new or
 * changed goes through the rules of an import. One that cannot be taken over says why, and is tried
 * again: its account may come later. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_FILE_H
#define SVC_ACCOUNT_ACCOUNT_FILE_H

#include "bus/job.h"
#include "host/service.h"

enum { ACCOUNT_FILE_MAX_BYTES = 256 << 10, ACCOUNT_FILES_MAX = 300000 };

/* PUT /api/v1/account-files/{kind}/{name}, GET /api/v1/account-files. */
enum err account_file_put(struct ctx *c, struct call *call);
enum err account_file_list(struct ctx *c, struct call *call);

/* Removes the account's files and what is known of them; in the transaction that removes it. */
enum err account_file_forget(struct ctx *c, struct store *s, struct str slug);

/* The job "account_files". */
enum err account_file_watch(struct ctx *c, struct job *job);

#endif
