#include "svc/success/success_plan.h"

#include <string.h>

#include "codec/text.h"
#include "svc/success/speech.h"

enum { WORDS_MAX = 400 };

#define BIT(x) (1u << (x))
#define READ   (BIT(SUCCESS_TOOL_USAGE) | BIT(SUCCESS_TOOL_TICKETS) | BIT(SUCCESS_TOOL_CONTRACT))
#define SCORE  (READ | BIT(SUCCESS_TOOL_HEALTH))

static const struct recipe {
    const char *name;
    uint32_t tools;
    enum speech summary;
} recipes[SUCCESS_TASK_COUNT] = {
    [SUCCESS_OVERVIEW] = {"overview", SCORE, SPEECH_PLAN_OVERVIEW},
    [SUCCESS_HEALTH] = {"health", SCORE, SPEECH_PLAN_HEALTH},
    [SUCCESS_RENEWAL] = {"renewal", SCORE | BIT(SUCCESS_TOOL_EMAIL), SPEECH_PLAN_RENEWAL},
    [SUCCESS_QBR] = {"qbr", SCORE | BIT(SUCCESS_TOOL_QBR), SPEECH_PLAN_QBR},
    [SUCCESS_EMAIL] = {"email",
                       BIT(SUCCESS_TOOL_TICKETS) | BIT(SUCCESS_TOOL_CONTRACT) |
                           BIT(SUCCESS_TOOL_HEALTH) | BIT(SUCCESS_TOOL_EMAIL),
                       SPEECH_PLAN_EMAIL},
    [SUCCESS_CHURN] = {"churn", SCORE, SPEECH_PLAN_CHURN},
    [SUCCESS_USAGE] = {"usage", BIT(SUCCESS_TOOL_USAGE), SPEECH_PLAN_USAGE},
    [SUCCESS_TICKETS] = {"tickets", BIT(SUCCESS_TOOL_TICKETS), SPEECH_PLAN_TICKETS},
    [SUCCESS_CONTRACT] = {"contract", BIT(SUCCESS_TOOL_CONTRACT), SPEECH_PLAN_CONTRACT},
};

static const enum speech reasons[SUCCESS_TOOL_COUNT] = {
    [SUCCESS_TOOL_USAGE] = SPEECH_WHY_USAGE,       [SUCCESS_TOOL_TICKETS] = SPEECH_WHY_TICKETS,
    [SUCCESS_TOOL_CONTRACT] = SPEECH_WHY_CONTRACT, [SUCCESS_TOOL_HEALTH] = SPEECH_WHY_HEALTH,
    [SUCCESS_TOOL_EMAIL] = SPEECH_WHY_EMAIL,       [SUCCESS_TOOL_QBR] = SPEECH_WHY_QBR,
};

const char *success_task_name(enum success_task t)
{
    return recipes[t].name;
}

const char *success_plan_reason(enum wording_language l, const struct success_tool *tool)
{
    return speech_of(l, reasons[tool - success_tool_at(0)]);
}

const char *success_plan_summary(enum wording_language l, enum success_task t)
{
    return speech_of(l, recipes[t].summary);
}

/* ---- words --------------------------------------------------------------- */

enum { ASKS_CONTACTS = SUCCESS_TASK_COUNT, ASKS_WHEN, ASKS_REVIEW };

