/* WebSocket frames out of any bytes, whole and in pieces. */
#include <stdlib.h>

#include "io/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 2000 };

/* Reads everything, `piece` bytes at a time; returns what it heard, as one number. */
static uint64_t hear_all(struct str bytes, size_t piece)
{
    struct ws_reader r = ws_reader_make(MESSAGE_MAX);
    struct buf in = buf_make(1 << 20);
    uint64_t heard = 7;
    size_t at = 0;
    enum ws_got got = WS_GOT_MORE;
    while (got != WS_GOT_FAIL && got != WS_GOT_CLOSE && (got != WS_GOT_MORE || at < bytes.n)) {
        struct ws_event event = {.code = 0};
        size_t used = 0;
        if (got == WS_GOT_MORE) {
            struct str next = str_sub(bytes, at, piece);
            buf_add_str(&in, next);
            at += next.n;
        }
        got = ws_read(&r, buf_str(&in), &used, &event);
        if (used > in.n || event.payload.n > MESSAGE_MAX ||
            (got == WS_GOT_TEXT && !str_is_utf8(event.payload))) {
            abort();
        }
        if (got != WS_GOT_MORE) {
            heard = heard * 31 + (uint64_t)got * 7 + (uint64_t)event.code + event.payload.n;
        }
        buf_drop(&in, used);
    }
    buf_free(&in);
    buf_free(&r.message);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    if (hear_all(bytes, size ? size : 1) != hear_all(bytes, 3)) {
        abort();
    }
    return 0;
}
