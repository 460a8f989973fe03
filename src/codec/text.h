/* Unicode text (UTF-8): normal forms, folding, characters, words, cutting. Input that is no UTF-8
 * is read with U+FFFD in place of what is wrong. Pure. */
#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H

#include "base/arena.h"
#include "base/str.h"

/* Takes the next code point off the front; false at the end. */
bool text_next(struct str *rest, uint32_t *out_code_point);
/* Writes 1 to 4 bytes and returns how many. */
size_t text_put(char out_bytes[4], uint32_t code_point);
size_t text_count(struct str s); /* code points */

struct str text_nfc(struct arena *a, struct str s);
/* NFKC, case folded, default ignorables dropped: for comparing and searching. */
struct str text_fold(struct arena *a, struct str s);
/* text_fold without accents: "Café" -> "cafe". */
struct str text_plain(struct arena *a, struct str s);
struct str text_lower(struct arena *a, struct str s);
struct str text_upper(struct arena *a, struct str s);
struct str text_title(struct arena *a, struct str s); /* first letter of each word */
/* Valid UTF-8, without control characters but \n and \t; CRLF and CR become \n. */
struct str text_clean(struct arena *a, struct str s);

bool text_is_letter(uint32_t code_point);
bool text_is_digit(uint32_t code_point);

/* Words: runs of letters, digits and marks; an apostrophe between letters, and . , : - between
 * digits, stay inside ("don't", "3.5"); Han, Hiragana, Katakana and Thai give one word per
 * character. */
struct text_word {
    struct str word;
    size_t start, end; /* bytes in the text */
    bool is_number;
};
/* Walks: start with *cursor = 0; false at the end. */
bool text_next_word(struct str s, size_t *cursor, struct text_word *out_word);
/* How many there are; `most` is as far as it counts. */
size_t text_count_words(struct str s, size_t most);

/* Blanks, as many bytes, in place of every occurrence of `part`; the same view where it is none, or
 * is blank itself. */
struct str text_blank(struct arena *a, struct str s, struct str part);
/* The same where it stands alone, and is no piece of a longer word or number. */
struct str text_blank_words(struct arena *a, struct str s, struct str part);

/* The longest beginning of at most max_bytes / max_chars that ends between two graphemes. */
struct str text_cut_bytes(struct str s, size_t max_bytes);
struct str text_cut(struct str s, size_t max_chars);
/* The same with "..." (U+2026) in place of what was cut, at a word's end where one is near. */
struct str text_shorten(struct arena *a, struct str s, size_t max_chars);

#endif
