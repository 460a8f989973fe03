/* A graph with one of everything, for the conformance tests of durable runs: plan -> act (four
 * kinds of tool calls) -> check (once back to act) -> ask (waits for a person) -> reply (a
 * message on commit). */
#ifndef CONFORM_GRAPH_WORLD_H
#define CONFORM_GRAPH_WORLD_H

#include "conform/world.h"

#include <fcntl.h>

#include "graph/journal.h"
#include "graph/run.h"
#include "graph/step.h"

/* What the nodes obey; one per test. */
struct order {
    const char *effects; /* file of outside effects, a line each */
    void (*point)(void); /* called around every outside effect */
    int executed;        /* effects of this process */
    const char *plan;    /* what plan writes */
    enum err refuse;     /* what the hook of reply returns */
    void (*in_reply)(struct order *o, struct ctx *c, struct step *s);
    struct world *world;
    struct runs *runs;
};

static const struct migration graph_world_tables[] = {
    {"order", 1, STORE_SCOPE_ORG,
     "CREATE TABLE booking (key TEXT NOT NULL, PRIMARY KEY (key));"
     "CREATE TABLE message (run_id TEXT NOT NULL, text TEXT NOT NULL);"},
};

static inline enum err order_look(struct ctx *c, struct str key, void *arg,
                                  const struct json **out_result)
{
    struct order *o = arg;
    (void)key;
    o->executed++;
    *out_result = json_new_str(c->arena, STR("in stock"));
    return E_OK;
}

static inline enum err order_book(struct ctx *c, struct str key, void *arg,
                                  const struct json **out_result)
{
    struct order *o = arg;
    struct store *s;
    o->executed++;
    TRY(store_of(c, &s));
    TRY(store_exec(c, s, NULL, "INSERT INTO booking (key) VALUES (?1)", S_STR(key)));
    *out_result = &json_true_value;
    return E_OK;
}

static inline enum err order_outside(struct ctx *c, struct str key, void *arg,
                                     const struct json **out_result)
{
    struct order *o = arg;
    o->executed++;
    if (o->point) {
        o->point();
    }
    if (o->effects) {
        char line[128];
        int n = snprintf(line, sizeof(line), "%.*s\n", STR_ARG(key));
        int fd = open(o->effects, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, line, (size_t)n), n);
        close(fd);
    }
    if (o->point) {
        o->point();
    }
    *out_result = json_with(c->arena, &json_empty_object, STR("id"), json_new_str(c->arena, key));
    return E_OK;
}

static inline enum graph_verdict order_plan(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    step_put(s, "log", json_new_str(c->arena, str_of(o->plan ? o->plan : "plan")));
    step_trace(c, s, "llm_call", json_new_str(c->arena, STR("thought")));
    step_spend(s, 100, 20, 3000);
    return GRAPH_NEXT;
}

/* The same for nothing: it may be saved with the next step. */
static inline enum graph_verdict order_plan_freely(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    step_put(s, "log", json_new_str(c->arena, str_of(o->plan ? o->plan : "plan")));
    step_trace(c, s, "llm_call", json_new_str(c->arena, STR("thought")));
    return GRAPH_NEXT;
}

static inline enum graph_verdict order_act(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    const struct journal_use uses[] = {
        {STR("look"), STR(""), NULL, JOURNAL_READ, order_look, o},
        {STR("book"), STR(""), NULL, JOURNAL_STORE, order_book, o},
        {STR("charge"), STR("c1"), NULL, JOURNAL_KEYED, order_outside, o},
        {STR("mail"), STR("c2"), NULL, JOURNAL_ONCE, order_outside, o},
    };
    const struct json *log = &json_empty_array;
    for (int i = 0; i < 4; i++) {
        struct journal_call call;
        if (journal_call(c, s, &uses[i], &call) != E_OK) {
            return GRAPH_FAIL;
        }
        log = json_push(c->arena, log,
                        json_new_str(c->arena, str_of(journal_status_name(call.status))));
    }
    step_put(s, "log", log);
    return GRAPH_NEXT;
}

static inline enum graph_verdict order_check(struct ctx *c, struct step *s)
{
    step_put(s, "rounds", json_new_int(c->arena, 1));
    return GRAPH_NEXT;
}

static inline bool order_once_more(const struct json *state)
{
    return json_int(state, "rounds", 0) < 2;
}

