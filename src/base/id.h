/* Identifiers: UUID version 7 (RFC 9562) as lower-case text. They sort by time of making. Pure but
 * for id_new, which takes the time from the caller's clock and randomness from the system. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { ID_TEXT_BYTES = 36 };

struct id {
    char text[ID_TEXT_BYTES + 1]; /* terminated; empty when unset */
};

struct id id_new(int64_t now_ms);
bool id_is_set(const struct id *id);
bool id_eq(const struct id *a, const struct id *b);
/* Any UUID in the 8-4-4-4-12 form, upper case folded; false on anything else. */
bool id_parse(struct str s, struct id *out_id);
struct str id_str(const struct id *id);

/* A UUID made from a name (version 8, SHA-free mixing): the same for the same name; for sample data
 * and fixed ids, never as a secret. */
struct id id_from_name(struct str name);

/* n random bytes from the system as 2n hex digits, or as n bytes. n <= 256. */
void id_random_hex(char *out_text, size_t n_bytes);
void id_random_bytes(void *out_bytes, size_t n_bytes);

/* The id of the installation's own store: orgs, sign-in index, keys. It is no org. */
struct id id_system(void);

#endif
