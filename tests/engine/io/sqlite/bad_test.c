/* What is no database, cannot be written, is damaged or too new: each has its message, and nothing is
 * changed. */
#include "tests/engine/io/sqlite/store_support.h"

#include "engine/io/sqlite/db.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static enum act_err
try_open(struct fixture *f)
{
    struct act_store_options options = fixture_options(f);
    memset(&f->err, 0, sizeof(f->err));
    return act_store_open(&options, &f->store, &f->err);
}

static void
write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void
test_not_a_database(void **state)
{
    struct fixture *f = *state;
    char text[8192];
    memset(text, 'x', sizeof(text));
    write_file(f->db, text, sizeof(text));
    assert_int_equal(try_open(f), ACT_ERR_FOREIGN);
    assert_string_equal(f->err.message, "this file is not an actant database");
    assert_string_equal(f->err.place, f->db);
    assert_non_null(strstr(f->err.hint, "--db"));

    write_file(f->db, "short", 5);
    assert_int_equal(try_open(f), ACT_ERR_FOREIGN);
    write_file(f->db, "", 0);
    assert_int_equal(try_open(f), ACT_ERR_FOREIGN);
    assert_string_equal(f->err.message, "the database's file is empty");
    struct stat st;
    assert_int_equal(stat(f->db, &st), 0);
    assert_int_equal(st.st_size, 0); /* left as it was */
}

static void
test_a_database_of_another_program(void **state)
{
    struct fixture *f = *state;
    raw_sql(f->db, "CREATE TABLE theirs (a)");
    assert_int_equal(try_open(f), ACT_ERR_FOREIGN);
    assert_string_equal(f->err.message, "this is a database of another program");
    raw_sql(f->db, "INSERT INTO theirs VALUES (1)");
}

static void
test_newer_and_older_formats(void **state)
{
    struct fixture *f = *state;
    char text[64];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->close(f->store);
    f->store = NULL;
    raw_sql(f->db, "PRAGMA user_version=131072");
    assert_int_equal(try_open(f), ACT_ERR_NEWER);
    assert_non_null(strstr(f->err.message, "newer actant (format 2, this one knows 1)"));
    raw_sql(f->db, "PRAGMA user_version=0");
    assert_int_equal(try_open(f), ACT_ERR_CORRUPT);
    /* A newer minor version has only added: we go on. */
    raw_sql(f->db, "PRAGMA user_version=65599; CREATE TABLE more (a)");
    assert_int_equal(try_open(f), ACT_OK);
    assert_int_equal(bodies(f->store, "r1", 1, text, sizeof(text), &f->err), ACT_OK);
}

static void
test_a_folder_a_pipe_a_missing_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->db, 0700), 0);
    assert_int_equal(try_open(f), ACT_ERR_INVALID);
    assert_string_equal(f->err.message, "the database's path is a folder");
    rmdir(f->db);
    assert_int_equal(mkfifo(f->db, 0600), 0);
    assert_int_equal(try_open(f), ACT_ERR_INVALID);
    assert_string_equal(f->err.message, "the database's path is not a regular file");
    unlink(f->db);

    char dir[280];
    struct stat st;
    snprintf(dir, sizeof(dir), "%s/one", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/one/two/actant.db", f->dir);
    assert_int_equal(try_open(f), ACT_OK);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    f->store->ops->close(f->store);
    f->store = NULL;
    snprintf(f->db, sizeof(f->db), "%s/one/two/actant.db/three", f->dir);
    assert_int_equal(try_open(f), ACT_ERR_SYSTEM);
    assert_non_null(strstr(f->err.message, strerror(ENOTDIR)));
}

static void
test_reading_what_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct act_store_options options = fixture_options(f);
    options.read_only = true;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_NOT_FOUND);
    assert_string_equal(f->err.message, "there is no database yet");
    assert_int_not_equal(access(f->db, F_OK), 0);
}

static void
test_damaged_pages(void **state)
{
    struct fixture *f = *state;
    char junk[4096 * 3];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->close(f->store);
    f->store = NULL;
    raw_sql(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    memset(junk, 0xA5, sizeof(junk));
    int fd = open(f->db, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096), sizeof(junk));
    close(fd);
    enum act_err rc = try_open(f);
    char text[64];
    if (rc == ACT_OK)
        rc = make_run(f->store, "r2", &f->err);
    if (rc == ACT_OK)
        rc = bodies(f->store, "r1", 1, text, sizeof(text), &f->err);
    assert_int_equal(rc, ACT_ERR_CORRUPT);
    assert_non_null(strstr(f->err.message, "damaged"));
    assert_non_null(strstr(f->err.hint, ".recover"));
}

