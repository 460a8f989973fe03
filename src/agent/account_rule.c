#include "agent/account_rule.h"

#include <math.h>

#include "agent/record.h"
#include "codec/date.h"
#include "codec/text.h"
#include "codec/url.h"

/* ---- shapes ---------------------------------------------------------------------- */

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
          .max = ACCOUNT_NUMBER_MAX),
    FIELD(struct account_body, seats, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_NUMBER_MAX),
    FIELD(struct account_body, arr_cents, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_ARR_MAX_CENTS, .title = "revenue a year, in cents"),
    FIELD(struct account_body, renewal_date, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds"),
    FIELD(struct account_body, since, FIELD_JSON, .flags = FIELD_NULLABLE,
          .title = "2027-03-01, or milliseconds"),
    FIELD(struct account_body, usage, FIELD_OBJECT, .title = "as PUT .../usage"),
    FIELD(struct account_body, open_tickets, FIELD_INT, .flags = FIELD_NULLABLE, .min = 0,
          .max = ACCOUNT_NUMBER_MAX),
    FIELD(struct account_body, recent_tickets, FIELD_LIST, .max = ACCOUNT_TICKETS_MAX),
    FIELD(struct account_body, demo, FIELD_BOOL, .title = "guests see it"),
};
const struct field_table account_body_table =
    FIELD_TABLE_GIVEN("AccountBody", account_fields, struct account_body, given);

static const struct field usage_fields[] = {
    FIELD(struct account_usage_body, sparkline, FIELD_LIST, .max = ACCOUNT_SPARKLINE_MAX,
          .title = "numbers, oldest first; trend and mean follow from it unless they are given"),
    FIELD(struct account_usage_body, trend, FIELD_ENUM, .values = trends),
    FIELD(struct account_usage_body, avg_daily_users, FIELD_INT, .min = 0,
          .max = ACCOUNT_NUMBER_MAX),
};
const struct field_table account_usage_table =
    FIELD_TABLE_GIVEN("AccountUsage", usage_fields, struct account_usage_body, given);

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
 * Bidi_Control), and so do lines of it and what is not seen: zero-width space and joiners of words,
 * soft hyphens, tags. The joiners of letters (ZWJ, ZWNJ) belong to how some scripts are written. */
static bool misleads(uint32_t point)
{
    return point == 0xad || point == 0x61c || point == 0x180e || point == 0x200b ||
           point == 0x200e || point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xe0000 && point <= 0xe007f);
}

bool account_rule_is_line(struct str s)
{
    uint32_t point;
    bool good = true;
    while (good && text_next(&s, &point)) {
        good = point >= ' ' && (point < 0x7f || point >= 0xa0) && !misleads(point);
    }
    return good;
}

static enum err check_name(struct ctx *c, const char *field, struct str name)
{
    if (is_blank(c->arena, name)) {
        return ctx_fail_field(c, E_INVALID, field, "%s must have 1 to %d characters", field,
                              ACCOUNT_NAME_MAX_CHARS);
    }
    if (!account_rule_is_line(name)) {
        return ctx_fail_field(c, E_INVALID, field,
                              "%s must not contain characters that break lines, are not seen or "
                              "turn the direction of text",
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

enum err account_rule_currency(struct ctx *c, struct str currency)
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

enum err account_rule_slug(struct ctx *c, struct str slug)
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
enum err account_rule_time(struct ctx *c, const char *field, const struct json *v,
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

static enum err check_number(struct ctx *c, const char *list, const struct json *v, size_t index)
{
    double n = json_number(v, NAN);
    if (isnan(n) || n < 0 || n > ACCOUNT_NUMBER_MAX) {
        char *field = str_dupz(c->arena, str_fmt(c->arena, "%s[%zu]", list, index));
        return ctx_fail_field(c, E_INVALID, field, "%s must be a number from 0 to %d", field,
                              ACCOUNT_NUMBER_MAX);
    }
    return E_OK;
}

enum err account_rule_numbers(struct ctx *c, const char *field, const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        TRY(check_number(c, field, json_at(list, i), i));
    }
    return E_OK;
}

/* ---- all of them --------------------------------------------------------------------- */

const struct json *account_rule_known(struct arena *a, const struct field_table *t,
                                      const struct json *object, const struct json **out_rest)
{
    const struct json *known = &json_empty_object, *rest = known;
    for (size_t i = 0; i < json_count(object); i++) {
        const struct json_member *m = &object->members[i];
        int f = 0;
        while (f < t->count && !str_eqz(m->name, t->fields[f].name)) {
            f++;
        }
        known = f < t->count ? json_with(a, known, m->name, &m->value) : known;
        rest = f < t->count ? rest : json_with(a, rest, m->name, &m->value);
    }
    if (out_rest) {
        *out_rest = rest;
    }
    return known;
}

/* Usage may hold more than what is scored. */
static enum err check_usage(struct ctx *c, const struct json *usage)
{
    struct account_usage_body in = {.trend = -1};
    struct field_fault wrong = {0};
    if (json_count(usage) > RECORD_MEMBERS_MAX) {
        return ctx_fail_field(c, E_TOO_LARGE, "usage", "usage has at most %d members",
                              RECORD_MEMBERS_MAX);
    }
    const struct json *known = account_rule_known(c->arena, &account_usage_table, usage, NULL);
    if (field_read(&account_usage_table, c->arena, known, &in, &wrong) != E_OK) {
        char *path = str_dupz(c->arena, str_fmt(c->arena, "usage.%s", wrong.path));
        return ctx_fail_field(c, E_INVALID, path, "%s: %s", path, wrong.text);
    }
    return account_rule_numbers(c, "usage.sparkline", in.sparkline);
}

enum err account_rule_check(struct ctx *c, const struct json *members)
{
    static const char *const times[] = {"renewal_date", "since"};
    struct account_body in = {.stage = -1, .language = -1};
    struct field_fault wrong = {0};
    const struct json *v;
    const struct json *known = account_rule_known(c->arena, &account_body_table, members, NULL);
    if (field_read(&account_body_table, c->arena, known, &in, &wrong) != E_OK) {
        return ctx_fail_field(c, E_INVALID, wrong.path, "%s: %s", wrong.path, wrong.text);
    }
    if (in.slug.n) {
        TRY(account_rule_slug(c, in.slug));
    }
    if (field_given(in.given, &account_body_table, "name")) {
        TRY(check_name(c, "name", in.name));
    }
    if (in.short_name.n) {
        TRY(check_name(c, "short_name", in.short_name));
    }
    TRY(account_rule_currency(c, in.currency));
    if (in.website.n && !url_is_web(in.website)) {
        return ctx_fail_field(c, E_INVALID, "website", "website must be an http or https URL");
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        if (json_get(known, times[i])) {
            TRY(account_rule_time(c, times[i], json_get(known, times[i]), &v));
        }
    }
    return in.usage ? check_usage(c, in.usage) : E_OK;
}
