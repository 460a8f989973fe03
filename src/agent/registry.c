#include "agent/registry.h"

#include "agent/tool_mcp.h"
#include "bus/topic.h"

const struct migration registry_migrations[] = {
    {"registry", 1, STORE_SCOPE_ORG,
     "CREATE TABLE agent ("
     " id TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL, product_type TEXT NOT NULL,"
     " active_version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
     " PRIMARY KEY (id), UNIQUE (slug));"
     "CREATE TABLE agent_version ("
     " agent_id TEXT NOT NULL, version BIGINT NOT NULL, sha256 TEXT NOT NULL, yaml TEXT NOT NULL,"
     " model BLOB, author TEXT NOT NULL, message TEXT NOT NULL, status TEXT NOT NULL,"
     " created_at BIGINT NOT NULL, PRIMARY KEY (agent_id, version));"},
    {"registry", 2, STORE_SCOPE_ORG, "ALTER TABLE agent_version ADD COLUMN pins TEXT;"},
    {0},
};

/* A stored version, read again as it was when it was applied. */
static enum err parse_stored(struct ctx *c, struct str yaml, struct str pins, struct config **out)
{
    struct config_faults faults;
    struct json_fault fault;
    struct config *cfg = NULL;
    const struct json *list = &json_empty_array;
    enum err e = config_parse(c->arena, yaml, &faults, &cfg);
    if (e == E_OK && pins.n) {
        e = json_parse(c->arena, pins, &list, &fault);
    }
    e = e == E_OK ? config_pin(c->arena, cfg, list, &faults) : e;
    if (e != E_OK) {
        config_free(&cfg);
        return ctx_fail(c, E_INTERNAL, "this version of the agent no longer reads: %.*s",
                        STR_ARG(faults.count ? faults.items[0].text : STR("its pinned tools")));
    }
    *out = cfg;
    return E_OK;
}

static enum err load(struct ctx *c, struct store *s, const struct id *agent, int64_t version,
                     const struct agent **out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT yaml, model, pins FROM agent_version"
                    " WHERE agent_id = ?1 AND version = ?2",
                    S_ID(agent), S_INT(version)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no version %lld of this agent", (long long)version);
    }
    struct config *cfg = NULL;
    struct classifier *classifier = NULL;
    TRY(parse_stored(c, row_str(&rows, 0, 0), row_str(&rows, 0, 2), &cfg));
    struct str model = row_str(&rows, 0, 1);
    enum err e = E_OK;
    if (model.n == 0 || classify_load(model, &classifier) != E_OK) {
        e = agents_train(c, cfg, &classifier); /* made by another program version */
    }
    if (e != E_OK) {
        config_free(&cfg);
        return e;
    }
    *out = agents_keep(c, agent, version, cfg, classifier);
    return E_OK;
}

enum err registry_agent(struct ctx *c, const struct id *agent, int64_t version,
                        const struct agent **out)
{
    struct store *s;
    TRY(store_of(c, &s));
    if (version == 0) {
        struct agent_row row;
        TRY(registry_get(c, agent, &row));
        version = row.active_version;
    }
    *out = agents_take(c, agent, version);
    return *out ? E_OK : load(c, s, agent, version, out);
}

#define AGENT_COLUMNS "id, slug, name, product_type, active_version, created_at, updated_at"

static struct agent_row read_agent(const struct store_rows *r, int row)
{
    return (struct agent_row){
        .id = row_id(r, row, 0),
        .slug = row_str(r, row, 1),
        .name = row_str(r, row, 2),
        .product = row_str(r, row, 3),
        .active_version = row_int(r, row, 4),
        .created_at_ms = row_int(r, row, 5),
        .updated_at_ms = row_int(r, row, 6),
    };
}

enum err registry_get(struct ctx *c, const struct id *agent, struct agent_row *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " AGENT_COLUMNS " FROM agent WHERE id = ?1", S_ID(agent)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no such agent");
    }
    *out = read_agent(&rows, 0);
    return E_OK;
}

enum err registry_by_slug(struct ctx *c, struct str slug, struct agent_row *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " AGENT_COLUMNS " FROM agent WHERE slug = ?1",
                    S_STR(slug)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no agent %.*s", STR_ARG(slug));
    }
    *out = read_agent(&rows, 0);
    return E_OK;
}

