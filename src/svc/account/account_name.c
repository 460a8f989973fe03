#include "svc/account/account_name.h"

#include "base/buf.h"
#include "codec/text.h"
#include "svc/account/company_name.h"

enum { LOOKUP = 50, LOOKUP_ROWS_MAX = 2000, WEAK_MIN_BYTES = 3, OTHER_NAMES_MAX = 10 };

/* ---- keeping names ---------------------------------------------------------- */

struct naming {
    struct ctx *c;
    struct store *store;
    const struct id *account;
};

static enum err put_name(const struct naming *n, struct str name, bool weak)
{
    if (!name.n || name.n > RECORD_KEY_MAX_BYTES * 2) {
        return E_OK;
    }
    return store_exec(n->c, n->store, NULL,
                      "INSERT INTO account_name (name, account, weak) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT (name, account) DO NOTHING",
                      S_STR(name), S_ID(n->account), S_INT(weak));
}

/* The name as it is, without its legal form, and its first word, which is a hint at most. */
static enum err put_forms(const struct naming *n, struct str name)
{
    struct arena *a = n->c->arena;
    struct company_words w = company_words(a, name);
    int all = w.count < COMPANY_NAME_WORDS_MAX ? w.count : COMPANY_NAME_WORDS_MAX;
    int bare = company_without_form(&w, all);
    TRY(put_name(n, company_words_join(a, &w, 0, all), false));
    TRY(put_name(n, company_words_join(a, &w, 0, bare), false));
    bool telling = bare > 1 && !w.items[0].plain && w.items[0].text.n >= WEAK_MIN_BYTES;
    return telling ? put_name(n, w.items[0].text, true) : E_OK;
}

struct str account_name_words(struct arena *a, const struct record *r)
{
    struct str all = str_fmt(a, "%.*s %.*s %.*s %.*s", STR_ARG(json_str(r->data, "name", STR(""))),
                             STR_ARG(r->key), STR_ARG(json_str(r->data, "short_name", STR(""))),
                             STR_ARG(json_str(r->data, "owner", STR(""))));
    return text_plain(a, all);
}

enum err account_name_put(struct ctx *c, struct store *s, const struct record *r)
{
    struct naming n = {c, s, &r->id};
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT words FROM account_state WHERE account = ?1",
                    S_ID(&r->id)));
    if (rows.count && str_eq(row_str(&rows, 0, 0), account_name_words(c->arena, r))) {
        return E_OK; /* nothing that it is called has changed */
    }
    struct company_words slug = company_words(c->arena, r->key);
    struct company_words id = company_words(c->arena, id_str(&r->id));
    TRY(store_exec(c, s, NULL, "DELETE FROM account_name WHERE account = ?1", S_ID(&r->id)));
    TRY(put_name(&n, company_words_join(c->arena, &slug, 0, slug.count), false));
    TRY(put_name(&n, company_words_join(c->arena, &id, 0, id.count), false));
    struct company_words called = company_words(c->arena, json_str(r->data, "short_name", STR("")));
    TRY(put_name(&n, company_words_join(c->arena, &called, 0, called.count), false));
    return put_forms(&n, json_str(r->data, "name", STR("")));
}

/* ---- finding them in a text -------------------------------------------------- */

struct hit {
    struct str name; /* folded */
    struct id account;
    struct str slug, title;
    bool weak;
};

struct matching {
    struct arena *a;
    struct str text;
    struct company_words words;
    struct hit *hits;
    int hit_count;
    bool used[COMPANY_WORDS_MAX];
    const struct json *items, *ambiguous;
};

