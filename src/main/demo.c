#include "main/demo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/record.h"
#include "agent/registry.h"
#include "host/org.h"
#include "main/demo_date.h"
#include "main/file.h"
#include "main/terminal.h"
#include "svc/identity/member.h"

enum { ORGS_MAX = 100 };

/* What the start page shows; filled while the first client org with a visitor is loaded. */
struct show {
    const struct json *org, *sign_ins, *visitor;
    struct id operator_org;
};

const char *demo_path(struct ctx *c, const struct demo_load *load, const char *name,
                      const char *file)
{
    return str_dupz(c->arena,
                    str_fmt(c->arena, "%s/%s%s%s", load->folder, name, file[0] ? "/" : "", file));
}

/* ---- the org and its people ---------------------------------------------- */

static const struct json *settings_of(struct ctx *c, const struct json *in)
{
    return json_object(
        c->arena, {"timezone", json_get(in, "timezone")}, {"currency", json_get(in, "currency")},
        {"website", json_get(in, "website")}, {"tagline", json_get(in, "tagline")},
        {"brand", json_get(in, "brand")}, {"plans", json_get(in, "plans")},
        {"support_hours", json_get(in, "support_hours")}, {"guests", json_get(in, "guests")});
}

/* Makes the org, or finds the one an interrupted import left. */
static enum err make_org(struct ctx *c, const struct json *in, const char *path, struct org *out)
{
    *out = (struct org){
        .slug = json_str(in, "slug", STR("")),
        .name = json_str(in, "name", STR("")),
        .kind = json_str(in, "kind", STR("client")),
        .settings = settings_of(c, in),
    };
    if (!id_parse(json_str(in, "id", STR("")), &out->id)) {
        return ctx_fail(c, E_INVALID, "%s: id must be a UUID", path);
    }
    if (str_eqz(out->kind, "operator")) { /* until everything is there */
        out->settings = json_with(c->arena, out->settings, STR("demo_importing"), &json_true_value);
    }
    struct org before;
    if (org_get(c, &out->id, &before) == E_OK) {
        *out = before;
        return org_complete(c, &out->id);
    }
    ctx_forgive(c);
    return org_create(c, out) == E_OK ? E_OK : file_fault(c, path, -1);
}

static enum err read_roles(struct ctx *c, const struct json *list, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < json_count(list); i++) {
        struct str name = json_text(json_at(list, i), STR(""));
        uint32_t bit = role_parse(name);
        if (!bit) {
            return ctx_fail(c, E_INVALID, "there is no role \"%.*s\"", STR_ARG(name));
        }
        *out |= bit;
    }
    return E_OK;
}

/* All have one password, which the file makes public: it is hashed once, since that is slow by
 * intent. */
static enum err make_member(struct ctx *c, const struct json *in, struct str password,
                            struct str *inout_hash)
{
    struct member m = {.name = json_str(in, "name", STR("")),
                       .email = json_str(in, "email", STR("")),
                       .title = json_str(in, "title", STR("")),
                       .password_hash = *inout_hash};
    struct member before;
    TRY(read_roles(c, json_get(in, "roles"), &m.roles));
    if (member_by_email(c, m.email, &before) == E_OK) {
        return E_OK;
    }
    ctx_forgive(c);
    TRY(member_create(c, &m, inout_hash->n ? STR("") : password));
    *inout_hash = m.password_hash;
    return E_OK;
}

static enum err make_members(struct ctx *c, const struct demo_load *load, const char *path)
{
    const struct json *members = json_get(load->org, "members");
    struct str password = json_str(load->org, "member_password", STR("")), hash = STR("");
    for (size_t i = 0; i < json_count(members); i++) {
        const struct json *m = json_at(members, i);
        if (make_member(c, m, password, &hash) != E_OK) {
            ctx_name_place(c, (int)m->line, (int)m->column);
            return file_fault(c, path, -1);
        }
    }
    return E_OK;
}

/* ---- agents -------------------------------------------------------------- */

static enum err apply_agent(struct ctx *c, const char *path, struct agent_row *out)
{
    struct config_faults faults = {0};
    struct applied done;
    struct apply order = {.author = STR("Demo workspace"), .message = STR("First version")};
    TRY(file_read(c, path, &order.yaml));
    if (registry_apply(c, &order, &faults, &done) != E_OK) {
        for (int i = 0; i < faults.count; i++) {
            const struct config_fault *f = &faults.items[i];
            if (!f->warning) {
                return ctx_fail_place(c, E_INVALID, f->line, f->column, "%s: %.*s: %.*s", path,
                                      STR_ARG(f->path), STR_ARG(f->text));
            }
        }
        return file_fault(c, path, -1);
    }
    return registry_get(c, &done.agent, out);
}

/* The first chatbot is the one that visitors meet. */
static enum err apply_agents(struct ctx *c, const struct demo_load *load, struct str *out_chatbot)
{
    struct file_names files;
    *out_chatbot = STR("");
    TRY(file_list(c, demo_path(c, load, "agents", ""), ".yaml", &files));
    for (int i = 0; i < files.count; i++) {
        struct agent_row row;
        TRY(apply_agent(c, demo_path(c, load, "agents", files.items[i]), &row));
        if (!out_chatbot->n && str_eqz(row.product, "chatbot")) {
            *out_chatbot = row.slug;
        }
    }
    return E_OK;
}

/* ---- what the start page shows ------------------------------------------- */

