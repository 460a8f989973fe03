#include "io/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mishap.h"
#include "io/client_address.h"
#include "io/http1.h"

enum {
    URL_MAX_BYTES = 8192,
    HOST_MAX_BYTES = 256,
    TIMEOUT_MS = 30000,
    RESPONSE_MAX_BYTES = 4 << 20,
    HEADER_BYTES_MAX = 64 << 10,
    CONNECT_MS = 10000,
    CANCEL_POLL_MS = 50,
    IDLE_KEEP_MS = 60000,
    SWEEP_MS = 1000,
    LINE_CONNECTIONS = 4,
};

/* One request at a time, and the connections it leaves open. Lines that may reach private addresses
 * are kept apart: an open connection is not checked again. */
struct line {
    CURL *easy;
    CURLM *multi;
    bool allow_private;
    char host[HOST_MAX_BYTES]; /* last used for */
    int64_t used_ms;
    struct line *next;
};

struct client {
    const struct facilities *at;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct line *idle; /* latest first */
    int busy, max;
    int64_t swept_ms; /* when old lines were looked for */
    char *trust_file;
    CURLSH *share; /* DNS answers and TLS sessions */
    pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
};

/* One hop of one request. */
struct transfer {
    struct ctx *c;
    const struct request_out *request;
    const char *method;
    bool with_body, foreign; /* foreign: redirected to another origin, secrets stay here */
    CURLU *url;
    char host[HOST_MAX_BYTES];
    CURL *easy;
    struct curl_slist *header_list;
    enum err err; /* why we ended it, with the fault in c */
    bool denied;  /* an address was refused */
    bool head_done, head_told;
    int64_t deadline_ms, start_ms, last_byte_ms, first_byte_ms;
    int status;
    size_t received_bytes, header_bytes;
    struct buf body;
    struct header headers[CLIENT_HEADERS_MAX];
    int header_count;
};

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    (void)easy;
    (void)access;
    pthread_mutex_lock(&((struct client *)arg)->share_locks[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
    (void)easy;
    pthread_mutex_unlock(&((struct client *)arg)->share_locks[data]);
}

struct client *client_new(const struct facilities *at, int connections_max)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct client *cl = mem_new(sizeof(*cl));
    cl->at = at;
    cl->max = connections_max > 0 ? connections_max : 64;
    pthread_mutex_init(&cl->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&cl->freed, &steady);
    pthread_condattr_destroy(&steady);
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_init(&cl->share_locks[i], NULL);
    }
    cl->share = curl_share_init();
    if (!cl->share) {
        abort(); /* out of memory */
    }
    curl_share_setopt(cl->share, CURLSHOPT_LOCKFUNC, share_lock);
    curl_share_setopt(cl->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
    curl_share_setopt(cl->share, CURLSHOPT_USERDATA, cl);
    curl_share_setopt(cl->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(cl->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return cl;
}

void client_trust(struct client *cl, const char *pem_path)
{
    free(cl->trust_file);
    cl->trust_file = mem_dupz(pem_path);
}

static void line_free(struct line *l)
{
    curl_easy_cleanup(l->easy);
    curl_multi_cleanup(l->multi);
    free(l);
}

void client_free(struct client **cl)
{
    struct client *old = *cl;
    if (!old) {
        return;
    }
    while (old->idle) {
        struct line *l = old->idle;
        old->idle = l->next;
        line_free(l);
    }
    curl_share_cleanup(old->share);
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_destroy(&old->share_locks[i]);
    }
    pthread_mutex_destroy(&old->lock);
    pthread_cond_destroy(&old->freed);
    free(old->trust_file);
    free(old);
    *cl = NULL;
    curl_global_cleanup();
}

static void set_up(const struct client *cl, CURL *easy);
static void set_down(CURL *easy);

static struct line *line_new(const struct client *cl, bool allow_private)
{
    struct line *l = mem_new(sizeof(*l));
    l->allow_private = allow_private;
    l->easy = curl_easy_init();
    l->multi = curl_multi_init();
    if (!l->easy || !l->multi) {
        abort(); /* out of memory */
    }
    curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)LINE_CONNECTIONS);
    set_up(cl, l->easy);
    return l;
}

/* Under lock. An idle line, best one that was last used for the host. */
static struct line *pick_idle(struct client *cl, const struct transfer *t)
{
    struct line **found = NULL;
    for (struct line **at = &cl->idle; *at; at = &(*at)->next) {
        if ((*at)->allow_private == t->request->allow_private) {
            found = found ? found : at;
            if (strcmp((*at)->host, t->host) == 0) {
                found = at;
                break;
            }
        }
    }
    struct line *l = found ? *found : NULL;
    if (l) {
        *found = l->next;
        l->next = NULL;
    }
    return l;
}

