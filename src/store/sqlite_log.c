#include "store/sqlite_log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_HEADER_BYTES = 24,
    COMMIT_AT = 4, /* in it, of four bytes: not 0 in the frame that commits */
    HELD_BYTES =
        16 * (FRAME_HEADER_BYTES + 4096), /* 128 KiB: more than the system's writes (3.40) */
    ALIGN_BYTES = 16
};

/* The log of one writer. The system's file lies behind it. */
struct log_file {
    sqlite3_file base;
    char *held; /* made with the first frame */
    int held_bytes;
    sqlite3_int64 held_at;
    sqlite3_int64 next; /* behind the last page written: where a frame may follow */
    bool commits;       /* the last header held is that of a frame that commits */
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

/* Everything held is in the file, or nothing of it counts. */
static int let_go(sqlite3_file *file)
{
    struct log_file *f = of(file);
    int n = f->held_bytes;
    f->held_bytes = 0;
    f->commits = false;
    return n ? inner(file)->pMethods->xWrite(inner(file), f->held, n, f->held_at) : SQLITE_OK;
}

static void hold(struct log_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    f->held_at = f->held_bytes ? f->held_at : at;
    memcpy(f->held + f->held_bytes, bytes, (size_t)n);
    f->held_bytes += n;
}

static bool has_room(struct log_file *f)
{
    f->held = f->held ? f->held : malloc(HELD_BYTES);
    return f->held != NULL;
}

/* A header that is written over, checksums anew, is not at the end: its page does not follow. */
static bool opens_frame(const struct log_file *f, int n, sqlite3_int64 at)
{
    return n == FRAME_HEADER_BYTES && at == f->next;
}

static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct log_file *f = of(file);
    const unsigned char *commit = (const unsigned char *)bytes + COMMIT_AT;
    bool opens = opens_frame(f, n, at), follows = at == f->held_at + f->held_bytes;
    f->next = n == FRAME_HEADER_BYTES ? f->next : at + n;
    if (f->held_bytes && (!follows || f->held_bytes + n > HELD_BYTES)) {
        int rc = let_go(file);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    if ((!opens && !f->held_bytes) || n > HELD_BYTES || !has_room(f)) {
        return inner(file)->pMethods->xWrite(inner(file), bytes, n, at);
    }
    hold(f, bytes, n, at);
    if (opens) {
        f->commits = commit[0] | commit[1] | commit[2] | commit[3];
        return SQLITE_OK;
    }
    return f->commits ? let_go(file) : SQLITE_OK;
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

/* What is held yet was never committed. */
static int log_close(sqlite3_file *file)
{
    free(of(file)->held);
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
