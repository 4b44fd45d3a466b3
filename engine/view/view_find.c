#include "engine/view/view.h"

/* The name that people would have meant. */
static struct act_str
nearest(const struct act_view *view, struct act_str name)
{
    struct act_str best = {0};
    uint32_t least = name.len < 6 ? 2 : 3;
    for (uint32_t i = 0; i < view->entries.len; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        struct act_str names[] = {entry->id, entry->path};
        for (int j = 0; j < 2; j++) {
            uint32_t distance =
                names[j].len > 0 ? act_str_distance(name, names[j], least) : UINT32_MAX;
            if (distance < least) {
                least = distance;
                best = names[j];
            }
        }
    }
    return best;
}

static enum act_err
several(const struct act_view *view, struct act_str name, uint32_t count, struct act_error *err)
{
    struct act_buf paths = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < view->entries.len && shown < 8; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_str_eq(entry->id, name))
            act_buf_printf(&paths, "%s%.*s", shown++ ? ", " : "", ACT_STR_ARG(entry->path));
    }
    act_error_set(err, ACT_ERR_INVALID, "%u instances have the id '%.*s': %s%s", count,
                  ACT_STR_ARG(name), paths.ptr, shown < count ? ", …" : "");
    act_error_hint(err, "name one by its path");
    act_buf_fini(&paths);
    return ACT_ERR_INVALID;
}

enum act_err
act_view_find(const struct act_view *view, struct act_str name, const struct act_view_entry **ret,
              struct act_error *err)
{
    const struct act_view_entry *by_id = NULL, *by_path = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->entries.len; i++) {
        const struct act_view_entry *entry = &view->entries.ptr[i];
        if (act_str_eq(entry->path, name))
            by_path = entry;
        if (name.len > 0 && act_str_eq(entry->id, name)) {
            by_id = entry;
            count++;
        }
    }
    if (count == 1 || (count == 0 && by_path)) {
        *ret = count == 1 ? by_id : by_path;
        return ACT_OK;
    }
    if (count > 1 && by_path) {
        *ret = by_path;
        return ACT_OK;
    }
    if (count > 1)
        return several(view, name, count, err);
    struct act_str near = nearest(view, name);
    act_error_set(err, ACT_ERR_NOT_FOUND, "the run has no node '%.*s'", ACT_STR_ARG(name));
    if (near.len > 0)
        act_error_hint(err, "did you mean '%.*s'?", ACT_STR_ARG(near));
    else
        act_error_hint(err, "`actant history show RUN` lists its nodes");
    return ACT_ERR_NOT_FOUND;
}