/* Waits for a free line up to the deadline. */
static enum err line_take(struct client *cl, struct transfer *t, struct line **out_line)
{
    enum err e = E_OK;
    pthread_mutex_lock(&cl->lock);
    while (cl->busy >= cl->max && e == E_OK) {
        int64_t until_ms = clock_steady_ms() + CANCEL_POLL_MS;
        struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
        pthread_cond_timedwait(&cl->freed, &cl->lock, &until);
        e = ctx_check(t->c);
        if (e == E_OK && clock_steady_ms() >= t->deadline_ms) {
            e = ctx_fail(t->c, E_TIMEOUT, "all %d outgoing connections are in use", cl->max);
        }
    }
    struct line *l = NULL;
    if (e == E_OK) {
        cl->busy++;
        l = pick_idle(cl, t);
    }
    pthread_mutex_unlock(&cl->lock);
    if (e == E_OK) {
        *out_line = l ? l : line_new(cl, t->request->allow_private);
        memcpy((*out_line)->host, t->host, sizeof(t->host));
    }
    return e;
}

static void line_give(struct client *cl, struct line *l)
{
    set_down(l->easy);
    l->used_ms = clock_steady_ms();
    struct line *old = NULL;
    pthread_mutex_lock(&cl->lock);
    l->next = cl->idle;
    cl->idle = l;
    cl->busy--;
    bool due = l->used_ms - cl->swept_ms >= SWEEP_MS;
    cl->swept_ms = due ? l->used_ms : cl->swept_ms;
    for (struct line **at = &cl->idle; due && *at; at = &(*at)->next) {
        if ((*at)->used_ms < l->used_ms - IDLE_KEEP_MS) {
            old = *at; /* the rest is older still */
            *at = NULL;
            break;
        }
    }
    pthread_cond_signal(&cl->freed);
    pthread_mutex_unlock(&cl->lock);
    while (old) {
        struct line *next = old->next;
        line_free(old);
        old = next;
    }
}

/* The address that is really connected to: a name that resolves differently later gains nothing. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = arg;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!t->request->allow_private &&
         !client_address_is_public(&address->addr, (socklen_t)address->addrlen))) {
        t->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void heard(struct transfer *t)
{
    t->last_byte_ms = clock_steady_ms();
    if (t->first_byte_ms < 0) {
        t->first_byte_ms = t->last_byte_ms - t->start_ms;
    }
}

static int status_of(const struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    struct str line = str_trim(str_make(p, size * count));
    heard(t);
    if (str_starts(line, STR("HTTP/"))) {
        t->head_done = false;
        t->header_count = 0; /* what came before was interim */
        t->header_bytes = 0;
        return size * count;
    }
    t->head_done = t->head_done || line.n == 0;
    t->header_bytes += line.n;
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon <= 0) {
        return size * count;
    }
    if (t->header_count == CLIENT_HEADERS_MAX || t->header_bytes > HEADER_BYTES_MAX) {
        t->err = ctx_fail(t->c, E_TOO_LARGE, "%s answered with too many headers", t->host);
        return 0;
    }
    struct header *h = &t->headers[t->header_count++];
    h->name = str_dup(t->c->arena, str_sub(line, 0, (size_t)colon));
    h->value = str_dup(t->c->arena, str_trim(str_sub(line, (size_t)colon + 1, line.n)));
    return size * count;
}

static enum err tell_head(struct transfer *t, int status)
{
    const struct request_out *request = t->request;
    if (!request->on_head || t->head_told) {
        return E_OK;
    }
    t->head_told = true;
    struct response_in head = {
        .status = status, .headers = t->headers, .header_count = t->header_count};
    return request->on_head(t->c, &head, request->on_piece_arg);
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    const struct request_out *request = t->request;
    size_t n = size * count;
    heard(t);
    if (n > t->body.max_bytes - t->received_bytes) {
        t->err = ctx_fail(t->c, E_TOO_LARGE, "%s answered with more than %zu bytes", t->host,
                          t->body.max_bytes);
        return 0;
    }
    t->received_bytes += n;
    int status = status_of(t);
    if (request->on_piece && status >= 200 && status < 300) {
        t->err = tell_head(t, status);
        t->err = t->err == E_OK ? request->on_piece(t->c, str_make(p, n), request->on_piece_arg)
                                : t->err;
        return t->err == E_OK ? n : 0;
    }
    buf_add(&t->body, p, n);
    return n;
}

