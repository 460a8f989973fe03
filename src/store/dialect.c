#include "store/dialect.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { SQL_MAX_BYTES = 1 << 20 };

enum token_kind { T_END, T_SPACE, T_WORD, T_STRING, T_QUOTED, T_PARAM, T_NUMBER, T_PUNCT, T_BAD };

struct token {
    enum token_kind kind;
    struct str text;
};

/* ---- tokens */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t quoted_length(struct str s, char quote)
{
    size_t i = 1;
    while (i < s.n) {
        if (s.p[i] == quote) {
            if (i + 1 < s.n && s.p[i + 1] == quote) {
                i += 2;
                continue;
            }
            return i + 1;
        }
        i++;
    }
    return 0; /* never closed */
}

static size_t space_length(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        if (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t' || s.p[i] == '\r') {
            i++;
        } else if (s.p[i] == '-' && i + 1 < s.n && s.p[i + 1] == '-') {
            while (i < s.n && s.p[i] != '\n') {
                i++;
            }
        } else {
            break;
        }
    }
    return i;
}

static size_t word_length(struct str s)
{
    size_t i = 0;
    while (i < s.n && is_word_char(s.p[i])) {
        i++;
    }
    return i;
}

/* Cuts the next token off *rest. */
static struct token next_token(struct str *rest)
{
    struct str s = *rest;
    struct token t = {T_PUNCT, {s.p, 1}};
    size_t n;
    if (s.n == 0) {
        return (struct token){T_END, s};
    }
    if ((n = space_length(s)) > 0) {
        t = (struct token){T_SPACE, str_sub(s, 0, n)};
    } else if (s.p[0] == '\'' || s.p[0] == '"') {
        n = quoted_length(s, s.p[0]);
        enum token_kind kind = s.p[0] == '"' ? T_QUOTED : T_STRING;
        t = (struct token){n ? kind : T_BAD, str_sub(s, 0, n ? n : s.n)};
    } else if (s.p[0] == '?') {
        n = word_length(str_sub(s, 1, s.n));
        t = (struct token){n ? T_PARAM : T_BAD, str_sub(s, 0, n + 1)};
    } else if ((n = word_length(s)) > 0) {
        bool digit = s.p[0] >= '0' && s.p[0] <= '9';
        t = (struct token){digit ? T_NUMBER : T_WORD, str_sub(s, 0, n)};
    }
    *rest = str_sub(s, t.text.n, s.n - t.text.n);
    return t;
}

/* The next token that is not white space. */
static struct token next_solid(struct str *rest)
{
    struct token t;
    do {
        t = next_token(rest);
    } while (t.kind == T_SPACE);
    return t;
}

static bool is_word(struct token t, const char *word)
{
    return t.kind == T_WORD && str_eq_nocase(t.text, str_of(word));
}

static bool is_punct(struct token t, char c)
{
    return t.kind == T_PUNCT && t.text.p[0] == c;
}

bool dialect_is_read(const char *sql)
{
    struct str rest = str_of(sql);
    struct token t = next_solid(&rest);
    if (is_word(t, "SELECT") || is_word(t, "VALUES")) {
        return true;
    }
    if (!is_word(t, "WITH")) {
        return false;
    }
    for (; t.kind != T_END; t = next_solid(&rest)) {
        if (is_word(t, "INSERT") || is_word(t, "UPDATE") || is_word(t, "DELETE")) {
            return false;
        }
    }
    return true;
}

/* ---- statements */

/* What was read so far of one statement, where it matters for the next token. */
struct rewrite {
    struct buf out;
    struct str rest;
    struct token before; /* the last two solid tokens */
    struct token before2;
    bool schema;        /* inside a migration: types and keys are rewritten too */
    bool creates_index; /* CREATE [UNIQUE] INDEX ... */
    bool indexed;       /* the column list of the index has been reached */
    struct str table;   /* CREATE TABLE: its name, until the opening parenthesis */
    char *fault;
};

static enum err fail_rewrite(struct rewrite *r, const char *why, struct str at)
{
    snprintf(r->fault, DIALECT_FAULT_BYTES, "%s at '%.*s'", why, STR_ARG(str_sub(at, 0, 60)));
    return E_INVALID;
}

/* After an opening parenthesis: does it begin a list of key columns? */
static bool begins_key(const struct rewrite *r)
{
    if (is_word(r->before, "CONFLICT")) {
        return true;
    }
    if (!r->schema) {
        return false;
    }
    return is_word(r->before, "KEY") || is_word(r->before, "UNIQUE") ||
           is_word(r->before2, "REFERENCES");
}

static void put(struct rewrite *r, struct str s)
{
    buf_add_str(&r->out, s);
}

static void put_z(struct rewrite *r, const char *z)
{
    put(r, str_of(z));
}

/* The columns of a list just opened, without the parenthesis that closes it: looked at ahead. */
static struct str columns_ahead(struct str rest)
{
    struct str columns = rest;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == ')') {
            columns.n = i;
            return columns;
        }
    }
    return columns;
}

/* The word now read follows the name of a column: "(name TEXT", ", name TEXT", "ADD COLUMN name
 * TEXT". A column may itself be called text. */
static bool is_column_type(const struct rewrite *r)
{
    bool after_name = r->before.kind == T_WORD || r->before.kind == T_QUOTED;
    return r->schema && after_name &&
           (is_punct(r->before2, '(') || is_punct(r->before2, ',') ||
            is_word(r->before2, "COLUMN"));
}