/* Up to three words in a row. */
static const struct saying {
    const char *words[3];
    int asks; /* enum success_task, or one of the above */
} sayings[] = {
    {{"quarterly", "business", "review"}, SUCCESS_QBR},
    {{"quarterly", "review"}, SUCCESS_QBR},
    {{"business", "review"}, SUCCESS_QBR},
    {{"qbr"}, SUCCESS_QBR},
    {{"qbrs"}, SUCCESS_QBR},
    {{"outline"}, SUCCESS_QBR},
    {{"deck"}, SUCCESS_QBR},
    {{"slides"}, SUCCESS_QBR},
    {{"review"}, ASKS_REVIEW},
    {{"health"}, SUCCESS_HEALTH},
    {{"healthy"}, SUCCESS_HEALTH},
    {{"status"}, SUCCESS_HEALTH},
    {{"score"}, SUCCESS_HEALTH},
    {{"scored"}, SUCCESS_HEALTH},
    {{"renewal"}, SUCCESS_RENEWAL},
    {{"renew"}, SUCCESS_RENEWAL},
    {{"renews"}, SUCCESS_RENEWAL},
    {{"renewing"}, SUCCESS_RENEWAL},
    {{"brief"}, SUCCESS_RENEWAL},
    {{"briefing"}, SUCCESS_RENEWAL},
    {{"email"}, SUCCESS_EMAIL},
    {{"emails"}, SUCCESS_EMAIL},
    {{"e", "mail"}, SUCCESS_EMAIL},
    {{"mail"}, SUCCESS_EMAIL},
    {{"draft"}, SUCCESS_EMAIL},
    {{"check", "in"}, SUCCESS_EMAIL},
    {{"checkin"}, SUCCESS_EMAIL},
    {{"message"}, SUCCESS_EMAIL},
    {{"compose"}, SUCCESS_EMAIL},
    {{"letter"}, SUCCESS_EMAIL},
    {{"reach", "out"}, SUCCESS_EMAIL},
    {{"write", "to"}, SUCCESS_EMAIL},
    {{"churn"}, SUCCESS_CHURN},
    {{"churning"}, SUCCESS_CHURN},
    {{"risk"}, SUCCESS_CHURN},
    {{"risks"}, SUCCESS_CHURN},
    {{"risky"}, SUCCESS_CHURN},
    {{"likelihood"}, SUCCESS_CHURN},
    {{"leave"}, SUCCESS_CHURN},
    {{"leaving"}, SUCCESS_CHURN},
    {{"losing"}, SUCCESS_CHURN},
    {{"usage"}, SUCCESS_USAGE},
    {{"adoption"}, SUCCESS_USAGE},
    {{"users"}, SUCCESS_USAGE},
    {{"logins"}, SUCCESS_USAGE},
    {{"tickets"}, SUCCESS_TICKETS},
    {{"ticket"}, SUCCESS_TICKETS},
    {{"bugs"}, SUCCESS_TICKETS},
    {{"contract"}, SUCCESS_CONTRACT},
    {{"arr"}, SUCCESS_CONTRACT},
    {{"worth"}, SUCCESS_CONTRACT},
    {{"when"}, ASKS_WHEN},
    {{"champion"}, ASKS_CONTACTS},
    {{"sponsor"}, ASKS_CONTACTS},
    {{"contact"}, ASKS_CONTACTS},
    {{"contacts"}, ASKS_CONTACTS},
};

/* Names are blanked: what a customer is called asks for nothing. */
static struct str without(struct arena *a, struct str text, const struct json *quotes)
{
    for (size_t i = 0; i < json_count(quotes); i++) {
        text = text_blank(a, text, json_text(json_at(quotes, i), STR("")));
    }
    return text;
}

static bool saying_at(const struct saying *p, const struct str *words, int left)
{
    for (int i = 0; i < 3 && p->words[i]; i++) {
        if (i >= left || !str_eqz(words[i], p->words[i])) {
            return false;
        }
    }
    return true;
}

static void take(struct success_wish *w, enum success_task t)
{
    bool later = w->tasks && w->first != SUCCESS_EMAIL;
    w->first = later ? w->first : t == SUCCESS_EMAIL && w->tasks ? w->first : t;
    w->tasks |= BIT(t);
}

/* "When does it renew?" asks for a date, not for a brief; a review is a QBR unless the question
 * says what is to be reviewed; and who wants a brief or a score needs no task besides for what it
 * is made of. */
static void settle(struct success_wish *w, uint32_t extra)
{
    uint32_t single = BIT(SUCCESS_USAGE) | BIT(SUCCESS_TICKETS) | BIT(SUCCESS_CONTRACT);
    if ((extra & BIT(ASKS_WHEN)) && w->tasks == BIT(SUCCESS_RENEWAL)) {
        *w = (struct success_wish){.tasks = BIT(SUCCESS_CONTRACT), .first = SUCCESS_CONTRACT};
    }
    if ((extra & BIT(ASKS_REVIEW)) && !(w->tasks & ~single)) {
        w->tasks |= BIT(SUCCESS_QBR);
        w->first = SUCCESS_QBR;
    }
    uint32_t whole = w->tasks & ~single & ~BIT(SUCCESS_EMAIL);
    if (whole) { /* their recipes read all three */
        w->tasks &= ~single;
    }
    if (whole && !(w->tasks & BIT(w->first))) {
        w->first = SUCCESS_HEALTH;
        while (!(whole & BIT(w->first))) {
            w->first++;
        }
    }
    w->contacts = (extra & BIT(ASKS_CONTACTS)) != 0;
    if (!w->tasks) {
        w->tasks = BIT(SUCCESS_OVERVIEW);
        w->first = SUCCESS_OVERVIEW;
    }
}

struct success_wish success_wish_of(struct arena *a, struct str text, const struct json *quotes)
{
    struct str words[WORDS_MAX], plain = text_plain(a, without(a, text, quotes));
    struct success_wish wish = {0};
    struct text_word word;
    uint32_t extra = 0;
    size_t cursor = 0;
    int n = 0;
    while (n < WORDS_MAX && text_next_word(plain, &cursor, &word)) {
        words[n++] = word.word;
    }
    for (int i = 0; i < n; i++) {
        for (size_t p = 0; p < sizeof(sayings) / sizeof(*sayings); p++) {
            if (saying_at(&sayings[p], &words[i], n - i)) {
                int asks = sayings[p].asks;
                if (asks < SUCCESS_TASK_COUNT) {
                    take(&wish, (enum success_task)asks);
                } else {
                    extra |= BIT(asks);
                }
                i += sayings[p].words[1] ? 1 : 0;
                i += sayings[p].words[1] && sayings[p].words[2] ? 1 : 0;
                break;
            }
        }
    }
    settle(&wish, extra);
    return wish;
}

