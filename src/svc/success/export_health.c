#include "svc/success/export_health.h"

#include <math.h>

#include "codec/text.h"

enum { FACTORS_MAX = 8, HISTORY_MAX = 60, CHANGES_SHOWN = 4 };

/* ---- health ------------------------------------------------------------------------ */

static struct str points_text(struct export_work *w, const struct json *factor)
{
    struct str weight = export_note_real(w, json_real(factor, "weight", 0) * 100);
    if (json_bool(factor, "missing", false)) {
        return export_note_fill(w, SPEECH_SCORE_NOT_GIVEN, "n", weight);
    }
    struct str given = export_note_real(w, json_real(factor, "contribution", 0));
    return SPEECH_FILL(w->a, w->l, SPEECH_SCORE_GIVEN, {"n", given}, {"total", weight});
}

/* The name of a factor, as a heading. */
static struct str factor_label(struct export_work *w, const struct json *of, const char *member)
{
    return text_title(w->a, export_note_word(w, json_str(of, member, STR(""))));
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
        labels[n] = factor_label(w, factor, "name");
        given[n] = json_real(factor, "contribution", NAN);
        double most = json_real(factor, "weight", 0) * 100;
        rest[n] = isfinite(given[n]) ? most - given[n] : most;
        tones[n] = export_note_points(factor);
        struct str name = export_note_word(w, json_str(factor, "name", STR("")));
        export_note(w, export_note_fill(w, SPEECH_LABEL_POINTS_FOR, "name", name),
                    points_text(w, factor), "health");
    }
    struct paper_chart c = {.kind = PAPER_BARS,
                            .title = export_note_say(w, SPEECH_SCORE_PARTS),
                            .alt = export_note_say(w, SPEECH_SCORE_PARTS_ALT),
                            .labels = labels,
                            .n_points = n,
                            .n_series = 2,
                            .tones = tones};
    c.series[0] =
        (struct paper_series){export_note_say(w, SPEECH_SCORE_POINTS), given, PAPER_PLAIN};
    c.series[1] =
        (struct paper_series){export_note_say(w, SPEECH_SCORE_NOT_REACHED), rest, PAPER_MUTED};
    if (n) {
        struct paper_block *b = paper_add_block(w->p, page, PAPER_CHART, PAPER_RIGHT, c.title);
        paper_set_chart(w->p, b, &c);
        if (b) {
            b->share = 0.56;
        }
    }
}

void export_health_score(struct export_work *w)
{
    struct str score = export_note_number(w, w->score);
    struct str title = w->has_score ? SPEECH_FILL(w->a, w->l, SPEECH_SCORE_TITLE, {"score", score},
                                                  {"risk", export_note_word(w, w->risk)})
                                    : export_note_say(w, SPEECH_SCORE_UNKNOWN);
    struct paper_page *page = export_note_page(w, SPEECH_KICKER_HEALTH, title);
    double value = (double)w->score;
    struct str label = export_note_say(w, SPEECH_SCORE);
    struct paper_chart gauge = {.kind = PAPER_GAUGE,
                                .title = export_note_say(w, SPEECH_FIGURE_SCORE),
                                .alt = export_note_fill(w, SPEECH_SCORE_ALT, "score", score),
                                .labels = &label,
                                .n_points = 1,
                                .n_series = 1,
                                .max = 100};
    gauge.series[0] = (struct paper_series){label, &value, export_note_risk(w->risk)};
    if (w->has_score) {
        export_note_as(w, SPEECH_FIGURE_SCORE, score, "health");
        paper_set_chart(w->p, paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, label), &gauge);
    } else {
        struct paper_block *b = export_note_figures(w, page, PAPER_LEFT);
        export_note_score(w, b);
    }
    add_factor_chart(w, page);
    const struct json *factors = json_get(w->in->health, "factors");
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, SPEECH_SCORE_WHY);
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        struct str text = json_str(factor, "text", STR("")), points = points_text(w, factor);
        paper_add_item(w->p, b,
                       &(struct paper_item){.lead = str_fmt(w->a, "%.*s:", STR_ARG(text)),
                                            .text = points,
                                            .tone = export_note_points(factor)});
        struct str name = json_str(factor, "name", STR(""));
        export_note(w,
                    export_note_fill(w, SPEECH_LABEL_HEALTH_OF, "name", export_note_word(w, name)),
                    text, "health");
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
        w, SPEECH_KICKER_HEALTH,
        SPEECH_FILL(w->a, w->l, SPEECH_CHANGE_TITLE, {"n", delta}, {"date", since}));
    struct str labels[FACTORS_MAX + 2] = {export_note_say(w, SPEECH_CHANGE_BEFORE)};
    double values[FACTORS_MAX + 2] = {(double)before};
    export_note_as(w, SPEECH_FIGURE_SCORE_BEFORE, export_note_number(w, before), "health");
    export_note_as(w, SPEECH_CHANGE_DATE_BEFORE, since, "health");
    export_note_as(w, SPEECH_FIGURE_SCORE_CHANGE, delta, "health");
    struct paper_block *chart = paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT,
                                                export_note_say(w, SPEECH_CHANGE_CHART));
    struct paper_block *list = export_note_list(w, page, PAPER_RIGHT, SPEECH_SCORE_WHY);
    for (int i = 0; i < (int)n; i++) {
        const struct json *part = json_at(parts, (size_t)i);
        struct str text = json_str(part, "text", STR(""));
        struct str name = json_str(part, "factor", STR(""));
        int64_t d = json_int(part, "delta", 0);
        labels[i + 1] = factor_label(w, part, "factor");
        values[i + 1] = (double)d;
        struct str lead = str_fmt(w->a, "%.*s:", STR_ARG(signed_number(w, d)));
        struct str value = str_fmt(w->a, "%.*s %.*s", STR_ARG(lead), STR_ARG(text));
        struct str label =
            export_note_fill(w, SPEECH_LABEL_CHANGE_BY, "name", export_note_word(w, name));
        paper_add_item(w->p, list,
                       &(struct paper_item){.lead = lead,
                                            .text = text,
                                            .tone = d < 0 ? PAPER_BAD : PAPER_GOOD,
                                            .url = export_note(w, label, value, "health")});
    }
    labels[n + 1] = export_note_say(w, SPEECH_CHANGE_NOW);
    values[n + 1] = (double)w->score;
    struct paper_chart c = {.kind = PAPER_STEPS,
                            .title = export_note_say(w, SPEECH_CHANGE_CHART),
                            .alt = SPEECH_FILL(w->a, w->l, SPEECH_CHANGE_ALT,
                                               {"from", export_note_number(w, before)},
                                               {"to", export_note_number(w, w->score)}),
                            .labels = labels,
                            .n_points = (int)n + 2,
                            .n_series = 1};
    c.series[0] =
        (struct paper_series){export_note_say(w, SPEECH_CHANGE_SERIES), values, PAPER_PLAIN};
    paper_set_chart(w->p, chart, &c);
}

