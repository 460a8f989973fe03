/* A document for people outside: pages with a title, big figures, lists, tables, charts and notes,
 * each with the address of its source. It is made once, by the functions here, and then written as
 * a PowerPoint deck, PDF, HTML or Markdown by the other files of this folder, which say the same.
 * Texts may come from anywhere: they are cleaned and shortened when they are added, so that no
 * writer meets what is no UTF-8, a control character or an override of the writing direction. Every
 * list is bounded; what is beyond the bound is counted and told. Pure.
 *
 * Everything lies in the arena of the document. */
#ifndef PAPER_PAPER_H
#define PAPER_PAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum {
    PAPER_PAGES_MAX = 32,
    PAPER_BLOCKS_MAX = 8, /* of a page */
    PAPER_ITEMS_MAX = 60, /* of a list */
    PAPER_FIGURES_MAX = 4,
    PAPER_ROWS_MAX = 120,
    PAPER_COLUMNS_MAX = 8,
    PAPER_POINTS_MAX = 400, /* of a chart */
    PAPER_SERIES_MAX = 3,
    PAPER_TITLE_MAX_CHARS = 160,
    PAPER_CELL_MAX_CHARS = 300,
    PAPER_TEXT_MAX_CHARS = 2000
};

enum paper_tone { PAPER_PLAIN, PAPER_GOOD, PAPER_WATCH, PAPER_BAD, PAPER_MUTED };

/* Blocks stand below each other over the whole width, or left and right of one another. */
enum paper_side { PAPER_WIDE, PAPER_LEFT, PAPER_RIGHT };

/* A number that is meant to be seen from afar. */
struct paper_figure {
    struct str label, value, note; /* "ARR", "250 000 EUR", "renews 1 June 2026" */
    enum paper_tone tone;
    struct str url; /* of its source: absolute, http or https; else it is dropped */
};

/* A line of a list: `lead` is set in bold before the text; either may be empty. */
struct paper_item {
    struct str lead, text;
    enum paper_tone tone;
    struct str url;
};

struct paper_column {
    struct str label;
    double share; /* of the width, beside the others' */
    bool number;  /* set to the right */
};

struct paper_cell {
    struct str text;
    enum paper_tone tone;
    struct str url;
};

struct paper_table {
    struct paper_column columns[PAPER_COLUMNS_MAX];
    int n_columns;
    struct paper_cell *cells; /* by rows */
    int n_rows, n_left_out;
    bool compact; /* small print */
};

/* What a document says of itself, in its language; {names} are filled in. */
struct paper_words {
    const char *source;    /* "Source": the link of a figure */
    const char *contents;  /* "Contents" */
    const char *continued; /* "{title} (continued)" */
    const char *more;      /* "and {n} more" */
    const char *newest;    /* "The newest {n} of {total}." */
    const char *beyond;    /* "What follows after {n} pages is left out." */
    const char *steps[4];  /* of a chart's workbook: "Base", "Total", "Up", "Down" */
    const char *gauge[2];  /* "Value", "Rest" */
    char decimal;          /* what stands before the tenths of a chart's numbers */
};
extern const struct paper_words paper_english;
/* `text` with {name} replaced. */
struct str paper_say(struct arena *a, const char *text, const char *name, struct str value);

enum paper_chart_kind {
    PAPER_LINE,    /* over time or another order */
    PAPER_COLUMNS, /* upright bars beside each other */
    PAPER_BARS,    /* lying bars, the series behind one another: parts of a whole */
    PAPER_STEPS,   /* totals at both ends, changes between them; no level is below zero */
    PAPER_GAUGE    /* one value of `max`, as a ring */
};

struct paper_series {
    struct str name;
    const double *values; /* NAN: not known; a line has a gap there */
    enum paper_tone tone; /* PAPER_PLAIN: the brand's colour */
};

struct paper_chart {
    enum paper_chart_kind kind;
    struct str title, alt; /* alt: what there is to see, in words */
    const struct str *labels;
    struct paper_series series[PAPER_SERIES_MAX];
    int n_points, n_series;
    double min, max;                 /* of the value axis; equal: by the values */
    const enum paper_tone *tones;    /* of single points, or NULL */
    bool bare;                       /* without axes: a sparkline */
    const struct paper_words *words; /* the document's; NULL: paper_english */
};

