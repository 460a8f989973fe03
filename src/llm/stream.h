/* What both wire formats share: sending, reading the answer as it arrives, bounds, tool calls put
 * together from pieces, and what an error status means. A wire format feeds it from its events.
 * Inside the llm row; task code. */
#ifndef LLM_STREAM_H
#define LLM_STREAM_H

#include "codec/sse.h"
#include "io/client.h"
#include "llm/provider.h"

enum { STREAM_HEADERS_MAX = 8, STREAM_RESPONSE_MAX_BYTES = 32 << 20 };

struct stream;

struct stream_post {
    struct header headers[STREAM_HEADERS_MAX];
    int header_count;
};

struct stream_format {
    const char *path; /* after the base and /v1 */
    void (*put_request)(struct json_out *o, struct arena *a, const struct provider_call *call);
    /* The key and what else the vendor wants; the types of content are there. */
    void (*put_headers)(struct arena *a, const struct provider_call *call,
                        struct stream_post *post);
    /* One server-sent event; sets s->done when the answer is complete. */
    enum err (*on_event)(struct stream *s, const struct sse_event *event);
    /* A whole answer as one JSON object: servers that do not stream. */
    enum err (*on_whole)(struct stream *s, const struct json *body);
};

struct stream_call {
    int64_t index; /* as the wire numbers it */
    struct str id, name;
    struct buf arguments;
    const struct json *whole; /* arguments that came as an object */
};

/* What an event that only brought text looks like around it. The next one mostly differs in that
 * text alone: then it need not be parsed to be understood. */
struct stream_form {
    struct buf type, before, after;
    struct str piece; /* what the event at hand handed out; of its own document */
    int pieces, others;
};

struct stream {
    struct ctx *c;
    const struct provider_call *call;
    const struct stream_format *format;
    struct provider_answer *answer;
    struct sse *sse;
    struct arena *scratch; /* of one event */
    struct buf text;
    struct buf whole; /* a body that is no event stream */
    struct stream_call calls[CHAT_CALLS_MAX];
    int call_count;
    int64_t began_ms; /* steady */
    struct stream_form form;
    bool begun; /* the first byte told which kind of body it is */
    bool is_whole;
    bool any;  /* something of an answer was seen */
    bool done; /* it is complete */
    bool full; /* our bound was reached: the rest is not wanted */
};

void stream_open(struct stream *s, struct ctx *c, const struct provider_call *call,
                 const struct stream_format *format, struct provider_answer *answer);
void stream_close(struct stream *s);

/* A piece of the body, cut anywhere. */
enum err stream_feed(struct stream *s, struct str piece);
/* The body is over: fills the answer, or E_UNAVAILABLE when it broke off. */
enum err stream_end(struct stream *s);

/* For formats. The JSON of an event, valid until the next one; E_UNAVAILABLE. */
enum err stream_parse(struct stream *s, struct str data, const struct json **out_value);
enum err stream_text(struct stream *s, struct str piece);
/* The call with that index, made when it is new; NULL when there are too many. */
struct stream_call *stream_call_at(struct stream *s, int64_t index);
void stream_call_named(struct stream *s, struct stream_call *k, struct str id, struct str name);
void stream_call_add(struct stream *s, struct stream_call *k, struct str piece);
void stream_call_whole(struct stream *s, struct stream_call *k, const struct json *arguments);

/* An error object of either vendor, from a status or inside a stream (status 0). Always fails. */
enum err stream_refuse(struct ctx *c, const struct provider_call *call, int status,
                       const struct json *body, int retry_after_ms);

void stream_header(struct stream_post *post, const char *name, struct str value);

/* The whole attempt: writes the request, posts it, reads what comes. A `send` of provider.h. */
enum err stream_send(struct ctx *c, const struct provider_call *call,
                     const struct stream_format *format, struct provider_answer *answer);
/* base_url and path joined, whether or not the base already ends in /v1. */
struct str stream_url(struct arena *a, const struct provider_account *account, const char *path);

#endif
