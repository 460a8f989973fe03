#include "nlu/urgency.h"

#include <ctype.h>

#include "nlu/phrase.h"
#include "nlu/sentiment.h"

enum { SHOUT_EXCLAMATIONS = 3, SHOUT_LETTERS = 10 };

static const double SHOUT_SHARE = 0.5, SENTIMENT_LOW = -0.5;

/* `even_negated`: the words hold whatever stands before them ("I cannot reach a lawyer" is still
 * about a lawyer; "not urgent" is not urgent). Patterns as in phrase.h. */
static const struct rule {
    unsigned grounds;
    bool even_negated;
    const char *pattern;
} RULES[] = {
    {URGENCY_TIME, false, "urgent/urgently/urgency/asap"},
    {URGENCY_TIME, false, "immediately/immediate"},
    {URGENCY_TIME, false, "right away"},
    {URGENCY_TIME, false,
     "need/want/fix/help/answer/call/solve/cancel/refund/stop/demand/expect ... right now"},
    {URGENCY_TIME, false, "at once"},
    {URGENCY_TIME, false, "as soon as possible"},
    {URGENCY_TIME, false, "time critical/sensitive"},
    {URGENCY_TIME, false, "straight away"},
    {URGENCY_TIME, false, "within the hour"},
    {URGENCY_TIME, false,
     "dringend/sofort/urgente/urgentemente/spoed/dringende/bradskande/haster/pilne"},

    {URGENCY_ANGER, false, "ridiculous/unacceptable/outrageous/disgraceful/appalling"},
    {URGENCY_ANGER, false, "complain/complaint/complaints/complaining"},
    {URGENCY_ANGER, false, "furious/livid/infuriating"},
    {URGENCY_ANGER, true, "fed up"},
    {URGENCY_ANGER, true, "had enough"},
    {URGENCY_ANGER, true, "last straw"},
    {URGENCY_ANGER, true, "sick and tired"},
    {URGENCY_ANGER, true, "third/fourth/fifth/tenth/hundredth time"},
    {URGENCY_ANGER, true, "worst service/company/support/experience"},

    {URGENCY_LEGAL, false, "lawyer/lawyers/attorney/attorneys/solicitor/lawsuit"},
    {URGENCY_LEGAL, false, "legal action/proceedings/steps"},
    {URGENCY_LEGAL, false, "sue/suing you/them/your/u"},
    {URGENCY_LEGAL, false, "will/to/gonna sue"},
    {URGENCY_LEGAL, false, "take/see you ... court"},
    {URGENCY_LEGAL, false, "small claims"},
    {URGENCY_LEGAL, false, "ombudsman/regulator"},
    {URGENCY_LEGAL, false, "trading standards"},
    {URGENCY_LEGAL, false, "better business bureau"},
    {URGENCY_LEGAL, false, "consumer protection"},
    {URGENCY_LEGAL, false, "data protection authority/commissioner/officer"},
    {URGENCY_LEGAL, false,
     "anwalt/rechtsanwalt/avocat/abogado/avvocato/advocaat/advogado/advokat/adwokat"},

    {URGENCY_MONEY, true, "charged ... twice"},
    {URGENCY_MONEY, true, "double/twice charged/billed"},
    {URGENCY_MONEY, true, "double charge/charges/billing/payment"},
    {URGENCY_MONEY, true, "overcharged"},
    {URGENCY_MONEY, true, "unauthorized/unauthorised"},
    {URGENCY_MONEY, true, "didnt/not/never authorize/authorise/authorized/authorised"},
    {URGENCY_MONEY, false, "fraud/fraudulent/scam/scammed/scammers/phishing"},
    {URGENCY_MONEY, false, "identity theft"},
    {URGENCY_MONEY, false, "card/wallet/phone/account/money/identity ... stolen/hacked"},
    {URGENCY_MONEY, false, "stole/stolen ... card/wallet/phone/account/money/identity"},
    {URGENCY_MONEY, false, "hacked"},
    {URGENCY_MONEY, true, "money ... gone/missing/disappeared/vanished"},

    {URGENCY_SAFETY, false, "emergency/emergencies"},
    {URGENCY_SAFETY, false, "on fire"},
    {URGENCY_SAFETY, false, "caught/catching fire"},
    {URGENCY_SAFETY, false, "smoke/smoking/sparks/sparking ... coming/comes/from/out"},
    {URGENCY_SAFETY, false, "see/saw/smell/smelled smoke/burning/gas"},
    {URGENCY_SAFETY, false, "burning smell"},
    {URGENCY_SAFETY, false, "gas leak"},
    {URGENCY_SAFETY, false, "electric/electrical shock"},
    {URGENCY_SAFETY, false, "exploded/explosion/exploding"},
    {URGENCY_SAFETY, false, "injured/injury/bleeding/unconscious/choking/ambulance"},
    {URGENCY_SAFETY, false, "heart attack"},
    {URGENCY_SAFETY, false, "in danger"},
    {URGENCY_SAFETY, false, "hurt/harm/kill/killing/hurting/harming myself"},
    {URGENCY_SAFETY, false, "suicide/suicidal"},
    {URGENCY_SAFETY, false, "end my life"},
    {URGENCY_SAFETY, true, "dont/not want to live"},
    {URGENCY_SAFETY, false,
     "notfall/urgence/emergencia/emergenza/noodgeval/emergencia/nodsituation"},

    {URGENCY_OUTAGE, false, "outage/outages"},
    {URGENCY_OUTAGE, false,
     "site/website/system/systems/server/servers/service/app/api/platform/production/prod/network/"
     "database/everything/dashboard ... down"},
    {URGENCY_OUTAGE, false, "down ... production"},
    {URGENCY_OUTAGE, false, "data loss"},
    {URGENCY_OUTAGE, false, "lost ... data"},
    {URGENCY_OUTAGE, false, "data/security breach"},
    {URGENCY_OUTAGE, false, "security incident"},
    {URGENCY_OUTAGE, true, "nobody/none can access/login/work/connect"},
    {URGENCY_OUTAGE, true, "no one can access/login/work/connect"},
    {URGENCY_OUTAGE, true, "cannot/cant access ... system/systems/production/anything/service"},
    {URGENCY_OUTAGE, false, "service unavailable"},
    {URGENCY_OUTAGE, false, "complete/total failure"},

    {URGENCY_PERSON, false,
     "speak/talk/chat/talking/speaking ... person/human/agent/representative/rep/someone/somebody/"
     "operator/advisor/adviser/staff/people/member/employee/consultant"},
    {URGENCY_PERSON, false,
     "connect/transfer/put/pass/forward/redirect/escalate me/this/us ... person/human/agent/"
     "representative/rep/someone/somebody/operator/advisor/adviser/staff/team/department"},
    {URGENCY_PERSON, false, "want/need/get/give/prefer ... human/representative/operator"},
    {URGENCY_PERSON, false,
     "want/need/get/give/prefer me/a/an/to real/live/actual person/human/agent"},
    {URGENCY_PERSON, false,
     "want/need/get/give/prefer a/an/me real/live/actual/a person/human/agent"},
    {URGENCY_PERSON, false, "real/live/actual person/human/agent/people"},
    {URGENCY_PERSON, false, "^ human/agent/representative/operator/person $"},
    {URGENCY_PERSON, false, "^ human/agent/representative/operator please $"},
    {URGENCY_PERSON, false, "customer service/support representative/agent/rep"},
    {URGENCY_PERSON, false, "call me back"},
    {URGENCY_PERSON, true, "not ... bot/robot/machine/ai ... human/person"},
    {URGENCY_PERSON, false, "mensch/menschen/mitarbeiter ... sprechen/reden/schreiben/verbinden"},
    {URGENCY_PERSON, false, "sprechen/reden ... mensch/menschen/mitarbeiter"},
    {URGENCY_PERSON, false, "parler ... humain/personne/conseiller/agent/quelqu"},
    {URGENCY_PERSON, false, "hablar ... persona/humano/agente/alguien/asesor"},
    {URGENCY_PERSON, false, "parlare ... persona/operatore/umano/qualcuno"},
    {URGENCY_PERSON, false, "medewerker/mens/iemand ... spreken/praten"},
    {URGENCY_PERSON, false, "spreken/praten ... medewerker/mens/iemand"},
    {URGENCY_PERSON, false, "falar ... atendente/humano/pessoa/alguem"},
    {URGENCY_PERSON, false, "prata/tala med ... manniska/person/nagon/medarbetare"},
    {URGENCY_PERSON, false, "tale/snakke med ... menneske/person/medarbejder/noen/nogen"},
    {URGENCY_PERSON, false, "puhua ... ihmisen/asiakaspalvelijan/henkilon"},
    {URGENCY_PERSON, false, "rozmawiac/porozmawiac ... czlowiekiem/człowiekiem/konsultantem/kims"},

    {URGENCY_PERSON | URGENCY_ANGER, false,
     "speak/talk/want/need/get/call/see/escalate/complain/connect/transfer ... "
     "manager/supervisor/boss"},
    {URGENCY_PERSON | URGENCY_ANGER, false, "your manager/supervisor/boss"},
    {URGENCY_PERSON | URGENCY_ANGER, false, "^ manager/supervisor"},
    {URGENCY_PERSON | URGENCY_ANGER, false, "manager/supervisor now/please"},
};

