/* Passages of a shelf with their texts, read from the store when they are first wanted and made
 * ready for questions (reading.h). A shelf keeps those wanted lately, at most
 * SHELF_PASSAGES_MAX_BYTES of them; a document that changes takes its passages with it. Private to
 * search. */
#ifndef FIND_SHELF_PASSAGE_H
#define FIND_SHELF_PASSAGE_H

#include <stdatomic.h>

#include "find/reading.h"
#include "find/shelf.h"

enum { SHELF_PASSAGES_MAX = 4096, SHELF_PASSAGES_MAX_BYTES = 8 << 20 };

struct shelf_passage {
    struct id document;
    uint32_t ordinal;
    struct str namespace, title, source_url, heading, text;
    size_t start, end; /* of the document's text */
    const struct reading *reading;
    /* private */
    struct reading *own;
    atomic_int users; /* tasks that hold it, and the shelf */
    size_t bytes;
};

/* The passage, held until c's arena ends; NULL when the store no longer has it. The shelf is open.
 * Task code. */
enum err shelf_passage(struct ctx *c, struct store *s, struct shelf *shelf,
                       const struct index_hit *at, const struct shelf_passage **out);

struct shelf_passages *shelf_passages_new(void);
void shelf_passages_free(struct shelf_passages **p);
void shelf_passages_forget(struct shelf_passages *p, const struct id *document);
size_t shelf_passages_bytes(const struct shelf_passages *p);

#endif
