#include "svc/account/account_formula.h"

#include <string.h>

#include "bus/job.h"
#include "host/access.h"
#include "svc/account/account_row.h"
#include "svc/account/health_view.h"

enum { CHOICES_MAX = 1000, TITLE_MAX = 120, REASON_MAX = 300, WHOLE = 100, HASH_CHARS = 64 };

/* ---- reading ------------------------------------------------------------- */

#define COLUMNS                                                                                    \
    "f.name, f.version, f.title, f.usage_weight, f.tickets_weight, f.renewal_weight,"              \
    " f.provenance, f.created_by, f.created_at"

/* The points of the built-in formula under weights of the org's own. */
static const struct health_formula *read_formula(struct arena *a, const struct store_rows *rows,
                                                 int row)
{
    struct health_formula *f = ARENA_NEW(a, struct health_formula);
    *f = *health_formula_default();
    f->name = str_dupz(a, row_str(rows, row, 0));
    f->version = (int)row_int(rows, row, 1);
    f->key = str_fmt(a, "%s@%d", f->name, f->version).p;
    f->title = str_dupz(a, row_str(rows, row, 2));
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        f->weights[i] = (int)row_int(rows, row, 3 + i);
    }
    return f;
}

enum err account_formula_find(struct ctx *c, struct store *s, struct str key,
                              const struct health_formula **out)
{
    struct store_rows rows;
    struct str version = key, name;
    int64_t number;
    *out = health_formula_find(key);
    if (*out) {
        return E_OK;
    }
    if (!str_split(&version, '@', &name) || !str_to_i64(version, &number)) {
        return ctx_fail(c, E_NOT_FOUND, "there is no formula %.*s", STR_ARG(key));
    }
    TRY(store_query(c, s, &rows,
                    "SELECT " COLUMNS " FROM account_formula f WHERE f.name = ?1 AND f.version ="
                    " ?2",
                    S_STR(name), S_INT(number)));
    if (!rows.count) {
        return ctx_fail(c, E_NOT_FOUND, "there is no formula %.*s", STR_ARG(key));
    }
    *out = read_formula(c->arena, &rows, 0);
    return E_OK;
}

enum err account_formula_at(struct ctx *c, struct store *s, int64_t at_ms,
                            const struct health_formula **out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT formula FROM account_formula_choice WHERE at <= ?1 ORDER BY at DESC"
                    " LIMIT 1",
                    S_INT(at_ms ? at_ms : ctx_now_ms(c))));
    *out = health_formula_default();
    return rows.count ? account_formula_find(c, s, row_str(&rows, 0, 0), out) : E_OK;
}

enum err account_formula_choices(struct ctx *c, struct store *s,
                                 struct account_formula_choices *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT at, formula FROM account_formula_choice ORDER BY at LIMIT ?1",
                    S_INT(CHOICES_MAX)));
    struct account_formula_choice *items =
        ARENA_ARRAY(c->arena, struct account_formula_choice, rows.count + 1u);
    for (int i = 0; i < rows.count; i++) {
        items[i].at_ms = row_int(&rows, i, 0);
        TRY(account_formula_find(c, s, row_str(&rows, i, 1), &items[i].formula));
    }
    *out = (struct account_formula_choices){rows.count, items};
    return E_OK;
}

const struct health_formula *account_formula_of(const struct account_formula_choices *all,
                                                int64_t at_ms)
{
    const struct health_formula *f = health_formula_default();
    for (int i = 0; i < all->count && all->items[i].at_ms <= at_ms; i++) {
        f = all->items[i].formula;
    }
    return f;
}

/* Of each name the newest version. */
static enum err newest(struct ctx *c, struct store *s, struct store_rows *out)
{
    return store_query(c, s, out,
                       "SELECT " COLUMNS " FROM account_formula f WHERE f.version = (SELECT"
                       " max(g.version) FROM account_formula g WHERE g.name = f.name)"
                       " ORDER BY f.created_at DESC, f.name LIMIT ?1",
                       S_INT(ACCOUNT_FORMULA_BESIDE_MAX));
}

static const struct json *beside(struct arena *a, const struct health_formula *f,
                                 const struct health *h, const struct json *list)
{
    struct health other;
    if (strcmp(f->key, h->formula->key) == 0 || json_count(list) >= ACCOUNT_FORMULA_BESIDE_MAX) {
        return list;
    }
    health_score(f, &h->inputs, &other);
    return json_push(
        a, list,
        json_object(a, {"formula", json_new_str(a, str_of(f->key))},
                    {"formula_version", json_new_int(a, f->version)},
                    {"score", health_score_json(a, &other)},
                    {"risk_level", json_new_str(a, str_of(health_risk_name(other.risk)))}));
}

