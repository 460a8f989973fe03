#include "svc/success/scope.h"

#include <stdlib.h>
#include <string.h>

#include "codec/text.h"
#include "host/made.h"
#include "host/service.h"
#include "nlu/phrase.h"

enum { EXAMPLES_MAX = 600, TEXT_MAX_BYTES = 4000 };

/* How sure the classifier must be that a text is in scope: where the text names an account or
 * speaks of several, where it holds a word of the job beside a selected account, where it holds
 * one, and where only the classifier speaks for it. */
static const double SURE_NAMED = 0.12, SURE_SELECTED = 0.16, SURE_JOB = 0.2, SURE_ALONE = 0.5;

static const char *const NAMES[] = {"account", "portfolio", "help", "out"};
/* What stands in for an account's name. */
static const char STAND_IN[] = "Acme";

const char *scope_kind_name(enum scope_kind kind)
{
    return NAMES[kind];
}

/* ---- what is certain ------------------------------------------------------- */

/* Patterns as in nlu/phrase.h. `but`: what makes it an everyday question after all. */
struct scope_rule {
    const char *reason;
    const char *pattern;
    const char *but;
};

static const struct scope_rule FORBIDDEN[] = {
    {"orders_to_the_program",
     "ignore/disregard/forget/override/bypass/skip/drop/neglect ... "
     "instruction/instructions/rules/prompt/prompts/guidelines/guardrails/restrictions/policies/"
     "directives/safety",
     NULL},
    {"orders_to_the_program", "forget everything/all", NULL},
    {"orders_to_the_program", "ignore everything/all above/before/previous", NULL},
    {"orders_to_the_program", "system/hidden/initial/secret/developer prompt/message/instructions",
     NULL},
    {"orders_to_the_program",
     "reveal/show/print/repeat/output/tell/give/leak/display/share/quote ... your "
     "instructions/rules/prompt/guidelines/configuration/directives",
     NULL},
    {"orders_to_the_program", "your/the exact/full/original/own prompt/instructions", NULL},
    {"orders_to_the_program", "repeat/print/output ... above/verbatim", NULL},
    {"orders_to_the_program", "you are now/no longer", NULL},
    {"orders_to_the_program", "from now on you/act/answer/respond/behave", NULL},
    {"orders_to_the_program", "act/pretend/behave/respond ... no/without rules/restrictions/limits",
     NULL},
    {"orders_to_the_program", "pretend/imagine you are/were/have", NULL},
    {"orders_to_the_program", "act as a/an/if/my/the", NULL},
    {"orders_to_the_program", "developer/god/debug/admin/sudo/dan/root mode", NULL},
    {"orders_to_the_program", "jailbreak/jailbroken/unfiltered/uncensored", NULL},
    {"orders_to_the_program", "do anything now", NULL},
    {"orders_to_the_program", "new/updated/real instructions/orders/rules", NULL},
    {"orders_to_the_program", "turn/switch off/disable ... filter/filters/safety/guard/guardrails",
     NULL},
    {"orders_to_the_program",
     "disable/remove/lift ... filter/filters/safety/guard/guardrails/"
     "restrictions/limits",
     NULL},

    {"attack",
     "hack/hacking/ddos/dos ... account/portal/system/server/site/website/customer/"
     "database/them/it/into",
     NULL},
    {"attack", "hack", "hack day/days/week/weekend"},
    {"attack",
     "how/help/teach/want/need/can/could ... exploit/crack/phish/spoof/backdoor/"
     "exfiltrate/bruteforce/deface",
     NULL},
    {"attack",
     "break/get/gain into/access ... account/portal/system/server/network/database/mailbox",
     "get into ... detail"},
    {"attack", "brute force/forcing", NULL},
    {"attack",
     "write/create/build/make/generate/give/code/program/send/draft/craft ... malware/"
     "ransomware/virus/keylogger/trojan/worm/botnet/exploit/payload/rootkit/spyware",
     NULL},
    {"attack", "write/create/build/make/generate/draft/compose/craft/send ... phishing/scam/spam",
     "phishing/spam ticket/tickets/report/reports/incident/filter"},
    {"attack",
     "perform/run/try/execute/launch/start/do/use/test ... injection/xss/ddos/attack/scan/"
     "exploit/bruteforce",
     NULL},
    {"attack", "drop table/database", NULL},
    {"attack", "union select", NULL},
    {"attack", "select ... from users/accounts/customers/information_schema/password*", NULL},
    {"attack", "rm rf", NULL},
    {"attack", "reverse shell", NULL},
    {"attack", "sandbox escape", NULL},
    {"attack", "escape ... sandbox", NULL},
    {"attack",
     "solve/bypass/break/beat ... captcha/captchas/firewall/login/authentication/mfa/2fa/"
     "paywall",
     NULL},
    {"attack", "spoof/impersonate/phish/blackmail/stalk/dox/doxx", NULL},
    {"attack", "dark web", NULL},
    {"attack", "poison ... data/model/training", NULL},
    {"attack", "execute/run ... command/shell/code/script/bash/powershell", NULL},
    {"attack", "decode/decrypt/rot13/base64 ... and follow/run/execute/do", NULL},

    {"secrets",
     "give/show/tell/print/list/dump/send/leak/export/reveal/share/what/read/display ... "
     "passwords/credentials/secrets/api/apikey/apikeys/token/tokens",
     "api usage/calls/limit/limits/adoption/ticket/tickets/errors/requests/integration"},
    {"secrets",
     "give/show/tell/print/send/reveal/share/what/whats ... "
     "the/their/his/her/its/your/admin/root/database/db/my password",
     "password reset/resets/policy/problem/problems/issue/issues/ticket/tickets/bug"},
    {"secrets", "private/signing/encryption/master/ssh key/keys", NULL},
    {"secrets", "environment/env variables/variable/vars/file", NULL},
    {"secrets", "connection string/strings", NULL},
    {"secrets", "dump/export/download/steal/exfiltrate/copy/extract ... database/tables", NULL},
    {"secrets",
     "send/upload/post/forward/mail ... data/list/everything/records ... gmail/http*/url/"
     "webhook/pastebin/server/outside",
     NULL},
    {"secrets",
     "another/other/different "
     "tenant/tenants/organization*/organisation*/org/orgs/workspace/workspaces",
     NULL},

    {"personal_data", "credit/debit card/cards",
     "card payment/payments/failed/declined/expired/expires/charge/charges/update"},
    {"personal_data", "social security", NULL},
    {"personal_data", "ssn/passport/cvv", "renew my passport"},
    {"personal_data", "home/private address/addresses/number/phone", NULL},
    {"personal_data", "date of birth", NULL},
    {"personal_data", "sexual orientation", NULL},
    {"personal_data", "bank account/details", NULL},
    {"personal_data", "medical/criminal record/records/history", NULL},
    {"personal_data", "religion/religious/ethnicity/sexual/pregnant/pregnancy/illness/diagnosis",
     NULL},

    {"harm",
     "make/build/buy/assemble/construct ... bomb/bombs/weapon/weapons/gun/explosive/"
     "explosives/poison/drugs/meth",
     NULL},
    {"harm",
     "kill/murder/hurt/harm/attack/assassinate/beat/poison/threaten/harass/bully ... "
     "myself/him/her/someone/somebody/people/person/customer/customers/champion/ceo/"
     "colleague/boss",
     NULL},
    {"harm", "suicide/suicidal/self harm", NULL},
    {"harm",
     "fake/forge/falsify/backdate/fabricate/counterfeit/doctor ... invoice/invoices/"
     "contract/contracts/signature/numbers/score/scores/data/report/reports/usage/evidence",
     NULL},
    {"harm", "launder/laundering money", NULL},
    {"harm", "evade/dodge ... tax/taxes", NULL},
    {"harm", "bribe/blackmail/extort", NULL},
};

