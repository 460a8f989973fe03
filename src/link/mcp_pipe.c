#include "link/mcp_pipe.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "codec/text.h"

enum {
    IDLE_MS = 10 * 60 * 1000,
    GRACE_MS = 1000,
    ANSWER_MS = 2000, /* for writing what a server asked */
    CANCEL_POLL_MS = 50,
    WAIT_MAX_MS = 10 * 60 * 1000,
    CTX_MAX_BYTES = 64 << 20,
    WORDS_MAX_BYTES = 200,
    READ_BYTES = 16 << 10
};

/* A task that waits for an answer; lives on its stack, in the list under the lock. */
struct waiter {
    int64_t id;
    char *text; /* the answer's line; from malloc */
    size_t text_bytes;
    int64_t progress;
    char words[WORDS_MAX_BYTES + 1];
    struct waiter *next;
};

enum pipe_state { PIPE_STARTING, PIPE_OPEN, PIPE_ENDING, PIPE_CLOSED };

struct mcp_pipe {
    const struct facilities *at;
    const struct process_config *config; /* while starting */
    atomic_bool *list_changed;
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t moved;
    enum pipe_state state;
    struct fault fault;      /* why it did not start */
    struct process *process; /* the thread's; others write while writers > 0 keeps it */
    int writers;
    struct waiter *waiters;
    int64_t used_ms;
    bool stopping;
    char said[WORDS_MAX_BYTES + 1]; /* the last line on its standard error */
    char end[320];                  /* how it ended */
};

/* ---- the reading thread -------------------------------------------------- */

static bool hand_over(struct mcp_pipe *p, int64_t id, struct str line)
{
    bool found = false;
    pthread_mutex_lock(&p->lock);
    for (struct waiter *w = p->waiters; w; w = w->next) {
        if (w->id == id && !w->text) {
            w->text = mem_new(line.n + 1);
            memcpy(w->text, line.p, line.n);
            w->text_bytes = line.n;
            found = true;
        }
    }
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return found;
}

static void take_notice(struct ctx *c, struct mcp_pipe *p, const struct mcp_message *m)
{
    struct mcp_ask ask = {.id = json_int(m->body, "progressToken", 0)};
    mcp_wire_notice(c->arena, m, &ask, p->list_changed);
    pthread_mutex_lock(&p->lock);
    for (struct waiter *w = p->waiters; w && ask.progress; w = w->next) {
        if (w->id == ask.id) {
            w->progress++;
            snprintf(w->words, sizeof(w->words), "%.*s", STR_ARG(ask.last_words));
        }
    }
    pthread_mutex_unlock(&p->lock);
}

/* False when the stream makes no sense any more. */
static bool take_line(struct ctx *c, struct mcp_pipe *p, struct str line)
{
    struct mcp_message m;
    struct json_fault fault;
    line = str_trim(line);
    if (line.n == 0) {
        return true;
    }
    if (mcp_message_read(c->arena, line, &m, &fault) != E_OK) {
        log_at(c, LOG_WARN, "a tool server wrote no message", LOG_Z("why", fault.text));
        return true; /* a stray line of a program's log; answers that never come run into time */
    }
    if (m.kind == MCP_REQUEST) {
        int64_t before = ctx_limit(c, ANSWER_MS);
        struct str answer = mcp_message_answer(c->arena, &m);
        bool fine =
            process_write(c, p->process, str_fmt(c->arena, "%.*s\n", STR_ARG(answer))) == E_OK;
        c->deadline_steady_ms = before;
        return fine;
    }
    if (m.kind == MCP_NOTIFICATION) {
        take_notice(c, p, &m);
    } else {
        hand_over(p, m.id, line);
    }
    return true;
}

static bool take_output(struct ctx *c, struct mcp_pipe *p, struct buf *pending, struct str bytes)
{
    bool fine = buf_add_str(pending, bytes);
    for (ptrdiff_t at = str_find_char(buf_str(pending), '\n'); fine && at >= 0;
         at = str_find_char(buf_str(pending), '\n')) {
        fine = take_line(c, p, str_sub(buf_str(pending), 0, (size_t)at));
        buf_drop(pending, (size_t)at + 1);
        arena_reset(c->arena);
    }
    if (pending->overflow) {
        snprintf(p->said, sizeof(p->said), "a message of more than %d bytes",
                 (int)MCP_MESSAGE_MAX_BYTES);
    }
    return fine;
}

