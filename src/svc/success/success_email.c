#include "svc/success/success_email.h"

#include "base/buf.h"
#include "codec/text.h"

enum { BODY_MAX_BYTES = 16 << 10, STEPS = 3 };

/* One language. {contact}, {account}, {date}, {n}, {minutes}, {owner} are slots. */
struct letter {
    const char *subject[WORDING_TONES];
    const char *hello[WORDING_TONES], *hello_all[WORDING_TONES]; /* with and without a name */
    const char *opening[WORDING_TONES];                          /* empty: none */
    const char *renews, *due, *renewed; /* the date lies ahead, is today, has passed */
    const char *up, *flat, *down;
    const char *no_ticket, *one_ticket, *tickets;
    const char *steps_head, *steps[STEPS];
    const char *call[WORDING_TONES];
    const char *bye[WORDING_TONES];
    const char *team; /* signs when the account has no owner */
};

static const struct letter letters[WORDING_LANGUAGES] = {
    [WORDING_EN] =
        {
            .subject = {"Renewal alignment for {account}",
                        "Renewal alignment for {account}: your agreement",
                        "{account}: renewal alignment"},
            .hello = {"Hi {contact},", "Dear {contact},", "Hello {contact},"},
            .hello_all = {"Hi there,", "Dear all,", "Hello,"},
            .opening = {"I hope you are well! I would like to get ahead of your renewal together "
                        "with you.",
                        "I am writing to you about the forthcoming renewal of your agreement.", ""},
            .renews = "The agreement of {account} renews on {date}.",
            .due = "The agreement of {account} is due for renewal today, {date}.",
            .renewed = "The agreement of {account} was due for renewal on {date}.",
            .up = "Your team's usage has been growing, which is great to see.",
            .flat = "Your team's usage has been steady, and I see room to get more out of it.",
            .down = "Your team's usage has been declining, and I would like to understand why and "
                    "help.",
            .no_ticket = "You have no open support tickets.",
            .one_ticket = "You have {n} open support ticket, which we are following up.",
            .tickets = "You have {n} open support tickets, which we are following up.",
            .steps_head = "What I suggest as next steps:",
            .steps = {"Confirm the goals your team has for the coming term.",
                      "Go through usage and open points together.",
                      "Agree on scope and timing of the renewal."},
            .call = {"Would you have time for a {minutes}-minute call next week?",
                     "May I ask you for a {minutes}-minute call in the course of next week?",
                     "Can we have a {minutes}-minute call next week?"},
            .bye = {"Best wishes,", "Yours sincerely,", "Best,"},
            .team = "Your customer success team",
        },
    [WORDING_DE] =
        {
            .subject = {"Abstimmung zur Verlängerung: {account}",
                        "Verlängerung Ihres Vertrags: {account}", "{account}: Verlängerung"},
            .hello = {"Hallo {contact},", "Guten Tag {contact},", "Guten Tag {contact},"},
            .hello_all = {"Hallo zusammen,", "Sehr geehrte Damen und Herren,", "Guten Tag,"},
            .opening =
                {"ich hoffe, es geht Ihnen gut! Gern möchte ich die Verlängerung rechtzeitig "
                 "mit Ihnen vorbereiten.",
                 "ich schreibe Ihnen wegen der anstehenden Verlängerung Ihres Vertrags.", ""},
            .renews = "Der Vertrag von {account} verlängert sich am {date}.",
            .due = "Der Vertrag von {account} steht heute, am {date}, zur Verlängerung an.",
            .renewed = "Der Vertrag von {account} stand am {date} zur Verlängerung an.",
            .up = "Die Nutzung in Ihrem Team ist gestiegen; das freut uns sehr.",
            .flat = "Die Nutzung in Ihrem Team ist stabil; ich sehe Möglichkeiten, mehr daraus zu "
                    "machen.",
            .down = "Die Nutzung in Ihrem Team ist zurückgegangen; ich möchte verstehen, woran "
                    "das liegt, und helfen.",
            .no_ticket = "Es sind keine Supportanfragen offen.",
            .one_ticket = "Es ist {n} Supportanfrage offen, die wir verfolgen.",
            .tickets = "Es sind {n} Supportanfragen offen, die wir verfolgen.",
            .steps_head = "Als nächste Schritte schlage ich vor:",
            .steps = {"Die Ziele Ihres Teams für die kommende Laufzeit bestätigen.",
                      "Nutzung und offene Punkte gemeinsam durchgehen.",
                      "Umfang und Zeitplan der Verlängerung vereinbaren."},
            .call = {"Haben Sie nächste Woche {minutes} Minuten Zeit für ein Gespräch?",
                     "Dürfte ich Sie in der nächsten Woche um ein Gespräch von {minutes} "
                     "Minuten bitten?",
                     "Können wir nächste Woche {minutes} Minuten sprechen?"},
            .bye = {"Herzliche Grüße", "Mit freundlichen Grüßen", "Viele Grüße"},
            .team = "Ihr Customer-Success-Team",
        },
    [WORDING_NL] =
        {
            .subject = {"Afstemming over de verlenging: {account}",
                        "Verlenging van uw overeenkomst: {account}", "{account}: verlenging"},
            .hello = {"Hoi {contact},", "Geachte {contact},", "Beste {contact},"},
            .hello_all = {"Hallo allemaal,", "Geachte heer, mevrouw,", "Beste,"},
            .opening = {"Ik hoop dat het goed gaat! Ik bereid de verlenging graag op tijd samen "
                        "met jullie voor.",
                        "Ik schrijf u over de aanstaande verlenging van uw overeenkomst.", ""},
            .renews = "De overeenkomst van {account} wordt verlengd op {date}.",
            .due = "De overeenkomst van {account} wordt vandaag, {date}, verlengd.",
            .renewed = "De overeenkomst van {account} had op {date} verlengd moeten worden.",
            .up = "Het gebruik in het team is gegroeid; dat is mooi om te zien.",
            .flat = "Het gebruik in het team is stabiel; ik zie ruimte om er meer uit te halen.",
            .down = "Het gebruik in het team is afgenomen; ik wil graag begrijpen waarom, en "
                    "helpen.",
            .no_ticket = "Er staan geen supportvragen open.",
            .one_ticket = "Er staat {n} supportvraag open, die wij opvolgen.",
            .tickets = "Er staan {n} supportvragen open, die wij opvolgen.",
            .steps_head = "Als volgende stappen stel ik voor:",
            .steps = {"De doelen van het team voor de komende periode bevestigen.",
                      "Gebruik en open punten samen doornemen.",
                      "Omvang en planning van de verlenging afspreken."},
            .call = {"Hebben jullie volgende week {minutes} minuten voor een gesprek?",
                     "Mag ik u volgende week om een gesprek van {minutes} minuten vragen?",
                     "Kunnen we elkaar volgende week {minutes} minuten spreken?"},
            .bye = {"Hartelijke groet,", "Met vriendelijke groet,", "Groet,"},
            .team = "Uw customer-success-team",
        },
    [WORDING_FR] =
        {
            .subject = {"Préparer ensemble le renouvellement : {account}",
                        "Renouvellement de votre contrat : {account}",
                        "{account} : renouvellement"},
            .hello = {"Bonjour {contact},", "Bonjour {contact},", "Bonjour {contact},"},
            .hello_all = {"Bonjour à tous,", "Madame, Monsieur,", "Bonjour,"},
            .opening = {"J'espère que vous allez bien ! J'aimerais préparer le renouvellement "
                        "avec vous en avance.",
                        "Je vous écris au sujet du prochain renouvellement de votre contrat.", ""},
            .renews = "Le contrat de {account} se renouvelle le {date}.",
            .due = "Le contrat de {account} arrive à échéance aujourd'hui, le {date}.",
            .renewed = "Le contrat de {account} devait être renouvelé le {date}.",
            .up = "L'utilisation par votre équipe progresse, et nous en sommes ravis.",
            .flat = "L'utilisation par votre équipe est stable, et je vois comment en tirer "
                    "davantage.",
            .down = "L'utilisation par votre équipe recule ; j'aimerais comprendre pourquoi et "
                    "vous aider.",
            .no_ticket = "Aucun ticket de support n'est ouvert.",
            .one_ticket = "{n} ticket de support est ouvert, et nous le suivons.",
            .tickets = "{n} tickets de support sont ouverts, et nous les suivons.",
            .steps_head = "Voici les étapes que je propose :",
            .steps = {"Confirmer les objectifs de votre équipe pour la prochaine période.",
                      "Passer en revue ensemble l'utilisation et les points ouverts.",
                      "Convenir du périmètre et du calendrier du renouvellement."},
            .call = {"Auriez-vous {minutes} minutes pour un appel la semaine prochaine ?",
                     "Pourriez-vous m'accorder un appel de {minutes} minutes la semaine "
                     "prochaine ?",
                     "Pouvons-nous nous appeler {minutes} minutes la semaine prochaine ?"},
            .bye = {"Bien à vous,", "Veuillez agréer mes salutations distinguées,",
                    "Cordialement,"},
            .team = "Votre équipe customer success",
        },
};

