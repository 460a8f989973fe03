#include "llm/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "codec/repair.h"

enum {
    SCRATCH_MAX_BYTES = 128 << 20,
    REASON_MAX_BYTES = 200,
    RETRY_AFTER_MAX_MS = 3600000,
    FORM_MAX_BYTES = 4096
};

void stream_open(struct stream *s, struct ctx *c, const struct provider_call *call,
                 const struct stream_format *format, struct provider_answer *answer)
{
    *s = (struct stream){.c = c, .call = call, .format = format, .answer = answer};
    s->sse = sse_new(0);
    s->scratch = arena_new(SCRATCH_MAX_BYTES);
    s->form.type = buf_make(FORM_MAX_BYTES);
    s->form.before = buf_make(FORM_MAX_BYTES);
    s->form.after = buf_make(FORM_MAX_BYTES);
    s->text = buf_make(CHAT_TEXT_MAX_BYTES);
    s->whole = buf_make(SSE_EVENT_MAX_BYTES * 4);
    s->began_ms = clock_steady_ms();
}

void stream_close(struct stream *s)
{
    for (int i = 0; i < s->call_count; i++) {
        buf_free(&s->calls[i].arguments);
    }
    buf_free(&s->text);
    buf_free(&s->whole);
    buf_free(&s->form.type);
    buf_free(&s->form.before);
    buf_free(&s->form.after);
    sse_free(&s->sse);
    arena_free(&s->scratch);
}

enum err stream_parse(struct stream *s, struct str data, const struct json **out_value)
{
    struct json_fault fault;
    arena_reset(s->scratch);
    if (json_parse(s->scratch, data, out_value, &fault) != E_OK ||
        !json_is(*out_value, JSON_OBJECT)) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent an event that cannot be read",
                        STR_ARG(s->call->account->name));
    }
    return E_OK;
}

enum err stream_text(struct stream *s, struct str piece)
{
    if (piece.n == 0) {
        return E_OK;
    }
    s->any = true;
    s->form.piece = piece;
    s->form.pieces++;
    if (s->answer->first_piece_ms == 0) {
        int64_t ms = clock_steady_ms() - s->began_ms;
        s->answer->first_piece_ms = ms > 0 ? ms : 1;
    }
    if (!buf_add_str(&s->text, piece)) {
        s->full = s->done = true;
        s->answer->stop = CHAT_STOP_LENGTH;
        return E_TOO_LARGE; /* stops the transfer; stream_end knows */
    }
    const struct chat_stream *out = s->call->request->stream;
    if (!out || !out->on_text) {
        return E_OK;
    }
    s->answer->handed_out = true;
    return out->on_text(s->c, piece, out->arg);
}

struct stream_call *stream_call_at(struct stream *s, int64_t index)
{
    s->any = true;
    s->form.others++;
    for (int i = 0; i < s->call_count; i++) {
        if (s->calls[i].index == index) {
            return &s->calls[i];
        }
    }
    if (s->call_count == CHAT_CALLS_MAX) {
        return NULL;
    }
    struct stream_call *k = &s->calls[s->call_count++];
    *k = (struct stream_call){.index = index, .arguments = buf_make(CHAT_ARGUMENTS_MAX_BYTES)};
    return k;
}

void stream_call_named(struct stream *s, struct stream_call *k, struct str id, struct str name)
{
    if (k && id.n && k->id.n == 0) {
        k->id = str_dup(s->c->arena, str_sub(id, 0, 128));
    }
    if (k && name.n && k->name.n == 0) {
        k->name = str_dup(s->c->arena, str_sub(name, 0, 128));
    }
}

void stream_call_add(struct stream *s, struct stream_call *k, struct str piece)
{
    (void)s;
    if (k && !k->arguments.overflow) { /* what follows a gap is worth nothing */
        buf_add_str(&k->arguments, piece);
    }
}

void stream_call_whole(struct stream *s, struct stream_call *k, const struct json *arguments)
{
    if (k && json_count(arguments) > 0) {
        k->whole = json_copy(s->c->arena, arguments);
    }
}

