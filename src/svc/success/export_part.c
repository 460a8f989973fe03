#include "svc/success/export_part.h"

#include <math.h>

#include "svc/success/speech.h"

enum { FACTORS_MAX = 8, MONTHS_PER_YEAR = 12, PEOPLE_MAX = 8 };

/* ---- lists of several parts ---------------------------------------------------------- */

/* Actions of the brief, numbered; with their reasons when there is room. */
static void add_actions(struct export_work *w, struct paper_block *b, size_t most, bool reasons)
{
    const struct json *actions = json_get(w->in->final, "actions");
    for (size_t i = 0; b && i < json_count(actions) && i < most; i++) {
        const struct json *action = json_at(actions, i);
        struct str text = json_str(action, "text", STR("")),
                   why = json_str(action, "reason", STR(""));
        b->list.numbered = true;
        if (reasons && why.n) {
            struct str lead = str_fmt(w->a, "%.*s.", STR_ARG(text));
            export_note_item(w, b, lead, str_fmt(w->a, "%.*s.", STR_ARG(why)));
        } else {
            export_note_item(w, b, STR(""), text);
        }
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), export_note_say(w, SPEECH_ACTIONS_NONE));
    }
}

/* Where what a factor says can be looked up. */
static struct str factor_note(struct export_work *w, const struct json *factor)
{
    struct str name = export_note_word(w, json_str(factor, "name", STR("")));
    struct str label = export_note_fill(w, SPEECH_LABEL_HEALTH_OF, "name", name);
    return export_note(w, label, json_str(factor, "text", STR("")), "health");
}

/* Factors of the health, as words. */
static void add_factors(struct export_work *w, struct paper_block *b)
{
    const struct json *factors = json_get(w->in->health, "factors");
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        paper_add_item(w->p, b,
                       &(struct paper_item){.lead = json_str(factor, "text", STR("")),
                                            .tone = export_note_points(factor),
                                            .url = factor_note(w, factor)});
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), export_note_say(w, SPEECH_HEALTH_UNKNOWN));
    }
}

/* ---- summary ---------------------------------------------------------------------- */

/* Without last sentences that are about the brief and not about the account ("... is ready."). */
static struct str summary_text(struct export_work *w)
{
    static const enum speech about_itself[] = {SPEECH_SAY_QBR_READY, SPEECH_SAY_EMAIL_READY};
    struct str s = json_str(w->in->final, "summary", STR(""));
    for (size_t i = 0; i < sizeof(about_itself) / sizeof(*about_itself); i++) {
        struct str tail = export_note_say(w, about_itself[i]);
        if (str_ends(s, tail)) {
            s = str_trim(str_sub(s, 0, s.n - tail.n));
        }
    }
    return s;
}

void export_part_summary(struct export_work *w)
{
    enum speech state = str_eqz(w->risk, "low")      ? SPEECH_SUMMARY_GOOD
                        : str_eqz(w->risk, "medium") ? SPEECH_SUMMARY_WATCH
                        : str_eqz(w->risk, "high")   ? SPEECH_SUMMARY_RISK
                                                     : SPEECH_SUMMARY_UNKNOWN;
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_SUMMARY, export_note_fill(w, state, "account", w->name));
    paper_set_lead(w->p, page, summary_text(w));
    struct paper_block *b = export_note_figures(w, page, PAPER_WIDE);
    export_note_score(w, b);
    export_note_arr(w, b);
    export_note_renewal(w, b);
    export_note_tickets(w, b);
    add_factors(w, export_note_list(w, page, PAPER_LEFT, SPEECH_SUMMARY_STATE));
    add_actions(w, export_note_list(w, page, PAPER_RIGHT, SPEECH_SUMMARY_PROPOSED), 3, false);
}

/* ---- adoption ---------------------------------------------------------------------- */

