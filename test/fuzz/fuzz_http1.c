/* Heads, chunked bodies and paths out of any bytes; what is accepted keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "io/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_path(struct str raw)
{
    char *out = malloc(raw.n + 1);
    size_t n = 0;
    if (http1_path(raw, out, &n)) {
        struct str path = str_make(out, n);
        require(n >= 1 && n <= raw.n && out[0] == '/' && str_is_utf8(path));
        require(str_find(path, STR("/../")) < 0 && !str_ends(path, STR("/..")));
        require(!memchr(out, 0, n) && str_find(path, STR("//")) < 0);
    }
    free(out);
}

static void try_head(struct str bytes)
{
    struct http1_refusal why = {0, NULL};
    struct http1_head head;
    size_t scanned = 0;
    size_t n = http1_head_bytes(bytes, &scanned, &why);
    require(n <= bytes.n);
    if (n == 0) {
        return;
    }
    if (!http1_head_read(str_sub(bytes, 0, n), &head, &why)) {
        require(why.status >= 400 && why.status < 600 && why.detail);
        return;
    }
    require(head.header_count <= SERVER_HEADERS_MAX && head.body_length >= -1);
    require(head.path.n >= 1 && head.path.p[0] == '/' && http1_is_token(head.method));
    for (int i = 0; i < head.header_count; i++) {
        require(http1_is_token(head.headers[i].name) && http1_is_value(head.headers[i].value));
    }
    try_path(head.path);
}

/* However the bytes are cut, the outcome is the same. */
static void try_chunks(struct str bytes)
{
    struct http1_chunks whole = {0}, cut = {0};
    struct buf a = buf_make(1000), b = buf_make(1000);
    size_t used = 0, at = 0, more = 0;
    enum http1_fed first = http1_chunks_feed(&whole, bytes, &a, &used);
    enum http1_fed second = HTTP1_MORE;
    while (at < bytes.n && second == HTTP1_MORE) {
        second = http1_chunks_feed(&cut, str_sub(bytes, at, 1), &b, &more);
        at += more;
    }
    require(first == second);
    if (first == HTTP1_DONE || first == HTTP1_MORE) {
        require(at == used && str_eq(buf_str(&a), buf_str(&b)));
    }
    buf_free(&a);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    try_head(bytes);
    try_chunks(bytes);
    try_path(bytes);
    return 0;
}
