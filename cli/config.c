#include "cli/config.h"

#include "embed/input.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum act_err
act_config_problem(const struct act_config_sink *sink, uint32_t line, struct act_error *err,
                   const char *format, ...)
{
    struct act_buf text = {0};
    va_list args;
    va_start(args, format);
    act_buf_vprintf(&text, format, args);
    va_end(args);
    act_error_set(err, ACT_ERR_INVALID, "%.*s", ACT_STR_ARG(act_buf_str(&text)));
    act_error_place(err, "%.*s:%u", ACT_STR_ARG(sink->path), line);
    act_buf_fini(&text);
    return ACT_ERR_INVALID;
}

static enum act_opt
find_key(struct act_str key)
{
    for (enum act_opt id = ACT_OPT_NONE + 1; id < ACT_OPT_COUNT; id++) {
        const char *name = act_option(id)->config;
        if (name && act_str_is(key, name))
            return id;
    }
    return ACT_OPT_NONE;
}

static enum act_err
unknown_key(const struct act_config_sink *sink, uint32_t line, struct act_str key,
            struct act_error *err)
{
    const char *names[ACT_OPT_COUNT];
    size_t count = 0;
    for (enum act_opt id = ACT_OPT_NONE + 1; id < ACT_OPT_COUNT; id++)
        if (act_option(id)->config)
            names[count++] = act_option(id)->config;
    act_config_problem(sink, line, err, "unknown key '%.*s'", ACT_STR_ARG(key));
    const char *near = act_nearest_name(key, names, count);
    if (near)
        act_error_hint(err, "did you mean '%s'?", near);
    else
        act_error_hint(err, "this file configures actant; a workflow needs another name than "
                            "actant.toml and actant.yaml");
    return ACT_ERR_INVALID;
}

/* The path that begins in value at `at` is one from the config file's folder. */
static struct act_str
from_folder(const struct act_config_sink *sink, struct act_str value, size_t at)
{
    if (at >= value.len || value.ptr[at] == '/')
        return value;
    return act_arena_printf(&sink->config->arena, "%.*s%.*s/%.*s", (int)at, value.ptr,
                            ACT_STR_ARG(sink->folder), (int)(value.len - at), value.ptr + at);
}

enum act_err
act_config_put(struct act_config_sink *sink, uint32_t line, struct act_str key,
               const struct act_str *values, uint32_t count, bool list, struct act_error *err)
{
    enum act_opt id = find_key(key);
    if (id == ACT_OPT_NONE)
        return unknown_key(sink, line, key, err);
    const struct act_option *option = act_option(id);
    struct act_strs *given = &sink->config->levels[sink->level].given[id];
    if (given->len > 0)
        return act_config_problem(sink, line, err, "'%s' stands here twice", option->config);
    if (list && !(option->flags & ACT_OPT_REPEAT))
        return act_config_problem(sink, line, err, "'%s' is one value, not a list", option->config);
    for (uint32_t i = 0; i < count; i++) {
        struct act_error inner = {0};
        if (act_option_check(id, values[i], &inner)) {
            act_config_problem(sink, line, err, "%s", inner.message);
            act_error_hint(err, "%s", inner.hint);
            return ACT_ERR_INVALID;
        }
        struct act_str value = act_arena_str(&sink->config->arena, values[i]);
        ptrdiff_t file = id == ACT_OPT_SECRET ? act_str_find(value, ACT_STR("=@")) : -1;
        if (option->flags & ACT_OPT_PATH && act_str_find(value, ACT_STR("://")) < 0)
            value = from_folder(sink, value, 0);
        else if (file > 0 && !memchr(value.ptr, '=', (size_t)file))
            value = from_folder(sink, value, (size_t)file + 2);
        act_vec_push(given, value);
    }
    return ACT_OK;
}

/* Reads <folder>/<stem>.toml or .yaml if there is one. */
static enum act_err
load_folder(struct act_config *config, enum act_level level, struct act_str folder,
            const char *stem, bool *found, struct act_error *err)
{
    static const char *const endings[] = {".toml", ".yaml"};
    for (size_t i = 0; i < 2; i++) {
        struct act_str path =
            act_arena_printf(&config->arena, "%.*s/%s%s", ACT_STR_ARG(folder), stem, endings[i]);
        struct stat st;
        if (stat(path.ptr, &st) != 0)
            continue;
        if (*found) {
            act_error_set(err, ACT_ERR_INVALID, "there is a .toml and a .yaml of the same name");
            act_error_place(err, "%s", path.ptr);
            act_error_hint(err, "keep one of them");
            return ACT_ERR_INVALID;
        }
        *found = true;
        if (level == ACT_LEVEL_PROJECT && st.st_uid != geteuid() && st.st_uid != 0) {
            act_error_set(err, ACT_ERR_INVALID, "this config file belongs to another user");
            act_error_place(err, "%s", path.ptr);
            act_error_hint(err, "chown it, remove it, or work elsewhere");
            return ACT_ERR_INVALID;
        }
        struct act_str text;
        enum act_err code = act_input_read(path, &config->arena, &text, err);
        if (code)
            return code;
        struct act_config_sink sink = {config, level, folder, path};
        config->paths[level] = path;
        code = i == 0 ? act_config_toml(&sink, text, err) : act_config_yaml(&sink, text, err);
        if (code)
            return code;
    }
    return ACT_OK;
}

static enum act_err
load_project(struct act_config *config, struct act_error *err)
{
    char folder[PATH_MAX];
    if (!getcwd(folder, sizeof(folder)))
        return ACT_OK; /* the folder is gone: there is nothing above it either */
    for (;;) {
        bool found = false;
        struct act_str here = act_arena_str(&config->arena, act_str(folder));
        enum act_err code = load_folder(config, ACT_LEVEL_PROJECT, here, "actant", &found, err);
        if (code || found)
            return code;
        char *slash = strrchr(folder, '/');
        if (!slash || folder[0] == '\0')
            return ACT_OK;
        *slash = '\0'; /* "/a/b" → "/a" → "" */
    }
}

enum act_err
act_config_load(struct act_config *config, struct act_error *err)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    struct act_str folder = {0};
    if (base && base[0] == '/')
        folder = act_arena_printf(&config->arena, "%s/actant", base);
    else if (home && home[0] == '/')
        folder = act_arena_printf(&config->arena, "%s/.config/actant", home);
    bool found = false;
    if (folder.len > 0) {
        enum act_err code = load_folder(config, ACT_LEVEL_USER, folder, "config", &found, err);
        if (code)
            return code;
    }
    return load_project(config, err);
}

void
act_config_fini(struct act_config *config)
{
    for (int i = 0; i < ACT_LEVEL_COUNT; i++)
        act_args_fini(&config->levels[i]);
    act_arena_fini(&config->arena);
}
