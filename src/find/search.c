#include "find/search.h"

#include <stdlib.h>

#include "codec/hmac.h"
#include "codec/text.h"
#include "find/chunk.h"
#include "find/fuse.h"
#include "find/shelf.h"
#include "find/term.h"

enum { DEPTH = 6, QUOTE_MAX_BYTES = 400, KEY_MAX_BYTES = 300, FAQ_MAX = 2000 };

static const double WORDS_WEIGHT = 1.0, VECTORS_WEIGHT = 0.4; /* measured on the judged sets */
static const double MATCH_WORDS = 0.7;                        /* the rest is the vectors' */

const struct migration find_migrations[] = {
    {"find", 1, STORE_SCOPE_ORG,
     "CREATE TABLE document ("
     " id TEXT NOT NULL, namespace TEXT NOT NULL, key TEXT NOT NULL, title TEXT NOT NULL,"
     " media_type TEXT NOT NULL, source_url TEXT NOT NULL, sha256 TEXT NOT NULL,"
     " status TEXT NOT NULL, bytes BIGINT NOT NULL, text TEXT NOT NULL,"
     " chunk_count BIGINT NOT NULL, embedder TEXT NOT NULL, changed BIGINT NOT NULL,"
     " created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
     " PRIMARY KEY (id), UNIQUE (namespace, key));"
     "CREATE INDEX document_by_change ON document (namespace, changed);"
     "CREATE TABLE chunk ("
     " document_id TEXT NOT NULL, ordinal BIGINT NOT NULL, heading TEXT NOT NULL,"
     " text_start BIGINT NOT NULL, text_end BIGINT NOT NULL, vector BLOB,"
     " PRIMARY KEY (document_id, ordinal));"},
    {0},
};

#define DOCUMENT_COLUMNS                                                                           \
    "id, namespace, key, title, media_type, source_url, sha256, status, bytes, chunk_count, "      \
    "created_at, updated_at"

static struct search_document read_document(const struct store_rows *r, int row)
{
    return (struct search_document){
        .id = row_id(r, row, 0),
        .namespace = row_str(r, row, 1),
        .key = row_str(r, row, 2),
        .title = row_str(r, row, 3),
        .media_type = row_str(r, row, 4),
        .source_url = row_str(r, row, 5),
        .sha256 = row_str(r, row, 6),
        .status = row_str(r, row, 7),
        .bytes = row_int(r, row, 8),
        .chunk_count = row_int(r, row, 9),
        .created_at_ms = row_int(r, row, 10),
        .updated_at_ms = row_int(r, row, 11),
    };
}

/* ---- importing ----------------------------------------------------------- */

struct import {
    struct store *store;
    const struct search_source *source;
    struct extract extract;
    struct chunk *chunks;
    size_t chunk_count;
    float *vectors; /* NULL: none */
    struct search_document document;
    enum search_import kind;
};

static bool is_namespace(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
              c == '-')) {
            return false;
        }
    }
    return s.n > 0 && s.n <= SEARCH_NAMESPACE_MAX_BYTES;
}

static enum err name_document(struct ctx *c, struct import *im)
{
    const struct search_source *s = im->source;
    struct search_document *d = &im->document;
    const struct embedder *e = shelf_embedder(c->at->search);
    d->namespace = s->namespace.n ? s->namespace : STR("default");
    if (!is_namespace(d->namespace)) {
        return ctx_fail_field(c, E_INVALID, "namespace", "a namespace has a-z, 0-9, _ . - only");
    }
    struct str about = str_fmt(c->arena, "%s\n%.*s\n", e->name ? e->name : "", STR_ARG(s->title));
    struct hmac_digest *digest = hmac_digest_new();
    unsigned char bytes[HMAC_SHA256_BYTES];
    hmac_digest_add(digest, about);
    hmac_digest_add(digest, s->bytes);
    hmac_digest_end(&digest, bytes);
    struct buf hex = buf_make(2 * HMAC_SHA256_BYTES);
    for (int i = 0; i < HMAC_SHA256_BYTES; i++) {
        buf_addf(&hex, "%02x", bytes[i]);
    }
    d->sha256 = str_dup(c->arena, buf_str(&hex));
    buf_free(&hex);
    d->key = s->key.n ? s->key : d->sha256;
    if (d->key.n > KEY_MAX_BYTES || s->source_url.n > 2000) {
        return ctx_fail_field(c, E_INVALID, "key", "key has at most %d bytes", KEY_MAX_BYTES);
    }
    d->media_type = s->media_type.n ? s->media_type : STR("text/plain");
    d->source_url = s->source_url;
    d->bytes = (int64_t)s->bytes.n;
    return E_OK;
}

