#include <charconv>
#include <cstring>

extern "C" {
#include "codec/real_text.h"
}

namespace
{

constexpr int DIGITS_MAX = 17;   /* that a double ever needs */
constexpr int DIGITS_PLAIN = 15; /* up to as many stand without an exponent */
constexpr int ZEROS_PLAIN = -4;  /* 0.0001 does, too */

struct decimal {
    bool negative;
    char digits[DIGITS_MAX];
    int count;
    int exponent; /* of the first digit */
};

decimal read(double value)
{
    char text[REAL_TEXT_MAX_BYTES];
    const char *end =
        std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr;
    decimal d{};
    const char *at = text;
    if (*at == '-') {
        d.negative = true;
        at++;
    }
    for (; at < end && *at != 'e'; at++) {
        if (*at != '.') {
            d.digits[d.count++] = *at;
        }
    }
    at += at + 1 < end && at[1] == '+' ? 2 : 1;
    std::from_chars(at, end, d.exponent);
    return d;
}

char *put_digits(char *to, const decimal &d, int from, int n)
{
    for (int i = from; i < from + n; i++) {
        *to++ = i < d.count ? d.digits[i] : '0';
    }
    return to;
}

char *put_plain(char *to, const decimal &d)
{
    if (d.exponent < 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = d.exponent + 1; i < 0; i++) {
            *to++ = '0';
        }
        return put_digits(to, d, 0, d.count);
    }
    to = put_digits(to, d, 0, d.exponent + 1);
    *to++ = '.';
    int more = d.count - d.exponent - 1;
    return put_digits(to, d, d.exponent + 1, more > 0 ? more : 1);
}

char *put_with_exponent(char *to, const decimal &d)
{
    *to++ = d.digits[0];
    if (d.count > 1) {
        *to++ = '.';
        to = put_digits(to, d, 1, d.count - 1);
    }
    int size = d.exponent < 0 ? -d.exponent : d.exponent;
    *to++ = 'e';
    *to++ = d.exponent < 0 ? '-' : '+';
    if (size < 10) {
        *to++ = '0';
    }
    return std::to_chars(to, to + 4, size).ptr;
}

} // namespace

extern "C" size_t real_text(double value, char out[REAL_TEXT_MAX_BYTES])
{
    decimal d = read(value);
    int plain = d.count > DIGITS_PLAIN ? d.count : DIGITS_PLAIN;
    char *to = out;
    if (d.negative) {
        *to++ = '-';
    }
    bool fits = d.exponent >= ZEROS_PLAIN && d.exponent < plain;
    to = fits ? put_plain(to, d) : put_with_exponent(to, d);
    return static_cast<size_t>(to - out);
}
