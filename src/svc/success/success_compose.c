#include "svc/success/success_compose.h"

#include <string.h>

#include "codec/date.h"
#include "codec/text.h"
#include "svc/success/redact.h"
#include "svc/success/wording.h"

enum { SUMMARY_MAX_BYTES = 8 << 10, TICKETS_NAMED = 3, SUBJECT_CHARS = 80 };

/* ---- the summary --------------------------------------------------------- */

struct tale {
    struct arena *arena;
    const struct success_known *k;
    struct buf text;
};

static void say(struct tale *t, struct str sentence)
{
    if (t->text.n) {
        buf_add_char(&t->text, ' ');
    }
    buf_add_str(&t->text, sentence);
}

static void say_people(struct tale *t)
{
    static const struct {
        const char *mark, *what;
    } kinds[] = {{"champion", "champion"}, {"sponsor", "executive sponsor"}};
    struct arena *a = t->arena;
    bool any = false;
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < json_count(t->k->contacts); i++) {
            const struct json *it = json_at(t->k->contacts, i);
            if (json_bool(it, kinds[m].mark, false)) {
                struct str title = json_str(it, "title", STR(""));
                say(t, str_fmt(a, "The %s at %.*s is %.*s%s%.*s.", kinds[m].what,
                               STR_ARG(t->k->name), STR_ARG(json_str(it, "name", STR("unnamed"))),
                               title.n ? ", " : "", STR_ARG(title)));
                any = true;
            }
        }
    }
    if (!any) {
        say(t, str_fmt(a, "No champion or sponsor is on record for %.*s.", STR_ARG(t->k->name)));
    }
}

static void say_health(struct tale *t)
{
    const struct success_known *k = t->k;
    struct arena *a = t->arena;
    if (k->has_score) {
        say(t, str_fmt(a, "%.*s has a health score of %lld, which is %.*s risk.", STR_ARG(k->name),
                       (long long)k->score, STR_ARG(k->risk)));
        return;
    }
    if (!k->asked_health) {
        return;
    }
    struct buf what = buf_make(SUMMARY_MAX_BYTES);
    const struct json *missing = json_get(k->health, "missing");
    for (size_t i = 0; i < json_count(missing); i++) {
        buf_addf(&what, "%s%.*s",
                 i == 0                         ? ""
                 : i + 1 == json_count(missing) ? " and "
                                                : ", ",
                 STR_ARG(json_text(json_at(missing, i), STR(""))));
    }
    say(t, str_fmt(a, "The health of %.*s cannot be scored, for its data on %s %s missing.",
                   STR_ARG(k->name), what.n ? what.p : "what it is made of",
                   json_count(missing) > 1 ? "are" : "is"));
    buf_free(&what);
    const struct json *range = json_get(k->health, "range");
    if (json_is(range, JSON_OBJECT)) {
        say(t,
            str_fmt(a, "Scores from %lld to %lld are still possible.",
                    (long long)json_int(range, "low", 0), (long long)json_int(range, "high", 100)));
    }
}

static void say_change(struct tale *t)
{
    const struct json *previous = json_get(t->k->health, "previous");
    int64_t delta = json_int(previous, "delta", 0);
    if (t->k->has_score && json_is(json_get(previous, "score"), JSON_INT) && delta) {
        say(t, str_fmt(t->arena, "It was %lld before.", (long long)json_int(previous, "score", 0)));
    }
}

static void say_usage(struct tale *t)
{
    const struct success_known *k = t->k;
    const char *trend = str_eqz(k->trend, "up")     ? "increasing"
                        : str_eqz(k->trend, "down") ? "declining"
                                                    : "stable";
    if (k->has_trend) {
        struct str users = wording_number(t->arena, WORDING_EN, k->daily_users);
        say(t, str_fmt(t->arena, "Usage is %s, with %.*s user%s on an average day.", trend,
                       STR_ARG(users), k->daily_users == 1 ? "" : "s"));
    } else if (k->asked_usage) {
        say(t, STR("Usage is not known."));
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
        say(t, str_fmt(a, "%.*s%s%.*s%s%s%.*s.", STR_ARG(id), severity.n ? " (" : "",
                       STR_ARG(severity), severity.n ? ")" : "", subject.n ? ": " : "",
                       STR_ARG(subject)));
    }
}

static void say_tickets(struct tale *t)
{
    const struct success_known *k = t->k;
    struct str n = wording_number(t->arena, WORDING_EN, k->open_tickets);
    if (k->has_tickets && k->open_tickets == 0) {
        say(t, STR("No tickets are open."));
    } else if (k->has_tickets) {
        say(t, str_fmt(t->arena,
                       k->open_tickets == 1 ? "%.*s ticket is open." : "%.*s tickets are open.",
                       STR_ARG(n)));
    } else if (k->asked_tickets) {
        say(t, STR("How many tickets are open is not known."));
    }
}

