/* Messages as callers bring them, turns as wire formats need them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/models.h"
#include "llm/transcript.h"

static const struct chat_call look[] = {{.id = {"c1", 2}, .name = {"look", 4}}};
static const struct chat_call both[] = {{.id = {"c1", 2}, .name = {"look", 4}},
                                        {.id = {"c2", 2}, .name = {"book", 4}}};

#define U(z)                                                                                       \
    {                                                                                              \
        .role = CHAT_USER, .text = { z, sizeof(z) - 1 }                                            \
    }
#define A(z)                                                                                       \
    {                                                                                              \
        .role = CHAT_ASSISTANT, .text = { z, sizeof(z) - 1 }                                       \
    }
#define CALLS(z, k)                                                                                \
    {                                                                                              \
        .role = CHAT_ASSISTANT, .text = {z, sizeof(z) - 1}, .calls = k,                            \
        .call_count = sizeof(k) / sizeof(*k)                                                       \
    }
#define R(id, z)                                                                                   \
    {                                                                                              \
        .role = CHAT_TOOL, .text = {z, sizeof(z) - 1}, .call_id = { id, 2 }                        \
    }

/* "u:text" "a:text+c1+c2" "u:[c1=text,c2!text]more", joined by " | ". */
static struct str drawn(struct arena *a, const struct transcript *t)
{
    struct str s = STR("");
    for (int i = 0; i < t->count; i++) {
        const struct transcript_turn *turn = &t->turns[i];
        s = str_fmt(a, "%.*s%s%c:", STR_ARG(s), i ? " | " : "", turn->assistant ? 'a' : 'u');
        for (int k = 0; k < turn->result_count; k++) {
            const struct transcript_result *r = &turn->results[k];
            s = str_fmt(a, "%.*s%s%.*s%c%.*s", STR_ARG(s), k ? "," : "[", STR_ARG(r->call_id),
                        r->is_error ? '!' : '=', STR_ARG(str_sub(r->text, 0, 9)));
        }
        s = str_fmt(a, "%.*s%s%.*s", STR_ARG(s), turn->result_count ? "]" : "",
                    STR_ARG(turn->text));
        for (int k = 0; k < turn->call_count; k++) {
            s = str_fmt(a, "%.*s+%.*s", STR_ARG(s), STR_ARG(turn->calls[k].id));
        }
    }
    return s;
}

static void turns_alternate_and_calls_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        struct chat_message messages[7];
        const char *drawn;
    } cases[] = {
        {"plain", {U("hi"), A("hello"), U("bye")}, "u:hi | a:hello | u:bye"},
        {"a burst is one turn", {U("hi"), U("there")}, "u:hi\n\nthere"},
        {"two answers in a row", {U("hi"), A("one"), A("two")}, "u:hi | a:one\n\ntwo"},
        {"a greeting said first",
         {A("welcome"), U("hi")},
         "u:(The conversation begins.) | a:welcome | u:hi"},
        {"empty messages vanish", {U("hi"), A(""), U("there")}, "u:hi\n\nthere"},
        {"a call and its result",
         {U("hi"), CALLS("", look), R("c1", "found"), A("yes")},
         "u:hi | a:+c1 | u:[c1=found] | a:yes"},
        {"text beside the call",
         {U("hi"), CALLS("wait", look), R("c1", "found")},
         "u:hi | a:wait+c1 | u:[c1=found]"},
        {"results in any order",
         {U("hi"), CALLS("", both), R("c2", "booked"), R("c1", "found")},
         "u:hi | a:+c1+c2 | u:[c1=found,c2=booked]"},
        {"a result that never came",
         {U("hi"), CALLS("", both), R("c2", "booked"), U("well?")},
         "u:hi | a:+c1+c2 | u:[c1!This call,c2=booked]well?"},
        {"a turn that was cancelled",
         {U("hi"), CALLS("", look), U("never mind")},
         "u:hi | a:+c1 | u:[c1!This call]never mind"},
        {"unanswered at the end", {U("hi"), CALLS("", look)}, "u:hi | a:+c1 | u:[c1!This call]"},
        {"the user spoke before the result",
         {U("hi"), CALLS("", look), U("quick"), R("c1", "found")},
         "u:hi | a:+c1 | u:[c1=found]quick"},
        {"an empty result says so",
         {U("hi"), CALLS("", look), R("c1", "")},
         "u:hi | a:+c1 | u:[c1=(empty)]"},
        {"a result without its call", {U("hi"), R("c9", "lost"), A("ok")}, "u:hi | a:ok"},
        {"nothing at all", {A("")}, ""},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int n = 0;
        while (n < 7 && (cases[i].messages[n].text.p || cases[i].messages[n].call_count)) {
            n++;
        }
        struct chat_request r = {.messages = cases[i].messages, .message_count = n};
        struct transcript t = transcript_of(a, &r);
        struct str s = drawn(a, &t);
        if (!str_eqz(s, cases[i].drawn)) {
            fail_msg("%s: %.*s", cases[i].why, STR_ARG(s));
        }
    }
    arena_free(&a);
}

