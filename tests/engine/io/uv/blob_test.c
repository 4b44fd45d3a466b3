/* The blob port: the spool, files of their own, standard input, values by reference. */
#include "engine/io/uv/blob.h"
#include "tests/engine/io/uv/process_support.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *parent, *folder;
static struct act_blob_port *blobs;

static int
setup(void **state)
{
    (void)state;
    parent = folder_make();
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/state/runs/r1", parent);
    folder = path.ptr;
    blobs = act_blob_port_create(folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    blobs->ops->close(blobs);
    act_free(folder);
    folder_remove(parent);
    return 0;
}

static void
expect_read(struct act_str file, uint64_t offset, uint64_t length, const char *wanted)
{
    struct act_buf buf = {0};
    assert_int_equal(blobs->ops->read(blobs, file, offset, length, &buf, NULL), ACT_OK);
    assert_true(act_str_is(act_buf_str(&buf), wanted));
    act_buf_fini(&buf);
}

static void
expect_fd(int fd, const char *wanted)
{
    char bytes[100];
    ssize_t got = read(fd, bytes, sizeof bytes);
    assert_int_equal(got, strlen(wanted));
    assert_memory_equal(bytes, wanted, strlen(wanted));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void
spool(void **state)
{
    (void)state;
    struct act_str file;
    uint64_t offset;
    assert_int_equal(access(folder, F_OK), -1); /* nothing was written yet */
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("hello"), &file, &offset, NULL), ACT_OK);
    assert_int_equal(offset, 0);
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR(" world"), &file, &offset, NULL), ACT_OK);
    assert_int_equal(offset, 5);
    expect_read(file, 0, 5, "hello");
    expect_read(file, 5, 100, " world");
    expect_read(file, 50, 1, "");
    blobs->ops->close(blobs); /* another life of the run goes on behind */
    blobs = act_blob_port_create(folder);
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("!"), &file, &offset, NULL), ACT_OK);
    assert_int_equal(offset, 11);
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void
own_files(void **state)
{
    (void)state;
    act_blob_file *file;
    assert_int_equal(blobs->ops->create(blobs, ACT_STR("a1.out"), &file, NULL), ACT_OK);
    assert_int_equal(blobs->ops->write(file, ACT_STR("one"), NULL), ACT_OK);
    assert_int_equal(blobs->ops->write(file, ACT_STR("two"), NULL), ACT_OK);
    blobs->ops->close_file(file);
    expect_read(ACT_STR("a1.out"), 0, 6, "onetwo");
    int fd;
    assert_int_equal(blobs->ops->open_range(blobs, ACT_STR("a1.out"), 0, 6, &fd, NULL), ACT_OK);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    expect_fd(fd, "onetwo");
    assert_int_equal(blobs->ops->open_range(blobs, ACT_STR("a1.out"), 2, 3, &fd, NULL), ACT_OK);
    expect_fd(fd, "etw");
    struct act_error err;
    assert_int_not_equal(blobs->ops->open_range(blobs, ACT_STR("a1.out"), 2, 30, &fd, &err),
                         ACT_OK);
}

static void
synced_when_asked(void **state)
{
    (void)state;
    act_blob_file *a, *b;
    struct act_str file;
    uint64_t offset;
    assert_int_equal(blobs->ops->sync(blobs, NULL), ACT_OK); /* not durable: nothing to do */
    blobs->durable = true;
    assert_int_equal(blobs->ops->sync(blobs, NULL), ACT_OK); /* nothing was written */
    assert_int_equal(blobs->ops->create(blobs, ACT_STR("a"), &a, NULL), ACT_OK);
    assert_int_equal(blobs->ops->create(blobs, ACT_STR("b"), &b, NULL), ACT_OK);
    assert_int_equal(blobs->ops->write(a, ACT_STR("one"), NULL), ACT_OK);
    assert_int_equal(blobs->ops->write(b, ACT_STR("two"), NULL), ACT_OK);
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("three"), &file, &offset, NULL), ACT_OK);
    blobs->ops->close_file(a); /* the first of the list, or the last: either may go */
    assert_int_equal(blobs->ops->sync(blobs, NULL), ACT_OK);
    assert_int_equal(blobs->ops->write(b, ACT_STR("four"), NULL), ACT_OK);
    assert_int_equal(blobs->ops->sync(blobs, NULL), ACT_OK);
    blobs->ops->close_file(b);
    expect_read(ACT_STR("b"), 0, 7, "twofour");
}

