#include "svc/success/success_portfolio.h"

#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "host/service.h"

enum { WORDS_MAX = 400, DAYS_MAX = 3660 };

struct words {
    struct str at[WORDS_MAX];
    int n;
};

static void read_words(struct arena *a, struct str text, struct words *w)
{
    struct text_word word;
    size_t cursor = 0;
    struct str plain = text_plain(a, text);
    w->n = 0;
    while (w->n < WORDS_MAX && text_next_word(plain, &cursor, &word)) {
        w->at[w->n++] = word.word;
    }
}

/* One of the words of a list divided by blanks. */
static bool is_one(struct str word, const char *list)
{
    struct str rest = str_of(list), it;
    while (str_split(&rest, ' ', &it)) {
        if (str_eq(word, it)) {
            return true;
        }
    }
    return false;
}

static bool has(const struct words *w, const char *list)
{
    for (int i = 0; i < w->n; i++) {
        if (is_one(w->at[i], list)) {
            return true;
        }
    }
    return false;
}

/* A word of the one list followed, with at most one word between, by one of the other. */
static bool has_pair(const struct words *w, const char *first, const char *second)
{
    for (int i = 0; i + 1 < w->n; i++) {
        bool follows =
            is_one(w->at[i + 1], second) || (i + 2 < w->n && is_one(w->at[i + 2], second));
        if (is_one(w->at[i], first) && follows) {
            return true;
        }
    }
    return false;
}

static bool number_of(struct str word, int64_t *out)
{
    static const char *const names[] = {"zero",  "one",   "two",  "three", "four",   "five",  "six",
                                        "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eqz(word, names[i])) {
            *out = (int64_t)i;
            return true;
        }
    }
    return str_to_i64(word, out);
}

/* ---- periods ------------------------------------------------------------- */

static int64_t month_start(int64_t now_ms, int months_later)
{
    struct date d = date_of_ms(now_ms, 0);
    struct date first = {.year = d.year, .month = d.month + months_later, .day = 1};
    while (first.month > 12) {
        first.month -= 12;
        first.year++;
    }
    return date_to_ms(&first, 0);
}

static int64_t quarter_start(int64_t now_ms, int quarters_later)
{
    struct date d = date_of_ms(now_ms, 0);
    int into = (d.month - 1) % 3;
    struct date first = {.year = d.year, .month = d.month - into, .day = 1};
    return month_start(date_to_ms(&first, 0), 3 * quarters_later);
}

static int month_of(struct str word)
{
    static const char *const names[] = {
        "january jan",  "february feb", "march",      "april apr",     "may",
        "june jun",     "july jul",     "august aug", "september sep", "october oct oktober",
        "november nov", "december dec"};
    for (int i = 0; i < 12; i++) {
        if (is_one(word, names[i])) {
            return i + 1;
        }
    }
    return 0;
}

struct moment {
    int64_t from_ms, to_ms; /* the day, month or year that is named */
    int words;
};

/* "March", "March 2027", "1 March 2027", "2027-03-01", "2027". Without a year the next one. */
static bool moment_at(const struct words *w, int i, int64_t now_ms, struct moment *out)
{
    int64_t day = 0, year = 0, ms;
    int start = i;
    if (date_parse_day(w->at[i], &ms)) {
        *out = (struct moment){ms, ms + DATE_DAY_MS, 1};
        return true;
    }
    if (str_to_i64(w->at[i], &day) && day >= 1 && day <= 31 && i + 1 < w->n &&
        month_of(w->at[i + 1])) {
        i++;
    } else {
        day = 0;
    }
    int month = month_of(w->at[i]);
    if (!month) {
        if (!str_to_i64(w->at[i], &year) || year < 2000 || year > 2200) {
            return false;
        }
        struct date first = {.year = (int)year, .month = 1, .day = 1};
        struct date next = {.year = (int)year + 1, .month = 1, .day = 1};
        *out = (struct moment){date_to_ms(&first, 0), date_to_ms(&next, 0), 1};
        return true;
    }
    struct date d = {.month = month, .day = day ? (int)day : 1};
    bool dated = i + 1 < w->n && str_to_i64(w->at[i + 1], &year) && year >= 2000 && year <= 2200;
    d.year = dated ? (int)year : date_of_ms(now_ms, 0).year;
    int64_t from = date_to_ms(&d, 0);
    int64_t to = day ? from + DATE_DAY_MS : month_start(from, 1);
    if (!dated && to <= now_ms) {
        d.year++;
        from = date_to_ms(&d, 0);
        to = day ? from + DATE_DAY_MS : month_start(from, 1);
    }
    *out = (struct moment){from, to, i + 1 + dated - start};
    return true;
}

