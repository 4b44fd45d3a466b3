/* Snapshots by themselves: what the random worlds of tests/sim do not come to, sizes, and bytes that
 * are not what was saved. */
#include "dsl/compile.h"
#include "engine/core/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct played {
    struct act_compiled compiled;
    struct act_value_loader loader;
    struct act_run *run;
    struct act_effects effects;
};

static int loads;

static enum act_err
load_value(struct act_value_loader *self, const struct act_value *ref, struct act_value **ret,
           struct act_error *err)
{
    (void)self;
    (void)ref;
    (void)ret;
    loads++;
    return act_error_set(err, ACT_ERR_NOT_FOUND, "nobody may look");
}

static enum act_err
tell(struct played *p, act_inst inst, struct act_event event)
{
    struct act_fact fact = {.inst = inst, .event = event};
    return act_run_apply(p->run, &fact, &p->effects, NULL);
}

static void
begin(struct played *p, const char *text)
{
    struct act_compile_options options = {.name = ACT_STR("test")};
    *p = (struct played){.loader = {load_value}};
    act_compile(ACT_STR("test.yaml"), act_str(text), &options, &p->compiled);
    assert_non_null(p->compiled.plan);
    p->run = act_run_create(p->compiled.plan, &p->loader);
    struct act_value *start = act_value_map(), *env = act_value_map();
    act_value_map_put(env, ACT_STR("LONG"), act_value_cstring("a text that stands in each env"));
    act_value_map_put(start, ACT_STR("env"), env);
    assert_int_equal(tell(p, 0, (struct act_event){.type = ACT_EVENT_RUN_STARTED, .value = start}),
                     ACT_OK);
    act_value_release(start);
}

static void
end(struct played *p)
{
    act_effects_fini(&p->effects);
    act_run_destroy(p->run);
    act_compiled_fini(&p->compiled);
}

static void
save_without(struct played *p, const char *field, struct act_buf *out)
{
    struct act_snapshot_omit omit = {.part = ACT_SNAPSHOT_PARTS};
    struct act_fields fields = act_snapshot_fields(ACT_OF_INSTANCE);
    for (uint32_t i = 0; field != NULL && i < fields.len; i++) {
        if (act_str_is(act_str(field), fields.ptr[i].name))
            omit.field = &fields.ptr[i];
    }
    assert_true(field == NULL || omit.field != NULL);
    assert_true(act_snapshot_write(p->run, SIZE_MAX, &omit, out));
}

/* Another run in the same state. */
static struct played
copy_without(struct played *p, const char *field)
{
    struct played copy = {.compiled = p->compiled};
    struct act_buf bytes = {0};
    struct act_error err = {0};
    save_without(p, field, &bytes);
    copy.run = act_run_create(p->compiled.plan, &p->loader);
    if (act_run_load(copy.run, act_buf_str(&bytes), &err) != ACT_OK)
        fail_msg("%s", err.message);
    act_buf_fini(&bytes);
    return copy;
}

static void
end_copy(struct played *copy)
{
    act_effects_fini(&copy->effects);
    act_run_destroy(copy->run);
}

static void
to_the_end(struct played *p)
{
    act_effects_clear(&p->effects);
    while (act_run_more(p->run))
        act_run_continue(p->run, 0, 0, &p->effects);
}

static bool
same_state(struct played *a, struct played *b)
{
    struct act_buf one = {0}, two = {0};
    save_without(a, NULL, &one);
    save_without(b, NULL, &two);
    bool same = act_str_eq(act_buf_str(&one), act_buf_str(&two));
    act_buf_fini(&one);
    act_buf_fini(&two);
    return same;
}

static bool
same_log(const struct played *a, const struct played *b)
{
    return a->effects.log.len > 0 &&
           act_str_eq(act_buf_str(&a->effects.log), act_buf_str(&b->effects.log));
}

