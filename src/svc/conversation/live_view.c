#include "svc/conversation/live_view.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/conversation.h"
#include "agent/turn.h"
#include "bus/bus.h"
#include "host/live.h"
#include "host/vigil.h"
#include "svc/conversation/conversation_view.h"

enum { FRAME_MAX_BYTES = 512 << 10, RUN_POLL_MS = 250, RUN_POLLS_MAX = 2400, SIGN_IN_MS = 10000 };

struct live_view {
    struct channel_owner owner; /* first */
    struct id org;              /* unset until signed in */
    struct id member;
    uint64_t tail;
    uint64_t deadline;   /* of the sign-in; its timer holds the channel */
    struct vigil *vigil; /* NULL until signed in */
    int watched;
    bool reads;  /* may watch single conversations (an API key needs the scope) */
    bool serves; /* may be seen typing */
    atomic_bool signed_in;
    struct bus *bus;
};

static void free_view(void *state)
{
    struct live_view *v = state;
    vigil_free(&v->vigil);
    free(v);
}

/* A view that nobody signs in to is only a burden. */
static void turn_out(struct ctx *c, void *arg)
{
    struct channel *ch = arg;
    const struct live_view *v = channel_state(ch);
    (void)c;
    if (!v->signed_in) {
        channel_close(ch, 4401, "nobody signed in");
    }
    channel_release(&ch);
}

enum err live_view_open(struct ctx *c, struct call *call)
{
    struct channel *ch = server_upgrade(c, call->out, SERVER_WEBSOCKET);
    if (!ch) {
        return ctx_fail(c, E_INVALID, "this address speaks WebSocket only");
    }
    struct live_view *v = mem_new(sizeof(*v));
    v->owner.service = &conversation_service;
    v->bus = c->at->bus;
    channel_attach(ch, v, free_view);
    struct channel *held = channel_hold(ch);
    v->deadline = workers_post_later(c->at->workers, LANE_REQUEST, SIGN_IN_MS, turn_out, held);
    if (!v->deadline) {
        channel_release(&held);
        channel_release(&ch);
        return ctx_fail(c, E_UNAVAILABLE, "too many views wait for a sign-in; try again");
    }
    channel_release(&ch);
    return E_OK;
}

/* The frame that every view gets of an event. */
static void write_event(const struct event *e, struct buf *out)
{
    struct json_out o = json_out_to(out);
    json_open_object(&o);
    json_field_str(&o, "type", STR("event"));
    json_field_str(&o, "topic", str_of(e->topic));
    json_field_str(&o, "event_type", e->type);
    json_field_str(&o, "event_id", id_str(&e->event_id));
    json_field_int(&o, "seq", e->seq);
    json_field_int(&o, "at", e->at_ms);
    json_field_str(&o, "key", e->key);
    json_field(&o, "payload", e->payload);
    json_close_object(&o);
}

/* On the bus's thread: hands it on and returns. */
static bool on_event(void *arg, const struct event *e, struct str frame)
{
    struct channel *ch = arg;
    const struct live_view *v = channel_state(ch);
    if (strcmp(e->topic, "org_events") == 0) {
        vigil_hurry(v->vigil); /* somebody's rights may have changed */
    }
    return channel_send(ch, frame);
}

static const struct tail_text frames = {write_event, on_event};

/* A fresh token for the same view: nobody else's. */
static enum err renew(struct ctx *c, struct live_view *v, struct channel *ch, struct str token)
{
    if (!id_eq(&c->org, &v->org) || !id_eq(&c->actor, &v->member)) {
        channel_close(ch, 4401, "sign in anew");
        return ctx_fail(c, E_DENIED, "this view is another member's");
    }
    v->serves = (c->roles & ROLE_SERVES) != 0;
    vigil_renew(v->vigil, token);
    return E_OK;
}

