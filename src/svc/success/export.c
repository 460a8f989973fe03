#include "svc/success/export.h"

#include <string.h>

#include "codec/date.h"
#include "codec/url.h"
#include "host/org.h"
#include "host/settings.h"
#include "paper/paper_html.h"
#include "paper/paper_markdown.h"
#include "paper/paper_pdf.h"
#include "paper/paper_pptx.h"
#include "svc/success/brief.h"
#include "svc/success/export_mail.h"
#include "svc/success/export_paper.h"
#include "svc/success/health_words.h"
#include "svc/success/redact.h"
#include "svc/success/speech.h"
#include "svc/success/success_facts.h"
#include "svc/success/success_language.h"
#include "svc/success/success_tool.h"

enum { HISTORY_ROWS = 60, DEFAULT_COLOR = 0x1f4e79 };

/* ---- formats --------------------------------------------------------------------- */

static enum err write_pptx(const struct paper *p, enum export_kind kind, struct buf *out)
{
    (void)kind;
    return paper_pptx(p, out);
}

static enum err write_pdf(const struct paper *p, enum export_kind kind, struct buf *out)
{
    return paper_pdf(p, kind == EXPORT_QBR ? LAYOUT_DECK : LAYOUT_SHEET, out);
}

static enum err write_html(const struct paper *p, enum export_kind kind, struct buf *out)
{
    (void)kind;
    return paper_html(p, out);
}

static enum err write_markdown(const struct paper *p, enum export_kind kind, struct buf *out)
{
    (void)kind;
    return paper_markdown(p, out);
}

struct format {
    const char *name, *media_type;
    enum err (*write)(const struct paper *p, enum export_kind kind, struct buf *out);
    size_t max_bytes;
};
static const struct format FORMATS[] = {
    {"pdf", "application/pdf", write_pdf, PAPER_PDF_MAX_BYTES},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
     write_pptx, PAPER_PPTX_MAX_BYTES},
    {"html", "text/html; charset=utf-8", write_html, PAPER_HTML_MAX_BYTES},
    {"md", "text/markdown; charset=utf-8", write_markdown, PAPER_MARKDOWN_MAX_BYTES},
    {"eml", "message/rfc822", NULL, 0}, /* the draft of the e-mail alone */
};

struct kind {
    const char *name;
    enum speech title; /* of the file, for people */
    const char *file;
};
static const struct kind KINDS[] = {
    [EXPORT_BRIEF] = {"brief", SPEECH_DOC_BRIEF, "renewal-brief"},
    [EXPORT_QBR] = {"qbr", SPEECH_DOC_QBR, "business-review"},
};

struct order {
    const struct format *format;
    enum export_kind kind;
};

static enum err read_order(struct ctx *c, const struct call *call, struct order *out)
{
    struct str format = call_query(c, call, "format"), kind = call_query(c, call, "kind");
    struct order o = {.kind = EXPORT_BRIEF};
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (str_eqz(format.n ? format : STR("pdf"), FORMATS[i].name)) {
            o.format = &FORMATS[i];
        }
    }
    if (!o.format) {
        return ctx_fail_field(c, E_INVALID, "format", "format is pdf, pptx, html, md or eml");
    }
    if (str_eqz(kind, KINDS[EXPORT_QBR].name)) {
        o.kind = EXPORT_QBR;
    } else if (kind.n && !str_eqz(kind, KINDS[EXPORT_BRIEF].name)) {
        return ctx_fail_field(c, E_INVALID, "kind", "kind is brief or qbr");
    }
    *out = o;
    return E_OK;
}

/* ---- what goes in ------------------------------------------------------------------ */

/* The moment the brief speaks of. */
static int64_t moment_of(const struct ctx *c, const struct brief *b)
{
    int64_t made = json_int(b->final, "created_at", b->created_at_ms);
    int64_t at = json_int(json_get(b->final, "health"), "computed_at_ms", made);
    at = at > 0 && at < made ? at : made;
    return at < ctx_now_ms(c) ? at : ctx_now_ms(c);
}

/* An account may have another name by now than the one that the brief's texts use; then both are
 * told, for nobody would know the one by the other. The brief's is masked. */
