#include "svc/success/export_part.h"

#include <math.h>

#include "svc/success/wording.h"

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
        export_note_item(w, b, STR(""), STR("No actions were proposed."));
    }
}

/* Factors of the health, as words. */
static void add_factors(struct export_work *w, struct paper_block *b)
{
    const struct json *factors = json_get(w->in->health, "factors");
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        struct str name = json_str(factor, "name", STR("")),
                   text = json_str(factor, "text", STR(""));
        struct str label = str_fmt(w->a, "Health: %.*s", STR_ARG(name));
        paper_add_item(w->p, b,
                       &(struct paper_item){.lead = text,
                                            .tone = export_note_points(factor),
                                            .url = export_note(w, label, text, "health")});
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), STR("The health of this account is not known."));
    }
}

/* ---- summary ---------------------------------------------------------------------- */

/* Without a last sentence that is about the brief and not about the account ("... is ready."). */
static struct str summary_text(struct export_work *w)
{
    struct str s = json_str(w->in->final, "summary", STR(""));
    if (!str_ends(s, STR(" is ready."))) {
        return s;
    }
    size_t end = s.n - 1;
    while (end && !str_starts(str_sub(s, end - 1, 2), STR(". "))) {
        end--;
    }
    return str_sub(s, 0, end);
}

void export_part_summary(struct export_work *w)
{
    const char *state = str_eqz(w->risk, "low")      ? "is in good health"
                        : str_eqz(w->risk, "medium") ? "needs attention"
                        : str_eqz(w->risk, "high")   ? "is at risk"
                                                     : "cannot be judged yet";
    struct paper_page *page =
        export_note_page(w, "Executive summary", str_fmt(w->a, "%.*s %s", STR_ARG(w->name), state));
    paper_set_lead(w->p, page, summary_text(w));
    struct paper_block *b = export_note_figures(w, page, PAPER_WIDE);
    export_note_score(w, b);
    export_note_arr(w, b);
    export_note_renewal(w, b);
    export_note_tickets(w, b);
    add_factors(w, export_note_list(w, page, PAPER_LEFT, "Where things stand"));
    add_actions(w, export_note_list(w, page, PAPER_RIGHT, "What we propose"), 3, false);
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
        labels[i] = i == 0 ? STR("oldest") : i + 1 == n ? STR("newest") : STR("");
        values[i] = json_number(json_at(line, i), NAN);
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    struct str first = paper_number(w->a, values[0]), last = paper_number(w->a, values[n - 1]);
    struct paper_chart c = {
        .kind = PAPER_LINE,
        .title = STR("Users on a day"),
        .alt = str_fmt(w->a, "Users on a day, from %.*s to %.*s.", STR_ARG(first), STR_ARG(last)),
        .labels = labels,
        .n_points = (int)n,
        .n_series = 1,
        .series = {{STR("Users on a day"), values, PAPER_PLAIN}}};
    paper_set_chart(
        w->p, paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, STR("Users on a day")), &c);
    export_note(w, STR("Users on a day, first to last value"),
                str_fmt(w->a, "%.*s to %.*s", STR_ARG(first), STR_ARG(last)), "usage");
    struct str range = str_fmt(w->a, "%.*s to %.*s", STR_ARG(paper_number(w->a, low)),
                               STR_ARG(paper_number(w->a, high)));
    export_note(w, STR("Users on a day, lowest to highest"), range, "usage");
}

