#include "find/answer.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/text.h"
#include "find/reading.h"
#include "find/term.h"

enum { QUESTION_MAX_BYTES = 4096, NEAR_MIN_BYTES = 5, KNOWN_MAX = 1024 };

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
enum { SHORT_WORDS = READING_COUNTED };     /* less is no answer */

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
    uint64_t near_by_first[256]; /* which terms is_near may hold for, by a word's first byte */
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
    "collect collection fetch",
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

/* The word's place, or the free one where it would be. */
static struct known *place_at(const struct answer_question *q, struct str word, uint32_t hash)
{
    size_t at = hash & q->mask;
    while (q->known[at].word.n && !str_eq(q->known[at].word, word)) {
        at = (at + 1) & q->mask;
    }
    return &q->known[at];
}

static struct known *place_of(const struct answer_question *q, struct str word)
{
    return place_at(q, word, reading_hash(word));
}

static bool has_word(const char *group, struct str term)
{
    struct str rest = str_of(group), word;
    if (str_find(rest, term) < 0) {
        return false; /* nearly always */
    }
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
        q->near_by_first[(unsigned char)q->terms[i].p[0]] |= 1ULL << i;
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

/* Two words that mean a third, which either of them does not: "pick up" is no picking. */
static struct str reworded(struct arena *a, struct str plain)
{
    static const struct {
        const char *said, *meant;
    } rows[] = {
        {" pick up ", " collect "},
        {" picked up ", " collected "},
        {" get rid of ", " remove "},
        {" give back ", " return "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str said = str_of(rows[i].said);
        ptrdiff_t at = str_find(plain, said);
        if (at >= 0) {
            size_t from = (size_t)at + said.n;
            plain = str_fmt(a, "%.*s%s%.*s", (int)at, plain.p, rows[i].meant, (int)(plain.n - from),
                            plain.p + from);
        }
    }
    return plain;
}

const struct answer_question *answer_read(struct arena *a, struct str question,
                                          struct answer_weigher weigher)
{
    struct answer_question *q = ARENA_NEW(a, struct answer_question);
    struct str plain = reworded(a, text_plain(a, text_cut_bytes(question, QUESTION_MAX_BYTES)));
    struct str term;
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

/* Marks of the passage's terms, found once for each: a passage says most words more than once. */
struct term_marks {
    struct marks own;
    uint64_t joined; /* as the two halves of a word with a hyphen */
};

static uint64_t near_of(const struct answer_question *q, struct str term)
{
    uint64_t near = 0, some = term.n ? q->near_by_first[(unsigned char)term.p[0]] : 0;
    for (; some; some &= some - 1) {
        int i = __builtin_ctzll(some);
        near |= (uint64_t)is_near(term, q->terms[i]) << i;
    }
    return near;
}

static void mark_terms(const struct answer_question *q, const struct reading *r,
                       struct term_marks *out)
{
    for (uint32_t i = 0; i < r->term_count; i++) {
        struct str term = reading_term(r, i);
        const struct known *k = place_at(q, term, r->terms[i].hash);
        out[i].own.exact = k->marks.exact;
        out[i].own.near = k->marks.near | near_of(q, term);
        out[i].joined = k->marks.exact | k->marks.near;
    }
}

static struct marks marks_of(const struct reading *r, const struct term_marks *terms,
                             struct reading_part part)
{
    struct marks m = {0};
    for (uint32_t i = part.from; i < part.from + part.count; i++) {
        struct reading_word word = r->words[i];
        const struct marks *own = &terms[word.term].own;
        uint64_t near = own->near | (word.joined == READING_NONE ? 0 : terms[word.joined].joined);
        m.exact |= own->exact;
        m.near |= near;
        m.words += !r->terms[word.term].stop;
        m.met += (own->exact | near) != 0;
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

/* 1: what was asked for is there, 0: nothing particular was asked, -1: it is missing. */
static int has_wanted(enum wanted wanted, int says)
{
    switch (wanted) {
    case WANTED_TIME:
        return says & READING_NUMBER && says & READING_UNIT ? 1 : -1;
    case WANTED_NUMBER:
        return says & (READING_NUMBER | READING_AMOUNT) ? 1 : -1;
    case WANTED_MONEY:
        return says & READING_MONEY ? 1 : -1;
    case WANTED_WAY:
        return (says & READING_MENU) != 0;
    case WANTED_VERDICT:
        return (says & READING_VERDICT) != 0;
    default:
        return 0;
    }
}

/* ---- choosing ------------------------------------------------------------ */

struct choosing {
    const struct answer_question *q;
    const struct reading *r;
    const struct term_marks *terms;
    struct marks *marks; /* of each line */
    struct marks title, heading, all;
    const struct reading_line *lead; /* the article begins with it; NULL: in another passage */
    double about, lead_share;        /* what title and heading say of all its sentences */
    struct answer best;
    bool found;
};

/* Sentences that follow each other, and what they are together. */
struct run {
    const struct reading_line *first;
    struct marks label; /* of the sentence that it begins with */
    size_t bytes;
    int says, words;
    size_t further; /* sentences after the first */
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

/* What a run gains by standing first: in its section, in the article. */
static double opening_of(const struct choosing *ch, const struct run *run, int wanted)
{
    const struct sentence *first = &run->first->sentence;
    double topic = topic_of(ch->q, run->label, WIDE_COST), lead = 1 + LEAD_WANTED * wanted;
    if (first->opens) {
        topic = fmax(topic, topic_of(ch->q, heading_of(ch, first), WIDE_COST));
    }
    if (run->first != ch->lead) {
        return FIRST_BONUS * topic;
    }
    if (ch->q->wanted == WANTED_WAY && wanted == 0) {
        lead -= LEAD_WAY_COST;
    }
    return FIRST_BONUS * topic + LEAD_BONUS * lead * ch->lead_share;
}

static double score_run(const struct choosing *ch, const struct run *run, double share)
{
    const struct sentence *first = &run->first->sentence;
    int wanted = has_wanted(ch->q->wanted, run->says);
    bool menu = ch->q->wanted != WANTED_WAY && run->says & READING_MENU;
    double bonus = ch->q->wanted == WANTED_VERDICT ? VERDICT_BONUS : WANTED_BONUS;
    double score = share * (1 + (wanted > 0 ? bonus : wanted < 0 ? -UNWANTED_COST : 0));
    if (ch->q->wanted == WANTED_WAY && first->item == 1) {
        score += share * STEP_BONUS;
    }
    score += ch->about + opening_of(ch, run, wanted);
    score += EARLY_BONUS * (1 - (double)first->start / (double)ch->r->text_bytes);
    score -= menu ? MENU_COST : 0;
    return score - (run->first->leaning_bytes <= run->bytes ? LEANING_COST : 0);
}

/* The runs of sentences that begin with this one. */
static void weigh_runs(struct choosing *ch, size_t from)
{
    struct run run = {.first = &ch->r->lines[from]};
    const struct sentence *first = &run.first->sentence;
    struct standing where = {
        .heading = heading_of(ch, first), .title = ch->title, .passage = ch->all};
    run.label = marks_of(ch->r, ch->terms, run.first->label);
    for (size_t i = from; i < ch->r->line_count && i < from + ANSWER_SENTENCES_MAX; i++) {
        const struct reading_line *line = &ch->r->lines[i];
        const struct sentence *s = &line->sentence;
        bool next_item = i > from && s->item && ch->q->wanted != WANTED_WAY;
        run.further = i - from;
        run.bytes = s->end - first->start;
        if (s->kind != SENTENCE_WHOLE || s->block != first->block || next_item ||
            run.bytes > ANSWER_MAX_BYTES) {
            return;
        }
        where.said = both(where.said, ch->marks[i]);
        run.says |= i > from ? line->says_after : line->says;
        run.words += i > from ? line->count_after : line->count;
        if (run.words >= SHORT_WORDS) {
            double share = share_of(ch->q, &where);
            offer(ch, first->start, s->end, share,
                  score_run(ch, &run, share) - SENTENCE_COST * (double)run.further);
        }
    }
}

/* A passage of lines that are no sentences: the line that shares most. */
static void weigh_lines(struct choosing *ch, struct str text)
{
    for (size_t i = 0; i < ch->r->line_count; i++) {
        const struct sentence *s = &ch->r->lines[i].sentence;
        struct standing where = {ch->marks[i], heading_of(ch, s), ch->title, ch->all};
        struct str line = str_sub(text, s->start, s->end - s->start);
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

struct answer answer_in(const struct answer_question *q, const struct reading *r, struct str text)
{
    struct choosing ch = {.q = q, .r = r};
    struct term_marks *terms = mem_new(r->term_count * sizeof(*terms));
    ch.marks = mem_new(r->line_count * sizeof(*ch.marks));
    mark_terms(q, r, terms);
    ch.terms = terms;
    ch.title = marks_of(r, terms, r->title);
    ch.heading = marks_of(r, terms, r->heading);
    for (size_t i = 0; i < r->line_count; i++) {
        ch.marks[i] = marks_of(r, terms, r->lines[i].words);
        ch.all = both(ch.all, ch.marks[i]);
    }
    weigh_topic(&ch);
    for (size_t i = 0; i < r->line_count; i++) {
        if (r->lines[i].sentence.kind == SENTENCE_WHOLE) {
            if (r->lead && !ch.lead) {
                ch.lead = &r->lines[i];
            }
            weigh_runs(&ch, i);
        }
    }
    if (!ch.found) {
        weigh_lines(&ch, text);
    }
    free(ch.marks);
    free(terms);
    return ch.best;
}

struct answer answer_find(const struct answer_question *q, const struct answer_passage *passage)
{
    struct reading *r = reading_new(passage->title, passage->heading, passage->text, passage->lead);
    struct answer best = answer_in(q, r, passage->text);
    reading_free(&r);
    return best;
}
