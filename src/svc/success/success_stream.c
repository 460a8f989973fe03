#include "svc/success/success_stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/share.h"
#include "host/vigil.h"
#include "store/cache.h"

enum { ASK_MS = 120000, NEWEST_MS = 600000, SIGN_IN_MS = 10000, FRAME_MAX_BYTES = 1 << 20 };
/* Standing in line, as slow requests do: how long at most, how often it is looked whether it is
 * one's turn, and when to come back. */
enum { LINE_MS = 30000, LOOK_MS = 50, AGAIN_MS = 5000 };

#define SCOPE "briefs:write"

/* What a channel carries. */
struct listener {
    struct channel_owner owner; /* first */
    atomic_bool left;
    pthread_mutex_t lock;
    struct trip *in_line; /* its timer's, under `lock` */
    /* of a WebSocket only: */
    struct id org, member; /* unset until signed in */
    uint64_t deadline;     /* of the sign-in; its timer holds the channel */
    struct vigil *vigil;
    atomic_bool signed_in;
};

/* An ask on its way to a worker: what the ctx of the request knew, and what it asks, copied. */
struct trip {
    struct channel *channel;
    struct listener *listener; /* the channel's */
    struct ctx *c;             /* of the ask, in memory of its own */
    struct success_order order;
    struct id ticket; /* the member's newest ask, or an old one */
    bool holds;       /* a part of the org's share */
    /* while it stands in line: */
    struct share_place *place;
    atomic_bool called; /* it is its turn */
    int64_t until_ms;   /* steady */
    uint64_t timer;     /* under the listener's lock */
};

bool success_stream_is_wanted(const struct call *call)
{
    return str_find(request_header(call->in, "Accept"), STR("text/event-stream")) >= 0;
}

/* ---- answering ----------------------------------------------------------- */

static bool is_left(struct ctx *c, const struct success_sink *sink)
{
    return sink && sink->gone && sink->gone(c, sink->arg);
}

enum err success_stream_answer(struct ctx *c, const struct success_order *order,
                               struct brief *out_brief)
{
    const struct success_sink *sink = order->ask.sink;
    struct store *s;
    if (is_left(c, sink)) {
        return ctx_fail(c, E_CANCELLED, "nobody waits for it any more");
    }
    TRY(store_of(c, &s));
    if (id_is_set(&order->again)) {
        struct brief before;
        TRY(brief_get(c, s, &order->again, &before));
        TRY(success_ask_again(c, &order->ask, &before, out_brief));
    } else {
        TRY(success_ask(c, &order->ask, out_brief));
    }
    if (is_left(c, sink)) { /* what is kept is told as answered */
        return ctx_fail(c, E_CANCELLED, "nobody waits for it any more");
    }
    return id_is_set(&order->again) ? brief_replace(c, s, out_brief) : brief_add(c, s, out_brief);
}

enum err success_stream_again(struct ctx *c, const struct id *brief,
                              struct success_order *out_order)
{
    struct brief before;
    struct store *s;
    TRY(store_of(c, &s));
    TRY(brief_get(c, s, brief, &before));
    const struct success_ask ask = {.id = *brief,
                                    .text = json_str(before.final, "question", STR("")),
                                    .selected = STR(""),
                                    .params = before.params,
                                    .as_of_ms = json_int(before.params, "as_of_ms", 0)};
    TRY(success_ask_check(c, &ask, "question"));
    *out_order = (struct success_order){.ask = ask, .again = *brief};
    return E_OK;
}

/* ---- telling ------------------------------------------------------------- */

static void send_event(struct ctx *c, struct channel *ch, const char *event,
                       const struct json *data)
{
    if (channel_kind(ch) == SERVER_SSE) {
        channel_event(ch, STR(""), str_of(event), json_write(c->arena, data));
        return;
    }
    const struct json *type =
        json_object(c->arena, {"type", json_new_str(c->arena, str_of(event))});
    channel_send(ch, json_write(c->arena, json_merge(c->arena, type, data)));
}

static void tell(struct ctx *c, const char *event, const struct json *data, void *arg)
{
    const struct trip *t = arg;
    send_event(c, t->channel, event, data);
}

static struct str newest_key(struct ctx *c)
{
    return str_fmt(c->arena, "success.newest:%s", c->actor.text);
}

/* The member has asked something else meanwhile. */
static bool is_superseded(struct ctx *c, const struct trip *t)
{
    struct str newest;
    return cache_get(c, newest_key(c), &newest) && !str_eq(newest, id_str(&t->ticket));
}

