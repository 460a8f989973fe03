#include "svc/success/ground_reading.h"

#include "codec/date.h"

/* ---- figures ------------------------------------------------------------- */

static const struct json *figure(const struct ground_reading *r, const char *key)
{
    for (size_t i = 0; i < json_count(r->t->figures); i++) {
        const struct json *f = json_at(r->t->figures, i);
        if (str_eqz(json_str(f, "key", STR("")), key)) {
            return json_get(f, "value");
        }
    }
    return NULL;
}

static bool is_known(const struct ground_reading *r, const char *key)
{
    return !json_is_null(figure(r, key));
}

/* Days to the renewal; false: it is not known. */
static bool days_left(const struct ground_reading *r, int64_t *out_days)
{
    int64_t ms;
    if (!date_parse(json_text(figure(r, "renewal_date"), STR("")), &ms)) {
        return false;
    }
    *out_days = (ms - (r->t->now_ms - r->t->now_ms % DATE_DAY_MS)) / DATE_DAY_MS;
    return true;
}

/* ---- words --------------------------------------------------------------- */

bool ground_reading_is(const struct ground_reading *r, int i, const char *words)
{
    struct str rest = str_of(words), one;
    while (i >= 0 && i < r->count && str_split(&rest, ' ', &one)) {
        if (str_eq(r->token[i].word, one)) {
            return true;
        }
    }
    return false;
}

bool ground_reading_has(const struct ground_reading *r, const char *words)
{
    for (int i = 0; i < r->count; i++) {
        if (ground_reading_is(r, i, words)) {
            return true;
        }
    }
    return false;
}

static bool has(const struct ground_reading *r, uint32_t good_for)
{
    return (r->all & good_for) != 0;
}

/* ---- words that stand beside some others only ----------------------------- */

/* Neither good nor up nor free by itself: what stands beside it says what it means. What it says of
 * the customer is in *out_says (GROUND_UP and so on); false: nothing that we know. */
static bool read_bound(const struct ground_reading *r, int i, uint32_t *out_says)
{
    static const struct {
        const char *word, *before, *behind; /* NULL: whatever stands there */
        uint32_t says;
    } ways[] = {
        {"churn", NULL, "risk risks", 0},
        {"churn", "of", NULL, 0},
        {"left", "days months weeks day month week time", NULL, 0},
        {"good", NULL, "health shape position standing", GROUND_GOOD},
        {"good", NULL, "time moment candidate idea starting opportunity start point fit", 0},
        {"positive", NULL, "trend sign signal", GROUND_UP},
        {"positive", "is remains trend", NULL, GROUND_UP},
        {"great", NULL, "to time week day start opportunity pleasure if customer partner rest", 0},
        {"up", "is trending trend are been trends remains", NULL, GROUND_UP},
        {"up", "follow following set coming comes sum catch", NULL, 0},
        {"down", NULL, NULL, GROUND_DOWN},
        {"coming", NULL, "up", GROUND_NEAR},
        {"coming", NULL, "year quarter term weeks days months week month", 0},
        {"comes", NULL, "up", GROUND_NEAR},
        {"free", "feel you", NULL, 0},
        {"light", "is remains", NULL, GROUND_LOAD},
        {"light", NULL, "load volume", GROUND_LOAD},
        {"happy", NULL, "to", 0},
        {"glad", NULL, "to", 0},
        {"ready", NULL, "below", 0},
        {"ready", "is", NULL, GROUND_DRAFT},
        {"signs", "who", NULL, 0},
        {"opportunity", "an the", NULL, 0},
        {"sign", "positive good", NULL, 0},
        {"away", "days day months month", NULL, 0},
        {"new", "to of for", "users features teams capabilities options ideas", 0},
        {"due", "is are was", "on for in within", GROUND_AHEAD},
        {"successful", "a", "renewal", 0},
        {"rise", "the", NULL, GROUND_UP},
        {"minimal", "is remains", NULL, GROUND_LOAD},
        {"scheduled", "is", "for", GROUND_AHEAD},
        {"positioned", "well", "for", GROUND_GOOD},
        {"new", NULL, "users features capabilities options ideas goals", 0},
        {"candidate", "good", NULL, 0},
    };
    for (size_t k = 0; k < sizeof(ways) / sizeof(*ways); k++) {
        bool here = ground_reading_is(r, i, ways[k].word) &&
                    (!ways[k].before || ground_reading_is(r, i - 1, ways[k].before)) &&
                    (!ways[k].behind || ground_reading_is(r, i + 1, ways[k].behind));
        if (here) {
            bool due = ground_reading_is(r, i, "up") && ground_reading_is(r, i + 1, "for");
            *out_says |= due ? GROUND_AHEAD : ways[k].says;
            return true;
        }
    }
    return false;
}

