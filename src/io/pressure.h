/* How much memory the process uses of what it may use, so that work can be refused with a clear
 * answer before the system refuses memory, which ends the process. Any thread. */
#ifndef IO_PRESSURE_H
#define IO_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>

struct pressure;

/* max_bytes of resident memory; 0: four fifths of the least that the system allows (control group,
 * limits of the process, the machine). */
struct pressure *pressure_new(size_t max_bytes);
void pressure_free(struct pressure **p);

/* Looks at most every 20 ms. */
bool pressure_is_high(struct pressure *p);
size_t pressure_max_bytes(const struct pressure *p);

/* The least that the system allows this process: its control group and those above it (version 2
 * and 1), the limit of its data, the machine. `root`: where /proc and /sys stand; "" but in tests.
 */
size_t pressure_allowed_bytes(const char *root);

#endif
