/* A turn that is overtaken in the very moment in which its tool would change something, through the
 * whole graph with the demo's agent and records: nothing is changed and nothing is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/record.h"
#include "agent/registry.h"
#include "agent/turn.h"
#include "agent/turn_nodes.h"
#include "host/host.h"
#include "host/org.h"
#include "main/demo.h"
#include "main/services.h"
#include "support/installation.h"

#define ORDER "BW-10455"

enum meanwhile { NOTHING, TAKEN_OVER, TAKEN_AND_GIVEN_BACK, ENDED, ASKED_FOR_PERSON, WROTE_AGAIN };

struct world {
    struct installation installation;
    struct ctx *c;
    struct store *s;
    struct id org, conversation;
    enum meanwhile meanwhile; /* happens when the tools are about to run */
    int happened;
};

/* Each thing happens in a task of its own. */
static void fresh(struct world *w)
{
    ctx_free(&w->c);
    w->c = lifecycle_ctx(w->installation.life);
    w->c->org = w->org;
    assert_int_equal(store_of(w->c, &w->s), E_OK);
}

static enum err begin_in(struct ctx *c, void *arg)
{
    struct world *w = arg;
    struct agent_row agent;
    struct record maya;
    TRY(registry_by_slug(c, STR("support"), &agent));
    TRY(record_by_key(c, w->s, STR("contact"), STR("maya@nordvik.example"), &maya));
    struct conversation v = {.contact = maya.id,
                             .channel = STR("webchat"),
                             .agent = agent.id,
                             .agent_version = agent.active_version};
    TRY(conversation_create(c, w->s, &v));
    w->conversation = v.id;
    return E_OK;
}

static int make_world(void **state)
{
    const char *samples = getenv("RAPPORT_SAMPLES");
    struct world *w = calloc(1, sizeof(*w));
    struct org org;
    *state = w;
    if (!installation_open(&w->installation,
                           &(struct installation_setup){.services = all_services})) {
        return -1;
    }
    w->c = lifecycle_ctx(w->installation.life);
    assert_int_equal(demo_import(w->c, samples ? samples : "samples"), E_OK);
    assert_int_equal(org_by_slug(w->c, STR("brightwell"), &org), E_OK);
    w->org = org.id;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    ctx_free(&w->c);
    installation_close(&w->installation);
    free(w);
    return 0;
}

static void says(struct world *w, const char *text)
{
    struct message m = {.text = str_of(text)};
    struct received got;
    fresh(w);
    assert_int_equal(conversation_receive(w->c, w->s, &w->conversation, &m, &got), E_OK);
}

static void let_happen(struct world *w, struct ctx *c)
{
    struct id member = id_new(7);
    struct message m = {.text = STR("no, wait")};
    struct conversation_ending over = {.status = "completed", .resolution = "resolved"};
    struct store *s;
    struct received got;
    assert_int_equal(store_of(c, &s), E_OK);
    switch (w->meanwhile) {
    case TAKEN_OVER:
    case TAKEN_AND_GIVEN_BACK:
        assert_int_equal(conversation_take(c, s, &w->conversation, &member), E_OK);
        if (w->meanwhile == TAKEN_AND_GIVEN_BACK) {
            assert_int_equal(conversation_release(c, s, &w->conversation, &member), E_OK);
        }
        break;
    case ENDED:
        assert_int_equal(conversation_end(c, s, &w->conversation, &over), E_OK);
        break;
    case ASKED_FOR_PERSON:
        assert_int_equal(conversation_escalate(c, s, &w->conversation, &json_empty_object), E_OK);
        break;
    case WROTE_AGAIN:
        assert_int_equal(conversation_receive(c, s, &w->conversation, &m, &got), E_OK);
        break;
    default:
        break;
    }
}

static void on_step_started(struct ctx *c, const struct id *run, const char *node, void *arg)
{
    struct world *w = arg;
    (void)c;
    (void)run;
    if (strcmp(node, "tools") == 0 && !w->happened++) {
        struct ctx *own = lifecycle_ctx(w->installation.life);
        own->org = w->org;
        let_happen(w, own);
        ctx_free(&own);
    }
}

