/* Decks are read back here with other eyes: libzip opens them, libxml2 parses every part, and what
 * one part says of another must be so. */
#include "unit/codec/sample.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <zip.h>

#include "paper/paper_pptx.h"
#include "unit/paper/sample_paper.h"

enum { PARTS_MAX = 600 };

struct package {
    struct arena *a;
    int n;
    struct part {
        struct str name, bytes;
    } parts[PARTS_MAX];
};

static struct package *unzip(struct arena *a, struct str bytes)
{
    struct package *p = ARENA_NEW(a, struct package);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.p, bytes.n, 0, &error);
    zip_t *zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    assert_non_null(zip);
    p->a = a;
    p->n = (int)zip_get_num_entries(zip, 0);
    assert_in_range(p->n, 1, PARTS_MAX);
    for (int i = 0; i < p->n; i++) {
        zip_stat_t st;
        assert_int_equal(zip_stat_index(zip, (zip_uint64_t)i, 0, &st), 0);
        p->parts[i].name = str_dup(a, str_of(st.name));
        char *to = arena_alloc(a, st.size + 1);
        zip_file_t *f = zip_fopen_index(zip, (zip_uint64_t)i, 0);
        assert_int_equal(zip_fread(f, to, st.size), (zip_int64_t)st.size);
        zip_fclose(f);
        p->parts[i].bytes = str_make(to, st.size);
    }
    zip_discard(zip);
    return p;
}

static const struct part *find(const struct package *p, struct str name)
{
    const struct part *found = NULL;
    for (int i = 0; i < p->n; i++) {
        if (str_eq(p->parts[i].name, name)) {
            assert_null(found); /* no name twice */
            found = &p->parts[i];
        }
    }
    return found;
}

static xmlDoc *parse(const struct part *part)
{
    xmlDoc *doc = xmlReadMemory(part->bytes.p, (int)part->bytes.n, "", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!doc) {
        fail_msg("%.*s is no well-formed XML", STR_ARG(part->name));
    }
    return doc;
}

/* The values of all nodes that the path finds, in order, one a line. */
static struct str texts(struct arena *a, const struct part *part, const char *path)
{
    xmlDoc *doc = parse(part);
    xmlXPathContext *x = xmlXPathNewContext(doc);
    xmlXPathObject *found = xmlXPathEvalExpression(BAD_CAST path, x);
    struct buf b = buf_make(1 << 20);
    for (int i = 0; found && found->nodesetval && i < found->nodesetval->nodeNr; i++) {
        xmlChar *text = xmlNodeGetContent(found->nodesetval->nodeTab[i]);
        buf_addf(&b, "%s\n", (char *)text);
        xmlFree(text);
    }
    struct str all = str_dup(a, buf_str(&b));
    buf_free(&b);
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(x);
    xmlFreeDoc(doc);
    return all;
}

static int count(struct str lines)
{
    int n = 0;
    for (size_t i = 0; i < lines.n; i++) {
        n += lines.p[i] == '\n';
    }
    return n;
}

/* "ppt/slides/slide1.xml" + "../charts/chart1.xml" -> "ppt/charts/chart1.xml" */
static struct str resolve(struct arena *a, struct str from, struct str target)
{
    if (str_starts(target, STR("/"))) {
        return str_sub(target, 1, target.n);
    }
    size_t end = from.n;
    while (end && from.p[end - 1] != '/') {
        end--;
    }
    while (str_starts(target, STR("../"))) {
        target = str_sub(target, 3, target.n);
        end--;
        while (end && from.p[end - 1] != '/') {
            end--;
        }
    }
    return str_fmt(a, "%.*s%.*s", (int)end, from.p, STR_ARG(target));
}

/* The part a list of relationships belongs to: "ppt/_rels/x.xml.rels" -> "ppt/x.xml" */
static struct str owner(struct arena *a, struct str rels)
{
    ptrdiff_t at = str_find(rels, STR("_rels/"));
    return str_fmt(a, "%.*s%.*s", (int)at, rels.p, (int)(rels.n - (size_t)at - 6 - 5),
                   rels.p + at + 6);
}

