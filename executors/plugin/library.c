#include "executors/plugin/library.h"

#include "dsl/plan_schema.h"
#include "executors/plugin/elf.h"

#include <dlfcn.h>
#include <stdio.h>

#define COUNT_MAX 10000 /* of tasks, actors, methods: more is a table that was not filled in */

struct reading {
    struct act_plugin_library *library;
    struct act_error *err;
};

static enum act_err
refuse(const struct reading *r, const char *what, const char *name, const char *why)
{
    act_error_set(r->err, ACT_ERR_INVALID, "%s: %s%s%.80s%s: %s", r->library->path, what,
                  name ? " '" : "", name ? name : "", name ? "'" : "", why);
    act_error_hint(r->err, "this is for the plugin's author; include/actant/plugin.h says what is "
                           "wanted");
    return ACT_ERR_INVALID;
}

/* An item of a table that may have been built with another header: what it has, the rest zero. */
static void
copy_item(void *to, size_t to_size, const void *array, uint32_t index, uint32_t item_size)
{
    memset(to, 0, to_size);
    memcpy(to, (const char *)array + (size_t)index * item_size,
           item_size < to_size ? item_size : to_size);
}

static enum act_err
check_list(const struct reading *r, const char *what, const char *name, const void *array,
           uint32_t count, uint32_t size, size_t size_min)
{
    if (count == 0)
        return ACT_OK;
    if (!array || count > COUNT_MAX)
        return refuse(r, what, name, "its list and its count do not fit each other");
    if (size < size_min || size % sizeof(void *) != 0)
        return refuse(r, what, name, "the size of its items is wrong: say sizeof of their struct");
    return ACT_OK;
}

static bool
is_id(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
        if (!letter && (at == name || !((*at >= '0' && *at <= '9') || *at == '-')))
            return false;
    }
    return *name != '\0' && strlen(name) <= 200;
}

static enum act_err
check_name(const struct reading *r, const char *what, const char *name)
{
    if (!name)
        return refuse(r, what, NULL, "it has no name");
    if (!is_id(name))
        return refuse(r, what, name, "a name is letters, digits, '_' and '-'");
    return ACT_OK;
}

static enum act_err
read_schema(const struct reading *r, const char *what, const char *name, const char *text,
            bool object, struct act_value **ret)
{
    struct act_error why = {0};
    char said[600];
    if (!text)
        return ACT_OK;
    enum act_err code = act_json_parse(act_str(text), 0, ret, &why);
    if (!code)
        code = act_schema_verify(*ret, &why);
    const struct act_value *type = code ? NULL : act_value_get(*ret, ACT_STR("type"));
    if (!code && object &&
        (!type || act_value_type(type) != ACT_STRING ||
         !act_str_is(act_value_as_str(type), "object")))
        code = act_error_set(&why, ACT_ERR_INVALID, "arguments are of \"type\": \"object\"");
    if (!code)
        return ACT_OK;
    snprintf(said, sizeof(said), "its schema of %s cannot be used: %s",
             object ? "arguments" : "results", why.message);
    return refuse(r, what, name, said);
}

static enum act_err
read_function(const struct reading *r, const char *what, act_plugin_functions *list,
              struct act_plugin_function function, const char *args, const char *result)
{
    enum act_err code = check_name(r, what, function.name);
    if (!code && act_plugin_function_find(list, act_str(function.name)))
        code = refuse(r, what, function.name, "the name stands there twice");
    if (!code && !function.task && !function.method)
        code = refuse(r, what, function.name, "it has no function");
    if (!code)
        code = read_schema(r, what, function.name, args, true, &function.args);
    if (!code)
        code = read_schema(r, what, function.name, result, false, &function.result);
    act_vec_push(list, function); /* closed with the library, whatever is wrong */
    return code;
}

static enum act_err
read_tasks(const struct reading *r)
{
    const struct actant_plugin *table = &r->library->table;
    enum act_err code = check_list(r, "its tasks", NULL, table->tasks, table->task_count,
                                   table->task_size, offsetof(struct actant_plugin_task, args));
    for (uint32_t i = 0; i < table->task_count && !code; i++) {
        struct actant_plugin_task task;
        copy_item(&task, sizeof(task), table->tasks, i, table->task_size);
        struct act_plugin_function function = {
            .name = task.name, .description = task.description, .task = task.run};
        code = read_function(r, "task", &r->library->tasks, function, task.args, task.result);
    }
    return code;
}

