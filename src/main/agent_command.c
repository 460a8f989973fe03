/* `rapport agent ...`: configurations from files to versions and back. */
#include "agent/config.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/file.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { LIST_MAX = 1000 };

/* ---- validate: no data folder needed ------------------------------------- */

static const struct json *faults_json(struct ctx *c, const struct config_faults *faults)
{
    struct arena *a = c->arena;
    const struct json *list = &json_empty_array;
    for (int i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        struct str severity = f->warning ? STR("warning") : STR("error");
        list = json_push(a, list,
                         json_object(a, {"line", json_new_int(a, f->line)},
                                     {"column", json_new_int(a, f->column)},
                                     {"path", json_new_str(a, f->path)},
                                     {"message", json_new_str(a, f->text)},
                                     {"severity", json_new_str(a, severity)}));
    }
    return list;
}

/* As compilers write it, so that editors find the place. */
static void print_faults(const char *path, const struct config_faults *faults, FILE *to)
{
    for (int i = 0; i < faults->count; i++) {
        const struct config_fault *f = &faults->items[i];
        fprintf(to, "%s:%d:%d: %s: %.*s%s%.*s\n", path, f->line, f->column,
                f->warning ? "warning" : "error", STR_ARG(f->path), f->path.n ? ": " : "",
                STR_ARG(f->text));
    }
}

static enum err validate_file(struct ctx *c, const struct invocation *in, const char *path,
                              const struct json **inout_files, bool *inout_valid)
{
    struct arena *a = c->arena;
    struct str yaml;
    struct config_faults *faults = ARENA_NEW(a, struct config_faults);
    struct config *cfg = NULL;
    TRY(file_read(c, path, &yaml));
    bool valid = config_parse(a, yaml, faults, &cfg) == E_OK;
    *inout_valid = *inout_valid && valid;
    *inout_files =
        json_push(a, *inout_files,
                  json_object(a, {"file", json_new_str(a, str_of(path))},
                              {"valid", json_new_bool(valid)}, {"errors", faults_json(c, faults)}));
    if (!in->json) {
        print_faults(path, faults, stdout);
        if (valid) {
            printf("%s: valid: %.*s, %d tools, %d intents\n", path, STR_ARG(cfg->name),
                   cfg->tool_count, cfg->intent_count);
        }
    }
    config_free(&cfg);
    return E_OK;
}

static enum err validate(struct ctx *c, struct invocation *in)
{
    const struct json *files = &json_empty_array;
    bool valid = true;
    for (int i = 0; i < in->arg_count; i++) {
        TRY(validate_file(c, in, in->args[i], &files, &valid));
    }
    if (in->json) {
        terminal_json(c, json_object(c->arena, {"valid", json_new_bool(valid)}, {"files", files}));
    }
    in->exit_code = valid ? COMMAND_OK : COMMAND_OTHER;
    return E_OK;
}

/* ---- what each command below does once it is connected ------------------- */

struct work {
    struct invocation *in;
    struct remote *remote;
    struct str path; /* "/api/v1/agents/<first argument>" */
};

static enum err with_remote(struct ctx *c, struct invocation *in,
                            enum err (*fn)(struct ctx *c, struct work *w))
{
    struct work w = {.in = in};
    TRY(remote_open(c, in, &w.remote));
    if (in->arg_count) {
        w.path = str_fmt(c->arena, "/api/v1/agents/%.*s",
                         STR_ARG(url_encode(c->arena, str_of(in->args[0]), false)));
    }
    enum err e = remote_enter(w.remote);
    e = e == E_OK ? fn(c, &w) : e;
    remote_close(&w.remote);
    return e;
}

/* ---- apply --------------------------------------------------------------- */

/* The version that is active now; 0 when the agent is new. */
static int64_t version_before(struct ctx *c, struct work *w, struct str slug)
{
    const struct json *agent = NULL;
    struct str path = str_fmt(c->arena, "/api/v1/agents/%.*s", STR_ARG(slug));
    if (!slug.n || remote_get(w->remote, path, &agent) != E_OK) {
        ctx_forgive(c);
        return 0;
    }
    return json_int(agent, "active_version", 0);
}

