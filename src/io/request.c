/* What a handler asks of a request; declared in server.h. */
#include "io/server.h"

struct str request_header(const struct request_in *in, const char *name)
{
    struct str wanted = str_of(name);
    for (int i = 0; i < in->header_count; i++) {
        if (str_eq_nocase(in->headers[i].name, wanted)) {
            return in->headers[i].value;
        }
    }
    return STR("");
}

static struct str cookie_in(struct str list, struct str name)
{
    struct str pair;
    while (str_split(&list, ';', &pair)) {
        pair = str_trim(pair);
        ptrdiff_t equals = str_find_char(pair, '=');
        if (equals > 0 && str_eq(str_sub(pair, 0, (size_t)equals), name)) {
            struct str value = str_sub(pair, (size_t)equals + 1, pair.n);
            bool quoted = value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"';
            return quoted ? str_sub(value, 1, value.n - 2) : value;
        }
    }
    return (struct str){NULL, 0};
}

struct str request_cookie(const struct request_in *in, const char *name)
{
    for (int i = 0; i < in->header_count; i++) {
        if (str_eq_nocase(in->headers[i].name, STR("cookie"))) {
            struct str value = cookie_in(in->headers[i].value, str_of(name));
            if (value.p) {
                return value;
            }
        }
    }
    return STR("");
}

struct str request_bearer(const struct request_in *in)
{
    static const struct str scheme = {"bearer ", 7};
    struct str value = request_header(in, "authorization");
    bool bearer = value.n > scheme.n && str_eq_nocase(str_sub(value, 0, scheme.n), scheme);
    return bearer ? str_trim(str_sub(value, scheme.n, value.n)) : STR("");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As HTML forms encode: '+' is a space. A bad escape stays as it is. */
static struct str decode(struct arena *a, struct str raw)
{
    char *out = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int high = raw.p[i] == '%' && i + 2 < raw.n ? hex_digit(raw.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(raw.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = raw.p[i] == '+' ? ' ' : raw.p[i];
        }
    }
    return str_make(out, n);
}

bool request_query(struct arena *a, const struct request_in *in, const char *name,
                   struct str *out_value)
{
    struct str rest = in->query;
    struct str pair;
    while (str_split(&rest, '&', &pair)) {
        ptrdiff_t equals = str_find_char(pair, '=');
        struct str key = equals < 0 ? pair : str_sub(pair, 0, (size_t)equals);
        if (str_eqz(decode(a, key), name)) {
            *out_value =
                equals < 0 ? STR("") : decode(a, str_sub(pair, (size_t)equals + 1, pair.n));
            return true;
        }
    }
    return false;
}
