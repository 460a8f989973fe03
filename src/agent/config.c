#include "agent/config.h"

#include "agent/config_check.h"
#include "agent/config_voice.h"
#include "codec/hmac.h"
#include "codec/yaml.h"

enum { ARENA_MAX_BYTES = 64 << 20 };

static const char *const top_keys[] = {"schema_version",
                                       "organization_id",
                                       "config_id",
                                       "product_type",
                                       "config_metadata",
                                       "name",
                                       "slug",
                                       "greeting",
                                       "suggestions",
                                       "system_prompt",
                                       "tools",
                                       "mcp_servers",
                                       "intents",
                                       "external_integrations",
                                       "escalation_rules",
                                       "guardrails",
                                       "unavailable_action",
                                       "llm_config",
                                       "channels",
                                       "voice_parameters",
                                       "voice_config",
                                       "voice_settings",
                                       "stop_speaking_plan",
                                       "sip_config",
                                       "call_transfer",
                                       "voicemail",
                                       "outbound_calling",
                                       "workflow_features",
                                       "knowledge",
                                       "personalization",
                                       NULL};
static const char *const voice_only[] = {"voice_parameters",   "voice_config",     "voice_settings",
                                         "stop_speaking_plan", "sip_config",       "call_transfer",
                                         "voicemail",          "outbound_calling", NULL};
static const char *const chat_only[] = {"external_integrations", "channels", NULL};
static const char *const products[] = {"chatbot", "voicebot", "copilot", NULL};
static const char *const actions[] = {"human_handoff",
                                      "immediate_handoff",
                                      "suggest_handoff",
                                      "human_transfer",
                                      "route_to_tier2",
                                      "priority_queue",
                                      NULL};
static const char *const triggers[] = {
    "user_request", "emergency_keywords", "negative_sentiment", "low_confidence", "legal", NULL};
static const char *const priorities[] = {"low", "normal", "high", "urgent", NULL};
static const char *const unavailable[] = {"queue_callback", "email", "continue_with_ai", NULL};
static const char *const fact_modes[] = {"strict", "lenient", NULL};
static const char *const preferences[] = {"cheap", "balanced", "premium", "auto", NULL};
static const char *const integrations[] = {"salesforce", "zendesk", "stripe",
                                           "hubspot",    "custom",  NULL};
static const char *const channels[] = {"webchat", "whatsapp", "sms", "slack", NULL};
static const char *const intent_kinds[] = {"support", "sales", "general", "urgent", NULL};

/* Makes the facts of domain 004 section 5.1 plain names in a condition, so that
 * "sentiment_score < 0.3 and turn_count > 3" is a jq program. */
static const char rule_prelude[] = "def sentiment_score: $facts.sentiment_score;"
                                   "def ai_confidence: $facts.ai_confidence;"
                                   "def turn_count: $facts.turn_count;"
                                   "def intent: $facts.intent;"
                                   "def user_requests_human: $facts.user_requests_human;"
                                   "def emergency_keywords: $facts.emergency_keywords;"
                                   "def customer_tier: $facts.customer_tier;"
                                   "def failed_attempts: $facts.failed_attempts;";

static void free_program(void *arg)
{
    struct jq_program *p = arg;
    jq_free(&p);
}

static struct jq_program *rule_program(struct config_check *k, const struct json *at,
                                       struct str path, struct str source)
{
    static const char *const variables[] = {"facts", NULL};
    struct jq_setup setup = {.prelude = str_of(rule_prelude), .variables = variables};
    struct jq_program *program = NULL;
    struct jq_fault fault = {0};
    if (jq_new(source, &setup, &program, &fault) != E_OK) {
        check_fault(k, at, path, "condition: %s", fault.text);
        return NULL;
    }
    arena_defer(k->cfg->arena, free_program, program);
    return program;
}

