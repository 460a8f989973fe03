#include "host/org_watch.h"

#include "bus/bus.h"
#include "host/live.h"

enum { CLOSE_CHAT = 4403 };

/* On the bus's thread: never waits. */
static bool on_event(void *arg, const struct event *e)
{
    struct host *h = arg;
    struct id org;
    h->forgotten++;
    if (id_parse(e->key, &org) && str_eqz(json_str(e->payload, "status", STR("")), "suspended")) {
        live_close_org(h->live, &org, CLOSE_CHAT, "this chat is closed at the moment");
    }
    return true;
}

enum err org_watch_open(struct ctx *c)
{
    struct id system = id_system();
    const struct event_filter filter = {
        .topic = "org_events", .type = "organization_updated", .after_seq = -1};
    return tail_open(c->at->bus, &system, &filter, on_event, c->at->host)
               ? E_OK
               : ctx_fail(c, E_UNAVAILABLE, "changes of organisations cannot be watched");
}
