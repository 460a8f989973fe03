#include "base/err.h"

struct err_row {
    int status;
    bool transient;
    const char *name;
    const char *title;
};

static const struct err_row rows[E_COUNT] = {
    [E_OK] = {200, false, "ok", "OK"},
    [E_INVALID] = {400, false, "invalid", "Invalid request"},
    [E_UNAUTHENTICATED] = {401, false, "unauthenticated", "Sign-in needed"},
    [E_DENIED] = {403, false, "denied", "Not allowed"},
    [E_NOT_FOUND] = {404, false, "not_found", "Not found"},
    [E_METHOD] = {405, false, "method", "Method not allowed"},
    [E_CONFLICT] = {409, false, "conflict", "Conflict with the current state"},
    [E_GONE] = {410, false, "gone", "No longer available"},
    [E_TOO_LARGE] = {413, false, "too_large", "Too large"},
    [E_INCOMPLETE] = {422, false, "incomplete", "Incomplete"},
    [E_LIMIT] = {429, true, "limit", "Too many requests"},
    [E_CANCELLED] = {499, false, "cancelled", "Cancelled"},
    [E_INTERNAL] = {500, false, "internal", "Internal error"},
    [E_UNAVAILABLE] = {503, true, "unavailable", "Unavailable"},
    [E_TIMEOUT] = {504, true, "timeout", "Timed out"},
    [E_FULL] = {507, false, "full", "Storage full"},
};

static const struct err_row *row_of(enum err e)
{
    return (unsigned)e < E_COUNT ? &rows[e] : &rows[E_INTERNAL];
}

int err_http_status(enum err e)
{
    return row_of(e)->status;
}

const char *err_name(enum err e)
{
    return row_of(e)->name;
}

const char *err_title(enum err e)
{
    return row_of(e)->title;
}

bool err_is_transient(enum err e)
{
    return row_of(e)->transient;
}

enum err err_from_http(int status)
{
    if (status >= 200 && status < 300) {
        return E_OK;
    }
    if (status == 408) {
        return E_TIMEOUT;
    }
    for (int e = E_INVALID; e < E_COUNT; e++) {
        if (rows[e].status == status) {
            return (enum err)e;
        }
    }
    if (status >= 500) {
        return E_UNAVAILABLE; /* 502, 520, 529: the other side's trouble, worth a retry */
    }
    return E_INVALID;
}
