/* The server behind TLS, with a certificate made for the test. */
#include "unit/io/wire.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/client.h"

struct identity {
    char folder[64], cert[96], key[96], other_key[96];
};

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

static void write_cert(const char *path, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"rapport test", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_set_pubkey(cert, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    fclose(f);
    X509_free(cert);
}

static struct identity identity_make(void)
{
    struct identity id = {.folder = "/tmp/rapport-tls-XXXXXX"};
    assert_non_null(mkdtemp(id.folder));
    snprintf(id.cert, sizeof(id.cert), "%s/cert.pem", id.folder);
    snprintf(id.key, sizeof(id.key), "%s/key.pem", id.folder);
    snprintf(id.other_key, sizeof(id.other_key), "%s/other.pem", id.folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    write_key(id.key, key);
    write_key(id.other_key, other);
    write_cert(id.cert, key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return id;
}

static void identity_remove(const struct identity *id)
{
    unlink(id->cert);
    unlink(id->key);
    unlink(id->other_key);
    rmdir(id->folder);
}

static struct wire *start_tls(const struct identity *id)
{
    return wire_start(&(struct server_config){
        .tls_cert = id->cert, .tls_key = id->key, .header_timeout_ms = 2000});
}

static struct request_out ask(const struct wire *w, struct ctx *c, const char *path)
{
    return (struct request_out){
        .method = "GET",
        .url = str_fmt(c->arena, "https://127.0.0.1:%d%s", server_port(w->server), path),
        .allow_private = true,
    };
}

static void test_requests_over_tls(void **state)
{
    (void)state;
    struct identity id = identity_make();
    struct wire *w = start_tls(&id);
    struct client *cl = client_new(&w->at, 0);
    client_trust(cl, id.cert);
    struct facilities at = w->at;
    at.client = cl;
    struct ctx *c = ctx_new(&at, 64 << 20);
    struct response_in answer;
    struct request_out get = ask(w, c, "/echo?secure");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(client_send(c, &get, &answer), E_OK);
        assert_true(str_starts(answer.body, STR("GET /echo ? secure from 127.0.0.1\n")));
    }
    wire_wait_connections(w, 1); /* kept and used again */
    get = ask(w, c, "/static");
    assert_int_equal(client_send(c, &get, &answer), E_OK);
    assert_int_equal(answer.body.n, WIRE_STATIC_BYTES);
    assert_memory_equal(answer.body.p, w->big, WIRE_STATIC_BYTES);
    struct request_out post = ask(w, c, "/echo");
    post.method = "POST";
    post.body = str_make(w->big, 1 << 20);
    assert_int_equal(client_send(c, &post, &answer), E_OK);
    assert_true(str_ends(answer.body, post.body));
    ctx_free(&c);
    client_free(&cl);
    wire_stop(w);
    identity_remove(&id);
}

static void test_unknown_certificate_is_refused(void **state)
{
    (void)state;
    struct identity id = identity_make();
    struct wire *w = start_tls(&id);
    struct facilities at = w->at;
    at.client = client_new(&w->at, 0);
    struct ctx *c = ctx_new(&at, 1 << 20);
    struct response_in answer;
    struct request_out get = ask(w, c, "/");
    assert_int_equal(client_send(c, &get, &answer), E_UNAVAILABLE);
    assert_non_null(strstr(c->fault.text, "certificate"));
    ctx_free(&c);
    client_free(&at.client);
    wire_stop(w);
    identity_remove(&id);
}

/* A bare TLS client. */
struct pipe_end {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct pipe_end tls_connect(const struct wire *w, int max_version, bool *out_connected)
{
    struct pipe_end p = {SSL_CTX_new(TLS_client_method()), NULL, wire_connect(w)};
    SSL_CTX_set_security_level(p.ctx, 0); /* so that old versions are really offered */
    SSL_CTX_set_max_proto_version(p.ctx, max_version);
    p.ssl = SSL_new(p.ctx);
    SSL_set_fd(p.ssl, p.fd);
    *out_connected = SSL_connect(p.ssl) == 1;
    ERR_clear_error();
    return p;
}

static void pipe_close(struct pipe_end *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    close(p->fd);
}

static void read_exactly(struct pipe_end *p, char *out, size_t n)
{
    for (size_t at = 0; at < n;) {
        int got = SSL_read(p->ssl, out + at, (int)(n - at));
        assert_true(got > 0);
        at += (size_t)got;
    }
}

static void test_websocket_over_tls(void **state)
{
    (void)state;
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct identity id = identity_make();
    struct wire *w = start_tls(&id);
    bool connected = false;
    struct pipe_end p = tls_connect(w, TLS1_3_VERSION, &connected);
    assert_true(connected);
    SSL_write(p.ssl, upgrade, sizeof(upgrade) - 1);
    char text[1024] = "";
    for (size_t n = 0; !strstr(text, "\r\n\r\n"); n++) {
        read_exactly(&p, text + n, 1);
    }
    assert_non_null(strstr(text, "HTTP/1.1 101 "));
    for (int i = 0; i < 20; i++) {
        SSL_write(p.ssl, "\x81\x82\0\0\0\0hi", 8);
        read_exactly(&p, text, 4);
        assert_memory_equal(text, "\x81\x02hi", 4);
    }
    SSL_write(p.ssl, "\x88\x82\0\0\0\0\x03\xe8", 8);
    read_exactly(&p, text, 4);
    assert_memory_equal(text, "\x88\x02\x03\xe8", 4);
    assert_int_equal(SSL_read(p.ssl, text, 1), 0);
    assert_int_equal(SSL_get_error(p.ssl, 0), SSL_ERROR_ZERO_RETURN); /* a proper goodbye */
    pipe_close(&p);
    wire_stop(w);
    identity_remove(&id);
}

static void test_old_and_other_protocols(void **state)
{
    (void)state;
    struct identity id = identity_make();
    struct wire *w = start_tls(&id);
    bool connected = true;
    struct pipe_end p = tls_connect(w, TLS1_1_VERSION, &connected);
    assert_false(connected);
    pipe_close(&p);
    p = tls_connect(w, TLS1_2_VERSION, &connected);
    assert_true(connected);
    pipe_close(&p);
    int plain = wire_connect(w);
    struct buf b = wire_buf();
    wire_say(plain, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    wire_to_end(plain, &b);
    assert_null(strstr(b.n ? b.p : "", "HTTP/1.1"));
    close(plain);
    int mute = wire_connect(w); /* never begins its handshake */
    buf_clear(&b);
    wire_to_end(mute, &b);
    close(mute);
    buf_free(&b);
    wire_stop(w);
    identity_remove(&id);
}

static void test_key_must_belong_to_the_certificate(void **state)
{
    (void)state;
    struct identity id = identity_make();
    struct facilities at = {.clock = clock_new()};
    struct ctx *c = ctx_new(&at, 1 << 20);
    struct server_handler handler = {.on_request = wire_on_request};
    struct server *s = NULL;
    struct server_config config = {.tls_cert = id.cert, .tls_key = id.other_key};
    assert_int_equal(server_start(c, &config, &handler, &s), E_INVALID);
    assert_non_null(strstr(c->fault.text, id.other_key));
    config.tls_cert = id.key; /* no certificate at all */
    assert_int_equal(server_start(c, &config, &handler, &s), E_INVALID);
    assert_non_null(strstr(c->fault.text, id.key));
    ctx_free(&c);
    clock_free(&at.clock);
    identity_remove(&id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_over_tls),
        cmocka_unit_test(test_unknown_certificate_is_refused),
        cmocka_unit_test(test_websocket_over_tls),
        cmocka_unit_test(test_old_and_other_protocols),
        cmocka_unit_test(test_key_must_belong_to_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
