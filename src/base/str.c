#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

struct str str_of(const char *z)
{
    return (struct str){z ? z : "", z ? strlen(z) : 0};
}

struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

bool str_is_empty(struct str s)
{
    return s.n == 0;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

static char lower_of(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower_of(a.p[i]) != lower_of(b.p[i])) {
            return false;
        }
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_make(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_make(s.p + s.n - suffix.n, suffix.n), suffix);
}

bool str_eq_secret(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.n; i++) {
        difference |= (unsigned char)(a.p[i] ^ b.p[i]);
    }
    return difference == 0;
}

ptrdiff_t str_find(struct str s, struct str what)
{
    if (what.n == 0) {
        return 0;
    }
    const char *at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find_char(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n) {
        from = s.n;
    }
    if (n > s.n - from) {
        n = s.n - from;
    }
    return str_make(s.n ? s.p + from : s.p, n);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

bool str_split(struct str *rest, char sep, struct str *out_piece)
{
    if (!rest->p) {
        return false;
    }
    ptrdiff_t at = str_find_char(*rest, sep);
    if (at < 0) {
        *out_piece = *rest;
        *rest = (struct str){NULL, 0};
        return true;
    }
    *out_piece = str_make(rest->p, (size_t)at);
    *rest = str_make(rest->p + at + 1, rest->n - (size_t)at - 1);
    return true;
}

bool str_to_i64(struct str s, int64_t *out_value)
{
    char text[24];
    if (s.n == 0 || s.n >= sizeof(text) || is_space(s.p[0]) || s.p[0] == '+') {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end != text + s.n) {
        return false;
    }
    *out_value = value;
    return true;
}

bool str_to_double(struct str s, double *out_value)
{
    char text[64];
    if (s.n == 0 || s.n >= sizeof(text) || is_space(s.p[0])) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr("0123456789+-.eE", s.p[i])) {
            return false; /* no hex, inf or nan */
        }
    }
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    char *end = NULL;
    double value = strtod(text, &end); /* the process stays in the C locale */
    if (end != text + s.n || !isfinite(value)) {
        return false;
    }
    *out_value = value;
    return true;
}

struct str str_dup(struct arena *a, struct str s)
{
    return str_make(str_dupz(a, s), s.n);
}

char *str_dupz(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = 0;
    return copy;
}

struct str str_fmt(struct arena *a, const char *fmt, ...)
{
    char shorter[256]; /* most texts are: they are written once */
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(shorter, sizeof(shorter), fmt, args);
    va_end(args);
    size_t size = n < 0 ? 0 : (size_t)n;
    char *text = arena_alloc(a, size + 1);
    if (size < sizeof(shorter)) {
        memcpy(text, shorter, size);
    } else {
        vsnprintf(text, size + 1, fmt, again);
    }
    va_end(again);
    return str_make(text, size);
}

struct str str_lower(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        copy[i] = lower_of(s.p[i]);
    }
    copy[s.n] = 0;
    return str_make(copy, s.n);
}

uint64_t str_hash(struct str s)
{
    static uint64_t seed; /* set once; a race writes one of two random values before first use */
    uint64_t h = __atomic_load_n(&seed, __ATOMIC_RELAXED);
    if (h == 0) {
        uint64_t fresh = 0x9e3779b97f4a7c15u;
        if (getrandom(&fresh, sizeof(fresh), GRND_NONBLOCK) != sizeof(fresh)) {
            fresh ^= (uint64_t)(uintptr_t)&seed;
        }
        fresh |= 1;
        uint64_t none = 0;
        h = __atomic_compare_exchange_n(&seed, &none, fresh, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)
                ? fresh
                : none;
    }
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
        h ^= h >> 29;
    }
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

static size_t utf8_step(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t step = utf8_step(p + i, s.n - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}
