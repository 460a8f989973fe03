/* Search over an org's documents, over every store: imports, citations, other processes, other
 * orgs. */
#include "conform/world.h"

#include <pthread.h>

#include "find/search.h"
#include "nlu/embed.h"

static const char REFUNDS[] =
    "---\ntitle: Refunds\n---\n\n# Refunds\n\nA refund is paid within five working days.\n\n"
    "## Partial refunds\n\nIf only a part of the order comes back, only that part is paid back. "
    "Shipping is refunded when we made the mistake.\n\n## Exceptions\n\nSealed print heads cannot "
    "be "
    "returned once they were opened.\n";
static const char SHIPPING[] =
    "# Shipping\n\nOrders leave the warehouse on the same day when they arrive before noon. "
    "Express parcels travel overnight.\n";

static struct search_config with_vectors(void)
{
    return (struct search_config){.embedder = {EMBED_NAME, EMBED_DIMENSIONS, embed_texts, NULL}};
}

static int setup(void **state, enum store_kind kind)
{
    if (kind == STORE_POSTGRES && !world_postgres()) {
        *state = NULL;
        return 0;
    }
    struct world *w = calloc(1, sizeof(*w));
    world_open(w, kind, find_migrations);
    struct search_config config = with_vectors();
    w->at.search = search_new(&config);
    *state = w;
    return 0;
}

static int setup_sqlite(void **state)
{
    return setup(state, STORE_SQLITE);
}

static int setup_postgres(void **state)
{
    return setup(state, STORE_POSTGRES);
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w) {
        search_free(&w->at.search);
        world_close(w);
        free(w);
    }
    return 0;
}

static struct world *world_of(void **state)
{
    if (!*state) {
        skip();
    }
    return *state;
}

static struct search_document import(struct ctx *c, const char *key, const char *text,
                                     enum search_import want)
{
    struct search_source source = {.namespace = STR("help"),
                                   .key = str_of(key),
                                   .media_type = STR("text/markdown"),
                                   .source_url = STR("https://example.com/help"),
                                   .bytes = str_of(text)};
    struct search_document document;
    enum search_import kind;
    assert_ok(search_import(c, &source, &kind, &document));
    assert_int_equal(kind, want);
    return document;
}

static struct search_result ask(struct ctx *c, const char *text)
{
    struct search_query q = {.text = str_of(text), .k = 3};
    struct search_result r;
    assert_ok(search_query(c, &q, &r));
    return r;
}

static void a_passage_comes_with_its_citation(void **state)
{
    struct world *w = world_of(state);
    struct search_document d = import(w->c, "refunds.md", REFUNDS, SEARCH_IMPORT_NEW);
    import(w->c, "shipping.md", SHIPPING, SEARCH_IMPORT_NEW);
    assert_true(str_eqz(d.title, "Refunds") && d.chunk_count >= 1 && d.bytes > 100);
    struct search_result r = ask(w->c, "do you refund the shipping of a part of my order?");
    assert_true(r.count >= 1);
    struct search_hit *h = &r.hits[0];
    assert_true(id_eq(&h->document, &d.id));
    assert_true(str_eqz(h->title, "Refunds") && str_eqz(h->namespace, "help"));
    assert_true(str_eqz(h->source_url, "https://example.com/help"));
    struct str text;
    assert_ok(search_text(w->c, &d.id, &text));
    assert_true(str_eq(str_sub(text, h->start, h->end - h->start), h->text));
    assert_true(str_eq(str_sub(text, h->quote_start, h->quote_end - h->quote_start), h->quote));
    assert_true(str_find(h->quote, STR("refunded")) >= 0 || str_find(h->quote, STR("part")) >= 0);
    assert_true(h->match > 0.2 && h->match <= 1);
    assert_int_equal(ask(w->c, "xylophone").count, 0);
}

