#include "main/playback.h"

#include <time.h>

#include "base/clock.h"
#include "codec/url.h"

enum { PLAY_ARENA_BYTES = 512 << 20, LOOK_MS = 20000, AGAIN_MS = 100, DIFFERENCES_MAX = 64 };

/* A conversation under way. */
struct play {
    struct ctx *c; /* of this conversation */
    const struct playback_setup *setup;
    const struct recording *recording;
    struct remote *remote;
    struct str token;
    struct str conversation;
    int64_t cursor; /* newest message seen */
    bool ended;     /* nobody will answer any more */
    struct playback_report report;
};

/* What the agent did in one turn. */
struct answered {
    const struct json *message; /* NULL: nothing came */
    const struct json *calls;
    const struct json *differences;
};

static void pause_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* ---- the way to the agent ------------------------------------------------ */

/* Everything that is sent may be sent twice: messages carry an id of their own, and a session that
 * nobody heard of stays empty. So a server that is being started again is waited for. */
static enum err call_patiently(struct play *p, const struct remote_call *call,
                               const struct json **out)
{
    int64_t until_ms = clock_steady_ms() + p->setup->patience_ms;
    for (;;) {
        enum err e = remote_send(p->remote, call, out);
        if ((e != E_UNAVAILABLE && e != E_TIMEOUT) || clock_steady_ms() >= until_ms) {
            return e;
        }
        ctx_forgive(p->c);
        pause_ms(AGAIN_MS);
    }
}

static enum err get(struct play *p, struct str path, const struct json **out)
{
    struct remote_call call = {.method = "GET", .path = path};
    return call_patiently(p, &call, out);
}

static enum err post(struct play *p, const char *path, const struct json *body,
                     const struct json **out)
{
    struct remote_call call = {.method = "POST", .path = str_of(path), .body = body};
    return call_patiently(p, &call, out);
}

static enum err enter_patiently(struct play *p)
{
    int64_t until_ms = clock_steady_ms() + p->setup->patience_ms;
    for (;;) {
        enum err e = remote_enter_slug(p->remote, p->setup->org_slug);
        if (e != E_UNAVAILABLE || clock_steady_ms() >= until_ms) {
            return e;
        }
        ctx_forgive(p->c);
        pause_ms(AGAIN_MS);
    }
}

static enum err begin(struct play *p)
{
    struct arena *a = p->c->arena;
    const struct json *session, *contact = json_get(p->recording->value, "contact");
    if (!contact) {
        contact = json_object(a, {"name", json_new_str(a, p->recording->name)});
    }
    TRY(enter_patiently(p));
    TRY(post(p, "/api/v1/chat/sessions",
             json_object(a, {"agent", json_new_str(a, p->setup->agent)}, {"contact", contact}),
             &session));
    p->token = json_str(session, "token", STR(""));
    p->conversation = json_str(session, "conversation_id", STR(""));
    p->cursor = json_int(session, "cursor", 0);
    return E_OK;
}

/* ---- one turn ------------------------------------------------------------ */

static enum err say(struct play *p, size_t turn, struct str text, int64_t *out_seq)
{
    struct arena *a = p->c->arena;
    const struct json *answer;
    struct str id = str_fmt(a, "replay-%zu", turn);
    TRY(post(p, "/api/v1/chat/messages",
             json_object(a, {"token", json_new_str(a, p->token)},
                         {"client_id", json_new_str(a, id)}, {"text", json_new_str(a, text)}),
             &answer));
    *out_seq = json_int(json_get(answer, "message"), "seq", 0);
    return E_OK;
}

/* The first message after `seq` that is not the contact's; NULL when none came within wait_ms. */
static enum err look(struct play *p, int64_t seq, int64_t wait_ms, const struct json **out_message)
{
    const struct json *page;
    TRY(get(p,
            str_fmt(p->c->arena, "/api/v1/chat/messages?token=%.*s&after=%lld&wait_ms=%lld",
                    STR_ARG(url_encode(p->c->arena, p->token, false)), (long long)seq,
                    (long long)wait_ms),
            &page));
    const struct json *items = json_get(page, "items");
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *m = json_at(items, i);
        if (!str_eqz(json_str(m, "role", STR("")), "contact")) {
            *out_message = m;
            return E_OK;
        }
    }
    p->ended = !str_eqz(json_str(page, "owner", STR("ai")), "ai");
    return E_OK;
}