static void
names_stay_in_the_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden"};
    act_blob_file *file;
    struct act_error err;
    int fd;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(blobs->ops->create(blobs, act_str(names[i]), &file, &err),
                         ACT_ERR_CORRUPT);
        assert_int_equal(blobs->ops->open_range(blobs, act_str(names[i]), 0, 1, &fd, &err),
                         ACT_ERR_CORRUPT);
    }
    assert_int_equal(blobs->ops->create(blobs, ACT_STR("ok"), &file, &err), ACT_OK);
    blobs->ops->close_file(file);
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/link", folder);
    assert_int_equal(symlink("/etc/passwd", path.ptr), 0);
    act_buf_fini(&path);
    assert_int_not_equal(blobs->ops->open_range(blobs, ACT_STR("link"), 0, 1, &fd, &err), ACT_OK);
    assert_int_not_equal(blobs->ops->create(blobs, ACT_STR("link"), &file, &err), ACT_OK);
}

static void
memory(void **state)
{
    (void)state;
    int fd;
    assert_int_equal(blobs->ops->memory(blobs, ACT_STR("text"), &fd, NULL), ACT_OK);
#if !ACT_PORTABLE
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
#endif
    expect_fd(fd, "text");
}

static void
references(void **state)
{
    (void)state;
    struct act_str file;
    uint64_t offset;
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("xx[1, 2]\n"), &file, &offset, NULL), ACT_OK);
    struct act_value *ref = act_value_ref(&blobs->loader, ACT_STR("spool:2"), 7, ACT_OUTPUT_JSON),
                     *v;
    struct act_error err;
    assert_int_equal(act_value_resolve(ref, &v, &err), ACT_OK);
    assert_int_equal(act_value_len(v), 2);
    act_value_release(v);
    act_value_release(ref);
    static const char *const bad[] = {"spool",  "spool:", ":5",      "spool:5x",
                                      "../x:0", "gone:0", "spool:99"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ref = act_value_ref(&blobs->loader, act_str(bad[i]), 7, ACT_OUTPUT_TEXT);
        assert_int_not_equal(act_value_resolve(ref, &v, &err), ACT_OK);
        assert_true(err.message[0]);
        act_value_release(ref);
    }
}

/* A file-size limit behaves as a full disk does: a short write, then an error. */
static void
no_room(void **state)
{
    (void)state;
    struct act_str file;
    uint64_t offset;
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("kept"), &file, &offset, NULL), ACT_OK);
    struct rlimit before, tight;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    tight.rlim_cur = 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    struct act_error err;
    enum act_err failed =
        blobs->ops->spool(blobs, ACT_STR("too long for the room"), &file, &offset, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_not_equal(failed, ACT_OK);
    assert_int_equal(blobs->ops->spool(blobs, ACT_STR("more"), &file, &offset, NULL), ACT_OK);
    assert_int_equal(offset, 4); /* nothing of what failed is left */
    expect_read(file, 0, 100, "keptmore");
}

static void
folder_in_the_way(void **state)
{
    (void)state;
    file_write(parent, "state", "a file", 0644);
    struct act_str file;
    uint64_t offset;
    struct act_error err;
    assert_int_not_equal(blobs->ops->spool(blobs, ACT_STR("x"), &file, &offset, &err), ACT_OK);
    assert_non_null(strstr(err.place, "state"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spool, setup, teardown),
        cmocka_unit_test_setup_teardown(own_files, setup, teardown),
        cmocka_unit_test_setup_teardown(synced_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(names_stay_in_the_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(memory, setup, teardown),
        cmocka_unit_test_setup_teardown(references, setup, teardown),
        cmocka_unit_test_setup_teardown(no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_in_the_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
