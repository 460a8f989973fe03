#include "svc/account/account_history.h"

#include "svc/account/account_formula.h"
#include "svc/account/account_score.h"

enum err account_history_add(struct ctx *c, struct store *s, const struct record *r,
                             const struct account_past_fact *fact)
{
    for (int k = 0; k < ACCOUNT_FACT_KINDS; k++) {
        enum account_fact_kind kind = (enum account_fact_kind)k;
        bool added;
        if (!str_eqz(fact->kind, account_fact_name(kind))) {
            continue;
        }
        if (fact->at_ms <= 0 || fact->at_ms > ctx_now_ms(c)) {
            return ctx_fail_field(c, E_INVALID, "at", "at must be a time of the past");
        }
        struct account_fact row = {.kind = kind,
                                   .data = account_fact_of(c->arena, kind, fact->data),
                                   .source = fact->source,
                                   .at_ms = fact->at_ms};
        return account_fact_add(c, s, &r->id, &row, &added);
    }
    return ctx_fail_field(c, E_INVALID, "kind", "kind is contract, usage or tickets");
}

struct replay {
    struct store *store;
    const struct record *r;
    struct store_rows facts; /* at, kind, data; newest first */
    struct account_facts known;
    struct account_formula_choices choices;
    struct health last;
    bool any;
};

/* The score at a moment, when it is another than the one before. */
static enum err note_score(struct ctx *c, struct replay *w, int64_t at_ms, const char *cause)
{
    struct health h;
    struct health_inputs in = account_inputs(&w->known, at_ms);
    health_score(account_formula_of(&w->choices, at_ms), &in, &h);
    if (w->any && account_score_same(&w->last, &h)) {
        return E_OK;
    }
    cause = w->any ? cause : "first";
    w->last = h;
    w->any = true;
    return account_score_add(c, w->store, &w->r->id, at_ms, &h, cause);
}

/* When another formula came into force next; 0: never. */
static int64_t next_choice(const struct replay *w, int64_t after_ms)
{
    for (int i = 0; i < w->choices.count; i++) {
        if (w->choices.items[i].at_ms > after_ms) {
            return w->choices.items[i].at_ms;
        }
    }
    return 0;
}

/* Between two facts the renewal comes nearer, and another formula may come into force. */
static enum err pass_days(struct ctx *c, struct replay *w, int64_t from_ms, int64_t to_ms)
{
    for (;;) {
        int64_t choice = next_choice(w, from_ms);
        int64_t day = w->known.contract.has_renewal
                          ? health_next_change(from_ms, w->known.contract.renewal_ms)
                          : 0;
        int64_t next = !day || (choice && choice < day) ? choice : day;
        if (!next || next >= to_ms) {
            return E_OK;
        }
        TRY(note_score(c, w, next, next == choice ? "formula" : "day"));
        from_ms = next;
    }
}

static enum err take_fact(struct ctx *c, struct replay *w, int row)
{
    struct str kind = row_str(&w->facts, row, 1);
    const struct json *data;
    struct json_fault fault;
    if (json_parse(c->arena, row_str(&w->facts, row, 2), &data, &fault) != E_OK) {
        return ctx_fail(c, E_INTERNAL, "a stored fact is damaged: %s", fault.text);
    }
    if (str_eqz(kind, "contract")) {
        account_read_contract(data, &w->known);
    } else if (str_eqz(kind, "usage")) {
        account_read_usage(c->arena, data, &w->known);
    } else {
        account_read_tickets(data, &w->known);
    }
    return E_OK;
}

/* Of an account with more facts than are read, the newest are: what was in force before them, and
 * the scores of that time, stay. */
static enum err begin(struct ctx *c, struct replay *w, int64_t now_ms, int64_t *out_from_ms)
{
    struct account_scores before;
    w->known = (struct account_facts){.tickets = {.open = HEALTH_UNKNOWN}};
    w->any = false;
    *out_from_ms = 0;
    TRY(account_formula_choices(c, w->store, &w->choices));
    TRY(store_query(c, w->store, &w->facts,
                    "SELECT at, kind, data FROM account_fact WHERE account = ?1 AND at <= ?2"
                    " ORDER BY at DESC, kind DESC LIMIT ?3",
                    S_ID(&w->r->id), S_INT(now_ms), S_INT(ACCOUNT_HISTORY_MAX)));
    if (w->facts.count < ACCOUNT_HISTORY_MAX) {
        return E_OK;
    }
    int64_t from_ms = row_int(&w->facts, w->facts.count - 1, 0);
    TRY(account_facts_load(c, w->store, w->r, from_ms, &w->known));
    TRY(account_scores_load(c, w->store, &w->r->id, from_ms - 1, 1, &before));
    if (before.count) {
        w->last = before.items[0].health;
        w->any = true;
    }
    *out_from_ms = from_ms;
    return E_OK;
}

static enum err replay_in(struct ctx *c, void *arg)
{
    struct replay *w = arg;
    int64_t now = ctx_now_ms(c), from_ms;
    TRY(begin(c, w, now, &from_ms));
    TRY(store_exec(c, w->store, NULL,
                   "DELETE FROM account_health WHERE account = ?1 AND at >= ?2 AND at <= ?3",
                   S_ID(&w->r->id), S_INT(from_ms), S_INT(now)));
    for (int i = w->facts.count - 1; i >= 0; i--) { /* oldest first */
        int64_t at_ms = row_int(&w->facts, i, 0);
        bool last = i == 0;
        int64_t next_ms = last ? now : row_int(&w->facts, i - 1, 0);
        bool several = i + 1 < w->facts.count && row_int(&w->facts, i + 1, 0) == at_ms;
        TRY(take_fact(c, w, i));
        if (last || next_ms != at_ms) { /* what came together is one change */
            const char *cause = several ? "several" : str_dupz(c->arena, row_str(&w->facts, i, 1));
            TRY(note_score(c, w, at_ms, cause));
        }
        TRY(pass_days(c, w, at_ms, next_ms));
    }
    return E_OK;
}

enum err account_history_replay(struct ctx *c, struct store *s, const struct record *r)
{
    struct replay w = {.store = s, .r = r};
    return store_transact(c, s, replay_in, &w);
}
