/* The installation's settings: `rapport.yaml` in the data folder, over it environment variables,
 * over them the command line. Read once at start-up; every key has a default, a range and a line in
 * the reference page. Unknown keys are refused with line and column. */
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include "base/ctx.h"
#include "codec/json.h"
#include "llm/models.h"
#include "store/store.h"

struct settings {
    struct str data_folder;
    struct str address;
    int64_t port;
    struct str tls_cert, tls_key;
    struct str public_url; /* how others reach us; empty: http://address:port */
    struct str log_level;  /* debug, info, warn, error */
    enum store_kind store_kind;
    struct str postgres_url;
    int64_t request_threads, background_threads;
    int64_t requests_per_minute;                  /* per org; 0: no limit */
    int64_t requests_burst;                       /* per org in 10 s */
    int64_t public_requests_per_minute;           /* per address */
    int64_t sign_ins_per_hour;                    /* per address */
    int64_t connections, connections_per_address; /* 0: default; 0: any number */
    int64_t memory_mb;                            /* 0: of what the system allows */
    int64_t header_timeout_ms, write_timeout_ms, ping_interval_ms; /* 0: io/server.h */
    bool allow_private_tools;
    bool keep_prompts; /* prompts and responses stay in traces; else masked */
    bool test_clock;
    bool metrics_public; /* /metrics for everybody; else this machine and keys with the scope */
    struct str otlp_url;
    const struct json *llm; /* {providers: [...]}, or empty */
    const struct json *mcp; /* {programs: {...}}, or empty (link/mcp.h) */
};

/* Defaults, then the file (when it is there), then RAPPORT_* variables. E_INVALID names the place.
 */
enum err settings_read(struct ctx *c, struct str data_folder, struct settings *out);

/* The models' configuration that settings name; keys come from the environment variable or file
 * named by `key_env` and `key_file`. */
enum err settings_models(struct ctx *c, const struct settings *s, struct models_config *out);

/* One row of the reference page. */
struct setting_row {
    const char *name, *env, *summary, *fallback;
};
extern const struct setting_row setting_rows[]; /* ends with name NULL */

#endif
