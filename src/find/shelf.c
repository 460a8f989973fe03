#include "find/shelf.h"

#include <stdlib.h>

#include "find/shelf_passage.h"
#include "find/vector.h"

enum {
    SHELVES_MAX = 1024,
    MEMORY_DEFAULT_BYTES = 512 << 20,
    CHANGES_PAGE = 1000,
    CHUNKS_PAGE = 500,
    PAGE_MAX_BYTES = 64 << 20
};

struct search {
    struct search_config config;
    struct holder *shelves; /* "org/namespace" */
};

static void free_shelf(struct holding *thing)
{
    struct shelf *shelf = (struct shelf *)thing;
    index_free(&shelf->index);
    shelf_passages_free(&shelf->passages);
    pthread_rwlock_destroy(&shelf->lock);
    free(shelf);
}

static size_t bytes_of(const struct holding *thing)
{
    const struct shelf *shelf = (const struct shelf *)thing;
    return atomic_load(&shelf->bytes) + shelf_passages_bytes(shelf->passages);
}

struct search *search_new(const struct search_config *config)
{
    struct search *s = mem_new(sizeof(*s));
    s->config = *config;
    s->config.memory_max_bytes =
        config->memory_max_bytes ? config->memory_max_bytes : MEMORY_DEFAULT_BYTES;
    s->shelves = holder_new(&(struct holder_options){.most = SHELVES_MAX,
                                                     .free_thing = free_shelf,
                                                     .bytes = bytes_of,
                                                     .bytes_max = s->config.memory_max_bytes});
    return s;
}

void search_free(struct search **s)
{
    if (*s) {
        holder_free(&(*s)->shelves);
        free(*s);
        *s = NULL;
    }
}

void search_forget(struct search *s, const struct id *org)
{
    holder_forget(s->shelves, id_str(org));
}

const struct embedder *shelf_embedder(const struct search *s)
{
    return &s->config.embedder;
}

/* Held. */
static struct shelf *take(struct search *s, struct str key)
{
    struct holding *k = holder_take(s->shelves, key);
    if (!k) {
        struct shelf *fresh = mem_new(sizeof(*fresh));
        struct index_options o = {.dimensions =
                                      s->config.embedder.name ? s->config.embedder.dimensions : 0};
        fresh->index = index_new(&o);
        fresh->passages = shelf_passages_new();
        pthread_rwlock_init(&fresh->lock, NULL);
        k = holder_keep(s->shelves, key, &fresh->holding);
    }
    return (struct shelf *)k;
}

/* ---- bringing it up to date ---------------------------------------------- */

static void add_chunk(struct shelf *shelf, const struct embedder *e, const struct store_rows *doc,
                      int row, const struct store_rows *chunks, int i, float *vector)
{
    struct str stored = row_str(chunks, i, 3);
    bool fits = e->name && stored.n == vector_stored_bytes(e->dimensions) &&
                str_eqz(row_str(doc, row, 4), e->name);
    if (fits) {
        vector_load((const uint8_t *)stored.p, e->dimensions, vector);
    }
    struct index_passage p = {
        .document = row_id(doc, row, 0),
        .ordinal = (uint32_t)row_int(chunks, i, 0),
        .title = row_str(doc, row, 3),
        .heading = row_str(chunks, i, 1),
        .text = row_str(chunks, i, 2),
        .vector = fits ? vector : NULL,
    };
    index_add(shelf->index, &p);
}

