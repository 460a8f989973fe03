#include "find/extract.h"

#include "codec/csv.h"
#include "codec/html.h"
#include "codec/markdown.h"

struct ending {
    const char *ending, *media_type;
};
static const struct ending endings[] = {
    {".md", "text/markdown"}, {".markdown", "text/markdown"}, {".html", "text/html"},
    {".htm", "text/html"},    {".csv", "text/csv"},           {".txt", "text/plain"},
};

struct str extract_media_type(struct str file_name)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        struct str end = str_of(endings[i].ending);
        if (file_name.n > end.n &&
            str_eq_nocase(str_sub(file_name, file_name.n - end.n, end.n), end)) {
            return str_of(endings[i].media_type);
        }
    }
    return STR("");
}

/* ---- CSV: every row is a passage, "header: value" by line ---------------- */

struct csv_rows {
    struct arena *a;
    struct buf text;
    struct outline_section *sections;
    size_t count;
};

static void add_row(struct csv_rows *r, const struct csv_row *header, const struct csv_row *row)
{
    if (r->count >= OUTLINE_SECTIONS_MAX) {
        return;
    }
    if (r->text.n) {
        buf_addf(&r->text, "\n\n");
    }
    size_t start = r->text.n;
    for (size_t i = 0; i < row->count; i++) {
        struct str value = str_trim(row->cells[i]);
        if (!value.n) {
            continue;
        }
        struct str name = i < header->count ? str_trim(header->cells[i]) : STR("");
        buf_addf(&r->text, "%s%.*s%s%.*s", r->text.n > start ? "\n" : "", STR_ARG(name),
                 name.n ? ": " : "", STR_ARG(value));
    }
    r->sections[r->count++] = (struct outline_section){
        .heading = STR(""), .path = STR(""), .start = start, .end = r->text.n};
}

static enum err extract_csv(struct arena *a, struct str bytes, struct str *out_why,
                            struct extract *out)
{
    struct csv *csv = csv_new(0);
    struct csv_row header = {0}, row;
    struct csv_rows r = {a, buf_make(EXTRACT_INPUT_MAX_BYTES * 2), NULL, 0};
    r.sections = ARENA_ARRAY(a, struct outline_section, OUTLINE_SECTIONS_MAX);
    csv_feed(csv, bytes, true);
    enum csv_step step = csv_next(csv, a, &header);
    while (step == CSV_ROW && (step = csv_next(csv, a, &row)) == CSV_ROW) {
        add_row(&r, &header, &row);
    }
    bool bad = step == CSV_BAD;
    *out_why = bad ? str_dup(a, str_of(csv_problem(csv))) : STR("");
    csv_free(&csv);
    if (bad) {
        buf_free(&r.text);
        return E_INVALID;
    }
    *out = (struct extract){.passages = true};
    out->outline.text = str_dup(a, buf_str(&r.text));
    out->outline.title = STR("");
    out->outline.sections = r.sections;
    out->outline.count = r.count;
    buf_free(&r.text);
    return E_OK;
}

enum err extract_text(struct arena *a, struct str media_type, struct str bytes, struct str *out_why,
                      struct extract *out)
{
    struct str rest = media_type, type = STR("");
    struct json_fault fault = {0};
    enum err e = E_OK;
    str_split(&rest, ';', &type);
    type = str_trim(type);
    *out = (struct extract){0};
    *out_why = STR("");
    if (bytes.n > EXTRACT_INPUT_MAX_BYTES) {
        *out_why = str_fmt(a, "a document has at most %d bytes", EXTRACT_INPUT_MAX_BYTES);
        return E_TOO_LARGE;
    }
    if (str_eq_nocase(type, STR("text/html"))) {
        e = html_read(a, bytes, &out->outline);
        *out_why = STR("the HTML cannot be read");
        return e;
    }
    if (!str_is_utf8(bytes)) {
        *out_why = STR("the document is not UTF-8 text");
        return E_INVALID;
    }
    if (str_eq_nocase(type, STR("text/markdown"))) {
        e = markdown_read(a, bytes, &out->outline, &fault);
        *out_why = str_dup(a, str_of(fault.text));
    } else if (str_eq_nocase(type, STR("text/csv"))) {
        e = extract_csv(a, bytes, out_why, out);
    } else if (type.n == 0 || str_eq_nocase(type, STR("text/plain"))) {
        out->outline = outline_of_text(a, bytes);
    } else {
        *out_why = str_fmt(a,
                           "documents of type %.*s cannot be read; Markdown, HTML, CSV and text "
                           "can",
                           STR_ARG(type));
        e = E_INVALID;
    }
    return e;
}