enum err registry_list(struct ctx *c, const struct agent_row **out_rows, int *out_count)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows, "SELECT " AGENT_COLUMNS " FROM agent ORDER BY slug LIMIT ?1",
                    S_INT(REGISTRY_AGENTS_MAX)));
    struct agent_row *all = ARENA_ARRAY(c->arena, struct agent_row, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        all[i] = read_agent(&rows, i);
    }
    *out_rows = all;
    *out_count = rows.count;
    return E_OK;
}

static struct agent_version read_version(const struct store_rows *r, int row)
{
    return (struct agent_version){
        .version = row_int(r, row, 0),
        .sha256 = row_str(r, row, 1),
        .author = row_str(r, row, 2),
        .message = row_str(r, row, 3),
        .status = row_str(r, row, 4),
        .created_at_ms = row_int(r, row, 5),
    };
}

enum err registry_version(struct ctx *c, const struct id *agent, int64_t version,
                          struct agent_version *out)
{
    struct store *s;
    struct store_rows rows;
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT version, sha256, author, message, status, created_at, yaml, pins"
                    " FROM agent_version WHERE agent_id = ?1 AND version = ?2",
                    S_ID(agent), S_INT(version)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "no version %lld of this agent", (long long)version);
    }
    *out = read_version(&rows, 0);
    out->yaml = row_str(&rows, 0, 6);
    out->pins = row_str(&rows, 0, 7);
    return E_OK;
}

enum err registry_versions(struct ctx *c, const struct id *agent,
                           const struct agent_version **out_rows, int *out_count)
{
    struct store *s;
    struct store_rows rows;
    struct agent_row row;
    TRY(registry_get(c, agent, &row));
    TRY(store_of(c, &s));
    TRY(store_query(c, s, &rows,
                    "SELECT version, sha256, author, message, status, created_at"
                    " FROM agent_version WHERE agent_id = ?1 ORDER BY version DESC LIMIT 200",
                    S_ID(agent)));
    struct agent_version *all = ARENA_ARRAY(c->arena, struct agent_version, (size_t)rows.count + 1);
    for (int i = 0; i < rows.count; i++) {
        all[i] = read_version(&rows, i);
    }
    *out_rows = all;
    *out_count = rows.count;
    return E_OK;
}

/* ---- writing ------------------------------------------------------------- */

struct put {
    struct store *store;
    const struct apply *apply;
    const struct config *config;
    struct str model, pins;
    /* a rollback: */
    int64_t to;
    struct applied *out;
};

static const struct json *change_payload(struct ctx *c, const struct put *p)
{
    struct arena *a = c->arena;
    const struct json *v =
        json_with(a, &json_empty_object, STR("config_id"), json_new_str(a, id_str(&p->out->agent)));
    v = json_with(a, v, STR("product_type"),
                  json_new_str(a, str_of(config_product_name(p->config->product))));
    v = json_with(a, v, STR("version"), json_new_int(a, p->out->version));
    v = json_with(a, v, STR("updated_by"), json_new_str(a, p->apply->author));
    v = json_with(a, v, STR("commit_message"), json_new_str(a, p->apply->message));
    v = json_with(a, v, STR("hot_reload_required"), json_new_bool(true));
    return json_with(a, v, STR("breaking_change"), json_new_bool(p->config->breaking_change));
}

/* Inserts version n+1 as the active one and moves the pointer, in the open transaction. */
static enum err add_version(struct ctx *c, const struct put *p, const char *old_status)
{
    struct store *s = p->store;
    const struct id *agent = &p->out->agent;
    TRY(store_exec(c, s, NULL,
                   "UPDATE agent_version SET status = ?2 WHERE agent_id = ?1 AND status = 'active'",
                   S_ID(agent), S_Z(old_status)));
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO agent_version (agent_id, version, sha256, yaml, model, author,"
                   " message, status, created_at, pins)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', ?8, ?9)",
                   S_ID(agent), S_INT(p->out->version), S_STR(p->config->sha256),
                   S_STR(p->config->yaml), p->model.n ? S_BLOB(p->model) : S_NULL,
                   S_STR(p->apply->author), S_STR(p->apply->message), S_INT(ctx_now_ms(c)),
                   S_OPT(p->pins)));
    return store_exec(c, s, NULL,
                      "UPDATE agent SET active_version = ?2, name = ?3, product_type = ?4,"
                      " updated_at = ?5 WHERE id = ?1",
                      S_ID(agent), S_INT(p->out->version), S_STR(p->config->name),
                      S_Z(config_product_name(p->config->product)), S_INT(ctx_now_ms(c)));
}

