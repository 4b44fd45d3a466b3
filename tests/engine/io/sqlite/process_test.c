/* Several processes on one database: they take turns, they die, and nothing is lost or doubled. */
#include "tests/engine/io/sqlite/store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child a failed step ends it with this code; cmocka's asserts are the parent's. */
#define CHILD_FAILED 77
#define CHILD(expr) ((expr) ? (void)0 : _exit(CHILD_FAILED))

static int
exit_code(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
write_run(struct fixture *f, const char *run, uint64_t batches)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store;
    struct act_error err;
    CHILD(act_store_open(&options, &store, &err) == ACT_OK);
    CHILD(make_run(store, run, &err) == ACT_OK);
    for (uint64_t i = 0; i < batches; i++) {
        CHILD(add(store, run, 2 + i, 1, "x", &err) == ACT_OK);
        store->ops->maintain(store);
    }
    CHILD(set_status(store, run, "succeeded") == ACT_OK);
    store->ops->close(store);
    _exit(0);
}

/* No database yet: all of them make it at once, too. */
static void
test_four_processes_write_at_once(void **state)
{
    struct fixture *f = *state;
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char run[16];
            snprintf(run, sizeof(run), "run-%d", i);
            write_run(f, run, 200);
        }
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(exit_code(pids[i]), 0);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    for (int i = 0; i < 4; i++) {
        char run[16], text[1024];
        snprintf(run, sizeof(run), "run-%d", i);
        assert_int_equal(bodies(f->store, run, 1, text, sizeof(text), &f->err), ACT_OK);
        assert_int_equal(strlen(text), strlen("start ") + 200 * strlen("x "));
    }
    char leftover[400];
    snprintf(leftover, sizeof(leftover), "%s/actant.db.new-%ld-0", f->dir, (long)pids[0]);
    assert_int_not_equal(access(leftover, F_OK), 0);
}

/* Writes its progress to a pipe after each commit; is killed in the middle. */
static void
write_until_killed(struct fixture *f, const char *run, int pipe)
{
    struct act_store_options options = fixture_options(f);
    struct act_store *store;
    struct act_error err;
    CHILD(act_store_open(&options, &store, &err) == ACT_OK);
    enum act_err made = make_run(store, run, &err);
    uint64_t next = 2;
    if (made == ACT_ERR_EXISTS) {
        char text[8];
        CHILD(store->ops->own(store, act_str(run), &err) == ACT_OK);
        while (add(store, run, next, 1, "x", &err) == ACT_ERR_INVALID)
            next++;
        CHILD(bodies(store, run, next, text, sizeof(text), &err) == ACT_OK);
        next++;
    }
    for (;; next++) {
        CHILD(add(store, run, next, 1, "x", &err) == ACT_OK);
        CHILD(write(pipe, &next, sizeof(next)) == (ssize_t)sizeof(next));
        store->ops->maintain(store);
    }
}

/* Of 20 rounds, each of which may write until its pipe is full: 8192 events, of 2 bytes. */
#define TEXT_BYTES (1 << 20)

