/* Events, consumers and tails over every store. */
#include "conform/bus_world.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- emitting */

static void an_event_commits_with_its_fact(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->c;
    struct store *s = store_a(w);
    struct events events;
    assert_int_equal(
        topic_emit(c, s, .topic = "org_events", .type = "member_joined", .key = STR("m1")),
        E_INTERNAL); /* no transaction */
    assert_ok(store_begin(c, s));
    assert_ok(topic_emit(c, s, .topic = "org_events", .type = "member_joined", .key = STR("m1")));
    store_rollback(c, s);
    assert_ok(topic_list(c, s, &(struct event_filter){0}, &events));
    assert_int_equal(events.count, 0);

    struct id id;
    assert_ok(store_begin(c, s));
    assert_ok(topic_emit_fact(c, s,
                              &(struct fact){.topic = "rag_events",
                                             .type = "document_ingested",
                                             .key = STR("d1"),
                                             .payload = number(c, 7),
                                             .idempotency_key = STR("once")},
                              &id));
    assert_ok(topic_emit(c, s, .topic = "org_events", .type = "role_updated", .key = STR("m1")));
    assert_ok(store_commit(c, s));
    assert_ok(topic_list(c, s, &(struct event_filter){0}, &events));
    assert_int_equal(events.count, 2);
    const struct event *e = &events.items[0];
    assert_int_equal(e->seq, 1); /* the rolled back one left no gap */
    assert_string_equal(e->topic, "knowledge_events");
    assert_true(id_eq(&e->event_id, &id) && id_eq(&e->org, &w->org_a));
    assert_true(str_eqz(e->key, "d1") && e->at_ms == start_ms);
    assert_int_equal(json_int(e->payload, "n", 0), 7);
    assert_true(str_eqz(e->correlation_id, c->request_id) && str_eqz(e->idempotency_key, "once"));
    assert_true(str_eqz(e->source_service, "knowledge"));
    assert_true(str_eqz(events.items[1].type, "member_role_updated"));
}

