/* Server-sent events (the HTML standard's text/event-stream): a reader fed with pieces cut
 * anywhere, and a writer. Pure. */
#ifndef CODEC_SSE_H
#define CODEC_SSE_H

#include "base/buf.h"
#include "base/err.h"

enum { SSE_EVENT_MAX_BYTES = 1 << 20 };

struct sse_event {
    struct str type; /* "message" when not named */
    struct str data; /* lines joined by \n */
    struct str id;   /* the last id seen */
};

struct sse;

struct sse *sse_new(size_t event_max_bytes); /* 0: SSE_EVENT_MAX_BYTES */
void sse_free(struct sse **s);

/* Calls on_event for every event that is complete; views are valid during the call. A result other
 * than E_OK ends the feed and is returned. E_TOO_LARGE: an event passed the maximum; nothing more
 * is read. */
enum err sse_feed(struct sse *s, struct str piece,
                  enum err (*on_event)(const struct sse_event *event, void *arg), void *arg);
/* What the server asked for with `retry`, or -1. */
int64_t sse_retry_ms(const struct sse *s);

/* Appends one event. type and id may be empty; line ends in data are kept. */
void sse_write(struct buf *b, struct str type, struct str id, struct str data);
/* Appends a comment line, which keeps a connection alive. */
void sse_write_ping(struct buf *b);

#endif
