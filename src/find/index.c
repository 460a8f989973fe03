#include "find/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "find/index_table.h"
#include "find/term.h"
#include "find/vector.h"

enum { SCRATCH_MAX_BYTES = 64 << 20, TERMS_MAX = 4000000 };

/* Measured on three judged collections: duplicates of issues, support articles, FAQ and reviews. */
static const double K1_DEFAULT = 2, B_DEFAULT = 1;
static const double TITLE_BOOST_DEFAULT = 4, HEADING_BOOST_DEFAULT = 20;

struct index *index_new(const struct index_options *options)
{
    struct index *ix = mem_new(sizeof(*ix));
    ix->o = options ? *options : (struct index_options){0};
    ix->o.k1 = ix->o.k1 > 0 ? ix->o.k1 : K1_DEFAULT;
    ix->o.b = ix->o.b > 0 ? ix->o.b : B_DEFAULT;
    ix->o.title_boost = ix->o.title_boost > 0 ? ix->o.title_boost : TITLE_BOOST_DEFAULT;
    ix->o.heading_boost = ix->o.heading_boost > 0 ? ix->o.heading_boost : HEADING_BOOST_DEFAULT;
    ix->o.dimensions =
        ix->o.dimensions > INDEX_DIMENSIONS_MAX ? INDEX_DIMENSIONS_MAX : ix->o.dimensions;
    ix->code_words = ix->o.dimensions % 64 ? 0 : ix->o.dimensions / 64;
    ix->terms = map_new(TERMS_MAX);
    ix->documents = map_new(INDEX_PASSAGES_MAX);
    return ix;
}

void index_free(struct index **ix)
{
    if (!*ix) {
        return;
    }
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next((*ix)->terms, &cursor, &key, &value)) {
        struct term_row *t = value;
        free(t->postings);
        free(t);
    }
    map_free(&(*ix)->terms);
    map_free(&(*ix)->documents);
    free((*ix)->passages);
    free((*ix)->lengths);
    free((*ix)->scales);
    free((*ix)->vectors);
    free((*ix)->codes);
    free(*ix);
    *ix = NULL;
}

/* ---- adding -------------------------------------------------------------- */

static struct term_row *term_row(struct index *ix, struct str term)
{
    struct term_row *t = map_get(ix->terms, term);
    if (!t) {
        t = mem_new(sizeof(*t));
        if (!map_set(ix->terms, term, t)) {
            free(t);
            return NULL;
        }
    }
    return t;
}

static void add_posting(struct index *ix, struct term_row *t, uint32_t passage, float weight)
{
    if (t->count && t->postings[t->count - 1].passage == passage) {
        t->postings[t->count - 1].weight += weight;
        return;
    }
    if (t->count == t->size) {
        uint32_t size = t->size ? t->size * 2 : 2;
        t->postings = mem_grow(t->postings, size * sizeof(*t->postings));
        ix->posting_bytes += (size - t->size) * sizeof(*t->postings);
        t->size = size;
    }
    t->postings[t->count++] = (struct posting){passage, weight};
}

static float add_text(struct index *ix, struct arena *scratch, struct str text, uint32_t passage,
                      double boost)
{
    struct str plain = text_plain(scratch, text), term;
    char bytes[TERM_MAX_BYTES];
    size_t cursor = 0, words = 0;
    while (term_next(plain, &cursor, bytes, &term)) {
        struct term_row *t = term_row(ix, term);
        if (t) {
            add_posting(ix, t, passage, (float)boost);
        }
        words++;
    }
    return (float)((double)words * boost);
}

static void make_room(struct index *ix)
{
    if (ix->count < ix->size) {
        return;
    }
    ix->size = ix->size ? ix->size * 2 : 64;
    ix->passages = mem_grow(ix->passages, ix->size * sizeof(*ix->passages));
    ix->lengths = mem_grow(ix->lengths, ix->size * sizeof(*ix->lengths));
    ix->scales = mem_grow(ix->scales, ix->size * sizeof(*ix->scales));
    if (ix->o.dimensions) {
        ix->vectors = mem_grow(ix->vectors, ix->size * (size_t)ix->o.dimensions);
    }
    if (ix->code_words) {
        ix->codes = mem_grow(ix->codes, ix->size * (size_t)ix->code_words * sizeof(*ix->codes));
    }
}

