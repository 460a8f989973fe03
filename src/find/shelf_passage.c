#include "find/shelf_passage.h"

#include <stdlib.h>
#include <string.h>

/* A passage has one place, by its document and ordinal; a newer one takes it. */
struct shelf_passages {
    pthread_mutex_t lock;
    struct shelf_passage *places[SHELF_PASSAGES_MAX];
    size_t hand; /* what goes next when there are too many bytes */
    atomic_size_t bytes;
};

struct shelf_passages *shelf_passages_new(void)
{
    struct shelf_passages *p = mem_new(sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void release(void *arg)
{
    struct shelf_passage *one = arg;
    if (atomic_fetch_sub(&one->users, 1) == 1) {
        reading_free(&one->own);
        free(one);
    }
}

/* With the lock held. */
static void leave(struct shelf_passages *p, size_t place)
{
    struct shelf_passage *one = p->places[place];
    p->places[place] = NULL;
    if (one) {
        atomic_fetch_sub(&p->bytes, one->bytes);
        release(one);
    }
}

void shelf_passages_free(struct shelf_passages **p)
{
    if (*p) {
        for (size_t i = 0; i < SHELF_PASSAGES_MAX; i++) {
            leave(*p, i);
        }
        pthread_mutex_destroy(&(*p)->lock);
        free(*p);
        *p = NULL;
    }
}

void shelf_passages_forget(struct shelf_passages *p, const struct id *document)
{
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < SHELF_PASSAGES_MAX; i++) {
        if (p->places[i] && id_eq(&p->places[i]->document, document)) {
            leave(p, i);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

size_t shelf_passages_bytes(const struct shelf_passages *p)
{
    return sizeof(*p) + atomic_load(&p->bytes);
}

static size_t place_of(const struct id *document, uint32_t ordinal)
{
    uint32_t hash = reading_hash(id_str(document)) + ordinal * 2654435761U; /* Knuth 6.4 */
    return (hash ^ hash >> 15) % SHELF_PASSAGES_MAX;
}

static struct str copied(char **at, struct str from)
{
    struct str to = str_make(*at, from.n);
    memcpy(*at, from.n ? from.p : "", from.n);
    *at += from.n;
    return to;
}

static struct shelf_passage *made(const struct store_rows *rows, const struct id *document,
                                  uint32_t ordinal)
{
    struct str namespace = row_str(rows, 0, 0), title = row_str(rows, 0, 1);
    struct str url = row_str(rows, 0, 2), text = row_str(rows, 0, 3), heading = row_str(rows, 0, 4);
    size_t bytes =
        sizeof(struct shelf_passage) + namespace.n + title.n + url.n + text.n + heading.n;
    struct shelf_passage *one = mem_new(bytes);
    char *at = (char *)(one + 1);
    *one = (struct shelf_passage){.document = *document,
                                  .ordinal = ordinal,
                                  .namespace = copied(&at, namespace),
                                  .title = copied(&at, title),
                                  .source_url = copied(&at, url),
                                  .heading = copied(&at, heading),
                                  .text = copied(&at, text),
                                  .start = (size_t)row_int(rows, 0, 5),
                                  .end = (size_t)row_int(rows, 0, 6)};
    one->reading = one->own = reading_new(one->title, one->heading, one->text, ordinal == 0);
    one->bytes = bytes + reading_memory_bytes(one->reading);
    atomic_init(&one->users, 1);
    return one;
}

/* Keeps a fresh one; room for it comes from those whose turn it is to go. */
static void keep(struct shelf_passages *p, size_t place, struct shelf_passage *one)
{
    if (one->bytes > SHELF_PASSAGES_MAX_BYTES / 8) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    leave(p, place);
    while (atomic_load(&p->bytes) + one->bytes > SHELF_PASSAGES_MAX_BYTES) {
        leave(p, p->hand);
        p->hand = (p->hand + 1) % SHELF_PASSAGES_MAX;
    }
    atomic_fetch_add(&one->users, 1);
    atomic_fetch_add(&p->bytes, one->bytes);
    p->places[place] = one;
    pthread_mutex_unlock(&p->lock);
}

static struct shelf_passage *kept(struct shelf_passages *p, size_t place, const struct id *document,
                                  uint32_t ordinal)
{
    pthread_mutex_lock(&p->lock);
    struct shelf_passage *one = p->places[place];
    one = one && one->ordinal == ordinal && id_eq(&one->document, document) ? one : NULL;
    if (one) {
        atomic_fetch_add(&one->users, 1);
    }
    pthread_mutex_unlock(&p->lock);
    return one;
}

enum err shelf_passage(struct ctx *c, struct store *s, struct shelf *shelf,
                       const struct index_hit *at, const struct shelf_passage **out)
{
    struct id document = *index_document(shelf->index, at->passage);
    uint32_t ordinal = index_ordinal(shelf->index, at->passage);
    size_t place = place_of(&document, ordinal);
    struct shelf_passage *one = kept(shelf->passages, place, &document, ordinal);
    if (!one) {
        struct store_rows rows;
        TRY(store_query(c, s, &rows,
                        "SELECT d.namespace, d.title, d.source_url, k.text, k.heading,"
                        " k.text_start, k.text_end FROM document d, chunk k"
                        " WHERE d.id = ?1 AND k.document_id = ?1 AND k.ordinal = ?2",
                        S_ID(&document), S_INT(ordinal)));
        if (rows.count == 0) { /* removed this very moment */
            *out = NULL;
            return E_OK;
        }
        one = made(&rows, &document, ordinal);
        keep(shelf->passages, place, one);
    }
    arena_defer(c->arena, release, one);
    *out = one;
    return E_OK;
}
