#include <stdlib.h>

#include "codec/text.h"
#include "find/answer.h"
#include "find/fuse.h"
#include "find/shelf_passage.h"
#include "find/situation.h"
#include "find/term.h"

enum { FAQ_CANDIDATES = 30, ANSWER_CANDIDATES = 12, DOCUMENT_DEPTH = 64, ALIKE_DEPTH = 60 };

static const double MATCH_WORDS = 0.7; /* the rest is the vectors' */

/* How well a hit answers: the quote first, then what its passage and the ranking say. Measured on
 * the questions of test/conform/test_answers.c. */
static const double ANSWER_PASSAGE = 0.33, ANSWER_RANK = 0.45, ANSWER_DOCUMENT = 0.28;
static const double ALIKE_WEIGHT = 0.36; /* of words that mean the same as those asked */

struct asking {
    const struct search_query *q;
    struct str words; /* the context and the text */
    struct store *store;
    float *vector;                          /* of the query; NULL: words only */
    const struct answer_question *question; /* weighed by the index at hand */
    const struct index_probe *probe;        /* of the same */
    size_t k, per_namespace;
    struct search_hit *hits;
    size_t count, max;
};

/* A passage that does not match well enough is not found. */
static enum err fill_hit(struct ctx *c, struct asking *a, struct shelf *shelf,
                         const struct index_hit *from, bool *out_found)
{
    const struct shelf_passage *p = NULL;
    double words = index_coverage(a->probe, from->passage);
    double near = a->vector ? index_similarity(a->probe, from->passage) : words;
    double match = MATCH_WORDS * words + (1 - MATCH_WORDS) * near;
    if (match >= a->q->match_min) {
        TRY(shelf_passage(c, a->store, shelf, from, &p));
    }
    *out_found = p != NULL;
    if (!p) {
        return E_OK;
    }
    struct answer answer = answer_in(a->question, p->reading, p->text);
    struct search_hit *h = &a->hits[a->count];
    *h = (struct search_hit){.document = p->document,
                             .chunk = p->ordinal,
                             .namespace = p->namespace,
                             .title = p->title,
                             .source_url = p->source_url,
                             .text = p->text,
                             .heading = p->heading,
                             .start = p->start,
                             .end = p->end,
                             .quote = str_sub(p->text, answer.start, answer.end - answer.start),
                             .quote_start = p->start + answer.start,
                             .quote_end = p->start + answer.end,
                             .score = (double)from->score,
                             .match = match,
                             .answer = answer.score};
    return E_OK;
}

static bool is_shown(const struct asking *a, const struct id *document)
{
    for (size_t i = 0; i < a->count; i++) {
        if (id_eq(&a->hits[i].document, document)) {
            return true;
        }
    }
    return false;
}

static size_t rank(const struct asking *a, const struct index *ix, struct index_hit *out,
                   size_t max)
{
    struct index_hit words[FUSE_DEPTH], near[FUSE_DEPTH];
    if (a->q->in_steps) {
        struct situation situation = {.text = a->words, .vector = a->vector};
        return situation_search(ix, &situation, max, out);
    }
    struct fuse_query both = {.words = words,
                              .vectors = near,
                              .depth = FUSE_DEPTH,
                              .words_weight = a->q->words_weight,
                              .vectors_weight = a->q->vectors_weight};
    if (a->q->mode != SEARCH_VECTORS) {
        both.n_words = index_search(ix, a->words, FUSE_DEPTH, NULL, words);
    }
    if (a->q->mode != SEARCH_WORDS && a->vector) {
        both.n_vectors = index_nearest(ix, a->vector, FUSE_DEPTH, NULL, near);
    }
    return fuse_query(&both, max, out);
}

static double index_weigher(const void *arg, struct str term)
{
    return index_weight(arg, term);
}

/* What a document's passages make up together, as a share of the best document's. */
static void weigh_documents(const struct index *ix, const struct index_hit *ranked, size_t n,
                            double *out_shares)
{
    double top = 0;
    for (size_t i = 0; i < n; i++) {
        out_shares[i] = 0;
        for (size_t k = 0; k < n; k++) {
            bool same =
                id_eq(index_document(ix, ranked[i].passage), index_document(ix, ranked[k].passage));
            out_shares[i] += same ? (double)ranked[k].score : 0;
        }
        top = out_shares[i] > top ? out_shares[i] : top;
    }
    for (size_t i = 0; i < n && top > 0; i++) {
        out_shares[i] /= top;
    }
}