enum err account_formula_beside(struct ctx *c, struct store *s, const struct health *h,
                                const struct json **out)
{
    const struct json *list = &json_empty_array;
    const struct health_formula *f;
    struct store_rows rows;
    TRY(newest(c, s, &rows));
    for (int i = 0; (f = health_formula_at(i)); i++) {
        list = beside(c->arena, f, h, list);
    }
    for (int i = 0; i < rows.count; i++) {
        list = beside(c->arena, read_formula(c->arena, &rows, i), h, list);
    }
    *out = list;
    return E_OK;
}

/* ---- as JSON ------------------------------------------------------------- */

static const struct json *view(struct arena *a, const struct health_formula *f,
                               const struct health_formula *active)
{
    const struct json *weights = &json_empty_object;
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        weights = json_with(a, weights, str_of(health_factor_name((enum health_factor)i)),
                            json_new_real(a, f->weights[i] / 100.0));
    }
    return json_object(
        a, {"formula", json_new_str(a, str_of(f->key))}, {"name", json_new_str(a, str_of(f->name))},
        {"version", json_new_int(a, f->version)}, {"title", json_new_str(a, str_of(f->title))},
        {"weights", weights}, {"low_from", json_new_int(a, f->low_from)},
        {"medium_from", json_new_int(a, f->medium_from)},
        {"active", json_new_bool(strcmp(f->key, active->key) == 0)});
}

static const struct json *registered_view(struct arena *a, const struct store_rows *rows, int row,
                                          const struct health_formula *active)
{
    const struct json *v = view(a, read_formula(a, rows, row), active), *from = NULL;
    struct json_fault fault;
    json_parse(a, row_str(rows, row, 6), &from, &fault);
    v = json_with(a, v, STR("provenance"), from ? from : &json_null_value);
    v = json_with(a, v, STR("created_by"), json_new_str(a, row_str(rows, row, 7)));
    return json_with(a, v, STR("created_at"), json_new_int(a, row_int(rows, row, 8)));
}

/* The built-in ones, then the org's own, newest first. Guests see no more than what scores. */
enum err account_formula_list(struct ctx *c, struct call *call)
{
    const struct health_formula *f, *active;
    struct store_rows rows = {0};
    TRY(account_formula_at(c, call->store, 0, &active));
    if (account_sees_all(c)) {
        TRY(store_query(c, call->store, &rows,
                        "SELECT " COLUMNS " FROM account_formula f ORDER BY f.created_at DESC,"
                        " f.name, f.version DESC LIMIT ?1",
                        S_INT(ACCOUNT_FORMULAS_MAX)));
    }
    struct json_out *o = call_list_begin(call);
    for (int i = 0; (f = health_formula_at(i)); i++) {
        json_put(o, view(c->arena, f, active));
    }
    for (int i = 0; i < rows.count; i++) {
        json_put(o, registered_view(c->arena, &rows, i, active));
    }
    if (!account_sees_all(c) && !health_formula_find(str_of(active->key))) {
        json_put(o, view(c->arena, active, active));
    }
    call_list_end(call, STR(""));
    return E_OK;
}

/* ---- registering --------------------------------------------------------- */

static const struct field fields[] = {
    FIELD(struct account_formula_body, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1,
          .max = ACCOUNT_FORMULA_NAME_MAX, .form = FIELD_SNAKE),
    FIELD(struct account_formula_body, title, FIELD_STR, .max = TITLE_MAX, .form = FIELD_LINE),
    FIELD(struct account_formula_body, weights, FIELD_OBJECT, .flags = FIELD_REQUIRED,
          .title = "{usage, tickets, renewal}: whole per cent, together 100"),
    FIELD(struct account_formula_body, provenance, FIELD_OBJECT, .flags = FIELD_REQUIRED,
          .title = "{data_sha256, outcome, cases, happened, auc, fixed_auc, brier, off}: what they "
                   "were learnt from, and how well they foretell it"),
};
const struct field_table account_formula_table = FIELD_TABLE("HealthFormula", fields);

