#include "agent/config_voice.h"
#include "agent/config_check.h"

/* One numeric key and the range domain 004 section 5.1 gives it. */
struct range {
    const char *name;
    double range[3];
};

static const struct range stop_ranges[] = {
    {"number_of_words", {1, 10, 3}},
    {"voice_seconds", {0.1, 2.0, 0.5}},
    {"back_off_seconds", {1, 5, 2}},
};
static const struct range voice_ranges[] = {
    {"input_min_characters", {5, 50, 10}},
    {"max_tokens", {50, 500, 150}},
    {"vad_threshold", {0, 1, 0.5}},
    {"turn_detection_threshold_ms", {0, 5000, 500}},
};
static const struct range model_ranges[] = {
    {"clarity_similarity", {0, 1, 0.75}},
    {"speed", {0.5, 2, 1}},
    {"style_exaggeration", {0, 1, 0}},
    {"optimize_streaming_latency", {0, 4, 0}},
};
static const char *const stop_keys[] = {"number_of_words", "voice_seconds", "back_off_seconds",
                                        NULL};
static const char *const voice_keys[] = {"stt_provider",
                                         "stt_model",
                                         "language",
                                         "tts_provider",
                                         "voice_id",
                                         "background_sound",
                                         "input_min_characters",
                                         "punctuation_boundaries",
                                         "model_settings",
                                         "max_tokens",
                                         "vad_threshold",
                                         "turn_detection_threshold_ms",
                                         "stop_speaking_plan",
                                         NULL};
static const char *const model_keys[] = {"model",
                                         "clarity_similarity",
                                         "speed",
                                         "style_exaggeration",
                                         "optimize_streaming_latency",
                                         "use_speaker_boost",
                                         "auto_mode",
                                         NULL};

static void check_ranges(struct config_check *k, const struct json *map, struct str path,
                         const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check_number(k, map, path, ranges[i].name, ranges[i].range);
    }
}

static void check_stop(struct config_check *k, const struct json *map, struct str path)
{
    struct str at = check_path(k, path, "stop_speaking_plan");
    const struct json *plan = check_map(k, map, path, "stop_speaking_plan");
    check_known(k, plan, at, stop_keys);
    check_ranges(k, plan, at, stop_ranges, sizeof(stop_ranges) / sizeof(*stop_ranges));
}

void config_read_voice(struct config_check *k, const struct json *document)
{
    /* The older names are accepted (ruling 19). */
    static const char *const names[] = {"voice_parameters", "voice_config", "voice_settings"};
    const char *name = NULL;
    for (size_t i = 0; i < 3 && !name; i++) {
        name = json_get(document, names[i]) ? names[i] : NULL;
    }
    if (!name) {
        check_fault(k, document, STR("voice_parameters"), "a voicebot needs voice_parameters");
        return;
    }
    struct str at = str_of(name);
    const struct json *voice = check_map(k, document, STR(""), name);
    check_known(k, voice, at, voice_keys);
    check_ranges(k, voice, at, voice_ranges, sizeof(voice_ranges) / sizeof(*voice_ranges));
    const struct json *model = check_map(k, voice, at, "model_settings");
    struct str model_at = check_path(k, at, "model_settings");
    check_known(k, model, model_at, model_keys);
    check_ranges(k, model, model_at, model_ranges, sizeof(model_ranges) / sizeof(*model_ranges));
    check_list(k, voice, at, "punctuation_boundaries", 16);
    check_stop(k, voice, at);
    check_stop(k, document, STR(""));
}