static void add_usage_chart(struct export_work *w, struct paper_page *page)
{
    const struct json *line = json_get(w->usage, "sparkline");
    size_t n = json_count(line);
    if (n < 2) {
        return;
    }
    struct str *labels = ARENA_ARRAY(w->a, struct str, n);
    double *values = ARENA_ARRAY(w->a, double, n);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        labels[i] = i == 0       ? export_note_say(w, SPEECH_USAGE_OLDEST)
                    : i + 1 == n ? export_note_say(w, SPEECH_USAGE_NEWEST)
                                 : STR("");
        values[i] = json_number(json_at(line, i), NAN);
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    struct str first = export_note_real(w, values[0]), last = export_note_real(w, values[n - 1]),
               name = export_note_say(w, SPEECH_USAGE_CHART);
    struct paper_chart c = {
        .kind = PAPER_LINE,
        .title = name,
        .alt = SPEECH_FILL(w->a, w->l, SPEECH_USAGE_ALT, {"from", first}, {"to", last}),
        .labels = labels,
        .n_points = (int)n,
        .n_series = 1,
        .series = {{name, values, PAPER_PLAIN}}};
    paper_set_chart(w->p, paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, name), &c);
    export_note_as(w, SPEECH_USAGE_FIRST_LAST,
                   SPEECH_FILL(w->a, w->l, SPEECH_FROM_TO, {"from", first}, {"to", last}), "usage");
    struct str range = SPEECH_FILL(w->a, w->l, SPEECH_FROM_TO, {"from", export_note_real(w, low)},
                                   {"to", export_note_real(w, high)});
    export_note_as(w, SPEECH_USAGE_RANGE, range, "usage");
}

/* A section of the outline by its title, in whatever language that was written; a model's own, in
 * English, by its first word. NULL: none. */
static const struct json *outline(struct export_work *w, enum speech title)
{
    const struct json *sections = json_get(w->in->qbr, "sections");
    struct str rest = speech_str(WORDING_EN, title), word;
    str_split(&rest, ' ', &word);
    for (size_t i = 0; i < json_count(sections); i++) {
        const struct json *s = json_at(sections, i);
        struct str own = json_str(s, "title", STR(""));
        bool same = str_starts(own, word);
        for (int l = 0; l < WORDING_LANGUAGES; l++) {
            same = same || str_eq(own, speech_str((enum wording_language)l, title));
        }
        if (same) {
            return s;
        }
    }
    return NULL;
}

static void add_bullets(struct export_work *w, struct paper_page *page, enum paper_side side,
                        const struct json *section)
{
    const struct json *bullets = json_get(section, "bullets");
    if (!json_count(bullets)) {
        return;
    }
    struct paper_block *b =
        paper_add_block(w->p, page, PAPER_LIST, side, json_str(section, "title", STR("")));
    for (size_t i = 0; i < json_count(bullets); i++) {
        export_note_item(w, b, STR(""), json_text(json_at(bullets, i), STR("")));
    }
}

void export_part_adoption(struct export_work *w)
{
    enum speech title = str_eqz(w->trend, "up")     ? SPEECH_USAGE_RISING
                        : str_eqz(w->trend, "down") ? SPEECH_USAGE_FALLING
                        : w->trend.n                ? SPEECH_USAGE_STEADY
                                                    : SPEECH_USAGE_UNKNOWN;
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_ADOPTION, export_note_say(w, title));
    bool chart = json_count(json_get(w->usage, "sparkline")) > 1;
    add_usage_chart(w, page);
    struct paper_block *b = export_note_figures(w, page, chart ? PAPER_RIGHT : PAPER_WIDE);
    export_note_users(w, b);
    if (w->has_seats) {
        struct export_shown seats = {SPEECH_SEATS, export_note_number(w, w->seats), STR(""),
                                     PAPER_PLAIN, "contract"};
        if (w->has_users) {
            int64_t share = (w->users * 200 + w->seats) / (w->seats * 2);
            seats.note =
                export_note_fill(w, SPEECH_SEATS_IN_USE, "n", export_note_number(w, share));
            export_note_as(w, SPEECH_SEATS_IN_USE_LABEL, seats.note, "usage");
        }
        export_note_show(w, b, &seats);
    }
    add_bullets(w, page, chart ? PAPER_RIGHT : PAPER_WIDE, outline(w, SPEECH_QBR_ADOPTION));
}

