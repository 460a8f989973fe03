#include "find/chunk.h"

#include "codec/text.h"
#include "find/term.h"

enum { LETTERS_PER_TOKEN = 4, QUOTE_SENTENCES_MAX = 4000, QUERY_TERMS_MAX = 64 };

size_t chunk_token_count(struct str text)
{
    struct text_word w;
    size_t cursor = 0, tokens = 0, at = 0;
    while (text_next_word(text, &cursor, &w)) {
        for (size_t i = at; i < w.start; i++) { /* punctuation between words */
            unsigned char c = (unsigned char)text.p[i];
            tokens += c > ' ' && c < 0x80;
        }
        tokens += (w.word.n + LETTERS_PER_TOKEN - 1) / LETTERS_PER_TOKEN;
        at = w.end;
    }
    return tokens;
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

/* ---- quotes -------------------------------------------------------------- */

struct wanted {
    struct str terms[QUERY_TERMS_MAX];
    char bytes[QUERY_TERMS_MAX][TERM_MAX_BYTES];
    size_t n;
};

static void want(struct arena *a, struct str query, struct wanted *w)
{
    struct str plain = text_plain(a, text_cut_bytes(query, 4096)), term;
    size_t cursor = 0;
    w->n = 0;
    while (w->n < QUERY_TERMS_MAX && term_next(plain, &cursor, w->bytes[w->n], &term)) {
        if (!term_is_stop(term)) {
            w->terms[w->n++] = term;
        }
    }
}

/* How many of the wanted terms a sentence holds, short ones a little ahead. */
static double shared(struct arena *a, struct str sentence, const struct wanted *w)
{
    struct str plain = text_plain(a, sentence), term;
    char bytes[TERM_MAX_BYTES];
    bool had[QUERY_TERMS_MAX] = {false};
    size_t cursor = 0, words = 0, n = 0;
    while (term_next(plain, &cursor, bytes, &term)) {
        words++;
        for (size_t i = 0; i < w->n; i++) {
            if (!had[i] && str_eq(term, w->terms[i])) {
                had[i] = true;
                n++;
                break;
            }
        }
    }
    return words < 3 ? 0 : (double)n - (double)words * 0.01;
}

void chunk_quote(struct str text, struct str query, size_t max_bytes, size_t *out_start,
                 size_t *out_end)
{
    struct arena *a = arena_new(64 << 20);
    struct wanted w;
    double best = -1e9;
    size_t from = 0, sentences = 0;
    want(a, query, &w);
    *out_start = 0;
    *out_end = text.n;
    for (size_t i = 0; i < text.n && sentences < QUOTE_SENTENCES_MAX; i++) {
        bool end = i + 1 == text.n || ends_sentence(text, i) || text.p[i] == '\n';
        if (!end) {
            continue;
        }
        size_t start = from, stop = i + 1;
        while (start < stop && (unsigned char)text.p[start] <= ' ') {
            start++;
        }
        while (stop > start && (unsigned char)text.p[stop - 1] <= ' ') {
            stop--;
        }
        double score = shared(a, str_sub(text, start, stop - start), &w);
        if (stop > start && score > best) {
            best = score;
            *out_start = start;
            *out_end = stop;
        }
        from = i + 1;
        sentences++;
    }
    if (*out_end - *out_start > max_bytes) {
        struct str cut = text_cut_bytes(str_sub(text, *out_start, text.n), max_bytes);
        *out_end = *out_start + cut.n;
    }
    arena_free(&a);
}
