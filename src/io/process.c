#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FILES_MAX = 256, /* open at once in the child */
    CANCEL_POLL_MS = 50,
    REAP_POLL_MS = 5,
    WRITE_MAX_MS = 60000
};

struct process {
    pid_t pid;
    int input, output, errors, wake; /* input is a socket: no SIGPIPE */
    bool errors_ended;
    atomic_bool broken; /* a write was cut short */
    pthread_mutex_t lock;
    pthread_cond_t written;
    bool writing; /* one message at a time, whole */
};

/* ---- starting ------------------------------------------------------------ */

/* Everything the child needs, made before the fork: after it only async-signal-safe calls. */
struct birth {
    const struct process_config *config;
    int input, output, errors, report;
    pid_t parent;
};

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit(what, &now) == 0 && most > now.rlim_max) {
        most = now.rlim_max;
    }
    struct rlimit set = {most, most};
    setrlimit(what, &set);
}

static void child_limits(const struct process_config *config)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, FILES_MAX);
    if (config->memory_max_bytes > 0) {
        limit(RLIMIT_DATA, (rlim_t)config->memory_max_bytes);
    }
    if (config->cpu_max_s > 0) {
        limit(RLIMIT_CPU, (rlim_t)config->cpu_max_s);
    }
}

static void child_signals(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++) {
        signal(s, SIG_DFL); /* refused for some, which have no handler to lose */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* argv and env are declared the way execve wants them. */
static char *const *as_list(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } u = {.in = list};
    return u.out;
}

static _Noreturn void child(const struct birth *b)
{
    int report = b->report;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    bool orphan = getppid() != b->parent;
    const char *folder = b->config->folder ? b->config->folder : "/";
    if (orphan || dup2(b->input, 0) < 0 || dup2(b->output, 1) < 0 || dup2(b->errors, 2) < 0 ||
        dup2(report, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) != 0 || chdir(folder) != 0) {
        goto failed;
    }
    report = 3;
    close_range(4, ~0U, 0);
    child_signals();
    child_limits(b->config);
    execve(b->config->argv[0], as_list(b->config->argv), as_list(b->config->env));
failed : {
    int why = errno;
    ssize_t told = write(report, &why, sizeof(why));
    _exit(told == (ssize_t)sizeof(why) ? 126 : 127);
}
}

static enum err check_config(struct ctx *c, const struct process_config *config)
{
    int n = 0;
    while (config->argv[n]) {
        n++;
    }
    if (n == 0 || config->argv[0][0] != '/') {
        return ctx_fail(c, E_INVALID, "a program is named by its absolute path");
    }
    return n <= PROCESS_ARGUMENTS_MAX ? E_OK
                                      : ctx_fail(c, E_INVALID, "a program has at most %d arguments",
                                                 PROCESS_ARGUMENTS_MAX);
}

/* Descriptors above the standard three, so that the child's dup2 never overwrites one it needs. */
static int keep_high(int fd)
{
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (fd >= 0) {
        close(fd);
    }
    return high;
}

enum { OURS, THEIRS };

static bool open_pair(int fds[2], bool is_socket)
{
    int raw[2];
    int rc =
        is_socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw) : pipe2(raw, O_CLOEXEC);
    if (rc != 0) {
        return false;
    }
    fds[OURS] = keep_high(raw[0]);
    fds[THEIRS] = keep_high(raw[1]);
    return fds[OURS] >= 0 && fds[THEIRS] >= 0;
}

