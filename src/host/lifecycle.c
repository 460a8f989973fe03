#include "host/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/builtin.h"
#include "agent/conversation.h"
#include "agent/record.h"
#include "agent/registry.h"
#include "agent/turn.h"
#include "base/metric.h"
#include "bus/bus.h"
#include "find/search.h"
#include "host/batch.h"
#include "host/live.h"
#include "host/made.h"
#include "host/memo.h"
#include "host/org_watch.h"
#include "host/otlp.h"
#include "host/share.h"
#include "host/work_span.h"
#include "link/mcp.h"
#include "nlu/embed.h"
#include "store/blob.h"
#include "store/cache.h"
#include "store/vault.h"

enum {
    ARENA_MAX_BYTES = 64 << 20,
    SERVICES_MAX = 64,
    REQUEST_THREADS = 16,
    BACKGROUND_THREADS = 32,
    POSTGRES_THREADS = 8, /* of each kind: its pool has 24 connections */
    SLOW_THREADS = 10,
    SLOW_EACH = 3,   /* of them, an org: for requests, and for answers that go on after them */
    SLOW_GUESTS = 2, /* the same for all its guests together */
    TOKENS_MAX = 2048,
    TOKEN_ENTRY_BYTES = 2048,
    ANSWERS_MAX = 1024,
    ANSWER_ENTRY_BYTES = 8 << 10,
    KNOWN_MAX = 1024,
    KNOWN_ENTRY_BYTES = 64 << 10,
    MIGRATIONS_MAX = 256,
    CTX_MAX_BYTES = 256 << 20
};

/* ---- tables -------------------------------------------------------------- */

static bool is_named(const char *only, const char *name)
{
    struct str rest = str_of(only), piece;
    while (only && str_split(&rest, ',', &piece)) {
        if (str_eqz(str_trim(piece), name)) {
            return true;
        }
    }
    return only == NULL;
}

static enum err pick_services(struct ctx *c, const struct lifecycle_config *config,
                              struct lifecycle *l)
{
    int n = 0;
    l->services = ARENA_ARRAY(l->arena, const struct service *, SERVICES_MAX + 1);
    for (int i = 0; config->services[i] && n < SERVICES_MAX; i++) {
        if (is_named(config->only, config->services[i]->name)) {
            l->services[n++] = config->services[i];
        }
    }
    struct str rest = str_of(config->only), piece;
    while (config->only && str_split(&rest, ',', &piece)) {
        bool known = false;
        for (int i = 0; i < n; i++) {
            known = known || str_eqz(str_trim(piece), l->services[i]->name);
        }
        if (!known) {
            return ctx_fail(c, E_INVALID, "--services: there is no service \"%.*s\"",
                            STR_ARG(str_trim(piece)));
        }
    }
    return E_OK;
}

static enum err check_topics(struct ctx *c, const struct lifecycle *l)
{
    for (int i = 0; l->services[i]; i++) {
        const char *const *topics = l->services[i]->emits;
        for (; topics && *topics; topics++) {
            if (!topic_find(str_of(*topics))) {
                return ctx_fail(c, E_INVALID, "service %s emits the unknown topic %s",
                                l->services[i]->name, *topics);
            }
        }
    }
    return E_OK;
}

static int add_migrations(struct migration *all, int n, const struct migration *table)
{
    for (; table && table->owner && n < MIGRATIONS_MAX; table++) {
        all[n++] = *table;
    }
    return n;
}

/* Every process migrates all tables, whichever services it runs: a schema does not depend on a
 * flag. */
const struct migration *lifecycle_migrations(struct arena *a, const struct service *const *services)
{
    const struct migration *const rows[] = {
        vault_migrations,    bus_migrations,          models_migrations,
        graph_migrations,    find_migrations,         record_migrations,
        registry_migrations, conversation_migrations, host_migrations,
    };
    int n = 0;
    struct migration *all = ARENA_ARRAY(a, struct migration, MIGRATIONS_MAX + 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        n = add_migrations(all, n, rows[i]);
    }
    for (int i = 0; services[i]; i++) {
        n = add_migrations(all, n, services[i]->migrations);
    }
    return all;
}

/* ---- facilities ---------------------------------------------------------- */

