#include "main/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/yaml.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum err file_list(struct ctx *c, const char *folder, const char *suffix, struct file_names *out)
{
    *out = (struct file_names){0, ARENA_ARRAY(c->arena, const char *, FILES_MAX)};
    DIR *dir = opendir(folder);
    if (!dir) {
        return errno == ENOENT || errno == ENOTDIR
                   ? E_OK
                   : ctx_fail(c, E_DENIED, "cannot read %s: %s", folder, strerror(errno));
    }
    const struct dirent *entry;
    enum err e = E_OK;
    while (e == E_OK && (entry = readdir(dir)) != NULL) {
        struct str name = str_of(entry->d_name);
        if (name.p[0] == '.' || !str_ends(name, str_of(suffix))) {
            continue;
        }
        if (out->count == FILES_MAX) {
            e = ctx_fail(c, E_TOO_LARGE, "%s holds more than %d files", folder, FILES_MAX);
        } else {
            out->items[out->count++] = str_dupz(c->arena, name);
        }
    }
    closedir(dir);
    qsort(out->items, (size_t)out->count, sizeof(*out->items), by_name);
    return e;
}

static enum err read_open(struct ctx *c, const char *path, int fd, struct str *out_bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return ctx_fail(c, E_INVALID, "%s is no file", path);
    }
    if (st.st_size > FILE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "%s has more than %d bytes", path, FILE_MAX_BYTES);
    }
    char *bytes = arena_alloc(c->arena, (size_t)st.st_size + 1);
    size_t n = 0;
    ssize_t got = 1;
    while (n < (size_t)st.st_size && got > 0) {
        got = read(fd, bytes + n, (size_t)st.st_size - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        return ctx_fail(c, E_DENIED, "cannot read %s: %s", path, strerror(errno));
    }
    *out_bytes = str_make(bytes, n);
    return E_OK;
}

enum err file_read(struct ctx *c, const char *path, struct str *out_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ctx_fail(c, errno == ENOENT ? E_NOT_FOUND : E_DENIED, "cannot read %s: %s", path,
                        strerror(errno));
    }
    enum err e = read_open(c, path, fd, out_bytes);
    close(fd);
    return e;
}

enum err file_json(struct ctx *c, const char *path, const struct json **out)
{
    struct str text;
    struct json_fault fault = {0};
    TRY(file_read(c, path, &text));
    if (json_parse(c->arena, text, out, &fault) != E_OK) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column, "%s: %s", path, fault.text);
    }
    return E_OK;
}

enum err file_yaml(struct ctx *c, const char *path, const struct json **out)
{
    struct str text;
    struct json_fault fault = {0};
    TRY(file_read(c, path, &text));
    if (yaml_parse(c->arena, text, out, &fault) != E_OK) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column, "%s: %s", path, fault.text);
    }
    return E_OK;
}

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        text = n > 0 ? str_sub(text, (size_t)n, text.n) : text;
    }
    return true;
}

enum err file_write(struct ctx *c, const char *path, struct str bytes, bool secret)
{
    const char *fresh = str_dupz(c->arena, str_fmt(c->arena, "%s.new", path));
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0666);
    bool written = fd >= 0 && write_all(fd, bytes);
    int problem = errno;
    if (fd >= 0 && close(fd) != 0) {
        problem = written ? errno : problem;
        written = false;
    }
    if (!written || rename(fresh, path) != 0) {
        problem = written ? errno : problem;
        unlink(fresh);
        return ctx_fail(c, problem == ENOSPC || problem == EDQUOT ? E_FULL : E_DENIED,
                        "cannot write %s: %s", path, strerror(problem));
    }
    return E_OK;
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Whether what is in the file is to blame. */
static bool is_of_input(enum err e)
{
    return e == E_INVALID || e == E_NOT_FOUND || e == E_CONFLICT || e == E_TOO_LARGE ||
           e == E_INCOMPLETE;
}

enum err file_fault(struct ctx *c, const char *path, int index)
{
    struct fault f = c->fault;
    if (!is_of_input(f.err)) {
        return f.err;
    }
    struct str text;
    struct json_fault unread;
    const struct json *items;
    char what[CTX_FAULT_BYTES];
    /* JSON is YAML: read again with places, now that one is needed */
    if (index >= 0 && file_read(c, path, &text) == E_OK &&
        yaml_parse(c->arena, text, &items, &unread) == E_OK) {
        const struct json *item = json_at(items, (size_t)index);
        f.line = item ? (int)item->line : 0;
        f.column = item ? (int)item->column : 0;
    }
    snprintf(what, sizeof(what), "%.180s: %.300s", path, f.text);
    c->fault = f;
    memcpy(c->fault.text, what, sizeof(what));
    return f.err;
}
