#include "nlu/pii.h"

#include <ctype.h>
#include <string.h>

#include "base/digits.h"
#include "nlu/phone.h"

enum {
    EMAIL_LOCAL_MAX = 64,
    EMAIL_MAX = 254,
    SECRET_MIN = 16,
    PASSWORD_MAX = 128,
    LAST_DIGITS = 4
};

static unsigned char at_or_zero(struct str s, size_t i)
{
    return i < s.n ? (unsigned char)s.p[i] : 0;
}

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 128;
}

static bool starts_word(struct str s, size_t at)
{
    return at == 0 || !is_word((unsigned char)s.p[at - 1]);
}

/* Every matcher: whether its kind begins at `at`; out_start may lie behind `at` where only a part
 * is personal ("password: x"). */
struct find {
    size_t start, end;
};

static bool is_local(unsigned char c)
{
    return isalnum(c) || c >= 128 || (c && strchr(".!#$%&'*+/=?^_`{|}~-", c));
}

/* RFC 5321 addresses as people write them; no quoted local parts. */
static bool match_email(struct str s, size_t at, struct find *out)
{
    unsigned char first = at_or_zero(s, at);
    if ((!isalnum(first) && first != '_' && first < 128) ||
        (at && is_local((unsigned char)s.p[at - 1]) && s.p[at - 1] != '\'')) {
        return false;
    }
    size_t i = at;
    while (is_local(at_or_zero(s, i)) && i - at <= EMAIL_LOCAL_MAX) {
        i++;
    }
    if (at_or_zero(s, i) != '@' || i == at || s.p[i - 1] == '.') {
        return false;
    }
    size_t domain = ++i, label = i, last_label = 0;
    while (i - at <= EMAIL_MAX &&
           (isalnum(at_or_zero(s, i)) || at_or_zero(s, i) >= 128 || at_or_zero(s, i) == '-' ||
            (at_or_zero(s, i) == '.' && i > label && isalnum(at_or_zero(s, i + 1))))) {
        if (s.p[i] == '.') {
            label = i + 1;
            last_label = label;
        }
        i++;
    }
    if (!last_label || i - last_label < 2 || last_label <= domain + 1) {
        return false;
    }
    *out = (struct find){at, i};
    return true;
}

static bool match_card(struct str s, size_t at, struct find *out)
{
    *out = (struct find){at, digits_card(s, at)};
    return out->end > at;
}

static bool match_iban(struct str s, size_t at, struct find *out)
{
    *out = (struct find){at, digits_iban(s, at)};
    return out->end > at;
}

static bool match_national_id(struct str s, size_t at, struct find *out)
{
    static const char SHAPE[] = "ddd-dd-dddd";
    if (!starts_word(s, at) || (at && s.p[at - 1] == '-')) {
        return false;
    }
    for (size_t i = 0; i < sizeof SHAPE - 1; i++) {
        unsigned char c = at_or_zero(s, at + i);
        if (SHAPE[i] == 'd' ? !isdigit(c) : c != '-') {
            return false;
        }
    }
    size_t end = at + sizeof SHAPE - 1;
    if (is_word(at_or_zero(s, end)) ||
        (at_or_zero(s, end) == '-' && isalnum(at_or_zero(s, end + 1)))) {
        return false;
    }
    /* Areas that are never given out. */
    if (strncmp(s.p + at, "000", 3) == 0 || strncmp(s.p + at, "666", 3) == 0 || s.p[at] == '9') {
        return false;
    }
    *out = (struct find){at, end};
    return true;
}

static bool match_ip4(struct str s, size_t at, struct find *out)
{
    size_t i = at;
    for (int part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;
        while (isdigit(at_or_zero(s, i)) && digits < 4) {
            value = value * 10 + (unsigned)(s.p[i++] - '0');
            digits++;
        }
        if (!digits || digits > 3 || value > 255) {
            return false;
        }
        if (part < 3 && at_or_zero(s, i++) != '.') {
            return false;
        }
    }
    bool goes_on =
        is_word(at_or_zero(s, i)) || (at_or_zero(s, i) == '.' && isdigit(at_or_zero(s, i + 1)));
    *out = (struct find){at, i};
    return !goes_on;
}

