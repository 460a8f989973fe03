/* models_chat: from a request to an answer, step by step. Each step does one thing; `send` alone
 * talks to providers, over as many models and attempts as it takes. */
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/mishap.h"
#include "llm/fleet.h"
#include "llm/ledger.h"
#include "llm/remember.h"
#include "llm/vet.h"

enum {
    TIMEOUT_MS = 120000,
    IDLE_TIMEOUT_MS = 20000,
    MAX_TOKENS = 1024,
    PAUSE_SLICE_MS = 10,
    KEPT_MAX_BYTES = 256 << 10
};

/* One request on its way. */
struct ask {
    struct models *m;
    const struct chat_request *asked; /* as the caller gave it */
    struct chat_request request;      /* with defaults filled in, and what a second try adds */
    struct fleet_candidate candidates[FLEET_CANDIDATES_MAX];
    int candidate_count;
    int64_t tokens; /* estimated, of the request alone */
    struct remember_place place;
    struct ledger_hold hold;
    bool sent;        /* something reached a provider */
    bool wire;        /* one of them costs something: it is written down */
    bool answered;    /* from the cache: no more steps */
    int64_t began_ms; /* steady */
    int64_t until_ms; /* steady: all attempts together */
    bool reasked;     /* a structured answer was asked for again */
    struct chat_result result;
};

/* ---- check -------------------------------------------------------------------------------- */

static enum err check_tools(struct ctx *c, const struct chat_request *r)
{
    bool named = r->tool_choice != CHAT_TOOLS_NAMED;
    for (int i = 0; i < r->tool_count; i++) {
        struct str name = r->tools[i].name;
        if (name.n == 0 || name.n > CHAT_NAME_MAX_BYTES) {
            return ctx_fail_field(c, E_INVALID, "tools", "a tool's name has 1 to %d bytes",
                                  CHAT_NAME_MAX_BYTES);
        }
        named = named || str_eq(name, r->tool_name);
    }
    if (!named || (r->tool_choice == CHAT_TOOLS_REQUIRED && r->tool_count == 0)) {
        return ctx_fail_field(c, E_INVALID, "tool_choice", "the tool to be used is not offered");
    }
    return E_OK;
}

static enum err check(struct ctx *c, struct ask *k)
{
    struct chat_request *r = &k->request;
    if (r->message_count < 1 || r->message_count > CHAT_MESSAGES_MAX) {
        return ctx_fail_field(c, r->message_count < 1 ? E_INVALID : E_TOO_LARGE, "messages",
                              "a request has 1 to %d messages", CHAT_MESSAGES_MAX);
    }
    if (r->tool_count > CHAT_TOOLS_MAX || r->stop_count > CHAT_STOP_MAX) {
        return ctx_fail_field(c, E_TOO_LARGE, "tools",
                              "a request has at most %d tools and %d stops", CHAT_TOOLS_MAX,
                              CHAT_STOP_MAX);
    }
    if (r->temperature > 2) {
        return ctx_fail_field(c, E_INVALID, "temperature", "temperature is 0 to 2");
    }
    TRY(check_tools(c, r));
    r->max_tokens = r->max_tokens > 0 ? r->max_tokens : MAX_TOKENS;
    r->timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : TIMEOUT_MS;
    r->idle_timeout_ms = r->idle_timeout_ms > 0 ? r->idle_timeout_ms : IDLE_TIMEOUT_MS;
    if (r->schema) {
        r->stream = NULL; /* an answer that may be refused is not handed out in pieces */
    }
    k->until_ms = k->began_ms + ctx_left_ms(c, r->timeout_ms);
    k->tokens = models_request_tokens(r);
    return E_OK;
}

static enum err choose(struct ctx *c, struct ask *k)
{
    return fleet_choose(c, k->m, &k->request, k->tokens + k->request.max_tokens, k->candidates,
                        &k->candidate_count);
}

/* ---- recall and reserve ------------------------------------------------------------------- */

static struct str full_name(struct arena *a, const struct fleet_candidate *f)
{
    return str_fmt(a, "%.*s/%.*s", STR_ARG(f->provider->account.name), STR_ARG(f->model->name));
}

