#include "io/client_header.h"

#include <string.h>

#include "io/http1.h"

/* ---- of a request -------------------------------------------------------- */

static bool is_harmless(struct str name)
{
    return str_eq_nocase(name, STR("accept")) || str_eq_nocase(name, STR("accept-language")) ||
           str_eq_nocase(name, STR("content-type")) || str_eq_nocase(name, STR("user-agent"));
}

static char *line_of(struct arena *a, const struct header *h)
{
    char *line = arena_alloc(a, h->name.n + h->value.n + 3);
    memcpy(line, h->name.p, h->name.n);
    memcpy(line + h->name.n, h->value.n ? ": " : ";", h->value.n ? 2 : 1);
    memcpy(line + h->name.n + 2, h->value.n ? h->value.p : "", h->value.n);
    return line;
}

enum err client_header_lines(struct ctx *c, const struct request_out *request, bool foreign,
                             struct client_header_lines *out)
{
    bool has_type = false, has_agent = false;
    out->count = 0;
    if (request->header_count > CLIENT_HEADERS_MAX) {
        return ctx_fail(c, E_INVALID, "a request has at most %d headers", CLIENT_HEADERS_MAX);
    }
    for (int i = 0; i < request->header_count; i++) {
        const struct header *h = &request->headers[i];
        if (!http1_is_token(h->name) || !http1_is_value(h->value)) {
            return ctx_fail_field(c, E_INVALID, "headers", "the header \"%.*s\" is malformed",
                                  STR_ARG(str_sub(h->name, 0, 60)));
        }
        if (foreign && !is_harmless(h->name)) {
            continue;
        }
        has_type = has_type || str_eq_nocase(h->name, STR("content-type"));
        has_agent = has_agent || str_eq_nocase(h->name, STR("user-agent"));
        out->lines[out->count++] = line_of(c->arena, h);
    }
    out->lines[out->count++] = "Expect:"; /* no waiting for a 100 */
    if (!has_type) {
        out->lines[out->count++] = "Content-Type:"; /* libcurl would make it a form */
    }
    if (!has_agent) {
        out->lines[out->count++] = "User-Agent: rapport/" RAPPORT_VERSION;
    }
    return E_OK;
}

/* ---- of an answer -------------------------------------------------------- */

struct str client_header_location(const struct response_in *r)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        if (r->status == statuses[i]) {
            return client_header(r, "location");
        }
    }
    return STR("");
}

struct str client_header(const struct response_in *r, const char *name)
{
    struct str wanted = str_of(name);
    for (int i = 0; i < r->header_count; i++) {
        if (str_eq_nocase(r->headers[i].name, wanted)) {
            return r->headers[i].value;
        }
    }
    return STR("");
}
