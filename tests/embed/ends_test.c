/* The file in which a keeper notes down how attempts ended: what was written whole is proven, wherever
 * the file is cut off or damaged behind it. */
#include "embed/ends.h"

#include "base/alloc.h"
#include "engine/run/letter.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT 5

struct place {
    char folder[64], file[80];
};

static int
setup(void **state)
{
    struct place *place = act_zalloc(1, sizeof(*place));
    snprintf(place->folder, sizeof(place->folder), "/tmp/actant-ends-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/ends", place->folder);
    *state = place;
    return 0;
}

static int
teardown(void **state)
{
    struct place *place = *state;
    unlink(place->file);
    rmdir(place->folder);
    act_free(place);
    return 0;
}

static void
name_of(char name[16], int i)
{
    snprintf(name, 16, "attempt-%d", i);
}

static void
add(struct act_ends_file *ends, int i, bool stopped, enum act_cause cause)
{
    char name[16];
    struct act_buf letter = {0};
    struct act_value *value = act_value_int(i);
    struct act_event event = {.type = ACT_EVENT_ENDED,
                              .exit_code = i,
                              .cause = cause,
                              .message = ACT_STR("said"),
                              .value = value,
                              .actor_state = value,
                              .out = {.bytes = ACT_STR("wrote")},
                              .err = {.file = ACT_STR("spool"), .offset = 7, .length = 9}};
    struct act_end *end =
        act_end_create((struct act_attempt_id){(act_inst)i + 1, 2}, &event, true, event.out.bytes);
    act_letter_end(&letter, end);
    name_of(name, i);
    assert_int_equal(act_ends_add(ends, act_str(name), stopped, act_buf_str(&letter), NULL),
                     ACT_OK);
    act_end_release(end);
    act_value_release(value);
    act_buf_fini(&letter);
}

static void
settle(struct act_ends_file *ends, int i)
{
    char name[16];
    name_of(name, i);
    act_ends_settle(ends, act_str(name));
}

static void
check(const struct act_end *end, int i)
{
    assert_non_null(end);
    assert_int_equal(end->id.inst, i + 1);
    assert_int_equal(end->id.number, 2);
    assert_int_equal(end->event.exit_code, i);
    assert_true(act_str_is(end->event.message, "said"));
    assert_int_equal(act_value_as_int(end->event.value), i);
    assert_int_equal(act_value_as_int(end->event.actor_state), i);
    assert_true(end->have_output && act_str_is(end->output, "wrote"));
    assert_true(act_str_is(end->event.err.file, "spool"));
    assert_int_equal(end->event.err.offset, 7);
    assert_int_equal(end->event.err.length, 9);
}

/* How many are proven; those are the first, whole. */
static int
proven(const struct place *place)
{
    struct act_proven_list list = {0};
    char name[16];
    act_proven_read(&list, place->folder, NULL);
    int count = (int)list.list.len;
    for (int i = 0; i < COUNT; i++) {
        name_of(name, i);
        const struct act_end *end = act_proven_find(&list, act_str(name));
        if (i < count)
            check(end, i);
        else
            assert_null(end);
    }
    act_proven_fini(&list);
    return count;
}

static void
test_cut_off_anywhere(void **state)
{
    const struct place *place = *state;
    struct act_ends_file ends;
    uint64_t whole[COUNT + 1] = {0};
    assert_int_equal(proven(place), 0); /* no file */
    assert_int_equal(act_ends_open(&ends, place->folder, true, false, NULL), ACT_OK);
    for (int i = 0; i < COUNT; i++) {
        add(&ends, i, false, ACT_CAUSE_NONE);
        whole[i + 1] = ends.bytes;
    }
    act_ends_close(&ends);
    for (int count = COUNT; count > 0; count--) {
        for (uint64_t bytes = whole[count]; bytes > whole[count - 1]; bytes--) {
            assert_int_equal(truncate(place->file, (off_t)bytes), 0);
            assert_int_equal(proven(place), bytes == whole[count] ? count : count - 1);
        }
    }
}

static void
test_damaged_anywhere(void **state)
{
    const struct place *place = *state;
    struct act_ends_file ends;
    assert_int_equal(act_ends_open(&ends, place->folder, false, false, NULL), ACT_OK);
    add(&ends, 0, false, ACT_CAUSE_EXIT);
    uint64_t first = ends.bytes;
    add(&ends, 1, false, ACT_CAUSE_NONE);
    int fd = open(place->file, O_RDWR);
    for (uint64_t at = first; at < ends.bytes; at++) {
        char c, other;
        assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
        other = (char)(c ^ 0x20);
        assert_int_equal(pwrite(fd, &other, 1, (off_t)at), 1);
        assert_int_equal(proven(place), 1);
        assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
    }
    assert_int_equal(proven(place), 2);
    close(fd);
    act_ends_close(&ends);
}