/* Several accounts, whatever else is said. */
static const char *const SEVERAL[] = {
    "which/what/whose/how many/any/all/our/my/other/every/show/list/rank/compare/top/number of ... "
    "customers/accounts/clients/companies/portfolio",
    "many/any/all/our/my/other/show/list/rank/compare/top/across/of ... "
    "customers/accounts/clients/portfolio",
    "customers/accounts/clients who/that/with/without/by/in/on/at/renew/renewing/need/up/have",
    "best/worst/top/bottom/largest/biggest/smallest/healthiest/riskiest ... "
    "customer/customers/account/accounts/client/clients/contracts",
    "portfolio/book of business",
    "my/our book",
    "klanten/kunden/clients/clientes/comptes",
    NULL,
};
/* The same where no account is named. */
static const char *const SEVERAL_UNNAMED[] = {
    "who/which/what/list/show/all/upcoming/next/how many ... renew/renews/renewing/renewals",
    "who ... churn/leave/risk/grow/growing/upsold/healthy/unhealthy/attention/call/ranking",
    "most/least ... risk/likely/tickets/usage/users/revenue",
    "highest/lowest/largest/biggest/smallest ... arr/score/health/usage/contract/contracts/revenue/"
    "scores",
    "who has/have/pays/uses/owes/complained/improved/dropped/is overdue",
    "total/sum/average/mean/overall ... arr/health/score/revenue",
    "arr at risk",
    "renewals in/before/after/this/next/by/due/coming",
    "everyone/everybody who/with",
    "score/scores/usage across",
    NULL,
};
/* Beside a selected account, what still speaks of others. */
static const char *const PLURAL[] = {
    "customers/accounts/clients/companies/renewals/contracts/trials/who/whom/whose/everyone/total",
    "biggest/highest/lowest/fastest/average",
    NULL,
};
static const char *const BETWEEN[] = {
    "compare/comparison/versus/vs/against/than/better/worse/healthier/larger/bigger/between/both/"
    "or/difference/rank/side",
    NULL,
};

