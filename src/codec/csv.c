#include "codec/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place {
    PLACE_CELL_START,
    PLACE_PLAIN,  /* inside an unquoted cell */
    PLACE_QUOTED, /* inside quotes */
    PLACE_QUOTE   /* behind a quote inside quotes: its end, or the first of two */
};

struct csv {
    char separator; /* 0: not known yet */
    struct buf input;
    size_t at;      /* in input */
    struct buf row; /* the cells' bytes, one after the other */
    size_t ends[CSV_COLUMNS_MAX];
    size_t cells;
    enum place place;
    int64_t line, row_line;
    bool last, begun, after_cr, bad;
    char problem[120];
};

struct csv *csv_new(char separator)
{
    struct csv *c = mem_new(sizeof(*c));
    c->separator = separator;
    c->input = buf_make(SIZE_MAX / 2);
    c->row = buf_make(CSV_ROW_MAX_BYTES);
    c->line = c->row_line = 1;
    return c;
}

void csv_free(struct csv **c)
{
    if (*c) {
        buf_free(&(*c)->input);
        buf_free(&(*c)->row);
        free(*c);
        *c = NULL;
    }
}

const char *csv_problem(const struct csv *c)
{
    return c->problem;
}

void csv_feed(struct csv *c, struct str piece, bool last)
{
    buf_drop(&c->input, c->at);
    c->at = 0;
    buf_add_str(&c->input, piece);
    c->last = last;
}

static enum csv_step bad_at(struct csv *c, int64_t line, const char *what)
{
    c->bad = true;
    snprintf(c->problem, sizeof(c->problem), "line %lld: %s", (long long)line, what);
    return CSV_BAD;
}

static enum csv_step bad(struct csv *c, const char *what)
{
    return bad_at(c, c->line, what);
}

/* The separator that occurs most often, outside quotes, in the first line. */
static char guess_separator(struct str text)
{
    static const char KNOWN[] = ",;\t|";
    size_t counts[sizeof(KNOWN)] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n && (quoted || (text.p[i] != '\n' && text.p[i] != '\r')); i++) {
        quoted = quoted != (text.p[i] == '"');
        const char *at = quoted || !text.p[i] ? NULL : strchr(KNOWN, text.p[i]);
        if (at) {
            counts[at - KNOWN]++;
        }
    }
    for (size_t i = 1; KNOWN[i]; i++) {
        best = counts[i] > counts[best] ? i : best;
    }
    return KNOWN[best];
}

/* Skips a byte order mark and settles the separator; false when more input is needed for that. */
static bool begin(struct csv *c)
{
    struct str text = buf_str(&c->input);
    if (!c->last && str_find_char(text, '\n') < 0 && text.n < CSV_ROW_MAX_BYTES) {
        return false;
    }
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        c->at = 3;
        text = str_sub(text, 3, text.n);
    }
    c->separator = c->separator ? c->separator : guess_separator(text);
    c->begun = true;
    return true;
}

static bool end_cell(struct csv *c)
{
    if (c->cells == CSV_COLUMNS_MAX) {
        return false;
    }
    c->ends[c->cells++] = c->row.n;
    c->place = PLACE_CELL_START;
    return true;
}

/* Gives the row out and forgets it. False when it is an empty line. */
static bool take_row(struct csv *c, struct arena *a, struct csv_row *out_row)
{
    bool empty = c->cells == 1 && c->ends[0] == 0;
    if (!empty) {
        struct str bytes = str_dup(a, buf_str(&c->row));
        struct str *cells = ARENA_ARRAY(a, struct str, c->cells);
        for (size_t i = 0, from = 0; i < c->cells; from = c->ends[i++]) {
            cells[i] = str_sub(bytes, from, c->ends[i] - from);
        }
        *out_row = (struct csv_row){cells, c->cells, c->row_line};
    }
    buf_clear(&c->row);
    c->cells = 0;
    c->row_line = c->line;
    return !empty;
}

/* One character inside a row; NULL when it fits. */
static const char *take_char(struct csv *c, char ch)
{
    switch (c->place) {
    case PLACE_QUOTED:
        if (ch == '"') {
            c->place = PLACE_QUOTE;
            return NULL;
        }
        break;
    case PLACE_QUOTE:
        if (ch != '"') {
            return "text behind a closing quote";
        }
        c->place = PLACE_QUOTED;
        break;
    case PLACE_CELL_START:
        c->place = ch == '"' ? PLACE_QUOTED : PLACE_PLAIN;
        if (ch == '"') {
            return NULL;
        }
        break;
    case PLACE_PLAIN:
        if (ch == '"') {
            return "a quote inside an unquoted cell";
        }
        break;
    }
    return buf_add_char(&c->row, ch) ? NULL : "the row is longer than 1 MiB";
}

