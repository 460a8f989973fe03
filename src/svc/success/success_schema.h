/* The tables of the service. */
#ifndef SVC_SUCCESS_SUCCESS_SCHEMA_H
#define SVC_SUCCESS_SUCCESS_SCHEMA_H

#include "store/store.h"

extern const struct migration success_schema[];

#endif
