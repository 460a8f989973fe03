#include "support/flow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "codec/jq.h"
#include "codec/template.h"
#include "support/ordeal.h"

enum {
    FILE_MAX_BYTES = 1 << 20,
    NAMES_MAX = 256,
    SEEN_MAX = 400,
    CTX_BYTES = 256 << 20,
    WITH_MAX = 8,
    REPEAT_MAX = 10000
};

#define FROM_DEFAULT "192.0.2.1"

struct flow {
    struct lifecycle *world;
    struct clock *clock;
    struct ordeal *ordeal;   /* NULL: nothing fails */
    struct arena *arena;     /* of the file, kept values, tokens */
    const struct json *kept; /* object of variables */
    const struct json *tokens;
    const struct json *strangers; /* names of members of the other org */
    const struct json *seen;      /* object: id -> true */
    const char *file;
    int line;
    struct str title;
    int tests, failures;
    int requests;
    bool failed;                  /* the present scenario */
    struct header with[WITH_MAX]; /* of the next request */
    int with_count;
    struct str from; /* where requests come from: an address, not filled yet */
    int status;
    struct str body;
    const struct json *answer;
};

static void complain(struct flow *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct flow *f, const char *fmt, ...)
{
    va_list args;
    printf("# %s:%d: ", f->file, f->line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n#   status %d, body %.*s\n", f->status, (int)(f->body.n > 900 ? 900 : f->body.n),
           f->body.p ? f->body.p : "");
    f->failed = true;
}

static bool struck(const struct flow *f)
{
    return f->ordeal && f->ordeal->struck;
}

/* How many calls have failed so far. */
static int hits(const struct flow *f)
{
    return f->ordeal ? f->ordeal->hits : 0;
}

static void end_scenario(struct flow *f)
{
    if (f->title.p) {
        f->tests++;
        f->failures += f->failed;
        if (!f->ordeal) {
            printf("%s %d - %.*s\n", f->failed ? "not ok" : "ok", f->tests, STR_ARG(f->title));
        }
        fflush(stdout);
    }
    f->failed = false;
}

/* ---- requests ------------------------------------------------------------ */

static struct str fill(struct flow *f, struct str text)
{
    struct str out = text;
    struct json_fault fault = {0};
    if (template_text(f->arena, text, f->kept, &out, &fault) != E_OK) {
        complain(f, "template: %s", fault.text);
    }
    return out;
}

static void note_ids(struct flow *f, struct str text)
{
    for (size_t i = 0; i + ID_TEXT_BYTES <= text.n && json_count(f->seen) < SEEN_MAX; i++) {
        struct id id;
        if (text.p[i] == '"' && id_parse(str_sub(text, i + 1, ID_TEXT_BYTES), &id)) {
            struct str name = str_dup(f->arena, id_str(&id));
            f->seen = json_with(f->arena, f->seen, name, &json_true_value);
            i += ID_TEXT_BYTES;
        }
    }
}

static void keep_headers(struct flow *f, const struct response_out *out)
{
    const struct json *all = &json_empty_object;
    for (int i = 0; i < out->header_count; i++) {
        struct str name = str_lower(f->arena, out->headers[i].name);
        struct str value = str_dup(f->arena, out->headers[i].value);
        all = json_with(f->arena, all, name, json_new_str(f->arena, value));
    }
    f->kept = json_with(f->arena, f->kept, STR("headers"), all);
}

/* In an ordeal a request has a key, as of a client that means to send it again. */
static void add_key(struct flow *f, struct ctx *c, struct request_in *in, struct header *headers)
{
    bool has = !f->ordeal || !(str_eqz(in->method, "POST") || str_eqz(in->method, "PUT"));
    for (int i = 0; i < in->header_count; i++) {
        has = has || str_eq_nocase(headers[i].name, STR("Idempotency-Key"));
    }
    if (!has) {
        struct str key = str_fmt(c->arena, "request %d of %s", f->requests, f->file);
        headers[in->header_count++] = (struct header){STR("Idempotency-Key"), key};
    }
}

