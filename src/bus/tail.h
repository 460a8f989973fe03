/* The live end of the event log, for SSE and WebSocket views. A tail sees every event of its org
 * that matches, once, in seq order, after its commit, whichever process wrote it. Any thread.
 *
 * `fn` runs on the bus's thread (in bus_drain: on the caller's) and must not block: it hands the
 * event to a bounded queue and returns; false ends the tail. `e` lives for the call. */
#ifndef BUS_TAIL_H
#define BUS_TAIL_H

#include "base/buf.h"
#include "bus/topic.h"

enum {
    TAIL_MAX = 20000, /* open tails per process */
    TAIL_TEXT_MAX_BYTES = 512 << 10,
};

/* filter.after_seq: events after this one are delivered first (missed ones after a reconnect);
 * -1: from now on. The filter's texts are copied. Returns 0 when there are TAIL_MAX. */
uint64_t tail_open(struct bus *b, const struct id *org, const struct event_filter *filter,
                   bool (*fn)(void *arg, const struct event *e), void *arg);
/* For many who are shown the same: `write` makes a text of an event once for all tails that have
 * the same `text` (a const), however many they are; fn gets it. A text that would pass
 * TAIL_TEXT_MAX_BYTES is shown to nobody. */
struct tail_text {
    void (*write)(const struct event *e, struct buf *out);
    bool (*fn)(void *arg, const struct event *e, struct str text);
};
uint64_t tail_open_text(struct bus *b, const struct id *org, const struct event_filter *filter,
                        const struct tail_text *text, void *arg);
/* After it returns fn is not running and will not run again. Not from fn itself. */
void tail_close(struct bus *b, uint64_t tail);

#endif
