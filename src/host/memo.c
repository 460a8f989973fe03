#include "host/memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

enum { LOCKS = 64 };

struct entry {
    uint64_t hash;
    int64_t stamp;
    size_t key_bytes, value_bytes;
    char *bytes; /* key, then value; NULL: empty */
};

struct memo {
    pthread_mutex_t locks[LOCKS];
    uint64_t seed; /* nobody outside can aim at a slot */
    size_t mask, entry_max_bytes;
    struct entry entries[];
};

struct memo *memo_new(int slots, size_t entry_max_bytes)
{
    struct memo *m = mem_new(sizeof(*m) + (size_t)slots * sizeof(m->entries[0]));
    char hex[17];
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_init(&m->locks[i], NULL);
    }
    id_random_hex(hex, 8);
    m->seed = strtoull(hex, NULL, 16);
    m->mask = (size_t)slots - 1;
    m->entry_max_bytes = entry_max_bytes;
    return m;
}

void memo_free(struct memo **m)
{
    struct memo *old = *m;
    *m = NULL;
    if (!old) {
        return;
    }
    for (size_t i = 0; i <= old->mask; i++) {
        free(old->entries[i].bytes);
    }
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_destroy(&old->locks[i]);
    }
    free(old);
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 32);
}

static uint64_t hash_of(const struct memo *m, struct str key)
{
    uint64_t h = mix(m->seed, key.n);
    size_t at = 0;
    for (; at + 8 <= key.n; at += 8) {
        uint64_t word;
        memcpy(&word, key.p + at, 8);
        h = mix(h, word);
    }
    uint64_t last = 0;
    memcpy(&last, key.p + at, key.n - at);
    return mix(h, last);
}

static bool is_for(const struct entry *e, uint64_t hash, struct str key)
{
    return e->bytes && e->hash == hash && e->key_bytes == key.n &&
           memcmp(e->bytes, key.p, key.n) == 0;
}

bool memo_find(struct memo *m, struct str key, int64_t stamp, struct arena *a,
               struct str *out_value)
{
    uint64_t hash = hash_of(m, key);
    struct entry *e = &m->entries[hash & m->mask];
    pthread_mutex_t *lock = &m->locks[hash & m->mask & (LOCKS - 1)];
    pthread_mutex_lock(lock);
    bool found = is_for(e, hash, key) && e->stamp == stamp;
    if (found) {
        *out_value = str_dup(a, str_make(e->bytes + e->key_bytes, e->value_bytes));
    }
    pthread_mutex_unlock(lock);
    return found;
}

void memo_keep(struct memo *m, struct str key, int64_t stamp, struct str value)
{
    if (key.n + value.n > m->entry_max_bytes || key.n == 0) {
        return;
    }
    uint64_t hash = hash_of(m, key);
    struct entry *e = &m->entries[hash & m->mask];
    pthread_mutex_t *lock = &m->locks[hash & m->mask & (LOCKS - 1)];
    char *bytes = mem_new(key.n + value.n);
    memcpy(bytes, key.p, key.n);
    memcpy(bytes + key.n, value.n ? value.p : "", value.n);
    pthread_mutex_lock(lock);
    char *old = e->bytes;
    *e = (struct entry){hash, stamp, key.n, value.n, bytes};
    pthread_mutex_unlock(lock);
    free(old);
}
