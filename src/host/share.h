/* How much of what is scarce one org may hold at a time, so that it cannot keep others from theirs:
 * here the threads of slow requests. Who finds the share used up may stand in line. Any thread. */
#ifndef HOST_SHARE_H
#define HOST_SHARE_H

#include <stdbool.h>

#include "base/id.h"

enum { SHARE_LINE_MAX = 32 }; /* of an org */

struct share;
struct share_place;

/* each: how many an org may hold. */
struct share *share_new(int each);
void share_free(struct share **s); /* nobody stands in line */

/* False when the org holds its share already, or others of it were there before; what was taken is
 * given back once. */
bool share_take(struct share *s, const struct id *org);
void share_give(struct share *s, const struct id *org);

/* A place at the end of the org's line; NULL when the line is full. `wake(arg)` is called once, as
 * soon as it is this one's turn (it may be so already, within share_wait), with the share locked:
 * it must not call back. The caller leaves the line in any case, once. */
struct share_place *share_line(struct share *s, const struct id *org);
void share_wait(struct share_place *p, void (*wake)(void *arg), void *arg);
void share_leave(struct share_place **p);
/* For whoever left the line: takes before those who still stand in it. False as above. */
bool share_take_waited(struct share *s, const struct id *org);

#endif
