#include "svc/agent/ask_stream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/share.h"

enum { FRAME_MAX_BYTES = 512 << 10, QUESTION_MS = 300000 };

/* What the channel carries: lives as long as anybody holds it. */
struct reader {
    struct channel_owner owner; /* first */
    atomic_bool left;           /* cancels what is between two steps; a step is the run's */
    atomic_bool started;        /* `run` is set */
    struct id org, run;
};

/* One question on its way through a worker: what the request's ctx knew, copied. */
struct asking {
    struct channel *channel;
    struct reader *reader; /* the channel's */
    struct id org, actor;
    enum actor_kind actor_kind;
    uint32_t roles;
    char request_id[CTX_REQUEST_ID_BYTES + 1], span_id[17];
    struct id agent;
    bool started;
    size_t text_bytes;
    char text[];
};

bool ask_stream_is_wanted(const struct call *call)
{
    return str_find(request_header(call->in, "Accept"), STR("text/event-stream")) >= 0;
}

enum err ask_stream_check(struct ctx *c, const struct run *run)
{
    return run->status == RUN_FAILED
               ? ctx_fail(c, E_UNAVAILABLE, "the copilot could not answer: %.*s",
                          STR_ARG(run->error))
               : E_OK;
}

void ask_stream_write(struct json_out *o, const struct run *run)
{
    json_open_object(o);
    json_field_str(o, "run_id", id_str(&run->id));
    json_field_str(o, "status", str_of(run_status_name(run->status)));
    json_field(o, "answer", json_get(run->state, "answer"));
    json_close_object(o);
}

/* ---- frames -------------------------------------------------------------- */

struct frame_out {
    struct buf text;
    struct json_out json;
};

static struct json_out *begin(struct frame_out *f)
{
    f->text = buf_make(FRAME_MAX_BYTES);
    f->json = json_out_to(&f->text);
    return &f->json;
}

static void end(struct frame_out *f, struct asking *q, const char *event)
{
    if (!f->text.overflow) {
        channel_event(q->channel, STR(""), str_of(event), buf_str(&f->text));
    }
    buf_free(&f->text);
}

static void tell_started(struct asking *q, const struct id *run)
{
    struct frame_out f;
    if (q->started) {
        return;
    }
    q->started = true;
    q->reader->run = *run;
    atomic_store(&q->reader->started, true);
    struct json_out *o = begin(&f);
    json_open_object(o);
    json_field_str(o, "run_id", id_str(run));
    json_close_object(o);
    end(&f, q, "started");
}

static void on_step_started(struct ctx *c, const struct id *run, const char *node, void *arg)
{
    (void)c;
    (void)node;
    tell_started(arg, run);
}

static void on_text(struct ctx *c, const struct id *conversation, const struct id *run,
                    struct str piece, void *arg)
{
    struct frame_out f;
    (void)c;
    (void)conversation;
    struct json_out *o = begin(&f);
    json_open_object(o);
    json_field_str(o, "turn", id_str(run));
    json_field_str(o, "text", piece);
    json_close_object(o);
    end(&f, arg, "delta");
}

static void on_retract(struct ctx *c, const struct id *conversation, const struct id *run,
                       void *arg)
{
    struct frame_out f;
    (void)c;
    (void)conversation;
    struct json_out *o = begin(&f);
    json_open_object(o);
    json_field_str(o, "turn", id_str(run));
    json_close_object(o);
    end(&f, arg, "retract");
}

static void on_step_finished(struct ctx *c, const struct turn_step *step, void *arg)
{
    struct frame_out f;
    (void)c;
    struct json_out *o = begin(&f);
    json_open_object(o);
    json_field_str(o, "run_id", id_str(step->run));
    json_field_str(o, "node", str_of(step->node));
    json_field_str(o, "status", step->outcome == E_OK ? STR("done") : STR("failed"));
    json_field_int(o, "duration_ms", step->duration_ms);
    json_close_object(o);
    end(&f, arg, "step");
}

