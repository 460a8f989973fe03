#include "svc/success/success_direct.h"

#include "codec/date.h"
#include "codec/text.h"
#include "host/access.h"
#include "host/service.h"
#include "svc/success/speech.h"
#include "svc/success/success_condition.h"

#define IS(w, i, list) question_words_is(w, i, list)

struct direct {
    struct ctx *c;
    const struct success_direct_question *q;
    enum wording_language language;
    struct question_words *words;
    struct success_direct out;
};

static bool says(const struct question_words *w, const char *const *phrases)
{
    for (int i = 0; i < w->n; i++) {
        if (question_words_one_of(w, i, phrases)) {
            return true;
        }
    }
    return false;
}

/* ---- sentences and figures -------------------------------------------------- */

struct direct_fact {
    const char *key, *unit, *tool, *field, *part; /* of the account's page */
    enum speech label;
    const struct json *value;
    struct str text; /* empty: not known */
};

static void say(struct direct *d, struct str sentence)
{
    struct arena *a = d->c->arena;
    d->out.first = d->out.first.n
                       ? str_fmt(a, "%.*s %.*s", STR_ARG(d->out.first), STR_ARG(sentence))
                       : sentence;
}

static void add_figure(struct direct *d, const struct direct_fact *f)
{
    struct arena *a = d->c->arena;
    struct str url = str_fmt(a, "/console/accounts/%.*s#%s", STR_ARG(d->q->facts->id), f->part);
    const struct json *source =
        json_object(a, {"tool", json_new_str(a, str_of(f->tool))},
                    {"field", json_new_str(a, str_of(f->field))}, {"url", json_new_str(a, url)});
    d->out.figures =
        json_push(a, d->out.figures,
                  json_object(a, {"key", json_new_str(a, str_of(f->key))},
                              {"label", speech_json(a, d->language, f->label)}, {"value", f->value},
                              {"unit", json_new_str(a, str_of(f->unit))},
                              {"text", json_new_str(a, f->text)}, {"source", source}));
}

static void tell(struct direct *d, const struct direct_fact *f)
{
    struct arena *a = d->c->arena;
    struct str value = f->text.n ? f->text : speech_str(d->language, SPEECH_NOT_KNOWN);
    say(d, SPEECH_FILL(a, d->language, SPEECH_DIRECT, {"label", speech_str(d->language, f->label)},
                       {"account", d->q->facts->name}, {"value", value}));
    if (f->text.n) {
        add_figure(d, f);
    }
}

/* ---- what is asked ---------------------------------------------------------- */

static void tell_seats(struct direct *d)
{
    const struct json *seats = json_get(d->q->facts->contract, "seats");
    bool known = json_is(seats, JSON_INT);
    struct direct_fact f = {"seats", "seats",    "get_contract_info",
                            "seats", "contract", SPEECH_LABEL_SEATS,
                            seats,   STR("")};
    f.text = known ? wording_number(d->c->arena, d->language, seats->integer) : STR("");
    tell(d, &f);
}

static void tell_text(struct direct *d, struct direct_fact f, struct str text)
{
    f.text = text;
    f.value = json_new_str(d->c->arena, text);
    f.unit = "text";
    tell(d, &f);
}

static void tell_plan(struct direct *d)
{
    const struct success_facts *f = d->q->facts;
    tell_text(d,
              (struct direct_fact){.key = "plan",
                                   .tool = "get_contract_info",
                                   .field = "plan",
                                   .part = "contract",
                                   .label = SPEECH_LABEL_PLAN},
              json_str(f->contract, "plan", json_str(f->account, "plan", STR(""))));
}

/* By name where the owner is a member and the asker no guest; never by address. */
static void tell_owner(struct direct *d)
{
    struct str owner = d->q->facts->owner;
    const struct json *names = NULL;
    ptrdiff_t at = str_find_char(owner, '@');
    struct str text = at > 0 ? str_sub(owner, 0, (size_t)at) : owner;
    if (owner.n && !(d->c->roles & ROLE_GUEST) &&
        host_ask(d->c, "identity.names", &json_empty_object, &names) == E_OK) {
        text = json_text(json_find(json_get(names, "names"), owner), text);
    }
    ctx_forgive(d->c);
    tell_text(d,
              (struct direct_fact){.key = "owner",
                                   .tool = "account",
                                   .field = "owner",
                                   .part = "contract",
                                   .label = SPEECH_LABEL_OWNER},
              text);
}