/* A trigger is a condition with a name (domain 004 section 14). */
static struct str trigger_condition(struct str trigger)
{
    static const char *const rows[][2] = {
        {"user_request", "user_requests_human == true"},
        {"emergency_keywords", "emergency_keywords == true"},
        {"negative_sentiment", "sentiment_score < -0.4"},
        {"low_confidence", "ai_confidence < 0.6"},
        {"legal", "emergency_keywords == true"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (str_eqz(trigger, rows[i][0])) {
            return str_of(rows[i][1]);
        }
    }
    return STR("false");
}

static void read_rule(struct config_check *k, struct config_rule *r, const struct json *row,
                      struct str path)
{
    static const char *const keys[] = {"trigger", "condition", "action",
                                       "skills",  "priority",  NULL};
    check_known(k, row, path, keys);
    const struct json *condition = json_get(row, "condition");
    struct str trigger = check_choice(k, row, path, "trigger", triggers);
    r->source = json_is(condition, JSON_STRING) ? condition->string : trigger_condition(trigger);
    if (!condition && !trigger.n) {
        check_fault(k, row, path, "needs a condition or a trigger");
    }
    r->condition =
        rule_program(k, condition ? condition : row, check_path(k, path, "condition"), r->source);
    r->action = check_choice(k, row, path, "action", actions);
    if (!r->action.n && json_is_null(json_get(row, "action"))) {
        check_fault(k, row, path, "needs an action, such as immediate_handoff");
    }
    r->kind = str_eqz(r->action, "suggest_handoff") ? CONFIG_SUGGEST : CONFIG_HANDOFF;
    r->priority = check_choice(k, row, path, "priority", priorities);
    r->priority = r->priority.n ? r->priority : STR("normal");
    r->skills = check_list(k, row, path, "skills", 16);
}

static void read_rules(struct config_check *k, const struct json *document)
{
    if (!json_is(json_get(document, "escalation_rules"), JSON_ARRAY)) {
        check_fault(k, document, STR("escalation_rules"), "is needed: a list, [] for no rules");
        return;
    }
    const struct json *list =
        check_list(k, document, STR(""), "escalation_rules", CONFIG_RULES_MAX);
    size_t n = json_count(list);
    k->cfg->rules = ARENA_ARRAY(k->cfg->arena, struct config_rule, n + 1);
    for (size_t i = 0; i < n; i++) {
        read_rule(k, &k->cfg->rules[i], json_at(list, i),
                  str_fmt(k->a, "escalation_rules[%zu]", i));
    }
    k->cfg->rule_count = (int)n;
}

static void read_intent(struct config_check *k, struct config_intent *in, const struct json *row,
                        struct str path)
{
    static const char *const keys[] = {"name",   "kind",      "examples",    "tool",
                                       "answer", "knowledge", "description", NULL};
    check_known(k, row, path, keys);
    in->name = check_str(k, row, path, "name", 64);
    if (!check_is_snake(in->name)) {
        check_fault(k, row, check_path(k, path, "name"), "an intent needs a snake_case name");
    }
    in->kind = check_choice(k, row, path, "kind", intent_kinds);
    in->kind = in->kind.n ? in->kind : STR("general");
    in->examples = check_list(k, row, path, "examples", CONFIG_EXAMPLES_MAX);
    for (size_t i = 0; i < json_count(in->examples); i++) {
        if (!json_is(json_at(in->examples, i), JSON_STRING)) {
            check_fault(k, json_at(in->examples, i), check_path(k, path, "examples"),
                        "an example must be text");
        }
    }
    if (json_count(in->examples) < 6) {
        check_warn(k, row, check_path(k, path, "examples"),
                   "%zu examples; from 6 on an intent is recognised well",
                   json_count(in->examples));
    }
    in->tool = check_str(k, row, path, "tool", 64);
    in->answer = check_str(k, row, path, "answer", 8000);
    check_template(k, row, path, "answer");
    in->knowledge = check_bool(k, row, path, "knowledge", false);
    if (in->tool.n && !config_tool_find(k->cfg, in->tool) && !config_mcp_claims(k->cfg, in->tool)) {
        check_fault(k, json_get(row, "tool"), check_path(k, path, "tool"),
                    "there is no tool \"%.*s\"", STR_ARG(in->tool));
    }
}

static void read_intents(struct config_check *k, const struct json *document)
{
    const struct json *list = check_list(k, document, STR(""), "intents", CONFIG_INTENTS_MAX);
    size_t n = json_count(list);
    struct config *cfg = k->cfg;
    cfg->intents = ARENA_ARRAY(cfg->arena, struct config_intent, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct str path = str_fmt(k->a, "intents[%zu]", i);
        read_intent(k, &cfg->intents[i], json_at(list, i), path);
        for (size_t j = 0; j < i; j++) {
            if (cfg->intents[i].name.n && str_eq(cfg->intents[i].name, cfg->intents[j].name)) {
                check_fault(k, json_at(list, i), path, "the name is taken by intents[%zu]", j);
            }
        }
    }
    cfg->intent_count = (int)n;
}

/* system_prompt is text, or a map of role, instructions, constraints and tone. */
static void read_prompt(struct config_check *k, const struct json *document)
{
    static const char *const keys[] = {"role", "instructions",   "constraints",
                                       "tone", "voice_specific", NULL};
    const struct json *prompt = json_get(document, "system_prompt");
    if (json_is(prompt, JSON_STRING)) {
        k->cfg->system_prompt =
            check_str(k, document, STR(""), "system_prompt", CONFIG_PROMPT_MAX_BYTES);
        return;
    }
    if (!json_is(prompt, JSON_OBJECT)) {
        check_fault(k, prompt ? prompt : document, STR("system_prompt"),
                    "is needed: text, or a map with role and instructions");
        return;
    }
    struct str at = STR("system_prompt");
    check_known(k, prompt, at, keys);
    struct buf b = buf_make(CONFIG_PROMPT_MAX_BYTES);
    buf_add_str(&b, str_trim(check_str(k, prompt, at, "role", CONFIG_PROMPT_MAX_BYTES)));
    buf_addf(&b, "\n\n");
    buf_add_str(&b, str_trim(check_str(k, prompt, at, "instructions", CONFIG_PROMPT_MAX_BYTES)));
    const struct json *constraints = check_list(k, prompt, at, "constraints", 50);
    for (size_t i = 0; i < json_count(constraints); i++) {
        struct str line = json_text(json_at(constraints, i), STR(""));
        buf_addf(&b, "%s- %.*s", i ? "\n" : "\n\nRules:\n", STR_ARG(line));
    }
    struct str tone = check_str(k, prompt, at, "tone", 500);
    if (tone.n) {
        buf_addf(&b, "\n\nTone: %.*s", STR_ARG(tone));
    }
    if (b.overflow) {
        check_fault(k, prompt, at, "has more than %d bytes in all", CONFIG_PROMPT_MAX_BYTES);
    }
    k->cfg->system_prompt = str_dup(k->cfg->arena, buf_str(&b));
    buf_free(&b);
}

static void read_llm(struct config_check *k, const struct json *document)
{
    static const char *const keys[] = {"provider",    "model",       "preference",
                                       "temperature", "max_tokens",  "top_p",
                                       "fallback",    "tool_rounds", NULL};
    static const double temperature[3] = {0, 2, -1}, tokens[3] = {1, 32000, 0},
                        top_p[3] = {0, 1, 1}, rounds[3] = {1, CONFIG_TOOL_ROUNDS_MAX, 8};
    struct config *cfg = k->cfg;
    const struct json *llm = check_map(k, document, STR(""), "llm_config");
    struct str at = STR("llm_config");
    check_known(k, llm, at, keys);
    cfg->provider = check_str(k, llm, at, "provider", 64);
    cfg->model = check_str(k, llm, at, "model", 128);
    cfg->preference = check_choice(k, llm, at, "preference", preferences);
    cfg->temperature = check_number(k, llm, at, "temperature", temperature);
    cfg->max_tokens = (int)check_number(k, llm, at, "max_tokens", tokens);
    cfg->tool_rounds_max = (int)check_number(k, llm, at, "tool_rounds", rounds);
    check_number(k, llm, at, "top_p", top_p);
    check_map(k, llm, at, "fallback");
}

static void read_choices(struct config_check *k, const struct json *document, const char *name,
                         const char *const *values)
{
    const struct json *list = check_list(k, document, STR(""), name, 16);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *v = json_at(list, i);
        bool known = false;
        for (const char *const *w = values; *w; w++) {
            known = known || str_eqz(json_text(v, STR("")), *w);
        }
        if (!known) {
            check_fault(k, v, str_fmt(k->a, "%s[%zu]", name, i), "\"%.*s\" is not known here",
                        STR_ARG(json_text(v, STR("?"))));
        }
    }
}

