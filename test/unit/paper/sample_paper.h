/* A document with one of everything, as the tests and the bench of this row write it. */
#ifndef TEST_PAPER_SAMPLE_PAPER_H
#define TEST_PAPER_SAMPLE_PAPER_H

#include <math.h>

#include "paper/paper.h"

#define SAMPLE_URL STR("https://rapport.example/console/accounts/acme-001?a=1&b=2")

static inline void sample_list(struct paper *p, struct paper_page *page, enum paper_side side,
                               struct str text, int n)
{
    struct paper_block *b = paper_add_block(p, page, PAPER_LIST, side, STR("What stands out"));
    for (int i = 0; i < n; i++) {
        paper_add_item(p, b,
                       &(struct paper_item){.lead = STR("Two more open tickets."),
                                            .text = text,
                                            .tone = i % 2 ? PAPER_BAD : PAPER_PLAIN,
                                            .url = i ? str_make("", 0) : SAMPLE_URL});
    }
}

static inline void sample_figures(struct paper *p, struct paper_page *page, enum paper_side side)
{
    static const struct paper_figure FIGURES[] = {
        {{"Health", 6}, {"82", 2}, {"low risk", 8}, PAPER_GOOD, {NULL, 0}},
        {{"ARR", 3}, {"250,000 EUR", 11}, {"Enterprise, 120 seats", 21}, PAPER_PLAIN, {NULL, 0}},
        {{"Renewal", 7}, {"1 June 2027", 11}, {"in 190 days", 11}, PAPER_WATCH, {NULL, 0}},
        {{"Open tickets", 12}, {"4", 1}, {"1 of them critical", 18}, PAPER_BAD, {NULL, 0}},
    };
    struct paper_block *b = paper_add_block(p, page, PAPER_FIGURES, side, str_make("", 0));
    for (int i = 0; i < 4; i++) {
        struct paper_figure f = FIGURES[i];
        f.url = SAMPLE_URL;
        paper_add_figure(p, b, &f);
    }
}

static inline void sample_chart(struct paper *p, struct paper_page *page,
                                enum paper_chart_kind kind, enum paper_side side)
{
    static const struct str LABELS[] = {{"January", 7}, {"February", 8}, {"March", 5},
                                        {"April", 5},   {"May", 3},      {"June", 4}};
    static const double FIRST[] = {72, -9, -4, 6, 10, 75}, LINE[] = {77, 81, NAN, 85, 89.5, 92},
                        OTHER[] = {10, 12, 9, 14, 8, 11};
    struct paper_chart c = {.kind = kind,
                            .title = STR("By month"),
                            .alt = STR("It grew from January to June."),
                            .labels = LABELS,
                            .n_points = kind == PAPER_GAUGE ? 1 : 6,
                            .n_series = kind == PAPER_STEPS || kind == PAPER_GAUGE ? 1 : 2,
                            .max = kind == PAPER_GAUGE ? 100 : 0};
    c.series[0] = (struct paper_series){
        STR("Daily users"), kind == PAPER_STEPS || kind == PAPER_GAUGE ? FIRST : LINE, PAPER_PLAIN};
    c.series[1] = (struct paper_series){STR("Seats"), OTHER, PAPER_MUTED};
    paper_set_chart(p, paper_add_block(p, page, PAPER_CHART, side, STR("By month")), &c);
}

static inline void sample_table(struct paper *p, struct paper_page *page, int rows, struct str text)
{
    struct paper_block *b = paper_add_block(p, page, PAPER_TABLE, PAPER_WIDE, str_make("", 0));
    paper_add_column(p, b, STR("Ticket"), 1, false);
    paper_add_column(p, b, STR("Subject"), 4, false);
    paper_add_column(p, b, STR("Severity"), 1, false);
    paper_add_column(p, b, STR("Days open"), 1, true);
    for (int i = 0; i < rows; i++) {
        struct paper_cell cells[] = {
            {str_fmt(p->arena, "T-9%02d", i), PAPER_PLAIN, SAMPLE_URL},
            {text, PAPER_PLAIN, {NULL, 0}},
            {i % 3 ? STR("low") : STR("critical"), i % 3 ? PAPER_PLAIN : PAPER_BAD, {NULL, 0}},
            {str_fmt(p->arena, "%d", i * 3 + 1), PAPER_PLAIN, {NULL, 0}}};
        paper_add_row(p, b, cells);
    }
}

/* `text` stands wherever a text from outside can stand. */
static inline struct paper *sample_paper(struct arena *a, struct str text)
{
    struct paper head = {.title = STR("Quarterly business review: Acme Corp"),
                         .subtitle = text,
                         .brand = STR("Brightwell"),
                         .author = STR("Maya Lind"),
                         .footer = STR("Confidential"),
                         .color = 0x1f5fbf,
                         .at_ms = 1795000000123};
    struct paper *p = paper_new(a, &head);
    paper_add_page(p, PAPER_COVER, STR(""), head.title);
    struct paper_page *page = paper_add_page(p, PAPER_CONTENT, STR("Summary"), STR("In short"));
    paper_set_lead(p, page, text);
    paper_set_notes(p, page, text);
    sample_figures(p, page, PAPER_WIDE);
    sample_list(p, page, PAPER_LEFT, text, 3);
    sample_chart(p, page, PAPER_LINE, PAPER_RIGHT);
    page = paper_add_page(p, PAPER_CONTENT, STR("Health"), STR("Health and its reasons"));
    sample_chart(p, page, PAPER_GAUGE, PAPER_LEFT);
    sample_chart(p, page, PAPER_STEPS, PAPER_RIGHT);
    page = paper_add_page(p, PAPER_CONTENT, STR("Adoption"), STR("Adoption"));
    sample_chart(p, page, PAPER_BARS, PAPER_LEFT);
    sample_chart(p, page, PAPER_COLUMNS, PAPER_RIGHT);
    page = paper_add_page(p, PAPER_CONTENT, STR("Support"), STR("Open tickets"));
    sample_table(p, page, 14, text);
    struct paper_block *b = paper_add_block(p, page, PAPER_NOTE, PAPER_WIDE, STR("Missing"));
    paper_add_item(p, b, &(struct paper_item){.text = text});
    return p;
}

#endif