static enum err look_up(struct ctx *c, struct store *s, struct matching *m,
                        const struct store_value *names)
{
    static const char sql[] =
        "SELECT n.name, n.account, n.weak, s.slug, s.name FROM account_name n"
        " JOIN account_state s ON s.account = n.account WHERE (?51 = 0 OR s.demo = 1)"
        " AND n.name IN (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
        " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33,"
        " ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50)"
        " ORDER BY n.name, n.weak, n.account LIMIT ?52";
    struct store_rows rows;
    TRY(store_run(c, s, sql, names, &rows, NULL));
    for (int i = 0; i < rows.count && m->hit_count < LOOKUP_ROWS_MAX; i++) {
        m->hits[m->hit_count++] = (struct hit){.name = row_str(&rows, i, 0),
                                               .account = row_id(&rows, i, 1),
                                               .weak = row_int(&rows, i, 2) != 0,
                                               .slug = row_str(&rows, i, 3),
                                               .title = row_str(&rows, i, 4)};
    }
    return E_OK;
}

/* Every run of up to COMPANY_NAME_WORDS_MAX words. */
static enum err look_up_all(struct ctx *c, struct store *s, struct matching *m)
{
    struct store_value names[LOOKUP + 3];
    int n = 0, last = m->words.count;
    names[LOOKUP] = S_INT(!account_sees_all(c));
    names[LOOKUP + 1] = S_INT(LOOKUP_ROWS_MAX);
    names[LOOKUP + 2] = S_END_;
    for (int from = 0; from < last; from++) {
        for (int len = 1; len <= COMPANY_NAME_WORDS_MAX && from + len <= last; len++) {
            names[n++] = S_STR(company_words_join(c->arena, &m->words, from, len));
            if (n == LOOKUP) {
                TRY(look_up(c, s, m, names));
                n = 0;
            }
        }
    }
    for (int i = n; i < LOOKUP; i++) {
        names[i] = S_STR(STR(""));
    }
    return n ? look_up(c, s, m, names) : E_OK;
}

static struct str quote_of(const struct matching *m, int from, int len)
{
    size_t start = m->words.items[from].start, end = m->words.items[from + len - 1].end;
    return str_sub(m->text, start, end - start);
}

static bool is_used(const struct matching *m, int from, int len)
{
    for (int i = from; i < from + len; i++) {
        if (m->used[i]) {
            return true;
        }
    }
    return false;
}

/* Words of everyday English name a company only where they are written as a name. */
static bool reads_as_name(const struct matching *m, int from, int len, bool weak)
{
    bool plain = true, capital = true;
    for (int i = from; i < from + len; i++) {
        plain = plain && m->words.items[i].plain;
        capital = capital && m->words.items[i].capital && (len > 1 || !m->words.items[i].starts);
    }
    return capital || (!plain && !weak);
}

static const struct json *named(struct arena *a, const struct hit *h)
{
    return json_object(a, {"id", json_new_str(a, str_dup(a, id_str(&h->account)))},
                       {"slug", json_new_str(a, h->slug)}, {"name", json_new_str(a, h->title)});
}

static bool is_known(const struct matching *m, const struct hit *h)
{
    for (size_t i = 0; i < json_count(m->items); i++) {
        if (str_eq(json_str(json_at(m->items, i), "id", STR("")), id_str(&h->account))) {
            return true;
        }
    }
    return false;
}

/* What the run of words stands for: one account, several (then none of them is meant for sure), or
 * nothing. */
static void take_run(struct matching *m, int from, int len)
{
    struct arena *a = m->a;
    struct str run = company_words_join(a, &m->words, from, len);
    const struct hit *first = NULL;
    const struct json *several = &json_empty_array;
    for (int i = 0; i < m->hit_count; i++) {
        const struct hit *h = &m->hits[i];
        if (str_eq(h->name, run) && (!first || first->weak == h->weak)) {
            bool again = first && id_eq(&first->account, &h->account);
            several = again ? several : json_push(a, several, named(a, h));
            first = first ? first : h;
        }
    }
    if (!first || !reads_as_name(m, from, len, first->weak)) {
        return;
    }
    for (int i = from; i < from + len; i++) {
        m->used[i] = true;
    }
    struct str quote = quote_of(m, from, len);
    if (json_count(several) > 1) {
        m->ambiguous =
            json_push(a, m->ambiguous,
                      json_object(a, {"quote", json_new_str(a, quote)}, {"accounts", several}));
    } else if (!is_known(m, first) && json_count(m->items) < ACCOUNT_MATCHES_MAX) {
        const struct json *item = named(a, first);
        item = json_with(a, item, STR("quote"), json_new_str(a, quote));
        m->items =
            json_push(a, m->items, json_with(a, item, STR("exact"), json_new_bool(!first->weak)));
    }
}

