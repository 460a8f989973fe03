#include "link/mcp_wire.h"

#include <string.h>

#include "codec/text.h"

enum { WORDS_MAX_BYTES = 200 };

void mcp_wire_notice(struct arena *a, const struct mcp_message *m, struct mcp_ask *ask,
                     atomic_bool *list_changed)
{
    if (str_eqz(m->method, "notifications/tools/list_changed")) {
        atomic_store(list_changed, true);
    } else if (ask && str_eqz(m->method, "notifications/progress") &&
               json_int(m->body, "progressToken", 0) == ask->id) {
        ask->progress++;
        struct str words = json_str(m->body, "message", STR(""));
        ask->last_words = str_dup(a, text_cut_bytes(words, WORDS_MAX_BYTES));
    }
}

void mcp_wire_grace(struct ctx *c, int64_t grace_ms, struct mcp_grace *out_before)
{
    out_before->fault = c->fault;
    out_before->limits = ctx_grace(c, grace_ms);
}

void mcp_wire_back(struct ctx *c, const struct mcp_grace *before)
{
    ctx_grace_end(c, &before->limits);
    c->fault = before->fault;
}

struct str mcp_wire_call_off(struct ctx *c, const struct mcp_ask *ask, enum err why)
{
    bool gave_up = why == E_TIMEOUT || why == E_CANCELLED;
    if (!gave_up || !ask->sent || strncmp(ask->method, "tools/", 6) != 0) {
        return STR("");
    }
    struct arena *a = c->arena;
    struct str reason =
        why == E_TIMEOUT ? STR("the time for this call is over") : STR("no longer wanted");
    return mcp_message_notification(a, "notifications/cancelled",
                                    json_object(a, {"requestId", json_new_int(a, ask->id)},
                                                {"reason", json_new_str(a, reason)}));
}
