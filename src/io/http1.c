#include "io/http1.h"

#include <string.h>

static bool refuse(struct http1_refusal *out, int status, const char *detail)
{
    *out = (struct http1_refusal){status, detail};
    return false;
}

static bool is_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool http1_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char((unsigned char)s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

bool http1_is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Optional white space is space and tab only; other control characters never pass as such. */
static struct str trim_ows(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = str_sub(s, 1, s.n);
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

bool http1_list_has(struct str list, const char *token)
{
    struct str piece;
    while (str_split(&list, ',', &piece)) {
        if (str_eq_nocase(trim_ows(piece), str_of(token))) {
            return true;
        }
    }
    return false;
}

size_t http1_head_bytes(struct str bytes, size_t *scanned, struct http1_refusal *out_refusal)
{
    if (bytes.n && !is_token_char((unsigned char)bytes.p[0])) {
        refuse(out_refusal, 400, "This is no HTTP request."); /* TLS on a plain port, say */
        return 0;
    }
    while (*scanned < bytes.n) {
        const char *from = bytes.p + *scanned;
        const char *feed = memchr(from, '\n', bytes.n - *scanned);
        if (!feed) {
            *scanned = bytes.n;
            break;
        }
        size_t end = (size_t)(feed - bytes.p);
        if (end == 0 || bytes.p[end - 1] != '\r') {
            refuse(out_refusal, 400, "Lines end with CR LF.");
            return 0;
        }
        *scanned = end + 1;
        if (end >= 3 && bytes.p[end - 2] == '\n') {
            if (end >= SERVER_HEADER_BYTES_MAX) {
                break;
            }
            return end + 1;
        }
    }
    if (bytes.n > HTTP1_LINE_MAX_BYTES && !memchr(bytes.p, '\n', HTTP1_LINE_MAX_BYTES)) {
        refuse(out_refusal, 414, "The request line is too long.");
    } else if (bytes.n > SERVER_HEADER_BYTES_MAX) {
        refuse(out_refusal, 431, "The headers are too large.");
    }
    return 0;
}

/* Cuts a line off `*rest`; the caller knows that every line ends with CR LF. */
static struct str take_line(struct str *rest)
{
    const char *feed = memchr(rest->p, '\n', rest->n);
    size_t n = feed ? (size_t)(feed - rest->p) : rest->n;
    struct str line = str_sub(*rest, 0, n ? n - 1 : 0);
    *rest = str_sub(*rest, n + 1, rest->n);
    return line;
}

static bool read_version(struct str version, struct http1_head *h, struct http1_refusal *out)
{
    if (str_eqz(version, "HTTP/1.1")) {
        h->minor_version = 1;
    } else if (str_eqz(version, "HTTP/1.0")) {
        h->minor_version = 0;
    } else if (version.n == 8 && str_starts(version, STR("HTTP/")) && version.p[6] == '.' &&
               version.p[5] >= '0' && version.p[5] <= '9') {
        return refuse(out, 505, "HTTP/1.1 is spoken here.");
    } else {
        return refuse(out, 400, "The request line is malformed.");
    }
    h->keep_alive = h->minor_version >= 1;
    return true;
}

/* origin-form, or absolute-form without its scheme and authority (RFC 9112 section 3.2). */
static bool read_target(struct str target, struct http1_head *h, struct http1_refusal *out)
{
    for (size_t i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= 0x20 || c == 0x7f || c == '#') {
            return refuse(out, 400, "The request target is malformed.");
        }
    }
    ptrdiff_t scheme = str_find(target, STR("://"));
    if (target.n && target.p[0] != '/' && scheme > 0) {
        struct str name = str_sub(target, 0, (size_t)scheme);
        if (!str_eq_nocase(name, STR("http")) && !str_eq_nocase(name, STR("https"))) {
            return refuse(out, 400, "The request target is malformed.");
        }
        target = str_sub(target, (size_t)scheme + 3, target.n);
        size_t authority = 0;
        while (authority < target.n && !strchr("/?", target.p[authority])) {
            authority++;
        }
        target = str_sub(target, authority, target.n);
        if (authority == 0) {
            return refuse(out, 400, "The request target is malformed.");
        }
        if (target.n == 0 || target.p[0] == '?') {
            h->path = STR("/");
            h->query = str_sub(target, 1, target.n);
            return true;
        }
    }
    if (target.n == 0 || target.p[0] != '/') {
        return refuse(out, 400, "The request target must be a path.");
    }
    ptrdiff_t mark = str_find_char(target, '?');
    h->path = mark < 0 ? target : str_sub(target, 0, (size_t)mark);
    h->query = mark < 0 ? STR("") : str_sub(target, (size_t)mark + 1, target.n);
    if (h->path.n > SERVER_PATH_MAX_BYTES) {
        return refuse(out, 414, "The path is too long.");
    }
    return true;
}

static bool read_request_line(struct str line, struct http1_head *h, struct http1_refusal *out)
{
    ptrdiff_t first = str_find_char(line, ' ');
    if (first <= 0) {
        return refuse(out, 400, "The request line is malformed.");
    }
    h->method = str_sub(line, 0, (size_t)first);
    struct str rest = str_sub(line, (size_t)first + 1, line.n);
    ptrdiff_t second = str_find_char(rest, ' ');
    if (second < 0) {
        return refuse(out, 400, "The request line is malformed.");
    }
    if (!http1_is_token(h->method) || h->method.n > HTTP1_METHOD_MAX_BYTES) {
        return refuse(out, 400, "The method is malformed.");
    }
    if (!read_version(str_sub(rest, (size_t)second + 1, rest.n), h, out)) {
        return false;
    }
    if (str_eqz(h->method, "CONNECT") || str_eqz(h->method, "TRACE")) {
        return refuse(out, 501, "This method is not supported.");
    }
    return read_target(str_sub(rest, 0, (size_t)second), h, out);
}

/* What the headers that frame the message said, gathered before it is judged as a whole. */
struct framing {
    int hosts, lengths, encodings;
    bool chunked, close, keep, upgrade, websocket, bad_expectation;
};

static bool read_length(struct str value, struct http1_head *h, struct http1_refusal *out)
{
    bool digits = value.n > 0 && value.n <= 18;
    for (size_t i = 0; i < value.n; i++) {
        digits = digits && value.p[i] >= '0' && value.p[i] <= '9';
    }
    int64_t length = 0;
    if (!digits || !str_to_i64(value, &length)) {
        return refuse(out, 400, "Content-Length is no number.");
    }
    h->body_length = length;
    return true;
}

static bool note_framing(struct header field, struct framing *f, struct http1_head *h,
                         struct http1_refusal *out)
{
    if (str_eq_nocase(field.name, STR("content-length"))) {
        f->lengths++;
        return read_length(field.value, h, out);
    }
    if (str_eq_nocase(field.name, STR("transfer-encoding"))) {
        f->encodings++;
        f->chunked = str_eq_nocase(field.value, STR("chunked"));
    } else if (str_eq_nocase(field.name, STR("host"))) {
        f->hosts++;
    } else if (str_eq_nocase(field.name, STR("connection"))) {
        f->close = f->close || http1_list_has(field.value, "close");
        f->keep = f->keep || http1_list_has(field.value, "keep-alive");
        f->upgrade = f->upgrade || http1_list_has(field.value, "upgrade");
    } else if (str_eq_nocase(field.name, STR("upgrade"))) {
        f->websocket = f->websocket || http1_list_has(field.value, "websocket");
    } else if (str_eq_nocase(field.name, STR("expect"))) {
        h->expects_continue = str_eq_nocase(field.value, STR("100-continue"));
        f->bad_expectation = !h->expects_continue;
    }
    return true;
}

static bool read_field(struct str line, struct http1_head *h, struct framing *f,
                       struct http1_refusal *out)
{
    if (h->header_count == SERVER_HEADERS_MAX) {
        return refuse(out, 431, "There are too many headers.");
    }
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon <= 0) {
        return refuse(out, 400, "A header line has no name."); /* or continues the one before */
    }
    struct header field = {str_sub(line, 0, (size_t)colon),
                           trim_ows(str_sub(line, (size_t)colon + 1, line.n))};
    if (!http1_is_token(field.name)) {
        return refuse(out, 400, "The name of a header is malformed.");
    }
    if (!http1_is_value(field.value)) {
        return refuse(out, 400, "The value of a header is malformed.");
    }
    h->headers[h->header_count++] = field;
    return note_framing(field, f, h, out);
}

