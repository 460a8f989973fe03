/* The configuration of agents: what is refused, and that every fault names its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/config.h"

#define CHAT                                                                                       \
    "product_type: chatbot\nsystem_prompt: Help.\ntools: []\nescalation_rules: []\n"               \
    "external_integrations: []\n"

struct row {
    const char *reason;
    const char *yaml;
    const char *path; /* of the first error; NULL: valid */
    int line;         /* 0: not compared */
};

static const struct row rows[] = {
    {"the smallest chatbot", CHAT, NULL, 0},
    {"domain 004 section 14: a chatbot",
     "schema_version: \"1.0\"\n"
     "organization_id: 11111111-1111-4111-8111-111111111111\n"
     "config_id: 22222222-2222-4222-8222-222222222222\n"
     "product_type: chatbot\n"
     "system_prompt: Help shop customers with orders and returns.\n"
     "channels: [webchat, whatsapp]\n"
     "tools:\n"
     "  - {name: order_status, description: Look up one order, parameters: {order_id: string}, "
     "status: implemented}\n"
     "external_integrations:\n"
     "  - {type: zendesk, credentials_ref: zendesk_main, enabled: true}\n"
     "escalation_rules:\n"
     "  - {condition: \"user_requests_human == true\", action: immediate_handoff}\n"
     "  - {condition: \"ai_confidence < 0.6\", action: suggest_handoff, skills: [returns]}\n"
     "unavailable_action: queue_callback\n"
     "llm_config: {preference: balanced, temperature: 0.4, max_tokens: 400}\n",
     NULL, 0},
    {"domain 004 section 14: a voicebot",
     "product_type: voicebot\n"
     "system_prompt: {role: clinic scheduler, instructions: Book appointments., tone: calm}\n"
     "tools:\n  - {name: find_slot, description: Free slots, parameters: {day: string}}\n"
     "escalation_rules:\n  - {trigger: emergency_keywords, action: human_transfer, priority: "
     "urgent}\n"
     "voice_parameters: {stt_provider: deepgram, tts_provider: elevenlabs, voice_id: clara, "
     "input_min_characters: 10, max_tokens: 150, model_settings: {speed: 1.0}}\n"
     "stop_speaking_plan: {number_of_words: 3, voice_seconds: 0.5, back_off_seconds: 2}\n",
     NULL, 0},
    {"rounds past their most", CHAT "llm_config: {tool_rounds: 25}\n", "llm_config.tool_rounds", 6},
    {"a guardrail nobody knows", CHAT "guardrails: {facts: loose}\n", "guardrails.facts", 6},
    {"a confirmation that is no text",
     "product_type: chatbot\nsystem_prompt: x\ntools:\n  - {name: a, description: d, confirm: "
     "true}\n"
     "escalation_rules: []\nexternal_integrations: []\n",
     "tools[0].confirm", 4},
    {"not YAML", "a: [1,\n", "", 0},
    {"a key twice", CHAT "system_prompt: again\n", "", 6},
    {"anchors are bombs", "a: &x [1]\nb: *x\n", "", 1},
    {"an unknown key", CHAT "colour: red\n", "colour", 6},
    {"a rule that is a list",
     "product_type: chatbot\nsystem_prompt: x\ntools: []\nescalation_rules:\n  - [now]\n"
     "external_integrations: []\n",
     "escalation_rules[0]", 5},
    {"a chatbot without integrations",
     "product_type: chatbot\nsystem_prompt: x\ntools: []\nescalation_rules: []\n",
     "external_integrations", 0},
    {"a voicebot with integrations",
     "product_type: voicebot\nsystem_prompt: x\ntools: []\nescalation_rules: []\n"
     "external_integrations: []\nvoice_parameters: {}\n",
     "external_integrations", 5},
    {"an unknown product",
     "product_type: robot\nsystem_prompt: x\ntools: []\nescalation_rules: []\n"
     "external_integrations: []\n",
     "product_type", 1},
    {"a tool name that is not snake_case",
     "product_type: chatbot\nsystem_prompt: x\ntools:\n  - name: OrderStatus\n    description: d\n"
     "escalation_rules: []\nexternal_integrations: []\n",
     "tools[0].name", 4},
    {"two tools of one name",
     "product_type: chatbot\nsystem_prompt: x\ntools:\n  - {name: a, description: d}\n"
     "  - {name: a, description: d}\nescalation_rules: []\nexternal_integrations: []\n",
     "tools[1]", 5},
    {"a parameter named like what expressions know",
     "product_type: chatbot\nsystem_prompt: x\ntools:\n  - name: a\n    description: d\n"
     "    parameters: {type: object, properties: {contact: {type: string}}}\n"
     "escalation_rules: []\nexternal_integrations: []\n",
     "tools[0].parameters", 6},
    {"a tool that writes and does not say so",
     "product_type: chatbot\nsystem_prompt: x\ntools:\n  - name: a\n    description: d\n"
     "    run: {record: order, op: update, match: {number: .n}, set: {status: '\"x\"'}}\n"
     "escalation_rules: []\nexternal_integrations: []\n",
     "tools[0].run", 6},
    {"jq that does not read",
     "product_type: chatbot\nsystem_prompt: x\ntools: []\nescalation_rules:\n"
     "  - {condition: 'sentiment_score <', action: immediate_handoff}\n"
     "external_integrations: []\n",
     "escalation_rules[0].condition", 5},
    {"an intent for a tool that is not there",
     CHAT "intents:\n  - {name: a, examples: [x], tool: nope}\n", "intents[0].tool", 7},
    {"speed 2.5",
     "product_type: voicebot\nsystem_prompt: x\ntools: []\nescalation_rules: []\n"
     "voice_parameters: {model_settings: {speed: 2.5}}\n",
     "voice_parameters.model_settings.speed", 5},
    {"a temperature of 3", CHAT "llm_config: {temperature: 3}\n", "llm_config.temperature", 6},
    {"a wrong type", CHAT "greeting: [hello]\n", "greeting", 6},
};