enum err success_email_wish_read(struct ctx *c, const struct json *params, const char *prefix,
                                 struct success_email_wish *out_wish)
{
    struct success_email_wish wish = {.tone = WORDING_FRIENDLY, .language = WORDING_EN};
    const struct json *tone = json_get(params, "tone");
    const char *name =
        json_is_null(json_get(params, "email_language")) ? "language" : "email_language";
    const struct json *language = json_get(params, name);
    if (!json_is_null(tone) && !wording_tone_parse(json_text(tone, STR("")), &wish.tone)) {
        return ctx_fail_field(c, E_INVALID, str_fmt(c->arena, "%stone", prefix).p,
                              "tone must be friendly, formal or concise");
    }
    if (!json_is_null(language) &&
        !wording_language_parse(json_text(language, STR("")), &wish.language)) {
        return ctx_fail_field(c, E_INVALID, str_fmt(c->arena, "%s%s", prefix, name).p,
                              "%s must be en, de, nl or fr", name);
    }
    *out_wish = wish;
    return E_OK;
}

/* Who to write to: the champion, else the sponsor, else whoever comes first. */
static const struct json *addressee(const struct json *contacts)
{
    static const char *const marks[] = {"champion", "sponsor"};
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < json_count(contacts); i++) {
            const struct json *it = json_at(contacts, i);
            if (json_bool(it, marks[m], false)) {
                return it;
            }
        }
    }
    return json_at(contacts, 0);
}

