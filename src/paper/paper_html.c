#include "paper/paper_html.h"

#include <math.h>

#include "codec/date.h"
#include "paper/plot.h"
#include "paper/xml.h"

static const char STYLE[] =
    "*{box-sizing:border-box}"
    "body{margin:0;background:#fff;color:var(--ink);font:16px/1.5 Arial,\"Liberation Sans\","
    "Helvetica,sans-serif}"
    "main,header,footer{max-width:960px;margin:0 auto;padding:0 24px}"
    "header{padding-top:40px;border-top:10px solid var(--brand)}"
    ".top{display:flex;justify-content:space-between;gap:16px;color:var(--muted);font-size:14px}"
    ".top b{color:var(--accent);font-size:16px}"
    "h1{font-size:34px;line-height:1.2;margin:28px 0 4px}"
    ".sub,.lead{color:var(--muted);margin:0}.sub{font-size:18px}"
    "nav ol{columns:2;padding-left:20px;margin:20px 0 0;font-size:14px}"
    "section{padding:32px 0 8px;border-top:1px solid var(--rule);margin-top:32px}"
    "section:first-child{border-top:0;margin-top:0}"
    ".kicker{color:var(--accent);font-weight:bold;font-size:13px;margin:0}"
    "h2{font-size:24px;line-height:1.25;margin:0 0 4px}"
    "h3{font-size:14px;color:var(--muted);margin:0 0 8px}"
    ".blocks{display:grid;grid-template-columns:1fr 1fr;gap:24px 32px;margin-top:20px}"
    ".block{min-width:0;grid-column:1/-1}.left{grid-column:1}.right{grid-column:2}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px;"
    "margin:0}"
    ".figures div{background:var(--panel);border-left:4px solid var(--brand);padding:12px 14px}"
    ".figures dt{font-size:13px;color:var(--muted)}.figures dd{margin:0}"
    ".figures .value{font-size:28px;font-weight:bold;line-height:1.25;overflow-wrap:anywhere}"
    ".figures .note{font-size:13px;color:var(--muted)}"
    ".value a{color:inherit;text-decoration-color:var(--rule);text-underline-offset:4px}"
    ".good{border-color:var(--good)!important}.good .note,td.good,b.good{color:var(--good)}"
    ".watch{border-color:var(--watch)!important}.watch .note,td.watch,b.watch{color:var(--watch)}"
    ".bad{border-color:var(--bad)!important}.bad .note,td.bad,b.bad{color:var(--bad)}"
    "td.good,td.watch,td.bad{font-weight:bold}td.quiet,li.quiet{color:var(--muted)}"
    "ul,ol{margin:0;padding-left:22px}li{margin:0 0 8px;overflow-wrap:anywhere}"
    "li::marker{color:var(--accent)}a{color:var(--accent)}a.source{font-size:.8em}"
    "table{border-collapse:collapse;width:100%;font-size:14px}"
    "th{text-align:start;color:var(--muted);border-bottom:2px solid var(--brand);padding:6px 8px}"
    "td{border-bottom:1px solid var(--rule);padding:6px 8px;vertical-align:top;"
    "overflow-wrap:anywhere}.number{text-align:end}"
    ".scroll{overflow-x:auto}figure{margin:0}svg{display:block;width:100%;height:auto}"
    "aside{background:var(--panel);padding:14px 18px;font-size:14.5px}aside p{margin:0 0 6px}"
    "footer{margin-top:40px;padding-bottom:40px;color:var(--muted);font-size:13px}"
    "@media(max-width:640px){.left,.right{grid-column:1/-1}h1{font-size:28px}nav ol{columns:1}}"
    "@page{size:A4;margin:16mm}"
    "@media print{body{font-size:11pt}nav{display:none}header{padding-top:16px}main,header,footer{"
    "max-width:none;padding-left:0;padding-right:0}.block,li,tr{break-inside:avoid}h2,h3,.kicker{"
    "break-after:avoid}section{margin-top:20px;padding-top:20px}"
    "body{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