/* A turn ends while a loop is counting; nothing of its turns is logged. */
static void
test_in_the_middle_of_a_loop_over_values(void **state)
{
    struct played p;
    (void)state;
    begin(&p, "while: loop.index < 9000\nmax: none\ndo: {value: '${{ loop.index }}'}\n");
    assert_true(act_run_more(p.run));
    struct played copy = copy_without(&p, NULL), wrong = copy_without(&p, "elided");
    assert_true(same_state(&p, &copy));
    to_the_end(&p);
    to_the_end(&copy);
    to_the_end(&wrong);
    assert_int_equal(act_run_status(copy.run), ACT_STATUS_SUCCEEDED);
    assert_true(same_log(&p, &copy) && same_state(&p, &copy));
    assert_false(same_log(&p, &wrong));
    end_copy(&copy);
    end_copy(&wrong);
    end(&p);
}

static act_inst
wanted(const struct played *p, enum act_effect_type type)
{
    for (uint32_t i = 0; i < p->effects.list.len; i++) {
        if (p->effects.list.ptr[i].type == type)
            return p->effects.list.ptr[i].inst;
    }
    fail_msg("no effect %d", (int)type);
    return ACT_INST_NONE;
}

/* What the world has answered is asked once: the second question comes with the first one's answer. */
static void
test_answers_are_kept(void **state)
{
    struct played p;
    struct act_value *hash = act_value_cstring("h");
    (void)state;
    begin(&p, "value: \"${{ hashFiles('a') + hashFiles('b') }}\"\n");
    struct act_event answer = {.type = ACT_EVENT_ANSWER, .value = hash};
    assert_int_equal(tell(&p, wanted(&p, ACT_EFFECT_QUESTION), answer), ACT_OK);
    struct played copy = copy_without(&p, NULL), wrong = copy_without(&p, "answers");
    assert_true(same_state(&p, &copy));
    assert_false(same_state(&p, &wrong));
    act_effects_clear(&p.effects);
    act_run_reissue(copy.run, &copy.effects);
    act_inst inst = wanted(&copy, ACT_EFFECT_QUESTION);
    act_effects_clear(&copy.effects);
    assert_int_equal(tell(&p, inst, answer), ACT_OK);
    assert_int_equal(tell(&copy, inst, answer), ACT_OK);
    assert_int_equal(act_run_status(copy.run), act_run_status(p.run));
    assert_int_not_equal(act_run_status(p.run), ACT_STATUS_RUNNING);
    assert_true(same_log(&p, &copy));
    act_value_release(hash);
    end_copy(&copy);
    end_copy(&wrong);
    end(&p);
}

/* What a node has left behind is asked when it has ended, and is there for who comes after it. */
static void
test_artifacts_are_kept(void **state)
{
    struct played p;
    struct act_value *found = NULL;
    (void)state;
    assert_int_equal(act_json_parse(ACT_STR("{\"found\":{\"a\":{\"path\":\"artifacts/h-1/a/x\","
                                            "\"count\":0,\"bytes\":0,\"files\":[]}}}"),
                                    8, &found, NULL),
                     ACT_OK);
    begin(&p, "chain:\n"
              "- {id: g, group: [{value: 1}], artifacts: {a: x}}\n"
              "- {sleep: 1s}\n"
              "- {value: '${{ nodes.g.artifacts.a }}'}\n");
    act_inst inst = wanted(&p, ACT_EFFECT_QUESTION);
    uint32_t attempt = 0;
    const struct act_value *question = act_run_question(p.run, inst, &attempt);
    assert_non_null(act_value_get(question, ACT_STR("artifacts")));
    assert_int_equal(attempt, 1);
    struct act_event answer = {.type = ACT_EVENT_ANSWER, .value = found};
    assert_int_equal(tell(&p, inst, answer), ACT_OK);
    assert_null(act_run_question(p.run, inst, &attempt));
    assert_int_not_equal(tell(&p, inst, answer), ACT_OK); /* nobody asks any more */
    struct played copy = copy_without(&p, NULL), wrong = copy_without(&p, "artifacts");
    assert_true(same_state(&p, &copy));
    assert_false(same_state(&p, &wrong));
    act_value_release(found);
    end_copy(&copy);
    end_copy(&wrong);
    end(&p);
}

