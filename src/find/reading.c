#include "find/reading.h"

#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "find/term.h"

enum { SCRATCH_MAX_BYTES = 64 << 20, LABEL_MAX_BYTES = 40, LEANING_MAX_BYTES = 24 };

/* While it is made: where the words come from and which of them are known. */
struct making {
    struct reading *r;
    struct arena *scratch;
    uint32_t *table; /* of terms by hash: index + 1; open addressing */
    size_t mask;     /* its size, a power of two, less one */
    size_t terms_size, words_size, bytes_size;
};

uint32_t reading_hash(struct str term)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < term.n; i++) {
        h = (h ^ (unsigned char)term.p[i]) * 16777619U;
    }
    return h;
}

struct str reading_term(const struct reading *r, uint32_t term)
{
    return str_make(r->bytes + r->terms[term].at, r->terms[term].n);
}

/* ---- words --------------------------------------------------------------- */

/* Room for one more: arrays double. */
static void *grown(void *items, size_t count, size_t *size, size_t item_bytes)
{
    if (count < *size) {
        return items;
    }
    *size = *size ? *size * 2 : 64;
    return mem_grow(items, *size * item_bytes);
}

static uint32_t add_term(struct making *m, struct str term, uint32_t hash)
{
    struct reading *r = m->r;
    while (m->bytes_size < r->byte_count + term.n) {
        r->bytes = grown(r->bytes, m->bytes_size, &m->bytes_size, 1);
    }
    r->terms = grown(r->terms, r->term_count, &m->terms_size, sizeof(*r->terms));
    memcpy(r->bytes + r->byte_count, term.p, term.n);
    r->terms[r->term_count] = (struct reading_term){
        .at = r->byte_count, .n = (uint32_t)term.n, .hash = hash, .stop = term_is_stop(term)};
    r->byte_count += (uint32_t)term.n;
    return r->term_count++;
}

static uint32_t term_of(struct making *m, struct str term)
{
    uint32_t hash = reading_hash(term);
    size_t at = hash & m->mask;
    for (; m->table[at]; at = (at + 1) & m->mask) {
        uint32_t known = m->table[at] - 1;
        if (m->r->terms[known].hash == hash && str_eq(reading_term(m->r, known), term)) {
            return known;
        }
    }
    m->table[at] = add_term(m, term, hash) + 1;
    return m->table[at] - 1;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || ((unsigned char)c & 0x80);
}

/* "set-up" where "setup" was asked: the words left and right of the hyphen at `hyphen`. */
static uint32_t joined_of(struct making *m, struct str plain, size_t hyphen, size_t end)
{
    char bytes[2 * TERM_MAX_BYTES], stemmed[TERM_MAX_BYTES];
    size_t from = hyphen, left, cursor = 0;
    struct str term;
    if (hyphen == 0 || hyphen >= end || plain.p[hyphen] != '-') {
        return READING_NONE;
    }
    while (from > 0 && is_letter(plain.p[from - 1])) {
        from--;
    }
    left = hyphen - from;
    if (end - from > sizeof(bytes)) {
        return READING_NONE;
    }
    memcpy(bytes, plain.p + from, left);
    memcpy(bytes + left, plain.p + hyphen + 1, end - hyphen - 1);
    if (!term_next(str_make(bytes, end - from - 1), &cursor, stemmed, &term)) {
        return READING_NONE;
    }
    return term_of(m, term);
}

static struct reading_part add_words(struct making *m, struct str text)
{
    struct reading *r = m->r;
    struct reading_part part = {.from = r->word_count};
    struct str plain = text_plain(m->scratch, text), term;
    char bytes[TERM_MAX_BYTES];
    size_t cursor = 0, before = 0;
    while (r->term_count + 2 < m->mask && term_next(plain, &cursor, bytes, &term)) {
        r->words = grown(r->words, r->word_count, &m->words_size, sizeof(*r->words));
        struct reading_word *word = &r->words[r->word_count++];
        word->term = term_of(m, term);
        word->joined = joined_of(m, plain, before, cursor);
        before = cursor;
    }
    part.count = r->word_count - part.from;
    return part;
}

/* ---- what a text says ---------------------------------------------------- */

static bool has_any(struct str text, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        if (str_find(text, str_of(*phrases)) >= 0) {
            return true;
        }
    }
    return false;
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

static uint8_t says(struct str s)
{
    static const char *const counts[] = {
        " one ", " two ",   " three ", " four ", " five ", " six ",  " seven ", " eight ", " nine ",
        " ten ", "eleven ", "twelve ", "teen ",  "twenty", "thirty", "forty",   "fifty",   "half ",
        "One ",  "Two ",    "Three ",  "Four ",  "Five ",  "Six ",   "Seven ",  "Eight ",  "Nine ",
        "Ten ",  "Eleven ", "Twelve ", "Twenty", "Thirty", "Forty",  "Fifty ",  "hundred", NULL};
    static const char *const units[] = {"day",    "hour",  "week", "month", "year", "minute",
                                        "second", "night", ":00",  ":30",   NULL};
    static const char *const amounts[] = {" free", " no ", "none", "nothing", "unlimited", NULL};
    static const char *const money[] = {"€",  "$",     "£",       "EUR", "USD",
                                        " %", " free", "nothing", NULL};
    static const char *const menus[] = {" > ", NULL};
    static const char *const verdicts[] = {"n't ",  "No ",   " no ",     "Not ", " not ", "never ",
                                           " can ", " may ", "possible", "Yes",  NULL};
    int kinds = has_digit(s) || has_any(s, counts) ? READING_NUMBER : 0;
    kinds |= has_any(s, units) ? READING_UNIT : 0;
    kinds |= has_any(s, amounts) ? READING_AMOUNT : 0;
    kinds |= has_any(s, money) ? READING_MONEY : 0;
    kinds |= has_any(s, menus) ? READING_MENU : 0;
    kinds |= has_any(s, verdicts) ? READING_VERDICT : 0;
    return (uint8_t)kinds;
}