static void tell_stage(struct direct *d)
{
    struct str stage = json_str(d->q->facts->account, "stage", STR(""));
    tell_text(d,
              (struct direct_fact){.key = "stage",
                                   .tool = "account",
                                   .field = "stage",
                                   .part = "contract",
                                   .label = SPEECH_LABEL_STAGE},
              stage.n ? speech_word(d->c->arena, d->language, stage) : stage);
}

static void tell_country(struct direct *d)
{
    tell_text(d,
              (struct direct_fact){.key = "country",
                                   .tool = "account",
                                   .field = "country",
                                   .part = "contract",
                                   .label = SPEECH_LABEL_COUNTRY},
              json_str(d->q->facts->account, "country", STR("")));
}

static void tell_industry(struct direct *d)
{
    tell_text(d,
              (struct direct_fact){.key = "industry",
                                   .tool = "account",
                                   .field = "industry",
                                   .part = "contract",
                                   .label = SPEECH_LABEL_INDUSTRY},
              json_str(d->q->facts->account, "industry", STR("")));
}

static void tell_end(struct direct *d)
{
    const struct success_facts *f = d->q->facts;
    struct arena *a = d->c->arena;
    tell(d, &(struct direct_fact){
                "renewal_date", "date", "get_contract_info", "renewalDate", "contract",
                SPEECH_FIGURE_RENEWAL_DATE,
                f->has_renewal ? json_new_str(a, date_iso_day(a, f->renewal_date_ms))
                               : &json_null_value,
                f->has_renewal ? wording_date(a, d->language, f->renewal_date_ms) : STR("")});
}

static void tell_value(struct direct *d)
{
    const struct success_facts *f = d->q->facts;
    struct arena *a = d->c->arena;
    const struct json *value = f->arr_cents % 100 ? json_new_real(a, (double)f->arr_cents / 100)
                                                  : json_new_int(a, f->arr_cents / 100);
    tell(d, &(struct direct_fact){
                "arr", f->currency.n ? str_dupz(a, f->currency) : "money", "get_contract_info",
                "arr", "contract", SPEECH_FIGURE_ARR, value,
                f->has_arr ? wording_money(a, d->language, f->arr_cents, f->currency) : STR("")});
}

/* ---- as if it were otherwise ------------------------------------------------- */

struct wonder {
    const struct json *question, *list;
};

static void wonder_tickets(struct direct *d, const struct question_conditions *q, struct wonder *w)
{
    static const char *const closed[] = {
        "tickets were closed", "tickets were resolved", "tickets were solved",     "tickets closed",
        "tickets are closed",  "tickets get closed",    "tickets were all closed", NULL};
    struct arena *a = d->c->arena;
    struct question_bound b = q->tickets;
    if (says(d->words, closed)) {
        b = (struct question_bound){QUESTION_EXACT, 0, 0};
    }
    if (b.compare == QUESTION_EXACT && b.n <= 1000000) {
        w->question = json_with(a, w->question, STR("open_tickets"), json_new_int(a, b.n));
        w->list =
            json_push(a, w->list, json_new_str(a, success_condition_tickets(a, d->language, &b)));
    }
}

static void wonder_trend(struct direct *d, const struct question_conditions *q, struct wonder *w)
{
    struct arena *a = d->c->arena;
    if (q->trend) {
        struct str trend = str_of(q->trend);
        w->question = json_with(a, w->question, STR("trend"), json_new_str(a, trend));
        w->list = json_push(a, w->list,
                            speech_json(a, d->language,
                                        str_eqz(trend, "up")     ? SPEECH_WANT_UP
                                        : str_eqz(trend, "down") ? SPEECH_WANT_DOWN
                                                                 : SPEECH_WANT_FLAT));
    }
}

static void wonder_renewal(struct direct *d, struct wonder *w)
{
    struct arena *a = d->c->arena;
    struct question_number n;
    for (int i = 0; i < d->words->n; i++) {
        if (question_words_number(d->words, i, &n) && n.words == 1 &&
            IS(d->words, i + 1, "day days") && n.hundredths >= 0 && n.hundredths <= 3650000) {
            int64_t days = n.hundredths / 100;
            w->question = json_with(a, w->question, STR("renewal_days"), json_new_int(a, days));
            w->list = json_push(
                a, w->list,
                json_new_str(a, SPEECH_FILL(a, d->language, SPEECH_WHAT_IF_RENEWAL,
                                            {"n", wording_number(a, d->language, days)})));
            return;
        }
    }
}

