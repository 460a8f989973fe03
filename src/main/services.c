/* The only list of all services. Their order is the order of the reference pages. */
#include "main/services.h"

#include <stddef.h>

extern const struct service identity_service, account_service, agent_service, chat_service,
    conversation_service, knowledge_service, record_service, success_service, webhook_service,
    system_service, page_service;

const struct service *const all_services[] = {
    &identity_service,  &agent_service,  &chat_service,    &conversation_service,
    &knowledge_service, &record_service, &account_service, &success_service,
    &webhook_service,   &system_service, &page_service,    NULL,
};