static const char *path_in(struct lifecycle *l, const char *name)
{
    return str_dupz(l->arena, str_fmt(l->arena, "%.*s/%s", STR_ARG(l->settings.data_folder), name));
}

static enum err make_folder(struct ctx *c, struct lifecycle *l)
{
    const char *folder = str_dupz(l->arena, l->settings.data_folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return ctx_fail(c, errno == ENOSPC ? E_FULL : E_DENIED,
                        "cannot make the data folder %s: %s", folder, strerror(errno));
    }
    if (access(folder, W_OK | X_OK) != 0) {
        return ctx_fail(c, E_DENIED, "cannot write to the data folder %s: %s", folder,
                        strerror(errno));
    }
    return E_OK;
}

/* Files belong to one process: a second one on the same folder would not see the first one's turns.
 */
static enum err lock_folder(struct ctx *c, struct lifecycle *l)
{
    if (l->settings.store_kind != STORE_SQLITE) {
        return E_OK;
    }
    const char *path = path_in(l, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ctx_fail(c, errno == ENOSPC ? E_FULL : E_DENIED, "cannot write %s: %s", path,
                        strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return ctx_fail(c, E_CONFLICT, "the data folder %.*s is in use by another rapport",
                        STR_ARG(l->settings.data_folder));
    }
    l->lock_fd = fd;
    l->at.alone = true;
    return E_OK;
}

static enum err open_data(struct ctx *c, struct lifecycle *l)
{
    struct store_config store = {.kind = l->settings.store_kind, .folder = path_in(l, "store")};
    store.url = str_dupz(l->arena, l->settings.postgres_url);
    struct blob_config blob = {.kind = BLOB_FILES, .folder = path_in(l, "blobs")};
    struct cache_config cache = {.kind = CACHE_MEMORY};
    TRY(make_folder(c, l));
    TRY(lock_folder(c, l));
    TRY(vault_open(c, path_in(l, "master.key"), &l->at.vault));
    TRY(stores_open(c, &store, l->migrations, &l->at.stores));
    TRY(blobs_open(c, &blob, &l->at.blobs));
    return cache_open(c, &cache, &l->at.cache);
}

static bool embed_one(struct str text, float *out_vector, void *arg)
{
    (void)arg;
    embed_text(text, out_vector);
    return true;
}

static struct str keep_text(struct ctx *c, const struct chat_request *request, struct str text,
                            void *arg)
{
    (void)c;
    (void)request;
    (void)arg;
    return text;
}

static enum err open_models(struct ctx *c, struct lifecycle *l)
{
    struct models_config config;
    TRY(settings_models(c, &l->settings, &config));
    config.embed = embed_one;
    config.embed_dimensions = EMBED_DIMENSIONS;
    config.keep = l->settings.keep_prompts ? keep_text : NULL;
    TRY(models_new(c, &config, &l->at.models));
    /* one engine under a name per class, so that it closes the chain of fallbacks of each */
    static const struct models_model engine[] = {
        {.name = "builtin-1", .model_class = MODELS_BALANCED, .context_tokens = 1000000},
        {.name = "builtin-1-cheap", .model_class = MODELS_CHEAP, .context_tokens = 1000000},
        {.name = "builtin-1-premium", .model_class = MODELS_PREMIUM, .context_tokens = 1000000},
        {0},
    };
    struct models_provider entry = {.name = BUILTIN_NAME, .kind = BUILTIN_NAME, .models = engine};
    return models_register(c, l->at.models, &provider_builtin, NULL, &entry);
}

static enum err open_agents(struct ctx *c, struct lifecycle *l)
{
    struct search_config search = {
        .embedder = {.name = EMBED_NAME, .dimensions = EMBED_DIMENSIONS, .embed = embed_texts}};
    struct turns_config turns = {.allow_private_tools = l->settings.allow_private_tools};
    l->at.search = search_new(&search);
    l->at.agents = agents_new();
    TRY(mcp_new(c, l->settings.mcp, l->settings.allow_private_tools, &l->at.mcp));
    return turns_new(c, &turns, &l->at.turns);
}

static enum err open_bus(struct ctx *c, struct lifecycle *l)
{
    l->at.bus = bus_new(&l->at);
    for (int i = 0; l->services[i]; i++) {
        const struct service *s = l->services[i];
        if (s->consumers) {
            TRY(bus_add_consumers(c, l->at.bus, s->consumers));
        }
        if (s->jobs) {
            TRY(bus_add_jobs(c, l->at.bus, s->jobs));
        }
        if (s->schedules) {
            TRY(bus_add_schedules(c, l->at.bus, s->schedules));
        }
    }
    return E_OK;
}

static enum err open_host(struct ctx *c, struct lifecycle *l)
{
    l->host = (struct host){
        .services = l->services, .settings = &l->settings, .test_clock = l->settings.test_clock};
    id_random_hex(l->host.local_secret, 32);
    l->host.live = live_new();
    l->host.slow = share_new(SLOW_EACH);
    l->host.streams = share_new(SLOW_EACH);
    l->host.guest_slow = share_new(SLOW_GUESTS);
    l->host.guest_streams = share_new(SLOW_GUESTS);
    l->host.tokens = memo_new(TOKENS_MAX, TOKEN_ENTRY_BYTES);
    l->host.batch = batch_new();
    l->host.made = made_new();
    l->host.known = memo_new(KNOWN_MAX, KNOWN_ENTRY_BYTES);
    l->host.answers = memo_new(ANSWERS_MAX, ANSWER_ENTRY_BYTES);
    l->host.otlp = otlp_new(&l->at, l->settings.otlp_url);
    if (l->host.otlp) {
        bus_observe(l->at.bus, work_span_add);
    }
    l->at.host = &l->host;
    TRY(router_new(c, l->services, &l->host.router));
    TRY(org_watch_open(c));
    return access_open(c, &l->host);
}

static enum log_level level_of(struct str name)
{
    return str_eqz(name, "debug")   ? LOG_DEBUG
           : str_eqz(name, "warn")  ? LOG_WARN
           : str_eqz(name, "error") ? LOG_ERROR
                                    : LOG_INFO;
}

static void copy_settings(struct lifecycle *l, const struct settings *from)
{
    l->settings = *from;
    struct str *texts[] = {&l->settings.data_folder,  &l->settings.address,
                           &l->settings.tls_cert,     &l->settings.tls_key,
                           &l->settings.public_url,   &l->settings.log_level,
                           &l->settings.postgres_url, &l->settings.otlp_url};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        *texts[i] = str_dup(l->arena, *texts[i]);
    }
    l->settings.llm = json_copy(l->arena, from->llm);
    l->settings.mcp = from->mcp ? json_copy(l->arena, from->mcp) : &json_empty_object;
}