static enum err put_token(struct rewrite *r, struct token t)
{
    if (t.kind == T_BAD) {
        return fail_rewrite(r, t.text.p[0] == '?' ? "a parameter without number" : "an open quote",
                            t.text);
    }
    if (t.kind == T_PARAM) {
        put_z(r, "$");
        put(r, str_sub(t.text, 1, t.text.n));
    } else if (is_word(t, "BLOB") &&
               (is_column_type(r) || (r->schema && is_word(r->before, "AS")))) {
        put_z(r, "BYTEA");
    } else if (is_word(t, "TEXT") && is_column_type(r)) {
        put_z(r, "TEXT COLLATE \"C\""); /* bytewise, as in SQLite, whatever the cluster's locale */
    } else {
        put(r, t.text);
    }
    return E_OK;
}

enum err dialect_statement(struct arena *a, struct str sql, struct str *out_sql, char *out_fault)
{
    struct rewrite r = {.out = buf_make(SQL_MAX_BYTES), .rest = sql, .fault = out_fault};
    enum err e = E_OK;
    for (;;) {
        struct token t = next_token(&r.rest);
        if (t.kind == T_END || (e = put_token(&r, t)) != E_OK) {
            break;
        }
        if (is_punct(t, '(') && begins_key(&r)) {
            put_z(&r, "org_id, ");
        }
        if (t.kind != T_SPACE) {
            r.before2 = r.before;
            r.before = t;
        }
    }
    if (e == E_OK) {
        *out_sql = str_dup(a, buf_str(&r.out));
    }
    buf_free(&r.out);
    return e;
}

/* ---- migrations */

static const char org_column[] =
    "org_id uuid NOT NULL DEFAULT current_setting('rapport.org')::uuid, ";

/* Row-level security of a new table, and what the program's role may do with it. */
static void put_policy(struct rewrite *r, struct str role)
{
    struct str t = r->table;
    buf_addf(&r->out,
             ";\nALTER TABLE %.*s ENABLE ROW LEVEL SECURITY;\n"
             "ALTER TABLE %.*s FORCE ROW LEVEL SECURITY;\n"
             "CREATE POLICY org_rows ON %.*s"
             " USING (org_id = current_setting('rapport.org')::uuid)"
             " WITH CHECK (org_id = current_setting('rapport.org')::uuid);\n"
             "GRANT SELECT, INSERT, UPDATE, DELETE ON %.*s TO %.*s",
             STR_ARG(t), STR_ARG(t), STR_ARG(t), STR_ARG(t), STR_ARG(role));
}

/* ON DELETE SET NULL would empty org_id too: PostgreSQL 15 takes the columns to empty.
 * `columns`: of the FOREIGN KEY clause this belongs to. */
static void put_set_null_columns(struct rewrite *r, struct str columns)
{
    buf_addf(&r->out, " (%.*s)", STR_ARG(columns));
}

static void remember(struct rewrite *r, struct token t)
{
    if (t.kind != T_SPACE) {
        r->before2 = r->before;
        r->before = t;
    }
}

/* The name after CREATE TABLE [IF NOT EXISTS]; empty when the statement makes no table. */
static void look_at_head(struct rewrite *r, struct str sql)
{
    struct token t = next_solid(&sql);
    r->table = (struct str){0};
    r->creates_index = r->indexed = false;
    if (!is_word(t, "CREATE")) {
        return;
    }
    t = next_solid(&sql);
    if (is_word(t, "UNIQUE")) {
        t = next_solid(&sql);
    }
    r->creates_index = is_word(t, "INDEX");
    if (!is_word(t, "TABLE")) {
        return;
    }
    t = next_solid(&sql);
    while (is_word(t, "IF") || is_word(t, "NOT") || is_word(t, "EXISTS")) {
        t = next_solid(&sql);
    }
    r->table = t.text;
}

/* One statement of a migration, up to its ';' or the end. */
static enum err put_step(struct rewrite *r, struct str role)
{
    struct str foreign = {0};
    bool table_open = false;
    look_at_head(r, r->rest);
    r->before = r->before2 = (struct token){0};
    for (;;) {
        struct token t = next_token(&r->rest);
        if (t.kind == T_END || is_punct(t, ';')) {
            break;
        }
        TRY(put_token(r, t));
        if (is_punct(t, '(')) {
            if (r->table.n && !table_open) {
                table_open = true;
                put_z(r, org_column);
            } else if (r->creates_index && !r->indexed) {
                r->indexed = true;
                put_z(r, "org_id, ");
            } else if (begins_key(r)) {
                if (is_word(r->before2, "FOREIGN")) {
                    foreign = columns_ahead(r->rest);
                }
                put_z(r, "org_id, ");
            }
        } else if (is_word(t, "NULL") && is_word(r->before, "SET") &&
                   is_word(r->before2, "DELETE")) {
            put_set_null_columns(r, foreign);
        }
        remember(r, t);
    }
    if (r->table.n) {
        put_policy(r, role);
    }
    put_z(r, ";\n");
    return E_OK;
}

static bool only_space(struct str s)
{
    return next_solid(&s).kind == T_END;
}

enum err dialect_script(struct arena *a, struct str sql, struct str role, struct str *out_sql,
                        char *out_fault)
{
    struct rewrite r = {
        .out = buf_make(SQL_MAX_BYTES), .rest = sql, .schema = true, .fault = out_fault};
    enum err e = E_OK;
    while (e == E_OK && !only_space(r.rest)) {
        e = put_step(&r, role);
    }
    if (e == E_OK && r.out.overflow) {
        e = fail_rewrite(&r, "a migration of more than 1 MiB", str_sub(sql, 0, 20));
    }
    if (e == E_OK) {
        *out_sql = str_dup(a, buf_str(&r.out));
    }
    buf_free(&r.out);
    return e;
}
