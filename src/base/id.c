#include "base/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { POOL_BYTES = 512, POOLED_MAX_BYTES = 16 };

static void ask_system(void *out_bytes, size_t n_bytes)
{
    if (getrandom(out_bytes, n_bytes, 0) != (ssize_t)n_bytes) {
        fprintf(stderr, "rapport: the system gives no random bytes\n");
        abort();
    }
}

/* Ids and spans are wanted dozens of times a request: a thread asks the system for many at a time.
 * What was handed out is gone from the pool, and a forked process, which has its parent's, takes
 * nothing of it. */
void id_random_bytes(void *out_bytes, size_t n_bytes)
{
    static _Thread_local unsigned char pool[POOL_BYTES];
    static _Thread_local size_t left;
    static _Thread_local pid_t owner;
    if (n_bytes > POOLED_MAX_BYTES) {
        ask_system(out_bytes, n_bytes);
        return;
    }
    if (left < n_bytes || owner != getpid()) {
        ask_system(pool, sizeof(pool));
        left = sizeof(pool);
        owner = getpid();
    }
    left -= n_bytes;
    memcpy(out_bytes, pool + left, n_bytes);
    memset(pool + left, 0, n_bytes);
}

void id_random_hex(char *out_text, size_t n_bytes)
{
    unsigned char bytes[256];
    n_bytes = n_bytes > sizeof(bytes) ? sizeof(bytes) : n_bytes;
    id_random_bytes(bytes, n_bytes);
    for (size_t i = 0; i < n_bytes; i++) {
        out_text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out_text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out_text[2 * n_bytes] = 0;
}

static struct id id_of_bytes(const unsigned char b[16])
{
    struct id id;
    char *at = id.text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = "0123456789abcdef"[b[i] >> 4];
        *at++ = "0123456789abcdef"[b[i] & 15];
    }
    *at = 0;
    return id;
}

static void set_version(unsigned char b[16], unsigned version)
{
    b[6] = (unsigned char)((b[6] & 0x0f) | (version << 4));
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
}

/* Ids made in the same millisecond by one thread still sort in order of making: the 12 bits after
 * the version count up (RFC 9562, method 1). */
struct id id_new(int64_t now_ms)
{
    static _Thread_local int64_t last_ms;
    static _Thread_local unsigned counter;
    unsigned char b[16];
    id_random_bytes(b, sizeof(b));
    if (now_ms == last_ms && counter < 0xfff) {
        counter++;
    } else {
        counter = b[7] & 0x7f; /* leaves room to count */
        last_ms = now_ms;
    }
    for (int i = 0; i < 6; i++) {
        b[i] = (unsigned char)((uint64_t)now_ms >> (40 - 8 * i));
    }
    b[6] = (unsigned char)(counter >> 8);
    b[7] = (unsigned char)counter;
    set_version(b, 7);
    return id_of_bytes(b);
}

bool id_is_set(const struct id *id)
{
    return id->text[0] != 0;
}

bool id_eq(const struct id *a, const struct id *b)
{
    return memcmp(a->text, b->text, ID_TEXT_BYTES) == 0;
}

bool id_parse(struct str s, struct id *out_id)
{
    if (s.n != ID_TEXT_BYTES) {
        return false;
    }
    struct id id;
    for (size_t i = 0; i < ID_TEXT_BYTES; i++) {
        char c = s.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash) {
            if (c != '-') {
                return false;
            }
        } else if (c >= 'A' && c <= 'F') {
            c = (char)(c + 32);
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        id.text[i] = c;
    }
    id.text[ID_TEXT_BYTES] = 0;
    *out_id = id;
    return true;
}

struct str id_str(const struct id *id)
{
    return str_of(id->text);
}

struct id id_from_name(struct str name)
{
    uint64_t h[2] = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    for (int half = 0; half < 2; half++) {
        for (size_t i = 0; i < name.n; i++) {
            h[half] = (h[half] ^ (unsigned char)name.p[i]) * 0x100000001b3u;
            h[half] ^= h[half] >> 31;
        }
        h[half] *= 0xff51afd7ed558ccdu;
        h[half] ^= h[half] >> 33;
    }
    unsigned char b[16];
    memcpy(b, h, sizeof(b));
    set_version(b, 8);
    return id_of_bytes(b);
}

struct id id_system(void)
{
    return (struct id){"00000000-0000-0000-0000-000000000000"};
}