static int threads_of(int64_t wanted, int fallback)
{
    return wanted > 0 ? (int)wanted : fallback;
}

static enum err open_all(struct ctx *c, const struct lifecycle_config *config, struct lifecycle *l)
{
    TRY(pick_services(c, config, l));
    TRY(check_topics(c, l));
    l->migrations = lifecycle_migrations(l->arena, config->services);
    bool few = l->settings.store_kind == STORE_POSTGRES;
    const int threads[LANE_COUNT] = {
        [LANE_REQUEST] =
            threads_of(l->settings.request_threads, few ? POSTGRES_THREADS : REQUEST_THREADS),
        [LANE_BACKGROUND] =
            threads_of(l->settings.background_threads, few ? POSTGRES_THREADS : BACKGROUND_THREADS),
        [LANE_SLOW] = SLOW_THREADS};
    l->at.workers = workers_new(&l->at, threads, 4096);
    l->at.client = client_new(&l->at, 64);
    TRY(open_data(c, l));
    TRY(open_models(c, l));
    TRY(open_agents(c, l));
    TRY(open_bus(c, l));
    return open_host(c, l);
}

enum err lifecycle_open(struct ctx *c, const struct lifecycle_config *config,
                        struct lifecycle **out)
{
    struct lifecycle *l = mem_new(sizeof(*l));
    l->arena = arena_new(ARENA_MAX_BYTES);
    l->lock_fd = -1;
    copy_settings(l, &config->settings);
    l->own_clock = !config->clock;
    l->at.mishap = config->mishap;
    l->at.clock = config->clock ? config->clock : clock_new();
    l->at.log = log_new(config->log_fd, level_of(l->settings.log_level));
    l->at.metrics = metrics_new();
    struct ctx *own = ctx_new(&l->at, CTX_MAX_BYTES); /* what it opens ends before the stores do */
    enum err e = open_all(own, config, l);
    c->fault = own->fault;
    ctx_free(&own);
    if (e != E_OK) {
        lifecycle_close(&l, 0);
        return e;
    }
    *out = l;
    return E_OK;
}

