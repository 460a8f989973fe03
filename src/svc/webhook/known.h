/* Sources as the path of a request needs them, with their keys: looked up once and known for
 * KNOWN_MS. A change of a source, a secret or an org in this process counts at once; one by another
 * process on the same database, or by restoring an org, within KNOWN_MS. Task code. */
#ifndef SVC_WEBHOOK_KNOWN_H
#define SVC_WEBHOOK_KNOWN_H

#include "svc/webhook/source.h"

enum { KNOWN_MS = 1000, KNOWN_BYTES_MAX = 64 << 10 };

struct known {
    int64_t until_steady_ms;
    struct id org;
    struct source source; /* without `data`, `config.secrets` and `config.signature` */
    struct str keys[SOURCE_SECRETS_MAX];
    int key_count;
};

/* Sets c->org. E_NOT_FOUND: there is no such org or source, or it is suspended. */
enum err known_find(struct ctx *c, struct str org_slug, struct str slug, struct known *out);

#endif
