#include "host/service.h"

extern const struct service success_service;

static const struct route routes[] = {
    {0},
};

const struct service success_service = {
    .name = "success",
    .purpose = "The success copilot: questions about accounts, answered with their own numbers.",
    .routes = routes,
};
