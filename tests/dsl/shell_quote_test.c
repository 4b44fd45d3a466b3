/* A value never becomes shell code: scripts with a value in every kind of place are rewritten and run
 * by the real dash and bash, with hostile values. Nothing of a value may run, and all of it must
 * arrive. */
#include "dsl/shell_quote.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum shells { SH = 1, BASH = 2, BOTH = 3 };
enum verdict { PASS, INTEGER, REFUSED };

/* `@` in the script is the value's place; `@` in out is the value itself. A row with out NULL only
 * checks that nothing runs. */
struct row {
    enum shells shells;
    enum verdict verdict;
    const char *script;
    const char *out;
};

static const struct row rows[] = {
    /* words */
    {BOTH, PASS, "printf '%s' @", "@"},
    {BOTH, PASS, "printf '%s' a@b", "a@b"},
    {BOTH, PASS, "printf '<%s>' @ @", "<@><@>"},
    {BOTH, PASS, "printf '%s' \"@\"", "@"},
    {BOTH, PASS, "printf '%s' \"a @ b\"", "a @ b"},
    {BOTH, PASS, "printf '%s' \"@x\"", "@x"},
    {BOTH, PASS, "printf '%s' \"it's @\"", "it's @"},
    {BOTH, PASS, "printf '%s' 'a @ b'", "a @ b"},
    {BOTH, PASS, "printf '%s' '@'", "@"},
    {BOTH, PASS, "printf '%s' '\"@\"'", "\"@\""},
    {BOTH, PASS, "printf '%s' \"a\"@'c'", "a@c"},
    {BOTH, PASS, "printf '%s' \\\\@", "\\@"},
    {BOTH, PASS, "printf '%s' \\$@", "$@"},
    {BOTH, PASS, "printf '%s' \"\\$@\"", "$@"},
    {BOTH, PASS, "printf '%s' a#@ # @", "a#@"},
    {BOTH, PASS, "# it's @\nprintf '%s' @", "@"},
    {BOTH, PASS, "printf '%s' x\\\n@", "x@"},
    {BOTH, REFUSED, "# it's @ \\\nprintf x", NULL},
    {BOTH, REFUSED, "printf '%s' \\@", NULL},
    {BOTH, REFUSED, "printf '%s' \"\\@\"", NULL},
    {BOTH, REFUSED, "printf '%s' $@", NULL},
    {BOTH, REFUSED, "printf '%s' \"$@\"", NULL},
    {BASH, PASS, "printf '%s' $'a\\n@\\tb'", "a\n@\tb"},
    {BASH, PASS, "printf '%s' $'it\\'s @'", "it's @"},
    {SH, REFUSED, "printf '%s' $'@'", NULL},
    {SH, REFUSED, "printf '%s' $'it\\'s' @", NULL},
    {BASH, PASS, "printf '%s' $\"@\"", "@"},
    {BOTH, PASS, "@ 2>/dev/null || true", ""},
    {BOTH, PASS, "cat > \"f@\" 2>/dev/null </dev/null || true", ""},
    {BOTH, PASS, "printf x > ./@ || true", NULL},
    /* assignments and expansions */
    {BOTH, PASS, "x=@; printf '%s' \"$x\"", "@"},
    {BOTH, PASS, "x=a@b y=\"@\" z='@'; printf '%s' \"$x$y$z\"", "a@b@@"},
    {BOTH, PASS, "export X=@; printenv X | { IFS= read -r l; cat; } >/dev/null", NULL},
    {BOTH, PASS, "f() { local x=@; printf '%s' \"$x\"; }; f", "@"},
    {BOTH, PASS, "printf '%s' ${u:-@}", NULL},
    {BOTH, PASS, "printf '%s' \"${u:-@}\"", "@"},
    {BOTH, PASS, "printf '%s' \"${u:-a @ b}\"", "a @ b"},
    {BOTH, PASS, "u=1; printf '%s' \"${u:+@}\"", "@"},
    {BOTH, PASS, ": ${u:=@}; printf '%s' \"$u\"", "@"},
    {BOTH, PASS, "x=@y; printf '%s' \"${x%y}\"", "@"},
    {BOTH, PASS, "x=@; x=$x.tail; printf '%s' \"${x#@}\"", ".tail"},
    {BOTH, PASS, "x=@; x=head.$x; y=${x%@}; printf '%s' \"$y\"", "head."},
    {BASH, PASS, "x=aXb; printf '%s' \"${x/X/@}\"", "a@b"},
    {BASH, PASS, "x=aXb; printf '%s' ${x/X/@}", NULL},
    {BASH, PASS, "a=(1 @ 2); printf '%s' \"${a[1]}\"", "@"},
    {BASH, PASS, "a=(); a+=(\"@\"); printf '%s' \"${a[@]}\"", NULL},
    {BOTH, REFUSED, "@=1", NULL},
    {BOTH, REFUSED, "x@y=1", NULL},
    {BOTH, REFUSED, "printf '%s' ${@}", NULL},
    {BASH, REFUSED, "printf '%s' ${!@}", NULL},
    {BOTH, REFUSED, "printf '%s' \"${u:-'@'}\"", NULL},
    {BOTH, REFUSED, "printf '%s' \"${u:-\"@\"}\"", NULL},
    {BASH, REFUSED, "x=1; printf '%s' \"${x@@}\"", NULL},
    {BOTH, REFUSED, "PS4=@; set -x; :", NULL},
    {BASH, REFUSED, "PROMPT_COMMAND=@", NULL},
    {BOTH, REFUSED, "export ENV=@", NULL},
    /* substitutions */
    {BOTH, PASS, "printf '%s' \"$(printf '%s.' @)\"", "@."},
    {BOTH, PASS, "printf '%s' \"$(printf '%s.' \"@\")\"", "@."},
    {BOTH, PASS, "printf '%s' \"$(printf '%s.' '@')\"", "@."},
    {BOTH, PASS, "printf '%s' \"$(case x in x) printf '%s.' @ ;; esac)\"", "@."},
    {BOTH, PASS, "printf '%s' \"$( (printf '%s.' @) )\"", "@."},
    {BOTH, PASS, "printf '%s' \"$(# it's ) a comment\nprintf '%s.' @)\"", "@."},
    {BOTH, PASS, "printf '%s' \"`printf '%s.' @`\"", "@."},
    {BOTH, PASS, "printf '%s' \"`printf '%s.' '@'`\"", "@."},
    {BOTH, PASS, "x=`printf '%s.' \"@\"`; printf '%s' \"$x\"", "@."},
    {BOTH, PASS, "printf '%s' \"$(printf '%s' \"$(printf '%s.' \"@\")\")\"", "@."},
    {BOTH, REFUSED, "x=`printf \\`echo @\\``", NULL},
    {BASH, PASS, "cat <(printf '%s' @)", "@"},
    /* here-documents */
    {BOTH, PASS, "cat <<EOF\na @ b\nEOF\n", "a @ b\n"},
    {BOTH, PASS, "cat <<EOF\n\"@\" '@'\nEOF\n", "\"@\" '@'\n"},
    {BOTH, PASS, "cat <<-EOF\n\t@\n\tEOF\nprintf '%s' @", "@\n@"},
    {BOTH, PASS, "cat <<A; cat <<B\n1 @\nA\n2 @\nB\n", "1 @\n2 @\n"},
    {BOTH, PASS, "cat <<EOF\n$(printf '%s.' @) `printf '%s.' @`\nEOF\n", "@. @.\n"},
    {BOTH, PASS, "cat <<EOF\n\\$x \\\\ @\nEOF\n", "$x \\ @\n"},
    {BOTH, PASS, "cat <<EOF\n${u:-@}\nEOF\n", "@\n"},
    {BOTH, PASS, "cat <<'EOF'\nit's $(x) \"\nEOF\nprintf '%s' @", "it's $(x) \"\n@"},
    {BOTH, PASS, "x=$(cat <<EOF\n@.\nEOF\n); printf '%s' \"$x\"", "@."},
    {BOTH, PASS, "cat <<EOF | cat\n@\nEOF\n", "@\n"},
    {BASH, PASS, "cat <<< @", "@\n"},
    {BOTH, REFUSED, "cat <<'EOF'\n@\nEOF\n", NULL},
    {BOTH, REFUSED, "cat <<\\EOF\n@\nEOF\n", NULL},
    {BOTH, REFUSED, "cat <<@\nx\nEOF\n", NULL},
    {BOTH, REFUSED, "x=1; cat <<EOF\n${x#@}\nEOF\n", NULL},
    {BOTH, REFUSED, "sh <<EOF\necho @\nEOF\n", NULL},
    {BOTH, REFUSED, "cat <<EOF | sh\necho @\nEOF\n", NULL},
    {BOTH, REFUSED, "sudo bash -s -- x <<EOF\necho @\nEOF\n", NULL},
    {BOTH, REFUSED, "ssh host <<EOF\necho @\nEOF\n", NULL},
    {BASH, REFUSED, "bash <<< @", NULL},
    /* commands around it */
    {BOTH, PASS, "if [ -n @ ]; then printf '%s' @; fi", NULL},
    {BOTH, PASS, "for i in 1 2; do printf '%s' @; done", "@@"},
    {BOTH, PASS, "for i in @ b; do printf '<%s>' \"$i\"; done", "<@><b>"},
    {BOTH, PASS, "case @ in @) printf yes ;; *) printf no ;; esac", "yes"},
    {BOTH, PASS, "case a in (a|b) printf '%s' @ ;; esac", "@"},
    {BOTH, PASS, "case \"@\" in *) printf '%s' '@'; esac", "@"},
    {BOTH, PASS, "{ printf '%s' @; } | cat", "@"},
    {BOTH, PASS, "( printf '%s' @ ) | cat", "@"},
    {BOTH, PASS, "f() { printf '%s' \"$1\"; }; f @", "@"},
    {BOTH, PASS, "set -- @; printf '%s' \"$1\"", "@"},
    {BOTH, PASS, "[ @ = @ ] && printf yes", "yes"},
    {BOTH, PASS, "printf '%s' @ | grep -c sh || true", NULL},
    {BOTH, PASS, "sh -c 'printf \"%s\" \"$1\"' sh @", "@"},
    {BOTH, PASS, "env X=@ sh -c 'printf \"%s\" \"$X\"'", "@"},
    {BOTH, PASS, "printf '%s' eval @", "eval@"},
    {BOTH, PASS, "echo bash @ >/dev/null", ""},
    {BASH, PASS, "[[ @ == @ ]] && printf yes", "yes"},
    {BASH, PASS, "[[ x@ == x* && \"@\" = '@' ]] && printf yes", "yes"},
    {BASH, PASS, "[[ $(printf '%s' 12 @ | wc -l) -ge 0 ]] && printf yes", "yes"},
    /* read as code */
    {BOTH, REFUSED, "eval @", NULL},
    {BOTH, REFUSED, "eval \"echo @\"", NULL},
    {BOTH, REFUSED, "eval 'echo @'", NULL},
    {BOTH, REFUSED, "'eval' @", NULL},
    {BOTH, REFUSED, "e\\val @", NULL},
    {BOTH, REFUSED, "command eval @", NULL},
    {BASH, REFUSED, "builtin eval @", NULL},
    {BOTH, REFUSED, "x=1 eval @", NULL},
    {BOTH, REFUSED, "if eval @; then :; fi", NULL},
    {BOTH, REFUSED, "eval \"$(printf '%s' @)\"", NULL},
    {BOTH, REFUSED, "c=@; eval \"$c\"", NULL},
    {BOTH, REFUSED, "trap \"echo @\" EXIT", NULL},
    {BOTH, REFUSED, "trap 'echo @' EXIT", NULL},
    {BOTH, REFUSED, "alias x=@", NULL},
    {BOTH, REFUSED, "sh -c \"echo @\"", NULL},
    {BOTH, REFUSED, "sh -c 'echo @'", NULL},
    {BOTH, REFUSED, "/bin/bash -e -c @", NULL},
    {BOTH, REFUSED, "sh -ec 'echo @'", NULL},
    {BOTH, REFUSED, "bash -o pipefail -c 'echo @'", NULL},
    {BOTH, REFUSED, "sudo -u me sh -c 'echo @'", NULL},
    {BOTH, REFUSED, "find . -exec sh -c 'echo @' \\;", NULL},
    {BOTH, REFUSED, "x=@; sh -c \"echo $x\"", NULL},
    {BOTH, REFUSED, "su me -c 'echo @'", NULL},
    {BOTH, REFUSED, "ssh host \"echo @\"", NULL},
    {BOTH, REFUSED, "ssh -p 22 me@host ls @", NULL},
    {BOTH, REFUSED, "echo @ | sh", NULL},
    {BOTH, REFUSED, "{ echo a; echo @; } | sh -s", NULL},
    {BOTH, REFUSED, "for i in 1; do echo @; done | bash", NULL},
    {BOTH, REFUSED, "(echo @) | sh", NULL},
    {BOTH, REFUSED, "sh @ @", NULL},
    {BASH, REFUSED, ". <(echo @)", NULL},
    {BASH, REFUSED, "source /dev/stdin <<< \"$(echo @)\" || eval @", NULL},
    {BOTH, REFUSED, "printf @", NULL},
    {BOTH, REFUSED, "[ @ @ ]", NULL},
    {BOTH, REFUSED, "$()eval @", NULL},
    {BOTH, REFUSED, "$SUDO eval @", NULL},
    {BOTH, REFUSED, "command $x eval @", NULL},
    {BOTH, REFUSED, "bash $OPTIONS -c @", NULL},
    {BOTH, REFUSED, "sh -c $x @", NULL},
    {BOTH, REFUSED, "[ 1 \"-v\" @ ]", NULL},
    {BOTH, REFUSED, "printf $x @", NULL},
    {BOTH, REFUSED, "${u:-eval} @", NULL},
    {BOTH, REFUSED, "${u:-\"eval\"} @", NULL},
    {BOTH, REFUSED, "${u:-'eval'} @", NULL},
    {BOTH, REFUSED, "${u:-eval @}", NULL},
    {BOTH, REFUSED, "${u:-@ x} y", NULL},
    {BOTH, REFUSED, "sh ${u:--c @}", NULL},
    {BOTH, REFUSED, "sh \"${u:--c}\" @", NULL},
    {BASH, REFUSED, "[ ${u:--v} @ ]", NULL},
    /* a command that a value names */
    {BOTH, PASS, "@ a b 2>/dev/null || true", ""},
    {BOTH, PASS, "no-such-program-@ @ 2>/dev/null || true", ""},
    {BOTH, REFUSED, "@ @", NULL},
    {BOTH, REFUSED, "e@ \"@\"", NULL},
    {BOTH, REFUSED, "@al \"@\"", NULL},
    {BOTH, REFUSED, "command @ @", NULL},
    {BOTH, REFUSED, "echo @ | @", NULL},
    {BOTH, REFUSED, "@ <<EOF\n@\nEOF\n", NULL},
    {BOTH, REFUSED, "/bin/@ -c @", NULL},
    {BOTH, REFUSED, "c=@; $c @", NULL},
    {BOTH, REFUSED, "c=@; x=@; $c \"$x\" @", NULL},
    /* names of variables */
    {BOTH, REFUSED, "read @", NULL},
    {BOTH, REFUSED, "read -r @ </dev/null", NULL},
    {BOTH, REFUSED, "unset @", NULL},
    {BOTH, REFUSED, "export @", NULL},
    {BOTH, REFUSED, "readonly @", NULL},
    {BASH, REFUSED, "declare @", NULL},
    {BASH, REFUSED, "declare x=@", NULL},
    {BASH, REFUSED, "typeset -a x=@", NULL},
    {BASH, REFUSED, "local -a x=@", NULL},
    {BASH, REFUSED, "declare -n r=@", NULL},
    {BASH, REFUSED, "printf -v @ x", NULL},
    {BASH, REFUSED, "printf -v@ x", NULL},
    {BASH, REFUSED, "test -v @", NULL},
    {BASH, REFUSED, "[ -v @ ]", NULL},
    {BASH, REFUSED, "[[ -v @ ]]", NULL},
    {BASH, REFUSED, "mapfile @", NULL},
    {BOTH, REFUSED, "for @ in a; do :; done", NULL},
    {BOTH, REFUSED, "getopts ab @", NULL},
    /* arithmetic */
    {BOTH, INTEGER, "printf '%s' $((@ + 1))", "8"},
    {BOTH, INTEGER, "printf '%s' \"$((1 - (@)))\"", "-6"},
    {BOTH, INTEGER, "printf '%s' $((3-@))", "-4"},
    {BOTH, INTEGER, "printf '%s' $((${u:-@} * 2))", "14"},
    {BOTH, INTEGER, "cat <<EOF\n$((@))\nEOF\n", "7\n"},
    {BOTH, INTEGER, "n=@; printf '%s' $((n + 1))", "8"},
    {BOTH, INTEGER, "n=@; printf '%s' $(($n + 1))", "8"},
    {BOTH, INTEGER, "[ @ -gt 3 ] && printf yes", "yes"},
    {BOTH, INTEGER, "test 3 -lt \"@\" && printf yes", "yes"},
    {BASH, INTEGER, "((x = @)); printf '%s' $x", "7"},
    {BASH, INTEGER, "for ((i = 0; i < @; i++)); do printf x; done", "xxxxxxx"},
    {BASH, INTEGER, "[[ @ -gt 3 ]] && printf yes", "yes"},
    {BASH, INTEGER, "[[ 3 -lt \"@\" ]] && printf yes", "yes"},
    {BASH, INTEGER, "n=@; [[ n -gt 3 ]] && printf yes", "yes"},
    {BASH, INTEGER, "n=@; [[ $n -gt 3 && a == a ]] && printf yes", "yes"},
    {BASH, INTEGER, "a[@]=x; printf '%s' \"${a[@]}\"", "x"},
    {BASH, INTEGER, "x=abcdefghij; printf '%s' \"${x:@}\"", "hij"},
    {BASH, INTEGER, "x=abcdefghij; printf '%s' \"${x:1:@}\"", "bcdefgh"},
    {BASH, INTEGER, "let 'x = @ + 1'; printf '%s' $x", "8"},
    {BASH, INTEGER, "declare -i n=@; printf '%s' $n", "7"},
    {BASH, INTEGER, "declare -i n; n=@; printf '%s' $n", "7"},
    {BASH, INTEGER, "printf '%s' $[@ + 1]", "8"},
    {BOTH, INTEGER, "wait @ 2>/dev/null || true", ""},
    /* what sh and bash read differently, where sh may be either */
    {SH, REFUSED, "[[ a == @ ]]", NULL},
    {SH, REFUSED, "[[ a && @ -eq 1 ]]", NULL},
    {SH, REFUSED, "[[ |eval @", NULL},
    {SH, REFUSED, "((echo a)) || printf '%s' @", NULL},
    {SH, REFUSED, "a[1]=x; printf '%s' @", NULL},
    {SH, REFUSED, "printf x &>/dev/null; printf '%s' @", NULL},
    {BASH, PASS, "printf '%s' @ &>/dev/null", ""},
    {SH, REFUSED, "printf '%s' $[1 + @]", NULL},
    /* what cannot be followed */
    {BOTH, REFUSED, "printf '%s' \"@", NULL},
    {BOTH, REFUSED, "printf '%s' '@", NULL},
    {BOTH, REFUSED, "printf '%s' $(echo @", NULL},
    {BOTH, REFUSED, "printf '%s' $((1 + ${x:-@", NULL},
    {BOTH, REFUSED, "case x in @", NULL},
    {BOTH, REFUSED, "true; eval @`for", NULL},
    {BOTH, REFUSED, "if true; then eval @; fi; { eval @ $(", NULL},
};

