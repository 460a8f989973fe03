#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "io/channel.h"
#include "io/conn.h"
#include "io/exchange.h"
#include "io/listen.h"
#include "io/workers.h"

enum {
    EVENTS_MAX = 128,
    ACCEPTS_MAX = 64,
    POSTS_MAX = 16, /* before a worker is woken for them */
    RETRY_MS = 10,
    LINGER_MS = 2000,
    LINGER_STOP_MS = 500
};

static void wake(struct loop *l)
{
    if (!l->woken) {
        l->woken = true;
        uint64_t one = 1;
        if (write(l->wake_fd, &one, sizeof(one)) < 0) {
            /* the counter is full: the loop is being woken anyway */
        }
    }
}

/* Something is in the inbox: a loop that is at work looks there before it sleeps. */
static void tell(struct loop *l)
{
    if (atomic_load(&l->asleep)) {
        wake(l);
    }
}

void loop_answered(struct loop *l, struct exchange *ex)
{
    pthread_mutex_lock(&l->lock);
    ex->next = NULL;
    if (l->answered_last) {
        l->answered_last->next = ex;
    } else {
        l->answered_first = ex;
    }
    l->answered_last = ex;
    l->tasks--;
    tell(l);
    pthread_mutex_unlock(&l->lock);
}

void loop_touched(struct loop *l, struct channel *ch)
{
    channel_hold(ch);
    pthread_mutex_lock(&l->lock);
    ch->next_touched = NULL;
    if (l->touched_last) {
        l->touched_last->next_touched = ch;
    } else {
        l->touched_first = ch;
    }
    l->touched_last = ch;
    tell(l);
    pthread_mutex_unlock(&l->lock);
}

void loop_task_begins(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->tasks++;
    pthread_mutex_unlock(&l->lock);
}

void loop_task_ends(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->tasks--;
    if (l->stopping) {
        wake(l); /* under the lock: once it is released with no task left, the loop may go */
    }
    pthread_mutex_unlock(&l->lock);
}

static void wake_workers(struct loop *l)
{
    if (l->posted > 0) {
        l->posted = 0;
        workers_wake(l->server->at->workers);
    }
}

bool loop_post(struct loop *l, enum worker_lane lane, struct exchange *ex)
{
    loop_task_begins(l);
    bool posted = workers_post_quietly(l->server->at->workers, lane, exchange_run, ex);
    if (!posted) {
        loop_task_ends(l);
    } else if (++l->posted == POSTS_MAX) {
        wake_workers(l);
    }
    return posted;
}

void loop_retry(struct loop *l, struct channel *ch)
{
    ch->next_unposted = l->unposted;
    l->unposted = channel_hold(ch);
}

static void unlink_timer(struct loop *l, struct conn *conn)
{
    if (conn->timer == TIMER_NONE) {
        return;
    }
    struct timer_list *list = &l->timers[conn->timer];
    if (conn->timer_prev) {
        conn->timer_prev->timer_next = conn->timer_next;
    } else {
        list->first = conn->timer_next;
    }
    if (conn->timer_next) {
        conn->timer_next->timer_prev = conn->timer_prev;
    } else {
        list->last = conn->timer_prev;
    }
    conn->timer = TIMER_NONE;
}

void loop_arm(struct loop *l, struct conn *conn, enum timer_class class)
{
    unlink_timer(l, conn);
    if (class == TIMER_NONE) {
        return;
    }
    struct timer_list *list = &l->timers[class];
    conn->timer = class;
    conn->timer_due_ms = l->now_ms + list->ms;
    conn->timer_next = NULL;
    conn->timer_prev = list->last;
    if (list->last) {
        list->last->timer_next = conn;
    } else {
        list->first = conn;
    }
    list->last = conn;
}

void loop_adopt(struct loop *l, struct conn *conn)
{
    conn->prev = NULL;
    conn->next = l->conns;
    if (l->conns) {
        l->conns->prev = conn;
    }
    l->conns = conn;
    l->conn_count++;
    struct epoll_event event = {.events = conn->events, .data.ptr = conn};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        conn_cut(conn);
    }
}

