#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct buf buf_make(size_t max_bytes)
{
    return (struct buf){.max_bytes = max_bytes};
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = buf_make(b->max_bytes);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->overflow = false;
    if (b->p) {
        b->p[0] = 0;
    }
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (n > b->max_bytes - b->n) {
        b->overflow = true;
        return NULL;
    }
    size_t need = b->n + n + 1;
    if (need > b->size_bytes) {
        size_t size = b->size_bytes ? b->size_bytes * 2 : 256;
        size = size < need ? need : size;
        size = size > b->max_bytes + 1 ? b->max_bytes + 1 : size;
        b->p = mem_grow(b->p, size);
        b->size_bytes = size;
    }
    return b->p + b->n;
}

void buf_grew(struct buf *b, size_t n)
{
    b->n += n;
    b->p[b->n] = 0;
}

bool buf_add(struct buf *b, const void *p, size_t n)
{
    char *at = buf_reserve(b, n);
    if (!at) {
        return false;
    }
    if (n) {
        memcpy(at, p, n);
    }
    buf_grew(b, n);
    return true;
}

bool buf_add_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.n);
}

bool buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        buf_grew(b, (size_t)n);
    }
    va_end(again);
    return at != NULL;
}

void buf_drop(struct buf *b, size_t n)
{
    n = n > b->n ? b->n : n;
    if (n) {
        memmove(b->p, b->p + n, b->n - n);
        b->n -= n;
        b->p[b->n] = 0;
    }
}

struct str buf_str(const struct buf *b)
{
    return str_make(b->p ? b->p : "", b->n);
}
