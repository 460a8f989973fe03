#include "host/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/yaml.h"

enum { FILE_MAX_BYTES = 1 << 20, PROVIDERS_MAX = 16 };

enum kind { TEXT, NUMBER, FLAG, STORE };

struct key {
    const char *name; /* in the file: a.b */
    const char *env;
    enum kind kind;
    size_t offset;
    int64_t min, max;
};

#define AT(member) offsetof(struct settings, member)

static const struct key keys[] = {
    {"server.address", "RAPPORT_ADDRESS", TEXT, AT(address), 0, 0},
    {"server.port", "RAPPORT_PORT", NUMBER, AT(port), 0, 65535},
    {"server.tls_cert", "RAPPORT_TLS_CERT", TEXT, AT(tls_cert), 0, 0},
    {"server.tls_key", "RAPPORT_TLS_KEY", TEXT, AT(tls_key), 0, 0},
    {"server.public_url", "RAPPORT_PUBLIC_URL", TEXT, AT(public_url), 0, 0},
    {"server.request_threads", "RAPPORT_REQUEST_THREADS", NUMBER, AT(request_threads), 0, 256},
    {"server.background_threads", "RAPPORT_BACKGROUND_THREADS", NUMBER, AT(background_threads), 0,
     256},
    {"log.level", "RAPPORT_LOG_LEVEL", TEXT, AT(log_level), 0, 0},
    {"store.kind", "RAPPORT_STORE", STORE, AT(store_kind), 0, 0},
    {"store.url", "RAPPORT_POSTGRES_URL", TEXT, AT(postgres_url), 0, 0},
    {"limits.requests_per_minute", "RAPPORT_REQUESTS_PER_MINUTE", NUMBER, AT(requests_per_minute),
     0, 100000000},
    {"limits.requests_burst", "RAPPORT_REQUESTS_BURST", NUMBER, AT(requests_burst), 0, 100000000},
    {"limits.public_requests_per_minute", "RAPPORT_PUBLIC_REQUESTS_PER_MINUTE", NUMBER,
     AT(public_requests_per_minute), 0, 100000000},
    {"limits.sign_ins_per_hour", "RAPPORT_SIGN_INS_PER_HOUR", NUMBER, AT(sign_ins_per_hour), 0,
     100000000},
    {"limits.connections", "RAPPORT_CONNECTIONS", NUMBER, AT(connections), 0, 1000000},
    {"limits.connections_per_address", "RAPPORT_CONNECTIONS_PER_ADDRESS", NUMBER,
     AT(connections_per_address), 0, 1000000},
    {"limits.memory_mb", "RAPPORT_MEMORY_MB", NUMBER, AT(memory_mb), 0, 1 << 24},
    {"limits.header_timeout_ms", "RAPPORT_HEADER_TIMEOUT_MS", NUMBER, AT(header_timeout_ms), 0,
     600000},
    {"limits.write_timeout_ms", "RAPPORT_WRITE_TIMEOUT_MS", NUMBER, AT(write_timeout_ms), 0,
     600000},
    {"limits.ping_interval_ms", "RAPPORT_PING_INTERVAL_MS", NUMBER, AT(ping_interval_ms), 0,
     600000},
    {"tools.allow_private", "RAPPORT_ALLOW_PRIVATE_TOOLS", FLAG, AT(allow_private_tools), 0, 0},
    {"privacy.keep_prompts", "RAPPORT_KEEP_PROMPTS", FLAG, AT(keep_prompts), 0, 0},
    {"test.clock", "RAPPORT_TEST_CLOCK", FLAG, AT(test_clock), 0, 0},
    {"metrics.public", "RAPPORT_METRICS_PUBLIC", FLAG, AT(metrics_public), 0, 0},
    {"traces.otlp_url", "RAPPORT_OTLP_URL", TEXT, AT(otlp_url), 0, 0},
};
enum { KEY_COUNT = sizeof(keys) / sizeof(*keys) };

