/* The same events however the stream is cut into pieces. */
#include "codec/sse.h"
#include "codec_fuzz.h"

static enum err keep(const struct sse_event *event, void *arg)
{
    struct buf *b = arg;
    sse_write(b, event->type, event->id, event->data);
    return E_OK;
}

static enum err read_all(struct str text, size_t piece, struct buf *out)
{
    struct sse *s = sse_new(4096);
    enum err e = E_OK;
    for (size_t at = 0; at < text.n && e == E_OK; at += piece) {
        e = sse_feed(s, str_sub(text, at, piece), keep, out);
    }
    sse_free(&s);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = codec_input(data, size);
    struct buf whole = buf_make(8 << 20), pieces = buf_make(8 << 20);
    enum err e = read_all(in, in.n + 1, &whole), again = read_all(in, 1, &pieces);
    codec_require(e == again && str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