static inline enum graph_verdict order_ask(struct ctx *c, struct step *s)
{
    const struct json *came = step_payload(s);
    if (!came) {
        step_put(s, "log", json_new_str(c->arena, STR("asked")));
        return step_wait_person(s, "approval", ctx_now_ms(c) + 86400000);
    }
    step_put(s, "answer", json_get(came, "data"));
    step_put(s, "log", json_get(came, "kind"));
    return GRAPH_NEXT;
}

struct order_message {
    struct id run;
    enum err refuse;
};

static inline enum err order_send(struct ctx *c, struct store *store, void *arg)
{
    const struct order_message *m = arg;
    TRY(store_exec(c, store, NULL, "INSERT INTO message (run_id, text) VALUES (?1, 'hello')",
                   S_ID(&m->run)));
    return m->refuse == E_OK ? E_OK : ctx_fail(c, m->refuse, "not to be sent");
}

static inline enum graph_verdict order_reply(struct ctx *c, struct step *s)
{
    struct order *o = step_arg(s);
    struct order_message *m = ARENA_NEW(c->arena, struct order_message);
    *m = (struct order_message){*step_run(s), o->refuse};
    assert_true(step_on_commit(s, order_send, m));
    step_put(s, "log", json_new_str(c->arena, STR("replied")));
    if (o->in_reply) {
        o->in_reply(o, c, s);
    }
    return c->fault.err == E_OK ? GRAPH_NEXT : GRAPH_FAIL;
}

static const struct graph_edge order_edges[] = {
    {.from = "plan", .to = "act"},
    {.from = "act", .to = "check"},
    {.from = "check", .to = "act", .when = order_once_more, .times_max = 1},
    {.from = "check", .to = "ask"},
    {.from = "ask", .to = "reply"},
    {.from = "reply", .to = GRAPH_END},
    {0}};
static const struct graph_field order_fields[] = {{.name = "log", .rule = GRAPH_APPEND},
                                                  {.name = "rounds", .rule = GRAPH_ADD},
                                                  {.name = "answer", .rule = GRAPH_REPLACE},
                                                  {.name = "note", .rule = GRAPH_REPLACE},
                                                  {0}};

static const struct graph_table order_table = {
    .name = "order",
    .version = "1",
    .start = "plan",
    .nodes = (const struct graph_node[]){{.name = "plan", .fn = order_plan},
                                         {.name = "act", .fn = order_act, .attempts_max = 2},
                                         {.name = "check", .fn = order_check},
                                         {.name = "ask", .fn = order_ask},
                                         {.name = "reply", .fn = order_reply},
                                         {0}},
    .edges = order_edges,
    .fields = order_fields,
};

/* All that may be saved with the next step is. */
static const struct graph_table order_held_table = {
    .name = "order",
    .version = "1",
    .start = "plan",
    .nodes =
        (const struct graph_node[]){
            {.name = "plan", .fn = order_plan_freely, .repeatable = true},
            {.name = "act", .fn = order_act, .attempts_max = 2, .repeatable = true},
            {.name = "check", .fn = order_check, .repeatable = true},
            {.name = "ask", .fn = order_ask, .repeatable = true},
            {.name = "reply", .fn = order_reply, .repeatable = true},
            {0}},
    .edges = order_edges,
    .fields = order_fields,
};

static inline int64_t order_count(struct ctx *c, const char *sql, const struct id *run)
{
    struct store *s;
    struct store_rows rows;
    assert_ok(store_of(c, &s));
    assert_ok(store_query(c, s, &rows, sql, S_ID(run)));
    return row_int(&rows, 0, 0);
}
#define ORDER_MESSAGES "SELECT count(*) FROM message WHERE run_id = ?1"
#define ORDER_BOOKINGS "SELECT count(*) FROM booking WHERE substr(key, 1, 36) = ?1"

/* All tables a graph test needs. */
static inline void order_migrations(struct migration out_all[4])
{
    out_all[0] = graph_migrations[0];
    out_all[1] = graph_world_tables[0];
    out_all[2] = (struct migration){0};
}

static inline struct str order_log(struct ctx *c, const struct json *state)
{
    struct str all = STR("");
    const struct json *log = json_get(state, "log");
    for (size_t i = 0; i < json_count(log); i++) {
        all = str_fmt(c->arena, "%.*s%s%.*s", STR_ARG(all), i ? " " : "",
                      STR_ARG(json_text(json_at(log, i), STR("?"))));
    }
    return all;
}

#endif