static struct str slug_of(const struct config *cfg)
{
    return cfg->slug.n ? cfg->slug : str_of(cfg->id.text);
}

/* As many as a list shows: none is out of sight. */
static enum err check_room(struct ctx *c, const struct put *p)
{
    struct store_rows rows;
    TRY(store_query(c, p->store, &rows, "SELECT count(*) FROM agent"));
    return row_int(&rows, 0, 0) < REGISTRY_AGENTS_MAX
               ? E_OK
               : ctx_fail(c, E_CONFLICT, "an organisation has at most %d agents",
                          REGISTRY_AGENTS_MAX);
}

static enum err insert_agent(struct ctx *c, const struct put *p)
{
    struct str slug = slug_of(p->config);
    TRY(check_room(c, p));
    if (!slug.n) {
        return ctx_fail_field(c, E_INVALID, "slug", "a new agent needs a slug or a config_id");
    }
    return store_exec(c, p->store, NULL,
                      "INSERT INTO agent (id, slug, name, product_type, active_version, created_at,"
                      " updated_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)",
                      S_ID(&p->out->agent), S_STR(slug), S_STR(p->config->name),
                      S_Z(config_product_name(p->config->product)), S_INT(ctx_now_ms(c)));
}

/* Which agent the document is about. */
static enum err find_target(struct ctx *c, const struct put *p, struct agent_row *out,
                            bool *out_found)
{
    enum err e = E_NOT_FOUND;
    if (id_is_set(&p->apply->agent)) {
        *out_found = true;
        return registry_get(c, &p->apply->agent, out);
    }
    if (id_is_set(&p->config->id)) {
        e = registry_get(c, &p->config->id, out);
    }
    if (e == E_NOT_FOUND && p->config->slug.n) {
        e = registry_by_slug(c, p->config->slug, out);
    }
    *out_found = e == E_OK;
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    return e;
}

static enum err apply_in(struct ctx *c, void *arg)
{
    struct put *p = arg;
    struct agent_row row = {0};
    bool found = false;
    TRY(find_target(c, p, &row, &found));
    *p->out = (struct applied){.agent = row.id, .version = row.active_version};
    if (found && p->apply->expected_version > 0 &&
        p->apply->expected_version != row.active_version) {
        return ctx_fail(c, E_CONFLICT, "version %lld is active now; you changed version %lld",
                        (long long)row.active_version, (long long)p->apply->expected_version);
    }
    if (found) {
        struct agent_version active;
        TRY(registry_version(c, &row.id, row.active_version, &active));
        if (str_eq(active.sha256, p->config->sha256) && str_eq(active.pins, p->pins)) {
            return E_OK; /* the same content: nothing happens */
        }
        p->out->version = row.active_version;
    } else {
        p->out->agent = id_is_set(&p->config->id) ? p->config->id : id_new(ctx_now_ms(c));
        p->out->created = true;
        TRY(insert_agent(c, p));
    }
    struct store_rows rows;
    TRY(store_query(c, p->store, &rows,
                    "SELECT coalesce(max(version), 0) + 1 FROM agent_version WHERE agent_id = ?1",
                    S_ID(&p->out->agent)));
    p->out->version = row_int(&rows, 0, 0);
    p->out->changed = true;
    TRY(add_version(c, p, "superseded"));
    TRY(topic_emit(c, p->store, .topic = "config_events",
                   .type = found ? "config_updated" : "config_deployed",
                   .key = id_str(&p->out->agent), .payload = change_payload(c, p)));
    return p->apply->also ? p->apply->also(c, p->store, p->out) : E_OK;
}

