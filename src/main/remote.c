#include "main/remote.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/turn.h"
#include "base/log.h"
#include "bus/bus.h"
#include "codec/sse.h"
#include "codec/url.h"
#include "host/lifecycle.h"
#include "host/org.h"
#include "io/client.h"
#include "main/serve.h"
#include "main/services.h"

enum {
    ANSWER_MAX_BYTES = 32 << 20,
    CALL_ARENA_BYTES = 256 << 20,
    CALL_MS = 120000,
    SLOW_DOWN_TRIES = 20,
    SLOW_DOWN_MAX_S = 61,
    PAGE = 200,
    TOKEN_MAX_BYTES = 16 << 10
};

struct remote {
    struct ctx *c;
    struct invocation *in;
    struct facilities at; /* clock, log and client, for calls over the network */
    struct client *client;
    struct lifecycle *l; /* the data opened here; NULL: a server answers */
    struct str url, secret, operator_slug;
    struct str token;
    bool has_key; /* the token is an API key: one org, no signing in */
    bool wrote;
};

/* ---- opening ------------------------------------------------------------- */

static enum err open_url(struct remote *r, const char *url)
{
    const char *key = getenv("RAPPORT_KEY");
    if (!key || !key[0]) {
        return ctx_fail(r->c, E_UNAUTHENTICATED,
                        "--url needs an API key in the environment variable RAPPORT_KEY; "
                        "`rapport key create` makes one");
    }
    r->url = str_of(url);
    while (str_ends(r->url, STR("/"))) {
        r->url.n--;
    }
    r->token = str_of(key);
    r->has_key = true;
    return url_is_web(r->url)
               ? E_OK
               : command_usage(r->c, r->in, "--url must be an http or https address");
}

/* Opening makes what is missing: only `serve` and `migrate` should do that. */
static enum err need_data(struct ctx *c, const struct settings *s)
{
    struct stat st;
    char *store = str_dupz(c->arena, str_fmt(c->arena, "%.*s/store", STR_ARG(s->data_folder)));
    if (s->store_kind == STORE_SQLITE && stat(store, &st) != 0) {
        return ctx_fail(c, E_NOT_FOUND,
                        "there is no data in %.*s; start `rapport serve` once, or name the folder "
                        "with --data",
                        STR_ARG(s->data_folder));
    }
    return E_OK;
}

static enum err find_operator(struct ctx *c, struct str *out_slug)
{
    const struct org *orgs;
    int count;
    TRY(serve_prepare(c, NULL));
    TRY(org_list(c, STR(""), ORG_PAGE_MAX, &orgs, &count));
    for (int i = 0; i < count; i++) {
        if (str_eqz(orgs[i].kind, "operator")) {
            *out_slug = orgs[i].slug;
        }
    }
    return E_OK;
}

