#include "support/customers.h"

#include <string.h>

#include "codec/date.h"

static const struct customer *all;
static void (*watch)(struct ctx *c, const char *ask, void *arg);
static void *watch_arg;
static const char *broken, *hidden, *currency;

void customers_set(const struct customer *customers)
{
    all = customers;
}

void customers_watch(void (*fn)(struct ctx *c, const char *ask, void *arg), void *arg)
{
    watch = fn;
    watch_arg = arg;
}

void customers_break(const char *ask)
{
    broken = ask;
}

void customers_hide(const char *slug)
{
    hidden = slug;
}

void customers_pay_in(const char *code)
{
    currency = code;
}

static enum err watched(struct ctx *c, const char *ask)
{
    if (watch) {
        watch(c, ask, watch_arg);
    }
    return broken && strcmp(broken, ask) == 0 ? ctx_fail(c, E_INTERNAL, "%s is broken", ask) : E_OK;
}

static bool sees(const struct ctx *c, const struct customer *it)
{
    return !(c->roles & ROLE_GUEST) || !hidden || strcmp(hidden, it->slug) != 0;
}

static const struct customer *find(const struct ctx *c, struct str slug)
{
    for (const struct customer *it = all; it && it->slug; it++) {
        if (str_eqz(slug, it->slug) && sees(c, it)) {
            return it;
        }
    }
    return NULL;
}

static const struct json *text(struct ctx *c, const char *z)
{
    return json_new_str(c->arena, str_of(z));
}

static const struct json *number(struct ctx *c, int64_t v, bool known)
{
    return known ? json_new_int(c->arena, v) : &json_null_value;
}

static const struct json *currency_of(struct ctx *c)
{
    return currency && !*currency ? &json_null_value : text(c, currency ? currency : "EUR");
}

static const struct json *head(struct ctx *c, const struct customer *it)
{
    return json_object(c->arena, {"id", text(c, it->slug)}, {"slug", text(c, it->slug)},
                       {"name", text(c, it->name)}, {"owner", text(c, "Nora Lind")},
                       {"currency", currency_of(c)}, {"demo", json_new_bool(true)});
}

static const struct json *named(struct ctx *c, const struct customer *it)
{
    return json_object(c->arena, {"id", text(c, it->slug)}, {"slug", text(c, it->slug)},
                       {"name", text(c, it->name)});
}

/* All of one name that is asked for, when there are several. */
static const struct json *twins_of(struct ctx *c, const struct customer *one)
{
    const struct json *twins = &json_empty_array;
    for (const struct customer *it = all; it->slug; it++) {
        twins = strcmp(it->name, one->name) == 0 ? json_push(c->arena, twins, named(c, it)) : twins;
    }
    return twins;
}

static enum err answer_match(struct ctx *c, const struct json *q, const struct json **out)
{
    struct arena *a = c->arena;
    TRY(watched(c, "account.match"));
    struct str asked = json_str(q, "text", STR(""));
    const struct json *items = &json_empty_array, *ambiguous = &json_empty_array;
    for (const struct customer *it = all; it && it->slug; it++) {
        struct str word = str_of(it->name), rest = word;
        str_split(&rest, ' ', &word);
        if (str_find(asked, word) < 0) {
            continue;
        }
        const struct json *twins = twins_of(c, it), *quote = json_new_str(a, word);
        if (json_count(twins) > 1) {
            ambiguous = json_push(a, &json_empty_array,
                                  json_object(a, {"quote", quote}, {"accounts", twins}));
        } else {
            items = json_push(a, items, json_with(a, named(c, it), STR("quote"), quote));
        }
    }
    struct str chosen = json_str(q, "selected", STR(""));
    const struct customer *selected = find(c, chosen);
    if (chosen.n && !selected) {
        return ctx_fail(c, E_NOT_FOUND, "no such account");
    }
    if (!json_count(items) && selected) {
        items = json_push(a, items, named(c, selected));
    }
    static const char *const strangers[] = {"Zenith Inc", "Northwind", "Blue Harbour"};
    const struct json *others = &json_empty_array;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        others = str_find(asked, str_of(strangers[i])) >= 0
                     ? json_push(a, others, json_new_str(a, str_of(strangers[i])))
                     : others;
    }
    *out = json_object(a, {"items", items}, {"other_names", others}, {"ambiguous", ambiguous});
    return E_OK;
}

static enum err one(struct ctx *c, const struct json *q, const struct customer **out)
{
    *out = find(c, json_str(q, "account", STR("")));
    return *out ? E_OK : ctx_fail(c, E_NOT_FOUND, "no such account");
}

static const struct json *tickets_of(struct ctx *c, const struct customer *it)
{
    struct arena *a = c->arena;
    const struct json *recent = &json_empty_array;
    if (it->open_tickets > 0) {
        const char *subject = it->subject ? it->subject : "It is slow";
        recent = json_push(a, recent,
                           json_object(a, {"id", text(c, "T-901")}, {"severity", text(c, "low")},
                                       {"subject", text(c, subject)}));
    }
    return json_object(a, {"open_tickets", number(c, it->open_tickets, it->open_tickets >= 0)},
                       {"recent_tickets", recent}, {"missing", json_new_bool(it->open_tickets < 0)},
                       {"source", text(c, "record")});
}

