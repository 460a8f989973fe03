#include "svc/success/success_run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/mishap.h"
#include "host/service.h"
#include "io/workers.h"
#include "store/cache.h"
#include "svc/success/redact.h"

enum { TOOL_BYTES = 4 << 20, TICK_MS = 20, LATE_MS = 250, DEPTH_MAX = 16, KEY_BYTES = 300 };

enum stage { WAITS, RUNS, DONE };

struct task {
    enum stage stage;
    int64_t began_ms;             /* steady */
    struct ctx *c;                /* its own; freed by whoever runs it */
    struct success_run run;       /* what it is asked, in memory of c */
    struct success_result result; /* when DONE, in memory of `kept` */
    struct arena *kept;
};

/* What the asker and the threads that help share. Freed by the last of them. An asker that waits no
 * longer leaves the tasks that still run to their threads. */
struct crew {
    pthread_mutex_t lock;
    pthread_mutex_t telling; /* events come one at a time */
    pthread_cond_t news;
    int refs;
    bool closed; /* the asker has left: nothing is told, nothing is begun. Under both locks */
    atomic_bool cancel;
    const struct success_sink *sink; /* the asker's */
    int count;
    struct task tasks[SUCCESS_TOOLS_PER_ASK_MAX];
};

/* ---- telling ------------------------------------------------------------- */

/* Texts only: what names a brief or an account is as it is. */
static const struct json *masked(struct arena *a, const struct json *event)
{
    const struct json *made = event;
    for (size_t i = 0; i < event->count; i++) {
        struct str name = event->members[i].name;
        const struct json *was = &event->members[i].value;
        bool names = str_eqz(name, "brief_id") || str_eqz(name, "account");
        const struct json *now = names ? was : redact_json(a, was);
        made = now == was ? made : json_with(a, made, name, now);
    }
    return made;
}

void success_run_tell(struct ctx *c, const struct success_sink *sink, const char *event,
                      const struct json *data)
{
    if (sink && sink->tell) {
        data = json_with(c->arena, masked(c->arena, data), STR("request_id"),
                         json_new_str(c->arena, str_of(c->request_id)));
        sink->tell(c, event, data, sink->arg);
    }
}

const struct json *success_run_ms(struct arena *a, int64_t us)
{
    int64_t tenths = (us + 50) / 100;
    return tenths % 10 ? json_new_real(a, (double)tenths / 10) : json_new_int(a, tenths / 10);
}

static struct str snake_name(struct arena *a, struct str name)
{
    char *out = arena_alloc(a, 2 * name.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        bool up = name.p[i] >= 'A' && name.p[i] <= 'Z';
        if (up) {
            out[n++] = '_';
        }
        out[n++] = up ? (char)(name.p[i] + 32) : name.p[i];
    }
    return str_make(out, n);
}

static const struct json *snake(struct arena *a, const struct json *v, int depth)
{
    if (depth > DEPTH_MAX || !(json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))) {
        return v;
    }
    bool object = v->kind == JSON_OBJECT;
    const struct json *made = object ? &json_empty_object : &json_empty_array;
    for (size_t i = 0; i < v->count; i++) {
        if (object) {
            struct str name = v->members[i].name;
            name = str_eqz(name, "healthScore") ? name : snake_name(a, name);
            made = json_with(a, made, name, snake(a, &v->members[i].value, depth + 1));
        } else {
            made = json_push(a, made, snake(a, &v->items[i], depth + 1));
        }
    }
    return made;
}

const struct json *success_run_snake(struct arena *a, const struct json *data)
{
    return snake(a, data, 0);
}

static const struct json *named(struct ctx *c, const struct success_tool *t)
{
    return json_object(c->arena, {"name", json_new_str(c->arena, str_of(t->name))});
}