static void
test_a_killed_process_loses_nothing_it_committed(void **state)
{
    struct fixture *f = *state;
    uint64_t acknowledged = 0;
    srand(1);
    for (int round = 0; round < 20; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(pipes[0]);
            write_until_killed(f, "r1", pipes[1]);
        }
        close(pipes[1]);
        int rounds = 1 + rand() % 60;
        for (int i = 0; i < rounds; i++)
            assert_int_equal(read(pipes[0], &acknowledged, sizeof(acknowledged)),
                             sizeof(acknowledged));
        kill(pid, SIGKILL);
        while (read(pipes[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
            continue;
        close(pipes[0]);
        assert_int_equal(exit_code(pid), 128 + SIGKILL);

        /* Ownership went with the process, the log is whole, all it spoke of is there. */
        struct act_store *store = fixture_open(f, ACT_DURABLE_PROCESS);
        struct act_arena arena = {0};
        struct act_run_row row;
        char *text = test_malloc(TEXT_BYTES);
        assert_int_equal(store->ops->find_run(store, ACT_STR("r1"), &arena, &row, &f->err), ACT_OK);
        assert_true(act_str_is(row.status, "interrupted"));
        assert_int_equal(bodies(store, "r1", 1, text, TEXT_BYTES, &f->err), ACT_OK);
        uint64_t events = 1 + (strlen(text) - strlen("start ")) / 2;
        assert_true(events >= acknowledged && events <= acknowledged + 1);
        test_free(text);
        act_arena_fini(&arena);
        store->ops->close(store);
    }
}

static void
test_a_living_owner_is_named_a_dead_one_is_not_in_the_way(void **state)
{
    struct fixture *f = *state;
    int pipes[2];
    char byte;
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct act_store_options options = fixture_options(f);
        struct act_store *store;
        CHILD(act_store_open(&options, &store, NULL) == ACT_OK);
        CHILD(make_run(store, "r1", NULL) == ACT_OK);
        CHILD(write(pipes[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_ERR_OWNED);
    char message[64];
    snprintf(message, sizeof(message), "run r1 is being run by process %ld", (long)pid);
    assert_string_equal(f->err.message, message);
    kill(pid, SIGKILL);
    exit_code(pid);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    assert_int_equal(add(f->store, "r1", 2, 1, "more", &f->err), ACT_OK);
    close(pipes[0]);
    close(pipes[1]);
}

/* What a process was starting when it was killed has its descriptors, and with them the lock, for as long
 * as it takes to come up. */
static void
test_what_a_dead_owner_was_starting_is_waited_for(void **state)
{
    struct fixture *f = *state;
    int pipes[2];
    char byte;
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct act_store_options options = fixture_options(f);
        struct act_store *store;
        CHILD(act_store_open(&options, &store, NULL) == ACT_OK);
        CHILD(make_run(store, "r1", NULL) == ACT_OK);
        if (fork() == 0) {
            usleep(200000);
            _exit(0);
        }
        CHILD(write(pipes[1], "x", 1) == 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    kill(pid, SIGKILL);
    exit_code(pid);
    assert_int_equal(f->store->ops->own(f->store, ACT_STR("r1"), &f->err), ACT_OK);
    close(pipes[0]);
    close(pipes[1]);
}

static void
test_who_holds_the_lock_too_long_is_named(void **state)
{
    struct fixture *f = *state;
    struct act_store_options options = fixture_options(f);
    options.busy_ms = 30;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_OK);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    char path[400];
    snprintf(path, sizeof(path), "%s.lock", f->db);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(add(f->store, "r1", 2, 1, "x", &f->err), ACT_ERR_BUSY);
    snprintf(path, sizeof(path), "process %ld (", (long)getpid());
    assert_ptr_equal(strstr(f->err.message, path), f->err.message);
    assert_string_equal(f->err.place, act_store_path(f->store));
    assert_true(f->err.hint[0] != '\0');
    /* Reading is not in its way. */
    char text[32];
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
    close(fd);
    assert_int_equal(add(f->store, "r1", 2, 1, "x", &f->err), ACT_OK);
}

/* A reader that came before goes on seeing what it saw, and no checkpoint waits for it. */
static enum act_err
write_meanwhile(void *self, const struct act_batch *batch, struct act_error *err)
{
    struct fixture *f = self;
    if (batch->first_seq > 1)
        return ACT_OK;
    for (uint64_t i = 0; i < 50; i++) {
        enum act_err rc = add(f->store, "r1", 3 + i, 1, "late", err);
        if (rc != ACT_OK)
            return rc;
        f->store->ops->maintain(f->store);
    }
    return ACT_OK;
}

static void
test_reading_and_writing_do_not_meet(void **state)
{
    struct fixture *f = *state;
    char text[1024];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    add(f->store, "r1", 2, 1, "early", &f->err);
    struct act_store_options options = fixture_options(f);
    struct act_store *reader;
    options.read_only = true;
    assert_int_equal(act_store_open(&options, &reader, &f->err), ACT_OK);
    assert_int_equal(
        reader->ops->read_batches(reader, ACT_STR("r1"), 1, write_meanwhile, f, &f->err), ACT_OK);
    assert_int_equal(bodies(reader, "r1", 52, text, sizeof(text), &f->err), ACT_OK);
    assert_string_equal(text, "late ");
    assert_int_equal(add(reader, "r1", 53, 1, "x", &f->err), ACT_ERR_OWNED);
    assert_int_equal(make_run(reader, "r2", &f->err), ACT_ERR_READ_ONLY);
    reader->ops->close(reader);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_four_processes_write_at_once),
        T(test_a_killed_process_loses_nothing_it_committed),
        T(test_a_living_owner_is_named_a_dead_one_is_not_in_the_way),
        T(test_what_a_dead_owner_was_starting_is_waited_for),
        T(test_who_holds_the_lock_too_long_is_named),
        T(test_reading_and_writing_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
