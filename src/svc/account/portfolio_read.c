#include "svc/account/portfolio_read.h"

#include "codec/date.h"
#include "codec/text.h"

static enum err read_number(struct ctx *c, const struct json *q, const char *name, int64_t fallback,
                            int64_t *out)
{
    const struct json *v = json_get(q, name);
    if (json_is_null(v)) {
        *out = fallback;
        return E_OK;
    }
    if (!json_is(v, JSON_INT)) {
        return ctx_fail_field(c, E_INVALID, name, "%s must be a whole number", name);
    }
    *out = v->integer;
    return E_OK;
}

/* Moments: milliseconds, or a day as people write it. */
static enum err read_moment(struct ctx *c, const struct json *q, const char *name, int64_t *out)
{
    const struct json *v = json_get(q, name);
    if (json_is(v, JSON_STRING)) {
        return date_parse(v->string, out) || str_to_i64(v->string, out)
                   ? E_OK
                   : ctx_fail_field(c, E_INVALID, name, "%s must be a date", name);
    }
    return read_number(c, q, name, 0, out);
}

static enum err check_word(struct ctx *c, const char *field, struct str value, bool known)
{
    return !value.n || known
               ? E_OK
               : ctx_fail_field(c, E_INVALID, field, "%s cannot be %.*s", field, STR_ARG(value));
}

static enum err read_bound(struct ctx *c, const struct json *q, const char *least, const char *most,
                           struct portfolio_bound *out)
{
    out->has_least = !json_is_null(json_get(q, least));
    out->has_most = !json_is_null(json_get(q, most));
    TRY(read_number(c, q, least, 0, &out->least));
    return read_number(c, q, most, 0, &out->most);
}

/* What stands beside the filters of the console's list. */
static enum err read_more(struct ctx *c, const struct json *q, struct portfolio_query *r)
{
    static const char missing[] = " renewal arr owner usage tickets ";
    int64_t moved;
    struct str named = str_fmt(c->arena, " %.*s ", STR_ARG(r->missing));
    TRY(read_bound(c, q, "min_tickets", "max_tickets", &r->tickets));
    TRY(read_bound(c, q, "min_arr_cents", "max_arr_cents", &r->arr_cents));
    TRY(read_bound(c, q, "min_users", "max_users", &r->users));
    TRY(read_moment(c, q, "since_ms", &r->since_ms));
    TRY(read_moment(c, q, "until_ms", &r->until_ms));
    TRY(read_number(c, q, "moved", 0, &moved));
    TRY(check_word(c, "other_risk", r->other_risk,
                   health_risk_parse(r->other_risk) != HEALTH_RISK_UNKNOWN));
    TRY(check_word(c, "missing", r->missing, str_find(str_of(missing), named) >= 0));
    if (r->since_ms && r->as_of_ms) {
        return ctx_fail_field(c, E_INVALID, "since_ms", "since_ms cannot be given with as_of");
    }
    r->moved = moved < 0 ? -1 : moved > 0;
    return E_OK;
}

enum err portfolio_read(struct ctx *c, const struct json *q, struct portfolio_query *out)
{
    int64_t limit, offset;
    struct portfolio_query r = {
        .other_risk = json_str(q, "other_risk", STR("")),
        .currency = json_str(q, "currency", STR("")),
        .country = json_str(q, "country", STR("")),
        .industry = text_cut_bytes(json_str(q, "industry", STR("")), 100),
        .missing = json_str(q, "missing", STR("")),
        .text = text_cut_bytes(json_str(q, "q", STR("")), 200),
        .risk = json_str(q, "risk", STR("")),
        .trend = json_str(q, "trend", STR("")),
        .stage = json_str(q, "stage", STR("")),
        .owner = json_str(q, "owner", STR("")),
        .plan = json_str(q, "plan", STR("")),
        .sort = json_str(q, "sort", STR("")),
    };
    TRY(read_moment(c, q, "renews_after_ms", &r.renews_after_ms));
    TRY(read_moment(c, q, "renews_before_ms", &r.renews_before_ms));
    TRY(read_moment(c, q, "as_of_ms", &r.as_of_ms));
    TRY(read_number(c, q, "min_score", -1, &r.min_score));
    TRY(read_number(c, q, "max_score", -1, &r.max_score));
    TRY(read_number(c, q, "limit", 50, &limit));
    TRY(read_number(c, q, "offset", 0, &offset));
    TRY(check_word(c, "risk", r.risk,
                   str_eqz(r.risk, "unknown") || health_risk_parse(r.risk) != HEALTH_RISK_UNKNOWN));
    TRY(check_word(c, "trend", r.trend, health_trend_parse(r.trend) != HEALTH_TREND_UNKNOWN));
    TRY(read_more(c, q, &r));
    if (limit < 1 || limit > PORTFOLIO_LIMIT_MAX) {
        return ctx_fail_field(c, E_INVALID, "limit", "limit must be from 1 to %d",
                              PORTFOLIO_LIMIT_MAX);
    }
    if (offset < 0 || offset > PORTFOLIO_OFFSET_MAX) {
        return ctx_fail_field(c, E_INVALID, "offset", "offset must be from 0 to %d",
                              PORTFOLIO_OFFSET_MAX);
    }
    if (r.as_of_ms > ctx_now_ms(c)) {
        return ctx_fail_field(c, E_INVALID, "as_of", "as_of must not lie in the future");
    }
    r.limit = (int)limit;
    r.offset = (int)offset;
    *out = r;
    return E_OK;
}