static const struct config_fault *first_error(const struct config_faults *f)
{
    for (int i = 0; i < f->count; i++) {
        if (!f->items[i].warning) {
            return &f->items[i];
        }
    }
    return NULL;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena *a = arena_new(64 << 20);
        struct config_faults faults;
        struct config *cfg = NULL;
        enum err e = config_parse(a, str_of(rows[i].yaml), &faults, &cfg);
        const struct config_fault *first = first_error(&faults);
        print_message("# %s\n", rows[i].reason);
        if (!rows[i].path) {
            assert_int_equal(e, E_OK);
            assert_int_equal(faults.errors, 0);
        } else {
            assert_int_equal(e, E_INVALID);
            assert_non_null(first);
            assert_string_equal(str_dupz(a, first->path), rows[i].path);
            assert_true(rows[i].line == 0 || first->line == rows[i].line);
            assert_null(cfg);
        }
        config_free(&cfg);
        arena_free(&a);
    }
}

static struct config *parsed(struct arena *a, const char *yaml)
{
    struct config_faults faults;
    struct config *cfg = NULL;
    assert_int_equal(config_parse(a, str_of(yaml), &faults, &cfg), E_OK);
    return cfg;
}

/* What an agent may say about its own bounds, and what holds when it says nothing. */
static void test_bounds(void **state)
{
    static const char change[] =
        "product_type: chatbot\nsystem_prompt: x\ntools:\n"
        "  - {name: a, description: d, side_effects: true, confirm: false}\n"
        "  - {name: b, description: d, side_effects: true, confirm: \"Really?\"}\n"
        "escalation_rules: []\nexternal_integrations: []\n"
        "llm_config: {tool_rounds: 12}\nguardrails: {facts: lenient}\n";
    (void)state;
    struct arena *a = arena_new(16 << 20);
    struct config *cfg = parsed(a, CHAT);
    assert_int_equal(cfg->tool_rounds_max, 8);
    assert_false(cfg->facts_lenient);
    config_free(&cfg);
    cfg = parsed(a, change);
    assert_int_equal(cfg->tool_rounds_max, 12);
    assert_true(cfg->facts_lenient);
    assert_true(cfg->tools[0].unasked);
    assert_int_equal(cfg->tools[0].confirm.n, 0);
    assert_false(cfg->tools[1].unasked);
    config_free(&cfg);
    arena_free(&a);
}

static void test_conditions(void **state)
{
    static const char yaml[] =
        "product_type: chatbot\nsystem_prompt: x\ntools: []\nexternal_integrations: []\n"
        "escalation_rules:\n"
        "  - {condition: 'sentiment_score < -0.4 and turn_count > 1', action: immediate_handoff}\n";
    (void)state;
    struct arena *a = arena_new(64 << 20);
    struct config_faults faults;
    struct config *cfg = NULL;
    assert_int_equal(config_parse(a, str_of(yaml), &faults, &cfg), E_OK);
    struct str why;
    bool holds = false;
    const struct json *angry = json_object(a, {"sentiment_score", json_new_real(a, -0.9)},
                                           {"turn_count", json_new_int(a, 3)});
    const struct json *calm = json_object(a, {"sentiment_score", json_new_real(a, 0.9)},
                                          {"turn_count", json_new_int(a, 3)});
    assert_int_equal(config_rule_holds(&cfg->rules[0], a, angry, &holds, &why), E_OK);
    assert_true(holds);
    assert_int_equal(config_rule_holds(&cfg->rules[0], a, calm, &holds, &why), E_OK);
    assert_false(holds);
    config_free(&cfg);
    arena_free(&a);
}

static void test_short_parameters(void **state)
{
    static const char yaml[] = "product_type: chatbot\nsystem_prompt: x\nescalation_rules: []\n"
                               "external_integrations: []\ntools:\n"
                               "  - {name: a, description: d, parameters: {order_id: string}}\n";
    (void)state;
    struct arena *a = arena_new(64 << 20);
    struct config_faults faults;
    struct config *cfg = NULL;
    assert_int_equal(config_parse(a, str_of(yaml), &faults, &cfg), E_OK);
    const struct schema_error *errors;
    const struct json *none = &json_empty_object;
    const struct json *given = json_object(a, {"order_id", json_new_str(a, STR("BW-1"))});
    assert_int_not_equal(schema_check(cfg->tools[0].parameters_schema, a, none, &errors), 0);
    assert_int_equal(schema_check(cfg->tools[0].parameters_schema, a, given, &errors), 0);
    config_free(&cfg);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_short_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
