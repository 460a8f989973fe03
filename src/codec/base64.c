#include "codec/base64.h"

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char FOR_URLS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct str encode(struct arena *a, struct str bytes, const char *digits, bool pad)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *text = arena_alloc(a, (bytes.n + 2) / 3 * 4 + 1), *out = text;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                         (left > 2 ? p[i + 2] : 0);
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        if (left > 1 || pad) {
            *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
        }
        if (left > 2 || pad) {
            *out++ = left > 2 ? digits[group & 63] : '=';
        }
    }
    return str_make(text, (size_t)(out - text));
}

struct str base64_encode(struct arena *a, struct str bytes)
{
    return encode(a, bytes, STANDARD, true);
}

struct str base64_encode_url(struct arena *a, struct str bytes)
{
    return encode(a, bytes, FOR_URLS, false);
}

static int digit_of(char c, bool url)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == (url ? '-' : '+') ? 62 : c == (url ? '_' : '/') ? 63 : -1;
}

/* `text` without padding. The bits left over at the end must be zero, so that every value has
 * exactly one text. */
static bool decode(struct arena *a, struct str text, bool url, struct str *out_bytes)
{
    if (text.n % 4 == 1) {
        return false;
    }
    unsigned char *bytes = arena_alloc(a, text.n / 4 * 3 + 4);
    size_t n = 0;
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(text.p[i], url);
        if (digit < 0) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)digit) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[n++] = (unsigned char)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1)) {
        return false;
    }
    *out_bytes = str_make((const char *)bytes, n);
    return true;
}

static struct str without_padding(struct str text)
{
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++) {
        text.n--;
    }
    return text;
}

bool base64_decode(struct arena *a, struct str text, struct str *out_bytes)
{
    return text.n % 4 == 0 && decode(a, without_padding(text), false, out_bytes);
}

bool base64_decode_url(struct arena *a, struct str text, struct str *out_bytes)
{
    struct str bare = without_padding(text);
    return (bare.n == text.n || text.n % 4 == 0) && decode(a, bare, true, out_bytes);
}

struct str base64_to_hex(struct arena *a, struct str bytes)
{
    char *text = arena_alloc(a, bytes.n * 2 + 1);
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        text[2 * i] = "0123456789abcdef"[c >> 4];
        text[2 * i + 1] = "0123456789abcdef"[c & 15];
    }
    return str_make(text, bytes.n * 2);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool base64_from_hex(struct arena *a, struct str text, struct str *out_bytes)
{
    if (text.n % 2) {
        return false;
    }
    char *bytes = arena_alloc(a, text.n / 2 + 1);
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *out_bytes = str_make(bytes, text.n / 2);
    return true;
}
