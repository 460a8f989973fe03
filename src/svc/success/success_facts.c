#include "svc/success/success_facts.h"

#include <math.h>

#include "codec/date.h"
#include "host/org.h"
#include "host/service.h"

static bool is_number(const struct json *v)
{
    return json_is(v, JSON_INT) || json_is(v, JSON_REAL);
}

struct str success_facts_currency(struct ctx *c, const struct json *facts)
{
    const struct json *contract = json_get(facts, "contract");
    struct str own =
        json_str(contract, "currency", json_str(json_get(facts, "account"), "currency", STR("")));
    struct org org;
    struct fault before = c->fault;
    if (own.n || !is_number(json_get(contract, "arr_cents"))) {
        return own;
    }
    if (org_get(c, &c->org, &org) != E_OK) {
        c->fault = before;
        return STR("");
    }
    return json_str(org.settings, "currency", STR(""));
}

static void read_contract(struct success_facts *f)
{
    const struct json *date = json_get(f->contract, "renewal_date_ms");
    const struct json *arr = json_get(f->contract, "arr_cents");
    f->has_renewal = is_number(date);
    f->renewal_date_ms = (int64_t)json_number(date, 0);
    f->has_arr = is_number(arr);
    f->arr_cents = (int64_t)json_number(arr, 0);
}

enum err success_facts_get(struct ctx *c, struct str account, int64_t as_of_ms,
                           struct success_facts *out_facts)
{
    const struct json *told;
    const struct json *question =
        json_object(c->arena, {"account", json_new_str(c->arena, account)},
                    {"as_of_ms", as_of_ms ? json_new_int(c->arena, as_of_ms) : NULL});
    TRY(host_ask(c, "account.facts", question, &told));
    struct success_facts f = {
        .account = json_get(told, "account"),
        .contract = json_get(told, "contract"),
        .usage = json_get(told, "usage"),
        .tickets = json_get(told, "tickets"),
        .contacts = json_get(told, "contacts"),
    };
    f.id = json_str(f.account, "id", account);
    f.slug = json_str(f.account, "slug", account);
    f.name = json_str(f.account, "name", f.slug);
    f.owner = json_str(f.account, "owner", STR(""));
    read_contract(&f);
    f.currency = success_facts_currency(c, told);
    f.trend = json_str(f.usage, "trend", STR(""));
    f.has_trend = f.trend.n > 0;
    const struct json *users = json_get(f.usage, "avg_daily_users");
    f.has_users = is_number(users);
    f.daily_users = (int64_t)llround(json_number(users, 0));
    const struct json *open = json_get(f.tickets, "open_tickets");
    f.has_tickets = is_number(open);
    f.open_tickets = (int64_t)json_number(open, 0);
    *out_facts = f;
    return E_OK;
}

static int64_t day_of(int64_t ms)
{
    return ms >= 0 ? ms / DATE_DAY_MS : -((-ms + DATE_DAY_MS - 1) / DATE_DAY_MS);
}

int64_t success_facts_days(int64_t renewal_date_ms, int64_t now_ms)
{
    return day_of(renewal_date_ms) - day_of(now_ms);
}
