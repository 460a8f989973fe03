/* A view of bytes somebody else owns: pointer and length, not terminated. Pure.
 * Lengths are in bytes; text is UTF-8 unless a function says otherwise. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
    const char *p;
    size_t n;
};

/* A view of a string literal: STR("text"). */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf("%.*s", STR_ARG(s)); views longer than INT_MAX are cut. */
#define STR_ARG(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).p ? (s).p : "")

/* A view of a terminated string; NULL gives the empty view. */
struct str str_of(const char *z);
struct str str_make(const char *p, size_t n);

bool str_is_empty(struct str s);
bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
/* ASCII case folded. */
bool str_eq_nocase(struct str a, struct str b);
/* Bytewise order: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Takes time that depends on the lengths only: for secrets. */
bool str_eq_secret(struct str a, struct str b);

/* The byte offset of the first `what` in `s`, or -1. */
ptrdiff_t str_find(struct str s, struct str what);
ptrdiff_t str_find_char(struct str s, char c);

/* The part [from, from + n), cut to what there is. */
struct str str_sub(struct str s, size_t from, size_t n);
/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str s);

/* Cuts the next piece up to `sep` off `*rest`; false when nothing is left. "a,,b" gives three. */
bool str_split(struct str *rest, char sep, struct str *out_piece);

/* Decimal integer filling the whole view; false on anything else and on overflow. */
bool str_to_i64(struct str s, int64_t *out_value);
/* Decimal real (locale independent) filling the whole view, finite. */
bool str_to_double(struct str s, double *out_value);

/* Copies: into the arena, terminated (the terminator is not counted). */
struct str str_dup(struct arena *a, struct str s);
char *str_dupz(struct arena *a, struct str s);
/* printf into the arena. */
struct str str_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str str_lower(struct arena *a, struct str s); /* ASCII only */

/* 64-bit hash for tables, seeded per process against crafted keys; never for storage. */
uint64_t str_hash(struct str s);

/* True when `s` is well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);

#endif