static enum err recall(struct ctx *c, struct ask *k)
{
    if (k->candidates[0].provider->registered) {
        return E_OK; /* what it answers depends on more than the request tells */
    }
    k->place = remember_place(c, k->m, &k->request, full_name(c->arena, &k->candidates[0]));
    k->answered = remember_get(c, k->m, &k->place, &k->result);
    return E_OK;
}

static enum err reserve(struct ctx *c, struct ask *k)
{
    struct spend_estimate worst = {0};
    struct chat_usage most = {.tokens_in = k->tokens, .tokens_out = k->request.max_tokens};
    for (int i = 0; i < k->candidate_count; i++) {
        int64_t cost = fleet_cost(k->candidates[i].model, &most);
        worst.microcents = cost > worst.microcents ? cost : worst.microcents;
        worst.tokens = k->candidates[i].provider->registered ? worst.tokens
                                                             : k->tokens + k->request.max_tokens;
    }
    if (!c->at->stores || !id_is_set(&c->org) || worst.tokens == 0) {
        return E_OK;
    }
    return ledger_reserve(c, k->m->ledger, k->request.origin.agent, &worst, &k->hold);
}

/* ---- send --------------------------------------------------------------------------------- */

/* What the provider says it used; an estimate when it kept silent although it worked. */
static void count_usage(struct ask *k, const struct fleet_candidate *f,
                        const struct provider_answer *answer, enum err outcome)
{
    struct chat_usage u = answer->usage;
    bool silent = u.tokens_in == 0 && u.tokens_out == 0;
    bool worked = outcome == E_OK || answer->text.n > 0 || answer->call_count > 0;
    if (silent && worked && !f->provider->registered) {
        u.tokens_in = k->tokens;
        u.tokens_out = models_tokens(answer->text);
        for (int i = 0; i < answer->call_count; i++) {
            u.tokens_out += models_tokens(answer->calls[i].arguments_text) + 8;
        }
        u.estimated = true;
    }
    struct chat_usage *sum = &k->result.usage;
    sum->tokens_in += u.tokens_in;
    sum->tokens_in_cached += u.tokens_in_cached;
    sum->tokens_out += u.tokens_out;
    sum->estimated = sum->estimated || u.estimated;
    k->result.cost_microcents += fleet_cost(f->model, &u);
}

static struct series *requests_series(struct ctx *c, const struct fleet_provider *p, enum err e)
{
    struct str labels = str_fmt(c->arena, "provider=\"%.*s\",outcome=\"%s\"",
                                STR_ARG(p->account.name), e == E_OK ? "ok" : err_name(e));
    return metric_series(c->at->metrics, METRIC_COUNTER, "rapport_llm_requests_total",
                         "Requests sent to model providers.", labels.p);
}

/* Series are found once and kept: they are for ever. */
static void measure(struct ctx *c, struct fleet_provider *p, enum err outcome, int64_t ms)
{
    if (!c->at->metrics) {
        return;
    }
    struct series *took = atomic_load(&p->took), *good = atomic_load(&p->good);
    if (!took || !good) {
        took = metric_series(c->at->metrics, METRIC_HISTOGRAM, "rapport_llm_request_seconds",
                             "How long model providers took.", "");
        good = requests_series(c, p, E_OK);
        atomic_store(&p->took, took);
        atomic_store(&p->good, good);
    }
    metric_add(outcome == E_OK ? good : requests_series(c, p, outcome), 1);
    metric_observe_ms(took, (double)ms);
}