static enum err read_source(struct ctx *c, struct import *im)
{
    struct str why = {0};
    enum err e =
        extract_text(c->arena, im->document.media_type, im->source->bytes, &why, &im->extract);
    if (e != E_OK) {
        bool typed = e == E_INVALID && str_find(why, STR("type")) >= 0;
        return ctx_fail_field(c, e, typed ? "media_type" : "bytes", "%.*s", STR_ARG(why));
    }
    struct search_document *d = &im->document;
    d->title = im->source->title.n ? im->source->title : im->extract.outline.title;
    d->title = d->title.n ? d->title : d->key;
    d->title = text_cut_bytes(d->title, 300);
    TRY(chunk_extract(c->arena, &im->extract, NULL, &im->chunks, &im->chunk_count));
    if (im->chunk_count == 0) {
        return ctx_fail_field(c, E_INVALID, "bytes", "there is no text in this document");
    }
    d->chunk_count = (int64_t)im->chunk_count;
    return E_OK;
}

static enum err embed_chunks(struct ctx *c, struct import *im)
{
    const struct embedder *e = shelf_embedder(c->at->search);
    if (!e->name) {
        return E_OK;
    }
    struct str *texts = ARENA_ARRAY(c->arena, struct str, im->chunk_count);
    for (size_t i = 0; i < im->chunk_count; i++) {
        texts[i] = str_fmt(c->arena, "%.*s\n%.*s\n%.*s", STR_ARG(im->document.title),
                           STR_ARG(im->chunks[i].heading), STR_ARG(im->chunks[i].text));
    }
    im->vectors = ARENA_ARRAY(c->arena, float, im->chunk_count *(size_t)e->dimensions);
    return e->embed(c, e->arg, texts, im->chunk_count, false, im->vectors);
}

static enum err put_chunks(struct ctx *c, struct import *im)
{
    size_t d = (size_t)shelf_embedder(c->at->search)->dimensions;
    TRY(store_exec(c, im->store, NULL, "DELETE FROM chunk WHERE document_id = ?1",
                   S_ID(&im->document.id)));
    for (size_t i = 0; i < im->chunk_count; i++) {
        const struct chunk *k = &im->chunks[i];
        struct str vector = im->vectors
                                ? str_make((const char *)(im->vectors + i * d), d * sizeof(float))
                                : STR("");
        TRY(store_exec(c, im->store, NULL,
                       "INSERT INTO chunk (document_id, ordinal, heading, text_start, text_end,"
                       " vector) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       S_ID(&im->document.id), S_INT((int64_t)i), S_STR(k->heading),
                       S_INT((int64_t)k->start), S_INT((int64_t)k->end),
                       vector.n ? S_BLOB(vector) : S_NULL));
    }
    return E_OK;
}

static enum err import_in(struct ctx *c, void *arg)
{
    struct import *im = arg;
    struct search_document *d = &im->document;
    const struct embedder *e = shelf_embedder(c->at->search);
    struct store_rows rows;
    int64_t now = ctx_now_ms(c), changed = 0;
    TRY(store_query(c, im->store, &rows,
                    "SELECT " DOCUMENT_COLUMNS " FROM document WHERE namespace = ?1 AND key = ?2",
                    S_STR(d->namespace), S_STR(d->key)));
    im->kind = rows.count ? SEARCH_IMPORT_REPLACED : SEARCH_IMPORT_NEW;
    d->id = rows.count ? row_id(&rows, 0, 0) : id_new(now);
    d->created_at_ms = rows.count ? row_int(&rows, 0, 10) : now;
    d->updated_at_ms = now;
    d->status = STR("ready");
    TRY(store_next(c, im->store, "document", &changed));
    TRY(store_exec(c, im->store, NULL,
                   "INSERT INTO document (id, namespace, key, title, media_type, source_url,"
                   " sha256, status, bytes, text, chunk_count, embedder, changed, created_at,"
                   " updated_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'ready', ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
                   " ON CONFLICT (id) DO UPDATE SET title = excluded.title,"
                   " media_type = excluded.media_type, source_url = excluded.source_url,"
                   " sha256 = excluded.sha256, status = 'ready', bytes = excluded.bytes,"
                   " text = excluded.text, chunk_count = excluded.chunk_count,"
                   " embedder = excluded.embedder, changed = excluded.changed,"
                   " updated_at = excluded.updated_at",
                   S_ID(&d->id), S_STR(d->namespace), S_STR(d->key), S_STR(d->title),
                   S_STR(d->media_type), S_STR(d->source_url), S_STR(d->sha256), S_INT(d->bytes),
                   S_STR(im->extract.outline.text), S_INT(d->chunk_count),
                   S_Z(e->name ? e->name : ""), S_INT(changed), S_INT(d->created_at_ms),
                   S_INT(now)));
    return put_chunks(c, im);
}