static enum err bad_url(struct ctx *c, const char *why)
{
    return ctx_fail_field(c, E_INVALID, "url", "%s", why);
}

/* Copies a part of the URL; false when it is absent or does not fit. */
static bool url_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t size_bytes)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) {
        return false;
    }
    size_t n = strlen(text);
    bool fits = n < size_bytes;
    if (fits) {
        memcpy(out, text, n + 1);
    }
    curl_free(text);
    return fits;
}

static enum err judge_url(struct ctx *c, CURLU *url, char host[HOST_MAX_BYTES])
{
    char scheme[16];
    if (!url_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        return bad_url(c, "only http and https addresses can be called");
    }
    if (!url_part(url, CURLUPART_HOST, 0, host, HOST_MAX_BYTES)) {
        return bad_url(c, "the address names no host");
    }
    return E_OK;
}

static enum err parse_url(struct transfer *t, struct str text)
{
    if (text.n == 0 || text.n > URL_MAX_BYTES) {
        return bad_url(t->c, "an address has 1 to 8192 bytes");
    }
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == 0x7f) {
            return bad_url(t->c, "the address holds a space or a control character");
        }
    }
    CURLUcode rc =
        curl_url_set(t->url, CURLUPART_URL, str_dupz(t->c->arena, text), CURLU_DISALLOW_USER);
    if (rc == CURLUE_USER_NOT_ALLOWED) {
        return bad_url(t->c, "the address must not hold credentials");
    }
    if (rc != CURLUE_OK) {
        return bad_url(t->c, "this is no http or https address");
    }
    return judge_url(t->c, t->url, t->host);
}

static bool is_harmless(struct str name)
{
    return str_eq_nocase(name, STR("accept")) || str_eq_nocase(name, STR("accept-language")) ||
           str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("user-agent"));
}

static enum err add_header_line(struct transfer *t, const char *line)
{
    struct curl_slist *list = curl_slist_append(t->header_list, line);
    if (!list) {
        abort(); /* out of memory */
    }
    t->header_list = list;
    return E_OK;
}

static enum err add_headers(struct transfer *t)
{
    const struct request_out *request = t->request;
    bool has_type = false, has_agent = false;
    if (request->header_count > CLIENT_HEADERS_MAX) {
        return ctx_fail(t->c, E_INVALID, "a request has at most %d headers", CLIENT_HEADERS_MAX);
    }
    for (int i = 0; i < request->header_count; i++) {
        const struct header *h = &request->headers[i];
        if (!http1_is_token(h->name) || !http1_is_value(h->value)) {
            return ctx_fail_field(t->c, E_INVALID, "headers", "the header \"%.*s\" is malformed",
                                  STR_ARG(str_sub(h->name, 0, 60)));
        }
        if (t->foreign && !is_harmless(h->name)) {
            continue;
        }
        has_type = has_type || str_eq_nocase(h->name, STR("content-type"));
        has_agent = has_agent || str_eq_nocase(h->name, STR("user-agent"));
        char *line = arena_alloc(t->c->arena, h->name.n + h->value.n + 3);
        memcpy(line, h->name.p, h->name.n);
        memcpy(line + h->name.n, h->value.n ? ": " : ";", h->value.n ? 2 : 1);
        memcpy(line + h->name.n + 2, h->value.n ? h->value.p : "", h->value.n);
        TRY(add_header_line(t, line));
    }
    TRY(add_header_line(t, "Expect:")); /* no waiting for a 100 */
    if (!has_type) {
        TRY(add_header_line(t, "Content-Type:")); /* libcurl would make it a form */
    }
    return has_agent ? E_OK : add_header_line(t, "User-Agent: rapport/" RAPPORT_VERSION);
}

static void set_method(struct transfer *t)
{
    CURL *easy = t->easy;
    bool carries = strcmp(t->method, "POST") == 0 || strcmp(t->method, "PUT") == 0 ||
                   strcmp(t->method, "PATCH") == 0;
    struct str body = t->with_body ? t->request->body : STR("");
    if (strcmp(t->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (body.n || carries) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.n ? body.p : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->method);
}

/* What every request of a line shares. */
static void set_up(const struct client *cl, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SHARE, cl->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one from the environment */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (cl->trust_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, cl->trust_file);
    }
}

/* Nothing of the request that is over stays with the line. */
static void set_down(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* neither POST nor NOBODY */
    curl_easy_setopt(easy, CURLOPT_CURLU, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);
}

