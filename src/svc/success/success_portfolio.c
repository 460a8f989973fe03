#include "svc/success/success_portfolio.h"

#include <string.h>

#include "base/log.h"
#include "codec/date.h"
#include "codec/text.h"
#include "host/service.h"
#include "svc/success/question_period.h"
#include "svc/success/success_condition.h"
#include "svc/success/success_table.h"

enum { CHANGE_DAYS = 30 };

#define HAS(w, list)  question_words_has(w, list)
#define FREE(w, list) question_words_has_free(w, list)

/* A word of the one list followed, with at most one word between, by one of the other. */
static bool has_pair(const struct question_words *w, const char *first, const char *second)
{
    for (int i = 0; i + 1 < w->n; i++) {
        if (!w->at[i].used && question_words_is(w, i, first) &&
            (question_words_is(w, i + 1, second) || question_words_is(w, i + 2, second))) {
            return true;
        }
    }
    return false;
}

/* ---- what it is ranked by ------------------------------------------------ */

#define MOST  "most highest biggest largest top best greatest more high maximum"
#define LEAST "least lowest smallest bottom worst fewest lower less low minimum"

static void rank_by(struct success_portfolio *q, enum speech title, const char *measure,
                    const char *sort)
{
    q->title = title;
    q->measure = measure;
    q->sort = sort;
}

static void rank_by_trend(const struct question_words *w, struct success_portfolio *q)
{
    struct str trend = str_of(q->want.trend ? q->want.trend : "");
    if (str_eqz(trend, "down")) {
        rank_by(q, SPEECH_RANK_USAGE_DOWN, "score", "score");
    } else if (str_eqz(trend, "up")) {
        rank_by(q, SPEECH_RANK_USAGE_UP, "avg_daily_users", "-avg_daily_users");
    } else if (HAS(w, "usage adoption users")) {
        bool least = FREE(w, LEAST);
        rank_by(q, least ? SPEECH_RANK_USAGE_LEAST : SPEECH_RANK_USAGE_MOST, "avg_daily_users",
                least ? "avg_daily_users" : "-avg_daily_users");
    }
}

static void rank_by_risk(const struct question_words *w, struct success_portfolio *q)
{
    bool good = FREE(w, "healthiest best safest strongest") ||
                has_pair(w, "least lowest", "risk churn likely") ||
                has_pair(w, "highest top", "health score scores") || has_pair(w, "least", "at");
    rank_by(q, good ? SPEECH_RANK_HEALTHIEST : SPEECH_RANK_AT_RISK, "score",
            good ? "-score" : "score");
}

static void rank_by_size(const struct question_words *w, struct success_portfolio *q)
{
    bool least = FREE(w, LEAST);
    rank_by(q, least ? SPEECH_RANK_SMALLEST : SPEECH_RANK_LARGEST, "arr_cents",
            least ? "arr_cents" : "-arr_cents");
}

static void read_measure(const struct question_words *w, struct success_portfolio *q)
{
    bool fell = q->want.moved < 0;
    if (q->want.moved) {
        rank_by(q, fell ? SPEECH_RANK_FELL : SPEECH_RANK_ROSE, "score_change",
                fell ? "score_change" : "-score_change");
        return;
    }
    if (HAS(w, "risk risks risky churn churning leave leaving unhealthy healthiest health score "
               "scores worst best safest strongest attention trouble riskiest")) {
        rank_by_risk(w, q);
    } else if (HAS(w, "arr revenue contract contracts value valuable spend biggest largest "
                      "smallest worth pay paying pays") ||
               q->want.arr_cents.compare) {
        rank_by_size(w, q);
    } else if (HAS(w, "ticket tickets issues")) {
        bool least = FREE(w, LEAST);
        rank_by(q, least ? SPEECH_RANK_TICKETS_FEWEST : SPEECH_RANK_TICKETS_MOST, "open_tickets",
                least ? "open_tickets" : "-open_tickets");
    } else if (q->overdue || HAS(w, "renewal renewals renew renews renewing renewed expire expires "
                                    "expiring")) {
        rank_by(q, SPEECH_RANK_RENEWALS, "renewal_date_ms", "renewal_date_ms");
    } else if (HAS(w, "top")) {
        rank_by(q, SPEECH_RANK_LARGEST, "arr_cents", "-arr_cents");
    } else if (HAS(w, "bottom")) {
        rank_by_risk(w, q);
    }
    if (strcmp(q->measure, "score") != 0 || HAS(w, "usage adoption")) {
        struct success_portfolio by_trend = *q;
        rank_by_trend(w, &by_trend);
        bool plain = strcmp(q->measure, "name") == 0;
        if (plain || (q->want.trend && by_trend.measure != q->measure)) {
            rank_by(q, by_trend.title, by_trend.measure, by_trend.sort);
        }
    }
}