/* One attempt with one model. */
static enum err attempt(struct ctx *c, struct ask *k, const struct fleet_candidate *f,
                        struct provider_answer *answer)
{
    int64_t now = clock_steady_ms();
    struct provider_call call = {.request = &k->request,
                                 .account = &f->provider->account,
                                 .model = f->model->name,
                                 .timeout_ms = k->until_ms - now,
                                 .idle_timeout_ms = k->request.idle_timeout_ms};
    *answer = (struct provider_answer){.text = STR("")};
    ctx_forgive(c); /* of the attempt before */
    k->sent = true;
    k->wire = k->wire || !f->provider->registered;
    k->result.attempts++;
    enum err e = mishap_at(c, MISHAP_MODEL);
    e = e == E_OK ? f->provider->provider->send(c, &call, f->provider->arg, answer) : e;
    if (e != E_OK && c->fault.err != e) {
        ctx_fail(c, e, "%.*s gave no answer", STR_ARG(f->provider->account.name));
    }
    fleet_report(c, k->m, f->provider, e);
    measure(c, f->provider, e, clock_steady_ms() - now);
    count_usage(k, f, answer, e);
    return e;
}

/* E_TIMEOUT or E_CANCELLED when waiting so long makes no sense any more. */
static enum err pause_for(struct ctx *c, const struct ask *k, int64_t ms)
{
    int64_t until = clock_steady_ms() + ms;
    if (until >= k->until_ms) {
        return ctx_fail(c, E_TIMEOUT, "no time is left to ask the model again");
    }
    while (clock_steady_ms() < until) {
        TRY(ctx_check(c));
        int64_t left = until - clock_steady_ms();
        left = left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS;
        struct timespec t = {0, left > 0 ? left * 1000000 : 1};
        nanosleep(&t, NULL);
    }
    return ctx_check(c);
}

/* Doubled each time, with up to a half more so that many callers do not come back together. */
static int64_t backoff_ms(const struct models *m, int attempt_number)
{
    int64_t ms = m->config.backoff_ms;
    for (int i = 1; i < attempt_number && ms < m->config.backoff_max_ms; i++) {
        ms *= 2;
    }
    unsigned char random = 0;
    id_random_bytes(&random, 1);
    ms += ms * random / 512;
    return ms < m->config.backoff_max_ms ? ms : m->config.backoff_max_ms;
}

static bool is_over(struct ctx *c, const struct ask *k, const struct provider_answer *answer,
                    enum err e)
{
    return e == E_OK || e == E_CANCELLED || answer->handed_out ||
           clock_steady_ms() >= k->until_ms || ctx_is_cancelled(c);
}

/* All attempts with one model. *out_over: there is no point in asking another. */
static enum err try_model(struct ctx *c, struct ask *k, const struct fleet_candidate *f,
                          struct provider_answer *answer, bool *out_over)
{
    enum err e = E_UNAVAILABLE;
    for (int i = 1; i <= k->m->config.attempts_max; i++) {
        int64_t open_until_ms = 0;
        if (!fleet_admit(c, k->m, f->provider, &open_until_ms)) {
            e = ctx_fail(c, E_UNAVAILABLE, "%.*s has failed too often and is left alone for now",
                         STR_ARG(f->provider->account.name));
            c->fault.retry_after_ms = (int)(open_until_ms - ctx_now_ms(c));
            return e;
        }
        e = attempt(c, k, f, answer);
        *out_over = is_over(c, k, answer, e);
        int64_t asked_ms = c->fault.retry_after_ms;
        /* a stall has cost so much time that another model gets what is left of it */
        bool stalled = e == E_TIMEOUT && f != &k->candidates[k->candidate_count - 1];
        if (*out_over || stalled || !err_is_transient(e) || i == k->m->config.attempts_max ||
            asked_ms > k->m->config.backoff_max_ms) {
            return e;
        }
        struct fault why = c->fault;
        int64_t ms = backoff_ms(k->m, i);
        if (pause_for(c, k, asked_ms > ms ? asked_ms : ms) != E_OK) {
            *out_over = true;
            if (c->fault.err == E_CANCELLED) {
                return E_CANCELLED;
            }
            c->fault = why; /* what went wrong says more than that time is up */
            return e;
        }
    }
    return e;
}