static void read_span(const struct words *w, int i, int64_t now_ms, struct success_portfolio *q)
{
    int64_t n = 1;
    int k = i + 1;
    if (k < w->n && is_one(w->at[k], "the")) {
        k++;
    }
    if (k < w->n && is_one(w->at[k], "next coming")) {
        k++;
    }
    if (k < w->n && number_of(w->at[k], &n)) {
        k++;
    }
    int64_t days = k >= w->n                              ? 0
                   : is_one(w->at[k], "day days")         ? 1
                   : is_one(w->at[k], "week weeks")       ? 7
                   : is_one(w->at[k], "month months")     ? 30
                   : is_one(w->at[k], "quarter quarters") ? 91
                                                          : 0;
    if (days && n > 0 && n <= DAYS_MAX && n * days <= DAYS_MAX) {
        q->after_ms = now_ms;
        q->before_ms = now_ms + n * days * DATE_DAY_MS;
    }
}

/* "this month", "next quarter", "this year". */
static bool read_named_span(const struct words *w, int i, int64_t now_ms,
                            struct success_portfolio *q)
{
    int later = is_one(w->at[i], "next coming") ? 1 : 0;
    if (!is_one(w->at[i], "this next coming current") || i + 1 >= w->n) {
        return false;
    }
    struct date d = date_of_ms(now_ms, 0);
    struct date year = {.year = d.year + later, .month = 1, .day = 1};
    struct date after = {.year = d.year + later + 1, .month = 1, .day = 1};
    if (is_one(w->at[i + 1], "month")) {
        q->after_ms = month_start(now_ms, later);
        q->before_ms = month_start(now_ms, later + 1);
    } else if (is_one(w->at[i + 1], "quarter")) {
        q->after_ms = quarter_start(now_ms, later);
        q->before_ms = quarter_start(now_ms, later + 1);
    } else if (is_one(w->at[i + 1], "year")) {
        q->after_ms = date_to_ms(&year, 0);
        q->before_ms = date_to_ms(&after, 0);
    } else {
        return false;
    }
    return true;
}