static enum err answer_facts(struct ctx *c, const struct json *q, const struct json **out)
{
    struct arena *a = c->arena;
    TRY(watched(c, "account.facts"));
    const struct customer *it;
    TRY(one(c, q, &it));
    const struct json *line = &json_empty_array, *contacts = &json_empty_array;
    for (int i = -3; it->trend && i <= 0; i++) {
        line = json_push(a, line, json_new_int(a, it->daily_users + i));
    }
    if (it->champion) {
        contacts =
            json_push(a, contacts,
                      json_object(a, {"name", text(c, it->champion)},
                                  {"first_name", it->first ? text(c, it->first) : &json_null_value},
                                  {"champion", json_new_bool(true)}));
    }
    *out = json_object(
        a, {"account", head(c, it)},
        {"contract",
         json_object(a, {"renewal_date_ms", number(c, it->renewal_ms, it->renewal_ms)},
                     {"arr_cents", number(c, it->arr_cents, it->arr_cents >= 0)},
                     {"currency", currency_of(c)}, {"missing", json_new_bool(!it->renewal_ms)})},
        {"usage", json_object(a, {"trend", it->trend ? text(c, it->trend) : &json_null_value},
                              {"avg_daily_users",
                               number(c, it->daily_users, it->trend && it->daily_users >= 0)},
                              {"sparkline", line}, {"missing", json_new_bool(!it->trend)})},
        {"tickets", tickets_of(c, it)}, {"contacts", contacts});
    return E_OK;
}

struct score {
    int total, usage, tickets, renewal;
    bool complete;
};

static struct score score_of(const struct customer *it, int64_t now_ms)
{
    int64_t left = it->renewal_ms > now_ms ? (it->renewal_ms - now_ms) / DATE_DAY_MS : 0;
    struct score s = {.complete = it->trend && it->open_tickets >= 0 && it->renewal_ms};
    s.usage = !it->trend ? 0 : strcmp(it->trend, "up") == 0 ? 100 : it->trend[0] == 'f' ? 50 : 0;
    s.tickets = it->open_tickets <= 0   ? 100
                : it->open_tickets <= 2 ? 80
                : it->open_tickets <= 5 ? 50
                                        : 20;
    s.renewal = left > 180 ? 100 : left >= 60 ? 70 : 30;
    int hundredths = 45 * s.usage + 35 * s.tickets + 20 * s.renewal; /* half to even */
    s.total = (hundredths + 50) / 100;
    s.total -= hundredths % 100 == 50 && s.total % 2;
    return s;
}

static const char *risk_of(const struct score *s)
{
    return !s->complete ? "unknown" : s->total >= 75 ? "low" : s->total >= 50 ? "medium" : "high";
}

static enum err answer_health(struct ctx *c, const struct json *q, const struct json **out)
{
    struct arena *a = c->arena;
    TRY(watched(c, "account.health"));
    const struct customer *it;
    TRY(one(c, q, &it));
    struct score s = score_of(it, json_int(q, "as_of_ms", ctx_now_ms(c)));
    const struct json *signals = &json_empty_array, *missing = &json_empty_array;
    if (it->trend) {
        signals = json_push(a, signals, json_new_str(a, str_fmt(a, "usage_%s", it->trend)));
    } else {
        missing = json_push(a, missing, text(c, "usage"));
    }
    missing = it->open_tickets < 0 ? json_push(a, missing, text(c, "tickets")) : missing;
    missing = !it->renewal_ms ? json_push(a, missing, text(c, "renewal")) : missing;
    *out = json_object(a, {"score", number(c, s.total, s.complete)},
                       {"healthScore", number(c, s.total, s.complete)},
                       {"risk_level", text(c, risk_of(&s))}, {"signals", signals},
                       {"formula", text(c, "copilot_v1")}, {"complete", json_new_bool(s.complete)},
                       {"missing", missing}, {"range", &json_null_value},
                       {"factors", &json_empty_array});
    return E_OK;
}

static enum err answer_portfolio(struct ctx *c, const struct json *q, const struct json **out)
{
    struct arena *a = c->arena;
    TRY(watched(c, "account.portfolio"));
    const struct json *items = &json_empty_array;
    int64_t limit = json_int(q, "limit", 50), total = 0;
    for (const struct customer *it = all; it && it->slug; it++) {
        struct score s = score_of(it, ctx_now_ms(c));
        int64_t before = json_int(q, "renews_before_ms", 0);
        if (before && (!it->renewal_ms || it->renewal_ms >= before)) {
            continue;
        }
        if (total++ < limit) {
            items = json_push(
                a, items,
                json_object(a, {"id", text(c, it->slug)}, {"slug", text(c, it->slug)},
                            {"name", text(c, it->name)}, {"owner", text(c, "Nora Lind")},
                            {"score", number(c, s.total, s.complete)},
                            {"risk_level", text(c, risk_of(&s))},
                            {"trend", it->trend ? text(c, it->trend) : &json_null_value},
                            {"open_tickets", number(c, it->open_tickets, it->open_tickets >= 0)},
                            {"arr_cents", number(c, it->arr_cents, it->arr_cents >= 0)},
                            {"currency", text(c, "EUR")},
                            {"renewal_date_ms", number(c, it->renewal_ms, it->renewal_ms != 0)}));
        }
    }
    *out = json_object(a, {"items", items}, {"total", json_new_int(a, total)});
    return E_OK;
}

static const struct route routes[] = {{0}};
static const struct ask asks[] = {
    {"account.match", answer_match, "Accounts that a text names"},
    {"account.facts", answer_facts, "What is known of one"},
    {"account.health", answer_health, "Its score"},
    {"account.portfolio", answer_portfolio, "Many"},
    {0},
};

const struct service customers_service = {
    .name = "account",
    .purpose = "Customers of a test.",
    .routes = routes,
    .asks = asks,
};
