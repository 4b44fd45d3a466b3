/* Who may be called when, what goes with the call, what goes into the store. */
#include "engine/run/callees.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A store that knows one actor, and lends global ones as it is told. */
struct fake {
    struct act_store store;
    uint64_t version;
    char state[16];
    bool elsewhere, global_only;
    uint32_t reads, takes;
};

static enum act_err
fake_read(struct act_store *self, struct act_str run, const struct act_actor_id *id,
          struct act_buf *state, uint64_t *version, struct act_error *err)
{
    struct fake *fake = (struct fake *)self;
    (void)run;
    (void)err;
    fake->reads++;
    if (fake->global_only && !id->global) {
        *version = 0;
        return ACT_OK;
    }
    act_buf_add_cstr(state, fake->state);
    *version = fake->version;
    return ACT_OK;
}

static enum act_err
fake_take(struct act_store *self, struct act_str run, const struct act_actor_id *id, bool *granted,
          int64_t *retry_ms, struct act_error *err)
{
    struct fake *fake = (struct fake *)self;
    (void)run;
    (void)id;
    (void)err;
    fake->takes++;
    *granted = !fake->elsewhere;
    *retry_ms = fake->elsewhere ? 30 : 0;
    return ACT_OK;
}

static const struct act_store_ops fake_ops = {.read_actor = fake_read, .take_actor = fake_take};

static struct act_task
call_of(const char *name, bool global, uint32_t checkpoint)
{
    struct act_task task = {.kind = ACT_KIND_CALL};
    task.actor.name = act_str(name);
    task.actor.target = ACT_STR("m:C");
    task.actor.python = true;
    task.actor.global = global;
    task.actor.checkpoint = checkpoint;
    return task;
}

static bool
enter(struct act_callees *callees, const struct act_task *task, act_inst inst)
{
    bool go = false;
    assert_int_equal(act_callees_enter(callees, task, "nonce", inst, 0, &go, NULL), ACT_OK);
    return go;
}

/* The next one that is handed back, or none. */
static act_inst
called(struct act_callees *callees)
{
    struct act_ready ready = {0};
    act_callees_call(callees, &ready);
    act_inst inst = act_ready_heap_pop(&ready);
    assert_int_equal(act_ready_heap_pop(&ready), ACT_INST_NONE);
    act_ready_heap_fini(&ready);
    return inst;
}

static void
end(struct act_callees *callees, act_inst inst, const char *state)
{
    struct act_value *v = state ? act_value_cstring(state) : NULL;
    act_callees_ended(callees, inst, v);
    act_value_release(v);
}

/* What a commit would write, as "base>version:state", "give" for none; then it is committed. */
static const char *
commit(struct act_callees *callees, bool all, bool wanted)
{
    static char text[128];
    act_actor_saves saves = {0};
    size_t len = 0;
    act_callees_gather(callees, all, 5, &saves);
    text[0] = '\0';
    for (uint32_t i = 0; i < saves.len; i++) {
        struct act_actor_save *save = &saves.ptr[i];
        save->wanted = wanted && save->id.global;
        save->released = save->id.global && !save->keep && (save->release || wanted);
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%s%u>%u:%.*s%s%s", len ? " " : "",
                             (unsigned)save->base, (unsigned)save->version,
                             ACT_STR_ARG(save->state), save->keep && save->id.global ? " keep" : "",
                             save->release && save->id.global ? " release" : "");
    }
    act_callees_committed(callees, saves.ptr, saves.len);
    act_vec_fini(&saves);
    return text;
}