static void a_wrong_event_is_refused(void **state)
{
    struct world *w = *state;
    struct ctx *c = w->c;
    struct store *s = store_a(w);
    char long_key[TOPIC_KEY_MAX_BYTES + 2];
    memset(long_key, 'k', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = 0;
    char *big = arena_alloc(c->arena, TOPIC_PAYLOAD_MAX_BYTES);
    memset(big, 'x', TOPIC_PAYLOAD_MAX_BYTES);
    const struct json *too_big =
        json_with(c->arena, &json_empty_object, STR("x"),
                  json_new_str(c->arena, str_make(big, TOPIC_PAYLOAD_MAX_BYTES)));
    const struct {
        struct fact fact;
        enum err want;
        const char *field;
    } rows[] = {
        {{.topic = "nothing_events", .type = "a", .key = STR("k")}, E_INVALID, "topic"},
        {{.topic = NULL, .type = "a", .key = STR("k")}, E_INVALID, "topic"},
        {{.topic = "org_events", .type = "ticket_created", .key = STR("k")},
         E_INVALID,
         "event_type"},
        {{.topic = "org_events", .type = "member_joined"}, E_INVALID, "key"},
        {{.topic = "org_events", .type = "member_joined", .key = str_of(long_key)},
         E_INVALID,
         "key"},
        {{.topic = "org_events", .type = "member_joined", .key = STR("\xff")}, E_INVALID, "key"},
        {{.topic = "org_events",
          .type = "member_joined",
          .key = STR("k"),
          .payload = &json_empty_array},
         E_INVALID,
         "payload"},
        {{.topic = "org_events", .type = "member_joined", .key = STR("k"), .payload = too_big},
         E_TOO_LARGE,
         "payload"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_ok(store_begin(c, s));
        assert_int_equal(topic_emit_fact(c, s, &rows[i].fact, NULL), rows[i].want);
        assert_string_equal(c->fault.field, rows[i].field);
        store_rollback(c, s);
    }
    struct id id = id_new(1);
    const struct fact given = {
        .topic = "org_events", .type = "member_joined", .key = STR("k"), .event_id = id};
    assert_ok(store_begin(c, s));
    assert_ok(topic_emit_fact(c, s, &given, NULL));
    assert_ok(topic_emit(c, s, .topic = "auth_events", .type = "user_logged_in", .key = STR("k"),
                         .event_id = id)); /* mirrored into another topic */
    store_rollback(c, s);
}

static enum err tell_some(struct ctx *c, void *arg)
{
    struct store *s = arg;
    for (int i = 0; i < 300; i++) {
        const char *key = i % 3 ? "one" : "other";
        TRY(topic_emit(c, s, .topic = i % 2 ? "org_events" : "rag_events",
                       .type = i % 2 ? "member_joined" : "document_ingested", .key = str_of(key),
                       .payload = number(c, i)));
    }
    return E_OK;
}

static void check_told(struct ctx *c, struct store *s, const struct event_filter *filter, int count)
{
    struct events events;
    struct event_filter next = *filter;
    int64_t last = 0;
    int seen = 0;
    next.limit = 100;
    do {
        assert_ok(topic_list(c, s, &next, &events));
        for (int i = 0; i < events.count; i++) {
            const struct event *e = &events.items[i];
            assert_true(e->seq > last && id_is_set(&e->event_id));
            assert_int_equal(json_int(e->payload, "n", -1), (e->seq - 1) % 300);
            last = e->seq;
            seen++;
        }
        next.after_seq = last;
    } while (events.count == 100);
    assert_int_equal(seen, count);
}

/* A log as the first step made it, with two indexes more, keeps what is in it and goes on. */
static void an_older_log_is_brought_up_to_date(void **state)
{
    struct world *given = *state, w;
    const struct migration first[] = {bus_migrations[0], {0}};
    world_open(&w, given->kind, first);
    clock_set_ms(w.at.clock, start_ms);
    assert_ok(store_transact(w.c, store_a(&w), tell_some, store_a(&w)));
    for (int i = 0; i < 2; i++) { /* once; then it is */
        ctx_free(&w.c);
        stores_close(&w.at.stores);
        world_open_stores(&w, bus_migrations);
        w.c = world_ctx(&w, &w.org_a);
        struct store *s = store_a(&w);
        check_told(w.c, s, &(struct event_filter){0}, 300 * (i + 1));
        check_told(w.c, s, &(struct event_filter){.topic = "org_events"}, 150 * (i + 1));
        check_told(w.c, s, &(struct event_filter){.key = STR("other")}, 100 * (i + 1));
        assert_ok(store_transact(w.c, s, tell_some, s));
    }
    world_close(&w);
}

static void the_log_is_listed_by_filter(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct events events;
    for (int i = 1; i <= 4; i++) {
        assert_ok(tell(w->c, i % 2 ? "odd" : "even", i));
    }
    assert_ok(topic_list(w->c, s, &(struct event_filter){.key = STR("even")}, &events));
    assert_int_equal(events.count, 2);
    assert_ok(topic_list(
        w->c, s, &(struct event_filter){.topic = "support_tickets", .after_seq = 1, .limit = 2},
        &events));
    assert_int_equal(events.count, 2);
    assert_int_equal(events.items[0].seq, 2);
    assert_ok(topic_list(w->c, s, &(struct event_filter){.topic = "org_events"}, &events));
    assert_int_equal(events.count, 0);
    assert_int_equal(topic_list(w->c, s, &(struct event_filter){.topic = "nope"}, &events),
                     E_INVALID);
    assert_int_equal(topic_list(w->c, s, &(struct event_filter){.limit = 501}, &events), E_INVALID);
}

/* ---- consumers */

static void consumers_get_events_in_order_and_once(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, false);
    for (int i = 1; i <= 5; i++) {
        assert_ok(tell(w->c, i % 2 ? "a" : "b", i));
    }
    drain(w);
    assert_string_equal(seen(), "ticket:a1 ticket:b2 ticket:a3 ticket:b4 ticket:a5");
    drain(w);
    assert_string_equal(seen(), "");
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 5);
}

