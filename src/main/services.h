/* Every service of the program; ends with NULL. */
#ifndef MAIN_SERVICES_H
#define MAIN_SERVICES_H

#include "host/service.h"

extern const struct service *const all_services[];

#endif
