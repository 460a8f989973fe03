/* Base64 (RFC 4648): standard with padding, and the URL alphabet without. Reading is strict: no
 * white space, no stray bits. Hexadecimal too. Results lie in the arena. Pure. */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include "base/arena.h"
#include "base/str.h"

struct str base64_encode(struct arena *a, struct str bytes);
struct str base64_encode_url(struct arena *a, struct str bytes);
bool base64_decode(struct arena *a, struct str text, struct str *out_bytes);
bool base64_decode_url(struct arena *a, struct str text,
                       struct str *out_bytes); /* padding or none */

struct str base64_to_hex(struct arena *a, struct str bytes);                   /* lower case */
bool base64_from_hex(struct arena *a, struct str text, struct str *out_bytes); /* either case */

#endif