static void read_integrations(struct config_check *k, const struct json *document)
{
    static const char *const keys[] = {"type",   "credentials_ref", "enabled",
                                       "status", "purpose",         NULL};
    const struct json *list = check_list(k, document, STR(""), "external_integrations", 32);
    for (size_t i = 0; i < json_count(list); i++) {
        struct str at = str_fmt(k->a, "external_integrations[%zu]", i);
        check_known(k, json_at(list, i), at, keys);
        check_choice(k, json_at(list, i), at, "type", integrations);
        check_bool(k, json_at(list, i), at, "enabled", true);
    }
}

static void read_product(struct config_check *k, const struct json *document)
{
    struct config *cfg = k->cfg;
    struct str product = check_choice(k, document, STR(""), "product_type", products);
    if (!product.n && json_is_null(json_get(document, "product_type"))) {
        check_fault(k, document, STR("product_type"), "is needed: chatbot, voicebot or copilot");
    }
    cfg->product = str_eqz(product, "voicebot")  ? CONFIG_VOICEBOT
                   : str_eqz(product, "copilot") ? CONFIG_COPILOT
                                                 : CONFIG_CHATBOT;
    const char *const *forbidden = cfg->product == CONFIG_VOICEBOT ? chat_only : voice_only;
    for (; *forbidden; forbidden++) {
        const struct json *v = json_get(document, *forbidden);
        if (v) {
            check_fault(k, v, str_of(*forbidden), "a %s has no %s",
                        config_product_name(cfg->product), *forbidden);
        }
    }
    if (cfg->product == CONFIG_CHATBOT && !json_get(document, "external_integrations")) {
        check_fault(k, document, STR("external_integrations"),
                    "a chatbot needs external_integrations; [] for none");
    }
    if (cfg->product == CONFIG_VOICEBOT) {
        config_read_voice(k, document);
    }
}

