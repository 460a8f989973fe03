/* `rapport doctor`: looks at everything an installation needs and says what to do about what is
 * wrong. Changes nothing; a folder that was never served is not made. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/date.h"
#include "host/settings.h"
#include "io/client.h"
#include "main/command.h"
#include "main/file.h"
#include "main/remote.h"
#include "main/serve.h"
#include "main/terminal.h"
#include "svc/page/assets.h"

enum {
    FREE_FAIL_MB = 100,
    FREE_WARN_MB = 1024,
    FILES_WARN = 4096,
    PROVIDER_MS = 5000,
    SKEW_WARN_MS = 60000,
    ORGS_CHECKED_MAX = 1000
};

enum outcome { OK, WARN, FAIL };

struct examination {
    struct ctx *c;
    struct invocation *in;
    struct settings settings;
    bool has_settings, has_folder;
    const struct json *results;
    int warnings, failures;
};

static void tell(struct examination *x, enum outcome outcome, const char *what, struct str text,
                 const char *advice)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
    struct arena *a = x->c->arena;
    x->warnings += outcome == WARN;
    x->failures += outcome == FAIL;
    if (x->in->json) {
        const struct json *row = json_object(
            a, {"check", json_new_str(a, str_of(what))},
            {"status", json_new_str(a, str_of(words[outcome]))}, {"text", json_new_str(a, text)},
            {"advice", advice[0] ? json_new_str(a, str_of(advice)) : NULL});
        x->results = json_push(a, x->results, row);
        return;
    }
    bool colour = terminal_is(STDOUT_FILENO);
    printf("%s%-4s%s  %-11s %.*s%s%s\n", colour ? colours[outcome] : "", words[outcome],
           colour ? "\033[0m" : "", what, STR_ARG(text), advice[0] ? "; " : "", advice);
}

static struct str fault_text(const struct examination *x)
{
    return str_dup(x->c->arena, str_of(x->c->fault.text));
}

/* ---- the machine --------------------------------------------------------- */

static void check_settings(struct examination *x)
{
    x->has_settings = serve_settings(x->c, x->in, &x->settings) == E_OK;
    x->in->exit_code = 0;
    if (!x->has_settings) {
        tell(x, FAIL, "settings", fault_text(x), "correct rapport.yaml or the variable named");
        ctx_forgive(x->c);
        return;
    }
    tell(x, OK, "settings",
         str_fmt(x->c->arena, "%s at %.*s:%lld",
                 x->settings.store_kind == STORE_POSTGRES ? "PostgreSQL, serving"
                                                          : "SQLite, serving",
                 STR_ARG(x->settings.address), (long long)x->settings.port),
         "");
    if (x->settings.test_clock) {
        tell(x, WARN, "settings", STR("the API may move the clock (test.clock)"),
             "turn it off in production");
    }
}

static void check_secret_file(struct examination *x, const char *name)
{
    struct stat st;
    const char *path = str_dupz(
        x->c->arena, str_fmt(x->c->arena, "%.*s/%s", STR_ARG(x->settings.data_folder), name));
    if (stat(path, &st) != 0) {
        return;
    }
    if (st.st_mode & 077) {
        tell(x, FAIL, "secrets", str_fmt(x->c->arena, "others may read %s", path),
             "chmod 600 it, and change what it protected");
    } else if (access(path, R_OK) != 0) {
        tell(x, FAIL, "secrets", str_fmt(x->c->arena, "%s cannot be read by this user", path),
             "run as the user who serves");
    } else {
        tell(x, OK, "secrets", str_fmt(x->c->arena, "%s is its owner's alone", path), "");
    }
}

static void check_folder(struct examination *x)
{
    struct stat st;
    struct arena *a = x->c->arena;
    char *folder = str_dupz(a, x->settings.data_folder);
    if (stat(folder, &st) != 0) {
        tell(x, WARN, "folder", str_fmt(a, "%s: %s", folder, strerror(errno)),
             "`rapport serve` makes it, or name it with --data");
        return;
    }
    x->has_folder = true;
    if (!S_ISDIR(st.st_mode) || access(folder, R_OK | W_OK | X_OK) != 0) {
        tell(x, FAIL, "folder", str_fmt(a, "%s cannot be written by this user", folder),
             "give it to the user who serves");
    } else if (st.st_mode & 077) {
        tell(x, WARN, "folder", str_fmt(a, "others may look into %s", folder), "chmod 700 it");
    } else {
        tell(x, OK, "folder", str_of(folder), "");
    }
    check_secret_file(x, "master.key");
    check_secret_file(x, "run.json");
}