static enum err sign_in(struct ctx *c, struct live_view *v, struct channel *ch,
                        const struct json *frame)
{
    struct str token = json_str(frame, "token", STR(""));
    enum err e = access_authenticate(c, token, "events:read");
    if (e != E_OK) {
        channel_send(ch,
                     STR("{\"type\":\"error\",\"code\":\"unauthenticated\",\"detail\":\"the token "
                         "is missing, expired or not valid\"}"));
        channel_close(ch, 4401, "sign in");
        return e;
    }
    if (v->vigil) {
        return renew(c, v, ch, token);
    }
    v->org = c->org;
    v->signed_in = true;
    v->member = c->actor;
    v->serves = (c->roles & ROLE_SERVES) != 0;
    v->reads = access_authenticate(c, token, "conversations:read") == E_OK;
    if (!v->reads) {
        ctx_forgive(c);
    }
    v->vigil = vigil_new(c->at, ch, token, "events:read");
    struct event_filter filter = {.after_seq = json_int(frame, "after_seq", -1)};
    v->tail = tail_open_text(v->bus, &v->org, &filter, &frames, ch);
    if (!v->tail) {
        channel_close(ch, 1013, "too many live views");
        return ctx_fail(c, E_LIMIT, "too many live views");
    }
    channel_send(ch, STR("{\"type\":\"ready\"}"));
    return E_OK;
}

static enum err read_conversation(struct ctx *c, const struct live_view *v,
                                  const struct json *frame, struct id *out)
{
    struct store *s;
    struct conversation conversation;
    c->org = v->org;
    if (!id_parse(json_str(frame, "conversation_id", STR("")), out)) {
        return ctx_fail_field(c, E_INVALID, "conversation_id", "conversation_id is no id");
    }
    TRY(store_of(c, &s));
    return conversation_get(c, s, out, &conversation);
}

static enum err act(struct ctx *c, struct live_view *v, struct channel *ch,
                    const struct json *frame)
{
    struct str type = json_str(frame, "type", STR(""));
    struct id conversation;
    if (v->vigil && !str_eqz(type, "auth")) {
        TRY(vigil_check(c, v->vigil));
    }
    if (str_eqz(type, "ping")) {
        channel_send(ch, STR("{\"type\":\"pong\"}"));
        return E_OK;
    }
    if (str_eqz(type, "auth")) {
        return sign_in(c, v, ch, frame);
    }
    if (!id_is_set(&v->org)) {
        channel_close(ch, 4401, "sign in");
        return ctx_fail(c, E_UNAUTHENTICATED, "sign in first");
    }
    if (!v->reads && (str_eqz(type, "watch") || str_eqz(type, "typing"))) {
        return ctx_fail(c, E_DENIED, "this key lacks the scope conversations:read");
    }
    if (str_eqz(type, "watch")) {
        TRY(read_conversation(c, v, frame, &conversation));
        if (v->watched >= LIVE_VIEW_WATCHED_MAX) {
            live_leave(host_live(c), ch);
            v->watched = 0;
        }
        v->watched++;
        live_join(host_live(c), &v->org, &conversation, ch, true);
        return E_OK;
    }
    if (str_eqz(type, "unwatch")) {
        live_leave(host_live(c), ch);
        v->watched = 0;
        return E_OK;
    }
    if (str_eqz(type, "typing") && !v->serves) {
        return ctx_fail(c, E_DENIED, "your roles do not allow this");
    }
    if (str_eqz(type, "typing")) {
        TRY(read_conversation(c, v, frame, &conversation));
        live_send(host_live(c), &conversation, "typing",
                  STR("{\"type\":\"typing\",\"who\":\"member\"}"), false);
        return E_OK;
    }
    return ctx_fail_field(c, E_INVALID, "type", "unknown frame type");
}

enum err live_view_message(struct ctx *c, struct channel *ch, struct str text)
{
    struct live_view *v = channel_state(ch);
    const struct json *frame;
    struct json_fault fault = {0};
    enum err e = json_parse(c->arena, text, &frame, &fault);
    e = e == E_OK ? act(c, v, ch, frame) : ctx_fail(c, E_INVALID, "the frame is no JSON");
    if (e != E_OK && channel_is_open(ch)) {
        struct buf b = buf_make(4096);
        struct json_out o = json_out_to(&b);
        json_open_object(&o);
        json_field_str(&o, "type", STR("error"));
        json_field_str(&o, "code", str_of(err_name(e)));
        bool ours = e == E_INTERNAL || !c->fault.text[0];
        json_field_str(&o, "detail",
                       ours ? STR("something went wrong on our side") : str_of(c->fault.text));
        json_close_object(&o);
        channel_send(ch, buf_str(&b));
        buf_free(&b);
    }
    return e;
}