static void
test_a_missing_table(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    raw_sql(f->db, "DROP TABLE runs");
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_ERR_CORRUPT);
}

/* In a child that is nobody, so that permissions count for root, too. */
static enum act_err
as_nobody(struct fixture *f, enum act_err (*fn)(struct fixture *f), char *message, size_t size)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        enum act_err rc = fn(f);
        dprintf(pipes[1], "%s", f->err.message);
        if (f->store)
            f->store->ops->close(f->store);
        _exit((int)rc);
    }
    close(pipes[1]);
    ssize_t got = read(pipes[0], message, size - 1);
    message[got > 0 ? got : 0] = '\0';
    close(pipes[0]);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    return (enum act_err)WEXITSTATUS(status);
}

static enum act_err
write_there(struct fixture *f)
{
    enum act_err rc = try_open(f);
    return rc == ACT_OK ? make_run(f->store, "r9", &f->err) : rc;
}

static enum act_err
read_there(struct fixture *f)
{
    struct act_store_options options = fixture_options(f);
    char text[64];
    options.read_only = true;
    enum act_err rc = act_store_open(&options, &f->store, &f->err);
    return rc == ACT_OK ? bodies(f->store, "r1", 1, text, sizeof(text), &f->err) : rc;
}

static void
test_read_only_places(void **state)
{
    struct fixture *f = *state;
    char message[512], path[400];
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    f->store->ops->close(f->store);
    f->store = NULL;
    raw_sql(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    static const char *const others[] = {"-wal", "-shm", ".lock", ".owners"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s%s", f->db, others[i]);
        unlink(path);
    }
    chmod(f->db, 0444);
    chmod(f->dir, 0555);
    assert_int_equal(as_nobody(f, read_there, message, sizeof(message)), ACT_OK);
    assert_int_equal(as_nobody(f, write_there, message, sizeof(message)), ACT_ERR_READ_ONLY);
    assert_non_null(strstr(message, "Permission denied"));
    snprintf(f->db, sizeof(f->db), "%s/sub/actant.db", f->dir);
    assert_int_equal(as_nobody(f, write_there, message, sizeof(message)), ACT_ERR_READ_ONLY);
    assert_non_null(strstr(message, "cannot make the folder"));
}

/* Appends until there is no room, then shows that the reserve lets the last events in. */
static void
fill(struct fixture *f)
{
    char body[8192 + 1], path[400];
    uint64_t next = 2;
    enum act_err rc;
    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    snprintf(path, sizeof(path), "%s.reserve", f->db);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(make_run(f->store, "r1", &f->err), ACT_OK);
    while ((rc = add(f->store, "r1", next, 1, body, &f->err)) == ACT_OK)
        next++;
    assert_int_equal(rc, ACT_ERR_NO_SPACE);
    assert_true(act_err_retryable(rc));
    assert_non_null(strstr(f->err.hint, "reserve"));
    assert_int_not_equal(access(path, F_OK), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(add(f->store, "r1", next++, 1, "last events", &f->err), ACT_OK);
    assert_int_equal(set_status(f->store, "r1", "suspended"), ACT_OK);
    while ((rc = add(f->store, "r1", next, 1, body, &f->err)) == ACT_OK)
        next++;
    assert_int_equal(rc, ACT_ERR_NO_SPACE);
    /* What was committed stays readable. */
    char *text = test_malloc(64u << 20);
    assert_int_equal(bodies(f->store, "r1", 1, text, 64u << 20, &f->err), ACT_OK);
    assert_non_null(strstr(text, "last events"));
    test_free(text);
}

static void
test_a_full_disk(void **state)
{
    struct fixture *f = *state;
    char dir[280];
    snprintf(dir, sizeof(dir), "%s/small", f->dir);
    mkdir(dir, 0700);
    if (mount("none", dir, "tmpfs", 0, "size=6m") != 0) {
        print_message("no tmpfs here: %s\n", strerror(errno));
        skip();
    }
    snprintf(f->db, sizeof(f->db), "%s/small/actant.db", f->dir);
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    fill(f);
    f->store->ops->close(f->store);
    f->store = NULL;
    umount2(dir, MNT_DETACH);
}

static void
test_a_disk_that_is_full_from_the_start(void **state)
{
    struct fixture *f = *state;
    char message[512];
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {1024, 1024};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        enum act_err rc = try_open(f);
        _exit((int)rc);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), ACT_ERR_NO_SPACE);
    (void)message;
    assert_int_not_equal(access(f->db, F_OK), 0); /* not half a database */
    assert_int_equal(try_open(f), ACT_OK);
}

