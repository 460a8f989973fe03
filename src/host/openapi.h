/* The reference of the API and of the services, written from the descriptors: /openapi.json and
 * docs/generated. Pure but for the ctx's arena. */
#ifndef HOST_OPENAPI_H
#define HOST_OPENAPI_H

#include "host/service.h"

/* OpenAPI 3.1. */
struct str openapi_json(struct ctx *c, const struct service *const *services);

/* Markdown pages: routes by service; topics; settings; services. */
struct str openapi_routes_page(struct ctx *c, const struct service *const *services);
struct str openapi_topics_page(struct ctx *c);
struct str openapi_settings_page(struct ctx *c, const struct service *const *services);
struct str openapi_services_page(struct ctx *c, const struct service *const *services);

#endif
