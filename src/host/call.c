#include <string.h>

#include "host/host.h"
#include "host/made.h"
#include "store/vault.h"

struct json_out *call_json(struct call *call)
{
    return &call->json;
}

struct json_out *call_list_begin(struct call *call)
{
    json_open_object(&call->json);
    json_name(&call->json, "items");
    json_open_array(&call->json);
    return &call->json;
}

void call_list_end(struct call *call, struct str next_cursor)
{
    json_close_array(&call->json);
    if (next_cursor.n) {
        json_field_str(&call->json, "next_cursor", next_cursor);
    } else {
        json_field_null(&call->json, "next_cursor");
    }
    json_close_object(&call->json);
}

struct str call_query(struct ctx *c, const struct call *call, const char *name)
{
    struct str value;
    return request_query(c->arena, call->in, name, &value) ? value : STR("");
}

enum err call_query_int(struct ctx *c, const struct call *call, const char *name, int64_t fallback,
                        int64_t *out_value)
{
    struct str text = call_query(c, call, name);
    if (!text.n) {
        *out_value = fallback;
        return E_OK;
    }
    if (!str_to_i64(text, out_value)) {
        return ctx_fail_field(c, E_INVALID, name, "%s must be a whole number", name);
    }
    return E_OK;
}

enum err call_limit(struct ctx *c, const struct call *call, int *out_limit)
{
    int64_t limit;
    TRY(call_query_int(c, call, "limit", 50, &limit));
    if (limit < 1 || limit > 200) {
        return ctx_fail_field(c, E_INVALID, "limit", "limit must be from 1 to 200");
    }
    *out_limit = (int)limit;
    return E_OK;
}

enum err call_range(struct ctx *c, const struct call *call, struct call_range *out)
{
    struct call_range r;
    TRY(call_query_int(c, call, "after", CALL_NEWEST, &r.after));
    TRY(call_query_int(c, call, "before", 0, &r.before));
    TRY(call_limit(c, call, &r.limit));
    if (r.after < CALL_NEWEST || r.before < 0) {
        return ctx_fail_field(c, E_INVALID, r.before < 0 ? "before" : "after",
                              "%s must be a sequence number", r.before < 0 ? "before" : "after");
    }
    if (r.after != CALL_NEWEST && r.before) {
        return ctx_fail_field(c, E_INVALID, "before", "a page is after a message or before one");
    }
    *out = r;
    return E_OK;
}

enum err call_id(struct ctx *c, const struct call *call, int index, struct id *out_id)
{
    return id_parse(call->params[index], out_id) ? E_OK : ctx_fail(c, E_NOT_FOUND, "not found");
}

void call_etag(struct call *call, struct str tag)
{
    response_header(call->out, "ETag", tag);
}

enum err call_finish(struct ctx *c, struct call *call)
{
    struct response_out *out = call->out;
    bool creates = (call->route->flags & ROUTE_CREATES) != 0;
    if (call->text.overflow) {
        return ctx_fail(c, E_TOO_LARGE, "the answer is too large: ask for less");
    }
    if (out->status && !call->text.n) {
        return E_OK; /* finished already */
    }
    out->status = call->status ? call->status : creates ? 201 : 200;
    if (call->text.n) {
        out->body = str_dup(c->arena, buf_str(&call->text));
        buf_clear(&call->text);
    } else if (!out->body.n && !call->status && !creates && !out->channel) {
        out->status = 204;
    }
    return E_OK;
}

struct parked *call_park(struct ctx *c, struct call *call, const struct server_wait *wait)
{
    struct parked *p = server_park(c, wait);
    call->waits = p != NULL;
    return p;
}

enum err call_if_match(struct ctx *c, const struct call *call, struct str tag)
{
    struct str given = str_trim(request_header(call->in, "If-Match"));
    if (!given.n || str_eqz(given, "*") || str_eq(given, tag)) {
        return E_OK;
    }
    return ctx_fail(c, E_CONFLICT, "somebody changed this meanwhile: it is at %.*s now",
                    STR_ARG(tag));
}

enum err host_ask(struct ctx *c, const char *name, const struct json *question,
                  const struct json **out_answer)
{
    const struct service *const *services = c->at->host->services;
    for (int i = 0; services[i]; i++) {
        for (const struct ask *a = services[i]->asks; a && a->name; a++) {
            if (strcmp(a->name, name) == 0) {
                return a->answer(c, question, out_answer);
            }
        }
    }
    return ctx_fail(c, E_NOT_FOUND, "no service answers %s", name);
}

struct live *host_live(const struct ctx *c)
{
    return c->at->host->live;
}

struct share *host_streams(const struct ctx *c)
{
    const struct host *h = c->at->host;
    return c->roles & ROLE_GUEST ? h->guest_streams : h->streams;
}

struct otlp *host_otlp(const struct ctx *c)
{
    return c->at->host ? c->at->host->otlp : NULL;
}

const struct settings *host_settings(const struct ctx *c)
{
    return c->at->host->settings;
}

struct memo *host_memo(const struct ctx *c, int64_t *out_stamp)
{
    struct host *h = c->at->host;
    *out_stamp = h->forgotten << 32 ^ vault_changes(c->at->vault);
    return h->known;
}

const void *host_made(const struct ctx *c, const struct made_kind *kind)
{
    return made_of(c->at->host->made, kind);
}

static void forget(void *arg)
{
    struct host *h = arg;
    h->forgotten++;
}

void host_forget(struct ctx *c, struct store *s)
{
    if (c->at->host) {
        store_after_commit(s, forget, c->at->host);
    }
}

bool host_test_clock(const struct ctx *c)
{
    return c->at->host->test_clock;
}

const struct service *const *host_services(const struct ctx *c)
{
    return c->at->host->services;
}
