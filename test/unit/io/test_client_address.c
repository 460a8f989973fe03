#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "io/client_address.h"

struct row {
    const char *address;
    bool is_public;
};

static const struct row rows[] = {
    {"8.8.8.8", true},
    {"1.1.1.1", true},
    {"93.184.216.34", true},
    {"0.0.0.0", false},
    {"0.1.2.3", false},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"100.63.255.255", true},
    {"100.64.0.1", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"127.0.0.1", false},
    {"127.255.255.254", false},
    {"128.0.0.1", true},
    {"169.253.255.255", true},
    {"169.254.169.254", false}, /* metadata of clouds */
    {"172.15.255.255", true},
    {"172.16.0.0", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"192.0.0.1", false},
    {"192.0.2.1", false},
    {"192.0.3.1", true},
    {"192.88.99.1", false},
    {"192.167.255.255", true},
    {"192.168.1.1", false},
    {"192.169.0.0", true},
    {"198.17.255.255", true},
    {"198.18.0.1", false},
    {"198.19.255.255", false},
    {"198.20.0.0", true},
    {"198.51.100.1", false},
    {"203.0.113.1", false},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"239.255.255.255", false},
    {"240.0.0.1", false},
    {"255.255.255.255", false},
    {"::", false},
    {"::1", false},
    {"::8.8.8.8", false}, /* the old IPv4-compatible form */
    {"::ffff:8.8.8.8", true},
    {"::ffff:127.0.0.1", false},
    {"::ffff:10.1.2.3", false},
    {"64:ff9b::8.8.8.8", true},
    {"64:ff9b::169.254.169.254", false},
    {"64:ff9b:1::1", false},
    {"100::1", false},
    {"2001::1", false}, /* Teredo */
    {"2001:1ff::1", false},
    {"2001:200::1", true},
    {"2001:db8::1", false},
    {"2001:4860:4860::8888", true},
    {"2002:7f00:1::1", false}, /* 6to4 around 127.0.0.1 */
    {"2002:808:808::1", true},
    {"2606:4700::1111", true},
    {"3fff::1", false},
    {"3fff:fff::1", false},
    {"3fff:1000::1", true},
    {"4000::1", false},
    {"5f00::1", false},
    {"fc00::1", false},
    {"fd12:3456::1", false},
    {"fe80::1", false},
    {"fec0::1", false},
    {"ff02::1", false},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sockaddr_in four = {.sin_family = AF_INET};
        struct sockaddr_in6 six = {.sin6_family = AF_INET6};
        bool is_four = inet_pton(AF_INET, rows[i].address, &four.sin_addr) == 1;
        if (!is_four) {
            assert_int_equal(inet_pton(AF_INET6, rows[i].address, &six.sin6_addr), 1);
        }
        bool got = is_four ? client_address_is_public((struct sockaddr *)&four, sizeof(four))
                           : client_address_is_public((struct sockaddr *)&six, sizeof(six));
        if (got != rows[i].is_public) {
            fail_msg("%s", rows[i].address);
        }
    }
}

static void test_what_is_no_ip_address(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/docker.sock"};
    assert_false(client_address_is_public((struct sockaddr *)&local, sizeof(local)));
    struct sockaddr_in four = {.sin_family = AF_INET};
    inet_pton(AF_INET, "8.8.8.8", &four.sin_addr);
    assert_false(client_address_is_public((struct sockaddr *)&four, 4)); /* cut short */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_what_is_no_ip_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
