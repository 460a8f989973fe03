/* What the disk and the database allow for the rows that a run left behind: the same rows written
 * once more into a fresh file, in as few transactions as they could have been committed in. */
#ifndef BENCH_RAW_ROWS_H
#define BENCH_RAW_ROWS_H

/* Copies the named tables (NULL at the end) of the largest database below `folder` into a file of
 * the same schema beside it, with the same durability, in `groups` transactions of about as many
 * rows each. Returns the seconds that took; *out_commit_us: the median of one commit. Ends the
 * bench when it cannot. */
double raw_rows_seconds(const char *folder, const char *const *tables, int groups,
                        double *out_commit_us);

#endif
