/* Jobs, schedules and what they forget, over every store. */
#include "bus/observe.h"
#include "conform/bus_world.h"

static void a_job_runs_at_its_time(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, true);
    assert_ok(add_note(w->c, s, 1, "", 0, JOB_KEEP));
    assert_ok(add_note(w->c, s, 2, "", start_ms + 3LL * DAY, JOB_KEEP));
    assert_ok(store_begin(w->c, s));
    assert_ok(add_note(w->c, s, 3, "", 0, JOB_KEEP));
    store_rollback(w->c, s); /* never existed */
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_true(t.deadline_left_ms > 4000 && t.deadline_left_ms <= 5000);
    advance(w, 3LL * DAY - 1);
    assert_string_equal(seen(), "");
    advance(w, 1);
    assert_string_equal(seen(), "job:2");
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'test_note'"), 0);
    assert_int_equal(job_add(w->c, s, .kind = "nope"), E_INVALID);
    assert_int_equal(job_add(w->c, s, .kind = "test_note", .payload = &json_empty_array),
                     E_INVALID);
}

static void one_job_per_unique_key(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, true);
    assert_ok(add_note(w->c, s, 1, "k", start_ms + 5 * SECOND, JOB_KEEP));
    assert_ok(add_note(w->c, s, 2, "k", start_ms + 9 * SECOND, JOB_KEEP)); /* earlier time wins */
    advance(w, 5 * SECOND);
    assert_string_equal(seen(), "job:2"); /* newest payload */
    int64_t now = start_ms + 5 * SECOND;
    assert_ok(add_note(w->c, s, 3, "k", now + 1 * SECOND, JOB_KEEP));
    assert_ok(add_note(w->c, s, 4, "k", now + 3 * SECOND, JOB_MOVE)); /* debounce */
    advance(w, 2 * SECOND);
    assert_string_equal(seen(), "");
    advance(w, 1 * SECOND);
    assert_string_equal(seen(), "job:4");

    bool removed;
    assert_ok(add_note(w->c, s, 5, "k", 0, JOB_KEEP));
    assert_ok(job_cancel(w->c, s, "test_note", STR("k"), &removed));
    assert_true(removed);
    assert_ok(job_cancel(w->c, s, "test_note", STR("k"), &removed));
    assert_false(removed);
    drain(w);
    assert_string_equal(seen(), "");
}

static void an_order_that_comes_while_it_runs_is_not_lost(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, true);
    t.add_job_again = true;
    assert_ok(add_note(w->c, s, 1, "k", 0, JOB_KEEP));
    drain(w);
    assert_string_equal(seen(), "job:1 job:99");
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'test_note'"), 0);
}

static void a_job_that_fails_is_tried_again_then_dead(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    struct job_rows rows;
    open_bus(w, quick, true);
    snprintf(t.fail_key, sizeof(t.fail_key), "k");
    t.fail_times = 3;
    t.fail_with = E_UNAVAILABLE;
    assert_ok(add_note(w->c, s, 1, "k", 0, JOB_KEEP));
    drain(w);
    advance(w, 999);
    assert_string_equal(seen(), "job:1");
    advance(w, 1);
    assert_string_equal(seen(), "job:1");
    advance(w, 2 * SECOND);
    assert_string_equal(seen(), "job:1");
    advance(w, DAY);
    assert_string_equal(seen(), "");
    assert_ok(job_list(w->c, s, &(struct job_filter){.status = "dead"}, &rows));
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.items[0].attempts, 3);
    assert_true(str_find(rows.items[0].error, STR("unavailable: told to fail")) == 0);
    struct id id = rows.items[0].id, unknown = id_new(9);
    assert_ok(job_revive(w->c, s, &id));
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_int_equal(job_revive(w->c, s, &id), E_NOT_FOUND); /* done: gone */
    assert_int_equal(job_revive(w->c, s, &unknown), E_NOT_FOUND);

    t.fail_times = 1;
    t.fail_with = E_NOT_FOUND; /* final */
    assert_ok(add_note(w->c, s, 2, "k", 0, JOB_KEEP));
    drain(w);
    assert_ok(job_list(w->c, s, &(struct job_filter){.status = "dead"}, &rows));
    assert_int_equal(rows.count, 1);
    assert_ok(add_note(w->c, s, 3, "k", 0, JOB_KEEP)); /* a new order revives it */
    drain(w);
    assert_string_equal(seen(), "job:2 job:3");
}

