#include "find/answer.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "codec/text.h"
#include "find/sentence.h"
#include "find/term.h"

enum {
    SCRATCH_MAX_BYTES = 64 << 20,
    QUESTION_MAX_BYTES = 4096,
    NEAR_MIN_BYTES = 5,
    KNOWN_MAX = 1024
};

/* Measured on test/conform/test_answers.c. */
static const double NEAR_SHARE = 0.9;       /* "cancellation" where "cancel" was asked */
static const double HEADING_SHARE = 0.32;   /* the word stands in the heading */
static const double TITLE_SHARE = 0.55;     /* ... in the title */
static const double PASSAGE_SHARE = 0.07;   /* ... elsewhere in the passage */
static const double ASKING_WEIGHT = 0.12;   /* "many", "get", "tell": how it is asked, not what */
static const double WANTED_BONUS = 0.24;    /* a number where a number is asked for */
static const double VERDICT_BONUS = 0.15;   /* "not", "can": yes or no was asked for */
static const double UNWANTED_COST = 0.8;    /* none where there should be one */
static const double STEP_BONUS = 0.33;      /* the first step where a way is asked for */
static const double FIRST_BONUS = 0.62;     /* a section begins with what its heading names */
static const double EARLY_BONUS = 0.15;     /* a passage begins with what it is about */
static const double TITLE_BONUS = 0.44;     /* the article is about what is asked */
static const double ABOVE_BONUS = 0.41;     /* ... the section is */
static const double TITLE_WIDE_COST = 0.75; /* ... and about much else: an article, */
static const double WIDE_COST = 1;          /* a section that begins here */
static const double LEAD_BONUS = 0.6;       /* an article begins with what its title names, */
static const double LEAD_POWER = 2.5;       /* if that is nearly all that is asked; */
static const double LEAD_WANTED = 0.62;     /* more when what is wanted is there */
static const double LEAD_WAY_COST = 0.4;    /* less when a way is wanted and is not */
static const double SENTENCE_COST = 0.08;   /* each further sentence has to bring something */
static const double LEANING_COST = 0.16;    /* "It ..." says little without what stands before */
static const double MENU_COST = 0.17;       /* where to click, when something else is asked */
enum { SHORT_WORDS = 4, LABEL_MAX_BYTES = 40 }; /* less is no answer */

enum wanted { WANTED_ANY, WANTED_NUMBER, WANTED_MONEY, WANTED_TIME, WANTED_WAY, WANTED_VERDICT };

/* Which of the question's terms a text holds, one bit each. */
struct marks {
    uint64_t exact, near;
    unsigned words, met; /* of the text: all, and those that stand for one of them */
};

/* A word that stands for terms of the question: itself one of them, or alike. */
struct known {
    struct str word;
    struct marks marks;
};

struct answer_question {
    struct str terms[ANSWER_TERMS_MAX];
    double weights[ANSWER_TERMS_MAX];
    size_t n;
    double total;
    enum wanted wanted;
    struct known *known; /* open addressing; every word of every passage is looked up here */
    size_t mask;         /* its size, a power of two, less one */
};

/* ---- the question -------------------------------------------------------- */

/* How things are asked; stemmed as term_next does. */
static bool is_asking(struct str term)
{
    static const char *const words[] = {
        "many",  "much",   "long",   "soon",    "often", "far",     "get",    "need",     "want",
        "like",  "know",   "tell",   "help",    "hello", "possibl", "hi",     "hey",      "than",
        "thank", "way",    "still",  "find",    "make",  "let",     "take",   "give",     "say",
        "use",   "us",     "happen", "mean",    "go",    "work",    "actual", "question", "allow",
        "doe",   "cost",   "ask",    "explain", "keep",  "put",     "come",   "yes",      "ok",
        "okay",  "see",    "try",    "again",   "bit",   "got",     "someth", "anyth",    "everyth",
        "anyon", "thing",  "myself", "ourselv", "real",  "another", "other",  "els",      "right",
        "kind",  "sort",   "abl",    "befor",   "after", "only",    "accept", "already",  "place",
        "plac",  "someon",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eqz(term, words[i])) {
            return true;
        }
    }
    return false;
}