/* RFC 4291 text form: eight groups, or fewer with one "::". */
static bool match_ip6(struct str s, size_t at, struct find *out)
{
    size_t i = at, groups = 0, colons = 0;
    bool gap = false;
    while (i < s.n && groups <= 8) {
        size_t digits = 0;
        while (isxdigit(at_or_zero(s, i + digits)) && digits < 5) {
            digits++;
        }
        if (digits > 4) {
            return false;
        }
        groups += digits > 0;
        i += digits;
        if (at_or_zero(s, i) != ':') {
            break;
        }
        bool two = at_or_zero(s, i + 1) == ':';
        if ((two && gap) || (!digits && !two)) {
            return false;
        }
        if (!two && !isxdigit(at_or_zero(s, i + 1))) {
            break;
        }
        gap |= two;
        colons++;
        i += two ? 2 : 1;
    }
    bool whole = gap ? groups >= 2 && groups < 8 && colons >= 2 : groups == 8;
    *out = (struct find){at, i};
    return whole && !is_word(at_or_zero(s, i));
}

static bool match_ip(struct str s, size_t at, struct find *out)
{
    unsigned char c = at_or_zero(s, at), before = at ? (unsigned char)s.p[at - 1] : ' ';
    if (is_word(before) || before == ':' ||
        (before == '.' && at > 1 && is_word((unsigned char)s.p[at - 2]))) {
        return false;
    }
    return (isdigit(c) && match_ip4(s, at, out)) ||
           ((isxdigit(c) || c == ':') && match_ip6(s, at, out));
}

static bool is_token_char(unsigned char c)
{
    return isalnum(c) || (c && strchr("_-.~+/=", c));
}

/* Keys that announce themselves by how they begin. */
static bool match_key(struct str s, size_t at, struct find *out)
{
    static const char *const PREFIXES[] = {"sk-",    "sk_",    "rk_",   "pk_live_", "ghp_",
                                           "gho_",   "xoxb-",  "xoxp-", "AKIA",     "eyJ",
                                           "whsec_", "glpat-", "AIza",  "ya29."};
    struct str rest = str_sub(s, at, s.n);
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        if (at_or_zero(s, at) == (unsigned char)PREFIXES[i][0] &&
            str_starts(rest, str_of(PREFIXES[i]))) {
            size_t end = at;
            while (is_token_char(at_or_zero(s, end))) {
                end++;
            }
            while (end > at && s.p[end - 1] == '.') {
                end--;
            }
            *out = (struct find){at, end};
            return end - at >= SECRET_MIN;
        }
    }
    return false;
}

/* "password: x", "Bearer x": the word that announces, then what is secret. */
static bool match_announced(struct str s, size_t at, struct find *out)
{
    static const struct {
        const char *word;
        bool needs_sign; /* ":" "=" or "is" must stand between */
        size_t least;
    } CUES[] = {
        {"bearer", false, 12},
        {"password", true, 3},
        {"passwort", true, 3},
        {"passcode", true, 3},
        {"pwd", true, 3},
        {"api key", true, 8},
        {"api_key", true, 8},
        {"apikey", true, 8},
        {"secret", true, 8},
        {"token", true, 12},
        {"contrase\xc3\xb1"
         "a",
         true, 3},
        {"mot de passe", true, 3},
    };
    for (size_t i = 0; i < sizeof CUES / sizeof CUES[0]; i++) {
        if (tolower(at_or_zero(s, at)) != CUES[i].word[0]) {
            continue;
        }
        size_t n = strlen(CUES[i].word);
        if (!str_eq_nocase(str_sub(s, at, n), str_of(CUES[i].word))) {
            continue;
        }
        size_t from = at + n;
        bool sign = false;
        for (; at_or_zero(s, from) && strchr(" :=\"'", s.p[from]); from++) {
            sign |= s.p[from] == ':' || s.p[from] == '=';
        }
        if (str_eq_nocase(str_sub(s, from, 3), STR("is ")) ||
            str_starts(str_sub(s, from, 3), STR("is:"))) {
            from += 3;
            sign = true;
            while (at_or_zero(s, from) && strchr(" :\"'", s.p[from])) {
                from++;
            }
        }
        size_t end = from;
        while (at_or_zero(s, end) > ' ' && !strchr("\"',;", s.p[end]) &&
               end - from < PASSWORD_MAX) {
            end++;
        }
        while (end > from && strchr(".!?)", s.p[end - 1])) {
            end--;
        }
        if (end - from >= CUES[i].least && (sign || !CUES[i].needs_sign)) {
            *out = (struct find){from, end};
            return true;
        }
    }
    return false;
}

