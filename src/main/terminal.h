/* What commands print: tables, progress, faults. Everything goes to standard output as text or,
 * with --json, as JSON; progress and faults go to standard error. One thread. */
#ifndef MAIN_TERMINAL_H
#define MAIN_TERMINAL_H

#include <stdbool.h>

#include "codec/json.h"
#include "main/command.h"

bool terminal_is(int fd);

/* "rapport: what went wrong" for the fault in c, with its place. */
void terminal_fault(const struct ctx *c);

/* A bar on standard error, only when that is a terminal. */
struct terminal_progress {
    const char *label;
    int64_t shown_ms;
    bool on, drawn;
};
struct terminal_progress terminal_progress_start(const char *label);
void terminal_progress_set(struct terminal_progress *p, double done); /* 0 to 1 */
void terminal_progress_end(struct terminal_progress *p);

/* A list of objects as a table. */
enum terminal_cell {
    TERMINAL_TEXT,  /* strings, numbers, lists joined by commas */
    TERMINAL_TIME,  /* Unix milliseconds as UTC */
    TERMINAL_NUMBER /* right aligned */
};
struct terminal_column {
    const char *title;
    const char *path; /* json_path */
    enum terminal_cell kind;
};
enum { TERMINAL_COLUMNS_MAX = 12 };
/* columns end with title NULL. */
void terminal_table(struct ctx *c, const struct json *items, const struct terminal_column *columns);

/* The value as JSON, one line when it is an answer for programs. */
void terminal_json(struct ctx *c, const struct json *v);
/* {"items":[...]} either way. */
void terminal_list(struct ctx *c, const struct invocation *in, const struct json *items,
                   const struct terminal_column *columns);

/* A line without its end from standard input, in c's arena; with `secret` a terminal does not echo.
 * False at the end of input. */
bool terminal_line(struct ctx *c, const char *prompt, bool secret, struct str *out_line);

#endif
