#include "io/ws.h"

#include <openssl/evp.h>
#include <string.h>

struct ws_reader ws_reader_make(size_t message_max_bytes)
{
    return (struct ws_reader){.message = buf_make(message_max_bytes)};
}

struct frame {
    bool fin;
    int opcode;
    size_t head_bytes;
    uint64_t payload_bytes;
    const unsigned char *mask;
};

static uint64_t big_endian(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* 0: more bytes are needed; 1: read; else the code to fail with. */
static int read_head(struct str bytes, struct frame *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < 2) {
        return 0;
    }
    if (p[0] & 0x70 || !(p[1] & 0x80)) {
        return WS_PROTOCOL_ERROR; /* an extension nobody agreed on, or a client not masking */
    }
    struct frame f = {.fin = p[0] & 0x80, .opcode = p[0] & 15, .head_bytes = 2};
    f.payload_bytes = p[1] & 0x7f;
    int wide = f.payload_bytes == 126 ? 2 : f.payload_bytes == 127 ? 8 : 0;
    if (bytes.n < 2u + (size_t)wide + 4) {
        return 0;
    }
    if (wide) {
        f.payload_bytes = big_endian(p + 2, wide);
        f.head_bytes += (size_t)wide;
        if (f.payload_bytes < (wide == 2 ? 126u : 65536u) || f.payload_bytes >> 63) {
            return WS_PROTOCOL_ERROR; /* lengths use the fewest bytes */
        }
    }
    f.mask = p + f.head_bytes;
    f.head_bytes += 4;
    *out = f;
    return 1;
}

/* 0: fine, else the code to fail with. */
static int judge_frame(const struct ws_reader *r, const struct frame *f)
{
    if (f->opcode >= 8) {
        bool known = f->opcode == WS_CLOSE || f->opcode == WS_PING || f->opcode == WS_PONG;
        return known && f->fin && f->payload_bytes <= WS_CONTROL_MAX_BYTES ? 0 : WS_PROTOCOL_ERROR;
    }
    if (f->opcode == WS_BINARY) {
        return WS_UNSUPPORTED;
    }
    if (f->opcode > WS_BINARY || (f->opcode == 0) != r->in_message) {
        return WS_PROTOCOL_ERROR;
    }
    return f->payload_bytes > r->message.max_bytes - r->message.n ? WS_TOO_BIG : 0;
}

static void unmask(char *out, const char *in, size_t n, const unsigned char mask[4])
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (char)(in[i] ^ mask[i & 3]);
    }
}

bool ws_code_is_valid(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum ws_got fail(struct ws_event *out, int code)
{
    *out = (struct ws_event){.code = code};
    return WS_GOT_FAIL;
}

static enum ws_got read_control(struct ws_reader *r, const struct frame *f, const char *payload,
                                struct ws_event *out)
{
    size_t n = (size_t)f->payload_bytes;
    unmask(r->control, payload, n, f->mask);
    *out = (struct ws_event){.payload = str_make(r->control, n)};
    if (f->opcode != WS_CLOSE) {
        return f->opcode == WS_PING ? WS_GOT_PING : WS_GOT_PONG;
    }
    out->code = n == 0 ? WS_NO_CODE : 0;
    if (n >= 2) {
        out->code = (int)big_endian((const unsigned char *)r->control, 2);
    }
    if (n == 1 || (n >= 2 && !ws_code_is_valid(out->code))) {
        return fail(out, WS_PROTOCOL_ERROR);
    }
    if (n > 2 && !str_is_utf8(str_make(r->control + 2, n - 2))) {
        return fail(out, WS_BAD_DATA);
    }
    return WS_GOT_CLOSE;
}

static enum ws_got read_data(struct ws_reader *r, const struct frame *f, const char *payload,
                             struct ws_event *out)
{
    size_t n = (size_t)f->payload_bytes;
    char *to = buf_reserve(&r->message, n);
    if (!to) {
        return fail(out, WS_TOO_BIG);
    }
    unmask(to, payload, n, f->mask);
    buf_grew(&r->message, n);
    r->in_message = !f->fin;
    if (r->in_message) {
        return WS_GOT_MORE;
    }
    *out = (struct ws_event){.payload = buf_str(&r->message)};
    return str_is_utf8(out->payload) ? WS_GOT_TEXT : fail(out, WS_BAD_DATA);
}

enum ws_got ws_read(struct ws_reader *r, struct str bytes, size_t *out_used,
                    struct ws_event *out_event)
{
    *out_used = 0;
    if (!r->in_message) {
        buf_free(
            &r->message); /* the one handed out last time is done with; idle peers cost little */
    }
    for (;;) {
        struct str rest = str_sub(bytes, *out_used, bytes.n);
        struct frame f;
        int state = read_head(rest, &f);
        if (state == 0) {
            return WS_GOT_MORE;
        }
        int code = state == 1 ? judge_frame(r, &f) : state;
        if (code) {
            return fail(out_event, code);
        }
        if (rest.n - f.head_bytes < f.payload_bytes) {
            return WS_GOT_MORE;
        }
        *out_used += f.head_bytes + (size_t)f.payload_bytes;
        enum ws_got got = f.opcode >= 8 ? read_control(r, &f, rest.p + f.head_bytes, out_event)
                                        : read_data(r, &f, rest.p + f.head_bytes, out_event);
        if (got != WS_GOT_MORE) {
            return got;
        }
    }
}

size_t ws_head_write(char out[WS_HEAD_MAX_BYTES], int opcode, size_t payload_bytes)
{
    out[0] = (char)(0x80 | opcode);
    if (payload_bytes < 126) {
        out[1] = (char)payload_bytes;
        return 2;
    }
    int wide = payload_bytes < 65536 ? 2 : 8;
    out[1] = (char)(wide == 2 ? 126 : 127);
    for (int i = 0; i < wide; i++) {
        out[2 + i] = (char)((uint64_t)payload_bytes >> (8 * (wide - 1 - i)));
    }
    return (size_t)(2 + wide);
}

bool ws_key_is_valid(struct str key)
{
    if (key.n != WS_KEY_BYTES || !str_ends(key, STR("=="))) {
        return false;
    }
    for (size_t i = 0; i < WS_KEY_BYTES - 2; i++) {
        char c = key.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/') {
            return false;
        }
    }
    return true;
}

void ws_accept(struct str key, char out[WS_ACCEPT_BYTES + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[WS_KEY_BYTES + sizeof(guid)] = {0};
    size_t n = key.n < WS_KEY_BYTES ? key.n : WS_KEY_BYTES;
    memcpy(text, key.p, n);
    memcpy(text + n, guid, sizeof(guid) - 1);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    EVP_Digest(text, n + sizeof(guid) - 1, digest, &digest_bytes, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)digest_bytes);
}
