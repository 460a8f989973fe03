/* The peer of bench_http: the smallest server that libwebsockets makes, answering every GET with a
 * fixed text from its loop thread. It prints its port and serves until it is told to stop. Built
 * where libwebsockets is installed; nothing of it is in the product (docs/adr/0003). */
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char body[] = "{\"status\":\"ok\",\"version\":\"0.1.0\"}";
static volatile sig_atomic_t stopped;

static int begin(struct lws *wsi)
{
    unsigned char buffer[LWS_PRE + 512], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof(buffer) - 1;
    if (lws_add_http_common_headers(wsi, 200, "application/json", sizeof(body) - 1, &at, end) ||
        lws_finalize_write_http_header(wsi, start, &at, end)) {
        return 1;
    }
    lws_callback_on_writable(wsi);
    return 0;
}

static int finish(struct lws *wsi)
{
    unsigned char text[LWS_PRE + sizeof(body)];
    memcpy(text + LWS_PRE, body, sizeof(body) - 1);
    int n = lws_write(wsi, text + LWS_PRE, sizeof(body) - 1, LWS_WRITE_HTTP_FINAL);
    return n != (int)sizeof(body) - 1 || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return begin(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return finish(wsi);
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, n);
    }
}

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

int main(void)
{
    static const struct lws_protocols protocols[] = {{.name = "http", .callback = on_event}, {0}};
    struct lws_context_creation_info info = {
        .port = 0, .iface = "127.0.0.1", .protocols = protocols, .vhost_name = "bench"};
    lws_set_log_level(LLL_ERR, NULL);
    signal(SIGTERM, stop);
    struct lws_context *context = lws_create_context(&info);
    if (!context) {
        return 1;
    }
    printf("{\"ready\":true,\"port\":%d}\n",
           lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "bench")));
    fflush(stdout);
    while (!stopped && lws_service(context, 0) >= 0) {}
    lws_context_destroy(context);
    return 0;
}
