#include <stdio.h>

#include "codec/hmac.h"
#include "host/host.h"

struct audit {
    struct store *store;
    const char *action;
    struct str resource;
    const struct json *detail;
};

static const char *actor_name(enum actor_kind kind)
{
    static const char *const names[] = {"none", "system", "member", "key", "contact"};
    return names[kind];
}

/* hash = SHA-256(previous hash, then every column, each on a line of its own): a changed, removed
 * or reordered entry breaks the chain from there on. */
static enum err add_in(struct ctx *c, void *arg)
{
    struct audit *e = arg;
    struct store_rows rows;
    int64_t seq = 0, now = ctx_now_ms(c);
    TRY(store_next(c, e->store, "audit", &seq));
    TRY(store_query(c, e->store, &rows, "SELECT hash FROM audit_entry WHERE seq = ?1",
                    S_INT(seq - 1)));
    struct str before = rows.count ? row_str(&rows, 0, 0) : STR("");
    struct str detail = e->detail ? json_write(c->arena, e->detail) : STR("");
    struct str line =
        str_fmt(c->arena, "%.*s\n%lld\n%lld\n%s\n%s\n%s\n%.*s\n%.*s\n%s", STR_ARG(before),
                (long long)seq, (long long)now, actor_name(c->actor_kind), c->actor.text, e->action,
                STR_ARG(e->resource), STR_ARG(detail), c->request_id);
    return store_exec(c, e->store, NULL,
                      "INSERT INTO audit_entry (seq, at, actor_kind, actor_id, action, resource,"
                      " detail, request_id, prev_hash, hash)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                      S_INT(seq), S_INT(now), S_Z(actor_name(c->actor_kind)),
                      S_OPT(id_str(&c->actor)), S_Z(e->action), S_STR(e->resource), S_OPT(detail),
                      S_Z(c->request_id), S_STR(before), S_STR(hmac_sha256_hex(c->arena, line)));
}

enum err audit_add(struct ctx *c, struct store *s, const char *action, struct str resource,
                   const struct json *detail)
{
    struct audit e = {s, action, resource, detail};
    return store_transact(c, s, add_in, &e);
}

enum err audit_verify(struct ctx *c, struct store *s, int64_t *out_checked, int64_t *out_broken)
{
    struct str before = STR("");
    int64_t seq = 0;
    *out_broken = 0;
    for (;;) {
        struct store_rows rows;
        TRY(store_query(c, s, &rows,
                        "SELECT seq, at, actor_kind, actor_id, action, resource, detail,"
                        " request_id, prev_hash, hash FROM audit_entry WHERE seq > ?1"
                        " ORDER BY seq LIMIT 1000",
                        S_INT(seq)));
        for (int i = 0; i < rows.count; i++) {
            struct str line = str_fmt(
                c->arena, "%.*s\n%lld\n%lld\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(before),
                (long long)row_int(&rows, i, 0), (long long)row_int(&rows, i, 1),
                STR_ARG(row_str(&rows, i, 2)), STR_ARG(row_str(&rows, i, 3)),
                STR_ARG(row_str(&rows, i, 4)), STR_ARG(row_str(&rows, i, 5)),
                STR_ARG(row_str(&rows, i, 6)), STR_ARG(row_str(&rows, i, 7)));
            bool whole = row_int(&rows, i, 0) == seq + 1 && str_eq(row_str(&rows, i, 8), before) &&
                         str_eq(row_str(&rows, i, 9), hmac_sha256_hex(c->arena, line));
            seq = row_int(&rows, i, 0);
            before = row_str(&rows, i, 9);
            if (!whole) {
                *out_broken = seq;
                *out_checked = seq;
                return E_OK;
            }
        }
        if (rows.count < 1000) {
            *out_checked = seq;
            return E_OK;
        }
    }
}
