/* Which accounts a text names, and which companies it names that are none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/access.h"
#include "support/shop.h"
#include "svc/account/account_name.h"
#include "svc/account/account_score.h"
#include "svc/account/company_name.h"

extern const struct service account_service, identity_service;

static const struct service *const services[] = {&identity_service, &account_service, NULL};

static const struct {
    const char *slug, *name, *short_name;
    bool demo;
} accounts[] = {
    {"acme-001", "Acme Corp", "Acme", true},
    {"acme-002", "Acme Logistics", "", false},
    {"ziegler-werkzeug", "Ziegler Werkzeug GmbH", "Ziegler", false},
    {"the-one", "The One Ltd", "", false},
    {"noordzee-vis", "Noordzee Vis B.V.", "", false},
    {"bramble-and-rye", "Bramble & Rye Ltd", "", false},
    {"orion-hydraulics", "Orion Hydraulics NV", "", false},
    {"orion-foods", "Orion Foods SA", "", false},
    {"kielce-auto", "Kielce Auto Parts Sp. z o.o.", "", false},
};
enum { ACCOUNTS = sizeof(accounts) / sizeof(*accounts) };

static int begin(void **state)
{
    struct shop *w = calloc(1, sizeof(*w));
    shop_open(w, &(struct shop_setup){.services = services});
    w->c->roles = ROLE_SUCCESS;
    for (int i = 0; i < ACCOUNTS; i++) {
        struct arena *a = w->c->arena;
        struct record r;
        struct account_change how = {.source = "record"};
        const struct json *data = json_object(
            a, {"slug", json_new_str(a, str_of(accounts[i].slug))},
            {"name", json_new_str(a, str_of(accounts[i].name))},
            {"short_name",
             accounts[i].short_name[0] ? json_new_str(a, str_of(accounts[i].short_name)) : NULL},
            {"demo", json_new_bool(accounts[i].demo)});
        assert_int_equal(record_put(w->c, w->store, STR("account"), data, &r), E_OK);
        assert_int_equal(account_recompute(w->c, w->store, &r, &how), E_OK);
    }
    *state = w;
    return 0;
}

/* What is expected: slugs with a * for a hint, then other names after a bar, ambiguous after a
 * second. */
static const struct {
    const char *text, *found;
} rows[] = {
    {"Prepare a renewal brief for Acme Corp", "acme-001||"},
    {"prepare a renewal brief for acme corp", "acme-001||"},
    {"Is Acme's usage falling?", "acme-001||"},
    {"status of acme-002", "acme-002||"},
    {"Compare Acme Logistics with ZIEGLER WERKZEUG", "acme-002 ziegler-werkzeug||"},
    {"What about Ziegler?", "ziegler-werkzeug||"},
    {"which one is the best", "||"},
    {"Which is the one with most risk?", "||"},
    {"Write to The One about it", "the-one||"},
    {"Churn risk at Noordzee Vis BV", "noordzee-vis||"},
    {"A QBR for Bramble & Rye", "bramble-and-rye||"},
    {"A QBR for Bramble and Rye", "bramble-and-rye||"},
    {"what is the delta in usage", "||"},
    {"How is Orion Hydraulics doing?", "orion-hydraulics||"},
    {"How is Noordzee doing?", "noordzee-vis*||"},
    {"Prepare a brief for Foo Inc", "|Foo Inc|"},
    {"Prepare a brief for Umbrella", "|Umbrella|"},
    {"Why is Stark Industries unhappy?", "|Stark Industries|"},
    {"Which customers are most at risk before March?", "||"},
    {"Show me the Health of my Portfolio", "||"},
    {"acmes and zieglers", "||"},
    {"", "||"},
};

static void append(char *text, size_t size, const struct json *list, const char *member)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *v = json_at(list, i);
        struct str s = member ? json_str(v, member, STR("?")) : json_text(v, STR("?"));
        bool hint = json_get(v, "exact") && !json_bool(v, "exact", true);
        size_t n = strlen(text);
        snprintf(text + n, size - n, "%s%.*s%s", i ? " " : "", STR_ARG(s), hint ? "*" : "");
    }
}

static void match(struct shop *w, const char *text, char *out, size_t size)
{
    const struct json *answer;
    assert_int_equal(account_match(w->c, w->store, str_of(text), STR(""), &answer), E_OK);
    out[0] = 0;
    append(out, size, json_get(answer, "items"), "slug");
    strcat(out, "|");
    append(out, size, json_get(answer, "other_names"), NULL);
    strcat(out, "|");
    append(out, size, json_get(answer, "ambiguous"), "quote");
}

static void texts_name_accounts(void **state)
{
    struct shop *w = *state;
    char found[400];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        match(w, rows[i].text, found, sizeof(found));
        if (strcmp(found, rows[i].found) != 0) {
            fail_msg("\"%s\": %s, not %s", rows[i].text, found, rows[i].found);
        }
    }
    match(w, "And how is Orion?", found, sizeof(found)); /* there are two of them */
    assert_string_equal(found, "||Orion");
}

static void guests_know_of_demo_accounts_alone(void **state)
{
    struct shop *w = *state;
    const struct json *answer;
    char found[400];
    w->c->roles = ROLE_GUEST;
    w->c->actor_kind = ACTOR_CONTACT;
    match(w, "Compare Acme Corp with Ziegler Werkzeug", found, sizeof(found));
    assert_string_equal(found, "acme-001|Ziegler Werkzeug|");
    match(w, "Compare Acme Corp with Nobody Werkzeug", found, sizeof(found));
    assert_string_equal(found, "acme-001|Nobody Werkzeug|");
    assert_int_equal(account_match(w->c, w->store, STR("it"), STR("ziegler-werkzeug"), &answer),
                     E_NOT_FOUND);
    assert_int_equal(account_match(w->c, w->store, STR("it"), STR("nobody"), &answer), E_NOT_FOUND);
    assert_int_equal(account_match(w->c, w->store, STR("it"), STR("acme-001"), &answer), E_OK);
    assert_true(
        str_eqz(json_str(json_at(json_get(answer, "items"), 0), "slug", STR("")), "acme-001"));
}

static const struct {
    const char *name, *bare;
} forms[] = {
    {"Acme Corp", "acme"},
    {"Kielce Auto Parts Sp. z o.o.", "kielce auto parts"},
    {"Noordzee Vis B.V.", "noordzee vis"},
    {"Müller GmbH & Co. KG", "muller"},
    {"Ltd", "ltd"},
    {"Quay Street Books", "quay street books"},
};

static void legal_forms_are_left_out(void **state)
{
    struct arena *a = arena_new(1 << 20);
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct company_words w = company_words(a, str_of(forms[i].name));
        struct str bare = company_words_join(a, &w, 0, company_without_form(&w, w.count));
        assert_string_equal(str_dupz(a, bare), forms[i].bare);
    }
    assert_true(company_word_is_plain(STR("a")) && company_word_is_plain(STR("yours")) == false);
    assert_true(company_word_is_plain(STR("your")) && company_word_is_plain(STR("the")));
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_name_accounts, begin, shop_end),
        cmocka_unit_test_setup_teardown(guests_know_of_demo_accounts_alone, begin, shop_end),
        cmocka_unit_test(legal_forms_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
