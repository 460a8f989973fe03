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

struct paper *export_paper(struct arena *a, enum export_kind kind, const struct export_input *in)
{
    struct export_work *w = ARENA_NEW(a, struct export_work);
    export_note_begin(w, a, in);
    w->kind = kind;
    bool account = w->account != NULL, qbr = kind == EXPORT_QBR;
    struct str what = qbr ? STR("Quarterly business review") : STR("Renewal brief");
    if (!account) {
        what = STR("Customer portfolio");
    }
    struct paper head = {
        .title = account ? str_fmt(a, "%.*s: %.*s", STR_ARG(what), STR_ARG(w->name)) : what,
        .subtitle = account ? what : STR(""),
        .brand = in->brand,
        .author = in->author,
        .footer = STR("Confidential"),
        .color = in->color,
        .at_ms = in->at_ms,
    };
    w->p = paper_new(a, &head);
    paper_add_page(w->p, PAPER_COVER, STR(""), account ? w->name : what);
    for (const export_part *part = !account ? PORTFOLIO : qbr ? QBR : BRIEF; *part; part++) {
        (*part)(w);
    }
    return w->p;
}