static void set_options(struct transfer *t, struct line *l)
{
    CURL *easy = t->easy = l->easy;
    curl_easy_setopt(easy, CURLOPT_CURLU, t->url);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, t->request->once ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->header_list);
    set_method(t);
}

/* E_OK while it is worth waiting; *out_wait_ms says for how long before asking again. */
static enum err check_limits(struct transfer *t, int *out_wait_ms)
{
    struct ctx *c = t->c;
    int64_t now_ms = clock_steady_ms();
    int64_t idle_ms = t->request->idle_timeout_ms;
    int64_t wait_ms = t->deadline_ms - now_ms;
    if (ctx_is_cancelled(c)) {
        return ctx_fail(c, E_CANCELLED, "cancelled");
    }
    if (wait_ms <= 0) {
        return ctx_fail(c, E_TIMEOUT, "%s did not answer completely in %lld ms", t->host,
                        (long long)(now_ms - t->start_ms));
    }
    if (idle_ms > 0) {
        int64_t left_ms = t->last_byte_ms + idle_ms - now_ms;
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    if (wait_ms <= 0) {
        return ctx_fail(c, E_TIMEOUT, "%s sent nothing for %lld ms", t->host, (long long)idle_ms);
    }
    wait_ms = ctx_is_cancellable(c) && wait_ms > CANCEL_POLL_MS ? CANCEL_POLL_MS : wait_ms;
    *out_wait_ms = wait_ms > 60000 ? 60000 : (int)wait_ms;
    return E_OK;
}

/* Runs the transfer to its end, or to ours. */
static enum err run(struct transfer *t, struct line *l, CURLcode *out_code)
{
    enum err e = E_OK;
    int running = 1;
    curl_multi_add_handle(l->multi, l->easy);
    while (e == E_OK) {
        int wait_ms = 0;
        if (curl_multi_perform(l->multi, &running) != CURLM_OK) {
            e = ctx_fail(t->c, E_INTERNAL, "the HTTP client failed");
        } else if (running == 0) {
            break;
        } else if ((e = check_limits(t, &wait_ms)) == E_OK) {
            curl_multi_poll(l->multi, NULL, 0, wait_ms, NULL);
        }
    }
    int left = 0;
    for (CURLMsg *m = curl_multi_info_read(l->multi, &left); m;
         m = curl_multi_info_read(l->multi, &left)) {
        if (m->msg == CURLMSG_DONE) {
            *out_code = m->data.result;
        }
    }
    curl_multi_remove_handle(l->multi, l->easy);
    return e;
}

static enum err outcome(struct transfer *t, CURLcode code)
{
    if (t->err != E_OK) {
        return t->err;
    }
    switch (code) {
    case CURLE_OK:
        return t->head_done ? E_OK : ctx_fail(t->c, E_UNAVAILABLE, "%s hung up", t->host);
    case CURLE_OPERATION_TIMEDOUT:
        return ctx_fail(t->c, E_TIMEOUT, "%s could not be reached in time", t->host);
    case CURLE_COULDNT_CONNECT:
        if (t->denied) {
            return ctx_fail(t->c, E_DENIED, "%s is on a private network, which is not allowed",
                            t->host);
        }
        return ctx_fail(t->c, E_UNAVAILABLE, "%s refuses connections", t->host);
    case CURLE_COULDNT_RESOLVE_HOST:
        return ctx_fail(t->c, E_UNAVAILABLE, "the name %s does not resolve", t->host);
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the answer; the request's was judged before */
        return ctx_fail(t->c, E_UNAVAILABLE, "%s does not speak HTTP", t->host);
    case CURLE_URL_MALFORMAT:
        return bad_url(t->c, "this is no http or https address");
    default:
        return ctx_fail(t->c, E_UNAVAILABLE, "%s: %s", t->host, curl_easy_strerror(code));
    }
}

static void note_sent(struct transfer *t)
{
    long sent_bytes = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    if (t->request->out_sent && sent_bytes > 0) {
        *t->request->out_sent = true;
    }
}

static enum err send_hop(struct client *cl, struct transfer *t)
{
    struct line *l = NULL;
    t->header_list = NULL;
    enum err e = add_headers(t);
    if (e == E_OK) {
        e = line_take(cl, t, &l);
    }
    if (e == E_OK) {
        CURLcode code = CURLE_OK;
        t->header_count = 0;
        t->header_bytes = 0;
        t->received_bytes = 0;
        t->head_done = false;
        buf_clear(&t->body);
        t->last_byte_ms = clock_steady_ms();
        set_options(t, l);
        e = run(t, l, &code);
        e = e == E_OK ? outcome(t, code) : e;
        t->status = status_of(t);
        note_sent(t);
        line_give(cl, l);
    }
    curl_slist_free_all(t->header_list);
    return e;
}

static bool same_origin(CURLU *a, CURLU *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        char one[HOST_MAX_BYTES], other[HOST_MAX_BYTES];
        if (!url_part(a, parts[i], CURLU_DEFAULT_PORT, one, sizeof(one)) ||
            !url_part(b, parts[i], CURLU_DEFAULT_PORT, other, sizeof(other)) ||
            strcasecmp(one, other) != 0) {
            return false;
        }
    }
    return true;
}

