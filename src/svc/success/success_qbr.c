#include "svc/success/success_qbr.h"

#include "svc/success/wording.h"

struct outline {
    struct arena *arena;
    const struct json *sections, *bullets;
};

static void say(struct outline *o, struct str text)
{
    o->bullets = json_push(o->arena, o->bullets, json_new_str(o->arena, text));
}

static void section(struct outline *o, const char *title)
{
    o->sections = json_push(o->arena, o->sections,
                            json_object(o->arena, {"title", json_new_str(o->arena, str_of(title))},
                                        {"bullets", o->bullets}));
    o->bullets = &json_empty_array;
}

static void adoption(struct outline *o, const struct success_facts *f)
{
    struct arena *a = o->arena;
    if (!f->has_trend) {
        say(o, STR("Usage is not known yet: bring in usage data before the review."));
    } else {
        const char *trend = str_eqz(f->trend, "up")     ? "increasing"
                            : str_eqz(f->trend, "down") ? "declining"
                                                        : "stable";
        say(o, str_fmt(a, "Usage of %.*s is %s.", STR_ARG(f->name), trend));
    }
    if (f->has_users) {
        struct str users = wording_number(a, WORDING_EN, f->daily_users);
        say(o, str_fmt(a, "%.*s people use it on an average day.", STR_ARG(users)));
    }
    say(o, STR("Which teams use it, and for what."));
    section(o, "Adoption overview");
}

static void direction(struct outline *o, const struct success_facts *f)
{
    if (str_eqz(f->trend, "up")) {
        say(o, STR("What the customer has achieved with the product since the last review."));
        say(o, STR("Value of the growth in usage, in the customer's own terms."));
        say(o, STR("Where the next team could follow."));
        section(o, "Highlights and value");
    } else if (str_eqz(f->trend, "down")) {
        say(o, STR("Why usage has fallen: people, process or product."));
        say(o, STR("Training and enablement for the teams that use it less."));
        say(o, STR("A goal for usage, and a date to look at it again."));
        section(o, "Recovery plan");
    }
}

static void support(struct outline *o, const struct success_facts *f)
{
    struct arena *a = o->arena;
    if (!f->has_tickets) {
        say(o, STR("Support tickets are not known yet: connect the help desk before the review."));
    } else if (f->open_tickets <= 0) {
        say(o, STR("No support tickets are open."));
    } else {
        struct str n = wording_number(a, WORDING_EN, f->open_tickets);
        say(o, str_fmt(a, "%.*s support ticket%s open.", STR_ARG(n),
                       f->open_tickets == 1 ? " is" : "s are"));
    }
    say(o, STR("How quickly and how well requests were answered."));
    section(o, "Support summary");
}

static void roadmap(struct outline *o, const struct success_facts *f)
{
    struct arena *a = o->arena;
    say(o,
        STR("The customer's goals for the coming quarter, and what of our roadmap serves them."));
    if (f->has_renewal) {
        struct str date = wording_date(a, WORDING_EN, f->renewal_date_ms);
        say(o, str_fmt(a, "Renewal date: %.*s.", STR_ARG(date)));
    } else {
        say(o, STR("The renewal date is not known yet."));
    }
    if (f->has_arr) {
        struct str arr = wording_money(a, WORDING_EN, f->arr_cents, f->currency);
        say(o, str_fmt(a, "Annual value of the contract: %.*s.", STR_ARG(arr)));
    }
    section(o, "Roadmap alignment");
}

static void issues(struct outline *o, const struct success_facts *f)
{
    const struct json *recent = json_get(f->tickets, "recent_tickets");
    if (!f->has_tickets || f->open_tickets < 1) {
        return;
    }
    for (size_t i = 0; i < json_count(recent) && i < 5; i++) {
        const struct json *t = json_at(recent, i);
        struct str subject = json_str(t, "subject", STR(""));
        say(o, str_fmt(o->arena, "%.*s (%.*s)%s%.*s", STR_ARG(json_str(t, "id", STR("ticket"))),
                       STR_ARG(json_str(t, "severity", STR("severity unknown"))),
                       subject.n ? ": " : "", STR_ARG(subject)));
    }
    say(o, STR("An owner and a date for each open ticket."));
    section(o, "Open issues and timeline");
}

const struct json *success_qbr_sections(struct arena *a, const struct success_facts *f)
{
    struct outline o = {.arena = a, .sections = &json_empty_array, .bullets = &json_empty_array};
    adoption(&o, f);
    direction(&o, f);
    support(&o, f);
    roadmap(&o, f);
    issues(&o, f);
    return o.sections;
}
