#include "main/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/lifecycle.h"
#include "host/org.h"
#include "main/demo.h"
#include "main/file.h"
#include "main/services.h"
#include "main/terminal.h"

enum { DRAIN_MS = 10000 };

/* ---- settings ------------------------------------------------------------ */

enum err serve_settings(struct ctx *c, struct invocation *in, struct settings *out)
{
    struct str folder = str_of(command_option(in, "data", "data"));
    if (folder.n == 0 || folder.n > 4000) {
        return command_usage(c, in, "--data needs a folder");
    }
    enum err e = settings_read(c, folder, out);
    if (e == E_INVALID) {
        in->exit_code = COMMAND_CONFIGURATION;
    }
    return e;
}

static enum err read_flags(struct ctx *c, struct invocation *in, struct settings *s)
{
    int64_t range[2] = {0, 65535};
    TRY(command_number(c, in, "port", range, &s->port));
    s->address = str_of(command_option(in, "address", str_dupz(c->arena, s->address)));
    s->test_clock = s->test_clock || command_has(in, "test-clock");
    return E_OK;
}

/* ---- run.json ------------------------------------------------------------ */

static const char *run_path(struct ctx *c, struct str folder)
{
    return str_dupz(c->arena, str_fmt(c->arena, "%.*s/run.json", STR_ARG(folder)));
}

enum err serve_write_run(struct ctx *c, struct str folder, const struct serve_run *run)
{
    struct arena *a = c->arena;
    const struct json *v = json_object(
        a, {"url", json_new_str(a, run->url)}, {"secret", json_new_str(a, run->secret)},
        {"operator", json_new_str(a, run->operator_slug)}, {"pid", json_new_int(a, run->pid)});
    return file_write(c, run_path(c, folder), json_write(a, v), true);
}

void serve_remove_run(struct ctx *c, struct str folder)
{
    unlink(run_path(c, folder));
}

bool serve_read_run(struct ctx *c, struct str folder, struct serve_run *out)
{
    const struct json *v;
    if (file_json(c, run_path(c, folder), &v) != E_OK) {
        ctx_forgive(c);
        return false;
    }
    *out = (struct serve_run){json_str(v, "url", STR("")), json_str(v, "secret", STR("")),
                              json_str(v, "operator", STR("")), json_int(v, "pid", 0)};
    /* a process that was killed leaves its file behind */
    bool lives = out->pid > 0 && (kill((pid_t)out->pid, 0) == 0 || errno == EPERM);
    return lives && out->url.n && out->secret.n;
}

/* ---- the first start ----------------------------------------------------- */

/* Untouched when there is none yet. */
static enum err read_operator(struct ctx *c, struct org *out)
{
    enum err e = org_operator(c, out);
    if (e != E_NOT_FOUND) {
        return e;
    }
    ctx_forgive(c);
    return E_OK;
}

enum err serve_prepare(struct ctx *c, const char *samples)
{
    struct org operator_org = {.settings = &json_empty_object};
    const struct org *orgs;
    int count;
    TRY(org_list(c, STR(""), ORG_PAGE_MAX, &orgs, &count));
    TRY(read_operator(c, &operator_org));
    bool half = json_bool(operator_org.settings, "demo_importing", false);
    if (samples && (count == 0 || half)) {
        return demo_import(c, samples);
    }
    if (samples && !json_get(operator_org.settings, "demo")) {
        fprintf(stderr,
                "rapport: --demo is passed over: this data folder holds %d organisation%s already, "
                "and the demo workspace goes into a new one only\n",
                count, count == 1 ? "" : "s");
    }
    if (count == 0) {
        struct org first = {.slug = STR("operator"), .name = STR("Operator")};
        first.kind = STR("operator");
        return org_create(c, &first);
    }
    return E_OK;
}

/* ---- telling ------------------------------------------------------------- */

static struct str reachable(struct ctx *c, const struct settings *s, int port)
{
    struct str host = s->address;
    const char *scheme = s->tls_cert.n ? "https" : "http";
    if (str_eqz(host, "0.0.0.0") || str_eqz(host, "::")) {
        host = STR("127.0.0.1"); /* all addresses: one of them is this */
    }
    bool v6 = str_find_char(host, ':') >= 0;
    return str_fmt(c->arena, "%s://%s%.*s%s:%d", scheme, v6 ? "[" : "", STR_ARG(host),
                   v6 ? "]" : "", port);
}

static void tell_demo(const struct json *demo)
{
    const struct json *org = json_get(demo, "org"), *list = json_get(demo, "sign_ins");
    if (!org) {
        return;
    }
    printf("\nDemo of %.*s: chat as %.*s at the address above, answer as one of its people at "
           "/console/\n",
           STR_ARG(json_str(org, "name", STR(""))),
           STR_ARG(json_str(json_get(demo, "visitor"), "name", STR(""))));
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *m = json_at(list, i);
        printf("  %-16.*s %-28.*s password %.*s   %.*s\n", STR_ARG(json_str(m, "name", STR(""))),
               STR_ARG(json_str(m, "email", STR(""))), STR_ARG(json_str(m, "password", STR(""))),
               STR_ARG(json_str(m, "title", STR(""))));
    }
}

struct ready {
    struct str url;
    int port;
    int64_t after_ms;
    const struct json *demo;
};

