/* What a process does when an org is changed, whichever process changed it: the change is an event
 * (org_events of the installation's own store), and every process has a tail on it. An org that is
 * suspended: its open chats end, also silent ones; a member's views see to it themselves
 * (host/vigil.h). One that is erased: the process forgets it (host/erasure.h). */
#ifndef HOST_ORG_WATCH_H
#define HOST_ORG_WATCH_H

#include "host/host.h"

/* Watches for as long as the bus lives. Stores, bus and host must be set in c->at. E_UNAVAILABLE.
 */
enum err org_watch_open(struct ctx *c);

#endif