/* Events of this turn may still name it, so its memory stays until the turn ends. */
void loop_bury(struct loop *l, struct conn *conn)
{
    unlink_timer(l, conn);
    if (conn->prev) {
        conn->prev->next = conn->next;
    } else {
        l->conns = conn->next;
    }
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    l->conn_count--;
    conn->next = l->graves;
    l->graves = conn;
}

void loop_watch(struct loop *l, struct conn *conn, uint32_t events)
{
    if (events != conn->events) {
        conn->events = events;
        struct epoll_event event = {.events = events, .data.ptr = conn};
        epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    }
}

/* No descriptor left: the spare one is given up for a moment, so that the peer is turned away
 * instead of waiting in the backlog and waking us for ever. */
static bool turn_away(struct loop *l)
{
    close(l->spare_fd);
    int fd = accept4(l->server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void accept_some(struct loop *l)
{
    for (int i = 0; i < ACCEPTS_MAX && !l->draining; i++) {
        char peer[CONN_PEER_BYTES];
        int fd = listen_accept(l->server->listen_fd, peer, sizeof(peer));
        if (fd >= 0) {
            conn_open(l, fd, peer);
        } else if ((errno == EMFILE || errno == ENFILE) && turn_away(l)) {
            log_write(l->server->at->log, NULL, LOG_WARN, "no file descriptors left for a peer",
                      NULL);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void begin_drain(struct loop *l)
{
    l->draining = true;
    l->timers[TIMER_LINGER].ms = LINGER_STOP_MS;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->server->listen_fd, NULL);
    for (struct conn *conn = l->conns, *next; conn; conn = next) {
        next = conn->next; /* draining buries at most the one at hand */
        conn_drain(conn);
    }
}

static void end_drain(struct loop *l)
{
    l->cut = true;
    while (l->conns) {
        conn_cut(l->conns);
    }
}

static void take_answers(struct exchange *list)
{
    while (list) {
        struct exchange *ex = list;
        list = ex->next;
        if (ex->conn) {
            conn_answer(ex->conn, ex);
        } else if (ex->channel) {
            channel_gone(&ex->channel);
        }
        exchange_free(&ex);
    }
}

static void take_touched(struct channel *list)
{
    while (list) {
        struct channel *ch = list;
        list = ch->next_touched; /* before it can be put in the inbox again */
        if (channel_untouch(ch)) {
            conn_channel_touched(ch->conn);
        }
        channel_release(&ch);
    }
}

static void take_inbox(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct exchange *answered = l->answered_first;
    struct channel *touched = l->touched_first;
    l->answered_first = l->answered_last = NULL;
    l->touched_first = l->touched_last = NULL;
    if (l->woken) {
        uint64_t count;
        if (read(l->wake_fd, &count, sizeof(count)) < 0) {
            /* woken between our look and the write: it comes as an event */
        }
        l->woken = false;
    }
    bool stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    take_answers(answered);
    take_touched(touched);
    if (stopping && !l->draining) {
        begin_drain(l);
    }
}

/* Nothing left, and nothing still to come back from workers. */
static bool is_over(struct loop *l)
{
    if (!l->draining || l->conns || l->unposted) {
        return false;
    }
    pthread_mutex_lock(&l->lock);
    bool expecting = l->tasks > 0 || l->answered_first || l->touched_first;
    pthread_mutex_unlock(&l->lock);
    return !expecting;
}

static void post_again(struct loop *l)
{
    struct channel *list = l->unposted;
    l->unposted = NULL;
    while (list) {
        struct channel *ch = list;
        list = ch->next_unposted;
        channel_post(ch); /* full again: it puts itself back */
        channel_release(&ch);
    }
}

static void run_timers(struct loop *l)
{
    for (int class = 0; class < TIMER_CLASSES; class ++) {
        struct timer_list *list = &l->timers[class];
        while (list->first && list->first->timer_due_ms <= l->now_ms) {
            struct conn *conn = list->first;
            loop_arm(l, conn, TIMER_NONE);
            conn_timer(conn, (enum timer_class) class);
        }
    }
    if (l->draining && !l->cut && l->now_ms >= l->stop_until_ms) {
        end_drain(l);
    }
}

static int wait_ms(const struct loop *l)
{
    int64_t due_ms = INT64_MAX;
    for (int class = 0; class < TIMER_CLASSES; class ++) {
        const struct conn *first = l->timers[class].first;
        if (first && first->timer_due_ms < due_ms) {
            due_ms = first->timer_due_ms;
        }
    }
    if (l->unposted && l->now_ms + RETRY_MS < due_ms) {
        due_ms = l->now_ms + RETRY_MS;
    }
    if (l->draining && !l->cut && l->stop_until_ms < due_ms) {
        due_ms = l->stop_until_ms;
    }
    if (due_ms == INT64_MAX) {
        return -1;
    }
    int64_t left_ms = due_ms - clock_steady_ms();
    return left_ms < 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms;
}

/* From here on whoever puts something into the inbox wakes the loop. */
static bool may_sleep(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool may = !l->answered_first && !l->touched_first;
    atomic_store(&l->asleep, may);
    pthread_mutex_unlock(&l->lock);
    return may;
}

static void free_graves(struct loop *l)
{
    while (l->graves) {
        struct conn *conn = l->graves;
        l->graves = conn->next;
        free(conn);
    }
}

static void *run_loop(void *arg)
{
    struct loop *l = arg;
    struct epoll_event events[EVENTS_MAX];
    while (!is_over(l)) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, may_sleep(l) ? wait_ms(l) : 0);
        atomic_store(&l->asleep, false);
        l->now_ms = clock_steady_ms();
        for (int i = 0; i < n; i++) {
            void *about = events[i].data.ptr;
            if (about == &l->server->listen_fd) {
                accept_some(l);
            } else if (about != &l->wake_fd) {
                conn_event(about, events[i].events);
            }
        }
        wake_workers(l);
        take_inbox(l);
        post_again(l);
        run_timers(l);
        wake_workers(l);
        free_graves(l);
    }
    return NULL;
}

static bool watch_own(struct loop *l)
{
    struct epoll_event woken = {.events = EPOLLIN, .data.ptr = &l->wake_fd};
    struct epoll_event peer = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                               .data.ptr = &l->server->listen_fd};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &woken) == 0 &&
           epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->server->listen_fd, &peer) == 0;
}