static void schemas_lose_our_notes_only(void **state)
{
    (void)state;
    static const struct {
        const char *why, *before, *after;
    } cases[] = {
        {"nothing becomes an object", "null", "{\"type\":\"object\",\"properties\":{}}"},
        {"notes go, at any depth",
         "{\"type\":\"object\",\"x-a\":1,\"properties\":{\"n\":{\"x-ask\":\"?\",\"type\":"
         "\"string\",\"anyOf\":[{\"x-b\":2}]}}}",
         "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"string\",\"anyOf\":[{}]}}}"},
        {"a property may be called so",
         "{\"type\":\"object\",\"properties\":{\"x-axis\":{\"type\":\"number\",\"x-ask\":\"?\"}}}",
         "{\"type\":\"object\",\"properties\":{\"x-axis\":{\"type\":\"number\"}}}"},
    };
    struct arena *a = arena_new(1 << 20);
    struct json_fault fault;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct json *before, *after;
        assert_int_equal(json_parse(a, str_of(cases[i].before), &before, &fault), E_OK);
        assert_int_equal(json_parse(a, str_of(cases[i].after), &after, &fault), E_OK);
        const struct json *got = transcript_schema(a, before);
        if (!json_equal(got, after)) {
            fail_msg("%s: %.*s", cases[i].why, STR_ARG(json_write(a, got)));
        }
    }
    arena_free(&a);
}

static void tokens_are_estimated_in_any_language(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text;
        int64_t least, most;
    } cases[] = {
        {"nothing", "", 0, 0},
        {"one letter", "a", 1, 1},
        {"English", "Where is my order? It should have been here on Monday.", 12, 16},
        {"German with umlauts",
         "Die Lieferung verz\xc3\xb6gert sich \xc3\xbc"
         "ber eine Woche.",
         9, 14},
        {"Chinese: a token a character", "\xe6\x88\x91\xe7\x9a\x84\xe8\xae\xa2\xe5\x8d\x95", 4, 4},
        {"bytes that are no text", "\xff\xfe\xff\xfe", 1, 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t n = models_tokens(str_of(cases[i].text));
        if (n < cases[i].least || n > cases[i].most) {
            fail_msg("%s: %d", cases[i].why, (int)n);
        }
    }
}

static void complexity_follows_length_tools_turns_and_words(void **state)
{
    (void)state;
    struct chat_message hi[] = {U("hi")};
    struct chat_message why[] = {U("Please explain and compare the two plans")};
    struct chat_message turns[40];
    for (int i = 0; i < 40; i++) {
        turns[i] = (struct chat_message){.role = i % 2 ? CHAT_ASSISTANT : CHAT_USER,
                                         .text = STR("and then?")};
    }
    char long_text[9000];
    for (size_t i = 0; i < sizeof(long_text); i++) {
        long_text[i] = i % 5 ? 'a' : ' ';
    }
    struct chat_tool tool = {.name = STR("look")};
    const struct {
        const char *why;
        struct chat_request request;
        double least, most;
    } cases[] = {
        {"a greeting", {.messages = hi, .message_count = 1}, 0, 0.05},
        {"asks for thought", {.messages = why, .message_count = 1}, 0.1, 0.15},
        {"tools", {.messages = hi, .message_count = 1, .tools = &tool, .tool_count = 1}, 0.3, 0.35},
        {"a long conversation", {.messages = turns, .message_count = 40}, 0.2, 0.35},
        {"a long prompt",
         {.messages = hi, .message_count = 1, .system = str_make(long_text, sizeof(long_text))},
         0.4,
         0.45},
        {"everything",
         {.messages = turns,
          .message_count = 40,
          .tools = &tool,
          .tool_count = 1,
          .system = str_make(long_text, sizeof(long_text))},
         0.89,
         1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        double score = models_complexity(&cases[i].request);
        if (score < cases[i].least || score > cases[i].most) {
            fail_msg("%s: %f", cases[i].why, score);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_alternate_and_calls_are_answered),
        cmocka_unit_test(schemas_lose_our_notes_only),
        cmocka_unit_test(tokens_are_estimated_in_any_language),
        cmocka_unit_test(complexity_follows_length_tools_turns_and_words),
    };
    return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
