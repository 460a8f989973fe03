#include "paper/paper_pptx.h"

#include <math.h>

#include "paper/archive.h"
#include "paper/pptx_chart.h"
#include "paper/pptx_parts.h"
#include "paper/xml.h"

enum { SLIDE_MAX_BYTES = 4 << 20, NOTES_LINES_MAX = 40, LINKS_MAX = 400 };

#define TABLE_URI "http://schemas.openxmlformats.org/drawingml/2006/table"
#define CHART_URI "http://schemas.openxmlformats.org/drawingml/2006/chart"

/* One deck on its way into the archive. */
struct deck {
    struct arena *a;
    const struct layout *l;
    struct archive *ar;
    struct buf b, rels;
    struct str links[LINKS_MAX]; /* of the slide: relationship LINK_FIRST and after */
    int n_links, next_rel, shape, charts;
    enum err e;
};

static long emu(double points)
{
    return lround(points * PPTX_EMU);
}

static void part(struct deck *d, const char *name, struct buf *b)
{
    if (b->overflow) {
        d->e = E_TOO_LARGE;
    }
    archive_add(d->ar, name, b->overflow ? str_make("", 0) : buf_str(b));
    buf_clear(b);
}

/* Shapes */

static void put_color(struct deck *d, uint32_t rgb)
{
    const struct paper_colors *k = &d->l->colors;
    const char *scheme = rgb == k->ink     ? "tx1"
                         : rgb == k->muted ? "tx2"
                         : rgb == k->brand ? "accent1"
                         : rgb == k->panel ? "bg2"
                         : rgb == 0xffffff ? "bg1"
                                           : NULL;
    if (scheme) {
        buf_addf(&d->b, "<a:solidFill><a:schemeClr val=\"%s\"/></a:solidFill>", scheme);
    } else {
        buf_addf(&d->b, "<a:solidFill><a:srgbClr val=\"%06X\"/></a:solidFill>", rgb);
    }
}

/* The number of the relationship that leads there; 0: none. */
static int link_to(struct deck *d, struct str url)
{
    if (!url.n || d->n_links == LINKS_MAX) {
        return 0;
    }
    d->links[d->n_links++] = url;
    pptx_rels_add(&d->rels, d->next_rel, "hyperlink", url, true);
    return d->next_rel++;
}

static void put_name(struct deck *d, const char *kind, const struct layout_box *box)
{
    int link = link_to(d, box->url);
    d->shape++;
    buf_addf(&d->b, "<p:cNvPr id=\"%d\" name=\"%s %d\"", d->shape, kind, d->shape);
    if (box->name.n && box->kind != LAYOUT_TEXT) {
        buf_addf(&d->b, " descr=\"");
        xml_text(&d->b, box->name);
        buf_addf(&d->b, "\"");
    }
    buf_addf(&d->b, ">");
    if (link) {
        buf_addf(&d->b, "<a:hlinkClick r:id=\"rId%d\"/>", link);
    }
    if (box->kind == LAYOUT_PANEL) {
        buf_addf(&d->b, "<a:extLst><a:ext uri=\"{C183D7F6-B498-43B3-948B-1728B52AA6E4}\">"
                        "<adec:decorative xmlns:adec=\"http://schemas.microsoft.com/office/"
                        "drawing/2017/decorative\" val=\"1\"/></a:ext></a:extLst>");
    }
    buf_addf(&d->b, "</p:cNvPr>");
}

static void put_place(struct deck *d, const char *prefix, const struct layout_box *box)
{
    buf_addf(&d->b, "<%s:xfrm><a:off x=\"%ld\" y=\"%ld\"/><a:ext cx=\"%ld\" cy=\"%ld\"/></%s:xfrm>",
             prefix, emu(box->x), emu(box->y), emu(box->w), emu(box->h), prefix);
}

static void put_panel(struct deck *d, const struct layout_box *box)
{
    buf_addf(&d->b, "<p:sp><p:nvSpPr>");
    put_name(d, "Panel", box);
    buf_addf(&d->b, "<p:cNvSpPr/><p:nvPr userDrawn=\"1\"/></p:nvSpPr><p:spPr>");
    put_place(d, "a", box);
    buf_addf(&d->b, "<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom>");
    put_color(d, box->fill);
    buf_addf(&d->b, "<a:ln><a:noFill/></a:ln></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p>"
                    "<a:endParaRPr lang=\"en-US\"/></a:p></p:txBody></p:sp>");
}