/* A filter is no ranking: "with more than 3 open tickets" are not "those with the most". */
static void settle_title(const struct question_words *w, struct success_portfolio *q)
{
    bool ranks = FREE(w, MOST " " LEAST " healthiest riskiest rank ranking");
    const struct question_conditions *c = &q->want;
    bool filters = c->tickets.compare || c->score.compare || c->users.compare ||
                   c->arr_cents.compare || c->unscored || c->missing ||
                   (c->risk && strcmp(c->risk, "low") == 0);
    if (filters && !ranks) {
        q->title = SPEECH_RANK_CUSTOMERS;
    }
}

/* "by owner", "sorted by plan": an order where it can be one. */
static void read_order(struct question_words *w, struct success_portfolio *q)
{
    static const struct {
        const char *words, *sort;
    } orders[] = {{"owner", "owner"}, {"plan", "plan"},           {"stage", "stage"},
                  {"name", "name"},   {"alphabetically", "name"}, {NULL, NULL}};
    for (int i = 0; i < w->n; i++) {
        if (!question_words_is(w, i, "by per each") || w->at[i].used ||
            question_words_is(w, i, "each")) {
            continue;
        }
        for (int k = 0; orders[k].words; k++) {
            if (question_words_is(w, i + 1, orders[k].words) && !q->sum && !q->counts) {
                q->sort = orders[k].sort;
                question_words_use(w, i, 2);
            }
        }
    }
}

static void read_limit(struct question_words *w, struct success_portfolio *q)
{
    struct question_number n;
    for (int i = 0; i < w->n; i++) {
        if (w->at[i].used || !question_words_number(w, i, &n) || n.currency[0] || n.scaled ||
            n.words != 1 || n.hundredths % 100) {
            continue;
        }
        bool counts = question_words_is(w, i + 1, "customers accounts clients companies renewals");
        bool after = question_words_is(w, i - 1, "top bottom first best worst") ||
                     question_words_is(w, i + 1,
                                       "biggest largest smallest highest lowest best "
                                       "worst riskiest healthiest most fewest");
        bool compares = question_words_is(w, i - 1, "than least most");
        int64_t count = n.hundredths / 100;
        if ((counts || after) && !compares && count >= 1 && count <= SUCCESS_PORTFOLIO_ROWS_MAX) {
            q->limit = (int)count;
            question_words_use(w, i, 1);
        }
    }
}

/* ---- totals --------------------------------------------------------------- */

static void use_all(struct question_words *w, const char *list)
{
    for (int i = 0; i < w->n; i++) {
        if (question_words_is(w, i, list)) {
            question_words_use(w, i, 1);
        }
    }
}

static void read_sum(struct question_words *w, struct success_portfolio *q)
{
    bool each = HAS(w, "which who whose list rank top bottom compare");
    bool average = HAS(w, "average mean avg");
    bool total = HAS(w, "total sum combined altogether overall") || has_pair(w, "how", "much");
    bool many =
        has_pair(w, "how", "many") || has_pair(w, "number", "of") || (HAS(w, "count") && !each);
    bool customers = false;
    for (int i = 0; many && i < w->n; i++) {
        bool begins = question_words_is(w, i, "many number count");
        int k = i + 1;
        while (begins && question_words_is(w, k,
                                           "of our my the open active daily support high "
                                           "medium low risk healthy")) {
            k++;
        }
        customers = customers || (begins && question_words_is(w, k,
                                                              "customers accounts clients "
                                                              "companies renewals contracts "
                                                              "of"));
    }
    bool money = FREE(w, "arr revenue value worth") || (HAS(w, "contract contracts") && total);
    bool tickets = FREE(w, "ticket tickets"), users = FREE(w, "user users usage");
    bool score = FREE(w, "health score scores");
    bool at_risk = money && q->want.risk && !each;
    if (each && !(many && !customers)) {
        return;
    }
    bool worth = has_pair(w, "they", "worth") || has_pair(w, "their", "arr revenue value worth");
    bool sums = average || total || at_risk || (many && worth);
    if (many && !customers && !average && (tickets || users)) {
        q->sum = tickets ? "open_tickets" : "avg_daily_users";
    } else if (sums) {
        q->sum = money     ? "arr_cents"
                 : tickets ? "open_tickets"
                 : score   ? "score"
                 : users   ? "avg_daily_users"
                           : NULL;
        q->average = average || (q->sum && strcmp(q->sum, "score") == 0);
    }
    q->counts =
        many && (customers || !q->sum || worth); /* "how many renew, and what are they worth" */
    if (q->sum) {
        use_all(w, "average mean avg total sum combined altogether overall");
    }
}