static void take_errors(struct ctx *c, struct mcp_pipe *p, struct str bytes)
{
    struct str line = {0}, rest = bytes, piece;
    while (str_split(&rest, '\n', &piece)) {
        line = str_trim(piece).n ? str_trim(piece) : line;
    }
    if (line.n) {
        log_at(c, LOG_DEBUG, "a tool server said", LOG_STR("text", text_cut_bytes(line, 1000)));
        pthread_mutex_lock(&p->lock);
        snprintf(p->said, sizeof(p->said), "%.*s", STR_ARG(text_cut_bytes(line, WORDS_MAX_BYTES)));
        pthread_mutex_unlock(&p->lock);
    }
}

static bool is_over(struct mcp_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    bool idle = !p->waiters && clock_steady_ms() - p->used_ms >= IDLE_MS;
    bool over = p->stopping || idle;
    pthread_mutex_unlock(&p->lock);
    return over;
}

static void read_on(struct ctx *c, struct mcp_pipe *p)
{
    struct buf pending = buf_make(MCP_MESSAGE_MAX_BYTES);
    struct arena *own = c->arena; /* holds c itself: messages get one that is emptied */
    char *bytes = mem_new(READ_BYTES);
    bool fine = true;
    c->arena = arena_new(CTX_MAX_BYTES);
    while (fine && !is_over(p)) {
        size_t n;
        enum process_event e = process_read(p->process, IDLE_MS, bytes, READ_BYTES, &n);
        if (e == PROCESS_OUTPUT) {
            fine = take_output(c, p, &pending, str_make(bytes, n));
        } else if (e == PROCESS_ERRORS) {
            take_errors(c, p, str_make(bytes, n));
        }
        fine = fine && e != PROCESS_ENDED;
    }
    arena_free(&c->arena);
    c->arena = own;
    buf_free(&pending);
    free(bytes);
}

