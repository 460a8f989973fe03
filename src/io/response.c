#include "io/response.h"

#include <stdio.h>
#include <time.h>

#include "base/err.h"
#include "io/http1.h"

struct reason {
    int status;
    const char *text;
};

static const char *reason_of(int status)
{
    static const struct reason rows[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].status == status) {
            return rows[i].text;
        }
    }
    return "Other";
}

/* IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale. */
static void write_date(struct buf *b, int64_t now_ms)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm t;
    gmtime_r(&seconds, &t);
    buf_addf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday], t.tm_mday,
             months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* These frame the message, or say that it is a stream: they are the server's. */
static bool is_own_header(struct str name, bool stream)
{
    static const char *const always[] = {"content-length", "transfer-encoding",   "connection",
                                         "date",           "keep-alive",          "upgrade",
                                         "trailer",        "sec-websocket-accept"};
    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
        if (str_eq_nocase(name, str_of(always[i]))) {
            return true;
        }
    }
    return stream &&
           (str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("cache-control")));
}

static bool write_headers(const struct response_out *out, bool stream, struct buf *b)
{
    for (int i = 0; i < out->header_count && i < RESPONSE_HEADERS_MAX; i++) {
        const struct header *h = &out->headers[i];
        if (!http1_is_token(h->name) || !http1_is_value(h->value)) {
            return false;
        }
        if (!is_own_header(h->name, stream)) {
            buf_add_str(b, h->name);
            buf_add(b, ": ", 2);
            buf_add_str(b, h->value);
            buf_add(b, "\r\n", 2);
        }
    }
    return !b->overflow;
}

static void write_start(struct buf *b, int status, const struct response_frame *frame)
{
    buf_addf(b, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    write_date(b, frame->now_ms);
}

static void write_connection(struct buf *b, const struct response_frame *frame)
{
    if (frame->last) {
        buf_add_str(b, STR("Connection: close\r\n"));
    } else if (frame->minor_version == 0) {
        buf_add_str(b, STR("Connection: keep-alive\r\n"));
    }
}

bool response_write(const struct response_out *out, const struct response_frame *frame,
                    struct buf *reply, struct str *out_static)
{
    if (out->status < 200 || out->status > 599) {
        return false;
    }
    struct buf b = buf_make(RESPONSE_HEAD_MAX_BYTES + out->body.n);
    write_start(&b, out->status, frame);
    if (!write_headers(out, false, &b)) {
        buf_free(&b);
        return false;
    }
    bool bare = out->status == 204 || out->status == 304;
    if (!bare) {
        buf_addf(&b, "Content-Length: %zu\r\n", out->body.n);
    }
    write_connection(&b, frame);
    buf_add(&b, "\r\n", 2);
    struct str behind = {"", 0};
    if (!bare && !frame->head_only && out->body.n) {
        if (out->body_is_static) {
            behind = out->body;
        } else {
            buf_add_str(&b, out->body);
        }
    }
    *reply = b;
    *out_static = behind;
    return true;
}

bool response_stream_write(const struct response_out *out, const struct response_frame *frame,
                           struct str ws_accept, struct buf *reply)
{
    struct buf b = buf_make(RESPONSE_HEAD_MAX_BYTES);
    write_start(&b, ws_accept.n ? 101 : 200, frame);
    if (!write_headers(out, true, &b)) {
        buf_free(&b);
        return false;
    }
    if (ws_accept.n) {
        buf_addf(&b, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n",
                 STR_ARG(ws_accept));
    } else {
        buf_add_str(&b, STR("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                            "X-Accel-Buffering: no\r\n"));
        buf_add_str(&b,
                    frame->minor_version >= 1 ? STR("Transfer-Encoding: chunked\r\n") : STR(""));
        buf_add_str(&b, STR("Connection: close\r\n"));
    }
    buf_add(&b, "\r\n", 2);
    *reply = b;
    return true;
}

static const char *code_of(int status)
{
    if (status == 505 || status == 501 || status == 417) {
        return "unsupported";
    }
    if (status == 414 || status == 431) {
        return "too_large";
    }
    return err_name(err_from_http(status));
}

/* All texts here are our own and need no escaping. */
void response_problem_write(int status, const char *detail, const char *request_id,
                            const struct response_frame *frame, struct buf *reply)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\","
                     "\"detail\":\"%s\",\"request_id\":\"%s\"}",
                     reason_of(status), status, code_of(status), detail, request_id);
    struct buf b = buf_make(RESPONSE_HEAD_MAX_BYTES);
    write_start(&b, status, frame);
    buf_addf(&b, "Content-Type: application/problem+json\r\nContent-Length: %d\r\n", n);
    if (status == 503) {
        buf_add_str(&b, STR("Retry-After: 1\r\n"));
    }
    write_connection(&b, frame);
    buf_add(&b, "\r\n", 2);
    if (!frame->head_only) {
        buf_add(&b, body, (size_t)n);
    }
    *reply = b;
}

void response_header(struct response_out *out, const char *name, struct str value)
{
    if (out->header_count < RESPONSE_HEADERS_MAX) {
        out->headers[out->header_count++] = (struct header){str_of(name), value};
    }
}
