#include "svc/success/export_note.h"

#include "svc/success/success_facts.h"

/* ---- what is known --------------------------------------------------------------- */

bool export_note_int(const struct json *of, const char *name, int64_t *out)
{
    if (!json_is(json_get(of, name), JSON_INT)) {
        return false;
    }
    *out = json_int(of, name, 0);
    return true;
}

void export_note_begin(struct export_work *w, struct arena *a, const struct export_input *in)
{
    *w = (struct export_work){.a = a,
                              .in = in,
                              .account = json_get(in->facts, "account"),
                              .contract = json_get(in->facts, "contract"),
                              .usage = json_get(in->facts, "usage"),
                              .tickets = json_get(in->facts, "tickets")};
    w->id = json_str(w->account, "id", STR(""));
    wording_language_parse(json_str(in->final, "language", STR("")), &w->l);
    w->name = json_str(w->account, "name", export_note_say(w, SPEECH_DOC_ACCOUNT));
    w->has_score = export_note_int(in->health, "score", &w->score);
    w->risk = json_str(in->health, "risk_level", STR("unknown"));
    w->has_renewal = export_note_int(w->contract, "renewal_date_ms", &w->renewal_ms);
    w->renewal_days = w->has_renewal ? success_facts_days(w->renewal_ms, in->at_ms) : 0;
    w->has_arr = export_note_int(w->contract, "arr_cents", &w->arr_cents);
    w->currency = json_str(w->contract, "currency", STR(""));
    w->has_seats = export_note_int(w->contract, "seats", &w->seats) && w->seats > 0;
    w->has_users = export_note_int(w->usage, "avg_daily_users", &w->users);
    w->trend = json_str(w->usage, "trend", STR(""));
    w->has_tickets = export_note_int(w->tickets, "open_tickets", &w->open_tickets);
}

/* ---- figures and their sources ---------------------------------------------------- */

/* The part of the account's page that the figure is from. */
struct str export_note_url(struct export_work *w, const char *part)
{
    return str_fmt(w->a, "%.*s/console/accounts/%.*s#%s", STR_ARG(w->in->base_url), STR_ARG(w->id),
                   part);
}

void export_note_at(struct export_work *w, const struct export_figure *figure)
{
    for (int i = 0; i < w->n_figures; i++) {
        if (str_eq(w->figures[i].label, figure->label) &&
            str_eq(w->figures[i].value, figure->value)) {
            return;
        }
    }
    if (w->n_figures < EXPORT_FIGURES_MAX && figure->value.n) {
        w->figures[w->n_figures++] = *figure;
    }
}

/* Remembers a figure for the page of sources; returns where it is from. */
struct str export_note(struct export_work *w, struct str label, struct str value, const char *part)
{
    struct export_figure f = {label, value, export_note_word(w, str_of(part)),
                              export_note_url(w, part)};
    export_note_at(w, &f);
    return f.url;
}

struct str export_note_as(struct export_work *w, enum speech label, struct str value,
                          const char *part)
{
    return export_note(w, export_note_say(w, label), value, part);
}

/* ---- words ------------------------------------------------------------------------ */

struct str export_note_say(struct export_work *w, enum speech which)
{
    return speech_str(w->l, which);
}

struct str export_note_fill(struct export_work *w, enum speech which, const char *name,
                            struct str value)
{
    const struct wording_slot slots[] = {{name, value}, {0}};
    return wording_fill(w->a, speech_of(w->l, which), slots);
}

struct str export_note_word(struct export_work *w, struct str word)
{
    return speech_word(w->a, w->l, word);
}

struct str export_note_real(struct export_work *w, double n)
{
    return paper_number(w->a, w->p->words, n);
}

struct str export_note_money(struct export_work *w, int64_t cents)
{
    return wording_money(w->a, w->l, cents, w->currency);
}

struct str export_note_number(struct export_work *w, int64_t n)
{
    return wording_number(w->a, w->l, n);
}

struct str export_note_date(struct export_work *w, int64_t ms)
{
    return wording_date(w->a, w->l, ms);
}

enum paper_tone export_note_risk(struct str risk)
{
    return str_eqz(risk, "low")      ? PAPER_GOOD
           : str_eqz(risk, "medium") ? PAPER_WATCH
           : str_eqz(risk, "high")   ? PAPER_BAD
                                     : PAPER_MUTED;
}

enum paper_tone export_note_points(const struct json *factor)
{
    double points = json_real(factor, "points", -1);
    return points < 0     ? PAPER_MUTED
           : points >= 75 ? PAPER_GOOD
           : points >= 50 ? PAPER_WATCH
                          : PAPER_BAD;
}

static struct str days_text(struct export_work *w)
{
    if (w->renewal_days <= 0) {
        return export_note_say(w,
                               w->renewal_days < 0 ? SPEECH_RENEWAL_PASSED : SPEECH_RENEWAL_TODAY);
    }
    return speech_counted(w->a, w->l, SPEECH_RENEWAL_IN_DAY, SPEECH_RENEWAL_IN_DAYS,
                          w->renewal_days);
}

