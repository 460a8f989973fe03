#include "svc/success/health_words.h"

#include <stdlib.h>

#include "svc/success/speech.h"

/* A text for a factor, from {name, value, missing}; empty: it cannot be told from these. */
static struct str factor_text(struct arena *a, enum wording_language l, const struct json *factor)
{
    struct str name = json_str(factor, "name", STR(""));
    const struct json *value = json_get(factor, "value");
    bool missing = json_bool(factor, "missing", false);
    int64_t n = (int64_t)json_number(value, 0);
    if (str_eqz(name, "usage")) {
        struct str trend = json_text(value, STR(""));
        return speech_str(l, missing                  ? SPEECH_HEALTH_NO_USAGE
                             : str_eqz(trend, "up")   ? SPEECH_HEALTH_USAGE_UP
                             : str_eqz(trend, "down") ? SPEECH_HEALTH_USAGE_DOWN
                                                      : SPEECH_HEALTH_USAGE_FLAT);
    }
    if (str_eqz(name, "tickets")) {
        return missing  ? speech_str(l, SPEECH_HEALTH_NO_TICKETS)
               : n <= 0 ? speech_str(l, SPEECH_HEALTH_TICKETS_NONE)
                        : speech_counted(a, l, SPEECH_HEALTH_TICKETS_ONE, SPEECH_HEALTH_TICKETS, n);
    }
    if (str_eqz(name, "renewal")) {
        const struct json *date_days = json_get(factor, "date_days");
        bool dated = json_is(date_days, JSON_INT);
        n = dated ? json_int(factor, "date_days", 0) : n;
        return missing           ? speech_str(l, SPEECH_HEALTH_NO_RENEWAL)
               : n < 0           ? speech_str(l, SPEECH_HEALTH_PASSED)
               : n == 0 && dated ? speech_str(l, SPEECH_HEALTH_TODAY)
               : n <= 0          ? speech_str(l, SPEECH_HEALTH_DUE)
                                 : speech_counted(a, l, SPEECH_HEALTH_DAY, SPEECH_HEALTH_DAYS, n);
    }
    return STR("");
}

static struct str tickets_move(struct arena *a, enum wording_language l, int64_t from, int64_t to)
{
    int64_t n = llabs(to - from);
    enum speech more = n == 1 ? SPEECH_MOVE_TICKETS_MORE_ONE : SPEECH_MOVE_TICKETS_MORE;
    enum speech fewer = n == 1 ? SPEECH_MOVE_TICKETS_FEWER_ONE : SPEECH_MOVE_TICKETS_FEWER;
    if (n == 0) {
        return speech_str(l, SPEECH_MOVE_TICKETS_SAME);
    }
    return SPEECH_FILL(a, l, to > from ? more : fewer, {"n", wording_number(a, l, n)},
                       {"from", wording_number(a, l, from)}, {"to", wording_number(a, l, to)});
}

/* A text for what moved, from {factor, from, to}, null where it was not known; empty: nothing is
 * to be told of it. */
static struct str move_text(struct arena *a, enum wording_language l, const struct json *move)
{
    struct str factor = json_str(move, "factor", STR(""));
    const struct json *from = json_find(move, STR("from")), *to = json_find(move, STR("to"));
    if (!from || !to) { /* of a version that did not tell them */
        return STR("");
    }
    int64_t was = (int64_t)json_number(from, 0), is = (int64_t)json_number(to, 0);
    if (json_equal(from, to) && !json_is_null(json_get(move, "weight_to"))) {
        return STR(""); /* the weight alone moved */
    }
    if (json_is_null(from) || json_is_null(to)) {
        return SPEECH_FILL(a, l, json_is_null(from) ? SPEECH_MOVE_KNOWN : SPEECH_MOVE_UNKNOWN,
                           {"factor", speech_word(a, l, factor)});
    }
    if (str_eqz(factor, "usage")) {
        return SPEECH_FILL(a, l, SPEECH_MOVE_USAGE,
                           {"from", speech_word(a, l, json_text(from, STR("")))},
                           {"to", speech_word(a, l, json_text(to, STR("")))});
    }
    if (str_eqz(factor, "tickets")) {
        return tickets_move(a, l, was, is);
    }
    return SPEECH_FILL(a, l, is > was ? SPEECH_MOVE_RENEWAL_AWAY : SPEECH_MOVE_RENEWAL_NEAR,
                       {"from", wording_number(a, l, was)}, {"to", wording_number(a, l, is)});
}

/* Between two formulas a factor may weigh another share. */
static struct str whole_move_text(struct arena *a, enum wording_language l, const struct json *move)
{
    struct str text = move_text(a, l, move);
    if (json_is_null(json_get(move, "weight_to"))) {
        return text;
    }
    struct str factor = speech_word(a, l, json_str(move, "factor", STR("")));
    struct str weight =
        SPEECH_FILL(a, l, SPEECH_MOVE_WEIGHT, {"factor", factor},
                    {"from", wording_number(a, l, json_int(move, "weight_from", 0))},
                    {"to", wording_number(a, l, json_int(move, "weight_to", 0))});
    return text.n ? str_fmt(a, "%.*s; %.*s", STR_ARG(text), STR_ARG(weight)) : weight;
}

/* A list with the text of each told again. */
static const struct json *
tell_again(struct arena *a, enum wording_language l, const struct json *list,
           struct str (*tell)(struct arena *, enum wording_language, const struct json *))
{
    const struct json *made = &json_empty_array;
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *it = json_at(list, i);
        struct str text = tell(a, l, it);
        made =
            json_push(a, made, text.n ? json_with(a, it, STR("text"), json_new_str(a, text)) : it);
    }
    return made;
}

static const struct json *in_row(struct arena *a, enum wording_language l, const struct json *row)
{
    const struct json *parts = json_get(row, "attribution");
    return json_is(parts, JSON_ARRAY)
               ? json_with(a, row, STR("attribution"), tell_again(a, l, parts, whole_move_text))
               : row;
}

const struct json *health_words_in(struct arena *a, enum wording_language l,
                                   const struct json *health)
{
    const struct json *factors = json_get(health, "factors");
    const struct json *previous = json_get(health, "previous");
    if (!json_is(health, JSON_OBJECT) || l == WORDING_EN) {
        return health;
    }
    if (json_is(factors, JSON_ARRAY)) {
        health = json_with(a, health, STR("factors"), tell_again(a, l, factors, factor_text));
    }
    return json_is(previous, JSON_OBJECT)
               ? json_with(a, health, STR("previous"), in_row(a, l, previous))
               : health;
}

const struct json *health_words_history(struct arena *a, enum wording_language l,
                                        const struct json *rows)
{
    const struct json *made = &json_empty_array;
    if (!json_is(rows, JSON_ARRAY) || l == WORDING_EN) {
        return rows;
    }
    for (size_t i = 0; i < json_count(rows); i++) {
        made = json_push(a, made, in_row(a, l, json_at(rows, i)));
    }
    return made;
}
