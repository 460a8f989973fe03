#include "codec/outline.h"

#include <stdlib.h>
#include <string.h>

#include "codec/outline_draft.h"
#include "codec/text.h"

enum { SECTIONS_FIRST = 16, HEADING_MAX_BYTES = 300 };

enum pending { PENDING_NONE, PENDING_BLANK, PENDING_LINE, PENDING_GAP };

/* Headings are kept as offsets into the text while it grows. */
struct draft_section {
    int level;
    size_t heading_start, heading_end;
    size_t start, end;
    size_t source_start, source_end;
};

struct outline_draft {
    struct buf text;
    struct draft_section *sections;
    size_t count, size;
    enum pending pending;
    struct str mark; /* written before the next text */
    bool in_heading;
};

static struct draft_section *add_section(struct outline_draft *d)
{
    if (d->count == d->size) {
        d->size = d->size ? d->size * 2 : SECTIONS_FIRST;
        d->sections = mem_grow(d->sections, d->size * sizeof(*d->sections));
    }
    struct draft_section *s = &d->sections[d->count++];
    memset(s, 0, sizeof(*s));
    return s;
}

struct outline_draft *outline_draft_new(size_t text_max_bytes)
{
    struct outline_draft *d = mem_new(sizeof(*d));
    d->text = buf_make(text_max_bytes);
    add_section(d);
    return d;
}

void outline_draft_free(struct outline_draft **d)
{
    if (*d) {
        buf_free(&(*d)->text);
        free((*d)->sections);
        free(*d);
        *d = NULL;
    }
}

static void want(struct outline_draft *d, enum pending p)
{
    d->pending = p > d->pending ? p : d->pending;
}

void outline_draft_line(struct outline_draft *d)
{
    want(d, d->in_heading ? PENDING_BLANK : PENDING_LINE);
    d->mark = STR("");
}

void outline_draft_gap(struct outline_draft *d)
{
    want(d, d->in_heading ? PENDING_BLANK : PENDING_GAP);
    d->mark = STR("");
}

void outline_draft_mark(struct outline_draft *d, struct str mark)
{
    d->mark = mark;
}

/* Writes what is due before text. */
static void settle(struct outline_draft *d)
{
    static const struct str BREAKS[] = {{"", 0}, {" ", 1}, {"\n", 1}, {"\n\n", 2}};
    struct draft_section *s = &d->sections[d->count - 1];
    if (d->text.n > 0) {
        buf_add_str(&d->text, BREAKS[d->mark.n && d->pending == PENDING_BLANK ? 0 : d->pending]);
    }
    if (d->in_heading && s->heading_start == s->heading_end) { /* the heading's first text */
        s->heading_start = d->text.n;
    } else if (!d->in_heading && s->start == s->end) { /* the section's first text */
        s->start = d->text.n;
    }
    buf_add_str(&d->text, d->mark);
    d->mark = STR("");
    d->pending = PENDING_NONE;
}

static void mark_end(struct outline_draft *d)
{
    struct draft_section *s = &d->sections[d->count - 1];
    if (d->in_heading) {
        s->heading_end = d->text.n;
    } else {
        s->end = d->text.n;
    }
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void outline_draft_add(struct outline_draft *d, struct str text)
{
    size_t i = 0;
    while (i < text.n) {
        size_t from = i;
        while (i < text.n && is_space(text.p[i])) {
            i++;
        }
        if (i > from) {
            want(d, PENDING_BLANK);
        }
        from = i;
        while (i < text.n && !is_space(text.p[i])) {
            i++;
        }
        if (i > from) {
            settle(d);
            buf_add(&d->text, text.p + from, i - from);
            mark_end(d);
        }
    }
}

void outline_draft_add_raw(struct outline_draft *d, struct str text)
{
    if (d->in_heading) {
        outline_draft_add(d, text);
    } else if (text.n) {
        settle(d);
        buf_add_str(&d->text, text);
        mark_end(d);
    }
}

void outline_draft_open_heading(struct outline_draft *d, int level, size_t source_start)
{
    if (d->in_heading || d->count == OUTLINE_SECTIONS_MAX) {
        outline_draft_gap(d);
        return;
    }
    d->sections[d->count - 1].source_end = source_start;
    d->pending = PENDING_GAP;
    d->mark = STR("");
    struct draft_section *s = add_section(d);
    s->level = level;
    d->in_heading = true;
    s->heading_start = s->heading_end = d->text.n;
}

void outline_draft_close_heading(struct outline_draft *d, size_t source_end)
{
    struct draft_section *s = &d->sections[d->count - 1];
    if (!d->in_heading) {
        outline_draft_gap(d);
        return;
    }
    d->in_heading = false;
    s->source_start = s->source_end = source_end;
    s->start = s->end = d->text.n;
    d->pending = PENDING_GAP;
}

/* "Billing > Refunds": the nearest heading of each higher level. */
static struct str path_of(struct arena *a, const struct outline_section *const above[],
                          const struct outline_section *s)
{
    struct str path = STR("");
    for (int level = 1; level < s->level; level++) {
        if (above[level] && above[level]->heading.n) {
            path = str_fmt(a, "%.*s%.*s > ", STR_ARG(path), STR_ARG(above[level]->heading));
        }
    }
    return str_fmt(a, "%.*s%.*s", STR_ARG(path), STR_ARG(s->heading));
}

static struct outline_section *finish_sections(struct outline_draft *d, struct arena *a,
                                               struct str text)
{
    struct outline_section *sections = ARENA_ARRAY(a, struct outline_section, d->count);
    const struct outline_section *above[OUTLINE_LEVELS + 1] = {NULL};
    for (size_t i = 0; i < d->count; i++) {
        const struct draft_section *s = &d->sections[i];
        size_t n = s->heading_end - s->heading_start;
        sections[i] = (struct outline_section){
            .heading = text_cut_bytes(str_sub(text, s->heading_start, n), HEADING_MAX_BYTES),
            .level = s->level,
            .start = s->start,
            .end = s->end,
            .source_start = s->source_start,
            .source_end = s->source_end,
        };
        for (int level = s->level; s->level && level <= OUTLINE_LEVELS; level++) {
            above[level] = NULL;
        }
        sections[i].path = path_of(a, above, &sections[i]);
        above[s->level] = &sections[i];
    }
    return sections;
}

bool outline_draft_finish(struct outline_draft *d, struct arena *a, struct str title,
                          size_t source_end, struct outline *out_outline)
{
    if (d->text.overflow) {
        return false;
    }
    if (d->in_heading) { /* the document ended inside it */
        outline_draft_close_heading(d, source_end);
    }
    d->sections[d->count - 1].source_end = source_end;
    struct str text = str_dup(a, buf_str(&d->text));
    const struct outline_section *sections = finish_sections(d, a, text);
    size_t first =
        sections[0].start == sections[0].end && d->count > 1; /* nothing before a heading */
    for (size_t i = first; i < d->count && !title.n; i++) {
        title = sections[i].level == 1 ? sections[i].heading : title;
    }
    *out_outline = (struct outline){
        .title = title, .text = text, .sections = sections + first, .count = d->count - first};
    return true;
}

struct outline outline_of_text(struct arena *a, struct str text)
{
    struct outline_section *section = ARENA_NEW(a, struct outline_section);
    *section = (struct outline_section){.heading = STR(""), .path = STR(""), .end = text.n};
    return (struct outline){.title = STR(""), .text = text, .sections = section, .count = 1};
}
