#include "llm/transcript.h"

#include <string.h>

static struct str joined(struct arena *a, struct str first, struct str second)
{
    if (first.n == 0 || second.n == 0) {
        return first.n ? first : second;
    }
    return str_fmt(a, "%.*s\n\n%.*s", STR_ARG(first), STR_ARG(second));
}

/* The result of one call among the messages from `from` on, up to the next assistant. */
static struct transcript_result result_of(const struct chat_request *r, int from,
                                          struct str call_id)
{
    for (int i = from; i < r->message_count && r->messages[i].role != CHAT_ASSISTANT; i++) {
        const struct chat_message *m = &r->messages[i];
        if (m->role == CHAT_TOOL && str_eq(m->call_id, call_id)) {
            struct str text = m->text.n ? m->text : STR("(empty)");
            return (struct transcript_result){call_id, text, m->is_error};
        }
    }
    return (struct transcript_result){call_id, STR("This call was not carried out."), true};
}

static void add_results(struct arena *a, const struct chat_request *r, int from,
                        const struct transcript_turn *asked, struct transcript_turn *out)
{
    struct transcript_result *results =
        ARENA_ARRAY(a, struct transcript_result, (size_t)asked->call_count);
    for (int i = 0; i < asked->call_count; i++) {
        results[i] = result_of(r, from, asked->calls[i].id);
    }
    out->results = results;
    out->result_count = asked->call_count;
}

static void add_calls(struct arena *a, struct transcript_turn *turn, const struct chat_message *m)
{
    if (m->call_count == 0) {
        return;
    }
    size_t n = (size_t)turn->call_count;
    struct chat_call *all = ARENA_ARRAY(a, struct chat_call, n + (size_t)m->call_count);
    if (n) {
        memcpy(all, turn->calls, n * sizeof(*all));
    }
    memcpy(all + n, m->calls, (size_t)m->call_count * sizeof(*all));
    turn->calls = all;
    turn->call_count += m->call_count;
}

/* The turns so far; `last` is the one messages are added to. */
struct building {
    struct arena *a;
    const struct chat_request *request;
    struct transcript_turn *turns;
    int count;
};

static struct transcript_turn *last_of(struct building *b)
{
    return b->count ? &b->turns[b->count - 1] : NULL;
}

static struct transcript_turn *turn_of(struct building *b, bool assistant)
{
    struct transcript_turn *last = last_of(b);
    if (!last || last->assistant != assistant) {
        last = &b->turns[b->count++];
        *last = (struct transcript_turn){.assistant = assistant};
    }
    return last;
}

/* What an assistant asked of its tools is answered before anything else is said. */
static void answer_calls(struct building *b, int from)
{
    struct transcript_turn *last = last_of(b);
    if (last && last->assistant && last->call_count > 0) {
        add_results(b->a, b->request, from, last, turn_of(b, false));
    }
}

struct transcript transcript_of(struct arena *a, const struct chat_request *r)
{
    struct building b = {.a = a, .request = r};
    b.turns = ARENA_ARRAY(a, struct transcript_turn, 2 * (size_t)r->message_count + 2);
    for (int i = 0; i < r->message_count; i++) {
        const struct chat_message *m = &r->messages[i];
        bool assistant = m->role == CHAT_ASSISTANT;
        if (!assistant) {
            answer_calls(&b, i);
        }
        if (m->role == CHAT_TOOL || (m->text.n == 0 && m->call_count == 0)) {
            continue;
        }
        if (assistant && b.count == 0) {
            turn_of(&b, false)->text = STR("(The conversation begins.)");
        }
        struct transcript_turn *turn = turn_of(&b, assistant);
        turn->text = joined(a, turn->text, m->text);
        add_calls(a, turn, m);
    }
    answer_calls(&b, r->message_count);
    return (struct transcript){b.turns, b.count};
}

/* `names` says that the members are names of properties, which may be called anything. */
static const struct json *without_notes(struct arena *a, const struct json *v, bool names,
                                        int depth)
{
    if (!v || v->kind < JSON_ARRAY || v->count == 0 || depth > JSON_DEPTH_MAX) {
        return v;
    }
    struct json *copy = ARENA_NEW(a, struct json);
    *copy = *v;
    if (v->kind == JSON_ARRAY) {
        struct json *items = ARENA_ARRAY(a, struct json, v->count);
        for (uint32_t i = 0; i < v->count; i++) {
            items[i] = *without_notes(a, &v->items[i], false, depth + 1);
        }
        copy->items = items;
        return copy;
    }
    struct json_member *members = ARENA_ARRAY(a, struct json_member, v->count);
    copy->count = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        struct str name = v->members[i].name;
        if (names || !str_starts(name, STR("x-"))) {
            bool inside = !names && (str_eqz(name, "properties") || str_eqz(name, "$defs"));
            members[copy->count] = v->members[i];
            members[copy->count++].value =
                *without_notes(a, &v->members[i].value, inside, depth + 1);
        }
    }
    copy->members = members;
    return copy;
}

const struct json *transcript_schema(struct arena *a, const struct json *schema)
{
    const struct json *clean = without_notes(a, schema, false, 0);
    if (!json_is(clean, JSON_OBJECT)) {
        clean = &json_empty_object;
    }
    if (!json_get(clean, "type")) {
        clean = json_with(a, clean, STR("type"), json_new_str(a, STR("object")));
    }
    if (!json_get(clean, "properties")) {
        clean = json_with(a, clean, STR("properties"), &json_empty_object);
    }
    return clean;
}
