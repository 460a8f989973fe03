/* `rapport ask`: a question to the success copilot. With a server its plan and tools are shown as
 * they come; without one the answer comes at once. */
#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { QUESTION_MAX_BYTES = 8 << 10, COLUMN_MAX = 30 };

struct work {
    struct ctx *c;
    struct invocation *in;
    struct remote *remote;
    struct str question;
    const struct json *final;
    bool tty;
};

/* ---- printing ------------------------------------------------------------ */

/* Nothing of an answer steers the terminal. */
static struct str clean(struct ctx *c, const struct json *v, const char *name)
{
    return text_clean(c->arena, json_str(v, name, STR("")));
}

static void print_heading(const struct work *w, const char *text)
{
    printf("\n%s%s%s\n", w->tty ? "\033[1m" : "", text, w->tty ? "\033[0m" : "");
}

static void print_plan(struct ctx *c, const struct work *w, const struct json *plan)
{
    const struct json *steps = json_get(plan, "steps");
    bool model = str_eqz(json_str(plan, "plan_source", STR("")), "model");
    if (!json_count(steps)) {
        return;
    }
    print_heading(w, model ? "Plan (by the model)" : "Plan");
    for (size_t i = 0; i < json_count(steps); i++) {
        const struct json *s = json_at(steps, i);
        printf("  %zu. %-22.*s %.*s\n", i + 1, STR_ARG(clean(c, s, "tool")),
               STR_ARG(clean(c, s, "reason")));
    }
    print_heading(w, "Tools");
}

static void print_tool(struct ctx *c, const struct json *tool)
{
    struct str error = clean(c, tool, "error");
    struct str error_text = error.n ? str_fmt(c->arena, "  %.*s", STR_ARG(error)) : STR("");
    printf("  %s %-22.*s %8.1f ms%.*s\n", error.n ? "x" : "+", STR_ARG(clean(c, tool, "name")),
           json_real(tool, "took_ms", 0), STR_ARG(error_text));
}

static void print_email(struct ctx *c, const struct work *w, const struct json *email)
{
    if (json_is(email, JSON_OBJECT)) {
        print_heading(w, "E-mail draft");
        printf("  Subject: %.*s\n\n", STR_ARG(clean(c, email, "subject")));
        struct str rest = clean(c, email, "body"), line;
        while (str_split(&rest, '\n', &line)) {
            printf("  %.*s\n", STR_ARG(line));
        }
    }
}

static void print_qbr(struct ctx *c, const struct work *w, const struct json *qbr)
{
    const struct json *sections = json_get(qbr, "sections");
    if (json_count(sections)) {
        print_heading(w, "QBR outline");
    }
    for (size_t i = 0; i < json_count(sections); i++) {
        const struct json *s = json_at(sections, i), *bullets = json_get(s, "bullets");
        printf("  %zu. %.*s\n", i + 1, STR_ARG(clean(c, s, "title")));
        for (size_t k = 0; k < json_count(bullets); k++) {
            struct str text = json_text(json_at(bullets, k), STR(""));
            printf("     - %.*s\n", STR_ARG(text_clean(c->arena, text)));
        }
    }
}

static struct str cell_text(struct ctx *c, const struct json *row, const struct json *column)
{
    struct str type = json_str(column, "type", STR(""));
    const struct json *v = json_find(row, json_str(column, "key", STR("")));
    if (json_is_null(v)) {
        return STR("-");
    }
    if (str_eqz(type, "date")) {
        return date_iso_day(c->arena, (int64_t)json_number(v, 0));
    }
    if (str_eqz(type, "money")) {
        return str_fmt(c->arena, "%.0f %.*s", json_number(v, 0) / 100,
                       STR_ARG(clean(c, row, "currency")));
    }
    if (json_is(v, JSON_STRING)) {
        return text_cut(text_clean(c->arena, json_text(v, STR(""))), COLUMN_MAX);
    }
    return json_write(c->arena, v);
}

