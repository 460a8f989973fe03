#include "svc/success/export_health.h"

#include <math.h>

#include "codec/date.h"
#include "codec/text.h"

enum { FACTORS_MAX = 8, HISTORY_MAX = 60, CHANGES_SHOWN = 4 };

/* ---- health ------------------------------------------------------------------------ */

static struct str points_text(struct export_work *w, const struct json *factor)
{
    struct str weight = paper_number(w->a, json_real(factor, "weight", 0) * 100);
    if (json_bool(factor, "missing", false)) {
        return str_fmt(w->a, "weight %.*s%%, not known", STR_ARG(weight));
    }
    struct str given = paper_number(w->a, json_real(factor, "contribution", 0));
    return str_fmt(w->a, "%.*s of %.*s points", STR_ARG(given), STR_ARG(weight));
}

static void add_factor_chart(struct export_work *w, struct paper_page *page)
{
    const struct json *factors = json_get(w->in->health, "factors");
    struct str labels[FACTORS_MAX];
    double given[FACTORS_MAX], rest[FACTORS_MAX];
    enum paper_tone tones[FACTORS_MAX];
    int n = 0;
    for (; n < FACTORS_MAX && n < (int)json_count(factors); n++) {
        const struct json *factor = json_at(factors, (size_t)n);
        labels[n] = text_title(w->a, json_str(factor, "name", STR("")));
        given[n] = json_real(factor, "contribution", NAN);
        double most = json_real(factor, "weight", 0) * 100;
        rest[n] = isfinite(given[n]) ? most - given[n] : most;
        tones[n] = export_note_points(factor);
        export_note(w, str_fmt(w->a, "Points for %.*s", STR_ARG(json_str(factor, "name", STR("")))),
                    points_text(w, factor), "health");
    }
    struct paper_chart c = {.kind = PAPER_BARS,
                            .title = STR("What the score is made of"),
                            .alt = STR("Points that each factor gives, of those it could give."),
                            .labels = labels,
                            .n_points = n,
                            .n_series = 2,
                            .tones = tones};
    c.series[0] = (struct paper_series){STR("Points"), given, PAPER_PLAIN};
    c.series[1] = (struct paper_series){STR("Not reached"), rest, PAPER_MUTED};
    if (n) {
        struct paper_block *b =
            paper_add_block(w->p, page, PAPER_CHART, PAPER_RIGHT, STR("What the score is made of"));
        paper_set_chart(w->p, b, &c);
        if (b) {
            b->share = 0.56;
        }
    }
}

void export_health_score(struct export_work *w)
{
    struct str score = export_note_number(w, w->score);
    struct str title = w->has_score ? str_fmt(w->a, "Health score %.*s: %.*s risk", STR_ARG(score),
                                              STR_ARG(w->risk))
                                    : STR("The health score is not known");
    struct paper_page *page = export_note_page(w, "Health", title);
    double value = (double)w->score;
    struct str label = STR("Score");
    struct paper_chart gauge = {.kind = PAPER_GAUGE,
                                .title = STR("Health score"),
                                .alt = str_fmt(w->a, "Health score %.*s of 100", STR_ARG(score)),
                                .labels = &label,
                                .n_points = 1,
                                .n_series = 1,
                                .max = 100};
    gauge.series[0] = (struct paper_series){STR("Score"), &value, export_note_risk(w->risk)};
    if (w->has_score) {
        export_note(w, STR("Health score"), score, "health");
        paper_set_chart(w->p, paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, STR("Score")),
                        &gauge);
    } else {
        struct paper_block *b = export_note_figures(w, page, PAPER_LEFT);
        export_note_score(w, b);
    }
    add_factor_chart(w, page);
    const struct json *factors = json_get(w->in->health, "factors");
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, "Why");
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        struct str text = json_str(factor, "text", STR("")), points = points_text(w, factor);
        paper_add_item(w->p, b,
                       &(struct paper_item){.lead = str_fmt(w->a, "%.*s:", STR_ARG(text)),
                                            .text = points,
                                            .tone = export_note_points(factor)});
        struct str name = json_str(factor, "name", STR(""));
        export_note(w, str_fmt(w->a, "Health: %.*s", STR_ARG(name)), text, "health");
    }
}

static struct str signed_number(struct export_work *w, int64_t n)
{
    return n < 0 ? str_fmt(w->a, "\u2212%lld", -(long long)n)
                 : str_fmt(w->a, "+%lld", (long long)n);
}

