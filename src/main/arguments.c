#include "main/arguments.h"

#include <string.h>

enum { WORD_MAX = 40, SLIPS_MAX = 2 };

/* ---- the command --------------------------------------------------------- */

const struct command *arguments_command(int argc, char **argv, int *out_words)
{
    char name[2 * WORD_MAX + 2];
    for (int words = 2; words >= 1; words--) {
        if (argc < 1 + words || strlen(argv[1]) > WORD_MAX ||
            (words == 2 && strlen(argv[2]) > WORD_MAX)) {
            continue;
        }
        snprintf(name, sizeof(name), "%s%s%s", argv[1], words == 2 ? " " : "",
                 words == 2 ? argv[2] : "");
        const struct command *found = command_find(str_of(name));
        if (found) {
            *out_words = words;
            return found;
        }
    }
    return NULL;
}

/* ---- what is nearest ----------------------------------------------------- */

static int least(int a, int b, int c)
{
    int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions, replacements and swapped neighbours between two short words. */
static int slips(struct str a, struct str b)
{
    int rows[3][WORD_MAX + 1];
    if (a.n > WORD_MAX || b.n > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= b.n; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        int *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int same = a.p[i - 1] == b.p[j - 1] ? 0 : 1;
            now[j] = least(before[j] + 1, now[j - 1] + 1, before[j - 1] + same);
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && earlier[j - 2] + 1 < now[j]) {
                now[j] = earlier[j - 2] + 1;
            }
        }
    }
    return rows[a.n % 3][b.n];
}

const char *arguments_nearest(struct str word, const char *(*next)(const void *arg, int index),
                              const void *arg)
{
    const char *best = NULL, *candidate;
    int best_slips = SLIPS_MAX + 1;
    for (int i = 0; (candidate = next(arg, i)) != NULL; i++) {
        int n = slips(word, str_of(candidate));
        bool begins = word.n >= 3 && str_starts(str_of(candidate), word);
        n = begins && n > 1 ? 1 : n;
        if (n < best_slips) {
            best = candidate;
            best_slips = n;
        }
    }
    return best;
}

/* ---- options ------------------------------------------------------------- */

static const struct option *option_at(const struct command *command, int index)
{
    for (const struct option *o = command->options; o && o->name; o++) {
        if (index-- == 0) {
            return o;
        }
    }
    for (const struct option *o = command_shared_options(command->reach); o->name; o++) {
        if (index-- == 0) {
            return o;
        }
    }
    return NULL;
}

static const char *option_name(const void *arg, int index)
{
    const struct option *o = option_at(arg, index);
    return o ? o->name : NULL;
}

static const struct option *find_option(const struct command *command, struct str name, char letter)
{
    const struct option *o;
    for (int i = 0; (o = option_at(command, i)) != NULL; i++) {
        if (letter ? o->letter == letter : str_eqz(name, o->name)) {
            return o;
        }
    }
    return NULL;
}

static enum err add_option(struct ctx *c, struct invocation *in, const struct option *o,
                           const char *value)
{
    if (in->option_count == OPTIONS_MAX) {
        return command_usage(c, in, "too many options");
    }
    in->options[in->option_count] = o->name;
    in->option_values[in->option_count++] = value;
    return E_OK;
}

static enum err unknown(struct ctx *c, struct invocation *in, const char *text, struct str name)
{
    const char *near = arguments_nearest(name, option_name, in->command);
    return near ? command_usage(c, in, "%s: unknown option %s; did you mean --%s?",
                                in->command->name, text, near)
                : command_usage(c, in, "%s: unknown option %s; see `rapport help %s`",
                                in->command->name, text, in->command->name);
}

/* Reads argv[*at], which begins with "-", and its value. */
static enum err parse_option(struct ctx *c, struct invocation *in, char **argv, int *at)
{
    const char *text = argv[*at], *value = NULL;
    bool is_long = text[1] == '-';
    struct str name = str_of(text + (is_long ? 2 : 1));
    const char *equals = is_long ? strchr(text, '=') : NULL;
    if (equals) {
        name = str_make(text + 2, (size_t)(equals - text) - 2);
        value = equals + 1;
    }
    const struct option *o = find_option(in->command, name, is_long ? 0 : text[1]);
    if (!o) {
        return unknown(c, in, text, name);
    }
    if (!is_long && text[2]) {
        value = text + 2;
    }
    if (!o->value) {
        return value ? command_usage(c, in, "--%s takes no value", o->name)
                     : add_option(c, in, o, "");
    }
    if (!value) {
        value = argv[*at + 1];
        *at += 1;
    }
    if (!value) {
        return command_usage(c, in, "--%s needs %s", o->name, o->value);
    }
    return add_option(c, in, o, value);
}

enum err arguments_parse(struct ctx *c, struct invocation *in, int argc, char **argv)
{
    bool options = true;
    in->args = ARENA_ARRAY(c->arena, const char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        if (options && strcmp(text, "--") == 0) {
            options = false;
        } else if (options && text[0] == '-' && text[1]) {
            TRY(parse_option(c, in, argv, &i));
        } else {
            in->args[in->arg_count++] = text;
        }
    }
    in->json = command_has(in, "json");
    return E_OK;
}