/* The ranking joined with that of other words for what is asked. */
static size_t add_alike(struct ctx *c, const struct asking *a, const struct index *ix,
                        struct index_hit *ranked, size_t n)
{
    struct index_hit near[ALIKE_DEPTH];
    struct str other = answer_alike(c->arena, a->question);
    size_t found = other.n ? index_search(ix, other, ALIKE_DEPTH, NULL, near) : 0;
    if (!found) {
        return n;
    }
    float top = n ? ranked[0].score : near[0].score;
    struct index_hit *own = arena_memdup(c->arena, ranked, n * sizeof(*ranked));
    struct fuse_list lists[2] = {{own, n, 1, 0}, {near, found, ALIKE_WEIGHT, 0}};
    n = fuse_lists(lists, 2, 0, 2 * FUSE_DEPTH, ranked);
    for (size_t i = 0; i < n; i++) {
        ranked[i].score *= top;
    }
    return n;
}

static void read_question(struct ctx *c, struct asking *a, const struct index *ix)
{
    a->question = answer_read(c->arena, a->q->text, (struct answer_weigher){index_weigher, ix});
    a->probe = index_probe(c->arena, ix, a->q->text, a->vector);
}

static enum err ask_namespace(struct ctx *c, struct asking *a, struct str namespace)
{
    struct shelf *shelf;
    TRY(shelf_open(c, a->store, namespace, &shelf));
    struct index_hit ranked[2 * FUSE_DEPTH];
    size_t n = rank(a, shelf->index, ranked, 2 * FUSE_DEPTH), taken = 0;
    enum err e = E_OK;
    double shares[DOCUMENT_DEPTH] = {0};
    read_question(c, a, shelf->index);
    if (a->q->by_answer) {
        n = add_alike(c, a, shelf->index, ranked, n);
        size_t depth = n < DOCUMENT_DEPTH ? n : DOCUMENT_DEPTH;
        weigh_documents(shelf->index, ranked, depth, shares);
    }
    for (size_t i = 0; i < n && taken < a->per_namespace && e == E_OK; i++) {
        bool found = false;
        if (a->q->per_document && !a->q->by_answer &&
            is_shown(a, index_document(shelf->index, ranked[i].passage))) {
            continue;
        }
        e = fill_hit(c, a, shelf, &ranked[i], &found);
        if (e == E_OK && found) {
            a->hits[a->count].answer += i < DOCUMENT_DEPTH ? ANSWER_DOCUMENT * shares[i] : 0;
            a->count++;
            taken++;
        }
    }
    shelf_close(shelf);
    return e;
}

static enum err embed_query(struct ctx *c, struct asking *a)
{
    const struct embedder *e = shelf_embedder(c->at->search);
    if (!e->name || a->q->mode == SEARCH_WORDS) {
        return E_OK;
    }
    a->vector = ARENA_ARRAY(c->arena, float, (size_t)e->dimensions);
    return e->embed(c, e->arg, &a->q->text, 1, true, a->vector);
}

static int best_first(const void *a, const void *b)
{
    const struct search_hit *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score ? 1 : 0;
}

static int best_answer_first(const void *a, const void *b)
{
    const struct search_hit *x = a, *y = b;
    return x->answer > y->answer ? -1 : x->answer < y->answer ? 1 : best_first(a, b);
}

static void order_by_answer(struct asking *a)
{
    size_t kept = 0, all = a->count;
    double top = 0;
    for (size_t i = 0; i < all; i++) {
        top = a->hits[i].score > top ? a->hits[i].score : top;
    }
    for (size_t i = 0; i < all; i++) {
        struct search_hit *h = &a->hits[i];
        h->answer += ANSWER_PASSAGE * h->match + (top > 0 ? ANSWER_RANK * h->score / top : 0);
    }
    qsort(a->hits, all, sizeof(*a->hits), best_answer_first);
    for (a->count = 0; kept < all; kept++) { /* is_shown looks at those before */
        if (!a->q->per_document || !is_shown(a, &a->hits[kept].document)) {
            a->hits[a->count++] = a->hits[kept];
        }
    }
}

static enum err all_namespaces(struct ctx *c, struct asking *a, const struct str **out, size_t *n)
{
    struct store_rows rows;
    TRY(store_query(c, a->store, &rows,
                    "SELECT DISTINCT namespace FROM document WHERE status = 'ready'"
                    " ORDER BY namespace LIMIT ?1",
                    S_INT(SEARCH_NAMESPACES_MAX)));
    struct str *names = ARENA_ARRAY(c->arena, struct str, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        names[i] = row_str(&rows, i, 0);
    }
    *out = names;
    *n = (size_t)rows.count;
    return E_OK;
}

