#include "llm/chat.h"

const char *chat_stop_name(enum chat_stop s)
{
    static const char *const names[] = {"end", "length", "sequence", "tools", "refusal"};
    return names[s];
}

const char *chat_cache_name(enum chat_cache k)
{
    static const char *const names[] = {"none", "exact", "semantic"};
    return names[k];
}
