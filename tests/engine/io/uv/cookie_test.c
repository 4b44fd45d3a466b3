/* Finding processes by what stands in their environment, also at bad moments. */
#include "engine/io/uv/cookie.h"

#include "engine/port/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COOKIE "ACT_TEST_COOKIE=exec"

static int
start(const char *script)
{
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    char again[256];
    snprintf(again, sizeof(again), "AGAIN=%s", script);
    char *env[] = {COOKIE, again, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, env), 0);
    return pid;
}

static void
end(int pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* One that becomes another program over and over has no environment for a moment each time. */
static void
test_is_found_in_the_middle_of_an_exec(void **state)
{
    (void)state;
    int pid = start("exec /bin/sh -c \"$AGAIN\"");
    uint32_t missed = 0, looks = 0;
    for (int64_t until = act_clock_monotonic_ms() + 2000;
         looks < 1000 || act_clock_monotonic_ms() < until; looks++)
        missed += !act_cookie_has(pid, ACT_STR(COOKIE));
    end(pid);
    assert_int_equal(missed, 0);
}

#define ENTRIES 200000 /* the kernel is at these for longer than a look takes */

/* Ours, that does nothing but become itself again. */
static int
start_self_again_and_again(void)
{
    static char *env[1 + ENTRIES + 1] = {COOKIE};
    char *argv[] = {"cookie_test", "again", NULL};
    for (size_t i = 0; i < ENTRIES; i++)
        env[1 + i] = "";
    size_t count = ENTRIES;
    pid_t pid;
    int failed;
    while ((failed = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, env)) == E2BIG)
        env[1 + (count /= 2)] = NULL; /* a small stack is the limit of its environment, too */
    assert_int_equal(failed, 0);
    return pid;
}

/* Its place is given before its length, entry by entry: for a while an environment looks as if it was to be empty. */
static void
test_is_found_while_a_large_one_is_made(void **state)
{
    (void)state;
    int pid = start_self_again_and_again();
    uint32_t missed = 0;
    int64_t until = act_clock_monotonic_ms() + 10000; /* a sanitizer makes each start long */
    for (int looks = 0; looks < 200 || (looks < 5000 && act_clock_monotonic_ms() < until); looks++)
        missed += !act_cookie_has(pid, ACT_STR(COOKIE));
    end(pid);
    assert_int_equal(missed, 0);
}

static void
test_what_carries_none(void **state)
{
    (void)state;
    int pid = start("exec /usr/bin/env -i sleep 1000");
    while (act_cookie_has(pid, ACT_STR(COOKIE)))
        usleep(1000);
    bool found = false;
    for (int i = 0; i < 100; i++)
        found = found || act_cookie_has(pid, ACT_STR(COOKIE));
    end(pid);
    assert_false(found);
    assert_false(act_cookie_has(pid, ACT_STR(COOKIE))); /* gone */
    pid = start("exit 0");
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(act_cookie_has(pid, ACT_STR(COOKIE))); /* a zombie */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(act_cookie_has(2, ACT_STR(COOKIE))); /* a kernel thread, where one sees it */
}

int
main(int argc, char **argv)
{
    if (argc > 1) {
        execv("/proc/self/exe", argv);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_found_in_the_middle_of_an_exec),
        cmocka_unit_test(test_is_found_while_a_large_one_is_made),
        cmocka_unit_test(test_what_carries_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