static bool has_any(struct str text, const char *const *phrases)
{
    for (; *phrases; phrases++) {
        if (str_find(text, str_of(*phrases)) >= 0) {
            return true;
        }
    }
    return false;
}

static enum wanted wanted_by(struct str plain)
{
    static const char *const times[] = {
        "how long",   "how soon",   "what time",     "how quick",  "how fast",  "deadline",
        "when do",    "when is",    "when are",      "when can",   "when will", "when shou",
        "when did",   "by when",    "until when",    "since when", "when have", "when must",
        "opening ho", "how many d", "how many week", NULL};
    static const char *const money[] = {"how much", "price", "cost", " fee", "expensive", NULL};
    static const char *const numbers[] = {"how many", "how far",   "how big",
                                          "how high", "how large", NULL};
    static const char *const ways[] = {"how do ",     "how can ",      "how to ",    "how should ",
                                       "where do i",  "where can i",   "what do i",  "how would ",
                                       "what should", "what can i do", "what must ", NULL};
    static const char *const yes_or_no[] = {"is ",  "are ",  "do ",   "does ", "can ", "could ",
                                            "may ", "must ", "will ", "have ", "has ", NULL};
    static const struct {
        enum wanted wanted;
        const char *const *phrases;
    } kinds[] = {
        {WANTED_TIME, times}, {WANTED_NUMBER, numbers}, {WANTED_MONEY, money}, {WANTED_WAY, ways}};
    for (const char *const *word = yes_or_no; *word; word++) {
        if (str_starts(plain, str_of(*word))) {
            return WANTED_VERDICT;
        }
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (has_any(plain, kinds[i].phrases)) {
            return kinds[i].wanted;
        }
    }
    return WANTED_ANY;
}

/* ---- what a text shares with it ------------------------------------------ */

/* Words that mean the same to who asks, stemmed as term_next does; a group each. */
static const char *const alike[] = {
    "left leav leaver quit",
    "quick quickly fast soon immediat",
    "begin start",
    "end finish expir",
    "parcel packag packet shipment box",
    "ship deliver delivery",
    "cost pric charg fee pay paid",
    "broken faulty defect damag",
    "delet eras remov",
    "employee staff colleague people person user somebody member",
    "login sign log",
    "phone telephon call",
    "buy order purchas",
    "invoic bill",
    "wifi network internet offlin connection",
    "answer reply respond",
    "retry again repeat",
    "stor kept keep hold held",
    "valid work expir",
    "repair workshop fix",
    "refund payment repay",
    "cancel stop",
    "chang edit modify correct",
    "upgrad downgrad switch",
    "get receiv",
    "leak stolen stole lost expos",
    "clean wip wash",
    "late overdu delay",
    "abroad outsid foreign international country",
    "down outag",
    "reset forgot forgotten",
    "barcode code",
    "guarante warranty",
    "empty blank",
    "money refund",
    "invit add",
    "pick collect collection fetch",
    "gdpr privacy",
    "speak languag",
    "product item",
};

/* The same stem with another ending: "return" and "returnable", "extend" and "extension". */
static bool is_near(struct str a, struct str b)
{
    size_t least = a.n < b.n ? a.n : b.n, same = 0;
    if (least < NEAR_MIN_BYTES || a.p[0] != b.p[0]) {
        return false;
    }
    while (same < least && a.p[same] == b.p[same]) {
        same++;
    }
    return same >= NEAR_MIN_BYTES && least - same <= 1;
}

static uint32_t hash_of(struct str word)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < word.n; i++) {
        h = (h ^ (unsigned char)word.p[i]) * 16777619U;
    }
    return h;
}