static struct str save_model(struct ctx *c, const struct classifier *k)
{
    struct buf b = buf_make(CLASSIFY_MODEL_MAX_BYTES);
    struct str bytes = STR("");
    if (k && classify_save(k, &b)) {
        bytes = str_dup(c->arena, buf_str(&b));
    }
    buf_free(&b);
    return bytes;
}

static enum err check_apply(struct ctx *c, const struct apply *apply, const struct config *cfg)
{
    if (id_is_set(&cfg->organization) && !id_eq(&cfg->organization, &c->org)) {
        return ctx_fail_field(c, E_INVALID, "organization_id",
                              "organization_id names another organisation");
    }
    if (apply->message.n > REGISTRY_MESSAGE_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "message", "the message has at most %d bytes",
                              REGISTRY_MESSAGE_MAX_BYTES);
    }
    return E_OK;
}

/* The first error is the call's; the caller has them all. */
static enum err fail_faults(struct ctx *c, const struct config_faults *f)
{
    const struct config_fault *first = NULL;
    for (int i = 0; i < f->count && !first; i++) {
        first = f->items[i].warning ? NULL : &f->items[i];
    }
    ctx_fail_place(c, E_INVALID, first ? first->line : 0, first ? first->column : 0, "%.*s%s%.*s",
                   STR_ARG(first ? first->path : STR("")), first && first->path.n ? ": " : "",
                   STR_ARG(first ? first->text : STR("the document is not valid")));
    if (first) {
        ctx_name_field(c, str_dupz(c->arena, first->path));
    }
    return E_INVALID;
}

/* What the MCP servers offer now becomes part of the version. */
static enum err pin(struct ctx *c, struct config *cfg, struct config_faults *out_faults,
                    struct str *out_pins)
{
    const struct json *pins = NULL;
    if (cfg->mcp_count == 0) {
        return E_OK;
    }
    TRY(tool_mcp_pins(c, cfg, out_faults, &pins));
    *out_pins = json_write(c->arena, pins);
    return config_pin(c->arena, cfg, pins, out_faults);
}

/* A version on its way. Lies in the task's arena; the parts are its own. */
struct draft {
    const struct apply *apply;
    struct config *config;
    struct classifier *classifier;
    struct str model, pins;
    struct applied done;
};

/* What the active version has learnt from the same examples; false: there is none such. */
static bool take_over(struct ctx *c, struct draft *d)
{
    struct put p = {.apply = d->apply, .config = d->config};
    const struct agent *active = NULL;
    struct agent_row row = {0};
    bool found = false;
    if (find_target(c, &p, &row, &found) != E_OK ||
        (found && row.active_version > 0 &&
         registry_agent(c, &row.id, row.active_version, &active) != E_OK)) {
        ctx_forgive(c); /* whoever writes the version tells what is wrong */
        return false;
    }
    if (!active || !active->classifier || !agents_teach_alike(active->config, d->config)) {
        return false;
    }
    d->model = save_model(c, active->classifier);
    return d->model.n && classify_load(d->model, &d->classifier) == E_OK;
}

static enum err prepare_in(struct ctx *c, struct draft *d, struct config_faults *out_faults)
{
    TRY(check_apply(c, d->apply, d->config));
    enum err e = pin(c, d->config, out_faults, &d->pins);
    if (e != E_OK) {
        return e == E_INVALID ? fail_faults(c, out_faults) : e;
    }
    if (!take_over(c, d)) {
        TRY(agents_train(c, d->config, &d->classifier));
        d->model = save_model(c, d->classifier);
    }
    return E_OK;
}

enum err registry_prepare(struct ctx *c, const struct apply *apply,
                          struct config_faults *out_faults, struct draft **out)
{
    struct draft *d = ARENA_NEW(c->arena, struct draft);
    d->apply = apply;
    if (config_parse(c->arena, apply->yaml, out_faults, &d->config) != E_OK) {
        return fail_faults(c, out_faults);
    }
    enum err e = prepare_in(c, d, out_faults);
    if (e != E_OK) {
        registry_done(c, &d, false);
        return e;
    }
    *out = d;
    return E_OK;
}

