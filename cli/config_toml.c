/* The part of TOML that flat settings need. What is left out (tables, dates, fractions, multi-line
 * strings) is refused by name. */
#include "cli/config.h"

struct reader {
    struct act_config_sink *sink;
    struct act_str text;
    size_t at;
    uint32_t line;
    struct act_strs values;
    struct act_error *err;
};

static char
peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

static void
skip_blanks(struct reader *r, bool lines)
{
    for (; r->at < r->text.len; r->at++) {
        char c = peek(r);
        if (c == '#') {
            while (r->at < r->text.len && peek(r) != '\n')
                r->at++;
            r->at--;
        } else if (c == '\n' && lines) {
            r->line++;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static enum act_err
bad(struct reader *r, const char *what)
{
    return act_config_problem(r->sink, r->line, r->err, "%s", what);
}

static bool
is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '+';
}

static enum act_err
read_escape(struct reader *r, struct act_buf *out)
{
    static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\x1b\"\\";
    char c = peek(r);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return bad(r, "an escape that is none of \\b \\t \\n \\f \\r \\e \\\" \\\\; write the "
                      "character itself (UTF-8)");
    act_buf_add_byte(out, to[found - from]);
    r->at++;
    return ACT_OK;
}

static enum act_err
read_string(struct reader *r)
{
    char quote = peek(r);
    struct act_buf out = {0};
    enum act_err code = ACT_OK;
    if (r->at + 2 < r->text.len && r->text.ptr[r->at + 1] == quote &&
        r->text.ptr[r->at + 2] == quote)
        return bad(r, "strings of several lines are not used here");
    r->at++;
    while (!code && peek(r) != quote) {
        char c = peek(r);
        if (r->at >= r->text.len || c == '\n') {
            code = bad(r, "this string has no closing quote");
        } else if (c == '\\' && quote == '"') {
            r->at++;
            code = read_escape(r, &out);
        } else {
            act_buf_add_byte(&out, c);
            r->at++;
        }
    }
    r->at++;
    if (!code)
        act_vec_push(&r->values, act_arena_str(&r->sink->config->arena, act_buf_str(&out)));
    act_buf_fini(&out);
    return code;
}

/* true, false, 12. */
static enum act_err
read_bare(struct reader *r)
{
    size_t begin = r->at;
    while (is_bare(peek(r)) || peek(r) == '.' || peek(r) == ':')
        r->at++;
    struct act_str word = act_str_n(r->text.ptr + begin, r->at - begin);
    bool digits = word.len > 0;
    for (size_t i = 0; i < word.len; i++)
        digits = digits && word.ptr[i] >= '0' && word.ptr[i] <= '9';
    if (!digits && !act_str_is(word, "true") && !act_str_is(word, "false")) {
        act_config_problem(r->sink, r->line, r->err, "'%.*s' is no value", ACT_STR_ARG(word));
        act_error_hint(r->err, "a \"string\" in quotes, a whole number, true, false, or a [list]");
        return ACT_ERR_INVALID;
    }
    act_vec_push(&r->values, act_arena_str(&r->sink->config->arena, word));
    return ACT_OK;
}

static enum act_err
read_scalar(struct reader *r)
{
    return peek(r) == '"' || peek(r) == '\'' ? read_string(r) : read_bare(r);
}

static enum act_err
read_list(struct reader *r)
{
    r->at++;
    for (;;) {
        skip_blanks(r, true);
        if (peek(r) == ']') {
            r->at++;
            return ACT_OK;
        }
        enum act_err code = read_scalar(r);
        if (code)
            return code;
        skip_blanks(r, true);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != ']')
            return bad(r, "a list wants ',' or ']' here");
    }
}

static enum act_err
read_pair(struct reader *r)
{
    uint32_t line = r->line;
    size_t begin = r->at;
    if (peek(r) == '[')
        return bad(r, "tables are not used here: the file is one flat list of `key = value`");
    while (is_bare(peek(r)))
        r->at++;
    struct act_str key = act_str_n(r->text.ptr + begin, r->at - begin);
    skip_blanks(r, false);
    if (key.len == 0 || peek(r) != '=')
        return bad(r, "a line here is `key = value`");
    r->at++;
    skip_blanks(r, false);
    bool list = peek(r) == '[';
    act_vec_clear(&r->values);
    enum act_err code = list ? read_list(r) : read_scalar(r);
    if (code)
        return code;
    skip_blanks(r, false);
    if (r->at < r->text.len && peek(r) != '\n')
        return bad(r, "there is something after the value");
    return act_config_put(r->sink, line, key, r->values.ptr, r->values.len, list, r->err);
}

enum act_err
act_config_toml(struct act_config_sink *sink, struct act_str text, struct act_error *err)
{
    struct reader r = {.sink = sink, .text = text, .line = 1, .err = err};
    enum act_err code = ACT_OK;
    for (skip_blanks(&r, true); !code && r.at < text.len; skip_blanks(&r, true))
        code = read_pair(&r);
    act_vec_fini(&r.values);
    return code;
}
