/* What the measuring commands (`nlu eval`, `kb eval`) share: floors that results must reach, and
 * reports of several sets as text or as one JSON value. One thread. */
#ifndef MAIN_MEASURE_H
#define MAIN_MEASURE_H

#include "base/buf.h"
#include "main/command.h"

/* What is measured, and what it must reach: the n-th number of --floor is for the n-th set or file,
 * the last one for all that follow. */
struct measure_floors {
    struct str rest;
    double at;
    bool given;
};
struct measure_floors measure_floors_of(const struct invocation *in, const char *option);
/* The floor of the next set or file; -1: none. E_INVALID, as a fault of usage. */
enum err measure_next_floor(struct ctx *c, struct invocation *in, struct measure_floors *f,
                            double *out);
/* Prints what missed its floor; true when it did. */
bool measure_misses(const char *name, const char *what, double got, double floor);

/* Reports of several sets or files, as they come. */
struct measure_printer {
    struct invocation *in;
    struct buf out;
    int count;
    bool several, missed;
};
/* Between begin and end the caller adds a report to `out`. */
struct measure_printer measure_printer_of(struct invocation *in, bool several);
void measure_begin(struct measure_printer *p, const char *name);
void measure_end(struct measure_printer *p);
/* Prints and frees. E_CONFLICT when something missed its floor. */
enum err measure_print(struct ctx *c, struct measure_printer *p);

#endif