/* The word's place, or the free one where it would be. */
static struct known *place_of(const struct answer_question *q, struct str word)
{
    size_t at = hash_of(word) & q->mask;
    while (q->known[at].word.n && !str_eq(q->known[at].word, word)) {
        at = (at + 1) & q->mask;
    }
    return &q->known[at];
}

static bool has_word(const char *group, struct str term)
{
    struct str rest = str_of(group), word;
    while (str_split(&rest, ' ', &word)) {
        if (str_eq(word, term)) {
            return true;
        }
    }
    return false;
}

static void know_group(struct answer_question *q, const char *group, uint64_t bit)
{
    struct str rest = str_of(group), word;
    while (str_split(&rest, ' ', &word)) {
        struct known *k = place_of(q, word);
        if (!term_is_stop(word)) {
            k->word = word;
            k->marks.near |= bit;
        }
    }
}

static void know_words(struct arena *a, struct answer_question *q)
{
    q->mask = KNOWN_MAX - 1;
    q->known = ARENA_ARRAY(a, struct known, KNOWN_MAX);
    for (size_t i = 0; i < q->n; i++) {
        struct known *k = place_of(q, q->terms[i]);
        k->word = q->terms[i];
        k->marks.exact |= 1ULL << i;
        for (size_t g = 0; g < sizeof(alike) / sizeof(*alike); g++) {
            if (has_word(alike[g], q->terms[i])) {
                know_group(q, alike[g], 1ULL << i);
            }
        }
    }
}

struct str answer_alike(struct arena *a, const struct answer_question *q)
{
    struct buf b = buf_make(4096);
    for (size_t i = 0; i <= q->mask; i++) {
        const struct known *k = &q->known[i];
        if (k->word.n && !k->marks.exact && k->marks.near) {
            buf_addf(&b, "%.*s ", STR_ARG(k->word));
        }
    }
    struct str s = str_dup(a, buf_str(&b));
    buf_free(&b);
    return s;
}

const struct answer_question *answer_read(struct arena *a, struct str question,
                                          struct answer_weigher weigher)
{
    struct answer_question *q = ARENA_NEW(a, struct answer_question);
    struct str plain = text_plain(a, text_cut_bytes(question, QUESTION_MAX_BYTES)), term;
    char bytes[TERM_MAX_BYTES];
    size_t cursor = 0;
    while (q->n < ANSWER_TERMS_MAX && term_next(plain, &cursor, bytes, &term)) {
        bool known = term_is_stop(term);
        for (size_t i = 0; i < q->n && !known; i++) {
            known = str_eq(term, q->terms[i]);
        }
        if (known) {
            continue;
        }
        double weight = weigher.weight ? weigher.weight(weigher.arg, term) : 1;
        weight *= is_asking(term) ? ASKING_WEIGHT : 1;
        q->terms[q->n] = str_dup(a, term);
        q->weights[q->n++] = weight;
        q->total += weight;
    }
    know_words(a, q);
    q->wanted = wanted_by(plain);
    return q;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || ((unsigned char)c & 0x80);
}

/* "set-up" where "setup" was asked: the words left and right of the hyphen at `hyphen`. */
static uint64_t marks_joined(const struct answer_question *q, struct str plain, size_t hyphen,
                             size_t end)
{
    char bytes[2 * TERM_MAX_BYTES], stemmed[TERM_MAX_BYTES];
    size_t from = hyphen, left, cursor = 0;
    struct str term;
    if (hyphen == 0 || hyphen >= end || plain.p[hyphen] != '-') {
        return 0;
    }
    while (from > 0 && is_letter(plain.p[from - 1])) {
        from--;
    }
    left = hyphen - from;
    if (end - from > sizeof(bytes)) {
        return 0;
    }
    memcpy(bytes, plain.p + from, left);
    memcpy(bytes + left, plain.p + hyphen + 1, end - hyphen - 1);
    if (!term_next(str_make(bytes, end - from - 1), &cursor, stemmed, &term)) {
        return 0;
    }
    const struct known *k = place_of(q, term);
    return k->marks.exact | k->marks.near;
}