static void a_consumer_may_tell_new_facts(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, false);
    assert_ok(store_begin(w->c, s));
    assert_ok(topic_emit(w->c, s, .topic = "escalation_events", .type = "escalation_created",
                         .key = STR("c1"), .payload = number(w->c, 3)));
    assert_ok(store_commit(w->c, s));
    drain(w);
    assert_string_equal(seen(), "ticket:c13");
    assert_string_equal(t.request_id, w->c->request_id); /* one request id across */
    struct events events;
    assert_ok(topic_list(w->c, s, &(struct event_filter){0}, &events));
    assert_int_equal(events.count, 2);
    assert_true(str_eq(events.items[1].causation_id, id_str(&events.items[0].event_id)));
    assert_true(str_eqz(events.items[1].correlation_id, w->c->request_id));
}

static void only_the_key_of_a_failure_waits(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, false);
    snprintf(t.fail_key, sizeof(t.fail_key), "a");
    t.fail_times = 2;
    t.fail_with = E_UNAVAILABLE;
    assert_ok(tell(w->c, "a", 1));
    assert_ok(tell(w->c, "b", 2));
    assert_ok(tell(w->c, "a", 3));
    drain(w);
    assert_string_equal(seen(), "ticket:a1 ticket:b2"); /* a3 waits behind a1 */
    advance(w, 999);
    assert_string_equal(seen(), "");
    advance(w, 1);
    assert_string_equal(seen(), "ticket:a1"); /* fails again */
    advance(w, 1999);
    assert_string_equal(seen(), "");
    advance(w, 1);
    assert_string_equal(seen(), "ticket:a1 ticket:a3");
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 3);
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect"), 3); /* undone each time */
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_wait"), 0);
}

static void after_the_last_try_it_is_a_dead_letter(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct dead_letters letters;
    open_bus(w, quick, false);
    snprintf(t.fail_key, sizeof(t.fail_key), "a");
    t.fail_times = 3;
    t.fail_with = E_INTERNAL;
    assert_ok(tell(w->c, "a", 1));
    assert_ok(tell(w->c, "a", 2));
    drain(w);
    advance(w, SECOND);
    advance(w, 2 * SECOND);
    assert_string_equal(seen(), "ticket:a1 ticket:a1 ticket:a1 ticket:a2"); /* the key goes on */
    assert_ok(dead_letter_list(w->c, s, STR(""), 10, &letters));
    assert_int_equal(letters.count, 1);
    const struct dead_letter *d = &letters.items[0];
    assert_string_equal(d->consumer, "desk_support_events_consumer");
    assert_int_equal(d->tries, 3);
    assert_true(str_find(d->error, STR("told to fail")) >= 0);
    assert_true(str_eqz(d->event.type, "ticket_created") && d->replayed_ms == 0);
    assert_int_equal(json_int(d->event.payload, "n", 0), 1);

    struct id id = d->id, unknown = id_new(5);
    assert_ok(dead_letter_replay(w->c, s, &id));
    drain(w);
    assert_string_equal(seen(), "ticket:a1");
    assert_int_equal(dead_letter_replay(w->c, s, &id), E_CONFLICT);
    assert_int_equal(dead_letter_replay(w->c, s, &unknown), E_NOT_FOUND);
    assert_ok(dead_letter_list(w->c, s, STR(""), 10, &letters));
    assert_true(letters.items[0].replayed_ms > 0);
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 2);
}

