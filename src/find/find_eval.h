/* The core of `rapport kb eval` and of `kb search` over a judged collection: corpus.jsonl
 * {id,title,text}, queries.jsonl {id,text}, qrels.tsv (query, doc, rel). Runs words, vectors and
 * fused over the same index code that serves queries. Bytes come from the caller; CPU-heavy. */
#ifndef FIND_FIND_EVAL_H
#define FIND_FIND_EVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "base/err.h"
#include "find/ranking.h"
#include "find/search.h"

struct find_eval_input {
    struct str corpus, queries, qrels; /* bytes of the three files */
    bool skip_self;                    /* a query whose id is in the corpus does not find itself */
    bool (*progress)(void *arg, double done); /* may be NULL; false stops: E_CANCELLED */
    void *progress_arg;
};

struct find_eval_report {
    size_t documents, passages, queries, judged;
    /* means over the queries with a judged document; steps: see situation.h */
    struct ranking_score words, vectors, fused, steps;
    double index_ms;                                 /* chunking, embedding, indexing */
    double words_us, vectors_us, fused_us, steps_us; /* mean per query */
    size_t memory_bytes;
};

/* embedder may be NULL (vectors and fused stay 0). E_INVALID: out_why names file and line. */
enum err find_eval_run(struct ctx *c, const struct find_eval_input *input,
                       const struct embedder *embedder, struct str *out_why,
                       struct find_eval_report *out_report);

void find_eval_text(const struct find_eval_report *r, struct buf *out);
void find_eval_json(const struct find_eval_report *r, struct buf *out);

#endif
