#include "paper/layout_page.h"

#include <math.h>

#include "paper/type.h"

enum { CELL_LINES_MAX = 8 };

/* Where a block goes: a column and how far it is filled. */
struct column {
    struct layout_cursor at;
    double x, w;
};

static double room(const struct layout_work *w, const struct column *c)
{
    return w->f->bottom - c->at.y;
}

static bool is_fresh(struct layout_work *w, const struct column *c)
{
    return c->at.y <= layout_page_at(w, c->at.page)->top + 0.5;
}

/* Headings of blocks: `follows` is what must stand below one on the same page. */
static bool put_heading(struct layout_work *w, struct column *c, struct str text, double follows)
{
    double h = text.n ? layout_page_line(w->f->heading) + 8 : 0;
    if (room(w, c) < h + follows && !is_fresh(w, c) && !layout_page_turn(w, &c->at)) {
        return false;
    }
    if (text.n) {
        struct layout_line line = {.text = text,
                                   .size_pt = w->f->heading,
                                   .color = layout_page_colors(w)->muted,
                                   .bold = true};
        layout_page_fit(w, &line.text, line.size_pt, true, c->w, 1);
        struct layout_box *b = layout_page_text(w, c->at.page, &line);
        b->role = LAYOUT_HEADING;
        layout_page_place(b, c->x, c->at.y, c->w, h - 4);
        c->at.y += h;
    }
    return true;
}

/* Figures */

static void put_card(struct layout_work *w, int page, const struct paper_figure *fig,
                     const struct column *card)
{
    const struct layout_sizes *f = w->f;
    const struct paper_colors *k = layout_page_colors(w);
    double x = card->x, y = card->at.y, pad = f->card_h * 0.13, inner = card->w - 2 * pad - 6;
    uint32_t tone = fig->tone == PAPER_PLAIN ? k->brand : k->tones[fig->tone];
    layout_page_place(layout_page_panel(w, page, k->panel), x, y, card->w, f->card_h);
    layout_page_place(layout_page_panel(w, page, tone), x, y, f->card_h * 0.045, f->card_h);
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
    layout_page_fit(w, &lines[0].text, f->label, false, inner, 1);
    layout_page_fit(w, &lines[1].text, value, true, inner, 1);
    layout_page_fit(w, &lines[2].text, f->note, false, inner, 1);
    struct layout_box *b = layout_page_box(w, page, LAYOUT_TEXT);
    layout_page_place(b, x + pad + 4, y + pad * 0.8, card->w - 2 * pad - 2, f->card_h - pad * 1.2);
    b->lines = lines;
    b->n_lines = fig->note.n ? 3 : 2;
    b->url = fig->url;
    b->name = fig->label;
}

