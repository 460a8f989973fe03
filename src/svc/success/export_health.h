/* The parts of an exported document that are about the score: what it is made of, what made it
 * another, how it came about. Each adds a page, or none when there is nothing to say. Pure. */
#ifndef SVC_SUCCESS_EXPORT_HEALTH_H
#define SVC_SUCCESS_EXPORT_HEALTH_H

#include "svc/success/export_note.h"

void export_health_score(struct export_work *w);
void export_health_change(struct export_work *w);
void export_health_history(struct export_work *w);

#endif
