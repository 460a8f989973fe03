/* TLS 1.2 and 1.3 for the server, over non-blocking sockets. Loop code; a session belongs to the
 * loop that serves its connection. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stddef.h>

#include "base/ctx.h"

struct tls;
struct tls_session;

/* Certificate chain and key, PEM files. E_INVALID names the file at fault. */
enum err tls_new(struct ctx *c, const char *cert_path, const char *key_path, struct tls **out_tls);
void tls_free(struct tls **t);

/* fd stays the caller's. NULL when there is no memory for it. */
struct tls_session *tls_session_new(struct tls *t, int fd);
void tls_session_free(struct tls_session **s);

/* What a call came to besides a number of bytes. The two WANTs may come from either direction. */
enum { TLS_EOF = 0, TLS_WANT_READ = -1, TLS_WANT_WRITE = -2, TLS_FAILED = -3 };

/* 1 when done, TLS_WANT_..., TLS_FAILED. */
int tls_handshake(struct tls_session *s);
/* Bytes moved (> 0), TLS_EOF (read only), TLS_WANT_..., TLS_FAILED. */
int tls_read(struct tls_session *s, void *out, size_t size_bytes);
int tls_write(struct tls_session *s, const void *p, size_t n);
/* Says goodbye, as far as that goes without waiting. */
void tls_shutdown(struct tls_session *s);

#endif