static void put_figures(struct layout_work *w, struct column *c, const struct paper_block *b)
{
    const struct layout_sizes *f = w->f;
    int n = b->figures.n, per_row = c->w < f->width / 2 && n > 2 ? 2 : n;
    if (!put_heading(w, c, b->heading, f->card_h)) {
        return;
    }
    for (int i = 0; i < n; i += per_row) {
        if (i && room(w, c) < f->card_h && !layout_page_turn(w, &c->at)) {
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

static double item_indent(const struct layout_work *w, const struct paper_block *b)
{
    return b->kind == PAPER_LIST ? w->f->body * LAYOUT_INDENT : 0;
}

static double item_size(const struct layout_work *w, const struct paper_block *b)
{
    return b->kind == PAPER_NOTE ? w->f->body * 0.9 : w->f->body;
}

/* The height of an item set in at most lines_max lines; *out_fits bytes of its text. */
static double item_height(struct layout_work *w, const struct list *l, double width, int lines_max,
                          size_t *out_fits)
{
    const struct paper_item *it = &l->items[l->next];
    struct type_text t = {it->lead, it->text, item_size(w, l->block)};
    if (it->url.n) {
        t.text = str_fmt(w->a, "%.*s %s", STR_ARG(it->text), w->out->paper->words->source);
    }
    int n = type_set(&t, width - item_indent(w, l->block), lines_max, out_fits);
    *out_fits = *out_fits > it->text.n ? it->text.n : *out_fits;
    return n * layout_page_line(t.size_pt);
}

static struct layout_line item_line(const struct layout_work *w, const struct list *l)
{
    const struct paper_item *it = &l->items[l->next];
    const struct paper_colors *k = layout_page_colors(w);
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
static double take_items(struct layout_work *w, struct list *l, const struct column *c,
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
            int most = (int)(left / layout_page_line(item_size(w, l->block)));
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

static void put_list(struct layout_work *w, struct column *c, const struct paper_block *b)
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
                layout_page_place(layout_page_panel(w, c->at.page, layout_page_colors(w)->panel),
                                  c->x, c->at.y, c->w, h + 2 * pad - lines[n - 1].after_pt);
            }
            struct layout_box *box = layout_page_box(w, c->at.page, LAYOUT_TEXT);
            layout_page_place(box, inner.x, c->at.y + pad, inner.w, h);
            box->lines = lines;
            box->n_lines = n;
            box->name = b->heading.n ? b->heading : w->of->title;
            c->at.y += h + 2 * pad;
        }
        if (l.next < l.n && !layout_page_turn(w, &c->at)) {
            return;
        }
    }
}

/* Tables */

static void measure_table(struct layout_work *w, const struct paper_table *t, double width,
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
        double h = layout_page_fit(w, &label, g->size_pt, true, column_w[i] - 2 * g->pad_x, 3);
        g->head_h = fmax(g->head_h, h + 2 * g->pad_y);
    }
    for (int r = 0; r < t->n_rows; r++) {
        for (int i = 0; i < t->n_columns; i++) {
            int at = r * t->n_columns + i;
            cells[at] = t->cells[at].text;
            double h = layout_page_fit(w, &cells[at], g->size_pt, false, column_w[i] - 2 * g->pad_x,
                                       CELL_LINES_MAX);
            row_h[r] = fmax(row_h[r], h + 2 * g->pad_y);
        }
    }
    g->column_w = column_w;
    g->row_h = row_h;
    g->cells = cells;
}

static void put_table(struct layout_work *w, struct column *c, const struct paper_block *b)
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
        struct layout_box *box = layout_page_box(w, c->at.page, LAYOUT_GRID);
        layout_page_place(box, c->x, c->at.y, c->w, h);
        box->grid = g;
        box->name = b->heading.n ? b->heading : w->of->title;
        c->at.y += h;
        if (row < t->n_rows && !layout_page_turn(w, &c->at)) {
            return;
        }
    }
    if (t->n_left_out) {
        struct layout_line more = {.text = paper_more(w->out->paper, t->n_left_out),
                                   .size_pt = w->f->cell,
                                   .color = layout_page_colors(w)->muted};
        double h = layout_page_line(w->f->cell) + 4;
        if (room(w, c) >= h || layout_page_turn(w, &c->at)) {
            layout_page_place(layout_page_text(w, c->at.page, &more), c->x, c->at.y + 4, c->w, h);
            c->at.y += h;
        }
    }
}

/* Charts */

static void put_chart(struct layout_work *w, struct column *c, const struct paper_block *b)
{
    const struct layout_sizes *f = w->f;
    double heading = b->heading.n ? layout_page_line(f->heading) + 8 : 0;
    double body = f->bottom - layout_page_at(w, c->at.page)->top;
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
    struct layout_box *box = layout_page_box(w, c->at.page, LAYOUT_PLOT);
    layout_page_place(box, c->x, c->at.y, c->w, fmax(h, min * 0.8));
    box->chart = &b->chart;
    box->name = b->chart.alt.n ? b->chart.alt : b->chart.title;
    c->at.y += box->h;
}

/* Sections */

static void later(struct layout_cursor *a, const struct layout_cursor *b)
{
    if (b->page > a->page || (b->page == a->page && b->y > a->y)) {
        *a = *b;
    }
}

