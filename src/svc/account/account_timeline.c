#include "svc/account/account_timeline.h"

#include <stdlib.h>

#include "agent/conversation.h"
#include "codec/date.h"
#include "codec/template.h"
#include "codec/text.h"
#include "svc/account/account_note.h"

enum { ENTRIES_MAX = 1000, EACH_MAX = 100, CONTACTS_MAX = 20, TALKS_OF_CONTACT = 5, CHARS = 140 };

struct entry {
    int64_t at_ms;
    const char *kind;
    struct str text, link;
};

struct timeline {
    struct ctx *c;
    struct store *store;
    const struct record *r;
    int64_t as_of_ms;
    struct entry *items;
    int count;
};

static void add(struct timeline *t, int64_t at_ms, const char *kind, struct str text,
                struct str link)
{
    if (at_ms > 0 && at_ms <= t->as_of_ms && t->count < ENTRIES_MAX) {
        t->items[t->count++] = (struct entry){at_ms, kind, text, link};
    }
}

/* "Health 87, now 64: 2 more open tickets (1, now 3)" */
static struct str score_text(struct arena *a, const struct account_score *it,
                             const struct account_score *before)
{
    const struct health *h = &it->health;
    if (!h->complete) {
        return STR("Health not known: data is missing");
    }
    if (!before || !before->health.complete) {
        return str_fmt(a, "Health %d, risk %s", h->score, health_risk_name(h->risk));
    }
    const struct json *why = account_attribution(a, &before->health, h);
    struct str text = str_fmt(a, "Health %d, was %d", h->score, before->health.score);
    for (size_t i = 0; i < json_count(why); i++) {
        text = str_fmt(a, "%.*s%s %.*s", STR_ARG(text), i ? ";" : ":",
                       STR_ARG(json_str(json_at(why, i), "text", STR(""))));
    }
    return text;
}

static enum err add_scores(struct timeline *t)
{
    struct account_scores all;
    TRY(account_scores_load(t->c, t->store, &t->r->id, t->as_of_ms, EACH_MAX, &all));
    for (int i = 0; i < all.count; i++) {
        const struct account_score *before = i + 1 < all.count ? &all.items[i + 1] : NULL;
        add(t, all.items[i].at_ms, "health", score_text(t->c->arena, &all.items[i], before),
            STR(""));
    }
    return E_OK;
}

static struct str money(struct arena *a, const struct account_facts *f)
{
    struct json_fault fault = {0};
    struct str text;
    const struct json *view = json_object(
        a, {"cents", json_new_int(a, f->contract.arr_cents)},
        {"currency", f->contract.currency.n ? json_new_str(a, f->contract.currency) : NULL});
    return f->contract.has_arr &&
                   template_text(a, STR("{{cents | money}} a year"), view, &text, &fault) == E_OK
               ? text
               : STR("no sum");
}

static struct str renewal(struct arena *a, const struct account_facts *f)
{
    return f->contract.has_renewal
               ? str_fmt(a, "renews on %.*s", STR_ARG(date_words(a, f->contract.renewal_ms)))
               : STR("no renewal date");
}

static void add_contract(struct timeline *t, int64_t at_ms, const struct json *before,
                         const struct json *after)
{
    struct arena *a = t->c->arena;
    struct account_facts was = {0}, is = {0};
    account_read_contract(after, &is);
    if (!before) {
        add(t, at_ms, "contract",
            str_fmt(a, "Contract: %.*s, %.*s", STR_ARG(money(a, &is)), STR_ARG(renewal(a, &is))),
            STR(""));
        return;
    }
    account_read_contract(before, &was);
    struct str parts[2];
    int n = 0;
    if (was.contract.arr_cents != is.contract.arr_cents) {
        parts[n++] = str_fmt(a, "%.*s (was %.*s)", STR_ARG(money(a, &is)), STR_ARG(money(a, &was)));
    }
    if (was.contract.renewal_ms != is.contract.renewal_ms) {
        parts[n++] = renewal(a, &is);
    }
    if (n) {
        add(t, at_ms, "contract",
            str_fmt(a, "Contract: %.*s%s%.*s", STR_ARG(parts[0]), n > 1 ? ", " : "",
                    n > 1 ? (int)parts[1].n : 0, n > 1 ? parts[1].p : ""),
            STR(""));
    }
}

static void add_usage(struct timeline *t, int64_t at_ms, const struct json *before,
                      const struct json *after)
{
    struct arena *a = t->c->arena;
    struct account_facts was = {0}, is = {0};
    account_read_usage(a, after, &is);
    if (before) {
        account_read_usage(a, before, &was);
    }
    const char *trend = health_trend_name(is.usage.trend);
    if (trend && was.usage.trend != is.usage.trend) {
        add(t, at_ms, "usage",
            str_fmt(a, "Usage %s, %lld users a day", trend, (long long)is.usage.average), STR(""));
    }
}

