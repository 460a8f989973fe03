/* `rapport org|member|key ...`: who there is and who may. */
#include <string.h>

#include "base/clock.h"
#include "codec/url.h"
#include "main/command.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { LIST_MAX = 10000, DAYS_MAX = 3650 };

struct work {
    struct invocation *in;
    struct remote *remote;
};

static enum err with_remote(struct ctx *c, struct invocation *in, bool as_operator,
                            enum err (*fn)(struct ctx *c, struct work *w))
{
    struct work w = {.in = in};
    TRY(remote_open(c, in, &w.remote));
    enum err e = as_operator ? remote_enter_operator(w.remote) : remote_enter(w.remote);
    e = e == E_OK ? fn(c, &w) : e;
    remote_close(&w.remote);
    return e;
}

static const struct json *words_json(struct ctx *c, const char *text)
{
    const struct json *list = &json_empty_array;
    struct str rest = str_of(text), word;
    while (str_split(&rest, ',', &word)) {
        if (str_trim(word).n) {
            list = json_push(c->arena, list, json_new_str(c->arena, str_trim(word)));
        }
    }
    return list;
}

static void tell(struct ctx *c, const struct work *w, const struct json *answer, const char *text)
{
    if (!w->in->json) {
        printf("%s\n", text);
    } else if (answer) {
        terminal_json(c, answer);
    } else {
        printf("{}\n");
    }
}

/* ---- orgs ---------------------------------------------------------------- */

static enum err org_list_connected(struct ctx *c, struct work *w)
{
    static const struct terminal_column columns[] = {
        {"SLUG", "slug", TERMINAL_TEXT},
        {"NAME", "name", TERMINAL_TEXT},
        {"KIND", "kind", TERMINAL_TEXT},
        {"STATUS", "status", TERMINAL_TEXT},
        {"SINCE (UTC)", "created_at", TERMINAL_TIME},
        {"ID", "id", TERMINAL_TEXT},
        {0},
    };
    const struct json *items;
    TRY(remote_list(w->remote, STR("/api/v1/orgs"), LIST_MAX, &items));
    terminal_list(c, w->in, items, columns);
    return E_OK;
}

static enum err org_list_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, true, org_list_connected);
}

/* "Green Gables Ltd." -> "green-gables-ltd" */
static struct str slug_of(struct ctx *c, const char *name)
{
    char *slug = str_dupz(c->arena, str_lower(c->arena, str_of(name)));
    size_t n = 0;
    for (const char *p = slug; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (plain) {
            slug[n++] = *p;
        } else if (n && slug[n - 1] != '-') {
            slug[n++] = '-';
        }
    }
    while (n && slug[n - 1] == '-') {
        n--;
    }
    return str_make(slug, n < 63 ? n : 63);
}

static enum err org_create_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    const struct json *answer;
    const char *given = command_option(w->in, "slug", NULL);
    struct str slug = given ? str_of(given) : slug_of(c, w->in->args[0]);
    TRY(remote_post(w->remote, STR("/api/v1/orgs"),
                    json_object(a, {"name", json_new_str(a, str_of(w->in->args[0]))},
                                {"slug", json_new_str(a, slug)}),
                    &answer));
    struct str next = str_fmt(a,
                              "%s is made. Its first member: rapport member add ADDRESS --org %.*s "
                              "--name NAME --role admin",
                              w->in->args[0], STR_ARG(slug));
    tell(c, w, answer, next.p);
    return E_OK;
}

static enum err org_create_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, true, org_create_connected);
}

static enum err find_org(struct ctx *c, struct work *w, const struct json **out)
{
    const struct json *items;
    struct str slug = str_of(w->in->args[0]);
    TRY(remote_list(w->remote, STR("/api/v1/orgs"), LIST_MAX, &items));
    for (size_t i = 0; i < json_count(items); i++) {
        if (str_eq(json_str(json_at(items, i), "slug", STR("")), slug)) {
            *out = json_at(items, i);
            return E_OK;
        }
    }
    return ctx_fail(c, E_NOT_FOUND, "there is no organisation %s", w->in->args[0]);
}