static void put_block(struct layout_work *w, const struct paper_block *b)
{
    const struct layout_sizes *f = w->f;
    double width = f->width - 2 * f->margin, half = (width - f->gutter) / 2;
    struct column c = {.x = f->margin, .w = width};
    struct layout_cursor *at = b->side == PAPER_RIGHT ? &w->right : &w->left;
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
static bool head_section(struct layout_work *w)
{
    const struct layout_sizes *f = w->f;
    later(&w->left, &w->right);
    struct column c = {w->left, f->margin, f->width - 2 * f->margin};
    if (!is_fresh(w, &c)) {
        c.at.y += f->flow;
    }
    struct layout_line line = {.text = w->of->title,
                               .size_pt = f->title,
                               .color = layout_page_colors(w)->accent,
                               .bold = true};
    struct layout_line lead = {
        .text = w->of->lead, .size_pt = f->lead, .color = layout_page_colors(w)->muted};
    double h = layout_page_fit(w, &line.text, f->title, true, c.w, 2);
    double lead_h = lead.text.n ? layout_page_fit(w, &lead.text, f->lead, false, c.w, 4) + 2 : 0;
    if (room(w, &c) < h + lead_h + 96 && !layout_page_turn(w, &c.at)) {
        return false;
    }
    struct layout_box *b = layout_page_text(w, c.at.page, &line);
    b->role = LAYOUT_HEADING;
    b->section = w->of->title;
    layout_page_place(b, c.x, c.at.y, c.w, h + 2);
    c.at.y += h + 4;
    if (lead.text.n) {
        layout_page_place(layout_page_text(w, c.at.page, &lead), c.x, c.at.y, c.w, lead_h + 2);
        c.at.y += lead_h;
    }
    c.at.y -= f->gap - 6; /* the first block stands close */
    w->left = w->right = c.at;
    return true;
}

static bool begin_section(struct layout_work *w)
{
    bool deck = w->out->form == LAYOUT_DECK;
    if (!deck && w->out->n_pages) {
        return head_section(w);
    }
    w->first = w->out->n_pages;
    if (!layout_page_add(w, 0)) {
        return false;
    }
    int page = w->out->n_pages - 1;
    w->left = w->right = (struct layout_cursor){page, w->f->body_top};
    if (!deck) {
        layout_page_title(w, page);
        layout_page_foot(w, page);
        return w->of->kind == PAPER_COVER || head_section(w);
    }
    if (w->of->kind == PAPER_COVER) {
        layout_page_cover(w, page);
        return false;
    }
    layout_page_head(w, page);
    w->left.y = w->right.y = layout_page_at(w, page)->top;
    return true;
}

static void put_blocks(struct layout_work *w)
{
    for (int i = 0; i < w->of->n_blocks && !w->out->cut; i++) {
        put_block(w, &w->of->blocks[i]);
    }
}

/* What a section has changed, to be put back. */
struct mark {
    struct layout_cursor left, right;
    int n_pages, n_boxes;
};

static struct mark mark_of(struct layout_work *w)
{
    int n = w->out->n_pages;
    return (struct mark){w->left, w->right, n, n ? layout_page_at(w, n - 1)->n_boxes : 0};
}

static void go_back(struct layout_work *w, const struct mark *m)
{
    w->left = m->left;
    w->right = m->right;
    w->out->n_pages = m->n_pages;
    w->out->cut = false;
    layout_page_at(w, m->n_pages - 1)->n_boxes = m->n_boxes;
}

/* A section that would be torn apart at the foot of a sheet begins on the next one, when it is
 * whole there. */
static void put_section(struct layout_work *w)
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
    if (layout_page_turn(w, &w->left) && begin_section(w)) {
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
    const struct layout_sizes *f = &layout_page_sizes[form];
    *out = (struct layout){.form = form,
                           .width = f->width,
                           .height = f->height,
                           .margin = f->margin,
                           .colors = paper_colors(p->color),
                           .paper = p};
    out->pages = ARENA_ARRAY(a, struct layout_page, LAYOUT_PAGES_MAX);
    struct layout_work w = {.a = a, .f = f, .out = out};
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
        double y = f->footer_y - layout_page_line(f->footer) - 2;
        layout_page_place(layout_page_text(&w, out->n_pages - 1, &line), f->margin, y, f->width / 2,
                          16);
    }
    return out;
}