static void tell_error(struct ctx *c, struct asking *q)
{
    struct frame_out f;
    bool ours = c->fault.err == E_INTERNAL || !c->fault.text[0];
    struct json_out *o = begin(&f);
    json_open_object(o);
    json_field_str(o, "code", str_of(err_name(c->fault.err)));
    json_field_str(o, "detail",
                   ours ? STR("something went wrong on our side") : str_of(c->fault.text));
    json_field_str(o, "request_id", str_of(c->request_id));
    json_close_object(o);
    end(&f, q, "error");
}

/* ---- asking -------------------------------------------------------------- */

static void free_asking(struct ctx *c, struct asking *q)
{
    share_give(host_streams(c), &q->org);
    channel_release(&q->channel);
    free(q);
}

static void run_asking(struct ctx *c, void *arg)
{
    struct asking *q = arg;
    struct run run;
    const struct turn_watch watch = {.on_text = on_text,
                                     .on_retract = on_retract,
                                     .on_step_started = on_step_started,
                                     .on_step_finished = on_step_finished,
                                     .arg = q};
    struct turn_question question = {.agent = q->agent, .text = str_make(q->text, q->text_bytes)};
    c->org = q->org;
    c->actor = q->actor;
    c->actor_kind = q->actor_kind;
    c->roles = q->roles;
    memcpy(c->request_id, q->request_id, sizeof(c->request_id));
    memcpy(c->span_id, q->span_id, sizeof(c->span_id));
    c->deadline_steady_ms = 0; /* longer than the lane's: a stream is for answers that take long */
    ctx_limit(c, QUESTION_MS);
    c->cancel = &q->reader->left; /* also when the program stops: that closes the channel */
    enum err e = turn_ask(c, &question, &watch, &run);
    e = e == E_OK ? ask_stream_check(c, &run) : e;
    if (e == E_OK) {
        struct frame_out f;
        ask_stream_write(begin(&f), &run);
        end(&f, q, "answer");
    } else {
        tell_error(c, q);
    }
    channel_close(q->channel, 1000, "end");
    free_asking(c, q);
}

void ask_stream_close(struct ctx *c, struct channel *ch)
{
    struct reader *reader = channel_state(ch);
    atomic_store(&reader->left, true);
    if (atomic_load(&reader->started)) {
        c->org = reader->org;
        run_cancel(c, turns_runs(c->at->turns), &reader->run); /* E_CONFLICT: it has ended */
    }
}

enum err ask_stream_open(struct ctx *c, struct call *call, const struct turn_question *question)
{
    if (!share_take(host_streams(c), &c->org)) {
        return ctx_fail(c, E_LIMIT, "your organisation has enough answers under way; try again");
    }
    struct channel *ch = server_upgrade(c, call->out, SERVER_SSE);
    if (!ch) {
        share_give(host_streams(c), &c->org);
        return ctx_fail(c, E_UNAVAILABLE, "no stream could be opened");
    }
    struct reader *reader = mem_new(sizeof(*reader));
    reader->owner.service = &agent_service;
    reader->org = c->org;
    atomic_init(&reader->left, false);
    channel_attach(ch, reader, free);
    struct asking *q = mem_new(sizeof(*q) + question->text.n + 1);
    *q = (struct asking){.channel = ch,
                         .reader = reader,
                         .org = c->org,
                         .actor = c->actor,
                         .actor_kind = c->actor_kind,
                         .roles = c->roles,
                         .agent = question->agent,
                         .text_bytes = question->text.n};
    memcpy(q->request_id, c->request_id, sizeof(q->request_id));
    memcpy(q->span_id, c->span_id, sizeof(q->span_id));
    memcpy(q->text, question->text.p, question->text.n);
    if (!workers_post(c->at->workers, LANE_SLOW, run_asking, q)) {
        free_asking(c, q);
        return ctx_fail(c, E_UNAVAILABLE, "too busy; try again in a moment");
    }
    return E_OK;
}
