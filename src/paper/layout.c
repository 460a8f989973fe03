#include "paper/layout.h"

#include <math.h>

#include "codec/date.h"
#include "paper/type.h"

enum { CELL_LINES_MAX = 8, TITLE_LINES_MAX = 3 };

/* Sizes and distances of a form, in points. */
struct form {
    double width, height, margin;
    double body_top, bottom; /* blocks begin at body_top or lower, and end at bottom */
    double title, kicker, lead, body, cell, heading;
    double value, label, note; /* of a figure */
    double card_h, card_gap, gap, gutter, chart_min, chart_max, footer_y, footer;
    double flow; /* room below a section; the next one begins on the same page */
};

static const struct form FORMS[] = {
    [LAYOUT_DECK] = {.width = 960,
                     .height = 540,
                     .margin = 52,
                     .body_top = 112,
                     .bottom = 490,
                     .title = 28,
                     .kicker = 12,
                     .lead = 16,
                     .body = 16,
                     .cell = 13,
                     .heading = 13,
                     .value = 32,
                     .label = 12,
                     .note = 12,
                     .card_h = 96,
                     .card_gap = 16,
                     .gap = 20,
                     .gutter = 36,
                     .chart_min = 140,
                     .chart_max = 340,
                     .footer_y = 508,
                     .footer = 10},
    [LAYOUT_SHEET] = {.width = 595,
                      .height = 842,
                      .margin = 52,
                      .body_top = 56,
                      .bottom = 782,
                      .title = 15,
                      .kicker = 8.5,
                      .lead = 10.5,
                      .body = 10.5,
                      .cell = 9.5,
                      .heading = 9.5,
                      .value = 20,
                      .label = 8.5,
                      .note = 8.5,
                      .card_h = 62,
                      .card_gap = 10,
                      .gap = 12,
                      .gutter = 22,
                      .chart_min = 110,
                      .chart_max = 150,
                      .footer_y = 802,
                      .footer = 8,
                      .flow = 14},
};

struct cursor {
    int page;
    double y;
};

struct work {
    struct arena *a;
    const struct form *f;
    struct layout *out;
    const struct paper_page *of;
    int first;                 /* page of the section */
    struct cursor left, right; /* how far each half is filled */
};

/* Where a block goes: a column and how far it is filled. */
struct column {
    struct cursor at;
    double x, w;
};

static const struct paper_colors *colors(const struct work *w)
{
    return &w->out->colors;
}

static struct layout_page *page_at(struct work *w, int index)
{
    return &w->out->pages[index];
}

/* NULL when the page is full; there is always something to write into then, which nobody sees. */
static struct layout_box *add_box(struct work *w, int page, enum layout_kind kind)
{
    struct layout_page *p = page_at(w, page);
    if (p->n_boxes == LAYOUT_BOXES_MAX) {
        return ARENA_NEW(w->a, struct layout_box);
    }
    struct layout_box *b = &p->boxes[p->n_boxes++];
    b->kind = kind;
    return b;
}

static void place(struct layout_box *b, double x, double y, double width, double height)
{
    b->x = x;
    b->y = y;
    b->w = width;
    b->h = height;
}

static struct layout_box *add_panel(struct work *w, int page, uint32_t fill)
{
    struct layout_box *b = add_box(w, page, LAYOUT_PANEL);
    b->fill = fill;
    return b;
}

/* A box with one paragraph. */
static struct layout_box *add_text(struct work *w, int page, const struct layout_line *line)
{
    struct layout_box *b = add_box(w, page, LAYOUT_TEXT);
    b->lines = arena_memdup(w->a, line, sizeof *line);
    b->n_lines = 1;
    b->name = line->text;
    return b;
}

static double line_height(double size_pt)
{
    return size_pt * LAYOUT_LEADING;
}