/* A section of the outline whose title begins so; NULL: none. */
static const struct json *outline(struct export_work *w, const char *title)
{
    const struct json *sections = json_get(w->in->qbr, "sections");
    for (size_t i = 0; i < json_count(sections); i++) {
        const struct json *s = json_at(sections, i);
        if (str_starts(json_str(s, "title", STR("")), str_of(title))) {
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
    struct str title = str_eqz(w->trend, "up")     ? STR("Usage is rising")
                       : str_eqz(w->trend, "down") ? STR("Usage is falling")
                       : w->trend.n                ? STR("Usage is steady")
                                                   : STR("How usage develops is not known");
    struct paper_page *page = export_note_page(w, "Adoption", title);
    bool chart = json_count(json_get(w->usage, "sparkline")) > 1;
    add_usage_chart(w, page);
    struct paper_block *b = export_note_figures(w, page, chart ? PAPER_RIGHT : PAPER_WIDE);
    export_note_users(w, b);
    if (w->has_seats) {
        struct export_shown seats = {STR("Seats"), export_note_number(w, w->seats), STR(""),
                                     PAPER_PLAIN, "contract"};
        if (w->has_users) {
            int64_t share = (w->users * 200 + w->seats) / (w->seats * 2);
            seats.note = str_fmt(w->a, "%lld%% in use", (long long)share);
            export_note(w, STR("Seats in use"), seats.note, "usage");
        }
        export_note_show(w, b, &seats);
    }
    add_bullets(w, page, chart ? PAPER_RIGHT : PAPER_WIDE, outline(w, "Adoption"));
}

/* ---- support ----------------------------------------------------------------------- */

static enum paper_tone severity_tone(struct str severity)
{
    return str_eqz(severity, "critical") || str_eqz(severity, "urgent") ? PAPER_BAD
           : str_eqz(severity, "high")                                  ? PAPER_WATCH
                                                                        : PAPER_PLAIN;
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
        struct str name = json_str(json_at(recent, i), "severity", STR("not known"));
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
        labels[i] = of[i].name;
        counts[i] = of[i].count;
        tones[i] = severity_tone(of[i].name);
        export_note(w, str_fmt(w->a, "Tickets listed: %.*s", STR_ARG(labels[i])),
                    export_note_number(w, (int64_t)counts[i]), "tickets");
    }
    if (n == 0) {
        return;
    }
    struct paper_chart c = {.kind = PAPER_COLUMNS,
                            .title = STR("Tickets by severity"),
                            .alt = STR("Newest open tickets, by severity."),
                            .labels = labels,
                            .n_points = n,
                            .n_series = 1,
                            .tones = tones};
    c.series[0] = (struct paper_series){STR("Tickets"), counts, PAPER_PLAIN};
    paper_set_chart(w->p, paper_add_block(w->p, page, PAPER_CHART, PAPER_LEFT, STR("By severity")),
                    &c);
}

void export_part_support(struct export_work *w)
{
    struct str title =
        !w->has_tickets ? STR("Support tickets are not known")
        : w->open_tickets == 0
            ? STR("No tickets are open")
            : export_note_counted(w, w->open_tickets, "ticket is open", "tickets are open");
    struct paper_page *page = export_note_page(w, "Support", title);
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
        struct export_shown s = {STR("Oldest of those listed"),
                                 export_note_counted(w, days, "day", "days"),
                                 str_fmt(w->a, "since %.*s", STR_ARG(export_note_date(w, oldest))),
                                 PAPER_PLAIN, "tickets"};
        export_note(w, STR("Oldest of those listed"), s.note, "tickets");
        export_note_show(w, b, &s);
    }
    add_bullets(w, page, chart ? PAPER_RIGHT : PAPER_WIDE, outline(w, "Support"));
}