/* What looks like a rule's words but is about something else: a match inside one of these is
 * dropped. */
static const char *const EXCEPTIONS[] = {
    ("account/project/product/office/password/task/file/package/device/store/sales/hr/it/marketing "
     "manager"),
    "manager role/seat/account/permission/permissions/access/plan/view/dashboard",
    "emergency contact/contacts/exit/exits/kit/number/numbers/fund",
    "user agent",
    "agent role/seat/seats/license/licence/version/settings",
    "fraud detection/protection/prevention/policy/alerts/team/department/settings",
    "data loss prevention",
    "supervisor role/seat/account/view",
    "urgent care",
    "are/be/youre/you a/an/actually real/live/actual/a person/human/agent",
    "are/be/youre/you a/an real live/actual person/human",
    "if you are ... person/human",
    "am i speaking/talking/chatting ... person/human/agent/bot",
    "complaint/complaints policy/form/process/template",
};

struct scan {
    struct phrase_text text;
    bool excepted[PHRASE_WORDS_MAX];
    struct str source;
};

static void mark_exceptions(struct scan *s)
{
    for (size_t i = 0; i < sizeof EXCEPTIONS / sizeof EXCEPTIONS[0]; i++) {
        size_t first, last, from = 0;
        while (phrase_find(&s->text, EXCEPTIONS[i], from, &first, &last)) {
            for (size_t w = first; w <= last; w++) {
                s->excepted[w] = true;
            }
            from = first + 1;
        }
    }
}

