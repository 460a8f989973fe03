#include "host/erasure.h"

#include "agent/agents.h"
#include "bus/bus.h"
#include "find/search.h"
#include "host/host.h"
#include "host/org.h"
#include "link/mcp.h"
#include "store/blob.h"
#include "store/cache.h"

struct mark {
    struct store *store; /* the installation's own */
    const struct id *org;
    int64_t marked;
};

/* From here on nothing else changes it (host/org.c). */
static enum err mark_in(struct ctx *c, void *arg)
{
    struct mark *m = arg;
    TRY(store_exec(c, m->store, &m->marked,
                   "UPDATE org SET status = 'erasing' WHERE id = ?1 AND kind <> 'operator'"
                   " AND status IN ('suspended', 'erasing')",
                   S_ID(m->org)));
    return m->marked ? topic_emit(c, m->store, .topic = "org_events",
                                  .type = "organization_updated", .key = id_str(m->org),
                                  .payload = json_object(
                                      c->arena, {"status", json_new_str(c->arena, STR("erasing"))}))
                     : E_OK;
}

static enum err mark(struct ctx *c, const struct id *org)
{
    struct id system = id_system();
    struct org entry;
    struct mark m = {.org = org};
    TRY(store_of_org(c, &system, &m.store));
    TRY(store_transact(c, m.store, mark_in, &m));
    if (m.marked) {
        return E_OK;
    }
    enum err e = org_entry(c, org, &entry);
    if (e == E_NOT_FOUND) { /* an earlier attempt came to the end */
        ctx_forgive(c);
        return E_OK;
    }
    return e == E_OK ? ctx_fail(c, E_CONFLICT, "only a suspended organisation is erased") : e;
}

enum err erasure_carry_out(struct ctx *c, const struct id *org)
{
    TRY(mark(c, org));
    bus_org_erased(c->at->bus, org);
    TRY(stores_erase(c, org));
    TRY(blobs_erase(c, org));
    erasure_forget(c, org);
    return E_OK;
}

enum err erasure_end(struct ctx *c, const struct id *org)
{
    TRY(org_rows_remove(c, host_services(c), org));
    erasure_forget(c, org);
    return E_OK;
}

void erasure_forget(struct ctx *c, const struct id *org)
{
    bus_org_erased(c->at->bus, org);
    cache_erase(c, org);
    agents_forget(c->at->agents, org);
    search_forget(c->at->search, org);
    mcp_forget(c, org);
    c->at->host->forgotten++;
}
