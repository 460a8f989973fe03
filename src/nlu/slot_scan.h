/* Inside slot*.c only: a text being searched for values of one kind. */
#ifndef NLU_SLOT_SCAN_H
#define NLU_SLOT_SCAN_H

#include "codec/date.h"
#include "nlu/phrase.h"
#include "nlu/slot.h"

struct slot_scan {
    struct arena *arena;
    const struct slot_want *want;
    const struct slot_scene *scene;
    struct str text;
    struct phrase_text words;
    struct date now; /* local to the person */
    int64_t today;   /* days since 1970-01-01, local */
    struct slot *out;
    size_t count;
};

/* Keeps a find unless a better one lies over it; worse ones under it go. */
void slot_scan_put(struct slot_scan *s, struct slot slot);
/* Text of the words first..last as written. */
struct str slot_scan_span(const struct slot_scan *s, size_t first, size_t last);
/* The byte before word i / after word i, 0 at the ends. */
unsigned char slot_scan_before(const struct slot_scan *s, size_t i);
unsigned char slot_scan_after(const struct slot_scan *s, size_t i);
/* Whether word i exists, follows word i - 1 in one clause, and is one of "a/b/c" (see phrase.h). */
bool slot_scan_is(const struct slot_scan *s, size_t i, const char *words);
/* Whether word i exists and is one of "a/b/c", wherever it stands. */
bool slot_scan_at(const struct slot_scan *s, size_t i, const char *words);
/* Whether the parameter's name has one of the words: "quantity", "order_date" has "date". */
bool slot_scan_named(const struct slot_want *want, const char *words);

/* A number that begins at word i: "1,200", "12k", "twenty-three", "a dozen", "two and a half",
 * "3rd". */
struct slot_number {
    double value;
    size_t first, last; /* words */
    bool whole;         /* no fraction */
    bool spelled;       /* in letters */
    bool ordinal;       /* "3rd", "third" */
    bool loose;         /* "one", "a": often no number */
    bool in_id;         /* joined to letters by a dash, or behind "#" */
};
bool slot_number_at(const struct slot_scan *s, size_t i, struct slot_number *out);
/* "1,200.50" and its like, filling the view. */
bool slot_number_read(struct str text, bool comma_decimals, double *out_value, bool *out_whole);

/* A length of time at word i: "two weeks", "half an hour", "90 minutes". */
struct slot_span {
    int months, days; /* calendar part */
    int64_t ms;       /* clock part */
    size_t first, last;
};
bool slot_time_span_at(const struct slot_scan *s, size_t i, struct slot_span *out);

/* A time of day at word i, in minutes; confidence 0..1. */
struct slot_clock {
    int minutes;
    size_t first, last;
    double confidence;
};
bool slot_time_at(const struct slot_scan *s, size_t i, struct slot_clock *out);

/* A day at word i, in days since 1970-01-01. */
struct slot_day {
    int64_t day;
    size_t first, last;
    double confidence;
};
bool slot_date_at(const struct slot_scan *s, size_t i, struct slot_day *out);

/* The finders of slot_find, by kind. */
void slot_number_find(struct slot_scan *s);
void slot_money_find(struct slot_scan *s);
void slot_date_find(struct slot_scan *s);
void slot_time_find(struct slot_scan *s);
void slot_time_find_spans(struct slot_scan *s);
void slot_moment_find(struct slot_scan *s);
void slot_form_find(struct slot_scan *s); /* e-mail, phone, URL, pattern */
void slot_choice_find(struct slot_scan *s);
void slot_person_find(struct slot_scan *s); /* names, booleans, free text */

#endif