static void takes_turn(struct world *w, bool watched)
{
    const struct turn_watch watch = {.on_step_started = on_step_started, .arg = w};
    fresh(w);
    assert_int_equal(turn_take(w->c, &w->conversation, NULL, true, watched ? &watch : NULL), E_OK);
}

static bool is_status(struct world *w, const char *status)
{
    struct record order;
    fresh(w);
    assert_int_equal(record_by_key(w->c, w->s, STR("order"), STR(ORDER), &order), E_OK);
    return str_eqz(json_str(order.data, "status", STR("")), status);
}

static int64_t answers(struct world *w)
{
    struct store_rows rows;
    fresh(w);
    assert_int_equal(store_query(w->c, w->s, &rows,
                                 "SELECT count(*) FROM message WHERE conversation_id = ?1"
                                 " AND role = 'ai'",
                                 S_ID(&w->conversation)),
                     E_OK);
    return row_int(&rows, 0, 0);
}

/* Up to the yes: the next turn cancels the order. */
static void reach_the_yes(struct world *w)
{
    fresh(w);
    assert_int_equal(store_transact(w->c, w->s, begin_in, w), E_OK);
    says(w, "Please cancel order " ORDER);
    takes_turn(w, false);
    says(w, "we ordered it twice by mistake");
    takes_turn(w, false);
    assert_int_equal(answers(w), 2);
    says(w, "yes please");
    w->happened = 0;
}

static void test_overtaken_turns_change_nothing(void **state)
{
    static const enum meanwhile rows[] = {TAKEN_OVER, TAKEN_AND_GIVEN_BACK, ENDED, ASKED_FOR_PERSON,
                                          WROTE_AGAIN};
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        reach_the_yes(w);
        w->meanwhile = rows[i];
        takes_turn(w, true);
        assert_int_equal(w->happened, 1);
        assert_true(is_status(w, "processing"));
        assert_int_equal(answers(w), 2);
    }
    /* "yes please" and "no, wait" are answered together, and the order stays */
    takes_turn(w, false);
    assert_int_equal(answers(w), 3);
    assert_true(is_status(w, "processing"));
}

static void test_a_turn_that_is_left_alone_does_it(void **state)
{
    struct world *w = *state;
    reach_the_yes(w);
    w->meanwhile = NOTHING;
    takes_turn(w, true);
    assert_int_equal(w->happened, 1);
    assert_true(is_status(w, "cancelled"));
    assert_int_equal(answers(w), 3);
}

/* ---- cancelled before its run is recorded ---- */

struct caller {
    struct world *w;
    int unseen, followed, refused, cancelled; /* statuses */
    struct str told;
    struct id id; /* as who watches is told */
};

/* A body: it is a POST. */
static int sends(struct world *w, struct str path, struct str body, struct str token,
                 struct str *out_body)
{
    struct ctx *own = ctx_new(w->c->at, 64 << 20);
    struct header headers[2] = {{STR("content-type"), STR("application/json")}};
    struct request_in in = {.method = body.p ? STR("POST") : STR("GET"),
                            .peer = STR("192.0.2.1"),
                            .path = path,
                            .body = body,
                            .headers = headers,
                            .header_count = 1};
    struct response_out out = {0};
    if (token.n) {
        headers[in.header_count++] = (struct header){
            STR("authorization"), str_fmt(own->arena, "Bearer %.*s", STR_ARG(token))};
    }
    door_request(own, &in, &out, NULL);
    *out_body = str_dup(w->c->arena, out.body);
    int status = out.status;
    ctx_free(&own);
    return status;
}

