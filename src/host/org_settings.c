#include "host/org_settings.h"

#include <string.h>

static enum err check_key(struct ctx *c, const struct json *change, const struct config_key *key)
{
    const char *dot = strchr(key->name, '.');
    struct str group = str_make(key->name, dot ? (size_t)(dot - key->name) : 0);
    const struct json *outer = dot ? json_find(change, group) : change;
    const struct json *v = json_path(change, key->name);
    if (!json_is_null(outer) && !json_is(outer, JSON_OBJECT)) {
        const char *field = str_fmt(c->arena, "settings.%.*s", STR_ARG(group)).p;
        return ctx_fail_field(c, E_INVALID, field, "%s must be an object", field);
    }
    if (json_is_null(v) ||
        (json_is(v, JSON_INT) && v->integer >= key->min && v->integer <= key->max)) {
        return E_OK;
    }
    const char *field = str_fmt(c->arena, "settings.%s", key->name).p;
    return ctx_fail_field(c, E_INVALID, field, "%s must be a whole number from %lld to %lld", field,
                          (long long)key->min, (long long)key->max);
}

enum err org_settings_check(struct ctx *c, const struct service *const *services,
                            const struct json *change)
{
    for (int i = 0; services[i]; i++) {
        for (const struct config_key *k = services[i]->config; k && k->name; k++) {
            TRY(check_key(c, change, k));
        }
    }
    return E_OK;
}

int64_t org_settings_int(const struct json *settings, const struct config_key *key)
{
    const struct json *v = json_path(settings, key->name);
    return json_is(v, JSON_INT) && v->integer >= key->min && v->integer <= key->max ? v->integer
                                                                                    : key->fallback;
}