static enum err org_send(struct ctx *c, struct work *w, const char *method, const struct json *body)
{
    const struct json *org = NULL, *answer;
    TRY(find_org(c, w, &org));
    struct remote_call call = {.method = method, .body = body};
    call.path = str_fmt(c->arena, "/api/v1/orgs/%.*s", STR_ARG(json_str(org, "id", STR(""))));
    return remote_send(w->remote, &call, &answer);
}

static enum err org_set_status(struct ctx *c, struct work *w, const char *status, const char *said)
{
    struct arena *a = c->arena;
    TRY(org_send(c, w, "PATCH", json_object(a, {"status", json_new_str(a, str_of(status))})));
    tell(c, w, NULL, str_fmt(a, "%s %s.", w->in->args[0], said).p);
    return E_OK;
}

static enum err org_suspend_connected(struct ctx *c, struct work *w)
{
    return org_set_status(c, w, "suspended", "is suspended: nobody of it gets in");
}

static enum err org_suspend_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, true, org_suspend_connected);
}

static enum err org_resume_connected(struct ctx *c, struct work *w)
{
    return org_set_status(c, w, "active", "is active again");
}

static enum err org_resume_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, true, org_resume_connected);
}

static enum err org_erase_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    struct str slug = str_of(w->in->args[0]), typed;
    if (!command_has(w->in, "yes") &&
        (!terminal_line(c, "Everything of it will be gone. Its slug once more: ", false, &typed) ||
         !str_eq(str_trim(typed), slug))) {
        return ctx_fail(c, E_INVALID, "not confirmed; nothing is erased");
    }
    TRY(org_send(c, w, "DELETE", json_object(a, {"slug", json_new_str(a, slug)})));
    tell(c, w, NULL, str_fmt(a, "%s is being erased.", w->in->args[0]).p);
    return E_OK;
}

static enum err org_erase_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, true, org_erase_connected);
}

/* ---- members ------------------------------------------------------------- */

static enum err member_list_connected(struct ctx *c, struct work *w)
{
    static const struct terminal_column columns[] = {
        {"E-MAIL", "email", TERMINAL_TEXT},
        {"NAME", "name", TERMINAL_TEXT},
        {"ROLES", "roles", TERMINAL_TEXT},
        {"STATUS", "status", TERMINAL_TEXT},
        {"LAST SIGN-IN (UTC)", "last_login_at", TERMINAL_TIME},
        {0},
    };
    const struct json *items;
    TRY(remote_list(w->remote, STR("/api/v1/members"), LIST_MAX, &items));
    terminal_list(c, w->in, items, columns);
    return E_OK;
}

static enum err member_list_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, member_list_connected);
}

/* From the terminal, without echo, or the first line of standard input. */
static enum err read_password(struct ctx *c, struct str *out)
{
    struct str again;
    if (!terminal_line(c, "Password: ", true, out)) {
        return ctx_fail(c, E_INVALID, "no password on standard input");
    }
    if (terminal_is(0) &&
        (!terminal_line(c, "Once more: ", true, &again) || !str_eq(*out, again))) {
        return ctx_fail(c, E_INVALID, "the two passwords differ");
    }
    return E_OK;
}

static enum err member_add_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    const struct json *answer;
    const char *email = w->in->args[0], *name = command_option(w->in, "name", NULL);
    struct str password;
    TRY(read_password(c, &password));
    struct str local = str_of(email);
    ptrdiff_t at = str_find_char(local, '@');
    local = at > 0 ? str_sub(local, 0, (size_t)at) : local;
    TRY(remote_post(w->remote, STR("/api/v1/members"),
                    json_object(a, {"email", json_new_str(a, str_of(email))},
                                {"name", json_new_str(a, name ? str_of(name) : local)},
                                {"roles", words_json(c, command_option(w->in, "role", "support"))},
                                {"password", json_new_str(a, password)}),
                    &answer));
    tell(c, w, answer, str_fmt(a, "%s can sign in now.", email).p);
    return E_OK;
}

