/* The forms that a text can be asked to have: JSON Schema's `format` names, and what field tables
 * use. Known are date, date-time, time (RFC 3339), email, uuid, uri (with a scheme) and ipv4. Pure.
 */
#ifndef CODEC_FORMAT_H
#define CODEC_FORMAT_H

#include "base/str.h"

bool format_is_known(struct str name);
/* False too when the name is unknown. */
bool format_is(struct str name, struct str text);

/* One address as people write it: no quotes, no comments, at most 254 bytes. */
bool format_is_email(struct str text);

#endif
