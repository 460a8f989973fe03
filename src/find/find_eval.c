#include "find/find_eval.h"

#include <stdlib.h>

#include "base/map.h"
#include "codec/json.h"
#include "find/chunk.h"
#include "find/fuse.h"
#include "find/index.h"
#include "find/situation.h"

enum { RANKED_MAX = 100, DOCUMENTS_MAX = 1000000, JUDGED_MAX = 2000 };

struct judged {
    struct str doc;
    double rel;
};

struct query {
    struct str id, text;
    struct str words; /* the text with the turns before it */
    struct judged *judged;
    size_t count, size;
};

struct trial {
    struct ctx *c;
    struct arena *a;
    const struct find_eval_input *in;
    const struct embedder *embedder;
    struct index *ix;
    struct str *names;   /* document number -> id in the corpus */
    struct map *numbers; /* document uuid -> pointer into names */
    struct query *queries;
    size_t query_count;
    struct map *by_id;
    struct find_eval_report *out;
    struct str why;
};

static enum err fail_line(struct trial *t, const char *file, size_t line, const char *text)
{
    t->why = str_fmt(t->a, "%s, line %zu: %s", file, line, text);
    return E_INVALID;
}

static bool go_on(struct trial *t, double done)
{
    return !t->in->progress || t->in->progress(t->in->progress_arg, done);
}