static void take_longest(struct matching *m)
{
    for (int len = COMPANY_NAME_WORDS_MAX; len > 0; len--) {
        for (int from = 0; from + len <= m->words.count; from++) {
            if (!is_used(m, from, len)) {
                take_run(m, from, len);
            }
        }
    }
}

/* ---- names of nobody we know -------------------------------------------------- */

static bool introduces(const struct company_word *w)
{
    static const char *const words[] = {"of", "for", "with", "from", "at", "about", "to", "is"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eqz(w->text, words[i])) {
            return true;
        }
    }
    return false;
}

/* How many words from here on are written as one name. */
static int capital_run(const struct matching *m, int from)
{
    int n = 0;
    while (from + n < m->words.count && n < COMPANY_NAME_WORDS_MAX) {
        const struct company_word *w = &m->words.items[from + n];
        if (!w->capital || m->used[from + n] || (n && (!w->joined || w->starts))) {
            break;
        }
        n++;
    }
    return n;
}

static bool looks_like_company(const struct matching *m, int from, int n)
{
    struct company_words run = {n, m->words.items + from};
    if (company_without_form(&run, n) < n) {
        return true;
    }
    bool plain = true;
    for (int i = from; i < from + n; i++) {
        plain = plain && m->words.items[i].plain;
    }
    return !plain && (n > 1 || (from > 0 && introduces(&m->words.items[from - 1])));
}

static const struct json *other_names(struct matching *m)
{
    const struct json *list = &json_empty_array;
    for (int i = 0; i < m->words.count && json_count(list) < OTHER_NAMES_MAX;) {
        int n = capital_run(m, i);
        int skip = 0; /* "Prepare Foo Inc": a sentence begins with a capital, too */
        while (skip < n && m->words.items[i + skip].plain) {
            skip++;
        }
        i += skip;
        n -= skip;
        if (n > 0 && looks_like_company(m, i, n)) {
            list = json_push(m->a, list, json_new_str(m->a, quote_of(m, i, n)));
        }
        i += n > 0 ? n : skip ? 0 : 1;
    }
    return list;
}

enum err account_match(struct ctx *c, struct store *s, struct str text, struct str selected,
                       const struct json **out)
{
    struct arena *a = c->arena;
    struct record r;
    struct matching m = {.a = a,
                         .text = text_cut_bytes(text, ACCOUNT_TEXT_MAX_BYTES),
                         .items = &json_empty_array,
                         .ambiguous = &json_empty_array,
                         .hits = ARENA_ARRAY(a, struct hit, LOOKUP_ROWS_MAX)};
    if (selected.n) {
        TRY(account_find(c, s, selected, &r));
    }
    m.words = company_words(a, m.text);
    TRY(look_up_all(c, s, &m));
    take_longest(&m);
    const struct json *others = other_names(&m);
    if (json_count(m.items) == 0 && selected.n) {
        struct hit h = {.account = r.id, .slug = r.key, .title = json_str(r.data, "name", r.key)};
        const struct json *item =
            json_with(a, named(a, &h), STR("quote"), json_new_str(a, STR("")));
        m.items = json_push(a, m.items, json_with(a, item, STR("exact"), &json_true_value));
    }
    *out = json_object(a, {"items", m.items}, {"other_names", others}, {"ambiguous", m.ambiguous});
    return E_OK;
}