static void a_replay_works_when_the_log_has_forgotten(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct dead_letters letters;
    open_bus(w, quick, false);
    snprintf(t.fail_key, sizeof(t.fail_key), "a");
    t.fail_times = 1;
    t.fail_with = E_INVALID; /* final: no second try */
    assert_ok(tell(w->c, "a", 1));
    drain(w);
    assert_string_equal(seen(), "ticket:a1");
    assert_ok(store_exec(w->c, s, NULL, "DELETE FROM event"));
    assert_ok(dead_letter_list(w->c, s, STR(""), 10, &letters));
    assert_int_equal(letters.count, 1);
    assert_ok(dead_letter_replay(w->c, s, &letters.items[0].id));
    drain(w);
    assert_string_equal(seen(), "ticket:a1");
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_wait"), 0);
}

static void a_slow_handler_keeps_the_order_of_a_key(void **state)
{
    struct world *w = *state;
    open_bus(w, slow, false);
    snprintf(t.fail_key, sizeof(t.fail_key), "a");
    t.fail_times = 1;
    t.fail_with = E_TIMEOUT;
    assert_ok(tell(w->c, "a", 1));
    assert_ok(tell(w->c, "b", 2));
    assert_ok(tell(w->c, "a", 3));
    assert_ok(tell(w->c, "b", 4));
    drain(w);
    assert_string_equal(seen(), "slow:a1 slow:b2 slow:b4");
    advance(w, SECOND);
    assert_string_equal(seen(), "slow:a1 slow:a3");
    t.fail_times = 9;
    assert_ok(tell(w->c, "a", 5));
    assert_ok(tell(w->c, "a", 6));
    drain(w);
    advance(w, SECOND);
    t.fail_times = 1;
    advance(w, 2 * SECOND);
    assert_string_equal(seen(), "slow:a5 slow:a5 slow:a5 slow:a6");
    assert_int_equal(one_number(w, "SELECT count(*) FROM dead_letter"), 1);
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_wait"), 0);
}

static void a_dead_process_s_event_is_taken_over(void **state)
{
    struct world *w = *state;
    open_bus(w, slow, false);
    snprintf(t.fail_key, sizeof(t.fail_key), "a");
    t.fail_times = 1;
    t.fail_with = E_UNAVAILABLE;
    assert_ok(tell(w->c, "a", 1));
    drain(w); /* it waits for its second try, which another process begins and does not end */
    forget();
    assert_ok(store_exec(w->c, store_a(w), NULL,
                         "UPDATE consumer_wait SET next_at = 0, lease_owner = 'gone',"
                         " lease_until = ?1",
                         S_INT(start_ms + 20 * SECOND)));
    advance(w, 19 * SECOND);
    assert_string_equal(seen(), "");
    advance(w, 1 * SECOND);
    assert_string_equal(seen(), "slow:a1");
}

static void an_event_delivered_again_changes_nothing(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, false);
    assert_ok(tell(w->c, "a", 1));
    drain(w);
    assert_string_equal(seen(), "ticket:a1");
    /* as if the position had been lost: a new process, the log from its start */
    assert_ok(store_exec(w->c, store_a(w), NULL, "UPDATE consumer SET position = 0"));
    bus_free(&w->at.bus);
    open_bus(w, quick, false);
    drain(w);
    assert_string_equal(seen(), "");
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 1);
}

static void a_new_consumer_starts_at_the_end_unless_it_wants_all(void **state)
{
    static const struct consumer late[] = {
        {.service = "desk",
         .topic = "support_events",
         .type = "ticket_created",
         .handle = on_ticket},
        {.service = "late", .topic = "support_events", .handle = on_ticket},
        {.service = "whole", .topic = "support_events", .handle = on_ticket, .from_start = true},
        {0}};
    struct world *w = *state;
    open_bus(w, quick, false);
    assert_ok(tell(w->c, "a", 1));
    drain(w);
    bus_free(&w->at.bus);
    clock_advance_ms(w->at.clock, 1000);
    forget();
    open_bus(w, late, false);
    assert_ok(tell(w->c, "a", 2));
    drain(w);
    assert_string_equal(seen(), "ticket:a1 ticket:a2 ticket:a2 ticket:a2"); /* whole: both */
}