/* "12 Apr 2026", "12. Apr 2026", "12 juil 2026": for the labels of an axis. */
static struct str short_date(struct export_work *w, int64_t ms)
{
    struct str words = export_note_date(w, ms), day, month;
    if (!str_split(&words, ' ', &day) || !str_split(&words, ' ', &month)) {
        return STR("");
    }
    struct str cut = text_cut(month, w->l == WORDING_FR ? 4 : 3);
    return str_fmt(w->a, "%.*s %.*s %.*s", STR_ARG(day), STR_ARG(cut), STR_ARG(words));
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
    return all.n ? all : export_note_word(w, json_str(row, "cause", STR("")));
}

static void add_changes(struct export_work *w, struct paper_page *page)
{
    struct paper_block *t = paper_add_block(w->p, page, PAPER_TABLE, PAPER_WIDE,
                                            export_note_say(w, SPEECH_HISTORY_CHANGES));
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_DATE), 2, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_SCORE), 0.7, true);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_RISK), 1, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_WHY), 6, false);
    for (size_t i = 0; i < json_count(w->in->history) && i < CHANGES_SHOWN; i++) {
        const struct json *row = json_at(w->in->history, i);
        struct str risk = json_str(row, "risk_level", STR("unknown"));
        int64_t score = 0;
        bool known = export_note_int(row, "score", &score);
        struct paper_cell cells[] = {
            {export_note_date(w, json_int(row, "at_ms", 0)), PAPER_PLAIN,
             export_note_url(w, "health")},
            {known ? export_note_number(w, score) : export_note_say(w, SPEECH_NOT_KNOWN),
             PAPER_PLAIN, STR("")},
            {export_note_word(w, risk), export_note_risk(risk), STR("")},
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
    struct paper_page *page = export_note_page(
        w, SPEECH_KICKER_HEALTH, export_note_fill(w, SPEECH_HISTORY_TITLE, "date", since));
    export_note_as(w, SPEECH_HISTORY_FIRST, since, "health");
    struct paper_chart c = {.kind = PAPER_LINE,
                            .title = export_note_say(w, SPEECH_FIGURE_SCORE),
                            .alt = export_note_fill(w, SPEECH_HISTORY_ALT, "date", since),
                            .labels = labels,
                            .n_points = (int)n,
                            .n_series = 1,
                            .max = 100};
    c.series[0] =
        (struct paper_series){export_note_say(w, SPEECH_FIGURE_SCORE), values, PAPER_PLAIN};
    if (known > 1) {
        struct paper_block *b =
            paper_add_block(w->p, page, PAPER_CHART, PAPER_WIDE, export_note_say(w, SPEECH_SCORE));
        paper_set_chart(w->p, b, &c);
        if (b) {
            b->share = 0.48;
        }
    }
    add_changes(w, page);
}