static void print_row(struct ctx *c, const struct json *columns, const struct json *row,
                      const size_t *widths)
{
    printf(" ");
    for (size_t i = 0; i < json_count(columns) && i < TERMINAL_COLUMNS_MAX; i++) {
        const struct json *column = json_at(columns, i);
        struct str text = row ? cell_text(c, row, column) : clean(c, column, "label");
        printf(" %.*s%*s", STR_ARG(text), (int)(widths[i] - text_count(text) + 1), "");
    }
    printf("\n");
}

static void print_table(struct ctx *c, const struct work *w, const struct json *table)
{
    size_t widths[TERMINAL_COLUMNS_MAX] = {0};
    const struct json *columns = json_get(table, "columns"), *rows = json_get(table, "rows");
    if (!json_count(rows)) {
        return;
    }
    for (size_t i = 0; i < json_count(columns) && i < TERMINAL_COLUMNS_MAX; i++) {
        widths[i] = text_count(clean(c, json_at(columns, i), "label"));
        for (size_t k = 0; k < json_count(rows); k++) {
            size_t n = text_count(cell_text(c, json_at(rows, k), json_at(columns, i)));
            widths[i] = n > widths[i] ? n : widths[i];
        }
    }
    print_heading(w, str_dupz(c->arena, clean(c, table, "title")));
    print_row(c, columns, NULL, widths);
    for (size_t i = 0; i < json_count(rows); i++) {
        print_row(c, columns, json_at(rows, i), widths);
    }
}

static void print_health(struct ctx *c, const struct work *w, const struct json *health)
{
    const struct json *factors = json_get(health, "factors");
    if (!json_is(health, JSON_OBJECT)) {
        return;
    }
    print_heading(w, "Health");
    const struct json *score = json_get(health, "score");
    if (json_is(score, JSON_INT)) {
        printf("  %lld of 100, %.*s risk\n", (long long)json_number(score, 0),
               STR_ARG(clean(c, health, "risk_level")));
    } else {
        printf("  no score: data are missing\n");
    }
    for (size_t i = 0; i < json_count(factors); i++) {
        printf("  - %.*s\n", STR_ARG(clean(c, json_at(factors, i), "text")));
    }
}

static void print_final(struct ctx *c, const struct work *w, const struct json *f)
{
    const struct json *actions = json_get(f, "actions"), *notes = json_get(f, "notes");
    struct str hint = clean(c, f, "plan_hint");
    const struct json *account = json_get(f, "account"), *timing = json_get(f, "timing");
    struct str name = clean(c, account, "name");
    print_heading(w, name.n ? str_dupz(c->arena, name) : "Answer");
    printf("  %.*s\n", STR_ARG(clean(c, f, "summary")));
    print_health(c, w, json_get(f, "health"));
    print_table(c, w, json_get(f, "table"));
    if (json_count(actions)) {
        print_heading(w, "Actions");
    }
    for (size_t i = 0; i < json_count(actions); i++) {
        const struct json *it = json_at(actions, i);
        printf("  - [%.*s] %.*s (%.*s)\n", STR_ARG(clean(c, it, "priority")),
               STR_ARG(clean(c, it, "text")), STR_ARG(clean(c, it, "reason")));
    }
    print_email(c, w, json_get(f, "email_draft"));
    print_qbr(c, w, json_get(f, "qbr"));
    if (json_count(notes)) {
        print_heading(w, "Notes");
    }
    for (size_t i = 0; i < json_count(notes); i++) {
        printf("  - %.*s\n", STR_ARG(clean(c, json_at(notes, i), "text")));
    }
    if (hint.n) {
        printf("\n%.*s\n", STR_ARG(hint));
    }
    printf("\n%.1f ms in all; request %.*s\n", json_real(timing, "total_ms", 0),
           STR_ARG(clean(c, f, "request_id")));
}

/* ---- asking -------------------------------------------------------------- */

