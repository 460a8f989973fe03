/* Values in what a person wrote: numbers, money, dates, e-mail addresses, order numbers, choices,
 * names, yes and no. Rules in code, no learned model: what is found is either right by its form or
 * reported with a low confidence. Made for filling the arguments of tools from their JSON Schema.
 * Pure; English first (digits, e-mail, ids and formats are language-free). Text is UTF-8; spans are
 * byte offsets. */
#ifndef NLU_SLOT_H
#define NLU_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"

enum slot_kind {
    SLOT_INTEGER,   /* "12", "twelve", "1,200", "a couple" */
    SLOT_DECIMAL,   /* also percent: "12.5" */
    SLOT_MONEY,     /* minor units with a currency */
    SLOT_DATE,      /* a day */
    SLOT_TIME,      /* minutes after midnight */
    SLOT_DATE_TIME, /* a day and a time */
    SLOT_DURATION,  /* "two weeks", in ms */
    SLOT_EMAIL,
    SLOT_PHONE, /* normalised: + and digits, or digits */
    SLOT_URL,
    SLOT_PATTERN, /* the schema's `pattern` */
    SLOT_CHOICE,  /* the schema's `enum` */
    SLOT_BOOLEAN,
    SLOT_NAME, /* a person's name: "I'm Anna Berg", "my name is ..." */
    SLOT_TEXT  /* free text: the whole message, without a leading courtesy */
};

enum { SLOT_FOUND_MAX = 16, SLOT_TEXT_MAX_BYTES = 8192 };

struct slot {
    enum slot_kind kind;
    size_t start, end; /* bytes of the text */
    double confidence; /* 0..1: 1 certain by its form, .9 usual form, .5 and less a guess */
    struct str text;   /* normalised text (ISO date, e-mail, id, choice ...), in the arena */
    int64_t integer;   /* INTEGER; MONEY: minor units; TIME: minutes; DURATION: ms; BOOLEAN: 0, 1 */
    double real;       /* INTEGER, DECIMAL, MONEY in major units */
    char currency[4];  /* MONEY: ISO 4217; empty when the text names none */
    int64_t at_ms;     /* DATE (its midnight), DATE_TIME: Unix ms in the given offset */
};

/* What surrounds the text. */
struct slot_scene {
    int64_t now_ms;     /* for "tomorrow", "in two weeks" */
    int utc_offset_min; /* of the person, -14*60 .. 14*60 */
    bool day_first;     /* 03/04/2026 is 3 April; otherwise 4 March */
    bool past;          /* bare "Tuesday" or "March 3" means the last one, not the next one */
    bool answers; /* the text answers the question for this very slot: bare values are trusted */
};

/* What to look for. Made from a parameter's schema, or by hand. */
struct slot_want {
    enum slot_kind kind;
    struct str name;           /* parameter name: "order_number" */
    const struct json *schema; /* pattern, enum, x-synonyms, minimum, maximum ...; may be NULL */
};

/* type, format (date, time, date-time, email, uri, duration), pattern, enum and, for plain strings
 * and integers, the name (amount_cents, email, phone, full_name, reason ...) decide. `schema` must
 * outlive the want. */
struct slot_want slot_want_of(struct str name, const struct json *schema);

/* All values of the wanted kind in the order of confidence, then of place; at most SLOT_FOUND_MAX.
 * Returns how many. out_slots has room for SLOT_FOUND_MAX. */
size_t slot_find(struct arena *a, const struct slot_want *want, struct str text,
                 const struct slot_scene *scene, struct slot *out_slots);

/* The value as the schema wants it: a string, number, boolean; integer cents for money wanted as
 * integer; "2026-03-03" or RFC 3339 for dates. NULL when the value breaks the schema's minimum,
 * maximum, pattern, enum or lengths (out_why then says so in words for the person, when not NULL).
 */
const struct json *slot_value(struct arena *a, const struct slot_want *want,
                              const struct slot *slot, struct str *out_why);

/* A schema's choice as synonyms: `x-synonyms: {value: ["word", ...]}`. Values match as whole words,
 * case folded, "_" and "-" as blanks; from five letters on also with one typing error (two from
 * nine). */

/* How a reply relates to a yes-no question ("Shall I cancel it?"). */
enum slot_reply {
    SLOT_REPLY_UNCLEAR,
    SLOT_REPLY_CONFIRM, /* yes, sure, go ahead, please do, 👍 */
    SLOT_REPLY_DENY,    /* no, don't, leave it, stop */
    SLOT_REPLY_CORRECT, /* no, I meant ..., actually BW-2, change it to ... : a new value follows */
    SLOT_REPLY_LATER    /* not now, wait, let me think */
};
enum slot_reply slot_reply_of(struct str text, double *out_confidence);

/* True when the person wants to leave the dialogue at hand: cancel that, never mind, forget it. */
bool slot_is_abort(struct str text);

#endif