struct run {
    struct str text;
    double size_pt;
    uint32_t color;
    bool bold;
    int link;
};

static void put_run(struct deck *d, const struct run *r)
{
    if (!r->text.n) {
        return;
    }
    buf_addf(&d->b, "<a:r><a:rPr lang=\"");
    xml_text(&d->b, d->l->paper->language);
    buf_addf(&d->b, "\" sz=\"%ld\" b=\"%d\" dirty=\"0\">", lround(r->size_pt * 100), r->bold);
    put_color(d, r->color);
    buf_addf(&d->b, "<a:latin typeface=\"+mn-lt\"/>");
    if (r->link) {
        buf_addf(&d->b, "<a:hlinkClick r:id=\"rId%d\"/>", r->link);
    }
    buf_addf(&d->b, "</a:rPr><a:t>");
    xml_text(&d->b, r->text);
    buf_addf(&d->b, "</a:t></a:r>");
}

static void put_paragraph_look(struct deck *d, const struct layout_line *line, bool last)
{
    struct buf *b = &d->b;
    bool rtl = paper_is_rtl(line->lead.n ? line->lead : line->text);
    enum layout_align align = line->align;
    if (rtl && align != LAYOUT_CENTER) {
        align = align == LAYOUT_START ? LAYOUT_END : LAYOUT_START;
    }
    static const char *const NAMES[] = {"l", "ctr", "r"};
    bool item = line->bullet || line->number;
    long indent = item ? emu(line->size_pt * LAYOUT_INDENT) : 0;
    buf_addf(b,
             "<a:pPr marL=\"%ld\" indent=\"%ld\" algn=\"%s\" rtl=\"%d\"><a:lnSpc><a:spcPct "
             "val=\"100000\"/></a:lnSpc><a:spcBef><a:spcPts val=\"0\"/></a:spcBef><a:spcAft>"
             "<a:spcPts val=\"%ld\"/></a:spcAft>",
             indent, -indent, NAMES[align], rtl, last ? 0 : lround(line->after_pt * 100));
    if (item) {
        buf_addf(b, "<a:buClr><a:schemeClr val=\"accent1\"/></a:buClr><a:buFont "
                    "typeface=\"Arial\"/>");
    }
    if (line->number) {
        buf_addf(b, "<a:buAutoNum type=\"arabicPeriod\" startAt=\"%d\"/>", line->number);
    } else if (line->bullet) {
        buf_addf(b, "<a:buChar char=\"&#8226;\"/>");
    } else {
        buf_addf(b, "<a:buNone/>");
    }
    buf_addf(b, "</a:pPr>");
}

/* A line's link is a word of its own behind it; a table's cell is one. */
static void put_paragraph(struct deck *d, const struct layout_line *line, bool last)
{
    put_paragraph_look(d, line, last);
    bool apart = line->link_text.n > 0;
    int link = link_to(d, line->url);
    struct run lead = {line->lead, line->size_pt, line->lead_color, true, 0};
    struct run text = {line->text, line->size_pt, line->color, line->bold, apart ? 0 : link};
    if (line->lead.n && line->text.n) {
        text.text = str_fmt(d->a, " %.*s", STR_ARG(line->text));
    }
    put_run(d, &lead);
    put_run(d, &text);
    if (apart && link) {
        struct run more = {str_fmt(d->a, " %.*s", STR_ARG(line->link_text)), line->size_pt * 0.8,
                           d->l->colors.accent, false, link};
        put_run(d, &more);
    }
    buf_addf(&d->b, "</a:p>");
}

