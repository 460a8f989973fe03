#include "io/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mishap.h"
#include "io/client_address.h"
#include "io/client_header.h"
#include "io/client_wait.h"
#include "io/http1.h"

enum {
    URL_MAX_BYTES = 8192,
    HOST_MAX_BYTES = 256,
    RESPONSE_MAX_BYTES = 4 << 20,
    HEADER_BYTES_MAX = 64 << 10,
    CONNECT_MS = 10000,
    IDLE_KEEP_MS = 60000,
    SWEEP_MS = 1000,
    LINE_CONNECTIONS = 4,
    ADDRESS_KEPT_MAX_BYTES = 512,
};

/* One request at a time, and the connections it leaves open. Lines that may reach private addresses
 * are kept apart: an open connection is not checked again. */
struct line {
    CURL *easy;
    CURLM *multi;
    bool allow_private;
    char host[HOST_MAX_BYTES]; /* last used for */
    CURLU *url;                /* the address last used for, NULL when it is not kept */
    char address[ADDRESS_KEPT_MAX_BYTES];
    size_t address_bytes;
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
    bool borrowed; /* the url is its line's */
    char host[HOST_MAX_BYTES];
    CURL *easy;
    struct client_header_lines lines;
    struct curl_slist header_list[CLIENT_HEADERS_MAX + 3];
    enum err err; /* why we ended it, with the fault in c */
    bool denied;  /* an address was refused */
    bool head_done, head_told;
    struct client_wait wait;
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
    curl_url_cleanup(l->url);
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

/* An idle line that was last used for the very address, which need not be parsed again. */
static struct line *line_known(struct client *cl, struct transfer *t, struct str address)
{
    pthread_mutex_lock(&cl->lock);
    struct line **at = &cl->idle, *l;
    while (*at && !((*at)->url && (*at)->allow_private == t->request->allow_private &&
                    str_eq(str_make((*at)->address, (*at)->address_bytes), address))) {
        at = &(*at)->next;
    }
    l = cl->busy < cl->max ? *at : NULL;
    if (l) {
        *at = l->next;
        l->next = NULL;
        cl->busy++;
    }
    pthread_mutex_unlock(&cl->lock);
    if (l) {
        memcpy(t->host, l->host, sizeof(t->host));
        t->url = l->url;
        t->borrowed = true;
    }
    return l;
}

/* It remembers the address of a first hop. */
static void line_learn(struct line *l, const struct transfer *t, struct str address)
{
    bool keeps = address.n <= sizeof(l->address);
    curl_url_cleanup(l->url);
    l->url = keeps ? curl_url_dup(t->url) : NULL;
    l->address_bytes = keeps ? address.n : 0;
    memcpy(l->address, address.p, l->address_bytes);
}

/* Waits for a free line up to the deadline. */
static enum err line_take(struct client *cl, struct transfer *t, struct line **out_line)
{
    enum err e = E_OK;
    pthread_mutex_lock(&cl->lock);
    while (cl->busy >= cl->max && e == E_OK) {
        int64_t until_ms = clock_steady_ms() + CLIENT_WAIT_POLL_MS;
        struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
        pthread_cond_timedwait(&cl->freed, &cl->lock, &until);
        e = ctx_check(t->c);
        if (e == E_OK && clock_steady_ms() >= t->wait.deadline_ms) {
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
    client_wait_heard(&t->wait);
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
    client_wait_heard(&t->wait);
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

/* The list lies in the transfer, its texts in the arena: libcurl only reads them. */
static enum err add_headers(struct transfer *t)
{
    TRY(client_header_lines(t->c, t->request, t->foreign, &t->lines));
    for (int i = 0; i < t->lines.count; i++) {
        t->header_list[i].data = (char *)(uintptr_t)t->lines.lines[i];
        t->header_list[i].next = i + 1 < t->lines.count ? &t->header_list[i + 1] : NULL;
    }
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
        } else if ((e = client_wait_left(t->c, &t->wait, t->host, &wait_ms)) == E_OK) {
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

static void begin_hop(struct transfer *t)
{
    t->header_count = 0;
    t->header_bytes = 0;
    t->received_bytes = 0;
    t->head_done = false;
    buf_clear(&t->body);
    t->wait.last_byte_ms = clock_steady_ms();
}

/* A line for the address of the request, or for where it was redirected to. */
static enum err find_line(struct client *cl, struct transfer *t, struct line **out_line)
{
    bool first = !t->url;
    struct line *l = first ? line_known(cl, t, t->request->url) : NULL;
    if (!l) {
        if (first) {
            t->url = curl_url();
            TRY(parse_url(t, t->request->url));
        }
        TRY(line_take(cl, t, &l));
        if (first) {
            line_learn(l, t, t->request->url);
        }
    }
    *out_line = l;
    return E_OK;
}

static struct str location_of(const struct transfer *t)
{
    struct response_in r = {
        .status = t->status, .headers = t->headers, .header_count = t->header_count};
    return client_header_location(&r);
}

static enum err send_hop(struct client *cl, struct transfer *t)
{
    struct line *l = NULL;
    CURLcode code = CURLE_OK;
    TRY(add_headers(t));
    TRY(find_line(cl, t, &l));
    begin_hop(t);
    set_options(t, l);
    enum err e = run(t, l, &code);
    e = e == E_OK ? outcome(t, code) : e;
    t->status = status_of(t);
    note_sent(t);
    if (t->borrowed) {
        t->url = location_of(t).n ? curl_url_dup(l->url) : NULL;
        t->borrowed = false;
    }
    line_give(cl, l);
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
    TRY(ctx_check(c));
    if (!http1_is_token(str_of(request->method))) {
        return ctx_fail(c, E_INVALID, "the method is malformed");
    }
    TRY(mishap_at(c, MISHAP_HTTP));
    t.wait = client_wait_begin(c, request);
    t.body =
        buf_make(request->response_max_bytes ? request->response_max_bytes : RESPONSE_MAX_BYTES);
    enum err e = send_hops(c->at->client, &t);
    e = e == E_OK ? mishap_at(c, MISHAP_HTTP_LOST) : e;
    if (e == E_OK) {
        *out_response = (struct response_in){
            .status = t.status,
            .body = str_dup(c->arena, buf_str(&t.body)),
            .headers =
                arena_memdup(c->arena, t.headers, (size_t)t.header_count * sizeof(t.headers[0])),
            .header_count = t.header_count,
            .first_byte_ms = t.wait.first_byte_ms,
            .total_ms = clock_steady_ms() - t.wait.start_ms,
        };
    }
    buf_free(&t.body);
    curl_url_cleanup(t.url);
    return e;
}
