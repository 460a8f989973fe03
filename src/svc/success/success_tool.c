#include "svc/success/success_tool.h"

#include <string.h>

#include "codec/date.h"
#include "host/service.h"
#include "svc/success/health_words.h"
#include "svc/success/success_email.h"
#include "svc/success/success_facts.h"
#include "svc/success/success_language.h"
#include "svc/success/success_qbr.h"

enum { NAME_MAX_BYTES = 200, DEPTH_MAX = 16, PERIOD_MAX_DAYS = 366 };

/* ---- camelCase ----------------------------------------------------------- */

static struct str camel_name(struct arena *a, struct str name)
{
    char *out = arena_alloc(a, name.n + 1);
    size_t n = 0;
    bool up = false;
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        if (ch == '_' && n) {
            up = true;
            continue;
        }
        out[n++] = up && ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
        up = false;
    }
    return str_make(out, n);
}

static const struct json *camel(struct arena *a, const struct json *v, int depth)
{
    if (depth > DEPTH_MAX || !(json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT))) {
        return v;
    }
    bool object = v->kind == JSON_OBJECT;
    const struct json *made = object ? &json_empty_object : &json_empty_array;
    for (size_t i = 0; i < v->count; i++) {
        made = object ? json_with(a, made, camel_name(a, v->members[i].name),
                                  camel(a, &v->members[i].value, depth + 1))
                      : json_push(a, made, camel(a, &v->items[i], depth + 1));
    }
    return made;
}

/* ---- reading ------------------------------------------------------------- */

static const struct json *or_null(const struct json *v)
{
    return v ? v : &json_null_value;
}

/* params.periodDays; 0: it is not given, and all that is known is meant. */
static enum err read_period(struct ctx *c, const struct json *params, int64_t *out_days)
{
    const struct json *v = json_get(params, "periodDays");
    if (v && !(json_is(v, JSON_INT) && v->integer >= 1 && v->integer <= PERIOD_MAX_DAYS)) {
        return ctx_fail_field(c, E_INVALID, "params.periodDays",
                              "params.periodDays must be a whole number from 1 to %d",
                              PERIOD_MAX_DAYS);
    }
    *out_days = v ? v->integer : 0;
    return E_OK;
}

/* The last so many of the line's points, which are days. */
static const struct json *last_points(struct arena *a, const struct json *line, int64_t days)
{
    size_t n = json_count(line), from = days && (size_t)days < n ? n - (size_t)days : 0;
    const struct json **points = ARENA_ARRAY(a, const struct json *, n - from + 1);
    for (size_t i = from; i < n; i++) {
        points[i - from] = json_at(line, i);
    }
    return from ? json_new_array(a, points, n - from) : line;
}

/* Those that came in the days up to now; of one without a time nobody knows whether it did. */
static const struct json *tickets_since(struct arena *a, const struct json *tickets,
                                        int64_t since_ms)
{
    const struct json *kept = &json_empty_array;
    for (size_t i = 0; i < json_count(tickets); i++) {
        const struct json *ticket = json_at(tickets, i);
        bool since = json_int(ticket, "created_at_ms", -1) >= since_ms;
        kept = since ? json_push(a, kept, ticket) : kept;
    }
    return kept;
}

static enum err run_usage(struct ctx *c, const struct success_input *in,
                          const struct json **out_data)
{
    struct success_facts f;
    struct arena *a = c->arena;
    int64_t days;
    TRY(read_period(c, in->params, &days));
    TRY(success_facts_get(c, in->account, in->as_of_ms, &f));
    const struct json *sparkline = last_points(a, json_get(f.usage, "sparkline"), days);
    bool missing = json_bool(f.usage, "missing", !f.has_trend);
    *out_data =
        json_object(a, {"trend", json_new_str(a, f.has_trend ? f.trend : STR("flat"))},
                    {"avgDailyUsers", f.has_users ? or_null(json_get(f.usage, "avg_daily_users"))
                                                  : json_new_int(a, 0)},
                    {"sparkline", json_is(sparkline, JSON_ARRAY) ? sparkline : &json_empty_array},
                    {"usersMissing", f.has_trend && !f.has_users ? &json_true_value : NULL},
                    {"missingData", json_new_bool(missing || !f.has_trend)});
    return E_OK;
}

static enum err run_tickets(struct ctx *c, const struct success_input *in,
                            const struct json **out_data)
{
    struct success_facts f;
    struct arena *a = c->arena;
    int64_t days, now_ms = in->as_of_ms ? in->as_of_ms : ctx_now_ms(c);
    TRY(read_period(c, in->params, &days));
    TRY(success_facts_get(c, in->account, in->as_of_ms, &f));
    const struct json *recent = json_get(f.tickets, "recent_tickets");
    recent = days ? tickets_since(a, recent, now_ms - days * DATE_DAY_MS) : recent;
    *out_data = json_object(
        a, {"openTickets", json_new_int(a, f.has_tickets ? f.open_tickets : 0)},
        {"recentTickets", json_is(recent, JSON_ARRAY) ? camel(a, recent, 0) : &json_empty_array},
        {"missingData", json_new_bool(json_bool(f.tickets, "missing", false) || !f.has_tickets)});
    return E_OK;
}