/* What made the score another: from the one before to this one. */
void export_health_change(struct export_work *w)
{
    const struct json *previous = json_get(w->in->health, "previous");
    const struct json *parts = json_get(previous, "attribution");
    int64_t before, n = (int64_t)json_count(parts);
    if (!w->has_score || !export_note_int(previous, "score", &before) || n < 1 || n > FACTORS_MAX) {
        return;
    }
    struct str since = export_note_date(w, json_int(previous, "at_ms", w->in->at_ms));
    struct str delta = signed_number(w, w->score - before);
    struct paper_page *page = export_note_page(
        w, "Health",
        str_fmt(w->a, "What changed: %.*s since %.*s", STR_ARG(delta), STR_ARG(since)));
    struct str labels[FACTORS_MAX + 2] = {STR("Before")};
    double values[FACTORS_MAX + 2] = {(double)before};
    export_note(w, STR("Health score before"), export_note_number(w, before), "health");
    export_note(w, STR("Date of the score before"), since, "health");
    export_note(w, STR("Change of the score"), delta, "health");
    struct paper_block *chart =
        paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, STR("From the score before to today"));
    struct paper_block *list = export_note_list(w, page, PAPER_RIGHT, "Why");
    for (int i = 0; i < (int)n; i++) {
        const struct json *part = json_at(parts, (size_t)i);
        struct str text = json_str(part, "text", STR(""));
        struct str name = json_str(part, "factor", STR(""));
        int64_t d = json_int(part, "delta", 0);
        labels[i + 1] = text_title(w->a, name);
        values[i + 1] = (double)d;
        struct str lead = str_fmt(w->a, "%.*s:", STR_ARG(signed_number(w, d)));
        struct str value = str_fmt(w->a, "%.*s %.*s", STR_ARG(lead), STR_ARG(text));
        struct str label = str_fmt(w->a, "Change by %.*s", STR_ARG(name));
        paper_add_item(w->p, list,
                       &(struct paper_item){.lead = lead,
                                            .text = text,
                                            .tone = d < 0 ? PAPER_BAD : PAPER_GOOD,
                                            .url = export_note(w, label, value, "health")});
    }
    labels[n + 1] = STR("Now");
    values[n + 1] = (double)w->score;
    struct paper_chart c = {.kind = PAPER_STEPS,
                            .title = STR("From the score before to today"),
                            .alt = str_fmt(w->a, "The score went from %lld to %lld.",
                                           (long long)before, (long long)w->score),
                            .labels = labels,
                            .n_points = (int)n + 2,
                            .n_series = 1};
    c.series[0] = (struct paper_series){STR("Change"), values, PAPER_PLAIN};
    paper_set_chart(w->p, chart, &c);
}

/* "12 Apr 2026": for the labels of an axis. */
static struct str short_date(struct export_work *w, int64_t ms)
{
    struct str words = date_words(w->a, ms), day, month;
    if (!str_split(&words, ' ', &day) || !str_split(&words, ' ', &month)) {
        return STR("");
    }
    return str_fmt(w->a, "%.*s %.3s %.*s", STR_ARG(day), month.p, STR_ARG(words));
}

/* ---- history ----------------------------------------------------------------------- */

static struct str reasons(struct export_work *w, const struct json *row)
{
    const struct json *parts = json_get(row, "attribution");
    struct str all = STR("");
    for (size_t i = 0; i < json_count(parts); i++) {
        const struct json *part = json_at(parts, i);
        struct str delta = signed_number(w, json_int(part, "delta", 0));
        all = str_fmt(w->a, "%.*s%s%.*s %.*s", STR_ARG(all), all.n ? "; " : "", STR_ARG(delta),
                      STR_ARG(json_str(part, "text", STR(""))));
    }
    return all.n ? all : json_str(row, "cause", STR(""));
}

static void add_changes(struct export_work *w, struct paper_page *page)
{
    struct paper_block *t =
        paper_add_block(w->p, page, PAPER_TABLE, PAPER_WIDE, STR("Latest changes"));
    paper_add_column(w->p, t, STR("Date"), 2, false);
    paper_add_column(w->p, t, STR("Score"), 0.7, true);
    paper_add_column(w->p, t, STR("Risk"), 1, false);
    paper_add_column(w->p, t, STR("Why"), 6, false);
    for (size_t i = 0; i < json_count(w->in->history) && i < CHANGES_SHOWN; i++) {
        const struct json *row = json_at(w->in->history, i);
        struct str risk = json_str(row, "risk_level", STR("unknown"));
        int64_t score = 0;
        bool known = export_note_int(row, "score", &score);
        struct paper_cell cells[] = {
            {export_note_date(w, json_int(row, "at_ms", 0)), PAPER_PLAIN,
             export_note_url(w, "health")},
            {known ? export_note_number(w, score) : STR("not known"), PAPER_PLAIN, STR("")},
            {risk, export_note_risk(risk), STR("")},
            {reasons(w, row), PAPER_PLAIN, STR("")}};
        paper_add_row(w->p, t, cells);
    }
}

void export_health_history(struct export_work *w)
{
    size_t n = json_count(w->in->history);
    n = n > HISTORY_MAX ? HISTORY_MAX : n;
    struct str labels[HISTORY_MAX];
    double values[HISTORY_MAX];
    int known = 0;
    for (size_t i = 0; i < n; i++) { /* oldest first */
        const struct json *row = json_at(w->in->history, n - 1 - i);
        labels[i] = short_date(w, json_int(row, "at_ms", 0));
        values[i] = json_number(json_get(row, "score"), NAN);
        known += isfinite(values[i]);
    }
    if (n == 0) {
        return;
    }
    struct str since = export_note_date(w, json_int(json_at(w->in->history, n - 1), "at_ms", 0));
    struct paper_page *page =
        export_note_page(w, "Health", str_fmt(w->a, "Health since %.*s", STR_ARG(since)));
    export_note(w, STR("First score in the history"), since, "health");
    struct paper_chart c = {.kind = PAPER_LINE,
                            .title = STR("Health score"),
                            .alt = str_fmt(w->a, "Health score since %.*s.", STR_ARG(since)),
                            .labels = labels,
                            .n_points = (int)n,
                            .n_series = 1,
                            .max = 100};
    c.series[0] = (struct paper_series){STR("Health score"), values, PAPER_PLAIN};
    if (known > 1) {
        struct paper_block *b = paper_add_block(w->p, page, PAPER_CHART, PAPER_WIDE, STR("Score"));
        paper_set_chart(w->p, b, &c);
        if (b) {
            b->share = 0.48;
        }
    }
    add_changes(w, page);
}