static struct str score_text(struct direct *d, const struct json *health)
{
    return json_is(json_get(health, "score"), JSON_INT)
               ? wording_number(d->c->arena, d->language, json_int(health, "score", 0))
               : speech_str(d->language, SPEECH_NOT_KNOWN);
}

static void tell_what_if(struct direct *d)
{
    struct arena *a = d->c->arena;
    struct question_conditions q = {0};
    const struct json *answer, *after;
    struct wonder w = {
        json_object(a, {"account", json_new_str(a, d->q->facts->id)},
                    {"as_of_ms", d->q->as_of_ms ? json_new_int(a, d->q->as_of_ms) : NULL}),
        &json_empty_array};
    question_conditions_read(d->words, &q);
    wonder_tickets(d, &q, &w);
    wonder_trend(d, &q, &w);
    wonder_renewal(d, &w);
    if (!json_count(w.list) || host_ask(d->c, "account.what_if", w.question, &answer) != E_OK) {
        ctx_forgive(d->c);
        return;
    }
    after = json_get(answer, "after");
    struct str score = score_text(d, after);
    say(d, SPEECH_FILL(a, d->language, SPEECH_WHAT_IF,
                       {"list", speech_list(a, d->language, SPEECH_AND, w.list)},
                       {"account", d->q->facts->name}, {"score", score},
                       {"now", score_text(d, json_get(answer, "before"))},
                       {"risk", speech_word(a, d->language,
                                            json_str(after, "risk_level", STR("unknown")))}));
    if (json_is(json_get(after, "score"), JSON_INT)) {
        add_figure(d, &(struct direct_fact){"what_if_score", "points", "calculate_health",
                                            "what_if", "health", SPEECH_FIGURE_WHAT_IF,
                                            json_get(after, "score"), score});
    }
}

/* ---- the whole ---------------------------------------------------------------- */

static bool wonders(const struct question_words *w)
{
    static const char *const ifs[] = {"what if",  "would happen", "if it",   "if they", "if the",
                                      "if usage", "if all",       "suppose", NULL};
    bool scored = question_words_has(w, "score health risk");
    return says(w, ifs) || (scored && question_words_has(w, "would if"));
}

static const struct {
    const char *const phrases[12];
    void (*tell)(struct direct *d);
    uint32_t besides; /* tasks that tell it themselves */
} asked[] = {
    {{"how many seats", "number of seats", "seats does", "seats do", "many licences",
      "many licenses", "seat count", "the seats of", "seats has", "seats have", NULL},
     tell_seats,
     0},
    {{"what plan", "which plan", "plan of", "plan is", "current plan", "subscription plan",
      "what is the plan", "plan does", "plan are", NULL},
     tell_plan,
     0},
    {{"account owner", "owner of", "who owns", "who manages", "account manager", "csm of",
      "the csm", "responsible for", "looks after", "is the owner", "owns", NULL},
     tell_owner,
     0},
    {{"what stage", "which stage", "stage of", "stage is", "lifecycle stage", NULL}, tell_stage, 0},
    {{"what country", "which country", "country is", "country of", "where is", "based", NULL},
     tell_country,
     0},
    {{"what industry", "which industry", "industry is", "industry of", "what sector",
      "which sector", NULL},
     tell_industry,
     0},
    {{"renewal date", "end date", "contract end", "contract expire", "expire", "expires",
      "contract run out", "contract run until", "days until", "how long until", NULL},
     tell_end,
     1u << SUCCESS_CONTRACT},
    {{"pay us", "pay", "pays", "annual value", "how much is", "revenue", NULL},
     tell_value,
     1u << SUCCESS_CONTRACT},
};

struct success_direct success_direct_of(struct ctx *c, const struct success_direct_question *q)
{
    uint32_t makes = 1u << SUCCESS_EMAIL | 1u << SUCCESS_QBR;
    struct str text = q->text;
    struct direct d = {.c = c,
                       .q = q,
                       .language = q->wish->language,
                       .words = ARENA_NEW(c->arena, struct question_words),
                       .out = {STR(""), &json_empty_array}};
    for (size_t i = 0; i < json_count(q->quotes); i++) { /* keeps every byte's place */
        text = text_blank(c->arena, text, json_text(json_at(q->quotes, i), STR("")));
    }
    question_words_read(c->arena, text, d.words);
    if (q->wish->tasks & makes) {
        return d.out;
    }
    if (wonders(d.words)) {
        tell_what_if(&d);
        return d.out;
    }
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        if (!(q->wish->tasks & asked[i].besides) && says(d.words, asked[i].phrases)) {
            asked[i].tell(&d);
        }
    }
    return d.out;
}
