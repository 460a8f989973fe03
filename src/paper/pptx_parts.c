#include "paper/pptx_parts.h"

#include "codec/date.h"
#include "paper/archive.h"
#include "paper/xml.h"

enum { PART_MAX_BYTES = 1 << 20 };

#define PACKAGE   "http://schemas.openxmlformats.org/package/2006/"
#define PRESENTED "application/vnd.openxmlformats-officedocument.presentationml."
#define EMPTY_TREE                                                                                 \
    "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr>"  \
    "<a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"0\" cy=\"0\"/><a:chOff x=\"0\" y=\"0\"/>"         \
    "<a:chExt cx=\"0\" cy=\"0\"/></a:xfrm></p:grpSpPr>"

/* Lists of relationships */

void pptx_rels_open(struct buf *b)
{
    buf_addf(b, PPTX_HEAD "<Relationships xmlns=\"" PACKAGE "relationships\">");
}

void pptx_rels_add(struct buf *b, int id, const char *type, struct str target, bool outside)
{
    buf_addf(b, "<Relationship Id=\"rId%d\" Type=\"%s%s\" Target=\"", id,
             str_starts(str_of(type), STR("http")) ? "" : PPTX_RELATION, type);
    xml_text(b, target);
    buf_addf(b, "\"%s/>", outside ? " TargetMode=\"External\"" : "");
}

void pptx_rels_close(struct buf *b)
{
    buf_addf(b, "</Relationships>");
}

/* Parts are written into one buffer and copied by the archive. */
struct parts {
    struct arena *a;
    struct archive *ar;
    const struct layout *l;
    const struct pptx_counts *n;
    struct buf b;
};

static void add_part(struct parts *p, const char *name)
{
    archive_add(p->ar, name, p->b.overflow ? str_make("", 0) : buf_str(&p->b));
    buf_clear(&p->b);
}

static void override(struct buf *b, const char *part, const char *type)
{
    buf_addf(b, "<Override PartName=\"%s\" ContentType=\"%s\"/>", part, type);
}

static void add_types(struct parts *p)
{
    struct buf *b = &p->b;
    buf_addf(b, PPTX_HEAD "<Types xmlns=\"" PACKAGE "content-types\">"
                          "<Default Extension=\"rels\" ContentType=\"application/"
                          "vnd.openxmlformats-package.relationships+xml\"/>"
                          "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
                          "<Default Extension=\"xlsx\" ContentType=\"application/"
                          "vnd.openxmlformats-officedocument.spreadsheetml.sheet\"/>");
    override(b, "/ppt/presentation.xml", PRESENTED "presentation.main+xml");
    override(b, "/ppt/presProps.xml", PRESENTED "presProps+xml");
    override(b, "/ppt/viewProps.xml", PRESENTED "viewProps+xml");
    override(b, "/ppt/tableStyles.xml", PRESENTED "tableStyles+xml");
    override(b, "/ppt/slideMasters/slideMaster1.xml", PRESENTED "slideMaster+xml");
    override(b, "/ppt/slideLayouts/slideLayout1.xml", PRESENTED "slideLayout+xml");
    override(b, "/ppt/slideLayouts/slideLayout2.xml", PRESENTED "slideLayout+xml");
    override(b, "/ppt/notesMasters/notesMaster1.xml", PRESENTED "notesMaster+xml");
    override(b, "/ppt/theme/theme1.xml", "application/vnd.openxmlformats-officedocument.theme+xml");
    override(b, "/ppt/theme/theme2.xml", "application/vnd.openxmlformats-officedocument.theme+xml");
    override(b, "/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml");
    override(b, "/docProps/app.xml",
             "application/vnd.openxmlformats-officedocument.extended-properties+xml");
    for (int i = 1; i <= p->n->slides; i++) {
        override(b, str_fmt(p->a, "/ppt/slides/slide%d.xml", i).p, PRESENTED "slide+xml");
        override(b, str_fmt(p->a, "/ppt/notesSlides/notesSlide%d.xml", i).p,
                 PRESENTED "notesSlide+xml");
    }
    for (int i = 1; i <= p->n->charts; i++) {
        override(b, str_fmt(p->a, "/ppt/charts/chart%d.xml", i).p,
                 "application/vnd.openxmlformats-officedocument.drawingml.chart+xml");
    }
    buf_addf(b, "</Types>");
    add_part(p, "[Content_Types].xml");
}

