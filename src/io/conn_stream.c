#include "io/conn_stream.h"

#include "io/channel.h"

void conn_stream_begin(struct conn *conn, struct channel *ch)
{
    conn->state = CONN_STREAM;
    conn->channel = ch;
    ch->conn = conn;
    conn->reader = ws_reader_make(conn->loop->server->config.frame_max_bytes);
    loop_arm(conn->loop, conn, TIMER_PING);
    if (conn->loop->draining) {
        channel_close(ch, WS_GOING_AWAY, "the server is stopping");
    }
}

/* The stream ends with what is queued; nothing the peer still says is understood. */
static void end_with(struct conn *conn, int code, const char *reason)
{
    conn->heard_bye = true;
    channel_close(conn->channel, code, reason);
}

static const char *reason_of(int code)
{
    switch (code) {
    case WS_UNSUPPORTED:
        return "only text is understood here";
    case WS_BAD_DATA:
        return "text must be UTF-8";
    case WS_TOO_BIG:
        return "the message is too large";
    default:
        return "protocol error";
    }
}

static void hear(struct conn *conn, enum ws_got got, const struct ws_event *event)
{
    switch (got) {
    case WS_GOT_TEXT:
        conn->paused = !channel_deliver(conn->channel, event->payload);
        break;
    case WS_GOT_PING:
        channel_control(conn->channel, WS_PONG, event->payload);
        break;
    case WS_GOT_CLOSE:
        end_with(conn, event->code, "");
        break;
    case WS_GOT_FAIL:
        end_with(conn, event->code, reason_of(event->code));
        break;
    default:
        break; /* a pong is heard like anything else */
    }
}

/* Both have said goodbye: the server hangs up first (RFC 6455 section 7.1.1). */
static bool is_over(const struct conn *conn)
{
    return conn->said_bye && (conn->heard_bye || conn->channel->kind == SERVER_SSE);
}

size_t conn_stream_feed(struct conn *conn, struct str bytes)
{
    conn->ping_sent = false;
    if (conn->channel->kind == SERVER_SSE) {
        return bytes.n; /* nothing is expected from there */
    }
    size_t used = 0;
    while (used < bytes.n && !conn->paused && !conn->heard_bye) {
        size_t n = 0;
        struct ws_event event = {.code = 0};
        enum ws_got got = ws_read(&conn->reader, str_sub(bytes, used, bytes.n), &n, &event);
        used += n;
        hear(conn, got, &event);
        if (got == WS_GOT_MORE) {
            break;
        }
    }
    if (conn->heard_bye) {
        used = bytes.n;
    }
    if (is_over(conn)) {
        conn_linger(conn);
    } else if (conn->out.n == 0) {
        conn_flush(conn); /* pongs and goodbyes */
    }
    return used;
}

bool conn_stream_refill(struct conn *conn)
{
    bool cut = false, closing = false;
    channel_sent(conn->channel);
    if (channel_take(conn->channel, &conn->out, &cut, &closing)) {
        return true;
    }
    if (cut) {
        conn_cut(conn);
        return false;
    }
    conn->said_bye = closing;
    if (is_over(conn)) {
        conn_linger(conn);
    } else if (conn->said_bye && conn->timer != TIMER_LINGER) {
        loop_arm(conn->loop, conn, TIMER_LINGER);
    } else if (!conn->said_bye && conn->timer != TIMER_PING) {
        loop_arm(conn->loop, conn, TIMER_PING);
    }
    return false;
}

void conn_stream_ping(struct conn *conn)
{
    if (conn->channel->kind == SERVER_SSE) {
        channel_comment(conn->channel);
    } else if (conn->ping_sent) {
        conn_cut(conn);
        return;
    } else {
        conn->ping_sent = true;
        channel_control(conn->channel, WS_PING, STR(""));
    }
    loop_arm(conn->loop, conn, TIMER_PING);
    if (conn->out.n == 0) {
        conn_flush(conn);
    }
}