const struct setting_row setting_rows[] = {
    {"server.address", "RAPPORT_ADDRESS", "Address to listen on.", "127.0.0.1"},
    {"server.port", "RAPPORT_PORT", "Port to listen on; 0 takes a free one.", "8080"},
    {"server.tls_cert", "RAPPORT_TLS_CERT", "Certificate chain (PEM); with tls_key serves TLS.",
     ""},
    {"server.tls_key", "RAPPORT_TLS_KEY", "Private key of the certificate (PEM).", ""},
    {"server.public_url", "RAPPORT_PUBLIC_URL", "How others reach this installation.", ""},
    {"server.request_threads", "RAPPORT_REQUEST_THREADS", "Threads that answer requests.",
     "16; 8 with PostgreSQL"},
    {"server.background_threads", "RAPPORT_BACKGROUND_THREADS",
     "Threads for turns, consumers and jobs.", "32; 8 with PostgreSQL"},
    {"log.level", "RAPPORT_LOG_LEVEL", "debug, info, warn or error.", "info"},
    {"store.kind", "RAPPORT_STORE", "sqlite or postgres.", "sqlite"},
    {"store.url", "RAPPORT_POSTGRES_URL", "PostgreSQL connection of the owner role.", ""},
    {"limits.requests_per_minute", "RAPPORT_REQUESTS_PER_MINUTE",
     "API requests an organisation may make in a minute; 0: any number.", "1000"},
    {"limits.requests_burst", "RAPPORT_REQUESTS_BURST",
     "API requests an organisation may make in ten seconds; 0: any number.", "200"},
    {"limits.public_requests_per_minute", "RAPPORT_PUBLIC_REQUESTS_PER_MINUTE",
     "Requests without sign-in from one address in a minute, and frames of one WebSocket; 0: any "
     "number.",
     "600"},
    {"limits.sign_ins_per_hour", "RAPPORT_SIGN_INS_PER_HOUR",
     "Sign-ins tried from one address in an hour; 0: any number.", "60"},
    {"limits.connections", "RAPPORT_CONNECTIONS",
     "Connections at once. Then the peer whose request is slowest to arrive makes room.", "20000"},
    {"limits.connections_per_address", "RAPPORT_CONNECTIONS_PER_ADDRESS",
     "Connections at once from one address; 0: any number, as behind a proxy.", "0"},
    {"limits.memory_mb", "RAPPORT_MEMORY_MB",
     "Memory in use (MiB) from which requests with a body get 503; 0: four fifths of what the "
     "system allows.",
     "0"},
    {"limits.header_timeout_ms", "RAPPORT_HEADER_TIMEOUT_MS",
     "Time for a request's head to arrive; then 408.", "10000"},
    {"limits.write_timeout_ms", "RAPPORT_WRITE_TIMEOUT_MS",
     "Time for a peer to take some of what is sent to it; then it is cut.", "30000"},
    {"limits.ping_interval_ms", "RAPPORT_PING_INTERVAL_MS",
     "Open streams are pinged so often; a WebSocket silent for two pings is cut.", "25000"},
    {"tools.allow_private", "RAPPORT_ALLOW_PRIVATE_TOOLS",
     "HTTP tools and tool servers that ask for it may reach private addresses.", "false"},
    {"privacy.keep_prompts", "RAPPORT_KEEP_PROMPTS",
     "Keep prompts and answers of models in traces as they are; else masked.", "false"},
    {"test.clock", "RAPPORT_TEST_CLOCK", "Allow POST /api/v1/admin/clock. Never in production.",
     "false"},
    {"metrics.public", "RAPPORT_METRICS_PUBLIC",
     "Show /metrics to everybody; else to this machine and operator keys with metrics:read.",
     "false"},
    {"traces.otlp_url", "RAPPORT_OTLP_URL", "OTLP/HTTP collector, such as http://host:4318.", ""},
    {"llm.providers", "", "Model providers; see the page on models.", "the built-in engine"},
    {"mcp.programs", "", "Programs that agents may use as tool servers; see the page on agents.",
     ""},
    {0},
};

