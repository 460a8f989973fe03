#include "unit/codec/sample.h"

#include "codec/sse.h"

/* Every event as "type|data|id;" */
static enum err collect(const struct sse_event *event, void *arg)
{
    struct buf *b = arg;
    buf_addf(b, "%.*s|%.*s|%.*s;", STR_ARG(event->type), STR_ARG(event->data), STR_ARG(event->id));
    return E_OK;
}

static void feed_in_pieces(struct arena *a, const char *stream, size_t piece, const char *want,
                           const char *why)
{
    struct sse *s = sse_new(0);
    struct buf b = buf_make(1 << 16);
    struct str text = str_of(stream);
    for (size_t at = 0; at < text.n; at += piece) {
        assert_int_equal(sse_feed(s, str_sub(text, at, piece), collect, &b), E_OK);
    }
    sample_is(str_dup(a, buf_str(&b)), want, why);
    buf_free(&b);
    sse_free(&s);
}

static void test_streams(void **state)
{
    static const struct {
        const char *stream, *events, *why;
    } ROWS[] = {
        {"data: one\n\ndata: two\n\n", "message|one|;message|two|;", "two events"},
        {"data: a\ndata: b\ndata\n\n", "message|a\nb\n|;", "lines are joined"},
        {"event: add\ndata: 73\n\n", "add|73|;", "named"},
        {": comment\ndata:x\n\n", "message|x|;", "comment, no blank after the colon"},
        {"data:  two blanks\n\n", "message| two blanks|;", "one blank is dropped"},
        {"data: x\r\n\r\ndata: y\r\rdata: z\n\n", "message|x|;message|y|;message|z|;",
         "all line ends"},
        {"id: 7\ndata: x\n\ndata: y\n\n", "message|x|7;message|y|7;", "the id lasts"},
        {"id: 7\ndata: x\n\nid\ndata: y\n\n", "message|x|7;message|y|;", "an empty id resets it"},
        {"data: lost", "", "no empty line, no event"},
        {"event: none\n\ndata: x\n\n", "message|x|;", "no data, no event"},
        {"data\n\n", "message||;", "empty data is an event"},
        {"\xef\xbb\xbf"
         "data: x\n\n",
         "message|x|;", "byte order mark"},
        {"what: ever\ndata: [DONE]\n\n", "message|[DONE]|;", "unknown fields"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        for (size_t piece = 1; piece < 9; piece++) {
            feed_in_pieces(a, ROWS[i].stream, piece, ROWS[i].events, ROWS[i].why);
        }
    }
}

static enum err stop(const struct sse_event *event, void *arg)
{
    (void)event;
    ++*(int *)arg;
    return E_CANCELLED;
}

static void test_ends(void **state)
{
    (void)state;
    int calls = 0;
    struct sse *s = sse_new(16);
    assert_int_equal(sse_retry_ms(s), -1);
    assert_int_equal(sse_feed(s, STR("retry: 2500\nretry: x\n"), stop, &calls), E_OK);
    assert_int_equal(sse_retry_ms(s), 2500);
    assert_int_equal(sse_feed(s, STR("data: x\n\ndata: y\n\n"), stop, &calls), E_CANCELLED);
    assert_int_equal(calls, 1);
    sse_free(&s);
    s = sse_new(16);
    assert_int_equal(sse_feed(s, STR("data: more than sixteen bytes"), stop, &calls), E_TOO_LARGE);
    assert_int_equal(sse_feed(s, STR("\n\ndata: x\n\n"), stop, &calls), E_TOO_LARGE);
    sse_free(&s);
    s = sse_new(16);
    assert_int_equal(sse_feed(s, STR("data: 9 bytes.\ndata: 9 more..\n\n"), stop, &calls),
                     E_TOO_LARGE);
    sse_free(&s);
    assert_int_equal(calls, 1);
}

static void test_writes(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(4096);
    sse_write(&b, STR("delta"), STR("9\n"), STR("a\nb\r\nc\n"));
    sse_write_ping(&b);
    sse_write(&b, STR(""), STR(""), STR(""));
    sample_is(str_dup(a, buf_str(&b)),
              "event: delta\nid: 9\ndata: a\ndata: b\ndata: c\ndata: \n\n:\n\ndata: \n\n",
              "as written");
    feed_in_pieces(a, str_dupz(a, buf_str(&b)), 3, "delta|a\nb\nc\n|9;message||9;", "reads back");
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_streams),
        SAMPLE_TEST(test_ends),
        SAMPLE_TEST(test_writes),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
