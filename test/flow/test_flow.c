/* Runs a scenario file in process; README.md beside this file says how one is written.
 *
 *   test_flow FILE sqlite|postgres                      a TAP line per scenario
 *   test_flow FILE sqlite|postgres --fail N             the N-th call to the outside fails
 *   test_flow FILE sqlite|postgres --torture [MANY]     each of the calls in turn, or MANY of them
 *                                                       spread over the flow; one TAP line
 *   ... --offset N                                      of those MANY others, N further on
 *   ... --jump MS                                       it does not fail: the clock jumps there
 *
 * A plain run opens one installation with the demo workspace. The others begin every time with a
 * copy of one and want what an untouched run has led to: a clean error and, sent again, the same
 * answer; not an event, message or side effect more or less; no descriptor left open. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "main/demo.h"
#include "main/services.h"
#include "support/flow.h"
#include "support/ordeal.h"

enum {
    FACTS_BYTES = 64 << 20,
    URL_BYTES = 512,
    COMMAND_BYTES = 1024,
    SHOWN_MAX = 20,
    HEAD_CALLS = 100
};

struct torture {
    const char *file;
    const char *postgres_url;  /* of the model's database; NULL: SQLite */
    struct installation model; /* with the demo workspace, stopped */
    struct arena *arena;
    const struct json *facts; /* of the untouched run */
    int64_t calls;            /* of it */
    int64_t offset;           /* of those that are made to fail, when not all are */
    int64_t jump_ms;
};

static bool load_demo(struct installation *w)
{
    const char *samples = getenv("RAPPORT_SAMPLES");
    struct ctx *c = lifecycle_ctx(w->life);
    enum err e = demo_import(c, samples ? samples : "samples");
    if (e != E_OK) {
        printf("Bail out! demo: %s\n", c->fault.text);
    }
    ctx_free(&c);
    return e == E_OK;
}

static int run_plain(const char *file, const char *postgres_url)
{
    struct installation w;
    struct installation_setup setup = {.services = all_services, .postgres_url = postgres_url};
    bool fine = installation_open(&w, &setup) && load_demo(&w);
    if (fine) {
        printf("1..%d\n", flow_play(&w, file, NULL).scenarios);
    }
    installation_close(&w);
    return fine ? 0 : 1;
}

/* What is due is done before the demo is copied and before facts are taken: else a flow in which
 * nothing waits for it would not see it, and the same flow with a failure, after which time passes,
 * would. */
static bool settle(struct installation *w)
{
    struct ctx *c = lifecycle_ctx(w->life);
    enum err e = bus_drain(c, c->at->bus);
    if (e != E_OK) {
        printf("Bail out! drain: %s\n", c->fault.text);
    }
    ctx_free(&c);
    return e == E_OK;
}

/* ---- one thing fails ----------------------------------------------------- */

static int descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d)) {
        n++;
    }
    if (d) {
        closedir(d);
    }
    return n;
}

/* A database like the model's; its URL. */
static bool copy_database(const char *model_url, char *out_url)
{
    char command[COMMAND_BYTES], *name = strstr(model_url, "@/"), *end = strchr(model_url, '?');
    if (!name || !end) {
        printf("Bail out! %s has no form that is understood\n", model_url);
        return false;
    }
    int n = (int)(end - name - 2);
    snprintf(command, sizeof(command), "tools/postgres-test copy '%.*s' '%.*s_copy'", n, name + 2,
             n, name + 2);
    FILE *p = popen(command, "r");
    bool fine = p && fgets(out_url, URL_BYTES, p);
    out_url[strcspn(out_url, "\n")] = 0;
    return p && pclose(p) == 0 && fine;
}

static bool open_copy(struct torture *t, struct ordeal *o, struct installation *out_w)
{
    char url[URL_BYTES] = "";
    struct installation_setup setup = {
        .services = all_services, .model = &t->model, .mishap = &o->mishap};
    if (t->postgres_url) {
        if (!copy_database(t->postgres_url, url)) {
            return false;
        }
        setup.postgres_url = url;
    }
    int64_t fails_at = o->fails_at; /* the flow's calls count, not those of opening */
    o->fails_at = 0;
    bool fine = installation_open(out_w, &setup);
    o->fails_at = fails_at;
    o->calls = 0;
    o->clock = out_w->clock;
    return fine;
}

