#include "paper/paper_markdown.h"

#include <string.h>

#include "codec/date.h"

enum { POINTS_MAX = 24 }; /* of a chart: the newest */

/* A list's mark or a heading's at the beginning: "- ", "+ ", "12. ", "3) ", "=". */
static size_t mark_at(struct str s)
{
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9') {
        digits++;
    }
    bool number = digits && digits < s.n && (s.p[digits] == '.' || s.p[digits] == ')');
    if (number && (digits + 1 == s.n || s.p[digits + 1] == ' ')) {
        return digits;
    }
    return s.n && strchr("-+=", s.p[0]) ? 0 : s.n;
}

void paper_markdown_text(struct buf *b, struct str text)
{
    size_t mark = mark_at(text);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        /* "https://" and "www." become links of themselves in GitHub's dialect. */
        bool address = (c == ':' && str_starts(str_sub(text, i, 3), STR("://"))) ||
                       (c == '.' && i >= 3 && str_eq_nocase(str_sub(text, i - 3, 3), STR("www")));
        if (strchr("\\`*_{}[]<>#|!~&$@", c) || i == mark || address) {
            buf_add_char(b, '\\');
        }
        buf_add_char(b, c == '\n' ? ' ' : c);
    }
}

static void put_link(struct buf *b, struct str text, struct str url)
{
    buf_add_char(b, '[');
    paper_markdown_text(b, text);
    buf_addf(b, "](<");
    for (size_t i = 0; i < url.n; i++) {
        if (strchr("<>\\ |", url.p[i])) {
            buf_addf(b, "%%%02X", (unsigned char)url.p[i]);
        } else {
            buf_add_char(b, url.p[i]);
        }
    }
    buf_addf(b, ">)");
}

static void put_line(struct buf *b, const char *before, struct str text, const char *after)
{
    if (text.n) {
        buf_addf(b, "%s", before);
        paper_markdown_text(b, text);
        buf_addf(b, "%s", after);
    }
}

static void put_figures(struct buf *b, const struct paper *p, const struct paper_block *block)
{
    for (int i = 0; i < block->figures.n; i++) {
        const struct paper_figure *f = &block->figures.items[i];
        put_line(b, "- ", f->label, ": **");
        paper_markdown_text(b, f->value);
        buf_addf(b, "**");
        put_line(b, " (", f->note, ")");
        if (f->url.n) {
            buf_add_char(b, ' ');
            put_link(b, str_of(p->words->source), f->url);
        }
        buf_add_char(b, '\n');
    }
}

static void put_list(struct buf *b, const struct paper *p, const struct paper_block *block)
{
    for (int i = 0; i < block->list.n; i++) {
        const struct paper_item *it = &block->list.items[i];
        if (block->kind == PAPER_NOTE) {
            buf_addf(b, "%s> ", i ? ">\n" : "");
        } else if (block->list.numbered) {
            buf_addf(b, "%d. ", i + 1);
        } else {
            buf_addf(b, "- ");
        }
        put_line(b, "**", it->lead, "** ");
        paper_markdown_text(b, it->text);
        if (it->url.n) {
            buf_add_char(b, ' ');
            put_link(b, str_of(p->words->source), it->url);
        }
        buf_add_char(b, '\n');
    }
    if (block->list.n_left_out) {
        put_line(b, "\n", paper_more(p, block->list.n_left_out), "\n");
    }
}

static void put_table(struct buf *b, const struct paper *p, const struct paper_block *block)
{
    const struct paper_table *t = &block->table;
    for (int i = 0; i < t->n_columns; i++) {
        buf_addf(b, "| ");
        paper_markdown_text(b, t->columns[i].label);
        buf_add_char(b, ' ');
    }
    buf_addf(b, "|\n");
    for (int i = 0; i < t->n_columns; i++) {
        buf_addf(b, t->columns[i].number ? "| ---: " : "| --- ");
    }
    buf_addf(b, "|\n");
    for (int r = 0; r < t->n_rows; r++) {
        for (int i = 0; i < t->n_columns; i++) {
            const struct paper_cell *cell = &t->cells[r * t->n_columns + i];
            buf_addf(b, "| ");
            if (cell->url.n) {
                put_link(b, cell->text, cell->url);
            } else {
                paper_markdown_text(b, cell->text);
            }
            buf_add_char(b, ' ');
        }
        buf_addf(b, "|\n");
    }
    if (t->n_left_out) {
        put_line(b, "\n", paper_more(p, t->n_left_out), "\n");
    }
}

static void put_chart(struct buf *b, const struct paper *p, const struct paper_block *block)
{
    const struct paper_chart *c = &block->chart;
    struct arena *a = p->arena;
    put_line(b, "", c->alt, "\n\n");
    buf_addf(b, "| |");
    for (int s = 0; s < c->n_series; s++) {
        put_line(b, " ", c->series[s].name, " |");
    }
    buf_addf(b, "\n| --- |");
    for (int s = 0; s < c->n_series; s++) {
        buf_addf(b, " ---: |");
    }
    buf_add_char(b, '\n');
    for (int i = c->n_points > POINTS_MAX ? c->n_points - POINTS_MAX : 0; i < c->n_points; i++) {
        buf_addf(b, "| ");
        paper_markdown_text(b, c->labels[i]);
        for (int s = 0; s < c->n_series; s++) {
            buf_addf(b, " | ");
            buf_add_str(b, paper_number(a, c->words, c->series[s].values[i]));
        }
        buf_addf(b, " |\n");
    }
    if (c->n_points > POINTS_MAX) {
        struct str text = paper_say(a, (c->words ? c->words : &paper_english)->newest, "n",
                                    str_fmt(a, "%d", POINTS_MAX));
        text = paper_say(a, text.p, "total", str_fmt(a, "%d", c->n_points));
        put_line(b, "\n", text, "\n");
    }
}

enum err paper_markdown(const struct paper *p, struct buf *out)
{
    static void (*const PUTS[])(struct buf *, const struct paper *, const struct paper_block *) = {
        [PAPER_FIGURES] = put_figures, [PAPER_LIST] = put_list, [PAPER_TABLE] = put_table,
        [PAPER_CHART] = put_chart,     [PAPER_NOTE] = put_list,
    };
    struct buf *b = out;
    put_line(b, "# ", p->title, "\n\n");
    if (!str_starts(p->title, p->subtitle)) {
        put_line(b, "", p->subtitle, "\n\n");
    }
    put_line(b, "**", p->brand, "**, ");
    buf_add_str(b, p->when);
    put_line(b, ", ", p->author, "");
    put_line(b, ", ", p->footer, "");
    buf_add_char(b, '\n');
    for (int i = 0; i < p->n_pages; i++) {
        const struct paper_page *page = &p->pages[i];
        if (page->kind == PAPER_COVER) {
            continue;
        }
        put_line(b, "\n## ", page->title, "\n");
        put_line(b, "\n", page->lead, "\n");
        for (int j = 0; j < page->n_blocks; j++) {
            const struct paper_block *block = &page->blocks[j];
            put_line(b, "\n### ", block->heading, "\n");
            buf_add_char(b, '\n');
            PUTS[block->kind](b, p, block);
        }
    }
    return b->overflow ? E_TOO_LARGE : E_OK;
}