static void an_import_replaces_its_key(void **state)
{
    struct world *w = world_of(state);
    struct search_document first = import(w->c, "a.md", REFUNDS, SEARCH_IMPORT_NEW);
    struct search_document again = import(w->c, "a.md", REFUNDS, SEARCH_IMPORT_UNCHANGED);
    assert_true(id_eq(&first.id, &again.id));
    assert_int_equal(ask(w->c, "sealed print heads").count > 0, 1);
    struct search_document third = import(w->c, "a.md", SHIPPING, SEARCH_IMPORT_REPLACED);
    assert_true(id_eq(&first.id, &third.id));
    assert_int_equal(ask(w->c, "sealed print heads").count, 0);
    assert_int_equal(ask(w->c, "express parcels overnight").count, 1);
    assert_ok(search_remove(w->c, &first.id));
    assert_int_equal(ask(w->c, "express parcels overnight").count, 0);
    assert_int_equal(search_remove(w->c, &first.id), E_NOT_FOUND);
    assert_int_equal(search_get(w->c, &first.id, &again), E_NOT_FOUND);
    import(w->c, "a.md", SHIPPING, SEARCH_IMPORT_NEW);
    assert_int_equal(ask(w->c, "express parcels overnight").count, 1);
}

static void orgs_and_namespaces_are_apart(void **state)
{
    struct world *w = world_of(state);
    struct ctx *other = world_ctx(w, &w->org_b);
    struct search_document d = import(w->c, "a.md", REFUNDS, SEARCH_IMPORT_NEW);
    assert_int_equal(ask(other, "refund").count, 0);
    struct search_document seen;
    struct str text;
    assert_int_equal(search_get(other, &d.id, &seen), E_NOT_FOUND);
    assert_int_equal(search_text(other, &d.id, &text), E_NOT_FOUND);
    assert_int_equal(search_remove(other, &d.id), E_NOT_FOUND);
    import(other, "a.md", SHIPPING, SEARCH_IMPORT_NEW);
    assert_int_equal(ask(other, "express parcels").count, 1);
    assert_int_equal(ask(w->c, "express parcels").count, 0);
    struct str names[] = {STR("internal")};
    struct search_query q = {.text = STR("refund"), .namespaces = names, .namespace_count = 1};
    struct search_result r;
    assert_ok(search_query(w->c, &q, &r));
    assert_int_equal(r.count, 0);
    ctx_free(&other);
}

static void another_process_s_imports_are_seen(void **state)
{
    struct world *w = world_of(state);
    import(w->c, "a.md", REFUNDS, SEARCH_IMPORT_NEW);
    assert_true(ask(w->c, "refund").count > 0);
    struct search_config config = with_vectors();
    struct facilities elsewhere = w->at;
    elsewhere.search = search_new(&config);
    struct ctx *c = ctx_new(&elsewhere, WORLD_ARENA_BYTES);
    c->org = w->org_a;
    assert_true(ask(c, "refund").count > 0);
    import(c, "b.md", SHIPPING, SEARCH_IMPORT_NEW);
    assert_int_equal(ask(w->c, "express parcels").count, 1);
    struct search_page page;
    assert_ok(search_list(c, STR("help"), NULL, 10, &page));
    assert_int_equal(page.count, 2);
    assert_ok(search_remove(c, &page.items[0].id));
    assert_int_equal(ask(w->c, "sealed print heads").count, 0);
    ctx_free(&c);
    search_free(&elsewhere.search);
}

static void lists_come_in_pages(void **state)
{
    struct world *w = world_of(state);
    for (int i = 0; i < 5; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        import(w->c, key, SHIPPING, SEARCH_IMPORT_NEW);
    }
    struct search_page page;
    assert_ok(search_list(w->c, STR(""), NULL, 2, &page));
    assert_true(page.count == 2 && page.more && str_eqz(page.items[1].key, "k1"));
    assert_ok(search_list(w->c, STR(""), &page.items[1].id, 10, &page));
    assert_true(page.count == 3 && !page.more && str_eqz(page.items[0].key, "k2"));
}

