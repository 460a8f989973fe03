/* Growing bytes with a maximum. A write past the maximum is dropped and remembered (`overflow`), so
 * a writer checks once at its end. Owned by whoever made it; one thread at a time. Pure. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
    char *p; /* terminated after every write; NULL before the first */
    size_t n;
    size_t size_bytes;
    size_t max_bytes;
    bool overflow;
};

struct buf buf_make(size_t max_bytes);
/* Gives the memory back; the buffer can be used again. */
void buf_free(struct buf *b);
/* Empties it, keeps the memory. */
void buf_clear(struct buf *b);

/* False when the maximum is passed; the buffer then keeps what it had. */
bool buf_add(struct buf *b, const void *p, size_t n);
bool buf_add_str(struct buf *b, struct str s);
bool buf_add_char(struct buf *b, char c);
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* Makes room for n more bytes and returns where to write them; NULL past the maximum. Follow with
 * buf_grew(). */
char *buf_reserve(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* A view, valid until the next write. */
struct str buf_str(const struct buf *b);

#endif
