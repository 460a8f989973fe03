/* The six tools of the success copilot. Each reads one account through the service that keeps it
 * and gives data in camelCase, as callers outside get it; inside they are the same functions.
 *
 *   get_customer_usage   {trend, avgDailyUsers, sparkline, missingData}
 *   get_recent_tickets   {openTickets, recentTickets[{id, severity, subject}], missingData}
 *   get_contract_info    {renewalDate|null, arr, currency, missingData}
 *   calculate_health     {score|null, healthScore, riskLevel, signals[], factors[], ...}
 *   generate_email       {subject, body, tone, language}
 *   generate_qbr_outline {sections[{title, bullets[]}]}
 *
 * Usage, tickets and contract of an account that has none are flat, 0 and none with missingData
 * true; nothing is ever scored or written from them as if it were known. The first two take
 * params.periodDays: the line's last points, and the tickets that came in those days. Task code. */
#ifndef SVC_SUCCESS_SUCCESS_TOOL_H
#define SVC_SUCCESS_SUCCESS_TOOL_H

#include <stdint.h>

#include "base/ctx.h"
#include "codec/json.h"

enum { SUCCESS_TOOL_COUNT = 6, SUCCESS_TOOLS_PER_ASK_MAX = 5 };
/* Places in the table, in the order in which a brief uses them. */
enum success_tool_place {
    SUCCESS_TOOL_USAGE,
    SUCCESS_TOOL_TICKETS,
    SUCCESS_TOOL_CONTRACT,
    SUCCESS_TOOL_HEALTH,
    SUCCESS_TOOL_EMAIL,
    SUCCESS_TOOL_QBR
};

struct success_input {
    struct str account;        /* id or slug */
    int64_t as_of_ms;          /* 0: now */
    const struct json *params; /* an object, or NULL: tone, language, instruction */
};

struct success_tool {
    const char *name; /* "get_customer_usage" */
    const char *summary;
    /* E_NOT_FOUND: no such account for this caller; E_INCOMPLETE: what it needs is not known;
     * E_INVALID names a parameter. */
    enum err (*run)(struct ctx *c, const struct success_input *in, const struct json **out_data);
};

const struct success_tool *success_tool_at(int i); /* NULL past the last */
const struct success_tool *success_tool_find(struct str name);

/* Runs it and never fails: *out_envelope is {"ok":true,"data":{...},"error":null} or
 * {"ok":false,"data":null,"error":{"code","message"}}, *out_status the HTTP status of that code:
 * INVALID_INPUT 400, UNAUTHORIZED 401, MISSING_DATA 404, TOOL_FAILURE 500, TIMEOUT 504. */
void success_tool_run(struct ctx *c, const struct success_tool *t, const struct success_input *in,
                      const struct json **out_envelope, int *out_status);
/* The same envelope for what failed before a tool could run; the fault in c is forgiven. */
void success_tool_fault(struct ctx *c, enum err e, const struct json **out_envelope,
                        int *out_status);

/* Whether data has the shape above: the tool may have changed, or its answer been cut. NULL when it
 * has, else what is wrong. Pure. */
const char *success_tool_misfit(const struct success_tool *t, const struct json *data);

#endif
