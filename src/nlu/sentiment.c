#include "nlu/sentiment.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "codec/text.h"
#include "nlu/valence.h"
#include "nlu/word_table.h"

enum { WORDS_MAX = 512, WORD_MAX_BYTES = 40, LOOK_BACK = 3 };

/* Sums are squeezed into -1..1 by sum / sqrt(sum^2 + HALF): one strong word gives about a half. */
static const double HALF = 20;
static const double NEGATED_POSITIVE = -0.7, NEGATED_NEGATIVE = -0.45;
static const double SHOUTED = 1.25, STRETCHED = 1.15;
static const double BEFORE_BUT = 0.5, AFTER_BUT = 1.4;
static const double EXCLAMATION = 0.3, EXCLAMATIONS_MAX = 4;

struct token {
    char text[WORD_MAX_BYTES + 1]; /* lower case, no apostrophe */
    double weight;                 /* of a sign, or of a phrase that ends here */
    bool sign;                     /* emoji or emoticon */
    bool shouted, stretched;
    bool ends_clause; /* . , ; ! ? stands behind it */
    bool spent;       /* part of a phrase already counted */
    double step;      /* what it does to the word behind it */
    bool negates;
};

struct reading {
    struct token tokens[WORDS_MAX];
    size_t count;
    int exclamations;
    size_t letters, capitals;
};

/* Emoticons, matched between blanks. */
static const struct {
    const char *text;
    double weight;
} EMOTICONS[] = {
    {":)", 2},     {":-)", 2},    {":]", 1.8},   {"=)", 2},    {":D", 2.5},   {":-D", 2.5},
    {"=D", 2.5},   {"XD", 2.4},   {"xD", 2.4},   {";)", 1.4},  {";-)", 1.4},  {":P", 1.4},
    {":p", 1.4},   {":-P", 1.4},  {"<3", 2.6},   {":*", 2.2},  {"^^", 1.8},   {"^_^", 2},
    {"(:", 1.8},   {":(", -2},    {":-(", -2},   {"=(", -2},   {":[", -1.6},  {":'(", -2.4},
    {":/", -1.2},  {":-/", -1.2}, {":\\", -1.2}, {"D:", -1.8}, {">:(", -2.6}, {"</3", -2.6},
    {"-_-", -1.4}, {":|", -0.5},  {":S", -0.8},  {"):", -1.8}, {"t_t", -1.6}, {"T_T", -1.6},
};

/* All tables of words here are sorted by bytes. */

