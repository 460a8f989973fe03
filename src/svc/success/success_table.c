#include "svc/success/success_table.h"

#include <string.h>

#include "codec/date.h"
#include "svc/success/speech.h"

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
    {"score_change", SPEECH_COLUMN_CHANGE, "number"}, /* the last: only where it is asked for */
};

static size_t column_count(const struct json *rows)
{
    return sizeof(columns) / sizeof(*columns) -
           (json_get(json_at(rows, 0), "score_change") ? 0 : 1);
}

const struct json *success_table_of(struct arena *a, enum wording_language l, enum speech title,
                                    const struct json *rows)
{
    const struct json *list = &json_empty_array, *ranked = &json_empty_array;
    for (size_t i = 0; i < column_count(rows); i++) {
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
        int64_t value = (int64_t)json_number(v, 0);
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

const struct json *success_table_figures(struct arena *a, enum wording_language l,
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
struct str success_table_row(struct arena *a, enum wording_language l, const struct json *row)
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
    if (json_is(json_get(row, "score_change"), JSON_INT)) {
        struct str delta = str_fmt(a, "%+lld", (long long)json_int(row, "score_change", 0));
        delta = SPEECH_FILL(a, l, SPEECH_ROW_MOVED, {"delta", delta});
        more = str_fmt(a, "%.*s%.*s", STR_ARG(delta), STR_ARG(more));
    }
    return str_fmt(a, "%.*s%.*s", STR_ARG(text), STR_ARG(more));
}

/* ---- totals and averages -------------------------------------------------- */

/* A value of a measure: money of one currency, or a count; averages of counts with their tenths. */
static struct str value_words(struct arena *a, const struct success_sum *s, const struct json **out)
{
    if (s->currency.n || strcmp(s->measure, "arr_cents") == 0) {
        int64_t cents = s->average ? (s->sum + s->known / 2) / s->known : s->sum;
        *out = cents % 100 ? json_new_real(a, (double)cents / 100) : json_new_int(a, cents / 100);
        return wording_money(a, s->language, cents, s->currency);
    }
    if (!s->average) {
        *out = json_new_int(a, s->sum);
        return wording_number(a, s->language, s->sum);
    }
    int64_t tenths = (s->sum * 20 + s->known) / (2 * s->known);
    *out = tenths % 10 ? json_new_real(a, (double)tenths / 10) : json_new_int(a, tenths / 10);
    struct str whole = wording_number(a, s->language, tenths / 10);
    return tenths % 10 ? str_fmt(a, "%.*s%c%lld", STR_ARG(whole), wording_decimal(s->language),
                                 (long long)(tenths % 10))
                       : whole;
}

static enum speech sum_label(const struct success_sum *s)
{
    static const struct {
        const char *measure;
        enum speech total, average;
    } labels[] = {
        {"arr_cents", SPEECH_TOTAL_ARR, SPEECH_AVERAGE_ARR},
        {"open_tickets", SPEECH_TOTAL_TICKETS, SPEECH_AVERAGE_TICKETS},
        {"avg_daily_users", SPEECH_TOTAL_USERS, SPEECH_AVERAGE_USERS},
        {"score", SPEECH_AVERAGE_SCORE, SPEECH_AVERAGE_SCORE},
    };
    size_t i = 0;
    while (i < 3 && strcmp(labels[i].measure, s->measure) != 0) {
        i++;
    }
    return s->average ? labels[i].average : labels[i].total;
}

struct str success_table_sum(struct arena *a, const struct success_sum *s,
                             const struct json **inout_figures)
{
    const struct json *value;
    struct sheet sheet = {a, s->language, *inout_figures};
    struct str text = value_words(a, s, &value);
    struct str key = str_fmt(a, "%s_%s%s%.*s", s->average ? "average" : "total", s->measure,
                             s->currency.n ? "_" : "", STR_ARG(s->currency));
    const char *unit = s->currency.n                             ? str_dupz(a, s->currency)
                       : strcmp(s->measure, "score") == 0        ? "points"
                       : strcmp(s->measure, "open_tickets") == 0 ? "tickets"
                       : strcmp(s->measure, "arr_cents") == 0    ? "money"
                                                                 : "users";
    add_figure(&sheet, key, sum_label(s), unit,
               (const struct json *[]){value, json_new_str(a, text),
                                       json_new_str(a, STR("/console/accounts"))});
    *inout_figures = sheet.list;
    struct str label = speech_str(s->language, sum_label(s));
    struct str n = wording_number(a, s->language, s->total);
    struct str known = wording_number(a, s->language, s->known);
    return s->known == s->total
               ? SPEECH_FILL(a, s->language, s->total == 1 ? SPEECH_SUM_ONE : SPEECH_SUM,
                             {"label", label}, {"value", text}, {"n", n}, {"span", s->span})
               : SPEECH_FILL(a, s->language, SPEECH_SUM_KNOWN, {"label", label}, {"value", text},
                             {"n", n}, {"known", known}, {"span", s->span});
}
