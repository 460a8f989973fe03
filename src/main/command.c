#include "main/command.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "main/arguments.h"
#include "main/terminal.h"

enum { ARENA_MAX_BYTES = 1 << 30, NAME_COLUMN = 16, OPTION_COLUMN = 24 };

extern const struct command serve_commands[], chat_commands[], agent_commands[],
    knowledge_commands[], nlu_commands[], org_commands[], event_commands[], doctor_commands[],
    health_commands[], reference_commands[], backup_commands[], restore_commands[],
    replay_commands[], record_commands[], ask_commands[], eval_commands[];

static const struct command *const tables[] = {
    serve_commands,  chat_commands,      agent_commands,  knowledge_commands,
    nlu_commands,    health_commands,    org_commands,    event_commands,
    doctor_commands, reference_commands, backup_commands, restore_commands,
    replay_commands, record_commands,    ask_commands,    eval_commands,
};

const struct command *command_at(int index)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
        for (const struct command *it = tables[t]; it->name; it++) {
            if (index-- == 0) {
                return it;
            }
        }
    }
    return NULL;
}

const struct command *command_find(struct str name)
{
    const struct command *it;
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        if (str_eqz(name, it->name)) {
            return it;
        }
    }
    return NULL;
}

const struct option *command_shared_options(enum command_reach reach)
{
    static const struct option remote[] = {
        {"org", 'o', "SLUG", "organisation to work in (or RAPPORT_ORG)"},
        {"url", 'u', "URL", "a server elsewhere (or RAPPORT_URL); its API key in RAPPORT_KEY"},
        {"data", 'd', "FOLDER", "data folder (./data)"},
        {"json", 0, NULL, "JSON on standard output"},
        {"help", 'h', NULL, "this text"},
        {0},
    };
    return reach == COMMAND_REMOTE ? remote : reach == COMMAND_FOLDER ? remote + 2 : remote + 3;
}

/* ---- reading an invocation ----------------------------------------------- */

const char *command_option(const struct invocation *in, const char *name, const char *fallback)
{
    for (int i = in->option_count - 1; i >= 0; i--) { /* the last one counts */
        if (strcmp(in->options[i], name) == 0) {
            return in->option_values[i];
        }
    }
    return fallback;
}

bool command_has(const struct invocation *in, const char *name)
{
    return command_option(in, name, NULL) != NULL;
}

enum err command_number(struct ctx *c, struct invocation *in, const char *name, int64_t range[2],
                        int64_t *inout_value)
{
    const char *text = command_option(in, name, NULL);
    int64_t value;
    if (!text) {
        return E_OK;
    }
    if (!str_to_i64(str_of(text), &value) || value < range[0] || value > range[1]) {
        return command_usage(c, in, "--%s must be a whole number from %lld to %lld", name,
                             (long long)range[0], (long long)range[1]);
    }
    *inout_value = value;
    return E_OK;
}

enum err command_usage(struct ctx *c, struct invocation *in, const char *fmt, ...)
{
    char text[CTX_FAULT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    in->exit_code = COMMAND_USAGE;
    return ctx_fail(c, E_INVALID, "%s", text);
}

int command_exit_code(enum err e)
{
    switch (e) {
    case E_OK:
        return COMMAND_OK;
    case E_CONFLICT:
        return COMMAND_CONFLICT;
    case E_UNAUTHENTICATED:
    case E_DENIED:
        return COMMAND_DENIED;
    case E_FULL:
        return COMMAND_FULL;
    case E_UNAVAILABLE:
    case E_TIMEOUT:
    case E_LIMIT:
        return COMMAND_UNAVAILABLE;
    case E_CANCELLED:
        return COMMAND_STOPPED;
    default:
        return COMMAND_OTHER;
    }
}

/* ---- help ---------------------------------------------------------------- */

static void print_options(const struct option *o, FILE *to)
{
    for (; o && o->name; o++) {
        char left[80];
        char letter[6] = "    ";
        if (o->letter) {
            snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        }
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(to, "  %-*s %s\n", OPTION_COLUMN, left, o->summary);
    }
}

void command_help(const struct command *command, FILE *to)
{
    fprintf(to, "rapport %s%s%s\n\n%s\n\n", command->name, command->args[0] ? " " : "",
            command->args, command->summary);
    print_options(command->options, to);
    print_options(command_shared_options(command->reach), to);
}

/* The commands of a group ("agent"), or all of them. */
static int print_commands(struct str group, FILE *to)
{
    const struct command *it;
    int n = 0;
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        struct str name = str_of(it->name);
        bool inside =
            group.n == 0 || (name.n > group.n && str_starts(name, group) && name.p[group.n] == ' ');
        if (inside) {
            fprintf(to, "  %-*s %s\n", NAME_COLUMN, it->name, it->summary);
            n++;
        }
    }
    return n;
}

