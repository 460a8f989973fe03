#include "nlu/phrase.h"

#include <string.h>

#include "base/arena.h"
#include "codec/text.h"

enum { GAP_MAX = 4, NEGATION_REACH = 5, FOLD_ARENA_BYTES = 8 << 20 };

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] >= 128) {
            return false;
        }
    }
    return true;
}

/* Copies the word folded; what does not fit is cut. */
static void fold(struct str word, char *out)
{
    struct arena *a = NULL;
    if (!is_ascii(word)) {
        a = arena_new(FOLD_ARENA_BYTES);
        word = text_plain(a, word);
    }
    size_t n = 0;
    for (size_t i = 0; i < word.n && n < PHRASE_WORD_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)word.p[i];
        bool curly = c == 0xe2 && i + 2 < word.n && (unsigned char)word.p[i + 1] == 0x80 &&
                     (unsigned char)word.p[i + 2] == 0x99;
        if (curly) {
            i += 2;
        } else if (c != '\'') {
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
    out[n] = 0;
    if (a) {
        arena_free(&a);
    }
}

static bool parts_clauses(struct str between)
{
    for (size_t i = 0; i < between.n; i++) {
        if (memchr(".,;:!?\n()", between.p[i], 10)) {
            return true;
        }
    }
    return false;
}

/* A bit for how a word begins. */
static uint32_t initial_bit(char c)
{
    return 1u << ((unsigned char)c % 32);
}

void phrase_read(struct str text, struct phrase_text *out_text)
{
    out_text->count = 0;
    out_text->initials = 0;
    text = text_cut_bytes(text, PHRASE_TEXT_MAX_BYTES);
    size_t cursor = 0, end = 0;
    int clause = 0;
    struct text_word word;
    while (out_text->count < PHRASE_WORDS_MAX && text_next_word(text, &cursor, &word)) {
        clause += parts_clauses(str_sub(text, end, word.start - end));
        end = word.end;
        struct phrase_word *w = &out_text->words[out_text->count++];
        w->start = word.start;
        w->end = word.end;
        w->clause = clause;
        fold(word.word, w->text);
        out_text->initials |= initial_bit(w->text[0]);
    }
}

/* One element of a pattern, such as "a/b/c" or "lawyer*", against a word. */
static bool fits(struct str element, const char *word)
{
    const char *p = element.p, *end = element.p + element.n;
    while (p < end) {
        const char *w = word;
        while (p < end && *p != '/' && *p == *w) {
            p++;
            w++;
        }
        if ((p < end && *p == '*') || ((p == end || *p == '/') && !*w)) {
            return true;
        }
        while (p < end && *p != '/') {
            p++;
        }
        p++;
    }
    return false;
}

/* How a word can begin that a pattern begins with. */
static uint32_t initials_of(struct str pattern)
{
    uint32_t initials = 0;
    bool begins = true;
    for (size_t i = 0; i < pattern.n && pattern.p[i] != ' '; i++) {
        if (begins && strchr("^$.*", pattern.p[i])) {
            return UINT32_MAX;
        }
        initials |= begins ? initial_bit(pattern.p[i]) : 0;
        begins = pattern.p[i] == '/';
    }
    return initials;
}

/* Matches the rest of a pattern from word `at`; last: index of the last word matched, -1 at first.
 */
static bool match(const struct phrase_text *t, struct str pattern, size_t at, ptrdiff_t last,
                  size_t *out_last)
{
    struct str element;
    if (!str_split(&pattern, ' ', &element)) {
        *out_last = (size_t)last;
        return last >= 0;
    }
    if (str_eqz(element, "^")) {
        return at == 0 && match(t, pattern, at, last, out_last);
    }
    if (str_eqz(element, "$")) {
        return at == t->count && match(t, pattern, at, last, out_last);
    }
    if (str_eqz(element, "...")) {
        for (size_t gap = 0; gap <= GAP_MAX && at + gap <= t->count; gap++) {
            if (match(t, pattern, at + gap, last, out_last)) {
                return true;
            }
        }
        return false;
    }
    if (at >= t->count || !fits(element, t->words[at].text)) {
        return false;
    }
    if (last >= 0 && t->words[at].clause != t->words[last].clause) {
        return false;
    }
    return match(t, pattern, at + 1, (ptrdiff_t)at, out_last);
}

bool phrase_find(const struct phrase_text *t, const char *pattern, size_t from, size_t *out_first,
                 size_t *out_last)
{
    /* Most words begin otherwise than the pattern: a look at their first letter rules them out. */
    uint32_t initials = initials_of(str_of(pattern));
    size_t end = !(initials & t->initials) ? 0 : pattern[0] == '^' && t->count ? 1 : t->count;
    for (size_t at = from; at < end; at++) {
        bool may = initials & initial_bit(t->words[at].text[0]);
        if (may && match(t, str_of(pattern), at, -1, out_last)) {
            *out_first = at;
            return true;
        }
    }
    return false;
}

bool phrase_has(const struct phrase_text *t, const char *const *patterns)
{
    size_t first, last;
    for (; *patterns; patterns++) {
        if (phrase_find(t, *patterns, 0, &first, &last)) {
            return true;
        }
    }
    return false;
}

bool phrase_negated(const struct phrase_text *t, size_t first)
{
    static const char NEGATIONS[] =
        "not/no/never/isnt/arent/wasnt/dont/doesnt/didnt/wont/wouldnt/havent/hasnt/without/nothing/"
        "non/neither/cannot/cant/aint/nicht/kein/keine/pas/sin/senza/niet/geen/nao";
    for (size_t back = 1; back <= NEGATION_REACH && back <= first; back++) {
        const struct phrase_word *w = &t->words[first - back];
        bool turns = fits(STR("but/sondern/mais/sino"), w->text);
        if (w->clause != t->words[first].clause || turns) {
            return false;
        }
        if (fits(str_of(NEGATIONS), w->text)) {
            return true;
        }
    }
    return false;
}