/* Of a text that may be shortened to `lines_max`; *text is what stands there then. */
static double fit_text(struct work *w, struct str *text, double size_pt, bool bold, double width,
                       int lines_max)
{
    size_t fits;
    struct type_text t = {.text = *text, .size_pt = bold ? size_pt * 1.075 : size_pt};
    int n = type_set(&t, width, lines_max, &fits);
    if (fits < text->n) {
        struct str cut = str_trim(str_sub(*text, 0, fits));
        *text = str_fmt(w->a, "%.*s\u2026", STR_ARG(cut));
    }
    return n * line_height(size_pt);
}

/* Pages */

static void add_footer(struct work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct form *f = w->f;
    struct layout_line line = {.size_pt = f->footer, .color = colors(w)->muted};
    line.lead = p->brand;
    line.text = p->footer.n
                    ? str_fmt(w->a, "%.*s  \u00b7  %.*s", STR_ARG(p->title), STR_ARG(p->footer))
                    : p->title;
    line.lead_color = colors(w)->accent;
    double width = f->width - 2 * f->margin;
    fit_text(w, &line.text, f->footer, true, width - 120 - type_width(p->brand, f->footer, true),
             1);
    struct layout_box *b = add_text(w, page, &line);
    b->role = LAYOUT_FOOTER;
    place(b, f->margin, f->footer_y, width - 100, line_height(f->footer) + 2);
    struct layout_line folio = {.text = str_fmt(w->a, "%d", page + 1),
                                .size_pt = f->footer,
                                .color = colors(w)->muted,
                                .align = LAYOUT_END};
    b = add_text(w, page, &folio);
    b->role = LAYOUT_FOLIO;
    place(b, f->width - f->margin - 90, f->footer_y, 90, line_height(f->footer) + 2);
}

/* False when there are too many pages. */
static bool add_page(struct work *w, int part)
{
    if (w->out->n_pages == LAYOUT_PAGES_MAX) {
        w->out->cut = true;
        return false;
    }
    struct layout_page *p = &w->out->pages[w->out->n_pages++];
    *p = (struct layout_page){.of = w->of, .part = part};
    p->boxes = ARENA_ARRAY(w->a, struct layout_box, LAYOUT_BOXES_MAX);
    p->title = w->of->title;
    p->top = w->f->body_top;
    return true;
}

/* The head of a slide. */
static void head_slide(struct work *w, int page)
{
    const struct form *f = w->f;
    struct layout_page *p = page_at(w, page);
    double width = f->width - 2 * f->margin, y = 28;
    if (p->part) {
        p->title = paper_say(w->a, w->out->paper->words->continued, "title", w->of->title);
    }
    if (w->of->kicker.n) {
        struct layout_line k = {
            .text = w->of->kicker, .size_pt = f->kicker, .color = colors(w)->accent, .bold = true};
        place(add_text(w, page, &k), f->margin, y, width, line_height(f->kicker) + 2);
    }
    y += line_height(f->kicker) + 4;
    struct layout_line title = {
        .text = p->title, .size_pt = f->title, .color = colors(w)->ink, .bold = true};
    double h = fit_text(w, &title.text, f->title, true, width, 2);
    if (h > line_height(f->title)) { /* two lines of a smaller size */
        title.text = p->title;
        title.size_pt = 22;
        h = fit_text(w, &title.text, title.size_pt, true, width, 2);
    }
    struct layout_box *b = add_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    b->section = p->part ? str_make("", 0) : w->of->title;
    place(b, f->margin, y, width, h + 2);
    y += h + 4;
    if (w->of->lead.n && !p->part) {
        struct layout_line lead = {
            .text = w->of->lead, .size_pt = f->lead, .color = colors(w)->muted};
        h = fit_text(w, &lead.text, f->lead, false, width, 3);
        place(add_text(w, page, &lead), f->margin, y, width, h + 2);
        y += h;
    }
    p->top = fmax(f->body_top, y + 20);
    add_footer(w, page);
}

