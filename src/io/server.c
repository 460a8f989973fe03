#include "io/server.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/metric.h"
#include "io/listen.h"
#include "io/loop.h"
#include "io/pressure.h"
#include "io/tls.h"

static void fill_int(int *value, int fallback)
{
    *value = *value > 0 ? *value : fallback;
}

static void fill_size(size_t *value, size_t fallback)
{
    *value = *value > 0 ? *value : fallback;
}

static struct server_config with_defaults(const struct server_config *given)
{
    struct server_config config = *given;
    config.address = given->address ? given->address : "127.0.0.1";
    fill_int(&config.connections_max, 20000);
    fill_size(&config.body_max_bytes, 10u << 20);
    fill_size(&config.frame_max_bytes, 64u << 10);
    fill_size(&config.channel_queue_max_bytes, 1u << 20);
    fill_size(&config.bodies_max_bytes, 256u << 20);
    fill_int(&config.header_timeout_ms, 10000);
    fill_int(&config.body_timeout_ms, 30000);
    fill_int(&config.idle_timeout_ms, 60000);
    fill_int(&config.write_timeout_ms, 30000);
    fill_int(&config.ping_interval_ms, 25000);
    fill_int(&config.loop_threads, 1);
    config.loop_threads = config.loop_threads > LOOPS_MAX ? LOOPS_MAX : config.loop_threads;
    return config;
}

static void server_free(struct server **s)
{
    struct server *old = *s;
    *s = NULL;
    for (int i = 0; i < old->loop_count; i++) {
        loop_free(&old->loops[i]);
    }
    if (old->listen_fd >= 0) {
        close(old->listen_fd);
    }
    tls_free(&old->tls);
    pressure_free(&old->pressure);
    map_free(&old->addresses);
    pthread_mutex_destroy(&old->address_lock);
    free(old);
}

static void stop_loops(struct server *s, int64_t drain_ms)
{
    for (int i = 0; i < s->loop_count; i++) {
        loop_stop(s->loops[i], drain_ms);
    }
    for (int i = 0; i < s->loop_count; i++) {
        loop_join(s->loops[i]);
    }
}

static enum err start_loops(struct ctx *c, struct server *s)
{
    /* signals are for the main thread; a write to a gone peer is an error code, not a SIGPIPE */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum err e = E_OK;
    while (e == E_OK && s->loop_count < s->config.loop_threads) {
        e = loop_new(c, s, &s->loops[s->loop_count]);
        s->loop_count += e == E_OK;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e != E_OK) {
        stop_loops(s, 0);
    }
    return e;
}

static enum err open_server(struct ctx *c, struct server *s)
{
    const struct server_config *config = &s->config;
    if (!config->tls_cert != !config->tls_key) {
        return ctx_fail(c, E_INVALID, "TLS needs a certificate and a key");
    }
    if (config->tls_cert) {
        TRY(tls_new(c, config->tls_cert, config->tls_key, &s->tls));
    }
    TRY(listen_open(c, config->address, config->port, &s->listen_fd, &s->port));
    return start_loops(c, s);
}

enum err server_start(struct ctx *c, const struct server_config *config,
                      const struct server_handler *handler, struct server **out_server)
{
    struct server *s = mem_new(sizeof(*s));
    s->config = with_defaults(config);
    s->handler = *handler;
    s->at = c->at;
    s->listen_fd = -1;
    s->pressure = pressure_new(config->memory_max_bytes);
    size_t quarter = pressure_max_bytes(s->pressure) / 4;
    if (s->config.bodies_max_bytes > quarter) {
        s->config.bodies_max_bytes = quarter;
    }
    pthread_mutex_init(&s->address_lock, NULL);
    s->addresses = map_new((size_t)s->config.connections_max * 2);
    atomic_init(&s->connections, 0);
    atomic_init(&s->parked, 0);
    atomic_init(&s->body_bytes, 0);
    if (s->at->metrics) {
        s->connections_gauge = metric_series(s->at->metrics, METRIC_GAUGE, "rapport_connections",
                                             "Open connections of the HTTP server.", "");
    }
    enum err e = open_server(c, s);
    if (e != E_OK) {
        server_free(&s);
        return e;
    }
    *out_server = s;
    return E_OK;
}

int server_port(const struct server *s)
{
    return s->port;
}

void server_stop(struct server **s, int64_t drain_ms)
{
    if (*s) {
        stop_loops(*s, drain_ms);
        server_free(s);
    }
}