static const char *const values[] = {
    "plain",
    "",
    "$(touch PWN)",
    "`touch PWN`",
    "'; touch PWN; '",
    "\"; touch PWN; \"",
    "; touch PWN;",
    "\ntouch PWN\n.",
    "| touch PWN",
    "& touch PWN &",
    "\\",
    "a\\",
    "\\\\'\\\"",
    "*",
    "?[a-z]*",
    "-n",
    "-e \\n",
    "a[$(touch PWN)]",
    "a[`touch PWN`]=1",
    "x[$(touch PWN >&2)]",
    "$((a[$(touch PWN)]))",
    "${x:-$(touch PWN)}",
    "$HOME ~ !! !x",
    "  two  blanks  ",
    "\ttab\t",
    "#comment",
    ") touch PWN; (",
    "} touch PWN; {",
    ";; esac; touch PWN",
    "EOF\ntouch PWN\nEOF",
    "-v",
    "-va[$(touch PWN)]",
    "%s%n%d",
    "x=$(touch PWN)",
    "eval touch PWN",
    "\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80 &",
    "]] ; touch PWN",
    "))$(touch PWN)",
    "'\"'\"'$(touch PWN)",
};

/* template with every @ replaced; the caller frees. `[@]` and `@host` of the scripts stay. */
static void
expand(struct act_buf *out, const char *template, const char *value)
{
    for (const char *p = template; *p; p++) {
        bool kept = strncmp(p, "@]}", 3) == 0 || strncmp(p, "@host", 5) == 0;
        if (*p == '@' && !kept)
            act_buf_add_cstr(out, value);
        else
            act_buf_add_byte(out, *p);
    }
}

