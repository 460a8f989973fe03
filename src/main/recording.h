/* Recorded conversations as `rapport replay` reads them: what the contact wrote turn by turn, and
 * what the agent did and said then. A .json file holds one, a .jsonl file one a line. Task code. */
#ifndef MAIN_RECORDING_H
#define MAIN_RECORDING_H

#include "base/ctx.h"
#include "codec/json.h"

enum { RECORDINGS_MAX = 2000, RECORDING_TURNS_MAX = 500, RECORDING_CALLS_MAX = 64 };

struct recording {
    const char *path;
    int line;                 /* in a .jsonl file; 0 in a .json file */
    struct str name;          /* of the file, and the line, when it has none of its own */
    const struct json *value; /* as written: checked against the format */
    const struct json *turns;
};

struct recordings {
    int count;
    const struct recording *items;
};

/* A file, or all .json and .jsonl files of a folder, in order. Everything lies in c's arena.
 * E_INVALID names file, line and what is wrong; E_NOT_FOUND also when there is none at all. */
enum err recording_load(struct ctx *c, const char *path, struct recordings *out);

#endif
