#include "link/mcp_message.h"

#include <stdio.h>

#include "codec/base64.h"
#include "codec/text.h"

enum { WORDS_MAX_BYTES = 300 };

static const char *const legacy_revisions[] = {MCP_LEGACY, "2025-06-18", "2025-03-26", "2024-11-05",
                                               NULL};

static enum err refuse(struct json_fault *out_fault, const char *why)
{
    *out_fault = (struct json_fault){0};
    snprintf(out_fault->text, sizeof(out_fault->text), "%s", why);
    return E_INVALID;
}

static bool is_id(const struct json *v)
{
    return json_is(v, JSON_INT) || json_is(v, JSON_STRING) || json_is(v, JSON_REAL);
}

static enum err read_call(const struct json *v, struct mcp_message *m, struct json_fault *out_fault)
{
    const struct json *id = json_get(v, "id"), *params = json_get(v, "params");
    if (id && !is_id(id)) {
        return refuse(out_fault, "id must be a text or a number");
    }
    if (params && !json_is(params, JSON_OBJECT)) {
        return refuse(out_fault, "params must be an object");
    }
    m->kind = id ? MCP_REQUEST : MCP_NOTIFICATION;
    m->peer_id = id;
    m->method = json_str(v, "method", STR(""));
    m->body = params ? params : &json_empty_object;
    return E_OK;
}

static enum err read_answer(const struct json *v, struct mcp_message *m,
                            struct json_fault *out_fault)
{
    const struct json *result = json_get(v, "result"), *error = json_get(v, "error");
    if (!result == !error) {
        return refuse(out_fault, "neither request, notification, result nor error");
    }
    m->body = result ? result : error;
    if (!json_is(m->body, JSON_OBJECT)) {
        return refuse(out_fault, result ? "result must be an object" : "error must be an object");
    }
    m->kind = result ? MCP_RESULT : MCP_ERROR;
    m->id = json_int(v, "id", 0);
    return E_OK;
}

enum err mcp_message_read(struct arena *a, struct str text, struct mcp_message *out,
                          struct json_fault *out_fault)
{
    const struct json *v;
    struct mcp_message m = {0};
    *out_fault = (struct json_fault){0};
    TRY(json_parse(a, text, &v, out_fault));
    if (json_is(v, JSON_ARRAY)) {
        return refuse(out_fault, "batches are not spoken here");
    }
    if (!str_eqz(json_str(v, "jsonrpc", STR("")), "2.0")) {
        return refuse(out_fault, "no JSON-RPC 2.0 message");
    }
    const struct json *method = json_get(v, "method");
    if (method && !json_is(method, JSON_STRING)) {
        return refuse(out_fault, "method must be a text");
    }
    TRY(method ? read_call(v, &m, out_fault) : read_answer(v, &m, out_fault));
    *out = m;
    return E_OK;
}

struct str mcp_message_request(struct arena *a, int64_t id, const char *method,
                               const struct json *params)
{
    return json_write(
        a, json_object(a, {"jsonrpc", json_new_str(a, STR("2.0"))}, {"id", json_new_int(a, id)},
                       {"method", json_new_str(a, str_of(method))}, {"params", params}));
}

struct str mcp_message_notification(struct arena *a, const char *method, const struct json *params)
{
    return json_write(a,
                      json_object(a, {"jsonrpc", json_new_str(a, STR("2.0"))},
                                  {"method", json_new_str(a, str_of(method))}, {"params", params}));
}

/* What servers may ask of clients, and why this one says no. */
static struct str refusal_of(struct str method)
{
    static const char *const rows[][2] = {
        {"sampling/createMessage", "sampling is not offered: a tool server gets no model calls"},
        {"elicitation/create", "elicitation is not offered: a tool server cannot ask people"},
        {"roots/list", "roots are not offered: a tool server is shown no files"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (str_eqz(method, rows[i][0])) {
            return str_of(rows[i][1]);
        }
    }
    return STR("this client answers only ping");
}

struct str mcp_message_answer(struct arena *a, const struct mcp_message *request)
{
    bool ping = str_eqz(request->method, "ping");
    const struct json *error =
        json_object(a, {"code", json_new_int(a, MCP_NO_METHOD)},
                    {"message", json_new_str(a, refusal_of(request->method))});
    return json_write(a, json_object(a, {"jsonrpc", json_new_str(a, STR("2.0"))},
                                     {"id", request->peer_id},
                                     {"result", ping ? &json_empty_object : NULL},
                                     {"error", ping ? NULL : error}));
}

int64_t mcp_message_code(const struct mcp_message *error)
{
    return error->kind == MCP_ERROR ? json_int(error->body, "code", 0) : 0;
}

struct str mcp_message_error_text(struct arena *a, const struct mcp_message *error)
{
    struct str words = json_str(error->body, "message", STR("no reason given"));
    return str_fmt(a, "%.*s (%lld)", STR_ARG(text_cut_bytes(words, WORDS_MAX_BYTES)),
                   (long long)mcp_message_code(error));
}

bool mcp_message_is_legacy(struct str revision)
{
    for (const char *const *r = legacy_revisions; *r; r++) {
        if (str_eqz(revision, *r)) {
            return true;
        }
    }
    return false;
}

struct str mcp_message_pick_legacy(const struct json *revisions)
{
    for (const char *const *r = legacy_revisions; *r; r++) {
        for (size_t i = 0; i < json_count(revisions); i++) {
            if (str_eqz(json_text(json_at(revisions, i), STR("")), *r)) {
                return str_of(*r);
            }
        }
    }
    return STR("");
}

struct str mcp_message_header(struct arena *a, struct str value)
{
    bool safe = value.n == 0 || (value.p[0] > ' ' && value.p[value.n - 1] > ' ');
    for (size_t i = 0; i < value.n && safe; i++) {
        safe = value.p[i] >= ' ' && value.p[i] <= '~';
    }
    bool looks_encoded = str_starts(value, STR("=?base64?")) && str_ends(value, STR("?="));
    return safe && !looks_encoded ? value
                                  : str_fmt(a, "=?base64?%.*s?=", STR_ARG(base64_encode(a, value)));
}
