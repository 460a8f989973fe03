#include "main/demo_file.h"

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

enum err demo_file_list(struct ctx *c, const char *folder, const char *suffix,
                        struct demo_names *out)
{
    *out = (struct demo_names){0, ARENA_ARRAY(c->arena, const char *, DEMO_FILES_MAX)};
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
        if (out->count == DEMO_FILES_MAX) {
            e = ctx_fail(c, E_TOO_LARGE, "%s holds more than %d files", folder, DEMO_FILES_MAX);
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
    if (st.st_size > DEMO_FILE_MAX_BYTES) {
        return ctx_fail(c, E_TOO_LARGE, "%s has more than %d bytes", path, DEMO_FILE_MAX_BYTES);
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

enum err demo_file_read(struct ctx *c, const char *path, struct str *out_bytes)
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

enum err demo_file_json(struct ctx *c, const char *path, const struct json **out)
{
    struct str text;
    struct json_fault fault = {0};
    TRY(demo_file_read(c, path, &text));
    if (json_parse(c->arena, text, out, &fault) != E_OK) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column, "%s: %s", path, fault.text);
    }
    return E_OK;
}

enum err demo_file_yaml(struct ctx *c, const char *path, const struct json **out)
{
    struct str text;
    struct json_fault fault = {0};
    TRY(demo_file_read(c, path, &text));
    if (yaml_parse(c->arena, text, out, &fault) != E_OK) {
        return ctx_fail_place(c, E_INVALID, fault.line, fault.column, "%s: %s", path, fault.text);
    }
    return E_OK;
}

enum err demo_file_fault(struct ctx *c, const char *path, int index)
{
    struct fault f = c->fault;
    struct str text;
    struct json_fault unread;
    const struct json *items;
    char what[CTX_FAULT_BYTES];
    /* JSON is YAML: read again with places, now that one is needed */
    if (index >= 0 && demo_file_read(c, path, &text) == E_OK &&
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
