#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "bus/topic.h"
#include "codec/multipart.h"
#include "find/extract.h"
#include "find/search.h"
#include "host/service.h"

extern const struct service knowledge_service;

enum { EMBED_ANEW_DOCUMENTS = 32 };

#define EMBED_ANEW "knowledge_embed"

struct document_body {
    struct str title, text, media_type, namespace, source_url, key;
};
static const struct field document_fields[] = {
    FIELD(struct document_body, title, FIELD_STR, .max = 300),
    FIELD(struct document_body, text, FIELD_STR, .flags = FIELD_REQUIRED,
          .max = SEARCH_DOCUMENT_MAX_BYTES),
    FIELD(struct document_body, media_type, FIELD_STR, .max = 100,
          .title = "text/markdown, text/html, text/csv or text/plain"),
    FIELD(struct document_body, namespace, FIELD_STR, .max = SEARCH_NAMESPACE_MAX_BYTES),
    FIELD(struct document_body, source_url, FIELD_STR, .max = 2000),
    FIELD(struct document_body, key, FIELD_STR, .max = 300,
          .title = "name in its source; importing it again replaces the document"),
};
static const struct field_table document_table = FIELD_TABLE("DocumentImport", document_fields);

static const struct field *field_named(const char *name)
{
    const struct field *f = document_fields;
    while (strcmp(f->name, name) != 0) {
        f++;
    }
    return f;
}

struct search_body {
    struct str query, namespace;
    int64_t k;
    bool steps;
};
static const struct field search_fields[] = {
    FIELD(struct search_body, query, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 4000),
    FIELD(struct search_body, namespace, FIELD_STR, .max = SEARCH_NAMESPACE_MAX_BYTES),
    FIELD(struct search_body, k, FIELD_INT, .min = 0, .max = SEARCH_HITS_MAX),
    FIELD(struct search_body, steps, FIELD_BOOL,
          .title = "the query is a situation that takes several documents"),
};
static const struct field_table search_table = FIELD_TABLE("KnowledgeSearch", search_fields);

static void write_document(struct json_out *o, const struct search_document *d, struct str text)
{
    json_open_object(o);
    json_field_str(o, "id", id_str(&d->id));
    json_field_str(o, "namespace", d->namespace);
    json_field_str(o, "key", d->key);
    json_field_str(o, "title", d->title);
    json_field_str(o, "media_type", d->media_type);
    json_field_str(o, "source_url", d->source_url);
    json_field_str(o, "sha256", d->sha256);
    json_field_str(o, "status", d->status);
    json_field_int(o, "size_bytes", d->bytes);
    json_field_int(o, "chunk_count", d->chunk_count);
    json_field_int(o, "created_at", d->created_at_ms);
    json_field_int(o, "updated_at", d->updated_at_ms);
    if (text.p) {
        json_field_str(o, "text", text);
    }
    json_close_object(o);
}

static enum err list(struct ctx *c, struct call *call)
{
    struct search_page page;
    struct id after;
    int limit;
    struct str cursor = call_query(c, call, "cursor");
    TRY(call_limit(c, call, &limit));
    if (cursor.n && !id_parse(cursor, &after)) {
        return ctx_fail_field(c, E_INVALID, "cursor", "the cursor is not one of ours");
    }
    TRY(search_list(c, call_query(c, call, "namespace"), cursor.n ? &after : NULL, (size_t)limit,
                    &page));
    struct json_out *o = call_list_begin(call);
    for (size_t i = 0; i < page.count; i++) {
        write_document(o, &page.items[i], (struct str){NULL, 0});
    }
    call_list_end(call, page.more ? id_str(&page.items[page.count - 1].id) : STR(""));
    return E_OK;
}

static enum err get(struct ctx *c, struct call *call)
{
    struct search_document d;
    struct str text;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(search_get(c, &id, &d));
    TRY(search_text(c, &id, &text));
    write_document(call_json(call), &d, text);
    return E_OK;
}

struct telling {
    struct store *store;
    const char *type; /* of the event, and what is audited */
    const struct search_document *document;
};