/* The Nth write fails, N rising until all goes well: a failure has changed nothing, and the same call
 * again succeeds. */
static void
test_any_write_may_fail(void **state)
{
    struct fixture *f = *state;
    struct act_store_options options = fixture_options(f);
    char text[256], run[32];
    options.vfs = counting_vfs();
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_OK);
    assert_int_equal(make_run(f->store, "r0", &f->err), ACT_OK);
    bool clean = false;
    for (long n = 0; !clean; n++) {
        snprintf(run, sizeof(run), "run-%ld", n);
        vfs_writes_left = n;
        enum act_err rc = make_run(f->store, run, &f->err);
        clean = rc == ACT_OK;
        vfs_writes_left = -1;
        if (!clean) {
            assert_int_equal(rc, ACT_ERR_NO_SPACE);
            assert_int_equal(bodies(f->store, run, 1, text, sizeof(text), &f->err),
                             ACT_ERR_NOT_FOUND);
            assert_int_equal(make_run(f->store, run, &f->err), ACT_OK);
        }
        vfs_writes_left = n;
        rc = add(f->store, run, 2, 1, "x", &f->err);
        vfs_writes_left = -1;
        if (rc != ACT_OK)
            assert_int_equal(add(f->store, run, 2, 1, "x", &f->err), ACT_OK);
        assert_int_equal(bodies(f->store, run, 1, text, sizeof(text), &f->err), ACT_OK);
        assert_string_equal(text, "start x ");
        assert_true(n < 1000);
    }
}

static void
test_migrations_run_once_each_and_wholly(void **state)
{
    struct fixture *f = *state;
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    make_run(f->store, "r1", &f->err);
    struct act_db db;
    struct act_db_options options = {
        .path = f->db, .durability = ACT_DURABLE_PROCESS, .busy_ms = 1000};
    assert_int_equal(act_db_open(&db, &options, &f->err), ACT_OK);
    const uint32_t now = act_schema_migration_count;
    struct act_migration migrations[32] = {{NULL, NULL}};
    assert_true(now + 2 <= 32);
    migrations[now] = (struct act_migration){
        "a note", "ALTER TABLE runs ADD COLUMN note TEXT; CREATE TABLE extra (a);"};
    migrations[now + 1] =
        (struct act_migration){"broken", "CREATE TABLE half (a); CREATE TABLE half (a);"};
    assert_int_equal(act_db_migrate(&db, migrations, now + 1, &f->err), ACT_OK);
    assert_int_equal(act_db_migrate(&db, migrations, now + 1, &f->err), ACT_OK);
    assert_int_not_equal(act_db_migrate(&db, migrations, now + 2, &f->err), ACT_OK);
    act_db_close(&db);
    raw_sql(f->db, "CREATE TEMP TABLE t (n CHECK (n = 1));"
                   "INSERT INTO t SELECT count(*) FROM migrations WHERE name = 'a note';"
                   "INSERT INTO t SELECT 1 - count(*) FROM sqlite_schema WHERE name = 'half';"
                   "INSERT INTO t SELECT count(*) FROM runs WHERE note IS NULL;");
    /* The store that was open goes on. */
    assert_int_equal(add(f->store, "r1", 2, 1, "x", &f->err), ACT_OK);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_not_a_database),
        T(test_a_database_of_another_program),
        T(test_newer_and_older_formats),
        T(test_a_folder_a_pipe_a_missing_folder),
        T(test_reading_what_is_not_there),
        T(test_damaged_pages),
        T(test_a_missing_table),
        T(test_read_only_places),
        T(test_a_full_disk),
        T(test_a_disk_that_is_full_from_the_start),
        T(test_any_write_may_fail),
        T(test_migrations_run_once_each_and_wholly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