static void
run(const char *shell, const char *script, const char *value, struct act_buf *out)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    bool posix = strcmp(shell, "bash as sh") == 0;
    const char *program = posix ? "bash" : shell;
    char *argv[] = {(char *)(uintptr_t)(posix ? "sh" : shell), (char *)(uintptr_t) "-c",
                    (char *)(uintptr_t)script, NULL};
    struct act_buf vars[8] = {{0}};
    char *envp[11] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", (char *)(uintptr_t) "HOME=/home/x"};
    for (int i = 0; i < 8; i++) {
        act_buf_printf(&vars[i], "ACTANT_V%d=%s", i + 1, value);
        envp[i + 2] = vars[i].ptr;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    assert_int_equal(posix_spawnp(&pid, program, &actions, NULL, argv, envp), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    char bytes[4096];
    ssize_t n;
    while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
        act_buf_add(out, bytes, (size_t)n);
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < 8; i++)
        act_buf_fini(&vars[i]);
}

static void
remove_folder(const char *folder)
{
    struct act_buf command = {0}, out = {0};
    act_buf_printf(&command, "rm -rf '%s'", folder);
    run("dash", command.ptr, "", &out);
    assert_int_equal(access(folder, F_OK), -1);
    act_buf_fini(&command);
    act_buf_fini(&out);
}