static bool judge_framing(const struct framing *f, struct http1_head *h, struct http1_refusal *out)
{
    if (f->lengths > 1 || f->encodings > 1 || (f->lengths && f->encodings)) {
        return refuse(out, 400, "The length of the body is given twice.");
    }
    if (f->encodings && h->minor_version == 0) {
        return refuse(out, 400, "HTTP/1.0 knows no Transfer-Encoding.");
    }
    if (f->encodings && !f->chunked) {
        return refuse(out, 501, "Only chunked is supported as Transfer-Encoding.");
    }
    if (f->hosts > 1 || (f->hosts == 0 && h->minor_version >= 1)) {
        return refuse(out, 400, "There must be one Host header.");
    }
    if (f->bad_expectation && h->minor_version >= 1) {
        return refuse(out, 417, "Only 100-continue can be expected.");
    }
    if (f->encodings) {
        h->body_length = -1;
    }
    h->keep_alive = !f->close && (h->keep_alive || f->keep);
    h->expects_continue = h->expects_continue && h->minor_version >= 1;
    h->websocket = f->websocket && f->upgrade && h->minor_version >= 1 &&
                   str_eqz(h->method, "GET") && h->body_length == 0;
    return true;
}

bool http1_head_read(struct str head, struct http1_head *out_head,
                     struct http1_refusal *out_refusal)
{
    struct http1_head *h = out_head;
    struct framing f = {0};
    h->header_count = 0;
    h->body_length = 0;
    h->expects_continue = false;
    struct str rest = head;
    if (!read_request_line(take_line(&rest), h, out_refusal)) {
        return false;
    }
    for (struct str line = take_line(&rest); line.n; line = take_line(&rest)) {
        if (!read_field(line, h, &f, out_refusal)) {
            return false;
        }
    }
    return judge_framing(&f, h, out_refusal);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_path(struct str raw, char *out, size_t *out_bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c == '%') {
            int high = i + 1 < raw.n ? hex_digit(raw.p[i + 1]) : -1;
            int low = i + 2 < raw.n ? hex_digit(raw.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
        out[n++] = (char)c;
    }
    *out_bytes = n;
    return str_is_utf8(str_make(out, n));
}

bool http1_path(struct str raw, char *out, size_t *out_bytes)
{
    size_t n = 0;
    if (!decode_path(raw, out, &n) || n == 0 || out[0] != '/') {
        return false;
    }
    struct str rest = str_make(out + 1, n - 1);
    struct str piece;
    size_t at = 1; /* what is kept moves forward; it never reaches what is still to be read */
    while (str_split(&rest, '/', &piece)) {
        bool last = rest.p == NULL;
        if (str_eqz(piece, "..")) {
            return false;
        }
        if (piece.n && !str_eqz(piece, ".")) {
            memmove(out + at, piece.p, piece.n);
            at += piece.n;
            if (!last) {
                out[at++] = '/';
            }
        }
    }
    *out_bytes = at;
    return true;
}

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_END,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
};