static void on_text(struct str piece, void *arg)
{
    (void)piece;
    (void)arg;
}

/* Without a server this thread takes the agent's turn. */
static enum err turn_here(struct play *p)
{
    struct remote_turn turn = {.org_slug = p->setup->org_slug, .on_text = on_text};
    id_parse(p->conversation, &turn.conversation);
    return remote_turn(p->remote, &turn);
}

static enum err wait_for_answer(struct play *p, int64_t seq, const struct json **out_message)
{
    int64_t until_ms = clock_steady_ms() + p->setup->answer_ms;
    if (remote_is_here(p->remote)) {
        TRY(turn_here(p));
        TRY(look(p, seq, 0, out_message));
    }
    while (!*out_message && !p->ended && !remote_is_here(p->remote)) {
        int64_t left_ms = until_ms - clock_steady_ms();
        if (left_ms <= 0) {
            break;
        }
        TRY(look(p, seq, left_ms < LOOK_MS ? left_ms : LOOK_MS, out_message));
    }
    p->ended = p->ended || !*out_message;
    return E_OK;
}

const struct json *playback_calls(struct arena *a, const struct json *run)
{
    const struct json *list = &json_empty_array, *steps = json_get(run, "steps");
    for (size_t i = 0; i < json_count(steps); i++) {
        const struct json *calls = json_get(json_at(steps, i), "tool_calls");
        for (size_t k = 0; k < json_count(calls); k++) {
            const struct json *it = json_at(calls, k);
            list = json_push(
                a, list,
                json_object(
                    a, {"name", json_get(it, "name")}, {"arguments", json_get(it, "arguments")},
                    {"result", json_get(it, "result")}, {"status", json_get(it, "status")},
                    {"error", json_get(it, "error")}, {"attempt", json_get(it, "attempt")}));
        }
    }
    return list;
}

/* Those of the run that led to the answer. */
static enum err read_calls(struct play *p, const struct json *message, const struct json **out)
{
    const struct json *run;
    struct str id = json_str(message, "run_id", STR(""));
    *out = &json_empty_array;
    if (id.n) {
        TRY(get(p, str_fmt(p->c->arena, "/api/v1/runs/%.*s", STR_ARG(id)), &run));
        *out = playback_calls(p->c->arena, run);
    }
    return E_OK;
}

/* ---- comparing ----------------------------------------------------------- */

static void differ(struct play *p, struct answered *t, const char *what, const struct json *call,
                   const struct json *const pair[2])
{
    struct arena *a = p->c->arena;
    p->report.differences++;
    if (json_count(t->differences) == DIFFERENCES_MAX) {
        return;
    }
    t->differences =
        json_push(a, t->differences,
                  json_object(a, {"what", json_new_str(a, str_of(what))}, {"call", call},
                              {"want", pair[0] ? pair[0] : &json_null_value},
                              {"got", pair[1] ? pair[1] : &json_null_value}));
}

/* What the agent was told, whether the tool answered, refused or failed. */
static const struct json *told_of(const struct json *call)
{
    bool done = str_eqz(json_str(call, "status", STR("")), "done");
    return done ? json_get(call, "result") : json_get(call, "error");
}

/* A value, or the text of one. */
static const struct json *value_of(struct arena *a, const struct json *v)
{
    const struct json *value;
    struct json_fault fault;
    bool is_text = json_is(v, JSON_STRING) && v->string.n;
    return is_text && json_parse(a, v->string, &value, &fault) == E_OK ? value : v;
}

/* Transcripts keep results as the text that a model was given: it counts as what it says. */
static bool is_same_result(struct arena *a, const struct json *want, const struct json *got)
{
    return got && (json_equal(want, got) || json_equal(value_of(a, want), value_of(a, got)));
}