static void note(struct urgency *u, struct str hit)
{
    for (int i = 0; i < u->hit_count; i++) {
        if (u->hits[i].p == hit.p && u->hits[i].n == hit.n) {
            return;
        }
    }
    if (u->hit_count < URGENCY_HITS_MAX) {
        u->hits[u->hit_count++] = hit;
    }
}

static void apply(struct scan *s, const struct rule *rule, struct urgency *u)
{
    size_t first, last, from = 0;
    while (phrase_find(&s->text, rule->pattern, from, &first, &last)) {
        from = first + 1;
        if (s->excepted[last] || s->excepted[first]) {
            continue;
        }
        if (!rule->even_negated && phrase_negated(&s->text, first)) {
            continue;
        }
        u->grounds |= rule->grounds;
        size_t start = s->text.words[first].start, end = s->text.words[last].end;
        note(u, str_sub(s->source, start, end - start));
    }
}

/* Letters of words with digits (order numbers) do not count. */
static void measure_shouting(struct str text, struct urgency *u)
{
    double letters = 0, capitals = 0;
    for (size_t i = 0; i < text.n;) {
        size_t end = i, word_letters = 0, word_capitals = 0;
        bool digits = false;
        while (end < text.n && !isspace((unsigned char)text.p[end])) {
            unsigned char c = (unsigned char)text.p[end++];
            word_letters += isalpha(c) != 0;
            word_capitals += isupper(c) != 0;
            digits |= isdigit(c) != 0;
            u->exclamations += c == '!';
        }
        letters += digits ? 0 : (double)word_letters;
        capitals += digits ? 0 : (double)word_capitals;
        i = end + (end < text.n);
    }
    u->capitals = letters > 0 ? capitals / letters : 0;
    if (u->exclamations >= SHOUT_EXCLAMATIONS ||
        (letters > SHOUT_LETTERS && u->capitals > SHOUT_SHARE)) {
        u->grounds |= URGENCY_SHOUTING;
    }
}

struct urgency urgency_of(struct str text)
{
    struct urgency u = {0};
    struct scan s = {.source = text};
    phrase_read(text, &s.text);
    mark_exceptions(&s);
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        apply(&s, &RULES[i], &u);
    }
    measure_shouting(text, &u);
    u.sentiment = sentiment_of(text).score;
    u.grounds |= u.sentiment <= SENTIMENT_LOW ? URGENCY_SENTIMENT : 0u;
    u.urgent = (u.grounds & ~(unsigned)URGENCY_PERSON) != 0;
    u.wants_person = (u.grounds & URGENCY_PERSON) != 0;
    u.emergency =
        (u.grounds & (URGENCY_SAFETY | URGENCY_LEGAL | URGENCY_MONEY | URGENCY_OUTAGE)) != 0;
    return u;
}

const char *urgency_ground_name(enum urgency_ground ground)
{
    switch (ground) {
    case URGENCY_TIME:
        return "time";
    case URGENCY_ANGER:
        return "anger";
    case URGENCY_LEGAL:
        return "legal";
    case URGENCY_MONEY:
        return "money";
    case URGENCY_SAFETY:
        return "safety";
    case URGENCY_OUTAGE:
        return "outage";
    case URGENCY_PERSON:
        return "person";
    case URGENCY_SHOUTING:
        return "shouting";
    case URGENCY_SENTIMENT:
        return "sentiment";
    }
    return "";
}