static void bad_documents_are_refused(void **state)
{
    struct world *w = world_of(state);
    static const struct {
        struct search_source source;
        enum err want;
        const char *field;
    } ROWS[] = {
        {{.namespace = {"No!", 3}, .bytes = {"x", 1}}, E_INVALID, "namespace"},
        {{.media_type = {"image/png", 9}, .bytes = {"x", 1}}, E_INVALID, "media_type"},
        {{.bytes = {"\xff\xfe", 2}}, E_INVALID, "bytes"},
        {{.bytes = {"   \n", 4}}, E_INVALID, "bytes"},
        {{.media_type = {"text/csv", 8}, .bytes = {"a,b\n\"x", 6}}, E_INVALID, "bytes"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
        struct search_document d;
        assert_int_equal(search_import(w->c, &ROWS[i].source, NULL, &d), ROWS[i].want);
        assert_string_equal(w->c->fault.field, ROWS[i].field);
        ctx_forgive(w->c);
    }
    struct search_query q = {.text = STR("  ")};
    struct search_result r;
    assert_int_equal(search_query(w->c, &q, &r), E_INVALID);
}

static void a_question_finds_its_answer(void **state)
{
    struct world *w = world_of(state);
    static const char *const FAQ[][2] = {
        {"How long does a refund take?", "Five working days."},
        {"How do I reset my password?", "Follow the link in the mail."},
        {"Can I change the delivery address?", "Until the parcel has left."},
    };
    for (size_t i = 0; i < 3; i++) {
        struct search_source s = {.namespace = STR("faq"),
                                  .key = str_of(FAQ[i][0]),
                                  .title = str_of(FAQ[i][0]),
                                  .bytes = str_of(FAQ[i][1])};
        assert_ok(search_import(w->c, &s, NULL, NULL));
    }
    struct search_result r;
    enum search_faq kind;
    assert_ok(search_faq(w->c, STR("faq"), STR("how long do refunds take"), SEARCH_FAQ_AUTO_MIN,
                         SEARCH_FAQ_LIST_MIN, &r, &kind));
    assert_int_equal(kind, SEARCH_FAQ_AUTO);
    assert_true(str_eqz(r.hits[0].text, "Five working days."));
    assert_ok(search_faq(w->c, STR("faq"), STR("change the address of delivery, please"),
                         SEARCH_FAQ_AUTO_MIN, SEARCH_FAQ_LIST_MIN, &r, &kind));
    assert_true(kind != SEARCH_FAQ_NONE && str_eqz(r.hits[0].text, "Until the parcel has left."));
    assert_ok(search_faq(w->c, STR("faq"), STR("what is the weather like"), SEARCH_FAQ_AUTO_MIN,
                         SEARCH_FAQ_LIST_MIN, &r, &kind));
    assert_int_equal(kind, SEARCH_FAQ_NONE);
    assert_int_equal(r.count, 0);
}

static void a_large_document_is_found_in_parts(void **state)
{
    struct world *w = world_of(state);
    struct buf b = buf_make(8 << 20);
    for (int i = 0; i < 30000; i++) {
        buf_addf(&b, "Paragraph %d speaks of shelf %d and of nothing else at all.\n\n", i, i * 7);
    }
    buf_addf(&b, "The last paragraph alone names the quokka.\n");
    struct search_source s = {.key = STR("large"), .bytes = buf_str(&b)};
    struct search_document d;
    assert_ok(search_import(w->c, &s, NULL, &d));
    assert_true(d.chunk_count > 500);
    struct ctx *c = ctx_new(&w->at, 2 << 20); /* a small task: only the passages may come */
    c->org = w->org_a;
    struct search_query q = {.text = STR("quokka"), .k = 5};
    struct search_result r;
    assert_ok(search_query(c, &q, &r));
    assert_int_equal(r.count, 1);
    assert_true(str_find(r.hits[0].quote, STR("quokka")) >= 0);
    ctx_free(&c);
    buf_free(&b);
}

static void another_embedder_takes_over(void **state)
{
    struct world *w = world_of(state);
    import(w->c, "a.md", REFUNDS, SEARCH_IMPORT_NEW);
    struct search_config config = with_vectors();
    config.embedder.name = "other-v1";
    struct facilities later = w->at;
    later.search = search_new(&config);
    struct ctx *c = ctx_new(&later, WORLD_ARENA_BYTES);
    c->org = w->org_a;
    struct search_query q = {.text = STR("refund"), .mode = SEARCH_VECTORS};
    struct search_result r;
    assert_ok(search_query(c, &q, &r));
    assert_int_equal(r.count, 0); /* vectors of different embedders are never compared */
    size_t done, left;
    assert_ok(search_reembed(c, 10, &done, &left));
    assert_true(done == 1 && left == 0);
    assert_ok(search_query(c, &q, &r));
    assert_true(r.count > 0 && str_eqz(r.hits[0].title, "Refunds"));
    assert_ok(search_reembed(c, 10, &done, &left));
    assert_true(done == 0 && left == 0);
    import(c, "a.md", REFUNDS, SEARCH_IMPORT_UNCHANGED);
    ctx_free(&c);
    search_free(&later.search);
}

static void memory_stays_within_its_bound(void **state)
{
    struct world *w = world_of(state);
    struct search_config config = with_vectors();
    config.memory_max_bytes = 200000;
    search_free(&w->at.search);
    w->at.search = search_new(&config);
    for (int i = 0; i < 12; i++) {
        char namespace[16];
        snprintf(namespace, sizeof(namespace), "n%d", i);
        struct str name = str_of(namespace);
        struct search_source s = {.namespace = name, .key = STR("k"), .bytes = str_of(SHIPPING)};
        assert_ok(search_import(w->c, &s, NULL, NULL));
        struct search_query q = {
            .text = STR("express parcels"), .namespaces = &name, .namespace_count = 1};
        struct search_result r;
        assert_ok(search_query(w->c, &q, &r));
        assert_int_equal(r.count, 1);
    }
    assert_int_equal(ask(w->c, "express parcels").count, 3);
    search_forget(w->at.search, &w->org_a);
    assert_int_equal(ask(w->c, "express parcels").count, 3);
}

struct asker {
    struct world *w;
    int found;
};

static void *ask_often(void *arg)
{
    struct asker *a = arg;
    struct ctx *c = world_ctx(a->w, &a->w->org_a);
    for (int i = 0; i < 20; i++) {
        a->found += ask(c, "express parcels overnight").count > 0;
    }
    ctx_free(&c);
    return NULL;
}

static void many_ask_while_one_imports(void **state)
{
    struct world *w = world_of(state);
    import(w->c, "a.md", SHIPPING, SEARCH_IMPORT_NEW);
    struct asker askers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        askers[i] = (struct asker){w, 0};
        pthread_create(&threads[i], NULL, ask_often, &askers[i]);
    }
    for (int i = 0; i < 10; i++) {
        import(w->c, "b.md", i % 2 ? SHIPPING : REFUNDS,
               i ? SEARCH_IMPORT_REPLACED : SEARCH_IMPORT_NEW);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].found, 20);
    }
}

int main(void)
{
#define T(name, kind)                                                                              \
    {                                                                                              \
#name " over " #kind, name, setup_##kind, teardown, NULL                                   \
    }
#define BOTH(name) T(name, sqlite), T(name, postgres)
    static const struct CMUnitTest tests[] = {
        BOTH(a_passage_comes_with_its_citation),
        BOTH(an_import_replaces_its_key),
        BOTH(orgs_and_namespaces_are_apart),
        BOTH(another_process_s_imports_are_seen),
        BOTH(lists_come_in_pages),
        BOTH(bad_documents_are_refused),
        BOTH(a_question_finds_its_answer),
        BOTH(a_large_document_is_found_in_parts),
        BOTH(another_embedder_takes_over),
        BOTH(memory_stays_within_its_bound),
        BOTH(many_ask_while_one_imports),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