/* Chunks come in pages too: a large document must not need the memory of all its texts at once. */
static enum err read_chunks(struct ctx *c, struct shelf *shelf, const struct store_rows *doc,
                            int row)
{
    const struct embedder *e = shelf_embedder(c->at->search);
    struct id id = row_id(doc, row, 0);
    int64_t next = 0;
    for (bool more = true; more;) {
        struct ctx *page = ctx_child(c, PAGE_MAX_BYTES);
        struct store *s;
        struct store_rows chunks = {0};
        enum err err = store_of(page, &s);
        if (err == E_OK) {
            err = store_query(page, s, &chunks,
                              "SELECT ordinal, heading, text, vector FROM chunk"
                              " WHERE document_id = ?1 AND ordinal >= ?2 ORDER BY ordinal LIMIT ?3",
                              S_ID(&id), S_INT(next), S_INT(CHUNKS_PAGE));
        }
        float *vector = ARENA_ARRAY(page->arena, float, (size_t)e->dimensions + 1);
        for (int i = 0; err == E_OK && i < chunks.count; i++) {
            add_chunk(shelf, e, doc, row, &chunks, i, vector);
            next = row_int(&chunks, i, 0) + 1;
        }
        more = err == E_OK && chunks.count == CHUNKS_PAGE;
        c->fault = err == E_OK ? c->fault : page->fault;
        ctx_free(&page);
        TRY(err);
    }
    return E_OK;
}

static enum err read_change(struct ctx *c, struct shelf *shelf, const struct store_rows *doc,
                            int row)
{
    struct id id = row_id(doc, row, 0);
    if (index_remove(shelf->index, &id)) {
        shelf_passages_forget(shelf->passages, &id);
    }
    return str_eqz(row_str(doc, row, 2), "ready") ? read_chunks(c, shelf, doc, row) : E_OK;
}

/* A page of changes at a time, each in an arena of its own. */
static enum err read_page(struct ctx *c, struct str namespace, struct shelf *shelf, bool *out_more)
{
    struct ctx *page = ctx_child(c, PAGE_MAX_BYTES);
    struct store *s;
    struct store_rows doc = {0};
    enum err e = store_of(page, &s);
    if (e == E_OK) {
        e = store_query(page, s, &doc,
                        "SELECT id, changed, status, title, embedder FROM document"
                        " WHERE namespace = ?1 AND changed > ?2 ORDER BY changed LIMIT ?3",
                        S_STR(namespace), S_INT(shelf->version), S_INT(CHANGES_PAGE));
    }
    for (int i = 0; e == E_OK && i < doc.count; i++) {
        e = read_change(page, shelf, &doc, i);
        shelf->version = e == E_OK ? row_int(&doc, i, 1) : shelf->version;
    }
    *out_more = e == E_OK && doc.count == CHANGES_PAGE;
    if (e != E_OK) {
        c->fault = page->fault;
    }
    ctx_free(&page);
    return e;
}

static enum err newest_change(struct ctx *c, struct store *s, struct str namespace, int64_t *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT max(changed) FROM document WHERE namespace = ?1",
                    S_STR(namespace)));
    *out = row_int(&rows, 0, 0);
    return E_OK;
}

/* With the shelf locked for writing. */
static enum err catch_up(struct ctx *c, struct str namespace, struct shelf *shelf, int64_t newest)
{
    enum err e = E_OK;
    for (bool more = shelf->version < newest; more && e == E_OK;) {
        e = read_page(c, namespace, shelf, &more);
    }
    atomic_store(&shelf->bytes, index_memory_bytes(shelf->index));
    return e;
}

enum err shelf_open(struct ctx *c, struct store *s, struct str namespace, struct shelf **out)
{
    int64_t newest;
    TRY(newest_change(c, s, namespace, &newest));
    struct shelf *shelf =
        take(c->at->search, str_fmt(c->arena, "%s/%.*s", c->org.text, STR_ARG(namespace)));
    pthread_rwlock_rdlock(&shelf->lock);
    if (shelf->version < newest) {
        pthread_rwlock_unlock(&shelf->lock);
        pthread_rwlock_wrlock(&shelf->lock);
        enum err e = catch_up(c, namespace, shelf, newest);
        pthread_rwlock_unlock(&shelf->lock);
        if (e != E_OK) {
            holder_give_back(&shelf->holding);
            return e;
        }
        pthread_rwlock_rdlock(&shelf->lock);
    }
    *out = shelf;
    return E_OK;
}

void shelf_close(struct shelf *shelf)
{
    pthread_rwlock_unlock(&shelf->lock);
    holder_give_back(&shelf->holding);
}
