/* models_tokens, models_request_tokens, models_complexity: estimates made before anything is
 * sent. */
#include "codec/text.h"
#include "llm/models.h"

enum {
    MESSAGE_TOKENS = 4, /* what a wire format adds around each message, tool and call */
    FIRST_IDEOGRAPH = 0x2e80
};

/* Most texts are, and need no decoding. */
static bool is_ascii(struct str text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.n; i++) {
        all |= (unsigned char)text.p[i];
    }
    return all < 0x80;
}

/* About four ASCII characters, two of other alphabets, one ideograph. Rather too many than too few:
 * budgets reserve by it. */
int64_t models_tokens(struct str text)
{
    int64_t quarters = 0;
    uint32_t code = 0;
    if (is_ascii(text)) {
        return (int64_t)(text.n + 3) / 4;
    }
    while (text_next(&text, &code)) {
        quarters += code < 0x80 ? 1 : code < FIRST_IDEOGRAPH ? 2 : 4;
    }
    return (quarters + 3) / 4;
}

static int64_t json_tokens(const struct json *v, int depth)
{
    if (!v || depth > JSON_DEPTH_MAX) {
        return 0;
    }
    int64_t n = 1;
    switch (v->kind) {
    case JSON_STRING:
        return models_tokens(v->string) + 1;
    case JSON_ARRAY:
        for (uint32_t i = 0; i < v->count; i++) {
            n += json_tokens(&v->items[i], depth + 1);
        }
        return n;
    case JSON_OBJECT:
        for (uint32_t i = 0; i < v->count; i++) {
            n += models_tokens(v->members[i].name) + 1;
            n += json_tokens(&v->members[i].value, depth + 1);
        }
        return n;
    case JSON_INT:
    case JSON_REAL:
        return 2;
    case JSON_NULL:
    case JSON_BOOL:
        break;
    }
    return n;
}

int64_t models_request_tokens(const struct chat_request *request)
{
    int64_t n = models_tokens(request->system) + json_tokens(request->schema, 0);
    for (int i = 0; i < request->message_count; i++) {
        const struct chat_message *m = &request->messages[i];
        n += models_tokens(m->text) + MESSAGE_TOKENS;
        for (int k = 0; k < m->call_count; k++) {
            n += models_tokens(m->calls[k].name) + json_tokens(m->calls[k].arguments, 0);
            n += MESSAGE_TOKENS;
        }
    }
    for (int i = 0; i < request->tool_count; i++) {
        const struct chat_tool *t = &request->tools[i];
        n += models_tokens(t->name) + models_tokens(t->description) + MESSAGE_TOKENS;
        n += json_tokens(t->parameters, 0);
    }
    return n;
}

static double capped(double v)
{
    return v > 1 ? 1 : v;
}

/* Words that ask for more than looking something up. */
static bool is_reasoning_word(struct str word)
{
    static const char *const words[] = {
        "why",      "explain",  "compare",   "difference", "analyze",   "analyse",  "calculate",
        "estimate", "evaluate", "recommend", "versus",     "decide",    "plan",     "steps",
        "because",  "should",   "pros",      "cons",       "summarize", "summarise"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eq_nocase(word, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static double reasoning(struct str text)
{
    size_t cursor = 0;
    struct text_word w;
    int found = 0;
    while (text_next_word(text, &cursor, &w)) {
        found += is_reasoning_word(w.word) ? 1 : 0;
    }
    return capped(found / 2.0);
}

double models_complexity(const struct chat_request *request)
{
    struct str last = STR("");
    int turns = 0;
    for (int i = 0; i < request->message_count; i++) {
        if (request->messages[i].role == CHAT_USER) {
            last = request->messages[i].text;
            turns++;
        }
    }
    double score = 0.4 * capped((double)models_request_tokens(request) / 2000);
    score += 0.3 * (request->tool_count > 0);
    score += 0.2 * capped(turns / 20.0);
    return score + 0.1 * reasoning(last);
}