static struct marks marks_of(const struct answer_question *q, struct arena *scratch,
                             struct str text)
{
    struct marks m = {0};
    struct str plain = text_plain(scratch, text), term;
    char bytes[TERM_MAX_BYTES];
    size_t cursor = 0;
    size_t before = 0;
    while (term_next(plain, &cursor, bytes, &term)) {
        const struct known *k = place_of(q, term);
        uint64_t near = k->marks.near | marks_joined(q, plain, before, cursor);
        before = cursor;
        for (size_t i = 0; i < q->n; i++) {
            near |= (uint64_t)is_near(term, q->terms[i]) << i;
        }
        m.exact |= k->marks.exact;
        m.near |= near;
        m.words += !term_is_stop(term);
        m.met += (k->marks.exact | near) != 0;
    }
    return m;
}

static struct marks both(struct marks a, struct marks b)
{
    return (struct marks){.exact = a.exact | b.exact, .near = a.near | b.near};
}

/* Where a word stands: in the sentences, above them, elsewhere in the passage. */
struct standing {
    struct marks said, heading, title, passage;
};

static double in_marks(struct marks m, size_t i)
{
    uint64_t bit = 1ULL << i;
    return m.exact & bit ? 1 : m.near & bit ? NEAR_SHARE : 0;
}

/* Each place adds to what the others leave open. */
static double share_of(const struct answer_question *q, const struct standing *s)
{
    double sum = 0;
    for (size_t i = 0; i < q->n; i++) {
        double open = (1 - in_marks(s->said, i)) * (1 - HEADING_SHARE * in_marks(s->heading, i)) *
                      (1 - TITLE_SHARE * in_marks(s->title, i)) *
                      (1 - PASSAGE_SHARE * in_marks(s->passage, i));
        sum += q->weights[i] * (1 - open);
    }
    return q->total > 0 ? sum / q->total : 0;
}

/* A title of one word that is asked for is about it; one of five touches it. */
static double topic_of(const struct answer_question *q, struct marks m, double wide)
{
    struct standing s = {.said = m};
    double narrow = m.words ? (double)m.met / m.words : 0;
    return share_of(q, &s) * (1 - wide * (1 - narrow));
}

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

static bool has_number(struct str s)
{
    static const char *const counts[] = {
        " one ", " two ",   " three ", " four ", " five ", " six ",  " seven ", " eight ", " nine ",
        " ten ", "eleven ", "twelve ", "teen ",  "twenty", "thirty", "forty",   "fifty",   "half ",
        "One ",  "Two ",    "Three ",  "Four ",  "Five ",  "Six ",   "Seven ",  "Eight ",  "Nine ",
        "Ten ",  "Eleven ", "Twelve ", "Twenty", "Thirty", "Forty",  "Fifty ",  "hundred", NULL};
    return has_digit(s) || has_any(s, counts);
}

/* 1: what was asked for is there, 0: nothing particular was asked, -1: it is missing. */
static int has_wanted(enum wanted wanted, struct str sentence)
{
    static const char *const units[] = {"day",    "hour",  "week", "month", "year", "minute",
                                        "second", "night", ":00",  ":30",   NULL};
    static const char *const amounts[] = {" free", " no ", "none", "nothing", "unlimited", NULL};
    static const char *const money[] = {"€",  "$",     "£",       "EUR", "USD",
                                        " %", " free", "nothing", NULL};
    static const char *const verdicts[] = {"n't ",  "No ",   " no ",     "Not ", " not ", "never ",
                                           " can ", " may ", "possible", "Yes",  NULL};
    switch (wanted) {
    case WANTED_TIME:
        return has_number(sentence) && has_any(sentence, units) ? 1 : -1;
    case WANTED_NUMBER:
        return has_number(sentence) || has_any(sentence, amounts) ? 1 : -1;
    case WANTED_MONEY:
        return has_any(sentence, money) ? 1 : -1;
    case WANTED_WAY:
        return str_find(sentence, STR(" > ")) >= 0;
    case WANTED_VERDICT:
        return has_any(sentence, verdicts);
    default:
        return 0;
    }
}