static void compare_call(struct play *p, struct answered *t, size_t i, const struct json *want)
{
    const struct json *n = json_new_int(p->c->arena, (int64_t)i + 1), *got = json_at(t->calls, i);
    const struct json *names[2] = {json_get(want, "name"), json_get(got, "name")};
    if (!got || !json_equal(names[0], names[1])) {
        differ(p, t, "call", n, names);
        return;
    }
    const struct json *arguments[2] = {json_get(want, "arguments"), json_get(got, "arguments")};
    if (!json_equal(arguments[0], arguments[1])) {
        differ(p, t, "arguments", n, arguments);
    }
    const struct json *results[2] = {json_get(want, "result"), told_of(got)};
    if (results[0] && !is_same_result(p->c->arena, results[0], results[1])) {
        differ(p, t, "result", n, results);
    }
}

static void compare(struct play *p, struct answered *t, const struct json *turn)
{
    const struct json *calls = json_get(turn, "calls"), *answer = json_get(turn, "answer");
    size_t wanted = json_count(calls), made = json_count(t->calls);
    for (size_t i = 0; i < wanted; i++) {
        compare_call(p, t, i, json_at(calls, i));
    }
    for (size_t i = wanted; calls && i < made; i++) {
        const struct json *names[2] = {NULL, json_get(json_at(t->calls, i), "name")};
        differ(p, t, "call", json_new_int(p->c->arena, (int64_t)i + 1), names);
    }
    const struct json *texts[2] = {answer, json_get(t->message, "text")};
    if (!t->message) {
        differ(p, t, "end", NULL, texts);
    } else if (!p->setup->calls_only && json_is(answer, JSON_STRING) &&
               !str_eq(str_trim(answer->string), str_trim(json_text(texts[1], STR(""))))) {
        differ(p, t, "answer", NULL, texts);
    }
}

/* ---- all turns ----------------------------------------------------------- */

static enum err play_turn(struct play *p, size_t i)
{
    struct arena *a = p->c->arena;
    const struct json *turn = json_at(p->recording->turns, i);
    struct str text = json_str(turn, "contact", STR(""));
    struct answered t = {.calls = &json_empty_array, .differences = &json_empty_array};
    int64_t began_ms = clock_steady_ms(), seq = 0;
    TRY(say(p, i, text, &seq));
    TRY(wait_for_answer(p, seq, &t.message));
    TRY(read_calls(p, t.message, &t.calls));
    compare(p, &t, turn);
    p->report.turns += t.message != NULL;
    p->report.calls += (int)json_count(t.calls);
    const struct json *row = json_object(
        a, {"turn", json_new_int(a, (int64_t)i + 1)}, {"contact", json_new_str(a, text)},
        {"answer", json_get(t.message, "text")}, {"calls", t.calls},
        {"ms", json_new_int(a, clock_steady_ms() - began_ms)}, {"differences", t.differences});
    p->report.list = json_push(a, p->report.list, row);
    return E_OK;
}

static enum err play_all(struct play *p)
{
    TRY(begin(p));
    for (size_t i = 0; i < json_count(p->recording->turns) && !p->ended; i++) {
        TRY(play_turn(p, i));
    }
    return E_OK;
}

enum err playback_run(struct ctx *c, const struct playback_setup *setup,
                      const struct recording *recording, struct playback_report *out)
{
    struct ctx *own = ctx_new(c->at, PLAY_ARENA_BYTES);
    struct play p = {.c = own, .setup = setup, .recording = recording};
    p.report.list = &json_empty_array;
    int64_t began_ms = clock_steady_ms();
    enum err e = remote_open(own, setup->in, &p.remote);
    if (e == E_OK) {
        e = play_all(&p);
        remote_close(&p.remote);
    }
    if (e == E_OK) {
        p.report.ms = clock_steady_ms() - began_ms;
        p.report.conversation = str_dup(c->arena, p.conversation);
        p.report.list = json_copy(c->arena, p.report.list);
        *out = p.report;
    } else {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}
