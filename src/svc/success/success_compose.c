#include "svc/success/success_compose.h"

#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "svc/success/redact.h"
#include "svc/success/speech.h"

enum { SUMMARY_MAX_BYTES = 8 << 10, TICKETS_NAMED = 3, SUBJECT_CHARS = 80 };

/* ---- the summary --------------------------------------------------------- */

struct tale {
    struct arena *arena;
    const struct success_known *k;
    enum wording_language language;
    struct buf text;
};

static void say(struct tale *t, struct str sentence)
{
    if (t->text.n) {
        buf_add_char(&t->text, ' ');
    }
    buf_add_str(&t->text, sentence);
}

/* A sentence of the table with {account}, {date} and {n} in it. */
static void say_phrase(struct tale *t, enum speech which, struct str date, int64_t n)
{
    struct arena *a = t->arena;
    say(t, SPEECH_FILL(a, t->language, which, {"account", t->k->name}, {"date", date},
                       {"n", wording_number(a, t->language, n)}));
}

static void say_plain(struct tale *t, enum speech which)
{
    say(t, speech_str(t->language, which));
}

static void say_people(struct tale *t)
{
    static const struct {
        const char *mark;
        enum speech what;
    } kinds[] = {{"champion", SPEECH_SAY_CHAMPION}, {"sponsor", SPEECH_SAY_SPONSOR}};
    struct arena *a = t->arena;
    bool any = false;
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < json_count(t->k->contacts); i++) {
            const struct json *it = json_at(t->k->contacts, i);
            if (json_bool(it, kinds[m].mark, false)) {
                struct str title = json_str(it, "title", STR(""));
                struct str name = json_str(it, "name", speech_str(t->language, SPEECH_SAY_UNNAMED));
                name = str_fmt(a, "%.*s%s%.*s", STR_ARG(name), title.n ? ", " : "", STR_ARG(title));
                say(t, SPEECH_FILL(a, t->language, kinds[m].what, {"account", t->k->name},
                                   {"name", name}));
                any = true;
            }
        }
    }
    if (!any) {
        say_phrase(t, SPEECH_SAY_NOBODY, STR(""), 0);
    }
}

/* What it lacks, and what it may still be. */
static void say_no_score(struct tale *t)
{
    const struct success_known *k = t->k;
    struct arena *a = t->arena;
    const struct json *missing = json_get(k->health, "missing"), *words = &json_empty_array;
    for (size_t i = 0; i < json_count(missing); i++) {
        struct str word = json_text(json_at(missing, i), STR(""));
        words = json_push(a, words, json_new_str(a, speech_word(a, t->language, word)));
    }
    struct str what = json_count(words) ? speech_list(a, t->language, SPEECH_AND, words)
                                        : speech_str(t->language, SPEECH_SAY_WHAT_IT_IS_MADE_OF);
    say(t, SPEECH_FILL(a, t->language,
                       json_count(words) > 1 ? SPEECH_SAY_NO_SCORE : SPEECH_SAY_NO_SCORE_ONE,
                       {"account", k->name}, {"what", what}));
    const struct json *range = json_get(k->health, "range");
    if (json_is(range, JSON_OBJECT)) {
        say(t, SPEECH_FILL(a, t->language, SPEECH_SAY_RANGE,
                           {"low", str_fmt(a, "%lld", (long long)json_int(range, "low", 0))},
                           {"high", str_fmt(a, "%lld", (long long)json_int(range, "high", 100))}));
    }
}

static void say_health(struct tale *t)
{
    const struct success_known *k = t->k;
    struct arena *a = t->arena;
    if (k->has_score) {
        say(t, SPEECH_FILL(a, t->language, SPEECH_SAY_SCORE, {"account", k->name},
                           {"score", wording_number(a, t->language, k->score)},
                           {"risk", speech_word(a, t->language, k->risk)}));
    } else if (k->asked_health) {
        say_no_score(t);
    }
}

static void say_change(struct tale *t)
{
    const struct json *previous = json_get(t->k->health, "previous");
    int64_t delta = json_int(previous, "delta", 0);
    if (t->k->has_score && json_is(json_get(previous, "score"), JSON_INT) && delta) {
        struct str score = wording_number(t->arena, t->language, json_int(previous, "score", 0));
        say(t, SPEECH_FILL(t->arena, t->language, SPEECH_SAY_BEFORE, {"score", score}));
    }
}