/* "It", "That", "They": begins with what an earlier sentence named. */
static uint32_t leaning_bytes(struct str text)
{
    static const char *const words[] = {"It ",   "It's ",  "That ",      "This ", "They ",
                                        "Then ", "These ", "Otherwise ", "But ",  "And ",
                                        "Or ",   "Same ",  "So ",        "Also ", "Here "};
    static const char *const early[] = {" it ", " them ", " it,"};
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct str word = str_of(words[i]);
        if (str_starts(text, word)) {
            least = word.n < least ? (uint32_t)word.n : least;
        }
    }
    for (size_t i = 0; i < sizeof(early) / sizeof(*early); i++) {
        struct str word = str_of(early[i]);
        ptrdiff_t at = str_find(str_sub(text, 0, LEANING_MAX_BYTES), word);
        size_t end = at >= 0 ? (size_t)at + word.n : SIZE_MAX;
        least = end < least ? (uint32_t)end : least;
    }
    return least;
}

/* "Reset: hold ...": what stands before the colon is a heading of its own. */
static struct reading_part label_of(struct making *m, struct str text,
                                    const struct reading_line *line)
{
    ptrdiff_t colon = str_find(str_sub(text, 0, LABEL_MAX_BYTES), STR(": "));
    if (text.n <= LABEL_MAX_BYTES && line->count < READING_COUNTED) {
        return line->words;
    }
    return colon > 0 ? add_words(m, str_sub(text, 0, (size_t)colon)) : (struct reading_part){0};
}

/* No phrase of `says` and no word holds the mark that ends a sentence: what a run says begins
 * within one of its sentences or after the one before it. */
static void add_line(struct making *m, struct str text, const struct sentence *s, size_t before)
{
    struct reading_line *line = &m->r->lines[m->r->line_count++];
    struct str own = str_sub(text, s->start, s->end - s->start);
    struct str after = str_sub(text, before, s->end - before);
    bool whole = s->kind == SENTENCE_WHOLE; /* only these make runs */
    *line = (struct reading_line){.sentence = *s, .words = add_words(m, own)};
    if (whole) {
        line->says = says(own);
        line->says_after = says(after);
        line->count = (uint8_t)text_count_words(own, READING_COUNTED);
        line->count_after = (uint8_t)text_count_words(after, READING_COUNTED);
        line->leaning_bytes = leaning_bytes(str_sub(text, s->start, text.n));
        line->label = label_of(m, own, line);
    }
}

/* ---- the whole ----------------------------------------------------------- */

static void *trimmed(void *items, size_t count, size_t item_bytes)
{
    return count ? mem_grow(items, count * item_bytes) : items;
}

struct reading *reading_new(struct str title, struct str heading, struct str text, bool lead)
{
    struct reading *r = mem_new(sizeof(*r));
    struct making m = {.r = r, .scratch = arena_new(SCRATCH_MAX_BYTES), .mask = 255};
    size_t n;
    while (m.mask < 2 * (title.n + heading.n + text.n)) { /* twice what there are terms */
        m.mask = 2 * m.mask + 1;
    }
    m.table = ARENA_ARRAY(m.scratch, uint32_t, m.mask + 1);
    const struct sentence *sentences = sentence_split(m.scratch, text, &n);
    r->lines = mem_new((n + 1) * sizeof(*r->lines));
    r->title = add_words(&m, title);
    r->heading = add_words(&m, heading);
    for (size_t i = 0; i < n; i++) {
        add_line(&m, text, &sentences[i], i ? sentences[i - 1].end : 0);
    }
    r->text_bytes = (uint32_t)text.n;
    r->lead = lead;
    r->terms = trimmed(r->terms, r->term_count, sizeof(*r->terms));
    r->words = trimmed(r->words, r->word_count, sizeof(*r->words));
    r->bytes = trimmed(r->bytes, r->byte_count, 1);
    arena_free(&m.scratch);
    return r;
}

void reading_free(struct reading **r)
{
    if (*r) {
        free((*r)->lines);
        free((*r)->terms);
        free((*r)->words);
        free((*r)->bytes);
        free(*r);
        *r = NULL;
    }
}

size_t reading_memory_bytes(const struct reading *r)
{
    return sizeof(*r) + r->line_count * sizeof(*r->lines) + r->term_count * sizeof(*r->terms) +
           r->word_count * sizeof(*r->words) + r->byte_count;
}
