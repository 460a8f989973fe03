#include "paper/layout_page.h"

#include <math.h>

#include "paper/type.h"

enum { TITLE_LINES_MAX = 3 };

const struct layout_sizes layout_page_sizes[] = {
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

const struct paper_colors *layout_page_colors(const struct layout_work *w)
{
    return &w->out->colors;
}

struct layout_page *layout_page_at(struct layout_work *w, int index)
{
    return &w->out->pages[index];
}

struct layout_box *layout_page_box(struct layout_work *w, int page, enum layout_kind kind)
{
    struct layout_page *p = layout_page_at(w, page);
    if (p->n_boxes == LAYOUT_BOXES_MAX) {
        return ARENA_NEW(w->a, struct layout_box);
    }
    struct layout_box *b = &p->boxes[p->n_boxes++];
    b->kind = kind;
    return b;
}

void layout_page_place(struct layout_box *b, double x, double y, double width, double height)
{
    b->x = x;
    b->y = y;
    b->w = width;
    b->h = height;
}

struct layout_box *layout_page_panel(struct layout_work *w, int page, uint32_t fill)
{
    struct layout_box *b = layout_page_box(w, page, LAYOUT_PANEL);
    b->fill = fill;
    return b;
}

struct layout_box *layout_page_text(struct layout_work *w, int page, const struct layout_line *line)
{
    struct layout_box *b = layout_page_box(w, page, LAYOUT_TEXT);
    b->lines = arena_memdup(w->a, line, sizeof *line);
    b->n_lines = 1;
    b->name = line->text;
    return b;
}

double layout_page_line(double size_pt)
{
    return size_pt * LAYOUT_LEADING;
}

double layout_page_fit(struct layout_work *w, struct str *text, double size_pt, bool bold,
                       double width, int lines_max)
{
    size_t fits;
    struct type_text t = {.text = *text, .size_pt = bold ? size_pt * 1.075 : size_pt};
    int n = type_set(&t, width, lines_max, &fits);
    if (fits < text->n) {
        struct str cut = str_trim(str_sub(*text, 0, fits));
        *text = str_fmt(w->a, "%.*s\u2026", STR_ARG(cut));
    }
    return n * layout_page_line(size_pt);
}

void layout_page_foot(struct layout_work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct layout_sizes *f = w->f;
    struct layout_line line = {.size_pt = f->footer, .color = layout_page_colors(w)->muted};
    line.lead = p->brand;
    line.text = p->footer.n
                    ? str_fmt(w->a, "%.*s  \u00b7  %.*s", STR_ARG(p->title), STR_ARG(p->footer))
                    : p->title;
    line.lead_color = layout_page_colors(w)->accent;
    double width = f->width - 2 * f->margin;
    layout_page_fit(w, &line.text, f->footer, true,
                    width - 120 - type_width(p->brand, f->footer, true), 1);
    struct layout_box *b = layout_page_text(w, page, &line);
    b->role = LAYOUT_FOOTER;
    layout_page_place(b, f->margin, f->footer_y, width - 100, layout_page_line(f->footer) + 2);
    struct layout_line folio = {.text = str_fmt(w->a, "%d", page + 1),
                                .size_pt = f->footer,
                                .color = layout_page_colors(w)->muted,
                                .align = LAYOUT_END};
    b = layout_page_text(w, page, &folio);
    b->role = LAYOUT_FOLIO;
    layout_page_place(b, f->width - f->margin - 90, f->footer_y, 90,
                      layout_page_line(f->footer) + 2);
}

bool layout_page_add(struct layout_work *w, int part)
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

void layout_page_head(struct layout_work *w, int page)
{
    const struct layout_sizes *f = w->f;
    struct layout_page *p = layout_page_at(w, page);
    double width = f->width - 2 * f->margin, y = 28;
    if (p->part) {
        p->title = paper_say(w->a, w->out->paper->words->continued, "title", w->of->title);
    }
    if (w->of->kicker.n) {
        struct layout_line k = {.text = w->of->kicker,
                                .size_pt = f->kicker,
                                .color = layout_page_colors(w)->accent,
                                .bold = true};
        layout_page_place(layout_page_text(w, page, &k), f->margin, y, width,
                          layout_page_line(f->kicker) + 2);
    }
    y += layout_page_line(f->kicker) + 4;
    struct layout_line title = {
        .text = p->title, .size_pt = f->title, .color = layout_page_colors(w)->ink, .bold = true};
    double h = layout_page_fit(w, &title.text, f->title, true, width, 2);
    if (h > layout_page_line(f->title)) { /* two lines of a smaller size */
        title.text = p->title;
        title.size_pt = 22;
        h = layout_page_fit(w, &title.text, title.size_pt, true, width, 2);
    }
    struct layout_box *b = layout_page_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    b->section = p->part ? str_make("", 0) : w->of->title;
    layout_page_place(b, f->margin, y, width, h + 2);
    y += h + 4;
    if (w->of->lead.n && !p->part) {
        struct layout_line lead = {
            .text = w->of->lead, .size_pt = f->lead, .color = layout_page_colors(w)->muted};
        h = layout_page_fit(w, &lead.text, f->lead, false, width, 3);
        layout_page_place(layout_page_text(w, page, &lead), f->margin, y, width, h + 2);
        y += h;
    }
    p->top = fmax(f->body_top, y + 20);
    layout_page_foot(w, page);
}

void layout_page_cover(struct layout_work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct layout_sizes *f = w->f;
    double width = f->width - 2 * f->margin - 120, x = f->margin + 12;
    uint32_t ink = layout_page_colors(w)->on_brand;
    layout_page_place(layout_page_panel(w, page, layout_page_colors(w)->brand), 0, 0, f->width,
                      f->height);
    struct layout_line brand = {.text = p->brand, .size_pt = 20, .color = ink, .bold = true};
    layout_page_place(layout_page_text(w, page, &brand), x, 48, width, 28);
    struct layout_line title = {.text = w->of->title, .size_pt = 44, .color = ink, .bold = true};
    double h = layout_page_fit(w, &title.text, 44, true, width, TITLE_LINES_MAX);
    double y = 300 - h;
    layout_page_place(layout_page_panel(w, page, ink), x, y - 26, 64, 5);
    struct layout_box *b = layout_page_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    b->section = w->of->title;
    layout_page_place(b, x, y, width, h + 4);
    struct layout_line sub = {.text = p->subtitle, .size_pt = 20, .color = ink};
    h = layout_page_fit(w, &sub.text, 20, false, width, 2);
    if (sub.text.n) {
        layout_page_place(layout_page_text(w, page, &sub), x, 316, width, h + 4);
    }
    struct str by = p->when;
    by = p->author.n ? str_fmt(w->a, "%.*s  \u00b7  %.*s", STR_ARG(by), STR_ARG(p->author)) : by;
    struct layout_line date = {.text = by, .size_pt = 14, .color = ink};
    layout_page_place(layout_page_text(w, page, &date), x, 460, width, 20);
    if (p->footer.n) {
        struct layout_line foot = {.text = p->footer, .size_pt = 11, .color = ink};
        layout_page_place(layout_page_text(w, page, &foot), x, 484, width, 16);
    }
}

void layout_page_title(struct layout_work *w, int page)
{
    const struct paper *p = w->out->paper;
    const struct layout_sizes *f = w->f;
    double width = f->width - 2 * f->margin, y = f->body_top;
    layout_page_place(layout_page_panel(w, page, layout_page_colors(w)->brand), 0, 0, f->width, 10);
    struct layout_line brand = {
        .text = p->brand, .size_pt = 11, .color = layout_page_colors(w)->accent, .bold = true};
    layout_page_place(layout_page_text(w, page, &brand), f->margin, 34, width / 2, 16);
    struct layout_line date = {.text = p->when,
                               .size_pt = 9.5,
                               .color = layout_page_colors(w)->muted,
                               .align = LAYOUT_END};
    layout_page_place(layout_page_text(w, page, &date), f->margin + width / 2, 35, width / 2, 16);
    y += 22;
    struct layout_line title = {
        .text = w->of->title, .size_pt = 26, .color = layout_page_colors(w)->ink, .bold = true};
    double h = layout_page_fit(w, &title.text, 26, true, width, TITLE_LINES_MAX);
    struct layout_box *b = layout_page_text(w, page, &title);
    b->role = LAYOUT_TITLE;
    layout_page_place(b, f->margin, y, width, h + 2);
    y += h + 4;
    if (p->subtitle.n) {
        struct layout_line sub = {
            .text = p->subtitle, .size_pt = 12, .color = layout_page_colors(w)->muted};
        h = layout_page_fit(w, &sub.text, 12, false, width, 2);
        layout_page_place(layout_page_text(w, page, &sub), f->margin, y, width, h + 2);
        y += h;
    }
    w->left.y = w->right.y = y + 16;
}

bool layout_page_turn(struct layout_work *w, struct layout_cursor *at)
{
    if (at->page + 1 == w->out->n_pages) {
        if (!layout_page_add(w, w->out->n_pages - w->first)) {
            return false;
        }
        if (w->out->form == LAYOUT_DECK) {
            layout_page_head(w, w->out->n_pages - 1);
        } else {
            layout_page_foot(w, w->out->n_pages - 1);
        }
    }
    at->page++;
    at->y = layout_page_at(w, at->page)->top;
    return true;
}