static void send_once(struct flow *f, struct str method, struct str target, struct str body,
                      struct str token)
{
    struct ctx *c = ctx_new(&f->world->at, CTX_BYTES);
    struct request_in in = {.method = method, .peer = fill(f, f->from)};
    struct response_out out = {0};
    struct header headers[3 + WITH_MAX];
    ptrdiff_t mark = str_find_char(target, '?');
    in.path = mark < 0 ? target : str_sub(target, 0, (size_t)mark);
    in.query = mark < 0 ? STR("") : str_sub(target, (size_t)mark + 1, target.n);
    in.body = body;
    in.headers = headers;
    headers[in.header_count++] = (struct header){STR("content-type"), STR("application/json")};
    if (token.n) {
        headers[in.header_count++] =
            (struct header){STR("authorization"), str_fmt(c->arena, "Bearer %.*s", STR_ARG(token))};
    }
    for (int i = 0; i < f->with_count; i++) {
        headers[in.header_count++] = f->with[i];
    }
    add_key(f, c, &in, headers);
    door_request(c, &in, &out, NULL);
    f->status = out.status;
    f->body = str_dup(f->arena, out.body);
    keep_headers(f, &out);
    f->answer = &json_null_value;
    struct json_fault fault;
    if (json_parse(f->arena, f->body, &f->answer, &fault) != E_OK) {
        f->answer = &json_null_value;
    }
    ctx_free(&c);
}

/* A clean error says what it is and that it may pass. */
static bool is_clean_error(const struct flow *f)
{
    bool passing = f->status == 503 || f->status == 504 || f->status == 507;
    return passing && json_str(f->answer, "code", STR("")).n;
}

/* What a client has to live with when the call struck this request of all. */
static void note_request(struct flow *f, struct str target, struct str body)
{
    bool opens = str_starts(target, STR("/api/v1/chat/sessions"));
    bool lost = f->ordeal->place == MISHAP_COMMIT_LOST || f->ordeal->place == MISHAP_SQL_LOST;
    bool renews = str_starts(target, STR("/api/v1/auth/refresh"));
    /* a code or a token that works once: make another, sign in again */
    f->ordeal->moot = (opens && str_find(body, STR("pairing_code")) >= 0) || (renews && lost);
    f->ordeal->opened_twice = f->ordeal->opened_twice || opens || str_ends(target, STR("/fork"));
}

static void send(struct flow *f, struct str method, struct str target, struct str body,
                 struct str token)
{
    int before = hits(f);
    ordeal_step(f->ordeal, false);
    f->requests++;
    send_once(f, method, target, body, token);
    if (hits(f) > before && f->status >= 500) {
        if (!is_clean_error(f)) {
            complain(f, "%.*s %.*s: no clean error", STR_ARG(method), STR_ARG(target));
        }
        note_request(f, target, body);
        send_once(f, method, target, body, token);
        if (str_eqz(method, "DELETE") && f->status == 404) {
            f->status = 204; /* the first time did it, and only its answer was lost */
        }
    }
    f->with_count = 0;
}

static void request(struct flow *f, struct str who, struct str rest)
{
    struct str method = {0}, target = {0};
    struct str token =
        str_eqz(who, "anyone") ? STR("") : json_text(json_find(f->tokens, who), STR("?"));
    rest = fill(f, rest);
    str_split(&rest, ' ', &method);
    str_split(&rest, ' ', &target);
    struct str body = rest.p ? str_trim(rest) : STR("");
    if (str_eqz(token, "?")) {
        complain(f, "nobody signed in as %.*s", STR_ARG(who));
        return;
    }
    send(f, method, target, body, token);
    if (f->status < 300 && !json_find(f->strangers, who)) {
        note_ids(f, f->body);
    }
}

static void sign_in(struct flow *f, struct str rest)
{
    ptrdiff_t as = str_find(rest, STR(" as "));
    struct str email = str_sub(rest, 0, as < 0 ? 0 : (size_t)as);
    struct str name = str_sub(rest, as < 0 ? 0 : (size_t)as + 4, rest.n);
    struct str body =
        str_fmt(f->arena, "{\"email\":\"%.*s\",\"password\":\"rapport-demo\"}", STR_ARG(email));
    send(f, STR("POST"), STR("/api/v1/auth/login"), body, STR(""));
    const struct json *token = json_get(f->answer, "access_token");
    if (!token) {
        complain(f, "%.*s cannot sign in", STR_ARG(email));
        return;
    }
    f->tokens = json_with(f->arena, f->tokens, str_dup(f->arena, name), token);
    if (str_ends(email, STR("@harbour.example"))) {
        f->strangers = json_with(f->arena, f->strangers, str_dup(f->arena, name), &json_true_value);
    }
}

/* ---- what must hold ------------------------------------------------------ */

