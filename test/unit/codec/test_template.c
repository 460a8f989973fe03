#include "unit/codec/sample.h"

#include "codec/template.h"

static void test_pipes(void **state)
{
    static const char VIEW[] =
        "{\"cents\":123450,\"minus\":-5,\"big\":9223372036854775807,\"at\":1772360430123,"
        "\"day\":\"2026-03-01\",\"n\":1234567,\"r\":1234.5,\"share\":0.1234,\"name\":\"  ada "
        "LOVELACE \","
        "\"list\":[\"a\",\"b\",3],\"none\":null,\"empty\":\"\",\"yes\":true,"
        "\"eu\":{\"total\":5,\"currency\":\"EUR\"},\"yen\":{\"total\":1500,\"currency\":\"JPY\"},"
        "\"chf\":{\"total\":100000,\"currency\":\"CHF\"}}";
    static const struct {
        const char *template, *text, *why;
    } ROWS[] = {
        {"{{cents | money}}", "$1,234.50", "dollars by default"},
        {"{{minus|money}}", "-$0.05", "below zero"},
        {"{{big|money}}", "$92,233,720,368,547,758.07", "the largest"},
        {"{{eu.total | money}}",
         "\xe2\x82\xac"
         "0.05",
         "the sibling's currency"},
        {"{{#eu}}{{total | money}}{{/eu}}",
         "\xe2\x82\xac"
         "0.05",
         "in a section too"},
        {"{{yen.total | money}}",
         "\xc2\xa5"
         "1,500",
         "no minor unit"},
        {"{{chf.total | money}}", "1,000.00 CHF", "a code without a sign"},
        {"{{cents | money:\"GBP\"}}",
         "\xc2\xa3"
         "1,234.50",
         "a given currency"},
        {"{{at | date}}", "1 March 2026", "milliseconds"},
        {"{{day | date}}", "1 March 2026", "ISO text"},
        {"{{at | datetime}} {{at | time}}", "1 March 2026, 10:20 10:20", "with time"},
        {"{{n | number}} {{r | number}} {{r | number:2}}", "1,234,567 1,234.5 1,234.50", "grouped"},
        {"{{big | number}}", "9,223,372,036,854,775,807", "exact"},
        {"{{share | percent}} {{share | percent:0}}", "12.3% 12%", "percent"},
        {"{{r | round}} {{share | round:2}}", "1235 0.12", "rounded"},
        {"{{list | count}} {{name | count}}", "3 15", "counted"},
        {"{{list | join}} {{list | join:\" + \"}}", "a, b, 3 a + b + 3", "joined"},
        {"[{{name | trim | title}}]", "[Ada Lovelace]", "pipes in a row"},
        {"{{name|trim|upper}} {{name|trim|lower}}", "ADA LOVELACE ada lovelace", "case"},
        {"{{list | json}} {{list}}", "[\"a\",\"b\",3] [\"a\",\"b\",3]", "JSON"},
        {"{{name | trim | url}}", "ada%20LOVELACE", "for URLs"},
        {"{{none | default:\"-\"}}{{absent | default:'x|y'}}{{empty|default:z}}", "-x|yz",
         "default"},
        {"[{{none | money}}{{absent | date}}]", "[]", "what is absent stays absent"},
        {"{{yes}} {{r}} {{n}}", "true 1234.5 1234567", "plain values"},
        {"{{{cents | money}}} {{& cents | money }}", "$1,234.50 $1,234.50", "raw tags too"},
    };
    struct arena *a = *state;
    const struct json *view = sample_json(a, str_of(VIEW));
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str text;
        struct json_fault fault;
        if (template_text(a, str_of(ROWS[i].template), view, &text, &fault) != E_OK) {
            fail_msg("%s: %s", ROWS[i].template, fault.text);
        }
        sample_is(text, ROWS[i].text, ROWS[i].why);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *template, *part;
        int line, column;
    } ROWS[] = {
        {"a\n {{b", "never closed", 2, 2},
        {"{{{b}}", "never closed", 1, 1},
        {"{{#a}}\nx", "never closed", 1, 1},
        {"{{#a}}{{/b}}", "no section \"b\" is open", 1, 7},
        {"x{{/b}}", "no section \"b\" is open", 1, 2},
        {"{{}}", "a name", 1, 1},
        {"{{a b}}", "a name", 1, 1},
        {"{{# a | money }}{{/a}}", "a name", 1, 1},
        {"{{a | nonsense}}", "unknown pipe \"nonsense\"", 1, 1},
        {"{{a | }}", "unknown pipe", 1, 1},
        {"{{a | default:\"x}}", "unknown pipe", 1, 1},
        {"{{=x=}}", "delimiters", 1, 1},
        {"{{=a b c=}}", "delimiters", 1, 1},
        {"\xc3\xa9{{t | money}}", "t: money needs an integer", 1, 2},
        {"{{n | date:x}}{{t | date}}", "t: a date needs", 1, 15},
        {"{{t | number}}", "number needs", 1, 1},
        {"{{n | round:x}}", "round needs", 1, 1},
        {"{{n | count}}", "count needs", 1, 1},
    };
    struct arena *a = *state;
    const struct json *view = sample_json(a, STR("{\"t\":\"text\",\"n\":7}"));
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct str text = STR("untouched");
        struct json_fault fault = {0};
        enum err e = template_text(a, str_of(ROWS[i].template), view, &text, &fault);
        if (e != E_INVALID || !strstr(fault.text, ROWS[i].part) || fault.line != ROWS[i].line ||
            fault.column != ROWS[i].column) {
            fail_msg("%s: %d %d:%d %s", ROWS[i].template, e, fault.line, fault.column, fault.text);
        }
        sample_is(text, "untouched", "outputs");
    }
}

