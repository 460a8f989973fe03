#include "svc/success/question_condition.h"

#include <string.h>

#include "codec/text.h"

#define IS(w, i, list) question_words_is(w, i, list)

void question_bound_ends(const struct question_bound *b, bool *out_has_least, int64_t *out_least,
                         bool *out_has_most, int64_t *out_most)
{
    enum question_compare c = b->compare;
    *out_has_least =
        c == QUESTION_OVER || c == QUESTION_LEAST || c == QUESTION_EXACT || c == QUESTION_BETWEEN;
    *out_has_most =
        c == QUESTION_UNDER || c == QUESTION_MOST || c == QUESTION_EXACT || c == QUESTION_BETWEEN;
    *out_least = c == QUESTION_OVER ? b->n + 1 : b->n;
    *out_most = c == QUESTION_UNDER ? b->n - 1 : c == QUESTION_BETWEEN ? b->to : b->n;
}

/* ---- numbers -------------------------------------------------------------- */

static enum question_compare compare_at(const struct question_words *w, int i, int *words)
{
    static const char *const over[] = {"more than",   "greater than", "higher than", "larger than",
                                       "bigger than", "over",         "above",       "exceeding",
                                       "exceeds",     "exceed",       ">",           NULL};
    static const char *const least[] = {"at least",       "no less than", "no fewer than",
                                        "not less than",  "minimum of",   "minimum",
                                        "not fewer than", ">=",           NULL};
    static const char *const under[] = {"less than", "fewer than", "lower than", "smaller than",
                                        "under",     "below",      "<",          NULL};
    static const char *const most[] = {
        "at most", "no more than", "not more than", "up to", "maximum of", "maximum", "<=", NULL};
    static const char *const exact[] = {"exactly", "equal to", "just", "only", "=", NULL};
    static const struct {
        enum question_compare compare;
        const char *const *phrases;
    } all[] = {{QUESTION_LEAST, least},
               {QUESTION_MOST, most},
               {QUESTION_OVER, over},
               {QUESTION_UNDER, under},
               {QUESTION_EXACT, exact}};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
        *words = question_words_one_of(w, i, all[k].phrases);
        if (*words) {
            return all[k].compare;
        }
    }
    return QUESTION_ANY;
}

/* "3 or more", "3 or fewer". */
static enum question_compare tail_at(const struct question_words *w, int i, int *words)
{
    static const char *const more[] = {"or more", "or higher",  "or above", "and above", "and more",
                                       "or over", "and higher", "plus",     NULL};
    static const char *const fewer[] = {"or fewer",  "or less",   "or below", "or lower",
                                        "and below", "and lower", "or under", NULL};
    struct question_number next;
    int least = question_words_one_of(w, i, more);
    int n = least ? least : question_words_one_of(w, i, fewer);
    /* "and more than 50 users", "or below 30": the next condition begins there. */
    bool begins = n && (IS(w, i + n, "than") || question_words_number(w, i + n, &next));
    *words = begins ? 0 : n;
    return !*words ? QUESTION_ANY : least ? QUESTION_LEAST : QUESTION_MOST;
}

/* "more than", "between 40", "3". */
static bool is_bound(const struct question_words *w, int i)
{
    struct question_number n;
    int lead;
    compare_at(w, i, &lead);
    return question_words_number(w, i + lead, &n) ||
           (IS(w, i, "between from") && question_words_number(w, i + 1, &n));
}

/* "not on the growth plan" is not read as if the word were missing: what ends before `end` is left
 * out whole, from the word that denies what stands at i. */
static bool left_denied(struct question_words *w, int i, int end)
{
    /* "do not have a score between 40 and 60" */
    bool bound = is_bound(w, i);
    int from = question_words_denied(w, i, bound ? "score scores health ticket tickets users" : "");
    if (from >= 0) {
        question_words_leave(w, from, end - from);
    }
    return from >= 0;
}

#define TICKET_WORDS "ticket tickets issues cases"
#define USER_WORDS   "user users"
#define SCORE_WORDS  "score scores health scoring scored"
#define MONEY_WORDS                                                                                \
    "arr worth value values revenue pay pays paying spend spending contract contracts"

