#include "paper/type.h"

#include <stdint.h>

#include "codec/text.h"

enum { WIDE = 1000, OTHER = 620, FIRST = 32, LAST = 126 };

/* Thousandths of the size, from ' ' to '~' (the Helvetica metrics that Arial shares). */
static const uint16_t WIDTHS[] = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584,
};
static const double BOLD = 1.075, SAFE = 1.02; /* bold is wider; kerning and hinting differ */

static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || c >= 0x1f000;
}

static bool is_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x591 && c <= 0x5bd) || (c >= 0x64b && c <= 0x65f) ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f);
}

static double width_of(uint32_t c, double size_pt, bool bold)
{
    double units = c >= FIRST && c <= LAST ? WIDTHS[c - FIRST]
                   : is_mark(c)            ? 0
                   : is_wide(c)            ? WIDE
                                           : OTHER;
    return units / 1000 * size_pt * SAFE * (bold ? BOLD : 1);
}

double type_width(struct str text, double size_pt, bool bold)
{
    double width = 0;
    uint32_t c;
    while (text_next(&text, &c)) {
        width += width_of(c, size_pt, bold);
    }
    return width;
}

struct setting {
    double width, x, word; /* x: of the line up to the last place where it may break */
    int lines, lines_max;
    size_t break_at; /* where the word under way began */
};

/* False when there is no line left. */
static bool next_line(struct setting *s)
{
    if (s->lines == s->lines_max) {
        return false;
    }
    s->lines++;
    return true;
}

/* One character, which stands at [at, next) in the text. */
static bool set_one(struct setting *s, uint32_t c, double width, size_t at, size_t next)
{
    if (c == ' ') {
        s->x += s->word + width;
        s->word = 0;
        s->break_at = next;
        return true;
    }
    if (is_wide(c)) {
        s->x += s->word;
        s->word = 0;
        s->break_at = at;
    }
    s->word += width;
    if (s->x + s->word <= s->width) {
        return true;
    }
    if (s->x > 0) {
        if (!next_line(s)) {
            return false;
        }
        s->x = 0;
        if (s->word <= s->width) {
            return true;
        }
    }
    s->word = width; /* a word longer than a line */
    s->break_at = at;
    return next_line(s);
}

int type_set(const struct type_text *t, double width, int lines_max, size_t *out_fits)
{
    struct setting s = {.width = width > 1 ? width : 1, .lines = 1, .lines_max = lines_max};
    struct str rest = t->lead;
    bool room = true;
    uint32_t c;
    while (room && text_next(&rest, &c)) {
        room = set_one(&s, c, width_of(c, t->size_pt, true), 0, 0);
    }
    if (room && t->lead.n && t->text.n) {
        room = set_one(&s, ' ', width_of(' ', t->size_pt, true), 0, 0);
    }
    rest = t->text;
    size_t at = 0;
    while (room && text_next(&rest, &c)) {
        size_t next = t->text.n - rest.n;
        room = set_one(&s, c, width_of(c, t->size_pt, false), at, next);
        at = next;
    }
    *out_fits = room ? t->text.n : s.break_at;
    return s.lines;
}
