/* Which sentences of a passage answer a question: one to three whole sentences that follow each
 * other, never a heading, a row of a table or a list item that is no sentence. A sentence is also
 * read with the heading and title it stands under. What the question asks for counts too: "how
 * many" wants a number, "when" and "how long" a time. Pure. */
#ifndef FIND_ANSWER_H
#define FIND_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum { ANSWER_TERMS_MAX = 64, ANSWER_SENTENCES_MAX = 3, ANSWER_MAX_BYTES = 480 };

/* How much a term tells: rare ones more (index_weight). NULL where nothing is known of the
 * collection: all terms count alike. */
struct answer_weigher {
    double (*weight)(const void *arg, struct str term);
    const void *arg;
};

/* The question as it is compared; it lies in `a`. */
struct answer_question;
const struct answer_question *answer_read(struct arena *a, struct str question,
                                          struct answer_weigher weigher);

/* Other words for what is asked, stemmed: to search with. */
struct str answer_alike(struct arena *a, const struct answer_question *q);

struct answer_passage {
    struct str title, heading, text;
    bool lead; /* the document begins with it */
};

struct answer {
    size_t start, end; /* bytes of the passage's text: whole sentences */
    double share; /* 0..1: of the question's weight, said by these sentences under their heads */
    double score; /* to compare answers to the same question; about 0..1.4 */
};

/* The best there is; the first sentences when no word is shared. Only where a passage has no
 * sentence at all, a line of it (cut to ANSWER_MAX_BYTES) stands in. */
struct answer answer_find(const struct answer_question *q, const struct answer_passage *passage);

/* The same in a passage read before (reading.h); `text` is the passage's. */
struct reading;
struct answer answer_in(const struct answer_question *q, const struct reading *r, struct str text);

#endif
