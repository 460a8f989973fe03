#include "codec/markdown.h"

#include <stdio.h>
#include <string.h>

#include "codec/markdown_inline.h"
#include "codec/outline_draft.h"
#include "codec/yaml.h"

enum { QUOTE_LEVELS_MAX = 16, CODE_INDENT = 4 };

struct reading {
    struct str source;
    size_t at; /* of the line being read */
    struct outline_draft *draft;
    struct buf paragraph;   /* its lines, marks included */
    size_t paragraph_start; /* in the source */
    int paragraph_lines;
    struct buf seen; /* a paragraph without marks */
    char fence;      /* the character of the open fence, or 0 */
    size_t fence_length;
    bool in_table, in_comment, in_list;
};

static size_t leading(struct str s, char c)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == c) {
        n++;
    }
    return n;
}

/* Columns of white space at the start; a tab goes to the next multiple of four. */
static size_t indent_of(struct str s, size_t *out_bytes)
{
    size_t columns = 0, i = 0;
    for (; i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'); i++) {
        columns = s.p[i] == '\t' ? columns / 4 * 4 + 4 : columns + 1;
    }
    *out_bytes = i;
    return columns;
}

/* Paragraphs */

static void add_seen(struct reading *r, struct str text)
{
    buf_clear(&r->seen);
    markdown_inline(&r->seen, text);
    outline_draft_add(r->draft, buf_str(&r->seen));
}

static void flush(struct reading *r)
{
    if (r->paragraph_lines) {
        add_seen(r, buf_str(&r->paragraph));
        outline_draft_line(r->draft);
        buf_clear(&r->paragraph);
        r->paragraph_lines = 0;
    }
}

static void add_line(struct reading *r, struct str line)
{
    if (r->paragraph_lines == 0) {
        r->paragraph_start = r->at;
    } else {
        buf_add_char(&r->paragraph, '\n');
    }
    buf_add_str(&r->paragraph, line);
    r->paragraph_lines++;
}

static void add_heading(struct reading *r, int level, struct str text, size_t start, size_t end)
{
    outline_draft_open_heading(r->draft, level, start);
    add_seen(r, text);
    outline_draft_close_heading(r->draft, end);
}

/* What kind of line it is */

/* "## Title ##": the level, or 0. */
static int heading_level(struct str line, struct str *out_text)
{
    size_t level = leading(line, '#');
    if (level == 0 || level > OUTLINE_LEVELS ||
        (level < line.n && line.p[level] != ' ' && line.p[level] != '\t')) {
        return 0;
    }
    struct str text = str_trim(str_sub(line, level, line.n)), cut = text;
    while (cut.n && cut.p[cut.n - 1] == '#') {
        cut.n--;
    }
    bool closed = cut.n == 0 || cut.p[cut.n - 1] == ' ' || cut.p[cut.n - 1] == '\t';
    *out_text = closed ? str_trim(cut) : text;
    return (int)level;
}

/* A line of === or ---: the level of the heading above it, or 0. */
static int underline_level(struct str line)
{
    char c = (char)(line.n ? line.p[0] : 0);
    bool whole = leading(line, c) == line.n;
    return whole && c == '=' ? 1 : whole && c == '-' ? 2 : 0;
}

/* Three or more * - _ with nothing but blanks between. */
static bool is_rule(struct str line)
{
    char mark = (char)(line.n ? line.p[0] : 0);
    size_t count = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == mark) {
            count++;
        } else if (line.p[i] != ' ' && line.p[i] != '\t') {
            return false;
        }
    }
    return count >= 3 && strchr("*-_", mark);
}

/* The bytes of "- " or "12. " at the start, or 0. */
static size_t list_mark(struct str line, bool *out_numbered)
{
    size_t n = 0;
    while (n < line.n && n < 9 && line.p[n] >= '0' && line.p[n] <= '9') {
        n++;
    }
    *out_numbered = n > 0;
    bool mark = n < line.n && strchr(n ? ".)" : "-*+", line.p[n]) && line.p[n];
    bool blank =
        n + 1 == line.n || (n + 1 < line.n && (line.p[n + 1] == ' ' || line.p[n + 1] == '\t'));
    return mark && blank ? n + 1 : 0;
}

/* |---|:--:| under a table's head */
static bool is_table_rule(struct str line)
{
    size_t bars = 0, dashes = 0;
    for (size_t i = 0; i < line.n; i++) {
        bars += line.p[i] == '|';
        dashes += line.p[i] == '-';
        if (!strchr("|-: \t", line.p[i]) || !line.p[i]) {
            return false;
        }
    }
    return bars > 0 && dashes > 0;
}

/* [name]: target */
static bool is_definition(struct str line)
{
    ptrdiff_t end = str_find(line, STR("]:"));
    return line.n && line.p[0] == '[' && end > 1 && line.p[1] != '^';
}

