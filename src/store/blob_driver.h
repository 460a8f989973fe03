/* Private to store/: what a place for blobs gives. Keys are checked, sizes bounded and orgs set
 * before a driver is called. */
#ifndef STORE_BLOB_DRIVER_H
#define STORE_BLOB_DRIVER_H

#include "store/blob.h"

struct blob_adoption {
    const struct blob_wish *wish;
    bool (*is_segment)(struct str name);
    enum err (*put)(struct ctx *c, struct str key, struct str bytes);
    int count; /* those taken */
};

struct blob_driver {
    enum err (*open)(struct ctx *c, const struct blob_config *config, void **out_state);
    void (*close)(void *state);
    enum err (*erase)(struct ctx *c, void *state, const struct id *org);
    /* info->sha256 is given */
    enum err (*put)(struct ctx *c, void *state, struct str bytes, struct blob_info *info);
    /* The bytes as they lie there; the caller checks them against info. */
    enum err (*get)(struct ctx *c, void *state, struct blob_info *info, struct str *out_bytes);
    enum err (*stat)(struct ctx *c, void *state, struct blob_info *info);
    enum err (*remove)(struct ctx *c, void *state, struct str key);
    enum err (*list)(struct ctx *c, void *state, struct str prefix, struct str after,
                     struct blob_page *out_page);
    /* Calls `put` for each file that is no blob, and removes it after E_OK. */
    enum err (*adopt)(struct ctx *c, void *state, struct blob_adoption *how);
};

struct blobs {
    const struct blob_driver *driver;
    void *state;
};

extern const struct blob_driver blob_files_driver;

#endif
