/* What the program says about itself: help, version, and completion for shells. All of it is
 * written from the tables of commands. */
#include <string.h>

#include "host/openapi.h"
#include "main/command.h"
#include "main/file.h"
#include "main/services.h"
#include "main/terminal.h"

static enum err help(struct ctx *c, struct invocation *in)
{
    if (in->arg_count == 0) {
        command_overview(stdout);
        return E_OK;
    }
    struct str name = str_of(in->args[0]);
    if (in->arg_count == 2) {
        name = str_fmt(c->arena, "%s %s", in->args[0], in->args[1]);
    }
    const struct command *command = command_find(name);
    if (command) {
        command_help(command, stdout);
        return E_OK;
    }
    bool any = false;
    for (int i = 0; (command = command_at(i)) != NULL; i++) { /* a group: each of it */
        struct str full = str_of(command->name);
        if (str_starts(full, name) && full.n > name.n && full.p[name.n] == ' ') {
            printf("%s", any ? "\n" : "");
            command_help(command, stdout);
            any = true;
        }
    }
    if (any) {
        return E_OK;
    }
    const char *near = command_nearest(name);
    return near ? command_usage(c, in, "there is no command \"%.*s\"; did you mean \"%s\"?",
                                STR_ARG(name), near)
                : command_usage(c, in, "there is no command \"%.*s\"; see `rapport help`",
                                STR_ARG(name));
}

static enum err version(struct ctx *c, struct invocation *in)
{
    if (in->json) {
        terminal_json(
            c, json_object(c->arena, {"version", json_new_str(c->arena, STR(RAPPORT_VERSION))},
                           {"libraries", json_new_str(c->arena, STR(RAPPORT_LIBRARIES))}));
        return E_OK;
    }
    printf("rapport %s\nbuilt with %s\n", RAPPORT_VERSION, RAPPORT_LIBRARIES);
    return E_OK;
}

/* ---- completion ---------------------------------------------------------- */

static void words_of_options(const struct option *o)
{
    for (; o && o->name; o++) {
        printf(" --%s%s", o->name, o->value ? "=" : "");
    }
}

/* "serve chat agent kb ...": the first words, each once. */
static void first_words(void)
{
    const struct command *it;
    struct str last = STR("");
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        struct str rest = str_of(it->name), word;
        str_split(&rest, ' ', &word);
        if (!str_eq(word, last)) {
            printf(" %.*s", STR_ARG(word));
        }
        last = word;
    }
}

static void bash(void)
{
    const struct command *it;
    printf("_rapport() {\n"
           "  local cur=${COMP_WORDS[COMP_CWORD]} words\n"
           "  COMPREPLY=()\n"
           "  case \"${COMP_WORDS[*]:1:COMP_CWORD-1}\" in\n");
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        printf("    \"%s\"*) words=\"", it->name);
        words_of_options(it->options);
        words_of_options(command_shared_options(it->reach));
        printf("\" ;;\n");
        struct str rest = str_of(it->name), group;
        str_split(&rest, ' ', &group);
        const struct command *next = command_at(i + 1);
        bool last = rest.n && !(next && str_starts(str_of(next->name), group));
        if (last) { /* after its commands: the group alone */
            printf("    \"%.*s\"*) words=\"", STR_ARG(group));
            const struct command *other;
            for (int k = 0; (other = command_at(k)) != NULL; k++) {
                struct str tail = str_of(other->name), head;
                str_split(&tail, ' ', &head);
                if (str_eq(head, group) && tail.n) {
                    printf(" %.*s", STR_ARG(tail));
                }
            }
            printf("\" ;;\n");
        }
    }
    printf("    *) words=\"");
    first_words();
    printf("\" ;;\n"
           "  esac\n"
           "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
           "}\n"
           "complete -o filenames -F _rapport rapport\n");
}

static void fish(void)
{
    const struct command *it;
    printf("complete -c rapport -n __fish_use_subcommand -f -a \"");
    first_words();
    printf("\"\n");
    for (int i = 0; (it = command_at(i)) != NULL; i++) {
        struct str rest = str_of(it->name), group;
        str_split(&rest, ' ', &group);
        if (rest.n) {
            printf(
                "complete -c rapport -n \"__fish_seen_subcommand_from %.*s\" -a %.*s -d \"%s\"\n",
                STR_ARG(group), STR_ARG(rest), it->summary);
        }
        const struct option *lists[] = {it->options, command_shared_options(it->reach)};
        for (int k = 0; k < 2; k++) {
            for (const struct option *o = lists[k]; o && o->name; o++) {
                struct str word = rest.n ? rest : group;
                printf("complete -c rapport -n \"__fish_seen_subcommand_from %.*s\" -l %s%s",
                       STR_ARG(word), o->name, o->value ? " -r" : "");
                if (o->letter) {
                    printf(" -s %c", o->letter);
                }
                printf(" -d \"%s\"\n", o->summary);
            }
        }
    }
}

static enum err completion(struct ctx *c, struct invocation *in)
{
    const char *shell = in->args[0];
    if (strcmp(shell, "bash") == 0) {
        bash();
    } else if (strcmp(shell, "zsh") == 0) {
        printf("autoload -U +X bashcompinit && bashcompinit\n");
        bash();
    } else if (strcmp(shell, "fish") == 0) {
        fish();
    } else {
        return command_usage(c, in, "completion knows bash, zsh and fish, not \"%s\"", shell);
    }
    return E_OK;
}

/* ---- reference pages ------------------------------------------------------ */

static enum err docs(struct ctx *c, struct invocation *in)
{
    const struct {
        const char *name;
        struct str text;
    } pages[] = {
        {"routes.md", openapi_routes_page(c, all_services)},
        {"topics.md", openapi_topics_page(c)},
        {"settings.md", openapi_settings_page(c, all_services)},
        {"services.md", openapi_services_page(c, all_services)},
        {"openapi.json", openapi_json(c, all_services)},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        const char *path =
            str_dupz(c->arena, str_fmt(c->arena, "%s/%s", in->args[0], pages[i].name));
        TRY(file_write(c, path, pages[i].text, false));
    }
    return E_OK;
}

const struct command reference_commands[] = {
    {"version", "", "The version, and what it was built with.", COMMAND_ALONE, NULL, 0, 0, version},
    {"completion", "SHELL",
     "Completion for bash, zsh or fish: `source <(rapport completion bash)`.", COMMAND_ALONE, NULL,
     1, 1, completion},
    {"docs", "FOLDER", "Write the reference pages (docs/generated) from the program's tables.",
     COMMAND_ALONE, NULL, 1, 1, docs},
    {"help", "[COMMAND]", "This, or more about one command.", COMMAND_ALONE, NULL, 0, 2, help},
    {0},
};