static enum err member_add_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, member_add_connected);
}

static enum err find_member(struct ctx *c, struct work *w, struct str *out_path)
{
    const struct json *items;
    struct str email = str_of(w->in->args[0]);
    TRY(remote_list(w->remote, STR("/api/v1/members"), LIST_MAX, &items));
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *m = json_at(items, i);
        if (str_eq_nocase(json_str(m, "email", STR("")), email) ||
            str_eq(json_str(m, "id", STR("")), email)) {
            *out_path =
                str_fmt(c->arena, "/api/v1/members/%.*s", STR_ARG(json_str(m, "id", STR(""))));
            return E_OK;
        }
    }
    return ctx_fail(c, E_NOT_FOUND, "there is no member %s", w->in->args[0]);
}

static enum err member_remove_connected(struct ctx *c, struct work *w)
{
    struct remote_call call = {.method = "DELETE"};
    const struct json *answer;
    TRY(find_member(c, w, &call.path));
    TRY(remote_send(w->remote, &call, &answer));
    tell(c, w, NULL, str_fmt(c->arena, "%s is removed.", w->in->args[0]).p);
    return E_OK;
}

static enum err member_remove_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, member_remove_connected);
}

static enum err member_password_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    struct remote_call call = {.method = "PATCH"};
    const struct json *answer;
    struct str password;
    TRY(find_member(c, w, &call.path));
    TRY(read_password(c, &password));
    call.body = json_object(a, {"password", json_new_str(a, password)});
    TRY(remote_send(w->remote, &call, &answer));
    tell(c, w, answer, str_fmt(a, "The password of %s is changed.", w->in->args[0]).p);
    return E_OK;
}

static enum err member_password_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, member_password_connected);
}

/* ---- API keys ------------------------------------------------------------ */

static enum err key_list_connected(struct ctx *c, struct work *w)
{
    static const struct terminal_column columns[] = {
        {"NAME", "name", TERMINAL_TEXT},
        {"SCOPES", "scopes", TERMINAL_TEXT},
        {"ROLES", "roles", TERMINAL_TEXT},
        {"MADE (UTC)", "created_at", TERMINAL_TIME},
        {"EXPIRES (UTC)", "expires_at", TERMINAL_TIME},
        {"ID", "id", TERMINAL_TEXT},
        {0},
    };
    const struct json *answer;
    TRY(remote_get(w->remote, STR("/api/v1/keys"), &answer));
    terminal_list(c, w->in, json_get(answer, "items"), columns);
    return E_OK;
}

static enum err key_list_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, key_list_connected);
}

static void tell_key(struct ctx *c, const struct work *w, const struct json *answer)
{
    if (w->in->json) {
        terminal_json(c, answer);
        return;
    }
    printf("%.*s\n", STR_ARG(json_str(answer, "key", STR(""))));
    fprintf(stderr, "This is shown once. Its id is %.*s.\n",
            STR_ARG(json_str(answer, "id", STR(""))));
}

static enum err key_create_connected(struct ctx *c, struct work *w)
{
    struct arena *a = c->arena;
    const struct json *answer;
    const char *roles = command_option(w->in, "role", NULL);
    int64_t days = 0, range[2] = {1, DAYS_MAX};
    TRY(command_number(c, w->in, "days", range, &days));
    int64_t expires = clock_now_ms(c->at->clock) + days * 86400000;
    TRY(remote_post(w->remote, STR("/api/v1/keys"),
                    json_object(a, {"name", json_new_str(a, str_of(w->in->args[0]))},
                                {"scopes", words_json(c, command_option(w->in, "scope", "*"))},
                                {"roles", roles ? words_json(c, roles) : NULL},
                                {"expires_at", days ? json_new_int(a, expires) : NULL}),
                    &answer));
    tell_key(c, w, answer);
    return E_OK;
}

