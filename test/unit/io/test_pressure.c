#include "unit/codec/sample.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/pressure.h"

enum { FILES_MAX = 4, MIB = 1 << 20 };

struct group_case {
    const char *reason;
    size_t expected_mib; /* 0: no group limits it */
    struct {
        const char *path, *text;
    } files[FILES_MAX];
};

static const struct group_case cases[] = {
    {"a container sees its own group at the root",
     64,
     {{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "67108864\n"}}},
    {"the group of a service",
     64,
     {{"/proc/self/cgroup", "0::/system.slice/rapport.service\n"},
      {"/sys/fs/cgroup/system.slice/rapport.service/memory.max", "67108864\n"}}},
    {"a group above allows less",
     32,
     {{"/proc/self/cgroup", "0::/system.slice/rapport.service\n"},
      {"/sys/fs/cgroup/system.slice/memory.max", "33554432\n"},
      {"/sys/fs/cgroup/system.slice/rapport.service/memory.max", "67108864\n"}}},
    {"max is no limit",
     0,
     {{"/proc/self/cgroup", "0::/a\n"},
      {"/sys/fs/cgroup/memory.max", "max\n"},
      {"/sys/fs/cgroup/a/memory.max", "max\n"}}},
    {"a group beside ours is not ours",
     0,
     {{"/proc/self/cgroup", "0::/a\n"}, {"/sys/fs/cgroup/b/memory.max", "33554432\n"}}},
    {"version 1, among other controllers",
     48,
     {{"/proc/self/cgroup", "12:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/x\n"},
      {"/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "50331648\n"}}},
    {"version 1 in a container, where the path is the host's",
     48,
     {{"/proc/self/cgroup", "4:memory:/docker/abc\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "50331648\n"}}},
    {"no limit in version 1 is a huge number",
     0,
     {{"/proc/self/cgroup", "4:memory:/\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}}},
    {"a path that leaves the mount is not followed",
     0,
     {{"/proc/self/cgroup", "0::/../../a\n"}, {"/a/memory.max", "33554432\n"}}},
    {"nonsense is no limit",
     0,
     {{"/proc/self/cgroup", "0::\nhello\n:::\n"}, {"/sys/fs/cgroup/memory.max", "much\n"}}},
    {"neither /proc nor /sys", 0, {{NULL, NULL}}},
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void write_file(const char *root, const char *name, const char *text)
{
    char path[256];
    int n = snprintf(path, sizeof(path), "%s%s", root, name);
    assert_true(n > 0 && (size_t)n < sizeof(path));
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_groups(void **state)
{
    (void)state;
    size_t machine = pressure_allowed_bytes("/nowhere");
    assert_true(machine > 512 * (size_t)MIB);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct group_case *k = &cases[i];
        char root[] = "/tmp/rapport-pressure-XXXXXX";
        assert_non_null(mkdtemp(root));
        for (int j = 0; j < FILES_MAX && k->files[j].path; j++) {
            write_file(root, k->files[j].path, k->files[j].text);
        }
        size_t expected = k->expected_mib ? k->expected_mib * MIB : machine;
        size_t allowed = pressure_allowed_bytes(root);
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (allowed != expected) {
            fail_msg("%s: %zu bytes, not %zu", k->reason, allowed, expected);
        }
    }
}

/* The limit of the process itself, put on a moment and taken off. */
static void test_limit_of_data(void **state)
{
    (void)state;
    struct rlimit before, less;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    less = before;
    less.rlim_cur = 300 * (rlim_t)MIB;
    assert_int_equal(setrlimit(RLIMIT_DATA, &less), 0);
    size_t allowed = pressure_allowed_bytes("/nowhere");
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_int_equal(allowed, 300 * (size_t)MIB);
}

static size_t resident_bytes(void)
{
    unsigned long long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%llu %llu", &all, &resident), 2);
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static bool looks_high(struct pressure *p)
{
    usleep(30000); /* it looks at most every 20 ms */
    return pressure_is_high(p);
}

/* High when more is resident than allowed, and not any more when that is given back. */
static void test_goes_with_the_memory(void **state)
{
    (void)state;
    size_t piece = 64 * (size_t)MIB;
    struct pressure *p = pressure_new(resident_bytes() + piece / 2);
    assert_false(looks_high(p));
    char *taken = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(taken != MAP_FAILED);
    memset(taken, 1, piece);
    assert_true(looks_high(p));
    munmap(taken, piece);
    assert_false(looks_high(p));
    pressure_free(&p);
    assert_null(p);
}

static void test_maximum(void **state)
{
    (void)state;
    struct pressure *given = pressure_new(123456789), *found = pressure_new(0);
    assert_int_equal(pressure_max_bytes(given), 123456789);
    assert_int_equal(pressure_max_bytes(found), pressure_allowed_bytes("") / 5 * 4);
    pressure_free(&given);
    pressure_free(&found);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_limit_of_data),
        cmocka_unit_test(test_goes_with_the_memory),
        cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
