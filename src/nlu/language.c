#include "nlu/language.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "nlu/feature.h"
#include "nlu/lexis.h"
#include "nlu/lexis_bits.h"

enum { LOOK_MAX_BYTES = 4096 };

/* Evidence in words: a function word weighs 1, shared among the languages that have it. */
static const double SUBJECT_WEIGHT = 1, LETTER_WEIGHT = 0.7, ENDING_WEIGHT = 0.35;
/* Less evidence than this is no answer; nor is a lead smaller than this share of the best. */
static const double EVIDENCE_MIN = 0.7, LEAD_MIN = 0.12;

/* Letters that only some of our languages write. */
static const struct {
    uint32_t letter;
    unsigned languages;
} LETTERS[] = {
    {0xdf, DE},
    {0xfc, DE | ES | FR | NL},
    {0xe4, DE | SV | FI},
    {0xf6, DE | SV | FI},
    {0xe5, SV | DA | NO | FI},
    {0xe6, DA | NO},
    {0xf8, DA | NO},
    {0xf1, ES},
    {0xbf, ES},
    {0xa1, ES},
    {0xe3, PT},
    {0xf5, PT},
    {0xe7, FR | PT},
    {0xea, FR | PT},
    {0xee, FR},
    {0xfb, FR},
    {0x153, FR},
    {0xf4, FR | PT},
    {0xe0, FR | IT | PT},
    {0xe8, FR | IT},
    {0xf9, FR | IT},
    {0xec, IT},
    {0xf2, IT},
    {0xeb, FR | NL},
    {0xef, FR | NL},
    {0xe1, ES | PT},
    {0xed, ES | PT},
    {0xfa, ES | PT},
    {0xf3, ES | PT | PL},
    {0xe2, FR | PT},
    {0x142, PL},
    {0x105, PL},
    {0x119, PL},
    {0x15b, PL},
    {0x17c, PL},
    {0x17a, PL},
    {0x107, PL},
    {0x144, PL},
};

/* Endings of words of five letters and more, as written without accents. */
static const struct {
    const char *text;
    unsigned languages;
} ENDINGS[] = {
    {"ing", EN},      {"tion", EN | FR},     {"ness", EN},
    {"ally", EN},     {"ould", EN},          {"ung", DE},
    {"lich", DE},     {"keit", DE},          {"heit", DE},
    {"schen", DE},    {"ieren", DE},         {"eux", FR},
    {"aient", FR},    {"ment", FR},          {"elle", FR | IT},
    {"cion", ES},     {"ciones", ES},        {"mente", ES | IT | PT},
    {"ado", ES | PT}, {"zione", IT},         {"zioni", IT},
    {"ato", IT},      {"ggio", IT},          {"etto", IT},
    {"heid", NL},     {"lijk", NL},          {"ijn", NL},
    {"aan", NL},      {"oor", NL},           {"cao", PT},
    {"coes", PT},     {"inho", PT},          {"agem", PT},
    {"ningen", SV},   {"het", SV | NO | NL}, {"arna", SV},
    {"hed", DA},      {"ningen", DA | NO},   {"ssa", FI},
    {"lla", FI},      {"nen", FI},           {"ksi", FI},
    {"uksen", FI},    {"aan", FI},           {"owac", PL},
    {"enie", PL},     {"ych", PL},           {"iego", PL},
    {"osc", PL},      {"ego", PL},           {"ami", PL},
};

struct tally {
    double sums[LEXIS_LANGUAGES];
    double words;
};

static void give(struct tally *t, unsigned languages, double weight)
{
    int n = __builtin_popcount(languages);
    for (int i = 0; i < LEXIS_LANGUAGES && n > 0; i++) {
        /* By the root: sharing takes some of the weight, not most. */
        t->sums[i] += languages >> i & 1 ? weight / sqrt(n) : 0;
    }
}

static void weigh_letters(struct tally *t, struct str text)
{
    uint32_t c;
    struct str lower = text;
    unsigned given = 0;
    while (text_next(&lower, &c)) {
        c = c >= 0xc0 && c <= 0xde && c != 0xd7 ? c + 0x20 : c;
        for (size_t i = 0; c >= 128 && i < sizeof LETTERS / sizeof LETTERS[0]; i++) {
            if (LETTERS[i].letter == c) {
                give(t, LETTERS[i].languages, given < 4 ? LETTER_WEIGHT : LETTER_WEIGHT / 4);
                given++;
            }
        }
    }
}

static void weigh_word(struct tally *t, struct str word)
{
    if (word.p[0] == '0' || word.p[0] == '?') {
        return;
    }
    t->words++;
    unsigned function = lexis_function(word), subject = lexis_subject(word);
    if (function && word.n > 1) {
        give(t, function, 1);
    } else if (function) {
        give(t, function, 0.4);
    }
    if (subject) {
        give(t, subject, SUBJECT_WEIGHT);
    }
    for (size_t i = 0; !function && word.n >= 5 && i < sizeof ENDINGS / sizeof ENDINGS[0]; i++) {
        if (str_ends(word, str_of(ENDINGS[i].text))) {
            give(t, ENDINGS[i].languages, ENDING_WEIGHT);
        }
    }
}

struct language language_of(struct str text)
{
    struct tally t = {0};
    text = text_cut_bytes(text, LOOK_MAX_BYTES);
    weigh_letters(&t, text);
    size_t n;
    char *normal = feature_normal(text, &n);
    struct str rest = str_make(normal, n), word;
    while (str_split(&rest, ' ', &word)) {
        if (word.n) {
            weigh_word(&t, word);
        }
    }
    free(normal);
    int best = 0;
    for (int i = 1; i < LEXIS_LANGUAGES; i++) {
        best = t.sums[i] > t.sums[best] ? i : best;
    }
    double second = 0;
    for (int i = 0; i < LEXIS_LANGUAGES; i++) {
        second = i != best && t.sums[i] > second ? t.sums[i] : second;
    }
    double top = t.sums[best], lead = top > 0 ? (top - second) / top : 0;
    /* A text of which next to nothing is known is in some other language. */
    double covered = t.words > 0 ? top / t.words : 0;
    struct language out = {0};
    if (top < EVIDENCE_MIN || lead < LEAD_MIN || covered < 0.15) {
        return out;
    }
    memcpy(out.code, lexis_codes[best], 3);
    out.confidence = fmin(1, lead * 1.5) * (1 - exp(-top));
    return out;
}

const char *language_name(const char *code)
{
    static const char *const NAMES[LEXIS_LANGUAGES] = {
        "English",    "German",  "French", "Spanish",   "Italian", "Dutch",
        "Portuguese", "Swedish", "Danish", "Norwegian", "Finnish", "Polish"};
    for (int i = 0; i < LEXIS_LANGUAGES; i++) {
        if (strcmp(code, lexis_codes[i]) == 0) {
            return NAMES[i];
        }
    }
    return NULL;
}