/* The noun that a number at [from, to) belongs to: behind it, else before it. *to goes past it. */
static struct question_bound *subject_of(struct question_words *w, struct question_conditions *q,
                                         const struct question_number *n, int from, int *to)
{
    int k = *to;
    while (k < *to + 3 && IS(w, k, "open active daily support average unresolved points")) {
        k++;
    }
    struct question_bound *behind = IS(w, k, TICKET_WORDS) ? &q->tickets
                                    : IS(w, k, USER_WORDS) ? &q->users
                                                           : NULL;
    if (behind && !n->currency[0] && !n->scaled) {
        k++;
        k += question_words_phrase(w, k, "on average") + question_words_phrase(w, k, "a day");
        *to = k;
        return behind;
    }
    bool other = IS(w, k, "day days week weeks month months year years seat seats percent");
    if (n->currency[0] || n->scaled || IS(w, *to, "arr revenue")) {
        *to += IS(w, *to, "arr revenue") ? 1 : 0;
        return &q->arr_cents;
    }
    for (int i = from - 1; i >= 0 && i >= from - 4 && !other; i--) {
        if (IS(w, i, SCORE_WORDS)) {
            return &q->score;
        }
        if (IS(w, i, TICKET_WORDS)) {
            return &q->tickets;
        }
        if (IS(w, i, "user users usage")) {
            return &q->users;
        }
        if (IS(w, i, MONEY_WORDS)) {
            return &q->arr_cents;
        }
        if (!IS(w, i, "is are be of an a the that has have was with than")) {
            break;
        }
    }
    return NULL;
}

static void set_bound(struct question_conditions *q, struct question_bound *b,
                      struct question_bound value, const struct question_number *n)
{
    bool money = b == &q->arr_cents; /* hundredths are cents */
    value.n /= money ? 1 : 100;
    value.to /= money ? 1 : 100;
    *b = value;
    if (money && n->currency[0]) {
        memcpy(q->currency, n->currency, sizeof(q->currency));
    }
}

static int between_at(struct question_words *w, int i, struct question_conditions *q)
{
    struct question_number a, b;
    if (!IS(w, i, "between from") || !question_words_number(w, i + 1, &a)) {
        return 0;
    }
    int k = i + 1 + a.words;
    if (!IS(w, k, "and to") || !question_words_number(w, k + 1, &b)) {
        return 0;
    }
    int end = k + 1 + b.words;
    if (a.currency[0] || !b.currency[0]) {
        memcpy(b.currency, a.currency, sizeof(b.currency));
    }
    struct question_bound *subject = subject_of(w, q, &b, i, &end);
    if (!subject) {
        return 0;
    }
    if (left_denied(w, i, end)) {
        return end - i;
    }
    if (subject->compare) {
        return 0;
    }
    if (b.scaled && !a.scaled && a.hundredths < 100000) { /* "between 50 and 100k" */
        a.hundredths *= b.hundredths >= 100000000 && a.hundredths < 1000 ? 1000000 : 1000;
    }
    set_bound(q, subject, (struct question_bound){QUESTION_BETWEEN, a.hundredths, b.hundredths},
              &b);
    question_words_use(w, i, end - i);
    return end - i;
}

static int number_at(struct question_words *w, int i, struct question_conditions *q)
{
    struct question_number n;
    int lead = 0, tail = 0;
    enum question_compare compare = compare_at(w, i, &lead);
    if (!question_words_number(w, i + lead, &n)) {
        return 0;
    }
    int end = i + lead + n.words;
    struct str last = w->at[end - 1].plain;
    if (!compare) {
        compare = tail_at(w, end, &tail);
        compare = compare ? compare : str_ends(last, STR("+")) ? QUESTION_LEAST : QUESTION_EXACT;
        end += tail;
    }
    struct question_bound *subject = subject_of(w, q, &n, i, &end);
    if (!subject) {
        return 0;
    }
    if (left_denied(w, i, end)) {
        return end - i;
    }
    if (subject->compare || (n.hundredths % 100 && subject != &q->arr_cents)) {
        return 0;
    }
    if (compare && !tail) { /* "3 tickets or more" */
        int more;
        enum question_compare late = tail_at(w, end, &more);
        compare = late ? late : compare;
        end += late ? more : 0;
    }
    set_bound(q, subject, (struct question_bound){compare, n.hundredths, 0}, &n);
    question_words_use(w, i, end - i);
    return end - i;
}

