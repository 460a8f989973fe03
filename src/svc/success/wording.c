#include "svc/success/wording.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/date.h"

enum { TEXT_MAX_BYTES = 64 << 10, DIGITS_MAX = 24 };

static const char *const language_names[] = {"en", "de", "nl", "fr"};
static const char *const tone_names[] = {"friendly", "formal", "concise"};

static const char *const months[WORDING_LANGUAGES][12] = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September",
     "October", "November", "December"},
    {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
     "November", "Dezember"},
    {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september",
     "oktober", "november", "december"},
    {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
     "octobre", "novembre", "décembre"},
};

bool wording_language_parse(struct str name, enum wording_language *out_language)
{
    for (int i = 0; i < WORDING_LANGUAGES; i++) {
        if (str_eqz(name, language_names[i])) {
            *out_language = (enum wording_language)i;
            return true;
        }
    }
    return false;
}

bool wording_tone_parse(struct str name, enum wording_tone *out_tone)
{
    for (int i = 0; i < WORDING_TONES; i++) {
        if (str_eqz(name, tone_names[i])) {
            *out_tone = (enum wording_tone)i;
            return true;
        }
    }
    return false;
}

const char *wording_language_name(enum wording_language l)
{
    return language_names[l];
}

const char *wording_language_title(enum wording_language l)
{
    static const char *const titles[] = {"English", "German", "Dutch", "French"};
    return titles[l];
}

char wording_decimal(enum wording_language l)
{
    return l == WORDING_EN ? '.' : ',';
}

const char *wording_tone_name(enum wording_tone t)
{
    return tone_names[t];
}

struct str wording_date(struct arena *a, enum wording_language l, int64_t ms)
{
    struct date d = date_of_ms(ms, 0);
    const char *behind_day = l == WORDING_DE ? "." : l == WORDING_FR && d.day == 1 ? "er" : "";
    return str_fmt(a, "%d%s %s %04d", d.day, behind_day, months[l][d.month - 1], d.year);
}

/* 250000 -> "250,000", "250.000" or "250 000" (no-break, as French wants it). */
struct str wording_number(struct arena *a, enum wording_language l, int64_t value)
{
    static const char *const between[] = {",", ".", ".", "\u00a0"};
    struct str digits = str_fmt(a, "%llu", (unsigned long long)llabs(value));
    struct buf b = buf_make(TEXT_MAX_BYTES);
    buf_addf(&b, "%s", value < 0 ? "-" : "");
    for (size_t i = 0; i < digits.n; i++) {
        if (i && (digits.n - i) % 3 == 0) {
            buf_add_str(&b, str_of(between[l]));
        }
        buf_add_char(&b, digits.p[i]);
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

struct str wording_money(struct arena *a, enum wording_language l, int64_t cents,
                         struct str currency)
{
    struct str units = wording_number(a, l, cents / 100);
    int rest = (int)(llabs(cents) % 100);
    const char *minus = cents < 0 && cents / 100 == 0 ? "-" : "";
    struct str amount =
        rest ? str_fmt(a, "%s%.*s%s%02d", minus, STR_ARG(units), l == WORDING_EN ? "." : ",", rest)
             : units;
    const char *sign = str_eqz(currency, "EUR")   ? "€"
                       : str_eqz(currency, "USD") ? "$"
                       : str_eqz(currency, "GBP") ? "£"
                                                  : NULL;
    if (!sign) {
        return currency.n ? str_fmt(a, "%.*s %.*s", STR_ARG(currency), STR_ARG(amount)) : amount;
    }
    if (l == WORDING_EN) {
        return str_fmt(a, "%s%.*s", sign, STR_ARG(amount));
    }
    return l == WORDING_NL ? str_fmt(a, "%s\u00a0%.*s", sign, STR_ARG(amount))
                           : str_fmt(a, "%.*s\u00a0%s", STR_ARG(amount), sign);
}

static const struct wording_slot *slot_at(struct str rest, const struct wording_slot *slots)
{
    for (; slots->name; slots++) {
        size_t n = strlen(slots->name);
        if (rest.n >= n + 2 && memcmp(rest.p + 1, slots->name, n) == 0 && rest.p[n + 1] == '}') {
            return slots;
        }
    }
    return NULL;
}

struct str wording_fill(struct arena *a, const char *text, const struct wording_slot *slots)
{
    struct buf b = buf_make(TEXT_MAX_BYTES);
    struct str rest = str_of(text);
    while (rest.n) {
        const struct wording_slot *slot = *rest.p == '{' ? slot_at(rest, slots) : NULL;
        if (slot) {
            buf_add_str(&b, slot->value);
            rest = str_sub(rest, strlen(slot->name) + 2, rest.n);
        } else {
            buf_add_char(&b, *rest.p);
            rest = str_sub(rest, 1, rest.n);
        }
    }
    struct str filled = str_dup(a, buf_str(&b));
    buf_free(&b);
    return filled;
}
