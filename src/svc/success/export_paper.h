/* The document of a brief: a renewal brief of a few sheets, or the deck of a quarterly business
 * review. Every number in it is bound from the brief, the account's facts or its health, and
 * stands once more among its sources, with a link to where it comes from. What is not known is said
 * to be missing. Pure. */
#ifndef SVC_SUCCESS_EXPORT_PAPER_H
#define SVC_SUCCESS_EXPORT_PAPER_H

#include "codec/json.h"
#include "paper/paper.h"

enum export_kind { EXPORT_BRIEF, EXPORT_QBR };

struct export_input {
    const struct json *final;   /* of the brief */
    const struct json *facts;   /* account.facts; NULL for a brief about no single account */
    const struct json *health;  /* account.health, as of the same moment; or NULL */
    const struct json *history; /* items of account.history, newest first; or NULL */
    const struct json *qbr;     /* {sections}, or NULL */
    struct str brand, author;   /* the org's name, the member's; the latter may be empty */
    struct str base_url;        /* before the paths of sources: "https://rapport.example" */
    uint32_t color;
    int64_t at_ms; /* when the facts were true */
};

struct paper *export_paper(struct arena *a, enum export_kind kind, const struct export_input *in);

#endif
