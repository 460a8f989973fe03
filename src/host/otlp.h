/* Traces to an OpenTelemetry collector: OTLP/HTTP with JSON (opentelemetry-proto, "OTLP/HTTP"),
 * POST {url}/v1/traces. Spans wait in memory, at most OTLP_QUEUE_MAX; further ones are dropped and
 * counted. One background task at a time sends them every OTLP_EVERY_MS, sooner when a batch is
 * full; 429, 502, 503, 504 and unreachable collectors are tried again, nothing else. */
#ifndef HOST_OTLP_H
#define HOST_OTLP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

enum {
    OTLP_QUEUE_MAX = 4096,
    OTLP_BATCH_MAX = 512,
    OTLP_EVERY_MS = 2000,
    OTLP_TRIES_MAX = 6,
    OTLP_RETRY_MAX_MS = 30000,
    OTLP_ATTRIBUTES_MAX = 8
};

struct otlp;

/* `url` without path, as OTEL_EXPORTER_OTLP_ENDPOINT has it; copied. NULL when it is empty. */
struct otlp *otlp_new(const struct facilities *at, struct str url);
/* Sends what waits now, once, as part of the workers' drain. Before workers_free. */
void otlp_stop(struct otlp *o);
/* After workers_free. */
void otlp_free(struct otlp **o);

enum otlp_kind { OTLP_INTERNAL = 1, OTLP_SERVER = 2, OTLP_CLIENT = 3, OTLP_CONSUMER = 5 };

/* A text when text.p is set, else the number. Texts are masked as in the log. */
struct otlp_attribute {
    const char *key;
    struct str text;
    int64_t number;
};

struct otlp_span {
    const char *trace;  /* 32 hex digits */
    const char *span;   /* 16 */
    const char *parent; /* 16, or empty: a root */
    struct str name;    /* of a small set: a route's path, a node, a tool; never data */
    enum otlp_kind kind;
    int64_t started_us, ended_us; /* steady */
    bool failed;
    struct otlp_attribute attributes[OTLP_ATTRIBUTES_MAX]; /* up to the first without key */
};

/* Any thread; never waits for the collector. Nothing when o is NULL. */
void otlp_add(struct otlp *o, const struct otlp_span *span);

#endif
