#include "cli/options.h"

#include "embed/feed_auth.h"
#include "embed/feed_target.h"

#include <string.h>

static const struct act_option table[ACT_OPT_COUNT] = {
#define ACT_OPTION(id, name, letter, value, choices, config, flags, help)                          \
    [ACT_OPT_##id] = {name, letter, value, choices, config, flags, help},
#include "cli/options.def"
#undef ACT_OPTION
};

const struct act_option *
act_option(enum act_opt id)
{
    return &table[id];
}

void
act_args_fini(struct act_args *args)
{
    for (size_t i = 0; i < ACT_OPT_COUNT; i++)
        act_vec_fini(&args->given[i]);
    act_vec_fini(&args->words);
}

const char *
act_nearest_name(struct act_str name, const char *const *names, size_t count)
{
    const char *best = NULL;
    uint32_t limit = name.len <= 3 ? 1 : name.len <= 6 ? 2 : 3;
    for (size_t i = 0; i < count; i++) {
        uint32_t distance = act_str_distance(name, act_str(names[i]), limit);
        bool prefix = name.len >= 3 && act_str_starts(act_str(names[i]), name);
        if (distance == UINT32_MAX && !(prefix && !best))
            continue;
        best = names[i];
        if (distance != UINT32_MAX && distance > 0)
            limit = distance - 1;
    }
    return best;
}

static bool
is_choice(const char *choices, struct act_str value)
{
    while (*choices) {
        size_t len = strcspn(choices, "|");
        if (act_str_eq(act_str_n(choices, len), value))
            return true;
        choices += len + (choices[len] == '|');
    }
    return false;
}

static enum act_err
check_target(struct act_str value, struct act_error *err)
{
    struct act_arena arena = {0};
    struct act_feed_target target;
    struct act_error why = {0};
    enum act_err code = act_feed_target_parse(value, &arena, &target, &why);
    act_arena_fini(&arena);
    return code ? act_error_set(err, ACT_ERR_USAGE, "--events %.*s: %s", ACT_STR_ARG(value),
                                why.message)
                : ACT_OK;
}

/* The value may be what must not be shown. */
static enum act_err
check_auth(enum act_opt id, struct act_str value, struct act_error *err)
{
    struct act_error why = {0};
    enum act_err code = id == ACT_OPT_EVENTS_HEADER ? act_feed_header_check(value, &why)
                                                    : act_feed_sign_check(value, &why);
    return code ? act_error_set(err, ACT_ERR_USAGE, "--%s: %s", table[id].name, why.message)
                : ACT_OK;
}

enum act_err
act_option_check(enum act_opt id, struct act_str value, struct act_error *err)
{
    const struct act_option *option = &table[id];
    const char *choices = option->value ? option->choices : "true|false";
    if (choices && !is_choice(choices, value)) {
        act_error_set(err, ACT_ERR_USAGE, "--%s is '%.*s', which is not one of its values",
                      option->name, ACT_STR_ARG(value));
        act_error_hint(err, "one of: %s", choices);
        return ACT_ERR_USAGE;
    }
    if (option->flags & ACT_OPT_COUNT_VALUE) {
        bool digits = value.len > 0 && value.len <= 6;
        for (size_t i = 0; i < value.len && digits; i++)
            digits = value.ptr[i] >= '0' && value.ptr[i] <= '9';
        if (!digits)
            return act_error_set(err, ACT_ERR_USAGE,
                                 "--%s wants a whole number up to 999999, not '%.*s'", option->name,
                                 ACT_STR_ARG(value));
    }
    if (id == ACT_OPT_EVENTS && value.len > 0)
        return check_target(value, err);
    if ((id == ACT_OPT_EVENTS_HEADER || id == ACT_OPT_EVENTS_SIGN) && value.len > 0)
        return check_auth(id, value, err);
    if (value.len == 0 && option->value)
        return act_error_set(err, ACT_ERR_USAGE, "--%s wants %s, not an empty text", option->name,
                             option->value);
    return ACT_OK;
}

static enum act_opt
find_long(const enum act_opt *takes, struct act_str name)
{
    for (; *takes != ACT_OPT_NONE; takes++)
        if (act_str_is(name, table[*takes].name))
            return *takes;
    return ACT_OPT_NONE;
}

static enum act_opt
find_letter(const enum act_opt *takes, char letter)
{
    for (; *takes != ACT_OPT_NONE; takes++)
        if (table[*takes].letter == letter)
            return *takes;
    return ACT_OPT_NONE;
}

static enum act_err
unknown(const enum act_opt *takes, struct act_str name, struct act_error *err)
{
    const char *names[ACT_OPT_COUNT];
    size_t count = 0;
    for (const enum act_opt *id = takes; *id != ACT_OPT_NONE; id++)
        names[count++] = table[*id].name;
    const char *near = act_nearest_name(name, names, count);
    act_error_set(err, ACT_ERR_USAGE, "unknown option '--%.*s'", ACT_STR_ARG(name));
    if (near)
        act_error_hint(err, "did you mean --%s?", near);
    else
        act_error_hint(err, "--help lists the options; `--` before a word that begins with '-'");
    return ACT_ERR_USAGE;
}

/* Where the parser is. */
struct cursor {
    const enum act_opt *takes;
    int argc, at;
    char *const *argv;
    struct act_args *args;
};

static enum act_err
take(struct cursor *c, enum act_opt id, const char *attached, struct act_error *err)
{
    const struct act_option *option = &table[id];
    struct act_str value = act_str(attached);
    if (option->flags & ACT_OPT_LATER)
        return act_error_set(err, ACT_ERR_UNSUPPORTED, "--%s is not supported yet", option->name);
    if (!option->value && !attached)
        value = ACT_STR("true");
    else if (option->value && !attached) {
        if (c->at + 1 >= c->argc) {
            act_error_set(err, ACT_ERR_USAGE, "--%s wants a value: --%s %s", option->name,
                          option->name, option->value);
            return ACT_ERR_USAGE;
        }
        value = act_str(c->argv[++c->at]);
    }
    enum act_err code = act_option_check(id, value, err);
    if (code)
        return code;
    if (!(option->flags & ACT_OPT_REPEAT))
        act_vec_clear(&c->args->given[id]);
    act_vec_push(&c->args->given[id], value);
    return ACT_OK;
}

static enum act_err
parse_long(struct cursor *c, const char *text, struct act_error *err)
{
    size_t len = strcspn(text, "=");
    enum act_opt id = find_long(c->takes, act_str_n(text, len));
    if (id == ACT_OPT_NONE && len > 3 && memcmp(text, "no-", 3) == 0 && !text[len]) {
        id = find_long(c->takes, act_str(text + 3));
        if (id != ACT_OPT_NONE && !table[id].value)
            return take(c, id, "false", err);
        id = ACT_OPT_NONE;
    }
    if (id == ACT_OPT_NONE)
        return unknown(c->takes, act_str_n(text, len), err);
    return take(c, id, text[len] ? text + len + 1 : NULL, err);
}

/* `-j4`, `-j 4`, `-fq`. */
static enum act_err
parse_letters(struct cursor *c, const char *text, struct act_error *err)
{
    for (; *text; text++) {
        enum act_opt id = find_letter(c->takes, *text);
        if (id == ACT_OPT_NONE) {
            act_error_set(err, ACT_ERR_USAGE, "unknown option '-%c'", *text);
            act_error_hint(err,
                           "--help lists the options; `--` before a word that begins with '-'");
            return ACT_ERR_USAGE;
        }
        if (table[id].value)
            return take(c, id, text[1] ? text + 1 : NULL, err);
        enum act_err code = take(c, id, NULL, err);
        if (code)
            return code;
    }
    return ACT_OK;
}

enum act_err
act_args_parse(const enum act_opt *takes, int argc, char *const *argv, struct act_args *ret,
               struct act_error *err)
{
    struct cursor c = {.takes = takes, .argc = argc, .argv = argv, .args = ret};
    bool options = true;
    for (; c.at < argc; c.at++) {
        const char *text = argv[c.at];
        enum act_err code = ACT_OK;
        if (!options || text[0] != '-' || !text[1])
            act_vec_push(&ret->words, act_str(text));
        else if (text[1] != '-')
            code = parse_letters(&c, text + 1, err);
        else if (text[2])
            code = parse_long(&c, text + 2, err);
        else
            options = false;
        if (code)
            return code;
    }
    return ACT_OK;
}
