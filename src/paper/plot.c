#include "paper/plot.h"

#include <math.h>

#include "paper/type.h"

enum { LINES_MAX = 12, DOTTED_POINTS_MAX = 16 };

struct drawing {
    struct arena *a;
    struct plot *out;
    const struct paper_chart *c;
    const struct paper_colors *k;
    double size;                     /* of texts */
    double left, top, right, bottom; /* of the field */
    struct paper_axis axis;
};

static struct plot_mark *add(struct drawing *d, enum plot_kind kind, uint32_t color)
{
    struct plot *p = d->out;
    if (p->n == p->size) {
        int size = p->size ? p->size * 2 : 64;
        struct plot_mark *marks = ARENA_ARRAY(d->a, struct plot_mark, (size_t)size);
        for (int i = 0; i < p->n; i++) {
            marks[i] = p->marks[i];
        }
        p->marks = marks;
        p->size = size;
    }
    struct plot_mark *m = &p->marks[p->n++];
    m->kind = kind;
    m->color = color;
    return m;
}

static void add_text(struct drawing *d, struct str text, double x, double y,
                     enum layout_align align)
{
    struct plot_mark *m = add(d, PLOT_TEXT, d->k->muted);
    m->text = text;
    m->x = x;
    m->y = y;
    m->size_pt = d->size;
    m->align = align;
}

static void add_rect(struct drawing *d, uint32_t color, const double place[4])
{
    struct plot_mark *m = add(d, PLOT_RECT, color);
    m->x = place[0];
    m->y = place[1];
    m->w = place[2];
    m->h = place[3];
}

/* The last mark is a text that stands on a bar. */
static void set_on_bar(struct drawing *d, uint32_t bar)
{
    struct plot_mark *m = &d->out->marks[d->out->n - 1];
    m->bold = true;
    m->color = bar == d->k->brand ? d->k->on_brand : 0xffffff;
}

static uint32_t color_of(const struct drawing *d, enum paper_tone tone)
{
    if (tone == PAPER_MUTED) {
        return d->c->kind == PAPER_LINE ? d->k->quiet : d->k->track;
    }
    return tone == PAPER_PLAIN ? d->k->brand : d->k->tones[tone];
}

static double across(const struct drawing *d, double value) /* down the field */
{
    double part = (value - d->axis.min) / (d->axis.max - d->axis.min);
    return d->bottom - fmin(fmax(part, 0), 1) * (d->bottom - d->top);
}

static struct str shortened(struct drawing *d, struct str text, double width)
{
    size_t fits;
    struct type_text t = {.text = text, .size_pt = d->size};
    type_set(&t, width, 1, &fits);
    if (fits == text.n) {
        return text;
    }
    struct str cut = str_trim(str_sub(text, 0, fits));
    return str_fmt(d->a, "%.*s\u2026", STR_ARG(cut));
}

/* Frames */

static void put_legend(struct drawing *d, double width)
{
    double x = d->left, y = d->bottom + d->size * 3.4;
    for (int i = 0; i < d->c->n_series && x < width; i++) {
        add_rect(d, color_of(d, d->c->series[i].tone),
                 (double[]){x, y - d->size * 0.75, d->size * 0.8, d->size * 0.8});
        add_text(d, d->c->series[i].name, x + d->size * 1.2, y, LAYOUT_START);
        x += d->size * 3 + type_width(d->c->series[i].name, d->size, false);
    }
}

/* The value axis: lines with their numbers. */
static void put_grid(struct drawing *d)
{
    struct str labels[LINES_MAX];
    double widest = 0;
    int n = 0;
    for (; n < LINES_MAX; n++) {
        double v = d->axis.min + n * d->axis.step;
        if (v > d->axis.max + d->axis.step * 0.01) {
            break;
        }
        labels[n] = paper_number(d->a, d->c->words, v);
        widest = fmax(widest, type_width(labels[n], d->size, false));
    }
    d->left += widest + d->size * 0.7;
    for (int i = 0; i < n; i++) {
        double y = across(d, d->axis.min + i * d->axis.step);
        struct plot_mark *m = add(d, PLOT_LINE, d->k->rule);
        double *xy = ARENA_ARRAY(d->a, double, 4);
        xy[0] = d->left;
        xy[2] = d->right;
        xy[1] = xy[3] = y;
        m->xy = xy;
        m->n = 2;
        m->thick = 0.75;
        add_text(d, labels[i], d->left - d->size * 0.5, y + d->size * 0.35, LAYOUT_END);
    }
}

static void put_base(struct drawing *d)
{
    add_rect(d, d->k->quiet,
             (double[]){d->left, across(d, fmax(d->axis.min, 0)), d->right - d->left, 0.75});
}

