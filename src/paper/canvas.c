#include "paper/canvas.h"

#include <cairo-pdf.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>

#include "base/arena.h"

enum { LINK_MAX_BYTES = 9000, TEXT_MAX_BYTES = 64 << 10 };

static const char FAMILY[] = "Liberation Sans,Arial,Helvetica,DejaVu Sans,sans-serif";

struct canvas {
    struct buf *out;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoLayout *layout;
    int page; /* the one under way, from 1 */
};

static cairo_status_t write_out(void *closure, const unsigned char *data, unsigned length)
{
    return buf_add(closure, data, length) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

struct canvas *canvas_new(struct buf *out, const struct canvas_about *about)
{
    struct canvas *c = mem_new(sizeof *c);
    c->out = out;
    c->page = 1;
    c->surface = cairo_pdf_surface_create_for_stream(write_out, out, about->width, about->height);
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_TITLE, about->title);
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_SUBJECT, about->subject);
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_AUTHOR, about->author);
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_CREATOR, "Rapport");
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_CREATE_DATE, about->at);
    cairo_pdf_surface_set_metadata(c->surface, CAIRO_PDF_METADATA_MOD_DATE, about->at);
    c->cairo = cairo_create(c->surface);
    c->layout = pango_cairo_create_layout(c->cairo);
    PangoContext *context = pango_layout_get_context(c->layout);
    pango_cairo_context_set_resolution(context, 72); /* a point is a point */
    cairo_font_options_t *plain = cairo_font_options_create();
    cairo_font_options_set_hint_style(plain, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(plain, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, plain);
    cairo_font_options_destroy(plain);
    pango_layout_set_wrap(c->layout, PANGO_WRAP_WORD_CHAR);
    return c;
}

void canvas_next_page(struct canvas *c)
{
    cairo_show_page(c->cairo);
    c->page++;
}

enum err canvas_finish(struct canvas *c)
{
    cairo_surface_finish(c->surface);
    cairo_status_t s = cairo_surface_status(c->surface);
    cairo_status_t drawn = cairo_status(c->cairo);
    if (c->out->overflow || s == CAIRO_STATUS_WRITE_ERROR) {
        return E_TOO_LARGE;
    }
    bool done = s == CAIRO_STATUS_SUCCESS &&
                (drawn == CAIRO_STATUS_SUCCESS || drawn == CAIRO_STATUS_SURFACE_FINISHED);
    return done ? E_OK : E_INTERNAL;
}

void canvas_free(struct canvas **c)
{
    if (*c) {
        g_object_unref((*c)->layout);
        cairo_destroy((*c)->cairo);
        cairo_surface_destroy((*c)->surface);
        free(*c);
        *c = NULL;
    }
}

/* Shapes */

static void use(struct canvas *c, uint32_t color)
{
    cairo_set_source_rgb(c->cairo, (color >> 16 & 255) / 255.0, (color >> 8 & 255) / 255.0,
                         (color & 255) / 255.0);
}

void canvas_rect(struct canvas *c, const double place[4], uint32_t color)
{
    use(c, color);
    cairo_new_path(c->cairo);
    cairo_rectangle(c->cairo, place[0], place[1], place[2], place[3]);
    cairo_fill(c->cairo);
}

