/* The built pages (web/dist), part of the program. The table is made by tools/embed while building;
 * it is empty when the pages were not built. Const data, any thread. */
#ifndef SVC_PAGE_ASSETS_H
#define SVC_PAGE_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* as in a URL: "/assets/console-BYnGqUR6.js" */
    const char *type; /* Content-Type */
    const char *etag; /* weak, since it stands for both encodings: W/"<SHA-256>" */
    const unsigned char *bytes;
    size_t n;
    const unsigned char *gzip; /* the same as gzip (RFC 1952); NULL where that gains little */
    size_t gzip_n;
};

extern const struct asset assets[]; /* sorted by path, ends with path NULL */
extern const size_t asset_count;

#endif
