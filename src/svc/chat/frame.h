/* What a chat page says over its WebSocket: one JSON object per frame, told apart by `type`.
 * Members that are not known are passed over, so that newer pages can talk to older programs.
 * Pure. */
#ifndef SVC_CHAT_FRAME_H
#define SVC_CHAT_FRAME_H

#include "codec/json.h"

enum frame_type { FRAME_MESSAGE, FRAME_TYPING, FRAME_HANDOVER, FRAME_RESTART, FRAME_PING };

struct frame {
    enum frame_type type;
    struct str text;      /* of a message; its rules are conversation_receive's */
    struct str client_id; /* of a message; may be empty */
};

struct frame_fault {
    int line, column;  /* where it is no JSON; else 0 */
    const char *field; /* that is wrong; or NULL */
    char text[160];
};

/* Texts lie in `a`. E_INVALID, with fault filled. */
enum err frame_read(struct arena *a, struct str text, struct frame *out, struct frame_fault *fault);

#endif