/* What somebody is told who asks something of a run: what it became. */
static int asks(struct world *w, const char *email, const char *what, const struct id *run,
                struct str *out_told)
{
    const struct json *v;
    struct json_fault fault;
    struct str login =
        str_fmt(w->c->arena, "{\"email\":\"%s\",\"password\":\"rapport-demo\"}", email);
    assert_int_equal(sends(w, STR("/api/v1/auth/login"), login, STR(""), out_told), 200);
    assert_int_equal(json_parse(w->c->arena, *out_told, &v, &fault), E_OK);
    struct str body = strcmp(what, "cancel") == 0 ? STR("{}") : (struct str){0};
    return sends(w, str_fmt(w->c->arena, "/api/v1/runs/%s/%s", run->text, what), body,
                 json_str(v, "access_token", STR("")), out_told);
}

static void on_first_step(struct ctx *c, const struct id *run, const char *node, void *arg)
{
    struct caller *f = arg;
    (void)c;
    (void)node;
    if (!id_is_set(&f->id)) {
        f->id = *run;
        f->unseen = asks(f->w, "carys@harbour.example", "events", run, &f->told);
        f->followed = asks(f->w, "hannah@brightwell.example", "events", run, &f->told);
        f->refused = asks(f->w, "carys@harbour.example", "cancel", run, &f->told);
        f->cancelled = asks(f->w, "hannah@brightwell.example", "cancel", run, &f->told);
    }
}

static void test_a_run_of_which_only_its_watchers_know_is_followed_and_cancelled(void **state)
{
    struct world *w = *state;
    struct caller f = {.w = w};
    const struct turn_watch watch = {.on_step_started = on_first_step, .arg = &f};
    struct run run;
    reach_the_yes(w);
    fresh(w);
    assert_int_equal(turn_take(w->c, &w->conversation, NULL, true, &watch), E_OK);
    assert_int_equal(f.unseen, 404);
    assert_int_equal(f.followed, 503); /* it is there; no connection is, to stream over */
    assert_int_equal(f.refused, 404);
    assert_int_equal(f.cancelled, 200);
    assert_true(str_find(f.told, STR("\"status\":\"cancelled\"")) >= 0);
    assert_true(is_status(w, "processing"));
    assert_int_equal(run_get(w->c, turns_runs(w->c->at->turns), &f.id, &run), E_OK);
    assert_int_equal(run.status, RUN_CANCELLED);
}

/* ---- the step is tried twice --------------------------------------------- */

struct again {
    struct turn_drive drive;
    int asked; /* how often a call asked whether it may change something */
    int tries;
};

/* The first call may; then the contact writes again. */
static enum err only_the_first(struct ctx *c, struct str key, void *arg)
{
    struct again *a = arg;
    if (a->asked++ > 0) {
        struct store *s;
        TRY(store_of(c, &s));
        TRY(store_exec(c, s, NULL,
                       "UPDATE conversation SET contact_seq = contact_seq + 1 WHERE id = ?1",
                       S_ID(&a->drive.conversation_id)));
    }
    return scene_may_change(c, key, &a->drive);
}

/* The first try ends as one does whose checkpoint cannot be written. */
static enum graph_verdict tools_twice(struct ctx *c, struct step *step)
{
    struct turn_drive *d = step_arg(step);
    struct again *a = d->tools.arg;
    enum graph_verdict verdict = turn_tools(c, step);
    if (a->tries++ == 0) {
        ctx_fail(c, E_UNAVAILABLE, "the store is away for a moment");
        return GRAPH_FAIL;
    }
    return verdict;
}

static const struct graph_node again_nodes[] = {
    {.name = "tools", .fn = tools_twice, .attempts_max = 2, .backoff_ms = 1},
    {0},
};
static const struct graph_edge again_edges[] = {{"tools", GRAPH_END, NULL, 0}, {0}};
static const struct graph_field again_fields[] = {
    {"conversation_id", GRAPH_REPLACE, 0}, {"agent_id", GRAPH_REPLACE, 0},
    {"agent_version", GRAPH_REPLACE, 0},   {"to_seq", GRAPH_REPLACE, 0},
    {"calls", GRAPH_APPEND, 64},           {"carried", GRAPH_REPLACE, 0},
    {"dialogue", GRAPH_REPLACE, 0},        {"approved", GRAPH_REPLACE, 0},
    {"answer", GRAPH_REPLACE, 0},          {"escalation", GRAPH_REPLACE, 0},
    {"helped", GRAPH_REPLACE, 0},          {0},
};
static const struct graph_table again_table = {.name = "again",
                                               .version = "1",
                                               .start = "tools",
                                               .nodes = again_nodes,
                                               .edges = again_edges,
                                               .fields = again_fields};