static bool chunk_size_char(struct http1_chunks *k, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        k->left = k->left << 4 | (unsigned)digit;
        return ++k->digits <= 8;
    }
    if (k->digits == 0) {
        return false;
    }
    if (c == ';') {
        k->state = CHUNK_EXTENSION;
        return true;
    }
    k->state = CHUNK_SIZE_END;
    return c == '\r';
}

static bool chunk_text_char(struct http1_chunks *k, char c, int at_cr)
{
    if (c == '\r') {
        k->state = at_cr;
        return true;
    }
    return ((unsigned char)c >= 0x20 || c == '\t') && c != 0x7f;
}

/* Everything but data goes byte by byte. False: malformed. */
static bool chunk_char(struct http1_chunks *k, char c)
{
    switch (k->state) {
    case CHUNK_SIZE:
        return ++k->line_bytes <= HTTP1_CHUNK_LINE_MAX_BYTES && chunk_size_char(k, c);
    case CHUNK_EXTENSION:
        return ++k->line_bytes <= HTTP1_CHUNK_LINE_MAX_BYTES &&
               chunk_text_char(k, c, CHUNK_SIZE_END);
    case CHUNK_SIZE_END:
        k->state = k->left ? CHUNK_DATA : CHUNK_TRAILER_START;
        k->line_bytes = 0;
        k->digits = 0;
        return c == '\n';
    case CHUNK_DATA_CR:
        k->state = CHUNK_DATA_LF;
        return c == '\r';
    case CHUNK_DATA_LF:
        k->state = CHUNK_SIZE;
        return c == '\n';
    case CHUNK_TRAILER_START:
        if (c == '\r') {
            k->state = CHUNK_END_LF;
            return true;
        }
        k->state = CHUNK_TRAILER;
        return ++k->line_bytes <= HTTP1_TRAILER_MAX_BYTES && is_token_char((unsigned char)c);
    case CHUNK_TRAILER:
        return ++k->line_bytes <= HTTP1_TRAILER_MAX_BYTES &&
               chunk_text_char(k, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        k->state = CHUNK_TRAILER_START;
        return c == '\n';
    default: /* CHUNK_END_LF */
        k->state = CHUNK_DONE;
        return c == '\n';
    }
}

enum http1_fed http1_chunks_feed(struct http1_chunks *k, struct str bytes, struct buf *body,
                                 size_t *out_used)
{
    size_t at = 0;
    while (at < bytes.n && k->state != CHUNK_DONE) {
        if (k->state == CHUNK_DATA) {
            size_t n = bytes.n - at < k->left ? bytes.n - at : (size_t)k->left;
            if (k->left > body->max_bytes - body->n || !buf_add(body, bytes.p + at, n)) {
                return HTTP1_TOO_LARGE;
            }
            at += n;
            k->left -= n;
            k->state = k->left ? CHUNK_DATA : CHUNK_DATA_CR;
        } else if (!chunk_char(k, bytes.p[at++])) {
            return HTTP1_BAD;
        }
    }
    *out_used = at;
    return k->state == CHUNK_DONE ? HTTP1_DONE : HTTP1_MORE;
}
