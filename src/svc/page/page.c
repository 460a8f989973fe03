#include <string.h>

#include "host/service.h"
#include "svc/page/assets.h"

extern const struct service page_service;

static const struct asset *find(const char *path)
{
    for (size_t i = 0; i < asset_count; i++) {
        if (strcmp(assets[i].path, path) == 0) {
            return &assets[i];
        }
    }
    return NULL;
}

/* The chat page and the widget live inside other sites; the console must not. */
static struct str policy(struct str path)
{
    bool embeddable = str_starts(path, STR("/chat/"));
    return embeddable
               ? STR("default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                     "img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; "
                     "form-action 'none'")
               : STR("default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                     "img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; "
                     "form-action 'self'; frame-ancestors 'none'");
}

/* "gzip, deflate, br": named, and not with q=0 (RFC 9110 12.5.3). */
static bool takes_gzip(struct str accept)
{
    struct str piece, name;
    while (str_split(&accept, ',', &piece)) {
        struct str rest = piece;
        if (str_split(&rest, ';', &name) && str_eq_nocase(str_trim(name), STR("gzip"))) {
            struct str q = str_trim(rest);
            return !str_eqz(q, "q=0") && !str_eqz(q, "q=0.0");
        }
    }
    return false;
}

static enum err send(struct ctx *c, struct call *call, const struct asset *a)
{
    struct response_out *out = call->out;
    if (!a) {
        return asset_count ? ctx_fail(c, E_NOT_FOUND, "no such page")
                           : ctx_fail(c, E_NOT_FOUND,
                                      "the pages were not built into this binary: "
                                      "run tools/web-build and build again");
    }
    bool hashed = str_starts(str_of(a->path), STR("/assets/"));
    response_header(out, "Content-Type", str_of(a->type));
    response_header(out, "ETag", str_of(a->etag));
    response_header(out, "Cache-Control",
                    hashed ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    response_header(out, "Vary", STR("Accept-Encoding"));
    response_header(out, "Referrer-Policy", STR("same-origin"));
    if (strstr(a->type, "html")) {
        response_header(out, "Content-Security-Policy", policy(call->in->path));
    }
    if (strcmp(a->path, "/widget.js") == 0) {
        response_header(out, "Access-Control-Allow-Origin", STR("*"));
        response_header(out, "Cross-Origin-Resource-Policy", STR("cross-origin"));
    }
    if (str_eqz(request_header(call->in, "If-None-Match"), a->etag)) {
        call->status = 304;
        return E_OK;
    }
    bool packed = a->gzip && takes_gzip(request_header(call->in, "Accept-Encoding"));
    if (packed) {
        response_header(out, "Content-Encoding", STR("gzip"));
    }
    out->body = packed ? str_make((const char *)a->gzip, a->gzip_n)
                       : str_make((const char *)a->bytes, a->n);
    out->body_is_static = true;
    call->status = 200;
    return E_OK;
}

static enum err start_page(struct ctx *c, struct call *call)
{
    return send(c, call, find("/index.html"));
}

static enum err console(struct ctx *c, struct call *call)
{
    const struct asset *a = find(str_dupz(c->arena, call->in->path));
    return send(c, call, a ? a : find("/console/index.html")); /* the console routes by itself */
}

static enum err chat_page(struct ctx *c, struct call *call)
{
    return send(c, call, find("/chat/index.html"));
}

static enum err file(struct ctx *c, struct call *call)
{
    return send(c, call, find(str_dupz(c->arena, call->in->path)));
}

static enum err go_to_console(struct ctx *c, struct call *call)
{
    (void)c;
    response_header(call->out, "Location", STR("/console/"));
    call->status = 308;
    return E_OK;
}

static const struct route routes[] = {
    {"GET", "/", ROLE_PUBLIC, "", start_page, "Start page", NULL, 0, ROUTE_HTML},
    {"GET", "/console", ROLE_PUBLIC, "", go_to_console, "Console", NULL, 0, ROUTE_HTML},
    {"GET", "/console/{rest*}", ROLE_PUBLIC, "", console, "Console", NULL, 0, ROUTE_HTML},
    {"GET", "/chat/{org}/{agent}", ROLE_PUBLIC, "", chat_page, "Chat page", NULL, 0, ROUTE_HTML},
    {"GET", "/assets/{rest*}", ROLE_PUBLIC, "", file, "Files of the pages", NULL, 0, ROUTE_HTML},
    {"GET", "/{name}", ROLE_PUBLIC, "", file, "widget.js and the like", NULL, 0, ROUTE_HTML},
    {0},
};

const struct service page_service = {
    .name = "page",
    .purpose = "The console, the chat page and the widget.",
    .routes = routes,
};
