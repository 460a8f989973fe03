/* URLs (RFC 3986) with a host, percent encoding, and application/x-www-form-urlencoded. Results lie
 * in the arena or point into the input. Pure. */
#ifndef CODEC_URL_H
#define CODEC_URL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { URL_MAX_BYTES = 8192, URL_PAIRS_MAX = 256 };

struct url {
    struct str scheme; /* lower case */
    struct str user;   /* user:password as written, usually empty; for refusing */
    struct str host;   /* lower case; an IPv6 address without its brackets */
    bool host_is_ipv6;
    int port;            /* the scheme's default when not given (http, https, ws, wss); else 0 */
    struct str path;     /* as written, "/" when empty */
    struct str query;    /* without ?, as written */
    struct str fragment; /* without #, as written */
};

struct url_pair {
    struct str name;
    struct str value;
};

struct url_form {
    const struct url_pair *pairs;
    size_t count;
};

/* Absolute URLs only. E_INVALID: control characters, white space, no scheme or host, bad port, bad
 * percent sequence. E_TOO_LARGE. */
enum err url_parse(struct arena *a, struct str text, struct url *out_url);
struct str url_write(struct arena *a, const struct url *u);
/* Whether text is an absolute http or https URL. */
bool url_is_web(struct str text);

/* Everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays when `keep_slash`. */
struct str url_encode(struct arena *a, struct str text, bool keep_slash);
/* False on a bad sequence, or on NUL. '+' stays '+'. */
bool url_decode(struct arena *a, struct str text, struct str *out_text);

/* A query or a form body: '+' is a space. Values must be UTF-8. E_INVALID, E_TOO_LARGE. */
enum err url_form_parse(struct arena *a, struct str text, struct url_form *out_form);
/* The first value of the name, or the fallback. */
struct str url_form_get(const struct url_form *f, const char *name, struct str fallback);
bool url_form_has(const struct url_form *f, const char *name);
/* Appends name=value, with & before it unless the buffer is empty. */
void url_form_add(struct buf *b, struct str name, struct str value);

#endif