static void a_job_can_end_with_its_effects(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, true);
    t.finish = true;
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'test_note'"), 0);
}

static void a_dead_process_s_job_is_taken_over(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, true);
    assert_ok(add_note(w->c, s, 1, "k", 0, JOB_KEEP));
    assert_ok(store_exec(w->c, s, NULL,
                         "UPDATE job SET status = 'running', attempts = 1, lease_owner = 'gone',"
                         " lease_until = ?1 WHERE kind = 'test_note'",
                         S_INT(start_ms + 20 * SECOND)));
    drain(w);
    advance(w, 19 * SECOND);
    assert_string_equal(seen(), "");
    advance(w, 1 * SECOND);
    assert_string_equal(seen(), "job:1");
}

static void lease_to(struct world *w, const char *process)
{
    char owner[40];
    snprintf(owner, sizeof(owner), "%sffffffffffffffff", process);
    assert_ok(store_exec(w->c, store_a(w), NULL,
                         "UPDATE job SET status = 'running', attempts = 1, lease_owner = ?1,"
                         " lease_until = ?2 WHERE kind = 'test_note'",
                         S_Z(owner), S_INT(start_ms + DAY)));
    assert_ok(store_exec(w->c, store_a(w), NULL,
                         "INSERT INTO consumer_wait (consumer, seq, letter_id, key, attempts,"
                         " next_at, lease_owner, lease_until) VALUES ('elsewhere', 1, '', 'k', 0,"
                         " 0, ?1, ?2)",
                         S_Z(owner), S_INT(start_ms + DAY)));
}

static void assert_leases(struct world *w, int events)
{
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_wait WHERE lease_until > 0"),
                     events);
}

static void the_only_process_takes_over_at_once(void **state)
{
    struct world *w = *state;
    w->at.alone = true;
    open_bus(w, quick, true);
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    lease_to(w, "0123456789abcdef");
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_leases(w, 0);
}

/* Who has no session with the database any more has lost its leases; who has one keeps them. */
static void a_process_that_is_gone_loses_its_leases(void **state)
{
    struct world *w = *state;
    struct world other = *w;
    if (w->kind != STORE_POSTGRES) {
        skip(); /* files have one process */
    }
    world_open_stores(&other, all_steps);
    assert_true(strcmp(stores_process(other.at.stores), stores_process(w->at.stores)) != 0);
    open_bus(w, quick, true);
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    lease_to(w, stores_process(other.at.stores));
    start_threads(w);
    drain(w);
    assert_string_equal(seen(), "");
    assert_leases(w, 1);
    stores_close(&other.at.stores);
    struct timespec pause = {.tv_nsec = 50000000};
    for (int i = 0; i < 1200 && t.count == 0; i++) {
        nanosleep(&pause, NULL);
        bus_clock_moved(w->at.bus); /* the clock stands still; what is due is looked at again */
    }
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_leases(w, 0);
}

/* The clock jumps over the lease of a job that runs: it is not begun a second time. */
static void a_running_job_is_not_begun_twice(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, true);
    t.slow_ms = 150;
    start_threads(w);
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    wait_until_seen();
    struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 5; i++) {
        clock_advance_ms(w->at.clock, DAY);
        bus_clock_moved(w->at.bus);
        nanosleep(&pause, NULL);
    }
    drain(w);
    assert_string_equal(seen(), "job:1");
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'test_note'"), 0);
}

static void stopping_puts_a_running_job_back(void **state)
{
    struct world *w = *state;
    struct job_rows rows;
    open_bus(w, quick, true);
    t.until_cancelled = true;
    start_threads(w);
    assert_ok(add_note(w->c, store_a(w), 1, "k", 0, JOB_KEEP));
    wait_until_seen();
    bus_stop(w->at.bus, 10);
    assert_ok(job_list(w->c, store_a(w), &(struct job_filter){.kind = "test_note"}, &rows));
    assert_int_equal(rows.count, 1);
    assert_true(str_eqz(rows.items[0].status, "pending"));
    assert_int_equal(rows.items[0].attempts, 0); /* it was not its fault */
    t.until_cancelled = false;
    forget();
    drain(w);
    assert_string_equal(seen(), "job:1");
}