static struct str location_of(const struct transfer *t)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    struct response_in r = {.headers = t->headers, .header_count = t->header_count};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (t->status == statuses[i]) {
            return client_header(&r, "location");
        }
    }
    return STR("");
}

/* Where a redirect leads, judged like the first address. Takes over t->url. */
static enum err follow(struct transfer *t, struct str location)
{
    CURLU *from = t->url;
    t->url = curl_url_dup(from);
    CURLUcode rc = curl_url_set(t->url, CURLUPART_URL, str_dupz(t->c->arena, location),
                                CURLU_URLENCODE | CURLU_DISALLOW_USER);
    char before[16] = "", after[16] = "";
    url_part(from, CURLUPART_SCHEME, 0, before, sizeof(before));
    url_part(t->url, CURLUPART_SCHEME, 0, after, sizeof(after));
    t->foreign = t->foreign || !same_origin(from, t->url);
    curl_url_cleanup(from);
    if (rc != CURLUE_OK || location.n > URL_MAX_BYTES) {
        return ctx_fail(t->c, E_UNAVAILABLE, "%s redirects to no address", t->host);
    }
    if (strcmp(before, "https") == 0 && strcmp(after, "https") != 0) {
        return ctx_fail(t->c, E_DENIED, "%s redirects to an unprotected address", t->host);
    }
    curl_url_set(t->url, CURLUPART_FRAGMENT, NULL, 0);
    bool rewritten = t->status == 303 || (t->status < 303 && strcmp(t->method, "POST") == 0);
    if (rewritten && strcmp(t->method, "HEAD") != 0) {
        t->method = "GET";
        t->with_body = false;
    }
    return judge_url(t->c, t->url, t->host);
}

static enum err send_hops(struct client *cl, struct transfer *t)
{
    for (int hop = 0;; hop++) {
        TRY(send_hop(cl, t));
        struct str location = location_of(t);
        if (location.n == 0 || t->request->redirects_max == 0) {
            return E_OK;
        }
        if (hop >= t->request->redirects_max) {
            return ctx_fail(t->c, E_UNAVAILABLE, "%s redirects too often", t->host);
        }
        TRY(follow(t, location));
    }
}

enum err client_send(struct ctx *c, const struct request_out *request,
                     struct response_in *out_response)
{
    struct transfer t = {.c = c, .request = request, .method = request->method, .with_body = true};
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS;
    TRY(ctx_check(c));
    if (!http1_is_token(str_of(request->method))) {
        return ctx_fail(c, E_INVALID, "the method is malformed");
    }
    TRY(mishap_at(c, MISHAP_HTTP));
    t.start_ms = clock_steady_ms();
    t.deadline_ms = t.start_ms + ctx_left_ms(c, timeout_ms);
    t.first_byte_ms = -1;
    t.body =
        buf_make(request->response_max_bytes ? request->response_max_bytes : RESPONSE_MAX_BYTES);
    t.url = curl_url();
    enum err e = parse_url(&t, request->url);
    e = e == E_OK ? send_hops(c->at->client, &t) : e;
    e = e == E_OK ? mishap_at(c, MISHAP_HTTP_LOST) : e;
    if (e == E_OK) {
        *out_response = (struct response_in){
            .status = t.status,
            .body = str_dup(c->arena, buf_str(&t.body)),
            .headers =
                arena_memdup(c->arena, t.headers, (size_t)t.header_count * sizeof(t.headers[0])),
            .header_count = t.header_count,
            .first_byte_ms = t.first_byte_ms,
            .total_ms = clock_steady_ms() - t.start_ms,
        };
    }
    buf_free(&t.body);
    curl_url_cleanup(t.url);
    return e;
}

struct str client_header(const struct response_in *r, const char *name)
{
    struct str wanted = str_of(name);
    for (int i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, wanted)) {
            return r->headers[i].value;
        }
    }
    return STR("");
}
