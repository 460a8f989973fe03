#include "unit/codec/sample.h"

#include "codec/text.h"
#include "paper/layout.h"
#include "paper/paper_html.h"
#include "paper/paper_markdown.h"
#include "paper/paper_pptx.h"
#include "svc/success/health_words.h"
#include "svc/success/speech.h"
#include "unit/svc/success/export_sample.h"

/* The numbers of a text, one a line: digits, with points and commas between digits. */
static void add_numbers(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        bool in_word = i && (text_is_letter((unsigned char)text.p[i - 1]) || text.p[i - 1] == '_');
        while (i < text.n && ((text.p[i] >= '0' && text.p[i] <= '9') ||
                              (i > from && (text.p[i] == '.' || text.p[i] == ',') &&
                               i + 1 < text.n && text.p[i + 1] >= '0' && text.p[i + 1] <= '9'))) {
            i++;
        }
        if (i > from && !in_word) {
            buf_addf(b, "\n%.*s\n", (int)(i - from), text.p + from);
        }
        i += i == from;
    }
}

struct texts {
    struct buf shown, sources;
};

static void add_block(struct texts *t, const struct paper_block *b, bool sources)
{
    struct buf *to = sources ? &t->sources : &t->shown;
    add_numbers(to, b->heading);
    if (b->kind == PAPER_FIGURES) {
        for (int i = 0; i < b->figures.n; i++) {
            add_numbers(to, b->figures.items[i].value);
            add_numbers(to, b->figures.items[i].note);
        }
    } else if (b->kind == PAPER_LIST || b->kind == PAPER_NOTE) {
        for (int i = 0; i < b->list.n; i++) {
            add_numbers(to, b->list.items[i].lead);
            add_numbers(to, b->list.items[i].text);
        }
    } else if (b->kind == PAPER_TABLE && sources) { /* other tables are rows of records */
        for (int i = 0; i < b->table.n_rows * b->table.n_columns; i++) {
            add_numbers(to, b->table.cells[i].text);
        }
    }
}

static struct texts texts_of(const struct paper *p, enum wording_language l)
{
    struct texts t = {buf_make(1 << 20), buf_make(1 << 20)};
    for (int i = 0; i < p->n_pages; i++) {
        const struct paper_page *page = &p->pages[i];
        bool sources = str_eq(page->kicker, speech_str(l, SPEECH_KICKER_SOURCES));
        bool email = str_eq(page->kicker, speech_str(l, SPEECH_KICKER_EMAIL));
        add_numbers(sources ? &t.sources : &t.shown, page->title);
        add_numbers(sources ? &t.sources : &t.shown, page->lead);
        for (int j = 0; j < page->n_blocks && !email; j++) { /* "1. Your goals" */
            add_block(&t, &page->blocks[j], sources);
        }
    }
    return t;
}

/* The first number that is shown and stands in no source; empty: there is none. */
static struct str unsourced(struct arena *a, const struct paper *p, enum wording_language l)
{
    struct texts t = texts_of(p, l);
    struct str rest = buf_str(&t.shown), n, found = STR("");
    while (!found.n && str_split(&rest, '\n', &n)) {
        struct str line = str_fmt(a, "\n%.*s\n", STR_ARG(n));
        if (n.n && str_find(buf_str(&t.sources), line) < 0) {
            found = str_dup(a, n);
        }
    }
    buf_free(&t.shown);
    buf_free(&t.sources);
    return found;
}

/* The same brief as one in another language: what the export says by itself changes with it, the
 * texts of the brief were written before. */
static struct export_input in_language(struct arena *a, const struct export_input *in,
                                       enum wording_language l)
{
    struct export_input out = *in;
    out.final =
        json_with(a, in->final, STR("language"), json_new_str(a, str_of(wording_language_name(l))));
    out.health = health_words_in(a, l, in->health);
    out.history = health_words_history(a, l, in->history);
    return out;
}

static void test_every_number_has_a_source(void **state)
{
    struct export_input in = export_sample(*state);
    for (int i = 0; i < 2 * WORDING_LANGUAGES; i++) {
        enum wording_language l = (enum wording_language)(i / 2);
        struct export_input told = in_language(*state, &in, l);
        struct paper *p = export_paper(*state, i % 2 ? EXPORT_QBR : EXPORT_BRIEF, &told);
        sample_is(unsourced(*state, p, l), "", wording_language_name(l));
    }
    /* The check can fail: a summary with a number that no tool told. */
    const struct json *lie = json_new_str(*state, STR("Acme Corp pays for 977 seats."));
    in.final = json_with(*state, in.final, STR("summary"), lie);
    sample_is(unsourced(*state, export_paper(*state, EXPORT_QBR, &in), WORDING_EN), "977",
              "an invented one");
}