/* ---- times ----------------------------------------------------------------- */

static int64_t year_before(int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    d.year--;
    return date_to_ms(&d, 0);
}

/* A score changes in a period of the past; one to come is the renewal's. */
static void read_change(struct question_words *w, const struct question_period *p, bool renews,
                        int64_t now_ms, struct success_portfolio *q)
{
    int64_t today = now_ms - now_ms % DATE_DAY_MS;
    bool since = p->after_ms && p->after_ms < now_ms, until = p->before_ms && p->before_ms <= today;
    q->since_ms = since ? p->after_ms : today - CHANGE_DAYS * DATE_DAY_MS;
    q->until_ms = until ? p->before_ms - 1 : 0;
    if (since || until || !p->named || p->impossible.n) {
        return;
    }
    if (renews) {
        q->after_ms = p->after_ms;
        q->before_ms = p->before_ms;
    } else {
        question_words_leave(w, p->first, p->count);
    }
}

static const char RENEWS[] =
    "renewal renewals renew renews renewed renewing expire expires expired "
    "expiring contract contracts ends ending end";

static void leave_period(struct question_words *w, const struct question_period *p)
{
    if (p->named) {
        question_words_leave(w, p->first, p->count);
    }
}

/* Of two times the one beside the renewal is the renewal's. The other one is that of the score's
 * change where one is asked for and it lies behind, else it is left out. */
static struct question_period settle_periods(struct question_words *w, int64_t now_ms,
                                             struct question_periods *two,
                                             struct success_portfolio *q)
{
    int one = question_period_from(w, &two->one, RENEWS);
    int other = question_period_from(w, &two->other, RENEWS);
    if (!two->other.named) {
        return two->one;
    }
    struct question_period *renewal = other < one ? &two->other : &two->one;
    struct question_period *rest = other < one ? &two->one : &two->other;
    if (q->want.moved && rest->after_ms && rest->after_ms < now_ms) {
        int64_t today = now_ms - now_ms % DATE_DAY_MS;
        bool ahead = !renewal->after_ms && renewal->before_ms > today;
        q->after_ms = ahead ? today : renewal->after_ms;
        q->before_ms = renewal->before_ms;
        return *rest;
    }
    leave_period(w, rest);
    renewal->overdue = two->one.overdue;
    renewal->denied = two->one.denied;
    return *renewal;
}

/* A period is the renewal's, unless the score's change or a moment of the past is meant. */
static void read_times(struct question_words *w, struct str text, int64_t now_ms,
                       struct success_portfolio *q)
{
    struct question_periods two = question_period_read(w, text, now_ms);
    struct question_period p = settle_periods(w, now_ms, &two, q);
    int64_t today = now_ms - now_ms % DATE_DAY_MS;
    bool renews = HAS(w, RENEWS);
    bool was = HAS(w, "was were did had");
    q->impossible = p.impossible;
    q->overdue = p.overdue && !p.named;
    q->renewal_denied = p.denied;
    if ((was || q->want.moved) && !renews &&
        p.after_ms > now_ms) { /* the last June, not the next */
        p.after_ms = year_before(p.after_ms);
        p.before_ms = p.before_ms ? year_before(p.before_ms) : 0;
    }
    if (q->want.moved) {
        read_change(w, &p, renews, now_ms, q);
        return;
    }
    if (p.before_ms && p.before_ms <= today && p.after_ms && !renews && !p.overdue) {
        q->as_of_ms = p.before_ms - 1;
        return;
    }
    bool until_now = p.after_ms && p.after_ms < today && !p.overdue &&
                     (p.before_ms ? p.before_ms == today + DATE_DAY_MS : p.since);
    if (until_now && !renews) { /* "no contact in the last 30 days": not what renewed in them */
        question_words_leave(w, p.first, p.count);
        return;
    }
    bool days = p.after_ms && p.before_ms - p.after_ms <= 7 * DATE_DAY_MS;
    if (days && !renews && !p.overdue && p.after_ms <= now_ms && p.before_ms > today) {
        for (int i = p.first; i < p.first + p.count; i++) { /* "who needs me this week" */
            w->at[i].used = false;
        }
        return;
    }
    q->after_ms = p.after_ms;
    q->before_ms = p.before_ms;
    if (p.overdue && p.named && (!p.before_ms || p.before_ms > today)) {
        q->before_ms = today;
    }
}

