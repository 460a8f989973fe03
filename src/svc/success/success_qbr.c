#include "svc/success/success_qbr.h"

#include "svc/success/speech.h"

enum { ISSUES_MAX = 5 };

struct outline {
    struct arena *arena;
    enum wording_language language;
    const struct json *sections, *bullets;
};

static void add(struct outline *o, struct str text)
{
    o->bullets = json_push(o->arena, o->bullets, json_new_str(o->arena, text));
}

static void say(struct outline *o, enum speech text)
{
    add(o, speech_str(o->language, text));
}

static void section(struct outline *o, enum speech title)
{
    o->sections =
        json_push(o->arena, o->sections,
                  json_object(o->arena, {"title", speech_json(o->arena, o->language, title)},
                              {"bullets", o->bullets}));
    o->bullets = &json_empty_array;
}

static void adoption(struct outline *o, const struct success_facts *f)
{
    struct arena *a = o->arena;
    if (!f->has_trend) {
        say(o, SPEECH_QBR_NO_USAGE);
    } else {
        enum speech trend = str_eqz(f->trend, "up")     ? SPEECH_QBR_USAGE_UP
                            : str_eqz(f->trend, "down") ? SPEECH_QBR_USAGE_DOWN
                                                        : SPEECH_QBR_USAGE_FLAT;
        add(o, SPEECH_FILL(a, o->language, trend, {"account", f->name}));
    }
    if (f->has_users) {
        struct str users = wording_number(a, o->language, f->daily_users);
        add(o, SPEECH_FILL(a, o->language, SPEECH_QBR_USERS, {"n", users}));
    }
    say(o, SPEECH_QBR_WHICH_TEAMS);
    section(o, SPEECH_QBR_ADOPTION);
}

static void direction(struct outline *o, const struct success_facts *f)
{
    if (str_eqz(f->trend, "up")) {
        say(o, SPEECH_QBR_ACHIEVED);
        say(o, SPEECH_QBR_VALUE);
        say(o, SPEECH_QBR_NEXT_TEAM);
        section(o, SPEECH_QBR_HIGHLIGHTS);
    } else if (str_eqz(f->trend, "down")) {
        say(o, SPEECH_QBR_WHY_FALLEN);
        say(o, SPEECH_QBR_TRAINING);
        say(o, SPEECH_QBR_GOAL);
        section(o, SPEECH_QBR_RECOVERY);
    }
}

static void support(struct outline *o, const struct success_facts *f)
{
    if (!f->has_tickets) {
        say(o, SPEECH_QBR_NO_TICKETS);
    } else if (f->open_tickets <= 0) {
        say(o, SPEECH_QBR_TICKETS_NONE);
    } else {
        add(o, speech_counted(o->arena, o->language, SPEECH_QBR_TICKETS_ONE, SPEECH_QBR_TICKETS,
                              f->open_tickets));
    }
    say(o, SPEECH_QBR_ANSWERED);
    section(o, SPEECH_QBR_SUPPORT);
}

static void roadmap(struct outline *o, const struct success_facts *f)
{
    struct arena *a = o->arena;
    say(o, SPEECH_QBR_GOALS);
    if (f->has_renewal) {
        struct str date = wording_date(a, o->language, f->renewal_date_ms);
        add(o, SPEECH_FILL(a, o->language, SPEECH_QBR_RENEWAL, {"date", date}));
    } else {
        say(o, SPEECH_QBR_NO_RENEWAL);
    }
    if (f->has_arr) {
        struct str arr = wording_money(a, o->language, f->arr_cents, f->currency);
        add(o, SPEECH_FILL(a, o->language, SPEECH_QBR_ARR, {"money", arr}));
    }
    section(o, SPEECH_QBR_ROADMAP);
}

static void issues(struct outline *o, const struct success_facts *f)
{
    const struct json *recent = json_get(f->tickets, "recent_tickets");
    if (!f->has_tickets || f->open_tickets < 1) {
        return;
    }
    for (size_t i = 0; i < json_count(recent) && i < ISSUES_MAX; i++) {
        const struct json *t = json_at(recent, i);
        struct str id = json_str(t, "id", speech_str(o->language, SPEECH_QBR_TICKET)),
                   severity = json_str(t, "severity", STR("")),
                   subject = json_str(t, "subject", STR(""));
        severity = severity.n ? speech_word(o->arena, o->language, severity)
                              : speech_str(o->language, SPEECH_QBR_NO_SEVERITY);
        add(o, str_fmt(o->arena, "%.*s (%.*s)%s%.*s", STR_ARG(id), STR_ARG(severity),
                       subject.n ? ": " : "", STR_ARG(subject)));
    }
    say(o, SPEECH_QBR_OWNER);
    section(o, SPEECH_QBR_ISSUES);
}

const struct json *success_qbr_sections(struct arena *a, const struct success_facts *f,
                                        enum wording_language language)
{
    struct outline o = {.arena = a,
                        .language = language,
                        .sections = &json_empty_array,
                        .bullets = &json_empty_array};
    adoption(&o, f);
    direction(&o, f);
    support(&o, f);
    roadmap(&o, f);
    issues(&o, f);
    return o.sections;
}
