#include "nlu/slot.h"

#include <string.h>

#include "codec/text.h"
#include "nlu/slot_scan.h"

static const double UNLIKELY = 0.25; /* finds below it are not worth a question */

void slot_scan_put(struct slot_scan *s, struct slot slot)
{
    if (slot.confidence < UNLIKELY) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        const struct slot *old = &s->out[i];
        bool over = slot.start < old->end && old->start < slot.end;
        if (!over) {
            continue;
        }
        bool longer = slot.end - slot.start > old->end - old->start;
        if (old->confidence > slot.confidence || (old->confidence == slot.confidence && !longer)) {
            return;
        }
        memmove(&s->out[i], &s->out[i + 1], (s->count - i - 1) * sizeof slot);
        s->count--;
        i--;
    }
    if (s->count == SLOT_FOUND_MAX) {
        if (s->out[s->count - 1].confidence >= slot.confidence) {
            return;
        }
        s->count--;
    }
    size_t at = s->count++;
    for (; at > 0 && s->out[at - 1].confidence < slot.confidence; at--) {
        s->out[at] = s->out[at - 1];
    }
    s->out[at] = slot;
}

struct str slot_scan_span(const struct slot_scan *s, size_t first, size_t last)
{
    size_t start = s->words.words[first].start;
    return str_sub(s->text, start, s->words.words[last].end - start);
}

unsigned char slot_scan_before(const struct slot_scan *s, size_t i)
{
    size_t start = s->words.words[i].start;
    return start ? (unsigned char)s->text.p[start - 1] : 0;
}

unsigned char slot_scan_after(const struct slot_scan *s, size_t i)
{
    size_t end = s->words.words[i].end;
    return end < s->text.n ? (unsigned char)s->text.p[end] : 0;
}

static bool is_one_of(const char *word, const char *words)
{
    struct str rest = str_of(words), one;
    while (str_split(&rest, '/', &one)) {
        if (str_eqz(one, word)) {
            return true;
        }
    }
    return false;
}

bool slot_scan_at(const struct slot_scan *s, size_t i, const char *words)
{
    return i < s->words.count && is_one_of(s->words.words[i].text, words);
}

bool slot_scan_is(const struct slot_scan *s, size_t i, const char *words)
{
    return slot_scan_at(s, i, words) &&
           (i == 0 || s->words.words[i].clause == s->words.words[i - 1].clause);
}

bool slot_scan_named(const struct slot_want *want, const char *words)
{
    struct phrase_text name;
    char plain[128];
    size_t n = want->name.n < sizeof plain ? want->name.n : sizeof plain;
    for (size_t i = 0; i < n; i++) {
        plain[i] = want->name.p[i] == '_' || want->name.p[i] == '-' ? ' ' : want->name.p[i];
    }
    phrase_read(str_make(plain, n), &name);
    for (size_t i = 0; i < name.count; i++) {
        if (is_one_of(name.words[i].text, words)) {
            return true;
        }
    }
    return false;
}

static struct str type_of(const struct json *schema)
{
    const struct json *type = json_get(schema, "type");
    for (size_t i = 0; json_is(type, JSON_ARRAY) && i < type->count; i++) {
        struct str name = json_text(&type->items[i], STR(""));
        if (!str_eqz(name, "null")) {
            return name;
        }
    }
    return json_text(type, STR("string"));
}

static enum slot_kind kind_of_string(const struct slot_want *want)
{
    static const struct {
        const char *format;
        enum slot_kind kind;
    } FORMATS[] = {{"date", SLOT_DATE},       {"time", SLOT_TIME},   {"date-time", SLOT_DATE_TIME},
                   {"email", SLOT_EMAIL},     {"uri", SLOT_URL},     {"url", SLOT_URL},
                   {"idn-email", SLOT_EMAIL}, {"phone", SLOT_PHONE}, {"duration", SLOT_DURATION}};
    struct str format = json_str(want->schema, "format", STR(""));
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        if (str_eqz(format, FORMATS[i].format)) {
            return FORMATS[i].kind;
        }
    }
    if (json_get(want->schema, "pattern")) {
        return SLOT_PATTERN;
    }
    if (slot_scan_named(want, "email/mail")) {
        return SLOT_EMAIL;
    }
    if (slot_scan_named(want, "phone/telephone/mobile/fax")) {
        return SLOT_PHONE;
    }
    if (slot_scan_named(want, "url/website/link/homepage")) {
        return SLOT_URL;
    }
    bool person = slot_scan_named(want, "full/first/last/contact/customer/person/caller/your") &&
                  slot_scan_named(want, "name");
    return person || str_eqz(want->name, "name") ? SLOT_NAME : SLOT_TEXT;
}

struct slot_want slot_want_of(struct str name, const struct json *schema)
{
    struct slot_want want = {.kind = SLOT_TEXT, .name = name, .schema = schema};
    struct str type = type_of(schema);
    if (str_eqz(type, "array") && json_get(schema, "items")) {
        want = slot_want_of(name, json_get(schema, "items"));
        want.schema = schema;
        return want;
    }
    bool money = slot_scan_named(&want, "cents/amount/price/budget/refund/total/money");
    if (json_get(schema, "enum")) {
        want.kind = SLOT_CHOICE;
    } else if (str_eqz(type, "integer")) {
        want.kind = money ? SLOT_MONEY : SLOT_INTEGER;
    } else if (str_eqz(type, "number")) {
        want.kind = money ? SLOT_MONEY : SLOT_DECIMAL;
    } else if (str_eqz(type, "boolean")) {
        want.kind = SLOT_BOOLEAN;
    } else {
        want.kind = kind_of_string(&want);
    }
    return want;
}

size_t slot_find(struct arena *a, const struct slot_want *want, struct str text,
                 const struct slot_scene *scene, struct slot *out_slots)
{
    static void (*const FINDERS[])(struct slot_scan *) = {
        [SLOT_INTEGER] = slot_number_find,      [SLOT_DECIMAL] = slot_number_find,
        [SLOT_MONEY] = slot_money_find,         [SLOT_DATE] = slot_date_find,
        [SLOT_TIME] = slot_time_find,           [SLOT_DATE_TIME] = slot_moment_find,
        [SLOT_DURATION] = slot_time_find_spans, [SLOT_EMAIL] = slot_form_find,
        [SLOT_PHONE] = slot_form_find,          [SLOT_URL] = slot_form_find,
        [SLOT_PATTERN] = slot_form_find,        [SLOT_CHOICE] = slot_choice_find,
        [SLOT_BOOLEAN] = slot_person_find,      [SLOT_NAME] = slot_person_find,
        [SLOT_TEXT] = slot_person_find,
    };
    struct slot_scan s = {.arena = a,
                          .want = want,
                          .scene = scene,
                          .text = text_cut_bytes(text, SLOT_TEXT_MAX_BYTES),
                          .out = out_slots};
    phrase_read(s.text, &s.words);
    s.now = date_of_ms(scene->now_ms, scene->utc_offset_min);
    struct date midnight = {.year = s.now.year, .month = s.now.month, .day = s.now.day};
    s.today = date_to_ms(&midnight, 0) / DATE_DAY_MS;
    FINDERS[want->kind](&s);
    for (size_t i = 0; i < s.count; i++) {
        s.out[i].kind = want->kind;
    }
    return s.count;
}