static void add_properties(struct parts *p)
{
    struct buf *b = &p->b;
    const struct paper *doc = p->l->paper;
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "officeDocument", STR("ppt/presentation.xml"), false);
    pptx_rels_add(b, 2, PACKAGE "relationships/metadata/core-properties", STR("docProps/core.xml"),
                  false);
    pptx_rels_add(b, 3, "extended-properties", STR("docProps/app.xml"), false);
    pptx_rels_close(b);
    add_part(p, "_rels/.rels");
    struct str at = date_iso(p->a, doc->at_ms / 1000 * 1000);
    at = str_fmt(p->a, "%.*sZ", 19, at.p); /* W3CDTF, without the thousandths */
    buf_addf(b, PPTX_HEAD "<cp:coreProperties xmlns:cp=\"" PACKAGE "metadata/core-properties\" "
                          "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
                          "xmlns:dcterms=\"http://purl.org/dc/terms/\" "
                          "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>");
    xml_text(b, doc->title);
    buf_addf(b, "</dc:title><dc:subject>");
    xml_text(b, doc->subtitle);
    buf_addf(b, "</dc:subject><dc:creator>");
    xml_text(b, doc->author.n ? doc->author : doc->brand);
    buf_addf(b, "</dc:creator><dc:language>");
    xml_text(b, doc->language);
    buf_addf(b, "</dc:language>");
    buf_addf(b, "<dcterms:created xsi:type=\"dcterms:W3CDTF\">%.*s</dcterms:created>", STR_ARG(at));
    buf_addf(b, "<dcterms:modified xsi:type=\"dcterms:W3CDTF\">%.*s</dcterms:modified>",
             STR_ARG(at));
    buf_addf(b, "</cp:coreProperties>");
    add_part(p, "docProps/core.xml");
    buf_addf(b,
             PPTX_HEAD "<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                       "extended-properties\"><PresentationFormat>Widescreen</PresentationFormat>"
                       "<Slides>%d</Slides><Notes>%d</Notes><Company>",
             p->n->slides, p->n->slides);
    xml_text(b, doc->brand);
    buf_addf(b, "</Company></Properties>");
    add_part(p, "docProps/app.xml");
}

/* slide ids of PresentationML begin at 256, masters' and layouts' at 2^31. */
static void add_presentation(struct parts *p)
{
    struct buf *b = &p->b;
    int slides = p->n->slides;
    buf_addf(b, PPTX_HEAD
             "<p:presentation " PPTX_NAMESPACES " saveSubsetFonts=\"1\"><p:sldMasterIdLst>"
             "<p:sldMasterId id=\"2147483648\" r:id=\"rId1\"/></p:sldMasterIdLst>"
             "<p:notesMasterIdLst><p:notesMasterId r:id=\"rId2\"/></p:notesMasterIdLst>"
             "<p:sldIdLst>");
    for (int i = 0; i < slides; i++) {
        buf_addf(b, "<p:sldId id=\"%d\" r:id=\"rId%d\"/>", 256 + i, 10 + i);
    }
    buf_addf(b,
             "</p:sldIdLst><p:sldSz cx=\"%d\" cy=\"%d\"/><p:notesSz cx=\"6858000\" "
             "cy=\"9144000\"/></p:presentation>",
             (int)p->l->width * PPTX_EMU, (int)p->l->height * PPTX_EMU);
    add_part(p, "ppt/presentation.xml");
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "slideMaster", STR("slideMasters/slideMaster1.xml"), false);
    pptx_rels_add(b, 2, "notesMaster", STR("notesMasters/notesMaster1.xml"), false);
    pptx_rels_add(b, 3, "theme", STR("theme/theme1.xml"), false);
    pptx_rels_add(b, 4, "presProps", STR("presProps.xml"), false);
    pptx_rels_add(b, 5, "viewProps", STR("viewProps.xml"), false);
    pptx_rels_add(b, 6, "tableStyles", STR("tableStyles.xml"), false);
    for (int i = 0; i < slides; i++) {
        pptx_rels_add(b, 10 + i, "slide", str_fmt(p->a, "slides/slide%d.xml", i + 1), false);
    }
    pptx_rels_close(b);
    add_part(p, "ppt/_rels/presentation.xml.rels");
    buf_addf(b, PPTX_HEAD "<p:presentationPr " PPTX_NAMESPACES "/>");
    add_part(p, "ppt/presProps.xml");
    buf_addf(b, PPTX_HEAD "<p:viewPr " PPTX_NAMESPACES "/>");
    add_part(p, "ppt/viewProps.xml");
    buf_addf(b, PPTX_HEAD "<a:tblStyleLst "
                          "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" "
                          "def=\"{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}\"/>");
    add_part(p, "ppt/tableStyles.xml");
}