/* "in 2027" and "before March", not "in Germany". */
static bool is_time(const struct question_words *w, int i)
{
    static const char times[] =
        "the this next q1 q2 q3 q4 january jan february feb march mar april "
        "apr may june jun july jul august aug september sep october oct "
        "november nov december dec";
    struct question_number n;
    return IS(w, i, "before after within until till this next last since during") ||
           (IS(w, i, "in") && (IS(w, i + 1, times) || question_words_number(w, i + 1, &n)));
}

/* ---- what there is none of ------------------------------------------------- */

static int none_at(struct question_words *w, int i, struct question_conditions *q)
{
    static const char *const lacks[] = {
        "do not have", "does not have", "don't have", "doesn't have", "have not", "has not",
        "no",          "without",       "lack",       "lacks",        "lacking",  "missing",
        "unknown",     "not have",      NULL};
    static const char *const fillers = "a an any the open health known current active annual "
                                       "support contract assigned";
    static const struct {
        const char *noun, *missing;
    } nouns[] = {{"renewal", "renewal"}, {"renewals", "renewal"}, {"arr", "arr"},
                 {"value", "arr"},       {"revenue", "arr"},      {"owner", "owner"},
                 {"csm", "owner"},       {"usage", "usage"}};
    int n = question_words_one_of(w, i, lacks), k = i + n;
    if (!n) {
        return 0;
    }
    while (k < i + n + 3 && IS(w, k, fillers) && !IS(w, k, "health")) {
        k++;
    }
    k += IS(w, k, "health") && IS(w, k + 1, "score scores") ? 1 : 0;
    bool dated = IS(w, k, "renewal renewals") && is_time(w, k + 1);
    if (dated || is_bound(w, k + 1)) { /* "no renewal in 2027" denies the year */
        return 0;
    }
    if (left_denied(w, i, k + 1)) {
        return k + 1 - i;
    }
    if (IS(w, k, "score scores risk health")) {
        q->unscored = true;
    } else if (IS(w, k, TICKET_WORDS) && !IS(w, i, "missing unknown")) {
        q->tickets = (struct question_bound){QUESTION_EXACT, 0, 0};
    } else {
        const char *missing = NULL;
        for (size_t m = 0; m < sizeof(nouns) / sizeof(*nouns) && !missing; m++) {
            missing = IS(w, k, nouns[m].noun) ? nouns[m].missing : NULL;
        }
        if (!missing || q->missing) {
            return 0;
        }
        q->missing = missing;
    }
    k += IS(w, k + 1, "date data") ? 1 : 0;
    question_words_use(w, i, k + 1 - i);
    return k + 1 - i;
}

/* ---- risk, trend, changes --------------------------------------------------- */

static void set_risk(struct question_conditions *q, const char *risk, const char *other)
{
    q->risk = risk;
    q->other_risk = other;
}

static int level_before(const struct question_words *w, int i, const char **levels)
{
    static const char *const names[] = {"low", "medium", "high"};
    int n = 0, k = i;
    for (; k >= 0 && k > i - 4; k--) {
        for (int l = 0; l < 3; l++) {
            if (IS(w, k, names[l]) && n < 2) {
                levels[n++] = names[l];
            }
        }
        if (!IS(w, k, "low medium high or and")) {
            break;
        }
    }
    return n;
}

