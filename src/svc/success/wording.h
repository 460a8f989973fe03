/* How the copilot writes to customers: languages, tones, dates, amounts, texts with slots. Pure. */
#ifndef SVC_SUCCESS_WORDING_H
#define SVC_SUCCESS_WORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum wording_language { WORDING_EN, WORDING_DE, WORDING_NL, WORDING_FR, WORDING_LANGUAGES };
enum wording_tone { WORDING_FRIENDLY, WORDING_FORMAL, WORDING_CONCISE, WORDING_TONES };

/* "en", "de", "nl", "fr"; "friendly", "formal", "concise". False: none of them. */
bool wording_language_parse(struct str name, enum wording_language *out_language);
bool wording_tone_parse(struct str name, enum wording_tone *out_tone);
const char *wording_language_name(enum wording_language l);
const char *wording_language_title(enum wording_language l); /* "German": for a model */
const char *wording_tone_name(enum wording_tone t);

struct str wording_date(struct arena *a, enum wording_language l, int64_t ms); /* UTC */
struct str wording_number(struct arena *a, enum wording_language l, int64_t value);
char wording_decimal(enum wording_language l); /* what stands before the tenths */
/* Whole units unless there are cents; EUR, USD and GBP by their sign, others by their code. */
struct str wording_money(struct arena *a, enum wording_language l, int64_t cents,
                         struct str currency);

/* `text` with each {name} replaced; a slot that is not given is left as it stands. */
struct wording_slot {
    const char *name; /* NULL ends */
    struct str value;
};
struct str wording_fill(struct arena *a, const char *text, const struct wording_slot *slots);

#endif
