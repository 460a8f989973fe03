/* Mustache (the mustache(5) specification: variables, sections, inverted sections, partials,
 * comments, delimiters; no lambdas) with pipes: {{total_cents | money}}, {{due_at | date}}, {{n |
 * number}},
 * {{x | upper}}, lower, title, trim, json, url, default:"text", round, percent, time, datetime,
 * count. Money reads integer cents and the sibling `currency` (USD when absent). Pure. */
#ifndef CODEC_TEMPLATE_H
#define CODEC_TEMPLATE_H

#include "codec/json.h"

enum { TEMPLATE_SOURCE_MAX_BYTES = 256 << 10, TEMPLATE_DEPTH_MAX = 32 };

struct template;

struct template_options {
    bool html;   /* {{x}} is escaped for HTML; else {{x}} and {{{x}}} are the same */
    bool strict; /* a name that is nowhere in the view is E_INVALID; else it is empty */
    const struct json *partials; /* object: name -> template text; may be NULL */
};

/* Checks and compiles; the template lives in `a` and refers to `source`. E_INVALID, E_TOO_LARGE. */
enum err template_new(struct arena *a, struct str source, const struct template **out_template,
                      struct json_fault *out_fault);

/* Appends to `out`. E_TOO_LARGE when out's maximum or the bound on work is passed, E_INVALID for a
 * bad partial, an unknown name (strict) or a pipe that does not fit its value. */
enum err template_render(const struct template *t, const struct json *view,
                         const struct template_options *options, struct buf *out,
                         struct json_fault *out_fault);

/* Compiles and renders text (no HTML, not strict) into `a`, at most 1 MiB. */
enum err template_text(struct arena *a, struct str source, const struct json *view,
                       struct str *out_text, struct json_fault *out_fault);

#endif
