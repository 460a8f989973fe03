/* The schema of a tool's parameters, and what a model writes as arguments: read with repair,
 * checked, and a refusal has words. */
#include "agent/config.h"
#include "agent/tool.h"
#include "codec/repair.h"
#include "codec_fuzz.h"

static const char HEAD[] = "product_type: chatbot\nsystem_prompt: x\nescalation_rules: []\n"
                           "external_integrations: []\ntools:\n  - name: t\n    description: d\n"
                           "    run: {builtin: current_time}\n    parameters: ";

static void check_arguments(struct arena *a, const struct config_tool *tool, struct str text)
{
    struct repair r = {0};
    struct json_fault fault = {0};
    if (repair_parse(a, text, &r, &fault) == E_OK && json_is(r.value, JSON_OBJECT)) {
        struct str why = {0};
        codec_require(tool_check_arguments(a, tool, r.value, &why) == 0 || why.n > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(512 << 20);
    struct str rest = codec_input(data, size), source = codec_cut(&rest);
    const struct json *schema;
    struct config_faults faults = {0};
    struct config *cfg = NULL;
    if (json_parse(a, source, &schema, NULL) == E_OK) {
        struct str line = json_write(a, schema); /* JSON is YAML, on one line */
        struct str yaml = str_fmt(a, "%s%.*s\n", HEAD, STR_ARG(line));
        if (config_parse(a, yaml, &faults, &cfg) == E_OK) {
            codec_require(cfg->tool_count == 1);
            check_arguments(a, &cfg->tools[0], rest);
            config_free(&cfg);
        } else {
            codec_require(faults.errors > 0);
        }
    }
    arena_free(&a);
    return 0;
}
