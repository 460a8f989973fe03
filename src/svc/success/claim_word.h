/* What words mean in a sentence about an account, in English, German, Dutch and French: what a
 * number beside them is said of, and how a claim is made. Words are in small letters. Pure. */
#ifndef SVC_SUCCESS_CLAIM_WORD_H
#define SVC_SUCCESS_CLAIM_WORD_H

#include <stdint.h>

#include "base/str.h"

#define CLAIM_BIT(n) (UINT64_C(1) << (n))

/* What is counted */
#define CLAIM_SCORE   CLAIM_BIT(0)
#define CLAIM_POINTS  CLAIM_BIT(1) /* of the score, behind a number only */
#define CLAIM_USERS   CLAIM_BIT(2)
#define CLAIM_TICKETS CLAIM_BIT(3)
#define CLAIM_DAYS    CLAIM_BIT(4)
#define CLAIM_MONTHS  CLAIM_BIT(5)
#define CLAIM_MINUTES CLAIM_BIT(6)
#define CLAIM_MONEY   CLAIM_BIT(7)
#define CLAIM_OTHER   CLAIM_BIT(8) /* what no figure counts: seats, teams, licences */
#define CLAIM_SEATS   CLAIM_BIT(63)
#define CLAIM_SPAN    CLAIM_BIT(9) /* "year", "day": counted only where they stand behind it */
/* What joins */
#define CLAIM_STOP CLAIM_BIT(10) /* prepositions, conjunctions: the noun is not behind them */
#define CLAIM_BE   CLAIM_BIT(11)
#define CLAIM_NOT  CLAIM_BIT(12)
#define CLAIM_IF   CLAIM_BIT(13) /* what is wished, asked or feared claims nothing */
#define CLAIM_HOW  CLAIM_BIT(14)
/* How many, without a number */
#define CLAIM_ZERO CLAIM_BIT(15) /* of what stands behind it: "no" */
#define CLAIM_NONE CLAIM_BIT(16) /* of what stands anywhere near: "none" */
#define CLAIM_ONE  CLAIM_BIT(17)
#define CLAIM_ALL  CLAIM_BIT(18)
#define CLAIM_MANY CLAIM_BIT(19)
#define CLAIM_PART CLAIM_BIT(20) /* "a fifth", "the majority": no figure is one */
/* What is said of it */
#define CLAIM_RENEWAL   CLAIM_BIT(21) /* and the contract */
#define CLAIM_EXPIRED   CLAIM_BIT(22)
#define CLAIM_ENDED     CLAIM_BIT(23) /* beside a contract */
#define CLAIM_GONE      CLAIM_BIT(24) /* no data tell it: "churned", "resigned", "owes" */
#define CLAIM_LEAVE     CLAIM_BIT(25)
#define CLAIM_WILL      CLAIM_BIT(26)
#define CLAIM_UP        CLAIM_BIT(27)
#define CLAIM_DOWN      CLAIM_BIT(28)
#define CLAIM_FLAT      CLAIM_BIT(29)
#define CLAIM_USAGE     CLAIM_BIT(30)
#define CLAIM_RISK      CLAIM_BIT(31)
#define CLAIM_LOW       CLAIM_BIT(32)
#define CLAIM_MEDIUM    CLAIM_BIT(33)
#define CLAIM_HIGH      CLAIM_BIT(34)
#define CLAIM_HEALTHY   CLAIM_BIT(35)
#define CLAIM_UNHEALTHY CLAIM_BIT(36)
#define CLAIM_KNOWN     CLAIM_BIT(37) /* speaks of the data, not of what they say */
/* What a number must not be said with, or must */
#define CLAIM_BEFORE CLAIM_BIT(38)
#define CLAIM_RANGE  CLAIM_BIT(39)
#define CLAIM_CHANGE CLAIM_BIT(40)
#define CLAIM_SOLVED CLAIM_BIT(41) /* of tickets: another state than open */
#define CLAIM_FEWER  CLAIM_BIT(42) /* of users: some of them */
#define CLAIM_PERIOD CLAIM_BIT(43) /* a month, a week: neither a year nor a day */
#define CLAIM_DEBT   CLAIM_BIT(44) /* another amount than what the contract is worth */
#define CLAIM_AGO    CLAIM_BIT(45)
#define CLAIM_OUTAGE CLAIM_BIT(46)
/* When */
#define CLAIM_SEASON   CLAIM_BIT(47) /* and days of the week */
#define CLAIM_NEXT     CLAIM_BIT(48)
#define CLAIM_LAST     CLAIM_BIT(49)
#define CLAIM_THIS     CLAIM_BIT(50)
#define CLAIM_YEAR     CLAIM_BIT(51)
#define CLAIM_MONTH    CLAIM_BIT(52)
#define CLAIM_QUARTER  CLAIM_BIT(53)
#define CLAIM_WEEK     CLAIM_BIT(54)
#define CLAIM_TODAY    CLAIM_BIT(55)
#define CLAIM_TOMORROW CLAIM_BIT(56)
#define CLAIM_NAMED    CLAIM_BIT(57) /* a month by its name */
#define CLAIM_MEET     CLAIM_BIT(58) /* what people plan to do */
#define CLAIM_EVENT    CLAIM_BIT(59) /* what no date of ours is of: "signed", "since" */
#define CLAIM_LEFT     CLAIM_BIT(60) /* "left": gone, behind "has" */
#define CLAIM_HAVE     CLAIM_BIT(61)
#define CLAIM_AT       CLAIM_BIT(62)

/* All that a word may mean, in whichever language; 0: nothing of it. */
uint64_t claim_word(struct str word);

#endif
