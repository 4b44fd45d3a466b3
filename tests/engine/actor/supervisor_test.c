/* Supervisors: who is started again, in which order, how often, and what stays the same meanwhile. */
#include "tests/engine/actor/actor_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KIDS = 3 };

struct world {
    enum place place;
    struct actant_system *system;
    struct journal journal;
    struct actant_ref top, kid[KIDS];
    size_t want; /* lines */
};

static void
open_world(struct world *world, enum place place)
{
    *world = (struct world){.place = place};
    world->system = place_system(place, 5);
    journal_init(&world->journal);
}

static void
close_world(struct world *world)
{
    actant_system_destroy(world->system);
    journal_fini(&world->journal);
}

static struct actant_child
probe(struct world *world, struct probe_args *args, const char *name, enum actant_restart restart)
{
    *args = (struct probe_args){.journal = &world->journal};
    snprintf(args->name, sizeof(args->name), "%s", name);
    return (struct actant_child){
        .spawn = {.actor = &probe_class,
                  .args = args,
                  .args_size = sizeof(*args),
                  .home = place_home(world->place)},
        .restart = restart,
    };
}

/* Children a, b, c; the middle one of the given kind, the others permanent. */
static void
supervise(struct world *world, enum actant_strategy strategy, enum actant_restart middle,
          struct actant_supervisor how)
{
    struct probe_args args[KIDS];
    struct actant_child children[KIDS] = {
        probe(world, &args[0], "a", ACTANT_PERMANENT),
        probe(world, &args[1], "b", middle),
        probe(world, &args[2], "c", ACTANT_PERMANENT),
    };
    how.strategy = strategy;
    how.children = children;
    how.child_count = KIDS;
    how.home = place_home(world->place);
    assert_int_equal(actant_supervise(world->system, &how, &world->top), ACTANT_OK);
    memset(args, 0, sizeof(args)); /* what it was told is its own */
    for (size_t i = 0; i < KIDS; i++) {
        assert_int_equal(actant_supervised(world->system, world->top, i, &world->kid[i]),
                         ACTANT_OK);
    }
}

static bool
has_lines(void *self)
{
    struct world *world = self;
    return journal_len(&world->journal) >= world->want;
}

/* Until there are as many lines as in text; they must be those. */
static void
expect(struct world *world, const char *text)
{
    world->want = 1;
    for (const char *at = text; (at = strstr(at, ", ")); at += 2) {
        world->want++;
    }
    world->want = text[0] ? world->want : 0;
    wait_until(world->system, has_lines, world);
    if (world->place != PLACE_POOL) {
        actant_system_turn(world->system, 0);
    }
    char *is = journal_text(&world->journal);
    assert_string_equal(is, text);
    free(is);
    journal_clear(&world->journal);
}

static void
note(struct world *world, struct actant_ref to, int number)
{
    assert_int_equal(actant_tell(world->system, to, PROBE_NOTE, &number, sizeof(number)),
                     ACTANT_OK);
}

static void
tell(struct world *world, struct actant_ref to, uint32_t type)
{
    assert_int_equal(actant_tell(world->system, to, type, NULL, 0), ACTANT_OK);
}

/* ---- strategy × kind × cause ------------------------------------------------------------------- */

enum cause { CRASH, EXIT, KILL, STOP, CAUSES };

static const char *const cause_line[CAUSES] = {
    [CRASH] = "stop b error",
    [EXIT] = "stop b normal",
    [KILL] = "stop b killed",
    [STOP] = "stop b normal",
};

static void
bring_about(struct world *world, enum cause cause)
{
    struct actant_ref b = world->kid[1];
    switch (cause) {
    case CRASH: tell(world, b, PROBE_CRASH); break;
    case EXIT: tell(world, b, PROBE_EXIT); break;
    case KILL: assert_int_equal(actant_kill(world->system, b), ACTANT_OK); break;
    case STOP: assert_int_equal(actant_stop(world->system, b), ACTANT_OK); break;
    case CAUSES: break;
    }
}

static void
expected_lines(char *text, size_t size, enum actant_strategy strategy, enum actant_restart restart,
               enum cause cause)
{
    static const char *const rest[] = {
        [ACTANT_ONE_FOR_ONE] = ", start b",
        [ACTANT_ALL_FOR_ONE] = ", stop c restart, stop a restart, start a, start b, start c",
        [ACTANT_REST_FOR_ONE] = ", stop c restart, start b, start c",
    };
    bool abnormal = cause == CRASH || cause == KILL;
    bool again = restart == ACTANT_PERMANENT || (restart == ACTANT_TRANSIENT && abnormal);
    snprintf(text, size, "%s%s", cause_line[cause], again ? rest[strategy] : "");
}

