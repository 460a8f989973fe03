/* Counters, gauges and histograms of the process, rendered as Prometheus text (exposition format
 * 0.0.4). Names and label sets are fixed texts of the code; label values come from small closed
 * sets, never from data. Any thread; an update is one atomic add once the series exists. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

#include "base/buf.h"

struct metrics;
struct series;

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics *metrics_new(void);
void metrics_free(struct metrics **m);

/* Finds or makes the series. labels: `method="GET",status="200"`, or "". At most 4,096 series; past
 * that a shared overflow series is returned, so it is never NULL. Histograms count milliseconds in
 * buckets from 1 to 60,000. */
struct series *metric_series(struct metrics *m, enum metric_kind kind, const char *name,
                             const char *help, const char *labels);
void metric_add(struct series *s, int64_t n);
void metric_set(struct series *s, int64_t value);
void metric_observe_ms(struct series *s, double ms);

/* All series, grouped by name. */
void metrics_write(struct metrics *m, struct buf *out);

#endif