static void
test_references_stay_references(void **state)
{
    struct played p;
    (void)state;
    loads = 0;
    begin(&p, "chain:\n- run: seq 1 1000000\n- wait: go\n");
    act_inst inst = wanted(&p, ACT_EFFECT_READY);
    assert_int_equal(tell(&p, inst, (struct act_event){.type = ACT_EVENT_DISPATCHED}), ACT_OK);
    struct act_event ended = {.type = ACT_EVENT_ENDED,
                              .out = {.file = ACT_STR("out"), .offset = 7, .length = 6888896}};
    assert_int_equal(tell(&p, inst, ended), ACT_OK);
    struct played copy = copy_without(&p, NULL);
    struct act_buf bytes = {0};
    save_without(&copy, NULL, &bytes);
    assert_true(bytes.len < 1000);
    assert_true(act_str_find(act_buf_str(&bytes), ACT_STR("out:7")) > 0);
    assert_int_equal(loads, 0);
    act_buf_fini(&bytes);
    end_copy(&copy);
    end(&p);
}

/* ---- sizes ---- */

static size_t
size_of(uint32_t members)
{
    struct played p;
    struct act_buf text = {0}, bytes = {0};
    act_buf_printf(&text, "for: '${{ range(%u) }}'\ndo: {run: 'echo ${{ item }}'}\n", members);
    begin(&p, text.ptr);
    to_the_end(&p);
    save_without(&p, NULL, &bytes);
    size_t size = bytes.len;
    act_buf_fini(&bytes);
    act_buf_fini(&text);
    end(&p);
    return size;
}

/* As large as what is there: a hundred bytes or so an instance, what they share once. */
static void
test_it_grows_with_what_lives(void **state)
{
    (void)state;
    size_t one = size_of(1000), two = size_of(2000);
    assert_true(one > 1000 && one < 1000 * 150);
    assert_true(two > one * 19 / 10 && two < one * 22 / 10);
}

static void
test_one_that_is_too_large_is_none(void **state)
{
    struct played p;
    struct act_buf out = {0};
    (void)state;
    begin(&p, "run: echo x\n");
    act_buf_add_cstr(&out, "before");
    assert_false(act_run_save(p.run, 50, &out));
    assert_true(act_str_is(act_buf_str(&out), "before"));
    assert_true(act_run_save(p.run, 5000, &out));
    act_buf_fini(&out);
    end(&p);
}

/* ---- bytes that do not fit ---- */

static enum act_err
try_load(struct played *p, const struct act_plan *plan, struct act_str bytes)
{
    struct act_run *run = act_run_create(plan, &p->loader);
    struct act_effects effects = {0};
    struct act_error err = {0};
    enum act_err code = act_run_load(run, bytes, &err);
    if (code == ACT_OK)
        act_run_owed(run, 0, &effects);
    else
        assert_true(err.message[0] != '\0');
    act_effects_fini(&effects);
    act_run_destroy(run);
    return code;
}

static void
test_another_plan_another_version_and_damage(void **state)
{
    struct played p, other;
    struct act_buf bytes = {0};
    (void)state;
    begin(&p, "group:\n- {run: echo a, retry: 2}\n- {for: [1, 2], do: {run: 'echo ${{ item }}'}}\n"
              "- wait: go\n");
    begin(&other, "run: echo x\n");
    save_without(&p, NULL, &bytes);
    struct act_str whole = act_buf_str(&bytes);
    assert_int_equal(try_load(&p, p.compiled.plan, whole), ACT_OK);
    assert_int_equal(try_load(&p, other.compiled.plan, whole), ACT_ERR_INVALID);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(try_load(&p, p.compiled.plan, act_str_n(whole.ptr, len)), ACT_OK);
    for (size_t at = 0; at < whole.len * 8; at++) {
        bytes.ptr[at / 8] = (char)(bytes.ptr[at / 8] ^ (1 << (at % 8)));
        enum act_err code = try_load(&p, p.compiled.plan, whole);
        if (at < 16)
            assert_int_equal(code, ACT_ERR_NEWER);
        bytes.ptr[at / 8] = (char)(bytes.ptr[at / 8] ^ (1 << (at % 8)));
    }
    act_buf_fini(&bytes);
    end(&other);
    end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_the_middle_of_a_loop_over_values),
        cmocka_unit_test(test_answers_are_kept),
        cmocka_unit_test(test_artifacts_are_kept),
        cmocka_unit_test(test_references_stay_references),
        cmocka_unit_test(test_it_grows_with_what_lives),
        cmocka_unit_test(test_one_that_is_too_large_is_none),
        cmocka_unit_test(test_another_plan_another_version_and_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
