#include "svc/success/number_word.h"

/* Words of the four languages an e-mail may have, all at once, for a text does not tell its own.
 * A word that means another thing in another language costs the model's text, never a wrong
 * number. */
static const struct {
    const char *word;
    double value; /* < 0: never a figure */
} number_words[] = {
    /* English */
    {"zero", 0},
    {"two", 2},
    {"three", 3},
    {"four", 4},
    {"five", 5},
    {"six", 6},
    {"seven", 7},
    {"eight", 8},
    {"nine", 9},
    {"ten", 10},
    {"eleven", 11},
    {"twelve", 12},
    {"thirteen", 13},
    {"fourteen", 14},
    {"fifteen", 15},
    {"sixteen", 16},
    {"seventeen", 17},
    {"eighteen", 18},
    {"nineteen", 19},
    {"twenty", 20},
    {"thirty", 30},
    {"forty", 40},
    {"fifty", 50},
    {"sixty", 60},
    {"seventy", 70},
    {"eighty", 80},
    {"ninety", 90},
    {"hundred", -1},
    {"hundreds", -1},
    {"thousand", -1},
    {"thousands", -1},
    {"million", -1},
    {"millions", -1},
    {"billion", -1},
    {"billions", -1},
    {"dozen", -1},
    {"dozens", -1},
    {"half", -1},
    {"halves", -1},
    {"halved", -1},
    {"double", -1},
    {"doubled", -1},
    {"doubling", -1},
    {"doubles", -1},
    {"triple", -1},
    {"tripled", -1},
    {"tripling", -1},
    {"triples", -1},
    {"twice", -1},
    {"thrice", -1},
    {"quadrupled", -1},
    {"percent", -1},
    /* German */
    {"null", 0},
    {"zwei", 2},
    {"drei", 3},
    {"vier", 4},
    {"fünf", 5},
    {"sechs", 6},
    {"sieben", 7},
    {"acht", 8},
    {"neun", 9},
    {"zehn", 10},
    {"elf", 11},
    {"zwölf", 12},
    {"dreizehn", 13},
    {"vierzehn", 14},
    {"fünfzehn", 15},
    {"sechzehn", 16},
    {"siebzehn", 17},
    {"achtzehn", 18},
    {"neunzehn", 19},
    {"zwanzig", 20},
    {"dreißig", 30},
    {"vierzig", 40},
    {"fünfzig", 50},
    {"sechzig", 60},
    {"siebzig", 70},
    {"achtzig", 80},
    {"neunzig", 90},
    {"hunderte", -1},
    {"tausende", -1},
    {"millionen", -1},
    {"milliarde", -1},
    {"milliarden", -1},
    {"dutzend", -1},
    {"dutzende", -1},
    {"hälfte", -1},
    {"halb", -1},
    {"halbe", -1},
    {"halbiert", -1},
    {"doppelt", -1},
    {"doppelte", -1},
    {"verdoppelt", -1},
    {"verdreifacht", -1},
    {"dreifach", -1},
    {"zweimal", -1},
    {"prozent", -1},
    /* Dutch */
    {"nul", 0},
    {"twee", 2},
    {"drie", 3},
    {"vijf", 5},
    {"zes", 6},
    {"zeven", 7},
    {"negen", 9},
    {"tien", 10},
    {"twaalf", 12},
    {"dertien", 13},
    {"veertien", 14},
    {"vijftien", 15},
    {"zestien", 16},
    {"zeventien", 17},
    {"achttien", 18},
    {"negentien", 19},
    {"twintig", 20},
    {"dertig", 30},
    {"veertig", 40},
    {"vijftig", 50},
    {"zestig", 60},
    {"zeventig", 70},
    {"tachtig", 80},
    {"negentig", 90},
    {"honderden", -1},
    {"duizenden", -1},
    {"miljoen", -1},
    {"miljoenen", -1},
    {"miljard", -1},
    {"miljarden", -1},
    {"dozijn", -1},
    {"tientallen", -1},
    {"helft", -1},
    {"halve", -1},
    {"gehalveerd", -1},
    {"dubbel", -1},
    {"dubbele", -1},
    {"verdubbeld", -1},
    {"verdrievoudigd", -1},
    {"tweemaal", -1},
    {"procent", -1},
    /* French */
    {"zéro", 0},
    {"deux", 2},
    {"trois", 3},
    {"quatre", 4},
    {"cinq", 5},
    {"sept", 7},
    {"huit", 8},
    {"neuf", 9},
    {"dix", 10},
    {"onze", 11},
    {"douze", 12},
    {"treize", 13},
    {"quatorze", 14},
    {"quinze", 15},
    {"seize", 16},
    {"vingt", 20},
    {"trente", 30},
    {"quarante", 40},
    {"cinquante", 50},
    {"soixante", 60},
    {"septante", 70},
    {"huitante", 80},
    {"nonante", 90},
    {"vingts", -1},
    {"cent", -1},
    {"cents", -1},
    {"mille", -1},
    {"milliard", -1},
    {"milliards", -1},
    {"milliers", -1},
    {"centaine", -1},
    {"centaines", -1},
    {"dizaine", -1},
    {"dizaines", -1},
    {"douzaine", -1},
    {"douzaines", -1},
    {"moitié", -1},
    {"demi", -1},
    {"doublé", -1},
    {"doublée", -1},
    {"triplé", -1},
    {"triplée", -1},
    {"pourcent", -1},
};