struct success_portfolio success_portfolio_parse(struct arena *a, struct str text, int64_t now_ms)
{
    static const char plural[] = "customers accounts clients companies portfolio renewals";
    struct question_words *w = ARENA_NEW(a, struct question_words);
    struct success_portfolio q = {
        .limit = SUCCESS_PORTFOLIO_ROWS, .words = w, .text = text, .impossible = STR("")};
    question_words_read(a, text, w);
    rank_by(&q, SPEECH_RANK_CUSTOMERS, "name", "name");
    read_limit(w, &q);
    question_conditions_read(w, &q.want);
    read_times(w, text, now_ms, &q);
    read_measure(w, &q);
    settle_title(w, &q);
    read_sum(w, &q);
    read_order(w, &q);
    if (strcmp(q.measure, "renewal_date_ms") == 0 && !q.after_ms && !q.overdue && !q.as_of_ms &&
        !q.renewal_denied && !(q.want.missing && strcmp(q.want.missing, "renewal") == 0) &&
        !(q.before_ms && q.before_ms <= now_ms)) {
        q.after_ms = now_ms - now_ms % DATE_DAY_MS;
    }
    if (q.overdue) {
        q.before_ms = now_ms - now_ms % DATE_DAY_MS;
    }
    q.looks_like_one = HAS(w, plural) || has_pair(w, "which what every each", "customer account") ||
                       has_pair(w, "who", "renews renew churn leave") || HAS(w, "rank ranking") ||
                       (HAS(w, MOST " " LEAST) && HAS(w, "customer account client"));
    return q;
}

void success_portfolio_match(struct success_portfolio *q, const struct json *words, struct str me)
{
    question_conditions_match(q->words, words, me, &q->want);
}

static struct success_condition conditions(const struct success_portfolio *q)
{
    return (struct success_condition){q->language, &q->want,    q->after_ms, q->before_ms,
                                      q->overdue,  q->since_ms, q->until_ms};
}

const struct json *success_portfolio_told(struct arena *a, const struct success_portfolio *q)
{
    struct success_condition s = conditions(q);
    return success_condition_list(a, &s);
}

const struct json *success_portfolio_rest(struct arena *a, const struct success_portfolio *q)
{
    return question_words_rest(a, q->words, q->text);
}

/* ---- asking ----------------------------------------------------------------- */

/* What the org's accounts hold is asked only where the question has words that it may be. That it
 * cannot be told costs the conditions, which a note then names. */
static void match(struct ctx *c, struct success_portfolio *q)
{
    static const char hints[] = "active own owns owned my mine i stage plan owner";
    const struct json *words, *member = NULL, *names = NULL;
    if (!json_count(success_portfolio_rest(c->arena, q)) && !HAS(q->words, hints)) {
        return;
    }
    if (host_ask(c, "account.words", &json_empty_object, &words) != E_OK) {
        log_at(c, LOG_WARN, "words of accounts are not known", LOG_Z("error", c->fault.text));
        ctx_forgive(c);
        words = &json_empty_object;
    }
    const struct json *who =
        json_object(c->arena, {"id", json_new_str(c->arena, str_of(c->actor.text))});
    if (c->actor_kind == ACTOR_MEMBER && host_ask(c, "identity.member", who, &member) != E_OK) {
        ctx_forgive(c);
        member = NULL;
    }
    if (!(c->roles & ROLE_GUEST) &&
        host_ask(c, "identity.names", &json_empty_object, &names) == E_OK) {
        words = json_with(c->arena, words, STR("names"), json_get(names, "names"));
    }
    ctx_forgive(c);
    success_portfolio_match(q, words, json_str(member, "email", STR("")));
}