static void say_usage(struct tale *t)
{
    static const enum speech up[] = {SPEECH_SAY_USAGE_UP_ONE, SPEECH_SAY_USAGE_UP},
                             flat[] = {SPEECH_SAY_USAGE_FLAT_ONE, SPEECH_SAY_USAGE_FLAT},
                             down[] = {SPEECH_SAY_USAGE_DOWN_ONE, SPEECH_SAY_USAGE_DOWN};
    const struct success_known *k = t->k;
    const enum speech *trend = str_eqz(k->trend, "up")     ? up
                               : str_eqz(k->trend, "down") ? down
                                                           : flat;
    if (k->has_trend && k->has_users) {
        say_phrase(t, trend[k->daily_users != 1], STR(""), k->daily_users);
    } else if (k->has_trend) {
        enum speech alone = trend == up     ? SPEECH_HEALTH_USAGE_UP
                            : trend == down ? SPEECH_HEALTH_USAGE_DOWN
                                            : SPEECH_HEALTH_USAGE_FLAT;
        say(t, str_fmt(t->arena, "%.*s.", STR_ARG(speech_str(t->language, alone))));
    } else if (k->asked_usage) {
        say_plain(t, SPEECH_SAY_NO_USAGE);
    }
}

/* "T-1042 (high): Label printer drops off": who asks for tickets wants to hear which. */
static void say_which_tickets(struct tale *t)
{
    struct arena *a = t->arena;
    const struct json *recent = json_get(t->k->tickets, "recentTickets");
    for (size_t i = 0; i < json_count(recent) && i < TICKETS_NAMED; i++) {
        const struct json *one = json_at(recent, i);
        struct str id = json_str(one, "id", STR("")), severity = json_str(one, "severity", STR(""));
        struct str subject = text_shorten(a, json_str(one, "subject", STR("")), SUBJECT_CHARS);
        severity = speech_word(a, t->language, severity);
        say(t, str_fmt(a, "%.*s%s%.*s%s%s%.*s.", STR_ARG(id), severity.n ? " (" : "",
                       STR_ARG(severity), severity.n ? ")" : "", subject.n ? ": " : "",
                       STR_ARG(subject)));
    }
}

static void say_tickets(struct tale *t)
{
    const struct success_known *k = t->k;
    if (k->has_tickets && k->open_tickets == 0) {
        say_plain(t, SPEECH_SAY_NO_TICKETS);
    } else if (k->has_tickets) {
        say(t, speech_counted(t->arena, t->language, SPEECH_SAY_TICKETS_ONE, SPEECH_SAY_TICKETS,
                              k->open_tickets));
    } else if (k->asked_tickets) {
        say_plain(t, SPEECH_SAY_TICKETS_UNKNOWN);
    }
}

static void say_renewal(struct tale *t)
{
    const struct success_known *k = t->k;
    struct str date = wording_date(t->arena, t->language, k->renewal_date_ms);
    int64_t months = (k->renewal_days + 15) / 30;
    if (k->renewal_passed) {
        say_phrase(t, SPEECH_SAY_RENEWED, date, 0);
    } else if (k->renewal_today) {
        say_phrase(t, SPEECH_SAY_RENEWS_TODAY, date, 0);
    } else if (k->renewal_days == 1) {
        say_phrase(t, SPEECH_SAY_RENEWS_TOMORROW, date, 0);
    } else if (k->renewal_days <= 30) {
        say_phrase(t, SPEECH_SAY_RENEWS_DAYS, date, k->renewal_days);
    } else if (k->renewal_days <= 90) {
        say_phrase(t, months == 1 ? SPEECH_SAY_RENEWS_MONTH : SPEECH_SAY_RENEWS_MONTHS, date,
                   months);
    } else {
        say_phrase(t, SPEECH_SAY_RENEWS, date, 0);
    }
}

static void say_contract(struct tale *t)
{
    const struct success_known *k = t->k;
    if (!k->asked_contract) {
        return;
    }
    if (k->has_renewal) {
        say_renewal(t);
    } else {
        say_plain(t, SPEECH_SAY_NO_RENEWAL);
    }
    if (k->has_arr) {
        struct str arr = wording_money(t->arena, t->language, k->arr_cents, k->currency);
        say(t, SPEECH_FILL(t->arena, t->language, SPEECH_SAY_WORTH, {"money", arr}));
    }
}