static void states_of_consumers_are_told(void **state)
{
    struct world *w = *state;
    struct consumer_states states;
    open_bus(w, quick, false);
    drain(w);
    assert_ok(tell(w->c, "a", 1));
    assert_ok(consumer_list(w->c, store_a(w), &states));
    assert_int_equal(states.count, 2);
    assert_string_equal(states.items[0].consumer, "desk_support_events_consumer");
    assert_int_equal(states.items[0].lag, 1);
    drain(w);
    assert_ok(consumer_list(w->c, store_a(w), &states));
    assert_int_equal(states.items[0].lag, 0);
}

static void wrong_registrations_are_refused(void **state)
{
    struct world *w = *state;
    w->at.bus = bus_new(&w->at);
    static const struct consumer rows[][2] = {
        {{.service = "x", .topic = "nope", .handle = on_ticket}, {0}},
        {{.service = "x", .topic = "org_events", .type = "nope", .handle = on_ticket}, {0}},
        {{.service = "x", .topic = "org_events"}, {0}},
        {{.service = "x",
          .topic = "org_events",
          .handle = on_ticket,
          .handle_slow = on_ticket_slowly},
         {0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(bus_add_consumers(w->c, w->at.bus, rows[i]), E_INVALID);
    }
    assert_ok(bus_add_consumers(w->c, w->at.bus, quick));
    assert_int_equal(bus_add_consumers(w->c, w->at.bus, quick), E_INVALID); /* twice */
    assert_ok(bus_add_jobs(w->c, w->at.bus, kinds));
    assert_int_equal(bus_add_jobs(w->c, w->at.bus, kinds), E_INVALID);
    static const struct job_schedule unknown[] = {{.kind = "nope", .every_ms = 1}, {0}};
    assert_int_equal(bus_add_schedules(w->c, w->at.bus, unknown), E_INVALID);
}

/* ---- tails */

struct view {
    int count;
    int64_t last_seq;
    int stop_after;
};

static bool on_event(void *arg, const struct event *e)
{
    struct view *v = arg;
    assert_true(e->seq > v->last_seq);
    v->last_seq = e->seq;
    v->count++;
    return v->stop_after == 0 || v->count < v->stop_after;
}

static void a_tail_sees_what_is_committed(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct view all = {0}, from_now = {0}, even = {0}, other = {0}, two = {.stop_after = 2};
    open_bus(w, quick, false);
    assert_ok(tell(w->c, "odd", 1));
    struct bus *b = w->at.bus;
    uint64_t h = tail_open(b, &w->org_a, &(struct event_filter){0}, on_event, &all);
    tail_open(b, &w->org_a, &(struct event_filter){.after_seq = -1}, on_event, &from_now);
    tail_open(b, &w->org_a, &(struct event_filter){.topic = "support_tickets", .key = STR("even")},
              on_event, &even);
    tail_open(b, &w->org_b, &(struct event_filter){0}, on_event, &other);
    tail_open(b, &w->org_a, &(struct event_filter){0}, on_event, &two);
    assert_int_equal(
        tail_open(b, &w->org_a, &(struct event_filter){.topic = "nope"}, on_event, &all), 0);
    drain(w);
    assert_int_equal(all.count, 1);
    assert_int_equal(from_now.count, 0);
    assert_ok(store_begin(w->c, s));
    assert_ok(topic_emit(w->c, s, .topic = "org_events", .type = "member_joined", .key = STR("m")));
    drain(w); /* not committed: not seen */
    assert_int_equal(all.count, 1);
    store_rollback(w->c, s);
    assert_ok(tell(w->c, "even", 2));
    assert_ok(tell(w->c, "odd", 3));
    drain(w);
    assert_int_equal(all.count, 3);
    assert_int_equal(from_now.count, 2);
    assert_int_equal(even.count, 1);
    assert_int_equal(other.count, 0);
    assert_int_equal(two.count, 2);
    tail_close(b, h);
    assert_ok(tell(w->c, "odd", 4));
    drain(w);
    assert_int_equal(all.count, 3);
    assert_int_equal(from_now.count, 3);
}

static int texts_written; /* a test at a time */

static void write_key(const struct event *e, struct buf *out)
{
    texts_written++;
    buf_addf(out, "<%.*s>", STR_ARG(e->key));
}

static bool on_text(void *arg, const struct event *e, struct str text)
{
    struct view *v = arg;
    assert_int_equal(text.n, e->key.n + 2);
    assert_true(str_eq(str_sub(text, 1, text.n - 2), e->key));
    return on_event(v, e);
}

static bool on_other_text(void *arg, const struct event *e, struct str text)
{
    return on_text(arg, e, text);
}

/* However many see an event, its text is made once for each kind of view. */
static void tails_share_a_text(void **state)
{
    struct world *w = *state;
    static const struct tail_text one = {write_key, on_text}, other = {write_key, on_other_text};
    struct view views[8] = {{0}}, even = {0}, last = {0};
    open_bus(w, quick, false);
    struct bus *b = w->at.bus;
    texts_written = 0;
    for (int i = 0; i < 8; i++) {
        tail_open_text(b, &w->org_a, &(struct event_filter){0}, &one, &views[i]);
    }
    tail_open_text(b, &w->org_a, &(struct event_filter){.key = STR("even")}, &one, &even);
    tail_open_text(b, &w->org_a, &(struct event_filter){0}, &other, &last);
    assert_ok(tell(w->c, "odd", 1));
    assert_ok(tell(w->c, "even", 2));
    drain(w);
    assert_int_equal(texts_written, 4); /* two events, two kinds */
    assert_int_equal(even.count, 1);
    assert_int_equal(last.count, 2);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(views[i].count, 2);
    }
}

/* ---- bounds */

static enum err on_endless(struct ctx *c, struct store *s, const struct event *e)
{
    return topic_emit(c, s, .topic = "support_events", .type = "ticket_created", .key = e->key);
}

static void events_without_end_are_stopped(void **state)
{
    static const struct consumer endless[] = {
        {.service = "loop", .topic = "support_events", .handle = on_endless}, {0}};
    struct world *w = *state;
    open_bus(w, endless, false);
    assert_ok(tell(w->c, "a", 1));
    ctx_limit(w->c, 3000);
    enum err e = bus_drain(w->c, w->at.bus);
    assert_true(e == E_LIMIT || e == E_TIMEOUT);
}

/* ---- threads and processes */

static enum err on_ticket_of_an_erased_org(struct ctx *c, struct store *s, const struct event *e)
{
    (void)s;
    note("ticket:%.*s", STR_ARG(e->key));
    bus_org_erased(c->at->bus, &c->org);
    return E_OK;
}

/* A worker hears of it while somebody drains, as after a command in the test mode. */
static void an_org_may_be_erased_while_it_is_drained(void **state)
{
    static const struct consumer consumers[] = {{.service = "desk",
                                                 .topic = "support_events",
                                                 .type = "ticket_created",
                                                 .handle = on_ticket_of_an_erased_org},
                                                {0}};
    struct world *w = *state;
    struct id org = w->c->org;
    open_bus(w, consumers, false);
    assert_ok(tell(w->c, "a", 1));
    drain(w);
    assert_string_equal(seen(), "ticket:a");
    assert_ok(tell(w->c, "b", 2));
    drain(w);
    assert_string_equal(seen(), "");
    bus_org_made(w->at.bus, &org);
    drain(w);
    assert_string_equal(seen(), "ticket:b");
}

static void a_started_bus_works_by_itself(void **state)
{
    struct world *w = *state;
    static const struct consumer both[] = {quick[0], quick[1], slow[0], {0}};
    open_bus(w, both, true);
    start_threads(w);
    t.slow_ms = 5;
    for (int i = 1; i <= 40; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i % 8);
        assert_ok(tell(w->c, key, i));
    }
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    drain(w);
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 40);
    int slow_seen = 0, jobs_seen = 0, last[8] = {0};
    for (int i = 0; i < t.count; i++) {
        int key, n;
        if (sscanf(t.seen[i], "slow:k%1d%d", &key, &n) == 2) {
            slow_seen++;
            assert_true(n > last[key]); /* ordered per key */
            last[key] = n;
        }
        jobs_seen += strcmp(t.seen[i], "job:1") == 0;
    }
    assert_int_equal(slow_seen, 40);
    assert_int_equal(jobs_seen, 1);
    assert_true(t.most_at_once > 1); /* different keys in parallel */

    struct view v = {0};
    tail_open(w->at.bus, &w->org_a, &(struct event_filter){.after_seq = -1}, on_event, &v);
    assert_ok(tell(w->c, "k1", 41));
    drain(w);
    assert_int_equal(v.count, 1);

    /* time passes while it runs: what falls due runs at once */
    forget();
    assert_ok(add_note(w->c, store_a(w), 7, "later", start_ms + DAY, JOB_KEEP));
    clock_advance_ms(w->at.clock, DAY);
    bus_clock_moved(w->at.bus);
    drain(w);
    assert_non_null(strstr(seen(), "job:7"));
}