static void fill_cover(struct work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct form *f = w->f;
    double width = f->width - 2 * f->margin - 120, x = f->margin + 12;
    uint32_t ink = colors(w)->on_brand;
    place(add_panel(w, page, colors(w)->brand), 0, 0, f->width, f->height);
    struct layout_line brand = {.text = p->brand, .size_pt = 20, .color = ink, .bold = true};
    place(add_text(w, page, &brand), x, 48, width, 28);
    struct layout_line title = {.text = w->of->title, .size_pt = 44, .color = ink, .bold = true};
    double h = fit_text(w, &title.text, 44, true, width, TITLE_LINES_MAX);
    double y = 300 - h;
    place(add_panel(w, page, ink), x, y - 26, 64, 5);
    struct layout_box *b = add_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    b->section = w->of->title;
    place(b, x, y, width, h + 4);
    struct layout_line sub = {.text = p->subtitle, .size_pt = 20, .color = ink};
    h = fit_text(w, &sub.text, 20, false, width, 2);
    if (sub.text.n) {
        place(add_text(w, page, &sub), x, 316, width, h + 4);
    }
    struct str by = p->when;
    by = p->author.n ? str_fmt(w->a, "%.*s  \u00b7  %.*s", STR_ARG(by), STR_ARG(p->author)) : by;
    struct layout_line date = {.text = by, .size_pt = 14, .color = ink};
    place(add_text(w, page, &date), x, 460, width, 20);
    if (p->footer.n) {
        struct layout_line foot = {.text = p->footer, .size_pt = 11, .color = ink};
        place(add_text(w, page, &foot), x, 484, width, 16);
    }
}

/* The head of a document on sheets. */
static void head_sheet(struct work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct form *f = w->f;
    double width = f->width - 2 * f->margin, y = f->body_top;
    place(add_panel(w, page, colors(w)->brand), 0, 0, f->width, 10);
    struct layout_line brand = {
        .text = p->brand, .size_pt = 11, .color = colors(w)->accent, .bold = true};
    place(add_text(w, page, &brand), f->margin, 34, width / 2, 16);
    struct layout_line date = {
        .text = p->when, .size_pt = 9.5, .color = colors(w)->muted, .align = LAYOUT_END};
    place(add_text(w, page, &date), f->margin + width / 2, 35, width / 2, 16);
    y += 22;
    struct layout_line title = {
        .text = w->of->title, .size_pt = 26, .color = colors(w)->ink, .bold = true};
    double h = fit_text(w, &title.text, 26, true, width, TITLE_LINES_MAX);
    struct layout_box *b = add_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    place(b, f->margin, y, width, h + 2);
    y += h + 4;
    if (p->subtitle.n) {
        struct layout_line sub = {.text = p->subtitle, .size_pt = 12, .color = colors(w)->muted};
        h = fit_text(w, &sub.text, 12, false, width, 2);
        place(add_text(w, page, &sub), f->margin, y, width, h + 2);
        y += h;
    }
    w->left.y = w->right.y = y + 16;
}

/* The cursor goes to the next page, which is made when there is none. False: no more pages. */
static bool turn_page(struct work *w, struct cursor *at)
{
    if (at->page + 1 == w->out->n_pages) {
        if (!add_page(w, w->out->n_pages - w->first)) {
            return false;
        }
        if (w->out->form == LAYOUT_DECK) {
            head_slide(w, w->out->n_pages - 1);
        } else {
            add_footer(w, w->out->n_pages - 1);
        }
    }
    at->page++;
    at->y = page_at(w, at->page)->top;
    return true;
}

static double room(const struct work *w, const struct column *c)
{
    return w->f->bottom - c->at.y;
}

static bool is_fresh(struct work *w, const struct column *c)
{
    return c->at.y <= page_at(w, c->at.page)->top + 0.5;
}