static enum err find_same(struct ctx *c, struct import *im, bool *out_same)
{
    struct store_rows rows;
    TRY(store_query(c, im->store, &rows,
                    "SELECT " DOCUMENT_COLUMNS " FROM document"
                    " WHERE namespace = ?1 AND key = ?2 AND sha256 = ?3 AND status = 'ready'",
                    S_STR(im->document.namespace), S_STR(im->document.key),
                    S_STR(im->document.sha256)));
    *out_same = rows.count > 0;
    if (*out_same) {
        im->document = read_document(&rows, 0);
    }
    return E_OK;
}

enum err search_import(struct ctx *c, const struct search_source *source,
                       enum search_import *out_kind, struct search_document *out_document)
{
    struct import im = {.source = source, .kind = SEARCH_IMPORT_UNCHANGED};
    bool same = false;
    TRY(store_of(c, &im.store));
    TRY(name_document(c, &im));
    TRY(find_same(c, &im, &same));
    if (!same) {
        TRY(read_source(c, &im));
        TRY(embed_chunks(c, &im)); /* before the transaction: it may call out */
        TRY(store_transact(c, im.store, import_in, &im));
    }
    if (out_kind) {
        *out_kind = im.kind;
    }
    if (out_document) {
        *out_document = im.document;
    }
    return E_OK;
}

/* ---- documents ----------------------------------------------------------- */

enum err search_get(struct ctx *c, const struct id *document, struct search_document *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " DOCUMENT_COLUMNS " FROM document WHERE id = ?1 AND status = 'ready'",
                    S_ID(document)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such document");
    }
    *out = read_document(&rows, 0);
    return E_OK;
}

enum err search_text(struct ctx *c, const struct id *document, struct str *out_text)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT text FROM document WHERE id = ?1 AND status = 'ready'",
                    S_ID(document)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such document");
    }
    *out_text = row_str(&rows, 0, 0);
    return E_OK;
}

struct removal {
    struct store *store;
    const struct id *id;
};

/* The row stays, empty, so that every process learns of the removal. */
static enum err remove_in(struct ctx *c, void *arg)
{
    struct removal *r = arg;
    int64_t changed = 0, rows = 0;
    TRY(store_next(c, r->store, "document", &changed));
    TRY(store_exec(c, r->store, &rows,
                   "UPDATE document SET status = 'removed', text = '', title = '', sha256 = '',"
                   " chunk_count = 0, changed = ?2, updated_at = ?3"
                   " WHERE id = ?1 AND status = 'ready'",
                   S_ID(r->id), S_INT(changed), S_INT(ctx_now_ms(c))));
    if (rows == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such document");
    }
    return store_exec(c, r->store, NULL, "DELETE FROM chunk WHERE document_id = ?1", S_ID(r->id));
}

enum err search_remove(struct ctx *c, const struct id *document)
{
    struct removal r = {.id = document};
    TRY(store_of(c, &r.store));
    return store_transact(c, r.store, remove_in, &r);
}

