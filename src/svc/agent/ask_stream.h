/* A copilot's answer as it is written: server-sent events, told while its run is driven on one
 * of the workers for slow requests. When the reader leaves, the run is cancelled.
 *
 *   started {run_id}                      the run exists; GET /runs/{id} shows it
 *   delta {turn, text}                    a piece of an answer that is not checked yet
 *   retract {turn}                        those pieces are void
 *   step {run_id, node, duration_ms, status}
 *   answer {run_id, status, answer}       the end
 *   error {code, detail, request_id}      or this */
#ifndef SVC_AGENT_ASK_STREAM_H
#define SVC_AGENT_ASK_STREAM_H

#include "agent/turn.h"
#include "host/service.h"

/* The request asked for text/event-stream. */
bool ask_stream_is_wanted(const struct call *call);
/* Answers the call with the stream. E_UNAVAILABLE: no worker is free. */
enum err ask_stream_open(struct ctx *c, struct call *call, const struct turn_question *question);

/* The service's on_close. */
void ask_stream_close(struct ctx *c, struct channel *ch);

/* {run_id, status, answer} of a run that ended; E_UNAVAILABLE when it failed. */
enum err ask_stream_check(struct ctx *c, const struct run *run);
void ask_stream_write(struct json_out *o, const struct run *run);

extern const struct service agent_service;

#endif