struct str success_compose_summary(struct arena *a, const struct success_known *k,
                                   const struct success_wish *wish)
{
    struct tale t = {
        .arena = a, .k = k, .language = k->language, .text = buf_make(SUMMARY_MAX_BYTES)};
    if (wish->contacts) {
        say_people(&t);
    }
    say_health(&t);
    say_change(&t);
    say_usage(&t);
    say_tickets(&t);
    if (wish->tasks & 1u << SUCCESS_TICKETS && k->has_tickets && k->open_tickets) {
        say_which_tickets(&t);
    }
    say_contract(&t);
    if (k->email) {
        say_plain(&t, SPEECH_SAY_EMAIL_READY);
    }
    if (k->qbr) {
        say_plain(&t, SPEECH_SAY_QBR_READY);
    }
    if (!t.text.n) {
        say_phrase(&t, SPEECH_SAY_NOTHING, STR(""), 0);
    }
    struct str text = str_dup(a, buf_str(&t.text));
    buf_free(&t.text);
    return text;
}

/* ---- notes --------------------------------------------------------------- */

const struct json *success_compose_note(struct arena *a, const struct json *notes, const char *code,
                                        struct str text)
{
    return json_push(
        a, notes,
        json_object(a, {"code", json_new_str(a, str_of(code))}, {"text", json_new_str(a, text)}));
}

static struct str age_of(struct arena *a, enum wording_language l, int64_t ms)
{
    int64_t minutes = ms / 60000;
    if (minutes < 1) {
        return speech_str(l, SPEECH_AGE_MOMENT);
    }
    return minutes < 120 ? speech_counted(a, l, SPEECH_AGE_MINUTE, SPEECH_AGE_MINUTES, minutes)
                         : speech_counted(a, l, SPEECH_AGE_HOURS, SPEECH_AGE_HOURS, minutes / 60);
}

/* Why a tool had nothing to give: an e-mail needs a date to be about, which is told in the language
 * of the answer; what else it may be is told as the tool did. */
static struct str reason_of(struct arena *a, const struct success_known *k,
                            const struct success_result *r)
{
    if (r->tool == success_tool_at(SUCCESS_TOOL_EMAIL) && k->language != WORDING_EN &&
        str_eqz(r->code, "MISSING_DATA") && !k->has_renewal) {
        struct str text = SPEECH_FILL(a, k->language, SPEECH_NOTE_NO_RENEWAL, {"account", k->name});
        return str_sub(text, 0, text.n - 1); /* without its full stop */
    }
    return r->message;
}

static const struct json *note_failure(struct arena *a, const struct json *notes,
                                       const struct success_known *k,
                                       const struct success_result *r)
{
    static const struct {
        const char *result, *code;
        enum speech text;
    } kinds[] = {{"MISSING_DATA", "missing_data", SPEECH_NOTE_MISSING_DATA},
                 {"BAD_SHAPE", "bad_shape", SPEECH_NOTE_BAD_SHAPE},
                 {"", "tool_failed", SPEECH_NOTE_TOOL_FAILED}};
    const char *code = "stale";
    enum speech text = SPEECH_NOTE_STALE;
    for (size_t i = 0; !r->cached && i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!*kinds[i].result || str_eqz(r->code, kinds[i].result)) {
            code = kinds[i].code;
            text = kinds[i].text;
            break;
        }
    }
    return success_compose_note(
        a, notes, code,
        SPEECH_FILL(a, k->language, text,
                    {"tool", speech_word(a, k->language, str_of(r->tool->name))}, {"code", r->code},
                    {"age", age_of(a, k->language, k->now_ms - r->stale_since_ms)},
                    {"why", reason_of(a, k, r)}));
}

const struct json *success_compose_gaps(struct arena *a, const struct json *notes,
                                        const struct success_known *k,
                                        const struct success_plan *plan,
                                        const struct success_result *results)
{
    const struct {
        bool lacks;
        const char *code;
        enum speech text;
    } gaps[] = {
        {k->asked_usage && !k->has_trend, "missing_usage", SPEECH_NOTE_NO_USAGE},
        {k->asked_tickets && !k->has_tickets, "missing_tickets", SPEECH_NOTE_NO_TICKETS},
        {k->asked_contract && !k->has_renewal, "missing_renewal_date", SPEECH_NOTE_NO_RENEWAL},
        {k->asked_contract && !k->has_arr, "missing_arr", SPEECH_NOTE_NO_ARR},
        {k->asked_health && !k->has_score, "no_score", SPEECH_NOTE_NO_SCORE},
    };
    for (int i = 0; i < plan->count; i++) {
        if (!results[i].ok && !results[i].reused) {
            notes = note_failure(a, notes, k, &results[i]);
        }
    }
    for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
        if (gaps[i].lacks) {
            notes = success_compose_note(
                a, notes, gaps[i].code,
                SPEECH_FILL(a, k->language, gaps[i].text, {"account", k->name}));
        }
    }
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (plan->left_out & (1u << i)) {
            struct str most = wording_number(a, k->language, SUCCESS_TOOLS_PER_ASK_MAX);
            notes = success_compose_note(
                a, notes, "tool_left_out",
                SPEECH_FILL(
                    a, k->language, SPEECH_NOTE_LEFT_OUT, {"n", most},
                    {"tool", speech_word(a, k->language, str_of(success_tool_at(i)->name))}));
        }
    }
    return notes;
}