static enum act_err
read_actor(const struct reading *r, struct act_plugin_actor *actor)
{
    const struct actant_plugin_actor *table = &actor->table;
    enum act_err code = check_name(r, "actor", table->name);
    for (uint32_t i = 0; i + 1 < r->library->actors.len && !code; i++)
        if (strcmp(r->library->actors.ptr[i].table.name, table->name) == 0)
            code = refuse(r, "actor", table->name, "the name stands there twice");
    if (!code && (!table->create || (table->save && !table->restore)))
        code = refuse(r, "actor", table->name,
                      table->create ? "what is saved must be restored: it lacks `restore`"
                                    : "it lacks `create`");
    if (!code)
        code = read_schema(r, "actor", table->name, table->with, true, &actor->with);
    if (!code)
        code = check_list(r, "actor", table->name, table->methods, table->method_count,
                          table->method_size, offsetof(struct actant_plugin_method, args));
    for (uint32_t i = 0; i < table->method_count && !code; i++) {
        struct actant_plugin_method method;
        copy_item(&method, sizeof(method), table->methods, i, table->method_size);
        struct act_plugin_function function = {
            .name = method.name, .description = method.description, .method = method.run};
        code = read_function(r, "method", &actor->methods, function, method.args, method.result);
    }
    return code;
}

static enum act_err
read_actors(const struct reading *r)
{
    const struct actant_plugin *table = &r->library->table;
    enum act_err code = check_list(r, "its actors", NULL, table->actors, table->actor_count,
                                   table->actor_size, sizeof(struct actant_plugin_actor));
    for (uint32_t i = 0; i < table->actor_count && !code; i++) {
        struct act_plugin_actor actor = {0};
        copy_item(&actor.table, sizeof(actor.table), table->actors, i, table->actor_size);
        act_vec_push(&r->library->actors, actor);
        code = read_actor(r, act_vec_last(&r->library->actors));
    }
    return code;
}

static enum act_err
wrong_abi(const struct reading *r, uint32_t abi)
{
    act_error_set(r->err, ACT_ERR_FOREIGN,
                  "%s: built for plugin ABI %u, and this actant speaks ABI %d", r->library->path,
                  abi, ACTANT_PLUGIN_ABI);
    act_error_hint(r->err, abi > ACTANT_PLUGIN_ABI
                               ? "use a newer actant, or build it with this one's actant/plugin.h"
                               : "build it again with this version's actant/plugin.h");
    return ACT_ERR_FOREIGN;
}

static enum act_err
no_symbol(const struct reading *r)
{
    char name[32];
    for (uint32_t abi = ACTANT_PLUGIN_ABI + 1; abi < 10; abi++) {
        snprintf(name, sizeof(name), "actant_plugin_v%u", abi);
        if (dlsym(r->library->handle, name))
            return wrong_abi(r, abi);
    }
    act_error_set(r->err, ACT_ERR_FOREIGN, "%s: no plugin: it does not export %s", r->library->path,
                  ACTANT_PLUGIN_SYMBOL);
    act_error_hint(r->err,
                   "define `const struct actant_plugin *%s(void)`, in C++ as extern \"C\"; "
                   "`actant plugin new NAME` writes one",
                   ACTANT_PLUGIN_SYMBOL);
    return ACT_ERR_FOREIGN;
}

static enum act_err
load(const struct reading *r)
{
    struct act_plugin_library *library = r->library;
    enum act_err code = act_plugin_elf_check(library->path, r->err);
    if (code)
        return code;
    library->handle = dlopen(library->path, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle) {
        const char *why = dlerror();
        size_t own = strlen(library->path);
        if (why && strncmp(why, library->path, own) == 0 && why[own] == ':')
            why += own + 1 + (why[own + 1] == ' ');
        act_error_set(r->err, ACT_ERR_FOREIGN, "%s: cannot be loaded: %s", library->path,
                      why ? why : "no reason given");
        act_error_hint(r->err, "link it with what it needs (-l…), install that, or name its folder "
                               "in $LD_LIBRARY_PATH");
        return ACT_ERR_FOREIGN;
    }
    const struct actant_plugin *(*entry)(void);
    void *symbol = dlsym(library->handle, ACTANT_PLUGIN_SYMBOL);
    memcpy(&entry, &symbol, sizeof(entry)); /* a function as an object: POSIX, not C */
    if (!symbol)
        return no_symbol(r);
    const struct actant_plugin *table = entry();
    if (!table)
        return refuse(r, "its table", NULL, ACTANT_PLUGIN_SYMBOL " returned NULL");
    if (table->abi != ACTANT_PLUGIN_ABI)
        return wrong_abi(r, table->abi);
    if (table->size < offsetof(struct actant_plugin, actors))
        return refuse(r, "its table", NULL, "its size is wrong: say sizeof(struct actant_plugin)");
    copy_item(&library->table, sizeof(library->table), table, 0, table->size);
    return ACT_OK;
}