static void set_timers(struct loop *l)
{
    const struct server_config *config = &l->server->config;
    l->timers[TIMER_HEADER].ms = config->header_timeout_ms;
    l->timers[TIMER_BODY].ms = config->body_timeout_ms;
    l->timers[TIMER_IDLE].ms = config->idle_timeout_ms;
    l->timers[TIMER_WRITE].ms = config->write_timeout_ms;
    l->timers[TIMER_PING].ms = config->ping_interval_ms;
    l->timers[TIMER_LINGER].ms = LINGER_MS;
}

enum err loop_new(struct ctx *c, struct server *s, struct loop **out_loop)
{
    struct loop *l = mem_new(sizeof(*l));
    l->server = s;
    pthread_mutex_init(&l->lock, NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->scratch = mem_new(LOOP_SCRATCH_BYTES);
    l->now_ms = clock_steady_ms();
    atomic_init(&l->asleep, false);
    set_timers(l);
    if (l->epoll_fd < 0 || l->wake_fd < 0 || l->spare_fd < 0 || !watch_own(l) ||
        pthread_create(&l->thread, NULL, run_loop, l) != 0) {
        loop_free(&l);
        return ctx_fail(c, E_UNAVAILABLE, "the server's thread cannot start: %s", strerror(errno));
    }
    *out_loop = l;
    return E_OK;
}

void loop_stop(struct loop *l, int64_t drain_ms)
{
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    l->stop_until_ms = clock_steady_ms() + (drain_ms > 0 ? drain_ms : 0);
    wake(l);
    pthread_mutex_unlock(&l->lock);
}

void loop_join(struct loop *l)
{
    pthread_join(l->thread, NULL);
}

void loop_free(struct loop **l)
{
    struct loop *old = *l;
    *l = NULL;
    if (!old) {
        return;
    }
    int fds[] = {old->epoll_fd, old->wake_fd, old->spare_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    pthread_mutex_destroy(&old->lock);
    free(old->scratch);
    free(old);
}
