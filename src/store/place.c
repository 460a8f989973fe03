#include "store/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

enum { PATH_BYTES = 4096 };

/* What a file and its WAL looked like at the last look. */
struct stamp {
    int64_t changed_ns;
    int64_t size_bytes;
};

struct place {
    char *folder;
    char *org_folder;
    struct map *stamps; /* id -> struct stamp; by place_news() only */
    int64_t looked_at_ms;
};

static enum err fail_path(struct ctx *c, const char *path, const char *what)
{
    enum err e = errno == ENOSPC || errno == EDQUOT ? E_FULL : E_UNAVAILABLE;
    return ctx_fail(c, e, "cannot %s %s: %s", what, path, strerror(errno));
}

static enum err make_folder(struct ctx *c, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return fail_path(c, path, "make the folder");
    }
    if (access(path, R_OK | W_OK | X_OK) != 0) {
        return fail_path(c, path, "write to");
    }
    return E_OK;
}

enum err place_open(struct ctx *c, const char *folder, struct place **out_place)
{
    char path[PATH_BYTES];
    if (!folder || strlen(folder) > PATH_BYTES - 100) {
        return ctx_fail(c, E_INVALID, "the store needs a folder");
    }
    snprintf(path, sizeof(path), "%s/org", folder);
    TRY(make_folder(c, folder));
    TRY(make_folder(c, path));
    struct place *p = mem_new(sizeof(*p));
    p->folder = mem_dupz(folder);
    p->org_folder = mem_dupz(path);
    p->stamps = map_new(PLACE_ORGS_MAX);
    *out_place = p;
    return E_OK;
}

void place_close(struct place **p)
{
    size_t cursor = 0;
    struct str key;
    void *stamp;
    if (*p) {
        while (map_next((*p)->stamps, &cursor, &key, &stamp)) {
            free(stamp);
        }
        map_free(&(*p)->stamps);
        free((*p)->folder);
        free((*p)->org_folder);
        free(*p);
        *p = NULL;
    }
}

char *place_path(const struct place *p, const struct id *org)
{
    char path[PATH_BYTES];
    struct id system = id_system(), parsed;
    if (!id_parse(id_str(org), &parsed)) {
        return NULL;
    }
    if (id_eq(&parsed, &system)) {
        snprintf(path, sizeof(path), "%s/system.db", p->folder);
    } else {
        snprintf(path, sizeof(path), "%s/%s.db", p->org_folder, parsed.text);
    }
    return mem_dupz(path);
}

bool place_has(const struct place *p, const struct id *org)
{
    char *path = place_path(p, org);
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

static enum err sync_folder(struct ctx *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(c, path, "open");
    }
    enum err e = fsync(fd) == 0 ? E_OK : fail_path(c, path, "write to");
    close(fd);
    return e;
}

enum err place_make_file(struct ctx *c, const char *path, bool must_be_new)
{
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | (must_be_new ? O_EXCL : 0);
    int fd = open(path, flags, 0600);
    if (fd < 0) {
        return errno == EEXIST ? ctx_fail(c, E_CONFLICT, "%s exists already", path)
                               : fail_path(c, path, "write to");
    }
    close(fd);
    return E_OK;
}

void place_remove_file(const char *path)
{
    unlink(path);
}

enum err place_make(struct ctx *c, const struct place *p, const struct id *org)
{
    struct id system = id_system();
    char *path = place_path(p, org);
    if (!path) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    enum err e = place_make_file(c, path, false);
    free(path);
    TRY(e);
    return sync_folder(c, id_eq(org, &system) ? p->folder : p->org_folder);
}

enum err place_remove(struct ctx *c, const struct place *p, const struct id *org)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char *path = place_path(p, org);
    if (!path) {
        return ctx_fail(c, E_INVALID, "not an organisation's id");
    }
    enum err e = E_OK;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]) && e == E_OK; i++) {
        char name[PATH_BYTES + 16];
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        if (unlink(name) != 0 && errno != ENOENT) {
            e = fail_path(c, name, "remove");
        }
    }
    free(path);
    TRY(e);
    return sync_folder(c, p->org_folder);
}

