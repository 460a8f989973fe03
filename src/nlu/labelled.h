/* Labelled examples from the files in which people keep them. Pure. */
#ifndef NLU_LABELLED_H
#define NLU_LABELLED_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "nlu/classify.h"

/* JSONL: {text|utterance, intent|label|topic|category}; CSV with header: text|sentence|utterance,
 * category|label|intent|topic; TSV with header: the same names. The first byte and the header line
 * decide which it is. Rows whose label is "oos" or empty become out of scope ("oos"); rows without
 * text are left out. Strings lie in `a` or in `bytes`. E_INVALID names the line in out_fault. */
enum err labelled_read(struct arena *a, struct str bytes, struct classify_fault *out_fault,
                       struct classify_example **out_examples, size_t *out_n);

#endif
