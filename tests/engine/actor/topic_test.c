/* Topics: who hears what, by which rule, and for how long. */
#include "tests/engine/actor/actor_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    enum place place;
    struct actant_system *system;
    struct journal journal;
    struct actant_topic topic;
    size_t want;
};

static void
open_world(struct world *world, enum place place)
{
    *world = (struct world){.place = place};
    world->system = place_system(place, 9);
    journal_init(&world->journal);
    assert_int_equal(actant_topic_create(world->system, "news", &world->topic), ACTANT_OK);
}

static void
close_world(struct world *world)
{
    actant_system_destroy(world->system);
    journal_fini(&world->journal);
}

static struct actant_ref
spawn(struct world *world, const char *name, uint32_t mailbox_max, enum actant_overflow overflow)
{
    struct probe_args args = {.journal = &world->journal};
    struct actant_ref ref;
    snprintf(args.name, sizeof(args.name), "%s", name);
    const struct actant_spawn how = {.actor = &probe_class,
                                     .args = &args,
                                     .args_size = sizeof(args),
                                     .home = place_home(world->place),
                                     .mailbox_max = mailbox_max,
                                     .overflow = overflow};
    assert_int_equal(actant_spawn(world->system, &how, &ref), ACTANT_OK);
    assert_int_equal(actant_await_start(world->system, ref, 60000, NULL, NULL, 0), ACTANT_OK);
    return ref;
}

static struct actant_ref
subscriber(struct world *world, const char *name, actant_filter *filter, int self)
{
    struct actant_ref ref = spawn(world, name, 0, ACTANT_BLOCK);
    assert_int_equal(
        actant_subscribe(world->system, world->topic, ref, filter, &self, sizeof(self)), ACTANT_OK);
    return ref;
}

static size_t
publish(struct world *world, int number)
{
    size_t count = 99;
    assert_int_equal(actant_publish(world->system, world->topic, ACTANT_NOBODY, PROBE_NOTE, &number,
                                    sizeof(number), &count),
                     ACTANT_OK);
    return count;
}

static bool
has_lines(void *self)
{
    struct world *world = self;
    return journal_len(&world->journal) >= world->want;
}

static void
wait_lines(struct world *world, size_t count)
{
    world->want = count;
    wait_until(world->system, has_lines, world);
    assert_int_equal(journal_len(&world->journal), count);
}

static bool
is_multiple(const void *self, const struct actant_message *message)
{
    int of, number;
    memcpy(&of, self, sizeof(of));
    memcpy(&number, message->data, sizeof(number));
    return number % of == 0;
}

/* ---- who hears what ---------------------------------------------------------------------------- */

static void
each_hears_what_its_filter_passes(void **state)
{
    (void)state;
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        char line[40];
        open_world(&world, (enum place)place);
        subscriber(&world, "all", NULL, 0);
        subscriber(&world, "two", is_multiple, 2);
        struct actant_ref three = subscriber(&world, "three", is_multiple, 3);
        journal_clear(&world.journal);
        size_t delivered = 0;
        for (int i = 1; i <= 60; i++) {
            size_t expected = 1u + (i % 2 == 0) + (i % 3 == 0);
            assert_int_equal(publish(&world, i), expected);
            delivered += expected;
        }
        wait_lines(&world, delivered);
        for (int i = 1; i <= 60; i++) {
            snprintf(line, sizeof(line), "all %d", i);
            assert_int_equal(journal_count(&world.journal, line), 1);
            snprintf(line, sizeof(line), "two %d", i);
            assert_int_equal(journal_count(&world.journal, line), i % 2 == 0);
            snprintf(line, sizeof(line), "three %d", i);
            assert_int_equal(journal_count(&world.journal, line), i % 3 == 0);
        }
        struct actant_topic_metrics is;
        assert_int_equal(actant_topic_metrics(world.system, world.topic, &is), ACTANT_OK);
        assert_int_equal(is.published, 60);
        assert_int_equal(is.delivered, delivered);
        assert_int_equal(is.filtered, 180 - delivered);
        assert_int_equal(is.subscribers, 3);
        /* One subscription an actor: the last filter holds, in the old place. */
        int five = 5;
        assert_int_equal(
            actant_subscribe(world.system, world.topic, three, is_multiple, &five, sizeof(five)),
            ACTANT_OK);
        assert_int_equal(publish(&world, 9), 1);
        assert_int_equal(publish(&world, 15), 2);
        actant_unsubscribe(world.system, world.topic, three);
        actant_unsubscribe(world.system, world.topic, three);
        assert_int_equal(publish(&world, 15), 1);
        close_world(&world);
    }
}