static bool is_slug(struct str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

static struct id read_id(struct config_check *k, const struct json *document, const char *name)
{
    struct id id = {0};
    struct str text = check_str(k, document, STR(""), name, 64);
    if (text.n && !id_parse(text, &id)) {
        check_fault(k, json_get(document, name), str_of(name), "must be a UUID");
    }
    return id;
}

static void read_identity(struct config_check *k, const struct json *document)
{
    struct config *cfg = k->cfg;
    const struct json *schema = json_get(document, "schema_version");
    if (!json_is_null(schema) && !str_eqz(json_text(schema, STR("")), "1.0")) {
        check_fault(k, schema, STR("schema_version"), "must be \"1.0\"");
    }
    cfg->organization = read_id(k, document, "organization_id");
    cfg->id = read_id(k, document, "config_id");
    cfg->name = check_str(k, document, STR(""), "name", 80);
    cfg->slug = check_str(k, document, STR(""), "slug", 63);
    if (cfg->slug.n && !is_slug(cfg->slug)) {
        check_fault(k, json_get(document, "slug"), STR("slug"),
                    "may hold a-z, 0-9 and -, and is at most 63 long");
    }
    cfg->greeting = check_str(k, document, STR(""), "greeting", 1000);
    cfg->suggestions = check_list(k, document, STR(""), "suggestions", 8);
    const struct json *metadata = check_map(k, document, STR(""), "config_metadata");
    cfg->breaking_change = json_bool(metadata, "breaking_change", false);
}

static void read_guardrails(struct config_check *k, const struct json *document)
{
    static const char *const keys[] = {"facts", NULL};
    const struct json *guardrails = check_map(k, document, STR(""), "guardrails");
    check_known(k, guardrails, STR("guardrails"), keys);
    struct str facts = check_choice(k, guardrails, STR("guardrails"), "facts", fact_modes);
    k->cfg->facts_lenient = str_eqz(facts, "lenient");
}

static void read_rest(struct config_check *k, const struct json *document)
{
    struct config *cfg = k->cfg;
    read_guardrails(k, document);
    cfg->unavailable_action = check_choice(k, document, STR(""), "unavailable_action", unavailable);
    cfg->channels = check_list(k, document, STR(""), "channels", 16);
    read_choices(k, document, "channels", channels);
    read_integrations(k, document);
    static const double threshold[3] = {0, 1, 0.85};
    const struct json *knowledge = check_map(k, document, STR(""), "knowledge");
    cfg->namespaces = check_list(k, knowledge, STR("knowledge"), "namespaces", 16);
    cfg->faq_threshold = check_number(k, knowledge, STR("knowledge"), "faq_threshold", threshold);
    check_map(k, document, STR(""), "workflow_features");
    check_map(k, document, STR(""), "personalization");
}

static enum err give_up(struct config **cfg)
{
    config_free(cfg);
    return E_INVALID;
}

enum err config_parse(struct arena *a, struct str yaml, struct config_faults *out_faults,
                      struct config **out_config)
{
    *out_faults = (struct config_faults){0};
    struct arena *own = arena_new(ARENA_MAX_BYTES);
    struct config *cfg = ARENA_NEW(own, struct config);
    cfg->arena = own;
    struct config_check k = {a, cfg, out_faults};
    if (yaml.n > CONFIG_MAX_BYTES) {
        check_fault(&k, NULL, STR(""), "the document has %zu bytes; at most %d", yaml.n,
                    CONFIG_MAX_BYTES);
        return give_up(&cfg);
    }
    cfg->yaml = str_dup(own, yaml);
    cfg->sha256 = hmac_sha256_hex(own, yaml);
    struct json_fault fault = {0};
    if (yaml_parse(own, cfg->yaml, &cfg->document, &fault) != E_OK) {
        struct json place = {.line = (uint32_t)fault.line, .column = (uint32_t)fault.column};
        check_fault(&k, &place, STR(""), "%s", fault.text);
        return give_up(&cfg);
    }
    const struct json *document = cfg->document;
    if (!json_is(document, JSON_OBJECT)) {
        check_fault(&k, document, STR(""), "the document must be a map");
        return give_up(&cfg);
    }
    check_known(&k, document, STR(""), top_keys);
    read_identity(&k, document);
    read_product(&k, document);
    read_prompt(&k, document);
    read_llm(&k, document);
    config_read_mcp(&k, document);
    config_read_tools(&k, document);
    read_intents(&k, document);
    read_rules(&k, document);
    read_rest(&k, document);
    if (out_faults->errors) {
        return give_up(&cfg);
    }
    *out_config = cfg;
    return E_OK;
}

void config_free(struct config **cfg)
{
    if (*cfg) {
        struct arena *a = (*cfg)->arena;
        *cfg = NULL;
        arena_free(&a);
    }
}

const struct config_tool *config_tool_find(const struct config *cfg, struct str name)
{
    for (int i = 0; i < cfg->tool_count; i++) {
        if (str_eq(cfg->tools[i].name, name)) {
            return &cfg->tools[i];
        }
    }
    return NULL;
}

const struct config_intent *config_intent_find(const struct config *cfg, struct str name)
{
    for (int i = 0; i < cfg->intent_count; i++) {
        if (str_eq(cfg->intents[i].name, name)) {
            return &cfg->intents[i];
        }
    }
    return NULL;
}

const char *config_product_name(enum config_product p)
{
    return products[p];
}

enum err config_rule_holds(const struct config_rule *rule, struct arena *a,
                           const struct json *facts, bool *out_holds, struct str *out_why)
{
    struct jq_fault fault = {0};
    const struct json *variables = json_with(a, &json_empty_object, STR("facts"), facts);
    struct jq_input in = {.value = facts, .variables = variables};
    enum err e = jq_truth(rule->condition, a, in, out_holds, &fault);
    if (e != E_OK) {
        *out_why = str_dup(a, str_of(fault.text));
    }
    return e;
}