static const struct json *evaluate(struct flow *f, struct str source)
{
    const char *names[NAMES_MAX + 1] = {0};
    for (size_t i = 0; i < json_count(f->kept) && i < NAMES_MAX; i++) {
        names[i] = str_dupz(f->arena, f->kept->members[i].name);
    }
    struct jq_setup setup = {.variables = names};
    struct jq_program *p = NULL;
    struct jq_fault fault = {0};
    const struct json *value = &json_null_value;
    if (jq_new(source, &setup, &p, &fault) != E_OK) {
        complain(f, "jq: %s", fault.text);
        return value;
    }
    struct jq_input in = {.value = f->answer, .variables = f->kept};
    if (jq_one(p, f->arena, in, &value, &fault) != E_OK) {
        complain(f, "jq: %s", fault.text);
        value = &json_null_value;
    }
    value = json_copy(f->arena, value);
    jq_free(&p);
    return value;
}

static void expect(struct flow *f, struct str source)
{
    const struct json *value = evaluate(f, source);
    if (json_is_null(value) || (json_is(value, JSON_BOOL) && !value->boolean)) {
        complain(f, "does not hold: %.*s", STR_ARG(source));
    }
}

static void keep(struct flow *f, struct str rest)
{
    struct str name = {0};
    str_split(&rest, ' ', &name);
    const struct json *value = evaluate(f, rest);
    if (json_is_null(value)) {
        complain(f, "nothing to keep as %.*s", STR_ARG(name));
    }
    f->kept = json_with(f->arena, f->kept, name, value);
}

static void check_status(struct flow *f, struct str rest)
{
    int64_t wanted = 0;
    if (!str_to_i64(rest, &wanted) || wanted != f->status) {
        complain(f, "status is %d, not %.*s", f->status, STR_ARG(rest));
    }
}

static void drain_once(struct flow *f)
{
    struct ctx *c = ctx_new(&f->world->at, CTX_BYTES);
    int before = hits(f);
    enum err e = bus_drain(c, f->world->at.bus);
    if (e != E_OK && hits(f) == before) {
        complain(f, "drain: %s", c->fault.text);
    }
    ctx_free(&c);
}

static void pass_time(struct flow *f, int64_t ms)
{
    clock_advance_ms(f->clock, ms);
    bus_clock_moved(f->world->at.bus);
}

/* The look is the test's own: no call of it fails. */
static bool unfinished(struct flow *f)
{
    struct mishap mishap = f->ordeal->mishap;
    ordeal_end(f->ordeal);
    bool left = ordeal_unfinished(f->world);
    f->ordeal->mishap = mishap;
    return left;
}

/* What failed once is tried again later: the time until then passes here. */
static void drain(struct flow *f)
{
    enum { ROUNDS = 200, ROUND_MS = 5000 }; /* the longest lease runs out */
    int before = hits(f);
    ordeal_step(f->ordeal, true);
    drain_once(f);
    bool here = hits(f) > before; /* even the look at what is due may have failed */
    if (f->ordeal && f->ordeal->behind_ms) {
        pass_time(f, f->ordeal->behind_ms);
        f->ordeal->behind_ms = 0;
        drain_once(f);
    }
    for (int i = 0; struck(f) && i < ROUNDS && (here || unfinished(f)); i++) {
        before = hits(f);
        pass_time(f, ROUND_MS);
        drain_once(f);
        here = hits(f) > before;
    }
}

static void move_clock(struct flow *f, struct str rest)
{
    int64_t ms = 0;
    rest = str_starts(rest, STR("+")) ? str_sub(rest, 1, rest.n) : rest;
    if (!str_to_i64(rest, &ms)) {
        complain(f, "clock +MS");
    }
    if (f->ordeal) { /* until then also where the clock was set back */
        ms += f->ordeal->behind_ms;
        f->ordeal->behind_ms = 0;
    }
    pass_time(f, ms);
}

static void add_header(struct flow *f, struct str rest)
{
    struct str name;
    rest = fill(f, rest);
    if (f->with_count == WITH_MAX || !str_split(&rest, ':', &name)) {
        complain(f, "with NAME: VALUE");
        return;
    }
    f->with[f->with_count++] = (struct header){name, str_trim(rest)};
}

static void run_line(struct flow *f, struct str line);

static void repeat(struct flow *f, struct str rest)
{
    struct str times = {0};
    int64_t n = 0;
    str_split(&rest, ' ', &times);
    if (!str_to_i64(times, &n) || n < 1 || n > REPEAT_MAX) {
        complain(f, "repeat N LINE");
    }
    for (int64_t i = 1; i <= n && !f->failed; i++) {
        f->kept = json_with(f->arena, f->kept, STR("n"), json_new_int(f->arena, i));
        run_line(f, rest);
    }
}