static void color(struct buf *b, const char *name, uint32_t rgb)
{
    buf_addf(b, "<a:%s><a:srgbClr val=\"%06X\"/></a:%s>", name, rgb, name);
}

static void add_theme(struct parts *p, const char *name)
{
    static const char FONTS[] =
        "<a:fontScheme name=\"Rapport\"><a:majorFont><a:latin typeface=\"Arial\"/><a:ea "
        "typeface=\"\"/><a:cs typeface=\"\"/></a:majorFont><a:minorFont><a:latin "
        "typeface=\"Arial\"/><a:ea typeface=\"\"/><a:cs typeface=\"\"/></a:minorFont>"
        "</a:fontScheme>";
    static const char FORMATS[] =
        "<a:fmtScheme name=\"Rapport\"><a:fillStyleLst><a:solidFill><a:schemeClr val=\"phClr\"/>"
        "</a:solidFill><a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill><a:solidFill>"
        "<a:schemeClr val=\"phClr\"/></a:solidFill></a:fillStyleLst><a:lnStyleLst><a:ln "
        "w=\"9525\"><a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill></a:ln><a:ln "
        "w=\"12700\"><a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill></a:ln><a:ln "
        "w=\"19050\"><a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill></a:ln>"
        "</a:lnStyleLst><a:effectStyleLst><a:effectStyle><a:effectLst/></a:effectStyle>"
        "<a:effectStyle><a:effectLst/></a:effectStyle><a:effectStyle><a:effectLst/>"
        "</a:effectStyle></a:effectStyleLst><a:bgFillStyleLst><a:solidFill><a:schemeClr "
        "val=\"phClr\"/></a:solidFill><a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill>"
        "<a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill></a:bgFillStyleLst>"
        "</a:fmtScheme>";
    const struct paper_colors *k = &p->l->colors;
    struct buf *b = &p->b;
    buf_addf(b, PPTX_HEAD "<a:theme "
                          "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" "
                          "name=\"Rapport\"><a:themeElements><a:clrScheme name=\"Rapport\">");
    color(b, "dk1", k->ink);
    color(b, "lt1", 0xffffff);
    color(b, "dk2", k->muted);
    color(b, "lt2", k->panel);
    color(b, "accent1", k->brand);
    color(b, "accent2", k->tones[PAPER_GOOD]);
    color(b, "accent3", k->tones[PAPER_WATCH]);
    color(b, "accent4", k->tones[PAPER_BAD]);
    color(b, "accent5", k->track);
    color(b, "accent6", k->rule);
    color(b, "hlink", k->accent);
    color(b, "folHlink", k->accent);
    buf_addf(b, "</a:clrScheme>%s%s</a:themeElements></a:theme>", FONTS, FORMATS);
    add_part(p, name);
}

struct holder { /* a place that slides fill */
    const char *type, *name, *text;
    int index, x, y, w, h; /* points */
    int size_pt;
    bool bold;
    const char *anchor;
};

static void put_holder(struct parts *p, const struct holder *h, int id)
{
    buf_addf(&p->b,
             "<p:sp><p:nvSpPr><p:cNvPr id=\"%d\" name=\"%s\"/><p:cNvSpPr><a:spLocks noGrp=\"1\"/>"
             "</p:cNvSpPr><p:nvPr><p:ph type=\"%s\"",
             id, h->name, h->type);
    if (h->index) {
        buf_addf(&p->b, " %sidx=\"%d\"", h->index > 1 ? "sz=\"quarter\" " : "", h->index);
    }
    buf_addf(&p->b,
             "/></p:nvPr></p:nvSpPr><p:spPr><a:xfrm><a:off x=\"%d\" y=\"%d\"/><a:ext cx=\"%d\" "
             "cy=\"%d\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></p:spPr>"
             "<p:txBody><a:bodyPr lIns=\"0\" tIns=\"0\" rIns=\"0\" bIns=\"0\" anchor=\"%s\"/>"
             "<a:lstStyle><a:lvl1pPr%s><a:defRPr sz=\"%d\" b=\"%d\"><a:solidFill><a:schemeClr "
             "val=\"%s\"/></a:solidFill><a:latin typeface=\"+mn-lt\"/></a:defRPr></a:lvl1pPr>"
             "</a:lstStyle>%s</p:txBody></p:sp>",
             h->x * PPTX_EMU, h->y * PPTX_EMU, h->w * PPTX_EMU, h->h * PPTX_EMU, h->anchor,
             h->index == 12 ? " algn=\"r\"" : "", h->size_pt * 100, h->bold,
             h->index > 1 ? "tx2" : "tx1", h->text);
}