static void put_text(struct deck *d, const struct layout_box *box, bool cover)
{
    struct buf *b = &d->b;
    static const char *const HOLDERS[] = {
        [LAYOUT_TITLE] = "<p:ph type=\"title\"/>",
        [LAYOUT_FOOTER] = "<p:ph type=\"ftr\" sz=\"quarter\" idx=\"11\"/>",
        [LAYOUT_FOLIO] = "<p:ph type=\"sldNum\" sz=\"quarter\" idx=\"12\"/>"};
    const char *holder = box->role <= LAYOUT_FOLIO ? HOLDERS[box->role] : NULL;
    if (cover && box->role == LAYOUT_TITLE) {
        holder = "<p:ph type=\"ctrTitle\"/>";
    }
    buf_addf(b, "<p:sp><p:nvSpPr>");
    put_name(d, box->role == LAYOUT_TITLE ? "Title" : "Text", box);
    buf_addf(b, "<p:cNvSpPr%s<p:nvPr>%s</p:nvPr></p:nvSpPr><p:spPr>",
             holder ? "><a:spLocks noGrp=\"1\"/></p:cNvSpPr>" : " txBox=\"1\"/>",
             holder ? holder : "");
    put_place(d, "a", box);
    buf_addf(b,
             "<a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody>"
             "<a:bodyPr wrap=\"square\" lIns=\"0\" tIns=\"0\" rIns=\"0\" bIns=\"0\" "
             "anchor=\"%s\"><a:noAutofit/></a:bodyPr><a:lstStyle/>",
             box->from_bottom ? "b" : "t");
    for (int i = 0; i < box->n_lines; i++) {
        buf_addf(b, "<a:p>");
        if (box->role == LAYOUT_FOLIO) {
            put_paragraph_look(d, &box->lines[0], true);
            buf_addf(b,
                     "<a:fld id=\"{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}\" type=\"slidenum\">"
                     "<a:rPr lang=\"en-US\" sz=\"1000\"><a:latin typeface=\"+mn-lt\"/></a:rPr>"
                     "<a:t>%.*s</a:t></a:fld></a:p>",
                     STR_ARG(box->lines[0].text));
        } else {
            put_paragraph(d, &box->lines[i], i + 1 == box->n_lines);
        }
    }
    buf_addf(b, "</p:txBody></p:sp>");
}

/* Tables */

static void put_cell(struct deck *d, const struct layout_grid *g, const struct layout_line *line,
                     bool head)
{
    struct buf *b = &d->b;
    buf_addf(b, "<a:tc><a:txBody><a:bodyPr/><a:lstStyle/><a:p>");
    put_paragraph(d, line, true);
    buf_addf(b,
             "</a:txBody><a:tcPr marL=\"%ld\" marR=\"%ld\" marT=\"%ld\" marB=\"%ld\" "
             "anchor=\"%s\"><a:lnL w=\"0\"><a:noFill/></a:lnL><a:lnR w=\"0\"><a:noFill/></a:lnR>"
             "<a:lnT w=\"0\"><a:noFill/></a:lnT><a:lnB w=\"%d\">",
             emu(g->pad_x), emu(g->pad_x), emu(g->pad_y * 0.9), emu(g->pad_y * 0.9),
             head ? "b" : "t", head ? 19050 : 9525);
    put_color(d, head ? d->l->colors.brand : d->l->colors.rule);
    buf_addf(b, "</a:lnB><a:noFill/></a:tcPr></a:tc>");
}

static void put_row(struct deck *d, const struct layout_grid *g, int row)
{
    const struct paper_table *t = g->table;
    const struct paper_colors *k = &d->l->colors;
    double h = row < 0 ? g->head_h : g->row_h[row - g->row_from];
    buf_addf(&d->b, "<a:tr h=\"%ld\">", emu(h));
    for (int i = 0; i < t->n_columns; i++) {
        const struct paper_cell *cell = row < 0 ? NULL : &t->cells[row * t->n_columns + i];
        struct layout_line line = {
            .text = cell ? g->cells[row * t->n_columns + i] : t->columns[i].label,
            .size_pt = g->size_pt,
            .color = cell ? k->tones[cell->tone] : k->muted,
            .url = cell ? cell->url : str_make("", 0),
            .bold = !cell || (cell->tone != PAPER_PLAIN && cell->tone != PAPER_MUTED),
            .align = t->columns[i].number ? LAYOUT_END : LAYOUT_START,
        };
        put_cell(d, g, &line, !cell);
    }
    buf_addf(&d->b, "</a:tr>");
}

static void put_frame(struct deck *d, const char *kind, const struct layout_box *box)
{
    buf_addf(&d->b, "<p:graphicFrame><p:nvGraphicFramePr>");
    put_name(d, kind, box);
    buf_addf(&d->b, "<p:cNvGraphicFramePr><a:graphicFrameLocks noGrp=\"1\"/>"
                    "</p:cNvGraphicFramePr><p:nvPr/></p:nvGraphicFramePr>");
    put_place(d, "p", box);
}

