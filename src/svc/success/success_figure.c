#include "svc/success/success_figure.h"

#include <math.h>
#include <string.h>

#include "codec/date.h"
#include "svc/success/speech.h"
#include "svc/success/success_email.h"

/* ---- what is known ------------------------------------------------------- */

static const struct json *data_of(const struct success_result *results, int count,
                                  enum success_tool_place place)
{
    for (int i = 0; i < count; i++) {
        if (results[i].tool == success_tool_at((int)place)) {
            return results[i].data;
        }
    }
    return NULL;
}

static void know_contract(struct success_known *k)
{
    k->asked_contract = k->contract != NULL;
    struct str date = json_str(k->contract, "renewalDate", STR(""));
    k->has_renewal = date.n && date_parse(date, &k->renewal_date_ms);
    k->currency = json_str(k->contract, "currency", STR(""));
    k->arr_cents = llround(json_real(k->contract, "arr", 0) * 100);
    k->has_arr = k->arr_cents > 0 || (k->contract && !json_bool(k->contract, "missingData", false));
    if (!k->has_renewal) {
        return;
    }
    int64_t days = success_facts_days(k->renewal_date_ms, k->now_ms);
    k->renewal_days = days > 0 ? days : 0;
    k->renewal_today = days == 0;
    k->renewal_passed = days < 0;
}

static void know_usage(struct success_known *k)
{
    k->asked_usage = k->usage != NULL;
    k->has_trend = k->usage && !json_bool(k->usage, "missingData", false);
    k->trend = k->has_trend ? json_str(k->usage, "trend", STR("")) : STR("");
    k->has_users = k->has_trend && !json_bool(k->usage, "usersMissing", false);
    k->daily_users = llround(json_real(k->usage, "avgDailyUsers", 0));
}

/* The score is made of their number, so where nobody read the tickets themselves it tells that. */
static void know_tickets_of_health(struct success_known *k)
{
    const struct json *factors = json_get(k->health, "factors");
    for (size_t i = 0; i < json_count(factors); i++) {
        const struct json *one = json_at(factors, i), *value = json_get(one, "value");
        if (str_eqz(json_str(one, "name", STR("")), "tickets") && json_is(value, JSON_INT)) {
            k->has_tickets = true;
            k->open_tickets = value->integer;
        }
    }
}

/* A score by another formula is none to compare with: without what was before, then. */
static const struct json *of_one_formula(struct arena *a, const struct json *health)
{
    const struct json *was = json_path(health, "previous.formula");
    bool same = json_is_null(was) || json_equal(was, json_get(health, "formula"));
    return same ? health : json_with(a, health, STR("previous"), &json_null_value);
}

struct success_known success_known_of(struct arena *a, const struct success_result *results,
                                      int count, int64_t now_ms)
{
    struct success_known k = {
        .now_ms = now_ms,
        .usage = data_of(results, count, SUCCESS_TOOL_USAGE),
        .tickets = data_of(results, count, SUCCESS_TOOL_TICKETS),
        .contract = data_of(results, count, SUCCESS_TOOL_CONTRACT),
        .email = data_of(results, count, SUCCESS_TOOL_EMAIL),
        .qbr = data_of(results, count, SUCCESS_TOOL_QBR),
    };
    const struct json *health = data_of(results, count, SUCCESS_TOOL_HEALTH);
    k.health = health ? of_one_formula(a, success_run_snake(a, health)) : NULL;
    k.asked_health = health != NULL;
    k.has_score = json_is(json_get(k.health, "score"), JSON_INT);
    k.score = json_int(k.health, "score", 0);
    k.risk = json_str(k.health, "risk_level", STR("unknown"));
    know_usage(&k);
    k.asked_tickets = k.tickets != NULL;
    k.has_tickets = k.tickets && !json_bool(k.tickets, "missingData", false);
    k.open_tickets = json_int(k.tickets, "openTickets", 0);
    if (!k.tickets) {
        know_tickets_of_health(&k);
    }
    know_contract(&k);
    return k;
}

/* ---- figures ------------------------------------------------------------- */

struct sheet {
    struct arena *arena;
    const struct success_known *k;
    const struct json *list;
};