/* Dutch and German write long numbers as one word: what has one of these inside is no figure. */
static const char *const number_parts[] = {
    "hundert",    "tausend",    "undzwanzig", "unddreißig", "undvierzig", "undfünfzig",
    "undsechzig", "undsiebzig", "undachtzig", "undneunzig", "honderd",    "duizend",
    "entwintig",  "ëntwintig",  "endertig",   "ëndertig",   "enveertig",  "ënveertig",
    "envijftig",  "ënvijftig",  "enzestig",   "ënzestig",   "enzeventig", "ënzeventig",
    "entachtig",  "ëntachtig",  "ennegentig", "ënnegentig",
};

bool number_word_find(struct str word, double *out_value)
{
    for (size_t i = 0; i < sizeof(number_words) / sizeof(*number_words); i++) {
        if (str_eqz(word, number_words[i].word)) {
            *out_value = number_words[i].value;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(number_parts) / sizeof(*number_parts); i++) {
        if (str_find(word, str_of(number_parts[i])) >= 0) {
            *out_value = -1;
            return true;
        }
    }
    return false;
}

/* Which way something goes, by the beginnings of words; $: the whole word. */
static const struct {
    const char *word;
    int way;
} directions[] = {
    /* English */
    {"rose", 1},
    {"rise", 1},
    {"rising", 1},
    {"grew", 1},
    {"grow", 1},
    {"gain", 1},
    {"climb", 1},
    {"increas", 1},
    {"improv", 1},
    {"up$", 1},
    {"higher", 1},
    {"more$", 1},
    {"jump", 1},
    {"fell", -1},
    {"fall", -1},
    {"drop", -1},
    {"declin", -1},
    {"decreas", -1},
    {"lost", -1},
    {"lose", -1},
    {"losing", -1},
    {"loss", -1},
    {"shrank", -1},
    {"shr", -1},
    {"down$", -1},
    {"lower", -1},
    {"less$", -1},
    {"worse", -1},
    {"slip", -1},
    {"reduc", -1},
    /* German */
    {"stieg", 1},
    {"steig", 1},
    {"gestieg", 1},
    {"wuchs", 1},
    {"gewachs", 1},
    {"zugenomm", 1},
    {"verbesser", 1},
    {"höher", 1},
    {"mehr$", 1},
    {"sank", -1},
    {"sink", -1},
    {"gesunk", -1},
    {"fiel", -1},
    {"gefall", -1},
    {"verlor", -1},
    {"abgenomm", -1},
    {"verschlecht", -1},
    {"niedrig", -1},
    {"weniger", -1},
    {"rückgang", -1},
    /* Dutch */
    {"steeg", 1},
    {"stijg", 1},
    {"gesteg", 1},
    {"groei", 1},
    {"gegroei", 1},
    {"toegenom", 1},
    {"hoger", 1},
    {"meer$", 1},
    {"daal", -1},
    {"gedaald", -1},
    {"dalen", -1},
    {"verlor", -1},
    {"afgenom", -1},
    {"lager", -1},
    {"minder", -1},
    /* French */
    {"augment", 1},
    {"progress", 1},
    {"hausse", 1},
    {"gagn", 1},
    {"plus$", 1},
    {"baiss", -1},
    {"dimin", -1},
    {"chut", -1},
    {"recul", -1},
    {"perd", -1},
    {"moins$", -1},
};

int number_word_way(struct str word)
{
    for (size_t i = 0; i < sizeof(directions) / sizeof(*directions); i++) {
        struct str begin = str_of(directions[i].word);
        bool whole = str_ends(begin, STR("$"));
        begin.n -= whole;
        if (whole ? str_eq(word, begin) : str_starts(word, begin)) {
            return directions[i].way;
        }
    }
    return 0;
}

bool number_word_is_step(struct str word)
{
    static const char *const words[] = {"by", "um", "met", "de"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eqz(word, words[i])) {
            return true;
        }
    }
    return false;
}