static enum err apply_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    struct config_faults *faults = ARENA_NEW(a, struct config_faults);
    struct config *cfg = NULL;
    const struct json *agent;
    struct str yaml;
    const char *path = w->in->args[0];
    TRY(file_read(c, path, &yaml));
    if (config_parse(a, yaml, faults, &cfg) != E_OK) {
        print_faults(path, faults, stderr);
        return ctx_fail(c, E_INVALID, "%s has %d error%s; nothing was changed", path,
                        faults->errors, faults->errors == 1 ? "" : "s");
    }
    struct str slug = str_dup(a, cfg->slug);
    config_free(&cfg);
    int64_t before = version_before(c, w, slug);
    struct str message = str_of(command_option(w->in, "message", ""));
    TRY(remote_post(
        w->remote, STR("/api/v1/agents"),
        json_object(a, {"yaml", json_new_str(a, yaml)}, {"message", json_new_str(a, message)}),
        &agent));
    int64_t now = json_int(agent, "active_version", 0);
    if (w->in->json) {
        terminal_json(c, json_with(a, agent, STR("yaml"), NULL));
    } else if (now == before) {
        printf("%.*s is unchanged at version %lld.\n", STR_ARG(slug), (long long)now);
    } else {
        printf("%.*s is at version %lld now; new conversations use it at once.\n",
               STR_ARG(json_str(agent, "slug", STR(""))), (long long)now);
    }
    return E_OK;
}

static enum err apply(struct ctx *c, struct invocation *in)
{
    if (!command_has(in, "message")) {
        return command_usage(c, in, "agent apply: say what changed and why with -m MESSAGE");
    }
    return with_remote(c, in, apply_connected);
}

/* ---- reading ------------------------------------------------------------- */

static enum err list_connected(struct ctx *c, struct work *w)
{
    static const struct terminal_column columns[] = {
        {"SLUG", "slug", TERMINAL_TEXT},
        {"NAME", "name", TERMINAL_TEXT},
        {"TYPE", "product_type", TERMINAL_TEXT},
        {"VERSION", "active_version", TERMINAL_NUMBER},
        {"TOOLS", "tool_count", TERMINAL_NUMBER},
        {"INTENTS", "intent_count", TERMINAL_NUMBER},
        {"CHANGED (UTC)", "updated_at", TERMINAL_TIME},
        {"ID", "id", TERMINAL_TEXT},
        {0},
    };
    const struct json *items;
    TRY(remote_list(w->remote, STR("/api/v1/agents"), LIST_MAX, &items));
    terminal_list(c, w->in, items, columns);
    return E_OK;
}

static enum err list(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, list_connected);
}

static enum err versions_connected(struct ctx *c, struct work *w)
{
    static const struct terminal_column columns[] = {
        {"VERSION", "version", TERMINAL_NUMBER},     {"STATUS", "status", TERMINAL_TEXT},
        {"MADE (UTC)", "created_at", TERMINAL_TIME}, {"BY", "author", TERMINAL_TEXT},
        {"MESSAGE", "message", TERMINAL_TEXT},       {0},
    };
    const struct json *answer;
    TRY(remote_get(w->remote, str_fmt(c->arena, "%.*s/versions", STR_ARG(w->path)), &answer));
    terminal_list(c, w->in, json_get(answer, "items"), columns);
    return E_OK;
}

static enum err versions(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, versions_connected);
}

static enum err show_connected(struct ctx *c, struct work *w)
{
    const struct json *answer;
    struct str path = w->path;
    if (w->in->arg_count == 2) {
        path = str_fmt(c->arena, "%.*s/versions/%s", STR_ARG(path), w->in->args[1]);
    }
    TRY(remote_get(w->remote, path, &answer));
    if (w->in->json) {
        terminal_json(c, answer);
    } else {
        struct str yaml = json_str(answer, "yaml", STR(""));
        printf("%.*s%s", STR_ARG(yaml), str_ends(yaml, STR("\n")) ? "" : "\n");
    }
    return E_OK;
}

static enum err show(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, show_connected);
}