/* Headings of blocks: `follows` is what must stand below one on the same page. */
static bool put_heading(struct work *w, struct column *c, struct str text, double follows)
{
    double h = text.n ? line_height(w->f->heading) + 8 : 0;
    if (room(w, c) < h + follows && !is_fresh(w, c) && !turn_page(w, &c->at)) {
        return false;
    }
    if (text.n) {
        struct layout_line line = {
            .text = text, .size_pt = w->f->heading, .color = colors(w)->muted, .bold = true};
        fit_text(w, &line.text, line.size_pt, true, c->w, 1);
        struct layout_box *b = add_text(w, c->at.page, &line);
        b->role = LAYOUT_HEADING;
        place(b, c->x, c->at.y, c->w, h - 4);
        c->at.y += h;
    }
    return true;
}

/* Figures */

static void put_card(struct work *w, int page, const struct paper_figure *fig,
                     const struct column *card)
{
    const struct form *f = w->f;
    const struct paper_colors *k = colors(w);
    double x = card->x, y = card->at.y, pad = f->card_h * 0.13, inner = card->w - 2 * pad - 6;
    uint32_t tone = fig->tone == PAPER_PLAIN ? k->brand : k->tones[fig->tone];
    place(add_panel(w, page, k->panel), x, y, card->w, f->card_h);
    place(add_panel(w, page, tone), x, y, f->card_h * 0.045, f->card_h);
    struct layout_line *lines = ARENA_ARRAY(w->a, struct layout_line, 3);
    double value = f->value;
    while (value > f->body && type_width(fig->value, value, true) > inner) {
        value -= 1;
    }
    lines[0] = (struct layout_line){
        .text = fig->label, .size_pt = f->label, .color = k->muted, .after_pt = 2};
    lines[1] = (struct layout_line){.text = fig->value,
                                    .size_pt = value,
                                    .color = k->ink,
                                    .bold = true,
                                    .after_pt = f->value - value + 1};
    lines[2] =
        (struct layout_line){.text = fig->note, .size_pt = f->note, .color = k->tones[fig->tone]};
    if (fig->tone == PAPER_PLAIN) {
        lines[2].color = k->muted;
    }
    fit_text(w, &lines[0].text, f->label, false, inner, 1);
    fit_text(w, &lines[1].text, value, true, inner, 1);
    fit_text(w, &lines[2].text, f->note, false, inner, 1);
    struct layout_box *b = add_box(w, page, LAYOUT_TEXT);
    place(b, x + pad + 4, y + pad * 0.8, card->w - 2 * pad - 2, f->card_h - pad * 1.2);
    b->lines = lines;
    b->n_lines = fig->note.n ? 3 : 2;
    b->url = fig->url;
    b->name = fig->label;
}

static void put_figures(struct work *w, struct column *c, const struct paper_block *b)
{
    const struct form *f = w->f;
    int n = b->figures.n, per_row = c->w < f->width / 2 && n > 2 ? 2 : n;
    if (!put_heading(w, c, b->heading, f->card_h)) {
        return;
    }
    for (int i = 0; i < n; i += per_row) {
        if (i && room(w, c) < f->card_h && !turn_page(w, &c->at)) {
            return;
        }
        double width = (c->w - (per_row - 1) * f->card_gap) / per_row;
        for (int j = 0; j < per_row && i + j < n; j++) {
            struct column card = *c;
            card.x = c->x + j * (width + f->card_gap);
            card.w = width;
            put_card(w, c->at.page, &b->figures.items[i + j], &card);
        }
        c->at.y += f->card_h + (i + per_row < n ? f->card_gap : 0);
    }
}

/* Lists and notes */

struct list {
    const struct paper_block *block;
    struct paper_item *items; /* ours to shorten */
    int n, next;
    bool carried; /* items[next] is what was left of one on the page before */
};

static double item_indent(const struct work *w, const struct paper_block *b)
{
    return b->kind == PAPER_LIST ? w->f->body * LAYOUT_INDENT : 0;
}

