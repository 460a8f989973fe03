/* Splits argv into a command, its options and the rest. Pure but for the fault in c. */
#ifndef MAIN_ARGUMENTS_H
#define MAIN_ARGUMENTS_H

#include "main/command.h"

/* The command that argv[1...] names by one or two words, and how many words that took; NULL when
 * there is none. */
const struct command *arguments_command(int argc, char **argv, int *out_words);

/* Reads what follows the command's words. "--name value", "--name=value", "-n value"; "--" ends
 * options. E_INVALID with the nearest known option in the text. */
enum err arguments_parse(struct ctx *c, struct invocation *in, int argc, char **argv);

/* The one that is meant most likely: at most two slips away. NULL: none is near. `next` gives the
 * candidates until it returns NULL. */
const char *arguments_nearest(struct str word, const char *(*next)(const void *arg, int index),
                              const void *arg);

#endif