/* What several words mean together, in tenths; it takes the place of what they mean alone. */
static const struct word_row PHRASES[] = {
    /* clang-format off */
    {"all right", 8}, {"as soon as", 0}, {"as well", 1}, {"at least", 0}, {"bad ass", 16},
    {"badass", 16}, {"buyer beware", -24}, {"can not wait", 24}, {"cannot wait", 24},
    {"cant complain", 14}, {"cant wait", 24}, {"charged twice", -22}, {"credit card", 0},
    {"customer care", 0}, {"customer service", 0}, {"did not work", -20}, {"didnt work", -20},
    {"do not buy", -25}, {"does not work", -21}, {"doesnt work", -21}, {"dont buy", -25},
    {"dont care", -12}, {"double charged", -22}, {"fall apart", -21}, {"falls apart", -22},
    {"fed up", -24}, {"feel like", 0}, {"feels like", 0}, {"fell apart", -22}, {"free trial", 2},
    {"gave up", -15}, {"give up", -14}, {"go to hell", -28}, {"good afternoon", 10},
    {"good day", 12}, {"good enough", 10}, {"good evening", 10}, {"good grief", -8},
    {"good job", 22}, {"good luck", 18}, {"good morning", 12}, {"good night", 11},
    {"had enough", -20}, {"happy birthday", 28}, {"hard to beat", 18}, {"health care", 0},
    {"hell no", -20}, {"hell yeah", 20}, {"high quality", 22}, {"how dare", -26}, {"i care", 12},
    {"id like", 2}, {"in pain", -20}, {"isnt worth", -22}, {"just like", 0}, {"kind of", 0},
    {"kinda", 0}, {"last straw", -22}, {"let down", -19}, {"lets down", -17}, {"like a", 0},
    {"like that", 0}, {"like the", 0}, {"like this", 0}, {"long time", -6}, {"look like", 0},
    {"looks like", 0}, {"low quality", -20}, {"make sure", 2}, {"makes me sick", -24},
    {"makes sense", 10}, {"messed up", -20}, {"money back", -8}, {"must have", 16},
    {"never again", -24}, {"never works", -22}, {"no answer", -14}, {"no doubt", 10},
    {"no good", -18}, {"no good reason", -14}, {"no help", -18}, {"no issues", 16},
    {"no longer", -5}, {"no need", 0}, {"no problem", 12}, {"no problems", 16}, {"no reply", -15},
    {"no response", -16}, {"no thank you", -3}, {"no thanks", -3}, {"no worries", 13},
    {"not bad", 12}, {"not good enough", -22}, {"not happy", -21}, {"not recommend", -22},
    {"not work", -18}, {"not working", -20}, {"not worth", -22}, {"of course", 5}, {"oh well", -4},
    {"out of order", -16}, {"piece of cake", 16}, {"piece of crap", -30}, {"piece of junk", -26},
    {"piece of shit", -32}, {"pissed off", -28}, {"poor quality", -24}, {"pretty bad", -22},
    {"pretty much", 0}, {"recommend against", -22}, {"right now", 0}, {"rip off", -24},
    {"ripped off", -24}, {"screw you", -28}, {"screwed up", -22}, {"send it back", -16},
    {"sent it back", -17}, {"shut down", -8}, {"sick of", -23}, {"so bad", -26}, {"sounds like", 0},
    {"stay away", -23}, {"still no", -14}, {"still waiting", -16}, {"stopped working", -20},
    {"sucks", -21}, {"take care", 12}, {"thank god", 18}, {"thank you", 16},
    {"thanks for nothing", -24}, {"the bomb", 20}, {"the shit", 20}, {"tired of", -20},
    {"to die for", 24}, {"too bad", -14}, {"too much", -8}, {"top of the line", 20},
    {"waste of money", -28}, {"waste of time", -26}, {"well done", 24}, {"well known", 6},
    {"well made", 22}, {"what a joke", -26}, {"what the heck", -16}, {"what the hell", -22},
    {"who cares", -14}, {"without a doubt", 10}, {"worked fine", 6}, {"worked great", 10},
    {"works fine", 18}, {"works great", 28}, {"works well", 22}, {"would like", 2},
    /* clang-format on */
};

/* Words that make what follows stronger or weaker: the factor in hundredths. */
static const struct word_row STEPS[] = {
    /* clang-format off */
    {"absolutely", 140}, {"all", 105}, {"almost", 75}, {"always", 115}, {"barely", 50},
    {"beyond", 130}, {"bit", 70}, {"bloody", 130}, {"completely", 135}, {"damn", 130},
    {"deeply", 130}, {"entirely", 130}, {"especially", 120}, {"extremely", 145}, {"fairly", 90},
    {"freaking", 130}, {"fucking", 140}, {"hardly", 40}, {"highly", 130}, {"incredibly", 140},
    {"insanely", 140}, {"just", 103}, {"kinda", 70}, {"less", 60}, {"little", 70},
    {"marginally", 60}, {"more", 110}, {"most", 120}, {"much", 115}, {"partly", 70},
    {"pretty", 105}, {"quite", 110}, {"rather", 90}, {"really", 130}, {"slightly", 60}, {"so", 125},
    {"sometimes", 75}, {"somewhat", 70}, {"sorta", 70}, {"such", 120}, {"super", 135}, {"too", 115},
    {"totally", 135}, {"truly", 125}, {"utterly", 140}, {"very", 130}, {"way", 115},
    /* clang-format on */
};

static const struct word_row NEGATIONS[] = {
    /* clang-format off */
    {"aint", 1}, {"arent", 1}, {"barely", 1}, {"cannot", 1}, {"cant", 1}, {"couldnt", 1},
    {"didnt", 1}, {"doesnt", 1}, {"dont", 1}, {"hadnt", 1}, {"hardly", 1}, {"hasnt", 1},
    {"havent", 1}, {"isnt", 1}, {"lack", 1}, {"lacks", 1}, {"neither", 1}, {"never", 1}, {"no", 1},
    {"nobody", 1}, {"none", 1}, {"nor", 1}, {"not", 1}, {"nothing", 1}, {"rarely", 1},
    {"scarcely", 1}, {"shouldnt", 1}, {"wasnt", 1}, {"werent", 1}, {"without", 1}, {"wont", 1},
    {"wouldnt", 1},
    /* clang-format on */
};

#define TABLE_COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_negation(struct str word)
{
    return word_table_find(NEGATIONS, TABLE_COUNT(NEGATIONS), word) != 0;
}