/* Two buses on one database, as two processes would be. */
static void two_processes_share_the_work(void **state)
{
    struct world *w = *state;
    static const struct consumer both[] = {quick[0], slow[0], {0}};
    struct world second = *w;
    world_open_stores(&second, all_steps);
    open_bus(w, both, true);
    second.c = world_ctx(&second, &w->org_a);
    open_bus(&second, both, true);
    start_threads(w);
    start_threads(&second);
    for (int i = 1; i <= 60; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i % 8);
        assert_ok(tell(i % 2 ? w->c : second.c, key, i));
        assert_ok(
            add_note(i % 2 ? second.c : w->c, store_a(i % 2 ? &second : w), i, "", 0, JOB_KEEP));
    }
    for (int i = 0; i < 3; i++) { /* what one finished may be the other's to go on with */
        drain(w);
        drain(&second);
    }
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), 60);
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_wait"), 0);
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'test_note'"), 0);
    int slow_seen = 0, jobs = 0;
    for (int i = 0; i < t.count; i++) {
        slow_seen += strncmp(t.seen[i], "slow:", 5) == 0;
        jobs += strncmp(t.seen[i], "job:", 4) == 0;
    }
    assert_int_equal(slow_seen, 60);
    assert_int_equal(jobs, 60);
    bus_stop(second.at.bus, 1000);
    workers_free(&second.at.workers, 1000);
    bus_free(&second.at.bus);
    ctx_free(&second.c);
    stores_close(&second.at.stores);
}

