/* `rapport eval`: asks the success copilot each task about each account and judges the answers.
 * Needs a running server, since the evaluation is a job of it. Ends with 1 when one is wrong. */
#include <stdio.h>
#include <time.h>

#include "codec/text.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { POLL_MS = 300, ACCOUNTS_MAX = 100, TITLE_CHARS = 28 };

struct work {
    struct ctx *c;
    struct invocation *in;
    struct remote *remote;
    const struct json *session;
    int64_t shown; /* results that were printed */
};

/* "a,b" as an array. */
static const struct json *list_of(struct arena *a, const char *text)
{
    struct str rest = str_of(text), one;
    const struct json *list = &json_empty_array;
    while (str_split(&rest, ',', &one)) {
        one = str_trim(one);
        list = one.n ? json_push(a, list, json_new_str(a, one)) : list;
    }
    return list;
}

/* The slugs or names of all items of a list of the API. */
static enum err names_of(struct work *w, const char *path, const char *field,
                         const struct json **out)
{
    const struct json *items, *list = &json_empty_array;
    TRY(remote_list(w->remote, str_of(path), ACCOUNTS_MAX, &items));
    for (size_t i = 0; i < json_count(items); i++) {
        list = json_push(w->c->arena, list, json_get(json_at(items, i), field));
    }
    *out = list;
    return E_OK;
}

static enum err order_of(struct work *w, const struct json **out)
{
    struct arena *a = w->c->arena;
    const char *accounts = command_option(w->in, "accounts", NULL);
    const char *wanted = command_option(w->in, "tasks", NULL);
    const char *falsify = command_option(w->in, "falsify", NULL);
    const struct json *slugs, *tasks;
    if (accounts) {
        slugs = list_of(a, accounts);
    } else {
        TRY(names_of(w, "/api/v1/portfolio", "slug", &slugs));
    }
    if (wanted) {
        tasks = list_of(a, wanted);
    } else {
        TRY(names_of(w, "/api/v1/eval-tasks", "name", &tasks));
    }
    *out = json_object(a, {"accounts", slugs}, {"tasks", tasks},
                       {"falsify", falsify ? json_new_str(a, str_of(falsify)) : NULL});
    return E_OK;
}

static struct str clean(struct work *w, const struct json *v, const char *name)
{
    return text_clean(w->c->arena, json_str(v, name, STR("")));
}

/* One line for each answer, and one more for what is wrong with it. */
static void print_results(struct work *w)
{
    const struct json *results = json_get(w->session, "results");
    for (size_t i = 0; i < json_count(results); i++) {
        const struct json *r = json_at(results, i), *checks = json_get(r, "checks");
        struct str account = clean(w, json_get(r, "account"), "name");
        w->shown = json_int(r, "n", w->shown);
        if (w->in->json) {
            continue;
        }
        printf("%-6.*s  %-10.*s  %-28.*s  %6lld ms  %.*s\n", STR_ARG(clean(w, r, "status")),
               STR_ARG(clean(w, r, "task")),
               STR_ARG(account.n ? text_cut(account, TITLE_CHARS) : STR("all accounts")),
               (long long)json_int(r, "took_ms", 0), STR_ARG(clean(w, r, "plan_source")));
        for (size_t k = 0; k < json_count(checks); k++) {
            const struct json *check = json_at(checks, k);
            if (!json_bool(check, "ok", false)) {
                printf("          %.*s: %.*s\n", STR_ARG(clean(w, check, "check")),
                       STR_ARG(clean(w, check, "detail")));
            }
        }
    }
    fflush(stdout);
}

static enum err follow(struct work *w, struct str id)
{
    bool more;
    do {
        struct str path = str_fmt(w->c->arena, "/api/v1/eval-sessions/%.*s?after=%lld",
                                  STR_ARG(url_encode(w->c->arena, id, false)), (long long)w->shown);
        TRY(remote_get(w->remote, path, &w->session));
        print_results(w);
        bool running = str_eqz(json_str(w->session, "status", STR("")), "running");
        more = running || json_count(json_get(w->session, "results")) > 0;
        if (running) {
            struct timespec some = {.tv_nsec = POLL_MS * 1000000L};
            nanosleep(&some, NULL);
        }
    } while (more);
    return E_OK;
}

static enum err evaluate(struct work *w)
{
    const struct json *order, *made;
    TRY(remote_enter(w->remote));
    TRY(order_of(w, &order));
    TRY(remote_post(w->remote, STR("/api/v1/eval-sessions"), order, &made));
    TRY(follow(w, json_str(made, "id", STR(""))));
    int64_t passed = json_int(w->session, "passed", 0), done = json_int(w->session, "done", 0);
    if (w->in->json) {
        TRY(remote_get(w->remote,
                       str_fmt(w->c->arena, "/api/v1/eval-sessions/%.*s/export",
                               STR_ARG(json_str(made, "id", STR("")))),
                       &w->session));
        terminal_json(w->c, w->session);
    } else {
        printf("\n%lld of %lld passed, %lld ms on the average\n", (long long)passed,
               (long long)done, (long long)json_int(w->session, "avg_took_ms", 0));
    }
    w->in->exit_code = passed < done ? COMMAND_OTHER : w->in->exit_code;
    return passed < done ? ctx_fail(w->c, E_CONFLICT, "%lld answers are not right",
                                    (long long)(done - passed))
                         : E_OK;
}

static enum err eval(struct ctx *c, struct invocation *in)
{
    struct work w = {.c = c, .in = in};
    TRY(remote_open(c, in, &w.remote));
    enum err e = remote_is_here(w.remote)
                     ? ctx_fail(c, E_UNAVAILABLE,
                                "an evaluation needs a running server: start one "
                                "with `rapport serve`")
                     : evaluate(&w);
    remote_close(&w.remote);
    return e;
}

static const struct option options[] = {
    {"accounts", 0, "SLUGS", "comma separated (all, at most 100)"},
    {"tasks", 0, "NAMES", "comma separated (all): health, renewal, qbr, email, churn ..."},
    {"falsify", 0, "FACT", "bend a fact before comparing, to see the checks fail: usage.trend ..."},
    {0},
};

extern const struct command eval_commands[];
const struct command eval_commands[] = {
    {"eval", "", "Test the success copilot against the accounts' own data.", COMMAND_REMOTE,
     options, 0, 0, eval},
    {0},
};
