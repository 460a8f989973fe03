/* The help centre, and past conversations that cite it. */
#include <string.h>

#include "agent/history.h"
#include "agent/record.h"
#include "agent/registry.h"
#include "find/search.h"
#include "main/demo.h"
#include "main/demo_date.h"
#include "main/file.h"
#include "svc/identity/member.h"

enum { ARTICLES_MAX = SEARCH_LIST_MAX };

#define HELP STR("help")

/* ---- help centre --------------------------------------------------------- */

/* "title" of the front matter. */
static struct str front_title(struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        if (str_starts(line, STR("title:"))) {
            return str_trim(str_sub(line, 6, line.n));
        }
    }
    return STR("");
}

static enum err import_article(struct ctx *c, const struct demo_load *load, const char *name)
{
    const char *path = demo_path(c, load, "knowledge", name);
    struct str text;
    TRY(file_read(c, path, &text));
    struct search_source source = {
        .namespace = HELP,
        .key = str_dup(c->arena, str_sub(str_of(name), 0, strlen(name) - strlen(".md"))),
        .title = front_title(text),
        .media_type = STR("text/markdown"),
        .bytes = demo_date_text(c->arena, text, load->delta_ms),
    };
    return search_import(c, &source, NULL, NULL) == E_OK ? E_OK : file_fault(c, path, -1);
}

static enum err import_articles(struct ctx *c, void *arg)
{
    const struct demo_load *load = arg;
    struct file_names files;
    TRY(file_list(c, demo_path(c, load, "knowledge", ""), ".md", &files));
    for (int i = 0; i < files.count; i++) {
        TRY(import_article(c, load, files.items[i]));
    }
    return E_OK;
}

/* ---- conversations ------------------------------------------------------- */

struct talks {
    const struct demo_load *load;
    struct search_page articles;
};

static enum err find_quote(struct ctx *c, const struct search_document *d, struct str quote,
                           size_t *out_start)
{
    struct str text;
    TRY(search_text(c, &d->id, &text));
    ptrdiff_t at = str_find(text, quote);
    if (at < 0) {
        return ctx_fail(c, E_INVALID, "article %.*s does not hold the quote \"%.*s\"",
                        STR_ARG(d->key), STR_ARG(str_sub(quote, 0, 80)));
    }
    *out_start = (size_t)at;
    return E_OK;
}

static enum err read_citation(struct ctx *c, const struct talks *t, const struct json *in,
                              const struct json **out)
{
    struct arena *a = c->arena;
    struct str slug = json_str(in, "article", STR("")), quote = json_str(in, "quote", STR(""));
    for (size_t i = 0; i < t->articles.count; i++) {
        const struct search_document *d = &t->articles.items[i];
        size_t start = 0;
        if (!str_eq(d->key, slug)) {
            continue;
        }
        TRY(find_quote(c, d, quote, &start));
        *out = json_object(
            a, {"n", json_get(in, "n")}, {"document_id", json_new_str(a, id_str(&d->id))},
            {"title", json_new_str(a, d->title)}, {"start", json_new_int(a, (int64_t)start)},
            {"end", json_new_int(a, (int64_t)(start + quote.n))},
            {"quote", json_new_str(a, quote)});
        return E_OK;
    }
    return ctx_fail(c, E_INVALID, "there is no article %.*s", STR_ARG(slug));
}

static enum err read_citations(struct ctx *c, const struct talks *t, const struct json *list,
                               const struct json **out)
{
    *out = NULL;
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *one = NULL;
        TRY(read_citation(c, t, json_at(list, i), &one));
        *out = json_push(c->arena, *out ? *out : &json_empty_array, one);
    }
    return E_OK;
}

/* As a turn would have noted it: what was understood, and which tools led to the answer. */
static const struct json *meta_of(struct ctx *c, const struct json *in, struct str role,
                                  const struct json *intent)
{
    if (str_eqz(role, "contact") && json_get(in, "intent")) {
        return json_object(c->arena, {"intent", json_get(in, "intent")});
    }
    if (!str_eqz(role, "ai")) {
        return NULL;
    }
    return json_object(c->arena, {"kind", json_new_str(c->arena, STR("answer"))},
                       {"intent", intent}, {"tools", json_get(in, "tool_calls")});
}

static enum err member_id(struct ctx *c, struct str email, struct id *out)
{
    struct member m;
    TRY(member_by_email(c, email, &m));
    *out = m.id;
    return E_OK;
}