static void
order_is_that_of_subscription(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct world world;
    struct actant_ref refs[MANY];
    char name[8], *is;
    open_world(&world, PLACE_LOOP);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        refs[i] = subscriber(&world, name, NULL, 0);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 13 != 5) {
            actant_unsubscribe(world.system, world.topic, refs[i]);
        }
    }
    /* Again: at the end. */
    assert_int_equal(actant_subscribe(world.system, world.topic, refs[0], NULL, NULL, 0),
                     ACTANT_OK);
    journal_clear(&world.journal);
    assert_int_equal(publish(&world, 1), 4);
    actant_system_turn(world.system, 0);
    is = journal_text(&world.journal);
    assert_string_equal(is, "s5 1, s18 1, s31 1, s0 1");
    free(is);
    close_world(&world);
}

/* ---- slow subscribers -------------------------------------------------------------------------- */

/* Nobody takes anything meanwhile: two places each, five messages. */
static void
each_mailbox_has_its_rule(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, PLACE_LOOP);
    struct actant_ref newest = spawn(&world, "newest", 2, ACTANT_DROP_NEWEST);
    struct actant_ref oldest = spawn(&world, "oldest", 2, ACTANT_DROP_OLDEST);
    struct actant_ref fails = spawn(&world, "fails", 2, ACTANT_FAIL);
    struct actant_ref takes = spawn(&world, "takes", 0, ACTANT_FAIL);
    const struct actant_ref all[] = {newest, oldest, fails, takes};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(actant_subscribe(world.system, world.topic, all[i], NULL, NULL, 0),
                         ACTANT_OK);
    }
    journal_clear(&world.journal);
    for (int i = 1; i <= 5; i++) {
        size_t count = 0;
        assert_int_equal(actant_publish(world.system, world.topic, ACTANT_NOBODY, PROBE_NOTE, &i,
                                        sizeof(i), &count),
                         i <= 2 ? ACTANT_OK : ACTANT_FULL);
        assert_int_equal(count, i <= 2 ? 4 : 3);
    }
    actant_system_turn(world.system, 0);
    char *is = journal_text(&world.journal);
    assert_string_equal(is, "newest 1, newest 2, oldest 4, oldest 5, fails 1, fails 2, "
                            "takes 1, takes 2, takes 3, takes 4, takes 5");
    free(is);
    struct actant_topic_metrics metrics;
    assert_int_equal(actant_topic_metrics(world.system, world.topic, &metrics), ACTANT_OK);
    assert_int_equal(metrics.refused, 3);
    close_world(&world);
}

/* A publisher that is an actor, and a subscriber that blocks it: it is held back after its step, and what it
 * published has come. */
struct publisher_args {
    struct world *world;
};

static int
publisher_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct publisher_args *args = state;
    int number;
    memcpy(&number, message->data, sizeof(number));
    (void)actant_publish(actant_context_system(context), args->world->topic, actant_self(context),
                         PROBE_NOTE, &number, sizeof(number), NULL);
    journal_write(&args->world->journal, "published %d", number);
    return 0;
}

static int
publisher_start(struct actant_context *context, void *state, const void *args, size_t size)
{
    (void)context;
    memcpy(state, args, size);
    return 0;
}

static const struct actant_class publisher_class = {
    .name = "publisher",
    .state_size = sizeof(struct publisher_args),
    .start = publisher_start,
    .handle = publisher_handle,
};