/* 1 when the word is no step. */
static double step_of(struct str word)
{
    int hundredths = word_table_find(STEPS, TABLE_COUNT(STEPS), word);
    return hundredths ? hundredths / 100.0 : 1;
}

static struct token *add_token(struct reading *r)
{
    if (r->count == WORDS_MAX) {
        return NULL;
    }
    return &r->tokens[r->count++];
}

static void end_clause(struct reading *r)
{
    if (r->count) {
        r->tokens[r->count - 1].ends_clause = true;
    }
}

/* The piece between two blanks, when it is an emoticon. */
static bool read_emoticon(struct reading *r, struct str piece)
{
    for (size_t i = 0; i < sizeof EMOTICONS / sizeof EMOTICONS[0]; i++) {
        if (str_eqz(piece, EMOTICONS[i].text)) {
            struct token *t = add_token(r);
            if (t) {
                *t = (struct token){.weight = EMOTICONS[i].weight, .sign = true};
            }
            return true;
        }
    }
    return false;
}

static void read_sign(struct reading *r, struct str sign)
{
    int tenths = valence_of_sign(sign);
    struct token *last = r->count ? &r->tokens[r->count - 1] : NULL;
    if (!tenths || (last && last->sign && last->weight == tenths / 10.0)) {
        return; /* a row of the same sign counts once */
    }
    struct token *t = add_token(r);
    if (t) {
        *t = (struct token){.weight = tenths / 10.0, .sign = true};
    }
}

/* Puts "soooo goood" into shape: runs of three and more become two, or one where that is a word. */
static void squeeze(struct token *t)
{
    for (int keep = 2; keep >= 1; keep--) {
        char out[WORD_MAX_BYTES + 1];
        size_t n = 0;
        for (const char *p = t->text; *p;) {
            size_t run = 1;
            while (p[run] == *p) {
                run++;
            }
            t->stretched |= run >= 3;
            size_t kept = run >= 3 ? (size_t)keep : run;
            memset(out + n, *p, kept);
            n += kept;
            p += run;
        }
        out[n] = 0;
        if (!t->stretched) {
            return;
        }
        if (keep == 1 || valence_of_word(str_of(out)) || step_of(str_of(out)) != 1) {
            memcpy(t->text, out, n + 1);
            return;
        }
    }
}

static size_t read_word(struct reading *r, struct str rest)
{
    struct token t = {0};
    size_t n = 0, i = 0, capitals = 0;
    for (; i < rest.n; i++) {
        unsigned char c = (unsigned char)rest.p[i];
        bool curly = c == 0xe2 && i + 2 < rest.n && (unsigned char)rest.p[i + 1] == 0x80 &&
                     (unsigned char)rest.p[i + 2] == 0x99;
        if (curly) {
            i += 2;
        } else if (isalnum(c)) {
            capitals += isupper(c) != 0;
            if (n < WORD_MAX_BYTES) {
                t.text[n++] = (char)tolower(c);
            }
        } else if (c != '\'') {
            break;
        }
    }
    r->letters += n;
    r->capitals += capitals;
    t.shouted = n > 1 && capitals == n;
    squeeze(&t);
    t.step = step_of(str_of(t.text));
    t.negates = is_negation(str_of(t.text));
    struct token *slot = add_token(r);
    if (slot) {
        *slot = t;
    }
    return i;
}

static void read_text(struct reading *r, struct str text)
{
    struct str rest = text;
    bool after_blank = true;
    while (rest.n) {
        unsigned char c = (unsigned char)rest.p[0];
        size_t blank = 0;
        while (blank < rest.n && !isspace((unsigned char)rest.p[blank])) {
            blank++;
        }
        if (after_blank && blank && blank <= 4 && read_emoticon(r, str_sub(rest, 0, blank))) {
            rest = str_sub(rest, blank, rest.n);
            continue;
        }
        after_blank = isspace(c) != 0;
        if (isalnum(c)) {
            rest = str_sub(rest, read_word(r, rest), rest.n);
            continue;
        }
        if (c < 128) {
            r->exclamations += c == '!';
            if (strchr(".,;!?()", c)) {
                end_clause(r);
            }
            rest = str_sub(rest, 1, rest.n);
            continue;
        }
        struct str before = rest;
        uint32_t code;
        text_next(&rest, &code);
        read_sign(r, str_make(before.p, before.n - rest.n));
    }
}