static enum err read_message(struct ctx *c, const struct talks *t, const struct json *in,
                             const struct conversation *v, struct message *out)
{
    *out = (struct message){
        .role = json_str(in, "role", STR("")),
        .text = json_str(in, "text", STR("")),
        .created_at_ms = json_int(in, "at", 0),
    };
    struct str author = json_str(in, "author", STR(""));
    if (author.n) {
        TRY(member_id(c, author, &out->author));
    } else if (str_eqz(out->role, "contact")) {
        out->author = v->contact;
    } else if (str_eqz(out->role, "ai")) {
        out->author = v->agent;
    }
    return read_citations(c, t, json_get(in, "citations"), &out->citations);
}

static enum err read_messages(struct ctx *c, const struct talks *t, const struct json *list,
                              const struct conversation *v, struct message **out)
{
    const struct json *intent = NULL;
    *out = ARENA_ARRAY(c->arena, struct message, json_count(list) + 1);
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *in = json_at(list, i);
        struct message *m = &(*out)[i];
        if (read_message(c, t, in, v, m) != E_OK) {
            char text[CTX_FAULT_BYTES];
            memcpy(text, c->fault.text, sizeof(text));
            return ctx_fail(c, c->fault.err, "message %zu: %.300s", i + 1, text);
        }
        intent = json_get(in, "intent") ? json_get(in, "intent") : intent;
        m->meta = meta_of(c, in, m->role, intent);
    }
    return E_OK;
}

static const struct json *escalation_of(struct ctx *c, const struct json *in)
{
    const struct json *e = json_get(in, "escalation");
    return e ? json_object(c->arena, {"reason", json_get(e, "reason")},
                           {"priority", json_get(e, "priority")}, {"created_at", json_get(e, "at")})
             : NULL;
}

static enum err read_talk(struct ctx *c, const struct talks *t, const struct json *in,
                          struct conversation *out)
{
    struct agent_row agent;
    struct record contact;
    struct arena *a = c->arena;
    TRY(registry_by_slug(c, json_str(in, "agent", STR("")), &agent));
    TRY(record_by_key(c, t->load->store, STR("contact"), json_str(in, "contact", STR("")),
                      &contact));
    /* the same file gives the same conversation, however often it is loaded */
    struct str name = str_fmt(a, "%s %.*s", c->org.text, STR_ARG(json_str(in, "key", STR(""))));
    const struct json *about =
        json_object(a, {"subject", json_get(in, "subject")}, {"outcome", json_get(in, "outcome")},
                    {"ticket", json_get(in, "ticket")});
    *out = (struct conversation){
        .id = id_from_name(name),
        .contact = contact.id,
        .channel = json_str(in, "channel", STR("webchat")),
        .agent = agent.id,
        .agent_version = agent.active_version,
        .status = json_str(in, "status", STR("completed")),
        .owner = json_str(in, "owner", STR("ai")),
        .dialogue = json_object(a, {"history", about}),
        .escalation = escalation_of(c, in),
        .sentiment = json_real(in, "sentiment", 0),
        .created_at_ms = json_int(in, "started_at", 0),
        .ended_at_ms = json_int(in, "ended_at", 0),
    };
    struct str assignee = json_str(in, "assignee", STR(""));
    return assignee.n ? member_id(c, assignee, &out->assignee) : E_OK;
}

static enum err import_talk(struct ctx *c, const struct talks *t, const struct json *in)
{
    struct conversation v, before;
    struct message *messages;
    const struct json *list = json_get(in, "messages");
    TRY(read_talk(c, t, in, &v));
    enum err e = conversation_get(c, t->load->store, &v.id, &before);
    if (e != E_NOT_FOUND) {
        return e; /* loaded before */
    }
    ctx_forgive(c);
    TRY(read_messages(c, t, list, &v, &messages));
    return history_import(c, t->load->store, &v, messages, (int)json_count(list));
}

static enum err import_talks(struct ctx *c, void *arg)
{
    const struct talks *t = arg;
    struct file_names files;
    TRY(file_list(c, demo_path(c, t->load, "conversations", ""), ".json", &files));
    for (int i = 0; i < files.count; i++) {
        const char *path = demo_path(c, t->load, "conversations", files.items[i]);
        const struct json *in;
        TRY(file_json(c, path, &in));
        in = demo_date_shift(c->arena, in, t->load->delta_ms);
        if (import_talk(c, t, in) != E_OK) {
            return file_fault(c, path, -1);
        }
    }
    return E_OK;
}

enum err demo_talks_load(struct ctx *c, const struct demo_load *load)
{
    struct talks t = {.load = load};
    struct demo_load copy = *load;
    TRY(store_transact(c, load->store, import_articles, &copy));
    TRY(search_list(c, HELP, NULL, ARTICLES_MAX, &t.articles));
    return store_transact(c, load->store, import_talks, &t);
}