enum err search_query(struct ctx *c, const struct search_query *q, struct search_result *out)
{
    struct asking a = {.q = q, .k = q->k ? q->k : 5};
    const struct str *names = q->namespaces;
    size_t n = q->namespace_count;
    *out = (struct search_result){0};
    if (str_trim(q->text).n == 0) {
        return ctx_fail_field(c, E_INVALID, "query", "the query is empty");
    }
    a.words = q->context.n ? str_fmt(c->arena, "%.*s\n%.*s", STR_ARG(q->context), STR_ARG(q->text))
                           : q->text;
    a.k = a.k < SEARCH_HITS_MAX ? a.k : SEARCH_HITS_MAX;
    TRY(store_of(c, &a.store));
    if (!names) {
        TRY(all_namespaces(c, &a, &names, &n));
    }
    n = n < SEARCH_NAMESPACES_MAX ? n : SEARCH_NAMESPACES_MAX;
    TRY(embed_query(c, &a));
    a.per_namespace = q->by_answer && a.k < ANSWER_CANDIDATES ? ANSWER_CANDIDATES : a.k;
    a.max = a.per_namespace * (n + 1);
    a.hits = ARENA_ARRAY(c->arena, struct search_hit, a.max + 1);
    for (size_t i = 0; i < n; i++) {
        TRY(ask_namespace(c, &a, names[i]));
    }
    if (q->by_answer) {
        order_by_answer(&a);
    } else {
        qsort(a.hits, a.count, sizeof(*a.hits), best_first);
    }
    *out = (struct search_result){a.hits, a.count < a.k ? a.count : a.k};
    return E_OK;
}

/* ---- frequent questions -------------------------------------------------- */

struct wordset {
    struct str terms[64];
    char bytes[64][TERM_MAX_BYTES];
    size_t n;
};

static void read_words(struct arena *a, struct str text, struct wordset *w)
{
    struct str plain = text_plain(a, text_cut_bytes(text, 1000)), term;
    size_t cursor = 0;
    w->n = 0;
    while (w->n < 64 && term_next(plain, &cursor, w->bytes[w->n], &term)) {
        bool known = term_is_stop(term);
        for (size_t i = 0; i < w->n && !known; i++) {
            known = str_eq(w->terms[i], term);
        }
        if (!known) {
            w->terms[w->n++] = term;
        }
    }
}

/* How alike two questions are: shared words over all words (Dice). */
static double alike(const struct wordset *a, const struct wordset *b)
{
    size_t shared = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            shared += str_eq(a->terms[i], b->terms[j]);
        }
    }
    return a->n + b->n ? 2.0 * (double)shared / (double)(a->n + b->n) : 0;
}

static int match_first(const void *a, const void *b)
{
    double x = ((const struct search_hit *)a)->match, y = ((const struct search_hit *)b)->match;
    return x > y ? -1 : x < y;
}

/* The documents whose titles are worth comparing: the index names them. */
static enum err faq_candidates(struct ctx *c, struct asking *a, struct str namespace)
{
    struct shelf *shelf;
    TRY(embed_query(c, a));
    TRY(shelf_open(c, a->store, namespace, &shelf));
    struct index_hit ranked[2 * FUSE_DEPTH];
    size_t n = rank(a, shelf->index, ranked, 2 * FUSE_DEPTH);
    enum err e = E_OK;
    read_question(c, a, shelf->index);
    for (size_t i = 0; i < n && a->count < a->max && e == E_OK; i++) {
        bool found = false;
        if (!is_shown(a, index_document(shelf->index, ranked[i].passage))) {
            e = fill_hit(c, a, shelf, &ranked[i], &found);
            a->count += e == E_OK && found;
        }
    }
    shelf_close(shelf);
    return e;
}

enum err search_faq(struct ctx *c, struct str namespace, struct str question, double auto_min,
                    double list_min, struct search_result *out, enum search_faq *out_kind)
{
    struct search_query q = {.text = question, .per_document = true};
    struct asking a = {.q = &q, .words = question, .k = FAQ_CANDIDATES, .max = FAQ_CANDIDATES};
    TRY(store_of(c, &a.store));
    a.hits = ARENA_ARRAY(c->arena, struct search_hit, a.max + 1);
    TRY(faq_candidates(c, &a, namespace));
    struct wordset *asked = ARENA_NEW(c->arena, struct wordset);
    struct wordset *title = ARENA_NEW(c->arena, struct wordset);
    size_t n = 0;
    read_words(c->arena, question, asked);
    for (size_t i = 0; i < a.count; i++) {
        read_words(c->arena, a.hits[i].title, title);
        a.hits[i].match = a.hits[i].score = alike(asked, title);
        if (a.hits[i].match >= list_min) {
            a.hits[n++] = a.hits[i];
        }
    }
    qsort(a.hits, n, sizeof(*a.hits), match_first);
    *out = (struct search_result){a.hits, n};
    *out_kind = n == 0                        ? SEARCH_FAQ_NONE
                : a.hits[0].match >= auto_min ? SEARCH_FAQ_AUTO
                                              : SEARCH_FAQ_LIST;
    return E_OK;
}
