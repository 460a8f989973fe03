/* WebSocket frames (RFC 6455), the server's side: client frames in, masked; own frames out. No
 * extensions. Pure. */
#ifndef IO_WS_H
#define IO_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

enum {
    WS_HEAD_MAX_BYTES = 10, /* of our frames, which are not masked */
    WS_CONTROL_MAX_BYTES = 125,
    WS_KEY_BYTES = 24,
    WS_ACCEPT_BYTES = 28,
};

/* Close codes of RFC 6455 section 7.4.1 that are sent here. */
enum {
    WS_NORMAL = 1000,
    WS_GOING_AWAY = 1001,
    WS_PROTOCOL_ERROR = 1002,
    WS_UNSUPPORTED = 1003,
    WS_NO_CODE = 1005, /* never on the wire */
    WS_BAD_DATA = 1007,
    WS_TOO_BIG = 1009,
};

/* Puts fragments together; message.max_bytes bounds a message. */
struct ws_reader {
    struct buf message;
    bool in_message;
    char control[WS_CONTROL_MAX_BYTES];
};

enum ws_got { WS_GOT_MORE, WS_GOT_TEXT, WS_GOT_PING, WS_GOT_PONG, WS_GOT_CLOSE, WS_GOT_FAIL };

struct ws_event {
    struct str payload; /* of text, ping and pong; valid until the next read */
    int code;           /* WS_GOT_CLOSE: what the peer said; WS_GOT_FAIL: what to close with */
};

struct ws_reader ws_reader_make(size_t message_max_bytes);

/* Takes frames off `bytes` until one says something or more bytes are needed. *out_used bytes are
 * done with; the rest must be given again. A frame is taken only when it is there whole, so the
 * caller keeps at most message_max_bytes + 14. */
enum ws_got ws_read(struct ws_reader *r, struct str bytes, size_t *out_used,
                    struct ws_event *out_event);

/* The head of one unfragmented frame; returns its length. */
size_t ws_head_write(char out[WS_HEAD_MAX_BYTES], int opcode, size_t payload_bytes);

/* True for codes a peer may send. */
bool ws_code_is_valid(int code);

/* A key is 16 bytes in base64. */
bool ws_key_is_valid(struct str key);
/* Sec-WebSocket-Accept for the key. */
void ws_accept(struct str key, char out[WS_ACCEPT_BYTES + 1]);

#endif