static enum err key_create_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, key_create_connected);
}

static struct str key_path(struct ctx *c, const struct work *w, const char *tail)
{
    return str_fmt(c->arena, "/api/v1/keys/%.*s%s",
                   STR_ARG(url_encode(c->arena, str_of(w->in->args[0]), false)), tail);
}

static enum err key_rotate_connected(struct ctx *c, struct work *w)
{
    const struct json *answer;
    TRY(remote_post(w->remote, key_path(c, w, "/rotate"), &json_empty_object, &answer));
    tell_key(c, w, answer);
    return E_OK;
}

static enum err key_rotate_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, key_rotate_connected);
}

static enum err key_revoke_connected(struct ctx *c, struct work *w)
{
    struct remote_call call = {.method = "DELETE", .path = key_path(c, w, "")};
    const struct json *answer;
    TRY(remote_send(w->remote, &call, &answer));
    tell(c, w, NULL, "The key works no more.");
    return E_OK;
}

static enum err key_revoke_run(struct ctx *c, struct invocation *in)
{
    return with_remote(c, in, false, key_revoke_connected);
}

static const struct option org_options[] = {
    {"slug", 0, "SLUG", "its name in addresses; made from the name"},
    {0},
};
static const struct option erase_options[] = {
    {"yes", 'y', NULL, "without being asked for its slug again"},
    {0},
};
static const struct option member_options[] = {
    {"name", 'n', "NAME", "as others see it"},
    {"role", 'r', "ROLES", "separated by commas: admin, supervisor, support, engineer ..."},
    {0},
};
static const struct option key_options[] = {
    {"scope", 's', "SCOPES", "separated by commas, such as agents:read; all"},
    {"role", 'r', "ROLES", "at most those of who makes it; all of them"},
    {"days", 0, "N", "until it expires; never"},
    {0},
};

extern const struct command org_commands[];
const struct command org_commands[] = {
    {"org list", "", "The organisations of this installation.", COMMAND_REMOTE, NULL, 0, 0,
     org_list_run},
    {"org create", "NAME", "A new client organisation.", COMMAND_REMOTE, org_options, 1, 1,
     org_create_run},
    {"org suspend", "SLUG", "Shut an organisation out; its data stays.", COMMAND_REMOTE, NULL, 1, 1,
     org_suspend_run},
    {"org resume", "SLUG", "Let a suspended organisation in again.", COMMAND_REMOTE, NULL, 1, 1,
     org_resume_run},
    {"org erase", "SLUG", "Erase a suspended organisation with all its data, for good.",
     COMMAND_REMOTE, erase_options, 1, 1, org_erase_run},
    {"member list", "", "The people of an organisation.", COMMAND_REMOTE, NULL, 0, 0,
     member_list_run},
    {"member add", "EMAIL", "Add a person; the password is asked for.", COMMAND_REMOTE,
     member_options, 1, 1, member_add_run},
    {"member remove", "EMAIL", "Remove a person.", COMMAND_REMOTE, NULL, 1, 1, member_remove_run},
    {"member password", "EMAIL", "Set a person's password.", COMMAND_REMOTE, NULL, 1, 1,
     member_password_run},
    {"key list", "", "The API keys of an organisation.", COMMAND_REMOTE, NULL, 0, 0, key_list_run},
    {"key create", "NAME", "Make an API key.", COMMAND_REMOTE, key_options, 1, 1, key_create_run},
    {"key rotate", "ID", "A new secret; the old one works for a day.", COMMAND_REMOTE, NULL, 1, 1,
     key_rotate_run},
    {"key revoke", "ID", "End a key.", COMMAND_REMOTE, NULL, 1, 1, key_revoke_run},
    {0},
};
