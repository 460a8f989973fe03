#include "nlu/feature.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "codec/text.h"
#include "nlu/lexis.h"

enum {
    CHARS_LEAST = 2,
    CHARS_MOST = 4,
    PAIR_REACH = 8,      /* words between which a pair is seen */
    PAIR_WORD_BYTES = 5, /* of each word: endings differ more than stems */
    WORD_MAX_CHARS = 64,
    NORMAL_MAX_BYTES = 1 << 16,
    FOLD_ARENA_BYTES = 16 << 20
};

static const uint32_t CHARS_BIT = 1u << 31, PAIRS_BIT = 1u << 30;
static const uint64_t HASH_START = 0xcbf29ce484222325u;
static const uint64_t TEXT_START = 0x51ed270b7f3c2a15u; /* stands before the first word */

static uint64_t mix(uint64_t h, uint64_t byte)
{
    return (h ^ byte) * 0x100000001b3u;
}

static uint64_t mix_bytes(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = mix(h, (unsigned char)p[i]);
    }
    return h;
}

static uint32_t finish(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    uint32_t low = (uint32_t)h & ~(CHARS_BIT | PAIRS_BIT);
    return low ? low : 1;
}

struct writer {
    char *p;
    size_t n;
};

static void put_blank(struct writer *w)
{
    if (w->n && w->p[w->n - 1] != ' ') {
        w->p[w->n++] = ' ';
    }
}

/* One code point of folded text. */
static void put_char(struct writer *w, uint32_t c)
{
    if (c < 128) {
        if (c >= 'A' && c <= 'Z') {
            c += 'a' - 'A';
        }
        if (c >= '0' && c <= '9') {
            if (!w->n || w->p[w->n - 1] != '0') {
                w->p[w->n++] = '0';
            }
        } else if (c >= 'a' && c <= 'z') {
            w->p[w->n++] = (char)c;
        } else if (c == '?') {
            put_blank(w);
            w->p[w->n++] = '?';
            w->p[w->n++] = ' ';
        } else if (c != '\'') {
            put_blank(w);
        }
    } else if (text_is_letter(c) || text_is_digit(c)) {
        w->n += text_put(w->p + w->n, c);
    } else if (c != 0x2019) { /* the typographic apostrophe, as ' above */
        put_blank(w);
    }
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 128) {
            return false;
        }
    }
    return true;
}

char *feature_normal(struct str text, size_t *out_n)
{
    struct arena *a = NULL;
    text = text_cut_bytes(text, NORMAL_MAX_BYTES);
    if (!is_ascii(text)) {
        a = arena_new(FOLD_ARENA_BYTES);
        text = text_plain(a, text);
    }
    struct writer w = {.p = mem_new(2 * text.n + 3)};
    if (a) {
        uint32_t c;
        while (text_next(&text, &c)) {
            put_char(&w, c);
        }
        arena_free(&a);
    } else {
        for (size_t i = 0; i < text.n; i++) {
            put_char(&w, (unsigned char)text.p[i]);
        }
    }
    if (w.n && w.p[w.n - 1] == ' ') {
        w.n--;
    }
    w.p[w.n] = 0;
    *out_n = w.n;
    return w.p;
}

/* Features being collected: the list, and a table that finds the ones already in it. */
struct collector {
    struct feature_list *list;
    uint32_t *slots; /* position in the list plus 1 */
    uint32_t mask;
    uint32_t char_count;
};

/* The last words before the one at hand. */
struct pair_ring {
    uint64_t stems[PAIR_REACH];
    bool plain[PAIR_REACH];
    size_t count;
};

/* Returns its place in the list. */
static uint32_t collect(struct collector *c, uint32_t hash)
{
    uint32_t i = (hash * 0x9e3779b1u) & c->mask;
    while (c->slots[i]) {
        struct feature *f = &c->list->items[c->slots[i] - 1];
        if (f->hash == hash) {
            f->count++;
            return c->slots[i] - 1;
        }
        i = (i + 1) & c->mask;
    }
    c->list->items[c->list->count++] = (struct feature){.hash = hash, .count = 1};
    c->slots[i] = (uint32_t)c->list->count;
    return c->slots[i] - 1;
}