static void schedules_follow_the_clock(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, true);
    assert_ok(bus_add_schedules(w->c, w->at.bus, schedules));
    drain(w);
    assert_string_equal(seen(), "");
    /* start_ms is 2025-10-09 08:53:20 UTC */
    advance(w, 3600000 - 1);
    assert_string_equal(seen(), "");
    advance(w, 1);
    assert_string_equal(seen(), "test_hourly:system");
    clock_set_ms(w->at.clock, start_ms - start_ms % DAY + DAY + 390 * MINUTE - 1);
    advance(w, 0);
    assert_string_equal(seen(), "test_hourly:system"); /* missed ones are run once */
    advance(w, 1);
    assert_string_equal(seen(), "test_daily:org test_daily:org"); /* both orgs */
    advance(w, 7LL * DAY);
    assert_string_equal(seen(), "test_hourly:system test_daily:org test_daily:org");
    bus_free(&w->at.bus); /* a restart changes nothing */
    open_bus(w, quick, true);
    assert_ok(bus_add_schedules(w->c, w->at.bus, schedules));
    drain(w);
    assert_string_equal(seen(), "");
    advance(w, DAY);
    assert_string_equal(seen(), "test_hourly:system test_daily:org test_daily:org");
}

static void old_events_are_forgotten_but_not_unseen_ones(void **state)
{
    struct world *w = *state;
    struct store *s = store_a(w);
    open_bus(w, quick, true);
    assert_ok(tell(w->c, "a", 1));
    assert_ok(store_begin(w->c, s));
    assert_ok(topic_emit(w->c, s, .topic = "org_events", .type = "member_joined", .key = STR("m")));
    assert_ok(store_commit(w->c, s));
    drain(w);
    advance(w, 6LL * DAY);
    assert_int_equal(one_number(w, "SELECT count(*) FROM event"), 2);
    advance(w, 3LL * DAY);
    assert_int_equal(one_number(w, "SELECT count(*) FROM event"), 1); /* audit: 30 days */
    assert_int_equal(one_number(w, "SELECT count(*) FROM consumer_done"), 0);
    advance(w, 30LL * DAY);
    assert_int_equal(one_number(w, "SELECT count(*) FROM event"), 0);
    assert_ok(tell(w->c, "a", 2));
    assert_int_equal(one_number(w, "SELECT seq FROM event"), 3); /* numbers go on */
}

/* ---- traces */

static struct observed last;
static char last_trace[CTX_REQUEST_ID_BYTES + 1];
static int observed_count;

static void observer(struct ctx *c, const struct observed *o)
{
    last = *o;
    observed_count++;
    memcpy(last_trace, c->request_id, sizeof(last_trace));
}

static void a_job_is_a_span_of_who_ordered_it(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, true);
    bus_observe(w->at.bus, observer);
    observed_count = 0;
    assert_ok(add_note(w->c, store_a(w), 1, "", 0, JOB_KEEP));
    drain(w);
    assert_int_equal(observed_count, 1);
    assert_true(last.is_job && last.outcome == E_OK && last.attempt == 1);
    assert_string_equal(last.name, "test_note");
    assert_string_equal(last_trace, w->c->request_id);
    assert_string_equal(last.parent, w->c->span_id);
    assert_string_not_equal(last.span, w->c->span_id);
    assert_true(last.ended_us >= last.started_us);
}

static void a_handler_is_a_span_of_the_event_s_trace(void **state)
{
    struct world *w = *state;
    open_bus(w, quick, true);
    bus_observe(w->at.bus, observer);
    observed_count = 0;
    assert_ok(tell(w->c, "a", 1));
    drain(w);
    assert_true(observed_count > 0);
    assert_false(last.is_job);
    assert_non_null(last.topic);
    assert_string_equal(last_trace, w->c->request_id);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_job_runs_at_its_time),
        T(one_job_per_unique_key),
        T(an_order_that_comes_while_it_runs_is_not_lost),
        T(a_job_that_fails_is_tried_again_then_dead),
        T(a_job_can_end_with_its_effects),
        T(a_dead_process_s_job_is_taken_over),
        T(the_only_process_takes_over_at_once),
        T(a_process_that_is_gone_loses_its_leases),
        T(a_running_job_is_not_begun_twice),
        T(stopping_puts_a_running_job_back),
        T(schedules_follow_the_clock),
        T(old_events_are_forgotten_but_not_unseen_ones),
        T(a_job_is_a_span_of_who_ordered_it),
        T(a_handler_is_a_span_of_the_event_s_trace),
    };
    RUN_OVER_STORES("jobs", tests);
}