/* A formal letter calls by the whole name; the others by the first, where the record has one: it is
 * never guessed from the whole, for not every name begins with it. */
static struct str called(const struct json *contact, enum wording_tone tone)
{
    struct str name = json_str(contact, "name", STR(""));
    return tone == WORDING_FORMAL ? name : json_str(contact, "first_name", name);
}

/* Owners may be kept as addresses: a letter is signed by a name. */
static struct str signature(struct arena *a, struct str owner)
{
    ptrdiff_t at = str_find_char(owner, '@');
    return at > 0 ? text_title(a, str_sub(owner, 0, (size_t)at)) : owner;
}

static const char *usage_line(const struct letter *l, const struct success_facts *f)
{
    return !f->has_trend               ? ""
           : str_eqz(f->trend, "up")   ? l->up
           : str_eqz(f->trend, "down") ? l->down
                                       : l->flat;
}

static const char *ticket_line(const struct letter *l, const struct success_facts *f)
{
    return !f->has_tickets        ? ""
           : f->open_tickets <= 0 ? l->no_ticket
           : f->open_tickets == 1 ? l->one_ticket
                                  : l->tickets;
}

static void add(struct ctx *c, struct buf *b, const char *text, const char *after,
                const struct wording_slot *slots)
{
    if (*text) {
        buf_add_str(b, wording_fill(c->arena, text, slots));
        buf_add_str(b, str_of(after));
    }
}

enum err success_email_write(struct ctx *c, const struct success_facts *f,
                             const struct success_email_wish *wish, const struct json **out_email)
{
    struct arena *a = c->arena;
    const struct letter *l = &letters[wish->language];
    if (!f->has_renewal) {
        return ctx_fail(c, E_INCOMPLETE, "the renewal date of %.*s is not known", STR_ARG(f->name));
    }
    struct str contact = called(addressee(f->contacts), wish->tone);
    const struct wording_slot slots[] = {
        {"contact", contact},
        {"account", f->name},
        {"owner", signature(a, f->owner)},
        {"date", wording_date(a, wish->language, f->renewal_date_ms)},
        {"n", wording_number(a, wish->language, f->open_tickets)},
        {"minutes", wording_number(a, wish->language, SUCCESS_EMAIL_CALL_MINUTES)},
        {0},
    };
    struct buf b = buf_make(BODY_MAX_BYTES);
    add(c, &b, contact.n ? l->hello[wish->tone] : l->hello_all[wish->tone], "\n\n", slots);
    add(c, &b, l->opening[wish->tone], "\n\n", slots);
    int64_t days = success_facts_days(f->renewal_date_ms, wish->now_ms);
    add(c, &b, days < 0 ? l->renewed : days == 0 ? l->due : l->renews, "\n", slots);
    add(c, &b, usage_line(l, f), "\n", slots);
    add(c, &b, ticket_line(l, f), "\n", slots);
    buf_add_char(&b, '\n');
    add(c, &b, l->steps_head, "\n", slots);
    for (int i = 0; i < STEPS; i++) {
        buf_addf(&b, "%d. ", i + 1);
        add(c, &b, l->steps[i], "\n", slots);
    }
    buf_add_char(&b, '\n');
    add(c, &b, l->call[wish->tone], "\n\n", slots);
    add(c, &b, l->bye[wish->tone], "\n", slots);
    add(c, &b, f->owner.n ? "{owner}" : l->team, "\n", slots);
    struct str body = str_dup(a, buf_str(&b));
    buf_free(&b);
    *out_email =
        json_object(a, {"subject", json_new_str(a, wording_fill(a, l->subject[wish->tone], slots))},
                    {"body", json_new_str(a, body)},
                    {"tone", json_new_str(a, str_of(wording_tone_name(wish->tone)))},
                    {"language", json_new_str(a, str_of(wording_language_name(wish->language)))});
    return E_OK;
}
