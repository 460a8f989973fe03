#include "agent/tool_http.h"

#include <unistd.h>

#include "base/trace.h"
#include "codec/hmac.h"
#include "codec/template.h"
#include "codec/url.h"
#include "io/client.h"
#include "store/vault.h"

enum { HEADERS_MAX = 16, BACKOFF_FIRST_MS = 200 };

struct http_call {
    struct str key, method, url, body;
    struct header headers[HEADERS_MAX];
    int header_count;
};

static void add_header(struct http_call *h, struct str name, struct str value)
{
    if (h->header_count < HEADERS_MAX) {
        h->headers[h->header_count++] = (struct header){name, value};
    }
}

/* Arguments become query values of a GET; nested ones as JSON text. */
static struct str with_query(struct ctx *c, struct str url, const struct json *arguments)
{
    struct buf b = buf_make(8192);
    buf_add_str(&b, url);
    char sep = str_find_char(url, '?') >= 0 ? '&' : '?';
    for (size_t i = 0; i < json_count(arguments); i++) {
        const struct json_member *m = &arguments->members[i];
        struct str value =
            json_is(&m->value, JSON_STRING) ? m->value.string : json_write(c->arena, &m->value);
        buf_add_char(&b, sep);
        buf_add_str(&b, url_encode(c->arena, m->name, false));
        buf_add_char(&b, '=');
        buf_add_str(&b, url_encode(c->arena, value, false));
        sep = '&';
    }
    struct str all = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return all;
}

/* Every argument in the address is percent-encoded before it is put in, so that a value cannot
 * change host or path. */
static enum err address(struct ctx *c, const struct json *http, const struct json *arguments,
                        struct str *out_url)
{
    const struct json *encoded = &json_empty_object;
    for (size_t i = 0; i < json_count(arguments); i++) {
        const struct json_member *m = &arguments->members[i];
        struct str value =
            json_is(&m->value, JSON_STRING) ? m->value.string : json_write(c->arena, &m->value);
        encoded = json_with(c->arena, encoded, m->name,
                            json_new_str(c->arena, url_encode(c->arena, value, false)));
    }
    struct json_fault fault = {0};
    if (template_text(c->arena, json_str(http, "url", STR("")), encoded, out_url, &fault) != E_OK) {
        return ctx_fail(c, E_INVALID, "the tool's address: %s", fault.text);
    }
    return E_OK;
}

static enum err sign(struct ctx *c, const struct json *http, struct http_call *h)
{
    struct str secret, signature;
    struct store *s;
    TRY(store_of(c, &s));
    TRY(vault_get(c, s, json_str(http, "secret_ref", STR("")), &secret));
    if (!json_bool(http, "sign", false)) {
        add_header(h, STR("Authorization"), str_fmt(c->arena, "Bearer %.*s", STR_ARG(secret)));
        return E_OK;
    }
    struct hmac_webhook w = {h->key, ctx_now_ms(c) / 1000, h->body};
    if (hmac_webhook_sign(c->arena, &w, &secret, 1, &signature) != E_OK) {
        return ctx_fail(c, E_INVALID, "the tool's secret is no whsec_ signing secret");
    }
    add_header(h, STR("webhook-id"), h->key);
    add_header(h, STR("webhook-timestamp"), str_fmt(c->arena, "%lld", (long long)w.timestamp_s));
    add_header(h, STR("webhook-signature"), signature);
    return E_OK;
}

static enum err prepare(struct ctx *c, const struct tool_scene *scene, const struct json *http,
                        const struct json *arguments, struct http_call *h)
{
    h->method = json_str(http, "method", STR("POST"));
    TRY(address(c, http, arguments, &h->url));
    bool get = str_eqz(h->method, "GET") || str_eqz(h->method, "DELETE");
    if (get) {
        h->url = with_query(c, h->url, arguments);
    } else {
        h->body = json_write(c->arena, arguments);
        add_header(h, STR("Content-Type"), STR("application/json"));
    }
    add_header(h, STR("Accept"), STR("application/json"));
    add_header(h, STR("Idempotency-Key"), h->key);
    add_header(h, STR("X-Request-Id"), str_of(c->request_id));
    if (id_is_set(&scene->conversation)) {
        add_header(h, STR("X-Conversation-Id"), id_str(&scene->conversation));
    }
    char parent[TRACE_PARENT_BYTES + 1];
    trace_write(c, parent);
    add_header(h, STR("traceparent"), str_dup(c->arena, str_of(parent)));
    const struct json *extra = json_get(http, "headers");
    for (size_t i = 0; i < json_count(extra); i++) {
        add_header(h, extra->members[i].name, json_text(&extra->members[i].value, STR("")));
    }
    return json_get(http, "secret_ref") ? sign(c, http, h) : E_OK;
}

static enum err read_answer(struct ctx *c, const struct response_in *in,
                            const struct json **out_result, struct str *out_refusal)
{
    const struct json *body = &json_empty_object;
    struct json_fault fault = {0};
    enum err e = str_trim(in->body).n == 0
                     ? E_OK
                     : json_parse_within(c->arena, in->body, TOOL_RESULT_VALUES_MAX, &body, &fault);
    bool parsed = e == E_OK;
    if (in->status == 422 && parsed && json_get(body, "detail")) {
        *out_refusal = json_str(body, "detail", STR("The other system refused this."));
        return E_OK;
    }
    if (in->status < 200 || in->status >= 300) {
        e = err_from_http(in->status);
        e = e == E_INTERNAL ? E_UNAVAILABLE : e; /* their defect, not ours: it may pass */
        return ctx_fail(c, e, "the tool's server answered %d", in->status);
    }
    if (e == E_TOO_LARGE) {
        return ctx_fail(c, e, "the tool's answer cannot be used: %s", fault.text);
    }
    if (!parsed) {
        return ctx_fail(c, E_INVALID, "the tool's server sent no JSON: %s", fault.text);
    }
    *out_result = body;
    return E_OK;
}

static bool may_retry(enum err e, int attempt, int retries)
{
    return attempt < retries && (e == E_UNAVAILABLE || e == E_TIMEOUT || e == E_LIMIT);
}

enum err tool_http_run(struct ctx *c, const struct tool_scene *scene,
                       const struct config_tool *tool, const struct json *arguments, struct str key,
                       const struct json **out_result, struct str *out_refusal)
{
    const struct json *http = json_get(tool->run_json, "http");
    struct http_call h = {.key = key};
    TRY(prepare(c, scene, http, arguments, &h));
    int retries = (int)json_int(http, "retries", 2);
    struct request_out request = {
        .method = str_dupz(c->arena, h.method),
        .url = h.url,
        .headers = h.headers,
        .header_count = h.header_count,
        .body = h.body,
        .timeout_ms = tool->timeout_ms,
        .response_max_bytes = TOOL_RESPONSE_MAX_BYTES,
        .allow_private = scene->allow_private && json_bool(http, "allow_private", false),
    };
    for (int attempt = 0;; attempt++) {
        struct response_in in;
        enum err e = client_send(c, &request, &in);
        e = e == E_OK ? read_answer(c, &in, out_result, out_refusal) : e;
        int64_t pause_ms = BACKOFF_FIRST_MS << attempt;
        if (!may_retry(e, attempt, retries) || ctx_left_ms(c, pause_ms + 1) <= pause_ms) {
            return e;
        }
        usleep((useconds_t)pause_ms * 1000);
    }
}