/* Blocks */

static void add_row(struct reading *r, struct str line)
{
    struct str row = str_trim(line), cell;
    row = str_sub(row, str_starts(row, STR("|")), row.n);
    row.n -= str_ends(row, STR("|")) && row.n > 0;
    outline_draft_line(r->draft);
    bool first = true;
    while (str_split(&row, '|', &cell)) {
        if (!first) {
            outline_draft_mark(r->draft, STR(" | "));
        }
        add_seen(r, str_trim(cell));
        first = false;
    }
}

static bool take_table(struct reading *r, struct str line)
{
    if (r->in_table && str_find_char(line, '|') >= 0) {
        add_row(r, line);
        return true;
    }
    r->in_table = false;
    struct str head = buf_str(&r->paragraph);
    if (r->paragraph_lines != 1 || !is_table_rule(line) || str_find_char(head, '|') < 0) {
        return false;
    }
    outline_draft_gap(r->draft);
    add_row(r, head);
    buf_clear(&r->paragraph);
    r->paragraph_lines = 0;
    r->in_table = true;
    return true;
}

static bool take_fence(struct reading *r, struct str line, struct str whole)
{
    char c = (char)(line.n ? line.p[0] : 0);
    size_t n = c == '`' || c == '~' ? leading(line, c) : 0;
    struct str info = str_sub(line, n, line.n);
    if (r->fence) {
        if (c == r->fence && n >= r->fence_length && str_trim(info).n == 0) {
            r->fence = 0;
            outline_draft_gap(r->draft);
        } else if (whole.n) {
            outline_draft_add_raw(r->draft, whole);
            outline_draft_line(r->draft);
        } else {
            outline_draft_gap(r->draft);
        }
        return true;
    }
    if (n < 3 || (c == '`' && str_find_char(info, '`') >= 0)) {
        return false;
    }
    flush(r);
    outline_draft_gap(r->draft);
    r->fence = c;
    r->fence_length = n;
    return true;
}

/* <!-- ... --> over several lines */
static bool take_comment(struct reading *r, struct str line)
{
    if (!r->in_comment && !str_starts(line, STR("<!--"))) {
        return false;
    }
    r->in_comment = str_find(line, STR("-->")) < 0;
    return true;
}

static bool take_heading(struct reading *r, struct str line, size_t end)
{
    struct str text;
    int level = heading_level(line, &text);
    if (level) {
        flush(r);
        r->in_list = false;
        add_heading(r, level, text, r->at, end);
        return true;
    }
    level = r->paragraph_lines && !r->in_list ? underline_level(line) : 0;
    if (level) {
        add_heading(r, level, buf_str(&r->paragraph), r->paragraph_start, end);
        buf_clear(&r->paragraph);
        r->paragraph_lines = 0;
        return true;
    }
    return false;
}

static bool take_item(struct reading *r, struct str line)
{
    bool numbered;
    size_t n = list_mark(line, &numbered);
    if (n == 0) {
        return false;
    }
    flush(r);
    if (!r->in_list) {
        outline_draft_gap(r->draft);
    }
    r->in_list = true;
    outline_draft_line(r->draft);
    struct str text = str_trim(str_sub(line, n, line.n));
    if (str_starts(text, STR("[ ] ")) || str_starts(text, STR("[x] "))) {
        text = str_sub(text, 4, text.n);
    }
    size_t blank = n < line.n && line.p[n] == ' ';
    outline_draft_mark(r->draft, numbered ? str_sub(line, 0, n + blank) : STR("- "));
    if (text.n) {
        add_line(r, text);
    }
    return true;
}

static void take_blank(struct reading *r)
{
    flush(r);
    r->in_table = false;
    if (!r->in_list) {
        outline_draft_gap(r->draft);
    }
}

/* Cuts "> > " off the front. */
static struct str unquoted(struct str line)
{
    for (int level = 0; level < QUOTE_LEVELS_MAX; level++) {
        size_t blanks;
        if (indent_of(line, &blanks) >= CODE_INDENT || blanks >= line.n || line.p[blanks] != '>') {
            break;
        }
        line = str_sub(line, blanks + 1, line.n);
        line = str_sub(line, str_starts(line, STR(" ")), line.n);
    }
    return line;
}

