/* `rapport health backtest`: how well a formula would have foretold what happened to the accounts
 * of a file, beside weights that were learnt from the same file. It scores nothing by them:
 * --register keeps them as a formula of the org, and `rapport health use` is how people choose one.
 * Only those two need a server or a data folder. */
#include <stdlib.h>
#include <string.h>

#include "codec/csv.h"
#include "codec/hmac.h"
#include "codec/jq.h"
#include "main/backtest.h"
#include "main/command.h"
#include "main/file.h"
#include "main/remote.h"
#include "main/terminal.h"

enum { NAME_MAX_BYTES = 200 };

/* ---- the file ------------------------------------------------------------ */

static enum err read_header(struct ctx *c, const struct csv_row *row, struct backtest_file *f)
{
    if (row->count > BACKTEST_COLUMNS_MAX) {
        return ctx_fail(c, E_TOO_LARGE, "the file has more than %d columns", BACKTEST_COLUMNS_MAX);
    }
    f->columns = row->count;
    for (size_t i = 0; i < row->count; i++) {
        if (row->cells[i].n > NAME_MAX_BYTES) {
            return ctx_fail_place(c, E_TOO_LARGE, 1, (int)i + 1, "a column's name is too long");
        }
        f->names[i] = row->cells[i];
    }
    return E_OK;
}

static enum err add_row(struct ctx *c, const struct csv_row *row, struct backtest_file *f)
{
    if (row->count != f->columns) {
        return ctx_fail_place(c, E_INVALID, (int)row->line, 1, "%zu cells where the header has %zu",
                              row->count, f->columns);
    }
    if (f->rows == BACKTEST_ROWS_MAX) {
        return ctx_fail_place(c, E_TOO_LARGE, (int)row->line, 1, "more than %d rows",
                              BACKTEST_ROWS_MAX);
    }
    if (f->rows % 1024 == 0) {
        f->cells = mem_grow(f->cells, (f->rows + 1024) * sizeof *f->cells);
        f->lines = mem_grow(f->lines, (f->rows + 1024) * sizeof *f->lines);
    }
    f->cells[f->rows] = row->cells;
    f->lines[f->rows++] = row->line;
    return E_OK;
}

static enum err read_rows(struct ctx *c, struct csv *csv, struct backtest_file *f)
{
    struct csv_row row;
    enum csv_step step;
    while ((step = csv_next(csv, c->arena, &row)) == CSV_ROW) {
        TRY(f->columns ? add_row(c, &row, f) : read_header(c, &row, f));
    }
    if (step == CSV_BAD) {
        return ctx_fail(c, E_INVALID, "%s", csv_problem(csv));
    }
    return f->rows ? E_OK : ctx_fail(c, E_INVALID, "the file has no rows");
}

static enum err read_file(struct ctx *c, const char *path, struct backtest_file *f,
                          struct str *out_sha256)
{
    struct str bytes;
    TRY(file_read(c, path, &bytes));
    *out_sha256 = hmac_sha256_hex(c->arena, bytes);
    struct csv *csv = csv_new(0);
    csv_feed(csv, bytes, true);
    enum err e = read_rows(c, csv, f);
    csv_free(&csv);
    return e == E_OK ? E_OK : file_fault(c, path, -1);
}

/* ---- what was asked -------------------------------------------------------- */

static enum err read_outcome(struct ctx *c, struct invocation *in, const struct backtest_file *f,
                             struct backtest_order *out)
{
    struct str text = str_of(command_option(in, "outcome", ""));
    ptrdiff_t sign = str_find_char(text, '=');
    if (sign <= 0) {
        return command_usage(c, in, "--outcome needs COLUMN=VALUE, such as Churn=Yes");
    }
    struct str name = str_sub(text, 0, (size_t)sign);
    out->outcome_value = str_sub(text, (size_t)sign + 1, text.n);
    out->outcome_column = backtest_column(f, name);
    return out->outcome_column >= 0
               ? E_OK
               : ctx_fail(c, E_INVALID, "the file has no column %.*s", STR_ARG(name));
}

static enum err read_map(struct ctx *c, struct invocation *in, struct backtest_order *out)
{
    struct str source = str_of(command_option(in, "map", ""));
    const char *path = command_option(in, "map-file", NULL);
    struct jq_fault fault = {0};
    if (path) {
        TRY(file_read(c, path, &source));
    }
    if (!source.n) {
        return command_usage(c, in,
                             "--map or --map-file must say how a row becomes {trend, "
                             "open_tickets, renewal_days}");
    }
    enum err e = jq_new(source, NULL, &out->map, &fault);
    return e == E_OK
               ? E_OK
               : ctx_fail_place(c, e, fault.line, fault.column, "the mapping: %s", fault.text);
}

