/* The parts that the documents of export_paper.h are put together from: each adds a page, or none
 * when there is nothing to say. Pure. */
#ifndef SVC_SUCCESS_EXPORT_PART_H
#define SVC_SUCCESS_EXPORT_PART_H

#include "svc/success/export_note.h"

enum { EXPORT_TICKETS_MAX = 40 };

void export_part_summary(struct export_work *w);
void export_part_adoption(struct export_work *w);
void export_part_support(struct export_work *w);
void export_part_issues(struct export_work *w);
void export_part_renewal(struct export_work *w);
void export_part_actions(struct export_work *w);
void export_part_roadmap(struct export_work *w);
void export_part_email(struct export_work *w);
void export_part_missing(struct export_work *w);
void export_part_portfolio(struct export_work *w);
void export_part_sources(struct export_work *w);

#endif