/* ---- the whole ----------------------------------------------------------- */

static const struct json *text_or_null(struct arena *a, struct str text)
{
    return text.n ? json_new_str(a, text) : &json_null_value;
}

static const struct json *or_null(const struct json *v)
{
    return v ? v : &json_null_value;
}

static const struct json *used_tools(struct arena *a, const struct success_final *f)
{
    const struct json *list = &json_empty_array;
    for (int i = 0; f->plan && i < f->plan->count; i++) {
        const struct success_result *r = &f->results[i];
        bool good = r->ok || r->reused;
        list = json_push(
            a, list,
            json_object(a, {"name", json_new_str(a, str_of(r->tool->name))},
                        {"took_ms", success_run_ms(a, r->took_us)},
                        {"status", json_new_str(a, good ? STR("success") : STR("error"))},
                        {"error", good ? NULL : json_new_str(a, r->code)},
                        {"message", good ? NULL : json_new_str(a, r->message)},
                        {"attempts", json_new_int(a, r->attempts)},
                        {"cached", json_new_bool(r->cached)},
                        {"reused", r->reused ? &json_true_value : NULL},
                        {"stale_since_ms", r->cached ? json_new_int(a, r->stale_since_ms) : NULL}));
    }
    return list;
}

static const struct json *account_of(struct arena *a, const struct success_known *k)
{
    return k ? json_object(a, {"id", json_new_str(a, k->id)}, {"slug", json_new_str(a, k->slug)},
                           {"name", json_new_str(a, k->name)})
             : &json_null_value;
}

static const struct json *timing(struct arena *a, const struct success_final *f)
{
    return json_object(a, {"planning_ms", success_run_ms(a, f->planning_us)},
                       {"tools_ms", success_run_ms(a, f->tools_us)},
                       {"total_ms", success_run_ms(a, f->total_us)});
}

/* Addresses of contacts are what the account's page shows, too; what customers wrote is masked. */
static const struct json *facts_of(struct arena *a, const struct success_known *k)
{
    const struct json *facts = success_figure_facts(a, k);
    return json_with(a, facts, STR("tickets"), redact_json(a, json_get(facts, "tickets")));
}

const struct json *success_compose_final(struct arena *a, const struct success_final *f)
{
    const struct success_known *k = f->known;
    const struct json *steps = f->plan ? success_plan_steps(a, f->plan) : &json_empty_array;
    struct json_pair pairs[] = {
        {"id", json_new_str(a, str_dup(a, id_str(&f->id)))},
        {"request_id", json_new_str(a, f->request_id)},
        {"question", json_new_str(a, f->question)},
        {"scope", json_new_str(a, str_of(f->scope))},
        {"language", json_new_str(a, str_of(wording_language_name(f->language)))},
        {"task", json_new_str(a, str_of(f->task))},
        {"plan_source", json_new_str(a, str_of(f->plan_source))},
        {"plan_hint", text_or_null(a, redact_text(a, f->plan_hint))},
        {"account", account_of(a, k)},
        {"summary", json_new_str(a, redact_text(a, f->summary))},
        {"health", or_null(redact_json(a, k ? k->health : NULL))},
        {"actions", f->actions ? redact_json(a, f->actions) : &json_empty_array},
        {"email_draft", f->email_draft ? redact_json(a, f->email_draft) : &json_null_value},
        {"qbr", f->qbr ? redact_json(a, f->qbr) : &json_null_value},
        {"table", or_null(f->table)},
        {"as_of", f->as_of_ms ? json_new_int(a, f->as_of_ms) : &json_null_value},
        {"candidates", f->candidates},
        {"notes", f->notes ? redact_json(a, f->notes) : &json_null_value},
        {"used_tools", redact_json(a, used_tools(a, f))},
        {"decision_log", redact_json(a, steps)},
        {"figures", k ? success_figures(a, k) : &json_empty_array},
        {"facts", k ? facts_of(a, k) : &json_null_value},
        {"timing", timing(a, f)},
        {"created_at", json_new_int(a, f->created_at_ms)},
        {0},
    };
    return json_new_object(a, pairs);
}