static enum err try_all(struct ctx *c, struct ask *k, struct provider_answer *answer)
{
    struct fault why = {.err = E_OK};
    for (int i = 0; i < k->candidate_count; i++) {
        const struct fleet_candidate *f = &k->candidates[i];
        bool over = false;
        enum err e = try_model(c, k, f, answer, &over);
        if (e == E_OK) {
            k->result.provider = f->provider->account.name;
            k->result.model = f->model->name;
            return E_OK;
        }
        /* The caller hears of what may pass rather than of what the stand-in could not do. */
        if (why.err == E_OK || !err_is_transient(why.err) || err_is_transient(e)) {
            why = c->fault;
        }
        if (over) {
            break;
        }
        log_at(c, LOG_WARN, "model failed, trying the next",
               LOG_STR("provider", f->provider->account.name), LOG_STR("model", f->model->name),
               LOG_Z("error", c->fault.text));
    }
    c->fault = why;
    return why.err;
}

static void take_answer(struct ask *k, const struct provider_answer *answer)
{
    k->result.text = answer->text;
    k->result.calls = answer->calls;
    k->result.call_count = answer->call_count;
    k->result.stop = answer->stop;
    k->result.side = answer->side;
    k->result.first_piece_ms = answer->first_piece_ms;
}

/* The conversation so far, the answer that was refused, and why. */
static void add_reask(struct ctx *c, struct ask *k, struct str answer, struct str why)
{
    struct chat_request *r = &k->request;
    size_t n = (size_t)r->message_count;
    struct chat_message *all = ARENA_ARRAY(c->arena, struct chat_message, n + 2);
    memcpy(all, r->messages, n * sizeof(*all));
    all[n] = (struct chat_message){.role = CHAT_ASSISTANT,
                                   .text = answer.n ? answer : STR("(no answer)")};
    all[n + 1] = (struct chat_message){
        .role = CHAT_USER,
        .text = str_fmt(c->arena,
                        "Your answer cannot be used: %.*s. Answer again, with the corrected JSON "
                        "value and nothing else.",
                        STR_ARG(why))};
    r->messages = all;
    r->message_count += 2;
    k->tokens = models_request_tokens(r);
    k->reasked = true;
}

/* Tool calls instead of a structured answer are fine: the answer comes later. */
static enum err check_answer(struct ctx *c, struct ask *k, bool *out_again)
{
    struct chat_result *r = &k->result;
    *out_again = false;
    if (!k->request.schema || r->call_count > 0) {
        return E_OK;
    }
    struct str why = STR("");
    enum err e = vet_json(c, k->request.schema, r->text, &r->json, &why);
    if (e == E_OK) {
        r->text = json_write(c->arena, r->json); /* as mended */
    }
    if (e != E_INCOMPLETE) {
        return e;
    }
    if (k->reasked) {
        return ctx_fail(c, E_INCOMPLETE, "the model's answer is not what was asked for: %.*s",
                        STR_ARG(why));
    }
    add_reask(c, k, r->text, why);
    *out_again = true;
    return E_OK;
}

static enum err send(struct ctx *c, struct ask *k)
{
    for (bool again = true; again;) {
        struct provider_answer answer;
        TRY(try_all(c, k, &answer));
        vet_calls(c->arena, &k->request, answer.calls, answer.call_count);
        take_answer(k, &answer);
        TRY(check_answer(c, k, &again));
    }
    remember_put(c, k->m, &k->place, &k->result);
    return E_OK;
}

/* ---- afterwards --------------------------------------------------------------------------- */

/* Writes down what it cost, whichever way it ended. A failure to do so must not lose the answer. */
static void settle(struct ctx *c, struct ask *k, enum err outcome)
{
    bool hit = k->result.cache != CHAT_CACHE_NONE;
    if (!(k->wire || hit || k->hold.purse) || !c->at->stores || !id_is_set(&c->org)) {
        return;
    }
    struct spend_usage u = {.origin = &k->request.origin,
                            .provider = k->result.provider,
                            .model = k->result.model,
                            .usage = k->result.usage,
                            .cost_microcents = hit ? 0 : k->result.cost_microcents,
                            .saved_microcents = hit ? k->result.cost_microcents : 0,
                            .cache = k->result.cache,
                            .latency_ms = clock_steady_ms() - k->began_ms,
                            .attempts = k->result.attempts,
                            .outcome = outcome};
    if (u.provider.n == 0 && k->candidate_count) {
        u.provider = k->candidates[0].provider->account.name;
        u.model = k->candidates[0].model->name;
    }
    struct fault kept = c->fault;
    if (ledger_settle(c, k->m->ledger, &u, &k->hold) != E_OK) {
        log_at(c, LOG_ERROR, "model usage not recorded yet", LOG_Z("error", c->fault.text));
    }
    c->fault = kept;
}

