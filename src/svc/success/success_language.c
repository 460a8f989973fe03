#include "svc/success/success_language.h"

#include "host/org.h"

bool success_language_own(const struct json *account, enum wording_language *out)
{
    return wording_language_parse(json_str(account, "language", STR("")), out);
}

static enum wording_language of_org(struct ctx *c, const struct json *account)
{
    enum wording_language l = WORDING_EN;
    struct org org;
    struct fault before = c->fault; /* what may be told in this language */
    if (org_get(c, &c->org, &org) != E_OK) {
        c->fault = before;
        return l;
    }
    struct str chosen = json_str(json_get(org.settings, "briefs"), "language", STR(""));
    if (str_eqz(chosen, "account")) {
        success_language_own(account, &l);
    } else {
        wording_language_parse(chosen, &l);
    }
    return l;
}

struct success_language success_language_of(struct ctx *c, const struct json *params,
                                            const struct json *account)
{
    struct success_language l;
    if (wording_language_parse(json_str(params, "language", STR("")), &l.answer)) {
        l.email = l.answer;
        return l;
    }
    l.answer = l.email = of_org(c, account);
    success_language_own(account, &l.email);
    return l;
}

enum wording_language success_language_asked(const struct json *params)
{
    enum wording_language l = WORDING_EN;
    wording_language_parse(json_str(params, "language", STR("")), &l);
    return l;
}

const struct json *success_language_params(struct arena *a, const struct json *params,
                                           const struct success_language *l)
{
    params = json_with(a, params ? params : &json_empty_object, STR("language"),
                       json_new_str(a, str_of(wording_language_name(l->answer))));
    return json_with(a, params, STR("email_language"),
                     json_new_str(a, str_of(wording_language_name(l->email))));
}
