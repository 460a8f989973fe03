#include "support/ordeal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

enum { CTX_BYTES = 64 << 20 };

static const char *const PLACE_NAMES[MISHAP_PLACES] = {
    [MISHAP_SQL] = "a statement",
    [MISHAP_SQL_LOST] = "a statement's answer",
    [MISHAP_BEGIN] = "a begin",
    [MISHAP_COMMIT] = "a commit",
    [MISHAP_COMMIT_LOST] = "a commit's answer",
    [MISHAP_BLOB] = "a blob",
    [MISHAP_BLOB_LOST] = "a blob's answer",
    [MISHAP_HTTP] = "an HTTP call",
    [MISHAP_HTTP_LOST] = "an HTTP call's answer",
    [MISHAP_MODEL] = "a model",
};

const char *ordeal_place_name(enum mishap_place place)
{
    return PLACE_NAMES[place];
}

static void hears(void *arg, const char *statement)
{
    struct ordeal *o = arg;
    o->statement = (uint32_t)str_hash(str_of(statement)) | 1;
}

/* The place of a kind in the table; of this step's calls none are more kinds than fit. */
static int *count_of(struct ordeal *o, uint32_t kind)
{
    uint32_t at = kind % ORDEAL_KINDS;
    for (int i = 0; i < ORDEAL_KINDS && o->kinds[at].count && o->kinds[at].kind != kind; i++) {
        at = (at + 1) % ORDEAL_KINDS;
    }
    o->kinds[at].kind = kind;
    return &o->kinds[at].count;
}

static struct ordeal_call note_call(struct ordeal *o, enum mishap_place place)
{
    struct ordeal_call call = {.step = o->step, .drain = o->drain};
    call.kind = o->statement * MISHAP_PLACES + (uint32_t)place;
    call.nth = ++*count_of(o, call.kind);
    o->statement = 0;
    if (o->seen && o->calls < o->seen_max) {
        o->seen[o->calls] = call;
    }
    o->calls++;
    return call;
}

static bool is_aimed_at(struct ordeal *o, const struct ordeal_call *call)
{
    for (int i = 0; i < o->volley_count; i++) {
        struct ordeal_call *aim = &o->volley[i];
        if (aim->step == call->step && aim->kind == call->kind && aim->nth == call->nth) {
            aim->failed = true;
            return true;
        }
    }
    return o->calls == o->fails_at;
}

static bool strikes(void *arg, enum mishap_place place)
{
    struct ordeal *o = arg;
    struct ordeal_call call = note_call(o, place);
    if (!is_aimed_at(o, &call)) {
        return false;
    }
    o->struck = true;
    o->hits++;
    o->place = place;
    if (o->jump_ms) {
        clock_advance_ms(o->clock, o->jump_ms);
        o->behind_ms -= o->jump_ms < 0 ? o->jump_ms : 0;
    }
    return o->jump_ms == 0;
}

void ordeal_step(struct ordeal *o, bool drain)
{
    if (o) {
        o->step++;
        o->drain = drain;
        memset(o->kinds, 0, sizeof(o->kinds));
    }
}

static bool counts_nothing(void *arg, enum mishap_place place)
{
    (void)arg;
    (void)place;
    return false;
}

void ordeal_begin(struct ordeal *o, int64_t fails_at, int64_t jump_ms)
{
    *o = (struct ordeal){.fails_at = fails_at, .jump_ms = jump_ms};
    o->mishap = (struct mishap){.strikes = strikes, .hears = hears, .arg = o};
}

void ordeal_end(struct ordeal *o)
{
    o->mishap.strikes = counts_nothing;
    o->mishap.hears = NULL;
}

/* ---- what is there ------------------------------------------------------- */

/* name, number; by org. An id in them would differ from run to run. */
static const char *const FACTS[] = {
    "SELECT 'event ' || topic || '/' || type, count(*) FROM event GROUP BY topic, type",
    "SELECT 'message of ' || role, count(*) FROM message GROUP BY role",
    "SELECT 'conversation ' || status || ', ' || owner, count(*) FROM conversation"
    " GROUP BY status, owner",
    "SELECT 'unanswered in conversations', coalesce(sum(contact_seq - answered_seq), 0)"
    " FROM conversation WHERE owner = 'ai'",
    "SELECT 'run ' || graph || ' ' || status, count(*) FROM run GROUP BY graph, status",
    "SELECT 'tool call ' || name || ' ' || status, count(*) FROM tool_call GROUP BY name, status",
    "SELECT 'job ' || kind || ' ' || status, count(*) FROM job WHERE status <> 'pending'"
    " OR kind = 'agent_turn' GROUP BY kind, status",
    "SELECT 'dead letter of ' || consumer, count(*) FROM dead_letter GROUP BY consumer",
    "SELECT 'waiting event of ' || consumer, count(*) FROM consumer_wait GROUP BY consumer",
    "SELECT 'record ' || kind, count(*) FROM record GROUP BY kind",
    "SELECT 'changes of record ' || kind, sum(version - 1) FROM record GROUP BY kind",
    "SELECT 'agent version', count(*) FROM agent_version",
    "SELECT 'document ' || namespace || ' ' || status, count(*) FROM document"
    " GROUP BY namespace, status",
    "SELECT 'chunk', count(*) FROM chunk",
    "SELECT 'audit entry ' || action, count(*) FROM audit_entry GROUP BY action",
    "SELECT 'member ' || status, count(*) FROM member GROUP BY status",
    "SELECT 'reserved money', count(*) FROM llm_reservation",
};

