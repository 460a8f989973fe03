/* The outcomes a call can have. Each is tied to one HTTP status and one retry class, so that a
 * caller three rows up can answer or retry without knowing what failed. Pure. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err {
    E_OK = 0,
    E_INVALID,         /* 400 the input breaks a rule; the text names field or line */
    E_UNAUTHENTICATED, /* 401 no, expired or forged credentials */
    E_DENIED,          /* 403 known caller, not allowed */
    E_NOT_FOUND,       /* 404 absent, or another org's: the two must look the same */
    E_METHOD,          /* 405 the address knows this, but not by this method */
    E_CONFLICT,        /* 409 the state forbids it (version, transition, duplicate) */
    E_GONE,            /* 410 expired token, link or preview */
    E_TOO_LARGE,       /* 413 a bound was exceeded */
    E_INCOMPLETE,      /* 422 well-formed, but not enough to act on */
    E_LIMIT,           /* 429 a rate or budget is used up; try later */
    E_CANCELLED,       /* 499 the caller went away or asked to stop */
    E_INTERNAL,        /* 500 a defect of ours */
    E_UNAVAILABLE,     /* 503 something we need is down; a retry may succeed */
    E_TIMEOUT,         /* 504 the deadline passed; a retry may succeed */
    E_FULL,            /* 507 the disk or a quota is full */
    E_COUNT
};

/* The HTTP status (RFC 9110) a caller outside sees. */
int err_http_status(enum err e);

/* Lower-case machine name, such as "not_found": the `code` of a problem document. */
const char *err_name(enum err e);

/* A short human title, such as "Not found". */
const char *err_title(enum err e);

/* True when the same call may succeed later without change. */
bool err_is_transient(enum err e);

/* The outcome that an HTTP status of another server stands for. */
enum err err_from_http(int status);

/* Hands an outcome on: TRY(call(c, ...)); */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (call);                                                                \
        if (try_err_ != E_OK) {                                                                    \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

#endif
