#include "paper/paper.h"

#include <math.h>
#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"

/* Texts */

/* Overrides and isolates of the writing direction, which could make a name read as another, and
 * what no document may hold (XML 1.0, 2.2). */
static bool is_dropped(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfffe ||
           c == 0xffff || (c >= 0x7f && c <= 0x9f) || c == 0xfeff;
}

struct str paper_clean(struct arena *a, struct str text, size_t max_chars)
{
    struct str s = text_clean(a, str_sub(text, 0, max_chars * 16));
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    uint32_t c;
    bool space = true; /* none at the beginning, one between words */
    while (text_next(&s, &c)) {
        if (c == ' ' || c == '\n' || c == '\t' || c == 0x2028 || c == 0x2029) {
            if (!space) {
                to[n++] = ' ';
            }
            space = true;
        } else if (!is_dropped(c)) {
            n += text_put(to + n, c);
            space = false;
        }
    }
    n -= n && to[n - 1] == ' ';
    return text_shorten(a, str_make(to, n), max_chars);
}

bool paper_is_rtl(struct str text)
{
    uint32_t c;
    while (text_next(&text, &c)) {
        if ((c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
            (c >= 0xfe70 && c <= 0xfeff)) {
            return true;
        }
        if (text_is_letter(c)) {
            return false;
        }
    }
    return false;
}

static struct str clean_url(struct arena *a, struct str url)
{
    return url.n <= URL_MAX_BYTES && url_is_web(url) ? str_dup(a, url) : str_make("", 0);
}

/* Words */

const struct paper_words paper_english = {
    .source = "Source",
    .contents = "Contents",
    .continued = "{title} (continued)",
    .more = "and {n} more",
    .newest = "The newest {n} of {total}.",
    .beyond = "What follows after {n} pages is left out.",
    .steps = {"Base", "Total", "Up", "Down"},
    .gauge = {"Value", "Rest"},
    .decimal = '.',
};

struct str paper_say(struct arena *a, const char *text, const char *name, struct str value)
{
    struct str whole = str_of(text), slot = str_fmt(a, "{%s}", name);
    ptrdiff_t at = str_find(whole, slot);
    return at < 0 ? whole
                  : str_fmt(a, "%.*s%.*s%s", (int)at, text, STR_ARG(value),
                            text + (size_t)at + slot.n);
}

struct str paper_more(const struct paper *p, int n)
{
    return paper_say(p->arena, p->words->more, "n", str_fmt(p->arena, "%d", n));
}

/* Pages */

struct paper *paper_new(struct arena *a, const struct paper *head)
{
    struct paper *p = ARENA_NEW(a, struct paper);
    p->arena = a;
    p->title = paper_clean(a, head->title, PAPER_TITLE_MAX_CHARS);
    p->subtitle = paper_clean(a, head->subtitle, PAPER_TITLE_MAX_CHARS);
    p->brand = paper_clean(a, head->brand, 60);
    p->author = paper_clean(a, head->author, 100);
    p->footer = paper_clean(a, head->footer, 100);
    p->language = head->language.n ? paper_clean(a, head->language, 35) : STR("en");
    p->when = paper_clean(a, head->when.n ? head->when : date_words(a, head->at_ms), 60);
    p->words = head->words ? head->words : &paper_english;
    p->color = head->color & 0xffffff;
    p->at_ms = head->at_ms;
    return p;
}

struct paper_page *paper_add_page(struct paper *p, enum paper_page_kind kind, struct str kicker,
                                  struct str title)
{
    if (p->n_pages == PAPER_PAGES_MAX) {
        return NULL;
    }
    struct paper_page *page = &p->pages[p->n_pages++];
    page->kind = kind;
    page->kicker = paper_clean(p->arena, kicker, 60);
    page->title = paper_clean(p->arena, title, PAPER_TITLE_MAX_CHARS);
    return page;
}

void paper_set_lead(struct paper *p, struct paper_page *page, struct str lead)
{
    if (page) {
        page->lead = paper_clean(p->arena, lead, 400);
    }
}

void paper_set_notes(struct paper *p, struct paper_page *page, struct str notes)
{
    if (page) {
        page->notes = paper_clean(p->arena, notes, PAPER_TEXT_MAX_CHARS);
    }
}

struct paper_block *paper_add_block(struct paper *p, struct paper_page *page,
                                    enum paper_block_kind kind, enum paper_side side,
                                    struct str heading)
{
    if (!page || page->n_blocks == PAPER_BLOCKS_MAX) {
        return NULL;
    }
    struct paper_block *b = &page->blocks[page->n_blocks++];
    b->kind = kind;
    b->side = side;
    b->heading = paper_clean(p->arena, heading, PAPER_TITLE_MAX_CHARS);
    if (kind == PAPER_FIGURES) {
        b->figures.items = ARENA_ARRAY(p->arena, struct paper_figure, PAPER_FIGURES_MAX);
    } else if (kind == PAPER_LIST || kind == PAPER_NOTE) {
        b->list.items = ARENA_ARRAY(p->arena, struct paper_item, PAPER_ITEMS_MAX);
    }
    return b;
}

void paper_add_figure(struct paper *p, struct paper_block *b, const struct paper_figure *figure)
{
    if (!b || b->kind != PAPER_FIGURES || b->figures.n == PAPER_FIGURES_MAX) {
        return;
    }
    b->figures.items[b->figures.n++] = (struct paper_figure){
        .label = paper_clean(p->arena, figure->label, 60),
        .value = paper_clean(p->arena, figure->value, 40),
        .note = paper_clean(p->arena, figure->note, 120),
        .tone = figure->tone,
        .url = clean_url(p->arena, figure->url),
    };
}

void paper_add_item(struct paper *p, struct paper_block *b, const struct paper_item *item)
{
    if (!b || (b->kind != PAPER_LIST && b->kind != PAPER_NOTE)) {
        return;
    }
    if (b->list.n == PAPER_ITEMS_MAX) {
        b->list.n_left_out++;
        return;
    }
    b->list.items[b->list.n++] = (struct paper_item){
        .lead = paper_clean(p->arena, item->lead, PAPER_TITLE_MAX_CHARS),
        .text = paper_clean(p->arena, item->text, PAPER_TEXT_MAX_CHARS),
        .tone = item->tone,
        .url = clean_url(p->arena, item->url),
    };
}

void paper_add_column(struct paper *p, struct paper_block *b, struct str label, double share,
                      bool number)
{
    if (!b || b->kind != PAPER_TABLE || b->table.n_columns == PAPER_COLUMNS_MAX ||
        b->table.n_rows) {
        return;
    }
    b->table.columns[b->table.n_columns++] =
        (struct paper_column){paper_clean(p->arena, label, 60), share > 0 ? share : 1, number};
}

void paper_add_row(struct paper *p, struct paper_block *b, const struct paper_cell *cells)
{
    if (!b || b->kind != PAPER_TABLE || b->table.n_columns == 0) {
        return;
    }
    struct paper_table *t = &b->table;
    if (t->n_rows == PAPER_ROWS_MAX) {
        t->n_left_out++;
        return;
    }
    if (!t->cells) {
        t->cells = ARENA_ARRAY(p->arena, struct paper_cell, PAPER_ROWS_MAX * PAPER_COLUMNS_MAX);
    }
    struct paper_cell *row = &t->cells[t->n_rows++ * t->n_columns];
    for (int i = 0; i < t->n_columns; i++) {
        row[i].text = paper_clean(p->arena, cells[i].text, PAPER_CELL_MAX_CHARS);
        row[i].tone = cells[i].tone;
        row[i].url = clean_url(p->arena, cells[i].url);
    }
}

void paper_set_chart(struct paper *p, struct paper_block *b, const struct paper_chart *chart)
{
    if (!b || b->kind != PAPER_CHART) {
        return;
    }
    struct paper_chart *to = &b->chart;
    *to = *chart;
    to->words = p->words;
    to->n_points = chart->n_points > PAPER_POINTS_MAX ? PAPER_POINTS_MAX : chart->n_points;
    to->n_series = chart->n_series > PAPER_SERIES_MAX ? PAPER_SERIES_MAX : chart->n_series;
    size_t skip = (size_t)(chart->n_points - to->n_points), n = (size_t)to->n_points;
    to->title = paper_clean(p->arena, chart->title, PAPER_TITLE_MAX_CHARS);
    to->alt = paper_clean(p->arena, chart->alt, 600);
    struct str *labels = ARENA_ARRAY(p->arena, struct str, n + 1);
    for (size_t i = 0; i < n; i++) {
        labels[i] = paper_clean(p->arena, chart->labels[skip + i], 60);
    }
    to->labels = labels;
    for (int s = 0; s < to->n_series; s++) {
        to->series[s].name = paper_clean(p->arena, chart->series[s].name, 60);
        to->series[s].values =
            arena_memdup(p->arena, chart->series[s].values + skip, n * sizeof(double));
    }
    to->tones =
        chart->tones ? arena_memdup(p->arena, chart->tones + skip, n * sizeof *to->tones) : NULL;
}

/* Numbers of charts */

struct str paper_number(struct arena *a, const struct paper_words *words, double value)
{
    if (!isfinite(value)) {
        return STR("-");
    }
    if (fabs(value) >= 1e15) {
        return str_fmt(a, "%.3g", value);
    }
    struct str s = str_fmt(a, "%.2f", value);
    while (s.n && s.p[s.n - 1] == '0') {
        s.n--;
    }
    s.n -= s.n && s.p[s.n - 1] == '.';
    char *text = str_dupz(a, s), *point = memchr(text, '.', s.n);
    if (point && words) {
        *point = words->decimal;
    }
    return str_eqz(s, "-0") ? STR("0") : str_make(text, s.n);
}

static void widen(struct paper_axis *x, double value)
{
    if (isfinite(value)) {
        x->min = fmin(x->min, value);
        x->max = fmax(x->max, value);
    }
}

static bool is_whole(const struct paper_chart *chart)
{
    for (int s = 0; s < chart->n_series; s++) {
        for (int i = 0; i < chart->n_points; i++) {
            double v = chart->series[s].values[i];
            if (isfinite(v) && v != floor(v)) {
                return false;
            }
        }
    }
    return true;
}

/* What the bars and lines reach. */
static struct paper_axis reach(const struct paper_chart *chart)
{
    struct paper_axis x = {INFINITY, -INFINITY, 0};
    for (int i = 0; i < chart->n_points; i++) {
        double sum = 0;
        for (int s = 0; s < chart->n_series; s++) {
            double v = chart->series[s].values[i];
            sum += isfinite(v) ? v : 0;
            widen(&x, chart->kind == PAPER_BARS ? sum : chart->kind == PAPER_STEPS ? 0 : v);
        }
    }
    if (chart->kind == PAPER_STEPS && chart->n_series) {
        double level = 0;
        for (int i = 0; i < chart->n_points; i++) {
            double v = chart->series[0].values[i];
            v = isfinite(v) ? v : 0;
            level = i == 0 || i == chart->n_points - 1 ? v : level + v;
            widen(&x, level);
        }
    }
    if (chart->kind != PAPER_LINE || x.min > x.max) {
        widen(&x, 0);
    }
    return x;
}

struct paper_axis paper_axis(const struct paper_chart *chart)
{
    struct paper_axis x = {chart->min, chart->max, 0};
    bool fixed = chart->min < chart->max && isfinite(chart->max - chart->min);
    if (!fixed) {
        x = reach(chart);
        if (x.max - x.min < 1e-9 * fmax(1, fabs(x.max))) {
            x.max += fmax(1, fabs(x.max) * 0.1);
            x.min -= chart->kind == PAPER_LINE && x.min > 0 ? fmin(1, x.min) : 0;
        }
    }
    double rough = (x.max - x.min) / 4, unit = pow(10, floor(log10(rough)));
    double part = rough / unit;
    x.step = unit * (part < 1.5 ? 1 : part < 2.25 ? 2 : part < 3.5 ? 2.5 : part < 7.5 ? 5 : 10);
    if (chart->kind == PAPER_COLUMNS && x.step < 1 && is_whole(chart)) {
        x.step = 1; /* no half tickets */
    }
    if (!isfinite(x.step) || x.step <= 0) {
        return (struct paper_axis){0, 1, 0.5};
    }
    if (!fixed) {
        x.min = floor(x.min / x.step) * x.step;
        x.max = ceil(x.max / x.step) * x.step;
    }
    return x;
}

/* Colours */

static double linear(uint32_t channel)
{
    double c = channel / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t color)
{
    return 0.2126 * linear(color >> 16 & 255) + 0.7152 * linear(color >> 8 & 255) +
           0.0722 * linear(color & 255);
}

static double contrast(uint32_t a, uint32_t b)
{
    double x = luminance(a), y = luminance(b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

/* `part` of a, the rest of b. */
static uint32_t mixed(uint32_t a, uint32_t b, double part)
{
    uint32_t color = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        double c = part * (a >> shift & 255) + (1 - part) * (b >> shift & 255);
        color |= (uint32_t)lround(c) << shift;
    }
    return color;
}

struct paper_colors paper_colors(uint32_t brand)
{
    static const uint32_t WHITE = 0xffffff, BLACK = 0x000000, INK = 0x18212f;
    struct paper_colors c = {
        .brand = brand,
        .on_brand = contrast(WHITE, brand) >= 4.5 ? WHITE : INK,
        .accent = brand,
        .ink = INK,
        .muted = 0x56616f,
        .rule = 0xe1e5eb,
        .panel = mixed(brand, 0xffffff, 0.05),
        .track = 0xdde2e9,
        .quiet = 0x9aa5b4,
        .tones = {INK, 0x17774a, 0x8f5f00, 0xb42318, 0x56616f},
    };
    for (int i = 0; i < 20 && contrast(c.accent, c.panel) < 4.8; i++) {
        c.accent = mixed(c.accent, BLACK, 0.88);
    }
    if (c.on_brand == INK && contrast(INK, brand) < 4.5) {
        c.brand = c.accent; /* a middle grey that no text can be read on */
        c.on_brand = WHITE;
    }
    return c;
}