static enum err set_text(struct ctx *c, const struct key *k, struct str text, struct settings *out)
{
    char *field = (char *)out + k->offset;
    if (k->kind == TEXT) {
        memcpy(field, &text, sizeof(text));
        return E_OK;
    }
    if (k->kind == NUMBER) {
        int64_t value;
        if (!str_to_i64(text, &value) || value < k->min || value > k->max) {
            return ctx_fail_field(c, E_INVALID, k->name,
                                  "%s must be a whole number from %lld to "
                                  "%lld",
                                  k->name, (long long)k->min, (long long)k->max);
        }
        memcpy(field, &value, sizeof(value));
        return E_OK;
    }
    bool yes = str_eqz(text, "true") || str_eqz(text, "1");
    if (k->kind == FLAG) {
        if (!yes && !str_eqz(text, "false") && !str_eqz(text, "0")) {
            return ctx_fail_field(c, E_INVALID, k->name, "%s must be true or false", k->name);
        }
        memcpy(field, &yes, sizeof(yes));
        return E_OK;
    }
    enum store_kind kind = str_eqz(text, "postgres") ? STORE_POSTGRES : STORE_SQLITE;
    if (kind == STORE_SQLITE && !str_eqz(text, "sqlite")) {
        return ctx_fail_field(c, E_INVALID, k->name, "%s must be sqlite or postgres", k->name);
    }
    memcpy(field, &kind, sizeof(kind));
    return E_OK;
}

static struct str scalar_text(struct ctx *c, const struct json *v)
{
    return json_is(v, JSON_STRING) ? v->string : json_write(c->arena, v);
}

static const struct key *key_of(struct str section, struct str name)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        struct str full = str_of(keys[i].name);
        if (full.n == section.n + 1 + name.n && str_starts(full, section) &&
            full.p[section.n] == '.' && str_ends(full, name)) {
            return &keys[i];
        }
    }
    return NULL;
}

static enum err read_section(struct ctx *c, const char *path, const struct json_member *section,
                             struct settings *out)
{
    for (size_t i = 0; i < json_count(&section->value); i++) {
        const struct json_member *m = &section->value.members[i];
        const struct key *k = key_of(section->name, m->name);
        if (!k) {
            return ctx_fail_place(c, E_INVALID, (int)m->value.line, (int)m->value.column,
                                  "%s: unknown key %.*s.%.*s", path, STR_ARG(section->name),
                                  STR_ARG(m->name));
        }
        enum err e = set_text(c, k, scalar_text(c, &m->value), out);
        if (e != E_OK) {
            return ctx_name_place(c, (int)m->value.line, (int)m->value.column);
        }
    }
    return E_OK;
}

static enum err read_document(struct ctx *c, const char *path, const struct json *document,
                              struct settings *out)
{
    for (size_t i = 0; i < json_count(document); i++) {
        const struct json_member *m = &document->members[i];
        if (str_eqz(m->name, "llm")) {
            out->llm = &m->value;
        } else if (str_eqz(m->name, "mcp") && json_is(&m->value, JSON_OBJECT)) {
            out->mcp = &m->value;
        } else if (!json_is(&m->value, JSON_OBJECT)) {
            return ctx_fail_place(c, E_INVALID, (int)m->value.line, (int)m->value.column,
                                  "%s: %.*s must be a map", path, STR_ARG(m->name));
        } else {
            TRY(read_section(c, path, m, out));
        }
    }
    return E_OK;
}

static enum err read_file(struct ctx *c, const char *path, struct str *out_text)
{
    *out_text = STR("");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? E_OK
                               : ctx_fail(c, E_DENIED, "cannot read %s: %s", path, strerror(errno));
    }
    char *text = arena_alloc(c->arena, FILE_MAX_BYTES);
    ssize_t n = read(fd, text, FILE_MAX_BYTES);
    close(fd);
    *out_text = str_make(text, n > 0 ? (size_t)n : 0);
    return E_OK;
}

