/* The same calls through a server and on the folder itself: a command must not see a difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "host/lifecycle.h"
#include "main/remote.h"
#include "main/serve.h"
#include "main/services.h"

enum { PATH_BYTES = 200, ARGS_MAX = 4 };

struct world {
    char folder[PATH_BYTES], data[PATH_BYTES + 8];
    struct lifecycle *l; /* the server, when there is one */
    struct facilities at;
    struct ctx *c;
    struct invocation in;
};

static const struct command command = {.name = "try", .args = "", .reach = COMMAND_REMOTE};

static void open_server(struct world *w)
{
    struct lifecycle_config config = {.services = all_services, .log_fd = 2};
    assert_int_equal(settings_read(w->c, str_of(w->data), &config.settings), E_OK);
    config.settings.test_clock = true; /* cheap passwords */
    config.settings.log_level = STR("error");
    config.settings.port = 0;
    if (lifecycle_open(w->c, &config, &w->l) != E_OK) {
        fail_msg("%s", w->c->fault.text);
    }
    struct ctx *own = lifecycle_ctx(w->l);
    assert_int_equal(serve_prepare(own, NULL), E_OK);
    if (lifecycle_serve(own, w->l) != E_OK) {
        fail_msg("%s", own->fault.text);
    }
    struct serve_run run = {.secret = str_of(w->l->host.local_secret),
                            .operator_slug = STR("operator"),
                            .pid = getpid()};
    run.url = str_fmt(own->arena, "http://127.0.0.1:%d", server_port(w->l->server));
    assert_int_equal(serve_write_run(own, str_of(w->data), &run), E_OK);
    ctx_free(&own);
}

static void close_server(struct world *w)
{
    serve_remove_run(w->c, str_of(w->data));
    lifecycle_close(&w->l, 1000);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/rapport-remote-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->data, sizeof(w->data), "%s/data", w->folder);
    w->at = (struct facilities){.clock = clock_new(), .log = log_new(2, LOG_ERROR)};
    w->c = ctx_new(&w->at, 256 << 20);
    w->in = (struct invocation){
        .command = &command, .options = {"data"}, .option_values = {w->data}, .option_count = 1};
    open_server(w);
    *state = w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    char text[PATH_BYTES + 20];
    close_server(w);
    ctx_free(&w->c);
    log_free(&w->at.log);
    clock_free(&w->at.clock);
    snprintf(text, sizeof(text), "rm -rf '%s'", w->folder);
    assert_int_equal(system(text), 0);
    free(w);
    return 0;
}

static struct remote *connect_remote(struct world *w, bool here)
{
    struct remote *r = NULL;
    if (remote_open(w->c, &w->in, &r) != E_OK) {
        fail_msg("%s", w->c->fault.text);
    }
    assert_int_equal(remote_is_here(r), here);
    return r;
}

static void set_org(struct world *w, const char *slug)
{
    w->in.options[1] = "org";
    w->in.option_values[1] = slug;
    w->in.option_count = slug ? 2 : 1;
}

/* What a command does, on either side. `name` is new each time. */
static void check_calls(struct world *w, bool here, const char *name)
{
    struct arena *a = w->c->arena;
    const struct json *answer = NULL, *items;
    struct remote *r = connect_remote(w, here);
    const struct json *wish = json_object(a, {"name", json_new_str(a, str_of(name))},
                                          {"slug", json_new_str(a, str_of(name))});

    assert_int_equal(remote_enter_operator(r), E_OK);
    assert_int_equal(remote_post(r, STR("/api/v1/orgs"), wish, &answer), E_OK);
    assert_true(str_eqz(json_str(answer, "slug", STR("")), name));

    assert_int_equal(remote_post(r, STR("/api/v1/orgs"), wish, &answer), E_CONFLICT);
    assert_string_equal(w->c->fault.field, "slug"); /* the problem's, as the API told it */
    assert_non_null(strstr(w->c->fault.text, name));

    assert_int_equal(remote_list(r, STR("/api/v1/orgs"), 100, &items), E_OK);
    assert_true(json_count(items) >= 2);
    assert_int_equal(remote_list(r, STR("/api/v1/orgs"), 1, &items), E_OK);
    assert_int_equal(json_count(items), 1);

    assert_int_equal(remote_get(r, STR("/api/v1/nothing%20here"), &answer), E_NOT_FOUND);
    assert_int_equal(remote_get(r, STR("/api/v1/orgs?limit=0"), &answer), E_INVALID);
    assert_string_equal(w->c->fault.field, "limit");

    assert_int_equal(remote_enter_slug(r, str_of(name)), E_OK);
    assert_int_equal(remote_get(r, STR("/api/v1/orgs"), &answer), E_DENIED); /* no operator now */
    assert_int_equal(remote_get(r, STR("/api/v1/audit-entries/check"), &answer), E_OK);
    assert_true(json_bool(answer, "intact", false));
    assert_int_equal(remote_enter_slug(r, STR("nobody")), E_NOT_FOUND);
    remote_close(&r);
}