/* "It", "That", "They": begins with what an earlier sentence named. */
static bool is_leaning(struct str sentence)
{
    static const char *const words[] = {"It ",   "It's ",  "That ",      "This ", "They ",
                                        "Then ", "These ", "Otherwise ", "But ",  "And ",
                                        "Or ",   "Same ",  "So ",        "Also ", "Here "};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_starts(sentence, str_of(words[i]))) {
            return true;
        }
    }
    static const char *const early[] = {" it ", " them ", " it,", NULL};
    return has_any(str_sub(sentence, 0, 24), early);
}

/* Counts no further than it matters. */
static bool is_short(struct str s)
{
    struct text_word w;
    size_t cursor = 0, n = 0;
    while (n < SHORT_WORDS && text_next_word(s, &cursor, &w)) {
        n++;
    }
    return n < SHORT_WORDS;
}

/* ---- choosing ------------------------------------------------------------ */

struct choosing {
    const struct answer_question *q;
    const struct answer_passage *passage;
    struct arena *scratch;
    const struct sentence *sentences;
    struct marks marks[SENTENCE_MAX];
    struct marks title, heading, all;
    struct marks label;          /* of the sentence that runs begin with */
    const struct sentence *lead; /* the article begins with it; NULL: in another passage */
    double about, lead_share;    /* what title and heading say of all its sentences */
    size_t n;
    struct answer best;
    bool found;
};

static void offer(struct choosing *ch, size_t start, size_t end, double share, double score)
{
    if (!ch->found || score > ch->best.score) {
        ch->best = (struct answer){start, end, share, score};
        ch->found = true;
    }
}

static struct marks heading_of(const struct choosing *ch, const struct sentence *s)
{
    return s->head == SENTENCE_NO_HEAD ? ch->heading : ch->marks[s->head];
}

/* "Reset: hold ...": what stands before the colon is a heading of its own. */
static struct marks label_of(const struct choosing *ch, struct str text)
{
    struct str label = str_sub(text, 0, LABEL_MAX_BYTES);
    ptrdiff_t colon = str_find(label, STR(": "));
    if (text.n <= LABEL_MAX_BYTES && is_short(text)) {
        return marks_of(ch->q, ch->scratch, text);
    }
    return colon > 0 ? marks_of(ch->q, ch->scratch, str_sub(text, 0, (size_t)colon))
                     : (struct marks){0};
}

/* What a run gains by standing first: in its section, in the article. */
static double opening_of(const struct choosing *ch, const struct sentence *first, int wanted)
{
    double topic = topic_of(ch->q, ch->label, WIDE_COST), lead = 1 + LEAD_WANTED * wanted;
    if (first->opens) {
        topic = fmax(topic, topic_of(ch->q, heading_of(ch, first), WIDE_COST));
    }
    if (first != ch->lead) {
        return FIRST_BONUS * topic;
    }
    if (ch->q->wanted == WANTED_WAY && wanted == 0) {
        lead -= LEAD_WAY_COST;
    }
    return FIRST_BONUS * topic + LEAD_BONUS * lead * ch->lead_share;
}

static double score_run(const struct choosing *ch, const struct sentence *first, struct str text,
                        double share)
{
    int wanted = has_wanted(ch->q->wanted, text);
    bool menu = ch->q->wanted != WANTED_WAY && str_find(text, STR(" > ")) >= 0;
    double bonus = ch->q->wanted == WANTED_VERDICT ? VERDICT_BONUS : WANTED_BONUS;
    double score = share * (1 + (wanted > 0 ? bonus : wanted < 0 ? -UNWANTED_COST : 0));
    if (ch->q->wanted == WANTED_WAY && first->item == 1) {
        score += share * STEP_BONUS;
    }
    score += ch->about + opening_of(ch, first, wanted);
    score += EARLY_BONUS * (1 - (double)first->start / (double)ch->passage->text.n);
    score -= menu ? MENU_COST : 0;
    return score - (is_leaning(text) ? LEANING_COST : 0);
}

