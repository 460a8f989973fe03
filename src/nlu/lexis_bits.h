/* Inside lexis.c and language.c only: a bit a language, in the order of lexis_codes. */
#ifndef NLU_LEXIS_BITS_H
#define NLU_LEXIS_BITS_H

enum {
    EN = 1 << 0,
    DE = 1 << 1,
    FR = 1 << 2,
    ES = 1 << 3,
    IT = 1 << 4,
    NL = 1 << 5,
    PT = 1 << 6,
    SV = 1 << 7,
    DA = 1 << 8,
    NO = 1 << 9,
    FI = 1 << 10,
    PL = 1 << 11
};

#endif
