/* Who may still answer: every order in which a turn, a takeover, a release, a restart, a close and
 * a newer message can meet. Over both stores. */
#include "conform/world.h"

#include "agent/mailbox.h"
#include "bus/job.h"
#include "bus/topic.h"

static struct migration tables[64];

static void collect(void)
{
    const struct migration *const rows[] = {bus_migrations, conversation_migrations};
    int n = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (const struct migration *m = rows[i]; m->owner; m++) {
            tables[n++] = *m;
        }
    }
    tables[n] = (struct migration){0};
}

struct thread {
    struct world world;
    struct store *s;
    struct id conversation;
    struct id member;
    int turns; /* ids of runs made */
};

/* What the test does happens in a task of its own, as in the product. */
static void fresh(struct thread *t)
{
    ctx_free(&t->world.c);
    t->world.c = world_ctx(&t->world, &t->world.org_a);
    assert_ok(store_of(t->world.c, &t->s));
}

static enum err create_in(struct ctx *c, void *arg)
{
    struct thread *t = arg;
    struct conversation v = {
        .contact = id_new(1), .channel = STR("webchat"), .agent = id_new(2), .agent_version = 1};
    TRY(conversation_create(c, t->s, &v));
    t->conversation = v.id;
    return E_OK;
}

static enum store_kind kind_of_run;

static int setup(void **state)
{
    struct thread *t = calloc(1, sizeof(*t));
    collect();
    world_open(&t->world, kind_of_run, tables);
    clock_set_ms(t->world.at.clock, 1760000000000);
    t->member = id_new(3);
    fresh(t);
    assert_ok(store_transact(t->world.c, t->s, create_in, t));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct thread *t = *state;
    world_close(&t->world);
    free(t);
    return 0;
}

/* ---- what happens -------------------------------------------------------- */

static int64_t says(struct thread *t, const char *text)
{
    struct message m = {.text = str_of(text)};
    struct received got;
    fresh(t);
    assert_ok(conversation_receive(t->world.c, t->s, &t->conversation, &m, &got));
    return m.seq;
}

static struct conversation look(struct thread *t)
{
    struct conversation v;
    fresh(t);
    assert_ok(conversation_get(t->world.c, t->s, &t->conversation, &v));
    return v;
}

static int64_t count_of(struct thread *t, const char *sql)
{
    struct store_rows rows;
    fresh(t);
    assert_ok(store_run(t->world.c, t->s, sql, (const struct store_value[]){S_END_}, &rows, NULL));
    return row_int(&rows, 0, 0);
}

static int64_t turns_ordered(struct thread *t)
{
    return count_of(t, "SELECT count(*) FROM job WHERE kind = 'agent_turn'");
}

/* The bus has done with the order, whatever came of it. */
static void forget_order(struct thread *t)
{
    fresh(t);
    assert_ok(job_cancel(t->world.c, t->s, "agent_turn", id_str(&t->conversation), NULL));
}

static struct id claims(struct thread *t)
{
    struct id run = id_new(100 + ++t->turns);
    fresh(t);
    forget_order(t);
    assert_ok(mailbox_claim(t->world.c, t->s, &t->conversation, &run));
    return run;
}

struct delivering {
    struct thread *t;
    struct delivery delivery;
    enum deliver_outcome outcome;
};

static enum err deliver_in(struct ctx *c, void *arg)
{
    struct delivering *d = arg;
    return mailbox_deliver(c, d->t->s, &d->delivery, &d->outcome);
}

static enum deliver_outcome delivers(struct thread *t, const struct id *run, int64_t to_seq)
{
    struct message answer = {.text = STR("an answer")};
    fresh(t);
    struct delivering d = {.t = t,
                           .delivery = {.conversation = t->conversation,
                                        .run = *run,
                                        .to_seq = to_seq,
                                        .message = &answer,
                                        .helped = true}};
    assert_ok(store_transact(t->world.c, t->s, deliver_in, &d));
    return d.outcome;
}

static enum err may_change(struct thread *t, const struct id *run, int64_t to_seq)
{
    struct mailbox_claimant who = {t->conversation, *run, to_seq};
    fresh(t);
    return mailbox_may_change(t->world.c, t->s, &who);
}

