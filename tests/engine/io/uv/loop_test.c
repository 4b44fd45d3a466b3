/* The loop port: timers, turns, posts, signals. */
#include "engine/io/uv/loop.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct act_loop *loop;
static char trail[64]; /* one letter a call */

static void
note(char letter)
{
    size_t len = strlen(trail);
    assert_true(len + 1 < sizeof trail);
    trail[len] = letter;
    trail[len + 1] = '\0';
}

static int
setup(void **state)
{
    (void)state;
    trail[0] = '\0';
    return act_uv_loop_create(&loop, NULL) != ACT_OK;
}

static int
teardown(void **state)
{
    (void)state;
    loop->ops->close(loop);
    return 0;
}

static void
stop(void *self)
{
    (void)self;
    loop->ops->stop(loop);
}

static void
note_b(void *self)
{
    (void)self;
    note('b');
}

static void
note_a_then_start_b(void *self)
{
    (void)self;
    note('a');
    loop->ops->start_timer(loop, 0, note_b, NULL);
    loop->ops->start_timer(loop, 20, stop, NULL);
}

static void
timers(void **state)
{
    (void)state;
    int64_t before = loop->ops->now_ns(loop);
    loop->ops->start_timer(loop, 10, note_a_then_start_b, NULL);
    struct act_timer *never = loop->ops->start_timer(loop, 5, note_b, NULL);
    loop->ops->stop_timer(never);
    loop->ops->stop_timer(NULL);
    loop->ops->start_timer(loop, 1000000, note_b, NULL); /* freed by close */
    loop->ops->run(loop, NULL);
    assert_string_equal(trail, "ab");
    assert_true(loop->ops->now_ns(loop) - before >= 30 * 1000000);
    assert_true(loop->ops->now_ms(loop) > INT64_C(1600000000000));
}

static int turns_left;

static void
turn(void *self)
{
    (void)self;
    note('t');
    if (--turns_left > 0)
        loop->ops->request_turn(loop);
    else
        loop->ops->stop(loop);
}

static void
two_facts(void *self)
{
    (void)self;
    note('x');
    loop->ops->request_turn(loop);
    loop->ops->request_turn(loop);
    note('y');
}

static void
turns_come_last_and_once(void **state)
{
    (void)state;
    turns_left = 3;
    loop->ops->on_turn(loop, turn, NULL);
    loop->ops->start_timer(loop, 0, two_facts, NULL);
    loop->ops->start_timer(loop, 0, two_facts, NULL);
    loop->ops->run(loop, NULL);
    assert_string_equal(trail, "xyxyttt");
}

static void
requested_before_it_runs(void **state)
{
    (void)state;
    turns_left = 1;
    loop->ops->on_turn(loop, turn, NULL);
    loop->ops->request_turn(loop);
    loop->ops->run(loop, NULL);
    assert_string_equal(trail, "t");
}

static int posted; /* on the loop's thread only */

static void
count_post(void *self)
{
    (void)self;
    if (++posted == 2000)
        loop->ops->stop(loop);
}

static void *
poster(void *self)
{
    for (int i = 0; i < 1000; i++)
        loop->ops->post(loop, count_post, NULL);
    return self;
}

static void
posts_from_threads(void **state)
{
    (void)state;
    pthread_t threads[2];
    posted = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, poster, NULL), 0);
    loop->ops->run(loop, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(posted, 2000);
}

static void
signalled(void *self, int signum)
{
    (void)self;
    note(signum == SIGINT ? 'i' : signum == SIGTERM ? 't' : 'h');
    if (strlen(trail) == 3)
        loop->ops->stop(loop);
    else
        kill(getpid(), signum == SIGINT ? SIGTERM : SIGHUP);
}

static void
signals(void **state)
{
    (void)state;
    loop->ops->on_signal(loop, signalled, NULL);
    kill(getpid(), SIGINT);
    loop->ops->run(loop, NULL);
    assert_string_equal(trail, "ith");
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1); /* and no SIGPIPE */
    close(fds[1]);
}

static void
note_t(void *self)
{
    (void)self;
    note('t');
}

static void
note_p(void *self)
{
    (void)self;
    note('p');
}

static void *
post_late(void *self)
{
    usleep(10000);
    loop->ops->post(loop, note_p, NULL);
    return self;
}

