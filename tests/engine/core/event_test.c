/* Events: encode and decode are inverses; damaged bytes are refused; keys read as paths. */
#include "engine/core/event.h"
#include "base/wire.h"
#include "tests/engine/core/plan_support.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static struct act_event
full_event(struct act_value *v, const uint32_t *numbers)
{
    return (struct act_event){
        .type = ACT_EVENT_ENDED,
        .seq = 7,
        .steps = 123456789,
        .at_ms = -5,
        .at_ns = INT64_MAX,
        .key = {3, 2, numbers},
        .attempt = 2,
        .status = ACT_STATUS_FAILED,
        .cause = ACT_CAUSE_EXIT,
        .exit_code = -1,
        .signal = 9,
        .number = UINT32_MAX,
        .flag = true,
        .started_ms = 1,
        .started_ns = 2,
        .name = ACT_STR("name"),
        .id = ACT_STR("id"),
        .value = v,
        .result_is_output = true,
        .outputs = v,
        .error = v,
        .message = ACT_STR("why"),
        .out = {ACT_STR("abc"), ACT_STR("f"), 5, 6},
        .err = {ACT_STR(""), ACT_STR("g"), 7, 8},
        .order = ACT_STR("\x01\x02"),
        .label = ACT_STR("compile 1"),
        .input = v,
        .params = v,
        .forgiven = 3,
        .bits = ACT_REUSED_UNDONE,
    };
}

static void
all_fields_come_back(void **state)
{
    uint32_t numbers[] = {0, 4000000000u};
    struct act_value *v = act_value_cstring("x");
    struct act_event event = full_event(v, numbers), back;
    struct act_buf bytes = {0}, again = {0};
    struct act_arena arena = {0};
    (void)state;
    act_event_encode(&bytes, &event);
    struct act_str rest = act_buf_str(&bytes);
    assert_int_equal(act_event_decode(&rest, &arena, NULL, &back, NULL), ACT_OK);
    assert_int_equal(rest.len, 0);
    assert_int_equal(back.at_ms, -5);
    assert_int_equal(back.exit_code, -1);
    assert_int_equal(back.key.numbers[1], 4000000000u);
    assert_true(act_value_equal(back.error, v));
    assert_true(act_value_equal(back.params, v));
    assert_true(act_str_is(back.err.file, "g"));
    act_event_encode(&again, &back);
    assert_true(act_str_eq(act_buf_str(&again), act_buf_str(&bytes)));
    act_event_fini(&back);
    for (size_t len = 0; len < bytes.len; len++) {
        rest = act_str_n(bytes.ptr, len);
        assert_int_equal(act_event_decode(&rest, &arena, NULL, &back, NULL), ACT_ERR_CORRUPT);
        assert_int_equal(rest.len, len);
    }
    act_buf_fini(&bytes);
    act_buf_fini(&again);
    act_arena_fini(&arena);
    act_value_release(v);
}

static void
an_empty_event_is_small(void **state)
{
    struct act_event event = {.type = ACT_EVENT_RESUME, .seq = 1};
    struct act_buf bytes = {0};
    (void)state;
    act_event_encode(&bytes, &event);
    assert_int_equal(bytes.len, 4);
    act_buf_fini(&bytes);
}

/* A newer version's field is skipped. */
static void
unknown_fields_are_skipped(void **state)
{
    struct act_buf body = {0}, bytes = {0};
    struct act_arena arena = {0};
    struct act_event back;
    (void)state;
    act_wire_u64(&body, ACT_EVENT_RESUME);
    act_wire_u64(&body, (99 << 1) | 1);
    act_wire_bytes(&body, ACT_STR("later"));
    act_wire_u64(&body, 98 << 1);
    act_wire_u64(&body, 5);
    act_wire_u64(&body, 1 << 1);
    act_wire_u64(&body, 42);
    act_wire_bytes(&bytes, act_buf_str(&body));
    struct act_str rest = act_buf_str(&bytes);
    assert_int_equal(act_event_decode(&rest, &arena, NULL, &back, NULL), ACT_OK);
    assert_int_equal(back.seq, 42);
    act_event_fini(&back);
    act_buf_fini(&body);
    act_buf_fini(&bytes);
    act_arena_fini(&arena);
}

static void
keys_read_as_paths(void **state)
{
    struct build b;
    (void)state;
    build_init(&b);
    uint32_t root = build_root(&b, ACT_KIND_CHAIN);
    uint32_t loop = build_child(&b, root, ACT_ROLE_ITEM, ACT_KIND_FOR);
    build_json(&b, loop, ACT_ATTR_SUBJECT, "[1]");
    uint32_t call = build_child(&b, loop, ACT_ROLE_DO, ACT_KIND_TASK);
    uint32_t box = build_root(&b, ACT_KIND_GROUP);
    uint32_t leaf = build_child(&b, box, ACT_ROLE_ITEM, ACT_KIND_VALUE);
    build_json(&b, leaf, ACT_ATTR_SUBJECT, "1");
    build_num(&b, call, ACT_ATTR_TARGET, box);
    struct act_plan *plan = build_finish(&b);
    uint32_t numbers[] = {17, call};
    struct act_buf path = {0};
    act_key_path(&path, plan, (struct act_key){leaf, 2, numbers});
    assert_string_equal(path.ptr, "chain[0].do[17].task.group[0]");
    act_buf_clear(&path);
    act_key_path(&path, plan, (struct act_key){root, 0, NULL});
    assert_int_equal(path.len, 0);
    act_key_path(&path, plan, (struct act_key){999, 0, NULL});
    assert_int_equal(path.len, 0);
    act_buf_fini(&path);
    act_plan_destroy(plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_come_back),
        cmocka_unit_test(an_empty_event_is_small),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(keys_read_as_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
