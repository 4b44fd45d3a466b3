#include "base/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_hmac(struct act_str key, struct act_str text, const char *hex)
{
    uint8_t sum[ACT_SHA256_BYTES];
    char got[2 * ACT_SHA256_BYTES + 1];
    act_hmac_sha256(key, text, sum);
    act_hex(got, sum, sizeof(sum));
    assert_string_equal(got, hex);
}

/* Cases 1, 2 and 6 of RFC 4231: a short key, a shorter one, one that is longer than a block. */
static void
test_rfc_4231(void **state)
{
    char key[131];
    (void)state;
    memset(key, 0x0b, 20);
    assert_hmac(act_str_n(key, 20), ACT_STR("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac(ACT_STR("Jefe"), ACT_STR("what do ya want for nothing?"),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, (char)0xaa, sizeof(key));
    assert_hmac(act_str_n(key, sizeof(key)),
                ACT_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
test_nothing(void **state)
{
    (void)state;
    assert_hmac(ACT_STR(""), ACT_STR(""),
                "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_4231),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
