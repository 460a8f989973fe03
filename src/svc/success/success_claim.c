#include "svc/success/success_claim.h"

#include <math.h>
#include <string.h>

#include "codec/date.h"
#include "svc/success/claim_disguise.h"
#include "svc/success/claim_reading.h"
#include "svc/success/success_number.h"
#include "svc/success/wording.h"

/* ---- what a number is said of -------------------------------------------- */

/* Whether what is said with the number lets it be the figure. */
static bool fits(const struct claim_reading *r, int i, uint64_t kind, const char *key)
{
    uint64_t all = r->all, clause = claim_reading_clause(r, i), phrase = claim_reading_phrase(r, i);
    char sign = r->token[i].start ? r->text.p[r->token[i].start - 1] : 0;
    if (kind & CLAIM_TICKETS) {
        return !(phrase & CLAIM_SOLVED) &&
               !(clause & CLAIM_SOLVED && clause & CLAIM_BE && !(clause & CLAIM_IF));
    }
    if (kind & CLAIM_USERS) {
        return !(clause & (CLAIM_FEWER | CLAIM_LEFT | CLAIM_PERIOD | CLAIM_GONE));
    }
    if (kind & (CLAIM_DAYS | CLAIM_MONTHS)) {
        return r->renewal && !(clause & (CLAIM_AGO | CLAIM_OUTAGE));
    }
    if (kind & CLAIM_MINUTES) {
        return !(clause & CLAIM_OUTAGE);
    }
    if (kind & CLAIM_MONEY) {
        return !(clause & (CLAIM_DEBT | CLAIM_PERIOD));
    }
    if (strcmp(key, "previous_score") == 0) {
        return all & (CLAIM_BEFORE | CLAIM_CHANGE | CLAIM_UP | CLAIM_DOWN);
    }
    if (strcmp(key, "score_delta") == 0) {
        return all & (CLAIM_CHANGE | CLAIM_UP | CLAIM_DOWN) || sign == '-' || sign == '+' ||
               claim_reading_behind(r, i, 1, CLAIM_POINTS);
    }
    if (strncmp(key, "score_", 6) == 0) {
        return all & CLAIM_RANGE;
    }
    return true;
}

static bool number_holds(struct claim_reading *r, int i)
{
    static const struct {
        const char *key;
        uint64_t kind;
    } keys[] = {{"score", CLAIM_SCORE | CLAIM_POINTS},
                {"previous_score", CLAIM_SCORE | CLAIM_POINTS},
                {"score_delta", CLAIM_SCORE | CLAIM_POINTS},
                {"score_lowest", CLAIM_SCORE | CLAIM_POINTS},
                {"score_highest", CLAIM_SCORE | CLAIM_POINTS},
                {"avg_daily_users", CLAIM_USERS},
                {"open_tickets", CLAIM_TICKETS},
                {"days_to_renewal", CLAIM_DAYS},
                {"months_to_renewal", CLAIM_MONTHS},
                {"call_minutes", CLAIM_MINUTES},
                {"seats", CLAIM_SEATS},
                {"arr", CLAIM_MONEY}};
    uint64_t kind = claim_reading_kind(r, i);
    r->last_kind = kind;
    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
        const struct json *value =
            kind & keys[k].kind ? claim_reading_figure(r, keys[k].key) : NULL;
        double v = json_number(value, 0);
        if (!json_is_null(value) && fabs(fabs(v) - r->token[i].value) < 1e-9 * (1 + fabs(v)) &&
            fits(r, i, keys[k].kind, keys[k].key)) {
            return true;
        }
    }
    return false;
}

/* ---- how many, without a number ------------------------------------------ */

static bool is_zero(const struct claim_reading *r, uint64_t kind)
{
    static const struct {
        const char *key;
        uint64_t kind;
    } keys[] = {{"avg_daily_users", CLAIM_USERS},
                {"open_tickets", CLAIM_TICKETS},
                {"score", CLAIM_SCORE},
                {"arr", CLAIM_MONEY}};
    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
        const struct json *value =
            kind & keys[k].kind ? claim_reading_figure(r, keys[k].key) : NULL;
        if (kind & keys[k].kind) {
            return json_is_null(value) ? (r->all & CLAIM_KNOWN) != 0 : json_number(value, 1) == 0;
        }
    }
    return true;
}