static double item_size(const struct work *w, const struct paper_block *b)
{
    return b->kind == PAPER_NOTE ? w->f->body * 0.9 : w->f->body;
}

/* The height of an item set in at most lines_max lines; *out_fits bytes of its text. */
static double item_height(struct work *w, const struct list *l, double width, int lines_max,
                          size_t *out_fits)
{
    const struct paper_item *it = &l->items[l->next];
    struct type_text t = {it->lead, it->text, item_size(w, l->block)};
    if (it->url.n) {
        t.text = str_fmt(w->a, "%.*s %s", STR_ARG(it->text), w->out->paper->words->source);
    }
    int n = type_set(&t, width - item_indent(w, l->block), lines_max, out_fits);
    *out_fits = *out_fits > it->text.n ? it->text.n : *out_fits;
    return n * line_height(t.size_pt);
}

static struct layout_line item_line(const struct work *w, const struct list *l)
{
    const struct paper_item *it = &l->items[l->next];
    const struct paper_colors *k = colors(w);
    double size = item_size(w, l->block);
    return (struct layout_line){
        .lead = it->lead,
        .text = it->text,
        .url = it->url,
        .link_text = it->url.n ? str_of(w->out->paper->words->source) : str_make("", 0),
        .size_pt = size,
        .after_pt = size * 0.5,
        .color = it->tone == PAPER_MUTED ? k->muted : k->ink,
        .lead_color = k->tones[it->tone],
        .bullet = l->block->kind == PAPER_LIST && !l->carried,
        .number = l->block->kind == PAPER_LIST && l->block->list.numbered ? l->next + 1 : 0,
    };
}

/* As many items as there is room for; a first one that is too long for a whole page is cut in two.
 * Returns their height. */
static double take_items(struct work *w, struct list *l, const struct column *c,
                         struct layout_line *lines, int *out_n)
{
    double left = room(w, c), used = 0;
    int n = 0, pages = 1;
    while (l->next < l->n) {
        size_t fits;
        struct paper_item *it = &l->items[l->next];
        double h = item_height(w, l, c->w, 10000, &fits);
        if (used + h <= left) {
            lines[n++] = item_line(w, l);
            used += h + lines[n - 1].after_pt;
            l->next++;
            l->carried = false;
            continue;
        }
        if (n == 0 && is_fresh(w, c) && pages-- > 0) {
            int most = (int)(left / line_height(item_size(w, l->block)));
            h = item_height(w, l, c->w, most < 1 ? 1 : most, &fits);
            lines[n] = item_line(w, l);
            lines[n++].text = str_sub(it->text, 0, fits);
            lines[n - 1].url = lines[n - 1].link_text = str_make("", 0);
            it->text = str_sub(it->text, fits, it->text.n);
            it->lead = str_make("", 0);
            l->carried = true;
            used += h;
        }
        break;
    }
    *out_n = n;
    return used;
}

static void put_list(struct work *w, struct column *c, const struct paper_block *b)
{
    bool note = b->kind == PAPER_NOTE;
    struct list l = {.block = b, .n = b->list.n};
    l.items = ARENA_ARRAY(w->a, struct paper_item, (size_t)b->list.n + 1);
    for (int i = 0; i < b->list.n; i++) {
        l.items[i] = b->list.items[i];
    }
    if (b->list.n_left_out) {
        l.items[l.n++] = (struct paper_item){.text = paper_more(w->out->paper, b->list.n_left_out),
                                             .tone = PAPER_MUTED};
    }
    size_t fits;
    double pad = note ? w->f->body * 0.9 : 0;
    double h = l.n ? item_height(w, &l, c->w - 2 * pad, 10000, &fits) : 0;
    if (!l.n || !put_heading(w, c, b->heading, h + 2 * pad)) {
        return;
    }
    while (l.next < l.n) {
        struct layout_line *lines = ARENA_ARRAY(w->a, struct layout_line, (size_t)l.n + 1);
        struct column inner = {{c->at.page, c->at.y}, c->x + pad, c->w - 2 * pad};
        int n;
        bool fresh = is_fresh(w, c);
        inner.at.y += fresh ? 0 : 2 * pad;
        h = take_items(w, &l, &inner, lines, &n);
        if (n) {
            if (note) {
                place(add_panel(w, c->at.page, colors(w)->panel), c->x, c->at.y, c->w,
                      h + 2 * pad - lines[n - 1].after_pt);
            }
            struct layout_box *box = add_box(w, c->at.page, LAYOUT_TEXT);
            place(box, inner.x, c->at.y + pad, inner.w, h);
            box->lines = lines;
            box->n_lines = n;
            box->name = b->heading.n ? b->heading : w->of->title;
            c->at.y += h + 2 * pad;
        }
        if (l.next < l.n && !turn_page(w, &c->at)) {
            return;
        }
    }
}