static void print_unified(struct str text)
{
    bool colour = terminal_is(1);
    struct str line;
    while (str_split(&text, '\n', &line)) {
        const char *mark = !colour || !line.n ? ""
                           : line.p[0] == '+' ? "\033[32m"
                           : line.p[0] == '-' ? "\033[31m"
                           : line.p[0] == '@' ? "\033[36m"
                                              : "";
        if (line.n || text.n) {
            printf("%s%.*s%s\n", mark, STR_ARG(line), mark[0] ? "\033[0m" : "");
        }
    }
}

static enum err diff_connected(struct ctx *c, struct work *w)
{
    const struct json *answer;
    const struct invocation *in = w->in;
    struct str query = in->arg_count == 1 ? STR("")
                       : in->arg_count == 2
                           ? str_fmt(c->arena, "?from=%s", in->args[1])
                           : str_fmt(c->arena, "?from=%s&to=%s", in->args[1], in->args[2]);
    TRY(remote_get(w->remote, str_fmt(c->arena, "%.*s/diff%.*s", STR_ARG(w->path), STR_ARG(query)),
                   &answer));
    if (in->json) {
        terminal_json(c, answer);
        return E_OK;
    }
    struct str unified = json_str(answer, "unified", STR(""));
    if (!unified.n) {
        printf("Versions %lld and %lld are the same.\n", (long long)json_int(answer, "from", 0),
               (long long)json_int(answer, "to", 0));
        return E_OK;
    }
    print_unified(unified);
    return E_OK;
}

static enum err diff(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, diff_connected);
}

/* ---- rollback ------------------------------------------------------------ */

static enum err rollback_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    const struct json *agent;
    int64_t version = 0;
    if (w->in->arg_count == 2) {
        struct str text = str_of(w->in->args[1]);
        text = str_starts(text, STR("v")) ? str_sub(text, 1, text.n) : text;
        if (!str_to_i64(text, &version) || version < 1) {
            return command_usage(c, w->in, "agent rollback: \"%s\" is no version", w->in->args[1]);
        }
    }
    struct str reason = str_of(command_option(w->in, "reason", ""));
    TRY(remote_post(
        w->remote, str_fmt(a, "%.*s/rollback", STR_ARG(w->path)),
        json_object(a, {"version", json_new_int(a, version)}, {"reason", json_new_str(a, reason)}),
        &agent));
    if (w->in->json) {
        terminal_json(c, json_with(a, agent, STR("yaml"), NULL));
    } else {
        printf("%.*s is at version %lld now, with the content of an earlier one.\n",
               STR_ARG(json_str(agent, "slug", STR(""))),
               (long long)json_int(agent, "active_version", 0));
    }
    return E_OK;
}

static enum err rollback(struct ctx *c, struct invocation *in)
{
    if (!command_has(in, "reason")) {
        return command_usage(c, in, "agent rollback: say why with --reason TEXT");
    }
    return with_remote(c, in, rollback_connected);
}

static const struct option apply_options[] = {
    {"message", 'm', "TEXT", "what changed and why"},
    {0},
};
static const struct option rollback_options[] = {
    {"reason", 'r', "TEXT", "why"},
    {0},
};

extern const struct command agent_commands[];
const struct command agent_commands[] = {
    {"agent validate", "FILE...", "Check agents' YAML; every error with line and column.",
     COMMAND_ALONE, NULL, 1, -1, validate},
    {"agent apply", "FILE", "A new agent, or a new version of one.", COMMAND_REMOTE, apply_options,
     1, 1, apply},
    {"agent list", "", "The agents of an organisation.", COMMAND_REMOTE, NULL, 0, 0, list},
    {"agent show", "AGENT [VERSION]", "The YAML of an agent (slug or id).", COMMAND_REMOTE, NULL, 1,
     2, show},
    {"agent versions", "AGENT", "All versions of an agent.", COMMAND_REMOTE, NULL, 1, 1, versions},
    {"agent diff", "AGENT [FROM] [TO]", "What changed between two versions.", COMMAND_REMOTE, NULL,
     1, 3, diff},
    {"agent rollback", "AGENT [VERSION]", "Back to an earlier version, as a new one.",
     COMMAND_REMOTE, rollback_options, 1, 2, rollback},
    {0},
};
