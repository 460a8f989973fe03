#include "svc/account/company_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/text.h"

/* Sorted. A name made of these alone ("The One") is found only as it is spelt, and one of them
 * never stands for a longer name. */
static const char *const plain_words[] = {
    "a",         "about",      "account",   "accounts",  "across",   "action",    "actions",
    "active",    "after",      "again",     "all",       "also",     "am",        "an",
    "and",       "annual",     "any",       "api",       "april",    "are",       "arr",
    "as",        "ask",        "at",        "august",    "bad",      "be",        "because",
    "before",    "best",       "better",    "between",   "big",      "book",      "books",
    "both",      "brief",      "build",     "business",  "but",      "by",        "call",
    "can",       "champion",   "change",    "check",     "churn",    "client",    "clients",
    "cloud",     "come",       "companies", "company",   "compare",  "contact",   "contract",
    "could",     "create",     "csm",       "csv",       "current",  "customer",  "customers",
    "data",      "date",       "day",       "days",      "dear",     "december",  "deck",
    "delta",     "did",        "direct",    "do",        "does",     "down",      "draft",
    "each",      "email",      "end",       "ever",      "every",    "everyone",  "february",
    "few",       "find",       "first",     "flat",      "for",      "friday",    "from",
    "future",    "general",    "get",       "give",      "global",   "go",        "going",
    "good",      "great",      "group",     "had",       "has",      "have",      "he",
    "health",    "hello",      "help",      "her",       "here",     "hi",        "high",
    "highest",   "him",        "his",       "home",      "how",      "i",         "if",
    "in",        "industry",   "into",      "invoice",   "is",       "issue",     "issues",
    "it",        "its",        "january",   "july",      "june",     "just",      "key",
    "kpi",       "last",       "later",     "least",     "less",     "let",       "life",
    "light",     "like",       "list",      "long",      "look",     "low",       "lowest",
    "make",      "management", "many",      "march",     "market",   "may",       "me",
    "meeting",   "message",    "monday",    "month",     "months",   "more",      "most",
    "much",      "my",         "name",      "need",      "new",      "next",      "no",
    "not",       "note",       "notes",     "november",  "now",      "nps",       "october",
    "of",        "off",        "ok",        "old",       "on",       "one",       "only",
    "open",      "or",         "order",     "other",     "our",      "out",       "outline",
    "over",      "owner",      "page",      "part",      "past",     "people",    "per",
    "plan",      "please",     "point",     "portfolio", "prepare",  "price",     "product",
    "q1",        "q2",         "q3",        "q4",        "qbr",      "quarter",   "quarterly",
    "question",  "quick",      "rank",      "renew",     "renewal",  "renewals",  "report",
    "review",    "right",      "risk",      "roi",       "same",     "saturday",  "say",
    "score",     "scores",     "second",    "see",       "send",     "september", "service",
    "services",  "she",        "should",    "show",      "simple",   "since",     "sla",
    "slide",     "slides",     "small",     "so",        "software", "some",      "sponsor",
    "stage",     "start",      "status",    "story",     "success",  "summary",   "sunday",
    "support",   "system",     "systems",   "take",      "team",     "tell",      "than",
    "thank",     "thanks",     "that",      "the",       "their",    "them",      "then",
    "there",     "these",      "they",      "this",      "those",    "three",     "thursday",
    "ticket",    "tickets",    "time",      "to",        "today",    "tomorrow",  "too",
    "top",       "trend",      "tuesday",   "two",       "under",    "up",        "us",
    "usage",     "use",        "very",      "want",      "was",      "way",       "we",
    "wednesday", "week",       "weeks",     "well",      "were",     "what",      "when",
    "where",     "which",      "who",       "why",       "will",     "with",      "work",
    "world",     "worst",      "would",     "write",     "year",     "years",     "yes",
    "yesterday", "yet",        "you",       "your",
};
enum { PLAIN_WORDS = sizeof(plain_words) / sizeof(*plain_words) };