static void read_period(const struct words *w, int64_t now_ms, struct success_portfolio *q)
{
    struct moment m;
    for (int i = 0; i < w->n; i++) {
        bool next = i + 1 < w->n && moment_at(w, i + 1, now_ms, &m);
        if (next && is_one(w->at[i], "before by until till")) {
            q->before_ms = is_one(w->at[i], "before") ? m.from_ms : m.to_ms;
            i += m.words;
        } else if (next && is_one(w->at[i], "after from since")) {
            q->after_ms = is_one(w->at[i], "after") ? m.to_ms : m.from_ms;
            i += m.words;
        } else if (next && is_one(w->at[i], "in during for on")) {
            q->after_ms = m.from_ms;
            q->before_ms = m.to_ms;
            i += m.words;
        } else if (read_named_span(w, i, now_ms, q)) {
            i++;
        } else if (is_one(w->at[i], "within next coming in")) {
            read_span(w, i - (is_one(w->at[i], "next coming") ? 1 : 0), now_ms, q);
        }
    }
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

static void read_trend(const struct words *w, struct success_portfolio *q)
{
    if (has(w, "declining decline falling fallen dropping dropped decreasing shrinking")) {
        q->trend = "down";
        rank_by(q, SPEECH_RANK_USAGE_DOWN, "score", "score");
    } else if (has(w, "growing grown increasing rising")) {
        q->trend = "up";
        rank_by(q, SPEECH_RANK_USAGE_UP, "avg_daily_users", "-avg_daily_users");
    } else if (has(w, "usage adoption users")) {
        bool least = has(w, LEAST);
        rank_by(q, least ? SPEECH_RANK_USAGE_LEAST : SPEECH_RANK_USAGE_MOST, "avg_daily_users",
                least ? "avg_daily_users" : "-avg_daily_users");
    }
}

static void read_risk(const struct words *w, struct success_portfolio *q)
{
    static const char *const levels[] = {"high", "medium", "low"};
    bool good = has(w, "healthiest best safest strongest") ||
                has_pair(w, "least lowest", "risk churn likely") ||
                has_pair(w, "highest top", "health score scores") || has_pair(w, "least", "at");
    if (good) {
        rank_by(q, SPEECH_RANK_HEALTHIEST, "score", "-score");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        if (has_pair(w, levels[i], "risk")) {
            q->risk = levels[i];
        }
    }
    rank_by(q, SPEECH_RANK_AT_RISK, "score", "score");
}

static void read_measure(const struct words *w, struct success_portfolio *q)
{
    if (has(w, "risk risks risky churn churning leave leaving unhealthy healthiest health score "
               "scores worst best safest strongest attention trouble")) {
        read_risk(w, q);
    } else if (has(w, "arr revenue contract contracts value valuable spend biggest largest "
                      "smallest")) {
        bool least = has(w, LEAST);
        rank_by(q, least ? SPEECH_RANK_SMALLEST : SPEECH_RANK_LARGEST, "arr_cents",
                least ? "arr_cents" : "-arr_cents");
    } else if (has(w, "ticket tickets issues")) {
        bool least = has(w, LEAST);
        rank_by(q, least ? SPEECH_RANK_TICKETS_FEWEST : SPEECH_RANK_TICKETS_MOST, "open_tickets",
                least ? "open_tickets" : "-open_tickets");
    } else if (has(w, "renewal renewals renew renews renewing expire expires expiring")) {
        rank_by(q, SPEECH_RANK_RENEWALS, "renewal_date_ms", "renewal_date_ms");
    } else if (has(w, "top")) {
        rank_by(q, SPEECH_RANK_LARGEST, "arr_cents", "-arr_cents");
    } else if (has(w, "bottom")) {
        read_risk(w, q);
    }
    if (strcmp(q->measure, "score") != 0 || has(w, "usage adoption")) {
        struct success_portfolio by_trend = *q;
        read_trend(w, &by_trend);
        bool plain = strcmp(q->measure, "name") == 0;
        if (plain || by_trend.trend) {
            *q = by_trend;
        }
    }
}

static void read_limit(const struct words *w, struct success_portfolio *q)
{
    int64_t n;
    for (int i = 0; i < w->n; i++) {
        bool counts = i + 1 < w->n && is_one(w->at[i + 1], "customers accounts clients companies "
                                                           "renewals");
        bool after = i > 0 && is_one(w->at[i - 1], "top bottom first best worst");
        if ((counts || after) && number_of(w->at[i], &n) && n >= 1 &&
            n <= SUCCESS_PORTFOLIO_ROWS_MAX) {
            q->limit = (int)n;
        }
    }
}

struct success_portfolio success_portfolio_parse(struct arena *a, struct str text, int64_t now_ms)
{
    static const char plural[] = "customers accounts clients companies portfolio renewals";
    struct words *w = ARENA_NEW(a, struct words);
    struct success_portfolio q = {.limit = SUCCESS_PORTFOLIO_ROWS};
    read_words(a, text, w);
    rank_by(&q, SPEECH_RANK_CUSTOMERS, "name", "name");
    read_measure(w, &q);
    read_period(w, now_ms, &q);
    read_limit(w, &q);
    q.counts = has_pair(w, "how", "many");
    if (strcmp(q.measure, "renewal_date_ms") == 0 && !q.after_ms) {
        q.after_ms = now_ms;
    }
    q.looks_like_one = has(w, plural) || has_pair(w, "which what every each", "customer account") ||
                       has_pair(w, "who", "renews renew churn leave") || has(w, "rank ranking") ||
                       (has(w, MOST " " LEAST) && has(w, "customer account client"));
    return q;
}

/* ---- the table ----------------------------------------------------------- */

static const struct {
    const char *key;
    enum speech label;
    const char *type;
} columns[] = {
    {"name", SPEECH_COLUMN_CUSTOMER, "account"},
    {"score", SPEECH_COLUMN_HEALTH, "score"},
    {"risk_level", SPEECH_COLUMN_RISK, "risk"},
    {"trend", SPEECH_COLUMN_USAGE, "trend"},
    {"open_tickets", SPEECH_COLUMN_TICKETS, "number"},
    {"renewal_date_ms", SPEECH_COLUMN_RENEWAL, "date"},
    {"arr_cents", SPEECH_COLUMN_ARR, "money"},
    {"owner", SPEECH_COLUMN_OWNER, "text"},
};

static const struct json *table_of(struct arena *a, enum wording_language l, enum speech title,
                                   const struct json *rows)
{
    const struct json *list = &json_empty_array, *ranked = &json_empty_array;
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        list = json_push(a, list,
                         json_object(a, {"key", json_new_str(a, str_of(columns[i].key))},
                                     {"label", speech_json(a, l, columns[i].label)},
                                     {"type", json_new_str(a, str_of(columns[i].type))}));
    }
    for (size_t i = 0; i < json_count(rows); i++) {
        ranked =
            json_push(a, ranked,
                      json_with(a, json_at(rows, i), STR("rank"), json_new_int(a, (int64_t)i + 1)));
    }
    return json_object(a, {"title", speech_json(a, l, title)}, {"columns", list}, {"rows", ranked});
}

