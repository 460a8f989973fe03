/* The time as the program sees it. Real by default; in test mode it can be set and moved, so that
 * rules of days run in milliseconds. All code reads it through ctx. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock;

struct clock *clock_new(void);
void clock_free(struct clock **c);

/* Unix milliseconds. A set clock stands still until it is moved. Real time never goes back: when
 * the system's clock is set back by up to CLOCK_SLEW_MAX_MS, it runs at half the pace until that
 * has caught up, so that nothing stops, is due twice, or comes before its cause. A larger step is
 * followed: someone corrected a clock that was wrong. */
enum { CLOCK_SLEW_MAX_MS = 3600 * 1000 };
int64_t clock_now_ms(struct clock *c);
/* The same for a reading of the system's clocks. */
int64_t clock_follow_ms(struct clock *c, int64_t real_ms, int64_t steady_ms);

/* Test mode: from now on the clock stands at now_ms / has moved by delta_ms. */
void clock_set_ms(struct clock *c, int64_t now_ms);
void clock_advance_ms(struct clock *c, int64_t delta_ms);
bool clock_is_set(const struct clock *c);

/* Steady time for deadlines and measuring; never set, never goes back. */
int64_t clock_steady_ms(void);
int64_t clock_steady_us(void);

#endif