/* ---- support ----------------------------------------------------------------------- */

static enum paper_tone severity_tone(struct str severity)
{
    return str_eqz(severity, "critical") || str_eqz(severity, "urgent") ? PAPER_BAD
           : str_eqz(severity, "high")                                  ? PAPER_WATCH
                                                                        : PAPER_PLAIN;
}

static struct str severity_word(struct export_work *w, struct str severity)
{
    return severity.n ? export_note_word(w, severity) : export_note_say(w, SPEECH_NOT_KNOWN);
}

struct severity {
    struct str name;
    double count;
};

/* How many of the tickets listed have each severity, in order of appearance. */
static int count_severities(const struct json *recent, struct severity out[FACTORS_MAX])
{
    int n = 0;
    for (size_t i = 0; i < json_count(recent); i++) {
        struct str name = json_str(json_at(recent, i), "severity", STR(""));
        int at = 0;
        while (at < n && !str_eq(out[at].name, name)) {
            at++;
        }
        if (at == FACTORS_MAX) {
            continue;
        }
        n = at == n ? n + 1 : n;
        out[at].name = name;
        out[at].count++;
    }
    return n;
}

static void add_severity_chart(struct export_work *w, struct paper_page *page)
{
    const struct json *recent = json_get(w->tickets, "recent_tickets");
    struct severity of[FACTORS_MAX] = {0};
    struct str labels[FACTORS_MAX];
    double counts[FACTORS_MAX];
    enum paper_tone tones[FACTORS_MAX];
    int n = count_severities(recent, of);
    for (int i = 0; i < n; i++) {
        labels[i] = severity_word(w, of[i].name);
        counts[i] = of[i].count;
        tones[i] = severity_tone(of[i].name);
        export_note(w, export_note_fill(w, SPEECH_LABEL_TICKETS_OF, "name", labels[i]),
                    export_note_number(w, (int64_t)counts[i]), "tickets");
    }
    if (n == 0) {
        return;
    }
    struct paper_chart c = {.kind = PAPER_COLUMNS,
                            .title = export_note_say(w, SPEECH_TICKETS_BY_SEVERITY),
                            .alt = export_note_say(w, SPEECH_TICKETS_ALT),
                            .labels = labels,
                            .n_points = n,
                            .n_series = 1,
                            .tones = tones};
    c.series[0] =
        (struct paper_series){export_note_say(w, SPEECH_TICKETS_SERIES), counts, PAPER_PLAIN};
    paper_set_chart(w->p,
                    paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT,
                                    export_note_say(w, SPEECH_BY_SEVERITY)),
                    &c);
}

