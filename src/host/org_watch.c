#include "host/org_watch.h"

#include <stdlib.h>

#include "bus/bus.h"
#include "host/erasure.h"
#include "host/live.h"
#include "io/workers.h"

enum { CLOSE_CHAT = 4403 };

static void forget(struct ctx *c, void *arg)
{
    struct id *org = arg;
    erasure_forget(c, org);
    free(org);
}

/* On the bus's thread: never waits. An org whose erasing finds no room among the workers here is
 * told again, by its second round (ERASURE_SETTLE_MS). */
static bool on_event(void *arg, const struct event *e)
{
    const struct facilities *at = arg;
    struct id org;
    struct str status = json_str(e->payload, "status", STR(""));
    at->host->forgotten++;
    if (!id_parse(e->key, &org)) {
        return true;
    }
    if (str_eqz(status, "suspended") || str_eqz(status, "erasing")) {
        live_close_org(at->host->live, &org, CLOSE_CHAT, "this chat is closed at the moment");
    }
    if (str_eqz(status, "erasing")) {
        struct id *copy = mem_new(sizeof(*copy));
        *copy = org;
        if (!workers_post(at->workers, LANE_BACKGROUND, forget, copy)) {
            free(copy);
        }
    }
    return true;
}

enum err org_watch_open(struct ctx *c)
{
    struct id system = id_system();
    const struct event_filter filter = {
        .topic = "org_events", .type = "organization_updated", .after_seq = -1};
    return tail_open(c->at->bus, &system, &filter, on_event, (void *)(uintptr_t)c->at)
               ? E_OK
               : ctx_fail(c, E_UNAVAILABLE, "changes of organisations cannot be watched");
}