static void
test_one_at_a_time_in_order(void **state)
{
    (void)state;
    struct act_callees callees = {0};
    struct act_task a = call_of("a", false, 1), b = call_of("b", false, 1),
                    shell = {.kind = ACT_KIND_RUN};
    assert_true(enter(&callees, &shell, 100));
    assert_true(enter(&callees, &shell, 101));
    assert_true(enter(&callees, &a, 1));
    assert_false(enter(&callees, &a, 2));
    assert_false(enter(&callees, &a, 3));
    assert_true(enter(&callees, &b, 4));
    assert_int_equal(called(&callees), ACT_INST_NONE);
    end(&callees, 100, NULL); /* no call: nothing happens */
    end(&callees, 1, "x");
    assert_int_equal(called(&callees), 2);
    assert_false(enter(&callees, &a, 5)); /* does not overtake the one that was called */
    assert_int_equal(called(&callees), ACT_INST_NONE);
    assert_true(enter(&callees, &a, 2));
    end(&callees, 2, "y");
    assert_int_equal(called(&callees), 3);
    act_callees_refused(&callees, 3); /* cancelled while it waited */
    assert_int_equal(called(&callees), 5);
    assert_true(enter(&callees, &a, 5));
    act_callees_refused(&callees, 5); /* not dispatched after all */
    assert_true(enter(&callees, &a, 6));
    act_callees_fini(&callees);
}

static void
test_priority_then_arrival(void **state)
{
    (void)state;
    struct act_callees callees = {0};
    struct act_task a = call_of("a", false, 1);
    bool go;
    assert_true(enter(&callees, &a, 1));
    assert_false(enter(&callees, &a, 2));
    assert_int_equal(act_callees_enter(&callees, &a, "", 3, 7, &go, NULL), ACT_OK);
    end(&callees, 1, NULL);
    assert_int_equal(called(&callees), 3);
    act_callees_fini(&callees);
}

static void
test_the_state_goes_with_the_call(void **state)
{
    (void)state;
    struct fake fake = {.store.ops = &fake_ops, .version = 4, .state = "four"};
    struct act_callees callees = {.store = &fake.store, .run = ACT_STR("r")};
    struct act_task a = call_of("a", false, 1);
    assert_true(enter(&callees, &a, 1));
    act_callees_lend(&callees, 1, &a);
    assert_int_equal(a.actor_version, 4);
    assert_true(act_str_is(act_value_as_str(a.actor_state), "four"));
    end(&callees, 1, "five");
    assert_string_equal(commit(&callees, false, false), "4>5:five");
    assert_string_equal(commit(&callees, false, false), "");
    assert_true(enter(&callees, &a, 2));
    act_callees_lend(&callees, 2, &a);
    assert_int_equal(a.actor_version, 5);
    end(&callees, 2, NULL); /* it failed: the state is as it was */
    assert_string_equal(commit(&callees, false, false), "");
    assert_true(enter(&callees, &a, 3));
    act_callees_lend(&callees, 3, &a);
    assert_int_equal(a.actor_version, 5);
    assert_true(act_str_is(act_value_as_str(a.actor_state), "five"));
    assert_int_equal(fake.reads, 1);
    assert_int_equal(fake.takes, 0);
    act_callees_fini(&callees);
}

static void
test_saved_after_every_nth_and_when_nobody_waits(void **state)
{
    (void)state;
    struct fake fake = {.store.ops = &fake_ops};
    struct act_callees callees = {.store = &fake.store};
    struct act_task a = call_of("a", false, 3);
    assert_true(enter(&callees, &a, 1));
    for (act_inst inst = 2; inst <= 6; inst++)
        assert_false(enter(&callees, &a, inst));
    static const char *const written[] = {"", "", "0>3:3", "", "", "3>6:6"};
    for (act_inst inst = 1; inst <= 6; inst++) {
        char text[2] = {(char)('0' + inst), '\0'};
        end(&callees, inst, text);
        act_inst next = called(&callees);
        if (next)
            assert_true(enter(&callees, &a, next));
        assert_string_equal(commit(&callees, false, false), written[inst - 1]);
    }
    /* A wait that comes to nothing does not keep it from being written, nor does the end of the run. */
    assert_true(enter(&callees, &a, 7));
    assert_false(enter(&callees, &a, 8));
    end(&callees, 7, "7");
    assert_string_equal(commit(&callees, false, false), "");
    assert_int_equal(called(&callees), 8);
    act_callees_refused(&callees, 8);
    assert_string_equal(commit(&callees, false, false), "6>7:7");
    assert_true(enter(&callees, &a, 9));
    assert_false(enter(&callees, &a, 10));
    end(&callees, 9, "9");
    assert_string_equal(commit(&callees, true, false), "7>8:9");
    act_callees_fini(&callees);
}

