/* Short-lived values that may vanish at any time: rate windows, session look-ups, answers worth
 * keeping a while. Task code, any thread. Every key belongs to c->org (before the org is known:
 * to id_system()) on c->at->cache; another org's key cannot be named. Times to live follow ctx's
 * clock. Nothing here is durable and nothing may depend on a value being kept.
 *
 * Drivers: memory (one process; bounded bytes, least recently used go first). */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"
#include "base/str.h"

enum { CACHE_KEY_MAX_BYTES = 512, CACHE_VALUE_MAX_BYTES = 1 << 20 };

enum cache_kind { CACHE_MEMORY };

struct cache_config {
    enum cache_kind kind;
    size_t max_bytes; /* memory: keys, values and bookkeeping together; 0: 8 MiB */
};

enum err cache_open(struct ctx *c, const struct cache_config *config, struct cache **out_cache);
void cache_close(struct cache **k);

/* Sets or replaces. ttl_ms > 0. E_TOO_LARGE past the maxima, E_INVALID for an empty key. */
enum err cache_set(struct ctx *c, struct str key, struct str value, int64_t ttl_ms);
/* A copy in c's arena. False when there is none (or it is expired or the cache is down):
 * compute. */
bool cache_get(struct ctx *c, struct str key, struct str *out_value);
void cache_delete(struct ctx *c, struct str key);

/* Adds `by` (0 to look) to a counter that starts at 0 when its window of window_ms begins, with the
 * first call. For rate limits: refuse when count is past the limit, retry after left_ms. */
struct cache_count {
    int64_t count;   /* after adding */
    int64_t left_ms; /* until the window ends */
};
enum err cache_incr(struct ctx *c, struct str key, int64_t by, int64_t window_ms,
                    struct cache_count *out_count);

/* Forgets all of one org. */
void cache_erase(struct ctx *c, const struct id *org);

#endif
