/* A small workspace of two orgs, loaded into a real installation; then the same with one thing
 * wrong at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/conversation.h"
#include "agent/record.h"
#include "agent/registry.h"
#include "codec/date.h"
#include "find/search.h"
#include "host/lifecycle.h"
#include "host/org.h"
#include "main/demo.h"
#include "main/serve.h"
#include "main/services.h"
#include "store/vault.h"
#include "svc/account/account_name.h"
#include "svc/identity/member.h"

enum { PATH_BYTES = 400 };

struct piece {
    const char *path, *text;
};

static const struct piece pieces[] = {
    {"ops/org.yaml", "id: 01a1e1a7-4c00-7a00-8000-000000000009\nname: Ops\nslug: ops\n"
                     "kind: operator\nanchor_date: 2026-11-16\nmember_password: long-enough\n"
                     "members:\n  - {name: Olive, email: olive@ops.example, "
                     "roles: [platform_admin]}\n"},
    {"shop/org.yaml",
     "id: 01a1e1a7-4c00-7b00-8000-000000000009\nname: Shop\nslug: shop\n"
     "kind: client\ncurrency: EUR\nanchor_date: 2026-11-16\n"
     "demo_visitor: ann@buyer.example\nmember_password: long-enough\n"
     "members:\n  - {name: Tom, email: tom@shop.example, roles: [admin, support]}\n"},
    {"shop/kinds.yaml",
     "kinds:\n  - name: order\n    title: Order\n    plural: Orders\n    key: number\n"
     "    owner: {contact: contact}\n    fields:\n      type: object\n"
     "      required: [number, contact]\n      properties:\n        number: {type: string}\n"
     "        contact: {type: string, x-ref: contact}\n        placed_at: {type: integer}\n"},
    {"shop/records/accounts.json", "[{\"slug\": \"hafen\", \"name\": \"Hafenkontor GmbH\"}]\n"},
    {"shop/records/contacts.json",
     "[\n  {\"email\": \"ann@buyer.example\", \"name\": \"Ann\", \"first_name\": \"Ann\",\n"
     "   \"identities\": [{\"channel\": \"whatsapp\", \"external_id\": \"+49301\"}]}\n]\n"},
    {"shop/records/orders.json",
     "[\n  {\"number\": \"A-1\", \"contact\": \"ann@buyer.example\",\n"
     "   \"placed_at\": \"2026-11-13T10:00:00Z\"},\n"
     "  {\"number\": \"A-2\", \"contact\": \"ann@buyer.example\"}\n]\n"},
    {"shop/agents/helper.yaml",
     "schema_version: \"1.0\"\norganization_id: 01a1e1a7-4c00-7b00-8000-000000000009\n"
     "config_id: 01a1e1a7-4c00-7b01-8000-000000000009\nproduct_type: chatbot\nname: Helper\n"
     "slug: helper\ngreeting: Hello\nsystem_prompt: You help.\n"
     "channels: [webchat]\nexternal_integrations: []\nescalation_rules: []\ntools: []\n"
     "unavailable_action: queue_callback\nllm_config: {preference: cheap}\n"},
    {"shop/knowledge/returns.md",
     "---\ntitle: Send something back\nslug: returns\ncategory: Orders\ntags: [returns]\n"
     "updated: 2026-10-01\n---\n\nYou have 30 days. From {{date:2026-11-16}} on it is free.\n"},
    {"shop/conversations/01-return.json",
     "{\"key\": \"01-return\", \"agent\": \"helper\", \"contact\": \"ann@buyer.example\",\n"
     " \"channel\": \"webchat\", \"status\": \"human\", \"owner\": \"human\",\n"
     " \"assignee\": \"tom@shop.example\", \"started_at\": \"2026-11-14T10:00:00Z\",\n"
     " \"sentiment\": 0.25, \"messages\": [\n"
     "  {\"role\": \"contact\", \"text\": \"Back with it?\", \"at\": \"2026-11-14T10:00:00Z\",\n"
     "   \"intent\": \"return\"},\n"
     "  {\"role\": \"ai\", \"text\": \"You have time. [1]\", \"at\": \"2026-11-14T10:00:04Z\",\n"
     "   \"citations\": [{\"n\": 1, \"article\": \"returns\", \"quote\": \"You have 30 "
     "days.\"}]},\n"
     "  {\"role\": \"note\", \"author\": \"tom@shop.example\", \"text\": \"Mine.\",\n"
     "   \"at\": \"2026-11-14T10:01:00Z\"},\n"
     "  {\"role\": \"contact\", \"text\": \"Hello?\", \"at\": \"2026-11-14T10:02:00Z\"}]}\n"},
};
enum { PIECE_COUNT = sizeof(pieces) / sizeof(*pieces) };

struct world {
    char folder[PATH_BYTES];
    char samples[PATH_BYTES + 20];
    struct clock *clock;
    struct lifecycle *l;
    struct ctx *c;
};

static void write_piece(const struct world *w, const char *path, const char *text)
{
    char full[PATH_BYTES * 2];
    snprintf(full, sizeof(full), "%s/%s", w->samples, path);
    for (char *p = full + strlen(w->samples) + 1; *p; p++) {
        if (*p == '/') {
            *p = 0;
            mkdir(full, 0700);
            *p = '/';
        }
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void open_world(struct world *w)
{
    struct facilities at = {.clock = w->clock};
    struct ctx *c = ctx_new(&at, 64 << 20);
    char data[PATH_BYTES + 20];
    snprintf(data, sizeof(data), "%s/data", w->folder);
    struct lifecycle_config config = {.services = all_services, .log_fd = 2, .clock = w->clock};
    assert_int_equal(settings_read(c, str_of(data), &config.settings), E_OK);
    config.settings.test_clock = true;
    config.settings.log_level = STR("error");
    if (lifecycle_open(c, &config, &w->l) != E_OK) {
        fail_msg("%s", c->fault.text);
    }
    ctx_free(&c);
    w->c = lifecycle_ctx(w->l);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    int64_t now;
    snprintf(w->folder, sizeof(w->folder), "/tmp/rapport-demo-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->samples, sizeof(w->samples), "%s/samples", w->folder);
    mkdir(w->samples, 0700);
    for (int i = 0; i < PIECE_COUNT; i++) {
        write_piece(w, pieces[i].path, pieces[i].text);
    }
    w->clock = clock_new();
    assert_true(date_parse(STR("2026-11-26T15:00:00Z"), &now)); /* ten days after the anchor */
    clock_set_ms(w->clock, now);
    open_world(w);
    *state = w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    char command[PATH_BYTES + 20];
    ctx_free(&w->c);
    lifecycle_close(&w->l, 0);
    clock_free(&w->clock);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void import(struct world *w)
{
    if (demo_import(w->c, w->samples) != E_OK) {
        fail_msg("%s (line %d)", w->c->fault.text, w->c->fault.line);
    }
}