static bool gone(struct ctx *c, void *arg)
{
    const struct trip *t = arg;
    return atomic_load(&t->listener->left) || is_superseded(c, t);
}

/* When to come back, where that is known: what an answer that is whole says in Retry-After. */
static const struct json *come_back(struct arena *a, const struct json *frame, int64_t ms)
{
    return ms > 0 ? json_with(a, frame, STR("retry_after_s"), json_new_int(a, (ms + 999) / 1000))
                  : frame;
}

static void finish(struct ctx *c, struct trip *t, enum err e, const struct brief *brief)
{
    const struct json *final = e == E_OK ? brief->final : NULL;
    if (!final) {
        int64_t again_ms = c->fault.retry_after_ms;
        final = come_back(c->arena, success_ask_apology(c, &t->order.ask, e), again_ms);
        if (!id_is_set(&t->order.again)) {
            final = json_with(c->arena, final, STR("stored"), json_new_bool(false));
        }
    }
    send_event(c, t->channel, "final", final);
    if (channel_kind(t->channel) == SERVER_SSE) {
        channel_close(t->channel, 1000, "end");
    }
}

static void free_trip(struct trip *t)
{
    struct ctx *own = t->c;
    if (t->holds) {
        share_give(host_streams(own), &own->org);
    }
    channel_release(&t->channel);
    ctx_free(&own); /* the trip lies in it */
}

static void run_trip(struct ctx *c, void *arg)
{
    struct trip *t = arg;
    struct brief brief;
    (void)c; /* the ask has its own */
    const struct success_sink sink = {.tell = tell, .gone = gone, .arg = t};
    t->c->deadline_steady_ms = 0; /* longer than the lane's: an answer may take long */
    ctx_limit(t->c, ASK_MS);
    t->c->cancel = &t->listener->left; /* also when the program stops: that closes the channel */
    t->order.ask.sink = &sink;
    enum err e = success_stream_answer(t->c, &t->order, &brief);
    t->c->cancel = NULL;
    finish(t->c, t, e, &brief);
    free_trip(t);
}

/* ---- setting out --------------------------------------------------------- */

static struct success_order copy_order(struct arena *a, const struct success_order *o)
{
    struct success_order copy = *o;
    copy.ask.text = str_dup(a, o->ask.text);
    copy.ask.selected = str_dup(a, o->ask.selected);
    copy.ask.params = o->ask.params ? json_copy(a, o->ask.params) : NULL;
    copy.ask.sink = NULL;
    return copy;
}

enum { TRIP_BYTES = 64 << 20 };

static struct trip *make_trip(struct ctx *c, struct channel *ch, const struct success_order *order)
{
    struct ctx *own = ctx_child(c, TRIP_BYTES);
    struct trip *t = ARENA_NEW(own->arena, struct trip);
    own->cancel = NULL;
    *t = (struct trip){.channel = channel_hold(ch),
                       .listener = channel_state(ch),
                       .c = own,
                       .order = copy_order(own->arena, order),
                       .ticket = id_new(ctx_now_ms(c))};
    if (!id_is_set(&t->order.ask.id)) { /* the same in all that is told, whatever becomes of it */
        t->order.ask.id = id_new(ctx_now_ms(c));
    }
    return t;
}

static enum err too_many(struct ctx *c)
{
    enum err e = ctx_fail(c, E_LIMIT, "your organisation has enough answers under way; try again");
    c->fault.retry_after_ms = AGAIN_MS;
    return e;
}

static enum err too_busy(struct ctx *c)
{
    enum err e = ctx_fail(c, E_UNAVAILABLE, "too busy; try again in a moment");
    c->fault.retry_after_ms = AGAIN_MS;
    return e;
}

/* With the share in hand. False: it is still the caller's. */
static bool begin(struct ctx *c, struct trip *t)
{
    t->holds = true;
    return workers_post(c->at->workers, LANE_SLOW, run_trip, t);
}

/* ---- standing in line ---------------------------------------------------- */

/* With the share locked: no more than a mark. */
static void call_up(void *arg)
{
    struct trip *t = arg;
    atomic_store(&t->called, true);
}

/* Out of the line; true with the share in hand. */
static bool leave_line(struct trip *t)
{
    share_leave(&t->place);
    return atomic_load(&t->called) && share_take_waited(host_streams(t->c), &t->c->org);
}

static void look(struct ctx *c, void *arg);