/* The labels of the points below the field, as many as there is room for. */
static void put_labels(struct drawing *d, double slot, double first)
{
    bool bars = d->c->kind != PAPER_LINE;
    double free_from = -INFINITY;
    for (int i = 0; i < d->c->n_points; i++) {
        struct str text = bars ? shortened(d, d->c->labels[i], slot - 2) : d->c->labels[i];
        double x = first + i * slot, width = type_width(text, d->size, false), left = x - width / 2;
        enum layout_align align = LAYOUT_CENTER;
        if (left < 0) {
            left = 0;
            align = LAYOUT_START;
        } else if (left + width > d->right + d->size) {
            left = d->right + d->size - width;
            align = LAYOUT_END;
        }
        if (!text.n || left < free_from) {
            continue;
        }
        free_from = left + width + d->size * 0.6;
        x = align == LAYOUT_START ? left : align == LAYOUT_END ? left + width : x;
        add_text(d, text, x, d->bottom + d->size * 1.6, align);
    }
}

/* Kinds */

static void put_line(struct drawing *d, const struct paper_series *s)
{
    int n = d->c->n_points;
    uint32_t color = color_of(d, s->tone);
    double slot = n > 1 ? (d->right - d->left) / (n - 1) : 0;
    double first = n > 1 ? d->left : (d->left + d->right) / 2;
    double *xy = ARENA_ARRAY(d->a, double, 2 * (size_t)n + 2);
    int corners = 0;
    for (int i = 0; i <= n; i++) {
        bool gap = i == n || !isfinite(s->values[i]);
        if (gap && corners > 1) {
            struct plot_mark *m = add(d, PLOT_LINE, color);
            m->xy = arena_memdup(d->a, xy, 2 * (size_t)corners * sizeof *xy);
            m->n = corners;
            m->thick = d->c->bare ? 1.75 : d->size * 0.21;
        }
        if (gap) {
            corners = 0;
            continue;
        }
        xy[2 * corners] = first + i * slot;
        xy[2 * corners + 1] = across(d, s->values[i]);
        corners++;
    }
    bool all = n <= DOTTED_POINTS_MAX && !d->c->bare;
    for (int i = 0; i < n; i++) {
        if (isfinite(s->values[i]) && (all || i == n - 1)) {
            struct plot_mark *m = add(d, PLOT_DOT, color);
            m->x = first + i * slot;
            m->y = across(d, s->values[i]);
            m->r = d->size * 0.28;
        }
    }
}

static void put_lines(struct drawing *d)
{
    if (!d->c->bare) {
        put_grid(d);
        d->left += d->size * 0.6;
        double slot = d->c->n_points > 1 ? (d->right - d->left) / (d->c->n_points - 1) : 1;
        put_labels(d, slot, d->c->n_points > 1 ? d->left : (d->left + d->right) / 2);
    }
    for (int i = d->c->n_series - 1; i >= 0; i--) {
        put_line(d, &d->c->series[i]);
    }
}

static void put_columns(struct drawing *d)
{
    const struct paper_chart *c = d->c;
    put_grid(d);
    double slot = (d->right - d->left) / c->n_points, bar = slot * 0.62 / c->n_series;
    put_labels(d, slot, d->left + slot / 2);
    for (int i = 0; i < c->n_points; i++) {
        for (int s = 0; s < c->n_series; s++) {
            double v = c->series[s].values[i], x = d->left + (i + 0.19) * slot + s * bar;
            if (!isfinite(v)) {
                continue;
            }
            enum paper_tone tone =
                s == 0 && c->tones && c->tones[i] ? c->tones[i] : c->series[s].tone;
            double y = across(d, fmax(v, 0)), y_base = across(d, fmin(v, 0));
            add_rect(d, color_of(d, tone), (double[]){x, y, bar, y_base - y});
            if (c->series[s].tone != PAPER_MUTED && bar > d->size) {
                add_text(d, paper_number(d->a, d->c->words, v), x + bar / 2, y - d->size * 0.4,
                         LAYOUT_CENTER);
            }
        }
    }
    put_base(d);
}

static void put_bars(struct drawing *d)
{
    const struct paper_chart *c = d->c;
    double widest = 0, room = (d->right - d->left) * 0.45;
    for (int i = 0; i < c->n_points; i++) {
        widest = fmax(widest, type_width(c->labels[i], d->size, false));
    }
    widest = fmin(widest, room);
    d->left += widest + d->size * 0.8;
    double slot = (d->bottom - d->top) / c->n_points, bar = fmin(slot * 0.62, d->size * 3.2);
    double unit = (d->right - d->left) / (d->axis.max - d->axis.min);
    for (int i = 0; i < c->n_points; i++) {
        double x = d->left, y = d->top + (i + 0.5) * slot;
        add_text(d, shortened(d, c->labels[i], widest + 1), d->left - d->size * 0.6,
                 y + d->size * 0.35, LAYOUT_END);
        d->out->marks[d->out->n - 1].color = d->k->ink;
        for (int s = 0; s < c->n_series; s++) {
            double v = c->series[s].values[i], w = isfinite(v) && v > 0 ? v * unit : 0;
            enum paper_tone tone =
                s == 0 && c->tones && c->tones[i] ? c->tones[i] : c->series[s].tone;
            add_rect(d, color_of(d, tone), (double[]){x, y - bar / 2, w, bar});
            struct str text = paper_number(d->a, d->c->words, v);
            if (tone != PAPER_MUTED && w > type_width(text, d->size, true) + 4) {
                add_text(d, text, x + w / 2, y + d->size * 0.35, LAYOUT_CENTER);
                set_on_bar(d, color_of(d, tone));
            }
            x += w;
        }
    }
}

