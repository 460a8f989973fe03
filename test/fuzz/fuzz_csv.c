/* The same rows however the text is cut into pieces; rows written read back. */
#include "codec/csv.h"
#include "codec_fuzz.h"

/* All rows written out again, one after the other; `*out_bad` tells how it ended. */
static struct str read_all(struct arena *a, struct str text, size_t piece, bool *out_bad)
{
    struct csv *c = csv_new(',');
    struct buf b = buf_make(8 << 20);
    struct csv_row row;
    enum csv_step step = CSV_MORE;
    size_t at = 0;
    while (step == CSV_MORE || step == CSV_ROW) {
        step = csv_next(c, a, &row);
        if (step == CSV_MORE) {
            csv_feed(c, str_sub(text, at, piece), at + piece >= text.n);
            at += piece;
        } else if (step == CSV_ROW) {
            for (size_t i = 0; i < row.count; i++) {
                csv_put(&b, row.cells[i], i == 0, false);
            }
            csv_end_row(&b);
        }
    }
    *out_bad = step == CSV_BAD;
    struct str all = str_dup(a, buf_str(&b));
    buf_free(&b);
    csv_free(&c);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(512 << 20);
    struct str in = codec_input(data, size < 20000 ? size : 20000);
    bool bad, bad_too, bad_again;
    struct str whole = read_all(a, in, in.n + 1, &bad), pieces = read_all(a, in, 3, &bad_too);
    codec_require(str_eq(whole, pieces) && bad == bad_too);
    codec_require(str_eq(whole, read_all(a, whole, 7, &bad_again)) && !bad_again);
    arena_free(&a);
    return 0;
}
