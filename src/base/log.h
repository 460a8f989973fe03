/* One JSON line per thing worth knowing, with the request id of the task that says it. Text values
 * are masked (e-mail addresses; card, account and telephone numbers, in groups or not; long digit
 * runs; bearer tokens and keys) before they are written, so personal data and secrets do not reach
 * the log by accident. Any thread; never blocks on more than one write(2); a full pipe loses the
 * line, not the task. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct ctx;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name; /* NULL ends the list */
    enum { LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_REAL } kind;
    struct str text;
    int64_t integer;
    double real;
};

#define LOG_STR(name, value)                                                                       \
    {                                                                                              \
        (name), LOG_KIND_STR, (value), 0, 0                                                        \
    }
#define LOG_Z(name, value)                                                                         \
    {                                                                                              \
        (name), LOG_KIND_STR, str_of(value), 0, 0                                                  \
    }
#define LOG_INT(name, value)                                                                       \
    {                                                                                              \
        (name), LOG_KIND_INT, {0, 0}, (int64_t)(value), 0                                          \
    }
#define LOG_REAL(name, value)                                                                      \
    {                                                                                              \
        (name), LOG_KIND_REAL, {0, 0}, 0, (value)                                                  \
    }

struct log;

/* fd: where lines go; it stays the caller's. */
struct log *log_new(int fd, enum log_level least);
void log_free(struct log **l);
bool log_wants(const struct log *l, enum log_level level);

/* `what` is a fixed text, never data: "message stored". `c` may be NULL outside tasks. */
void log_write(struct log *l, const struct ctx *c, enum log_level level, const char *what,
               const struct log_field *fields);

/* log_at(c, LOG_INFO, "message stored", LOG_STR("conversation_id", id), LOG_INT("bytes", n)) */
#define log_at(c, level, ...) log_at_(c, level, __VA_ARGS__, {0})
#define log_at_(c, level, what, ...)                                                               \
    log_write(ctx_log(c), (c), (level), (what), (const struct log_field[]){__VA_ARGS__})

/* Appends `text` with personal data and secrets masked. */
void log_mask(struct buf *out, struct str text);

#endif