static size_t count_lines(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

/* ---- reading ------------------------------------------------------------- */

static enum err add_document(struct trial *t, const struct json *d, size_t number)
{
    struct extract extract = {0};
    struct chunk *chunks;
    size_t n = 0;
    struct str why, title = json_str(d, "title", STR(""));
    struct arena *scratch = arena_new(256 << 20);
    enum err e =
        extract_text(scratch, STR("text/plain"), json_str(d, "text", STR("")), &why, &extract);
    e = e == E_OK ? chunk_extract(scratch, &extract, NULL, &chunks, &n) : e;
    struct id id = id_from_name(json_str(d, "id", STR("")));
    t->names[number] = str_dup(t->a, json_str(d, "id", STR("")));
    map_set(t->numbers, id_str(&id), &t->names[number]);
    float *vector =
        t->embedder ? ARENA_ARRAY(scratch, float, (size_t)t->embedder->dimensions) : NULL;
    for (size_t i = 0; e == E_OK && i < (n ? n : 1); i++) {
        struct str text = n ? chunks[i].text : STR("");
        struct index_passage p = {.document = id,
                                  .ordinal = (uint32_t)i,
                                  .title = title,
                                  .heading = json_str(d, "entity", STR("")),
                                  .text = text};
        if (vector) {
            struct str all = str_fmt(scratch, "%.*s\n%.*s\n%.*s", STR_ARG(title),
                                     STR_ARG(p.heading), STR_ARG(text));
            e = t->embedder->embed(t->c, t->embedder->arg, &all, 1, false, vector);
            p.vector = vector;
        }
        t->out->passages += index_add(t->ix, &p);
    }
    arena_free(&scratch);
    return e;
}

static enum err read_corpus(struct trial *t)
{
    struct str rest = t->in->corpus, line;
    size_t lines = count_lines(rest), at = 0, n = 0;
    t->names = ARENA_ARRAY(t->a, struct str, lines);
    while (str_split(&rest, '\n', &line)) {
        const struct json *d;
        struct json_fault fault = {0};
        at++;
        if (!str_trim(line).n) {
            continue;
        }
        struct arena *scratch = arena_new(64 << 20);
        enum err e = json_parse(scratch, line, &d, &fault);
        e = e == E_OK ? add_document(t, d, n++) : fail_line(t, "corpus.jsonl", at, fault.text);
        arena_free(&scratch);
        if (e != E_OK) {
            return e;
        }
        if (at % 64 == 0 && !go_on(t, 0.7 * (double)at / (double)lines)) {
            return E_CANCELLED;
        }
    }
    t->out->documents = n;
    return E_OK;
}

/* What was said before comes along as words; the vector is of the last turn alone. */
static struct str query_words(struct trial *t, const struct json *q)
{
    struct str text = json_str(q, "text", STR(""));
    const struct json *history = json_get(q, "history");
    struct buf b = buf_make(64 << 10);
    for (size_t i = 0; i < json_count(history); i++) {
        const struct json *turn = json_at(history, i);
        struct str said = json_is(turn, JSON_STRING)  ? turn->string
                          : json_is(turn, JSON_ARRAY) ? json_text(json_at(turn, 1), STR(""))
                                                      : json_str(turn, "text", STR(""));
        buf_addf(&b, "%.*s\n", STR_ARG(said));
    }
    buf_addf(&b, "%.*s", STR_ARG(text));
    text = str_dup(t->a, buf_str(&b));
    buf_free(&b);
    return text;
}

static enum err read_queries(struct trial *t)
{
    struct str rest = t->in->queries, line;
    size_t at = 0;
    t->queries = ARENA_ARRAY(t->a, struct query, count_lines(rest));
    while (str_split(&rest, '\n', &line)) {
        const struct json *q;
        struct json_fault fault = {0};
        at++;
        if (!str_trim(line).n) {
            continue;
        }
        if (json_parse(t->a, line, &q, &fault) != E_OK) {
            return fail_line(t, "queries.jsonl", at, fault.text);
        }
        struct query *query = &t->queries[t->query_count++];
        query->id = json_str(q, "id", STR(""));
        query->text = json_str(q, "text", STR(""));
        query->words = query_words(t, q);
        map_set(t->by_id, query->id, query);
    }
    t->out->queries = t->query_count;
    return E_OK;
}

static void add_judged(struct trial *t, struct query *q, struct str doc, double rel)
{
    if (q->count == q->size) {
        size_t size = q->size ? q->size * 2 : 8;
        struct judged *grown = ARENA_ARRAY(t->a, struct judged, size);
        for (size_t i = 0; i < q->count; i++) {
            grown[i] = q->judged[i];
        }
        q->judged = grown;
        q->size = size;
    }
    q->judged[q->count++] = (struct judged){doc, rel};
}

static enum err read_qrels(struct trial *t)
{
    struct str rest = t->in->qrels, line;
    size_t at = 0;
    while (str_split(&rest, '\n', &line)) {
        struct str query = {0}, doc = {0}, rel = {0};
        double gain = 0;
        at++;
        if (!str_trim(line).n) {
            continue;
        }
        str_split(&line, '\t', &query);
        str_split(&line, '\t', &doc);
        str_split(&line, '\t', &rel);
        if (at == 1 && !str_to_double(str_trim(rel), &gain)) {
            continue; /* the header */
        }
        if (!str_to_double(str_trim(rel), &gain)) {
            return fail_line(t, "qrels.tsv", at, "three columns: query, doc, rel");
        }
        struct query *q = map_get(t->by_id, query);
        if (q && q->count < JUDGED_MAX) {
            add_judged(t, q, doc, gain);
        }
    }
    return E_OK;
}

/* ---- measuring ----------------------------------------------------------- */

static double gain_of(const struct query *q, struct str doc)
{
    for (size_t i = 0; i < q->count; i++) {
        if (str_eq(q->judged[i].doc, doc)) {
            return q->judged[i].rel;
        }
    }
    return 0;
}

/* Passages to documents: the best passage counts. */
static void score_hits(struct trial *t, const struct query *q, const struct index_hit *hits,
                       size_t n, struct ranking_score *sum)
{
    double rel[RANKED_MAX], all[JUDGED_MAX];
    const struct str *shown[RANKED_MAX];
    size_t ranked = 0, relevant = 0;
    for (size_t i = 0; i < n && ranked < RANKED_MAX; i++) {
        const struct str *name =
            map_get(t->numbers, id_str(index_document(t->ix, hits[i].passage)));
        bool twice = false;
        for (size_t j = 0; j < ranked; j++) {
            twice = twice || shown[j] == name;
        }
        if (name && !twice) {
            shown[ranked] = name;
            rel[ranked++] = gain_of(q, *name);
        }
    }
    for (size_t i = 0; i < q->count; i++) {
        bool self = t->in->skip_self && str_eq(q->judged[i].doc, q->id);
        if (q->judged[i].rel > 0 && !self) {
            all[relevant++] = q->judged[i].rel;
        }
    }
    struct ranking_score one;
    ranking_score(rel, ranked, all, relevant, &one);
    sum->reciprocal_rank += one.reciprocal_rank;
    sum->ndcg_10 += one.ndcg_10;
    sum->recall_10 += one.recall_10;
    sum->recall_50 += one.recall_50;
}

static enum err ask(struct trial *t, const struct query *q)
{
    struct index_hit words[FUSE_DEPTH], near[FUSE_DEPTH], fused[FUSE_DEPTH];
    struct find_eval_report *r = t->out;
    struct id self = id_from_name(q->id);
    const struct id *skip = t->in->skip_self ? &self : NULL;
    int64_t began = clock_steady_us();
    size_t n_words = index_search(t->ix, q->words, FUSE_DEPTH, skip, words), n_near = 0;
    int64_t searched = clock_steady_us();
    r->words_us += (double)(searched - began);
    score_hits(t, q, words, n_words, &r->words);
    if (!t->embedder) {
        return E_OK;
    }
    float *vector = ARENA_ARRAY(t->a, float, (size_t)t->embedder->dimensions);
    began = clock_steady_us();
    enum err e = t->embedder->embed(t->c, t->embedder->arg, &q->text, 1, true, vector);
    if (e != E_OK) {
        return e;
    }
    n_near = index_nearest(t->ix, vector, FUSE_DEPTH, skip, near);
    int64_t neared = clock_steady_us();
    struct fuse_query both = {words, near, n_words, n_near, FUSE_DEPTH, 0, 0};
    size_t n_fused = fuse_query(&both, FUSE_DEPTH, fused);
    r->vectors_us += (double)(neared - began);
    r->fused_us += (double)(searched - began) + (double)(clock_steady_us() - neared);
    score_hits(t, q, near, n_near, &r->vectors);
    score_hits(t, q, fused, n_fused, &r->fused);
    began = clock_steady_us();
    struct situation situation = {q->words, vector, skip};
    n_fused = situation_search(t->ix, &situation, FUSE_DEPTH, fused);
    r->steps_us += (double)(clock_steady_us() - began);
    score_hits(t, q, fused, n_fused, &r->steps);
    return E_OK;
}

static void divide(struct ranking_score *s, double n)
{
    s->reciprocal_rank /= n;
    s->ndcg_10 /= n;
    s->recall_10 /= n;
    s->recall_50 /= n;
}

static enum err ask_all(struct trial *t)
{
    struct find_eval_report *r = t->out;
    for (size_t i = 0; i < t->query_count; i++) {
        if (t->queries[i].count == 0) {
            continue;
        }
        enum err e = ask(t, &t->queries[i]);
        if (e != E_OK) {
            return e;
        }
        r->judged++;
        if (!go_on(t, 0.7 + 0.3 * (double)i / (double)t->query_count)) {
            return E_CANCELLED;
        }
    }
    if (r->judged == 0) {
        t->why = STR("no query has a judged document");
        return E_INVALID;
    }
    double n = (double)r->judged;
    divide(&r->words, n);
    divide(&r->vectors, n);
    divide(&r->fused, n);
    divide(&r->steps, n);
    r->words_us /= n;
    r->vectors_us /= n;
    r->steps_us /= n;
    r->fused_us = r->words_us + r->vectors_us;
    r->memory_bytes = index_memory_bytes(t->ix);
    return E_OK;
}

enum err find_eval_run(struct ctx *c, const struct find_eval_input *input,
                       const struct embedder *embedder, struct str *out_why,
                       struct find_eval_report *out_report)
{
    struct find_eval_report report = {0};
    struct index_options o = {.dimensions = embedder ? embedder->dimensions : 0};
    struct trial t = {.c = c, .a = c->arena, .in = input, .embedder = embedder, .out = &report};
    t.ix = index_new(&o);
    t.numbers = map_new(DOCUMENTS_MAX);
    t.by_id = map_new(DOCUMENTS_MAX);
    int64_t began = clock_steady_us();
    enum err e = read_corpus(&t);
    report.index_ms = (double)(clock_steady_us() - began) / 1000;
    e = e == E_OK ? read_queries(&t) : e;
    e = e == E_OK ? read_qrels(&t) : e;
    e = e == E_OK ? ask_all(&t) : e;
    index_free(&t.ix);
    map_free(&t.numbers);
    map_free(&t.by_id);
    *out_why = t.why;
    if (e == E_OK) {
        *out_report = report;
    }
    return e;
}

/* ---- showing ------------------------------------------------------------- */

static void add_row(struct buf *out, const char *name, const struct ranking_score *s, double us)
{
    buf_addf(out, "%-8s  MRR %.3f  nDCG@10 %.3f  R@10 %.3f  R@50 %.3f  %7.0f us a query\n", name,
             s->reciprocal_rank, s->ndcg_10, s->recall_10, s->recall_50, us);
}

void find_eval_text(const struct find_eval_report *r, struct buf *out)
{
    buf_addf(out,
             "%zu documents, %zu passages, %zu queries (%zu judged), index %.0f ms, %.1f MiB\n",
             r->documents, r->passages, r->queries, r->judged, r->index_ms,
             (double)r->memory_bytes / (1 << 20));
    add_row(out, "words", &r->words, r->words_us);
    add_row(out, "vectors", &r->vectors, r->vectors_us);
    add_row(out, "fused", &r->fused, r->fused_us);
    add_row(out, "steps", &r->steps, r->steps_us);
}

static void put_score(struct json_out *o, const char *name, const struct ranking_score *s,
                      double us)
{
    json_name(o, name);
    json_open_object(o);
    json_field_real(o, "mrr", s->reciprocal_rank);
    json_field_real(o, "ndcg_10", s->ndcg_10);
    json_field_real(o, "recall_10", s->recall_10);
    json_field_real(o, "recall_50", s->recall_50);
    json_field_real(o, "us", us);
    json_close_object(o);
}

void find_eval_json(const struct find_eval_report *r, struct buf *out)
{
    struct json_out o = json_out_to(out);
    json_open_object(&o);
    json_field_int(&o, "documents", (int64_t)r->documents);
    json_field_int(&o, "passages", (int64_t)r->passages);
    json_field_int(&o, "queries", (int64_t)r->queries);
    json_field_int(&o, "judged", (int64_t)r->judged);
    json_field_real(&o, "index_ms", r->index_ms);
    put_score(&o, "words", &r->words, r->words_us);
    put_score(&o, "vectors", &r->vectors, r->vectors_us);
    put_score(&o, "fused", &r->fused, r->fused_us);
    put_score(&o, "steps", &r->steps, r->steps_us);
    json_close_object(&o);
}
