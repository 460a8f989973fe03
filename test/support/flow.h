/* Plays a scenario file (test/flow/README.md says how they are written) in an installation that
 * stands still: what is due runs at `drain`. At the end every id that was seen is asked for by a
 * member of another org, on every route that takes one: all must be invisible. */
#ifndef SUPPORT_FLOW_H
#define SUPPORT_FLOW_H

#include "support/installation.h"

struct ordeal;

struct flow_outcome {
    int scenarios, failures;
};

/* Prints a TAP line per scenario and a remark per failure. With an ordeal, only the remarks: then a
 * request that a failing call has reached may be answered with a clean error, and is sent once
 * more, as a client would; and `drain` lets the time of retries pass. */
struct flow_outcome flow_play(const struct installation *w, const char *file, struct ordeal *o);

#endif
