#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/settings.h"

enum { ARENA_BYTES = 256 << 20 };

struct world {
    struct facilities at;
    struct ctx *c;
    char folder[64], file[96];
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/rapport-settings.XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->file, sizeof(w->file), "%s/rapport.yaml", w->folder);
    w->c = ctx_new(&w->at, ARENA_BYTES);
    *state = w;
    for (int i = 0; setting_rows[i].name; i++) {
        unsetenv(setting_rows[i].env);
    }
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    unlink(w->file);
    rmdir(w->folder);
    ctx_free(&w->c);
    free(w);
    return 0;
}

static enum err read_text(struct world *w, const char *text, struct settings *out)
{
    FILE *f = fopen(w->file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    ctx_forgive(w->c);
    return settings_read(w->c, str_of(w->folder), out);
}

static void test_defaults(void **state)
{
    struct world *w = *state;
    struct settings s;
    assert_int_equal(settings_read(w->c, str_of(w->folder), &s), E_OK);
    assert_int_equal(s.port, 8080);
    assert_true(str_eqz(s.address, "127.0.0.1"));
    assert_int_equal(s.store_kind, STORE_SQLITE);
    assert_int_equal(s.requests_per_minute, 1000);
    assert_false(s.test_clock || s.allow_private_tools || s.keep_prompts);
    assert_int_equal(s.otlp_url.n, 0);
    assert_int_equal(json_count(s.llm), 0);
}

static void test_file_then_environment(void **state)
{
    struct world *w = *state;
    static const char text[] = "server: {port: 9000, address: 0.0.0.0}\n"
                               "traces: {otlp_url: \"http://collector:4318\"}\n"
                               "test: {clock: true}\n"
                               "llm: {providers: [{name: a}]}\n";
    struct settings s;
    assert_int_equal(read_text(w, text, &s), E_OK);
    assert_int_equal(s.port, 9000);
    assert_true(str_eqz(s.address, "0.0.0.0"));
    assert_true(str_eqz(s.otlp_url, "http://collector:4318"));
    assert_true(s.test_clock);
    assert_int_equal(json_count(json_get(s.llm, "providers")), 1);
    setenv("RAPPORT_PORT", "9001", 1);
    setenv("RAPPORT_TEST_CLOCK", "0", 1);
    setenv("RAPPORT_ADDRESS", "", 1);
    enum err e = read_text(w, text, &s);
    unsetenv("RAPPORT_PORT");
    unsetenv("RAPPORT_TEST_CLOCK");
    unsetenv("RAPPORT_ADDRESS");
    assert_int_equal(e, E_OK);
    assert_int_equal(s.port, 9001);
    assert_false(s.test_clock);
    assert_true(str_eqz(s.address, "0.0.0.0")); /* an empty variable says nothing */
}

struct bad_row {
    const char *text;
    int line;
    const char *says, *reason;
};

static const struct bad_row bad[] = {
    {"server:\n  port: 80\n  prot: 81\n", 3, "unknown key server.prot", "a misspelt key"},
    {"sever: {port: 80}\n", 1, "unknown key sever.port", "a misspelt section"},
    {"server: 8080\n", 1, "server must be a map", "no map"},
    {"log: {level: info}\nserver:\n  port: 65536\n", 3, "from 0 to 65535", "over the range"},
    {"server: {port: -1}\n", 1, "from 0 to 65535", "under the range"},
    {"server: {port: 80a}\n", 1, "whole number", "no number"},
    {"server: {port: 80.5}\n", 1, "whole number", "a fraction"},
    {"test:\n  clock: maybe\n", 2, "true or false", "no truth value"},
    {"store: {kind: oracle}\n", 1, "sqlite or postgres", "no such store"},
    {"server: {port: 1}\nserver: {port: 2}\n", 2, "", "a section twice"},
    {"server: {port: [\n", 2, "", "no YAML"},
};

static void test_refused(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct settings s;
        enum err e = read_text(w, bad[i].text, &s);
        const struct fault *f = &w->c->fault;
        if (e != E_INVALID || !strstr(f->text, bad[i].says)) {
            fail_msg("%s: %s, \"%s\"", bad[i].reason, err_name(e), f->text);
        }
        if (f->line != bad[i].line) {
            fail_msg("%s: line %d, not %d (%s)", bad[i].reason, f->line, bad[i].line, f->text);
        }
    }
}

static void test_refused_variable(void **state)
{
    struct world *w = *state;
    struct settings s;
    setenv("RAPPORT_PORT", "many", 1);
    enum err e = settings_read(w->c, str_of(w->folder), &s);
    unsetenv("RAPPORT_PORT");
    assert_int_equal(e, E_INVALID);
    assert_string_equal(w->c->fault.field, "server.port");
}

/* Every key that can be set is on the reference page, and the other way round. */
static void test_every_row_is_read(void **state)
{
    struct world *w = *state;
    for (int i = 0; setting_rows[i].name; i++) {
        const char *dot = strchr(setting_rows[i].name, '.');
        assert_non_null(dot);
        if (strncmp(setting_rows[i].name, "llm.", 4) == 0) {
            continue;
        }
        char text[200];
        struct settings s;
        snprintf(text, sizeof(text), "%.*s:\n  %s: [1]\n", (int)(dot - setting_rows[i].name),
                 setting_rows[i].name, dot + 1);
        read_text(w, text, &s);
        if (strstr(w->c->fault.text, "unknown key")) {
            fail_msg("%s", w->c->fault.text);
        }
    }
}

static void test_models(void **state)
{
    struct world *w = *state;
    struct settings s;
    struct models_config m;
    static const char text[] = "llm:\n  providers:\n    - name: vendor\n      kind: openai\n"
                               "      base_url: https://llm.example\n      key_env: TEST_LLM_KEY\n"
                               "      models: [{name: small, class: cheap, price_in: 0.5}]\n";
    assert_int_equal(read_text(w, text, &s), E_OK);
    unsetenv("TEST_LLM_KEY");
    assert_int_equal(settings_models(w->c, &s, &m), E_INVALID);
    assert_non_null(strstr(w->c->fault.text, "TEST_LLM_KEY"));
    setenv("TEST_LLM_KEY", "sk-1", 1);
    ctx_forgive(w->c);
    assert_int_equal(settings_models(w->c, &s, &m), E_OK);
    unsetenv("TEST_LLM_KEY");
    assert_string_equal(m.providers[0].name, "vendor");
    assert_int_equal(m.providers[0].models[0].model_class, MODELS_CHEAP);
    assert_int_equal(m.providers[0].models[0].price_in_millicents, 50000);
    assert_false(m.providers[0].allow_private);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_file_then_environment, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_refused, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_refused_variable, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_every_row_is_read, make_world, free_world),
        cmocka_unit_test_setup_teardown(test_models, make_world, free_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