static void check_disk(struct examination *x)
{
    struct statvfs fs;
    char *folder = str_dupz(x->c->arena, x->settings.data_folder);
    if (statvfs(x->has_folder ? folder : ".", &fs) != 0) {
        tell(x, WARN, "disk", str_of(strerror(errno)), "");
        return;
    }
    long long free_mb = (long long)(fs.f_bavail / 1024 * (fs.f_frsize / 1024));
    struct str text = str_fmt(x->c->arena, "%lld MB free", free_mb);
    tell(x,
         free_mb < FREE_FAIL_MB   ? FAIL
         : free_mb < FREE_WARN_MB ? WARN
                                  : OK,
         "disk", text, free_mb < FREE_WARN_MB ? "make room before it is full" : "");
}

static void check_limits(struct examination *x)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return;
    }
    bool few = files.rlim_cur != RLIM_INFINITY && files.rlim_cur < FILES_WARN;
    tell(x, few ? WARN : OK, "limits",
         str_fmt(x->c->arena, "%llu open files at once", (unsigned long long)files.rlim_cur),
         few ? "raise it (ulimit -n): each visitor needs one" : "");
}

static void check_clock(struct examination *x)
{
    int64_t now = ctx_now_ms(x->c), built;
    struct stat st;
    char *folder =
        str_dupz(x->c->arena, str_fmt(x->c->arena, "%.*s/store", STR_ARG(x->settings.data_folder)));
    bool past = date_parse_day(STR("2025-01-01"), &built) && now < built;
    bool back = stat(folder, &st) == 0 && (int64_t)st.st_mtime * 1000 > now + SKEW_WARN_MS;
    tell(x, past || back ? FAIL : OK, "clock", date_iso(x->c->arena, now),
         past   ? "this is in the past: set the machine's clock"
         : back ? "the data is from the future: set the machine's clock"
                : "");
}

static void check_program(struct examination *x)
{
    tell(x, OK, "program",
         str_fmt(x->c->arena, "rapport %s with %s", RAPPORT_VERSION, RAPPORT_LIBRARIES), "");
    if (asset_count == 0) {
        tell(x, WARN, "pages", STR("the console and the chat page are not in this binary"),
             "run tools/web-build and build again");
    } else {
        tell(x, OK, "pages", str_fmt(x->c->arena, "%zu files", asset_count), "");
    }
}

/* ---- the models' providers ----------------------------------------------- */

static void check_skew(struct examination *x, const struct response_in *response, const char *name)
{
    int64_t theirs;
    struct str date = client_header(response, "Date");
    if (!date.n || !date_parse(date, &theirs)) {
        return;
    }
    int64_t skew = theirs - ctx_now_ms(x->c);
    if (skew > SKEW_WARN_MS || skew < -SKEW_WARN_MS) {
        tell(x, WARN, "clock",
             str_fmt(x->c->arena, "%s is %lld s away from this machine", name,
                     (long long)(skew / 1000)),
             "set the machine's clock");
    }
}

/* Any answer will do: what the key may do is seen when it is used. */
static void check_provider(struct examination *x, const struct models_provider *p)
{
    struct facilities at = {.clock = x->c->at->clock, .log = x->c->at->log};
    struct client *client = client_new(&at, 1);
    at.client = client;
    struct ctx *own = ctx_new(&at, 16 << 20);
    struct request_out request = {.method = "GET",
                                  .url = str_of(p->base_url),
                                  .timeout_ms = PROVIDER_MS,
                                  .allow_private = p->allow_private};
    struct response_in response;
    enum err e = client_send(own, &request, &response);
    struct arena *a = x->c->arena;
    if (e == E_OK) {
        tell(x, OK, "models", str_fmt(a, "%s answers at %s", p->name, p->base_url), "");
        check_skew(x, &response, p->name);
    } else {
        tell(x, FAIL, "models", str_fmt(a, "%s: %s", p->name, own->fault.text),
             "check base_url, the network and the firewall");
    }
    ctx_free(&own);
    client_free(&client);
}

static void check_models(struct examination *x)
{
    struct models_config config;
    if (settings_models(x->c, &x->settings, &config) != E_OK) {
        tell(x, FAIL, "models", fault_text(x), "correct llm.providers in rapport.yaml");
        ctx_forgive(x->c);
        return;
    }
    int outside = 0;
    for (const struct models_provider *p = config.providers; p && p->name; p++) {
        if (p->base_url && p->base_url[0]) {
            check_provider(x, p);
            outside++;
        }
    }
    if (!outside) {
        tell(x, OK, "models", STR("the built-in engine, which needs no key and no network"), "");
    }
}

