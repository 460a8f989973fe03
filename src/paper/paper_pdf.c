#include "paper/paper_pdf.h"

#include "codec/date.h"
#include "paper/canvas.h"
#include "paper/plot.h"

struct pdf {
    struct arena *a;
    const struct layout *l;
    struct canvas *c;
};

static enum canvas_align align_of(enum layout_align align)
{
    static const enum canvas_align ALIGN[] = {CANVAS_START, CANVAS_CENTER, CANVAS_END};
    return ALIGN[align];
}

/* Returns where the next paragraph begins. */
static double draw_line(struct pdf *d, const struct layout_line *line, const double place[3])
{
    double indent = line->bullet || line->number ? line->size_pt * LAYOUT_INDENT : 0;
    struct canvas_text t = {.lead = line->lead,
                            .text = line->text,
                            .tail = line->link_text,
                            .size_pt = line->size_pt,
                            .x = place[0] + indent,
                            .y = place[1],
                            .width = place[2] - indent,
                            .lead_color = line->lead_color,
                            .color = line->color,
                            .tail_color = d->l->colors.accent,
                            .bold = line->bold,
                            .align = align_of(line->align),
                            .url = line->url};
    if (indent > 0) {
        struct canvas_text mark = {.text = STR("\u2022"),
                                   .size_pt = line->size_pt,
                                   .x = place[0],
                                   .y = place[1],
                                   .width = indent,
                                   .color = d->l->colors.accent};
        if (line->number) {
            mark.text = str_fmt(d->a, "%d.", line->number);
        } else if (!line->bullet) {
            mark.text = str_make("", 0);
        }
        canvas_put_text(d->c, &mark);
    }
    /* Lines of the layout are a little higher than those of the type. */
    return place[1] + canvas_put_text(d->c, &t) * 1.03 + line->after_pt;
}

static void draw_text(struct pdf *d, const struct layout_box *b)
{
    bool list = b->lines[0].bullet || b->lines[0].number;
    const char *tag = b->role == LAYOUT_TITLE     ? "H1"
                      : b->role == LAYOUT_HEADING ? "H2"
                      : list                      ? "L"
                                                  : "P";
    double y = b->y;
    canvas_open(d->c, tag);
    for (int i = 0; i < b->n_lines; i++) {
        if (list) {
            canvas_open(d->c, "LI");
        }
        y = draw_line(d, &b->lines[i], (double[]){b->x, y, b->w});
        if (list) {
            canvas_close(d->c, "LI");
        }
    }
    canvas_close(d->c, tag);
    if (b->url.n) {
        canvas_link(d->c, (double[]){b->x, b->y, b->w, b->h}, b->url);
    }
}

static void draw_row(struct pdf *d, const struct layout_grid *g, int row, const double at[2])
{
    const struct paper_table *t = g->table;
    const struct paper_colors *k = &d->l->colors;
    double x = at[0];
    canvas_open(d->c, "TR");
    for (int i = 0; i < t->n_columns; i++) {
        const struct paper_cell *cell = row < 0 ? NULL : &t->cells[row * t->n_columns + i];
        struct canvas_text text = {
            .text = cell ? g->cells[row * t->n_columns + i] : t->columns[i].label,
            .size_pt = g->size_pt,
            .x = x + g->pad_x,
            .y = at[1] + g->pad_y,
            .width = g->column_w[i] - 2 * g->pad_x,
            .color = !cell         ? k->muted
                     : cell->url.n ? k->accent
                                   : k->tones[cell->tone],
            .bold = !cell || (cell->tone != PAPER_PLAIN && cell->tone != PAPER_MUTED),
            .align = t->columns[i].number ? CANVAS_END : CANVAS_START};
        if (cell) {
            text.url = cell->url;
        }
        canvas_open(d->c, cell ? "TD" : "TH");
        canvas_put_text(d->c, &text);
        canvas_close(d->c, cell ? "TD" : "TH");
        x += g->column_w[i];
    }
    canvas_close(d->c, "TR");
}

