/* Private to markdown.c: the text of a paragraph without its marks. */
#ifndef CODEC_MARKDOWN_INLINE_H
#define CODEC_MARKDOWN_INLINE_H

#include "base/buf.h"

/* Appends what a reader would see: links are their text, images their description, code is itself;
 * emphasis, HTML tags, footnote marks and escapes are gone. Takes time linear in the text. */
void markdown_inline(struct buf *out, struct str text);

#endif