static const struct json *word(struct arena *a, const char *z)
{
    return z ? json_new_str(a, str_of(z)) : NULL;
}

static const struct json *name(struct arena *a, struct str s)
{
    return s.n ? json_new_str(a, s) : NULL;
}

static const struct json *moment(struct arena *a, int64_t ms)
{
    return ms ? json_new_int(a, ms) : NULL;
}

static const struct json *with_bound(struct arena *a, const struct json *question,
                                     const struct question_bound *b, const char *const keys[2])
{
    bool has_least, has_most;
    int64_t least, most;
    if (!b->compare) {
        return question;
    }
    question_bound_ends(b, &has_least, &least, &has_most, &most);
    question = json_with(a, question, str_of(keys[0]), has_least ? json_new_int(a, least) : NULL);
    return json_with(a, question, str_of(keys[1]), has_most ? json_new_int(a, most) : NULL);
}

static const struct json *question_of(struct arena *a, const struct success_portfolio *q,
                                      int64_t as_of_ms)
{
    const struct question_conditions *w = &q->want;
    const struct json *question = json_object(
        a, {"sort", word(a, q->sort)}, {"risk", word(a, w->unscored ? "unknown" : w->risk)},
        {"other_risk", word(a, w->other_risk)}, {"trend", word(a, w->trend)},
        {"missing", word(a, w->missing)}, {"currency", name(a, str_of(w->currency))},
        {"stage", name(a, w->stage)}, {"plan", name(a, w->plan)}, {"owner", name(a, w->owner)},
        {"country", name(a, w->country)}, {"industry", name(a, w->industry)},
        {"renews_after_ms", moment(a, q->after_ms)},
        {"renews_before_ms", q->before_ms ? json_new_int(a, q->before_ms - 1) : NULL},
        {"since_ms", moment(a, q->since_ms)}, {"until_ms", moment(a, q->until_ms)},
        {"moved", q->since_ms ? json_new_int(a, w->moved) : NULL},
        {"limit", json_new_int(a, q->limit)}, {"as_of_ms", moment(a, as_of_ms)});
    question =
        with_bound(a, question, &w->tickets, (const char *const[]){"min_tickets", "max_tickets"});
    question = with_bound(a, question, &w->score, (const char *const[]){"min_score", "max_score"});
    question = with_bound(a, question, &w->users, (const char *const[]){"min_users", "max_users"});
    return with_bound(a, question, &w->arr_cents,
                      (const char *const[]){"min_arr_cents", "max_arr_cents"});
}

/* ---- words about it ------------------------------------------------------ */

struct finding {
    const struct success_portfolio *q;
    const struct json *rows, *totals;
    int64_t total;
    struct str span;
};

/* Money of each currency apart: what one is worth in another nobody said. */
static struct str say_sum(struct arena *a, const struct finding *f, const struct json **figures)
{
    const struct success_portfolio *q = f->q;
    struct success_sum s = {.language = q->language,
                            .measure = q->sum,
                            .average = q->average,
                            .total = f->total,
                            .currency = STR(""),
                            .span = f->span};
    const struct json *arr = json_get(f->totals, "arr_cents");
    bool money = strcmp(q->sum, "arr_cents") == 0;
    struct str text = STR("");
    int64_t known = 0;
    for (size_t i = 0; money && i < json_count(arr); i++) {
        known += json_int(json_get(f->totals, "arr_known"), str_dupz(a, arr->members[i].name), 0);
    }
    for (size_t i = 0; i < (money ? json_count(arr) : 1); i++) {
        if (money) {
            s.currency = arr->members[i].name;
            s.sum = (int64_t)json_number(&arr->members[i].value, 0);
            s.known = json_int(json_get(f->totals, "arr_known"), str_dupz(a, s.currency), 0);
        } else {
            const struct json *sum = json_get(f->totals, q->sum);
            s.sum = json_int(sum, "sum", 0);
            s.known = json_int(sum, "known", 0);
        }
        s.total = money && known == f->total ? s.known : f->total; /* those of the currency */
        if (s.known > 0) {
            struct str one = success_table_sum(a, &s, figures);
            text = str_fmt(a, "%.*s%s%.*s", STR_ARG(text), text.n ? " " : "", STR_ARG(one));
        }
    }
    return text.n ? text
                  : SPEECH_FILL(a, q->language, SPEECH_SUM_UNKNOWN,
                                {"n", wording_number(a, q->language, f->total)}, {"span", f->span});
}

