#include "executors/shell/command.h"

#include "base/vec.h"

#include <stdlib.h>

typedef ACT_VEC(const char *) words;

/* Sorted. What dash or bash does not look up in PATH, so that a sh that is bash is covered too. */
static const char *const own_words[] = {
    "!",       ".",         ":",        "[",        "[[",     "]]",      "alias", "bg",
    "bind",    "break",     "builtin",  "caller",   "case",   "cd",      "chdir", "command",
    "compgen", "complete",  "compopt",  "continue", "coproc", "declare", "dirs",  "disown",
    "do",      "done",      "echo",     "elif",     "else",   "enable",  "esac",  "eval",
    "exec",    "exit",      "export",   "fc",       "fg",     "fi",      "for",   "function",
    "getopts", "hash",      "help",     "history",  "if",     "in",      "jobs",  "kill",
    "let",     "local",     "logout",   "mapfile",  "popd",   "printf",  "pushd", "pwd",
    "read",    "readarray", "readonly", "return",   "select", "set",     "shift", "shopt",
    "source",  "suspend",   "test",     "then",     "time",   "times",   "trap",  "type",
    "typeset", "ulimit",    "umask",    "unalias",  "unset",  "until",   "wait",  "while",
    "{",       "}",
};

static int
compare(const void *key, const void *member)
{
    const char *const *word = member;
    return strcmp(key, *word);
}

static bool
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_./:=,@%+-", c));
}

const char **
act_command_words(struct act_str script, struct act_arena *arena)
{
    script = act_str_trim(script);
    words list = {0};
    const char **ret = NULL;
    for (size_t at = 0; at < script.len;) {
        size_t end = at;
        while (end < script.len && is_plain(script.ptr[end]))
            end++;
        if (end == at || (end < script.len && script.ptr[end] != ' ' && script.ptr[end] != '\t'))
            goto out;
        act_vec_push(&list, act_arena_str(arena, act_str_n(script.ptr + at, end - at)).ptr);
        while (end < script.len && (script.ptr[end] == ' ' || script.ptr[end] == '\t'))
            end++;
        at = end;
    }
    if (list.len == 0 || strchr(list.ptr[0], '=') ||
        bsearch(list.ptr[0], own_words, sizeof own_words / sizeof *own_words, sizeof *own_words,
                compare))
        goto out;
    act_vec_push(&list, NULL);
    ret = act_arena_copy(arena, list.ptr, list.len * sizeof *list.ptr);
out:
    act_vec_fini(&list);
    return ret;
}

static const char *
text_of(const struct act_value *v, struct act_arena *arena, bool *holds_nul)
{
    struct act_buf buf = {0};
    act_value_text(&buf, v);
    if (buf.len && memchr(buf.ptr, 0, buf.len))
        *holds_nul = true;
    const char *text = act_arena_str(arena, act_buf_str(&buf)).ptr;
    act_buf_fini(&buf);
    return text;
}

static void
add_list(words *to, const struct act_value *list, struct act_arena *arena, bool *holds_nul)
{
    for (uint32_t i = 0; list && i < act_value_len(list); i++)
        act_vec_push(to, text_of(act_value_at(list, i), arena, holds_nul));
}

static const char **
finish(words *list, struct act_arena *arena)
{
    act_vec_push(list, NULL);
    const char **argv = act_arena_copy(arena, list->ptr, list->len * sizeof *list->ptr);
    act_vec_fini(list);
    return argv;
}

static bool
is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(name, *list) == 0)
            return true;
    }
    return false;
}

/* sh -eu -c SCRIPT sh ARGS; a script that is too long for an argument goes into the file. */
static void
shell_argv(words *list, const char *name, bool pipefail, struct act_str script, bool in_file,
           const char *script_path, struct act_arena *arena)
{
    act_vec_push(list, name);
    if (strcmp(name, "bash") == 0) {
        act_vec_push(list, "--noprofile");
        act_vec_push(list, "--norc");
    }
    act_vec_push(list, "-eu");
    if (pipefail) {
        act_vec_push(list, "-o");
        act_vec_push(list, "pipefail");
    }
    if (in_file) {
        act_vec_push(list, script_path);
        return;
    }
    act_vec_push(list, "-c");
    act_vec_push(list, act_arena_str(arena, script).ptr);
    act_vec_push(list, name); /* $0 */
}

static const char *
replace_all(const char *text, const char *path, bool *found, struct act_arena *arena)
{
    struct act_buf buf = {0};
    for (const char *at; (at = strstr(text, "{0}")) != NULL; text = at + 3) {
        act_buf_add(&buf, text, (size_t)(at - text));
        act_buf_add_cstr(&buf, path);
        *found = true;
    }
    act_buf_add_cstr(&buf, text);
    const char *ret = act_arena_str(arena, act_buf_str(&buf)).ptr;
    act_buf_fini(&buf);
    return ret;
}

static void
foreign_argv(words *list, const struct act_value *shell, const char *script_path,
             struct act_arena *arena, bool *holds_nul)
{
    bool found = false;
    for (uint32_t i = 0; i < act_value_len(shell); i++) {
        const char *word = text_of(act_value_at(shell, i), arena, holds_nul);
        act_vec_push(list, replace_all(word, script_path, &found, arena));
    }
    if (!found)
        act_vec_push(list, script_path);
}

void
act_command_run(struct act_str script, const struct act_value *shell, const struct act_value *args,
                bool may_skip, const char *script_path, struct act_arena *arena,
                struct act_command *ret)
{
    static const char *const plain[] = {"sh", "dash", "ash", NULL};
    static const char *const piped[] = {"bash", "ksh", "mksh", "zsh", NULL};
    *ret = (struct act_command){0};
    words list = {0};
    const char *name = shell && act_value_len(shell) == 1
                           ? text_of(act_value_at(shell, 0), arena, &ret->holds_nul)
                           : NULL;
    if (!shell || act_value_len(shell) == 0)
        name = "sh";
    if (may_skip && name && strcmp(name, "sh") == 0) {
        ret->argv = act_command_words(script, arena);
        ret->direct = ret->argv != NULL;
        if (ret->direct)
            return;
    }
    bool pipefail = name && is_one_of(name, piped);
    if (pipefail || (name && is_one_of(name, plain))) {
        /* A NUL ends an argument; in a file the shell sees it and says so. */
        ret->script_file = script.len > ACT_ARGUMENT_MAX || memchr(script.ptr, 0, script.len);
        shell_argv(&list, name, pipefail, script, ret->script_file, script_path, arena);
        ret->program = strcmp(name, "sh") == 0 ? "/bin/sh" : NULL;
    } else {
        ret->script_file = true;
        foreign_argv(&list, shell, script_path, arena, &ret->holds_nul);
    }
    add_list(&list, args, arena, &ret->holds_nul);
    ret->argv = finish(&list, arena);
}

void
act_command_exec(const struct act_value *argv, struct act_arena *arena, struct act_command *ret)
{
    *ret = (struct act_command){0};
    words list = {0};
    add_list(&list, argv, arena, &ret->holds_nul);
    ret->argv = finish(&list, arena);
}