static void read_risk(struct question_words *w, struct question_conditions *q)
{
    for (int i = 0; i < w->n; i++) {
        const char *levels[2] = {0};
        int known = IS(w, i, "risk") ? level_before(w, i - 1, levels) : 0;
        bool at = IS(w, i, "risk") && IS(w, i - 1, "at") && !known;
        bool plain = at || IS(w, i, "risky unhealthy");
        int from = at ? i - 1 : i, denied = question_words_denied(w, from, "");
        if (w->at[i].used || (!known && !plain && !IS(w, i, "healthy"))) {
            continue;
        }
        bool least = IS(w, from - 1, "least") || IS(w, from - 2, "least");
        bool stage = IS(w, from - 1, "stage") || IS(w, i + 1, "stage");
        if (least || stage) {
            continue;
        }
        if (known) {
            bool lowest = strcmp(levels[0], "low") == 0 && known == 1;
            if (left_denied(w, i + 1 - 2 * known, i + 1)) {
                continue;
            }
            set_risk(q, levels[0], lowest ? NULL : levels[1]);
            question_words_use(w, i - 2 * known + 1, 2 * known);
        } else if (plain != (denied >= 0)) {
            set_risk(q, "medium", "high");
        } else {
            set_risk(q, "low", NULL);
        }
        from = !known && denied >= 0 ? denied : from;
        question_words_use(w, from, i - from + 1);
    }
}

#define FALLEN                                                                                     \
    "declining decline declined declines falling fallen fell fall falls dropping dropped drop "    \
    "drops decreasing decreased decrease shrinking shrank worsened worsening worse lost "          \
    "deteriorated deteriorating down"
#define RISEN                                                                                      \
    "growing grown grew increasing increased increase rising risen rose improved improving "       \
    "improve improvement gained recovered better up"
#define STEADY "flat stable steady unchanged"

/* Whether a change at i is the score's: the nearest noun says, and where there is none the word, or
 * that it is dated. */
static bool is_of_score(const struct question_words *w, int i)
{
    for (int away = 1; away <= 4; away++) {
        if (IS(w, i + away, "usage users adoption trend") ||
            IS(w, i - away, "usage users adoption")) {
            return false;
        }
        if (IS(w, i + away, "health score scores") || IS(w, i - away, "health score scores")) {
            return true;
        }
    }
    bool own = IS(w, i,
                  "improved improving improve better worse worsened worsening deteriorated "
                  "recovered") ||
               question_words_has(w, "since"); /* of usage no day is kept on which it changed */
    return own && !question_words_has(w, "usage users adoption trend");
}

static bool is_of_usage(const struct question_words *w, int i)
{
    for (int away = 1; away <= 3; away++) {
        if (IS(w, i + away, "usage users adoption") ||
            IS(w, i - away, "usage users adoption trend")) {
            return true;
        }
    }
    return false;
}

static void read_changes(struct question_words *w, struct question_conditions *q)
{
    for (int i = 0; i < w->n; i++) {
        int way = IS(w, i, FALLEN) ? -1 : IS(w, i, RISEN) ? 1 : 0;
        bool steady = IS(w, i, STEADY);
        if (w->at[i].used || (!way && !steady)) {
            continue;
        }
        bool vague =
            IS(w, i, "up down lost worse better"); /* "coming up": only beside what changes */
        bool score = way && is_of_score(w, i);
        if ((vague && !score && !is_of_usage(w, i)) ||
            left_denied(w, i, i + 1 + IS(w, i + 1, "usage adoption users"))) {
            continue;
        }
        if (score) {
            q->moved = way;
        } else {
            q->trend = way < 0 ? "down" : way > 0 ? "up" : "flat";
        }
        question_words_use(w, i, 1);
    }
}

void question_conditions_read(struct question_words *w, struct question_conditions *out)
{
    for (int i = 0; i < w->n; i++) {
        int n = w->at[i].used ? 1 : between_at(w, i, out);
        n = n ? n : number_at(w, i, out);
        n = n ? n : none_at(w, i, out);
        if (!n && IS(w, i, "unscored unowned unassigned") && !left_denied(w, i, i + 1)) {
            bool unscored = IS(w, i, "unscored");
            out->unscored = out->unscored || unscored;
            out->missing = unscored ? out->missing : "owner";
            question_words_use(w, i, 1);
        }
        i += n ? n - 1 : 0;
    }
    for (int i = 0; i < w->n && !out->tickets.compare; i++) { /* "with open tickets": any */
        bool ranks = question_words_has(w, "most fewest least sorted sort by total average");
        if (!w->at[i].used && IS(w, i, "open") && IS(w, i + 1, TICKET_WORDS) && !ranks &&
            IS(w, i - 1, "with and have has having any") && !left_denied(w, i, i + 2)) {
            out->tickets = (struct question_bound){QUESTION_LEAST, 1, 0};
            question_words_use(w, i, 2);
        }
    }
    read_risk(w, out);
    read_changes(w, out);
}

