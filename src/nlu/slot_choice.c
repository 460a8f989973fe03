#include <string.h>

#include "nlu/lexis.h"
#include "nlu/slot_scan.h"

enum {
    FORMS_MAX = 512,
    JOINED_MAX_BYTES = 96,
    TYPO_ONE_CHARS = 5, /* words this long may have one typing error ... */
    TYPO_TWO_CHARS = 9, /* ... or two */
    TELLING_CHARS = 4,
    COUNTED_CHOICES_MAX = 10
};

struct form {
    size_t choice; /* index in the enum */
    struct phrase_text words;
};

struct forms {
    struct form *items;
    size_t count, size;
};

static void add_form(struct slot_scan *s, struct forms *f, size_t choice, struct str text)
{
    if (f->count == FORMS_MAX) {
        return;
    }
    if (f->count == f->size) {
        size_t size = f->size ? 2 * f->size : 16;
        struct form *grown = ARENA_ARRAY(s->arena, struct form, size);
        if (f->count) {
            memcpy(grown, f->items, f->count * sizeof *grown);
        }
        f->items = grown;
        f->size = size;
    }
    char *plain = str_dupz(s->arena, text);
    for (char *p = plain; *p; p++) {
        *p = *p == '_' || *p == '-' ? ' ' : *p;
    }
    f->items[f->count].choice = choice;
    phrase_read(str_of(plain), &f->items[f->count].words);
    f->count += f->items[f->count].words.count > 0;
}

static struct str choice_text(struct slot_scan *s, const struct json *value)
{
    return json_is(value, JSON_STRING) ? value->string : json_write(s->arena, value);
}

static const struct json *choices_of(const struct slot_want *want)
{
    const struct json *values = json_get(want->schema, "enum");
    return values ? values : json_get(json_get(want->schema, "items"), "enum");
}

static void read_forms(struct slot_scan *s, struct forms *f)
{
    const struct json *values = choices_of(s->want);
    const struct json *synonyms = json_get(s->want->schema, "x-synonyms");
    for (size_t i = 0; i < json_count(values); i++) {
        struct str text = choice_text(s, json_at(values, i));
        add_form(s, f, i, text);
        const struct json *others = json_find(synonyms, text);
        for (size_t j = 0; j < json_count(others); j++) {
            add_form(s, f, i, json_text(json_at(others, j), STR("")));
        }
    }
}

static size_t join(const struct phrase_word *words, size_t n, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        size_t word = strlen(words[i].text);
        if (length + word > JOINED_MAX_BYTES) {
            return 0;
        }
        memcpy(out + length, words[i].text, word);
        length += word;
    }
    return length;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours between a and b (optimal string
 * alignment). */
static size_t distance(const char *a, size_t a_n, const char *b, size_t b_n)
{
    size_t rows[3][JOINED_MAX_BYTES + 1];
    for (size_t j = 0; j <= b_n; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i - 1) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            size_t change = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(change, least(before[j], now[j - 1]) + 1);
            bool swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            now[j] = swap ? least(now[j], earlier[j - 2] + 1) : now[j];
        }
    }
    return rows[a_n % 3][b_n];
}

static bool only_plural(const char *a, size_t a_n, const char *b, size_t b_n)
{
    return (a_n == b_n + 1 && a[a_n - 1] == 's' && memcmp(a, b, b_n) == 0) ||
           (b_n == a_n + 1 && b[b_n - 1] == 's' && memcmp(a, b, a_n) == 0);
}

/* How well the words first..first+n-1 are the form; 0: not. */
static double likeness(const struct slot_scan *s, const struct form *f, size_t first, size_t n)
{
    char said[JOINED_MAX_BYTES], meant[JOINED_MAX_BYTES];
    size_t said_n = join(&s->words.words[first], n, said);
    size_t meant_n = join(f->words.words, f->words.count, meant);
    if (!said_n || !meant_n || (said_n > meant_n + 2 || meant_n > said_n + 2)) {
        return 0;
    }
    if (said_n == meant_n && memcmp(said, meant, said_n) == 0) {
        return n == f->words.count ? 0.97 : 0.93;
    }
    if (only_plural(said, said_n, meant, meant_n) && said_n > 3) {
        return 0.92;
    }
    size_t limit = meant_n >= TYPO_TWO_CHARS ? 2 : meant_n >= TYPO_ONE_CHARS ? 1 : 0;
    bool number = meant[meant_n - 1] >= '0' && meant[meant_n - 1] <= '9' &&
                  said[said_n - 1] != meant[meant_n - 1];
    if (!limit || number || n > f->words.count + 1 ||
        distance(said, said_n, meant, meant_n) > limit) {
        return 0;
    }
    return 0.78;
}

static void put(struct slot_scan *s, size_t choice, size_t first, size_t last, double confidence)
{
    if (phrase_negated(&s->words, first)) {
        confidence *= 0.4;
    }
    const struct json *value = json_at(choices_of(s->want), choice);
    slot_scan_put(s, (struct slot){.start = s->words.words[first].start,
                                   .end = s->words.words[last].end,
                                   .confidence = confidence,
                                   .text = choice_text(s, value),
                                   .integer = (int64_t)choice});
}

static bool in_one_clause(const struct slot_scan *s, size_t first, size_t n)
{
    return first + n <= s->words.count &&
           s->words.words[first].clause == s->words.words[first + n - 1].clause;
}

static void match_forms(struct slot_scan *s, const struct forms *f)
{
    for (size_t k = 0; k < f->count; k++) {
        size_t words = f->items[k].words.count;
        for (size_t i = 0; i < s->words.count; i++) {
            for (size_t n = words > 1 ? words - 1 : 1; n <= words + 1; n++) {
                double like = in_one_clause(s, i, n) ? likeness(s, &f->items[k], i, n) : 0;
                if (like > 0) {
                    put(s, f->items[k].choice, i, i + n - 1, like);
                }
            }
        }
    }
}

/* One word of a longer name is enough when no other choice has it: "finch" for "Finch Ring". */
static void match_telling_words(struct slot_scan *s, const struct forms *f)
{
    for (size_t i = 0; i < s->words.count; i++) {
        const char *word = s->words.words[i].text;
        size_t choice = SIZE_MAX;
        bool several = false;
        if (strlen(word) < TELLING_CHARS || lexis_function(str_of(word))) {
            continue;
        }
        for (size_t k = 0; k < f->count; k++) {
            for (size_t w = 0; w < f->items[k].words.count; w++) {
                if (strcmp(f->items[k].words.words[w].text, word) == 0) {
                    several |= choice != SIZE_MAX && choice != f->items[k].choice;
                    choice = f->items[k].choice;
                }
            }
        }
        if (choice != SIZE_MAX && !several) {
            put(s, choice, i, i, 0.7);
        }
    }
}

/* "the second one", as an answer to a list that was shown. */
static void match_place(struct slot_scan *s)
{
    struct slot_number n;
    size_t count = json_count(choices_of(s->want));
    size_t i = slot_scan_at(s, 0, "the");
    if (s->count || !s->scene->answers || count > COUNTED_CHOICES_MAX || s->words.count > i + 2) {
        return;
    }
    if (slot_scan_at(s, i, "last")) {
        put(s, count - 1, 0, i, 0.6);
    } else if (slot_number_at(s, i, &n) && n.ordinal && n.value >= 1 && n.value <= (double)count) {
        put(s, (size_t)n.value - 1, 0, n.last, 0.65);
    }
}

void slot_choice_find(struct slot_scan *s)
{
    struct forms f = {0};
    read_forms(s, &f);
    match_forms(s, &f);
    match_telling_words(s, &f);
    match_place(s);
}
