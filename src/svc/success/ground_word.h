/* The words in which a model may speak of a customer in English, and what each is good for: a
 * sentence with any other word is not used (success_ground.h). Words are in small letters. Pure. */
#ifndef SVC_SUCCESS_GROUND_WORD_H
#define SVC_SUCCESS_GROUND_WORD_H

#include <stdint.h>

#include "base/str.h"

#define GROUND_BIT(n) (UINT32_C(1) << (n))

#define GROUND_PLAIN   GROUND_BIT(0) /* joins words, or names what figures count */
#define GROUND_ACT     GROUND_BIT(1) /* only where something is proposed, asked or named */
#define GROUND_OPEN    GROUND_BIT(2) /* begins a request: "schedule" */
#define GROUND_VERB    GROUND_BIT(3) /* makes a statement of what would be a heading */
#define GROUND_MARK    GROUND_BIT(4) /* says that its sentence proposes, thanks or greets */
#define GROUND_WE      GROUND_BIT(5) /* who writes */
#define GROUND_OFFER   GROUND_BIT(6) /* behind who writes: "would", "look" */
#define GROUND_REPORT  GROUND_BIT(7) /* what it is followed by is stated: "I see that" */
#define GROUND_USAGE   GROUND_BIT(8) /* what is spoken of */
#define GROUND_SCORE   GROUND_BIT(9)
#define GROUND_TICKETS GROUND_BIT(10)
#define GROUND_RENEWAL GROUND_BIT(11)
#define GROUND_MONEY   GROUND_BIT(12)
#define GROUND_UP      GROUND_BIT(13) /* what is said of it: needs data that say the same */
#define GROUND_DOWN    GROUND_BIT(14)
#define GROUND_FLAT    GROUND_BIT(15)
#define GROUND_GOOD    GROUND_BIT(16)
#define GROUND_POOR    GROUND_BIT(17)
#define GROUND_NEAR    GROUND_BIT(18) /* a renewal within three months */
#define GROUND_AHEAD   GROUND_BIT(19) /* a renewal that is to come */
#define GROUND_ABSENT  GROUND_BIT(20) /* no data */
#define GROUND_NOT     GROUND_BIT(21)
#define GROUND_RISK    GROUND_BIT(22)
#define GROUND_LEVEL   GROUND_BIT(23) /* low, medium, high */
#define GROUND_BOUND   GROUND_BIT(24) /* stands beside some words only */
#define GROUND_ROLE    GROUND_BIT(25) /* of a contact */
#define GROUND_DRAFT   GROUND_BIT(26) /* what the answer comes with */
#define GROUND_LOAD    GROUND_BIT(27) /* "load", "volume": of tickets */

/* All that a word is good for; 0: no sentence may hold it. */
uint32_t ground_word(struct str word);

#endif
