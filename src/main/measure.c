#include "main/measure.h"

#include <stdio.h>

#include "codec/json.h"

enum { REPORT_MAX_BYTES = 4 << 20 };

enum err measure_next_floor(struct ctx *c, struct invocation *in, struct measure_floors *f,
                            double *out)
{
    struct str piece;
    if (str_split(&f->rest, ',', &piece) && !str_to_double(piece, &f->at)) {
        return command_usage(c, in, "--floor takes numbers joined by commas");
    }
    *out = f->given ? f->at : -1;
    return E_OK;
}

struct measure_floors measure_floors_of(const struct invocation *in, const char *option)
{
    const char *text = command_option(in, option, NULL);
    struct str rest = text ? str_of(text) : (struct str){0};
    return (struct measure_floors){.rest = rest, .at = -1, .given = text != NULL};
}

bool measure_misses(const char *name, const char *what, double got, double floor)
{
    if (floor < 0 || got >= floor) {
        return false;
    }
    fprintf(stderr, "rapport: %s%s%s is %.4g, below the floor of %.4g\n", name, *name ? ": " : "",
            what, got, floor);
    return true;
}

void measure_begin(struct measure_printer *p, const char *name)
{
    if (p->in->json && p->several) {
        struct json_out o = json_out_to(&p->out);
        buf_addf(&p->out, "%s{\"name\":", p->count ? "," : "{\"items\":[");
        json_put_str(&o, str_of(name));
        buf_addf(&p->out, ",\"report\":");
    } else if (!p->in->json && *name) {
        buf_addf(&p->out, "%s== %s\n", p->count ? "\n" : "", name);
    }
    p->count++;
}

void measure_end(struct measure_printer *p)
{
    if (p->in->json && p->several) {
        buf_add_char(&p->out, '}');
    }
}

enum err measure_print(struct ctx *c, struct measure_printer *p)
{
    if (p->in->json) {
        buf_addf(&p->out, "%s\n", p->several ? "]}" : "");
    }
    fwrite(p->out.p, 1, p->out.n, stdout);
    buf_free(&p->out);
    if (p->missed) {
        p->in->exit_code = COMMAND_OTHER;
        return ctx_fail(c, E_CONFLICT, "a floor is not reached");
    }
    return E_OK;
}

struct measure_printer measure_printer_of(struct invocation *in, bool several)
{
    return (struct measure_printer){
        .in = in, .out = buf_make(REPORT_MAX_BYTES), .several = several};
}
