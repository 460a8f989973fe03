#include "svc/identity/throttle.h"

#include "host/settings.h"
#include "store/cache.h"
#include "store/vault.h"

enum {
    HOUR_MS = 3600 * 1000,
    FREE_FAILURES = 5,
    WAIT_FIRST_MS = 1000,
    WAIT_MAX_MS = 5 * 60 * 1000,
    STRANGERS_MAX = 100,
    DEVICE_BYTES = 16,
};
static const int64_t known_ms = 30ll * 24 * HOUR_MS;

static enum err wait_for(struct ctx *c, int64_t ms, const char *why)
{
    ctx_fail(c, E_LIMIT, "%s", why);
    c->fault.retry_after_ms = (int)(ms > 0 ? ms : 1000);
    return E_LIMIT;
}

static struct str key_of(struct ctx *c, const char *what, const struct throttle *t)
{
    return str_fmt(c->arena, "sign-in-%s:%.*s:%.*s", what, STR_ARG(t->email), STR_ARG(t->source));
}

static struct str strangers_key(struct ctx *c, const struct throttle *t)
{
    return str_fmt(c->arena, "sign-in-strangers:%.*s", STR_ARG(t->email));
}

static struct str about(struct ctx *c, struct str email)
{
    return str_fmt(c->arena, "device of %.*s", STR_ARG(email));
}

struct str throttle_cookie(struct ctx *c, struct str email)
{
    char device[2 * DEVICE_BYTES + 1];
    id_random_hex(device, DEVICE_BYTES);
    return vault_seal(c, str_of(device), about(c, email));
}

static void find_source(struct ctx *c, const struct request_in *in, struct throttle *t)
{
    struct str cookie = request_cookie(in, THROTTLE_COOKIE), device, mark;
    t->source = in->peer;
    if (cookie.n && vault_unseal(c, cookie, about(c, t->email), &device) == E_OK) {
        t->source = device;
        t->known = true;
        return;
    }
    ctx_forgive(c); /* another's cookie, or none: a source like any other */
    t->known = cache_get(c, key_of(c, "known", t), &mark);
}

static enum err limit_peer(struct ctx *c, struct str peer)
{
    struct cache_count n;
    int64_t most = host_settings(c)->sign_ins_per_hour;
    struct str key = str_fmt(c->arena, "sign-in:%.*s", STR_ARG(peer));
    if (most > 0 && cache_incr(c, key, 1, HOUR_MS, &n) == E_OK && n.count > most) {
        return wait_for(c, n.left_ms, "too many sign-ins from this address; try again later");
    }
    ctx_forgive(c);
    return E_OK;
}

static enum err limit_strangers(struct ctx *c, const struct throttle *t)
{
    struct cache_count n;
    if (t->known || cache_incr(c, strangers_key(c, t), 1, HOUR_MS, &n) != E_OK) {
        ctx_forgive(c);
        return E_OK;
    }
    if (n.count <= STRANGERS_MAX) {
        return E_OK;
    }
    int64_t left_ms = n.left_ms;
    cache_incr(c, strangers_key(c, t), -1, HOUR_MS, &n);
    return wait_for(c, left_ms,
                    "too many failed sign-ins with this e-mail address from places it was never "
                    "used at; use a device that signed in before, or try again later");
}

static int64_t wait_ms(int64_t failures)
{
    int64_t ms = WAIT_FIRST_MS;
    for (int64_t i = FREE_FAILURES + 1; i < failures && ms < WAIT_MAX_MS; i++) {
        ms *= 2;
    }
    return failures <= FREE_FAILURES ? 0 : ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

static enum err limit_source(struct ctx *c, struct throttle *t)
{
    struct str until;
    int64_t until_ms = 0, now_ms = ctx_now_ms(c);
    struct cache_count n = {0, 0};
    if (cache_get(c, key_of(c, "wait", t), &until) && str_to_i64(until, &until_ms) &&
        until_ms > now_ms) {
        return wait_for(c, until_ms - now_ms, "too many failed sign-ins; wait a little");
    }
    if (cache_incr(c, key_of(c, "failures", t), 1, HOUR_MS, &n) != E_OK) {
        ctx_forgive(c); /* no counter is no reason to refuse */
    }
    t->failures = n.count;
    int64_t ms = wait_ms(n.count);
    if (ms) { /* now, not when it has failed: the next one is on its way already */
        cache_set(c, key_of(c, "wait", t), str_fmt(c->arena, "%lld", (long long)(now_ms + ms)), ms);
    }
    return E_OK;
}

enum err throttle_begin(struct ctx *c, const struct request_in *in, struct str email,
                        struct throttle *out)
{
    struct throttle t = {.email = email};
    struct id before = c->org;
    c->org = id_system();
    find_source(c, in, &t);
    enum err e = limit_peer(c, in->peer);
    e = e == E_OK ? limit_source(c, &t) : e;
    e = e == E_OK ? limit_strangers(c, &t) : e;
    c->org = before;
    TRY(e);
    *out = t;
    return E_OK;
}

void throttle_end(struct ctx *c, const struct throttle *t, enum err outcome)
{
    struct cache_count n;
    struct id before = c->org;
    if (outcome == E_UNAUTHENTICATED) {
        return;
    }
    c->org = id_system();
    cache_delete(c, key_of(c, "wait", t));
    if (outcome == E_OK) {
        cache_delete(c, key_of(c, "failures", t));
        cache_set(c, key_of(c, "known", t), STR("1"), known_ms);
    } else {
        cache_incr(c, key_of(c, "failures", t), -1, HOUR_MS, &n);
    }
    if (!t->known) {
        cache_incr(c, strangers_key(c, t), -1, HOUR_MS, &n);
    }
    c->org = before;
}
