/* A command that is started without a shell behaves as under `sh -eu`: the whole corpus, both ways. */
#include "tests/executors/shell/shell_support.h"

#include "base/alloc.h"
#include "executors/shell/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
make_link(const char *folder, const char *name, const char *to)
{
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/%s", folder, name);
    assert_int_equal(symlink(to, path.ptr), 0);
    act_buf_fini(&path);
}

/* The same folder anew for each run: a command may change what stands there. */
static void
make_files(const char *folder)
{
    struct act_buf sub = {0};
    act_buf_printf(&sub, "%s/sub", folder);
    remove_folder(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(sub.ptr, 0700), 0);
    act_buf_fini(&sub);
    write_file(folder, "words.txt", "one\ntwo\n", 0644);
    write_file(folder, "numbers.txt", "10\n9\n", 0644);
    write_file(folder, "pairs.txt", "a:b=c\nb:a=d\n", 0644);
    write_file(folder, "single.txt", "x\n", 0644);
    write_file(folder, "sub/tool", "#!/bin/sh\necho tool $0 $*\n", 0755);
    write_file(folder, "script.sh", "#!/bin/sh\nprintf '<%s>' \"$0\" \"$@\"\n", 0755);
    write_file(folder, "plain-script", "echo plain \"$0\" \"$@\"; exit 3\n", 0755);
    write_file(folder, "fails", "#!/bin/sh\necho out; echo err >&2; exit 42\n", 0755);
    write_file(folder, "killed", "#!/bin/sh\nkill -KILL $$\n", 0755);
    write_file(folder, "aborts", "#!/bin/sh\nulimit -c 0; kill -ABRT $$\n", 0755);
    write_file(folder, "terminated", "#!/bin/sh\necho x; kill -TERM $$\n", 0755);
    write_file(folder, "interrupted", "#!/bin/sh\ntrap - INT; kill -INT $$\n", 0755);
    write_file(folder, "reads-stdin", "#!/bin/sh\nwc -c\n", 0755);
    write_file(folder, "prints-both", "#!/bin/sh\necho a; echo b >&2; echo c\n", 0755);
    write_file(folder, "not-executable", "#!/bin/sh\n", 0644);
    write_file(folder, "empty", "", 0755);
    write_file(folder, "no-interpreter", "#!/no/such/interpreter\n", 0755);
    write_file(folder, "bad-interpreter", "#!/etc/passwd\n", 0755);
    write_file(folder, "with.dots-and_more+chars%x,y:z@w=v", "#!/bin/sh\necho odd\n", 0755);
    make_link(folder, "link", "words.txt");
    make_link(folder, "link-to-script", "script.sh");
    make_link(folder, "link-to-nothing", "nothing");
    make_link(folder, "link-loop", "link-loop");
}

static struct ended
run(struct bench *bench, const char *line, bool always_shell)
{
    make_files(bench->folder);
    bench->options.always_shell = always_shell;
    bench_reopen_executor(bench);
    struct act_task task = task_run(line);
    return bench_run(bench, &task);
}

/* That a signal ended it is known only without a shell in between. */
static bool
same(const struct ended *a, const struct ended *b)
{
    return a->event.exit_code == b->event.exit_code && a->event.cause == b->event.cause &&
           act_str_eq(a->out, b->out) && act_str_eq(a->err, b->err);
}

static void
show(const char *what, const struct ended *e)
{
    fprintf(stderr, "  %s: exit %d, signal %d, cause %d\n    out: %.*s\n    err: %.*s\n", what,
            e->event.exit_code, e->event.signal, (int)e->event.cause, ACT_STR_ARG(e->out),
            ACT_STR_ARG(e->err));
}

static void
corpus(void **state)
{
    (void)state;
    const char *source = getenv("ACT_SOURCE_DIR");
    struct act_buf path = {0};
    act_buf_printf(&path, "%s/tests/executors/shell/corpus.txt", source ? source : ".");
    FILE *file = fopen(path.ptr, "re");
    act_buf_fini(&path);
    assert_non_null(file);
    setenv("ACT_CORPUS", "from the environment", 1);
    unsetenv("OLDPWD");
    struct bench bench;
    bench_open(&bench, NULL);
    char line[400];
    unsigned count = 0, direct = 0, different = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == 0 || strncmp(line, "# ", 2) == 0)
            continue;
        struct act_arena arena = {0};
        direct += act_command_words(act_str(line), &arena) != NULL;
        act_arena_fini(&arena);
        struct ended ours = run(&bench, line, false), theirs = run(&bench, line, true);
        count++;
        if (!same(&ours, &theirs)) {
            different++;
            fprintf(stderr, "'%s'\n", line);
            show("started", &ours);
            show("sh -eu", &theirs);
        }
        ended_fini(&ours);
        ended_fini(&theirs);
    }
    fclose(file);
    bench_close(&bench);
    printf("%u commands, %u of them without a shell, %u different\n", count, direct, different);
    assert_int_equal(different, 0);
    assert_true(count >= 400 && direct >= 250);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