static void gives_up(struct thread *t, const struct id *run)
{
    fresh(t);
    struct arena *a = t->world.c->arena;
    struct surrender how = {
        .conversation = t->conversation,
        .run = run ? *run : (struct id){{0}},
        .escalation = json_object(a, {"reason", json_new_str(a, STR("ai_unavailable"))}),
        .apology = STR("Something went wrong."),
    };
    assert_ok(mailbox_give_up(t->world.c, t->s, &how));
}

static void takes(struct thread *t)
{
    fresh(t);
    assert_ok(conversation_take(t->world.c, t->s, &t->conversation, &t->member));
}

static void releases(struct thread *t)
{
    fresh(t);
    assert_ok(conversation_release(t->world.c, t->s, &t->conversation, &t->member));
}

static void ends(struct thread *t)
{
    fresh(t);
    struct conversation_ending over = {.status = "completed", .resolution = "resolved"};
    assert_ok(conversation_end(t->world.c, t->s, &t->conversation, &over));
}

static void asks_for_person(struct thread *t)
{
    fresh(t);
    struct arena *a = t->world.c->arena;
    assert_ok(
        conversation_escalate(t->world.c, t->s, &t->conversation,
                              json_object(a, {"reason", json_new_str(a, STR("user_requested"))})));
}

#define ANSWERS "SELECT count(*) FROM message WHERE role = 'ai'"
#define SORRIES "SELECT count(*) FROM message WHERE role = 'system'"

/* ---- what must hold ------------------------------------------------------ */

static void one_turn_at_a_time(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "hello");
    assert_int_equal(turns_ordered(t), 1);
    struct id run = claims(t), other = id_new(9);
    fresh(t);
    assert_int_equal(mailbox_claim(t->world.c, t->s, &t->conversation, &other), E_CONFLICT);
    assert_int_equal(delivers(t, &other, seq), DELIVER_WITHHELD); /* it never held it */
    assert_int_equal(delivers(t, &run, seq), DELIVER_SENT);
    assert_int_equal(delivers(t, &run, seq), DELIVER_WITHHELD); /* twice is as once */
    assert_int_equal(count_of(t, ANSWERS), 1);
    fresh(t);
    assert_int_equal(mailbox_claim(t->world.c, t->s, &t->conversation, &other), E_CONFLICT);
    assert_int_equal(turns_ordered(t), 0);
}

static void a_takeover_wins_even_when_it_is_given_back(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "hello");
    struct id run = claims(t);
    assert_ok(may_change(t, &run, seq));
    takes(t);
    assert_int_equal(may_change(t, &run, seq), E_GONE);
    releases(t); /* what waits is for a new turn; the old one stays out */
    assert_int_equal(turns_ordered(t), 1);
    assert_int_equal(may_change(t, &run, seq), E_GONE);
    assert_int_equal(delivers(t, &run, seq), DELIVER_WITHHELD);
    assert_int_equal(count_of(t, ANSWERS), 0);
    run = claims(t);
    assert_int_equal(delivers(t, &run, seq), DELIVER_SENT);
    assert_int_equal(count_of(t, ANSWERS), 1);
}

static void a_call_for_a_person_holds_the_answer_back(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "hello");
    struct id run = claims(t);
    asks_for_person(t);
    assert_int_equal(may_change(t, &run, seq), E_GONE);
    assert_int_equal(delivers(t, &run, seq), DELIVER_WITHHELD);
    struct conversation v = look(t);
    assert_false(id_is_set(&v.run));
    releases(t);
    assert_int_equal(turns_ordered(t), 1);
}

static void nothing_is_said_after_the_end(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "hello");
    struct id run = claims(t);
    ends(t);
    assert_int_equal(may_change(t, &run, seq), E_GONE);
    assert_int_equal(delivers(t, &run, seq), DELIVER_WITHHELD);
    gives_up(t, &run); /* its failure concerns nobody any more */
    gives_up(t, NULL);
    struct conversation v = look(t);
    assert_true(str_eqz(v.status, "completed"));
    assert_int_equal(v.last_seq, seq);
}

static void a_newer_message_voids_a_change_and_an_answer(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "yes, cancel it");
    struct id run = claims(t);
    int64_t newer = says(t, "no, wait!");
    assert_int_equal(may_change(t, &run, seq), E_GONE);
    assert_int_equal(delivers(t, &run, seq), DELIVER_SUPERSEDED);
    assert_int_equal(turns_ordered(t), 1);
    run = claims(t);
    assert_ok(may_change(t, &run, newer));
    assert_int_equal(delivers(t, &run, newer), DELIVER_SENT);
    assert_int_equal(count_of(t, ANSWERS), 1);
}

