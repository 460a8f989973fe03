/* HTML to plain text with headings: scripts, styles and hidden parts dropped, lists and tables laid
 * out in lines, entities resolved. For documents of others: parsing is bounded and reaches no
 * network. Pure. */
#ifndef CODEC_HTML_H
#define CODEC_HTML_H

#include "codec/outline.h"

enum { HTML_INPUT_MAX_BYTES = 8 << 20, HTML_DEPTH_MAX = 256, HTML_NODES_MAX = 500000 };

/* UTF-8, or what the document's own meta says. E_TOO_LARGE, E_INVALID (nothing that can be read).
 */
enum err html_read(struct arena *a, struct str html, struct outline *out_outline);

/* & < > " ' as entities. */
void html_escape(struct buf *b, struct str text);

#endif
