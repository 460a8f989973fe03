#include "agent/builtin_form.h"

#include "nlu/slot.h"

enum { TRIES_MAX = 3 };

static const double TRUST_MIN = 0.6;        /* an unasked value must be this sure */
static const double TRUST_ANSWER_MIN = 0.3; /* an answer to the very question */
static const double SWITCH_MIN = 0.55;      /* a new intent this sure changes the subject */

struct form {
    const struct config_tool *tool;
    const struct json *arguments;
    struct str asking; /* parameter */
    int tries;
};

static const struct json *properties_of(const struct config_tool *tool)
{
    const struct json *p = json_get(tool->parameters, "properties");
    return p ? p : &json_empty_object;
}

static bool is_required(const struct config_tool *tool, struct str name)
{
    const struct json *required = json_get(tool->parameters, "required");
    for (size_t i = 0; i < json_count(required); i++) {
        if (str_eq(json_text(json_at(required, i), STR("")), name)) {
            return true;
        }
    }
    return false;
}

/* Free text is only taken when it was asked for: any sentence would do otherwise. */
static bool is_open(enum slot_kind kind)
{
    return kind == SLOT_TEXT || kind == SLOT_NAME || kind == SLOT_BOOLEAN;
}

static const struct json *take(struct builtin_talk *t, struct str name, const struct json *schema,
                               bool asked, struct str *out_why)
{
    struct slot found[SLOT_FOUND_MAX];
    struct slot_want want = slot_want_of(name, schema);
    if (!asked && is_open(want.kind)) {
        return NULL;
    }
    struct slot_scene scene = {.now_ms = t->now_ms, .day_first = true, .answers = asked};
    size_t n = slot_find(t->a, &want, t->side->text, &scene, found);
    double least = asked ? TRUST_ANSWER_MIN : TRUST_MIN;
    for (size_t i = 0; i < n; i++) {
        if (found[i].confidence < least) {
            continue;
        }
        const struct json *value = slot_value(t->a, &want, &found[i], out_why);
        if (value) {
            return value;
        }
    }
    return NULL;
}

/* Values of this kind that were looked at before: the order "it" stands for. */
static const struct json *known_value(struct builtin_talk *t, struct str name)
{
    return json_find(json_get(t->dialogue, "known"), name);
}

static void fill(struct builtin_talk *t, struct form *f, struct str *out_why)
{
    const struct json *properties = properties_of(f->tool);
    for (size_t i = 0; i < json_count(properties); i++) {
        const struct json_member *m = &properties->members[i];
        bool asked = f->asking.n && str_eq(m->name, f->asking);
        if (json_find(f->arguments, m->name) && !asked) {
            continue;
        }
        struct str why = {0};
        const struct json *value = take(t, m->name, &m->value, asked, &why);
        if (value) {
            f->arguments = json_with(t->a, f->arguments, m->name, value);
        } else if (asked) {
            *out_why = why;
        }
    }
}

static struct str first_missing(struct builtin_talk *t, struct form *f)
{
    const struct json *properties = properties_of(f->tool);
    for (size_t i = 0; i < json_count(properties); i++) {
        struct str name = properties->members[i].name;
        if (!is_required(f->tool, name) || json_find(f->arguments, name)) {
            continue;
        }
        const struct json *known = f->asking.n ? NULL : known_value(t, name);
        if (!known) {
            return name;
        }
        f->arguments = json_with(t->a, f->arguments, name, known);
    }
    return STR("");
}

static void keep_form(struct builtin_talk *t, const struct form *f)
{
    const struct json *form =
        f ? json_object(t->a, {"tool", json_new_str(t->a, f->tool->name)},
                        {"arguments", f->arguments}, {"asking", json_new_str(t->a, f->asking)},
                        {"tries", json_new_int(t->a, f->tries)})
          : NULL;
    t->dialogue = json_with(t->a, t->dialogue, STR("form"), form);
}

static struct str question_of(struct builtin_talk *t, const struct form *f, struct str why)
{
    const struct json *schema = json_find(properties_of(f->tool), f->asking);
    struct str ask = json_str(schema, "x-ask", STR(""));
    if (!ask.n) {
        ask =
            str_fmt(t->a, "What is the %.*s?", STR_ARG(json_str(schema, "description", f->asking)));
    }
    if (f->tries > 0 && why.n) {
        return str_fmt(t->a, "That does not fit: %.*s. %.*s", STR_ARG(why), STR_ARG(ask));
    }
    return f->tries > 0 ? str_fmt(t->a, "I did not find it in your message. %.*s", STR_ARG(ask))
                        : ask;
}

static void ask_or_call(struct builtin_talk *t, struct form *f, struct str why)
{
    struct str missing = first_missing(t, f);
    if (!missing.n) {
        keep_form(t, NULL);
        builtin_call(t, f->tool, f->arguments);
        return;
    }
    f->tries = str_eq(missing, f->asking) ? f->tries + 1 : 0;
    f->asking = missing;
    if (f->tries >= TRIES_MAX) {
        keep_form(t, NULL);
        builtin_say(
            t, "clarify", false,
            STR("I can't work it out from that, sorry. I can hand you over to a colleague, or "
                "you can tell me what you need in other words."));
        return;
    }
    keep_form(t, f);
    builtin_say(t, "ask", true, question_of(t, f, why));
}

void builtin_form_start(struct builtin_talk *t, const struct config_tool *tool)
{
    struct form f = {.tool = tool, .arguments = &json_empty_object};
    struct str why = {0};
    fill(t, &f, &why);
    ask_or_call(t, &f, STR(""));
}

static bool changes_subject(const struct builtin_talk *t, const struct form *f,
                            const struct config_intent *intent)
{
    if (!intent || str_eq(intent->tool, f->tool->name)) {
        return false;
    }
    return json_real(t->side->intent, "confidence", 0) >= SWITCH_MIN;
}

bool builtin_form_continue(struct builtin_talk *t, const struct config_intent *intent)
{
    const struct json *open = json_get(t->dialogue, "form");
    const struct config_tool *tool =
        config_tool_find(t->side->agent->config, json_str(open, "tool", STR("")));
    if (!tool) {
        return false;
    }
    struct form f = {.tool = tool,
                     .arguments = json_get(open, "arguments"),
                     .asking = json_str(open, "asking", STR("")),
                     .tries = (int)json_int(open, "tries", 0)};
    if (slot_is_abort(t->side->text)) {
        keep_form(t, NULL);
        builtin_say(t, "answer", true, STR("All right, I have dropped that. What else can I do?"));
        return true;
    }
    struct slot_want want = slot_want_of(f.asking, json_find(properties_of(tool), f.asking));
    struct str why = {0};
    const struct json *before = f.arguments;
    /* a sentence that plainly asks for something else is no answer to an open question */
    if (is_open(want.kind) && changes_subject(t, &f, intent) &&
        str_find_char(t->side->text, '?') >= 0) {
        keep_form(t, NULL);
        return false;
    }
    fill(t, &f, &why);
    if (json_equal(before, f.arguments) && changes_subject(t, &f, intent)) {
        keep_form(t, NULL);
        return false;
    }
    ask_or_call(t, &f, why);
    return true;
}
