#include "svc/chat/poll.h"

#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "svc/chat/view.h"

/* What wakes a waiting poll: the tail on its conversation. Freed when the request runs again. */
struct waiter {
    struct bus *bus;
    uint64_t tail;
    struct parked *parked;
};

static bool on_event(void *arg, const struct event *e)
{
    struct waiter *w = arg;
    (void)e;
    server_wake(w->parked);
    return true;
}

static void end_wait(void *arg)
{
    struct waiter *w = arg;
    if (w->tail) {
        tail_close(w->bus, w->tail);
    }
    server_forget(&w->parked);
    free(w);
}

/* What the caller knows: messages up to a seq, and the state; empty when it does not say, then the
 * state of the first look. */
struct known {
    const struct chat_session *session;
    const struct message_range *range;
    struct str state;
};

/* Whether there is something to say now. */
static enum err has_news(struct ctx *c, struct known *known, bool *out)
{
    struct store *s;
    struct conversation v;
    struct messages page;
    struct message_range next = *known->range;
    next.conversation = known->session->conversation;
    next.for_contact = true;
    next.limit = 1;
    TRY(store_of(c, &s));
    TRY(conversation_get(c, s, &next.conversation, &v));
    TRY(conversation_messages(c, s, &next, &page));
    struct str state = view_state(c, &v);
    known->state = known->state.n ? known->state : state;
    *out = page.count > 0 || !str_eq(known->state, state);
    return E_OK;
}

/* Parks the request. What is committed from now on wakes it; what was committed before the tail
 * stood is found by looking once more. */
static enum err park(struct ctx *c, struct call *call, struct known *known, int64_t wait_ms)
{
    struct waiter *w = mem_new(sizeof(*w));
    w->bus = c->at->bus;
    w->parked =
        call_park(c, call, &(struct server_wait){.ms = wait_ms, .over = end_wait, .arg = w});
    if (!w->parked) {
        free(w);
        return E_OK;
    }
    struct parked *parked = w->parked; /* the waiter's, until this call returns to the server */
    struct event_filter filter = {.topic = "conversation_events",
                                  .key = id_str(&known->session->conversation),
                                  .after_seq = -1};
    w->tail = tail_open(w->bus, &c->org, &filter, on_event, w);
    bool news = true;
    enum err e = has_news(c, known, &news);
    if (e != E_OK || news || !w->tail) {
        server_wake(parked);
    }
    return e;
}

static enum err wait_for_news(struct ctx *c, struct call *call, const struct chat_session *session,
                              const struct message_range *range)
{
    int64_t wait_ms;
    bool news;
    struct known known = {session, range, call_query(c, call, "state")};
    TRY(call_query_int(c, call, "wait_ms", 0, &wait_ms));
    if (wait_ms < 0) {
        return ctx_fail_field(c, E_INVALID, "wait_ms", "wait_ms is 0 to %d", POLL_WAIT_MAX_MS);
    }
    wait_ms = wait_ms < POLL_WAIT_MAX_MS ? wait_ms : POLL_WAIT_MAX_MS;
    if (wait_ms == 0 || call->in->woken || range->after_seq == MESSAGES_NEWEST) {
        return E_OK;
    }
    TRY(has_news(c, &known, &news));
    return news ? E_OK : park(c, call, &known, wait_ms);
}

enum err poll_messages(struct ctx *c, struct call *call)
{
    struct chat_session session;
    struct call_range r;
    TRY(session_open(c, call_query(c, call, "token"), &session));
    TRY(call_range(c, call, &r));
    struct message_range range = {.after_seq = r.after, .before_seq = r.before, .limit = r.limit};
    TRY(wait_for_news(c, call, &session, &range));
    return call->waits ? E_OK : view_write_page(c, call_json(call), &session, &range);
}