/* "the password is wrong" tells no password: a plain lower-case word behind "is" is left alone. */
static bool is_plain_word(struct str s, const struct find *f)
{
    for (size_t i = f->start; i < f->end; i++) {
        if (!islower((unsigned char)s.p[i])) {
            return false;
        }
    }
    size_t back = f->start;
    while (back && strchr(" \"'", s.p[back - 1])) {
        back--;
    }
    return back && s.p[back - 1] != ':' && s.p[back - 1] != '=';
}

static bool match_secret(struct str s, size_t at, struct find *out)
{
    if (!starts_word(s, at)) {
        return false;
    }
    if (match_key(s, at, out)) {
        return true;
    }
    return match_announced(s, at, out) && !is_plain_word(s, out);
}

static bool match_phone(struct str s, size_t at, struct find *out)
{
    struct phone phone;
    unsigned char c = at_or_zero(s, at);
    if ((!isdigit(c) && c != '+' && c != '(') ||
        (!phone_at(s, at, false, &phone) &&
         !(phone_at(s, at, true, &phone) && phone_is_announced(s, at)))) {
        return false;
    }
    *out = (struct find){phone.start, phone.end};
    return true;
}

/* In order of precedence at one place. */
static const struct {
    enum pii_kind kind;
    bool (*match)(struct str s, size_t at, struct find *out);
    const char *name;
} KINDS[] = {
    {PII_SECRET, match_secret, "secret"},
    {PII_EMAIL, match_email, "email"},
    {PII_IBAN, match_iban, "iban"},
    {PII_CARD, match_card, "card"},
    {PII_NATIONAL_ID, match_national_id, "national_id"},
    {PII_IP, match_ip, "ip"},
    {PII_PHONE, match_phone, "phone"},
};

/* The first find at `from` or later. */
static bool find_next(struct str s, unsigned kinds, size_t from, struct pii_span *out)
{
    for (size_t at = from; at < s.n; at++) {
        unsigned char c = (unsigned char)s.p[at];
        if (!isalnum(c) && c != '+' && c != '(' && c != ':' && c != '_' && c < 128) {
            continue;
        }
        /* Words of text are stepped over at once: nothing personal begins inside a word. */
        if (at > from && isalnum(c) && is_word((unsigned char)s.p[at - 1])) {
            continue;
        }
        for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
            struct find f;
            if ((kinds & KINDS[i].kind) && KINDS[i].match(s, at, &f) && f.end > f.start) {
                *out = (struct pii_span){KINDS[i].kind, f.start, f.end};
                return true;
            }
        }
    }
    return false;
}

size_t pii_find(struct str text, unsigned kinds, struct pii_span *out_spans, size_t max)
{
    size_t n = 0, from = 0;
    while (n < max && find_next(text, kinds, from, &out_spans[n])) {
        from = out_spans[n++].end;
    }
    return n;
}

static bool put_mask(struct str text, const struct pii_span *span, struct buf *out)
{
    if (span->kind != PII_CARD) {
        return buf_addf(out, "[%s]", pii_kind_name(span->kind));
    }
    char last[LAST_DIGITS + 1] = {0};
    size_t n = LAST_DIGITS;
    for (size_t i = span->end; i > span->start && n > 0; i--) {
        if (isdigit((unsigned char)text.p[i - 1])) {
            last[--n] = text.p[i - 1];
        }
    }
    return buf_addf(out, "[card %s]", last);
}

bool pii_mask(struct str text, unsigned kinds, struct buf *out)
{
    struct pii_span span;
    size_t from = 0;
    bool fits = true;
    while (fits && find_next(text, kinds, from, &span)) {
        fits = buf_add(out, text.p + from, span.start - from) && put_mask(text, &span, out);
        from = span.end;
    }
    return fits && buf_add_str(out, str_sub(text, from, text.n)) && !out->overflow;
}

const char *pii_kind_name(enum pii_kind kind)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (KINDS[i].kind == kind) {
            return KINDS[i].name;
        }
    }
    return "";
}
