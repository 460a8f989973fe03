/* Private to store/: what a cache gives. Keys carry their org's prefix already; sizes are
 * checked. */
#ifndef STORE_CACHE_DRIVER_H
#define STORE_CACHE_DRIVER_H

#include "store/cache.h"

struct cache_driver {
    enum err (*open)(struct ctx *c, const struct cache_config *config, void **out_state);
    void (*close)(void *state);
    enum err (*set)(struct ctx *c, void *state, struct str key, struct str value, int64_t ttl_ms);
    bool (*get)(struct ctx *c, void *state, struct str key, struct str *out_value);
    void (*remove)(struct ctx *c, void *state, struct str key);
    enum err (*incr)(struct ctx *c, void *state, struct str key, const struct cache_count *step,
                     struct cache_count *out_count); /* step: by, window */
    void (*erase)(struct ctx *c, void *state, struct str prefix);
};

struct cache {
    const struct cache_driver *driver;
    void *state;
};

extern const struct cache_driver cache_memory_driver;

#endif