/* Tables */

static void measure_table(struct work *w, const struct paper_table *t, double width,
                          struct layout_grid *g)
{
    double *column_w = ARENA_ARRAY(w->a, double, (size_t)t->n_columns), sum = 0;
    double *row_h = ARENA_ARRAY(w->a, double, (size_t)t->n_rows + 1);
    struct str *cells = ARENA_ARRAY(w->a, struct str, (size_t)(t->n_rows * t->n_columns) + 1);
    g->size_pt = w->f->cell * (t->compact ? 0.8 : 1);
    g->pad_x = g->size_pt * 0.5;
    g->pad_y = g->size_pt * (t->compact ? 0.3 : 0.42);
    g->table = t;
    for (int i = 0; i < t->n_columns; i++) {
        sum += t->columns[i].share;
    }
    for (int i = 0; i < t->n_columns; i++) {
        column_w[i] = width * t->columns[i].share / sum;
        struct str label = t->columns[i].label;
        double h = fit_text(w, &label, g->size_pt, true, column_w[i] - 2 * g->pad_x, 3);
        g->head_h = fmax(g->head_h, h + 2 * g->pad_y);
    }
    for (int r = 0; r < t->n_rows; r++) {
        for (int i = 0; i < t->n_columns; i++) {
            int at = r * t->n_columns + i;
            cells[at] = t->cells[at].text;
            double h = fit_text(w, &cells[at], g->size_pt, false, column_w[i] - 2 * g->pad_x,
                                CELL_LINES_MAX);
            row_h[r] = fmax(row_h[r], h + 2 * g->pad_y);
        }
    }
    g->column_w = column_w;
    g->row_h = row_h;
    g->cells = cells;
}

static void put_table(struct work *w, struct column *c, const struct paper_block *b)
{
    const struct paper_table *t = &b->table;
    struct layout_grid whole = {0};
    if (t->n_columns == 0 || t->n_rows == 0) {
        return;
    }
    measure_table(w, t, c->w, &whole);
    if (!put_heading(w, c, b->heading, whole.head_h + whole.row_h[0])) {
        return;
    }
    for (int row = 0; row < t->n_rows;) {
        struct layout_grid *g = arena_memdup(w->a, &whole, sizeof whole);
        double h = g->head_h;
        g->row_from = row;
        while (row < t->n_rows && (h + g->row_h[row] <= room(w, c) || row == g->row_from)) {
            h += g->row_h[row++];
        }
        g->n_rows = row - g->row_from;
        g->row_h += g->row_from;
        struct layout_box *box = add_box(w, c->at.page, LAYOUT_GRID);
        place(box, c->x, c->at.y, c->w, h);
        box->grid = g;
        box->name = b->heading.n ? b->heading : w->of->title;
        c->at.y += h;
        if (row < t->n_rows && !turn_page(w, &c->at)) {
            return;
        }
    }
    if (t->n_left_out) {
        struct layout_line more = {.text = paper_more(w->out->paper, t->n_left_out),
                                   .size_pt = w->f->cell,
                                   .color = colors(w)->muted};
        double h = line_height(w->f->cell) + 4;
        if (room(w, c) >= h || turn_page(w, &c->at)) {
            place(add_text(w, c->at.page, &more), c->x, c->at.y + 4, c->w, h);
            c->at.y += h;
        }
    }
}