enum err registry_put(struct ctx *c, struct draft *d, struct applied *out)
{
    struct put p = {.apply = d->apply,
                    .config = d->config,
                    .model = d->model,
                    .pins = d->pins,
                    .out = &d->done};
    TRY(store_of(c, &p.store));
    TRY(store_transact(c, p.store, apply_in, &p));
    *out = d->done;
    return E_OK;
}

const struct config *registry_draft(const struct draft *d)
{
    return d->config;
}

void registry_done(struct ctx *c, struct draft **draft, bool kept)
{
    struct draft *d = *draft;
    *draft = NULL;
    if (!d) {
        return;
    }
    if (!kept || !d->done.changed) {
        classify_free(&d->classifier);
        config_free(&d->config);
        return;
    }
    /* ready for the first conversation */
    agents_keep(c, &d->done.agent, d->done.version, d->config, d->classifier);
}

enum err registry_apply(struct ctx *c, const struct apply *apply, struct config_faults *out_faults,
                        struct applied *out)
{
    struct draft *draft = NULL;
    *out = (struct applied){0};
    TRY(registry_prepare(c, apply, out_faults, &draft));
    enum err e = registry_put(c, draft, out);
    registry_done(c, &draft, e == E_OK);
    return e;
}

static enum err rollback_target(struct ctx *c, const struct put *p, int64_t active, int64_t *out_to)
{
    if (p->to > 0) {
        *out_to = p->to;
        return p->to == active
                   ? ctx_fail(c, E_CONFLICT, "version %lld is active already", (long long)active)
                   : E_OK;
    }
    struct store_rows rows;
    TRY(store_query(c, p->store, &rows,
                    "SELECT max(version) FROM agent_version"
                    " WHERE agent_id = ?1 AND status = 'superseded'",
                    S_ID(&p->out->agent)));
    *out_to = row_int(&rows, 0, 0);
    return *out_to ? E_OK : ctx_fail(c, E_CONFLICT, "there is no earlier version to go back to");
}

static enum err rollback_in(struct ctx *c, void *arg)
{
    struct put *p = arg;
    struct arena *a = c->arena;
    struct agent_row row;
    struct agent_version target;
    int64_t to = 0;
    TRY(registry_get(c, &p->out->agent, &row));
    TRY(rollback_target(c, p, row.active_version, &to));
    TRY(registry_version(c, &p->out->agent, to, &target));
    struct store_rows rows;
    TRY(store_query(c, p->store, &rows,
                    "SELECT max(version) + 1,"
                    " (SELECT model FROM agent_version WHERE agent_id = ?1 AND version = ?2)"
                    " FROM agent_version WHERE agent_id = ?1",
                    S_ID(&p->out->agent), S_INT(to)));
    p->out->version = row_int(&rows, 0, 0);
    p->out->changed = true;
    p->model = row_str(&rows, 0, 1);
    p->pins = target.pins;
    struct config_faults faults;
    struct config *cfg = NULL;
    if (config_parse(a, target.yaml, &faults, &cfg) != E_OK) {
        return ctx_fail(c, E_CONFLICT, "version %lld no longer reads", (long long)to);
    }
    p->config = cfg;
    enum err e = add_version(c, p, "rolled_back");
    const struct json *v = change_payload(c, p);
    config_free(&cfg);
    TRY(e);
    v = json_with(a, v, STR("from_version"), json_new_int(a, row.active_version));
    v = json_with(a, v, STR("to_version"), json_new_int(a, to));
    v = json_with(a, v, STR("new_version"), json_new_int(a, p->out->version));
    v = json_with(a, v, STR("reason"), json_new_str(a, p->apply->message));
    v = json_with(a, v, STR("initiated_by"), json_new_str(a, STR("client_user")));
    return topic_emit(c, p->store, .topic = "config_events", .type = "config_rollback",
                      .key = id_str(&p->out->agent), .payload = v);
}

enum err registry_rollback(struct ctx *c, const struct id *agent, int64_t to, struct str reason,
                           struct str author, struct applied *out)
{
    struct store *s;
    TRY(store_of(c, &s));
    *out = (struct applied){.agent = *agent};
    struct apply apply = {.author = author, .message = reason};
    struct put p = {.store = s, .apply = &apply, .to = to, .out = out};
    return store_transact(c, s, rollback_in, &p);
}