/* As words: "B.V." is "b v". Longer forms first. */
static const char *const legal_forms[] = {
    "gmbh and co kg",
    "gmbh co kg",
    "sp z o o",
    "s a r l",
    "s r l",
    "s r o",
    "s p a",
    "pty ltd",
    "co ltd",
    "b v",
    "n v",
    "s a",
    "s l",
    "a s",
    "z o o",
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "kft",
    "lda",
    "limited",
    "llc",
    "llp",
    "ltd",
    "ltda",
    "nv",
    "oy",
    "oyj",
    "plc",
    "sa",
    "sarl",
    "sas",
    "se",
    "sl",
    "spa",
    "srl",
    "uab",
    "ug",
};

static int compare(const void *key, const void *row)
{
    return str_cmp(*(const struct str *)key, str_of(*(const char *const *)row));
}

bool company_word_is_plain(struct str folded)
{
    return bsearch(&folded, plain_words, PLAIN_WORDS, sizeof(*plain_words), compare) != NULL;
}

/* "Acme's" is "acme". */
static struct str without_genitive(struct str word)
{
    static const char *const ends[] = {"'s", "\xe2\x80\x99s", "'", "\xe2\x80\x99"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct str end = str_of(ends[i]);
        if (word.n > end.n && str_ends(word, end)) {
            return str_sub(word, 0, word.n - end.n);
        }
    }
    return word;
}

static bool is_capital(struct arena *a, struct str word)
{
    struct str rest = word;
    uint32_t first;
    if (!text_next(&rest, &first) || !text_is_letter(first)) {
        return false;
    }
    struct str letter = str_sub(word, 0, word.n - rest.n);
    return !str_eq(text_lower(a, letter), letter);
}

static void look_between(struct str gap, struct company_word *w)
{
    w->joined = true;
    for (size_t i = 0; i < gap.n; i++) {
        char c = gap.p[i];
        w->joined = w->joined && (c == ' ' || c == '&' || c == '.' || c == '-');
        w->starts = w->starts || c == '.' || c == '?' || c == '!' || c == ':' || c == '\n';
    }
}

struct company_words company_words(struct arena *a, struct str text)
{
    struct company_word *items = ARENA_ARRAY(a, struct company_word, COMPANY_WORDS_MAX);
    struct company_words all = {0, items};
    struct text_word word;
    size_t cursor = 0, before = 0;
    while (all.count < COMPANY_WORDS_MAX && text_next_word(text, &cursor, &word)) {
        struct str bare = without_genitive(word.word);
        struct company_word *w = &items[all.count];
        *w = (struct company_word){.text = text_plain(a, bare),
                                   .start = word.start,
                                   .end = word.start + bare.n,
                                   .capital = is_capital(a, bare),
                                   .starts = all.count == 0};
        look_between(str_sub(text, before, word.start - before), w);
        w->joined = w->joined && all.count > 0;
        w->plain = company_word_is_plain(w->text);
        before = word.end;
        all.count += w->text.n > 0;
    }
    return all;
}

struct str company_words_join(struct arena *a, const struct company_words *w, int from, int n)
{
    struct buf b = buf_make(4096);
    for (int i = from; i < from + n; i++) {
        buf_addf(&b, "%s%.*s", i > from ? " " : "", STR_ARG(w->items[i].text));
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* The number of words of `form` when they are the last of the first n, else 0. */
static int ends_with(const struct company_words *w, int n, const char *form)
{
    struct str rest = str_of(form), piece;
    int words = 0;
    while (str_split(&rest, ' ', &piece)) {
        words++;
    }
    if (words >= n) {
        return 0;
    }
    rest = str_of(form);
    for (int i = n - words; i < n && str_split(&rest, ' ', &piece); i++) {
        if (!str_eq(w->items[i].text, piece)) {
            return 0;
        }
    }
    return words;
}

int company_without_form(const struct company_words *w, int n)
{
    for (size_t i = 0; i < sizeof(legal_forms) / sizeof(*legal_forms); i++) {
        int words = ends_with(w, n, legal_forms[i]);
        if (words) {
            return n - words;
        }
    }
    return n;
}