struct sheet {
    struct arena *arena;
    enum wording_language language;
    const struct json *list;
};

static void add_figure(struct sheet *s, struct str key, enum speech label, const char *unit,
                       const struct json *value_text_url[3])
{
    struct arena *a = s->arena;
    const struct json *source =
        json_object(a, {"tool", json_new_str(a, STR("portfolio"))}, {"field", json_new_str(a, key)},
                    {"url", value_text_url[2]});
    s->list = json_push(
        a, s->list,
        json_object(a, {"key", json_new_str(a, key)}, {"label", speech_json(a, s->language, label)},
                    {"value", value_text_url[0]}, {"unit", json_new_str(a, str_of(unit))},
                    {"text", value_text_url[1]}, {"source", source}));
}

/* The figures of a row, as row_1_score and so on. */
static void add_row(struct sheet *s, size_t n, const struct json *row)
{
    struct arena *a = s->arena;
    const struct json *url = json_new_str(
        a, str_fmt(a, "/console/accounts/%.*s", STR_ARG(json_str(row, "id", STR("")))));
    for (size_t i = 1; i < sizeof(columns) / sizeof(*columns); i++) {
        const struct json *v = json_get(row, columns[i].key);
        if (!json_is(v, JSON_INT)) {
            continue;
        }
        int64_t value = json_number(v, 0) < 0 ? -1 : (int64_t)json_number(v, 0);
        bool money = strcmp(columns[i].type, "money") == 0;
        bool date = strcmp(columns[i].type, "date") == 0;
        struct str currency = json_str(row, "currency", STR(""));
        struct str text = money  ? wording_money(a, s->language, value, currency)
                          : date ? wording_date(a, s->language, value)
                                 : wording_number(a, s->language, value);
        const struct json *shown = money && value % 100 == 0 ? json_new_int(a, value / 100)
                                   : money                   ? json_new_real(a, (double)value / 100)
                                   : date ? json_new_str(a, date_iso_day(a, value))
                                          : v;
        add_figure(s, str_fmt(a, "row_%zu_%s", n, columns[i].key), columns[i].label,
                   money && currency.n ? str_dupz(a, currency) : columns[i].type,
                   (const struct json *[]){shown, json_new_str(a, text), url});
    }
}

static const struct json *figures_of(struct arena *a, enum wording_language l,
                                     const struct json *rows, int64_t total)
{
    struct sheet s = {a, l, &json_empty_array};
    const struct json *url = json_new_str(a, STR("/console/accounts"));
    add_figure(&s, STR("total"), SPEECH_FIGURE_MATCHING, "accounts",
               (const struct json *[]){json_new_int(a, total),
                                       json_new_str(a, wording_number(a, l, total)), url});
    size_t shown = json_count(rows);
    add_figure(&s, STR("shown"), SPEECH_FIGURE_SHOWN, "accounts",
               (const struct json *[]){json_new_int(a, (int64_t)shown),
                                       json_new_str(a, wording_number(a, l, (int64_t)shown)), url});
    for (size_t i = 0; i < shown; i++) {
        add_row(&s, i + 1, json_at(rows, i));
    }
    return s.list;
}

/* ---- words about it ------------------------------------------------------ */

/* "Acme Corp: score 24, high risk, renewal on 1 March 2027" */
static struct str row_words(struct arena *a, enum wording_language l, const struct json *row)
{
    struct str name = json_str(row, "name", STR("")), text, more = STR("");
    const struct json *score = json_get(row, "score"), *date = json_get(row, "renewal_date_ms");
    const struct json *arr = json_get(row, "arr_cents");
    if (json_is(score, JSON_INT)) {
        struct str risk = speech_word(a, l, json_str(row, "risk_level", STR("unknown")));
        text =
            SPEECH_FILL(a, l, SPEECH_ROW_SCORE, {"account", name},
                        {"score", wording_number(a, l, json_int(row, "score", 0))}, {"risk", risk});
    } else {
        text = SPEECH_FILL(a, l, SPEECH_ROW_NO_SCORE, {"account", name});
    }
    if (json_is(date, JSON_INT)) {
        struct str day = wording_date(a, l, json_int(row, "renewal_date_ms", 0));
        more = SPEECH_FILL(a, l, SPEECH_ROW_RENEWAL, {"date", day});
    }
    if (json_is(arr, JSON_INT)) {
        struct str money =
            wording_money(a, l, json_int(row, "arr_cents", 0), json_str(row, "currency", STR("")));
        money = SPEECH_FILL(a, l, SPEECH_ROW_WORTH, {"money", money});
        more = str_fmt(a, "%.*s%.*s", STR_ARG(more), STR_ARG(money));
    }
    return str_fmt(a, "%.*s%.*s", STR_ARG(text), STR_ARG(more));
}

