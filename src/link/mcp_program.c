#include "link/mcp_program.h"

#include "link/mcp.h"

enum {
    MEMORY_MB = 1024,
    MEMORY_MAX_MB = 64 << 10,
    CPU_S = 3600,
    CPU_MAX_S = 30 * 24 * 3600,
    NAME_MAX_BYTES = 64
};

static enum err fault(struct ctx *c, const struct json *at, const char *what, const char *why)
{
    return ctx_fail_place(c, E_INVALID, at ? (int)at->line : 0, at ? (int)at->column : 0,
                          "mcp.programs: %s %s", what, why);
}

static enum err check_keys(struct ctx *c, const struct json *map, const char *const *known)
{
    for (size_t i = 0; i < json_count(map); i++) {
        bool found = false;
        for (const char *const *k = known; *k; k++) {
            found = found || str_eqz(map->members[i].name, *k);
        }
        if (!found) {
            return fault(c, &map->members[i].value, str_dupz(c->arena, map->members[i].name),
                         "is no known key");
        }
    }
    return E_OK;
}

static bool has_zero(struct str s)
{
    return str_find_char(s, 0) >= 0;
}

static enum err read_argv(struct ctx *c, struct arena *a, const struct json *program,
                          struct mcp_program *out)
{
    const struct json *list = json_get(program, "argv");
    size_t n = json_is(list, JSON_ARRAY) ? json_count(list) : 0;
    if (n == 0 || n > PROCESS_ARGUMENTS_MAX) {
        return fault(c, list ? list : program, "argv", "must list the program and its arguments");
    }
    const char **argv = ARENA_ARRAY(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct json *v = json_at(list, i);
        if (!json_is(v, JSON_STRING) || has_zero(v->string)) {
            return fault(c, v, "argv", "holds something that is no text");
        }
        argv[i] = str_dupz(a, v->string);
    }
    if (argv[0][0] != '/') {
        return fault(c, json_at(list, 0), "argv", "must begin with an absolute path");
    }
    out->argv = argv;
    return E_OK;
}

static enum err read_env(struct ctx *c, struct arena *a, const struct json *program,
                         struct mcp_program *out)
{
    const struct json *map = json_get(program, "env");
    size_t n = json_count(map);
    if ((map && !json_is(map, JSON_OBJECT)) || n > PROCESS_ENVIRONMENT_MAX) {
        return fault(c, map, "env", "must be a map of texts");
    }
    const char **env = ARENA_ARRAY(a, const char *, n + 2);
    for (size_t i = 0; i < n; i++) {
        const struct json_member *m = &map->members[i];
        if (!json_is(&m->value, JSON_STRING) || has_zero(m->value.string) ||
            str_find_char(m->name, '=') >= 0) {
            return fault(c, &m->value, "env", "must be a map of texts");
        }
        env[i] = str_dupz(a, str_fmt(a, "%.*s=%.*s", STR_ARG(m->name), STR_ARG(m->value.string)));
    }
    out->env = env;
    out->env_count = (int)n;
    return E_OK;
}

static enum err read_number(struct ctx *c, const struct json *program, const char *name,
                            const int64_t range[3], int64_t *out)
{
    const struct json *v = json_get(program, name);
    *out = json_int(program, name, range[2]);
    return !v || (json_is(v, JSON_INT) && *out >= range[0] && *out <= range[1])
               ? E_OK
               : fault(c, v, name, "is out of range");
}

static enum err read_program(struct ctx *c, struct arena *a, const struct json_member *m,
                             struct mcp_program *out)
{
    static const char *const keys[] = {"argv",  "env",        "folder",        "memory_mb",
                                       "cpu_s", "secret_env", "organizations", NULL};
    static const int64_t memory[3] = {16, MEMORY_MAX_MB, MEMORY_MB};
    static const int64_t cpu[3] = {1, CPU_MAX_S, CPU_S};
    const struct json *program = &m->value;
    *out = (struct mcp_program){.name = str_dup(a, m->name)};
    if (!json_is(program, JSON_OBJECT) || m->name.n > NAME_MAX_BYTES) {
        return fault(c, program, str_dupz(c->arena, m->name), "must be a map with argv");
    }
    TRY(check_keys(c, program, keys));
    TRY(read_argv(c, a, program, out));
    TRY(read_env(c, a, program, out));
    int64_t memory_mb;
    TRY(read_number(c, program, "memory_mb", memory, &memory_mb));
    TRY(read_number(c, program, "cpu_s", cpu, &out->cpu_max_s));
    out->memory_max_bytes = memory_mb << 20;
    struct str folder = json_str(program, "folder", STR(""));
    struct str secret = json_str(program, "secret_env", STR(""));
    out->folder = folder.n ? str_dupz(a, folder) : NULL;
    out->secret_env = secret.n ? str_dupz(a, secret) : NULL;
    const struct json *organizations = json_get(program, "organizations");
    out->organizations = organizations ? json_copy(a, organizations) : &json_empty_array;
    return json_is(out->organizations, JSON_ARRAY)
               ? E_OK
               : fault(c, organizations, "organizations", "must be a list of ids");
}

enum err mcp_program_read(struct ctx *c, struct arena *a, const struct json *section,
                          struct mcp_program **out_programs, int *out_count)
{
    static const char *const keys[] = {"programs", NULL};
    const struct json *map = json_get(section, "programs");
    size_t n = json_count(map);
    TRY(check_keys(c, section, keys));
    if ((map && !json_is(map, JSON_OBJECT)) || n > MCP_PROGRAMS_MAX) {
        return fault(c, map, "the section", "must be a map of programs, not too many");
    }
    struct mcp_program *all = ARENA_ARRAY(a, struct mcp_program, n + 1);
    for (size_t i = 0; i < n; i++) {
        TRY(read_program(c, a, &map->members[i], &all[i]));
    }
    *out_programs = all;
    *out_count = (int)n;
    return E_OK;
}

bool mcp_program_is_for(const struct mcp_program *p, const struct id *org)
{
    bool listed = json_count(p->organizations) == 0;
    for (size_t i = 0; i < json_count(p->organizations) && !listed; i++) {
        listed = str_eq(json_text(json_at(p->organizations, i), STR("")), id_str(org));
    }
    return listed;
}

const struct process_config *mcp_program_start(struct ctx *c, const struct mcp_program *p,
                                               struct str secret)
{
    const char **env = ARENA_ARRAY(c->arena, const char *, (size_t)p->env_count + 2);
    for (int i = 0; i < p->env_count; i++) {
        env[i] = p->env[i];
    }
    if (p->secret_env && secret.n && !has_zero(secret)) {
        env[p->env_count] =
            str_dupz(c->arena, str_fmt(c->arena, "%s=%.*s", p->secret_env, STR_ARG(secret)));
    }
    struct process_config *config = ARENA_NEW(c->arena, struct process_config);
    *config = (struct process_config){
        .argv = p->argv,
        .env = env,
        .folder = p->folder,
        .memory_max_bytes = p->memory_max_bytes,
        .cpu_max_s = p->cpu_max_s,
    };
    return config;
}
