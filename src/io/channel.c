#include "io/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/workers.h"
#include "io/ws.h"

enum {
    GOODBYE_MAX_BYTES = 256, /* kept free past the queue's maximum for a close frame */
    REASON_MAX_BYTES = 120,
    CHUNK_LINE_BYTES = 20,
    BACKLOG_MAX = 1024, /* tasks that wait; past it ours wait in the loop, and requests go first */
};

struct channel *channel_new(struct loop *l, enum server_stream kind, bool chunked)
{
    struct channel *ch = mem_new(sizeof(*ch));
    atomic_init(&ch->refs, 1);
    atomic_init(&ch->open, true);
    atomic_init(&ch->state, NULL);
    pthread_mutex_init(&ch->lock, NULL);
    ch->kind = kind;
    ch->chunked = chunked && kind == SERVER_SSE;
    ch->loop = l;
    ch->home = l;
    ch->queue_max_bytes = l->server->config.channel_queue_max_bytes;
    ch->out = buf_make(ch->queue_max_bytes + GOODBYE_MAX_BYTES);
    return ch;
}

struct channel *channel_hold(struct channel *ch)
{
    atomic_fetch_add(&ch->refs, 1);
    return ch;
}

void channel_release(struct channel **ch)
{
    struct channel *old = *ch;
    *ch = NULL;
    if (!old || atomic_fetch_sub(&old->refs, 1) != 1) {
        return;
    }
    void *state = atomic_load(&old->state);
    if (state && old->free_fn) {
        old->free_fn(state);
    }
    while (old->inbox_first) {
        struct message *m = old->inbox_first;
        old->inbox_first = m->next;
        free(m);
    }
    buf_free(&old->out);
    pthread_mutex_destroy(&old->lock);
    free(old);
}

bool channel_is_open(const struct channel *ch)
{
    return atomic_load(&ch->open);
}

enum server_stream channel_kind(const struct channel *ch)
{
    return ch->kind;
}

void channel_attach(struct channel *ch, void *state, void (*free_fn)(void *state))
{
    pthread_mutex_lock(&ch->lock);
    void *old = atomic_exchange(&ch->state, state);
    void (*old_free)(void *) = ch->free_fn;
    ch->free_fn = free_fn;
    pthread_mutex_unlock(&ch->lock);
    if (old && old_free && old != state) {
        old_free(old);
    }
}

void *channel_state(const struct channel *ch)
{
    return atomic_load(&ch->state);
}

/* Under lock. The loop is told once, however much is queued before it looks. */
static void touch(struct channel *ch)
{
    if (ch->loop && !ch->touched) {
        ch->touched = true;
        loop_touched(ch->loop, ch);
    }
}

/* Under lock. Past the maximum the peer is too slow, and is cut. */
static bool has_space(struct channel *ch, size_t n)
{
    if (n <= ch->queue_max_bytes && ch->out.n + ch->in_flight <= ch->queue_max_bytes - n) {
        return true;
    }
    atomic_store(&ch->open, false);
    ch->cut = true;
    touch(ch);
    return false;
}

static bool send_frame(struct channel *ch, struct str text)
{
    char head[WS_HEAD_MAX_BYTES];
    size_t head_bytes = ws_head_write(head, WS_TEXT, text.n);
    pthread_mutex_lock(&ch->lock);
    bool sent = channel_is_open(ch) && has_space(ch, head_bytes + text.n);
    if (sent) {
        buf_add(&ch->out, head, head_bytes);
        buf_add_str(&ch->out, text);
        touch(ch);
    }
    pthread_mutex_unlock(&ch->lock);
    return sent;
}

static bool send_event_bytes(struct channel *ch, struct str text)
{
    char line[CHUNK_LINE_BYTES];
    int line_bytes = ch->chunked ? snprintf(line, sizeof(line), "%zx\r\n", text.n) : 0;
    pthread_mutex_lock(&ch->lock);
    bool sent = channel_is_open(ch) && has_space(ch, text.n + CHUNK_LINE_BYTES);
    if (sent) {
        buf_add(&ch->out, line, (size_t)line_bytes);
        buf_add_str(&ch->out, text);
        buf_add_str(&ch->out, ch->chunked ? STR("\r\n") : STR(""));
        touch(ch);
    }
    pthread_mutex_unlock(&ch->lock);
    return sent;
}

