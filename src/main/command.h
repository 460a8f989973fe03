/* The command line: const tables of commands drive dispatch, help, completion and the suggestion
 * for a word that is nearly one. A command is one row in the table of its own file; the tables are
 * listed in command.c. One thread. */
#ifndef MAIN_COMMAND_H
#define MAIN_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/ctx.h"

/* Exit codes. */
enum {
    COMMAND_OK = 0,
    COMMAND_OTHER = 1,         /* what was asked for failed: refused input, not found, a defect */
    COMMAND_USAGE = 2,         /* the command line itself is wrong */
    COMMAND_CONFIGURATION = 3, /* settings or data folder */
    COMMAND_CONFLICT = 4,      /* in use, or changed meanwhile; data of a newer version */
    COMMAND_DENIED = 5,
    COMMAND_FULL = 6,        /* disk */
    COMMAND_UNAVAILABLE = 7, /* nothing answers there, or not in time */
    COMMAND_STOPPED = 130,   /* by a signal */
};

struct option {
    const char *name;  /* "port" */
    char letter;       /* 'p', or 0 */
    const char *value; /* what follows it, in capitals; NULL: a switch */
    const char *summary;
};

enum { OPTIONS_MAX = 32 };

/* How much of Rapport a command needs. */
enum command_reach {
    COMMAND_ALONE,  /* no data folder at all */
    COMMAND_FOLDER, /* the data folder: --data */
    COMMAND_REMOTE  /* an organisation's data, through a server or the folder: --data --url --org */
};

struct invocation;

struct command {
    const char *name; /* "agent apply" */
    const char *args; /* "FILE" */
    const char *summary;
    enum command_reach reach;
    const struct option *options; /* ends with name NULL; may be NULL */
    int args_min, args_max;       /* args_max -1: any number */
    enum err (*run)(struct ctx *c, struct invocation *in);
};

/* A parsed command line. Lives until the command ends. */
struct invocation {
    const struct command *command;
    const char *options[OPTIONS_MAX];       /* names given */
    const char *option_values[OPTIONS_MAX]; /* "" for switches */
    int option_count;
    const char **args;
    int arg_count;
    bool json;     /* --json: for programs */
    int exit_code; /* what a failure ends with, unless 0 */
};

/* Tables end with name NULL. command_at counts over all of them; NULL past the last. */
const struct command *command_at(int index);
const struct command *command_find(struct str name);
/* The first words of two-word commands; NULL past the last. */
const char *command_group_at(int index);
/* The command or group that is meant most likely; NULL: none is near. */
const char *command_nearest(struct str words);
/* Options that commands of this reach share. */
const struct option *command_shared_options(enum command_reach reach);

/* The value of an option, or the fallback. */
const char *command_option(const struct invocation *in, const char *name, const char *fallback);
bool command_has(const struct invocation *in, const char *name);
/* E_INVALID, as a fault of usage, unless it is a whole number in the range. */
enum err command_number(struct ctx *c, struct invocation *in, const char *name, int64_t range[2],
                        int64_t *inout_value);

/* The command line is wrong: E_INVALID, exit code COMMAND_USAGE. */
enum err command_usage(struct ctx *c, struct invocation *in, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int command_exit_code(enum err e);

void command_help(const struct command *command, FILE *to);
void command_overview(FILE *to);

/* Runs what argv says; returns the exit code. */
int command_main(int argc, char **argv);

#endif