static void check_relations(const struct package *p, const struct part *rels)
{
    struct str from = owner(p->a, rels->name), ids, targets, modes;
    ids = texts(p->a, rels, "//@Id");
    targets = texts(p->a, rels, "//*[not(@TargetMode)]/@Target");
    modes = texts(p->a, rels, "//*[@TargetMode='External']/@Target");
    assert_int_equal(count(ids), count(targets) + count(modes));
    const struct part *part = from.n ? find(p, from) : NULL;
    assert_true(part || !from.n);
    struct str target, id;
    while (str_split(&targets, '\n', &target)) {
        if (target.n && !find(p, resolve(p->a, from, target))) {
            fail_msg("%.*s leads nowhere: %.*s", STR_ARG(rels->name), STR_ARG(target));
        }
    }
    while (str_split(&modes, '\n', &target)) {
        assert_true(!target.n || str_starts(target, STR("https://")));
    }
    if (!part) {
        return;
    }
    /* Every r:id of the part is in the list. */
    struct str used = texts(p->a, part,
                            "//@*[namespace-uri()='http://schemas.openxmlformats.org/"
                            "officeDocument/2006/relationships']");
    while (str_split(&used, '\n', &id)) {
        struct str line = str_fmt(p->a, "\n%.*s\n", STR_ARG(id));
        struct str all = str_fmt(p->a, "\n%.*s", STR_ARG(ids));
        if (id.n && str_find(all, line) < 0) {
            fail_msg("%.*s uses %.*s", STR_ARG(from), STR_ARG(id));
        }
    }
}

static void check_package(const struct package *p)
{
    const struct part *types = find(p, STR("[Content_Types].xml"));
    assert_ptr_equal(types, &p->parts[0]);
    struct str parts = str_fmt(p->a, "\n%s", texts(p->a, types, "//@PartName").p);
    for (int i = 0; i < p->n; i++) {
        const struct part *part = &p->parts[i];
        if (str_ends(part->name, STR(".xlsx"))) {
            check_package(unzip(p->a, part->bytes));
            continue;
        }
        xmlFreeDoc(parse(part));
        if (str_ends(part->name, STR(".rels"))) {
            check_relations(p, part);
        } else if (part != types) {
            struct str line = str_fmt(p->a, "\n/%.*s\n", STR_ARG(part->name));
            if (str_find(parts, line) < 0) {
                fail_msg("%.*s has no content type", STR_ARG(part->name));
            }
        }
    }
    struct str name;
    while (str_split(&parts, '\n', &name)) {
        assert_true(!name.n || find(p, str_sub(name, 1, name.n)));
    }
}

/* Ids of shapes are unique on a slide, and no slide is without its title. */
static void check_slides(const struct package *p)
{
    int slides = 0;
    for (int i = 0; i < p->n; i++) {
        if (!str_starts(p->parts[i].name, STR("ppt/slides/slide"))) {
            continue;
        }
        slides++;
        assert_int_equal(count(texts(p->a, &p->parts[i],
                                     "//*[local-name()='ph'][@type='title' or @type='ctrTitle']"
                                     "/@type")),
                         1);
        struct str ids = texts(p->a, &p->parts[i], "//*[local-name()='cNvPr']/@id"), id;
        int want = 1;
        while (str_split(&ids, '\n', &id)) {
            assert_true(!id.n || str_eq(id, str_fmt(p->a, "%d", want++)));
        }
    }
    const struct part *list = find(p, STR("ppt/presentation.xml"));
    assert_int_equal(count(texts(p->a, list, "//*[local-name()='sldId']/@id")), slides);
}

