/* Inside search*.c only: a row of the table `document`. */
#ifndef FIND_SEARCH_ROW_H
#define FIND_SEARCH_ROW_H

#include "find/search.h"

#define SEARCH_DOCUMENT_COLUMNS                                                                    \
    "id, namespace, key, title, media_type, source_url, sha256, status, bytes, chunk_count, "      \
    "created_at, updated_at"

/* Selected as above. */
struct search_document search_document_row(const struct store_rows *r, int row);

#endif
