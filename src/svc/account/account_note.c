#include "svc/account/account_note.h"

#include "codec/text.h"
#include "host/service.h"

static const struct json *view(struct arena *a, const struct store_rows *r, int i)
{
    const struct json *author = json_object(a, {"id", json_new_str(a, row_str(r, i, 1))},
                                            {"name", json_new_str(a, row_str(r, i, 2))});
    return json_object(a, {"id", json_new_str(a, row_str(r, i, 0))},
                       {"text", json_new_str(a, row_str(r, i, 3))}, {"author", author},
                       {"created_at", json_new_int(a, row_int(r, i, 4))});
}

/* The name of who acts, as it is now: notes outlive their authors. */
static enum err author_name(struct ctx *c, struct str *out)
{
    const struct json *member;
    enum err e =
        c->actor_kind == ACTOR_MEMBER
            ? host_ask(c, "identity.member",
                       json_object(c->arena, {"id", json_new_str(c->arena, id_str(&c->actor))}),
                       &member)
            : E_NOT_FOUND;
    if (e == E_NOT_FOUND) {
        ctx_forgive(c);
        *out = c->actor_kind == ACTOR_KEY ? STR("API key") : STR("Rapport");
        return E_OK;
    }
    TRY(e);
    *out = json_str(member, "name", STR(""));
    return E_OK;
}

enum err account_note_add(struct ctx *c, struct store *s, const struct id *account, struct str text,
                          const struct json **out)
{
    struct store_rows rows;
    struct str name, clean = str_trim(text_clean(c->arena, text));
    struct id id = id_new(ctx_now_ms(c));
    if (!clean.n || text_count(clean) > ACCOUNT_NOTE_MAX_CHARS) {
        return ctx_fail_field(c, E_INVALID, "text", "text must have 1 to %d characters",
                              ACCOUNT_NOTE_MAX_CHARS);
    }
    TRY(store_query(c, s, &rows, "SELECT count(*) FROM account_note WHERE account = ?1",
                    S_ID(account)));
    if (row_int(&rows, 0, 0) >= ACCOUNT_NOTES_MAX) {
        return ctx_fail(c, E_CONFLICT, "an account has at most %d notes: remove one first",
                        ACCOUNT_NOTES_MAX);
    }
    TRY(author_name(c, &name));
    TRY(store_query(c, s, &rows,
                    "INSERT INTO account_note (id, account, author, author_name, text, created_at)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                    " RETURNING id, author, author_name, text, created_at",
                    S_ID(&id), S_ID(account), S_STR(id_str(&c->actor)), S_STR(name), S_STR(clean),
                    S_INT(ctx_now_ms(c))));
    *out = view(c->arena, &rows, 0);
    return E_OK;
}

enum err account_note_list(struct ctx *c, struct store *s, const struct id *account,
                           const struct account_note_page *page, struct account_notes *out)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows,
                    "SELECT id, author, author_name, text, created_at FROM account_note"
                    " WHERE account = ?1 AND (?2 = '' OR id < ?2) AND (?3 = 0 OR created_at <= ?3)"
                    " ORDER BY id DESC LIMIT ?4",
                    S_ID(account), S_STR(page->before), S_INT(page->as_of_ms), S_INT(page->limit)));
    const struct json **items = ARENA_ARRAY(c->arena, const struct json *, rows.count + 1u);
    for (int i = 0; i < rows.count; i++) {
        items[i] = view(c->arena, &rows, i);
    }
    *out = (struct account_notes){rows.count, items};
    return E_OK;
}

enum err account_note_remove(struct ctx *c, struct store *s, const struct id *account,
                             const struct id *note)
{
    struct store_rows rows;
    TRY(store_query(c, s, &rows, "SELECT author FROM account_note WHERE id = ?1 AND account = ?2",
                    S_ID(note), S_ID(account)));
    if (rows.count == 0) {
        return ctx_fail(c, E_NOT_FOUND, "there is no such note");
    }
    bool own = str_eq(row_str(&rows, 0, 0), id_str(&c->actor));
    if (!own && !(c->roles & (ROLE_ADMIN | ROLE_SUPERVISOR))) {
        return ctx_fail(c, E_DENIED, "this note is somebody else's");
    }
    return store_exec(c, s, NULL, "DELETE FROM account_note WHERE id = ?1", S_ID(note));
}