static struct str kept_text(struct ctx *c, const struct ask *k, struct str text)
{
    const struct models_config *config = &k->m->config;
    text = str_sub(text, 0, KEPT_MAX_BYTES);
    if (config->keep) {
        return config->keep(c, k->asked, text, config->keep_arg);
    }
    if (!k->asked->personal) {
        return text;
    }
    struct buf masked = buf_make(2 * KEPT_MAX_BYTES);
    log_mask(&masked, text);
    struct str out = str_dup(c->arena, buf_str(&masked));
    buf_free(&masked);
    return out;
}

static void put(struct buf *b, const char *before, struct str text, const char *after)
{
    buf_add_str(b, str_of(before));
    buf_add_str(b, text);
    buf_add_str(b, str_of(after));
}

static struct str prompt_text(struct ctx *c, const struct chat_request *r)
{
    static const char *const roles[] = {"user: ", "assistant: ", "tool: "};
    struct buf b = buf_make(KEPT_MAX_BYTES);
    if (r->system.n) {
        put(&b, "system: ", r->system, "\n");
    }
    for (int i = 0; i < r->message_count; i++) {
        const struct chat_message *m = &r->messages[i];
        put(&b, roles[m->role], m->text, "\n");
        for (int n = 0; n < m->call_count; n++) {
            put(&b, "  calls ", m->calls[n].name, " ");
            put(&b, "", m->calls[n].arguments_text, "\n");
        }
    }
    struct str text = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return text;
}

/* What the caller's stream has not heard yet: a cached or structured answer in one piece, the
 * calls. */
static enum err tell(struct ctx *c, struct ask *k)
{
    const struct chat_stream *s = k->asked->stream;
    const struct chat_result *r = &k->result;
    bool untold = k->answered || k->asked->schema;
    if (s && s->on_text && untold && r->text.n) {
        TRY(s->on_text(c, r->text, s->arg));
    }
    for (int i = 0; s && s->on_call && i < r->call_count; i++) {
        TRY(s->on_call(c, &r->calls[i], s->arg));
    }
    if (s && s->on_usage) {
        s->on_usage(c, &r->usage, s->arg);
    }
    return E_OK;
}

static enum err finish(struct ctx *c, struct ask *k)
{
    struct chat_result *r = &k->result;
    r->latency_ms = clock_steady_ms() - k->began_ms;
    if (k->answered) {
        r->cost_microcents = 0;
    }
    r->prompt_kept = kept_text(c, k, prompt_text(c, k->asked));
    r->response_kept = kept_text(c, k, r->text);
    return tell(c, k);
}

static const struct {
    const char *name;
    enum err (*fn)(struct ctx *c, struct ask *k);
} STEPS[] = {
    {"check", check}, {"choose", choose}, {"recall", recall}, {"reserve", reserve}, {"send", send},
};

enum err models_chat(struct ctx *c, const struct chat_request *request,
                     struct chat_result *out_result)
{
    if (!c->at->models) {
        return ctx_fail_field(c, E_NOT_FOUND, "model", "no model is configured");
    }
    struct ask k = {
        .m = c->at->models, .asked = request, .request = *request, .began_ms = clock_steady_ms()};
    enum err e = E_OK;
    for (size_t i = 0; i < sizeof(STEPS) / sizeof(*STEPS) && e == E_OK && !k.answered; i++) {
        e = STEPS[i].fn(c, &k);
    }
    if (k.sent || k.answered || k.hold.purse) {
        settle(c, &k, e);
    }
    TRY(e);
    ctx_forgive(c);
    TRY(finish(c, &k));
    *out_result = k.result;
    return E_OK;
}