static void
try_one(enum place place, enum actant_strategy strategy, enum actant_restart restart,
        enum cause cause)
{
    char text[200];
    struct world world;
    bool gone = restart == ACTANT_TEMPORARY ||
                (restart == ACTANT_TRANSIENT && (cause == EXIT || cause == STOP));
    open_world(&world, place);
    supervise(&world, strategy, restart, (struct actant_supervisor){.restarts_max = 1});
    expect(&world, "start a, start b, start c");
    bring_about(&world, cause);
    expected_lines(text, sizeof(text), strategy, restart, cause);
    expect(&world, text);
    /* Its ref is as good as it was, or stale. */
    note(&world, world.kid[0], 1);
    expect(&world, "a 1");
    if (!gone) {
        note(&world, world.kid[1], 2);
        expect(&world, "b 2");
    } else if (place != PLACE_POOL) {
        assert_int_equal(actant_tell(world.system, world.kid[1], PROBE_EXIT, NULL, 0), ACTANT_GONE);
    }
    close_world(&world);
}

static void
who_starts_again(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        for (int strategy = 0; strategy <= ACTANT_REST_FOR_ONE; strategy++) {
            for (int restart = 0; restart <= ACTANT_TEMPORARY; restart++) {
                for (int cause = 0; cause < CAUSES; cause++) {
                    try_one((enum place)place, (enum actant_strategy)strategy,
                            (enum actant_restart)restart, (enum cause)cause);
                }
            }
        }
    }
}

/* ---- order ------------------------------------------------------------------------------------- */

static void
children_stop_in_reverse_order(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        open_world(&world, (enum place)place);
        supervise(&world, ACTANT_ONE_FOR_ONE, ACTANT_PERMANENT, (struct actant_supervisor){0});
        expect(&world, "start a, start b, start c");
        assert_int_equal(actant_kill(world.system, world.top), ACTANT_OK);
        expect(&world, "stop c shutdown, stop b shutdown, stop a shutdown");
        close_world(&world);
    }
}

/* The first start of b fails twice: c waits, and each failure counts as a restart. */
static const char *
lines_of_failed_starts(enum actant_strategy strategy)
{
    return strategy == ACTANT_ALL_FOR_ONE ? "start a, fail b, stop a restart, start a, fail b, "
                                            "stop a restart, start a, start b, start c"
                                          : "start a, fail b, fail b, start b, start c";
}

static void
a_start_that_fails_is_a_stop(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        for (int strategy = 0; strategy <= ACTANT_REST_FOR_ONE; strategy++) {
            int fails = 2;
            struct world world;
            struct probe_args args[KIDS];
            open_world(&world, (enum place)place);
            struct actant_child children[KIDS] = {
                probe(&world, &args[0], "a", ACTANT_PERMANENT),
                probe(&world, &args[1], "b", ACTANT_TRANSIENT),
                probe(&world, &args[2], "c", ACTANT_PERMANENT),
            };
            args[1].fail_starts = &fails;
            const struct actant_supervisor how = {.strategy = (enum actant_strategy)strategy,
                                                  .restarts_max = 2,
                                                  .children = children,
                                                  .child_count = KIDS};
            assert_int_equal(actant_supervise(world.system, &how, &world.top), ACTANT_OK);
            expect(&world, lines_of_failed_starts(how.strategy));
            close_world(&world);
        }
    }
}

/* ---- a watcher, to hear of the supervisor itself ------------------------------------------------ */

struct watcher_args {
    struct journal *journal;
    struct actant_ref ref;
};

static int
watcher_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    memcpy(state, args, size);
    actant_monitor(context, ((struct watcher_args *)state)->ref);
    return 0;
}

static int
watcher_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct watcher_args *watcher = state;
    (void)context;
    if (message->type == ACTANT_TYPE_DOWN) {
        const struct actant_reason *reason = message->data;
        journal_write(watcher->journal, "down %s %d %s", stop_kind_text(reason->kind),
                      reason->error.code, reason->error.message);
    }
    return 0;
}

static const struct actant_class watcher_class = {
    .name = "watcher",
    .state_size = sizeof(struct watcher_args),
    .start = watcher_start,
    .handle = watcher_handle,
};

