#include "support/installation.h"

#include <stdio.h>
#include <stdlib.h>

enum { CTX_BYTES = 64 << 20, COMMAND_BYTES = 512 };

static bool make_folder(struct installation *w, const struct installation *model)
{
    char command[COMMAND_BYTES];
    const char *within = getenv("TMPDIR");
    int n = snprintf(w->folder, sizeof(w->folder), "%s/rapport-test.XXXXXX",
                     within && *within ? within : "/tmp");
    if (n >= (int)sizeof(w->folder) || !mkdtemp(w->folder)) {
        perror("mkdtemp");
        return false;
    }
    if (!model) {
        return true;
    }
    snprintf(command, sizeof(command), "cp -a '%s/.' '%s'", model->folder, w->folder);
    return system(command) == 0;
}

static void adjust(struct settings *s, const char *postgres_url)
{
    s->log_level = STR("error");
    s->test_clock = true;
    s->requests_burst = s->requests_per_minute = 0;
    s->public_requests_per_minute = s->sign_ins_per_hour = 0;
    if (postgres_url) {
        s->store_kind = STORE_POSTGRES;
        s->postgres_url = str_of(postgres_url);
    }
}

bool installation_open(struct installation *w, const struct installation_setup *setup)
{
    *w = (struct installation){.clock = clock_new()};
    clock_set_ms(w->clock, INSTALLATION_NOW_MS);
    if (!make_folder(w, setup->model)) {
        return false;
    }
    struct facilities none = {.clock = w->clock};
    struct ctx *c = ctx_new(&none, CTX_BYTES);
    struct lifecycle_config config = {
        .services = setup->services, .log_fd = 2, .clock = w->clock, .mishap = setup->mishap};
    enum err e = settings_read(c, str_of(w->folder), &config.settings);
    adjust(&config.settings, setup->postgres_url);
    e = e == E_OK ? lifecycle_open(c, &config, &w->life) : e;
    if (e != E_OK) {
        printf("Bail out! %s\n", c->fault.text);
    }
    ctx_free(&c);
    return e == E_OK;
}

void installation_stop(struct installation *w)
{
    lifecycle_close(&w->life, 0);
    clock_free(&w->clock);
}

void installation_close(struct installation *w)
{
    char command[COMMAND_BYTES];
    installation_stop(w);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    if (system(command) != 0) {
        fprintf(stderr, "%s stays behind\n", w->folder);
    }
}