static bool many_holds(const struct claim_reading *r, int i)
{
    const uint64_t counted = CLAIM_USERS | CLAIM_TICKETS | CLAIM_SEATS | CLAIM_OTHER;
    const uint64_t spans = CLAIM_DAYS | CLAIM_MONTHS;
    const uint64_t states = CLAIM_BE | CLAIM_GONE | CLAIM_LEFT | CLAIM_DOWN | CLAIM_UP;
    uint64_t m = r->token[i].meaning, near = claim_reading_near(r, i, counted | spans);
    uint64_t prior = i > 0 ? r->token[i - 1].meaning : 0;
    if (m & CLAIM_ALL && (near & counted || prior & CLAIM_BE)) {
        return !(r->all & states && r->all & counted);
    }
    if (m & CLAIM_MANY && !(prior & CLAIM_HOW) && near) {
        return near & (CLAIM_OTHER | CLAIM_SEATS) && !(r->all & states);
    }
    return true;
}

static bool zero_holds(const struct claim_reading *r, int i)
{
    const uint64_t kinds = CLAIM_USERS | CLAIM_TICKETS | CLAIM_SCORE | CLAIM_MONEY;
    static const char *const pays[] = {"pay", "pays", "paid", "paying", NULL};
    static const char *const of[] = {"de", NULL}; /* "pas de tickets" */
    uint64_t m = r->token[i].meaning;
    uint64_t near =
        claim_reading_behind(r, claim_reading_is_word(r, i + 1, of) ? i + 1 : i, CLAIM_NEAR, kinds);
    if (m & CLAIM_ZERO && !is_zero(r, near)) {
        return false;
    }
    if (m & CLAIM_ZERO && i + 1 < r->count && r->token[i + 1].meaning & CLAIM_ONE) {
        return false; /* "no one uses it" */
    }
    if (m & CLAIM_NOT && claim_reading_near(r, i, CLAIM_TICKETS) && !is_zero(r, CLAIM_TICKETS)) {
        return false; /* "they do not have open tickets" */
    }
    return !(m & CLAIM_NOT &&
             (claim_reading_is_word(r, i + 1, pays) || claim_reading_is_word(r, i + 2, pays)));
}

/* "They pay nothing", "nothing is open", "it is free" (and not "feel free"). */
static bool nothing_holds(const struct claim_reading *r, int i)
{
    static const char *const nothing[] = {"nothing", "nichts", "niets", "rien", "free", NULL};
    static const char *const feel[] = {"feel", NULL}, *const open[] = {"open", "offen", NULL};
    bool said = claim_reading_is_word(r, i, nothing) && !claim_reading_is_word(r, i - 1, feel);
    bool money = r->all & CLAIM_MONEY,
         tickets = claim_reading_is_word(r, i + 1, open) || claim_reading_is_word(r, i + 2, open);
    return !(said &&
             ((money && !is_zero(r, CLAIM_MONEY)) || (tickets && !is_zero(r, CLAIM_TICKETS))));
}

static bool quantity_holds(struct claim_reading *r, int i)
{
    uint64_t m = r->token[i].meaning;
    if (m & CLAIM_PART || !zero_holds(r, i) || !many_holds(r, i) || !nothing_holds(r, i)) {
        return false;
    }
    if (m & CLAIM_NONE && !(m & CLAIM_USERS)) {
        uint64_t kind = claim_reading_kind(r, i);
        return kind && is_zero(r, kind);
    }
    if (m & CLAIM_ONE && claim_reading_behind(r, i, CLAIM_NEAR, CLAIM_TICKETS | CLAIM_USERS)) {
        r->token[i].value = 1;
        return number_holds(r, i);
    }
    return true;
}

/* "A quarter of the users", "by a third": what is no share is a part of the year, or an order. */
static bool share_holds(const struct claim_reading *r, int i)
{
    static const char *const parts[] = {"quarter", "quarters", "third", "derde", "quart", NULL};
    static const char *const few[] = {"a", "one", "two", "three", "een", "un", "ein", NULL};
    bool part = false, counted = false;
    for (int k = 0; parts[k]; k++) {
        part = part || str_eqz(r->token[i].word, parts[k]);
    }
    for (int k = 0; few[k] && i > 0; k++) {
        counted = counted || str_eqz(r->token[i - 1].word, few[k]);
    }
    bool by =
        i > 1 && (str_eqz(r->token[i - 2].word, "by") || str_eqz(r->token[i - 2].word, "met"));
    bool of = i + 1 < r->count &&
              (str_eqz(r->token[i + 1].word, "of") || str_eqz(r->token[i + 1].word, "van") ||
               str_eqz(r->token[i + 1].word, "des"));
    return !(part && counted && (by || of));
}

/* ---- what is said of the contract ---------------------------------------- */

