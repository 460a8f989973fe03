#include "host/openapi.h"

#include <ctype.h>
#include <string.h>

#include "bus/topic.h"
#include "host/settings.h"

enum { PAGE_MAX_BYTES = 4 << 20, METHODS = 5 };

static const char *const methods[METHODS] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static struct str take(struct ctx *c, struct buf *b)
{
    struct str text = str_dup(c->arena, buf_str(b));
    buf_free(b);
    return text;
}

/* ---- OpenAPI ------------------------------------------------------------- */

static void write_query(struct json_out *o, const struct service *s, const struct route *r)
{
    for (const struct query_key *q = s->queries; q && q->path; q++) {
        if (strcmp(q->path, r->path) != 0 || strcmp(r->method, "GET") != 0) {
            continue;
        }
        json_open_object(o);
        json_field_str(o, "name", str_of(q->name));
        json_field_str(o, "in", STR("query"));
        json_field_str(o, "description", str_of(q->summary));
        json_name(o, "schema");
        json_open_object(o);
        json_field_str(o, "type", str_of(q->type));
        json_close_object(o);
        json_close_object(o);
    }
}

static void write_parameters(struct json_out *o, const struct service *s, const struct route *r)
{
    json_name(o, "parameters");
    json_open_array(o);
    for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        json_open_object(o);
        json_field_str(o, "name", str_make(p + 1, (size_t)(end - p - 1)));
        json_field_str(o, "in", STR("path"));
        json_field_bool(o, "required", true);
        json_name(o, "schema");
        json_put_raw(o, STR("{\"type\":\"string\"}"));
        json_close_object(o);
    }
    write_query(o, s, r);
    if (r->flags & (ROUTE_CREATES | ROUTE_ONCE | ROUTE_PREPARES)) {
        json_put_raw(o, STR("{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":"
                            "\"the same request under the same key is done once and answered "
                            "alike, for a day\",\"schema\":{\"type\":\"string\"}}"));
    }
    json_close_array(o);
}

static void write_body(struct json_out *o, const struct route *r)
{
    bool reads = strcmp(r->method, "GET") != 0 && (strcmp(r->method, "DELETE") != 0 || r->body);
    if (!reads) {
        return;
    }
    json_name(o, "requestBody");
    json_open_object(o);
    json_field_bool(o, "required", r->body && !(r->flags & ROUTE_OPTIONAL_BODY));
    json_name(o, "content");
    json_open_object(o);
    json_name(o, "application/json");
    json_open_object(o);
    json_name(o, "schema");
    if (r->body) {
        field_schema(r->body, FIELD_REQUEST, o);
    } else {
        json_put_raw(o, STR("{\"type\":\"object\"}"));
    }
    json_close_object(o);
    json_close_object(o);
    json_close_object(o);
}

static void write_responses(struct json_out *o, const struct route *r)
{
    json_name(o, "responses");
    json_open_object(o);
    json_name(o, (r->flags & ROUTE_CREATES) ? "201" : "200");
    json_put_raw(o, STR("{\"description\":\"done\"}"));
    json_name(o, "default");
    json_put_raw(o, STR("{\"description\":\"a problem (RFC 9457)\",\"content\":"
                        "{\"application/problem+json\":{\"schema\":"
                        "{\"$ref\":\"#/components/schemas/Problem\"}}}}"));
    json_close_object(o);
}

static void write_operation(struct ctx *c, struct json_out *o, const struct service *s,
                            const struct route *r)
{
    json_name_str(o, str_lower(c->arena, str_of(r->method)));
    json_open_object(o);
    json_field_str(o, "summary", str_of(r->summary));
    json_name(o, "tags");
    json_open_array(o);
    json_put_str(o, str_of(s->name));
    json_close_array(o);
    write_parameters(o, s, r);
    write_body(o, r);
    write_responses(o, r);
    if (!(r->roles & ROLE_PUBLIC)) {
        json_name(o, "security");
        json_put_raw(o, STR("[{\"bearer\":[]}]"));
        json_field_str(o, "x-scope", str_of(r->scope));
        json_field(o, "x-roles", role_names(c->arena, r->roles));
    }
    json_close_object(o);
}

