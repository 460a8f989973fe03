/* What an org may set about itself: members of its `settings` that services declare
 * (service.config). Others are kept as they are: the console's own, brand, notes. Pure but for the
 * fault in c. */
#ifndef HOST_ORG_SETTINGS_H
#define HOST_ORG_SETTINGS_H

#include "host/service.h"

/* Of a change to settings (RFC 7396: null takes back): each declared value is a whole number in its
 * range. E_INVALID names the member: "settings.briefs.keep_days". */
enum err org_settings_check(struct ctx *c, const struct service *const *services,
                            const struct json *change);
/* The declared value, or its fallback where nothing stands there, or what no check would let in. */
int64_t org_settings_int(const struct json *settings, const struct config_key *key);

#endif