static void
check_run(const struct row *row, const char *shell, const char *script, const char *value)
{
    struct act_buf out = {0}, wanted = {0};
    run(shell, script, value, &out);
    if (access("PWN", F_OK) == 0)
        fail_msg("%s ran a value\nscript: %s\nvalue: %s", shell, script, value);
    if (row->out) {
        expand(&wanted, row->out, value);
        if (!act_str_eq(act_buf_str(&out), act_buf_str(&wanted)))
            fail_msg("%s\nscript: %s\nvalue: <%s>\nwanted: <%s>\ngot:    <%s>", shell, script,
                     value, wanted.ptr ? wanted.ptr : "", out.ptr ? out.ptr : "");
    }
    act_buf_fini(&out);
    act_buf_fini(&wanted);
}

static void
check_verdict(const struct row *row, enum act_shell shell, const act_shell_holes *holes)
{
    bool refused = false, integer = false;
    for (uint32_t i = 0; i < holes->len; i++) {
        refused |= holes->ptr[i].refused != NULL;
        integer |= holes->ptr[i].integer;
        if (holes->ptr[i].refused)
            assert_non_null(holes->ptr[i].help);
    }
    enum verdict got = refused ? REFUSED : integer ? INTEGER : PASS;
    if (got != row->verdict)
        fail_msg("%s, script: %s\nwanted %d, got %d (%s)", shell == ACT_SHELL_SH ? "sh" : "bash",
                 row->script, row->verdict, got,
                 holes->len && holes->ptr[0].refused ? holes->ptr[0].refused : "");
}