/* ---- whose mind it is ------------------------------------------------------ */

/* "They", "the champion", a name; not "our team". */
static bool is_other(const struct ground_reading *r, int i)
{
    bool theirs = ground_reading_is(r, i,
                                    "they customer customers champion sponsor team teams "
                                    "users people account maker makers executive "
                                    "stakeholders who procurement legal");
    return i >= 0 && i < r->count && (theirs || r->token[i].name) &&
           !ground_reading_is(r, i - 1, "our");
}

bool ground_reading_tells_mind(const struct ground_reading *r)
{
    static const char acts[] =
        "agree agrees agreed accept accepts accepted approve approves approved "
        "sign signs signed confirm confirms confirmed commit commits "
        "renew choose chooses chose stay stays";
    static const char wishes[] = "love like need needs want wants trust feel hope appreciate fit "
                                 "plan plans fits suit suits decide decides hear wish hesitate";
    bool open = r->asks || ground_reading_has(r, "if whether how which what ensure make");
    for (int i = 0; i < r->count && !open; i++) {
        bool you = ground_reading_is(r, i, "you");
        you = you && !ground_reading_is(r, i - 1, "everything anything whatever");
        bool will = ground_reading_is(r, i + 1, "will would can could may might must shall");
        if ((you || is_other(r, i)) && ground_reading_is(r, i + 1 + will, wishes)) {
            return true;
        }
        if (is_other(r, i) && !ground_reading_is(r, i, "who") &&
            ground_reading_is(r, i + 1 + will, acts)) {
            return true;
        }
        bool is = ground_reading_is(r, i + 1, "is are was were has have be been had");
        bool been = ground_reading_is(r, i + 2, "been not");
        int k = i + 2 + been;
        if (is && (you || is_other(r, i)) && k < r->count && !r->token[k].number &&
            !r->token[k].name && !(r->token[k].good_for & GROUND_PLAIN) &&
            !ground_reading_has(r, "hope")) {
            return true;
        }
    }
    return false;
}

/* ---- what it claims ------------------------------------------------------- */

static bool way_holds(const struct ground_reading *r, const char *way)
{
    double delta = json_number(figure(r, "score_delta"), 0);
    bool score = *way == 'u' ? delta > 0 : *way == 'd' ? delta < 0 : delta == 0;
    bool usage = str_eqz(r->t->trend, way);
    score = score && is_known(r, "score_delta");
    bool none = !has(r, GROUND_USAGE | GROUND_SCORE | GROUND_TICKETS | GROUND_MONEY) &&
                !ground_reading_has(r, "price pricing seat seats team teams");
    return (usage && (has(r, GROUND_USAGE) || none)) || (score && (has(r, GROUND_SCORE) || none));
}

static bool risk_holds(const struct ground_reading *r, bool denied, bool *out_claims)
{
    bool low = str_eqz(r->t->risk, "low"), told = false;
    for (int i = 0; i < r->count; i++) {
        if (r->token[i].good_for & GROUND_LEVEL) {
            struct str level = r->token[i].word;
            level = str_eqz(level, "moderate") ? STR("medium") : level;
            *out_claims = told = true;
            if (denied || !str_eq(level, r->t->risk)) {
                return false;
            }
        }
        if (ground_reading_is(r, i, "at") && ground_reading_is(r, i + 1, "risk")) {
            *out_claims = told = true;
            if (denied ? !low : low || !r->t->risk.n) {
                return false;
            }
        }
    }
    if (denied && !told) { /* "no immediate risks" */
        *out_claims = true;
        return low;
    }
    return true;
}