enum act_err
act_plugin_library_open(const char *path, struct act_plugin_library **ret, struct act_error *err)
{
    struct act_plugin_library *library = act_zalloc(1, sizeof(*library));
    struct reading r = {library, err};
    library->path = act_strndup(path, strlen(path));
    enum act_err code = load(&r);
    if (!code)
        code = check_name(&r, "the plugin", library->table.name);
    if (!code)
        code = read_tasks(&r);
    if (!code)
        code = read_actors(&r);
    if (code)
        act_plugin_library_close(library);
    else
        *ret = library;
    return code;
}

static void
functions_fini(act_plugin_functions *functions)
{
    for (uint32_t i = 0; i < functions->len; i++) {
        act_value_release(functions->ptr[i].args);
        act_value_release(functions->ptr[i].result);
    }
    act_vec_fini(functions);
}

void
act_plugin_library_close(struct act_plugin_library *library)
{
    if (!library)
        return;
    functions_fini(&library->tasks);
    for (uint32_t i = 0; i < library->actors.len; i++) {
        functions_fini(&library->actors.ptr[i].methods);
        act_value_release(library->actors.ptr[i].with);
    }
    act_vec_fini(&library->actors);
    if (library->handle)
        dlclose(library->handle);
    act_free(library->path);
    act_free(library);
}

const struct act_plugin_function *
act_plugin_function_find(const act_plugin_functions *functions, struct act_str name)
{
    for (uint32_t i = 0; i < functions->len; i++)
        if (functions->ptr[i].name && act_str_is(name, functions->ptr[i].name))
            return &functions->ptr[i];
    return NULL;
}

const struct act_plugin_actor *
act_plugin_actor_find(const struct act_plugin_library *library, struct act_str name)
{
    for (uint32_t i = 0; i < library->actors.len; i++)
        if (act_str_is(name, library->actors.ptr[i].table.name))
            return &library->actors.ptr[i];
    return NULL;
}

/* ---- to people ---- */

static struct act_value *
text_or_null(const char *text)
{
    return text ? act_value_cstring(text) : act_value_null();
}

static void
put_schema(struct act_value *map, const char *key, const struct act_value *schema)
{
    act_value_map_put(map, act_str(key), schema ? act_value_retain(schema) : act_value_null());
}

static struct act_value *
describe_functions(const act_plugin_functions *functions)
{
    struct act_value *list = act_value_list();
    for (uint32_t i = 0; i < functions->len; i++) {
        const struct act_plugin_function *function = &functions->ptr[i];
        struct act_value *map = act_value_map();
        act_value_map_put(map, ACT_STR("name"), act_value_cstring(function->name));
        act_value_map_put(map, ACT_STR("description"), text_or_null(function->description));
        put_schema(map, "args", function->args);
        put_schema(map, "result", function->result);
        act_value_list_add(list, map);
    }
    return list;
}

struct act_value *
act_plugin_library_describe(const struct act_plugin_library *library)
{
    struct act_value *map = act_value_map(), *actors = act_value_list();
    act_value_map_put(map, ACT_STR("abi"), act_value_int(library->table.abi));
    act_value_map_put(map, ACT_STR("name"), act_value_cstring(library->table.name));
    act_value_map_put(map, ACT_STR("version"), text_or_null(library->table.version));
    act_value_map_put(map, ACT_STR("tasks"), describe_functions(&library->tasks));
    for (uint32_t i = 0; i < library->actors.len; i++) {
        const struct act_plugin_actor *actor = &library->actors.ptr[i];
        struct act_value *one = act_value_map();
        act_value_map_put(one, ACT_STR("name"), act_value_cstring(actor->table.name));
        act_value_map_put(one, ACT_STR("description"), text_or_null(actor->table.description));
        put_schema(one, "with", actor->with);
        act_value_map_put(one, ACT_STR("methods"), describe_functions(&actor->methods));
        act_value_list_add(actors, one);
    }
    act_value_map_put(map, ACT_STR("actors"), actors);
    return map;
}