/* The part of the result that is there already: a page shows it before the rest. */
static void tell_patch(struct ctx *c, const struct success_sink *sink,
                       const struct success_result *r)
{
    struct arena *a = c->arena;
    const struct json *patch = NULL;
    if (r->tool == success_tool_at(SUCCESS_TOOL_HEALTH)) {
        patch = json_object(a, {"health", success_run_snake(a, r->data)});
    } else if (r->tool == success_tool_at(SUCCESS_TOOL_EMAIL)) {
        patch = json_object(a, {"email_draft", r->data});
    } else if (r->tool == success_tool_at(SUCCESS_TOOL_QBR)) {
        patch = json_object(a, {"qbr", r->data});
    }
    if (patch) {
        success_run_tell(c, sink, "patch", patch);
    }
}

static void tell_result(struct ctx *c, const struct success_sink *sink,
                        const struct success_result *r)
{
    struct arena *a = c->arena;
    const struct json *e = named(c, r->tool);
    const struct json *code = r->ok ? NULL : json_new_str(a, r->code);
    e = json_with(a, e, STR("took_ms"), success_run_ms(a, r->took_us));
    const struct json *done =
        json_with(a, e, STR("status"), json_new_str(a, r->ok ? STR("success") : STR("error")));
    success_run_tell(c, sink, "tool:complete", json_with(a, done, STR("error"), code));
    if (r->data) {
        tell_patch(c, sink, r);
    }
    e = json_with(a, e, STR("error"), code);
    if (json_bool(r->data, "missingData", false)) {
        e = json_with(a, e, STR("missing"), json_new_bool(true));
    }
    success_run_tell(c, sink, "tool:end", e);
}

static void tell_start(struct crew *w, struct ctx *c, const struct success_tool *t)
{
    pthread_mutex_lock(&w->telling);
    if (!w->closed) {
        success_run_tell(c, w->sink, "tool:start", named(c, t));
    }
    pthread_mutex_unlock(&w->telling);
}

/* All three events of an end follow one another. */
static void tell_end(struct crew *w, struct ctx *c, const struct success_result *r)
{
    pthread_mutex_lock(&w->telling);
    if (!w->closed) {
        tell_result(c, w->sink, r);
    }
    pthread_mutex_unlock(&w->telling);
}

/* ---- the circuit --------------------------------------------------------- */

static struct str key_of(struct ctx *c, const char *what, const struct success_tool *t)
{
    return str_fmt(c->arena, "success.%s:%s", what, t->name);
}

/* Failures are counted per org and tool. Open: nobody tries until SUCCESS_RUN_OPEN_MS have passed;
 * then the first failure opens it again, and the first success closes it. */
static bool circuit_is_open(struct ctx *c, const struct success_tool *t)
{
    struct str value;
    return cache_get(c, key_of(c, "open", t), &value);
}

static void circuit_failed(struct ctx *c, const struct success_tool *t)
{
    struct cache_count count = {0};
    struct str value;
    bool tripped = cache_get(c, key_of(c, "tripped", t), &value);
    if (cache_incr(c, key_of(c, "failures", t), 1, SUCCESS_RUN_OPEN_MS, &count) != E_OK) {
        ctx_forgive(c);
    }
    if (!tripped && count.count < SUCCESS_RUN_FAILURES_MAX) {
        return;
    }
    if (cache_set(c, key_of(c, "open", t), STR("1"), SUCCESS_RUN_OPEN_MS) != E_OK ||
        cache_set(c, key_of(c, "tripped", t), STR("1"), 10 * SUCCESS_RUN_OPEN_MS) != E_OK) {
        ctx_forgive(c);
    }
    log_at(c, LOG_WARN, "tool circuit opened", LOG_Z("tool", t->name));
}

static void circuit_worked(struct ctx *c, const struct success_tool *t)
{
    cache_delete(c, key_of(c, "tripped", t));
    cache_delete(c, key_of(c, "failures", t));
}

/* ---- the last good answer ------------------------------------------------ */