static void
test_a_global_actor_changes_hands(void **state)
{
    (void)state;
    struct fake fake = {.store.ops = &fake_ops, .version = 1, .state = "one", .elsewhere = true};
    struct act_callees callees = {.store = &fake.store};
    struct act_task a = call_of("a", true, 1);
    assert_false(enter(&callees, &a, 1));
    assert_int_equal(callees.retry_ms, 30);
    assert_false(enter(&callees, &a, 2));
    assert_int_equal(fake.takes, 1); /* not asked for again before the time */
    assert_int_equal(called(&callees), ACT_INST_NONE);
    fake.elsewhere = false;
    act_callees_retry(&callees);
    assert_int_equal(callees.retry_ms, 0);
    assert_int_equal(called(&callees), 1);
    assert_true(enter(&callees, &a, 1));
    end(&callees, 1, "two");
    assert_int_equal(called(&callees), ACT_INST_NONE); /* not before it is known whose it is */
    assert_string_equal(commit(&callees, false, false), "1>2:two");
    assert_int_equal(called(&callees), 2);
    assert_true(enter(&callees, &a, 2));
    assert_int_equal(fake.takes, 2); /* it was kept */
    assert_false(enter(&callees, &a, 3));
    end(&callees, 2, "three");
    assert_string_equal(commit(&callees, false, true), "2>3:three");
    fake.version = 9;
    snprintf(fake.state, sizeof(fake.state), "nine"); /* what another run made of it */
    assert_int_equal(called(&callees), 3);
    assert_true(enter(&callees, &a, 3));
    act_callees_lend(&callees, 3, &a);
    assert_int_equal(a.actor_version, 9);
    assert_true(act_str_is(act_value_as_str(a.actor_state), "nine"));
    assert_int_equal(fake.takes, 3);
    end(&callees, 3, NULL);
    assert_string_equal(commit(&callees, false, false), "0>0: release");
    assert_int_equal(called(&callees), ACT_INST_NONE);
    act_callees_fini(&callees);
}

static void
test_what_makes_another_actor(void **state)
{
    (void)state;
    struct act_callees callees = {0};
    struct act_task a = call_of("a", false, 1), b = a, c = a, d = a, e = a, f = a;
    struct act_value *one = act_value_map(), *two = act_value_map();
    act_value_map_put(one, ACT_STR("t"),
                      act_value_cstring("\x01"
                                        "ACTSECRET:nonce:T\x01"));
    act_value_map_put(two, ACT_STR("t"),
                      act_value_cstring("\x01"
                                        "ACTSECRET:other:T\x01"));
    b.actor.target = ACT_STR("m:D");
    c.actor_with = d.actor_with = one;
    e.actor_with = two;
    f.actor.file = ACT_STR("sub.yaml");
    bool go;
    assert_true(enter(&callees, &a, 1));
    assert_true(enter(&callees, &b, 2));
    assert_true(enter(&callees, &c, 3));
    assert_false(enter(&callees, &d, 4));
    /* Another run's name of the same secret is the same. */
    assert_int_equal(act_callees_enter(&callees, &e, "other", 5, 0, &go, NULL), ACT_OK);
    assert_false(go);
    assert_true(enter(&callees, &f, 6));
    assert_int_equal(callees.list.len, 4);
    act_value_release(one);
    act_value_release(two);
    act_callees_fini(&callees);
}

/* ---- at random ---- */

#define ACTORS 3
#define CALLS 400

struct world {
    struct act_callees callees;
    struct act_task tasks[ACTORS];
    struct act_ready ready;
    act_inst under_way[ACTORS];
    uint64_t made[ACTORS], stored[ACTORS]; /* calls that went well; as of the store */
    uint32_t seed, begun, ended, withdrawn;
};

static uint32_t
dice(struct world *w, uint32_t sides)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 8) % sides;
}

static uint32_t
actor_of(act_inst inst)
{
    return (uint32_t)(inst % ACTORS);
}