/* ---- the data ------------------------------------------------------------ */

static void check_org(struct examination *x, struct remote *r, const struct json *org)
{
    const struct json *answer;
    struct arena *a = x->c->arena;
    struct str name = json_str(org, "name", STR(""));
    if (remote_get(r, STR("/api/v1/audit-entries/check"), &answer) != E_OK) {
        tell(x, FAIL, "audit log", str_fmt(a, "%.*s: %s", STR_ARG(name), x->c->fault.text), "");
        ctx_forgive(x->c);
        return;
    }
    bool intact = json_bool(answer, "intact", false);
    int64_t n = json_int(answer, "checked", 0), at = json_int(answer, "broken_at", 0);
    tell(x, intact ? OK : FAIL, "audit log",
         intact ? str_fmt(a, "%.*s: %lld entries, the chain is intact", STR_ARG(name), (long long)n)
                : str_fmt(a, "%.*s: entry %lld was changed after it was written", STR_ARG(name),
                          (long long)at),
         intact ? "" : "compare with a backup from before");
    if (remote_get(r, STR("/api/v1/dead-letters?limit=200"), &answer) == E_OK &&
        json_count(json_get(answer, "items")) > 0) {
        tell(x, WARN, "events",
             str_fmt(a, "%.*s: %zu that a consumer gave up", STR_ARG(name),
                     json_count(json_get(answer, "items"))),
             "see the console's events page: dead letters can be replayed");
    }
    ctx_forgive(x->c);
}

static void check_orgs(struct examination *x, struct remote *r)
{
    const struct json *orgs;
    if (remote_enter_operator(r) != E_OK ||
        remote_list(r, STR("/api/v1/orgs"), ORGS_CHECKED_MAX, &orgs) != E_OK) {
        tell(x, FAIL, "database", fault_text(x), "");
        ctx_forgive(x->c);
        return;
    }
    tell(x, OK, "database",
         str_fmt(x->c->arena, "reachable, of this version, %zu organisation%s", json_count(orgs),
                 json_count(orgs) == 1 ? "" : "s"),
         "");
    for (size_t i = 0; i < json_count(orgs); i++) {
        const struct json *org = json_at(orgs, i);
        if (remote_enter_slug(r, json_str(org, "slug", STR(""))) == E_OK) {
            check_org(x, r, org);
        } else {
            tell(x, FAIL, "database", fault_text(x), "");
            ctx_forgive(x->c);
        }
    }
}

static void check_data(struct examination *x)
{
    struct remote *r;
    enum err e = remote_open(x->c, x->in, &r);
    x->in->exit_code = 0;
    if (e == E_NOT_FOUND) {
        tell(x, WARN, "database", fault_text(x), "");
    } else if (e != E_OK) {
        tell(x, FAIL, "database", fault_text(x),
             e == E_CONFLICT ? "end the other program, or use the version that wrote the data"
                             : "");
    }
    if (e != E_OK) {
        ctx_forgive(x->c);
        return;
    }
    tell(x, OK, "server",
         remote_is_here(r) ? STR("none is running on this folder")
                           : str_fmt(x->c->arena, "running at %.*s", STR_ARG(remote_url(r))),
         "");
    check_orgs(x, r);
    remote_close(&r);
}

static enum err doctor(struct ctx *c, struct invocation *in)
{
    struct examination x = {.c = c, .in = in, .results = &json_empty_array};
    check_program(&x);
    check_settings(&x);
    if (x.has_settings) {
        check_folder(&x);
        check_disk(&x);
        check_limits(&x);
        check_clock(&x);
        check_models(&x);
        check_data(&x);
    }
    if (in->json) {
        terminal_json(c, json_object(c->arena, {"healthy", json_new_bool(x.failures == 0)},
                                     {"checks", x.results}));
    } else {
        printf("\n%d to mend, %d to look at\n", x.failures, x.warnings);
    }
    in->exit_code = x.failures ? COMMAND_OTHER : COMMAND_OK;
    return E_OK;
}

extern const struct command doctor_commands[];
const struct command doctor_commands[] = {
    {"doctor", "", "Look at everything an installation needs.", COMMAND_FOLDER, NULL, 0, 0, doctor},
    {0},
};
