/* Labelled examples for `rapport nlu`, from files, folders and agent YAML. A folder may hold
 * several sets: what stands in a file name before train, val, dev or test names its set. */
#ifndef MAIN_EXAMPLE_SETS_H
#define MAIN_EXAMPLE_SETS_H

#include "main/command.h"
#include "nlu/classify.h"

struct examples {
    struct classify_example *items;
    size_t n;
};

struct example_set {
    const char *name; /* "": the folder has only one; lives in c's arena */
    struct examples train, validation, test;
};

enum { EXAMPLE_SETS_MAX = 32 };

struct example_sets {
    struct example_set items[EXAMPLE_SETS_MAX];
    int count; /* at least 1, each with training examples */
};

/* The arguments, and the options train, val and test, which take files joined by commas. E_INVALID
 * names file and line. */
enum err example_sets_read(struct ctx *c, struct invocation *in, struct example_sets *out);
/* All in one. */
enum err example_sets_join(struct ctx *c, const struct example_sets *sets, struct example_set *out);

#endif