static enum err render(struct arena *a, const char *source, const struct json *view,
                       const struct template_options *options, struct buf *out)
{
    const struct template *t;
    struct json_fault fault;
    assert_int_equal(template_new(a, str_of(source), &t, &fault), E_OK);
    return template_render(t, view, options, out, &fault);
}

static void test_strict(void **state)
{
    struct arena *a = *state;
    struct template_options strict = {.strict = true};
    const struct json *view = sample_json(a, STR("{\"a\":{\"b\":null},\"list\":[]}"));
    struct buf b = buf_make(100);
    assert_int_equal(render(a, "{{a.b}}{{#list}}{{x}}{{/list}}{{c|default:1}}", view, &strict, &b),
                     E_OK);
    assert_int_equal(render(a, "{{a.c}}", view, &strict, &b), E_INVALID);
    assert_int_equal(render(a, "{{c}}", view, &strict, &b), E_INVALID);
    assert_int_equal(render(a, "{{#c}}{{/c}}", view, &strict, &b), E_INVALID);
    buf_free(&b);
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct template_options options = {
        .partials = sample_json(
            a, STR("{\"loop\":\"{{>loop}}\",\"twice\":\"{{#a}}{{#a}}x{{/a}}{{/a}}\"}"))};
    struct buf small = buf_make(10), big = buf_make(64 << 20);
    struct buf list = buf_make(1 << 20);
    buf_add_str(&list, STR("{\"a\":[0"));
    for (int i = 0; i < 2000; i++) {
        buf_add_str(&list, STR(",0"));
    }
    buf_add_str(&list, STR("]}"));
    const struct json *view = sample_json(a, str_dup(a, buf_str(&list)));
    buf_free(&list);
    assert_int_equal(render(a, "{{#a}}xxxx{{/a}}", view, NULL, &small), E_TOO_LARGE);
    assert_int_equal(render(a, "{{>loop}}", view, &options, &big), E_TOO_LARGE);
    assert_int_equal(render(a, "{{>twice}}", view, &options, &big),
                     E_TOO_LARGE); /* 4,000,000 steps */
    struct buf deep = buf_make(4096);
    for (int i = 0; i <= TEMPLATE_DEPTH_MAX; i++) {
        buf_add_str(&deep, STR("{{#a}}"));
    }
    const struct template *t;
    struct json_fault fault;
    assert_int_equal(template_new(a, buf_str(&deep), &t, &fault), E_INVALID);
    char *huge = arena_alloc(a, TEMPLATE_SOURCE_MAX_BYTES + 1);
    assert_int_equal(template_new(a, str_make(huge, TEMPLATE_SOURCE_MAX_BYTES + 1), &t, &fault),
                     E_TOO_LARGE);
    buf_free(&deep);
    buf_free(&small);
    buf_free(&big);
}

static int run_module(struct arena *a, const char *name)
{
    const struct json *module =
        sample_json(a, sample_data(a, str_fmt(a, "conformance/mustache/%s.json", name).p));
    const struct json *tests = json_get(module, "tests");
    for (size_t i = 0; i < json_count(tests); i++) {
        const struct json *t = json_at(tests, i);
        struct template_options options = {.html = true, .partials = json_get(t, "partials")};
        struct buf b = buf_make(1 << 16);
        enum err e = render(a, str_dupz(a, json_str(t, "template", STR(""))), json_get(t, "data"),
                            &options, &b);
        assert_int_equal(e, E_OK);
        sample_is(str_dup(a, buf_str(&b)), str_dupz(a, json_str(t, "expected", STR(""))),
                  str_dupz(a, json_str(t, "name", STR(""))));
        buf_free(&b);
    }
    return (int)json_count(tests);
}

static void test_specification(void **state)
{
    static const char *const MODULES[] = {"comments", "delimiters", "interpolation",
                                          "inverted", "partials",   "sections"};
    int count = 0;
    for (size_t i = 0; i < SAMPLE_COUNT(MODULES); i++) {
        count += run_module(*state, MODULES[i]);
    }
    assert_int_equal(count, 136);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_pipes),  SAMPLE_TEST(test_faults),        SAMPLE_TEST(test_strict),
        SAMPLE_TEST(test_bounds), SAMPLE_TEST(test_specification),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
