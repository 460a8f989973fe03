/* The inside of the host: what its own files share. Services see service.h, access.h, org.h,
 * settings.h. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/log.h"
#include "codec/jwt.h"
#include "host/service.h"
#include "host/settings.h"

struct batch;
struct live;
struct made;
struct memo;
struct otlp;
struct router;
struct share;

struct host {
    const struct service *const *services; /* ends with NULL */
    const struct settings *settings;
    struct router *router;
    struct live *live;
    struct share *slow;                       /* requests of ROUTE_SLOW under way */
    struct share *streams;                    /* what they left behind on LANE_SLOW */
    struct share *guest_slow, *guest_streams; /* of guests: they take none of what members have */
    struct otlp *otlp;                        /* NULL: no collector is configured */
    struct jwt_keys keys;                     /* the first signs */
    struct str issuer;
    char local_secret[65];     /* what the data folder's owner signs in with; see lifecycle_serve */
    struct memo *tokens;       /* access tokens whose signature was checked */
    struct batch *batch;       /* writes of requests that came together */
    struct made *made;         /* what services made once */
    struct memo *known;        /* what services worked out */
    _Atomic int64_t forgotten; /* how often that came in doubt */
    struct memo *answers;      /* of ROUTE_STEADY, by the version of the org's store;
                            * settings known to be JSON */
    bool test_clock;           /* POST /admin/clock is allowed */
};

/* router.c: routes by method and path. E_INVALID: a double route, one without role or with a bad
 * path. */
enum err router_new(struct ctx *c, const struct service *const *services, struct router **out);
void router_free(struct router **r);
/* The service and route for the path. *out_other: another method has it (405). */
const struct route *router_find(const struct router *r, struct str method, struct str path,
                                struct str out_params[ROUTE_PARAMS_MAX],
                                const struct service **out_service, bool *out_other);

/* access.c */
enum err access_open(struct ctx *c, struct host *h);

/* door.c: what the server calls for every request, message and closed channel. `arg` of door_lane
 * is the struct host. */
enum worker_lane door_lane(struct str method, struct str path, void *arg);
void door_request(struct ctx *c, const struct request_in *in, struct response_out *out, void *arg);
void door_message(struct ctx *c, struct channel *ch, struct str text, void *arg);
void door_close(struct ctx *c, struct channel *ch, void *arg);

/* call.c: the answer as it goes out, from what the handler wrote and said. Twice is as once. */
enum err call_finish(struct ctx *c, struct call *call);

/* problem.c: RFC 9457 for the fault in c. */
void problem_write(struct ctx *c, const struct request_in *in, struct response_out *out);

extern const struct migration host_migrations[];

#endif
