#include "nlu/sentiment.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "codec/text.h"
#include "nlu/valence.h"

enum { WORDS_MAX = 512, WORD_MAX_BYTES = 40, LOOK_BACK = 3, PHRASE_WORDS_MAX = 4 };

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

/* What several words mean together; the weight takes the place of theirs. */
static const struct {
    const char *text;
    double weight;
} PHRASES[] = {
    {"no problem", 1.2},
    {"no problems", 1.6},
    {"no issues", 1.6},
    {"no worries", 1.3},
    {"no doubt", 1},
    {"cant wait", 2.4},
    {"can not wait", 2.4},
    {"cannot wait", 2.4},
    {"cant complain", 1.4},
    {"not bad", 1.2},
    {"thanks for nothing", -2.4},
    {"thank god", 1.8},
    {"well done", 2.4},
    {"good job", 2.2},
    {"hard to beat", 1.8},
    {"piece of cake", 1.6},
    {"piece of junk", -2.6},
    {"piece of crap", -3},
    {"piece of shit", -3.2},
    {"waste of time", -2.6},
    {"waste of money", -2.8},
    {"rip off", -2.4},
    {"ripped off", -2.4},
    {"let down", -1.9},
    {"lets down", -1.7},
    {"fed up", -2.4},
    {"sick of", -2.3},
    {"tired of", -2},
    {"give up", -1.4},
    {"gave up", -1.5},
    {"too bad", -1.4},
    {"so bad", -2.6},
    {"too much", -0.8},
    {"at least", 0},
    {"kind of", 0},
    {"kinda", 0},
    {"charged twice", -2.2},
    {"double charged", -2.2},
    {"money back", -0.8},
    {"never again", -2.4},
    {"never works", -2.2},
    {"not work", -1.8},
    {"not working", -2},
    {"doesnt work", -2.1},
    {"didnt work", -2},
    {"does not work", -2.1},
    {"did not work", -2},
    {"stopped working", -2},
    {"fell apart", -2.2},
    {"falls apart", -2.2},
    {"shut down", -0.8},
    {"pissed off", -2.8},
    {"screwed up", -2.2},
    {"messed up", -2},
    {"makes me sick", -2.4},
    {"sucks", -2.1},
    {"feel like", 0},
    {"feels like", 0},
    {"looks like", 0},
    {"look like", 0},
    {"sounds like", 0},
    {"just like", 0},
    {"like this", 0},
    {"like that", 0},
    {"like a", 0},
    {"like the", 0},
    {"would like", 0.2},
    {"id like", 0.2},
    {"of course", 0.5},
    {"pretty much", 0},
    {"pretty bad", -2.2},
    {"how dare", -2.6},
    {"what a joke", -2.6},
    {"the shit", 2},
    {"the bomb", 2},
    {"bad ass", 1.6},
    {"badass", 1.6},
    {"as well", 0.1},
    {"well known", 0.6},
    {"oh well", -0.4},
    {"in pain", -2},
    {"out of order", -1.6},
    {"make sure", 0.2},
    {"makes sense", 1},
    {"good luck", 1.8},
    {"good morning", 1.2},
    {"good night", 1.1},
    {"good day", 1.2},
    {"good evening", 1},
    {"good afternoon", 1},
    {"happy birthday", 2.8},
    {"customer care", 0},
    {"health care", 0},
    {"take care", 1.2},
    {"i care", 1.2},
    {"who cares", -1.4},
    {"dont care", -1.2},
    {"hell yeah", 2},
    {"hell no", -2},
    {"to die for", 2.4},
    {"no good", -1.8},
    {"no thanks", -0.3},
    {"no thank you", -0.3},
    {"no need", 0},
    {"no longer", -0.5},
    {"right now", 0},
    {"all right", 0.8},
    {"free trial", 0.2},
    {"credit card", 0},
    {"thank you", 1.6},
    {"top of the line", 2},
    {"works well", 2.2},
    {"works great", 2.8},
    {"works fine", 1.8},
    {"well made", 2.2},
    {"must have", 1.6},
    {"high quality", 2.2},
    {"low quality", -2},
    {"poor quality", -2.4},
    {"do not buy", -2.5},
    {"dont buy", -2.5},
    {"buyer beware", -2.4},
    {"stay away", -2.3},
    {"send it back", -1.6},
    {"sent it back", -1.7},
    {"good grief", -0.8},
    {"without a doubt", 1},
    {"customer service", 0},
    {"worked great", 1},
    {"worked fine", 0.6},
    {"recommend against", -2.2},
    {"fall apart", -2.1},
    {"not worth", -2.2},
    {"isnt worth", -2.2},
    {"not recommend", -2.2},
    {"go to hell", -2.8},
    {"screw you", -2.8},
    {"not happy", -2.1},
    {"no response", -1.6},
    {"no answer", -1.4},
    {"no reply", -1.5},
    {"no help", -1.8},
    {"what the hell", -2.2},
    {"what the heck", -1.6},
    {"last straw", -2.2},
    {"had enough", -2},
    {"good enough", 1},
    {"not good enough", -2.2},
    {"no good reason", -1.4},
    {"as soon as", 0},
    {"long time", -0.6},
    {"still waiting", -1.6},
    {"still no", -1.4},
};

