/* One figure of a benchmark: a line on the terminal, and a row in the file that RAPPORT_BENCH_ROWS
 * names, out of which bench/run makes its table. */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stdbool.h>

struct figure {
    const char *what;
    double value;
    const char *unit;
    double limit; /* 0: none; the figure then stands for itself, as a peer's does */
    bool at_least;
    const char *beside; /* where the limit is from: "1.3 x bare libcurl"; NULL: it is fixed */
    double cpu_us;      /* user and system, of one operation; 0: not told */
};

/* Whether the limit was held. */
bool figure_print(const struct figure *f);

/* Whether the command line names it, or nothing at all. */
bool figure_wanted(int argc, char **argv, const char *name);

#endif