struct figure {
    const char *key;
    enum speech label;
    const char *unit;
    const struct json *value;
    struct str text;
    enum success_tool_place tool;
    const char *field; /* of the tool's data */
    const char *part;  /* of the account's page */
};

static void add(struct sheet *s, const struct figure *f)
{
    struct arena *a = s->arena;
    struct str url = str_fmt(a, "/console/accounts/%.*s#%s", STR_ARG(s->k->id), f->part);
    const struct json *source =
        json_object(a, {"tool", json_new_str(a, str_of(success_tool_at((int)f->tool)->name))},
                    {"field", json_new_str(a, str_of(f->field))}, {"url", json_new_str(a, url)});
    s->list = json_push(a, s->list,
                        json_object(a, {"key", json_new_str(a, str_of(f->key))},
                                    {"label", speech_json(a, s->k->language, f->label)},
                                    {"value", f->value}, {"unit", json_new_str(a, str_of(f->unit))},
                                    {"text", json_new_str(a, f->text)}, {"source", source}));
}

/* A whole number with its unit; the text is the number as the language of the answer writes it. */
static void add_count(struct sheet *s, struct figure f, int64_t n)
{
    f.value = json_new_int(s->arena, n);
    f.text = f.text.n ? f.text : wording_number(s->arena, s->k->language, n);
    add(s, &f);
}

static void add_health(struct sheet *s)
{
    const struct json *h = s->k->health, *previous = json_get(h, "previous");
    const struct json *range = json_get(h, "range");
    if (s->k->has_score) {
        add_count(s,
                  (struct figure){"score", SPEECH_FIGURE_SCORE, "points", .field = "score",
                                  .tool = SUCCESS_TOOL_HEALTH, .part = "health"},
                  s->k->score);
    }
    if (json_is(json_get(previous, "score"), JSON_INT)) {
        add_count(s,
                  (struct figure){"previous_score", SPEECH_FIGURE_SCORE_BEFORE, "points",
                                  .field = "previous.score", .tool = SUCCESS_TOOL_HEALTH,
                                  .part = "health"},
                  json_int(previous, "score", 0));
    }
    if (json_is(json_get(previous, "delta"), JSON_INT)) {
        int64_t delta = json_int(previous, "delta", 0);
        add_count(s,
                  (struct figure){"score_delta", SPEECH_FIGURE_SCORE_CHANGE, "points",
                                  .text = str_fmt(s->arena, "%+lld", (long long)delta),
                                  .field = "previous.delta", .tool = SUCCESS_TOOL_HEALTH,
                                  .part = "health"},
                  delta);
    }
    static const struct {
        const char *end, *key;
        enum speech label;
    } ends[] = {{"low", "score_lowest", SPEECH_FIGURE_SCORE_LOWEST},
                {"high", "score_highest", SPEECH_FIGURE_SCORE_HIGHEST}};
    for (size_t i = 0; i < 2; i++) {
        if (json_is(json_get(range, ends[i].end), JSON_INT)) {
            add_count(s,
                      (struct figure){ends[i].key, ends[i].label, "points", .field = "range",
                                      .tool = SUCCESS_TOOL_HEALTH, .part = "health"},
                      json_int(range, ends[i].end, 0));
        }
    }
}

static void add_contract(struct sheet *s)
{
    const struct success_known *k = s->k;
    struct arena *a = s->arena;
    if (k->has_renewal) {
        add(s, &(struct figure){"renewal_date", SPEECH_FIGURE_RENEWAL_DATE, "date",
                                json_new_str(a, date_iso_day(a, k->renewal_date_ms)),
                                wording_date(a, k->language, k->renewal_date_ms),
                                SUCCESS_TOOL_CONTRACT, "renewalDate", "contract"});
        add_count(s,
                  (struct figure){"days_to_renewal", SPEECH_FIGURE_RENEWAL_DAYS, "days",
                                  .field = "renewalDate", .tool = SUCCESS_TOOL_CONTRACT,
                                  .part = "contract"},
                  k->renewal_days);
    }
    if (k->has_renewal && k->renewal_days > 30 && k->renewal_days <= 90) {
        add_count(s,
                  (struct figure){"months_to_renewal", SPEECH_FIGURE_RENEWAL_MONTHS, "months",
                                  .field = "renewalDate", .tool = SUCCESS_TOOL_CONTRACT,
                                  .part = "contract"},
                  (k->renewal_days + 15) / 30);
    }
    if (k->has_arr) {
        add(s, &(struct figure){"arr", SPEECH_FIGURE_ARR, k->currency.n ? k->currency.p : "money",
                                k->arr_cents % 100 ? json_new_real(a, (double)k->arr_cents / 100)
                                                   : json_new_int(a, k->arr_cents / 100),
                                wording_money(a, k->language, k->arr_cents, k->currency),
                                SUCCESS_TOOL_CONTRACT, "arr", "contract"});
    }
}