static const struct json *named(struct arena *a, const struct json *facts, const struct json *final)
{
    const struct json *account = json_get(facts, "account");
    const struct json *masked = redact_json(a, account);
    struct str then = json_str(json_get(final, "account"), "name", STR(""));
    struct str now = json_str(account, "name", STR(""));
    if (!then.n || !now.n || str_eq(then, now) || str_eq(then, json_str(masked, "name", now))) {
        return facts;
    }
    struct str both = str_fmt(a, "%.*s (%.*s)", STR_ARG(then), STR_ARG(now));
    account = json_with(a, account, STR("name"), json_new_str(a, both));
    return json_with(a, facts, STR("account"), account);
}

/* The account as it was then; its outline too when the brief has none. What is written there is
 * masked as the brief is. */
static enum err ask_account(struct ctx *c, struct str account, struct export_input *in)
{
    struct arena *a = c->arena;
    const struct json *history, *outline = json_get(in->final, "qbr");
    enum wording_language l = success_language_asked(in->final);
    const struct json *question = json_object(a, {"account", json_new_str(a, account)},
                                              {"as_of_ms", json_new_int(a, in->at_ms)},
                                              {"limit", json_new_int(a, HISTORY_ROWS)});
    TRY(host_ask(c, "account.facts", question, &in->facts));
    TRY(host_ask(c, "account.health", question, &in->health));
    TRY(host_ask(c, "account.history", question, &history));
    const struct json *contract = json_get(in->facts, "contract");
    contract = json_with(a, contract, STR("currency"),
                         json_new_str(a, success_facts_currency(c, in->facts)));
    in->facts = named(a, json_with(a, in->facts, STR("contract"), contract), in->final);
    in->facts =
        json_with(a, in->facts, STR("tickets"), redact_json(a, json_get(in->facts, "tickets")));
    in->health = redact_json(a, health_words_in(a, l, in->health));
    in->history = health_words_history(a, l, json_get(history, "items"));
    in->qbr = outline;
    if (json_is_null(outline)) {
        const struct json *language = json_get(in->final, "language");
        const struct success_input ask = {account, in->at_ms,
                                          json_object(a, {"language", language})};
        enum err e = success_tool_at(SUCCESS_TOOL_QBR)->run(c, &ask, &in->qbr);
        if (e != E_OK) { /* the review then has no outline, and all its figures */
            ctx_forgive(c);
            in->qbr = NULL;
        }
        in->qbr = redact_json(a, in->qbr);
    }
    return E_OK;
}

static uint32_t color_of(struct str text)
{
    uint32_t color = 0;
    if (text.n != 7 || text.p[0] != '#') {
        return DEFAULT_COLOR;
    }
    for (size_t i = 1; i < 7; i++) {
        const char *digits = "0123456789abcdef", *at;
        char ch = text.p[i] >= 'A' && text.p[i] <= 'F' ? (char)(text.p[i] + 32) : text.p[i];
        at = ch ? strchr(digits, ch) : NULL;
        if (!at) {
            return DEFAULT_COLOR;
        }
        color = color << 4 | (uint32_t)(at - digits);
    }
    return color;
}

static enum err read_brand(struct ctx *c, struct export_input *in)
{
    struct org org;
    TRY(org_get(c, &c->org, &org));
    const struct json *brand = json_get(org.settings, "brand");
    in->brand = json_str(brand, "logo_text", org.name);
    in->color = color_of(json_str(brand, "color", STR("")));
    if (c->actor_kind == ACTOR_MEMBER) {
        const struct json *member, *question;
        question = json_object(c->arena, {"id", json_new_str(c->arena, id_str(&c->actor))});
        if (host_ask(c, "identity.member", question, &member) == E_OK) {
            in->author = json_str(member, "name", STR(""));
        } else {
            ctx_forgive(c);
        }
    }
    return E_OK;
}

/* As the reader's browser will know us. */
static struct str base_of(struct ctx *c, const struct request_in *in)
{
    struct str base = host_settings(c)->public_url;
    while (str_ends(base, STR("/"))) {
        base = str_sub(base, 0, base.n - 1);
    }
    return base.n ? base
                  : str_fmt(c->arena, "http%s://%.*s", in->tls ? "s" : "",
                            STR_ARG(request_header(in, "Host")));
}

