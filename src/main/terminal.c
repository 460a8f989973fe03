#include "main/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/date.h"
#include "codec/text.h"

enum { BAR_WIDTH = 30, BAR_EVERY_MS = 80, CELL_MAX = 60, LINE_MAX_BYTES = 64 << 10 };

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

void terminal_fault(const struct ctx *c)
{
    const struct fault *f = &c->fault;
    const char *text = f->text[0] ? f->text : err_title(f->err);
    if (f->line > 0) {
        fprintf(stderr, "rapport: %s (line %d, column %d)\n", text, f->line, f->column);
    } else {
        fprintf(stderr, "rapport: %s\n", text);
    }
}

/* ---- progress ------------------------------------------------------------ */

struct terminal_progress terminal_progress_start(const char *label)
{
    return (struct terminal_progress){.label = label, .on = terminal_is(STDERR_FILENO)};
}

void terminal_progress_set(struct terminal_progress *p, double done)
{
    int64_t now = clock_steady_ms();
    if (!p->on || (p->drawn && now - p->shown_ms < BAR_EVERY_MS)) {
        return;
    }
    char bar[BAR_WIDTH + 1];
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    int filled = (int)(done * BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR_WIDTH - filled));
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r%s [%s] %3d %%", p->label, bar, (int)(done * 100));
    p->shown_ms = now;
    p->drawn = true;
}

void terminal_progress_end(struct terminal_progress *p)
{
    if (p->drawn) {
        fprintf(stderr, "\r\033[K");
        p->drawn = false;
    }
}

/* ---- tables -------------------------------------------------------------- */

static struct str join_list(struct ctx *c, const struct json *v)
{
    struct buf b = buf_make(4096);
    for (size_t i = 0; i < json_count(v); i++) {
        buf_addf(&b, "%s%.*s", i ? ", " : "", STR_ARG(json_text(json_at(v, i), STR("?"))));
    }
    struct str text = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static struct str cell_text(struct ctx *c, const struct json *item,
                            const struct terminal_column *column)
{
    const struct json *v = json_path(item, column->path);
    if (json_is_null(v)) {
        return STR("");
    }
    if (column->kind == TERMINAL_TIME) {
        int64_t ms = (int64_t)json_number(v, 0);
        struct str iso = date_iso(c->arena, ms);
        return ms ? str_fmt(c->arena, "%.10s %.5s", iso.p, iso.p + 11) : STR("");
    }
    if (json_is(v, JSON_ARRAY)) {
        return join_list(c, v);
    }
    struct str text = json_is(v, JSON_STRING) ? v->string : json_write(c->arena, v);
    text = text_clean(c->arena, text); /* nothing that steers the terminal */
    char *flat = str_dupz(c->arena, text);
    for (char *p = flat; *p; p++) {
        *p = *p == '\n' || *p == '\t' ? ' ' : *p;
    }
    return str_of(flat);
}

static void print_cell(struct str text, int width, bool right, bool last)
{
    int pad = width - (int)text_count(text);
    pad = pad < 0 ? 0 : pad;
    if (right) {
        printf("%*s%.*s%s", pad, "", STR_ARG(text), last ? "" : "  ");
    } else {
        printf("%.*s%*s%s", STR_ARG(text), last ? 0 : pad, "", last ? "" : "  ");
    }
}

void terminal_table(struct ctx *c, const struct json *items, const struct terminal_column *columns)
{
    int widths[TERMINAL_COLUMNS_MAX] = {0}, n = 0;
    size_t rows = json_count(items);
    while (columns[n].title && n < TERMINAL_COLUMNS_MAX) {
        widths[n] = (int)strlen(columns[n].title);
        n++;
    }
    struct str *cells = ARENA_ARRAY(c->arena, struct str, (rows + 1) * (size_t)n);
    for (size_t i = 0; i < rows; i++) {
        for (int k = 0; k < n; k++) {
            struct str text = cell_text(c, json_at(items, i), &columns[k]);
            text = k + 1 < n ? text_shorten(c->arena, text, CELL_MAX) : text;
            int width = (int)text_count(text);
            widths[k] = width > widths[k] ? width : widths[k];
            cells[i * (size_t)n + (size_t)k] = text;
        }
    }
    for (int k = 0; k < n; k++) {
        print_cell(str_of(columns[k].title), widths[k], columns[k].kind == TERMINAL_NUMBER,
                   k + 1 == n);
    }
    putchar('\n');
    for (size_t i = 0; i < rows; i++) {
        for (int k = 0; k < n; k++) {
            print_cell(cells[i * (size_t)n + (size_t)k], widths[k],
                       columns[k].kind == TERMINAL_NUMBER, k + 1 == n);
        }
        putchar('\n');
    }
}

void terminal_json(struct ctx *c, const struct json *v)
{
    struct str text = json_write(c->arena, v);
    printf("%.*s\n", STR_ARG(text));
}

void terminal_list(struct ctx *c, const struct invocation *in, const struct json *items,
                   const struct terminal_column *columns)
{
    if (in->json) {
        terminal_json(c, json_object(c->arena, {"items", items}));
    } else {
        terminal_table(c, items, columns);
    }
}

/* ---- input --------------------------------------------------------------- */

bool terminal_line(struct ctx *c, const char *prompt, bool secret, struct str *out_line)
{
    struct termios before, quiet;
    bool hide = secret && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal_is(STDIN_FILENO)) {
        fprintf(stderr, "%s", prompt);
    }
    if (hide) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t n = getline(&line, &size, stdin);
    if (hide) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (n > 0) {
        struct str text = str_make(line, (size_t)n > LINE_MAX_BYTES ? LINE_MAX_BYTES : (size_t)n);
        while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) {
            text.n--;
        }
        *out_line = str_dup(c->arena, text);
    }
    free(line);
    return n > 0;
}
