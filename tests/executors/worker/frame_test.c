/* Frames survive every split, and nothing else is taken for one. */
#include "executors/worker/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX 4096

struct seen {
    struct act_buf text; /* "NAME:body|" each */
    uint32_t count;
};

static int
feed(struct act_frame_decoder *decoder, struct act_str bytes, struct seen *seen,
     struct act_error *err)
{
    struct act_frame frame;
    int got;
    while ((got = act_frame_next(decoder, &bytes, &frame, err)) > 0) {
        act_buf_printf(&seen->text, "%s:%.*s|", act_frame_name(frame.type),
                       ACT_STR_ARG(frame.body));
        seen->count++;
    }
    return got;
}

static void
add(struct act_buf *out, enum act_frame_type type, const char *body)
{
    act_frame_head(out, type, strlen(body));
    act_buf_add_cstr(out, body);
}

static struct act_buf
sample(void)
{
    struct act_buf bytes = {0};
    add(&bytes, ACT_FRAME_READY, "{}");
    add(&bytes, ACT_FRAME_BYE, "");
    add(&bytes, ACT_FRAME_RESULT, "a longer body, with more in it");
    add(&bytes, ACT_FRAME_LOG, "x");
    return bytes;
}
#define SAMPLE "READY:{}|BYE:|RESULT:a longer body, with more in it|LOG:x|"

static void
test_any_split(void **state)
{
    (void)state;
    struct act_buf bytes = sample();
    for (size_t first = 0; first <= bytes.len; first++) {
        for (size_t second = first; second <= bytes.len; second++) {
            struct act_frame_decoder decoder = {.body_max = BODY_MAX};
            struct seen seen = {0};
            assert_int_equal(feed(&decoder, act_str_n(bytes.ptr, first), &seen, NULL), 0);
            assert_int_equal(
                feed(&decoder, act_str_n(bytes.ptr + first, second - first), &seen, NULL), 0);
            assert_int_equal(
                feed(&decoder, act_str_n(bytes.ptr + second, bytes.len - second), &seen, NULL), 0);
            assert_string_equal(seen.text.ptr, SAMPLE);
            act_buf_fini(&seen.text);
            act_frame_decoder_fini(&decoder);
        }
    }
    act_buf_fini(&bytes);
}

static void
test_byte_by_byte(void **state)
{
    (void)state;
    struct act_buf bytes = sample();
    struct act_frame_decoder decoder = {.body_max = BODY_MAX};
    struct seen seen = {0};
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(feed(&decoder, act_str_n(bytes.ptr + i, 1), &seen, NULL), 0);
    assert_string_equal(seen.text.ptr, SAMPLE);
    act_buf_fini(&seen.text);
    act_buf_fini(&bytes);
    act_frame_decoder_fini(&decoder);
}

static void
expect_error(struct act_str bytes, const char *part)
{
    struct act_frame_decoder whole = {.body_max = BODY_MAX}, split = {.body_max = BODY_MAX};
    struct seen seen = {0};
    struct act_error err = {0};
    assert_int_equal(feed(&whole, bytes, &seen, &err), -1);
    assert_non_null(strstr(err.message, part));
    /* And nothing comes of it any more. */
    struct act_buf good = sample();
    assert_int_equal(feed(&whole, act_buf_str(&good), &seen, &err), -1);
    for (size_t i = 0; i < bytes.len; i++)
        feed(&split, act_str_n(bytes.ptr + i, 1), &seen, &err);
    assert_true(split.failed);
    assert_int_equal(seen.count, 0);
    act_buf_fini(&good);
    act_buf_fini(&seen.text);
    act_frame_decoder_fini(&whole);
    act_frame_decoder_fini(&split);
}

static void
test_what_is_none(void **state)
{
    (void)state;
    expect_error(act_str_n("\0\0\0\0\0", 5), "unknown type 0");
    expect_error(act_str_n("\1\0\0\0\377x", 6), "unknown type 255");
    expect_error(act_str_n("\1\20\0\0\5", 5), "RESULT of 4097 bytes");
    expect_error(act_str_n("\377\377\377\377\5", 5), "RESULT of 4294967295 bytes");
    expect_error(ACT_STR("Traceback (most recent call last)"), "unknown type");
}

static void
test_numbers(void **state)
{
    (void)state;
    struct act_buf out = {0};
    act_frame_u32(&out, UINT32_C(0x12345678));
    act_buf_add(&out, "\1\2\3\4\5\6\7\10\11", 9);
    struct act_str body = act_buf_str(&out);
    uint32_t small = 0;
    uint64_t large = 0;
    uint8_t byte = 0;
    assert_true(act_frame_take_u32(&body, &small));
    assert_int_equal(small, UINT32_C(0x12345678));
    assert_true(act_frame_take_u64(&body, &large));
    assert_true(large == UINT64_C(0x0807060504030201));
    assert_false(act_frame_take_u32(&body, &small));
    assert_true(act_frame_take_u8(&body, &byte));
    assert_int_equal(byte, 9);
    assert_false(act_frame_take_u8(&body, &byte));
    act_buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_split),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
