/* The writing half of yaml.h. */
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "codec/yaml.h"

enum { YAML_TEXT_MAX_BYTES = 64 << 20 };

static void indent(struct buf *b, int depth)
{
    buf_addf(b, "%*s", depth * 2, "");
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words that would be read as something else than text, by us or by a YAML 1.1 reader. */
static bool is_reserved(struct str s)
{
    static const char *const WORDS[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n",   NULL};
    for (const char *const *w = WORDS; *w; w++) {
        if (str_eq_nocase(s, str_of(*w))) {
            return true;
        }
    }
    return false;
}

/* Whether the text can stand without quotes: it starts with a letter and holds nothing that YAML
 * reads as punctuation. */
static bool is_plain(struct str s)
{
    if (s.n == 0 || s.n > 200 || !is_letter(s.p[0]) || s.p[s.n - 1] == ' ' || is_reserved(s)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c >= 0x7f || strchr(":#{}[],&*!|>'\"%@`?\\", c)) {
            return false;
        }
    }
    return true;
}

/* Whether the text can be a `|` block: lines of printable text, the first not starting with a
 * blank. */
static bool is_block(struct str s)
{
    if (str_find_char(s, '\n') < 0 || s.p[0] == ' ' || s.p[0] == '\n' || !str_is_utf8(s)) {
        return false;
    }
    uint32_t c;
    struct str rest = s;
    while (text_next(&rest, &c)) {
        if ((c < ' ' && c != '\n') || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
            c == 0xfeff || c >= 0xfffe) {
            return false;
        }
    }
    return true;
}

static void put_block(struct buf *b, struct str s, int depth)
{
    size_t ends = 0;
    while (ends < s.n && s.p[s.n - 1 - ends] == '\n') {
        ends++;
    }
    buf_add_str(b, ends == 0 ? STR("|-\n") : ends == 1 ? STR("|\n") : STR("|+\n"));
    struct str rest = ends ? str_sub(s, 0, s.n - 1) : s, line;
    while (str_split(&rest, '\n', &line)) {
        if (line.n) {
            indent(b, depth);
        }
        buf_add_str(b, line);
        buf_add_char(b, '\n');
    }
}

static void put_quoted(struct buf *b, struct str s)
{
    struct json_out o = json_out_to(b);
    json_put_str(&o, s);
}

static void put_key(struct buf *b, struct str name)
{
    if (is_plain(name)) {
        buf_add_str(b, name);
    } else {
        put_quoted(b, name);
    }
    buf_add_char(b, ':');
}

static void put_node(struct buf *b, const struct json *v, int depth, bool in_list);

/* What stands behind "key:" or "-", line end included. */
static void put_value(struct buf *b, const struct json *v, int depth, bool in_list)
{
    bool collection = (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) && v->count;
    if (!collection) {
        buf_add_char(b, ' ');
        if (v->kind == JSON_STRING && is_block(v->string)) {
            put_block(b, v->string, depth);
            return;
        }
        if (v->kind == JSON_STRING && is_plain(v->string)) {
            buf_add_str(b, v->string);
        } else {
            struct json_out o = json_out_to(b);
            json_put(&o, v);
        }
        buf_add_char(b, '\n');
        return;
    }
    buf_add_str(b, in_list ? STR(" ") : STR("\n"));
    put_node(b, v, depth, in_list);
}

/* `in_list`: the first line goes on behind a "- ". */
static void put_node(struct buf *b, const struct json *v, int depth, bool in_list)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (i > 0 || !in_list) {
            indent(b, depth);
        }
        if (v->kind == JSON_OBJECT) {
            put_key(b, v->members[i].name);
            put_value(b, &v->members[i].value, depth + 1, false);
        } else {
            buf_add_char(b, '-');
            put_value(b, &v->items[i], depth + 1, true);
        }
    }
}

struct str yaml_write(struct arena *a, const struct json *v)
{
    struct buf b = buf_make(YAML_TEXT_MAX_BYTES);
    v = v ? v : &json_null_value;
    if (json_count(v)) {
        put_node(&b, v, 0, false);
    } else if (v->kind == JSON_STRING) {
        put_quoted(&b, v->string);
        buf_add_char(&b, '\n');
    } else {
        put_value(&b, v, 0, false);
        buf_drop(&b, 1);
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}