static enum err read_weights(struct ctx *c, const struct json *in, int out[HEALTH_FACTORS])
{
    int64_t sum = 0;
    for (size_t i = 0; i < json_count(in); i++) {
        bool known = false;
        for (int k = 0; k < HEALTH_FACTORS; k++) {
            known =
                known || str_eqz(in->members[i].name, health_factor_name((enum health_factor)k));
        }
        if (!known) {
            const char *field = str_fmt(c->arena, "weights.%.*s", STR_ARG(in->members[i].name)).p;
            return ctx_fail_field(c, E_INVALID, field, "%s is no factor: usage, tickets or renewal",
                                  field);
        }
    }
    for (int i = 0; i < HEALTH_FACTORS; i++) {
        const char *name = health_factor_name((enum health_factor)i);
        const struct json *v = json_get(in, name);
        if (!json_is(v, JSON_INT) || v->integer < 0 || v->integer > WHOLE) {
            const char *field = str_fmt(c->arena, "weights.%s", name).p;
            return ctx_fail_field(c, E_INVALID, field, "%s must be a whole number from 0 to %d",
                                  field, WHOLE);
        }
        out[i] = (int)v->integer;
        sum += v->integer;
    }
    return sum == WHOLE
               ? E_OK
               : ctx_fail_field(c, E_INVALID, "weights",
                                "weights must be 100 together; they are %lld", (long long)sum);
}

enum provenance_kind { HASH, WORDS, COUNT, SHARE };
static const struct {
    const char *name;
    enum provenance_kind kind;
} PROVENANCE[] = {{"data_sha256", HASH}, {"outcome", WORDS}, {"cases", COUNT},
                  {"happened", COUNT},   {"auc", SHARE},     {"fixed_auc", SHARE},
                  {"brier", SHARE},      {"off", SHARE}};
enum { PROVENANCE_COUNT = sizeof(PROVENANCE) / sizeof(*PROVENANCE) };

static bool is_hash(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr("0123456789abcdef", s.p[i])) {
            return false;
        }
    }
    return s.n == HASH_CHARS;
}

static const char *misfit(const struct json *v, enum provenance_kind kind)
{
    double number = json_number(v, -1);
    switch (kind) {
    case HASH:
        return is_hash(json_text(v, STR(""))) ? NULL : "must be the SHA-256 of the data, as hex";
    case WORDS: {
        struct str text = json_text(v, STR(""));
        return text.n && text.n <= REASON_MAX ? NULL : "must say what happened: COLUMN=VALUE";
    }
    case COUNT:
        return json_is(v, JSON_INT) && v->integer > 0 ? NULL : "must be a whole number above 0";
    default:
        return !json_is_null(v) && number >= 0 && number <= 1 ? NULL : "must be from 0 to 1";
    }
}

/* All of it, and nothing else: whoever reads it later has nobody to ask. */
static enum err read_provenance(struct ctx *c, const struct json *in, const struct json **out)
{
    const struct json *made = &json_empty_object;
    for (int i = 0; i < PROVENANCE_COUNT; i++) {
        const struct json *v = json_get(in, PROVENANCE[i].name);
        const char *bad = misfit(v, PROVENANCE[i].kind);
        if (bad) {
            const char *field = str_fmt(c->arena, "provenance.%s", PROVENANCE[i].name).p;
            return ctx_fail_field(c, E_INVALID, field, "%s %s", field, bad);
        }
        made = json_with(c->arena, made, str_of(PROVENANCE[i].name), v);
    }
    if (json_count(in) > PROVENANCE_COUNT) {
        return ctx_fail_field(c, E_INVALID, "provenance", "provenance has members nobody knows");
    }
    *out = made;
    return E_OK;
}

/* With one transaction per org at a time the next version is nobody else's. */
static enum err next_version(struct ctx *c, struct store *s, struct str name, int64_t *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT count(*), coalesce(max(CASE WHEN name = ?1 THEN version END), 0)"
                    " FROM account_formula",
                    S_STR(name)));
    if (row_int(&rows, 0, 0) >= ACCOUNT_FORMULAS_MAX) {
        return ctx_fail(c, E_CONFLICT, "%d formulas are kept at most", ACCOUNT_FORMULAS_MAX);
    }
    *out = row_int(&rows, 0, 1) + 1;
    return E_OK;
}