/* ---- plans --------------------------------------------------------------- */

static int bits(uint32_t set)
{
    int n = 0;
    for (; set; set &= set - 1) {
        n++;
    }
    return n;
}

/* What the question wants by name, whatever else is left out. */
static uint32_t wanted_by_name(const struct success_wish *wish)
{
    uint32_t scored = BIT(SUCCESS_HEALTH) | BIT(SUCCESS_CHURN) | BIT(SUCCESS_RENEWAL);
    return (wish->tasks & BIT(SUCCESS_EMAIL) ? BIT(SUCCESS_TOOL_EMAIL) : 0) |
           (wish->tasks & BIT(SUCCESS_RENEWAL) ? BIT(SUCCESS_TOOL_EMAIL) : 0) |
           (wish->tasks & BIT(SUCCESS_QBR) ? BIT(SUCCESS_TOOL_QBR) : 0) |
           (wish->tasks & scored ? BIT(SUCCESS_TOOL_HEALTH) : 0);
}

/* What goes first when there is one too many: the score tells the number of open tickets, of usage
 * and contract only how they stand in it; nothing else tells the score. */
static const enum success_tool_place spare[] = {SUCCESS_TOOL_TICKETS, SUCCESS_TOOL_CONTRACT,
                                                SUCCESS_TOOL_USAGE,   SUCCESS_TOOL_HEALTH,
                                                SUCCESS_TOOL_QBR,     SUCCESS_TOOL_EMAIL};
enum { SPARES = sizeof(spare) / sizeof(*spare) };

/* The step of a plan that makes room; -1: all were asked for by name. */
static int spare_step(const struct success_plan *plan, uint32_t named)
{
    for (size_t i = 0; i < SPARES; i++) {
        for (int k = 0; k < plan->count && !(named & BIT(spare[i])); k++) {
            if (plan->steps[k].tool == success_tool_at(spare[i])) {
                return k;
            }
        }
    }
    return -1;
}

bool success_plan_add(struct success_plan *plan, const struct success_tool *tool, struct str reason)
{
    for (int i = 0; i < plan->count; i++) {
        if (plan->steps[i].tool == tool) {
            return true;
        }
    }
    if (plan->count == SUCCESS_TOOLS_PER_ASK_MAX) {
        return false;
    }
    plan->steps[plan->count++] = (struct success_step){tool, reason};
    return true;
}

void success_plan_make(const struct success_wish *wish, struct success_plan *out_plan)
{
    uint32_t tools = 0, named = wanted_by_name(wish);
    *out_plan = (struct success_plan){.task = wish->first, .source = "builtin"};
    for (int t = 0; t < SUCCESS_TASK_COUNT; t++) {
        tools |= wish->tasks & BIT(t) ? recipes[t].tools : 0;
    }
    for (size_t i = 0; i < SPARES && bits(tools) > SUCCESS_TOOLS_PER_ASK_MAX; i++) {
        if (tools & BIT(spare[i]) && !(named & BIT(spare[i]))) {
            tools &= ~BIT(spare[i]);
            out_plan->left_out |= BIT(spare[i]);
        }
    }
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        if (tools & BIT(i)) {
            success_plan_add(out_plan, success_tool_at(i), speech_str(wish->language, reasons[i]));
        }
    }
    out_plan->summary = speech_str(wish->language, recipes[wish->first].summary);
}

void success_plan_complete(struct success_plan *plan, const struct success_wish *wish)
{
    uint32_t named = wanted_by_name(wish);
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        const struct success_tool *t = success_tool_at(i);
        struct str why = speech_str(wish->language, reasons[i]);
        if (!(named & BIT(i)) || success_plan_add(plan, t, why)) {
            continue;
        }
        int k = spare_step(plan, named);
        if (k >= 0) {
            plan->left_out |= BIT(plan->steps[k].tool - success_tool_at(0));
            plan->steps[k] = (struct success_step){t, why};
        }
    }
}

const struct json *success_plan_steps(struct arena *a, const struct success_plan *plan)
{
    const struct json *steps = &json_empty_array;
    for (int i = 0; i < plan->count; i++) {
        steps = json_push(a, steps,
                          json_object(a, {"step", json_new_int(a, i + 1)},
                                      {"tool", json_new_str(a, str_of(plan->steps[i].tool->name))},
                                      {"reason", json_new_str(a, plan->steps[i].reason)}));
    }
    return steps;
}
