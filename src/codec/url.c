#include "codec/url.h"

#include <string.h>

enum { URL_PORT_MAX = 65535 };

/* Character classes of RFC 3986 */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex_of(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "%XX" at `at` stands for, or -1. */
static int percent_at(struct str s, size_t at)
{
    if (at + 2 >= s.n || hex_of(s.p[at + 1]) < 0 || hex_of(s.p[at + 2]) < 0) {
        return -1;
    }
    return hex_of(s.p[at + 1]) << 4 | hex_of(s.p[at + 2]);
}

/* Printable ASCII that no URL may hold as it is. */
static bool is_allowed(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c);
}

static bool has_only_allowed(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_allowed(s.p[i]) || (s.p[i] == '%' && percent_at(s, i) < 0)) {
            return false;
        }
    }
    return true;
}

static bool is_scheme(struct str s)
{
    if (s.n == 0 || s.n > 32 || !is_alpha(s.p[0])) {
        return false;
    }
    for (size_t i = 1; i < s.n; i++) {
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && !strchr("+-.", s.p[i])) {
            return false;
        }
    }
    return true;
}

/* An address in brackets: hex digits, colons and dots; what it means is for the resolver to say. */
static bool is_ipv6(struct str s)
{
    bool colon = false;
    for (size_t i = 0; i < s.n; i++) {
        colon = colon || s.p[i] == ':';
        if (hex_of(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.') {
            return false;
        }
    }
    return colon && s.n >= 2 && s.n <= 45;
}

static bool is_host(struct str s)
{
    if (s.n == 0 || s.n > 255) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (!is_unreserved(s.p[i])) {
            return false;
        }
    }
    return true;
}

static int default_port(struct str scheme)
{
    if (str_eqz(scheme, "https") || str_eqz(scheme, "wss")) {
        return 443;
    }
    return str_eqz(scheme, "http") || str_eqz(scheme, "ws") ? 80 : 0;
}

static bool read_port(struct str text, int *out_port)
{
    int64_t port;
    if (text.n == 0) {
        return true; /* "host:" means the default */
    }
    if (!is_digit(text.p[0]) || text.n > 5 || !str_to_i64(text, &port) || port > URL_PORT_MAX ||
        port == 0) {
        return false;
    }
    *out_port = (int)port;
    return true;
}

static bool read_authority(struct arena *a, struct str text, struct url *u)
{
    for (size_t i = text.n; i > 0; i--) {
        if (text.p[i - 1] == '@') {
            u->user = str_sub(text, 0, i - 1);
            text = str_sub(text, i, text.n);
            break;
        }
    }
    struct str host = text;
    if (str_starts(text, STR("["))) {
        ptrdiff_t end = str_find_char(text, ']');
        if (end < 0) {
            return false;
        }
        host = str_sub(text, 1, (size_t)end - 1);
        text = str_sub(text, (size_t)end + 1, text.n);
        u->host_is_ipv6 = true;
    } else {
        ptrdiff_t colon = str_find_char(text, ':');
        host = str_sub(text, 0, colon < 0 ? text.n : (size_t)colon);
        text = str_sub(text, host.n, text.n);
    }
    u->host = str_lower(a, host);
    bool good = u->host_is_ipv6 ? is_ipv6(host) : is_host(host);
    return good && (text.n == 0 ||
                    (text.p[0] == ':' && read_port(str_sub(text, 1, 6), &u->port) && text.n <= 6));
}

/* Cuts what follows the first `mark` off `*text`. */
static struct str cut_after(struct str *text, char mark)
{
    ptrdiff_t at = str_find_char(*text, mark);
    if (at < 0) {
        return str_make("", 0);
    }
    struct str tail = str_sub(*text, (size_t)at + 1, text->n);
    *text = str_sub(*text, 0, (size_t)at);
    return tail;
}

enum err url_parse(struct arena *a, struct str text, struct url *out_url)
{
    if (text.n > URL_MAX_BYTES) {
        return E_TOO_LARGE;
    }
    ptrdiff_t colon = str_find(text, STR("://"));
    if (colon < 0 || !has_only_allowed(text) || !is_scheme(str_sub(text, 0, (size_t)colon))) {
        return E_INVALID;
    }
    struct url u = {.scheme = str_lower(a, str_sub(text, 0, (size_t)colon)), .user = STR("")};
    u.port = default_port(u.scheme);
    struct str rest = str_sub(text, (size_t)colon + 3, text.n);
    u.fragment = cut_after(&rest, '#');
    u.query = cut_after(&rest, '?');
    ptrdiff_t slash = str_find_char(rest, '/');
    size_t authority = slash < 0 ? rest.n : (size_t)slash;
    if (!read_authority(a, str_sub(rest, 0, authority), &u)) {
        return E_INVALID;
    }
    u.path = slash < 0 ? STR("/") : str_sub(rest, authority, rest.n);
    *out_url = u;
    return E_OK;
}

