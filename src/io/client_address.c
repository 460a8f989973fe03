#include "io/client_address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range4 {
    uint32_t first;
    int bits;
};

static bool is_public4(uint32_t address)
{
    static const struct range4 refused[] = {
        {0x00000000, 8},  /* 0.0.0.0/8 this network */
        {0x0a000000, 8},  /* 10.0.0.0/8 private */
        {0x64400000, 10}, /* 100.64.0.0/10 shared by carriers */
        {0x7f000000, 8},  /* 127.0.0.0/8 loopback */
        {0xa9fe0000, 16}, /* 169.254.0.0/16 link-local, metadata of clouds */
        {0xac100000, 12}, /* 172.16.0.0/12 private */
        {0xc0000000, 24}, /* 192.0.0.0/24 protocol assignments */
        {0xc0000200, 24}, /* 192.0.2.0/24 documentation */
        {0xc0586300, 24}, /* 192.88.99.0/24 6to4 relays */
        {0xc0a80000, 16}, /* 192.168.0.0/16 private */
        {0xc6120000, 15}, /* 198.18.0.0/15 benchmarks */
        {0xc6336400, 24}, /* 198.51.100.0/24 documentation */
        {0xcb007100, 24}, /* 203.0.113.0/24 documentation */
        {0xe0000000, 3},  /* 224.0.0.0/3 multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        if ((address ^ refused[i].first) >> (32 - refused[i].bits) == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct range6 {
    uint8_t first[6];
    int bits;
};

static bool in_range6(const uint8_t *p, const struct range6 *r)
{
    int whole = r->bits / 8, rest = r->bits % 8;
    return memcmp(p, r->first, (size_t)whole) == 0 &&
           (rest == 0 || ((p[whole] ^ r->first[whole]) >> (8 - rest)) == 0);
}

static bool is_public6(const uint8_t p[16])
{
    static const struct range6 refused[] = {
        {{0x20, 0x01, 0x00}, 23},       /* 2001::/23 protocol assignments: Teredo, ORCHID */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* 2001:db8::/32 documentation */
        {{0x3f, 0xff, 0x00}, 20},       /* 3fff::/20 documentation */
    };
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(p, mapped, sizeof(mapped)) == 0 || memcmp(p, nat64, sizeof(nat64)) == 0) {
        return is_public4(word_at(p + 12));
    }
    if (p[0] == 0x20 && p[1] == 0x02) {
        return is_public4(word_at(p + 2)); /* 2002::/16 6to4 */
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        if (in_range6(p, &refused[i])) {
            return false;
        }
    }
    return p[0] >> 5 == 1; /* 2000::/3 is all that is global unicast */
}

bool client_address_is_public(const struct sockaddr *address, socklen_t address_bytes)
{
    if (address->sa_family == AF_INET && address_bytes >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof(four));
        return is_public4(ntohl(four.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && address_bytes >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        return is_public6(six.sin6_addr.s6_addr);
    }
    return false;
}
