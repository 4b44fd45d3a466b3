#include "executors/plugin/find.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct act_str
act_plugin_shipped(struct act_str program, struct act_arena *arena)
{
    static const char *const places[] = {"plugins", "../lib/actant/plugins"};
    size_t len = program.len;
    while (len > 0 && program.ptr[len - 1] != '/')
        len--;
    for (size_t i = 0; len > 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        struct act_str folder = act_arena_printf(arena, "%.*s%s", (int)len, program.ptr, places[i]);
        if (access(folder.ptr, X_OK) == 0)
            return folder;
    }
    return (struct act_str){0};
}

bool
act_plugin_is_name(struct act_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return name.len > 0 && name.len <= 100;
}

bool
act_plugin_split(struct act_str target, struct act_str *ret_library, struct act_str *ret_task)
{
    ptrdiff_t at = act_str_find(target, ACT_STR(":"));
    if (at <= 0)
        return false;
    *ret_library = act_str_n(target.ptr, (size_t)at);
    *ret_task = act_str_n(target.ptr + at + 1, target.len - (size_t)at - 1);
    return act_plugin_is_name(*ret_library) && ret_task->len > 0;
}

struct search {
    struct act_str name;
    struct act_arena *arena;
    struct act_plugin_found *found;
    struct act_buf looked; /* for the message */
    struct stat first;
};

static void
look(struct search *s, struct act_str folder, bool own)
{
    struct stat st;
    char real[PATH_MAX];
    act_buf_printf(&s->looked, "%s%.*s", s->looked.len ? ", " : "", ACT_STR_ARG(folder));
    struct act_str path =
        act_arena_printf(s->arena, "%.*s/%.*s.so", ACT_STR_ARG(folder), ACT_STR_ARG(s->name));
    if (stat(path.ptr, &st) != 0 || S_ISDIR(st.st_mode))
        return;
    struct act_plugin_found *found = s->found;
    if (!found->path.len) {
        found->path = act_arena_str(s->arena, act_str(realpath(path.ptr, real) ? real : path.ptr));
        s->first = st;
        return;
    }
    bool same = st.st_dev == s->first.st_dev && st.st_ino == s->first.st_ino;
    if (own && !same && found->shadow_count < sizeof(found->shadows) / sizeof(found->shadows[0]))
        found->shadows[found->shadow_count++] = path;
}

enum act_err
act_plugin_find(const struct act_plugin_places *places, struct act_str name,
                struct act_arena *arena, struct act_plugin_found *ret, struct act_error *err)
{
    struct act_plugin_found found = {0};
    struct search s = {.name = name, .arena = arena, .found = &found};
    if (!act_plugin_is_name(name)) {
        act_error_set(err, ACT_ERR_INVALID, "'%.*s' cannot be the name of a plugin",
                      name.len > 80 ? 80 : (int)name.len, name.ptr);
        act_error_hint(err, "a name is letters, digits, '_' and '-'; hello.so is `hello`");
        return ACT_ERR_INVALID;
    }
    for (struct act_str rest = places->path; rest.len;) {
        const char *colon = memchr(rest.ptr, ':', rest.len);
        size_t len = colon ? (size_t)(colon - rest.ptr) : rest.len;
        if (len)
            look(&s, act_str_n(rest.ptr, len), true);
        len += colon != NULL;
        rest = act_str_n(rest.ptr + len, rest.len - len);
    }
    look(&s, act_arena_printf(arena, "%.*s/plugins", ACT_STR_ARG(places->folder)), true);
    if (places->shipped.len)
        look(&s, places->shipped, false);
    if (found.path.len)
        *ret = found;
    else
        act_error_set(err, ACT_ERR_NOT_FOUND, "there is no plugin '%.*s'", ACT_STR_ARG(name));
    if (!found.path.len)
        act_error_hint(err, "%.*s.so was looked for in %.*s%s", ACT_STR_ARG(name),
                       s.looked.len > 160 ? 160 : (int)s.looked.len, s.looked.ptr,
                       places->path.len ? "" : "; $ACTANT_PLUGIN_PATH can name more folders");
    act_buf_fini(&s.looked);
    return found.path.len ? ACT_OK : ACT_ERR_NOT_FOUND;
}