/* Nothing that the document says by itself is left in English. */
static void test_no_english_is_left(void **state)
{
    struct arena *a = *state;
    struct export_input in = export_sample(a);
    in.final = json_with(a, in.final, STR("summary"), NULL);
    in.final = json_with(a, in.final, STR("actions"), NULL);
    in.final = json_with(a, in.final, STR("figures"), NULL);
    in.qbr = NULL;
    for (int i = 2; i < 2 * WORDING_LANGUAGES; i++) {
        enum wording_language l = (enum wording_language)(i / 2);
        struct export_input told = in_language(a, &in, l);
        struct buf b = buf_make(PAPER_MARKDOWN_MAX_BYTES);
        struct paper *p = export_paper(a, i % 2 ? EXPORT_QBR : EXPORT_BRIEF, &told);
        assert_int_equal(paper_markdown(p, &b), E_OK);
        for (int n = SPEECH_DOC_BRIEF; n < SPEECH_COUNT; n++) {
            struct str english = speech_str(WORDING_EN, (enum speech)n);
            bool own = str_eq(english, speech_str(l, (enum speech)n));
            if (!own && english.n > 8 && str_find(buf_str(&b), english) >= 0) {
                fail_msg("%s: \"%.*s\" is English", wording_language_name(l), STR_ARG(english));
            }
        }
        sample_is(p->language, wording_language_name(l),
                  "what readers and screen readers are told");
        buf_free(&b);
    }
}

static void test_pages_in_german(void **state)
{
    static const char *const TITLES[] = {"Acme Corp",
                                         "Acme Corp steht gut da",
                                         "Die Nutzung steigt",
                                         "Health Score 82: Risiko niedrig",
                                         "Was sich geändert hat: +12 seit dem 20. Oktober 2026",
                                         "Health Score seit dem 6. August 2026",
                                         "4 Tickets sind offen",
                                         "Offene Punkte",
                                         "Verlängerung am 1. Juni 2027",
                                         "Was im Weg steht und was wir tun",
                                         "Roadmap und nächste Schritte",
                                         "Woher jede Angabe stammt"};
    struct export_input in = export_sample(*state);
    in = in_language(*state, &in, WORDING_DE);
    const struct layout *deck = layout_make(export_paper(*state, EXPORT_QBR, &in), LAYOUT_DECK);
    assert_int_equal(deck->n_pages, 12);
    for (int i = 0; i < deck->n_pages; i++) {
        sample_is(deck->pages[i].title, TITLES[i], "title");
    }
}

static void test_pages(void **state)
{
    struct export_input in = export_sample(*state);
    const struct layout *deck = layout_make(export_paper(*state, EXPORT_QBR, &in), LAYOUT_DECK);
    assert_int_equal(deck->n_pages, 12);
    static const char *const TITLES[] = {"Acme Corp",
                                         "Acme Corp is in good health",
                                         "Usage is rising",
                                         "Health score 82: low risk",
                                         "What changed: +12 since 20 October 2026",
                                         "Health since 6 August 2026",
                                         "4 tickets are open",
                                         "Open issues",
                                         "Renewal on 1 June 2027",
                                         "What stands in the way, and what we do",
                                         "Roadmap and next steps",
                                         "Where each figure comes from"};
    for (int i = 0; i < deck->n_pages; i++) {
        sample_is(deck->pages[i].title, TITLES[i], "title");
    }
    const struct layout *sheets =
        layout_make(export_paper(*state, EXPORT_BRIEF, &in), LAYOUT_SHEET);
    assert_in_range(sheets->n_pages, 2, 4);
}

/* Links of figures lead to the part of the account's page where they are from. */
static void test_sources(void **state)
{
    struct export_input in = export_sample(*state);
    struct paper *p = export_paper(*state, EXPORT_BRIEF, &in);
    const struct paper_block *figures = &p->pages[1].blocks[0];
    static const char *const URLS[] = {"health", "contract", "contract", "tickets"};
    for (int i = 0; i < 4; i++) {
        struct str want =
            str_fmt(*state, "https://rapport.example/console/accounts/a1#%s", URLS[i]);
        sample_is(figures->figures.items[i].url, want.p, "source");
    }
}