static struct str summary_of(struct arena *a, const struct finding *f, const struct json **figures)
{
    const struct success_portfolio *q = f->q;
    enum wording_language l = q->language;
    if (!json_count(f->rows)) {
        return SPEECH_FILL(a, l, SPEECH_NO_MATCH, {"span", f->span});
    }
    if (q->sum && !q->counts) {
        return say_sum(a, f, figures);
    }
    struct str n = wording_number(a, l, f->total);
    if (q->counts) {
        struct str count = SPEECH_FILL(a, l, f->total == 1 ? SPEECH_COUNT_ONE : SPEECH_COUNT_MANY,
                                       {"n", n}, {"span", f->span});
        struct str sum = q->sum ? say_sum(a, f, figures) : STR("");
        return str_fmt(a, "%.*s%s%.*s", STR_ARG(count), sum.n ? " " : "", STR_ARG(sum));
    }
    return SPEECH_FILL(a, l, f->total == 1 ? SPEECH_MATCH_ONE : SPEECH_MATCH_MANY, {"n", n},
                       {"span", f->span}, {"row", success_table_row(a, l, json_at(f->rows, 0))});
}

static void note(struct arena *a, struct success_ranking *out, const char *code, struct str text)
{
    out->notes = success_compose_note(a, out->notes, code, text);
}

/* What the answer leaves open. */
static void add_notes(struct arena *a, const struct finding *f, bool cut,
                      struct success_ranking *out)
{
    const struct success_portfolio *q = f->q;
    enum wording_language l = q->language;
    const struct json *rest = success_portfolio_rest(a, q);
    if (json_count(rest)) {
        const struct json *quoted = &json_empty_array;
        for (size_t i = 0; i < json_count(rest); i++) {
            struct str part = json_text(json_at(rest, i), STR(""));
            quoted = json_push(a, quoted,
                               json_new_str(a, str_fmt(a, "\u201c%.*s\u201d", STR_ARG(part))));
        }
        note(a, out, "not_applied",
             SPEECH_FILL(a, l, SPEECH_NOTE_NOT_APPLIED,
                         {"what", speech_list(a, l, SPEECH_AND, quoted)}));
    }
    if (q->impossible.n) {
        struct str day = str_fmt(a, "\u201c%.*s\u201d", STR_ARG(q->impossible));
        note(a, out, "no_such_day", SPEECH_FILL(a, l, SPEECH_NOTE_NO_SUCH_DAY, {"what", day}));
    }
    bool scored = strcmp(q->measure, "score") == 0 && !q->want.unscored;
    for (size_t i = 0; scored && i < json_count(f->rows); i++) {
        if (json_is_null(json_get(json_at(f->rows, i), "score"))) {
            note(a, out, "unscored", speech_str(l, SPEECH_NOTE_UNSCORED));
            break;
        }
    }
    if (cut) {
        note(a, out, "cut", speech_str(l, SPEECH_NOTE_CUT));
    }
    int64_t shown = (int64_t)json_count(f->rows);
    if (f->total > shown) {
        note(a, out, "more",
             SPEECH_FILL(a, l, SPEECH_NOTE_MORE, {"n", wording_number(a, l, shown)},
                         {"total", wording_number(a, l, f->total)}));
    }
}