/* Where the only string of that text stands in the document, without its quotes; or nowhere. */
static struct str only_place(struct str document, struct str text)
{
    struct str found = STR("");
    for (size_t at = 1; at + text.n < document.n; at++) {
        if (document.p[at - 1] == '"' && document.p[at + text.n] == '"' &&
            memcmp(document.p + at, text.p, text.n) == 0) {
            if (found.n) {
                return STR("");
            }
            found = str_sub(document, at, text.n);
        }
    }
    return found;
}

/* After an event that did nothing but hand out a piece. Where the document has no escapes its
 * strings are written as they are read, so the one place where the piece stands is where it came
 * from, and whatever stands there instead is what would be handed out. */
static void learn_form(struct stream *s, const struct sse_event *event)
{
    struct stream_form *f = &s->form;
    struct str place = STR("");
    if (event->data.n < FORM_MAX_BYTES && event->type.n < FORM_MAX_BYTES &&
        str_find_char(event->data, '\\') < 0) {
        place = only_place(event->data, f->piece);
    }
    buf_clear(&f->type);
    buf_clear(&f->before);
    buf_clear(&f->after);
    if (place.n) {
        size_t at = (size_t)(place.p - event->data.p);
        buf_add_str(&f->type, event->type);
        buf_add_str(&f->before, str_sub(event->data, 0, at));
        buf_add_str(&f->after, str_sub(event->data, at + place.n, event->data.n));
    }
}

/* A string's inside that is read as it is written. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            return false;
        }
    }
    return s.n > 0 && str_is_utf8(s);
}

/* The text of an event that is like the last one but for its text; else nothing. */
static struct str text_in_form(const struct stream *s, const struct sse_event *event)
{
    struct str before = buf_str(&s->form.before), after = buf_str(&s->form.after);
    struct str data = event->data;
    if (before.n == 0 || data.n <= before.n + after.n || !str_starts(data, before) ||
        !str_ends(data, after) || !str_eq(event->type, buf_str(&s->form.type))) {
        return STR("");
    }
    struct str text = str_sub(data, before.n, data.n - before.n - after.n);
    return is_plain(text) ? text : STR("");
}

static enum err on_sse(const struct sse_event *event, void *arg)
{
    struct stream *s = arg;
    if (s->full) {
        return E_TOO_LARGE;
    }
    struct str text = text_in_form(s, event);
    if (text.n) {
        return stream_text(s, text);
    }
    s->form.pieces = s->form.others = 0;
    bool done = s->done;
    TRY(s->format->on_event(s, event));
    if (s->form.pieces == 1 && s->form.others == 0 && s->done == done) {
        learn_form(s, event);
    }
    return E_OK;
}

enum err stream_feed(struct stream *s, struct str piece)
{
    if (!s->begun) {
        struct str text = str_trim(piece);
        if (text.n == 0) {
            return E_OK;
        }
        s->begun = true;
        s->is_whole = text.p[0] == '{' || text.p[0] == '[';
    }
    if (!s->is_whole) {
        return sse_feed(s->sse, piece, on_sse, s);
    }
    if (!buf_add_str(&s->whole, piece)) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent an answer that is too long",
                        STR_ARG(s->call->account->name));
    }
    return E_OK;
}

static void call_is_cut(struct chat_call *k)
{
    k->fault = CHAT_CALL_CUT;
    k->fault_text = STR("The call was cut off before its arguments were complete. Make it again, "
                        "shorter.");
}

/* Arguments as the model wrote them become an object, or the reason why not. `ended` tells that the
 * answer ended inside this call, unless what is there is complete. */
