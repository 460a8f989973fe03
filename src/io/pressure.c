#include "io/pressure.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

enum { LOOK_EVERY_MS = 20, PATH_BYTES = 512, GROUPS_BYTES = 4096 };

#define V2_MOUNT "/sys/fs/cgroup"
#define V2_FILE  "memory.max"
#define V1_MOUNT "/sys/fs/cgroup/memory"
#define V1_FILE  "memory.limit_in_bytes"

struct pressure {
    size_t max_bytes, address_max_bytes; /* resident; of addresses in use */
    int fd; /* /proc/self/statm; -1: there is none, and never pressure */
    _Atomic int64_t looked_ms;
    atomic_bool high;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The beginning of a file; false when there is none. */
static bool read_file(const char *path, size_t size, char *out_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out_text, size - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    out_text[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* A number in a file; what is no number ("max"), or no file, is no limit. */
static size_t limit_in(const char *path)
{
    char text[32];
    unsigned long long bytes = read_file(path, sizeof(text), text) ? strtoull(text, NULL, 10) : 0;
    return bytes > 0 ? (size_t)bytes : SIZE_MAX;
}

static size_t limit_of(__rlimit_resource_t what)
{
    struct rlimit l;
    return getrlimit(what, &l) == 0 && l.rlim_cur != RLIM_INFINITY ? (size_t)l.rlim_cur : SIZE_MAX;
}

/* What `group` ("/system.slice/rapport.service") and every group above it allow, up to the root,
 * where a container sees its own. `group` is cut meanwhile. */
static size_t limit_of_group(const char *root, const char *mount, char *group, const char *file)
{
    char path[3 * PATH_BYTES];
    size_t bytes = SIZE_MAX;
    for (char *end = group + strlen(group);; end = strrchr(group, '/')) {
        if (end) {
            *end = 0;
        } else {
            *group = 0;
        }
        snprintf(path, sizeof(path), "%s%s%s/%s", root, mount, group, file);
        bytes = least(bytes, limit_in(path));
        if (!*group) {
            return bytes;
        }
    }
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "4:memory:/path" of version 1. */
static bool is_group_line(const char *line, bool *out_second)
{
    const char *names = strchr(line, ':');
    *out_second = strncmp(line, "0::", 3) == 0;
    return *out_second ||
           (names && (strncmp(names, ":memory:", 8) == 0 || strncmp(names, ":memory,", 8) == 0));
}

static size_t limit_of_groups(const char *root)
{
    char path[PATH_BYTES], text[GROUPS_BYTES], none[] = "";
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    size_t bytes = limit_of_group(root, V2_MOUNT, none, V2_FILE);
    bytes = least(bytes, limit_of_group(root, V1_MOUNT, none, V1_FILE));
    if (!read_file(path, sizeof(text), text)) {
        return bytes;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        bool second;
        char *group = is_group_line(line, &second) ? strchr(line, '/') : NULL;
        if (group && strlen(group) < PATH_BYTES && !strstr(group, "/..")) {
            bytes = least(bytes, second ? limit_of_group(root, V2_MOUNT, group, V2_FILE)
                                        : limit_of_group(root, V1_MOUNT, group, V1_FILE));
        }
    }
    return bytes;
}

size_t pressure_allowed_bytes(const char *root)
{
    size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    return least(least(machine, limit_of_groups(root)), limit_of(RLIMIT_DATA));
}

struct pressure *pressure_new(size_t max_bytes)
{
    struct pressure *p = mem_new(sizeof(*p));
    p->max_bytes = max_bytes ? max_bytes : pressure_allowed_bytes("") / 5 * 4;
    p->address_max_bytes = limit_of(RLIMIT_AS) / 5 * 4;
    p->fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    atomic_init(&p->looked_ms, INT64_MIN / 2);
    atomic_init(&p->high, false);
    return p;
}

void pressure_free(struct pressure **p)
{
    if (*p && (*p)->fd >= 0) {
        close((*p)->fd);
    }
    free(*p);
    *p = NULL;
}

static bool look(const struct pressure *p)
{
    char text[128];
    unsigned long long all = 0, resident = 0;
    ssize_t n = p->fd >= 0 ? pread(p->fd, text, sizeof(text) - 1, 0) : 0;
    text[n > 0 ? n : 0] = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return sscanf(text, "%llu %llu", &all, &resident) == 2 &&
           (resident * page > p->max_bytes || all * page > p->address_max_bytes);
}

bool pressure_is_high(struct pressure *p)
{
    int64_t now_ms = clock_steady_ms();
    if (now_ms - atomic_load(&p->looked_ms) >= LOOK_EVERY_MS) {
        atomic_store(&p->looked_ms, now_ms);
        atomic_store(&p->high, look(p));
    }
    return atomic_load(&p->high);
}

size_t pressure_max_bytes(const struct pressure *p)
{
    return p->max_bytes;
}
