/* Blobs as files: <folder>/<org>/<key>~, the key's segments as folders. The '~' is no character
 * of keys, so "a" and "a/b" do not meet. A file begins with a line of its own: format, SHA-256
 * and size of what follows. It is written beside, under ~tmp, and renamed when it is on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/blob_driver.h"

enum {
    PATH_BYTES = 4096,
    HEAD_BYTES = 14 + 1 + 64 + 1 + 12 + 1, /* "rapport-blob 1 <sha256> <size>\n" */
    RENAME_TRIES = 100,                    /* against deletes that take empty folders away */
    ENTRIES_MAX = 1 << 20,
    PLAIN_REST_S = 2
};

struct files {
    char *folder;
};

static enum err fail_io(struct ctx *c, const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return full ? ctx_fail(c, E_FULL, "the disk is full")
                : ctx_fail(c, E_UNAVAILABLE, "cannot %s a blob: %s", what, strerror(errno));
}

static enum err make_folder(struct ctx *c, const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return ctx_fail(c, errno == ENOSPC || errno == EDQUOT ? E_FULL : E_UNAVAILABLE,
                        "cannot make the folder %s: %s", path, strerror(errno));
    }
    return E_OK;
}

static enum err files_open(struct ctx *c, const struct blob_config *config, void **out_state)
{
    if (!config->folder || strlen(config->folder) > PATH_BYTES - 1024) {
        return ctx_fail(c, E_INVALID, "blobs need a folder");
    }
    TRY(make_folder(c, config->folder));
    if (access(config->folder, R_OK | W_OK | X_OK) != 0) {
        return ctx_fail(c, E_UNAVAILABLE, "cannot write to %s: %s", config->folder,
                        strerror(errno));
    }
    struct files *f = mem_new(sizeof(*f));
    f->folder = mem_dupz(config->folder);
    *out_state = f;
    return E_OK;
}

static void files_close(void *state)
{
    struct files *f = state;
    free(f->folder);
    free(f);
}

static void path_of(const struct files *f, const struct id *org, struct str key, char *out_path)
{
    snprintf(out_path, PATH_BYTES, "%s/%s/%.*s~", f->folder, org->text, STR_ARG(key));
}

/* ---- writing */

/* A folder that is gone needs no sync: whoever removed it wrote that. */
static bool sync_folder_of(const char *path)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        *slash = 0;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 ? fsync(fd) == 0 : errno == ENOENT;
    if (fd >= 0) {
        close(fd);
    }
    return synced;
}

/* Makes the folders of a path below `from`, each known to the one above it before we go on.
 * False with errno; ENOENT when a delete took an empty one away meanwhile. */
static bool make_way(char *path, size_t from)
{
    for (char *at = path + from; (at = strchr(at, '/')); at++) {
        *at = 0;
        bool made = mkdir(path, 0700) == 0;
        bool fine = made ? sync_folder_of(path) : errno == EEXIST;
        *at = '/';
        if (!fine) {
            return false;
        }
    }
    return true;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, p, n);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return false;
        }
        p += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static enum err write_file(struct ctx *c, const char *path, struct str bytes,
                           const struct blob_info *info)
{
    char head[HEAD_BYTES + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_io(c, "write");
    }
    snprintf(head, sizeof(head), "rapport-blob 1 %.64s %012lld\n", info->sha256,
             (long long)info->size_bytes);
    bool fine =
        write_all(fd, head, HEAD_BYTES) && write_all(fd, bytes.p, bytes.n) && fsync(fd) == 0;
    enum err e = fine ? E_OK : fail_io(c, "write");
    close(fd);
    return e;
}

static enum err move_into_place(struct ctx *c, const char *from, char *path, size_t root_bytes)
{
    for (int i = 0; i < RENAME_TRIES; i++) {
        if (make_way(path, root_bytes) && rename(from, path) == 0) {
            return sync_folder_of(path) ? E_OK : fail_io(c, "write");
        }
        if (errno != ENOENT) {
            break;
        }
    }
    return fail_io(c, "write");
}

static enum err files_put(struct ctx *c, void *state, struct str bytes, struct blob_info *info)
{
    struct files *f = state;
    char path[PATH_BYTES], beside[PATH_BYTES], unique[33];
    id_random_hex(unique, 16);
    path_of(f, &c->org, info->key, path);
    snprintf(beside, sizeof(beside), "%s/%s/~tmp/%s", f->folder, c->org.text, unique);
    if (!make_way(beside, strlen(f->folder) + 1)) {
        return fail_io(c, "make a folder for");
    }
    enum err e = write_file(c, beside, bytes, info);
    if (e == E_OK) {
        e = move_into_place(c, beside, path, strlen(f->folder) + 1);
    }
    if (e != E_OK) {
        unlink(beside);
        return e;
    }
    info->changed_ms = ctx_now_ms(c);
    return E_OK;
}

/* ---- reading */

