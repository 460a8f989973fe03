/* The inside of the ledger: its books, one an org, with the rows that wait to be written and the
 * purses of agents. Private to ledger.c and ledger_book.c. */
#ifndef LLM_LEDGER_BOOK_H
#define LLM_LEDGER_BOOK_H

#include <pthread.h>

#include "base/map.h"
#include "llm/ledger.h"

enum { LEDGER_BOOK_PURSES_MAX = 1 << 16, LEDGER_BOOK_RETRY_MS = 1000 };

/* An org's rows that wait, oldest first. */
struct book {
    struct book *next;
    struct id org;
    pthread_mutex_t store; /* held while its leases and rows are written; before `lock` */
    struct purse *purses;  /* made under `lock`, removed under both */
    struct spend_row *first, *last;
    int rows;
    int64_t retry_at_ms; /* steady */
};

/* What requests of one agent hold and owe. */
struct purse {
    struct purse *next, *before;     /* in its book */
    struct purse *less_idle, *idler; /* in the list of those that no request holds */
    bool idle;                       /* is in it */
    struct book *book;
    char *agent;
    bool limited, busy;       /* busy: its lease is being changed */
    int64_t trusted_until_ms; /* steady: `limited` and the lease stand until then */
    int64_t day;              /* the lease is for, and when it ends */
    int64_t ends_at_ms;
    int64_t used_at_ms; /* steady */
    int64_t open;       /* requests under way */
    int64_t held_microcents, held_tokens;
    int64_t due_microcents, due_tokens;
    struct spend_lease lease; /* as written */
};

struct alert {
    struct alert *next;
    struct id org;
    char agent[];
};

struct ledger {
    const struct facilities *at;
    const struct models_config *config;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t news;
    pthread_t thread;
    bool running, stop;
    struct map *by_name;              /* purses */
    struct purse *idlest, *last_idle; /* by time of last use */
    struct alert *alerts;             /* not told yet */
    struct book *books;               /* kept until the end */
    int rows;
};

/* Locked, as the next four. Finds or makes. */
struct book *ledger_book_of(struct ledger *l, const struct id *org);
/* NULL: there are too many. */
struct purse *ledger_book_purse(struct ledger *l, const struct id *org, struct str agent);
/* A request begins to hold it, or ends: while none does it is idle, since it was used last. */
void ledger_book_hold(struct ledger *l, struct purse *p);
void ledger_book_release(struct ledger *l, struct purse *p);
/* Used, by nobody who holds it. */
void ledger_book_used(struct ledger *l, struct purse *p);

/* The one that has been idle longest, if that is since `before_ms` (steady) and nothing of its book
 * waits; NULL: none. Locked. */
struct purse *ledger_book_idle(struct ledger *l, int64_t before_ms);
/* Nobody holds it: it leaves its book. Locked, and with the book's `store`. */
void ledger_book_remove(struct ledger *l, struct purse *p);
void ledger_book_drop(struct purse *p);

/* What is to be written of an answer; `p` pays. */
struct spend_row *ledger_book_row(const struct spend_usage *u, int64_t at_ms, struct purse *p);
void ledger_book_free_rows(struct spend_row *r);
/* Those that wait now; who comes meanwhile waits for company. With the book's `store`. An org that
 * is gone takes its rows with it. */
enum err ledger_book_write(struct ledger *l, struct book *b);

#endif