void canvas_line(struct canvas *c, const double *xy, int n, double thick, uint32_t color)
{
    use(c, color);
    cairo_set_line_width(c->cairo, thick);
    cairo_set_line_cap(c->cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_new_path(c->cairo);
    for (int i = 0; i < n; i++) {
        cairo_line_to(c->cairo, xy[2 * i], xy[2 * i + 1]);
    }
    cairo_stroke(c->cairo);
}

void canvas_dot(struct canvas *c, double x, double y, double r, uint32_t color)
{
    use(c, color);
    cairo_new_path(c->cairo);
    cairo_arc(c->cairo, x, y, r, 0, 2 * M_PI);
    cairo_fill(c->cairo);
}

void canvas_ring(struct canvas *c, const double middle[2], const double r_thick[2],
                 const double from_to[2], uint32_t color)
{
    if (from_to[1] <= from_to[0]) {
        return;
    }
    use(c, color);
    cairo_set_line_width(c->cairo, r_thick[1]);
    cairo_set_line_cap(c->cairo, CAIRO_LINE_CAP_BUTT);
    cairo_new_path(c->cairo);
    cairo_arc(c->cairo, middle[0], middle[1], r_thick[0], (from_to[0] - 0.25) * 2 * M_PI,
              (from_to[1] - 0.25) * 2 * M_PI);
    cairo_stroke(c->cairo);
}

/* Text */

static void color_range(PangoAttrList *list, uint32_t color, size_t from, size_t to)
{
    PangoAttribute *at = pango_attr_foreground_new((guint16)((color >> 16 & 255) * 257),
                                                   (guint16)((color >> 8 & 255) * 257),
                                                   (guint16)((color & 255) * 257));
    at->start_index = (guint)from;
    at->end_index = (guint)to;
    pango_attr_list_insert(list, at);
}

static void change_range(PangoAttrList *list, PangoAttribute *at, size_t from, size_t to)
{
    at->start_index = (guint)from;
    at->end_index = (guint)to;
    pango_attr_list_insert(list, at);
}

/* The tail's or the whole text's place, where it stands on one line. */
static void link_text(struct canvas *c, const struct canvas_text *t, size_t tail_at, size_t end)
{
    PangoRectangle a, b;
    pango_layout_index_to_pos(c->layout, t->tail.n ? (int)tail_at : 0, &a);
    pango_layout_index_to_pos(c->layout, (int)end, &b);
    if (t->tail.n && a.y == b.y) {
        double from = fmin(a.x, b.x) / PANGO_SCALE, to = fmax(a.x, b.x) / PANGO_SCALE;
        canvas_link(c,
                    (double[]){t->x + from, t->y + a.y / (double)PANGO_SCALE, to - from,
                               a.height / (double)PANGO_SCALE},
                    t->url);
        return;
    }
    int width, height;
    pango_layout_get_size(c->layout, &width, &height);
    canvas_link(c, (double[]){t->x, t->y, t->width, height / (double)PANGO_SCALE}, t->url);
}

static void lay_out(struct canvas *c, const struct canvas_text *t, struct buf *b)
{
    buf_add_str(b, t->lead);
    buf_addf(b, "%s%.*s", t->lead.n && t->text.n ? " " : "", STR_ARG(t->text));
    size_t tail_at = b->n;
    buf_addf(b, "%s%.*s", t->tail.n ? " " : "", STR_ARG(t->tail));
    pango_layout_set_text(c->layout, b->p ? b->p : "", (int)b->n);
    PangoFontDescription *font = pango_font_description_from_string(FAMILY);
    pango_font_description_set_absolute_size(font, t->size_pt * PANGO_SCALE);
    pango_layout_set_font_description(c->layout, font);
    pango_font_description_free(font);
    PangoAttrList *list = pango_attr_list_new();
    color_range(list, t->color, t->lead.n, tail_at);
    if (t->bold) {
        change_range(list, pango_attr_weight_new(PANGO_WEIGHT_BOLD), t->lead.n, tail_at);
    }
    if (t->lead.n) {
        color_range(list, t->lead_color, 0, t->lead.n);
        change_range(list, pango_attr_weight_new(PANGO_WEIGHT_BOLD), 0, t->lead.n);
    }
    if (t->tail.n) {
        color_range(list, t->tail_color, tail_at, b->n);
        change_range(list, pango_attr_scale_new(0.8), tail_at, b->n);
    }
    pango_layout_set_attributes(c->layout, list);
    pango_attr_list_unref(list);
    static const PangoAlignment ALIGN[] = {PANGO_ALIGN_LEFT, PANGO_ALIGN_CENTER, PANGO_ALIGN_RIGHT};
    pango_layout_set_alignment(c->layout, ALIGN[t->align]);
    pango_layout_set_width(c->layout, t->one_line ? -1 : (int)lround(t->width * PANGO_SCALE));
}

double canvas_put_text(struct canvas *c, const struct canvas_text *t)
{
    struct buf b = buf_make(TEXT_MAX_BYTES);
    lay_out(c, t, &b);
    int width, height;
    pango_layout_get_size(c->layout, &width, &height);
    double x = t->x, y = t->y;
    if (t->one_line) {
        x -= t->align == CANVAS_START ? 0
             : t->align == CANVAS_END ? width / (double)PANGO_SCALE
                                      : width / (2.0 * PANGO_SCALE);
        y -= pango_layout_get_baseline(c->layout) / (double)PANGO_SCALE;
    }
    use(c, t->color);
    cairo_move_to(c->cairo, x, y);
    pango_cairo_show_layout(c->cairo, c->layout);
    if (t->url.n && !t->one_line) {
        link_text(c, t, b.n - t->tail.n, b.n);
    }
    buf_free(&b);
    return height / (double)PANGO_SCALE;
}

/* Links and structure */

void canvas_link(struct canvas *c, const double place[4], struct str url)
{
    struct buf b = buf_make(LINK_MAX_BYTES);
    buf_addf(&b, "rect=[%.2f %.2f %.2f %.2f] uri='", place[0], place[1], place[2], place[3]);
    for (size_t i = 0; i < url.n; i++) {
        unsigned char ch = (unsigned char)url.p[i];
        if (ch == '\'' || ch == '\\' || ch <= ' ' || ch >= 0x7f) {
            buf_addf(&b, "%%%02X", ch);
        } else {
            buf_add_char(&b, (char)ch);
        }
    }
    buf_add_char(&b, '\'');
    if (!b.overflow) {
        cairo_tag_begin(c->cairo, CAIRO_TAG_LINK, b.p);
        cairo_tag_end(c->cairo, CAIRO_TAG_LINK);
    }
    buf_free(&b);
}

void canvas_outline(struct canvas *c, const char *title)
{
    char where[64];
    snprintf(where, sizeof where, "page=%d pos=[0 0]", c->page);
    cairo_pdf_surface_add_outline(c->surface, CAIRO_PDF_OUTLINE_ROOT, title, where, 0);
}

void canvas_open(struct canvas *c, const char *tag)
{
    cairo_tag_begin(c->cairo, tag, NULL);
}

void canvas_close(struct canvas *c, const char *tag)
{
    cairo_tag_end(c->cairo, tag);
}