/* `end`: the offset behind the line. */
static void take_line(struct reading *r, struct str whole, size_t end)
{
    size_t blanks;
    struct str open = r->fence ? whole : unquoted(whole);
    size_t indent = indent_of(open, &blanks);
    struct str line = str_trim(open);
    if (take_fence(r, r->fence || indent < CODE_INDENT || r->in_list ? line : STR(""), open)) {
        return;
    }
    if (take_comment(r, line)) {
        return;
    }
    if (line.n == 0) {
        take_blank(r);
        return;
    }
    if (indent >= CODE_INDENT && !r->paragraph_lines && !r->in_list) {
        outline_draft_line(r->draft);
        outline_draft_add_raw(r->draft, str_sub(open, blanks, open.n));
        return;
    }
    if (take_table(r, line) || take_heading(r, line, end)) {
        return;
    }
    if (is_rule(line)) {
        flush(r);
        outline_draft_gap(r->draft);
    } else if (!take_item(r, line) && (r->paragraph_lines || !is_definition(line))) {
        if (r->in_list && indent == 0 && !r->paragraph_lines) { /* the list has ended */
            r->in_list = false;
            outline_draft_gap(r->draft);
        }
        add_line(r, line);
    }
}

static void take_lines(struct reading *r)
{
    while (r->at < r->source.n) {
        struct str rest = str_sub(r->source, r->at, r->source.n);
        ptrdiff_t end = str_find_char(rest, '\n');
        size_t n = end < 0 ? rest.n : (size_t)end;
        struct str line = str_sub(rest, 0, n);
        line.n -= str_ends(line, STR("\r"));
        size_t next = r->at + n + (end >= 0);
        take_line(r, line, next);
        r->at = next;
    }
    flush(r);
}

/* Front matter: YAML between two lines of --- at the very start */

static enum err fail(struct json_fault *out_fault, enum err e, int line, const char *text)
{
    if (out_fault) {
        *out_fault = (struct json_fault){.line = line, .column = line ? 1 : 0};
        snprintf(out_fault->text, sizeof(out_fault->text), "%s", text);
    }
    return e;
}

/* The bytes of the front matter's block, or 0. */
static size_t front_bytes(struct str source, struct str *out_yaml)
{
    struct str line, rest = source;
    if (!str_starts(source, STR("---\n")) && !str_starts(source, STR("---\r\n"))) {
        return 0;
    }
    str_split(&rest, '\n', &line);
    const char *from = rest.p;
    while (rest.p && rest.n) {
        const char *start = rest.p;
        str_split(&rest, '\n', &line);
        line = str_trim(line);
        if (str_eqz(line, "---") || str_eqz(line, "...")) {
            *out_yaml = str_make(from, (size_t)(start - from));
            return rest.p ? (size_t)(rest.p - source.p) : source.n;
        }
    }
    return 0;
}

static enum err read_front(struct arena *a, struct str source, const struct json **out_front,
                           size_t *out_bytes, struct json_fault *out_fault)
{
    struct str yaml = STR("");
    struct json_fault fault = {0};
    size_t n = front_bytes(source, &yaml);
    const struct json *front = NULL;
    if (n && yaml_parse(a, yaml, &front, &fault) != E_OK) {
        fault.line += 1; /* below the opening --- */
        if (out_fault) {
            *out_fault = fault;
        }
        return E_INVALID;
    }
    if (n && !json_is(front, JSON_OBJECT) && !json_is_null(front)) {
        return fail(out_fault, E_INVALID, 2, "front matter must be a mapping of names to values");
    }
    *out_front = json_is(front, JSON_OBJECT) ? front : NULL;
    *out_bytes = n;
    return E_OK;
}

static int first_bad_line(struct str source)
{
    struct str line;
    int number = 1;
    while (str_split(&source, '\n', &line) && str_is_utf8(line)) {
        number++;
    }
    return number;
}

enum err markdown_read(struct arena *a, struct str source, struct outline *out_outline,
                       struct json_fault *out_fault)
{
    const struct json *front = NULL;
    size_t skipped = 0;
    if (source.n > MARKDOWN_INPUT_MAX_BYTES) {
        return fail(out_fault, E_TOO_LARGE, 0, "the document is larger than 8 MiB");
    }
    if (!str_is_utf8(source)) {
        return fail(out_fault, E_INVALID, first_bad_line(source), "this line is not valid UTF-8");
    }
    size_t mark = str_starts(source, STR("\xef\xbb\xbf")) ? 3 : 0;
    TRY(read_front(a, str_sub(source, mark, source.n), &front, &skipped, out_fault));
    struct reading r = {.source = source,
                        .at = mark + skipped,
                        .draft = outline_draft_new(2 * MARKDOWN_INPUT_MAX_BYTES),
                        .paragraph = buf_make(MARKDOWN_INPUT_MAX_BYTES),
                        .seen = buf_make(MARKDOWN_INPUT_MAX_BYTES)};
    take_lines(&r);
    struct outline o;
    bool good = outline_draft_finish(r.draft, a, json_str(front, "title", STR("")), source.n, &o);
    outline_draft_free(&r.draft);
    buf_free(&r.paragraph);
    buf_free(&r.seen);
    if (!good) {
        return fail(out_fault, E_TOO_LARGE, 0, "the document's text becomes too long");
    }
    o.front = front;
    *out_outline = o;
    return E_OK;
}
