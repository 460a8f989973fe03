/* What changed between two texts (unified, by lines) and between two json trees (by path). Pure. */
#ifndef CODEC_DIFF_H
#define CODEC_DIFF_H

#include "codec/json.h"

enum { DIFF_LINES_MAX = 50000, DIFF_CHANGES_MAX = 1000 };

/* Unified diff with `context` lines around changes; empty when equal. A shortest edit script while
 * the two differ in at most a few thousand lines, otherwise whole blocks are replaced. E_TOO_LARGE.
 */
enum err diff_lines(struct arena *a, struct str before, struct str after, int context,
                    struct str *out_unified);

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED };

struct diff_change {
    struct str path; /* "tools[get_order].timeout_s": list elements by their name, slug or id if
                        they have one, else by index */
    enum diff_kind kind;
    const struct json *before; /* NULL when added */
    const struct json *after;  /* NULL when removed */
};

/* In document order; at most DIFF_CHANGES_MAX, then the rest is left out and *out_cut is true. */
size_t diff_values(struct arena *a, const struct json *before, const struct json *after,
                   const struct diff_change **out_changes, bool *out_cut);
const char *diff_kind_name(enum diff_kind k); /* "added", "removed", "changed" */

#endif
