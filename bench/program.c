#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

void program_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

static void become_server(const char *binary, const char *folder, int out_fd)
{
    const char *samples = getenv("RAPPORT_SAMPLES");
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setenv("RAPPORT_REQUESTS_PER_MINUTE", "0", 1);
    setenv("RAPPORT_REQUESTS_BURST", "0", 1);
    setenv("RAPPORT_PUBLIC_REQUESTS_PER_MINUTE", "0", 1);
    setenv("RAPPORT_LOG_LEVEL", "error", 1);
    dup2(out_fd, 1);
    execl(binary, binary, "serve", "--port", "0", "--data", folder, "--demo",
          samples ? samples : "samples", "--json", (char *)NULL);
    fprintf(stderr, "bench: cannot start %s: %s\n", binary, strerror(errno));
    _exit(127);
}

/* What it prints after that is read by nobody: a pipe holds it. */
static int read_port(int fd)
{
    FILE *f = fdopen(fd, "r");
    char line[LINE_MAX_BYTES];
    while (f && fgets(line, sizeof(line), f)) {
        const char *port = strstr(line, "\"port\":");
        if (strstr(line, "\"ready\":true") && port) {
            return atoi(port + strlen("\"port\":"));
        }
    }
    program_die("the program ended before it was ready");
}

pid_t program_start(const char *binary, const char *folder, int *out_port)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        program_die("cannot make a pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_server(binary, folder, fds[1]);
    }
    close(fds[1]);
    *out_port = read_port(fds[0]);
    return pid;
}

void program_folder(char *out, size_t size_bytes)
{
    snprintf(out, size_bytes, "/var/tmp/rapport-bench-XXXXXX");
    if (!mkdtemp(out)) {
        program_die("cannot make a folder: %s", strerror(errno));
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void program_stop(pid_t pid, const char *folder)
{
    int status;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    if (folder[0]) {
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

int64_t program_cpu_us(pid_t pid)
{
    if (pid == 0) {
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll + u.ru_utime.tv_usec +
               u.ru_stime.tv_usec;
    }
    char path[64], line[LINE_MAX_BYTES] = "";
    unsigned long user = 0, sys = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    const char *rest = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    if (!rest ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2) {
        program_die("cannot read %s", path);
    }
    fclose(f);
    return (int64_t)(user + sys) * 1000000 / sysconf(_SC_CLK_TCK);
}

int64_t program_memory_bytes(pid_t pid)
{
    char path[64], line[LINE_MAX_BYTES];
    long kib = -1;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && kib < 0 && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Pss: %ld kB", &kib) != 1) {
            kib = -1;
        }
    }
    if (kib < 0) {
        program_die("cannot read %s", path);
    }
    fclose(f);
    return kib * 1024ll;
}

int program_dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        program_die("cannot connect: %s", strerror(errno));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

void program_say(int fd, const void *bytes, size_t n)
{
    for (const char *p = bytes; n;) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR && errno != EAGAIN) {
            program_die("the program takes no more: %s", strerror(errno));
        }
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}