void command_overview(FILE *to)
{
    fprintf(to, "rapport COMMAND [OPTIONS]\n\n");
    print_commands(STR(""), to);
    fprintf(to, "\n`rapport help COMMAND` tells more. Commands work through the running server, or "
                "on the\ndata folder itself when none runs.\n");
}

/* ---- dispatch ------------------------------------------------------------ */

const char *command_group_at(int index)
{
    static const char *const groups[] = {"agent", "kb",     "nlu", "health",
                                         "org",   "member", "key", "events"};
    return index < (int)(sizeof(groups) / sizeof(*groups)) ? groups[index] : NULL;
}

static const char *group_at(const void *arg, int index)
{
    (void)arg;
    return command_group_at(index);
}

static const char *name_at(const void *arg, int index)
{
    (void)arg;
    const struct command *it = command_at(index);
    return it ? it->name : NULL;
}

const char *command_nearest(struct str words)
{
    const char *near = arguments_nearest(words, name_at, NULL);
    return near ? near : arguments_nearest(words, group_at, NULL);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* No command: help, a group, or a slip of the finger. */
static int without_command(int argc, char **argv)
{
    if (argc < 2) {
        command_overview(stderr);
        return COMMAND_USAGE;
    }
    if (is_help(argv[1])) {
        command_overview(stdout);
        return COMMAND_OK;
    }
    char words[100];
    bool two = argc > 2 && argv[2][0] != '-';
    snprintf(words, sizeof(words), "%.40s%s%.40s", argv[1], two ? " " : "", two ? argv[2] : "");
    bool asks = argc > 2 && is_help(argv[2]);
    if (!two && print_commands(str_of(argv[1]), asks ? stdout : stderr) > 0) {
        return asks ? COMMAND_OK : COMMAND_USAGE;
    }
    const char *near = command_nearest(str_of(words));
    near = near ? near : command_nearest(str_of(argv[1]));
    fprintf(stderr,
            near ? "rapport: unknown command \"%s\"; did you mean \"%s\"?\n"
                 : "rapport: unknown command \"%s\"; see `rapport help`\n",
            words, near);
    return COMMAND_USAGE;
}

static enum err check_count(struct ctx *c, struct invocation *in)
{
    const struct command *command = in->command;
    if (in->arg_count < command->args_min) {
        return command_usage(c, in, "rapport %s %s: something is missing", command->name,
                             command->args);
    }
    if (command->args_max >= 0 && in->arg_count > command->args_max) {
        return command_usage(c, in, "%s: \"%s\" is one too many; see `rapport help %s`",
                             command->name, in->args[command->args_max], command->name);
    }
    return E_OK;
}

static enum err run(struct ctx *c, struct invocation *in, int argc, char **argv)
{
    TRY(arguments_parse(c, in, argc, argv));
    if (command_has(in, "help")) {
        command_help(in->command, stdout);
        return E_OK;
    }
    TRY(check_count(c, in));
    return in->command->run(c, in);
}

int command_main(int argc, char **argv)
{
    int words = 0;
    struct invocation in = {0};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk: E_FULL */
    in.command = arguments_command(argc, argv, &words);
    if (!in.command && argc == 2 && strcmp(argv[1], "--version") == 0) {
        in.command = command_find(STR("version"));
        words = 1;
    }
    if (!in.command) {
        return without_command(argc, argv);
    }
    struct facilities at = {.clock = clock_new(), .log = log_new(STDERR_FILENO, LOG_WARN)};
    struct ctx *c = ctx_new(&at, ARENA_MAX_BYTES);
    enum err e = run(c, &in, argc - 1 - words, argv + 1 + words);
    int code = in.exit_code ? in.exit_code : command_exit_code(e);
    if (e != E_OK) {
        terminal_fault(c);
    }
    if (fflush(stdout) != 0 && code == COMMAND_OK) {
        code = COMMAND_OTHER; /* whoever reads our output is gone, or the disk is full */
    }
    ctx_free(&c);
    log_free(&at.log);
    clock_free(&at.clock);
    return code;
}
