/* Health of accounts: one score from its inputs; an account recomputed and stored; what a day does
 * to 100,000 accounts, when it changes none of them and when it changes every one; a page of a
 * portfolio of 10,000, now and as of a date. Usage: bench_health [folder]. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/log.h"
#include "base/metric.h"
#include "bus/topic.h"
#include "codec/date.h"
#include "figure.h"
#include "host/access.h"
#include "svc/account/account_day.h"
#include "svc/account/account_score.h"
#include "svc/account/portfolio.h"

enum {
    MANY = 100000,
    LISTED = 10000,
    ONE_BY_ONE = 500,
    SCORES = 2000000,
    GROUP = 500,
    PAGES = 20,
    MIGRATIONS_MAX = 64
};
#define START_MS INT64_C(1800000000000)

static struct facilities at;
static struct id org;
static volatile int sink;

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static struct ctx *task(void)
{
    struct ctx *c = ctx_new(&at, 512 << 20);
    c->org = org;
    c->roles = ROLE_SUCCESS;
    return c;
}

static void must(const struct ctx *c, enum err e, const char *what)
{
    if (e != E_OK) {
        fprintf(stderr, "bench_health: %s: %s %s\n", what, err_name(e), c->fault.text);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of one operation. */
struct cost {
    double us, cpu_us;
};

struct watch {
    int64_t from_us;
    double from_cpu_us;
};

static struct watch begin(void)
{
    return (struct watch){clock_steady_us(), cpu_us()};
}

static struct cost since(struct watch w, double n)
{
    return (struct cost){(double)(clock_steady_us() - w.from_us) / n,
                         (cpu_us() - w.from_cpu_us) / n};
}

/* ---- accounts --------------------------------------------------------------------- */

static const struct json *account_data(struct arena *a, int i)
{
    static const char *const shown[] = {"up", "flat", "down"};
    static const char *const stages[] = {"active", "at_risk", "trial", "active"};
    const struct json *sparkline = &json_empty_array;
    for (int k = 0; k < 8; k++) {
        sparkline = json_push(a, sparkline, json_new_int(a, 20 + (i * 7 + k * 3) % 40));
    }
    const struct json *usage =
        json_object(a, {"trend", json_new_str(a, str_of(shown[i % 3]))},
                    {"avg_daily_users", json_new_int(a, 20 + i % 40)}, {"sparkline", sparkline});
    struct str slug = str_fmt(a, "account-%06d", i);
    struct str owner = str_fmt(a, "owner%d@org.example", i % 12);
    return json_object(
        a, {"slug", json_new_str(a, slug)},
        {"name", json_new_str(a, str_fmt(a, "Company %06d GmbH", i))},
        {"stage", json_new_str(a, str_of(stages[i % 4]))}, {"plan", json_new_str(a, STR("growth"))},
        {"owner", json_new_str(a, owner)}, {"currency", json_new_str(a, STR("EUR"))},
        {"arr_cents", json_new_int(a, 100000 + (int64_t)i % 977 * 5000)},
        {"renewal_date", json_new_int(a, START_MS + (100 + i % 20) * DATE_DAY_MS)},
        {"usage", usage}, {"open_tickets", json_new_int(a, i % 8)},
        {"industry", json_new_str(a, STR("Warehousing"))},
        {"notes", json_new_str(a, STR("Three sites. Talk about the larger plan before spring."))});
}

struct group {
    struct store *store;
    int from, n;
};

static enum err make_group(struct ctx *c, void *arg)
{
    const struct group *g = arg;
    for (int i = 0; i < g->n; i++) {
        struct record r;
        TRY(record_put(c, g->store, STR("account"), account_data(c->arena, g->from + i), &r));
    }
    return E_OK;
}

static void make_accounts(int n)
{
    for (int i = 0; i < n; i += GROUP) {
        struct ctx *c = task();
        struct group g = {.from = i, .n = GROUP};
        must(c, store_of(c, &g.store), "store_of");
        must(c, store_transact(c, g.store, make_group, &g), "making accounts");
        ctx_free(&c);
    }
}

static struct cost run_day(int64_t expected, const char *what)
{
    struct ctx *c = task();
    int64_t seen;
    struct watch w = begin();
    must(c, account_day_run(c, &seen), what);
    struct cost cost = since(w, MANY);
    if (seen != expected) {
        fprintf(stderr, "bench_health: %s: %lld accounts\n", what, (long long)seen);
        exit(1);
    }
    ctx_free(&c);
    return cost;
}

/* ---- what is measured ---------------------------------------------------------------- */

static struct cost score_many(void)
{
    struct watch w = begin();
    for (int i = 0; i < SCORES; i++) {
        struct health h;
        struct health_inputs in = {(enum health_trend)(1 + i % 3), i % 8, i % 400};
        health_score(health_formula_default(), &in, &h);
        sink += h.score;
    }
    return since(w, SCORES);
}

