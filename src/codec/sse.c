#include "codec/sse.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { SSE_ID_MAX_BYTES = 1024, LOOK_BYTES = 512 };

struct sse {
    struct buf line; /* what has come of the current line */
    struct buf data;
    struct buf type;
    struct buf id;
    bool has_data; /* a `data` field was seen, even an empty one */
    bool after_cr; /* a \n that follows belongs to the line end before */
    bool begun;    /* the place for a byte order mark is past */
    bool failed;
    int64_t retry_ms;
};

struct sse *sse_new(size_t event_max_bytes)
{
    size_t max = event_max_bytes ? event_max_bytes : SSE_EVENT_MAX_BYTES;
    struct sse *s = mem_new(sizeof(*s));
    s->line = buf_make(max);
    s->data = buf_make(max);
    s->type = buf_make(SSE_ID_MAX_BYTES);
    s->id = buf_make(SSE_ID_MAX_BYTES);
    s->retry_ms = -1;
    return s;
}

void sse_free(struct sse **s)
{
    if (*s) {
        buf_free(&(*s)->line);
        buf_free(&(*s)->data);
        buf_free(&(*s)->type);
        buf_free(&(*s)->id);
        free(*s);
        *s = NULL;
    }
}

int64_t sse_retry_ms(const struct sse *s)
{
    return s->retry_ms;
}

static void set(struct buf *b, struct str value)
{
    buf_clear(b);
    buf_add_str(b, value);
}

static void take_field(struct sse *s, struct str name, struct str value)
{
    if (str_eqz(name, "data")) {
        if (s->has_data) {
            buf_add_char(&s->data, '\n');
        }
        buf_add_str(&s->data, value);
        s->has_data = true;
    } else if (str_eqz(name, "event")) {
        set(&s->type, value);
    } else if (str_eqz(name, "id")) {
        if (str_find_char(value, 0) < 0) {
            set(&s->id, value);
        }
    } else if (str_eqz(name, "retry")) {
        int64_t ms;
        if (value.n && value.p[0] != '-' && str_to_i64(value, &ms)) {
            s->retry_ms = ms;
        }
    } /* other fields, and comments (an empty name), are ignored */
}

static enum err end_line(struct sse *s, struct str line,
                         enum err (*on_event)(const struct sse_event *event, void *arg), void *arg)
{
    if (!s->begun && str_starts(line, STR("\xef\xbb\xbf"))) {
        line = str_sub(line, 3, line.n);
    }
    s->begun = true;
    enum err e = E_OK;
    if (line.n) {
        ptrdiff_t colon = str_find_char(line, ':');
        size_t name = colon < 0 ? line.n : (size_t)colon;
        struct str value = str_sub(line, name + 1, line.n);
        value = str_sub(value, str_starts(value, STR(" ")), value.n);
        take_field(s, str_sub(line, 0, name), value);
    } else {
        if (s->has_data) {
            struct str type = s->type.n ? buf_str(&s->type) : STR("message");
            e = on_event(&(struct sse_event){type, buf_str(&s->data), buf_str(&s->id)}, arg);
        }
        buf_clear(&s->data);
        buf_clear(&s->type);
        s->has_data = false;
    }
    return e;
}

/* Bytes up to the first line end. In steps: where lines end with \r alone, the search for \n does
 * not go through all of them each time. */
static size_t until_line_end(struct str s)
{
    for (size_t from = 0; from < s.n; from += LOOK_BYTES) {
        const char *p = s.p + from;
        size_t n = s.n - from < LOOK_BYTES ? s.n - from : LOOK_BYTES;
        const char *lf = memchr(p, '\n', n);
        const char *cr = memchr(p, '\r', lf ? (size_t)(lf - p) : n);
        if (cr || lf) {
            return (size_t)((cr ? cr : lf) - s.p);
        }
    }
    return s.n;
}

enum err sse_feed(struct sse *s, struct str piece,
                  enum err (*on_event)(const struct sse_event *event, void *arg), void *arg)
{
    while (piece.n && !s->failed) {
        if (s->after_cr) {
            s->after_cr = false;
            if (piece.p[0] == '\n') {
                piece = str_sub(piece, 1, piece.n);
                continue;
            }
        }
        size_t n = until_line_end(piece);
        bool ends = n < piece.n;
        struct str line = str_sub(piece, 0, n);
        if (!ends || s->line.n) { /* a line that is there whole is read where it lies */
            buf_add_str(&s->line, line);
            line = buf_str(&s->line);
        }
        if (ends) {
            s->after_cr = piece.p[n] == '\r';
            bool fits = !s->line.overflow && line.n <= s->line.max_bytes;
            enum err e = fits ? end_line(s, line, on_event, arg) : E_TOO_LARGE;
            buf_clear(&s->line);
            if (e != E_OK) {
                s->failed = true;
                return e;
            }
            n++;
        }
        s->failed = s->line.overflow || s->data.overflow || s->type.overflow || s->id.overflow;
        piece = str_sub(piece, n, piece.n);
    }
    return s->failed ? E_TOO_LARGE : E_OK;
}

static void write_line(struct buf *b, const char *name, struct str value)
{
    buf_addf(b, "%s: ", name);
    buf_add_str(b, value);
    buf_add_char(b, '\n');
}

/* A name or id must not end its line. */
static struct str first_line(struct str s)
{
    return str_sub(s, 0, until_line_end(s));
}

void sse_write(struct buf *b, struct str type, struct str id, struct str data)
{
    if (type.n) {
        write_line(b, "event", first_line(type));
    }
    if (id.n) {
        write_line(b, "id", first_line(id));
    }
    struct str rest = data;
    for (;;) {
        size_t n = until_line_end(rest);
        write_line(b, "data", str_sub(rest, 0, n));
        if (n == rest.n) {
            break;
        }
        bool pair = rest.p[n] == '\r' && n + 1 < rest.n && rest.p[n + 1] == '\n';
        rest = str_sub(rest, n + 1 + pair, rest.n);
    }
    buf_add_char(b, '\n');
}

void sse_write_ping(struct buf *b)
{
    buf_add_str(b, STR(":\n\n"));
}
