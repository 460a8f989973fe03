#include "unit/codec/sample.h"

#include <unistd.h>

#include "base/ctx.h"
#include "base/log.h"

static void test_masks(void **state)
{
    static const struct {
        const char *text, *masked, *why;
    } ROWS[] = {
        {"order BW-10421 of Ada", "order BW-10421 of Ada", "plain text"},
        {"write to ada.l+x@mail.example.org now", "write to ***@mail.example.org now",
         "an address"},
        {"a@b", "***@b", "a short one"},
        {"@x y@ @", "@x y@ @", "no addresses"},
        {"card 4111-1111-1111-1111 end", "card *** end", "a card"},
        {"call +31.20.123.4567", "call ***", "a phone number"},
        {"4111 1111 1111 1111", "***", "a card in groups"},
        {"paid with 4111 1111 1111 1111, thanks", "paid with ***, thanks", "within a sentence"},
        {"card:5500-0000 0000 0004", "card:***", "dashes and blanks"},
        {"3782 822463 10005", "***", "groups of 4, 6 and 5"},
        {"4111 1111 1111 1112", "4111 1111 1111 1112", "Luhn fails: some other numbers"},
        {"iban DE89 3704 0044 0532 0130 00 of Ada", "iban *** of Ada", "an account in groups"},
        {"GB82WEST12345698765432", "***", "an account without blanks"},
        {"GB83 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32", "check digits fail"},
        {"call +44 20 7946 0958 now", "call *** now", "international, blanks"},
        {"(206) 555-0100", "***", "parentheses"},
        {"206 555 0100 or 206-555-0100", "*** or ***", "3, 3 and 4"},
        {"06 12 34 56 78", "***", "pairs behind a 0"},
        {"at 2026-11-21 09:30:00", "at 2026-11-21 09:30:00", "a time passes"},
        {"took 120 345 678 us", "took 120 345 678 us", "measures pass"},
        {"run 3 of 12 (10421)", "run 3 of 12 (10421)", "counts pass"},
        {"192.168.100.200", "***", "nine digits and dots: as it was"},
        {"(", "(", "a lone parenthesis"},
        {"+", "+", "a lone plus"},
        {"id 0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b", "id 0190b6f4-4f1c-7f3e-8a2b-1c2d3e4f5a6b",
         "ids pass"},
        {"at 1772360", "at 1772360", "short numbers pass"},
        {"Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIx.c2ln", "Bearer ***", "a token"},
        {"rk_0123456789abcdef sk-abcdefghijklmno", "*** ***", "keys"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "***", "a webhook's secret"},
        {"", "", "nothing"},
    };
    struct arena *a = *state;
    for (size_t i = 0; i < SAMPLE_COUNT(ROWS); i++) {
        struct buf b = buf_make(4096);
        log_mask(&b, str_of(ROWS[i].text));
        sample_is(str_dup(a, buf_str(&b)), ROWS[i].masked, ROWS[i].why);
        buf_free(&b);
    }
}

static const struct json *logged(struct arena *a, int fd)
{
    char line[9000];
    ssize_t n = read(fd, line, sizeof(line));
    assert_true(n > 1 && line[n - 1] == '\n');
    assert_int_equal(str_find_char(str_make(line, (size_t)n), '\n'), n - 1); /* one line */
    return sample_json(a, str_dup(a, str_make(line, (size_t)n - 1)));
}

static void test_lines(void **state)
{
    struct arena *a = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct facilities at = {.clock = clock_new(), .log = log_new(pipes[1], LOG_INFO)};
    struct ctx *c = ctx_new(&at, 1 << 16);
    c->org = id_from_name(STR("org"));
    char *big = arena_alloc(a, 20001);
    memset(big, 'x', 20000);
    log_at(c, LOG_DEBUG, "not wanted");
    log_at(c, LOG_WARN, "thing happened", LOG_STR("who", STR("ada@b.co \"q\"\n\x01")),
           LOG_INT("n", -5), LOG_REAL("share", 0.5), LOG_Z("raw", "\xff"));
    const struct json *v = logged(a, pipes[0]);
    sample_is(json_str(v, "level", STR("")), "warn", "level");
    sample_is(json_str(v, "who", STR("")), "***@b.co \"q\"\n\x01", "masked and escaped");
    sample_is(json_str(v, "request_id", STR("")), c->request_id, "request id");
    sample_is(json_str(v, "org_id", STR("")), c->org.text, "org");
    sample_is(json_str(v, "raw", STR("")), "(not UTF-8)", "bad bytes");
    assert_true(json_int(v, "n", 0) == -5 && json_real(v, "share", 0) == 0.5);
    log_at(c, LOG_ERROR, "big", LOG_Z("a", big), LOG_Z("b", big), LOG_Z("c", big), LOG_Z("d", big),
           LOG_Z("e", big), LOG_Z("f", big), LOG_Z("g", big), LOG_Z("h", big), LOG_Z("i", big));
    v = logged(a, pipes[0]); /* still JSON, with what fitted */
    assert_true(json_str(v, "a", STR("")).n > 900 && !json_get(v, "i"));
    log_write(at.log, NULL, LOG_INFO, "no task", NULL);
    assert_null(json_get(logged(a, pipes[0]), "request_id"));
    ctx_free(&c);
    log_free(&at.log);
    clock_free(&at.clock);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_masks),
        SAMPLE_TEST(test_lines),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