static void say_contract(struct tale *t)
{
    const struct success_known *k = t->k;
    struct arena *a = t->arena;
    struct str date = k->has_renewal ? wording_date(a, WORDING_EN, k->renewal_date_ms) : STR("");
    if (!k->asked_contract) {
        return;
    }
    if (!k->has_renewal) {
        say(t, STR("The renewal date is not known."));
    } else if (k->renewal_passed) {
        say(t, str_fmt(a, "The renewal date, %.*s, has passed.", STR_ARG(date)));
    } else if (k->renewal_today) {
        say(t, str_fmt(a, "The contract renews today, %.*s.", STR_ARG(date)));
    } else if (k->renewal_days == 0) {
        say(t, str_fmt(a, "The contract renews tomorrow, %.*s.", STR_ARG(date)));
    } else if (k->renewal_days <= 30) {
        say(t, str_fmt(a, "The contract renews in %lld day%s, on %.*s.", (long long)k->renewal_days,
                       k->renewal_days == 1 ? "" : "s", STR_ARG(date)));
    } else if (k->renewal_days <= 90) {
        long long months = (long long)(k->renewal_days + 15) / 30;
        say(t, str_fmt(a, "The contract renews in about %lld month%s, on %.*s.", months,
                       months == 1 ? "" : "s", STR_ARG(date)));
    } else {
        say(t, str_fmt(a, "The contract renews on %.*s.", STR_ARG(date)));
    }
    if (k->has_arr) {
        struct str arr = wording_money(a, WORDING_EN, k->arr_cents, k->currency);
        say(t, str_fmt(a, "It is worth %.*s a year.", STR_ARG(arr)));
    }
}

struct str success_compose_summary(struct arena *a, const struct success_known *k,
                                   const struct success_wish *wish)
{
    struct tale t = {.arena = a, .k = k, .text = buf_make(SUMMARY_MAX_BYTES)};
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
        say(&t, STR("A draft of an e-mail is ready."));
    }
    if (k->qbr) {
        say(&t, STR("The outline of the business review is ready."));
    }
    if (!t.text.n) {
        say(&t, str_fmt(a, "Nothing could be found out about %.*s right now.", STR_ARG(k->name)));
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

static struct str age_of(struct arena *a, int64_t ms)
{
    int64_t minutes = ms / 60000;
    if (minutes < 1) {
        return STR("less than a minute");
    }
    if (minutes < 120) {
        return str_fmt(a, "%lld minute%s", (long long)minutes, minutes == 1 ? "" : "s");
    }
    return str_fmt(a, "%lld hours", (long long)(minutes / 60));
}

static const struct json *note_failure(struct arena *a, const struct json *notes,
                                       const struct success_known *k,
                                       const struct success_result *r)
{
    if (r->cached) {
        struct str age = age_of(a, k->now_ms - r->stale_since_ms);
        return success_compose_note(
            a, notes, "stale",
            str_fmt(a, "%s failed (%.*s); its last good answer is used, which is %.*s old.",
                    r->tool->name, STR_ARG(r->code), STR_ARG(age)));
    }
    if (str_eqz(r->code, "MISSING_DATA")) {
        return success_compose_note(
            a, notes, "missing_data",
            str_fmt(a, "%s could not be done: %.*s.", r->tool->name, STR_ARG(r->message)));
    }
    if (str_eqz(r->code, "BAD_SHAPE")) {
        return success_compose_note(a, notes, "bad_shape",
                                    str_fmt(a,
                                            "%s was skipped, for its answer made no sense (%.*s).",
                                            r->tool->name, STR_ARG(r->message)));
    }
    return success_compose_note(
        a, notes, "tool_failed",
        str_fmt(a, "%s did not answer (%.*s); what it would have told is left out.", r->tool->name,
                STR_ARG(r->code)));
}

const struct json *success_compose_gaps(struct arena *a, const struct json *notes,
                                        const struct success_known *k,
                                        const struct success_plan *plan,
                                        const struct success_result *results)
{
    struct str name = k->name;
    for (int i = 0; i < plan->count; i++) {
        if (!results[i].ok && !results[i].reused) {
            notes = note_failure(a, notes, k, &results[i]);
        }
    }
    if (k->asked_usage && !k->has_trend) {
        notes = success_compose_note(a, notes, "missing_usage",
                                     str_fmt(a, "No usage data of %.*s is known.", STR_ARG(name)));
    }
    if (k->asked_tickets && !k->has_tickets) {
        notes = success_compose_note(a, notes, "missing_tickets",
                                     str_fmt(a, "No tickets of %.*s are known.", STR_ARG(name)));
    }
    if (k->asked_contract && !k->has_renewal) {
        notes = success_compose_note(
            a, notes, "missing_renewal_date",
            str_fmt(a, "The renewal date of %.*s is not known.", STR_ARG(name)));
    }
    if (k->asked_contract && !k->has_arr) {
        notes = success_compose_note(
            a, notes, "missing_arr",
            str_fmt(a, "The annual value of %.*s is not known.", STR_ARG(name)));
    }
    if (k->asked_health && !k->has_score) {
        notes = success_compose_note(
            a, notes, "no_score",
            STR("What is missing is not guessed: there is no score until it is known."));
    }
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (plan->left_out & (1u << i)) {
            notes = success_compose_note(
                a, notes, "tool_left_out",
                str_fmt(a, "A question gets at most %d tools; %s was left out.",
                        SUCCESS_TOOLS_PER_ASK_MAX, success_tool_at(i)->name));
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