void live_view_close(struct ctx *c, struct channel *ch)
{
    struct live_view *v = channel_state(ch);
    if (workers_cancel(c->at->workers, v->deadline)) {
        struct channel *held = ch;
        channel_release(&held); /* the timer's */
    }
    if (v->tail) {
        tail_close(v->bus, v->tail);
        v->tail = 0;
    }
    vigil_stop(v->vigil);
    live_leave(host_live(c), ch);
}

/* ---- one run ------------------------------------------------------------- */

/* A follower reads the steps that are new and comes back a little later; nothing waits on a thread.
 */
struct follower {
    struct channel *channel;
    struct id run;
    int seen;
    int polls;
    size_t bearer_bytes;
    char bearer[]; /* asked for anew each time */
};

static void free_follower(struct follower *f)
{
    channel_release(&f->channel);
    free(f);
}

static void send_step(struct follower *f, const struct run_step *s)
{
    struct buf b = buf_make(FRAME_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_int(&o, "seq", s->seq);
    json_field_str(&o, "node", s->node);
    json_field_str(&o, "status", s->status);
    json_field_int(&o, "started_at", s->started_at_ms);
    json_field_int(&o, "duration_ms", s->duration_ms);
    json_field(&o, "output", s->output);
    json_field(&o, "delta", s->delta);
    json_close_object(&o);
    char id[24];
    snprintf(id, sizeof(id), "%d", s->seq);
    channel_event(f->channel, str_of(id), STR("step"), b.overflow ? STR("{}") : buf_str(&b));
    buf_free(&b);
}

/* Whether there is more to come of a run that is not recorded yet (out->id is unset then), as who
 * watches the conversation has its id. */
static enum err look_for_run(struct ctx *c, const struct id *id, struct run *out)
{
    struct runs *runs = turns_runs(c->at->turns);
    bool driven = run_is_driven(c, runs, id);
    enum err e = run_get(c, runs, id, out);
    if (e == E_NOT_FOUND && driven) {
        ctx_forgive(c);
        *out = (struct run){.status = RUN_RUNNING};
        return E_OK;
    }
    return e;
}

static bool follow_once(struct ctx *c, struct follower *f)
{
    struct run r;
    const struct run_step *steps;
    int count = 0;
    struct str bearer = str_make(f->bearer, f->bearer_bytes);
    if (access_authenticate(c, bearer, "runs:read") != E_OK ||
        look_for_run(c, &f->run, &r) != E_OK) {
        return false;
    }
    if (!id_is_set(&r.id)) {
        return true;
    }
    if (run_steps(c, &f->run, f->seen, 100, &steps, &count) != E_OK) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        send_step(f, &steps[i]);
        f->seen = steps[i].seq;
    }
    if (r.status == RUN_RUNNING || r.status == RUN_WAITING) {
        return true;
    }
    struct buf b = buf_make(FRAME_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    run_view_write(&o, &r);
    channel_event(f->channel, STR(""), STR("ended"), buf_str(&b));
    buf_free(&b);
    return false;
}

static void follow(struct ctx *c, void *arg)
{
    struct follower *f = arg;
    bool more = channel_is_open(f->channel) && follow_once(c, f) && ++f->polls < RUN_POLLS_MAX;
    if (more && workers_post_later(c->at->workers, LANE_REQUEST, RUN_POLL_MS, follow, f)) {
        return;
    }
    channel_close(f->channel, 1000, "end");
    free_follower(f);
}

enum err live_view_run(struct ctx *c, struct call *call)
{
    struct id id;
    struct run r;
    int64_t after = 0;
    TRY(call_id(c, call, 0, &id));
    TRY(look_for_run(c, &id, &r));
    TRY(call_query_int(c, call, "after", 0, &after));
    struct channel *ch = server_upgrade(c, call->out, SERVER_SSE);
    if (!ch) {
        return ctx_fail(c, E_UNAVAILABLE, "no stream could be opened");
    }
    struct str bearer = request_bearer(call->in);
    struct follower *f = mem_new(sizeof(*f) + bearer.n + 1);
    f->channel = ch;
    f->run = id;
    f->seen = (int)after;
    f->bearer_bytes = bearer.n;
    memcpy(f->bearer, bearer.p, bearer.n);
    if (!workers_post(c->at->workers, LANE_REQUEST, follow, f)) {
        free_follower(f);
        return ctx_fail(c, E_UNAVAILABLE, "too busy");
    }
    return E_OK;
}
