/* After an update of the program whose embedding gives other numbers: documents that were embedded
 * before are found by their words until a job has embedded them anew, over every store. */
#include "conform/bus_world.h"

#include "find/search.h"
#include "host/service.h"
#include "nlu/embed.h"

extern const struct service knowledge_service;

enum { DOCUMENTS = 70 };

static struct search *search_named(const char *name)
{
    return search_new(
        &(struct search_config){.embedder = {name, EMBED_DIMENSIONS, embed_texts, NULL}});
}

static int setup_knowledge(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    memset(all_steps, 0, sizeof(all_steps));
    join_steps();
    int n = 0;
    while (all_steps[n].owner) {
        n++;
    }
    for (const struct migration *m = find_migrations; m->owner; m++) {
        all_steps[n++] = *m;
    }
    world_open(w, kind_of_run, all_steps);
    clock_set_ms(w->at.clock, start_ms);
    w->at.search = search_named("earlier-v1");
    *state = w;
    return 0;
}

static int teardown_knowledge(void **state)
{
    struct world *w = *state;
    search_free(&w->at.search);
    return teardown(state);
}

static void import_some(struct world *w)
{
    for (int i = 0; i < DOCUMENTS; i++) {
        struct str text = str_fmt(w->c->arena, "# Article %d\n\nThe parcel of shelf %d.\n", i, i);
        struct search_source s = {.key = str_fmt(w->c->arena, "a%d.md", i), .bytes = text};
        assert_ok(search_import(w->c, &s, NULL, NULL));
    }
}

static size_t near(struct ctx *c)
{
    struct search_query q = {.text = STR("parcel"), .k = 10, .mode = SEARCH_VECTORS};
    struct search_result r;
    assert_ok(search_query(c, &q, &r));
    return r.count;
}

/* A new process: what the old one knew in memory is gone. */
static void start_as(struct world *w, const char *embedder)
{
    bus_free(&w->at.bus);
    search_free(&w->at.search);
    w->at.search = search_named(embedder);
    w->at.bus = bus_new(&w->at);
    assert_ok(bus_add_jobs(w->c, w->at.bus, knowledge_service.jobs));
    assert_ok(bus_add_schedules(w->c, w->at.bus, knowledge_service.schedules));
}

static int64_t embedded_by(struct world *w, const char *embedder)
{
    struct store_rows rows;
    assert_ok(store_query(w->c, store_a(w), &rows,
                          "SELECT count(*) FROM document WHERE embedder = ?1", S_Z(embedder)));
    return row_int(&rows, 0, 0);
}

static void a_start_embeds_anew_what_another_embedding_made(void **state)
{
    struct world *w = *state;
    import_some(w);
    assert_int_equal(near(w->c), 10);
    start_as(w, "later-v2");
    assert_int_equal(near(w->c), 0); /* numbers of different embeddings are never compared */
    drain(w);
    assert_int_equal(embedded_by(w, "later-v2"), DOCUMENTS);
    assert_int_equal(near(w->c), 10);
    /* Nothing is left but the schedule, which comes back tomorrow. */
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'knowledge_embed'"), 1);
    assert_int_equal(one_number(w, "SELECT count(*) FROM job WHERE kind = 'knowledge_embed'"
                                   " AND unique_key = '@schedule' AND status = 'pending'"),
                     1);
    int64_t changed = one_number(w, "SELECT max(changed) FROM document");
    start_as(w, "later-v2");
    drain(w);
    assert_int_equal(one_number(w, "SELECT max(changed) FROM document"), changed);
}

/* A process that ended in the middle: what it did is kept, the next one does the rest. */
static void the_next_process_goes_on(void **state)
{
    struct world *w = *state;
    size_t done, left;
    import_some(w);
    start_as(w, "later-v2");
    assert_ok(search_reembed(w->c, 20, &done, &left));
    assert_true(done == 20 && left == DOCUMENTS - 20);
    int64_t first = one_number(w, "SELECT max(changed) FROM document");
    start_as(w, "later-v2");
    drain(w);
    assert_int_equal(embedded_by(w, "later-v2"), DOCUMENTS);
    /* Each once: as many changes as there were documents left. */
    assert_int_equal(one_number(w, "SELECT max(changed) FROM document"), first + DOCUMENTS - 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_knowledge, teardown_knowledge)
        T(a_start_embeds_anew_what_another_embedding_made),
        T(the_next_process_goes_on),
    };
    RUN_OVER_STORES("embedding anew", tests);
}