enum err search_list(struct ctx *c, struct str namespace, const struct id *after, size_t limit,
                     struct search_page *out)
{
    struct store *s;
    struct store_rows rows;
    struct search_document last = {0};
    TRY(store_of(c, &s));
    if (after) {
        TRY(search_get(c, after, &last));
    }
    limit = limit < SEARCH_LIST_MAX ? limit : SEARCH_LIST_MAX;
    TRY(store_query(c, s, &rows,
                    "SELECT " DOCUMENT_COLUMNS " FROM document WHERE status = 'ready'"
                    " AND (?1 = '' OR namespace = ?1)"
                    " AND (namespace > ?2 OR (namespace = ?2 AND key > ?3))"
                    " ORDER BY namespace, key LIMIT ?4",
                    S_STR(namespace), S_STR(last.namespace), S_STR(last.key),
                    S_INT((int64_t)limit + 1)));
    size_t n = (size_t)rows.count < limit ? (size_t)rows.count : limit;
    out->items = ARENA_ARRAY(c->arena, struct search_document, n + 1);
    for (size_t i = 0; i < n; i++) {
        out->items[i] = read_document(&rows, (int)i);
    }
    out->count = n;
    out->more = (size_t)rows.count > limit;
    return E_OK;
}

/* ---- asking -------------------------------------------------------------- */

struct asking {
    const struct search_query *q;
    struct store *store;
    float *vector; /* of the query; NULL: words only */
    size_t k;
    struct search_hit *hits;
    size_t count, max;
};

static enum err fill_hit(struct ctx *c, struct asking *a, const struct index *ix,
                         const struct index_hit *from, bool *out_found)
{
    struct id id = *index_document(ix, from->passage);
    struct store_rows rows;
    TRY(store_query(c, a->store, &rows,
                    "SELECT d.namespace, d.title, d.source_url, d.text, k.heading, k.text_start,"
                    " k.text_end FROM document d, chunk k"
                    " WHERE d.id = ?1 AND k.document_id = ?1 AND k.ordinal = ?2",
                    S_ID(&id), S_INT(index_ordinal(ix, from->passage))));
    *out_found = rows.count > 0;
    if (!*out_found) {
        return E_OK; /* removed this very moment */
    }
    struct search_hit *h = &a->hits[a->count];
    *h = (struct search_hit){.document = id,
                             .chunk = index_ordinal(ix, from->passage),
                             .namespace = row_str(&rows, 0, 0),
                             .title = row_str(&rows, 0, 1),
                             .source_url = row_str(&rows, 0, 2),
                             .heading = row_str(&rows, 0, 4),
                             .start = (size_t)row_int(&rows, 0, 5),
                             .end = (size_t)row_int(&rows, 0, 6),
                             .score = (double)from->score};
    h->text = str_sub(row_str(&rows, 0, 3), h->start, h->end - h->start);
    size_t start, end;
    chunk_quote(h->text, a->q->text, QUOTE_MAX_BYTES, &start, &end);
    h->quote = str_sub(h->text, start, end - start);
    h->quote_start = h->start + start;
    h->quote_end = h->start + end;
    double words = index_coverage(ix, a->q->text, from->passage);
    double near = a->vector ? index_similarity(ix, a->vector, from->passage) : words;
    h->match = MATCH_WORDS * words + (1 - MATCH_WORDS) * near;
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
    struct index_hit *words = mem_new(2 * max * sizeof(*words)), *near = words + max;
    size_t n_words =
        a->q->mode == SEARCH_VECTORS ? 0 : index_search(ix, a->q->text, max, NULL, words);
    size_t n_near = a->q->mode == SEARCH_WORDS || !a->vector
                        ? 0
                        : index_nearest(ix, a->vector, max, NULL, near);
    bool given = a->q->words_weight > 0 || a->q->vectors_weight > 0;
    struct fuse_list lists[2] = {
        {words, n_words, given ? a->q->words_weight : WORDS_WEIGHT},
        {near, n_near, given ? a->q->vectors_weight : VECTORS_WEIGHT},
    };
    size_t n = fuse_lists(lists, 2, 0, max, out);
    free(words);
    return n;
}

