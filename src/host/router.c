#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "host/host.h"

/* Routes by number of path segments: a lookup compares only with those of the same length. */
enum { SEGMENTS_MAX = 12, ROUTES_MAX = 1000 };

struct entry {
    const struct route *route;
    const struct service *service;
    size_t fixed_bytes; /* of its path, before the first pattern */
    struct entry *next;
};

struct router {
    struct entry *by_length[SEGMENTS_MAX + 1];
    struct entry entries[ROUTES_MAX];
    size_t count;
};

static size_t segments_of(struct str path)
{
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        n += path.p[i] == '/';
    }
    return n;
}

static bool is_param(struct str segment)
{
    return segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
}

/* A route whose last segment is {name*} takes the rest of the path. */
static bool is_rest(struct str segment)
{
    return is_param(segment) && segment.p[segment.n - 2] == '*';
}

static bool takes_rest(const struct route *r)
{
    return str_ends(str_of(r->path), STR("*}"));
}

static bool path_matches(const struct route *r, struct str path,
                         struct str out_params[ROUTE_PARAMS_MAX])
{
    struct str pattern = str_of(r->path), want, have;
    size_t n = 0;
    while (str_split(&pattern, '/', &want)) {
        if (is_rest(want)) {
            if (n < ROUTE_PARAMS_MAX && path.p) {
                out_params[n] = path;
            }
            return path.p != NULL;
        }
        if (!str_split(&path, '/', &have)) {
            return false;
        }
        if (is_param(want)) {
            if (have.n == 0 || n >= ROUTE_PARAMS_MAX) {
                return false;
            }
            out_params[n++] = have;
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    return path.p == NULL;
}

static enum err check_route(struct ctx *c, const struct router *r, const struct service *svc,
                            const struct route *route)
{
    if (!route->roles || !route->scope || !route->handler || !route->summary ||
        route->path[0] != '/') {
        return ctx_fail(c, E_INVALID,
                        "service %s: route %s %s lacks roles, scope, handler or "
                        "summary",
                        svc->name, route->method, route->path);
    }
    if (!(route->roles & ROLE_PUBLIC) && !route->scope[0]) {
        return ctx_fail(c, E_INVALID, "service %s: route %s %s needs a scope", svc->name,
                        route->method, route->path);
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct route *other = r->entries[i].route;
        if (strcmp(other->method, route->method) == 0 && strcmp(other->path, route->path) == 0) {
            return ctx_fail(c, E_INVALID, "route %s %s is declared by %s and by %s", route->method,
                            route->path, r->entries[i].service->name, svc->name);
        }
    }
    if (r->count >= ROUTES_MAX || segments_of(str_of(route->path)) > SEGMENTS_MAX) {
        return ctx_fail(c, E_INVALID, "too many routes, or %s is too deep", route->path);
    }
    return E_OK;
}

static void add_route(struct router *r, const struct service *svc, const struct route *route)
{
    struct entry *e = &r->entries[r->count++];
    size_t n = takes_rest(route) ? 0 : segments_of(str_of(route->path));
    *e = (struct entry){route, svc, strcspn(route->path, "{"), NULL};
    /* fixed paths before patterns: "/agents/validate" is not an agent's id */
    struct entry **at = &r->by_length[n];
    bool pattern = strchr(route->path, '{') != NULL;
    while (*at && (pattern || !strchr((*at)->route->path, '{'))) {
        at = &(*at)->next;
    }
    e->next = *at;
    *at = e;
}

enum err router_new(struct ctx *c, const struct service *const *services, struct router **out)
{
    struct router *r = mem_new(sizeof(*r));
    for (int i = 0; services[i]; i++) {
        for (const struct route *route = services[i]->routes; route && route->method; route++) {
            enum err e = check_route(c, r, services[i], route);
            if (e != E_OK) {
                router_free(&r);
                return e;
            }
            add_route(r, services[i], route);
        }
    }
    *out = r;
    return E_OK;
}

void router_free(struct router **r)
{
    free(*r);
    *r = NULL;
}

static const struct route *find_in(const struct entry *e, struct str method, struct str path,
                                   struct str out_params[ROUTE_PARAMS_MAX],
                                   const struct service **out_service, bool *out_other)
{
    for (; e; e = e->next) {
        if (path.n < e->fixed_bytes || memcmp(path.p, e->route->path, e->fixed_bytes) != 0 ||
            !path_matches(e->route, path, out_params)) {
            continue;
        }
        bool head = str_eqz(method, "HEAD") && strcmp(e->route->method, "GET") == 0;
        if (str_eqz(method, e->route->method) || head) {
            *out_service = e->service;
            return e->route;
        }
        *out_other = true;
    }
    return NULL;
}

const struct route *router_find(const struct router *r, struct str method, struct str path,
                                struct str out_params[ROUTE_PARAMS_MAX],
                                const struct service **out_service, bool *out_other)
{
    *out_other = false;
    size_t n = segments_of(path);
    const struct route *found = NULL;
    if (n >= 1 && n <= SEGMENTS_MAX) {
        found = find_in(r->by_length[n], method, path, out_params, out_service, out_other);
    }
    if (!found && !*out_other) {
        found = find_in(r->by_length[0], method, path, out_params, out_service, out_other);
    }
    return found;
}