/* What a chart shows is what its workbook holds, cell for cell. */
static void check_charts(const struct package *p, int want)
{
    int n = 1;
    for (;; n++) {
        const struct part *chart = find(p, str_fmt(p->a, "ppt/charts/chart%d.xml", n));
        if (!chart) {
            break;
        }
        struct package *book = unzip(
            p->a, find(p, str_fmt(p->a, "ppt/embeddings/Microsoft_Excel_Sheet%d.xlsx", n))->bytes);
        const struct part *sheet = find(book, STR("xl/worksheets/sheet1.xml"));
        struct str columns = texts(p->a, chart, "//*[local-name()='val']//*[local-name()='f']");
        struct str column;
        while (str_split(&columns, '\n', &column)) {
            if (!column.n) {
                continue;
            }
            char letter = column.p[8]; /* Sheet1!$B$2:... */
            struct str shown =
                texts(p->a, chart,
                      str_fmt(p->a,
                              "//*[local-name()='val'][.//*[local-name()='f']='%.*s']//"
                              "*[local-name()='pt']/*",
                              STR_ARG(column))
                          .p);
            struct str held = texts(p->a, sheet,
                                    str_fmt(p->a,
                                            "//*[local-name()='c'][starts-with(@r,'%c')]/"
                                            "*[local-name()='v']",
                                            letter)
                                        .p);
            assert_true(str_eq(shown, held) && shown.n);
        }
    }
    assert_int_equal(n - 1, want);
}

static struct str deck(struct arena *a, struct str text)
{
    struct buf b = buf_make(PAPER_PPTX_MAX_BYTES);
    assert_int_equal(paper_pptx(sample_paper(a, text), &b), E_OK);
    struct str bytes = str_dup(a, buf_str(&b));
    buf_free(&b);
    return bytes;
}

static void test_package(void **state)
{
    static const char *const TEXTS[] = {
        "plain",
        "",
        "<b>\"5\" & '6'</b> ]]> <!-- &amp; {{x}} %s %n",
        "\001\002\033 a \xff\xfe b \xed\xa0\x80 c \xef\xbf\xbf d",
        "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd8\xb4\xd8\xb1\xd9\x83\xd8\xa9 abc",
        "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80",
        "=HYPERLINK(\"https://x.example\")"};
    for (size_t i = 0; i < SAMPLE_COUNT(TEXTS); i++) {
        struct package *p = unzip(*state, deck(*state, str_of(TEXTS[i])));
        check_package(p);
        check_slides(p);
        check_charts(p, 5);
    }
}

/* Nothing of the machine or the moment is in the file. */
static void test_same_bytes(void **state)
{
    struct str first = deck(*state, STR("text"));
    setenv("TZ", "Asia/Kolkata", 1);
    struct str second = deck(*state, STR("text"));
    unsetenv("TZ");
    assert_true(str_eq(first, second));
    struct package *p = unzip(*state, first);
    struct str at = texts(*state, find(p, STR("docProps/core.xml")), "//*[local-name()='created']");
    sample_is(at, "2026-11-18T11:06:40Z\n", "the document's own date");
}

static void test_texts_and_links(void **state)
{
    struct package *p = unzip(*state, deck(*state, STR("R&D <pilot>")));
    const struct part *slide = find(p, STR("ppt/slides/slide2.xml"));
    struct str text = texts(*state, slide, "//*[local-name()='t']");
    assert_true(str_find(text, STR("R&D <pilot>")) >= 0);
    assert_true(str_find(text, STR("250,000 EUR")) >= 0);
    /* Four figures and one line lead to their source. */
    assert_int_equal(count(texts(*state, slide, "//*[local-name()='hlinkClick']/@*")), 5);
    struct str notes =
        texts(*state, find(p, STR("ppt/notesSlides/notesSlide2.xml")), "//*[local-name()='t']");
    assert_true(str_starts(notes, STR("R&D <pilot>\nSource: https://rapport.example/")));
}

static void test_too_large(void **state)
{
    struct buf b = buf_make(1000);
    assert_int_equal(paper_pptx(sample_paper(*state, STR("text")), &b), E_TOO_LARGE);
    assert_int_equal(b.n, 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_package),
        SAMPLE_TEST(test_same_bytes),
        SAMPLE_TEST(test_texts_and_links),
        SAMPLE_TEST(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
