#include "find/search.h"

#include "find/search_row.h"

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
     " text TEXT NOT NULL, text_start BIGINT NOT NULL, text_end BIGINT NOT NULL,"
     " vector BLOB,"
     " PRIMARY KEY (document_id, ordinal));"},
    {0},
};

struct search_document search_document_row(const struct store_rows *r, int row)
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

/* ---- documents ----------------------------------------------------------- */

enum err search_get(struct ctx *c, const struct id *document, struct search_document *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT " SEARCH_DOCUMENT_COLUMNS
                    " FROM document WHERE id = ?1 AND status = 'ready'",
                    S_ID(document)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such document");
    }
    *out = search_document_row(&rows, 0);
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
                    "SELECT " SEARCH_DOCUMENT_COLUMNS " FROM document WHERE status = 'ready'"
                    " AND (?1 = '' OR namespace = ?1)"
                    " AND (namespace > ?2 OR (namespace = ?2 AND key > ?3))"
                    " ORDER BY namespace, key LIMIT ?4",
                    S_STR(namespace), S_STR(last.namespace), S_STR(last.key),
                    S_INT((int64_t)limit + 1)));
    size_t n = (size_t)rows.count < limit ? (size_t)rows.count : limit;
    out->items = ARENA_ARRAY(c->arena, struct search_document, n + 1);
    for (size_t i = 0; i < n; i++) {
        out->items[i] = search_document_row(&rows, (int)i);
    }
    out->count = n;
    out->more = (size_t)rows.count > limit;
    return E_OK;
}