static void test_same_both_ways(void **state)
{
    struct world *w = *state;
    check_calls(w, false, "over-the-wire");
    close_server(w);
    check_calls(w, true, "on-the-folder");
    check_calls(w, true, "and-again"); /* what it opened it closed */
    open_server(w);
}

static void test_chooses_org(void **state)
{
    struct world *w = *state;
    const struct json *answer;
    struct remote *r = connect_remote(w, false);
    set_org(w, "one");
    assert_int_equal(remote_enter(r), E_NOT_FOUND);
    set_org(w, NULL);
    assert_int_equal(remote_enter(r), E_OK); /* nobody but the operator */
    assert_int_equal(
        remote_post(r, STR("/api/v1/orgs"),
                    json_object(w->c->arena, {"name", json_new_str(w->c->arena, STR("One"))},
                                {"slug", json_new_str(w->c->arena, STR("one"))}),
                    &answer),
        E_OK);
    assert_int_equal(remote_enter(r), E_OK); /* the only client */
    assert_int_equal(remote_get(r, STR("/api/v1/auth/me"), &answer), E_NOT_FOUND); /* no member */
    assert_int_equal(remote_enter_operator(r), E_OK);
    assert_int_equal(
        remote_post(r, STR("/api/v1/orgs"),
                    json_object(w->c->arena, {"name", json_new_str(w->c->arena, STR("Two"))},
                                {"slug", json_new_str(w->c->arena, STR("two"))}),
                    &answer),
        E_OK);
    assert_int_equal(remote_enter(r), E_INVALID);
    assert_int_equal(w->in.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(w->c->fault.text, "--org one or --org two"));
    set_org(w, "two");
    assert_int_equal(remote_enter(r), E_OK);
    set_org(w, NULL);
    remote_close(&r);
}

static void test_finds_nothing(void **state)
{
    struct world *w = *state;
    struct remote *r = NULL;
    char elsewhere[PATH_BYTES + 20];
    snprintf(elsewhere, sizeof(elsewhere), "%s/none", w->folder);
    w->in.option_values[0] = elsewhere;
    assert_int_equal(remote_open(w->c, &w->in, &r), E_NOT_FOUND);
    assert_int_not_equal(access(elsewhere, F_OK), 0); /* and makes nothing */
    w->in.options[0] = "url";
    w->in.option_values[0] = "http://127.0.0.1:1";
    unsetenv("RAPPORT_KEY");
    assert_int_equal(remote_open(w->c, &w->in, &r), E_UNAUTHENTICATED);
    assert_non_null(strstr(w->c->fault.text, "RAPPORT_KEY"));
    setenv("RAPPORT_KEY", "rk_x", 1);
    assert_int_equal(remote_open(w->c, &w->in, &r), E_OK);
    const struct json *answer;
    assert_int_equal(remote_get(r, STR("/api/v1/orgs"), &answer), E_UNAVAILABLE);
    remote_close(&r);
    unsetenv("RAPPORT_KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_both_ways, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_chooses_org, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_finds_nothing, make_world, free_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
