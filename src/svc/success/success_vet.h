/* What a model wrote, before anybody sees it. Tickets, names and notes are written by people
 * outside, and a model may do what they say: so its texts are believed no more than theirs. A text
 * holds when every number is a figure (success_number.h) and said of what it is the figure of, when
 * what it says without a number is what the data say (success_claim.h), and when it has no link,
 * address or command, asks for no password, gives no orders to programs, repeats none of the
 * model's own instructions and names no other account of the org.
 * What the asker wrote themselves may be repeated. Of a text that holds, sentences that no data
 * bear out are left out where that is wanted (success_ground.h). */
#ifndef SVC_SUCCESS_SUCCESS_VET_H
#define SVC_SUCCESS_SUCCESS_VET_H

#include "base/ctx.h"
#include "codec/json.h"

enum { SUCCESS_VET_DEPTH_MAX = 8 };

struct success_vet {
    const struct json *figures; /* as success_figures gives them */
    const struct json *names;   /* texts that may stand as they are: of people, ids of tickets */
    const struct json *quotes;  /* what others wrote, with the marks of a quotation around it */
    struct str account;         /* id */
    struct str asked;           /* what the asker wrote */
    struct str instructions;    /* the model's */
    struct str trend, risk;     /* empty: not known, and no claim about it holds */
    int64_t now_ms;
    bool grounded; /* it is English, and only what the data bear out is to be told */
    const struct json *contacts, *own; /* as of success_ground.h */
};

/* Why a part does not hold, without its words: they may be what somebody wants to be read. Only of
 * a number `culprit` is what it was. */
struct success_vet_fault {
    const char *what; /* "a link"; NULL: it is a number */
    struct str culprit;
    bool left_out; /* the part holds, but for some of its sentences */
};

/* Every text of `part` (objects and lists of texts), placeholders filled in; *out_part is NULL and
 * *out_fault told where one does not hold. An object goes with a text of which nothing is left,
 * unless that is its `reason`. Task code: asks account.match. */
enum err success_vet_part(struct ctx *c, const struct success_vet *v, const struct json *part,
                          const struct json **out_part, struct success_vet_fault *out_fault);

/* What is wrong with a text but its numbers and the accounts it names; NULL: nothing. Pure. */
const char *success_vet_words(struct arena *a, const struct success_vet *v, struct str text);

#endif
