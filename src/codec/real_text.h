/* A real number as the shortest decimal that reads back as the same number. Pure. */
#ifndef CODEC_REAL_TEXT_H
#define CODEC_REAL_TEXT_H

#include <stddef.h>

enum { REAL_TEXT_MAX_BYTES = 32 };

/* `value` is finite. As printf's %g would lay it out, with a point or an exponent always; not
 * terminated. Returns how many bytes. */
size_t real_text(double value, char out[REAL_TEXT_MAX_BYTES]);

#endif