static bool take(struct str *line, const char *word)
{
    if (!str_starts(*line, str_of(word))) {
        return false;
    }
    *line = str_trim(str_sub(*line, strlen(word), line->n));
    return true;
}

static void run_line(struct flow *f, struct str line)
{
    line = str_trim(line);
    if (take(&line, "## ")) {
        end_scenario(f);
        f->title = line;
        f->from = STR(FROM_DEFAULT);
    } else if (line.n == 0 || line.p[0] == '#' || f->failed) {
        return; /* after a failure the rest of a scenario means nothing */
    } else if (take(&line, "sign in ")) {
        sign_in(f, line);
    } else if (take(&line, "status ")) {
        check_status(f, line);
    } else if (take(&line, "expect ")) {
        expect(f, line);
    } else if (take(&line, "keep ")) {
        keep(f, line);
    } else if (take(&line, "with ")) {
        add_header(f, line);
    } else if (take(&line, "from ")) {
        f->from = line;
    } else if (take(&line, "repeat ")) {
        repeat(f, line);
    } else if (str_eqz(line, "drain")) {
        drain(f);
    } else if (take(&line, "clock ")) {
        move_clock(f, line);
    } else {
        ptrdiff_t colon = str_find(line, STR(": "));
        if (colon <= 0) {
            complain(f, "not understood: %.*s", STR_ARG(line));
            return;
        }
        request(f, str_sub(line, 0, (size_t)colon),
                str_trim(str_sub(line, (size_t)colon + 2, line.n)));
    }
}

/* ---- tenant bleed -------------------------------------------------------- */

static void ask_as_stranger(struct flow *f, const struct route *r, struct str id, struct str token)
{
    struct buf path = buf_make(2048);
    for (const char *p = r->path; *p; p++) {
        if (*p == '{') {
            bool kind = strncmp(p, "{kind}", 6) == 0;
            buf_add_str(&path, kind ? STR("account") : id);
            p = strchr(p, '}');
        } else {
            buf_add_char(&path, *p);
        }
    }
    send(f, STR("GET"), buf_str(&path), STR(""), token);
    bool own = f->status == 404 || f->status == 403 || f->status == 400;
    if (!own && str_find(f->body, id) >= 0) {
        complain(f, "%s shows %.*s to another organisation", r->path, STR_ARG(id));
    }
    buf_free(&path);
}

static void check_bleed(struct flow *f)
{
    f->title = STR("nothing that was seen is visible to another organisation");
    sign_in(f, STR("carys@harbour.example as stranger"));
    struct str token = json_text(json_find(f->tokens, STR("stranger")), STR(""));
    const struct service *const *services = f->world->host.services;
    for (int i = 0; services[i] && !f->failed; i++) {
        for (const struct route *r = services[i]->routes; r && r->method; r++) {
            bool takes_id =
                strchr(r->path, '{') && !(r->flags & ROUTE_HTML) && !(r->roles & ROLE_PUBLIC);
            if (strcmp(r->method, "GET") != 0 || !takes_id || strstr(r->path, "/events")) {
                continue;
            }
            for (size_t k = 0; k < json_count(f->seen); k++) {
                ask_as_stranger(f, r, f->seen->members[k].name, token);
            }
        }
    }
    end_scenario(f);
}

static struct str read_all(struct arena *a, const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = arena_alloc(a, FILE_MAX_BYTES);
    size_t n = in ? fread(text, 1, FILE_MAX_BYTES, in) : 0;
    if (in) {
        fclose(in);
    }
    return str_make(text, n);
}

static void run_file(struct flow *f, struct str text)
{
    struct str line;
    while (!(f->ordeal && f->ordeal->moot) && str_split(&text, '\n', &line)) {
        f->line++;
        run_line(f, line);
    }
    end_scenario(f);
}

struct flow_outcome flow_play(const struct installation *w, const char *file, struct ordeal *o)
{
    struct flow f = {.world = w->life,
                     .clock = w->clock,
                     .ordeal = o,
                     .file = file,
                     .arena = arena_new(1u << 30),
                     .kept = &json_empty_object,
                     .tokens = &json_empty_object,
                     .seen = &json_empty_object,
                     .strangers = &json_empty_object,
                     .from = STR(FROM_DEFAULT)};
    run_file(&f, read_all(f.arena, file));
    if (struck(&f)) {
        drain(&f); /* what the last lines left to be tried again */
    }
    if (!o) { /* what fails now and then does not make the walls thinner */
        check_bleed(&f);
    }
    struct flow_outcome outcome = {f.tests, f.failures};
    arena_free(&f.arena);
    return outcome;
}