static bool load_holds(const struct ground_reading *r)
{
    bool few = json_number(figure(r, "open_tickets"), 99) <= GROUND_FEW_TICKETS;
    return few && has(r, GROUND_TICKETS) && !ground_reading_has(r, "medium moderate high heavy");
}

/* All that it says is missing is. */
static bool gap_holds(const struct ground_reading *r)
{
    static const struct {
        uint32_t subject;
        const char *key;
    } keys[] = {{GROUND_USAGE, "avg_daily_users"},
                {GROUND_TICKETS, "open_tickets"},
                {GROUND_RENEWAL, "renewal_date"},
                {GROUND_MONEY, "arr"},
                {GROUND_SCORE, "score"}};
    bool found = false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (has(r, keys[i].subject)) {
            if (is_known(r, keys[i].key) &&
                !(keys[i].subject & GROUND_RENEWAL && has(r, GROUND_MONEY))) {
                return false;
            }
            found = true;
        }
    }
    return found;
}

static bool renewal_holds(const struct ground_reading *r, uint32_t says)
{
    int64_t days;
    return days_left(r, &days) && days >= 0 && (!(says & GROUND_NEAR) || days <= GROUND_NEAR_DAYS);
}

/* What of `says` the data do not bear out, if it says it of anything. */
static bool states_hold(const struct ground_reading *r, uint32_t says, bool denied)
{
    if (says & GROUND_GOOD && (denied || !str_eqz(r->t->risk, "low"))) {
        return false;
    }
    if (says & GROUND_POOR && (denied || !str_eqz(r->t->risk, "high"))) {
        return false;
    }
    return !((says & GROUND_UP && (denied || !way_holds(r, "up"))) ||
             (says & GROUND_DOWN && (denied || !way_holds(r, "down"))) ||
             (says & GROUND_FLAT && (denied || !way_holds(r, "flat"))));
}

bool ground_reading_holds(const struct ground_reading *r, bool *out_claims)
{
    const uint32_t states = GROUND_GOOD | GROUND_POOR | GROUND_UP | GROUND_DOWN | GROUND_FLAT;
    uint32_t says = r->all & (states | GROUND_NEAR | GROUND_AHEAD);
    bool denied = has(r, GROUND_NOT), claims = false, gap = false;
    *out_claims = false;
    for (int i = 0; i < r->count; i++) {
        if (r->token[i].good_for & GROUND_BOUND && !read_bound(r, i, &says)) {
            return false;
        }
        bool known = ground_reading_is(r, i, "available known recorded");
        gap = gap || (r->token[i].good_for & GROUND_ABSENT && (!known || denied));
        if (ground_reading_is(r, i, "grow") && (ground_reading_has(r, "continues continue") ||
                                                (i && r->token[i - 1].good_for & GROUND_USAGE))) {
            says |= GROUND_UP;
        }
    }
    if (gap) {
        *out_claims = true;
        return gap_holds(r);
    }
    if (says & GROUND_LOAD || (has(r, GROUND_LOAD) && has(r, GROUND_LEVEL))) {
        *out_claims = true;
        return !denied && load_holds(r);
    }
    if (says & GROUND_DRAFT && !has(r, GROUND_DRAFT)) {
        return false; /* "they are ready" */
    }
    if (has(r, GROUND_LEVEL) && !has(r, GROUND_RISK)) {
        return false; /* nobody knows of what */
    }
    if (has(r, GROUND_RISK) && !risk_holds(r, denied, &claims)) {
        return false;
    }
    if (says & (GROUND_NEAR | GROUND_AHEAD) && has(r, GROUND_RENEWAL)) {
        claims = claims || says & GROUND_NEAR;
        if (!renewal_holds(r, says)) {
            return false;
        }
    }
    if (denied && has(r, GROUND_TICKETS) && json_number(figure(r, "open_tickets"), 1) == 0) {
        claims = true;
        denied = false;
    }
    *out_claims = claims || says & states;
    return states_hold(r, says, denied && !has(r, GROUND_RISK));
}
