/* A service in the place of `account`, for tests of those who ask it: a few customers whose facts
 * the test sets itself. */
#ifndef SUPPORT_CUSTOMERS_H
#define SUPPORT_CUSTOMERS_H

#include "host/service.h"

struct customer {
    const char *slug, *name, *trend; /* trend NULL: usage is not known */
    int64_t daily_users;             /* -1: not known */
    int64_t open_tickets;            /* -1: not known */
    int64_t renewal_ms;              /* 0: not known */
    int64_t arr_cents;               /* -1: not known */
    const char *champion;            /* NULL: no contacts */
    const char *subject;             /* of the newest ticket; NULL: "It is slow" */
    const char *first;               /* first name of the champion; NULL: not known */
};

/* Ended by slug NULL; of this process from now on. */
void customers_set(const struct customer *customers);

/* Called before each answer with the ask's name; NULL: nothing is. */
void customers_watch(void (*fn)(struct ctx *c, const char *ask, void *arg), void *arg);

/* From now on: the ask of this name fails (NULL: none does); guests do not see the customer of this
 * slug (NULL: they see all); contracts are in this currency (NULL: EUR; empty: nobody said). */
void customers_break(const char *ask);
void customers_hide(const char *slug);
void customers_pay_in(const char *currency);

/* The answer of account.health that goes with a customer: copilot_v1. */
extern const struct service customers_service;

#endif