bool index_add(struct index *ix, const struct index_passage *p)
{
    if (ix->count >= INDEX_PASSAGES_MAX) {
        return false;
    }
    make_room(ix);
    uint32_t slot = (uint32_t)ix->count;
    struct arena *scratch = arena_new(SCRATCH_MAX_BYTES);
    struct passage *row = &ix->passages[slot];
    *row = (struct passage){.document = p->document, .ordinal = p->ordinal};
    float length = add_text(ix, scratch, p->text, slot, 1);
    length += add_text(ix, scratch, p->title, slot, ix->o.title_boost);
    length += add_text(ix, scratch, p->heading, slot, ix->o.heading_boost);
    ix->lengths[slot] = length;
    ix->scales[slot] = 0;
    arena_free(&scratch);
    if (ix->o.dimensions) {
        int8_t *at = ix->vectors + (size_t)slot * (size_t)ix->o.dimensions;
        if (p->vector) {
            ix->scales[slot] = vector_pack(p->vector, ix->o.dimensions, at);
        } else {
            memset(at, 0, (size_t)ix->o.dimensions);
        }
        if (ix->codes) {
            vector_code(at, ix->o.dimensions, ix->codes + (size_t)slot * (size_t)ix->code_words);
        }
    }
    ix->total_length += (double)length;
    ix->count++;
    map_set(ix->documents, id_str(&p->document), ix);
    return true;
}

/* ---- removing: passages are marked, and the postings rewritten when a good part is gone --- */

static void compact_postings(struct index *ix, const uint32_t *moved)
{
    size_t cursor = 0;
    struct str key;
    void *value;
    while (map_next(ix->terms, &cursor, &key, &value)) {
        struct term_row *t = value;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < t->count; i++) {
            uint32_t to = moved[t->postings[i].passage];
            if (to != UINT32_MAX) {
                t->postings[kept++] = (struct posting){to, t->postings[i].weight};
            }
        }
        t->count = kept;
    }
}

static void compact(struct index *ix)
{
    uint32_t *moved = mem_new((ix->count + 1) * sizeof(*moved));
    size_t kept = 0, d = (size_t)ix->o.dimensions, w = (size_t)ix->code_words;
    for (size_t i = 0; i < ix->count; i++) {
        moved[i] = ix->passages[i].gone ? UINT32_MAX : (uint32_t)kept;
        if (!ix->passages[i].gone) {
            ix->passages[kept] = ix->passages[i];
            ix->lengths[kept] = ix->lengths[i];
            ix->scales[kept] = ix->scales[i];
            if (d && kept != i) {
                memcpy(ix->vectors + kept * d, ix->vectors + i * d, d);
            }
            if (w && kept != i) {
                memcpy(ix->codes + kept * w, ix->codes + i * w, w * sizeof(*ix->codes));
            }
            kept++;
        }
    }
    compact_postings(ix, moved);
    free(moved);
    ix->count = kept;
    ix->gone = 0;
}

size_t index_remove(struct index *ix, const struct id *document)
{
    size_t removed = 0;
    if (!map_remove(ix->documents, id_str(document))) {
        return 0; /* the usual case while an index is built */
    }
    for (size_t i = 0; i < ix->count; i++) {
        struct passage *p = &ix->passages[i];
        if (!p->gone && id_eq(&p->document, document)) {
            p->gone = true;
            ix->total_length -= (double)ix->lengths[i];
            ix->lengths[i] = INFINITY;
            ix->scales[i] = 0;
            removed++;
        }
    }
    ix->gone += removed;
    if (ix->gone * 8 > ix->count) {
        compact(ix);
    }
    return removed;
}

/* ---- facts --------------------------------------------------------------- */

const struct id *index_document(const struct index *ix, uint32_t passage)
{
    return &ix->passages[passage].document;
}

uint32_t index_ordinal(const struct index *ix, uint32_t passage)
{
    return ix->passages[passage].ordinal;
}

size_t index_count(const struct index *ix)
{
    return ix->count - ix->gone;
}

size_t index_memory_bytes(const struct index *ix)
{
    size_t row = sizeof(struct passage) + 2 * sizeof(float) + (size_t)ix->o.dimensions +
                 (size_t)ix->code_words * sizeof(*ix->codes);
    return ix->size * row + ix->posting_bytes +
           map_count(ix->terms) * (sizeof(struct term_row) + 64) + map_count(ix->documents) * 128;
}
