/* What has no form of its own: names, yes or no, free text. */
#include <ctype.h>
#include <string.h>

#include "codec/text.h"
#include "nlu/lexis.h"
#include "nlu/slot_scan.h"

enum { NAME_WORDS_MAX = 4 };

static bool is_capital(struct str word)
{
    struct str rest = word;
    uint32_t c;
    if (!text_next(&rest, &c) || !text_is_letter(c)) {
        return false;
    }
    char bytes[4];
    struct arena *a = arena_new(1 << 16);
    struct str one = str_make(bytes, text_put(bytes, c));
    struct str low = text_lower(a, one);
    bool capital = !str_eq(one, low);
    arena_free(&a);
    return capital;
}

static bool is_letters(struct str word)
{
    struct str rest = word;
    uint32_t c;
    while (text_next(&rest, &c)) {
        if (!text_is_letter(c) && c != '\'' && c != 0x2019 && c != '-' && c != '.') {
            return false;
        }
    }
    return word.n > 0;
}

/* Small words inside names: "de", "van der". */
static bool is_particle(const char *word)
{
    static const char *const PARTICLES[] = {"de",  "da", "di", "del", "der", "den", "van",
                                            "von", "la", "le", "el",  "al",  "bin", "mc"};
    for (size_t i = 0; i < sizeof PARTICLES / sizeof PARTICLES[0]; i++) {
        if (strcmp(word, PARTICLES[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* How many words from `first` on are a name. strict: each begins with a capital. */
static size_t name_length(const struct slot_scan *s, size_t first, bool strict)
{
    size_t n = 0, named = 0;
    for (size_t i = first; i < s->words.count && named < NAME_WORDS_MAX; i++) {
        struct str word = slot_scan_span(s, i, i);
        const char *folded = s->words.words[i].text;
        bool same = i == first || s->words.words[i].clause == s->words.words[i - 1].clause ||
                    slot_scan_after(s, i - 1) == '.';
        if (!same || !is_letters(word)) {
            break;
        }
        if (is_particle(folded) && i + 1 < s->words.count && (i > first || strict)) {
            n++;
            continue;
        }
        bool capital = is_capital(word);
        if ((strict && !capital) ||
            (!capital && (lexis_function(str_of(folded)) || lexis_subject(str_of(folded))))) {
            break;
        }
        n++;
        named = n;
    }
    return named;
}

static void put_name(struct slot_scan *s, size_t first, size_t n, double confidence)
{
    if (!n) {
        return;
    }
    struct str span = slot_scan_span(s, first, first + n - 1);
    bool capital = is_capital(span);
    struct str text = capital ? span : text_title(s->arena, span);
    slot_scan_put(s, (struct slot){.start = (size_t)(span.p - s->text.p),
                                   .end = (size_t)(span.p - s->text.p) + span.n,
                                   .confidence = confidence,
                                   .text = text});
}

static void find_names(struct slot_scan *s)
{
    static const struct {
        const char *pattern;
        bool strict; /* the words before could introduce anything: "I'm waiting" */
        double confidence;
    } CUES[] = {
        {"my/full/the name is", false, 0.95},
        {"name is", false, 0.9},
        {"name", true, 0.85},
        {"call me", true, 0.9},
        {"this is", true, 0.85},
        {"im", true, 0.8},
        {"i am", true, 0.8},
        {"its", true, 0.7},
        {"it is", true, 0.7},
        {"mr/mrs/ms/dr/herr/frau/mister", true, 0.85},
        {"ich heisse/bin", true, 0.85},
        {"mein name ist", false, 0.95},
        {"je mappelle", false, 0.9},
        {"me llamo", false, 0.9},
        {"mi chiamo", false, 0.9},
        {"for/under/from", true, 0.5},
        {"regards/thanks/cheers/sincerely", true, 0.6},
    };
    for (size_t k = 0; k < sizeof CUES / sizeof CUES[0]; k++) {
        size_t first, last, from = 0;
        while (phrase_find(&s->words, CUES[k].pattern, from, &first, &last)) {
            put_name(s, last + 1, name_length(s, last + 1, CUES[k].strict), CUES[k].confidence);
            from = first + 1;
        }
    }
    if (s->scene->answers && s->words.count <= NAME_WORDS_MAX + 2) {
        size_t skip = 0;
        while (skip < s->words.count &&
               slot_scan_at(s, skip, "its/it/is/im/i/am/yes/sure/ok/hi/the")) {
            skip++;
        }
        size_t n = name_length(s, skip, false);
        put_name(s, skip, n, skip + n == s->words.count ? 0.85 : 0.5);
    }
}

static void find_boolean(struct slot_scan *s)
{
    double confidence = 0;
    enum slot_reply reply = slot_reply_of(s->text, &confidence);
    if (reply != SLOT_REPLY_CONFIRM && reply != SLOT_REPLY_DENY) {
        return;
    }
    bool yes = reply == SLOT_REPLY_CONFIRM;
    slot_scan_put(s, (struct slot){.end = s->text.n,
                                   .confidence = confidence * (s->scene->answers ? 1 : 0.5),
                                   .text = yes ? STR("true") : STR("false"),
                                   .integer = yes});
}

/* Steps over "well, because" and the like at the beginning of an answer. */
static size_t skip_courtesy(const struct slot_scan *s, size_t from)
{
    static const char *const LEADS[] = {
        "hi/hello/hey/well/um/uh/ok/okay/so/yes/sure/please/ah/oh/hmm",
        "its because",
        "it is/was because",
        "because/cause/cuz/since",
        "due to",
        "the reason is/was",
        "my reason is",
        "i would say",
        NULL};
    bool again = true;
    while (again && from < s->words.count) {
        again = false;
        for (size_t i = 0; LEADS[i] && !again; i++) {
            size_t first, last;
            if (phrase_find(&s->words, LEADS[i], from, &first, &last) && first == from &&
                last + 1 < s->words.count) {
                from = last + 1;
                again = true;
            }
        }
    }
    return from;
}

static void put_text(struct slot_scan *s, size_t start, double confidence)
{
    struct str rest = str_trim(str_sub(s->text, start, s->text.n));
    if (!rest.n) {
        return;
    }
    size_t at = (size_t)(rest.p - s->text.p);
    slot_scan_put(
        s, (struct slot){.start = at, .end = at + rest.n, .confidence = confidence, .text = rest});
}

static void find_text(struct slot_scan *s)
{
    if (slot_scan_named(s->want, "reason/cause/why")) {
        size_t first, last;
        bool found = phrase_find(&s->words, "because/cause/cuz", 0, &first, &last) ||
                     phrase_find(&s->words, "due to", 0, &first, &last) ||
                     phrase_find(&s->words, "reason is/was/being", 0, &first, &last);
        if (found && last + 1 < s->words.count) {
            put_text(s, s->words.words[last + 1].start, 0.85);
            return;
        }
    }
    double confidence = s->scene->answers ? 0.9 : 0.3;
    size_t from = s->scene->answers ? skip_courtesy(s, 0) : 0;
    put_text(s, from && from < s->words.count ? s->words.words[from].start : 0, confidence);
}

void slot_person_find(struct slot_scan *s)
{
    if (s->want->kind == SLOT_NAME) {
        find_names(s);
    } else if (s->want->kind == SLOT_BOOLEAN) {
        find_boolean(s);
    } else {
        find_text(s);
    }
}