static void read_arguments(struct arena *a, struct chat_call *k, bool ended)
{
    struct json_fault fault = {0};
    const struct json *v = NULL;
    struct repair r = {0};
    if (str_trim(k->arguments_text).n == 0 && !ended) {
        return;
    }
    enum err parsed =
        json_parse_within(a, k->arguments_text, CHAT_ARGUMENTS_VALUES_MAX, &v, &fault);
    if (parsed == E_OK && json_is(v, JSON_OBJECT)) {
        k->arguments = v;
        return;
    }
    if (parsed == E_TOO_LARGE) {
        k->fault = CHAT_CALL_NO_JSON;
        k->fault_text =
            str_fmt(a, "The arguments cannot be used (%s). Make a shorter call.", fault.text);
        return;
    }
    enum err e = ended ? E_OK : repair_parse(a, k->arguments_text, &r, &fault);
    if (ended || (e == E_OK && r.cut)) {
        call_is_cut(k);
    } else if (e == E_OK && json_is(r.value, JSON_OBJECT)) {
        k->arguments = r.value;
    } else {
        k->fault = CHAT_CALL_NO_JSON;
        k->fault_text = str_fmt(a, "The arguments are not a JSON object (%s). Make the call again.",
                                fault.text[0] ? fault.text : "unreadable");
    }
}

static bool is_id_taken(const struct chat_call *calls, int n, struct str id)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(calls[i].id, id)) {
            return true;
        }
    }
    return id.n == 0;
}

static void finish_calls(struct stream *s)
{
    struct arena *a = s->c->arena;
    struct chat_call *calls = ARENA_ARRAY(a, struct chat_call, (size_t)s->call_count);
    for (int i = 0; i < s->call_count; i++) {
        const struct stream_call *from = &s->calls[i];
        bool last = i == s->call_count - 1;
        struct chat_call *k = &calls[i];
        *k = (struct chat_call){.id = from->id,
                                .name = from->name,
                                .arguments = &json_empty_object,
                                .arguments_text = str_dup(a, buf_str(&from->arguments))};
        if (from->whole && k->arguments_text.n == 0) {
            k->arguments_text = json_write(a, from->whole);
        }
        if (from->arguments.overflow) {
            call_is_cut(k);
        } else {
            read_arguments(a, k, last && s->answer->stop == CHAT_STOP_LENGTH);
        }
        if (is_id_taken(calls, i, k->id)) {
            char random[17];
            id_random_hex(random, 8);
            k->id = str_fmt(a, "call_%s", random);
        }
    }
    s->answer->calls = calls;
    s->answer->call_count = s->call_count;
}

static enum err end_whole(struct stream *s)
{
    const struct json *body = NULL;
    TRY(stream_parse(s, buf_str(&s->whole), &body));
    if (!json_is_null(json_get(body, "error"))) {
        return stream_refuse(s->c, s->call, 0, body, 0);
    }
    s->done = true;
    return s->format->on_whole(s, body);
}

enum err stream_end(struct stream *s)
{
    struct str name = s->call->account->name;
    enum err e = E_OK;
    if (s->is_whole) {
        e = end_whole(s);
    } else if (!s->done) {
        e = sse_feed(s->sse, STR("\n\n"), on_sse, s); /* the last line end may be missing */
    }
    if (e != E_OK && !s->full) {
        return e;
    }
    s->answer->text = str_dup(s->c->arena, buf_str(&s->text));
    finish_calls(s);
    if (!s->any && !s->done) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent nothing that is an answer", STR_ARG(name));
    }
    if (!s->done) {
        return ctx_fail(s->c, E_UNAVAILABLE, "the answer of %.*s broke off", STR_ARG(name));
    }
    if (s->call_count && s->answer->stop == CHAT_STOP_END) {
        s->answer->stop = CHAT_STOP_TOOLS;
    }
    return E_OK;
}

/* ---- errors ------------------------------------------------------------------------------- */

/* Error types and codes of both vendors, where the status alone says less (or is missing). */
static const struct {
    const char *word;
    enum err err;
} KNOWN_ERRORS[] = {
    {"context_length_exceeded", E_TOO_LARGE},
    {"request_too_large", E_TOO_LARGE},
    {"insufficient_quota", E_DENIED},
    {"billing_error", E_DENIED},
    {"billing_hard_limit_reached", E_DENIED},
    {"invalid_api_key", E_UNAUTHENTICATED},
    {"authentication_error", E_UNAUTHENTICATED},
    {"permission_error", E_DENIED},
    {"model_not_found", E_NOT_FOUND},
    {"not_found_error", E_NOT_FOUND},
    {"rate_limit_error", E_LIMIT},
    {"rate_limit_exceeded", E_LIMIT},
    {"overloaded_error", E_UNAVAILABLE},
    {"api_error", E_UNAVAILABLE},
    {"server_error", E_UNAVAILABLE},
    {"timeout_error", E_TIMEOUT},
    {"content_policy_violation", E_INVALID},
    {"invalid_request_error", E_INVALID},
};

