#include "figure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *bench_name(void)
{
    static const char prefix[] = "bench_";
    const char *name = getenv("RAPPORT_BENCH");
    if (name && name[0]) {
        return name;
    }
    name = program_invocation_short_name;
    return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
}

static const char *kind_of(const struct figure *f)
{
    return f->limit == 0 ? "none" : f->at_least ? "least" : "most";
}

static bool is_held(const struct figure *f)
{
    return f->limit == 0 || (f->at_least ? f->value >= f->limit : f->value <= f->limit);
}

/* One write of one line: benches of one run may share the file. */
static void put_row(const struct figure *f)
{
    const char *path = getenv("RAPPORT_BENCH_ROWS");
    FILE *out = path && path[0] ? fopen(path, "a") : NULL;
    if (!out) {
        return;
    }
    fprintf(out, "%s\t%s\t%.6g\t%s\t%s\t%.6g\t%s\t%.6g\t%s\n", bench_name(), f->what, f->value,
            f->unit, kind_of(f), f->limit, f->beside ? f->beside : "", f->cpu_us,
            f->limit == 0 ? ""
            : is_held(f)  ? "ok"
                          : "missed");
    fclose(out);
}

bool figure_print(const struct figure *f)
{
    bool held = is_held(f);
    printf("%-52s %10.2f %-8s", f->what, f->value, f->unit);
    if (f->limit != 0) {
        printf(" %s %10.2f  x%-7.2f %s", f->at_least ? ">=" : "<=", f->limit, f->value / f->limit,
               held ? "ok" : "MISSED");
    }
    if (f->beside) {
        printf("  (%s)", f->beside);
    }
    if (f->cpu_us > 0) {
        printf("  CPU %.2f us each", f->cpu_us);
    }
    printf("\n");
    fflush(stdout);
    put_row(f);
    return held;
}

bool figure_wanted(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc < 2;
}