void export_part_issues(struct export_work *w)
{
    const struct json *recent = json_get(w->tickets, "recent_tickets");
    size_t n = json_count(recent);
    if (!n) {
        return;
    }
    struct paper_page *page = export_note_page(w, "Support", STR("Open issues"));
    if (w->has_tickets && (int64_t)n < w->open_tickets) {
        paper_set_lead(w->p, page,
                       str_fmt(w->a, "The newest of %.*s.",
                               STR_ARG(export_note_counted(w, w->open_tickets, "open ticket",
                                                           "open tickets"))));
        export_note(w, STR("Open tickets"), export_note_number(w, w->open_tickets), "tickets");
    }
    struct paper_block *t = paper_add_block(w->p, page, PAPER_TABLE, PAPER_WIDE, STR(""));
    paper_add_column(w->p, t, STR("Ticket"), 1.4, false);
    paper_add_column(w->p, t, STR("Subject"), 5, false);
    paper_add_column(w->p, t, STR("Severity"), 1.1, false);
    paper_add_column(w->p, t, STR("Since"), 2, false);
    for (size_t i = 0; i < n && i < EXPORT_TICKETS_MAX; i++) {
        const struct json *ticket = json_at(recent, i);
        struct str severity = json_str(ticket, "severity", STR("not known"));
        int64_t at = json_int(ticket, "created_at_ms", 0);
        struct paper_cell cells[] = {
            {json_str(ticket, "id", STR("-")), PAPER_PLAIN, export_note_url(w, "tickets")},
            {json_str(ticket, "subject", STR("")), PAPER_PLAIN, STR("")},
            {severity, severity_tone(severity), STR("")},
            {at > 0 ? export_note_date(w, at) : STR("not known"), PAPER_PLAIN, STR("")}};
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
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, "People");
    for (size_t i = 0; i < json_count(contacts) && i < PEOPLE_MAX; i++) {
        const struct json *who = json_at(contacts, i);
        struct str title = json_str(who, "title", STR(""));
        const char *part = json_bool(who, "sponsor", false)    ? "executive sponsor"
                           : json_bool(who, "champion", false) ? "champion"
                                                               : "";
        export_note_item(
            w, b, json_str(who, "name", STR("")),
            str_fmt(w->a, "%.*s%s%s", STR_ARG(title), title.n && *part ? ", " : "", part));
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), STR("No contacts are known at this account."));
    }
}

void export_part_renewal(struct export_work *w)
{
    struct str title = STR("The renewal date is not known");
    if (w->has_renewal) {
        struct str on = export_note_date(w, w->renewal_ms);
        title = str_fmt(w->a, "Renewal on %.*s", STR_ARG(on));
    }
    struct paper_page *page = export_note_page(w, "Renewal and commercials", title);
    struct paper_block *b = export_note_figures(w, page, PAPER_WIDE);
    export_note_renewal(w, b);
    export_note_arr(w, b);
    if (w->has_seats) {
        export_note_show(w, b,
                         &(struct export_shown){STR("Seats"), export_note_number(w, w->seats),
                                                STR(""), PAPER_PLAIN, "contract"});
    }
    export_note_score(w, b);
    struct paper_block *facts = export_note_list(w, page, PAPER_LEFT, "The contract");
    struct str plan = json_str(w->contract, "plan", STR("")),
               stage = json_str(w->account, "stage", STR("")),
               owner = json_str(w->account, "owner", STR(""));
    if (w->has_arr) {
        struct str month = wording_money(
            w->a, WORDING_EN, (w->arr_cents / MONTHS_PER_YEAR + 50) / 100 * 100, w->currency);
        struct str text = str_fmt(w->a, "about %.*s a month", STR_ARG(month));
        export_note(w, STR("Annual value, by month"), text, "contract");
        export_note_item(w, facts, STR("Value:"), text);
    }
    if (plan.n) {
        export_note_item(w, facts, STR("Plan:"), plain_word(w, plan));
    }
    if (stage.n) {
        export_note_item(w, facts, STR("Stage:"), plain_word(w, stage));
    }
    if (owner.n) {
        export_note_item(w, facts, STR("Owner:"), owner);
    }
    if (facts && !facts->list.n) {
        export_note_item(w, facts, STR(""), STR("The contract is not known."));
    }
    add_people(w, page);
}

/* ---- what to do -------------------------------------------------------------------- */