/* No new writer gets in; those inside end soon, because what they write to is going. */
static void close_process(struct mcp_pipe *p)
{
    char how[100] = "";
    pthread_mutex_lock(&p->lock);
    p->state = PIPE_ENDING;
    while (p->writers > 0) {
        pthread_cond_wait(&p->moved, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    process_stop(&p->process, GRACE_MS, how, sizeof(how));
    pthread_mutex_lock(&p->lock);
    snprintf(p->end, sizeof(p->end), "the program %s%s%s", how, p->said[0] ? "; it said: " : "",
             p->said);
    p->state = PIPE_CLOSED;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg)
{
    struct mcp_pipe *p = arg;
    struct ctx *c = ctx_new(p->at, CTX_MAX_BYTES);
    struct process *process = NULL;
    enum err e = process_start(c, p->config, &process);
    pthread_mutex_lock(&p->lock);
    p->config = NULL;
    p->process = process;
    p->fault = c->fault;
    p->fault.err = e;
    p->state = e == E_OK ? PIPE_OPEN : PIPE_CLOSED;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    if (e == E_OK) {
        read_on(c, p);
        close_process(p);
    }
    ctx_free(&c);
    return NULL;
}

/* ---- for tasks ----------------------------------------------------------- */

static void free_pipe(struct mcp_pipe *p)
{
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

enum err mcp_pipe_open(struct ctx *c, const struct process_config *config,
                       atomic_bool *list_changed, struct mcp_pipe **out)
{
    struct mcp_pipe *p = mem_new(sizeof(*p));
    pthread_condattr_t steady;
    p->at = c->at;
    p->config = config;
    p->list_changed = list_changed;
    p->used_ms = clock_steady_ms();
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&p->moved, &steady);
    pthread_condattr_destroy(&steady);
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        free_pipe(p);
        return ctx_fail(c, E_UNAVAILABLE, "cannot start a thread for the program");
    }
    pthread_mutex_lock(&p->lock);
    while (p->state == PIPE_STARTING) { /* an exec: soon */
        pthread_cond_wait(&p->moved, &p->lock);
    }
    enum err e = p->fault.err;
    pthread_mutex_unlock(&p->lock);
    if (e != E_OK) {
        c->fault = p->fault;
        mcp_pipe_close(&p);
        return e;
    }
    *out = p;
    return E_OK;
}

bool mcp_pipe_is_open(struct mcp_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    bool open = p->state == PIPE_OPEN && !p->stopping;
    pthread_mutex_unlock(&p->lock);
    return open;
}

enum err mcp_pipe_tell(struct ctx *c, struct mcp_pipe *p, struct str message)
{
    pthread_mutex_lock(&p->lock);
    bool open = p->state == PIPE_OPEN && !p->stopping;
    p->writers += open;
    p->used_ms = clock_steady_ms();
    pthread_mutex_unlock(&p->lock);
    if (!open) {
        return ctx_fail(c, E_UNAVAILABLE, "the program has ended");
    }
    struct str line = str_fmt(c->arena, "%.*s\n", STR_ARG(message));
    enum err e = process_write(c, p->process, line);
    pthread_mutex_lock(&p->lock);
    p->writers--;
    p->stopping = p->stopping || e != E_OK; /* half a line may be written: it is of no more use */
    pthread_cond_broadcast(&p->moved);
    if (p->stopping) {
        process_wake(p->process); /* still there: it is stopped when writers are gone */
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

static void join_waiters(struct mcp_pipe *p, struct waiter *w)
{
    pthread_mutex_lock(&p->lock);
    w->next = p->waiters;
    p->waiters = w;
    pthread_mutex_unlock(&p->lock);
}

static void leave_waiters(struct mcp_pipe *p, struct waiter *w)
{
    pthread_mutex_lock(&p->lock);
    struct waiter **at = &p->waiters;
    while (*at != w) {
        at = &(*at)->next;
    }
    *at = w->next;
    p->used_ms = clock_steady_ms();
    pthread_mutex_unlock(&p->lock);
}

static enum err wait_answer(struct ctx *c, struct mcp_pipe *p, const struct waiter *w)
{
    enum err e = E_OK;
    pthread_mutex_lock(&p->lock);
    while (!w->text && p->state != PIPE_CLOSED && (e = ctx_check(c)) == E_OK) {
        int64_t wait_ms = ctx_left_ms(c, WAIT_MAX_MS);
        wait_ms = ctx_is_cancellable(c) && wait_ms > CANCEL_POLL_MS ? CANCEL_POLL_MS : wait_ms;
        int64_t until_ms = clock_steady_ms() + wait_ms;
        struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
        pthread_cond_timedwait(&p->moved, &p->lock, &until);
    }
    if (e == E_OK && !w->text) {
        e = ctx_fail(c, E_UNAVAILABLE, "%s", p->end);
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

/* Time is up or nobody wants it: the server may stop working on it. */
static void call_off(struct ctx *c, struct mcp_pipe *p, const struct mcp_ask *ask, enum err why)
{
    struct mcp_grace before;
    struct str message = mcp_wire_call_off(c, ask, why);
    if (message.n) {
        mcp_wire_grace(c, ANSWER_MS, &before);
        mcp_pipe_tell(c, p, message);
        mcp_wire_back(c, &before);
    }
}

enum err mcp_pipe_ask(struct ctx *c, struct mcp_pipe *p, struct mcp_ask *ask,
                      struct mcp_message *out)
{
    struct waiter w = {.id = ask->id};
    struct str text = mcp_message_request(c->arena, ask->id, ask->method, ask->params);
    join_waiters(p, &w);
    enum err e = mcp_pipe_tell(c, p, text);
    ask->sent = e == E_OK;
    e = e == E_OK ? wait_answer(c, p, &w) : e;
    leave_waiters(p, &w);
    ask->progress = w.progress;
    ask->last_words = str_dup(c->arena, str_of(w.words));
    call_off(c, p, ask, e);
    struct str line = str_dup(c->arena, str_make(w.text, w.text_bytes));
    free(w.text);
    struct json_fault fault;
    if (e == E_OK && mcp_message_read(c->arena, line, out, &fault) != E_OK) {
        e = ctx_fail(c, E_INTERNAL, "an answer reads differently the second time: %s", fault.text);
    }
    return e;
}

void mcp_pipe_close(struct mcp_pipe **p)
{
    struct mcp_pipe *old = *p;
    if (!old) {
        return;
    }
    pthread_mutex_lock(&old->lock);
    old->stopping = true;
    if (old->state == PIPE_OPEN) {
        process_wake(old->process);
    }
    pthread_mutex_unlock(&old->lock);
    pthread_join(old->thread, NULL);
    free_pipe(old);
    *p = NULL;
}
