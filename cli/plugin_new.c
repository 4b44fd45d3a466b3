#include "cli/plugin_new.h"

#include "base/arena.h"
#include "cli/embedded.h"
#include "engine/port/write_all.h"
#include "executors/plugin/find.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a file goes, as it is called in the source; '@' stands for the plugin's name. */
static const struct place {
    const char *file, *to;
} places[] = {
    {"plugin.c.in", "@.c"},      {"Makefile", "Makefile"},    {"README.md", "README.md"},
    {"test.yaml", "test.yaml"},  {"gitignore", ".gitignore"}, {"plugin.h", "actant/plugin.h"},
    {"json.h", "actant/json.h"},
};
#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

static const struct act_embedded *
find(const char *name)
{
    const struct act_embedded *at = act_plugin_new_files;
    while (at->name && strcmp(at->name, name) != 0)
        at++;
    return at;
}

/* text with every mark replaced by name. */
static void
fill_in(struct act_buf *out, struct act_str text, struct act_str mark, struct act_str name)
{
    ptrdiff_t at;
    while ((at = act_str_find(text, mark)) >= 0) {
        act_buf_add(out, text.ptr, (size_t)at);
        act_buf_add_str(out, name);
        text = act_str_n(text.ptr + at + mark.len, text.len - (size_t)at - mark.len);
    }
    act_buf_add_str(out, text);
}

static enum act_err
write_file(const char *path, struct act_str bytes, struct act_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return act_error_set(err, ACT_ERR_SYSTEM, "%s: %s", path, strerror(errno));
    int failed = act_write_all(fd, bytes);
    close(fd);
    return failed ? act_error_set(err, ACT_ERR_SYSTEM, "%s: %s", path, strerror(failed)) : ACT_OK;
}

static struct act_str
path_of(struct act_arena *arena, struct act_str name, const struct place *place)
{
    struct act_buf to = {0};
    act_buf_printf(&to, "%.*s/", ACT_STR_ARG(name));
    fill_in(&to, act_str(place->to), ACT_STR("@"), name);
    struct act_str path = act_arena_str(arena, act_buf_str(&to));
    act_buf_fini(&to);
    return path;
}

static enum act_err
write_all(struct act_arena *arena, struct act_str name, struct act_error *err)
{
    enum act_err code = ACT_OK;
    for (size_t i = 0; i < PLACE_COUNT && !code; i++) {
        const struct act_embedded *file = find(places[i].file);
        struct act_buf text = {0};
        fill_in(&text, act_str_n((const char *)file->bytes, file->size), ACT_STR("@NAME@"), name);
        code = write_file(path_of(arena, name, &places[i]).ptr, act_buf_str(&text), err);
        act_buf_fini(&text);
    }
    return code;
}

static void
remove_all(struct act_arena *arena, struct act_str name)
{
    for (size_t i = 0; i < PLACE_COUNT; i++)
        unlink(path_of(arena, name, &places[i]).ptr);
    rmdir(act_arena_printf(arena, "%.*s/actant", ACT_STR_ARG(name)).ptr);
    rmdir(act_arena_str(arena, name).ptr);
}

enum act_err
act_plugin_new(struct act_str name, struct act_error *err)
{
    struct act_arena arena = {0};
    if (!act_plugin_is_name(name)) {
        act_error_set(err, ACT_ERR_INVALID, "'%.*s' cannot be the name of a plugin",
                      name.len > 80 ? 80 : (int)name.len, name.ptr);
        act_error_hint(err, "a name is letters, digits, '_' and '-'; it becomes NAME.so");
        return ACT_ERR_INVALID;
    }
    const char *folder = act_arena_str(&arena, name).ptr;
    enum act_err code = ACT_OK;
    if (mkdir(folder, 0777) != 0) {
        code = act_error_set(err, errno == EEXIST ? ACT_ERR_EXISTS : ACT_ERR_SYSTEM, "%s: %s",
                             folder, errno == EEXIST ? "it exists already" : strerror(errno));
        act_error_hint(err, "choose another name or folder; nothing was written");
    } else {
        mkdir(act_arena_printf(&arena, "%s/actant", folder).ptr, 0777);
        code = write_all(&arena, name, err);
        if (code)
            remove_all(&arena, name);
    }
    act_arena_fini(&arena);
    return code;
}
