/* Where the database lives. */
#include "tests/engine/io/sqlite/store_support.h"

#include "engine/io/sqlite/location.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
clean_setup(void **state)
{
    unsetenv("ACTANT_DB");
    unsetenv("XDG_STATE_HOME");
    return fixture_setup(state);
}

static void
expect(const char *option, const char *path, bool given)
{
    struct act_buf out = {0};
    bool was_given = !given;
    assert_int_equal(act_location_resolve(act_str(option), &out, &was_given, NULL), ACT_OK);
    assert_string_equal(out.ptr, path);
    assert_int_equal(was_given, given);
    act_buf_fini(&out);
}

static void
test_the_order_of_places(void **state)
{
    (void)state;
    setenv("HOME", "/home/somebody", 1);
    expect("", "/home/somebody/.local/state/actant/actant.db", false);
    setenv("XDG_STATE_HOME", "not/absolute", 1);
    expect("", "/home/somebody/.local/state/actant/actant.db", false);
    setenv("XDG_STATE_HOME", "/state", 1);
    expect("", "/state/actant/actant.db", false);
    setenv("ACTANT_DB", "/e.db", 1);
    expect("", "/e.db", true);
    expect("o.db", "o.db", true);
    unsetenv("ACTANT_DB");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    struct act_buf out = {0};
    act_location_default(&out, NULL); /* the passwd home, if there is one */
    act_buf_fini(&out);
}

static void
test_one_database_has_one_name(void **state)
{
    struct fixture *f = *state;
    char link[300];
    struct act_buf out = {0};
    f->store = fixture_open(f, ACT_DURABLE_PROCESS);
    snprintf(link, sizeof(link), "%s/link.db", f->dir);
    assert_int_equal(symlink(f->db, link), 0);
    assert_int_equal(act_location_absolute(act_str(link), &out, NULL), ACT_OK);
    assert_string_equal(out.ptr, act_store_path(f->store));
    assert_int_equal(chdir(f->dir), 0);
    act_buf_clear(&out);
    assert_int_equal(act_location_absolute(ACT_STR("actant.db"), &out, NULL), ACT_OK);
    assert_string_equal(out.ptr, act_store_path(f->store));
    act_buf_fini(&out);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(act_location_absolute(ACT_STR(""), &out, &f->err), ACT_ERR_INVALID);
}

static void
test_what_cannot_be_written_falls_back(void **state)
{
    struct fixture *f = *state;
    char tmp[300], dir[400];
    snprintf(tmp, sizeof(tmp), "%s/tmp", f->dir);
    mkdir(tmp, 0700);
    setenv("TMPDIR", tmp, 1);
    setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
    struct act_store_options options = fixture_options(f);
    options.path = (struct act_str){0};
    options.given = false;
    options.read_only = true;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_NOT_FOUND);
    options.read_only = false;
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_OK);
    snprintf(dir, sizeof(dir), "%s/actant-%lu/actant.db", tmp, (unsigned long)getuid());
    assert_string_equal(act_store_path(f->store), dir);
    assert_non_null(strstr(f->warning, dir));
    assert_non_null(strstr(f->warning, "/proc/nowhere"));
    f->store->ops->close(f->store);
    f->store = NULL;

    /* Somebody else could have made it. */
    *strrchr(dir, '/') = '\0';
    chmod(dir, 0777);
    assert_int_equal(act_store_open(&options, &f->store, &f->err), ACT_ERR_READ_ONLY);
    chmod(dir, 0700);
    /* What was named is not exchanged for another. */
    options.path = ACT_STR("/proc/nowhere/x.db");
    options.given = true;
    assert_int_not_equal(act_store_open(&options, &f->store, &f->err), ACT_OK);
    unsetenv("TMPDIR");
}

static void
test_network_file_systems_are_known(void **state)
{
    struct fixture *f = *state;
    assert_null(act_location_network(f->dir));
    assert_null(act_location_network("/proc/nothing/there"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, clean_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_the_order_of_places),
        T(test_one_database_has_one_name),
        T(test_what_cannot_be_written_falls_back),
        T(test_network_file_systems_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