static void
watch(struct world *world, struct actant_ref ref)
{
    struct watcher_args args = {&world->journal, ref};
    const struct actant_spawn spawn = {
        .actor = &watcher_class, .args = &args, .args_size = sizeof(args)};
    struct actant_ref watcher;
    assert_int_equal(actant_spawn(world->system, &spawn, &watcher), ACTANT_OK);
    assert_int_equal(actant_await_start(world->system, watcher, 60000, NULL, NULL, 0), ACTANT_OK);
}

static bool
is_no_supervisor(void *self)
{
    struct world *world = self;
    struct actant_ref ref;
    return actant_supervised(world->system, world->top, 0, &ref) == ACTANT_GONE;
}

/* ---- intensity --------------------------------------------------------------------------------- */

static void
too_many_restarts_are_an_error(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        open_world(&world, (enum place)place);
        supervise(&world, ACTANT_ONE_FOR_ONE, ACTANT_PERMANENT,
                  (struct actant_supervisor){.restarts_max = 2});
        watch(&world, world.top);
        expect(&world, "start a, start b, start c");
        for (int i = 0; i < 2; i++) {
            tell(&world, world.kid[1], PROBE_CRASH);
            expect(&world, "stop b error, start b");
        }
        tell(&world, world.kid[1], PROBE_CRASH);
        expect(&world, "stop b error, stop c shutdown, stop a shutdown, "
                       "down error 1 child 2 (probe) stopped once too often: b crashed");
        assert_false(actant_is_alive(world.system, world.top));
        wait_until(world.system, is_no_supervisor, &world);
        close_world(&world);
    }
}

/* Those that crash while their group is being stopped are started with it: one restart. */
static void
crashes_at_once_count_once(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, PLACE_LOOP);
    supervise(&world, ACTANT_ALL_FOR_ONE, ACTANT_PERMANENT,
              (struct actant_supervisor){.restarts_max = 1});
    expect(&world, "start a, start b, start c");
    for (size_t i = 0; i < KIDS; i++) {
        tell(&world, world.kid[i], PROBE_CRASH);
    }
    expect(&world, "stop a error, stop b error, stop c error, start a, start b, start c");
    assert_true(actant_is_alive(world.system, world.top));
    close_world(&world);
}

/* Time passes: the seeded home's, by a timer of an actor that only lets it pass. */
static int
sleeper_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    int64_t ms;
    (void)state;
    memcpy(&ms, args, size);
    actant_timer_start(context, ms, 0, 1);
    return 0;
}

static int
sleeper_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    (void)state;
    if (message->type == ACTANT_TYPE_TIMER) {
        actant_exit(context);
    }
    return 0;
}

static const struct actant_class sleeper_class = {
    .name = "sleeper", .start = sleeper_start, .handle = sleeper_handle};

static void
let_pass(struct world *world, int64_t ms)
{
    const struct actant_spawn spawn = {
        .actor = &sleeper_class, .args = &ms, .args_size = sizeof(ms)};
    struct actant_ref ref;
    assert_int_equal(actant_spawn(world->system, &spawn, &ref), ACTANT_OK);
    int64_t until_ns = actant_system_now_ns(world->system) + ms * 1000000;
    actant_system_run(world->system, true);
    assert_true(actant_system_now_ns(world->system) >= until_ns);
}

static void
restarts_out_of_the_window_do_not_count(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, PLACE_SEEDED);
    supervise(&world, ACTANT_ONE_FOR_ONE, ACTANT_PERMANENT,
              (struct actant_supervisor){.restarts_max = 2, .window_ms = 1000});
    expect(&world, "start a, start b, start c");
    for (int i = 0; i < 20; i++) {
        tell(&world, world.kid[i % KIDS], PROBE_CRASH);
        let_pass(&world, 501); /* never three in any 1000 ms */
    }
    assert_true(actant_is_alive(world.system, world.top));
    journal_clear(&world.journal);
    let_pass(&world, 1000);
    for (int i = 0; i < 3; i++) {
        tell(&world, world.kid[0], PROBE_CRASH);
        let_pass(&world, 400);
    }
    assert_false(actant_is_alive(world.system, world.top));
    close_world(&world);
}