static enum err on_event(struct str type, struct str id, struct str data, void *arg)
{
    struct work *w = arg;
    const struct json *e;
    struct json_fault fault;
    (void)id;
    struct ctx *own = remote_thread_ctx(w->remote);
    bool ended = str_eqz(type, "final");
    if (json_parse(own->arena, data, &e, &fault) != E_OK) {
        ctx_free(&own);
        return E_OK;
    }
    if (w->in->json) { /* a line for each event */
        printf("{\"event\":\"%.*s\",\"data\":%.*s}\n", STR_ARG(type), STR_ARG(data));
    } else if (str_eqz(type, "plan")) {
        print_plan(own, w, e);
    } else if (str_eqz(type, "tool:end")) {
        print_tool(own, e);
    }
    if (ended) {
        w->final = json_copy(w->c->arena, e);
    }
    ctx_free(&own);
    return ended || fflush(stdout) != 0 ? E_GONE : E_OK;
}

/* "message=...&selected_account_id=..." */
static struct str form_of(struct work *w)
{
    static const char *const names[][2] = {
        {"account", "selected_account_id"}, {"tone", "tone"}, {"language", "language"}};
    struct buf b = buf_make(4 * QUESTION_MAX_BYTES);
    url_form_add(&b, STR("message"), w->question);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *value = command_option(w->in, names[i][0], NULL);
        if (value) {
            url_form_add(&b, str_of(names[i][1]), str_of(value));
        }
    }
    struct str text = str_dup(w->c->arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static enum err ask_server(struct work *w)
{
    struct remote_stream stream = {
        .path = str_fmt(w->c->arena, "/api/v1/copilot/stream?%.*s", STR_ARG(form_of(w))),
        .after = -1,
        .on_event = on_event,
        .arg = w};
    return remote_stream(w->c, w->remote, &stream);
}

static const struct json *option_json(struct work *w, const char *name)
{
    const char *value = command_option(w->in, name, NULL);
    return value ? json_new_str(w->c->arena, str_of(value)) : NULL;
}

static enum err ask_here(struct work *w)
{
    struct arena *a = w->c->arena;
    const struct json *body = json_object(
        a, {"question", json_new_str(a, w->question)}, {"account_id", option_json(w, "account")},
        {"tone", option_json(w, "tone")}, {"language", option_json(w, "language")});
    TRY(remote_post(w->remote, STR("/api/v1/briefs"), body, &w->final));
    if (w->in->json) {
        terminal_json(w->c, w->final);
        return E_OK;
    }
    print_plan(w->c, w,
               json_object(a, {"steps", json_get(w->final, "decision_log")},
                           {"plan_source", json_get(w->final, "plan_source")}));
    const struct json *used = json_get(w->final, "used_tools");
    for (size_t i = 0; i < json_count(used); i++) {
        print_tool(w->c, json_at(used, i));
    }
    return E_OK;
}

static enum err ask_connected(struct work *w)
{
    TRY(remote_enter_shown(w->remote));
    TRY(remote_is_here(w->remote) ? ask_here(w) : ask_server(w));
    if (!w->in->json && w->final) {
        print_final(w->c, w, w->final);
    }
    return str_eqz(json_str(w->final, "scope", STR("")), "failed")
               ? ctx_fail(w->c, E_UNAVAILABLE, "the question was not answered")
               : E_OK;
}

static enum err ask(struct ctx *c, struct invocation *in)
{
    struct work w = {.c = c, .in = in, .tty = terminal_is(1)};
    struct buf b = buf_make(QUESTION_MAX_BYTES);
    for (int i = 0; i < in->arg_count; i++) {
        buf_addf(&b, "%s%s", i ? " " : "", in->args[i]);
    }
    w.question = str_dup(c->arena, buf_str(&b));
    bool too_long = b.overflow;
    buf_free(&b);
    if (too_long) {
        return command_usage(c, in, "ask: the question is too long");
    }
    TRY(remote_open(c, in, &w.remote));
    enum err e = ask_connected(&w);
    remote_close(&w.remote);
    return e;
}

static const struct option ask_options[] = {
    {"account", 'a', "ACCOUNT", "id or slug of the account it is about"},
    {"tone", 't', "TONE", "of the e-mail: friendly, formal or concise"},
    {"language", 'l', "CODE", "of the answer: en, de, nl or fr"},
    {0},
};

extern const struct command ask_commands[];
const struct command ask_commands[] = {
    {"ask", "QUESTION...", "Ask the success copilot about your accounts.", COMMAND_REMOTE,
     ask_options, 1, -1, ask},
    {0},
};
