/* `rapport serve`, and what it leaves in the data folder for the other commands. */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

#include "main/command.h"

struct settings;

/* Settings of the folder that --data names (./data without it). E_INVALID, with the exit code of a
 * bad configuration; E_DENIED. */
enum err serve_settings(struct ctx *c, struct invocation *in, struct settings *out);

/* An installation without organisations gets the operator's. `samples` (NULL: none): then the demo
 * workspace as well. Task code; the system actor of lifecycle_ctx. */
enum err serve_prepare(struct ctx *c, const char *samples);

/* DATA/run.json: how the command line reaches the running server. Its owner's eyes only: who can
 * read it can read the master key beside it too. */
struct serve_run {
    struct str url, secret, operator_slug;
    int64_t pid;
};
enum err serve_write_run(struct ctx *c, struct str folder, const struct serve_run *run);
void serve_remove_run(struct ctx *c, struct str folder);
/* False when no server runs there. */
bool serve_read_run(struct ctx *c, struct str folder, struct serve_run *out);

extern const struct command serve_commands[];

#endif
