/* The rule that every number in an answer is one of its figures. A model may write {{figure.key}},
 * or a number that equals a figure; whoever writes another has invented it. Pure. */
#ifndef SVC_SUCCESS_SUCCESS_NUMBER_H
#define SVC_SUCCESS_SUCCESS_NUMBER_H

#include <stdbool.h>

#include "codec/json.h"

enum { SUCCESS_NUMBER_TEXT_MAX_BYTES = 16 << 10 };

/* What may be written. `figures` as success_figures gives them; `names` are texts that hold numbers
 * of their own and are known: of the account, people, tickets (an array of texts, or NULL). */
struct success_number_sheet {
    const struct json *figures, *names;
};

/* Replaces the placeholders and checks what is left: digits, dates, amounts ("250k"), percentages
 * (none is a figure), number words of English, German, Dutch and French from two on, and zero. A
 * change keeps its sign: "rose by 9" is not the figure -9. Numbers that begin a line of a list are
 * no claim.
 * False: *out_culprit is what nobody has told. */
bool success_number_bind(struct arena *a, const struct success_number_sheet *sheet, struct str text,
                         struct str *out_text, struct str *out_culprit);

/* The text with blanks in place of each of the texts `known` (an array) that stands there as words
 * of its own. One that is a number and nothing else stays: "82" is the id of a ticket, and in "82
 * tickets" it is how many. */
struct str success_number_without(struct arena *a, struct str text, const struct json *known);

/* The text with '#' in place of each byte of a date that is a figure, however it is written. */
struct str success_number_undated(struct arena *a, const struct json *figures, struct str text);

#endif