static const struct {
    const char *text;
    double factor;
} STEPS[] = {
    {"very", 1.3},       {"really", 1.3},     {"so", 1.25},         {"too", 1.15},
    {"extremely", 1.45}, {"absolutely", 1.4}, {"completely", 1.35}, {"totally", 1.35},
    {"utterly", 1.4},    {"incredibly", 1.4}, {"super", 1.35},      {"most", 1.2},
    {"more", 1.1},       {"much", 1.15},      {"highly", 1.3},      {"deeply", 1.3},
    {"especially", 1.2}, {"truly", 1.25},     {"beyond", 1.3},      {"insanely", 1.4},
    {"fucking", 1.4},    {"freaking", 1.3},   {"damn", 1.3},        {"bloody", 1.3},
    {"all", 1.05},       {"such", 1.2},       {"quite", 1.1},       {"pretty", 1.05},
    {"way", 1.15},       {"always", 1.15},    {"entirely", 1.3},    {"just", 1.03},
    {"slightly", 0.6},   {"somewhat", 0.7},   {"little", 0.7},      {"bit", 0.7},
    {"fairly", 0.9},     {"kinda", 0.7},      {"sorta", 0.7},       {"almost", 0.75},
    {"partly", 0.7},     {"rather", 0.9},     {"less", 0.6},        {"marginally", 0.6},
    {"sometimes", 0.75}, {"barely", 0.5},     {"hardly", 0.4},
};

static const char *const NEGATIONS[] = {
    "not",     "no",     "never", "none",    "nobody",  "nothing",  "neither", "nor",
    "without", "cannot", "cant",  "dont",    "doesnt",  "didnt",    "isnt",    "arent",
    "wasnt",   "werent", "wont",  "wouldnt", "couldnt", "shouldnt", "hasnt",   "havent",
    "hadnt",   "aint",   "lack",  "lacks",   "hardly",  "barely",   "rarely",  "scarcely",
};

static bool is_negation(const char *word)
{
    for (size_t i = 0; i < sizeof NEGATIONS / sizeof NEGATIONS[0]; i++) {
        if (strcmp(word, NEGATIONS[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* 1 when the word is no step. */
static double step_of(const char *word)
{
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        if (strcmp(word, STEPS[i].text) == 0) {
            return STEPS[i].factor;
        }
    }
    return 1;
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
        if (keep == 1 || valence_of_word(str_of(out)) || step_of(out) != 1) {
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

/* Whether the phrase ends at token `at`; how many words it has. */
static size_t phrase_ends(const struct reading *r, size_t at, const char *phrase)
{
    struct str words[PHRASE_WORDS_MAX], rest = str_of(phrase);
    size_t n = 0;
    while (n < PHRASE_WORDS_MAX && str_split(&rest, ' ', &words[n])) {
        n++;
    }
    if (n > at + 1) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct token *t = &r->tokens[at + 1 - n + i];
        bool apart = i + 1 < n && t->ends_clause;
        if (t->sign || t->spent || apart || !str_eqz(words[i], t->text)) {
            return 0;
        }
    }
    return n;
}

static void find_phrases(struct reading *r)
{
    for (size_t at = 0; at < r->count; at++) {
        size_t longest = 0, which = 0;
        for (size_t i = 0; i < sizeof PHRASES / sizeof PHRASES[0]; i++) {
            size_t n = phrase_ends(r, at, PHRASES[i].text);
            if (n > longest) {
                longest = n;
                which = i;
            }
        }
        for (size_t i = 0; i < longest; i++) {
            r->tokens[at - i].spent = true;
            r->tokens[at - i].weight = 0;
        }
        if (longest) {
            r->tokens[at].weight = PHRASES[which].weight;
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
        if (is_negation(t->text) && followed) {
            return 0; /* it acts on what follows */
        }
        if (followed && step_of(t->text) != 1 && !r->tokens[at + 1].sign &&
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
        steps *= 1 + (step_of(before->text) - 1) * fade;
        if (!before->spent && is_negation(before->text)) {
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
