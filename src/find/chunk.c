#include "find/chunk.h"

#include "codec/text.h"

enum { LETTERS_PER_TOKEN = 4, PIECE_MAX_BYTES = 16384 };

/* Marks and signs between words. */
static size_t count_signs(struct str text, size_t start, size_t end)
{
    size_t n = 0;
    for (size_t i = start; i < end; i++) {
        unsigned char c = (unsigned char)text.p[i];
        n += (c > ' ' && c < 0x80) || c >= 0xc0;
    }
    return n;
}

size_t chunk_token_count(struct str text)
{
    struct text_word w;
    size_t cursor = 0, tokens = 0, at = 0;
    while (text_next_word(text, &cursor, &w)) {
        tokens += count_signs(text, at, w.start);
        tokens += (w.word.n + LETTERS_PER_TOKEN - 1) / LETTERS_PER_TOKEN;
        at = w.end;
    }
    return tokens + count_signs(text, at, text.n);
}

/* ---- pieces: what is never cut unless it alone is too long --------------- */

struct piece {
    size_t start, end;
    size_t tokens;
    struct str heading;
    bool alone; /* starts a chunk of its own */
};

struct pieces {
    struct arena *a;
    struct str text;
    struct piece *items;
    size_t count, size, tokens_max;
};

static void add_piece(struct pieces *p, size_t start, size_t end, struct str heading, bool alone)
{
    while (start < end && (unsigned char)p->text.p[start] <= ' ') {
        start++;
    }
    while (end > start && (unsigned char)p->text.p[end - 1] <= ' ') {
        end--;
    }
    if (start == end) {
        return;
    }
    if (end - start > PIECE_MAX_BYTES) { /* signs without a word in between */
        size_t cut = text_cut_bytes(str_sub(p->text, start, end - start), PIECE_MAX_BYTES).n;
        cut = cut ? cut : PIECE_MAX_BYTES;
        add_piece(p, start, start + cut, heading, alone);
        add_piece(p, start + cut, end, heading, false);
        return;
    }
    if (p->count == p->size) {
        size_t size = p->size ? p->size * 2 : 64;
        struct piece *grown = ARENA_ARRAY(p->a, struct piece, size);
        for (size_t i = 0; i < p->count; i++) {
            grown[i] = p->items[i];
        }
        p->items = grown;
        p->size = size;
    }
    size_t tokens = chunk_token_count(str_sub(p->text, start, end - start));
    p->items[p->count++] = (struct piece){start, end, tokens, heading, alone};
}

/* A run of words of at most tokens_max each: the last resort. */
static void add_words(struct pieces *p, size_t start, size_t end, struct str heading)
{
    struct str part = str_sub(p->text, start, end - start);
    struct text_word w;
    size_t cursor = 0, from = 0, tokens = 0, last = 0;
    while (text_next_word(part, &cursor, &w)) {
        size_t t = (w.word.n + LETTERS_PER_TOKEN - 1) / LETTERS_PER_TOKEN;
        if (tokens + t > p->tokens_max && last > from) {
            add_piece(p, start + from, start + last, heading, false);
            from = w.start;
            tokens = 0;
        }
        tokens += t;
        last = w.end;
    }
    add_piece(p, start + from, end, heading, false);
}

static bool ends_sentence(struct str s, size_t i)
{
    char c = s.p[i];
    if (c != '.' && c != '!' && c != '?') {
        return false;
    }
    return i + 1 >= s.n || s.p[i + 1] == ' ' || s.p[i + 1] == '\n';
}

static void add_sentences(struct pieces *p, size_t start, size_t end, struct str heading)
{
    struct str part = str_sub(p->text, start, end - start);
    size_t from = 0;
    for (size_t i = 0; i < part.n; i++) {
        if (i + 1 == part.n || ends_sentence(part, i) || part.p[i] == '\n') {
            struct str sentence = str_sub(part, from, i + 1 - from);
            if (chunk_token_count(sentence) > p->tokens_max) {
                add_words(p, start + from, start + i + 1, heading);
            } else {
                add_piece(p, start + from, start + i + 1, heading, false);
            }
            from = i + 1;
        }
    }
}

static void add_paragraphs(struct pieces *p, const struct outline_section *s)
{
    size_t from = s->start;
    bool first = true;
    for (size_t i = s->start; i <= s->end; i++) {
        bool gap =
            i == s->end || (i + 1 < s->end && p->text.p[i] == '\n' && p->text.p[i + 1] == '\n');
        if (!gap) {
            continue;
        }
        size_t before = p->count;
        if (chunk_token_count(str_sub(p->text, from, i - from)) > p->tokens_max) {
            add_sentences(p, from, i, s->path);
        } else {
            add_piece(p, from, i, s->path, false);
        }
        if (first && p->count > before) {
            p->items[before].alone = true; /* a heading starts a chunk */
            first = false;
        }
        from = i;
    }
}

/* ---- chunks: pieces joined up to the size -------------------------------- */

static enum err join(struct pieces *p, const struct chunk_options *o, bool passages,
                     struct chunk **out_chunks, size_t *out_n)
{
    struct chunk *chunks = ARENA_ARRAY(p->a, struct chunk, p->count + 1);
    size_t n = 0, i = 0, small = p->tokens_max / 4;
    while (i < p->count) {
        if (n >= CHUNK_COUNT_MAX) {
            return E_TOO_LARGE;
        }
        size_t first = i, tokens = p->items[i].tokens;
        for (i++; i < p->count; i++) {
            bool section = p->items[i].alone && (passages || tokens > small);
            if (section || tokens + p->items[i].tokens > p->tokens_max) {
                break;
            }
            tokens += p->items[i].tokens;
        }
        struct chunk *c = &chunks[n++];
        *c = (struct chunk){.start = p->items[first].start,
                            .end = p->items[i - 1].end,
                            .heading = p->items[first].heading,
                            .tokens = tokens};
        c->text = str_sub(p->text, c->start, c->end - c->start);
        /* the next chunk of the same section begins with this one's last words */
        size_t back = i, overlap = 0;
        bool same = i < p->count && !p->items[i].alone;
        while (same && back > first + 1 && overlap + p->items[back - 1].tokens <= o->overlap) {
            overlap += p->items[--back].tokens;
        }
        i = back;
    }
    *out_chunks = chunks;
    *out_n = n;
    return E_OK;
}

enum err chunk_extract(struct arena *a, const struct extract *from,
                       const struct chunk_options *options, struct chunk **out_chunks,
                       size_t *out_n)
{
    struct chunk_options o = options ? *options : (struct chunk_options){0};
    o.tokens_max = o.tokens_max ? o.tokens_max : CHUNK_TOKENS_DEFAULT;
    o.overlap = o.overlap ? o.overlap : CHUNK_OVERLAP_DEFAULT;
    o.overlap = o.overlap > o.tokens_max / 4 ? o.tokens_max / 4 : o.overlap;
    struct pieces p = {.a = a, .text = from->outline.text, .tokens_max = o.tokens_max};
    for (size_t i = 0; i < from->outline.count; i++) {
        add_paragraphs(&p, &from->outline.sections[i]);
    }
    return join(&p, &o, from->passages, out_chunks, out_n);
}
