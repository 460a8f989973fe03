#include "svc/success/export_paper.h"

#include "svc/success/export_health.h"
#include "svc/success/export_part.h"

/* The parts of each kind, in order. */
typedef void (*export_part)(struct export_work *w);
static const export_part BRIEF[] = {
    export_part_summary,
    export_health_score,
    export_health_change,
    export_part_adoption,
    export_part_issues,
    export_part_renewal,
    export_part_actions,
    export_part_email,
    export_part_missing,
    export_part_sources,
    NULL,
};
static const export_part QBR[] = {
    export_part_summary,   export_part_adoption, export_health_score, export_health_change,
    export_health_history, export_part_support,  export_part_issues,  export_part_renewal,
    export_part_actions,   export_part_roadmap,  export_part_sources, NULL,
};
static const export_part PORTFOLIO[] = {
    export_part_portfolio,
    export_part_missing,
    export_part_sources,
    NULL,
};

/* What a document says of itself. */
static const struct paper_words *words_of(struct arena *a, enum wording_language l)
{
    struct paper_words *words = ARENA_NEW(a, struct paper_words);
    *words = (struct paper_words){
        .source = speech_of(l, SPEECH_PAPER_SOURCE),
        .contents = speech_of(l, SPEECH_PAPER_CONTENTS),
        .continued = speech_of(l, SPEECH_PAPER_CONTINUED),
        .more = speech_of(l, SPEECH_PAPER_MORE),
        .newest = speech_of(l, SPEECH_PAPER_NEWEST),
        .beyond = speech_of(l, SPEECH_PAPER_BEYOND),
        .steps = {speech_of(l, SPEECH_PAPER_NOTHING), speech_of(l, SPEECH_PAPER_TOTAL),
                  speech_of(l, SPEECH_PAPER_UP), speech_of(l, SPEECH_PAPER_DOWN)},
        .gauge = {speech_of(l, SPEECH_PAPER_VALUE), speech_of(l, SPEECH_PAPER_REST)},
        .decimal = wording_decimal(l),
    };
    return words;
}

struct paper *export_paper(struct arena *a, enum export_kind kind, const struct export_input *in)
{
    struct export_work *w = ARENA_NEW(a, struct export_work);
    export_note_begin(w, a, in);
    w->kind = kind;
    bool account = w->account != NULL, qbr = kind == EXPORT_QBR;
    struct str what = export_note_say(w, !account ? SPEECH_DOC_PORTFOLIO
                                         : qbr    ? SPEECH_DOC_QBR
                                                  : SPEECH_DOC_BRIEF);
    struct paper head = {
        .title = account
                     ? SPEECH_FILL(a, w->l, SPEECH_DOC_TITLE, {"what", what}, {"account", w->name})
                     : what,
        .subtitle = account ? what : STR(""),
        .brand = in->brand,
        .author = in->author,
        .footer = export_note_say(w, SPEECH_DOC_CONFIDENTIAL),
        .color = in->color,
        .at_ms = in->at_ms,
        .when = export_note_date(w, in->at_ms),
        .language = str_of(wording_language_name(w->l)),
        .words = words_of(a, w->l),
    };
    w->p = paper_new(a, &head);
    paper_add_page(w->p, PAPER_COVER, STR(""), account ? w->name : what);
    for (const export_part *part = !account ? PORTFOLIO : qbr ? QBR : BRIEF; *part; part++) {
        (*part)(w);
    }
    return w->p;
}