#define ASK_TITLE "<a:p><a:r><a:rPr lang=\"en-US\"/><a:t>Title</a:t></a:r></a:p>"
#define ASK_TEXT  "<a:p><a:r><a:rPr lang=\"en-US\"/><a:t>Text</a:t></a:r></a:p>"
#define ASK_EMPTY "<a:p><a:endParaRPr lang=\"en-US\"/></a:p>"
#define ASK_FOLIO                                                                                  \
    "<a:p><a:fld id=\"{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}\" type=\"slidenum\"><a:rPr "          \
    "lang=\"en-US\"/><a:t>1</a:t></a:fld></a:p>"

static const struct holder TITLE = {"title", "Title", ASK_TITLE, 0, 52, 48, 856, 40, 28, true, "t"},
                           COVER_TITLE = {"ctrTitle", "Title", ASK_TITLE, 0,    64, 200,
                                          736,        110,     44,        true, "b"},
                           SUBTITLE = {"subTitle", "Subtitle", ASK_TEXT, 1,     64, 316,
                                       736,        50,         20,       false, "t"},
                           BODY = {"body", "Text", ASK_TEXT, 1, 52, 132, 856, 358, 16, false, "t"},
                           FOOTER = {"ftr", "Footer", ASK_EMPTY, 11,    52, 508,
                                     756,   16,       10,        false, "t"},
                           FOLIO = {"sldNum", "Slide number", ASK_FOLIO, 12, 818, 508, 90, 16,
                                    10,       false,          "t"};

static void put_level(struct buf *b, int level, int size_pt)
{
    buf_addf(b,
             "<a:lvl%dpPr marL=\"%d\" indent=\"-228600\" algn=\"l\" rtl=\"0\"><a:buFont "
             "typeface=\"Arial\"/><a:buChar char=\"&#8226;\"/><a:defRPr sz=\"%d\"><a:solidFill>"
             "<a:schemeClr val=\"tx1\"/></a:solidFill><a:latin typeface=\"+mn-lt\"/><a:ea "
             "typeface=\"+mn-ea\"/><a:cs typeface=\"+mn-cs\"/></a:defRPr></a:lvl%dpPr>",
             level, 228600 * level, size_pt * 100, level);
}

static void add_master(struct parts *p)
{
    struct buf *b = &p->b;
    buf_addf(b, PPTX_HEAD "<p:sldMaster " PPTX_NAMESPACES
                          "><p:cSld><p:bg><p:bgPr><a:solidFill><a:schemeClr val=\"bg1\"/>"
                          "</a:solidFill><a:effectLst/></p:bgPr></p:bg><p:spTree>" EMPTY_TREE);
    put_holder(p, &TITLE, 2);
    put_holder(p, &BODY, 3);
    put_holder(p, &FOOTER, 4);
    put_holder(p, &FOLIO, 5);
    buf_addf(b, "</p:spTree></p:cSld><p:clrMap bg1=\"lt1\" tx1=\"dk1\" bg2=\"lt2\" tx2=\"dk2\" "
                "accent1=\"accent1\" accent2=\"accent2\" accent3=\"accent3\" accent4=\"accent4\" "
                "accent5=\"accent5\" accent6=\"accent6\" hlink=\"hlink\" folHlink=\"folHlink\"/>"
                "<p:sldLayoutIdLst><p:sldLayoutId id=\"2147483649\" r:id=\"rId1\"/>"
                "<p:sldLayoutId id=\"2147483650\" r:id=\"rId2\"/></p:sldLayoutIdLst><p:hf "
                "hdr=\"0\" dt=\"0\"/><p:txStyles><p:titleStyle><a:lvl1pPr algn=\"l\" rtl=\"0\">"
                "<a:lnSpc><a:spcPct val=\"100000\"/></a:lnSpc><a:buNone/><a:defRPr sz=\"2800\" "
                "b=\"1\"><a:solidFill><a:schemeClr val=\"tx1\"/></a:solidFill><a:latin "
                "typeface=\"+mj-lt\"/><a:ea typeface=\"+mj-ea\"/><a:cs typeface=\"+mj-cs\"/>"
                "</a:defRPr></a:lvl1pPr></p:titleStyle><p:bodyStyle>");
    put_level(b, 1, 16);
    put_level(b, 2, 14);
    put_level(b, 3, 13);
    buf_addf(b, "</p:bodyStyle><p:otherStyle><a:lvl1pPr algn=\"l\" rtl=\"0\"><a:defRPr "
                "sz=\"1600\"><a:solidFill><a:schemeClr val=\"tx1\"/></a:solidFill><a:latin "
                "typeface=\"+mn-lt\"/><a:ea typeface=\"+mn-ea\"/><a:cs typeface=\"+mn-cs\"/>"
                "</a:defRPr></a:lvl1pPr></p:otherStyle></p:txStyles></p:sldMaster>");
    add_part(p, "ppt/slideMasters/slideMaster1.xml");
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "slideLayout", STR("../slideLayouts/slideLayout1.xml"), false);
    pptx_rels_add(b, 2, "slideLayout", STR("../slideLayouts/slideLayout2.xml"), false);
    pptx_rels_add(b, 3, "theme", STR("../theme/theme1.xml"), false);
    pptx_rels_close(b);
    add_part(p, "ppt/slideMasters/_rels/slideMaster1.xml.rels");
}

