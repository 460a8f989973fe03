/* The time as the program sees it. Real by default; in test mode it can be set and moved, so that
 * rules of days run in milliseconds. All code reads it through ctx. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock;

struct clock *clock_new(void);
void clock_free(struct clock **c);

/* Unix milliseconds. A set clock stands still until it is moved. */
int64_t clock_now_ms(const struct clock *c);

/* Test mode: from now on the clock stands at now_ms / has moved by delta_ms. */
void clock_set_ms(struct clock *c, int64_t now_ms);
void clock_advance_ms(struct clock *c, int64_t delta_ms);
bool clock_is_set(const struct clock *c);

/* Steady time for deadlines and measuring; never set, never goes back. */
int64_t clock_steady_ms(void);
int64_t clock_steady_us(void);

#endif
