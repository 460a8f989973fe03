#include "io/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct tls {
    SSL_CTX *ctx;
};

struct tls_session {
    SSL *ssl;
    bool failed;
};

/* HTTP/1.1 is all that is spoken; a client that offers other protocols only is still served it. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *in, unsigned in_n, void *arg)
{
    (void)ssl;
    (void)arg;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum err refuse(struct ctx *c, SSL_CTX *ctx, const char *what, const char *path)
{
    char reason[160] = "";
    ERR_error_string_n(ERR_peek_error(), reason, sizeof(reason));
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return ctx_fail(c, E_INVALID, "%s %s cannot be used: %s", what, path, reason);
}

enum err tls_new(struct ctx *c, const char *cert_path, const char *key_path, struct tls **out_tls)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx) {
        return ctx_fail(c, E_INTERNAL, "TLS is not available");
    }
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
        return refuse(c, ctx, "The certificate", cert_path);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return refuse(c, ctx, "The key", key_path);
    }
    struct tls *t = mem_new(sizeof(*t));
    t->ctx = ctx;
    *out_tls = t;
    return E_OK;
}

void tls_free(struct tls **t)
{
    if (*t) {
        SSL_CTX_free((*t)->ctx);
        free(*t);
        *t = NULL;
    }
}

struct tls_session *tls_session_new(struct tls *t, int fd)
{
    SSL *ssl = SSL_new(t->ctx);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    struct tls_session *s = mem_new(sizeof(*s));
    s->ssl = ssl;
    return s;
}

void tls_session_free(struct tls_session **s)
{
    if (*s) {
        SSL_free((*s)->ssl);
        free(*s);
        *s = NULL;
    }
}

/* What a call that moved nothing came to. OpenSSL's error queue is per thread and left empty. */
static int outcome(struct tls_session *s, int rc)
{
    int error = SSL_get_error(s->ssl, rc);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_EOF;
    default:
        s->failed = true;
        return TLS_FAILED;
    }
}

int tls_handshake(struct tls_session *s)
{
    int rc = SSL_do_handshake(s->ssl);
    return rc == 1 ? 1 : outcome(s, rc);
}

int tls_read(struct tls_session *s, void *out, size_t size_bytes)
{
    int rc = SSL_read(s->ssl, out, size_bytes > INT_MAX ? INT_MAX : (int)size_bytes);
    return rc > 0 ? rc : outcome(s, rc);
}

int tls_write(struct tls_session *s, const void *p, size_t n)
{
    int rc = SSL_write(s->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
    return rc > 0 ? rc : outcome(s, rc);
}

void tls_shutdown(struct tls_session *s)
{
    if (!s->failed && SSL_is_init_finished(s->ssl)) {
        SSL_shutdown(s->ssl);
        ERR_clear_error();
    }
}
