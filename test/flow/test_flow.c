/* Runs a scenario file in process; README.md beside this file says how one is written.
 *
 *   test_flow FILE sqlite|postgres                      a TAP line per scenario
 *   test_flow FILE sqlite|postgres --fail N             the N-th call to the outside fails
 *   test_flow FILE sqlite|postgres --fail S.N           the N-th of step S, of several S.N each
 *   test_flow FILE sqlite|postgres --torture [MANY]     each of the calls in turn, or MANY of them
 *                                                       spread over the flow; one TAP line
 *   test_flow FILE sqlite|postgres --volleys            each of the calls, several in a run
 *   ... --offset N                                      of those MANY others, N further on
 *   ... --shard K/N                                     of them the K-th, the K+N-th and so on
 *   ... --jump MS                                       it does not fail: the clock jumps there
 *
 * A plain run opens one installation with the demo workspace. The others begin every time with a
 * copy of one and want what an untouched run has led to: a clean error and, sent again, the same
 * answer; not an event, message or side effect more or less; no descriptor left open. */
#include <dirent.h>
#include <limits.h>
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
    HEAD_CALLS = 100,
    TOLD_EVERY = 100,
    AIMS_MAX = 256,
    SEEN_MAX = 100000,
    DRAIN_STRIDE = 40 /* calls of a drain that fail in one run are so far apart */
};