static bool has_key(const struct json *figures, struct str key)
{
    for (size_t i = 0; i < json_count(figures); i++) {
        if (str_eq(json_str(json_at(figures, i), "key", STR("")), key)) {
            return true;
        }
    }
    return false;
}

const struct json *success_figures(struct arena *a, const struct success_known *k)
{
    struct sheet s = {.arena = a, .k = k, .list = &json_empty_array};
    add_health(&s);
    if (k->has_users) {
        add_count(&s,
                  (struct figure){"avg_daily_users", SPEECH_FIGURE_USERS, "users",
                                  .field = "avgDailyUsers", .tool = SUCCESS_TOOL_USAGE,
                                  .part = "usage"},
                  k->daily_users);
    }
    if (k->has_tickets) {
        add_count(&s,
                  (struct figure){"open_tickets", SPEECH_FIGURE_TICKETS, "tickets",
                                  .field = k->tickets ? "openTickets" : "factors.tickets",
                                  .tool = k->tickets ? SUCCESS_TOOL_TICKETS : SUCCESS_TOOL_HEALTH,
                                  .part = "tickets"},
                  k->open_tickets);
    }
    add_contract(&s);
    if (k->email) {
        add_count(&s,
                  (struct figure){"call_minutes", SPEECH_FIGURE_CALL, "minutes", .field = "body",
                                  .tool = SUCCESS_TOOL_EMAIL, .part = "contract"},
                  SUCCESS_EMAIL_CALL_MINUTES);
    }
    for (size_t i = 0; i < json_count(k->direct); i++) {
        const struct json *one = json_at(k->direct, i);
        if (!has_key(s.list, json_str(one, "key", STR("")))) {
            s.list = json_push(a, s.list, one);
        }
    }
    return s.list;
}

const struct json *success_figure_facts(struct arena *a, const struct success_known *k)
{
    const struct json *contract = &json_null_value, *usage = &json_null_value;
    const struct json *tickets = &json_null_value;
    if (k->contract) {
        contract = json_object(
            a,
            {"renewal_date_ms",
             k->has_renewal ? json_new_int(a, k->renewal_date_ms) : &json_null_value},
            {"renewal_days", k->has_renewal ? json_new_int(a, k->renewal_days) : &json_null_value},
            {"arr_cents", k->has_arr ? json_new_int(a, k->arr_cents) : &json_null_value},
            {"currency", json_new_str(a, k->currency)},
            {"missing", json_new_bool(json_bool(k->contract, "missingData", false))});
    }
    if (k->usage) {
        usage =
            json_object(a, {"trend", k->has_trend ? json_new_str(a, k->trend) : &json_null_value},
                        {"avg_daily_users",
                         k->has_users ? json_get(k->usage, "avgDailyUsers") : &json_null_value},
                        {"sparkline", json_get(k->usage, "sparkline")},
                        {"missing", json_new_bool(!k->has_trend)});
    }
    if (k->tickets) {
        tickets = json_object(
            a,
            {"open_tickets", k->has_tickets ? json_new_int(a, k->open_tickets) : &json_null_value},
            {"recent_tickets", success_run_snake(a, json_get(k->tickets, "recentTickets"))},
            {"missing", json_new_bool(!k->has_tickets)});
    }
    return json_object(a, {"contract", contract}, {"usage", usage}, {"tickets", tickets},
                       {"contacts", k->contacts ? k->contacts : &json_empty_array});
}