static void
the_pause_doubles_and_starts_over(void **state)
{
    (void)state;
    static const int64_t pauses[] = {10, 20, 40, 50, 50};
    for (int strategy = 0; strategy <= ACTANT_REST_FOR_ONE; strategy++) {
        struct world world;
        open_world(&world, PLACE_SEEDED);
        supervise(
            &world, (enum actant_strategy)strategy, ACTANT_PERMANENT,
            (struct actant_supervisor){
                .restarts_max = 100, .window_ms = 1000, .backoff_ms = 10, .backoff_max_ms = 50});
        actant_system_run(world.system, true);
        for (int round = 0; round < 2; round++) {
            for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
                int64_t from_ns = actant_system_now_ns(world.system);
                tell(&world, world.kid[1], PROBE_CRASH);
                actant_system_turn(world.system, 0);
                assert_false(actant_is_alive(world.system, world.kid[1]));
                actant_system_run(world.system, true);
                assert_true(actant_is_alive(world.system, world.kid[1]));
                assert_int_equal((actant_system_now_ns(world.system) - from_ns) / 1000000,
                                 pauses[i]);
            }
            let_pass(&world, 1000); /* it lives for a window: from the beginning */
        }
        close_world(&world);
    }
}

/* ---- what stays -------------------------------------------------------------------------------- */

static void
mailboxes_names_and_subscriptions_stay(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        for (int keep = 0; keep < 2; keep++) {
            struct world world;
            struct probe_args args;
            struct actant_ref found;
            struct actant_topic topic;
            int number = 9;
            open_world(&world, (enum place)place);
            struct actant_child child = probe(&world, &args, "a", ACTANT_PERMANENT);
            child.spawn.name = "the one";
            child.spawn.keep_mailbox = keep;
            const struct actant_supervisor how = {
                .restarts_max = 1, .children = &child, .child_count = 1};
            assert_int_equal(actant_supervise(world.system, &how, &world.top), ACTANT_OK);
            assert_int_equal(actant_supervised(world.system, world.top, 0, &world.kid[0]),
                             ACTANT_OK);
            assert_int_equal(actant_topic_create(world.system, NULL, &topic), ACTANT_OK);
            assert_int_equal(actant_subscribe(world.system, topic, world.kid[0], NULL, NULL, 0),
                             ACTANT_OK);
            expect(&world, "start a");
            if (place != PLACE_POOL) { /* all at once, so that some wait when it crashes */
                note(&world, world.kid[0], 1);
                tell(&world, world.kid[0], PROBE_CRASH);
                note(&world, world.kid[0], 2);
                note(&world, world.kid[0], 3);
                expect(&world, keep ? "a 1, stop a error, start a, a 2, a 3"
                                    : "a 1, stop a error, start a");
            } else {
                tell(&world, world.kid[0], PROBE_CRASH);
                expect(&world, "stop a error, start a");
            }
            assert_int_equal(actant_lookup(world.system, "the one", &found), ACTANT_OK);
            assert_true(actant_same(found, world.kid[0]));
            assert_int_equal(actant_publish(world.system, topic, ACTANT_NOBODY, PROBE_NOTE, &number,
                                            sizeof(number), NULL),
                             ACTANT_OK);
            expect(&world, "a 9");
            tell(&world, world.kid[0], PROBE_CRASH);
            expect(&world, "stop a error");
            close_world(&world);
        }
    }
}

static bool
name_is_free(void *self)
{
    struct world *world = self;
    struct actant_ref ref;
    return actant_lookup(world->system, "the one", &ref) == ACTANT_NOT_FOUND;
}

static void
a_name_is_free_when_its_holder_is_gone(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        struct probe_args args;
        struct actant_ref more;
        open_world(&world, (enum place)place);
        struct actant_child child = probe(&world, &args, "a", ACTANT_TEMPORARY);
        child.spawn.name = "the one";
        const struct actant_supervisor how = {.children = &child, .child_count = 1};
        assert_int_equal(actant_supervise(world.system, &how, &world.top), ACTANT_OK);
        /* Taken: by another tree, and in this one. Nothing is left of the attempt. */
        assert_int_equal(actant_supervise(world.system, &how, &more), ACTANT_EXISTS);
        assert_int_equal(actant_supervise_more(world.system, world.top, &child, &more),
                         ACTANT_EXISTS);
        expect(&world, "start a");
        assert_int_equal(actant_lookup(world.system, "the one", &world.kid[0]), ACTANT_OK);
        tell(&world, world.kid[0], PROBE_CRASH);
        wait_until(world.system, name_is_free, &world);
        expect(&world, "stop a error");
        assert_int_equal(actant_supervise_more(world.system, world.top, &child, &more), ACTANT_OK);
        expect(&world, "start a");
        close_world(&world);
    }
}