static void put_grid(struct deck *d, const struct layout_box *box)
{
    const struct layout_grid *g = box->grid;
    put_frame(d, "Table", box);
    buf_addf(&d->b, "<a:graphic><a:graphicData uri=\"" TABLE_URI "\"><a:tbl><a:tblPr "
                    "firstRow=\"1\"/><a:tblGrid>");
    for (int i = 0; i < g->table->n_columns; i++) {
        buf_addf(&d->b, "<a:gridCol w=\"%ld\"/>", emu(g->column_w[i]));
    }
    buf_addf(&d->b, "</a:tblGrid>");
    for (int row = g->row_from - 1; row < g->row_from + g->n_rows; row++) {
        put_row(d, g, row < g->row_from ? -1 : row);
    }
    buf_addf(&d->b, "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>");
}

/* Charts */

static void add_chart(struct deck *d, const struct paper_chart *chart)
{
    struct buf b = buf_make(SLIDE_MAX_BYTES);
    int n = ++d->charts;
    pptx_chart_write(d->a, chart, &d->l->colors, &b);
    part(d, str_fmt(d->a, "ppt/charts/chart%d.xml", n).p, &b);
    pptx_rels_open(&b);
    pptx_rels_add(&b, 1, "package", str_fmt(d->a, "../embeddings/Microsoft_Excel_Sheet%d.xlsx", n),
                  false);
    pptx_rels_close(&b);
    part(d, str_fmt(d->a, "ppt/charts/_rels/chart%d.xml.rels", n).p, &b);
    enum err e = pptx_chart_workbook(d->a, chart, &b);
    d->e = d->e ? d->e : e;
    part(d, str_fmt(d->a, "ppt/embeddings/Microsoft_Excel_Sheet%d.xlsx", n).p, &b);
    buf_free(&b);
}

static void put_chart(struct deck *d, const struct layout_box *box)
{
    add_chart(d, box->chart);
    pptx_rels_add(&d->rels, d->next_rel, "chart", str_fmt(d->a, "../charts/chart%d.xml", d->charts),
                  false);
    put_frame(d, "Chart", box);
    buf_addf(&d->b,
             "<a:graphic><a:graphicData uri=\"" CHART_URI "\"><c:chart xmlns:c=\"" CHART_URI
             "\" r:id=\"rId%d\"/></a:graphicData></a:graphic></p:graphicFrame>",
             d->next_rel++);
    if (box->chart->kind == PAPER_GAUGE && isfinite(box->chart->series[0].values[0])) {
        double size = fmin(box->w, box->h) * 0.2;
        struct layout_line line = {
            .text = paper_number(d->a, d->l->paper->words, box->chart->series[0].values[0]),
            .size_pt = size,
            .color = d->l->colors.ink,
            .align = LAYOUT_CENTER,
            .bold = true};
        struct layout_box text = {.kind = LAYOUT_TEXT, .lines = &line, .n_lines = 1};
        text.x = box->x;
        text.w = box->w;
        text.h = size * LAYOUT_LEADING;
        text.y = box->y + (box->h - text.h) / 2;
        put_text(d, &text, false);
    }
}

/* Slides */

