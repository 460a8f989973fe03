#include "unit/codec/sample.h"

#include "codec/seal.h"

static void test_secrets(void **state)
{
    struct arena *a = *state;
    struct seal_keys old = {.count = 1}, keys = {.count = 2}, none = {.count = 1};
    seal_key_new(&old.keys[0]);
    seal_key_new(&keys.keys[0]);
    keys.keys[1] = old.keys[0];
    seal_key_new(&none.keys[0]);
    struct str secret = STR("sk_live\0x"), about = STR("credential/7"), back;
    struct str sealed = seal_make(a, &old, secret, about);
    assert_true(str_starts(sealed, STR("s1.")));
    assert_int_equal(seal_open(a, &keys, sealed, about, &back), E_OK);
    assert_true(str_eq(back, secret));
    assert_false(str_eq(sealed, seal_make(a, &old, secret, about))); /* a fresh nonce */
    assert_int_equal(seal_open(a, &keys, sealed, STR("credential/8"), &back), E_INVALID);
    assert_int_equal(seal_open(a, &none, sealed, about, &back), E_NOT_FOUND);
    assert_int_equal(seal_open(a, &keys, seal_make(a, &keys, STR(""), STR("")), STR(""), &back),
                     E_OK);
    assert_int_equal(back.n, 0);
}

static void test_tampering(void **state)
{
    struct arena *a = *state;
    struct seal_keys keys = {.count = 1};
    struct str back;
    seal_key_new(&keys.keys[0]);
    struct str sealed = seal_make(a, &keys, STR("secret"), STR("x"));
    for (size_t i = 0; i < sealed.n; i++) {
        char *copy = str_dupz(a, sealed);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(seal_open(a, &keys, str_make(copy, sealed.n), STR("x"), &back), E_OK);
        assert_int_not_equal(seal_open(a, &keys, str_sub(sealed, 0, i), STR("x"), &back), E_OK);
    }
}

static void test_keys(void **state)
{
    struct arena *a = *state;
    struct seal_key k, back;
    seal_key_new(&k);
    struct str text = seal_key_to_text(a, &k);
    assert_int_equal(text.n, 64);
    assert_int_equal(seal_key_from_text(text, &back), E_OK);
    assert_memory_equal(&k, &back, sizeof(k));
    assert_int_equal(strlen(k.id), 16);
    assert_int_equal(seal_key_from_text(str_sub(text, 0, 62), &back), E_INVALID);
    assert_int_equal(seal_key_from_text(STR(""), &back), E_INVALID);
    char *bad = str_dupz(a, text);
    bad[5] = 'x';
    assert_int_equal(seal_key_from_text(str_of(bad), &back), E_INVALID);
    seal_key_wipe(&k);
    assert_int_equal(k.bytes[0] | k.bytes[31] | k.id[0], 0);
}

static void test_passwords(void **state)
{
    (void)state;
    char hash[SEAL_HASH_MAX_BYTES], other[SEAL_HASH_MAX_BYTES];
    assert_int_equal(seal_password_hash(STR("correct horse"), SEAL_COST_TEST, hash), E_OK);
    assert_int_equal(seal_password_hash(STR("correct horse"), SEAL_COST_TEST, other), E_OK);
    assert_string_not_equal(hash, other);
    assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
    assert_true(seal_password_is(STR("correct horse"), hash));
    assert_false(seal_password_is(STR("correct horsf"), hash));
    assert_false(seal_password_is(STR(""), hash));
    assert_false(seal_password_is(STR("x"), ""));
    assert_false(seal_password_is(STR("x"), "$argon2id$nonsense"));
    assert_false(seal_password_is_stale(hash, SEAL_COST_TEST));
    assert_true(seal_password_is_stale(hash, SEAL_COST_NORMAL));
    assert_int_equal(seal_password_hash(STR(""), SEAL_COST_TEST, hash), E_INVALID);
    char big[SEAL_PASSWORD_MAX_BYTES + 1];
    memset(big, 'x', sizeof(big));
    assert_int_equal(seal_password_hash(str_make(big, sizeof(big)), SEAL_COST_TEST, hash),
                     E_INVALID);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        SAMPLE_TEST(test_secrets),
        SAMPLE_TEST(test_tampering),
        SAMPLE_TEST(test_keys),
        SAMPLE_TEST(test_passwords),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