static enum err run_contract(struct ctx *c, const struct success_input *in,
                             const struct json **out_data)
{
    struct success_facts f;
    struct arena *a = c->arena;
    TRY(success_facts_get(c, in->account, in->as_of_ms, &f));
    const struct json *date =
        f.has_renewal ? json_new_str(a, date_iso(a, f.renewal_date_ms)) : &json_null_value;
    const struct json *arr = f.arr_cents % 100 ? json_new_real(a, (double)f.arr_cents / 100)
                                               : json_new_int(a, f.has_arr ? f.arr_cents / 100 : 0);
    *out_data = json_object(a, {"renewalDate", date}, {"arr", arr},
                            {"currency", json_new_str(a, f.currency)},
                            {"missingData", json_new_bool(json_bool(f.contract, "missing", false) ||
                                                          !f.has_renewal || !f.has_arr)});
    return E_OK;
}

/* The score and all that explains it. What is not complete has no score: score null, riskLevel
 * unknown, and the range of scores that are still possible. */
static enum err run_health(struct ctx *c, const struct success_input *in,
                           const struct json **out_data)
{
    const struct json *health;
    struct arena *a = c->arena;
    const struct json *question =
        json_object(a, {"account", json_new_str(a, in->account)},
                    {"as_of_ms", in->as_of_ms ? json_new_int(a, in->as_of_ms) : NULL});
    TRY(host_ask(c, "account.health", question, &health));
    health = health_words_in(a, success_language_asked(in->params), health);
    const struct json *data = camel(a, health, 0);
    const struct json *score = or_null(json_get(data, "score"));
    data = json_with(a, data, STR("score"), score);
    data = json_with(a, data, STR("healthScore"), score);
    data = json_with(a, data, STR("missingData"),
                     json_new_bool(json_is_null(score) || json_count(json_get(data, "missing"))));
    *out_data = data;
    return E_OK;
}

/* ---- writing ------------------------------------------------------------- */

static enum err run_email(struct ctx *c, const struct success_input *in,
                          const struct json **out_data)
{
    struct success_facts f;
    struct success_email_wish wish;
    TRY(success_email_wish_read(c, in->params, "params.", &wish));
    TRY(success_facts_get(c, in->account, in->as_of_ms, &f));
    if (json_is_null(json_get(in->params, "language"))) { /* nobody has chosen one */
        success_language_own(f.account, &wish.language);
    }
    wish.now_ms = in->as_of_ms ? in->as_of_ms : ctx_now_ms(c);
    return success_email_write(c, &f, &wish, out_data);
}

static enum err run_qbr(struct ctx *c, const struct success_input *in, const struct json **out_data)
{
    struct success_facts f;
    enum wording_language language = success_language_asked(in->params);
    TRY(success_facts_get(c, in->account, in->as_of_ms, &f));
    *out_data = json_object(c->arena, {"sections", success_qbr_sections(c->arena, &f, language)});
    return E_OK;
}

/* ---- the table ----------------------------------------------------------- */

static const struct success_tool tools[SUCCESS_TOOL_COUNT] = {
    {"get_customer_usage", "How much the product is used, and where that is going.", run_usage},
    {"get_recent_tickets", "Open support tickets and the latest of them.", run_tickets},
    {"get_contract_info", "Renewal date and annual value of the contract.", run_contract},
    {"calculate_health", "The health score, its reasons and the risk.", run_health},
    {"generate_email", "A draft of an e-mail to the customer about the renewal.", run_email},
    {"generate_qbr_outline", "The outline of a quarterly business review.", run_qbr},
};

const struct success_tool *success_tool_at(int i)
{
    return i >= 0 && i < SUCCESS_TOOL_COUNT ? &tools[i] : NULL;
}

const struct success_tool *success_tool_find(struct str name)
{
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (str_eqz(name, tools[i].name)) {
            return &tools[i];
        }
    }
    return NULL;
}

/* ---- envelopes ----------------------------------------------------------- */

struct code {
    enum err err; /* E_OK ends: what everything else is */
    const char *name;
    int status;
    const char *text; /* NULL: the fault's own */
};

static const struct code codes[] = {
    {E_INVALID, "INVALID_INPUT", 400, NULL},
    {E_TOO_LARGE, "INVALID_INPUT", 400, NULL},
    {E_UNAUTHENTICATED, "UNAUTHORIZED", 401, NULL},
    {E_DENIED, "UNAUTHORIZED", 401, NULL},
    {E_NOT_FOUND, "MISSING_DATA", 404, NULL},
    {E_INCOMPLETE, "MISSING_DATA", 404, NULL},
    {E_TIMEOUT, "TIMEOUT", 504, "the tool did not answer in time"},
    {E_CANCELLED, "CANCELLED", 499, "nobody waits for it any more"},
    {E_OK, "TOOL_FAILURE", 500, "the tool failed"},
};