static struct str good_key(struct ctx *c, const struct success_run *run,
                           const struct success_tool *t)
{
    struct str wish = STR("");
    const struct json *language = json_get(run->params, "language");
    if (t == success_tool_at(SUCCESS_TOOL_QBR) || t == success_tool_at(SUCCESS_TOOL_HEALTH)) {
        wish = json_text(language, STR(""));
    } else if (t == success_tool_at(SUCCESS_TOOL_EMAIL)) {
        wish = json_write_canonical(c->arena, run->params ? run->params : &json_empty_object);
    }
    return str_fmt(c->arena, "success.good:%s:%.*s:%.*s", t->name, STR_ARG(run->account),
                   STR_ARG(wish));
}

static void keep_good(struct ctx *c, const struct success_run *run, const struct success_result *r)
{
    struct str key = good_key(c, run, r->tool);
    struct arena *a = c->arena;
    if (run->as_of_ms || key.n > KEY_BYTES) {
        return;
    }
    struct str value =
        json_write(a, json_object(a, {"at", json_new_int(a, ctx_now_ms(c))}, {"data", r->data}));
    if (cache_set(c, key, value, SUCCESS_RUN_KEPT_MS) != E_OK) {
        ctx_forgive(c);
    }
}

static void find_good(struct ctx *c, const struct success_run *run, struct success_result *r)
{
    struct str key = good_key(c, run, r->tool), text;
    const struct json *kept;
    struct json_fault fault;
    if (run->as_of_ms || key.n > KEY_BYTES || !cache_get(c, key, &text) ||
        json_parse(c->arena, text, &kept, &fault) != E_OK) {
        return;
    }
    r->cached = true;
    r->stale_since_ms = json_int(kept, "at", 0);
    r->data = json_get(kept, "data");
}

/* ---- one tool ------------------------------------------------------------ */

static void wait_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* As its deadline would end it; the asker going away ends it too. */
static enum err stall(struct ctx *c)
{
    while (ctx_check(c) == E_OK) {
        wait_ms(TICK_MS);
    }
    return ctx_fail(c, E_TIMEOUT, "the tool did not answer");
}

static void run_attempt(struct ctx *c, const struct success_run *run, struct success_result *r)
{
    static const struct json garbage = {.kind = JSON_STRING, .string = {"garbage", 7}};
    const struct success_input in = {run->account, run->as_of_ms, run->params};
    const struct json *envelope = &json_empty_object;
    enum mishap_fate fate = mishap_of(c, r->tool->name);
    int status;
    int64_t before = ctx_limit(c, run->tool_ms);
    if (fate == MISHAP_NONE || fate == MISHAP_GARBLES) {
        success_tool_run(c, r->tool, &in, &envelope, &status);
    } else {
        enum err e = fate == MISHAP_STALLS ? stall(c)
                     : fate == MISHAP_LATE ? E_TIMEOUT
                                           : E_INTERNAL;
        success_tool_fault(c, e, &envelope, &status);
    }
    c->deadline_steady_ms = before;
    r->ok = json_bool(envelope, "ok", false);
    r->data = r->ok ? json_get(envelope, "data") : NULL;
    r->data = r->ok && fate == MISHAP_GARBLES ? &garbage : r->data;
    const struct json *error = json_get(envelope, "error");
    r->code = json_str(error, "code", STR(""));
    r->message = json_str(error, "message", STR(""));
    const char *misfit = r->ok ? success_tool_misfit(r->tool, r->data) : NULL;
    if (misfit) {
        *r = (struct success_result){.tool = r->tool, .attempts = r->attempts};
        r->code = STR("BAD_SHAPE");
        r->message = str_of(misfit);
    }
}

static bool is_failure(const struct success_result *r)
{
    return str_eqz(r->code, "TOOL_FAILURE") || str_eqz(r->code, "TIMEOUT") ||
           str_eqz(r->code, "BAD_SHAPE");
}

