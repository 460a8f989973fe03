/* `rapport replay`: recorded conversations against an agent, and what is different now. */
#include "codec/text.h"
#include "main/command.h"
#include "main/playback.h"
#include "main/terminal.h"

enum { SHOWN_CHARS = 300, NAME_COLUMN = 28 };

struct totals {
    int conversations, differing, turns, calls, differences;
    int64_t ms;
};

static void add(struct totals *t, const struct playback_report *r)
{
    t->conversations++;
    t->differing += r->differences > 0;
    t->turns += r->turns;
    t->calls += r->calls;
    t->differences += r->differences;
    t->ms += r->ms;
}

static const struct json *totals_json(struct arena *a, const struct totals *t)
{
    return json_object(a, {"conversations", json_new_int(a, t->conversations)},
                       {"differing", json_new_int(a, t->differing)},
                       {"turns", json_new_int(a, t->turns)}, {"calls", json_new_int(a, t->calls)},
                       {"differences", json_new_int(a, t->differences)},
                       {"ms", json_new_int(a, t->ms)});
}

static struct str shown(struct ctx *c, const struct json *v)
{
    struct str text = json_is(v, JSON_STRING) ? v->string : json_write(c->arena, v);
    return text_cut_bytes(text_clean(c->arena, text), SHOWN_CHARS);
}

static void print_difference(struct ctx *c, const struct json *turn, const struct json *d)
{
    struct str what = json_str(d, "what", STR(""));
    printf("       turn %lld", (long long)json_int(turn, "turn", 0));
    if (json_get(d, "call")) {
        printf(", call %lld", (long long)json_int(d, "call", 0));
    }
    printf(": %.*s\n         - %.*s\n         + %.*s\n", STR_ARG(what),
           STR_ARG(shown(c, json_get(d, "want"))), STR_ARG(shown(c, json_get(d, "got"))));
}

static void print_report(struct ctx *c, const struct recording *recording,
                         const struct playback_report *r)
{
    printf("%s %-*.*s %3d turns  %3d calls  %6lld ms\n", r->differences ? "differs" : "same   ",
           NAME_COLUMN, STR_ARG(recording->name), r->turns, r->calls, (long long)r->ms);
    for (size_t i = 0; i < json_count(r->list); i++) {
        const struct json *turn = json_at(r->list, i), *all = json_get(turn, "differences");
        for (size_t k = 0; k < json_count(all); k++) {
            print_difference(c, turn, json_at(all, k));
        }
    }
    fflush(stdout);
}

/* One line of JSON a conversation, so that long replays can be followed by programs too. */
static void print_json(struct ctx *c, const struct recording *recording,
                       const struct playback_report *r)
{
    struct arena *a = c->arena;
    terminal_json(c, json_object(a, {"name", json_new_str(a, recording->name)},
                                 {"conversation_id", json_new_str(a, r->conversation)},
                                 {"differences", json_new_int(a, r->differences)},
                                 {"ms", json_new_int(a, r->ms)}, {"turns", r->list}));
    fflush(stdout);
}

static enum err play_one(struct ctx *c, const struct playback_setup *setup,
                         const struct recording *recording, struct totals *t)
{
    struct playback_report report;
    struct ctx *own = ctx_child(c, 256 << 20);
    enum err e = playback_run(own, setup, recording, &report);
    if (e == E_OK) {
        add(t, &report);
        (setup->in->json ? print_json : print_report)(own, recording, &report);
    } else {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

static enum err read_setup(struct ctx *c, struct invocation *in, struct playback_setup *out)
{
    int64_t patience_s = 10, answer_s = 90, seconds[2] = {0, 3600}, some[2] = {1, 3600};
    struct str agent = str_of(command_option(in, "agent", ""));
    struct str rest = agent;
    *out = (struct playback_setup){.in = in, .agent = agent};
    out->calls_only = command_has(in, "calls-only");
    if (!str_split(&rest, '/', &out->org_slug) || !rest.n || !out->org_slug.n) {
        return command_usage(c, in, "replay: to whom? --agent ORGANISATION/AGENT");
    }
    TRY(command_number(c, in, "patience", seconds, &patience_s));
    TRY(command_number(c, in, "answer", some, &answer_s));
    out->patience_ms = patience_s * 1000;
    out->answer_ms = answer_s * 1000;
    return E_OK;
}

static enum err replay(struct ctx *c, struct invocation *in)
{
    struct playback_setup setup;
    struct recordings all;
    struct totals t = {0};
    TRY(read_setup(c, in, &setup));
    TRY(recording_load(c, in->args[0], &all));
    struct terminal_progress bar = terminal_progress_start("replaying");
    for (int i = 0; i < all.count; i++) {
        TRY(play_one(c, &setup, &all.items[i], &t));
        terminal_progress_set(&bar, (double)(i + 1) / all.count);
    }
    terminal_progress_end(&bar);
    if (in->json) {
        terminal_json(c, totals_json(c->arena, &t));
    } else {
        printf("%d conversations, %d turns, %d tool calls in %.1f s: %d differ (%d differences)\n",
               t.conversations, t.turns, t.calls, (double)t.ms / 1000, t.differing, t.differences);
    }
    in->exit_code = t.differences ? COMMAND_OTHER : COMMAND_OK;
    return E_OK;
}

static const struct option replay_options[] = {
    {"agent", 'a', "ORG/AGENT", "to whom"},
    {"calls-only", 'c', NULL, "compare tool calls, not what is said"},
    {"patience", 'p', "SECONDS", "how long a server that is away is waited for (10)"},
    {"answer", 0, "SECONDS", "how long an answer may take (90)"},
    {0},
};

extern const struct command replay_commands[];
const struct command replay_commands[] = {
    {"replay", "FILE|FOLDER", "Play recorded conversations to an agent and compare.",
     COMMAND_REMOTE, replay_options, 1, 1, replay},
    {0},
};
