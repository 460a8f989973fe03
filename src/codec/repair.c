#include "codec/repair.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "codec/text.h"

enum { MEMBERS_MAX = 100000 };

/* A reader that never gives up on form: it takes what it recognises and notes that it had to. */
struct mender {
    struct arena *a;
    const char *p, *end;
    int depth;
    bool repaired, cut;
};

static bool read_value(struct mender *m, const struct json **out);

static bool at(const struct mender *m, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(m->end - m->p) >= n && memcmp(m->p, what, n) == 0;
}

static bool skip_comment(struct mender *m)
{
    if (at(m, "//") || (m->p < m->end && *m->p == '#')) {
        while (m->p < m->end && *m->p != '\n') {
            m->p++;
        }
        return true;
    }
    if (at(m, "/*")) {
        while (m->p < m->end && !at(m, "*/")) {
            m->p++;
        }
        m->p += m->p < m->end ? 2 : 0;
        return true;
    }
    return false;
}

static void skip_space(struct mender *m)
{
    for (;;) {
        while (m->p < m->end && isspace((unsigned char)*m->p)) {
            m->p++;
        }
        if (at(m, "\xc2\xa0") || at(m, "\xef\xbb\xbf")) { /* no-break space, byte order mark */
            m->p += *m->p == '\xc2' ? 2 : 3;
        } else if (!skip_comment(m)) {
            return;
        } else {
            m->repaired = true;
        }
    }
}

/* ---- texts
 * ------------------------------------------------------------------------------------------------
 */

/* The closing quote for what opens at p; 0 bytes when nothing opens. */
static size_t opening(const struct mender *m, const char **out_close)
{
    static const char *const pairs[][2] = {{"\"", "\""},
                                           {"'", "'"},
                                           {"\xe2\x80\x9c", "\xe2\x80\x9d"},
                                           {"\xe2\x80\x98", "\xe2\x80\x99"}};
    for (size_t i = 0; i < 4; i++) {
        if (at(m, pairs[i][0])) {
            *out_close = pairs[i][1];
            return strlen(pairs[i][0]);
        }
    }
    return 0;
}

static uint32_t read_hex(struct mender *m)
{
    uint32_t code = 0;
    for (int i = 0; i < 4 && m->p < m->end && isxdigit((unsigned char)*m->p); i++) {
        char c = (char)tolower((unsigned char)*m->p++);
        code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return code;
}

static void read_unicode(struct mender *m, struct buf *b)
{
    char bytes[4];
    uint32_t code = read_hex(m);
    if (code >= 0xd800 && code < 0xdc00 && at(m, "\\u")) {
        m->p += 2;
        uint32_t low = read_hex(m);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                                             : 0xfffd;
    }
    code = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
    buf_add(b, bytes, text_put(bytes, code));
}

static void read_escape(struct mender *m, struct buf *b)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    m->p++;
    if (m->p == m->end) {
        return;
    }
    char c = *m->p++;
    const char *known = strchr(from, c);
    if (c == 'u') {
        read_unicode(m, b);
    } else if (known && c) {
        buf_add_char(b, to[known - from]);
    } else {
        buf_add_char(b, c); /* \" \\ \/ and what needs no escape */
    }
}

static struct str read_quoted(struct mender *m)
{
    const char *close = "\"";
    size_t n = opening(m, &close);
    m->repaired = m->repaired || n != 1 || *m->p != '"';
    m->p += n;
    struct buf b = buf_make(REPAIR_INPUT_MAX_BYTES);
    while (m->p < m->end && !at(m, close)) {
        if (*m->p == '\\') {
            read_escape(m, &b);
        } else {
            m->repaired = m->repaired || (unsigned char)*m->p < 0x20;
            buf_add_char(&b, *m->p++);
        }
    }
    if (m->p < m->end) {
        m->p += strlen(close);
    } else {
        m->repaired = m->cut = true;
    }
    struct str text = str_dup(m->a, buf_str(&b));
    buf_free(&b);
    return str_is_utf8(text) ? text : text_clean(m->a, text);
}

/* ---- words and numbers
 * ------------------------------------------------------------------------------------- */

static struct str read_word(struct mender *m)
{
    const char *start = m->p;
    while (m->p < m->end && !strchr(",:{}[]\"'\n\r\t ", *m->p)) {
        m->p++;
    }
    return str_make(start, (size_t)(m->p - start));
}

static const struct json *number_of(struct arena *a, struct str word)
{
    int64_t whole;
    double real;
    struct str digits = str_starts(word, STR("+")) ? str_sub(word, 1, word.n) : word;
    if (str_to_i64(digits, &whole)) {
        return json_new_int(a, whole);
    }
    return str_to_double(digits, &real) ? json_new_real(a, real) : NULL;
}

static bool read_bare(struct mender *m, const struct json **out)
{
    static const char *const nothing[] = {"null",     "None",      "NaN",      "nan", "undefined",
                                          "Infinity", "-Infinity", "infinity", "nil"};
    const char *before = m->p;
    struct str word = read_word(m);
    if (word.n == 0) {
        return false;
    }
    *out = number_of(m->a, word);
    if (*out) {
        return true;
    }
    bool yes = str_eq_nocase(word, STR("true")), no = str_eq_nocase(word, STR("false"));
    if (yes || no) {
        m->repaired = m->repaired || isupper((unsigned char)*before);
        *out = json_new_bool(yes);
        return true;
    }
    for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++) {
        if (str_eqz(word, nothing[i])) {
            m->repaired = m->repaired || i > 0;
            *out = &json_null_value;
            return true;
        }
    }
    bool cut_word =
        m->p == m->end && (str_starts(STR("true"), word) || str_starts(STR("false"), word) ||
                           str_starts(STR("null"), word));
    m->repaired = true;
    m->cut = m->cut || cut_word;
    *out = cut_word ? &json_null_value : json_new_str(m->a, str_dup(m->a, word));
    return true;
}