static struct str summary_of(struct arena *a, const struct success_portfolio *q,
                             const struct json *rows, int64_t total)
{
    enum wording_language l = q->language;
    struct str span = STR("");
    if (q->after_ms || q->before_ms) {
        bool both = q->after_ms && q->before_ms;
        span = SPEECH_FILL(a, l,
                           both           ? SPEECH_SPAN_BETWEEN
                           : q->before_ms ? SPEECH_SPAN_BEFORE
                                          : SPEECH_SPAN_AFTER,
                           {"from", wording_date(a, l, q->after_ms)},
                           {"to", wording_date(a, l, q->before_ms - both)});
    }
    if (!json_count(rows)) {
        return SPEECH_FILL(a, l, SPEECH_NO_MATCH, {"span", span});
    }
    return SPEECH_FILL(a, l, total == 1 ? SPEECH_MATCH_ONE : SPEECH_MATCH_MANY,
                       {"n", wording_number(a, l, total)}, {"span", span},
                       {"row", row_words(a, l, json_at(rows, 0))});
}

static const struct json *words(struct arena *a, const char *z)
{
    return z ? json_new_str(a, str_of(z)) : NULL;
}

enum err success_portfolio_rank(struct ctx *c, const struct success_portfolio *q, int64_t as_of_ms,
                                struct success_ranking *out)
{
    struct arena *a = c->arena;
    const struct json *answer;
    const struct json *question = json_object(
        a, {"sort", words(a, q->sort)}, {"risk", words(a, q->risk)}, {"trend", words(a, q->trend)},
        {"renews_after_ms", q->after_ms ? json_new_int(a, q->after_ms) : NULL},
        {"renews_before_ms", q->before_ms ? json_new_int(a, q->before_ms) : NULL},
        {"limit", json_new_int(a, q->limit)},
        {"as_of_ms", as_of_ms ? json_new_int(a, as_of_ms) : NULL});
    TRY(host_ask(c, "account.portfolio", question, &answer));
    const struct json *rows = json_get(answer, "items");
    int64_t total = json_int(answer, "total", (int64_t)json_count(rows));
    *out = (struct success_ranking){.table = table_of(a, q->language, q->title, rows),
                                    .figures = figures_of(a, q->language, rows, total),
                                    .summary = summary_of(a, q, rows, total),
                                    .notes = &json_empty_array};
    bool scored = strcmp(q->measure, "score") == 0;
    for (size_t i = 0; scored && i < json_count(rows); i++) {
        if (json_is_null(json_get(json_at(rows, i), "score"))) {
            out->notes = success_compose_note(a, out->notes, "unscored",
                                              speech_str(q->language, SPEECH_NOTE_UNSCORED));
            break;
        }
    }
    if (json_bool(answer, "cut", false)) {
        out->notes =
            success_compose_note(a, out->notes, "cut", speech_str(q->language, SPEECH_NOTE_CUT));
    }
    if (total > (int64_t)json_count(rows)) {
        out->notes = success_compose_note(
            a, out->notes, "more",
            SPEECH_FILL(a, q->language, SPEECH_NOTE_MORE,
                        {"n", wording_number(a, q->language, (int64_t)json_count(rows))},
                        {"total", wording_number(a, q->language, total)}));
    }
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
        buf_addf(&text, "%s%.*s.", i ? " " : "", STR_ARG(row_words(a, q->language, rows[i])));
    }
    *out = (struct success_ranking){.table = table_of(a, q->language, SPEECH_RANK_COMPARED, list),
                                    .figures = figures_of(a, q->language, list, (int64_t)n),
                                    .summary = str_dup(a, buf_str(&text)),
                                    .notes = &json_empty_array};
    buf_free(&text);
    return E_OK;
}
