/* The formulas that an org can score by: those of health.h, and weights that the org registered
 * itself, each with where it comes from. A formula never changes: registering under the same name
 * makes the next version. Which one scores is chosen by people, is audited and takes effect from
 * then on; what was scored before keeps its formula. Task code; the org of `c`. */
#ifndef SVC_ACCOUNT_ACCOUNT_FORMULA_H
#define SVC_ACCOUNT_ACCOUNT_FORMULA_H

#include "codec/json.h"
#include "host/service.h"
#include "svc/account/health.h"

enum { ACCOUNT_FORMULAS_MAX = 50, ACCOUNT_FORMULA_NAME_MAX = 60, ACCOUNT_FORMULA_BESIDE_MAX = 5 };

/* By its key ("copilot_v1", "ours@2"), in c's arena; E_NOT_FOUND. */
enum err account_formula_find(struct ctx *c, struct store *s, struct str key,
                              const struct health_formula **out);
/* The one in force at a moment (0: now). */
enum err account_formula_at(struct ctx *c, struct store *s, int64_t at_ms,
                            const struct health_formula **out);

/* The moments at which another became the one in force, oldest first. */
struct account_formula_choice {
    int64_t at_ms;
    const struct health_formula *formula;
};
struct account_formula_choices {
    int count;
    const struct account_formula_choice *items;
};
enum err account_formula_choices(struct ctx *c, struct store *s,
                                 struct account_formula_choices *out);
/* The one in force at a moment, of what was read. */
const struct health_formula *account_formula_of(const struct account_formula_choices *all,
                                                int64_t at_ms);

/* What the others give for the same inputs: [{formula, formula_version, score, risk_level}], the
 * built-in ones first, of each registered name the newest version; at most
 * ACCOUNT_FORMULA_BESIDE_MAX. */
enum err account_formula_beside(struct ctx *c, struct store *s, const struct health *h,
                                const struct json **out);

extern const struct field_table account_formula_table, account_formula_choice_table;
struct account_formula_body {
    struct str name, title;
    const struct json *weights, *provenance;
};
struct account_formula_choice_body {
    struct str formula, reason;
};
enum err account_formula_list(struct ctx *c, struct call *call);
enum err account_formula_post(struct ctx *c, struct call *call);
enum err account_formula_choose(struct ctx *c, struct call *call);

#endif