void export_part_actions(struct export_work *w)
{
    struct paper_page *page =
        export_note_page(w, "Risks and actions", STR("What stands in the way, and what we do"));
    const struct json *factors = json_get(w->in->health, "factors");
    struct paper_block *b = export_note_list(w, page, PAPER_LEFT, "Risks");
    for (size_t i = 0; i < json_count(factors) && i < FACTORS_MAX; i++) {
        const struct json *factor = json_at(factors, i);
        enum paper_tone tone = export_note_points(factor);
        if (tone == PAPER_GOOD) {
            continue;
        }
        struct str text = json_str(factor, "text", STR("")),
                   name = json_str(factor, "name", STR(""));
        struct str label = str_fmt(w->a, "Health: %.*s", STR_ARG(name));
        paper_add_item(w->p, b,
                       &(struct paper_item){
                           .lead = text,
                           .text = tone == PAPER_MUTED ? STR("cannot be judged yet") : STR(""),
                           .tone = tone,
                           .url = export_note(w, label, text, "health")});
    }
    if (b && !b->list.n) {
        export_note_item(w, b, STR(""), STR("No factor of the health is a risk today."));
    }
    add_actions(w, export_note_list(w, page, PAPER_RIGHT, "Actions"), w->kind == EXPORT_QBR ? 6 : 8,
                true);
}

void export_part_roadmap(struct export_work *w)
{
    struct paper_page *page = export_note_page(w, "Next steps", STR("Roadmap and next steps"));
    add_bullets(w, page, PAPER_LEFT, outline(w, "Roadmap"));
    add_bullets(w, page, PAPER_LEFT, outline(w, "Highlights"));
    add_bullets(w, page, PAPER_LEFT, outline(w, "Recovery"));
    struct paper_block *b = export_note_list(w, page, PAPER_RIGHT, "To agree today");
    export_note_item(w, b, STR(""), STR("An owner and a date for each action"));
    export_note_item(w, b, STR(""), STR("What of the roadmap matters most for the coming quarter"));
    export_note_item(w, b, STR(""), STR("How we will both know that it worked"));
    export_note_item(w, b, STR(""), STR("The date of the next review"));
}

void export_part_email(struct export_work *w)
{
    const struct json *draft = json_get(w->in->final, "email_draft");
    struct str body = json_str(draft, "body", STR("")), line;
    if (!body.n) {
        return;
    }
    struct paper_page *page = export_note_page(w, "E-mail", STR("Draft of an e-mail"));
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
    struct paper_page *page = export_note_page(w, "Notes", STR("What to know about this brief"));
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
        return wording_money(w->a, WORDING_EN, (int64_t)json_number(v, 0),
                             json_str(row, "currency", STR("")));
    }
    if (str_eqz(type, "date")) {
        return export_note_date(w, (int64_t)json_number(v, 0));
    }
    return json_is(v, JSON_STRING) ? json_text(v, STR(""))
                                   : paper_number(w->a, json_number(v, NAN));
}

void export_part_portfolio(struct export_work *w)
{
    const struct json *table = json_get(w->in->final, "table");
    const struct json *columns = json_get(table, "columns"), *rows = json_get(table, "rows");
    struct paper_page *page =
        export_note_page(w, "Portfolio", json_str(table, "title", STR("What was asked")));
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
            cells[i].tone = str_eqz(type, "risk") ? export_note_risk(cells[i].text) : PAPER_PLAIN;
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

static bool is_noted(const struct export_work *w, struct str value)
{
    for (int i = 0; i < w->n_figures; i++) {
        if (str_eq(w->figures[i].value, value)) {
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
            part >= 0 ? str_sub(url, (size_t)part + 1, url.n) : STR("account"),
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
    paper_add_column(w->p, t, STR("Figure"), 3, false);
    paper_add_column(w->p, t, STR("Value"), 3.4, false);
    paper_add_column(w->p, t, STR("Source"), 1.2, false);
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
    struct paper_page *page = export_note_page(w, "Sources", STR("Where each figure comes from"));
    struct str at = export_note_date(w, w->in->at_ms);
    paper_set_lead(w->p, page, str_fmt(w->a, "All figures as of %.*s.", STR_ARG(at)));
    int n = w->n_figures;
    bool halves = w->kind == EXPORT_QBR && n > 14;
    int first = halves ? (n + 1) / 2 : n;
    add_sources(w, page, halves ? PAPER_LEFT : PAPER_WIDE, (int[]){0, first});
    if (halves) {
        add_sources(w, page, PAPER_RIGHT, (int[]){first, n});
    }
}