static bool has_passed(const struct claim_reading *r)
{
    int64_t ms;
    return claim_reading_renewal_ms(r, &ms) && r->t->now_ms &&
           ms < r->t->now_ms - r->t->now_ms % DATE_DAY_MS;
}

static int64_t place_of(int64_t ms, uint64_t unit)
{
    struct date d = date_of_ms(ms, 0);
    return unit & CLAIM_YEAR      ? d.year
           : unit & CLAIM_QUARTER ? (int64_t)d.year * 4 + (d.month - 1) / 3
                                  : (int64_t)d.year * 12 + d.month;
}

/* "Next year", "l'année dernière", beside each other. */
static bool period_holds(const struct claim_reading *r, int i)
{
    const uint64_t units = CLAIM_YEAR | CLAIM_QUARTER | CLAIM_MONTH | CLAIM_WEEK;
    const uint64_t whiches = CLAIM_NEXT | CLAIM_LAST | CLAIM_THIS;
    uint64_t unit = r->token[i].meaning & units, which = 0;
    int64_t ms;
    which |= i > 0 ? r->token[i - 1].meaning & whiches : 0;
    which |= i + 1 < r->count ? r->token[i + 1].meaning & (CLAIM_NEXT | CLAIM_LAST) : 0;
    if (!unit || !which) {
        return true;
    }
    if (unit & CLAIM_WEEK || !claim_reading_renewal_ms(r, &ms)) {
        return false;
    }
    int64_t away = place_of(ms, unit) - place_of(r->t->now_ms, unit);
    return away == (which & CLAIM_NEXT ? 1 : which & CLAIM_LAST ? -1 : 0);
}

static bool is_its_month(const struct claim_reading *r, struct str word)
{
    int64_t ms;
    if (!claim_reading_renewal_ms(r, &ms)) {
        return false;
    }
    for (int l = 0; l < WORDING_LANGUAGES; l++) {
        struct str rest = wording_date(r->arena, (enum wording_language)l, ms), day, month;
        str_split(&rest, ' ', &day);
        str_split(&rest, ' ', &month);
        if (str_eq(str_lower(r->arena, month), word)) {
            return true;
        }
    }
    return false;
}

/* Days and seasons that a sentence about the renewal names, unless it is about a meeting. */
static bool times_hold(const struct claim_reading *r)
{
    int64_t ms = 0, today = r->t->now_ms - r->t->now_ms % DATE_DAY_MS;
    bool known = claim_reading_renewal_ms(r, &ms);
    if (!(r->all & CLAIM_RENEWAL) || r->asks || r->all & (CLAIM_MEET | CLAIM_IF)) {
        return true;
    }
    for (int i = 0; i < r->count; i++) {
        uint64_t m = r->token[i].meaning;
        int64_t days = ms >= today ? (ms - today) / DATE_DAY_MS : -1;
        bool wrong = m & CLAIM_SEASON || (m & CLAIM_TODAY && (!known || days != 0)) ||
                     (m & CLAIM_TOMORROW && (!known || days != 1)) ||
                     (m & CLAIM_NAMED && !is_its_month(r, r->token[i].word)) || !period_holds(r, i);
        if (wrong) {
            return false;
        }
    }
    return true;
}

static bool is_over(const struct claim_reading *r)
{
    static const char *const over[] = {"over", NULL}, *const is[] = {"is", "was", NULL};
    static const char *const out[] = {"out", NULL}, *const run[] = {"run", "ran", NULL};
    bool found =
        claim_reading_says(r, CLAIM_EXPIRED) || (r->renewal && claim_reading_says(r, CLAIM_ENDED));
    for (int i = 1; i < r->count && r->renewal; i++) { /* in Dutch, "over" is "in" */
        found = found ||
                (claim_reading_is_word(r, i, over) && claim_reading_is_word(r, i - 1, is)) ||
                (claim_reading_is_word(r, i, out) && claim_reading_is_word(r, i - 1, run));
    }
    return found;
}

/* Somebody is gone, or will be. */
static bool leaves(const struct claim_reading *r, int i)
{
    static const char *const gone[] = {"gone",     "lost",       "leaving", "churning",
                                       "imminent", "cancelling", "weg",     NULL};
    static const char *const likely[] = {"likely", NULL};
    uint64_t m = r->token[i].meaning, prior = i > 0 ? r->token[i - 1].meaning : 0;
    bool counted = false;
    for (int k = 0; k < r->count; k++) {
        counted = counted || r->token[k].number;
    }
    bool left = prior & (CLAIM_HAVE | CLAIM_USERS) || (!counted && !(prior & CLAIM_BE));
    if ((m & CLAIM_LEFT && left) || (claim_reading_is_word(r, i, gone) && prior & CLAIM_BE)) {
        return true;
    }
    for (int k = i + 1; k < r->count && k <= i + CLAIM_NEAR; k++) {
        bool sure = m & CLAIM_WILL && !(r->all & CLAIM_IF);
        bool feared = claim_reading_is_word(r, i, likely) && str_eqz(r->t->risk, "low") &&
                      !claim_reading_denied(r, i);
        if (r->token[k].meaning & CLAIM_LEAVE && !claim_reading_denied(r, k) && (sure || feared)) {
            return true;
        }
    }
    return false;
}