static enum err add_facts(struct timeline *t)
{
    struct store_rows rows;
    const struct json *before[2] = {NULL, NULL}, *data;
    struct json_fault fault;
    TRY(store_query(t->c, t->store, &rows,
                    "SELECT kind, at, data FROM account_fact WHERE account = ?1 AND at <= ?2"
                    " AND (kind = 'contract' OR kind = 'usage') ORDER BY at, kind LIMIT ?3",
                    S_ID(&t->r->id), S_INT(t->as_of_ms), S_INT(ENTRIES_MAX)));
    for (int i = 0; i < rows.count; i++) {
        bool usage = str_eqz(row_str(&rows, i, 0), "usage");
        if (json_parse(t->c->arena, row_str(&rows, i, 2), &data, &fault) != E_OK) {
            return ctx_fail(t->c, E_INTERNAL, "a stored fact is damaged: %s", fault.text);
        }
        (usage ? add_usage : add_contract)(t, row_int(&rows, i, 1), before[usage], data);
        before[usage] = data;
    }
    return E_OK;
}

static enum err add_tickets(struct timeline *t)
{
    struct arena *a = t->c->arena;
    struct records all;
    struct record_query q = {
        .kind = STR("ticket"), .account = t->r->key, .sort = STR("-created_at"), .limit = EACH_MAX};
    TRY(record_find(t->c, t->store, &q, &all, NULL));
    for (int i = 0; i < all.count; i++) {
        const struct record *k = &all.items[i];
        struct str subject = text_shorten(a, json_str(k->data, "subject", STR("")), CHARS);
        struct str link = STR("/console/records/tickets");
        add(t, json_int(k->data, "created_at", k->created_at_ms), "ticket",
            str_fmt(a, "%.*s opened: %.*s", STR_ARG(k->key), STR_ARG(subject)), link);
        add(t, json_int(k->data, "resolved_at", 0), "ticket",
            str_fmt(a, "%.*s resolved: %.*s", STR_ARG(k->key), STR_ARG(subject)), link);
    }
    return E_OK;
}

static enum err add_talks(struct timeline *t)
{
    struct arena *a = t->c->arena;
    struct records contacts;
    struct record_query q = {
        .kind = STR("contact"), .account = t->r->key, .sort = STR("name"), .limit = CONTACTS_MAX};
    TRY(record_find(t->c, t->store, &q, &contacts, NULL));
    for (int i = 0; i < contacts.count; i++) {
        struct conversations talks;
        struct conversation_filter f = {.contact = contacts.items[i].id, .limit = TALKS_OF_CONTACT};
        TRY(conversation_list(t->c, t->store, &f, &talks));
        for (int k = 0; k < talks.count; k++) {
            const struct conversation *v = &talks.items[k];
            add(t, v->created_at_ms, "conversation",
                str_fmt(a, "Conversation with %.*s (%.*s)",
                        STR_ARG(json_str(contacts.items[i].data, "name", STR("a contact"))),
                        STR_ARG(v->channel)),
                str_fmt(a, "/console/conversations/%s", v->id.text));
        }
    }
    return E_OK;
}

static enum err add_notes(struct timeline *t)
{
    struct arena *a = t->c->arena;
    struct account_notes notes;
    struct account_note_page page = {.before = STR(""), .as_of_ms = t->as_of_ms, .limit = EACH_MAX};
    TRY(account_note_list(t->c, t->store, &t->r->id, &page, &notes));
    for (int i = 0; i < notes.count; i++) {
        const struct json *n = notes.items[i];
        struct str author = json_str(json_get(n, "author"), "name", STR(""));
        add(t, json_int(n, "created_at", 0), "note",
            str_fmt(a, "%.*s: %.*s", STR_ARG(author),
                    STR_ARG(text_shorten(a, json_str(n, "text", STR("")), CHARS))),
            STR(""));
    }
    return E_OK;
}

static int newest_first(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? 1 : -1) : str_cmp(a->text, b->text);
}

enum err account_timeline(struct ctx *c, struct store *s, const struct record *r, int64_t as_of_ms,
                          const struct json **out)
{
    struct arena *a = c->arena;
    struct timeline t = {.c = c,
                         .store = s,
                         .r = r,
                         .as_of_ms = as_of_ms ? as_of_ms : ctx_now_ms(c),
                         .items = ARENA_ARRAY(a, struct entry, ENTRIES_MAX)};
    TRY(add_scores(&t));
    TRY(add_facts(&t));
    TRY(add_tickets(&t));
    if (account_sees_all(c)) {
        TRY(add_talks(&t));
        TRY(add_notes(&t));
    }
    qsort(t.items, (size_t)t.count, sizeof(*t.items), newest_first);
    const struct json *list = &json_empty_array;
    for (int i = 0; i < t.count && i < ACCOUNT_TIMELINE_MAX; i++) {
        const struct entry *e = &t.items[i];
        list = json_push(a, list,
                         json_object(a, {"at_ms", json_new_int(a, e->at_ms)},
                                     {"kind", json_new_str(a, str_of(e->kind))},
                                     {"text", json_new_str(a, e->text)},
                                     {"link", e->link.n ? json_new_str(a, e->link) : NULL}));
    }
    *out = list;
    return E_OK;
}
