/* jq: the expression language of everything a user writes as a condition or a mapping (escalation
 * rules, tools, connectors, alert rules). The language is jq 1.6's
 * (https://jqlang.github.io/jq/manual/v1.6) without what reaches outside a program: env, input,
 * include, now, debug, halt, and without ?// and the streaming functions. It is our own evaluator
 * over json trees: see docs/adr/0002-jq.md for why.
 *
 * A program is compiled once, in microseconds, is immutable afterwards and may be run by many
 * threads at once. Pure: it sees its input and its variables, and nothing else.
 *
 * Bounds. A run ends with E_LIMIT when it has taken more steps, made more values or nested deeper
 * than below, so a program that never ends is stopped like any other. */
#ifndef CODEC_JQ_H
#define CODEC_JQ_H

#include "codec/json.h"

enum {
    JQ_SOURCE_MAX_BYTES = 16 << 10,
    JQ_STEPS_MAX = 1000000,         /* evaluations and comparisons */
    JQ_MEMORY_MAX_BYTES = 32 << 20, /* of values made on the way */
    JQ_OUTPUTS_MAX = 10000,
    JQ_DEPTH_MAX = 1000 /* evaluations inside each other */
};

struct jq_program;

struct jq_setup {
    struct str prelude;           /* definitions put before the program, such as "def vip: ...;" */
    const char *const *variables; /* names without $ that the program may use; NULL ends the list */
};

/* line and column are 1-based places in `source`; 0 when the fault is not tied to one. */
struct jq_fault {
    int line, column;
    char text[200];
};

struct jq_input {
    const struct json *value;     /* what . is; NULL: null */
    const struct json *variables; /* an object: {"now_ms": 1} is $now_ms; absent ones are null */
};

/* `setup` may be NULL. E_INVALID (see out_fault), E_TOO_LARGE. */
enum err jq_new(struct str source, const struct jq_setup *setup, struct jq_program **out_program,
                struct jq_fault *out_fault);
void jq_free(struct jq_program **p);
/* The text it was made from. */
struct str jq_source(const struct jq_program *p);

/* All outputs as an array in `a`; nothing in it points into the input.
 * E_INVALID: the program failed (wrong types, error(...)); E_LIMIT: a bound was passed. */
enum err jq_run(const struct jq_program *p, struct arena *a, struct jq_input in,
                const struct json **out_outputs, struct jq_fault *out_fault);
/* The first output; null when there is none. */
enum err jq_one(const struct jq_program *p, struct arena *a, struct jq_input in,
                const struct json **out_value, struct jq_fault *out_fault);
/* Whether the first output is neither false nor null; no output is false. */
enum err jq_truth(const struct jq_program *p, struct arena *a, struct jq_input in, bool *out_truth,
                  struct jq_fault *out_fault);

#endif
