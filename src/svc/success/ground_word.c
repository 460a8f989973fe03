#include "svc/success/ground_word.h"

/* What names an event, a feeling, a wish or a reason of the customer's stands in no row: no data
 * tell it. A word that is missing here costs a sentence, one too many lets a claim through. */
static const struct {
    uint32_t good_for;
    const char *words;
} rows[] = {
    {GROUND_PLAIN,
     "a an the this that these those it its they them their there you your who which what how when "
     "where why whose and or but with of in on at by for from to as per than then so while also "
     "both each any all every other further more most only just still yet overall currently "
     "current now about approximately around between within during before after until into "
     "through across however even if whether too "
     "respectively well such same own grow shape standing watch takes "
     "account preparation conversation reference expansion door"},
    {GROUND_PLAIN | GROUND_VERB,
     "is are was were be been being cannot has have had having do does did "
     "it's there's that's here's can could may might must will would "
     "shall"},
    {GROUND_PLAIN | GROUND_VERB,
     "remains remain stands shows show showing indicates indicate indicating reflects suggests "
     "means puts gives includes include including covers averages average averaging makes takes "
     "supports uses brings opens continues continue requires build builds pays pay paying "
     "stand sits"},
    {GROUND_PLAIN,
     "account customer customers product team teams people person group company level annual "
     "annually yearly recurring date day days daily week weeks month months year years term time "
     "today point range measurement measurements measured previous previously earlier possible "
     "average active seats seat use using used key figures figure facts fact data main thing "
     "number total roughly among mark threshold assessed assessment rated classified category "
     "reading summary short brief status snapshot position plan room early immediate particular "
     "considered far recent recently latest note first second area factors "
     "signal signals picture metric metrics"},
    {GROUND_USAGE | GROUND_PLAIN, "usage adoption users user engagement activity"},
    {GROUND_SCORE | GROUND_PLAIN, "score scores scored scoring points health"},
    {GROUND_TICKETS | GROUND_PLAIN, "ticket tickets support"},
    {GROUND_PLAIN, "open"},
    {GROUND_RENEWAL | GROUND_PLAIN, "renewal contract agreement subscription"},
    {GROUND_RENEWAL | GROUND_PLAIN | GROUND_VERB, "renews renew renewing"},
    {GROUND_MONEY | GROUND_PLAIN, "arr value valued worth revenue eur usd gbp euros dollars"},
    {GROUND_UP | GROUND_PLAIN,
     "increasing growing growth upward rising increase upwards gain uptick improvement"},
    {GROUND_UP | GROUND_PLAIN | GROUND_VERB,
     "increased increases grew grown grows rose risen rises climbed climbing improved improves"},
    {GROUND_DOWN | GROUND_PLAIN,
     "declining falling dropping decreasing drop decline decrease downward fall dip slide "
     "reduction"},
    {GROUND_DOWN | GROUND_PLAIN | GROUND_VERB,
     "declined declines fell fallen falls dropped drops decreased decreases slipped dipped"},
    {GROUND_FLAT | GROUND_PLAIN, "stable steady flat unchanged"},
    {GROUND_PLAIN, "trend trends trending"},
    {GROUND_GOOD | GROUND_PLAIN, "healthy strong solid"},
    {GROUND_POOR | GROUND_PLAIN, "poor weak unhealthy fragile"},
    {GROUND_NEAR | GROUND_PLAIN | GROUND_VERB, "approaches nears approaching nearing"},
    {GROUND_NEAR | GROUND_PLAIN, "soon near"},
    {GROUND_AHEAD | GROUND_PLAIN, "upcoming ahead forthcoming"},
    {GROUND_ABSENT | GROUND_PLAIN, "unknown missing unavailable available"},
    {GROUND_PLAIN | GROUND_ABSENT | GROUND_VERB, "known recorded"},
    {GROUND_NOT | GROUND_PLAIN, "no not nor neither none zero without isn't aren't"},
    {GROUND_NOT | GROUND_ACT, "don't won't never"},
    {GROUND_RISK | GROUND_PLAIN, "risk risks"},
    {GROUND_LEVEL | GROUND_PLAIN, "low medium high moderate"},
    {GROUND_LOAD | GROUND_PLAIN, "load volume"},
    {GROUND_BOUND | GROUND_PLAIN,
     "churn left due rise minimal successful scheduled positioned sign new away "
     "good positive great up down coming comes free light heavy ready "
     "signs opportunity candidate happy glad"},
    /* Who writes, and how they propose */
    {GROUND_WE | GROUND_PLAIN, "i we"},
    {GROUND_WE | GROUND_PLAIN | GROUND_MARK | GROUND_VERB, "i'm i'd i'll we're we'd we'll let's"},
    {GROUND_PLAIN, "our my me us your yours you're"},
    {GROUND_OFFER | GROUND_PLAIN | GROUND_VERB, "am are will would can could shall should"},
    {GROUND_OFFER | GROUND_ACT | GROUND_VERB, "hope want wanted wish love like appreciate wonder"},
    {GROUND_OFFER | GROUND_ACT, "look value suggest propose recommend ask"},
    {GROUND_MARK | GROUND_ACT,
     "please thank thanks welcome regards sincerely dear hi hello congratulations recommend "
     "recommended suggest suggested should let looking cheers wishes hey greetings advisable"},
    {GROUND_REPORT | GROUND_PLAIN | GROUND_VERB,
     "see saw seen notice noticed noting noted know knew understand observe observed because "
     "although though despite since"},
    {GROUND_ROLE | GROUND_ACT, "champion sponsor"},
    {GROUND_DRAFT | GROUND_ACT, "draft outline deck email e mail qbr agenda"},
    /* What may be done, talked about or offered */
    {GROUND_OPEN | GROUND_ACT,
     "schedule arrange book plan organise organize set reach contact call meet talk speak email "
     "confirm verify check clarify resolve close follow escalate review go walk look dig "
     "investigate examine analyse analyze find identify determine explore assess evaluate "
     "understand learn monitor track watch keep maintain share send present prepare draft write "
     "create develop build put collect gather compile highlight emphasise emphasize use leverage "
     "discuss address cover ask request invite involve engage bring offer provide propose suggest "
     "recommend align agree settle decide define document update record enter connect celebrate "
     "recognise recognize thank begin start initiate launch hold run conduct host join "
     "consider ensure make focus prioritise prioritize coordinate work partner "
     "introduce demonstrate show map outline summarise summarize reinforce reconfirm revisit "
     "encourage complete take get give have add include strengthen drive increase continue "
     "nurture position fix retrieve fetch read pull calculate generate be do tell try let "
     "remind ensure secure lead bring compare gauge aim"},
    {GROUND_ACT,
     "scheduling arranging booking planning reaching contacting calling meeting talking speaking "
     "confirming checking resolving resolved closing following reviewing walking looking finding "
     "identifying exploring monitoring tracking keeping sharing sending presenting preparing "
     "drafting writing creating building discussing addressing covering asking involving bringing "
     "offering aligning defining beginning starting holding making focusing working "
     "helping getting having hearing learning taking understanding going looked prepared included "
     "attached drafted begun expand expanding addressed reviewed covered"},
    {GROUND_ACT,
     "next step steps action actions item items conversation conversations discussion discussions "
     "dialogue talk talks chat session sessions check goals goal objectives objective priorities "
     "priority outcomes outcome results result success criteria kpis benefits benefit needs "
     "interests ideas idea questions question answer answers feedback input thoughts experience "
     "experiences training trainings enablement onboarding workshop webinar resources resource "
     "best practice practices features feature capabilities functionality roadmap release "
     "releases options option opportunities expansion upsell growth potential scope terms pricing "
     "price proposal offer negotiation negotiations procurement legal business case study "
     "reference testimonial story executive decision maker makers stakeholder stakeholders owner "
     "owners responsible deadlines deadline timeline timelines timing calendar dates milestone "
     "milestones progress process quarterly quarter qbr metrics measure measures mitigation "
     "overview highlights introductions introduction objectives alignment recap wins delivered "
     "delivery achievements developed development looked opening topics topic points "
     "list issues issue items blockers challenges recommendations recommendation closing "
     "discussions engagement strategy strategies initiatives recovery details detail information "
     "materials slides report reports dashboard presentation help desk severity"},
    {GROUND_ACT,
     "out additional better easier smooth smoothly quick quickly short brief convenient important "
     "several few couple latest different specific joint mutual clear jointly together regular "
     "regularly directly closely proactively proactive relevant possible ahead again anything "
     "something everything everyone anyone someone further forward back below following meantime "
     "soon coming past so always here sure available convenience current existing continued great "
     "wonderful valuable best kind warm warmly other potential internal internally external "
     "another main particular final finally overall various part long later earliest last greater "
     "quickly requests side "
     "sides "
     "worked less deeper broader full next"},
    {GROUND_ACT,
     "need want get gets hear finds suits suit works work fits fit serves stands goes hesitate "
     "feel reply respond like love hope forward continued partnership relationship collaboration "
     "cooperation trust experience attention touch base eye way doing name hearing seeing writing "
     "working speaking wanted discover share much many least back over under worth helps "
     "happen matter matter matters delivers drove drives drive bring brings contributed "
     "meeting meetings calls invitation invite time times minute minutes afternoon morning "
     "sign signs"},
    /* of the trade: what people who look after customers propose */
    {GROUND_ACT,
     "regarding concerning success stories story roi approval process sense "
     "cause "
     "causes reason reasons root commercial crm resolution kickoff cadence recurring biweekly "
     "weekly monthly bi ownership accountability responsibilities responsibility roles role task "
     "tasks target targets baseline benchmark benchmarks forecast projections plans planned "
     "insight insights observations observation learnings lessons takeaways perspective "
     "perspectives view views context background purpose scope structure format content tailored "
     "personalised personalized targeted dedicated strategic tactical operational technical "
     "practical actionable concrete realistic measurable tangible key crucial essential helpful "
     "useful beneficial worthwhile productive meaningful transparent consistent consistently "
     "carefully briefly shortly promptly continuously guide guides guidance documentation video "
     "tutorial tutorials tips demo demonstration walkthrough refresher office hours lunch visit "
     "onsite remote virtual slot slots link form survey template advance advanced "
     "power group groups department departments region regions unit units workflow workflows "
     "integration integrations module modules automation reporting analytics configuration setup "
     "rollout everything anyone whole full entire line keep "
     "commercials multi package packages tier tiers bundle cross sell upgrade license licenses "
     "seats quote order paperwork signature kick looks seem worth forward"},
    {GROUND_OPEN | GROUND_ACT,
     "validate prioritize prioritise loop optimise optimize maximise maximize deepen extend "
     "establish formalise formalize finalise finalize kick host deliver design craft tailor "
     "educate train onboard guide coach equip empower solicit capture log note flag raise "
     "surface uncover map mitigate reduce minimise minimize protect retain solidify position "
     "promote showcase spotlight communicate inform notify brief debrief sync touch connect "
     "reassess reevaluate test propose quantify estimate calculate research study"},
    {GROUND_PLAIN, "just giving prepare"},
    /* no heading has them, though they need no "is" */
    {GROUND_ACT | GROUND_VERB,
     "achieved answered need needs want works fits covers suits reviewed covered "
     "addressed resolved delivered developed worked drove drives decide decides signs "
     "helps matters delivers goes gets finds brings looked prepared included attached "
     "drafted begun love like feel"},
};

static bool has(struct str words, struct str word)
{
    struct str one;
    while (str_split(&words, ' ', &one)) {
        if (str_eq(word, one)) {
            return true;
        }
    }
    return false;
}

uint32_t ground_word(struct str word)
{
    uint32_t found = 0;
    for (size_t i = 0; word.n && i < sizeof(rows) / sizeof(*rows); i++) {
        found |= has(str_of(rows[i].words), word) ? rows[i].good_for : 0;
    }
    return found;
}