/* The runs of sentences that begin with this one. */
static void weigh_runs(struct choosing *ch, size_t from)
{
    const struct sentence *first = &ch->sentences[from];
    struct standing where = {
        .heading = heading_of(ch, first), .title = ch->title, .passage = ch->all};
    ch->label = label_of(ch, str_sub(ch->passage->text, first->start, first->end - first->start));
    for (size_t i = from; i < ch->n && i < from + ANSWER_SENTENCES_MAX; i++) {
        const struct sentence *s = &ch->sentences[i];
        bool next_item = i > from && s->item && ch->q->wanted != WANTED_WAY;
        if (s->kind != SENTENCE_WHOLE || s->block != first->block || next_item ||
            s->end - first->start > ANSWER_MAX_BYTES) {
            return;
        }
        where.said = both(where.said, ch->marks[i]);
        struct str text = str_sub(ch->passage->text, first->start, s->end - first->start);
        if (!is_short(text)) {
            double share = share_of(ch->q, &where);
            offer(ch, first->start, s->end, share,
                  score_run(ch, first, text, share) - SENTENCE_COST * (double)(i - from));
        }
    }
}

/* A passage of lines that are no sentences: the line that shares most. */
static void weigh_lines(struct choosing *ch)
{
    for (size_t i = 0; i < ch->n; i++) {
        const struct sentence *s = &ch->sentences[i];
        struct standing where = {ch->marks[i], heading_of(ch, s), ch->title, ch->all};
        struct str line = str_sub(ch->passage->text, s->start, s->end - s->start);
        double share = share_of(ch->q, &where);
        offer(ch, s->start, s->start + text_cut_bytes(line, ANSWER_MAX_BYTES).n, share,
              share * (s->kind == SENTENCE_FRAGMENT ? 0.5 : 0.25));
    }
}

static void weigh_topic(struct choosing *ch)
{
    struct standing title = {.said = ch->title};
    ch->about = TITLE_BONUS * topic_of(ch->q, ch->title, TITLE_WIDE_COST) +
                ABOVE_BONUS * topic_of(ch->q, ch->heading, TITLE_WIDE_COST);
    ch->lead_share = pow(share_of(ch->q, &title), LEAD_POWER);
}

struct answer answer_find(const struct answer_question *q, const struct answer_passage *passage)
{
    struct arena *scratch = arena_new(SCRATCH_MAX_BYTES);
    struct choosing *ch = ARENA_NEW(scratch, struct choosing);
    ch->q = q;
    ch->scratch = scratch;
    ch->passage = passage;
    ch->sentences = sentence_split(scratch, passage->text, &ch->n);
    ch->title = marks_of(q, scratch, passage->title);
    ch->heading = marks_of(q, scratch, passage->heading);
    for (size_t i = 0; i < ch->n; i++) {
        const struct sentence *s = &ch->sentences[i];
        ch->marks[i] = marks_of(q, scratch, str_sub(passage->text, s->start, s->end - s->start));
        ch->all = both(ch->all, ch->marks[i]);
    }
    weigh_topic(ch);
    for (size_t i = 0; i < ch->n; i++) {
        if (ch->sentences[i].kind == SENTENCE_WHOLE) {
            if (passage->lead && !ch->lead) {
                ch->lead = &ch->sentences[i];
            }
            weigh_runs(ch, i);
        }
    }
    if (!ch->found) {
        weigh_lines(ch);
    }
    struct answer best = ch->best;
    arena_free(&scratch);
    return best;
}