static enum err open_here(struct remote *r, const struct settings *settings)
{
    struct ctx *c = r->c;
    struct lifecycle_config config = {
        .services = all_services, .settings = *settings, .log_fd = STDERR_FILENO};
    config.settings.requests_per_minute = 0; /* nobody else waits for this process */
    config.settings.requests_burst = 0;
    config.settings.public_requests_per_minute = 0;
    config.settings.log_level = STR("warn");
    TRY(need_data(c, settings));
    TRY(lifecycle_open(c, &config, &r->l));
    struct ctx *own = lifecycle_ctx(r->l);
    struct str slug = STR("operator");
    enum err e = find_operator(own, &slug);
    r->operator_slug = str_dup(c->arena, slug);
    r->secret = str_of(r->l->host.local_secret);
    r->url = STR("");
    if (e != E_OK) {
        c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}

static enum err open_any(struct remote *r)
{
    const char *url = command_option(r->in, "url", getenv("RAPPORT_URL"));
    struct settings settings;
    struct serve_run run;
    if (url && url[0]) {
        return open_url(r, url);
    }
    TRY(serve_settings(r->c, r->in, &settings));
    if (serve_read_run(r->c, settings.data_folder, &run)) {
        r->url = run.url;
        r->secret = run.secret;
        r->operator_slug = run.operator_slug;
        if (settings.tls_cert.n) { /* a certificate of one's own is trusted by its owner */
            client_trust(r->client, str_dupz(r->c->arena, settings.tls_cert));
        }
        return E_OK;
    }
    return open_here(r, &settings);
}

enum err remote_open(struct ctx *c, struct invocation *in, struct remote **out)
{
    struct remote *r = ARENA_NEW(c->arena, struct remote);
    r->c = c;
    r->in = in;
    r->at = (struct facilities){.clock = c->at->clock, .log = c->at->log};
    r->client = client_new(&r->at, 4);
    r->at.client = r->client;
    enum err e = open_any(r);
    if (e != E_OK) {
        remote_close(&r);
        return e;
    }
    *out = r;
    return E_OK;
}

/* What was changed here has its events delivered and its jobs done now: no server does it later. */
static void finish_work(struct remote *r)
{
    struct ctx *own = lifecycle_ctx(r->l);
    ctx_limit(own, CALL_MS);
    if (bus_drain(own, r->l->at.bus) != E_OK) {
        log_at(own, LOG_WARN, "work is left for the next start", LOG_Z("text", own->fault.text));
    }
    ctx_free(&own);
}

void remote_close(struct remote **r)
{
    struct remote *it = *r;
    *r = NULL;
    if (!it) {
        return;
    }
    if (it->l) {
        if (it->wrote) {
            finish_work(it);
        }
        lifecycle_close(&it->l, 0);
    }
    client_free(&it->client);
}

bool remote_is_here(const struct remote *r)
{
    return r->l != NULL;
}

struct str remote_url(const struct remote *r)
{
    return r->url;
}

/* ---- one exchange -------------------------------------------------------- */

struct answer {
    int status;
    struct str body;
    int64_t retry_after_s;
};

static int call_headers(struct ctx *c, const struct remote *r, const struct remote_call *call,
                        struct header out[4])
{
    int n = 0;
    if (r->token.n) {
        out[n++] = (struct header){STR("Authorization"),
                                   str_fmt(c->arena, "Bearer %.*s", STR_ARG(r->token))};
    }
    if (call->body || call->bytes.n) {
        out[n++] = (struct header){STR("Content-Type"),
                                   call->type.n ? call->type : STR("application/json")};
    }
    if (call->if_match.n) {
        out[n++] = (struct header){STR("If-Match"), call->if_match};
    }
    return n;
}

static struct str call_body(struct ctx *c, const struct remote_call *call)
{
    return call->body ? json_write(c->arena, call->body) : call->bytes;
}

static enum err send_out(struct remote *r, const struct remote_call *call, struct answer *out)
{
    struct ctx *c = r->c;
    struct header headers[4];
    struct request_out request = {
        .method = call->method,
        .url = str_fmt(c->arena, "%.*s%.*s", STR_ARG(r->url), STR_ARG(call->path)),
        .headers = headers,
        .header_count = call_headers(c, r, call, headers),
        .body = call_body(c, call),
        .timeout_ms = CALL_MS,
        .response_max_bytes = ANSWER_MAX_BYTES,
        .allow_private = true, /* where it is, its owner said */
    };
    struct response_in response;
    const struct facilities *before = c->at;
    c->at = &r->at;
    enum err e = client_send(c, &request, &response);
    c->at = before;
    TRY(e);
    *out = (struct answer){.status = response.status, .body = response.body};
    str_to_i64(client_header(&response, "Retry-After"), &out->retry_after_s);
    return E_OK;
}

static struct str answer_header(const struct response_out *out, const char *name)
{
    for (int i = 0; i < out->header_count; i++) {
        if (str_eq_nocase(out->headers[i].name, str_of(name))) {
            return out->headers[i].value;
        }
    }
    return STR("");
}

/* The same door as a request over the network passes, without the network. */
static enum err send_here(struct remote *r, const struct remote_call *call, struct answer *out)
{
    struct ctx *own = ctx_new(&r->l->at, CALL_ARENA_BYTES);
    struct header headers[4];
    ptrdiff_t mark = str_find_char(call->path, '?');
    struct str path = mark < 0 ? call->path : str_sub(call->path, 0, (size_t)mark);
    struct request_in in = {
        .method = str_of(call->method),
        .query = mark < 0 ? STR("") : str_sub(call->path, (size_t)mark + 1, call->path.n),
        .headers = headers,
        .header_count = call_headers(own, r, call, headers),
        .body = call_body(own, call),
        .peer = STR("127.0.0.1"),
    };
    struct response_out response = {0};
    ctx_limit(own, CALL_MS);
    if (!url_decode(own->arena, path, &in.path)) {
        ctx_free(&own);
        return ctx_fail(r->c, E_INVALID, "this path cannot be sent");
    }
    door_request(own, &in, &response, NULL);
    *out = (struct answer){.status = response.status, .body = str_dup(r->c->arena, response.body)};
    str_to_i64(answer_header(&response, "Retry-After"), &out->retry_after_s);
    ctx_free(&own);
    return E_OK;
}

/* ---- answers ------------------------------------------------------------- */

static enum err fault_of(struct ctx *c, const struct answer *answer, const struct json *problem)
{
    enum err e = err_from_http(answer->status);
    e = e == E_OK ? E_INTERNAL : e;
    struct str detail = json_str(problem, "detail", STR(""));
    struct str field = json_str(problem, "field", STR(""));
    if (!detail.n) {
        return ctx_fail(c, e, "the server answered with status %d", answer->status);
    }
    ctx_fail_place(c, e, (int)json_int(problem, "line", 0), (int)json_int(problem, "column", 0),
                   "%.*s", STR_ARG(detail));
    return field.n ? ctx_name_field(c, str_dupz(c->arena, field)) : e;
}

static void wait_s(int64_t seconds)
{
    struct timespec t = {.tv_sec = seconds < 1 ? 1 : seconds};
    while (nanosleep(&t, &t) != 0) {}
}

enum err remote_send(struct remote *r, const struct remote_call *call,
                     const struct json **out_answer)
{
    struct ctx *c = r->c;
    struct answer answer;
    for (int i = 0;; i++) {
        TRY(r->l ? send_here(r, call, &answer) : send_out(r, call, &answer));
        bool slow = answer.status == 429 && answer.retry_after_s <= SLOW_DOWN_MAX_S;
        if (!slow || i == SLOW_DOWN_TRIES) {
            break;
        }
        wait_s(answer.retry_after_s);
    }
    r->wrote = r->wrote || strcmp(call->method, "GET") != 0;
    const struct json *value = NULL;
    struct json_fault fault = {0};
    bool is_json = answer.body.n && json_parse(c->arena, answer.body, &value, &fault) == E_OK;
    if (answer.status >= 400 || answer.status < 200) {
        return fault_of(c, &answer, is_json ? value : NULL);
    }
    if (answer.body.n && !is_json) {
        return ctx_fail(c, E_INTERNAL, "%.*s did not answer with JSON: is this Rapport?",
                        STR_ARG(r->url));
    }
    *out_answer = value;
    return E_OK;
}

enum err remote_get(struct remote *r, struct str path, const struct json **out_answer)
{
    struct remote_call call = {.method = "GET", .path = path};
    return remote_send(r, &call, out_answer);
}

enum err remote_post(struct remote *r, struct str path, const struct json *body,
                     const struct json **out_answer)
{
    struct remote_call call = {.method = "POST", .path = path, .body = body};
    return remote_send(r, &call, out_answer);
}

enum err remote_list(struct remote *r, struct str path, size_t max, const struct json **out_items)
{
    struct arena *a = r->c->arena;
    const struct json *all = &json_empty_array;
    struct str cursor = STR("");
    bool has_query = str_find_char(path, '?') >= 0;
    do {
        const struct json *page;
        struct str more =
            cursor.n ? str_fmt(a, "&cursor=%.*s", STR_ARG(url_encode(a, cursor, false))) : STR("");
        TRY(remote_get(r,
                       str_fmt(a, "%.*s%climit=%d%.*s", STR_ARG(path), has_query ? '&' : '?', PAGE,
                               STR_ARG(more)),
                       &page));
        const struct json *items = json_get(page, "items");
        for (size_t i = 0; i < json_count(items) && json_count(all) < max; i++) {
            all = json_push(a, all, json_at(items, i));
        }
        cursor = json_str(page, "next_cursor", STR(""));
    } while (cursor.n && json_count(all) < max);
    *out_items = all;
    return E_OK;
}

/* ---- signing in ---------------------------------------------------------- */

static enum err sign_in(struct remote *r, struct str slug)
{
    struct arena *a = r->c->arena;
    const struct json *answer;
    bool wrote = r->wrote;
    r->token = STR("");
    TRY(remote_post(
        r, STR("/api/v1/auth/local"),
        json_object(a, {"secret", json_new_str(a, r->secret)}, {"org", json_new_str(a, slug)}),
        &answer));
    r->wrote = wrote; /* signing in leaves no work behind */
    r->token = json_str(answer, "access_token", STR(""));
    return E_OK;
}

enum err remote_enter_operator(struct remote *r)
{
    return r->has_key ? E_OK : sign_in(r, r->operator_slug);
}

enum err remote_enter_slug(struct remote *r, struct str slug)
{
    return r->has_key ? E_OK : sign_in(r, slug);
}

/* "--org brightwell or --org harbour" */
static enum err ask_which(struct remote *r, const struct json *orgs)
{
    struct buf b = buf_make(400);
    for (size_t i = 0; i < json_count(orgs); i++) {
        const struct json *o = json_at(orgs, i);
        if (!str_eqz(json_str(o, "kind", STR("")), "operator")) {
            buf_addf(&b, "%s--org %.*s", b.n ? " or " : "", STR_ARG(json_str(o, "slug", STR(""))));
        }
    }
    enum err e = command_usage(r->c, r->in, "which organisation? add %.*s", STR_ARG(buf_str(&b)));
    buf_free(&b);
    return e;
}

static const char *wanted_org(const struct remote *r)
{
    return command_option(r->in, "org", getenv("RAPPORT_ORG"));
}

enum err remote_enter_shown(struct remote *r)
{
    const char *wanted = wanted_org(r);
    const struct json *demo = NULL;
    if (r->has_key || (wanted && wanted[0])) {
        return remote_enter(r);
    }
    if (remote_get(r, STR("/api/v1/demo"), &demo) != E_OK) {
        ctx_forgive(r->c);
        return remote_enter(r);
    }
    struct str slug = json_str(json_get(demo, "org"), "slug", STR(""));
    fprintf(stderr, "organisation %.*s, that of the demo; --org names another\n", STR_ARG(slug));
    return sign_in(r, slug);
}

enum err remote_enter(struct remote *r)
{
    const char *wanted = wanted_org(r);
    const struct json *orgs, *only = NULL;
    int clients = 0;
    if (r->has_key) {
        return E_OK;
    }
    if (wanted && wanted[0]) {
        return sign_in(r, str_of(wanted));
    }
    TRY(remote_enter_operator(r));
    TRY(remote_list(r, STR("/api/v1/orgs"), 1000, &orgs));
    for (size_t i = 0; i < json_count(orgs); i++) {
        if (!str_eqz(json_str(json_at(orgs, i), "kind", STR("")), "operator")) {
            only = json_at(orgs, i);
            clients++;
        }
    }
    if (clients > 1) {
        return ask_which(r, orgs);
    }
    return only ? sign_in(r, json_str(only, "slug", STR(""))) : E_OK; /* the operator's alone */
}

/* ---- streams ------------------------------------------------------------- */

struct streaming {
    const struct remote_stream *stream;
    struct sse *sse;
};

static enum err on_sse(const struct sse_event *event, void *arg)
{
    struct streaming *s = arg;
    return s->stream->on_event(event->type, event->id, event->data, s->stream->arg);
}

static enum err on_piece(struct ctx *c, struct str piece, void *arg)
{
    (void)c;
    struct streaming *s = arg;
    return sse_feed(s->sse, piece, on_sse, s);
}

struct ctx *remote_thread_ctx(const struct remote *r)
{
    return ctx_new(&r->at, CALL_ARENA_BYTES);
}

enum err remote_stream(struct ctx *c, const struct remote *r, const struct remote_stream *stream)
{
    struct header headers[4] = {{STR("Accept"), STR("text/event-stream")}};
    int n = 1;
    if (r->token.n) {
        headers[n++] = (struct header){STR("Authorization"),
                                       str_fmt(c->arena, "Bearer %.*s", STR_ARG(r->token))};
    }
    if (stream->after >= 0) {
        headers[n++] = (struct header){STR("Last-Event-ID"),
                                       str_fmt(c->arena, "%lld", (long long)stream->after)};
    }
    struct streaming s = {stream, sse_new(0)};
    struct request_out request = {
        .method = "GET",
        .url = str_fmt(c->arena, "%.*s%.*s", STR_ARG(r->url), STR_ARG(stream->path)),
        .headers = headers,
        .header_count = n,
        .timeout_ms = 24ll * 3600 * 1000,
        .idle_timeout_ms = 90000, /* the server sends a comment every 25 s */
        .allow_private = true,
        .on_piece = on_piece,
        .on_piece_arg = &s,
    };
    struct response_in response;
    const struct facilities *before = c->at;
    c->at = &r->at;
    enum err e = client_send(c, &request, &response);
    c->at = before;
    sse_free(&s.sse);
    if (e == E_GONE) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    if (response.status >= 400) {
        const struct json *problem = NULL;
        struct json_fault fault;
        struct answer answer = {.status = response.status};
        if (json_parse(c->arena, response.body, &problem, &fault) != E_OK) {
            problem = NULL;
        }
        return fault_of(c, &answer, problem);
    }
    return ctx_fail(c, E_UNAVAILABLE, "the server ended the stream");
}

/* ---- turns here ---------------------------------------------------------- */

static void on_turn_text(struct ctx *c, const struct id *conversation, const struct id *run,
                         struct str piece, void *arg)
{
    (void)c;
    (void)conversation;
    (void)run;
    const struct remote_turn *turn = arg;
    turn->on_text(piece, turn->arg);
}

enum err remote_turn(struct remote *r, const struct remote_turn *turn)
{
    struct remote_turn copy = *turn;
    struct turn_watch watch = {.on_text = on_turn_text, .arg = &copy};
    struct ctx *own = lifecycle_ctx(r->l);
    struct org org;
    struct org_visit before;
    ctx_limit(own, CALL_MS);
    enum err e = org_by_slug(own, turn->org_slug, &org);
    if (e == E_OK) {
        org_enter(own, &org.id, &before);
        e = turn_take(own, &turn->conversation, NULL, own->at->alone, &watch);
    }
    if (e != E_OK) {
        r->c->fault = own->fault;
    }
    ctx_free(&own);
    return e;
}
