/* Requests that come twice under one Idempotency-Key are answered twice and done once: the key's
 * row commits with what the handler changed. Declared in service.h. */
#include <string.h>

#include "codec/hmac.h"
#include "host/host.h"
#include "store/vault.h"

enum {
    KEY_MAX_BYTES = 200,
    PUBLIC_KEY_MIN_BYTES = 16,
    HEADERS_MAX_BYTES = 16 << 10,
};

/* Begins what is kept of an answer: its headers, a line each, an empty line, its body. */
#define KEPT_MARK "answer\n"

struct attempt {
    struct call *call;
    struct once once;
    struct str key, request_hash;
};

static enum err check_key(struct ctx *c, const struct attempt *a)
{
    bool is_public = (a->call->route->roles & ROLE_PUBLIC) != 0;
    if (a->key.n > KEY_MAX_BYTES || !str_is_utf8(a->key)) {
        return ctx_fail_field(c, E_INVALID, "Idempotency-Key",
                              "Idempotency-Key is text of at most %d bytes", KEY_MAX_BYTES);
    }
    if (is_public && a->key.n < PUBLIC_KEY_MIN_BYTES) {
        return ctx_fail_field(c, E_INVALID, "Idempotency-Key",
                              "without a sign-in, Idempotency-Key has at least %d bytes, such as a "
                              "random UUID",
                              PUBLIC_KEY_MIN_BYTES);
    }
    return E_OK;
}

/* ---- the kept answer ----------------------------------------------------- */

static struct str pack(struct ctx *c, const struct response_out *out)
{
    struct buf b = buf_make(HEADERS_MAX_BYTES + out->body.n);
    buf_add_str(&b, STR(KEPT_MARK));
    for (int i = 0; i < out->header_count; i++) {
        const struct header *h = &out->headers[i];
        bool one_line = str_find_char(h->name, '\n') < 0 && str_find_char(h->value, '\n') < 0;
        bool personal = str_eq_nocase(h->name, STR("Set-Cookie"));
        if (one_line && !personal && b.n + h->name.n + h->value.n + 8 < HEADERS_MAX_BYTES) {
            buf_addf(&b, "%.*s: %.*s\n", STR_ARG(h->name), STR_ARG(h->value));
        }
    }
    buf_add_char(&b, '\n');
    buf_add_str(&b, out->body);
    struct str text = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return text;
}

static void unpack(struct ctx *c, struct str kept, struct response_out *out)
{
    struct str line, name;
    if (!str_starts(kept, STR(KEPT_MARK))) {
        out->body = kept; /* kept by an earlier version: the body alone */
        return;
    }
    str_split(&kept, '\n', &line);
    while (str_split(&kept, '\n', &line) && line.n) {
        if (str_split(&line, ':', &name)) {
            response_header(out, str_dupz(c->arena, name), str_trim(line));
        }
    }
    out->body = kept.n ? kept : STR("");
}

static enum err replay(struct ctx *c, const struct attempt *a, bool *out_done)
{
    struct store_rows rows;
    struct str kept;
    struct call *call = a->call;
    TRY(store_query(c, a->once.store, &rows,
                    "SELECT request, status, body FROM idempotency WHERE actor = ?1 AND key = ?2",
                    S_STR(a->once.actor), S_STR(a->key)));
    if (rows.count == 0) {
        *out_done = false;
        return E_OK;
    }
    if (!str_eq(row_str(&rows, 0, 0), a->request_hash)) {
        return ctx_fail(c, E_CONFLICT, "this Idempotency-Key was used for another request");
    }
    /* sealed: an answer may hold a new key's secret, which is kept nowhere else */
    TRY(vault_unseal(c, row_str(&rows, 0, 2), a->key, &kept));
    call->out->status = call->status = (int)row_int(&rows, 0, 1);
    unpack(c, kept, call->out);
    response_header(call->out, "Idempotency-Replayed", STR("true"));
    *out_done = true;
    return E_OK;
}

/* ---- doing it ------------------------------------------------------------ */

static enum err keep(struct ctx *c, const struct attempt *a)
{
    const struct response_out *out = a->call->out;
    struct str sealed = vault_seal(c, pack(c, out), a->key);
    return store_exec(c, a->once.store, NULL,
                      "INSERT INTO idempotency (actor, key, request, status, body, created_at)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      S_STR(a->once.actor), S_STR(a->key), S_STR(a->request_hash),
                      S_INT(out->status), S_STR(sealed), S_INT(ctx_now_ms(c)));
}

static enum err attempt_in(struct ctx *c, void *arg)
{
    const struct attempt *a = arg;
    struct call *call = a->call;
    bool done = false;
    buf_clear(&call->text); /* a transaction may be tried again */
    call->json = json_out_to(&call->text);
    call->out->header_count = 0;
    TRY(a->key.n ? replay(c, a, &done) : E_OK);
    if (done) {
        return E_OK;
    }
    TRY(a->once.handler(c, call, a->once.arg));
    TRY(call_finish(c, call));
    return a->key.n ? keep(c, a) : E_OK;
}

static enum err prepare(struct ctx *c, const struct attempt *a)
{
    return a->once.prepare ? a->once.prepare(c, a->call, a->once.arg) : E_OK;
}

enum err call_once(struct ctx *c, struct call *call, const struct once *once)
{
    struct attempt a = {
        .call = call, .once = *once, .key = request_header(call->in, "Idempotency-Key")};
    if (!a.key.n) {
        TRY(prepare(c, &a));
        return call->route->flags & ROUTE_ONCE ? store_transact(c, once->store, attempt_in, &a)
                                               : once->handler(c, call, once->arg);
    }
    TRY(check_key(c, &a));
    struct str text = str_fmt(c->arena, "%.*s %.*s\n%.*s", STR_ARG(call->in->method),
                              STR_ARG(call->in->path), STR_ARG(call->in->body));
    a.request_hash = hmac_sha256_hex(c->arena, text);
    if (once->prepare) { /* else the transaction looks soon enough */
        bool done = false;
        TRY(replay(c, &a, &done));
        if (done) {
            return E_OK;
        }
        TRY(prepare(c, &a));
    }
    return store_transact(c, once->store, attempt_in, &a);
}