void export_part_support(struct export_work *w)
{
    struct str title = !w->has_tickets ? export_note_say(w, SPEECH_TICKETS_UNKNOWN_TITLE)
                       : w->open_tickets == 0
                           ? export_note_say(w, SPEECH_TICKETS_NONE_TITLE)
                           : speech_counted(w->a, w->l, SPEECH_TICKETS_ONE_TITLE,
                                            SPEECH_TICKETS_TITLE, w->open_tickets);
    struct paper_page *page = export_note_page(w, SPEECH_KICKER_SUPPORT, title);
    bool chart = json_count(json_get(w->tickets, "recent_tickets")) > 0;
    add_severity_chart(w, page);
    struct paper_block *b = export_note_figures(w, page, chart ? PAPER_RIGHT : PAPER_WIDE);
    export_note_tickets(w, b);
    const struct json *recent = json_get(w->tickets, "recent_tickets");
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < json_count(recent); i++) {
        int64_t at = json_int(json_at(recent, i), "created_at_ms", 0);
        oldest = at > 0 && at < oldest ? at : oldest;
    }
    if (oldest < INT64_MAX) {
        int64_t days = (w->in->at_ms - oldest) / 86400000;
        struct export_shown s = {
            SPEECH_TICKETS_OLDEST, speech_counted(w->a, w->l, SPEECH_DAY, SPEECH_DAYS, days),
            export_note_fill(w, SPEECH_SINCE, "date", export_note_date(w, oldest)), PAPER_PLAIN,
            "tickets"};
        export_note_as(w, SPEECH_TICKETS_OLDEST, s.note, "tickets");
        export_note_show(w, b, &s);
    }
    add_bullets(w, page, chart ? PAPER_RIGHT : PAPER_WIDE, outline(w, SPEECH_QBR_SUPPORT));
}

void export_part_issues(struct export_work *w)
{
    const struct json *recent = json_get(w->tickets, "recent_tickets");
    size_t n = json_count(recent);
    if (!n) {
        return;
    }
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_SUPPORT, export_note_say(w, SPEECH_ISSUES_TITLE));
    if (w->has_tickets && (int64_t)n < w->open_tickets) {
        paper_set_lead(w->p, page,
                       speech_counted(w->a, w->l, SPEECH_ISSUES_LEAD_ONE, SPEECH_ISSUES_LEAD,
                                      w->open_tickets));
        export_note_as(w, SPEECH_FIGURE_TICKETS, export_note_number(w, w->open_tickets), "tickets");
    }
    struct paper_block *t = paper_add_block(w->p, page, PAPER_TABLE, PAPER_WIDE, STR(""));
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_TICKET), 1.4, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_SUBJECT), 5, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_SEVERITY), 1.1, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_SINCE), 2, false);
    for (size_t i = 0; i < n && i < EXPORT_TICKETS_MAX; i++) {
        const struct json *ticket = json_at(recent, i);
        struct str severity = json_str(ticket, "severity", STR(""));
        int64_t at = json_int(ticket, "created_at_ms", 0);
        struct paper_cell cells[] = {
            {json_str(ticket, "id", STR("-")), PAPER_PLAIN, export_note_url(w, "tickets")},
            {json_str(ticket, "subject", STR("")), PAPER_PLAIN, STR("")},
            {severity_word(w, severity), severity_tone(severity), STR("")},
            {at > 0 ? export_note_date(w, at) : export_note_say(w, SPEECH_NOT_KNOWN), PAPER_PLAIN,
             STR("")}};
        paper_add_row(w->p, t, cells);
    }
}

/* A word of ours, such as "at_risk", for people. */
static struct str plain_word(struct export_work *w, struct str word)
{
    char *p = str_dupz(w->a, word);
    for (size_t i = 0; i < word.n; i++) {
        p[i] = p[i] == '_' ? ' ' : p[i];
    }
    return str_make(p, word.n);
}

/* ---- renewal ----------------------------------------------------------------------- */

static void add_people(struct export_work *w, struct paper_page *page)
{
    const struct json *contacts = json_get(w->in->facts, "contacts");
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, SPEECH_PEOPLE);
    for (size_t i = 0; i < json_count(contacts) && i < PEOPLE_MAX; i++) {
        const struct json *who = json_at(contacts, i);
        struct str title = json_str(who, "title", STR(""));
        struct str part =
            json_bool(who, "sponsor", false)    ? export_note_say(w, SPEECH_PEOPLE_SPONSOR)
            : json_bool(who, "champion", false) ? export_note_say(w, SPEECH_PEOPLE_CHAMPION)
                                                : STR("");
        export_note_item(w, b, json_str(who, "name", STR("")),
                         str_fmt(w->a, "%.*s%s%.*s", STR_ARG(title), title.n && part.n ? ", " : "",
                                 STR_ARG(part)));
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), export_note_say(w, SPEECH_PEOPLE_NONE));
    }
}