/* ---- what goes out ----------------------------------------------------------------- */

/* Two names: one that every client can read, and the account's own (RFC 6266). */
static struct str disposition(struct ctx *c, const struct order *o, const struct export_input *in)
{
    struct arena *a = c->arena;
    const struct json *account = json_get(in->final, "account");
    const struct kind *k = &KINDS[o->kind];
    struct str day = date_iso_day(a, in->at_ms), slug = json_str(account, "slug", STR(""));
    struct str name = json_str(account, "name", STR(""));
    enum speech title = k->title;
    const char *file = k->file;
    if (!name.n) {
        title = SPEECH_DOC_PORTFOLIO_FILE;
        file = "portfolio";
    } else if (!o->format->write) {
        title = SPEECH_DOC_EMAIL_FILE;
        file = "email";
    }
    struct buf ascii = buf_make(128);
    for (size_t i = 0; i < slug.n && i < 60; i++) {
        char ch = slug.p[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                     (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
        buf_add_char(&ascii, plain ? ch : '-');
    }
    buf_addf(&ascii, "%s%s-%.*s.%s", slug.n ? "-" : "", file, STR_ARG(day), o->format->name);
    name = paper_clean(a, name, 80);
    struct str what = speech_str(success_language_asked(in->final), title);
    struct str full = str_fmt(a, "%.*s%s%.*s %.*s.%s", STR_ARG(name), name.n ? " - " : "",
                              STR_ARG(what), STR_ARG(day), o->format->name);
    struct str all = str_fmt(a, "attachment; filename=\"%.*s\"; filename*=UTF-8''%.*s",
                             STR_ARG(buf_str(&ascii)), STR_ARG(url_encode(a, full, false)));
    buf_free(&ascii);
    return all;
}

static enum err write_document(struct ctx *c, const struct order *o, const struct export_input *in,
                               struct str *out)
{
    if (!o->format->write) {
        *out = export_mail(c->arena, in->final, json_get(in->facts, "contacts"));
        return out->n ? E_OK : ctx_fail(c, E_INCOMPLETE, "this brief has no draft of an e-mail");
    }
    struct buf b = buf_make(o->format->max_bytes);
    const struct paper *p = export_paper(c->arena, o->kind, in);
    enum err e = o->format->write(p, o->kind, &b);
    if (e == E_OK && b.n > arena_left_bytes(c->arena)) {
        e = E_TOO_LARGE;
    }
    if (e != E_OK) {
        buf_free(&b);
        return ctx_fail(c, e, "the document could not be written as %s", o->format->name);
    }
    *out = str_dup(c->arena, buf_str(&b));
    buf_free(&b);
    return E_OK;
}

static enum err answer(struct ctx *c, struct call *call, const struct order *o,
                       const struct export_input *in)
{
    TRY(write_document(c, o, in, &call->out->body));
    response_header(call->out, "Content-Type", str_of(o->format->media_type));
    response_header(call->out, "Content-Disposition", disposition(c, o, in));
    response_header(call->out, "Content-Security-Policy",
                    STR("default-src 'none'; style-src 'unsafe-inline'; sandbox"));
    return E_OK;
}

enum err export_brief(struct ctx *c, struct call *call)
{
    struct id id;
    struct order order = {0};
    struct brief b;
    TRY(call_id(c, call, 0, &id));
    TRY(read_order(c, call, &order));
    TRY(brief_get(c, call->store, &id, &b));
    struct export_input in = {.final = b.final, .at_ms = moment_of(c, &b)};
    struct str account = json_str(json_get(b.final, "account"), "id", STR(""));
    struct str scope = json_str(b.final, "scope", STR(""));
    if (str_eqz(scope, "account") && account.n) {
        TRY(ask_account(c, account, &in));
    } else if (!str_eqz(scope, "portfolio") || order.kind == EXPORT_QBR) {
        return ctx_fail(c, E_INCOMPLETE,
                        order.kind == EXPORT_QBR ? "a business review is about one account: ask "
                                                   "about it first"
                                                 : "this question was not answered, so there is "
                                                   "nothing to export");
    }
    TRY(read_brand(c, &in));
    in.base_url = base_of(c, call->in);
    return answer(c, call, &order, &in);
}