static void close_pair(const int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

static void reap(pid_t pid, int *out_status)
{
    while (waitpid(pid, out_status, 0) < 0 && errno == EINTR) {}
}

/* Waits for the exec: the pipe closes by itself when it worked. */
static enum err exec_outcome(struct ctx *c, const struct process_config *config, int report)
{
    int why = 0;
    ssize_t n;
    do {
        n = read(report, &why, sizeof(why));
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(why)) {
        return E_OK;
    }
    enum err e = why == ENOENT || why == ENOTDIR ? E_NOT_FOUND : E_DENIED;
    return ctx_fail(c, e, "%s cannot be run: %s", config->argv[0], strerror(why));
}

static struct process *make(pid_t pid, int input, int output, int errors)
{
    struct process *p = mem_new(sizeof(*p));
    p->pid = pid;
    p->input = input;
    p->output = output;
    p->errors = errors;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_condattr_t steady;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&p->written, &steady);
    pthread_condattr_destroy(&steady);
    fcntl(output, F_SETFL, O_NONBLOCK);
    fcntl(errors, F_SETFL, O_NONBLOCK);
    return p;
}

enum err process_start(struct ctx *c, const struct process_config *config,
                       struct process **out_process)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1};
    TRY(check_config(c, config));
    enum err e = E_OK;
    pid_t pid = -1;
    if (open_pair(in, true) && open_pair(out, false) && open_pair(err, false) &&
        open_pair(report, false)) {
        struct birth b = {config, in[THEIRS], out[THEIRS], err[THEIRS], report[THEIRS], getpid()};
        pid = fork();
        if (pid == 0) {
            child(&b);
        }
    }
    if (pid < 0) {
        e = ctx_fail(c, E_UNAVAILABLE, "cannot start a process: %s", strerror(errno));
    } else {
        close(report[THEIRS]);
        report[THEIRS] = -1;
        e = exec_outcome(c, config, report[OURS]);
    }
    close_pair(report);
    if (e != E_OK) {
        if (pid > 0) {
            reap(pid, NULL);
        }
        close_pair(in);
        close_pair(out);
        close_pair(err);
        return e;
    }
    close(in[THEIRS]);
    close(out[THEIRS]);
    close(err[THEIRS]);
    *out_process = make(pid, in[OURS], out[OURS], err[OURS]);
    return E_OK;
}

/* ---- talking ------------------------------------------------------------- */

static enum err wait_writable(struct ctx *c, struct process *p)
{
    TRY(ctx_check(c));
    int64_t wait_ms = ctx_left_ms(c, WRITE_MAX_MS);
    struct pollfd f = {.fd = p->input, .events = POLLOUT};
    wait_ms = ctx_is_cancellable(c) && wait_ms > CANCEL_POLL_MS ? CANCEL_POLL_MS : wait_ms;
    return poll(&f, 1, (int)wait_ms) < 0 && errno != EINTR
               ? ctx_fail(c, E_UNAVAILABLE, "the program cannot be waited for: %s", strerror(errno))
               : E_OK;
}

static enum err write_all(struct ctx *c, struct process *p, struct str bytes)
{
    int64_t until_ms = clock_steady_ms() + WRITE_MAX_MS;
    for (size_t done = 0; done < bytes.n;) {
        ssize_t n = send(p->input, bytes.p + done, bytes.n - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            TRY(wait_writable(c, p));
            if (clock_steady_ms() >= until_ms) {
                return ctx_fail(c, E_TIMEOUT, "the program does not read its input");
            }
        } else if (n < 0 && errno != EINTR) {
            return ctx_fail(c, E_UNAVAILABLE, "the program reads no more: %s", strerror(errno));
        }
    }
    return E_OK;
}

enum err process_write(struct ctx *c, struct process *p, struct str bytes)
{
    int64_t until_ms = clock_steady_ms() + ctx_left_ms(c, WRITE_MAX_MS);
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    int waited = 0;
    pthread_mutex_lock(&p->lock);
    while (p->writing && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&p->written, &p->lock, &until);
    }
    bool mine = !p->writing;
    p->writing = true;
    pthread_mutex_unlock(&p->lock);
    if (!mine) {
        return ctx_fail(c, E_TIMEOUT, "the program does not read its input");
    }
    enum err e = atomic_load(&p->broken)
                     ? ctx_fail(c, E_UNAVAILABLE, "the program's input is cut off")
                     : write_all(c, p, bytes);
    if (e != E_OK) {
        atomic_store(&p->broken, true);
    }
    pthread_mutex_lock(&p->lock);
    p->writing = false;
    pthread_cond_signal(&p->written);
    pthread_mutex_unlock(&p->lock);
    return e;
}

