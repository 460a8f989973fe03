/* Frames of a chat page: what is taken in is of a known type with texts that are UTF-8; what is not
 * says why. */
#include "codec_fuzz.h"
#include "svc/chat/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct frame frame;
    struct frame_fault fault;
    if (frame_read(a, codec_input(data, size), &frame, &fault) == E_OK) {
        codec_require(frame.type <= FRAME_PING);
        codec_require(str_is_utf8(frame.text) && str_is_utf8(frame.client_id));
        codec_require(frame.type == FRAME_MESSAGE || (frame.text.n + frame.client_id.n) == 0);
        codec_require(fault.text[0] == 0);
    } else {
        codec_require(fault.text[0] != 0);
        codec_require(!fault.line || !fault.field);
    }
    arena_free(&a);
    return 0;
}