char *place_beside(const struct place *p, const struct id *org)
{
    char *path = place_path(p, org);
    char name[PATH_BYTES + 8];
    if (!path) {
        return NULL;
    }
    snprintf(name, sizeof(name), "%s.new", path);
    free(path);
    return mem_dupz(name);
}

static enum err swap(struct ctx *c, const char *path, const char *beside)
{
    char wal[PATH_BYTES + 8];
    snprintf(wal, sizeof(wal), "%s-wal", path);
    if (access(wal, F_OK) == 0) {
        return ctx_fail(c, E_CONFLICT, "%s is in use", path);
    }
    return rename(beside, path) == 0 ? E_OK : fail_path(c, path, "replace");
}

enum err place_swap(struct ctx *c, const struct place *p, const struct id *org)
{
    char *path = place_path(p, org), *beside = place_beside(p, org);
    enum err e =
        path && beside ? swap(c, path, beside) : ctx_fail(c, E_INVALID, "not an organisation's id");
    free(path);
    free(beside);
    TRY(e);
    return sync_folder(c, p->org_folder);
}

static bool org_of_name(const char *name, struct id *out_org)
{
    struct str s = str_of(name);
    return str_ends(s, STR(".db")) && id_parse(str_sub(s, 0, s.n - 3), out_org);
}

enum err place_list(struct ctx *c, const struct place *p, const struct id **out_orgs,
                    int *out_count)
{
    DIR *folder = opendir(p->org_folder);
    if (!folder) {
        return fail_path(c, p->org_folder, "read");
    }
    int count = 0, size = 16;
    struct id *orgs = mem_new((size_t)size * sizeof(*orgs));
    struct dirent *entry;
    while ((entry = readdir(folder)) && count < PLACE_ORGS_MAX) {
        if (count == size) {
            size *= 2;
            orgs = mem_grow(orgs, (size_t)size * sizeof(*orgs));
        }
        count += org_of_name(entry->d_name, &orgs[count]);
    }
    closedir(folder);
    *out_orgs = arena_memdup(c->arena, orgs, (size_t)count * sizeof(*orgs));
    *out_count = count;
    free(orgs);
    return E_OK;
}

static bool stamp_file(const char *path, const char *ending, struct stamp *stamp)
{
    char name[PATH_BYTES + 8];
    struct stat st;
    snprintf(name, sizeof(name), "%s%s", path, ending);
    if (stat(name, &st) != 0) {
        return false;
    }
    int64_t changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    stamp->changed_ns = changed_ns > stamp->changed_ns ? changed_ns : stamp->changed_ns;
    stamp->size_bytes += st.st_size;
    return true;
}

static bool has_changed(struct place *p, const struct id *org)
{
    struct stamp now = {0};
    char *path = place_path(p, org);
    bool there = path && stamp_file(path, "", &now);
    if (there) {
        stamp_file(path, "-wal", &now);
    }
    free(path);
    if (!there) {
        free(map_remove(p->stamps, id_str(org)));
        return false;
    }
    struct stamp *before = map_get(p->stamps, id_str(org));
    if (!before) {
        before = mem_new(sizeof(*before));
        map_set(p->stamps, id_str(org), before);
    }
    bool changed = before->changed_ns != now.changed_ns || before->size_bytes != now.size_bytes;
    *before = now;
    return changed;
}

void place_news(struct place *p, void (*fn)(void *arg, const struct id *org), void *arg)
{
    if (clock_steady_ms() - p->looked_at_ms < PLACE_NEWS_EVERY_MS) {
        return;
    }
    p->looked_at_ms = clock_steady_ms();
    struct id org = id_system();
    if (has_changed(p, &org)) {
        fn(arg, &org);
    }
    DIR *folder = opendir(p->org_folder);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (org_of_name(entry->d_name, &org) && has_changed(p, &org)) {
            fn(arg, &org);
        }
    }
    if (folder) {
        closedir(folder);
    }
}
