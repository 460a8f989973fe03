#include "svc/success/claim_word.h"

/* All languages at once, for a text does not tell its own. A star ends what is the beginning of
 * words. A word that means another thing in another language costs a model's text, never a wrong
 * number. */
static const struct {
    uint64_t meaning;
    const char *words;
} rows[] = {
    {CLAIM_SCORE, "score scores scored scoring health healthscore* scorewert* gesundheitswert* "
                  "punktzahl* wert werte werten werts gezondheid* santé indice"},
    {CLAIM_POINTS, "point points punkt punkte punkten punt punten"},
    {CLAIM_USERS, "user users people person persons nutzer nutzern nutzerinnen benutzer* anwender* "
                  "person* personen menschen leute gebruiker* mensen utilisateur* utilisatrice* "
                  "personne personnes usager* login logins anmeldungen connexions"},
    {CLAIM_TICKETS, "ticket* issue issues incident* case cases request requests supportticket* "
                    "supportanfrage* anfrage anfragen supportvra* supportverzoek* verzoek* vragen "
                    "supportfälle vorfälle demande demandes störungen bug bugs"},
    {CLAIM_DAYS, "days tage tagen dagen jours"},
    {CLAIM_DAYS | CLAIM_SPAN, "day tag dag jour"},
    {CLAIM_MONTHS, "months monate monaten maanden mois"},
    {CLAIM_MONTHS | CLAIM_SPAN, "month monat maand"},
    {CLAIM_MINUTES, "minute minutes minuten min"},
    {CLAIM_MONEY, "arr worth pay pays paid paying value valued revenue contract agreement spend "
                  "spends annual annually yearly vertrag vertrags jahreswert* zahlt zahlen bezahlt "
                  "umsatz jährlich* waard waarde jaarwaarde* betaalt betalen contractwaarde omzet "
                  "jaarlijks* vaut valeur paie paient payent contrat annuel* contrats euro euros "
                  "dollar dollars pound pounds eur usd gbp"},
    {CLAIM_SEATS, "seat seats licence licences license licenses lizenz* plätze plätzen licentie* "
                  "plaatsen siège* sièges"},
    {CLAIM_OTHER,
     "employee employees team teams "
     "customer customers client clients account accounts site sites champion champions "
     "sponsor sponsors complaint complaints feature features integration* outage "
     "outages call calls meeting meetings mitarbeiter* kunde kunden "
     "standort* beschwerde* medewerker* klant klanten klacht* werknemer* "
     "équipe équipes employé* plainte* percent prozent procent"},
    {CLAIM_OTHER | CLAIM_SPAN,
     "year years week weeks hour hours quarter quarters second seconds jahr jahre jahren woche "
     "wochen stunde stunden quartal* jaar jaren week weken uur uren kwartaal an ans année années "
     "semaine semaines heure heures trimestre*"},
    {CLAIM_STOP,
     "a an and or but with without from to in on at by for of while which who that is are was were "
     "has have had because since until before after as than so per und oder "
     "aber mit ohne von bis zu in im am an auf bei für während die der das den dem ist sind war "
     "waren hat haben weil seit vor nach als pro je und en of maar met zonder van tot naar op aan "
     "bij voor terwijl is zijn was waren heeft hebben omdat sinds na dan per et ou mais avec sans "
     "de du des à au aux en dans sur par pour pendant qui que est sont était a ont car depuis "
     "avant "
     "après le la les l un une"},
    {CLAIM_BE, "is are was were been be has have had having got get remain remains stay sind ist "
               "war waren wurde wurden wurd hat haben zijn was waren werd werden heeft hebben "
               "est sont était étaient ont été"},
    {CLAIM_NOT, "nothing nichts niets rien not never hasn't haven't isn't aren't wasn't weren't "
                "don't doesn't didn't won't "
                "cannot can't nicht nie niet nooit jamais"},
    {CLAIM_IF, "once until if would could may might whether should unless avoid prevent goal "
               "likely wenn falls "
               "ob könnte könnten würde sollte vielleicht als zou kan kunnen mogelijk indien si "
               "pourrait devrait éventuellement why warum waarom pourquoi"},
    {CLAIM_HOW, "how which wie welche welcher hoe welke combien quels quelles"},
    {CLAIM_ZERO,
     "no zero without neither kein keine keinen keinem keiner keinerlei ohne geen zonder "
     "aucun aucune sans pas nul nulle"},
    {CLAIM_NONE, "none nil nobody noone niemand keines keins personne null nada nix"},
    {CLAIM_ONE, "one single sole einziges einzige enkel enige seul seule"},
    {CLAIM_ALL, "all every everyone everybody entire whole alle allen aller sämtliche jeder jeden "
                "ganze alles iedereen ieder elke hele tous toutes tout toute chaque both beide "
                "beiden"},
    {CLAIM_MANY, "tons enormous huge massive heaps many most few several numerous countless fewer "
                 "more various multiple plenty lots "
                 "loads viele vielen mehrere wenige wenigen einige zahlreiche meisten paar mehr "
                 "weniger veel vele meerdere weinig enkele talrijke meeste meer minder plusieurs "
                 "beaucoup nombreux nombreuses quelques plupart certains peu"},
    {CLAIM_PART,
     "empty leer leeg thirds fourth fourths fifth fifths sixth sixths seventh sevenths eighth "
     "eighths ninth ninths "
     "tenth tenths twelfth twentieth hundredth hundredths thousandth quadrupl* quintupl* sextupl* "
     "tenfold twofold threefold fourfold fivefold manyfold couple handful majority minority bulk "
     "digit digits trillion* bazillion umpteen nought naught zilch viertel* drittel* fünftel* "
     "sechstel* siebtel* achtel* neuntel* zehntel* vierten fünften mehrheit* minderheit* "
     "großteil "
     "vervierfacht verfünffacht vielfaches handvoll kwart vijfde vierde tiende meerderheid "
     "minderheid handvol merendeel verviervoudigd verveelvoudigd tiers quart cinquième* dixième* "
     "quatrième* majorité minorité poignée quadruplé* décuplé*"},
    {CLAIM_RENEWAL, "renew* contract* agreement* subscription* term vertrag* vertrags* verläng* "
                    "abonnement* laufzeit* contract* overeenkomst* verleng* contrat* renouvel* "
                    "échéance* expir* licence license"},
    {CLAIM_EXPIRED, "expired lapsed abgelaufen verlopen expiré expirée échu échue"},
    {CLAIM_ENDED, "ended passed overdue vorbei vorüber verstrichen beendet überfällig "
                  "verstreken voorbij afgelopen beëindigd passée passé terminé terminée"},
    {CLAIM_GONE,
     "renewed signed refused refuses refuse rejected void churned cancelled canceled terminated "
     "resigned quit fired bankrupt insolvent lawsuit sued "
     "owe owes owed unpaid deserted abandoned defected gekündigt abgewandert abgesprungen "
     "insolvent "
     "pleite schuldet opgezegd vertrokken failliet weggelopen résilié résiliée démissionné "
     "faillite partis quitté quittée doit"},
    {CLAIM_LEAVE, "cancel leave churn quit terminate downgrade defect leaving cancelling canceling "
                  "churning kündigen abwandern opzeggen vertrekken résilier quitter partir"},
    {CLAIM_WILL, "will wants want about intends intend plans plan going decided decides threatens "
                 "threatened wird will wollen gaat willen va veut veulent vont"},
    {CLAIM_UP,
     "upward increasing increased increases growing grown grew grows rising rose risen rises "
     "climbed climbs climbing improved jumped surged steigt stieg gestiegen wächst "
     "wuchs "
     "gewachsen zugenommen stijgt steeg gestegen groeit groeide gegroeid toegenomen "
     "progresse progressé augmente augmenté croît"},
    {CLAIM_DOWN,
     "stopped vanished ceased halted stalled decline downward slump declining declined declines "
     "falling fell fallen falls dropping dropped drops decreasing "
     "decreased decreases shrinking shrank shrunk slipped worsened plummeted collapsed sinkt sank "
     "gesunken fällt fiel gefallen rückläufig zurückgegangen zurück abgenommen schrumpft "
     "daalt "
     "daalde gedaald krimpt afgenomen recule reculé baisse baissé diminue diminué chuté"},
    {CLAIM_FLAT, "stable steady flat unchanged stagnant stabil gleichbleibend unverändert stabiel "
                 "gelijk onveranderd inchangé inchangée"},
    {CLAIM_USAGE, "usage adoption engagement activity nutzung gebruik utilisation"},
    {CLAIM_RISK, "risk risiko risico risque"},
    {CLAIM_LOW, "low lower lowest minimal little niedrig* gering* laag lage faible faibles bas"},
    {CLAIM_MEDIUM, "medium moderate mittel mittler* gemiddeld gemiddelde matig moyen moyenne "
                   "modéré*"},
    {CLAIM_HIGH, "high higher highest severe critical serious elevated hoch hohe hohes hohen hoher "
                 "hoog hoge élevé élevée critique kritisch*"},
    {CLAIM_HEALTHY, "perfect excellent healthy thriving gesund gezond"},
    {CLAIM_UNHEALTHY, "poor bad terrible weak alarming dire critical unhealthy ungesund ongezond"},
    {CLAIM_KNOWN, "data known information record records recorded available missing bekannt daten "
                  "angabe angaben vorliegen bekend gegevens connu connue connus données "
                  "informations manque manquent score scored"},
    {CLAIM_BEFORE, "before previous previously earlier was last prior from vorher zuvor davor "
                   "letzte* früher lag von daarvoor eerder vorige was van auparavant précédent* "
                   "avant était de"},
    {CLAIM_RANGE, "possible between lowest highest least range möglich* zwischen mindestens "
                  "höchstens niedrigster höchster mogelijk* tussen laagste hoogste minstens "
                  "possibles entre bas haut"},
    {CLAIM_CHANGE, "change* changing delta änderung veränder* geändert verandering* "
                   "variation* by"},
    {CLAIM_SOLVED,
     "closed resolved solved fixed critical severe escalated urgent overdue new unanswered ignored "
     "geschlossen* gelöst* behoben* erledigt* kritisch* neue neuen eskaliert* gesloten opgelost* "
     "kritieke nieuwe fermé* résolu* clos critiques nouveaux nouvelles"},
    {CLAIM_FEWER,
     "new left lost leave leaving churned stopped inactive complained complaining gone fewer more "
     "additional unhappy quit cancelled canceled departed dissatisfied extra monthly weekly neue "
     "neuen verloren weniger mehr gegangen inaktiv* unzufrieden* monatlich* nieuwe verloren "
     "minder vertrokken inactief* maandelijks* nouveaux perdus moins partis inactif* mensuel*"},
    {CLAIM_PERIOD, "month monthly week weekly quarter quarterly hour hourly monat monatlich* woche "
                   "wöchentlich* quartal* stunde maand maandelijks* week wekelijks* kwartaal uur "
                   "mois mensuel* semaine hebdomadaire* trimestre* heure"},
    {CLAIM_DEBT,
     "owe owes owed unpaid overdue debt penalty penalties invoice* discount* refund* loss lost fee "
     "fees upsell budget cost costs rechnung* rabatt* schuld* strafe* kosten verlust korting* "
     "factuur facturen schuld* boete verlies remise* facture* dette* pénalité* perte user seat "
     "head nutzer gebruiker utilisateur"},
    {CLAIM_AGO, "ago overdue late past since open seit geleden sinds depuis retard unanswered "
                "waiting inactive idle down offen openstaand* il"},
    {CLAIM_OUTAGE, "outage* downtime waiting wait delay* slow response down ausfall* wartezeit "
                   "verzögerung storing wachttijd vertraging panne attente retard"},
    {CLAIM_SEASON,
     "spring summer autumn winter monday tuesday wednesday thursday friday saturday sunday "
     "christmas "
     "easter frühling frühjahr sommer herbst montag dienstag mittwoch donnerstag freitag samstag "
     "sonntag weihnachten ostern lente voorjaar zomer herfst maandag dinsdag woensdag donderdag "
     "vrijdag zaterdag zondag kerst pasen printemps automne hiver lundi mardi mercredi jeudi "
     "vendredi samedi dimanche noël"},
    {CLAIM_NEXT, "next following coming upcoming nächste* kommende* volgend* komend* prochain*"},
    {CLAIM_LAST, "last past previous letzte* vorige* vergangene* afgelopen dernier* dernière* "
                 "passé passée"},
    {CLAIM_THIS, "this current dieses diesem diesen dieser laufende* dit deze huidige cette ce"},
    {CLAIM_YEAR, "year jahr jahres jaar an année"},
    {CLAIM_MONTH, "month monat monats maand mois"},
    {CLAIM_QUARTER, "quarter quartal quartals kwartaal trimestre"},
    {CLAIM_WEEK, "week woche semaine"},
    {CLAIM_TODAY, "today tonight heute vandaag aujourd'hui"},
    {CLAIM_TOMORROW, "tomorrow morgen demain"},
    {CLAIM_SEASON, "yesterday gestern gisteren"},
    {CLAIM_NAMED,
     "january february march april june july august september october november december januar "
     "februar märz mai juni juli oktober dezember januari februari maart mei augustus oktober "
     "janvier février mars avril juin juillet août septembre octobre novembre décembre"},
    {CLAIM_MEET,
     "meet meeting call talk speak discuss schedule book prepare propose suggest send sent invite "
     "review plan start begin set agree let let's shall please treffen gespräch sprechen termin "
     "vorbereiten vereinbaren besprechen senden abspreken gesprek spreken bespreken voorbereiten "
     "plannen rencontrer parler discuter appel appeler préparer convenir envoyer wishes time "},
    {CLAIM_EVENT, "since signed joined started founded launched begun resigned left churned lost "
                  "cancelled canceled complained escalated seit unterzeichnet gegründet begonnen "
                  "gekündigt sinds ondertekend begonnen opgezegd depuis signé commencé "
                  "résilié"},
    {CLAIM_LEFT, "left"},
    {CLAIM_HAVE, "has have had who already"},
    {CLAIM_AT, "at"},
};

static bool means(struct str words, struct str word)
{
    struct str one;
    while (str_split(&words, ' ', &one)) {
        bool begins = str_ends(one, STR("*"));
        if (begins ? str_starts(word, str_sub(one, 0, one.n - 1)) : str_eq(word, one)) {
            return true;
        }
    }
    return false;
}

uint64_t claim_word(struct str word)
{
    uint64_t meaning = 0;
    for (size_t i = 0; word.n && i < sizeof(rows) / sizeof(*rows); i++) {
        meaning |= means(str_of(rows[i].words), word) ? rows[i].meaning : 0;
    }
    return meaning;
}