/* Charts */

static void put_chart(struct work *w, struct column *c, const struct paper_block *b)
{
    const struct form *f = w->f;
    double heading = b->heading.n ? line_height(f->heading) + 8 : 0;
    double body = f->bottom - page_at(w, c->at.page)->top;
    double most = b->chart.kind == PAPER_GAUGE ? f->chart_max * 0.72 : f->chart_max;
    double min = b->chart.bare ? f->chart_min * 0.4 : f->chart_min;
    double wanted = b->share > 0 ? b->share * body - heading : 0;
    if (f->flow > 0) {
        wanted = b->share > 0 ? fmax(most * b->share, min) : most;
    }
    if (b->chart.n_points == 0 || b->chart.n_series == 0 ||
        !put_heading(w, c, b->heading, fmax(min, wanted))) {
        return;
    }
    double h = wanted > 0 ? fmin(wanted, room(w, c)) : fmin(room(w, c), most);
    struct layout_box *box = add_box(w, c->at.page, LAYOUT_PLOT);
    place(box, c->x, c->at.y, c->w, fmax(h, min * 0.8));
    box->chart = &b->chart;
    box->name = b->chart.alt.n ? b->chart.alt : b->chart.title;
    c->at.y += box->h;
}

/* Sections */

static void later(struct cursor *a, const struct cursor *b)
{
    if (b->page > a->page || (b->page == a->page && b->y > a->y)) {
        *a = *b;
    }
}

static void put_block(struct work *w, const struct paper_block *b)
{
    const struct form *f = w->f;
    double width = f->width - 2 * f->margin, half = (width - f->gutter) / 2;
    struct column c = {.x = f->margin, .w = width};
    struct cursor *at = b->side == PAPER_RIGHT ? &w->right : &w->left;
    if (b->side == PAPER_WIDE) {
        later(&w->left, &w->right);
    } else {
        c.w = half;
        c.x += b->side == PAPER_RIGHT ? half + f->gutter : 0;
    }
    c.at = *at;
    if (!is_fresh(w, &c)) {
        c.at.y += f->gap;
    }
    switch (b->kind) {
    case PAPER_FIGURES:
        put_figures(w, &c, b);
        break;
    case PAPER_LIST:
    case PAPER_NOTE:
        put_list(w, &c, b);
        break;
    case PAPER_TABLE:
        put_table(w, &c, b);
        break;
    case PAPER_CHART:
        put_chart(w, &c, b);
        break;
    }
    *at = c.at;
    if (b->side == PAPER_WIDE) {
        w->right = c.at;
    }
}

/* A section's heading on a sheet, with room for something below it. */
static bool head_section(struct work *w)
{
    const struct form *f = w->f;
    later(&w->left, &w->right);
    struct column c = {w->left, f->margin, f->width - 2 * f->margin};
    if (!is_fresh(w, &c)) {
        c.at.y += f->flow;
    }
    struct layout_line line = {
        .text = w->of->title, .size_pt = f->title, .color = colors(w)->accent, .bold = true};
    struct layout_line lead = {.text = w->of->lead, .size_pt = f->lead, .color = colors(w)->muted};
    double h = fit_text(w, &line.text, f->title, true, c.w, 2);
    double lead_h = lead.text.n ? fit_text(w, &lead.text, f->lead, false, c.w, 4) + 2 : 0;
    if (room(w, &c) < h + lead_h + 96 && !turn_page(w, &c.at)) {
        return false;
    }
    struct layout_box *b = add_text(w, c.at.page, &line);
    b->role = LAYOUT_HEADING;
    b->section = w->of->title;
    place(b, c.x, c.at.y, c.w, h + 2);
    c.at.y += h + 4;
    if (lead.text.n) {
        place(add_text(w, c.at.page, &lead), c.x, c.at.y, c.w, lead_h + 2);
        c.at.y += lead_h;
    }
    c.at.y -= f->gap - 6; /* the first block stands close */
    w->left = w->right = c.at;
    return true;
}