enum err settings_read(struct ctx *c, struct str data_folder, struct settings *out)
{
    *out = (struct settings){
        .data_folder = data_folder,
        .address = STR("127.0.0.1"),
        .port = 8080,
        .log_level = STR("info"),
        .requests_per_minute = 1000,
        .requests_burst = 200,
        .public_requests_per_minute = 600,
        .sign_ins_per_hour = 60,
        .llm = &json_empty_object,
        .mcp = &json_empty_object,
    };
    char *path = str_dupz(c->arena, str_fmt(c->arena, "%.*s/rapport.yaml", STR_ARG(data_folder)));
    struct str text;
    TRY(read_file(c, path, &text));
    if (text.n) {
        const struct json *document;
        struct json_fault fault = {0};
        enum err e = yaml_parse(c->arena, text, &document, &fault);
        if (e != E_OK) {
            return ctx_fail_place(c, e, fault.line, fault.column, "%s: %s", path, fault.text);
        }
        TRY(read_document(c, path, document, out));
    }
    for (int i = 0; i < KEY_COUNT; i++) {
        const char *value = getenv(keys[i].env);
        if (value && value[0]) {
            TRY(set_text(c, &keys[i], str_of(value), out));
        }
    }
    return E_OK;
}

/* ---- models -------------------------------------------------------------- */

static enum models_class class_of(struct str name)
{
    return str_eqz(name, "cheap")     ? MODELS_CHEAP
           : str_eqz(name, "premium") ? MODELS_PREMIUM
                                      : MODELS_BALANCED;
}

static enum err provider_key(struct ctx *c, const struct json *p, const char **out)
{
    struct str env = json_str(p, "key_env", STR("")), file = json_str(p, "key_file", STR(""));
    *out = NULL;
    if (env.n) {
        *out = getenv(str_dupz(c->arena, env));
        return *out ? E_OK
                    : ctx_fail_field(c, E_INVALID, "llm.providers",
                                     "the environment variable %.*s with a provider's key is not "
                                     "set",
                                     STR_ARG(env));
    }
    if (file.n) {
        struct str text;
        TRY(read_file(c, str_dupz(c->arena, file), &text));
        text = str_trim(text);
        if (!text.n) {
            return ctx_fail_field(c, E_INVALID, "llm.providers", "no key in %.*s", STR_ARG(file));
        }
        *out = str_dupz(c->arena, text);
    }
    return E_OK;
}

static const struct models_model *read_models(struct ctx *c, const struct json *list)
{
    size_t n = json_count(list);
    struct models_model *all = ARENA_ARRAY(c->arena, struct models_model, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct json *m = json_at(list, i);
        all[i] = (struct models_model){
            .name = str_dupz(c->arena, json_str(m, "name", STR(""))),
            .model_class = class_of(json_str(m, "class", STR("balanced"))),
            /* dollars per million tokens in the file */
            .price_in_millicents = (int64_t)(json_real(m, "price_in", 0) * 100000),
            .price_in_cached_millicents = (int64_t)(json_real(m, "price_in_cached", 0) * 100000),
            .price_out_millicents = (int64_t)(json_real(m, "price_out", 0) * 100000),
            .context_tokens = (int)json_int(m, "context_tokens", 0),
        };
    }
    return all;
}

enum err settings_models(struct ctx *c, const struct settings *s, struct models_config *out)
{
    const struct json *list = json_get(s->llm, "providers");
    size_t n = json_count(list);
    if (n > PROVIDERS_MAX) {
        return ctx_fail_field(c, E_INVALID, "llm.providers", "at most %d providers", PROVIDERS_MAX);
    }
    struct models_provider *all = ARENA_ARRAY(c->arena, struct models_provider, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct json *p = json_at(list, i);
        all[i] = (struct models_provider){
            .name = str_dupz(c->arena, json_str(p, "name", STR(""))),
            .kind = str_dupz(c->arena, json_str(p, "kind", STR(""))),
            .base_url = str_dupz(c->arena, json_str(p, "base_url", STR(""))),
            .allow_private = json_bool(p, "allow_private", false),
            .options = json_get(p, "options"),
            .models = read_models(c, json_get(p, "models")),
        };
        TRY(provider_key(c, p, &all[i].key));
    }
    *out = (struct models_config){.providers = all};
    struct str preferred = json_str(s->llm, "default_provider", STR(""));
    out->default_provider = preferred.n ? str_dupz(c->arena, preferred) : NULL;
    out->attempts_max = (int)json_int(s->llm, "attempts_max", 0);
    out->backoff_ms = json_int(s->llm, "backoff_ms", 0);
    out->cache_off = json_bool(s->llm, "cache_off", false);
    return E_OK;
}