struct torture {
    const char *file;
    const char *postgres_url;  /* of the model's database; NULL: SQLite */
    struct installation model; /* with the demo workspace, stopped */
    struct arena *arena;
    const struct json *facts; /* of the untouched run */
    int64_t calls;            /* of it */
    struct ordeal_call *seen; /* they */
    int64_t only;             /* this one fails; 0: many */
    int64_t many;             /* of them fail, one at a time; 0: all */
    int64_t offset;           /* of those that are made to fail, when not all are */
    int64_t shard, shards;    /* what is played of them, from 1, of how many parts */
    int64_t jump_ms;
    bool volleys;               /* several fail in a run */
    const char *aims[AIMS_MAX]; /* just these */
    int aim_count;
    int64_t runs, failed, absent, joined; /* of volleys: see the remark at their end */
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
    struct ordeal wanted = *o; /* the flow's calls count, not those of opening */
    ordeal_begin(o, 0, 0);
    bool fine = installation_open(out_w, &setup);
    *o = wanted;
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

static bool run_with(struct torture *t, struct ordeal *o)
{
    int before = descriptors();
    bool same = run_once(t, o);
    if (descriptors() != before) {
        printf("#   %d descriptors, not %d\n", descriptors(), before);
        same = false;
    }
    return same;
}

static bool run_failing(struct torture *t, int64_t n)
{
    struct ordeal o;
    ordeal_begin(&o, n, t->jump_ms);
    bool same = run_with(t, &o);
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

/* Who looks at the output of hours sees how far it is. */
static void tell_progress(const struct torture *t, int64_t played, int64_t failed)
{
    printf("# %lld calls of %s, %lld do not hold\n", (long long)played, t->file, (long long)failed);
    fflush(stdout);
}

/* Those of this shard, until too many do not hold. */
static void run_all(struct torture *t)
{
    int64_t count = t->many > 0 && t->many < t->calls ? t->many : t->calls, failed = 0, played = 0;
    for (int64_t i = t->shard - 1; i < count && failed < SHOWN_MAX; i += t->shards) {
        failed += !run_failing(t, call_to_fail(t, i, count));
        if (++played % TOLD_EVERY == 0) {
            tell_progress(t, played, failed);
        }
    }
    printf("%s 1 - %s: %lld of %lld outside calls %s\n", failed ? "not ok" : "ok", t->file,
           (long long)played, (long long)t->calls,
           t->jump_ms ? "see the clock jump" : "fail one at a time");
}

/* ---- many calls fail in a run -------------------------------------------- */

/* Takes out of `all` what was not reached, last. Returns how many that are. */
static int keep_missed(struct ordeal_call *all, int count)
{
    int missed = 0;
    for (int i = 0; i < count; i++) {
        if (!all[i].failed) {
            all[missed++] = all[i];
        }
    }
    return missed;
}

/* Its number among the calls of its step, from 1. */
static int number_in_step(const struct torture *t, const struct ordeal_call *call)
{
    int number = 0;
    for (int64_t i = 0; i < t->calls; i++) {
        const struct ordeal_call *s = &t->seen[i];
        number += s->step == call->step;
        if (s->step == call->step && s->kind == call->kind && s->nth == call->nth) {
            break;
        }
    }
    return number;
}

static void tell_calls(const struct torture *t, const struct ordeal_call *all, int count)
{
    printf("# after %d calls of %s failed:", count, t->file);
    for (int i = 0; i < count; i++) {
        printf(" --fail %d.%d", all[i].step, number_in_step(t, &all[i]));
    }
    printf("\n");
    fflush(stdout);
}

static bool run_calls(struct torture *t, struct ordeal_call *all, int count);

/* Every second one, then the others: those that fail together are further apart. */
static bool run_halves(struct torture *t, const struct ordeal_call *all, int count)
{
    struct ordeal_call *half = mem_new(sizeof(*half) * (size_t)count);
    bool same = true;
    for (int first = 0; first < 2; first++) {
        int n = 0;
        for (int i = first; i < count; i += 2) {
            half[n] = all[i];
            half[n++].failed = false;
        }
        same = run_calls(t, half, n) && same;
    }
    free(half);
    return same;
}

/* What does not hold together is played in halves, so that in the end it is known which calls it
 * is. What was not reached, since a flow may end early (`moot`), is played again without the rest.
 * Changes `all`. */
static bool run_calls(struct torture *t, struct ordeal_call *all, int count)
{
    struct ordeal o;
    if (t->failed >= SHOWN_MAX) {
        return false;
    }
    ordeal_begin(&o, 0, t->jump_ms);
    o.volley = all;
    o.volley_count = count;
    bool same = run_with(t, &o);
    t->runs++;
    if (!same) {
        tell_calls(t, all, count);
        t->failed += count == 1;
    }
    if (!same && count > 1) {
        same = run_halves(t, all, count);
        t->joined += same;
        return same;
    }
    int missed = same ? keep_missed(all, count) : 0;
    if (missed == count) {
        t->absent += count;
    } else if (missed > 0) {
        same = run_calls(t, all, missed);
    }
    return same;
}

/* Of each request the first call that has not failed yet; of each drain also those that are
 * `stride` and more further on. They are marked. Returns how many. */
static int aim(struct torture *t, int stride, struct ordeal_call *out)
{
    int count = 0, number = 0, next = 0;
    for (int64_t i = 0; i < t->calls; i++) {
        struct ordeal_call *call = &t->seen[i];
        if (i == 0 || call->step != call[-1].step) {
            number = next = 0;
        }
        number++;
        bool ours = number % t->shards == t->shard % t->shards;
        if (ours && !call->failed && number >= next) {
            out[count++] = *call;
            call->failed = true;
            next = call->drain ? number + stride : INT_MAX;
        }
    }
    return count;
}

/* A job of a drain that fails too often is given up: what does not hold for that is no fault, but
 * costs runs, so the calls of later volleys are further apart. */
static void run_volleys(struct torture *t)
{
    struct ordeal_call *all = mem_new(sizeof(*all) * SEEN_MAX);
    int64_t played = 0;
    int count, stride = DRAIN_STRIDE;
    for (int n = 1; (count = aim(t, stride, all)) > 0; n++) {
        int64_t joined = t->joined;
        printf("# volley %d: %d calls of %s\n", n, count, t->file);
        fflush(stdout); /* who dies of it leaves its number */
        run_calls(t, all, count);
        played += count;
        stride *= t->joined > joined ? 2 : 1;
    }
    printf("# %lld runs; %lld calls did not come up again; %lld times calls did not hold together"
           " that hold apart\n",
           (long long)t->runs, (long long)t->absent, (long long)t->joined);
    printf("%s 1 - %s: %lld of %lld outside calls %s, several in a run\n",
           t->failed ? "not ok" : "ok", t->file, (long long)played, (long long)t->calls,
           t->jump_ms ? "see the clock jump" : "fail");
    free(all);
}

/* STEP.NUMBER */
static bool find_call(const struct torture *t, const char *text, struct ordeal_call *out)
{
    int step, number;
    if (sscanf(text, "%d.%d", &step, &number) != 2) {
        return false;
    }
    for (int64_t i = 0; i < t->calls; i++) {
        if (t->seen[i].step == step && number_in_step(t, &t->seen[i]) == number) {
            *out = t->seen[i];
            return true;
        }
    }
    return false;
}

static bool run_aims(struct torture *t)
{
    struct ordeal_call all[AIMS_MAX];
    for (int i = 0; i < t->aim_count; i++) {
        if (!find_call(t, t->aims[i], &all[i])) {
            printf("# there is no call %s\n", t->aims[i]);
            return false;
        }
    }
    return run_calls(t, all, t->aim_count);
}

static void run_some(struct torture *t)
{
    if (t->aim_count) {
        printf("%s 1 - %s with these calls failing\n", run_aims(t) ? "ok" : "not ok", t->file);
    } else if (t->volleys) {
        run_volleys(t);
    } else if (t->only) {
        printf("%s 1 - %s with call %lld of %lld failing\n",
               run_failing(t, t->only) ? "ok" : "not ok", t->file, (long long)t->only,
               (long long)t->calls);
    } else {
        run_all(t);
    }
}

static int run_torture(struct torture *t)
{
    struct installation_setup setup = {.services = all_services, .postgres_url = t->postgres_url};
    struct ordeal untouched;
    bool fine = installation_open(&t->model, &setup) && load_demo(&t->model) && settle(&t->model);
    installation_stop(&t->model);
    t->arena = arena_new(FACTS_BYTES);
    ordeal_begin(&untouched, 0, 0);
    untouched.seen = t->seen = mem_new(sizeof(*t->seen) * SEEN_MAX);
    untouched.seen_max = SEEN_MAX;
    if (fine && !run_once(t, &untouched)) {
        printf("not ok 1 - %s fails without anything failing\n", t->file);
    } else if (fine) {
        t->calls = untouched.calls < SEEN_MAX ? untouched.calls : SEEN_MAX;
        run_some(t);
    }
    printf("1..1\n");
    installation_close(&t->model);
    arena_free(&t->arena);
    free(t->seen);
    return fine ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: test_flow FILE sqlite|postgres [--fail N | --fail S.N ..."
                    " | --torture [MANY] | --volleys] [--offset N] [--shard K/N] [--jump MS]\n");
    return 2;
}

static bool read_shard(struct torture *t, const char *text)
{
    long long shard, shards;
    bool fine = sscanf(text, "%lld/%lld", &shard, &shards) == 2 && shard >= 1 && shard <= shards;
    t->shard = fine ? shard : 1;
    t->shards = fine ? shards : 1;
    return fine;
}

static void read_aim(struct torture *t, const char *text)
{
    if (strchr(text, '.') && t->aim_count < AIMS_MAX) {
        t->aims[t->aim_count++] = text;
    } else {
        t->only = atoll(text);
    }
}

static bool read_options(struct torture *t, int argc, char **argv, bool *out_torture)
{
    *out_torture = false;
    for (int i = 3; i < argc; i++) {
        bool more = i + 1 < argc && argv[i + 1][0] != '-';
        if (strcmp(argv[i], "--fail") == 0 && more) {
            read_aim(t, argv[++i]);
            *out_torture = true;
        } else if (strcmp(argv[i], "--volleys") == 0) {
            t->volleys = *out_torture = true;
        } else if (strcmp(argv[i], "--torture") == 0) {
            *out_torture = true;
            t->many = more ? atoll(argv[++i]) : 0;
        } else if (strcmp(argv[i], "--offset") == 0 && more) {
            t->offset = llabs(atoll(argv[++i]));
        } else if (strcmp(argv[i], "--shard") == 0 && more) {
            if (!read_shard(t, argv[++i])) {
                return false;
            }
        } else if (strcmp(argv[i], "--jump") == 0 && i + 1 < argc) {
            t->jump_ms = atoll(argv[++i]);
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct torture t = {.shard = 1, .shards = 1};
    bool torture;
    if (argc < 3 || !read_options(&t, argc, argv, &torture)) {
        return usage();
    }
    t.file = argv[1];
    if (strcmp(argv[2], "postgres") == 0) {
        t.postgres_url = getenv("RAPPORT_TEST_POSTGRES");
    }
    return torture ? run_torture(&t) : run_plain(t.file, t.postgres_url);
}
