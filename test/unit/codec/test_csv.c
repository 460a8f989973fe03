#include "unit/codec/sample.h"

#include "codec/csv.h"

/* All rows as "line:cell|cell;" with the problem at the end. */
static struct str read_all(struct arena *a, struct str text, size_t piece, char separator)
{
    struct csv *c = csv_new(separator);
    struct buf b = buf_make(1 << 20);
    enum csv_step step = CSV_MORE;
    size_t at = 0;
    struct csv_row row;
    while (step == CSV_MORE || step == CSV_ROW) {
        step = csv_next(c, a, &row);
        if (step == CSV_MORE) {
            csv_feed(c, str_sub(text, at, piece), at + piece >= text.n);
            at += piece;
        } else if (step == CSV_ROW) {
            buf_addf(&b, "%d:", (int)row.line);
            for (size_t i = 0; i < row.count; i++) {
                buf_addf(&b, "%s%.*s", i ? "|" : "", STR_ARG(row.cells[i]));
            }
            buf_add_char(&b, ';');
        }
    }
    if (step == CSV_BAD) {
        buf_add_str(&b, str_of(csv_problem(c)));
        assert_int_equal(csv_next(c, a, &row), CSV_BAD);
    }
    struct str all = str_dup(a, buf_str(&b));
    buf_free(&b);
    csv_free(&c);
    return all;
}

static void test_rows(void **state)
{
    static const struct {
        const char *text, *rows, *why;
    } ROWS[] = {
        {"a,b\n1,2\n", "1:a|b;2:1|2;", "plain"},
        {"a,b\r\n1,2", "1:a|b;2:1|2;", "CRLF, no line end at the end"},
        {"a\rb\r\rc", "1:a;2:b;4:c;", "CR, an empty line is skipped"},
        {"\xef\xbb\xbf"
         "a,\"b\"\n",
         "1:a|b;", "byte order mark"},
        {"\"a \"\"q\"\"\",\"x,y\"\n", "1:a \"q\"|x,y;", "quotes"},
        {"\"one\ntwo\r\nthree\",z\nnext\n", "1:one\ntwo\r\nthree|z;4:next;", "line ends in quotes"},
        {",\n,,\n", "1:|;2:||;", "empty cells"},
        {"\"\"\n", "", "one empty cell is an empty line"},
        {"a;b;c\n1,5;2;3\n", "1:a|b|c;2:1,5|2|3;", "semicolons are found"},
        {"a\tb\n1\t2\n", "1:a|b;2:1|2;", "tabs too"},
        {"\"a;b;c\",d\n", "1:a;b;c|d;", "what is quoted does not count"},
        {"", "", "nothing"},
        {"\n\n", "", "only line ends"},
        {"a\"b\n", "line 1: a quote inside an unquoted cell", "stray quote"},
        {"x\n\"a\"b\n", "1:x;line 2: text behind a closing quote", "behind a quote"},
        {"x\n\ny,\"open\n\n", "1:x;line 3: a quote in this row is never closed", "open quote"},
        {"x\n\xff\n", "1:x;line 2: the text is not valid UTF-8", "encoding"},
        {"x\n\xff", "1:x;line 2: the text is not valid UTF-8", "encoding, no line end"},
        {"x\r\ny\r\n\xc3,z\r\nw\r\n", "1:x;2:y;line 3: the text is not valid UTF-8", "CRLF"},
        {"x\n\"a\nb\r\nc\xff\nd\"\ny\n", "1:x;line 4: the text is not valid UTF-8",
         "in a line of a quoted cell"},
        {"x,y\n\xc3,\xa9\n", "1:x|y;line 2: the text is not valid UTF-8", "half a character each"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        for (size_t piece = 1; piece < 12; piece += 2) {
            sample_is(read_all(a, str_of(ROWS[i].text), piece, 0), ROWS[i].rows, ROWS[i].why);
        }
        sample_is(read_all(a, str_of(ROWS[i].text), 1000, 0), ROWS[i].rows, ROWS[i].why);
    }
    sample_is(read_all(a, STR("a;b\n"), 3, ','), "1:a;b;", "a given separator is kept");
}

static void test_bounds(void **state)
{
    struct arena *a = *state;
    struct buf b = buf_make(4 << 20);
    for (int i = 0; i < CSV_COLUMNS_MAX; i++) {
        buf_add_char(&b, ',');
    }
    sample_is(read_all(a, buf_str(&b), 100, ','), "line 1: more than 1,024 cells", "columns");
    buf_clear(&b);
    buf_add_char(&b, '"');
    for (int i = 0; i < CSV_ROW_MAX_BYTES; i++) {
        buf_add_str(&b, STR("x\n"));
    }
    struct str got = read_all(a, buf_str(&b), 5000, ',');
    assert_true(str_ends(got, STR("the row is longer than 1 MiB")));
    buf_free(&b);
}

static void test_writes(void **state)
{
    struct arena *a = *state;
    static const char *const CELLS[] = {"plain", "a,b",  "say \"x\"", "two\nlines",
                                        "",      " pad", "=1+1",      "-5"};
    struct buf b = buf_make(4096);
    for (size_t i = 0; i < SAMPLE_COUNT(CELLS); i++) {
        csv_put(&b, str_of(CELLS[i]), i == 0, false);
    }
    csv_end_row(&b);
    sample_is(read_all(a, buf_str(&b), 7, ','), "1:plain|a,b|say \"x\"|two\nlines|| pad|=1+1|-5;",
              "back");
    buf_clear(&b);
    csv_put(&b, STR("=cmd()"), true, true);
    csv_put(&b, STR("@x"), false, true);
    csv_put(&b, STR("ok"), false, true);
    sample_is(str_dup(a, buf_str(&b)), "\"'=cmd()\",\"'@x\",ok", "guarded");
    buf_free(&b);
}

/* Real files: rows and columns as the data's description counts them. */
static void test_real_files(void **state)
{
    static const struct {
        const char *file;
        int rows, columns;
    } FILES[] = {
        {"intent/banking77/train.csv", 10003, 2},
        {"churn/telco/train.csv", 4974, 21},
    };
    for (size_t i = 0; i < SAMPLE_COUNT(FILES); i++) {
        struct arena *a = *state;
        struct str text =
            sample_data(a, FILES[i].file); /* skips by a long jump: nothing to free yet */
        struct csv *c = csv_new(0);
        csv_feed(c, text, true);
        struct csv_row row;
        int rows = 0;
        while (csv_next(c, a, &row) == CSV_ROW) {
            assert_int_equal(row.count, FILES[i].columns);
            rows++;
        }
        assert_int_equal(rows, FILES[i].rows + 1);
        csv_free(&c);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_rows),
        SAMPLE_TEST(test_bounds),
        SAMPLE_TEST(test_writes),
        SAMPLE_TEST(test_real_files),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
