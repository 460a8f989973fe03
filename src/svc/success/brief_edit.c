#include "svc/success/brief_edit.h"

#include "svc/success/brief.h"
#include "svc/success/redact.h"
#include "svc/success/speech.h"
#include "svc/success/success_compose.h"
#include "svc/success/success_email.h"
#include "svc/success/success_model.h"

static const struct field email_fields[] = {
    FIELD(struct brief_email_body, tone, FIELD_STR, .max = 20,
          .title = "friendly, formal or concise"),
    FIELD(struct brief_email_body, language, FIELD_STR, .max = 20, .title = "en, de, nl or fr"),
    FIELD(struct brief_email_body, instruction, FIELD_STR, .max = BRIEF_INSTRUCTION_MAX,
          .title = "what it should be like; followed when a model is configured"),
};
const struct field_table brief_email_table = FIELD_TABLE("BriefEmail", email_fields);

static const struct field patch_fields[] = {
    FIELD(struct brief_patch_body, email_draft, FIELD_OBJECT, .flags = FIELD_REQUIRED,
          .title = "{subject, body}"),
};
const struct field_table brief_patch_table = FIELD_TABLE("BriefEdit", patch_fields);

/* ---- writing anew -------------------------------------------------------- */

struct rewriting {
    struct brief brief;
    struct success_language language;
    const struct json *email, *notes;
};

static const struct json *note(struct ctx *c, struct rewriting *w, const char *code,
                               struct str text)
{
    return success_compose_note(c->arena, w->notes, code, text);
}

/* Those of the brief, without what was said of an earlier draft. */
static const struct json *notes_kept(struct arena *a, const struct json *notes)
{
    const struct json *kept = &json_empty_array;
    for (size_t i = 0; i < json_count(notes); i++) {
        struct str code = json_str(json_at(notes, i), "code", STR(""));
        if (!str_eqz(code, "instruction_not_followed") && !str_eqz(code, "number_rejected") &&
            !str_eqz(code, "words_rejected") && !str_eqz(code, "words_left_out") &&
            !str_eqz(code, "worded_by_rules")) {
            kept = json_push(a, kept, json_at(notes, i));
        }
    }
    return kept;
}

/* Follows the instruction, which only a model can read. */
static enum err follow(struct ctx *c, struct rewriting *w, const struct brief_email_body *in,
                       const struct json *params)
{
    struct arena *a = c->arena;
    struct success_words words;
    struct success_model m = {
        .run = w->brief.id, .question = in->instruction, .language = w->language};
    enum wording_language l = w->language.answer;
    if (!success_model_find(c, &m.provider)) {
        w->notes =
            note(c, w, "instruction_not_followed", speech_str(l, SPEECH_NOTE_NO_INSTRUCTION));
        return E_OK;
    }
    struct success_result results[SUCCESS_TOOL_COUNT];
    int n = 0;
    for (int i = 0; i < SUCCESS_TOOL_COUNT; i++) {
        const struct success_tool *t = success_tool_at(i);
        const struct json *data =
            i == SUCCESS_TOOL_EMAIL ? w->email : json_get(w->brief.results, t->name);
        if (data && !success_tool_misfit(t, data)) {
            results[n++] = (struct success_result){.tool = t, .data = data, .ok = true};
        }
    }
    struct success_known k = success_known_of(a, results, n, ctx_now_ms(c));
    const struct json *facts = json_get(w->brief.final, "facts");
    k.id = w->brief.account;
    k.language = l;
    k.name = json_str(json_get(w->brief.final, "account"), "name", STR(""));
    k.contacts = json_get(facts, "contacts");
    m.account = k.name;
    const struct success_wording order = {
        .known = &k, .params = params, .instruction = in->instruction, .email_only = true};
    enum err e = success_model_words(c, &m, &order, &words);
    if (e != E_OK) {
        w->notes = note(c, w, "instruction_not_followed",
                        SPEECH_FILL(a, l, SPEECH_NOTE_NO_ANSWER, {"why", str_of(err_name(e))}));
        ctx_forgive(c);
        return E_OK;
    }
    for (size_t i = 0; i < json_count(words.notes); i++) {
        w->notes = json_push(a, w->notes, json_at(words.notes, i));
    }
    w->email = words.email ? words.email : w->email;
    return E_OK;
}