/* Whatever is not known is said so, and no number is made up in its place. */
static void test_missing(void **state)
{
    static const struct {
        const char *facts, *health, *title, *why;
    } ROWS[] = {
        {"{\"account\":{\"id\":\"a1\",\"name\":\"Acme Corp\"}}",
         "{\"score\":null,\"risk_level\":\"unknown\",\"range\":{\"low\":21,\"high\":72},"
         "\"factors\":[{\"name\":\"usage\",\"weight\":0.45,\"points\":null,\"contribution\":null,"
         "\"text\":\"How usage develops is not known\",\"missing\":true}]}",
         "Acme Corp cannot be judged yet", "nothing known"},
        {"{\"account\":{\"id\":\"a1\",\"name\":\"Acme Corp\"},\"contract\":{\"renewal_date_ms\":"
         "null,\"arr_cents\":null,\"missing\":true},\"usage\":{\"trend\":null,\"avg_daily_users\":"
         "null,\"sparkline\":[],\"missing\":true},\"tickets\":{\"open_tickets\":null,"
         "\"recent_tickets\":[],\"missing\":true},\"contacts\":[]}",
         "{}", "Acme Corp cannot be judged yet", "nulls"},
        {"{\"account\":null}", "null", "Account cannot be judged yet", "damaged"},
        {"{\"account\":{\"name\":7},\"usage\":{\"sparkline\":[\"a\",null]},\"tickets\":"
         "{\"recent_tickets\":[3,\"x\",{}]},\"contacts\":[1]}",
         "{\"score\":82,\"factors\":[1],\"previous\":{\"score\":3,\"attribution\":[{},2]}}",
         "Account cannot be judged yet", "of other types"},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct export_input in = export_sample(*state);
        in.final = export_json(*state, "{\"scope\":\"account\",\"summary\":\"\"}");
        in.facts = export_json(*state, ROWS[i].facts);
        in.health = export_json(*state, ROWS[i].health);
        in.history = in.qbr = NULL;
        for (int kind = EXPORT_BRIEF; kind <= EXPORT_QBR; kind++) {
            struct paper *p = export_paper(*state, kind, &in);
            sample_is(p->pages[1].title, ROWS[i].title, ROWS[i].why);
            sample_is(unsourced(*state, p, WORDING_EN), "", ROWS[i].why);
            struct buf b = buf_make(PAPER_PPTX_MAX_BYTES);
            assert_int_equal(paper_pptx(p, &b), E_OK);
            buf_clear(&b);
            assert_int_equal(paper_html(p, &b), E_OK);
            buf_clear(&b);
            assert_int_equal(paper_markdown(p, &b), E_OK);
            if (i == 0) {
                assert_true(str_find(buf_str(&b), STR("Health score: **not known** (between 21 and "
                                                      "72)")) > 0);
            }
            buf_free(&b);
        }
    }
}

static void test_portfolio(void **state)
{
    struct export_input in = export_sample(*state);
    in.facts = in.health = in.history = in.qbr = NULL;
    in.final = export_json(
        *state, "{\"scope\":\"portfolio\",\"summary\":\"1 customer matches.\",\"table\":{\"title\":"
                "\"Most at risk\",\"columns\":[{\"key\":\"name\",\"label\":\"Customer\",\"type\":"
                "\"account\"},{\"key\":\"risk_level\",\"label\":\"Risk\",\"type\":\"risk\"},"
                "{\"key\":\"arr_cents\",\"label\":\"Annual value\",\"type\":\"money\"},{\"key\":"
                "\"renewal_date_ms\",\"label\":\"Renewal\",\"type\":\"date\"}],\"rows\":[{\"id\":"
                "\"a1\",\"name\":\"Acme | Corp\",\"risk_level\":\"high\",\"arr_cents\":1234500,"
                "\"currency\":\"EUR\",\"renewal_date_ms\":null}]},\"figures\":[]}");
    struct buf b = buf_make(PAPER_MARKDOWN_MAX_BYTES);
    assert_int_equal(paper_markdown(export_paper(*state, EXPORT_BRIEF, &in), &b), E_OK);
    assert_true(str_find(buf_str(&b),
                         STR("| [Acme \\| Corp](<https://rapport.example/console/accounts/a1>) | "
                             "high | \xe2\x82\xac"
                             "12,345 | \\- |\n")) > 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_every_number_has_a_source),
        SAMPLE_TEST(test_pages),
        SAMPLE_TEST(test_pages_in_german),
        SAMPLE_TEST(test_no_english_is_left),
        SAMPLE_TEST(test_sources),
        SAMPLE_TEST(test_missing),
        SAMPLE_TEST(test_portfolio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
