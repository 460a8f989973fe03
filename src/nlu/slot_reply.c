/* Yes, no, something else, later: how a reply relates to a question that wants a yes or a no. */
#include <string.h>

#include "nlu/phrase.h"
#include "nlu/slot.h"

enum { SHORT_WORDS = 6, LONG_WORDS = 14 };

static const char *const LATER[] = {"not now/yet",
                                    "later",
                                    "^ wait",
                                    "wait a",
                                    "ok/okay wait",
                                    "hold on",
                                    "let me think/check/see/ask/look",
                                    "one moment/second/minute/sec",
                                    "give me a/one minute/moment/second",
                                    "just a minute/moment/second",
                                    "moment bitte",
                                    "another time",
                                    "remind me",
                                    NULL};

static const char *const UNSURE[] = {"not sure/certain",
                                     "dont know",
                                     "do not know",
                                     "are you sure",
                                     "im unsure",
                                     "i wonder",
                                     "^ why",
                                     "^ what",
                                     "^ how",
                                     "^ when",
                                     "^ which",
                                     "^ who",
                                     "^ where",
                                     "what happens if",
                                     "maybe",
                                     "perhaps",
                                     "^ can/could/will/would/does/is/are you/i/it/that/this",
                                     NULL};

static const char *const CORRECT[] = {"i meant/mean",
                                      "i said",
                                      "actually ... its/is/my/the/it/i/make/want/use",
                                      "make it/that",
                                      "change it/that/the",
                                      "should be",
                                      "instead",
                                      "correction",
                                      "wrong number/order/one/address/date/name",
                                      "not that one",
                                      "not this one",
                                      "the other one",
                                      "rather the/my/on/to",
                                      "^ no its/it/the/my/use/for",
                                      "^ no not ... but",
                                      "yes/ok/okay/sure but",
                                      NULL};

static const char *const CONFIRM[] = {
    "^ "
    "yes/yeah/yep/yup/yea/ya/yess/sure/ok/okay/okey/k/correct/right/exactly/absolutely/definitely/"
    "certainly/indeed/affirmative/agreed/confirmed/confirm/proceed/perfect/fine/alright/y/"
    "ja/oui/si/"
    "sim/tak/kylla/jo/jawohl/gerne/claro/certo/bien/daccord/genau/jep",
    "^ please $",
    "go ahead",
    "go for it",
    "please do",
    "do it",
    "do that",
    "do so",
    "i confirm",
    "confirm it/that/this",
    "thats/its right/correct/fine/good/ok/okay/perfect/it/great",
    "that/it/this is right/correct/fine/good/ok/okay/perfect/it/great",
    "that right/correct/fine/good/ok",
    "sounds good/great/right/fine/perfect",
    "looks good/right/correct",
    "of course",
    "by all means",
    "why not",
    "no problem",
    "go on",
    "carry on",
    "all good",
    "all right",
    "you can/may",
    "yes please",
    "i do",
    "i agree",
    "i would",
    "id like/love that/to",
    "works for me",
    "i dont mind",
    NULL};

/* These begin like a yes. */
static const char *const SURE_NO[] = {"absolutely/definitely/certainly/probably not",
                                      "of course not",
                                      "please dont",
                                      "please do not",
                                      "id/i rather not",
                                      "yes/ok/okay leave it",
                                      NULL};

static const char *const DENY[] = {
    "^ no/nope/nah/nay/never/negative/stop/n/nein/non/nei/nej/nee/nao/nie/ei/nicht/noo/nooo",
    "no thanks",
    "no thank you",
    "dont",
    "do not",
    "leave it/that",
    "never mind",
    "nevermind",
    "rather not",
    "forget it",
    "keep it/them/the/my",
    "not correct/right",
    "thats wrong",
    "that is wrong",
    "isnt right/correct",
    "not what i",
    "changed my mind",
    "i wont",
    "please stop",
    "no way",
    "lieber nicht",
    NULL};