static enum err read_order(struct ctx *c, struct invocation *in, const struct backtest_file *f,
                           struct backtest_order *out)
{
    struct str name = str_of(command_option(in, "formula", "copilot_v1"));
    int64_t range[2] = {2, LOGISTIC_FOLDS_MAX}, folds = 5;
    TRY(command_number(c, in, "folds", range, &folds));
    out->folds = (size_t)folds;
    out->formula = health_formula_find(name);
    out->leave = str_of(command_option(in, "leave", ""));
    if (!out->formula) {
        return ctx_fail(c, E_INVALID, "there is no formula %.*s", STR_ARG(name));
    }
    TRY(read_outcome(c, in, f, out));
    return read_map(c, in, out);
}

/* ---- the report ------------------------------------------------------------ */

static void print_bands(const struct backtest_report *r)
{
    printf("\nAs likely as it says? Tenths of the accounts, the safest first.\n\n");
    printf("  tenth   score          happened    weights of the factors    all columns\n"
           "                                     says     happened         says     happened\n");
    for (int b = 0; b < OUTCOME_BANDS; b++) {
        const struct outcome_band *f = &r->fixed.bands[b], *w = &r->factors.bands[b],
                                  *a = &r->all.bands[b];
        printf("  %5d   %3.0f to %-3.0f    %6.1f %%   %6.1f %%   %6.1f %%", b + 1,
               100 - f->risk_high, 100 - f->risk_low, backtest_share(f), 100 * w->risk_mean,
               backtest_share(w));
        printf("        %6.1f %%   %6.1f %%\n", 100 * a->risk_mean, backtest_share(a));
    }
}

static void print_report(const struct backtest_order *order, const struct backtest_report *r)
{
    static const char *const titles[] = {"fixed weights", "trained weights of the same factors",
                                         "trained on all columns"};
    const struct outcome_report *all[] = {&r->fixed, &r->factors, &r->all};
    printf("%s over %zu accounts, of which it happened to %zu (%.1f %%); %zu left out for a "
           "factor that is missing.\nTrained ones are measured on rows they were not taught "
           "with (%zu parts).\n\n",
           order->formula->name, r->fixed.cases, r->fixed.happened,
           100.0 * (double)r->fixed.happened / (double)r->fixed.cases, r->left_out, order->folds);
    printf("  %-38s  %6s  %8s  %8s  %9s  %9s\n", "", "AUC", "lift 10 %", "lift 20 %", "Brier",
           "off by");
    for (int i = 0; i < 3; i++) {
        printf("  %-38s  %6.3f  %9.2f  %9.2f", titles[i], all[i]->auc, all[i]->lift[0],
               all[i]->lift[1]);
        if (i) {
            printf("  %9.4f  %7.1f %%\n", all[i]->brier, 100 * all[i]->off);
        } else {
            printf("  %9s  %9s\n", "-", "-");
        }
    }
    print_bands(r);
    printf("\nWeights, of 100: ");
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        printf("%s%s %d, trained %.0f", i ? "; " : "", health_factor_name((enum health_factor)i),
               order->formula->weights[i], r->weights[i]);
    }
    printf(".\nNothing was changed: the formula stays what it is.\n");
}

/* ---- registering ----------------------------------------------------------- */

static const struct json *provenance_of(struct arena *a, struct invocation *in,
                                        const struct backtest_report *r, struct str sha256)
{
    struct str outcome = str_of(command_option(in, "outcome", ""));
    return json_object(
        a, {"data_sha256", json_new_str(a, sha256)}, {"outcome", json_new_str(a, outcome)},
        {"cases", json_new_int(a, (int64_t)r->fixed.cases)},
        {"happened", json_new_int(a, (int64_t)r->fixed.happened)},
        {"auc", json_new_real(a, r->factors.auc)}, {"fixed_auc", json_new_real(a, r->fixed.auc)},
        {"brier", json_new_real(a, r->factors.brier)}, {"off", json_new_real(a, r->factors.off)});
}

static enum err with_remote(struct ctx *c, struct invocation *in, const struct remote_call *call,
                            const struct json **out)
{
    struct remote *remote;
    TRY(remote_open(c, in, &remote));
    enum err e = remote_enter(remote);
    e = e == E_OK ? remote_send(remote, call, out) : e;
    remote_close(&remote);
    return e;
}