static void must(struct ctx *c, enum err e)
{
    if (e != E_OK) {
        printf("Bail out! the facts cannot be read: %s\n", c->fault.text);
        exit(1);
    }
}

static struct store *open_org(struct ctx *c, const struct id *org)
{
    struct store *s;
    c->org = *org;
    must(c, store_of(c, &s));
    return s;
}

static const struct json *facts_of(struct ctx *c, struct arena *a, const struct id *org,
                                   const struct json *facts)
{
    struct store *s = open_org(c, org);
    for (size_t i = 0; i < sizeof(FACTS) / sizeof(*FACTS); i++) {
        struct store_rows rows;
        must(c, store_query(c, s, &rows, FACTS[i]));
        for (int k = 0; k < rows.count; k++) {
            struct str name = str_fmt(a, "%s: %.*s", org->text, STR_ARG(row_str(&rows, k, 0)));
            facts = json_with(a, facts, name, json_new_int(a, row_int(&rows, k, 1)));
        }
    }
    return facts;
}

const struct json *ordeal_facts(struct lifecycle *world, struct arena *a)
{
    struct ctx *c = lifecycle_ctx(world);
    const struct json *facts = &json_empty_object;
    const struct id *orgs;
    int count;
    must(c, stores_list(c, &orgs, &count));
    for (int i = 0; i < count; i++) {
        struct ctx *child = ctx_child(c, CTX_BYTES);
        facts = facts_of(child, a, &orgs[i], facts);
        ctx_free(&child);
    }
    ctx_free(&c);
    return facts;
}

bool ordeal_unfinished(struct lifecycle *world)
{
    struct ctx *c = lifecycle_ctx(world);
    const struct id *orgs;
    int count;
    int64_t left = 0;
    must(c, stores_list(c, &orgs, &count));
    for (int i = 0; i < count && left == 0; i++) {
        struct ctx *child = ctx_child(c, CTX_BYTES);
        struct store *s = open_org(child, &orgs[i]);
        struct store_rows rows;
        must(child, store_query(child, s, &rows,
                                "SELECT (SELECT count(*) FROM job WHERE status = 'running'"
                                " OR (status = 'pending' AND attempts > 0))"
                                " + (SELECT count(*) FROM consumer_wait)"
                                " + (SELECT count(*) FROM run WHERE status = 'running')"));
        left = row_int(&rows, 0, 0);
        ctx_free(&child);
    }
    ctx_free(&c);
    return left > 0;
}

static bool ends_in(struct str name, const char *const *ends)
{
    while (*ends && !str_ends(name, str_of(*ends))) {
        ends++;
    }
    return *ends != NULL;
}

/* Who signs in again because the answer was lost has signed in twice, who is refused again was
 * refused twice, what is ordered or imported again is noted
 * twice; that a key of another store
 * was revoked is rather told twice than not at all; a chat that was opened without an answer stays
 * behind empty, a fork stays behind. */
static bool may_grow(const struct ordeal *o, struct str name)
{
    static const char *const always[] = {"event auth_events/user_logged_in",
                                         "audit entry signed_in",
                                         "audit entry access_denied",
                                         "audit entry key_revoked",
                                         "audit entry org_erasure_ordered",
                                         "audit entry accounts_imported",
                                         NULL};
    static const char *const begun[] = {"event conversation_events/conversation_started",
                                        "conversation active, ai",
                                        "record contact",
                                        "audit entry run_forked",
                                        "run turn done",
                                        NULL};
    return ends_in(name, always) || (o->opened_twice && ends_in(name, begun));
}

int ordeal_compare(const struct ordeal *o, const struct json *before, const struct json *after)
{
    int differences = 0;
    for (size_t i = 0; i < json_count(before); i++) {
        struct str name = before->members[i].name;
        int64_t was = json_number(&before->members[i].value, 0);
        int64_t is = json_number(json_find(after, name), 0);
        if (was != is && !(is > was && may_grow(o, name))) {
            differences++;
            printf("#   %.*s: %lld, not %lld\n", STR_ARG(name), (long long)is, (long long)was);
        }
    }
    for (size_t i = 0; i < json_count(after); i++) {
        struct str name = after->members[i].name;
        int64_t is = json_number(&after->members[i].value, 0);
        if (is != 0 && !json_find(before, name)) {
            differences++;
            printf("#   %.*s: %lld, not 0\n", STR_ARG(name), (long long)is);
        }
    }
    return differences;
}