/* The model asked for two changes, both of which have their yes. */
#define TWO_CALLS                                                                                  \
    "[{\"role\":\"assistant\",\"text\":\"\",\"calls\":["                                           \
    "{\"id\":\"a\",\"name\":\"cancel_order\",\"approved\":true,\"arguments\":"                     \
    "{\"order_number\":\"" ORDER "\",\"reason\":\"ordered twice\"}},"                              \
    "{\"id\":\"b\",\"name\":\"update_phone\",\"approved\":true,\"arguments\":"                     \
    "{\"phone\":\"+47 22 12 34 56\"}}]}]"

static const struct json *two_calls(struct world *w, const struct conversation *v)
{
    struct arena *a = w->c->arena;
    const struct json *calls;
    struct json_fault fault;
    assert_int_equal(json_parse(a, STR(TWO_CALLS), &calls, &fault), E_OK);
    return json_object(a, {"conversation_id", json_new_str(a, id_str(&v->id))},
                       {"agent_id", json_new_str(a, id_str(&v->agent))},
                       {"agent_version", json_new_int(a, v->agent_version)},
                       {"to_seq", json_new_int(a, v->contact_seq)}, {"calls", calls});
}

static enum err claim_it(struct ctx *c, struct store *s, void *arg)
{
    struct again *a = arg;
    return mailbox_claim(c, s, &a->drive.conversation_id, &a->drive.run);
}

static struct str status_of(const struct json *state, size_t answer)
{
    return json_str(json_at(json_get(state, "calls"), 1 + answer), "status", STR("none"));
}

/* What the first try did stays done, whatever overtook the turn after it: the next turn is told,
 * and does not do it once more. */
static void test_a_second_try_knows_what_the_first_did(void **state)
{
    struct world *w = *state;
    struct conversation v;
    struct graph *graph;
    reach_the_yes(w);
    fresh(w);
    assert_int_equal(conversation_get(w->c, w->s, &w->conversation, &v), E_OK);
    assert_int_equal(graph_compile(w->c, &again_table, &graph), E_OK);
    const struct graph *graphs[] = {graph, NULL};
    struct runs *runs = runs_new(graphs, NULL);
    struct again again = {.drive = {.c = w->c, .conversation_id = v.id, .run = id_new(1)}};
    again.drive.tools.may_change = only_the_first;
    again.drive.tools.arg = &again;
    struct run_spec spec = {.graph = graph,
                            .id = again.drive.run,
                            .thread = id_str(&v.id),
                            .input = two_calls(w, &v),
                            .on_create = claim_it,
                            .on_create_arg = &again};
    struct run_driver driver = {.arg = &again.drive};
    struct run run;
    assert_int_equal(run_start(w->c, runs, &spec, &driver, &run), E_OK);
    assert_int_equal(run.status, RUN_DONE);
    assert_int_equal(again.tries, 2);
    assert_int_equal(again.asked, 2); /* what is done or refused is not asked for again */
    assert_true(str_eqz(status_of(run.state, 0), "done"));
    assert_true(is_status(w, "cancelled"));
    assert_int_equal(conversation_get(w->c, w->s, &w->conversation, &v), E_OK);
    assert_true(json_count(json_get(v.dialogue, "carry")) > 0);
    runs_free(&runs);
    graph_free(&graph);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overtaken_turns_change_nothing),
        cmocka_unit_test_setup_teardown(test_a_second_try_knows_what_the_first_did, make_world,
                                        free_world),
        cmocka_unit_test(test_a_turn_that_is_left_alone_does_it),
        cmocka_unit_test_setup_teardown(
            test_a_run_of_which_only_its_watchers_know_is_followed_and_cancelled, make_world,
            free_world),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
