/* The requests of llhttp's own test-suite, sent to a running server. */
#include "unit/io/wire.h"

#include <openssl/evp.h>

enum { LINE_BYTES = 1 << 16 };

/* Where this server differs from llhttp, and why. `last`: the status of the last answer. */
struct difference {
    const char *title, *why;
    int last;
};

static const struct difference differences[] = {
    {"No restart when keep-alive is off", "what follows the last request is not looked at", 200},
    {"folding and LWS", "an upgrade nobody takes is a request like any; half a one follows", 408},
    {"Upgrade POST request", "an upgrade nobody takes is a request like any; half a one follows",
     408},
    {"ANNOUNCE method", "methods are the router's matter", 200},
    {"Invalid method", "methods are the router's matter", 200},
    {"No extension after semicolon", "extensions are skipped unread", 200},
    {"Unbalanced chunk extensions quoting", "extensions are skipped unread", 408},
    {"SOURCE request with ICE", "HTTP only", 400},
    {"ANNOUNCE request with RTSP", "HTTP only", 400},
    {"No HTTP version", "HTTP/0.9 is not spoken", 400},
    {"as last transfer-encoding", "a fragment in the target", 400},
};

static const struct difference *difference_of(const char *title)
{
    for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
        if (strstr(title, differences[i].title)) {
            return &differences[i];
        }
    }
    return NULL;
}

/* The value of a string field; enough for this file, whose raw_b64 holds no escapes. */
static bool field(const char *line, const char *name, char *out, size_t size)
{
    char mark[40];
    snprintf(mark, sizeof(mark), "\"%s\": \"", name);
    const char *at = strstr(line, mark);
    if (!at) {
        return false;
    }
    at += strlen(mark);
    size_t n = 0;
    for (; at[n] && at[n] != '"' && n + 1 < size; n++) {
        out[n] = at[n];
    }
    out[n] = 0;
    return true;
}

static size_t decode(const char *b64, unsigned char *out)
{
    size_t n = strlen(b64);
    int bytes = EVP_DecodeBlock(out, (const unsigned char *)b64, (int)n);
    assert_true(bytes >= 0);
    while (n && b64[--n] == '=') {
        bytes--;
    }
    return (size_t)bytes;
}

/* Most of the requests leave out Host, which 1.1 demands: with it, the rest is what is tested. */
static void add_host(struct buf *b, const unsigned char *raw, size_t n)
{
    struct str rest = str_make((const char *)raw, n);
    ptrdiff_t end = str_find(rest, STR(" HTTP/1.1\r\n"));
    bool has_host = str_find(rest, STR("Host:")) >= 0;
    if (end < 0 || has_host) {
        buf_add_str(b, rest);
        return;
    }
    buf_add(b, raw, (size_t)end + 11);
    buf_add_str(b, STR("Host: test\r\n"));
    buf_add(b, raw + end + 11, n - (size_t)end - 11);
    ptrdiff_t second = str_find(str_sub(buf_str(b), (size_t)end + 30, b->n), STR(" HTTP/1.1\r\n"));
    if (second >= 0 && b->n > 20) {
        char tail[4096];
        size_t at = (size_t)second + (size_t)end + 30 + 11;
        size_t left = b->n - at;
        memcpy(tail, b->p + at, left);
        b->n = at;
        buf_add_str(b, STR("Host: test\r\n"));
        buf_add(b, tail, left);
    }
}

/* The status of the last answer; the connection always ends, by a refusal or by a timer. */
static int last_status(const struct wire *w, struct str request)
{
    int fd = wire_connect(w);
    struct buf b = wire_buf();
    wire_send(fd, request.p, request.n);
    wire_to_end(fd, &b);
    int status = 0;
    for (char *at = b.p; at && (at = strstr(at, "HTTP/1.1 ")); at++) {
        status = strncmp(at + 9, "is spoken", 9) == 0 ? status : atoi(at + 9);
    }
    buf_free(&b);
    close(fd);
    return status;
}

static void check_line(const struct wire *w, const char *line)
{
    static unsigned char raw[LINE_BYTES];
    static char b64[LINE_BYTES], title[512], expect[16];
    assert_true(field(line, "raw_b64", b64, sizeof(b64)));
    assert_true(field(line, "title", title, sizeof(title)));
    assert_true(field(line, "expect", expect, sizeof(expect)));
    size_t n = decode(b64, raw);
    last_status(w, str_make((const char *)raw, n)); /* as it is: it must be survived */
    struct buf b = wire_buf();
    add_host(&b, raw, n);
    int status = last_status(w, buf_str(&b));
    buf_free(&b);
    const struct difference *d = difference_of(title);
    bool fine;
    if (d) {
        fine = status == d->last;
    } else if (strcmp(expect, "ok") == 0) {
        fine = status == 200 || status == 408; /* some leave their body out */
    } else {
        fine = status >= 400 && status < 600 && status != 500;
    }
    if (!fine) {
        fail_msg("%s: expected %s, last status %d", title, expect, status);
    }
}

static void test_llhttp_requests(void **state)
{
    (void)state;
    const char *data = getenv("RAPPORT_DATA");
    char path[512];
    snprintf(path, sizeof(path), "%s/conformance/http1_llhttp/requests.jsonl",
             data ? data : "../shared/data");
    FILE *f = fopen(path, "re");
    if (!f) {
        skip();
    }
    struct wire *w = wire_start(&(struct server_config){
        .header_timeout_ms = 40, .body_timeout_ms = 40, .idle_timeout_ms = 40});
    char *line = malloc(LINE_BYTES);
    int lines = 0;
    while (fgets(line, LINE_BYTES, f)) {
        check_line(w, line);
        lines++;
    }
    assert_true(lines > 20);
    assert_int_equal(wire_status(w, "GET / HTTP/1.1\r\nHost: t\r\n\r\n"), 200);
    free(line);
    fclose(f);
    wire_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_llhttp_requests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