static void tell_ready(struct ctx *c, const struct invocation *in, const struct ready *r)
{
    if (in->json) {
        terminal_json(c, json_object(c->arena, {"ready", &json_true_value},
                                     {"port", json_new_int(c->arena, r->port)},
                                     {"url", json_new_str(c->arena, r->url)},
                                     {"pid", json_new_int(c->arena, getpid())}));
    } else {
        printf("Rapport %s is ready at %.*s (after %lld ms)\n", RAPPORT_VERSION, STR_ARG(r->url),
               (long long)r->after_ms);
        tell_demo(r->demo);
        printf("\nCtrl-C ends it.\n");
    }
    fflush(stdout);
}

/* ---- serving ------------------------------------------------------------- */

static void stop_at_once(int number)
{
    (void)number;
    _exit(COMMAND_STOPPED);
}

/* Every thread that is started later inherits the mask, so that only wait_for_signal sees them. */
static void hold_signals(sigset_t *out_set)
{
    sigemptyset(out_set);
    sigaddset(out_set, SIGINT);
    sigaddset(out_set, SIGTERM);
    sigaddset(out_set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, out_set, NULL);
}

static void wait_for_signal(const struct invocation *in, const sigset_t *set)
{
    int number = 0;
    while (sigwait(set, &number) != 0) {}
    signal(SIGINT, stop_at_once);
    signal(SIGTERM, stop_at_once);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    if (!in->json && terminal_is(STDERR_FILENO)) {
        fprintf(stderr, "\nstopping; once more stops at once\n");
    }
}

static enum err start(struct ctx *c, struct invocation *in, struct lifecycle *l, int64_t began_ms)
{
    struct ctx *own = lifecycle_ctx(l);
    struct org operator_org = {.slug = STR("")};
    const char *samples = command_option(in, "demo", NULL);
    enum err e = serve_prepare(own, samples);
    if (e == E_INVALID) {
        in->exit_code = COMMAND_CONFIGURATION;
    }
    e = e == E_OK ? read_operator(own, &operator_org) : e;
    e = e == E_OK ? lifecycle_serve(own, l) : e;
    if (e == E_OK) {
        struct ready r = {.port = server_port(l->server), .demo = NULL};
        r.url = reachable(own, &l->settings, r.port);
        r.demo = json_get(operator_org.settings, "demo");
        struct serve_run run = {r.url, str_of(l->host.local_secret), operator_org.slug, getpid()};
        e = serve_write_run(own, l->settings.data_folder, &run);
        r.after_ms = clock_steady_ms() - began_ms;
        if (e == E_OK) {
            tell_ready(own, in, &r);
        }
    }
    if (e != E_OK) {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

static enum err serve(struct ctx *c, struct invocation *in)
{
    int64_t began_ms = clock_steady_ms();
    struct lifecycle_config config = {.services = all_services, .log_fd = STDERR_FILENO};
    struct lifecycle *l = NULL;
    sigset_t signals;
    TRY(serve_settings(c, in, &config.settings));
    TRY(read_flags(c, in, &config.settings));
    config.only = command_option(in, "services", NULL);
    hold_signals(&signals);
    enum err e = lifecycle_open(c, &config, &l);
    if (e != E_OK) {
        in->exit_code = e == E_INVALID ? COMMAND_CONFIGURATION : 0;
        return e;
    }
    e = start(c, in, l, began_ms);
    if (e == E_OK) {
        wait_for_signal(in, &signals);
        serve_remove_run(c, config.settings.data_folder);
    }
    lifecycle_close(&l, e == E_OK ? DRAIN_MS : 0);
    return e;
}

static enum err migrate(struct ctx *c, struct invocation *in)
{
    struct lifecycle_config config = {.services = all_services, .log_fd = STDERR_FILENO};
    struct lifecycle *l = NULL;
    const struct id *orgs;
    int count = 0;
    TRY(serve_settings(c, in, &config.settings));
    enum err e = lifecycle_open(c, &config, &l);
    if (e != E_OK) {
        in->exit_code = e == E_INVALID ? COMMAND_CONFIGURATION : 0;
        return e;
    }
    struct ctx *own = lifecycle_ctx(l);
    struct terminal_progress bar = terminal_progress_start("migrating");
    e = serve_prepare(own, NULL);
    e = e == E_OK ? stores_list(own, &orgs, &count) : e;
    for (int i = 0; i < count && e == E_OK; i++) { /* a store is migrated when it is opened */
        struct store *s;
        e = store_of_org(own, &orgs[i], &s);
        terminal_progress_set(&bar, (i + 1.0) / count);
    }
    terminal_progress_end(&bar);
    if (e != E_OK) {
        c->fault = own->fault;
    } else if (in->json) {
        terminal_json(own, json_object(own->arena, {"orgs", json_new_int(own->arena, count)}));
    } else {
        printf("The installation and %d organisation%s are up to date.\n", count,
               count == 1 ? "" : "s");
    }
    ctx_free(&own);
    lifecycle_close(&l, 0);
    return e;
}

static const struct option serve_options[] = {
    {"port", 'p', "N", "where to listen (8080); 0 takes a free port"},
    {"address", 'a', "A", "on which address (127.0.0.1)"},
    {"demo", 0, "FOLDER", "fill a new data folder with this demo workspace"},
    {"services", 0, "NAMES", "only these services, separated by commas"},
    {"test-clock", 0, NULL, "let the API move the clock; never in production"},
    {0},
};

const struct command serve_commands[] = {
    {"serve", "", "Serve console, chat and API.", COMMAND_FOLDER, serve_options, 0, 0, serve},
    {"migrate", "", "Bring the data to this version without serving.", COMMAND_FOLDER, NULL, 0, 0,
     migrate},
    {0},
};