/* False: nobody listens any more, or there are too many timers. */
static bool look_later(struct ctx *c, struct trip *t)
{
    struct listener *l = t->listener;
    pthread_mutex_lock(&l->lock);
    t->timer = atomic_load(&l->left)
                   ? 0
                   : workers_post_later(c->at->workers, LANE_REQUEST, LOOK_MS, look, t);
    bool waits = t->timer != 0;
    if (waits) {
        l->in_line = t;
    } else if (l->in_line == t) {
        l->in_line = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    return waits;
}

static void end_waiting(struct trip *t, enum err e)
{
    finish(t->c, t, e, NULL);
    free_trip(t);
}

/* Whether it is its turn; whoever asked something newer, or left, waits no longer. */
static void look(struct ctx *c, void *arg)
{
    struct trip *t = arg;
    struct listener *l = t->listener;
    bool over = gone(t->c, t), late = clock_steady_ms() >= t->until_ms;
    if (!over && !late && !atomic_load(&t->called) && look_later(c, t)) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->in_line = l->in_line == t ? NULL : l->in_line;
    pthread_mutex_unlock(&l->lock);
    t->holds = leave_line(t);
    if (gone(t->c, t)) {
        end_waiting(t, ctx_fail(t->c, E_CANCELLED, "nobody waits for it any more"));
    } else if (!t->holds) {
        end_waiting(t, too_many(t->c));
    } else if (!begin(c, t)) {
        end_waiting(t, too_busy(t->c));
    }
}

static enum err stand_in_line(struct ctx *c, struct trip *t)
{
    t->place = share_line(host_streams(c), &c->org);
    if (!t->place) {
        free_trip(t);
        return too_many(c);
    }
    t->until_ms = clock_steady_ms() + LINE_MS;
    share_wait(t->place, call_up, t);
    if (!look_later(c, t)) {
        t->holds = leave_line(t);
        free_trip(t);
        return too_busy(c);
    }
    return E_OK;
}

/* The ask begins on a worker for slow work; `ch` is held for it. The one before is told first that
 * nobody waits for it, which may make the room. */
static enum err set_out(struct ctx *c, struct channel *ch, const struct success_order *order)
{
    struct trip *t = make_trip(c, ch, order);
    if (cache_set(c, newest_key(c), id_str(&t->ticket), NEWEST_MS) != E_OK) {
        ctx_forgive(c);
    }
    if (!share_take(host_streams(c), &c->org)) {
        return stand_in_line(c, t);
    }
    if (!begin(c, t)) {
        free_trip(t);
        return too_busy(c);
    }
    return E_OK;
}

static void free_listener(void *state)
{
    struct listener *l = state;
    vigil_free(&l->vigil);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static struct channel *open_channel(struct ctx *c, struct call *call, enum server_stream kind)
{
    struct channel *ch = server_upgrade(c, call->out, kind);
    if (ch) {
        struct listener *l = mem_new(sizeof(*l));
        l->owner.service = &success_service;
        pthread_mutex_init(&l->lock, NULL);
        channel_attach(ch, l, free_listener);
    }
    return ch;
}

enum err success_stream_open(struct ctx *c, struct call *call, const struct success_order *order)
{
    struct channel *ch = open_channel(c, call, SERVER_SSE);
    if (!ch) {
        return ctx_fail(c, E_UNAVAILABLE, "no stream could be opened");
    }
    enum err e = set_out(c, ch, order);
    channel_release(&ch);
    return e;
}

/* ---- the WebSocket ------------------------------------------------------- */

static void turn_out(struct ctx *c, void *arg)
{
    struct channel *ch = arg;
    const struct listener *l = channel_state(ch);
    (void)c;
    if (!l->signed_in) {
        channel_close(ch, 4401, "nobody signed in");
    }
    channel_release(&ch);
}

enum err success_stream_socket(struct ctx *c, struct call *call)
{
    struct channel *ch = open_channel(c, call, SERVER_WEBSOCKET);
    if (!ch) {
        return ctx_fail(c, E_INVALID, "this address speaks WebSocket only");
    }
    struct listener *l = channel_state(ch);
    struct channel *held = channel_hold(ch);
    l->deadline = workers_post_later(c->at->workers, LANE_REQUEST, SIGN_IN_MS, turn_out, held);
    bool full = !l->deadline;
    if (full) {
        channel_release(&held);
    }
    channel_release(&ch);
    return full ? ctx_fail(c, E_UNAVAILABLE, "too many wait for a sign-in; try again") : E_OK;
}

static enum err sign_in(struct ctx *c, struct listener *l, struct channel *ch,
                        const struct json *frame)
{
    struct str token = json_str(frame, "token", STR(""));
    TRY(access_admit(c, token, SCOPE));
    if (!(c->roles & (ROLE_SERVES | ROLE_VIEWER | ROLE_GUEST))) {
        return ctx_fail(c, E_DENIED, "your roles do not allow this");
    }
    if (l->vigil && (!id_eq(&c->org, &l->org) || !id_eq(&c->actor, &l->member))) {
        return ctx_fail(c, E_UNAUTHENTICATED, "this connection is another member's");
    }
    if (l->vigil) {
        vigil_renew(l->vigil, token);
        return E_OK;
    }
    l->org = c->org;
    l->member = c->actor;
    l->signed_in = true;
    l->vigil = vigil_new(c->at, ch, token, SCOPE);
    channel_send(ch, STR("{\"type\":\"ready\"}"));
    return E_OK;
}

static enum err start_ask(struct ctx *c, struct channel *ch, const struct json *frame)
{
    struct arena *a = c->arena;
    struct success_order order = {
        .ask = {.text = json_str(frame, "question", STR("")),
                .selected = json_str(frame, "account_id", STR("")),
                .params = json_object(a, {"tone", json_get(frame, "tone")},
                                      {"language", json_get(frame, "language")})}};
    TRY(success_ask_check(c, &order.ask, "question"));
    return set_out(c, ch, &order);
}

static enum err act(struct ctx *c, struct listener *l, struct channel *ch, const struct json *frame)
{
    struct str type = json_str(frame, "type", STR(""));
    if (str_eqz(type, "ping")) {
        channel_send(ch, STR("{\"type\":\"pong\"}"));
        return E_OK;
    }
    if (str_eqz(type, "auth")) {
        return sign_in(c, l, ch, frame);
    }
    if (!l->vigil) {
        return ctx_fail(c, E_UNAUTHENTICATED, "sign in first");
    }
    TRY(vigil_check(c, l->vigil));
    if (str_eqz(type, "ask")) {
        return start_ask(c, ch, frame);
    }
    if (str_eqz(type, "rerun")) {
        struct success_order order;
        struct id brief;
        if (!id_parse(json_str(frame, "brief_id", STR("")), &brief)) {
            return ctx_fail_field(c, E_INVALID, "brief_id", "brief_id is no id");
        }
        TRY(success_stream_again(c, &brief, &order));
        return set_out(c, ch, &order);
    }
    return ctx_fail_field(c, E_INVALID, "type", "unknown frame type");
}

static void tell_error(struct ctx *c, struct channel *ch, enum err e)
{
    struct arena *a = c->arena;
    bool ours = e == E_INTERNAL || !c->fault.text[0];
    struct str text = ours ? STR("something went wrong on our side") : str_of(c->fault.text);
    const struct json *field = c->fault.field[0] ? json_new_str(a, str_of(c->fault.field)) : NULL;
    const struct json *frame = json_object(a, {"type", json_new_str(a, STR("error"))},
                                           {"code", json_new_str(a, str_of(err_name(e)))},
                                           {"detail", json_new_str(a, text)}, {"field", field},
                                           {"request_id", json_new_str(a, str_of(c->request_id))});
    channel_send(ch, json_write(a, come_back(a, frame, c->fault.retry_after_ms)));
}

enum err success_stream_message(struct ctx *c, struct channel *ch, struct str text)
{
    const struct json *frame;
    struct json_fault fault = {0};
    enum err e = json_parse(c->arena, text, &frame, &fault);
    e = e == E_OK ? act(c, channel_state(ch), ch, frame)
                  : ctx_fail(c, E_INVALID, "the frame is no JSON");
    if (e != E_OK && channel_is_open(ch)) {
        tell_error(c, ch, e);
    }
    if (e == E_UNAUTHENTICATED) {
        channel_close(ch, 4401, "sign in");
    }
    return e;
}

void success_stream_close(struct ctx *c, struct channel *ch)
{
    struct listener *l = channel_state(ch);
    pthread_mutex_lock(&l->lock);
    struct trip *waits = l->in_line;
    atomic_store(&l->left, true);
    bool ours = waits && workers_cancel(c->at->workers, waits->timer); /* else it sees `left` */
    l->in_line = NULL;
    pthread_mutex_unlock(&l->lock);
    if (ours) {
        waits->holds = leave_line(waits);
        free_trip(waits);
    }
    if (l->deadline && workers_cancel(c->at->workers, l->deadline)) {
        struct channel *held = ch;
        channel_release(&held); /* the timer's */
    }
    vigil_stop(l->vigil);
}
