#include "svc/success/success_condition.h"

#include "svc/success/speech.h"

/* "more than 3"; things are counted, money and scores are not. */
static struct str bound_words(struct arena *a, enum wording_language l,
                              const struct question_bound *b, bool counted, struct str n,
                              struct str to)
{
    static const enum speech phrases[] = {
        [QUESTION_OVER] = SPEECH_BOUND_OVER,   [QUESTION_LEAST] = SPEECH_BOUND_LEAST,
        [QUESTION_UNDER] = SPEECH_BOUND_UNDER, [QUESTION_MOST] = SPEECH_BOUND_MOST,
        [QUESTION_EXACT] = SPEECH_BOUND_EXACT, [QUESTION_BETWEEN] = SPEECH_BOUND_BETWEEN,
    };
    enum speech phrase =
        counted && b->compare == QUESTION_UNDER ? SPEECH_BOUND_FEWER : phrases[b->compare];
    return SPEECH_FILL(a, l, phrase, {"n", n}, {"to", to});
}

static struct str count_words(struct arena *a, enum wording_language l,
                              const struct question_bound *b, bool counted)
{
    return bound_words(a, l, b, counted, wording_number(a, l, b->n), wording_number(a, l, b->to));
}

struct str success_condition_tickets(struct arena *a, enum wording_language l,
                                     const struct question_bound *b)
{
    if (b->compare == QUESTION_EXACT && b->n == 0) {
        return speech_str(l, SPEECH_WANT_NO_TICKETS);
    }
    bool one = b->n == 1 && b->compare != QUESTION_BETWEEN;
    return SPEECH_FILL(a, l, one ? SPEECH_WANT_TICKETS_ONE : SPEECH_WANT_TICKETS,
                       {"n", count_words(a, l, b, true)});
}

struct list {
    struct arena *arena;
    enum wording_language language;
    const struct json *texts;
};

static void add(struct list *l, struct str text)
{
    l->texts = json_push(l->arena, l->texts, json_new_str(l->arena, text));
}

static void add_phrase(struct list *l, bool wanted, enum speech phrase)
{
    if (wanted) {
        add(l, speech_str(l->language, phrase));
    }
}

static void add_named(struct list *l, enum speech phrase, struct str name)
{
    if (name.n) {
        add(l, SPEECH_FILL(l->arena, l->language, phrase,
                           {"name", speech_word(l->arena, l->language, name)}));
    }
}

static void add_bounds(struct list *l, const struct question_conditions *q)
{
    struct arena *a = l->arena;
    if (q->tickets.compare) {
        add(l, success_condition_tickets(a, l->language, &q->tickets));
    }
    if (q->score.compare) {
        add(l, SPEECH_FILL(a, l->language, SPEECH_WANT_SCORE,
                           {"n", count_words(a, l->language, &q->score, false)}));
    }
    if (q->users.compare) {
        add(l, SPEECH_FILL(a, l->language, SPEECH_WANT_USERS,
                           {"n", count_words(a, l->language, &q->users, true)}));
    }
    if (q->arr_cents.compare) {
        struct str currency = str_of(q->currency);
        struct str n = wording_money(a, l->language, q->arr_cents.n, currency);
        struct str to = wording_money(a, l->language, q->arr_cents.to, currency);
        add(l, SPEECH_FILL(a, l->language, SPEECH_WANT_ARR,
                           {"n", bound_words(a, l->language, &q->arr_cents, false, n, to)}));
    }
}

static void add_risk(struct list *l, const struct question_conditions *q)
{
    const struct json *levels = &json_empty_array;
    const char *const both[] = {q->risk, q->other_risk};
    for (int i = 0; i < 2; i++) {
        levels = both[i] ? json_push(l->arena, levels,
                                     json_new_str(l->arena, speech_word(l->arena, l->language,
                                                                        str_of(both[i]))))
                         : levels;
    }
    if (json_count(levels)) {
        add(l, SPEECH_FILL(l->arena, l->language, SPEECH_WANT_RISK,
                           {"risk", speech_list(l->arena, l->language, SPEECH_OR, levels)}));
    }
}

static void add_missing(struct list *l, const struct question_conditions *q)
{
    struct str missing = str_of(q->missing ? q->missing : "");
    add_phrase(l, q->unscored, SPEECH_WANT_NO_SCORE);
    add_phrase(l, str_eqz(missing, "renewal"), SPEECH_WANT_NO_RENEWAL);
    add_phrase(l, str_eqz(missing, "arr"), SPEECH_WANT_NO_ARR);
    add_phrase(l, str_eqz(missing, "owner"), SPEECH_WANT_NO_OWNER);
    add_phrase(l, str_eqz(missing, "usage"), SPEECH_WANT_NO_USAGE);
}

static void add_times(struct list *l, const struct success_condition *s)
{
    struct arena *a = l->arena;
    if (s->overdue) {
        add(l, speech_str(l->language, SPEECH_WANT_OVERDUE));
    } else if (s->after_ms || s->before_ms) {
        bool both = s->after_ms && s->before_ms;
        add(l, SPEECH_FILL(a, l->language,
                           both           ? SPEECH_SPAN_BETWEEN
                           : s->before_ms ? SPEECH_SPAN_BEFORE
                                          : SPEECH_SPAN_AFTER,
                           {"from", wording_date(a, l->language, s->after_ms)},
                           {"to", wording_date(a, l->language, s->before_ms - both)}));
    }
    if (s->since_ms) {
        int moved = s->want->moved;
        bool until = s->until_ms != 0;
        enum speech phrase = moved < 0 ? until ? SPEECH_WANT_FELL_UNTIL : SPEECH_WANT_FELL
                             : until   ? SPEECH_WANT_ROSE_UNTIL
                                       : SPEECH_WANT_ROSE;
        add(l,
            SPEECH_FILL(a, l->language, phrase, {"from", wording_date(a, l->language, s->since_ms)},
                        {"to", wording_date(a, l->language, s->until_ms)}));
    }
}

const struct json *success_condition_list(struct arena *a, const struct success_condition *s)
{
    const struct question_conditions *q = s->want;
    struct list l = {a, s->language, &json_empty_array};
    struct str trend = str_of(q->trend ? q->trend : "");
    add_bounds(&l, q);
    add_risk(&l, q);
    add_missing(&l, q);
    add_phrase(&l, str_eqz(trend, "down"), SPEECH_WANT_DOWN);
    add_phrase(&l, str_eqz(trend, "up"), SPEECH_WANT_UP);
    add_phrase(&l, str_eqz(trend, "flat"), SPEECH_WANT_FLAT);
    add_times(&l, s);
    add_named(&l, SPEECH_WANT_STAGE, q->stage);
    add_named(&l, SPEECH_WANT_PLAN, q->plan);
    add_named(&l, SPEECH_WANT_OWNER, q->owner_name);
    add_named(&l, SPEECH_WANT_COUNTRY, q->country_name);
    add_named(&l, SPEECH_WANT_INDUSTRY, q->industry);
    return l.texts;
}

struct str success_condition_span(struct arena *a, const struct success_condition *s)
{
    const struct json *list = success_condition_list(a, s);
    return json_count(list) ? SPEECH_FILL(a, s->language, SPEECH_WITH,
                                          {"list", speech_list(a, s->language, SPEECH_AND, list)})
                            : STR("");
}