static void put_colors(struct buf *b, const struct paper_colors *k)
{
    buf_addf(b,
             ":root{--brand:#%06x;--accent:#%06x;--ink:#%06x;--muted:#%06x;--rule:#%06x;"
             "--panel:#%06x;--good:#%06x;--watch:#%06x;--bad:#%06x}",
             k->brand, k->accent, k->ink, k->muted, k->rule, k->panel, k->tones[PAPER_GOOD],
             k->tones[PAPER_WATCH], k->tones[PAPER_BAD]);
}

static const char *tone_class(enum paper_tone tone)
{
    static const char *const NAMES[] = {"", "good", "watch", "bad", "quiet"};
    return NAMES[tone];
}

/* <tag class="...">text</tag>, nothing for an empty text. */
static void put(struct buf *b, const char *tag, const char *class, struct str text)
{
    if (!text.n) {
        return;
    }
    buf_addf(b, "<%s%s%s%s dir=\"auto\">", tag, *class ? " class=\"" : "", class,
             *class ? "\"" : "");
    xml_text(b, text);
    buf_addf(b, "</%s>", tag);
}

static void put_link(struct buf *b, const char *class, struct str url, struct str text)
{
    buf_addf(b, "<a class=\"%s\" href=\"", class);
    xml_text(b, url);
    buf_addf(b, "\" rel=\"noopener noreferrer\">");
    xml_text(b, text);
    buf_addf(b, "</a>");
}

/* Charts */

static void put_mark(struct buf *b, const struct plot_mark *m)
{
    static const char *const ANCHORS[] = {"start", "middle", "end"};
    switch (m->kind) {
    case PLOT_RECT:
        buf_addf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#%06x\"/>",
                 m->x, m->y, m->w, m->h, m->color);
        break;
    case PLOT_LINE:
        buf_addf(b,
                 "<polyline fill=\"none\" stroke=\"#%06x\" stroke-width=\"%.2f\" "
                 "stroke-linecap=\"round\" stroke-linejoin=\"round\" points=\"",
                 m->color, m->thick);
        for (int i = 0; i < m->n; i++) {
            buf_addf(b, "%s%.1f,%.1f", i ? " " : "", m->xy[2 * i], m->xy[2 * i + 1]);
        }
        buf_addf(b, "\"/>");
        break;
    case PLOT_DOT:
        buf_addf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"#%06x\"/>", m->x, m->y, m->r,
                 m->color);
        break;
    case PLOT_RING: {
        double round = 2 * M_PI * m->r;
        buf_addf(b,
                 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"none\" stroke=\"#%06x\" "
                 "stroke-width=\"%.1f\" stroke-dasharray=\"%.2f %.2f\" "
                 "transform=\"rotate(%.2f %.1f %.1f)\"/>",
                 m->x, m->y, m->r, m->color, m->thick, (m->to - m->from) * round, round,
                 m->from * 360 - 90, m->x, m->y);
        break;
    }
    case PLOT_TEXT:
        buf_addf(b,
                 "<text x=\"%.1f\" y=\"%.1f\" fill=\"#%06x\" font-size=\"%.1f\" "
                 "text-anchor=\"%s\"%s>",
                 m->x, m->y, m->color, m->size_pt, ANCHORS[m->align],
                 m->bold ? " font-weight=\"bold\"" : "");
        xml_text(b, m->text);
        buf_addf(b, "</text>");
        break;
    }
}