/* False: the flow did not come to the same end. Without facts to compare with, they are taken. */
static bool run_once(struct torture *t, struct ordeal *o)
{
    struct installation w;
    bool same = false;
    if (open_copy(t, o, &w)) {
        same = flow_play(&w, t->file, o).failures == 0;
        ordeal_end(o);
        same = settle(&w) && same;
        struct arena *a = t->facts ? arena_new(FACTS_BYTES) : NULL;
        const struct json *facts = ordeal_facts(w.life, a ? a : t->arena);
        bool equal = !t->facts || o->moot || ordeal_compare(o, t->facts, facts) == 0;
        same = equal && same;
        t->facts = t->facts ? t->facts : facts;
        arena_free(&a);
    }
    installation_close(&w);
    return same;
}

static bool run_failing(struct torture *t, int64_t n)
{
    struct ordeal o;
    int before = descriptors();
    ordeal_begin(&o, n, t->jump_ms);
    bool same = run_once(t, &o);
    if (descriptors() != before) {
        printf("#   %d descriptors, not %d\n", descriptors(), before);
        same = false;
    }
    if (!same && o.struck) {
        printf("# after call %lld of %s, %s, %s\n", (long long)n, t->file,
               ordeal_place_name(o.place), t->jump_ms ? "at which the clock jumped" : "failed\n");
    }
    return same;
}

/* The i-th call to fail of `count`. Of many the first hundred are among them, one by one: every
 * kind of call is new there. The others are spread over what comes after, and another offset takes
 * others. */
static int64_t call_to_fail(const struct torture *t, int64_t i, int64_t count)
{
    int64_t head = count >= 2 * HEAD_CALLS ? HEAD_CALLS : 0;
    if (i < head) {
        return 1 + i;
    }
    int64_t rest = t->calls - head, some = count - head, stride = rest / some;
    return 1 + head + (i - head) * rest / some + t->offset % stride;
}

/* `many` of the calls, or all (0), until nothing is left to fail. */
static void run_all(struct torture *t, int64_t many)
{
    int64_t count = many > 0 && many < t->calls ? many : t->calls, failed = 0;
    for (int64_t i = 0; i < count && failed < SHOWN_MAX; i++) {
        failed += !run_failing(t, call_to_fail(t, i, count));
    }
    printf("%s 1 - %s: %lld of %lld outside calls %s\n", failed ? "not ok" : "ok", t->file,
           (long long)count, (long long)t->calls,
           t->jump_ms ? "see the clock jump" : "fail one at a time");
}

static int run_torture(struct torture *t, int64_t only, int64_t many)
{
    struct installation_setup setup = {.services = all_services, .postgres_url = t->postgres_url};
    struct ordeal untouched;
    bool fine = installation_open(&t->model, &setup) && load_demo(&t->model) && settle(&t->model);
    installation_stop(&t->model);
    t->arena = arena_new(FACTS_BYTES);
    ordeal_begin(&untouched, 0, 0);
    if (fine && !run_once(t, &untouched)) {
        printf("not ok 1 - %s fails without anything failing\n", t->file);
    } else if (fine) {
        t->calls = untouched.calls;
        if (only) {
            printf("%s 1 - %s with call %lld of %lld failing\n",
                   run_failing(t, only) ? "ok" : "not ok", t->file, (long long)only,
                   (long long)t->calls);
        } else {
            run_all(t, many);
        }
    }
    printf("1..1\n");
    installation_close(&t->model);
    arena_free(&t->arena);
    return fine ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: test_flow FILE sqlite|postgres [--fail N | --torture [MANY]]"
                    " [--offset N] [--jump MS]\n");
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return usage();
    }
    struct torture t = {.file = argv[1]};
    int64_t only = 0, many = 0;
    bool torture = false;
    if (strcmp(argv[2], "postgres") == 0) {
        t.postgres_url = getenv("RAPPORT_TEST_POSTGRES");
    }
    for (int i = 3; i < argc; i++) {
        bool more = i + 1 < argc && argv[i + 1][0] != '-';
        if (strcmp(argv[i], "--fail") == 0 && more) {
            only = atoll(argv[++i]);
        } else if (strcmp(argv[i], "--torture") == 0) {
            torture = true;
            many = more ? atoll(argv[++i]) : 0;
        } else if (strcmp(argv[i], "--offset") == 0 && more) {
            t.offset = llabs(atoll(argv[++i]));
        } else if (strcmp(argv[i], "--jump") == 0 && i + 1 < argc) {
            t.jump_ms = atoll(argv[++i]);
        } else {
            return usage();
        }
    }
    return torture || only ? run_torture(&t, only, many) : run_plain(t.file, t.postgres_url);
}