static bool is_first(const struct service *const *services, const struct service *s,
                     const struct route *r)
{
    for (int i = 0; services[i]; i++) {
        for (const struct route *q = services[i]->routes; q && q->method; q++) {
            if (q == r) {
                return true;
            }
            if (strcmp(q->path, r->path) == 0) {
                return false;
            }
        }
    }
    (void)s;
    return true;
}

static void write_path(struct ctx *c, struct json_out *o, const struct service *const *services,
                       const char *path)
{
    json_name(o, path);
    json_open_object(o);
    for (int m = 0; m < METHODS; m++) {
        for (int i = 0; services[i]; i++) {
            for (const struct route *r = services[i]->routes; r && r->method; r++) {
                if (strcmp(r->path, path) == 0 && strcmp(r->method, methods[m]) == 0) {
                    write_operation(c, o, services[i], r);
                }
            }
        }
    }
    json_close_object(o);
}

static void write_components(struct json_out *o)
{
    json_name(o, "components");
    json_put_raw(
        o, STR("{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
               "\"description\":\"an access token (JWT) or an API key (rk_...)\"}},"
               "\"schemas\":{\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\","
               "\"status\",\"code\",\"detail\",\"request_id\"],\"properties\":{"
               "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
               "\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\"},"
               "\"detail\":{\"type\":\"string\"},\"field\":{\"type\":\"string\"},"
               "\"line\":{\"type\":\"integer\"},\"column\":{\"type\":\"integer\"},"
               "\"request_id\":{\"type\":\"string\"}}}}}"));
}

struct str openapi_json(struct ctx *c, const struct service *const *services)
{
    struct buf b = buf_make(PAGE_MAX_BYTES);
    struct json_out o = json_out_to(&b);
    json_open_object(&o);
    json_field_str(&o, "openapi", STR("3.1.0"));
    json_name(&o, "info");
    json_open_object(&o);
    json_field_str(&o, "title", STR("Rapport"));
    json_field_str(&o, "version", STR(RAPPORT_VERSION));
    json_close_object(&o);
    json_name(&o, "paths");
    json_open_object(&o);
    for (int i = 0; services[i]; i++) {
        for (const struct route *r = services[i]->routes; r && r->method; r++) {
            if (!(r->flags & ROUTE_HTML) && is_first(services, services[i], r)) {
                write_path(c, &o, services, r->path);
            }
        }
    }
    json_close_object(&o);
    write_components(&o);
    json_close_object(&o);
    return take(c, &b);
}

/* ---- Markdown ------------------------------------------------------------ */

static void add_roles(struct ctx *c, struct buf *b, uint32_t roles)
{
    if (roles & ROLE_PUBLIC) {
        buf_addf(b, "anyone");
        return;
    }
    if ((roles & ROLE_ANY) == ROLE_ANY) {
        buf_addf(b, "any member");
        return;
    }
    const struct json *names = role_names(c->arena, roles);
    for (size_t i = 0; i < json_count(names); i++) {
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(json_text(json_at(names, i), STR(""))));
    }
}

struct str openapi_routes_page(struct ctx *c, const struct service *const *services)
{
    struct buf b = buf_make(PAGE_MAX_BYTES);
    buf_addf(&b, "# Routes\n\nWritten from the services' descriptors by `rapport docs`.\n");
    for (int i = 0; services[i]; i++) {
        if (!services[i]->routes) {
            continue;
        }
        buf_addf(&b,
                 "\n## %s\n\n%s\n\n| method | path | who | scope of a key | what |\n"
                 "|---|---|---|---|---|\n",
                 services[i]->name, services[i]->purpose);
        for (const struct route *r = services[i]->routes; r->method; r++) {
            buf_addf(&b, "| %s | `%s` | ", r->method, r->path);
            add_roles(c, &b, r->roles);
            buf_addf(&b, " | %s | %s |\n", r->scope[0] ? r->scope : "-", r->summary);
        }
    }
    return take(c, &b);
}

