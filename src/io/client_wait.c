#include "io/client_wait.h"

enum { TIMEOUT_MS = 30000, WAIT_MAX_MS = 60000 };

struct client_wait client_wait_begin(struct ctx *c, const struct request_out *request)
{
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;
    struct client_wait w = {.start_ms = clock_steady_ms(),
                            .first_byte_ms = -1,
                            .idle_timeout_ms = request->idle_timeout_ms};
    w.last_byte_ms = w.start_ms;
    w.deadline_ms = w.start_ms + ctx_left_ms(c, timeout_ms);
    return w;
}

void client_wait_heard(struct client_wait *w)
{
    w->last_byte_ms = clock_steady_ms();
    if (w->first_byte_ms < 0) {
        w->first_byte_ms = w->last_byte_ms - w->start_ms;
    }
}

enum err client_wait_left(struct ctx *c, const struct client_wait *w, const char *host,
                          int *out_wait_ms)
{
    int64_t now_ms = clock_steady_ms();
    int64_t wait_ms = w->deadline_ms - now_ms;
    if (ctx_is_cancelled(c)) {
        return ctx_fail(c, E_CANCELLED, "cancelled");
    }
    if (wait_ms <= 0) {
        return ctx_fail(c, E_TIMEOUT, "%s did not answer completely in %lld ms", host,
                        (long long)(now_ms - w->start_ms));
    }
    if (w->idle_timeout_ms > 0) {
        int64_t left_ms = w->last_byte_ms + w->idle_timeout_ms - now_ms;
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    if (wait_ms <= 0) {
        return ctx_fail(c, E_TIMEOUT, "%s sent nothing for %lld ms", host,
                        (long long)w->idle_timeout_ms);
    }
    wait_ms =
        ctx_is_cancellable(c) && wait_ms > CLIENT_WAIT_POLL_MS ? CLIENT_WAIT_POLL_MS : wait_ms;
    *out_wait_ms = wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : (int)wait_ms;
    return E_OK;
}