/* A child handles events until it is killed; whoever comes after finishes, and nothing is done
 * twice. */
static void a_killed_process_loses_and_repeats_nothing(void **state)
{
    struct world *w = *state;
    enum { EVENTS = 120 };
    for (int i = 1; i <= EVENTS; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i % 8);
        assert_ok(tell(w->c, key, i));
    }
    ctx_free(&w->c);
    stores_close(&w->at.stores);
    for (int round = 0; round < 4; round++) {
        pid_t child = fork();
        if (child == 0) {
            world_open_stores(w, all_steps);
            w->c = world_ctx(w, &w->org_a);
            open_bus(w, quick, true);
            bus_drain(w->c, w->at.bus);
            _exit(0);
        }
        struct timespec pause = {.tv_nsec = (20 + round * 13) * 1000000L};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    world_open_stores(w, all_steps);
    w->c = world_ctx(w, &w->org_a);
    open_bus(w, quick, true);
    drain(w);
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n = 1"), EVENTS);
    assert_int_equal(one_number(w, "SELECT count(*) FROM effect WHERE n > 1"), 0);
}

static void the_registry_keeps_the_rulings(void **state)
{
    (void)state;
    int types = 0;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic *topic = topic_at(i);
        assert_non_null(topic->name);
        assert_true(topic->retention_days == 7 || topic->retention_days == 30);
        assert_ptr_equal(topic_find(str_of(topic->name)), topic); /* unique */
        for (const struct topic_type *type = topic->types; type->name; type++) {
            assert_ptr_equal(topic_find_type(topic, str_of(type->name)), type);
            types++;
        }
    }
    assert_null(topic_at(TOPIC_COUNT));
    assert_true(types > 200);
    static const char *const aliases[][2] = {{"rag_events", "knowledge_events"},
                                             {"monitoring_incidents", "monitoring_events"},
                                             {"analytics_experiments", "analytics_events"},
                                             {"support_tickets", "support_events"}};
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        assert_string_equal(topic_find(str_of(aliases[i][0]))->name, aliases[i][1]);
    }
    const struct topic *docs = topic_find(STR("sales_doc_events"));
    assert_string_equal(topic_find_type(docs, STR("nda_fully_signed"))->name, "nda_signed");
}