/* How many words of the phrase stand at token `at` and behind it; 0 unless all do. */
static size_t phrase_stands(const struct reading *r, size_t at, const char *phrase)
{
    struct str rest = str_of(phrase), word;
    size_t n = 0;
    while (str_split(&rest, ' ', &word)) {
        if (at + n == r->count) {
            return 0;
        }
        const struct token *t = &r->tokens[at + n];
        bool apart = n > 0 && r->tokens[at + n - 1].ends_clause;
        if (t->sign || t->spent || apart || !str_eqz(word, t->text)) {
            return 0;
        }
        n++;
    }
    return n;
}

/* The first row that does not sort before the word; phrases that begin with it follow. */
static size_t first_phrase(struct str word)
{
    size_t low = 0, high = TABLE_COUNT(PHRASES);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_cmp(str_of(PHRASES[middle].text), word) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void find_phrases(struct reading *r)
{
    for (size_t at = 0; at < r->count; at++) {
        struct str word = str_of(r->tokens[at].text);
        size_t longest = 0, which = 0;
        for (size_t i = first_phrase(word);
             word.n && i < TABLE_COUNT(PHRASES) && str_starts(str_of(PHRASES[i].text), word); i++) {
            size_t n = phrase_stands(r, at, PHRASES[i].text);
            which = n > longest ? i : which;
            longest = n > longest ? n : longest;
        }
        for (size_t i = 0; i < longest; i++) {
            r->tokens[at + i].spent = true;
            r->tokens[at + i].weight = 0;
        }
        if (longest) {
            r->tokens[at + longest - 1].weight = PHRASES[which].value / 10.0;
        }
    }
}

/* The weight of token `at` by itself and by the words before it. */
static double weigh(const struct reading *r, size_t at)
{
    const struct token *t = &r->tokens[at];
    double weight = t->weight;
    if (!t->sign && !t->spent) {
        weight = valence_of_word(str_of(t->text)) / 10.0;
        bool followed = at + 1 < r->count && !t->ends_clause;
        if (t->negates && followed) {
            return 0; /* it acts on what follows */
        }
        if (followed && t->step != 1 && !r->tokens[at + 1].sign &&
            valence_of_word(str_of(r->tokens[at + 1].text))) {
            return 0; /* "pretty bad" */
        }
    }
    if (weight == 0 || t->sign) {
        return weight;
    }
    bool mixed = r->capitals < r->letters * 7 / 10;
    weight *= t->shouted && mixed ? SHOUTED : 1;
    weight *= t->stretched ? STRETCHED : 1;
    double fade = 1, steps = 1, turned = 1;
    for (size_t back = 1; back <= LOOK_BACK && back <= at; back++) {
        const struct token *before = &r->tokens[at - back];
        if (before->sign || before->ends_clause) {
            break;
        }
        steps *= 1 + (before->step - 1) * fade;
        if (!before->spent && before->negates) {
            turned *= weight * turned > 0 ? NEGATED_POSITIVE : NEGATED_NEGATIVE;
        }
        fade *= 0.85;
    }
    /* "not very good" is milder than "very good" turned round. */
    return weight * turned * (turned < 0 ? fmin(steps, 1) : steps);
}

/* Index of the "but" that divides the text, or count. */
static size_t find_turn(const struct reading *r)
{
    for (size_t i = r->count; i > 0; i--) {
        const char *w = r->tokens[i - 1].text;
        if (strcmp(w, "but") == 0 || strcmp(w, "however") == 0) {
            return i - 1;
        }
    }
    return r->count;
}

struct sentiment sentiment_of(struct str text)
{
    struct reading r;
    r.count = 0;
    r.exclamations = 0;
    r.letters = r.capitals = 0;
    read_text(&r, text_cut_bytes(text, WORDS_MAX * 8));
    find_phrases(&r);
    struct sentiment out = {0};
    size_t turn = find_turn(&r);
    for (size_t i = 0; i < r.count; i++) {
        double weight = weigh(&r, i);
        if (turn < r.count) {
            weight *= i < turn ? BEFORE_BUT : AFTER_BUT;
        }
        out.hits += weight != 0;
        *(weight > 0 ? &out.positive : &out.negative) += weight;
    }
    double sum = out.positive + out.negative;
    if (sum != 0) {
        sum += copysign(EXCLAMATION * fmin(r.exclamations, EXCLAMATIONS_MAX), sum);
    }
    double score = sum / sqrt(sum * sum + HALF);
    out.score = round(score * 100) / 100;
    return out;
}

const char *sentiment_label(double score)
{
    return score >= 0.25 ? "positive" : score <= -0.25 ? "negative" : "neutral";
}
