#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/prepared.h"

static int dropped;

static void drop(void *owner, void *made)
{
    (void)made;
    assert_ptr_equal(owner, &dropped);
    dropped++;
}

static void a_text_is_found_by_its_address(void **state)
{
    (void)state;
    static const char one[] = "SELECT 1", two[] = "SELECT 1";
    struct prepared *p = prepared_new(drop, &dropped);
    dropped = 0;
    assert_null(prepared_find(p, one));
    prepared_keep(p, one, (void *)(uintptr_t)1);
    assert_ptr_equal(prepared_find(p, one), (void *)(uintptr_t)1);
    assert_null(prepared_find(p, two)); /* the same text elsewhere is another statement */
    prepared_free(&p);
    assert_int_equal(dropped, 1);
}

static void another_text_at_the_address_is_not_taken_for_it(void **state)
{
    (void)state;
    char text[32] = "SELECT 1";
    struct prepared *p = prepared_new(drop, &dropped);
    dropped = 0;
    prepared_keep(p, text, (void *)(uintptr_t)1);
    strcpy(text, "SELECT 2");
    assert_null(prepared_find(p, text));
    assert_int_equal(dropped, 1);
    prepared_free(&p);
    assert_int_equal(dropped, 1);
}

static void the_number_is_bounded_and_what_is_used_stays(void **state)
{
    (void)state;
    enum { MANY = 4000, MOST = PREPARED_SETS * PREPARED_WAYS };
    static char texts[MANY][24];
    struct prepared *p = prepared_new(drop, &dropped);
    dropped = 0;
    prepared_keep(p, texts[0], (void *)(uintptr_t)1);
    for (int i = 1; i < MANY; i++) {
        snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
        prepared_keep(p, texts[i], (void *)(uintptr_t)1);
        assert_non_null(prepared_find(p, texts[0]));
    }
    assert_true(MANY - dropped <= MOST && MANY - dropped > MOST / 2);
    prepared_clear(p);
    assert_int_equal(dropped, MANY);
    prepared_free(&p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_by_its_address),
        cmocka_unit_test(another_text_at_the_address_is_not_taken_for_it),
        cmocka_unit_test(the_number_is_bounded_and_what_is_used_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
