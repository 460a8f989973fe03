/* Private to store/: how a driver hands over result rows. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/store.h"

/* Collects cells row by row; texts go into the arena at once, cells at the end. */
struct row_sink {
    struct arena *arena;
    struct store_value *cells;
    size_t count, size; /* cells */
    size_t bytes;
    int columns;
    bool wanted; /* false: rows are counted, not kept */
    bool too_large;
};

struct row_sink row_sink_make(struct arena *a, bool wanted);
void row_sink_free(struct row_sink *k);
/* Adds one cell; bytes are copied. False past the bounds of a result: stop. */
bool row_add(struct row_sink *k, const struct store_value *value);
void row_sink_rows(struct row_sink *k, struct store_rows *out_rows);

#endif