/* A monitor is for one stop; set again, it is for the next one. */
static int
faithful_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct watcher_args *watcher = state;
    if (message->type == ACTANT_TYPE_DOWN) {
        actant_monitor(context, watcher->ref);
    }
    return watcher_handle(context, state, message);
}

static void
a_monitor_can_be_set_again(void **state)
{
    (void)state;
    static const struct actant_class faithful_class = {
        .name = "faithful",
        .state_size = sizeof(struct watcher_args),
        .start = watcher_start,
        .handle = faithful_handle,
    };
    struct world world;
    open_world(&world, PLACE_LOOP);
    supervise(&world, ACTANT_ONE_FOR_ONE, ACTANT_PERMANENT,
              (struct actant_supervisor){.restarts_max = 9, .backoff_ms = 1});
    struct watcher_args args = {&world.journal, world.kid[1]};
    const struct actant_spawn spawn = {
        .actor = &faithful_class, .args = &args, .args_size = sizeof(args)};
    struct actant_ref watcher;
    assert_int_equal(actant_spawn(world.system, &spawn, &watcher), ACTANT_OK);
    expect(&world, "start a, start b, start c");
    for (int i = 0; i < 3; i++) {
        tell(&world, world.kid[1], PROBE_CRASH);
        expect(&world, "stop b error, down error 42 b crashed, start b");
    }
    close_world(&world);
}

static bool
low_is_free(void *self)
{
    struct world *world = self;
    struct actant_ref ref;
    return actant_lookup(world->system, "low", &ref) == ACTANT_NOT_FOUND;
}

/* ---- trees ------------------------------------------------------------------------------------- */

/* top (all for one) over: x, and a supervisor of a and b that gives up at the second crash. */
static void
build_tree(struct world *world, struct actant_ref *x, struct actant_ref *inner, uint32_t top_max)
{
    struct probe_args args[3];
    struct actant_child leaves[] = {probe(world, &args[0], "a", ACTANT_PERMANENT),
                                    probe(world, &args[1], "b", ACTANT_PERMANENT)};
    leaves[1].spawn.keep_mailbox = true;
    const struct actant_supervisor low = {
        .restarts_max = 1, .children = leaves, .child_count = 2, .name = "low"};
    const struct actant_child children[] = {probe(world, &args[2], "x", ACTANT_PERMANENT),
                                            {.supervisor = &low}};
    const struct actant_supervisor high = {.strategy = ACTANT_ALL_FOR_ONE,
                                           .restarts_max = top_max,
                                           .children = children,
                                           .child_count = 2};
    assert_int_equal(actant_supervise(world->system, &high, &world->top), ACTANT_OK);
    assert_int_equal(actant_supervised(world->system, world->top, 0, x), ACTANT_OK);
    assert_int_equal(actant_supervised(world->system, world->top, 1, inner), ACTANT_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(actant_supervised(world->system, *inner, i, &world->kid[i]), ACTANT_OK);
    }
}

static void
escalation_keeps_refs_and_mailboxes(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        struct actant_ref x, inner, found;
        open_world(&world, (enum place)place);
        build_tree(&world, &x, &inner, 1);
        /* The inner supervisor has started when its start has run; its children follow. */
        expect(&world, "start x, start a, start b");
        tell(&world, world.kid[1], PROBE_CRASH);
        expect(&world, "stop b error, start b");
        if (place != PLACE_POOL) {
            tell(&world, world.kid[1], PROBE_CRASH);
            note(&world, world.kid[1], 4);
            expect(&world, "stop b error, stop a shutdown, stop x restart, start x, start a, "
                           "start b, b 4");
        } else {
            tell(&world, world.kid[1], PROBE_CRASH);
            expect(&world, "stop b error, stop a shutdown, stop x restart, start x, start a, "
                           "start b");
        }
        assert_int_equal(actant_lookup(world.system, "low", &found), ACTANT_OK);
        assert_true(actant_same(found, inner));
        note(&world, world.kid[0], 5);
        expect(&world, "a 5");
        /* It counts anew after its own restart, and the top gives up at the next escalation. */
        watch(&world, world.top);
        tell(&world, world.kid[0], PROBE_CRASH);
        expect(&world, "stop a error, start a");
        tell(&world, world.kid[0], PROBE_CRASH);
        expect(&world,
               "stop a error, stop b shutdown, stop x shutdown, down error 1 child 2 (supervisor) "
               "stopped once too often: child 1 (probe) stopped once too often: a crashed");
        wait_until(world.system, low_is_free, &world);
        close_world(&world);
    }
}