static struct store *enter_shop(struct world *w, struct org *out_org)
{
    struct store *s;
    struct org_visit before;
    assert_int_equal(org_by_slug(w->c, STR("shop"), out_org), E_OK);
    org_enter(w->c, &out_org->id, &before);
    assert_int_equal(store_of(w->c, &s), E_OK);
    return s;
}

static int64_t at(const char *text)
{
    int64_t ms;
    assert_true(date_parse(str_of(text), &ms));
    return ms;
}

static void check_records(struct ctx *c, struct store *s)
{
    struct record r, contact;
    assert_int_equal(record_by_key(c, s, STR("order"), STR("A-1"), &r), E_OK);
    assert_int_equal(json_int(r.data, "placed_at", 0), at("2026-11-23T10:00:00Z"));
    assert_true(str_eqz(r.contact, "ann@buyer.example")); /* the owner, from kinds.yaml */
    assert_int_equal(record_by_key(c, s, STR("contact"), r.contact, &contact), E_OK);
    struct record same;
    assert_int_equal(record_contact_of(c, s, STR("whatsapp"), STR("+49301"), STR(""), &same), E_OK);
    assert_true(id_eq(&same.id, &contact.id));
    const struct json *match; /* at once: no consumer has run here */
    assert_int_equal(account_match(c, s, STR("Prepare a brief for Hafenkontor"), STR(""), &match),
                     E_OK);
    assert_int_equal(json_count(json_get(match, "items")), 1);
}

static void check_article(struct ctx *c, struct id *out_id)
{
    struct search_page page;
    struct str text;
    assert_int_equal(search_list(c, STR("help"), NULL, 10, &page), E_OK);
    assert_int_equal(page.count, 1);
    assert_true(str_eqz(page.items[0].key, "returns"));
    assert_true(str_eqz(page.items[0].title, "Send something back"));
    assert_int_equal(search_text(c, &page.items[0].id, &text), E_OK);
    assert_true(str_find(text, STR("From 26 November 2026 on it is free.")) >= 0);
    assert_true(str_find(text, STR("category")) < 0); /* the front matter is no text */
    *out_id = page.items[0].id;
}

