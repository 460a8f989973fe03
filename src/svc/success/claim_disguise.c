#include "svc/success/claim_disguise.h"

#include "codec/text.h"

/* One of the numbers that Unicode has besides digits, a letter that only looks like one of ours, or
 * nothing that one sees. */
static bool is_disguise(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0xad, 0xad},       {0xb2, 0xb3},     {0xb9, 0xb9},       {0xbc, 0xbe},
        {0x370, 0x1dff},    {0x200b, 0x200f}, {0x202a, 0x202e},   {0x2060, 0x209f},
        {0x20d0, 0x20ff},   {0x2100, 0x2115}, {0x2117, 0x2121},   {0x2123, 0x218f},
        {0x2460, 0x24ff},   {0x2776, 0x2793}, {0x2c60, 0x2dff},   {0x3000, 0xd7ff},
        {0xfb00, 0xfdff},   {0xfe20, 0xfffc}, {0x10000, 0x1f2ff}, {0x1f51f, 0x1f51f},
        {0x20000, 0x10ffff}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

bool claim_disguise_signs(struct str text)
{
    uint32_t c;
    while (text_next(&text, &c)) {
        if (is_disguise(c)) {
            return true;
        }
    }
    return false;
}

/* The value of a Roman numeral, or 0. */
static int roman_of(struct str word)
{
    static const struct {
        const char *sign;
        int value, most;
    } signs[] = {{"M", 1000, 3}, {"CM", 900, 1}, {"D", 500, 1}, {"CD", 400, 1}, {"C", 100, 3},
                 {"XC", 90, 1},  {"L", 50, 1},   {"XL", 40, 1}, {"X", 10, 3},   {"IX", 9, 1},
                 {"V", 5, 1},    {"IV", 4, 1},   {"I", 1, 3}};
    int value = 0;
    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
        struct str sign = str_of(signs[i].sign);
        for (int k = 0; k < signs[i].most && str_starts(word, sign); k++) {
            value += signs[i].value;
            word = str_sub(word, sign.n, word.n);
        }
    }
    return word.n ? 0 : value;
}

bool claim_disguise_roman(struct arena *a, struct str text)
{
    struct text_word w;
    size_t at = 0;
    while (text_next_word(text, &at, &w)) {
        struct str upper = str_dup(a, w.word), lower = str_lower(a, w.word);
        bool small = str_eq(lower, w.word);
        char *p = str_dupz(a, upper);
        for (size_t i = 0; small && i < upper.n; i++) {
            p[i] = (char)(p[i] >= 'a' && p[i] <= 'z' ? p[i] - 32 : p[i]);
        }
        bool word = str_eqz(lower, "mix") || str_eqz(lower, "liv") || str_eqz(w.word, "CV");
        if (!word && w.word.n >= (small ? 3 : 2) && roman_of(str_make(p, upper.n))) {
            return true;
        }
    }
    return false;
}
