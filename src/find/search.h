/* Search over an org's knowledge: documents are imported, cut into chunks and kept in the org's
 * store; queries run over indexes in memory that are derived from the store, one per org and
 * namespace. Task code.
 *
 * Nothing crosses orgs: everything goes through store_of(c), and an index is reached by the org of
 * `c`. Processes notice each other's imports by a version number that every change takes in its
 * transaction; a query first brings its index up to that version. Indexes unused for long are
 * dropped when memory is short and rebuilt when needed. Any thread. */
#ifndef FIND_SEARCH_H
#define FIND_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"
#include "store/store.h"

/* Tables `document` and `chunk`; part of the program's migrations, owner "find". Ends with owner
 * NULL. */
extern const struct migration find_migrations[];

/* How texts become vectors. nlu/embed.h states the contract and has a built-in one. name NULL: no
 * vectors, words only. */
struct embedder {
    const char *name;
    int dimensions;
    enum err (*embed)(struct ctx *c, void *arg, const struct str *texts, size_t n, bool query,
                      float *out_vectors);
    void *arg;
};

struct search;

struct search_config {
    struct embedder embedder;
    size_t memory_max_bytes; /* of all indexes together; 0: default 512 MiB */
};

struct search *search_new(const struct search_config *config);
void search_free(struct search **s);
/* Forgets the indexes of an org (erased, or restored from a backup). */
void search_forget(struct search *s, const struct id *org);

enum {
    SEARCH_NAMESPACE_MAX_BYTES = 64,
    SEARCH_NAMESPACES_MAX = 16,
    SEARCH_HITS_MAX = 100,
    SEARCH_DOCUMENT_MAX_BYTES = 8 << 20,
    SEARCH_LIST_MAX = 200
};

struct search_document {
    struct id id;
    struct str namespace, key, title, media_type, source_url, sha256, status; /* ready | removed */
    int64_t bytes, chunk_count, created_at_ms, updated_at_ms;
};

struct search_source {
    struct str namespace; /* empty: "default"; [a-z0-9_.-] */
    struct str key; /* what the document is called in its source (path, URL); the next import under
                              the same key replaces it. Empty: its sha256 */
    struct str title;      /* empty: from the document, then the key */
    struct str media_type; /* see extract.h; empty: text/plain */
    struct str source_url; /* shown with citations; may be empty */
    struct str bytes;
};

enum search_import { SEARCH_IMPORT_NEW, SEARCH_IMPORT_REPLACED, SEARCH_IMPORT_UNCHANGED };

/* Imports one document: its chunks replace those of the same (namespace, key) in one transaction;
 * the same bytes, title and embedder again change nothing. E_INVALID (field media_type, namespace,
 * bytes), E_TOO_LARGE; what the store and the embedder give. out_kind, out_document may be NULL. */
enum err search_import(struct ctx *c, const struct search_source *source,
                       enum search_import *out_kind, struct search_document *out_document);

/* E_NOT_FOUND. */
enum err search_remove(struct ctx *c, const struct id *document);
enum err search_get(struct ctx *c, const struct id *document, struct search_document *out_document);
/* The extracted text, which citations' offsets point into. E_NOT_FOUND. */
enum err search_text(struct ctx *c, const struct id *document, struct str *out_text);

/* Documents by (namespace, key), after those of `after` (an id; NULL: from the start). namespace
 * empty: all. */
struct search_page {
    struct search_document *items;
    size_t count;
    bool more;
};
enum err search_list(struct ctx *c, struct str namespace, const struct id *after, size_t limit,
                     struct search_page *out_page);

enum search_mode { SEARCH_FUSED, SEARCH_WORDS, SEARCH_VECTORS };

struct search_query {
    struct str text;              /* what is asked */
    struct str context;           /* what was said before, if anything: searched by words only */
    const struct str *namespaces; /* NULL: all of the org's */
    size_t namespace_count;
    size_t k; /* 0: 5; at most SEARCH_HITS_MAX */
    enum search_mode mode;
    bool per_document; /* only the best passage of each document */
    bool in_steps;     /* a situation that takes several documents: see situation.h */
    bool by_answer;    /* ordered by how well the quotes answer `text` instead of the ranking */
    double match_min;  /* leave out hits with a lower `match`; 0: keep all */
    double words_weight, vectors_weight; /* of the fusion; both 0: defaults */
};

/* A passage that answers, ready to be cited. Strings lie in c's arena. */
struct search_hit {
    struct id document;
    int64_t chunk; /* ordinal in the document */
    struct str namespace, title, source_url, heading, text;
    size_t start, end;             /* of the chunk, in the extracted text */
    size_t quote_start, quote_end; /* of the quote, in the extracted text */
    struct str quote;              /* the sentences that answer best: see answer.h */
    double score;                  /* of the fusion: only its order means something */
    double answer;                 /* how well the quote answers; compares hits of one query */
    double match; /* 0..1: how much of the query the passage covers (words and vector); >= .85 is
                                as good as the same question */
};

struct search_result {
    struct search_hit *hits; /* best first */
    size_t count;
};

enum err search_query(struct ctx *c, const struct search_query *query,
                      struct search_result *out_result);

/* FAQ matching: the question against the titles (questions) of the documents in one namespace. Hits
 * carry `match`, 1 for the same words; with auto_min and more it may be answered at once, with
 * list_min and more it is worth offering; the rest is left out. */
enum search_faq { SEARCH_FAQ_NONE, SEARCH_FAQ_LIST, SEARCH_FAQ_AUTO };
#define SEARCH_FAQ_AUTO_MIN 0.85
#define SEARCH_FAQ_LIST_MIN 0.70
enum err search_faq(struct ctx *c, struct str namespace, struct str question, double auto_min,
                    double list_min, struct search_result *out_result, enum search_faq *out_kind);

/* Re-embeds documents whose vectors are of another embedder, at most `max` documents (fewer of
 * large ones), each in a transaction of its own; for a job. out_done: how many were changed;
 * out_left: how many are still to do. */
enum err search_reembed(struct ctx *c, size_t max, size_t *out_done, size_t *out_left);

#endif
