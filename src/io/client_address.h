/* Which addresses the outside world may make us connect to. Pure. */
#ifndef IO_CLIENT_ADDRESS_H
#define IO_CLIENT_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* True for unicast addresses of the public Internet; false for private, loopback, link-local (cloud
 * metadata), shared, documentation, multicast and reserved ones (IANA special-purpose registries),
 * and for IPv6 addresses that carry such an IPv4 address. What is no IP address is refused. */
bool client_address_is_public(const struct sockaddr *address, socklen_t address_bytes);

#endif