static enum err err_of_word(struct str word)
{
    for (size_t i = 0; i < sizeof(KNOWN_ERRORS) / sizeof(*KNOWN_ERRORS); i++) {
        if (str_eqz(word, KNOWN_ERRORS[i].word)) {
            return KNOWN_ERRORS[i].err;
        }
    }
    return E_OK;
}

static enum err err_of_status(int status)
{
    switch (status) {
    case 401:
        return E_UNAUTHENTICATED;
    case 402:
    case 403:
        return E_DENIED;
    case 404:
        return E_NOT_FOUND;
    case 408:
        return E_TIMEOUT;
    case 409:
        return E_UNAVAILABLE; /* a lock on their side: worth trying again */
    case 413:
        return E_TOO_LARGE;
    case 429:
        return E_LIMIT;
    default:
        return status >= 400 && status < 500 ? E_INVALID : E_UNAVAILABLE;
    }
}

/* {"error":{"type","code","message"}}, {"error":"..."}, {"message":"..."}, {"detail":"..."} */
static struct str reason_of(const struct json *body, enum err *e)
{
    const struct json *error = json_get(body, "error");
    enum err known = err_of_word(json_str(error, "code", STR("")));
    if (known == E_OK) {
        known = err_of_word(json_str(error, "type", STR("")));
    }
    struct str text = json_str(error, "message", json_text(error, STR("")));
    text = text.n ? text : json_str(body, "message", json_str(body, "detail", STR("")));
    bool long_ = str_find(text, STR("prompt is too long")) >= 0 ||
                 str_find(text, STR("maximum context length")) >= 0;
    /* a status that was sent is more than "invalid request", its usual company */
    if (known != E_OK && (known != E_INVALID || *e == E_OK)) {
        *e = known;
    }
    if (*e == E_INVALID && long_) {
        *e = E_TOO_LARGE;
    }
    return text;
}

enum err stream_refuse(struct ctx *c, const struct provider_call *call, int status,
                       const struct json *body, int retry_after_ms)
{
    enum err e = status ? err_of_status(status) : E_OK;
    struct str text = reason_of(body, &e);
    e = e == E_OK ? E_UNAVAILABLE : e;
    struct str key = call->account->key;
    if (key.n >= 4 && str_find(text, key) >= 0) {
        text = STR("(withheld: it repeats the key)");
    }
    struct buf masked = buf_make(4 * REASON_MAX_BYTES);
    log_mask(&masked, str_sub(text, 0, REASON_MAX_BYTES));
    if (status) {
        ctx_fail(c, e, "%.*s answered %d: %.*s", STR_ARG(call->account->name), status,
                 STR_ARG(buf_str(&masked)));
    } else {
        ctx_fail(c, e, "%.*s broke off: %.*s", STR_ARG(call->account->name),
                 STR_ARG(buf_str(&masked)));
    }
    buf_free(&masked);
    c->fault.retry_after_ms = retry_after_ms;
    return e;
}

static int ms_of(struct str value, double factor)
{
    double v = 0;
    if (!str_to_double(str_trim(value), &v) || v < 0) {
        return 0;
    }
    v *= factor;
    return v < RETRY_AFTER_MAX_MS ? (int)v : RETRY_AFTER_MAX_MS;
}

/* An HTTP date is not read: those who limit models send seconds. */
static int retry_after_of(const struct response_in *r)
{
    int ms = ms_of(client_header(r, "retry-after-ms"), 1);
    return ms ? ms : ms_of(client_header(r, "retry-after"), 1000);
}