/* ---- objects and lists
 * -------------------------------------------------------------------------------------- */

static bool read_name(struct mender *m, struct str *out)
{
    const char *close;
    if (m->p < m->end && opening(m, &close)) {
        *out = read_quoted(m);
        return true;
    }
    *out = str_dup(m->a, read_word(m));
    m->repaired = true;
    return out->n > 0;
}

/* After a value: a comma, or its absence. False when the container ends here. */
static bool next_item(struct mender *m, char close)
{
    skip_space(m);
    bool comma = m->p < m->end && *m->p == ',';
    m->p += comma;
    skip_space(m);
    if (m->p == m->end) {
        m->repaired = m->cut = true;
        return false;
    }
    if (*m->p == close) {
        m->repaired = m->repaired || comma;
        m->p++;
        return false;
    }
    if (*m->p == '}' || *m->p == ']') { /* the wrong bracket: whoever opened it is closed by it */
        m->repaired = true;
        return false;
    }
    m->repaired = m->repaired || !comma;
    return true;
}

static bool starts_empty(struct mender *m, char close)
{
    m->p++;
    skip_space(m);
    if (m->p == m->end) {
        m->repaired = m->cut = true;
        return true;
    }
    if (*m->p == close) {
        m->p++;
        return true;
    }
    return false;
}

static const struct json *read_object(struct mender *m)
{
    const struct json *object = &json_empty_object;
    if (starts_empty(m, '}')) {
        return object;
    }
    do {
        struct str name;
        const struct json *value = &json_null_value;
        const char *before = m->p;
        if (!read_name(m, &name)) {
            m->p += m->p == before; /* never stand still */
            m->repaired = true;
            continue;
        }
        skip_space(m);
        bool colon = m->p < m->end && (*m->p == ':' || *m->p == '=');
        m->repaired = m->repaired || !colon || *m->p == '=';
        m->p += colon;
        skip_space(m);
        if (m->p == m->end) {
            m->repaired = m->cut = true;
            break; /* a name without value: nothing to keep */
        }
        if (!read_value(m, &value)) {
            m->repaired = true;
        }
        object = json_with(m->a, object, name, value);
    } while (json_count(object) < MEMBERS_MAX && next_item(m, '}'));
    return object;
}

static const struct json *read_list(struct mender *m)
{
    size_t n = 0, size = 16;
    const struct json **items = ARENA_ARRAY(m->a, const struct json *, size);
    if (starts_empty(m, ']')) {
        return &json_empty_array;
    }
    do {
        const struct json *value;
        const char *before = m->p;
        if (!read_value(m, &value)) {
            m->p += m->p == before;
            m->repaired = true;
            continue;
        }
        if (n == size) {
            const struct json **grown = ARENA_ARRAY(m->a, const struct json *, size * 2);
            memcpy(grown, items, n * sizeof(*items));
            items = grown;
            size *= 2;
        }
        items[n++] = value;
    } while (n < MEMBERS_MAX && next_item(m, ']'));
    return json_new_array(m->a, items, n);
}

static bool read_value(struct mender *m, const struct json **out)
{
    const char *close;
    skip_space(m);
    if (m->p == m->end || m->depth >= JSON_DEPTH_MAX) {
        return false;
    }
    if (opening(m, &close)) {
        *out = json_new_str(m->a, read_quoted(m));
        return true;
    }
    if (*m->p == '{' || *m->p == '[') {
        m->depth++;
        *out = *m->p == '{' ? read_object(m) : read_list(m);
        m->depth--;
        return true;
    }
    return read_bare(m, out);
}

enum err repair_parse(struct arena *a, struct str text, struct repair *out_repair,
                      struct json_fault *out_fault)
{
    struct repair r = {0};
    if (text.n > REPAIR_INPUT_MAX_BYTES) {
        snprintf(out_fault->text, sizeof(out_fault->text), "longer than %d bytes",
                 REPAIR_INPUT_MAX_BYTES);
        return E_TOO_LARGE;
    }
    if (json_parse(a, text, &r.value, out_fault) == E_OK &&
        (r.value->kind == JSON_OBJECT || r.value->kind == JSON_ARRAY)) {
        *out_repair = r;
        return E_OK;
    }
    /* prose or a code fence before the value, anything after it */
    size_t from = 0;
    while (from < text.n && text.p[from] != '{' && text.p[from] != '[') {
        from++;
    }
    struct mender m = {.a = a, .p = text.p + from, .end = text.p + text.n, .repaired = true};
    if (from == text.n || !read_value(&m, &r.value)) {
        snprintf(out_fault->text, sizeof(out_fault->text),
                 "there is no JSON object or array in it");
        return E_INVALID;
    }
    r.repaired = true;
    r.cut = m.cut;
    *out_repair = r;
    return E_OK;
}
