#include "store/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct prepared *prepared_new(void (*drop)(void *owner, void *made), void *owner)
{
    struct prepared *p = mem_new(sizeof(*p));
    p->drop = drop;
    p->owner = owner;
    return p;
}

static void empty_slot(struct prepared *p, struct prepared_slot *slot)
{
    if (slot->sql) {
        p->drop(p->owner, slot->made);
        free(slot->text);
        *slot = (struct prepared_slot){0};
    }
}

void prepared_clear(struct prepared *p)
{
    for (int set = 0; set < PREPARED_SETS; set++) {
        for (int way = 0; way < PREPARED_WAYS; way++) {
            empty_slot(p, &p->slots[set][way]);
        }
    }
}

void prepared_free(struct prepared **p)
{
    if (*p) {
        prepared_clear(*p);
        free(*p);
        *p = NULL;
    }
}

static struct prepared_slot *set_of(struct prepared *p, const char *sql)
{
    uint64_t hash = (uint64_t)(uintptr_t)sql * 0x9e3779b97f4a7c15u;
    return p->slots[hash >> 58];
}

void *prepared_find(struct prepared *p, const char *sql)
{
    struct prepared_slot *set = set_of(p, sql);
    for (int way = 0; way < PREPARED_WAYS; way++) {
        if (set[way].sql != sql) {
            continue;
        }
        if (strcmp(set[way].text, sql) != 0) {
            empty_slot(p, &set[way]);
            return NULL;
        }
        set[way].used = ++p->clock;
        return set[way].made;
    }
    return NULL;
}

void prepared_keep(struct prepared *p, const char *sql, void *made)
{
    struct prepared_slot *set = set_of(p, sql), *oldest = set;
    for (int way = 0; way < PREPARED_WAYS; way++) {
        if (set[way].used < oldest->used) {
            oldest = &set[way];
        }
    }
    empty_slot(p, oldest);
    *oldest = (struct prepared_slot){sql, mem_dupz(sql), made, ++p->clock};
}