/* Another loop waits for ours: by descriptor and due time alone everything gets done. */
static void
turned_by_another_loop(void **state)
{
    (void)state;
    pthread_t thread;
    struct act_timer *far = loop->ops->start_timer(loop, 86400000, note_b, NULL);
    assert_true(act_uv_loop_turn(loop) > 0);
    assert_string_equal(trail, "");
    loop->ops->stop_timer(far);
    loop->ops->start_timer(loop, 30, note_t, NULL);
    pthread_create(&thread, NULL, post_late, NULL);
    while (strlen(trail) < 2) {
        struct pollfd fd = {.fd = act_uv_loop_fd(loop), .events = POLLIN};
        int64_t due_ms = act_uv_loop_turn(loop);
        if (due_ms != 0 && strlen(trail) < 2)
            assert_true(poll(&fd, 1, due_ms < 0 ? 60000 : (int)due_ms) >= 0);
    }
    pthread_join(thread, NULL);
    assert_true(strcmp(trail, "tp") == 0 || strcmp(trail, "pt") == 0);
}

/* ---- work ---- */

#define ERRANDS 9 /* more than are begun at once */

struct errand {
    pthread_t on;
    bool worked, done;
    sem_t *go;
};

static void
work(void *self)
{
    struct errand *errand = self;
    if (errand->go)
        sem_wait(errand->go);
    errand->on = pthread_self();
    errand->worked = true;
}

static uint32_t done_count;

static void
work_done(void *self)
{
    struct errand *errand = self;
    assert_false(errand->done);
    errand->done = true;
    if (++done_count == ERRANDS && !errand->go)
        loop->ops->stop(loop);
}

static void
work_is_done_beside_the_loop(void **state)
{
    (void)state;
    struct errand errands[ERRANDS] = {0};
    done_count = 0;
    for (int i = 0; i < ERRANDS; i++)
        loop->ops->work(loop, work, work_done, &errands[i]);
    assert_int_equal(done_count, 0); /* never within the call */
    loop->ops->run(loop, NULL);
    for (int i = 0; i < ERRANDS; i++)
        assert_true(errands[i].worked && errands[i].done &&
                    !pthread_equal(errands[i].on, pthread_self()));
}

static void
release_all(void *self)
{
    for (int i = 0; i < ERRANDS; i++)
        sem_post(self);
}

static void *
release_late(void *self)
{
    usleep(20000);
    release_all(self);
    return self;
}

/* What has begun is waited for, the rest is not done; all are told. */
static void
a_loop_that_closes_waits_for_its_work(void **state)
{
    (void)state;
    struct errand errands[ERRANDS] = {0};
    sem_t go;
    pthread_t thread;
    uint32_t worked = 0;
    done_count = 0;
    assert_int_equal(act_uv_loop_create(&loop, NULL), ACT_OK);
    assert_int_equal(sem_init(&go, 0, 0), 0);
    for (int i = 0; i < ERRANDS; i++) {
        errands[i].go = &go;
        loop->ops->work(loop, work, work_done, &errands[i]);
    }
    pthread_create(&thread, NULL, release_late, &go);
    loop->ops->close(loop);
    pthread_join(thread, NULL);
    for (int i = 0; i < ERRANDS; i++)
        worked += errands[i].worked;
    assert_int_equal(done_count, ERRANDS);
    assert_in_range(worked, 1, ERRANDS - 1);
    sem_destroy(&go);
}

static void
a_guest_leaves_the_process_alone(void **state)
{
    (void)state;
    struct act_loop *guest = NULL;
    struct sigaction before = {.sa_handler = SIG_DFL}, after;
    sigaction(SIGPIPE, &before, NULL);
    assert_int_equal(act_uv_loop_create_guest(&guest, NULL), ACT_OK);
    sigaction(SIGPIPE, NULL, &after);
    assert_true(after.sa_handler == SIG_DFL);
    guest->ops->close(guest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers, setup, teardown),
        cmocka_unit_test_setup_teardown(turns_come_last_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(requested_before_it_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(posts_from_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(signals, setup, teardown),
        cmocka_unit_test_setup_teardown(turned_by_another_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(work_is_done_beside_the_loop, setup, teardown),
        cmocka_unit_test(a_loop_that_closes_waits_for_its_work),
        cmocka_unit_test(a_guest_leaves_the_process_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