struct str openapi_topics_page(struct ctx *c)
{
    struct buf b = buf_make(PAGE_MAX_BYTES);
    buf_addf(&b, "# Topics\n\nWritten from the registry by `rapport docs`.\n\n"
                 "| topic | also | producer | kept (days) | events |\n|---|---|---|---|---|\n");
    for (int i = 0; topic_at(i); i++) {
        const struct topic *t = topic_at(i);
        buf_addf(&b, "| `%s` | %s | %s | %d | ", t->name, t->alias ? t->alias : "-", t->producer,
                 t->retention_days);
        for (const struct topic_type *k = t->types; k->name; k++) {
            buf_addf(&b, "%s%s", k == t->types ? "" : ", ", k->name);
        }
        buf_addf(&b, " |\n");
    }
    return take(c, &b);
}

struct str openapi_settings_page(struct ctx *c, const struct service *const *services)
{
    struct buf b = buf_make(PAGE_MAX_BYTES);
    buf_addf(&b,
             "# Settings\n\nWritten from the table of settings by `rapport docs`. Keys stand in "
             "`rapport.yaml` in the data folder; a variable of the environment overrides "
             "them.\n\n| key | variable | default | meaning |\n|---|---|---|---|\n");
    for (const struct setting_row *r = setting_rows; r->name; r++) {
        buf_addf(&b, "| `%s` | %s%s%s | %s | %s |\n", r->name, r->env[0] ? "`" : "", r->env,
                 r->env[0] ? "`" : "", r->fallback, r->summary);
    }
    buf_addf(&b, "\n## Of an organisation\n\nMembers of an organisation's `settings` (`PATCH "
                 "/api/v1/orgs/{id}`); null takes one back. Others are kept as they are.\n\n"
                 "| member | default | from | to | meaning |\n|---|---|---|---|---|\n");
    for (int i = 0; services[i]; i++) {
        for (const struct config_key *k = services[i]->config; k && k->name; k++) {
            buf_addf(&b, "| `%s` | %lld | %lld | %lld | %s |\n", k->name, (long long)k->fallback,
                     (long long)k->min, (long long)k->max, k->summary);
        }
    }
    return take(c, &b);
}

static void add_consumers(struct buf *b, const struct service *s)
{
    bool first = true;
    for (const struct consumer *k = s->consumers; k && k->service; k++) {
        buf_addf(b, "%s%s", first ? "" : ", ", k->topic);
        first = false;
    }
    buf_addf(b, "%s", first ? "-" : "");
}

struct str openapi_services_page(struct ctx *c, const struct service *const *services)
{
    struct buf b = buf_make(PAGE_MAX_BYTES);
    buf_addf(&b, "# Services\n\nWritten from the descriptors by `rapport docs`.\n\n"
                 "| service | purpose | emits | consumes | jobs |\n|---|---|---|---|---|\n");
    for (int i = 0; services[i]; i++) {
        const struct service *s = services[i];
        buf_addf(&b, "| %s | %s | ", s->name, s->purpose);
        for (const char *const *t = s->emits; t && *t; t++) {
            buf_addf(&b, "%s%s", t == s->emits ? "" : ", ", *t);
        }
        buf_addf(&b, "%s | ", s->emits ? "" : "-");
        add_consumers(&b, s);
        buf_addf(&b, " | ");
        for (const struct job_kind *k = s->jobs; k && k->kind; k++) {
            buf_addf(&b, "%s%s", k == s->jobs ? "" : ", ", k->kind);
        }
        buf_addf(&b, "%s |\n", s->jobs ? "" : "-");
    }
    return take(c, &b);
}