enum err success_portfolio_rank(struct ctx *c, const struct success_portfolio *parsed,
                                int64_t as_of_ms, struct success_ranking *out)
{
    struct arena *a = c->arena;
    const struct json *answer;
    struct success_portfolio q = *parsed;
    bool asked_then = !as_of_ms && q.as_of_ms;
    as_of_ms = as_of_ms ? as_of_ms : q.as_of_ms;
    match(c, &q);
    if (q.since_ms && as_of_ms) { /* up to then, and as long before it where it began later */
        int64_t long_ago = as_of_ms - CHANGE_DAYS * DATE_DAY_MS;
        q.since_ms = q.since_ms < as_of_ms ? q.since_ms : long_ago - long_ago % DATE_DAY_MS;
        q.until_ms = as_of_ms;
        as_of_ms = 0;
    }
    struct success_condition told = conditions(&q);
    TRY(host_ask(c, "account.portfolio", question_of(a, &q, as_of_ms), &answer));
    struct finding f = {.q = &q,
                        .rows = json_get(answer, "items"),
                        .totals = json_get(answer, "summary"),
                        .span = success_condition_span(a, &told)};
    f.total = json_int(answer, "total", (int64_t)json_count(f.rows));
    const struct json *figures = success_table_figures(a, q.language, f.rows, f.total);
    struct str summary = summary_of(a, &f, &figures);
    if (asked_then) {
        summary = SPEECH_FILL(a, q.language, SPEECH_THEN,
                              {"date", wording_date(a, q.language, as_of_ms)}, {"text", summary});
    }
    *out = (struct success_ranking){.table = success_table_of(a, q.language, q.title, f.rows),
                                    .figures = figures,
                                    .summary = summary,
                                    .notes = &json_empty_array};
    add_notes(a, &f, json_bool(answer, "cut", false), out);
    return E_OK;
}

/* ---- side by side -------------------------------------------------------- */

static const struct json *or_null(const struct json *v)
{
    return v ? v : &json_null_value;
}

static enum err row_of(struct ctx *c, struct str account, int64_t as_of_ms, const struct json **out)
{
    struct arena *a = c->arena;
    struct success_facts f;
    const struct json *health;
    const struct json *question =
        json_object(a, {"account", json_new_str(a, account)},
                    {"as_of_ms", as_of_ms ? json_new_int(a, as_of_ms) : NULL});
    TRY(success_facts_get(c, account, as_of_ms, &f));
    TRY(host_ask(c, "account.health", question, &health));
    *out = json_object(
        a, {"id", json_new_str(a, f.id)}, {"slug", json_new_str(a, f.slug)},
        {"name", json_new_str(a, f.name)}, {"owner", json_new_str(a, f.owner)},
        {"score", or_null(json_get(health, "score"))},
        {"risk_level", or_null(json_get(health, "risk_level"))},
        {"trend", f.has_trend ? json_new_str(a, f.trend) : &json_null_value},
        {"open_tickets", f.has_tickets ? json_new_int(a, f.open_tickets) : &json_null_value},
        {"renewal_date_ms", f.has_renewal ? json_new_int(a, f.renewal_date_ms) : &json_null_value},
        {"arr_cents", f.has_arr ? json_new_int(a, f.arr_cents) : &json_null_value},
        {"currency", json_new_str(a, f.currency)});
    return E_OK;
}

enum err success_portfolio_compare(struct ctx *c, const struct success_comparison *q,
                                   int64_t as_of_ms, struct success_ranking *out)
{
    const struct json *accounts = q->accounts;
    struct arena *a = c->arena;
    const struct json *rows[SUCCESS_COMPARED_MAX];
    size_t n = 0;
    for (size_t i = 0; i < json_count(accounts) && n < SUCCESS_COMPARED_MAX; i++, n++) {
        struct str id = json_str(json_at(accounts, i), "id", STR(""));
        TRY(row_of(c, id, as_of_ms, &rows[n]));
        for (size_t k = n;
             k > 0 && json_int(rows[k], "score", -1) > json_int(rows[k - 1], "score", -1); k--) {
            const struct json *worse = rows[k - 1];
            rows[k - 1] = rows[k];
            rows[k] = worse;
        }
    }
    const struct json *list = json_new_array(a, rows, n);
    struct buf text = buf_make(8 << 10);
    for (size_t i = 0; i < n; i++) {
        buf_addf(&text, "%s%.*s.", i ? " " : "",
                 STR_ARG(success_table_row(a, q->language, rows[i])));
    }
    *out = (struct success_ranking){
        .table = success_table_of(a, q->language, SPEECH_RANK_COMPARED, list),
        .figures = success_table_figures(a, q->language, list, (int64_t)n),
        .summary = str_dup(a, buf_str(&text)),
        .notes = &json_empty_array};
    buf_free(&text);
    return E_OK;
}
