#include "codec/html.h"

#include <libxml/HTMLparser.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "codec/outline_draft.h"
#include "codec/text.h"

enum { CHUNK_BYTES = 64 << 10, TITLE_MAX_BYTES = 300, LISTS_MAX = 16 };

enum layout {
    LAYOUT_INLINE,
    LAYOUT_BLOCK, /* its own paragraph */
    LAYOUT_LINE,  /* its own line */
    LAYOUT_BREAK, /* <br> */
    LAYOUT_ITEM,  /* a list's element */
    LAYOUT_LIST,
    LAYOUT_CELL, /* a table's cell */
    LAYOUT_RAW,  /* white space counts */
    LAYOUT_HEADING,
    LAYOUT_TITLE,
    LAYOUT_DROPPED /* with all it holds */
};

static const struct {
    const char *name;
    enum layout layout;
} ELEMENTS[] = {
    {"p", LAYOUT_BLOCK},          {"div", LAYOUT_BLOCK},        {"section", LAYOUT_BLOCK},
    {"article", LAYOUT_BLOCK},    {"main", LAYOUT_BLOCK},       {"header", LAYOUT_BLOCK},
    {"footer", LAYOUT_BLOCK},     {"aside", LAYOUT_BLOCK},      {"blockquote", LAYOUT_BLOCK},
    {"table", LAYOUT_BLOCK},      {"figure", LAYOUT_BLOCK},     {"form", LAYOUT_BLOCK},
    {"fieldset", LAYOUT_BLOCK},   {"details", LAYOUT_BLOCK},    {"dl", LAYOUT_BLOCK},
    {"address", LAYOUT_BLOCK},    {"hr", LAYOUT_BLOCK},         {"body", LAYOUT_BLOCK},
    {"tr", LAYOUT_LINE},          {"dt", LAYOUT_LINE},          {"dd", LAYOUT_LINE},
    {"caption", LAYOUT_LINE},     {"summary", LAYOUT_LINE},     {"figcaption", LAYOUT_LINE},
    {"br", LAYOUT_BREAK},         {"li", LAYOUT_ITEM},          {"ul", LAYOUT_LIST},
    {"ol", LAYOUT_LIST},          {"td", LAYOUT_CELL},          {"th", LAYOUT_CELL},
    {"pre", LAYOUT_RAW},          {"textarea", LAYOUT_DROPPED}, {"title", LAYOUT_TITLE},
    {"h1", LAYOUT_HEADING},       {"h2", LAYOUT_HEADING},       {"h3", LAYOUT_HEADING},
    {"h4", LAYOUT_HEADING},       {"h5", LAYOUT_HEADING},       {"h6", LAYOUT_HEADING},
    {"script", LAYOUT_DROPPED},   {"style", LAYOUT_DROPPED},    {"noscript", LAYOUT_DROPPED},
    {"template", LAYOUT_DROPPED}, {"nav", LAYOUT_DROPPED},      {"svg", LAYOUT_DROPPED},
    {"iframe", LAYOUT_DROPPED},   {"object", LAYOUT_DROPPED},   {"select", LAYOUT_DROPPED},
    {"button", LAYOUT_DROPPED},   {"canvas", LAYOUT_DROPPED},   {"audio", LAYOUT_DROPPED},
    {"video", LAYOUT_DROPPED},
};

struct reading {
    struct arena *arena;
    struct outline_draft *draft;
    struct buf title;
    htmlParserCtxtPtr parser;
    size_t nodes;
    int depth;
    int dropped_depth; /* the depth of the outermost dropped element; 0: none */
    int raw;           /* open <pre> elements */
    bool in_title;
    bool first_cell;
    int lists;              /* open lists */
    int numbers[LISTS_MAX]; /* the next element's number; 0: not numbered */
    bool too_large;
};

static struct str view(const xmlChar *z)
{
    return str_of((const char *)z);
}

static enum layout layout_of(struct str name)
{
    for (size_t i = 0; i < sizeof(ELEMENTS) / sizeof(ELEMENTS[0]); i++) {
        if (str_eqz(name, ELEMENTS[i].name)) {
            return ELEMENTS[i].layout;
        }
    }
    return LAYOUT_INLINE;
}