static void check_conversation(struct ctx *c, struct store *s, const struct id *article)
{
    struct conversation_filter all = {.limit = 10};
    struct conversations found;
    struct messages m;
    struct member tom;
    assert_int_equal(conversation_list(c, s, &all, &found), E_OK);
    assert_int_equal(found.count, 1);
    const struct conversation *v = &found.items[0];
    assert_int_equal(member_by_email(c, STR("tom@shop.example"), &tom), E_OK);
    assert_true(str_eqz(v->status, "human") && str_eqz(v->owner, "human"));
    assert_true(id_eq(&v->assignee, &tom.id));
    assert_int_equal(v->created_at_ms, at("2026-11-24T10:00:00Z"));
    assert_int_equal(v->agent_version, 1);
    assert_int_equal(v->contact_seq, 4);
    assert_int_equal(v->answered_seq, 1); /* "Hello?" still waits for Tom */
    struct message_range range = {.conversation = v->id, .limit = 10};
    assert_int_equal(conversation_messages(c, s, &range, &m), E_OK);
    assert_int_equal(m.count, 4);
    assert_true(id_eq(&m.items[2].author, &tom.id));
    const struct json *citation = json_at(m.items[1].citations, 0);
    assert_true(str_eq(json_str(citation, "document_id", STR("")), id_str(article)));
    assert_int_equal(json_int(citation, "end", 0) - json_int(citation, "start", 0), 17);
    assert_true(str_eqz(json_str(m.items[1].meta, "intent", STR("")), "return"));
}

static void test_loads(void **state)
{
    struct world *w = *state;
    struct org shop;
    struct id article;
    struct str secret;
    struct agent_row agent;
    import(w);
    struct store *s = enter_shop(w, &shop);
    assert_string_equal(shop.id.text, "01a1e1a7-4c00-7b00-8000-000000000009");
    assert_true(str_eqz(json_str(shop.settings, "currency", STR("")), "EUR"));
    check_records(w->c, s);
    check_article(w->c, &article);
    check_conversation(w->c, s, &article);
    assert_int_equal(registry_by_slug(w->c, STR("helper"), &agent), E_OK);
    assert_string_equal(agent.id.text, "01a1e1a7-4c00-7b01-8000-000000000009");
    assert_int_equal(vault_get(w->c, s, STR("chat_identity"), &secret), E_OK);
    assert_int_equal(secret.n, 64);
}

static void test_shows(void **state)
{
    struct world *w = *state;
    struct org ops;
    import(w);
    assert_int_equal(org_by_slug(w->c, STR("ops"), &ops), E_OK);
    assert_true(str_eqz(ops.kind, "operator"));
    assert_null(json_get(ops.settings, "demo_importing"));
    const struct json *demo = json_get(ops.settings, "demo");
    struct str text = json_write(w->c->arena, demo);
    assert_true(str_eqz(text, "{\"org\":{\"name\":\"Shop\",\"slug\":\"shop\",\"agent\":\"helper\"},"
                              "\"sign_ins\":[{\"name\":\"Tom\",\"email\":\"tom@shop.example\","
                              "\"password\":\"long-enough\",\"role\":\"admin\"}],"
                              "\"visitor\":{\"name\":\"Ann\",\"email\":\"ann@buyer.example\"}}"));
}

/* As after an interrupted first start: what is there is kept, what is missing is added. */
static void test_loads_again(void **state)
{
    struct world *w = *state;
    struct org shop;
    struct id article;
    import(w);
    import(w);
    struct store *s = enter_shop(w, &shop);
    check_records(w->c, s);
    check_article(w->c, &article);
    check_conversation(w->c, s, &article);
    const struct member *members;
    int count;
    assert_int_equal(member_list(w->c, STR(""), 10, &members, &count), E_OK);
    assert_int_equal(count, 1);
}

static void test_prepares(void **state)
{
    struct world *w = *state;
    const struct org *orgs;
    int count;
    assert_int_equal(serve_prepare(w->c, NULL), E_OK); /* no demo: the operator alone */
    assert_int_equal(org_list(w->c, STR(""), 10, &orgs, &count), E_OK);
    assert_int_equal(count, 1);
    assert_true(str_eqz(orgs[0].kind, "operator"));
    assert_int_equal(serve_prepare(w->c, w->samples), E_OK); /* not into a used installation */
    assert_int_equal(org_list(w->c, STR(""), 10, &orgs, &count), E_OK);
    assert_int_equal(count, 1);
}

struct wrong {
    const char *path, *text;
    const char *says; /* in the fault's text, beside the path */
    int line;         /* 0: any */
    const char *why;
};