static void who_writes_all_the_time_is_answered_too(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "0");
    struct id run;
    for (int i = 0; i < MAILBOX_SUPERSEDES_MAX; i++) {
        run = claims(t);
        int64_t newer = says(t, "and");
        assert_int_equal(delivers(t, &run, seq), DELIVER_SUPERSEDED);
        seq = newer;
    }
    run = claims(t);
    says(t, "and");
    assert_ok(may_change(t, &run, seq));
    assert_int_equal(delivers(t, &run, seq), DELIVER_SENT);
    assert_int_equal(turns_ordered(t), 1); /* for what came last */
}

static void a_lost_turn_calls_people_once(void **state)
{
    struct thread *t = *state;
    says(t, "hello");
    struct id run = claims(t);
    gives_up(t, &run);
    struct conversation v = look(t);
    assert_true(str_eqz(v.owner, "human") && str_eqz(v.status, "escalated"));
    assert_false(id_is_set(&v.run));
    gives_up(t, &run); /* the job was run again after its effects were stored */
    gives_up(t, NULL);
    assert_int_equal(count_of(t, SORRIES), 1);
    assert_int_equal(count_of(t, "SELECT count(*) FROM event WHERE type = 'escalation_created'"),
                     1);
}

static void a_lost_turn_says_nothing_to_who_has_a_person(void **state)
{
    struct thread *t = *state;
    says(t, "hello");
    struct id run = claims(t);
    takes(t);
    gives_up(t, &run);
    struct conversation v = look(t);
    assert_true(str_eqz(v.status, "human") && id_eq(&v.assignee, &t->member));
    assert_int_equal(count_of(t, SORRIES), 0);
}

static void a_lost_turn_leaves_the_next_one_alone(void **state)
{
    struct thread *t = *state;
    int64_t seq = says(t, "hello");
    struct id old = claims(t);
    takes(t);
    releases(t);
    struct id run = claims(t);
    gives_up(t, &old); /* cancelled late, say: another turn is at it */
    assert_true(str_eqz(look(t).owner, "ai"));
    assert_int_equal(delivers(t, &run, seq), DELIVER_SENT);
}

static void messages_that_lost_their_turn_get_it_back(void **state)
{
    struct thread *t = *state;
    int ordered = 0;
    says(t, "hello");
    forget_order(t);
    fresh(t);
    assert_ok(mailbox_sweep(t->world.c, t->s, &ordered));
    assert_int_equal(ordered, 0); /* its turn may be on its way */
    clock_advance_ms(t->world.at.clock, MAILBOX_LATE_MS + 1);
    fresh(t);
    assert_ok(mailbox_sweep(t->world.c, t->s, &ordered));
    assert_int_equal(ordered, 1);
    assert_int_equal(turns_ordered(t), 1);
    forget_order(t);
    takes(t);
    fresh(t);
    assert_ok(mailbox_sweep(t->world.c, t->s, &ordered));
    assert_int_equal(ordered, 0); /* a person has it */
}

static void there_is_room_for_an_answer_to_all_that_is_taken_in(void **state)
{
    struct thread *t = *state;
    struct message m = {.text = STR("one too many")};
    struct received got;
    fresh(t);
    assert_ok(store_exec(t->world.c, t->s, NULL, "UPDATE conversation SET last_seq = ?1",
                         S_INT(CONVERSATION_MESSAGES_MAX - CONVERSATION_ANSWERS_KEPT - 1)));
    int64_t seq = says(t, "the last one");
    fresh(t);
    assert_int_equal(conversation_receive(t->world.c, t->s, &t->conversation, &m, &got), E_LIMIT);
    struct id run = claims(t);
    assert_int_equal(delivers(t, &run, seq), DELIVER_SENT);
}

static const struct json *big_calls(struct arena *a, int rounds)
{
    char *content = arena_alloc(a, 64 << 10);
    memset(content, 'x', 64 << 10);
    const struct json *all = &json_empty_array;
    for (int i = 0; i < rounds; i++) {
        const struct json *id = json_new_int(a, i);
        all = json_push(a, all,
                        json_object(a, {"role", json_new_str(a, STR("assistant"))}, {"n", id}));
        const struct json *text = json_new_str(a, str_make(content, 64 << 10));
        all = json_push(a, all,
                        json_object(a, {"role", json_new_str(a, STR("tool"))}, {"n", id},
                                    {"content", text}, {"result", text}));
    }
    return all;
}