static enum err ask_namespace(struct ctx *c, struct asking *a, struct str namespace)
{
    struct shelf *shelf;
    TRY(shelf_open(c, a->store, namespace, &shelf));
    size_t max = a->k * DEPTH < INDEX_HITS_MAX ? a->k * DEPTH : INDEX_HITS_MAX;
    struct index_hit *ranked = mem_new(max * sizeof(*ranked));
    size_t n = rank(a, shelf->index, ranked, max), taken = 0;
    enum err e = E_OK;
    for (size_t i = 0; i < n && taken < a->k && e == E_OK; i++) {
        bool found = false;
        if (a->q->per_document && is_shown(a, index_document(shelf->index, ranked[i].passage))) {
            continue;
        }
        e = fill_hit(c, a, shelf->index, &ranked[i], &found);
        if (e == E_OK && found && a->hits[a->count].match >= a->q->match_min) {
            a->count++;
            taken++;
        }
    }
    free(ranked);
    shelf_close(c, shelf);
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
    a.k = a.k < SEARCH_HITS_MAX ? a.k : SEARCH_HITS_MAX;
    TRY(store_of(c, &a.store));
    if (!names) {
        TRY(all_namespaces(c, &a, &names, &n));
    }
    n = n < SEARCH_NAMESPACES_MAX ? n : SEARCH_NAMESPACES_MAX;
    TRY(embed_query(c, &a));
    a.max = a.k * (n + 1);
    a.hits = ARENA_ARRAY(c->arena, struct search_hit, a.max + 1);
    for (size_t i = 0; i < n; i++) {
        TRY(ask_namespace(c, &a, names[i]));
    }
    qsort(a.hits, a.count, sizeof(*a.hits), best_first);
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

enum err search_faq(struct ctx *c, struct str namespace, struct str question, double auto_min,
                    double list_min, struct search_result *out, enum search_faq *out_kind)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT id, title, source_url, text FROM document"
                    " WHERE namespace = ?1 AND status = 'ready' ORDER BY key LIMIT ?2",
                    S_STR(namespace), S_INT(FAQ_MAX)));
    struct wordset *asked = ARENA_NEW(c->arena, struct wordset);
    struct wordset *title = ARENA_NEW(c->arena, struct wordset);
    struct search_hit *hits = ARENA_ARRAY(c->arena, struct search_hit, (size_t)rows.count + 1);
    size_t n = 0;
    read_words(c->arena, question, asked);
    for (int i = 0; i < rows.count; i++) {
        read_words(c->arena, row_str(&rows, i, 1), title);
        double match = alike(asked, title);
        if (match < list_min) {
            continue;
        }
        struct str text = row_str(&rows, i, 3);
        hits[n++] = (struct search_hit){.document = row_id(&rows, i, 0),
                                        .namespace = namespace,
                                        .title = row_str(&rows, i, 1),
                                        .source_url = row_str(&rows, i, 2),
                                        .text = text,
                                        .end = text.n,
                                        .quote = text_cut_bytes(text, QUOTE_MAX_BYTES),
                                        .match = match,
                                        .score = match};
    }
    qsort(hits, n, sizeof(*hits), match_first);
    *out = (struct search_result){hits, n < SEARCH_HITS_MAX ? n : SEARCH_HITS_MAX};
    *out_kind = n == 0                      ? SEARCH_FAQ_NONE
                : hits[0].match >= auto_min ? SEARCH_FAQ_AUTO
                                            : SEARCH_FAQ_LIST;
    return E_OK;
}

/* ---- vectors of another embedder ----------------------------------------- */

static enum err reembed_one(struct ctx *c, struct store *s, const struct id *id)
{
    struct store_rows rows;
    struct search_document d;
    TRY(search_get(c, id, &d));
    TRY(store_query(c, s, &rows, "SELECT text FROM document WHERE id = ?1", S_ID(id)));
    struct search_source source = {.namespace = d.namespace,
                                   .key = d.key,
                                   .title = d.title,
                                   .media_type = STR("text/plain"),
                                   .source_url = d.source_url,
                                   .bytes = row_str(&rows, 0, 0)};
    struct import im = {.source = &source, .store = s};
    TRY(name_document(c, &im));
    TRY(read_source(c, &im));
    im.document.media_type = d.media_type;
    TRY(embed_chunks(c, &im));
    return store_transact(c, s, import_in, &im);
}

enum err search_reembed(struct ctx *c, size_t max, size_t *out_done, size_t *out_left)
{
    struct store *s;
    struct store_rows rows;
    const struct embedder *e = shelf_embedder(c->at->search);
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT id FROM document WHERE status = 'ready' AND embedder <> ?1"
                    " ORDER BY id LIMIT 10000",
                    S_Z(e->name ? e->name : "")));
    *out_done = 0;
    for (int i = 0; i < rows.count && *out_done < max; i++) {
        struct id id = row_id(&rows, i, 0);
        TRY(reembed_one(c, s, &id));
        (*out_done)++;
    }
    *out_left = (size_t)rows.count - *out_done;
    return E_OK;
}