static void
run_row(const struct row *row, enum act_shell shell, const char *program)
{
    struct act_buf script = {0}, rewritten = {0};
    act_shell_holes holes = {0};
    expand(&script, row->script, "${{ x }}");
    act_shell_rewrite(act_buf_str(&script), shell, &rewritten, &holes);
    check_verdict(row, shell, &holes);
    if (row->verdict == INTEGER)
        check_run(row, program, rewritten.ptr, "7");
    for (size_t i = 0; row->verdict == PASS && i < sizeof(values) / sizeof(values[0]); i++)
        check_run(row, program, rewritten.ptr, values[i]);
    act_buf_fini(&script);
    act_buf_fini(&rewritten);
    act_vec_fini(&holes);
}

static void
values_stay_data(void **state)
{
    (void)state;
    char folder[] = "/tmp/actant-quote-XXXXXX", back[4096];
    assert_non_null(getcwd(back, sizeof(back)));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].shells & SH) { /* /bin/sh is dash here and bash elsewhere */
            run_row(&rows[i], ACT_SHELL_SH, "dash");
            run_row(&rows[i], ACT_SHELL_SH, "bash as sh");
        }
        if (rows[i].shells & BASH)
            run_row(&rows[i], ACT_SHELL_BASH, "bash");
    }
    assert_int_equal(chdir(back), 0);
    remove_folder(folder);
}

