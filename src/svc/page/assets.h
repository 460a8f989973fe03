/* The pages as built from web/, carried inside the binary. The table is made by the build; it is
 * empty when the pages were not built. */
#ifndef SVC_PAGE_ASSETS_H
#define SVC_PAGE_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* "/console/index.html" */
    const char *type; /* media type */
    const char *etag; /* quoted */
    const unsigned char *bytes;
    size_t n;
};

extern const struct asset assets[];
extern const size_t asset_count;

#endif