static void add_layout(struct parts *p, bool cover)
{
    struct buf *b = &p->b;
    buf_addf(b,
             PPTX_HEAD "<p:sldLayout " PPTX_NAMESPACES " type=\"%s\" preserve=\"1\"><p:cSld "
                       "name=\"%s\">",
             cover ? "title" : "titleOnly", cover ? "Cover" : "Content");
    if (cover) {
        buf_addf(b, "<p:bg><p:bgPr><a:solidFill><a:schemeClr val=\"accent1\"/></a:solidFill>"
                    "<a:effectLst/></p:bgPr></p:bg>");
    }
    buf_addf(b, "<p:spTree>" EMPTY_TREE);
    put_holder(p, cover ? &COVER_TITLE : &TITLE, 2);
    if (cover) {
        put_holder(p, &SUBTITLE, 3);
    } else {
        put_holder(p, &FOOTER, 3);
        put_holder(p, &FOLIO, 4);
    }
    buf_addf(b, "</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>"
                "</p:sldLayout>");
    add_part(p, cover ? "ppt/slideLayouts/slideLayout1.xml" : "ppt/slideLayouts/slideLayout2.xml");
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "slideMaster", STR("../slideMasters/slideMaster1.xml"), false);
    pptx_rels_close(b);
    add_part(p, cover ? "ppt/slideLayouts/_rels/slideLayout1.xml.rels"
                      : "ppt/slideLayouts/_rels/slideLayout2.xml.rels");
}

static void add_notes_master(struct parts *p)
{
    static const struct holder IMAGE = {"sldImg", "Slide image", ASK_EMPTY, 2,     54, 90,
                                        432,      243,           12,        false, "t"},
                               NOTES = {"body", "Notes", ASK_TEXT, 1,     54, 346,
                                        432,    320,     12,       false, "t"};
    struct buf *b = &p->b;
    buf_addf(b, PPTX_HEAD "<p:notesMaster " PPTX_NAMESPACES
                          "><p:cSld><p:bg><p:bgPr><a:solidFill><a:schemeClr val=\"bg1\"/>"
                          "</a:solidFill><a:effectLst/></p:bgPr></p:bg><p:spTree>" EMPTY_TREE);
    put_holder(p, &IMAGE, 2);
    put_holder(p, &NOTES, 3);
    buf_addf(b, "</p:spTree></p:cSld><p:clrMap bg1=\"lt1\" tx1=\"dk1\" bg2=\"lt2\" tx2=\"dk2\" "
                "accent1=\"accent1\" accent2=\"accent2\" accent3=\"accent3\" accent4=\"accent4\" "
                "accent5=\"accent5\" accent6=\"accent6\" hlink=\"hlink\" folHlink=\"folHlink\"/>"
                "</p:notesMaster>");
    add_part(p, "ppt/notesMasters/notesMaster1.xml");
    pptx_rels_open(b);
    pptx_rels_add(b, 1, "theme", STR("../theme/theme2.xml"), false);
    pptx_rels_close(b);
    add_part(p, "ppt/notesMasters/_rels/notesMaster1.xml.rels");
}

void pptx_parts_add(struct arena *a, struct archive *ar, const struct layout *l,
                    const struct pptx_counts *n)
{
    struct parts p = {a, ar, l, n, buf_make(PART_MAX_BYTES)};
    add_types(&p);
    add_properties(&p);
    add_presentation(&p);
    add_theme(&p, "ppt/theme/theme1.xml");
    add_theme(&p, "ppt/theme/theme2.xml");
    add_master(&p);
    add_layout(&p, true);
    add_layout(&p, false);
    add_notes_master(&p);
    buf_free(&p.b);
}
