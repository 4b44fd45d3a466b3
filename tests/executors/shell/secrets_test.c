/* Where secrets come from and where they are put. */
#include "executors/shell/secrets.h"
#include "tests/executors/shell/shell_support.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
expect(struct act_secrets *secrets, const char *name, const char *wanted)
{
    struct act_buf text = {0}, out = {0};
    act_buf_printf(&text,
                   "[\x01"
                   "ACTSECRET:%s:%s\x01]",
                   NONCE, name);
    assert_true(act_secrets_in(act_buf_str(&text), NONCE));
    assert_int_equal(act_secrets_expand(secrets, NONCE, act_buf_str(&text), &out, NULL), ACT_OK);
    assert_true(is(act_buf_str(&out), wanted));
    act_buf_fini(&text);
    act_buf_fini(&out);
}

static void
sources(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, NULL);
    write_file(bench.folder, "FROM_FILE", "file value\n", 0600);
    write_file(bench.folder, "CREDENTIAL", "credential\r\n", 0600);
    write_file(bench.folder, "BOTH", "of credentials", 0600);
    struct act_buf credentials = {0}, option = {0};
    act_buf_printf(&credentials, "CREDENTIALS_DIRECTORY=%s", bench.folder);
    act_buf_printf(&option, "FROM_FILE=@%s/FROM_FILE", bench.folder);
    char *env[] = {(char[]){"TOKEN=from env"}, (char[]){"ACTANT_SECRET_OWN=own"},
                   (char[]){"ACTANT_SECRET_BOTH=env"}, credentials.ptr, NULL};
    struct act_secrets *secrets = act_secrets_create(env);
    struct act_error err = {0};
    assert_int_equal(act_secrets_option(secrets, "TOKEN", &err), ACT_OK);
    assert_int_equal(act_secrets_option(secrets, option.ptr, &err), ACT_OK);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("CREDENTIAL"), &err), ACT_OK);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("OWN"), &err), ACT_OK);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("BOTH"), &err), ACT_OK);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("TOKEN"), &err), ACT_OK);
    expect(secrets, "TOKEN", "[from env]");
    expect(secrets, "FROM_FILE", "[file value]");
    expect(secrets, "CREDENTIAL", "[credential]");
    expect(secrets, "OWN", "[own]");
    expect(secrets, "BOTH", "[of credentials]");
    assert_string_equal(act_secrets_variables(secrets)[0], "TOKEN");
    assert_null(act_secrets_variables(secrets)[1]);
    assert_non_null(act_secrets_mask(secrets));
    assert_true(is(act_secrets_unmasked(secrets), "OWN"));
    act_secrets_destroy(secrets);
    act_buf_fini(&credentials);
    act_buf_fini(&option);
    bench_close(&bench);
}

static void
refused(void **state)
{
    (void)state;
    struct act_secrets *secrets = act_secrets_create(NULL);
    static const char *const options[] = {"", "1x", "a b", "X=value", "X=", "../x", "../x=@y"};
    struct act_error err = {0};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        assert_int_equal(act_secrets_option(secrets, options[i], &err), ACT_ERR_USAGE);
        assert_true(err.hint[0]);
        assert_null(strstr(err.message, "value'"));
    }
    assert_int_equal(act_secrets_option(secrets, "UNSET", &err), ACT_ERR_NOT_FOUND);
    assert_int_equal(act_secrets_option(secrets, "X=@/no/such/file", &err), ACT_ERR_NOT_FOUND);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("GONE"), &err), ACT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "ACTANT_SECRET_GONE"));
    assert_int_equal(act_secrets_need(secrets, ACT_STR("../../etc/passwd"), &err), ACT_ERR_INVALID);
    assert_null(act_secrets_mask(secrets));
    struct act_buf out = {0};
    assert_int_equal(act_secrets_expand(secrets, NONCE, ACT_STR("x" SECRET("GONE")), &out, &err),
                     ACT_ERR_NOT_FOUND);
    act_buf_fini(&out);
    act_secrets_destroy(secrets);
}

static void
too_large(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, NULL);
    char *text = act_alloc(ACT_SECRET_BYTES_MAX + 2);
    memset(text, 'x', ACT_SECRET_BYTES_MAX + 1);
    text[ACT_SECRET_BYTES_MAX + 1] = 0;
    write_file(bench.folder, "BIG", text, 0600);
    struct act_buf option = {0};
    struct act_error err;
    act_buf_printf(&option, "BIG=@%s/BIG", bench.folder);
    assert_int_equal(act_secrets_option(bench.secrets, option.ptr, &err), ACT_ERR_LIMIT);
    text[ACT_SECRET_BYTES_MAX] = 0;
    write_file(bench.folder, "BIG", text, 0600);
    assert_int_equal(act_secrets_option(bench.secrets, option.ptr, &err), ACT_OK);
    assert_non_null(act_secrets_mask(bench.secrets));
    act_buf_fini(&option);
    act_free(text);
    bench_close(&bench);
}

/* Only our own places, whole and with our nonce. */
static void
places(void **state)
{
    (void)state;
    char *env[] = {(char[]){"ACTANT_SECRET_A=1111"}, (char[]){"ACTANT_SECRET_B=" SECRET("A")},
                   NULL};
    struct act_secrets *secrets = act_secrets_create(env);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("A"), NULL), ACT_OK);
    assert_int_equal(act_secrets_need(secrets, ACT_STR("B"), NULL), ACT_OK);
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {SECRET("A") SECRET("A"), "11111111"},
        {"x" SECRET("A") "y", "x1111y"},
        {SECRET("B"), SECRET("A")}, /* a value is not looked into */
        {"\x01"
         "ACTSECRET:other:A\x01",
         "\x01"
         "ACTSECRET:other:A\x01"},
        {"\x01"
         "ACTSECRET:" NONCE ":A",
         "\x01"
         "ACTSECRET:" NONCE ":A"},
        {"\x01\x01" SECRET("A") "\x01", "\x01\x01"
                                        "1111\x01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act_buf out = {0};
        assert_int_equal(act_secrets_expand(secrets, NONCE, act_str(rows[i].text), &out, NULL),
                         ACT_OK);
        assert_true(is(act_buf_str(&out), rows[i].wanted));
        act_buf_fini(&out);
    }
    assert_false(act_secrets_in(ACT_STR("plain \x01"), NONCE));
    act_secrets_destroy(secrets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources),
        cmocka_unit_test(refused),
        cmocka_unit_test(too_large),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
