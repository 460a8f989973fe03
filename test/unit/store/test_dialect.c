/* SQL of the one dialect, as PostgreSQL must see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/dialect.h"

struct row {
    const char *why, *in, *out;
};

static void reads_are_told_from_writes(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool read;
    } rows[] = {
        {"SELECT 1", true},
        {"  \n-- a comment\nselect * FROM t", true},
        {"VALUES (1)", true},
        {"WITH n AS (SELECT 1) SELECT * FROM n", true},
        {"WITH n AS (SELECT 'delete') SELECT * FROM n", true},
        {"WITH gone AS (DELETE FROM t RETURNING id) SELECT * FROM gone", false},
        {"with n as (select 1) insert into t select * from n", false},
        {"INSERT INTO t (a) VALUES (1)", false},
        {"UPDATE t SET a = 1", false},
        {"DELETE FROM t", false},
        {"CREATE TABLE t (a TEXT)", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(dialect_is_read(rows[i].sql), rows[i].read);
    }
}

static void statements(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"parameters are numbered with $", "SELECT ?1, ?12 WHERE a = ?1",
         "SELECT $1, $12 WHERE a = $1"},
        {"strings and names are left alone", "SELECT '?1 it''s CONFLICT (', \"?2\" FROM t -- ?3\n",
         "SELECT '?1 it''s CONFLICT (', \"?2\" FROM t -- ?3\n"},
        {"the key of a conflict begins with the org",
         "INSERT INTO t (a, b) VALUES (?1, ?2) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
         "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (org_id, a) DO UPDATE SET b ="
         " excluded.b"},
        {"also without a blank and in lower case",
         "insert into t values (?1) on conflict(a)"
         " do nothing",
         "insert into t values ($1) on conflict(org_id, a) do nothing"},
        {"a conflict without a key stays", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
         "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING"},
        {"words of schemas mean nothing in statements", "SELECT blob, unique FROM key (a)",
         "SELECT blob, unique FROM key (a)"},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str out;
        char fault[DIALECT_FAULT_BYTES];
        assert_int_equal(dialect_statement(a, str_of(rows[i].in), &out, fault), E_OK);
        if (!str_eqz(out, rows[i].out)) {
            print_error("%s:\n%s\n", rows[i].why, out.p);
        }
        assert_true(str_eqz(out, rows[i].out));
    }
    arena_free(&a);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"SELECT ?", "without number"}, {"SELECT ? FROM t", "without number"},
        {"SELECT 'open", "quote"},      {"SELECT \"open", "quote"},
        {"SELECT 'it''s", "quote"},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str out = STR("untouched");
        char fault[DIALECT_FAULT_BYTES] = "";
        assert_int_equal(dialect_statement(a, str_of(rows[i].sql), &out, fault), E_INVALID);
        assert_non_null(strstr(fault, rows[i].says));
        assert_true(str_eqz(out, "untouched"));
        assert_int_equal(dialect_script(a, str_of(rows[i].sql), STR("app"), &out, fault),
                         E_INVALID);
    }
    arena_free(&a);
}

#define C_TEXT     "TEXT COLLATE \"C\""
#define ORG_COLUMN "org_id uuid NOT NULL DEFAULT current_setting('rapport.org')::uuid, "
#define POLICY(t)                                                                                  \
    ";\nALTER TABLE " t " ENABLE ROW LEVEL SECURITY;\n"                                            \
    "ALTER TABLE " t " FORCE ROW LEVEL SECURITY;\n"                                                \
    "CREATE POLICY org_rows ON " t " USING (org_id = current_setting('rapport.org')::uuid)"        \
    " WITH CHECK (org_id = current_setting('rapport.org')::uuid);\n"                               \
    "GRANT SELECT, INSERT, UPDATE, DELETE ON " t " TO app;\n"

static void migrations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a table gets the org, its key begins with it, and is closed",
         "CREATE TABLE t (id TEXT NOT NULL, data BLOB, PRIMARY KEY (id), UNIQUE (a, b));",
         "CREATE TABLE t (" ORG_COLUMN "id " C_TEXT
         " NOT NULL, data BYTEA, PRIMARY KEY (org_id, id),"
         " UNIQUE (org_id, a, b))" POLICY("t")},
        {"IF NOT EXISTS is no name", "create table if not exists t2(id TEXT);",
         "create table if not exists t2(" ORG_COLUMN "id " C_TEXT ")" POLICY("t2")},
        {"a reference stays inside the org",
         "CREATE TABLE c (a_id TEXT, FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE);",
         "CREATE TABLE c (" ORG_COLUMN "a_id " C_TEXT ", FOREIGN KEY (org_id, a_id) REFERENCES a"
         " (org_id, id) ON DELETE CASCADE)" POLICY("c")},
        {"SET NULL empties the reference, not the org",
         "CREATE TABLE c (a_id TEXT, FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE SET NULL);",
         "CREATE TABLE c (" ORG_COLUMN "a_id " C_TEXT ", FOREIGN KEY (org_id, a_id) REFERENCES a"
         " (org_id, id) ON DELETE SET NULL (a_id))" POLICY("c")},
        {"a check keeps its parentheses",
         "CREATE TABLE t (n BIGINT CHECK (n IN (1, 2)), PRIMARY KEY (n));",
         "CREATE TABLE t (" ORG_COLUMN
         "n BIGINT CHECK (n IN (1, 2)), PRIMARY KEY (org_id, n))" POLICY("t")},
        {"an index begins with the org, an expression in it stays",
         "CREATE INDEX i ON t (lower(name), at); CREATE UNIQUE INDEX u ON t (a) WHERE b IS NULL;",
         "CREATE INDEX i ON t (org_id, lower(name), at);\n"
         " CREATE UNIQUE INDEX u ON t (org_id, a) WHERE b IS NULL;\n"},
        {"other statements only get their parameters and types",
         "ALTER TABLE t ADD COLUMN more BLOB; UPDATE t SET a = 'x;y';",
         "ALTER TABLE t ADD COLUMN more BYTEA;\n UPDATE t SET a = 'x;y';\n"},
        {"a column may be called text or blob",
         "CREATE TABLE t (text TEXT, blob BLOB, PRIMARY KEY (text)); ALTER TABLE t ADD COLUMN b"
         " TEXT; UPDATE t SET text = '' WHERE text IS NULL;",
         "CREATE TABLE t (" ORG_COLUMN "text " C_TEXT
         ", blob BYTEA, PRIMARY KEY (org_id, text))" POLICY(
             "t") " ALTER TABLE t ADD COLUMN b " C_TEXT ";\n UPDATE t SET text = '' WHERE text"
                  " IS NULL;\n"},
        {"a cast keeps its type", "UPDATE t SET a = CAST(b AS TEXT);",
         "UPDATE t SET a = CAST(b AS TEXT);\n"},
        {"comments and a missing last ';' are fine", "-- first; CREATE TABLE no (\nDROP INDEX i\n",
         "-- first; CREATE TABLE no (\nDROP INDEX i\n;\n"},
        {"nothing is nothing", " \n-- nothing\n", ""},
    };
    struct arena *a = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str out;
        char fault[DIALECT_FAULT_BYTES];
        assert_int_equal(dialect_script(a, str_of(rows[i].in), STR("app"), &out, fault), E_OK);
        if (!str_eqz(out, rows[i].out)) {
            print_error("%s:\n%s\n--- wanted\n%s\n", rows[i].why, out.p, rows[i].out);
        }
        assert_true(str_eqz(out, rows[i].out));
    }
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_told_from_writes),
        cmocka_unit_test(statements),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(migrations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