static enum err tell_in(struct ctx *c, void *arg)
{
    const struct telling *t = arg;
    const struct search_document *d = t->document;
    struct arena *a = c->arena;
    TRY(audit_add(c, t->store, t->type, id_str(&d->id), NULL));
    return topic_emit(c, t->store, .topic = "knowledge_events", .type = t->type,
                      .key = id_str(&d->id),
                      .payload = json_object(a, {"document_id", json_new_str(a, id_str(&d->id))},
                                             {"namespace", json_new_str(a, d->namespace)},
                                             {"title", json_new_str(a, d->title)},
                                             {"chunks", json_new_int(a, d->chunk_count)}));
}

static enum err tell(struct ctx *c, struct store *s, const char *type,
                     const struct search_document *d)
{
    return store_transact(c, s, tell_in, &(struct telling){s, type, d});
}

/* The body is JSON, or a form with a file and the fields of DocumentImport beside it. */
static enum err read_form(struct ctx *c, struct call *call, struct search_source *out)
{
    struct multipart form;
    const char *problem = "";
    struct str type = request_header(call->in, "Content-Type");
    enum err e = multipart_parse(c->arena, type, call->in->body, &form, &problem);
    if (e != E_OK) {
        return ctx_fail(c, e, "the form cannot be read: %s", problem);
    }
    const struct multipart_part *file = multipart_get(&form, "file");
    if (!file) {
        return ctx_fail_field(c, E_INVALID, "file", "the form needs a part named file");
    }
    static const char *const names[] = {"title", "namespace", "source_url", "key", "media_type"};
    struct str *const fields[] = {&out->title, &out->namespace, &out->source_url, &out->key,
                                  &out->media_type};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct multipart_part *part = multipart_get(&form, names[i]);
        *fields[i] = part ? str_trim(part->body) : STR("");
    }
    out->bytes = file->body;
    out->key = out->key.n ? out->key : file->filename;
    if (!out->media_type.n) {
        out->media_type = extract_media_type(file->filename);
        out->media_type = out->media_type.n ? out->media_type : file->media_type;
    }
    return E_OK;
}

static enum err read_json(struct ctx *c, struct call *call, struct search_source *out)
{
    struct document_body in = {0};
    const struct json *body;
    struct json_fault fault = {0};
    struct field_fault wrong = {0};
    enum err e = json_parse_within(c->arena, call->in->body, CALL_BODY_VALUES_MAX, &body, &fault);
    if (e != E_OK) {
        return ctx_fail_place(c, e, fault.line, fault.column, "the body is no JSON: %s",
                              fault.text);
    }
    if (field_read(&document_table, c->arena, body, &in, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s: %s", wrong.path, wrong.text);
    }
    *out = (struct search_source){in.namespace,  in.key,        in.title,
                                  in.media_type, in.source_url, in.text};
    return E_OK;
}

/* The fields of a form are not read through a table: the same holds for them. A page shows the
 * address as a link, so it is no script. */
static enum err check_source(struct ctx *c, const struct search_source *s)
{
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"title", s->title},
                 {"namespace", s->namespace},
                 {"media_type", s->media_type},
                 {"source_url", s->source_url},
                 {"key", s->key}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct field *f = field_named(texts[i].name);
        if (texts[i].value.n > (size_t)f->max) {
            return ctx_fail_field(c, E_INVALID, f->name, "%s has at most %lld bytes", f->name,
                                  (long long)f->max);
        }
        if (!str_is_utf8(texts[i].value) || str_find_char(texts[i].value, 0) >= 0) {
            return ctx_fail_field(c, E_INVALID, f->name, "%s is no UTF-8 text", f->name);
        }
    }
    struct str url = str_lower(c->arena, s->source_url);
    if (url.n && !str_starts(url, STR("https://")) && !str_starts(url, STR("http://"))) {
        return ctx_fail_field(c, E_INVALID, "source_url",
                              "source_url begins with https:// or http://");
    }
    return E_OK;
}

static enum err post(struct ctx *c, struct call *call)
{
    struct search_source source = {0};
    struct search_document d;
    enum search_import kind;
    struct str type = request_header(call->in, "Content-Type");
    bool form = str_starts(type, STR("multipart/form-data"));
    TRY(form ? read_form(c, call, &source) : read_json(c, call, &source));
    TRY(check_source(c, &source));
    TRY(search_import(c, &source, &kind, &d));
    if (kind != SEARCH_IMPORT_UNCHANGED) {
        TRY(tell(c, call->store, "document_ingested", &d));
    }
    call->status = kind == SEARCH_IMPORT_NEW ? 201 : 200;
    write_document(call_json(call), &d, (struct str){NULL, 0});
    return E_OK;
}