void export_part_renewal(struct export_work *w)
{
    struct str title = export_note_say(w, SPEECH_RENEWAL_UNKNOWN);
    if (w->has_renewal) {
        struct str on = export_note_date(w, w->renewal_ms);
        title = export_note_fill(w, SPEECH_RENEWAL_TITLE, "date", on);
    }
    struct paper_page *page = export_note_page(w, SPEECH_KICKER_COMMERCIALS, title);
    struct paper_block *b = export_note_figures(w, page, PAPER_WIDE);
    export_note_renewal(w, b);
    export_note_arr(w, b);
    if (w->has_seats) {
        export_note_show(w, b,
                         &(struct export_shown){SPEECH_SEATS, export_note_number(w, w->seats),
                                                STR(""), PAPER_PLAIN, "contract"});
    }
    export_note_score(w, b);
    struct paper_block *facts = export_note_list(w, page, PAPER_LEFT, SPEECH_CONTRACT);
    struct str plan = json_str(w->contract, "plan", STR("")),
               stage = json_str(w->account, "stage", STR("")),
               owner = json_str(w->account, "owner", STR(""));
    if (w->has_arr) {
        struct str month = export_note_money(w, (w->arr_cents / MONTHS_PER_YEAR + 50) / 100 * 100);
        struct str text = export_note_fill(w, SPEECH_CONTRACT_MONTHLY, "money", month);
        export_note_as(w, SPEECH_CONTRACT_MONTHLY_LABEL, text, "contract");
        export_note_item(w, facts, export_note_say(w, SPEECH_CONTRACT_VALUE), text);
    }
    if (plan.n) {
        export_note_item(w, facts, export_note_say(w, SPEECH_CONTRACT_PLAN), plain_word(w, plan));
    }
    if (stage.n) {
        export_note_item(w, facts, export_note_say(w, SPEECH_CONTRACT_STAGE),
                         export_note_word(w, stage));
    }
    if (owner.n) {
        export_note_item(w, facts, export_note_say(w, SPEECH_CONTRACT_OWNER), owner);
    }
    if (facts && !facts->list.n) {
        export_note_item(w, facts, STR(""), export_note_say(w, SPEECH_CONTRACT_UNKNOWN));
    }
    add_people(w, page);
}

/* ---- what to do -------------------------------------------------------------------- */

void export_part_actions(struct export_work *w)
{
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_RISKS, export_note_say(w, SPEECH_RISKS_TITLE));
    const struct json *factors = json_get(w->in->health, "factors");
    struct paper_block *b = export_note_list(w, page, PAPER_LEFT, SPEECH_RISKS);
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        enum paper_tone tone = export_note_points(factor);
        if (tone == PAPER_GOOD) {
            continue;
        }
        paper_add_item(w->p, b,
                       &(struct paper_item){.lead = json_str(factor, "text", STR("")),
                                            .text = tone == PAPER_MUTED
                                                        ? export_note_say(w, SPEECH_RISKS_UNJUDGED)
                                                        : STR(""),
                                            .tone = tone,
                                            .url = factor_note(w, factor)});
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), export_note_say(w, SPEECH_RISKS_NONE));
    }
    add_actions(w, export_note_list(w, page, PAPER_RIGHT, SPEECH_ACTIONS),
                w->kind == EXPORT_QBR ? 6 : 8, true);
}