static void run_tool(struct ctx *c, const struct success_run *run, struct success_result *r)
{
    if (circuit_is_open(c, r->tool)) {
        r->code = STR("CIRCUIT_OPEN");
        r->message = STR("it failed several times and is left alone for a moment");
        find_good(c, run, r);
        return;
    }
    int64_t pause_ms = run->tool_ms / 5; /* where a tool has little time, its pause is short too */
    pause_ms = pause_ms < SUCCESS_RUN_PAUSE_MS ? pause_ms : SUCCESS_RUN_PAUSE_MS;
    for (r->attempts = 1;; r->attempts++) {
        run_attempt(c, run, r);
        bool again = is_failure(r) && !str_eqz(r->code, "BAD_SHAPE") && r->attempts == 1;
        if (!again || ctx_check(c) != E_OK) {
            break;
        }
        uint8_t chance;
        id_random_bytes(&chance, 1);
        wait_ms(pause_ms + chance * pause_ms / 2 / 255);
    }
    ctx_forgive(c);
    if (r->ok) {
        circuit_worked(c, r->tool);
        keep_good(c, run, r);
    } else if (is_failure(r)) {
        circuit_failed(c, r->tool);
        find_good(c, run, r);
    }
}

static void count_tool(struct ctx *c, const struct success_result *r)
{
    const char *labels = r->ok       ? "outcome=\"ok\""
                         : r->cached ? "outcome=\"stale\""
                                     : "outcome=\"failed\"";
    metric_add(metric_series(c->at->metrics, METRIC_COUNTER, "rapport_success_tools_total",
                             "Tools of the success copilot that ended", labels),
               1);
    metric_observe_ms(metric_series(c->at->metrics, METRIC_HISTOGRAM,
                                    "rapport_success_tool_seconds", "How long they took", ""),
                      (double)r->took_us / 1000);
}

/* ---- the crew ------------------------------------------------------------ */

static void leave_crew(struct crew *w)
{
    pthread_mutex_lock(&w->lock);
    bool last = --w->refs == 0;
    pthread_mutex_unlock(&w->lock);
    if (!last) {
        return;
    }
    for (int i = 0; i < w->count; i++) {
        ctx_free(&w->tasks[i].c); /* nobody came to run it */
        arena_free(&w->tasks[i].kept);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->telling);
    pthread_cond_destroy(&w->news);
    free(w);
}

static void keep_result(struct task *task, const struct success_result *r)
{
    struct arena *a = arena_new(TOOL_BYTES);
    task->result = *r;
    task->result.data = r->data ? json_copy(a, r->data) : NULL;
    task->result.code = str_dup(a, r->code);
    task->result.message = str_dup(a, r->message);
    task->kept = a;
}

static void do_task(struct crew *w, struct task *task)
{
    struct ctx *c = task->c;
    struct success_result r = task->result;
    int64_t began_us = clock_steady_us();
    tell_start(w, c, r.tool);
    run_tool(c, &task->run, &r);
    r.took_us = clock_steady_us() - began_us;
    count_tool(c, &r);
    tell_end(w, c, &r);
    keep_result(task, &r);
    task->c = NULL;
    ctx_free(&c);
    pthread_mutex_lock(&w->lock);
    task->stage = DONE;
    pthread_cond_broadcast(&w->news);
    pthread_mutex_unlock(&w->lock);
}