static void
test_what_is_settled_goes(void **state)
{
    const struct place *place = *state;
    struct act_ends_file ends;
    assert_int_equal(act_ends_open(&ends, place->folder, false, false, NULL), ACT_OK);
    add(&ends, 0, false, ACT_CAUSE_NONE);
    add(&ends, 1, false, ACT_CAUSE_NONE);
    settle(&ends, 1);
    assert_int_equal(proven(place), 2); /* more than is owed does no harm */
    settle(&ends, 7);                   /* nobody's */
    settle(&ends, 1);
    assert_int_equal(proven(place), 2);
    settle(&ends, 0);
    assert_int_equal(proven(place), 0);
    settle(&ends, 0);
    add(&ends, 0, false, ACT_CAUSE_NONE);
    assert_int_equal(proven(place), 1);
    act_ends_close(&ends);
    act_ends_remove(place->folder);
    assert_int_equal(proven(place), 0);
}

/* The next keeper of a run: what the one before noted down stays, a record that was cut off does not stand in the way
 * of its own, and the first that is settled takes the old ones along. */
static void
test_the_next_keeper_keeps_them(void **state)
{
    const struct place *place = *state;
    struct act_ends_file ends;
    assert_int_equal(act_ends_open(&ends, place->folder, false, false, NULL), ACT_OK);
    for (int i = 0; i < 3; i++)
        add(&ends, i, false, ACT_CAUSE_NONE);
    assert_int_equal(truncate(place->file, (off_t)ends.bytes - 1), 0);
    act_ends_close(&ends);
    assert_int_equal(act_ends_open(&ends, place->folder, true, true, NULL), ACT_OK);
    assert_int_equal(proven(place), 2);
    add(&ends, 2, false, ACT_CAUSE_NONE);
    assert_int_equal(proven(place), 3);
    settle(&ends, 2);
    assert_int_equal(proven(place), 0);
    act_ends_close(&ends);
}

static void
check_proven(const struct act_proven_list *list, int i)
{
    char name[16];
    name_of(name, i);
    check(act_proven_find(list, act_str(name)), i);
}

/* The first one is never settled, which keeps the file from being emptied. */
static void
test_a_long_file_is_written_anew(void **state)
{
    enum { MANY = 20000, OWED = 3 };
    const struct place *place = *state;
    struct act_ends_file ends;
    struct act_proven_list list = {0};
    struct stat st;
    uint64_t longest = 0;
    assert_int_equal(act_ends_open(&ends, place->folder, false, false, NULL), ACT_OK);
    for (int i = 0; i < MANY; i++) {
        add(&ends, i, false, ACT_CAUSE_NONE);
        longest = ends.bytes > longest ? ends.bytes : longest;
        ends.sync = ends.bytes >= ACT_ENDS_COMPACT_BYTES; /* what comes now waits for the disk */
        if (i > OWED)
            settle(&ends, i - OWED);
        ends.sync = false;
    }
    assert_in_range(longest, ACT_ENDS_COMPACT_BYTES, ACT_ENDS_COMPACT_BYTES + 4096);
    assert_int_equal(stat(place->file, &st), 0);
    assert_int_equal(st.st_size, ends.bytes);
    act_proven_read(&list, place->folder, NULL);
    check_proven(&list, 0);
    for (int i = MANY - OWED; i < MANY; i++)
        check_proven(&list, i);
    act_proven_fini(&list);
    for (int i = 0; i < MANY; i++)
        settle(&ends, i);
    assert_int_equal(ends.bytes, 0);
    act_ends_close(&ends);
}

/* What an attempt would have come to that we asked to end is not known, unless it ended well. */
static void
test_what_was_stopped(void **state)
{
    const struct place *place = *state;
    struct act_ends_file ends;
    struct act_proven_list list = {0};
    assert_int_equal(act_ends_open(&ends, place->folder, false, false, NULL), ACT_OK);
    add(&ends, 0, true, ACT_CAUSE_SIGNAL);
    add(&ends, 1, true, ACT_CAUSE_NONE);
    act_ends_close(&ends);
    act_proven_read(&list, place->folder, NULL);
    assert_null(act_proven_find(&list, ACT_STR("attempt-0")));
    check(act_proven_find(&list, ACT_STR("attempt-1")), 1);
    act_proven_fini(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cut_off_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_settled_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_keeper_keeps_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_file_is_written_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_stopped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
