/* Threads and the loop: every job is done once, on the loop; notes come in order; a thread that is stuck is
 * replaced. Run under ThreadSanitizer, too. */
#include "executors/plugin/threads.h"

#include "base/alloc.h"
#include "engine/io/uv/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static const struct timespec nap = {.tv_nsec = 1000000};

struct world {
    struct act_loop *loop;
    struct act_plugin_threads *threads;
    atomic_uint ran;
    atomic_bool gate;
    uint32_t done, wanted, notes;
};

struct job {
    struct act_job job; /* first */
    struct world *world;
    uint32_t number, times;
    uint32_t next_note;
};

static void
world_open(struct world *w, uint32_t threads_max)
{
    struct act_error err;
    *w = (struct world){0};
    assert_int_equal(act_uv_loop_create(&w->loop, &err), ACT_OK);
    w->threads = act_plugin_threads_create(w->loop, threads_max);
}

static void
run_loop(struct world *w)
{
    struct act_error err;
    assert_int_equal(w->loop->ops->run(w->loop, &err), ACT_OK);
}

static void
stop_loop(void *self)
{
    struct act_loop *loop = self;
    loop->ops->stop(loop);
}

static void
world_close(struct world *w)
{
    assert_true(act_plugin_threads_close(w->threads, 60000));
    w->loop->ops->close(w->loop);
}

static void
count_run(struct act_job *job)
{
    atomic_fetch_add(&((struct job *)(void *)job)->world->ran, 1);
}

static void
count_done(struct act_job *job)
{
    struct job *self = (struct job *)(void *)job;
    struct world *w = self->world;
    w->done++;
    if (--self->times > 0)
        act_plugin_threads_run(w->threads, job);
    if (w->done == w->wanted)
        w->loop->ops->stop(w->loop);
}

static void
test_every_job_is_done_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 8);
    struct job jobs[50] = {0};
    w.wanted = 50 * 200;
    for (uint32_t i = 0; i < 50; i++) {
        jobs[i] = (struct job){
            .job = {.run = count_run, .done = count_done}, .world = &w, .number = i, .times = 200};
        act_plugin_threads_run(w.threads, &jobs[i].job);
    }
    run_loop(&w);
    assert_int_equal(w.done, w.wanted);
    assert_int_equal(atomic_load(&w.ran), w.wanted);
    world_close(&w);
}

/* ---- how many threads ---- */

enum { TOGETHER = 40 };

/* Comes back when all are there. */
static void
meet(struct act_job *job)
{
    struct world *w = ((struct job *)(void *)job)->world;
    atomic_fetch_add(&w->ran, 1);
    while (atomic_load(&w->ran) < TOGETHER)
        nanosleep(&nap, NULL);
}

static void
test_jobs_that_wait_for_each_other_run_at_once(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, TOGETHER);
    struct job jobs[TOGETHER] = {0};
    w.wanted = TOGETHER;
    for (uint32_t i = 0; i < TOGETHER; i++) {
        jobs[i] = (struct job){
            .job = {.run = meet, .done = count_done}, .world = &w, .number = i, .times = 1};
        act_plugin_threads_run(w.threads, &jobs[i].job);
    }
    run_loop(&w);
    assert_int_equal(w.done, TOGETHER);
    world_close(&w);
}

/* Closing comes before the loop has come round. */
static void
test_what_is_held_is_dropped_by_closing(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 1);
    struct job jobs[TOGETHER] = {0};
    for (uint32_t i = 0; i < TOGETHER; i++) {
        jobs[i] = (struct job){
            .job = {.run = count_run, .done = count_done}, .world = &w, .number = i, .times = 1};
        act_plugin_threads_run(w.threads, &jobs[i].job);
    }
    assert_true(act_plugin_threads_close(w.threads, 60000));
    w.loop->ops->post(w.loop, stop_loop, w.loop);
    run_loop(&w); /* the turns that are owed find nothing to do, and free the rest */
    assert_int_equal(w.done, 0);
    w.loop->ops->close(w.loop);
}