/* ---- words of the org ------------------------------------------------------- */

/* A value as its words stand in the question: "renewal_approaching", "United Kingdom". */
static int value_at(const struct question_words *w, int i, struct str value)
{
    char text[128];
    if (!value.n || value.n >= sizeof(text)) {
        return 0;
    }
    for (size_t k = 0; k < value.n; k++) {
        char c = value.p[k];
        text[k] = c == '_' || c == '-' ? ' ' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    text[value.n] = 0;
    int n = question_words_phrase(w, i, text);
    for (int k = 0; k < n; k++) {
        if (w->at[i + k].used) {
            return 0;
        }
    }
    return n;
}

static void take_stage(struct question_words *w, int i, int n, struct str value,
                       struct question_conditions *q)
{
    bool named = IS(w, i - 1, "stage") || IS(w, i + n, "stage") ||
                 (IS(w, i - 1, "in") && IS(w, i - 2, "stage"));
    bool plain =
        !str_eqz(value, "at_risk") &&
        (!str_eqz(value, "active") || IS(w, i + n, "customers accounts clients customer account"));
    if ((named || plain) && !left_denied(w, i, i + n + IS(w, i + n, "stage")) && !q->stage.n) {
        q->stage = value;
        question_words_use(w, i, n);
    }
}

static void match_stages(struct question_words *w, const struct json *words, int i,
                         struct question_conditions *q)
{
    static const char *const usual[] = {"trial", "onboarding", "churned", "renewal_approaching",
                                        "active"};
    const struct json *stages = json_get(words, "stages");
    if (IS(w, i, "trials")) {
        take_stage(w, i, 1, STR("trial"), q);
        return;
    }
    for (size_t k = 0; k < json_count(stages); k++) {
        struct str value = json_text(json_at(stages, k), STR(""));
        int n = value_at(w, i, value);
        if (n) {
            take_stage(w, i, n, value, q);
            return;
        }
    }
    for (size_t k = 0; k < sizeof(usual) / sizeof(*usual); k++) {
        int n = value_at(w, i, str_of(usual[k]));
        if (n) {
            take_stage(w, i, n, str_of(usual[k]), q);
        }
    }
}

static void match_plans(struct question_words *w, const struct json *words, int i,
                        struct question_conditions *q)
{
    const struct json *plans = json_get(words, "plans");
    for (size_t k = 0; k < json_count(plans) && !q->plan.n; k++) {
        struct str value = json_text(json_at(plans, k), STR(""));
        int n = value_at(w, i, value);
        if (n && !left_denied(w, i, i + n + IS(w, i + n, "plan"))) {
            q->plan = value;
            question_words_use(w, i, n);
        }
    }
}

/* "sofia@brightwell.example" is Sofia, and whoever else the members' list says. */
static int owner_at(const struct question_words *w, int i, struct str owner, struct str name)
{
    ptrdiff_t at = str_find_char(owner, '@');
    struct str local = at > 0 ? str_sub(owner, 0, (size_t)at) : owner, rest = local, part;
    int n = value_at(w, i, owner);
    n = n ? n : value_at(w, i, name);
    n = n ? n : value_at(w, i, local);
    while (!n && str_split(&rest, '.', &part)) {
        n = part.n > 2 ? value_at(w, i, part) : 0;
    }
    rest = name;
    while (!n && str_split(&rest, ' ', &part)) {
        n = part.n > 2 ? value_at(w, i, part) : 0;
    }
    return n;
}

/* Of somebody who is no member, what stands before the @. */
static struct str name_of(const struct json *words, struct str owner)
{
    ptrdiff_t at = str_find_char(owner, '@');
    struct str name = json_text(json_find(json_get(words, "names"), owner), STR(""));
    return name.n ? name : at > 0 ? str_sub(owner, 0, (size_t)at) : owner;
}

static void set_owner(struct question_words *w, int i, int n)
{
    int from = IS(w, i - 1, "by") && IS(w, i - 2, "owned managed run handled") ? i - 2 : i;
    question_words_use(w, from, n + i - from);
    for (int k = 0; k < w->n; k++) {
        if (IS(w, k, "own owns owned manage manages managed handle handles responsible")) {
            question_words_use(w, k, 1);
        }
    }
}

/* "not owned by Sofia", "Sofia does not own". */
static bool left_disowned(struct question_words *w, int i, int n)
{
    int k = i + n + IS(w, i + n, "does do did is");
    if (left_denied(w, i, i + n)) {
        return true;
    }
    bool behind = IS(w, k, "not doesn't don't didn't isn't never") &&
                  IS(w, k + 1, "own owns owned manage manages managed handle handles responsible");
    if (behind) {
        question_words_leave(w, i, k + 2 - i);
    }
    return behind;
}

static void match_owners(struct question_words *w, const struct json *words, int i,
                         struct question_conditions *q)
{
    const struct json *owners = json_get(words, "owners"), *names = json_get(words, "names");
    for (size_t k = 0; k < json_count(owners) && !q->owner.n; k++) {
        struct str owner = json_text(json_at(owners, k), STR(""));
        const struct json *known = json_find(names, owner);
        struct str name = json_text(known, STR(""));
        int n = owner_at(w, i, owner, name);
        if (n && !left_disowned(w, i, n)) {
            q->owner = owner;
            q->owner_name = name_of(words, owner);
            set_owner(w, i, n);
        }
    }
}

static void match_me(struct question_words *w, const struct json *words, struct str me,
                     struct question_conditions *q)
{
    const struct json *owners = json_get(words, "owners");
    for (size_t k = 0; k < json_count(owners) && me.n; k++) {
        bool mine = str_eq_nocase(json_text(json_at(owners, k), STR("")), me);
        for (int i = 0; mine && i < w->n && !q->owner.n; i++) {
            bool said = IS(w, i, "mine") || (IS(w, i, "i") && IS(w, i + 1, "own manage")) ||
                        (IS(w, i, "my") && !IS(w, i + 1, "team company"));
            if (said && !w->at[i].used && !left_denied(w, i, i + 1)) {
                q->owner = json_text(json_at(owners, k), STR(""));
                q->owner_name = name_of(words, q->owner);
                set_owner(w, i, 1);
            }
        }
    }
}

static const struct {
    const char *name, *code;
} countries[] = {{"germany", "DE"},
                 {"german", "DE"},
                 {"austria", "AT"},
                 {"austrian", "AT"},
                 {"switzerland", "CH"},
                 {"swiss", "CH"},
                 {"netherlands", "NL"},
                 {"holland", "NL"},
                 {"dutch", "NL"},
                 {"belgium", "BE"},
                 {"belgian", "BE"},
                 {"france", "FR"},
                 {"french", "FR"},
                 {"spain", "ES"},
                 {"spanish", "ES"},
                 {"portugal", "PT"},
                 {"portuguese", "PT"},
                 {"italy", "IT"},
                 {"italian", "IT"},
                 {"ireland", "IE"},
                 {"irish", "IE"},
                 {"united kingdom", "GB"},
                 {"uk", "GB"},
                 {"great britain", "GB"},
                 {"britain", "GB"},
                 {"british", "GB"},
                 {"england", "GB"},
                 {"denmark", "DK"},
                 {"danish", "DK"},
                 {"sweden", "SE"},
                 {"swedish", "SE"},
                 {"norway", "NO"},
                 {"norwegian", "NO"},
                 {"finland", "FI"},
                 {"finnish", "FI"},
                 {"iceland", "IS"},
                 {"poland", "PL"},
                 {"polish", "PL"},
                 {"czech republic", "CZ"},
                 {"czechia", "CZ"},
                 {"czech", "CZ"},
                 {"slovakia", "SK"},
                 {"hungary", "HU"},
                 {"romania", "RO"},
                 {"bulgaria", "BG"},
                 {"greece", "GR"},
                 {"turkey", "TR"},
                 {"estonia", "EE"},
                 {"latvia", "LV"},
                 {"lithuania", "LT"},
                 {"luxembourg", "LU"},
                 {"slovenia", "SI"},
                 {"croatia", "HR"},
                 {"united states", "US"},
                 {"usa", "US"},
                 {"american", "US"},
                 {"america", "US"},
                 {"canada", "CA"},
                 {"canadian", "CA"},
                 {"mexico", "MX"},
                 {"brazil", "BR"},
                 {"argentina", "AR"},
                 {"australia", "AU"},
                 {"australian", "AU"},
                 {"new zealand", "NZ"},
                 {"japan", "JP"},
                 {"japanese", "JP"},
                 {"china", "CN"},
                 {"india", "IN"},
                 {"singapore", "SG"},
                 {"south africa", "ZA"},
                 {"israel", "IL"},
                 {"united arab emirates", "AE"},
                 {"ukraine", "UA"}};

/* By the name of a country, also where no account sits: then none matches. Where the org writes no
 * countries at all the word is left to the note. */
static void match_countries(struct question_words *w, const struct json *words, int i,
                            struct question_conditions *q)
{
    const struct json *known = json_get(words, "countries");
    struct str code = STR("");
    int n = 0;
    for (size_t k = 0; k < sizeof(countries) / sizeof(*countries) && !n; k++) {
        n = value_at(w, i, str_of(countries[k].name));
        code = n ? str_of(countries[k].code) : code;
    }
    for (size_t k = 0; k < json_count(known); k++) { /* as the accounts write it */
        struct str value = json_text(json_at(known, k), STR(""));
        int whole = value.n > 2 ? value_at(w, i, value)
                                : i < w->n && str_eq(w->at[i].raw, value) && !w->at[i].used;
        if (whole) {
            n = whole;
            code = value;
        }
    }
    if (n && json_count(known) && !left_denied(w, i, i + n) && !q->country.n) {
        struct str first = w->at[i].raw, last = w->at[i + n - 1].raw;
        q->country = code;
        q->country_name = str_make(first.p, (size_t)(last.p - first.p) + last.n);
        question_words_use(w, IS(w, i - 1, "in from") ? i - 1 : i,
                           n + (IS(w, i - 1, "in from") ? 1 : 0));
    }
}

static void match_industries(struct question_words *w, const struct json *words, int i,
                             struct question_conditions *q)
{
    const struct json *known = json_get(words, "industries");
    if (q->industry.n || !question_words_asks(w, i) || w->at[i].plain.n < 4 ||
        question_words_denied(w, i, "") >= 0 || IS(w, i, "with from that this industry sector")) {
        return;
    }
    for (size_t k = 0; k < json_count(known); k++) {
        struct text_word word;
        struct str value = json_text(json_at(known, k), STR(""));
        size_t cursor = 0;
        while (text_next_word(value, &cursor, &word)) {
            if (str_eq_nocase(word.word, w->at[i].plain)) {
                q->industry = w->at[i].plain;
                question_words_use(w, i, 1);
                if (IS(w, i + 1, "industry sector")) {
                    question_words_use(w, i + 1, 1);
                }
                return;
            }
        }
    }
}

void question_conditions_match(struct question_words *w, const struct json *words, struct str me,
                               struct question_conditions *inout)
{
    for (int i = 0; i < w->n; i++) {
        if (w->at[i].used) {
            continue;
        }
        match_stages(w, words, i, inout);
        match_plans(w, words, i, inout);
        match_owners(w, words, i, inout);
        match_countries(w, words, i, inout);
        match_industries(w, words, i, inout);
    }
    match_me(w, words, me, inout);
}
