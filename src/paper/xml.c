#include "paper/xml.h"

#include "codec/text.h"

static const char *entity(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void xml_text(struct buf *b, struct str text)
{
    uint32_t c;
    while (text_next(&text, &c)) {
        const char *name = entity(c);
        bool allowed = c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
                       (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;
        if (name) {
            buf_add_str(b, str_of(name));
        } else if (allowed) {
            char bytes[4];
            buf_add(b, bytes, text_put(bytes, c));
        }
    }
}
