/* The keys that only a voicebot has: checked with every version, used by the voice service. Private
 * to the configuration. */
#ifndef AGENT_CONFIG_VOICE_H
#define AGENT_CONFIG_VOICE_H

#include "agent/config_check.h"

void config_read_voice(struct config_check *k, const struct json *document);

#endif