static void
a_publisher_is_held_back(void **state)
{
    (void)state;
    enum { MANY = 200 };
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        struct actant_ref publisher;
        open_world(&world, (enum place)place);
        struct actant_ref slow = spawn(&world, "slow", 2, ACTANT_BLOCK);
        assert_int_equal(actant_subscribe(world.system, world.topic, slow, NULL, NULL, 0),
                         ACTANT_OK);
        const struct publisher_args args = {.world = &world};
        const struct actant_spawn how = {.actor = &publisher_class,
                                         .args = &args,
                                         .args_size = sizeof(args),
                                         .home = place_home(world.place)};
        assert_int_equal(actant_spawn(world.system, &how, &publisher), ACTANT_OK);
        journal_clear(&world.journal);
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(actant_tell(world.system, publisher, PROBE_NOTE, &i, sizeof(i)),
                             ACTANT_OK);
        }
        wait_lines(&world, 2 * MANY);
        int published = 0, taken = 0, ahead_most = 0;
        for (size_t i = 0; i < 2 * MANY; i++) {
            if (world.journal.lines[i][0] == 'p') {
                published++;
            } else {
                int number;
                assert_int_equal(sscanf(world.journal.lines[i], "slow %d", &number), 1);
                assert_int_equal(number, taken++); /* none lost, in order */
            }
            ahead_most = published - taken > ahead_most ? published - taken : ahead_most;
        }
        /* Two places, one more that was taken when it was full, one in the hands of the subscriber. */
        assert_in_range(ahead_most, 0, 4);
        close_world(&world);
    }
}

/* ---- until when -------------------------------------------------------------------------------- */

static void
a_subscription_ends_with_its_holder(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct world world;
    struct actant_topic_metrics is;
    open_world(&world, PLACE_LOOP);
    struct actant_ref stays = subscriber(&world, "stays", NULL, 0);
    struct actant_ref goes = subscriber(&world, "goes", NULL, 0);
    assert_int_equal(publish(&world, 1), 2);
    assert_int_equal(actant_kill(world.system, goes), ACTANT_OK);
    actant_system_turn(world.system, 0);
    assert_int_equal(publish(&world, 2), 1);
    assert_int_equal(actant_subscribe(world.system, world.topic, goes, NULL, NULL, 0), ACTANT_GONE);
    /* Without a publication those that come and go leave nothing behind that grows. */
    for (int i = 0; i < MANY; i++) {
        struct actant_ref ref = subscriber(&world, "brief", NULL, 0);
        assert_int_equal(actant_kill(world.system, ref), ACTANT_OK);
        actant_system_turn(world.system, 0);
        journal_clear(&world.journal);
    }
    assert_int_equal(actant_topic_metrics(world.system, world.topic, &is), ACTANT_OK);
    assert_in_range(is.subscribers, 1, 16);
    assert_int_equal(publish(&world, 3), 1);
    assert_int_equal(actant_topic_metrics(world.system, world.topic, &is), ACTANT_OK);
    assert_int_equal(is.subscribers, 1);
    (void)stays;
    close_world(&world);
}

/* ---- topics ------------------------------------------------------------------------------------ */

static void
a_topic_has_a_name_of_its_own(void **state)
{
    (void)state;
    struct world world;
    struct actant_topic topic, other;
    open_world(&world, PLACE_LOOP);
    assert_int_equal(actant_topic_create(world.system, "news", &topic), ACTANT_EXISTS);
    assert_int_equal(actant_topic_create(world.system, "", &topic), ACTANT_INVALID);
    assert_int_equal(actant_topic_create(world.system, NULL, &topic), ACTANT_OK);
    assert_int_equal(actant_topic_lookup(world.system, "news", &other), ACTANT_OK);
    assert_int_equal(other.v, world.topic.v);
    assert_int_not_equal(other.v, topic.v);
    actant_topic_destroy(world.system, other);
    actant_topic_destroy(world.system, other);
    assert_int_equal(actant_topic_lookup(world.system, "news", &other), ACTANT_NOT_FOUND);
    int number = 1;
    assert_int_equal(actant_publish(world.system, world.topic, ACTANT_NOBODY, PROBE_NOTE, &number,
                                    sizeof(number), NULL),
                     ACTANT_NOT_FOUND);
    assert_int_equal(
        actant_publish(world.system, topic, ACTANT_NOBODY, ACTANT_TYPE_DOWN, NULL, 0, NULL),
        ACTANT_INVALID);
    assert_int_equal(actant_topic_create(world.system, "news", &world.topic), ACTANT_OK);
    assert_int_not_equal(other.v, world.topic.v);
    close_world(&world);
}

/* ---- large payloads ---------------------------------------------------------------------------- */

static int
reader_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    struct publisher_args *args = state;
    const unsigned char *bytes = message->data;
    bool right = true;
    (void)context;
    for (size_t i = 0; i < message->size; i++) {
        right = right && bytes[i] == (unsigned char)(i * 7);
    }
    journal_write(&args->world->journal, "%s %zu", right ? "right" : "wrong", message->size);
    return 0;
}