void paper_html_chart(struct arena *a, const struct paper_chart *chart,
                      const struct paper_colors *colors, const double w_h[2], struct buf *out)
{
    struct layout_box place = {.w = w_h[0], .h = w_h[1]};
    const struct plot *p = plot_make(a, chart, colors, &place, 12);
    buf_addf(out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
             "font-family=\"Arial,Liberation Sans,sans-serif\" aria-label=\"",
             w_h[0], w_h[1]);
    xml_text(out, chart->alt.n ? chart->alt : chart->title);
    buf_addf(out, "\">");
    for (int i = 0; i < p->n; i++) {
        put_mark(out, &p->marks[i]);
    }
    buf_addf(out, "</svg>");
}

/* Blocks */

struct page_out {
    struct buf *b;
    const struct paper *p;
    struct paper_colors colors;
};

static void put_figures(const struct page_out *o, const struct paper_block *block)
{
    struct buf *b = o->b;
    buf_addf(b, "<dl class=\"figures\">");
    for (int i = 0; i < block->figures.n; i++) {
        const struct paper_figure *f = &block->figures.items[i];
        buf_addf(b, "<div class=\"%s\">", tone_class(f->tone));
        put(b, "dt", "", f->label);
        if (f->url.n) {
            buf_addf(b, "<dd class=\"value\">");
            put_link(b, "figure", f->url, f->value);
            buf_addf(b, "</dd>");
        } else {
            put(b, "dd", "value", f->value);
        }
        put(b, "dd", "note", f->note);
        buf_addf(b, "</div>");
    }
    buf_addf(b, "</dl>");
}

static void put_item(struct buf *b, const struct paper *p, const char *tag,
                     const struct paper_item *it)
{
    buf_addf(b, "<%s class=\"%s\" dir=\"auto\">", tag, it->tone == PAPER_MUTED ? "quiet" : "");
    if (it->lead.n) {
        buf_addf(b, "<b class=\"%s\">", tone_class(it->tone));
        xml_text(b, it->lead);
        buf_addf(b, "</b> ");
    }
    xml_text(b, it->text);
    if (it->url.n) {
        buf_add_char(b, ' ');
        put_link(b, "source", it->url, str_of(p->words->source));
    }
    buf_addf(b, "</%s>", tag);
}

static void put_list(const struct page_out *o, const struct paper_block *block)
{
    struct buf *b = o->b;
    const struct paper *p = o->p;
    bool note = block->kind == PAPER_NOTE;
    const char *outer = note ? "aside" : block->list.numbered ? "ol" : "ul";
    buf_addf(b, "<%s>", outer);
    for (int i = 0; i < block->list.n; i++) {
        put_item(b, p, note ? "p" : "li", &block->list.items[i]);
    }
    if (block->list.n_left_out) {
        put(b, note ? "p" : "li", "quiet", paper_more(p, block->list.n_left_out));
    }
    buf_addf(b, "</%s>", outer);
}