static struct task *take_task(struct crew *w)
{
    struct task *found = NULL;
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->count && !found && !w->closed; i++) {
        if (w->tasks[i].stage == WAITS) {
            found = &w->tasks[i];
            found->stage = RUNS;
            found->began_ms = clock_steady_ms();
        }
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

static void help(struct ctx *c, void *arg)
{
    struct crew *w = arg;
    (void)c;
    for (struct task *task; (task = take_task(w)) != NULL;) {
        do_task(w, task);
    }
    leave_crew(w);
}

static struct crew *make_crew(struct ctx *c, const struct success_run *run)
{
    struct crew *w = mem_new(sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->telling, NULL);
    pthread_cond_init(&w->news, NULL);
    w->refs = 1;
    w->sink = run->sink;
    w->count = run->plan->count;
    for (int i = 0; i < w->count; i++) {
        struct task *task = &w->tasks[i];
        task->c = ctx_child(c, TOOL_BYTES);
        task->c->cancel = &w->cancel;
        task->run = *run;
        task->run.account = str_dup(task->c->arena, run->account);
        task->run.params = run->params ? json_copy(task->c->arena, run->params) : NULL;
        task->run.tool_ms = run->tool_ms ? run->tool_ms : SUCCESS_RUN_TOOL_MS;
        task->result.tool = run->plan->steps[i].tool;
    }
    return w;
}

/* The asker itself runs one after another; whoever has time takes some off it. */
static void call_helpers(struct ctx *c, struct crew *w)
{
    for (int i = 1; i < w->count; i++) {
        pthread_mutex_lock(&w->lock);
        w->refs++;
        pthread_mutex_unlock(&w->lock);
        if (!workers_post(c->at->workers, LANE_REQUEST, help, w)) {
            leave_crew(w);
            return;
        }
    }
}

static bool asker_is_gone(struct ctx *c, const struct success_sink *sink)
{
    return ctx_check(c) == E_CANCELLED || (sink && sink->gone && sink->gone(c, sink->arg));
}

/* Waits until all are done, or are past any time they could rightly take. */
static void wait_for_all(struct ctx *c, struct crew *w)
{
    int64_t patience_ms = 2 * w->tasks[0].run.tool_ms + 2 * SUCCESS_RUN_PAUSE_MS + LATE_MS;
    int64_t give_up_ms = clock_steady_ms() + patience_ms;
    bool waits = true;
    while (waits) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += TICK_MS * 1000000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_mutex_lock(&w->lock);
        waits = false;
        for (int i = 0; i < w->count; i++) {
            waits = waits || w->tasks[i].stage == RUNS;
        }
        if (waits) {
            pthread_cond_timedwait(&w->news, &w->lock, &at);
        }
        pthread_mutex_unlock(&w->lock);
        if (waits && asker_is_gone(c, w->sink)) {
            atomic_store(&w->cancel, true);
        }
        waits = waits && clock_steady_ms() < give_up_ms;
    }
}

/* What did not come is told as ended, too. */
static void collect(struct ctx *c, struct crew *w, const struct success_plan *plan,
                    struct success_result *out)
{
    struct arena *a = c->arena;
    for (int i = 0; i < w->count; i++) {
        const struct task *task = &w->tasks[i];
        if (task->stage == DONE) { /* else it is still its thread's */
            out[i] = task->result;
            out[i].data = out[i].data ? json_copy(a, out[i].data) : NULL;
            out[i].code = str_dup(a, out[i].code);
            out[i].message = str_dup(a, out[i].message);
            continue;
        }
        bool began = task->stage == RUNS;
        out[i] = (struct success_result){.tool = plan->steps[i].tool, .attempts = began};
        out[i].code = began ? STR("TIMEOUT") : STR("CANCELLED");
        out[i].message =
            began ? STR("the tool did not answer in time") : STR("nobody waits for it");
        out[i].took_us = began ? (clock_steady_ms() - task->began_ms) * 1000 : 0;
    }
}

void success_run_tools(struct ctx *c, const struct success_run *run,
                       struct success_result *out_results)
{
    bool left[SUCCESS_TOOLS_PER_ASK_MAX] = {false};
    if (run->plan->count == 0) {
        return;
    }
    struct crew *w = make_crew(c, run);
    call_helpers(c, w);
    for (struct task *task; (task = take_task(w)) != NULL;) {
        if (asker_is_gone(c, run->sink)) {
            atomic_store(&w->cancel, true);
        }
        do_task(w, task);
    }
    wait_for_all(c, w);
    pthread_mutex_lock(&w->telling); /* from here on only this thread tells */
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    collect(c, w, run->plan, out_results);
    for (int i = 0; i < w->count; i++) {
        left[i] = w->tasks[i].stage != DONE;
    }
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_unlock(&w->telling);
    atomic_store(&w->cancel, true);
    for (int i = 0; i < w->count; i++) {
        if (left[i]) {
            tell_result(c, run->sink, &out_results[i]);
        }
    }
    leave_crew(w);
    ctx_forgive(c);
}
