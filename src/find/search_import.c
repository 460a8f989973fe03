#include "codec/hmac.h"
#include "codec/text.h"
#include "find/chunk.h"
#include "find/search_row.h"
#include "find/shelf.h"
#include "find/vector.h"

enum {
    EMBED_BATCH = 64,
    CHUNK_PAGE = 1000,
    KEY_MAX_BYTES = 300,
    URL_MAX_BYTES = 2000,
    TITLE_MAX_BYTES = 300
};

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

static struct str embedder_name(const struct ctx *c)
{
    return str_of(shelf_embedder(c->at->search)->name);
}

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
    d->namespace = s->namespace.n ? s->namespace : STR("default");
    if (!is_namespace(d->namespace)) {
        return ctx_fail_field(c, E_INVALID, "namespace", "a namespace has a-z, 0-9, _ . - only");
    }
    struct str about = str_fmt(c->arena, "%.*s\n%.*s\n%.*s\n", STR_ARG(s->title),
                               STR_ARG(s->media_type), STR_ARG(s->source_url));
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
    if (d->key.n > KEY_MAX_BYTES || s->source_url.n > URL_MAX_BYTES) {
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
    d->title = text_cut_bytes(d->title, TITLE_MAX_BYTES);
    TRY(chunk_extract(c->arena, &im->extract, NULL, &im->chunks, &im->chunk_count));
    if (im->chunk_count == 0) {
        return ctx_fail_field(c, E_INVALID, "bytes", "there is no text in this document");
    }
    d->chunk_count = (int64_t)im->chunk_count;
    return E_OK;
}

/* What of a chunk becomes its vector: the title and the headings tell what it is about. */
static enum err embed_all(struct ctx *c, struct str title, const struct chunk *chunks, size_t n,
                          float **out_vectors)
{
    const struct embedder *e = shelf_embedder(c->at->search);
    *out_vectors = NULL;
    if (!e->name) {
        return E_OK;
    }
    float *vectors = ARENA_ARRAY(c->arena, float, n *(size_t)e->dimensions);
    for (size_t from = 0; from < n; from += EMBED_BATCH) {
        struct str texts[EMBED_BATCH];
        size_t count = n - from < EMBED_BATCH ? n - from : EMBED_BATCH;
        for (size_t i = 0; i < count; i++) {
            const struct chunk *k = &chunks[from + i];
            texts[i] = str_fmt(c->arena, "%.*s\n%.*s\n%.*s", STR_ARG(title), STR_ARG(k->heading),
                               STR_ARG(k->text));
        }
        TRY(e->embed(c, e->arg, texts, count, false, vectors + from * (size_t)e->dimensions));
    }
    *out_vectors = vectors;
    return E_OK;
}

/* As the index keeps it: a scale and signed bytes. */
static struct str pack_vector(struct arena *a, const float *vectors, size_t i, int dimensions)
{
    size_t n = vector_stored_bytes(dimensions);
    uint8_t *bytes = arena_alloc(a, n);
    vector_store(vectors + i * (size_t)dimensions, dimensions, bytes);
    return str_make((const char *)bytes, n);
}

static enum err put_chunks(struct ctx *c, struct import *im)
{
    int dimensions = shelf_embedder(c->at->search)->dimensions;
    TRY(store_exec(c, im->store, NULL, "DELETE FROM chunk WHERE document_id = ?1",
                   S_ID(&im->document.id)));
    for (size_t i = 0; i < im->chunk_count; i++) {
        const struct chunk *k = &im->chunks[i];
        struct store_value vector =
            im->vectors ? S_BLOB(pack_vector(c->arena, im->vectors, i, dimensions)) : S_NULL;
        TRY(store_exec(c, im->store, NULL,
                       "INSERT INTO chunk (document_id, ordinal, heading, text, text_start,"
                       " text_end, vector) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       S_ID(&im->document.id), S_INT((int64_t)i), S_STR(k->heading), S_STR(k->text),
                       S_INT((int64_t)k->start), S_INT((int64_t)k->end), vector));
    }
    return E_OK;
}

static enum err import_in(struct ctx *c, void *arg)
{
    struct import *im = arg;
    struct search_document *d = &im->document;
    struct store_rows rows;
    int64_t now = ctx_now_ms(c), changed = 0;
    TRY(store_query(c, im->store, &rows,
                    "SELECT " SEARCH_DOCUMENT_COLUMNS
                    " FROM document WHERE namespace = ?1 AND key = ?2",
                    S_STR(d->namespace), S_STR(d->key)));
    bool there = rows.count && str_eqz(row_str(&rows, 0, 7), "ready");
    im->kind = there ? SEARCH_IMPORT_REPLACED : SEARCH_IMPORT_NEW;
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
                   S_STR(im->extract.outline.text), S_INT(d->chunk_count), S_STR(embedder_name(c)),
                   S_INT(changed), S_INT(d->created_at_ms), S_INT(now)));
    return put_chunks(c, im);
}

