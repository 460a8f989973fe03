/* The six tools for callers outside: signed requests, one envelope for every answer.
 *
 *   POST    /tools/{org}/{tool}         {"customerId": "...", "params": {}}
 *   POST    /tools/{org}/{tool}/start   the same; {jobId, status: "running"} at once
 *   GET     /tools/{org}/status/{job}   {jobId, status, result}; signed over an empty body
 *   OPTIONS /tools/{org}/{tool}         204
 *
 * Headers X-Timestamp (Unix milliseconds, decimal), X-Client, X-Signature (tool_client_sign). The
 * signature is checked over the bytes as they came, before they are parsed; times more than five
 * minutes away, signatures that were used, and everything that does not fit are UNAUTHORIZED with
 * one text each. What a request may see follows from its client alone: no field or header of it
 * names an org, an owner or a role. Task code. */
#ifndef SVC_SUCCESS_TOOL_GATE_H
#define SVC_SUCCESS_TOOL_GATE_H

#include "bus/job.h"
#include "host/service.h"

enum { TOOL_GATE_BODY_MAX_BYTES = 64 << 10, TOOL_GATE_SKEW_MS = 5 * 60000 };

enum err tool_gate_call(struct ctx *c, struct call *call);
enum err tool_gate_start(struct ctx *c, struct call *call);
enum err tool_gate_status(struct ctx *c, struct call *call);
enum err tool_gate_options(struct ctx *c, struct call *call);

/* For members: the clients. */
enum err tool_gate_list(struct ctx *c, struct call *call);
enum err tool_gate_create(struct ctx *c, struct call *call);
enum err tool_gate_rotate(struct ctx *c, struct call *call);
enum err tool_gate_delete(struct ctx *c, struct call *call);

/* Jobs "success_tool" and "success_tool_expire". */
enum err tool_gate_work(struct ctx *c, struct job *job);
enum err tool_gate_expire(struct ctx *c, struct job *job);

#endif
