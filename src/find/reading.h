/* A passage made ready for questions: its sentences, their words as term.h knows them, and what
 * kind of thing each says. All of it follows from the passage alone, so it is found once and kept
 * with the passage (shelf_passage.h), not found again for every question. Pure; immutable once
 * made, so any number of threads may read it. */
#ifndef FIND_READING_H
#define FIND_READING_H

#include <stdint.h>

#include "find/sentence.h"

enum { READING_NONE = UINT32_MAX };

/* What a text says, whatever is asked. */
enum reading_kind {
    READING_NUMBER = 1,  /* a digit or a number in words */
    READING_UNIT = 2,    /* of time */
    READING_AMOUNT = 4,  /* none, free, unlimited */
    READING_MONEY = 8,   /* a currency, or that it costs nothing */
    READING_MENU = 16,   /* where to click: "Settings > Billing" */
    READING_VERDICT = 32 /* "not", "can": a yes or a no */
};

/* One of the passage's different words, stemmed. */
struct reading_term {
    uint32_t at, n; /* in reading.bytes */
    uint32_t hash;  /* reading_hash */
    bool stop;      /* term_is_stop */
};

/* A word where it stands. */
struct reading_word {
    uint32_t term;
    uint32_t joined; /* "set-up", at "up": the term "setup"; READING_NONE: no hyphen before it */
};

struct reading_part {
    uint32_t from, count; /* of reading.words */
};

/* A sentence (sentence.h). What a run of sentences says and how many words it has is what its
 * first says and what every further one adds, the space before it included. */
struct reading_line {
    struct sentence sentence;
    struct reading_part words;
    struct reading_part label; /* what stands before a colon, or all of a short line */
    uint32_t leaning_bytes;    /* a run of as many bytes leans on what stands before it: "It ..." */
    uint8_t says, says_after;  /* READING_... bits: as the first of a run, as a further one */
    uint8_t count, count_after; /* of words, no further than it matters: READING_COUNTED */
};

enum { READING_COUNTED = 4 };

struct reading {
    struct reading_line *lines;
    struct reading_term *terms;
    struct reading_word *words;
    char *bytes;
    struct reading_part title, heading;
    uint32_t line_count, term_count, word_count, byte_count;
    uint32_t text_bytes;
    bool lead; /* the document begins with it */
};

/* Nothing of the texts is kept by reference. */
struct reading *reading_new(struct str title, struct str heading, struct str text, bool lead);
void reading_free(struct reading **r);
size_t reading_memory_bytes(const struct reading *r);

struct str reading_term(const struct reading *r, uint32_t term);
uint32_t reading_hash(struct str term);

#endif
