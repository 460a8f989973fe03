/* @text, @json, @csv and the others: a value as a text. NULL views mean that r->error is set. */
#include <string.h>

#include "codec/base64.h"
#include "codec/html.h"
#include "codec/jq_run.h"
#include "codec/text.h"
#include "codec/url.h"

static const struct str FAILED = {NULL, 0};

static struct str to_json(struct jq_run *r, const struct json *v)
{
    return jq_json(r, v);
}

static struct str to_text(struct jq_run *r, const struct json *v)
{
    return jq_text(r, v);
}

static struct str taken(struct jq_run *r, struct buf *b)
{
    struct str text = !b->overflow && jq_room(r, b->n + 1) ? str_dup(r->arena, buf_str(b)) : FAILED;
    if (b->overflow) {
        jq_spend(r, "the program makes too many values");
    }
    buf_free(b);
    return text;
}

static void put_doubled(struct buf *b, struct str s)
{
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        buf_add(b, "\"\"", s.p[i] == '"' ? 2 : 0);
        if (s.p[i] != '"') {
            buf_add_char(b, s.p[i]);
        }
    }
    buf_add_char(b, '"');
}

static void put_tabbed(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *escape = s.p[i] == '\t'   ? "\\t"
                             : s.p[i] == '\n' ? "\\n"
                             : s.p[i] == '\r' ? "\\r"
                             : s.p[i] == '\\' ? "\\\\"
                                              : NULL;
        if (escape) {
            buf_add(b, escape, 2);
        } else {
            buf_add_char(b, s.p[i]);
        }
    }
}

static void put_shell(struct buf *b, struct str s)
{
    buf_add_char(b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') {
            buf_add_str(b, STR("'\\''"));
        } else {
            buf_add_char(b, s.p[i]);
        }
    }
    buf_add_char(b, '\'');
}

struct row_style {
    const char *name, *between;
    void (*put)(struct buf *b, struct str s);
    bool null_is_empty;
};

/* One row of scalars. */
static struct str row_of(struct jq_run *r, const struct json *v, const struct row_style *style)
{
    struct buf b = buf_make(JQ_MEMORY_MAX_BYTES);
    for (uint32_t i = 0; i < v->count; i++) {
        const struct json *cell = &v->items[i];
        if (cell->kind == JSON_ARRAY || cell->kind == JSON_OBJECT) {
            buf_free(&b);
            jq_fail(r, "%s is not valid in a %s row", jq_shown(r, cell), style->name);
            return FAILED;
        }
        buf_add_str(&b, i ? str_of(style->between) : STR(""));
        if (cell->kind == JSON_STRING) {
            style->put(&b, cell->string);
        } else if (cell->kind != JSON_NULL || !style->null_is_empty) {
            buf_add_str(&b, jq_json(r, cell));
        }
    }
    return taken(r, &b);
}

static struct str to_row(struct jq_run *r, const struct json *v, const struct row_style *style)
{
    if (v->kind != JSON_ARRAY) {
        jq_fail(r, "%s cannot be %s-formatted, only an array can be", jq_shown(r, v), style->name);
        return FAILED;
    }
    return row_of(r, v, style);
}

static struct str to_csv(struct jq_run *r, const struct json *v)
{
    return to_row(r, v, &(const struct row_style){"csv", ",", put_doubled, true});
}

static struct str to_tsv(struct jq_run *r, const struct json *v)
{
    return to_row(r, v, &(const struct row_style){"tsv", "\t", put_tabbed, true});
}

static struct str to_sh(struct jq_run *r, const struct json *v)
{
    struct json one = {.kind = JSON_ARRAY, .count = 1, .items = v};
    return row_of(r, v->kind == JSON_ARRAY ? v : &one,
                  &(const struct row_style){"shell", " ", put_shell, false});
}

static struct str to_html(struct jq_run *r, const struct json *v)
{
    struct buf b = buf_make(JQ_MEMORY_MAX_BYTES);
    html_escape(&b, jq_text(r, v));
    return taken(r, &b);
}

static struct str to_uri(struct jq_run *r, const struct json *v)
{
    struct str text = jq_text(r, v);
    return jq_room(r, text.n * 3 + 1) ? url_encode(r->arena, text, false) : FAILED;
}

static struct str to_base64(struct jq_run *r, const struct json *v)
{
    struct str text = jq_text(r, v);
    return jq_room(r, text.n * 2) ? base64_encode(r->arena, text) : FAILED;
}

static struct str from_base64(struct jq_run *r, const struct json *v)
{
    struct str text = jq_text(r, v), bytes;
    if (!jq_room(r, text.n * 4)) {
        return FAILED;
    }
    while (text.n && text.p[text.n - 1] == '=') {
        text.n--;
    }
    char *padded = arena_alloc(r->arena, text.n + 4);
    memcpy(padded, text.p, text.n);
    memset(padded + text.n, '=', 3);
    if (!base64_decode(r->arena, str_make(padded, (text.n + 3) / 4 * 4), &bytes)) {
        jq_fail(r, "%s is not valid base64 data", jq_shown(r, v));
        return FAILED;
    }
    return str_is_utf8(bytes) ? bytes : text_nfc(r->arena, bytes);
}

const struct jq_format *jq_format_find(struct str name)
{
    static const struct jq_format FORMATS[] = {
        {"text", to_text},        {"json", to_json}, {"csv", to_csv}, {"tsv", to_tsv},
        {"html", to_html},        {"uri", to_uri},   {"sh", to_sh},   {"base64", to_base64},
        {"base64d", from_base64}, {NULL, NULL},
    };
    for (int i = 0; FORMATS[i].name; i++) {
        if (str_eqz(name, FORMATS[i].name)) {
            return &FORMATS[i];
        }
    }
    return NULL;
}