/* "They will not renew." */
static bool refuses(const struct claim_reading *r, int i)
{
    static const char *const stems[] = {"renew", "verläng", "verleng", "renouvel"};
    bool found = false;
    for (size_t s = 0; s < sizeof(stems) / sizeof(*stems); s++) {
        for (int k = i + 1; k < r->count && k <= i + 2; k++) {
            found = found || str_starts(r->token[k].word, str_of(stems[s]));
        }
    }
    return found && r->token[i].meaning & CLAIM_NOT;
}

/* "The tickets are closed." */
static bool is_solved(const struct claim_reading *r, int i)
{
    static const char *const until[] = {"so", "that", "be", NULL};
    bool is = false;
    for (int k = i - 1; k >= 0 && k >= i - 3; k--) {
        if (claim_reading_is_word(r, k, until)) {
            return false;
        }
        is = is || r->token[k].meaning & CLAIM_BE;
    }
    return is && r->all & CLAIM_TICKETS && r->token[i].meaning & CLAIM_SOLVED &&
           !claim_reading_denied(r, i);
}

static bool states_hold(const struct claim_reading *r)
{
    bool open = r->asks || r->all & CLAIM_IF;
    if (!open && ((is_over(r) && !has_passed(r)) || claim_reading_says(r, CLAIM_GONE))) {
        return false;
    }
    for (int i = 0; i < r->count && !r->asks; i++) {
        if (leaves(r, i) || (!open && (refuses(r, i) || is_solved(r, i))) ||
            (r->token[i].date && claim_reading_clause(r, i) & CLAIM_EVENT)) {
            return false;
        }
    }
    return true;
}

/* ---- trend, risk, score -------------------------------------------------- */

