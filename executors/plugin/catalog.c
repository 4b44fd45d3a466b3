#include "executors/plugin/catalog.h"

#include "base/map.h"
#include "base/vec.h"
#include "executors/plugin/inspect.h"

/* What became of one library: a description, or why there is none. */
struct entry {
    struct act_value *library;
    enum act_err code;
    struct act_error error;
};

struct plugin_catalog {
    struct act_catalog catalog; /* first */
    struct act_arena arena;
    struct act_plugin_places places;
    struct act_str program;
    struct act_map names; /* → index in entries */
    ACT_VEC(struct entry) entries;
};

static void
inspect(struct plugin_catalog *self, struct act_str name, struct entry *entry)
{
    struct act_plugin_found found = {0};
    entry->code = act_plugin_find(&self->places, name, &self->arena, &found, &entry->error);
    if (!entry->code)
        entry->code = act_plugin_inspect(self->program.ptr, found.path.ptr, 0, &entry->library,
                                         &entry->error);
    if (entry->code)
        return;
    struct act_value *shadows = act_value_list();
    for (uint32_t i = 0; i < found.shadow_count; i++)
        act_value_list_add(shadows, act_value_string(found.shadows[i]));
    act_value_map_put(entry->library, ACT_STR("path"), act_value_string(found.path));
    act_value_map_put(entry->library, ACT_STR("shadows"), shadows);
}

static enum act_err
look_up(struct act_catalog *catalog, struct act_str name, const struct act_value **ret,
        struct act_error *err)
{
    struct plugin_catalog *self = (struct plugin_catalog *)(void *)catalog;
    const uint64_t *known = act_map_get(&self->names, name);
    uint32_t index = known ? (uint32_t)*known : self->entries.len;
    if (!known) {
        struct entry entry = {0};
        inspect(self, name, &entry);
        act_map_put(&self->names, act_arena_str(&self->arena, name), index);
        act_vec_push(&self->entries, entry);
    }
    const struct entry *entry = &self->entries.ptr[index];
    if (entry->code)
        *err = entry->error;
    else
        *ret = entry->library;
    return entry->code;
}

struct act_catalog *
act_plugin_catalog_create(const struct act_plugin_places *places, struct act_str program)
{
    struct plugin_catalog *self = act_zalloc(1, sizeof(*self));
    self->catalog.library = look_up;
    self->places = (struct act_plugin_places){
        .path = act_arena_str(&self->arena, places->path),
        .folder = act_arena_str(&self->arena, places->folder),
        .shipped = act_arena_str(&self->arena, places->shipped),
    };
    self->program = act_arena_str(&self->arena, program);
    return &self->catalog;
}

void
act_plugin_catalog_destroy(struct act_catalog *catalog)
{
    struct plugin_catalog *self = (struct plugin_catalog *)(void *)catalog;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->entries.len; i++)
        act_value_release(self->entries.ptr[i].library);
    act_vec_fini(&self->entries);
    act_map_fini(&self->names);
    act_arena_fini(&self->arena);
    act_free(self);
}
