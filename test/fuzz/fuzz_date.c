/* A time that is read is written so that it reads the same. */
#include "codec/date.h"
#include "codec_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(1 << 20);
    int64_t ms, again;
    if (date_parse(codec_input(data, size), &ms)) {
        struct date d = date_of_ms(ms, 0);
        bool inside = ms >= -62135596800000 && ms <= 253402300799999; /* an offset may lead out */
        codec_require(date_is_valid(d.year, d.month, d.day));
        codec_require(!inside || (date_parse(date_iso(a, ms), &again) && again == ms));
    }
    if (size >= sizeof(ms)) {
        memcpy(&ms, data, sizeof(ms));
        struct date d = date_of_ms(ms, 0);
        codec_require(date_is_valid(d.year, d.month, d.day) && d.weekday >= 0 && d.weekday < 7);
        date_words_time(a, ms);
        date_http(a, ms);
    }
    arena_free(&a);
    return 0;
}