static const char *word_of(uint64_t m, const uint64_t meanings[3], const char *const words[3])
{
    const char *found = NULL;
    int count = 0;
    for (int i = 0; i < 3; i++) {
        if (m & meanings[i]) {
            found = words[i];
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

/* What one part of a sentence says of a way that something goes. */
static bool way_holds(const struct claim_reading *r, uint64_t part, const char *way)
{
    const uint64_t things = CLAIM_USAGE | CLAIM_USERS | CLAIM_SCORE | CLAIM_TICKETS;
    uint64_t about = part & things ? part & things : r->all & things;
    double delta = json_number(claim_reading_figure(r, "score_delta"), 0);
    bool score = *way == 'u' ? delta > 0 : *way == 'd' ? delta < 0 : delta == 0;
    if (about & (CLAIM_USAGE | CLAIM_USERS)) {
        return str_eqz(r->t->trend, way) || (score && about & CLAIM_SCORE);
    }
    return about & CLAIM_SCORE ? score : !(about & CLAIM_TICKETS);
}

/* "Usage is up", "trending down", "down 9 points". */
static uint64_t way_of(const struct claim_reading *r, int i)
{
    static const char *const goes[] = {"trending", "trends", "went", "goes", "going", NULL};
    static const char *const up[] = {"up", NULL}, *const down[] = {"down", NULL};
    uint64_t m = r->token[i].meaning & (CLAIM_UP | CLAIM_DOWN | CLAIM_FLAT);
    bool told =
        i > 0 && (r->token[i - 1].meaning & CLAIM_BE || claim_reading_is_word(r, i - 1, goes));
    told = told || (i + 1 < r->count && r->token[i + 1].number);
    m |= told && claim_reading_is_word(r, i, up)     ? CLAIM_UP
         : told && claim_reading_is_word(r, i, down) ? CLAIM_DOWN
                                                     : 0;
    return claim_reading_denied(r, i) ? 0 : m;
}

static bool parts_here(const struct claim_reading *r, int i)
{
    static const char *const joints[] = {
        "and",  "while", "but", "with", "as",      "though", "although", "yet",  "whereas", "und",
        "aber", "mit",   "en",  "maar", "terwijl", "et",     "mais",     "avec", NULL};
    bool behind = i > 0 && r->token[i].start >= r->token[i - 1].end;
    return claim_reading_is_word(r, i, joints) ||
           (behind && str_find_char(str_sub(r->text, r->token[i - 1].end,
                                            r->token[i].start - r->token[i - 1].end),
                                    ',') >= 0);
}

static bool trend_holds(const struct claim_reading *r)
{
    static const uint64_t ways[] = {CLAIM_UP, CLAIM_FLAT, CLAIM_DOWN};
    static const char *const words[] = {"up", "flat", "down"};
    uint64_t part = 0, way = 0;
    if (r->asks || r->all & CLAIM_IF) {
        return true;
    }
    for (int i = 0; i <= r->count; i++) {
        if (i == r->count || parts_here(r, i)) {
            const char *one = word_of(way, ways, words);
            if (one && !way_holds(r, part, one)) {
                return false;
            }
            part = way = 0;
        }
        part |= i < r->count ? r->token[i].meaning : 0;
        way |= i < r->count ? way_of(r, i) : 0;
    }
    return true;
}

static bool risk_holds(const struct claim_reading *r)
{
    static const uint64_t levels[] = {CLAIM_LOW, CLAIM_MEDIUM, CLAIM_HIGH};
    static const char *const words[] = {"low", "medium", "high"};
    bool open = r->asks || r->all & CLAIM_IF, low = str_eqz(r->t->risk, "low");
    uint64_t subject = r->all & (CLAIM_SCORE | CLAIM_USAGE | CLAIM_OTHER);
    for (int i = 0; i < r->count && !open; i++) {
        uint64_t near = 0, m = r->token[i].meaning;
        bool un = str_starts(r->token[i].word, STR("un"));
        if (m & CLAIM_UNHEALTHY && low && (subject || un) && !claim_reading_denied(r, i)) {
            return false;
        }
        if (!(m & CLAIM_RISK)) {
            continue;
        }
        for (int k = i > 2 ? i - 2 : 0; k < r->count && k <= i + 3; k++) {
            near |= r->token[k].meaning;
        }
        const char *level = word_of(near, levels, words);
        bool at = i > 0 && r->token[i - 1].meaning & CLAIM_AT && !(r->all & CLAIM_NOT);
        bool told = near & (CLAIM_LOW | CLAIM_MEDIUM | CLAIM_HIGH);
        if ((level && !claim_reading_denied(r, i) && !str_eqz(r->t->risk, level)) ||
            (at && !told && low)) {
            return false;
        }
    }
    return open || !(claim_reading_says(r, CLAIM_HEALTHY) && str_eqz(r->t->risk, "high"));
}

/* ---- the whole ----------------------------------------------------------- */

/* "in den letzten", "1.5", "e.g. this": a full stop ends a sentence before a blank and a capital
 * letter, a figure or the end. */
static bool next_sentence(struct str *rest, struct str *out, bool *out_asks)
{
    size_t end = 0;
    if (!rest->n) {
        return false;
    }
    for (; end < rest->n; end++) {
        char ch = rest->p[end];
        bool last = end + 1 == rest->n || rest->p[end + 1] == ' ' || rest->p[end + 1] == '\n';
        if (ch == '\n' || ch == ';' || (strchr(".!?", ch) && last)) {
            break;
        }
    }
    *out_asks = end < rest->n && rest->p[end] == '?';
    *out = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end + 1, rest->n);
    return true;
}

static bool sentence_holds(struct claim_reading *r, struct str one)
{
    if (!claim_reading_read(r, one)) {
        return false;
    }
    r->renewal = r->renewal || r->all & CLAIM_RENEWAL;
    for (int i = 0; i < r->count; i++) {
        if ((r->token[i].number && !number_holds(r, i)) || !quantity_holds(r, i) ||
            !share_holds(r, i)) {
            return false;
        }
    }
    return states_hold(r) && times_hold(r) && trend_holds(r) && risk_holds(r);
}

struct str success_claim_false(struct arena *a, const struct success_claim_truth *t,
                               struct str text)
{
    struct claim_reading *r = ARENA_NEW(a, struct claim_reading);
    struct str rest, one, whole = success_number_undated(a, t->figures, text);
    *r = (struct claim_reading){.arena = a, .t = t, .whole = whole};
    if (claim_disguise_signs(text)) {
        return text;
    }
    rest = whole;
    while (next_sentence(&rest, &one, &r->asks)) {
        size_t at = (size_t)(one.p - whole.p);
        if (claim_disguise_roman(a, one) || !sentence_holds(r, one)) {
            return str_trim(str_sub(text, at, one.n));
        }
    }
    return STR("");
}