static void put_steps(struct drawing *d)
{
    const struct paper_chart *c = d->c;
    double slot = (d->right - d->left) / c->n_points, bar = slot * 0.62, level = 0;
    put_labels(d, slot, d->left + slot / 2);
    for (int i = 0; i < c->n_points; i++) {
        double v = c->series[0].values[i], x = d->left + (i + 0.19) * slot;
        bool total = i == 0 || i == c->n_points - 1;
        v = isfinite(v) ? v : 0;
        double from = total ? 0 : level, to = total ? v : level + v;
        uint32_t color = total ? d->k->brand : d->k->tones[v < 0 ? PAPER_BAD : PAPER_GOOD];
        double y = across(d, fmax(from, to)), h = across(d, fmin(from, to)) - y;
        add_rect(d, color, (double[]){x, y, bar, fmax(h, 1)});
        struct str text = paper_number(d->a, d->c->words, v);
        text = total || v <= 0 ? text : str_fmt(d->a, "+%.*s", STR_ARG(text));
        if (h > d->size * 1.3) {
            add_text(d, text, x + bar / 2, y + h / 2 + d->size * 0.35, LAYOUT_CENTER);
            set_on_bar(d, color);
        } else {
            add_text(d, text, x + bar / 2, y - d->size * 0.4, LAYOUT_CENTER);
            d->out->marks[d->out->n - 1].color = color;
            d->out->marks[d->out->n - 1].bold = true;
        }
        level = to;
    }
    put_base(d);
}

static void put_gauge(struct drawing *d)
{
    const struct paper_series *s = &d->c->series[0];
    double max = d->c->max > 0 ? d->c->max : 100, v = s->values[0];
    double r = fmin(d->right - d->left, d->bottom - d->top) / 2, thick = r * 0.24;
    double x = (d->left + d->right) / 2, y = (d->top + d->bottom) / 2;
    for (int part = 0; part < 2; part++) {
        struct plot_mark *m = add(d, PLOT_RING, part ? color_of(d, s->tone) : d->k->track);
        m->x = x;
        m->y = y;
        m->r = r - thick / 2;
        m->thick = thick;
        m->to = part ? (isfinite(v) ? fmin(fmax(v / max, 0), 1) : 0) : 1;
    }
    add_text(d, paper_number(d->a, d->c->words, v), x, y + r * 0.2, LAYOUT_CENTER);
    struct plot_mark *m = &d->out->marks[d->out->n - 1];
    m->size_pt = r * 0.58;
    m->bold = true;
    m->color = d->k->ink;
}

const struct plot *plot_make(struct arena *a, const struct paper_chart *chart,
                             const struct paper_colors *colors, const struct layout_box *place,
                             double size_pt)
{
    struct drawing d = {.a = a,
                        .out = ARENA_NEW(a, struct plot),
                        .c = chart,
                        .k = colors,
                        .size = size_pt,
                        .right = place->w,
                        .bottom = place->h};
    if (chart->n_points < 1 || chart->n_series < 1) {
        return d.out;
    }
    d.axis = paper_axis(chart);
    bool below = chart->kind != PAPER_GAUGE && chart->kind != PAPER_BARS && !chart->bare;
    bool legend = chart->n_series > 1 && !chart->bare;
    if (chart->kind != PAPER_GAUGE) {
        d.top = chart->bare ? 3 : size_pt * 1.6;
        d.right -= chart->bare || chart->kind == PAPER_LINE ? size_pt : 0;
        d.bottom -= below ? size_pt * 2.2 : 3;
        d.bottom -= legend ? size_pt * (below ? 2.2 : 4.2) : 0;
    }
    static void (*const KINDS[])(struct drawing *) = {[PAPER_LINE] = put_lines,
                                                      [PAPER_COLUMNS] = put_columns,
                                                      [PAPER_BARS] = put_bars,
                                                      [PAPER_STEPS] = put_steps,
                                                      [PAPER_GAUGE] = put_gauge};
    KINDS[chart->kind](&d);
    if (legend) {
        put_legend(&d, place->w);
    }
    return d.out;
}