/* Data of several lines becomes several fields; CR LF, LF and CR all end a line. */
static void add_data(struct buf *b, struct str data)
{
    size_t at = 0;
    do {
        size_t end = at;
        while (end < data.n && data.p[end] != '\n' && data.p[end] != '\r') {
            end++;
        }
        buf_add_str(b, STR("data: "));
        buf_add(b, data.p + at, end - at);
        buf_add_char(b, '\n');
        at = end + 1;
        if (end + 1 < data.n && data.p[end] == '\r' && data.p[end + 1] == '\n') {
            at++;
        }
    } while (at <= data.n && data.n);
}

static bool is_one_line(struct str s)
{
    return s.n == 0 || (!memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n) && !memchr(s.p, 0, s.n));
}

bool channel_event(struct channel *ch, struct str id, struct str event, struct str data)
{
    if (ch->kind != SERVER_SSE || !is_one_line(id) || !is_one_line(event) || !str_is_utf8(data) ||
        !str_is_utf8(id) || !str_is_utf8(event)) {
        return false;
    }
    if (!channel_is_open(ch)) {
        return false;
    }
    struct buf b = buf_make(ch->queue_max_bytes);
    if (id.n) {
        buf_addf(&b, "id: %.*s\n", STR_ARG(id));
    }
    if (event.n) {
        buf_addf(&b, "event: %.*s\n", STR_ARG(event));
    }
    add_data(&b, data);
    buf_add_char(&b, '\n');
    struct str text = buf_str(&b);
    text.n = b.overflow ? ch->queue_max_bytes + 1 : text.n; /* does not fit: has_space cuts */
    bool sent = send_event_bytes(ch, text);
    buf_free(&b);
    return sent;
}

bool channel_send(struct channel *ch, struct str text)
{
    if (ch->kind == SERVER_SSE) {
        return channel_event(ch, STR(""), STR(""), text);
    }
    return str_is_utf8(text) && send_frame(ch, text);
}

void channel_close(struct channel *ch, int code, const char *reason)
{
    char payload[2 + REASON_MAX_BYTES];
    size_t n = 0;
    if (code != WS_NO_CODE) {
        struct str text = str_sub(str_of(reason), 0, REASON_MAX_BYTES);
        while (text.n && !str_is_utf8(text)) {
            text.n--; /* not in the middle of a character */
        }
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        memcpy(payload + 2, text.p ? text.p : "", text.n);
        n = 2 + text.n;
    }
    char head[WS_HEAD_MAX_BYTES];
    size_t head_bytes = ws_head_write(head, WS_CLOSE, n);
    pthread_mutex_lock(&ch->lock);
    if (channel_is_open(ch)) {
        atomic_store(&ch->open, false);
        ch->closing = true;
        if (ch->kind == SERVER_WEBSOCKET) {
            buf_add(&ch->out, head, head_bytes);
            buf_add(&ch->out, payload, n);
        } else if (ch->chunked) {
            buf_add_str(&ch->out, STR("0\r\n\r\n"));
        }
        touch(ch);
    }
    pthread_mutex_unlock(&ch->lock);
}

void channel_control(struct channel *ch, int opcode, struct str payload)
{
    char head[WS_HEAD_MAX_BYTES];
    size_t head_bytes = ws_head_write(head, opcode, payload.n);
    pthread_mutex_lock(&ch->lock);
    size_t waiting = ch->out.n + ch->in_flight;
    if (channel_is_open(ch) && waiting + head_bytes + payload.n <= ch->queue_max_bytes) {
        buf_add(&ch->out, head, head_bytes);
        buf_add_str(&ch->out, payload);
    }
    pthread_mutex_unlock(&ch->lock);
}

void channel_comment(struct channel *ch)
{
    struct str text = ch->chunked ? STR("3\r\n:\n\n\r\n") : STR(":\n\n");
    pthread_mutex_lock(&ch->lock);
    if (channel_is_open(ch) && ch->out.n + ch->in_flight == 0) {
        buf_add_str(&ch->out, text);
    }
    pthread_mutex_unlock(&ch->lock);
}

bool channel_take(struct channel *ch, struct buf *out, bool *out_cut, bool *out_closing)
{
    pthread_mutex_lock(&ch->lock);
    bool some = ch->out.n > 0 && !ch->cut;
    if (some) {
        buf_free(out);
        *out = ch->out;
        ch->in_flight = ch->out.n;
        ch->out = buf_make(ch->queue_max_bytes + GOODBYE_MAX_BYTES);
    }
    *out_cut = ch->cut;
    *out_closing = ch->closing;
    pthread_mutex_unlock(&ch->lock);
    return some;
}

