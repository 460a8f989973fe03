/* multipart/form-data (RFC 7578), a whole body at once. Parts point into the body. Pure. */
#ifndef CODEC_MULTIPART_H
#define CODEC_MULTIPART_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { MULTIPART_PARTS_MAX = 64, MULTIPART_HEAD_MAX_BYTES = 4096 };

struct multipart_part {
    struct str name;
    struct str filename;   /* the last path component; empty when it is no file */
    struct str media_type; /* "text/plain" when not given */
    struct str body;
};

struct multipart {
    const struct multipart_part *parts;
    size_t count;
};

/* content_type: the request header's value, with the boundary. E_INVALID, E_TOO_LARGE; out_problem
 * gets a fixed text. */
enum err multipart_parse(struct arena *a, struct str content_type, struct str body,
                         struct multipart *out_form, const char **out_problem);
/* The first part of the name, or NULL. */
const struct multipart_part *multipart_get(const struct multipart *m, const char *name);

#endif
