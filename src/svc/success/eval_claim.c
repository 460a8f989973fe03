#include "svc/success/eval_claim.h"

#include <ctype.h>
#include <string.h>

#include "codec/text.h"

enum { WORDS_MAX = 80 };

struct sentence {
    struct str text;
    struct str word[WORDS_MAX];  /* as written */
    struct str small[WORDS_MAX]; /* in small letters */
    size_t start[WORDS_MAX];     /* bytes in the text */
    size_t count;
};

static bool is_in(struct str word, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        if (str_eqz(word, list[i])) {
            return true;
        }
    }
    return false;
}

static bool any(const struct sentence *s, const char *const *list)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_in(s->small[i], list)) {
            return true;
        }
    }
    return false;
}

/* What is asked, wished or denied claims nothing. */
static bool claims(const struct sentence *s)
{
    static const char *const none[] = {"not",  "no",    "if",   "would",   "could",
                                       "may",  "might", "why",  "whether", "should",
                                       "goal", "more",  "keep", NULL};
    return !any(s, none);
}

static bool is_false_trend(const struct sentence *s, struct str trend)
{
    static const char *const about[] = {"usage", "adoption", NULL};
    static const struct {
        const char *trend;
        const char *const words[12];
    } WAYS[] = {
        {"up",
         {"increasing", "increased", "increases", "growing", "grown", "grew", "grows", "rising",
          "rose", "risen", "rises", NULL}},
        {"down",
         {"declining", "declined", "declines", "falling", "fell", "fallen", "dropping", "dropped",
          "decreasing", "decreased", "shrinking", NULL}},
        {"flat", {"stable", "steady", "flat", "unchanged", NULL}},
    };
    const char *told = NULL;
    int ways = 0;
    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        if (any(s, WAYS[i].words)) {
            told = WAYS[i].trend;
            ways++;
        }
    }
    return ways == 1 && any(s, about) && !str_eqz(trend, told);
}

/* "low risk", "at high risk", "the risk is low". */
static bool is_false_risk(const struct sentence *s, struct str risk)
{
    static const char *const levels[] = {"low", "medium", "high", NULL};
    for (size_t i = 0; i < s->count; i++) {
        if (!str_eqz(s->small[i], "risk")) {
            continue;
        }
        struct str before = i ? s->small[i - 1] : STR("");
        struct str after =
            i + 2 < s->count && str_eqz(s->small[i + 1], "is") ? s->small[i + 2] : STR("");
        struct str told = is_in(before, levels) ? before : after;
        if (is_in(told, levels) && !str_eq(told, risk)) {
            return true;
        }
    }
    return false;
}

static bool is_capital(struct str word)
{
    return word.n > 1 && isupper((unsigned char)word.p[0]) && islower((unsigned char)word.p[1]);
}

/* Two capitalised words side by side within a sentence are somebody's name, or something's. */
static bool is_unknown_name(const struct sentence *s, struct str known)
{
    for (size_t i = 1; i + 1 < s->count; i++) {
        size_t end = s->start[i] + s->word[i].n;
        bool pair = is_capital(s->word[i]) && is_capital(s->word[i + 1]) &&
                    s->start[i + 1] == end + 1 && s->text.p[end] == ' ';
        if (pair && (str_find(known, s->small[i]) < 0 || str_find(known, s->small[i + 1]) < 0)) {
            return true;
        }
    }
    return false;
}

static void read_sentence(struct arena *a, struct str text, struct sentence *out)
{
    struct text_word w;
    size_t cursor = 0;
    *out = (struct sentence){.text = text};
    while (out->count < WORDS_MAX && text_next_word(text, &cursor, &w)) {
        out->word[out->count] = w.word;
        out->small[out->count] = str_lower(a, w.word);
        out->start[out->count++] = w.start;
    }
}

/* Up to a full stop, a question mark or an end of line; a colon begins anew, for what follows it
 * begins with a capital letter as a rule. */
static bool next_sentence(struct str *rest, struct str *out)
{
    size_t end = 0;
    if (!rest->n) {
        return false;
    }
    while (end < rest->n && !strchr(".!?:;\n", rest->p[end])) {
        end++;
    }
    bool asks = end < rest->n && rest->p[end] == '?';
    *out = asks ? STR("") : str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end + 1, rest->n);
    return true;
}

struct str eval_claim_false(struct arena *a, struct str text, const struct eval_claim_truth *t)
{
    struct sentence s;
    struct str rest = text, one, known = str_lower(a, t->known);
    while (next_sentence(&rest, &one)) {
        read_sentence(a, str_trim(one), &s);
        if ((known.n && is_unknown_name(&s, known)) ||
            (claims(&s) && (is_false_trend(&s, t->trend) || is_false_risk(&s, t->risk)))) {
            return s.text;
        }
    }
    return STR("");
}
