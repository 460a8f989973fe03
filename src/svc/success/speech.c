#include "svc/success/speech.h"

#include "base/buf.h"

enum { LIST_MAX_BYTES = 4096 };

const char *speech_of(enum wording_language l, enum speech phrase)
{
    static const char *const *const tables[WORDING_LANGUAGES] = {
        [WORDING_EN] = speech_en,
        [WORDING_DE] = speech_de,
        [WORDING_NL] = speech_nl,
        [WORDING_FR] = speech_fr,
    };
    return tables[l][phrase];
}

struct str speech_str(enum wording_language l, enum speech phrase)
{
    return str_of(speech_of(l, phrase));
}

const struct json *speech_json(struct arena *a, enum wording_language l, enum speech phrase)
{
    return json_new_str(a, speech_str(l, phrase));
}

struct str speech_counted(struct arena *a, enum wording_language l, enum speech one,
                          enum speech many, int64_t n)
{
    return SPEECH_FILL(a, l, n == 1 ? one : many, {"n", wording_number(a, l, n)});
}

static const struct {
    const char *word;
    enum speech phrase;
} words[] = {
    {"low", SPEECH_WORD_LOW},
    {"medium", SPEECH_WORD_MEDIUM},
    {"high", SPEECH_WORD_HIGH},
    {"critical", SPEECH_WORD_CRITICAL},
    {"urgent", SPEECH_WORD_URGENT},
    {"unknown", SPEECH_WORD_UNKNOWN},
    {"up", SPEECH_WORD_UP},
    {"flat", SPEECH_WORD_FLAT},
    {"down", SPEECH_WORD_DOWN},
    {"usage", SPEECH_WORD_USAGE},
    {"tickets", SPEECH_WORD_TICKETS},
    {"renewal", SPEECH_WORD_RENEWAL},
    {"health", SPEECH_WORD_HEALTH},
    {"contract", SPEECH_WORD_CONTRACT},
    {"account", SPEECH_WORD_ACCOUNT},
    {"first", SPEECH_WORD_FIRST},
    {"several", SPEECH_WORD_SEVERAL},
    {"day", SPEECH_WORD_DAY},
    {"formula", SPEECH_WORD_FORMULA},
    {"trial", SPEECH_WORD_TRIAL},
    {"active", SPEECH_WORD_ACTIVE},
    {"at_risk", SPEECH_WORD_AT_RISK},
    {"renewal_approaching", SPEECH_WORD_RENEWAL_APPROACHING},
    {"churned", SPEECH_WORD_CHURNED},
    {"get_customer_usage", SPEECH_TOOL_USAGE},
    {"get_recent_tickets", SPEECH_TOOL_TICKETS},
    {"get_contract_info", SPEECH_TOOL_CONTRACT},
    {"calculate_health", SPEECH_TOOL_HEALTH},
    {"generate_email", SPEECH_TOOL_EMAIL},
    {"generate_qbr_outline", SPEECH_TOOL_QBR},
};

struct str speech_word(struct arena *a, enum wording_language l, struct str word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (str_eqz(word, words[i].word)) {
            return speech_str(l, words[i].phrase);
        }
    }
    char *plain = str_dupz(a, word);
    for (size_t i = 0; i < word.n; i++) {
        plain[i] = plain[i] == '_' ? ' ' : plain[i];
    }
    return str_make(plain, word.n);
}

struct str speech_list(struct arena *a, enum wording_language l, enum speech last,
                       const struct json *texts)
{
    struct buf b = buf_make(LIST_MAX_BYTES);
    size_t n = json_count(texts);
    for (size_t i = 0; i < n; i++) {
        buf_add_str(&b, i == 0 ? STR("") : i + 1 == n ? speech_str(l, last) : STR(", "));
        buf_add_str(&b, json_text(json_at(texts, i), STR("")));
    }
    struct str text = str_dup(a, buf_str(&b));
    buf_free(&b);
    return text;
}
