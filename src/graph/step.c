#include "graph/step.h"

#include "graph/checkpoint.h"

const struct json *step_state(const struct step *s)
{
    return s->drive->state;
}

const struct json *step_get(const struct step *s, const char *field)
{
    return json_get(s->drive->state, field);
}

const struct id *step_run(const struct step *s)
{
    return &s->drive->run.id;
}

struct str step_thread(const struct step *s)
{
    return s->drive->run.thread;
}

struct str step_version(const struct step *s)
{
    return s->drive->run.version;
}

int step_seq(const struct step *s)
{
    return s->seq;
}

int step_attempt(const struct step *s)
{
    return s->attempt;
}

const struct json *step_payload(const struct step *s)
{
    return json_get(s->drive->entry, "payload");
}

const struct json *step_failure(const struct step *s)
{
    return json_get(s->drive->entry, "failure");
}

void *step_arg(const struct step *s)
{
    const struct drive *d = s->drive;
    return d->driver ? d->driver->arg : runs_arg(d->runs);
}

bool step_is_replay(const struct step *s)
{
    return s->drive->replay;
}

const struct json *step_recorded(struct ctx *c, const struct step *s, const char *kind, int n)
{
    (void)c;
    const struct json *all = s->drive->recorded;
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *record = json_at(all, i);
        if (str_eqz(json_str(record, "kind", STR("")), kind) && n-- == 0) {
            return json_get(record, "data");
        }
    }
    return NULL;
}

void step_put(struct step *s, const char *field, const struct json *value)
{
    const struct json *v = value ? value : &json_null_value;
    s->delta = json_with(s->arena, s->delta, str_of(field), v);
}

static enum graph_verdict wait_for(struct step *s, const char *kind, const char *name,
                                   int64_t until_ms)
{
    s->wait_kind = kind;
    s->wait_name = str_dup(s->arena, str_of(name));
    s->wait_until_ms = until_ms > 0 ? until_ms : 0;
    return GRAPH_WAIT;
}

enum graph_verdict step_wait_person(struct step *s, const char *name, int64_t timeout_at_ms)
{
    return wait_for(s, "person", name, timeout_at_ms);
}

enum graph_verdict step_wait_event(struct step *s, const char *name, int64_t timeout_at_ms)
{
    return wait_for(s, "event", name, timeout_at_ms);
}

enum graph_verdict step_wait_until(struct step *s, int64_t at_ms)
{
    return wait_for(s, "timer", "timer", at_ms > 0 ? at_ms : 1);
}

bool step_on_commit(struct step *s, enum err (*fn)(struct ctx *c, struct store *store, void *arg),
                    void *arg)
{
    if (s->hook_count == STEP_ON_COMMIT_MAX) {
        s->hooks_over = true;
        return false;
    }
    s->hooks[s->hook_count++] = (struct step_hook){fn, arg};
    return true;
}

/* A record that does not fit is dropped whole, so that the list stays readable. */
void step_trace(struct ctx *c, struct step *s, const char *kind, const struct json *data)
{
    struct json_out before = s->trace_out;
    size_t n = s->trace.n;
    if (n == 0) {
        s->trace = buf_make(STEP_TRACE_MAX_BYTES);
        s->trace_out = json_out_to(&s->trace);
        json_open_array(&s->trace_out);
        before = s->trace_out;
        n = s->trace.n;
    }
    json_open_object(&s->trace_out);
    json_field_str(&s->trace_out, "kind", str_of(kind));
    json_field_int(&s->trace_out, "at", ctx_now_ms(c));
    json_field_int(&s->trace_out, "attempt", s->attempt);
    json_field(&s->trace_out, "data", data);
    json_close_object(&s->trace_out);
    if (s->trace.overflow || s->trace.n + 128 > STEP_TRACE_MAX_BYTES) {
        s->trace.overflow = false;
        s->trace.n = n;
        s->trace_out = before;
        s->trace_cut++;
    }
}

void step_summary(struct step *s, const struct json *input, const struct json *output)
{
    s->input = input;
    s->output = output;
}

enum err step_save(struct ctx *c, struct step *s)
{
    enum err e = checkpoint_flush(c, s->drive);
    if (e == E_OK || e == E_CONFLICT) {
        return e;
    }
    ctx_forgive(c);
    return E_OK;
}

void step_piece(struct ctx *c, struct step *s, struct str text)
{
    const struct run_driver *driver = s->drive->driver;
    const struct run_watch *w = driver ? driver->watch : NULL;
    if (w && w->on_piece) {
        w->on_piece(c, &s->drive->run.id, text, w->arg);
    }
}

void step_spend(struct step *s, int64_t tokens_in, int64_t tokens_out, int64_t cost_microcents)
{
    s->tokens_in += tokens_in > 0 ? tokens_in : 0;
    s->tokens_out += tokens_out > 0 ? tokens_out : 0;
    s->cost_microcents += cost_microcents > 0 ? cost_microcents : 0;
}

static int64_t left(int64_t max, int64_t spent)
{
    if (max <= 0) {
        return INT64_MAX;
    }
    return spent < max ? max - spent : 0;
}

int64_t step_tokens_left(const struct step *s)
{
    const struct run *r = &s->drive->run;
    return left(s->drive->limits.tokens_max,
                r->tokens_in + r->tokens_out + s->tokens_in + s->tokens_out);
}

int64_t step_cost_left_microcents(const struct step *s)
{
    return left(s->drive->limits.cost_microcents_max,
                s->drive->run.cost_microcents + s->cost_microcents);
}