static struct str attribute(const xmlChar **attributes, const char *name)
{
    for (int i = 0; attributes && attributes[i]; i += 2) {
        if (str_eqz(view(attributes[i]), name)) {
            return attributes[i + 1] ? view(attributes[i + 1]) : STR("");
        }
    }
    return str_make(NULL, 0);
}

static bool is_hidden(const xmlChar **attributes)
{
    struct str style = attribute(attributes, "style");
    return attribute(attributes, "hidden").p ||
           str_eqz(attribute(attributes, "aria-hidden"), "true") ||
           str_find(style, STR("display:none")) >= 0 || str_find(style, STR("display: none")) >= 0;
}

static void begin_item(struct reading *r)
{
    static const char *const NUMBERS[] = {"1. ", "2. ", "3. ", "4. ", "5. ",
                                          "6. ", "7. ", "8. ", "9. "};
    outline_draft_line(r->draft);
    int at = r->lists > LISTS_MAX ? LISTS_MAX : r->lists;
    int number = at ? r->numbers[at - 1] : 0;
    if (number) {
        r->numbers[at - 1]++;
    }
    bool shown = number > 0 && number <= 9;
    outline_draft_mark(r->draft, shown ? str_of(NUMBERS[number - 1]) : STR("- "));
}

static void begin_list(struct reading *r, struct str name)
{
    if (r->lists == 0) {
        outline_draft_gap(r->draft);
    }
    if (r->lists < LISTS_MAX) {
        r->numbers[r->lists] = str_eqz(name, "ol");
    }
    r->lists++;
}

static void begin_element(struct reading *r, struct str name, const xmlChar **attributes)
{
    switch (layout_of(name)) {
    case LAYOUT_BLOCK:
        if (r->lists == 0) {
            outline_draft_gap(r->draft);
        }
        break;
    case LAYOUT_LINE:
        outline_draft_line(r->draft);
        r->first_cell = true;
        break;
    case LAYOUT_BREAK:
        outline_draft_line(r->draft);
        break;
    case LAYOUT_ITEM:
        begin_item(r);
        break;
    case LAYOUT_LIST:
        begin_list(r, name);
        break;
    case LAYOUT_CELL:
        if (!r->first_cell) {
            outline_draft_mark(r->draft, STR(" | "));
        }
        r->first_cell = false;
        break;
    case LAYOUT_RAW:
        outline_draft_gap(r->draft);
        r->raw++;
        break;
    case LAYOUT_HEADING:
        outline_draft_open_heading(r->draft, name.p[1] - '0', 0);
        break;
    case LAYOUT_TITLE:
        r->in_title = r->title.n == 0;
        break;
    case LAYOUT_DROPPED:
        r->dropped_depth = r->depth;
        break;
    case LAYOUT_INLINE:
        if (str_eqz(name, "img")) {
            outline_draft_add(r->draft, attribute(attributes, "alt"));
        }
        break;
    }
}

/* Elements that have no end never deepen the tree. */
static bool is_void(struct str name)
{
    static const char *const NAMES[] = {"br",  "hr",   "img",  "input", "meta",   "link",  "wbr",
                                        "col", "area", "base", "embed", "source", "track", NULL};
    for (const char *const *n = NAMES; *n; n++) {
        if (str_eqz(name, *n)) {
            return true;
        }
    }
    return false;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    struct reading *r = arg;
    if (++r->nodes > HTML_NODES_MAX || r->depth > HTML_DEPTH_MAX) {
        r->too_large = true;
        xmlStopParser(r->parser);
        return;
    }
    r->depth++;
    if (r->dropped_depth) {
        return;
    }
    if (is_hidden(attributes) && !is_void(view(name))) {
        r->dropped_depth = r->depth;
        return;
    }
    begin_element(r, view(name), attributes);
}

