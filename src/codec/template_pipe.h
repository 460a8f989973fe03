/* Private to template.c: what stands behind the | in {{x | money}}. */
#ifndef CODEC_TEMPLATE_PIPE_H
#define CODEC_TEMPLATE_PIPE_H

#include "codec/json.h"

struct template_pipe {
    struct str name;
    struct str arg; /* what follows the colon, without quotes */
    bool has_arg;
};

/* What a pipe may want to know besides its value. */
struct template_pipe_site {
    struct arena *arena;
    struct str currency; /* of the value's siblings; empty when there is none */
};

bool template_pipe_is_known(struct str name);

/* Replaces *value. A value that is absent (null) goes through every pipe but `default` unchanged.
 * Returns a fixed text when the value does not fit, else NULL. */
const char *template_pipe_apply(const struct template_pipe *p,
                                const struct template_pipe_site *site, struct json *value);

/* The value as it stands in a text: null is nothing, lists and objects are JSON. */
struct str template_pipe_text(struct arena *a, const struct json *value);

#endif