/* What people ask of their work, in a sentence that says nothing else. */
static const char *const DAILY[] = {
    "red flag/flags",
    "what should/must/shall/do/can i/we do/work/focus/prioritise/prioritize/tackle ... "
    "today/first/now/next/week",
    "what changed/happened ... today/yesterday/overnight/week/month",
    "what has/have changed/happened ... today/yesterday/overnight/week/month",
    "what is/s new today/overnight/since",
    NULL,
};
enum { DAILY_WORDS_MAX = 8 };

/* Words of the job: they make a text that the classifier does not know one of ours. */
static const char *const JOB[] = {
    "renew/renewal/renewals/renewing/contract/contracts/arr/churn/churning/churned",
    "customer/customers/account/accounts/client/clients/portfolio",
    "health/healthy score/check/status/of",
    "health",
    "usage/adoption/onboarding/onboarded/seats/upsell/expansion/upgrade/downgrade",
    "ticket/tickets/escalation/escalations/escalated/sla/outage/outages",
    "qbr/qbrs/ebr/business review",
    "champion/sponsor/stakeholder/stakeholders/csm/csat/nps",
    "brief/briefing/check in/checkin/kickoff/deck",
    "renewal brief",
    "score/risk/signals",
    NULL,
};
/* The same where an account is selected: it is spoken of without its name. */
static const char *const JOB_OF_SELECTED[] = {
    "it/they/them/this/customer/account/client/their ... "
    "healthy/unhealthy/happy/unhappy/leave/leaving/stay/grow/growing/doing/pay/paying",
    "healthy/unhealthy/happy/unhappy/doing ... it/they/them/this/customer/account/client",
    NULL,
};
/* Asks that are not the job, whatever they are about. */
static const char *const IDLE[] = {
    "write/tell/sing/compose/make/give/draft ... "
    "poem/joke/song/story/haiku/limerick/rap/novel/lyrics/riddle/recipe/essay/homework",
    "love letter",
    "write/fix/debug/code/refactor/explain ... python/javascript/java/sql/c++/rust/html/css/regex/"
    "function/script/component/algorithm",
    "translate ... latin/klingon/poem/lyrics",
    "play/sing ... music/song/chess/game",
    "my mother/father/wife/husband/girlfriend/boyfriend/landlord/dog/cat/kids/children/homework/"
    "passport/car/holiday/cv/resume",
    "driving licence/license",
    NULL,
};
static const char *const IDLE_UNNAMED[] = {
    "recipe/horoscope/weather/lottery/bitcoin/lyrics/tv",
    "ticket/tickets ... opera/theatre/theater/cinema/concert/museum/train/flight",
    "mobile phone/contract/plan",
    "phone/electricity/gym contract/membership",
    "dental/skin health",
    NULL,
};

static bool holds(const struct phrase_text *t, const char *pattern)
{
    size_t first, last;
    return phrase_find(t, pattern, 0, &first, &last);
}

static const char *forbidden(const struct phrase_text *t)
{
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof *FORBIDDEN; i++) {
        const struct scope_rule *rule = &FORBIDDEN[i];
        if (holds(t, rule->pattern) && !(rule->but && holds(t, rule->but))) {
            return rule->reason;
        }
    }
    return NULL;
}

/* What no question to a copilot holds, in the bytes as they are. */
static bool is_code_attack(struct arena *a, struct str text)
{
    static const char *const MARKS[] = {"<script",  "javascript:",    "../..",    "/etc/passwd",
                                        "' or 1=1", "' or '1",        "${jndi",   "{{7*7}}",
                                        "; drop ",  "|im_start|",     "[system]", "<system>",
                                        "onerror=", "169.254.169.254"};
    struct str low = str_lower(a, text);
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++) {
        if (str_find(low, str_of(MARKS[i])) >= 0) {
            return true;
        }
    }
    return false;
}

/* ---- the question without names -------------------------------------------- */

