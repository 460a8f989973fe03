#include "svc/chat/frame.h"

#include <stdio.h>

enum { TYPE_SHOWN_BYTES = 40 };

struct type_row {
    const char *name;
    enum frame_type type;
};
static const struct type_row types[] = {
    {"message", FRAME_MESSAGE}, {"typing", FRAME_TYPING}, {"handover", FRAME_HANDOVER},
    {"restart", FRAME_RESTART}, {"ping", FRAME_PING},
};

static enum err refuse(struct frame_fault *fault, const char *field, const char *text)
{
    fault->field = field;
    snprintf(fault->text, sizeof(fault->text), "%s", text);
    return E_INVALID;
}

static enum err read_type(const struct json *object, enum frame_type *out,
                          struct frame_fault *fault)
{
    const struct json *type = json_get(object, "type");
    if (!json_is(type, JSON_STRING)) {
        return refuse(fault, "type", "a frame has a type, such as \"message\"");
    }
    struct str name = json_text(type, STR(""));
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (str_eqz(name, types[i].name)) {
            *out = types[i].type;
            return E_OK;
        }
    }
    fault->field = "type";
    snprintf(fault->text, sizeof(fault->text), "unknown frame type \"%.*s\"",
             STR_ARG(str_sub(name, 0, TYPE_SHOWN_BYTES)));
    return E_INVALID;
}

/* A text, or nothing where that is allowed. */
static enum err read_text(const struct json *object, const char *name, bool needed, struct str *out,
                          struct frame_fault *fault)
{
    const struct json *value = json_get(object, name);
    if (json_is_null(value) && !needed) {
        *out = STR("");
        return E_OK;
    }
    if (!json_is(value, JSON_STRING)) {
        return refuse(fault, name, needed ? "a message has a text" : "this must be a text");
    }
    *out = json_text(value, STR(""));
    return E_OK;
}

enum err frame_read(struct arena *a, struct str text, struct frame *out, struct frame_fault *fault)
{
    const struct json *object;
    struct json_fault where = {0};
    struct frame frame = {.type = FRAME_PING};
    *fault = (struct frame_fault){0};
    if (json_parse(a, text, &object, &where) != E_OK) {
        fault->line = where.line;
        fault->column = where.column;
        snprintf(fault->text, sizeof(fault->text), "the frame is no JSON: %.120s", where.text);
        return E_INVALID;
    }
    if (!json_is(object, JSON_OBJECT)) {
        return refuse(fault, NULL, "a frame is a JSON object");
    }
    TRY(read_type(object, &frame.type, fault));
    if (frame.type == FRAME_MESSAGE) {
        TRY(read_text(object, "text", true, &frame.text, fault));
        TRY(read_text(object, "client_id", false, &frame.client_id, fault));
    }
    *out = frame;
    return E_OK;
}