enum err account_formula_post(struct ctx *c, struct call *call)
{
    const struct account_formula_body *in = call->input;
    const struct json *provenance = NULL;
    const struct health_formula *active, *made;
    int weights[HEALTH_FACTORS];
    int64_t version = 0;
    if (health_formula_find(in->name)) {
        return ctx_fail_field(c, E_CONFLICT, "name", "%.*s is a built-in formula: name another",
                              STR_ARG(in->name));
    }
    TRY(read_weights(c, in->weights, weights));
    TRY(read_provenance(c, in->provenance, &provenance));
    TRY(next_version(c, call->store, in->name, &version));
    struct str title = in->title.n ? in->title
                                   : str_fmt(c->arena, "Usage %d %%, tickets %d %%, renewal %d %%",
                                             weights[HEALTH_USAGE], weights[HEALTH_TICKETS],
                                             weights[HEALTH_RENEWAL]);
    TRY(store_exec(c, call->store, NULL,
                   "INSERT INTO account_formula (name, version, title, usage_weight,"
                   " tickets_weight, renewal_weight, provenance, created_by, created_at)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   S_STR(in->name), S_INT(version), S_STR(title), S_INT(weights[HEALTH_USAGE]),
                   S_INT(weights[HEALTH_TICKETS]), S_INT(weights[HEALTH_RENEWAL]),
                   S_STR(json_write(c->arena, provenance)), S_ID(&c->actor), S_INT(ctx_now_ms(c))));
    struct str key = str_fmt(c->arena, "%.*s@%lld", STR_ARG(in->name), (long long)version);
    TRY(audit_add(c, call->store, "health_formula_registered", key,
                  json_object(c->arena, {"weights", in->weights}, {"provenance", provenance})));
    TRY(account_formula_at(c, call->store, 0, &active));
    TRY(account_formula_find(c, call->store, key, &made));
    const struct json *v = view(c->arena, made, active);
    json_put(call_json(call), json_with(c->arena, v, STR("provenance"), provenance));
    return E_OK;
}

/* ---- choosing ------------------------------------------------------------ */

static const struct field choice_fields[] = {
    FIELD(struct account_formula_choice_body, formula, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1,
          .max = ACCOUNT_FORMULA_NAME_MAX + 10, .title = "with its version: copilot_v1, ours@2"),
    FIELD(struct account_formula_choice_body, reason, FIELD_STR, .max = REASON_MAX,
          .form = FIELD_LINE, .title = "goes into the audit log"),
};
const struct field_table account_formula_choice_table =
    FIELD_TABLE("HealthFormulaChoice", choice_fields);

static enum err choose(struct ctx *c, struct store *s, const struct health_formula *f,
                       const struct health_formula *before, struct str reason)
{
    struct arena *a = c->arena;
    TRY(store_exec(c, s, NULL,
                   "INSERT INTO account_formula_choice (at, formula, actor) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (at) DO UPDATE SET formula = excluded.formula,"
                   " actor = excluded.actor",
                   S_INT(ctx_now_ms(c)), S_Z(f->key), S_ID(&c->actor)));
    TRY(audit_add(c, s, "health_formula_chosen", str_of(f->key),
                  json_object(a, {"before", json_new_str(a, str_of(before->key))},
                              {"reason", reason.n ? json_new_str(a, reason) : NULL})));
    /* every account is scored anew; one that is read before its turn already says the new score */
    return job_add(c, s, .kind = "account_recompute", .unique_key = STR("formula"));
}

enum err account_formula_choose(struct ctx *c, struct call *call)
{
    const struct account_formula_choice_body *in = call->input;
    const struct health_formula *f, *before;
    struct store_rows rows;
    enum err e = account_formula_find(c, call->store, in->formula, &f);
    if (e == E_NOT_FOUND) {
        return ctx_fail_field(c, E_INVALID, "formula",
                              "formula: there is no %.*s; one of the org's own is named with its "
                              "version, such as ours@2",
                              STR_ARG(in->formula));
    }
    TRY(e);
    TRY(account_formula_at(c, call->store, 0, &before));
    TRY(store_query(c, call->store, &rows, "SELECT count(*) FROM account_formula_choice"));
    if (row_int(&rows, 0, 0) >= CHOICES_MAX) {
        return ctx_fail(c, E_CONFLICT, "the formula was chosen %d times already", CHOICES_MAX);
    }
    if (strcmp(f->key, before->key) != 0) {
        TRY(choose(c, call->store, f, before, in->reason));
    }
    json_put(call_json(call), view(c->arena, f, f));
    return E_OK;
}
