#include "codec/format.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/id.h"
#include "codec/date.h"
#include "codec/url.h"

static bool is_date(struct str s)
{
    int64_t ms;
    return date_parse_day(s, &ms);
}

static bool is_date_time(struct str s)
{
    int64_t ms;
    bool zoned = s.n > 19 && (str_ends(s, STR("Z")) || str_ends(s, STR("z")) ||
                              s.p[s.n - 6] == '+' || s.p[s.n - 6] == '-');
    return zoned && s.p[16] == ':' && s.p[10] != ' ' && date_parse(s, &ms);
}

static bool is_time(struct str s)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "2000-01-01T%.*s", (int)(s.n < 40 ? s.n : 40), s.p);
    return s.n <= 40 && is_date_time(str_make(text, (size_t)n));
}

bool format_is_email(struct str s)
{
    ptrdiff_t at = str_find_char(s, '@');
    if (at <= 0 || at > 64 || s.n > 254) {
        return false;
    }
    struct str local = str_sub(s, 0, (size_t)at), domain = str_sub(s, (size_t)at + 1, s.n);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>[\\]", c)) {
            return false;
        }
    }
    return domain.n && str_find_char(domain, '@') < 0 && str_find(s, STR("..")) < 0 &&
           local.p[0] != '.' && local.p[local.n - 1] != '.' && domain.p[0] != '.' &&
           domain.p[0] != '-' && domain.p[domain.n - 1] != '.' && domain.p[domain.n - 1] != '-';
}

static bool is_uuid(struct str s)
{
    struct id id;
    return id_parse(s, &id);
}

static bool is_uri(struct str s)
{
    struct arena *a = arena_new(4 * URL_MAX_BYTES);
    struct url u;
    bool good = url_parse(a, s, &u) == E_OK;
    arena_free(&a);
    ptrdiff_t colon = str_find_char(s, ':');
    bool plain = colon > 0 && (size_t)colon + 1 < s.n && str_find(s, STR("://")) < 0;
    for (size_t i = 0; plain && i < s.n; i++) { /* mailto:, urn:, tel: */
        unsigned char c = (unsigned char)s.p[i];
        plain = c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c) &&
                ((ptrdiff_t)i >= colon || strchr("+-.", c) || (c | 32) >= 'a' || c <= '9');
    }
    return good || plain;
}

static bool is_ipv4(struct str s)
{
    int parts = 0;
    struct str part;
    while (str_split(&s, '.', &part)) {
        int64_t n;
        if (part.n == 0 || part.n > 3 || part.p[0] == '-' || (part.n > 1 && part.p[0] == '0') ||
            !str_to_i64(part, &n) || n > 255) {
            return false;
        }
        parts++;
    }
    return parts == 4;
}

static const struct {
    const char *name;
    bool (*is)(struct str s);
} FORMATS[] = {
    {"date", is_date}, {"date-time", is_date_time},
    {"time", is_time}, {"email", format_is_email},
    {"uuid", is_uuid}, {"uri", is_uri},
    {"ipv4", is_ipv4}, {NULL, NULL},
};

bool format_is_known(struct str name)
{
    for (int i = 0; FORMATS[i].name; i++) {
        if (str_eqz(name, FORMATS[i].name)) {
            return true;
        }
    }
    return false;
}

bool format_is(struct str name, struct str text)
{
    for (int i = 0; FORMATS[i].name; i++) {
        if (str_eqz(name, FORMATS[i].name)) {
            return FORMATS[i].is(text);
        }
    }
    return false;
}