enum paper_block_kind { PAPER_FIGURES, PAPER_LIST, PAPER_TABLE, PAPER_CHART, PAPER_NOTE };

struct paper_block {
    enum paper_block_kind kind;
    enum paper_side side;
    struct str heading; /* may be empty */
    double share;       /* of a chart: of the height that a page has, 0: what is left */
    union {
        struct {
            struct paper_figure *items;
            int n;
        } figures;
        struct {
            struct paper_item *items; /* a note's: its paragraphs */
            int n, n_left_out;
            bool numbered;
        } list;
        struct paper_table table;
        struct paper_chart chart;
    };
};

enum paper_page_kind { PAPER_COVER, PAPER_CONTENT };

struct paper_page {
    enum paper_page_kind kind;
    struct str kicker, title, lead; /* "Adoption", "Usage is growing", one sentence */
    struct str notes;               /* what the speaker says; may be empty */
    struct paper_block blocks[PAPER_BLOCKS_MAX];
    int n_blocks;
};

struct paper {
    struct arena *arena;
    struct str title, subtitle;
    struct str brand;                /* the org's name, as its logo */
    struct str author;               /* may be empty */
    struct str footer;               /* "Confidential", may be empty */
    uint32_t color;                  /* 0xRRGGBB, the brand's */
    int64_t at_ms;                   /* when its facts were true; also the date in the files */
    struct str language;             /* BCP 47, "en" */
    struct str when;                 /* at_ms in words; empty: in English */
    const struct paper_words *words; /* lives as long as the paper; NULL: paper_english */
    struct paper_page pages[PAPER_PAGES_MAX];
    int n_pages;
};

/* Texts of `head` (all but its words) are cleaned; no pages yet. */
struct paper *paper_new(struct arena *a, const struct paper *head);
/* NULL when there are PAPER_PAGES_MAX; everything below takes NULL and does nothing. */
struct paper_page *paper_add_page(struct paper *p, enum paper_page_kind kind, struct str kicker,
                                  struct str title);
void paper_set_lead(struct paper *p, struct paper_page *page, struct str lead);
void paper_set_notes(struct paper *p, struct paper_page *page, struct str notes);

struct paper_block *paper_add_block(struct paper *p, struct paper_page *page,
                                    enum paper_block_kind kind, enum paper_side side,
                                    struct str heading);
void paper_add_figure(struct paper *p, struct paper_block *b, const struct paper_figure *figure);
/* To a list or a note. */
void paper_add_item(struct paper *p, struct paper_block *b, const struct paper_item *item);
void paper_add_column(struct paper *p, struct paper_block *b, struct str label, double share,
                      bool number);
/* As many cells as there are columns. */
void paper_add_row(struct paper *p, struct paper_block *b, const struct paper_cell *cells);
/* Labels and values are copied; more than PAPER_POINTS_MAX: the last ones. */
void paper_set_chart(struct paper *p, struct paper_block *b, const struct paper_chart *chart);

/* "and 3 more": of what was left out. */
struct str paper_more(const struct paper *p, int n);

/* One line of text as a document keeps it. */
struct str paper_clean(struct arena *a, struct str text, size_t max_chars);
/* True when the first letter that has a direction is written from right to left. */
bool paper_is_rtl(struct str text);

/* The least and greatest value that a chart's axis shows, and the distance of its lines. */
struct paper_axis {
    double min, max, step;
};
struct paper_axis paper_axis(const struct paper_chart *chart);
/* A number as charts and their tables show it: at most two decimals, none that say nothing. */
struct str paper_number(struct arena *a, const struct paper_words *words, double value);

/* Colours (0xRRGGBB) that follow from the brand's. All text colours keep a contrast of 4.5 to the
 * ground they stand on (WCAG 2.1). */
struct paper_colors {
    uint32_t brand;    /* as given: grounds and bars */
    uint32_t on_brand; /* text on it */
    uint32_t accent;   /* the brand's, dark enough for text on white */
    uint32_t ink, muted, rule, panel;
    uint32_t track, quiet; /* a bar's and a line's that only stands beside another */
    uint32_t tones[5];     /* by enum paper_tone, for text */
};
struct paper_colors paper_colors(uint32_t brand);

#endif
