/* How much of what is scarce one org may hold at a time, so that it cannot keep others from theirs:
 * here the threads of slow requests. Any thread. */
#ifndef HOST_SHARE_H
#define HOST_SHARE_H

#include <stdbool.h>

#include "base/id.h"

struct share;

/* each: how many an org may hold. */
struct share *share_new(int each);
void share_free(struct share **s);

/* False when the org holds its share already; what was taken is given back once. */
bool share_take(struct share *s, const struct id *org);
void share_give(struct share *s, const struct id *org);

#endif