static const struct json *sign_ins_of(struct ctx *c, const struct json *org)
{
    struct arena *a = c->arena;
    const struct json *list = &json_empty_array, *members = json_get(org, "members");
    for (size_t i = 0; i < json_count(members); i++) {
        const struct json *m = json_at(members, i);
        list =
            json_push(a, list,
                      json_object(a, {"name", json_get(m, "name")}, {"email", json_get(m, "email")},
                                  {"password", json_get(org, "member_password")},
                                  {"role", json_at(json_get(m, "roles"), 0)},
                                  {"title", json_get(m, "title")}));
    }
    return list;
}

static enum err show_org(struct ctx *c, const struct demo_load *load, struct str chatbot,
                         struct show *show)
{
    struct arena *a = c->arena;
    const struct json *visitor = json_get(load->org, "demo_visitor");
    struct record contact;
    if (!visitor || show->org || !chatbot.n) {
        return E_OK;
    }
    TRY(record_by_key(c, load->store, STR("contact"), visitor->string, &contact));
    show->org =
        json_object(a, {"name", json_get(load->org, "name")}, {"slug", json_get(load->org, "slug")},
                    {"agent", json_new_str(a, chatbot)});
    show->sign_ins = sign_ins_of(c, load->org);
    show->visitor = json_object(a, {"name", json_get(contact.data, "name")}, {"email", visitor});
    return E_OK;
}

/* ---- one org, all orgs --------------------------------------------------- */

static enum err load_parts(struct ctx *c, struct demo_load *load, const struct org *org,
                           const char *path, struct show *show)
{
    struct str chatbot;
    TRY(store_of(c, &load->store));
    TRY(make_members(c, load, path));
    if (str_eqz(org->kind, "operator")) {
        show->operator_org = org->id;
        return E_OK;
    }
    TRY(demo_records_load(c, load));
    TRY(apply_agents(c, load, &chatbot));
    TRY(demo_talks_load(c, load));
    return show_org(c, load, chatbot, show);
}

static enum err load_org(struct ctx *c, const char *folder, struct show *show)
{
    struct demo_load load = {.folder = folder};
    struct org org;
    struct org_visit before;
    const char *path = demo_path(c, &load, "org.yaml", "");
    TRY(file_yaml(c, path, &load.org));
    struct str anchor = json_str(load.org, "anchor_date", STR(""));
    if (demo_date_delta(anchor, ctx_now_ms(c), &load.delta_ms) != E_OK) {
        return ctx_fail(c, E_INVALID, "%s: anchor_date must be a date", path);
    }
    TRY(make_org(c, load.org, path, &org));
    org_enter(c, &org.id, &before);
    enum err e = load_parts(c, &load, &org, path, show);
    org_leave(c, &before);
    return e;
}

static bool is_org(struct ctx *c, const char *folder)
{
    struct stat st;
    char *path = str_dupz(c->arena, str_fmt(c->arena, "%s/org.yaml", folder));
    return stat(path, &st) == 0;
}

static enum err is_operator(struct ctx *c, const char *folder, bool *out)
{
    const struct json *org;
    struct demo_load load = {.folder = folder};
    TRY(file_yaml(c, demo_path(c, &load, "org.yaml", ""), &org));
    *out = str_eqz(json_str(org, "kind", STR("")), "operator");
    return E_OK;
}

/* Folders with an org.yaml, the operator's first. */
static enum err find_orgs(struct ctx *c, const char *samples, struct file_names *out)
{
    struct file_names all;
    TRY(file_list(c, samples, "", &all));
    *out = (struct file_names){0, ARENA_ARRAY(c->arena, const char *, (size_t)all.count + 1)};
    for (int operators = 1; operators >= 0; operators--) {
        for (int i = 0; i < all.count; i++) {
            const char *folder =
                str_dupz(c->arena, str_fmt(c->arena, "%s/%s", samples, all.items[i]));
            bool is = false;
            if (!is_org(c, folder)) {
                continue;
            }
            TRY(is_operator(c, folder, &is));
            if (is == (operators == 1)) {
                out->items[out->count++] = folder;
            }
        }
    }
    return out->count > 0 && out->count <= ORGS_MAX
               ? E_OK
               : ctx_fail(c, E_INVALID, "%s holds no demo workspace (no folder with an org.yaml)",
                          samples);
}

/* The mark that the import is complete, and what the start page reads. */
static enum err finish(struct ctx *c, const struct show *show)
{
    struct arena *a = c->arena;
    struct org org;
    if (!id_is_set(&show->operator_org)) {
        return ctx_fail(c, E_INVALID, "the demo workspace has no org of kind operator");
    }
    TRY(org_get(c, &show->operator_org, &org));
    org.settings = json_with(a, org.settings, STR("demo_importing"), NULL);
    if (show->org) {
        org.settings = json_with(a, org.settings, STR("demo"),
                                 json_object(a, {"org", show->org}, {"sign_ins", show->sign_ins},
                                             {"visitor", show->visitor}));
    }
    return org_update(c, &org);
}

enum err demo_import(struct ctx *c, const char *samples)
{
    struct file_names orgs;
    struct show show = {0};
    TRY(find_orgs(c, samples, &orgs));
    struct terminal_progress bar = terminal_progress_start("making the demo workspace");
    enum err e = E_OK;
    for (int i = 0; i < orgs.count && e == E_OK; i++) {
        terminal_progress_set(&bar, (i + 0.1) / orgs.count);
        e = load_org(c, orgs.items[i], &show);
    }
    e = e == E_OK ? finish(c, &show) : e;
    terminal_progress_end(&bar);
    return e;
}
