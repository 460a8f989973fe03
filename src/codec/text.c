#include "codec/text.h"

#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xfffd, ELLIPSIS = 0x2026 };

/* Code points */

/* Bytes of the well-formed sequence at p, or 0. */
static size_t read_one(const unsigned char *p, size_t n, uint32_t *out_code)
{
    if (p[0] < 0x80) {
        *out_code = p[0];
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (len > n || !str_is_utf8(str_make((const char *)p, len))) {
        return 0;
    }
    uint32_t code = p[0] & (0xff >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3f);
    }
    *out_code = code;
    return len;
}

bool text_next(struct str *rest, uint32_t *out_code_point)
{
    if (rest->n == 0) {
        return false;
    }
    uint32_t code = REPLACEMENT;
    size_t n = read_one((const unsigned char *)rest->p, rest->n, &code);
    n = n ? n : 1;
    *out_code_point = code;
    rest->p += n;
    rest->n -= n;
    return true;
}

size_t text_put(char out_bytes[4], uint32_t code_point)
{
    unsigned char *p = (unsigned char *)out_bytes;
    uint32_t c = code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)
                     ? REPLACEMENT
                     : code_point;
    if (c < 0x80) {
        p[0] = (unsigned char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        p[i] = (unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    p[0] = (unsigned char)((0xf00 >> n) | c);
    return n;
}

size_t text_count(struct str s)
{
    size_t count = 0;
    uint32_t code;
    while (text_next(&s, &code)) {
        count++;
    }
    return count;
}

/* Letters and the like */

static utf8proc_category_t category_of(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

/* Most text is ASCII: what needs no table is not looked up. */
static bool is_plain(uint32_t code)
{
    return code < 0x80;
}

bool text_is_letter(uint32_t code_point)
{
    if (is_plain(code_point)) {
        return (code_point | 0x20) - 'a' < 26;
    }
    utf8proc_category_t c = category_of(code_point);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool text_is_digit(uint32_t code_point)
{
    if (is_plain(code_point)) {
        return code_point - '0' < 10;
    }
    return category_of(code_point) == UTF8PROC_CATEGORY_ND;
}

static bool is_mark(uint32_t code)
{
    if (is_plain(code)) {
        return false;
    }
    utf8proc_category_t c = category_of(code);
    return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME;
}

/* Forms */

/* A view of `s` that is UTF-8: itself, or a copy with U+FFFD for what is wrong. */
static struct str made_valid(struct arena *a, struct str s)
{
    if (str_is_utf8(s)) {
        return s;
    }
    char *copy = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    uint32_t code;
    while (text_next(&s, &code)) {
        n += text_put(copy + n, code);
    }
    return str_make(copy, n);
}

static bool is_ascii(struct str s)
{
    unsigned char all = 0;
    for (size_t i = 0; i < s.n; i++) {
        all |= (unsigned char)s.p[i];
    }
    return all < 0x80;
}

static struct str mapped(struct arena *a, struct str s, utf8proc_option_t options)
{
    s = made_valid(a, s);
    utf8proc_ssize_t n =
        utf8proc_decompose((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, NULL, 0, options);
    if (n < 0) {
        return s;
    }
    utf8proc_int32_t *codes = ARENA_ARRAY(a, utf8proc_int32_t, (size_t)n + 1);
    n = utf8proc_decompose((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, codes, n, options);
    n = n < 0 ? n : utf8proc_reencode(codes, n, options); /* writes UTF-8 over the code points */
    return n < 0 ? s : str_make((const char *)codes, (size_t)n);
}

struct str text_nfc(struct arena *a, struct str s)
{
    return is_ascii(s) ? str_dup(a, s) : mapped(a, s, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

struct str text_fold(struct arena *a, struct str s)
{
    if (is_ascii(s)) {
        return str_lower(a, s);
    }
    return mapped(a, s,
                  UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                      UTF8PROC_IGNORE);
}

struct str text_plain(struct arena *a, struct str s)
{
    if (is_ascii(s)) {
        return str_lower(a, s);
    }
    return mapped(a, s,
                  UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                      UTF8PROC_IGNORE | UTF8PROC_STRIPMARK);
}

enum letter_case { CASE_LOWER, CASE_UPPER, CASE_TITLE };

static struct str cased(struct arena *a, struct str s, enum letter_case to)
{
    char *copy = arena_alloc(a, s.n * 4 + 1);
    size_t n = 0;
    uint32_t code;
    bool inside = false; /* the code point before belongs to the same word */
    while (text_next(&s, &code)) {
        bool in_word = text_is_letter(code) || text_is_digit(code) || is_mark(code);
        bool upper = to == CASE_UPPER || (to == CASE_TITLE && !inside);
        inside = in_word || (inside && (code == '\'' || code == 0x2019));
        utf8proc_int32_t c = (utf8proc_int32_t)code;
        n += text_put(copy + n, (uint32_t)(upper ? utf8proc_toupper(c) : utf8proc_tolower(c)));
    }
    return str_make(copy, n);
}

struct str text_lower(struct arena *a, struct str s)
{
    return cased(a, s, CASE_LOWER);
}

struct str text_upper(struct arena *a, struct str s)
{
    return cased(a, s, CASE_UPPER);
}

struct str text_title(struct arena *a, struct str s)
{
    return cased(a, s, CASE_TITLE);
}

struct str text_clean(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    uint32_t code, before = 0;
    for (; text_next(&s, &code); before = code) {
        if (code == '\r' || (code == '\n' && before != '\r')) {
            copy[n++] = '\n';
        } else if (code == '\t' || (code != '\n' && category_of(code) != UTF8PROC_CATEGORY_CC)) {
            n += text_put(copy + n, code);
        }
    }
    return str_make(copy, n);
}

/* Words */

/* Scripts that write no spaces: a character is the best word there is without a dictionary. */
static bool stands_alone(uint32_t c)
{
    return (c >= 0x0e00 && c <= 0x0eff) || (c >= 0x1000 && c <= 0x109f) ||
           (c >= 0x1780 && c <= 0x17ff) || (c >= 0x3040 && c <= 0x30ff) ||
           (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x3ffff);
}

static bool is_word_part(uint32_t c)
{
    return text_is_letter(c) || text_is_digit(c) || is_mark(c) || c == '_';
}

/* Whether `c`, between `before` and `after`, stays inside a word. */
static bool joins(uint32_t before, uint32_t c, uint32_t after)
{
    if (c == '\'' || c == 0x2019) {
        return text_is_letter(before) && text_is_letter(after);
    }
    return (c == '.' || c == ',' || c == ':' || c == '-') && text_is_digit(before) &&
           text_is_digit(after);
}

static uint32_t peek(struct str rest)
{
    uint32_t code;
    return text_next(&rest, &code) ? code : 0;
}

/* Takes the rest of the word that began with `first`. */
static bool finish_word(struct str *rest, uint32_t first)
{
    bool only_number = text_is_digit(first);
    uint32_t before = first, code;
    while (rest->n) {
        struct str after = *rest;
        text_next(&after, &code);
        bool part = is_word_part(code) && !(stands_alone(code) && !is_mark(code));
        bool joined = !part && joins(before, code, peek(after));
        if (!part && !joined) {
            break;
        }
        only_number = only_number && (joined || text_is_digit(code));
        before = code;
        *rest = after;
    }
    return only_number;
}

bool text_next_word(struct str s, size_t *cursor, struct text_word *out_word)
{
    struct str rest = str_sub(s, *cursor, s.n);
    uint32_t code;
    while (rest.n) {
        size_t start = s.n - rest.n;
        text_next(&rest, &code);
        if (!is_word_part(code)) {
            continue;
        }
        bool number = false;
        if (stands_alone(code)) {
            while (rest.n && is_mark(peek(rest))) {
                text_next(&rest, &code);
            }
        } else {
            number = finish_word(&rest, code);
        }
        size_t end = s.n - rest.n;
        *cursor = end;
        *out_word = (struct text_word){str_sub(s, start, end - start), start, end, number};
        return true;
    }
    *cursor = s.n;
    return false;
}

size_t text_count_words(struct str s, size_t most)
{
    struct text_word w;
    size_t cursor = 0, n = 0;
    while (n < most && text_next_word(s, &cursor, &w)) {
        n++;
    }
    return n;
}

/* Cutting */

static struct str cut(struct str s, size_t max_bytes, size_t max_chars)
{
    struct str rest = s;
    size_t good = 0, chars = 0; /* bytes up to the last boundary that fits */
    utf8proc_int32_t state = 0;
    uint32_t code;
    while (text_next(&rest, &code)) {
        size_t end = s.n - rest.n;
        chars++;
        if (end > max_bytes || chars > max_chars) {
            return str_sub(s, 0, good);
        }
        if (!rest.n || utf8proc_grapheme_break_stateful((utf8proc_int32_t)code,
                                                        (utf8proc_int32_t)peek(rest), &state)) {
            good = end;
        }
    }
    return s;
}

static bool in_word(struct str s)
{
    uint32_t code;
    return text_next(&s, &code) && (text_is_letter(code) || text_is_digit(code));
}

/* What stands before `end`. */
static struct str last_of(struct str s, size_t end)
{
    size_t at = end ? end - 1 : 0;
    while (at > 0 && end - at < 4 && ((unsigned char)s.p[at] & 0xc0) == 0x80) {
        at--;
    }
    return str_sub(s, at, end - at);
}

static bool digit_at(struct str s, size_t at)
{
    return at < s.n && (unsigned char)(s.p[at] - '0') < 10;
}

/* Whether no word and no number goes on over the beginning or the end: "T-9" in "T-91", "PT-9" or
 * "T-9.1". */
static bool is_whole(struct str s, size_t start, size_t end)
{
    bool first = in_word(str_sub(s, start, end - start));
    bool last = in_word(last_of(str_sub(s, 0, end), end));
    bool before = in_word(last_of(s, start)) ||
                  (start > 1 && strchr(".,-/", s.p[start - 1]) && digit_at(s, start - 2));
    bool behind = in_word(str_sub(s, end, s.n)) ||
                  (end < s.n && s.p[end] && strchr(".,-/", s.p[end]) && digit_at(s, end + 1));
    return !(first && before) && !(last && behind);
}

static struct str blanked(struct arena *a, struct str s, struct str part, bool whole)
{
    char *copy = NULL;
    size_t from = 0;
    ptrdiff_t at = str_trim(part).n ? str_find(s, part) : -1;
    while (at >= 0) { /* on behind each match: what is blank now is not looked at again */
        size_t start = from + (size_t)at, end = start + part.n;
        bool goes = !whole || is_whole(s, start, end);
        if (goes) {
            copy = copy ? copy : str_dupz(a, s);
            memset(copy + start, ' ', part.n);
        }
        from = goes ? end : start + 1;
        at = str_find(str_sub(s, from, s.n), part);
    }
    return copy ? str_make(copy, s.n) : s;
}

struct str text_blank(struct arena *a, struct str s, struct str part)
{
    return blanked(a, s, part, false);
}

struct str text_blank_words(struct arena *a, struct str s, struct str part)
{
    return blanked(a, s, part, true);
}

struct str text_cut_bytes(struct str s, size_t max_bytes)
{
    return s.n <= max_bytes ? s : cut(s, max_bytes, SIZE_MAX);
}

struct str text_cut(struct str s, size_t max_chars)
{
    return s.n <= max_chars ? s : cut(s, SIZE_MAX, max_chars);
}

struct str text_shorten(struct arena *a, struct str s, size_t max_chars)
{
    struct str kept = text_cut(s, max_chars);
    if (kept.n == s.n || max_chars == 0) {
        return kept;
    }
    kept = text_cut(s, max_chars - 1);
    size_t at = kept.n,
           least = kept.n - kept.n / 4; /* give up at most a quarter for a whole word */
    while (at > least && kept.p[at - 1] != ' ' && kept.p[at - 1] != '\n') {
        at--;
    }
    kept = at > least ? str_make(kept.p, at) : kept;
    while (kept.n && (kept.p[kept.n - 1] == ' ' || kept.p[kept.n - 1] == '\n')) {
        kept.n--;
    }
    char *copy = arena_alloc(a, kept.n + 4);
    memcpy(copy, kept.p, kept.n);
    return str_make(copy, kept.n + text_put(copy + kept.n, ELLIPSIS));
}