static void draw_grid(struct pdf *d, const struct layout_box *b)
{
    const struct layout_grid *g = b->grid;
    double y = b->y;
    canvas_open(d->c, "Table");
    for (int row = g->row_from - 1; row < g->row_from + g->n_rows; row++) {
        bool head = row < g->row_from;
        double h = head ? g->head_h : g->row_h[row - g->row_from];
        draw_row(d, g, head ? -1 : row, (double[]){b->x, y});
        y += h;
        canvas_rect(d->c, (double[]){b->x, y - (head ? 1.5 : 0.75), b->w, head ? 1.5 : 0.75},
                    head ? d->l->colors.brand : d->l->colors.rule);
    }
    canvas_close(d->c, "Table");
}

static void draw_mark(struct pdf *d, const struct plot_mark *m, const struct layout_box *b)
{
    double x = b->x + m->x, y = b->y + m->y;
    switch (m->kind) {
    case PLOT_RECT:
        canvas_rect(d->c, (double[]){x, y, m->w, m->h}, m->color);
        break;
    case PLOT_LINE: {
        double *xy = ARENA_ARRAY(d->a, double, 2 * (size_t)m->n);
        for (int i = 0; i < m->n; i++) {
            xy[2 * i] = b->x + m->xy[2 * i];
            xy[2 * i + 1] = b->y + m->xy[2 * i + 1];
        }
        canvas_line(d->c, xy, m->n, m->thick, m->color);
        break;
    }
    case PLOT_DOT:
        canvas_dot(d->c, x, y, m->r, m->color);
        break;
    case PLOT_RING:
        canvas_ring(d->c, (double[]){x, y}, (double[]){m->r, m->thick}, (double[]){m->from, m->to},
                    m->color);
        break;
    case PLOT_TEXT: {
        struct canvas_text t = {.text = m->text,
                                .size_pt = m->size_pt,
                                .x = x,
                                .y = y,
                                .color = m->color,
                                .bold = m->bold,
                                .one_line = true,
                                .align = align_of(m->align)};
        canvas_put_text(d->c, &t);
        break;
    }
    }
}

static void draw_plot(struct pdf *d, const struct layout_box *b)
{
    double size = d->l->form == LAYOUT_DECK ? 12 : 8.5;
    const struct plot *p = plot_make(d->a, b->chart, &d->l->colors, b, size);
    canvas_open(d->c, "Figure");
    for (int i = 0; i < p->n; i++) {
        draw_mark(d, &p->marks[i], b);
    }
    canvas_close(d->c, "Figure");
}

static void draw_page(struct pdf *d, const struct layout_page *page)
{
    for (int i = 0; i < page->n_boxes; i++) {
        const struct layout_box *b = &page->boxes[i];
        switch (b->kind) {
        case LAYOUT_PANEL:
            canvas_rect(d->c, (double[]){b->x, b->y, b->w, b->h}, b->fill);
            break;
        case LAYOUT_TEXT:
            draw_text(d, b);
            break;
        case LAYOUT_GRID:
            draw_grid(d, b);
            break;
        case LAYOUT_PLOT:
            draw_plot(d, b);
            break;
        }
        if (b->section.n) {
            canvas_outline(d->c, str_dupz(d->a, b->section));
        }
    }
}

enum err paper_pdf(const struct paper *p, enum layout_form form, struct buf *out)
{
    struct pdf d = {.a = p->arena, .l = layout_make(p, form)};
    struct str at = date_iso(d.a, p->at_ms);
    struct canvas_about about = {.title = str_dupz(d.a, p->title),
                                 .subject = str_dupz(d.a, p->subtitle),
                                 .author = str_dupz(d.a, p->author.n ? p->author : p->brand),
                                 .at = str_fmt(d.a, "%.19sZ", at.p).p,
                                 .width = d.l->width,
                                 .height = d.l->height};
    d.c = canvas_new(out, &about);
    for (int i = 0; i < d.l->n_pages; i++) {
        draw_page(&d, &d.l->pages[i]);
        canvas_next_page(d.c);
    }
    enum err e = canvas_finish(d.c);
    canvas_free(&d.c);
    return e;
}