/* What reaches a script untouched, and where a hole's parts are. */
static void
parts(void **state)
{
    (void)state;
    struct act_buf out = {0};
    act_shell_holes holes = {0};
    act_shell_rewrite(ACT_STR("echo ${{ a['}}'] }} \"${{b}}\""), ACT_SHELL_SH, &out, &holes);
    assert_string_equal(out.ptr, "echo \"$ACTANT_V1\" \"${ACTANT_V2}\"");
    assert_int_equal(holes.len, 2);
    assert_int_equal(holes.ptr[0].open, 5);
    assert_int_equal(holes.ptr[0].begin, 8);
    assert_int_equal(holes.ptr[0].end, 17);
    assert_int_equal(holes.ptr[0].close, 19);
    act_vec_clear(&holes);
    act_buf_clear(&out);
    act_shell_rewrite(ACT_STR("echo 'no holes ) \" $("), ACT_SHELL_SH, &out, &holes);
    assert_string_equal(out.ptr, "echo 'no holes ) \" $(");
    act_buf_clear(&out);
    act_shell_rewrite(ACT_STR("echo ${{ a"), ACT_SHELL_SH, &out, &holes);
    assert_int_equal(holes.len, 1);
    assert_non_null(holes.ptr[0].refused);
    act_vec_clear(&holes);
    act_buf_clear(&out);
    act_shell_rewrite(ACT_STR("print(${{ a }})"), ACT_SHELL_FOREIGN, &out, &holes);
    assert_non_null(holes.ptr[0].refused);
    act_vec_fini(&holes);
    act_buf_fini(&out);
}

