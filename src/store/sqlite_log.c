#include "store/sqlite_log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_HEADER_BYTES = 24,
    PAGE_MAX_BYTES = 4096, /* larger pages are written as SQLite writes them */
    ALIGN_BYTES = 16
};

/* The log of one writer. The system's file lies behind it. */
struct log_file {
    sqlite3_file base;
    bool holds;            /* a header, whose page is the next that SQLite writes */
    sqlite3_int64 held_at; /* where it belongs */
    sqlite3_int64 next;    /* behind the last page written: where a frame may follow */
    char frame[FRAME_HEADER_BYTES + PAGE_MAX_BYTES];
};

struct log_vfs {
    sqlite3_vfs base; /* the system's, but for how it opens */
    sqlite3_vfs *system;
};

static const char vfs_name[] = "rapport";

static struct log_file *of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

static int behind(void)
{
    return (int)((sizeof(struct log_file) + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES);
}

static sqlite3_file *inner(sqlite3_file *file)
{
    return (sqlite3_file *)((char *)file + behind());
}

/* A header whose page does not follow after all goes out alone. */
static int let_go(sqlite3_file *file)
{
    struct log_file *f = of(file);
    int rc = f->holds ? inner(file)->pMethods->xWrite(inner(file), f->frame, FRAME_HEADER_BYTES,
                                                      f->held_at)
                      : SQLITE_OK;
    f->holds = f->holds && rc != SQLITE_OK;
    return rc;
}

/* The page of the header that is held. What fails here fails in SQLite's own write of that page,
 * and it begins the frame anew: nothing is ever held from one statement to the next. */
static int write_frame(sqlite3_file *file, const void *page, int n)
{
    struct log_file *f = of(file);
    memcpy(f->frame + FRAME_HEADER_BYTES, page, (size_t)n);
    f->holds = false;
    f->next = f->held_at + FRAME_HEADER_BYTES + n;
    return inner(file)->pMethods->xWrite(inner(file), f->frame, FRAME_HEADER_BYTES + n, f->held_at);
}

/* A header that is written over, checksums anew, is not at the end: its page does not follow. */
static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct log_file *f = of(file);
    if (f->holds && at == f->held_at + FRAME_HEADER_BYTES && n <= PAGE_MAX_BYTES) {
        return write_frame(file, bytes, n);
    }
    if (n == FRAME_HEADER_BYTES && at == f->next) {
        memcpy(f->frame, bytes, FRAME_HEADER_BYTES);
        f->held_at = at;
        f->holds = true;
        return SQLITE_OK;
    }
    int rc = let_go(file);
    if (rc != SQLITE_OK) {
        return rc;
    }
    f->next = n == FRAME_HEADER_BYTES ? f->next : at + n;
    return inner(file)->pMethods->xWrite(inner(file), bytes, n, at);
}

static int log_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    int rc = let_go(file);
    return rc != SQLITE_OK ? rc : inner(file)->pMethods->xRead(inner(file), out, n, at);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = let_go(file);
    return rc != SQLITE_OK ? rc : inner(file)->pMethods->xTruncate(inner(file), size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    int rc = let_go(file);
    return rc != SQLITE_OK ? rc : inner(file)->pMethods->xSync(inner(file), flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *out)
{
    int rc = let_go(file);
    return rc != SQLITE_OK ? rc : inner(file)->pMethods->xFileSize(inner(file), out);
}

static int log_close(sqlite3_file *file)
{
    return inner(file)->pMethods->xClose(inner(file));
}

static int log_lock(sqlite3_file *file, int how)
{
    return inner(file)->pMethods->xLock(inner(file), how);
}

static int log_unlock(sqlite3_file *file, int how)
{
    return inner(file)->pMethods->xUnlock(inner(file), how);
}

static int log_check(sqlite3_file *file, int *out)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), out);
}

static int log_control(sqlite3_file *file, int what, void *arg)
{
    return inner(file)->pMethods->xFileControl(inner(file), what, arg);
}

static int log_sector(sqlite3_file *file)
{
    return inner(file)->pMethods->xSectorSize(inner(file));
}

static int log_device(sqlite3_file *file)
{
    return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

/* What is no log is the system's alone. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *system = ((struct log_vfs *)vfs)->system;
    if (!(flags & SQLITE_OPEN_WAL)) {
        return system->xOpen(system, name, file, flags, out);
    }
    struct log_file *f = of(file);
    *f = (struct log_file){.next = -1};
    int rc = system->xOpen(system, name, inner(file), flags, out);
    f->base.pMethods = inner(file)->pMethods ? &log_methods : NULL;
    return rc;
}

/* SQLite keeps a VFS for as long as the process lives. */
static void add_vfs(void)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    struct log_vfs *own = system ? calloc(1, sizeof(*own)) : NULL;
    if (own) {
        own->base = *system;
        own->system = system;
        own->base.pNext = NULL;
        own->base.zName = vfs_name;
        own->base.szOsFile = behind() + system->szOsFile;
        own->base.xOpen = open_file;
        sqlite3_vfs_register(&own->base, 0);
    }
}

const char *sqlite_log_vfs(void)
{
    if (!sqlite3_vfs_find(vfs_name)) {
        add_vfs();
    }
    return sqlite3_vfs_find(vfs_name) ? vfs_name : NULL;
}