struct note {
    struct act_job job; /* first */
    struct job *from;
    uint32_t number;
};

static void
take_note(struct act_job *job)
{
    struct note *note = (struct note *)(void *)job;
    assert_int_equal(note->number, note->from->next_note++);
    note->from->world->notes++;
    act_free(note);
}

static void
write_notes(struct act_job *job)
{
    struct job *self = (struct job *)(void *)job;
    for (uint32_t i = 0; i < 500; i++) {
        struct note *note = act_zalloc(1, sizeof(*note));
        *note = (struct note){.job = {.done = take_note}, .from = self, .number = i};
        act_plugin_threads_post(self->world->threads, &note->job);
    }
}

static void
all_notes_came(struct act_job *job)
{
    struct job *self = (struct job *)(void *)job;
    assert_int_equal(self->next_note, 500); /* they come before the end */
    count_done(job);
}

static void
test_notes_come_in_order_before_the_end(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 4);
    struct job jobs[4] = {0};
    w.wanted = 4;
    for (uint32_t i = 0; i < 4; i++) {
        jobs[i] = (struct job){
            .job = {.run = write_notes, .done = all_notes_came}, .world = &w, .times = 1};
        act_plugin_threads_run(w.threads, &jobs[i].job);
    }
    run_loop(&w);
    assert_int_equal(w.notes, 4 * 500);
    world_close(&w);
}

static void
wait_at_gate(struct act_job *job)
{
    struct world *w = ((struct job *)(void *)job)->world;
    atomic_fetch_add(&w->ran, 1);
    while (!atomic_load(&w->gate))
        nanosleep(&nap, NULL);
}

static void
came_back(struct act_job *job)
{
    struct world *w = ((struct job *)(void *)job)->world;
    act_plugin_threads_came_back(w->threads);
    count_done(job);
}

static void
open_gate_and_count(struct act_job *job)
{
    atomic_store(&((struct job *)(void *)job)->world->gate, true);
    count_done(job);
}

static void
test_a_stuck_thread_is_replaced(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 1); /* so that the second job needs the place of the first */
    struct job stuck = {.job = {.run = wait_at_gate, .done = came_back}, .world = &w, .times = 1};
    struct job other = {
        .job = {.run = count_run, .done = open_gate_and_count}, .world = &w, .times = 1};
    w.wanted = 2;
    act_plugin_threads_run(w.threads, &stuck.job);
    while (atomic_load(&w.ran) == 0)
        nanosleep(&nap, NULL);
    act_plugin_threads_run(w.threads, &other.job);
    act_plugin_threads_give_up(w.threads);
    run_loop(&w);
    assert_int_equal(w.done, 2);
    world_close(&w);
}

static void
test_closing_waits_and_gives_up(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 1);
    struct act_plugin_threads *threads = w.threads;
    struct job stuck = {.job = {.run = wait_at_gate, .done = came_back}, .world = &w, .times = 1};
    act_plugin_threads_run(threads, &stuck.job);
    while (atomic_load(&w.ran) == 0)
        nanosleep(&nap, NULL);
    assert_false(act_plugin_threads_close(threads, 0));
    atomic_store(&w.gate, true);
    assert_true(act_plugin_threads_close(threads, 60000)); /* it came back meanwhile */
    w.loop->ops->post(w.loop, stop_loop, w.loop);
    run_loop(&w); /* the turn that was owed frees the rest */
    w.loop->ops->close(w.loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_is_done_once),
        cmocka_unit_test(test_jobs_that_wait_for_each_other_run_at_once),
        cmocka_unit_test(test_what_is_held_is_dropped_by_closing),
        cmocka_unit_test(test_notes_come_in_order_before_the_end),
        cmocka_unit_test(test_a_stuck_thread_is_replaced),
        cmocka_unit_test(test_closing_waits_and_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