static void an_event_is_written_as_its_envelope(void **state)
{
    struct world *w = *state;
    struct events events;
    struct json_fault fault;
    const struct json *v;
    assert_ok(tell(w->c, "k", 1));
    assert_ok(topic_list(w->c, store_a(w), &(struct event_filter){0}, &events));
    struct buf text = buf_make(1 << 16);
    struct json_out o = json_out_to(&text);
    topic_write_event(&o, &events.items[0]);
    assert_ok(json_parse(w->c->arena, buf_str(&text), &v, &fault));
    assert_true(str_eqz(json_str(v, "event_type", STR("")), "ticket_created"));
    assert_true(str_eqz(json_str(v, "timestamp", STR("")), "2025-10-09T08:53:20.000Z"));
    assert_true(str_eq(json_str(v, "organization_id", STR("")), id_str(&w->org_a)));
    assert_int_equal(json_int(json_get(v, "payload"), "n", 0), 1);
    assert_true(
        str_eqz(json_str(json_get(v, "metadata"), "correlation_id", STR("")), w->c->request_id));
    buf_free(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(the_registry_keeps_the_rulings),
        T(an_event_commits_with_its_fact),
        T(a_wrong_event_is_refused),
        T(an_older_log_is_brought_up_to_date),
        T(the_log_is_listed_by_filter),
        T(an_event_is_written_as_its_envelope),
        T(consumers_get_events_in_order_and_once),
        T(a_consumer_may_tell_new_facts),
        T(only_the_key_of_a_failure_waits),
        T(after_the_last_try_it_is_a_dead_letter),
        T(a_replay_works_when_the_log_has_forgotten),
        T(a_slow_handler_keeps_the_order_of_a_key),
        T(a_dead_process_s_event_is_taken_over),
        T(an_event_delivered_again_changes_nothing),
        T(a_new_consumer_starts_at_the_end_unless_it_wants_all),
        T(states_of_consumers_are_told),
        T(wrong_registrations_are_refused),
        T(a_tail_sees_what_is_committed),
        T(tails_share_a_text),
        T(events_without_end_are_stopped),
        T(an_org_may_be_erased_while_it_is_drained),
        T(a_started_bus_works_by_itself),
        T(two_processes_share_the_work),
        T(a_killed_process_loses_and_repeats_nothing),
    };
    RUN_OVER_STORES("bus", tests);
}