/* The weights of the factors, and how well they foretold on rows they were not taught with. */
static enum err register_weights(struct ctx *c, struct invocation *in,
                                 const struct backtest_report *r, struct str sha256)
{
    struct arena *a = c->arena;
    const struct json *made, *weights = &json_empty_object;
    struct str name = str_of(command_option(in, "register", ""));
    int whole[HEALTH_FACTORS];
    if (!backtest_whole_weights(r, whole)) {
        return ctx_fail(c, E_INVALID, "no factor foretells anything: there is nothing to register");
    }
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        weights = json_with(a, weights, str_of(health_factor_name((enum health_factor)i)),
                            json_new_int(a, whole[i]));
    }
    struct remote_call call = {
        .method = "POST",
        .path = STR("/api/v1/health-formulas"),
        .body = json_object(a, {"name", json_new_str(a, name)}, {"weights", weights},
                            {"provenance", provenance_of(a, in, r, sha256)})};
    TRY(with_remote(c, in, &call, &made));
    if (in->json) {
        terminal_json(c, made);
        return E_OK;
    }
    struct str key = json_str(made, "formula", STR(""));
    printf("\nRegistered %.*s: usage %d, tickets %d, renewal %d. No score changes by it before "
           "somebody says\n  rapport health use %.*s\n",
           STR_ARG(key), whole[HEALTH_USAGE], whole[HEALTH_TICKETS], whole[HEALTH_RENEWAL],
           STR_ARG(key));
    return E_OK;
}

static enum err use(struct ctx *c, struct invocation *in)
{
    struct arena *a = c->arena;
    const struct json *chosen;
    const char *reason = command_option(in, "reason", NULL);
    struct remote_call call = {
        .method = "PUT",
        .path = STR("/api/v1/health-formulas/active"),
        .body = json_object(a, {"formula", json_new_str(a, str_of(in->args[0]))},
                            {"reason", reason ? json_new_str(a, str_of(reason)) : NULL})};
    TRY(with_remote(c, in, &call, &chosen));
    if (in->json) {
        terminal_json(c, chosen);
    } else {
        printf("From now on accounts are scored by %.*s (%.*s).\n",
               STR_ARG(json_str(chosen, "formula", STR(""))),
               STR_ARG(json_str(chosen, "title", STR(""))));
    }
    return E_OK;
}

static enum err formulas(struct ctx *c, struct invocation *in)
{
    static const struct terminal_column columns[] = {
        {"FORMULA", "formula", TERMINAL_TEXT},
        {"IN FORCE", "active", TERMINAL_TEXT},
        {"WEIGHTS", "title", TERMINAL_TEXT},
        {"AUC", "provenance.auc", TERMINAL_NUMBER},
        {"ACCOUNTS", "provenance.cases", TERMINAL_NUMBER},
        {"SINCE (UTC)", "created_at", TERMINAL_TIME},
        {0},
    };
    const struct json *answer;
    struct remote_call call = {.method = "GET", .path = STR("/api/v1/health-formulas")};
    TRY(with_remote(c, in, &call, &answer));
    terminal_list(c, in, json_get(answer, "items"), columns);
    return E_OK;
}

static enum err backtest(struct ctx *c, struct invocation *in)
{
    struct backtest_file file = {0};
    struct backtest_order order = {0};
    struct backtest_report *report = mem_new(sizeof *report);
    struct str sha256;
    enum err e = read_file(c, in->args[0], &file, &sha256);
    e = e == E_OK ? read_order(c, in, &file, &order) : e;
    e = e == E_OK ? backtest_run(c, &file, &order, report) : e;
    bool registers = command_has(in, "register");
    if (e == E_OK && in->json && !registers) {
        terminal_json(c, backtest_json(c->arena, &order, report));
    } else if (e == E_OK && !in->json) {
        print_report(&order, report);
    }
    e = e == E_OK && registers ? register_weights(c, in, report, sha256) : e;
    jq_free(&order.map);
    free(file.cells);
    free(file.lines);
    free(report);
    return e;
}

static const struct option options[] = {
    {"outcome", 0, "COLUMN=VALUE", "what happened, such as Churn=Yes"},
    {"map", 0, "JQ", "a row as an object of texts -> {trend, open_tickets, renewal_days}"},
    {"map-file", 0, "FILE", "the same, from a file"},
    {"formula", 0, "NAME", "the formula to test (copilot_v1)"},
    {"folds", 0, "N", "parts for measuring what was trained (5)"},
    {"register", 0, "NAME", "keep the trained weights of the factors as a formula of the org"},
    {"leave", 0, "COLUMNS", "columns, comma separated, that no training may use: ids, later facts"},
    {0},
};

static const struct option use_options[] = {
    {"reason", 0, "TEXT", "goes into the audit log"},
    {0},
};

extern const struct command health_commands[];
const struct command health_commands[] = {
    {"health backtest", "FILE.csv", "Compare a health score with what happened.", COMMAND_REMOTE,
     options, 1, 1, backtest},
    {"health formulas", "", "The formulas an organisation can score by.", COMMAND_REMOTE, NULL, 0,
     0, formulas},
    {"health use", "FORMULA", "Score by another formula from now on.", COMMAND_REMOTE, use_options,
     1, 1, use},
    {0},
};
