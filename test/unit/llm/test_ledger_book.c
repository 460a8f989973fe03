/* Which purse of the ledger has been idle longest, however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "llm/ledger_book.h"

enum { PURSES = 2000 };

static struct id org_at(int n)
{
    return id_new(1000 + n);
}

static struct purse *make(struct ledger *l, const struct id *org, int n)
{
    char name[32];
    snprintf(name, sizeof(name), "agent-%d", n);
    struct purse *p = ledger_book_purse(l, org, str_of(name));
    assert_non_null(p);
    return p;
}

static void free_books(struct ledger *l)
{
    while (l->books) {
        struct book *b = l->books;
        l->books = b->next;
        while (b->purses) {
            ledger_book_remove(l, b->purses);
        }
        pthread_mutex_destroy(&b->store);
        free(b);
    }
    map_free(&l->by_name);
}

static void who_was_used_first_is_idle_longest(void **state)
{
    struct ledger l = {.by_name = map_new(LEDGER_BOOK_PURSES_MAX)};
    struct id org = org_at(1), other = org_at(2);
    struct purse *a = make(&l, &org, 1), *b = make(&l, &other, 2), *c = make(&l, &org, 3);
    (void)state;
    assert_null(ledger_book_idle(&l, INT64_MAX)); /* nobody has used one yet */
    ledger_book_hold(&l, a);
    ledger_book_hold(&l, b);
    ledger_book_hold(&l, c);
    assert_null(ledger_book_idle(&l, INT64_MAX)); /* all are held */
    ledger_book_release(&l, b);
    ledger_book_release(&l, a);
    assert_ptr_equal(ledger_book_idle(&l, INT64_MAX), b);
    assert_null(ledger_book_idle(&l, 0)); /* not for so long */
    ledger_book_used(&l, b);
    assert_ptr_equal(ledger_book_idle(&l, INT64_MAX), a);
    a->book->rows = 1; /* what waits is written first */
    assert_ptr_equal(ledger_book_idle(&l, b->used_at_ms + 1), b);
    a->book->rows = 0;
    ledger_book_hold(&l, b);
    ledger_book_hold(&l, b);
    ledger_book_release(&l, b); /* another request holds it still */
    assert_ptr_equal(ledger_book_idle(&l, INT64_MAX), a);
    ledger_book_remove(&l, a);
    assert_null(ledger_book_idle(&l, INT64_MAX));
    assert_ptr_equal(make(&l, &org, 3), c);
    free_books(&l);
}

static void many_leave_one_by_one(void **state)
{
    struct ledger l = {.by_name = map_new(LEDGER_BOOK_PURSES_MAX)};
    struct id org = org_at(1);
    struct purse *all[PURSES];
    (void)state;
    for (int i = 0; i < PURSES; i++) {
        all[i] = make(&l, &org, i);
        ledger_book_hold(&l, all[i]);
        ledger_book_release(&l, all[i]);
    }
    for (int i = 0; i < PURSES; i++) {
        assert_ptr_equal(ledger_book_idle(&l, INT64_MAX), all[i]);
        ledger_book_remove(&l, all[i]);
    }
    assert_null(l.books->purses);
    free_books(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_used_first_is_idle_longest),
        cmocka_unit_test(many_leave_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
