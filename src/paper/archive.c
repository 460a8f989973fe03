#include "paper/archive.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/arena.h"

enum { DATE_1980 = 0x21 }; /* MS-DOS: day 1, month 1, year 0 */

struct archive {
    zip_source_t *bytes; /* what the archive is written into; ours beside libzip's hold of it */
    zip_t *zip;
    bool failed;
};

struct archive *archive_new(void)
{
    struct archive *ar = mem_new(sizeof *ar);
    zip_error_t error;
    zip_error_init(&error);
    ar->bytes = zip_source_buffer_create(NULL, 0, 0, &error);
    if (ar->bytes) {
        zip_source_keep(ar->bytes);
        ar->zip = zip_open_from_source(ar->bytes, ZIP_CREATE | ZIP_TRUNCATE, &error);
        if (!ar->zip) {
            zip_source_free(ar->bytes);
        }
    }
    ar->failed = !ar->zip;
    zip_error_fini(&error);
    return ar;
}

void archive_add(struct archive *ar, const char *name, struct str bytes)
{
    if (ar->failed) {
        return;
    }
    void *copy = mem_new(bytes.n + 1);
    if (bytes.n) {
        memcpy(copy, bytes.p, bytes.n);
    }
    zip_source_t *source = zip_source_buffer(ar->zip, copy, bytes.n, 1);
    if (!source) {
        free(copy);
        ar->failed = true;
        return;
    }
    zip_int64_t at = zip_file_add(ar->zip, name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        ar->failed = true;
        return;
    }
    ar->failed = zip_file_set_dostime(ar->zip, (zip_uint64_t)at, 0, DATE_1980, 0) != 0 ||
                 zip_set_file_compression(ar->zip, (zip_uint64_t)at, ZIP_CM_DEFLATE, 6) != 0;
}

/* What libzip wrote. */
static enum err copy_out(zip_source_t *from, struct buf *out)
{
    zip_stat_t st;
    if (zip_source_stat(from, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) ||
        zip_source_open(from) != 0) {
        return E_INTERNAL;
    }
    enum err e = E_OK;
    char *room = buf_reserve(out, st.size);
    if (!room) {
        e = E_TOO_LARGE;
    } else if (zip_source_read(from, room, st.size) != (zip_int64_t)st.size) {
        e = E_INTERNAL;
    } else {
        buf_grew(out, st.size);
    }
    zip_source_close(from);
    return e;
}

enum err archive_write(struct archive *ar, struct buf *out)
{
    if (ar->failed || zip_close(ar->zip) != 0) {
        return E_INTERNAL;
    }
    ar->zip = NULL;
    ar->failed = true; /* nothing can be added any more */
    return copy_out(ar->bytes, out);
}

void archive_free(struct archive **ar)
{
    if (*ar) {
        if ((*ar)->zip) {
            zip_discard((*ar)->zip);
        }
        if ((*ar)->bytes) {
            zip_source_free((*ar)->bytes);
        }
        free(*ar);
        *ar = NULL;
    }
}
