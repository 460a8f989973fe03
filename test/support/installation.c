#include "support/installation.h"

#include <stdio.h>
#include <stdlib.h>

enum { CTX_BYTES = 64 << 20 };

bool installation_open(struct installation *w, const struct service *const *services,
                       const char *postgres_url)
{
    *w = (struct installation){.clock = clock_new(), .folder = "/tmp/rapport-test.XXXXXX"};
    clock_set_ms(w->clock, INSTALLATION_NOW_MS);
    if (!mkdtemp(w->folder)) {
        perror("mkdtemp");
        return false;
    }
    struct facilities none = {.clock = w->clock};
    struct ctx *c = ctx_new(&none, CTX_BYTES);
    struct lifecycle_config config = {.services = services, .log_fd = 2, .clock = w->clock};
    enum err e = settings_read(c, str_of(w->folder), &config.settings);
    config.settings.log_level = STR("error");
    config.settings.test_clock = true;
    config.settings.requests_burst = config.settings.requests_per_minute = 0;
    config.settings.public_requests_per_minute = config.settings.sign_ins_per_hour = 0;
    if (postgres_url) {
        config.settings.store_kind = STORE_POSTGRES;
        config.settings.postgres_url = str_of(postgres_url);
    }
    e = e == E_OK ? lifecycle_open(c, &config, &w->life) : e;
    if (e != E_OK) {
        printf("Bail out! %s\n", c->fault.text);
    }
    ctx_free(&c);
    return e == E_OK;
}

void installation_close(struct installation *w)
{
    lifecycle_close(&w->life, 0);
    clock_free(&w->clock);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", w->folder);
    if (system(command) != 0) {
        fprintf(stderr, "%s stays behind\n", w->folder);
    }
}