/* n-grams of one word with its borders as blanks, by character rather than byte. */
static void collect_chars(struct collector *c, const char *word, size_t n)
{
    size_t at[WORD_MAX_CHARS + 2]; /* where character 1, 2 ... begins; 0 is the border before */
    size_t end = 1, i = 0;
    for (; i < n; i++) {
        if (((unsigned char)word[i] & 0xc0) != 0x80) {
            if (end > WORD_MAX_CHARS) {
                break;
            }
            at[end++] = i;
        }
    }
    at[end] = i;
    size_t last = i == n ? end + 1 : end; /* a word that was cut has no border behind */
    for (size_t from = 0; from < end; from++) {
        uint64_t h = HASH_START;
        for (size_t j = from; j < last && j < from + CHARS_MOST; j++) {
            h = j == 0 || j == end ? mix(h, ' ') : mix_bytes(h, word + at[j], at[j + 1] - at[j]);
            if (j + 1 - from >= CHARS_LEAST) {
                uint32_t item = collect(c, finish(h) | CHARS_BIT);
                if (j + 1 - from == CHARS_MOST || (from == 0 && j == end)) {
                    c->list->chars[c->char_count++] = item;
                }
            }
        }
    }
}

/* The word with each of those before it; `stems` holds their hashes in a ring. */
static void collect_pairs(struct collector *c, struct str word, bool plain, struct pair_ring *ring)
{
    uint64_t stem =
        mix_bytes(TEXT_START, word.p, word.n < PAIR_WORD_BYTES ? word.n : PAIR_WORD_BYTES);
    for (size_t back = 1; back <= PAIR_REACH && back <= ring->count; back++) {
        size_t at = (ring->count - back) % PAIR_REACH;
        uint64_t other = ring->stems[at];
        uint64_t both = (stem + other) * HASH_START ^ (stem * other);
        struct feature *f = &c->list->items[collect(c, finish(both) | PAIRS_BIT)];
        f->plain = plain && ring->plain[at];
    }
    ring->stems[ring->count % PAIR_REACH] = stem;
    ring->plain[ring->count++ % PAIR_REACH] = plain;
}

static void collect_words(struct collector *c, const char *p, size_t n, bool pairs)
{
    struct pair_ring ring = {0};
    struct feature *items = c->list->items;
    bool plain_before = true;
    uint64_t before = TEXT_START;
    for (size_t i = 0; i < n;) {
        size_t start = i;
        while (i < n && p[i] != ' ') {
            i++;
        }
        struct str word = str_make(p + start, i - start);
        bool plain = word.n == 1 || lexis_function(word);
        uint64_t h = mix_bytes(HASH_START, word.p, word.n);
        uint32_t item = collect(c, finish(h));
        items[item].plain = plain;
        uint32_t joined = collect(c, finish(mix_bytes(before * 31, word.p, word.n)));
        items[joined].plain = plain && plain_before;
        uint32_t first = c->char_count;
        collect_chars(c, word.p, word.n);
        c->list->words[c->list->word_count++] =
            (struct feature_word){plain, item, joined, first, c->char_count - first};
        plain_before = plain;
        if (pairs) {
            collect_pairs(c, word, plain, &ring);
        }
        c->list->spoken += word.p[0] != '?';
        before = h;
        i += i < n;
    }
    if (c->list->word_count) {
        collect(c, finish(mix(before * 31, '$')));
    }
}

void feature_extract(struct str text, size_t max_bytes, bool pairs, struct feature_list *out_list)
{
    size_t n;
    char *normal = feature_normal(text_cut_bytes(text, max_bytes), &n);
    /* A word gives two features, its pairs, and at most three for each character and border. */
    size_t most = 5 * (n + 2) + 8 + (pairs ? PAIR_REACH * (n / 2 + 1) : 0);
    uint32_t size = 64;
    while (size < 2 * most) {
        size *= 2;
    }
    *out_list = (struct feature_list){
        .items = mem_new(most * sizeof(struct feature)),
        .words = mem_new((n / 2 + 1) * sizeof(struct feature_word)),
        .chars = mem_new(3 * (n + 2) * sizeof(uint32_t)),
    };
    struct collector c = {out_list, mem_new(size * sizeof(uint32_t)), size - 1, 0};
    collect_words(&c, normal, n, pairs);
    free(c.slots);
    free(normal);
}

void feature_free(struct feature_list *list)
{
    free(list->items);
    free(list->words);
    free(list->chars);
    *list = (struct feature_list){0};
}
