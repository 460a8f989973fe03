#include "store/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/cache_driver.h"

static const struct cache_driver *const drivers[] = {[CACHE_MEMORY] = &cache_memory_driver};

enum { FULL_KEY_BYTES = ID_TEXT_BYTES + 1 + CACHE_KEY_MAX_BYTES };

enum err cache_open(struct ctx *c, const struct cache_config *config, struct cache **out_cache)
{
    struct cache *k = mem_new(sizeof(*k));
    k->driver = drivers[config->kind];
    enum err e = k->driver->open(c, config, &k->state);
    if (e != E_OK) {
        free(k);
        return e;
    }
    *out_cache = k;
    return E_OK;
}

void cache_close(struct cache **k)
{
    if (*k) {
        (*k)->driver->close((*k)->state);
        free(*k);
        *k = NULL;
    }
}

/* "<org>:<key>" into `text`; the empty view when the key cannot be one. */
static struct str full_key(const struct ctx *c, struct str key, char *text)
{
    struct id system = id_system();
    const struct id *org = id_is_set(&c->org) ? &c->org : &system;
    if (key.n == 0 || key.n > CACHE_KEY_MAX_BYTES) {
        return (struct str){0};
    }
    memcpy(text, org->text, ID_TEXT_BYTES);
    text[ID_TEXT_BYTES] = ':';
    memcpy(text + ID_TEXT_BYTES + 1, key.p, key.n);
    return str_make(text, ID_TEXT_BYTES + 1 + key.n);
}

static enum err fail_key(struct ctx *c, struct str key)
{
    return key.n ? ctx_fail(c, E_TOO_LARGE, "a cache key is at most %d bytes", CACHE_KEY_MAX_BYTES)
                 : ctx_fail(c, E_INVALID, "a cache key is not empty");
}

enum err cache_set(struct ctx *c, struct str key, struct str value, int64_t ttl_ms)
{
    char text[FULL_KEY_BYTES];
    struct str full = full_key(c, key, text);
    if (full.n == 0) {
        return fail_key(c, key);
    }
    if (value.n > CACHE_VALUE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "a cached value is at most %d bytes",
                        CACHE_VALUE_MAX_BYTES);
    }
    if (ttl_ms <= 0) {
        return ctx_fail(c, E_INVALID, "a cached value needs a time to live");
    }
    return c->at->cache->driver->set(c, c->at->cache->state, full, value, ttl_ms);
}

bool cache_get(struct ctx *c, struct str key, struct str *out_value)
{
    char text[FULL_KEY_BYTES];
    struct str full = full_key(c, key, text);
    return full.n && c->at->cache->driver->get(c, c->at->cache->state, full, out_value);
}

void cache_delete(struct ctx *c, struct str key)
{
    char text[FULL_KEY_BYTES];
    struct str full = full_key(c, key, text);
    if (full.n) {
        c->at->cache->driver->remove(c, c->at->cache->state, full);
    }
}

enum err cache_incr(struct ctx *c, struct str key, int64_t by, int64_t window_ms,
                    struct cache_count *out_count)
{
    char text[FULL_KEY_BYTES];
    struct str full = full_key(c, key, text);
    struct cache_count step = {.count = by, .left_ms = window_ms};
    if (full.n == 0) {
        return fail_key(c, key);
    }
    if (window_ms <= 0) {
        return ctx_fail(c, E_INVALID, "a counter needs a window");
    }
    return c->at->cache->driver->incr(c, c->at->cache->state, full, &step, out_count);
}

void cache_erase(struct ctx *c, const struct id *org)
{
    char prefix[ID_TEXT_BYTES + 2];
    snprintf(prefix, sizeof(prefix), "%s:", org->text);
    c->at->cache->driver->erase(c, c->at->cache->state, str_of(prefix));
}
