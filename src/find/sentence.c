#include "find/sentence.h"

#include <stdint.h>

enum { HEADING_MAX_BYTES = 120, MARK_DIGITS_MAX = 3 };

struct splitting {
    struct str text;
    struct sentence *items;
    size_t n, head, block;
    int item;
    bool opens, in_list;
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Closing quotes and brackets belong to the sentence they end. */
static bool is_closing(char c)
{
    return c == '"' || c == ')' || c == '\'' || c == ']' || c == '*';
}

static bool is_end_mark(char c)
{
    return c == '.' || c == '!' || c == '?';
}

/* Where the sentence that has its mark at `i` ends, or 0 when it goes on there ("e.g. this",
 * "3.5", "New. stays in a word"). */
static size_t end_at(struct str s, size_t i)
{
    size_t at = i + 1;
    if (!is_end_mark(s.p[i])) {
        return 0;
    }
    while (at < s.n && (is_closing(s.p[at]) || is_end_mark(s.p[at]))) {
        at++;
    }
    if (at == s.n) {
        return at;
    }
    return s.p[at] == ' ' && at + 1 < s.n && !is_lower(s.p[at + 1]) ? at : 0;
}

/* "- ", "* ", "12. ": its length, or 0. */
static size_t mark_of(struct str line)
{
    size_t i = 0;
    if (line.n > 2 && (line.p[0] == '-' || line.p[0] == '*') && line.p[1] == ' ') {
        return 2;
    }
    while (i < line.n && i < MARK_DIGITS_MAX && is_digit(line.p[i])) {
        i++;
    }
    return i > 0 && i + 2 < line.n && line.p[i] == '.' && line.p[i + 1] == ' ' ? i + 2 : 0;
}

static void add(struct splitting *sp, size_t start, size_t end, enum sentence_kind kind)
{
    while (start < end && (unsigned char)sp->text.p[start] <= ' ') {
        start++;
    }
    while (end > start && (unsigned char)sp->text.p[end - 1] <= ' ') {
        end--;
    }
    if (start == end || sp->n == SENTENCE_MAX) {
        return;
    }
    bool apart = kind == SENTENCE_HEADING || kind == SENTENCE_ROW;
    if (kind == SENTENCE_HEADING) {
        sp->head = sp->n;
    }
    sp->items[sp->n] =
        (struct sentence){.start = start,
                          .end = end,
                          .kind = kind,
                          .head = kind == SENTENCE_HEADING ? SENTENCE_NO_HEAD : sp->head,
                          .block = sp->block,
                          .item = sp->item,
                          .opens = sp->opens && !apart};
    sp->n++;
    sp->item = 0;
    sp->opens = apart;
}

static int number_of(struct str line)
{
    int n = 0;
    for (size_t i = 0; i < line.n && i < MARK_DIGITS_MAX && is_digit(line.p[i]); i++) {
        n = n * 10 + (line.p[i] - '0');
    }
    return n > 0 ? n : -1;
}

/* The sentences of one paragraph line or item. */
static void add_line(struct splitting *sp, size_t start, size_t end)
{
    struct str line = str_sub(sp->text, start, end - start);
    size_t from = mark_of(line);
    sp->block += !(from && sp->in_list); /* one list, one block */
    sp->in_list = from > 0;
    sp->item = from ? number_of(line) : 0;
    for (size_t i = from; i < line.n; i++) {
        size_t stop = end_at(line, i);
        if (stop) {
            bool question = line.p[i] == '?';
            bool open = stop >= 2 && line.p[stop - 1] == '.' && line.p[stop - 2] == '.';
            add(sp, start + from, start + stop,
                question || open ? SENTENCE_FRAGMENT : SENTENCE_WHOLE);
            from = stop;
            i = stop - 1;
        }
    }
    add(sp, start + from, end, SENTENCE_FRAGMENT);
}

/* A paragraph of one short line that no full stop ends, here or before: what the next ones are
 * about. It may be a question. */
static bool is_heading(struct str paragraph)
{
    char last = paragraph.p[paragraph.n - 1];
    bool open = last != '.' && last != '!' && last != ':' && last != ';' && last != ',';
    bool line = paragraph.n <= HEADING_MAX_BYTES && mark_of(paragraph) == 0 &&
                str_find_char(paragraph, '\n') < 0;
    for (size_t i = 0; i + 1 < paragraph.n && line; i++) {
        size_t end = end_at(paragraph, i);
        line = end == 0 || end == paragraph.n;
    }
    return open && line;
}

/* Where the line that begins at `from` ends: text wrapped inside a sentence is one line. */
static size_t line_end(struct str text, size_t from, size_t end)
{
    size_t i = from;
    while (i < end) {
        if (text.p[i] == '\n') {
            bool wrapped =
                i > from && i + 1 < end && !is_end_mark(text.p[i - 1]) && is_lower(text.p[i + 1]);
            if (!wrapped) {
                break;
            }
        }
        i++;
    }
    return i;
}

static void add_paragraph(struct splitting *sp, size_t start, size_t end)
{
    struct str paragraph = str_trim(str_sub(sp->text, start, end - start));
    if (!paragraph.n) {
        return;
    }
    bool last = end == sp->text.n; /* nothing stands below it */
    if (!last && is_heading(paragraph) && str_find(paragraph, STR(" | ")) < 0) {
        sp->in_list = false;
        add(sp, start, end, SENTENCE_HEADING);
        return;
    }
    for (size_t at = start; at < end;) {
        size_t stop = line_end(sp->text, at, end);
        if (str_find(str_sub(sp->text, at, stop - at), STR(" | ")) >= 0) {
            sp->in_list = false;
            add(sp, at, stop, SENTENCE_ROW);
        } else {
            add_line(sp, at, stop);
        }
        at = stop + 1;
    }
}

/* "It makes one file with" and "- items," "- orders." below it: one sentence. The items of such a
 * list end in nothing but the last. */
static size_t list_end(const struct sentence *s, size_t n, size_t lead)
{
    size_t i = lead + 1;
    while (i < n && s[i].item && s[i].kind == SENTENCE_FRAGMENT && s[i].head == s[lead].head) {
        i++;
    }
    bool ended = i > lead + 1 && i < n && s[i].item && s[i].kind == SENTENCE_WHOLE;
    bool more = ended && i + 1 < n && s[i + 1].block == s[i].block;
    return ended && !more ? i : 0;
}

static void join_lists(struct splitting *sp)
{
    for (size_t i = 0; i < sp->n; i++) {
        struct sentence *lead = &sp->items[i];
        bool question = sp->text.p[lead->end - 1] == '?';
        size_t last = 0;
        if (lead->kind == SENTENCE_FRAGMENT && !lead->item && !question) {
            last = list_end(sp->items, sp->n, i);
        }
        if (last) {
            lead->kind = SENTENCE_WHOLE;
            lead->end = sp->items[last].end;
            for (size_t k = last + 1; k < sp->n; k++) {
                sp->items[k - (last - i)] = sp->items[k];
            }
            for (size_t k = i + 1; k < sp->n; k++) {
                struct sentence *s = &sp->items[k];
                s->head -= s->head != SENTENCE_NO_HEAD && s->head > i ? last - i : 0;
            }
            sp->n -= last - i;
        }
    }
}

const struct sentence *sentence_split(struct arena *a, struct str text, size_t *out_n)
{
    struct splitting sp = {.text = text, .head = SENTENCE_NO_HEAD, .opens = true};
    sp.items = ARENA_ARRAY(a, struct sentence, SENTENCE_MAX);
    size_t from = 0;
    for (size_t i = 0; i <= text.n; i++) {
        bool gap = i == text.n || (text.p[i] == '\n' && i + 1 < text.n && text.p[i + 1] == '\n');
        if (gap) {
            add_paragraph(&sp, from, i);
            while (i < text.n && text.p[i] == '\n') {
                i++;
            }
            from = i;
        }
    }
    join_lists(&sp);
    *out_n = sp.n;
    return sp.items;
}
