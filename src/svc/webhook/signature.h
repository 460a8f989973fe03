/* How services outside sign what they send us, a const row each: which header holds the signature,
 * which bytes are signed, by what algorithm, how it is written and how old it may be. A new service
 * is a row. Facts: the vendors' documents and SDKs as collected in docs/webhooks.md; Standard
 * Webhooks (standardwebhooks.com). Nothing is parsed before its signature was compared, and that is
 * done in constant time. Pure. */
#ifndef SVC_WEBHOOK_SIGNATURE_H
#define SVC_WEBHOOK_SIGNATURE_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "io/client.h" /* struct header */

enum {
    SIGNATURE_VALUES_MAX = 16, /* signatures of one request that are looked at */
    SIGNATURE_SIGNS_MAX_BYTES = 200,
    SIGNATURE_TOLERANCE_MAX_S = 24 * 3600,
};

enum signature_algorithm {
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_ED25519,
    SIGNATURE_ECDSA, /* P-256, SHA-256, DER */
    SIGNATURE_TOKEN  /* no signature: the header repeats the secret */
};
enum signature_encoding { SIGNATURE_HEX, SIGNATURE_BASE64 };
enum signature_form {
    SIGNATURE_VALUE,   /* the header is the signature, after an optional prefix */
    SIGNATURE_PAIRS,   /* t=1,v1=ab,v1=cd */
    SIGNATURE_LIST,    /* v1,ab v1,cd */
    SIGNATURE_NUMBERED /* X-Thing-1, X-Thing-2 ... */
};
enum signature_key {
    SIGNATURE_KEY_TEXT,   /* the secret's bytes as they are */
    SIGNATURE_KEY_BASE64, /* base64, after an optional prefix whsec_ */
};
/* How a service makes sure that an address is ours. */
enum signature_handshake {
    SIGNATURE_NO_HANDSHAKE,
    SIGNATURE_META,     /* GET with hub.challenge and our hub.verify_token */
    SIGNATURE_LINKEDIN, /* GET with challengeCode, answered with its HMAC */
    SIGNATURE_SLACK     /* signed POST of type url_verification */
};

struct signature_scheme {
    const char *name, *title;
    const char *header;
    enum signature_form form;
    const char *label;       /* PAIRS, LIST: what names a signature */
    const char *time_label;  /* PAIRS: what names the time; NULL: none */
    const char *prefix;      /* VALUE: stands before it; NULL: nothing */
    bool prefix_may_lack;    /* ... or not */
    const char *time_header; /* NULL: none */
    const char *id_header;   /* the sender's id of the event; NULL: none */
    const char *id_path;     /* the same, jq over the body; NULL: none */
    /* What kind of event it is, where no signed byte says so: one body may come as several. */
    const char *kind_header;
    /* Text and {id} {timestamp} {method} {url} {form} {body}. */
    const char *signs;
    enum signature_algorithm algorithm;
    enum signature_encoding encoding;
    enum signature_key key;
    enum signature_handshake handshake;
    int tolerance_s; /* 0: it names no time */
};

/* The table, in the order of the reference; NULL past the last. */
const struct signature_scheme *signature_at(int index);
const struct signature_scheme *signature_find(struct str name); /* NULL: none */

/* The scheme "generic" with what an org said of its sender: {header, prefix?, algorithm?:
 * sha256|sha1, encoding?: hex|base64, timestamp_header?, signs?}. Texts are copied. E_INVALID: see
 * out_fault. */
struct signature_fault {
    const char *field;
    char text[160];
};
enum err signature_generic(struct arena *a, const struct json *options,
                           struct signature_scheme *out, struct signature_fault *out_fault);

/* The key that the text of a secret stands for. E_INVALID: it is none for this scheme. */
enum err signature_read_key(struct arena *a, const struct signature_scheme *s, struct str secret,
                            struct str *out_key);

/* A request as it came. */
struct signature_request {
    struct str method;
    struct str url;   /* absolute, as the sender knows it, with its query */
    struct str query; /* raw */
    const struct header *headers;
    int header_count;
    struct str body; /* the exact bytes */
    int64_t now_ms;
};
struct str signature_header(const struct signature_request *r, const char *name);
bool signature_is_form(const struct signature_request *r); /* x-www-form-urlencoded */

/* Where the sender's id of the event (id_header) is not among what is signed: a digest of what is,
 * but for the address, and of the kind of event; each copy of the request has the same, whatever
 * its id says. Else empty. Of a request whose signature is good. */
struct str signature_digest(struct arena *a, const struct signature_scheme *s,
                            const struct signature_request *r);

enum signature_verdict {
    SIGNATURE_GOOD,
    SIGNATURE_MISSING, /* a header it needs is not there, or cannot be read */
    SIGNATURE_WRONG,
    SIGNATURE_STALE /* good, but older or newer than the tolerance */
};
/* Any of the keys may fit: old and new while a secret is changed. */
enum signature_verdict signature_check(struct arena *a, const struct signature_scheme *s,
                                       const struct signature_request *r, const struct str *keys,
                                       int key_count);

#endif