void channel_sent(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    ch->in_flight = 0;
    pthread_mutex_unlock(&ch->lock);
}

size_t channel_backlog_bytes(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    size_t n = ch->out.n + ch->in_flight;
    pthread_mutex_unlock(&ch->lock);
    return n;
}

bool channel_is_cut(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    bool cut = ch->cut;
    pthread_mutex_unlock(&ch->lock);
    return cut;
}

bool channel_untouch(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    ch->touched = false;
    pthread_mutex_unlock(&ch->lock);
    return ch->conn != NULL;
}

bool channel_has_room(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    bool room = !ch->starved;
    pthread_mutex_unlock(&ch->lock);
    return room;
}

bool channel_deliver(struct channel *ch, struct str text)
{
    struct message *m = mem_new(sizeof(*m) + text.n + 1);
    m->n = text.n;
    memcpy(m->text, text.p, text.n);
    pthread_mutex_lock(&ch->lock);
    if (ch->inbox_last) {
        ch->inbox_last->next = m;
    } else {
        ch->inbox_first = m;
    }
    ch->inbox_last = m;
    ch->inbox_count++;
    ch->starved = ch->inbox_count >= CHANNEL_INBOX_MAX;
    bool room = !ch->starved;
    bool post = !ch->at_work;
    ch->at_work = true;
    pthread_mutex_unlock(&ch->lock);
    if (post) {
        channel_post(ch);
    }
    return room;
}

void channel_gone(struct channel **ch)
{
    struct channel *old = *ch;
    pthread_mutex_lock(&old->lock);
    atomic_store(&old->open, false);
    old->loop = NULL;
    old->conn = NULL;
    old->gone = true;
    bool post = !old->at_work;
    old->at_work = true;
    pthread_mutex_unlock(&old->lock);
    if (post) {
        channel_post(old);
    }
    channel_release(ch);
}

/* Under lock. */
static struct message *pop_message(struct channel *ch)
{
    struct message *m = ch->inbox_first;
    if (m) {
        ch->inbox_first = m->next;
        ch->inbox_last = m->next ? ch->inbox_last : NULL;
        ch->inbox_count--;
        if (ch->starved && ch->inbox_count <= CHANNEL_INBOX_MAX / 2) {
            ch->starved = false;
            touch(ch); /* reading goes on */
        }
    }
    return m;
}

/* Does the next thing due; false when there was nothing. */
static bool work_once(struct ctx *c, struct channel *ch)
{
    const struct server_handler *handler = &ch->home->server->handler;
    pthread_mutex_lock(&ch->lock);
    struct message *m = pop_message(ch);
    bool close = !m && ch->gone && !ch->told;
    ch->told = ch->told || close;
    ch->at_work = m || close;
    pthread_mutex_unlock(&ch->lock);
    if (m && handler->on_message) {
        handler->on_message(c, ch, str_make(m->text, m->n), handler->arg);
    }
    if (close && handler->on_close) {
        handler->on_close(c, ch, handler->arg);
    }
    free(m);
    return m || close;
}

static bool has_work(struct channel *ch)
{
    pthread_mutex_lock(&ch->lock);
    bool some = ch->inbox_first || (ch->gone && !ch->told);
    pthread_mutex_unlock(&ch->lock);
    return some;
}

/* Task: one message, then the next in a task of its own, so that each has a fresh ctx and a chatty
 * peer waits its turn. When the queue is full it goes on here. */
static void run_channel(struct ctx *c, void *arg)
{
    struct channel *ch = arg;
    struct ctx *own = NULL;
    while (work_once(own ? own : c, ch)) {
        if (has_work(ch) && workers_post(c->at->workers, LANE_REQUEST, run_channel, ch)) {
            ctx_free(&own);
            return; /* reference and count went along */
        }
        ctx_free(&own);
        own = ctx_new(c->at, WORKERS_ARENA_MAX_BYTES);
        ctx_limit(own, WORKERS_REQUEST_MS);
    }
    ctx_free(&own);
    struct loop *home = ch->home;
    channel_release(&ch);
    loop_task_ends(home);
}

bool channel_post(struct channel *ch)
{
    struct workers *w = ch->home->server->at->workers;
    struct channel *held = channel_hold(ch);
    loop_task_begins(ch->home);
    if (workers_queued(w, LANE_REQUEST) < BACKLOG_MAX &&
        workers_post(w, LANE_REQUEST, run_channel, held)) {
        return true;
    }
    channel_release(&held);
    loop_task_ends(ch->home);
    loop_retry(ch->home, ch);
    return false;
}
