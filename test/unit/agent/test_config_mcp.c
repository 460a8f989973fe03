/* Servers of tools in a configuration: what is refused and where, which tools are allowed, and what
 * becomes of those that a version pinned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/config.h"

/* Its last line is the fifth. */
#define CHAT                                                                                       \
    "product_type: chatbot\nsystem_prompt: Help.\ntools: []\nescalation_rules: []\n"               \
    "external_integrations: []\n"

static int setup(void **state)
{
    *state = arena_new(64 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *a = *state;
    arena_free(&a);
    return 0;
}

static const struct config_fault *first_error(const struct config_faults *f)
{
    for (int i = 0; i < f->count; i++) {
        if (!f->items[i].warning) {
            return &f->items[i];
        }
    }
    return NULL;
}

static void faults_name_their_place(void **state)
{
    static const struct {
        const char *reason, *yaml, *path; /* NULL: fine */
        int line;
    } rows[] = {
        {"over HTTP", "mcp_servers:\n  - {name: s, url: 'https://x.example/mcp', allow: [a]}\n",
         NULL, 0},
        {"a program", "mcp_servers:\n  - {name: s, command: files, allow: ['get_*']}\n", NULL, 0},
        {"both", "mcp_servers:\n  - {name: s, url: 'https://x', command: files, allow: [a]}\n",
         "mcp_servers[0]", 7},
        {"neither", "mcp_servers:\n  - {name: s, allow: [a]}\n", "mcp_servers[0]", 7},
        {"arguments for a program: not the configuration's to give",
         "mcp_servers:\n  - {name: s, command: files, argv: [x], allow: [a]}\n",
         "mcp_servers[0].argv", 7},
        {"another scheme", "mcp_servers:\n  - name: s\n    allow: [a]\n    url: 'file:///x'\n",
         "mcp_servers[0].url", 9},
        {"nothing allowed", "mcp_servers:\n  - {name: s, url: 'https://x'}\n",
         "mcp_servers[0].allow", 7},
        {"an empty list", "mcp_servers:\n  - {name: s, url: 'https://x', allow: []}\n",
         "mcp_servers[0].allow", 7},
        {"a tool that is no text",
         "mcp_servers:\n  - name: s\n    url: 'https://x'\n    allow:\n      - [a]\n",
         "mcp_servers[0].allow", 10},
        {"a name that is not snake_case",
         "mcp_servers:\n  - {name: My-Server, url: 'https://x', allow: [a]}\n",
         "mcp_servers[0].name", 7},
        {"a name with the separator in it",
         "mcp_servers:\n  - {name: a__b, url: 'https://x', allow: [a]}\n", "mcp_servers[0].name",
         7},
        {"two of a name",
         "mcp_servers:\n  - {name: s, url: 'https://x', allow: [a]}\n"
         "  - {name: s, url: 'https://y', allow: [a]}\n",
         "mcp_servers[1]", 8},
        {"approval of what is not allowed",
         "mcp_servers:\n  - name: s\n    url: 'https://x'\n    allow: [a]\n    approve:\n"
         "      b: never\n",
         "mcp_servers[0].approve.b", 11},
        {"a question that is no template",
         "mcp_servers:\n  - name: s\n    url: 'https://x'\n    allow: [a]\n    approve:\n"
         "      a: 'Shall I {{#x}}?'\n",
         "mcp_servers[0].approve.a", 11},
        {"a time out of range",
         "mcp_servers:\n  - {name: s, url: 'https://x', allow: [a], timeout_s: 900}\n",
         "mcp_servers[0].timeout_s", 7},
        {"no list", "mcp_servers: {name: s}\n", "mcp_servers", 6},
        {"no map", "mcp_servers: [s]\n", "mcp_servers[0]", 6},
        {"an intent may lead to a tool that is not known yet",
         "mcp_servers:\n  - {name: s, url: 'https://x', allow: [a]}\n"
         "intents:\n  - {name: i, examples: [x], tool: s__a}\n",
         NULL, 0},
        {"but not to one of no server",
         "mcp_servers:\n  - {name: s, url: 'https://x', allow: [a]}\n"
         "intents:\n  - {name: i, examples: [x], tool: t__a}\n",
         "intents[0].tool", 9},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct config_faults faults;
        struct config *cfg = NULL;
        struct str yaml = str_fmt(a, CHAT "%s", rows[i].yaml);
        enum err e = config_parse(a, yaml, &faults, &cfg);
        const struct config_fault *first = first_error(&faults);
        bool fine = rows[i].path ? e == E_INVALID && first && str_eqz(first->path, rows[i].path) &&
                                       first->line == rows[i].line
                                 : e == E_OK;
        if (!fine) {
            fail_msg("%s: %s at %.*s, line %d: %.*s", rows[i].reason, err_name(e),
                     STR_ARG(first ? first->path : STR("-")), first ? first->line : 0,
                     STR_ARG(first ? first->text : STR("-")));
        }
        config_free(&cfg);
    }
}

#define SERVER                                                                                     \
    CHAT "mcp_servers:\n  - name: s\n    url: 'https://x'\n    allow: [\"*\"]\n"                   \
         "    approve: {pay: 'Pay {{amount}}?', look_close: always, move: never}\n"                \
         "    answer: {look: 'It is {{result}}.'}\n"

static struct config *parsed(struct arena *a, const char *yaml)
{
    struct config_faults faults;
    struct config *cfg = NULL;
    assert_int_equal(config_parse(a, str_of(yaml), &faults, &cfg), E_OK);
    return cfg;
}

static enum err pin(struct arena *a, struct config *cfg, const char *tools,
                    struct config_faults *out_faults)
{
    const struct json *pins = NULL;
    struct json_fault fault;
    struct str text = str_fmt(a, "[{\"server\":\"s\",\"tools\":[%s]}]", tools);
    assert_int_equal(json_parse(a, text, &pins, &fault), E_OK);
    *out_faults = (struct config_faults){0};
    return config_pin(a, cfg, pins, out_faults);
}

#define TOOL(name, more)                                                                           \
    "{\"name\":\"" name "\",\"description\":\"for models\",\"sha256\":\"h\",\"inputSchema\":{"     \
    "\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"integer\"}}}" more "}"
#define READS ",\"annotations\":{\"readOnlyHint\":true}"
#define SAME  ",\"annotations\":{\"idempotentHint\":true}"

static void pinned_tools_are_offered(void **state)
{
    static const struct {
        const char *name, *confirm;
        bool unasked, side_effects, repeatable;
    } rows[] = {
        {"s__look", "", true, false, true},
        {"s__look_close",
         "Shall I go ahead with look close?{{#amount}} (amount: {{amount}})"
         "{{/amount}}",
         false, false, true},
        {"s__pay", "Pay {{amount}}?", false, true, false},
        {"s__move", "", true, true, true},
        {"s__admin_users-del",
         "Shall I go ahead with admin.users-del?{{#amount}} (amount: "
         "{{amount}}){{/amount}}",
         false, true, false},
    };
    struct arena *a = *state;
    struct config *cfg = parsed(a, SERVER);
    struct config_faults faults;
    assert_int_equal(pin(a, cfg,
                         TOOL("look", READS) "," TOOL("look_close", READS) "," TOOL(
                             "pay", "") "," TOOL("move", SAME) "," TOOL("admin.users-del", ""),
                         &faults),
                     E_OK);
    assert_int_equal(cfg->tool_count, 5);
    for (int i = 0; i < 5; i++) {
        const struct config_tool *t = &cfg->tools[i];
        bool fine = str_eqz(t->name, rows[i].name) && str_eqz(t->confirm, rows[i].confirm) &&
                    t->unasked == rows[i].unasked && t->side_effects == rows[i].side_effects &&
                    t->repeatable == rows[i].repeatable && t->run == CONFIG_RUN_MCP &&
                    t->mcp == &cfg->mcp[0] && t->parameters_schema;
        if (!fine) {
            fail_msg("%.*s: \"%.*s\" %d %d %d", STR_ARG(t->name), STR_ARG(t->confirm), t->unasked,
                     t->side_effects, t->repeatable);
        }
    }
    assert_true(str_eqz(cfg->tools[0].answer, "It is {{result}}."));
    assert_ptr_equal(config_tool_find(cfg, STR("s__pay")), &cfg->tools[2]);
    config_free(&cfg);
}

static void what_cannot_be_pinned(void **state)
{
    static const struct {
        const char *reason, *tools;
        enum err err;
        int warnings;
    } rows[] = {
        {"a format that is not known here: the server checks it",
         "{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
         "\"string\",\"format\":\"duration\"}}}}",
         E_OK, 0},
        {"a keyword that is not known here",
         "{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"nonsense\":1}}", E_OK, 1},
        {"two names that become one", TOOL("a.b", "") "," TOOL("a_b", ""), E_INVALID, 0},
        {"a name that is too long for models",
         TOOL("a123456789a123456789a123456789a123456789a123456789a1234567890123", ""), E_INVALID,
         0},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct config *cfg = parsed(a, SERVER);
        struct config_faults faults;
        enum err e = pin(a, cfg, rows[i].tools, &faults);
        if (e != rows[i].err || faults.count - faults.errors != rows[i].warnings) {
            fail_msg("%s: %s, %d faults", rows[i].reason, err_name(e), faults.count);
        }
        assert_true(e == E_OK || faults.items[0].line == 7);
        config_free(&cfg);
    }
}

static void an_intent_needs_its_tool(void **state)
{
    struct arena *a = *state;
    struct config_faults faults;
    struct config *cfg = parsed(a, SERVER "intents:\n  - {name: i, examples: [x], tool: s__a}\n");
    assert_int_equal(pin(a, cfg, TOOL("b", ""), &faults), E_INVALID);
    assert_true(str_eqz(faults.items[0].path, "intents[0].tool"));
    assert_int_equal(faults.items[0].line, 13);
    config_free(&cfg);
    cfg = parsed(a, SERVER "intents:\n  - {name: i, examples: [x], tool: s__a}\n");
    assert_int_equal(pin(a, cfg, TOOL("a", ""), &faults), E_OK);
    config_free(&cfg);
}

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool allowed;
    } rows[] = {
        {"get", "get", true},       {"get", "get_all", false},  {"get_*", "get_all", true},
        {"get_*", "get_", true},    {"*", "anything", true},    {"*_all", "get_all", true},
        {"*_all", "get_al", false}, {"g*t*l", "get_all", true}, {"g*t*x", "get_all", false},
        {"Get", "get", false},      {"**", "a", true},          {"*a*a*a*b", "aaaaaaaa", false},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct config *cfg = parsed(a, SERVER);
        struct config_mcp m = cfg->mcp[0];
        m.allow = json_push(a, &json_empty_array, json_new_str(a, str_of(rows[i].pattern)));
        if (config_mcp_allows(&m, str_of(rows[i].name)) != rows[i].allowed) {
            fail_msg("%s and %s", rows[i].pattern, rows[i].name);
        }
        config_free(&cfg);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_their_place),
        cmocka_unit_test(pinned_tools_are_offered),
        cmocka_unit_test(what_cannot_be_pinned),
        cmocka_unit_test(an_intent_needs_its_tool),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