static bool read_all(int fd, char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool parse_head(const char *head, const struct stat *st, struct blob_info *info)
{
    int64_t size;
    if (strncmp(head, "rapport-blob 1 ", 15) != 0 || head[15 + 64] != ' ' ||
        head[HEAD_BYTES - 1] != '\n' || !str_to_i64(str_make(head + 80, 12), &size) || size < 0 ||
        size > BLOB_MAX_BYTES || st->st_size != size + HEAD_BYTES) {
        return false;
    }
    memcpy(info->sha256, head + 15, 64);
    info->sha256[64] = 0;
    info->size_bytes = size;
    info->changed_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
    return true;
}

/* Leaves the file open, behind its head. */
static enum err open_file(struct ctx *c, const char *path, struct blob_info *info, int *out_fd)
{
    char head[HEAD_BYTES];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? ctx_fail(c, E_NOT_FOUND, "no blob %.*s", STR_ARG(info->key))
                   : fail_io(c, "read");
    }
    if (fstat(fd, &st) != 0 || !read_all(fd, head, sizeof(head)) || !parse_head(head, &st, info)) {
        close(fd);
        return ctx_fail(c, E_INTERNAL, "the blob %.*s is damaged", STR_ARG(info->key));
    }
    *out_fd = fd;
    return E_OK;
}

static enum err files_stat(struct ctx *c, void *state, struct blob_info *info)
{
    char path[PATH_BYTES];
    int fd = -1;
    path_of(state, &c->org, info->key, path);
    TRY(open_file(c, path, info, &fd));
    close(fd);
    return E_OK;
}

static enum err files_get(struct ctx *c, void *state, struct blob_info *info, struct str *out_bytes)
{
    char path[PATH_BYTES];
    int fd = -1;
    path_of(state, &c->org, info->key, path);
    TRY(open_file(c, path, info, &fd));
    char *bytes = arena_alloc(c->arena, (size_t)info->size_bytes + 1);
    bool fine = read_all(fd, bytes, (size_t)info->size_bytes);
    close(fd);
    if (!fine) {
        return ctx_fail(c, E_INTERNAL, "the blob %.*s is damaged", STR_ARG(info->key));
    }
    *out_bytes = str_make(bytes, (size_t)info->size_bytes);
    return E_OK;
}

/* ---- removing */

static enum err files_remove(struct ctx *c, void *state, struct str key)
{
    struct files *f = state;
    char path[PATH_BYTES];
    path_of(f, &c->org, key, path);
    if (unlink(path) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? E_OK : fail_io(c, "remove");
    }
    if (!sync_folder_of(path)) {
        return fail_io(c, "remove");
    }
    size_t root_bytes = strlen(f->folder) + 1 + ID_TEXT_BYTES;
    for (char *slash; (slash = strrchr(path, '/')) && slash > path + root_bytes;) {
        *slash = 0;
        if (rmdir(path) != 0) {
            break; /* not empty */
        }
    }
    return E_OK;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

static enum err files_erase(struct ctx *c, void *state, const struct id *org)
{
    struct files *f = state;
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", f->folder, org->text);
    if (access(path, F_OK) != 0) {
        return E_OK;
    }
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        return fail_io(c, "remove");
    }
    return sync_folder_of(path) ? E_OK : fail_io(c, "remove");
}

/* ---- listing */

/* Entries of one folder as the ends of keys: "name" for a blob, "name/" for a folder, which sorted
 * bytewise gives the order of the keys below them. */
struct entries {
    char **names;
    size_t count, size;
};

static void entries_free(struct entries *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_entry(struct entries *list, const char *name, bool is_folder)
{
    size_t n = strlen(name);
    bool is_blob = !is_folder && n > 1 && name[n - 1] == '~';
    if (list->count == ENTRIES_MAX || (!is_folder && !is_blob) || name[0] == '~' ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return;
    }
    if (list->count == list->size) {
        list->size = list->size ? list->size * 2 : 16;
        list->names = mem_grow(list->names, list->size * sizeof(char *));
    }
    char *copy = mem_new(n + 2);
    memcpy(copy, name, n);
    copy[is_folder ? n : n - 1] = is_folder ? '/' : 0;
    list->names[list->count++] = copy;
}

static struct entries read_folder(const char *path)
{
    struct entries list = {0};
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        size_t n = strlen(entry->d_name);
        bool like_folder = n > 0 && entry->d_name[n - 1] != '~'; /* some file systems do not tell */
        add_entry(&list, entry->d_name,
                  entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN && like_folder));
    }
    if (folder) {
        closedir(folder);
    }
    if (list.count) {
        qsort(list.names, list.count, sizeof(char *), compare_names);
    }
    return list;
}

struct listing {
    struct files *files;
    struct str prefix, after;
    struct buf found; /* keys, each terminated */
    int count;
};

/* Whether any key that begins with `head` can be wanted. */
static bool may_hold(const struct listing *l, struct str head)
{
    size_t n = head.n < l->prefix.n ? head.n : l->prefix.n;
    bool prefix_fits = memcmp(head.p, l->prefix.p ? l->prefix.p : "", n) == 0;
    size_t m = head.n < l->after.n ? head.n : l->after.n;
    return prefix_fits && memcmp(head.p, l->after.p ? l->after.p : "", m) >= 0;
}

