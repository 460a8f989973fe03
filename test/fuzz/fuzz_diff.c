/* Two texts: the unified difference leads from the one to the other. Two trees: equal ones have no
 * changes. */
#include "codec/diff.h"
#include "codec_fuzz.h"

static size_t count_lines(struct str s)
{
    size_t n = 0;
    struct str line;
    while (s.n && str_split(&s, '\n', &line)) {
        n++;
    }
    return n;
}

static void check_lines(struct arena *a, struct str before, struct str after)
{
    struct str unified, line;
    size_t gone = 0, came = 0;
    codec_require(diff_lines(a, before, after, 3, &unified) == E_OK);
    codec_require(unified.n > 0 || count_lines(before) == count_lines(after));
    while (unified.n && str_split(&unified, '\n', &line)) {
        gone += str_starts(line, STR("-"));
        came += str_starts(line, STR("+"));
    }
    codec_require(count_lines(before) + came == count_lines(after) + gone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct str rest = codec_input(data, size), before = codec_cut(&rest);
    const struct json *x, *y;
    check_lines(a, before, rest);
    if (json_parse(a, before, &x, NULL) == E_OK && json_parse(a, rest, &y, NULL) == E_OK) {
        const struct diff_change *changes;
        bool cut = false;
        size_t n = diff_values(a, x, y, &changes, &cut);
        codec_require(json_equal(x, y) ? n == 0 : n > 0 || json_count(x) == json_count(y));
        codec_require(diff_values(a, x, x, &changes, &cut) == 0);
    }
    arena_free(&a);
    return 0;
}