static void
children_can_be_added(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        struct probe_args args;
        struct actant_ref d, same, e;
        open_world(&world, (enum place)place);
        supervise(&world, ACTANT_REST_FOR_ONE, ACTANT_PERMANENT,
                  (struct actant_supervisor){.restarts_max = 5});
        expect(&world, "start a, start b, start c");
        const struct actant_child child = probe(&world, &args, "d", ACTANT_TEMPORARY);
        assert_int_equal(actant_supervise_more(world.system, world.top, &child, &d), ACTANT_OK);
        expect(&world, "start d");
        assert_int_equal(actant_supervised(world.system, world.top, KIDS, &same), ACTANT_OK);
        assert_true(actant_same(d, same));
        assert_int_equal(actant_supervised(world.system, world.top, KIDS + 1, &same),
                         ACTANT_NOT_FOUND);
        tell(&world, world.kid[1], PROBE_CRASH);
        expect(&world, "stop b error, stop d restart, stop c restart, start b, start c");
        /* A tree can be added, too. */
        const struct actant_child leaf = probe(&world, &args, "e", ACTANT_PERMANENT);
        const struct actant_supervisor low = {.children = &leaf, .child_count = 1};
        const struct actant_child branch = {.supervisor = &low};
        assert_int_equal(actant_supervise_more(world.system, world.top, &branch, &e), ACTANT_OK);
        expect(&world, "start e");
        assert_int_equal(actant_supervised(world.system, e, 0, &e), ACTANT_OK);
        note(&world, e, 6);
        expect(&world, "e 6");
        close_world(&world);
    }
}

/* ---- bad input --------------------------------------------------------------------------------- */

static void
what_means_nothing_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct probe_args args;
    struct actant_ref ref, found;
    open_world(&world, PLACE_LOOP);
    const struct actant_child good = probe(&world, &args, "a", ACTANT_PERMANENT);
    const struct actant_supervisor none = {0};
    struct actant_child named = good, both = good, neither = {0};
    named.spawn.name = "left over?";
    both.supervisor = &none;
    const struct actant_child bad[] = {both, neither, {.spawn = {.actor = NULL}}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct actant_child children[] = {named, bad[i]};
        const struct actant_supervisor how = {.children = children, .child_count = 2};
        assert_int_equal(actant_supervise(world.system, &how, &ref), ACTANT_INVALID);
        actant_system_turn(world.system, 0);
        assert_int_equal(actant_lookup(world.system, "left over?", &found), ACTANT_NOT_FOUND);
    }
    assert_int_equal(
        actant_supervise(world.system, &(struct actant_supervisor){.window_ms = -1}, &ref),
        ACTANT_INVALID);
    assert_int_equal(actant_supervise(world.system, &none, &ref), ACTANT_OK);
    assert_int_equal(actant_spawn(world.system, &good.spawn, &found), ACTANT_OK);
    assert_int_equal(actant_supervised(world.system, found, 0, &ref), ACTANT_INVALID);
    /* 16 deep and no deeper. */
    struct actant_supervisor deep[17] = {{0}};
    struct actant_child link[17];
    for (int i = 15; i >= 0; i--) {
        link[i] = (struct actant_child){.supervisor = &deep[i + 1]};
        deep[i].children = &link[i];
        deep[i].child_count = 1;
    }
    assert_int_equal(actant_supervise(world.system, &deep[1], &ref), ACTANT_OK);
    assert_int_equal(actant_supervise(world.system, &deep[0], &ref), ACTANT_INVALID);
    close_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_starts_again),
        cmocka_unit_test(children_stop_in_reverse_order),
        cmocka_unit_test(a_start_that_fails_is_a_stop),
        cmocka_unit_test(too_many_restarts_are_an_error),
        cmocka_unit_test(crashes_at_once_count_once),
        cmocka_unit_test(restarts_out_of_the_window_do_not_count),
        cmocka_unit_test(the_pause_doubles_and_starts_over),
        cmocka_unit_test(mailboxes_names_and_subscriptions_stay),
        cmocka_unit_test(a_name_is_free_when_its_holder_is_gone),
        cmocka_unit_test(a_monitor_can_be_set_again),
        cmocka_unit_test(escalation_keeps_refs_and_mailboxes),
        cmocka_unit_test(children_can_be_added),
        cmocka_unit_test(what_means_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