static enum err find_same(struct ctx *c, struct import *im, bool *out_same)
{
    struct store_rows rows;
    TRY(store_query(c, im->store, &rows,
                    "SELECT " SEARCH_DOCUMENT_COLUMNS " FROM document"
                    " WHERE namespace = ?1 AND key = ?2 AND sha256 = ?3 AND embedder = ?4"
                    " AND status = 'ready'",
                    S_STR(im->document.namespace), S_STR(im->document.key),
                    S_STR(im->document.sha256), S_STR(embedder_name(c))));
    *out_same = rows.count > 0;
    if (*out_same) {
        im->document = search_document_row(&rows, 0);
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
        /* Before the transaction: it may call out. */
        TRY(embed_all(c, im.document.title, im.chunks, im.chunk_count, &im.vectors));
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

/* ---- vectors of another embedder ----------------------------------------- */

struct reembedding {
    struct store *store;
    struct id id;
    struct chunk *chunks; /* heading and text are set */
    size_t chunk_count;
    float *vectors;
    bool replaced; /* meanwhile, by an import */
};

static enum err read_chunks(struct ctx *c, struct reembedding *r, int64_t chunk_count)
{
    r->chunks = ARENA_ARRAY(c->arena, struct chunk, (size_t)chunk_count + 1);
    while (r->chunk_count < (size_t)chunk_count) {
        struct store_rows rows;
        TRY(store_query(c, r->store, &rows,
                        "SELECT heading, text FROM chunk WHERE document_id = ?1 AND ordinal >= ?2"
                        " ORDER BY ordinal LIMIT ?3",
                        S_ID(&r->id), S_INT((int64_t)r->chunk_count), S_INT(CHUNK_PAGE)));
        for (int i = 0; i < rows.count && r->chunk_count < (size_t)chunk_count; i++) {
            r->chunks[r->chunk_count++] =
                (struct chunk){.heading = row_str(&rows, i, 0), .text = row_str(&rows, i, 1)};
        }
        if (rows.count == 0) {
            break; /* replaced meanwhile: its import has embedded it */
        }
    }
    return E_OK;
}

static enum err reembed_in(struct ctx *c, void *arg)
{
    struct reembedding *r = arg;
    int dimensions = shelf_embedder(c->at->search)->dimensions;
    int64_t changed = 0, rows = 0;
    TRY(store_next(c, r->store, "document", &changed));
    TRY(store_exec(c, r->store, &rows,
                   "UPDATE document SET embedder = ?2, changed = ?3"
                   " WHERE id = ?1 AND embedder <> ?2 AND chunk_count = ?4",
                   S_ID(&r->id), S_STR(embedder_name(c)), S_INT(changed),
                   S_INT((int64_t)r->chunk_count)));
    r->replaced = rows == 0;
    for (size_t i = 0; i < r->chunk_count && rows > 0; i++) {
        struct store_value vector =
            r->vectors ? S_BLOB(pack_vector(c->arena, r->vectors, i, dimensions)) : S_NULL;
        TRY(store_exec(c, r->store, NULL,
                       "UPDATE chunk SET vector = ?3 WHERE document_id = ?1 AND ordinal = ?2",
                       S_ID(&r->id), S_INT((int64_t)i), vector));
    }
    return E_OK;
}

enum err search_reembed(struct ctx *c, size_t max, size_t *out_done, size_t *out_left)
{
    struct store *s;
    struct store_rows rows;
    size_t done = 0;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT id, title, chunk_count FROM document"
                    " WHERE status = 'ready' AND embedder <> ?1 ORDER BY id LIMIT ?2",
                    S_STR(embedder_name(c)), S_INT((int64_t)max)));
    for (int row = 0; row < rows.count; row++) {
        /* Of large documents fewer than asked, so that the task's memory is enough for each. */
        if (row > 0 && arena_left_bytes(c->arena) < arena_used_bytes(c->arena)) {
            break;
        }
        struct reembedding r = {.store = s, .id = row_id(&rows, row, 0)};
        TRY(read_chunks(c, &r, row_int(&rows, row, 2)));
        TRY(embed_all(c, row_str(&rows, row, 1), r.chunks, r.chunk_count, &r.vectors));
        TRY(store_transact(c, s, reembed_in, &r));
        done += !r.replaced;
    }
    TRY(store_query(c, s, &rows,
                    "SELECT count(*) FROM document WHERE status = 'ready' AND embedder <> ?1",
                    S_STR(embedder_name(c))));
    *out_done = done;
    *out_left = (size_t)row_int(&rows, 0, 0);
    return E_OK;
}