struct str url_write(struct arena *a, const struct url *u)
{
    struct str port =
        u->port && u->port != default_port(u->scheme) ? str_fmt(a, ":%d", u->port) : STR("");
    const char *open = u->host_is_ipv6 ? "[" : "", *close = u->host_is_ipv6 ? "]" : "";
    return str_fmt(a, "%.*s://%.*s%s%s%.*s%s%.*s%.*s%s%.*s%s%.*s", STR_ARG(u->scheme),
                   STR_ARG(u->user), u->user.n ? "@" : "", open, STR_ARG(u->host), close,
                   STR_ARG(port), STR_ARG(u->path), u->query.n ? "?" : "", STR_ARG(u->query),
                   u->fragment.n ? "#" : "", STR_ARG(u->fragment));
}

bool url_is_web(struct str text)
{
    struct arena *a = arena_new(4 * URL_MAX_BYTES);
    struct url u;
    bool good =
        url_parse(a, text, &u) == E_OK && (str_eqz(u.scheme, "http") || str_eqz(u.scheme, "https"));
    arena_free(&a);
    return good;
}

/* Percent encoding */

static size_t encode_into(char *out, struct str text, bool keep_slash)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (is_unreserved((char)c) || (c == '/' && keep_slash)) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = "0123456789ABCDEF"[c >> 4];
            out[n++] = "0123456789ABCDEF"[c & 15];
        }
    }
    return n;
}

struct str url_encode(struct arena *a, struct str text, bool keep_slash)
{
    char *out = arena_alloc(a, text.n * 3 + 1);
    return str_make(out, encode_into(out, text, keep_slash));
}

static bool decode(struct arena *a, struct str text, bool plus_is_space, struct str *out_text)
{
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];
        if (c == '%') {
            c = percent_at(text, i);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c <= 0) {
            return false;
        }
        out[n++] = (char)c;
    }
    *out_text = str_make(out, n);
    return true;
}

bool url_decode(struct arena *a, struct str text, struct str *out_text)
{
    return decode(a, text, false, out_text);
}

/* Forms */

static bool read_pair(struct arena *a, struct str piece, struct url_pair *out_pair)
{
    struct str value = cut_after(&piece, '=');
    return decode(a, piece, true, &out_pair->name) && decode(a, value, true, &out_pair->value) &&
           str_is_utf8(out_pair->name) && str_is_utf8(out_pair->value);
}

enum err url_form_parse(struct arena *a, struct str text, struct url_form *out_form)
{
    size_t most = 1, n = 0;
    for (size_t i = 0; i < text.n; i++) {
        most += text.p[i] == '&';
    }
    if (most > URL_PAIRS_MAX) {
        return E_TOO_LARGE;
    }
    struct url_pair *pairs = ARENA_ARRAY(a, struct url_pair, most);
    struct str rest = text, piece;
    while (str_split(&rest, '&', &piece)) {
        if (piece.n == 0) {
            continue;
        }
        if (!read_pair(a, piece, &pairs[n++])) {
            return E_INVALID;
        }
    }
    *out_form = (struct url_form){pairs, n};
    return E_OK;
}

static const struct url_pair *find(const struct url_form *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (str_eqz(f->pairs[i].name, name)) {
            return &f->pairs[i];
        }
    }
    return NULL;
}

struct str url_form_get(const struct url_form *f, const char *name, struct str fallback)
{
    const struct url_pair *p = find(f, name);
    return p ? p->value : fallback;
}

bool url_form_has(const struct url_form *f, const char *name)
{
    return find(f, name) != NULL;
}

static void add_encoded(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char out[3];
        if (text.p[i] == ' ') {
            buf_add_char(b, '+');
        } else {
            buf_add(b, out, encode_into(out, str_sub(text, i, 1), false));
        }
    }
}

void url_form_add(struct buf *b, struct str name, struct str value)
{
    if (b->n) {
        buf_add_char(b, '&');
    }
    add_encoded(b, name);
    buf_add_char(b, '=');
    add_encoded(b, value);
}
