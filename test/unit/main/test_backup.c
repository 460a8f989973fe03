/* Blobs of a back-up: copied once, again when they changed, and those of one org only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "main/backup.h"
#include "main/file.h"
#include "store/blob.h"

enum { PATH_BYTES = 200 };

struct world {
    char folder[PATH_BYTES];
    struct facilities at;
    struct ctx *c;
};

static int set_up(void **state)
{
    struct world *w = mem_new(sizeof(*w));
    snprintf(w->folder, sizeof(w->folder), "/tmp/rapport-backup-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->at = (struct facilities){.clock = clock_new(), .log = log_new(2, LOG_ERROR)};
    w->c = ctx_new(&w->at, 64 << 20);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    backup_remove_folder(w->folder);
    ctx_free(&w->c);
    log_free(&w->at.log);
    clock_free(&w->at.clock);
    free(w);
    return 0;
}

static const char *in(struct world *w, const char *name)
{
    return backup_path(w->c, w->folder, name);
}

static void put(struct world *w, const struct id *org, const char *key, const char *text)
{
    struct blob_config config = {BLOB_FILES, in(w, "from")};
    struct facilities at = w->at;
    assert_int_equal(blobs_open(w->c, &config, &at.blobs), E_OK);
    struct ctx *own = ctx_new(&at, 1 << 20);
    own->org = *org;
    assert_int_equal(blob_put(own, str_of(key), str_of(text), NULL), E_OK);
    ctx_free(&own);
    blobs_close(&at.blobs);
}

static enum err get(struct world *w, const struct id *org, const char *key, char *out_text)
{
    struct blob_config config = {BLOB_FILES, in(w, "to")};
    struct facilities at = w->at;
    struct str bytes = STR("");
    assert_int_equal(blobs_open(w->c, &config, &at.blobs), E_OK);
    struct ctx *own = ctx_new(&at, 1 << 20);
    own->org = *org;
    enum err e = blob_get(own, str_of(key), &bytes);
    snprintf(out_text, 64, "%.*s", STR_ARG(bytes));
    ctx_free(&own);
    blobs_close(&at.blobs);
    return e;
}

static void blobs_are_copied_when_they_differ(void **state)
{
    struct world *w = *state;
    struct id ours = id_new(1000), theirs = id_new(2000);
    struct backup_blobs counts = {0};
    char text[64];
    put(w, &ours, "documents/a", "first");
    put(w, &ours, "documents/b", "second");
    put(w, &theirs, "documents/a", "not ours");
    assert_int_equal(backup_blobs_copy(w->c, in(w, "from"), in(w, "to"), &ours, &counts), E_OK);
    assert_int_equal(counts.count, 2);
    assert_int_equal(counts.bytes, 11);
    assert_int_equal(get(w, &ours, "documents/b", text), E_OK);
    assert_string_equal(text, "second");
    assert_int_equal(get(w, &theirs, "documents/a", text), E_NOT_FOUND);

    const struct json *list;
    assert_int_equal(backup_blobs_list(w->c, in(w, "from"), &ours, &list), E_OK);
    assert_int_equal(json_count(list), 2);
    assert_int_equal(backup_blobs_check(w->c, in(w, "to"), &ours, list), E_OK);
    put(w, &ours, "documents/a", "changed");
    assert_int_equal(backup_blobs_check(w->c, in(w, "from"), &ours, list), E_INVALID);
    assert_int_equal(backup_blobs_check(w->c, in(w, "nowhere"), &ours, list), E_INVALID);
    assert_int_equal(backup_blobs_copy(w->c, in(w, "from"), in(w, "to"), &ours, &counts), E_OK);
    assert_int_equal(counts.count, 3); /* the changed one only */
    assert_int_equal(get(w, &ours, "documents/a", text), E_OK);
    assert_string_equal(text, "changed");
}

static void marks_tell_keys_apart(void **state)
{
    struct world *w = *state;
    const struct json *one, *two;
    assert_int_equal(file_write(w->c, in(w, "one"), STR("aa11\nbb22\n"), true), E_OK);
    assert_int_equal(file_write(w->c, in(w, "two"), STR("bb22\n\n"), true), E_OK);
    assert_int_equal(backup_key_marks(w->c, in(w, "one"), &one), E_OK);
    assert_int_equal(backup_key_marks(w->c, in(w, "two"), &two), E_OK);
    assert_int_equal(json_count(one), 2);
    assert_int_equal(json_count(two), 1);
    assert_true(json_equal(json_at(one, 1), json_at(two, 0)));
    assert_false(json_equal(json_at(one, 0), json_at(two, 0)));
    assert_int_equal(backup_key_marks(w->c, in(w, "none"), &one), E_NOT_FOUND);
}

static void digests_cover_the_whole_file(void **state)
{
    struct world *w = *state;
    struct str hex;
    int64_t bytes;
    assert_int_equal(file_write(w->c, in(w, "file"), STR("abc"), false), E_OK);
    assert_int_equal(backup_digest(w->c, in(w, "file"), &hex, &bytes), E_OK);
    assert_int_equal(bytes, 3);
    assert_true(str_eqz(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad")); /* FIPS 180-4, "abc" */
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(blobs_are_copied_when_they_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marks_tell_keys_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digests_cover_the_whole_file, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("backup", TESTS, NULL, NULL);
}