void export_part_roadmap(struct export_work *w)
{
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_NEXT, export_note_say(w, SPEECH_NEXT_TITLE));
    add_bullets(w, page, PAPER_LEFT, outline(w, SPEECH_QBR_ROADMAP));
    add_bullets(w, page, PAPER_LEFT, outline(w, SPEECH_QBR_HIGHLIGHTS));
    add_bullets(w, page, PAPER_LEFT, outline(w, SPEECH_QBR_RECOVERY));
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, SPEECH_NEXT_AGREE);
    export_note_item(w, b, STR(""), export_note_say(w, SPEECH_NEXT_OWNERS));
    export_note_item(w, b, STR(""), export_note_say(w, SPEECH_NEXT_ROADMAP));
    export_note_item(w, b, STR(""), export_note_say(w, SPEECH_NEXT_WORKED));
    export_note_item(w, b, STR(""), export_note_say(w, SPEECH_NEXT_REVIEW));
}

void export_part_email(struct export_work *w)
{
    const struct json *draft = json_get(w->in->final, "email_draft");
    struct str body = json_str(draft, "body", STR("")), line;
    if (!body.n) {
        return;
    }
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_EMAIL, export_note_say(w, SPEECH_EMAIL_TITLE));
    struct paper_block *b =
        paper_add_block(w->p, page, PAPER_NOTE, PAPER_WIDE, json_str(draft, "subject", STR("")));
    while (str_split(&body, '\n', &line)) {
        if (str_trim(line).n) {
            export_note_item(w, b, STR(""), line);
        }
    }
}

void export_part_missing(struct export_work *w)
{
    const struct json *notes = json_get(w->in->final, "notes");
    if (!json_count(notes)) {
        return;
    }
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_NOTES, export_note_say(w, SPEECH_NOTES_TITLE));
    struct paper_block *b = paper_add_block(w->p, page, PAPER_NOTE, PAPER_WIDE, STR(""));
    for (size_t i = 0; i < json_count(notes); i++) {
        export_note_item(w, b, STR(""), json_str(json_at(notes, i), "text", STR("")));
    }
}

/* ---- portfolio --------------------------------------------------------------------- */

static struct str cell_text(struct export_work *w, struct str type, const struct json *v,
                            const struct json *row)
{
    if (json_is_null(v)) {
        return STR("-");
    }
    if (str_eqz(type, "money")) {
        return wording_money(w->a, w->l, (int64_t)json_number(v, 0),
                             json_str(row, "currency", STR("")));
    }
    if (str_eqz(type, "date")) {
        return export_note_date(w, (int64_t)json_number(v, 0));
    }
    if (!json_is(v, JSON_STRING)) {
        return export_note_real(w, json_number(v, NAN));
    }
    bool word = str_eqz(type, "risk") || (str_eqz(type, "trend") && w->l != WORDING_EN);
    return word ? export_note_word(w, json_text(v, STR(""))) : json_text(v, STR(""));
}

void export_part_portfolio(struct export_work *w)
{
    const struct json *table = json_get(w->in->final, "table");
    const struct json *columns = json_get(table, "columns"), *rows = json_get(table, "rows");
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_PORTFOLIO,
                         json_str(table, "title", export_note_say(w, SPEECH_PORTFOLIO_ASKED)));
    paper_set_lead(w->p, page, json_str(w->in->final, "summary", STR("")));
    struct paper_block *t = paper_add_block(w->p, page, PAPER_TABLE, PAPER_WIDE, STR(""));
    size_t n = json_count(columns);
    if (t) {
        t->table.compact = true;
    }
    for (size_t i = 0; i < n; i++) {
        struct str type = json_str(json_at(columns, i), "type", STR(""));
        bool right = str_eqz(type, "money") || str_eqz(type, "number") || str_eqz(type, "score");
        double share = i == 0 ? 2.4 : str_eqz(type, "text") ? 2.6 : str_eqz(type, "date") ? 1.9 : 1;
        paper_add_column(w->p, t, json_str(json_at(columns, i), "label", STR("")), share, right);
    }
    for (size_t r = 0; r < json_count(rows); r++) {
        const struct json *row = json_at(rows, r);
        struct paper_cell cells[PAPER_COLUMNS_MAX] = {{.tone = PAPER_PLAIN}};
        for (size_t i = 0; i < n && i < PAPER_COLUMNS_MAX; i++) {
            const struct json *column = json_at(columns, i);
            struct str type = json_str(column, "type", STR(""));
            const struct json *v = json_find(row, json_str(column, "key", STR("")));
            cells[i].text = cell_text(w, type, v, row);
            cells[i].tone =
                str_eqz(type, "risk") ? export_note_risk(json_text(v, STR(""))) : PAPER_PLAIN;
        }
        struct str id = json_str(row, "id", STR(""));
        if (id.n) {
            cells[0].url =
                str_fmt(w->a, "%.*s/console/accounts/%.*s", STR_ARG(w->in->base_url), STR_ARG(id));
        }
        paper_add_row(w->p, t, cells);
    }
}