static struct str without_names(struct arena *a, const struct scope_question *q)
{
    struct str text = text_cut_bytes(q->text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < q->name_count; i++) {
        ptrdiff_t at;
        struct str done = STR(""), rest = text;
        while (q->names[i].n && (at = str_find(rest, q->names[i])) >= 0) {
            done = str_fmt(a, "%.*s%.*s%s", STR_ARG(done), STR_ARG(str_sub(rest, 0, (size_t)at)),
                           STAND_IN);
            rest = str_sub(rest, (size_t)at + q->names[i].n, rest.n);
        }
        text = done.n ? str_fmt(a, "%.*s%.*s", STR_ARG(done), STR_ARG(rest)) : text;
    }
    return text;
}

static struct scope_verdict refuse(const char *reason)
{
    return (struct scope_verdict){SCOPE_OUT, reason};
}

static struct scope_verdict accept(enum scope_kind kind)
{
    return (struct scope_verdict){kind, ""};
}

static enum scope_kind kind_of(struct str label)
{
    int kind = SCOPE_OUT;
    for (int i = 0; i < SCOPE_OUT; i++) {
        kind = str_eqz(label, NAMES[i]) ? i : kind;
    }
    return (enum scope_kind)kind;
}

struct scope_verdict scope_of(const struct classifier *k, struct arena *a,
                              const struct scope_question *q)
{
    struct phrase_text words;
    struct classify_result guess;
    struct str text = without_names(a, q);
    phrase_read(text, &words);
    if (!words.count) {
        return refuse("empty");
    }
    if (is_code_attack(a, text)) {
        return refuse("attack");
    }
    const char *reason = forbidden(&words);
    if (reason) {
        return refuse(reason);
    }
    if (phrase_has(&words, IDLE) || (!q->name_count && phrase_has(&words, IDLE_UNNAMED))) {
        return refuse("not_the_job");
    }
    if (!q->name_count && words.count <= DAILY_WORDS_MAX && phrase_has(&words, DAILY)) {
        return accept(q->selected ? SCOPE_ACCOUNT : SCOPE_PORTFOLIO);
    }
    classify_text(k, text, &guess);
    enum scope_kind best = kind_of(guess.best[0].label);
    bool job = phrase_has(&words, JOB) || (q->selected && phrase_has(&words, JOB_OF_SELECTED));
    bool several = phrase_has(&words, SEVERAL) ||
                   (!q->name_count && phrase_has(&words, SEVERAL_UNNAMED)) ||
                   (q->name_count > 1 && phrase_has(&words, BETWEEN));
    double needed = q->name_count || several ? SURE_NAMED
                    : job && q->selected     ? SURE_SELECTED
                    : job                    ? SURE_JOB
                                             : SURE_ALONE;
    if (guess.scope < needed) {
        return refuse("not_the_job");
    }
    if (several) {
        return accept(SCOPE_PORTFOLIO);
    }
    if (best == SCOPE_HELP && (job || q->name_count)) {
        best = SCOPE_ACCOUNT;
    }
    bool one = q->name_count == 1 || (q->selected && !phrase_has(&words, PLURAL));
    return accept(best == SCOPE_PORTFOLIO && one ? SCOPE_ACCOUNT : best);
}

bool scope_asks_after(struct arena *a, const struct scope_question *question)
{
    static const char *const SHAPES[] = {
        "^ how is/are/about acme $",
        "^ how is/are acme doing/going $",
        "^ how is/are acme doing/going this/last/lately/now/today/compared/at ...",
        "^ hows acme $",
        "^ hows acme doing/going",
        "^ what about acme $",
        "^ whats/what new/happening/happened/up with/at acme",
        "^ what is new/happening/up with/at acme",
        "^ tell/remind me about acme",
        "^ tell me more about acme",
        "^ any news from/about/on acme",
        "^ give me an update/overview on/of/about acme",
        "^ update on acme $",
        NULL,
    };
    struct phrase_text words;
    phrase_read(without_names(a, question), &words);
    return question->name_count && phrase_has(&words, SHAPES);
}

/* ---- teaching --------------------------------------------------------------- */

struct classifier *scope_teach(void)
{
    struct classify_example examples[EXAMPLES_MAX];
    struct classifier *k = NULL;
    struct classify_fault fault;
    size_t n = 0;
    for (const struct scope_example *e; n < EXAMPLES_MAX && (e = scope_example_at(n)); n++) {
        examples[n] = (struct classify_example){str_of(e->text), str_of(NAMES[e->kind])};
    }
    const struct classify_options options = {.none_label = STR("out")};
    if (classify_train(examples, n, &options, &fault, &k) != E_OK) {
        abort(); /* the examples are ours */
    }
    return k;
}

static void *teach(void)
{
    return scope_teach();
}

static void forget(void *thing)
{
    struct classifier *k = thing;
    classify_free(&k);
}

struct scope_verdict scope_check(struct ctx *c, const struct scope_question *question)
{
    static const struct made_kind kind = {teach, forget};
    return scope_of(host_made(c, &kind), c->arena, question);
}
