#include "io/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static enum err fail_open(struct ctx *c, int fd, const char *address, int port)
{
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    switch (error) {
    case EADDRINUSE:
        return ctx_fail(c, E_CONFLICT, "port %d of %s is taken by another program", port, address);
    case EACCES:
    case EPERM:
        return ctx_fail(c, E_DENIED, "this user may not listen on port %d of %s", port, address);
    case EADDRNOTAVAIL:
        return ctx_fail(c, E_INVALID, "%s is no address of this machine", address);
    default:
        return ctx_fail(c, E_UNAVAILABLE, "cannot listen on port %d of %s: %s", port, address,
                        strerror(error));
    }
}

static int bound_port(int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
        return 0;
    }
    return bound.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&bound)->sin6_port)
                                       : ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

enum err listen_open(struct ctx *c, const char *address, int port, int *out_fd, int *out_port)
{
    if (port < 0 || port > 65535) {
        return ctx_fail_field(c, E_INVALID, "port", "a port is a number from 0 to 65535");
    }
    const char *host = strcmp(address, "localhost") == 0 ? "127.0.0.1" : address;
    char service[8];
    snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        return ctx_fail_field(c, E_INVALID, "address", "\"%s\" is no IP address", address);
    }
    int one = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool listening = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                     bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    freeaddrinfo(found);
    if (!listening) {
        return fail_open(c, fd, address, port);
    }
    *out_fd = fd;
    *out_port = bound_port(fd);
    return E_OK;
}

int listen_accept(int fd, char *out_peer, size_t peer_bytes)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    int peer = accept4(fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) {
        return -1;
    }
    int one = 1;
    int unsent = LISTEN_UNSENT_BYTES;
    unsigned silent_ms = LISTEN_SILENT_MS;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(peer, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof(silent_ms));
    setsockopt(peer, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    out_peer[0] = 0;
    if (from.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, out_peer,
                  (socklen_t)peer_bytes);
    } else if (from.ss_family == AF_INET6) {
        const struct in6_addr *six = &((struct sockaddr_in6 *)&from)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(six)) {
            inet_ntop(AF_INET, six->s6_addr + 12, out_peer, (socklen_t)peer_bytes);
        } else {
            inet_ntop(AF_INET6, six, out_peer, (socklen_t)peer_bytes);
        }
    }
    return peer;
}
