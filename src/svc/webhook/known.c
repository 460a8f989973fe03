#include "svc/webhook/known.h"

#include <string.h>

#include "host/memo.h"
#include "host/org.h"

enum { TEXTS = 9 + SOURCE_SECRETS_MAX, NAMES = 5 };

static void texts_of(struct known *k, struct str *out[TEXTS])
{
    struct source_config *in = &k->source.config;
    struct str *all[TEXTS] = {&in->slug,  &in->name,    &in->scheme,        &in->channel,
                              &in->agent, &in->message, &in->verify_secret, &in->event_id,
                              &in->event, &k->keys[0],  &k->keys[1]};
    memcpy(out, all, sizeof(all));
}

/* Those of a scheme that an org wrote itself; the others' lie in a const table. */
static void names_of(struct known *k, const char **out[NAMES])
{
    struct signature_scheme *s = &k->source.scheme;
    const char **all[NAMES] = {&s->header, &s->prefix, &s->time_header, &s->id_header, &s->signs};
    memcpy(out, all, sizeof(all));
}

/* The struct, then its texts; pointers in it mean nothing. */
static struct str pack(struct arena *a, struct known k)
{
    struct str *texts[TEXTS];
    const char **names[NAMES];
    struct buf b = buf_make(KNOWN_BYTES_MAX);
    texts_of(&k, texts);
    names_of(&k, names);
    k.source.data = k.source.config.secrets = k.source.config.signature = NULL;
    buf_add(&b, &k, sizeof(k));
    for (int i = 0; i < TEXTS; i++) {
        buf_add_str(&b, *texts[i]);
    }
    for (int i = 0; i < NAMES; i++) {
        if (*names[i]) {
            buf_add(&b, *names[i], strlen(*names[i]) + 1);
        }
    }
    struct str packed = b.overflow ? STR("") : str_dup(a, buf_str(&b));
    buf_free(&b);
    return packed;
}

static void unpack(struct str packed, struct known *out)
{
    struct str *texts[TEXTS];
    const char **names[NAMES], *at = packed.p + sizeof(*out);
    memcpy(out, packed.p, sizeof(*out));
    texts_of(out, texts);
    names_of(out, names);
    for (int i = 0; i < TEXTS; i++) {
        texts[i]->p = at;
        at += texts[i]->n;
    }
    for (int i = 0; i < NAMES; i++) {
        if (*names[i]) {
            *names[i] = at;
            at += strlen(at) + 1;
        }
    }
}

static enum err read(struct ctx *c, struct str org_slug, struct str slug, struct known *out)
{
    struct org org;
    struct store *s;
    struct known k = {.until_steady_ms = clock_steady_ms() + KNOWN_MS};
    TRY(org_by_slug(c, org_slug, &org));
    if (!str_eqz(org.status, "active")) {
        return ctx_fail(c, E_NOT_FOUND, "this organisation is closed");
    }
    c->org = k.org = org.id;
    TRY(store_of(c, &s));
    TRY(source_by_slug(c, s, slug, &k.source));
    TRY(source_keys(c, s, &k.source, k.keys, &k.key_count));
    *out = k;
    return E_OK;
}

enum err known_find(struct ctx *c, struct str org_slug, struct str slug, struct known *out)
{
    int64_t stamp;
    struct memo *memo = host_memo(c, &stamp);
    struct str packed,
        key = str_fmt(c->arena, "webhook %.*s/%.*s", STR_ARG(org_slug), STR_ARG(slug));
    if (memo_find(memo, key, stamp, c->arena, &packed)) {
        struct known k;
        unpack(packed, &k);
        if (clock_steady_ms() < k.until_steady_ms) {
            c->org = k.org;
            *out = k;
            return E_OK;
        }
    }
    TRY(read(c, org_slug, slug, out));
    memo_keep(memo, key, stamp, pack(c->arena, *out));
    return E_OK;
}
