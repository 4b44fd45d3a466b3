/* The state table: pairs without a row change nothing, and the diagram in docs is the table's. */
#include "engine/core/machine.h"
#include "tests/engine/core/plan_support.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DOC "docs/run-machine.md"

static void
pairs_without_a_row_are_refused(void **state)
{
    struct build b;
    (void)state;
    build_init(&b);
    uint32_t root = build_root(&b, ACT_KIND_VALUE);
    build_json(&b, root, ACT_ATTR_SUBJECT, "1");
    struct act_plan *plan = build_finish(&b);
    struct act_run *run = act_run_create(plan, NULL);
    struct act_effects effects = {0};
    run->effects = &effects;
    struct act_instance *inst = act_spawn(run, NULL, 0, 0, act_value_null());
    for (int s = 0; s < ACT_STATE_COUNT; s++) {
        for (int m = 0; m < ACT_MOVE_COUNT; m++) {
            inst->state = (uint8_t)s;
            bool known = act_state_table.rows[s][m].known;
            assert_int_equal(act_can_move(run, inst, (enum act_move)m), known);
            if (known)
                continue;
            assert_false(act_instance_move(run, inst, (enum act_move)m));
            assert_int_equal(inst->state, s);
        }
    }
    assert_int_equal(effects.list.len, 0);
    assert_int_equal(effects.event_count, 0);
    assert_int_equal(run->ring_len, 0);
    act_effects_fini(&effects);
    act_run_destroy(run);
    act_plan_destroy(plan);
}

/* Every state can be reached from the first, and the last from every one. */
static void
every_state_is_on_a_way(void **state)
{
    bool reached[ACT_STATE_COUNT] = {true}, ends[ACT_STATE_COUNT] = {false};
    (void)state;
    ends[ACT_STATE_DONE] = true;
    for (int round = 0; round < ACT_STATE_COUNT; round++) {
        for (int s = 0; s < ACT_STATE_COUNT; s++) {
            for (int m = 0; m < ACT_MOVE_COUNT; m++) {
                const struct act_state_row *row = &act_state_table.rows[s][m];
                if (!row->known)
                    continue;
                reached[row->next] = reached[row->next] || reached[s];
                ends[s] = ends[s] || ends[row->next];
            }
        }
    }
    for (int s = 0; s < ACT_STATE_COUNT; s++) {
        assert_true(reached[s]);
        assert_true(ends[s]);
    }
}

static void
print_states(struct act_buf *out)
{
    act_buf_add_cstr(out, "<!-- states -->\n```mermaid\nstateDiagram-v2\n    [*] --> pending\n");
#define ACT_ROW(state, move, next, action)                                                         \
    act_buf_printf(out, "    %s --> %s: %s\n", act_state_text(ACT_STATE_##state),                  \
                   act_state_text(ACT_STATE_##next), act_move_text(ACT_MOVE_##move));
#include "engine/core/task_states.def"
#undef ACT_ROW
    act_buf_add_cstr(out, "    done --> [*]\n```\n\n| state | what happens | next | action |\n"
                          "| --- | --- | --- | --- |\n");
#define ACT_ROW(state, move, next, action)                                                         \
    act_buf_printf(out, "| %s | %s | %s | %s |\n", act_state_text(ACT_STATE_##state),              \
                   act_move_text(ACT_MOVE_##move), act_state_text(ACT_STATE_##next), #action);
#include "engine/core/task_states.def"
#undef ACT_ROW
    act_buf_add_cstr(out, "<!-- /states -->\n");
}

static void
read_doc(struct act_buf *ret)
{
    char bytes[4096];
    size_t n;
    FILE *file = fopen(DOC, "rb");
    assert_non_null(file);
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        act_buf_add(ret, bytes, n);
    fclose(file);
}

static void
the_diagram_is_the_table(void **state)
{
    struct act_buf doc = {0}, made = {0};
    (void)state;
    read_doc(&doc);
    ptrdiff_t from = act_str_find(act_buf_str(&doc), ACT_STR("<!-- states -->"));
    ptrdiff_t to = act_str_find(act_buf_str(&doc), ACT_STR("<!-- /states -->\n"));
    assert_true(from >= 0 && to > from);
    act_buf_add(&made, doc.ptr, (size_t)from);
    print_states(&made);
    size_t rest = (size_t)to + strlen("<!-- /states -->\n");
    act_buf_add(&made, doc.ptr + rest, doc.len - rest);
    if (getenv("UPDATE") != NULL) {
        FILE *file = fopen(DOC, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(made.ptr, 1, made.len, file), made.len);
        assert_int_equal(fclose(file), 0);
    } else {
        assert_true(act_str_eq(act_buf_str(&made), act_buf_str(&doc)));
    }
    act_buf_fini(&doc);
    act_buf_fini(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_without_a_row_are_refused),
        cmocka_unit_test(every_state_is_on_a_way),
        cmocka_unit_test(the_diagram_is_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
