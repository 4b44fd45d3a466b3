/* How scripts become commands; when the shell may be left out. */
#include "executors/shell/command.h"
#include "tests/executors/shell/shell_support.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct act_arena arena;

static struct act_str
joined(const char *const *argv)
{
    struct act_buf buf = {0};
    for (; argv && *argv; argv++)
        act_buf_printf(&buf, "%s<%s>", buf.len ? " " : "", *argv);
    struct act_str text = act_arena_str(&arena, act_buf_str(&buf));
    act_buf_fini(&buf);
    return text;
}

static void
skipped(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"make", "<make>"},
        {"make test", "<make> <test>"},
        {"  make \t test \n", "<make> <test>"},
        {"/bin/ls -la /tmp", "</bin/ls> <-la> </tmp>"},
        {"true", "<true>"},
        {"false", "<false>"},
        {"./run.sh a=b c:d 5% x@y +z -q ,", "<./run.sh> <a=b> <c:d> <5%> <x@y> <+z> <-q> <,>"},
        {"gcc -o x x.c", "<gcc> <-o> <x> <x.c>"},
        {"make if", "<make> <if>"}, /* a keyword only where a command begins */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char **words = act_command_words(act_str(rows[i][0]), &arena);
        assert_non_null(words);
        assert_true(is(joined(words), rows[i][1]));
    }
}

static void
not_skipped(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           " \n",      "a=b",     "a=b make", "make;",       "make\ntest",
        "make | cat", "echo x",   "cd /",    "exit 3",   "test -f x",   "[ -f x ]",
        "ls *",       "ls ?",     "ls ~",    "ls $X",    "ls `x`",      "ls \"x\"",
        "ls 'x'",     "ls x\\",   "ls &",    "ls > x",   "ls <x",       "ls #x",
        "ls (x",      "! ls",     "{ ls",    "if x",     "time ls",     ". ./x",
        ":",          "exec ls",  "kill 1",  "read x",   "wait",        "umask",
        "printf x",   "ls {a,b}", "ls [a]",  "ls \x01",  "ls \xc3\xbc", "export X",
        "function x", "source x", "alias x", "pwd",      "command ls",  "type ls",
        "ls^x",       "ls!",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct act_str row = act_str(rows[i]);
        if (act_command_words(row, &arena))
            fail_msg("started without a shell: '%.*s'", ACT_STR_ARG(row));
    }
    assert_null(act_command_words(act_str_n("ls\0x", 4), &arena));
}

static void
expect_run(const char *script, const char *shell, const char *args, const char *wanted, bool file)
{
    struct act_command command;
    struct act_value *shell_value = shell ? json(shell) : NULL,
                     *args_value = args ? json(args) : NULL;
    act_command_run(act_str(script), shell_value, args_value, true, "/s/f", &arena, &command);
    assert_true(is(joined(command.argv), wanted));
    assert_int_equal(command.script_file, file);
    assert_false(command.holds_nul);
    act_value_release(shell_value);
    act_value_release(args_value);
}

static void
shells(void **state)
{
    (void)state;
    expect_run("echo x", NULL, NULL, "<sh> <-eu> <-c> <echo x> <sh>", false);
    expect_run("echo x", NULL, "[\"a\", 1, true, null, [1, 2]]",
               "<sh> <-eu> <-c> <echo x> <sh> <a> <1> <true> <> <[1,2]>", false);
    expect_run("ls -l", NULL, NULL, "<ls> <-l>", false);
    expect_run("ls -l", "[\"sh\"]", NULL, "<ls> <-l>", false);
    expect_run("ls -l", "[\"dash\"]", NULL, "<dash> <-eu> <-c> <ls -l> <dash>", false);
    expect_run("ls -l", "[\"bash\"]", "[\"a\"]",
               "<bash> <--noprofile> <--norc> <-eu> <-o> <pipefail> <-c> <ls -l> <bash> <a>",
               false);
    expect_run("print(1)", "[\"python3\"]", "[\"a\"]", "<python3> </s/f> <a>", true);
    expect_run("x", "[\"bash\", \"-x\"]", NULL, "<bash> <-x> </s/f>", true);
    expect_run("x", "[\"awk\", \"-f\", \"{0}\", \"in\"]", "[\"b\"]", "<awk> <-f> </s/f> <in> <b>",
               true);
    expect_run("x", "[\"env\", \"--file={0}:{0}\"]", NULL, "<env> <--file=/s/f:/s/f>", true);
}

static void
long_scripts(void **state)
{
    (void)state;
    char *script = act_alloc(ACT_ARGUMENT_MAX + 2);
    memset(script, '#', ACT_ARGUMENT_MAX + 1);
    struct act_command command;
    act_command_run(act_str_n(script, ACT_ARGUMENT_MAX), NULL, NULL, true, "/s/f", &arena,
                    &command);
    assert_false(command.script_file);
    act_command_run(act_str_n(script, ACT_ARGUMENT_MAX + 1), NULL, NULL, true, "/s/f", &arena,
                    &command);
    assert_true(command.script_file);
    assert_true(is(joined(command.argv), "<sh> <-eu> </s/f>"));
    act_free(script);
}

static void
exec_argv(void **state)
{
    (void)state;
    struct act_command command;
    struct act_value *argv = json("[\"echo\", \"a b\", \"$X\", 5]");
    act_command_exec(argv, &arena, &command);
    assert_true(is(joined(command.argv), "<echo> <a b> <$X> <5>"));
    assert_false(command.holds_nul);
    act_value_release(argv);
    argv = json("[\"echo\", \"a\\u0000b\"]");
    act_command_exec(argv, &arena, &command);
    assert_true(command.holds_nul);
    act_value_release(argv);
}

static int
teardown(void **state)
{
    (void)state;
    act_arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipped),      cmocka_unit_test(not_skipped), cmocka_unit_test(shells),
        cmocka_unit_test(long_scripts), cmocka_unit_test(exec_argv),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