static bool begin_section(struct work *w)
{
    bool deck = w->out->form == LAYOUT_DECK;
    if (!deck && w->out->n_pages) {
        return head_section(w);
    }
    w->first = w->out->n_pages;
    if (!add_page(w, 0)) {
        return false;
    }
    int page = w->out->n_pages - 1;
    w->left = w->right = (struct cursor){page, w->f->body_top};
    if (!deck) {
        head_sheet(w, page);
        add_footer(w, page);
        return w->of->kind == PAPER_COVER || head_section(w);
    }
    if (w->of->kind == PAPER_COVER) {
        fill_cover(w, page);
        return false;
    }
    head_slide(w, page);
    w->left.y = w->right.y = page_at(w, page)->top;
    return true;
}

static void put_blocks(struct work *w)
{
    for (int i = 0; i < w->of->n_blocks && !w->out->cut; i++) {
        put_block(w, &w->of->blocks[i]);
    }
}

/* What a section has changed, to be put back. */
struct mark {
    struct cursor left, right;
    int n_pages, n_boxes;
};

static struct mark mark_of(struct work *w)
{
    int n = w->out->n_pages;
    return (struct mark){w->left, w->right, n, n ? page_at(w, n - 1)->n_boxes : 0};
}

static void go_back(struct work *w, const struct mark *m)
{
    w->left = m->left;
    w->right = m->right;
    w->out->n_pages = m->n_pages;
    w->out->cut = false;
    page_at(w, m->n_pages - 1)->n_boxes = m->n_boxes;
}

/* A section that would be torn apart at the foot of a sheet begins on the next one, when it is
 * whole there. */
static void put_section(struct work *w)
{
    struct mark before = mark_of(w);
    bool low = false;
    if (w->f->flow > 0 && w->out->n_pages) {
        later(&w->left, &w->right);
        low = w->f->bottom - w->left.y < 0.5 * (w->f->bottom - w->f->body_top);
    }
    if (!begin_section(w)) {
        return;
    }
    put_blocks(w);
    if (!low || w->out->n_pages == before.n_pages) {
        return;
    }
    int torn = w->out->n_pages;
    go_back(w, &before);
    if (turn_page(w, &w->left) && begin_section(w)) {
        put_blocks(w);
    }
    if (w->out->n_pages > torn) {
        go_back(w, &before);
        if (begin_section(w)) {
            put_blocks(w);
        }
    }
}

const struct layout *layout_make(const struct paper *p, enum layout_form form)
{
    struct arena *a = p->arena;
    struct layout *out = ARENA_NEW(a, struct layout);
    const struct form *f = &FORMS[form];
    *out = (struct layout){.form = form,
                           .width = f->width,
                           .height = f->height,
                           .margin = f->margin,
                           .colors = paper_colors(p->color),
                           .paper = p};
    out->pages = ARENA_ARRAY(a, struct layout_page, LAYOUT_PAGES_MAX);
    struct work w = {.a = a, .f = f, .out = out};
    for (int i = 0; i < p->n_pages && !out->cut; i++) {
        w.of = &p->pages[i];
        put_section(&w);
    }
    if (out->cut) {
        struct layout_line line = {
            .text = paper_say(a, p->words->beyond, "n", str_fmt(a, "%d", LAYOUT_PAGES_MAX)),
            .size_pt = f->footer,
            .color = out->colors.tones[PAPER_BAD],
            .bold = true};
        double y = f->footer_y - line_height(f->footer) - 2;
        place(add_text(&w, out->n_pages - 1, &line), f->margin, y, f->width / 2, 16);
    }
    return out;
}