enum err lifecycle_serve(struct ctx *c, struct lifecycle *l)
{
    struct server_config config = {
        .address = str_dupz(l->arena, l->settings.address),
        .port = (int)l->settings.port,
        .tls_cert = l->settings.tls_cert.n ? str_dupz(l->arena, l->settings.tls_cert) : NULL,
        .tls_key = l->settings.tls_key.n ? str_dupz(l->arena, l->settings.tls_key) : NULL,
        .connections_max = (int)l->settings.connections,
        .connections_per_address = (int)l->settings.connections_per_address,
        .memory_max_bytes = (size_t)l->settings.memory_mb << 20,
        .header_timeout_ms = (int)l->settings.header_timeout_ms,
        .write_timeout_ms = (int)l->settings.write_timeout_ms,
        .ping_interval_ms = (int)l->settings.ping_interval_ms,
    };
    const struct server_handler handler = {.arg = &l->host,
                                           .lane = door_lane,
                                           .on_request = door_request,
                                           .on_message = door_message,
                                           .on_close = door_close};
    TRY(bus_start(c, l->at.bus));
    l->bus_started = true;
    return server_start(c, &config, &handler, &l->server);
}

struct ctx *lifecycle_ctx(struct lifecycle *l)
{
    struct ctx *c = ctx_new(&l->at, CTX_MAX_BYTES);
    c->actor_kind = ACTOR_SYSTEM;
    return c;
}

static int64_t left_until(int64_t steady_ms)
{
    int64_t left_ms = steady_ms - clock_steady_ms();
    return left_ms > 0 ? left_ms : 0;
}

/* What runs may go on until then, all of it together; what is left is cancelled. */
static void close_facilities(struct lifecycle *l, int64_t until_steady_ms)
{
    if (l->bus_started) {
        bus_stop(l->at.bus, left_until(until_steady_ms));
    }
    otlp_stop(l->host.otlp);
    if (l->at.workers) {
        workers_free(&l->at.workers, left_until(until_steady_ms));
    }
    otlp_free(&l->host.otlp);
    if (l->at.bus) {
        bus_free(&l->at.bus);
    }
    live_free(&l->host.live);
    memo_free(&l->host.tokens);
    share_free(&l->host.slow);
    share_free(&l->host.streams);
    share_free(&l->host.guest_slow);
    share_free(&l->host.guest_streams);
    memo_free(&l->host.answers);
    memo_free(&l->host.known);
    made_free(&l->host.made);
    batch_free(&l->host.batch);
    router_free(&l->host.router);
    jwt_keys_free(&l->host.keys);
    turns_free(&l->at.turns);
    agents_free(&l->at.agents);
    mcp_free(&l->at.mcp);
    if (l->at.search) {
        search_free(&l->at.search);
    }
    if (l->at.models) {
        models_free(&l->at.models);
    }
    if (l->at.client) {
        client_free(&l->at.client);
    }
    if (l->at.cache) {
        cache_close(&l->at.cache);
    }
    if (l->at.blobs) {
        blobs_close(&l->at.blobs);
    }
    if (l->at.stores) {
        stores_close(&l->at.stores);
    }
    vault_close(&l->at.vault);
}

void lifecycle_close(struct lifecycle **l, int64_t drain_ms)
{
    struct lifecycle *it = *l;
    if (!it) {
        return;
    }
    int64_t until_steady_ms = clock_steady_ms() + drain_ms;
    if (it->server) {
        server_stop(&it->server, drain_ms);
    }
    close_facilities(it, until_steady_ms);
    metrics_free(&it->at.metrics);
    log_free(&it->at.log);
    if (it->own_clock) {
        clock_free(&it->at.clock);
    }
    if (it->lock_fd >= 0) {
        close(it->lock_fd);
    }
    arena_free(&it->arena);
    free(it);
    *l = NULL;
}
