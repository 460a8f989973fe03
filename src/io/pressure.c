#include "io/pressure.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

enum { LOOK_EVERY_MS = 20 };

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

/* A number in a file; what is no number ("max"), or no file, is no limit. */
static size_t limit_in(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    unsigned long long bytes = n > 0 ? strtoull(text, NULL, 10) : 0;
    return bytes > 0 ? (size_t)bytes : SIZE_MAX;
}

static size_t limit_of(__rlimit_resource_t what)
{
    struct rlimit l;
    return getrlimit(what, &l) == 0 && l.rlim_cur != RLIM_INFINITY ? (size_t)l.rlim_cur : SIZE_MAX;
}

/* Inside a container its group's files stand at the root. */
static size_t allowed_bytes(void)
{
    size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = least(machine, limit_in("/sys/fs/cgroup/memory.max"));
    bytes = least(bytes, limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    return least(bytes, limit_of(RLIMIT_DATA));
}

struct pressure *pressure_new(size_t max_bytes)
{
    struct pressure *p = mem_new(sizeof(*p));
    p->max_bytes = max_bytes ? max_bytes : allowed_bytes() / 5 * 4;
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
