/* Facts about how pressing a message is, found before any model is asked: the inputs of escalation
 * rules. Words and phrases match as whole words, and a negated one does not count ("not urgent",
 * "no need to escalate"). A word that only sometimes presses (manager, agent, down) is listed with
 * what must stand around it. English, with the plainest requests for a person in the languages of
 * language.h. Pure. */
#ifndef NLU_URGENCY_H
#define NLU_URGENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum urgency_ground {
    URGENCY_TIME = 1 << 0,     /* urgent, asap, immediately, right now */
    URGENCY_ANGER = 1 << 1,    /* ridiculous, unacceptable, complaint, fed up */
    URGENCY_LEGAL = 1 << 2,    /* lawyer, lawsuit, legal action, regulator */
    URGENCY_MONEY = 1 << 3,    /* charged twice, unauthorized, fraud, stolen */
    URGENCY_SAFETY = 1 << 4,   /* emergency, fire, injured, smoke, hurt myself */
    URGENCY_OUTAGE = 1 << 5,   /* production down, outage, data loss, nobody can access */
    URGENCY_PERSON = 1 << 6,   /* asks for a person, manager, supervisor */
    URGENCY_SHOUTING = 1 << 7, /* more than half of > 10 letters are capitals, or 3 "!" */
    URGENCY_SENTIMENT = 1 << 8 /* sentiment <= -0.5 */
};

enum { URGENCY_HITS_MAX = 8 };

struct urgency {
    bool urgent;       /* any ground but PERSON alone */
    bool wants_person; /* user_requests_human */
    bool emergency;    /* emergency_keywords: SAFETY, LEGAL, MONEY or OUTAGE words */
    unsigned grounds;  /* enum urgency_ground bits */
    double sentiment;  /* sentiment_of the text */
    int exclamations;
    double capitals; /* share of the letters */
    int hit_count;
    struct str hits[URGENCY_HITS_MAX]; /* the words found, views into the text */
};

struct urgency urgency_of(struct str text);

/* "time", "anger", ...: of one bit. */
const char *urgency_ground_name(enum urgency_ground ground);

#endif