static void put_table(const struct page_out *o, const struct paper_block *block)
{
    const struct paper_table *t = &block->table;
    struct buf *b = o->b;
    buf_addf(b, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for (int i = 0; i < t->n_columns; i++) {
        buf_addf(b, "<th scope=\"col\"%s>", t->columns[i].number ? " class=\"number\"" : "");
        xml_text(b, t->columns[i].label);
        buf_addf(b, "</th>");
    }
    buf_addf(b, "</tr></thead><tbody>");
    for (int r = 0; r < t->n_rows; r++) {
        buf_addf(b, "<tr>");
        for (int i = 0; i < t->n_columns; i++) {
            const struct paper_cell *cell = &t->cells[r * t->n_columns + i];
            buf_addf(b, "<td class=\"%s%s\" dir=\"auto\">", tone_class(cell->tone),
                     t->columns[i].number ? " number" : "");
            if (cell->url.n) {
                put_link(b, "cell", cell->url, cell->text);
            } else {
                xml_text(b, cell->text);
            }
            buf_addf(b, "</td>");
        }
        buf_addf(b, "</tr>");
    }
    buf_addf(b, "</tbody></table></div>");
    if (t->n_left_out) {
        put(b, "p", "lead", paper_more(o->p, t->n_left_out));
    }
}

static void put_chart(const struct page_out *o, const struct paper_block *block)
{
    struct buf *b = o->b;
    double size[2] = {block->side == PAPER_WIDE ? 912 : 440, block->chart.bare ? 80 : 240};
    if (block->chart.kind == PAPER_GAUGE) {
        size[1] = 200;
    }
    buf_addf(b, "<figure>");
    paper_html_chart(o->p->arena, &block->chart, &o->colors, size, b);
    put(b, "figcaption", "lead", block->chart.alt);
    buf_addf(b, "</figure>");
}

static void put_block(const struct page_out *o, const struct paper_block *block)
{
    static const char *const SIDES[] = {"", " left", " right"};
    static void (*const PUTS[])(const struct page_out *, const struct paper_block *) = {
        [PAPER_FIGURES] = put_figures, [PAPER_LIST] = put_list, [PAPER_TABLE] = put_table,
        [PAPER_CHART] = put_chart,     [PAPER_NOTE] = put_list,
    };
    buf_addf(o->b, "<div class=\"block%s\">", SIDES[block->side]);
    put(o->b, "h3", "", block->heading);
    PUTS[block->kind](o, block);
    buf_addf(o->b, "</div>");
}

static void put_head(struct buf *b, const struct paper *p)
{
    buf_addf(b, "<header><div class=\"top\">");
    put(b, "b", "", p->brand);
    put(b, "span", "", p->when);
    buf_addf(b, "</div>");
    put(b, "h1", "", p->title);
    if (!str_starts(p->title, p->subtitle)) {
        put(b, "p", "sub", p->subtitle);
    }
    int sections = 0;
    for (int i = 0; i < p->n_pages; i++) {
        sections += p->pages[i].kind == PAPER_CONTENT;
    }
    if (sections > 6) {
        buf_addf(b, "<nav aria-label=\"");
        xml_text(b, str_of(p->words->contents));
        buf_addf(b, "\"><ol>");
        for (int i = 0; i < p->n_pages; i++) {
            if (p->pages[i].kind == PAPER_CONTENT) {
                buf_addf(b, "<li><a href=\"#part-%d\">", i);
                xml_text(b, p->pages[i].title);
                buf_addf(b, "</a></li>");
            }
        }
        buf_addf(b, "</ol></nav>");
    }
    buf_addf(b, "</header>");
}

enum err paper_html(const struct paper *p, struct buf *out)
{
    struct page_out o = {.b = out, .p = p, .colors = paper_colors(p->color)};
    struct buf *b = out;
    buf_addf(b, "<!doctype html>\n<html lang=\"");
    xml_text(b, p->language);
    buf_addf(b, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                "content=\"width=device-width,initial-scale=1\"><meta name=\"referrer\" "
                "content=\"no-referrer\"><title>");
    xml_text(b, p->title);
    buf_addf(b, "</title><style>");
    put_colors(b, &o.colors);
    buf_addf(b, "%s</style></head>\n<body>", STYLE);
    put_head(b, p);
    buf_addf(b, "\n<main>");
    for (int i = 0; i < p->n_pages; i++) {
        const struct paper_page *page = &p->pages[i];
        if (page->kind == PAPER_COVER) {
            continue;
        }
        buf_addf(b, "\n<section id=\"part-%d\">", i);
        put(b, "p", "kicker", page->kicker);
        put(b, "h2", "", page->title);
        put(b, "p", "lead", page->lead);
        buf_addf(b, "<div class=\"blocks\">");
        for (int j = 0; j < page->n_blocks; j++) {
            put_block(&o, &page->blocks[j]);
        }
        buf_addf(b, "</div></section>");
    }
    buf_addf(b, "\n</main><footer>");
    put(b, "span", "", p->footer);
    buf_addf(b, "</footer></body></html>\n");
    return b->overflow ? E_TOO_LARGE : E_OK;
}
