#include "tests/patterns/shell.h"

#include <ctype.h>
#include <stdlib.h>

#define WORDS_MAX 32

struct words {
    struct act_buf word[WORDS_MAX];
    int count;
};

static size_t
expand(const struct act_task *task, struct act_str s, size_t i, struct act_buf *out)
{
    bool braced = i + 1 < s.len && s.ptr[i + 1] == '{';
    size_t from = i + 1 + braced, to = from;
    while (to < s.len && (isalnum((unsigned char)s.ptr[to]) || s.ptr[to] == '_'))
        to++;
    const struct act_value *v = act_value_get(task->env, act_str_n(s.ptr + from, to - from));
    if (v != NULL)
        act_value_text(out, v);
    return to + braced;
}

static void
split(const struct act_task *task, struct words *w)
{
    struct act_str s = task->script;
    char quote = 0;
    bool in_word = false;
    for (size_t i = 0; i < s.len && w->count < WORDS_MAX;) {
        char c = s.ptr[i];
        struct act_buf *word = &w->word[w->count];
        if (quote == 0 && (c == ' ' || c == '\n')) {
            w->count += in_word;
            in_word = false;
            i++;
        } else if (c == quote && quote != 0) {
            quote = 0;
            i++;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            in_word = true;
            i++;
        } else if (c == '$' && quote != '\'') {
            in_word = true;
            i = expand(task, s, i, word);
        } else {
            in_word = true;
            act_buf_add_byte(word, c);
            i++;
        }
    }
    w->count += in_word;
}

static void
echo(const struct words *w, struct act_buf *out)
{
    for (int i = 1; i < w->count; i++) {
        if (i > 1)
            act_buf_add_byte(out, ' ');
        act_buf_add_str(out, act_buf_str(&w->word[i]));
    }
    act_buf_add_byte(out, '\n');
}

static void
print(struct act_str format, struct act_buf *out)
{
    for (size_t i = 0; i < format.len; i++) {
        bool line = format.ptr[i] == '\\' && i + 1 < format.len && format.ptr[i + 1] == 'n';
        act_buf_add_byte(out, line ? '\n' : format.ptr[i]);
        i += line;
    }
}

static void
read_stdin(const struct act_task *task, struct act_buf *out)
{
    struct act_str raw;
    if (task->stdin_value == NULL)
        return;
    if (act_value_raw(task->stdin_value, &raw))
        act_buf_add_str(out, raw);
    else
        act_value_text(out, task->stdin_value);
}

static void
translate(const struct act_task *task, const struct words *w, struct act_buf *out)
{
    size_t from = out->len;
    read_stdin(task, out);
    for (size_t i = from; i < out->len && w->count > 2; i++) {
        if (w->word[1].len > 0 && out->ptr[i] == w->word[1].ptr[0])
            out->ptr[i] = w->word[2].ptr[0];
    }
}

static void
take_argv(const struct act_task *task, struct words *w)
{
    for (uint32_t i = 0; i < act_value_len(task->argv) && w->count < WORDS_MAX; i++)
        act_buf_add_str(&w->word[w->count++], act_value_as_str(act_value_at(task->argv, i)));
}

int
shell_run(const struct act_task *task, struct act_buf *out)
{
    struct words w = {0};
    int code = 0;
    if (task->argv != NULL)
        take_argv(task, &w);
    else
        split(task, &w);
    struct act_str name = w.count > 0 ? act_buf_str(&w.word[0]) : ACT_STR("");
    if (act_str_is(name, "echo"))
        echo(&w, out);
    else if (act_str_is(name, "cat"))
        read_stdin(task, out);
    else if (act_str_is(name, "tr"))
        translate(task, &w, out);
    else if (act_str_is(name, "printf") && w.count > 1)
        print(act_buf_str(&w.word[1]), out);
    else if (act_str_is(name, "exit"))
        code = w.count > 1 ? (int)strtol(w.word[1].ptr, NULL, 10) : 0;
    else
        code = 127;
    for (int i = 0; i < WORDS_MAX; i++)
        act_buf_fini(&w.word[i]);
    return code;
}
