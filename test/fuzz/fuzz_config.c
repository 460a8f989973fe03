/* An agent's YAML from anybody: faults name a place within it, what is accepted can be used, and
 * its rules can be asked. */
#include "agent/config.h"
#include "codec_fuzz.h"

/* libfyaml 0.7.12 loses 1 KiB when a quoted text is never closed; that is not what is looked for
 * here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static void check_faults(const struct config_faults *faults, bool refused)
{
    codec_require(faults->count >= 0 && faults->count <= CONFIG_FAULTS_MAX);
    codec_require(!refused || (faults->errors > 0 && faults->count > 0));
    for (int i = 0; i < faults->count; i++) {
        codec_require(faults->items[i].text.n > 0 && faults->items[i].line >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(512 << 20);
    struct config_faults faults = {0};
    struct config *cfg = NULL;
    struct str yaml = codec_input(data, size);
    enum err e = config_parse(a, yaml, &faults, &cfg);
    codec_require((e == E_OK) == (cfg != NULL));
    check_faults(&faults, e != E_OK);
    if (e == E_OK) {
        for (int i = 0; i < cfg->rule_count; i++) {
            struct str why = {0};
            bool holds;
            config_rule_holds(&cfg->rules[i], a, &json_empty_object, &holds, &why);
        }
        config_free(&cfg);
    }
    arena_free(&a);
    return 0;
}