/* Where read bytes go. */
struct room {
    char *p;
    size_t size_bytes, n;
};

/* True with bytes of the stream; *out_ended when there will be none. */
static bool drain(int fd, struct room *out, bool *out_ended)
{
    ssize_t n = read(fd, out->p, out->size_bytes);
    *out_ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    out->n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* One look; *out_again when it found nothing but the end of the errors. */
static enum process_event look(struct process *p, int64_t wait_ms, struct room *out,
                               bool *out_again)
{
    bool ended = false, had_errors = !p->errors_ended;
    struct pollfd fds[] = {{.fd = p->output, .events = POLLIN},
                           {.fd = had_errors ? p->errors : -1, .events = POLLIN},
                           {.fd = p->wake, .events = POLLIN}};
    *out_again = false;
    if (poll(fds, 3, wait_ms > 1 << 30 ? 1 << 30 : (int)wait_ms) <= 0) {
        return PROCESS_QUIET;
    }
    if (fds[1].revents && drain(p->errors, out, &p->errors_ended)) {
        return PROCESS_ERRORS;
    }
    if (fds[0].revents && drain(p->output, out, &ended)) {
        return PROCESS_OUTPUT;
    }
    uint64_t count;
    if (fds[2].revents && read(p->wake, &count, sizeof(count)) == (ssize_t)sizeof(count)) {
        return PROCESS_WOKEN;
    }
    *out_again = had_errors && p->errors_ended;
    return ended ? PROCESS_ENDED : PROCESS_QUIET;
}

enum process_event process_read(struct process *p, int64_t wait_ms, char *out_bytes, size_t room,
                                size_t *out_count)
{
    struct room out = {.p = out_bytes, .size_bytes = room};
    bool again;
    enum process_event e = look(p, wait_ms, &out, &again);
    if (e == PROCESS_QUIET && again) {
        e = look(p, wait_ms, &out, &again); /* at most once: errors end once */
    }
    *out_count = out.n;
    return e;
}

void process_wake(struct process *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->wake, &one, sizeof(one));
    (void)n; /* full: it is awake already */
}

/* ---- ending -------------------------------------------------------------- */

static bool ended_within(pid_t pid, int64_t wait_ms, int *out_status)
{
    for (int64_t until_ms = clock_steady_ms() + wait_ms;;) {
        pid_t got = waitpid(pid, out_status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) {
            return true;
        }
        if (clock_steady_ms() >= until_ms) {
            return false;
        }
        poll(NULL, 0, REAP_POLL_MS);
    }
}

static void describe(int status, char *out_how, size_t how_bytes)
{
    if (WIFSIGNALED(status)) {
        snprintf(out_how, how_bytes, "ended by signal %d", WTERMSIG(status));
    } else {
        snprintf(out_how, how_bytes, "ended with status %d", WEXITSTATUS(status));
    }
}

void process_stop(struct process **p, int64_t grace_ms, char *out_how, size_t how_bytes)
{
    struct process *old = *p;
    int status = 0;
    if (!old) {
        return;
    }
    close(old->input);
    bool ended = ended_within(old->pid, grace_ms, &status);
    if (!ended) {
        kill(-old->pid, SIGTERM);
        ended = ended_within(old->pid, grace_ms, &status);
    }
    kill(-old->pid, SIGKILL); /* what it left behind, too */
    if (!ended) {
        reap(old->pid, &status);
    }
    if (out_how) {
        describe(status, out_how, how_bytes);
    }
    close(old->output);
    close(old->errors);
    close(old->wake);
    pthread_cond_destroy(&old->written);
    pthread_mutex_destroy(&old->lock);
    free(old);
    *p = NULL;
}