static void on_end(void *arg, const xmlChar *name)
{
    struct reading *r = arg;
    int depth = r->depth--;
    if (r->dropped_depth) {
        r->dropped_depth = r->dropped_depth == depth ? 0 : r->dropped_depth;
        return;
    }
    switch (layout_of(view(name))) {
    case LAYOUT_BLOCK:
        if (r->lists == 0) {
            outline_draft_gap(r->draft);
        }
        break;
    case LAYOUT_LINE:
    case LAYOUT_ITEM:
        outline_draft_line(r->draft);
        break;
    case LAYOUT_LIST:
        r->lists -= r->lists > 0;
        if (r->lists == 0) {
            outline_draft_gap(r->draft);
        }
        break;
    case LAYOUT_RAW:
        r->raw -= r->raw > 0;
        outline_draft_gap(r->draft);
        break;
    case LAYOUT_HEADING:
        outline_draft_close_heading(r->draft, 0);
        break;
    case LAYOUT_TITLE:
        r->in_title = false;
        break;
    default:
        break;
    }
}

static void on_text(void *arg, const xmlChar *text, int n)
{
    struct reading *r = arg;
    struct str s = str_make((const char *)text, (size_t)n);
    s = str_is_utf8(s) ? s : text_clean(r->arena, s); /* a wrongly declared encoding */
    if (r->in_title) {
        buf_add_str(&r->title, s);
    } else if (r->dropped_depth == 0 && r->raw) {
        outline_draft_add_raw(r->draft, s);
    } else if (r->dropped_depth == 0) {
        outline_draft_add(r->draft, s);
    }
}

static void say_nothing(void *arg, const char *fmt, ...)
{
    (void)arg, (void)fmt;
}

static enum err feed(struct reading *r, struct str html)
{
    htmlSAXHandler handler = {
        .startElement = on_start,
        .endElement = on_end,
        .characters = on_text,
        .ignorableWhitespace = on_text,
        .error = say_nothing,
        .warning = say_nothing,
        .fatalError = say_nothing,
    };
    xmlCharEncoding encoding = str_is_utf8(html) ? XML_CHAR_ENCODING_UTF8 : XML_CHAR_ENCODING_NONE;
    r->parser = htmlCreatePushParserCtxt(&handler, r, NULL, 0, NULL, encoding);
    if (!r->parser) {
        return E_INTERNAL;
    }
    htmlCtxtUseOptions(r->parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                      HTML_PARSE_NONET |
                                      HTML_PARSE_IGNORE_ENC * (encoding == XML_CHAR_ENCODING_UTF8));
    for (size_t at = 0; at < html.n && !r->too_large; at += CHUNK_BYTES) {
        struct str piece = str_sub(html, at, CHUNK_BYTES);
        htmlParseChunk(r->parser, piece.p, (int)piece.n, 0);
    }
    if (!r->too_large) {
        htmlParseChunk(r->parser, "", 0, 1);
    }
    if (r->parser->myDoc) {
        xmlFreeDoc(r->parser->myDoc);
    }
    htmlFreeParserCtxt(r->parser);
    return r->too_large ? E_TOO_LARGE : E_OK;
}

enum err html_read(struct arena *a, struct str html, struct outline *out_outline)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (html.n > HTML_INPUT_MAX_BYTES) {
        return E_TOO_LARGE;
    }
    pthread_once(&once, xmlInitParser);
    struct reading r = {.arena = a,
                        .draft = outline_draft_new(2 * HTML_INPUT_MAX_BYTES),
                        .title = buf_make(TITLE_MAX_BYTES)};
    enum err e = html.n ? feed(&r, html) : E_INVALID;
    struct str title = text_clean(a, str_trim(buf_str(&r.title)));
    if (e == E_OK && !outline_draft_finish(r.draft, a, title, 0, out_outline)) {
        e = E_TOO_LARGE;
    }
    outline_draft_free(&r.draft);
    buf_free(&r.title);
    return e;
}

void html_escape(struct buf *b, struct str text)
{
    size_t from = 0;
    if (text.n == 0) {
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        const char *entity = NULL;
        switch (text.p[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        buf_add(b, text.p + from, i - from);
        buf_add_str(b, str_of(entity));
        from = i + 1;
    }
    buf_add(b, text.p + from, text.n - from);
}