/* ---- sources ----------------------------------------------------------------------- */

/* The same figure, whichever sign stands for its minus. */
static bool is_same(struct export_work *w, struct str a, struct str b)
{
    struct str minus = STR("\u2212");
    a = str_starts(a, minus) ? str_fmt(w->a, "-%.*s", STR_ARG(str_sub(a, minus.n, a.n))) : a;
    return str_eq(a, b);
}

static bool is_noted(struct export_work *w, struct str value)
{
    for (int i = 0; i < w->n_figures; i++) {
        if (is_same(w, w->figures[i].value, value)) {
            return true;
        }
    }
    return false;
}

/* What the brief's own texts are bound to, unless it was shown already. */
static void note_brief(struct export_work *w)
{
    const struct json *figures = json_get(w->in->final, "figures");
    for (size_t i = 0; i < json_count(figures); i++) {
        const struct json *f = json_at(figures, i), *source = json_get(f, "source");
        struct str url = json_str(source, "url", STR("")), text = json_str(f, "text", STR(""));
        ptrdiff_t part = str_find_char(url, '#');
        struct export_figure figure = {
            json_str(f, "label", STR("")), text,
            export_note_word(w, part >= 0 ? str_sub(url, (size_t)part + 1, url.n) : STR("account")),
            str_fmt(w->a, "%.*s%.*s", STR_ARG(w->in->base_url), STR_ARG(url))};
        if (!is_noted(w, text)) {
            export_note_at(w, &figure);
        }
    }
}

static void add_sources(struct export_work *w, struct paper_page *page, enum paper_side side,
                        const int range[2])
{
    struct paper_block *t = paper_add_block(w->p, page, PAPER_TABLE, side, STR(""));
    if (t) {
        t->table.compact = true;
    }
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_FIGURE), 3, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_VALUE), 3.4, false);
    paper_add_column(w->p, t, export_note_say(w, SPEECH_HEAD_SOURCE), 1.2, false);
    for (int i = range[0]; i < range[1]; i++) {
        const struct export_figure *f = &w->figures[i];
        struct paper_cell cells[] = {{f->label, PAPER_PLAIN, STR("")},
                                     {f->value, PAPER_PLAIN, STR("")},
                                     {f->source, PAPER_PLAIN, f->url}};
        paper_add_row(w->p, t, cells);
    }
}

void export_part_sources(struct export_work *w)
{
    note_brief(w);
    struct paper_page *page =
        export_note_page(w, SPEECH_KICKER_SOURCES, export_note_say(w, SPEECH_SOURCES_TITLE));
    struct str at = export_note_date(w, w->in->at_ms);
    paper_set_lead(w->p, page, export_note_fill(w, SPEECH_SOURCES_AS_OF, "date", at));
    int n = w->n_figures;
    bool halves = w->kind == EXPORT_QBR && n > 14;
    int first = halves ? (n + 1) / 2 : n;
    add_sources(w, page, halves ? PAPER_LEFT : PAPER_WIDE, (int[]){0, first});
    if (halves) {
        add_sources(w, page, PAPER_RIGHT, (int[]){first, n});
    }
}
