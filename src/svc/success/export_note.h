/* What all parts of an exported document do: facts read once, numbers in words, and every figure
 * that is shown remembered with its source. Pure. */
#ifndef SVC_SUCCESS_EXPORT_NOTE_H
#define SVC_SUCCESS_EXPORT_NOTE_H

#include "svc/success/export_paper.h"
#include "svc/success/speech.h"

enum { EXPORT_FIGURES_MAX = 100 };

/* A number (or date, or name) that was shown, for the page of sources. */
struct export_figure {
    struct str label, value, source, url;
};

struct export_work {
    struct arena *a;
    struct paper *p;
    const struct export_input *in;
    enum export_kind kind;
    enum wording_language l; /* of the brief, and so of the document */
    const struct json *account, *contract, *usage, *tickets; /* of the facts; or NULL */
    struct str id, name;
    bool has_score, has_renewal, has_arr, has_users, has_tickets, has_seats;
    int64_t score, renewal_ms, renewal_days, arr_cents, users, open_tickets, seats;
    struct str risk, trend, currency; /* trend: up, flat, down or empty */
    struct export_figure figures[EXPORT_FIGURES_MAX];
    int n_figures;
};

/* Reads the facts. */
void export_note_begin(struct export_work *w, struct arena *a, const struct export_input *in);

/* Remembers a figure for the page of sources; returns the address of the part of the account's page
 * that it is from: health, usage, tickets, contract. */
struct str export_note(struct export_work *w, struct str label, struct str value, const char *part);
struct str export_note_as(struct export_work *w, enum speech label, struct str value,
                          const char *part);
void export_note_at(struct export_work *w, const struct export_figure *figure);
struct str export_note_url(struct export_work *w, const char *part);

/* False: it is no whole number. */
bool export_note_int(const struct json *of, const char *name, int64_t *out);
struct str export_note_number(struct export_work *w, int64_t n);
struct str export_note_date(struct export_work *w, int64_t ms);
struct str export_note_real(struct export_work *w, double n);
struct str export_note_money(struct export_work *w, int64_t cents);
struct str export_note_word(struct export_work *w, struct str word); /* of the data */
/* A phrase, and one with {name} in it. */
struct str export_note_say(struct export_work *w, enum speech which);
struct str export_note_fill(struct export_work *w, enum speech which, const char *name,
                            struct str value);
enum paper_tone export_note_risk(struct str risk);
enum paper_tone export_note_points(const struct json *factor); /* of the health */

/* A big figure; the ones that several parts show have a function each. */
struct export_shown {
    enum speech label;
    struct str value, note;
    enum paper_tone tone;
    const char *part;
};
void export_note_show(struct export_work *w, struct paper_block *b, const struct export_shown *s);
void export_note_score(struct export_work *w, struct paper_block *b);
void export_note_renewal(struct export_work *w, struct paper_block *b);
void export_note_arr(struct export_work *w, struct paper_block *b);
void export_note_tickets(struct export_work *w, struct paper_block *b);
void export_note_users(struct export_work *w, struct paper_block *b);

struct paper_page *export_note_page(struct export_work *w, enum speech kicker, struct str title);
struct paper_block *export_note_figures(struct export_work *w, struct paper_page *page,
                                        enum paper_side side);
struct paper_block *export_note_list(struct export_work *w, struct paper_page *page,
                                     enum paper_side side, enum speech heading);
void export_note_item(struct export_work *w, struct paper_block *b, struct str lead,
                      struct str text);

#endif
