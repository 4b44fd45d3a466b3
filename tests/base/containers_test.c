#include "base/arena.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/vec.h"
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
arena(void **state)
{
    (void)state;
    struct act_arena a = {0};
    unsigned char *seen[200];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 200; i++) {
            size_t size = i * i % 7000;
            unsigned char *p = act_arena_alloc(&a, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(p[k], 0);
            memset(p, (int)i, size);
            seen[i] = p;
        }
        for (size_t i = 0; i < 200; i++)
            if (i * i % 7000)
                assert_true(seen[i][0] == i && seen[i][i * i % 7000 - 1] == i);
        act_arena_reset(&a);
        assert_int_equal(a.total_bytes, 0);
    }
    struct act_str copy = act_arena_str(&a, ACT_STR("hello"));
    assert_string_equal(copy.ptr, "hello");
    assert_string_equal(act_arena_printf(&a, "%05d", 42).ptr, "00042");
    assert_memory_equal(act_arena_copy(&a, "xyz", 3), "xyz", 3);
    act_arena_alloc(&a, 5000000);
    act_arena_fini(&a);
    act_arena_fini(&a);
}

static void
vec(void **state)
{
    (void)state;
    ACT_VEC(int) v = {0};
    for (int i = 0; i < 1000; i++)
        act_vec_push(&v, i);
    assert_int_equal(v.len, 1000);
    assert_int_equal(*act_vec_last(&v), 999);
    assert_int_equal(act_vec_pop(&v), 999);
    act_vec_clear(&v);
    assert_int_equal(v.len, 0);
    act_vec_fini(&v);
    assert_null(v.ptr);
}

static void
map(void **state)
{
    (void)state;
    struct act_map m = {0};
    char keys[5000][8];
    assert_null(act_map_get(&m, ACT_STR("x")));
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t n = i;
        size_t len = 0;
        do
            keys[i][len++] = (char)('a' + n % 10);
        while (n /= 10);
        keys[i][len] = '\0';
        assert_true(act_map_put(&m, act_str(keys[i]), i));
    }
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(*act_map_get(&m, act_str(keys[i])), i);
    assert_false(act_map_put(&m, ACT_STR("a"), 77));
    assert_int_equal(*act_map_get(&m, ACT_STR("a")), 77);
    assert_int_equal(m.len, 5000);
    assert_string_equal(m.entries[4999].key.ptr, keys[4999]);
    assert_null(act_map_get(&m, ACT_STR("zz")));
    assert_true(act_map_put(&m, act_str(NULL), 1));
    assert_int_equal(*act_map_get(&m, ACT_STR("")), 1);
    act_map_fini(&m);
}

static void
wire_round_trip(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    static const int64_t ints[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
    struct act_buf buf = {0};
    for (size_t i = 0; i < 7; i++) {
        act_wire_u64(&buf, values[i]);
        act_wire_i64(&buf, ints[i]);
    }
    act_wire_bytes(&buf, ACT_STR("tail"));
    struct act_wire_reader r = {act_buf_str(&buf), false};
    for (size_t i = 0; i < 7; i++) {
        assert_true(act_wire_read_u64(&r) == values[i]);
        assert_true(act_wire_read_i64(&r) == ints[i]);
    }
    assert_true(act_str_is(act_wire_read_bytes(&r), "tail"));
    assert_false(r.failed);
    assert_int_equal(r.rest.len, 0);
    assert_int_equal(act_wire_read_byte(&r), 0);
    assert_true(r.failed);
    for (size_t cut = 0; cut < buf.len; cut++) {
        struct act_wire_reader part = {act_str_n(buf.ptr, cut), false};
        for (size_t i = 0; i < 14; i++)
            act_wire_read_u64(&part);
        act_wire_read_bytes(&part);
        assert_true(part.failed);
    }
    act_buf_fini(&buf);
}

static void
wire_refuses(void **state)
{
    (void)state;
    static const struct act_str bad[] = {{"\x80", 1},
                                         {"\x80\x00", 2},
                                         {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10},
                                         {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11}};
    for (size_t i = 0; i < 4; i++) {
        struct act_wire_reader r = {bad[i], false};
        assert_true(act_wire_read_u64(&r) == 0);
        assert_true(r.failed);
    }
    struct act_wire_reader r = {act_str_n("\xFF\xFF\xFF\xFF\x1F", 5), false};
    assert_int_equal(act_wire_read_u32(&r), 0);
    assert_true(r.failed);
    r = (struct act_wire_reader){act_str_n("\x05"
                                           "abc",
                                           4),
                                 false};
    assert_int_equal(act_wire_read_bytes(&r).len, 0);
    assert_true(r.failed);
}

/* Every length around the block's, in two parts; what comes is Python's hashlib's. */
static void
sha256_of_every_length(void **state)
{
    (void)state;
    uint8_t bytes[300], digest[ACT_SHA256_BYTES];
    char hex[2 * ACT_SHA256_BYTES + 1];
    struct act_sha256 all, one;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + 3);
    act_sha256_init(&all);
    for (unsigned n = 0; n <= sizeof bytes; n++) {
        act_sha256_init(&one);
        act_sha256_update(&one, bytes, n / 3);
        act_sha256_update(&one, bytes + n / 3, n - n / 3);
        act_sha256_final(&one, digest);
        act_sha256_update(&all, digest, sizeof digest);
    }
    act_sha256_final(&all, digest);
    act_hex(hex, digest, sizeof digest);
    assert_string_equal(hex, "7d917fbd2cf49ddff9ad0a8706bba32d204e92e71d2e369c5a03d6af29278c9f");
}

static void
sha256(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[ACT_SHA256_BYTES];
    char hex[65];
    struct act_sha256 h;
    for (size_t i = 0; i < 3; i++) {
        act_sha256_init(&h);
        for (const char *p = cases[i].text; *p; p++)
            act_sha256_update(&h, p, 1);
        act_sha256_update(&h, NULL, 0);
        act_sha256_final(&h, digest);
        act_hex(hex, digest, sizeof(digest));
        assert_string_equal(hex, cases[i].hex);
    }
    char block[1000];
    memset(block, 'a', sizeof(block));
    act_sha256_init(&h);
    for (int i = 0; i < 1000; i++)
        act_sha256_update(&h, block, sizeof(block));
    act_sha256_final(&h, digest);
    act_hex(hex, digest, sizeof(digest));
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena),
        cmocka_unit_test(vec),
        cmocka_unit_test(map),
        cmocka_unit_test(wire_round_trip),
        cmocka_unit_test(wire_refuses),
        cmocka_unit_test(sha256),
        cmocka_unit_test(sha256_of_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