static enum err delete_document(struct ctx *c, struct call *call)
{
    struct search_document d;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(search_get(c, &id, &d));
    TRY(search_remove(c, &id));
    return tell(c, call->store, "document_removed", &d);
}

static enum err search(struct ctx *c, struct call *call)
{
    const struct search_body *in = call->input;
    struct search_result found;
    struct search_query q = {
        .text = in->query, .k = in->k ? (size_t)in->k : 10, .in_steps = in->steps};
    if (in->namespace.n) {
        q.namespaces = &in->namespace;
        q.namespace_count = 1;
    }
    TRY(search_query(c, &q, &found));
    struct json_out *o = call_list_begin(call);
    for (size_t i = 0; i < found.count; i++) {
        const struct search_hit *h = &found.hits[i];
        json_open_object(o);
        json_field_str(o, "document_id", id_str(&h->document));
        json_field_int(o, "chunk", h->chunk);
        json_field_str(o, "namespace", h->namespace);
        json_field_str(o, "title", h->title);
        json_field_str(o, "heading", h->heading);
        json_field_str(o, "text", h->text);
        json_field_str(o, "quote", h->quote);
        json_field_real(o, "score", h->match);
        json_field_int(o, "start", (int64_t)h->start);
        json_field_int(o, "end", (int64_t)h->end);
        json_field_int(o, "quote_start", (int64_t)h->quote_start);
        json_field_int(o, "quote_end", (int64_t)h->quote_end);
        json_close_object(o);
    }
    call_list_end(call, STR(""));
    return E_OK;
}

static const struct route routes[] = {
    {"GET", "/api/v1/documents", ROLE_ANY, "knowledge:read", list, "Documents", NULL, 0, 0},
    {"POST", "/api/v1/documents", ROLE_BUILDS | ROLE_SUPPORT, "knowledge:write", post,
     "Import a document (JSON or a form with a file)", NULL, 0,
     ROUTE_RAW | ROUTE_CREATES | ROUTE_SLOW},
    {"GET", "/api/v1/documents/{id}", ROLE_ANY, "knowledge:read", get, "A document with its text",
     NULL, 0, 0},
    {"DELETE", "/api/v1/documents/{id}", ROLE_BUILDS, "knowledge:write", delete_document,
     "Remove a document", NULL, 0, ROUTE_ONCE},
    {"POST", "/api/v1/knowledge/search", ROLE_ANY, "knowledge:read", search, "Search",
     &search_table, sizeof(struct search_body), 0},
    {0},
};

/* Documents of another embedding, such as of the program before an update, are found by their words
 * only until they are embedded anew. A job does a few, so that it holds no thread for long, and
 * orders itself again for the rest; what is done stays done when the process ends in between. */
static enum err embed_anew(struct ctx *c, struct job *job)
{
    struct store *s;
    size_t done, left;
    (void)job;
    TRY(store_of(c, &s));
    TRY(search_reembed(c, EMBED_ANEW_DOCUMENTS, &done, &left));
    if (done && c->at->metrics) {
        metric_add(metric_series(c->at->metrics, METRIC_COUNTER,
                                 "rapport_documents_embedded_anew_total",
                                 "Documents embedded anew because the embedding has changed.", ""),
                   (int64_t)done);
    }
    if (done) {
        log_at(c, LOG_INFO, "documents embedded anew", LOG_INT("documents", (int64_t)done),
               LOG_INT("left", (int64_t)left));
    }
    return done && left ? job_add(c, s, .kind = EMBED_ANEW, .unique_key = STR("rest")) : E_OK;
}

static const struct job_kind jobs[] = {
    {.kind = EMBED_ANEW, .run = embed_anew, .lane = LANE_BACKGROUND, .timeout_ms = 600000},
    {0},
};

static const struct job_schedule schedules[] = {
    {.kind = EMBED_ANEW, .daily_at_min = 4 * 60 + 40, .at_start = true},
    {0},
};

static const char *const emits[] = {"knowledge_events", NULL};

const struct service knowledge_service = {
    .name = "knowledge",
    .purpose = "Documents and search: what agents may cite.",
    .routes = routes,
    .jobs = jobs,
    .schedules = schedules,
    .emits = emits,
};