static enum err touch_group(struct ctx *c, void *arg)
{
    const struct group *g = arg;
    for (int i = 0; i < g->n; i++) {
        struct record r;
        struct account_change how = {.source = "api"};
        struct str slug = str_fmt(c->arena, "account-%06d", g->from + i);
        TRY(record_by_key(c, g->store, STR("account"), slug, &r));
        struct id id = r.id;
        const struct json *tickets = json_object(
            c->arena,
            {"open_tickets", json_new_int(c->arena, json_int(r.data, "open_tickets", 0) + 3)});
        TRY(record_update(c, g->store, &id, tickets, 0, &r));
        TRY(account_recompute(c, g->store, &r, &how));
    }
    return E_OK;
}

/* New tickets: the change of the record, both histories, the event, the portfolio's row. */
static struct cost change_some(void)
{
    struct ctx *c = task();
    struct group g = {.from = 0, .n = ONE_BY_ONE};
    must(c, store_of(c, &g.store), "store_of");
    struct watch w = begin();
    must(c, store_transact(c, g.store, touch_group, &g), "changing accounts");
    struct cost cost = since(w, ONE_BY_ONE);
    ctx_free(&c);
    return cost;
}

static struct cost list_pages(int64_t as_of_ms)
{
    struct cost best = {0};
    for (int i = 0; i < PAGES; i++) {
        struct ctx *c = task();
        struct store *s;
        struct portfolio p;
        struct portfolio_query q = {.sort = STR("-score"),
                                    .limit = 50,
                                    .offset = i * 50,
                                    .min_score = -1,
                                    .max_score = -1,
                                    .as_of_ms = as_of_ms};
        must(c, store_of(c, &s), "store_of");
        struct watch w = begin();
        must(c, portfolio_list(c, s, &q, &p), "portfolio");
        struct cost one = since(w, 1);
        best = best.us == 0 || one.us < best.us ? one : best;
        if (p.count != 50 || p.total != LISTED) {
            fprintf(stderr, "bench_health: a page of %d, %lld in all\n", p.count,
                    (long long)p.total);
            exit(1);
        }
        ctx_free(&c);
    }
    return best;
}

static void print(const char *what, double value, const char *unit, double limit, double each_us)
{
    figure_print(&(struct figure){
        .what = what, .value = value, .unit = unit, .limit = limit, .cpu_us = each_us});
}

static void measure_portfolio(void)
{
    make_accounts(LISTED);
    struct ctx *c = task();
    must(c, account_day_run(c, NULL), "scores");
    ctx_free(&c);
    struct cost now = list_pages(0), past = list_pages(START_MS);
    print("a page of a portfolio of 10,000", now.us / 1e3, "ms", 100, now.cpu_us);
    print("the same as of a date", past.us / 1e3, "ms", 0, past.cpu_us);
}

static void measure_many(void)
{
    struct cost one = score_many();
    print("one score from its inputs", one.us, "us", 0, one.cpu_us);
    make_accounts(MANY);
    struct cost first = run_day(MANY, "first scores");
    print("the first score of an account, stored", first.us, "us", 0, first.cpu_us);
    struct cost some = change_some();
    print("new tickets of an account, recomputed and stored", some.us, "us", 0, some.cpu_us);
    clock_set_ms(at.clock, START_MS + 10 * DATE_DAY_MS);
    struct cost none = run_day(0, "a day without changes");
    print("100,000 accounts on a day that changes none", none.us * MANY / 1e3, "ms", 0,
          none.cpu_us);
    clock_set_ms(at.clock, START_MS + 61 * DATE_DAY_MS);
    struct cost all = run_day(MANY, "a day with changes");
    print("100,000 accounts on a day that changes all", all.us * MANY / 1e6, "s", 10, all.cpu_us);
    print("recomputing one of them, CPU", all.cpu_us, "us", 50, all.cpu_us);
}

static void open_org(const char *folder, struct migration *all)
{
    struct ctx *c = task();
    struct store_config config = {.kind = STORE_SQLITE, .folder = folder};
    const struct migration *const parts[] = {bus_migrations, record_migrations, account_migrations};
    int n = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        for (const struct migration *m = parts[i]; m->owner && n < MIGRATIONS_MAX - 1; m++) {
            all[n++] = *m;
        }
    }
    must(c, at.stores ? E_OK : stores_open(c, &config, all, &at.stores), "stores_open");
    org = id_new(START_MS);
    must(c, stores_create(c, &org), "stores_create");
    ctx_free(&c);
    clock_set_ms(at.clock, START_MS);
}

int main(int argc, char **argv)
{
    static struct migration migrations[MIGRATIONS_MAX];
    char folder[256];
    snprintf(folder, sizeof(folder), "%s/bench-health-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    at.clock = clock_new();
    at.log = log_new(2, LOG_ERROR);
    at.metrics = metrics_new();
    open_org(folder, migrations);
    measure_many();
    open_org(folder, migrations);
    measure_portfolio();
    stores_close(&at.stores);
    metrics_free(&at.metrics);
    log_free(&at.log);
    clock_free(&at.clock);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