static void
shells(void **state)
{
    (void)state;
    assert_int_equal(act_shell_of(ACT_STR("sh")), ACT_SHELL_SH);
    assert_int_equal(act_shell_of(ACT_STR("/bin/dash")), ACT_SHELL_SH);
    assert_int_equal(act_shell_of(ACT_STR("/usr/bin/bash")), ACT_SHELL_BASH);
    assert_int_equal(act_shell_of(ACT_STR("zsh")), ACT_SHELL_FOREIGN);
    assert_int_equal(act_shell_of(ACT_STR("python3")), ACT_SHELL_FOREIGN);
    assert_int_equal(act_shell_of(ACT_STR("")), ACT_SHELL_FOREIGN);
}

/* Random texts of shell syntax: whatever the reader lets through, neither shell may run the value. The
 * seed is fixed; the texts are what differs from the table above. */
static void
random_scripts(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "@",    " ",     "\"",    "'",      "\\",    "$(",    ")",
        "`",    "${u:-", "}",     "$((",    "))",    "echo",  "x=",
        ";",    "\n",    "|",     "&",      "<<E\n", "\nE\n", "case ",
        " in ", "esac",  "# ",    "((",     "[[ ",   " ]]",   " -eq ",
        "${a[", "]",     "eval ", "${x#",   "{ ",    " }",    "$'",
        "<(",   "for ",  " do ",  " done ", "if ",   "fi",    "printf '%s' ",
        "a",
    };
    static const char *const bombs[] = {"$(touch PWN)", "a[$(touch PWN)]", "'\"`touch PWN`\"'",
                                        "\ntouch PWN\n", ";touch PWN;"};
    char folder[] = "/tmp/actant-quote-XXXXXX", back[4096];
    assert_non_null(getcwd(back, sizeof(back)));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    uint64_t seed = 0x9E3779B97F4A7C15u;
    for (int i = 0; i < 3000; i++) {
        struct act_buf script = {0}, rewritten = {0};
        act_shell_holes holes = {0};
        for (int k = 0; k < 14; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const char *piece = pieces[(seed >> 33) % (sizeof(pieces) / sizeof(pieces[0]))];
            expand(&script, piece, "${{ x }}");
        }
        enum act_shell shell = i % 3 == 0 ? ACT_SHELL_BASH : ACT_SHELL_SH;
        act_shell_rewrite(act_buf_str(&script), shell, &rewritten, &holes);
        bool open = holes.len > 0 && holes.len <= 8;
        for (uint32_t k = 0; k < holes.len; k++)
            open &= !holes.ptr[k].refused && !holes.ptr[k].integer;
        static const struct row any = {BOTH, PASS, "", NULL};
        for (size_t k = 0; open && k < sizeof(bombs) / sizeof(bombs[0]); k++)
            check_run(&any,
                      i % 3 == 0   ? "bash"
                      : i % 3 == 1 ? "dash"
                                   : "bash as sh",
                      rewritten.ptr, bombs[k]);
        act_buf_fini(&script);
        act_buf_fini(&rewritten);
        act_vec_fini(&holes);
    }
    assert_int_equal(chdir(back), 0);
    remove_folder(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shells),
        cmocka_unit_test(parts),
        cmocka_unit_test(values_stay_data),
        cmocka_unit_test(random_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