static enum err refuse_response(struct ctx *c, const struct provider_call *call,
                                const struct response_in *r)
{
    struct json_fault fault;
    const struct json *body = NULL;
    if (json_parse(c->arena, r->body, &body, &fault) != E_OK) {
        body = NULL;
    }
    enum err e = stream_refuse(c, call, r->status, body, retry_after_of(r));
    struct str should = client_header(r, "x-should-retry");
    if (str_eqz(should, "false") && err_is_transient(e)) {
        e = c->fault.err = E_DENIED; /* they know that asking again is of no use */
    } else if (str_eqz(should, "true") && !err_is_transient(e)) {
        e = c->fault.err = E_UNAVAILABLE;
    }
    return e;
}

/* ---- sending ------------------------------------------------------------------------------ */

static enum err on_piece(struct ctx *c, struct str piece, void *arg)
{
    (void)c;
    return stream_feed(arg, piece);
}

static enum err exchange(struct stream *s, const struct stream_post *post, struct str body)
{
    struct request_out request = {
        .method = "POST",
        .url = stream_url(s->c->arena, s->call->account, s->format->path),
        .headers = post->headers,
        .header_count = post->header_count,
        .body = body,
        .timeout_ms = s->call->timeout_ms,
        .idle_timeout_ms = s->call->idle_timeout_ms,
        .response_max_bytes = STREAM_RESPONSE_MAX_BYTES,
        .allow_private = s->call->account->allow_private,
        .on_piece = on_piece,
        .on_piece_arg = s,
    };
    struct response_in response = {0};
    enum err e = client_send(s->c, &request, &response);
    if (s->full) {
        ctx_forgive(s->c);
        return stream_end(s);
    }
    if (e == E_TOO_LARGE || e == E_INTERNAL) {
        return ctx_fail(s->c, E_UNAVAILABLE, "%.*s sent more than an answer may have",
                        STR_ARG(s->call->account->name));
    }
    /* Cut off after the end was said: nothing is missing. */
    if (e != E_OK && !(e == E_UNAVAILABLE && s->done)) {
        return e;
    }
    if (e == E_OK && (response.status < 200 || response.status > 299)) {
        return refuse_response(s->c, s->call, &response);
    }
    ctx_forgive(s->c);
    return stream_end(s);
}

void stream_header(struct stream_post *post, const char *name, struct str value)
{
    if (post->header_count < STREAM_HEADERS_MAX) {
        post->headers[post->header_count++] = (struct header){str_of(name), value};
    }
}

static enum err post(struct ctx *c, const struct provider_call *call,
                     const struct stream_format *format, struct str body,
                     struct provider_answer *answer)
{
    struct stream s;
    struct stream_post post = {.header_count = 0};
    stream_header(&post, "content-type", STR("application/json"));
    stream_header(&post, "accept", STR("text/event-stream, application/json"));
    format->put_headers(c->arena, call, &post);
    stream_open(&s, c, call, format, answer);
    enum err e = exchange(&s, &post, body);
    if (e != E_OK && answer->text.n == 0) {
        answer->text = str_dup(c->arena, buf_str(&s.text));
    }
    stream_close(&s);
    return e;
}

enum err stream_send(struct ctx *c, const struct provider_call *call,
                     const struct stream_format *format, struct provider_answer *answer)
{
    struct buf body = buf_make(CHAT_REQUEST_MAX_BYTES);
    struct json_out o = json_out_to(&body);
    format->put_request(&o, c->arena, call);
    enum err e = body.overflow ? ctx_fail(c, E_TOO_LARGE, "the request has more than %d bytes",
                                          CHAT_REQUEST_MAX_BYTES)
                               : post(c, call, format, buf_str(&body), answer);
    buf_free(&body);
    return e;
}

struct str stream_url(struct arena *a, const struct provider_account *account, const char *path)
{
    struct str base = account->base_url;
    while (base.n && base.p[base.n - 1] == '/') {
        base.n--;
    }
    bool versioned = str_ends(base, STR("/v1"));
    return str_fmt(a, "%.*s%s%s", STR_ARG(base), versioned ? "" : "/v1", path);
}