static void what_tools_did_is_kept_in_bounds(void **state)
{
    struct thread *t = *state;
    fresh(t);
    struct arena *a = t->world.c->arena;
    assert_ok(mailbox_keep_calls(t->world.c, t->s, &t->conversation, big_calls(a, 40)));
    struct conversation v = look(t);
    const struct json *carry = json_get(v.dialogue, "carry");
    size_t n = json_count(carry);
    assert_true(json_write(t->world.c->arena, v.dialogue).n <= MAILBOX_CARRY_MAX_BYTES + (1 << 10));
    assert_in_range(n, 2, 79);
    assert_true(str_eqz(json_str(json_at(carry, 0), "role", STR("")), "assistant"));
    assert_int_equal(json_int(json_at(carry, n - 1), "n", -1), 39);
}

enum { OLD_MESSAGES = 40 };

static void say_old(struct thread *t, bool again)
{
    for (int i = 0; i < OLD_MESSAGES; i++) {
        struct received got;
        fresh(t);
        struct message m = {.text = str_fmt(t->world.c->arena, "message %d", i + 1)};
        m.client_id = i % 2 ? str_fmt(t->world.c->arena, "c-%d", i) : STR("");
        if (!again || m.client_id.n) {
            assert_ok(conversation_receive(t->world.c, t->s, &t->conversation, &m, &got));
            assert_int_equal(got.is_new, !again);
            assert_int_equal(m.seq, i + 1);
        }
    }
}

/* Messages as the first step kept them are there after the next, in order, and what comes twice is
 * still known. */
static void older_messages_are_kept(void **state)
{
    struct thread *given = *state, t = {.member = given->member};
    struct migration first[64] = {{0}};
    struct messages page;
    int n = 0;
    for (const struct migration *m = tables; m->owner; m++) {
        if (strcmp(m->owner, "conversation") != 0 || m->number == 1) {
            first[n++] = *m;
        }
    }
    world_open(&t.world, kind_of_run, first);
    clock_set_ms(t.world.at.clock, 1760000000000);
    fresh(&t);
    assert_ok(store_transact(t.world.c, t.s, create_in, &t));
    say_old(&t, false);
    ctx_free(&t.world.c);
    stores_close(&t.world.at.stores);
    world_open_stores(&t.world, tables);
    say_old(&t, true);
    struct message_range range = {
        .conversation = t.conversation, .after_seq = MESSAGES_NEWEST, .limit = OLD_MESSAGES};
    fresh(&t);
    assert_ok(conversation_messages(t.world.c, t.s, &range, &page));
    assert_int_equal(page.count, OLD_MESSAGES);
    for (int i = 0; i < page.count; i++) {
        assert_int_equal(page.items[i].seq, i + 1);
        assert_true(str_eq(page.items[i].text, str_fmt(t.world.c->arena, "message %d", i + 1)));
    }
    world_close(&t.world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(one_turn_at_a_time),
        T(a_takeover_wins_even_when_it_is_given_back),
        T(a_call_for_a_person_holds_the_answer_back),
        T(nothing_is_said_after_the_end),
        T(a_newer_message_voids_a_change_and_an_answer),
        T(who_writes_all_the_time_is_answered_too),
        T(a_lost_turn_calls_people_once),
        T(a_lost_turn_says_nothing_to_who_has_a_person),
        T(a_lost_turn_leaves_the_next_one_alone),
        T(messages_that_lost_their_turn_get_it_back),
        T(there_is_room_for_an_answer_to_all_that_is_taken_in),
        T(what_tools_did_is_kept_in_bounds),
        T(older_messages_are_kept),
    };
    kind_of_run = STORE_SQLITE;
    int failed = cmocka_run_group_tests_name("mailbox over SQLite", tests, NULL, NULL);
    if (world_postgres()) {
        kind_of_run = STORE_POSTGRES;
        failed += cmocka_run_group_tests_name("mailbox over PostgreSQL", tests, NULL, NULL);
    }
    return failed;
}