static void
offer(struct world *w, act_inst inst)
{
    struct act_task task = w->tasks[actor_of(inst)];
    bool go = false;
    assert_int_equal(act_callees_enter(&w->callees, &task, "", inst, 0, &go, NULL), ACT_OK);
    if (!go)
        return;
    assert_int_equal(w->under_way[actor_of(inst)], ACT_INST_NONE); /* one at a time */
    if (dice(w, 10) == 0) {                                        /* it was cancelled */
        act_callees_refused(&w->callees, inst);
        w->withdrawn++;
        return;
    }
    act_callees_lend(&w->callees, inst, &task);
    uint64_t brought = 0;
    if (task.actor_state)
        brought = strtoull(act_value_as_str(task.actor_state).ptr, NULL, 10);
    assert_int_equal(brought, w->made[actor_of(inst)]); /* with all that went well before it */
    w->under_way[actor_of(inst)] = inst;
    w->begun++;
}

static void
end_one(struct world *w, uint32_t actor)
{
    char text[24];
    bool well = dice(w, 4) != 0;
    if (!w->under_way[actor])
        return;
    w->made[actor] += well;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)w->made[actor]);
    end(&w->callees, w->under_way[actor], well ? text : NULL);
    w->under_way[actor] = ACT_INST_NONE;
    w->ended++;
}

static void
commit_some(struct world *w, struct fake *fake)
{
    act_actor_saves saves = {0};
    act_callees_gather(&w->callees, false, 1, &saves);
    for (uint32_t i = 0; i < saves.len; i++) {
        struct act_actor_save *save = &saves.ptr[i];
        uint32_t actor = (uint32_t)(save->id.name.ptr[0] - 'a');
        if (save->version > 0) {
            assert_int_equal(save->base, w->stored[actor]);
            assert_true(save->version > save->base);
            assert_int_equal(strtoull(save->state.ptr, NULL, 10), w->made[actor]);
            w->stored[actor] = save->version;
        }
        if (save->id.global) {
            save->wanted = dice(w, 3) == 0;
            save->released = !save->keep && (save->release || save->wanted);
            assert_true(!save->released || w->stored[actor] == w->made[actor]);
            assert_true(!save->released || !w->under_way[actor]); /* not under a call's feet */
        }
        if (save->id.global && save->version > 0) {
            fake->version = w->stored[actor];
            snprintf(fake->state, sizeof(fake->state), "%llu", (unsigned long long)w->made[actor]);
        }
    }
    act_callees_committed(&w->callees, saves.ptr, saves.len);
    act_vec_fini(&saves);
}

/* Whatever comes in whatever order: one at a time, each with the state of all before it, each save on
 * top of the one before, and nobody is forgotten. */
static void
test_at_random(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct fake fake = {.store.ops = &fake_ops, .global_only = true};
        struct world w = {.callees.store = &fake.store, .seed = seed};
        w.tasks[0] = call_of("a", false, 1);
        w.tasks[1] = call_of("b", false, 5);
        w.tasks[2] = call_of("c", true, 3);
        for (act_inst inst = 1; inst <= CALLS; inst++)
            act_ready_heap_push(&w.ready, inst, (int32_t)dice(&w, 3));
        for (uint32_t step = 0; step < 20000 && w.ended + w.withdrawn < CALLS; step++) {
            if (actor_of(step) == 2 && dice(&w, 5) == 0) { /* another run comes and goes */
                fake.elsewhere = !fake.elsewhere;
                act_callees_retry(&w.callees);
            }
            act_callees_call(&w.callees, &w.ready);
            act_inst inst = act_ready_heap_pop(&w.ready);
            if (inst)
                offer(&w, inst);
            end_one(&w, dice(&w, ACTORS));
            commit_some(&w, &fake);
        }
        assert_int_equal(w.ended + w.withdrawn, CALLS);
        for (uint32_t i = 0; i < ACTORS; i++)
            assert_int_equal(w.stored[i], w.made[i]);
        act_ready_heap_fini(&w.ready);
        act_callees_fini(&w.callees);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time_in_order),
        cmocka_unit_test(test_priority_then_arrival),
        cmocka_unit_test(test_the_state_goes_with_the_call),
        cmocka_unit_test(test_saved_after_every_nth_and_when_nobody_waits),
        cmocka_unit_test(test_a_global_actor_changes_hands),
        cmocka_unit_test(test_what_makes_another_actor),
        cmocka_unit_test(test_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
