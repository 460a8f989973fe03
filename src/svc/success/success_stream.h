/* Asks whose answer is told while it is made: server-sent events, and a WebSocket for those who ask
 * often. Events are plan, phase:complete, tool:start, tool:complete, patch, tool:end and, once and
 * last, final; over the WebSocket the same with their names as `type`. An ask of a member ends the
 * one before that is still under way. Where an org has its share of answers under way, further ones
 * stand in line for half a minute at most. */
#ifndef SVC_SUCCESS_SUCCESS_STREAM_H
#define SVC_SUCCESS_SUCCESS_STREAM_H

#include "host/service.h"
#include "svc/success/success_ask.h"

struct success_order {
    struct success_ask ask;
    struct id again; /* the brief whose failed tools run once more; unset: a new question */
};

bool success_stream_is_wanted(const struct call *call);
/* Answers the call with a stream. E_LIMIT: the org's line is full, too; E_UNAVAILABLE. */
enum err success_stream_open(struct ctx *c, struct call *call, const struct success_order *order);
/* The order to run again what failed of a brief: its own question, as it was asked. E_NOT_FOUND;
 * as success_ask_check. */
enum err success_stream_again(struct ctx *c, const struct id *brief,
                              struct success_order *out_order);
/* Does the ask (or again) and keeps the brief, unless nobody waits for it: E_CANCELLED. */
enum err success_stream_answer(struct ctx *c, const struct success_order *order,
                               struct brief *out_brief);

/* GET /api/v1/copilot/ws. First frame {"type":"auth","token"}, answered by {"type":"ready"}; then
 * {"type":"ask","question","account_id"?,"tone"?,"language"?}, {"type":"rerun","brief_id"},
 * {"type":"ping"}. */
enum err success_stream_socket(struct ctx *c, struct call *call);
enum err success_stream_message(struct ctx *c, struct channel *ch, struct str text);
void success_stream_close(struct ctx *c, struct channel *ch);

extern const struct service success_service;

#endif