static const struct wrong wrongs[] = {
    {"shop/org.yaml", "name: Shop\nslug: shop\nanchor_date: 2026-11-16\n", "id must be a UUID", 0,
     "no id"},
    {"shop/org.yaml",
     "id: 01a1e1a7-4c00-7b00-8000-000000000009\nname: S\nslug: s\n"
     "anchor_date: soon\n",
     "anchor_date", 0, "no date"},
    {"shop/org.yaml", "id: [\n", "org.yaml", 2, "no YAML"},
    {"shop/org.yaml",
     "id: 01a1e1a7-4c00-7b00-8000-000000000009\nname: S\nslug: shop\n"
     "anchor_date: 2026-11-16\nmember_password: long-enough\nmembers:\n"
     "  - {name: Tom, email: tom@shop.example, roles: [wizard]}\n",
     "no role \"wizard\"", 7, "an unknown role names its line"},
    {"shop/kinds.yaml", "kinds:\n  - name: order\n    title: Order\n", "key", 2, "a kind without"},
    {"shop/records/orders.json",
     "[\n  {\"number\": \"A-1\", \"contact\": \"ann@buyer.example\"},\n"
     "  {\"number\": 7, \"contact\": \"ann@buyer.example\"}\n]\n",
     "number", 3, "the second record breaks the schema"},
    {"shop/records/orders.json",
     "[\n  {\"number\": \"A-1\", \"contact\": \"bob@buyer.example\"}\n]\n",
     "no contact bob@buyer.example", 2, "a reference to nobody"},
    {"shop/records/orders.json", "{}", "array", 0, "no array"},
    {"shop/records/wishes.json", "[{}]", "wish", 0, "a file of an unknown kind"},
    {"shop/agents/helper.yaml", "product_type: chatbot\nname: Helper\nslug: helper\nfoo: 1\n",
     "helper.yaml", 4, "an agent that is not valid"},
    {"shop/conversations/01-return.json", "{\"key\": \"x\", \"agent\": \"nobody\"}", "nobody", 0,
     "an unknown agent"},
    {"shop/conversations/01-return.json",
     "{\"key\": \"x\", \"agent\": \"helper\", \"contact\": \"ann@buyer.example\","
     "\"started_at\": \"2026-11-14T10:00:00Z\", \"messages\": ["
     "{\"role\": \"ai\", \"text\": \"a [1]\", \"at\": \"2026-11-14T10:00:00Z\","
     "\"citations\": [{\"n\": 1, \"article\": \"returns\", \"quote\": \"You have 3 days.\"}]}]}",
     "does not hold the quote", 0, "a quote that is nowhere"},
    {"shop/conversations/01-return.json",
     "{\"key\": \"x\", \"agent\": \"helper\", \"contact\": \"ann@buyer.example\","
     "\"started_at\": \"2026-11-14T10:00:00Z\", \"messages\": ["
     "{\"role\": \"ai\", \"text\": \"a\", \"at\": \"2026-11-14T10:00:00Z\"},"
     "{\"role\": \"ai\", \"text\": \"b\", \"at\": \"2026-11-14T10:00:00Z\"}]}",
     "message 2: not later", 0, "two messages at one time"},
    {"shop/conversations/01-return.json", "{\"key\": ", "01-return.json", 1, "no JSON"},
};

static void test_names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        const struct wrong *row = &wrongs[i];
        void *fresh = NULL;
        make_world(&fresh);
        struct world *w = fresh;
        write_piece(w, row->path, row->text);
        enum err e = demo_import(w->c, w->samples);
        const struct fault *f = &w->c->fault;
        const char *file = strrchr(row->path, '/') + 1;
        if (e == E_OK || !strstr(f->text, row->says) || !strstr(f->text, file) ||
            (row->line && f->line != row->line)) {
            fail_msg("%s: %d \"%s\" line %d", row->why, (int)e, f->text, f->line);
        }
        free_world(&fresh);
    }
}

static void test_run_file(void **state)
{
    struct world *w = *state;
    struct serve_run run = {STR("http://127.0.0.1:1"), STR("s"), STR("ops"), getpid()}, read;
    struct stat st;
    char path[PATH_BYTES + 20];
    struct str folder = str_of(w->folder);
    snprintf(path, sizeof(path), "%s/run.json", w->folder);
    assert_false(serve_read_run(w->c, folder, &read));
    assert_int_equal(serve_write_run(w->c, folder, &run), E_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* it holds a secret */
    assert_true(serve_read_run(w->c, folder, &read));
    assert_true(str_eq(read.url, run.url) && str_eq(read.secret, run.secret));
    run.pid = 0x3fffffff; /* nobody: the server was killed */
    assert_int_equal(serve_write_run(w->c, folder, &run), E_OK);
    assert_false(serve_read_run(w->c, folder, &read));
    serve_remove_run(w->c, folder);
    assert_int_not_equal(stat(path, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loads, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_shows, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_loads_again, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_prepares, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_run_file, make_world, free_world),
        cmocka_unit_test(test_names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