/* `head`: the key's beginning, "" or "documents/". One level of recursion per segment. */
static void walk(struct ctx *c, struct listing *l, const char *head)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s/%s", l->files->folder, c->org.text, head);
    struct entries list = read_folder(path);
    for (size_t i = 0; i < list.count && l->count <= BLOB_PAGE_MAX; i++) {
        char key[BLOB_KEY_MAX_BYTES + 2];
        int n = snprintf(key, sizeof(key), "%s%s", head, list.names[i]);
        if (n <= 0 || (size_t)n >= sizeof(key)) {
            continue;
        }
        struct str name = str_make(key, (size_t)n);
        if (key[n - 1] == '/') {
            if (may_hold(l, name)) {
                walk(c, l, key);
            }
        } else if (str_starts(name, l->prefix) && str_cmp(name, l->after) > 0) {
            buf_add(&l->found, key, (size_t)n + 1);
            l->count++;
        }
    }
    entries_free(&list);
}

static enum err files_list(struct ctx *c, void *state, struct str prefix, struct str after,
                           struct blob_page *out_page)
{
    struct listing l = {.files = state, .prefix = prefix, .after = after};
    l.found = buf_make((BLOB_KEY_MAX_BYTES + 1) * (BLOB_PAGE_MAX + 2));
    walk(c, &l, "");
    struct blob_page page = {.more = l.count > BLOB_PAGE_MAX};
    int wanted = page.more ? BLOB_PAGE_MAX : l.count;
    struct blob_info *items = ARENA_ARRAY(c->arena, struct blob_info, (size_t)wanted);
    const char *at = l.found.p;
    for (int i = 0; i < wanted; i++) {
        items[page.count].key = str_dup(c->arena, str_of(at));
        /* one that was removed meanwhile, or is damaged, is left out */
        page.count += files_stat(c, state, &items[page.count]) == E_OK;
        at += strlen(at) + 1;
    }
    ctx_forgive(c);
    buf_free(&l.found);
    page.items = items;
    *out_page = page;
    return E_OK;
}

/* ---- files that somebody else wrote */

/* E_NOT_FOUND: not one to take, or not yet. E_TOO_LARGE, with out_stat. */
static enum err read_plain(struct ctx *c, const char *path, size_t max_bytes, struct stat *out_stat,
                           struct str *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return E_NOT_FOUND;
    }
    bool whole = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 time(NULL) - st.st_mtim.tv_sec >= PLAIN_REST_S;
    bool fits = whole && (size_t)st.st_size <= max_bytes;
    char *bytes = fits ? arena_alloc(c->arena, (size_t)st.st_size + 1) : NULL;
    bool fine = bytes && read_all(fd, bytes, (size_t)st.st_size);
    close(fd);
    if (!fine && (fits || !whole)) {
        return E_NOT_FOUND;
    }
    *out_stat = st;
    if (!fine) {
        return E_TOO_LARGE;
    }
    *out = str_make(bytes, (size_t)st.st_size);
    return E_OK;
}

/* Not when another file was laid over it, or it was written on, since it was read. */
static bool remove_same(const char *path, const struct stat *st)
{
    struct stat now;
    return lstat(path, &now) == 0 && now.st_ino == st->st_ino && now.st_size == st->st_size &&
           now.st_mtim.tv_sec == st->st_mtim.tv_sec && now.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
           unlink(path) == 0;
}

static enum err adopt_one(struct ctx *c, struct blob_adoption *how, const char *folder,
                          const char *name)
{
    char path[PATH_BYTES + NAME_MAX + 2]; /* a slash between, an end */
    struct stat st;
    struct str bytes, end = str_of(name);
    if (!str_ends(end, how->wish->suffix) || !how->is_segment(end)) {
        return E_OK;
    }
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    struct str key = str_fmt(c->arena, "%.*s/%s", STR_ARG(how->wish->folder), name);
    enum err e = read_plain(c, path, how->wish->max_bytes, &st, &bytes);
    if (e == E_TOO_LARGE && how->wish->too_long) {
        return how->wish->too_long(c, how->wish->arg, key, (int64_t)st.st_size);
    }
    if (e != E_OK) {
        return E_OK;
    }
    TRY(how->put(c, key, bytes));
    how->count += remove_same(path, &st);
    return E_OK;
}

static enum err files_adopt(struct ctx *c, void *state, struct blob_adoption *how)
{
    const struct files *f = state;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof(folder), "%s/%s/%.*s", f->folder, c->org.text,
             STR_ARG(how->wish->folder));
    DIR *dir = opendir(folder);
    struct dirent *entry;
    enum err e = E_OK;
    int looked = 0;
    while (dir && e == E_OK && how->count < BLOB_ADOPT_MAX && looked < ENTRIES_MAX &&
           (entry = readdir(dir))) {
        e = adopt_one(c, how, folder, entry->d_name);
        looked++;
    }
    if (dir) {
        closedir(dir);
    }
    return e;
}

const struct blob_driver blob_files_driver = {
    .open = files_open,
    .close = files_close,
    .erase = files_erase,
    .put = files_put,
    .get = files_get,
    .stat = files_stat,
    .remove = files_remove,
    .list = files_list,
    .adopt = files_adopt,
};
