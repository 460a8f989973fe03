#include "nlu/pii_eval.h"

#include <stdio.h>

#include "codec/json.h"
#include "codec/text.h"

enum { WHY_BYTES = 160, SPANS_MAX = 256 };

static const struct {
    const char *type;
    enum pii_kind kind;
} TYPES[PII_EVAL_KINDS] = {
    {"EMAIL_ADDRESS", PII_EMAIL}, {"PHONE_NUMBER", PII_PHONE}, {"CREDIT_CARD", PII_CARD},
    {"IBAN_CODE", PII_IBAN},      {"IP_ADDRESS", PII_IP},      {"US_SSN", PII_NATIONAL_ID},
    {"SECRET", PII_SECRET},
};

/* -1: not a kind of ours. */
static int kind_of(struct str type)
{
    for (int i = 0; i < PII_EVAL_KINDS; i++) {
        if (str_eqz(type, TYPES[i].type) || str_eqz(type, pii_kind_name(TYPES[i].kind))) {
            return i;
        }
    }
    return -1;
}

/* The byte at which a character begins. */
static size_t byte_at(struct str text, int64_t character)
{
    struct str rest = text;
    uint32_t c;
    while (character-- > 0 && text_next(&rest, &c)) {}
    return text.n - rest.n;
}

static void judge(struct str text, const struct json *truth, struct pii_eval_report *r)
{
    struct pii_span ours[SPANS_MAX];
    bool right[SPANS_MAX] = {false};
    size_t n = pii_find(text, PII_ALL, ours, SPANS_MAX);
    for (size_t i = 0; i < json_count(truth); i++) {
        const struct json *span = json_at(truth, i);
        int which = kind_of(json_str(span, "type", STR("")));
        if (which < 0) {
            continue;
        }
        size_t start = byte_at(text, json_int(span, "start", 0));
        size_t end = byte_at(text, json_int(span, "end", 0));
        bool covered = false;
        for (size_t j = 0; j < n; j++) {
            bool touches =
                ours[j].kind == TYPES[which].kind && ours[j].start < end && ours[j].end > start;
            right[j] |= touches;
            covered |= touches && ours[j].start <= start && ours[j].end >= end;
        }
        r->kinds[which].there++;
        r->kinds[which].found += covered;
    }
    for (size_t j = 0; j < n; j++) {
        for (int k = 0; k < PII_EVAL_KINDS; k++) {
            r->kinds[k].finds += ours[j].kind == TYPES[k].kind;
            r->kinds[k].right += ours[j].kind == TYPES[k].kind && right[j];
        }
    }
    r->count++;
}

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

enum err pii_eval_run(struct arena *a, struct str bytes, char *out_why,
                      struct pii_eval_report *out_report)
{
    struct pii_eval_report r = {0};
    struct str line;
    for (int number = 1; str_split(&bytes, '\n', &line); number++) {
        const struct json *row;
        struct json_fault fault = {0};
        if (str_is_empty(str_trim(line))) {
            continue;
        }
        if (json_parse(a, line, &row, &fault) != E_OK ||
            !json_is(json_get(row, "text"), JSON_STRING)) {
            snprintf(out_why, WHY_BYTES, "line %d: %.120s", number,
                     fault.text[0] ? fault.text : "no text");
            return E_INVALID;
        }
        judge(json_str(row, "text", STR("")), json_get(row, "spans"), &r);
    }
    if (!r.count) {
        snprintf(out_why, WHY_BYTES, "line 1: no texts");
        return E_INVALID;
    }
    for (int k = 0; k < PII_EVAL_KINDS; k++) {
        struct pii_eval_kind *kind = &r.kinds[k];
        kind->kind = TYPES[k].kind;
        kind->recall = share(kind->found, kind->there);
        kind->precision = share(kind->right, kind->finds);
    }
    *out_report = r;
    return E_OK;
}

void pii_eval_text(const struct pii_eval_report *r, struct buf *out)
{
    buf_addf(out, "scored on %zu texts\n%-14s %8s %8s %8s %10s\n", r->count, "kind", "there",
             "finds", "recall", "precision");
    for (int k = 0; k < PII_EVAL_KINDS; k++) {
        const struct pii_eval_kind *kind = &r->kinds[k];
        if (kind->there || kind->finds) {
            buf_addf(out, "%-14s %8zu %8zu %7.2f%% %9.2f%%\n", pii_kind_name(kind->kind),
                     kind->there, kind->finds, 100 * kind->recall, 100 * kind->precision);
        }
    }
}

void pii_eval_json(const struct pii_eval_report *r, struct buf *out)
{
    struct json_out o = json_out_to(out);
    json_open_object(&o);
    json_field_int(&o, "count", (int64_t)r->count);
    json_name(&o, "kinds");
    json_open_array(&o);
    for (int k = 0; k < PII_EVAL_KINDS; k++) {
        const struct pii_eval_kind *kind = &r->kinds[k];
        json_open_object(&o);
        json_field_str(&o, "kind", str_of(pii_kind_name(kind->kind)));
        json_field_int(&o, "there", (int64_t)kind->there);
        json_field_int(&o, "found", (int64_t)kind->found);
        json_field_int(&o, "finds", (int64_t)kind->finds);
        json_field_int(&o, "right", (int64_t)kind->right);
        json_field_real(&o, "recall", kind->recall);
        json_field_real(&o, "precision", kind->precision);
        json_close_object(&o);
    }
    json_close_array(&o);
    json_close_object(&o);
}