void success_tool_fault(struct ctx *c, enum err e, const struct json **out_envelope,
                        int *out_status)
{
    struct arena *a = c->arena;
    const struct code *code = codes;
    while (code->err != E_OK && code->err != e) {
        code++;
    }
    struct str text = str_of(code->text ? code->text : c->fault.text);
    text = text.n ? str_dup(a, text) : str_of(err_title(e));
    *out_status = code->status;
    *out_envelope =
        json_object(a, {"ok", &json_false_value}, {"data", &json_null_value},
                    {"error", json_object(a, {"code", json_new_str(a, str_of(code->name))},
                                          {"message", json_new_str(a, text)})});
    ctx_forgive(c);
}

static enum err check_input(struct ctx *c, const struct success_input *in)
{
    if (!in->account.n || in->account.n > NAME_MAX_BYTES) {
        return ctx_fail_field(c, E_INVALID, "customerId",
                              "customerId must be a text of 1 to %d bytes", NAME_MAX_BYTES);
    }
    if (in->params && !json_is(in->params, JSON_OBJECT)) {
        return ctx_fail_field(c, E_INVALID, "params", "params must be an object");
    }
    return E_OK;
}

void success_tool_run(struct ctx *c, const struct success_tool *t, const struct success_input *in,
                      const struct json **out_envelope, int *out_status)
{
    const struct json *data = NULL;
    enum err e = check_input(c, in);
    e = e == E_OK ? t->run(c, in, &data) : e;
    if (e != E_OK) {
        success_tool_fault(c, e, out_envelope, out_status);
        return;
    }
    *out_status = 200;
    *out_envelope = json_object(c->arena, {"ok", &json_true_value}, {"data", data},
                                {"error", &json_null_value});
}

/* ---- shapes -------------------------------------------------------------- */

enum shape { TEXT, NUMBER, NUMBER_OR_NULL, TEXT_OR_NULL, BOOLEAN, LIST };

struct shape_row {
    const char *tool, *name;
    enum shape shape;
    const char *misfit;
};

static const struct shape_row shape_rows[] = {
    {"get_customer_usage", "trend", TEXT, "trend is no text"},
    {"get_customer_usage", "avgDailyUsers", NUMBER, "avgDailyUsers is no number"},
    {"get_customer_usage", "sparkline", LIST, "sparkline is no list"},
    {"get_customer_usage", "missingData", BOOLEAN, "missingData is neither true nor false"},
    {"get_recent_tickets", "openTickets", NUMBER, "openTickets is no number"},
    {"get_recent_tickets", "recentTickets", LIST, "recentTickets is no list"},
    {"get_recent_tickets", "missingData", BOOLEAN, "missingData is neither true nor false"},
    {"get_contract_info", "renewalDate", TEXT_OR_NULL, "renewalDate is no text"},
    {"get_contract_info", "arr", NUMBER, "arr is no number"},
    {"get_contract_info", "missingData", BOOLEAN, "missingData is neither true nor false"},
    {"calculate_health", "score", NUMBER_OR_NULL, "score is no number"},
    {"calculate_health", "riskLevel", TEXT, "riskLevel is no text"},
    {"calculate_health", "signals", LIST, "signals is no list"},
    {"generate_email", "subject", TEXT, "subject is no text"},
    {"generate_email", "body", TEXT, "body is no text"},
    {"generate_qbr_outline", "sections", LIST, "sections is no list"},
};

static bool fits(const struct json *v, enum shape shape)
{
    bool number = json_is(v, JSON_INT) || json_is(v, JSON_REAL);
    switch (shape) {
    case TEXT:
        return json_is(v, JSON_STRING);
    case TEXT_OR_NULL:
        return json_is(v, JSON_STRING) || json_is(v, JSON_NULL);
    case NUMBER:
        return number;
    case NUMBER_OR_NULL:
        return number || json_is(v, JSON_NULL);
    case BOOLEAN:
        return json_is(v, JSON_BOOL);
    case LIST:
        return json_is(v, JSON_ARRAY);
    }
    return false;
}

const char *success_tool_misfit(const struct success_tool *t, const struct json *data)
{
    if (!json_is(data, JSON_OBJECT)) {
        return "the answer is no object";
    }
    for (size_t i = 0; i < sizeof(shape_rows) / sizeof(*shape_rows); i++) {
        const struct shape_row *r = &shape_rows[i];
        if (strcmp(r->tool, t->name) == 0 && !fits(json_get(data, r->name), r->shape)) {
            return r->misfit;
        }
    }
    return NULL;
}