static const char *const ABORT[] = {"never mind",
                                    "nevermind",
                                    "forget it",
                                    "forget about it/that/this",
                                    "drop it",
                                    "leave it",
                                    "^ stop $",
                                    "^ cancel $",
                                    "^ abort",
                                    "^ quit $",
                                    "^ exit $",
                                    "^ cancel that/this/it $",
                                    "^ please cancel/stop $",
                                    "^ stop please $",
                                    "^ stop it $",
                                    "^ cancel please $",
                                    "start over",
                                    "start again",
                                    "lets start over",
                                    "changed my mind",
                                    "dont bother",
                                    "no longer need",
                                    "not interested",
                                    "doesnt matter any/anymore",
                                    "^ restart $",
                                    "something else instead",
                                    "vergiss es",
                                    "vergessen sie es",
                                    "laisse tomber",
                                    "laissez tomber",
                                    "olvidalo",
                                    "lascia perdere",
                                    "laat maar",
                                    "^ abbrechen $",
                                    "^ annuler $",
                                    NULL};

/* Signs that stand for words. */
static bool has_sign(struct str text, const char *const *signs)
{
    for (; *signs; signs++) {
        if (str_find(text, str_of(*signs)) >= 0) {
            return true;
        }
    }
    return false;
}

static bool has_digit(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* How sure a short and a long reply can be. */
static double weigh(size_t words)
{
    return words <= 3 ? 0.97 : words <= SHORT_WORDS ? 0.9 : words <= LONG_WORDS ? 0.75 : 0.6;
}

static enum slot_reply judge(struct str text, const struct phrase_text *t)
{
    static const char *const YES[] = {"\xf0\x9f\x91\x8d", "\xe2\x9c\x85", "\xf0\x9f\x91\x8c", NULL};
    static const char *const NO[] = {"\xf0\x9f\x91\x8e", "\xe2\x9d\x8c", NULL};
    static const char *const PLAIN_YES[] = {"no problem", "why not", "i dont mind", NULL};
    bool sign_yes = has_sign(text, YES), sign_no = has_sign(text, NO);
    if (!t->count) {
        return sign_yes == sign_no ? SLOT_REPLY_UNCLEAR
                                   : (sign_yes ? SLOT_REPLY_CONFIRM : SLOT_REPLY_DENY);
    }
    bool deny = phrase_has(t, DENY) || sign_no;
    bool confirm = phrase_has(t, CONFIRM) || sign_yes;
    if (phrase_has(t, SURE_NO)) {
        return SLOT_REPLY_DENY;
    }
    if (phrase_has(t, PLAIN_YES)) {
        return SLOT_REPLY_CONFIRM;
    }
    if (phrase_has(t, UNSURE)) {
        return SLOT_REPLY_UNCLEAR;
    }
    if (phrase_has(t, LATER)) {
        return SLOT_REPLY_LATER;
    }
    if (phrase_has(t, CORRECT) || (deny && !confirm && has_digit(text))) {
        return SLOT_REPLY_CORRECT;
    }
    if (confirm && deny) {
        /* What stands first was the answer: "no, that's fine", "yes, don't worry". */
        size_t first, last;
        bool yes_first = phrase_find(t, CONFIRM[0], 0, &first, &last);
        return yes_first ? SLOT_REPLY_CONFIRM : SLOT_REPLY_DENY;
    }
    return deny ? SLOT_REPLY_DENY : confirm ? SLOT_REPLY_CONFIRM : SLOT_REPLY_UNCLEAR;
}

enum slot_reply slot_reply_of(struct str text, double *out_confidence)
{
    struct phrase_text t;
    phrase_read(text, &t);
    enum slot_reply reply = judge(text, &t);
    if (reply == SLOT_REPLY_CONFIRM && t.count > LONG_WORDS) {
        reply = SLOT_REPLY_UNCLEAR; /* a "yes" lost in a long story is no consent */
    }
    *out_confidence = reply == SLOT_REPLY_UNCLEAR ? 0 : weigh(t.count);
    return reply;
}

bool slot_is_abort(struct str text)
{
    struct phrase_text t;
    phrase_read(text, &t);
    return phrase_has(&t, ABORT);
}
