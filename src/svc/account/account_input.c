#include "svc/account/account_input.h"

#include <math.h>

#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"
#include "host/service.h"

enum { NUMBER_MAX = 1000000000, SUBJECT_MAX_CHARS = 300 };

/* ---- bodies -------------------------------------------------------------------- */

static const char *const stages[] = {"trial",   "active", "at_risk", "renewal_approaching",
                                     "churned", NULL};
static const char *const languages[] = {"en", "de", "nl", "fr", NULL};
static const char *const trends[] = {"down", "flat", "up", NULL};

#define LINE_OF(member, most, ...)                                                                 \
    FIELD(struct account_body, member, FIELD_STR, .flags = FIELD_NULLABLE, .max = (most),          \
          .form = FIELD_LINE, __VA_ARGS__)
static const struct field account_fields[] = {
    FIELD(struct account_body, slug, FIELD_STR, .max = ACCOUNT_SLUG_MAX_BYTES,
          .title = "a-z 0-9 - _; made from the name when it is not given"),
    FIELD(struct account_body, name, FIELD_STR, .min = 1, .max = ACCOUNT_NAME_MAX_CHARS,
          .form = FIELD_LINE),
    LINE_OF(short_name, ACCOUNT_NAME_MAX_CHARS, .title = "what members call it"),
    LINE_OF(domain, 253),
    LINE_OF(website, 1000),
    LINE_OF(industry, 200),
    LINE_OF(country, 2, .min = 2, .title = "ISO 3166 alpha-2"),
    LINE_OF(city, 200),
    LINE_OF(plan, 60),
    LINE_OF(owner, 254, .title = "e-mail of the member who looks after it"),
    LINE_OF(currency, 3, .min = 3, .title = "ISO 4217"),
    FIELD(struct account_body, language, FIELD_ENUM, .flags = FIELD_NULLABLE, .values = languages,
          .title = "in which it is written to"),
    FIELD(struct account_body, notes, FIELD_STR, .flags = FIELD_NULLABLE, .max = 5000),
    FIELD(struct account_body, stage, FIELD_ENUM, .flags = FIELD_NULLABLE, .values = stages),
    FIELD(struct account_body, employees, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = NUMBER_MAX),
    FIELD(struct account_body, seats, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = NUMBER_MAX),
    FIELD(struct account_body, arr_cents, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_ARR_MAX_CENTS, .title = "revenue a year, in cents"),
    FIELD(struct account_body, renewal_date, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds"),
    FIELD(struct account_body, since, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds"),
    FIELD(struct account_body, usage, FIELD_OBJECT, .title = "as PUT .../usage"),
    FIELD(struct account_body, open_tickets, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = NUMBER_MAX),
    FIELD(struct account_body, recent_tickets, FIELD_LIST, .max = ACCOUNT_TICKETS_MAX),
    FIELD(struct account_body, demo, FIELD_BOOL, .title = "guests see it"),
};
const struct field_table account_body_table =
    FIELD_TABLE_GIVEN("AccountBody", account_fields, struct account_body, given);

struct contract_body {
    const struct json *renewal_date;
    int64_t arr_cents, seats;
    struct str currency, plan;
};
static const struct field contract_fields[] = {
    FIELD(struct contract_body, renewal_date, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds; null: not known"),
    FIELD(struct contract_body, arr_cents, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_ARR_MAX_CENTS),
    FIELD(struct contract_body, seats, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = NUMBER_MAX),
    FIELD(struct contract_body, currency, FIELD_STR, .min = 3, .max = 3, .form = FIELD_LINE),
    FIELD(struct contract_body, plan, FIELD_STR, .max = 60, .form = FIELD_LINE),
};
const struct field_table account_contract_table = FIELD_TABLE("AccountContract", contract_fields);

struct usage_body {
    const struct json *sparkline;
    int trend;
    int64_t avg_daily_users;
    uint64_t given;
};
static const struct field usage_fields[] = {
    FIELD(struct usage_body, sparkline, FIELD_LIST, .max = ACCOUNT_SPARKLINE_MAX,
          .title = "numbers, oldest first; trend and mean follow from it unless they are given"),
    FIELD(struct usage_body, trend, FIELD_ENUM, .values = trends),
    FIELD(struct usage_body, avg_daily_users, FIELD_INT, .min = 0, .max = NUMBER_MAX),
};
const struct field_table account_usage_table =
    FIELD_TABLE_GIVEN("AccountUsage", usage_fields, struct usage_body, given);

struct tickets_body {
    int64_t open_tickets;
    const struct json *recent_tickets;
};
static const struct field tickets_fields[] = {
    FIELD(struct tickets_body, open_tickets, FIELD_INT, .min = 0, .max = NUMBER_MAX,
          .title = "as many as are listed when it is not given"),
    FIELD(struct tickets_body, recent_tickets, FIELD_LIST, .max = ACCOUNT_TICKETS_MAX,
          .title = "[{id, severity: low, medium, high or critical, subject?, created_at?}]"),
};
const struct field_table account_tickets_table = FIELD_TABLE("AccountTickets", tickets_fields);

_Static_assert(sizeof(struct contract_body) <= ACCOUNT_PART_BYTES, "bodies fit");
_Static_assert(sizeof(struct usage_body) <= ACCOUNT_PART_BYTES, "bodies fit");

/* ---- rules that a table of fields cannot say ------------------------------------- */

/* A name is shown in many places, some of them not ours: it holds no markup and no script. */
static bool has_markup(struct arena *a, struct str name)
{
    struct str s = text_fold(a, name);
    if (str_find_char(s, '<') >= 0 || str_find_char(s, '>') >= 0 ||
        str_find(s, STR("javascript:")) >= 0) {
        return true;
    }
    for (size_t i = 0; i + 3 < s.n; i++) { /* onclick= */
        bool begins = (i == 0 || s.p[i - 1] == ' ') && s.p[i] == 'o' && s.p[i + 1] == 'n';
        size_t j = i + 2;
        while (begins && j < s.n && s.p[j] >= 'a' && s.p[j] <= 'z') {
            j++;
        }
        if (begins && j > i + 2 && j < s.n && s.p[j] == '=') {
            return true;
        }
    }
    return false;
}

/* White space that compatibility folding leaves; what cannot be seen at all it drops. */
static bool is_blank(struct arena *a, struct str name)
{
    struct str rest = text_fold(a, name);
    uint32_t point;
    bool blank = true;
    while (blank && text_next(&rest, &point)) {
        blank = point <= ' ' || point == 0x85 || point == 0x1680 || point == 0x2028 ||
                point == 0x2029 || point == 0x2800;
    }
    return blank;
}

/* What turns the direction of the text around it makes a name look like another (Unicode's
 * Bidi_Control), and so do lines of it. */
static bool turns_or_breaks(struct str name)
{
    uint32_t point;
    bool found = false;
    while (!found && text_next(&name, &point)) {
        found = point == 0x61c || point == 0x200e || point == 0x200f ||
                (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
                (point >= 0x80 && point < 0xa0);
    }
    return found;
}

static enum err check_name(struct ctx *c, const char *field, struct str name)
{
    if (is_blank(c->arena, name)) {
        return ctx_fail_field(c, E_INVALID, field, "%s must have 1 to %d characters", field,
                              ACCOUNT_NAME_MAX_CHARS);
    }
    if (turns_or_breaks(name)) {
        return ctx_fail_field(c, E_INVALID, field,
                              "%s must not contain characters that break lines or turn the "
                              "direction of text",
                              field);
    }
    return has_markup(c->arena, name)
               ? ctx_fail_field(c, E_INVALID, field, "%s must not contain markup or script", field)
               : E_OK;
}

/* ISO 4217 as of 2026, without units of account, metals and funds. */
static const char currencies[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

enum err account_input_currency(struct ctx *c, struct str currency)
{
    struct str rest = str_of(currencies), one;
    bool known = currency.n == 0;
    while (!known && str_split(&rest, ' ', &one)) {
        known = str_eq(one, currency);
    }
    return known ? E_OK
                 : ctx_fail_field(c, E_INVALID, "currency",
                                  "currency must be a code of ISO 4217 such as EUR");
}

/* Who looks after an account is a member; one who has left stays until another is named. Where
 * nobody keeps members, any address will do. */
static enum err check_owner(struct ctx *c, const struct json *before, struct str owner)
{
    const struct json *member;
    if (!owner.n || str_eq(owner, json_str(before, "owner", STR("")))) {
        return E_OK;
    }
    enum err e = host_ask(c, "identity.member_of",
                          json_object(c->arena, {"email", json_new_str(c->arena, owner)}), &member);
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        return E_OK;
    }
    TRY(e);
    return json_get(member, "id") ? E_OK
                                  : ctx_fail_field(c, E_INVALID, "owner",
                                                   "owner must be the e-mail address of a member");
}

enum err account_input_slug(struct ctx *c, struct str slug)
{
    bool good = slug.n > 0;
    for (size_t i = 0; i < slug.n; i++) {
        char l = slug.p[i];
        good = good && ((l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_');
    }
    return good ? E_OK
                : ctx_fail_field(c, E_INVALID, "slug", "slug may hold a-z, 0-9, - and _ alone");
}

/* A day or a time, as milliseconds; null stays null. */
enum err account_input_time(struct ctx *c, const char *field, const struct json *v,
                            const struct json **out)
{
    int64_t ms = 0;
    static const int64_t last_ms = INT64_C(253402300799999); /* the year 9999 */
    if (json_is(v, JSON_NULL)) {
        *out = v;
        return E_OK;
    }
    bool good = json_is(v, JSON_STRING) ? date_parse(v->string, &ms) : json_is(v, JSON_INT);
    ms = json_is(v, JSON_INT) ? v->integer : ms;
    if (!good || ms < 0 || ms > last_ms) {
        return ctx_fail_field(c, E_INVALID, field, "%s must be a date such as 2027-03-01", field);
    }
    *out = json_new_int(c->arena, ms);
    return E_OK;
}

static enum err check_number(struct ctx *c, const struct json *v, size_t index)
{
    double n = json_number(v, NAN);
    if (isnan(n) || n < 0 || n > NUMBER_MAX) {
        char *field = str_dupz(c->arena, str_fmt(c->arena, "sparkline[%zu]", index));
        return ctx_fail_field(c, E_INVALID, field, "%s must be a number from 0 to %d", field,
                              NUMBER_MAX);
    }
    return E_OK;
}

/* {sparkline, trend, avg_daily_users} upon what was there. */
enum err account_input_usage(struct ctx *c, const struct json *before, const struct json *body,
                             const struct json **out)
{
    struct arena *a = c->arena;
    struct usage_body in = {.trend = -1};
    struct field_fault wrong = {0};
    struct account_facts f = {0};
    if (field_read(&account_usage_table, a, body, &in, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s: %s", wrong.path, wrong.text);
    }
    if (json_count(body) == 0) {
        return ctx_fail_field(c, E_INVALID, "sparkline", "give a sparkline, a trend or a mean");
    }
    for (size_t i = 0; i < json_count(in.sparkline); i++) {
        TRY(check_number(c, json_at(in.sparkline, i), i));
    }
    const struct json *usage = before ? before : &json_empty_object;
    if (in.sparkline) { /* what followed from the line before follows from this one */
        usage = json_with(a, usage, STR("trend"), NULL);
        usage = json_with(a, usage, STR("avg_daily_users"), NULL);
    }
    usage = json_merge(a, usage, body);
    account_read_usage(a, json_object(a, {"usage", usage}), &f);
    const char *trend = health_trend_name(f.usage.trend);
    usage = trend ? json_with(a, usage, STR("trend"), json_new_str(a, str_of(trend))) : usage;
    *out = f.usage.has_average
               ? json_with(a, usage, STR("avg_daily_users"), json_new_int(a, f.usage.average))
               : usage;
    return E_OK;
}

static bool has_control(struct str s)
{
    bool found = false;
    for (size_t i = 0; i < s.n; i++) {
        found = found || (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f;
    }
    return found;
}

static enum err fail_ticket(struct ctx *c, size_t index, const char *member, const char *rule)
{
    char *field = str_dupz(c->arena, str_fmt(c->arena, "recent_tickets[%zu].%s", index, member));
    return ctx_fail_field(c, E_INVALID, field, "%s %s", field, rule);
}

static enum err read_ticket(struct ctx *c, const struct json *t, size_t i, const struct json **out)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    struct arena *a = c->arena;
    const struct json *at =
        json_get(t, "created_at") ? json_get(t, "created_at") : json_get(t, "created_at_ms");
    struct str id = json_str(t, "id", STR("")), severity = json_str(t, "severity", STR(""));
    struct str subject = json_str(t, "subject", STR(""));
    bool known = false;
    for (size_t k = 0; k < sizeof(severities) / sizeof(*severities); k++) {
        known = known || str_eqz(severity, severities[k]);
    }
    bool blank = !str_trim(text_fold(a, id)).n;
    if (!json_is(t, JSON_OBJECT) || blank || text_count(id) > ACCOUNT_TICKET_ID_MAX_CHARS) {
        return fail_ticket(c, i, "id", "must have 1 to 100 characters");
    }
    if (turns_or_breaks(id) || has_control(id)) {
        return fail_ticket(c, i, "id", "must be a single line without control characters");
    }
    if (!known) {
        return fail_ticket(c, i, "severity", "is low, medium, high or critical");
    }
    if (text_count(subject) > SUBJECT_MAX_CHARS) {
        return fail_ticket(c, i, "subject", "must have at most 300 characters");
    }
    if (turns_or_breaks(subject) || has_control(subject)) {
        return fail_ticket(c, i, "subject", "must be a single line without control characters");
    }
    if (at && account_input_time(c, "created_at", at, &at) != E_OK) {
        return fail_ticket(c, i, "created_at", "must be a date");
    }
    *out = json_object(a, {"id", json_new_str(a, id)}, {"severity", json_new_str(a, severity)},
                       {"subject", subject.n ? json_new_str(a, subject) : NULL},
                       {"created_at_ms", json_is(at, JSON_INT) ? at : NULL});
    return E_OK;
}

static enum err check_once(struct ctx *c, const struct json *before, size_t index, struct str id)
{
    for (size_t i = 0; i < json_count(before); i++) {
        if (str_eq(json_str(json_at(before, i), "id", STR("")), id)) {
            char *rule =
                str_dupz(c->arena, str_fmt(c->arena, "is that of recent_tickets[%zu] already", i));
            return fail_ticket(c, index, "id", rule);
        }
    }
    return E_OK;
}

/* {open_tickets, recent_tickets}: the count is the list's length unless it is given. */
enum err account_input_tickets(struct ctx *c, const struct json *body, const struct json **out)
{
    struct arena *a = c->arena;
    const struct json *list = json_get(body, "recent_tickets"), *kept = &json_empty_array,
                      *ticket = NULL;
    const struct json *open = json_get(body, "open_tickets");
    for (size_t i = 0; i < json_count(list); i++) {
        TRY(read_ticket(c, json_at(list, i), i, &ticket));
        TRY(check_once(c, kept, i, json_str(ticket, "id", STR(""))));
        kept = json_push(a, kept, ticket);
    }
    if (!open && !list) {
        return ctx_fail_field(c, E_INVALID, "open_tickets", "give open_tickets or recent_tickets");
    }
    if (open && list && json_is(open, JSON_INT) && open->integer < (int64_t)json_count(list)) {
        return ctx_fail_field(c, E_INVALID, "open_tickets",
                              "open_tickets must not be less than the tickets listed");
    }
    open = open ? open : json_new_int(a, (int64_t)json_count(list));
    *out = json_object(a, {"open_tickets", open}, {"recent_tickets", kept});
    return E_OK;
}

/* ---- a record's members -------------------------------------------------------------- */

/* The body's members as the record has them. */
enum err account_input_account(struct ctx *c, const struct account_input *input,
                               const struct json **out)
{
    const struct account_body *in = input->fields;
    const struct json *v, *changes = input->body;
    struct arena *a = c->arena;
    if (field_given(in->given, &account_body_table, "name")) {
        TRY(check_name(c, "name", in->name));
    }
    if (in->short_name.n) {
        TRY(check_name(c, "short_name", in->short_name));
    }
    TRY(account_input_currency(c, in->currency));
    if (in->website.n && !url_is_web(in->website)) {
        return ctx_fail_field(c, E_INVALID, "website", "website must be an http or https URL");
    }
    TRY(check_owner(c, input->before, in->owner));
    if (field_given(in->given, &account_body_table, "renewal_date")) {
        TRY(account_input_time(c, "renewal_date", json_get(input->body, "renewal_date"), &v));
        changes = json_with(a, changes, STR("renewal_date"), v);
    }
    if (field_given(in->given, &account_body_table, "since")) {
        TRY(account_input_time(c, "since", json_get(input->body, "since"), &v));
        changes = json_with(a, changes, STR("since"), v);
    }
    if (in->usage) {
        TRY(account_input_usage(c, json_get(input->before, "usage"), in->usage, &v));
        changes = json_with(a, changes, STR("usage"), v);
    }
    if (in->recent_tickets) {
        TRY(account_input_tickets(c, input->body, &v));
        changes = json_merge(a, changes, v);
    }
    *out = changes;
    return E_OK;
}
