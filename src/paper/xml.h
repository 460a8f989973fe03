/* Text in XML 1.0 and HTML 5: what XML writers of this folder put between their tags. Pure. */
#ifndef PAPER_XML_H
#define PAPER_XML_H

#include "base/buf.h"

/* & < > " ' as entities; invalid UTF-8 becomes U+FFFD; what XML 1.0 (2.2) does not allow is left
 * out. Good for text and for attributes in double quotes. */
void xml_text(struct buf *b, struct str text);

#endif