static bool is_text(struct str s)
{
    return str_is_utf8(s) && str_find_char(s, 0) < 0;
}

/* How many lines of the cell there are before the first that is no text; a line end is never part
 * of a character. */
static int64_t good_lines(struct str cell)
{
    struct str line;
    int64_t n = 0;
    while (str_split(&cell, '\n', &line) && is_text(line)) {
        n++;
    }
    return n;
}

/* The line of the row's first cell that is no text, 0: all are. Cells are looked at one by one, for
 * the end of one and the beginning of the next may look like a character. */
static int64_t wrong_line(struct csv *c)
{
    struct str all = buf_str(&c->row);
    int64_t line = c->row_line;
    for (size_t i = 0, from = 0; i < c->cells; from = c->ends[i++]) {
        struct str cell = str_sub(all, from, c->ends[i] - from);
        int64_t good = good_lines(cell);
        if (!is_text(cell)) {
            return line + good;
        }
        line += good > 1 ? good - 1 : 0;
    }
    return 0;
}

/* At a line end outside quotes, or the end of the input. */
static enum csv_step end_row(struct csv *c, struct arena *a, struct csv_row *out_row)
{
    if (!end_cell(c)) {
        return bad_at(c, c->row_line, "more than 1,024 cells");
    }
    int64_t wrong = wrong_line(c);
    if (wrong) {
        return bad_at(c, wrong, "the text is not valid UTF-8");
    }
    return take_row(c, a, out_row) ? CSV_ROW : CSV_MORE;
}

static enum csv_step end_input(struct csv *c, struct arena *a, struct csv_row *out_row)
{
    if (!c->last) {
        return CSV_MORE;
    }
    if (c->place == PLACE_QUOTED) {
        c->line = c->row_line;
        return bad(c, "a quote in this row is never closed");
    }
    if (c->row.n || c->cells || c->place != PLACE_CELL_START) {
        enum csv_step step = end_row(c, a, out_row);
        return step == CSV_MORE ? CSV_END : step;
    }
    return CSV_END;
}

enum csv_step csv_next(struct csv *c, struct arena *a, struct csv_row *out_row)
{
    if (c->bad) {
        return CSV_BAD;
    }
    if (!c->begun && !begin(c)) {
        return CSV_MORE;
    }
    while (c->at < c->input.n) {
        char ch = c->input.p[c->at++];
        bool second = c->after_cr && ch == '\n';
        c->after_cr = ch == '\r';
        if (second && c->place != PLACE_QUOTED) {
            continue;
        }
        bool line_end = (ch == '\n' && !second) || ch == '\r';
        if (line_end && c->place != PLACE_QUOTED) {
            c->line++;
            enum csv_step step = end_row(c, a, out_row);
            if (step != CSV_MORE) {
                return step;
            }
        } else if (ch == c->separator && c->place != PLACE_QUOTED) {
            if (!end_cell(c)) {
                return bad_at(c, c->row_line, "more than 1,024 cells");
            }
        } else {
            const char *problem = take_char(c, ch);
            if (problem) {
                return bad(c, problem);
            }
            c->line += line_end;
        }
    }
    return end_input(c, a, out_row);
}

/* Writing */

void csv_put(struct buf *b, struct str cell, bool first, bool guard)
{
    if (!first) {
        buf_add_char(b, ',');
    }
    bool formula = guard && cell.n && strchr("=+-@\t\r", cell.p[0]);
    bool quoted = formula || str_starts(cell, STR("\xef\xbb\xbf")); /* no byte order mark */
    for (size_t i = 0; i < cell.n && !quoted; i++) {
        quoted = cell.p[i] == '"' || cell.p[i] == ',' || cell.p[i] == '\n' || cell.p[i] == '\r';
    }
    quoted = quoted || (cell.n && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' '));
    if (!quoted) {
        buf_add_str(b, cell);
        return;
    }
    buf_add_char(b, '"');
    if (formula) {
        buf_add_char(b, '\'');
    }
    for (size_t i = 0; i < cell.n; i++) {
        if (cell.p[i] == '"') {
            buf_add_char(b, '"');
        }
        buf_add_char(b, cell.p[i]);
    }
    buf_add_char(b, '"');
}

void csv_end_row(struct buf *b)
{
    buf_add_str(b, STR("\r\n"));
}