static enum err prepare(struct ctx *c, struct call *call, void *arg)
{
    struct rewriting *w = arg;
    const struct brief_email_body *in = call->input;
    struct success_email_wish wish;
    struct success_facts facts;
    struct arena *a = c->arena;
    struct id id;
    const struct json *params =
        json_object(a, {"tone", in->tone.n ? json_new_str(a, in->tone) : NULL},
                    {"language", in->language.n ? json_new_str(a, in->language) : NULL});
    TRY(call_id(c, call, 0, &id));
    TRY(brief_get(c, call->store, &id, &w->brief));
    if (!w->brief.account.n) {
        return ctx_fail(c, E_CONFLICT, "this brief is about no single account");
    }
    TRY(success_email_wish_read(c, params, "", &wish));
    const struct json *as_of = json_get(w->brief.params, "as_of_ms");
    int64_t as_of_ms = (int64_t)json_number(as_of, 0);
    wish.now_ms = as_of_ms ? as_of_ms : ctx_now_ms(c);
    TRY(success_facts_get(c, w->brief.account, as_of_ms, &facts));
    wording_language_parse(json_str(w->brief.final, "language", STR("")), &w->language.answer);
    if (!in->language.n) {
        wish.language = w->language.answer;
        success_language_own(facts.account, &wish.language);
    }
    w->language.email = wish.language;
    TRY(success_email_write(c, &facts, &wish, &w->email));
    w->notes = notes_kept(a, json_get(w->brief.final, "notes"));
    TRY(in->instruction.n ? follow(c, w, in, params) : E_OK);
    w->brief.params = json_with(a, params, STR("as_of_ms"), as_of);
    return E_OK;
}

static enum err keep(struct ctx *c, struct call *call, void *arg)
{
    struct rewriting *w = arg;
    struct arena *a = c->arena;
    const struct json *final =
        json_with(a, w->brief.final, STR("email_draft"), redact_json(a, w->email));
    final = json_with(a, final, STR("notes"), redact_json(a, w->notes));
    w->brief.final = final;
    TRY(brief_replace(c, call->store, &w->brief));
    json_put(call_json(call), final);
    return E_OK;
}

enum err brief_edit_email(struct ctx *c, struct call *call)
{
    struct rewriting w = {0};
    struct once once = {.store = call->store,
                        .actor = id_str(&c->actor),
                        .prepare = prepare,
                        .handler = keep,
                        .arg = &w};
    return call_once(c, call, &once);
}

/* ---- editing ------------------------------------------------------------- */

static enum err read_text(struct ctx *c, const struct json *draft, const char *name, size_t most,
                          struct str *out)
{
    const struct json *v = json_get(draft, name);
    struct str field = str_fmt(c->arena, "email_draft.%s", name);
    if (!json_is(v, JSON_STRING) || !str_trim(json_text(v, STR(""))).n) {
        return ctx_fail_field(c, E_INVALID, field.p, "%s must be a text that is not empty",
                              field.p);
    }
    *out = json_text(v, STR(""));
    return out->n <= most
               ? E_OK
               : ctx_fail_field(c, E_INVALID, field.p, "%s has at most %zu bytes", field.p, most);
}

/* A subject is one line: what follows a line break would be headers of the mail. */
static enum err check_line(struct ctx *c, struct str subject)
{
    bool line = str_find(subject, STR("\u2028")) < 0 && str_find(subject, STR("\u2029")) < 0;
    for (size_t i = 0; i < subject.n; i++) {
        line = line && (unsigned char)subject.p[i] >= ' ' && subject.p[i] != 0x7f;
    }
    return line ? E_OK
                : ctx_fail_field(c, E_INVALID, "email_draft.subject",
                                 "email_draft.subject must be a single line without control "
                                 "characters");
}

enum err brief_edit_patch(struct ctx *c, struct call *call)
{
    const struct brief_patch_body *in = call->input;
    struct arena *a = c->arena;
    struct str subject, body;
    struct brief b;
    struct id id;
    TRY(call_id(c, call, 0, &id));
    TRY(read_text(c, in->email_draft, "subject", BRIEF_SUBJECT_MAX, &subject));
    TRY(check_line(c, subject));
    TRY(read_text(c, in->email_draft, "body", BRIEF_BODY_MAX, &body));
    TRY(brief_get(c, call->store, &id, &b));
    const struct json *draft = json_get(b.final, "email_draft");
    draft = json_with(a, json_is(draft, JSON_OBJECT) ? draft : &json_empty_object, STR("subject"),
                      json_new_str(a, subject));
    draft = json_with(a, draft, STR("body"), json_new_str(a, body));
    draft = json_with(a, draft, STR("edited"), json_new_bool(true));
    b.final = json_with(a, b.final, STR("email_draft"), draft);
    TRY(brief_replace(c, call->store, &b));
    json_put(call_json(call), b.final);
    return E_OK;
}