struct paper_block *export_note_figures(struct export_work *w, struct paper_page *page,
                                        enum paper_side side)
{
    return paper_add_block(w->p, page, PAPER_FIGURES, side, STR(""));
}

void export_note_show(struct export_work *w, struct paper_block *b, const struct export_shown *s)
{
    struct paper_figure f = {
        .label = export_note_say(w, s->label), .value = s->value, .note = s->note, .tone = s->tone};
    f.url = export_note(w, f.label, s->value, s->part);
    paper_add_figure(w->p, b, &f);
}

void export_note_score(struct export_work *w, struct paper_block *b)
{
    struct str risk = export_note_word(w, w->risk);
    struct export_shown s = {SPEECH_FIGURE_SCORE, export_note_say(w, SPEECH_NOT_KNOWN),
                             export_note_fill(w, SPEECH_SCORE_RISK_UNKNOWN, "risk", risk),
                             export_note_risk(w->risk), "health"};
    int64_t low, high;
    const struct json *range = json_get(w->in->health, "range");
    if (w->has_score) {
        s.value = export_note_number(w, w->score);
        s.note = export_note_fill(w, SPEECH_SCORE_RISK, "risk", risk);
    } else if (export_note_int(range, "low", &low) && export_note_int(range, "high", &high)) {
        s.note = SPEECH_FILL(w->a, w->l, SPEECH_SCORE_BETWEEN, {"low", export_note_number(w, low)},
                             {"high", export_note_number(w, high)});
        export_note_as(w, SPEECH_SCORE_POSSIBLE, s.note, "health");
    }
    export_note_show(w, b, &s);
}

void export_note_renewal(struct export_work *w, struct paper_block *b)
{
    struct export_shown s = {SPEECH_RENEWAL, export_note_say(w, SPEECH_NOT_KNOWN), STR(""),
                             PAPER_MUTED, "contract"};
    if (w->has_renewal) {
        s.value = export_note_date(w, w->renewal_ms);
        s.note = days_text(w);
        s.tone = w->renewal_days < 60 ? PAPER_WATCH : PAPER_PLAIN;
        export_note_as(w, SPEECH_RENEWAL_TIME, s.note, "contract");
    }
    export_note_show(w, b, &s);
}

void export_note_arr(struct export_work *w, struct paper_block *b)
{
    struct export_shown s = {SPEECH_FIGURE_ARR, export_note_say(w, SPEECH_NOT_KNOWN),
                             json_str(w->contract, "plan", STR("")), PAPER_MUTED, "contract"};
    if (w->has_arr) {
        s.value = export_note_money(w, w->arr_cents);
        s.tone = PAPER_PLAIN;
    }
    export_note_show(w, b, &s);
}

void export_note_tickets(struct export_work *w, struct paper_block *b)
{
    struct export_shown s = {SPEECH_FIGURE_TICKETS, export_note_say(w, SPEECH_NOT_KNOWN), STR(""),
                             PAPER_MUTED, "tickets"};
    if (w->has_tickets) {
        s.value = export_note_number(w, w->open_tickets);
        s.tone = w->open_tickets > 2 ? PAPER_BAD : w->open_tickets > 0 ? PAPER_WATCH : PAPER_GOOD;
    }
    export_note_show(w, b, &s);
}

void export_note_users(struct export_work *w, struct paper_block *b)
{
    struct export_shown s = {SPEECH_USAGE_DAILY, export_note_say(w, SPEECH_NOT_KNOWN), STR(""),
                             PAPER_MUTED, "usage"};
    if (w->has_users) {
        s.value = export_note_number(w, w->users);
        s.tone = PAPER_PLAIN;
    }
    if (w->trend.n) {
        s.note = export_note_say(w, str_eqz(w->trend, "up")     ? SPEECH_USAGE_NOTE_UP
                                    : str_eqz(w->trend, "down") ? SPEECH_USAGE_NOTE_DOWN
                                                                : SPEECH_USAGE_NOTE_FLAT);
        s.tone = str_eqz(w->trend, "up")     ? PAPER_GOOD
                 : str_eqz(w->trend, "down") ? PAPER_BAD
                                             : PAPER_WATCH;
    }
    export_note_show(w, b, &s);
}

struct paper_page *export_note_page(struct export_work *w, enum speech kicker, struct str title)
{
    struct paper_page *page =
        paper_add_page(w->p, PAPER_CONTENT, export_note_say(w, kicker), title);
    struct str at = export_note_date(w, w->in->at_ms);
    paper_set_notes(w->p, page,
                    SPEECH_FILL(w->a, w->l, SPEECH_DOC_NOTES, {"title", title}, {"date", at}));
    return page;
}

void export_note_item(struct export_work *w, struct paper_block *b, struct str lead,
                      struct str text)
{
    paper_add_item(w->p, b, &(struct paper_item){.lead = lead, .text = text});
}

struct paper_block *export_note_list(struct export_work *w, struct paper_page *page,
                                     enum paper_side side, enum speech heading)
{
    return paper_add_block(w->p, page, PAPER_LIST, side, export_note_say(w, heading));
}