static const struct actant_class reader_class = {
    .name = "reader",
    .state_size = sizeof(struct publisher_args),
    .start = publisher_start,
    .handle = reader_handle,
};

static void
large_payloads_are_shared(void **state)
{
    (void)state;
    enum { READERS = 5, SIZE = 100000 };
    static unsigned char bytes[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    for (int place = 0; place < PLACES; place++) {
        struct world world;
        open_world(&world, (enum place)place);
        const struct publisher_args args = {.world = &world};
        for (int i = 0; i < READERS; i++) {
            struct actant_ref ref;
            const struct actant_spawn how = {.actor = &reader_class,
                                             .args = &args,
                                             .args_size = sizeof(args),
                                             .home = place_home(world.place)};
            assert_int_equal(actant_spawn(world.system, &how, &ref), ACTANT_OK);
            assert_int_equal(actant_subscribe(world.system, world.topic, ref, NULL, NULL, 0),
                             ACTANT_OK);
        }
        static const size_t sizes[] = {0, 1, 255, 256, 257, SIZE};
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            size_t count = 0;
            char line[40];
            assert_int_equal(actant_publish(world.system, world.topic, ACTANT_NOBODY, PROBE_NOTE,
                                            bytes, sizes[i], &count),
                             ACTANT_OK);
            assert_int_equal(count, READERS);
            wait_lines(&world, READERS * (i + 1));
            snprintf(line, sizeof(line), "right %zu", sizes[i]);
            assert_int_equal(journal_count(&world.journal, line), READERS);
        }
        close_world(&world);
    }
}

/* ---- threads ----------------------------------------------------------------------------------- */

static int
silent_handle(struct actant_context *context, void *state, const struct actant_message *message)
{
    (void)context;
    (void)state;
    (void)message;
    return 0;
}

static const struct actant_class silent_class = {
    .name = "silent",
    .state_size = sizeof(struct publisher_args),
    .start = publisher_start,
    .handle = silent_handle,
};

struct churn {
    struct world *world;
    struct actant_ref refs[8];
    atomic_bool over;
};

static void *
come_and_go(void *self)
{
    struct churn *churn = self;
    for (uint32_t i = 0; !atomic_load(&churn->over); i++) {
        struct actant_system *system = churn->world->system;
        (void)actant_subscribe(system, churn->world->topic, churn->refs[i % 8], NULL, NULL, 0);
        actant_unsubscribe(system, churn->world->topic, churn->refs[(i * 3 + 1) % 8]);
    }
    return NULL;
}

/* Others come and go on another thread meanwhile: who stays hears everything, in order. */
static void
publishers_and_subscribers_on_many_threads(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct world world;
    struct churn churn = {.world = &world};
    pthread_t thread;
    open_world(&world, PLACE_POOL);
    subscriber(&world, "stays", NULL, 0);
    for (size_t i = 0; i < 8; i++) {
        const struct publisher_args args = {.world = &world};
        const struct actant_spawn how = {
            .actor = &silent_class, .args = &args, .args_size = sizeof(args), .home = ACTANT_POOL};
        assert_int_equal(actant_spawn(world.system, &how, &churn.refs[i]), ACTANT_OK);
    }
    journal_clear(&world.journal);
    assert_int_equal(pthread_create(&thread, NULL, come_and_go, &churn), 0);
    for (int i = 0; i < MANY; i++) {
        assert_in_range(publish(&world, i), 1, 9);
    }
    atomic_store(&churn.over, true);
    pthread_join(thread, NULL);
    wait_lines(&world, MANY);
    for (int i = 0; i < MANY; i++) {
        char line[40];
        snprintf(line, sizeof(line), "stays %d", i);
        assert_string_equal(world.journal.lines[i], line);
    }
    close_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hears_what_its_filter_passes),
        cmocka_unit_test(order_is_that_of_subscription),
        cmocka_unit_test(each_mailbox_has_its_rule),
        cmocka_unit_test(a_publisher_is_held_back),
        cmocka_unit_test(a_subscription_ends_with_its_holder),
        cmocka_unit_test(a_topic_has_a_name_of_its_own),
        cmocka_unit_test(large_payloads_are_shared),
        cmocka_unit_test(publishers_and_subscribers_on_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