static void add_notes(struct deck *d, int number, const struct layout_page *page)
{
    struct buf *b = &d->b;
    buf_addf(b, PPTX_HEAD
             "<p:notes " PPTX_NAMESPACES "><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" "
             "name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/><p:sp><p:nvSpPr>"
             "<p:cNvPr id=\"2\" name=\"Slide image\"/><p:cNvSpPr><a:spLocks noGrp=\"1\" "
             "noRot=\"1\" noChangeAspect=\"1\"/></p:cNvSpPr><p:nvPr><p:ph type=\"sldImg\"/>"
             "</p:nvPr></p:nvSpPr><p:spPr/></p:sp><p:sp><p:nvSpPr><p:cNvPr id=\"3\" "
             "name=\"Notes\"/><p:cNvSpPr><a:spLocks noGrp=\"1\"/></p:cNvSpPr><p:nvPr><p:ph "
             "type=\"body\" idx=\"1\"/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>"
             "<a:lstStyle/><a:p>");
    if (page->of->notes.n && !page->part) {
        buf_addf(b, "<a:r><a:rPr lang=\"en-US\"/><a:t>");
        xml_text(b, page->of->notes);
        buf_addf(b, "</a:t></a:r>");
    }
    buf_addf(b, "</a:p>");
    for (int i = 0; i < d->n_links && i < NOTES_LINES_MAX; i++) {
        buf_addf(b, "<a:p><a:r><a:rPr lang=\"en-US\"/><a:t>%s: ", d->l->paper->words->source);
        xml_text(b, d->links[i]);
        buf_addf(b, "</a:t></a:r></a:p>");
    }
    buf_addf(b, "</p:txBody></p:sp></p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/>"
                "</p:clrMapOvr></p:notes>");
    part(d, str_fmt(d->a, "ppt/notesSlides/notesSlide%d.xml", number).p, b);
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "notesMaster", STR("../notesMasters/notesMaster1.xml"), false);
    pptx_rels_add(b, 2, "slide", str_fmt(d->a, "../slides/slide%d.xml", number), false);
    pptx_rels_close(b);
    part(d, str_fmt(d->a, "ppt/notesSlides/_rels/notesSlide%d.xml.rels", number).p, b);
}

static void add_slide(struct deck *d, int number)
{
    const struct layout_page *page = &d->l->pages[number - 1];
    bool cover = page->of->kind == PAPER_COVER;
    int layout = cover ? PPTX_LAYOUT_COVER : PPTX_LAYOUT_CONTENT;
    d->n_links = 0;
    d->shape = 1;
    d->next_rel = 3;
    pptx_rels_open(&d->rels);
    pptx_rels_add(&d->rels, 1, "slideLayout",
                  str_fmt(d->a, "../slideLayouts/slideLayout%d.xml", layout), false);
    pptx_rels_add(&d->rels, 2, "notesSlide",
                  str_fmt(d->a, "../notesSlides/notesSlide%d.xml", number), false);
    buf_addf(&d->b, PPTX_HEAD "<p:sld " PPTX_NAMESPACES
                              "><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id=\"1\" "
                              "name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>");
    for (int i = 0; i < page->n_boxes; i++) {
        const struct layout_box *box = &page->boxes[i];
        switch (box->kind) {
        case LAYOUT_PANEL:
            if (!cover || box->w < d->l->width) { /* the cover's ground is its layout's */
                put_panel(d, box);
            }
            break;
        case LAYOUT_TEXT:
            put_text(d, box, cover);
            break;
        case LAYOUT_GRID:
            put_grid(d, box);
            break;
        case LAYOUT_PLOT:
            put_chart(d, box);
            break;
        }
    }
    buf_addf(&d->b, "</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>"
                    "</p:sld>");
    part(d, str_fmt(d->a, "ppt/slides/slide%d.xml", number).p, &d->b);
    pptx_rels_close(&d->rels);
    part(d, str_fmt(d->a, "ppt/slides/_rels/slide%d.xml.rels", number).p, &d->rels);
    add_notes(d, number, page);
}

static int count_charts(const struct layout *l)
{
    int n = 0;
    for (int i = 0; i < l->n_pages; i++) {
        for (int j = 0; j < l->pages[i].n_boxes; j++) {
            n += l->pages[i].boxes[j].kind == LAYOUT_PLOT;
        }
    }
    return n;
}

enum err paper_pptx(const struct paper *p, struct buf *out)
{
    struct deck *d = ARENA_NEW(p->arena, struct deck);
    *d = (struct deck){.a = p->arena,
                       .l = layout_make(p, LAYOUT_DECK),
                       .ar = archive_new(),
                       .b = buf_make(SLIDE_MAX_BYTES),
                       .rels = buf_make(SLIDE_MAX_BYTES)};
    struct pptx_counts n = {d->l->n_pages, count_charts(d->l)};
    pptx_parts_add(d->a, d->ar, d->l, &n);
    for (int i = 1; i <= d->l->n_pages; i++) {
        add_slide(d, i);
    }
    enum err e = d->e ? d->e : archive_write(d->ar, out);
    archive_free(&d->ar);
    buf_free(&d->b);
    buf_free(&d->rels);
    return e;
}
