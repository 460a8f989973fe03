/* Regular expressions over UTF-8 text in the ECMAScript dialect that JSON Schema asks for, matched
 * in bounded time: a pattern that backtracks too much counts as no match and says so. A compiled
 * pattern is immutable and may be used by many threads. Pure. */
#ifndef CODEC_PATTERN_H
#define CODEC_PATTERN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { PATTERN_MAX_BYTES = 1024, PATTERN_GROUPS_MAX = 16 };

struct pattern;

struct pattern_flags {
    bool ignore_case;
    bool extended; /* white space and comments in the pattern are skipped */
    bool dot_all;  /* . matches line ends */
};

struct pattern_match {
    int count;                           /* groups, the whole match (0) included */
    ptrdiff_t start[PATTERN_GROUPS_MAX]; /* byte offsets; -1: the group took no part */
    ptrdiff_t end[PATTERN_GROUPS_MAX];
};

/* out_text gets the reason. E_INVALID, E_TOO_LARGE. */
enum err pattern_new(struct str source, struct pattern_flags flags, struct pattern **out_pattern,
                     char out_text[120]);
void pattern_free(struct pattern **p);

/* Searches from byte `from` on; nothing is found in what is no UTF-8. E_OK and *out_found; E_LIMIT
 * when the bound on work was passed. */
enum err pattern_find(const struct pattern *p, struct str text, size_t from, bool *out_found,
                      struct pattern_match *out_match);
/* Whether it occurs anywhere; false when the bound was passed. */
bool pattern_has(const struct pattern *p, struct str text);

/* The name of group i (1-based), or the empty view. */
struct str pattern_group_name(const struct pattern *p, int i);

#endif
